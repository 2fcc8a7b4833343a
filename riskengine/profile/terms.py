"""How does one expression, one verb, read as an Ibis term? No tables are joined here and nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.expressions import (
    Aggregate,
    Arithmetic,
    Code,
    Constant,
    Expression,
    Feature,
    Filter,
    Function,
)
from riskengine.profile.kinds import value_kind

EXACT = {
    "integer": "decimal(19,0)",
    "money": "decimal(18,2)",
    "rate": "decimal(18,6)",
    "number": "decimal(28,6)",
}


_BITS = 60  # months that one number can tell apart


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The last month end by `as_of - ago`, moved back by `earlier` calendar months: an edge of whole months."""

    ago: Span
    earlier: int


Edge = Span | MonthEnd


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads fact columns out of the join and turns one aggregate into one Ibis measure."""

    joined: Any
    taken: set[str]
    bounds: Mapping[Edge, str]
    source: SourceContract
    sums: Mapping[tuple[Any, ...], str] = field(
        default_factory=dict
    )  # of a largest total: signature -> its column

    def column(self, name: str) -> Any:
        """A fact column, whatever the join calls it."""
        other = f"f_{name}"  # an equated key has no second column: it is the same value
        return self.joined[other if name in self.taken and other in self.joined.columns else name]

    def condition(self, aggregate: Aggregate) -> Any:
        """Window and filters together; None where neither restricts."""
        return _all([self.window(aggregate), self.filters(aggregate)])

    def window(self, aggregate: Aggregate) -> Any:
        """`(far edge, near edge]` as a condition; None where the aggregate has neither."""
        event, parts = self.column("event_date"), []
        if near(aggregate) != Span():
            parts.append(event <= self.joined[self.bounds[near(aggregate)]])
        begin = far(aggregate)
        if begin is not None:
            parts.append(event > self.joined[self.bounds[begin]])
        return _all(parts)

    def filters(self, aggregate: Aggregate) -> Any:
        """The aggregate's filters as one condition; None where it has none."""
        return _all([self._filter(rule) for rule in aggregate.where])

    def _filter(self, rule: Filter) -> Any:
        column = self.column(rule.column)
        if rule.operator == "in":
            return column.isin(list(rule.value))  # type: ignore[arg-type]
        if rule.operator in ("known", "unknown"):
            return column.notnull() if rule.operator == "known" else column.isnull()
        if rule.operator == "latest":
            return column == self.joined[f"last_{rule.column}"]
        if rule.of_as_of:
            return self._against_as_of(rule.operator, column)
        return {
            "==": column.__eq__, "!=": column.__ne__, "<": column.__lt__, "<=": column.__le__, ">": column.__gt__,
            ">=": column.__ge__,
        }[rule.operator](rule.value)  # fmt: skip

    def _against_as_of(self, operator: str, column: Any) -> Any:
        as_of = self.joined.as_of
        if operator == "unknown_or_not_before_as_of":
            return column.isnull() | (column >= as_of)
        return {
            "before_as_of": column.__lt__, "not_before_as_of": column.__ge__, "after_as_of": column.__gt__,
            "not_after_as_of": column.__le__,
        }[operator](as_of)  # fmt: skip

    def exact(self, name: str) -> Any:
        """A number column as a decimal, so that its sums do not depend on order."""
        return self.column(name).cast(EXACT[self.source.column_type(name) or "number"])

    def total_per_value(self, aggregate: Aggregate, by: Iterable[str]) -> Any:
        """On each row the exact total of the selected rows of its result group that share its value of `per`."""
        inside, value = self.condition(aggregate), self.column(aggregate.per or "")
        counted = value.notnull() if inside is None else inside & value.notnull()
        group = [*(self.joined[column] for column in by), value]
        exact = ibis.ifelse(counted, self.exact(aggregate.column or ""), None)
        return exact.sum().over(ibis.window(group_by=group))

    def measure(self, aggregate: Aggregate) -> Any:
        """The aggregate over the joined facts."""
        inside = self.condition(aggregate)
        event = self.column("event_date")
        verb, name = aggregate.verb, aggregate.column or "event_date"
        if verb == "count":
            return self.covered(aggregate, event.count(where=inside))
        if verb == "months_with":
            return self.covered(aggregate, self._months(aggregate, inside))
        if verb == "total":
            return total_term(
                self.covered(aggregate, event.count(where=inside)), self.exact(name).sum(where=inside)
            )
        if verb == "largest_total":
            return self.joined[self.sums[signature(aggregate)]].max(where=inside)
        if verb == "mean":
            return double(self.exact(name).sum(where=inside)) / self.column(name).count(where=inside).nullif(
                0
            )
        if verb in ("smallest", "largest"):
            column = self.column(name)
            return column.min(where=inside) if verb == "smallest" else column.max(where=inside)
        if verb == "distinct":
            return self.covered(aggregate, self.column(name).nunique(where=inside))
        if verb in ("latest", "first"):
            # Packed in a struct, so that a null value of the chosen fact stays null instead of yielding to another.
            packed, rank = ibis.struct({"v": self.column(name)}), self._order()
            picked = (
                packed.argmax(rank, where=inside) if verb == "latest" else packed.argmin(rank, where=inside)
            )
            return picked["v"]
        if verb in ("days_since", "months_since_last"):
            return event.max(where=inside)
        if verb == "days_since_first":
            return event.min(where=inside)
        if verb == "longest_gap":
            return self._gap(aggregate, inside)
        if verb == "streak":
            return self.covered(aggregate, self._streak(aggregate))
        return self._slope(name, inside) if verb == "trend" else self._deviation(name, inside)

    def _months(self, aggregate: Aggregate, inside: Any) -> Any:
        """How many different months: bits of one number where the window is short enough, which is 14 times as fast."""
        event = self.column("event_date")
        month = event.year() * 12 + event.month()
        begin = far(aggregate)
        if begin is None or _most_months(begin) > _BITS:
            return month.nunique(where=inside)
        bit = ibis.literal(1, "int64") << (month - self.joined.month_no + _BITS).cast("int64")
        return bit_count(ibis.ifelse(inside, bit, None).bit_or()).fill_null(0).cast("int64")

    def covered(self, aggregate: Aggregate, number: Any) -> Any:
        """How many, or null where a partial source has no fact at all in the window (filters aside)."""
        if none_means_zero(self.source, aggregate):
            return number
        return ibis.ifelse(self.column("event_date").count(where=self.window(aggregate)) == 0, None, number)

    def _order(self) -> Any:
        """Law 1's order. Applicants' own rows have ranks after all stored ones, so there the clocks speak first."""
        rank = self.column("fact_rank")
        if not self.source.fed_by_applicant:
            return rank
        return ibis.struct({"e": self.column("event_date"), "k": self.column("known_at"), "r": rank})

    def _gap(self, aggregate: Aggregate, inside: Any) -> Any:
        """The most days between neighbours of the sorted events, the window's end being the last of them."""
        event = self.column("event_date")
        last = near(aggregate)
        end = self.joined.as_of if last == Span() else self.joined[self.bounds[last]]
        days = (
            end.delta(event, unit="day").collect(where=inside).concat(ibis.array([ibis.literal(0, "int64")]))
        )
        days = days.sort()
        gaps = days.zip(days[1:]).map(lambda pair: pair.f2 - pair.f1).maxs()
        return ibis.ifelse(event.count(where=inside) == 0, None, gaps)

    def _streak(self, aggregate: Aggregate) -> Any:
        """How many facts of the window stand after the last one that fails the filters; all where none fails."""
        filters, window = self.filters(aggregate), self.window(aggregate)
        event = self.column("event_date")
        meets = event.notnull() if filters is None else filters.fill_null(False)
        latest_first = meets.collect(where=window, order_by=self._order().desc())
        broken = latest_first.index(False)  # from 0, below 0 where all meet them
        length = ibis.ifelse(broken < 0, latest_first.length(), broken)
        return ibis.coalesce(length, 0).cast("int64")

    def _slope(self, name: str, inside: Any) -> Any:
        event, y = self.column("event_date"), self.exact(name)
        inside = y.notnull() if inside is None else inside & y.notnull()
        x = (event.year() * 12 + event.month() - self.joined.month_no).cast("int32")
        n = double(x.count(where=inside))
        sx, sy = double(x.sum(where=inside)), double(y.sum(where=inside))
        sxx, sxy = (
            double((x * x).sum(where=inside)),
            double((x.cast("decimal(9,0)") * wide_decimal(y)).sum(where=inside)),
        )
        return (n * sxy - sx * sy) / (n * sxx - sx * sx).nullif(0)

    def _deviation(self, name: str, inside: Any) -> Any:
        y = self.exact(name)
        n = double(y.count(where=inside))
        sy, syy = double(y.sum(where=inside)), double((wide_decimal(y) * y).sum(where=inside))
        spread = (syy - sy * sy / n.nullif(0)) / (n - 1).nullif(0)
        # What is left of equal values is rounding: a spread below a millionth of the values' size is none.
        return ibis.ifelse((spread < syy * 1e-12) & (n > 1), 0.0, spread).sqrt()


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def bit_count(bits: int) -> int:
    """How many bits are set (DuckDB's and Spark's own function)."""
    raise AssertionError("the engine's own")


