"""Does a feature know what it cannot know? Each is judged alone before any model that uses it is believed.

Seven questions, each of which refuses and names the feature (and the source column, where the store can tell it):

1. *Alone*: does one feature separate better than any honest one can, by its values, by being missing, or by a pattern of
   its digits (a multiple of 12, a round amount)?
2. *More than all others*: does it tell more than a model of all the other features? With hindsight, one
   that wanes is excused: near to the outcome an honest signal (an overdue) may be the best there is, far away it is not.
3. *Always right*: does one of its values hold failed rows and (almost) nobody else, or is it a rate that has its own row in it?
4. *Taught and tested*: does a model of shuffled labels know any (the canary)? Then the procedure scores rows that taught it.
   Do rows of equal features in other folds have the same outcomes, beyond what the features explain (`copies`)?
5. *A month later*: is it much better one month later about failures that are still far away?
6. *The day*: do its values tell the failed rows' day of failure?
7. *After the outcome*: is a source column rewritten, or delivered, after the outcome, for the failed more than for others?

5 to 7 need evidence from the store (`hindsight`); without it they are not asked and the result says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from riskengine.errors import Problem, QualityGateError
from riskengine.learning import fitting, foreknowledge
from riskengine.learning.copies import copies
from riskengine.learning.fitting import Rows
from riskengine.learning.foreknowledge import FieldChange, Hindsight, Match
from riskengine.learning.metrics import Floats, Numbers, auc
from riskengine.learning.patterns import held_out_rate, patterns

_SUSPECT, _MOST_SUSPECTS = 0.75, 3
_THIN = 20_000
_WANES = 0.03  # by so much less AUC, a signal that is near to the outcome tells of failures far away
_FEWEST = 30  # failed rows without which a question is not asked
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
_CANARIES = 3
_ECHO = 1e-6
_ECHO_NEXT = "Count earlier outcomes of others only"
_GAIN, _GAIN_Z = 0.05, 4.0
_DAY_SHARE, _DAY_Z, _DAY_ORDER = 0.15, 4.0, 0.95
_FIELD_GAP, _FIELD_Z, _FIELD_LEAST = 0.02, 4.0, 10
_REMOVE = "Remove it, or say under gates.explained why it is known in time"


@dataclass(frozen=True)
class Audit:
    """What was found, for the card: each feature's AUC alone, suspects beside all the others, canaries with their limit,
    and what hindsight showed (empty where no evidence was given)."""

    alone: dict[str, float]
    without: dict[str, float]
    canary: float
    canary_limit: float
    explained: dict[str, str] = field(default_factory=dict)
    pure: dict[str, float] = field(default_factory=dict)
    far: dict[str, tuple[float, float]] = field(default_factory=dict)
    later: dict[str, float] = field(default_factory=dict)
    day: dict[str, float] = field(default_factory=dict)
    fields: tuple[dict[str, Any], ...] = ()
    hindsight_rows: int = 0
    copies: float = 0.0  # share of rows whose features stand in another fold too
    copies_agreement: float = 0.0  # of their outcomes, beyond what the features explain


@dataclass(frozen=True)
class Limits:
    """When the audit refuses: a feature's AUC alone; which features are explained (name -> why)."""

    single_auc: float
    explained: dict[str, str] = field(default_factory=dict)


Scorer = Callable[[Rows], Callable[[Floats], Floats]]


