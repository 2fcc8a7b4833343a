"""How are trees fitted so that the same rows always give the same trees, and do they keep their declared directions?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from riskengine.errors import Problem, QualityGateError
from riskengine.learning.metrics import Floats, Numbers
from riskengine.learning.spec import ModelSpec

Flags = npt.NDArray[np.bool_]
WORKERS = 2  # fits side by side, each on one thread: the trees do not depend on it


@dataclass(frozen=True)
class Rows:
    """What a fit sees: features (n x k, NaN missing), label, weight and group codes of the same rows."""

    matrix: Floats
    label: Numbers
    weight: Floats
    group: Numbers

    def where(self, chosen: npt.NDArray[Any]) -> Rows:
        """The chosen rows (flags or places)."""
        return Rows(self.matrix[chosen], self.label[chosen], self.weight[chosen], self.group[chosen])

    def columns(self, chosen: Sequence[int]) -> Rows:
        """All rows with some features only."""
        return Rows(self.matrix[:, list(chosen)], self.label, self.weight, self.group)


def parameters(spec: ModelSpec) -> dict[str, Any]:
    """LightGBM's parameters: the spec's, and those that make a fit repeatable."""
    given = spec.lightgbm.model_dump(exclude={"rounds"})
    return {
        "objective": "binary",
        **given,
        "monotone_constraints": spec.constraints,
        "monotone_constraints_method": "basic",  # "advanced" violates its constraints
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def fit(
    params: dict[str, Any],
    rounds: int,
    rows: Rows,
    names: Sequence[str] | None = None,
    offset: Floats | None = None,
) -> Any:
    """A LightGBM booster on these rows; weights are scaled to a mean of one, so that leaf minima keep their meaning.

    `offset` is known of each row beforehand, on the scale of the raw score (a hazard's log exposure); it is no part of the trees.
    """
    names = list(names) if names is not None else [f"f{number}" for number in range(rows.matrix.shape[1])]
    data = lightgbm.Dataset(
        rows.matrix,
        rows.label,
        weight=rows.weight / rows.weight.mean(),
        init_score=offset,
        feature_name=names,
        params={"verbosity": -1, "max_bin": params.get("max_bin", 255)},
    )
    return lightgbm.train(params, data, rounds)


def predict(booster: Any, matrix: Floats) -> Floats:
    """Raw scores of rows."""
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), dtype=np.float64)


def buckets(group: Sequence[Any], count: int, seed: int) -> Numbers:
    """A number in `[0, count)` for each row by a seeded hash of its group: it never depends on the other rows."""
    unique, place = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    made = [int(sha256(f"{seed}:{name}".encode()).hexdigest()[:12], 16) % count for name in unique]
    return np.array(made, dtype=np.int64)[place]


def out_of_fold(fitted: Callable[[Rows], Callable[[Floats], Floats]], rows: Rows, fold: Numbers) -> Floats:
    """The score of each row by a model that saw no row of its fold."""

    def one(number: int) -> tuple[Flags, Floats]:
        held = fold == number
        return held, fitted(rows.where(~held))(rows.matrix[held])

    scores = np.zeros(len(rows.label))
    for held, found in side_by_side([partial(one, int(number)) for number in np.unique(fold)]):
        scores[held] = found
    return scores


def side_by_side(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of independent jobs, in order."""
    return list(Parallel(n_jobs=WORKERS, prefer="threads")(delayed(job)() for job in jobs))


def verify_directions(booster: Any, spec: ModelSpec, matrix: Floats, points: int = 24) -> int:
    """Move each constrained feature over a grid of its values on real rows; raise where the score moves the wrong way.

    Up to 200 rows (evenly spread) x `points` values a feature. Returns how many steps were checked; a violation is
    a `QualityGateError` naming features and sizes.
    """
    problems, checked = [], 0
    real = matrix[np.unique(np.linspace(0, len(matrix) - 1, 200).astype(int))] if len(matrix) else matrix
    for column, direction in enumerate(spec.constraints):
        values = matrix[:, column]
        values = np.unique(values[np.isfinite(values)])
        if not direction or len(values) < 2:
            continue
        grid = values[np.unique(np.linspace(0, len(values) - 1, points).astype(int))]
        moved = np.repeat(real, len(grid), axis=0)
        moved[:, column] = np.tile(grid, len(real))
        steps = np.diff(predict(booster, moved).reshape(len(real), len(grid)), axis=1) * direction
        checked += steps.size
        if steps.min() < -1e-9:
            said = "never lowers" if direction > 0 else "never raises"
            problems.append(
                Problem(
                    spec.features[column], f"{said} the PD", f"{int((steps < -1e-9).sum())} steps that do"
                )
            )
    if problems:
        raise QualityGateError(f"{spec.name} breaks its declared directions", problems)
    return checked
