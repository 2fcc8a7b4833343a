"""What does a night become for its officers? Floors, cases, where they stand, lines, budget, clusters and digests, in this order.

A pure function of the night (`monitor.work`), the publication before and the acts of people up to its day; it writes nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy.engine import Engine

from riskengine.casework import acts as case_acts
from riskengine.casework import seen, standing
from riskengine.casework.budget import budgeted, counted, first
from riskengine.casework.case_endings import Tonight, Was
from riskengine.casework.case_events import EVENTS
from riskengine.casework.cases import Past, form, with_deadlines
from riskengine.casework.clusters import clusters, joining
from riskengine.casework.digests import Digests, assigned, digests, told_by
from riskengine.casework.floors import EXPIRED, FloorRules, expired_signals, floored
from riskengine.casework.lines import lines, overall
from riskengine.casework.officers import capacity, desks
from riskengine.casework.quality import Seen, followed, quality
from riskengine.casework.rulebook import Rulebook
from riskengine.casework.states import Standing
from riskengine.casework.waivers import Waiver, waivers
from riskengine.monitor.acknowledged import Ack, acknowledged, acts_hash
from riskengine.monitor.deadlines import with_due_dates
from riskengine.monitor.frames import read_before, read_frame
from riskengine.monitor.night import Before
from riskengine.monitor.publish import Publication
from riskengine.monitor.ranking import ranked
from riskengine.monitor.work import Work, told
from riskengine.schema import fingerprint
from riskengine.scoring.bundle import Bundle
from riskengine.stages import lap

MERGED = "merged"
_OF_SIGNALS = ("case", "state", "about", "id", "signal", "enterprise", "severity", "first_seen", "raised_on")
_OF_CASES = frozenset((*Was._fields, *standing.COLUMNS, *seen.Seen.__dataclass_fields__))


@dataclass(frozen=True)
class Acts:
    """What people have done that counts tonight; `hash` names it all, empty where nobody did anything."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    reminders: Mapping[str, Ack] = field(default_factory=dict)
    hash: str = ""


@dataclass(frozen=True)
class Handled:
    """The night as officers get it. `book` has floors and is ranked by the loss used; `signals` have `case` and `inhibited`;
    `ended` remembers cases that are over; `overall` are lines of groups and feeds; `act` are the lines to name first;
    `reminders` have their `officer`; `counts` say what became of every signal, case and line; `reasons` speak of `act`;
    `track` follows what was listed, `quality` says what came of it in twelve months (`casework.quality`)."""

    book: pd.DataFrame
    signals: pd.DataFrame
    cases: pd.DataFrame
    ended: pd.DataFrame
    events: pd.DataFrame
    lines: pd.DataFrame
    overall: pd.DataFrame
    clusters: pd.DataFrame
    act: pd.DataFrame
    counts: pd.DataFrame
    reminders: pd.DataFrame
    digests: Digests
    reasons: Mapping[str, Mapping[str, Sequence[str]]]
    track: pd.DataFrame
    quality: Mapping[str, Any]

    @property
    def fresh(self) -> dict[str, int]:
        """How many cases came up, got worse or got new evidence tonight and are not quiet, by severity."""
        own = self.cases[self.cases.fact.isin(("new", "raised", "renewed")) & (self.cases.quiet == "")]
        return {name: int((own.severity == name).sum()) for name in ("red", "orange", "yellow", "blue")}


@dataclass(frozen=True)
class Yesterday:
    """The publication before as casework reads it; nothing on the first night."""

    cases: Past = field(default_factory=Past)
    as_of: date | None = None
    track: pd.DataFrame | None = None


def acts_by(ledger: Engine, as_of: date) -> Acts:
    """Every act that counts by a day."""
    parts = [case_acts.fingerprint(ledger, as_of), acts_hash(ledger, as_of)]
    return Acts(
        standing.standings(ledger, as_of),
        waivers(ledger, as_of),
        acknowledged(ledger, as_of),
        fingerprint(parts) if any(parts) else "",
    )


def read_going(publication: Publication | None, acts: Acts, features: Collection[str] | None) -> Before:
    """The publication before for `monitor.work`, with what people have said since; of the book's features only those
    named (None: all)."""
    before = read_before(publication, features)
    if publication is None or before.signals is None:
        return replace(before, acts=acts.reminders)
    touched = acts.standings and "cases.parquet" in publication.manifest["files"]
    cases = read_frame(publication, "cases.parquet", _OF_CASES) if touched else None
    return going_on(before, Past(cases=cases), acts)


def read_yesterday(publication: Publication | None, overdue: str) -> Yesterday:
    """The publication before for casework: only the columns it reads (`overdue`: of the book the feature so called in `cases.toml`).

    Read when `monitor.work` is over: of a province the two would stand beside each other as a gigabyte.
    """
    if publication is None:
        return Yesterday()
    signals, book, cases, ended, track = (
        read_frame(publication, name, columns) if name in publication.manifest["files"] else None
        for name, columns in (
            ("signals.parquet", _OF_SIGNALS),
            ("scores.parquet", ("id", overdue)),
            ("cases.parquet", _OF_CASES),
            ("ended.parquet", None),
            ("track.parquet", None),
        )
    )
    return Yesterday(Past(signals, cases, ended, book), publication.as_of, track)