def audit(
    rows: Rows, names: Sequence[str], fold: Numbers, limits: Limits, hindsight: Hindsight | None = None
) -> Audit:
    """Judge every feature and the procedure itself, or raise a `QualityGateError` naming fields and numbers.

    `limits.explained` exempts a feature whose strength somebody has explained, never one whose field the store shows
    to be rewritten or delivered after the outcome, nor one that tells the day. Unweighted.
    """
    found = fitting.side_by_side(
        [partial(_alone, rows.matrix[:, column], rows.label, fold) for column in range(len(names))]
    )
    alone = {name: one[0] for name, one in zip(names, found, strict=True)}
    pure = {name: round(one[1], 6) for name, one in zip(names, found, strict=True) if one[1] > 0}
    free = [name for name in names if name not in limits.explained]
    problems = [
        Problem(
            name,
            f"an AUC alone of at most {limits.single_auc:.3f}",
            f"{alone[name]:.3f}",
            "It is probably written or changed after the outcome. " + _REMOVE,
        )
        for name in sorted(free, key=lambda n: (-alone[n], n))
        if alone[name] > limits.single_auc
    ]
    problems += [
        Problem(
            name, "no value of which (nearly) every row fails", f"{pure[name]:.1%} of a value's rows", _REMOVE
        )
        for name in free
        if name in pure
    ]
    problems += [
        Problem(
            name, "a rate without the row's own outcome", f"one that follows it (p {chance:.0e})", _ECHO_NEXT
        )
        for name, chance in (
            (n, foreknowledge.echo(rows.matrix[:, c], rows.label)) for c, n in enumerate(names)
        )
        if chance < _ECHO
    ]
    without = _beside_others(
        rows, names, fold, [n for n in free if n not in {p.where for p in problems}], alone
    )
    far: dict[str, tuple[float, float]] = {}
    for name, others in without.items():
        if alone[name] <= others:
            continue
        if hindsight is not None:
            far[name] = _far_away(hindsight, name)
            if far[name][0] <= max(far[name][1], _SUSPECT) and far[name][0] < alone[name] - _WANES:
                continue
        problems.append(
            Problem(
                name,
                f"to tell less alone than all other features together (AUC {others:.3f})",
                f"{alone[name]:.3f}",
                _REMOVE,
            )
        )
    canary, limit = _canaries(rows, fold)
    if abs(canary - 0.5) > limit:
        problems.append(
            Problem(
                "label-shuffle canary",
                f"an AUC within 0.5 +- {limit:.3f}",
                f"{canary:.3f}",
                "The procedure scores rows that taught it",
            )
        )
    twice = copies(rows, fold, quick_model)
    if twice.refused:
        problems.append(
            Problem(
                "copies of rows in other folds",
                "outcomes that agree only as far as the features explain",
                f"a correlation of {twice.agreement:.2f} beyond it (z {twice.z:.1f}), {twice.share:.1%} of rows",
                "Borrowers are in the data twice: give the copies one identity",
            )
        )
    seen: dict[str, Any] = {}
    if hindsight is not None:
        more, seen = _with_hindsight(hindsight, limits)
        problems = [_placed(problem, hindsight) for problem in problems + more]
    if problems:
        first = {problem.where: problem for problem in reversed(problems)}  # one line a field: its first
        raise QualityGateError("Leakage: the model would know the outcome", list(first.values())[::-1])
    told = {"copies": twice.share, "copies_agreement": twice.agreement, **seen}
    return Audit(alone, without, canary, limit, dict(limits.explained), pure, far, **told)


def _placed(problem: Problem, seen: Hindsight) -> Problem:
    """The problem of a feature with the source columns that the feature is made from."""
    read = ", ".join(seen.reads.get(problem.where, ()))
    return replace(problem, next=f"It reads {read}. {problem.next}") if read else problem


def alone_auc(values: Floats, label: Numbers, fold: Numbers) -> float:
    """The best out-of-fold AUC that a feature reaches alone over its patterns: its values, gaps, remainders, roundness.

    Each pattern's bins are scored with the default rate of the other folds, shrunk towards the whole, so that
    patterns that do not rise or fall (a multiple of 12) are seen too.
    """
    return _alone(values, label, fold)[0]


def shuffled_label_auc(rows: Rows, fold: Numbers, model: Scorer, seed: int = 11) -> tuple[float, float]:
    """The AUC on one fold of a model of shuffled labels, and how far from 0.5 chance may bring it (99.9 %).

    It sees a procedure that scores rows which taught it. It cannot see copies of rows, whose labels are shuffled apart: `copies` does.
    """
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


def _alone(values: Floats, label: Numbers, fold: Numbers) -> tuple[float, float]:
    """The best AUC over the patterns, and the share of failed rows in a value that is too pure to be honest (0: none)."""
    best, pure = 0.5, 0.0
    for code in patterns(values):
        best = max(best, foreknowledge.separates(label, held_out_rate(code, label, fold)))
        pure = max(pure, foreknowledge.pure_share(code, label))
    return best, pure


def _beside_others(
    rows: Rows, names: Sequence[str], fold: Numbers, free: Sequence[str], alone: dict[str, float]
) -> dict[str, float]:
    """The AUC of a model of all other features, for the strongest suspects."""
    ranked = sorted((name for name in free if alone[name] >= _SUSPECT), key=lambda n: (-alone[n], n))
    without = {}
    rows, fold = _thinned(rows, fold)
    for name in ranked[:_MOST_SUSPECTS] if len(names) > 2 else ():
        others = rows.columns([column for column, other in enumerate(names) if other != name])
        without[name] = auc(rows.label, fitting.out_of_fold(quick_model, others, fold)) or 0.5
    return without