def _most_months(begin: Edge) -> int:
    """At most so many calendar months before the as-of date's own does a window reach back."""
    span = begin.ago if isinstance(begin, MonthEnd) else begin
    earlier = begin.earlier if isinstance(begin, MonthEnd) else 0
    return span.months + span.days // 28 + earlier + 1


def value_term(
    expression: Expression,
    wide: Any,
    columns: Mapping[tuple[Any, ...], str],
    sources: Mapping[str, SourceContract],
) -> Any:
    """An expression over the wide table's aggregate columns."""
    if isinstance(expression, Feature):
        return value_term(expression.of, wide, columns, sources)
    if isinstance(expression, Constant):
        return ibis.literal(expression.value)
    if isinstance(expression, Aggregate):
        value = wide[columns[signature(expression)]]
        if expression.verb in ("days_since", "days_since_first"):
            return double(wide.as_of.delta(value, unit="day"))
        if expression.verb == "months_since_last":
            return double(_whole_months(value, wide.as_of))
        return double(value) if value_kind(expression, sources) == "number" else value
    parts = [value_term(part, wide, columns, sources) for part in expression.inputs()]
    if isinstance(expression, Arithmetic):
        return _arithmetic(expression.operator, *parts)
    if isinstance(expression, Code):
        coded = ibis.cases(
            *((parts[0] == text, float(number)) for text, number in expression.table),
            else_=None if expression.other is None else float(expression.other),
        )
        return double(coded if expression.other is None else ibis.ifelse(parts[0].isnull(), None, coded))
    assert isinstance(expression, Function)
    return _function(expression.name, parts, wide)


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "/":
        return double(left) / double(right).nullif(0.0)
    if operator in "+-*":
        left, right = double(left), double(right)
        return {"+": left + right, "-": left - right, "*": left * right}[operator]
    compared = {
        ">": lambda: left > right, ">=": lambda: left >= right, "<": lambda: left < right, "<=": lambda: left <= right,
        "==": lambda: left == right,
    }[operator]()  # fmt: skip
    return double(compared.cast("int8"))


