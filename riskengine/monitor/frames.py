"""How do a night's frames become the same bytes every time, and how are they read back?"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.monitor.evaluate import COLUMNS as SIGNAL_COLUMNS
from riskengine.monitor.night import Before
from riskengine.monitor.plan import COLUMNS as REMINDER_COLUMNS
from riskengine.monitor.publish import Publication

_MONEY = pa.decimal128(18, 2)
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
    return sink.getvalue()


def read_before(publication: Publication | None) -> Before:
    """The frames of the publication before, as they were; nothing on the first night."""
    if publication is None:
        return Before()
    scores, signals, reminders = (
        read_frame(publication, f"{name}.parquet") for name in ("scores", "signals", "reminders")
    )
    model = str(publication.manifest["inputs"]["bundle"])
    return Before(publication.as_of, scores, signals, reminders, publication.manifest, model)


def read_frame(publication: Publication, name: str) -> pd.DataFrame:
    """One published frame: money as floats, days as `date`, unknown texts as None."""
    table = pq.read_table(publication.folder / name, page_checksum_verification=True)
    columns: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_decimal(field.type):
            columns[field.name] = column.cast(pa.float64()).to_pandas()
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            columns[field.name] = column.to_pandas()
        else:
            columns[field.name] = pd.Series(column.to_pylist(), dtype="object")
    return pd.DataFrame(columns)


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
        return pa.array([None if pd.isna(value) else f"{value:.2f}" for value in column], pa.string()).cast(
            _MONEY
        )
    if pa.types.is_date(kind):
        days = pd.to_datetime(column)
        return pa.array([None if pd.isna(day) else day.date() for day in days], kind)
    if pa.types.is_string(kind):
        return pa.array([None if pd.isna(value) else str(value) for value in column], kind)
    return pa.array(column, kind, from_pandas=True)
