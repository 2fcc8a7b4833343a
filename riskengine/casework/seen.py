"""What does a night make of where a case stood: reopened, woken, a proposal lapsed, turned, late?

People's acts say where a case stood; a publication says what became of it. What the nights did is carried from publication to
publication, and an act made since starts from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from riskengine.casework.states import (
    ARCHIVED,
    CLOSED,
    COMPENSATED,
    NEW,
    OVERDUE,
    TWO_PERSONS,
    WATCH,
    Standing,
    severity_rank,
)
from riskengine.monitor.deadlines import STEPS, Deadlines, step_dues
from riskengine.working_days import Calendar, WorkHours, WorkSpan

RENEWED, RAISED = "renewed", "raised"
HUSHED = ("inhibited", "clearing", "cool-down")  # why a case's own rules tell nobody of it
REOPENED, WOKE, LAPSED, BREACHED = "reopened", "woke", "proposal lapsed", "breached"


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as one publication has it: the facts, and (from `phase` on) what its standing was that night.

    `turned`: None, `overdue` or `compensated`, what the night knows of its guarantees. `acted`: the last act counted.
    `since`: the day from which steps must be done; `clock`: the day from which they are timed. `absorbed`: cases that were merged into it, whose acts are its own.
    `hushed`: nobody is told of it (behind a red, clearing, cooling down), so nothing is asked. `deadlines`: its signals' own.
    """

    case: str
    as_of: date
    enterprise: str
    severity: str
    worst: str
    evidence_hash: str
    fact: str = ""
    raised_on: date | None = None
    signals: int = 1
    turned: str | None = None
    phase: str | None = None
    owner: str | None = None
    awaiting: str | None = None
    since: date | None = None
    clock: date | None = None
    snoozed_until: date | None = None
    breached: tuple[str, ...] = ()
    acted: int = 0
    absorbed: tuple[str, ...] = ()
    hushed: bool = False
    deadlines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """One step: by when (local time; None: nothing asked), when it was done (None: not yet), and whether it was or is late."""

    step: str
    due: datetime | None
    done: datetime | None
    late: bool


def seen_of(row: dict[str, Any], as_of: date, hushed: bool | None = None) -> Seen:
    """A row of `cases` (a mapping; unknown columns are left alone) as published for a day; `hushed`: else its `quiet` says it."""
    got = {name: _known(row.get(name)) for name in Seen.__dataclass_fields__ if name in row}
    late, merged, own = (parts(got.pop(name, None)) for name in ("breached", "absorbed", "deadlines"))
    got["signals"] = int(1 if got.get("signals") is None else got["signals"])
    got["acted"] = int(got.get("acted") or 0)
    for name in ("raised_on", "since", "clock", "snoozed_until"):
        day = got.get(name)
        got[name] = date.fromisoformat(day) if isinstance(day, str) else day
    for name in ("enterprise", "evidence_hash", "fact"):
        got[name] = got.get(name) or ""
    got["worst"] = got.get("worst") or got["severity"]
    more = {
        "breached": late,
        "absorbed": merged,
        "deadlines": own,
        "hushed": row.get("quiet") in HUSHED if hushed is None else hushed,
    }
    return Seen(**{**got, "as_of": as_of, **more})


def joined(found: Mapping[str, Standing], case: str, absorbed: Sequence[str]) -> Standing | None:
    """Where a case stands by its own acts, else by the latest of those merged into it; their owners and steps count too."""
    others = [found[name] for name in absorbed if name in found]
    own = found.get(case)
    if not others:
        return own
    chosen = own or max(others, key=lambda one: one.seq)
    everybody = [*others, own] if own else others
    steps = {step: told for one in everybody for step, told in one.steps.items()}
    return replace(
        chosen,
        case=case,
        owners=frozenset().union(*(one.owners for one in everybody)),
        steps=steps,
        number=own.number if own else 0,
    )


