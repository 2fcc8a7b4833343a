"""Reasons hold what they promise: moving the feature does what is said; a missing value is never spoken of as one."""

from __future__ import annotations

import numpy as np
from simulated import NAMES, Made
from test_trees import plain_rows

from riskengine.scoring.reasons import Reason, peer_medians, reason_text, reasons
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


def test_peers_fall_back_to_all_and_nan_is_missing(made: Made) -> None:
    assert peer_medians(made.bundle, "no such sector") == made.bundle.peers["all"]["median"]
    missing = [float("nan")] * 5
    assert reasons(made.bundle, missing) == reasons(made.bundle, [None] * 5)
    assert all(reason.value is None for reason in reasons(made.bundle, missing))


def test_a_missing_value_is_said_to_be_missing(made: Made) -> None:
    for name, info in made.bundle.recipe["features"].items():
        lost = Reason(name, 0.2, None, 1.0, True, -0.1)
        english, chinese = reason_text(info, lost, "en"), reason_text(info, lost, "zh")
        assert english.startswith(f"{info['en']} missing; peers' median ")
        assert chinese.startswith(f"{info['zh']}缺失；同类企业中位数")
        assert "None" not in english + chinese
        assert "nan" not in english + chinese
    flag = Reason("flag", -0.2, 1.0, 0.0, False, 0.01)
    info = made.bundle.recipe["features"]["flag"]
    assert reason_text(info, flag, "en") == "Flag yes; peers' median no: lowers risk"
    assert reason_text(info, flag, "zh") == "标志是；同类企业中位数否：风险偏低"


def test_numbers_never_have_an_exponent(made: Made) -> None:
    info = made.bundle.recipe["features"]["amount"]
    for value in 10.0 ** np.arange(-8, 13):
        assert "e" not in reason_text({**info, "en": "A"}, Reason("amount", 1, value, value, True, -1), "zh")
