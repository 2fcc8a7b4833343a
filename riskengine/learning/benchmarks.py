"""What would simpler means have told on the same rows: a scorecard, a logistic regression, a rule, today's policy?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression

from riskengine.errors import Problem, UsageError
from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Floats, logistic_fit
from riskengine.learning.scorecards import Card, fit_card
from riskengine.learning.spec import ModelSpec
from riskengine.schema import Words

Known = Mapping[str, Floats]  # scores that the project's own rules gave the same rows, by name: `policy`
_EDGE = 0.005  # the logistic regression takes values beyond these quantiles as if they were at them
_FLAT = 1e-6
_TITLES = {
    "scorecard": Words(en="Scorecard", zh="评分卡"),
    "logistic": Words(en="Logistic regression", zh="逻辑回归"),
    "naive": Words(en="Naive rule", zh="简单排序规则"),
    "policy": Words(en="Today's policy", zh="现行准入政策"),
    "signals": Words(en="Today's signals", zh="现行预警信号"),
}


@dataclass(frozen=True)
class Rival:
    """Another means fitted on the model's own rows.

    `odds(matrix, known)` are the log-odds of default of rows (n x features of the spec), of which the project's own rules
    gave the scores `known`; `card` is the scorecard where it is one.
    """

    name: str
    title: Words
    odds: Callable[[Floats, Known], Floats]
    card: Card | None = None


def rivals(spec: ModelSpec, rows: Rows, known: Known | None = None) -> dict[str, Rival]:
    """Every rival of a model, each fitted on `rows` only: `scorecard`, `logistic`, `naive`, the spec's rules, `known`'s.

    `known` holds scores of the same rows (higher: riskier), e.g. `policy`: 2 declined, 1 referred, 0 passed. Scores and
    rules keep their own order; only how much risk they mean is fitted.
    """
    known = known or {}
    _named_apart(spec, known)
    directions = dict(zip(spec.features, spec.constraints, strict=True))
    made: dict[str, Rival] = {}
    if spec.kind != "scorecard":  # which is no rival of its own
        card = fit_card(rows, spec.features, directions, spec.baseline.features)
        made["scorecard"] = Rival(
            "scorecard", _TITLES["scorecard"], lambda matrix, _: card.odds(matrix), card
        )
    plain = logistic(rows)
    made["logistic"] = Rival("logistic", _TITLES["logistic"], lambda matrix, _: plain(matrix))
    if (naive := naive_rule(spec, rows)) is not None:
        made["naive"] = _ignoring("naive", _TITLES["naive"], naive)
    for rule in spec.rules:
        cry = partial(_cries, spec.features.index(rule.feature), rule.above)
        made[rule.name] = _ignoring(rule.name, rule.title, _scaled(rows, cry))
    for name, score in sorted(known.items()):
        if len(score) != len(rows.label):
            wrong = Problem(name, f"{len(rows.label)} scores, one a row", f"{len(score)}")
            raise UsageError("The rules' scores do not fit the rows", [wrong])
        made[name] = _by_rule(name, np.asarray(score, dtype=np.float64), rows)
    return made


def logistic(rows: Rows) -> Callable[[Floats], Floats]:
    """The log-odds of a plain weighted logistic regression on all features (L2, C = 1).

    A missing value is the median and raises a flag of its own; values beyond the training rows' 0.5 % and 99.5 % quantiles
    count as these; all is standardised.
    """
    low, middle, high = _quantiles(rows.matrix)

    def design(matrix: Floats) -> Floats:
        missing = np.isnan(matrix)
        filled = np.clip(np.where(missing, middle, matrix), low, high)
        return np.column_stack([filled, missing.astype(np.float64)])

    first = design(rows.matrix)
    centre, spread = first.mean(axis=0), first.std(axis=0)
    spread[~(spread > 0)] = 1.0
    model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=200)
    model.fit((first - centre) / spread, rows.label, sample_weight=rows.weight / rows.weight.mean())
    slopes, start = np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])
    return lambda matrix: np.asarray((design(matrix) - centre) / spread @ slopes + start, dtype=np.float64)


def naive_rule(spec: ModelSpec, rows: Rows) -> Callable[[Floats], Floats] | None:
    """The log-odds of the spec's naive rule: the mean rank of a few features among these rows; None: no rule declared.

    A missing value has the middle rank.
    """
    directions = spec.naive.directions()
    if not directions:
        return None
    known = []
    for name, sign in directions:
        column = spec.features.index(name)
        values = rows.matrix[:, column]
        known.append((column, sign, np.sort(values[~np.isnan(values)])))

    def ranked(matrix: Floats) -> Floats:
        total = np.zeros(len(matrix))
        for column, sign, values in known:
            asked = matrix[:, column]
            low, high = np.searchsorted(values, asked, "left"), np.searchsorted(values, asked, "right")
            rank = (low + high) / 2 / max(len(values), 1)
            total += sign * np.where(np.isnan(asked), 0.5, rank)
        return total / len(known)

    return _scaled(rows, ranked)


def _named_apart(spec: ModelSpec, known: Known) -> None:
    taken = {"model", "scorecard", "logistic", "naive"}
    problems = []
    for name in [*(rule.name for rule in spec.rules), *sorted(known)]:
        if name in taken:
            problems.append(Problem(f"rules: {name}", "a name of its own", "one that another means has"))
        taken.add(name)
    if problems:
        raise UsageError(f"The benchmarks of {spec.name} cannot be told apart", problems)


def _cries(column: int, above: float, matrix: Floats) -> Floats:
    """1 where the feature is above the limit; a missing value cries nothing."""
    return (matrix[:, column] > above).astype(np.float64)


def _scaled(rows: Rows, score: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """The log-odds of a score whose meaning is fitted on these rows."""
    slope, start = _line(score(rows.matrix), rows)
    return lambda matrix: np.asarray(slope * score(matrix) + start, dtype=np.float64)


def _by_rule(name: str, score: Floats, rows: Rows) -> Rival:
    slope, start = _line(score, rows)

    def odds(matrix: Floats, known: Known) -> Floats:
        given = np.asarray(known[name], dtype=np.float64)
        if len(given) != len(matrix):
            wrong = Problem(name, f"{len(matrix)} scores, one a row", f"{len(given)}")
            raise UsageError("The rules' scores do not fit the rows", [wrong])
        return np.asarray(slope * given + start, dtype=np.float64)

    return Rival(name, _TITLES.get(name, Words(en=name, zh=name)), odds)


def _ignoring(name: str, title: Words, odds: Callable[[Floats], Floats]) -> Rival:
    return Rival(name, title, lambda matrix, _: odds(matrix))


def _line(score: Floats, rows: Rows) -> tuple[float, float]:
    """Slope and intercept of the score's log-odds; a score that points the wrong way keeps its order at the base rate."""
    line = logistic_fit(rows.label, score, rows.weight)
    if line is not None and line[0] > 0:
        return line
    rate = float(np.average(rows.label, weights=rows.weight))
    return _FLAT, float(np.log(rate / (1 - rate)))


def _quantiles(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """By feature, the low, middle and high value among those known; zeros where none is."""
    found = np.zeros((3, matrix.shape[1]))
    for column in range(matrix.shape[1]):
        values = matrix[:, column]
        values = values[np.isfinite(values)]
        if len(values):
            found[:, column] = np.quantile(values, [_EDGE, 0.5, 1 - _EDGE])
    return found[0], found[1], found[2]
