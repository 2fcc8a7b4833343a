"""Had the model been wrong by so much, how likely would the test have said so? In closed form.

Sizes may be effective sizes (fractions); exact binomial powers use the whole number below.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from riskengine.learning.metrics import Floats

_FACTOR = np.linspace(
    -8.5, 8.5, 1201
)  # the common factor; the integrands are smooth: the trapezoid rule is exact
_DENSITY = np.exp(-(_FACTOR**2) / 2)
_DENSITY = _DENSITY / _DENSITY.sum()


def auc_error(area: float, defaults: float, survivors: float) -> float:
    """The standard error of an AUC (Hanley and McNeil, Radiology 143, 1982)."""
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (area * (1 - area) + (defaults - 1) * (one - area**2) + (survivors - 1) * (two - area**2)) / (
        defaults * survivors
    )
    return math.sqrt(max(spread, 0.0))


def of_auc(truth: float, null: float, sizes: tuple[float, float], alpha: float = 0.05) -> float:
    """One-sided power to tell an AUC from the null's, with `sizes` defaults and survivors (Hanley and McNeil's errors)."""
    if min(sizes) < 1:
        return 0.0
    room = abs(truth - null) - stats.norm.isf(alpha) * auc_error(null, *sizes)
    error = auc_error(truth, *sizes)
    return float(stats.norm.cdf(room / error)) if error > 0 else float(room > 0)


def of_normal(effect: float, error: float, alpha: float = 0.05, sides: int = 1) -> float:
    """Power of a z-test to see an effect of this size; `sides` 1 or 2."""
    if not error > 0:
        return 0.0
    limit, shift = stats.norm.isf(alpha / sides), abs(effect) / error
    return float(stats.norm.sf(limit - shift) + (stats.norm.cdf(-limit - shift) if sides == 2 else 0.0))


def of_chi2(noncentrality: float, freedom: float, alpha: float = 0.05) -> float:
    """Power of a chi-square test with this noncentrality and degrees of freedom."""
    if not freedom > 0:
        return 0.0
    return float(stats.ncx2.sf(stats.chi2.isf(alpha, freedom), freedom, max(noncentrality, 0.0)))


def tail(defaults: float, size: float, pd: float | Floats) -> Floats:
    """P(at least `defaults` of `size`) if each defaults with `pd`: the binomial tail, continued to fractions."""
    pd = np.asarray(pd, dtype=np.float64)
    if defaults <= 0:
        return np.ones_like(pd)
    return np.asarray(special.betainc(defaults, max(size - defaults, 0.0) + 1, pd), dtype=np.float64)


def conditional_pd(pd: float, correlation: float) -> Floats:
    """The PD under each state of the common factor of the one-factor model (Vasicek, Risk, December 2002)."""
    return np.asarray(
        special.ndtr((special.ndtri(pd) - math.sqrt(correlation) * _FACTOR) / math.sqrt(1 - correlation)),
        dtype=np.float64,
    )


def correlated_tail(defaults: float, size: float, pd: float, correlation: float) -> float:
    """P(at least `defaults` of `size`) in the one-factor model; without correlation the binomial tail."""
    if correlation == 0:
        return float(tail(defaults, size, pd))
    return mean_over_factor(tail(defaults, size, conditional_pd(pd, correlation)))


def mean_over_factor(values: Floats) -> float:
    """The mean of values given at each state of the common factor (see `conditional_pd`)."""
    return float((values * _DENSITY).sum())


def of_binomial(pd: float, truth: float, size: float, alpha: float = 0.05, correlation: float = 0.0) -> float:
    """Exact power of the one-sided binomial test of `pd` if the PD is `truth`, in the one-factor model."""
    whole = math.floor(size)
    critical = _first(lambda count: correlated_tail(count, whole, pd, correlation) <= alpha, whole)
    return correlated_tail(critical, whole, min(truth, 1.0), correlation) if critical <= whole else 0.0


def of_jeffreys(pd: float, truth: float, size: float, alpha: float = 0.05) -> float:
    """Exact power of the one-sided Jeffreys test of `pd` if the PD is `truth`."""
    whole = math.floor(size)
    critical = _first(lambda count: jeffreys(count, whole, pd) <= alpha, whole)
    return float(tail(critical, whole, min(truth, 1.0))) if critical <= whole else 0.0


def jeffreys(defaults: float, size: float, pd: float) -> float:
    """P(PD <= `pd`) under Jeffreys' prior after `defaults` of `size`; small where the PD is too low."""
    return float(special.betainc(defaults + 0.5, max(size - defaults, 0.0) + 0.5, min(max(pd, 0.0), 1.0)))


def jeffreys_interval(defaults: float, size: float) -> tuple[float, float]:
    """The central 95 % of Jeffreys' posterior; its ends are 0 and 1 where there are no defaults or nothing else."""
    rest = max(size - defaults, 0.0) + 0.5
    low, high = (special.betaincinv(defaults + 0.5, rest, chance) for chance in (0.025, 0.975))
    return (0.0 if defaults <= 0 else float(low)), (1.0 if defaults >= size else float(high))


def clopper_pearson(defaults: float, size: float) -> tuple[float, float]:
    """The exact 95 % interval of a rate (Clopper and Pearson, Biometrika 26, 1934), continued to fractions."""
    rest = max(size - defaults, 0.0)
    low = float(special.betaincinv(defaults, rest + 1, 0.025)) if defaults > 0 else 0.0
    high = float(special.betaincinv(defaults + 1, rest, 0.975)) if rest > 0 else 1.0
    return low, high


def _first(enough: Callable[[int], bool], whole: int) -> int:
    """The smallest count from 0 to `whole` that is enough (all above are), or `whole + 1`."""
    low, high = 0, whole + 1
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
