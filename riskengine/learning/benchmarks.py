"""What would simpler means have told on the same rows: a logistic scorecard, a rule anyone could use?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Floats, Numbers, logistic_fit
from riskengine.learning.spec import ModelSpec

_BINS, _PRIOR = 10, 0.5


@dataclass(frozen=True)
class Bins:
    """One feature of the scorecard: inner edges, and the weight of evidence of each bin (the last: missing)."""

    edges: Floats
    evidence: Floats

    def of(self, values: Floats) -> Floats:
        """The weight of evidence of each value."""
        missing = np.isnan(values)
        place = np.searchsorted(self.edges, np.where(missing, 0.0, values), side="left")
        place[missing] = len(self.evidence) - 1
        return self.evidence[place]


def scorecard(rows: Rows, names: Sequence[str], chosen: Sequence[str]) -> Callable[[Floats], Floats]:
    """The log-odds of a classical scorecard: decile bins, weight of evidence, weighted logistic regression (L2)."""
    columns = [names.index(name) for name in chosen] if chosen else list(range(len(names)))
    bins = [_bins(rows.matrix[:, column], rows.label, rows.weight) for column in columns]
    model = LogisticRegression(C=1.0, max_iter=300)
    weight = rows.weight / rows.weight.mean()
    model.fit(_evidence(bins, columns, rows.matrix), rows.label, sample_weight=weight)
    slopes, start = np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])
    return lambda matrix: np.asarray(_evidence(bins, columns, matrix) @ slopes + start, dtype=np.float64)


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

    line = logistic_fit(rows.label, ranked(rows.matrix), rows.weight) or (1.0, 0.0)
    return lambda matrix: np.asarray(line[0] * ranked(matrix) + line[1], dtype=np.float64)


def _bins(values: Floats, label: Numbers, weight: Floats) -> Bins:
    seen = values[~np.isnan(values)]
    inner = np.quantile(seen, np.arange(1, _BINS) / _BINS, method="lower") if len(seen) else np.zeros(0)
    edges = np.unique(inner)
    place = np.searchsorted(edges, np.where(np.isnan(values), 0.0, values), side="left")
    place[np.isnan(values)] = len(edges) + 1
    size = len(edges) + 2
    scale = len(weight) / weight.sum()
    bad = np.bincount(place, weight * label * scale, minlength=size) + _PRIOR
    good = np.bincount(place, weight * (1 - label) * scale, minlength=size) + _PRIOR
    return Bins(edges, np.asarray(np.log(bad / bad.sum()) - np.log(good / good.sum()), dtype=np.float64))


def _evidence(bins: Sequence[Bins], columns: Sequence[int], matrix: Floats) -> Floats:
    return np.column_stack([bin_.of(matrix[:, column]) for bin_, column in zip(bins, columns, strict=True)])
