"""Would the model give the same reasons if it had been trained on other rows?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from riskengine.learning.metrics import Estimate, Floats
from riskengine.scoring.bundle import Bundle, bundle_hash
from riskengine.scoring.reason_rows import rated_rows

MOST_ROWS = 1_000  # enough for an interval of about two points; more only costs time
_REPLICATES = 200


def reason_overlap(one: Bundle, other: Bundle, matrix: Floats, top: int = 3) -> Estimate:
    """The mean overlap (Jaccard: shared over all named) of the `top` adverse reasons that two models name for the same rows.

    `matrix`: n x features in the order of `one`; `other` has the same features. Rows for which neither names a reason do not
    count; of more than `MOST_ROWS` rows an even selection is taken. 95 % interval by a bootstrap over rows. Unweighted: it is
    about rows, not about the population. No rows: undecidable.
    """
    rows = _some(matrix)
    overlaps = [
        _shared(a, b) for a, b in zip(_named(one, rows, top), _named(other, rows, top), strict=True) if a | b
    ]
    return _mean(overlaps)


def overlap_under_retraining(
    model: Bundle, retrained: Sequence[Bundle], matrix: Floats, top: int = 3
) -> Estimate:
    """`reason_overlap` between a model and each of its retrainings (bootstrap rows, other seeds), averaged by row."""
    rows = _some(matrix)
    mine = _named(model, rows, top)
    by_row: list[list[float]] = [[] for _ in mine]
    for other in retrained:
        for found, a, b in zip(by_row, mine, _named(other, rows, top), strict=True):
            if a | b:
                found.append(_shared(a, b))
    return _mean([float(np.mean(found)) for found in by_row if found])


def in_memory(files: dict[str, bytes], model: str) -> Bundle:
    """A bundle that was never written: for a retraining that only its reasons are asked of."""
    return Bundle(Path(), bundle_hash(files, model), model, files)


def _some(matrix: Floats) -> Floats:
    if len(matrix) <= MOST_ROWS:
        return matrix
    return matrix[np.linspace(0, len(matrix) - 1, MOST_ROWS).astype(np.int64)]


def _named(bundle: Bundle, rows: Floats, top: int) -> list[frozenset[str]]:
    return [
        frozenset([reason.feature for reason in found if reason.adverse][:top])
        for _, found in rated_rows(bundle, rows.tolist())
    ]


def _shared(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)


def _mean(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None)
    found = np.asarray(values)
    dice = np.random.default_rng(7)
    means = [found[dice.integers(0, len(found), len(found))].mean() for _ in range(_REPLICATES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(found.mean()), float(low), float(high))
