"""Which probability does a raw score mean: by which method, with which shift for its segment?

Content of `calibration.json`: `method` and its numbers, and where segments have a shift of their own
`segments = {"column", "shifts", "deviations", "spread"}`. Plain Python on doubles: batch scoring calls the same lines, so the
bits are the same. In every method a higher raw score never has a lower PD.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from riskengine.errors import Problem, UsageError, nearest

PD_FLOOR = 1e-6


def calibrated(calibration: Mapping[str, Any], raw: float) -> float:
    """The PD of a raw score by the calibration's method, kept within [1e-6, 1 - 1e-6]; no segment.

    >>> calibrated({"method": "logistic", "a": 1.0, "b": 0.0}, 0.0)
    0.5
    >>> calibrated({"method": "isotonic", "scores": [-1.0, 1.0], "pds": [0.1, 0.3]}, 0.0)
    0.2
    """
    way = METHODS.get(calibration["method"])
    if way is None:
        raise UsageError(
            "Unknown calibration",
            [
                Problem(
                    "calibration.json: method",
                    ", ".join(METHODS),
                    repr(calibration["method"]),
                    nearest(str(calibration["method"]), METHODS),
                )
            ],
        )
    return bounded(way(calibration, raw))


def bounded(pd: float) -> float:
    """A PD within [1e-6, 1 - 1e-6]."""
    return min(max(pd, PD_FLOOR), 1.0 - PD_FLOOR)


def sigmoid(odds: float) -> float:
    """The probability of log-odds."""
    if odds >= 0:
        return 1.0 / (1.0 + math.exp(-min(odds, 700.0)))
    growth = math.exp(max(odds, -700.0))
    return growth / (1.0 + growth)


def log_odds(pd: float) -> float:
    """The log-odds of a probability within (0, 1)."""
    return math.log(pd) - math.log1p(-pd)


def shifted(pd: float, shift: float) -> float:
    """The PD moved by `shift` in log-odds; without a shift the PD to the bit."""
    return bounded(sigmoid(log_odds(pd) + shift)) if shift else pd


def shift_of(calibration: Mapping[str, Any], segment: str | None) -> float:
    """The segment's shift in log-odds; 0 where there is none, it is unknown, or segments have no shifts."""
    segments = calibration.get("segments")
    if not segments or segment is None:
        return 0.0
    return float(segments["shifts"].get(segment, 0.0))


def deviation_of(calibration: Mapping[str, Any], segment: str | None) -> float:
    """How unsure the segment's shift is (standard deviation, log-odds): of an unknown segment, as segments differ."""
    segments = calibration.get("segments")
    if not segments:
        return 0.0
    return float(segments["deviations"].get(segment, segments["spread"]))


def segment_of(calibration: Mapping[str, Any], keys: Mapping[str, Any]) -> str | None:
    """A subject's segment by its key columns; None where the calibration has no segments or the key is unknown."""
    segments = calibration.get("segments")
    return segment_text(keys.get(segments["column"])) if segments else None


def segment_text(value: Any) -> str | None:
    """A key's value as segments are named: text; whole numbers as such, whatever the column's type; nothing is None.

    >>> segment_text(12.0), segment_text("12"), segment_text(float("nan")), segment_text(None)
    ('12', '12', None, None)
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN, NaT
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _sigmoid_of_raw(how: Mapping[str, Any], raw: float) -> float:
    return sigmoid(raw)


def _line(how: Mapping[str, Any], raw: float) -> float:
    return sigmoid(how["a"] * raw + how["b"])


def _level(how: Mapping[str, Any], raw: float) -> float:
    return sigmoid(raw + how["b"])


def _beta(how: Mapping[str, Any], raw: float) -> float:
    """`a ln p - b ln(1 - p) + c` with p the sigmoid of raw; both logarithms from raw, so that neither is lost to rounding."""
    tail = math.log1p(math.exp(-abs(raw)))
    return sigmoid(how["a"] * (min(raw, 0.0) - tail) + how["b"] * (max(raw, 0.0) + tail) + how["c"])


def _isotonic(how: Mapping[str, Any], raw: float) -> float:
    """Linear between the points, flat outside them."""
    scores, pds = how["scores"], how["pds"]
    place = bisect_right(scores, raw)
    if place == 0 or place == len(scores):
        return float(pds[0] if place == 0 else pds[-1])
    low, high = pds[place - 1], pds[place]
    part = (raw - scores[place - 1]) / (scores[place] - scores[place - 1])
    return float(min(low + (high - low) * part, high))


METHODS: Mapping[str, Callable[[Mapping[str, Any], float], float]] = {
    "none": _sigmoid_of_raw,
    "intercept": _level,
    "logistic": _line,
    "beta": _beta,
    "isotonic": _isotonic,
}
