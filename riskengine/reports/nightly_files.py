"""Which files does a night publish, and what does the terminal say of it?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskengine.casework.night import Handled
from riskengine.casework.rulebook import Rulebook
from riskengine.monitor.night import Before
from riskengine.monitor.publish import MEASURED, Outcome
from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.monitor.work import Work
from riskengine.profile.units import unit_word
from riskengine.reports.nightly_page import act_first, page_of, render
from riskengine.reports.nightly_tables import table_files
from riskengine.reports.wording import money, money_zh, percent
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle
from riskengine.stages import lap

STATUS: dict[str, Words] = {  # of publish.Outcome
    "published": Words(en="published", zh="已发布"),
    "no change": Words(en="no change", zh="无变化"),
    "replaced": Words(en="replaced", zh="已替换"),
    "repaired": Words(en="repaired", zh="已修复"),
}
_TEXT = {
    "book": Words(
        en="{guarantees:,} {what} in force, expected loss {loss}", zh="在保 {guarantees:,} 笔，预期损失 {loss}"
    ),
    "unknown": Words(en=", {n:,} of unknown exposure not in it", zh="，其中 {n:,} 笔敞口不明、未计入"),
    "lines": Words(
        en="{lines:,} lines of {cases:,} cases: {act:,} to act on, {overflow:,} beyond capacity, {dear:,} cost more than they save",
        zh="{cases:,} 个案件合为 {lines:,} 条：处置 {act:,}，超出能力 {overflow:,}，处置成本高于可避免损失 {dear:,}",
    ),
    "signals": Words(
        en="{signals:,} signals: {red} red, {orange} orange, {yellow} yellow, {blue} blue ({new} new, {renewed} with a new case,"
        " {held} held, {ended} ended); {blind:,} could not be evaluated",
        zh="信号 {signals:,} 条：红 {red}，橙 {orange}，黄 {yellow}，蓝 {blue}（新增 {new}，新案 {renewed}，保留 {held}，结束 {ended}）；"
        "无法判断 {blind:,} 项次",
    ),
    "feeds": Words(
        en="{reminders:,} reminders; {stale} stale source(s); {held} held file(s)",
        zh="提醒 {reminders:,} 条；中断数据源 {stale} 个；待修正文件 {held} 个",
    ),
    "held": Words(en="held: {what}. What to do: {todo}", zh="待修正：{what}。处理办法：{todo}"),
    "stages": Words(en="stage,rows,seconds,peak MB", zh="阶段,行数,秒,峰值MB"),
    "whole": Words(en="together", zh="合计"),
    "damaged": Words(en="was damaged: {what}", zh="曾损坏：{what}"),
    "act": Words(
        en="act {place}: {severity} {title} ({enterprise}): PD {pd}, avoidable loss {avoidable}; {action}",
        zh="处置 {place}：{severity} {title}（{enterprise}）：违约概率 {pd}，可避免损失 {avoidable}；{action}",
    ),
}  # fmt: skip


def night_files(
    rules: Rulebook, bundle: Bundle, night: tuple[Work, Handled], before: Before, inputs: Mapping[str, Any]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes of a night's files by name, and what the manifest says besides their hashes."""
    files, facts = table_files(rules, *night)
    lap("tables", sum(facts["rows"].values()))
    page = page_of(rules, bundle, night, before, inputs)
    files["report.html"] = render(page)
    told = {**facts, "act_today": act_first(page)}
    lap("report", len(page.done.act))
    return files, told


def stage_lines(manifest: Mapping[str, Any], language: str = "en") -> str:
    """The manifest's `measured` as a table for a terminal; nothing of a publication that was not measured."""
    stages = manifest.get(MEASURED, [])
    if not stages:
        return ""
    whole = {
        "stage": _TEXT["whole"].say(language),
        "rows": None,
        "seconds": sum(one["seconds"] for one in stages),
        "peak_mb": max(one["peak_mb"] for one in stages),
    }
    head = _TEXT["stages"].say(language).split(",")
    table = [head] + [
        [
            str(one["stage"]),
            "" if one["rows"] is None else f"{one['rows']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['peak_mb']:,.0f}",
        ]
        for one in (*stages, whole)
    ]
    return "\n".join(f"  {row[0]:<16}{row[1]:>12}{row[2]:>10}{row[3]:>10}" for row in table)


def summary(outcome: Outcome, language: str = "en") -> str:
    """A few lines for a terminal: what happened, the money, lines and signals, where the report is."""
    manifest, folder = outcome.publication.manifest, outcome.publication.folder
    counts = manifest["counts"]
    unknown = counts.get("exposure_unknown", 0)

    def say(name: str, **values: Any) -> str:
        return _TEXT[name].say(language).format_map(values)

    amount = money_zh if language == "zh" else money
    what = unit_word("guarantees", "en", one=counts["guarantees"] == 1)
    lines = [
        say("book", guarantees=counts["guarantees"], what=what, loss=amount(float(manifest["expected_loss"])))
        + (say("unknown", n=unknown) if unknown else ""),
    ]
    if "lines" in counts:
        names = {"act": "act", "overflow": "overflow", "dear": "costs_more_than_it_saves"}
        places = {short: counts.get(f"lines_{name}", 0) for short, name in names.items()}
        lines.append(say("lines", lines=counts["lines"], cases=counts["cases"], **places))
    told = ("red", "orange", "yellow", "blue", "new", "renewed", "held", "ended")
    signals = {name: counts.get(f"signals_{name}", 0) for name in told}
    lines.append(say("signals", signals=counts["signals"], blind=counts["not_evaluable"], **signals))
    lines.append(
        say(
            "feeds",
            reminders=counts["reminders"],
            stale=counts["stale_sources"],
            held=counts.get("held_files", 0),
        )
    )
    for one in manifest.get("held", []):
        what = f"{one['source']}/{one['file']}: {one['problem']}"
        lines.append(
            say(
                "held",
                what=what,
                todo=one.get("to_do_zh", one["to_do"]) if language == "zh" else one["to_do"],
            )
        )
    lines += [say("damaged", what=problem) for problem in outcome.found]
    for place, one in enumerate(manifest.get("act_today", [])[:3], 1):
        if "enterprise" in one:  # a publication of an earlier version names guarantees
            lines.append(_act(say, place, one, language))
    lines.append(str(_near(folder / "report.html")))
    return "\n".join(
        [f"{manifest['as_of']}  {STATUS[outcome.status].say(language)}", *(f"  {line}" for line in lines)]
    )


def _act(say: Any, place: int, one: Mapping[str, str], language: str) -> str:
    amount = money_zh if language == "zh" else money
    return str(
        say(
            "act",
            place=place,
            severity=SEVERITY_WORDS[one["severity"]].say(language),
            title=one["title"],
            enterprise=one["enterprise"],
            pd=percent(float(one["pd_used"] or "nan")),
            avoidable=amount(float(one["avoidable"] or "nan")),
            action=one[f"action_{'zh' if language == 'zh' else 'en'}"],
        )
    )


def _near(path: Path) -> Path:
    """The path from the working folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
