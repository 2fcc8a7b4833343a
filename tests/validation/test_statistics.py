"""The validation's figures against published values, other libraries and slow obvious versions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from riskengine.errors import UsageError
from riskengine.learning.metrics import Estimate, Sample, brier, delong, measured, sample
from riskengine.learning.multiplicity import holm
from riskengine.validation import power
from riskengine.validation.calibration_tests import murphy, probabilities
from riskengine.validation.discrimination import auc_with_error, average_precision, discrimination
from riskengine.validation.effective import Effective, effective, unit
from riskengine.validation.grade_tests import Part, by_grade, hosmer_lemeshow
from riskengine.validation.lines import Line, Rules, scoped, verdict
from riskengine.validation.low_default import low_default, most_prudent
from riskengine.validation.segments import implied_auc, segments
from riskengine.validation.swap import Cut, population, swap_set
from riskengine.validation.vintages import vintages

QUICK = Rules(replicates=20)


def drawn(size: int, seed: int, ratio: float = 1.0, spread: float = 1.0) -> Sample:
    """Rows that default with `ratio` times the PD they were given."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-3, spread, size)
    pd = 1 / (1 + np.exp(-odds))
    return sample((rng.random(size) < np.minimum(pd * ratio, 1)).astype(int), odds, pd=pd)


def repeated(rows: Sample, times: int) -> Sample:
    """Every row `times` times, as months of one guarantee."""
    return Sample(
        *(np.repeat(part, times) for part in (rows.label, rows.score, rows.pd, rows.weight, rows.group))
    )


def found(lines: list[Line], test: str, scope: str = "all") -> Line:
    (line,) = [line for line in lines if line.test == test and line.scope == scope]
    return line


def test_most_prudent_estimates_are_those_of_the_paper() -> None:
    """Pluto and Tasche (2005): A, B, C with 100, 400, 300 borrowers; no defaults, and 0, 2, 1; rho 0 and 0.12 (in %).

    Quoted from memory, without the paper at hand; 0.011, as its last digits differ by one from the equations' roots. What
    is remembered for 0, 2, 1 at 75 % (A: 0.65) is left out: the binomial equation says 0.638 (the property test below
    solves it otherwise). Without defaults the bound is 1 - (1 - level) ** (1 / n) exactly.
    """
    for level in (0.5, 0.75, 0.9, 0.999):
        exact = [1 - (1 - level) ** (1 / n) for n in (800, 700, 300)]
        assert most_prudent([100, 400, 300], [0, 0, 0], level) == pytest.approx(exact)
    published = {
        (0.0, (0, 0, 0)): {0.5: (0.09, 0.10, 0.23), 0.75: (0.17, 0.20, 0.46), 0.9: (0.29, 0.33, 0.76), 0.95: (0.37, 0.43, 0.99), 0.99: (0.57, 0.66, 1.52), 0.999: (0.86, 0.98, 2.28)},
        (0.0, (0, 2, 1)): {0.5: (0.46, 0.52, 0.56), 0.9: (0.83, 0.95, 1.29), 0.95: (0.97, 1.10, 1.57)},
        (0.12, (0, 0, 0)): {0.5: (0.15, 0.17, 0.37), 0.75: (0.40, 0.45, 0.92), 0.9: (0.86, 0.96, 1.89), 0.95: (1.31, 1.45, 2.78)},
        (0.12, (0, 2, 1)): {0.5: (0.71, 0.81, 0.84), 0.75: (1.42, 1.59, 1.76), 0.9: (2.50, 2.77, 3.19), 0.95: (3.42, 3.77, 4.41)},
    }  # fmt: skip
    for (correlation, defaults), table in published.items():
        for level, meant in table.items():
            got = most_prudent([100, 400, 300], defaults, level, correlation)
            assert [100 * pd for pd in got] == pytest.approx(meant, abs=0.011), (correlation, defaults, level)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(20, 400), min_size=2, max_size=4), st.floats(0.5, 0.95), st.sampled_from([0.0, 0.2])
)
def test_most_prudent_bounds_solve_their_equation(sizes: list[int], level: float, rho: float) -> None:
    defaults = [min(place, size) for place, size in enumerate(sizes)]
    bounds = most_prudent(sizes, defaults, level, rho)
    rates = [few / size for few, size in zip(defaults, sizes, strict=True)]
    assert bounds == sorted(bounds) or rates != sorted(rates)
    nodes, mass = np.polynomial.hermite_e.hermegauss(120)  # another quadrature, and scipy's own binomial
    for place, bound in enumerate(bounds):
        many, few = sum(sizes[place:]), sum(defaults[place:])
        pd = stats.norm.cdf((stats.norm.ppf(bound) - math.sqrt(rho) * nodes) / math.sqrt(1 - rho))
        chance = float((stats.binom.cdf(few, many, pd) * mass).sum() / mass.sum())
        assert chance == pytest.approx(1 - level, abs=1e-5)


