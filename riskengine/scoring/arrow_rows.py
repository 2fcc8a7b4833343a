"""What does the model say of the profiles in an Arrow batch, or in a Parquet file of any size? Without pandas, in bounded memory.

The contract for Spark (`mapInArrow`), the panel and other systems: profiles in, one line each out, in the same order, with the
bits of a single review. `answer_schema` says beforehand which columns come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.errors import Problem, UsageError, nearest
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import segment_text
from riskengine.scoring.elementary import Floats
from riskengine.scoring.native import score_rows
from riskengine.scoring.rating_rows import Coded

ROWS = 65_536  # profiles held at once by `score_file`
ANSWERS = pa.schema(
    [
        pa.field("pd", pa.float64(), nullable=False),
        pa.field("score", pa.int64(), nullable=False),
        pa.field("grade", pa.string(), nullable=False),
        pa.field("grade_no", pa.int64(), nullable=False),
        pa.field("pd_low", pa.float64()),
        pa.field("pd_high", pa.float64()),
        pa.field("unsure", pa.string()),
        pa.field("pd_lifetime", pa.float64()),
    ]
)


def answer_schema(bundle: Bundle, given: pa.Schema, ids: Sequence[str] = ()) -> pa.Schema:
    """The columns of an answer: the `ids` of the profiles as they are, then `ANSWERS`; profiles that do not fit are refused.

    Every feature of the model must be there, numeric or yes/no; columns it does not know are passed over. Raises
    `UsageError` with every problem.
    """
    problems = [
        Problem(name, "a column", "none", nearest(name, given.names))
        for name in (*ids, *bundle.features)
        if name not in given.names
    ]
    problems += [Problem(name, "a column once", "twice") for name in _twice(given.names, _read(bundle, ids))]
    problems += [
        Problem(name, "the name of an id", "a column of the answer") for name in ids if name in ANSWERS.names
    ]
    problems += [
        Problem(name, "numbers or nulls", f"values of type {given.field(name).type}")
        for name in bundle.features
        if given.names.count(name) == 1 and not _is_number(given.field(name).type)
    ]
    if problems:
        raise UsageError(f"The profiles do not fit {bundle.model}", problems)
    return pa.schema([*(given.field(name) for name in ids), *ANSWERS])


def score_batch(bundle: Bundle, batch: pa.RecordBatch, ids: Sequence[str] = ()) -> pa.RecordBatch:
    """One line of `answer_schema` for each profile, in order.

    Null or NaN is a missing value. `pd_low`, `pd_high` and `unsure` are null in a bundle without intervals, `pd_lifetime`
    in one that is no hazard. The column of the calibration's segments is read where it is there.
    """
    schema = answer_schema(bundle, batch.schema, ids)
    found = score_rows(bundle, _matrix(bundle, batch), _segments(bundle, batch))
    sure, hazard = "interval" not in bundle.calibration, bundle.calibration["method"] == "hazard"
    columns: dict[str, Any] = {name: batch.column(name) for name in ids}
    columns |= {"pd": found.pd, "score": found.score, "grade": found.grade, "grade_no": found.grade_no}
    columns |= {
        "pd_low": found.low,
        "pd_high": found.high,
        "unsure": found.unsure,
        "pd_lifetime": found.lifetime,
    }
    unknown = {"pd_low", "pd_high", "unsure"} if sure else set()
    unknown |= set() if hazard else {"pd_lifetime"}
    arrays = [
        columns[field.name]
        if field.name in ids
        else pa.nulls(len(batch), field.type)
        if field.name in unknown
        else pa.array(columns[field.name], type=field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def score_file(bundle: Bundle, source: Path, target: Path, ids: Sequence[str] = (), rows: int = ROWS) -> int:
    """Score a Parquet file of profiles into another, `rows` at a time; returns how many. The target is whole or not there."""
    draft = target.with_name(f".{target.name}.part")
    try:
        with pq.ParquetFile(source) as profiles:
            schema = answer_schema(bundle, profiles.schema_arrow, ids)
            read = [name for name in _read(bundle, ids) if name in profiles.schema_arrow.names]
            with pq.ParquetWriter(draft, schema) as writer:
                for batch in profiles.iter_batches(rows, columns=read):
                    writer.write_batch(score_batch(bundle, batch, ids))
            found = int(profiles.metadata.num_rows)
        draft.replace(target)
    except (pa.ArrowException, OSError) as error:
        what = str(error).split("\n")[0]
        hint = "Name a Parquet file of profiles, and a folder that can be written to"
        raise UsageError(
            "The profiles cannot be scored", [Problem(str(source), "a Parquet file", what, hint)]
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return found


def _read(bundle: Bundle, ids: Sequence[str]) -> list[str]:
    """The columns that an answer needs, once each."""
    segments = bundle.calibration.get("segments")
    own = [str(segments["column"])] if segments else []
    return list(dict.fromkeys([*ids, *bundle.features, *own]))


def _twice(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [name for name in wanted if names.count(name) > 1]


def _is_number(kind: pa.DataType) -> bool:
    of_numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(of_numbers or pa.types.is_boolean(kind) or pa.types.is_null(kind))


def _matrix(bundle: Bundle, batch: pa.RecordBatch) -> Floats:
    """The model's columns as doubles in the model's order; null is NaN."""
    matrix = np.empty((len(batch), len(bundle.features)))
    for place, name in enumerate(bundle.features):
        column = batch.column(name)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        matrix[:, place] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return matrix


def _segments(bundle: Bundle, batch: pa.RecordBatch) -> Coded | None:
    segments = bundle.calibration.get("segments")
    if not segments or segments["column"] not in batch.schema.names:
        return None
    found = batch.column(str(segments["column"])).dictionary_encode()
    codes = found.indices.cast(pa.int64()).fill_null(-1).to_numpy()
    return Coded(codes, tuple(map(segment_text, found.dictionary.to_pylist())))
