"""Every figure against a slow, obvious version; intervals against theory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as reference_log_loss
from sklearn.metrics import roc_auc_score

from riskengine.learning import metrics

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.sampled_from([0.5, 1.0, 2.0, 5.0694, 22.7118])),
    min_size=2,
    max_size=40,
)


def arrays(rows: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, score, weight = zip(*rows, strict=True)
    return np.array(label), np.array(score, dtype=float) / 9 + 0.05, np.array(weight)


@given(ROWS)
def test_auc_counts_pairs(rows: list[tuple[int, int, float]]) -> None:
    label, score, weight = arrays(rows)
    won = total = 0.0
    for i in np.flatnonzero(label == 1):
        for j in np.flatnonzero(label == 0):
            total += weight[i] * weight[j]
            won += weight[i] * weight[j] * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
    got = metrics.auc(label, score, weight)
    if total == 0:
        assert got is None
    else:
        assert got == pytest.approx(won / total, abs=1e-12)
        assert got == pytest.approx(roc_auc_score(label, score, sample_weight=weight), abs=1e-9)


@given(ROWS)
def test_ks_tries_every_limit(rows: list[tuple[int, int, float]]) -> None:
    label, score, weight = arrays(rows)
    bad, good = weight * label, weight * (1 - label)
    if not bad.sum() or not good.sum():
        assert metrics.ks(label, score, weight) is None
        return
    gaps = [
        abs(bad[score <= s].sum() / bad.sum() - good[score <= s].sum() / good.sum()) for s in np.unique(score)
    ]
    assert metrics.ks(label, score, weight) == pytest.approx(max(gaps), abs=1e-12)


@given(ROWS, st.sampled_from([0.05, 0.1, 0.33, 1.0]))
def test_capture_fills_the_room_row_by_row(rows: list[tuple[int, int, float]], share: float) -> None:
    label, score, weight = arrays(rows)
    got = metrics.capture(label, score, weight, share)
    if label.sum() in (0, len(label)):
        assert got is None
        return
    room, found = share * weight.sum(), 0.0
    for level in sorted(set(score), reverse=True):
        tied = score == level
        part = min(1.0, max(room, 0.0) / weight[tied].sum())
        found += part * (weight * label)[tied].sum()
        room -= weight[tied].sum()
    assert got == pytest.approx(found / (weight * label).sum(), abs=1e-9)


@given(ROWS)
def test_brier_and_log_loss(rows: list[tuple[int, int, float]]) -> None:
    label, pd, weight = arrays(rows)
    slow = sum(w * (p - y) ** 2 for y, p, w in zip(label, pd, weight, strict=True)) / weight.sum()
    assert metrics.brier(label, pd, weight) == pytest.approx(slow, rel=1e-12)
    expected = reference_log_loss(label, pd, sample_weight=weight, labels=[0, 1])
    assert metrics.log_loss(label, pd, weight) == pytest.approx(expected, rel=1e-9)


@given(ROWS)
def test_calibration_table_keeps_all_weight_and_all_defaults(rows: list[tuple[int, int, float]]) -> None:
    label, pd, weight = arrays(rows)
    table = metrics.calibration_table(label, pd, weight)
    assert table[:, 0].sum() == pytest.approx(weight.sum())
    assert (table[:, 0] * table[:, 1]).sum() == pytest.approx((weight * pd).sum())
    assert (table[:, 0] * table[:, 2]).sum() == pytest.approx((weight * label).sum())
    assert (np.diff(table[:, 1]) > 0).all()


def test_calibration_error_of_deciles_by_hand() -> None:
    rng = np.random.default_rng(1)
    pd = np.sort(rng.random(1000))
    label = (rng.random(1000) < pd**2).astype(int)
    by_hand = np.mean([abs(pd[i : i + 100].mean() - label[i : i + 100].mean()) for i in range(0, 1000, 100)])
    assert metrics.calibration_error(label, pd) == pytest.approx(by_hand, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_logistic_fit_is_the_unpenalised_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.normal(3, 2, 400)
    label = (rng.random(400) < 1 / (1 + np.exp(-(0.7 * score - 2)))).astype(int)
    weight = rng.choice([1.0, 5.0, 22.0], 400)
    got = metrics.logistic_fit(label, score, weight)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(
        score[:, None], label, sample_weight=weight
    )
    assert got is not None
    assert got == pytest.approx((model.coef_[0, 0], model.intercept_[0]), rel=1e-3, abs=1e-3)
    p = 1 / (1 + np.exp(-(got[0] * score + got[1])))
    assert abs((weight * (p - label)).sum()) < 1e-6 * weight.sum()
    assert abs((weight * (p - label) * score).sum()) < 1e-6 * weight.sum()


def test_logistic_fit_that_does_not_exist() -> None:
    assert metrics.logistic_fit(np.array([0, 0]), np.array([1.0, 2.0])) is None
    assert metrics.logistic_fit(np.array([0, 1]), np.array([1.0, 1.0])) is None


def test_delong_is_the_pairwise_variance() -> None:
    rng = np.random.default_rng(3)
    label = (rng.random(120) < 0.3).astype(int)
    score = np.round(rng.normal(label, 1.5), 1)
    bad, good = score[label == 1], score[label == 0]
    wins = np.array([[(x > y) + 0.5 * (x == y) for y in good] for x in bad])
    spread = math.sqrt(wins.mean(1).var(ddof=1) / len(bad) + wins.mean(0).var(ddof=1) / len(good))
    got = metrics.delong(label, score)
    assert got.value == pytest.approx(wins.mean())
    assert got.high - got.low == pytest.approx(2 * 1.959963984540054 * spread)  # type: ignore[operator]


def test_bootstrap_agrees_with_delong_and_respects_groups() -> None:
    rng = np.random.default_rng(5)
    label = (rng.random(1500) < 0.2).astype(int)
    score = rng.normal(label, 1.2)
    alone = metrics.measured(metrics.sample(label, score, pd=1 / (1 + np.exp(-score))), 300)["auc"]
    theory = metrics.delong(label, score)
    assert alone.value == theory.value
    width = alone.high - alone.low  # type: ignore[operator]
    assert width == pytest.approx(theory.high - theory.low, rel=0.25)  # type: ignore[operator]
    four = [np.tile(part, 4) for part in (label, score)]
    copied = metrics.sample(*four, group=np.tile(np.arange(1500), 4))
    grouped = metrics.measured(copied, 300)["auc"]
    assert grouped.high - grouped.low == pytest.approx(width, rel=0.25)  # type: ignore[operator]
    loose = metrics.measured(metrics.sample(*four), 300)["auc"]
    assert loose.high - loose.low < 0.65 * width  # type: ignore[operator]


def test_weights_are_repetitions() -> None:
    rng = np.random.default_rng(9)
    label, score, times = rng.integers(0, 2, 60), rng.integers(1, 9, 60) / 10, rng.integers(1, 5, 60)
    weighted = metrics.figures(metrics.sample(label, score, weight=times.astype(float)))
    repeated = metrics.figures(metrics.sample(np.repeat(label, times), np.repeat(score, times)))
    assert weighted == pytest.approx(repeated, rel=1e-9)


def test_one_class_is_undecidable() -> None:
    found = metrics.measured(metrics.sample([0, 0, 0], [0.1, 0.2, 0.3]))
    assert found["auc"] == metrics.Estimate(None)
    assert str(found["auc"]) == "undecidable"
    assert found["brier"].value is not None


def test_difference_of_equal_scores_is_zero() -> None:
    rng = np.random.default_rng(2)
    label, score = rng.integers(0, 2, 200), rng.random(200)
    one = metrics.sample(label, score)
    assert metrics.auc_difference(one, metrics.sample(label, 2 * score + 1)) == metrics.Estimate(
        0.0, 0.0, 0.0
    )
    gap = metrics.auc_difference(metrics.sample(label, label + rng.random(200)), one)
    assert gap.low is not None
    assert gap.low > 0.3
