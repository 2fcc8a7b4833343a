"""How do a night's frames become the same bytes every time, and how are they read back?"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.monitor.evaluate import COLUMNS as SIGNAL_COLUMNS
from riskengine.monitor.long_texts import AT_ONCE, TEXT, in_arrow, series
from riskengine.monitor.night import Before
from riskengine.monitor.plan import COLUMNS as REMINDER_COLUMNS
from riskengine.monitor.publish import Publication

_MONEY = pa.decimal128(18, 2)
_LARGEST = 2**31  # bytes of texts in one array of Parquet's kind
_EXACT = 2.0**53  # cents that a double still counts one by one
_DAYS = (
    "first_seen",
    "raised_on",
    "clear_since",
    "clear_on",
    "due",
    "first_shown",
    "as_of",
    "acknowledged_on",
)
_TEXTS = (
    "severity",
    "severity_before",
    "grade",
    "grade_before",
    "enterprise",
    "id",
    "key",
    "text_en",
    "text_zh",
    "feature",
    "evidence",
    "evidence_key",
    "worst",
    "officer",
    "replaces",
    "loses",
    "acknowledged_by",
)
_COMPARED = (
    "id",
    "enterprise_id",
    "pd",
    "grade",
    "grade_no",
    "pd_history",
    "exposure",
    "expected_loss",
    "severity",
)
EVIDENCE = "evidence"  # of signals: nearly as many texts as rows, and half a kilobyte each
_MONEYS = ("exposure", "expected_loss", "at_stake")


def scores_bytes(book: pd.DataFrame, dates: Sequence[str] = ()) -> bytes:
    """`scores.parquet`: one row a guarantee in rank order; money as decimal(18,2), `pd_history` as a list."""
    kinds = {name: pa.date32() for name in dates} | {"pd_history": pa.list_(pa.float64())}
    return parquet_bytes(book.drop(columns=["subject"], errors="ignore"), kinds)


def signals_bytes(signals: pd.DataFrame) -> bytes:
    """`signals.parquet`: one row an active signal; with its `case`, and whether a worse one inhibits it."""
    more = [name for name in ("case", "inhibited") if name in signals]
    flags = {"overdue": pa.bool_(), "inhibited": pa.bool_(), "case": pa.string()}
    return parquet_bytes(signals[[*SIGNAL_COLUMNS, *more]], flags)


def reminders_bytes(reminders: pd.DataFrame) -> bytes:
    """`reminders.parquet`: one row a reminder."""
    flags = ("estimate", "provisional", "uncertain", "acknowledged")
    numbers = ("days_left", "lead", "level", "step")
    kinds = {**dict.fromkeys(flags, pa.bool_()), **dict.fromkeys(numbers, pa.int64()), "base": pa.date32()}
    return parquet_bytes(reminders[list(REMINDER_COLUMNS)], kinds)


def parquet_bytes(frame: pd.DataFrame, kinds: Mapping[str, pa.DataType]) -> bytes:
    """A frame as Parquet with page checksums; types depend on the column's name and kind, never on its rows."""
    arrays, fields = [], []
    for name in frame.columns:
        kind = kinds.get(name) or _kind(str(name), frame[name])
        arrays.append(_array(frame[name], kind))
        fields.append(pa.field(str(name), kind))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    del arrays, table
    pa.default_memory_pool().release_unused()  # else it keeps the largest table beside all that follow
    return sink.getvalue()


def read_before(publication: Publication | None, features: Collection[str] | None = None) -> Before:
    """The frames of the publication before, as they were; nothing on the first night.

    `features`: those of the book that are wanted besides what every night compares (None: all there are).
    """
    if publication is None:
        return Before()
    chosen = None if features is None else {*_COMPARED, *features}
    scores = read_frame(publication, "scores.parquet", chosen)
    signals, reminders = (read_frame(publication, f"{name}.parquet") for name in ("signals", "reminders"))
    model = str(publication.manifest["inputs"]["bundle"])
    return Before(publication.as_of, scores, signals, reminders, publication.manifest, model)


