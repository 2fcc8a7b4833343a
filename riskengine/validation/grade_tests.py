"""Is the PD of each grade high enough, and do worse grades default more?

Counts are effective counts (weights, dependent rows; see `effective`); tests of one family are judged after Holm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from riskengine.learning.metrics import Sample
from riskengine.learning.multiplicity import holm
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import Effective, effective, unit, where
from riskengine.validation.lines import Line, Rules, verdict

Strings = npt.NDArray[np.object_]
_ECB = "ECB, Instructions for reporting the validation results of internal models (2019), 2.5: PD back-testing by the Jeffreys test"
_BASEL = "Basel Committee, Working Paper 14, Studies on the Validation of Internal Rating Systems (2005)"
_LIGHT = "Tasche, A traffic lights approach to PD validation (2003); Blochwitz, Hohl and Wehn, Wilmott (2005)"
_FEWEST_EXPECTED = 5.0
_YELLOW, _RED = 0.05, 0.001


@dataclass(frozen=True)
class Part:
    """Rows judged together: what they are called, how many, effective counts, the PD they were given."""

    scope: str
    n: int
    defaults: int
    counts: Effective
    pd: float


def parts(
    rows: Sample, names: Strings, order: Sequence[str], given: tuple[str, Mapping[str, float] | None]
) -> list[Part]:
    """The rows by name, in this order, names without rows left out; `given` is the scope's prefix and declared PDs."""
    prefix, assigned = given
    whole = unit(rows)
    made = []
    for name in order:
        inside = names == name
        part = where(rows, inside & (rows.weight > 0))
        if not len(part.label):
            continue
        mean = float(np.average(part.pd, weights=part.weight))
        pd = assigned[name] if assigned is not None and name in assigned else mean
        counts = effective(part, whole)
        made.append(Part(f"{prefix}:{name}", len(part.label), int(part.label.sum()), counts, pd))
    return made


def by_grade(
    rows: Sample,
    grades: Strings,
    order: Sequence[str],
    rules: Rules | None = None,
    assigned: Mapping[str, float] | None = None,
) -> list[Line]:
    """Jeffreys, binomial (independent and one-factor) and traffic light by grade; Hosmer-Lemeshow and order over all.

    `order`: grades from best to worst. `assigned`: their PDs (default: the mean PD of the grade's rows). The tests are
    one-sided: a PD that is too low fails; one that is too high is noted.
    """
    rules = rules or Rules()
    graded = parts(rows, np.asarray(grades, dtype=object), order, ("grade", assigned))
    if not graded:
        return []
    counts = effective(rows)
    expected = sum(part.pd * part.counts.size for part in graded) / sum(part.counts.size for part in graded)
    if assigned is None:
        expected = float(np.average(rows.pd, weights=rows.weight))
    portfolio = Part("all", len(rows.label), int(rows.label.sum()), counts, expected)
    lines = jeffreys_lines([portfolio], rules) + jeffreys_lines(graded, rules)
    lines += binomial_lines(graded, rules, 0.0) + binomial_lines(graded, rules, rules.correlation)
    lines += [_traffic_light(part, rules) for part in graded]
    return [*lines, hosmer_lemeshow(graded, rules), grade_order(graded, rules)]


def jeffreys_lines(graded: Sequence[Part], rules: Rules, test: str = "jeffreys") -> list[Line]:
    """The Jeffreys test of each part: P(PD <= assigned | data) below the level after Holm fails."""
    found = [power.jeffreys(part.counts.defaults, part.counts.size, part.pd) for part in graded]
    level = rules.alpha / len(graded)

    def seen(part: Part, ratio: float) -> float:
        return power.of_jeffreys(part.pd, ratio * part.pd, part.counts.size, level)

    title = Words(en="PD against defaults (Jeffreys test)", zh="PD 回测（Jeffreys 检验）")
    lines = []
    for part, p, adjusted in zip(graded, found, holm(found), strict=True):
        interval = power.jeffreys_interval(part.counts.defaults, part.counts.size)
        high = 1 - p < level / 2
        lines.append(_line(part, (test, title, _ECB), interval, rules, Finding(p, adjusted, seen, high)))
    return lines


@dataclass(frozen=True)
class Finding:
    """p-value, adjusted p-value, the power by ratio of true to assigned PD, and whether the PD is clearly too high."""

    p: float
    adjusted: float
    seen: Callable[[Part, float], float]
    too_high: bool = False


