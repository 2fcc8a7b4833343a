"""Which cases have ended and why, which have come true, and which ended case does a new one follow?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd

from riskengine.casework.case_events import WITHDRAWN, Change, Happened
from riskengine.casework.case_rules import CaseFile
from riskengine.casework.connected import Group, Key, is_guarantee
from riskengine.intake.contract import SourceContract

ENDED = ("case", "about", "unit", "root", "identifiers", "severity", "opened_on", "ended_on", "why")
COMPENSATED = "compensated"
Row = Mapping[str, Any]
Member = tuple[str, str, str]  # about, id, signal


@dataclass(frozen=True)
class Tonight:
    """The day, the book in force, by which source a guarantee has ended (`work.ended_by`), `evaluation.ended`, contracts.

    `closed`: cases that people closed (`standing.closed`): what a false alarm would explain is told again.
    """

    as_of: date
    book: pd.DataFrame
    gone: Mapping[str, str] = field(default_factory=dict)
    over: pd.DataFrame | None = None
    contracts: Mapping[str, SourceContract] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Before:
    """The cases of the night before by id, what was in them (about, id, signal, state), and the ids overdue then.

    `overdue` is None where there was no night before.
    """

    cases: Mapping[str, Row]
    members: Mapping[str, Sequence[Member]]
    states: Mapping[Member, str]
    overdue: frozenset[str] | None
    first: bool = False  # no night before had cases


class Memory:
    """The cases that have ended, by what they were about."""

    def __init__(self, ended: Mapping[str, Row]) -> None:
        self.ended = ended
        self._by_key: dict[Key, list[Row]] = {}
        for row in ended.values():
            self._by_key.setdefault((row["about"], row["unit"], row["root"]), []).append(row)

    def latest(self, group: Group) -> str | None:
        """The last case that ended over the same event: an identifier in common, or none on either side."""
        fitting = [row for row in self._by_key.get(group.key, ()) if _same(row, group)]
        last = max(fitting, key=lambda row: (row["ended_on"], row["case"]), default=None)
        return None if last is None else str(last["case"])


def _same(row: Row, group: Group) -> bool:
    had = set(json.loads(row["identifiers"]))
    return bool(had & group.identifiers) or not (had or group.identifiers)


def overdue(book: pd.DataFrame, feature: str) -> frozenset[str]:
    """The ids of the guarantees whose feature is above 0; none where the project names no feature or the book lacks it."""
    if not feature or feature not in book:
        return frozenset()
    return frozenset(book.id[book[feature].astype("float64") > 0].astype("str"))


def turns(
    changes: Sequence[Change],
    made: Sequence[dict[str, Any]],
    before: Before,
    tonight: Tonight,
    rules: CaseFile,
) -> list[Happened]:
    """Cases there before whose guarantee has turned overdue, is overdue no longer, or was compensated; rows say `turned`."""
    now = overdue(tonight.book, rules.overdue)
    found: list[Happened] = []
    for change, new in zip(changes, made, strict=True):
        if change.before:
            found += _of_overdue(change, new, now, before.overdue, tonight.as_of)
    in_force = set(tonight.book.id.astype("str"))
    paid = {one for one, source in tonight.gone.items() if source in rules.compensated} - in_force
    going = {case: row for change, row in zip(changes, made, strict=True) for case in change.before}
    told: set[tuple[str, str]] = set()
    for case, members in sorted(before.members.items()):
        row: Row | None = going.get(case) or before.cases.get(case)
        for one in sorted({name for about, name, _ in members if is_guarantee(about)} & paid) if row else ():
            if row and (row["case"], one) not in told:
                told.add((row["case"], one))
                found.append(Happened(row["case"], row["enterprise"], "turned compensated", None, one))
                if case in going:
                    going[case] |= {"turned": COMPENSATED, "turned_on": tonight.as_of}
    return found


def _of_overdue(
    change: Change, row: dict[str, Any], now: frozenset[str], then: frozenset[str] | None, as_of: date
) -> list[Happened]:
    own = change.guarantees
    late = sorted(own & (now - then)) if then is not None else []
    if late:
        row |= {"turned": "overdue", "turned_on": as_of}
    elif row["turned"] == "overdue" and not own & now:
        row |= {"turned": None, "turned_on": None}
        return [Happened(change.case, row["enterprise"], "no longer overdue")]
    return [Happened(change.case, row["enterprise"], "turned overdue", None, one) for one in late]


def endings(gone: Sequence[str], before: Before, tonight: Tonight, rules: CaseFile) -> list[dict[str, Any]]:
    """The cases that are there no more (ENDED), and why: one of them compensated, all taken back, else what each signal says."""
    whys = _whys(tonight.over)
    in_force = set(tonight.book.id.astype("str"))
    found = []
    for case in gone:
        row, members = before.cases[case], before.members.get(case, ())
        paid = any(
            is_guarantee(about) and name not in in_force and tonight.gone.get(name) in rules.compensated
            for about, name, _ in members
        )
        said = {whys[member] for member in members if member in whys}
        if paid:
            why = COMPENSATED
        elif members and all(before.states.get(member) == WITHDRAWN for member in members):
            why = WITHDRAWN
        else:
            why = ", ".join(sorted(said)) or "no longer true"
        found.append({**{name: row.get(name) for name in ENDED}, "ended_on": tonight.as_of, "why": why})
    return found


def _whys(over: pd.DataFrame | None) -> dict[Member, str]:
    if over is None:
        return {}
    return {
        (about, name, signal): why
        for about, name, signal, why in zip(over.about, over.id, over.signal, over.why, strict=True)
    }


def remembered(before: Sequence[Row], ended: Sequence[Row], as_of: date, days: int) -> pd.DataFrame:
    """The ended cases kept in mind for so many days (ENDED), the newest last."""
    first = as_of - timedelta(days)
    rows = [row for row in (*before, *ended) if row["ended_on"] >= first]
    rows.sort(key=lambda row: (row["ended_on"], row["case"]))
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype="object") for name in ENDED})