def read_frame(publication: Publication, name: str, wanted: Collection[str] | None = None) -> pd.DataFrame:
    """One published frame: money as floats, days as `date`, unknown texts as None; of the columns `wanted` those it has."""
    path = publication.folder / name
    chosen = None if wanted is None else [one for one in pq.read_schema(path).names if one in wanted]
    table = pq.read_table(path, columns=chosen, page_checksum_verification=True)
    columns: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_decimal(field.type):
            columns[field.name] = column.cast(pa.float64()).to_pandas()
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            columns[field.name] = column.to_pandas()
        elif field.name == EVIDENCE:
            columns[field.name] = series(column)
        else:
            columns[field.name] = pd.Series(_objects(column), dtype="object")
    return pd.DataFrame(columns)


def _objects(column: pa.ChunkedArray) -> Any:
    """Python's values, equal ones the same object: a night's million rows repeat few texts and days."""
    if not (pa.types.is_string(column.type) or pa.types.is_date(column.type)):
        return column.to_pylist()
    coded = column.combine_chunks().dictionary_encode()
    values = np.array([*coded.dictionary.to_pylist(), None], dtype="object")
    return values[coded.indices.fill_null(len(values) - 1).to_numpy()]


def _kind(name: str, column: Any) -> pa.DataType:
    if name in _MONEYS:
        return _MONEY
    if name in _DAYS:
        return pa.date32()
    if pd.api.types.is_bool_dtype(column):
        return pa.bool_()
    if pd.api.types.is_integer_dtype(column):
        return pa.int64()
    if pd.api.types.is_float_dtype(column) and name not in _TEXTS:
        return pa.float64()
    if pd.api.types.is_datetime64_any_dtype(column):
        return pa.date32()
    return pa.string()


def _array(column: Any, kind: pa.DataType) -> pa.Array:
    if kind == _MONEY:
        return _money(column.to_numpy(dtype="float64", na_value=np.nan))
    if pa.types.is_date(kind):
        return _days(column)
    if pa.types.is_string(kind):
        return _texts(column)
    return pa.array(column, kind, from_pandas=True)


def _money(amounts: Any) -> pa.Array:
    """Amounts to the cent, as `format(value, ".2f")` rounds them: a double is its decimal expansion, whatever it is meant to be.

    What is the double nearest to a whole number of cents needs no text on the way.
    """
    known = ~np.isnan(amounts)
    cents = np.rint(np.where(known, amounts, 0.0) * 100)
    plain = ~known | ((cents / 100 == amounts) & (np.abs(cents) < _EXACT))
    if not plain.all():
        told = [f"{value:.2f}" if there else None for value, there in zip(amounts, known, strict=True)]
        return pa.array(told, pa.string()).cast(_MONEY)
    wide = np.empty((len(cents), 2), dtype="<i8")
    wide[:, 0] = cents
    wide[:, 1] = np.where(wide[:, 0] < 0, -1, 0)
    there = pa.array(known).buffers()[1]
    return pa.Array.from_buffers(_MONEY, len(cents), [there, pa.py_buffer(wide.tobytes())])


def _days(column: Any) -> pa.Array:
    if column.dtype == object:
        try:
            found = pa.array(column.to_numpy(), from_pandas=True)
        except pa.ArrowException:
            found = None
        if found is not None and found.type in (pa.date32(), pa.null()):
            return found.cast(pa.date32())
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M":
        return pa.array(column.to_numpy().astype("datetime64[D]"), pa.date32())
    days = pd.to_datetime(column)
    return pa.array([None if pd.isna(day) else day.date() for day in days], pa.date32())


def _texts(column: Any) -> pa.Array:
    if column.dtype == TEXT:  # as it lies
        every = in_arrow(column)
        whole = every.chunk(0) if every.num_chunks == 1 else every.combine_chunks()
        if whole.nbytes < _LARGEST:
            return whole.cast(pa.string())
        pieces = [whole.slice(begin, AT_ONCE).cast(pa.string()) for begin in range(0, len(whole), AT_ONCE)]
        return pa.chunked_array(pieces)
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        try:
            return pa.array(column.to_numpy(dtype="object"), pa.string(), from_pandas=True)
        except pa.ArrowException:  # numbers, days or flags among them: each as Python says it
            pass
    return pa.array([None if pd.isna(value) else str(value) for value in column], pa.string())
