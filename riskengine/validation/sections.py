"""What does each section of a validation ask, and on whose word do its tests rest? In both languages."""

from __future__ import annotations

from collections.abc import Mapping

from riskengine.schema import Words

SECTIONS: Mapping[str, tuple[Words, Words]] = {
    "discrimination": (
        Words(en="Discrimination", zh="区分能力"),
        Words(
            en="Does the model put defaults before survivors? What is ranked is the published PD.",
            zh="模型能否把违约客户排在正常客户之前？排序依据为公布的违约概率。",
        ),
    ),
    "calibration": (
        Words(en="Calibration of the whole", zh="整体校准"),
        Words(
            en="Do the PDs come true on average, and does a PD twice as high mean twice the defaults?",
            zh="违约概率平均是否兑现，高低之间的比例是否成立？",
        ),
    ),
    "grades": (
        Words(en="Calibration by grade", zh="分等级校准"),
        Words(
            en="Are the PDs of each grade of the master scale high enough? Grades with few defaults also carry the most"
            " prudent estimate of Pluto and Tasche.",
            zh="主标尺各等级的违约概率是否足够审慎？低违约等级另列 Pluto–Tasche 最审慎估计。",
        ),
    ),
    "segments": (
        Words(en="Segments", zh="分组检验"),
        Words(
            en="Is the model as good for every region, industry, bank, size and year? Levels are held over all groups"
            " together, so that many groups do not make false alarms.",
            zh="各地区、行业、银行、金额档与年份上是否同样有效？已对多重检验作整体控制，避免分组过多造成误报。",
        ),
    ),
    "stability": (
        Words(en="Stability", zh="稳定性"),
        Words(
            en="Has the population moved since development? An index is held against what chance alone gives for"
            " samples of these sizes, not against a rule of thumb.",
            zh="客群与建模时相比是否迁移？指数与同样样本量下纯随机波动的分位数比较，而非经验阈值。",
        ),
    ),
    "monotonicity": (
        Words(en="Monotonicity", zh="单调性"),
        Words(
            en="Does the PD move only in the declared direction when one feature moves and all else stays?",
            zh="其他特征不变，单一特征变动时，违约概率是否只按声明方向变化？",
        ),
    ),
    "vintages": (
        Words(en="Back-test by vintage", zh="分批次回测"),
        Words(
            en="What came of each quarter's subjects? Quarters whose horizon is not over are shown, never judged.",
            zh="各批次的实际结果如何？观察期未满的批次仅作展示，不作判定。",
        ),
    ),
    "swap": (
        Words(en="Population and swap set", zh="客群迁移与置换集"),
        Words(
            en="Who would be decided otherwise than by the other version, and which of the two was right?",
            zh="与另一版本相比，哪些客户的结论会改变，哪一个更正确？",
        ),
    ),
    "benchmarks": (
        Words(en="Benchmarks", zh="基准比较"),
        Words(
            en="Is the model better than simpler means on the same rows? From the training's own tests.",
            zh="在同样的样本上，模型是否优于更简单的方法？取自训练时的检验。",
        ),
    ),
    "leakage": (
        Words(en="Leakage audit", zh="泄漏审计"),
        Words(
            en="Does a feature, or the procedure, know what it cannot know? From the training's own audit.",
            zh="是否有特征或流程提前知道结果？取自训练时的审计。",
        ),
    ),
    "reasons": (
        Words(en="Reasons", zh="理由稳定性"),
        Words(
            en="Would the model give the same reasons if it were trained anew?",
            zh="重新训练后，模型给出的理由是否一致？",
        ),
    ),
}

SOURCES: tuple[Mapping[str, str], ...] = (
    {
        "name": "SR 26-2",
        "en": "Federal Reserve, OCC and FDIC, Revised Guidance on Model Risk Management, 17 April 2026 (replaced SR 11-7)",
        "zh": "美联储、OCC、FDIC：《模型风险管理修订指引》，2026年4月17日（取代 SR 11-7）",
        "used": "benchmarks, outcomes analysis, reasons",
    },
    {
        "name": "EBA/GL/2017/16",
        "en": "European Banking Authority, Guidelines on PD estimation, LGD estimation and the treatment of defaulted exposures",
        "zh": "欧洲银行管理局：《违约概率、违约损失率估计及违约敞口处理指引》",
        "used": "calibration, margin for few data, representativeness",
    },
    {
        "name": "ECB 2019",
        "en": "European Central Bank, Instructions for reporting the validation results of internal models, February 2019",
        "zh": "欧洲央行：《内部模型验证结果报告说明》，2019年2月",
        "used": "Jeffreys test, AUC against development, population stability index, migrations",
    },
)

_WHY = {
    "nobody": Words(
        en="There is no other version to compare with: name one with --against",
        zh="没有可比较的其他版本；可用 --against 指定",
    ),
    "learned": Words(
        en="The other version learned from these rows: to compare them on it would flatter the other",
        zh="另一版本曾用这些样本训练，在其上比较会偏袒该版本，故不比较",
    ),
    "features": Words(
        en="The rows lack features of the other version: it cannot be scored on them",
        zh="样本缺少另一版本所需特征，无法评分",
    ),
}


def because(why: str) -> dict[str, str]:
    """Why a comparison was not made."""
    return _WHY[why].model_dump()


def drawn_cut(share: float) -> dict[str, str]:
    """Where the line between accepted and declined is drawn for the swap set."""
    part = f"{share * 100:g} %"
    return {"en": f"Declined: the riskiest {part} by each version", "zh": f"以各版本风险最高的 {part} 为拒绝"}
