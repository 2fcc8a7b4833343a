"""Which parameters of the trees serve best, within a declared budget and without a look at any test row?

Optuna's tree-structured Parzen estimator (Bergstra et al., NIPS 2011; Akiba et al., KDD 2019) with the spec's seed, one trial after
the other, folds side by side: the same rows and seed give the same search. Each trial is judged by the weighted log loss of
out-of-fold scores (grouped by borrower, calibrated by a line) of the rows that were ripe at the cut. The parameters as given are the
first trial; they are kept unless another is better by more than one standard error over the folds.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from riskengine.errors import Problem, UsageError, nearest
from riskengine.learning.making import Taught, out_of_fold
from riskengine.learning.metrics import Floats, log_loss, logistic_fit
from riskengine.learning.spec import ModelSpec
from riskengine.learning.spec_blocks import Range, Trees
from riskengine.learning.splitting import folds


@dataclass(frozen=True)
class Tried:
    """One trial: the searched parameters, its mean loss over the folds, and the standard error of its gain on the first."""

    number: int
    params: dict[str, float | int]
    loss: float
    gain: float
    gain_error: float


def tuned(spec: ModelSpec, taught: Taught) -> tuple[ModelSpec, list[Tried]]:
    """The spec with the best parameters found, and every trial; without a budget the spec as it is."""
    if not spec.tuning.trials or not spec.tuning.search:
        return spec, []
    import optuna

    _known(spec)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tried: list[Tried] = []
    first: list[Floats] = []

    def objective(trial: Any) -> float:
        params = {name: _drawn(trial, name, given) for name, given in sorted(spec.tuning.search.items())}
        losses = _losses(_with(spec, params), taught)
        if not first:
            first.append(losses)
        gains = first[0] - losses
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        tried.append(Tried(trial.number, params, float(losses.mean()), float(gains.mean()), error))
        return tried[-1].loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=spec.lightgbm.seed))
        given = spec.lightgbm.model_dump()
        study.enqueue_trial({name: given[name] for name in spec.tuning.search})
        study.optimize(objective, n_trials=spec.tuning.trials, timeout=spec.tuning.seconds)
    best = min(tried, key=lambda one: (one.loss, one.number))
    return (_with(spec, best.params) if best.gain > best.gain_error else spec), tried


def _known(spec: ModelSpec) -> None:
    """Refuse what LightGBM's block does not have, or what a trial could not use."""
    fields = Trees.model_fields
    problems = [
        Problem(
            f"{spec.name}: tuning.search.{name}", "a key of lightgbm", "unknown", nearest(name, list(fields))
        )
        for name in spec.tuning.search
        if name not in fields
    ]
    if "seed" in spec.tuning.search:
        problems.append(Problem(f"{spec.name}: tuning.search.seed", "a parameter", "luck", "Leave it out"))
    for name, given in spec.tuning.search.items():
        if given.log and given.low <= 0:
            expected = "a range above zero, as it is searched by orders of magnitude"
            problems.append(Problem(f"{spec.name}: tuning.search.{name}", expected, f"{given.low:g}"))
        for end in (given.low, given.high):
            if name in fields and not _allowed(name, end):
                expected = "values that lightgbm allows"
                problems.append(Problem(f"{spec.name}: tuning.search.{name}", expected, f"{end:g}"))
        value = float(getattr(spec.lightgbm, name, given.low))
        if not given.low <= value <= given.high or given.low >= given.high:
            expected = f"a range that holds the given {value:g}"
            problems.append(
                Problem(f"{spec.name}: tuning.search.{name}", expected, f"{given.low:g} to {given.high:g}")
            )
    if problems:
        raise UsageError(f"{spec.name} cannot be tuned", problems)


def _allowed(name: str, value: float) -> bool:
    try:
        Trees.model_validate({name: int(value) if Trees.model_fields[name].annotation is int else value})
    except ValidationError:
        return False
    return True


def _drawn(trial: Any, name: str, given: Range) -> float | int:
    if Trees.model_fields[name].annotation is int:
        whole: int = trial.suggest_int(name, int(given.low), int(given.high), log=given.log)
        return whole
    found: float = trial.suggest_float(name, given.low, given.high, log=given.log)
    return found


def _with(spec: ModelSpec, params: dict[str, float | int]) -> ModelSpec:
    trees = Trees.model_validate(spec.lightgbm.model_dump() | params)
    return spec.model_copy(update={"lightgbm": trees})


def _losses(spec: ModelSpec, taught: Taught) -> Floats:
    """The log loss of each fold's rows by a model of the other folds, under one line for all of them."""
    raw = out_of_fold(spec, taught)
    rows, judged = taught.rows, taught.frame.judged
    line = logistic_fit(rows.label[judged], raw[judged], rows.weight[judged])
    slope, start = line if line is not None and line[0] > 0 else (0.0, 0.0)
    pd = 1 / (1 + np.exp(-np.clip(slope * raw + start, -700, 700)))
    fold = folds(spec, taught.frame.group)
    found = []
    for number in range(spec.validation.folds):
        held = judged & (fold == number)
        if held.any():
            found.append(log_loss(rows.label[held], pd[held], rows.weight[held]))
    return np.array(found)
