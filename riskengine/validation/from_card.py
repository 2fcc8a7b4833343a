"""What did the training itself find: is it better than simpler means, does anything leak, do its reasons hold still?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.lines import POWER_ENOUGH, Line, Verdict, verdict

_GAIN = 0.02  # the gain in AUC that a more complicated model should bring
_SOURCE, _HOUSE = "SR 26-2; DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988)", "D (this house)"
_LATER, _DAY, _FIELD = 0.05, 0.15, 0.02  # the limits of `learning.leakage`: gain in a month, day, field
_KINDS = {"rewritten": "改写", "arrived late": "迟报"}
_WITHIN = Words(
    en="Above the limit, but not beyond chance (four standard errors).",
    zh="高于限值，但未超出随机波动（四倍标准误）。",
)
_Z = 3.919927969080108  # width of a 95 % interval in standard errors
_NAMES = {
    "scorecard": Words(en="the scorecard", zh="评分卡"),
    "logistic": Words(en="the logistic regression", zh="逻辑回归"),
    "naive": Words(en="the naive rule", zh="简单规则"),
    "rule": Words(en="the overdue rule", zh="逾期规则"),
    "policy": Words(en="current policy", zh="现行政策"),
}
_TRIALS = {
    "out_of_time": Words(en="out of time", zh="跨期"),
    "held_out": Words(en="unseen borrowers", zh="未见客户"),
}


def benchmark_lines(card: Mapping[str, Any]) -> list[Line]:
    """AUC of the model less that of each benchmark on the same rows, from the paired bootstrap of the card; all together first.

    Better passes, worse fails. Not better is a finding, stated in the note: information where a gain of 0.02 would have
    been seen, undecidable where not.
    """
    found: list[Line] = []
    for trial in card.get("trials") or ():
        on = _TRIALS.get(trial["name"], Words(en=trial["name"], zh=trial["name"]))
        stands = {one["rival"]: one for one in trial.get("standings") or ()}
        for means, gap in sorted((trial.get("better") or {}).items()):
            said = stands.get(means, {})
            other = Words(**said["title"]) if said else _NAMES.get(means, Words(en=means, zh=means))
            value, low, high = (gap.get(name) for name in ("value", "low", "high"))
            able = power.of_normal(_GAIN, (high - low) / _Z, 0.025) if None not in (low, high) else None
            title = Words(en=f"AUC above {other.en}, {on.en}", zh=f"AUC 高于{other.zh}（{on.zh}）")
            found.append(
                Line(
                    "benchmark", f"{trial['name']}/{means}", title, value, low, high, int(trial["rows"]), int(trial["events"]),
                    "> 0", able, f"AUC higher by {_GAIN}", _better(low, high, able, said.get("verdict", "")), _SOURCE, Words(**said["words"]) if said else None,
                )
            )  # fmt: skip
    return [_none_better(found), *found] if found else []


def _none_better(found: Sequence[Line]) -> Line:
    """Is any simpler means significantly better than the model? Each trial's rivals pay for each other (Holm)."""
    worse = [line for line in found if line.verdict == "fail"]
    known = [line for line in found if line.low is not None]
    close = len(known) == len(found) and all(line.low is not None and line.low > -_GAIN for line in known)
    able = min((line.power for line in found if line.power is not None), default=None)
    beaten = sum(line.verdict == "pass" for line in found)
    return Line(
        "rivals", "all", Words(en="No simpler means is better", zh="没有更优的简单方法"), float(len(worse)), None, None,
        max(line.n for line in found), max(line.defaults for line in found),
        f"no rival significantly better (value: how many of {len(found)}); tolerated: an AUC {_GAIN} lower", able,
        f"a rival's AUC higher by {_GAIN} (the comparison hardest to tell)",
        verdict(bool(worse) if known else None, able, close), _SOURCE,
        Words(
            en=f"Significantly better than {beaten} of {len(found)}; where it is not, the simpler means may serve as well.",
            zh=f"在 {len(found)} 项比较中 {beaten} 项显著更优；其余情形下，更简单的方法可能同样有效。",
        ),
    )  # fmt: skip


