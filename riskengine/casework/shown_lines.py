"""How is a case, a list of cases and an act told in lines of a terminal, in Chinese and English?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.casework.acts import CaseAct
from riskengine.casework.evidence_words import evidence_lines
from riskengine.casework.states import ACTIONS, MEASURES, PHASES, TREATED
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
    "waive": " --floor {floor} --until DAY --why TEXT",
    "unwaive": " --why TEXT",
}  # the next step of a case as it is typed, the furthest first
_WHAT = {
    "officer": Words(en="officer", zh="客户经理"),
    "owner": Words(en="owner", zh="负责人"),
    "institution": Words(en="institution", zh="机构"),
}
_TEXT = {
    "empty": Words(en="Nothing to do", zh="没有待处置的案件"),
    "unknown": Words(
        en="No such {what} in the night of {night}: {name!r}. {hint}",
        zh="{night} 夜批中无此{what}：{name!r}。{hint}",
    ),
    "columns": Words(
        en="ENTERPRISE (its id) | severity | expected loss | institution | officer | place\n  CASE | severity | phase | owner | next due | what",
        zh="企业（代码） | 级别 | 预期损失 | 机构 | 客户经理 | 安排\n  案件 | 级别 | 状态 | 负责人 | 时限 | 内容",
    ),
    "times": Words(en="times: {zone}", zh="时间：{zone}"),
    "as_of": Words(en="as of {day}", zh="截至 {day}"),
    "as_of_night": Words(en="as of {day} (latest night)", zh="截至 {day}（最近夜批）"),
    "as_of_act": Words(en="as of {day} (latest act)", zh="截至 {day}（最近操作）"),
    "more": Words(en="{more} more (--limit 0 shows all)", zh="另有 {more} 条（--limit 0 显示全部）"),
    "count": Words(
        en="{shown} of {cases} cases of {night}; put aside: {quiet}; next: riskengine signals show {first}",
        zh="{night} 共 {cases} 个案件，显示 {shown} 个；已静默：{quiet}；查看详情：riskengine signals show {first}",
    ),
    "raised": Words(en="single cases {own}; raised: {rule}", zh="单案{own}，因{rule}升级"),
    "loss": Words(en="expected loss {loss:,.0f}", zh="预期损失{loss:,.0f}"),
    "money": Words(
        en="{guarantees} guarantee(s), exposure {exposure:,.0f}, expected loss {loss:,.0f}",
        zh="在保{guarantees}笔，在保余额{exposure:,.0f}，预期损失{loss:,.0f}",
    ),
    "floor": Words(en=" after a rule floor (model {model:,.0f})", zh="（规则下限后；模型{model:,.0f}）"),
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
    """A list as lines of a terminal: what the columns are, a heading an enterprise (group, feed), its cases below."""
    lines: list[str] = [_looked(told, language)]
    for one in told.get("unknown", []):
        what = _WHAT[one["what"]].say(language)
        lines.append(_say("unknown", language).format(**{**one, "what": what}, night=told["night"]))
    lines += [_say("columns", language)] if told["rows"] else []
    heading = None
    for row in told["rows"]:
        if (row["enterprise"] or row["unit"]) != heading:
            heading = row["enterprise"] or row["unit"]
            lines.append(_heading(row, told["escalations"], language))
        parts = [f"  {row['case']}", SEVERITY[row["severity"]].say(language), _phase(row, language)]
        if row["quiet"] and row["quiet"] != row["phase"]:
            parts[-1] += f" ({_quiet(row['quiet'], language)})"
        parts.append(f"{_say('owner', language)} {row['owner']}" if row["owner"] else "-")
        parts.append(_when(row["due"]) if row["due"] else "-")
        if row["breached"]:
            steps = ",".join(STEP[step].say(language) for step in row["breached"])
            parts[-1] += f" {_say('late', language)} {steps}"
        lines.append(f"{' | '.join(parts)} | {row['text_' + language]}")
    if not told["rows"] and not told.get("unknown"):
        lines.append(_say("empty", language))
    if told["found"] > len(told["rows"]):
        lines.append(_say("more", language).format(more=told["found"] - len(told["rows"])))
    aside = ", ".join(f"{_quiet(name, language)} {count}" for name, count in told["quiet"].items())
    first = shlex.quote(told["rows"][0]["case"]) if told["rows"] else "CASE"
    count = {**told, "first": first, "shown": len(told["rows"]), "quiet": aside or _say("none", language)}
    return [*lines, _say("count", language).format(**count)]


def _heading(row: Mapping[str, Any], escalations: Mapping[str, Any], language: str) -> str:
    """The enterprise's own line: its name and the id that `dossier` asks for, severity after escalation, loss, whose it is."""
    parts = [str(row["name"] or row["enterprise"] or f"{row['title_' + language]} {row['unit']}")]
    if row["enterprise"] and row["name"] not in (None, row["enterprise"]):
        parts[0] += f" ({row['enterprise']})" if language == "en" else f"（{row['enterprise']}）"
    if row["line_severity"]:
        parts.append(SEVERITY[row["line_severity"]].say(language))
    if row["escalated"]:
        rule = escalations.get(row["escalated"], {}).get(language, row["escalated"])
        own = SEVERITY[row["severity_own"]].say(language)
        parts[-1] += f" ({_say('raised', language).format(own=own, rule=rule)})"
    if row["line_loss"] is not None:
        parts.append(_say("loss", language).format(loss=row["line_loss"]))
    if row["enterprise"] and row["place"]:
        parts += [str(row[name] or "-") for name in ("institution", "officer")]
    if row["place"]:
        parts.append(PLACE[row["place"]].say(language) if row["place"] in PLACE else row["place"])
    return " | ".join(parts)


