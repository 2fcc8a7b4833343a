"""Every method, segment and interval gives the same bits one by one, in a batch and served; what is unknown says so."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import NAMES, bundle_files, calibrated_as, held, rows, with_part

from riskengine.errors import UsageError
from riskengine.monitor.night import rated
from riskengine.scoring import native, single
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import calibrated, log_odds, segment_of, shifted
from riskengine.scoring.scorecard import pd_of, rating
from riskengine.scoring.served import ServedBundle
from riskengine.scoring.uncertainty import reach, times_wide, why_unsure, wide_below

INTERVAL = {
    "scores": [-4.0, -2.0, 0.0], "low": [-1.2, -0.3, -0.1], "high": [0.9, 0.2, 0.0],
    "coverage": 0.9, "z": 1.6448536269514722, "drift": 0.25, "widest": 4.0, "most_missing": 0.5,
}  # fmt: skip
KINDS = ("logistic", "none", "intercept on the scale", "beta with segments", "isotonic", "hazard")
FILES = bundle_files()[0]


def made(kind: str, **changes: object) -> Bundle:
    return held(with_part(calibrated_as(FILES, kind), "calibration.json", interval={**INTERVAL, **changes}))


@pytest.mark.parametrize("kind", KINDS)
def test_one_alone_many_and_served_are_the_same_bits(kind: str) -> None:
    bundle = made(kind)
    matrix = rows(400, 7)
    keys = ["12", "O'Hara 行", "never seen", None]
    segments = [keys[number % 4] for number in range(400)]
    batch = native.score_rows(bundle, matrix, segments)
    frame = pd.DataFrame(matrix, columns=list(NAMES)).assign(bank=segments)
    asked = frame if kind == "beta with segments" else frame.drop(columns="bank")
    served = ServedBundle(bundle).predict(asked)
    for number, line in enumerate(matrix.tolist()):
        profile = {name: None if math.isnan(v) else v for name, v in zip(NAMES, line, strict=True)}
        one = single.score_one(bundle, profile, {"bank": segments[number]})
        together = tuple(
            getattr(batch, name)[number] for name in ("raw", "pd", "score", "grade", "low", "high", "unsure")
        )
        assert (one.raw, one.pd, one.score, one.grade, one.low, one.high, one.unsure) == together
        assert pd_of(bundle, one.raw, line, segments[number]) == one.pd
        assert one.low <= one.pd <= one.high
    for name, values in (("pd", batch.pd), ("pd_low", batch.low), ("pd_high", batch.high)):
        assert served[name].to_numpy().tobytes() == values.tobytes()
    assert list(served.unsure) == list(batch.unsure)
    assert {"", "wide", "thin"} >= set(batch.unsure) > {""}


def test_a_segment_moves_its_own_rows_only() -> None:
    bundle = made("beta with segments")
    matrix = rows(50, 8)
    plain = native.score_rows(bundle, matrix)
    for segment, shift in (("12", 0.4), ("O'Hara 行", -0.3), ("flat", 0.0), ("never seen", 0.0)):
        moved = native.score_rows(bundle, matrix, [segment] * 50)
        for before, after in zip(plain.pd.tolist(), moved.pd.tolist(), strict=True):
            assert log_odds(after) - log_odds(before) == pytest.approx(shift, abs=1e-9)
            assert shift != 0 or after == before
    how = bundle.calibration
    assert segment_of(how, {"bank": 12.0}) == segment_of(how, {"bank": 12}) == "12"
    assert segment_of(how, {}) is None
    floats = pd.DataFrame(matrix, columns=list(NAMES)).assign(bank=[12.0, np.nan] * 25)
    assert (
        ServedBundle(bundle).predict(floats).pd.tolist()[::2]
        == native.score_rows(bundle, matrix, ["12"] * 50).pd.tolist()[::2]
    )
    with pytest.raises(UsageError, match="bank: expected a feature of the model"):
        ServedBundle(made("logistic")).predict(floats)


def test_the_night_says_the_same_with_segments_from_its_key_columns() -> None:
    bundle = made("beta with segments")
    matrix = rows(40, 9)
    segments = ["12", "O'Hara 行", None, "other"] * 10
    frame = pd.DataFrame(matrix, columns=list(NAMES)).assign(bank=segments, id=[str(n) for n in range(40)])
    night, batch = rated(frame, bundle), native.score_rows(bundle, matrix, segments)
    assert night.pd.to_numpy().tobytes() == batch.pd.tobytes()
    assert night.pd_low.to_numpy().tobytes() == batch.low.tobytes()
    assert night.pd_high.to_numpy().tobytes() == batch.high.tobytes()
    assert night.unsure.tolist() == batch.unsure.tolist()
    assert "pd_low" not in rated(frame, held(FILES))


def test_a_bundle_without_intervals_says_nothing_of_them() -> None:
    bundle = held(FILES)
    one = rating(bundle, 0.3, [None] * 5)
    assert (one.low, one.high, one.unsure) == (None, None, "")
    batch = native.score_rows(bundle, rows(3, 1))
    assert np.isnan(batch.low).all()
    assert list(ServedBundle(bundle).predict(pd.DataFrame(rows(3, 1), columns=list(NAMES)))) == [
        "pd",
        "score",
        "grade",
    ]


def test_a_thin_file_and_a_wide_interval_are_unsure_and_drift_is_not() -> None:
    bundle = made("none")
    values = [1.0, 2.0, 3.0]
    assert rating(bundle, -1.0, [*values, None, None]).unsure == ""
    assert rating(bundle, -1.0, [*values[:2], None, math.nan, None]).unsure == "thin"
    assert rating(bundle, -4.5, [*values, 4.0, 5.0]).unsure == "wide"
    calm = rating(made("none", drift=0.0), -1.0, [1.0] * 5)
    storm = rating(made("none", drift=3.0), -1.0, [1.0] * 5)
    assert storm.unsure == calm.unsure == ""
    assert storm.high > calm.high > calm.pd > calm.low > storm.low


def test_an_unknown_segment_is_less_sure_than_a_known_one() -> None:
    segments = {"column": "bank", "shifts": {"12": 0.0}, "deviations": {"12": 0.05}, "spread": 0.8}
    how = with_part(calibrated_as(FILES, "none"), "calibration.json", interval=INTERVAL, segments=segments)
    known, unknown = (rating(held(how), -1.0, [1.0] * 5, name) for name in ("12", "other"))
    assert known.pd == unknown.pd
    assert unknown.low < known.low < known.high < unknown.high
    assert unknown.unsure == "wide"


@given(
    st.lists(st.floats(-8, 4), min_size=1, max_size=8, unique=True).map(sorted),
    st.data(),
    st.floats(1e-5, 0.99),
    st.floats(0, 1),
)
def test_wherever_a_pd_is_wide_every_worse_one_may_be(
    scores: list[float], data: st.DataObject, pd_: float, doubt: float
) -> None:
    sides = st.lists(st.floats(0, 2), min_size=len(scores), max_size=len(scores))
    low, high = data.draw(sides), data.draw(sides)
    table = INTERVAL | {"scores": scores, "low": [-v for v in low], "high": high}
    worse = shifted(pd_, data.draw(st.floats(0, 5)))
    reached = reach(table, pd_, doubt)
    assert min(reached) >= 0
    if why_unsure(table, reached, 0.0) == "wide" and times_wide(reached) > table["widest"] * (1 + 1e-9):
        assert wide_below(table, pd_, doubt)
        assert wide_below(table, worse, doubt)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UsageError, match="expected none, intercept, logistic, beta, isotonic, got 'platt'"):
        calibrated({"method": "platt"}, 0.0)
