"""Which words make a value of other values? None of them reads a fact."""

from __future__ import annotations

from collections.abc import Mapping

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError
from riskengine.profile.expressions import Arithmetic, Code, Expression, Function, Number, as_value


def ratio(above: Expression, below: Expression) -> Expression:
    """One value over another; null where the divisor is zero or either is unknown."""
    return Arithmetic("/", above, below)


def first_known(*values: Expression | Number) -> Expression:
    """The first of the values that is not null: sources in declared precedence."""
    return Function("first_known", tuple(as_value(value) for value in values))


def spread(*values: Expression) -> Expression:
    """How far sources disagree: `(largest - smallest of the known values) / |first known|`.

    Null with fewer than two known values or where the first known is zero.
    """
    if len(values) < 2:
        problem = Problem("spread()", "two values or more", str(len(values)))
        raise UsageError("A feature is misspelt", [problem])
    return Function("spread", values)


def smaller(one: Expression, other: Expression | Number) -> Expression:
    """The smaller of two values; null where either is unknown."""
    return Function("smaller", (one, as_value(other)))


def greater(one: Expression, other: Expression | Number) -> Expression:
    """The greater of two values; null where either is unknown."""
    return Function("greater", (one, as_value(other)))


def log1p(of: Expression) -> Expression:
    """ln(1 + x), null below zero."""
    return Function("log1p", (of,))


def absolute(of: Expression) -> Expression:
    """|x|."""
    return Function("absolute", (of,))


def at_least(of: Expression, bound: Number) -> Expression:
    """x, or the bound where x is below it."""
    return Function("at_least", (of, as_value(bound)))


def at_most(of: Expression, bound: Number) -> Expression:
    """x, or the bound where x is above it."""
    return Function("at_most", (of, as_value(bound)))


def is_missing(of: Expression) -> Expression:
    """1 where the value is unknown, else 0."""
    return Function("is_missing", (of,))


def elapsed_days(of: Expression) -> Expression:
    """Days from a date value to the as-of date (negative if it lies ahead)."""
    return Function("elapsed_days", (of,))


def years_since(of: Expression) -> Expression:
    """The as-of date's calendar year less a year given as a number: from a year of birth, the age reached in that year.

    The true age is this or one less: a birthday is personal data that the store does not keep. Null where the year is
    unknown; negative where it lies ahead.
    """
    return Function("years_since", (of,))


def code(of: Expression, table: Mapping[str, Number], other: Number | None = None) -> Expression:
    """A text as a number by a declared table."""
    return Code(of, tuple(table.items()), other)


def months_in(span: Span) -> float:
    """A span's length in months of 30.4375 days."""
    return span.months + span.days / 30.4375
