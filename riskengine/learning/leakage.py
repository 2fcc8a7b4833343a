"""Does a feature know what it cannot know? Each is judged alone before any model that uses it is believed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from riskengine.errors import Problem, QualityGateError
from riskengine.learning import fitting
from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Floats, Numbers, auc

_OWN_BIN, _BINS, _SHRINK = 20, 64, 20.0
_MODULI = (7, 10, 12, 100)
_SUSPECT, _MOST_SUSPECTS = 0.75, 3
_QUICK = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 3,
}
_QUICK_ROUNDS = 60
_CANARY_Z = 3.29  # 99.9 %: the canary is asked in every training and may not cry for nothing


@dataclass(frozen=True)
class Audit:
    """What was found: each feature's AUC alone, suspects beside all the others, and the canary with its limit."""

    alone: dict[str, float]
    without: dict[str, float]
    canary: float
    canary_limit: float
    explained: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """When the audit refuses: a feature's AUC alone; which features are explained (name -> why)."""

    single_auc: float
    explained: dict[str, str] = field(default_factory=dict)


Scorer = Callable[[Rows], Callable[[Floats], Floats]]


def audit(rows: Rows, names: Sequence[str], fold: Numbers, limits: Limits) -> Audit:
    """Judge every feature and the procedure itself, or raise a `QualityGateError` naming fields and numbers.

    A feature is refused if its out-of-fold AUC alone is above the limit, or if it is 0.75 or more and above that of
    a model of all the other features (asked for the three strongest). `limits.explained` exempts a feature whose
    strength somebody has explained. The canary is a model of shuffled labels: it must know nothing.
    """
    found = fitting.side_by_side(
        [partial(alone_auc, rows.matrix[:, column], rows.label, fold) for column in range(len(names))]
    )
    alone = dict(zip(names, found, strict=True))
    ranked = sorted((name for name in names if name not in limits.explained), key=lambda n: (-alone[n], n))
    suspects = [name for name in ranked if alone[name] >= _SUSPECT][:_MOST_SUSPECTS]
    without = {}
    for name in suspects if len(names) > 2 else ():
        others = rows.columns([column for column, other in enumerate(names) if other != name])
        without[name] = auc(rows.label, fitting.out_of_fold(quick_model, others, fold)) or 0.5
    canary, limit = shuffled_label_auc(rows, fold, quick_model)
    problems = [
        Problem(
            name,
            f"an AUC alone of at most {limits.single_auc:.3f}",
            f"{alone[name]:.3f}",
            "It is probably written or changed after the outcome. Remove it, or say under gates.explained why it is known in time",
        )
        for name in ranked
        if alone[name] > limits.single_auc
    ]
    refused = {problem.where for problem in problems}
    problems += [
        Problem(
            name,
            f"to tell less alone than all other features together (AUC {without[name]:.3f})",
            f"{alone[name]:.3f}",
            "Remove it, or say under gates.explained why it is known in time",
        )
        for name in without
        if name not in refused and alone[name] > without[name]
    ]
    if abs(canary - 0.5) > limit:
        problems.append(
            Problem(
                "label-shuffle canary",
                f"an AUC within 0.5 +- {limit:.3f}",
                f"{canary:.3f}",
                "The test rows are not independent of the training rows",
            )
        )
    if problems:
        raise QualityGateError("Leakage: the model would know the outcome", problems)
    return Audit(alone, without, canary, limit, dict(limits.explained))


def alone_auc(values: Floats, label: Numbers, fold: Numbers) -> float:
    """The best out-of-fold AUC that a feature reaches alone over its patterns: its values and its remainders.

    Each pattern's bins are scored with the default rate of the other folds, shrunk towards the whole, so that
    patterns that do not rise or fall (a multiple of 12) are seen too.
    """
    best = 0.5
    for code in _patterns(values):
        best = max(best, auc(label, _held_out_rate(code, label, fold)) or 0.5)
    return best


def shuffled_label_auc(rows: Rows, fold: Numbers, model: Scorer, seed: int = 11) -> tuple[float, float]:
    """The AUC on one fold of a model of shuffled labels, and how far from 0.5 chance may bring it (99.9 %)."""
    rng = np.random.default_rng(seed)
    shuffled = Rows(rows.matrix, rng.permutation(rows.label), rows.weight, rows.group)
    held = fold == fold.min()
    bad, good = int(shuffled.label[held].sum()), int((1 - shuffled.label[held]).sum())
    if not bad or not good or not 0 < shuffled.label[~held].sum() < (~held).sum():
        return 0.5, 0.5
    score = model(shuffled.where(~held))(rows.matrix[held])
    limit = _CANARY_Z * math.sqrt((bad + good + 1) / (12 * bad * good))
    return auc(shuffled.label[held], score) or 0.5, limit


def quick_model(rows: Rows) -> Callable[[Floats], Floats]:
    """A small, unconstrained LightGBM, as somebody in a hurry would fit it."""
    booster = fitting.fit(dict(_QUICK), _QUICK_ROUNDS, rows)
    return lambda matrix: fitting.predict(booster, matrix)


def _patterns(values: Floats) -> Iterator[Numbers]:
    yield _binned(values)
    seen = np.isfinite(values)
    whole = seen.any() and bool((values[seen] == np.floor(values[seen])).all())
    if whole and len(np.unique(values[seen])) > _MODULI[-1] // 2:
        for modulus in _MODULI:
            code = np.full(len(values), modulus, dtype=np.int64)
            code[seen] = np.mod(values[seen], modulus).astype(np.int64)
            yield code


def _binned(values: Floats) -> Numbers:
    """Bin codes: a frequent value has its own bin, the rest share quantile bins, missing is a bin."""
    keyed = np.where(np.isnan(values), np.inf, values)
    unique, place, times = np.unique(keyed, return_inverse=True, return_counts=True)
    frequent = times >= _OWN_BIN
    rare = np.cumsum(np.where(frequent, 0, times))
    shared = (rare * _BINS) // (rare[-1] + 1)
    code = np.where(frequent, _BINS + 1 + np.arange(len(unique)), shared)
    return np.asarray(np.unique(code, return_inverse=True)[1][place], dtype=np.int64)


def _held_out_rate(code: Numbers, label: Numbers, fold: Numbers) -> Floats:
    """For each row, the default rate of its bin in the other folds, shrunk towards the other folds' whole."""
    size, folds = int(code.max()) + 1, int(fold.max()) + 1
    cell = fold * size + code
    times = np.bincount(cell, minlength=size * folds).reshape(folds, size).astype(np.float64)
    events = np.bincount(cell, label, minlength=size * folds).reshape(folds, size)
    times, events = times.sum(axis=0) - times, events.sum(axis=0) - events
    whole = events.sum(axis=1) / np.maximum(times.sum(axis=1), 1)
    rate = (events + _SHRINK * whole[:, None]) / (times + _SHRINK)
    return np.asarray((rate - whole[:, None])[fold, code], dtype=np.float64)