def _line(
    part: Part, named: tuple[str, Words, str], interval: tuple[float, float], rules: Rules, tested: Finding
) -> Line:
    seen = tested.seen(part, rules.pd_ratio)
    effective_en = f"p {tested.p:.4f}, after Holm {tested.adjusted:.4f}; power for twice the PD {tested.seen(part, 2.0):.2f}; effective {part.counts.defaults:.1f} of {part.counts.size:.0f}."
    effective_zh = f"p 值 {tested.p:.4f}，Holm 校正后 {tested.adjusted:.4f}；PD 低估一倍时的检验功效 {tested.seen(part, 2.0):.2f}；有效违约 {part.counts.defaults:.1f}，有效样本 {part.counts.size:.0f}。"
    if tested.too_high:
        effective_en += " The PD is clearly too high."
        effective_zh += " PD 明显偏高。"
    return Line(
        named[0],
        part.scope,
        named[1],
        part.counts.rate,
        *interval,
        part.n,
        part.defaults,
        f"PD {part.pd:.5f} is not too low",
        seen,
        f"a PD {rules.pd_ratio} times too low",
        verdict(tested.adjusted < rules.alpha, seen),
        named[2],
        Words(en=effective_en, zh=effective_zh),
    )


def binomial_lines(graded: Sequence[Part], rules: Rules, correlation: float) -> list[Line]:
    """The one-sided binomial test, in the one-factor model if correlation is not zero (one common period: prudent)."""
    found = [
        power.correlated_tail(part.counts.defaults, part.counts.size, part.pd, correlation) for part in graded
    ]
    level = rules.alpha / len(graded)

    def seen(part: Part, ratio: float) -> float:
        return power.of_binomial(part.pd, ratio * part.pd, part.counts.size, level, correlation)

    named = ("binomial", Words(en="Binomial test, defaults independent", zh="二项检验（违约独立）"), _BASEL)
    if correlation:
        named = (
            "binomial_correlated",
            Words(
                en=f"Binomial test, asset correlation {correlation:g}",
                zh=f"二项检验（资产相关性 {correlation:g}）",
            ),
            f"{_BASEL}; Vasicek, Risk (December 2002)",
        )
    return [
        _line(
            part, named, power.clopper_pearson(part.counts.defaults, part.counts.size), rules, Finding(p, adjusted, seen)
        )
        for part, p, adjusted in zip(graded, found, holm(found), strict=True)
    ]  # fmt: skip


def _traffic_light(part: Part, rules: Rules) -> Line:
    """Green, yellow or red by the one-factor model's 95 % and 99.9 %; red fails, yellow is undecidable."""
    counts, correlation = part.counts, rules.correlation
    p = power.correlated_tail(counts.defaults, counts.size, part.pd, correlation)
    seen = power.of_binomial(part.pd, rules.pd_ratio * part.pd, counts.size, _YELLOW, correlation)
    colour, zh = ("red", "红灯") if p < _RED else ("yellow", "黄灯") if p < _YELLOW else ("green", "绿灯")
    judged = verdict(None, seen) if colour == "yellow" else verdict(colour == "red", seen)
    return Line(
        "traffic_light",
        part.scope,
        Words(en="Traffic light", zh="红绿灯法"),
        counts.rate,
        *power.clopper_pearson(counts.defaults, counts.size),
        part.n,
        part.defaults,
        f"green: the chance of so many defaults with PD {part.pd:.5f} and correlation {correlation:g} is at least 5 % (red: below 0.1 %)",
        seen,
        f"a PD {rules.pd_ratio} times too low is not green",
        judged,
        _LIGHT,
        Words(
            en=f"{colour}; chance of so many defaults {p:.4f}.", zh=f"{zh}；出现如此多违约的概率 {p:.4f}。"
        ),
    )


