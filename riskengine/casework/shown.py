"""How is a case, a list of cases and an act told to an officer, in Chinese and English?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.casework.acts import CaseAct
from riskengine.casework.desk import LINES, SIGNALS, Desk, OnDesk
from riskengine.casework.evidence_words import evidence_lines
from riskengine.casework.names import read_names
from riskengine.casework.states import ACTIONS, MEASURES, PHASES, severity_rank
from riskengine.errors import SetupError
from riskengine.intake.personal import shown as masked
from riskengine.schema import Words

SEVERITY = {
    "red": Words(en="red", zh="红"),
    "orange": Words(en="orange", zh="橙"),
    "yellow": Words(en="yellow", zh="黄"),
    "blue": Words(en="blue", zh="蓝"),
}
STEP = {
    "claim": Words(en="claim", zh="认领"),
    "verify": Words(en="verify", zh="核实"),
    "plan": Words(en="plan", zh="方案"),
}
QUIET = {
    "snoozed": Words(en="snoozed", zh="暂缓"),
    "inhibited": Words(en="behind a graver case", zh="被更严重案件抑制"),
    "cool-down": Words(en="cooling down", zh="冷却期"),
    "clearing": Words(en="clearing", zh="观察期内"),
    "ended": Words(en="its signals have ended", zh="信号已结束"),
}
PLACE = {
    "act": Words(en="act", zh="今日处置"),
    "overflow": Words(en="beyond capacity", zh="超出处理能力"),
    "costs more than it saves": Words(en="a visit costs more than it saves", zh="走访成本高于可避免损失"),
}
_STEPS = {
    "ack": "",
    "release": " --why TEXT",
    "wake": " --why TEXT",
    "judge": ' --as "false alarm|watch|confirmed" --why TEXT',
    "treat": " --measure TEXT --why TEXT",
    "resolve": " --why TEXT",
    "check": "",
}  # the next step of a case as it is typed, the furthest first
_TEXT = {
    "empty": Words(en="Nothing to do", zh="没有待处置的案件"),
    "more": Words(en="{more} more (--limit 0 shows all)", zh="另有 {more} 条（--limit 0 显示全部）"),
    "count": Words(
        en="{shown} of {cases} cases of {night}; put aside: {quiet}; next: riskengine signals show CASE",
        zh="{night} 共 {cases} 个案件，显示 {shown} 个；已静默：{quiet}；查看详情：riskengine signals show 案件号",
    ),
    "raised": Words(en="single cases {own}; raised: {rule}", zh="单案{own}，因{rule}升级"),
    "loss": Words(en="expected loss {loss:,.0f}", zh="预期损失{loss:,.0f}"),
    "money": Words(
        en="{guarantees} guarantee(s), exposure {exposure:,.0f}, expected loss {loss:,.0f}",
        zh="在保{guarantees}笔，在保余额{exposure:,.0f}，预期损失{loss:,.0f}",
    ),
    "action": Words(en="suggested", zh="建议措施"),
    "night": Words(en="night", zh="夜批"),
    "alone": Words(en="alone: a project of one person", zh="单人项目，本人复核"),
    "none": Words(en="none", zh="无"),
    "late": Words(en="LATE", zh="已逾时"),
    "owner": Words(en="owner", zh="负责人"),
    "nobody": Words(en="nobody", zh="无"),
    "release": Words(en="waits for a second person: {proposed}", zh="待复核：{proposed}"),
    "until": Words(en="snoozed until {until}", zh="暂缓至 {until}"),
    "next": Words(en="may be done now", zh="可执行操作"),
    "signals": Words(en="signals", zh="信号"),
    "dues": Words(en="steps", zh="时限"),
    "history": Words(en="history", zh="历史"),
    "done": Words(en="done", zh="完成于"),
    "late_step": Words(en="LATE", zh="逾时"),
    "open": Words(en="open", zh="未办"),
    "asked": Words(en="proposed, a second person must release it", zh="已提出，须另一人复核"),
    "seq": Words(en="last act", zh="最后操作号"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases are listed; an empty text asks for nothing. `quiet`: "" those to be acted on, "quiet", or "all"."""

    officer: str = ""
    owner: str = ""
    institution: str = ""
    severity: str = ""
    phase: str = ""
    quiet: str = ""


