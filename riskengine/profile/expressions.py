"""What can be computed of an enterprise? Values that say what, never how: facts counted, summed, looked up, compared.

A feature is a frozen value built from the verbs below over facts of one source joined through a declared key (`by`),
inside a half-open window `(as_of - ago - window, as_of - ago]`. Nothing here touches data or imports an engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as slot
from typing import Literal

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError

Verb = Literal[
    "count", "total", "mean", "smallest", "largest", "distinct", "latest", "first",
    "days_since", "days_since_first", "trend", "volatility", "months_with",
]  # fmt: skip
Number = int | float
_NOW = Span()


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Something that has one value for each subject and as-of date; null means unknown."""

    def __add__(self, other: Expression | Number) -> Expression:
        return Arithmetic("+", self, _value(other))

    def __sub__(self, other: Expression | Number) -> Expression:
        return Arithmetic("-", self, _value(other))

    def __mul__(self, other: Expression | Number) -> Expression:
        return Arithmetic("*", self, _value(other))

    def __truediv__(self, other: Expression | Number) -> Expression:
        return Arithmetic("/", self, _value(other))

    def __radd__(self, other: Number) -> Expression:
        return Arithmetic("+", _value(other), self)

    def __rsub__(self, other: Number) -> Expression:
        return Arithmetic("-", _value(other), self)

    def __rmul__(self, other: Number) -> Expression:
        return Arithmetic("*", _value(other), self)

    def __rtruediv__(self, other: Number) -> Expression:
        return Arithmetic("/", _value(other), self)

    def __gt__(self, other: Expression | Number) -> Expression:
        return Arithmetic(">", self, _value(other))

    def __ge__(self, other: Expression | Number) -> Expression:
        return Arithmetic(">=", self, _value(other))

    def __lt__(self, other: Expression | Number) -> Expression:
        return Arithmetic("<", self, _value(other))

    def __le__(self, other: Expression | Number) -> Expression:
        return Arithmetic("<=", self, _value(other))

    def equals(self, other: Expression | Number | str) -> Expression:
        """1 where both sides are equal, 0 where they differ, null where either is unknown."""
        return Arithmetic("==", self, _value(other))

    def inputs(self) -> tuple[Expression, ...]:
        """The expressions this one is computed from."""
        return ()

    def named(self, en: str, zh: str, *, unit: str = "", direction: int = 0, reference: str = "") -> Feature:
        """Give the value its labels: this makes it a feature. `direction` +1: more means more risk."""
        return Feature(self, en, zh, unit, direction, reference)


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """A condition on one column of the facts being read."""

    column: str
    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    value: str | Number | tuple[str | Number, ...]