def resumed(standing: Standing | None, before: Seen | None, case: str = "") -> Standing:
    """Where a case stood before tonight: its acts, and what the nights had made of it since the last of them."""
    if before is None or before.phase is None or before.acted != (standing.seq if standing else 0):
        return standing or Standing(case or (before.case if before else ""))
    nights: dict[str, Any] = {
        "phase": before.phase,
        "owner": before.owner,
        "awaiting": before.awaiting,
        "since": before.since,
        "clock": before.clock,
        "snoozed_until": before.snoozed_until,
        "turned": before.turned,
    }
    if standing is None:
        return Standing(case or before.case, **nights)
    if not before.awaiting and before.phase not in CLOSED:
        nights["proposed"] = None
    return replace(standing, **nights)


def met(standing: Standing, seen: Seen) -> tuple[Standing, list[tuple[str, str, str]]]:
    """The standing after a night's facts, and what happened: (event, before, after). Doing it twice changes nothing more.

    New evidence or a rise of severity since the last act opens what was closed or watched and lets a proposal lapse. A
    snooze ends early by a rise (also back to what it once was) or a new event alone: the next month's row of the same decline
    wakes nobody. A rise starts the clocks anew; so does waking, unless two persons are needed (red, orange). A new event at
    the same severity asks again once all has been done; what is still to be done stays due when it was.
    """
    if standing.phase == ARCHIVED:
        return standing, []
    told: list[tuple[str, str, str]] = []
    news = seen.fact in (RENEWED, RAISED) and standing.seen is not None and standing.seen < seen.as_of
    worse = standing.seq > 0 and (severity_rank(seen.severity) > severity_rank(standing.severity) or news)
    changed = worse or (standing.seq > 0 and seen.evidence_hash != standing.evidence_hash)
    changes: dict[str, Any] = {
        "enterprise": seen.enterprise,
        "since": standing.since or seen.raised_on or seen.as_of,
    }
    phase = standing.phase
    if seen.turned and seen.turned != standing.turned:
        phase = COMPENSATED if seen.turned == "compensated" else OVERDUE
        changes |= {"since": seen.as_of, "awaiting": None, "proposed": None, "snoozed_until": None}
        if standing.phase in CLOSED:
            changes["owner"] = None
    elif changed and standing.phase in (*CLOSED, WATCH):
        phase = NEW
        changes |= {
            "owner": None,
            "proposed": None,
            "second": None,
            "since": seen.as_of,
            "snoozed_until": None,
        }
        told.append((REOPENED, standing.phase, NEW))
    else:
        if standing.awaiting and changed:
            changes |= {"awaiting": None, "proposed": None}
            told.append((LAPSED, standing.proposed or "", standing.phase))
        if standing.snoozed_until and (worse or standing.snoozed_until <= seen.as_of):
            changes |= {"snoozed_until": None}
            if not {seen.severity, seen.worst} & set(TWO_PERSONS):
                changes["clock"] = seen.as_of
            told.append(
                (
                    WOKE,
                    standing.snoozed_until.isoformat(),
                    "early" if standing.snoozed_until > seen.as_of else "",
                )
            )
        if standing.phase not in (*CLOSED, COMPENSATED) and _asks_anew(standing, seen, changes["since"]):
            changes["since"] = seen.raised_on
    if changes["since"] != standing.since:
        changes["clock"] = changes["since"]
    changes |= {"phase": phase, "turned": seen.turned}
    same = all(getattr(standing, name) == value for name, value in changes.items())
    return standing if same else replace(standing, **changes), told


def _asks_anew(standing: Standing, seen: Seen, since: date) -> bool:
    """Whether the steps are asked from `raised_on` on: it rose, or a new event came when all of them had been done.

    It also rose where the last act looked at an earlier publication, in which it was milder, and the clocks know nothing of it.
    """
    if seen.raised_on is None or seen.raised_on <= since:
        return False
    if seen.fact == RENEWED:
        return all(standing.done(step) is not None for step in STEPS)
    unseen = standing.seen is not None and since <= standing.seen < seen.raised_on
    return seen.fact == RAISED or (unseen and severity_rank(seen.severity) > severity_rank(standing.severity))