def test_most_prudent_refuses_a_level_outside() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        most_prudent([10], [0], 1.5)


def test_low_default_grades_are_judged_and_others_reported() -> None:
    rows = sample([0] * 400 + [1] * 30 + [0] * 70, np.zeros(500), pd=[0.004] * 400 + [0.3] * 100)
    grades = np.array(["A"] * 400 + ["B"] * 100, dtype=object)
    lines = low_default(rows, grades, ["A", "B"])
    line = found(lines, "pluto_tasche_75", "grade:A")
    assert line.value == pytest.approx(1 - 0.25 ** (1 / 400))
    assert line.verdict == "pass"
    assert found(lines, "pluto_tasche_75", "grade:B").verdict == "information"
    low = sample([0] * 400, np.zeros(400), pd=[0.001] * 400)
    assert found(low_default(low, grades[:400], ["A"]), "pluto_tasche_75", "grade:A").verdict == "undecidable"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_auc_error_is_delongs_and_average_precision_is_sklearns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = np.r_[1, 1, 0, 0, rng.integers(0, 2, 60)]
    score, weight = rng.integers(0, 12, 64).astype(float), rng.uniform(0.2, 9, 64)
    area, error = auc_with_error(sample(label, score)) or (0.0, 0.0)
    known = delong(label, score)
    assert area == pytest.approx(known.value)
    if known.low and known.high and known.high < 1:
        assert error == pytest.approx((known.high - known.low) / (2 * 1.959963984540054))
    assert average_precision(label, score, weight) == pytest.approx(
        average_precision_score(label, score, sample_weight=weight)
    )
    weighted = auc_with_error(sample(label, score, weight=weight)) or (0.0, 0.0)
    assert weighted[0] == pytest.approx(roc_auc_score(label, score, sample_weight=weight))


def test_repeated_rows_add_nothing() -> None:
    """Twelve copies of every row leave effective sizes and the AUC's error as they were."""
    rows = drawn(3000, 3)
    many = repeated(rows, 12)
    one, other = effective(rows), effective(many)
    assert (one.size, one.defaults) == (pytest.approx(3000), pytest.approx(rows.label.sum()))
    assert (other.size, other.defaults) == (pytest.approx(one.size), pytest.approx(one.defaults))
    assert auc_with_error(many) == pytest.approx(auc_with_error(rows))
    few = sample([1, 1, 1] + [0] * 300, np.arange(303.0), group=[0, 0, 0, *range(1, 301)])
    assert unit(few) == 3
    assert effective(few).defaults == pytest.approx(1)


