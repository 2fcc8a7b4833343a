"""What does a case say of itself: how severe, led by which signal, worth how much, resting on what, since when, and what is new?

Its severity is the highest of its signals. One that is clearing, waits for a person or was withdrawn counts until it ends:
its own exit says how long that takes, so a case is no sooner better than its signals. Each guarantee's money counts once,
however many signals it has. On the first night all is new to us and little of it is news: `stock_on` says when what a case
rests on last happened.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.casework.case_endings import Before, Was
from riskengine.casework.case_events import EASING, WITHDRAWN, Change
from riskengine.casework.case_rules import CaseRules
from riskengine.casework.connected import ENTERPRISE, is_guarantee
from riskengine.monitor.evaluate import CLEARING, KEPT, RENEWED
from riskengine.monitor.signals import SEVERITIES

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
STANDING = {"phase": "new", "breached": ""}  # until the acts of officers say otherwise
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}
_ALL_WITHDRAWN, _ALL_KEPT = frozenset((WITHDRAWN,)), frozenset(KEPT)
_JSON = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class Case:
    """The row of CASES that a night makes of a change: what its lead signal and its root say is read from these.

    Lesson of the profile: as mappings of 36 names the cases of a province took two gigabytes; half of it said nothing of its own.
    """

    case: str
    about: str
    unit: str
    root: str
    severity: str
    severity_before: str | None
    worst: str
    opened_on: date
    lead: int  # the place of the signal that leads
    signals: int
    guarantees: int
    exposure: float
    expected_loss: float
    evidence_hash: str | None
    evidence_seen: str
    identifiers: str
    follows: str | None
    turned: str | None
    turned_on: date | None
    fact: str = ""
    raised_on: date = date.min
    stock_on: date | None = None
    inhibited: int = 0
    quiet: str = ""

    @property
    def enterprise(self) -> str:
        """The enterprise that the case is about, or ""."""
        return self.unit if self.about == ENTERPRISE else ""


@dataclass
class Maker:
    """Makes the rows of CASES of a night; `rows` are the columns of its signals, and what is read in their evidence."""

    rows: Mapping[str, Sequence[Any]]
    rules: CaseRules
    as_of: date
    then: Before

    def case(self, change: Change) -> Case:
        """The row of CASES, but for what depends on other cases: inhibited, fact, raised_on, quiet."""
        rows, group = self.rows, change.group
        members = group.members
        was = [self.then.cases[case] for case in change.before]
        about, unit, root = group.key
        severities, worsts = rows["severity"], rows["worst"]
        lead = members[0]
        level = _NUMBER[severities[lead]]
        if len(members) > 1:  # of eight cases seven are one signal
            level = max(_NUMBER[severities[place]] for place in members)
            lead = min((place for place in members if _NUMBER[severities[place]] == level), key=self._first)
        worst = max([level, *(_NUMBER.get(worsts[place], -1) for place in members)])
        if was:
            change.level_before = max(_NUMBER[row.severity] for row in was)
            worst = max(worst, *(_NUMBER[row.worst] for row in was))
        change.level, change.lead = level, lead
        self._compare(change, was)
        seen, named = self._seen(members, was)
        guarantees, exposure, loss = _money(members, rows)
        return Case(
            change.case,
            about,
            unit,
            root,
            SEVERITIES[level],
            SEVERITIES[change.level_before] if was else None,
            SEVERITIES[worst],
            min(row.opened_on for row in was)
            if was
            else min(rows["first_seen"][place] or self.as_of for place in members),
            lead,
            len(members),
            guarantees,
            exposure,
            loss,
            named,
            seen,
            _JSON(sorted(group.identifiers)) if group.identifiers else "[]",
            was[0].follows if was else None,
            was[0].turned if was else None,
            was[0].turned_on if was else None,
        )

    def _seen(self, members: Sequence[int], was: Sequence[Was]) -> tuple[str, str | None]:
        """Short hashes of every row of evidence the case has ever rested on, and the hash of these: only new evidence changes
        them."""
        hashes = self.rows["hashes"]
        found = [one for place in members for one in hashes[place]]
        if len(was) == 1:  # most cases rest on nothing new
            before = was[0].evidence_seen or ""
            if was[0].evidence_hash and all(one in before for one in found):
                return before, was[0].evidence_hash
        seen = sorted({*found, *(one for row in was for one in (row.evidence_seen or "").split())})
        return " ".join(seen), hashlib.sha256("".join(seen).encode()).hexdigest() if seen else None

    def _compare(self, change: Change, was: Sequence[Was]) -> None:
        rows, members = self.rows, change.group.members
        if not change.before:
            return
        past = [member for case in change.before for member in self.then.members.get(case, ())]
        signals = {signal for _, _, signal in past}
        joined = {signal for place in members if (signal := rows["signal"][place]) not in signals}
        change.joined = tuple(sorted(joined)) if joined else ()
        change.fact_before = was[0].fact
        if self.then.withdrawn:
            change.withdrawn_before = frozenset(member[2] for member in past if member in self.then.withdrawn)

    def _first(self, place: int) -> tuple[Any, ...]:
        loss = self.rows["expected_loss"][place]
        loss = 0.0 if loss is None or math.isnan(loss) else -float(loss)
        return (
            self.rows["state"][place] in KEPT, loss, self.rows["signal"][place], self.rows["about"][place],
            self.rows["id"][place],
        )  # fmt: skip

    def fact(self, change: Change, row: Case, inhibited: Sequence[bool]) -> None:
        """What is to be said of the case tonight, and since when it is as severe or as new as it is."""
        states, signals, members = self.rows["state"], self.rows["signal"], change.group.members
        told = {states[place] for place in members}
        if RENEWED in told or (change.joined and "new" in told):
            again = {
                signals[place]
                for place in members
                if not inhibited[place]
                and (states[place] == RENEWED or (states[place] == "new" and signals[place] in change.joined))
            }
            change.renewed = tuple(sorted(again))
        if told == _ALL_WITHDRAWN:
            fact = WITHDRAWN
        elif told <= _ALL_KEPT:
            fact = "to confirm" if "to confirm" in told else CLEARING
        elif not change.before:
            fact = "new"
        elif change.level > change.level_before:
            fact = "raised"
        elif change.renewed:
            fact = RENEWED
        else:
            decides = states[change.lead]
            fact = decides if decides in (EASING, *KEPT) else "continuing"
        row.fact = fact
        row.stock_on = self._stock(change, fact)
        if fact in ("raised", RENEWED):
            row.raised_on = self.as_of
        elif change.before:
            row.raised_on = max(self.then.cases[case].raised_on for case in change.before)
        else:
            row.raised_on = max(self.rows["raised_on"][place] or self.as_of for place in members)

    def _stock(self, change: Change, fact: str) -> date | None:
        """The day of the newest row of a case found on the first night, until something is added to it."""
        if change.before:
            kept: date | None = self.then.cases[change.before[0]].stock_on
            return None if fact in ("raised", RENEWED) else kept
        if not self.then.first:
            return None
        newest = self.rows["newest"][change.lead]
        return min(date.fromisoformat(newest), self.as_of) if newest else None


def _money(members: Sequence[int], rows: Mapping[str, Sequence[Any]]) -> tuple[int, float, float]:
    """Guarantees, exposure and expected loss: each guarantee once; a group says its own."""
    whole = [place for place in members if not is_guarantee(rows["about"][place])]
    if whole:
        places, guarantees = whole[:1], int(rows["guarantees"][whole[0]])
    elif len(members) == 1:
        (place,) = members
        return 1, _cents(rows["exposure"][place]), _cents(rows["expected_loss"][place])
    else:
        once = {rows["id"][place]: place for place in members}
        places, guarantees = list(once.values()), len(once)
    exposure, loss = (
        total([rows[name][place] for place in places]) for name in ("exposure", "expected_loss")
    )
    return guarantees, exposure, loss


def _cents(value: Any) -> float:
    """What `total` says of one value."""
    return math.nan if value is None or math.isnan(value) else round(float(value) + 0.0, 2)


def total(values: Any) -> float:
    """The sum of the known values to the cent, in any order the same; NaN where none is known."""
    known = [float(value) for value in values if value is not None and not math.isnan(value)]
    return round(math.fsum(known), 2) if known else math.nan
