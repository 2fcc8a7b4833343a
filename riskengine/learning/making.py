"""How do rows become something that scores: trees, their calibration on scores of borrowers not taught, a common scale?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.clock import Span
from riskengine.learning import fitting, hazard
from riskengine.learning.calibration import OutOfFold, calibrated_rows, choose_calibration, log_odds_of
from riskengine.learning.fitting import Flags, Rows
from riskengine.learning.frames import PersonMonths, TrainingFrame
from riskengine.learning.metrics import CLIP, Floats
from riskengine.learning.segments import segment_shifts
from riskengine.learning.spec import ModelSpec
from riskengine.learning.splitting import folds
from riskengine.learning.uncertainty import interval_table
from riskengine.scoring.calibration import bounded, shift_of, shifted


@dataclass(frozen=True)
class Taught:
    """What a fit may see: rows in their order, with all that calibration asks of them."""

    rows: Rows
    frame: TrainingFrame
    seen: PersonMonths | None = None

    def where(self, chosen: Flags) -> Taught:
        """The chosen rows."""
        seen = None if self.seen is None else self.seen.where(chosen)
        return Taught(self.rows.where(chosen), part_of(self.frame, chosen), seen)


@dataclass(frozen=True)
class Made:
    """A booster, the content of its `calibration.json`, and the rows that both were made from."""

    rows: Rows
    booster: Any
    calibration: dict[str, Any]
    out_of_fold: Floats

    def raw(self, matrix: Floats) -> Floats:
        """Raw scores: log-odds, or a hazard's index."""
        return fitting.predict(self.booster, matrix)

    def pd(self, matrix: Floats, segment: npt.NDArray[Any] | None = None) -> Floats:
        """PDs over the label's horizon, with the shifts of the rows' segments."""
        pooled = _pooled(self.calibration, self.raw(matrix), matrix)
        if segment is None or "segments" not in self.calibration:
            return pooled
        moves = [shift_of(self.calibration, value) for value in segment.tolist()]
        return np.array([shifted(pd, by) for pd, by in zip(pooled.tolist(), moves, strict=True)])


def log_odds(pd: Floats) -> Floats:
    """The log-odds of PDs."""
    kept = np.clip(pd, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def make(spec: ModelSpec, taught: Taught) -> Made:
    """Trees of all these rows, calibrated on scores that each row got from trees of other borrowers."""
    fold = folds(spec, taught.frame.group)
    parts = [taught.where(fold != number) for number in range(spec.validation.folds)]
    whole, *others = fitting.side_by_side([partial(_booster, spec, part) for part in (taught, *parts)])
    raw = np.zeros(len(taught.rows.label))
    for number, booster in enumerate(others):
        held = fold == number
        if held.any():
            raw[held] = fitting.predict(booster, taught.rows.matrix[held])
    return Made(taught.rows, whole, _calibration(spec, taught, raw), raw)


def to_scale(spec: ModelSpec, frame: TrainingFrame) -> float:
    """The power that turns a survival over the model's horizon into one of 12 months, for the master scale.

    The ratio of cumulated hazards in the mature rows, `ln(1 - rate within 12 months) / ln(1 - rate within the horizon)`;
    where it cannot be seen (no months, no event), that of a constant hazard, 12 months over the horizon.
    """
    horizon = Span.parse(spec.label.horizon)
    whole = horizon.months + horizon.days / 30.436875
    if whole == 12:
        return 1.0
    seen, judged = frame.months, frame.judged
    if seen is not None and whole > 12:
        weight = frame.weight[judged]
        event = seen.event[judged]
        first = np.average((event > 0) & (event <= 12), weights=weight)
        ever = np.average(frame.label[judged], weights=weight)
        if 0 < first < 1 and 0 < ever < 1:
            return round(min(math.log1p(-first) / math.log1p(-ever), 1.0), 9)
    return round(12 / whole, 9)


def part_of(frame: TrainingFrame, chosen: npt.NDArray[Any]) -> TrainingFrame:
    """The chosen rows of a frame."""

    def some(array: npt.NDArray[Any] | None) -> Any:
        return None if array is None else array[chosen]

    return TrainingFrame(
        frame.features.loc[chosen].reset_index(drop=True),
        frame.label[chosen],
        frame.weight[chosen],
        frame.group[chosen],
        frame.as_of[chosen],
        frame.subject[chosen],
        some(frame.peers),
        some(frame.mature),
        some(frame.segment),
        None if frame.months is None else frame.months.where(chosen),
        {name: score[chosen] for name, score in frame.rules.items()},
    )


def _booster(spec: ModelSpec, taught: Taught) -> Any:
    rows = taught.rows
    if spec.sample_weight is not None and not spec.sample_weight.in_fit:
        rows = Rows(rows.matrix, rows.label, np.ones(len(rows.weight)), rows.group)
    if spec.hazard:
        assert taught.seen is not None
        return hazard.fit_index(spec, hazard.panel(spec, rows, taught.seen))
    return fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, rows, spec.features)


def _calibration(spec: ModelSpec, taught: Taught, raw: Floats) -> dict[str, Any]:
    """The content of `calibration.json`: from scores to PDs, the segments' shifts, and how far the truth may lie off."""
    if not spec.hazard:
        rows = _out_of_fold(taught, raw)
        made = choose_calibration(rows, spec.calibration)
    else:
        assert taught.seen is not None
        made = hazard.term_structure(spec, hazard.panel(spec, taught.rows, taught.seen), raw)
        judged = taught.frame.judged
        taught, raw = taught.where(judged), raw[judged]
        rows = _out_of_fold(taught, raw)
        if spec.calibration.segment and rows.segment is not None:
            odds = log_odds_of(_pooled(made, raw, taught.rows.matrix))
            shifts = segment_shifts(rows.label, odds, rows.weight, rows.segment, rows.group)
            made["segments"] = {"column": spec.calibration.segment, **shifts}
    pooled = _pooled(made, raw, taught.rows.matrix)
    return made | {"interval": interval_table(rows, pooled, spec.uncertainty)}


def _out_of_fold(taught: Taught, raw: Floats) -> OutOfFold:
    rows, frame = taught.rows, taught.frame
    return OutOfFold(rows.label, raw, rows.weight, frame.as_of, frame.segment, rows.group)


def _pooled(calibration: dict[str, Any], raw: Floats, matrix: Floats) -> Floats:
    """PDs before any segment's shift."""
    if calibration["method"] != "hazard":
        return calibrated_rows(calibration, raw)
    found = hazard.incidence(calibration, raw, matrix, calibration["horizon"])
    return np.array([bounded(float(pd)) for pd in found], dtype=np.float64)
