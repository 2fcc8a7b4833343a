"""How are long texts of many rows held once? Evidence: half a kilobyte a signal, hundreds of thousands of signals a night.

Lesson of the profile: as Python's texts (two bytes a character, once one of them is Chinese) the evidence of a province took
more memory than all that is decided from it. It lies in one Arrow column (pandas' `str`), and its texts are made one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)  # what pandas calls `str`, whatever its options say
AT_ONCE = 16_384  # texts made at a time


def series(texts: pa.Array | pa.ChunkedArray, index: pd.Index | None = None) -> pd.Series:
    """The column of texts that lie in Arrow; unknown ones are NaN."""
    return pd.Series(pd.array(texts.cast(pa.large_string()), dtype=TEXT), index=index, copy=False)


def chosen(parts: list[pa.Array], places: Any) -> pa.ChunkedArray:
    """One below the other, and of these the given places; unknown where a place is below 0.

    `parts` is emptied: Arrow puts them together before it takes any, and no text need be there three times.
    """
    every = pa.concat_arrays([pa.array([], pa.large_string()), *parts])
    parts.clear()
    return pa.chunked_array([every.take(pa.array(places, mask=np.asarray(places) < 0))])


def in_arrow(column: pd.Series) -> pa.ChunkedArray:
    """The texts of a column as they lie, or as Arrow has them."""
    found = pa.array(column.array if column.dtype == TEXT else column, pa.large_string(), from_pandas=True)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def one_by_one(column: pd.Series) -> Iterator[str | None]:
    """The texts of a column, None where one is unknown; no more of them are there at a time than the caller keeps."""
    if column.dtype != TEXT:
        yield from (text if isinstance(text, str) else None for text in column)
        return
    every = in_arrow(column)
    for begin in range(0, len(every), AT_ONCE):
        yield from every.slice(begin, AT_ONCE).to_pylist()