def listed(desk: Desk, as_of: date, wanted: Wanted, limit: int = 0) -> dict[str, Any]:
    """The cases of the latest night up to a day with the acts since: lines to act on first, by rank; then groups and feeds."""
    night, cases = desk.cases(as_of)
    try:
        lines = {row["enterprise"]: row for row in desk.rows(night, LINES)}
    except SetupError:
        lines = {}  # a publication without lines: nobody is assigned
    aside: dict[str, int] = {}
    for one in cases:
        if one.quiet:
            aside[one.quiet] = aside.get(one.quiet, 0) + 1
    told = [_short(one, lines.get(one.seen.enterprise, {})) for one in cases]
    chosen = [row for row in told if _asked_for(row, wanted)]
    chosen.sort(key=_urgency)
    rows = chosen[:limit] if limit else chosen
    nameless = [row["enterprise"] for row in rows if row["enterprise"] and not row["name"]]
    names = desk.names(night, nameless) if nameless else {}
    for row in rows:
        row["name"] = row["name"] or names.get(row["enterprise"])
    escalations = read_names(desk.project).escalations if any(row["escalated"] for row in rows) else {}
    return {
        "night": str(night),
        "as_of": str(as_of),
        "cases": len(cases),
        "quiet": dict(sorted(aside.items())),
        "escalations": {name: words.model_dump() for name, words in escalations.items()},
        "found": len(chosen),
        "rows": rows,
    }


def details(desk: Desk, wanted: str, as_of: date) -> dict[str, Any]:
    """Everything about one case: where it stands, its steps, its signals with evidence, its history, what may be done."""
    shown = desk.find(wanted, as_of)
    found: list[dict[str, Any]] = []
    try:
        found = desk.rows(shown.seen.as_of, SIGNALS, ("case", [shown.seen.case]))
    except SetupError:
        found = []
    kept = ("signal", "about", "id", "severity", "state", "inhibited", "first_seen", "raised_on", "text_en", "text_zh", "evidence")  # fmt: skip
    try:
        lines = desk.rows(shown.seen.as_of, LINES, ("enterprise", [shown.seen.enterprise]))
    except SetupError:
        lines = []
    short = _short(shown, lines[0] if lines else {})
    if short["enterprise"] and not short["name"]:
        short["name"] = desk.names(shown.seen.as_of, [short["enterprise"]]).get(short["enterprise"])
    names = read_names(desk.project)
    action = names.actions.get(str(shown.row.get("lead")))
    return {
        **short,
        "guarantees": shown.row.get("guarantees"),
        "action_en": action.en if action else "",
        "action_zh": action.zh if action else "",
        "night": str(shown.seen.as_of),
        "proposed": shown.standing.proposed if shown.standing.awaiting else None,
        "proposer": shown.standing.proposer if shown.standing.awaiting else None,
        "why": shown.standing.why,
        "measures": list(shown.standing.measures),
        "evidence_hash": shown.seen.evidence_hash,
        "steps": [
            {"step": one.step, "due": _iso(one.due), "done": _iso(one.done), "late": one.late}
            for one in shown.steps
        ],
        "signals": [
            {name: row.get(name) for name in kept if name in row}
            | {f"title_{tongue}": _titled(names.titles, row["signal"], tongue) for tongue in ("en", "zh")}
            for row in found
        ],
        "history": desk.history(shown, as_of),
        "next": list(desk.legal(shown)),
    }


def listed_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """A list as lines of a terminal: a heading an enterprise (group, feed), its cases below."""
    lines: list[str] = []
    heading = None
    for row in told["rows"]:
        if (row["enterprise"] or row["unit"]) != heading:
            heading = row["enterprise"] or row["unit"]
            lines.append(_heading(row, told["escalations"], language))
        parts = [f"  {row['case']}", SEVERITY[row["severity"]].say(language), _phase(row, language)]
        parts += [f"{_say('owner', language)} {row['owner']}"] if row["owner"] else []
        if row["quiet"] and row["quiet"] != row["phase"]:
            parts.append(_quiet(row["quiet"], language))
        if row["due"]:
            parts.append(_when(row["due"]))
        if row["breached"]:
            steps = ",".join(STEP[step].say(language) for step in row["breached"])
            parts.append(f"{_say('late', language)} {steps}")
        lines.append(f"{' | '.join(parts)} | {row['text_' + language]}")
    if not told["rows"]:
        lines.append(_say("empty", language))
    if told["found"] > len(told["rows"]):
        lines.append(_say("more", language).format(more=told["found"] - len(told["rows"])))
    aside = ", ".join(f"{_quiet(name, language)} {count}" for name, count in told["quiet"].items())
    count = {**told, "shown": len(told["rows"]), "quiet": aside or _say("none", language)}
    return [*lines, _say("count", language).format(**count)]