def test_outcome_dependent_weights_count_sampled_defaults() -> None:
    """Half of the defaults and a fiftieth of the survivors: as sure as the variance of log-odds 1/d + 1/g says."""
    rows = sample([1] * 200 + [0] * 400, np.zeros(600), weight=[2.0] * 200 + [50.0] * 400)
    rate = 400 / 20400
    size = 1 / (rate * (1 - rate) * (1 / 200 + 1 / 400))
    assert effective(rows).size == pytest.approx(size)
    assert effective(rows).defaults == pytest.approx(rate * size)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_murphys_parts_sum_to_the_brier_score(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    pd, weight = rng.choice(rng.random(30), 200), rng.uniform(0.5, 5, 200)
    label = (rng.random(200) < pd).astype(float)
    parts = murphy(label, pd, weight, bins)
    signs = {"brier_resolution": -1}
    total = sum(signs.get(name, 1) * value for name, value in parts.items())
    assert total == pytest.approx(brier(label.astype(int), pd, weight), abs=1e-12)
    exact = murphy(label, np.round(pd, 1), weight, 2000)  # each bin one PD: nothing is within
    assert exact["brier_within"] == pytest.approx(0, abs=1e-12)


def test_slope_interval_is_that_of_the_bootstrap() -> None:
    rows = drawn(6000, 5)
    line = found(probabilities(rows, QUICK), "calibration_slope")
    known = measured(rows, 120)["calibration_slope"]
    assert line.value == pytest.approx(known.value)
    assert None not in (line.low, line.high, known.low, known.high)
    assert line.high - line.low == pytest.approx(known.high - known.low, rel=0.25)  # type: ignore[operator]


def test_adjusted_p_values_are_scipys_and_by_hand() -> None:
    p = [0.001, 0.2, 0.03, 0.04, 0.5]
    assert holm(p) == pytest.approx([0.005, 0.4, 0.12, 0.12, 0.5])


def test_powers_are_those_of_enumeration() -> None:
    for pd, size in ((0.01, 300), (0.05, 80)):
        counts = np.arange(size + 1)
        rejected = stats.binom.sf(counts - 1, size, pd) <= 0.05
        assert power.of_binomial(pd, 2 * pd, size) == pytest.approx(
            stats.binom.pmf(counts[rejected], size, 2 * pd).sum()
        )
        rejected = stats.beta.cdf(pd, counts + 0.5, size - counts + 0.5) <= 0.05
        assert power.of_jeffreys(pd, 2 * pd, size) == pytest.approx(
            stats.binom.pmf(counts[rejected], size, 2 * pd).sum()
        )
    assert power.of_normal(2.8016, 1, sides=2) == pytest.approx(0.8, abs=1e-3)  # 1.96 + 0.8416: any textbook
    assert power.of_chi2(7.849, 1) == pytest.approx(0.8, abs=1e-3)  # Cohen (1988): lambda for u = 1
    # Hanley and McNeil (1982), table I: AUC 0.893 with 51 abnormal and 58 normal cases has an error of 0.032
    assert power.auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.001)


def test_correlated_tail_is_a_simulation_of_the_factor() -> None:
    rng = np.random.default_rng(2)
    pd = stats.norm.cdf((stats.norm.ppf(0.02) - math.sqrt(0.12) * rng.normal(size=200_000)) / math.sqrt(0.88))
    simulated = float((rng.binomial(500, pd) >= 25).mean())
    assert power.correlated_tail(25, 500, 0.02, 0.12) == pytest.approx(simulated, abs=0.003)
    assert power.correlated_tail(25, 500, 0.02, 0.0) == pytest.approx(stats.binom.sf(24, 500, 0.02))


def test_hosmer_lemeshow_is_the_sum_by_hand() -> None:
    parts = [
        Part(f"grade:{i}", n, d, Effective(n, d), pd)
        for i, (n, d, pd) in enumerate([(500, 8, 0.01), (300, 20, 0.05), (100, 12, 0.1)])
    ]
    line = hosmer_lemeshow(parts, Rules())
    assert line.value == pytest.approx((8 - 5) ** 2 / 4.95 + (20 - 15) ** 2 / 14.25 + (12 - 10) ** 2 / 9)
    assert hosmer_lemeshow(parts[:0], Rules()).verdict == "undecidable"


def test_implied_auc_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(4)
    score, chance, weight = (
        rng.integers(0, 9, 40).astype(float),
        rng.uniform(0.05, 0.6, 40),
        rng.uniform(1, 4, 40),
    )
    top = bottom = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                mass = weight[i] * weight[j] * chance[i] * (1 - chance[j])
                bottom += mass
                top += mass * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    assert implied_auc(score, chance, weight) == pytest.approx(top / bottom)


def test_verdicts_follow_power() -> None:
    assert verdict(None, 1.0) == "undecidable"
    good, poor = drawn(20_000, 8), drawn(20_000, 8, ratio=1.5)
    grades = np.array(["A", "B", "C"], dtype=object)[np.digitize(good.pd, [0.03, 0.1])]
    order = ["A", "B", "C"]
    assert found(by_grade(good, grades, order), "jeffreys").verdict == "pass"
    assert {found(by_grade(poor, grades, order), "jeffreys", f"grade:{name}").verdict for name in order} == {
        "fail"
    }
    few = Sample(*(part[:150] for part in (good.label, good.score, good.pd, good.weight, good.group)))
    lines = by_grade(few, grades[:150], order)
    assert {line.verdict for line in lines if line.test in ("jeffreys", "binomial")} == {"undecidable"}
    assert found(discrimination(good, Estimate(0.9), rules=QUICK), "auc_development").verdict == "fail"
    area = found(discrimination(good, rules=QUICK), "auc").value
    assert (
        found(discrimination(good, Estimate(area, None, None), rules=QUICK), "auc_development").verdict
        == "pass"
    )
    assert found(probabilities(poor, rules=QUICK), "calibration_large").verdict == "fail"
    assert {line.scope for line in scoped(lines, "sample:unseen")} >= {
        "sample:unseen",
        "sample:unseen/grade:A",
    }