def leakage_lines(card: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Line]:
    """What the audit of the training asked and found: each of its detectors with the strongest feature, and all together.

    A trained model has passed its audit (a leak refuses the training); the lines show by how much. Detectors that need
    evidence from the store ("hindsight") are said not to have been asked where the card has none.
    """
    audit = card.get("leakage") or {}
    n, defaults = int(card["rows"]), int(card["events"])
    limit = float((spec.get("gates") or {}).get("single_feature_auc_at_most", 0.85))
    explained = audit.get("explained") or {}
    lines = []
    alone = sorted((audit.get("alone") or {}).items(), key=lambda item: (-item[1], item[0]))
    for name, area in alone[:3]:
        why = (
            Words(en=f"Explained: {explained[name]}", zh=f"已说明：{explained[name]}")
            if name in explained
            else None
        )
        lines.append(
            Line(
                "single_feature", f"feature:{name}", Words(en="AUC of one feature alone, out of fold", zh="单特征样本外 AUC"),
                float(area), None, None, n, defaults, f"<= {limit:g}", None, "a feature that knows the outcome",
                "pass" if area <= limit or why else "fail", _HOUSE, why,
            )
        )  # fmt: skip
    if "canary" in audit:
        ceiling = float(audit["canary_limit"])
        away = abs(float(audit["canary"]) - 0.5)
        title = Words(
            en="AUC of a model of shuffled labels, away from 0.5", zh="标签打乱后模型的 AUC 偏离 0.5 的程度"
        )
        lines.append(
            Line(
                "canary", "all", title, away, None, None, n, defaults, f"<= {ceiling:.4f}", None, "a procedure that leaks",
                "pass" if away <= ceiling else "fail", _HOUSE,
            )
        )  # fmt: skip
    lines += _hindsight_lines(audit, (n, defaults))
    return [_all_detectors(lines, audit, (n, defaults)), *lines] if audit else []


def _hindsight_lines(audit: Mapping[str, Any], size: tuple[int, int]) -> list[Line]:
    """The strongest feature of each detector beyond the first; a feature that was explained is one that somebody vouches for."""
    explained = audit.get("explained") or {}
    later, day, without = (audit.get(name) or {} for name in ("later", "day", "without"))
    told: list[tuple[str, Words, dict[str, Any], str, str]] = [
        ("beside_others", Words(en="AUC of all other features without this one", zh="去除该特征后其余全部特征的 AUC"), without,
         "none: reported beside the AUC of the feature alone", ""),
        ("always_right", Words(en="Share of failed rows in one value that nobody else has", zh="某一取值几乎只出现于违约的占比"), audit.get("pure") or {},
         "no value of which nearly every row fails", "a value written after the outcome"),
        ("month_later", Words(en="Gain of AUC one month later, failures far away", zh="晚一个月观察时的 AUC 增益（距违约尚远）"), later,
         f"<= {_LATER:g}", "a feature that comes to know the outcome"),
        ("tells_day", Words(en="Failed rows whose value agrees with their day", zh="取值与违约日吻合的违约占比"), day,
         f"beyond chance <= {_DAY:g}", "a value that tells the day of failure"),
    ]  # fmt: skip
    rows = int(audit.get("hindsight_rows") or 0)
    lines = []
    for test, title, found, limit, effect in told:
        for name, value in sorted(found.items(), key=lambda item: (-float(item[1]), item[0]))[:1]:
            said: Verdict = "information"
            why = None
            if test == "month_later":
                said = "pass" if float(value) <= _LATER or name in explained else "information"
                why = _WITHIN if float(value) > _LATER and name not in explained else None
            n = size[0] if test in ("beside_others", "always_right") else rows
            lines.append(
                Line(test, f"feature:{name}", title, float(value), None, None, n or size[0], min(size[1], n or size[0]), limit, None, effect, said, _HOUSE, why)
            )  # fmt: skip
    fields = sorted(
        audit.get("fields") or (), key=lambda one: (-float(one["gap"]), one["source"], one["column"])
    )
    for one in fields[:1]:
        bad, good = one["bad"], one["good"]
        title = Words(en="Field rewritten or delivered after the outcome", zh="结果发生后被改写或补录的字段")
        note = Words(
            en=f"{one['source']}.{one['column']}, {one['kind']}: {bad[0]:,} of {bad[1]:,} failed, {good[0]:,} of {good[1]:,} others; z {one['z']:.1f}; {len(fields)} fields asked.",
            zh=f"{one['source']}.{one['column']}（{_KINDS.get(one['kind'], one['kind'])}）：违约 {bad[0]:,}/{bad[1]:,}，其他 {good[0]:,}/{good[1]:,}；z {one['z']:.1f}；共检查 {len(fields)} 个字段。",
        )
        lines.append(
            Line("after_outcome", f"field:{one['source']}.{one['column']}", title, float(one["gap"]), None, None, int(bad[1]) + int(good[1]), int(bad[1]),
                 f"<= {_FIELD:g} more often among the failed", None, "a field written after the outcome",
                 "pass" if float(one["gap"]) <= _FIELD else "information", _HOUSE, note)
        )  # fmt: skip
    return lines