def _function(name: str, parts: list[Any], wide: Any) -> Any:
    if name == "elapsed_days":
        return double(wide.as_of.delta(parts[0], unit="day"))
    if name == "years_since":
        return double(wide.as_of.year()) - double(parts[0])
    if name == "is_missing":
        return double(parts[0].isnull().cast("int8"))
    if name == "first_known":
        return ibis.coalesce(*(double(part) for part in parts))
    values = [double(part) for part in parts]
    if name == "spread":
        return _spread(values)
    if name == "log1p":
        return ibis.ifelse(values[0] < 0, None, (values[0] + 1.0).ln())
    if name == "absolute":
        return values[0].abs()
    bounded = ibis.greatest(*values) if name in ("at_least", "greater") else ibis.least(*values)
    if name in ("greater", "smaller"):
        return ibis.ifelse(values[0].isnull() | values[1].isnull(), None, bounded)
    return ibis.ifelse(values[0].isnull(), None, bounded)


def _spread(values: list[Any]) -> Any:
    known = values[0].notnull().cast("int8")
    for value in values[1:]:
        known = known + value.notnull().cast("int8")
    apart = (ibis.greatest(*values) - ibis.least(*values)) / ibis.coalesce(*values).abs().nullif(0.0)
    return ibis.ifelse(known < 2, None, apart)


