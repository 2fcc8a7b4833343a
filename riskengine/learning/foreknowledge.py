"""What does a feature tell that only the future knows? The evidence, and tests on it, none of which needs a store.

Each test has a null that an honest feature meets, however strong it is:

- `gain_in_a_month`: what is learned in one month about an outcome that is still far away is little;
- `knows_the_day`: among those that failed, an honest value agrees with the day of failure no more often than by chance;
- `pure_share`: an honest signal is never (almost) always right;
- `echo`: an honest rate does not follow the labels of its own rows more closely than chance allows;
- `stratified`: what is done to the records of the failed after they failed is also done to the others' (Mantel-Haenszel).

All tests are unweighted: they ask whether a field knows, not how much of the population it concerns, and a sample that
was drawn by outcome leaves AUCs, permutations and the odds of a rewriting as they are. `pure_share` alone depends on the
share of defaults; it is judged against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import chi2

from riskengine.learning.fitting import Flags
from riskengine.learning.metrics import Floats, Numbers, auc

DAYS_A_MONTH = 30.4375
_UNITS = ((1.0, 1.5), (DAYS_A_MONTH, 16.0))  # days a unit of the value, and what still agrees
_SHUFFLES = 20
_FEWEST = 30
_FEWEST_PURE, _PURE, _PURE_LOW, _PURE_ODDS = 25, 0.85, 0.65, 20.0
_FEWEST_VALUES = 6


@dataclass(frozen=True)
class FieldChange:
    """What happened to a source column after the outcomes: marked rows and rows, failed and others; the test's result."""

    source: str
    column: str
    kind: str  # "rewritten" | "arrived late"
    features: tuple[str, ...]
    bad: tuple[int, int]
    good: tuple[int, int]
    gap: float
    z: float


