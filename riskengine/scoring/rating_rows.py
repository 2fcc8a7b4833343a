"""Which PD, lifetime PD, points, grade and interval do many raw scores mean? Those of `scorecard`, to the bit, column by column.

The plain lines of `calibration`, `term_structure`, `uncertainty` and `scorecard` decide what is right (one review needs no numpy);
each function here is named after its plain one and does the same operations in the same order on arrays, with the same
exponentials and logarithms (`elementary`). Of 667,100 rows of a hazard one by one, the 36 months of `term_of` took 60 % of the
time, `rating` 30 %, LightGBM's trees under 3 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.scoring import calibration as plain
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import deviation_of, shift_of
from riskengine.scoring.elementary import Floats, exp, expm1, log, log1p
from riskengine.scoring.scorecard import Grades, master_scale
from riskengine.scoring.term_structure import DAYS_A_MONTH, STEEPEST

Numbers = npt.NDArray[np.int64]
WHY: tuple[str, ...] = ("", "wide", "thin")


@dataclass(frozen=True, slots=True)
class Ratings:
    """Arrays of one length, in the order of the rows: raw log-odds, PD, points, grades' names and numbers (1 is the best); low
    and high of the PD's interval (NaN in a bundle without), why a person should decide ("": no reason), and the PD over all
    the months that a hazard knows (NaN in a bundle that is none)."""

    raw: Floats
    pd: Floats
    score: Numbers
    grade: npt.NDArray[np.object_]
    low: Floats
    high: Floats
    unsure: npt.NDArray[np.object_]
    grade_no: Numbers
    lifetime: Floats


@dataclass(frozen=True, slots=True)
class Coded:
    """Each row's segment by its number in `names` (-1: none)."""

    codes: Numbers
    names: tuple[str | None, ...]

    def __getitem__(self, rows: slice) -> Coded:
        return Coded(self.codes[rows], self.names)

    def of_each(self, of_segment: Callable[[str | None], float]) -> Floats:
        """A number of each row's segment; the last entry of the table is that of no segment."""
        return np.array([*map(of_segment, self.names), of_segment(None)], dtype=np.float64)[self.codes]


def coded(segments: Coded | Sequence[str | None] | None, size: int) -> Coded:
    """The segments of `size` rows as numbers."""
    if isinstance(segments, Coded):
        return segments
    if segments is None:
        return Coded(np.full(size, -1, dtype=np.int64), ())
    places: dict[str | None, int] = {None: -1}
    codes = [places.setdefault(name, len(places) - 1) for name in segments]
    names = tuple(name for name in places if name is not None)
    return Coded(np.array(codes, dtype=np.int64), names)


def ratings(bundle: Bundle, raw: Floats, matrix: Floats, segments: Coded) -> Ratings:
    """`scorecard.rating` of each raw score and the row that it was scored from, and `term_of`'s lifetime PD."""
    how, scale = bundle.calibration, master_scale(bundle)
    shift = segments.of_each(lambda name: shift_of(how, name))
    lifetime = low = high = np.full(len(raw), np.nan)
    if how["method"] == "hazard":
        defaults = cumulative(how, raw, matrix, len(how["slope"]))
        pooled, lifetime = bounded(defaults[0]), lifetime_pds(defaults, shift)
    else:
        pooled = calibrated(how, raw)
    pd = shifted(pooled, shift)
    scaled = scale_pd(how, pd)
    number = np.searchsorted([grade.pd_up_to for grade in scale.grades], scaled, side="left")
    why = np.zeros(len(raw), dtype=np.int64)
    if "interval" in how:
        reached = reach(how["interval"], pooled, segments.of_each(lambda name: deviation_of(how, name)))
        low, high = spanned(how["interval"], reached, pd)
        why = why_unsure(how["interval"], reached, missing_share(matrix))
    grade = _texts(tuple(grade.name for grade in scale.grades))[number]
    points = score_points(scale, scaled)
    return Ratings(raw, pd, points, grade, low, high, _texts(WHY)[why], number.astype(np.int64) + 1, lifetime)


