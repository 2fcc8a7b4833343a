"""How often do the validation's tests cry for nothing, and how often do they see what their power promises?

Seeded simulations. A size is accepted up to three Monte-Carlo errors above its level, a power within four of the promise.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from riskengine.learning.metrics import Sample, sample
from riskengine.validation.calibration_tests import probabilities
from riskengine.validation.discrimination import auc_with_error
from riskengine.validation.effective import effective
from riskengine.validation.grade_tests import (
    Part,
    binomial_lines,
    grade_order,
    hosmer_lemeshow,
    jeffreys_lines,
    parts,
)
from riskengine.validation.lines import Rules
from riskengine.validation.segments import segments
from riskengine.validation.stability import Population, index, stability

ORDER = ["A", "B", "C", "D"]
PDS = np.array([0.01, 0.02, 0.05, 0.12])


def share_above(times: int, runs: int, level: float) -> float:
    """How many Monte-Carlo errors the share is above the level."""
    return (times / runs - level) / math.sqrt(level * (1 - level) / runs)


def graded(rng: np.random.Generator, size: int, ratio: float = 1.0) -> tuple[Sample, np.ndarray]:
    place = rng.integers(0, 4, size)
    pd = PDS[place]
    label = (rng.random(size) < np.minimum(ratio * pd, 1)).astype(int)
    return sample(label, pd), np.array(ORDER, dtype=object)[place]


def of_cases_and_survivors(rng: np.random.Generator, borrowers: int) -> tuple[Sample, np.ndarray]:
    """As SBA: borrowers with up to three dependent rows, of whom defaulters and survivors are sampled at different rates."""
    rows = rng.integers(1, 4, borrowers)
    place = rng.integers(0, 4, borrowers)
    bad = rng.random(borrowers) < PDS[place]
    kept = rng.random(borrowers) < np.where(bad, 1 / 1.5, 1 / 6)
    who = np.repeat(np.flatnonzero(kept), rows[kept])
    weight = np.where(bad, 1.5, 6.0)[who]
    return sample(bad[who].astype(int), PDS[place][who], weight=weight, group=who), np.array(
        ORDER, dtype=object
    )[place[who]]


@pytest.mark.parametrize("design", ["independent", "weighted and dependent"])
def test_grade_tests_keep_their_level(design: str) -> None:
    """Families of grades after Holm, and Hosmer-Lemeshow: 5 % false alarms at most."""
    rng, runs = np.random.default_rng(11), 300
    failed = dict.fromkeys(("jeffreys", "binomial", "hosmer_lemeshow", "grade_order"), 0)
    assigned, rules = dict(zip(ORDER, PDS.tolist(), strict=True)), Rules()
    for _ in range(runs):
        rows, grades = graded(rng, 4000) if design == "independent" else of_cases_and_survivors(rng, 12_000)
        made = parts(rows, grades, ORDER, ("grade", assigned))
        lines = [
            *jeffreys_lines(made, rules),
            *binomial_lines(made, rules, 0.0),
            hosmer_lemeshow(made, rules),
        ]
        for test in {line.test for line in [*lines, grade_order(made, rules)] if line.verdict == "fail"}:
            failed[test] += 1
    assert {test: times for test, times in failed.items() if share_above(times, runs, 0.05) > 3} == {}


def test_grade_tests_have_the_power_they_promise() -> None:
    rng, runs = np.random.default_rng(12), 300
    seen, promised = (
        dict.fromkeys(("jeffreys", "hosmer_lemeshow"), 0.0),
        dict.fromkeys(("jeffreys", "hosmer_lemeshow"), 0.0),
    )
    for _ in range(runs):
        rows, grades = graded(rng, 1200, ratio=1.5)
        made = parts(rows, grades, ORDER, ("grade", dict(zip(ORDER, PDS.tolist(), strict=True))))
        whole = Part("all", 1200, int(rows.label.sum()), effective(rows), float(rows.pd.mean()))
        for line in [*jeffreys_lines([whole], Rules()), hosmer_lemeshow(made, Rules())]:
            seen[line.test] += (line.verdict == "fail") / runs
            promised[line.test] += (line.power or 0) / runs
    for test, share in seen.items():
        assert 0.3 < promised[test] < 0.999
        assert share == pytest.approx(promised[test], abs=4 * math.sqrt(0.25 / runs)), test


def test_level_slope_and_brier_keep_their_level() -> None:
    rng, runs = np.random.default_rng(13), 80
    tests = ("brier", "calibration_large", "calibration_slope", "calibration_intercept", "calibration_error")
    failed = dict.fromkeys(tests, 0)
    for _ in range(runs):
        odds = rng.normal(-2.5, 1, 2500)
        pd = 1 / (1 + np.exp(-odds))
        rows = sample((rng.random(2500) < pd).astype(int), odds, pd=pd)
        for line in probabilities(rows, Rules(replicates=2)):
            if line.test in failed:
                failed[line.test] += line.verdict == "fail"
    assert {test: times for test, times in failed.items() if share_above(times, runs, 0.05) > 3} == {}


@pytest.mark.parametrize("twins", [1, 6])
def test_index_of_unmoved_samples_has_its_null_distribution(twins: int) -> None:
    """The 95 % quantile of PSI for these sizes, and for rows that come as `twins` of one borrower."""
    rng, runs = np.random.default_rng(14), 500
    above = classic = 0
    for _ in range(runs):
        sides = []
        for size in (1200, 600):
            values = np.repeat(rng.normal(size=size), twins)
            sides.append(
                Population({"score": values}, np.ones(size * twins), np.repeat(np.arange(size), twins))
            )
        made = index(*sides, name="score")
        assert made is not None
        above += made.p < 0.05
        classic += made.value * (2 * 600 * 1200 / 1800) > 2 * stats.chi2.isf(0.05, 9)
    assert abs(share_above(above, runs, 0.05)) < 3.5
    assert (
        abs(above - classic) <= 5
    )  # Yurdakul and Naranjo: PSI n m / (n + m) is chi-square with bins - 1 degrees


def test_index_sees_the_shift_that_it_promises_to_see() -> None:
    rng, runs = np.random.default_rng(15), 150
    seen = promised = 0.0
    for _ in range(runs):
        sides = [
            Population(
                {"turnover": rng.normal(shift, 1, 700), "pd": rng.random(700)}, np.ones(700), np.arange(700)
            )
            for shift in (0.0, 0.2)
        ]
        line = stability(*sides)[0]
        seen += (line.verdict == "fail") / runs
        promised += (line.power or 0) / runs
    assert 0.3 < promised < 0.95
    assert seen == pytest.approx(promised, abs=0.13)


def test_segments_keep_their_level_though_their_spreads_differ() -> None:
    """Honest PDs, segments with wide and narrow spreads and few defaults, by two dimensions: at most 5 % a family."""
    rng, runs = np.random.default_rng(16), 150
    failed = {"segment_auc": 0, "segment_ratio": 0, "heterogeneity_auc": 0, "heterogeneity_ratio": 0}
    for _ in range(runs):
        place = rng.choice(6, 5000, p=[0.4, 0.25, 0.15, 0.1, 0.07, 0.03])
        odds = (
            rng.normal(-3, 1, 5000) * np.array([1.0, 0.5, 1.3, 0.8, 1.0, 1.0])[place]
            - np.array([0, 1.2, 0, 0.5, 0, 0])[place]
        )
        pd = 1 / (1 + np.exp(-odds))
        rows = sample((rng.random(5000) < pd).astype(int), odds, pd=pd)
        names = np.array([f"s{number}" for number in range(6)], dtype=object)[place]
        lines = segments(rows, {"region": names})
        for test in failed:
            failed[test] += any(line.verdict == "fail" for line in lines if line.test == test)
    assert {test: times for test, times in failed.items() if share_above(times, runs, 0.05) > 3} == {}


def test_segments_see_the_one_that_is_wrong() -> None:
    rng = np.random.default_rng(17)
    place = rng.integers(0, 4, 24_000)
    odds = rng.normal(-2.5, 1.2, 24_000)
    pd = 1 / (1 + np.exp(-odds))
    label = (rng.random(24_000) < np.where(place == 2, np.minimum(1.8 * pd, 1), pd)).astype(int)
    label = np.where(place == 3, rng.permutation(label * (place == 3)), label)
    rows = sample(label, odds, pd=pd)
    lines = segments(rows, {"bank": np.array(["a", "b", "c", "d"], dtype=object)[place]})
    assert {line.scope for line in lines if line.test == "segment_ratio" and line.verdict == "fail"} >= {
        "bank:c"
    }
    assert {line.verdict for line in lines if line.test == "heterogeneity_ratio"} == {"fail"}


def test_error_of_the_auc_covers_under_dependence() -> None:
    """95 % of intervals of the clustered error hold the truth though rows come in fours; DeLong's would not."""
    rng, runs = np.random.default_rng(18), 300
    inside = 0
    for _ in range(runs):
        bad = rng.random(400) < 0.2
        score = rng.normal(np.where(bad, 1.0, 0.0), 1)
        rows = sample(np.repeat(bad.astype(int), 4), np.repeat(score, 4), group=np.repeat(np.arange(400), 4))
        area, error = auc_with_error(rows) or (0.0, 0.0)
        inside += abs(area - stats.norm.cdf(1 / math.sqrt(2))) < 1.96 * error
    assert abs(share_above(inside, runs, 0.95)) < 3.5
