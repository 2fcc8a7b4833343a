"""How old is what is known of each source on a day: fresh, stale, none known, or not due?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from riskengine.clock import Span
from riskengine.profile.compute import Workbench
from riskengine.profile.daily import Daily
from riskengine.profile.recipe import Recipe, SourceNote
from riskengine.schema import fingerprint

SPOKEN = (
    '"row" > 0'  # the publisher said it; rows that identity re-issued on the day of a judgement are below 0
)
State = Literal["fresh", "stale", "none known", "not due"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of one source on a day. `not due`: known, and nothing promised how often it comes."""

    source: str
    note: SourceNote
    last_event: date | None
    last_known: date | None
    state: State


@dataclass(frozen=True)
class Known:
    """What is known of every source on a day, and what follows from it: worked out once for all applicants of a day."""

    sources: tuple[Freshness, ...] = ()

    @cached_property
    def late(self) -> tuple[str, ...]:
        """The sources that are out of date, or of which nothing is known."""
        return tuple(item.source for item in self.sources if item.state in ("stale", "none known"))

    @cached_property
    def silent(self) -> frozenset[str]:
        """The sources of which nothing at all is known."""
        return frozenset(item.source for item in self.sources if item.state == "none known")

    @cached_property
    def told(self) -> tuple[Mapping[str, Any], ...]:
        """Each source as a record has it."""
        return tuple(
            {
                "source": item.source,
                "title": {"en": item.note.en, "zh": item.note.zh},
                "last_event": None if item.last_event is None else item.last_event.isoformat(),
                "last_known": None if item.last_known is None else item.last_known.isoformat(),
                "state": item.state,
            }
            for item in self.sources
        )


def source_notes(recipes: Iterable[Recipe]) -> dict[str, SourceNote]:
    """The sources that recipes read, in order of name."""
    return dict(sorted({name: note for recipe in recipes for name, note in recipe.sources}.items()))


def freshness(
    bench: Workbench, notes: Mapping[str, SourceNote], days: Iterable[date], daily: Daily | None = None
) -> dict[date, list[Freshness]]:
    """For each day, what is known of each source among the facts with `known_at` and `event_date` up to that day.

    With `daily` the answer of a single day is kept: whole columns of every source are read for it.
    """
    wanted = sorted(set(days))
    if daily is not None and len(wanted) == 1:
        return {wanted[0]: _of_day(bench, notes, wanted[0], daily)}
    found: dict[date, list[Freshness]] = {day: [] for day in wanted}
    for name, note in notes.items():
        for day, (event, known) in zip(wanted, _last(bench, name, wanted), strict=True):
            found[day].append(Freshness(name, note, event, known, state_of(note.stale_after, known, day)))
    return found


def _of_day(bench: Workbench, notes: Mapping[str, SourceNote], day: date, daily: Daily) -> list[Freshness]:
    name = fingerprint(["freshness", str(day), sorted(notes)])
    rows = daily.find(name)
    if rows is None:
        rows = daily.keep(name, [(source, *_last(bench, source, [day])[0]) for source in notes])
    last = {source: (event, known) for source, event, known in rows}
    return [
        Freshness(source, note, *last[source], state_of(note.stale_after, last[source][1], day))
        for source, note in notes.items()
    ]


def state_of(stale_after: str, last_known: date | None, as_of: date) -> State:
    """The state of a source last heard of on `last_known`.

    >>> state_of("60d", date(2006, 1, 1), date(2006, 3, 3))
    'stale'
    """
    if last_known is None:
        return "none known"
    if not stale_after:
        return "not due"
    return "fresh" if Span.parse(stale_after).after(last_known) >= as_of else "stale"


def _last(bench: Workbench, source: str, days: Sequence[date]) -> list[tuple[date | None, date | None]]:
    """The last event and the last known day at each of `days` (ascending), in one pass over the source."""
    files = bench.facts(source)
    if not files or not days:
        return [(None, None)] * len(days)
    if len(days) == 1:
        row = bench.connection.execute(
            f"SELECT max(event_date), max(known_at) FROM {files} WHERE known_at <= ? AND event_date <= known_at AND {SPOKEN}",
            [days[0]],
        ).fetchone()
        return [(row[0], row[1])] if row else [(None, None)]
    rows = bench.connection.execute(
        f"""SELECT known_at, max(event_date) FROM {files} WHERE known_at <= ? AND event_date <= known_at AND {SPOKEN}
        GROUP BY known_at ORDER BY known_at""",
        [days[-1]],
    ).fetchall()
    known = [row[0] for row in rows]
    events: list[date] = []
    for _, event in rows:
        events.append(max(event, events[-1]) if events else event)
    places = [bisect_right(known, day) - 1 for day in days]
    return [(events[place], known[place]) if place >= 0 else (None, None) for place in places]
