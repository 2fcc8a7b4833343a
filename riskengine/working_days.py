"""Which days are worked, and which day is n working days on? Official holidays and make-up working days of a country.

From the library `holidays` (MIT), which holds China's yearly notices of the State Council 国务院办公厅关于节假日安排的通知 with
their make-up working days (调休). It is imported when a calendar is first read.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest

_WORKING = re.compile(r"^\s*(\d+)\s*wd\s*$")
_HOURS = re.compile(r"^\s*([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)\s*$")
_YEARS = range(2000, 2061)  # where the library is asked which years were announced


@dataclass(frozen=True)
class Calendar:
    """The working days of one country, read year by year as they are asked for.

    `announced_years` are the years whose notice the library holds; None where no days are moved by yearly notice (the
    statute is then all there is). `version` names country and library: results depend on it.
    """

    country: str
    version: str
    announced_years: tuple[int, int] | None
    _library: Any = field(repr=False, compare=False)
    _years: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)

    def is_working(self, day: date) -> bool:
        """Whether a day is worked: a weekday that is no holiday, or a weekend day made up for.

        >>> china = read_calendar("CN")
        >>> [china.is_working(date(2026, *day)) for day in [(1, 4), (2, 14), (2, 28), (10, 10)]]  # at weekends
        [True, True, True, True]
        >>> [china.is_working(date(2026, *day)) for day in [(2, 16), (2, 23), (10, 7)]]  # on weekdays
        [False, False, False]
        """
        days = self._working(day.year)
        place = bisect_left(days, day.toordinal())
        return place < len(days) and days[place] == day.toordinal()

    def add(self, day: date, n: int) -> date:
        """The n-th working day after a day (before it where n is negative); the day itself where n is 0.

        >>> read_calendar("CN").add(date(2026, 2, 13), 1)  # the Saturday before Spring Festival is worked
        datetime.date(2026, 2, 14)
        >>> read_calendar("CN").add(date(2026, 2, 14), 1)  # then nine days of holiday
        datetime.date(2026, 2, 24)
        >>> read_calendar("CN").add(date(2025, 10, 9), -1)
        datetime.date(2025, 9, 30)
        """
        year, left, at = day.year, n, day.toordinal()
        while left > 0:
            days = self._working(year)
            place = bisect_right(days, at)
            if left <= len(days) - place:
                return date.fromordinal(days[place + left - 1])
            left -= len(days) - place
            year += 1
        while left < 0:
            days = self._working(year)
            place = bisect_left(days, at)
            if -left <= place:
                return date.fromordinal(days[place + left])
            left += place
            year -= 1
        return day

    def on_or_before(self, day: date) -> date:
        """The day itself, or the last working day before it.

        >>> read_calendar("CN").on_or_before(date(2026, 10, 5))
        datetime.date(2026, 9, 30)
        """
        return day if self.is_working(day) else self.add(day, -1)

    def on_or_after(self, day: date) -> date:
        """The day itself, or the next working day.

        >>> read_calendar("CN").on_or_after(date(2026, 10, 1))
        datetime.date(2026, 10, 8)
        """
        return day if self.is_working(day) else self.add(day, 1)

    def between(self, start: date, end: date) -> int:
        """How many working days after `start` up to and with `end`; negative where `end` comes first.

        >>> read_calendar("CN").between(date(2026, 9, 30), date(2026, 10, 10))  # the 8th, 9th and 10th
        3
        """
        if end < start:
            return -self._count(end, start)
        return self._count(start + timedelta(days=1), end + timedelta(days=1))

    def announced(self, year: int) -> bool:
        """Whether a year's calendar is final; one the library has only by statute is provisional.

        China's State Council announces each year's calendar in the autumn before.

        >>> read_calendar("CN").announced(2026), read_calendar("CN").announced(2050), read_calendar("US").announced(2050)
        (True, False, True)
        """
        return self.announced_years is None or self.announced_years[0] <= year <= self.announced_years[1]

    def _count(self, first: date, stop: date) -> int:
        """Working days from `first` on, before `stop`."""
        whole = sum(len(self._working(year)) for year in range(first.year, stop.year))
        begun = bisect_left(self._working(first.year), first.toordinal())
        return whole + bisect_left(self._working(stop.year), stop.toordinal()) - begun

    def _working(self, year: int) -> tuple[int, ...]:
        """The year's working days as ordinals."""
        if year not in self._years:
            first = date(year, 1, 1).toordinal()
            last = date(year, 12, 31).toordinal()
            worked = self._library.is_working_day
            self._years[year] = tuple(day for day in range(first, last + 1) if worked(date.fromordinal(day)))
        return self._years[year]


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """A length of time in working days (`3wd`) or in whole months and days (`36m`, `90d`, `2y`)."""

    span: Span = field(default_factory=Span)
    working: int = 0

    @classmethod
    def parse(cls, text: str) -> WorkSpan:
        """Read `3wd`, `36m`, `90d` or `2y`; anything else is a `UsageError`.

        >>> WorkSpan.parse("3wd")
        WorkSpan(span=Span(months=0, days=0), working=3)
        """
        match = _WORKING.match(text)
        if match:
            return cls(working=int(match[1]))
        try:
            return cls(span=Span.parse(text))
        except UsageError:
            expected = "a length such as 36m, 90d, 2y or 3wd (working days)"
            raise UsageError("Not a span", [Problem("span", expected, repr(text))]) from None

    def after(self, day: date, calendar: Calendar) -> date:
        """The day one span after `day`.

        >>> WorkSpan.parse("5wd").after(date(2026, 9, 29), read_calendar("CN"))
        datetime.date(2026, 10, 12)
        """
        return calendar.add(self.span.after(day), self.working)

    def before(self, day: date, calendar: Calendar) -> date:
        """The day one span before `day`."""
        return calendar.add(self.span.before(day), -self.working)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        return f"{self.working}wd" if self.working else str(self.span)


