"""Which cases are there tonight, how severe, since when, worth how much, and what has happened to them?

A case is what the signals of one event are to an officer (`connected.py`). Its severity is the highest of its signals that
are true; one that is clearing counts no more (a red one does: the system lowers no red), a withdrawn one never. Each
guarantee's money counts once, however many signals it has. A case that ended and comes again is a new one that `follows` it.
On the first night all is new to us and little of it is news: `stock_on` says when what a case rests on last happened.
"""

from __future__ import annotations

import hashlib
import json
import math
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
from riskengine.casework.case_events import EASING, WITHDRAWN, Change, Happened, events_of
from riskengine.casework.case_rules import CaseRules
from riskengine.casework.connected import Evidence, Group, Key, groups, is_guarantee
from riskengine.casework.silence import cooling, hushing, quiet
from riskengine.monitor.evaluate import CLEARING, KEPT, RENEWED
from riskengine.monitor.signals import SEVERITIES
from riskengine.schema import fingerprint

COLUMNS = {
    "case": "object", "about": "object", "enterprise": "object", "unit": "object", "root": "object",
    "title_en": "object", "title_zh": "object", "severity": "object", "severity_before": "object", "worst": "object",
    "fact": "object", "opened_on": "object", "raised_on": "object", "stock_on": "object", "lead": "object", "signals": "int64",
    "inhibited": "int64", "guarantees": "int64", "exposure": "float64", "expected_loss": "float64",
    "text_en": "object", "text_zh": "object", "evidence_key": "object", "evidence_hash": "object",
    "evidence_seen": "object", "identifiers": "object", "follows": "object", "turned": "object", "turned_on": "object",
    "phase": "object", "owner": "object", "awaiting": "object", "claim_due": "object", "verify_due": "object",
    "plan_due": "object", "breached": "object", "snoozed_until": "object", "quiet": "object",
}  # fmt: skip
DAYS = (
    "opened_on",
    "raised_on",
    "stock_on",
    "turned_on",
    "ended_on",
    "snoozed_until",
    "moved_on",
    "due",
    "maturity",
    "on",
)
STANDING = {"phase": "new", "breached": ""}  # until the acts of officers say otherwise
GONE = (CLEARING, WITHDRAWN)
RED = len(SEVERITIES) - 1
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}
_MILD = ("blue", "yellow")
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
    maker = _Maker(rows, rules, tonight.as_of, then, evidence)
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
    """The cases with `deadlines`: the deadlines that their signals have themselves (`own`: signal -> span), those that are true."""
    true = formed.signals[~formed.signals.state.isin(GONE) & formed.signals.signal.isin(set(own))]
    found: dict[str, set[str]] = {}
    for case, signal in zip(true.case, true.signal, strict=True):
        found.setdefault(case, set()).add(own[signal])
    told = [",".join(sorted(found.get(case, ()))) for case in formed.cases.case]
    return formed.cases.assign(deadlines=pd.Series(told, index=formed.cases.index, dtype="object"))


def no_cases() -> pd.DataFrame:
    """A frame of no cases."""
    return _framed([])


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


