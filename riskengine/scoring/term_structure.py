"""When will it come? Month by month from one raw score: hazards, cumulative PDs, and the share that leaves before.

Discrete-time hazards with the complementary log-log link (Prentice and Gloeckler, Biometrics 34, 1978): the hazard of the
k-th month ahead is `1 - exp(-exp(baseline[band][k] + slope[k] * raw))`, where the band is that of the months on book.
Who leaves (release, early release) can no longer default: cumulative incidences of two competing causes (Kalbfleisch and
Prentice, 2nd ed. 2002, ch. 8), which with the survivors sum to one. Plain Python: one row costs microseconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

DAYS_A_MONTH = 30.436875
STEEPEST = 3.0  # exp(exp(3)) is as good as certain: keeps exp() finite


def cumulative(
    term: Mapping[str, Any], raw: float, row: Sequence[float | None], months: int | None = None
) -> list[float]:
    """The probability of default within 1, 2, … months (to `lifetime`, or `months`); it never falls, nor exceeds one.

    `term` is the content of `calibration.json`; `row` holds the feature values, among them at the places `term["age"]`
    and `term["remaining"]` months on book and days to maturity (None: not known; then the middle band, and no exit).
    """
    return incidences(term, raw, row, months)[0]


def incidences(
    term: Mapping[str, Any], raw: float, row: Sequence[float | None], months: int | None = None
) -> tuple[list[float], list[float]]:
    """Cumulative incidence of default and of exit by month; their sum is at most one."""
    baseline = term["baseline"][_band(term, row)][:months]
    slopes = term["slope"][:months]
    exits = _exits(term, row)
    alive, default, gone = 1.0, 0.0, 0.0
    defaults, leaves = [], []
    for month, (start, slope) in enumerate(zip(baseline, slopes, strict=True)):
        hazard = -math.expm1(-math.exp(min(start + slope * raw, STEEPEST)))
        leaving = exits[month] if exits else 0.0
        default = max(
            default, min(default + alive * hazard, 1.0 - gone)
        )  # rounding may not make more than one
        gone = max(gone, min(gone + alive * (1.0 - hazard) * leaving, 1.0 - default))
        alive *= (1.0 - hazard) * (1.0 - leaving)
        defaults.append(default)
        leaves.append(gone)
    return defaults, leaves


def _band(term: Mapping[str, Any], row: Sequence[float | None]) -> int:
    age = row[term["age"]]
    bands: Sequence[float] = term["bands"]
    if age is None or math.isnan(age):
        return len(bands) // 2
    return bisect_left(bands, age)


def _exits(term: Mapping[str, Any], row: Sequence[float | None]) -> Sequence[float]:
    """The chance of leaving in each month ahead, by the months that remain to maturity."""
    table: Sequence[Sequence[float]] = term["exits"]
    days = row[term["remaining"]] if table else None
    if days is None or math.isnan(days):
        return ()
    return table[math.floor(min(max(days / DAYS_A_MONTH, 0.0), len(table) - 1.0))]