def _heading(row: Mapping[str, Any], escalations: Mapping[str, Any], language: str) -> str:
    """The enterprise's own line: its place, name, severity after escalation, loss, whose it is."""
    parts = [str(row["name"] or row["enterprise"] or f"{row['title_' + language]} {row['unit']}")]
    if row["line_severity"]:
        parts.append(SEVERITY[row["line_severity"]].say(language))
    if row["escalated"]:
        rule = escalations.get(row["escalated"], {}).get(language, row["escalated"])
        own = SEVERITY[row["severity_own"]].say(language)
        parts[-1] += f" ({_say('raised', language).format(own=own, rule=rule)})"
    if row["line_loss"] is not None:
        parts.append(_say("loss", language).format(loss=row["line_loss"]))
    parts += [str(row[name]) for name in ("institution", "officer") if row[name]]
    if row["place"]:
        parts.append(PLACE[row["place"]].say(language) if row["place"] in PLACE else row["place"])
    return " | ".join(parts)


def detail_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """`details` as lines of a terminal."""
    owner = told["owner"] or _say("nobody", language)
    lines = [
        f"{told['case']} {told['title_' + language]} | {SEVERITY[told['severity']].say(language)} | {_phase(told, language)}"
        f" | {_say('owner', language)} {owner} | {_say('seq', language)} {told['seq']}",
        " ".join(str(told[name]) for name in ("name", "unit") if told[name])
        + f": {told['text_' + language]}",
    ]
    if told["exposure"] is not None and told["guarantees"]:
        money = {"exposure": told["exposure"], "loss": told["expected_loss"] or 0.0}
        lines.append(_say("money", language).format(guarantees=told["guarantees"], **money))
    if told["action_" + language]:
        lines.append(f"{_say('action', language)}: {told['action_' + language]}")
    if told["proposed"]:
        proposed = f"{PHASES[told['proposed']].say(language)} ({told['proposer']}: {told['why']})"
        lines.append(_say("release", language).format(proposed=proposed))
    if told["quiet"] and told["quiet"] not in ("snoozed", told["phase"]):
        lines.append(_quiet(told["quiet"], language))
    if told["snoozed_until"]:
        lines.append(_say("until", language).format(until=told["snoozed_until"]))
    lines.append(f"{_say('dues', language)}:")
    for one in told["steps"]:
        done = f"{_say('done', language)} {_when(one['done'])}" if one["done"] else _say("open", language)
        late = f" {_say('late_step', language)}" if one["late"] else ""
        due = _when(one["due"]) if one["due"] else "-"
        lines.append(f"  {STEP[one['step']].say(language)} {due} {done}{late}")
    lines.append(f"{_say('signals', language)}:")
    for row in told["signals"]:
        severity = SEVERITY[row["severity"]].say(language)
        title = row.get("title_" + language) or ""
        lines.append(f"  {row['signal']} {title} {severity} {row['id']}: {row['text_' + language]}")
        lines += [f"    {line}" for line in evidence_lines(row.get("evidence"), language)]
    lines.append(f"{_say('history', language)}:")
    lines += [f"  {line}" for line in history_lines(told["history"], language)]
    legal = ", ".join(f"{name} {ACTIONS[name].zh}" if language == "zh" else name for name in told["next"])
    step = next((name for name in _STEPS if name in told["next"]), told["next"][0])
    example = f"riskengine signals {step} {told['case']}{_STEPS.get(step, '')}"
    return [*lines, f"{_say('next', language)}: {legal}", f"  {example}"]


