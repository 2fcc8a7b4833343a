"""How do rows become something that scores: trees, their calibration on scores of borrowers not taught, a common scale?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.learning import fitting, hazard
from riskengine.learning.calibration import OutOfFold, calibrated_rows, choose_calibration, log_odds_of
from riskengine.learning.fitting import Rows
from riskengine.learning.frames import PersonMonths, TrainingFrame
from riskengine.learning.metrics import CLIP, Floats
from riskengine.learning.scorecards import Card, card_booster, fit_card
from riskengine.learning.segments import segment_shifts
from riskengine.learning.spec import ModelSpec
from riskengine.learning.splitting import folds
from riskengine.learning.uncertainty import interval_table
from riskengine.scoring.calibration import bounded, segment_text, shift_of, shifted
from riskengine.scoring.term_structure import DAYS_A_MONTH


@dataclass(frozen=True)
class Taught:
    """What a fit may see: rows in their order, with all that calibration asks of them."""

    rows: Rows
    frame: TrainingFrame
    seen: PersonMonths | None = None

    def where(self, chosen: npt.NDArray[Any]) -> Taught:
        """The chosen rows (flags or places)."""
        seen = None if self.seen is None else self.seen.where(chosen)
        return Taught(self.rows.where(chosen), part_of(self.frame, chosen), seen)


@dataclass(frozen=True)
class Made:
    """A booster, the content of its `calibration.json`, and the rows that both were made from."""

    taught: Taught
    booster: Any
    calibration: dict[str, Any]
    out_of_fold: Floats

    def kept(self) -> pd.DataFrame:
        """The rows with a usable label and their out-of-fold scores: `subject`, `as_of`, `raw`, `pd`."""
        judged = self.taught.frame.judged
        rows, raw = self.taught.where(judged), self.out_of_fold[judged]
        pooled = _pooled(self.calibration, raw, rows.rows.matrix)
        given = {"subject": rows.frame.subject, "as_of": rows.frame.as_of.astype("M8[s]")}
        return pd.DataFrame(given | {"raw": raw, "pd": _moved(self.calibration, pooled, rows.frame.segment)})

    def raw(self, matrix: Floats) -> Floats:
        """Raw scores: log-odds, or a hazard's index."""
        return fitting.predict(self.booster, matrix)

    def pd(self, matrix: Floats, segment: npt.NDArray[Any] | None = None) -> Floats:
        """PDs over the label's horizon, with the shifts of the rows' segments."""
        return _moved(self.calibration, _pooled(self.calibration, self.raw(matrix), matrix), segment)


