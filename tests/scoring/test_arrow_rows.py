"""Batches and files of profiles: the bits of a single review, ids as they were, what does not fit is told."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulated import NAMES, bundle_files, calibrated_as, held, rows, with_part
from test_calibration import INTERVAL

from riskengine.errors import UsageError
from riskengine.scoring.arrow_rows import ANSWERS, answer_schema, score_batch, score_file
from riskengine.scoring.scorecard import term_of
from riskengine.scoring.single import ordered_row, score_one

FILES = bundle_files()[0]
SEGMENTS = {"column": "bank", "shifts": {"12": 0.4, "O'Hara 行": -0.3}, "deviations": {}, "spread": 0.3}
HAZARD = held(
    with_part(calibrated_as(FILES, "hazard"), "calibration.json", interval=INTERVAL, segments=SEGMENTS)
)
PLAIN = held(FILES)


def profiles(size: int, seed: int = 5) -> pa.Table:
    """Profiles of several types, missing as null or as NaN, and columns that no model knows."""
    matrix = rows(size, seed)
    columns = {
        name: pa.array(matrix[:, place], from_pandas=place % 2 == 0) for place, name in enumerate(NAMES)
    }
    columns["flag"] = columns["flag"].fill_null(0.0).cast(pa.bool_()) if size else columns["flag"]
    columns["count"] = pa.array(matrix[:, 4], from_pandas=True).cast(pa.int32())
    columns["id"] = pa.array([f"G{number}" for number in range(size)])
    columns["bank"] = pa.array([("12", None, "O'Hara 行", "new")[number % 4] for number in range(size)])
    columns["note"] = pa.array(["x"] * size)
    return pa.table(columns)


def number(value: object) -> float | None:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("bundle", [HAZARD, PLAIN], ids=["hazard", "plain"])
def test_each_line_is_a_single_review(bundle: object) -> None:
    assert bundle in (HAZARD, PLAIN)
    given = profiles(300)
    found = score_batch(bundle, given.to_batches()[0], ["id", "bank"])
    assert found.schema == answer_schema(bundle, given.schema, ["id", "bank"])
    assert found.schema.names == ["id", "bank", *ANSWERS.names]
    for asked, said in zip(given.to_pylist(), found.to_pylist(), strict=True):
        profile = {name: number(asked[name]) for name in NAMES}
        one = score_one(bundle, profile, asked)
        term = term_of(bundle, one.raw, ordered_row(bundle, profile), asked["bank"])
        assert (said["id"], said["bank"]) == (asked["id"], asked["bank"])
        assert (said["pd"], said["score"], said["grade"]) == (one.pd, one.score, one.grade)
        assert (said["pd_low"], said["pd_high"]) == (one.low, one.high)
        assert said["unsure"] == (one.unsure if bundle is HAZARD else None)
        assert said["pd_lifetime"] == (term and term.lifetime_pd)


def test_a_file_in_parts_is_the_file_at_once(tmp_path: Path) -> None:
    given = profiles(300)
    pq.write_table(given, tmp_path / "in.parquet", row_group_size=120)
    assert score_file(HAZARD, tmp_path / "in.parquet", tmp_path / "out.parquet", ["id"], rows=77) == 300
    whole = score_batch(HAZARD, given.combine_chunks().to_batches()[0], ["id"])
    assert pq.read_table(tmp_path / "out.parquet").combine_chunks().to_batches()[0] == whole
    pq.write_table(given.slice(0, 0), tmp_path / "none.parquet")
    assert score_file(HAZARD, tmp_path / "none.parquet", tmp_path / "empty.parquet", ["id"]) == 0
    assert pq.read_schema(tmp_path / "empty.parquet") == whole.schema
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "empty.parquet",
        "in.parquet",
        "none.parquet",
        "out.parquet",
    ]


def test_profiles_that_do_not_fit_are_told_all_at_once(tmp_path: Path) -> None:
    given = profiles(3).drop_columns(["amount"])
    given = given.set_column(given.schema.get_field_index("share"), "share", pa.array(["1", "2", "3"]))
    given = given.append_column("age", given["age"])
    given = given.append_column("pd", given["note"])
    with pytest.raises(UsageError) as told:
        score_batch(PLAIN, given.combine_chunks().to_batches()[0], ["idd", "pd"])
    text = str(told.value)
    for part in (
        "idd: expected a column, got none. Did you mean 'id'?",
        "amount: expected a column, got none",
        "age: expected a column once",
        "share: expected numbers or nulls",
        "pd: expected the name",
    ):
        assert part in text
    (tmp_path / "text.parquet").write_text("no parquet")
    for source in ("text.parquet", "absent.parquet"):
        with pytest.raises(UsageError, match=f"{source}: expected a Parquet file"):
            score_file(PLAIN, tmp_path / source, tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["text.parquet"]


def test_decimals_and_segments_of_any_type_are_read() -> None:
    given = profiles(8)
    exact = pa.array([Decimal(n) / 4 for n in range(8)], type=pa.decimal128(9, 2))
    given = given.set_column(given.schema.get_field_index("share"), "share", exact)
    texts = given.set_column(given.schema.get_field_index("bank"), "bank", pa.array(["12", None] * 4))
    numbers = given.set_column(given.schema.get_field_index("bank"), "bank", pa.array([12.0, np.nan] * 4))
    kinds = texts.set_column(
        texts.schema.get_field_index("bank"), "bank", texts["bank"].combine_chunks().dictionary_encode()
    )
    first, *others = (
        score_batch(HAZARD, table.combine_chunks().to_batches()[0]) for table in (texts, numbers, kinds)
    )
    assert all(other == first for other in others)
    none = score_batch(HAZARD, given.drop_columns(["bank"]).combine_chunks().to_batches()[0])
    assert none["pd"].to_pylist()[1::2] == first["pd"].to_pylist()[1::2]
    assert none["pd"].to_pylist()[0] != first["pd"].to_pylist()[0]
