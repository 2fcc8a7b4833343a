"""Which signals of a night speak of one event? Those with an identifier in common, or of one root without identifiers.

1. Signals are compared within one unit (an enterprise; a group or a feed for others) and one root.
2. An identifier is the value of one of the root's `same` columns in a row of the evidence, whatever source it comes from;
   width of characters and blanks do not matter.
3. Signals without any identifier stand with those of their root that have none either.
4. What was in a case the night before stays in it, and what shares an identifier with it joins it, but only where tonight's
   key is the case's. A case moves with its signals where none of them is at its key any more (its enterprise's code was
   merged into another, its root renamed); otherwise a signal that moved leaves it. So no group has two keys.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from riskengine.casework.case_rules import CaseRules
from riskengine.intake.contract import SourceContract
from riskengine.monitor.vocabulary import GUARANTEE

WEIGHTY = 0.25  # a way of contagion below this part of the heaviest is no evidence of its own: it comes and goes [D]
ENTERPRISE = "enterprise"
PERIODS = ("monthly", "quarterly", "yearly")
Key = tuple[str, str, str]  # about (`enterprise` for all that is about one), unit, root


class Told(NamedTuple):
    """What a text of evidence says: `column=value` of the columns asked for, a short hash of each row, the newest event's day."""

    identifiers: frozenset[str] = frozenset()
    hashes: tuple[str, ...] = ()
    newest: str = ""


class Group(NamedTuple):
    """Signals (places in the frame) of one event, the cases before that they belong to, and all their identifiers."""

    key: Key
    members: tuple[int, ...]
    before: tuple[str, ...]
    identifiers: frozenset[str]


