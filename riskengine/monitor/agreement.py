"""What does it mean when drift, performance and decisions agree, and when they do not?

Three witnesses: has the population moved (`drift`), is the model as good as its PDs promise (`performance`), have decisions moved
(`impact`)? Each may be unknown. Agreement is a story with one cause; disagreement is the alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from riskengine.schema import Words

Level = Literal["ok", "note", "warn", "alarm"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warn", "alarm")


@dataclass(frozen=True)
class State:
    """A name, how bad it is, what it means, what to do."""

    name: str
    level: Level
    means: Words
    do: Words


def agreement(drift: str, performance: str, impact: str, silent: bool = False) -> State:
    """The state of three witnesses; `silent`: a feed of the model is silent, or its values are missing as never before.

    `drift`: same, features (they moved, the PDs did not), moved, unknown. `performance`: below, strained, above, as estimated, too few, unknown. `impact`: same,
    moved, unknown.

    >>> agreement("same", "below", "same").name, agreement("moved", "as estimated", "same").level
    ('concept drift', 'note')
    """
    if performance == "below":
        return STATES["model fails on new population" if drift in ("moved", "features") else "concept drift"]
    if silent:
        return STATES["feed silent"]
    if drift == "same" and impact == "moved":
        return STATES["impact without drift"]
    if performance in ("strained", "above"):
        return STATES["level off" if performance == "above" else "strained"]
    if drift in ("moved", "features") and impact == "moved":
        return STATES["population moved" if performance == "as estimated" else "population moved, unproven"]
    if drift == "moved":
        return STATES["drift without impact" if impact == "same" else "population moved, unproven"]
    if drift == "features":
        return STATES["features moved"]
    if drift == "unknown" or impact == "unknown":
        return STATES["not enough to say"]
    return STATES["steady" if performance == "as estimated" else "steady so far"]


STATES = {
    state.name: state
    for state in (
        State(
            "steady", "ok",
            Words(en="Same population, performance as estimated, decisions as before", zh="客群、表现、决策均与预期一致"),
            Words(en="Nothing", zh="无需处理"),
        ),
        State(
            "steady so far", "ok",
            Words(en="Same population, decisions as before; no labels have matured yet that could prove the model right",
                  zh="客群与决策未变；标签尚未成熟到足以检验模型"),
            Words(en="Nothing; look again when labels mature", zh="无需处理，待标签成熟后复核"),
        ),
        State(
            "not enough to say", "note",
            Words(en="Too little has been published or decided under this champion to compare", zh="本模型上线以来的夜间结果或决策太少，无法比较"),
            Words(en="Let the nights run; look again in a month", zh="继续运行，一个月后复核"),
        ),
        State(
            "drift without impact", "note",
            Words(en="The population has moved; decisions have not, and the model is not shown to be worse", zh="客群已变，但决策未变，也未见模型变差"),
            Words(en="Look at the moved features; no change of model on this alone", zh="查看变化的特征；不因此更换模型"),
        ),
        State(
            "population moved", "note",
            Words(en="The population has moved, decisions have followed, and the model holds on it", zh="客群已变，决策随之变化，模型仍然有效"),
            Words(en="Tell the committee that the book has changed; check limits and pricing", zh="向委员会说明客群变化；复核限额与定价"),
        ),
        State(
            "features moved", "note",
            Words(en="Features of weight have moved, the PDs have not", zh="重要特征的分布已变，违约概率的分布未变"),
            Words(en="See whether it is the season, the economy or a feed; no change of model on this alone",
                  zh="判断是季节、经济还是数据源所致；不因此更换模型"),
        ),
        State(
            "population moved, unproven", "warn",
            Words(en="The population has moved; that the model holds on it is not shown yet", zh="客群已变；模型在新客群上是否有效尚未得到检验"),
            Words(en="Have a person sample the moved segment; train a challenger on recent rows", zh="人工抽查变化的客群；用近期样本训练挑战者模型"),
        ),
        State(
            "level off", "note",
            Words(en="Fewer defaults than even a good year explains: PDs are too high", zh="违约少于好年景所能解释的水平：违约概率偏高"),
            Words(en="Recalibrate at the next training", zh="下次训练时重新校准"),
        ),
        State(
            "strained", "warn",
            Words(en="More defaults than the PDs explain, not more than a bad year does", zh="违约多于违约概率所能解释，但未超出坏年景的范围"),
            Words(en="Watch the next matured nights; consider recalibration", zh="关注后续成熟样本；考虑重新校准"),
        ),
        State(
            "feed silent", "warn",
            Words(en="A feed of the model is silent, or its values are missing as they never were in the training", zh="模型所用数据源中断，或缺失率远高于训练期"),
            Words(en="Repair the feed first: PDs of these nights rest on old or missing facts", zh="先恢复数据源：其间的违约概率依据陈旧或缺失的数据"),
        ),
        State(
            "impact without drift", "alarm",
            Words(en="Decisions have moved although the population has not: policy, products, grades or the pipeline have changed",
                  zh="客群未变而决策已变：政策、产品、等级或流程发生了变化"),
            Words(en="Find the change: riskengine models (ledger), git log configs/, receipts and quarantine of the feeds",
                  zh="查明变更：riskengine models（台账）、configs/ 的修改记录、数据源接收与隔离记录"),
        ),
        State(
            "concept drift", "alarm",
            Words(en="The model does worse than its PDs promised on a population that has not moved: what leads to default has changed",
                  zh="客群未变而表现低于预期：违约的成因已经改变（概念漂移）"),
            Words(en="Do not wait for drift: retrain on recent outcomes, tighten referrals meanwhile, tell the validator",
                  zh="用近期结果重新训练，其间收紧人工复核，并告知独立验证岗"),
        ),
        State(
            "model fails on new population", "alarm",
            Words(en="The population has moved and the model does worse on it than its PDs promised", zh="客群已变，且模型在新客群上的表现低于预期"),
            Words(en="Retrain with recent rows, or roll back; refer the moved segment to people meanwhile", zh="用近期样本重新训练或回退；其间将变化客群转人工"),
        ),
    )
}  # fmt: skip
