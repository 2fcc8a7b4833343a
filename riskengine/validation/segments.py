"""Is the model as good for every vintage, region, industry, size and bank, or for some at the others' cost?

A segment's AUC is compared with the one its own PDs imply (model-based concordance: van Klaveren et al., Statistics in Medicine
35, 2016), not with the whole's: a segment of equal firms has a low AUC without any fault of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from riskengine.learning.metrics import CLIP, Floats, Sample, auc, logistic_fit
from riskengine.learning.multiplicity import holm
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.discrimination import auc_with_error, effective_sides
from riskengine.validation.effective import Effective, effective, unit, where
from riskengine.validation.lines import Line, Rules, verdict

Strings = npt.NDArray[np.object_]
_CONCORDANCE = "Obuchowski, Biometrics 53 (1997); van Klaveren et al., Statistics in Medicine 35 (2016)"
_RATIO = "Korn and Graubard, Survey Methodology 24 (1998); Holm (1979)"
_FEWEST_EXPECTED = 5.0


@dataclass(frozen=True)
class Segment:
    """One segment: rows, effective counts, mean PD, and the AUC with its error and the one its PDs imply (if judged)."""

    scope: str
    rows: Sample
    counts: Effective
    pd: float
    area: tuple[float, float] | None
    implied: float | None


def segments(rows: Sample, by: Mapping[str, Strings], rules: Rules | None = None) -> list[Line]:
    """By dimension: every segment's AUC and observed over expected (Holm within), and whether segments differ (Holm over dimensions).

    Segments with fewer than `rules.fewest` defaults or survivors keep their lines and are undecidable.
    """
    rules = rules or Rules()
    lines, areas, ratios = [], [], []
    recalibrated = _recalibrated(rows)
    for name in sorted(by):
        made = _segments(rows, recalibrated, (name, by[name]), rules)
        lines += _auc_lines(made, rules) + _ratio_lines(made, rules)
        areas.append(_auc_spread(name, made, rules, len(by)))
        ratios.append(_ratio_spread(name, made, rules, len(by)))
    return _controlled(areas, rules) + _controlled(ratios, rules) + lines


def implied_auc(score: Floats, chance: Floats, weight: Floats) -> float | None:
    """The AUC that the score would have if every row defaulted with its PD, independently."""
    if len(score) < 2:
        return None
    label = np.repeat([1, 0], len(score))
    mass = np.concatenate([weight * chance, weight * (1 - chance)])
    area = auc(label, np.concatenate([score, score]), mass)
    pairs = float((weight * chance).sum() * (weight * (1 - chance)).sum())
    alone = float((weight**2 * chance * (1 - chance)).sum())  # a row is not compared with itself
    return None if area is None or pairs <= alone else (area * pairs - alone / 2) / (pairs - alone)


def _recalibrated(rows: Sample) -> Floats:
    """PDs with the whole sample's level and spread, so that a fault of the whole is not charged to each segment."""
    clipped = np.clip(rows.pd, CLIP, 1 - CLIP)
    odds = np.log(clipped) - np.log1p(-clipped)
    fit = logistic_fit(rows.label, odds, rows.weight)
    if fit is None:
        return rows.pd
    return np.asarray(1 / (1 + np.exp(-(fit[0] * odds + fit[1]))), dtype=np.float64)


def _segments(
    rows: Sample, recalibrated: Floats, dimension: tuple[str, Strings], rules: Rules
) -> list[Segment]:
    name, values = dimension
    texts = np.array([str(value) for value in values], dtype=object)
    texts[np.asarray(pd.isna(values), dtype=np.bool_)] = "missing"
    whole = unit(rows)
    made = []
    for value in sorted(set(texts)):
        inside = (texts == value) & (rows.weight > 0)
        part = where(rows, inside)
        if not len(part.label):
            continue
        area = implied = None
        if min(part.label.sum(), (1 - part.label).sum(), *effective_sides(part)) >= rules.fewest:
            area = auc_with_error(part)
            implied = implied_auc(part.score, recalibrated[inside], part.weight)
        if area is not None and implied is not None:
            null = power.auc_error(implied, *effective_sides(part))
            area = area[0], max(area[1], null)
        mean = float(np.average(part.pd, weights=part.weight))
        made.append(Segment(f"{name}:{value}", part, effective(part, whole), mean, area, implied))
    return made


