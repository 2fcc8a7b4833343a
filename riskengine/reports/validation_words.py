"""How are a validation's scopes, limits and departures said in Chinese?"""

from __future__ import annotations

import re

DIMENSIONS = {
    "all": {"en": "all rows", "zh": "全样本"},
    "pd": {"en": "PD", "zh": "违约概率"},
    "score": {"en": "score", "zh": "评分"},
    "grade": {"en": "grade", "zh": "等级"},
    "region": {"en": "region", "zh": "地区"},
    "industry": {"en": "industry", "zh": "行业"},
    "size": {"en": "size", "zh": "金额档"},
    "bank": {"en": "bank", "zh": "银行"},
    "institution": {"en": "institution", "zh": "承办机构"},
    "vintage": {"en": "vintage", "zh": "批次"},
    "feature": {"en": "feature", "zh": "特征"},
    "sample": {"en": "sample:", "zh": "样本："},
    "swap": {"en": "swap", "zh": "置换"},
    "out_of_time": {"en": "out of time", "zh": "跨期"},
    "held_out": {"en": "unseen borrowers", "zh": "未见客户"},
    "model": {"en": "model", "zh": "模型"},
    "scorecard": {"en": "scorecard", "zh": "评分卡"},
    "logistic": {"en": "logistic regression", "zh": "逻辑回归"},
    "policy": {"en": "policy", "zh": "现行政策"},
    "naive": {"en": "naive rule", "zh": "简单规则"},
    "signals": {"en": "today's signals", "zh": "现行预警信号"},
    "field": {"en": "field", "zh": "字段"},
}
MEANS = {
    "unseen-borrowers": {"en": "unseen borrowers", "zh": "未见客户"},
    "(missing)": {"en": "(missing)", "zh": "（缺失）"},
    "(others)": {"en": "(others)", "zh": "（其他）"},
    "pass>decline": {"en": "passed, now declined", "zh": "原通过、现拒绝"},
    "decline>pass": {"en": "declined, now passed", "zh": "原拒绝、现通过"},
    "pass>pass": {"en": "passed by both", "zh": "均通过"},
    "decline>decline": {"en": "declined by both", "zh": "均拒绝"},
}
TESTS = {
    "psi": {"en": "Population stability index", "zh": "群体稳定性指数 PSI"},
    "csi": {"en": "Characteristic stability index", "zh": "特征稳定性指数 CSI"},
    "benchmark": {"en": "AUC above the benchmark", "zh": "AUC 高于基准"},
}
RULES = {
    "alpha": {"en": "level of each family of tests", "zh": "每族检验的显著性水平"},
    "pd_ratio": {"en": "PDs too low by this factor matter", "zh": "违约概率低估达此倍数视为重要"},
    "auc_drop": {"en": "a loss of AUC that matters", "zh": "AUC 下降达此值视为重要"},
    "slope": {"en": "a calibration slope that matters", "zh": "校准斜率低于此值视为重要"},
    "shift": {"en": "a shift that matters, in standard deviations", "zh": "分布迁移达此标准差数视为重要"},
    "correlation": {"en": "asset correlation of the one-factor model", "zh": "单因子模型资产相关性"},
    "fewest": {"en": "fewest defaults of a segment", "zh": "分组最少违约数"},
    "replicates": {"en": "draws of the bootstrap", "zh": "自助法抽样次数"},
    "seed": {"en": "seed of the draws", "zh": "随机种子"},
    "near": {"en": "tolerated ratio", "zh": "容许倍数"},
    "moved": {
        "en": "a shift of the score that matters, in standard deviations",
        "zh": "评分迁移达此标准差数视为重要",
    },
    "apart": {"en": "tolerated differences of segments' AUC", "zh": "各组 AUC 容许差异"},
    "power_at_least": {"en": "power from which a test can pass", "zh": "可判通过的最低功效"},
    "declined_share": {"en": "share declined in the swap set", "zh": "置换集拒绝占比"},
}
_N = r"(-?[\d.,]+(?:e-?\d+)?)"
_PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"^the interval lies above {_N} \(chance\)$", r"区间高于 \1（随机水平）"),
    (
        rf"^not below the {_N} at development by more than chance; tolerated: a loss below {_N}$",
        r"与建模时的 \1 相比无显著下降；容许下降小于 \2",
    ),
    (rf"^none: a score without information has {_N}$", r"无判定标准：无信息评分为 \1"),
    (r"^none: for comparison$", "无判定标准：仅供比较"),
    (r"^none: reported$", "无判定标准：仅列示"),
    (r"^none: a part of the Brier score$", "无判定标准：Brier 分解项"),
    (
        rf"^none: reported \({_N} always raises the PD, {_N} always lowers it\)$",
        r"仅列示（\1 为总使概率上升，\2 为总使概率下降）",
    ),
    (
        rf"^none yet: PD {_N} is for the whole horizon, of which {_N}% has passed$",
        r"暂无：违约概率 \1 对应整个表现期，目前仅过去 \2%",
    ),
    (rf"^{_N}, what true PDs would have \(z {_N}, p {_N}\)$", r"违约概率准确时应为 \1（z \2，p \3）"),
    (
        rf"^one; tolerated: {_N} to {_N} \(p {_N}; effective {_N} of {_N}\)$",
        r"应为1；容许 \1 至 \2（p \3；等效违约 \4 / 样本 \5）",
    ),
    (rf"^one; tolerated: {_N} to {_N}$", r"应为1；容许 \1 至 \2"),
    (rf"^zero; tolerated: \+-{_N}$", r"应为0；容许 ±\1"),
    (
        rf"^at most {_N}, the {_N}% quantile if the PDs were true$",
        r"不超过 \1，即违约概率准确时的 \2% 分位数",
    ),
    (
        rf"^at most {_N} \(chi-square, {_N} degrees\); tolerated: all PDs {_N} times too low$",
        r"不超过 \1（卡方，自由度 \2）；容许全部违约概率低估至 1/\3",
    ),
    (
        rf"^chi-square with {_N} degrees; tolerated: AUCs {_N} apart \(root mean square\)$",
        r"卡方检验，自由度 \1；容许各组 AUC 相差 \2（均方根）",
    ),
    (
        rf"^chi-square with {_N} degrees; tolerated: ratios {_N} times apart \(root mean square\)$",
        r"卡方检验，自由度 \1；容许各组比值相差 \2 倍（均方根）",
    ),
    (rf"^not below the declared gate {_N}$", r"不低于声明门槛 \1"),
    (rf"^an AUC {_N} below the gate$", r"AUC 低于门槛 \1"),
    (
        rf"^no declared direction is broken \(value: how many of {_N}\)$",
        r"声明方向均未被违反（数值为 \1 个方向中的违反数）",
    ),
    (
        rf"^no vintage beyond what one bad year explains, correlation {_N} \(value: how many of {_N}\)$",
        r"无超出单一不利年份可解释范围的批次，相关性 \1（数值为 \2 个批次中的超出数）",
    ),
    (
        rf"^no rival significantly better \(value: how many of {_N}\); tolerated: an AUC {_N} lower$",
        r"无显著更优的基准（数值为 \1 项比较中的更优数）；容许 AUC 低 \2",
    ),
    (
        rf"^a rival's AUC higher by {_N} \(the comparison hardest to tell\)$",
        r"某基准 AUC 高出 \1（最难分辨的一项比较）",
    ),
    (r"^no alarm that nobody explained \(value: how many\)$", "无未经说明的警报（数值为警报数）"),
    (r"^a feature or a procedure that knows the outcome$", "特征或流程提前知道结果"),
    (r"^none: reported beside the AUC of the feature alone$", "仅列示，与单特征 AUC 对照"),
    (r"^no value of which nearly every row fails$", "不存在几乎全部违约的取值"),
    (r"^a value written after the outcome$", "结果发生后写入的取值"),
    (r"^a feature that comes to know the outcome$", "特征逐渐得知结果"),
    (rf"^beyond chance <= {_N}$", r"超出随机水平的部分 ≤ \1"),
    (r"^a value that tells the day of failure$", "取值泄露违约日"),
    (rf"^<= {_N} more often among the failed$", r"违约样本中高出不超过 \1"),
    (r"^a field written after the outcome$", "结果发生后写入的字段"),
    (rf"^<= {_N}$", r"≤ \1"),
    (rf"^> {_N}$", r"> \1"),
    (rf"^at most {_N} if nothing moved; tolerated: {_N}$", r"无迁移时不超过 \1；容许 \2"),
    (rf"^PD {_N} is not too low$", r"违约概率 \1 不偏低"),
    (rf"^PD {_N} is at least the bound$", r"违约概率 \1 不低于该上限估计"),
    (
        rf"^green: the chance of so many defaults with PD {_N} and correlation {_N} is at least {_N} % \(red: below {_N} %\)$",
        r"绿灯：在违约概率 \1、相关性 \2 下出现如此多违约的概率不低于 \3%（低于 \4% 为红灯）",
    ),
    (
        r"^no neighbour reversed beyond chance \(value: how many are reversed\)$",
        "相邻等级无显著倒挂（数值为倒挂对数）",
    ),
    (
        rf"^{_N}, which the segment's PDs imply; tolerated: a loss below {_N}$",
        r"该分组违约概率所隐含的 \1；容许下降小于 \2",
    ),
    (rf"^at least {_N} defaults and survivors$", r"违约与正常各不少于 \1"),
    (r"^enough rows in both periods$", "两期样本量充足"),
    (
        rf"^no step of the grid the wrong way \(value: how many of {_N}\)$",
        r"网格上无反向变动（数值为 \1 步中的反向步数）",
    ),
    (rf"^AUC higher by {_N}$", r"AUC 高出 \1"),
    (rf"^an AUC of {_N} against {_N}$", r"AUC 为 \1（对比 \2）"),
    (rf"^an AUC {_N} below what the PDs imply$", r"AUC 比违约概率隐含值低 \1"),
    (rf"^a loss of {_N}$", r"下降 \1"),
    (rf"^a slope of {_N}$", r"斜率为 \1"),
    (rf"^odds {_N} times too low$", r"违约赔率低估至 1/\1"),
    (rf"^all PDs {_N} times too low$", r"全部违约概率低估至 1/\1"),
    (rf"^PDs {_N} times too low$", r"违约概率低估至 1/\1"),
    (rf"^a PD {_N} times too low$", r"违约概率低估至 1/\1"),
    (rf"^a PD {_N} times too low is not green$", r"违约概率低估至 1/\1 时不为绿灯"),
    (rf"^a PD {_N} times too low in this grade and all worse ones$", r"本等级及更差等级违约概率低估至 1/\1"),
    (
        rf"^a PD {_N} times too low in this grade and those pooled with it$",
        r"本等级及与其合并的等级违约概率低估至 1/\1",
    ),
    (r"^at least two segments with enough defaults$", "至少两个分组有足够违约"),
    (r"^not above zero$", "不大于0"),
    (rf"^those swapped in default {_N} times as often$", r"换入者违约率为换出者的 \1 倍"),
    (rf"^one segment of average size has PDs {_N} times too low$", r"某一平均规模分组违约概率低估至 1/\1"),
    (rf"^one segment of average precision loses {_N}$", r"某一平均精度分组 AUC 下降 \1"),
    (rf"^a shift of {_N} standard deviations$", r"迁移 \1 个标准差"),
    (
        r"^two neighbours' PDs exchanged \(the pair hardest to tell\)$",
        "相邻两等级违约概率互换（最难分辨的一对）",
    ),
    (r"^any reversal on the grid$", "网格上任何反向变动"),
    (r"^a feature that knows the outcome$", "特征提前知道结果"),
    (r"^a procedure that leaks$", "流程存在泄漏"),
)
_COMPILED = tuple((re.compile(pattern), text) for pattern, text in _PATTERNS)


def chinese(text: str) -> str:
    """A limit or departure as the tests word it, in Chinese; numbers and what is not known stay as they are."""
    for pattern, said in _COMPILED:
        text = pattern.sub(said, text)
    return text
