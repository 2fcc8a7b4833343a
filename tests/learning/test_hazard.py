"""The hazard against worlds whose true hazards are known, and against its own laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import QualityGateError
from riskengine.learning import hazard
from riskengine.learning.fitting import Rows
from riskengine.learning.frames import PersonMonths
from riskengine.learning.spec import ModelSpec
from riskengine.scoring.term_structure import cumulative, incidences

SPEC = ModelSpec.model_validate(
    {
        "name": "inforce_pd",
        "title": {"en": "In force", "zh": "在保"},
        "subject": "guarantee",
        "label": {"source": "compensation", "horizon": "12m"},
        "population": {"from": "2000-01-31", "every": "1m"},
        "features": ["risk", "age", "left"],
        "monotone": {"up": ["risk"]},
        "hazard": {"lifetime": "36m", "age": "age", "bands": [6, 12, 24], "remaining": "left"},
        "lightgbm": {"rounds": 60, "learning_rate": 0.1, "min_data_in_leaf": 50},
    }
)


def world(size: int = 20_000, seed: int = 1) -> tuple[Rows, PersonMonths, np.ndarray]:
    """Guarantees of 36 months at random ages: the hazard rises with `risk`, peaks in the second year, exits at maturity."""
    rng = np.random.default_rng(seed)
    risk, age = rng.normal(size=size), rng.integers(0, 36, size)
    left = 36 - age
    months = np.arange(1, 37)
    then = age[:, None] + months[None, :]
    shape = np.where(then <= 6, 0.3, np.where(then <= 18, 1.5, 0.8))
    rate = 1 - np.exp(-0.004 * shape * np.exp(0.9 * risk)[:, None])
    rate[months[None, :] > left[:, None] + 3] = 0
    fails = rng.random(rate.shape) < rate
    leaves = (rng.random(rate.shape) < 0.01) | (months[None, :] == left[:, None])
    event = np.where(fails.any(axis=1), fails.argmax(axis=1) + 1, 99)
    leave = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, 99)
    followed = rng.integers(1, 37, size)
    seen = PersonMonths(
        np.where((event <= followed) & (event <= leave), event, 0),
        np.where((leave <= followed) & (leave < event), leave, 0),
        followed,
    )
    matrix = np.column_stack([risk, age.astype(float), left * 30.5])
    alive = np.cumprod(np.concatenate([np.ones((size, 1)), (1 - rate) * (1 - leaves)], axis=1), axis=1)[
        :, :-1
    ]
    truth = np.cumsum(alive * rate, axis=1)
    return Rows(matrix, (event <= 12).astype(int), np.ones(size), np.arange(size)), seen, truth


@pytest.fixture(scope="module")
def fitted() -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    rows, seen, _ = world()
    booster = hazard.fit_index(SPEC, hazard.panel(SPEC, rows, seen))
    fresh, later, _truth = world(seed=2)
    index = hazard.fitting.predict(booster, fresh.matrix)
    # The term structure from rows that the trees did not see, as training does with folds.
    term = hazard.term_structure(SPEC, hazard.panel(SPEC, fresh, later), index)
    third, _, true = world(seed=3)
    return term, hazard.fitting.predict(booster, third.matrix), third.matrix, true


TERM = {
    "method": "hazard",
    "horizon": 12,
    "age": 1,
    "bands": [6, 12, 24],
    "baseline": [[level + 0.05 * month for month in range(36)] for level in (-6, -5, -4.5, -4.8)],
    "slope": [1.2 - 0.02 * month for month in range(36)],
    "remaining": 2,
    "exits": [
        [min(1.0, max(0.01, 0.3 - abs(left - month) / 10)) for month in range(36)] for left in range(61)
    ],
}


@pytest.mark.parametrize("month", [3, 12, 24, 36])
def test_cumulative_pds_come_true(fitted: tuple, month: int) -> None:
    term, index, matrix, truth = fitted
    said, true = hazard.incidence(term, index, matrix, month), truth[:, month - 1]
    assert said.mean() == pytest.approx(true.mean(), rel=0.12)
    assert np.corrcoef(said, true)[0, 1] > 0.85


def test_it_is_calibrated_by_months_on_book(fitted: tuple) -> None:
    term, index, matrix, truth = fitted
    said = hazard.incidence(term, index, matrix, 12)
    for low, high in ((0, 6), (7, 12), (13, 24)):
        inside = (matrix[:, 1] >= low) & (matrix[:, 1] <= high)
        assert said[inside].mean() == pytest.approx(truth[inside, 11].mean(), rel=0.2)


def test_rows_at_once_equal_rows_one_by_one(fitted: tuple) -> None:
    term, index, matrix, _ = fitted
    rows = matrix[:300].copy()
    rows[::7, 1] = np.nan
    rows[::5, 2] = np.nan
    for month in (1, 12, 36):
        plain = [
            cumulative(term, raw, row)[month - 1] for raw, row in zip(index[:300], rows.tolist(), strict=True)
        ]
        assert hazard.incidence(term, index[:300], rows, month) == pytest.approx(plain, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    raw=st.floats(-60, 60),
    age=st.one_of(st.none(), st.floats(-5, 400)),
    left=st.one_of(st.none(), st.floats(-400, 9000)),
)
def test_cumulative_pds_never_fall_and_causes_never_exceed_one(raw: float, age: float, left: float) -> None:
    default, gone = incidences(TERM, raw, [0.0, age, left])
    assert len(default) == 36
    assert all(a <= b for a, b in itertools.pairwise(default))
    assert all(a <= b for a, b in itertools.pairwise(gone))
    assert default[0] >= 0
    assert all(a + b <= 1 for a, b in zip(default, gone, strict=True))
    assert default[11] <= default[-1]
    assert cumulative(TERM, raw, [0.0, age, left], 12) == default[:12]


def test_what_is_not_mature_is_no_observation() -> None:
    """Rows of which only the event is known early, and no survivor, would raise the level: they are cut off."""
    rows, seen, _ = world(6000)
    whole = PersonMonths(seen.event, seen.exit, np.full(6000, 36))
    cut = np.full(6000, 4)
    known = whole.until(cut)
    assert (known.event <= 4).all()
    assert (known.exit <= 4).all()
    assert (known.followed == 4).all()
    panel = hazard.panel(SPEC, rows, known)
    assert panel.last.max() == 4
    assert not panel.failed[seen.event > 4].any()


def test_an_index_that_ranks_backwards_is_refused(fitted: tuple) -> None:
    rows, seen, _ = world(20_000)
    with pytest.raises(QualityGateError, match="slope of the first month"):
        hazard.term_structure(SPEC, hazard.panel(SPEC, rows, seen), -3 * rows.matrix[:, 0])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"label": {"source": "compensation", "horizon": "365d"}},
            "label.horizon is a number of whole months",
        ),
        ({"hazard": {"lifetime": "6m", "age": "age"}}, "not below label.horizon"),
        ({"hazard": {"lifetime": "36m", "age": "age", "bands": [12, 6]}}, "hazard.bands rise"),
        ({"kind": "scorecard"}, "a scorecard has no hazard"),
    ],
)
def test_what_a_hazard_cannot_be_is_refused_before_training(changed: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ModelSpec.model_validate(SPEC.model_dump(by_alias=True) | changed)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_rounding_makes_a_cumulative_pd_fall(data: st.DataObject) -> None:
    steep = st.lists(st.floats(-8, 3), min_size=36, max_size=36)
    term = TERM | {"baseline": [data.draw(steep)] * 4, "slope": [1.0] * 36}
    term["exits"] = [[data.draw(st.floats(0, 1))] * 36] * 61
    default, gone = incidences(term, data.draw(st.floats(-5, 5)), [0.0, 7.0, 100.0])
    assert all(a <= b for a, b in itertools.pairwise(default))
    assert all(a <= b for a, b in itertools.pairwise(gone))
    assert all(a + b <= 1 for a, b in zip(default, gone, strict=True))
