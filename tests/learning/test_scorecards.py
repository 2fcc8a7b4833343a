"""Bins follow the declared direction, the regression is at its optimum, and the card says the same bits as its trees."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from riskengine.errors import QualityGateError
from riskengine.learning import binning
from riskengine.learning.binning import optimal_bins
from riskengine.learning.fitting import Rows
from riskengine.learning.scorecards import card_booster, fit_card, ridge_logistic
from riskengine.scoring import trees

NAMES = ("risk", "age", "flag", "hump", "same", "noise")
DIRECTIONS = {"risk": 1, "age": -1, "flag": 1}


def rows(size: int = 6000, seed: int = 3) -> Rows:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        [
            rng.normal(size=size),
            rng.integers(0, 40, size),
            (rng.random(size) < 0.03),
            rng.normal(size=size),
            np.full(size, 7.0),
            rng.normal(size=size),
        ]
    ).astype(float)
    odds = matrix[:, 0] - 0.05 * matrix[:, 1] + 2 * matrix[:, 2] - matrix[:, 3] ** 2 / 2 - 1
    label = (rng.random(size) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    matrix[:, [0, 1, 3]] = np.where(rng.random((size, 3)) < 0.1, np.nan, matrix[:, [0, 1, 3]])
    return Rows(matrix, label, np.where(label == 1, 5.0, 22.0), np.arange(size))


def test_bins_follow_the_declared_direction_and_count_every_row() -> None:
    given_ = rows()
    for column, way in ((0, 1), (1, -1), (2, 1), (3, 0)):
        values = given_.matrix[:, column]
        bins = optimal_bins(NAMES[column], values, given_.label, given_.weight, way)
        assert bins.how == "optimal"
        assert len(bins.edges) >= 1
        steps = np.diff(bins.evidence[:-1])
        assert way == 0 or (steps * way >= 0).all()
        place = bins.places(values)
        for number, edge in enumerate(bins.edges):  # the obvious version
            assert ((place <= number) == (values <= edge)).all()
        assert (place[np.isnan(values)] == len(bins.edges) + 1).all()
        assert bins.rows == tuple(np.bincount(place, minlength=len(bins.evidence)))
        weighted = [given_.weight[place == k] @ given_.label[place == k] for k in range(len(bins.evidence))]
        mass = [given_.weight[place == k].sum() for k in range(len(bins.evidence))]
        assert np.allclose([r or 0 for r in bins.rate], np.divide(weighted, np.maximum(mass, 1e-300)))


def test_a_wrong_direction_leaves_one_bin_and_a_hump_stays_a_hump() -> None:
    given_ = rows()
    wrong = optimal_bins("risk", given_.matrix[:, 0], given_.label, given_.weight, -1)
    assert wrong.edges == ()
    assert wrong.how == "one bin"
    hump = optimal_bins("hump", given_.matrix[:, 3], given_.label, given_.weight, 0)
    inner = hump.evidence[:-1]
    assert max(inner) not in (inner[0], inner[-1])


def test_without_the_library_neighbours_are_pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    given_ = rows()

    class Refuses:
        def __init__(self, **asked: object) -> None: ...
        def fit(self, *_: object, **__: object) -> None:
            raise ValueError("no answer")

    monkeypatch.setattr(binning, "_library", lambda: Refuses)
    bins = optimal_bins("risk", given_.matrix[:, 0], given_.label, given_.weight, 1)
    assert bins.how == "pooled"
    assert 2 <= len(bins.edges) <= 7
    assert (np.diff(bins.evidence[:-1]) >= 0).all()
    free = optimal_bins("risk", given_.matrix[:, 0], given_.label, given_.weight, 0)
    assert len(free.edges) == 7  # at most eight bins, with no trend that would join any


@pytest.mark.parametrize("status", ["FEASIBLE", "UNKNOWN"])
def test_a_machine_too_slow_for_the_optimiser_gets_no_other_bins(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    given_ = rows()

    class Slow:
        splits = (0.5,)

        def __init__(self, **asked: object) -> None:
            self.status = status

        def fit(self, *_: object, **__: object) -> None: ...

    monkeypatch.setattr(binning, "_library", lambda: Slow)
    with pytest.raises(QualityGateError, match=f"risk: expected its best bins, got {status} after 600 s"):
        optimal_bins("risk", given_.matrix[:, 0], given_.label, given_.weight, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-1, 0, 1]))
def test_any_numbers_can_be_binned(seed: int, way: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 600))
    values = rng.choice(
        [0.0, -0.0, 1e-36, 1.0, 2.0, np.inf, -np.inf, 1e300, np.nan, *rng.normal(size=4)], size
    )
    label = (rng.random(size) < rng.uniform(0.05, 0.95)).astype(np.int64)
    label[: min(2, size)] = [0, 1][: min(2, size)]
    if len(np.unique(label)) < 2:
        return
    bins = optimal_bins("any", values, label, rng.uniform(0.1, 9, size), way)
    assert np.isfinite(bins.evidence).all()
    assert np.isfinite(bins.edges).all()
    assert sum(bins.rows) == size
    assert sum(bins.events) == label.sum()
    assert not way or (np.diff(bins.evidence[:-1]) * way >= 0).all()


def test_the_regression_is_at_its_optimum() -> None:
    rng = np.random.default_rng(1)
    design = rng.normal(size=(400, 4))
    label = (rng.random(400) < 1 / (1 + np.exp(-design[:, 0] + design[:, 1]))).astype(np.int64)
    weight = rng.uniform(0.5, 2, 400)
    weight /= weight.mean()

    def loss(theta: np.ndarray) -> float:
        odds = design @ theta[1:] + theta[0]
        return float((weight * (np.logaddexp(0, odds) - label * odds)).sum() + theta[1:] @ theta[1:] / 2)

    for lowest in (None, 0.0):
        slopes, start = ridge_logistic(design, label, weight, lowest)
        limits = [(None, None), *[(lowest, None)] * 4]
        other = minimize(loss, np.zeros(5), bounds=limits, method="L-BFGS-B", options={"ftol": 1e-14})
        assert loss(np.r_[start, slopes]) <= other.fun + 1e-7
        assert lowest is None or slopes.min() == 0.0  # the second feature lowers the risk


def test_the_card_says_the_same_bits_as_its_trees_and_repeats_itself() -> None:
    given_ = rows()
    card = fit_card(given_, NAMES, DIRECTIONS)
    booster = card_booster(card)
    text = booster.model_to_string()  # what training writes of it
    assert text == card_booster(fit_card(given_, NAMES, DIRECTIONS)).model_to_string()
    odds = card.odds(given_.matrix)
    assert booster.predict(given_.matrix, raw_score=True).tobytes() == odds.tobytes()
    compact = trees.export_trees(text)
    assert [trees.raw_score(compact, row) for row in given_.matrix[:500].tolist()] == odds[:500].tolist()
    gain = booster.feature_importance("gain")
    assert gain.argmax() == NAMES.index("risk")
    assert card.unused.keys() == {"same"} | ({"noise"} & card.unused.keys())
    assert "nothing to tell apart" in card.unused["same"]


def test_points_of_a_row_sum_to_its_score() -> None:
    given_ = rows()
    card = fit_card(given_, NAMES, DIRECTIONS)
    scale = {"base_score": 600, "base_odds": 30, "pdo": 20}
    line = (0.9, -0.2)
    tables = card.shown(line, scale)
    odds = line[0] * card.odds(given_.matrix) + line[1]
    expected = 600 + 20 / np.log(2) * (-odds - np.log(30))  # Siddiqi (2006), ch. 6
    total = np.zeros(len(odds))
    for table in tables:
        values = given_.matrix[:, NAMES.index(table["feature"])]
        for entry in table["bins"]:
            low = -np.inf if entry["above"] is None else entry["above"]
            high = np.inf if entry["up_to"] is None else entry["up_to"]
            here = np.isnan(values) if entry["missing"] else (values > low) & (values <= high)
            total[here] += entry["points"]
    assert np.abs(total - expected).max() <= 0.006 * len(tables)


def test_the_library_is_imported_without_a_word() -> None:
    code = "from riskengine.learning.binning import _library; _library()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=True)
    assert done.stdout == b""
    assert done.stderr == b""
