"""Who would be treated otherwise by the challenger than by the champion, and how did they turn out?

Only rows with a known outcome can be asked. Where the champion declined in the past there are none: then the swapped-in cells
are those that were granted all the same, and the note of `swap_balance` says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from riskengine.errors import Problem, UsageError
from riskengine.learning.evaluation import in_top
from riskengine.learning.metrics import Floats, Sample
from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.effective import Effective, Flags, effective, totals, unit, where
from riskengine.validation.lines import Line, Rules, verdict

Strings = npt.NDArray[np.object_]
_SOURCE = "Siddiqi, Intelligent Credit Scoring (2nd ed. 2017): swap set"
_RANK = "Spearman, American J. Psychology 15 (1904)"
_CELLS = (("pass", "pass"), ("pass", "decline"), ("decline", "pass"), ("decline", "decline"))
_ZH = {"pass": "通过", "decline": "拒绝"}


@dataclass(frozen=True)
class Cut:
    """Who is declined: the riskiest `share` of the weight, or everybody with a PD above `pd`; exactly one is given."""

    share: float | None = None
    pd: float | None = None

    def declined(self, rows: Sample) -> Flags:
        """Which rows are declined."""
        if (self.share is None) == (self.pd is None):
            raise UsageError(
                "Not a cut", [Problem("cut", "either a share or a pd", f"{self.share}, {self.pd}")]
            )
        if self.share is not None:
            return in_top(rows.pd, rows.weight, self.share)
        assert self.pd is not None
        return np.asarray(rows.pd > self.pd, dtype=np.bool_)


def swap_set(
    champion: Sample, challenger: Sample, cut: Cut, money: Floats | None = None, rules: Rules | None = None
) -> list[Line]:
    """The four cells of champion's by challenger's decision: share, default rate, money; and the balance of those swapped.

    Both samples hold the same rows in the same order; `money` is by row. The balance fails if those swapped in default
    more than those swapped out.
    """
    rules = rules or Rules()
    _same(champion, challenger)
    before, after = cut.declined(champion), cut.declined(challenger)
    lines, counts = [], {}
    for old, new in _CELLS:
        inside = (before == (old == "decline")) & (after == (new == "decline")) & (champion.weight > 0)
        part = where(champion, inside)
        counts[old, new] = effective(part, unit(champion))
        lines += _cell(champion, inside, (old, new), counts[old, new])
        if money is not None:
            lines.append(_money(champion, inside, (old, new), money))
    return [*lines, _balance(champion, counts, (before, after), rules)]


def population(
    champion: Sample,
    challenger: Sample,
    champion_grades: Strings,
    challenger_grades: Strings,
    order: Sequence[str],
) -> list[Line]:
    """How the challenger regrades: share moved, up and down, ratio of mean PDs, rank correlation, and every grade's share."""
    _same(champion, challenger)
    place = {name: number for number, name in enumerate(order)}
    old, new = (
        np.array([place[str(name)] for name in names]) for names in (champion_grades, challenger_grades)
    )
    weight = champion.weight
    shares = {
        "grade_moved": (old != new, Words(en="Rows that change grade", zh="等级变动占比")),
        "grade_up": (new < old, Words(en="Rows with a better grade", zh="等级上调占比")),
        "grade_down": (new > old, Words(en="Rows with a worse grade", zh="等级下调占比")),
    }
    lines = [_share(champion, inside, (test, "all", title)) for test, (inside, title) in shares.items()]
    ratio = float((weight * challenger.pd).sum() / (weight * champion.pd).sum())
    pull = weight * (challenger.pd - ratio * champion.pd)
    error = math.sqrt(float((totals(champion, pull) ** 2).sum())) / float((weight * champion.pd).sum())
    lines.append(
        _told(
            champion,
            ("pd_ratio", "all", Words(en="Mean PD, challenger over champion", zh="平均 PD：挑战者/冠军")),
            (ratio, ratio - 1.96 * error, ratio + 1.96 * error),
            _SOURCE,
        )
    )
    ranks = (
        float(stats.spearmanr(champion.pd, challenger.pd).statistic)
        if min(np.ptp(champion.pd), np.ptp(challenger.pd)) > 0
        else None
    )
    lines.append(
        _told(
            champion,
            (
                "rank_correlation",
                "all",
                Words(en="Rank correlation of the PDs (unweighted)", zh="PD 秩相关（不加权）"),
            ),
            (ranks, None, None),
            _RANK,
        )
    )
    for name in order:
        title = Words(en=f"Share of grade {name} under the challenger", zh=f"挑战者下等级 {name} 占比")
        line = _share(champion, new == place[name], ("grade_share", f"grade:{name}", title))
        was = float(weight[old == place[name]].sum() / weight.sum())
        lines.append(_noted(line, Words(en=f"Under the champion {was:.4f}.", zh=f"冠军模型下为 {was:.4f}。")))
    return lines


