"""Where does each case of a night stand, what is due, what is quiet, and which signals has a person lawfully ended?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy.engine import Engine

from riskengine.casework.acts import case_acts, folded
from riskengine.casework.seen import (
    BREACHED,
    LAPSED,
    REOPENED,
    TO_ARCHIVE,
    WOKE,
    Seen,
    dues,
    joined,
    late,
    met,
    open_dues,
    quiet,
    resumed,
    seen_of,
)
from riskengine.casework.states import CLOSED, PHASES, TWO_PERSONS, Standing
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
EVENTS = ("on", "case", "enterprise", "signal", "event", "before", "after", "detail_en", "detail_zh")
EVENT_WORDS: dict[str, Words] = {
    REOPENED: Words(en="opened again: new evidence or a higher severity", zh="重新打开：有新证据或等级上升"),
    WOKE: Words(en="the snooze has ended", zh="暂缓结束"),
    LAPSED: Words(en="what was to be released has changed: propose anew", zh="待复核事项已变化，须重新提出"),
    TO_ARCHIVE: Words(en="closed and without a signal for long", zh="已关闭且久无信号，归档"),
    BREACHED: Words(en="not done in time", zh="逾时未办"),
}
_STEPS = {"claim": "认领", "verify": "核实", "plan": "方案"}


@dataclass(frozen=True)
class Tonight:
    """The night's day, its deadlines and days of work, and the `cases` frame of the publication before (None: the first).

    `merged`: cases that disappeared tonight, each with the case it became part of (the event `merged` of `cases.form`).
    """

    as_of: date
    deadlines: Deadlines
    calendar: Calendar
    before: pd.DataFrame | None = None
    before_as_of: date | None = None
    merged: Mapping[str, str] = field(default_factory=dict)


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
    facts = cases.drop(columns=[name for name in COLUMNS if name in cases.columns])
    records: list[dict[str, Any]] = facts.to_dict("records")  # type: ignore[assignment]
    for row, said in zip(records, given, strict=True):
        seen = replace(seen_of(row, night.as_of), hushed=bool(said))
        was = earlier.get(seen.case)
        parts = _absorbed(seen.case, was, earlier, night)
        by_acts = joined(found, seen.case, parts)
        if by_acts and seen.case not in found and (was is None or was.acted != by_acts.seq):
            was = next(
                (earlier[name] for name in parts if name in earlier and earlier[name].acted == by_acts.seq),
                was,
            )
        now, happened = met(resumed(by_acts, was, seen.case), seen, night.deadlines.archive_after)
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
                "absorbed": ",".join(parts),
            }
        )
    made = {
        name: pd.Series([row[name] for row in rows], index=cases.index, dtype=kind)
        for name, kind in COLUMNS.items()
    }
    return cases.assign(**made), pd.DataFrame(told, columns=list(EVENTS), dtype="object")


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

    `cases`, `signals`: of the publication before (`signals` with `case`). A case counts if it is a false alarm or resolved,
    its evidence and severity are still those that were judged, and, where it is or was red or orange, a second person
    released it.
    """
    if "case" not in signals.columns or not len(cases):
        return frozenset()
    ended = set()
    named = cases.reindex(columns=["case", "severity", "worst", "evidence_hash", "absorbed"])
    for row in named.itertuples(index=False):
        standing = joined(found, str(row.case), _parts(row.absorbed))
        if standing is None or standing.phase not in CLOSED or standing.awaiting:
            continue
        grave = {row.severity, row.worst} & set(TWO_PERSONS)
        same = row.evidence_hash == standing.evidence_hash and row.severity == standing.severity
        if same and (standing.second or not grave):
            ended.add(str(row.case))
    mine = signals[signals.case.isin(ended)]
    return frozenset(zip(mine.signal, mine.about, mine.id, strict=True))


def _parts(text: Any) -> list[str]:
    return [part for part in text.split(",") if part] if isinstance(text, str) else []


def _earlier(before: pd.DataFrame | None, day: date) -> dict[str, Seen]:
    if before is None or "phase" not in before.columns:
        return {}
    records: Iterable[dict[str, Any]] = before.to_dict("records")  # type: ignore[assignment]
    return {str(row["case"]): seen_of(row, day) for row in records}


def _absorbed(case: str, was: Seen | None, earlier: Mapping[str, Seen], night: Tonight) -> tuple[str, ...]:
    """Every case ever merged into this one, and into those that were."""
    found = list(was.absorbed) if was else []
    for gone in sorted(name for name, kept in night.merged.items() if kept == case):
        found += [gone, *(earlier[gone].absorbed if gone in earlier else ())]
    return tuple(dict.fromkeys(found))


def _newly(step: str, was: Seen | None, now: Standing) -> bool:
    return was is None or step not in was.breached or was.since != now.since


def _event(seen: Seen, event: str, before: str, after: str) -> dict[str, Any]:
    words = EVENT_WORDS[event]
    more = {"en": "", "zh": ""}
    if event == BREACHED:
        more = {"en": f": {after}", "zh": f"：{_STEPS[after]}"}
    elif event == WOKE and after:
        more = {"en": ": early, by new evidence or a higher severity", "zh": "：因新证据或等级上升提前结束"}
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
