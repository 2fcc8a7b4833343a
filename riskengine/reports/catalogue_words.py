"""How is a comparison, a formula or a dated number said to a committee that does not program?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskengine.decision.conditions import Condition
from riskengine.decision.rules import AmountCap
from riskengine.profile.units import unit_word
from riskengine.schema import Dated, DatedValue, in_force

Said = dict[str, str]
_OPS = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠", "in": "∈", "not in": "∉"}
_MONEY = "money"  # of the night, in the project's currency
_YES_NO: Mapping[tuple[str, object], bool] = {
    ("<", 1): False,
    ("==", 0): False,
    ("<=", 0): False,
    ("==", 1): True,
    (">=", 1): True,
    (">", 0): True,
}
_OF_NIGHT: Mapping[str, tuple[str, str, str]] = {  # names that are no features: en, zh, unit
    "pd": ("Probability of default by the model", "模型违约概率", "share"),
    "pd_before": ("Probability of default the time before", "上次违约概率", "share"),
    "pd_jump": ("Probability of default against the time before", "违约概率与上次之比", "times"),
    "pd_trigger": ("Probability of default over its trigger level", "违约概率与触发值之比", "times"),
    "pd_to_peers": ("Odds of default against those of its peers", "违约发生比与同行之比", "times"),
    "pd_inversion": (
        "Yearly probability of default of the near months over the later ones",
        "近期与远期年化违约概率之比",
        "times",
    ),
    "score": ("Score", "评分", "points"),
    "grade": ("Grade", "等级", ""),
    "grade_before": ("Grade the time before", "上次等级", ""),
    "grade_no": ("Number of the grade", "等级序号", ""),
    "grade_notches": ("Grades lost since the time before", "较上次下降等级数", ""),
    "expected_loss": ("Expected loss", "预期损失", _MONEY),
    "exposure": ("Own exposure", "自留风险敞口", _MONEY),
    "contagion_loss": ("Expected loss passed on along guarantees", "担保关系传导的预期损失", _MONEY),
    "held": ("Files held back", "被搁置的文件数", "files"),
    "guarantees": ("Guarantees in the group", "组内担保笔数", "guarantees"),
    "contagion": ("Contagion from related enterprises", "关联传染得分", "share"),
    "size_class": ("Size class", "企业划型", ""),
    "product": ("Product", "产品", ""),
    "last_known": ("Last known", "最近获知", ""),
    "last_event": ("Last event", "最近事件", ""),
    "stale_on": ("Counts as out of date from", "过期日", ""),
    "rows": ("Facts", "事实行数", ""),
    "days_silent": ("Days without news", "未更新天数", "days"),
    "silent_ratio": ("Days without news over the usual interval", "未更新天数与正常频率之比", "times"),
    "stale": ("Out of date", "已过期", "yes/no"),
}
_FORMULAS: Mapping[str, Said] = {
    "product": {"en": "the product's cap less what is outstanding", "zh": "产品上限减在保余额"},
    "total": {"en": "{limit} less what is outstanding", "zh": "{limit}减现有余额"},
    "turnover": {"en": "{limit} of a year's sales less other borrowing", "zh": "年销售额的{limit}减其他融资"},
    "leverage": {
        "en": "liabilities after the loan at most {limit} of assets: (k·A − L) / (1 − k)",
        "zh": "贷款后资产负债率不超过{limit}：(k·A − L) / (1 − k)",
    },
    "working_capital": {
        "en": "sales × (1 − margin) × (1 + growth) / turns less own funds and existing loans",
        "zh": "销售收入×(1−利润率)×(1+增长率)/营运资金周转次数，减自有资金与现有贷款",
    },
    "units": {
        "en": "{limit} of the cost of what is grown less the same loans",
        "zh": "成本的{limit}减同类贷款",
    },
    "net_assets": {
        "en": "exposure ({basis}) at most {limit} of net assets less equity in other guarantors",
        "zh": "风险敞口（按{basis}）不超过净资产（扣除对其他担保公司股权）的{limit}",
    },
}
_BASIS: Mapping[str, Said] = {
    "loan": {"en": "whole loan", "zh": "贷款本金"},
    "guaranteed": {"en": "guaranteed part", "zh": "担保金额"},
    "own_retained": {"en": "part retained", "zh": "自留部分"},
}


@dataclass(frozen=True)
class Labels:
    """What features are called (name -> en, zh, unit), the day whose numbers count and the project's currency."""

    features: Mapping[str, tuple[str, str, str]]
    as_of: date
    currency: str

    def named(self, name: str) -> tuple[str, str, str]:
        """(English, Chinese, unit) of a feature or of a value the night makes; its own name where it has none."""
        if name.endswith("_share") and name not in self.features:
            return (f"Share of the expected loss by {name.removesuffix('_share')}", "占预期损失比重", "share")
        en, zh, unit = self.features.get(name) or _OF_NIGHT.get(name) or (name, name, "")
        return en, zh, self.currency if unit == _MONEY else unit

    def condition(self, one: Condition) -> Said:
        """`Open enforcement cases > 0 cases`, with what was in force before or comes later."""
        en, zh, unit = self.named(one.feature)
        if one.op in ("known", "missing"):
            return {"en": f"{en}: {one.op}", "zh": f"{zh}：{'有值' if one.op == 'known' else '缺失'}"}
        limit = one.limit(self.as_of)
        yes = _YES_NO.get((one.op, limit)) if unit == "yes/no" else None
        if yes is not None:
            return {"en": f"{en}: {'yes' if yes else 'no'}", "zh": f"{zh}：{'是' if yes else '否'}"}
        more = self.history(one.limits, unit)
        return {
            "en": f"{en} {_OPS[one.op]} {shown(limit, unit, 'en')}{more['en']}",
            "zh": f"{zh} {_OPS[one.op]} {shown(limit, unit, 'zh')}{more['zh']}",
        }

    def cap(self, one: AmountCap) -> Said:
        """A formula in words with its limit in force."""
        unit = self.currency if one.formula == "total" else "share"
        made = {}
        for language in ("en", "zh"):
            limit = in_force(one.limits, self.as_of)
            text = _FORMULAS[one.formula][language].format(
                limit=shown(limit.value if limit else None, unit, language), basis=_BASIS[one.basis][language]
            )
            made[language] = text + self.history(one.limits, unit)[language]
        return made

    def dated(self, values: Sequence[DatedValue], unit: str) -> Said:
        """The value in force and the others of its history; a dash where there is none."""
        now = in_force(values, self.as_of)
        more = self.history(values, unit)
        return {lang: shown(now.value if now else None, unit, lang) + more[lang] for lang in ("en", "zh")}

    def history(self, values: Sequence[Dated], unit: str) -> Said:
        """The other dated values of a number, in brackets; nothing where there is only one."""
        now = in_force(values, self.as_of)
        others = [one for one in values if one is not now and isinstance(one, DatedValue)]
        said = {"en": "", "zh": ""}
        for one in sorted(others, key=lambda item: item.start):
            for lang, word in (("en", "from"), ("zh", "自")):
                said[lang] += f"; {word} {one.start}: {shown(one.value, unit, lang)}"
        return {
            "en": f" ({said['en'].removeprefix('; ')})" if others else "",
            "zh": f"（{said['zh'].removeprefix('; ')}）" if others else "",
        }


