"""Which cases are there tonight, how severe, since when, and what has happened to them?

A case is what the signals of one event are to an officer (`connected.py`); what each says of itself, `case_rows.py`. It
keeps its id over the nights, and is about whatever its signals are about tonight. A case that ended and comes again is a
new one that `follows` it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from riskengine.casework.case_endings import (
    ENDED,
    Before,
    Memory,
    Tonight,
    Was,
    endings,
    overdue,
    remembered,
    turns,
)
from riskengine.casework.case_events import WITHDRAWN, Change, Happened, events_of
from riskengine.casework.case_rows import COLUMNS, STANDING, Case, Maker
from riskengine.casework.case_rules import CaseRules
from riskengine.casework.connected import Evidence, Group, Key, Told, groups
from riskengine.casework.silence import cooling, hushing, quiet
from riskengine.monitor.long_texts import one_by_one
from riskengine.monitor.signals import SEVERITIES
from riskengine.schema import fingerprint
from riskengine.stages import given_back

_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}
_NOTHING: frozenset[str] = frozenset()
_READ = ("about", "id", "enterprise", "signal", "severity", "state", "worst", "first_seen", "raised_on", "guarantees",
         "exposure", "expected_loss", "text_en", "text_zh")  # fmt: skip


@dataclass(frozen=True)
class Past:
    """The publication before: signals with their `case`, CASES, ENDED and the book; nothing on the first night."""

    signals: pd.DataFrame | None = None
    cases: pd.DataFrame | None = None
    ended: pd.DataFrame | None = None
    book: pd.DataFrame | None = None


@dataclass(frozen=True)
class Formed:
    """`signals` with `case` and `inhibited`; `cases` (COLUMNS), `events` (EVENTS) and `ended` (ENDED), all ordered."""

    signals: pd.DataFrame
    cases: pd.DataFrame
    events: pd.DataFrame
    ended: pd.DataFrame


def form(signals: pd.DataFrame, past: Past, rules: CaseRules, tonight: Tonight) -> Formed:
    """The cases of a night: a pure function of its signals, the publication before, the rules and the book.

    `signals` has `evaluate.COLUMNS`; the order of its rows changes nothing.
    """
    made, place, inhibited, events, ended = _made(signals, past, rules, tonight)
    given_back()  # the groups, and the cases before with what was in them: nothing reads them any more
    return Formed(
        signals.assign(
            case=pd.Series(place, index=signals.index, dtype="object"),
            inhibited=pd.Series(inhibited, index=signals.index, dtype="bool"),
        ),
        _framed(made, signals, rules),
        events,
        ended,
    )


def _made(
    signals: pd.DataFrame, past: Past, rules: CaseRules, tonight: Tonight
) -> tuple[list[Case], list[str], Sequence[bool], pd.DataFrame, pd.DataFrame]:
    """The cases in any order; of each signal its case and whether a worse one inhibits it; EVENTS and ENDED."""
    columns = {column for root in rules.file.root for column in root.same}
    rows = _rows(signals, Evidence(columns, tonight.contracts))
    old = _was(past.cases)
    then = _before(past, old, rules)
    found = groups(rows, _sticky(rows, then), {case: _standing(row) for case, row in old.items()}, rules)
    ended_before = _records(past.ended, ENDED)
    taken = {*old, *ended_before}
    changes = [_named(group, old, taken, tonight.as_of) for group in found]
    maker = Maker(rows, rules, tonight.as_of, then)
    made = [maker.case(change) for change in changes]
    inhibited, hushed = hushing(changes, made, rows, (rules.silenced(tonight.as_of), tonight.closed))
    memory = Memory(ended_before)
    for number, (change, row) in enumerate(zip(changes, made, strict=True)):
        row.inhibited = sum(inhibited[place] for place in change.group.members)
        maker.fact(change, row, inhibited)
        row.follows = row.follows or (None if change.before else memory.latest(change.group))
        row.quiet = quiet(row, change, rows["state"], hushed[number]) or cooling(
            row, memory, rules, tonight.as_of
        )
    ids = list(zip(rows["about"], rows["id"], strict=True))
    happened = turns(changes, made, ids, (then, tonight, rules.file))
    into = {case for change in changes for case in change.before}
    over = endings([case for case in old if case not in into], then, tonight, rules.file)
    happened += [
        Happened(row["case"], old[row["case"]].enterprise, "ended", row["severity"], row["why"])
        for row in over
    ]
    events = events_of(tonight.as_of, changes, made, happened, rows)
    place = [""] * len(signals)
    for change in changes:
        for member in change.group.members:
            place[member] = change.case
    ended = remembered([*ended_before.values()], over, tonight.as_of, rules.file.remember)
    return made, place, inhibited, events, ended


def with_deadlines(formed: Formed, own: Mapping[str, str]) -> pd.DataFrame:
    """The cases with `deadlines`: the deadlines that their signals have themselves (`own`: signal -> span), until they end."""
    with_own = formed.signals.loc[formed.signals.signal.isin(set(own)), ["case", "signal"]]
    found: dict[str, set[str]] = {}
    for case, signal in zip(with_own.case, with_own.signal, strict=True):
        found.setdefault(case, set()).add(own[signal])
    told = [",".join(sorted(found.get(case, ()))) for case in formed.cases.case]
    return formed.cases.assign(deadlines=pd.Series(told, index=formed.cases.index, dtype="object"))


def _rows(signals: pd.DataFrame, evidence: Evidence) -> dict[str, list[Any]]:
    """The columns of the signals as Python's values, and what their evidence says instead of its texts (`connected.Told`)."""
    rows: dict[str, list[Any]] = {name: signals[name].to_numpy(dtype="object").tolist() for name in _READ}
    told: tuple[list[Any], ...] = ([], [], [])
    identifiers, hashes, newest = (column.append for column in told)
    for text in one_by_one(signals.evidence):
        one = evidence.read(text)
        identifiers(one.identifiers)
        hashes(one.hashes)
        newest(one.newest)
    return rows | dict(zip(Told._fields, told, strict=True))


