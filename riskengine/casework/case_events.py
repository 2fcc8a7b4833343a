"""What has happened to each case tonight, one row an event?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskengine.casework.connected import Group
from riskengine.monitor.evaluate import CLEARING, TO_CONFIRM
from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.schema import Words

if TYPE_CHECKING:
    from riskengine.casework.case_rows import Case

EVENTS = ("on", "case", "enterprise", "signal", "event", "before", "after", "detail_en", "detail_zh")
WITHDRAWN, EASING = "withdrawn", "easing"
_WORDS = {
    "opened": Words(en="Case opened at {after}: {text}", zh="{after_zh}案件立案：{text_zh}"),
    "raised": Words(
        en="Raised from {before} to {after}: {text}", zh="由{before_zh}升为{after_zh}：{text_zh}"
    ),
    "lowered": Words(en="Lowered from {before} to {after}", zh="由{before_zh}降为{after_zh}"),
    "renewed": Words(en="A new fact in the same case: {text}", zh="同一案件出现新情况：{text_zh}"),
    EASING: Words(en="Milder, still under observation", zh="有所缓和，仍在观察"),
    CLEARING: Words(en="No longer true, its days of proof are running", zh="已不再成立，观察期内"),
    TO_CONFIRM: Words(en="No longer true, a person must confirm", zh="已不再成立，待人工核实解除"),
    WITHDRAWN: Words(en="The source has taken the row back", zh="来源已撤回该记录"),
    "merged": Words(en="Merged into {after}: they speak of one event", zh="并入 {after}：同一事件"),
    "turned overdue": Words(en="Guarantee {after} has turned overdue", zh="项目 {after} 转逾期"),
    "no longer overdue": Words(en="No guarantee of it is overdue any more", zh="名下项目已不再逾期"),
    "turned compensated": Words(en="Guarantee {after} was compensated", zh="项目 {after} 转代偿"),
    "ended": Words(en="Ended: {why}", zh="结束：{why_zh}"),
}
_WHY_ZH = {
    "compensated": "已代偿",
    WITHDRAWN: "来源撤回",
    "no longer true": "已不再成立",
    "left the book": "项目已退出在保",
    "no longer watched": "该信号已停用",
}


@dataclass(slots=True)
class Change:
    """A case tonight: its signals, the cases of the night before it goes on from (the first keeps its id), what differs."""

    case: str
    group: Group
    before: tuple[str, ...]
    level: int = -1
    level_before: int = -1
    lead: int = -1
    joined: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    fact_before: str | None = None
    withdrawn_before: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Happened:
    """One event as it is found: its words are filled in afterwards."""

    case: str
    enterprise: str
    event: str
    before: str | None = None
    after: str | None = None
    signal: str | None = None
    text: Words | None = None


def events_of(
    on: date,
    changes: Iterable[Change],
    made: Iterable[Case],
    more: Iterable[Happened],
    rows: Mapping[str, Sequence[Any]],
) -> pd.DataFrame:
    """The events of a night (EVENTS), ordered by case, event and what they speak of; `more` are those of the book."""
    found = list(more)
    withdrawn = frozenset(place for place, state in enumerate(rows["state"]) if state == WITHDRAWN)
    for change, row in zip(changes, made, strict=True):
        found += _of(change, row, rows, withdrawn)
    found.sort(
        key=lambda one: (one.case, _ORDER[one.event], one.signal or "", one.before or "", one.after or "")
    )
    told = [_told(on, one) for one in found]
    return pd.DataFrame({name: pd.Series([row[name] for row in told], dtype="object") for name in EVENTS})


_ORDER = {name: number for number, name in enumerate(_WORDS)}


def _of(
    change: Change, row: Case, rows: Mapping[str, Sequence[Any]], withdrawn: frozenset[int]
) -> list[Happened]:
    case, who, severity, before = change.case, row.enterprise, row.severity, row.severity_before
    lead = rows["signal"][row.lead]
    found = [Happened(one, who, "merged", before=one, after=case) for one in change.before[1:]]
    if not change.before:
        return [Happened(case, who, "opened", None, severity, lead, _words(row.lead, rows))]
    if change.level > change.level_before:
        found.append(Happened(case, who, "raised", before, severity, lead, _words(row.lead, rows)))
    elif change.level < change.level_before:
        found.append(Happened(case, who, "lowered", before, severity, lead))
    for signal in change.renewed:
        place = min(
            (place for place in change.group.members if rows["signal"][place] == signal),
            key=lambda place: (rows["state"][place] != "renewed", str(rows["id"][place])),
        )
        words = _words(place, rows)
        found.append(Happened(case, who, "renewed", None, rows["severity"][place], signal, words))
    if row.fact in (EASING, CLEARING, TO_CONFIRM) and row.fact != change.fact_before:
        found.append(Happened(case, who, row.fact, change.fact_before, None, lead))
    taken_back = {rows["signal"][place] for place in withdrawn.intersection(change.group.members)}
    found += [
        Happened(case, who, WITHDRAWN, signal=signal) for signal in taken_back - change.withdrawn_before
    ]
    return found


def _colour(told: str | None) -> str | None:
    return f"{SEVERITY_WORDS[told].zh}色" if told in SEVERITY_WORDS else told


def _words(place: int, rows: Mapping[str, Sequence[Any]]) -> Words:
    return Words(en=rows["text_en"][place] or "", zh=rows["text_zh"][place] or "")


def _told(on: date, one: Happened) -> dict[str, Any]:
    text = one.text or Words(en="", zh="")
    values = {
        "before": one.before,
        "after": one.after,
        "before_zh": _colour(one.before),
        "after_zh": _colour(one.after),
        "text": text.en,
        "text_zh": text.zh,
        "why": one.after,
        "why_zh": "、".join(_WHY_ZH.get(why, why) for why in (one.after or "").split(", ")),
    }
    words = _WORDS[one.event]
    return {
        "on": on,
        "case": one.case,
        "enterprise": one.enterprise,
        "signal": one.signal,
        "event": one.event,
        "before": one.before,
        "after": one.after,
        "detail_en": words.en.format_map(values),
        "detail_zh": words.zh.format_map(values),
    }
