"""Are expressions over arrays what DuckDB makes of them, to the bit, unknown values and all?"""

from __future__ import annotations

import struct
from random import Random
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlglot

from riskengine.profile.cells import Cells, column_cells, convert
from riskengine.profile.evaluating import Evaluator, Words
from riskengine.profile.spelled import real
from riskengine.profile.spelling_terms import Unspelled
from riskengine.profile.values import Spread, to_arrow

EXPRESSIONS = (
    "CAST(m AS DOUBLE)", "CAST(n AS DOUBLE)", "CAST(i AS DOUBLE)", "CAST(f AS DOUBLE)", "CAST(x > y AS TINYINT)",
    "x + y", "x - y", "x * y", "x / NULLIF(y, 0.0)", "i + j", "i - 3", "i * j", "m - 1", "-x", "ABS(x)", "SQRT(ABS(x))", "LN(ABS(y) + 1.0)", "x + i", "x * CAST(m AS DOUBLE)",
    "CASE WHEN i = 0 THEN NULL ELSE x END", "CASE WHEN i = 0 THEN CAST(0 AS DECIMAL(38, 2)) ELSE m END", "CASE WHEN x > 1 THEN i WHEN y > 1 THEN j END", "CASE WHEN x > 1 THEN k END", "COALESCE(k, NULL, 0)", "CASE WHEN x > 1 THEN f END", "CAST(NULL AS BIGINT)", "- CAST(NULL AS DOUBLE)",
    "CASE WHEN d >= DATE '2024-02-29' THEN x END", "CASE WHEN f THEN x ELSE y END", "CASE WHEN NOT f THEN x ELSE y END",
    "CASE WHEN x IS NULL OR y > 0 THEN 1 ELSE 0 END", "CASE WHEN x > 0 AND NOT y IS NULL THEN 1 ELSE 0 END", "CASE WHEN t = 'b' THEN 1.5 ELSE 2 END",
    "COALESCE(x, y)", "COALESCE(x, y, 7.25)", "COALESCE(i, 0)", "NULLIF(i, j)", "NULLIF(x, 0.0)", "GREATEST(x, y)", "LEAST(x, y, 3.0)", "GREATEST(i, j)",
    "CAST(d + INTERVAL 1 DAY AS DATE)", "DATE_DIFF('DAY', d, e)", "EXTRACT(YEAR FROM d)", "EXTRACT(MONTH FROM d)", "EXTRACT(DAY FROM d)", "x > y", "m >= 2", "i <> j", "x = NULL", "NULL", "TRUE", "d", "t",
)  # fmt: skip


@pytest.fixture(scope="module")
def facts() -> pa.Table:
    """Every kind of value beside every other, unknown ones among them."""
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)").fetchall()
        return connection.sql(
            """SELECT
            CASE WHEN r() < 0.2 THEN NULL ELSE (r() * 4)::BIGINT - 2 END AS i,
            CASE WHEN r() < 0.2 THEN NULL ELSE (r() * 4)::BIGINT END AS j,
            CASE WHEN r() < 0.2 THEN NULL ELSE (1::BIGINT << 60) + (r() * 4)::BIGINT END AS k,
            CASE WHEN r() < 0.2 THEN NULL WHEN r() < 0.2 THEN 0 ELSE (r() - 0.5) * 1e3 END AS x,
            CASE WHEN r() < 0.2 THEN NULL WHEN r() < 0.2 THEN 0 ELSE r() / 3 END AS y,
            CASE WHEN r() < 0.2 THEN NULL WHEN r() < 0.2 THEN -1e15 * r() ELSE r() * 1e6 END::DECIMAL(18,2) AS m,
            CASE WHEN r() < 0.2 THEN NULL WHEN r() < 0.2 THEN 9e11 * r() ELSE r() * 1e3 END::DECIMAL(18,6) AS n,
            CASE WHEN r() < 0.2 THEN NULL ELSE DATE '2024-01-01' + (r() * 90)::INTEGER END AS d,
            CASE WHEN r() < 0.2 THEN NULL ELSE DATE '1969-12-01' + (r() * 90)::INTEGER END AS e,
            CASE WHEN r() < 0.3 THEN NULL ELSE r() < 0.5 END AS f,
            CASE WHEN r() < 0.3 THEN NULL WHEN r() < 0.5 THEN 'a' ELSE 'b' END AS t
            FROM range(4000)""".replace("r()", "random()")
        ).to_arrow_table()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_as_duckdb_has_it(facts: pa.Table, expression: str) -> None:
    if _value(facts, expression).kind[0] == "decimal":
        expression = f"CAST({expression} AS DOUBLE)"  # as a step gives it
    with duckdb.connect() as connection:
        connection.register("facts", facts)
        theirs = connection.sql(f"SELECT {expression} AS v FROM facts").to_arrow_table()["v"].to_pylist()
    mine = _value(facts, expression)
    if mine.kind == "null":
        assert set(theirs) == {None}
    else:
        assert [_bits(one) for one in to_arrow(mine, len(facts)).to_pylist()] == [
            _bits(one) for one in theirs
        ]