def _all_detectors(lines: Sequence[Line], audit: Mapping[str, Any], size: tuple[int, int]) -> Line:
    """One word for the whole audit: an alarm fails, and where the store's evidence was not asked nobody can pass it."""
    alarms = sum(line.verdict == "fail" for line in lines)
    rows = int(audit.get("hindsight_rows") or 0)
    asked = Words(
        en=f"Seven questions asked: values alone, beside all others, always right, shuffled labels, a month later, the day, fields after the outcome ({rows:,} rows with hindsight).",
        zh=f"七项检查均已进行：单特征、去除后对比、取值过纯、标签打乱、晚一月观察、违约日、事后改写（回看样本 {rows:,} 行）。",
    )
    part = Words(
        en="Four questions asked. A month later, the day and fields after the outcome were not: the training had no evidence from the store.",
        zh="已进行四项检查。晚一月观察、违约日、事后改写三项未进行：训练时未取得数据库回看证据。",
    )
    said: Verdict = "fail" if alarms else "pass" if rows else "undecidable"
    return Line(
        "leakage_audit", "all", Words(en="Leakage audit, all detectors", zh="泄漏审计（全部检测器）"), float(alarms), None, None, *size,
        "no alarm that nobody explained (value: how many)", None, "a feature or a procedure that knows the outcome", said, _HOUSE,
        asked if rows else part,
    )  # fmt: skip


def reason_lines(card: Mapping[str, Any]) -> list[Line]:
    """How far the reasons of the same rows agree when the model is trained on other borrowers, where the card tells."""
    kept = card.get("reasons")
    found = kept.get("overlap") if isinstance(kept, Mapping) else None
    if not isinstance(kept, Mapping) or not isinstance(found, Mapping) or found.get("value") is None:
        return []
    top, times = int(kept.get("top") or 3), int(kept.get("retrainings") or 1)
    title = Words(en=f"Overlap of the {top} strongest reasons", zh=f"前 {top} 项理由的重合度")
    note = Words(
        en=f"Jaccard: shared over all named, {times} retrainings on resampled borrowers; 1 is the same reasons, {top} of {top} shared but one gives {(top - 1) / (top + 1):.1f}.",
        zh=f"Jaccard 系数：共同理由占全部理由之比，{times} 次重抽客户重训；1 为完全一致，{top} 项中仅一项不同为 {(top - 1) / (top + 1):.1f}。",
    )
    return [
        Line(
            "reasons", "all", title, float(found["value"]), found.get("low"), found.get("high"), int(card["rows"]), int(card["events"]),
            "none: reported", None, "", "information", "SR 26-2; Jaccard, New Phytologist 11 (1912)", note,
        )
    ]  # fmt: skip


def _better(low: float | None, high: float | None, able: float | None, said: str) -> Verdict:
    """Better beyond chance passes, worse fails; else it is known to be no better (information), or nobody can say.

    `said` is the training's own verdict, which pays for several rivals (Holm); an older card leaves it to the interval.
    """
    if low is None or high is None or said == "undecidable":
        return "undecidable"
    if (said == "better") if said else (low > 0):
        return "pass"
    if said == "worse" if said else high < 0:
        return "fail"
    return "information" if able is not None and able >= POWER_ENOUGH else "undecidable"
