"""A planted leak is caught and named, an honest set is not accused, and SBA's own leak is found unaided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskengine.errors import QualityGateError
from riskengine.learning.fitting import Rows, buckets
from riskengine.learning.leakage import Limits, alone_auc, audit, quick_model, shuffled_label_auc
from riskengine.learning.metrics import auc

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
        QualityGateError, match=r"Term: expected an AUC alone of at most 0\.850, got 0\.89"
    ) as error:
        audit(rows(table.to_numpy(), label.to_numpy()), list(table), fold, LIMITS)
    assert [problem.where for problem in error.value.problems] == ["Term"]