def _whole_months(event: Any, as_of: Any) -> Any:
    """How often a month can be added to `event` without passing `as_of`; the last day stands for a day not there."""
    months = (as_of.year() - event.year()) * 12 + as_of.month() - event.month()
    last_day = (as_of + ibis.interval(days=1)).cast("date").day() == 1
    return months - ibis.ifelse((as_of.day() < event.day()) & ~last_day, 1, 0)


def total_term(matching: Any, known_sum: Any) -> Any:
    """Zero where no fact matches, else the sum of the known values (null where none is known)."""
    zero = ibis.literal(0).cast(known_sum.type())
    return ibis.ifelse(matching == 0, zero, known_sum)


def wide_decimal(value: Any) -> Any:
    """A decimal of full width: DuckDB gives the product of two narrow ones only 18 digits."""
    return value.cast(f"decimal(38,{value.type().scale})")


def double(value: Any) -> Any:
    """A value in double precision."""
    return value.cast("float64")


def before(day: Any, edge: Edge) -> Any:
    """The day one span before, or the month end that is meant."""
    if isinstance(edge, MonthEnd):
        # The first day of the month after: moved by whole months it stays a first day, whatever their lengths.
        next_first = (before(day, edge.ago) + ibis.interval(days=1)).truncate("M")
        return (next_first - ibis.interval(months=edge.earlier) - ibis.interval(days=1)).cast("date")
    return (day - ibis.interval(months=edge.months) - ibis.interval(days=edge.days)).cast("date")


def near(aggregate: Aggregate) -> Edge:
    """Where the aggregate's window or months end; that day is inside."""
    return aggregate.ago if aggregate.months is None else MonthEnd(aggregate.ago, aggregate.earlier)


def far(aggregate: Aggregate) -> Edge | None:
    """Where the aggregate's window or months begin, that day being outside; None where they never do."""
    ago, window = aggregate.ago, aggregate.window
    if aggregate.months is not None:
        return MonthEnd(ago, aggregate.earlier + aggregate.months)
    return None if window is None else Span(window.months + ago.months, window.days + ago.days)


def none_means_zero(source: SourceContract, aggregate: Aggregate) -> bool:
    """Whether no fact at all says zero: in a complete source, over all time only if it was not connected late."""
    return source.coverage == "complete" and (source.covers_from is None or far(aggregate) is not None)


def signature(aggregate: Aggregate) -> tuple[Any, ...]:
    """What makes two aggregates the same computation."""
    where = tuple((rule.column, rule.operator, rule.value) for rule in aggregate.where)
    return (
        aggregate.verb,
        aggregate.source,
        aggregate.column,
        aggregate.by,
        aggregate.window,
        aggregate.ago,
        aggregate.months,
        aggregate.earlier,
        where,
        aggregate.through,
        aggregate.most,
        aggregate.per,
    )


def _all(parts: Iterable[Any]) -> Any:
    joined = None
    for part in parts:
        if part is not None:
            joined = part if joined is None else joined & part
    return joined
