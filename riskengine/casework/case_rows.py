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

from riskengine.casework.case_endings import Before
from riskengine.casework.case_events import EASING, WITHDRAWN, Change
from riskengine.casework.case_rules import CaseRules
from riskengine.casework.connected import Evidence, is_guarantee
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
_JSON = json.JSONEncoder(ensure_ascii=False).encode


@dataclass
class Maker:
    """Makes the rows of CASES of a night; `rows` are the columns of its signals."""

    rows: Mapping[str, Sequence[Any]]
    rules: CaseRules
    as_of: date
    then: Before
    evidence: Evidence

    def case(self, change: Change) -> dict[str, Any]:
        """The row of CASES, but for what depends on other cases: inhibited, fact, raised_on, quiet."""
        rows, group = self.rows, change.group
        was = [self.then.cases[case] for case in change.before]
        about, unit, root = group.key
        level = max(_NUMBER[rows["severity"][place]] for place in group.members)
        lead = min(
            (place for place in group.members if _NUMBER[rows["severity"][place]] == level), key=self._first
        )
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
            "identifiers": _JSON(sorted(group.identifiers)) if group.identifiers else "[]",
            "follows": was[0]["follows"] if was else None,
            "turned": was[0].get("turned") if was else None,
            "turned_on": was[0].get("turned_on") if was else None,
        }

    def _seen(self, change: Change, was: Sequence[Mapping[str, Any]]) -> list[str]:
        """Short hashes of every row of evidence the case has ever rested on: only new evidence changes them."""
        members = change.group.members
        seen: set[str] = set()
        for place in members:
            seen.update(self.evidence.read(self.rows["evidence"][place]).hashes)
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
        elif set(states) <= set(KEPT):
            fact = "to confirm" if "to confirm" in states else CLEARING
        elif not change.before:
            fact = "new"
        elif change.level > change.level_before:
            fact = "raised"
        elif change.renewed:
            fact = RENEWED
        else:
            decides = self.rows["state"][change.lead]
            fact = decides if decides in (EASING, *KEPT) else "continuing"
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