def _cell(rows: Sample, inside: Flags, cell: tuple[str, str], counts: Effective) -> list[Line]:
    scope = f"swap:{cell[0]}>{cell[1]}"
    said = Words(
        en=f"champion {cell[0]}, challenger {cell[1]}", zh=f"冠军{_ZH[cell[0]]}、挑战者{_ZH[cell[1]]}"
    )
    share = _share(rows, inside, ("swap_count", scope, Words(en=f"Share: {said.en}", zh=f"占比：{said.zh}")))
    title = Words(en=f"Default rate: {said.en}", zh=f"违约率：{said.zh}")
    rate: tuple[float | None, float | None, float | None] = (None, None, None)
    if counts.size:
        rate = (counts.rate, *power.jeffreys_interval(counts.defaults, counts.size))
    made = _told(rows, ("swap_rate", scope, title), rate, "Korn and Graubard, Survey Methodology 24 (1998)")
    return [share, _sized(made, rows, inside)]


def _money(rows: Sample, inside: Flags, cell: tuple[str, str], money: Floats) -> Line:
    values = np.where(inside & np.isfinite(money), money, 0.0) * rows.weight
    total = float(values.sum())
    groups = totals(rows, values)
    error = math.sqrt(float(((groups - groups.mean()) ** 2).sum()))
    title = Words(
        en=f"Money: champion {cell[0]}, challenger {cell[1]}",
        zh=f"金额：冠军{_ZH[cell[0]]}、挑战者{_ZH[cell[1]]}",
    )
    named = ("swap_money", f"swap:{cell[0]}>{cell[1]}", title)
    return _sized(
        _told(rows, named, (total, total - 1.96 * error, total + 1.96 * error), _SOURCE), rows, inside
    )


def _balance(
    rows: Sample, counts: Mapping[tuple[str, str], Effective], decided: tuple[Flags, Flags], rules: Rules
) -> Line:
    """The default rate of those swapped in less that of those swapped out: one-sided z-test with the pooled rate."""
    into, out = counts["decline", "pass"], counts["pass", "decline"]
    value = p = low = high = seen = None
    if min(into.size, out.size) >= 1 and into.defaults + out.defaults > 0:
        both = (into.defaults + out.defaults) / (into.size + out.size)
        null = math.sqrt(both * (1 - both) * (1 / into.size + 1 / out.size))
        own = math.sqrt(into.rate * (1 - into.rate) / into.size + out.rate * (1 - out.rate) / out.size)
        value = into.rate - out.rate
        low, high = value - 1.959963984540054 * own, value + 1.959963984540054 * own
        if null > 0 and into.defaults + out.defaults >= rules.fewest:
            p = float(stats.norm.sf(value / null))
            seen = power.of_normal((rules.pd_ratio - 1) * both, null, rules.alpha)
    moved = decided[0] != decided[1]
    line = Line(
        "swap_balance",
        "all",
        Words(en="Default rate, swapped in less swapped out", zh="换入与换出违约率之差"),
        value,
        low,
        high,
        int(moved.sum()),
        int(rows.label[moved].sum()),
        "not above zero",
        seen,
        f"those swapped in default {rules.pd_ratio} times as often",
        verdict(None if p is None else p < rules.alpha, seen, inside=high is not None and high < 0),
        _SOURCE,
    )
    said = "" if p is None else f"One-sided p {p:.4f}. "
    said_zh = "" if p is None else f"单侧 p 值 {p:.4f}。"
    return _noted(
        line, Words(en=said + "Rows with a known outcome only.", zh=said_zh + "仅含结果已知的样本。")
    )


def _share(rows: Sample, inside: Flags, named: tuple[str, str, Words]) -> Line:
    """A weighted share of rows with Wilson-like Jeffreys limits on the effective size of its own variance."""
    mass = float(rows.weight.sum())
    share = float(rows.weight[inside].sum()) / mass
    spread = float((totals(rows, rows.weight * (inside - share)) ** 2).sum()) / mass**2
    limits = (share, share)
    if spread > 0:
        size = share * (1 - share) / spread
        limits = power.jeffreys_interval(share * size, size)
    return _sized(_told(rows, named, (share, *limits), _SOURCE), rows, inside)


def _told(
    rows: Sample,
    named: tuple[str, str, Words],
    found: tuple[float | None, float | None, float | None],
    source: str,
) -> Line:
    test, scope, title = named
    return Line(
        test,
        scope,
        title,
        *found,
        len(rows.label),
        int(rows.label.sum()),
        "none: reported",
        None,
        "",
        "information",
        source,
    )


def _sized(line: Line, rows: Sample, inside: Flags) -> Line:
    return replace(line, n=int(inside.sum()), defaults=int(rows.label[inside].sum()))


def _noted(line: Line, note: Words) -> Line:
    return replace(line, note=note)


def _same(champion: Sample, challenger: Sample) -> None:
    if len(champion.label) != len(challenger.label) or (champion.label != challenger.label).any():
        got = f"{len(champion.label)} and {len(challenger.label)} rows"
        raise UsageError(
            "Not the same rows", [Problem("champion and challenger", "the same rows in the same order", got)]
        )
