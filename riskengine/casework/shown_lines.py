"""How is a case, a list of cases and an act told in lines of a terminal, in Chinese and English?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.casework.acts import CaseAct
from riskengine.casework.evidence_words import evidence_lines
from riskengine.casework.states import ACTIONS, MEASURES, PHASES
from riskengine.monitor.signals import SEVERITY_WORDS as SEVERITY
from riskengine.schema import Words

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
