"""What is the risk of each month ahead? A discrete-time hazard: trees give one index, a term structure gives the months.

1. A guarantee seen at a month-end is at risk in month k ahead until its event, its exit, or the end of mature follow-up.
   A month that is not mature is no observation, neither of an event nor of a survivor, so the newest months count too.
2. *Baseline*: the rate of events by month ahead and band of months on book, shrunk towards the rate of the whole.
3. *Index*: LightGBM's Poisson trees over the months up to the label's horizon, with the log of a row's cumulated baseline as
   offset. For rare events that is the likelihood of a proportional hazard (Holford, Biometrics 36, 1980; Laird and Olivier,
   JASA 76, 1981): monthly hazards `1 - exp(-exp(baseline + index))`, the complementary log-log link.
4. *Term structure* on out-of-fold indexes, over all months up to `lifetime`: baseline and slope move in straight lines between a
   few months, each band has its own level and tilt (ridge), so that near months may tell the risky apart better than far ones.
   Its level is the calibration: events expected equal events seen, in all and (but for the ridge) in each band.
5. *Exits* (release) by the months that are left to maturity: the competing cause of `scoring.term_structure`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.clock import Span
from riskengine.errors import Problem, QualityGateError
from riskengine.learning import fitting
from riskengine.learning.fitting import Rows
from riskengine.learning.frames import PersonMonths
from riskengine.learning.metrics import Floats, Numbers
from riskengine.learning.spec import ModelSpec
from riskengine.scoring.term_structure import DAYS_A_MONTH

_KNOTS = (1, 3, 6, 12, 24, 36, 60, 120)
_SLOPE_KNOTS = (1, 6, 12, 24, 60)
_CELLS, _PRIOR = 200, 20.0
_RIDGE, _ANCHOR = 4.0, 0.5
_LEAST_SLOPE = 0.05
_EARLIEST_EXIT, _LATEST_EXIT = -24, 60  # months from an exit to maturity


@dataclass(frozen=True)
class Panel:
    """Rows and what was seen of them month by month; `months` months ahead count at most."""

    rows: Rows
    seen: PersonMonths
    band: Numbers
    months: int

    def where(self, chosen: npt.NDArray[Any]) -> Panel:
        """The chosen rows."""
        return Panel(self.rows.where(chosen), self.seen.where(chosen), self.band[chosen], self.months)

    @property
    def last(self) -> Numbers:
        """The last month in which each row was observed at risk (0: in none)."""
        seen = self.seen
        last = np.where(seen.exit > 0, np.minimum(seen.followed, seen.exit), seen.followed)
        return np.asarray(
            np.minimum(np.where(seen.event > 0, np.minimum(last, seen.event), last), self.months)
        )

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Whether the event was seen in that last month."""
        failed: npt.NDArray[np.bool_] = (self.seen.event > 0) & (self.seen.event == self.last)
        return failed


