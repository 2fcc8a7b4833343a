"""How does a plan of promotion read in a terminal: the gates, who moves where, and what it costs?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.profile.units import unit_word
from riskengine.reports.model_document import STATES

_OUTCOMES = {
    "pass": "通过", "refer": "转人工", "decline": "拒绝", "insufficient data": "数据不足",
    "red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝", "none": "无预警",
}  # fmt: skip


def plan_lines(content: Mapping[str, Any], name: str, language: str) -> list[str]:
    """The plan in words; `name` is its hash."""
    zh = language == "zh"
    was = content["champion"]
    before = f"{was['version']} ({was['bundle'][:12]})" if was else ("无" if zh else "none")
    lines = [
        f"{'上线计划' if zh else 'Plan of promotion'} {name[:12]}: {content['model']} {content['version']}"
        f" ({content['bundle'][:12]}), {'现任' if zh else 'champion now'}: {before}",
        "",
        "门槛" if zh else "Gates",
    ]
    for gate in content["gates"]:
        state = STATES[gate["state"]] if zh else gate["state"]
        lines.append(f"  {state:<6} {gate['title'][language]}: {gate['said']}")
        lines += [f"        - {problem}" for problem in gate["problems"]]
    swap = content["swap"]
    if swap is None:
        why = content["no_swap"] or (
            "没有可比较的现任模型" if zh else "no other champion to compare with: no swap set"
        )
        return [*lines, "", why, *_unchanged(zh)]
    return [*lines, "", *_swap_lines(swap, unit_word(content["currency"], language), zh), *_unchanged(zh)]


def _swap_lines(swap: Mapping[str, Any], currency: str, zh: bool) -> list[str]:
    grades = [name for name in swap["grades"] if _used(swap["matrix"], name)]
    where = ("在保" if swap["population"] == "in force" else "近期申请人") if zh else swap["population"]
    lines = [
        f"{'换位分析' if zh else 'Swap set'}: {swap['cases']:,} {'笔' if zh else 'cases'}, {where}, {swap['as_of']};"
        f" {'等级变好' if zh else 'better grade'} {swap['better']:,}, {'不变' if zh else 'same'} {swap['same']:,},"
        f" {'变差' if zh else 'worse'} {swap['worse']:,}",
        f"  {'现任等级（行）→ 新等级（列）' if zh else 'grade now (row) -> grade then (column)'}",
        "  " + f"{'':>6}" + "".join(f"{name:>7}" for name in grades),
    ]
    for old in grades:
        row = swap["matrix"].get(old, {})
        lines.append(f"  {old:>6}" + "".join(f"{row.get(new) or '·':>7}" for new in grades))
    lines += ["", "结果变化" if zh else "What follows, now -> then"]
    for old, row in swap["outcomes"].items():
        for new, count in row.items():
            if old != new:
                lines.append(f"  {_outcome(old, zh)} -> {_outcome(new, zh)}: {count:,}")
    if swap["movers_in_all"] == 0:
        lines.append("  无" if zh else "  nobody")
    for mover in swap["movers"][:10]:
        loss = " -> ".join(text or "-" for text in mover["expected_loss"])
        lines.append(
            f"    {mover['id']}: PD {mover['pd'][0]:.4f} -> {mover['pd'][1]:.4f}, {mover['grade'][0]} -> {mover['grade'][1]},"
            f" {_outcome(mover['outcome'][0], zh)} -> {_outcome(mover['outcome'][1], zh)},"
            f" {'预期损失' if zh else 'expected loss'} {loss}"
        )
    rest = swap["movers_in_all"] - min(10, len(swap["movers"]))
    if rest > 0:
        lines.append(f"    … {rest:,} {'笔，详见 --json' if zh else 'more, the largest in --json'}")
    lines.append("")
    for side, en, zh_name in (("before", "now", "现任"), ("after", "then", "之后")):
        part = swap[side]
        counts = ", ".join(f"{_outcome(name, zh)} {count:,}" for name, count in part["outcomes"].items())
        mean = "-" if part["mean_pd"] is None else f"{part['mean_pd']:.4f}"
        lines.append(
            f"  {zh_name if zh else en}: {counts}; {'平均PD' if zh else 'mean PD'} {mean};"
            f" {'预期损失' if zh else 'expected loss'} {part['expected_loss']} {currency}"
        )
    lines.append(
        f"  {'预期损失变化' if zh else 'change of expected loss'}: {swap['expected_loss_change']} {currency}"
    )
    return lines


def _outcome(name: str, zh: bool) -> str:
    return _OUTCOMES.get(name, name) if zh else name


def _used(matrix: Mapping[str, Mapping[str, int]], name: str) -> bool:
    return name in matrix or any(name in row for row in matrix.values())


def _unchanged(zh: bool) -> list[str]:
    return ["", "尚未做任何变更。" if zh else "Nothing has been changed."]
