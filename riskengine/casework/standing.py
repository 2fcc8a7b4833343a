"""Where does each case of a night stand, what is due, what is quiet, and which signals has a person lawfully ended?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy.engine import Engine

from riskengine.casework.acts import case_acts, folded
from riskengine.casework.case_endings import COMPENSATED as PAID
from riskengine.casework.case_events import EVENTS
from riskengine.casework.seen import (
    BREACHED,
    LAPSED,
    REOPENED,
    WOKE,
    Seen,
    archived_on,
    dues,
    joined,
    late,
    met,
    open_dues,
    quiet,
    resumed,
    seen_of,
    stays,
)
from riskengine.casework.states import ARCHIVED, CLOSED, COMPENSATED, PHASES, TWO_PERSONS, Standing
from riskengine.monitor.deadlines import Deadlines
from riskengine.schema import Words
from riskengine.working_days import Calendar, WorkSpan

COLUMNS = {
    "phase": "object",
    "owner": "object",
    "awaiting": "object",
    "claim_due": "object",
    "verify_due": "object",
    "plan_due": "object",
    "breached": "object",
    "snoozed_until": "object",
    "quiet": "object",
    "since": "object",
    "clock": "object",
    "acted": "int64",
    "absorbed": "object",
}
EVENT_WORDS: dict[str, Words] = {
    REOPENED: Words(en="opened again: new evidence or a higher severity", zh="重新打开：有新证据或等级上升"),
    WOKE: Words(en="the snooze has ended", zh="暂缓结束"),
    LAPSED: Words(en="what was to be released has changed: propose anew", zh="待复核事项已变化，须重新提出"),
    ARCHIVED: Words(en="over for long: archived", zh="结束已久，归档"),
    BREACHED: Words(en="not done in time", zh="逾时未办"),
}
_STEPS = {"claim": "认领", "verify": "核实", "plan": "方案"}


@dataclass(frozen=True)
class Tonight:
    """The night's day, its deadlines and days of work, and the `cases` frame of the publication before (None: the first).

    `merged`: cases that disappeared tonight, each with the case it became part of (the event `merged` of `cases.form`).
    `ended`: the cases that are over and still remembered (ENDED of `case_endings`), of which some are archived tonight.
    """

    as_of: date
    deadlines: Deadlines
    calendar: Calendar
    before: pd.DataFrame | None = None
    before_as_of: date | None = None
    merged: Mapping[str, str] = field(default_factory=dict)
    ended: pd.DataFrame | None = None


def standings(ledger: Engine, as_of: date) -> dict[str, Standing]:
    """Where each case stands by the acts that count by a day."""
    return folded(case_acts(ledger, as_of))


def stood(
    cases: pd.DataFrame, found: Mapping[str, Standing], night: Tonight
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cases with COLUMNS set (a `quiet` already there stays where this says nothing), and what happened (EVENTS).

    `claim_due`, `verify_due`, `plan_due` are local ISO minutes of what is still to be done; `breached` also keeps what was
    done late. Needed: case, enterprise, severity, worst, fact, raised_on, evidence_hash, signals; optional: turned, quiet.
    """
    earlier = _earlier(night.before, night.before_as_of or night.as_of)
    told: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    given = cases.quiet.fillna("").tolist() if "quiet" in cases.columns else [""] * len(cases)
    records = _records(cases, lambda name: name not in COLUMNS)
    for row, said in zip(records, given, strict=True):
        seen = seen_of(row, night.as_of, bool(said))
        was = earlier.get(seen.case)
        merged = _absorbed(seen.case, was, earlier, night)
        by_acts = joined(found, seen.case, merged)
        if by_acts and seen.case not in found and (was is None or was.acted != by_acts.seq):
            was = next(
                (earlier[name] for name in merged if name in earlier and earlier[name].acted == by_acts.seq),
                was,
            )
        now, happened = met(resumed(by_acts, was, seen.case), seen)
        if was is not None and was.hushed and not said:  # told again: time runs from tonight
            now = replace(now, clock=night.as_of)
        if night.before is None and night.deadlines.stock and not now.seq:
            now = replace(now, clock=WorkSpan.parse(night.deadlines.stock).after(night.as_of, night.calendar))
        steps = dues(now, seen, night.deadlines, night.calendar)
        missed = late(steps, now, was)
        happened += [(BREACHED, "", step) for step in missed if _newly(step, was, now)]
        told += [_event(seen, *one) for one in happened]
        rows.append(
            {
                "phase": now.phase,
                "owner": now.owner,
                "awaiting": now.awaiting,
                **open_dues(steps),
                "breached": ",".join(missed),
                "snoozed_until": now.snoozed_until,
                "quiet": quiet(now, seen) or said,
                "since": now.since,
                "clock": now.clock,
                "acted": now.seq,
                "absorbed": ",".join(merged),
            }
        )
    made = {
        name: pd.Series([row[name] for row in rows], index=cases.index, dtype=kind)
        for name, kind in COLUMNS.items()
    }
    told += archived(found, night)
    return cases.assign(**made), pd.DataFrame(told, columns=list(EVENTS), dtype="object")


