"""Which cases have ended and why, which have come true, and which ended case does a new one follow?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from riskengine.casework.case_events import WITHDRAWN, Change, Happened
from riskengine.casework.case_rules import CaseFile
from riskengine.casework.connected import Group, Key, is_guarantee
from riskengine.intake.contract import SourceContract

if TYPE_CHECKING:
    from riskengine.casework.case_rows import Case

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


class Was(NamedTuple):
    """What a night reads of a case of the night before; None where nothing is known."""

    case: str
    about: str
    enterprise: str
    unit: str
    root: str
    severity: str
    worst: str
    fact: str
    opened_on: date
    raised_on: date
    stock_on: date | None
    evidence_hash: str | None
    evidence_seen: str
    identifiers: str
    follows: str | None
    turned: str | None
    turned_on: date | None


@dataclass(frozen=True)
class Before:
    """The cases of the night before by id, what was in them, what of that the source had taken back, and the ids overdue then.

    `overdue` is None where there was no night before.
    """

    cases: Mapping[str, Was]
    members: Mapping[str, Sequence[Member]]
    withdrawn: frozenset[Member]
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
    made: Sequence[Case],
    ids: Sequence[tuple[str, str]],
    known: tuple[Before, Tonight, CaseFile],
) -> list[Happened]:
    """Cases there before whose guarantee has turned overdue, is overdue no longer, or was compensated; rows say `turned`.

    `ids`: what each signal is about, and which.
    """
    before, tonight, rules = known
    now = overdue(tonight.book, rules.overdue)
    turned = frozenset() if before.overdue is None else now - before.overdue
    found: list[Happened] = []
    for change, new in zip(changes, made, strict=True):
        if change.before and (turned or new.turned):
            own = frozenset(ids[at][1] for at in change.group.members if is_guarantee(ids[at][0]))
            found += _of_overdue(new, own & now, own & turned, tonight.as_of)
    in_force = set(tonight.book.id.astype("str"))
    paid = {one for one, source in tonight.gone.items() if source in rules.compensated} - in_force
    going = {case: row for change, row in zip(changes, made, strict=True) for case in change.before}
    told: set[tuple[str, str]] = set()
    of_paid: dict[str, set[str]] = {}
    for case, members in before.members.items() if paid else ():
        for about, name, _ in members:
            if name in paid and is_guarantee(about):
                of_paid.setdefault(case, set()).add(name)
    for case, names in sorted(of_paid.items()):
        row: Case | Was | None = going.get(case) or before.cases.get(case)
        for one in sorted(names) if row else ():
            if row and (row.case, one) not in told:
                told.add((row.case, one))
                found.append(Happened(row.case, row.enterprise, "turned compensated", None, one))
                if case in going:
                    going[case].turned, going[case].turned_on = COMPENSATED, tonight.as_of
    return found


def _of_overdue(row: Case, now: frozenset[str], turned: frozenset[str], as_of: date) -> list[Happened]:
    """Of its guarantees some are overdue `now`, of these some have `turned` so tonight."""
    if turned:
        row.turned, row.turned_on = "overdue", as_of
    elif row.turned == "overdue" and not now:
        row.turned = row.turned_on = None
        return [Happened(row.case, row.enterprise, "no longer overdue")]
    return [Happened(row.case, row.enterprise, "turned overdue", None, one) for one in sorted(turned)]


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
        elif members and all(member in before.withdrawn for member in members):
            why = WITHDRAWN
        else:
            why = ", ".join(sorted(said)) or "no longer true"
        told = {name: getattr(row, name) for name in ENDED[:-2]}
        found.append({**told, "ended_on": tonight.as_of, "why": why})
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
