"""How is one decision told on one screen, in English or Chinese, with what to do next?"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.decision.ways import way_lines
from riskengine.scoring.scorecard import Rating

_TEXT: Mapping[str, Mapping[str, str]] = {
    "en": {
        "pass": "PASS", "refer": "REFER TO AN OFFICER", "decline": "DECLINE", "insufficient data": "INSUFFICIENT DATA",
        "model": "Model", "policy": "Policy", "raises": "Raises risk", "lowers": "Lowers risk", "amount": "Amount",
        "data": "Data", "next": "Next", "of": "as of", "score": "score", "grade": "grade", "points to": "points to",
        "knock_outs": "knock-out", "referrals": "referral", "caps": "cap", "near_misses": "near miss",
        "not_evaluable": "not evaluable", "clear": "rules passed", "requested": "requested", "suggested": "suggested",
        "binding": "bound by", "loss": "expected loss", "known": "last known", "none": "none",
        "fresh": "sources fresh", "stale": "STALE", "none known": "NONE KNOWN", "not due": "nothing due",
        "missing": "missing", "worst": "if what is missing were at its worst: grade", "problem": "problem",
        "limit": "limit", "interval": "{:.0%} interval of the PD", "unsure": "too unsure for the model alone", "context": "Economy and programme", "ways": "What would help the grade",
        "yes": "yes", "no": "no",
        "do pass": "Approve up to the suggested amount; the decision is recorded under the id above.",
        "do refer": "An officer decides: check the referrals, near misses and data above first.",
        "do decline": "Tell the applicant the knock-outs or adverse reasons above; nothing else is needed.",
        "do insufficient data": "Obtain the missing values above and review again.",
    },
    "zh": {
        "pass": "通过", "refer": "转人工审核", "decline": "不予受理", "insufficient data": "资料不足",
        "model": "模型", "policy": "政策", "raises": "风险偏高", "lowers": "风险偏低", "amount": "金额",
        "data": "数据", "next": "下一步", "of": "截至", "score": "评分", "grade": "等级", "points to": "指向",
        "knock_outs": "否决", "referrals": "转审", "caps": "限额", "near_misses": "接近红线",
        "not_evaluable": "无法判断", "clear": "条规则通过", "requested": "申请", "suggested": "建议",
        "binding": "约束", "loss": "预期损失", "known": "最近获知", "none": "无",
        "fresh": "个来源正常", "stale": "过期", "none known": "从未获知", "not due": "无定期",
        "missing": "缺失", "worst": "缺失项取最差值时等级为", "problem": "问题", "limit": "限值",
        "interval": "违约概率{:.0%}区间", "unsure": "模型把握不足转人工",
        "context": "经济与项目整体", "ways": "如何改善等级", "yes": "是", "no": "否",
        "do pass": "可在建议金额内批准；本决定已按上述编号存档。",
        "do refer": "请审核员定夺：先核对上列转审、接近红线与数据事项。",
        "do decline": "将上列否决事项或不利因素告知申请人即可。",
        "do insufficient data": "补齐上列缺失资料后重新审核。",
    },
}  # fmt: skip
_KINDS = ("knock_outs", "referrals", "caps", "near_misses", "not_evaluable")
_WIDTH = 110


def say(record: Mapping[str, Any], language: str, currency: str = "") -> str:
    """One decision as plain text of at most some 30 lines."""
    text = _TEXT["zh" if language == "zh" else "en"]
    out = record["outputs"]
    lines = [
        f"{text[out['decision']]}   {record['applicant_id'] or '?'}   {text['of']} {record['as_of'] or '?'}"
        f"   [{record['decision_id']}]"
    ]
    lines += _model(out, text, language)
    lines += _policy(out, text, language)
    lines += _reasons(out, text, language)
    lines += _ways(out, text, language)
    lines += _amount(out, text, language, currency)
    lines += _data(out, text, language)
    lines.append(f"{text['next']}: {text['do ' + out['decision']]}")
    return "\n".join(part for line in lines for part in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """A line in parts that fit a terminal, the later ones indented."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [line]


