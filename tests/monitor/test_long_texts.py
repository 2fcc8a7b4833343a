"""Are texts held in Arrow the texts that they were, in what is written, read and said of rows?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.monitor import evidence_rows, frames, long_texts
from riskengine.monitor.signal_rows import alike

TEXTS = st.text(st.sampled_from('a中"\\#*\n\x01{}:,0123456789abcdef'), max_size=8)
TOKEN = st.just("张*#0123456789abcdef")
COLUMNS = st.lists(st.none() | TEXTS | TOKEN, max_size=8)


@settings(max_examples=100, deadline=None)
@given(COLUMNS, st.integers(0, 8))
def test_a_column_in_arrow_says_what_it_was(texts: list[str | None], cut: int) -> None:
    parts = [pa.array(part, pa.large_string()) for part in (texts[:cut], texts[cut:])]
    places = np.arange(len(texts))[::-1]
    column = long_texts.series(long_texts.chosen(parts, places))
    assert list(long_texts.one_by_one(column)) == texts[::-1]
    plain = pd.Series(texts[::-1], dtype="object")
    assert list(long_texts.one_by_one(plain)) == texts[::-1]
    assert long_texts.in_arrow(plain).equals(long_texts.in_arrow(column))
    assert frames.parquet_bytes(column.to_frame("evidence"), {}) == frames.parquet_bytes(
        plain.to_frame("evidence"), {}
    )


def test_a_place_below_nought_is_unknown() -> None:
    assert long_texts.chosen([pa.array(["a"], pa.large_string())], np.array([-1, 0])).to_pylist() == [
        None,
        "a",
    ]


@settings(max_examples=150, deadline=None)
@given(COLUMNS | st.lists(st.none() | st.integers(-9, 9)) | st.lists(st.none() | st.floats(-1, 1)))
def test_a_column_is_written_as_each_of_its_values_is(values: list[Any]) -> None:
    kind = next((pa.array([one]).type for one in values if one is not None), pa.string())
    column = pa.chunked_array([pa.array(values, kind)])
    written = evidence_rows._written(column, evidence_rows._told).to_pylist()
    assert written == [evidence_rows._told(one) for one in values]


def test_rows_that_are_alike_have_one_object() -> None:
    column = pd.Series(alike("中", 3), dtype="object")
    assert len(set(map(id, column.tolist()))) == 1
