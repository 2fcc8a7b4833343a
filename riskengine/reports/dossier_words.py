"""With which words and numbers is a dossier told, in English and Chinese?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.scoring.reasons import value_text

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "dossier": "Dossier", "as of": "as known on", "code": "Code", "asked": "asked for by", "officer": "Officer",
        "nobody": "no officer named", "merged": "Took over the code", "since": "since", "who": "Who it is", "source": "Source",
        "event": "Event", "known": "Known", "row": "Row", "place": "batch {batch}, row {row}", "reissued": "batch {batch}, re-issued once its enterprise was known", "risk": "Risk and why",
        "guarantee": "Guarantee", "grade": "Grade", "pd": "PD", "interval": "interval", "lifetime": "over the lifetime",
        "score": "score", "loss": "Expected loss", "exposure": "Own exposure", "raises": "Raises risk", "lowers": "Lowers risk",
        "context": "Economy and programme", "missing": "{missing} of {inputs} inputs without a value",
        "no model": "No model answers: none is in force.", "none in force": "No guarantee is in force on this day.",
        "published": "The night of this day published {pd}; what was taken in or defined since then gives the value above.",
        "applications": "Applications", "application": "Application", "open": "open", "taken": "became a guarantee",
        "stored": "recorded decision {stored}", "judged": "pre-review as known on {as_of}", "newest": "the newest {shown} of {of}",
        "rules": "Rules that hit", "rule": "Rule", "what": "What", "limit": "Limit", "value": "Value", "passed": "rules passed",
        "no application": "No application is known.", "suggested": "suggested", "requested": "asked for",
        "money": "Contracts and exposure", "total": "In force, together", "loan": "Loan", "balance": "Balance", "bank": "Bank",
        "product": "Product", "from": "From", "to": "To", "lgd": "loss given default", "state": "State", "in force": "in force",
        "lapsed": "too old to be followed", "by the bank": "by the bank's report of", "share": "Who bears what of the loan",
        "history": "What the nights said of the PD", "history of": "PD of {id} from {first} to {last}; the table beside it has the values",
        "night": "Night", "severity": "Worst signal", "no history": "No night up to this day has published this enterprise.",
        "more nights": "and {more} earlier nights", "signals": "Signals of the last night", "no signals": "No signal of the last night.",
        "no night": "No night has been published up to this day.", "raised": "Raised", "timeline": "Timeline: facts, signals, acts",
        "hidden": "{hidden} older lines of {of} are not shown ({to} to {from_}).", "nothing": "Nothing is recorded.",
        "kinds": "facts {fact}, signals {signal}, ended {ended}, cases {case}, acts {act}",
        "relations": "Relations", "no relations": "The project follows no links.", "strength": "Strength", "trouble": "Trouble",
        "none": "none", "no data": "no data from this source", "rows": "rows", "of": "{shown} of {of} shown",
        "profile": "Profile by dimension", "feature": "What", "nought": "{n} that are nought", "unknown": "{n} not known",
        "conflicts": "Where sources disagree", "counts": "counts", "says": "Says", "apart": "Apart", "tolerated": "Tolerated",
        "resolve": "Where a number comes from", "resolve profile": "Each number has its name beside it. Its source rows:",
        "resolve guarantee": "Of the model's and the contract's numbers:", "resolve source": "All own rows of a source by the source's name, for example:",
        "snapshot": "Facts", "warning": "Invented or sample data", "person": "person", "trouble of": "Signal",
        "red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue", "skip": "To the content", "other ended": "ended",
        "total loan": "Loans", "live": "guarantees in force", "ended n": "ended", "unvalued": "without known terms",
        "pass": "pass", "refer": "refer to an officer", "decline": "decline", "insufficient data": "insufficient data",
        "knock_outs": "knock-out", "referrals": "referral", "caps": "cap", "near_misses": "near miss", "not_evaluable": "not evaluable",
        "floor": "floor", "floor said": "The night of {night} counts the PD as {pd}, grade {grade}: no model lowers a floor.", "model": "model",
        "decides": "A rule floor decides, not this: {title} ({floor}), night of {night}; after it {value}:",
        "floor waived": "waived for now; the signal stays",
        "later": "Model trained after this day (as of {later}, told as of {day}): no such PD was known then.",
        "worst": "Gravest PD", "no reasons": "No reason can be told.", "cannot": "Could not be reviewed",
    },
    "zh": {
        "dossier": "企业档案", "as of": "截至", "code": "代码", "asked": "查询编号", "officer": "经办人",
        "nobody": "未登记经办人", "merged": "已并入代码", "since": "自", "who": "主体信息", "source": "来源",
        "event": "发生日", "known": "获知日", "row": "原始行", "place": "批次{batch}第{row}行", "reissued": "批次{batch}（识别主体后重发）", "risk": "风险评价与原因",
        "guarantee": "担保", "grade": "等级", "pd": "违约概率", "interval": "区间", "lifetime": "存续期",
        "score": "评分", "loss": "预期损失", "exposure": "本机构敞口", "raises": "风险偏高", "lowers": "风险偏低",
        "context": "经济与项目整体", "missing": "{inputs}项输入中{missing}项缺失",
        "no model": "无在用模型，未评分。", "none in force": "该日无在保项目。",
        "published": "当日夜间日报发布为{pd}；此后接入的数据或定义变化使其为上列数值。",
        "applications": "申请", "application": "申请", "open": "在审", "taken": "已成担保",
        "stored": "已存档决定 {stored}", "judged": "按{as_of}所知预审", "newest": "共{of}笔，列出最近{shown}笔",
        "rules": "命中规则", "rule": "规则", "what": "事项", "limit": "限值", "value": "数值", "passed": "条规则通过",
        "no application": "无已知申请。", "suggested": "建议", "requested": "申请",
        "money": "合同与敞口", "total": "在保合计", "loan": "贷款", "balance": "余额", "bank": "银行",
        "product": "产品", "from": "起", "to": "止", "lgd": "违约损失率", "state": "状态", "in force": "在保",
        "lapsed": "超过跟踪期限", "by the bank": "银行报告日", "share": "贷款风险分担",
        "history": "历次夜间评分", "history of": "{id} 自{first}至{last}的违约概率；数值见旁表",
        "night": "日期", "severity": "最高信号", "no history": "该日及以前的夜间日报未收录该企业。",
        "more nights": "另有更早{more}日", "signals": "最近一次日报的信号", "no signals": "最近一次日报无信号。",
        "no night": "该日及以前未发布夜间日报。", "raised": "触发日", "timeline": "时间线：事实、信号、处置",
        "hidden": "共{of}条，较早的{hidden}条未显示（{to}至{from_}）。", "nothing": "无记录。",
        "kinds": "事实{fact}，信号{signal}，解除{ended}，案件{case}，处置{act}",
        "relations": "关联关系", "no relations": "本项目未定义关联。", "strength": "强度", "trouble": "风险情况",
        "none": "无", "no data": "该来源无数据", "rows": "条", "of": "共{of}，显示{shown}",
        "profile": "企业画像（分维度）", "feature": "指标", "nought": "另有{n}项为零", "unknown": "{n}项未知",
        "conflicts": "来源不一致", "counts": "采用", "says": "数值", "apart": "差异", "tolerated": "容差",
        "resolve": "数据溯源", "resolve profile": "每个数值旁均注其名称，查其原始行：",
        "resolve guarantee": "模型与合同数值：", "resolve source": "按来源名列出本户全部原始行，例如：",
        "snapshot": "数据版本", "warning": "合成或样例数据", "person": "自然人", "trouble of": "信号",
        "red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝", "skip": "跳到正文", "other ended": "已结束",
        "total loan": "贷款", "live": "笔在保", "ended n": "笔已结束", "unvalued": "笔条件不明",
        "pass": "通过", "refer": "转人工审核", "decline": "不予受理", "insufficient data": "资料不足",
        "knock_outs": "否决", "referrals": "转审", "caps": "限额", "near_misses": "接近红线", "not_evaluable": "无法判断",
        "floor": "规则下限", "floor said": "{night}日报按违约概率{pd}、等级{grade}计：模型不得低于规则下限。", "model": "模型",
        "decides": "此值不作准，以规则下限为准：{title}（{floor}），{night}日报；下限后为{value}：",
        "floor waived": "目前豁免，信号保留",
        "later": "模型训练截至{later}，晚于所述日期{day}：当日并无此评分。",
        "worst": "最高违约概率", "no reasons": "无可说明的因素。", "cannot": "无法预审",
    },
}  # fmt: skip
SLOTS: Mapping[str, Mapping[str, str]] = {
    "en": {"bank": "Bank", "product": "Product", "institution": "Institution", "officer": "Officer"},
    "zh": {"bank": "银行", "product": "产品", "institution": "承办机构", "officer": "经办人"},
}
PARTIES: Mapping[str, Mapping[str, str]] = {
    "en": {"bank": "bank", "direct": "this institution", "province": "province", "fund": "Fund", "government": "government"},
    "zh": {"bank": "银行", "direct": "本机构", "province": "省级再担保", "fund": "国担基金", "government": "地方政府"},
}  # fmt: skip


def amount(value: Any) -> str:
    """An amount with separators, cents only where there are any.

    >>> amount("2319651.64"), amount("876000.00"), amount(None)
    ('2,319,651.64', '876,000', '–')
    """
    if value is None:
        return "–"
    return f"{float(value):,.2f}".removesuffix(".00")


def shown_value(value: Any, unit: str, kind: str, language: str) -> str:
    """A value as people write it, by its unit and kind.

    >>> shown_value(0.25, "share", "number", "en"), shown_value("1200.00", "", "money", "en")
    ('25 %', '1,200')
    >>> shown_value(None, "", "text", "zh"), shown_value("2026-06-30", "", "date", "zh")
    ('–', '2026-06-30')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("no", "yes")}["zh" if language == "zh" else "en"][value]
    if kind == "money":
        return amount(value)
    if kind == "rate" and isinstance(value, int | float):
        return value_text({"unit": "share"}, float(value), "zh" if language == "zh" else "en")
    if isinstance(value, int | float) and kind == "number":
        return value_text({"unit": unit}, float(value), "zh" if language == "zh" else "en")
    return str(value)
