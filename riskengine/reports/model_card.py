"""How do a model's card and a later test of it read in a terminal?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from unicodedata import east_asian_width

_SHOWN = ("auc", "ks", "brier", "calibration_error", "calibration_slope", "capture_10")
_HEADS = {
    "en": ("AUC", "KS", "Brier score", "calibration error", "calibration slope", "caught in top 10 %"),
    "zh": ("AUC", "KS", "Brier 得分", "校准误差", "校准斜率", "前10%捕获率"),
}
_FINE = ("brier", "calibration_error")  # small numbers, in four digits
ORDER = ("model", "scorecard", "logistic", "naive")  # then the spec's rules, then policy and signals
_LAST = ("policy", "signals")
_NAMES = {
    "model": {"en": "the model", "zh": "本模型"},
    "scorecard": {"en": "scorecard", "zh": "评分卡"},
    "logistic": {"en": "logistic regression", "zh": "逻辑回归"},
    "naive": {"en": "naive rule", "zh": "简单排序规则"},
    "policy": {"en": "today's policy", "zh": "现行准入政策"},
    "signals": {"en": "today's signals", "zh": "现行预警信号"},
}
_TRIALS = {
    "out_of_time": {"en": "out of time", "zh": "跨期检验"},
    "held_out": {"en": "unseen borrowers", "zh": "未见客户检验"},
}
_COUNTS = {
    "good": {"en": "survivors", "zh": "正常"},
    "bad": {"en": "defaults", "zh": "违约"},
    "immature": {"en": "immature (not used)", "zh": "未成熟（不用）"},
    "indeterminate": {"en": "indeterminate (not used)", "zh": "不定（不用）"},
    "excluded": {"en": "excluded", "zh": "剔除"},
    "competing": {"en": "ended otherwise first", "zh": "先以其他方式终结"},
}
_STEEP = 10.0  # a slope beyond it says that the score is flat, not how well it is calibrated


def card_lines(card: Mapping[str, Any], language: str = "en") -> list[str]:
    """What went in, each test with its figures and 95 % intervals beside the benchmarks, and in words whom the model beats."""
    zh = language == "zh"
    lines = [
        f"{card['model']}: {card['title']['en']} / {card['title']['zh']}",
        f"trained as of {card['trained_as_of']} on {card['rows']:,} mature rows of {card['borrowers']:,} borrowers,"
        f" {card['events']:,} defaults ({card['first_as_of']} to {card['last_as_of']});"
        f" weighted base rate {card['weighted_base_rate']:.4f}",
    ]
    if zh:
        lines[1] = (
            f"训练日 {card['trained_as_of']}：成熟样本 {card['rows']:,} 行，客户 {card['borrowers']:,} 个，违约 {card['events']:,} 例"
            f"（{card['first_as_of']} 至 {card['last_as_of']}）；加权违约率 {card['weighted_base_rate']:.4f}"
        )
    if card.get("counts"):
        lines.append(("样本去向：" if zh else "rows: ") + counted(card["counts"], language))
    for trial in card["trials"]:
        lines += ["", *_trial_lines(trial, language)]
    lines += ["", ("校准：" if zh else "calibration: ") + calibrated(card, language)]
    if card.get("tuning"):
        lines.append(("调参：" if zh else "tuning: ") + tuned(card, language))
    lines.append(("泄漏审计：" if zh else "leakage audit: ") + audited(card.get("leakage") or {}, language))
    if card.get("reasons"):
        lines.append(("理由稳定性：" if zh else "reasons: ") + reasoned(card["reasons"], language))
    return lines


def in_order(means: Iterable[str]) -> list[str]:
    """The model first, then from the nearest rival to the plainest: scorecard, logistic, naive, rules, policy and signals.

    >>> in_order(["policy", "logistic", "overdue", "model", "scorecard"])
    ['model', 'scorecard', 'logistic', 'overdue', 'policy']
    """
    found = list(means)
    first = [name for name in ORDER if name in found]
    last = [name for name in _LAST if name in found]
    return [*first, *sorted(name for name in found if name not in (*first, *last)), *last]


def titled(trial: Mapping[str, Any], means: str, language: str) -> str:
    """What a means is called: by the words of the test's own standings, else by the usual ones."""
    for one in trial.get("standings") or ():
        if one["rival"] == means and means not in _NAMES:
            return str(one["title"][language])
    return _NAMES.get(means, {}).get(language, means.replace("_", " "))


