"""Does the score still tell who defaults from who does not, and does it do so less well than when it was made?

Intervals: cluster bootstrap of borrowers. Tests: the AUC's error by Obuchowski's clustered placements, which without weights
and with one row a borrower is DeLong's. Everything counts sampling weights.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from riskengine.learning.metrics import Estimate, Floats, Numbers, Sample, auc, delong, ks
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import kish, totals
from riskengine.validation.lines import POWER_ENOUGH, Line, Rules, Verdict, verdict
from riskengine.validation.resampling import intervals

_ANNEX = "ECB, Instructions for reporting the validation results of internal models (2019), 2.5 and annex 1"
_SEEN = 0.6  # the AUC that a test against chance must be able to see
_TITLES = {
    "gini": Words(en="Gini coefficient (accuracy ratio)", zh="基尼系数（准确率比）"),
    "ks": Words(en="Kolmogorov-Smirnov distance", zh="KS 统计量"),
    "average_precision": Words(
        en="Average precision (area under precision-recall)", zh="平均精确率（PR 曲线下面积）"
    ),
}
_SOURCES = {
    "gini": _ANNEX,
    "ks": "Basel Committee, Working Paper 14 (2005); Siddiqi, Credit Risk Scorecards (2006)",
    "average_precision": "Davis and Goadrich, ICML 2006; Saito and Rehmsmeier, PLoS ONE 10 (2015)",
}


def average_precision(label: Numbers, score: Floats, weight: Floats | None = None) -> float | None:
    """The weighted mean of the precision at each distinct score, by the recall it adds; None without a default."""
    weight = np.ones(len(label)) if weight is None else weight
    if not float((weight * label).sum()) > 0:
        return None
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    bad = np.add.reduceat((weight * label)[order], starts)
    mass = np.add.reduceat(weight[order], starts)
    reached = np.cumsum(mass)
    precision = np.divide(np.cumsum(bad), reached, out=np.zeros_like(reached), where=reached > 0)
    return float((precision * bad).sum() / bad.sum())


def auc_with_error(rows: Sample) -> tuple[float, float] | None:
    """The weighted AUC and its standard error with whole groups as draws; None with fewer than two of either outcome.

    Source: Obuchowski, Biometrics 53 (1997); equal to DeLong (1988) without weights and with one row a group.
    """
    bad, good = (rows.label == 1) & (rows.weight > 0), (rows.label == 0) & (rows.weight > 0)
    groups = [len(np.unique(rows.group[side])) for side in (bad, good)]
    if min(groups) < 2:
        return None
    above = _below(rows.score[bad], rows.score[good], rows.weight[good])
    below = 1 - _below(rows.score[good], rows.score[bad], rows.weight[bad])
    area = float(np.average(above, weights=rows.weight[bad]))
    pull = np.zeros(len(rows.label))
    for side, placed, count in ((bad, above, groups[0]), (good, below, groups[1])):
        mass = rows.weight[side]
        pull[side] = mass * (placed - area) / mass.sum() * math.sqrt(count / (count - 1))
    return area, math.sqrt(float((totals(rows, pull) ** 2).sum()))


def effective_sides(rows: Sample) -> tuple[float, float]:
    """Kish's effective numbers of defaults and survivors, groups as draws."""
    return kish(totals(rows, rows.weight * rows.label)), kish(totals(rows, rows.weight * (1 - rows.label)))


def discrimination(
    rows: Sample, development: Estimate | None = None, rules: Rules | None = None
) -> list[Line]:
    """AUC against chance and against the AUC at development; DeLong's interval, Gini, KS and average precision beside it.

    `development` without an interval is taken as fixed, as the ECB does; with one its error counts too.
    """
    rules = rules or Rules()
    n, defaults = len(rows.label), int(rows.label.sum())
    found = intervals(_figures, rows, rules)
    area = found["auc"]
    sides = effective_sides(rows)
    seen = power.of_auc(_SEEN, 0.5, sides, rules.alpha)
    lines = [
        Line(
            "auc",
            "all",
            Words(en="Area under the ROC curve", zh="ROC 曲线下面积 (AUC)"),
            area.value,
            area.low,
            area.high,
            n,
            defaults,
            "the interval lies above 0.5 (chance)",
            seen,
            f"an AUC of {_SEEN} against 0.5",
            _against_chance(area, seen),
            _ANNEX,
            Words(
                en=f"Weighted; bootstrap of borrowers; effective defaults {sides[0]:.0f}, survivors {sides[1]:.0f}.",
                zh=f"加权；按借款人聚类自助法；有效违约数 {sides[0]:.0f}，有效正常数 {sides[1]:.0f}。",
            ),
        )
    ]
    plain = delong(rows.label, rows.score)
    lines.append(
        Line(
            "auc_delong",
            "all",
            Words(en="AUC, rows independent and unweighted (DeLong)", zh="AUC（DeLong，行独立、不加权）"),
            plain.value,
            plain.low,
            plain.high,
            n,
            defaults,
            "none: for comparison",
            None,
            "",
            "information",
            "DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988)",
            Words(en="Too narrow where borrowers have several rows.", zh="同一借款人有多行时，该区间偏窄。"),
        )
    )
    for name, title in _TITLES.items():
        made = found[name]
        base = float(np.average(rows.label, weights=rows.weight)) if n else 0.0
        limit = "none: reported"
        if name == "average_precision":
            limit = f"none: a score without information has {base:.4f}"
        lines.append(
            Line(name, "all", title, made.value, made.low, made.high, n, defaults, limit, None, "", "information", _SOURCES[name])
        )  # fmt: skip
    if development is not None and development.value is not None:
        lines.append(_against_development(rows, development.value, development, rules))
    return lines


