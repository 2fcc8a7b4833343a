"""The search: the same twice, inside its ranges, never with test rows, kept only where it helps."""

from __future__ import annotations

import numpy as np
import pytest

from riskengine.errors import UsageError
from riskengine.learning.frames import checked
from riskengine.learning.making import Taught
from riskengine.learning.training import train
from riskengine.learning.tuning import tuned
from tests.learning.test_training import CONTEXT, frame, spec

SEARCH = {
    "trials": 6,
    "search": {
        "num_leaves": {"low": 2, "high": 31},
        "learning_rate": {"low": 0.02, "high": 0.3, "log": True},
    },
}


def taught(asked):  # type: ignore[no-untyped-def]
    rows = checked(asked, frame(3000), CONTEXT)
    return Taught(rows.rows(), rows)


def test_the_same_seed_gives_the_same_search() -> None:
    asked = spec(tuning=SEARCH)
    (one, first), (two, second) = tuned(asked, taught(asked)), tuned(asked, taught(asked))
    assert first == second
    assert one == two
    assert len(first) == 6
    assert first[0].params == {"num_leaves": 15, "learning_rate": 0.1}  # as given
    assert all(2 <= t.params["num_leaves"] <= 31 and 0.02 <= t.params["learning_rate"] <= 0.3 for t in first)
    assert len({t.loss for t in first}) > 3


def test_bad_parameters_are_left_for_better_ones() -> None:
    asked = spec(
        lightgbm={"rounds": 5, "learning_rate": 0.01},
        tuning={
            **SEARCH,
            "search": {"rounds": {"low": 5, "high": 80}, "learning_rate": {"low": 0.01, "high": 0.3}},
        },
    )
    found, tried = tuned(asked, taught(asked))
    assert found.lightgbm.learning_rate > 0.01
    assert min(t.loss for t in tried) < tried[0].loss


def test_no_budget_no_search() -> None:
    asked = spec()
    assert tuned(asked, taught(asked)) == (asked, [])


def test_wrong_ranges_are_told_together() -> None:
    asked = spec(
        tuning={
            "trials": 2,
            "search": {"num_leafs": {"low": 2, "high": 4}, "rounds": {"low": 500, "high": 900}},
        }
    )
    with pytest.raises(UsageError) as error:
        tuned(asked, taught(asked))
    assert "num_leaves" in str(error.value)
    assert "rounds" in str(error.value)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("num_leaves", {"low": 0, "high": 31, "log": True}, "above zero"),
        ("rounds", {"low": 5, "high": 90000}, "lightgbm allows"),
        ("seed", {"low": 1, "high": 90000000}, "luck"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_words(name: str, given: dict, said: str) -> None:
    asked = spec(tuning={"trials": 2, "search": {name: given}})
    with pytest.raises(UsageError, match=said):
        tuned(asked, taught(asked))


def test_training_keeps_the_search_in_the_card_and_the_bundle_is_the_same_twice() -> None:
    asked = spec(tuning={**SEARCH, "trials": 3})
    one, two = train(asked, frame(4000), CONTEXT), train(asked, frame(4000), CONTEXT)
    assert one.files == two.files
    assert b'"tuning":[{' in one.files["card.json"]
    assert len(one.search) == 3
    assert np.isfinite([t.loss for t in one.search]).all()
