"""The exported SQL says what the scorers say, for trees and a scorecard, under every calibration."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from simulated import CALIBRATIONS, KINDS, NAMES, Made, calibrated_as, held, made_bundle
from test_trees import hard_rows

from riskengine.errors import IntegrityError, UsageError
from riskengine.scoring import native
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.served import ServedBundle
from riskengine.scoring.single import score_one
from riskengine.scoring.sql import bundle_sql
from riskengine.scoring.trees import ZERO

SHORT = (("nan_missing", "hazard"), ("scorecard", "beta with segments"))
BANKS = ("12", None, "O'Hara 行", "flat", "another")


def table(matrix: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(matrix, columns=list(NAMES))
    frame.insert(0, "id", np.arange(len(frame)))
    return frame.assign(bank=[BANKS[number % len(BANKS)] for number in range(len(frame))])


def asked(bundle: Bundle, frame: pd.DataFrame, dialect: str = "duckdb") -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.register("given", frame)
        numbers = ", ".join(
            f'CASE WHEN isnan("{name}") THEN NULL ELSE "{name}" END AS "{name}"' for name in NAMES
        )
        connection.execute(f"CREATE VIEW profiles AS SELECT id, bank, {numbers} FROM given")
        return connection.execute(bundle_sql(bundle, dialect) + "ORDER BY id").df()


def agrees(bundle: Bundle, matrix: np.ndarray, dialect: str = "duckdb") -> None:
    """Native, served and SQL on the same rows; the raw score to the bit."""
    frame = table(matrix)
    answer = asked(bundle, frame, dialect)
    segments = (
        list(frame["bank"].where(frame["bank"].notna(), None)) if "segments" in bundle.calibration else None
    )
    expected = native.score_rows(bundle, matrix, segments)
    assert answer["raw"].to_numpy().tobytes() == expected.raw.tobytes()
    assert np.abs(answer["pd"].to_numpy() - expected.pd).max() <= 1e-9
    assert (answer["score"].to_numpy() == expected.score).all()
    assert list(answer["grade"]) == list(expected.grade)
    served = ServedBundle(bundle).predict(frame.drop(columns=["id"] if segments else ["id", "bank"]))
    assert served["pd"].to_numpy().tobytes() == expected.pd.tobytes()


@pytest.mark.parametrize("kind", CALIBRATIONS)
@pytest.mark.parametrize("dialect", ["duckdb", "ansi"])
def test_sql_is_the_scorer(made: Made, kind: str, dialect: str) -> None:
    agrees(held(calibrated_as(made.files, kind)), hard_rows(made, 300), dialect)


@pytest.mark.parametrize(
    ("kind", "calibration"),
    [
        pytest.param(kind, calibration, marks=[] if (kind, calibration) in SHORT else [pytest.mark.long])
        for kind in KINDS
        for calibration in CALIBRATIONS
    ],
)
def test_sql_is_the_scorer_on_many_rows(tmp_path: Path, kind: str, calibration: str) -> None:
    made = made_bundle(tmp_path / "b", kind)
    agrees(held(calibrated_as(made.files, calibration)), hard_rows(made, 20_000))


def test_a_nan_is_missing_in_duckdb_and_the_single_scorer_says_the_same(made: Made) -> None:
    bundle = made.bundle
    row = [math.nan, 3.0, -ZERO, 1.0, math.nan]
    frame = table(np.array([row]))
    with duckdb.connect() as connection:
        connection.register("profiles", frame)
        pd_ = connection.execute(bundle_sql(bundle)).df()["pd"][0]
    profile = dict(zip(NAMES, [None if math.isnan(value) else value for value in row], strict=True))
    assert pd_ == pytest.approx(score_one(bundle, profile).pd, abs=1e-9)


def test_what_sql_cannot_say_is_refused(made: Made) -> None:
    with pytest.raises(UsageError, match="Did you mean 'duckdb'"):
        bundle_sql(made.bundle, "duckdv")
    unknown = held({**made.files, "calibration.json": b'{"method":"spline"}'})
    with pytest.raises(UsageError, match="cannot be said in SQL"):
        bundle_sql(unknown)
    endless = held({**made.files, "calibration.json": b'{"method":"logistic","a":1e999,"b":0}'})
    with pytest.raises(IntegrityError, match="1e999 is no number"):
        bundle_sql(endless)


def test_no_name_leaves_its_quotes(made: Made) -> None:
    files = calibrated_as(made.files, "beta with segments")
    text = bundle_sql(held(files))
    assert "'O''Hara 行'" in text
    assert text.count("\n-- ") == 0
    assert text.startswith("-- access_pd, bundle ")