def against_gate(rows: Sample, gate: float, rules: Rules | None = None) -> Line:
    """Does the AUC reach what the specification demands (`gates.auc_at_least`)? One-sided, error by clustered placements.

    Passes where the 95 % lower limit reaches the gate, or where an AUC lower than the gate by `rules.auc_drop` would have
    been seen and the AUC is not below the gate by more than chance.
    """
    rules = rules or Rules()
    title = Words(en="AUC against the declared gate", zh="AUC 与声明门槛比较")
    limit, effect = f"not below the declared gate {gate:g}", f"an AUC {rules.auc_drop} below the gate"
    n, defaults = len(rows.label), int(rows.label.sum())
    found = auc_with_error(rows)
    if found is None or min(effective_sides(rows)) < rules.fewest:
        value = auc(rows.label, rows.score, rows.weight)
        return Line(
            "auc_gate", "all", title, value, None, None, n, defaults, limit, None, effect, "undecidable", "SR 26-2"
        )  # fmt: skip
    area, error = found
    p = float(stats.norm.cdf((area - gate) / error)) if error > 0 else float(area >= gate)
    seen = power.of_normal(rules.auc_drop, error, rules.alpha)
    spread = 1.959963984540054 * error
    return Line(
        "auc_gate", "all", title, area, max(area - spread, 0.0), min(area + spread, 1.0), n, defaults, limit, seen, effect,
        verdict(p < rules.alpha, seen, bool(area - spread >= gate)), "SR 26-2; Obuchowski, Biometrics 53 (1997)",
        Words(en=f"One-sided p {p:.4f}.", zh=f"单侧 p 值 {p:.4f}。"), gate,
    )  # fmt: skip


def _against_development(rows: Sample, then: float, development: Estimate, rules: Rules) -> Line:
    found = auc_with_error(rows)
    title = Words(en="AUC against development", zh="AUC 与开发时比较")
    limit = f"not below the {then:.4f} at development by more than chance; tolerated: a loss below {rules.auc_drop}"
    effect = f"a loss of {rules.auc_drop}"
    n, defaults = len(rows.label), int(rows.label.sum())
    fewest = min(effective_sides(rows))
    if found is None or fewest < rules.fewest:
        value = auc(rows.label, rows.score, rows.weight)
        return Line(
            "auc_development", "all", title, value, None, None, n, defaults, limit, None, effect, "undecidable", _ANNEX
        )  # fmt: skip
    area, error = found
    before = 0.0
    if development.low is not None and development.high is not None:
        before = (development.high - development.low) / (2 * 1.959963984540054)
    both = math.hypot(error, before)
    loss = then - area
    p = float(stats.norm.sf(loss / both)) if both > 0 else float(loss <= 0)
    seen = power.of_normal(rules.auc_drop, both, rules.alpha)
    inside = loss + stats.norm.isf(rules.alpha) * both < rules.auc_drop
    spread = 1.959963984540054 * error
    return Line(
        "auc_development",
        "all",
        title,
        area,
        max(area - spread, 0.0),
        min(area + spread, 1.0),
        n,
        defaults,
        limit,
        seen,
        effect,
        verdict(p < rules.alpha, seen, bool(inside)),
        _ANNEX,
        Words(
            en=f"One-sided p {p:.4f}; error by clustered placements (Obuchowski 1997).",
            zh=f"单侧 p 值 {p:.4f}；标准误按聚类位置法计算（Obuchowski 1997）。",
        ),
    )


def _against_chance(area: Estimate, seen: float) -> Verdict:
    """Above chance passes; not above it fails only where a weak score would have been seen to be above."""
    if area.low is not None and area.low > 0.5:
        return "pass"
    return "fail" if area.low is not None and seen >= POWER_ENOUGH else "undecidable"


def _figures(rows: Sample, weight: Floats) -> dict[str, float | None]:
    used = weight > 0
    label, score, mass = rows.label[used], rows.score[used], weight[used]
    area = auc(label, score, mass)
    return {
        "auc": area,
        "gini": None if area is None else 2 * area - 1,
        "ks": ks(label, score, mass),
        "average_precision": average_precision(label, score, mass),
    }


def _below(points: Floats, others: Floats, weight: Floats) -> Floats:
    """For each point, the weighted share of the others below it, ties counting half."""
    order = np.argsort(others, kind="stable")
    reached = np.r_[0.0, np.cumsum(weight[order])]
    ordered = others[order]
    low, high = np.searchsorted(ordered, points, "left"), np.searchsorted(ordered, points, "right")
    return np.asarray((reached[low] + reached[high]) / 2 / reached[-1], dtype=np.float64)