def _thinned(rows: Rows, fold: Numbers) -> tuple[Rows, Numbers]:
    """At most `_THIN` rows, survivors thinned first: enough for a comparison, and quick on a long panel."""
    if len(rows.label) <= _THIN:
        return rows, fold
    order = np.random.default_rng(7).permutation(len(rows.label))
    bad = order[rows.label[order] == 1][: _THIN // 2]
    good = order[rows.label[order] == 0][: _THIN - len(bad)]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[np.concatenate([bad, good])] = True
    return rows.where(chosen), fold[chosen]


def _canaries(rows: Rows, fold: Numbers) -> tuple[float, float]:
    """The mean AUC of several models of shuffled labels, and how far from 0.5 chance may bring it (99.9 %)."""
    heard = fitting.side_by_side(
        [partial(shuffled_label_auc, rows, fold, quick_model, seed) for seed in range(11, 11 + _CANARIES)]
    )
    areas, limits = zip(*heard, strict=True)
    return float(np.mean(areas)), float(np.sqrt(np.sum(np.square(limits))) / len(limits))


def _far_away(seen: Hindsight, name: str) -> tuple[float, float]:
    """AUCs, on survivors and failures more than half the horizon away, of a feature alone and of all others."""
    chosen = (seen.label == 0) | (seen.lead > seen.horizon / 2)
    label, fold = seen.label[chosen], fitting.buckets(list(seen.group[chosen]), 5, 3)
    if label.sum() < _FEWEST:
        return 0.5, 0.5
    place = list(seen.names).index(name)
    matrix = seen.now[chosen]
    rows = Rows(np.delete(matrix, place, axis=1), label, np.ones(len(label)), seen.group[chosen])
    others = auc(label, fitting.out_of_fold(quick_model, rows, fold)) or 0.5
    return round(alone_auc(matrix[:, place], label, fold), 6), round(others, 6)


def _with_hindsight(seen: Hindsight, limits: Limits) -> tuple[list[Problem], dict[str, Any]]:
    """What the evidence from the store refuses, and what it says of each feature."""
    problems: list[Problem] = []
    later, day = {}, {}
    chosen = (seen.label == 0) | (seen.lead > 31 + seen.horizon / 2)
    label, fold = seen.label[chosen], fitting.buckets(list(seen.group[chosen]), 5, 3)
    failed = seen.label == 1
    asked = label.sum() >= _FEWEST
    for column, name in enumerate(seen.names):
        if asked:
            gain, error = _gain(seen.now[chosen, column], seen.later[chosen, column], label, fold)
            later[name] = round(gain, 6)
            if gain > _GAIN and gain > _GAIN_Z * error and name not in limits.explained:
                problems.append(
                    Problem(
                        name,
                        f"at most {_GAIN:.2f} more AUC one month later about failures still far away",
                        f"{gain:+.3f}",
                        "It comes to know the outcome before its time. " + _REMOVE,
                    )
                )
        match, order = _day(seen.now[failed, column], seen.lead[failed], seen.age[failed])
        if match.share:
            day[name] = round(match.share, 6)
        if (match.share - match.chance > _DAY_SHARE and match.z > _DAY_Z) or order > _DAY_ORDER:
            got = f"{match.share:.0%} of failed rows agree with their day ({match.chance:.0%} by chance), order {order:.2f}"
            problems.append(
                Problem(
                    name,
                    "no value that tells the day of failure",
                    got,
                    "It is written after the outcome. Remove it",
                )
            )
    for change in seen.fields:
        if change.gap > _FIELD_GAP and change.z > _FIELD_Z and change.bad[0] >= _FIELD_LEAST:
            problems += _field_problems(change)
    told = {"later": later, "day": day, "fields": tuple(vars(one) for one in seen.fields)}
    return problems, told | {"hindsight_rows": len(seen.label)}


def _field_problems(change: FieldChange) -> list[Problem]:
    """One line for each feature that reads the field."""
    share = [one[0] / max(one[1], 1) for one in (change.bad, change.good)]
    return [
        Problem(
            f"{name} ({change.source}.{change.column})",
            f"a field not {change.kind.replace('arrived late', 'delivered')} after the outcome",
            f"{change.kind} for {share[0]:.1%} of the failed and {share[1]:.1%} of the others (z {change.z:.1f})",
            f"Remove it, or ignore the column in configs/sources/{change.source}.toml with the reason",
        )
        for name in change.features
    ]


def _gain(now: Floats, later: Floats, label: Numbers, fold: Numbers) -> tuple[float, float]:
    """The best gain over the patterns of a feature, and its standard error."""
    both = np.concatenate([now, later])
    best = (0.0, math.inf)
    for code in patterns(both):
        scores = [held_out_rate(part, label, fold) for part in (code[: len(now)], code[len(now) :])]
        found = foreknowledge.gain_in_a_month(label, *scores)
        best = max(best, found, key=lambda pair: pair[0])
    return best


def _day(value: Floats, lead: Floats, age: Floats) -> tuple[Match, float]:
    return foreknowledge.knows_the_day(value, lead, age), foreknowledge.tells_the_order(value, lead)
