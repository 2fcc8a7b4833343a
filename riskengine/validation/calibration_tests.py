"""Are the PDs true as a whole: level, spread, and how much of the Brier score is which?

Errors are those of totals over borrowers, with weights (see `effective`); components and calibration error have intervals by
cluster bootstrap.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from riskengine.learning.metrics import (
    CLIP,
    Estimate,
    Floats,
    Sample,
    brier,
    calibration_error,
    calibration_table,
    logistic_fit,
)
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import effective, kish_unit, residual_error, totals, unit
from riskengine.validation.lines import Line, Rules, Verdict, verdict
from riskengine.validation.resampling import intervals

_MURPHY = "Murphy, J. Applied Meteorology 12 (1973); within-bin part: Stephenson, Coelho and Jolliffe, Weather and Forecasting 23 (2008)"
_COX = "Cox, Biometrika 45 (1958); Steyerberg, Clinical Prediction Models (2nd ed. 2019)"
_PARTS = {
    "brier_reliability": Words(en="Brier: reliability (lower is better)", zh="Brier：可靠性（越低越好）"),
    "brier_resolution": Words(en="Brier: resolution (higher is better)", zh="Brier：分辨度（越高越好）"),
    "brier_uncertainty": Words(en="Brier: uncertainty (of the outcomes)", zh="Brier：不确定性（结果自身）"),
    "brier_within": Words(en="Brier: what is within the bins", zh="Brier：箱内部分"),
}
_Z95 = 1.959963984540054


class Judged(NamedTuple):
    """The result of one test, before it is told as a line."""

    interval: Estimate
    limit: str
    power: float | None
    effect: str
    verdict: Verdict


def murphy(label: Floats, pd: Floats, weight: Floats, bins: int = 10) -> dict[str, float]:
    """The Brier score in parts over bins: reliability - resolution + uncertainty + within is the score exactly.

    `within` is the spread of the PDs inside the bins less twice their covariance with the outcomes there: zero when a
    bin has one PD.
    """
    score = float(np.average((pd - label) ** 2, weights=weight))
    table = calibration_table(label.astype(np.int64), pd, weight, bins)
    mass, mean, rate = table[:, 0], table[:, 1], table[:, 2]
    whole = float(np.average(label, weights=weight))
    reliability = float(np.average((mean - rate) ** 2, weights=mass))
    resolution = float(np.average((rate - whole) ** 2, weights=mass))
    uncertainty = whole * (1 - whole)
    return {
        "brier_reliability": reliability,
        "brier_resolution": resolution,
        "brier_uncertainty": uncertainty,
        "brier_within": score - (reliability - resolution + uncertainty),
    }


def probabilities(rows: Sample, rules: Rules | None = None) -> list[Line]:
    """Brier with Spiegelhalter's test and Murphy's parts, observed over expected, slope, intercept, calibration error."""
    rules = rules or Rules()
    if not len(rows.label):
        return []
    found = intervals(_figures, rows, rules)
    lines = [
        _line(
            rows,
            "brier",
            Words(en="Brier score", zh="Brier 得分"),
            _spiegelhalter(rows, rules),
            _SPIEGELHALTER,
        )
    ]
    for name, title in _PARTS.items():
        shown = Judged(_holding(found[name]), "none: a part of the Brier score", None, "", "information")
        lines.append(_line(rows, name, title, shown, _MURPHY))
    title = Words(en="Observed over expected defaults", zh="实际违约与预期违约之比")
    lines.append(
        _line(
            rows,
            "calibration_large",
            title,
            _level(rows, rules),
            "Korn and Graubard (1998); Jeffreys interval",
        )
    )
    slope, intercept = _recalibration(rows, rules)
    lines.append(_line(rows, "calibration_slope", Words(en="Calibration slope", zh="校准斜率"), slope, _COX))
    lines.append(
        _line(
            rows,
            "calibration_intercept",
            Words(en="Calibration intercept (slope one)", zh="校准截距（斜率取 1）"),
            intercept,
            _COX,
        )
    )
    title = Words(en="Expected calibration error, ten bins", zh="期望校准误差（十箱）")
    judged = _error(rows, found["calibration_error"], rules)
    lines.append(
        _line(
            rows,
            "calibration_error",
            title,
            judged,
            "Naeini, Cooper and Hauskrecht, AAAI 2015; null quantile by simulation",
        )
    )
    return lines


_SPIEGELHALTER = "Spiegelhalter, Statistics in Medicine 5 (1986); " + _MURPHY


def _spiegelhalter(rows: Sample, rules: Rules) -> Judged:
    """Is the Brier score what true PDs would have? Two-sided."""
    factor = 1 - 2 * rows.pd
    error = residual_error(rows, factor)
    z = float((rows.weight * factor * (rows.label - rows.pd)).sum()) / error if error > 0 else 0.0
    shift = float((rows.weight * factor * rows.pd).sum()) * (rules.pd_ratio - 1)
    seen = power.of_normal(shift, error, rules.alpha, sides=2)
    value = brier(rows.label, rows.pd, rows.weight)
    mass = rows.weight.sum()
    spread = (
        _Z95
        * math.sqrt(float((totals(rows, rows.weight * ((rows.pd - rows.label) ** 2 - value)) ** 2).sum()))
        / mass
    )
    true = float(np.average(rows.pd * (1 - rows.pd), weights=rows.weight))
    p = 2 * float(stats.norm.sf(abs(z)))
    told = p < rules.alpha if _enough(rows, rules) else None
    return Judged(
        Estimate(value, max(value - spread, 0.0), value + spread),
        f"{true:.5f}, what true PDs would have (z {z:.2f}, p {p:.4f})",
        seen,
        f"all PDs {rules.pd_ratio} times too low",
        verdict(told, seen),
    )


def _level(rows: Sample, rules: Rules) -> Judged:
    """Observed over expected, two-sided, Jeffreys on effective counts."""
    expected = float(np.average(rows.pd, weights=rows.weight))
    counts = effective(rows)
    low, high = power.jeffreys_interval(counts.defaults, counts.size)
    below = power.jeffreys(counts.defaults, counts.size, expected)
    p = 2 * min(below, 1 - below)
    seen = power.of_jeffreys(expected, rules.pd_ratio * expected, counts.size, rules.alpha / 2)
    inside = low / expected > 1 / rules.near and high / expected < rules.near
    return Judged(
        Estimate(counts.rate / expected, low / expected, high / expected),
        f"one; tolerated: {1 / rules.near:.3f} to {rules.near:.3f} (p {p:.4f}; effective {counts.defaults:.1f} of {counts.size:.0f})",
        seen,
        f"all PDs {rules.pd_ratio} times too low",
        verdict(p < rules.alpha, seen, inside),
    )


def _recalibration(rows: Sample, rules: Rules) -> tuple[Judged, Judged]:
    odds = _odds(rows.pd)
    limit = f"one; tolerated: {rules.slope:.2f} to {1 / rules.slope:.2f}"
    effect = f"a slope of {rules.slope}"
    fit = logistic_fit(rows.label, odds, rows.weight) if _enough(rows, rules) else None
    if fit is None:
        slope = Judged(Estimate(None), limit, None, effect, "undecidable")
    else:
        error = _slope_error(rows, odds, fit)
        low, high = fit[0] - _Z95 * error, fit[0] + _Z95 * error
        seen = power.of_normal(1 - rules.slope, error, rules.alpha, sides=2)
        told = 2 * float(stats.norm.sf(abs(fit[0] - 1) / error)) < rules.alpha
        slope = Judged(
            Estimate(fit[0], low, high),
            limit,
            seen,
            effect,
            verdict(told, seen, low > rules.slope and high < 1 / rules.slope),
        )
    near = math.log(rules.near)
    limit, effect = f"zero; tolerated: +-{near:.3f}", f"odds {rules.pd_ratio} times too low"
    shift = _intercept(rows, odds) if _enough(rows, rules) else None
    if shift is None:
        return slope, Judged(Estimate(None), limit, None, effect, "undecidable")
    moved = 1 / (1 + np.exp(-(odds + shift)))
    bend = float((rows.weight * moved * (1 - moved)).sum())
    error = (
        residual_error(Sample(rows.label, rows.score, moved, rows.weight, rows.group), np.ones(len(odds)))
        / bend
    )
    seen = power.of_normal(math.log(rules.pd_ratio), error, rules.alpha, sides=2)
    low, high = shift - _Z95 * error, shift + _Z95 * error
    told = 2 * float(stats.norm.sf(abs(shift) / error)) < rules.alpha
    return slope, Judged(
        Estimate(shift, low, high), limit, seen, effect, verdict(told, seen, low > -near and high < near)
    )


def _slope_error(rows: Sample, odds: Floats, fit: tuple[float, float]) -> float:
    """The slope's standard error by the sandwich over groups (Binder, Int. Stat. Review 51, 1983)."""
    true = 1 / (1 + np.exp(-(fit[0] * odds + fit[1])))
    bend = rows.weight * true * (1 - true)
    cross = float((bend * odds).sum())
    hessian = np.array([[float((bend * odds * odds).sum()), cross], [cross, float(bend.sum())]])
    gap = rows.weight * (rows.label - true)
    pulls = [totals(rows, gap * odds), totals(rows, gap)]
    meat = np.array([[float((one * two).sum()) for one in pulls] for two in pulls])
    inverse = np.linalg.inv(hessian)
    return math.sqrt(float((inverse @ meat @ inverse)[0, 0]))


