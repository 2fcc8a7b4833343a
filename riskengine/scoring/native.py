"""What are the scores of many rows at once, at native speed and with the same bits as one by one?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt

from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.scoring import trees as plain
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.elementary import Floats
from riskengine.scoring.rating_rows import Coded, Ratings, coded, joined, pds, ratings

THREADS = os.cpu_count() or 1  # only speed depends on it: a row's score is one thread's work
BLOCK = 8_192  # rows whose columns of doubles stay in a core's cache
_MANY = 20_000
Made = TypeVar("Made")
Segments = Coded | Sequence[str | None] | None


def raw_scores(bundle: Bundle, matrix: Floats) -> Floats:
    """Raw scores of rows (n x features, the bundle's order; NaN is missing) by LightGBM from verified bytes."""
    _checked(bundle, matrix)
    if not len(matrix):
        return np.zeros(0)
    found = _booster(bundle).predict(matrix, raw_score=True, num_threads=_threads(matrix))
    return np.asarray(found, dtype=np.float64)


def score_rows(bundle: Bundle, matrix: Floats, segments: Segments = None) -> Ratings:
    """PD, points, grade and interval of many rows; each equals `scoring.scorecard.rating` of its raw score to the bit.

    `segments`: each row's segment (`scoring.calibration.segment_of`); without them no segment's shift is applied.
    """
    _checked(bundle, matrix)
    named = coded(segments, len(matrix))
    booster = _booster(bundle) if len(matrix) else None

    def part(rows: slice) -> Ratings:
        block = matrix[rows]
        found = booster.predict(block, raw_score=True, num_threads=1) if booster else np.zeros(0)
        return ratings(bundle, np.asarray(found, dtype=np.float64), block, named[rows])

    return joined(_in_blocks(part, len(matrix)))


def pd_rows(bundle: Bundle, matrix: Floats, segments: Segments = None) -> tuple[Floats, Floats]:
    """Raw scores and PDs only: each PD equals `scorecard.pd_of` to the bit."""
    raw, named = raw_scores(bundle, matrix), coded(segments, len(matrix))
    parts = _in_blocks(lambda rows: pds(bundle, raw[rows], matrix[rows], named[rows]), len(matrix))
    return raw, np.concatenate(parts)


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


def _in_blocks(part: Callable[[slice], Made], size: int) -> list[Made]:
    """A function's answers to blocks of rows, in order, several blocks at once: trees, exponentials and numpy leave Python's lock."""
    blocks = [slice(start, start + BLOCK) for start in range(0, size, BLOCK)] or [slice(0, 0)]
    if len(blocks) == 1:
        return [part(blocks[0])]
    with ThreadPoolExecutor(min(THREADS, len(blocks))) as pool:
        return list(pool.map(part, blocks))


def _threads(matrix: Floats) -> int:
    return THREADS if len(matrix) >= _MANY else 1
