"""Which PD, points and grade does a raw score mean on the institution's master scale?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from pydantic import Field, model_validator

from riskengine.schema import Definition, Words, read_definition
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import bounded, calibrated, deviation_of, shift_of, shifted
from riskengine.scoring.term_structure import cumulative, incidences
from riskengine.scoring.uncertainty import Unsure, missing_share, reach, spanned, why_unsure


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
    """What a model says of one row: raw log-odds, PD over the model's horizon, points, grade's name.

    `low` and `high`: between which the PD lies at the bundle's coverage; None in a bundle without intervals. `unsure`: why a
    person should decide: "wide" (the interval), "thin" (too little is known), or "".
    """

    raw: float
    pd: float
    score: int
    grade: str
    low: float | None = None
    high: float | None = None
    unsure: Unsure = ""


@dataclass(frozen=True, slots=True)
class TermStructure:
    """What a hazard says of one row: cumulative PD and cumulative share that leaves before a default, after 1, 2, … months.

    Neither falls from month to month, their sum is at most one. `horizon`: the months of the model's PD.
    """

    horizon: int
    pds: tuple[float, ...]
    exits: tuple[float, ...]

    @property
    def pd(self) -> float:
        """The PD over the model's horizon: that of `pd_of`."""
        return self.pds[self.horizon - 1]

    @property
    def lifetime_pd(self) -> float:
        """The PD over the whole lifetime that the model knows (`len(pds)` months)."""
        return self.pds[-1]

    @property
    def hazards(self) -> tuple[float, ...]:
        """The chance of default in each month of those still there at its start; 0 where nobody is."""
        before = [(0.0, 0.0), *zip(self.pds, self.exits, strict=True)]
        return tuple(
            min((now - then) / (1.0 - then - gone), 1.0) if then + gone < 1.0 else 0.0
            for now, (then, gone) in zip(self.pds, before, strict=False)
        )


def read_grades(path: Path) -> Grades:
    """The master scale of a project."""
    return read_definition(Grades, path)


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
    return shifted(_pooled_pd(bundle, raw, row), shift_of(how, segment))


def term_of(
    bundle: Bundle, raw: float, row: Sequence[float | None], segment: str | None = None
) -> TermStructure | None:
    """The PD of a raw score month by month over the model's lifetime; None: the bundle is no hazard.

    The segment's shift moves the whole curve in log-odds, so that the PD at the horizon is `pd_of` to the bit. Of those who
    do not default within the lifetime, the same share leaves as without the shift.
    """
    how = bundle.calibration
    if how["method"] != "hazard":
        return None
    defaults, leaves = incidences(how, raw, row)
    shift, horizon = shift_of(how, segment), int(how["horizon"])
    pds = [shifted(bounded(part), shift) for part in defaults]
    pds[: horizon - 1] = [
        min(part, pds[horizon - 1]) for part in pds[: horizon - 1]
    ]  # rounding moves the last bits:
    pds = list(accumulate(pds, max))  # a cumulative PD never falls, and that of the horizon stands
    share = (1.0 - pds[-1]) / (1.0 - bounded(defaults[-1]))
    exits = [min(share * part, 1.0 - pds[-1]) for part in leaves]
    return TermStructure(horizon, tuple(pds), tuple(exits))


def _pooled_pd(bundle: Bundle, raw: float, row: Sequence[float | None]) -> float:
    """The PD before any segment's shift."""
    how = bundle.calibration
    if how["method"] == "hazard":
        return bounded(cumulative(how, raw, row, int(how["horizon"]))[-1])
    return calibrated(how, raw)


def scale_pd(bundle: Bundle, pd: float) -> float:
    """The yearly PD that the master scale grades, whatever the model's own horizon.

    `1 - (1 - pd) ** to_scale`: annualised at a constant hazard, `to_scale` is 12 months over the horizon. Monotone: the
    scale never changes an order.
    """
    exponent = float(bundle.calibration.get("to_scale", 1.0))
    if exponent == 1.0:
        return pd
    scaled = -math.expm1(exponent * math.log1p(-pd))
    return bounded(float(scaled))


def rating(bundle: Bundle, raw: float, row: Sequence[float | None], segment: str | None = None) -> Rating:
    """PD, points and grade of a raw score under the bundle's calibration and master scale, and how sure they are."""
    how, grades = bundle.calibration, master_scale(bundle)
    pooled = _pooled_pd(bundle, raw, row)
    pd = shifted(pooled, shift_of(how, segment))
    scaled = scale_pd(bundle, pd)
    made = raw, pd, score_points(grades, scaled), grade_of(grades, scaled).name
    if "interval" not in how:
        return Rating(*made)
    reached = reach(how["interval"], pooled, deviation_of(how, segment))
    unsure = why_unsure(how["interval"], reached, missing_share(row))
    return Rating(*made, *spanned(how["interval"], reached, pd), unsure)
