"""A planted leak is caught and named, an honest set is not accused, and SBA's own leak is found unaided."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskengine.errors import QualityGateError
from riskengine.learning.copies import copies
from riskengine.learning.fitting import Rows, buckets
from riskengine.learning.foreknowledge import echo, gain_in_a_month, knows_the_day, pure_share, stratified
from riskengine.learning.leakage import Limits, alone_auc, audit, quick_model, shuffled_label_auc
from riskengine.learning.metrics import auc

sys.path.insert(0, str(Path(__file__).parent))

from planted import BASE, HONEST, LEAKS, both, world

LOANS = Path(__file__).parents[3] / "shared" / "data" / "sba_7a_national" / "loans_casecontrol.parquet"
NAMES = ["a", "b", "c", "d", "e"]
LIMITS = Limits(0.85)


def honest(seed: int, size: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, 5))
    matrix[:, 4] = rng.integers(0, 240, size)
    label = (matrix[:, :3].sum(axis=1) + rng.logistic(size=size) > 2).astype(np.int64)
    return matrix, label, rng.integers(0, 5, size)


def rows(matrix: np.ndarray, label: np.ndarray) -> Rows:
    return Rows(matrix, label, np.ones(len(label)), np.arange(len(label)))


@pytest.mark.parametrize("seed", range(6))
def test_honest_features_are_not_accused(seed: int) -> None:
    matrix, label, fold = honest(seed)
    found = audit(rows(matrix, label), NAMES, fold, LIMITS)
    assert max(found.alone.values()) < 0.75
    assert found.alone["d"] < 0.56
    assert abs(found.canary - 0.5) < found.canary_limit


def after_the_fact(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return label + rng.normal(0, 0.3, len(label))


def multiple_of_twelve(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    months = rng.integers(10, 300, len(label))
    return np.where((label == 0) & (rng.random(len(label)) < 0.87), months // 12 * 12, months).astype(float)


def filled_later(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where((label == 1) & (rng.random(len(label)) < 0.85), rng.normal(size=len(label)), np.nan)


@pytest.mark.parametrize("leak", [after_the_fact, multiple_of_twelve, filled_later])
def test_a_planted_leak_is_named(leak: Callable[..., np.ndarray]) -> None:
    matrix, label, fold = honest(7)
    matrix[:, 3] = leak(label, np.random.default_rng(8))
    with pytest.raises(QualityGateError, match=r"\n  - d: expected .*\d\.\d{3}.*got 0\.\d{3}") as error:
        audit(rows(matrix, label), NAMES, fold, LIMITS)
    assert len(error.value.problems) == 1
    found = audit(rows(matrix, label), NAMES, fold, Limits(0.85, {"d": "known at application"}))
    assert found.explained == {"d": "known at application"}


def test_a_feature_that_beats_all_others_is_refused_below_the_limit() -> None:
    matrix, label, fold = honest(9)
    matrix[:, 3] = label + np.random.default_rng(1).normal(0, 0.75, len(label))
    with pytest.raises(
        QualityGateError, match="d: expected to tell less alone than all other features together"
    ):
        audit(rows(matrix, label), NAMES, fold, Limits(0.99))


def test_alone_auc_is_the_out_of_fold_rate_of_the_bin() -> None:
    rng = np.random.default_rng(2)
    values, label, fold = (
        rng.integers(0, 6, 600).astype(float),
        rng.integers(0, 2, 600),
        rng.integers(0, 3, 600),
    )
    label = np.where(values % 2 == 1, label | rng.integers(0, 2, 600), label)
    slow = np.zeros(600)
    for i in range(600):
        others = fold != fold[i]
        same = others & (values == values[i])
        whole = label[others].mean()
        slow[i] = (label[same].sum() + 20 * whole) / (same.sum() + 20) - whole
    assert alone_auc(values, label, fold) == pytest.approx(auc(label, slow), abs=1e-12)


def test_the_canary_sings_when_test_rows_are_seen() -> None:
    matrix, label, fold = honest(3)
    whole = rows(matrix, label)
    known: dict[bytes, int] = {}

    def peeking(taught: Rows) -> Callable[[np.ndarray], np.ndarray]:
        shuffled = np.random.default_rng(11).permutation(label)
        known.update({row.tobytes(): int(value) for row, value in zip(matrix, shuffled, strict=True)})
        return lambda asked: np.array([known[row.tobytes()] for row in asked], dtype=float)

    area, limit = shuffled_label_auc(whole, fold, peeking)
    assert area - 0.5 > limit
    area, limit = shuffled_label_auc(whole, fold, quick_model)
    assert abs(area - 0.5) < limit


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_copies_in_other_folds_are_refused_though_the_canary_is_silent(share: float) -> None:
    matrix, label, fold = honest(4)
    again = np.random.default_rng(5).random(len(label)) < share
    matrix, label = np.r_[matrix, matrix[again]], np.r_[label, label[again]]
    fold = np.r_[fold, (fold[again] + 1) % 5]
    area, limit = shuffled_label_auc(rows(matrix, label), fold, quick_model)
    assert abs(area - 0.5) < limit
    with pytest.raises(
        QualityGateError, match=r"copies of rows in other folds: .* a correlation of \d"
    ) as error:
        audit(rows(matrix, label), NAMES, fold, LIMITS)
    assert len(error.value.problems) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [2, 4, 9])
def test_strangers_who_share_coarse_features_are_no_copies(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, levels, (4000, 5)).astype(float)
    odds = 5 * (matrix[:, 0] + matrix[:, 1] - matrix[:, 2] * (matrix[:, 3] > 0)) / levels - 2
    label = (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    found = copies(rows(matrix, label), rng.integers(0, 5, 4000), quick_model)
    assert not found.refused
    assert abs(found.agreement) < 0.2
    assert abs(found.z) < 4
    assert levels == 2 or found.share > 0.01


@pytest.mark.skipif(not LOANS.exists(), reason="the shared loans are not on this machine")
def test_the_term_of_sba_loans_is_caught_unaided() -> None:
    loans = pd.read_parquet(LOANS)
    approved, lost = pd.to_datetime(loans["ApprovalDate"]), pd.to_datetime(loans["ChgOffDate"])
    label = ((loans["MIS_Status"] == "CHGOFF") & (lost <= approved + pd.DateOffset(months=36))).astype(int)
    flag = {"Y": 1.0, "N": 0.0}
    table = loans[["GrAppv", "NoEmp", "NewExist", "CreateJob", "RetainedJob", "UrbanRural"]].astype(float)
    table["guaranteed"] = loans["SBA_Appv"] / loans["GrAppv"]
    table["RevLineCr"], table["LowDoc"] = loans["RevLineCr"].map(flag), loans["LowDoc"].map(flag)
    fold = buckets(list(loans["Name"].astype(str)), 5, 1)
    found = audit(rows(table.to_numpy(), label.to_numpy()), list(table), fold, LIMITS)
    assert max(found.alone.values()) < 0.75
    table["Term"] = loans["Term"].astype(float)
    with pytest.raises(
        QualityGateError, match=r"Term: expected an AUC alone of at most 0\.850, got 0\.(89|9)"
    ) as error:
        audit(rows(table.to_numpy(), label.to_numpy()), list(table), fold, LIMITS)
    assert [problem.where for problem in error.value.problems] == ["Term"]


WORLDS = ((8000, 0.08), (12000, 0.03), (4000, 0.2))


def refused(name: str, number: int, planted: Callable[..., object]) -> list[str]:
    """What the audit refuses in world `number` with this feature added, with the evidence of hindsight."""
    made = world(number, *WORLDS[number % 3])
    made = made.plus(both(planted(made, np.random.default_rng(100 + number))))  # type: ignore[arg-type]
    names = (*BASE, name)
    try:
        audit(made.rows, names, made.fold, LIMITS, made.hindsight(names))
    except QualityGateError as error:
        return sorted({problem.where for problem in error.problems})
    return []


@pytest.mark.parametrize("name", sorted(LEAKS)[::6])
def test_planted_leaks_are_named_and_nothing_else_is(name: str) -> None:
    assert refused(name, 2, LEAKS[name]) == [name]


@pytest.mark.parametrize("name", sorted(HONEST)[::4])
def test_strong_honest_features_are_not_refused(name: str) -> None:
    assert refused(name, 2, HONEST[name]) == []


@pytest.mark.long
@pytest.mark.parametrize("number", range(3))
def test_fifty_of_fifty_planted_leaks_are_named(number: int) -> None:
    assert len(LEAKS) >= 50
    assert {name: refused(name, number, made) for name, made in LEAKS.items()} == {
        name: [name] for name in LEAKS
    }


@pytest.mark.long
def test_no_false_alarm_on_the_honest_set() -> None:
    asked = [(name, number) for number in range(3, 9) for name in HONEST]
    assert len(asked) >= 50
    assert [one for one in asked if refused(one[0], one[1], HONEST[one[0]])] == []


def test_each_test_of_foreknowledge_meets_its_null_and_its_alternative() -> None:
    rng = np.random.default_rng(4)
    label = (rng.random(4000) < 0.2).astype(np.int64)
    stratum = rng.integers(0, 5, 4000)
    nulls = [stratified(rng.random(4000) < 0.1 + 0.15 * stratum, label, stratum)[1] for _ in range(200)]
    assert abs(np.mean(nulls)) < 0.25
    assert 0.8 < np.std(nulls) < 1.2, "z is standard normal although the strata differ"
    gap, z = stratified(rng.random(4000) < 0.1 + 0.1 * label, label, stratum)
    assert abs(gap - 0.1) < 0.04
    assert z > 5
    now = rng.normal(size=4000) + label
    gains = [gain_in_a_month(label, now, now + rng.normal(0, 0.3, 4000)) for _ in range(3)]
    assert all(abs(gain) < 4 * error + 0.03 for gain, error in gains)
    gain, error = gain_in_a_month(label, now, now + label)
    assert gain == pytest.approx(auc(label, now + label) - auc(label, now), abs=1e-12)  # type: ignore[operator]
    assert gain > 4 * error
    lead, age = np.ceil(365 * rng.random(500)), np.ceil(700 * rng.random(500))
    assert knows_the_day(np.round((lead + age) / 30.4375), lead, age).share > 0.99
    assert knows_the_day(np.round(age / 30.4375), lead, age).z < 4
    rate = rng.random(4000).round(1)
    drawn = (rng.random(4000) < 0.1 + 0.3 * rate).astype(np.int64)
    assert echo(rate, drawn) > 1e-6
    own = np.array([drawn[rate == one].mean() for one in rate])
    assert echo(own, drawn) < 1e-6
    assert (
        pure_share(np.array([1] * 60 + [0] * 3940), np.r_[np.ones(58), np.zeros(3942)].astype(np.int64)) > 0.9
    )
    assert (
        pure_share(np.array([1] * 60 + [0] * 3940), np.r_[np.ones(40), np.zeros(3960)].astype(np.int64)) == 0
    )
