"""How high may the PD of a grade with hardly any defaults still be?

The most prudent estimate: the upper confidence bound if this grade and all worse ones had its PD (Pluto and Tasche,
Estimating Probabilities of Default for Low Default Portfolios, 2005), one period, independent or one-factor defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize, special

from riskengine.errors import Problem, UsageError
from riskengine.learning.metrics import Sample
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.grade_tests import Part, Strings, parts
from riskengine.validation.lines import Line, Rules, Verdict

LEVELS = (0.50, 0.75, 0.90)
_JUDGED = 0.75
_SOURCE = "Pluto and Tasche, Estimating Probabilities of Default for Low Default Portfolios (2005)"


def most_prudent(
    n: Sequence[float], defaults: Sequence[float], confidence: float, correlation: float = 0.0
) -> list[float]:
    """Upper bounds of the grades' PDs, from best to worst; sizes and defaults may be effective ones.

    The bound of a grade is the PD at which so few defaults in it and all worse grades together had a chance of
    `1 - confidence`. It never falls from a grade to a worse one if default rates rise as the order says.

    >>> [round(100 * pd, 2) for pd in most_prudent([100, 400, 300], [0, 0, 0], 0.9)]
    [0.29, 0.33, 0.76]
    """
    if not 0 < confidence < 1 or not 0 <= correlation < 1:
        raise UsageError(
            "Not a level",
            [Problem("confidence, correlation", "between 0 and 1", f"{confidence}, {correlation}")],
        )
    made = []
    for place in range(len(n)):
        size, seen = float(sum(n[place:])), float(sum(defaults[place:]))
        if seen >= size:
            made.append(1.0)
        elif correlation == 0:
            made.append(float(special.betaincinv(seen + 1, size - seen, confidence)))
        else:
            # the chance of more than `seen` defaults rises with the PD: one root
            made.append(_root(seen, size, confidence, correlation))
    return made


def low_default(
    rows: Sample, grades: Strings, order: Sequence[str], rules: Rules | None = None
) -> list[Line]:
    """The most prudent PDs at 50, 75 and 90 %, independent and correlated, for every grade.

    A low-default grade is pooled with the neighbouring worse ones that are low-default too: a grade with defaults of its
    own tells its PD itself, and pooling with it would charge its defaults to the best grades.
    Only a grade with fewer than `rules.fewest` effective defaults is judged, at 75 % with independent defaults: it
    passes if its PD is at least the bound, and else there are not enough defaults to say.
    """
    rules = rules or Rules()
    graded = parts(rows, np.asarray(grades, dtype=object), order, ("grade", None))
    lines = []
    for correlation in sorted({0.0, rules.correlation}):
        for level in LEVELS:
            judged = level == _JUDGED and correlation == 0
            for run in _runs(graded, rules.fewest):
                sizes, defaults = [part.counts.size for part in run], [part.counts.defaults for part in run]
                bounds = most_prudent(sizes, defaults, level, correlation)
                for place, (part, bound) in enumerate(zip(run, bounds, strict=True)):
                    pooled = sum(sizes[place:]) if judged and part.counts.defaults < rules.fewest else None
                    lines.append(_line(part, bound, (level, correlation), rules, pooled))
    return lines


def _runs(graded: Sequence[Part], fewest: int) -> list[list[Part]]:
    """Neighbouring low-default grades together, every other grade alone."""
    runs: list[list[Part]] = []
    low = False
    for part in graded:
        few = part.counts.defaults < fewest
        if few and low:
            runs[-1].append(part)
        else:
            runs.append([part])
        low = few
    return runs


def _line(part: Part, bound: float, how: tuple[float, float], rules: Rules, pooled: float | None) -> Line:
    level, correlation = how
    told: Verdict = "information"
    seen = None
    if pooled is not None:
        told = "pass" if part.pd >= bound else "undecidable"
        seen = power.of_binomial(part.pd, rules.pd_ratio * part.pd, pooled, rules.alpha)
    name = "pluto_tasche_correlated" if correlation else "pluto_tasche"
    with_en = f", asset correlation {correlation:g}" if correlation else ", defaults independent"
    with_zh = f"，资产相关性 {correlation:g}" if correlation else "，违约独立"
    return Line(
        f"{name}_{round(100 * level)}",
        part.scope,
        Words(
            en=f"Most prudent PD at {level:.0%}{with_en}",
            zh=f"最审慎估计 PD（置信水平 {level:.0%}{with_zh}）",
        ),
        bound,
        None,
        None,
        part.n,
        part.defaults,
        f"PD {part.pd:.5f} is at least the bound" if pooled is not None else "none: reported",
        seen,
        f"a PD {rules.pd_ratio} times too low in this grade and those pooled with it"
        if seen is not None
        else "",
        told,
        _SOURCE,
        Words(
            en=f"Upper bound; effective {part.counts.defaults:.1f} of {part.counts.size:.0f} in the grade.",
            zh=f"置信上界；该等级有效违约 {part.counts.defaults:.1f}，有效样本 {part.counts.size:.0f}。",
        ),
    )


def _root(seen: float, size: float, confidence: float, correlation: float) -> float:
    def gap(odds: float) -> float:
        pd = float(special.ndtr(odds))
        return power.correlated_tail(seen + 1, size, pd, correlation) - confidence

    return float(special.ndtr(optimize.brentq(gap, -8.0, 8.0, xtol=1e-12)))
