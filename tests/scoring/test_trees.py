"""The plain scorer, the native scorer and both kinds of contributions agree to the bit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from simulated import NAMES, Made, rows

from riskengine.errors import UsageError
from riskengine.profile import code, latest
from riskengine.scoring import native, single, trees
from riskengine.scoring.scorecard import rating


def hard_rows(made: Made, size: int) -> np.ndarray:
    """Random rows, the thresholds themselves and their neighbours, zeros, tiny numbers, infinities, NaN."""
    matrix = rows(size, 99)
    rng = np.random.default_rng(5)
    for column in range(matrix.shape[1]):
        limits = [
            limit
            for tree in made.bundle.trees["trees"]
            for feature, limit in zip(tree["feature"], tree["threshold"], strict=True)
            if feature == column and limit is not None
        ]
        edges = np.array(
            [
                *limits,
                *np.nextafter(limits, np.inf),
                *np.nextafter(limits, -np.inf),
                0.0,
                -0.0,
                1e-36,
                -1e-36,
                1e-35,
                trees.ZERO,
                1e300,
                -1e300,
                np.inf,
                -np.inf,
                np.nan,
            ]
        )
        chosen = rng.random(size) < 0.5
        matrix[chosen, column] = rng.choice(edges, chosen.sum())
    return matrix


def plain_rows(matrix: np.ndarray) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in matrix.tolist()]


@pytest.mark.parametrize("size", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_plain_equals_native_to_the_bit(made: Made, size: int) -> None:
    """Missing values, infinities, zeros, thresholds and their neighbours, and numbers no training row had."""
    matrix = hard_rows(made, size)
    expected = native.raw_scores(made.bundle, matrix)
    got = np.array([trees.raw_score(made.bundle.trees, row) for row in plain_rows(matrix)])
    assert got.tobytes() == expected.tobytes()
    ratings = native.score_rows(made.bundle, matrix[:2000])
    alone = [
        rating(made.bundle, raw, row)
        for raw, row in zip(got.tolist(), plain_rows(matrix[:2000]), strict=False)
    ]
    assert np.array([one.pd for one in alone]).tobytes() == ratings.pd.tobytes()


def test_an_unseen_category_is_missing_or_what_the_definition_says_in_every_scorer(made: Made) -> None:
    """Texts become numbers only by a feature's declared table: an unlisted text is `other`, else unknown (None).

    So no scorer meets a category. What it can meet is a code that no training row had: it lies between or outside
    the thresholds, and all scorers put it there alike.
    """
    table = code(latest("asked.kind", by="trade"), {"Y": 1, "N": 0})
    known = code(latest("asked.kind", by="trade"), {"Y": 1, "N": 0}, other=9)
    coded = {
        text: [dict(one.table).get(text, one.other) for one in (table, known)] for text in ("Y", "N", "?")
    }
    assert coded == {"Y": [1, 1], "N": [0, 0], "?": [None, 9]}
    base = [5e4, 3.0, 0.1, 0.0, 2.0]
    unseen = [None, 9.0, -1.0, 0.5, 1e9, math.inf, -math.inf]
    rows_ = [[*base[:3], value, base[4]] for value in unseen]
    matrix = np.array(rows_, dtype=np.float64)
    found = native.raw_scores(made.bundle, matrix)
    assert [trees.raw_score(made.bundle.trees, row) for row in rows_] == found.tolist()
    assert found[1] == found[4] == found[5]  # beyond the last threshold it is all one
    with pytest.raises(ValueError, match="could not convert"):
        single.score_one(made.bundle, dict(zip(NAMES, [*base[:3], "rural", 2.0], strict=True)))


def test_every_threshold_survives_json(made: Made) -> None:
    again = json.loads(json.dumps(trees.export_trees(made.bundle.model_text)))
    assert again == made.bundle.trees
    dumped = native._booster(made.bundle).dump_model()["tree_info"]
    for native_tree, plain_tree in zip(dumped, again["trees"], strict=True):
        limit = plain_tree["threshold"][0] if plain_tree["threshold"] else None
        assert limit is None or native_tree["tree_structure"]["threshold"] == limit


def test_contributions_sum_to_the_score_and_batch_equals_single(made: Made) -> None:
    matrix = hard_rows(made, 1500)
    batch = native.contribution_rows(made.bundle, matrix)
    start = trees.bias(made.bundle.trees)
    for row, together in zip(plain_rows(matrix), batch, strict=True):
        alone = trees.contributions(made.bundle.trees, row)
        assert np.array(alone).tobytes() == together.tobytes()
        assert start + sum(alone) == pytest.approx(trees.raw_score(made.bundle.trees, row), abs=1e-9)


def test_single_rating_equals_batch(made: Made) -> None:
    matrix = hard_rows(made, 500)
    batch = native.score_rows(made.bundle, matrix)
    for number, row in enumerate(plain_rows(matrix)):
        one = single.score_one(made.bundle, {**dict(zip(NAMES, row, strict=True)), "not_in_the_model": 1})
        assert (one.raw, one.pd, one.score, one.grade) == (
            batch.raw[number],
            batch.pd[number],
            batch.score[number],
            batch.grade[number],
        )


def test_no_rows_and_wrong_rows(made: Made) -> None:
    assert native.score_rows(made.bundle, np.zeros((0, 5))).pd.shape == (0,)
    assert native.contribution_rows(made.bundle, np.zeros((0, 5))).shape == (0, 5)
    with pytest.raises(UsageError, match="5 columns of numbers, got shape"):
        native.raw_scores(made.bundle, np.zeros((2, 4)))
    with pytest.raises(UsageError, match=r"share: expected a value or None.*\n.*flag"):
        single.score_one(made.bundle, {"amount": 1.0, "age": 2.0, "count": None})


def test_what_cannot_be_scored_plainly_is_refused(made: Made) -> None:
    text = made.bundle.model_text
    with pytest.raises(UsageError, match="tree 0: expected numerical splits, got a categorical split"):
        trees.export_trees(text.replace("num_cat=0", "num_cat=1", 1))
    with pytest.raises(UsageError, match="linear leaves"):
        trees.export_trees(text.replace("is_linear=0", "is_linear=1", 1))
    with pytest.raises(UsageError, match="several classes"):
        trees.export_trees(text.replace("num_class=1", "num_class=3", 1))
