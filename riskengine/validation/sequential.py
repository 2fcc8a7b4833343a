"""Of two forecasters judged as outcomes mature, which one is better, if one may look every night and stop when it pleases?

Of guarantee i both gave a PD before anything was known of it, q the challenger's and p the champion's. What the challenger
gained is d = (p - y)^2 - (q - y)^2, the difference of their Brier scores; it lies within +-c, c = |p - q| max(p + q, 2 - p - q),
which is known when both have spoken. Nothing is assumed of how outcomes depend on each other or on the economy: what is
estimated is the mean, over the guarantees matured so far, of what d was to be expected given all that had matured before.
The null hypothesis is that this mean is not above (not below) zero at any time.

For a bet b in [0, 1), exp(b (d - m) / C - psi(b) (d / C)^2) with psi(b) = -ln(1 - b) - b and c <= C has an expectation of at most one
if m is the expectation of d (Fan, Grama and Liu, Electronic J. Probability 20, 2015), so the product over the guarantees is a
wager that nobody can expect to win, at any time; a mixture of wagers is one too. It ever reaches 1/a with a chance of at most a
(Ville). Sources: Choe and Ramdas, Comparing Sequential Forecasters, Operations Research 72 (2024); Howard,
Ramdas, McAuliffe and Sekhon, Annals of Statistics 49 (2021); Waudby-Smith and Ramdas, JRSS B 86 (2024); Henzi and Ziegel,
Biometrika 109 (2022).

*The order is not free.* An outcome enters on the day on which it had to be certain whichever it was (horizon and lag over),
never on the day of its default: before survivors mature there are only defaults, and whoever gives higher PDs would win.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from riskengine.learning.metrics import Floats, Numbers

Decision = Literal["challenger better", "champion better", "not decided yet"]
ALPHA = 0.05
_BETS = np.geomspace(0.002, 0.9, 30)
_PSI = -np.log1p(-_BETS) - _BETS


@dataclass(frozen=True)
class Matured:
    """What matured, in order of maturing (the order within one day may not depend on outcomes).

    `day`: datetime64[D] on which the outcome had to be certain. `champion`, `challenger`: the PDs as published. `label`: 0
    or 1. `weight`: how many cases a row stands for; it may depend on the outcome where the sampling did, and never
    exceeds `heaviest`, which is known beforehand.
    """

    day: npt.NDArray[np.datetime64]
    champion: Floats
    challenger: Floats
    label: Numbers
    weight: Floats
    heaviest: float = 1.0


@dataclass(frozen=True)
class Look:
    """What can be said at the end of one day: `gain` is the champion's mean Brier score less the challenger's.

    `low` to `high` holds the mean gain to be expected, at all looks together, with a chance of at least 1 - alpha. `challenger`
    and `champion` are the e-values for either being better: one of 2/alpha or more decides. `decided` is the verdict of this
    look, `since` the first day on which an e-value was that large (None: never).
    """

    n: int
    defaults: int
    gain: float
    low: float
    high: float
    challenger: float
    champion: float
    decided: Decision
    since: str | None = None


def looks(matured: Matured, alpha: float = ALPHA) -> list[Look]:
    """One look at the end of each day on which something matured; valid together, so that anybody may stop at any of them."""
    gain, bound = gains(matured)
    if not len(gain):
        return []
    scale = largest_so_far(matured.day, bound)
    size = np.minimum(1.0, scale[0] / scale)  # a later, wider bound would change the unit of the bets
    unit = scale[0]
    won = np.cumsum(size * gain) / unit
    spent = np.cumsum((size * gain) ** 2) / unit**2
    mass = np.cumsum(size * matured.weight)
    ends = np.flatnonzero(np.r_[matured.day[1:] != matured.day[:-1], True])
    made: list[Look] = []
    since: str | None = None
    for end in ends:
        good, bad = (wealth(sign * won[end], spent[end]) for sign in (1, -1))
        reach = _radius(spent[end], math.log(2 / alpha)) * unit / mass[end]
        mean = won[end] * unit / mass[end]
        decided: Decision = "not decided yet"
        if max(good, bad) >= math.log(2 / alpha):
            decided = "challenger better" if good > bad else "champion better"
            since = since or str(matured.day[end])
        made.append(
            Look(
                n=int(end) + 1,
                defaults=int(matured.label[: end + 1].sum()),
                gain=float(mean),
                low=float(mean - reach),
                high=float(mean + reach),
                challenger=math.exp(min(good, 700.0)),
                champion=math.exp(min(bad, 700.0)),
                decided=decided,
                since=since,
            )
        )
    return made


def gains(matured: Matured) -> tuple[Floats, Floats]:
    """What the challenger gained on each guarantee, weighted, and the bound of it that was known beforehand."""
    p, q, label = matured.champion, matured.challenger, matured.label
    gain = matured.weight * ((p - label) ** 2 - (q - label) ** 2)
    bound = matured.heaviest * np.abs(p - q) * np.maximum(p + q, 2 - p - q)
    return gain, bound


def largest_so_far(day: npt.NDArray[np.datetime64], bound: Floats) -> Floats:
    """The largest bound of all that had been forecast for this day of maturing or an earlier one: no outcome is in it."""
    last = np.searchsorted(day, day, side="right") - 1
    return np.maximum(np.maximum.accumulate(bound)[last], 1e-9)


def wealth(won: float, spent: float) -> float:
    """The logarithm of the mixture of wagers, in units of the bound: ln mean_b exp(b won - psi(b) spent)."""
    return float(special.logsumexp(_BETS * won - _PSI * spent) - math.log(len(_BETS)))


def _radius(spent: float, log_limit: float) -> float:
    """How far the sum may lie from its expectation before a wager on the difference reaches the limit."""

    def gap(far: float) -> float:
        return wealth(far, spent) - log_limit

    top = 1.0
    while gap(top) < 0:
        top *= 2
    return float(optimize.brentq(gap, 0.0, top, xtol=1e-10))