def reason_line(record: Mapping[str, Any], language: str) -> str:
    """Why, on one line: what is wrong with the row, the rules that count, then the model's adverse reasons."""
    text = _TEXT["zh" if language == "zh" else "en"]
    out = record["outputs"]
    parts = [_problem(item) for item in out["data_problems"]]
    for kind in ("knock_outs", "referrals", "caps", "not_evaluable"):
        found = out["policy"][kind] if out["policy"] else []
        parts += [f"{text[kind]}: {item['title'][_lang(language)]}" for item in found]
    if out["gaps"]["features"] and out["gaps"]["outcome"] != (out["model"] or {}).get("outcome"):
        parts.append(f"{text['missing']}: {', '.join(_titles(out, 'features', language))}")
    if (out["model"] or {}).get("unsure"):
        parts.append(out["model"]["words"][_lang(language)])
    parts += [reason["words"][_lang(language)] for reason in out["reasons"]["adverse"]]
    return " | ".join(parts)


def _model(out: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    model = out["model"]
    if model is None:
        return []
    line = (
        f"{text['model']}: PD {model['pd']:.2%}, {text['score']} {model['score']}, {text['grade']} {model['grade']}"
        f" -> {text['points to']} {text[model['outcome']]}"
    )
    gaps = out["gaps"]
    if gaps["features"]:
        shown = ", ".join(_titles(out, "features", language)[:4]) + (
            ", ..." if len(gaps["features"]) > 4 else ""
        )
        told = f"  {text['missing']}: {shown}; {text['worst']} {gaps['worst_grade']}"
        # What could be hidden in the gaps decides, so that less data never improves a decision.
        leads = f" -> {text[gaps['outcome']]}" if gaps["outcome"] != model["outcome"] else ""
        return [line, *_sureness(model, text, language), told + leads]
    return [line, *_sureness(model, text, language)]


def _sureness(model: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    """Between which values the PD lies, and why a person should decide."""
    if "unsure" not in model:
        return []
    line = f"  {text['interval'].format(model['coverage'])}: {model['low']:.2%} - {model['high']:.2%}"
    if not model["unsure"]:
        return [line]
    return [line, f"  {model['words'][_lang(language)]} -> {text['refer']}"]


def unsure_words(table: Mapping[str, Any], rated: Rating, missing: float) -> dict[str, str]:
    """Why a PD is not sure enough for a machine, in both languages; empty texts where it is.

    `table` are the limits in the bundle's `interval`, `missing` the share of the model's features without a value.
    """
    if rated.unsure == "thin":
        limit = table["most_missing"]
        return {
            "en": f"Thin file: {missing:.0%} of what the model reads is missing (a person decides above {limit:.0%})",
            "zh": f"资料单薄：模型所用信息缺失{missing:.0%}（超过{limit:.0%}转人工）",
        }
    if rated.unsure:
        limit = table["widest"]
        return {
            "en": f"Unsure PD: too few cases like this, its upper limit is more than {limit:g} times the lower",
            "zh": f"违约概率不确定：同类样本过少，区间上限超过下限的{limit:g}倍",
        }
    return {"en": "", "zh": ""}


def gap_words(unsure: str) -> dict[str, str]:
    """That only what is missing may make a PD unsure, in both languages; empty texts where it may not."""
    if not unsure:
        return {"en": "", "zh": ""}
    return {
        "en": "The PD is sure enough as it stands, but not whatever the missing values are",
        "zh": "现有违约概率尚属确定，但缺失信息可能使其不确定",
    }


def _policy(out: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    policy = out["policy"]
    if policy is None:
        return []
    lines = [f"{text['policy']}: -> {text[policy['outcome']]}; {policy['passed']} {text['clear']}"]
    for kind in _KINDS:
        for item in policy[kind][:3]:
            lines.append(
                f"  {text[kind]}: {item['title'][_lang(language)]} ({item['feature']} {_value(item['value'], text)},"
                f" {text['limit']} {_value(item['limit'], text)}; {item['reference']})"
            )
    return lines


def _reasons(out: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    lines = []
    for side, title in (("adverse", "raises"), ("favourable", "lowers")):
        found = out["reasons"][side][:3]
        if found:
            lines.append(f"{text[title]}:")
            lines += [f"  {number}. {item['words'][_lang(language)]}" for number, item in enumerate(found, 1)]
    context = out["reasons"].get("context", ())[:2]
    if context:
        lines.append(f"{text['context']}: {' | '.join(item['words'][_lang(language)] for item in context)}")
    return lines


def _ways(out: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    found = way_lines(out.get("way_out"), _lang(language))
    if len(found) < 2:
        return [f"{text['ways']}: {line}" for line in found]
    return [f"{text['ways']}:", *(f"  {number}. {line}" for number, line in enumerate(found, 1))]


def _amount(out: Mapping[str, Any], text: Mapping[str, str], language: str, currency: str) -> list[str]:
    amount = out["amount"]
    if amount is None:
        return []
    binding = [cap["words"][_lang(language)] for cap in amount["caps"] if cap["cap"] in amount["binding"]]
    suggested = text["none"] if amount["suggested"] is None else _money(amount["suggested"], currency)
    return [
        f"{text['amount']}: {text['requested']} {_money(amount['requested'], currency)},"
        f" {text['suggested']} {suggested} ({text['binding']}: {', '.join(binding)});"
        f" {text['loss']} {_money(amount['expected_loss'], currency)}"
    ]


def _data(out: Mapping[str, Any], text: Mapping[str, str], language: str) -> list[str]:
    parts = [
        f"{item['title'][_lang(language)]} {text[item['state']]} ({text['known']} {item['last_known'] or text['none']})"
        for item in out["freshness"]
        if item["state"] in ("stale", "none known")
    ]
    fresh = sum(item["state"] in ("fresh", "not due") for item in out["freshness"])
    lines = [f"{text['data']}: {fresh} {text['fresh']}{''.join('; ' + part for part in parts)}"]
    lines += [f"  {text['problem']}: {_problem(item)}" for item in out["data_problems"][:4]]
    required = _titles(out, "required", language)
    return [*lines, f"  {text['missing']}: {', '.join(required)}"] if required else lines


def _titles(out: Mapping[str, Any], kind: str, language: str) -> list[str]:
    titles = out["gaps"]["titles"]
    return [titles[name][_lang(language)] if name in titles else name for name in out["gaps"][kind]]


def _problem(item: Mapping[str, Any]) -> str:
    value = "" if item["value"] is None else f" {item['value']!r}"
    return f"{item['column']}: {item['rule']}{value}".removeprefix(": ")


def _value(value: Any, text: Mapping[str, str]) -> str:
    if value is None:
        return text["missing"]
    if isinstance(value, bool):
        return text["yes" if value else "no"]
    return f"{value:,.6g}" if isinstance(value, int | float) and abs(value) < 1e6 else _money(str(value), "")


def _money(text: str, currency: str) -> str:
    """An amount with separators, cents only where there are any."""
    try:
        amount = float(text)
    except ValueError:
        return text
    return f"{amount:,.2f}".removesuffix(".00") + (f" {currency}" if currency else "")


def _lang(language: str) -> str:
    return "zh" if language == "zh" else "en"


def table(records: Sequence[Mapping[str, Any]], language: str) -> str:
    """Many decisions as one aligned line each."""
    text = _TEXT[_lang(language)]
    lines = []
    for record in records:
        model = record["outputs"]["model"]
        rated = (
            f"{model['pd']:8.2%} {model['score']:5d} {model['grade']:>4}"
            if model
            else f"{'-':>8} {'-':>5} {'-':>4}"
        )
        lines.append(
            f"{record['applicant_id'] or '?':<14} {record['as_of'] or '?':<10} {rated}"
            f"  {text[record['outputs']['decision']]:<20} {record['decision_id']}"
        )
    return "\n".join(lines)


def summary(records: Sequence[Mapping[str, Any]], language: str) -> str:
    """How many of each decision, and of how many the model was not sure (whatever was decided)."""
    text = _TEXT[_lang(language)]
    found = [record["outputs"]["decision"] for record in records]
    kinds = ("pass", "refer", "decline", "insufficient data")
    counted = ", ".join(f"{text[kind]} {found.count(kind)}" for kind in kinds)
    unsure = sum(bool((record["outputs"]["model"] or {}).get("unsure")) for record in records)
    return f"{counted}; {text['unsure']} {unsure}" if unsure else counted
