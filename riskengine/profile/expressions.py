"""What can be computed of an enterprise? Values that say what, never how: facts counted, summed, looked up, compared.

A feature is a frozen value built from the verbs below over facts of one source joined through a declared key (`by`),
inside a half-open window `(as_of - ago - window, as_of - ago]` or the whole calendar months that had ended by then.
Nothing here touches data or imports an engine.
The words that make these values are in `verbs` (over facts) and `functions` (over values).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as slot
from typing import Literal

from riskengine.clock import Span

Verb = Literal[
    "count", "total", "mean", "smallest", "largest", "distinct", "latest", "first",
    "days_since", "days_since_first", "months_since_last", "longest_gap", "trend", "volatility", "months_with", "linked",
    "cycle", "streak", "largest_total",
]  # fmt: skip
Number = int | float
_NOW = Span()


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Something that has one value for each subject and as-of date; null means unknown."""

    def __add__(self, other: Expression | Number) -> Expression:
        return Arithmetic("+", self, as_value(other))

    def __sub__(self, other: Expression | Number) -> Expression:
        return Arithmetic("-", self, as_value(other))

    def __mul__(self, other: Expression | Number) -> Expression:
        return Arithmetic("*", self, as_value(other))

    def __truediv__(self, other: Expression | Number) -> Expression:
        return Arithmetic("/", self, as_value(other))

    def __radd__(self, other: Number) -> Expression:
        return Arithmetic("+", as_value(other), self)

    def __rsub__(self, other: Number) -> Expression:
        return Arithmetic("-", as_value(other), self)

    def __rmul__(self, other: Number) -> Expression:
        return Arithmetic("*", as_value(other), self)

    def __rtruediv__(self, other: Number) -> Expression:
        return Arithmetic("/", as_value(other), self)

    def __gt__(self, other: Expression | Number) -> Expression:
        return Arithmetic(">", self, as_value(other))

    def __ge__(self, other: Expression | Number) -> Expression:
        return Arithmetic(">=", self, as_value(other))

    def __lt__(self, other: Expression | Number) -> Expression:
        return Arithmetic("<", self, as_value(other))

    def __le__(self, other: Expression | Number) -> Expression:
        return Arithmetic("<=", self, as_value(other))

    def equals(self, other: Expression | Number | str) -> Expression:
        """1 where both sides are equal, 0 where they differ, null where either is unknown."""
        return Arithmetic("==", self, as_value(other))

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
    operator: Literal[
        "==", "!=", "<", "<=", ">", ">=", "in", "known", "unknown", "before_as_of", "not_before_as_of",
        "after_as_of", "not_after_as_of", "unknown_or_not_before_as_of", "latest",
    ]  # fmt: skip
    value: str | Number | tuple[str | Number, ...] = ""

    @property
    def of_as_of(self) -> bool:
        """Whether the condition depends on the as-of date itself."""
        return self.operator.endswith("as_of")

    @property
    def moving(self) -> bool:
        """Whether no fact meets the condition once for all days."""
        return self.of_as_of or self.operator == "latest"


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

    def is_known(self) -> Filter:
        """Facts whose column has a value."""
        return Filter(self.column, "known")

    def is_unknown(self) -> Filter:
        """Facts whose column has none."""
        return Filter(self.column, "unknown")

    def is_latest(self) -> Filter:
        """Facts whose column has the greatest value among all facts of the same key that are visible on the as-of date.

        `where=field("report_dt").is_latest()`: the rows of the last credit report. Window and other filters are not asked
        first: where the last report lies outside the window, none of the window's facts is meant.
        """
        return Filter(self.column, "latest")

    def before_as_of(self) -> Filter:
        """Facts whose date is known and earlier than the as-of date itself (`ago` does not move it)."""
        return Filter(self.column, "before_as_of")

    def not_before_as_of(self) -> Filter:
        """Facts whose date is known and the as-of date or later: a certificate valid to the as-of day counts."""
        return Filter(self.column, "not_before_as_of")

    def after_as_of(self) -> Filter:
        """Facts whose date is known and later than the as-of date."""
        return Filter(self.column, "after_as_of")

    def not_after_as_of(self) -> Filter:
        """Facts whose date is known and the as-of date or earlier: a listing lifted on the as-of day counts."""
        return Filter(self.column, "not_after_as_of")

    def unknown_or_not_before_as_of(self) -> Filter:
        """Facts whose date is unknown, the as-of date or later: what has no end yet or ends on the day or after it."""
        return Filter(self.column, "unknown_or_not_before_as_of")

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
    """One verb over the current facts of a source that share the subject's key, or the keys it is linked to.

    `linked` counts the linked keys themselves and `cycle` the steps by which a link comes back to the subject: they read
    no source of their own (`source` is empty).
    """

    verb: Verb
    source: str
    column: str | None
    by: str
    window: Span | None = None
    ago: Span = _NOW
    where: tuple[Filter, ...] = ()
    through: tuple[str, ...] = ()  # links followed from the subject's key, first to last
    months: int | None = None  # instead of a window: so many whole calendar months, ended by as_of - ago
    earlier: int = 0  # by how many calendar months these months are moved back
    per: str | None = None  # of a largest total: the column whose values are totalled one by one
    most: int | None = None  # of a cycle: the steps after which nobody looks further


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
    """A named function of other values: see `functions` for each."""

    name: Literal[
        "log1p", "absolute", "at_least", "at_most", "smaller", "greater", "first_known", "spread", "is_missing",
        "elapsed_days", "years_since",
    ]  # fmt: skip
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


def aggregates(expression: Expression) -> Iterator[Aggregate]:
    """Every aggregate an expression rests on, left to right, repeated where used twice."""
    if isinstance(expression, Aggregate):
        yield expression
    for part in expression.inputs():
        yield from aggregates(part)


def as_value(value: Expression | Number | str) -> Expression:
    """An expression as it is; a number or a text as a constant."""
    return value if isinstance(value, Expression) else Constant(value)
