"""What is told to an officer of a case and of a list of cases? As mappings: JSON as they are; `shown_lines` has the words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, isnan
from typing import Any

from riskengine.casework.desk import LINES, SCORES, SIGNALS, Desk, OnDesk
from riskengine.casework.names import read_names
from riskengine.casework.shown_lines import QUIET
from riskengine.casework.states import Standing, legal, severity_rank
from riskengine.errors import SetupError, nearest
from riskengine.intake.personal import shown as masked
from riskengine.monitor.signals import SEVERITY_WORDS as SEVERITY
from riskengine.monitor.vocabulary import GUARANTEE
from riskengine.schema import Words

__all__ = [
    "QUIET",
    "SEVERITY",
    "Wanted",
    "details",
    "listed",
    "waiver_details",
]  # the page names severities and what is quiet as well


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases are listed; an empty text asks for nothing. `quiet`: "" those to be acted on, "quiet", or "all"."""

    officer: str = ""
    owner: str = ""
    institution: str = ""
    severity: str = ""
    phase: str = ""
    quiet: str = ""


def listed(desk: Desk, as_of: date, wanted: Wanted, limit: int = 0) -> dict[str, Any]:
    """The cases of the latest night up to a day with the acts since: lines to act on first, by rank; then groups and feeds."""
    night, cases = desk.cases(as_of)
    try:
        lines = {row["enterprise"]: row for row in desk.rows(night, LINES)}
    except SetupError:
        lines = {}  # a publication without lines: nobody is assigned
    aside: dict[str, int] = {}
    for one in cases:
        if one.quiet:
            aside[one.quiet] = aside.get(one.quiet, 0) + 1
    told = [_short(one, lines.get(one.seen.enterprise, {})) for one in cases]
    wanted, unknown = _known(wanted, told, list(lines.values()))
    chosen = [row for row in told if _asked_for(row, wanted)]
    chosen.sort(key=_urgency)
    rows = chosen[:limit] if limit else chosen
    nameless = [row["enterprise"] for row in rows if row["enterprise"] and not row["name"]]
    names = desk.names(night, nameless) if nameless else {}
    for row in rows:
        row["name"] = row["name"] or names.get(row["enterprise"])
    escalations = read_names(desk.project).escalations if any(row["escalated"] for row in rows) else {}
    return {
        "night": str(night),
        "as_of": str(as_of),
        "zone": desk.deadlines.zone,
        "cases": len(cases),
        "quiet": dict(sorted(aside.items())),
        "escalations": {name: words.model_dump() for name, words in escalations.items()},
        "found": len(chosen),
        "unknown": unknown,
        "rows": rows,
    }


def details(desk: Desk, wanted: str, as_of: date) -> dict[str, Any]:
    """Everything about one case: where it stands, its steps, its signals with evidence, its history, what may be done."""
    shown = desk.find(wanted, as_of)
    found: list[dict[str, Any]] = []
    try:
        found = desk.rows(shown.seen.as_of, SIGNALS, ("case", [shown.seen.case]))
    except SetupError:
        found = []
    kept = ("signal", "about", "id", "severity", "state", "inhibited", "first_seen", "raised_on", "text_en", "text_zh", "evidence")  # fmt: skip
    try:
        lines = desk.rows(shown.seen.as_of, LINES, ("enterprise", [shown.seen.enterprise]))
    except SetupError:
        lines = []
    short = _short(shown, lines[0] if lines else {})
    if short["enterprise"] and not short["name"]:
        short["name"] = desk.names(shown.seen.as_of, [short["enterprise"]]).get(short["enterprise"])
    names = read_names(desk.project)
    action = names.actions.get(str(shown.row.get("lead")))
    return {
        **short,
        "guarantees": shown.row.get("guarantees"),
        "loss_used": _loss_used(desk, shown, found),
        "action_en": action.en if action else "",
        "action_zh": action.zh if action else "",
        "night": str(shown.seen.as_of),
        "as_of": str(as_of),
        "zone": desk.deadlines.zone,
        "proposed": shown.standing.proposed if shown.standing.awaiting else None,
        "proposer": shown.standing.proposer if shown.standing.awaiting else None,
        "why": shown.standing.why,
        "measures": list(shown.standing.measures),
        "evidence_hash": shown.seen.evidence_hash,
        "steps": [
            {"step": one.step, "due": _iso(one.due), "done": _iso(one.done), "late": one.late}
            for one in shown.steps
        ],
        "signals": [
            {name: row.get(name) for name in kept if name in row}
            | {f"title_{tongue}": _titled(names.titles, row["signal"], tongue) for tongue in ("en", "zh")}
            for row in found
        ],
        "history": desk.history(shown, as_of),
        "next": list(desk.legal(shown)),
    }


def waiver_details(desk: Desk, wanted: str, as_of: date) -> dict[str, Any]:
    """Everything about the waiver of a floor: for whom, until when, where it stands, what people did, what may be done."""
    one: Standing = desk.waiver(wanted, as_of)
    return {
        "waiver": one.case,
        "enterprise": one.enterprise,
        "floor": one.floor,
        "phase": one.phase,
        "awaiting": one.awaiting,
        "until": _day(one.asked_until if one.awaiting else one.until),
        "as_of": str(as_of),
        "zone": desk.deadlines.zone,
        "history": desk.waiver_acts(one, as_of),
        "next": list(legal(one)),
    }


