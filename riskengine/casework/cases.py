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
from typing import Any

import pandas as pd

from riskengine.casework.case_endings import (
    ENDED,
    Before,
    Memory,
    Tonight,
    endings,
    overdue,
    remembered,
    turns,
)
from riskengine.casework.case_events import Change, Happened, events_of
from riskengine.casework.case_rows import COLUMNS, Maker
from riskengine.casework.case_rules import CaseRules
from riskengine.casework.connected import Evidence, Group, Key, groups
from riskengine.casework.silence import cooling, hushing, quiet
from riskengine.monitor.signals import SEVERITIES
from riskengine.schema import fingerprint

_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}
_GOES_ON = ("case", "about", "enterprise", "unit", "root", "severity", "worst", "fact", "opened_on", "raised_on",
            "stock_on", "evidence_seen", "identifiers", "follows", "turned", "turned_on")  # fmt: skip
_READ = ("about", "id", "enterprise", "signal", "severity", "state", "worst", "first_seen", "raised_on", "guarantees",
         "exposure", "expected_loss", "text_en", "text_zh", "evidence", "evidence_key")  # fmt: skip


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
    rows: dict[str, list[Any]] = {name: signals[name].to_numpy(dtype="object").tolist() for name in _READ}
    old = _records(past.cases, _GOES_ON)
    then = _before(past, old, rules)
    where = {key: case for case, keys in then.members.items() for key in keys}
    sticky = [
        case if (case := where.get(key)) in old else None
        for key in zip(rows["about"], rows["id"], rows["signal"], strict=True)
    ]
    before = {case: (_key(row), frozenset(json.loads(row["identifiers"]))) for case, row in old.items()}
    columns = {column for root in rules.file.root for column in root.same}
    evidence = Evidence(columns, tonight.contracts)
    found = groups(rows, sticky, before, rules, evidence)
    ended_before = _records(past.ended, ENDED)
    taken = {*old, *ended_before}
    changes = [_named(group, old, taken, tonight.as_of) for group in found]
    maker = Maker(rows, rules, tonight.as_of, then, evidence)
    made = [maker.case(change) for change in changes]
    inhibited, hushed = hushing(changes, made, rows, (rules.silenced(tonight.as_of), tonight.closed))
    memory = Memory(ended_before)
    for number, (change, row) in enumerate(zip(changes, made, strict=True)):
        row["inhibited"] = sum(inhibited[place] for place in change.group.members)
        maker.fact(change, row, inhibited)
        row["follows"] = row["follows"] or (None if change.before else memory.latest(change.group))
        row["quiet"] = quiet(row, change, rows["state"], hushed[number]) or cooling(
            row, memory, rules, tonight.as_of
        )
    happened = turns(changes, made, then, tonight, rules.file)
    into = {case for change in changes for case in change.before}
    ended = endings([case for case in old if case not in into], then, tonight, rules.file)
    happened += [
        Happened(row["case"], old[row["case"]]["enterprise"], "ended", row["severity"], row["why"])
        for row in ended
    ]
    events = events_of(tonight.as_of, changes, made, happened, rows)
    place = [""] * len(signals)
    for change in changes:
        for member in change.group.members:
            place[member] = change.case
    return Formed(
        signals.assign(
            case=pd.Series(place, index=signals.index, dtype="object"),
            inhibited=pd.Series(inhibited, index=signals.index, dtype="bool"),
        ),
        _framed(made),
        events,
        remembered([*ended_before.values()], ended, tonight.as_of, rules.file.remember),
    )


def with_deadlines(formed: Formed, own: Mapping[str, str]) -> pd.DataFrame:
    """The cases with `deadlines`: the deadlines that their signals have themselves (`own`: signal -> span), until they end."""
    with_own = formed.signals[formed.signals.signal.isin(set(own))]
    found: dict[str, set[str]] = {}
    for case, signal in zip(with_own.case, with_own.signal, strict=True):
        found.setdefault(case, set()).add(own[signal])
    told = [",".join(sorted(found.get(case, ()))) for case in formed.cases.case]
    return formed.cases.assign(deadlines=pd.Series(told, index=formed.cases.index, dtype="object"))


def _framed(made: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    columns = {name: pd.Series([row[name] for row in made], dtype="object") for name in COLUMNS}
    frame = pd.DataFrame(columns).astype(dict(COLUMNS))
    order = frame.severity.map(_NUMBER).astype("float64")
    return (
        frame.assign(_level=-order)
        .sort_values(["_level", "unit", "root", "about", "case"], kind="stable", ignore_index=True)
        .drop(columns="_level")
    )


def _records(frame: pd.DataFrame | None, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows by case, in order of case, with None where nothing is known."""
    if frame is None or not len(frame):
        return {}
    told = frame.reindex(columns=list(names)).astype("object")
    columns = told.where(told.notna(), None)
    rows = [
        dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)
    ]
    return {row["case"]: row for row in sorted(rows, key=lambda row: str(row["case"]))}


def _before(past: Past, old: Mapping[str, Mapping[str, Any]], rules: CaseRules) -> Before:
    """What was in each case the night before; nothing where that publication had no cases."""
    members: dict[str, list[tuple[str, str, str]]] = {}
    states: dict[tuple[str, str, str], str] = {}
    if past.signals is not None and "case" in past.signals:
        names = ("case", "state", "about", "id", "signal")
        for case, state, *key in zip(*(past.signals[name].tolist() for name in names), strict=True):
            if isinstance(case, str) and case:
                member = (key[0], key[1], key[2])
                members.setdefault(case, []).append(member)
                states[member] = state
    late = None if past.book is None else overdue(past.book, rules.file.overdue)
    return Before(old, members, states, late, past.cases is None)


def _key(row: Mapping[str, Any]) -> Key:
    return row["about"], row["unit"], row["root"]


def _named(group: Group, old: Mapping[str, Mapping[str, Any]], taken: set[str], as_of: date) -> Change:
    """The group under the oldest of its cases before, else under an id of its own that no other case has had."""
    past = sorted(group.before, key=lambda case: (old[case]["opened_on"], case))
    if past:
        return Change(past[0], group, tuple(past))
    number = 0
    while (name := _case_id(group, as_of, number)) in taken:
        number += 1
    taken.add(name)
    return Change(name, group, ())


def _case_id(group: Group, as_of: date, number: int) -> str:
    told = [str(as_of), *group.key, sorted(group.identifiers), number]
    return "C" + fingerprint(told)[:10]
