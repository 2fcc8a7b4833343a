"""How are rows written as Parquet so that the same rows give the same bytes, and how does SQL name files and columns?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 122_880


def write_parquet(
    path: Path, schema: pa.Schema, pieces: Iterable[pa.Table], row_group: int = ROW_GROUP
) -> int:
    """Write tables as one Parquet file of fixed row groups with page checksums, durably; return the rows.

    However the pieces are cut, the same rows give the same bytes.
    """
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        waiting = schema.empty_table()
        for piece in pieces:
            waiting = pa.concat_tables([waiting, piece.cast(schema)])
            while waiting.num_rows >= row_group:
                writer.write_table(waiting.slice(0, row_group).combine_chunks(), row_group_size=row_group)
                waiting = waiting.slice(row_group)
                rows += row_group
        if waiting.num_rows:
            writer.write_table(waiting.combine_chunks(), row_group_size=row_group)
            rows += waiting.num_rows
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    return rows


def arrow_batches(connection: Any, query: str, rows: int = ROW_GROUP) -> Iterator[pa.Table]:
    """What a query gives, piece by piece."""
    for batch in connection.sql(query).to_arrow_reader(rows):
        yield pa.Table.from_batches([batch])


def union_schema(files: Sequence[str]) -> pa.Schema:
    """The columns of all files, in order of first appearance."""
    fields: dict[str, pa.Field] = {}
    for path in files:
        for field in pq.read_schema(path):
            fields.setdefault(field.name, field.remove_metadata())
    return pa.schema(list(fields.values()))


def scan(files: Sequence[str]) -> str:
    """A SQL source of Parquet files, whose columns may differ."""
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{listed}], union_by_name = true)"


def names(columns: Sequence[str]) -> str:
    """Columns as SQL writes them, with commas between."""
    return ", ".join(each(columns))


def each(columns: Sequence[str]) -> list[str]:
    """Columns as SQL writes them."""
    return ['"' + column.replace('"', '""') + '"' for column in columns]
