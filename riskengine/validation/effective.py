"""How many independent, unweighted rows are weighted rows of dependent borrowers worth?

Rows of one group (a borrower, or the months of one guarantee) are one draw. Weights may depend on the outcome (SBA: defaults
and survivors were sampled at different rates). Variances are therefore those of totals over groups (Taylor
linearisation), and tests for proportions get the size that a simple random sample with this variance would have
(Korn and Graubard, Survey Methodology 24, 1998). With weights of one and one row a group all of it is exact: n is n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskengine.learning.metrics import Floats, Sample

Flags = npt.NDArray[np.bool_]
_OWN = 10  # groups with a default from which rows tell their own variance


@dataclass(frozen=True)
class Effective:
    """As many independent rows and defaults as the rows are worth; neither is a whole number."""

    size: float
    defaults: float

    @property
    def rate(self) -> float:
        """The weighted default rate."""
        return self.defaults / self.size if self.size else 0.0


def where(rows: Sample, inside: Flags) -> Sample:
    """Some of the rows, their groups numbered anew."""
    codes = np.unique(rows.group[inside], return_inverse=True)[1].astype(np.int64)
    return Sample(rows.label[inside], rows.score[inside], rows.pd[inside], rows.weight[inside], codes)


def totals(rows: Sample, values: Floats) -> Floats:
    """The sum of the values over each group."""
    return np.asarray(np.bincount(rows.group, values), dtype=np.float64)


def kish(weights: Floats) -> float:
    """The effective number of unequal weights: (sum w)^2 / sum w^2 (Kish, Survey Sampling, 1965)."""
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square else 0.0


def unit(rows: Sample) -> float | None:
    """The weight that one independent default stands for: sum a^2 / sum a over groups' defaulted weight a.

    It is 1 for independent unweighted rows, 12 if a defaulter appears in twelve monthly rows, 5.07 if defaults were
    sampled 1 in 5.07. None without a default. The scaling of Fay and Feuer, Statistics in Medicine 16 (1997).
    """
    bad = totals(rows, rows.weight * rows.label) if len(rows.label) else np.zeros(0)
    return float((bad**2).sum() / bad.sum()) if bad.sum() > 0 else None


def effective(rows: Sample, whole_unit: float | None = None) -> Effective:
    """Effective rows and defaults; with fewer than ten defaulting groups the variance is borrowed.

    Borrowed from the whole by `whole_unit` (see `unit`; the larger of it and the rows' own counts), and without any
    default anywhere from the groups' weights.
    """
    mass = float(rows.weight.sum())
    if not mass > 0:
        return Effective(0.0, 0.0)
    rate = float((rows.weight * rows.label).sum()) / mass
    bad = totals(rows, rows.weight * rows.label)
    if (bad > 0).sum() >= _OWN and rate < 1:
        spread = float((totals(rows, rows.weight * (rows.label - rate)) ** 2).sum())
        if spread > 0:
            size = rate * (1 - rate) * mass**2 / spread
            return Effective(size, rate * size)
    known = [found for found in (whole_unit, unit(rows)) if found is not None]
    size = mass / max(known) if known else kish(totals(rows, rows.weight))
    return Effective(size, rate * size)


def residual_error(rows: Sample, factor: Floats) -> float:
    """The standard error of sum w * factor * (label - pd): the larger of the groups' own and of that which true PDs imply.

    The own one is too small when chance brought few defaults; the implied one knows nothing of dependent rows but the
    weight of an independent default.
    """
    own = float((totals(rows, rows.weight * factor * (rows.label - rows.pd)) ** 2).sum())
    each = unit(rows) or kish_unit(rows)
    implied = each * float((rows.weight * factor**2 * rows.pd * (1 - rows.pd)).sum())
    return math.sqrt(max(own, implied))


def kish_unit(rows: Sample) -> float:
    """The weight of an independent row, by the groups' weights."""
    mass = totals(rows, rows.weight)
    return float((mass**2).sum() / mass.sum()) if mass.sum() > 0 else 1.0