def hosmer_lemeshow(graded: Sequence[Part], rules: Rules) -> Line:
    """Sum of squared standardised gaps over grades, chi-square with one degree a grade (nothing was fitted here).

    Neighbouring grades are joined until each expects at least five effective defaults. A departure that is known to be
    smaller than that of all PDs `rules.near` times too low passes (an equivalence test: Wellek, Testing Statistical
    Hypotheses of Equivalence and Noninferiority, 2nd ed. 2010): with enough rows no PD is exactly true.
    """
    joined = _joined(graded)
    size = np.array([sum(part.counts.size for part in parts) for parts in joined])
    seen = np.array([sum(part.counts.defaults for part in parts) for parts in joined])
    meant = np.array([sum(part.pd * part.counts.size for part in parts) for parts in joined])
    pd = meant / np.maximum(size, 1e-300)
    spread = meant * (1 - pd)
    possible = len(joined) > 0 and bool((spread > 0).all())
    value = float(((seen - meant) ** 2 / spread).sum()) if possible else None
    p = float(stats.chi2.sf(value, len(joined))) if value is not None else None
    strong, small = None, False
    if possible and value is not None:
        near = float((((rules.near - 1) * meant) ** 2 / spread).sum())
        small = float(stats.ncx2.cdf(value, len(joined), near)) < rules.alpha
        shift = float((((rules.pd_ratio - 1) * meant) ** 2 / spread).sum())
        strong = power.of_chi2(shift, len(joined), rules.alpha)
    limit = float(stats.chi2.isf(rules.alpha, max(len(joined), 1)))
    return Line(
        "hosmer_lemeshow",
        "all",
        Words(en="PDs of all grades together (Hosmer-Lemeshow)", zh="各等级 PD 联合检验（Hosmer-Lemeshow）"),
        value,
        None,
        None,
        sum(part.n for part in graded),
        sum(part.defaults for part in graded),
        f"at most {limit:.2f} (chi-square, {len(joined)} degrees); tolerated: all PDs {rules.near} times too low",
        strong,
        f"all PDs {rules.pd_ratio} times too low",
        verdict(None if p is None else p < rules.alpha, strong, small),
        "Hosmer and Lemeshow, Communications in Statistics 9 (1980)",
        None if p is None else Words(en=f"p {p:.4f}.", zh=f"p 值 {p:.4f}。"),
        limit,
    )


def _joined(graded: Sequence[Part]) -> list[list[Part]]:
    made: list[list[Part]] = []
    for part in graded:
        if made and _expected(made[-1]) < _FEWEST_EXPECTED:
            made[-1].append(part)
        else:
            made.append([part])
    if len(made) > 1 and _expected(made[-1]) < _FEWEST_EXPECTED:
        last = made.pop()
        made[-1] += last
    return made if made and _expected(made[0]) >= _FEWEST_EXPECTED else []


def _expected(joined: Sequence[Part]) -> float:
    return sum(part.pd * part.counts.size for part in joined)


def grade_order(graded: Sequence[Part], rules: Rules) -> Line:
    """Does no grade default less than the next better one, beyond chance? One-sided z-tests of neighbours, Holm."""
    pairs = [(one, two) for one, two in pairwise(graded) if one.counts.size and two.counts.size]
    found, powers, gaps = [], [], []
    for one, two in pairs:
        gap = two.counts.rate - one.counts.rate
        both = (one.counts.defaults + two.counts.defaults) / (one.counts.size + two.counts.size)
        meant = (one.pd * one.counts.size + two.pd * two.counts.size) / (one.counts.size + two.counts.size)
        scale = math.sqrt(1 / one.counts.size + 1 / two.counts.size)
        error = math.sqrt(both * (1 - both)) * scale
        found.append(float(stats.norm.cdf(gap / error)) if error > 0 else 1.0)
        powers.append(
            power.of_normal(two.pd - one.pd, math.sqrt(meant * (1 - meant)) * scale, rules.alpha / len(pairs))
        )
        gaps.append(gap)
    p = min(holm(found)) if found else None
    weakest = min(powers) if powers else None
    falls = sum(gap < 0 for gap in gaps)
    return Line(
        "grade_order",
        "all",
        Words(en="Worse grades default more", zh="等级越差违约率越高"),
        float(falls),
        None,
        None,
        sum(part.n for part in graded),
        sum(part.defaults for part in graded),
        "no neighbour reversed beyond chance (value: how many are reversed)",
        weakest,
        "two neighbours' PDs exchanged (the pair hardest to tell)",
        verdict(None if p is None else p < rules.alpha, weakest),
        f"{_BASEL}; Tasche, Validation of internal rating systems and PD estimates (2006)",
        None
        if p is None
        else Words(en=f"Smallest p after Holm {p:.4f}.", zh=f"Holm 校正后最小 p 值 {p:.4f}。"),
    )