def _intercept(rows: Sample, odds: Floats) -> float:
    """The shift of all log-odds that makes expected equal observed defaults."""
    shift, target = 0.0, float((rows.weight * rows.label).sum())
    for _ in range(100):
        moved = 1 / (1 + np.exp(-np.clip(odds + shift, -700, 700)))
        step = (target - float((rows.weight * moved).sum())) / float(
            (rows.weight * moved * (1 - moved)).sum()
        )
        shift += min(max(step, -2.0), 2.0)
        if abs(step) < 1e-12:
            break
    return shift


def _error(rows: Sample, found: Estimate, rules: Rules) -> Judged:
    """The calibration error against its own 95 % quantile if the PDs were true: it is never zero."""
    table = calibration_table(rows.label, rows.pd, rows.weight)
    each = unit(rows) or kish_unit(rows)
    sizes = np.maximum(np.floor(table[:, 0] / each), 1).astype(np.int64)
    share = table[:, 0] / table[:, 0].sum()
    rng = np.random.default_rng(rules.seed)

    def drawn(pd: Floats) -> Floats:
        rate = rng.binomial(sizes, np.minimum(pd, 1.0), size=(4000, len(sizes))) / sizes
        return np.asarray((np.abs(rate - table[:, 1]) * share).sum(axis=1))

    limit = float(np.quantile(drawn(table[:, 1]), 1 - rules.alpha))
    seen = float((drawn(table[:, 1] * rules.pd_ratio) > limit).mean())
    value = calibration_error(rows.label, rows.pd, rows.weight)
    return Judged(
        _holding(found),
        f"at most {limit:.5f}, the {1 - rules.alpha:.0%} quantile if the PDs were true",
        seen,
        f"all PDs {rules.pd_ratio} times too low",
        verdict(value > limit, seen),
    )


