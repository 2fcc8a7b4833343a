"""Into which bins does a feature fall so that each step up tells of more (or of less) risk, and how much does each tell?

Fine cuts come from a small weighted tree (CART), the best way to join them under the declared trend from optbinning
(Navas-Palencia, "Optimal binning: mathematical programming formulation", arXiv:2001.08025), missing values have a
bin of their own. Weight of evidence here is `ln(share of defaults / share of survivors)`: positive is riskier (Siddiqi,
Credit Risk Scorecards, 2006, ch. 5, writes it the other way round).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from riskengine.errors import Problem, QualityGateError
from riskengine.learning.metrics import Floats, Numbers
from riskengine.scoring.trees import ZERO

_FINE, _MOST = 16, 8
_SECONDS = (
    600  # a thousandfold of the half second it takes; who needs more is refused, never given other bins
)
_LARGEST = 1e30  # the tree of the fine cuts adds up in single precision
_SCALE = 1e7  # optbinning counts in whole cases: weighted counts are written finely enough
_UNFINISHED = ("FEASIBLE", "UNKNOWN")  # CP-SAT ran out of time, with or without some answer
_TRENDS = {1: "ascending", -1: "descending", 0: "auto_heuristic"}


@dataclass(frozen=True)
class Bins:
    """One feature's bins: bin i holds `edges[i-1] < value <= edges[i]`, one more above the last edge, the last: missing.

    `evidence`, `mass` (weighted share of rows), `rate` (weighted share of defaults; None where empty), `rows` and
    `events` have one entry a bin. `how`: `optimal`, `pooled` (no binning answers the optimiser's conditions: the neighbours
    most alike were joined to at most eight, then those that break the trend), or `one bin` (nothing to tell apart).
    """

    feature: str
    edges: tuple[float, ...]
    evidence: tuple[float, ...]
    mass: tuple[float, ...]
    rate: tuple[float | None, ...]
    rows: tuple[int, ...]
    events: tuple[int, ...]
    how: str

    def places(self, values: Floats) -> Numbers:
        """The bin of each value; magnitudes up to 1e-35 are zero, as in the trees."""
        return places(self.edges, values)

    def of(self, values: Floats) -> Floats:
        """The weight of evidence of each value."""
        return np.asarray(self.evidence, dtype=np.float64)[self.places(values)]

    @property
    def information(self) -> float:
        """Information value: the sum over bins of (share of defaults - share of survivors) x weight of evidence."""
        mass = np.array(self.mass)
        rate = np.array([part or 0.0 for part in self.rate])
        bad, good = mass * rate, mass * (1 - rate)
        if not bad.sum() > 0 or not good.sum() > 0:
            return 0.0
        return float(((bad / bad.sum() - good / good.sum()) * np.array(self.evidence)).sum())


def optimal_bins(feature: str, values: Floats, label: Numbers, weight: Floats, direction: int = 0) -> Bins:
    """The bins of one feature on weighted rows; `direction` 1: risk may only rise with it, -1: only fall, 0: as it is.

    The same on every machine: one that is too slow for the optimiser is refused with a `QualityGateError`.
    """
    weight = weight / weight.mean()
    fine = _fine_cuts(values, label, weight)
    edges, how = fine, "one bin"
    if len(fine):
        bad, good = _counts(fine, values, label, weight)
        edges, how = _joined(feature, fine, (bad[:-1], good[:-1]), direction)
    return _told(
        feature, _kept_trend(edges, values, (label, weight), direction), values, (label, weight), how
    )


def places(edges: tuple[float, ...], values: Floats) -> Numbers:
    """The bin of each value under these edges; NaN has the last."""
    missing = np.isnan(values)
    known = np.where(missing | (np.abs(values) <= ZERO), 0.0, values)
    place = np.searchsorted(np.asarray(edges, dtype=np.float64), known, side="left")
    place[missing] = len(edges) + 1
    return np.asarray(place, dtype=np.int64)


def _fine_cuts(values: Floats, label: Numbers, weight: Floats) -> tuple[float, ...]:
    """Thresholds of a weighted tree on the known values, each leaf with at least 0.5 % of the rows and 50."""
    known = ~np.isnan(values)
    least = max(50, int(known.sum()) // 200)
    if known.sum() < 2 * least or len(np.unique(label[known])) < 2:
        return ()
    tree = DecisionTreeClassifier(max_leaf_nodes=_FINE, min_samples_leaf=least, random_state=0)
    seen = np.clip(values[known], -_LARGEST, _LARGEST).reshape(-1, 1)
    tree.fit(seen, label[known], sample_weight=weight[known])
    found = tree.tree_.threshold[tree.tree_.feature >= 0]
    return tuple(sorted({0.0 if abs(cut) <= ZERO else float(cut) for cut in found}))


def _joined(
    feature: str, fine: tuple[float, ...], counts: tuple[Floats, Floats], direction: int
) -> tuple[tuple[float, ...], str]:
    """The fine cuts that the best monotone binning keeps, by information value; `pooled` where it finds none."""
    bad, good = counts
    kept = _both_outcomes(bad, good)
    cuts = tuple(fine[cut] for cut in kept)
    if not cuts:
        return (), "one bin"
    bad, good = _added(bad, kept), _added(good, kept)
    size = len(bad)
    scale = _SCALE / (bad.sum() + good.sum())
    middle = np.arange(size, dtype=np.float64)
    solver = _library()(
        dtype="numerical",
        solver="cp",
        user_splits=[place + 0.5 for place in range(size - 1)],
        monotonic_trend=_TRENDS[direction],
        max_n_bins=_MOST,
        time_limit=_SECONDS,
    )
    try:
        solver.fit(
            np.r_[middle, middle],
            np.r_[np.ones(size, dtype=np.int64), np.zeros(size, dtype=np.int64)],
            sample_weight=np.maximum(np.rint(np.r_[bad, good] * scale), 1.0),
        )
    except (ValueError, RuntimeError):
        return _most_alike_joined(cuts, bad, good), "pooled"
    if solver.status in _UNFINISHED:
        got = f"{solver.status} after {_SECONDS} s"
        hint = "This machine is too slow or too busy: other bins here than elsewhere would be another scorecard. Train again"
        raise QualityGateError("The bins are not known", [Problem(feature, "its best bins", got, hint)])
    if solver.status != "OPTIMAL":
        return _most_alike_joined(cuts, bad, good), "pooled"
    return tuple(cuts[int(place)] for place in np.floor(solver.splits)), "optimal"


def _most_alike_joined(cuts: tuple[float, ...], bad: Floats, good: Floats) -> tuple[float, ...]:
    """Join the neighbours whose evidence differs least until there are at most `_MOST` bins."""
    while len(cuts) >= _MOST:
        place = int(np.argmin(np.abs(np.diff(_evidence(bad, good)))))
        cuts = cuts[:place] + cuts[place + 1 :]
        kept = [cut for cut in range(len(bad) - 1) if cut != place]
        bad, good = _added(bad, kept), _added(good, kept)
    return cuts


def _both_outcomes(bad: Floats, good: Floats) -> list[int]:
    """Cuts such that each bin between them has defaults and survivors (of the optimiser's finest unit at least)."""
    kept: list[int] = []
    least = (bad.sum() + good.sum()) / _SCALE
    start = 0
    for cut in range(len(bad) - 1):
        sides = [(part[start : cut + 1].sum(), part[cut + 1 :].sum()) for part in (bad, good)]
        if all(low > least and high > least for low, high in sides):
            kept.append(cut)
            start = cut + 1
    return kept


def _added(counts: Floats, cuts: list[int]) -> Floats:
    starts = [0, *(cut + 1 for cut in cuts)]
    return np.asarray(np.add.reduceat(counts, starts), dtype=np.float64)


def _kept_trend(
    edges: tuple[float, ...], values: Floats, seen: tuple[Numbers, Floats], direction: int
) -> tuple[float, ...]:
    """Join neighbours whose (smoothed) evidence breaks the declared direction, until none does."""
    while direction and edges:
        bad, good = _counts(edges, values, *seen)
        steps = np.diff(_evidence(bad, good)[:-1]) * direction
        worst = int(np.argmin(steps))
        if steps[worst] >= 0:
            break
        edges = edges[:worst] + edges[worst + 1 :]
    return edges


def _told(
    feature: str, edges: tuple[float, ...], values: Floats, seen: tuple[Numbers, Floats], how: str
) -> Bins:
    label, weight = seen
    bad, good = _counts(edges, values, label, weight)
    place = places(edges, values)
    size = len(edges) + 2
    total = bad + good
    rate = np.divide(bad, total, out=np.zeros(size), where=total > 0)
    return Bins(
        feature,
        edges,
        tuple(_evidence(bad, good).tolist()),
        tuple((total / total.sum()).tolist()),
        tuple(float(part) if mass > 0 else None for part, mass in zip(rate, total, strict=True)),
        tuple(np.bincount(place, minlength=size).tolist()),
        tuple(np.bincount(place, label, minlength=size).astype(int).tolist()),
        how if edges else "one bin",
    )


def _counts(
    edges: tuple[float, ...], values: Floats, label: Numbers, weight: Floats
) -> tuple[Floats, Floats]:
    """Weighted defaults and survivors by bin, the missing ones last."""
    place, size = places(edges, values), len(edges) + 2
    bad, good = np.bincount(place, weight * label, size), np.bincount(place, weight * (1 - label), size)
    return np.asarray(bad, dtype=np.float64), np.asarray(good, dtype=np.float64)


def _evidence(bad: Floats, good: Floats) -> Floats:
    """Weight of evidence by bin, after half a case of the rarer outcome was added to each at the whole's rate.

    An empty bin tells nothing (0); a bin without defaults tells a finite amount.
    """
    rate = float(bad.sum() / (bad.sum() + good.sum()))
    more = 0.5 / min(rate, 1 - rate)
    bad, good = bad + more * rate, good + more * (1 - rate)
    return np.asarray(np.log(bad / good) - np.log(rate / (1 - rate)), dtype=np.float64)


def _library() -> Any:
    """optbinning's class; imported when first asked for: it is heavy."""
    with _without_solver_notices():
        from optbinning import OptimalBinning
    return OptimalBinning


@contextmanager
def _without_solver_notices() -> Iterator[None]:
    """Importing optbinning imports cvxpy, which tells stderr that its solver HIGHS clashes with ortools': we use neither."""
    log = logging.getLogger("__cvxpy__")

    def silent(record: logging.LogRecord) -> bool:
        return "importing solver" not in record.getMessage()

    log.addFilter(silent)
    try:
        yield
    finally:
        log.removeFilter(silent)
