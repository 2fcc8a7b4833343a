"""What is to be done tonight, one line an enterprise: how severe, how much, by when, whose?

A line is all cases of an enterprise that are not quiet; quiet ones are counted on it. The money is that of all its
guarantees in force, each once. Several cases may make a line more severe than any of them (`[[escalate]]`): what has been
raised within the days counts, the last day of them included; rules look at cases, never at each other's result. A case that
was there when watching began counts from the day on which what it rests on happened (`stock_on`), not from the first night.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import pandas as pd

from riskengine.casework.case_endings import overdue
from riskengine.casework.case_rows import total
from riskengine.casework.case_rules import CaseRules, Escalate
from riskengine.casework.connected import ENTERPRISE
from riskengine.monitor.evaluate import KEPT
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE

COLUMNS = {
    "enterprise": "object", "name": "object", "severity": "object", "severity_own": "object", "escalated": "object",
    "cases": "int64", "quiet_cases": "int64", "lead_case": "object", "lead": "object", "phase": "object",
    "owner": "object", "guarantees": "int64", "guarantee": "object", "exposure": "float64", "expected_loss": "float64",
    "pd": "float64", "pd_before": "float64", "grade": "object", "opened_on": "object", "raised_on": "object",
    "moved_on": "object", "due": "object", "overdue": "bool", "maturity": "object", "cluster": "object",
}  # fmt: skip
OVERALL = {
    "about": "object", "unit": "object", "severity": "object", "cases": "int64", "quiet_cases": "int64",
    "lead_case": "object", "lead": "object", "phase": "object", "owner": "object", "guarantees": "int64",
    "exposure": "float64", "expected_loss": "float64", "text_en": "object", "text_zh": "object", "opened_on": "object",
    "raised_on": "object", "moved_on": "object", "due": "object", "overdue": "bool",
}  # fmt: skip
DUES = ("claim_due", "verify_due", "plan_due")
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}
_IDLE = (*KEPT, "withdrawn")  # facts of cases that escalate nothing
_BOOK = ("id", "enterprise_id", "exposure", "expected_loss", "pd", "pd_before", "grade")


def lines(
    cases: pd.DataFrame, book: pd.DataFrame, rules: CaseRules, as_of: date, name: str = ""
) -> pd.DataFrame:
    """One line (COLUMNS) for each enterprise with a case that is not quiet, the most severe first, then by expected loss.

    `cases` has `cases.COLUMNS`, `book` the night's frame; `name` is the book's column of the enterprise's name. A case
    about a guarantee whose enterprise is not known forms a line of its own, under the guarantee's id.
    """
    names = [one for one in (*_BOOK, name, rules.file.maturity) if one and one in book]
    held: dict[str, list[Any]] = {}
    for row in _rows(book[list(dict.fromkeys(names))]):
        row["id"] = str(row["id"])
        held.setdefault(row["enterprise_id"] or row["id"], []).append(row)
    late = overdue(book, rules.file.overdue)
    escalations = rules.escalations(as_of)
    made = []
    for (_, unit), own in _by_unit(cases, (ENTERPRISE, GUARANTEE)).items():
        loud = [case for case in own if not case.quiet]
        if not loud:
            continue
        guarantees = held.get(unit, [])
        is_late = any(row["id"] in late for row in guarantees)
        level = max(_NUMBER[case.severity] for case in loud)
        rule = _escalated(loud, level, escalations, is_late, as_of)
        made.append(
            {
                **dict.fromkeys(COLUMNS),
                **_of_cases(own, loud, as_of),
                **_of_book(guarantees, loud, name, rules.file.maturity),
                "enterprise": unit,
                "severity": rule.to if rule else SEVERITIES[level],
                "severity_own": SEVERITIES[level],
                "escalated": rule.id if rule else None,
            }
        )
    return _ordered(made, COLUMNS, "enterprise")


def overall(cases: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """One line (OVERALL) for each group or feed with a case that is not quiet: a bank, a product, a sector, a source."""
    abouts = [one for one in sorted(set(cases.about)) if one not in (ENTERPRISE, GUARANTEE)]
    made = []
    for (about, unit), own in _by_unit(cases, abouts).items():
        loud = [case for case in own if not case.quiet]
        if loud:
            lead = _lead(loud)
            told = {
                one: getattr(lead, one) for one in ("severity", "guarantees", "exposure", "expected_loss")
            }
            texts = {one: getattr(lead, one) for one in ("text_en", "text_zh")}
            made.append({"about": about, "unit": unit, **_of_cases(own, loud, as_of), **told, **texts})
    return _ordered(made, OVERALL, "unit")


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [_plain(frame[name]) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class _Case(NamedTuple):
    """What a line reads of a case. As mappings the cases of a province took more memory than all of their columns."""

    about: str
    unit: str
    case: str
    severity: str
    fact: str
    quiet: str
    lead: str
    phase: str
    owner: str | None
    opened_on: date
    raised_on: date
    stock_on: date | None
    breached: str | None
    guarantees: int
    exposure: float | None
    expected_loss: float | None
    text_en: str
    text_zh: str
    claim_due: str | None
    verify_due: str | None
    plan_due: str | None


def _by_unit(cases: pd.DataFrame, abouts: Sequence[str]) -> dict[tuple[str, str], list[_Case]]:
    found: dict[tuple[str, str], list[_Case]] = {}
    mine = cases.loc[cases.about.isin(abouts), [name for name in _Case._fields if name in cases.columns]]
    columns = {name: _plain(mine[name]) for name in mine}
    columns["quiet"] = [value or "" for value in columns["quiet"]]
    nothing = [None] * len(mine)
    for row in map(_Case._make, zip(*(columns.get(name, nothing) for name in _Case._fields), strict=True)):
        found.setdefault((row.about, row.unit), []).append(row)
    return found


def _plain(column: pd.Series) -> list[Any]:
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def _loss(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else float(value)


def moved_on(case: _Case) -> date:
    """The day on which a case last became as new or as severe as it is."""
    day: date = case.stock_on or case.raised_on
    return day


def _lead(loud: Sequence[_Case]) -> _Case:
    """The case that leads: the most severe, then the latest raised, then the dearest."""
    if len(loud) == 1:
        return loud[0]
    return min(
        loud,
        key=lambda case: (
            -_NUMBER[case.severity],
            case.fact in _IDLE,
            -case.raised_on.toordinal(),
            -_loss(case.expected_loss),
            case.case,
        ),
    )


def _escalated(
    loud: Sequence[_Case], level: int, rules: Sequence[Escalate], late: bool, as_of: date
) -> Escalate | None:
    """The rule that makes the line more severe than `level`, the most severe first; None where none does."""
    for rule in rules:
        if _NUMBER[rule.to] <= level or (rule.overdue and not late):
            continue
        first = date.min if rule.days is None else as_of - timedelta(rule.days)
        counted = [
            case
            for case in loud
            if case.severity == rule.severity and moved_on(case) >= first and case.fact not in _IDLE
        ]
        if len(counted) >= rule.least:
            return rule
    return None


def _of_cases(own: Sequence[_Case], loud: Sequence[_Case], as_of: date) -> dict[str, Any]:
    lead = _lead(loud)
    dues = [str(getattr(case, one))[:10] for case in loud for one in DUES if getattr(case, one)]
    due = date.fromisoformat(min(dues)) if dues else None
    return {
        "cases": len(loud),
        "quiet_cases": len(own) - len(loud),
        "lead_case": lead.case,
        "lead": lead.lead,
        "phase": lead.phase,
        "owner": lead.owner,
        "opened_on": min(case.opened_on for case in loud),
        "raised_on": max(case.raised_on for case in loud if case.severity == lead.severity),
        "moved_on": max(moved_on(case) for case in loud if case.severity == lead.severity),
        "due": due,
        "overdue": any(bool(case.breached) for case in loud) or (due is not None and due < as_of),
    }


def _of_book(
    guarantees: Sequence[Mapping[str, Any]], loud: Sequence[_Case], name: str, maturity: str
) -> dict[str, Any]:
    if not guarantees:  # all have left tonight: what the cases still say of them
        lead = _lead(loud)
        told = {one: getattr(lead, one) for one in ("guarantees", "exposure", "expected_loss")}
        return {**told, "pd": math.nan, "pd_before": math.nan}
    largest = min(guarantees, key=lambda row: (-_loss(row["expected_loss"]), row["id"]))
    worst = min(guarantees, key=lambda row: (-(row.get("pd") or 0.0), row["id"]))
    ends = [row[maturity] for row in guarantees if maturity and row.get(maturity) is not None]
    return {
        "name": largest.get(name) if name else None,
        "guarantees": len(guarantees),
        "guarantee": largest["id"],
        "exposure": total(row["exposure"] for row in guarantees),
        "expected_loss": total(row["expected_loss"] for row in guarantees),
        "pd": worst.get("pd"),
        "pd_before": worst.get("pd_before"),
        "grade": worst.get("grade"),
        "maturity": min((pd.Timestamp(day).date() for day in ends), default=None),
    }


def _ordered(made: Sequence[Mapping[str, Any]], columns: Mapping[str, str], key: str) -> pd.DataFrame:
    ordered = sorted(
        made, key=lambda row: (-_NUMBER[row["severity"]], -_loss(row["expected_loss"]), row[key])
    )
    frame = pd.DataFrame({one: pd.Series([row[one] for row in ordered], dtype="object") for one in columns})
    return frame.astype(dict(columns))
