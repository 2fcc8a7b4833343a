"""By which names may the numbers of an enterprise be asked for that no feature is, and how was each of them made?"""

from __future__ import annotations

from dataclasses import dataclass

from riskengine.monitor.peers import read_peers
from riskengine.monitor.product_terms import read_of_product
from riskengine.profile.catalogue import Catalogue
from riskengine.schema import Words, read_toml

BY_MODEL = ("pd", "grade", "score", "pd_lifetime")
BY_TERMS = ("exposure", "expected_loss")
SHARE, MONEY, NUMBER, TEXT = "share", "money", "number", "text"


@dataclass(frozen=True, slots=True)
class Made:
    """A number of the night: what it is called, how it was made, and whether it is a share, money, a number or a text."""

    title: Words
    how: Words
    kind: str = NUMBER


def _made(titles: tuple[str, str], how: tuple[str, str], kind: str = NUMBER) -> Made:
    return Made(Words(en=titles[0], zh=titles[1]), Words(en=how[0], zh=how[1]), kind)


OF_GUARANTEE = {
    "pd_before": _made(
        ("PD in the publication before", "上一次发布的违约概率"),
        ("The PD that the publication before gave", "上一次夜间发布时的违约概率"), SHARE),
    "pd_jump": _made(
        ("PD over that of the publication before", "违约概率与上一次之比"),
        ("The night's PD over that of the publication before; unknown where another model scored that one", "当夜违约概率除以上一次发布值；两次模型不同时不计算")),
    "pd_trigger": _made(
        ("PD over its trigger level", "违约概率与触发水平之比"),
        ("The night's PD over the trigger level of its product, else of the house ([dynamics] of nightly.toml)", "当夜违约概率除以产品触发水平，无则除以本机构触发水平（nightly.toml的[dynamics]）")),
    "pd_to_peers": _made(
        ("Odds of the PD over those of its peers", "违约概率相对同业的比值（赔率）"),
        ("The odds of the night's PD over the usual odds of its group: the group's mean log-odds, each enterprise once, mixed with the book's by credibility", "当夜违约概率的赔率除以同组通常赔率：同组对数赔率均值（每户一次），按可信度与全部在保均值混合")),
    "pd_inversion": _made(
        ("Yearly PD of the near months over that of the later ones", "近期与远期年化违约概率之比"),
        ("From the hazards of the months ahead: the yearly PD of the near months over that of the later months up to maturity", "由逐月违约率得出：近期各月的年化违约概率除以其后至到期各月的年化违约概率")),
    "grade_before": _made(
        ("Grade in the publication before", "上一次发布的等级"),
        ("The grade that the publication before gave", "上一次夜间发布时的等级"), TEXT),
    "grade_no": _made(
        ("Number of the grade", "等级序号"), ("The place of the night's grade on the master scale, the best is 1", "当夜等级在主标尺上的序号，1为最好")),
    "grade_notches": _made(
        ("Grades lost since the publication before", "较上一次下降的等级数"),
        ("The number of the night's grade less that of the publication before; unknown where another model scored that one", "当夜等级序号减上一次等级序号；两次模型不同时不计算")),
    "contagion": _made(
        ("Contagion", "风险传染得分"),
        ("What troubled neighbours pass on: how bad each is, by the weights of the ties on the way (contagion.toml)", "出险关联企业传导的风险：各自严重程度按途中关联权重折算（contagion.toml）")),
    "contagion_loss": _made(
        ("Expected flow of loss along guarantees", "担保链预期损失"),
        ("What troubled debtors would pass on along the guarantees that the enterprise gave", "企业对外担保的出险债务人可能传导的损失"), MONEY),
    "pd_floor": _made(
        ("PD of the rule floor", "规则下限违约概率"),
        ("The highest floor of floors.toml whose signal holds and that nobody has waived: the smallest PD of its grade", "floors.toml中信号成立且未豁免的最高下限：该等级的最小违约概率"), SHARE),
    "pd_used": _made(
        ("PD after rule floors", "下限后的违约概率"), ("The greater of the model's PD and the floor", "模型违约概率与规则下限取大"), SHARE),
    "grade_used": _made(
        ("Grade after rule floors", "下限后的等级"), ("The grade of the PD after rule floors", "下限后违约概率对应的等级"), TEXT),
    "loss_used": _made(
        ("Expected loss after rule floors", "下限后的预期损失"),
        ("Expected loss times the PD after rule floors over the model's PD", "预期损失乘以下限后违约概率与模型违约概率之比"), MONEY),
}  # fmt: skip
OF_LINE = {
    "avoidable": _made(
        ("Loss that acting now still avoids", "现在处置可避免的损失"),
        ("Over its guarantees: the part that acting now still avoids, by months to maturity, times the expected loss after rule floors (budget.toml)", "各笔担保合计：按剩余期限的可避免比例乘以下限后的预期损失（budget.toml）"), MONEY),
    "cost": _made(("Cost of a visit", "走访成本"), ("The cost of one visit in force that night (budget.toml)", "当夜有效的单次走访成本（budget.toml）"), MONEY),
    "net": _made(("Net of the visit", "走访净收益"), ("What acting now still avoids less the cost of a visit", "可避免的损失减走访成本"), MONEY),
    "guarantees": _made(("Guarantees in force", "在保笔数"), ("Counted in the night's scores", "按当夜评分计数")),
}  # fmt: skip
OF_ENTERPRISE = {
    "pd_used": _made(("Highest PD after rule floors", "下限后的最高违约概率"), ("The highest of its guarantees", "各笔担保中最高者"), SHARE),
    "loss_used": _made(("Expected loss after rule floors", "下限后的预期损失"), ("The sum of its guarantees", "各笔担保合计"), MONEY),
    "exposure": _made(("Own exposure", "本机构敞口"), ("The sum of its guarantees", "各笔担保合计"), MONEY),
    "expected_loss": _made(("Expected loss", "预期损失"), ("The sum of its guarantees", "各笔担保合计"), MONEY),
}  # fmt: skip
LIMITS = {
    "compensation_cap": Words(en="compensation cap", zh="代偿率上限"),
    "grace_days": Words(en="days of grace", zh="代偿宽限期"),
}


