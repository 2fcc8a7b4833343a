"""PD, points and grades against the formulas written out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simulated import GRADES

from riskengine.scoring.scorecard import Grades, calibrated, grade_of, score_points

SCALE = Grades.model_validate(GRADES)
HOW = {"method": "logistic", "a": 0.9, "b": -0.1}


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_pd_is_the_logistic_and_keeps_the_order(one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert 0 < calibrated(HOW, low) <= calibrated(HOW, high) < 1
    if abs(one) < 10:
        assert calibrated(HOW, one) == pytest.approx(1 / (1 + math.exp(-(0.9 * one - 0.1))), rel=1e-14)


@given(st.floats(1e-6, 1 - 1e-6))
def test_points_double_the_odds(pd: float) -> None:
    odds = (1 - pd) / pd
    exact = 600 + 20 * math.log2(odds / 30)
    assert score_points(SCALE, pd) == pytest.approx(min(max(exact, 300), 900), abs=0.5 + 1e-9)


def test_grade_limits_belong_to_the_better_grade() -> None:
    found = [grade_of(SCALE, pd).name for pd in (0.0, 0.05, math.nextafter(0.05, 1), 0.2, 0.200001, 1.0)]
    assert found == ["A", "A", "B", "B", "C", "C"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grades": GRADES["grades"][:2]}, "ends at 1"),
        ({"grades": GRADES["grades"][::-1]}, "rises from grade to grade"),
        ({"grades": [*GRADES["grades"][:1], {**GRADES["grades"][2], "name": "A"}]}, "its own name"),
        ({"points": {**GRADES["points"], "pdo": 0}}, "greater than 0"),
        ({"points": {**GRADES["points"], "highest": 1}}, "below points.highest"),
    ],
)
def test_a_wrong_scale_is_refused(change: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Grades.model_validate({**GRADES, **change})
