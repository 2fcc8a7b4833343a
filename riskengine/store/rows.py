"""How do rows of plain values come into a DuckDB table: a few without any import, many through Arrow?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

MANY = 200  # rows from which loading Arrow pays


def insert_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]], many: int = MANY
) -> None:
    """Append rows to an existing table, values in the order of its columns and of their types (None is null)."""
    if not rows:
        return
    if len(rows) < many:
        marks = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in rows)
        connection.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row])
        return
    import pyarrow as pa

    schema = connection.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema
    columns = [
        pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    connection.register("arriving_rows", pa.table(columns, schema=schema))
    try:
        connection.execute(f"INSERT INTO {table} SELECT * FROM arriving_rows")
    finally:
        connection.unregister("arriving_rows")
