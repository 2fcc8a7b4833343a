"""Parquet files of the store: the same bytes however the rows come, and a dictionary only where values repeat."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.store.parquet import write_parquet

ROWS = 1_000
TABLE = pa.table(
    {
        "uscc": [f"9137{number:014d}" for number in range(ROWS)],
        "industry": [f"C{number % 7}" if number % 11 else None for number in range(ROWS)],
        "amount": pa.array([Decimal(number % 5) / 4 for number in range(ROWS)], pa.decimal128(18, 2)),
        "known_at": [date(2026, 1, 1 + number // 200) for number in range(ROWS)],
        "removed": [number % 3 == 0 for number in range(ROWS)],
        "fact_rank": range(ROWS),
    }
)


def pieces(size: int) -> list[pa.Table]:
    return [TABLE.slice(start, size) for start in range(0, ROWS, size)]


@pytest.mark.parametrize("size", [1, 7, 256, 300, ROWS])
def test_the_same_bytes_however_the_rows_are_cut(tmp_path: Path, size: int) -> None:
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    assert write_parquet(whole, TABLE.schema, [TABLE], 256) == ROWS
    assert write_parquet(cut, TABLE.schema, pieces(size), 256) == ROWS
    assert cut.read_bytes() == whole.read_bytes()
    assert pq.read_table(cut).equals(TABLE)
    assert pq.ParquetFile(cut).metadata.num_row_groups == 4


def test_a_dictionary_where_values_repeat(tmp_path: Path) -> None:
    path = tmp_path / "facts.parquet"
    write_parquet(path, TABLE.schema, [TABLE])
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    repeating = {one.path_in_schema for one in columns if "RLE_DICTIONARY" in one.encodings}
    assert repeating == {"industry", "amount", "known_at"}  # a flag is a bit as it is


@pytest.mark.parametrize("given", [[], [TABLE.slice(0, 0)]])
def test_no_rows_are_a_file_with_columns(tmp_path: Path, given: list[pa.Table]) -> None:
    path = tmp_path / "facts.parquet"
    assert write_parquet(path, TABLE.schema, given) == 0
    assert pq.ParquetFile(path).metadata.num_row_groups == 0
    assert pq.read_schema(path).equals(TABLE.schema)