def read_past(publication: Publication | None, acts: Acts, overdue: str) -> tuple[Before, Yesterday]:
    """Both at once: for pipelines that a project copied before they were read apart."""
    return read_going(publication, acts, None), read_yesterday(publication, overdue)


def going_on(before: Before, past: Past, acts: Acts) -> Before:
    """What `monitor.work` reads of a night before: without the signals that are not evaluated, with what people released."""
    assert before.signals is not None
    released = (
        standing.released(past.cases, before.signals, acts.standings)
        if past.cases is not None
        else frozenset()
    )
    watched = before.signals
    if watched.signal.eq(EXPIRED).any():
        watched = watched[watched.signal != EXPIRED].reset_index(drop=True)
    return replace(before, signals=watched, released=released, acts=acts.reminders)


def handled(rules: Rulebook, bundle: Bundle, night: Work, past: Yesterday, acts: Acts) -> Handled:
    """All that casework makes of a night; `past` is the publication before."""
    return handled_after(rules, bundle, with_floors(rules, bundle, night, past, acts), past, acts)


def with_floors(
    rules: Rulebook, bundle: Bundle, night: Work, past: Yesterday, acts: Acts
) -> tuple[Work, pd.DataFrame]:
    """The night with floors in its book, ranked anew, and with the ties that can make a cluster alone; and its signals with
    those of waivers that ran out.

    By itself, so that whoever needs the night as it was no more can let go of it before the cases are made: of a province
    its book and its ties are as large as all cases.
    """
    watch, as_of = rules.watch, night.as_of
    scale = float(bundle.calibration.get("to_scale", 1.0))
    floors = FloorRules(rules.floors, rules.grades, acts.waivers, scale)
    signals = night.evaluation.signals
    over = expired_signals(night.book, signals, floors, as_of, past.cases.signals)
    over = with_due_dates(over, rules.signals.values(), watch.deadlines, watch.calendar, as_of)
    if len(over):
        signals = pd.concat([signals, over], ignore_index=True)
    book = ranked(floored(night.book, signals, floors, as_of), signals)
    return replace(night, book=book, edges=joining(night.edges, rules.cases, as_of)), signals


def handled_after(
    rules: Rulebook, bundle: Bundle, floors: tuple[Work, pd.DataFrame], past: Yesterday, acts: Acts
) -> Handled:
    """What follows `with_floors`."""
    collecting = gc.isenabled()
    gc.disable()  # millions of rows without a cycle among them: looking for one took a third of the time
    try:
        return _handled(rules, bundle, floors, past, acts)
    finally:
        if collecting:
            gc.enable()


def _handled(
    rules: Rulebook, bundle: Bundle, floors: tuple[Work, pd.DataFrame], past: Yesterday, acts: Acts
) -> Handled:
    night, signals = floors
    watch, as_of, earlier, book = rules.watch, night.as_of, past.cases, night.book
    closed = standing.closed(earlier.cases, past.as_of, acts.standings)
    tonight = Tonight(as_of, book, night.gone, night.evaluation.ended, watch.catalogue.sources, closed)
    formed = form(signals, earlier, rules.cases, tonight)
    merged = formed.events[formed.events.event == MERGED]
    when = standing.Tonight(
        as_of,
        watch.deadlines,
        watch.calendar,
        earlier.cases,
        past.as_of,
        dict(zip(merged.case, merged.after, strict=True)),
        formed.ended,
    )
    own = {one.id: one.deadline for one in watch.signals if one.deadline}
    cases, happened = standing.stood(with_deadlines(formed, own), acts.standings, when)
    lap("cases", len(cases))
    found = lines(cases, book, rules.cases, as_of, name=watch.shown.name)
    groups, found = clusters(found, night.edges, rules.cases, as_of)
    found = budgeted(found, book, rules.budget, as_of)
    desk = desks(book, rules.budget, as_of)
    reminders = assigned(night.plan.reminders, found, desk, book)
    act = first(found, watch.shown.listed, rules.budget, as_of)
    listed = Seen(as_of, found, cases, night.changes.left, rules.cases.file.compensated)
    track = followed(past.track, listed)
    told_of = book[book.id.astype("str").isin(act.guarantee.astype("str"))]
    made = Handled(
        book,
        formed.signals,
        cases,
        formed.ended,
        _together([formed.events, happened]),
        found,
        overall(cases, as_of),
        groups,
        act,
        counted(found, cases, formed.signals),
        reminders,
        digests(told_by(found, cases), reminders, desk, capacity(rules.budget, as_of), as_of),
        told(bundle, told_of),
        track,
        quality(track, as_of),
    )
    lap("lines, budget", len(found))
    return made


def _together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns: list[Any] = list(EVENTS)
    filled = [part.reindex(columns=columns).astype("object") for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns, dtype="object")
