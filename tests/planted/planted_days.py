"""Which day does a case mean by "-29d", "-3m^" or "+60d"?"""

from __future__ import annotations

import re
from datetime import date, timedelta

from riskengine.clock import add_months, month_end

AS_OF = date(2026, 6, 30)
_RELATIVE = re.compile(r"([+-]?\d+)([dmy])([\^$]?)")


def the_day(said: object, as_of: date = AS_OF) -> date:
    """The day that a case's text means, counted from `as_of`.

    `-29d` days, `-3m` months (same day, or the last of a shorter month), `-2y` years; `^` then takes the first and `$` the last
    day of that month. A day written out (`2026-01-19`) is itself.

    >>> the_day("-29d"), the_day("-4m"), the_day("-3m^"), the_day("+8m$")
    (datetime.date(2026, 6, 1), datetime.date(2026, 2, 28), datetime.date(2026, 3, 1), datetime.date(2027, 2, 28))
    """
    if isinstance(said, date):
        return said
    match = _RELATIVE.fullmatch(str(said))
    if not match:
        return date.fromisoformat(str(said))
    count, unit, end = int(match[1]), match[2], match[3]
    if unit == "d":
        day = as_of + timedelta(days=count)
    else:
        day = add_months(as_of, count * (12 if unit == "y" else 1))
    return day.replace(day=1) if end == "^" else month_end(day) if end == "$" else day


def shifted(said: object, back: str, times: int) -> object:
    """A relative day moved `times` times `back` (`20d`, `1m`) into the past; anything else as it is."""
    match = _RELATIVE.fullmatch(str(said)) if isinstance(said, str) else None
    if not match or not times:
        return said
    step = re.fullmatch(r"(\d+)([dmy])", back)
    assert step, f"every = {back!r}: such as 20d, 1m or 1y"
    day = the_day(said)
    if step[2] == "d":
        return day - timedelta(days=int(step[1]) * times)
    moved = add_months(day, -int(step[1]) * (12 if step[2] == "y" else 1) * times)
    return moved.replace(day=1) if match[3] == "^" else month_end(moved) if match[3] == "$" else moved
