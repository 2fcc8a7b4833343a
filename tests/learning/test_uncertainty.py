"""Intervals hold the PD and cover the truth; the library's Venn-Abers is the textbook's; repeated rows narrow nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from riskengine.learning.calibration import OutOfFold, calibrated_rows, choose_calibration
from riskengine.learning.spec_blocks import Calibration, Uncertainty
from riskengine.learning.uncertainty import interval_table, level_drift, level_missed, venn_abers
from riskengine.scoring.uncertainty import reach, spanned

HOW = Uncertainty()
DAYS = np.array([f"{year}-06-30" for year in range(2016, 2022)], dtype="M8[D]")


def rows(size: int, seed: int, years: float = 0.0) -> tuple[OutOfFold, np.ndarray]:
    """Out-of-fold rows whose true PD is a bent function of the score, and those true PDs."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-3, 1, size)
    year = rng.integers(0, len(DAYS), size)
    odds = 0.8 * raw - 0.4 + 0.25 * np.sin(2 * raw) + (rng.normal(0, 1, len(DAYS)) * years)[year]
    true = 1 / (1 + np.exp(-odds))
    return OutOfFold((rng.random(size) < true).astype(np.int64), raw, np.ones(size), DAYS[year]), true


def limits(table: dict, pd: np.ndarray) -> np.ndarray:
    return np.array([spanned(table, reach(table, one), one) for one in pd.tolist()]).T


def test_venn_abers_is_isotonic_with_the_case_added_either_way() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.integers(3, 30, 12)
    events = rng.binomial(sizes, np.linspace(0.05, 0.7, 12))
    kept = np.geterr()
    p0, p1 = venn_abers(sizes, events)
    assert np.geterr() == kept  # importing the library changes numpy's settings
    scores = np.repeat(np.arange(12.0), sizes)
    label = np.concatenate([np.repeat([1.0, 0.0], [e, n - e]) for e, n in zip(events, sizes, strict=True)])
    for place in range(12):
        for found, said in ((p0, 0.0), (p1, 1.0)):
            fitted = IsotonicRegression().fit(np.r_[scores, place], np.r_[label, said])
            assert found[place] == pytest.approx(float(fitted.predict([place])[0]), abs=1e-12)


def test_the_interval_covers_the_true_pd_at_least_as_often_as_it_says() -> None:
    """Over books: the share of rows whose true PD lies within; the calibration is a straight line, the truth is bent."""
    inside = []
    for seed in range(8):
        taught, true = rows(8000, seed)
        how = choose_calibration(taught, Calibration(method="logistic"))
        pd = calibrated_rows(how, taught.raw)
        low, high = limits(interval_table(taught, pd, HOW), pd)
        assert ((low <= pd) & (pd <= high)).all()
        inside.append(float(((low <= true) & (true <= high)).mean()))
    assert np.mean(inside) >= HOW.coverage
    narrow = interval_table(taught, pd, Uncertainty(coverage=0.6))
    assert all(a >= b for a, b in zip(narrow["low"], interval_table(taught, pd, HOW)["low"], strict=True))


def test_fewer_defaults_make_it_wider_and_repeated_rows_do_not_make_it_narrower() -> None:
    many, _ = rows(20_000, 3)
    few = many.where(np.arange(20_000) < 1500)
    repeated = OutOfFold(
        *(np.repeat(part, 10) for part in (few.label, few.raw, few.weight, few.as_of)),
        None,
        np.repeat(np.arange(1500), 10),
    )

    def table(given: OutOfFold) -> dict:
        how = choose_calibration(few, Calibration(method="logistic"))
        return interval_table(given, calibrated_rows(how, given.raw), HOW)

    def width(given: OutOfFold) -> float:
        return float(np.mean([sum(reach(table(given), pd)) for pd in (0.02, 0.05, 0.1)]))

    assert width(few) > 1.3 * width(many)
    assert width(repeated) == pytest.approx(width(few), rel=0.25)
    assert len(table(repeated)["scores"]) == len(table(few)["scores"])
    assert len(table(replace(repeated, group=None))["scores"]) > 5 * len(table(few)["scores"])


def test_sampling_weights_move_the_interval_to_the_population() -> None:
    """A sample that holds every default and one survivor in ten says the same of the population, with weights."""
    whole, _ = rows(40_000, 4)
    rng = np.random.default_rng(5)
    taken = (whole.label == 1) | (rng.random(40_000) < 0.1)
    part = replace(whole.where(taken), weight=np.where(whole.label[taken] == 1, 1.0, 10.0))
    found = []
    for given in (whole, part):
        pd = calibrated_rows(choose_calibration(given, Calibration(method="logistic")), given.raw)
        found.append(limits(interval_table(given, pd, HOW), np.array([0.01, 0.03, 0.1])))
    assert np.allclose(np.log(found[0]), np.log(found[1]), atol=0.35)


def test_drift_is_what_years_differ_by_and_at_least_what_the_test_missed() -> None:
    steady, true = rows(60_000, 6)
    assert level_drift(steady, true, 0.9)[0] <= 0.1
    spreads = []
    for seed in range(7, 13):
        moved, _ = rows(60_000, seed, years=0.6)
        pd = calibrated_rows(choose_calibration(moved, Calibration(method="logistic")), moved.raw)
        spread, years, reached = level_drift(moved, pd, 0.9)
        assert years == 6
        assert reached == pytest.approx(
            2.015048 * spread * (1 + 1 / 6) ** 0.5
        )  # Student, five degrees of freedom
        spreads.append(spread)
    assert np.mean(spreads) == pytest.approx(0.6, rel=0.3)
    pd = np.full(1000, 0.02)
    label = (np.arange(1000) < 40).astype(np.int64)
    missed = level_missed(label, pd, np.ones(1000))
    assert missed == pytest.approx(np.log(0.04 / 0.96) - np.log(0.02 / 0.98))
    table = interval_table(steady, true, HOW, missed)
    assert table["drift"] == pytest.approx(max(missed, level_drift(steady, true, 0.9)[2]))
    low, high = limits(table, np.array([0.02]))
    assert low[0] < 0.011
    assert high[0] > 0.039
    assert level_missed(np.zeros(1000), pd, np.ones(1000)) == 0.0


def test_a_handful_of_defaults_is_one_wide_bin() -> None:
    given, _ = rows(300, 8)
    few = replace(given, label=(np.arange(300) % 60 == 0).astype(np.int64))
    table = interval_table(few, np.full(300, 5 / 300), HOW)
    assert len(table["scores"]) == 1
    low, high = limits(table, np.array([0.001, 5 / 300, 0.2]))
    assert (high / low > 2).all()
