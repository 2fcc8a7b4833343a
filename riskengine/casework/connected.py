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
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskengine.casework.case_rules import CaseRules
from riskengine.intake.contract import SourceContract
from riskengine.monitor.vocabulary import GUARANTEE

WEIGHTY = 0.25  # a way of contagion below this part of the heaviest is no evidence of its own: it comes and goes [D]
ENTERPRISE = "enterprise"
PERIODS = ("monthly", "quarterly", "yearly")
Key = tuple[str, str, str]  # about (`enterprise` for all that is about one), unit, root


@dataclass(frozen=True)
class Told:
    """What a text of evidence says: `column=value` of the columns asked for, a short hash of each row, the newest event's day."""

    identifiers: frozenset[str] = frozenset()
    hashes: tuple[str, ...] = ()
    newest: str = ""


@dataclass(frozen=True)
class Group:
    """Signals (places in the frame) of one event, the cases before that they belong to, and all their identifiers."""

    key: Key
    members: tuple[int, ...]
    before: tuple[str, ...]
    identifiers: frozenset[str]


class Evidence:
    """Reads texts of evidence, each once."""

    def __init__(self, columns: Iterable[str], contracts: Mapping[str, SourceContract]) -> None:
        self._columns = frozenset(columns)
        self._dates = {name: _periods(contract) for name, contract in contracts.items()}
        self._known: dict[str, Told] = {}

    def read(self, text: Any) -> Told:
        """The identifiers and hashes of a text; none of what rests on nothing."""
        if not isinstance(text, str):
            return Told()
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._parse(text)
        return found

    def _parse(self, text: str) -> Told:
        told = json.loads(text)
        identifiers = set()
        rows = []
        for row in told.get("rows", ()):
            keys = row["keys"]
            period = self._dates.get(row["source"], frozenset())
            told_keys = (f"{name}={value}" for name, value in sorted(keys.items()) if name not in period)
            rows.append("|".join([row["source"], *told_keys]))
            for name in self._columns & keys.keys():
                if keys[name] not in (None, ""):
                    identifiers.add(f"{name}={plain(keys[name])}")
        paths = told.get("paths", ())
        most = max((float(one["contribution"]) for one in paths), default=0.0)
        weighty = (one for one in paths if float(one["contribution"]) >= WEIGHTY * most)
        rows += [f"path|{one['keys'][0]}" for one in weighty]  # the one in trouble
        newest = max((str(row.get("event_date") or "") for row in told.get("rows", ())), default="")
        hashes = tuple(hashlib.sha256(row.encode()).hexdigest()[:12] for row in rows)
        return Told(frozenset(identifiers), hashes, newest)


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
    evidence: Evidence,
) -> list[Group]:
    """The groups of a night's signals, in order of key and identifiers.

    `rows` are the columns about, id, enterprise, signal, evidence; `sticky` the case of each row the night before;
    `before` the key and the identifiers of each case then.
    """
    union = _Union()
    keys: list[Key] = []
    own: list[frozenset[str]] = []
    for about, name, enterprise, signal, text in zip(
        rows["about"], rows["id"], rows["enterprise"], rows["signal"], rows["evidence"], strict=True
    ):
        root = rules.roots.get(signal)
        keys.append(key_of(about, name, enterprise, root.id if root else signal))
        found = evidence.read(text).identifiers if root and root.same else frozenset()
        own.append(frozenset(one for one in found if root and one.split("=", 1)[0] in root.same))
    at = _keys_tonight(keys, sticky, before)
    nodes = [
        _joined(union, key, identifiers, case if case is not None and at[case] == key else None)
        for key, identifiers, case in zip(keys, own, sticky, strict=True)
    ]
    for case, (_, identifiers) in before.items():
        _joined(union, at[case], identifiers, case)
    members: dict[Hashable, list[int]] = {}
    for place, node in enumerate(nodes):
        members.setdefault(union.root(node), []).append(place)
    cases: dict[Hashable, list[str]] = {}
    for case in before:
        top = union.root(("case", case))
        if top in members:
            cases.setdefault(top, []).append(case)
    made = []
    for top, places in members.items():
        past = tuple(sorted(cases.get(top, ())))
        every = frozenset().union(*(own[place] for place in places), *(before[case][1] for case in past))
        made.append(Group(keys[places[0]], tuple(places), past, every))
    return sorted(made, key=lambda group: (group.key, sorted(group.identifiers), group.before))


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


def _joined(union: _Union, key: Key, identifiers: frozenset[str], case: str | None) -> Hashable:
    tokens: list[Hashable] = [(key, one) for one in identifiers] or [(key, "")]
    if case is not None:
        tokens.append(("case", case))
    for token in tokens[1:]:
        union.join(tokens[0], token)
    return tokens[0]


class _Union:
    """Disjoint sets with path halving."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def root(self, node: Hashable) -> Hashable:
        parent = self._parent
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, one: Hashable, other: Hashable) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parent[second] = first


def is_guarantee(about: str) -> bool:
    """Whether a signal is about a single guarantee, whose money must count once."""
    return about == GUARANTEE
