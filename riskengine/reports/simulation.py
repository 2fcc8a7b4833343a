"""How does a committee read what a change of the rules would have done, on one screen?"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from riskengine.decision.simulate import OUTCOMES
from riskengine.reports.wording import money, money_zh

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "pass": "approved", "refer": "referred", "decline": "declined", "insufficient data": "insufficient data",
        "head": "{n} applications of {months} months to {as_of}: rules of {a} against rules of {b}",
        "again": "Both sides are decided again by today's model on what was known on the day of application.",
        "count": "applications", "requested": "asked for", "suggested": "suggested", "expected_loss": "expected loss",
        "crossed": "Who moves (rows: before, columns: after)", "rules": "Rules whose findings change (before -> after)",
        "movers": "Largest of the {n} whose decision or amount changes", "none": "No decision and no amount changes.",
        "policy": "the proposed file", "bound": "bound by", "same": "the project's file",
    },
    "zh": {
        "pass": "通过", "refer": "转人工", "decline": "否决", "insufficient data": "资料不足",
        "head": "截至 {as_of} 的 {months} 个月内 {n} 笔申请：{a} 的规则对比 {b} 的规则",
        "again": "两侧均以现行模型、按申请当日已知信息重新判定。",
        "count": "笔数", "requested": "申请金额", "suggested": "建议金额", "expected_loss": "预期损失",
        "crossed": "结论变动（行：变更前，列：变更后）", "rules": "命中情况有变化的规则（前 -> 后）",
        "movers": "结论或金额有变化的 {n} 笔中金额最大者", "none": "没有任何结论或金额变化。",
        "policy": "拟议文件", "bound": "受限于", "same": "现行文件",
    },
}  # fmt: skip
_STATES = {
    "hit": "命中",
    "near": "临近",
    "passed": "通过",
    "not evaluable": "无法判断",
    "not applicable": "不适用",
    "offered": "提供",
    "not offered": "不提供",
}
_LISTED = 8


def lines(told: Mapping[str, Any], language: str) -> list[str]:
    """The simulation (`decision.simulate.simulate`) in words."""
    text = _WORDS["zh" if language == "zh" else "en"]
    before, after = told["rules_before"], told["rules_after"]
    other = before["policy"] != after["policy"]
    found = [
        text["head"].format(
            n=f"{told['applications']:,}", months=told["months"], as_of=told["as_of"], a=before["on"],
            b=f"{after['on']} ({text['policy' if other else 'same']})",
        ),
        text["again"],
        "",
    ]  # fmt: skip
    found += _money_table(told, text, language)
    if told["movers_in_all"]:
        found += ["", text["crossed"], *_crossed(told["crossed"], text)]
    else:
        found += ["", text["none"]]
    changed = {rule: _changes(states, language) for rule, states in told["rules"].items()}
    if any(changed.values()):
        found += ["", text["rules"], *(f"  {rule}  {words}" for rule, words in changed.items() if words)]
    if not told["movers_in_all"]:
        return found
    found += ["", text["movers"].format(n=f"{told['movers_in_all']:,}")]
    for one in told["movers"][:_LISTED]:
        amounts = " -> ".join(
            "–" if amount is None else _amount(amount, language) for amount in one["suggested"]
        )
        decisions = " -> ".join(dict.fromkeys(text[decision] for decision in one["decision"]))
        asked = _amount(one["requested"], language) if one["requested"] else "–"
        found.append(f"  {one['id']}  {asked}  {decisions}  {amounts}  {_turned(one, text, language)}")
    return found


def _changes(states: Mapping[str, Sequence[int]], language: str) -> str:
    """How often a rule was hit, near or not evaluable, before and after; what passes or does not apply goes unsaid."""
    shown = [(name, states[name]) for name in ("hit", "near", "not evaluable") if name in states]
    return ", ".join(f"{_state(name, language)} {before} -> {after}" for name, (before, after) in shown)


def _turned(mover: Mapping[str, Any], text: Mapping[str, str], language: str) -> str:
    """The rules that are hit on one side only, at most three; where the same are hit, what bounds the amount after."""
    rules = mover["rules"]
    if not rules and mover["binding"]:
        return f"{text['bound']} {', '.join(mover['binding'])}"
    turned = [one for one in rules if {"hit", "not offered"} & {one["before"], one["after"]}] or rules
    return "; ".join(
        f"{one['rule']} {_state(one['before'], language)} -> {_state(one['after'], language)}"
        for one in turned[:3]
    )


def _money_table(told: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    heads = ["", *(text[name] for name in ("count", "requested", "suggested", "expected_loss"))]
    rows = [heads]
    for outcome in OUTCOMES:
        cells = [text[outcome]]
        sides = [told[side][outcome] for side in ("before", "after")]
        cells.append(" -> ".join(f"{side['applications']:,}" for side in sides))
        for name in ("requested", "suggested", "expected_loss"):
            cells.append(" -> ".join(_amount(side[name], language) for side in sides))
        rows.append(cells)
    return _aligned(rows)


def _crossed(counts: Mapping[str, Mapping[str, int]], text: Mapping[str, str]) -> list[str]:
    rows = [["", *(text[name] for name in OUTCOMES)]]
    rows += [[text[one], *(f"{counts[one][two]:,}" for two in OUTCOMES)] for one in OUTCOMES]
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(wide(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell + " " * (width - wide(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def wide(text: str) -> int:
    """How many columns of a terminal a text takes: a Chinese character takes two.

    >>> wide("A33"), wide("命中")
    (3, 4)
    """
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _amount(text: str, language: str) -> str:
    value = float(Decimal(text))
    return money_zh(value) if language == "zh" else money(value)


def _state(name: str, language: str) -> str:
    return _STATES[name] if language == "zh" else name
