"""What are the reasons of many rows at once? Those of `reasons.reasons`, to the bit, one native pass a feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import contribution_rows, raw_scores
from riskengine.scoring.reasons import Reason, agrees, in_order, peer_medians
from riskengine.scoring.scorecard import Rating, pd_of, rating

Row = Sequence[float | None]
_NOBODY: tuple[str | None, ...] = ()


def rated_rows(
    bundle: Bundle,
    rows: Sequence[Row],
    groups: Sequence[str | None] = _NOBODY,
    segments: Sequence[str | None] = _NOBODY,
) -> list[tuple[Rating, list[Reason]]]:
    """Rating and ranked reasons of rows (values in the bundle's order) against their peer groups (none given: all rows)."""
    if not rows:
        return []
    groups, segments = groups or [None] * len(rows), segments or [None] * len(rows)
    matrix = np.array(rows, dtype=np.float64).reshape(len(rows), len(bundle.features))
    raws = raw_scores(bundle, matrix).tolist()
    rated = [
        rating(bundle, raw, row, segment) for raw, row, segment in zip(raws, rows, segments, strict=True)
    ]
    parts = contribution_rows(bundle, matrix)
    known = ~np.isnan(matrix)
    medians = {group: peer_medians(bundle, group) for group in set(groups)}
    found: list[list[Reason]] = [[] for _ in rows]
    for column, name in enumerate(bundle.features):
        targets = [medians[group].get(name) for group in groups]
        asked = [
            n
            for n, target in enumerate(targets)
            if target is not None and parts[n, column] != 0 and known[n, column]
        ]
        if not asked:
            continue
        moved = matrix[asked]
        moved[:, column] = [targets[n] for n in asked]
        for n, raw, row in zip(asked, raw_scores(bundle, moved).tolist(), moved.tolist(), strict=True):
            effect = pd_of(bundle, raw, row, segments[n]) - rated[n].pd
            part, target = float(parts[n, column]), targets[n]
            if target is not None and agrees(part, effect, raw - raws[n]):
                found[n].append(Reason(name, part, float(matrix[n, column]), target, part > 0, effect))
    for each in found:
        each.sort(key=in_order)
    return list(zip(rated, found, strict=True))
