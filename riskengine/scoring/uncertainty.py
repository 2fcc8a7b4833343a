"""Between which values does a PD lie, and is it sure enough for a machine to act on?

`calibration.json` may hold `interval`: log-odds of PDs (`scores`), and by how much in log-odds the true rate may lie below (`low`,
never above 0) and above (`high`, never below 0) there; between two scores linearly, outside them flat. The interval so always holds
the PD, moves with a segment's shift, and works with every method. A segment's own doubt (deviation of its shift) is added in
squares, and so is `drift`: by how much the level of a year to come may differ from the years that were learned from. Drift
hits everybody alike and no person could know better, so it widens what is told but sends nobody to a person.
Plain Python: batch scoring calls the same lines.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from riskengine.scoring.calibration import bounded, log_odds, sigmoid

Unsure = Literal["", "wide", "thin"]


def reach(table: Mapping[str, Any], pooled: float, deviation: float = 0.0) -> tuple[float, float]:
    """How far in log-odds the rate may lie below and above (both >= 0) the PD `pooled`, which has no segment's shift.

    `deviation` is the doubt about the segment's shift. Drift is not in it.
    """
    scores, at = table["scores"], log_odds(pooled)
    place = bisect_right(scores, at) - 1
    if place < 0 or place == len(scores) - 1:
        place = max(place, 0)
        return _sides(table, deviation, table["low"][place], table["high"][place])
    part = (at - scores[place]) / (scores[place + 1] - scores[place])
    low, high = (
        side[place] + (side[place + 1] - side[place]) * part for side in (table["low"], table["high"])
    )
    return _sides(table, deviation, low, high)


def spanned(table: Mapping[str, Any], reached: tuple[float, float], pd: float) -> tuple[float, float]:
    """Low and high of a PD (with its segment's shift): as far as its `reach` and the level's drift go; they hold the PD."""
    drift, odds = float(table["drift"]), log_odds(pd)
    low, high = (math.sqrt(side * side + drift * drift) for side in reached)
    return min(bounded(sigmoid(odds - low)), pd), max(bounded(sigmoid(odds + high)), pd)


def missing_share(row: Sequence[float | None]) -> float:
    """The share of a row's values that are missing (None or NaN)."""
    return sum(value is None or value != value for value in row) / len(row) if row else 0.0  # noqa: PLR0124


def times_wide(reached: tuple[float, float]) -> float:
    """The odds at the upper limit divided by those at the lower, drift aside (for small PDs: the ratio of the PDs)."""
    return math.exp(reached[0] + reached[1])


def why_unsure(table: Mapping[str, Any], reached: tuple[float, float], missing: float) -> Unsure:
    """Why a person should decide: too little is known ("thin"), or the interval is too wide ("wide"); else ""."""
    if missing > table["most_missing"]:
        return "thin"
    return "wide" if times_wide(reached) > table["widest"] else ""


def wide_below(table: Mapping[str, Any], pooled: float, deviation: float = 0.0) -> bool:
    """Whether some PD up to `pooled` (before the segment's shift) may be "wide".

    Between two scores the reach is widest at one of them, so the scores up to the next above are looked at.
    """
    last = bisect_right(table["scores"], log_odds(pooled))
    sides = zip(table["low"][: last + 1], table["high"][: last + 1], strict=True)
    return any(times_wide(_sides(table, deviation, low, high)) > table["widest"] for low, high in sides)


def _sides(table: Mapping[str, Any], deviation: float, low: float, high: float) -> tuple[float, float]:
    own = float(table["z"]) * deviation
    return math.sqrt(low * low + own * own), math.sqrt(high * high + own * own)
