"""Who is looked at, on a cluster? The loaders of `profile.subjects` and `profile.populations`, said to Spark.

Their DuckDB SQL is read and said again in Spark's; only the numbering differs: DuckDB numbers rows in one window, which on a
cluster would bring every row to one task. Here rows are sorted by range, counted part by part, and numbered from there.
"""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp

from riskengine.spark.cluster import Cluster

_LOW = (1 << 33) - 1  # monotonically_increasing_id: the partition above, the row within it below


class Register:
    """What the loaders take for a workbench: `facts` names a view, `connection` runs their SQL on the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.connection = self
        self._found: Any = None

    def facts(self, source: str) -> str:
        """The view of a source's index files with all their columns, or `''` where nothing has been taken in."""
        paths = self.cluster.paths(source)
        if paths:
            self.cluster.verify([source])
            files = self.cluster.session.read.option("mergeSchema", "true").parquet(*paths)
            files.createOrReplaceTempView(f"register_{source}")
        return f"register_{source}" if paths else ""

    def execute(self, sql: str) -> Register:
        """Run one of the loaders' statements: the table of subjects, a description, a count."""
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        for part in tree.find_all(
            exp.Select
        ):  # of a name that stands twice DuckDB reads the first, Spark none
            once = {
                one.alias_or_name or place: one for place, one in reversed([*enumerate(part.expressions)])
            }
            part.set("expressions", [*reversed(once.values())])
        if isinstance(tree, exp.Create):
            self._subjects(tree.expression)
        elif isinstance(tree, exp.Describe):
            columns = self.cluster.session.sql(tree.this.sql("spark")).columns
            self._found = [(name,) for name in columns]
        else:
            self._found = [tuple(row) for row in self.cluster.session.sql(tree.sql("spark")).collect()]
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """What the last statement gave."""
        return list(self._found)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row of it."""
        return self._found[0] if self._found else None

    def _subjects(self, select: exp.Select) -> None:
        _first_of_each(select)
        order = _unnumbered(select)
        rows = self.cluster.session.sql(select.sql("spark"))
        numbered(self.cluster, rows, order).createOrReplaceTempView("subjects")


def _first_of_each(select: exp.Select) -> None:
    """Where the first of sorted rows of equal keys is known by the row before it, say so key by key: a cluster has no row before."""
    lag = select.find(exp.Lag)
    if lag is None:
        return
    said = lag.find_ancestor(exp.Alias)
    looking = lag.find_ancestor(exp.Select)
    assert said is not None, select.sql("duckdb")
    assert looking is not None, select.sql("duckdb")
    rows, keys = looking.args["from_"].this.this, lag.this.expressions
    order = rows.args["order"].expressions
    assert [key.name for key in keys] == [one.this.name for one in order[: len(keys)]], select.sql("duckdb")
    first = exp.Window(
        this=exp.RowNumber(),
        partition_by=[key.copy() for key in keys],
        order=exp.Order(expressions=order[len(keys) :]),
    )
    looking.set("expressions", [exp.Star()])
    looking.set("qualify", exp.Qualify(this=exp.EQ(this=first, expression=exp.Literal.number(1))))
    looking.set("order", exp.Order(expressions=order[: len(keys)]))
    rows.set("order", None)
    select.set("where", None)
    for star in select.find_all(exp.Star):
        star.set("except_", [one for one in star.args.get("except_") or () if one.name != said.alias])


def _unnumbered(select: exp.Select) -> list[str]:
    """Take the row number out of a SELECT and give the columns by which it counts (added where they are not there).

    It counts in the order of its window or, where that has none, of the sorted rows that it is read from.
    """
    number = next(item for item in select.expressions if item.alias == "subject")
    window, rows = number.find(exp.Window), select.find(exp.Subquery)
    assert window is not None
    sorted_by = window.args.get("order") or (rows and rows.this.args.get("order"))
    assert sorted_by, select.sql("duckdb")
    order = [one.this for one in sorted_by.expressions]
    number.pop()
    select.set("order", None)
    if rows and rows.this.args.get("order") is sorted_by:
        rows.this.set("order", None)
    names = [f"by_{place}" for place in range(len(order))]
    for name, column in zip(names, order, strict=True):
        select.select(exp.alias_(column.copy(), name), copy=False)
    return names


def numbered(cluster: Cluster, rows: Any, order: list[str]) -> Any:
    """The rows with `subject`, their number from 0 in the order of some columns (which are left out)."""
    placed = (
        rows.repartitionByRange(*order)
        .sortWithinPartitions(*order)
        .selectExpr("*", "spark_partition_id() AS part", f"monotonically_increasing_id() & {_LOW}L AS place")
    )
    placed = cluster.kept("placed", placed)
    counts = {row.part: row["count"] for row in placed.groupBy("part").count().collect()}
    before, begins = 0, []
    for part in sorted(counts):
        begins.append(f"WHEN {part} THEN {before}L")
        before += counts[part]
    number = f"CASE part {' '.join(begins)} END + place" if begins else "place"
    kept = [f"`{name}`" for name in rows.columns if name not in order]
    return cluster.kept("subjects", placed.selectExpr(f"{number} AS subject", *kept))
