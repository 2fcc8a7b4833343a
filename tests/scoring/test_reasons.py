"""Reasons hold what they promise, for trees and a scorecard: they add up, cite only what exists, and moving them helps."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import CALIBRATIONS, NAMES, Made, calibrated_as, held
from test_trees import hard_rows, plain_rows

from riskengine.decision.reason_check import Book, checked_reasons
from riskengine.scoring.reason_rows import rated_rows, unknown_rows
from riskengine.scoring.reasons import (
    Reason,
    peer_medians,
    reason_text,
    reasons,
    recipe_labels,
    unknown_text,
    unknowns,
)
from riskengine.scoring.scorecard import pd_of
from riskengine.scoring.trees import contributions, raw_score


def test_effects_are_what_rescoring_says(made: Made) -> None:
    seen = 0
    for row in plain_rows(made.matrix[:300]):
        here = pd_of(made.bundle, raw_score(made.bundle.trees, row), row)
        added = contributions(made.bundle.trees, row)
        found = reasons(made.bundle, row, "retail")
        for reason in found:
            column = NAMES.index(reason.feature)
            moved = [*row]
            moved[column] = reason.peer_median
            effect = pd_of(made.bundle, raw_score(made.bundle.trees, moved), moved) - here
            assert reason.effect == effect
            assert reason.contribution == added[column]
            assert reason.value == row[column]
            assert (reason.contribution > 0, reason.effect < 0) == (reason.adverse, reason.adverse)
            seen += 1
        kinds = [reason.adverse for reason in found]
        assert kinds == sorted(kinds, reverse=True)
        for adverse in (True, False):
            sizes = [abs(reason.effect) for reason in found if reason.adverse == adverse]
            assert sizes == sorted(sizes, reverse=True)
    assert seen > 300


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_the_top_reason_at_the_median_improves_the_pd(made: Made, kind: str) -> None:
    """In at least 95 % of cases, whatever turns the score into a PD; the rows are the hard ones too."""
    bundle = held(calibrated_as(made.files, kind))
    rows = plain_rows(np.vstack([made.matrix[:400], hard_rows(made, 200)]))
    segments = [("12", None, "O'Hara 行")[number % 3] for number in range(len(rows))]
    found = checked_reasons(bundle, Book(rows, ["retail", None] * (len(rows) // 2), segments))
    assert found.told > 300
    assert found.improved + found.flat == found.told
    assert found.share is not None
    assert (
        found.share >= 0.95 or kind == "isotonic"
    )  # flat between its points: only the raw score moves there
    assert found.gap <= 1e-9
    assert found.missing_cited == 0


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_many_rows_at_once_have_the_same_reasons_to_the_bit(made: Made, kind: str) -> None:
    bundle = held(calibrated_as(made.files, kind))
    rows = plain_rows(np.vstack([made.matrix[:60], hard_rows(made, 60)]))
    together = rated_rows(bundle, rows, ["retail", None] * 60, ["12", None] * 60)
    alone = [
        reasons(bundle, row, group, segment)
        for row, group, segment in zip(rows, ["retail", None] * 60, ["12", None] * 60, strict=True)
    ]
    assert [found for _, found in together] == alone
    absent = [unknowns(bundle, row) for row in rows]
    assert sum(map(len, absent)) > 20
    assert unknown_rows(bundle, rows) == absent
    assert rated_rows(bundle, []) == []


def test_what_is_missing_is_never_a_reason_and_is_told_apart(made: Made) -> None:
    seen = 0
    for row in plain_rows(made.matrix[:300]):
        gone = {name for name, value in zip(NAMES, row, strict=True) if value is None}
        assert not gone & {reason.feature for reason in reasons(made.bundle, row)}
        found = unknowns(made.bundle, row)
        parts = dict(zip(NAMES, contributions(made.bundle.trees, row), strict=True))
        assert {item.feature for item in found} == {name for name in gone if parts[name] != 0}
        assert all(item.contribution == parts[item.feature] for item in found)
        seen += len(found)
    assert seen > 50
    missing = [float("nan")] * 5
    assert reasons(made.bundle, missing) == reasons(made.bundle, [None] * 5) == []
    assert unknowns(made.bundle, missing) == unknowns(made.bundle, [None] * 5) != []


def test_peers_fall_back_to_all(made: Made) -> None:
    assert peer_medians(made.bundle, "no such sector") == made.bundle.peers["all"]["median"]


def test_the_words_of_flags_and_of_what_is_missing(made: Made) -> None:
    labels = recipe_labels(made.bundle)
    flag = Reason("flag", -0.2, 1.0, 0.0, False, 0.01)
    assert reason_text(labels["flag"], flag, "en") == "Flag yes; peers' median no: lowers risk"
    assert reason_text(labels["flag"], flag, "zh") == "标志是；同类企业中位数否：风险偏低"
    assert unknown_text(labels["age"], "en") == "Firm age: no value, so no reason"
    assert unknown_text(labels["age"], "zh") == "企业年龄：缺失，不作为理由"


def test_numbers_never_have_an_exponent(made: Made) -> None:
    info = recipe_labels(made.bundle)["amount"]
    for value in 10.0 ** np.arange(-8, 13):
        assert "e" not in reason_text({**info, "en": "A"}, Reason("amount", 1, value, value, True, -1), "zh")