def on(trial: Mapping[str, Any], language: str) -> str:
    """What a test was made on."""
    name = str(trial.get("name"))
    return _TRIALS.get(name, {}).get(language, name.replace("_", " "))


def flat(figures: Mapping[str, Any]) -> bool:
    """Whether a score is (nearly) the same for everybody, so that its calibration slope has no meaning.

    >>> flat({"calibration_slope": {"value": -284961.0, "low": None, "high": None}}), flat({"calibration_slope": {"value": 0.9}})
    (True, False)
    """
    slope = figures.get("calibration_slope") or {}
    ends = [slope.get(name) for name in ("value", "low", "high")]
    known = (figures.get("auc") or {}).get("value") is not None
    return (known and ends[0] is None) or any(end is not None and abs(end) > _STEEP for end in ends)


def statements(trial: Mapping[str, Any], language: str) -> list[str]:
    """In plain words, with interval and p: how the model stands to each rival; an older card has the intervals only."""
    told = {one["rival"]: one["words"][language] for one in trial.get("standings") or ()}
    for means, gap in (trial.get("better") or {}).items():
        if means not in told:
            than = (
                f"AUC 高于{titled(trial, means, language)}："
                if language == "zh"
                else f"AUC above the {titled(trial, means, language)}: "
            )
            told[means] = than + _shown(gap) + _verdict(gap, language)
    return [told[means] for means in in_order(told)]


def counted(counts: Mapping[str, int], language: str) -> str:
    """How many rows became what."""
    names = [*(name for name in _COUNTS if name in counts), *sorted(set(counts) - set(_COUNTS))]
    return ", ".join(f"{_COUNTS.get(name, {}).get(language, name)} {counts[name]:,}" for name in names)


def calibrated(card: Mapping[str, Any], language: str) -> str:
    """Which calibration was chosen, and by what."""
    how = card.get("calibration") or {}
    zh = language == "zh"
    method = _METHODS.get(how.get("method", ""), {}).get(language, str(how.get("method") or "-"))
    if not how.get("table"):
        return method
    made = f"{method}，取自 {how['from']} 起未参与拟合的 {how['rows']:,} 行（违约 {how['events']:,}）" if zh else f"{method}, chosen on {how['rows']:,} later rows ({how['events']:,} defaults, from {how['from']}) that it was not fitted on"  # fmt: skip
    said = how.get("why")
    return f"{made}{'；' if zh else '; '}{_because(str(said), language)}" if said else made


def tuned(card: Mapping[str, Any], language: str) -> str:
    """How many settings were tried, and what the best gained."""
    tried = card["tuning"]
    best = max(tried, key=lambda one: float(one.get("gain") or 0.0))
    gain, error = float(best.get("gain") or 0.0), float(best.get("gain_error") or 0.0)
    if language == "zh":
        return f"试 {len(tried)} 组参数，最优者对数损失改善 {gain:.5f}（标准误 {error:.5f}）"
    return f"{len(tried)} settings tried; the best gained {gain:.5f} of log loss (standard error {error:.5f})"


