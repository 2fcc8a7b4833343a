"""Shrunk shifts against a plain integral, and what they are worth out of sample beside pooled and local levels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from riskengine.learning.segments import SPREADS, design_effect, segment_shifts
from riskengine.scoring.calibration import shift_of

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


def book(spread: float, seed: int, cases: int = 12_000, segments: int = 60) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    size = 1 / np.arange(1, segments + 1)
    segment = rng.choice(segments, cases, p=size / size.sum())
    own = rng.normal(0, 1, segments) * spread
    odds = rng.normal(-3, 1, cases)
    label = (rng.random(cases) < 1 / (1 + np.exp(-(odds + own[segment])))).astype(np.int64)
    return label, odds, np.ones(cases), segment, own


def test_shifts_are_the_posterior_means_of_an_integral() -> None:
    label, odds, weight, segment, _ = book(0.6, 1, 1500, 5)
    found = segment_shifts(label, odds, weight, segment)
    spread, effect = found["spread"], found["design_effect"]
    assert effect == pytest.approx(design_effect(label, odds, weight))
    assert spread > 0

    def moment(power: int, rows: np.ndarray, at: float) -> float:
        def density(b: float) -> float:
            eta = odds[rows] + b
            gain = (label[rows] * b - np.logaddexp(0, eta) + np.logaddexp(0, odds[rows])).sum() / effect
            return float(b**power * np.exp(gain - 0.5 * (b / at) ** 2) / at)

        return float(quad(density, -4, 4, limit=200)[0])

    for value in range(5):
        rows = segment == value
        mean = moment(1, rows, spread) / moment(0, rows, spread)
        second = moment(2, rows, spread) / moment(0, rows, spread)
        assert found["shifts"][str(value)] == pytest.approx(mean, abs=2e-3)
        assert found["deviations"][str(value)] == pytest.approx((second - mean**2) ** 0.5, abs=2e-3)

    def marginal(at: float) -> float:
        return sum(np.log(moment(0, segment == value, at)) for value in range(5))

    grid = {at: marginal(at) for at in SPREADS[1::4]}
    best = max(grid, key=lambda at: grid[at])
    assert abs(best - spread) <= SPREADS[5] - SPREADS[1] + 1e-9


def test_small_segments_shrink_and_large_ones_keep_their_rate() -> None:
    rng = np.random.default_rng(3)
    sizes = {"large": 20_000, "small": 60, "silent": 40, **{f"other{n}": 3000 for n in range(12)}}
    segment = np.repeat(list(sizes), list(sizes.values()))
    shift = np.select([segment == "large", segment == "small"], [0.8, 0.8], 0.0)
    odds = np.full(len(segment), -3.0)
    label = (rng.random(len(segment)) < 1 / (1 + np.exp(-(odds + shift)))).astype(np.int64)
    label[segment == "silent"] = 0
    found = segment_shifts(label, odds, np.ones(len(label)), segment)
    shifts, doubt = found["shifts"], found["deviations"]
    assert shifts["large"] == pytest.approx(0.8, abs=0.12)
    assert -found["spread"] < shifts["silent"] < 0  # no default is not the rate zero
    assert doubt["large"] < 0.1 < doubt["silent"]
    assert shift_of({"segments": {"column": "i", **found}}, "never seen") == 0.0


def test_repeated_rows_and_weights_are_no_evidence() -> None:
    label, odds, weight, segment, _ = book(0.5, 4, 3000)
    once = segment_shifts(label, odds, weight, segment)
    times, group = 12, np.repeat(np.arange(3000), 12)
    again = segment_shifts(
        np.repeat(label, times),
        np.repeat(odds, times),
        np.repeat(weight, times),
        np.repeat(segment, times),
        group,
    )
    heavier = segment_shifts(label, odds, weight * 22.7, segment)
    for other in (again, heavier):
        assert other["spread"] == once["spread"]
        for name, shift in once["shifts"].items():
            assert other["shifts"][name] == pytest.approx(shift, abs=1e-9)


def test_unknown_segments_and_one_alone_say_nothing() -> None:
    label, odds, weight, segment, _ = book(0.8, 5, 1000, 3)
    values = np.where(segment == 2, None, segment.astype(float)).astype(object)
    found = segment_shifts(label, odds, weight, values)
    assert sorted(found["shifts"]) == ["0", "1"]  # whole numbers as such
    alone = segment_shifts(label, odds, weight, np.full(1000, "only"))
    assert (alone["spread"], alone["shifts"]) == (0.0, {"only": 0.0})


def test_shrunk_beats_pooled_and_local_and_loses_nothing_where_nobody_differs() -> None:
    """Sixty institutions of unequal size, fitted on one period and measured on the next; paired over books."""
    import institutions

    differ = institutions.over_books(0.6, books=8)
    for key, (mean, error) in differ.items():
        assert mean - 1.96 * error > 0, key
    alike = institutions.over_books(0.0, books=4)
    for figure, least in (("log loss", 0.5), ("brier", 0.05)):  # ten-thousandths
        assert alike["pooled", figure][0] > -least
        assert alike["local", figure][0] > 0
