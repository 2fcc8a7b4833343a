"""With which fixed phrases is a decision told, in English and Chinese?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_LAW = re.compile(r"[一-鿿]{2,30}(〔\d{4}〕\d+号|第[\d一二三四五六七八九十百]+条)")
_LAW_EN = re.compile(
    r"(\d+ CFR [\d.]+(\(\w\))*|Pub\. L\. \d+-\d+|Small Business Act s\. \d+(\(\w+\))*|State Council Order \d+( art\. \d+)?)"
)
PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "pass": "PASS", "refer": "REFER TO AN OFFICER", "decline": "DECLINE", "insufficient data": "INSUFFICIENT DATA",
        "model": "Model", "policy": "Policy", "raises": "Raises risk", "lowers": "Lowers risk", "amount": "Amount",
        "data": "Data", "next": "Next", "of": "as of", "latest": "Answered for application {application}, the latest of this enterprise", "score": "score", "grade": "grade", "points to": "points to",
        "knock_outs": "knock-out", "referrals": "referral", "caps": "cap", "near_misses": "near miss",
        "not_evaluable": "not evaluable", "clear": "rules passed", "requested": "requested", "suggested": "suggested",
        "binding": "bound by", "loss": "expected loss", "known": "last known", "none": "none",
        "fresh": "sources fresh", "stale": "STALE", "none known": "NONE KNOWN", "not due": "nothing due",
        "missing": "missing", "worst": "if what is missing were at its worst: grade", "problem": "problem",
        "limit": "limit", "interval": "{:.0%} interval of the PD", "unsure": "too unsure for the model alone",
        "context": "Economy and programme", "ways": "What would help the grade", "yes": "yes", "no": "no",
        "not applicable": "do not apply", "allows": "at most", "asked": "asked", "product": "Product", "tier": "class",
        "fee": "fee", "a year assumed": "term unknown: one year", "months": "{} months", "fund fee": "Fund's fee {} a year",
        "all caps": "All caps", "unknown cap": "cannot be computed", "budget": "expected loss against the fee",
        "nothing left": "nothing can be given ({})", "not offered": "not offered on this day",
        "because": "Because", "hidden": "what is missing could hide grade {}", "late": "out of date: {}",
        "product unknown": "the product asked for is not known", "more": "  and {} more: --json", "list": "; ", "comma": ", ",
        "bank": "bank", "direct": "this institution", "province": "province", "fund": "Fund", "government": "government",
        "get": "{rules}: get {what}{source}", "from": " ({source})", "get model": "Get {what}: without it the model could say grade {grade}",
        "get required": "Obtain {what}: nothing is decided without it", "renew": "Bring up to date: {what}",
        "check": "Check: {what}", "correct": "Correct the application: {what}", "which product": "Ask which product it is: {what} is not said",
        "other product": "{product} is not offered on this day: ask for another product",
        "reduce": "Guarantee at most {amount}, or settle first what bounds it: {what}",
        "tell": "Tell the applicant: {what}", "judge": "Judge the PD yourself: {what}",
        "do pass": "Approve up to the suggested amount; the decision is recorded under the id above.",
        "do refer": "An officer decides: check the referrals, near misses and data above first.",
        "do decline": "Tell the applicant the knock-outs or adverse reasons above; nothing else is needed.",
        "do insufficient data": "Obtain the missing values above and review again.",
    },
    "zh": {
        "pass": "通过", "refer": "转人工审核", "decline": "不予受理", "insufficient data": "资料不足",
        "model": "模型", "policy": "政策", "raises": "风险偏高", "lowers": "风险偏低", "amount": "金额",
        "data": "数据", "next": "下一步", "of": "截至", "latest": "所答为该企业最近一笔申请 {application}", "score": "评分", "grade": "等级", "points to": "指向",
        "knock_outs": "否决", "referrals": "转审", "caps": "限额", "near_misses": "接近红线",
        "not_evaluable": "无法判断", "clear": "条规则通过", "requested": "申请", "suggested": "建议",
        "binding": "约束", "loss": "预期损失", "known": "最近获知", "none": "无",
        "fresh": "个来源正常", "stale": "过期", "none known": "从未获知", "not due": "无定期",
        "missing": "缺失", "worst": "缺失项取最差值时等级为", "problem": "问题", "limit": "限值",
        "interval": "违约概率{:.0%}区间", "unsure": "模型把握不足转人工",
        "context": "经济与项目整体", "ways": "如何改善等级", "yes": "是", "no": "否",
        "not applicable": "条不适用", "allows": "至多", "asked": "申请", "product": "产品", "tier": "类别",
        "fee": "担保费", "a year assumed": "期限未知，按一年计", "months": "{}个月", "fund fee": "国担基金再担保费每年{}",
        "all caps": "全部限额", "unknown cap": "无法计算", "budget": "预期损失与担保费之比",
        "nothing left": "可担保金额为零（{}）", "not offered": "该日未开办",
        "because": "原因", "hidden": "缺失信息最差可致等级{}", "late": "数据过期：{}",
        "product unknown": "申请产品不明", "more": "  另有{}项：--json", "list": "；", "comma": "、",
        "bank": "银行", "direct": "本机构", "province": "省级再担保", "fund": "国担基金", "government": "地方政府",
        "get": "{rules}：补充{what}{source}", "from": "（{source}）", "get model": "补充{what}：缺失时模型等级最差可至{grade}",
        "get required": "补齐{what}：缺少时不作决定", "renew": "更新数据：{what}",
        "check": "核实：{what}", "correct": "更正申请资料：{what}", "which product": "核实申请产品：未注明{what}",
        "other product": "{product}该日未开办：改选其他产品",
        "reduce": "担保金额不超过{amount}，或先解决约束项：{what}",
        "tell": "告知申请人：{what}", "judge": "自行判断违约概率：{what}",
        "do pass": "可在建议金额内批准；本决定已按上述编号存档。",
        "do refer": "请审核员定夺：先核对上列转审、接近红线与数据事项。",
        "do decline": "将上列否决事项或不利因素告知申请人即可。",
        "do insufficient data": "补齐上列缺失资料后重新审核。",
    },
}  # fmt: skip


def tongue(language: str) -> str:
    """The language texts are told in: `zh`, else `en`."""
    return "zh" if language == "zh" else "en"


def phrases(language: str) -> Mapping[str, str]:
    """The phrases of a language."""
    return PHRASES[tongue(language)]


def amount_text(text: str, currency: str) -> str:
    """An amount with separators, cents only where there are any."""
    try:
        amount = float(text)
    except ValueError:
        return text
    return f"{amount:,.2f}".removesuffix(".00") + (f" {currency}" if currency else "")


def value_text(value: Any, text: Mapping[str, str]) -> str:
    """A value of a feature, or a limit."""
    if value is None:
        return text["missing"]
    if isinstance(value, bool):
        return text["yes" if value else "no"]
    return (
        f"{value:,.6g}"
        if isinstance(value, int | float) and abs(value) < 1e6
        else amount_text(str(value), "")
    )


def law_of(reference: str, language: str) -> str:
    """The law that a reference begins with, by its short name; empty where it begins with none (told in `--json` in full).

    >>> law_of("财金〔2026〕6号 negative list: not on the list (domain page 2.6)", "zh")
    '财金〔2026〕6号'
    >>> law_of("No unfulfilled enforcement (domain page 4.2)", "en")
    ''
    """
    found = _LAW.match(reference) or (None if tongue(language) == "zh" else _LAW_EN.match(reference))
    return found[0].strip() if found else ""


def gap_titles(out: Mapping[str, Any], kind: str, language: str) -> list[str]:
    """What the missing features or required values of a record are called."""
    titles = out["gaps"]["titles"]
    return [titles[name][tongue(language)] if name in titles else name for name in out["gaps"][kind]]


def problem_text(item: Mapping[str, Any]) -> str:
    """What is wrong with one cell of an application."""
    value = "" if item["value"] is None else f" {item['value']!r}"
    return f"{item['column']}: {item['rule']}{value}".removeprefix(": ")


def some(names: Sequence[str], most: int, comma: str) -> str:
    """The first names, and how many more there are.

    >>> some(["a", "b", "c"], 2, ", ")
    'a, b +1'
    """
    return comma.join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "")