def test_no_rows_or_one_outcome_never_break() -> None:
    for rows in (
        sample([], []),
        sample([0, 0, 0], [1.0, 2.0, 3.0], pd=[0.1, 0.2, 0.3]),
        sample([1], [1.0], pd=[0.5]),
    ):
        names = np.array(["A"] * len(rows.label), dtype=object)
        lines = discrimination(rows, Estimate(0.7)) + probabilities(rows) + by_grade(rows, names, ["A", "B"])
        lines += low_default(rows, names, ["A", "B"]) + segments(rows, {"region": names})
        lines += vintages(rows, names, np.ones(len(names)))
        assert not [
            line for line in lines if line.verdict in ("pass", "fail") and line.test != "pluto_tasche_75"
        ]


def test_immature_vintages_are_shown_and_not_judged() -> None:
    rows = drawn(9000, 6, ratio=0.4)
    names = np.repeat(np.array(["2003", "2004", "2005"], dtype=object), 3000)
    followed = np.where(names == "2005", 0.3, 1.0)
    lines = vintages(rows, names, followed)
    assert [(line.test, line.scope) for line in lines] == [
        ("vintages_together", "all"),
        ("vintage", "vintage:2003"),
        ("vintage", "vintage:2004"),
        ("vintage_immature", "vintage:2005"),
    ]
    assert lines[3].verdict == "information"
    assert "30%" in lines[3].limit


@pytest.mark.parametrize(("times", "verdict"), [(1.0, "undecidable"), (1.6, "undecidable"), (9.0, "fail")])
def test_one_bad_year_is_not_a_wrong_model_and_a_disaster_is(times: float, verdict: str) -> None:
    rng = np.random.default_rng(8)
    names = np.repeat(np.array(["2003", "2004", "2005", "2006"], dtype=object), 2500)
    pd = np.full(10_000, 0.02)
    label = (rng.random(10_000) < np.where(names == "2005", times, 1.0) * pd).astype(np.int64)
    rows = Sample(label, pd, pd, np.ones(10_000), np.arange(10_000))
    lines = vintages(rows, names, np.ones(10_000))
    assert found(lines, "vintages_together").verdict == verdict
    single = next(line for line in lines if line.scope == "vintage:2005")
    assert (single.verdict == "fail") == (times > 1), "the detail takes defaults as independent"


@pytest.mark.parametrize(("times", "verdict"), [(1.0, "pass"), (1.04, "pass"), (1.6, "fail")])
def test_all_grades_together_tolerate_what_is_small(times: float, verdict: str) -> None:
    grades = [
        Part(f"grade:{n}", 90_000, 0, Effective(90_000.0, 90_000 * pd * times), pd)
        for n, pd in enumerate((0.01, 0.03, 0.1))
    ]
    assert hosmer_lemeshow(grades, Rules()).verdict == verdict


def test_swap_cells_cover_everybody_and_a_worse_challenger_fails() -> None:
    champion = drawn(20_000, 9, spread=1.5)
    noisy = np.random.default_rng(1).permutation(champion.pd)
    challenger = Sample(champion.label, champion.score, noisy, champion.weight, champion.group)
    money = np.full(20_000, 100.0)
    lines = swap_set(champion, challenger, Cut(share=0.2), money)
    assert sum(line.value or 0 for line in lines if line.test == "swap_count") == pytest.approx(1)
    assert sum(line.value or 0 for line in lines if line.test == "swap_money") == pytest.approx(2_000_000)
    assert found(lines, "swap_balance").verdict == "fail"
    assert found(swap_set(challenger, champion, Cut(pd=0.1)), "swap_balance").verdict == "pass"
    assert found(swap_set(champion, champion, Cut(pd=0.1)), "swap_balance").verdict == "undecidable"
    with pytest.raises(UsageError, match="either a share or a pd"):
        swap_set(champion, challenger, Cut())
    with pytest.raises(UsageError, match="same rows"):
        swap_set(champion, drawn(10, 1), Cut(pd=0.1))
    grades = np.array(["A", "B"], dtype=object)
    old, new = grades[(champion.pd > 0.1) * 1], grades[(noisy > 0.1) * 1]
    moved = population(champion, challenger, old, new, ["A", "B"])
    assert found(moved, "grade_moved").value == pytest.approx(float((old != new).mean()))
    assert found(moved, "pd_ratio").value == pytest.approx(1)
