"""How far may the true default rate at a PD lie from it, judging by rows the model had not seen?

Inductive Venn-Abers (Vovk, Petej and Fedorova, NIPS 2015; Vovk and Petej, UAI 2014): at each score two isotonic rates, one as if the
case defaulted (p1), one as if not (p0); the library `venn-abers` computes them. One of the two is calibrated whatever the scores'
distribution, but their gap alone says nothing of the error that both share. So they are computed on draws of whole borrowers with
replacement, and the interval runs from the lower quantile of p0 to the upper quantile of p1 over the draws, at the declared
coverage. Scores are pooled into bins that hold enough defaults to say anything; what is stored is the distance in log-odds from
each bin's mean PD, widened so that it holds the PD itself.
"""

from __future__ import annotations

import math
import warnings
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from riskengine.learning.calibration import OutOfFold, fit_method, log_odds_of
from riskengine.learning.metrics import Floats, Numbers
from riskengine.learning.segments import segment_shifts
from riskengine.learning.spec_blocks import Uncertainty
from riskengine.scoring.calibration import PD_FLOOR

EVENTS = 25  # defaulted borrowers in a bin, at least
BINS = 40
DRAWS = 200
_SEED = 7


def interval_table(rows: OutOfFold, pd: Floats, how: Uncertainty, missed: float = 0.0) -> dict[str, Any]:
    """The content of `calibration.json: interval`; `pd` are the rows' calibrated PDs (before any segment's shift).

    `scores`: log-odds of PDs, rising; `low` <= 0 <= `high`: distances in log-odds; `coverage`, its normal quantile `z`, and the limits
    `widest` (high / low in odds) and `most_missing` (share of features). Weights enter as the ratio of the mean weight of defaults to that of
    survivors (prior correction: King and Zeng, Political Analysis 9, 2001), for Venn-Abers knows none.
    `drift`: the
    greater of `level_drift` and of what the out-of-time test `missed` (see `level_missed`): scores out of borrowers' folds have seen
    every year, so only that test knows a year that nobody learned from.
    """
    order = np.lexsort((rows.raw, pd))
    label, weight, cases = rows.label[order], rows.weight[order], rows.cases[order]
    place = _bins(pd[order], label, cases)
    count = int(place[-1]) + 1
    mass = np.bincount(place, weight, minlength=count)
    mean = np.clip(np.bincount(place, weight * pd[order], minlength=count) / mass, PD_FLOOR, 1 - PD_FLOOR)
    low, high = _drawn(label, weight, cases, place, how.coverage)
    odds = log_odds_of(mean)
    spread, years, drift = level_drift(rows, pd, how.coverage)
    return {
        "scores": odds.tolist(),
        "low": np.minimum(low - odds, 0.0).tolist(),
        "high": np.maximum(high - odds, 0.0).tolist(),
        "coverage": how.coverage,
        "z": NormalDist().inv_cdf((1 + how.coverage) / 2),
        "drift": max(drift, abs(missed)),
        "drift_spread": spread,
        "years": years,
        "widest": how.widest,
        "most_missing": how.most_missing,
    }


def level_drift(rows: OutOfFold, pd: Floats, coverage: float) -> tuple[float, int, float]:
    """How the level of the default rate differs between calendar years beyond what the PDs say: spread, years, reach.

    The spread is that of `segment_shifts` with years for segments; a year to come lies within `t(years - 1) * spread *
    sqrt(1 + 1 / years)` of the mean at the coverage, years being independent and normal. It knows no year unlike all of these.
    """
    years = rows.as_of.astype("M8[Y]")
    count = len(np.unique(years))
    if count < 2:
        return 0.0, count, 0.0
    spread = segment_shifts(rows.label, log_odds_of(pd), rows.weight, years.astype(str), rows.group)["spread"]
    quantile = float(student.ppf((1 + coverage) / 2, count - 1))
    return spread, count, quantile * spread * math.sqrt(1 + 1 / count)


def level_missed(label: Numbers, pd: Floats, weight: Floats) -> float:
    """The shift in log-odds that would have made a test's mean PD come true; 0 where all or none defaulted."""
    if not 0 < (weight * label).sum() < weight.sum():
        return 0.0
    odds = log_odds_of(np.clip(pd, PD_FLOOR, 1 - PD_FLOOR))
    days = np.zeros(len(label), dtype="M8[D]")
    return float(fit_method("intercept", OutOfFold(label, odds, weight, days))["b"])


def _bins(pd: Floats, label: Numbers, cases: Numbers) -> Numbers:
    """The bin of each row (rows in order of PD): equal PDs together, `EVENTS` borrowers that default or more in each."""
    bad = np.flatnonzero(label == 1)
    firsts = bad[np.unique(cases[bad], return_index=True)[1]]  # a borrower's first default counts once
    counted = np.zeros(len(pd))
    counted[firsts] = 1.0
    total = int(counted.sum())
    wanted = max(min(total // EVENTS, BINS), 1)
    step = total / wanted
    place = np.minimum(np.floor((np.cumsum(counted) - counted) / step + 1e-9), wanted - 1)
    starts = np.flatnonzero(np.r_[True, pd[1:] != pd[:-1]])
    tied = np.maximum.reduceat(place, starts)  # the whole of a tie goes up
    return _numbered(np.repeat(tied, np.diff(np.r_[starts, len(pd)])))


def _numbered(place: Floats) -> Numbers:
    return np.unique(place, return_inverse=True)[1].astype(np.int64)


def _drawn(
    label: Numbers, weight: Floats, cases: Numbers, place: Numbers, coverage: float
) -> tuple[Floats, Floats]:
    """Log-odds by bin: the lower quantile of p0 and the upper quantile of p1 over draws of cases."""
    bad = label == 1
    prior = float(np.log(weight[bad].mean() / weight[~bad].mean()))
    count, many = int(place[-1]) + 1, int(cases.max()) + 1
    rng = np.random.default_rng(_SEED)
    lows, highs = np.empty((DRAWS, count)), np.empty((DRAWS, count))
    for draw in range(DRAWS):
        times = np.bincount(rng.integers(0, many, many), minlength=many)[cases]
        sizes = np.bincount(place, times, minlength=count).astype(np.int64)
        events = np.bincount(place, times * bad, minlength=count).astype(np.int64)
        lows[draw], highs[draw] = venn_abers(sizes, events)
    tail = (1 - coverage) / 2
    low, high = np.quantile(lows, tail, axis=0), np.quantile(highs, 1 - tail, axis=0)
    odds = [log_odds_of(np.clip(part, PD_FLOOR, 1 - PD_FLOOR)) + prior for part in (low, high)]
    return odds[0], odds[1]


def venn_abers(sizes: Numbers, events: Numbers) -> tuple[Floats, Floats]:
    """p0 and p1 of each bin (rows and defaults by bin, in order of score) by the library."""
    with np.errstate():  # the library changes numpy's settings when it is imported
        from venn_abers.venn_abers import calc_p0p1, calc_probs

        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # at its last point
            scores = np.repeat(np.arange(len(sizes), dtype=np.float64), sizes)
            label = np.concatenate(
                [np.repeat([1.0, 0.0], [e, n - e]) for n, e in zip(sizes, events, strict=True)]
            )
            p0, p1, points = calc_p0p1(np.column_stack([1 - scores, scores]), label)
            asked: npt.NDArray[Any] = np.arange(len(sizes), dtype=np.float64)
            found = calc_probs(p0, p1, points, np.column_stack([1 - asked, asked]))[1]
    return found[:, 0], found[:, 1]
