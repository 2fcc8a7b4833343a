"""How do the definitions read in Spark's SQL? The same Ibis terms, with the few words in which Spark differs from DuckDB.

What differs, and where it is settled:

| word | DuckDB | Spark | settled |
|---|---|---|---|
| product of decimals | scale is the sum of both, 38 digits | cuts the scale to fit 38 digits | session: `allowPrecisionLoss=false` |
| overflow, bad cast, division by zero | error | error under ANSI, else null | session: ANSI on |
| `count(DISTINCT x) FILTER` | as written | expands every row once for each such count | `size(collect_set(x) FILTER)` |
| ordered `array_agg` | `ORDER BY` inside | no order | collected with its key, then sorted |
| days between dates | calendar days | `TIMESTAMPDIFF` through the session's time zone | `datediff` |
| first of the month | `date_trunc` of a date | a timestamp in the session's zone | `trunc` |
| `bit_or`, `<<` | as written | (Ibis) not known; places are an INT | said here |
| `greatest` of one value | that value | refused | the value itself |
| `x IS NULL` of a double | null alone | (Ibis) NaN too | null alone |
| a quoted name | `"name"` | `` `name` `` | session: `doubleQuotedIdentifiers` |
"""

from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dt
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL, AggGen, SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler


class SparkCompiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis's compiler for Spark, saying the same as its DuckDB compiler."""

    __slots__ = ()
    agg = AggGen(supports_filter=True)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:
        """As Ibis says it, without asking the options of a running session."""
        if dtype.is_floating():
            return SQLGlotCompiler.visit_NonNullLiteral(self, op, value=value, dtype=dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Field(self, op: Any, *, rel: Any, name: Any) -> Any:
        """The column as it is."""
        return SQLGlotCompiler.visit_Field(self, op, rel=rel, name=name)

    def visit_IsNull(self, op: Any, *, arg: Any) -> Any:
        """Null alone: NaN is a number."""
        del op
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: Any) -> Any:
        """Anything but null."""
        del op
        return arg.is_(sge.Not(this=NULL))

    def visit_CountDistinct(self, op: Any, *, arg: Any, where: Any) -> Any:
        """How many different known values: a set is kept in each group; Spark's own would copy every row for each count."""
        return self.cast(self.f.anon.size(self.agg.collect_set(arg, where=where)), op.dtype)

    def visit_ArrayCollect(  # noqa: PLR0913 - the arguments are Ibis's
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool, distinct: bool
    ) -> Any:
        """Known values, in the order of one key where that is asked; an empty list where there is none."""
        del op
        assert not include_null
        assert not distinct
        if not order_by:
            return self.agg.collect_list(arg, where=where)
        (order,) = order_by
        pair = self.f.anon.struct(order.this.as_("k"), arg.as_("v"))
        pairs = self.agg.collect_list(pair, where=where)
        rising = sge.Boolean(this=not order.args.get("desc"))
        x = sge.to_identifier("x")
        return self.f.anon.transform(
            self.f.anon.sort_array(pairs, rising),
            sge.Lambda(this=sge.Dot.build((x, sge.to_identifier("v"))), expressions=[x]),
        )

    def visit_BitOr(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The bits of all values together."""
        del op
        return self.agg.bit_or(arg, where=where)

    def visit_BitwiseLeftShift(self, op: Any, *, left: Any, right: Any) -> Any:
        """Bits moved up; Spark counts the places in an INT."""
        del op
        return self.f.anon.shiftleft(left, self.cast(right, dt.int32))

    def visit_DateDelta(self, op: Any, *, part: Any, left: Any, right: Any) -> Any:
        """Calendar days between two dates, whatever the session's time zone."""
        assert op.part.value == "day"
        del part
        return self.cast(self.f.anon.datediff(left, right), op.dtype)

    def visit_DateTruncate(self, op: Any, *, arg: Any, unit: Any) -> Any:
        """The first day of the month, a date."""
        assert unit.short == "M"
        del op
        return self.f.anon.trunc(arg, sge.convert("MM"))

    def visit_Greatest(self, op: Any, *, arg: Any) -> Any:
        """The greatest known value; of one value itself."""
        del op
        return arg[0] if len(arg) == 1 else self.f.greatest(*arg)

    def visit_Least(self, op: Any, *, arg: Any) -> Any:
        """The least known value; of one value itself."""
        del op
        return arg[0] if len(arg) == 1 else self.f.least(*arg)


_COMPILER = SparkCompiler()


def spark_sql(table: Any) -> str:
    """An Ibis table as Spark SQL."""
    return str(_COMPILER.to_sqlglot(table.unbind()).sql(dialect=_COMPILER.dialect, pretty=False))
