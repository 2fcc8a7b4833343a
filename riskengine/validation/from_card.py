"""What did the training itself find: is it better than simpler means, does anything leak, do its reasons hold still?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.schema import Words
from riskengine.validation import power
from riskengine.validation.lines import POWER_ENOUGH, Line, Verdict

_GAIN = 0.02  # the gain in AUC that a more complicated model should bring
_SOURCE, _HOUSE = "SR 26-2; DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988)", "D (this house)"
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
    """AUC of the model less that of each benchmark on the same rows, from the paired bootstrap of the card."""
    found = []
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
    return found


def leakage_lines(card: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Line]:
    """The strongest single features against the limit, and the canary of shuffled labels."""
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
    return lines


def reason_lines(card: Mapping[str, Any]) -> list[Line]:
    """How far the reasons of the same rows agree when the model is trained anew, where the card tells."""
    kept = card.get("reasons") or card.get("reasons_overlap")
    figures = (
        kept if isinstance(kept, Mapping) else {"overlap": kept} if isinstance(kept, float | int) else {}
    )
    rows = int(figures.get("rows") or 0)
    lines = []
    for name, value in sorted(figures.items()):
        estimate = value if isinstance(value, Mapping) and "value" in value else {"value": value}
        number = estimate["value"]
        if name != "rows" and isinstance(number, float | int) and not isinstance(number, bool):
            text = name.replace("_", " ")
            title = Words(en=f"Reasons under retraining: {text}", zh=f"重训后理由稳定性：{text}")
            low, high = estimate.get("low"), estimate.get("high")
            lines.append(
                Line(
                    "reasons",
                    name,
                    title,
                    float(number),
                    low,
                    high,
                    rows,
                    0,
                    "",
                    None,
                    "",
                    "information",
                    "SR 26-2",
                )
            )
    return lines


def _better(low: float | None, high: float | None, able: float | None, said: str) -> Verdict:
    """Better beyond chance passes; worse fails, and so does a gain too small for a test that would have seen 0.02.

    `said` is the training's own verdict, which pays for several rivals (Holm); an older card leaves it to the interval.
    """
    if low is None or high is None or said == "undecidable":
        return "undecidable"
    if (said == "better") if said else (low > 0):
        return "pass"
    worse = said == "worse" if said else high < 0
    return "fail" if worse or (able is not None and able >= POWER_ENOUGH) else "undecidable"
