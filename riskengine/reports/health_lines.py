"""How does a terminal say whether champions are still what was promoted, and how their challengers do?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.schema import Words

LEVELS = {
    "ok": Words(en="OK", zh="正常"),
    "note": Words(en="NOTE", zh="提示"),
    "warn": Words(en="WARN", zh="预警"),
    "alarm": Words(en="ALARM", zh="警报"),
}
_STATES = {
    "same": Words(en="as before", zh="未变"),
    "moved": Words(en="moved", zh="已变"),
    "features": Words(en="features moved, PDs as before", zh="特征已变、违约概率未变"),
    "unknown": Words(en="not known", zh="未知"),
    "below": Words(en="below what was estimated", zh="低于估计"),
    "strained": Words(en="more defaults than independent rows explain", zh="违约偏多（坏年景范围内）"),
    "above": Words(en="fewer defaults than estimated", zh="违约少于估计"),
    "as estimated": Words(en="as estimated", zh="与估计一致"),
    "too few": Words(en="too few defaults expected to judge", zh="预期违约过少，无法判断"),
}
_FIGURES = {
    "alerts_per_1000": Words(en="alerts per 1,000 guarantees", zh="每千笔预警数"),
    "mean_grade": Words(en="mean grade number", zh="平均等级序号"),
    "loss_rate": Words(en="expected loss over exposure", zh="预期损失率"),
    "share_pass": Words(en="share passed", zh="通过占比"),
    "share_refer": Words(en="share referred", zh="转人工占比"),
    "share_decline": Words(en="share declined", zh="拒绝占比"),
    "share_insufficient data": Words(en="share with insufficient data", zh="资料不足占比"),
}
_VERDICTS = {
    "challenger better": Words(en="challenger better", zh="挑战者更优"),
    "champion better": Words(en="champion better", zh="现行模型更优"),
    "not decided yet": Words(en="not decided yet", zh="尚无定论"),
}


def health_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """The health of every champion in a few lines each (`monitor.after_deployment.health`)."""
    say = _speaker(language)
    lines = [say("Health on", "运行状况") + f" {told['as_of']}: {LEVELS[told['level']].say(language)}"]
    for one in told["models"]:
        title = Words.model_validate(one["title"]).say(language) if one["title"] else ""
        level = LEVELS[one["level"]].say(language)
        lines.append(f"{one['model']} {one['version'] or ''} ({one['bundle'][:12]}) {title}: {level}")
        lines.append(f"  {one['means'][language]}")
        lines.append(f"  {say('What to do', '处理')}: {one['do'][language]}")
        lines += _drift(one["drift"], language)
        lines += _performance(one["performance"], language)
        lines += _impact(one["impact"], language)
        lines += _exception(one["exception"], language)
    return lines


def _exception(told: Mapping[str, Any] | None, language: str) -> list[str]:
    """The documented exception under which a failed validation was promoted, and whether it still holds."""
    if told is None:
        return []
    say = _speaker(language)
    state = say("EXPIRED on", "已于以下日期失效") if told["expired"] else say("until", "有效期至")
    return [f"  {say('Exception', '例外')} ({state} {told['until']}): {told['despite']}"]


def rivalry_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """Champion and challenger in a few lines (`monitor.rivalry.rivalry`)."""
    say = _speaker(language)
    who = say("guarantees", "笔在保") if told["subject"] == "guarantee" else say("applicants", "户申请")
    lines = [
        f"{told['model']}: {say('champion', '现行')} {told['champion'][:12]}, {say('challenger', '挑战者')} {told['challenger'][:12]}"
        f": {_VERDICTS[told['verdict']].say(language)}"
        + (f" ({say('since', '自')} {told['since']})" if told["since"] else ""),
        f"  {told['compared']:,} {who}, {say('matured', '已成熟')} {told['matured']:,} ({say('defaults', '违约')} {told['defaults']:,}),"
        f" {say('waiting', '待成熟')} {told['waiting']:,}, {say('left out', '不计')} {told['left_out']:,}"
        + (
            f"; {say('next mature on', '下一批成熟于')} {told['next_matures']}"
            if told["next_matures"]
            else ""
        ),
    ]
    if told["gain"] is not None:
        lines.append(
            f"  {say('Brier score', 'Brier 分')} {told['brier']['champion']:.5f} / {told['brier']['challenger']:.5f};"
            f" {say('gain of the challenger', '挑战者改善')} {told['gain']:+.6f} [{told['low']:+.6f}, {told['high']:+.6f}]"
        )
        lines.append(
            f"  {say('e-value challenger better', '挑战者更优的e值')} {told['challenger_e']:.3g},"
            f" {say('champion better', '现行更优')} {told['champion_e']:.3g}; {say('decides at', '判定界限')} {told['decides_at']:g}"
            f" ({say('valid at any time of looking, 95 %', '任意时点查看均有效，95%')})"
        )
    return lines


def _drift(told: Mapping[str, Any], language: str) -> list[str]:
    say = _speaker(language)
    lines = [f"  (a) {say('Data drift', '数据漂移')}: {_STATES[told['state']].say(language)}"]
    if told.get("pd"):
        old, new = told["mean_pd"]
        lines[0] += (
            f"; PSI(PD) {_index(told['pd'])}, {say('mean PD', '平均PD')} {old:.2%} -> {new:.2%};"
            f" {told['rows']:,} {say('rows now', '行（当前）')}, {told['reference_rows']:,} {say('of the training', '行（训练）')}"
        )
        for one in told["features"][:4]:
            lines.append(
                f"      {one['name']}: CSI {_index(one)}, {say('weight in the model', '模型权重')} {one['importance']:.1%}"
            )
        if told["moved"] > 4:
            lines.append(f"      {say('features moved in all', '变化特征合计')}: {told['moved']}")
    for one in told["missing"]:
        lines.append(
            f"      {say('missing', '缺失')}: {one['feature']} {one['before']:.0%} -> {one['now']:.0%}"
        )
    if told["silent"]:
        lines.append(f"      {say('silent feeds', '中断的数据源')}: {', '.join(told['silent'])}")
    return lines


def _performance(told: Mapping[str, Any], language: str) -> list[str]:
    say = _speaker(language)
    cover, now, ripe = told["coverage"], told["estimated_now"], told["matured"]
    lines = [
        f"  (b) {say('Performance', '模型表现')}: {_STATES[told['state']].say(language)};"
        f" {say('labels matured', '标签已成熟')} {cover['matured']:,} / {cover['rows']:,}"
        + (f", {say('next on', '下一批')} {cover['next_matures']}" if cover["next_matures"] else "")
    ]
    if now:
        lines.append(
            f"      {say('estimated now, without labels', '当前估计（无标签）')}: AUC {_range(now['auc'])}, {say('default rate', '违约率')} {_range(now['rate'], True)}"
        )
    if ripe:
        seen, expected = ripe["realised"], ripe["estimated"]
        area = "–" if seen["auc"] is None else f"{seen['auc']:.3f}"
        lines.append(
            f"      {ripe['as_of']}: {say('realised', '实际')} AUC {area}, {say('default rate', '违约率')} {seen['rate']:.2%}"
            f" ({seen['defaults']:,}); {say('estimated', '估计')} AUC {_range(expected['auc'])}, {_range(expected['rate'], True)}"
        )
    return lines


def _impact(told: Mapping[str, Any], language: str) -> list[str]:
    say = _speaker(language)
    lines = [f"  (c) {say('Decisions', '决策影响')}: {_STATES[told['state']].say(language)}"]
    if told.get("from"):
        lines[0] += f" ({told['from']} -> {told['to']})"
    if told["state"] == "unknown":
        return lines
    for one in told["figures"]:
        words = _FIGURES.get(one["name"])
        name = words.say(language) if words else one["name"]
        mark = f"  <- {_STATES['moved'].say(language)}" if one["moved"] else ""
        lines.append(f"      {name}: {_figure(one['before'])} -> {_figure(one['now'])}{mark}")
    return lines


def _range(told: Mapping[str, Any], share: bool = False) -> str:
    parts = [told["value"], told["low"], told["high"]]
    texts = ["–" if part is None else f"{part:.2%}" if share else f"{part:.3f}" for part in parts]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def _index(told: Mapping[str, Any]) -> str:
    return (
        "–"
        if told["index"] is None
        else f"{told['index']:.3f} [{_figure(told['low'])}, {_figure(told['high'])}]"
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _speaker(language: str) -> Any:
    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    return say
