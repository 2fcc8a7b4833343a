"""How well do scores separate, how true are the PDs, and how sure can one be of either?

All figures accept weights (how many cases of the population a row stands for). Intervals are the 2.5 % and 97.5 %
quantiles over bootstrap draws of whole groups (all rows of a borrower together), with a seeded generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
CLIP = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; all None where there are not enough cases to say."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """For a table: `0.781 [0.762, 0.799]`."""
        if self.value is None:
            return "undecidable"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Sample:
    """Rows to be measured: label (0/1), score (any order-keeping number), pd, weight, group (integer codes)."""

    label: Numbers
    score: Floats
    pd: Floats
    weight: Floats
    group: Numbers


def sample(label: npt.ArrayLike, score: npt.ArrayLike, **given: npt.ArrayLike | None) -> Sample:
    """A sample; `pd`, `weight`, `group` default to the score, ones and one group a row."""
    labels = np.asarray(label, dtype=np.int64)
    scores = np.asarray(score, dtype=np.float64)
    pd, weight, group = given.get("pd"), given.get("weight"), given.get("group")
    return Sample(
        labels,
        scores,
        scores if pd is None else np.asarray(pd, dtype=np.float64),
        np.ones(len(labels)) if weight is None else np.asarray(weight, dtype=np.float64),
        np.arange(len(labels))
        if group is None
        else np.unique(np.asarray(group), return_inverse=True)[1].astype(np.int64),
    )


def auc(label: Numbers, score: Floats, weight: Floats | None = None) -> float | None:
    """The weighted probability that a random default scores above a random survivor, ties counting half.

    >>> auc(np.array([0, 1, 1]), np.array([1.0, 2.0, 1.0]))
    0.75
    """
    return _auc(*_sides(label, score, weight))


def ks(label: Numbers, score: Floats, weight: Floats | None = None) -> float | None:
    """The largest distance of the two weighted score distributions (Kolmogorov-Smirnov), 0 to 1."""
    return _ks(*_sides(label, score, weight))


def brier(label: Numbers, pd: Floats, weight: Floats | None = None) -> float:
    """The weighted mean squared error of the PDs."""
    return float(np.average((pd - label) ** 2, weights=weight))


def log_loss(label: Numbers, pd: Floats, weight: Floats | None = None) -> float:
    """The weighted mean of -ln of the probability given to what happened."""
    pd = np.clip(pd, CLIP, 1 - CLIP)
    return float(-np.average(np.where(label == 1, np.log(pd), np.log1p(-pd)), weights=weight))


def calibration_table(label: Numbers, pd: Floats, weight: Floats | None = None, bins: int = 10) -> Floats:
    """By bin of about equal weight, from low to high PD: weight, mean PD, observed rate (bins x 3).

    Equal PDs share a bin (the one of their cumulated weight's middle); empty bins are left out.
    """
    if not len(label):
        return np.zeros((0, 3))
    weight = np.ones(len(label)) if weight is None else weight
    order = np.argsort(pd, kind="stable")
    starts = _starts(pd[order])
    mass = np.add.reduceat(weight[order], starts)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    place = np.minimum((middle * bins).astype(int), bins - 1)
    sums = [
        np.bincount(place, np.add.reduceat(part[order], starts), minlength=bins)
        for part in (weight, weight * pd, weight * label)
    ]
    kept = sums[0] > 0
    total = sums[0][kept]
    return np.column_stack([total, sums[1][kept] / total, sums[2][kept] / total])


def calibration_error(label: Numbers, pd: Floats, weight: Floats | None = None) -> float:
    """Expected calibration error: the weighted mean distance of mean PD and observed rate over ten bins."""
    table = calibration_table(label, pd, weight)
    return float(np.average(np.abs(table[:, 1] - table[:, 2]), weights=table[:, 0])) if len(table) else 0.0


def logistic_fit(label: Numbers, score: Floats, weight: Floats | None = None) -> tuple[float, float] | None:
    """Slope and intercept of the weighted logistic regression of label on score; None where it does not exist.

    Newton's method with step halving, at most 100 steps; deterministic.
    """
    weight = np.ones(len(label)) if weight is None else weight
    if not _both(label, weight) or np.ptp(score) == 0:
        return None
    centre, scale = float(np.average(score, weights=weight)), float(np.std(score)) or 1.0
    x = (score - centre) / scale
    rate = float(np.average(label, weights=weight))
    theta = np.array([0.0, math.log(rate / (1 - rate))])
    loss = _logistic_loss(theta, x, label, weight)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(theta[0] * x + theta[1], -700, 700)))
        gap, bend = weight * (p - label), weight * p * (1 - p)
        slope = np.array([(gap * x).sum(), gap.sum()])  # sums, not BLAS products: the bits ignore the cores
        cross = (bend * x).sum()
        hessian = np.array([[(bend * x * x).sum(), cross], [cross, bend.sum()]])
        if not np.linalg.det(hessian) > 1e-18 * weight.sum() ** 2:  # separated: no finite slope
            return None
        step = np.linalg.solve(hessian, slope)
        size, tried = 1.0, _logistic_loss(theta - step, x, label, weight)
        while size > 1e-6 and tried > loss * (1 + 1e-12):
            size /= 2
            tried = _logistic_loss(theta - size * step, x, label, weight)
        theta, loss = theta - size * step, tried
        if np.abs(step).max() < 1e-8:
            break
    return float(theta[0] / scale), float(theta[1] - theta[0] * centre / scale)


def capture(label: Numbers, score: Floats, weight: Floats | None = None, share: float = 0.1) -> float | None:
    """The weighted share of defaults found in the riskiest `share` of the weight (rows on the edge count in part)."""
    weight = np.ones(len(label)) if weight is None else weight
    if not _both(label, weight):
        return None
    order = np.argsort(-score, kind="stable")
    starts = _starts(score[order])
    mass = np.add.reduceat(weight[order], starts)
    bad = np.add.reduceat((weight * label)[order], starts)
    room = share * mass.sum() - (np.cumsum(mass) - mass)
    taken = np.clip(np.divide(room, mass, out=np.zeros_like(mass), where=mass > 0), 0, 1)
    return float((bad * taken).sum() / bad.sum())


def figures(rows: Sample, weight: Floats | None = None) -> dict[str, float | None]:
    """Every figure of a sample, optionally under other weights (a bootstrap draw)."""
    weight = rows.weight if weight is None else weight
    used = weight > 0
    label, score, pd, weight = rows.label[used], rows.score[used], rows.pd[used], weight[used]
    area = auc(label, score, weight)
    odds = np.log(np.clip(pd, CLIP, 1 - CLIP)) - np.log1p(-np.clip(pd, CLIP, 1 - CLIP))
    line = logistic_fit(label, odds, weight)
    some = len(label) > 0
    return {
        "auc": area,
        "gini": None if area is None else 2 * area - 1,
        "ks": ks(label, score, weight),
        "brier": brier(label, pd, weight) if some else None,
        "log_loss": log_loss(label, pd, weight) if some else None,
        "calibration_error": calibration_error(label, pd, weight) if some else None,
        "calibration_slope": line[0] if line else None,
        "calibration_intercept": line[1] if line else None,
        "capture_5": capture(label, score, weight, 0.05),
        "capture_10": capture(label, score, weight, 0.10),
    }


def measured(rows: Sample, replicates: int = 200, seed: int = 7) -> dict[str, Estimate]:
    """Every figure with its interval, by drawing whole groups with replacement `replicates` times."""
    order = np.argsort(rows.score, kind="stable")  # sorting sorted rows again is cheap: done in every draw
    rows = Sample(rows.label[order], rows.score[order], rows.pd[order], rows.weight[order], rows.group[order])
    return _with_intervals(lambda weight: figures(rows, weight), rows, replicates, seed)


def auc_difference(first: Sample, second: Sample, replicates: int = 200, seed: int = 7) -> Estimate:
    """AUC of the first less that of the second score on the same rows, drawn together (paired)."""

    def gap(weight: Floats) -> Mapping[str, float | None]:
        one, two = auc(first.label, first.score, weight), auc(second.label, second.score, weight)
        return {"gap": None if one is None or two is None else one - two}

    return _with_intervals(gap, first, replicates, seed)["gap"]


def delong(label: Numbers, score: Floats) -> Estimate:
    """Unweighted AUC with the interval of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), rows independent."""
    bad, good = score[label == 1], score[label == 0]
    if len(bad) < 2 or len(good) < 2:
        return Estimate(auc(label, score))
    above = _placements(bad, good)
    below = 1 - _placements(good, bad)
    area = float(above.mean())
    spread = math.sqrt(float(above.var(ddof=1)) / len(bad) + float(below.var(ddof=1)) / len(good))
    return Estimate(
        area, max(area - 1.959963984540054 * spread, 0.0), min(area + 1.959963984540054 * spread, 1.0)
    )


def _with_intervals(
    figure: Callable[[Floats], Mapping[str, float | None]], rows: Sample, replicates: int, seed: int
) -> dict[str, Estimate]:
    whole = figure(rows.weight)
    if not len(rows.label) or not _both(rows.label, rows.weight):
        return {name: Estimate(value) for name, value in whole.items()}
    return drawn_intervals(figure, rows, replicates, seed)


def drawn_intervals(
    figure: Callable[[Floats], Mapping[str, float | None]], rows: Sample, replicates: int, seed: int
) -> dict[str, Estimate]:
    """Each figure of a weighting with the 2.5 % and 97.5 % quantiles over draws of whole groups; fewer than half: no interval."""
    whole = figure(rows.weight)
    rng = np.random.default_rng(seed)
    groups = int(rows.group.max()) + 1
    drawn = []
    for _ in range(replicates):
        times = np.bincount(rng.integers(0, groups, groups), minlength=groups)
        drawn.append(figure(rows.weight * times[rows.group]))
    made = {}
    for name, value in whole.items():
        values = np.array([draw[name] for draw in drawn if draw[name] is not None], dtype=np.float64)
        if value is None or len(values) < replicates / 2:
            made[name] = Estimate(value)
        else:
            low, high = np.quantile(values, [0.025, 0.975])
            made[name] = Estimate(value, float(low), float(high))
    return made


def _auc(bad: Floats, good: Floats) -> float | None:
    if not bad.sum() > 0 or not good.sum() > 0:
        return None
    below = np.cumsum(good) - good / 2
    return float((bad * below).sum() / (bad.sum() * good.sum()))


def _ks(bad: Floats, good: Floats) -> float | None:
    if not bad.sum() > 0 or not good.sum() > 0:
        return None
    return float(np.abs(np.cumsum(bad) / bad.sum() - np.cumsum(good) / good.sum()).max())


def _sides(label: Numbers, score: Floats, weight: Floats | None) -> tuple[Floats, Floats]:
    """By distinct score, ascending: weight of the defaults and of the survivors."""
    weight = np.ones(len(label)) if weight is None else weight
    if not len(label):
        return np.zeros(0), np.zeros(0)
    order = np.argsort(score, kind="stable")
    starts = _starts(score[order])
    weight, label = weight[order], label[order]
    return np.add.reduceat(weight * label, starts), np.add.reduceat(weight * (1 - label), starts)


def _starts(ordered: Floats) -> Numbers:
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _placements(points: Floats, others: Floats) -> Floats:
    """For each point, the share of the others below it, ties counting half."""
    others = np.sort(others)
    low, high = np.searchsorted(others, points, "left"), np.searchsorted(others, points, "right")
    return np.asarray((low + high) / 2 / len(others), dtype=np.float64)


def _both(label: Numbers, weight: Floats) -> bool:
    return bool((weight * label).sum() > 0 and (weight * (1 - label)).sum() > 0)


def _logistic_loss(theta: Floats, x: Floats, label: Numbers, weight: Floats) -> float:
    odds = theta[0] * x + theta[1]
    return float((weight * (np.logaddexp(0.0, odds) - label * odds)).sum())