def audited(leak: Mapping[str, Any], language: str) -> str:
    """Which detectors of leaks were asked, and how near the strongest feature came to an alarm."""
    zh = language == "zh"
    alone = leak.get("alone") or {}
    rows = int(leak.get("hindsight_rows") or 0)
    strongest = max(alone.items(), key=lambda item: (item[1], item[0]), default=None)
    near = f"（最强 {strongest[0]} {strongest[1]:.3f}）" if zh and strongest else f" (strongest {strongest[0]} {strongest[1]:.3f})" if strongest else ""  # fmt: skip
    canary = f" (AUC {leak['canary']:.3f})" if "canary" in leak else ""
    fields = leak.get("fields") or ()
    later = max((leak.get("later") or {}).values(), default=0.0)
    if zh:
        told = [f"{len(alone)} 个特征单独检验{near}", "去除后与其余特征对比", "取值过纯", f"标签打乱{canary}"]
        seen = [f"晚一个月观察（最大增益 {later:.3f}）", "违约日", f"{len(fields)} 个字段事后改写"]
        end = (
            f"回看 {rows:,} 行：{'、'.join(seen)}；"
            if rows
            else "未取得数据库回看证据，晚一个月观察、违约日、事后改写三项未检验；"
        )
        return f"{'、'.join(told)}；{end}无未说明的警报{_vouched(leak, zh)}"
    told = [
        f"{len(alone)} features alone{near}",
        "beside all others",
        "values always right",
        f"labels shuffled{canary}",
    ]
    seen = [
        f"a month later (largest gain {later:.3f})",
        "the day of failure",
        f"{len(fields)} fields rewritten or late",
    ]
    end = f"with hindsight on {rows:,} rows: {', '.join(seen)}" if rows else "NOT ASKED for want of evidence from the store: a month later, the day, fields rewritten"  # fmt: skip
    return f"{', '.join(told)}; {end}: no alarm{_vouched(leak, zh)}"


def reasoned(kept: Mapping[str, Any], language: str) -> str:
    """How far the strongest reasons stay the same when the model is trained on other borrowers."""
    found = kept.get("overlap") or {}
    top, times = kept.get("top"), kept.get("retrainings")
    if language == "zh":
        return f"重训 {times} 次，前 {top} 项不利理由的重合度（Jaccard）{_shown(found, language)}"
    return (
        f"overlap (Jaccard) of the {top} strongest adverse reasons under {times} retrainings {_shown(found)}"
    )


def _vouched(leak: Mapping[str, Any], zh: bool) -> str:
    names = ", ".join(sorted(leak.get("explained") or {}))
    return (f"；人工说明：{names}" if zh else f"; explained by hand: {names}") if names else ""


def _trial_lines(trial: Mapping[str, Any], language: str) -> list[str]:
    zh = language == "zh"
    name = on(trial, language)
    head = f"{name}: {trial['rows']:,} rows, {trial['events']:,} defaults, {trial['start']} to {trial['end']}"
    if zh:
        head = f"{name}：{trial['rows']:,} 行，违约 {trial['events']:,}，{trial['start']} 至 {trial['end']}"
    lines = [head, " " * 26 + "".join(_padded(title, 25) for title in _HEADS[language])]
    for means in in_order(trial["figures"]):
        figures = trial["figures"][means]
        cells = [_cell(figures, name, language) for name in _SHOWN]
        name = titled(trial, means, language)
        lines.append("  " + name + " " * (24 - _width(name)) + "".join(_padded(cell, 25) for cell in cells))
    lines += [f"  {said}" for said in statements(trial, language)]
    short = [one["title"][language] for one in trial.get("standings") or () if one["verdict"] != "better"]
    if short and zh:
        lines.append(f"  未能证明优于{'、'.join(short)}：更简单的方法可能同样有效。")
    elif short:
        lines.append(
            f"  NOT SHOWN TO BE BETTER than {', '.join(short)}: the simpler means may serve as well."
        )
    elif (trial.get("against") or {}).get(language):
        lines.append(f"  {trial['against'][language]}{'。' if zh else '.'}")
    return lines


def _cell(figures: Mapping[str, Any], name: str, language: str) -> str:
    if name == "calibration_slope" and flat(figures):
        return "-"
    return _shown(figures.get(name), language, 4 if name in _FINE else 3)


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: a Chinese character two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, columns: int) -> str:
    return " " * (columns - _width(text)) + text


