"""Each method against its definition; the choice is made out of time; backwards scores are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from riskengine.errors import QualityGateError
from riskengine.learning.calibration import (
    OutOfFold,
    calibrated_rows,
    choose_calibration,
    fit_method,
    long_run_rate,
    newest_rate,
)
from riskengine.learning.spec_blocks import Calibration
from riskengine.schema import canonical_json
from riskengine.scoring.calibration import METHODS, calibrated

DAYS = np.array(
    [f"{year}-{month:02}-01" for year in (2020, 2021, 2022) for month in range(1, 13)], dtype="M8[D]"
)


def rows(size: int, seed: int, odds: object = lambda raw: raw, weighted: bool = False) -> OutOfFold:
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, 1.2, size)
    label = (rng.random(size) < 1 / (1 + np.exp(-odds(raw)))).astype(np.int64)  # type: ignore[operator]
    weight = np.where(label == 1, 5.0, 22.0) if weighted else np.ones(size)
    return OutOfFold(label, raw, weight, rng.choice(DAYS, size))


@pytest.mark.parametrize("method", list(METHODS))
def test_a_higher_score_never_has_a_lower_pd(method: str) -> None:
    how = fit_method(method, rows(800, 1, lambda raw: 0.7 * raw - 0.3, weighted=True))
    scores = np.unique(np.r_[np.random.default_rng(2).normal(-2, 4, 3000), how.get("scores", []), -1e9, 1e9])
    near = np.sort(np.r_[scores, np.nextafter(scores, np.inf)])
    pd = calibrated_rows(how, near)
    slack = 0.0 if method == "isotonic" else 1e-13  # exp() rounds: neighbours may differ by their last bit
    assert (np.diff(pd) >= -slack * pd[1:]).all()
    assert 0 < pd[0] <= pd[-1] < 1


def test_beta_is_the_constrained_maximum_of_its_likelihood() -> None:
    for seed, odds in (
        (1, lambda raw: 1.4 * raw + 0.5),
        (2, lambda raw: np.minimum(raw, -2.2)),
        (3, lambda raw: -1.0 + np.maximum(raw, -1.0)),
    ):
        given_rows = rows(1500, seed, odds, weighted=True)
        p = 1 / (1 + np.exp(-given_rows.raw))
        x = np.column_stack([np.log(p), -np.log1p(-p), np.ones(len(p))])

        def loss(theta: np.ndarray, x: np.ndarray = x, r: OutOfFold = given_rows) -> float:
            eta = x @ theta
            return float((r.weight * (np.logaddexp(0, eta) - r.label * eta)).sum() / r.weight.sum())

        how = fit_method("beta", given_rows)
        best = minimize(loss, [1.0, 1.0, 0.0], bounds=[(0, None), (0, None), (None, None)], tol=1e-12)
        assert how["a"] >= 0
        assert how["b"] >= 0
        assert loss(np.array([how["a"], how["b"], how["c"]])) <= best.fun + 1e-7
        eta = x @ [how["a"], how["b"], how["c"]]
        assert np.allclose(calibrated_rows(how, given_rows.raw), 1 / (1 + np.exp(-eta)), rtol=1e-9)


def test_intercept_and_isotonic_come_out_at_the_rate() -> None:
    given_rows = rows(3000, 4, weighted=True)
    own = np.average(given_rows.label, weights=given_rows.weight)
    years = given_rows.as_of.astype("M8[Y]")
    long_run = np.mean(
        [
            np.average(given_rows.label[years == y], weights=given_rows.weight[years == y])
            for y in np.unique(years)
        ]
    )
    for method, rate, near in (("intercept", long_run, 1e-9), ("isotonic", own, 0.02)):
        how = fit_method(method, given_rows)
        mean = np.average(calibrated_rows(how, given_rows.raw), weights=given_rows.weight)
        assert mean == pytest.approx(rate, rel=near)
    aimed = fit_method("intercept", given_rows, 0.3)
    assert np.average(calibrated_rows(aimed, given_rows.raw), weights=given_rows.weight) == pytest.approx(0.3)
    assert aimed["level"] == 0.3


def test_no_block_of_isotonic_is_certain() -> None:
    label = np.array([0] * 20 + [0, 1] * 10 + [1] * 5)
    how = fit_method("isotonic", OutOfFold(label, np.arange(45.0), np.ones(45), np.full(45, DAYS[0])))
    low, high = calibrated(how, -1.0), calibrated(how, 99.0)
    assert low == pytest.approx(0.5 / 22, rel=0.1)  # half a default among the first block's rows
    assert high == pytest.approx(1 - 0.5 / 7, rel=0.1)


def test_the_long_run_counts_each_year_once_and_the_newest_months_only_themselves() -> None:
    day = np.array(["2020-05-01"] * 8 + ["2021-01-01", "2021-11-15", "2021-12-01"], dtype="M8[D]")
    label = np.array([1] * 4 + [0] * 4 + [0, 1, 0])
    given_rows = OutOfFold(label, np.zeros(11), np.ones(11), day)
    assert long_run_rate(given_rows) == pytest.approx((0.5 + 1 / 3) / 2)
    assert newest_rate(given_rows, 2) == 0.5
    assert newest_rate(given_rows, 12) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("odds", "chosen"),
    [
        (lambda raw: raw, "none"),
        (lambda raw: raw + 0.8, "intercept"),
        (lambda raw: 0.5 * raw - 0.5, "logistic"),
        (lambda raw: np.where(raw > -1, 2.0, -4.0), "isotonic"),
    ],
)
def test_the_simplest_method_that_holds_is_chosen(odds: object, chosen: str) -> None:
    found = choose_calibration(rows(12_000, 5, odds), Calibration())
    assert found["method"] == found["choice"]["method"] == chosen
    table = {line["method"]: line for line in found["choice"]["table"]}
    best = min(table.values(), key=lambda line: line["log_loss"])
    assert best["above_best"] == 0
    assert table[chosen]["above_best"] <= table[chosen]["standard_error"]
    for name in list(table)[: list(table).index(chosen)]:  # the simpler ones lost
        assert table[name]["above_best"] > table[name]["standard_error"]


def test_the_future_decides_not_the_past() -> None:
    """A past in which the slope was half, a future in which it is one: the comparison sees only the future."""
    given_rows = rows(16_000, 6)
    late = given_rows.as_of >= np.datetime64("2022-06-01")
    bent = rows(16_000, 6, lambda raw: 0.5 * raw - 1.0)
    label = np.where(late, given_rows.label, bent.label)
    found = choose_calibration(replace(given_rows, label=label), Calibration())
    assert found["method"] in ("none", "intercept")  # what the past would have refused
    assert found["choice"]["from"] >= "2022-01-01"
    assert choose_calibration(bent, Calibration())["method"] == "logistic"


def test_clusters_make_the_choice_more_careful() -> None:
    alone = rows(4000, 7, lambda raw: 0.85 * raw)
    times = 8
    many = OutOfFold(
        *(np.repeat(part, times) for part in (alone.label, alone.raw, alone.weight, alone.as_of)),
        None,
        np.repeat(np.arange(4000), times),
    )
    one, eight = (choose_calibration(r, Calibration())["choice"]["table"] for r in (alone, many))
    for a, b in zip(one, eight, strict=True):
        assert a["standard_error"] == pytest.approx(
            b["standard_error"], rel=0.01
        )  # repetition is no evidence


def test_too_few_to_compare_says_so() -> None:
    few = rows(200, 8)
    found = choose_calibration(few, Calibration())
    assert found["method"] == "logistic"
    assert "too few to compare out of time" in found["choice"]["why"]
    one_day = replace(rows(3000, 9), as_of=np.full(3000, DAYS[0]))
    assert "0 defaults in 0 rows" in choose_calibration(one_day, Calibration())["choice"]["why"]


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_backwards_scores_are_refused_whatever_the_method(method: str) -> None:
    bad = rows(1000, 10, lambda raw: -raw - 4)
    with pytest.raises(QualityGateError, match="calibration slope: expected above zero, got -"):
        choose_calibration(bad, Calibration.model_validate({"method": method}))


def test_the_same_rows_give_the_same_bytes() -> None:
    given_rows = replace(rows(4000, 11), segment=np.array(["a", "b", None, "c"] * 1000, dtype=object))
    how = Calibration(segment="institution")
    texts = {canonical_json(choose_calibration(given_rows, how)) for _ in range(2)}
    assert len(texts) == 1
    assert '"column":"institution"' in texts.pop()


@settings(max_examples=200, deadline=None)
@given(st.floats(-800, 800), st.floats(0, 3), st.floats(0, 3), st.floats(-5, 5))
def test_beta_loses_no_tail(raw: float, a: float, b: float, c: float) -> None:
    pd = calibrated({"method": "beta", "a": a, "b": b, "c": c}, raw)
    assert 1e-6 <= pd <= 1 - 1e-6
    if abs(raw) < 20:
        p = 1 / (1 + math.exp(-raw))
        q = 1 / (1 + math.exp(raw))
        eta = a * math.log(p) - b * math.log(q) + c
        if abs(eta) < 13:
            assert pd == pytest.approx(1 / (1 + math.exp(-eta)), rel=1e-9)
