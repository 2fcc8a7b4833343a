"""Between which values do figures lie if other enterprises had come? A percentile bootstrap that draws whole enterprises.

An enterprise's guarantees and nights are not independent of each other, so enterprises are drawn with replacement, each with all
of its tallies (pairs cluster bootstrap: Cameron and Miller, "A practitioner's guide to cluster-robust inference", Journal of Human
Resources 50, 2015, section VI; percentile interval: Efron and Tibshirani, "An introduction to the bootstrap", 1993, ch. 13). What
hits many enterprises at once, a bad year, is not in these intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from riskengine.backtest.track import Floats, Ints
from riskengine.learning.metrics import Estimate


def draws(clusters: int, replicates: int, seed: int) -> Iterator[Floats]:
    """How often each cluster is drawn, one array a replicate."""
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        yield np.bincount(rng.integers(0, clusters, clusters), minlength=clusters).astype(np.float64)


def estimates(
    figures: Callable[[Floats], Floats], clusters: int, replicates: int, seed: int, confidence: float = 0.95
) -> list[Estimate]:
    """Each figure of a weighting of clusters with its percentile interval; one that fewer than half of the draws have has none.

    `figures` maps the clusters' weights to numbers, NaN where there is nothing to divide by.
    """
    whole = figures(np.ones(clusters))
    if not clusters:
        return [Estimate(_number(value)) for value in whole.tolist()]
    drawn = np.array([figures(times) for times in draws(clusters, replicates, seed)])
    return [
        interval(_number(value), column, confidence)
        for value, column in zip(whole.tolist(), drawn.T, strict=True)
    ]


def interval(value: float | None, drawn: Floats, confidence: float = 0.95) -> Estimate:
    """A figure with the quantiles of its draws."""
    known = drawn[np.isfinite(drawn)]
    if value is None or len(known) < len(drawn) / 2:
        return Estimate(value)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high))


def ratio(above: Floats, below: Floats, times: float = 1.0) -> Floats:
    """`times * above / below`, NaN where `below` is zero."""
    made = np.full(above.shape, np.nan)
    np.divide(times * above, below, out=made, where=below > 0)
    return made


def quantiles(values: Floats, weights: Floats, asked: Sequence[float]) -> Floats:
    """The smallest value with at least that share of the weight at or below it (inverted distribution); NaN of nothing.

    `values` in rising order.

    >>> quantiles(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0]), [0.25, 0.5])
    array([1., 3.])
    """
    total = np.cumsum(weights)
    if not len(total) or total[-1] <= 0:
        return np.full(len(asked), np.nan)
    place: Ints = np.searchsorted(total, np.asarray(asked) * total[-1] - 1e-9)
    return np.asarray(values[np.minimum(place, len(values) - 1)], dtype=np.float64)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