@dataclass
class _Maker:
    rows: Mapping[str, Sequence[Any]]
    rules: CaseRules
    as_of: date
    then: Before
    evidence: Evidence

    def case(self, change: Change) -> dict[str, Any]:
        """The row of CASES, but for what depends on other cases: inhibited, fact, raised_on, quiet."""
        rows, group = self.rows, change.group
        was = [self.then.cases[case] for case in change.before]
        about, unit, root = _key(was[0]) if was else group.key
        counted = _counted(group.members, rows)
        level = max(_NUMBER[rows["severity"][place]] for place in counted)
        lead = min((place for place in counted if _NUMBER[rows["severity"][place]] == level), key=self._first)
        levels_before = [_NUMBER[row["severity"]] for row in was]
        worst = [_NUMBER[rows["worst"][place]] for place in group.members if rows["worst"][place] in _NUMBER]
        worst += [_NUMBER[row["worst"]] for row in was]
        change.level, change.lead = level, lead
        change.level_before = max(levels_before, default=-1)
        self._compare(change, was)
        title = self.rules.title(root)
        seen = self._seen(change, was)
        return {
            **dict.fromkeys(COLUMNS),
            **STANDING,
            **_money(group.members, rows),
            "case": change.case,
            "about": about,
            "enterprise": unit if about == "enterprise" else "",
            "unit": unit,
            "root": root,
            "title_en": title.en,
            "title_zh": title.zh,
            "severity": SEVERITIES[level],
            "severity_before": SEVERITIES[change.level_before] if was else None,
            "worst": SEVERITIES[max([level, *worst])],
            "opened_on": min(row["opened_on"] for row in was)
            if was
            else min(rows["first_seen"][place] or self.as_of for place in group.members),
            "lead": rows["signal"][lead],
            "signals": len(group.members),
            "text_en": rows["text_en"][lead],
            "text_zh": rows["text_zh"][lead],
            "evidence_key": rows["evidence_key"][lead],
            "evidence_hash": hashlib.sha256("".join(seen).encode()).hexdigest() if seen else None,
            "evidence_seen": " ".join(seen),
            "identifiers": json.dumps(sorted(group.identifiers), ensure_ascii=False),
            "follows": was[0]["follows"] if was else None,
            "turned": was[0].get("turned") if was else None,
            "turned_on": was[0].get("turned_on") if was else None,
        }

    def _seen(self, change: Change, was: Sequence[Mapping[str, Any]]) -> list[str]:
        """Short hashes of every row of evidence the case has ever rested on: only new evidence changes them."""
        members = change.group.members
        told = {row for place in members for row in self.evidence.read(self.rows["evidence"][place]).rows}
        seen = {hashlib.sha256(row.encode()).hexdigest()[:12] for row in told}
        return sorted(seen.union(*((row["evidence_seen"] or "").split() for row in was)))

    def _compare(self, change: Change, was: Sequence[Mapping[str, Any]]) -> None:
        rows, members = self.rows, change.group.members
        past = [member for case in change.before for member in self.then.members.get(case, ())]
        signals = {signal for _, _, signal in past}
        change.guarantees = frozenset(
            rows["id"][place] for place in members if is_guarantee(rows["about"][place])
        )
        change.joined = tuple(sorted({rows["signal"][place] for place in members} - signals)) if was else ()
        change.fact_before = was[0]["fact"] if was else None
        change.withdrawn_before = frozenset(
            member[2] for member in past if self.then.states.get(member) == WITHDRAWN
        )

    def _first(self, place: int) -> tuple[Any, ...]:
        loss = self.rows["expected_loss"][place]
        loss = 0.0 if loss is None or math.isnan(loss) else -float(loss)
        return (
            self.rows["state"][place] in KEPT, loss, self.rows["signal"][place], self.rows["about"][place],
            self.rows["id"][place],
        )  # fmt: skip

    def fact(self, change: Change, row: dict[str, Any], inhibited: Sequence[bool]) -> None:
        """What is to be said of the case tonight, and since when it is as severe or as new as it is."""
        states = [self.rows["state"][place] for place in change.group.members]
        again = {
            self.rows["signal"][place]
            for place in change.group.members
            if not inhibited[place]
            and (
                self.rows["state"][place] == RENEWED
                or (self.rows["state"][place] == "new" and self.rows["signal"][place] in change.joined)
            )
        }
        change.renewed = tuple(sorted(again))
        if set(states) == {WITHDRAWN}:
            fact = WITHDRAWN
        elif set(states) <= {*KEPT, WITHDRAWN}:
            fact = "to confirm" if "to confirm" in states else CLEARING
        elif not change.before:
            fact = "new"
        elif change.level > change.level_before:
            fact = "raised"
        elif change.renewed:
            fact = RENEWED
        else:
            fact = EASING if self.rows["state"][change.lead] == EASING else "continuing"
        row["fact"] = fact
        row["stock_on"] = self._stock(change, fact)
        if fact in ("raised", RENEWED):
            row["raised_on"] = self.as_of
        elif change.before:
            row["raised_on"] = max(self.then.cases[case]["raised_on"] for case in change.before)
        else:
            row["raised_on"] = max(
                self.rows["raised_on"][place] or self.as_of for place in change.group.members
            )

    def _stock(self, change: Change, fact: str) -> date | None:
        """The day of the newest row of a case found on the first night, until something is added to it."""
        if change.before:
            kept: date | None = self.then.cases[change.before[0]].get("stock_on")
            return None if fact in ("raised", RENEWED) else kept
        newest = self.evidence.read(self.rows["evidence"][change.lead]).newest
        return min(date.fromisoformat(newest), self.as_of) if self.then.first and newest else None


def _counted(members: Sequence[int], rows: Mapping[str, Sequence[Any]]) -> Sequence[int]:
    """The signals that decide a case's severity: the true ones and every red; else those not withdrawn; else all."""
    state, severity = rows["state"], rows["severity"]
    counted = [
        p
        for p in members
        if state[p] not in GONE or (state[p] == CLEARING and severity[p] == SEVERITIES[RED])
    ]
    return counted or [p for p in members if state[p] != WITHDRAWN] or members


def _money(members: Sequence[int], rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Guarantees, exposure and expected loss: each guarantee once; a group says its own."""
    whole = [place for place in members if not is_guarantee(rows["about"][place])]
    once = {rows["id"][place]: place for place in members} if not whole else {"": whole[0]}
    return {
        "guarantees": len(once) if not whole else int(rows["guarantees"][whole[0]]),
        **{
            name: total(rows[name][place] for place in once.values())
            for name in ("exposure", "expected_loss")
        },
    }


def total(values: Any) -> float:
    """The sum of the known values to the cent, in any order the same; NaN where none is known."""
    known = [float(value) for value in values if value is not None and not math.isnan(value)]
    return round(math.fsum(known), 2) if known else math.nan
