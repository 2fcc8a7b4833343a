"""Between which values do figures lie when whole borrowers are drawn again?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from riskengine.learning.metrics import Estimate, Floats, Sample, drawn_intervals
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
    if not len(rows.label):
        return {name: Estimate(value) for name, value in figures(rows, rows.weight).items()}
    draws = rules.replicates if len(rows.label) < _MANY else min(_FEWER, rules.replicates)
    return drawn_intervals(lambda weight: figures(rows, weight), rows, draws, rules.seed)
