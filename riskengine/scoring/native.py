"""What are the scores of many rows at once, at native speed and with the same bits as one by one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.scoring import trees as plain
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import rating

Floats = npt.NDArray[np.float64]
THREADS = 2  # only speed depends on it: a row's score is one thread's work
_MANY = 20_000


@dataclass(frozen=True, slots=True)
class Ratings:
    """Arrays of one length, in the order of the rows: raw log-odds, PD, points, grades' names; low and high of the PD's
    interval (NaN in a bundle without), and why a person should decide ("": no reason)."""

    raw: Floats
    pd: Floats
    score: npt.NDArray[np.int64]
    grade: npt.NDArray[np.object_]
    low: Floats
    high: Floats
    unsure: npt.NDArray[np.object_]


def raw_scores(bundle: Bundle, matrix: Floats) -> Floats:
    """Raw scores of rows (n x features, the bundle's order; NaN is missing) by LightGBM from verified bytes."""
    _checked(bundle, matrix)
    if not len(matrix):
        return np.zeros(0)
    found = _booster(bundle).predict(matrix, raw_score=True, num_threads=_threads(matrix))
    return np.asarray(found, dtype=np.float64)


def score_rows(bundle: Bundle, matrix: Floats, segments: Sequence[str | None] | None = None) -> Ratings:
    """PD, points, grade and interval of many rows; each equals `scoring.scorecard.rating` of its raw score to the bit.

    `segments`: each row's segment (`scoring.calibration.segment_of`); without them no segment's shift is applied.
    """
    raw = raw_scores(bundle, matrix)
    if segments is None:
        segments = [None] * len(raw)
    rated = [
        rating(bundle, value, row, segment)
        for value, row, segment in zip(raw.tolist(), matrix.tolist(), segments, strict=True)
    ]
    grade, unsure = np.empty(len(rated), dtype=object), np.empty(len(rated), dtype=object)
    grade[:] = [row.grade for row in rated]
    unsure[:] = [row.unsure for row in rated]
    return Ratings(
        raw,
        np.array([row.pd for row in rated], dtype=np.float64),
        np.array([row.score for row in rated], dtype=np.int64),
        grade,
        np.array([row.low for row in rated], dtype=np.float64),  # None becomes NaN
        np.array([row.high for row in rated], dtype=np.float64),
        unsure,
    )


def contribution_rows(bundle: Bundle, matrix: Floats) -> Floats:
    """Contributions (n x features, log-odds) of many rows; each row equals `trees.contributions` to the bit."""
    _checked(bundle, matrix)
    total = np.zeros(matrix.shape)
    if not len(matrix):
        return total
    leaves = leaf_rows(bundle, matrix)
    for number, (used, changes) in enumerate(_leaf_changes(bundle)):
        if used.size:
            total[:, used] += changes[leaves[:, number]]
    return total


def leaf_rows(bundle: Bundle, matrix: Floats) -> npt.NDArray[np.int64]:
    """The leaf of each tree (n x trees) in which many rows end; each equals `trees.leaf_of`."""
    _checked(bundle, matrix)
    found = _booster(bundle).predict(matrix, pred_leaf=True, num_threads=_threads(matrix))
    return np.asarray(found, dtype=np.int64).reshape(len(matrix), -1)


def _leaf_changes(bundle: Bundle) -> Sequence[tuple[npt.NDArray[np.int64], Floats]]:
    """For each tree: the features it uses, and by leaf what the path changes for each of them."""
    if "leaf_changes" not in bundle.scoring_parts:
        bundle.scoring_parts["leaf_changes"] = [_changes_of(tree) for tree in bundle.trees["trees"]]
    made: list[tuple[npt.NDArray[np.int64], Floats]] = bundle.scoring_parts["leaf_changes"]
    return made


def _changes_of(tree: Mapping[str, Any]) -> tuple[npt.NDArray[np.int64], Floats]:
    used = sorted(set(tree["feature"]))
    place = {feature: column for column, feature in enumerate(used)}
    changes = np.zeros((len(tree["leaf"]), len(used)))
    for leaf in range(len(tree["leaf"])):
        for feature, change in plain.path_changes(tree, leaf).items():
            changes[leaf, place[feature]] = change
    return np.array(used, dtype=np.int64), changes


def _booster(bundle: Bundle) -> Any:
    if "booster" not in bundle.scoring_parts:
        _same_trees(bundle)
        bundle.scoring_parts["booster"] = lightgbm.Booster(model_str=bundle.model_text)
    return bundle.scoring_parts["booster"]


def _same_trees(bundle: Bundle) -> None:
    """Native code may read the text only if it says the trees that the plain scorer scores (a damaged text can crash it)."""
    try:
        same = plain.export_trees(bundle.model_text) == bundle.trees
    except (ValueError, KeyError, IndexError, ZeroDivisionError, RecursionError, UsageError):
        same = False
    if not same:
        raise IntegrityError(
            f"The bundle of {bundle.model} contradicts itself",
            [
                Problem(
                    str(bundle.folder / "model.txt"), "the trees of trees.json", "other trees", "Retrain it"
                )
            ],
        )


def _checked(bundle: Bundle, matrix: Floats) -> None:
    if matrix.ndim != 2 or matrix.shape[1] != len(bundle.features):
        raise UsageError(
            "Rows do not fit the model",
            [Problem(bundle.model, f"{len(bundle.features)} columns of numbers", f"shape {matrix.shape}")],
        )


def _threads(matrix: Floats) -> int:
    return THREADS if len(matrix) >= _MANY else 1