def _auc_lines(made: Sequence[Segment], rules: Rules) -> list[Line]:
    judged = [part for part in made if part.area is not None and part.implied is not None]
    found = [float(stats.norm.sf(_loss(part) / _error(part))) for part in judged]
    told = dict(zip([part.scope for part in judged], zip(found, holm(found), strict=True), strict=True))
    level = rules.alpha / max(len(judged), 1)
    title = Words(en="AUC of the segment", zh="分组 AUC")
    effect = f"an AUC {rules.auc_drop} below what the PDs imply"
    lines = []
    for part in made:
        n, defaults = len(part.rows.label), int(part.rows.label.sum())
        if part.scope not in told or part.area is None:
            value = auc(part.rows.label, part.rows.score, part.rows.weight)
            limit = f"at least {rules.fewest} defaults and survivors"
            lines.append(
                Line(
                    "segment_auc",
                    part.scope,
                    title,
                    value,
                    None,
                    None,
                    n,
                    defaults,
                    limit,
                    None,
                    effect,
                    "undecidable",
                    _CONCORDANCE,
                    _FEW,
                )
            )
            continue
        p, adjusted = told[part.scope]
        area, error = part.area
        spread = 1.959963984540054 * error
        seen = power.of_normal(rules.auc_drop, error, level)
        inside = _loss(part) + float(stats.norm.isf(level)) * error < rules.auc_drop
        limit = f"{part.implied:.4f}, which the segment's PDs imply; tolerated: a loss below {rules.auc_drop}"
        note = Words(
            en=f"One-sided p {p:.4f}, after Holm {adjusted:.4f}.",
            zh=f"单侧 p 值 {p:.4f}，Holm 校正后 {adjusted:.4f}。",
        )
        lines.append(
            Line("segment_auc", part.scope, title, area, max(area - spread, 0.0), min(area + spread, 1.0), n, defaults,
                 limit, seen, effect, verdict(adjusted < rules.alpha, seen, inside), _CONCORDANCE, note)
        )  # fmt: skip
    return lines


_FEW = Words(en="Not enough defaults to say.", zh="违约数不足，无法判定。")


def _ratio_lines(made: Sequence[Segment], rules: Rules) -> list[Line]:
    found = []
    for part in made:
        below = power.jeffreys(part.counts.defaults, part.counts.size, part.pd)
        found.append(2 * min(below, 1 - below))
    level = rules.alpha / max(len(made), 1)
    title = Words(en="Observed over expected defaults of the segment", zh="分组实际违约与预期违约之比")
    lines = []
    for part, p, adjusted in zip(made, found, holm(found), strict=True):
        counts = part.counts
        low, high = power.jeffreys_interval(counts.defaults, counts.size)
        seen = power.of_jeffreys(part.pd, rules.pd_ratio * part.pd, counts.size, level / 2)
        few = max(counts.defaults, counts.size * part.pd) < rules.fewest
        inside = low / part.pd > 1 / rules.near and high / part.pd < rules.near
        note = Words(
            en=f"p {p:.4f}, after Holm {adjusted:.4f}; effective {counts.defaults:.1f} of {counts.size:.0f}.",
            zh=f"p 值 {p:.4f}，Holm 校正后 {adjusted:.4f}；有效违约 {counts.defaults:.1f}，有效样本 {counts.size:.0f}。",
        )
        lines.append(
            Line("segment_ratio", part.scope, title, counts.rate / part.pd, low / part.pd, high / part.pd,
                 len(part.rows.label), int(part.rows.label.sum()), f"one; tolerated: {1 / rules.near:.3f} to {rules.near:.3f}", seen,
                 f"PDs {rules.pd_ratio} times too low", verdict(None if few else adjusted < rules.alpha, seen, inside), _RATIO, _FEW if few else note)
        )  # fmt: skip
    return lines


@dataclass(frozen=True)
class _Spread:
    """A test of all segments of a dimension together, before the control over dimensions."""

    line: Line
    p: float | None
    small: bool = False