def _known(
    wanted: Wanted, told: list[dict[str, Any]], lines: list[dict[str, Any]]
) -> tuple[Wanted, list[dict[str, str]]]:
    """What is asked for, an institution named as an officer as such; and the names nobody of the night has, with the nearest."""
    names = {
        "officer": {masked(row.get("officer")) for row in lines},
        "institution": {row.get("institution") for row in lines},
        "owner": {row["owner"] for row in told},
    }
    unknown = []
    for what, has in names.items():
        name = getattr(wanted, what)
        if not name or name in has or (what == "officer" and masked(name) in has):
            continue
        known = {str(one) for one in has if one}
        as_institution = what == "officer" and name in names["institution"]
        others = {str(one) for one in names["institution"] if one} if what == "officer" else set()
        near = nearest(name, known) if known else f"institutions: {nearest(name, others)}" if others else ""
        hint = f"institutions: --institution {shlex.quote(name)}" if as_institution else near
        unknown.append({"what": what, "name": name, "hint": hint})
        if as_institution and not wanted.institution:
            wanted = replace(wanted, officer="", institution=name)
    return wanted, unknown


def _day(day: date | None) -> str | None:
    return str(day) if day else None


def _loss_used(desk: Desk, shown: OnDesk, signals: Sequence[Mapping[str, Any]]) -> float | None:
    """The case's expected loss after rule floors: of the guarantees that its signals are about, else of the whole enterprise.

    None where the night keeps no such loss, or where it is not known which guarantees the case's loss is made of.
    """
    if not shown.seen.enterprise:
        return None
    try:
        rows = desk.rows(shown.seen.as_of, SCORES, ("enterprise_id", [shown.seen.enterprise]))
    except SetupError:
        return None
    if signals and all(one.get("about") == GUARANTEE for one in signals):
        own = {str(one["id"]) for one in signals}
        rows = [row for row in rows if str(row["id"]) in own]
    told = shown.row.get("expected_loss")
    model, after = (fsum(_amount(row.get(name)) for row in rows) for name in ("expected_loss", "loss_used"))
    same = told is not None and abs(model - float(told)) < 0.01
    return round(after, 2) if same and all("loss_used" in row for row in rows) else None


def _short(one: OnDesk, line: Mapping[str, Any]) -> dict[str, Any]:
    standing, row = one.standing, one.row
    return {
        "case": one.seen.case,
        "severity": one.seen.severity,
        "worst": one.seen.worst,
        "phase": standing.phase,
        "owner": standing.owner,
        "awaiting": standing.awaiting,
        "due": _iso(one.due),
        "breached": list(one.breached),
        "snoozed_until": standing.snoozed_until and str(standing.snoozed_until),
        "quiet": one.quiet,
        "enterprise": one.seen.enterprise,
        "unit": row.get("unit"),
        "name": line.get("name"),
        "line_severity": line.get("severity"),
        "severity_own": line.get("severity_own"),
        "escalated": line.get("escalated"),
        "line_loss": line.get("loss_used", line.get("expected_loss")),
        "institution": line.get("institution"),
        "officer": masked(line.get("officer")),
        "place": line.get("place"),
        "rank": line.get("rank"),
        "exposure": row.get("exposure"),
        "expected_loss": row.get("expected_loss"),
        "raised_on": row.get("raised_on") and str(row["raised_on"]),
        "title_en": row.get("title_en") or "",
        "title_zh": row.get("title_zh") or "",
        "text_en": row.get("text_en") or "",
        "text_zh": row.get("text_zh") or "",
        "seq": standing.seq,
    }


def _amount(value: Any) -> float:
    """A published amount as a number; what is not known adds nothing.

    >>> _amount(None), _amount(float("nan")), _amount(745.13)
    (0.0, 0.0, 745.13)
    """
    return 0.0 if value is None or isnan(value) else float(value)


def _asked_for(row: Mapping[str, Any], wanted: Wanted) -> bool:
    if wanted.quiet != "all" and bool(row["quiet"]) != (wanted.quiet == "quiet"):
        return False
    if wanted.officer and row["officer"] != masked(wanted.officer):
        return False
    raised = row["line_severity"] if row["escalated"] else ""
    if wanted.severity and wanted.severity not in (row["severity"], raised):
        return False
    names = ("owner", "institution", "phase")
    return all(not getattr(wanted, name) or row[name] == getattr(wanted, name) for name in names)


def _urgency(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Lines to act on by rank, then groups and feeds, then the lines beyond capacity by rank, then what has no line."""
    rank, loss = row["rank"], row["expected_loss"] or 0.0
    group = 0 if row["place"] == "act" else 1 if not row["enterprise"] else 2 if rank else 3
    unit = row["enterprise"] or row["unit"] or ""
    return (group, rank or 0, unit if not rank else "", -severity_rank(row["severity"]), -loss, row["case"])


def _titled(titles: Mapping[str, Words], signal: str, language: str) -> str:
    return titles[signal].say(language) if signal in titles else ""


def _iso(moment: Any) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None
