"""What does a classical scorecard make of these rows: optimal bins, weight of evidence, logistic regression, points?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from riskengine.learning.binning import Bins, optimal_bins
from riskengine.learning.fitting import Rows, side_by_side
from riskengine.learning.metrics import Floats, Numbers
from riskengine.scoring.scorecard_trees import Table, model_text, points_table

_DIGITS = 9  # of coefficients and evidence: what another number of cores does not change


@dataclass(frozen=True)
class Card:
    """A scorecard: log-odds = `start` + sum over features of slope x weight of evidence.

    `columns` are the places of `bins`' features among `names`; a slope is never negative, so that a riskier bin never
    lowers the PD.
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    bins: tuple[Bins, ...]
    slopes: tuple[float, ...]
    start: float

    @cached_property
    def tables(self) -> list[Table]:
        """What each feature with a slope adds to the log-odds, by bin."""
        return [
            Table(column, bins.edges, tuple(slope * part for part in bins.evidence), bins.mass)
            for column, bins, slope in zip(self.columns, self.bins, self.slopes, strict=True)
            if slope > 0
        ]

    def odds(self, matrix: Floats) -> Floats:
        """The log-odds of rows (n x all features), to the bit what the trees of `card_booster` say."""
        total = np.full(len(matrix), self.start)
        kept = [bins for bins, slope in zip(self.bins, self.slopes, strict=True) if slope > 0]
        for table, bins in zip(self.tables, kept, strict=True):
            total += np.asarray(table.leaf)[bins.places(matrix[:, table.column])]
        return total

    def shown(self, line: tuple[float, float], scale: Mapping[str, Any]) -> list[dict[str, Any]]:
        """For the model card: each feature's bins with rows, defaults, rate, evidence and points; `line`: calibration."""
        tables = []
        for bins, slope in zip(self.bins, self.slopes, strict=True):
            if slope > 0:
                tables.append(
                    {
                        "feature": bins.feature,
                        "slope": slope,
                        "information_value": round(bins.information, 6),
                        "how": bins.how,
                        "bins": _entries(bins, slope),
                    }
                )
        made = points_table(tables, self.start, line, scale)
        for table in made:
            for entry in table["bins"]:
                entry["points"] = round(entry["points"], 2)
        return made

    @property
    def unused(self) -> dict[str, str]:
        """The features that tell nothing here, and why."""
        why = {}
        for bins, slope in zip(self.bins, self.slopes, strict=True):
            if slope == 0:
                why[bins.feature] = (
                    "one bin: nothing to tell apart"
                    if bins.how == "one bin" and not any(bins.evidence)
                    else "adds nothing to the others"
                )
        return why


def fit_card(
    rows: Rows, names: Sequence[str], directions: Mapping[str, int], chosen: Sequence[str] = ()
) -> Card:
    """The scorecard of weighted rows, of the `chosen` features (none: all); `directions`: 1 up, -1 down, else free.

    Coefficients come from the weighted logistic regression with a small ridge (as C = 1) and are kept at zero or above.
    """
    asked = list(chosen) or list(names)
    columns = [list(names).index(name) for name in asked]

    def one(name: str, column: int) -> Callable[[], Bins]:
        return lambda: _rounded(
            optimal_bins(name, rows.matrix[:, column], rows.label, rows.weight, directions.get(name, 0))
        )

    bins = side_by_side([one(name, column) for name, column in zip(asked, columns, strict=True)])
    told = np.column_stack(
        [part.of(rows.matrix[:, column]) for part, column in zip(bins, columns, strict=True)]
    )
    slopes, start = ridge_logistic(told, rows.label, rows.weight, lowest=0.0)
    return Card(
        tuple(names),
        tuple(columns),
        tuple(bins),
        tuple(round(slope, _DIGITS) for slope in slopes.tolist()),
        round(start, _DIGITS),
    )


def card_booster(card: Card) -> Any:
    """The scorecard as a LightGBM booster, so that whatever takes a fitted model takes a scorecard too.

    Its importance by gain is the variance of what each feature adds over the training rows.
    """
    return lightgbm.Booster(model_str=model_text(card.names, card.start, card.tables))


def ridge_logistic(
    matrix: Floats, label: Numbers, weight: Floats, lowest: float | None = None, ridge: float = 1.0
) -> tuple[Floats, float]:
    """Slopes and intercept that minimise weighted log loss (weights of mean one) + ridge / 2 x sum of squared slopes.

    `lowest`: no slope is below it. Projected Newton steps (Bertsekas, SIAM J. Control 20, 1982): the problem is strictly
    convex, so there is one answer.
    """
    weight = weight / weight.mean()
    design = np.column_stack([np.ones(len(label)), matrix])
    penalty = np.r_[0.0, np.full(matrix.shape[1], ridge)]
    floor = np.r_[-np.inf, np.full(matrix.shape[1], -np.inf if lowest is None else lowest)]
    rate = float(np.average(label, weights=weight))
    theta = np.maximum(np.r_[np.log(rate / (1 - rate)), np.zeros(matrix.shape[1])], floor)

    def loss(at: Floats) -> float:
        odds = design @ at
        return float(
            (weight * (np.logaddexp(0.0, odds) - label * odds)).sum() + (penalty * at * at).sum() / 2
        )

    best = loss(theta)
    for _ in range(200):
        p = 1 / (1 + np.exp(-np.clip(design @ theta, -700, 700)))
        slope = design.T @ (weight * (p - label)) + penalty * theta
        free: npt.NDArray[np.bool_] = (theta > floor) | (slope < 0)
        part = design[:, free]
        bend = part.T @ (part * (weight * p * (1 - p))[:, None]) + np.diag(penalty[free])
        bend[np.diag_indices_from(bend)] += 1e-12 * weight.sum()
        step = np.zeros(len(theta))
        step[free] = np.linalg.solve(bend, slope[free])
        size = 1.0
        tried = np.maximum(theta - step, floor)
        found = loss(tried)
        while found > best and size > 1e-8:
            size /= 2
            tried = np.maximum(theta - size * step, floor)
            found = loss(tried)
        moved = float(np.abs(tried - theta).max())
        if found <= best:
            theta, best = tried, found
        if moved < 1e-11 or found > best:
            break
    return theta[1:], float(theta[0])


def _rounded(bins: Bins) -> Bins:
    """Evidence and mass to nine digits."""
    evidence = tuple(round(part, _DIGITS) for part in bins.evidence)
    mass = tuple(round(part, _DIGITS) for part in bins.mass)
    return Bins(bins.feature, bins.edges, evidence, mass, bins.rate, bins.rows, bins.events, bins.how)


def _entries(bins: Bins, slope: float) -> list[dict[str, Any]]:
    limits: list[float | None] = [None, *bins.edges, None]
    entries = []
    for place, evidence in enumerate(bins.evidence):
        missing = place == len(bins.edges) + 1
        rate = bins.rate[place]
        entries.append(
            {
                "above": None if missing else limits[place],
                "up_to": None if missing else limits[place + 1],
                "missing": missing,
                "rows": bins.rows[place],
                "defaults": bins.events[place],
                "rate": None if rate is None else round(rate, 6),
                "evidence": round(evidence, 6),
                "odds": slope * evidence,
            }
        )
    return entries
