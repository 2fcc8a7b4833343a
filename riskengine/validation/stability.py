"""Have the score and the features moved by more than chance moves samples of these sizes?

PSI is not compared with 0.1 and 0.25 but with its distribution if nothing had moved. For independent rows PSI * n m / (n + m) is
chi-square with one degree less than bins (Yurdakul and Naranjo, J. Risk Model Validation 14, 2020); for weighted rows of
dependent borrowers it is a sum of chi-squares, taken by its mean and variance (Rao and Scott, Annals of Statistics 12, 1984).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from riskengine.learning.metrics import Floats, Numbers
from riskengine.learning.multiplicity import holm
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import kish
from riskengine.validation.lines import Line, Rules, verdict

_BINS, _FEWEST_EXPECTED, _SMALLEST = 10, 5.0, 50.0
_SCORES = ("score", "pd", "grade")
_NAMES = {"score": ("the score", "评分"), "pd": ("the PD", "违约概率"), "grade": ("the grade", "等级")}
_SOURCE = (
    "Yurdakul and Naranjo, J. Risk Model Validation 14 (2020); Rao and Scott, Annals of Statistics 12 (1984)"
)


@dataclass(frozen=True)
class Population:
    """Rows of one time: columns by name (numbers with NaN missing, or strings), weights, integer group codes."""

    values: Mapping[str, npt.NDArray[Any]]
    weight: Floats
    group: Numbers


class Index(NamedTuple):
    """PSI, and its distribution if nothing had moved: `scale` times a chi-square with `freedom` degrees; PSI of a declared shift."""

    value: float
    scale: float
    freedom: float
    shifted: float

    @property
    def p(self) -> float:
        """The chance of so large an index if nothing had moved."""
        return float(stats.chi2.sf(self.value / self.scale, self.freedom))


def stability(before: Population, after: Population, rules: Rules | None = None) -> list[Line]:
    """PSI of `score`, `pd` and `grade`, CSI of every other column that both have, each against its null quantile (Holm).

    A score that moved, but by less than `rules.moved`
    as far as can be seen, is not failed for it: it passes if its whole interval is below, and is undecidable else. The interval is that of the populations' index, without the part that chance adds. Borrowers in both samples are
    taken as different ones, which is prudent: the same ones move less.
    """
    rules = rules or Rules()
    names = [name for name in before.values if name in after.values]
    shifts = {name: rules.moved if name in _SCORES else rules.shift for name in names}
    found = {name: index(before, after, name, shifts[name]) for name in names}
    asked = [name for name in names if found[name] is not None]
    adjusted = dict(
        zip(asked, holm([made.p for name in asked if (made := found[name]) is not None]), strict=True)
    )
    n = len(after.weight)
    lines = []
    for name in names:
        test, scope = (
            ("psi", "all" if name == "score" else name) if name in _SCORES else ("csi", f"feature:{name}")
        )
        title = (
            Words(
                en=f"Population stability index of {_NAMES[name][0]}",
                zh=f"群体稳定性指数 PSI（{_NAMES[name][1]}）",
            )
            if test == "psi"
            else Words(en=f"Characteristic stability index of {name}", zh=f"特征稳定性指数 CSI（{name}）")
        )
        made = found[name]
        effect = f"a shift of {shifts[name]} standard deviations"
        if made is None:
            few = Words(en="Too few effective rows, or only one value.", zh="有效样本过少，或仅有一个取值。")
            lines.append(
                Line(
                    test,
                    scope,
                    title,
                    None,
                    None,
                    None,
                    n,
                    0,
                    "enough rows in both periods",
                    None,
                    effect,
                    "undecidable",
                    _SOURCE,
                    few,
                )
            )
            continue
        level = rules.alpha / len(asked)
        limit = made.scale * float(stats.chi2.isf(level, made.freedom))
        moved: bool | None = adjusted[name] < rules.alpha
        seen = power.of_chi2(made.shifted / made.scale, made.freedom, level)
        low, high = _interval(made)
        if name in _SCORES and moved and made.value < made.shifted:
            moved = None  # it moved, and by less than matters unless chance hid some
        note = Words(
            en=f"p {made.p:.4f}, after Holm {adjusted[name]:.4f}; interval of the populations' index; {len(before.weight)} rows before.",
            zh=f"p 值 {made.p:.4f}，Holm 校正后 {adjusted[name]:.4f}；区间为总体指数（已扣除抽样误差）；基期 {len(before.weight)} 行。",
        )
        lines.append(
            Line(test, scope, title, made.value, low, high, n, 0, f"at most {limit:.5f} if nothing moved; tolerated: {made.shifted:.5f}",
                 seen, effect, verdict(moved, seen, high < made.shifted), _SOURCE, note, limit)
        )  # fmt: skip
    return lines


def index(before: Population, after: Population, name: str, shift: float = 0.2) -> Index | None:
    """The index of one column over up to ten bins and missing; None with too few rows or a single bin."""
    sizes = [kish(_masses(side)) for side in (before, after)]
    if min(sizes) < _SMALLEST:
        return None
    codes = _codes(before, after, name)
    codes = _joined(codes, (before.weight, after.weight), min(sizes))
    bins = int(max(code.max() for code in codes)) + 1
    if bins < 2:
        return None
    shares, spread = [], np.zeros((bins, bins))
    for side, code in zip((before, after), codes, strict=True):
        share, error = _shares(side, code, bins)
        shares.append(share)
        spread += error
    small = 0.5 / max(sizes)
    old, new = (np.maximum(share, small) for share in shares)
    value = float(((new - old) * np.log(new / old)).sum())
    root = np.sqrt((old + new) / 2)
    matrix = spread / root[:, None] / root[None, :]
    mean, square = float(np.trace(matrix)), float((matrix * matrix).sum())
    if not mean > 0:
        return None
    return Index(value, square / mean, mean**2 / square, _psi_of_shift(old / old.sum(), shift))


def _masses(side: Population) -> Floats:
    mass = np.bincount(np.unique(side.group, return_inverse=True)[1], side.weight)
    return np.asarray(mass, dtype=np.float64)


def _shares(side: Population, code: Numbers, bins: int) -> tuple[Floats, Floats]:
    """Weighted shares of the bins, and the covariance matrix of these shares with whole groups as draws."""
    group = np.unique(side.group, return_inverse=True)[1]
    count = int(group.max()) + 1
    mass = np.bincount(group * bins + code, side.weight, minlength=count * bins).reshape(count, bins)
    share = mass.sum(axis=0) / mass.sum()
    gap = mass - mass.sum(axis=1, keepdims=True) * share
    products = [[float((gap[:, one] * gap[:, two]).sum()) for two in range(bins)] for one in range(bins)]
    return share, np.array(products) / mass.sum() ** 2 * (count / max(count - 1, 1))


def _codes(before: Population, after: Population, name: str) -> tuple[Numbers, Numbers]:
    """Bin numbers of both samples: quantiles of the first for numbers, missing last; for strings by name."""
    old, new = before.values[name], after.values[name]
    if old.dtype.kind in "fiub":
        first, second = old.astype(np.float64), new.astype(np.float64)
        seen = np.isfinite(first)
        edges = (
            np.unique(np.quantile(first[seen], np.arange(1, _BINS) / _BINS)) if seen.any() else np.zeros(0)
        )
        return _numbered(first, edges), _numbered(second, edges)
    texts = [np.array(["" if pd.isna(v) else str(v) for v in side], dtype=object) for side in (old, new)]
    place = {text: number for number, text in enumerate(sorted(set(texts[0]) | set(texts[1])))}
    first_code, second_code = (np.array([place[text] for text in side], dtype=np.int64) for side in texts)
    return first_code, second_code


def _numbered(values: Floats, edges: Floats) -> Numbers:
    code = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, code).astype(np.int64)


def _joined(
    codes: tuple[Numbers, Numbers], weights: tuple[Floats, Floats], size: float
) -> tuple[Numbers, Numbers]:
    """Bins joined with their neighbours until each expects at least five effective rows in the smaller sample."""
    bins = int(max(code.max() for code in codes)) + 1
    share = (
        sum(
            np.bincount(code, weight, minlength=bins) / weight.sum()
            for code, weight in zip(codes, weights, strict=True)
        )
        / 2
    )
    target, mass, number = np.zeros(bins, dtype=np.int64), 0.0, 0
    for bin_ in range(bins):
        if mass * size >= _FEWEST_EXPECTED:
            number, mass = number + 1, 0.0
        target[bin_] = number
        mass += float(share[bin_])
    if mass * size < _FEWEST_EXPECTED and number > 0:
        target[target == number] = number - 1
    return target[codes[0]], target[codes[1]]


def _psi_of_shift(share: Floats, shift: float) -> float:
    """The index over these bins if an underlying normal moved by `shift` standard deviations."""
    edges = stats.norm.ppf(np.clip(np.cumsum(share)[:-1], 0, 1))
    moved = np.diff(np.r_[0.0, stats.norm.cdf(edges - shift), 1.0])
    kept = (share > 0) & (moved > 0)
    return float(((moved - share)[kept] * np.log(moved[kept] / share[kept])).sum())


def _interval(made: Index) -> tuple[float, float]:
    """95 % limits of the populations' index: the noncentral chi-squares under which the found one is just not rare."""
    point = made.value / made.scale
    if point > 2000:
        spread = 1.959963984540054 * 2 * math.sqrt(point)
        return max(point - made.freedom - spread, 0.0) * made.scale, (
            point - made.freedom + spread
        ) * made.scale

    def limit(chance: float) -> float:
        def gap(shift: float) -> float:
            return float(stats.ncx2.cdf(point, made.freedom, shift)) - chance

        if float(stats.chi2.cdf(point, made.freedom)) <= chance:
            return 0.0
        return float(optimize.brentq(gap, 1e-9, 4 * point + 100))

    return limit(0.975) * made.scale, limit(0.025) * made.scale