def joined(parts: Sequence[Ratings]) -> Ratings:
    """Blocks of rows one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Ratings(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Ratings)))


def pds(bundle: Bundle, raw: Floats, matrix: Floats, segments: Coded) -> Floats:
    """`scorecard.pd_of` of each raw score and its row."""
    how = bundle.calibration
    if how["method"] == "hazard":
        pooled = bounded(cumulative(how, raw, matrix, int(how["horizon"]))[0])
    else:
        pooled = calibrated(how, raw)
    return shifted(pooled, segments.of_each(lambda name: shift_of(how, name)))


def cumulative(term: Mapping[str, Any], raw: Floats, matrix: Floats, months: int) -> list[Floats]:
    """`term_structure.cumulative` of each row, after the horizon's last month, the next, ... to the `months`-th."""
    bands = term["bands"]
    age = matrix[:, term["age"]]
    band = np.where(np.isnan(age), len(bands) // 2, np.searchsorted(bands, age, side="left"))
    baseline = np.array(term["baseline"], dtype=np.float64)
    exits, left = _exits(term, matrix)
    alive, default, gone = np.ones(len(raw)), np.zeros(len(raw)), np.zeros(len(raw))
    kept: list[Floats] = []
    for month in range(months):
        steep = np.minimum(baseline[:, month][band] + float(term["slope"][month]) * raw, STEEPEST)
        hazard = -expm1(-exp(steep))
        default = np.maximum(default, np.minimum(default + alive * hazard, 1.0 - gone))
        stays = 1.0 - hazard
        if exits is None:
            alive = alive * stays
        else:
            leaving = exits[:, month][left]
            gone = np.maximum(gone, np.minimum(gone + alive * stays * leaving, 1.0 - default))
            alive = alive * (stays * (1.0 - leaving))
        if month >= int(term["horizon"]) - 1:
            kept.append(default)
    return kept


def lifetime_pds(defaults: Sequence[Floats], shift: Floats) -> Floats:
    """The last of `term_of`'s months for cumulative defaults from the horizon's to the last.

    The curve is shifted month by month and then kept from falling. A shift is monotone but for the last bits, so only a month
    within a billionth of the last can lie above it, and only such months are shifted.
    """
    last = defaults[-1]
    found = shifted(bounded(last), shift)
    for earlier in defaults[:-1]:
        near = np.flatnonzero((earlier < last) & (earlier >= last * (1.0 - 1e-9)) & (shift != 0))
        if near.size:
            found[near] = np.maximum(found[near], shifted(bounded(earlier[near]), shift[near]))
    return found


def calibrated(how: Mapping[str, Any], raw: Floats) -> Floats:
    """`calibration.calibrated` of each."""
    way = _METHODS.get(how["method"])
    if way is None:
        plain.calibrated(how, 0.0)  # says what is wrong with the method
    assert way is not None
    return bounded(way(how, raw))


def bounded(pd: Floats) -> Floats:
    """`calibration.bounded` of each."""
    return np.minimum(np.maximum(pd, plain.PD_FLOOR), 1.0 - plain.PD_FLOOR)


def sigmoid(odds: Floats) -> Floats:
    """`calibration.sigmoid` of each."""
    growth = exp(-np.minimum(np.abs(odds), 700.0))
    return np.where(odds >= 0, 1.0, growth) / (1.0 + growth)


def log_odds(pd: Floats) -> Floats:
    """`calibration.log_odds` of each."""
    return log(pd) - log1p(-pd)


def shifted(pd: Floats, shift: Floats) -> Floats:
    """`calibration.shifted` of each: where there is no shift, the PD to the bit."""
    if not shift.any():
        return pd.copy()
    return np.where(shift != 0, bounded(sigmoid(log_odds(pd) + shift)), pd)


def scale_pd(how: Mapping[str, Any], pd: Floats) -> Floats:
    """`scorecard.scale_pd` of each."""
    exponent = float(how.get("to_scale", 1.0))
    return pd if exponent == 1.0 else bounded(-expm1(exponent * log1p(-pd)))


def score_points(grades: Grades, pd: Floats) -> Numbers:
    """`scorecard.score_points` of each."""
    scale = grades.points
    good = log((1.0 - pd) / pd) - math.log(scale.base_odds)
    points = np.rint(scale.base_score + scale.pdo / math.log(2.0) * good)
    return np.clip(points, scale.lowest, scale.highest).astype(np.int64)


def reach(table: Mapping[str, Any], pooled: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """`uncertainty.reach` of each."""
    scores, at = np.array(table["scores"], dtype=np.float64), log_odds(pooled)
    place = np.searchsorted(scores, at, side="right") - 1
    inside = (place >= 0) & (place < len(scores) - 1)
    here = np.maximum(place, 0)
    next_ = np.minimum(here + 1, len(scores) - 1)
    part = np.where(inside, at - scores[here], 0.0) / np.where(inside, scores[next_] - scores[here], 1.0)
    own = float(table["z"]) * deviation
    sides = (np.array(table[name], dtype=np.float64) for name in ("low", "high"))
    low, high = (side[here] + (side[next_] - side[here]) * part for side in sides)
    return np.sqrt(low * low + own * own), np.sqrt(high * high + own * own)


def spanned(table: Mapping[str, Any], reached: tuple[Floats, Floats], pd: Floats) -> tuple[Floats, Floats]:
    """`uncertainty.spanned` of each."""
    drift, odds = float(table["drift"]), log_odds(pd)
    low, high = (np.sqrt(side * side + drift * drift) for side in reached)
    return np.minimum(bounded(sigmoid(odds - low)), pd), np.maximum(bounded(sigmoid(odds + high)), pd)


def missing_share(matrix: Floats) -> Floats:
    """`uncertainty.missing_share` of each row."""
    if not matrix.shape[1]:
        return np.zeros(len(matrix))
    share: Floats = np.count_nonzero(np.isnan(matrix), axis=1) / matrix.shape[1]
    return share


def why_unsure(table: Mapping[str, Any], reached: tuple[Floats, Floats], missing: Floats) -> Numbers:
    """`uncertainty.why_unsure` of each, as its place in `WHY`."""
    wide = exp(np.minimum(reached[0] + reached[1], 700.0)) > table["widest"]
    return np.where(missing > table["most_missing"], WHY.index("thin"), np.where(wide, WHY.index("wide"), 0))


def _exits(term: Mapping[str, Any], matrix: Floats) -> tuple[Floats | None, Numbers]:
    """The table of the chances of leaving, with a last line for who is not known to leave, and each row's line."""
    if not term["exits"]:
        return None, np.zeros(0, dtype=np.int64)
    table = np.array(term["exits"], dtype=np.float64)
    days = matrix[:, term["remaining"]]
    line = np.floor(np.minimum(np.maximum(days / DAYS_A_MONTH, 0.0), len(table) - 1.0))
    left = np.where(np.isnan(days), float(len(table)), line).astype(np.int64)
    return np.vstack([table, np.zeros(table.shape[1])]), left


def _texts(names: Sequence[str]) -> npt.NDArray[np.object_]:
    return np.array(names, dtype=object)


def _line(how: Mapping[str, Any], raw: Floats) -> Floats:
    return sigmoid(how["a"] * raw + how["b"])


def _level(how: Mapping[str, Any], raw: Floats) -> Floats:
    return sigmoid(raw + how["b"])


def _sigmoid_of_raw(how: Mapping[str, Any], raw: Floats) -> Floats:
    return sigmoid(raw)


def _beta(how: Mapping[str, Any], raw: Floats) -> Floats:
    tail = log1p(exp(-np.abs(raw)))
    below, above = np.minimum(raw, 0.0) - tail, np.maximum(raw, 0.0) + tail
    return sigmoid(how["a"] * below + how["b"] * above + how["c"])


def _isotonic(how: Mapping[str, Any], raw: Floats) -> Floats:
    scores, pds = (np.array(how[name], dtype=np.float64) for name in ("scores", "pds"))
    place = np.searchsorted(scores, raw, side="right")
    inside = (place > 0) & (place < len(scores))
    above = np.clip(place, 1, max(len(scores) - 1, 1)) if len(scores) > 1 else np.zeros(len(raw), np.int64)
    below = np.maximum(above - 1, 0)
    part = np.where(inside, raw - scores[below], 0.0) / np.where(inside, scores[above] - scores[below], 1.0)
    low, high = pds[below], pds[above]
    between = np.minimum(low + (high - low) * part, high)
    return np.where(inside, between, np.where(place == 0, pds[0], pds[-1]))


_METHODS: Mapping[str, Callable[[Mapping[str, Any], Floats], Floats]] = {
    "none": _sigmoid_of_raw,
    "intercept": _level,
    "logistic": _line,
    "beta": _beta,
    "isotonic": _isotonic,
}
