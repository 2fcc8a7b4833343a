"""How is DuckDB opened? In memory, in one place, because of one fault of it that everybody would meet."""

from __future__ import annotations

from typing import Any

import duckdb


def connect(config: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """A database of its own, without the cache between operators.

    DuckDB 2.0.0's fails now and then where a dictionary column comes from several files: `INTERNAL Error: dict-surviving
    cache: global dictionary column 1 changed identity`. Global: a cursor does not inherit what is set for a connection.
    """
    connection = duckdb.connect(config=config or {})
    connection.execute("SET GLOBAL enable_caching_operators = false")
    return connection