def _auc_spread(name: str, made: Sequence[Segment], rules: Rules, families: int) -> _Spread:
    """Cochran's Q of the segments' losses of AUC."""
    judged = [part for part in made if part.area is not None and part.implied is not None]
    value = p = seen = None
    small = False
    if len(judged) > 1:
        loss = np.array([_loss(part) for part in judged])
        trust = np.array([1 / _error(part) ** 2 for part in judged])
        value = float((trust * (loss - np.average(loss, weights=trust)) ** 2).sum())
        p = float(stats.chi2.sf(value, len(judged) - 1))
        shift = rules.auc_drop**2 * float(trust.mean()) * (1 - 1 / len(judged))
        seen = power.of_chi2(shift, len(judged) - 1, rules.alpha / families)
        small = _small(value, len(judged) - 1, rules.apart**2 * float(trust.sum()), rules.alpha / families)
    title = Words(en="Do segments differ in AUC", zh="各组 AUC 是否一致")
    effect = f"one segment of average precision loses {rules.auc_drop}"
    return _spread(
        ("heterogeneity_auc", name, title, effect, f"Cochran, Biometrics 10 (1954); {_CONCORDANCE}"),
        made,
        (value, len(judged) - 1, seen),
        (p, small, f"AUCs {rules.apart} apart"),
    )


def _ratio_spread(name: str, made: Sequence[Segment], rules: Rules, families: int) -> _Spread:
    """Chi-square of the segments' defaults against a common ratio to the expected; segments expecting fewer than five are joined."""
    total = sum(part.counts.size * part.pd for part in made)
    ratio = sum(part.counts.defaults for part in made) / total if total else 0.0
    cells, rest = [], np.zeros(3)
    for part in made:
        cell = np.array([part.counts.size, part.counts.defaults, ratio * part.counts.size * part.pd])
        if cell[2] >= _FEWEST_EXPECTED:
            cells.append(cell)
        else:
            rest += cell
    if rest[2] >= _FEWEST_EXPECTED:
        cells.append(rest)
    value = p = seen = None
    small = False
    if len(cells) > 1:
        table = np.array(cells)
        value = float(
            ((table[:, 1] - table[:, 2]) ** 2 / (table[:, 2] * (1 - table[:, 2] / table[:, 0]))).sum()
        )
        p = float(stats.chi2.sf(value, len(cells) - 1))
        shift = (rules.pd_ratio - 1) ** 2 * float(table[:, 2].mean()) * (1 - 1 / len(cells))
        seen = power.of_chi2(shift, len(cells) - 1, rules.alpha / families)
        near = (rules.near - 1) ** 2 * float((table[:, 2] / (1 - table[:, 2] / table[:, 0])).sum())
        small = _small(value, len(cells) - 1, near, rules.alpha / families)
    title = Words(en="Do segments differ in observed over expected", zh="各组实际与预期违约之比是否一致")
    effect = f"one segment of average size has PDs {rules.pd_ratio} times too low"
    return _spread(
        ("heterogeneity_ratio", name, title, effect, f"Pearson chi-square on effective counts; {_RATIO}"),
        made,
        (value, len(cells) - 1, seen),
        (p, small, f"ratios {rules.near} times apart"),
    )


def _small(value: float, freedom: int, tolerated: float, level: float) -> bool:
    """Is the spread known to be smaller than the tolerated one (an equivalence test on the noncentral chi-square)?"""
    return float(stats.ncx2.cdf(value, freedom, tolerated)) < level


def _spread(
    named: tuple[str, str, Words, str, str],
    made: Sequence[Segment],
    found: tuple[float | None, int, float | None],
    judged: tuple[float | None, bool, str],
) -> _Spread:
    test, name, title, effect, source = named
    value, freedom, seen = found
    n, defaults = sum(len(part.rows.label) for part in made), sum(int(part.rows.label.sum()) for part in made)
    limit = (
        f"chi-square with {freedom} degrees; tolerated: {judged[2]} (root mean square)"
        if value is not None
        else "at least two segments with enough defaults"
    )
    line = Line(test, name, title, value, None, None, n, defaults, limit, seen, effect, "undecidable", source)
    return _Spread(line, *judged[:2])


def _controlled(found: Sequence[_Spread], rules: Rules) -> list[Line]:
    asked = [spread.p for spread in found if spread.p is not None]
    adjusted = iter(holm(asked))
    lines = []
    for spread in found:
        if spread.p is None:
            lines.append(spread.line)
            continue
        p = next(adjusted)
        note = Words(
            en=f"p {spread.p:.4f}, after Holm over dimensions {p:.4f}.",
            zh=f"p 值 {spread.p:.4f}，各维度 Holm 校正后 {p:.4f}。",
        )
        lines.append(
            replace(spread.line, verdict=verdict(p < rules.alpha, spread.line.power, spread.small), note=note)
        )
    return lines


def _loss(part: Segment) -> float:
    assert part.area is not None
    assert part.implied is not None
    return part.implied - part.area[0]


def _error(part: Segment) -> float:
    assert part.area is not None
    return max(part.area[1], 1e-9)