def panel(spec: ModelSpec, rows: Rows, seen: PersonMonths) -> Panel:
    """The rows as a panel, in their bands of months on book."""
    assert spec.hazard is not None
    age = rows.matrix[:, spec.features.index(spec.hazard.age)]
    bands = np.asarray(spec.hazard.bands, dtype=np.float64)
    known = np.searchsorted(bands, np.nan_to_num(age), side="left")
    band = np.where(np.isnan(age), len(bands) // 2, known).astype(np.int64)
    return Panel(rows, seen, band, months(spec.hazard.lifetime))


def months(span: str) -> int:
    """The whole months of a span such as 12m or 3y."""
    return Span.parse(span).months


def fit_index(spec: ModelSpec, seen: Panel) -> Any:
    """The booster of the index: Poisson trees with the cumulated baseline as offset, over the label's horizon."""
    observed = in_horizon(spec, seen)
    weight = observed.rows.weight / observed.rows.weight.mean()
    rates = baseline(*tallies(observed, weight, int(observed.band.max()) + 1))
    offset = np.log(exposure(rates)[observed.band, observed.last])
    taught = replace(observed.rows, label=observed.failed.astype(np.int64))
    return fitting.fit(index_parameters(spec), spec.lightgbm.rounds, taught, spec.features, offset)


def index_parameters(spec: ModelSpec) -> dict[str, Any]:
    """LightGBM's parameters of the index."""
    return fitting.parameters(spec) | {"objective": "poisson", "boost_from_average": False}


def in_horizon(spec: ModelSpec, seen: Panel) -> Panel:
    """What the index learns from: the months up to the label's horizon, of the rows that were seen in one at least."""
    near = replace(seen, months=months(spec.label.horizon))
    return near.where(near.last > 0)


def exposure(rates: Floats) -> Floats:
    """The baseline (bands x months) cumulated over the months seen: bands x months + 1, of which the first is 0."""
    return np.concatenate([np.zeros((len(rates), 1)), np.cumsum(rates, axis=1)], axis=1)


def term_structure(spec: ModelSpec, seen: Panel, index: Floats) -> dict[str, Any]:
    """The content of `calibration.json` from out-of-fold indexes: months x bands of log hazards, slopes, exits.

    A slope of the first months that is not above zero (an index that ranks backwards) is a `QualityGateError`.
    """
    hazard = spec.hazard
    assert hazard is not None
    bands = len(hazard.bands) + 1
    cells = _cells(seen, index)
    theta = _fitted(cells, bands, seen.months)
    slopes = _slope_basis(seen.months) @ theta[_base_size(seen.months, bands) :]
    if not slopes[0] > 0:
        raise QualityGateError(
            "The hazards cannot be calibrated",
            [
                Problem(
                    "slope of the first month",
                    "above zero",
                    f"{slopes[0]:.6g}",
                    "Look at labels and features",
                )
            ],
        )
    base = theta[: _base_size(seen.months, bands)]
    table = [
        (_base_rows(np.arange(1, seen.months + 1), np.full(seen.months, band), bands, seen.months) @ base)
        for band in range(bands)
    ]
    place = {name: number for number, name in enumerate(spec.features)}
    return {
        "method": "hazard",
        "horizon": months(spec.label.horizon),
        "age": place[hazard.age],
        "bands": list(hazard.bands),
        "baseline": [[round(float(value), 12) for value in line] for line in table],
        "slope": [round(float(max(value, _LEAST_SLOPE)), 12) for value in slopes],
        "remaining": place[hazard.remaining] if hazard.remaining else None,
        "exits": _exit_table(seen, place[hazard.remaining]) if hazard.remaining else [],
    }


def incidence(term: dict[str, Any], index: Floats, matrix: Floats, month: int) -> Floats:
    """`scoring.term_structure.cumulative` at one month for many rows at once (equal to about 1e-15, not to the bit)."""
    age = matrix[:, term["age"]]
    bands = np.asarray(term["bands"], dtype=np.float64)
    band = np.where(
        np.isnan(age), len(bands) // 2, np.searchsorted(bands, np.nan_to_num(age), side="left")
    ).astype(int)
    baseline = np.asarray(term["baseline"], dtype=np.float64)
    leaving = _leaving(term, matrix)
    alive, default = np.ones(len(index)), np.zeros(len(index))
    for k in range(month):
        rate = -np.expm1(-np.exp(np.minimum(baseline[band, k] + term["slope"][k] * index, 3.0)))
        default += alive * rate
        alive *= (1 - rate) * (1 - leaving[:, k])
    return default


def _leaving(term: dict[str, Any], matrix: Floats) -> Floats:
    if not term["exits"]:
        return np.zeros((len(matrix), len(term["slope"])))
    table = np.asarray(term["exits"], dtype=np.float64)
    days = matrix[:, term["remaining"]]
    left = np.clip(np.floor(np.nan_to_num(days) / DAYS_A_MONTH), 0, len(table) - 1).astype(int)
    return np.where(np.isnan(days)[:, None], 0.0, table[left])


def tallies(seen: Panel, weight: Floats, bands: int) -> tuple[Floats, Floats]:
    """By band and last month seen (from 0; bands x months + 1): the weight of the rows, and of those that failed in it.

    Those of parts add up to those of the whole.
    """
    size, last, failed = seen.months, seen.last, seen.failed
    ended, events = np.zeros((bands, size + 1)), np.zeros((bands, size + 1))
    for band in range(bands):
        inside = seen.band == band
        ended[band] = np.bincount(last[inside], weight[inside], minlength=size + 1)
        events[band] = np.bincount(last[inside & failed], weight[inside & failed], minlength=size + 1)
    return ended, events


def baseline(ended: Floats, failed: Floats) -> Floats:
    """Rates by band and month ahead from tallies: each month's pooled rate times the band's ratio, both shrunk by a few events."""
    risk = np.ascontiguousarray(np.cumsum(ended[:, ::-1], axis=1)[:, ::-1][:, 1:])
    events = np.ascontiguousarray(failed[:, 1:])
    whole = events.sum() / max(risk.sum(), 1e-9)
    by_month = (events.sum(axis=0) + _PRIOR) / (risk.sum(axis=0) + _PRIOR / max(whole, 1e-9))
    expected = (risk * by_month).sum(axis=1)
    ratio = (events.sum(axis=1) + _PRIOR) / (expected + _PRIOR)
    return np.asarray(ratio[:, None] * by_month, dtype=np.float64)


@dataclass(frozen=True)
class _Cells:
    """Person-months that look alike: month ahead, band, mean index, how many (weighted), events among them."""

    month: Numbers
    band: Numbers
    index: Floats
    risk: Floats
    events: Floats


def _cells(seen: Panel, index: Floats) -> _Cells:
    weight = seen.rows.weight / seen.rows.weight.mean()
    edges = np.unique(np.quantile(index, np.arange(1, _CELLS) / _CELLS))
    bins = np.searchsorted(edges, index, side="left")
    bands = int(seen.band.max()) + 1
    group = bins * bands + seen.band
    size = (len(edges) + 1) * bands
    total = np.bincount(group, weight, minlength=size)
    mean = np.bincount(group, weight * index, minlength=size) / np.maximum(total, 1e-300)
    last, failed = seen.last, seen.failed
    risk, events = np.zeros((size, seen.months)), np.zeros((size, seen.months))
    for month in range(1, seen.months + 1):
        risk[:, month - 1] = np.bincount(group[last >= month], weight[last >= month], minlength=size)
        now = failed & (last == month)
        events[:, month - 1] = np.bincount(group[now], weight[now], minlength=size)
    where, ahead = np.nonzero(risk > 0)
    return _Cells(ahead + 1, where % bands, mean[where], risk[where, ahead], events[where, ahead])


def _fitted(cells: _Cells, bands: int, size: int) -> Floats:
    """Ridge maximum likelihood of the grouped complementary log-log model by Newton's method; sums, no BLAS products."""
    base = _base_rows(cells.month, cells.band, bands, size)
    slope = _slope_basis(size)[cells.month - 1] * cells.index[:, None]
    design = np.concatenate([base, slope], axis=1)
    penalty = np.full(design.shape[1], _ANCHOR)  # months in which nobody is left keep near the mean hazard
    penalty[len(_knots(size)) : base.shape[1]] = _RIDGE
    penalty[base.shape[1] :] = _RIDGE / 4  # slopes are held near one another: see `target`
    target = np.zeros(design.shape[1])
    target[base.shape[1] :] = 1.0
    target[: len(_knots(size))] = np.log(max(cells.events.sum(), 0.5) / cells.risk.sum())
    theta = target.copy()
    for _ in range(60):
        eta = np.clip(np.einsum("ij,j->i", design, theta), -40, 3)
        rate = np.exp(eta)
        # Poisson form of the likelihood: exact to second order in hazards that are per cent, and always concave.
        gap = cells.events - cells.risk * rate
        slope_of = np.einsum("ij,i->j", design, gap) - penalty * (theta - target)
        bend = np.einsum("ij,i,ik->jk", design, cells.risk * rate, design, optimize=False) + np.diag(
            penalty + 1e-9
        )
        step = np.linalg.solve(bend, slope_of)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        theta = theta + step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(theta, dtype=np.float64)


def _knots(size: int) -> list[int]:
    return [knot for knot in _KNOTS if knot < size] + [size]


def _base_size(size: int, bands: int) -> int:
    return len(_knots(size)) + 2 * bands


def _base_rows(month: npt.NDArray[Any], band: npt.NDArray[Any], bands: int, size: int) -> Floats:
    """Hat functions of the month, then each band's level and tilt (from the first month to the second year)."""
    hats = _hats(month, _knots(size))
    own = np.zeros((len(month), 2 * bands))
    rows = np.arange(len(month))
    own[rows, band] = 1.0
    own[rows, bands + band] = np.minimum(month, 24) / 24 - 0.5
    return np.concatenate([hats, own], axis=1)


def _slope_basis(size: int) -> Floats:
    knots = [knot for knot in _SLOPE_KNOTS if knot < size] + [size]
    return _hats(np.arange(1, size + 1), knots)


def _hats(month: npt.NDArray[Any], knots: list[int]) -> Floats:
    """Piecewise straight lines: each column is one at its knot and zero at the others."""
    eye = np.eye(len(knots))
    return np.column_stack([np.interp(month, knots, eye[number]) for number in range(len(knots))])


def _exit_table(seen: Panel, remaining: int) -> list[list[float]]:
    """The chance of leaving in month k ahead, by whole months to maturity on the as-of day (0, 1, … rows)."""
    days = seen.rows.matrix[:, remaining]
    known = np.isfinite(days)
    left = np.clip(np.floor(np.nan_to_num(days) / DAYS_A_MONTH), 0, _LATEST_EXIT).astype(int)
    weight = seen.rows.weight / seen.rows.weight.mean()
    last, exits = seen.last, (seen.seen.exit > 0) & (seen.seen.exit == seen.last) & ~seen.failed
    span = _LATEST_EXIT - _EARLIEST_EXIT + 1
    risk, gone = np.zeros(span), np.zeros(span)
    for month in range(1, seen.months + 1):  # at maturity minus k months, counted from the earliest
        place = np.clip(left - month - _EARLIEST_EXIT, 0, span - 1)
        here = known & (last >= month)
        risk += np.bincount(place[here], weight[here], minlength=span)
        now = here & exits & (last == month)
        gone += np.bincount(place[now], weight[now], minlength=span)
    whole = gone.sum() / max(risk.sum(), 1e-9)
    rate = (gone + 2 * whole) / (risk + 2)
    rows = np.arange(_LATEST_EXIT + 1)[:, None] - np.arange(1, seen.months + 1)[None, :]
    table = rate[np.clip(rows - _EARLIEST_EXIT, 0, span - 1)]
    return [[round(float(value), 9) for value in line] for line in table]
