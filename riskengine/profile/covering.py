"""From which day on does a source cover the whole of a window? Until then what is said of the window is unknown.

A source connected late (`covers_from` in its contract) has no facts of the time before, whatever happened then. As of a day

- what speaks of a window as a whole (a count, a total, months with facts, a streak, a mean, a trend, a gap) is unknown until
  the window's first day is `covers_from` or later, whether it finds facts or not: ten of twelve months are missing either way;
- what speaks of single facts (latest, first, days since, smallest, largest) is what it is: the fact was seen;
- over all time, which is never covered, and through links, what is found counts and nothing found is unknown, as in a partial
  source: at least so much.

A window's first day never goes back as days pass, so a window is covered from one day on, which is known when the query is
compiled. The comparison stands where results are joined to the subjects: a step's rows rest on facts alone as before, and are
carried over days and nights as before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, timedelta

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.expressions import Aggregate
from riskengine.profile.terms import Edge, far

OF_SINGLE_FACTS = (
    "latest",
    "first",
    "days_since",
    "days_since_first",
    "months_since_last",
    "smallest",
    "largest",
)


def known_from(source: SourceContract, aggregate: Aggregate) -> date | None:
    """The first as-of date on which an aggregate of a source can be known; None where its facts alone decide."""
    begin = far(aggregate)
    if source.covers_from is None or begin is None or aggregate.verb in OF_SINGLE_FACTS:
        return None
    return whole_from(source.covers_from, begin)


def none_known(links: Iterable[tuple[SourceContract, str]], ago: Span | None = None) -> str:
    """SQL: whether links (source, window or "") that reach nothing say "none" for the subject `s`, so long ago; "" if always."""
    days = []
    for source, window in links:
        if source.covers_from is None:
            continue
        if not window:
            return "FALSE"
        days.append(whole_from(source.covers_from, ago or Span(), Span.parse(window)))
    return on_or_after(max(days)) if days else ""


def on_or_after(day: date) -> str:
    """SQL: whether the as-of date of the subject `s` has come that far."""
    return f"s.as_of >= DATE '{day}'"


def whole_from(since: date, *back: Edge) -> date:
    """The first day from which, going back by each edge in turn, one comes to a window that begins on `since` or later.

    >>> whole_from(date(2026, 5, 1), Span(12))
    datetime.date(2027, 4, 30)
    >>> from riskengine.profile.terms import MonthEnd
    >>> whole_from(date(2026, 5, 1), MonthEnd(Span(days=10), 12))  # May to April, known on the 10th
    datetime.date(2027, 5, 10)
    """

    def covered(ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        for edge in back:
            day = _back(day, edge)
        return day >= since - timedelta(days=1)  # the far edge itself lies outside the window

    reach = sum(_days(edge) for edge in back)
    days = range(since.toordinal(), min(since.toordinal() + reach, date.max.toordinal()))
    return date.fromordinal(days.start + bisect_left(days, True, key=covered))


def _back(day: date, edge: Edge) -> date:
    """The day on which an edge lies, as `terms.before` says it."""
    if isinstance(edge, Span):
        return edge.before(day)
    after = (edge.ago.before(day) + timedelta(days=1)).replace(day=1)
    return Span(edge.earlier).before(after) - timedelta(days=1)


def _days(edge: Edge) -> int:
    """More days than an edge lies back."""
    if isinstance(edge, Span):
        return 31 * (edge.months + 1) + edge.days
    return _days(edge.ago) + 31 * (edge.earlier + 2)