def names_of_night(catalogue: Catalogue) -> dict[str, Made]:
    """Every number that only the night makes: its own, each `<key>_share`, peers' and products' names of `nightly.toml`."""
    path = catalogue.project.configs / "nightly.toml"
    keys = titles_of_keys(catalogue)
    found = {**OF_GUARANTEE, **OF_LINE}
    for key, columns in catalogue.subjects.keys.items():
        if columns:
            found[f"{key}_share"] = _made(
                (f"Part of the book's expected loss: {keys[key].en}", f"占全部预期损失的比例：{keys[key].zh}"),
                ("The expected loss of all guarantees of the same group over that of the whole book", "同组全部担保的预期损失除以全部在保预期损失"),
                SHARE,
            )  # fmt: skip
    for peer in read_peers(path):
        if peer.feature in catalogue.features and peer.by in keys:
            of, by = catalogue.feature(peer.feature), keys[peer.by]
            en = f"{of.en} over its median among the enterprises of the same group ({by.en}), each once"
            found[peer.name] = Made(
                peer.title, Words(en=en, zh=f"{of.zh}除以同一{by.zh}各企业的中位数（每户一次）")
            )
    for one in read_of_product(path):
        if set(one.inputs) <= catalogue.features.keys():
            what = LIMITS[one.value]
            how = Words(
                en=f"{what.en} of its product in force (products.toml)",
                zh=f"产品当日有效的{what.zh}（products.toml）",
            )
            if one.inputs:
                of = catalogue.feature(one.feature or one.inputs[0])
                how = Words(
                    en=f"{of.en} over the {what.en} of its product (products.toml)",
                    zh=f"{of.zh}除以产品的{what.zh}（products.toml）",
                )
            found[one.name] = Made(one.title, how)
    return found


def titles_of_keys(catalogue: Catalogue) -> dict[str, Words]:
    """What each key of `subjects.toml` is called on the nightly page; one without a title by its own name."""
    path = catalogue.project.configs / "nightly.toml"
    blocks = read_toml(path).get("dimension", []) if path.exists() else []
    told = {one.get("key"): one.get("title") for one in blocks}
    return {
        key: Words(**told[key]) if isinstance(told.get(key), dict) else Words(en=key, zh=key)
        for key in catalogue.subjects.keys
    }