def _holding(found: Estimate) -> Estimate:
    """An interval that holds its value: drawing again adds noise to figures that are squares or distances, so it lies high."""
    if found.value is None or found.low is None or found.high is None:
        return found
    return Estimate(found.value, min(found.low, found.value), max(found.high, found.value))


def _line(rows: Sample, test: str, title: Words, judged: Judged, source: str) -> Line:
    made = judged.interval
    return Line(
        test, "all", title, made.value, made.low, made.high, len(rows.label), int(rows.label.sum()),
        judged.limit, judged.power, judged.effect, judged.verdict, source,
    )  # fmt: skip


def _figures(rows: Sample, weight: Floats) -> dict[str, float | None]:
    used = weight > 0
    label, pd, mass = rows.label[used], rows.pd[used], weight[used]
    made: dict[str, float | None] = {"calibration_error": calibration_error(label, pd, mass)}
    made.update(murphy(label.astype(np.float64), pd, mass))
    return made


def _odds(pd: Floats) -> Floats:
    pd = np.clip(pd, CLIP, 1 - CLIP)
    return np.asarray(np.log(pd) - np.log1p(-pd), dtype=np.float64)


def _enough(rows: Sample, rules: Rules) -> bool:
    return bool(min(rows.label.sum(), (1 - rows.label).sum()) >= rules.fewest)