def archived(found: Mapping[str, Standing], night: Tonight) -> list[dict[str, Any]]:
    """The events (EVENTS) of the cases that are archived since the publication before; each is told of once."""
    if night.ended is None or night.before_as_of is None:
        return []
    told: list[dict[str, Any]] = []
    records: Iterable[dict[str, Any]] = night.ended.to_dict("records")  # type: ignore[assignment]
    for row in records:
        standing = found.get(row["case"])
        since = archived_on(row["ended_on"], standing, night.deadlines.archive_after)
        if night.before_as_of < since <= night.as_of:
            enterprise = row["unit"] if row["about"] == "enterprise" else ""
            seen = Seen(row["case"], night.as_of, enterprise, row["severity"], row["severity"], "")
            phase = COMPENSATED if row["why"] == PAID else standing.phase if standing else ""
            told.append(_event(seen, ARCHIVED, phase, ARCHIVED))
    return told


def closed(
    before: pd.DataFrame | None, before_as_of: date | None, found: Mapping[str, Standing]
) -> frozenset[str]:
    """The cases that are closed (false alarm, resolved) going into a night: a red among them hushes nobody any more."""
    earlier = _earlier(before, before_as_of or date.min)
    now = {
        case: resumed(joined(found, case, was.absorbed), was, case)
        for case, was in earlier.items()
        if case in found or was.absorbed
    }
    return frozenset(case for case, one in now.items() if one.phase in CLOSED and not one.awaiting)


def released(
    cases: pd.DataFrame, signals: pd.DataFrame, found: Mapping[str, Standing]
) -> frozenset[tuple[str, str, str]]:
    """(signal, about, id) of what people lawfully ended, for the next night's evaluation.

    `cases`, `signals`: of the publication before (`signals` with `case`). A case counts if it is a false alarm or resolved (and
    no night has opened it again), its evidence and severity are still those that were judged, and, where it is or was red or orange, a second person
    released it.
    """
    if "case" not in signals.columns or not len(cases):
        return frozenset()
    ended = set()
    for case, was in _earlier(cases, date.min).items():
        by_acts = joined(found, case, was.absorbed)
        if by_acts is None:
            continue
        standing = resumed(by_acts, was, case)
        if standing.phase not in CLOSED or standing.awaiting:
            continue
        grave = {was.severity, was.worst} & set(TWO_PERSONS)
        same = was.evidence_hash == standing.evidence_hash and was.severity == standing.severity
        if same and (standing.second or not grave):
            ended.add(case)
    mine = signals[signals.case.isin(ended)]
    return frozenset(zip(mine.signal, mine.about, mine.id, strict=True))


def _earlier(before: pd.DataFrame | None, day: date) -> dict[str, Seen]:
    if before is None or "phase" not in before.columns:
        return {}
    return {str(row["case"]): seen_of(row, day) for row in _records(before, lambda _: True)}


def _records(cases: pd.DataFrame, wanted: Callable[[str], bool]) -> list[dict[str, Any]]:
    """What `seen_of` reads of each case."""
    names = [name for name in (*Seen.__dataclass_fields__, "quiet") if name in cases.columns and wanted(name)]
    columns = (cases[name].tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _absorbed(case: str, was: Seen | None, earlier: Mapping[str, Seen], night: Tonight) -> tuple[str, ...]:
    """Every case ever merged into this one, and into those that were."""
    found = list(was.absorbed) if was else []
    for gone in sorted(name for name, kept in night.merged.items() if kept == case):
        found += [gone, *(earlier[gone].absorbed if gone in earlier else ())]
    return tuple(dict.fromkeys(found))


def _newly(step: str, was: Seen | None, now: Standing) -> bool:
    return was is None or step not in was.breached or not stays(step, now, was)


def _event(seen: Seen, event: str, before: str, after: str) -> dict[str, Any]:
    words = EVENT_WORDS[event]
    more = {"en": "", "zh": ""}
    if event == BREACHED:
        more = {"en": f": {after}", "zh": f"：{_STEPS[after]}"}
    elif event == WOKE and after:
        more = {"en": ": early, by a new event or a higher severity", "zh": "：因新事项或等级上升提前结束"}
    elif before in PHASES:
        more = {"en": f" ({PHASES[before].en})", "zh": f"（{PHASES[before].zh}）"}
    return {
        "on": seen.as_of,
        "case": seen.case,
        "enterprise": seen.enterprise,
        "signal": None,
        "event": event,
        "before": before,
        "after": after,
        "detail_en": words.en + more["en"],
        "detail_zh": words.zh + more["zh"],
    }
