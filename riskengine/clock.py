"""What day is it, and which day is n months on? The only module that reads the time."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from riskengine.errors import Problem, UsageError

_SPAN = re.compile(r"^\s*(\d+)\s*([dmy])\s*$")


def today() -> date:
    """The current day; used only by the CLI to fill a missing `--as-of` and by logs."""
    return datetime.now(UTC).date()


def now() -> datetime:
    """The current instant (UTC), for ledgers and logs, never for results."""
    return datetime.now(UTC)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the month's last day where there is none.

    >>> add_months(date(2004, 1, 31), 1)
    datetime.date(2004, 2, 29)
    >>> add_months(date(2004, 2, 29), -12)
    datetime.date(2003, 2, 28)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_end(day: date) -> date:
    """The last day of the month of `day`.

    >>> month_end(date(2006, 2, 3))
    datetime.date(2006, 2, 28)
    """
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def month_ends(start: date, end: date) -> list[date]:
    """Every month-end in `[start, end]`, in order.

    >>> month_ends(date(2006, 1, 15), date(2006, 3, 30))
    [datetime.date(2006, 1, 31), datetime.date(2006, 2, 28)]
    """
    found: list[date] = []
    day = month_end(start)
    while day <= end:
        found.append(day)
        day = month_end(day + timedelta(days=1))
    return found


def parse_day(text: str, where: str = "date") -> date:
    """An ISO date, or a refusal that names `where`.

    >>> parse_day("2005-12-31")
    datetime.date(2005, 12, 31)
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "Not a date 日期不合规",
            [Problem(where, "a date written YYYY-MM-DD", repr(text), "Example: 2005-12-31")],
        ) from None


def parse_past_day(text: str, where: str) -> date:
    """An ISO date up to today: nothing can be known as of a day that has not come."""
    day = parse_day(text, where)
    if day > today():
        raise UsageError("That day has not come", [Problem(where, f"{today()} or earlier", text)])
    return day


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in whole months and days, written `36m`, `90d` or `2y`."""

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read `36m`, `90d`, `2y`; anything else is a `UsageError`.

        >>> Span.parse("2y")
        Span(months=24, days=0)
        """
        match = _SPAN.match(text)
        if not match:
            raise UsageError("Not a span", [Problem("span", "a length such as 36m, 90d or 2y", repr(text))])
        size = int(match[1])
        return {"d": cls(days=size), "m": cls(months=size), "y": cls(months=12 * size)}[match[2]]

    def before(self, day: date) -> date:
        """The day one span before `day`."""
        return add_months(day, -self.months) - timedelta(days=self.days)

    def after(self, day: date) -> date:
        """The day one span after `day`."""
        return add_months(day, self.months) + timedelta(days=self.days)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        return f"{self.days}d" if self.days else f"{self.months}m"
