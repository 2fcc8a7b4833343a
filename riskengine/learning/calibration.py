"""How is a raw score turned into a PD that comes true?

Five methods, from the simplest on: `none` (the sigmoid of the raw score), `intercept` (slope one, the level moved to a default
rate), `logistic` (Platt 1999), `beta` (Kull, Silva Filho and Flach, AISTATS 2017), `isotonic` (Zadrozny and Elkan 2002).
`auto` fits each on the earlier as-of days and compares them on the latest by weighted log loss; of those within one standard
error of the best the simplest is taken (Breiman et al. 1984) and refitted on all rows. Sums are taken in the order of the
rows and never by BLAS, so the bits do not depend on the cores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskengine.errors import Problem, QualityGateError
from riskengine.learning.metrics import Floats, Numbers, logistic_fit
from riskengine.learning.segments import codes_of, segment_shifts
from riskengine.learning.spec_blocks import Calibration
from riskengine.scoring.calibration import METHODS, PD_FLOOR, calibrated

LATEST = 0.3  # the share of the events that the latest as-of days hold, on which methods are compared
EVENTS = 30  # defaults and survivors that either part must have
_Z = 1.959963984540054


@dataclass(frozen=True)
class OutOfFold:
    """Rows scored by models that had not seen them, all of one length.

    label 0/1, raw log-odds, weight (cases that a row stands for), as_of days; `segment` values (None: unknown) where segments
    get a shift; `group` (integer codes of borrowers), without which every row counts as a case of its own.
    """

    label: Numbers
    raw: Floats
    weight: Floats
    as_of: npt.NDArray[np.datetime64]
    segment: npt.NDArray[Any] | None = None
    group: Numbers | None = None

    def where(self, chosen: npt.NDArray[np.bool_]) -> OutOfFold:
        """The chosen rows."""
        parts = (self.label, self.raw, self.weight, self.as_of, self.segment, self.group)
        return OutOfFold(*(None if part is None else part[chosen] for part in parts))  # type: ignore[arg-type]

    @property
    def cases(self) -> Numbers:
        """Codes of what is drawn independently: borrowers, or rows where no borrower is named."""
        return np.arange(len(self.label)) if self.group is None else codes_of(self.group)[1]


def choose_calibration(rows: OutOfFold, how: Calibration, level: float | None = None) -> dict[str, Any]:
    """The content of `calibration.json`: the declared method, or with `auto` the one chosen out of time, fitted on all rows.

    `choice` tells what was compared and why this one was taken; `segments` holds the shifts of `how.segment`'s values.
    `level` is a default rate that `intercept` aims at instead of the rows' `long_run_rate` (see `newest_rate`).
    Scores that rank backwards, or cannot be ranked, are a `QualityGateError` whatever the method.
    """
    fit_calibration(rows.label, rows.raw, rows.weight)
    choice = (
        _compared(rows, level)
        if how.method == "auto"
        else {"method": how.method, "why": "declared in the specification", "table": []}
    )
    made = fit_method(choice["method"], rows, level) | {"choice": choice}
    if how.segment and rows.segment is not None:
        odds = log_odds_of(calibrated_rows(made, rows.raw))
        found = segment_shifts(rows.label, odds, rows.weight, rows.segment, rows.group)
        made["segments"] = {"column": how.segment, **found}
    return made


def fit_calibration(label: Numbers, raw: Floats, weight: Floats) -> dict[str, Any]:
    """Weighted logistic calibration (Platt, 1999) on out-of-fold raw scores: `{"method": "logistic", "a", "b"}`.

    A slope that is not above zero (scores that rank backwards) or that does not exist is a `QualityGateError`.
    """
    line = logistic_fit(label, raw, weight)
    if line is None or not line[0] > 0 or not math.isfinite(line[0]):
        got = "none (one class, or all scores equal)" if line is None else f"{line[0]:.6g}"
        raise QualityGateError(
            "The scores cannot be calibrated",
            [
                Problem(
                    "calibration slope", "above zero", got, "Look at the labels and at the features' history"
                )
            ],
        )
    return {"method": "logistic", "a": line[0], "b": line[1]}


def fit_method(method: str, rows: OutOfFold, level: float | None = None) -> dict[str, Any]:
    """One method fitted on all rows: the part of `calibration.json` that `scoring.calibration.calibrated` reads."""
    if method == "logistic":
        return fit_calibration(rows.label, rows.raw, rows.weight)
    if method == "beta":
        return _fit_beta(rows)
    if method == "isotonic":
        return _fit_isotonic(rows)
    if method == "intercept":
        rate = long_run_rate(rows) if level is None else level
        return {"method": "intercept", "b": _start_for(rows, rate), "level": rate}
    return {"method": "none"}


def long_run_rate(rows: OutOfFold) -> float:
    """The mean over calendar years of the weighted default rate, each year once (EBA/GL/2017/16, paragraphs 78 to 81)."""
    years, place = np.unique(rows.as_of.astype("M8[Y]"), return_inverse=True)
    bad = np.bincount(place, rows.weight * rows.label, minlength=len(years))
    return float((bad / np.bincount(place, rows.weight, minlength=len(years))).mean())


def newest_rate(rows: OutOfFold, months: int) -> float:
    """The weighted default rate of the latest `months` calendar months of as-of days."""
    month = rows.as_of.astype("M8[M]").astype(np.int64)
    late = month > month.max() - months
    return float((rows.weight * rows.label)[late].sum() / rows.weight[late].sum())


def calibrated_rows(calibration: dict[str, Any], raw: Floats) -> Floats:
    """The PDs of raw scores, each by the plain scorer's arithmetic."""
    return np.array([calibrated(calibration, value) for value in raw.tolist()], dtype=np.float64)


