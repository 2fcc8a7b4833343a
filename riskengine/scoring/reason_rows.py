"""What are the reasons of many rows at once? Those of `reasons.reasons`, to the bit, for every value moved in one native batch.

A reason asks what the PD were at the peers' median, so a row costs as many scores as it has features that count (about
twenty): reasons in full are for the rows that somebody reads. A row alone in plain Python takes some hundred times longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from riskengine.scoring.bundle import Bundle
from riskengine.scoring.elementary import Floats
from riskengine.scoring.native import contribution_rows, pd_rows, score_rows
from riskengine.scoring.rating_rows import Coded, Ratings, coded
from riskengine.scoring.reasons import Reason, Unknown, in_size, peer_medians
from riskengine.scoring.scorecard import Rating

Row = Sequence[float | None]
Numbers = npt.NDArray[np.int64]
BLOCK = 2_048  # rows whose moved copies are held at once
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
    matrix = np.array(rows, dtype=np.float64).reshape(len(rows), len(bundle.features))
    rated = score_rows(bundle, matrix, segments or None)
    return list(
        zip(_one_by_one(bundle, rated), reasons_of(bundle, matrix, rated, groups, segments), strict=True)
    )


def unknown_rows(bundle: Bundle, rows: Sequence[Row]) -> list[list[Unknown]]:
    """What `reasons.unknowns` tells of each row, to the bit."""
    matrix = np.array(rows, dtype=np.float64).reshape(len(rows), len(bundle.features))
    found: list[list[Unknown]] = [[] for _ in rows]
    for start in range(0, len(matrix), BLOCK):
        block = matrix[start : start + BLOCK]
        parts = contribution_rows(bundle, block)
        for row, column in np.argwhere((parts != 0) & np.isnan(block)).tolist():
            found[start + row].append(Unknown(bundle.features[column], float(parts[row, column])))
    return [sorted(each, key=in_size) for each in found]


def reasons_of(
    bundle: Bundle,
    matrix: Floats,
    rated: Ratings,
    groups: Sequence[str | None] = _NOBODY,
    segments: Sequence[str | None] = _NOBODY,
) -> list[list[Reason]]:
    """The ranked reasons of rows (n x features, the bundle's order; NaN is missing) that `score_rows` has rated."""
    named, peers = coded(segments or None, len(matrix)), coded(groups or None, len(matrix))
    medians = [peer_medians(bundle, group) for group in (*peers.names, None)]
    table = np.array([[each.get(name) for name in bundle.features] for each in medians], dtype=np.float64)
    targets = table[peers.codes]  # NaN where there is no median; the last line is that of no group
    found: list[list[Reason]] = []
    for start in range(0, len(matrix), BLOCK):
        rows = slice(start, start + BLOCK)
        block = matrix[rows], targets[rows]
        found += _of_block(bundle, block, (rated.raw[rows], rated.pd[rows]), named[rows])
    return found


def _of_block(
    bundle: Bundle, block: tuple[Floats, Floats], here: tuple[Floats, Floats], named: Coded
) -> list[list[Reason]]:
    matrix, targets = block
    parts = contribution_rows(bundle, matrix)
    row, column = np.nonzero((parts != 0) & ~np.isnan(matrix) & ~np.isnan(targets))
    part, value, target = (each[row, column] for each in (parts, matrix, targets))
    moved = matrix[row]
    moved[np.arange(len(row)), column] = target
    raw, pd = pd_rows(bundle, moved, Coded(named.codes[row], named.names))
    effect, change = pd - here[1][row], raw - here[0][row]
    agrees = (part * effect < 0) | ((effect == 0) & (part * change < 0))  # as `reasons.agrees`
    order = _in_order(bundle, (row, column), part, effect)
    found: list[list[Reason]] = [[] for _ in range(len(matrix))]
    for n in order[agrees[order]].tolist():
        reason = Reason(
            bundle.features[column[n]],
            float(part[n]),
            float(value[n]),
            float(target[n]),
            bool(part[n] > 0),
            float(effect[n]),
        )
        found[row[n]].append(reason)
    return found


def _in_order(bundle: Bundle, at: tuple[Numbers, Numbers], part: Floats, effect: Floats) -> Numbers:
    """Places by row, each row's in the order of `reasons.in_order`."""
    row, column = at
    by_name = np.argsort(np.argsort(np.array(bundle.features)))
    return np.lexsort((by_name[column], -np.abs(part), -np.abs(effect), part <= 0, row))


def _one_by_one(bundle: Bundle, rated: Ratings) -> list[Rating]:
    columns = (rated.raw, rated.pd, rated.score, rated.grade, rated.low, rated.high, rated.unsure)
    made = [Rating(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    if "interval" in bundle.calibration:
        return made
    return [replace(one, low=None, high=None) for one in made]