_OF_LEAD = {"lead": "signal", "text_en": "text_en", "text_zh": "text_zh", "evidence_key": "evidence_key"}


def _framed(made: Sequence[Case], signals: pd.DataFrame, rules: CaseRules) -> pd.DataFrame:
    """CASES in order. What a case says in the words of its lead signal or of its root is taken from there, column by column."""
    level = np.array([_NUMBER[row.severity] for row in made], dtype="int64")
    keys: list[Sequence[Any]] = [[row.case for row in made], [row.about for row in made]]
    keys += [[row.root for row in made], [row.unit for row in made], (-level).tolist()]
    order = sorted(range(len(made)), key=list(zip(*reversed(keys), strict=True)).__getitem__)
    rows = [made[place] for place in order]
    lead = np.array([row.lead for row in rows], dtype="int64")
    titles = {root: rules.title(root) for root in {row.root for row in rows}}
    columns: dict[str, pd.Series] = {}
    for name, kind in COLUMNS.items():
        if name in _OF_LEAD:
            values: Any = signals[_OF_LEAD[name]].to_numpy(dtype="object")[lead]
        elif name in ("title_en", "title_zh"):
            values = [getattr(titles[row.root], name[-2:]) for row in rows]
        elif name in _OF_CASE:
            values = list(map(attrgetter(name), rows))
        else:
            values = [STANDING.get(name)] * len(rows)
        columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns, copy=False)


_OF_CASE = {*Case.__dataclass_fields__, "enterprise"}


def _was(frame: pd.DataFrame | None) -> dict[str, Was]:
    """The cases of the night before by id, in order of id."""
    if frame is None or not len(frame):
        return {}
    columns = (_known(frame[name]) if name in frame else [None] * len(frame) for name in Was._fields)
    return {row.case: row for row in sorted(map(Was._make, zip(*columns, strict=True)), key=_by_id)}


def _by_id(row: Was) -> str:
    return str(row.case)


def _known(column: pd.Series) -> list[Any]:
    """A column as Python values, None where nothing is known."""
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def _sticky(rows: Mapping[str, Sequence[Any]], then: Before) -> list[str | None]:
    """The case of each signal the night before, where that case is known."""
    where = {key: case for case, keys in then.members.items() if case in then.cases for key in keys}
    return [where.get(key) for key in zip(rows["about"], rows["id"], rows["signal"], strict=True)]


def _records(frame: pd.DataFrame | None, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows by case, in order of case, with None where nothing is known."""
    if frame is None or not len(frame):
        return {}
    place = names.index("case")
    known = frame.reindex(columns=list(names))
    columns = [_known(known[name]) for name in names]
    rows = sorted(zip(*columns, strict=True), key=lambda row: str(row[place]))
    return {row[place]: dict(zip(names, row, strict=True)) for row in rows}


def _before(past: Past, old: Mapping[str, Was], rules: CaseRules) -> Before:
    """What was in each case the night before; nothing where that publication had no cases."""
    members: dict[str, list[tuple[str, str, str]]] = {}
    withdrawn: set[tuple[str, str, str]] = set()
    if past.signals is not None and "case" in past.signals:
        names = ("case", "state", "about", "id", "signal")
        for case, state, *key in zip(*(past.signals[name].tolist() for name in names), strict=True):
            if isinstance(case, str) and case:
                member = (key[0], key[1], key[2])
                members.setdefault(case, []).append(member)
                if state == WITHDRAWN:
                    withdrawn.add(member)
    late = None if past.book is None else overdue(past.book, rules.file.overdue)
    return Before(old, members, frozenset(withdrawn), late, past.cases is None)


def _standing(row: Was) -> tuple[Key, frozenset[str]]:
    """Where a case was the night before, and its identifiers then."""
    named = _NOTHING if row.identifiers == "[]" else frozenset(json.loads(row.identifiers))
    return (row.about, row.unit, row.root), named


def _named(group: Group, old: Mapping[str, Was], taken: set[str], as_of: date) -> Change:
    """The group under the oldest of its cases before, else under an id of its own that no other case has had."""
    past = group.before
    if len(past) > 1:
        past = tuple(sorted(past, key=lambda case: (old[case].opened_on, case)))
    if past:
        return Change(past[0], group, past)
    number = 0
    while (name := _case_id(group, as_of, number)) in taken:
        number += 1
    taken.add(name)
    return Change(name, group, ())


def _case_id(group: Group, as_of: date, number: int) -> str:
    told = [str(as_of), *group.key, sorted(group.identifiers), number]
    return "C" + fingerprint(told)[:10]