def shown(value: float | str | tuple[str, ...] | None, unit: str, language: str) -> str:
    """A limit for people: shares in per cent, yuan and dollars in 万 where Chinese is read, lists with their separators.

    >>> shown(0.4, "share", "en"), shown(30000000, "CNY", "zh"), shown(("62", "70*"), "", "zh"), shown(None, "", "en")
    ('40\\xa0%', '3,000\\xa0万元', '62、70*', '–')
    >>> shown(30000000, "CNY", "en"), shown(0.07, "share", "zh"), shown(1, "yes/no", "zh"), shown(90, "days", "en")
    ('30,000,000\\xa0CNY', '7\\xa0%', '是', '90\\xa0days')
    >>> shown(350000, "USD", "en"), shown(350000, "USD", "zh")
    ('350,000\\xa0USD', '35\\xa0万美元')
    """
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(value)
    if isinstance(value, str):
        return value
    if unit == "share":
        return f"{value * 100:,.12g}\u00a0%"
    if unit == "yes/no" and value in (0, 1):
        return {"en": ("no", "yes"), "zh": ("否", "是")}[language][int(value)]
    if unit in ("CNY", "USD") and language == "zh" and value >= 10000:
        return f"{value / 10000:,.12g}\u00a0万{unit_word(unit, language)}"
    return f"{value:,.12g}\u00a0{unit_word(unit, language)}".rstrip()
