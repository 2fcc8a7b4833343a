"""How are numbers written for people?"""

from __future__ import annotations

import math


def money(value: float) -> str:
    """An amount in three significant digits.

    >>> money(999_989.0), money(1234567.0), money(15_254_000.0), money(156_960_000.0), money(890.0), money(float("nan"))
    ('1.00 M', '1.23 M', '15.3 M', '157 M', '890', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    for size, name in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size * (0.9995 if size > 1e3 else 10):
            part = abs(value / size)
            return f"{value / size:,.{0 if part >= 99.95 else 1 if part >= 9.995 else 2}f}{name}"
    return f"{value:,.0f}"


def whole(value: float) -> str:
    """A count with separators."""
    return "–" if value is None or math.isnan(value) else f"{value:,.0f}"


def percent(value: float, digits: int = 1) -> str:
    """A fraction in per cent.

    >>> percent(0.0123), percent(float("nan"))
    ('1.2 %', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value * 100:.{digits}f} %"


def signed(value: float) -> str:
    """An amount of change with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{money(abs(value))}"


def points(value: float) -> str:
    """A change of a fraction in percentage points with its sign."""
    return f"{'+' if value > 0 else '−'}{abs(value) * 100:.1f}"