class Evidence:
    """Reads texts of evidence.

    Lesson of the profile: of a text of half a kilobyte a case needs the source, the keys and the day of each row. Of a text as
    `monitor.evidence` writes it no more than these is decoded; any other text is read as a whole, to the same answer. Hardly
    two signals rest on the same rows, so what a text says is not kept for the next.
    """

    def __init__(self, columns: Iterable[str], contracts: Mapping[str, SourceContract]) -> None:
        self._columns = frozenset(columns)
        self._dates = {name: _periods(contract) for name, contract in contracts.items()}
        self._shapes: dict[
            tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]
        ] = {}  # names told, naming

    def read(self, text: Any) -> Told:
        """The identifiers and hashes of a text; none of what rests on nothing."""
        if not isinstance(text, str):
            return _NOTHING
        parts = _parts(text)
        return self._parse(text) if parts is None else self._told(parts)

    def _told(self, parts: Sequence[tuple[str, Mapping[str, Any], str]]) -> Told:
        hashes, identifiers, newest = [], _NONE, ""
        for source, keys, day in parts:
            shape = (source, *keys)
            names, naming = self._shapes.get(shape) or self._shape(shape)
            hashes.append(_short("|".join([source, *[f"{name}={keys[name]}" for name in names]])))
            if naming:
                told = [f"{name}={plain(keys[name])}" for name in naming if keys[name] not in (None, "")]
                identifiers = identifiers.union(told)
            newest = max(newest, day)
        return Told(identifiers, tuple(hashes), sys.intern(newest))

    def _shape(self, shape: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of a source and the names of its keys: those that are told, and those that identify an event."""
        source, *keys = shape
        period = self._dates.get(source, _NONE)
        names = tuple(name for name in sorted(keys) if name not in period)
        found = self._shapes[shape] = names, tuple(name for name in keys if name in self._columns)
        return found

    def _parse(self, text: str) -> Told:
        told = json.loads(text)
        rows = told.get("rows", ())
        found = self._told([(row["source"], row["keys"], str(row.get("event_date") or "")) for row in rows])
        paths = told.get("paths", ())
        most = max((float(one["contribution"]) for one in paths), default=0.0)
        weighty = (one for one in paths if float(one["contribution"]) >= WEIGHTY * most)
        more = (_short(f"path|{one['keys'][0]}") for one in weighty)  # the one in trouble
        return found._replace(hashes=(*found.hashes, *more)) if paths else found


_NONE: frozenset[str] = frozenset()
_NOTHING = Told()
_BEGINS = '{"rows":['
# a row as `monitor.evidence` writes it, where nothing in it has to be undone: no backslash, nothing within its keys
_ROW_AS_WRITTEN = re.compile(
    r'\{"source":"([^"\\]*)","en":"[^"\\]*","zh":"[^"\\]*","keys":(\{[^{}\\]*\}),"batch":\d+,"file":"[^"\\]*","row":\d+,'
    r'"event_date":"([^"\\]*)","known_at":"[^"\\]*"\}([,\]])'
).match
_REST = re.compile(r',"of":\d+\}\s*').fullmatch
_decoded = json.JSONDecoder().raw_decode


def _parts(text: str) -> list[tuple[str, Mapping[str, Any], str]] | None:
    """(Source, keys, day) of each row of a text as `monitor.evidence` writes it; None of any other."""
    if not text.startswith(_BEGINS):
        return None
    found, at, follows = [], len(_BEGINS), ","
    while follows == ",":
        row = _ROW_AS_WRITTEN(text, at)
        if row is None:
            return None
        source, day, follows = row.group(1, 3, 4)
        try:
            keys, _ = _decoded(text, row.start(2))
        except ValueError:
            return None
        found.append((source, keys, day))
        at = row.end()
    return found if _REST(text, at) else None


def _short(row: str) -> str:
    return hashlib.sha256(row.encode()).hexdigest()[:12]


def _periods(contract: SourceContract) -> frozenset[str]:
    """The dates in the key of a source that reports by period: the same fact in the next report is no new evidence."""
    if contract.cadence not in PERIODS and contract.coverage != "partial":
        return frozenset()
    return frozenset(name for name in contract.key if contract.column_type(name) == "date")


def plain(value: Any) -> str:
    """A value without blanks, full-width characters as their usual ones.

    >>> plain("（2026）鲁 0811 执 1 号")
    '(2026)鲁0811执1号'
    """
    return "".join(unicodedata.normalize("NFKC", str(value)).split())


def key_of(about: str, name: str, enterprise: Any, root: str) -> Key:
    """Where a signal belongs: its enterprise, else its guarantee, group or feed; and its root."""
    if isinstance(enterprise, str) and enterprise:
        return ENTERPRISE, enterprise, root
    return about, name, root


def groups(
    rows: Mapping[str, Sequence[Any]],
    sticky: Sequence[str | None],
    before: Mapping[str, tuple[Key, frozenset[str]]],
    rules: CaseRules,
) -> list[Group]:
    """The groups of a night's signals, in order of key and identifiers.

    `rows` are the columns about, id, enterprise, signal, and the identifiers in the evidence; `sticky` the case of each row the night before;
    `before` the key and the identifiers of each case then.
    """
    keys: list[Key] = []
    own: list[frozenset[str]] = []
    nothing: frozenset[str] = frozenset()
    roots = {signal: rules.roots.get(signal) for signal in set(rows["signal"])}
    for about, name, enterprise, signal, named in zip(
        rows["about"], rows["id"], rows["enterprise"], rows["signal"], rows["identifiers"], strict=True
    ):
        root = roots[signal]
        keys.append(key_of(about, name, enterprise, root.id if root else signal))
        mine = named and root is not None and root.same
        own.append(frozenset(one for one in named if one.split("=", 1)[0] in mine) if mine else nothing)
    at = _keys_tonight(keys, sticky, before)
    members: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        members.setdefault(key, []).append(place)
    cases: dict[Key, list[str]] = {}
    for case, key in at.items():
        if key in members:
            cases.setdefault(key, []).append(case)
    made: list[Group] = []
    for key in sorted(members):
        places, past = members[key], cases.get(key, ())
        if any(own[place] for place in places) or any(before[case][1] for case in past):
            made += _apart(key, places, past, (own, sticky, before))
        else:  # nearly all: without identifiers all of one key speak of one event
            made.append(Group(key, tuple(places), tuple(sorted(past)), nothing))
    return made


def _apart(
    key: Key,
    places: Sequence[int],
    past: Sequence[str],
    known: tuple[Sequence[frozenset[str]], Sequence[str | None], Mapping[str, tuple[Key, frozenset[str]]]],
) -> list[Group]:
    """The groups of one key, by identifiers in common and by the cases before, in order of identifiers."""
    own, sticky, before = known
    union, mine = _Union(), set(past)
    nodes = [
        _joined(union, own[place], case if (case := sticky[place]) in mine else None) for place in places
    ]
    for case in past:
        _joined(union, before[case][1], case)
    members: dict[int, list[int]] = {}
    for place, node in zip(places, nodes, strict=True):
        members.setdefault(union.root(node), []).append(place)
    cases: dict[int, list[str]] = {}
    for case in past:
        top = union.root(union.node(("case", case)))
        if top in members:
            cases.setdefault(top, []).append(case)
    made = []
    for top, those in members.items():
        earlier = tuple(sorted(cases.get(top, ())))
        every = _NONE.union(*(own[place] for place in those), *(before[case][1] for case in earlier))
        made.append(Group(key, tuple(those), earlier, every))
    return sorted(made, key=lambda group: (sorted(group.identifiers), group.before))


def _keys_tonight(
    keys: Sequence[Key], sticky: Sequence[str | None], before: Mapping[str, tuple[Key, frozenset[str]]]
) -> dict[str, Key]:
    """Where each case before is tonight: at its key while one of its signals is there, else where most of them are."""
    found: dict[str, Counter[Key]] = {}
    for key, case in zip(keys, sticky, strict=True):
        if case is not None and key != before[case][0]:
            found.setdefault(case, Counter())[key] += 1
    for key, case in zip(keys, sticky, strict=True):
        if case in found and key == before[case][0]:
            del found[case]
    at = {case: key for case, (key, _) in before.items()}
    for case, counts in found.items():
        root = at[case][2]
        at[case] = min(counts, key=lambda key: (key[2] != root, -counts[key], key))
    return at


def _joined(union: _Union, identifiers: frozenset[str], case: str | None) -> int:
    tokens: list[Hashable] = [*identifiers] or [""]
    first = union.node(tokens[0])
    for token in tokens[1:]:
        union.join(first, union.node(token))
    if case is not None:
        union.join(first, union.node(("case", case)))
    return first


class _Union:
    """Disjoint sets of numbered nodes, with path halving."""

    def __init__(self) -> None:
        self._number: dict[Hashable, int] = {}
        self._parent: list[int] = []

    def node(self, name: Hashable) -> int:
        found = self._number.setdefault(name, len(self._parent))
        if found == len(self._parent):
            self._parent.append(found)
        return found

    def root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    def join(self, one: int, other: int) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parent[second] = first


def is_guarantee(about: str) -> bool:
    """Whether a signal is about a single guarantee, whose money must count once."""
    return about == GUARANTEE