@dataclass(frozen=True, slots=True)
class field:
    """A column of the facts, to be compared: `where=[field("kind").equals("approval")]`."""

    column: str

    def equals(self, value: str | Number) -> Filter:
        """Facts whose column equals `value`."""
        return Filter(self.column, "==", value)

    def differs(self, value: str | Number) -> Filter:
        """Facts whose column is known and differs from `value`."""
        return Filter(self.column, "!=", value)

    def within(self, *values: str | Number) -> Filter:
        """Facts whose column is one of `values`."""
        return Filter(self.column, "in", values)

    def __lt__(self, value: Number) -> Filter:
        return Filter(self.column, "<", value)

    def __le__(self, value: Number) -> Filter:
        return Filter(self.column, "<=", value)

    def __gt__(self, value: Number) -> Filter:
        return Filter(self.column, ">", value)

    def __ge__(self, value: Number) -> Filter:
        return Filter(self.column, ">=", value)


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Expression):
    """One verb over the current facts of a source that share the subject's key."""

    verb: Verb
    source: str
    column: str | None
    by: str
    window: Span | None = None
    ago: Span = _NOW
    where: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Expression):
    """A number or a text."""

    value: Number | str


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic(Expression):
    """Two values joined by an operator; a division by zero and any null give null; comparisons give 0 or 1."""

    operator: Literal["+", "-", "*", "/", ">", ">=", "<", "<=", "=="]
    left: Expression
    right: Expression

    def inputs(self) -> tuple[Expression, ...]:
        """Both sides."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Function(Expression):
    """A named function of other values: see the constructors below for each."""

    name: Literal["log1p", "absolute", "at_least", "at_most", "first_known", "is_missing", "elapsed_days"]
    arguments: tuple[Expression, ...]

    def inputs(self) -> tuple[Expression, ...]:
        """The arguments."""
        return self.arguments


@dataclass(frozen=True, slots=True, eq=False)
class Code(Expression):
    """A text turned into a number by a declared table; unlisted texts get `other` (null: unknown)."""

    of: Expression
    table: tuple[tuple[str, Number], ...]
    other: Number | None

    def inputs(self) -> tuple[Expression, ...]:
        """The coded text."""
        return (self.of,)


@dataclass(frozen=True, slots=True, eq=False)
class Feature(Expression):
    """An expression with labels in both languages, a unit and the direction in which risk grows."""

    of: Expression
    en: str
    zh: str
    unit: str = ""
    direction: int = 0
    reference: str = ""
    aliases: tuple[str, ...] = slot(default=())

    def inputs(self) -> tuple[Expression, ...]:
        """What is labelled."""
        return (self.of,)


Where = tuple[Filter, ...] | list[Filter] | Filter


def _aggregate(
    verb: Verb, what: str, by: str, span: tuple[str | None, str | None], where: Where
) -> Aggregate:
    source, _, column = what.partition(".")
    needs_column = verb not in ("count", "days_since", "days_since_first", "months_with")
    if needs_column != bool(column):
        wanted = "'source.column'" if needs_column else "'source' alone"
        raise UsageError("A feature is misspelt", [Problem(f"{verb}({what!r})", wanted, repr(what))])
    window, ago = span
    if window and Span.parse(window) == _NOW:
        problem = Problem(f"{verb}({what!r})", "a window longer than nothing", repr(window))
        raise UsageError("A feature is misspelt", [problem])
    filters = (where,) if isinstance(where, Filter) else tuple(where)
    since = Span.parse(window) if window else None
    return Aggregate(verb, source, column or None, by, since, Span.parse(ago or "0d"), filters)


def count(
    source: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """How many facts; zero where a complete source has none."""
    return _aggregate("count", source, by, (window, ago), where)


def months_with(
    source: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """In how many distinct calendar months there is a fact."""
    return _aggregate("months_with", source, by, (window, ago), where)


def total(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The exact sum of a column (decimal for money); zero where a complete source has no row."""
    return _aggregate("total", what, by, (window, ago), where)