def _because(why: str, language: str) -> str:
    """The training's reason for its calibration, in either language."""
    if language != "zh":
        return why
    told = re.sub(
        r"(\w+) has the least log loss on the as-of days from (\S+) on",
        r"\1 在 \2 起的样本上对数损失最小",
        why,
    )
    return re.sub(
        r"; (\w+) is the simplest within one standard error of it", r"；\1 为其一个标准误内最简单者", told
    )


_METHODS = {
    "none": {"en": "none (the score's own PD)", "zh": "不校准（直接采用评分概率）"},
    "intercept": {"en": "intercept to the long-run rate", "zh": "截距调整至长期违约率"},
    "logistic": {"en": "Platt (logistic)", "zh": "Platt（逻辑）校准"},
    "platt": {"en": "Platt (logistic)", "zh": "Platt（逻辑）校准"},
    "isotonic": {"en": "isotonic", "zh": "保序回归"},
    "beta": {"en": "beta", "zh": "Beta 校准"},
    "hazard": {"en": "discrete-time hazards by months on book", "zh": "按在保月数的离散时间风险"},
}


def evaluation_lines(result: Mapping[str, Any]) -> list[str]:
    """The table of a later test; for guarantees in force also the monthly back-test."""
    period = result["period"]
    lines = [
        f"{result['model']} (bundle {result['bundle'][:12]}) on {period['from']} to {period['to']},"
        f" outcomes as known on {period['known']}: {result['rows']:,} rows, {result['events']:,} defaults",
        *_in_sample(result),
        f"{'':<12}{'rows':>9}{'defaults':>10}" + "".join(f"{name:>24}" for name in _SHOWN),
    ]
    for line in result["table"]:
        figures = [
            {"value": line[name], "low": line[f"{name}_low"], "high": line[f"{name}_high"]} for name in _SHOWN
        ]
        lines.append(
            f"{line['value']:<12}{line['rows']:>9,}{line['events']:>10,}"
            + "".join(f"{_shown(f):>24}" for f in figures)
        )
    if "months" in result:
        lines += [
            "",
            f"{'month-end':<12}{'means':<8}{'rows':>9}{'events':>8}{'AUC':>8}{'top 5 %':>9}{'top 10 %':>9}{'lead, months':>14}",
        ]
        for month in result["months"]:
            cells = [month[name] for name in ("auc", "capture_5", "capture_10")]
            shown = "".join(
                f"{'-' if cell is None else f'{cell:.3f}':>{width}}"
                for cell, width in zip(cells, (8, 9, 9), strict=True)
            )
            lead = "-" if month["lead_months"] is None else f"{month['lead_months']:.1f}"
            lines.append(
                f"{month['as_of']:<12}{month['means']:<8}{month['rows']:>9,}{month['events']:>8,}{shown}{lead:>14}"
            )
    return lines


def _in_sample(result: Mapping[str, Any]) -> list[str]:
    """A warning where the period reaches back into the days of the training rows.

    >>> _in_sample({"learned_to": "2002-12-31", "period": {"from": "2003-01-01"}})
    []
    >>> _in_sample({"learned_to": "2007-09-28", "period": {"from": "2006-01-01"}})[0][:15]
    'NOT OUT OF TIME'
    """
    last = result["learned_to"]
    if last < result["period"]["from"]:
        return []
    return [f"NOT OUT OF TIME: the champion learned from subjects up to {last}, perhaps from these very ones"]


def _shown(estimate: Mapping[str, Any] | None, language: str = "en", digits: int = 3) -> str:
    if not estimate or estimate.get("value") is None:
        return "样本不足" if language == "zh" else "not enough defaults"
    value, low, high = estimate["value"], estimate.get("low"), estimate.get("high")
    if low is None or high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _verdict(difference: Mapping[str, Any], language: str) -> str:
    if difference.get("low") is None or difference["low"] > 0:
        return ""
    if difference["high"] < 0:
        return "（更差）" if language == "zh" else " (worse)"
    return "（不显著）" if language == "zh" else " (not significant)"