@dataclass(frozen=True, slots=True)
class WorkHours:
    """When people work on a working day: spans of local time in order, none touching another. Times are local and naive."""

    spans: tuple[tuple[time, time], ...]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> WorkHours:
        """Read `["09:00-12:00", "13:30-17:30"]`; spans that are empty, overlap or are out of order are a `UsageError`.

        >>> WorkHours.parse(["09:00-12:00", "13:30-17:30"]).minutes
        420
        """
        spans: list[tuple[time, time]] = []
        problems = []
        for text in texts:
            match = _HOURS.match(text)
            if match is None:
                problems.append(Problem("hours", "hours such as 09:00-12:00", repr(text)))
                continue
            begin, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
            if begin >= end or (spans and spans[-1][1] > begin):
                problems.append(Problem("hours", "spans that end after they begin, in order", repr(text)))
            spans.append((begin, end))
        if not spans and not problems:
            problems.append(Problem("hours", "at least one span such as 09:00-17:00", "none"))
        if problems:
            raise UsageError("Not hours of work", problems)
        return cls(tuple(spans))

    @property
    def minutes(self) -> int:
        """How many minutes a working day has."""
        return sum(_minute(end) - _minute(begin) for begin, end in self.spans)

    def opening(self, day: date) -> datetime:
        """When work begins on a day, worked or not."""
        return datetime.combine(day, self.spans[0][0])

    def closing(self, day: date) -> datetime:
        """When work ends on a day, worked or not."""
        return datetime.combine(day, self.spans[-1][1])

    def after(self, start: datetime, minutes: int, calendar: Calendar) -> datetime:
        """The moment at which so many minutes of work have passed since `start`: the earliest there is, never in a break.

        >>> hours = WorkHours.parse(["09:00-12:00", "13:30-17:30"])
        >>> hours.after(datetime(2026, 6, 29, 9), 240, read_calendar("CN"))
        datetime.datetime(2026, 6, 29, 14, 30)
        >>> hours.after(datetime(2026, 9, 30, 15), 240, read_calendar("CN"))  # the National Day holiday comes between
        datetime.datetime(2026, 10, 8, 10, 30)
        """
        day, at = start.date(), _minute(start.time())
        if not calendar.is_working(day):
            day, at = calendar.add(day, 1), 0
        left = minutes - self._from(at)
        if left > 0:
            whole = (left - 1) // self.minutes
            day = calendar.add(day, whole + 1)
            at, minutes = 0, left - whole * self.minutes
        for begin, end in self.spans:
            opened = max(at, _minute(begin))
            if opened <= _minute(end) and minutes <= _minute(end) - opened:
                return datetime.combine(day, time()) + timedelta(minutes=opened + minutes)
            minutes -= max(_minute(end) - opened, 0)
        return self.after(self.opening(calendar.add(day, 1)), minutes, calendar)

    def _from(self, at: int) -> int:
        """Minutes of work in a day from a minute of it on."""
        return sum(max(_minute(end) - max(at, _minute(begin)), 0) for begin, end in self.spans)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


@lru_cache(maxsize=8)
def read_calendar(country: str) -> Calendar:
    """The calendar of a country by its two letters (ISO 3166-1: `CN`, `US`); an unknown one is a `UsageError`.

    >>> read_calendar("CN").is_working(date(2025, 1, 26))  # a Sunday made up for
    True
    """
    import holidays

    known = [name for name in holidays.list_supported_countries(include_aliases=False) if len(name) == 2]
    if country not in known:
        expected = "a country with a holiday calendar"
        raise UsageError(
            "No such calendar", [Problem("calendar", expected, repr(country), nearest(country, known))]
        )
    library = holidays.country_holidays(country)
    asked = holidays.country_holidays(country, years=_YEARS)
    moved = {day.year for day in asked.weekend_workdays}
    return Calendar(
        country,
        f"{country} holidays {version('holidays')}",
        (min(moved), max(moved)) if moved else None,
        library,
    )