def mean(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The mean of a column's known values."""
    return _aggregate("mean", what, by, (window, ago), where)


def smallest(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The least known value of a column."""
    return _aggregate("smallest", what, by, (window, ago), where)


def largest(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The greatest known value of a column."""
    return _aggregate("largest", what, by, (window, ago), where)


def distinct(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """How many different known values a column takes."""
    return _aggregate("distinct", what, by, (window, ago), where)


def latest(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The column's value in the last fact (law 1's order); null if that fact has none."""
    return _aggregate("latest", what, by, (window, ago), where)


def first(
    what: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """The column's value in the earliest fact (law 1's order)."""
    return _aggregate("first", what, by, (window, ago), where)


def days_since(
    source: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """Days from the last fact's event to the as-of date; null where there is none."""
    return _aggregate("days_since", source, by, (window, ago), where)


def days_since_first(
    source: str, *, by: str, window: str | None = None, ago: str | None = None, where: Where = ()
) -> Expression:
    """Days from the first fact's event to the as-of date; null where there is none."""
    return _aggregate("days_since_first", source, by, (window, ago), where)


def trend(what: str, *, by: str, window: str, ago: str | None = None, where: Where = ()) -> Expression:
    """The least-squares slope of a column over the facts' event months, per month; null with fewer than two months."""
    return _aggregate("trend", what, by, (window, ago), where)


def volatility(what: str, *, by: str, window: str, ago: str | None = None, where: Where = ()) -> Expression:
    """The sample standard deviation of a column; null with fewer than two values."""
    return _aggregate("volatility", what, by, (window, ago), where)


def ratio(above: Expression, below: Expression) -> Expression:
    """One value over another; null where the divisor is zero or either is unknown."""
    return Arithmetic("/", above, below)


def share(
    what: str, *, by: str, where: Where, window: str | None = None, ago: str | None = None
) -> Expression:
    """The part of a total (`source.column`) or of a count (`source`) that meets `where`."""
    verb: Verb = "total" if "." in what else "count"
    return ratio(
        _aggregate(verb, what, by, (window, ago), where), _aggregate(verb, what, by, (window, ago), ())
    )


def change(what: str, *, by: str, over: str, ago: str | None = None) -> Expression:
    """The latest value less the latest value as its event stood `over` earlier (both as known now)."""
    earlier = Span.parse(over)
    start = Span.parse(ago or "0d")
    shifted = Span(earlier.months + start.months, earlier.days + start.days)
    source, _, column = what.partition(".")
    return _aggregate("latest", what, by, (None, ago), ()) - Aggregate(
        "latest", source, column, by, None, shifted
    )


def shrunk_rate(hits: Expression, trials: Expression, *, towards: Expression, strength: float) -> Expression:
    """`(hits + strength * towards) / (trials + strength)`: a rate pulled to the whole's where trials are few.

    The posterior mean of a binomial rate under a beta prior of mean `towards` and size `strength`.
    """
    return (first_known(hits, 0) + towards * strength) / (first_known(trials, 0) + strength)


def momentum(what: str, *, by: str, recent: str, before: str) -> Expression:
    """The total of the `recent` window over the total of the equally counted window `before` it, per month."""
    now = _aggregate("total", what, by, (recent, None), ())
    then = _aggregate("total", what, by, (before, recent), ())
    return ratio(now, then) * (_months(Span.parse(before)) / _months(Span.parse(recent)))


def _months(span: Span) -> float:
    return span.months + span.days / 30.4375


def first_known(*values: Expression | Number) -> Expression:
    """The first of the values that is not null."""
    return Function("first_known", tuple(_value(value) for value in values))


def log1p(of: Expression) -> Expression:
    """ln(1 + x), null below zero."""
    return Function("log1p", (of,))


def absolute(of: Expression) -> Expression:
    """|x|."""
    return Function("absolute", (of,))


def at_least(of: Expression, bound: Number) -> Expression:
    """x, or the bound where x is below it."""
    return Function("at_least", (of, _value(bound)))


def at_most(of: Expression, bound: Number) -> Expression:
    """x, or the bound where x is above it."""
    return Function("at_most", (of, _value(bound)))


def is_missing(of: Expression) -> Expression:
    """1 where the value is unknown, else 0."""
    return Function("is_missing", (of,))


def elapsed_days(of: Expression) -> Expression:
    """Days from a date value to the as-of date (negative if it lies ahead)."""
    return Function("elapsed_days", (of,))


def code(of: Expression, table: Mapping[str, Number], other: Number | None = None) -> Expression:
    """A text as a number by a declared table."""
    return Code(of, tuple(table.items()), other)


def aggregates(expression: Expression) -> Iterator[Aggregate]:
    """Every aggregate an expression rests on, left to right, repeated where used twice."""
    if isinstance(expression, Aggregate):
        yield expression
    for part in expression.inputs():
        yield from aggregates(part)


def _value(value: Expression | Number | str) -> Expression:
    return value if isinstance(value, Expression) else Constant(value)