def history_lines(told: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """A history as lines of a terminal: what nights found, and what people did."""
    return [
        f"{row['on']} {_say('night', language)}: {row['detail_' + language]}"
        if row["kind"] == "event"
        else _act(row, language)
        for row in told
    ]


def act_line(done: CaseAct, language: str) -> str:
    """What was just done, in a line."""
    return _act(done.to_json(), language)


def _act(row: Mapping[str, Any], language: str) -> str:
    detail = row["detail"]
    more = [detail.get("why", "")]
    if detail.get("measure"):
        more.insert(0, MEASURES[detail["measure"]].say(language))
    if detail.get("until"):
        more.insert(0, f"→ {detail['until']}")
    if detail.get("alone"):
        more.append(_say("alone", language))
    if detail.get("proposed"):
        more.append(f"{PHASES[detail['proposed']].say(language)}: {_say('asked', language)}")
    if row["breached"]:
        more.append(f"{_say('late', language)} ({_when(row['due'])})")
    before, after = PHASES[row["phase_before"]].say(language), PHASES[row["phase_after"]].say(language)
    way = after if before == after else f"{before} → {after}"
    if row["owner"]:
        way += f", {_say('owner', language)} {row['owner']}"
    said = "; ".join(part for part in more if part)
    when = str(detail.get("moment", row["on"])).replace("T", " ")
    line = f"{when} {row['actor']} {ACTIONS[row['action']].say(language)} {row['case']}: {way}"
    return f"{line}; {said}" if said else line


def _short(one: OnDesk, line: Mapping[str, Any]) -> dict[str, Any]:
    standing, row = one.standing, one.row
    return {
        "case": one.seen.case,
        "severity": one.seen.severity,
        "worst": one.seen.worst,
        "phase": standing.phase,
        "owner": standing.owner,
        "awaiting": standing.awaiting,
        "due": _iso(one.due),
        "breached": list(one.breached),
        "snoozed_until": standing.snoozed_until and str(standing.snoozed_until),
        "quiet": one.quiet,
        "enterprise": one.seen.enterprise,
        "unit": row.get("unit"),
        "name": line.get("name"),
        "line_severity": line.get("severity"),
        "severity_own": line.get("severity_own"),
        "escalated": line.get("escalated"),
        "line_loss": line.get("loss_used", line.get("expected_loss")),
        "institution": line.get("institution"),
        "officer": masked(line.get("officer")),
        "place": line.get("place"),
        "rank": line.get("rank"),
        "exposure": row.get("exposure"),
        "expected_loss": row.get("expected_loss"),
        "raised_on": row.get("raised_on") and str(row["raised_on"]),
        "title_en": row.get("title_en") or "",
        "title_zh": row.get("title_zh") or "",
        "text_en": row.get("text_en") or "",
        "text_zh": row.get("text_zh") or "",
        "seq": standing.seq,
    }


def _asked_for(row: Mapping[str, Any], wanted: Wanted) -> bool:
    if wanted.quiet != "all" and bool(row["quiet"]) != (wanted.quiet == "quiet"):
        return False
    if wanted.officer and row["officer"] != masked(wanted.officer):
        return False
    raised = row["line_severity"] if row["escalated"] else ""
    if wanted.severity and wanted.severity not in (row["severity"], raised):
        return False
    names = ("owner", "institution", "phase")
    return all(not getattr(wanted, name) or row[name] == getattr(wanted, name) for name in names)


def _urgency(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Lines to act on by rank, then groups and feeds, then the lines beyond capacity by rank, then what has no line."""
    rank, loss = row["rank"], row["expected_loss"] or 0.0
    group = 0 if row["place"] == "act" else 1 if not row["enterprise"] else 2 if rank else 3
    unit = row["enterprise"] or row["unit"] or ""
    return (group, rank or 0, unit if not rank else "", -severity_rank(row["severity"]), -loss, row["case"])


def _phase(row: Mapping[str, Any], language: str) -> str:
    words = PHASES[row["phase"]].say(language)
    return f"{words} ({_say('asked', language)})" if row["awaiting"] else words


def _quiet(name: str, language: str) -> str:
    words = QUIET.get(name) or PHASES.get(name)
    return words.say(language) if words else name


def _say(key: str, language: str) -> str:
    return _TEXT[key].say(language)


def _when(moment: str) -> str:
    """A local ISO minute as people read it.

    >>> _when("2026-06-29T14:30")
    '2026-06-29 14:30'
    """
    return moment.replace("T", " ")


def _titled(titles: Mapping[str, Words], signal: str, language: str) -> str:
    return titles[signal].say(language) if signal in titles else ""


def _iso(moment: Any) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None
