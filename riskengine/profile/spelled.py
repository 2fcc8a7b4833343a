"""What does a spelled-out recipe give? The words its program uses, each as DuckDB means it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from math import copysign, inf, log, nan, sqrt, trunc
from operator import itemgetter
from typing import Any


class NotPlain(Exception):
    """A value that programs do not reckon with (infinite, not a number, no logarithm): DuckDB runs the recipe."""


def real(value: int | None, scale: int = 0) -> float | None:
    """A whole number of the last of `scale` digits as a double, the nearest, as DuckDB's cast has it."""
    return None if value is None else value / 10**scale


def float_of(value: bool | None) -> float | None:
    """A flag as a double."""
    return None if value is None else float(value)


def whole_of(value: bool | None) -> int | None:
    """A flag as a whole number."""
    return None if value is None else int(value)


def scaled(value: int | None, times: int) -> int | None:
    """A decimal with more digits."""
    return None if value is None else value * times


def fixed(value: float | None, power: float) -> int | None:
    """A double as a decimal: times the power of ten, rounded half away from zero."""
    if value is None:
        return None
    large = value * power
    whole = trunc(large)
    return whole + int(copysign(1, large)) if abs(large - whole) >= 0.5 else whole


def ratio(one: float, other: float) -> float:
    """A division in IEEE arithmetic."""
    if other:
        return one / other
    return nan if one == 0 or one != one else copysign(inf, one) * copysign(1.0, other)  # noqa: PLR0124 - NaN


def logarithm(value: float) -> float:
    """The natural logarithm."""
    if value <= 0:
        raise NotPlain(f"logarithm of {value}")
    return log(value)


def root(value: float) -> float:
    """The square root."""
    if value < 0:
        raise NotPlain(f"root of {value}")
    return sqrt(value)


def left_over(one: int, other: int) -> int | None:
    """The remainder with the sign of the first; None of zero."""
    if not other:
        return None
    return abs(one) % abs(other) * (-1 if one < 0 else 1)


def months_on(day: date, months: int) -> date:
    """The day that many months on, the last of its month where there is none such."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    if day.day <= 28:
        return date(year, month, day.day)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def largest(*values: Any) -> Any:
    """The largest of the known values."""
    known = [value for value in values if value is not None]
    return max(known) if known else None


def smallest(*values: Any) -> Any:
    """The smallest of the known values."""
    known = [value for value in values if value is not None]
    return min(known) if known else None


def widest_gap(values: Sequence[int]) -> int | None:
    """The largest difference of neighbours."""
    return max((b - a for a, b in pairwise(values)), default=None)


def side_by_side(*tables: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Tables with one row a subject, in the same order, as one: the subject's number stands first, once."""
    found = []
    for first, *others in zip(*tables, strict=True):
        if any(one[0] != first[0] for one in others):
            raise ValueError("rows of different subjects")
        found.append(sum((one[1:] for one in others), first))
    return found


WORDS: dict[str, Any] = {
    "real": real, "float_of": float_of, "whole_of": whole_of, "scaled": scaled, "fixed": fixed, "ratio": ratio,
    "left_over": left_over, "months_on": months_on, "largest": largest, "smallest": smallest, "widest_gap": widest_gap,
    "side_by_side": side_by_side,
    "days": timedelta, "day": cache(date.fromisoformat), "root": root, "logarithm": logarithm, "first": itemgetter(0),
}  # fmt: skip
