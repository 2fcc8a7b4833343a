"""By how much do small segments (sixty institutions) differ from the whole, as far as their few defaults can tell?

Empirical Bayes for random intercepts: `log-odds = pooled + b`, `b ~ N(0, spread²)` over segments. With `l_s(b)` the log likelihood
of segment s at the intercept b, on a fixed grid of b,

    spread = argmax of  sum over s of ln  sum over b of  exp(l_s(b)) N(b; 0, spread²)       (marginal likelihood)
    shift_s = mean, deviation_s = standard deviation of  exp(l_s(b)) N(b; 0, spread²)        (posterior)

so that a segment without any default has a finite shift, a large one keeps its own rate, and where segments do not differ the
spread is zero and nothing moves. Source: Morris, JASA 78 (1983); Gelman and Hill (2007), ch. 12. The likelihood is divided by
the design effect `sum over cases of (sum of w (y - p))² / sum of w p (1 - p)`, a case being all rows of a borrower, so that neither
sampling weights nor repeated months count as evidence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.learning.metrics import Floats, Numbers
from riskengine.scoring.calibration import segment_text

SHIFTS = np.linspace(-4.0, 4.0, 161)
SPREADS = np.array([0.0, *np.linspace(0.05, 1.5, 59)])  # none below a step of the shifts


def codes_of(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Numbers]:
    """The distinct values in order, and for each row the number of its own."""
    distinct, place = np.unique(values, return_inverse=True)
    return distinct, place.astype(np.int64)


def segment_shifts(
    label: Numbers,
    log_odds: Floats,
    weight: Floats,
    segment: npt.NDArray[Any],
    group: Numbers | None = None,
) -> dict[str, Any]:
    """`{"spread", "design_effect", "shifts": {value: shift}, "deviations": {value: deviation}}`, all in log-odds.

    `log_odds` are those of pooled, calibrated PDs; `segment` values (None: unknown, left out); `group` codes of borrowers. With
    fewer than two segments there is nothing to compare: spread 0.
    """
    names = np.array([segment_text(value) or "" for value in segment], dtype=str)
    known = names != ""
    label, log_odds, weight = label[known], log_odds[known], weight[known]
    values, place = codes_of(names[known])
    if len(values) < 2:
        flat = {str(value): 0.0 for value in values}
        return {"spread": 0.0, "design_effect": 1.0, "shifts": flat, "deviations": flat.copy()}
    effect = design_effect(label, log_odds, weight, None if group is None else group[known])
    likelihood = _log_likelihood(label, log_odds, weight / effect, (place, len(values)))
    spread = _spread(likelihood)
    shifts, deviations = _posterior(likelihood, spread)
    return {
        "spread": spread,
        "design_effect": effect,
        "shifts": {str(value): float(b) for value, b in zip(values, shifts, strict=True)},
        "deviations": {str(value): float(d) for value, d in zip(values, deviations, strict=True)},
    }


def design_effect(label: Numbers, log_odds: Floats, weight: Floats, group: Numbers | None = None) -> float:
    """How much larger the variance of the weighted count of defaults is than independent rows of weight one would have."""
    p = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    gap = weight * (label - p)
    cases = gap if group is None else np.bincount(codes_of(group)[1], gap)
    return float((cases * cases).sum() / (weight * p * (1 - p)).sum())


def _log_likelihood(label: Numbers, log_odds: Floats, weight: Floats, of: tuple[Numbers, int]) -> Floats:
    """Segments x shifts: the log likelihood of each segment at each shift, less that at no shift."""
    place, count = of
    bad = np.bincount(place, weight * label, minlength=count)
    base = np.logaddexp(0.0, log_odds)
    made = np.empty((count, len(SHIFTS)))
    for number, shift in enumerate(SHIFTS.tolist()):
        made[:, number] = bad * shift - np.bincount(
            place, weight * (np.logaddexp(0.0, log_odds + shift) - base), minlength=count
        )
    return made


def _prior(spread: float) -> Floats:
    prior = np.exp(-0.5 * (SHIFTS / spread) ** 2)
    return np.asarray(prior / prior.sum(), dtype=np.float64)


def _spread(likelihood: Floats) -> float:
    """The spread of the greatest marginal likelihood; the smallest of equals. At spread 0 the logarithm is 0."""
    top = likelihood.max(axis=1, keepdims=True)
    scaled = np.exp(likelihood - top)
    best, found = 0.0, 0.0
    for spread in SPREADS[1:].tolist():
        value = float((np.log((scaled * _prior(spread)).sum(axis=1)) + top[:, 0]).sum())
        if value > best + 1e-9:
            best, found = value, spread
    return round(found, 6)


def _posterior(likelihood: Floats, spread: float) -> tuple[Floats, Floats]:
    if spread == 0.0:
        return np.zeros(len(likelihood)), np.zeros(len(likelihood))
    mass = np.exp(likelihood - likelihood.max(axis=1, keepdims=True)) * _prior(spread)
    mass /= mass.sum(axis=1, keepdims=True)
    mean = (mass * SHIFTS).sum(axis=1)
    variance = (mass * (SHIFTS - mean[:, None]) ** 2).sum(axis=1)
    return mean, np.array([math.sqrt(value) for value in variance.tolist()])
