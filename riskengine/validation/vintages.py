"""Did each vintage default as it was expected to, and which vintages are too young to ask?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from riskengine.learning.metrics import Floats, Sample
from riskengine.learning.multiplicity import holm
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import effective, unit, where
from riskengine.validation.grade_tests import Part, jeffreys_lines, parts
from riskengine.validation.lines import Line, Rules, verdict

_SOURCE = "Basel Committee, Working Paper 14 (2005); Jeffreys test as in the ECB instructions (2019)"


def vintages(
    rows: Sample, vintage: npt.NDArray[np.object_], followed: Floats, rules: Rules | None = None
) -> list[Line]:
    """Mature vintages are judged by the Jeffreys test (Holm over vintages); immature ones are shown, never judged.

    `followed` is the share of the horizon that has been observed of each row. A vintage is mature if every row of it
    is. Defaults of different borrowers in one vintage share its economy: a rejection of a single vintage says that the
    PD missed that year, not which of the two was wrong.
    """
    rules = rules or Rules()
    names = np.array([str(value) for value in vintage], dtype=object)
    every = sorted(set(names))
    whole = np.array([bool((followed[names == name] >= 1).all()) for name in every], dtype=bool)
    mature = [name for name, old in zip(every, whole, strict=True) if old]
    lines = []
    judged = parts(rows, names, mature, ("vintage", None))
    if judged:
        lines += jeffreys_lines(judged, rules, "vintage")
        lines.append(together(judged, rules))
    for name in sorted(set(every) - set(mature)):
        inside = (names == name) & (rows.weight > 0)
        if inside.any():
            lines.append(_immature(where(rows, inside), name, followed[inside], unit(rows)))
    return sorted(lines, key=lambda line: line.scope)


def together(judged: Sequence[Part], rules: Rules) -> Line:
    """Are there more defaults in some vintage than one bad year explains? Holm over vintages, one-factor model.

    The defaults of one vintage share its economy, which is what the one-factor model describes; a test that takes them as
    independent would fail every model at the turn of a cycle. Power: the chance that at least one vintage is seen if all
    PDs were too low (vintages taken as independent of each other).
    """
    found = [
        power.correlated_tail(part.counts.defaults, part.counts.size, part.pd, rules.correlation)
        for part in judged
    ]
    level = rules.alpha / len(judged)
    missed = [
        1 - power.of_binomial(part.pd, rules.pd_ratio * part.pd, part.counts.size, level, rules.correlation)
        for part in judged
    ]
    seen = float(1 - np.prod(missed))
    adjusted = holm(found)
    many = sum(p < rules.alpha for p in adjusted)
    return Line(
        "vintages_together", "all", Words(en="All mature vintages together", zh="全部成熟批次联合检验"), float(many), None, None,
        sum(part.n for part in judged), sum(part.defaults for part in judged),
        f"no vintage beyond what one bad year explains, correlation {rules.correlation:g} (value: how many of {len(judged)})",
        seen, f"all PDs {rules.pd_ratio} times too low", verdict(many > 0, seen), f"{_SOURCE}; Vasicek, Risk (December 2002)",
        Words(en=f"Smallest p after Holm {min(adjusted):.4f}.", zh=f"Holm 校正后最小 p 值 {min(adjusted):.4f}。"),
    )  # fmt: skip


def _immature(rows: Sample, name: str, followed: Floats, whole: float | None) -> Line:
    counts = effective(rows, whole)
    seen = float(np.average(np.clip(followed, 0, 1), weights=rows.weight))
    expected = float(np.average(rows.pd, weights=rows.weight))
    return Line(
        "vintage_immature",
        f"vintage:{name}",
        Words(en="Vintage still under observation", zh="尚未到期的批次"),
        counts.rate,
        *power.jeffreys_interval(counts.defaults, counts.size),
        len(rows.label),
        int(rows.label.sum()),
        f"none yet: PD {expected:.5f} is for the whole horizon, of which {seen:.0%} has passed",
        None,
        "",
        "information",
        _SOURCE,
        Words(
            en="Partial follow-up: defaults so far, not comparable with the PD.",
            zh="观察期未满：仅为目前已发生的违约，不可与 PD 直接比较。",
        ),
    )