@pytest.mark.parametrize("expression", ["LN(x)", "SQRT(x)", "x[1]", "SUM(x)", "CAST(t AS DATE)", "i % 2"])
def test_what_is_not_read(facts: pa.Table, expression: str) -> None:
    with pytest.raises(Unspelled):
        _value(facts, expression)


def _value(facts: pa.Table, expression: str) -> Cells:
    tree = Words().read(sqlglot.parse_one(expression, dialect="duckdb"))
    return Evaluator(lambda column: column_cells(facts[column.name])).value(tree)


def test_too_large_for_64_bits() -> None:
    table = pa.table({"m": pa.array([10**20], pa.decimal128(38, 2))})
    with pytest.raises(Unspelled, match="too large"):
        column_cells(table["m"])
    large = Cells("int", column_cells(pa.chunked_array([[2**61]])).values)
    with pytest.raises(Unspelled, match="too large"):
        Evaluator(lambda column: large).value(Words().read(sqlglot.parse_one("a * a")))


@pytest.mark.parametrize(
    ("kind", "scale", "most"),
    [("18,2", 2, 10**18), ("38,4", 4, 10**18), ("38,4", 4, 10**21), ("18,6", 6, 10**18)],
)
def test_decimals_become_the_nearest_double(kind: str, scale: int, most: int) -> None:
    """Where a decimal has more digits than a double, neither way may round twice."""
    chance = Random(most)
    whole = [chance.randrange(-most, most) for _ in range(3000)]
    told = [
        f"{'-' if one < 0 else ''}{abs(one) // 10**scale}.{abs(one) % 10**scale:0{scale}d}" for one in whole
    ]
    with duckdb.connect() as connection:
        sql = f"SELECT CAST(CAST(v AS DECIMAL({kind})) AS DOUBLE) FROM (SELECT unnest(?) AS v)"
        theirs = [value for (value,) in connection.execute(sql, [told]).fetchall()]
    assert [real(one, scale) for one in whole] == theirs
    if most < 1 << 63:
        cells = Cells(("decimal", scale), np.array(whole))
        assert convert(cells, "double").values.tolist() == theirs


def _bits(value: object) -> object:
    return struct.pack("d", value) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        ("text", np.array(["a", "b", 0], object), pa.array(["b", None, "a", None, None])),
        ("int", np.array([2**60 + 1, 5, 0]), pa.array([5, None, 2**60 + 1, None, None])),
        ("double", np.array([0.1, -0.0, 0.0]), pa.array([-0.0, None, 0.1, None, None])),
        ("bool", np.array([True, False, False]), pa.array([False, None, True, None, None])),
    ],
)
def test_values_of_few_are_put_among_those_of_everybody(kind: Any, told: Any, expected: pa.Array) -> None:
    spread = Spread(many=5, rows=np.array([0, 2]), taken=np.array([1, 0]), nobody=2)
    found = spread.column(Cells(kind, told, np.array([False, False, True])))
    assert found.type == expected.type
    assert found.to_pylist() == expected.to_pylist()