def archived_on(ended_on: date, standing: Standing | None, archive_after: int) -> date:
    """The day from which a case that is over is archived: so many days after it ended, or after the last act since."""
    moved = standing.moved if standing else None
    return (max(ended_on, moved) if moved else ended_on) + timedelta(archive_after)


def quiet(standing: Standing, seen: Seen) -> str:
    """Why a case is not among what is to be done: a word, or nothing. A red or orange under watch is never quiet."""
    if standing.snoozed_until is not None:
        return "snoozed"
    if standing.awaiting:
        return ""
    if standing.phase in (*CLOSED, ARCHIVED):
        return standing.phase
    if standing.phase == WATCH:
        return "" if {seen.severity, seen.worst} & set(TWO_PERSONS) else WATCH
    turned_before = standing.since is not None and standing.since < seen.as_of
    return COMPENSATED if standing.phase == COMPENSATED and turned_before else ""


def dues(
    standing: Standing, seen: Seen, deadlines: Deadlines, calendar: Calendar, now: datetime | None = None
) -> list[Due]:
    """The three steps of a case as of a moment (None: the end of the publication's day).

    While a yellow or blue sleeps its clock stands. Where one of its signals has a deadline of its own that ends before
    the severity's plan, the plan is due by then.
    """
    since = standing.clock or standing.since or seen.as_of
    now = now or datetime.combine(seen.as_of, time(23, 59))
    if standing.snoozed_until and standing.snoozed_on and not {seen.severity, seen.worst} & set(TWO_PERSONS):
        now = min(now, datetime.combine(standing.snoozed_on, time(23, 59)))
    over = standing.phase in (*CLOSED, WATCH, ARCHIVED, COMPENSATED) or seen.hushed  # nothing more is asked
    found = []
    for step, due in _limits(deadlines, calendar, seen.severity, since, seen.deadlines):
        text = standing.done(step)
        done = datetime.fromisoformat(text) if text else None
        if over and done is None:
            due = None
        found.append(Due(step, due, done, due is not None and (done or now) > due))
    return found


@lru_cache(maxsize=20_000)
def _limits(
    deadlines: Deadlines, calendar: Calendar, severity: str, since: date, own: tuple[str, ...]
) -> tuple[tuple[str, datetime | None], ...]:
    """By when each step is due; a night asks this of every case, and few answers differ."""
    limits = step_dues(deadlines, severity, since, calendar)  # type: ignore[arg-type]
    closing = WorkHours.parse(deadlines.hours).closing
    planned = [closing(WorkSpan.parse(text).after(since, calendar)) for text in own] + [limits["plan"]]
    limits["plan"] = min((one for one in planned if one is not None), default=None)
    return tuple(limits.items())


def open_dues(found: list[Due]) -> dict[str, str | None]:
    """`claim_due`, `verify_due`, `plan_due` of what is still to be done: local ISO minutes."""
    open_ = {one.step: one.due for one in found if one.done is None}
    return {f"{step}_due": _minute(open_.get(step)) for step in STEPS}


def late(found: list[Due], standing: Standing, before: Seen | None) -> tuple[str, ...]:
    """The steps that were not done in time: by the clock that runs now, or by one before that nobody had met when it was changed."""
    kept = [step for step in before.breached if stays(step, standing, before)] if before is not None else []
    return tuple(one.step for one in found if one.late or one.step in kept)


def stays(step: str, standing: Standing, before: Seen) -> bool:
    """Whether a breach of the publication before is one still: its clock runs on, or the step was never done under it."""
    if before.since == standing.since:
        return True
    return replace(standing, since=before.since, owner=before.owner).done(step) is None


def parts(text: Any) -> tuple[str, ...]:
    """What a text lists between commas; nothing where it is unknown."""
    return tuple(part for part in str(_known(text) or "").split(",") if part)


def _minute(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None


def _known(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN
