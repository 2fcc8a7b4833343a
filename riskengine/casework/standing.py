"""Where does each case of a night stand, what is due, what is quiet, and which signals has a person lawfully ended?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
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
    parts,
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
_NAMED = (
    "case",
    "enterprise",
    "evidence_hash",
)  # what says of which case it is, and nothing of where it stands
_Stood = tuple[Any, ...]  # a value for each of COLUMNS
_Happened = tuple[str, str, str]  # event, before, after
_Alike = dict[Hashable, tuple[_Stood, list[_Happened]]]  # what is seen of a case -> what it stands at
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
    was = _Before(night.before, night.before_as_of or night.as_of)
    told: list[dict[str, Any]] = []
    rows: list[_Stood] = []
    alike = _Alike()
    given = cases.quiet.fillna("").tolist() if "quiet" in cases.columns else [""] * len(cases)
    names = [name for name in _columns(cases) if name not in COLUMNS]
    merged_into: dict[str, list[str]] = {}
    for gone, kept in night.merged.items():
        merged_into.setdefault(kept, []).append(gone)
    who = {name: _plain(cases[name]) for name in _NAMED if name in names}
    plain = [name for name in names if name not in _NAMED]
    for number, (case, said, *values) in enumerate(
        zip(who["case"], given, *(_plain(cases[name]) for name in plain), strict=True)
    ):
        before = was.values(case)
        merged = _absorbed(case, was, merged_into)
        key = None if merged or case in found else (tuple(values), said, before)
        answer = alike.get(key) if key is not None else None
        if answer is None:
            named = {name: texts[number] for name, texts in who.items()}
            seen = seen_of({**named, **dict(zip(plain, values, strict=True))}, night.as_of, bool(said))
            answer = _stood((seen, said), was, (found, merged), night)
            if key is not None:
                alike[key] = answer
        rows.append(answer[0])
        for one in answer[1]:
            told.append(_event((night.as_of, case, who["enterprise"][number] or ""), *one))
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    made = {
        name: pd.Series(list(values), index=cases.index, dtype=kind)
        for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)
    }
    told += archived(found, night)
    return cases.assign(**made), pd.DataFrame(told, columns=list(EVENTS), dtype="object")


def _stood(
    of: tuple[Seen, str], before: _Before, by: tuple[Mapping[str, Standing], tuple[str, ...]], night: Tonight
) -> tuple[_Stood, list[_Happened]]:
    """What COLUMNS say of one case, and what happened to it.

    Of a case that nobody has touched and into which none was merged this depends on what is seen of it alone, not on its
    name, its enterprise or its evidence: a night has hundreds of thousands of these and a few hundred that differ.
    """
    (seen, said), (found, merged) = of, by
    was = before.get(seen.case)
    by_acts = joined(found, seen.case, merged)
    if by_acts and seen.case not in found and (was is None or was.acted != by_acts.seq):
        earlier = [one for one in map(before.get, merged) if one is not None]
        was = next((one for one in earlier if one.acted == by_acts.seq), was)
    now, happened = met(resumed(by_acts, was, seen.case), seen)
    if was is not None and was.hushed and not said:  # told again: time runs from tonight
        now = replace(now, clock=night.as_of)
    if night.before is None and night.deadlines.stock and not now.seq:
        now = replace(now, clock=WorkSpan.parse(night.deadlines.stock).after(night.as_of, night.calendar))
    steps = dues(now, seen, night.deadlines, night.calendar)
    missed = late(steps, now, was)
    happened += [(BREACHED, "", step) for step in missed if _newly(step, was, now)]
    due = open_dues(steps)
    row = (
        now.phase, now.owner, now.awaiting, due["claim_due"], due["verify_due"], due["plan_due"], ",".join(missed),
        now.snoozed_until, quiet(now, seen) or said, now.since, now.clock, now.seq, ",".join(merged),
    )  # fmt: skip
    return row, happened


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
            of = (night.as_of, row["case"], enterprise)
            phase = COMPENSATED if row["why"] == PAID else standing.phase if standing else ""
            told.append(_event(of, ARCHIVED, phase, ARCHIVED))
    return told


def closed(
    before: pd.DataFrame | None, before_as_of: date | None, found: Mapping[str, Standing]
) -> frozenset[str]:
    """The cases that are closed (false alarm, resolved) going into a night: a red among them hushes nobody any more."""
    earlier = _Before(before, before_as_of or date.min)
    now = {
        case: resumed(joined(found, case, was.absorbed), was, case) for case, was in earlier.touched(found)
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
    for case, was in _Before(cases, date.min).touched(found):
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
    mine = signals.loc[signals.case.isin(ended), ["signal", "about", "id"]]
    return frozenset(zip(mine.signal, mine.about, mine.id, strict=True))


class _Before:
    """The cases of the publication before; each is read when it is asked for."""

    def __init__(self, cases: pd.DataFrame | None, day: date) -> None:
        there = cases is not None and "phase" in cases.columns
        self._day, self._names = day, _columns(cases) if cases is not None and there else []
        columns = {name: _plain(cases[name]) for name in self._names} if cases is not None and there else {}
        self._place = {str(case): number for number, case in enumerate(columns.get("case", ()))}
        self._named = {name: columns.pop(name) for name in _NAMED if name in columns}
        self._plain = list(columns)
        self._rows = list(zip(*columns.values(), strict=True))
        self._absorbed = columns.get("absorbed", [None] * len(self._place))

    def values(self, case: str) -> tuple[Any, ...] | None:
        """What is known of a case but its names, as it was written; None where it was not there."""
        place = self._place.get(case)
        return None if place is None else self._rows[place]

    def get(self, case: str) -> Seen | None:
        """A case as that publication has it."""
        place = self._place.get(case)
        if place is None:
            return None
        row = {name: values[place] for name, values in self._named.items()}
        return seen_of(row | dict(zip(self._plain, self._rows[place], strict=True)), self._day)

    def absorbed(self, case: str) -> tuple[str, ...]:
        """The cases that had been merged into it."""
        place = self._place.get(case)
        return () if place is None else parts(self._absorbed[place])

    def touched(self, found: Mapping[str, Standing]) -> Iterator[tuple[str, Seen]]:
        """The cases that people have acted on, or into which another was merged."""
        for case, place in self._place.items():
            if case in found or self._absorbed[place]:
                seen = self.get(case)
                if seen is not None and (case in found or seen.absorbed):
                    yield case, seen


def _columns(cases: pd.DataFrame) -> list[str]:
    """What `seen_of` reads of each case."""
    return [name for name in (*Seen.__dataclass_fields__, "quiet") if name in cases.columns]


def _plain(column: pd.Series) -> list[Any]:
    """A column as Python values, None where nothing is known."""
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def _absorbed(case: str, before: _Before, merged_into: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every case ever merged into this one, and into those that were."""
    found = list(before.absorbed(case))
    for gone in sorted(merged_into.get(case, ())):
        found += [gone, *before.absorbed(gone)]
    return tuple(dict.fromkeys(found))


def _newly(step: str, was: Seen | None, now: Standing) -> bool:
    return was is None or step not in was.breached or not stays(step, now, was)


def _event(of: tuple[date, str, str], event: str, before: str, after: str) -> dict[str, Any]:
    """An event (EVENTS) of a day, case and enterprise."""
    on, case, enterprise = of
    words = EVENT_WORDS[event]
    more = {"en": "", "zh": ""}
    if event == BREACHED:
        more = {"en": f": {after}", "zh": f"：{_STEPS[after]}"}
    elif event == WOKE and after:
        more = {"en": ": early, by a new event or a higher severity", "zh": "：因新事项或等级上升提前结束"}
    elif before in PHASES:
        more = {"en": f" ({PHASES[before].en})", "zh": f"（{PHASES[before].zh}）"}
    return {
        "on": on,
        "case": case,
        "enterprise": enterprise,
        "signal": None,
        "event": event,
        "before": before,
        "after": after,
        "detail_en": words.en + more["en"],
        "detail_zh": words.zh + more["zh"],
    }