def log_odds(pd: Floats) -> Floats:
    """The log-odds of PDs."""
    kept = np.clip(pd, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def make(spec: ModelSpec, taught: Taught) -> Made:
    """Trees of all these rows, calibrated on scores that each row got from trees of other borrowers."""
    return made(
        spec,
        taught,
        fitting.side_by_side(
            [
                partial(_booster, spec, taught),
                *(partial(_booster, spec, part) for part in _others(spec, taught)),
            ]
        ),
    )


def made(spec: ModelSpec, taught: Taught, boosters: Sequence[Any]) -> Made:
    """The same with boosters fitted elsewhere (`distributed.fit_folds`): of all, then without each fold; `taught` may be a sample."""
    whole, *others = boosters
    raw = _held_scores(spec, taught, list(others))
    return Made(taught, whole, _calibration(spec, taught, raw), raw)


def out_of_fold(spec: ModelSpec, taught: Taught) -> Floats:
    """The raw score of each row by trees that saw no row of its borrower."""
    boosters = fitting.side_by_side([partial(_booster, spec, part) for part in _others(spec, taught)])
    return _held_scores(spec, taught, boosters)


def _others(spec: ModelSpec, taught: Taught) -> list[Taught]:
    """For each fold, the rows of the other folds."""
    fold = folds(spec, taught.frame.group)
    return [taught.where(fold != number) for number in range(spec.validation.folds)]


def _held_scores(spec: ModelSpec, taught: Taught, boosters: list[Any]) -> Floats:
    fold, raw = folds(spec, taught.frame.group), np.zeros(len(taught.rows.label))
    for number, booster in enumerate(boosters):
        held = fold == number
        if held.any():
            raw[held] = fitting.predict(booster, taught.rows.matrix[held])
    return raw


def to_scale(spec: ModelSpec) -> float:
    """The power that turns a survival over the model's horizon into one of 12 months: one master scale for all models.

    Annualised at a constant hazard, 12 months over the horizon. (Not by when defaults came: an application model's first year
    is nearly free of them, and a loan that fails in its third is no better for it.)
    """
    horizon = Span.parse(spec.label.horizon)
    return round(12 / (horizon.months + horizon.days / DAYS_A_MONTH), 9)


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


def weighted(spec: ModelSpec, rows: Rows) -> Rows:
    """The rows with the weights that a fit may see: none where the spec keeps them out."""
    if spec.sample_weight is None or spec.sample_weight.in_fit:
        return rows
    return Rows(rows.matrix, rows.label, np.ones(len(rows.weight)), rows.group)


def _booster(spec: ModelSpec, taught: Taught) -> Any:
    rows = weighted(spec, taught.rows)
    if spec.hazard:
        assert taught.seen is not None
        return hazard.fit_index(spec, hazard.panel(spec, rows, taught.seen))
    if spec.kind == "scorecard":
        return card_booster(fit_scorecard(spec, taught.rows))
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
    return made


def retrained(spec: ModelSpec, taught: Taught, seed: int) -> Any:
    """The trees of another day: borrowers drawn anew with replacement, another seed."""
    codes = taught.rows.group
    count = int(codes.max()) + 1
    times = np.bincount(np.random.default_rng(seed).integers(0, count, count), minlength=count)
    again = np.repeat(np.arange(len(codes)), times[codes])
    other = spec.model_copy(update={"lightgbm": spec.lightgbm.model_copy(update={"seed": seed})})
    return _booster(other, taught.where(again))


def interval(spec: ModelSpec, made: Made, missed: float) -> dict[str, Any]:
    """How far the truth may lie from a PD: from out-of-fold scores, and from the log-odds by which a test missed the level."""
    judged = made.taught.frame.judged
    taught, raw = made.taught.where(judged), made.out_of_fold[judged]
    pooled = _pooled(made.calibration, raw, taught.rows.matrix)
    return interval_table(_out_of_fold(taught, raw), pooled, spec.uncertainty, missed)


def fit_scorecard(spec: ModelSpec, rows: Rows) -> Card:
    """The scorecard of a spec on these rows: its directions, and the features of its baseline (none: all)."""
    directions = dict(zip(spec.features, spec.constraints, strict=True))
    return fit_card(weighted(spec, rows), spec.features, directions, spec.baseline.features)


def _out_of_fold(taught: Taught, raw: Floats) -> OutOfFold:
    rows, frame = taught.rows, taught.frame
    return OutOfFold(rows.label, raw, rows.weight, frame.as_of, frame.segment, rows.group)


def _moved(calibration: dict[str, Any], pooled: Floats, segment: npt.NDArray[Any] | None) -> Floats:
    """PDs with the shifts of their segments."""
    if segment is None or "segments" not in calibration:
        return pooled
    moves = [shift_of(calibration, segment_text(value)) for value in segment.tolist()]
    return np.array(
        [shifted(pd, by) for pd, by in zip(pooled.tolist(), moves, strict=True)], dtype=np.float64
    )


def _pooled(calibration: dict[str, Any], raw: Floats, matrix: Floats) -> Floats:
    """PDs before any segment's shift."""
    if calibration["method"] != "hazard":
        return calibrated_rows(calibration, raw)
    found = hazard.incidence(calibration, raw, matrix, calibration["horizon"])
    return np.array([bounded(float(pd)) for pd in found], dtype=np.float64)