def log_odds_of(pd: Floats) -> Floats:
    """Log-odds of PDs within (0, 1)."""
    return np.asarray(np.log(pd) - np.log1p(-pd), dtype=np.float64)


def _compared(rows: OutOfFold, level: float | None) -> dict[str, Any]:
    """Which method, why, and the comparison on the latest as-of days: loss, Brier, and each less the best with interval."""
    start = _latest_from(rows)
    late = rows.as_of >= start
    early, last = rows.where(~late), rows.where(late)
    short = [
        f"{name} {_counted(part)}" for name, part in (("earlier", early), ("latest", last)) if _few(part)
    ]
    if short:
        why = f"too few to compare out of time ({', '.join(short)}; {EVENTS} of each are needed): logistic"
        return {"method": "logistic", "why": why, "table": []}
    fit_on = early.label, early.raw, early.weight
    slope = logistic_fit(*fit_on)
    names = [
        name for name in METHODS if (slope is not None and slope[0] > 0) or name in ("none", "intercept")
    ]
    losses, squares = {}, {}
    for name in names:
        pd = calibrated_rows(fit_method(name, early, level), last.raw)
        losses[name] = -np.where(last.label == 1, np.log(pd), np.log1p(-pd))
        squares[name] = (pd - last.label) ** 2
    means = {name: _mean(loss, last.weight) for name, loss in losses.items()}
    best = min(names, key=lambda name: means[name])  # the first, i.e. simplest, of equals
    table: list[dict[str, Any]] = []
    for name in names:
        gap, error = _gap(losses[name] - losses[best], last)
        square, square_error = _gap(squares[name] - squares[best], last)
        table.append(
            {
                "method": name,
                "log_loss": round(means[name], 8),
                "brier": round(_mean(squares[name], last.weight), 8),
                "above_best": round(gap, 8),
                "standard_error": round(error, 8),
                "interval": [round(gap - _Z * error, 8), round(gap + _Z * error, 8)],
                "brier_above_best": round(square, 8),
                "brier_interval": [
                    round(square - _Z * square_error, 8),
                    round(square + _Z * square_error, 8),
                ],
            }
        )
    chosen = next(line["method"] for line in table if line["above_best"] <= line["standard_error"])
    why = f"{best} has the least log loss on the as-of days from {start} on"
    why += "" if chosen == best else f"; {chosen} is the simplest within one standard error of it"
    return {"method": chosen, "why": why, "from": str(start), "rows": len(last.label),
            "events": int(last.label.sum()), "table": table}  # fmt: skip


def _latest_from(rows: OutOfFold) -> np.datetime64:
    """The first of the latest as-of days that together hold at least the share `LATEST` of the events."""
    days, place = np.unique(rows.as_of, return_inverse=True)
    events = np.bincount(place, rows.label, minlength=len(days))
    held = np.cumsum(events[::-1])[::-1] >= LATEST * events.sum()
    found: np.datetime64 = days[np.flatnonzero(held)[-1]]
    return found


def _few(rows: OutOfFold) -> bool:
    events = int(rows.label.sum())
    return events < EVENTS or len(rows.label) - events < EVENTS


def _counted(rows: OutOfFold) -> str:
    return f"{int(rows.label.sum())} defaults in {len(rows.label)} rows"


def _mean(values: Floats, weight: Floats) -> float:
    return float((weight * values).sum() / weight.sum())


def _gap(difference: Floats, rows: OutOfFold) -> tuple[float, float]:
    """A weighted mean of paired differences and its standard error, borrowers independent (linearised ratio)."""
    mean = _mean(difference, rows.weight)
    parts = np.bincount(rows.cases, rows.weight * (difference - mean))
    return mean, math.sqrt(float((parts * parts).sum())) / float(rows.weight.sum())


