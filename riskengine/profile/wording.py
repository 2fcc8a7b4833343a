"""How does DuckDB like to be told of conditional aggregates? Ibis's DuckDB SQL, with the words that run fastest.

Lessons of the profile of 150 features of 667,100 enterprises: ten sums over `CASE WHEN c THEN x END` take 0.45 s where
`sum(x) FILTER (WHERE c)` takes 0.73, since conditions that several aggregates share are then evaluated once; counting distinct
months as bits of one number takes a fourteenth of a distinct count (`terms.Reader.measure`). Decimals cost what doubles cost.
"""

from __future__ import annotations

from typing import Any

import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler


class Wording(DuckDBCompiler):  # type: ignore[misc]
    """Ibis's compiler for DuckDB; nulls are not counted, summed or compared, so a condition may as well make nulls."""

    __slots__ = ()

    def visit_DateSub(self, op: Any, *, left: Any, right: Any) -> Any:
        """The day so long before, a date: a timestamp would have to be compared with every fact's day cast to one."""
        return self.cast(self.binop(sge.Sub, left, right), op.dtype)

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The sum over the rows where the condition holds."""
        return super().visit_Sum(op, arg=_where(where, arg), where=None)

    def visit_Count(self, op: Any, *, arg: Any, where: Any) -> Any:
        """How many known values there are where the condition holds."""
        del op
        return self.agg.count(_where(where, arg), where=None)

    def visit_CountDistinct(self, op: Any, *, arg: Any, where: Any) -> Any:
        """How many different known values there are where the condition holds."""
        del op
        return self.agg.count(sge.Distinct(expressions=[_where(where, arg)]), where=None)

    def visit_Min(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The least where the condition holds."""
        del op
        return self.agg.min(_where(where, arg), where=None)

    def visit_Max(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The largest where the condition holds."""
        del op
        return self.agg.max(_where(where, arg), where=None)


def _where(condition: Any, value: Any) -> Any:
    return value if condition is None else sge.Case(ifs=[sge.If(this=condition, true=value)])


_COMPILER = Wording()


def duckdb_sql(table: Any) -> str:
    """An Ibis table as DuckDB's SQL."""
    return str(_COMPILER.to_sqlglot(table.unbind()).sql(dialect=_COMPILER.dialect, pretty=False))