@dataclass(frozen=True)
class Hindsight:
    """Evidence on sampled rows: features now and a month later (n x k), label, days to the event and of age (NaN: none)."""

    names: tuple[str, ...]
    now: Floats
    later: Floats
    label: Numbers
    lead: Floats
    age: Floats
    group: Numbers
    horizon: int  # days
    fields: tuple[FieldChange, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # feature -> "source.column" it is made from


@dataclass(frozen=True)
class Match:
    """The share of failed rows whose value tells the day of failure, and the share that chance would bring."""

    share: float
    chance: float
    z: float


def gain_in_a_month(label: Numbers, now: Floats, later: Floats) -> tuple[float, float]:
    """AUC of the later scores less that of the present ones on the same rows, and its standard error (paired DeLong 1988)."""
    bad, good = label == 1, label == 0
    if bad.sum() < 2 or good.sum() < 2:
        return 0.0, math.inf
    above = _placements(later[bad], later[good]) - _placements(now[bad], now[good])
    below = _placements(later[good], later[bad]) - _placements(now[good], now[bad])
    error = math.sqrt(float(above.var(ddof=1)) / int(bad.sum()) + float(below.var(ddof=1)) / int(good.sum()))
    return float(above.mean()), error


def knows_the_day(value: Floats, lead: Floats, age: Floats, seed: int = 5) -> Match:
    """Whether values of failed rows agree with their days to the event or with their life (`age + lead`), in any unit.

    `lead` and `age` in days, one for each failed row; the chance is that of leads dealt anew among rows of like value
    and age, so that an honest term to maturity, near which claims cluster, has the same chance as agreement.
    """
    seen = np.isfinite(value) & np.isfinite(lead)
    best = Match(0.0, 0.0, 0.0)
    if seen.sum() < _FEWEST or len(np.unique(value[seen])) < 5:
        return best
    value, lead, age = np.abs(value[seen]), lead[seen], np.nan_to_num(age[seen])
    rng = np.random.default_rng(seed)
    dealt = [rng.permutation(lead) for _ in range(_SHUFFLES)]
    for unit, agrees in _UNITS:
        for known in (np.zeros(len(lead)), age):
            share = float((np.abs(value * unit - known - lead) <= agrees).mean())
            chance = float(np.mean([(np.abs(value * unit - known - one) <= agrees).mean() for one in dealt]))
            z = (share - chance) / math.sqrt(max(chance * (1 - chance), 1 / len(lead)) / len(lead))
            if share - chance > best.share - best.chance:
                best = Match(share, chance, z)
    return best


def tells_the_order(value: Floats, lead: Floats) -> float:
    """How well a value orders the failed rows by their days to the event: Spearman's correlation, absolute, 0 to 1."""
    seen = np.isfinite(value) & np.isfinite(lead)
    if seen.sum() < _FEWEST or np.ptp(value[seen]) == 0 or np.ptp(lead[seen]) == 0:
        return 0.0
    one, other = _ranks(value[seen]), _ranks(lead[seen])
    return abs(float(np.corrcoef(one, other)[0, 1]))


def pure_share(code: Numbers, label: Numbers) -> float:
    """The largest share of failed rows in any value or bin that is too pure to be honest, 0 where none is.

    Too pure: 85 % of its rows failed (25 of them at least), and the lower limit (Wilson 1927, 99.9 %) has odds of 20 times
    those of all rows, and of 65 % at least. The best honest signals, an overdue of months, leave every third row alive.
    """
    times = np.bincount(code).astype(np.float64)
    events = np.bincount(code, label).astype(np.float64)
    kept = events >= _FEWEST_PURE
    if not kept.any() or not 0 < label.mean() < 1:
        return 0.0
    share, low = events[kept] / times[kept], wilson_low(events[kept], times[kept])
    odds = _PURE_ODDS * float(label.mean()) / (1 - float(label.mean()))
    impure = (share < _PURE) | (low < _PURE_LOW) | (low < odds / (1 + odds))
    return float(np.where(impure, 0, share).max())


def echo(value: Floats, label: Numbers) -> float:
    """How likely an honest value would follow the label so closely: the chance of so small a spread, 1 where it is not asked.

    A rate that was computed with the row's own label agrees with the share of failed rows among equal values better than
    any forecast could: what is left of a straight line through these shares is less than binomial (lower tail of chi-square).
    """
    seen = np.isfinite(value)
    unique, place, times = np.unique(value[seen], return_inverse=True, return_counts=True)
    events = np.bincount(place, label[seen], minlength=len(unique))
    rate = float(label[seen].mean()) if seen.any() else 0.0
    kept = (times * min(rate, 1 - rate) >= 3) & (events > 0) & (events < times)
    if kept.sum() < _FEWEST_VALUES or np.std(events[kept] / times[kept]) == 0:
        return 1.0
    x, share, size = unique[kept], events[kept] / times[kept], times[kept]
    weight = size / (share * (1 - share))
    x = x - np.average(x, weights=weight)
    centred = share - np.average(share, weights=weight)
    slope = float((weight * x * centred).sum() / max((weight * x * x).sum(), 1e-300))
    left = float((weight * (centred - slope * x) ** 2).sum())
    return float(chi2.cdf(left, int(kept.sum()) - 2))


def wilson_low(events: Floats, times: Floats, z: float = 3.29) -> Floats:
    """The lower limit of a share (Wilson 1927)."""
    share = events / times
    middle = share + z * z / (2 * times)
    reach = z * np.sqrt(share * (1 - share) / times + z * z / (4 * times * times))
    return np.asarray((middle - reach) / (1 + z * z / times), dtype=np.float64)


def stratified(flag: Flags, label: Numbers, stratum: Numbers) -> tuple[float, float]:
    """How much more often the flag is set for failed rows, within strata: risk difference and z (Mantel, Haenszel 1959)."""
    size = int(stratum.max()) + 1 if len(stratum) else 1
    bad, good = (np.bincount(stratum, label == side, minlength=size).astype(np.float64) for side in (1, 0))
    hit = np.bincount(stratum, flag & (label == 1), minlength=size).astype(np.float64)
    other = np.bincount(stratum, flag & (label == 0), minlength=size).astype(np.float64)
    kept = (bad > 0) & (good > 0)
    bad, good, hit, other = bad[kept], good[kept], hit[kept], other[kept]
    total, marked = bad + good, hit + other
    if not len(total):
        return 0.0, 0.0
    spread = (bad * good * marked * (total - marked) / (total**2 * np.maximum(total - 1, 1))).sum()
    weight = bad * good / total
    gap = float((weight * (hit / bad - other / good)).sum() / weight.sum())
    if spread <= 0:
        return gap, 0.0
    return gap, float((hit - bad * marked / total).sum() / math.sqrt(spread))


def separates(label: Numbers, score: Floats) -> float:
    """The AUC of a score, 0.5 where it does not exist."""
    return auc(label, score) or 0.5


def _placements(points: Floats, others: Floats) -> Floats:
    others = np.sort(others)
    low, high = np.searchsorted(others, points, "left"), np.searchsorted(others, points, "right")
    return np.asarray((low + high) / 2 / len(others), dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1) / 2)[place], dtype=np.float64)
