"""Which PD, points and grade does a raw score mean on the institution's master scale?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from riskengine.errors import Problem, UsageError
from riskengine.schema import Definition, Words, read_definition
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.term_structure import cumulative

PD_FLOOR = 1e-6


class Points(Definition):
    """The scale of points: `base_score` at good:bad odds `base_odds`, `pdo` points double the odds."""

    base_score: float
    base_odds: float = Field(gt=0)
    pdo: float = Field(gt=0)
    lowest: int = 0
    highest: int = 1000


class Grade(Definition):
    """One grade of the master scale: it holds every PD up to and including `pd_up_to`."""

    name: str
    pd_up_to: float = Field(gt=0, le=1)
    label: Words


class Grades(Definition):
    """The master scale, `configs/grades.toml`: points and grades from best to worst; the last ends at 1."""

    points: Points
    grades: tuple[Grade, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _ordered(self) -> Grades:
        limits = [grade.pd_up_to for grade in self.grades]
        names = [grade.name for grade in self.grades]
        if any(low >= high for low, high in pairwise(limits)) or limits[-1] != 1:
            raise ValueError(f"pd_up_to rises from grade to grade and ends at 1, not {limits}")
        if len(set(names)) < len(names):
            raise ValueError(f"each grade has its own name, not {names}")
        if self.points.lowest >= self.points.highest:
            raise ValueError("points.lowest is below points.highest")
        return self


@dataclass(frozen=True, slots=True)
class Rating:
    """What a model says of one row: raw log-odds, PD over the model's horizon, points, grade's name."""

    raw: float
    pd: float
    score: int
    grade: str


def read_grades(path: Path) -> Grades:
    """The master scale of a project."""
    return read_definition(Grades, path)


def calibrated(calibration: Mapping[str, Any], raw: float) -> float:
    """The PD of a raw score: `1 / (1 + exp(-(a * raw + b)))`, kept within [1e-6, 1 - 1e-6].

    >>> calibrated({"method": "logistic", "a": 1.0, "b": 0.0}, 0.0)
    0.5
    """
    if calibration["method"] != "logistic":
        raise UsageError(
            "Unknown calibration",
            [Problem("calibration.json: method", "'logistic'", repr(calibration["method"]))],
        )
    odds = calibration["a"] * raw + calibration["b"]
    if odds >= 0:
        pd = 1.0 / (1.0 + math.exp(-min(odds, 700.0)))
    else:
        growth = math.exp(max(odds, -700.0))
        pd = growth / (1.0 + growth)
    return min(max(pd, PD_FLOOR), 1.0 - PD_FLOOR)


def score_points(grades: Grades, pd: float) -> int:
    """Points of a PD: `base_score + pdo / ln 2 * (ln((1 - pd) / pd) - ln(base_odds))`, rounded and clipped.

    Source: Siddiqi, Credit Risk Scorecards (2006), ch. 6. More points are better.
    """
    scale = grades.points
    good = math.log((1.0 - pd) / pd) - math.log(scale.base_odds)
    return min(max(round(scale.base_score + scale.pdo / math.log(2.0) * good), scale.lowest), scale.highest)


def grade_of(grades: Grades, pd: float) -> Grade:
    """The first grade whose limit is not below the PD."""
    return next(grade for grade in grades.grades if pd <= grade.pd_up_to)


def master_scale(bundle: Bundle) -> Grades:
    """The master scale inside a bundle, parsed once."""
    if "grades" not in bundle.scoring_parts:
        bundle.scoring_parts["grades"] = Grades.model_validate(bundle.grades)
    made = bundle.scoring_parts["grades"]
    assert isinstance(made, Grades)
    return made


def pd_of(bundle: Bundle, raw: float, row: Sequence[float | None], segment: str | None = None) -> float:
    """The PD of a raw score over the model's horizon; `row` are the values (the bundle's order) that it was scored from.

    The one place where a PD is computed, so that single and batch scoring give the same bits. `segment` is the row's
    value of the column whose values have shifts of their own (None: no shift).
    """
    how = bundle.calibration
    del segment
    if how["method"] == "hazard":
        pd = cumulative(how, raw, row, int(how["horizon"]))[-1]
        return min(max(pd, PD_FLOOR), 1.0 - PD_FLOOR)
    return calibrated(how, raw)


def scale_pd(bundle: Bundle, pd: float) -> float:
    """The 12-month PD that the master scale grades, whatever the model's own horizon.

    `1 - (1 - pd) ** to_scale`: with a constant hazard `to_scale` is 12 months over the horizon; a bundle carries the ratio
    of cumulative hazards that its training rows showed. Monotone: the scale never changes an order.
    """
    exponent = float(bundle.calibration.get("to_scale", 1.0))
    if exponent == 1.0:
        return pd
    scaled = -math.expm1(exponent * math.log1p(-pd))
    return float(min(max(scaled, PD_FLOOR), 1.0 - PD_FLOOR))


def rating(bundle: Bundle, raw: float, row: Sequence[float | None], segment: str | None = None) -> Rating:
    """PD, points and grade of a raw score under the bundle's calibration and master scale."""
    grades = master_scale(bundle)
    pd = pd_of(bundle, raw, row, segment)
    scaled = scale_pd(bundle, pd)
    return Rating(raw, pd, score_points(grades, scaled), grade_of(grades, scaled).name)