def _start_for(rows: OutOfFold, rate: float) -> float:
    """The intercept at which the mean PD is `rate`: found by halving, as the mean rises with it."""
    low, high = -60.0, 60.0
    for _ in range(100):
        middle = (low + high) / 2
        pd = 1 / (1 + np.exp(-np.clip(rows.raw + middle, -700, 700)))
        low, high = (middle, high) if _mean(pd, rows.weight) < rate else (low, middle)
    return (low + high) / 2


def _fit_beta(rows: OutOfFold) -> dict[str, Any]:
    """Logistic regression on ln p and -ln(1 - p); a slope below zero is set to zero and the other fitted alone."""
    tail = np.logaddexp(0.0, -np.abs(rows.raw))
    sides = {"a": np.minimum(rows.raw, 0.0) - tail, "b": np.maximum(rows.raw, 0.0) + tail}
    kept = ["a", "b"]
    while True:
        theta = _regressed([sides[name] for name in kept], rows)
        wrong = [name for name, slope in zip(kept, theta, strict=False) if slope < 0]
        if not wrong or len(kept) == 1:
            break
        kept = ["b"] if wrong[0] == "a" else ["a"]
    found = {"a": 0.0, "b": 0.0} | dict(zip(kept, (max(float(slope), 0.0) for slope in theta), strict=False))
    return {"method": "beta", **found, "c": float(theta[-1])}


def _regressed(columns: list[Floats], rows: OutOfFold) -> list[float]:
    """Slopes and intercept of a weighted logistic regression: Newton's method with step halving, a minute ridge."""
    weight = rows.weight / rows.weight.sum()
    centre = [_mean(column, rows.weight) for column in columns]
    scale = [
        math.sqrt(_mean((column - mid) ** 2, rows.weight)) or 1.0
        for column, mid in zip(columns, centre, strict=True)
    ]
    x = [(column - mid) / size for column, mid, size in zip(columns, centre, scale, strict=True)]
    x.append(np.ones(len(rows.label)))
    rate = float((weight * rows.label).sum())
    theta = np.array([0.0] * len(columns) + [math.log(rate / (1 - rate))])
    ridge = np.array(
        [1e-9] * len(columns) + [0.0]
    )  # where the two logarithms are collinear a solution still exists

    def loss(at: Floats) -> float:
        odds = sum(part * column for part, column in zip(at, x, strict=True))
        return float(
            (weight * (np.logaddexp(0.0, odds) - rows.label * odds)).sum() + (ridge * at * at).sum() / 2
        )

    now = loss(theta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(sum(part * c for part, c in zip(theta, x, strict=True)), -700, 700)))
        gap, bend = weight * (p - rows.label), weight * p * (1 - p)
        slope = np.array([(gap * column).sum() for column in x]) + ridge * theta
        hessian = np.array([[(bend * one * two).sum() for two in x] for one in x]) + np.diag(ridge)
        step = np.linalg.solve(hessian, slope)
        size, tried = 1.0, loss(theta - step)
        while size > 1e-6 and tried > now + 1e-15:
            size /= 2
            tried = loss(theta - size * step)
        theta, now = theta - size * step, tried
        if np.abs(step).max() < 1e-9:
            break
    slopes = [float(part / size) for part, size in zip(theta[:-1], scale, strict=True)]
    return [*slopes, float(theta[-1]) - sum(part * mid for part, mid in zip(slopes, centre, strict=True))]


def _fit_isotonic(rows: OutOfFold) -> dict[str, Any]:
    """The least-squares never-falling step function, as points; no block is certain.

    A block without a default is given half of one (one without a survivor loses half): the rate zero of a few rows is no
    knowledge. Points are the first and last score of each block, linear between them.
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression().fit(
        rows.raw, rows.label.astype(np.float64), sample_weight=rows.weight / rows.weight.mean()
    )
    scores = np.asarray(fitted.X_thresholds_, dtype=np.float64)
    pds = np.asarray(fitted.y_thresholds_, dtype=np.float64)
    none, all_ = pds <= 0.0, pds >= 1.0
    if none.any() and not none.all():
        bad = rows.weight[rows.label == 1].mean()
        held = rows.weight[rows.raw <= scores[none][-1]].sum()
        pds = np.where(none, min(bad / 2 / (held + bad), pds[~none][0]), pds)
    if all_.any() and not all_.all():
        good = rows.weight[rows.label == 0].mean()
        held = rows.weight[rows.raw >= scores[all_][0]].sum()
        pds = np.where(all_, max(1 - good / 2 / (held + good), pds[~all_][-1]), pds)
    pds = np.maximum.accumulate(np.clip(pds, PD_FLOOR, 1 - PD_FLOOR))
    return {"method": "isotonic", "scores": scores.tolist(), "pds": pds.tolist()}
