"""Between which values do figures lie when whole borrowers are drawn again?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from riskengine.learning.metrics import Estimate, Floats, Sample
from riskengine.validation.lines import Rules

_MANY, _FEWER = 200_000, 60  # rows from which fewer draws do


def intervals(
    figures: Callable[[Sample, Floats], Mapping[str, float | None]], rows: Sample, rules: Rules
) -> dict[str, Estimate]:
    """Each figure with the 2.5 % and 97.5 % quantiles over draws of whole groups (cluster bootstrap, seeded).

    `figures` gets rows sorted by score, and their weights in a draw (0: not drawn). A figure that fewer than half of the
    draws have has no interval.
    """
    order = np.argsort(rows.score, kind="stable")
    rows = Sample(rows.label[order], rows.score[order], rows.pd[order], rows.weight[order], rows.group[order])
    whole = figures(rows, rows.weight)
    if not len(rows.label):
        return {name: Estimate(value) for name, value in whole.items()}
    rng = np.random.default_rng(rules.seed)
    groups = int(rows.group.max()) + 1
    draws = rules.replicates if len(rows.label) < _MANY else min(_FEWER, rules.replicates)
    drawn = []
    for _ in range(draws):
        times = np.bincount(rng.integers(0, groups, groups), minlength=groups)
        drawn.append(figures(rows, rows.weight * times[rows.group]))
    made = {}
    for name, value in whole.items():
        seen = np.array([draw[name] for draw in drawn if draw[name] is not None], dtype=np.float64)
        if value is None or len(seen) < draws / 2:
            made[name] = Estimate(value)
        else:
            low, high = np.quantile(seen, [0.025, 0.975])
            made[name] = Estimate(value, float(low), float(high))
    return made