def detail_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """`details` as lines of a terminal."""
    owner = told["owner"] or _say("nobody", language)
    lines = [
        _looked(told, language),
        f"{told['case']} {told['title_' + language]} | {SEVERITY[told['severity']].say(language)} | {_phase(told, language)}"
        f" | {_say('owner', language)} {owner} | {_say('seq', language)} {told['seq']}",
        " ".join(str(told[name]) for name in ("name", "unit") if told[name])
        + f": {told['text_' + language]}",
    ]
    if told["exposure"] is not None and told["guarantees"]:
        model, used = told["expected_loss"] or 0.0, told.get("loss_used")
        money = {"exposure": told["exposure"], "loss": model if used is None else used}
        raised = _say("floor", language).format(model=model) if money["loss"] != model else ""
        lines.append(_say("money", language).format(guarantees=told["guarantees"], **money) + raised)
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
    behind = "treat" if told["phase"] == TREATED else "ack" if told["owner"] else ""
    step = next((name for name in _STEPS if name in told["next"] and name != behind), told["next"][0])
    example = f"riskengine signals {step} {shlex.quote(told['case'])}{_STEPS.get(step, '')}"
    return [*lines, f"{_say('next', language)}: {legal}", f"  {example}"]


def waiver_lines(told: Mapping[str, Any], language: str) -> list[str]:
    """`waiver_details` as lines of a terminal."""
    state = "→ " + told["until"] if told["until"] else ""
    lines = [
        _looked(told, language),
        " ".join(
            part
            for part in (told["waiver"], told["enterprise"], told["floor"], _phase(told, language), state)
            if part
        ),
        f"{_say('history', language)}:",
        *(f"  {line}" for line in history_lines(told["history"], language)),
    ]
    legal = ", ".join(f"{name} {ACTIONS[name].zh}" if language == "zh" else name for name in told["next"])
    step = next(name for name in ("release", "unwaive", "waive", *told["next"]) if name in told["next"])
    of = told["enterprise"] if step == "waive" else told["waiver"]
    example = f"riskengine signals {step} {shlex.quote(of)}{_STEPS.get(step, '')}"
    return [
        *lines,
        f"{_say('next', language)}: {legal}",
        f"  {example}".format(floor=shlex.quote(told["floor"])),
    ]


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


def _looked(told: Mapping[str, Any], language: str) -> str:
    """As of which day it is told, and in which zone the times are."""
    whose = f"as_of_{told['as_of_is']}" if told.get("as_of_is") else "as_of"
    day = _say(whose, language).format(day=told["as_of"])
    return f"{day} | {_say('times', language).format(zone=told['zone'])}"


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
