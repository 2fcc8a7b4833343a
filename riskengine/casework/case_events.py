"""What has happened to each case tonight, one row an event?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Happened(NamedTuple):
    """One event as it is found: its words are filled in afterwards, with the texts of the signal at `place` where there is one."""

    case: str
    enterprise: str
    event: str
    before: str | None = None
    after: str | None = None
    signal: str | None = None
    place: int = -1


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
    columns: dict[str, Any] = {
        "on": [on] * len(found),
        **{name: [getattr(one, name) for one in found] for name in EVENTS[1:7]},
        **dict(zip(EVENTS[7:], _details(found, rows), strict=True)),
    }
    return pd.DataFrame({name: pd.Series(columns[name], dtype="object") for name in EVENTS}, copy=False)


def _details(found: Sequence[Happened], rows: Mapping[str, Sequence[Any]]) -> tuple[list[str], list[str]]:
    """What each event reads in English and Chinese; few of them differ, and those that read alike are one text."""
    known: dict[tuple[Any, ...], tuple[str, str]] = {}
    details = []
    for one in found:
        texts = ("", "") if one.place < 0 else (rows["text_en"][one.place], rows["text_zh"][one.place])
        key = (one.event, one.before, one.after, *texts)
        if key not in known:
            known[key] = _told(one, texts[0] or "", texts[1] or "")
        details.append(known[key])
    return [en for en, _ in details], [zh for _, zh in details]


_ORDER = {name: number for number, name in enumerate(_WORDS)}


def _of(
    change: Change, row: Case, rows: Mapping[str, Sequence[Any]], withdrawn: frozenset[int]
) -> list[Happened]:
    case, who, severity, before = change.case, row.enterprise, row.severity, row.severity_before
    lead = rows["signal"][row.lead]
    found = [Happened(one, who, "merged", before=one, after=case) for one in change.before[1:]]
    if not change.before:
        return [Happened(case, who, "opened", None, severity, lead, row.lead)]
    if change.level > change.level_before:
        found.append(Happened(case, who, "raised", before, severity, lead, row.lead))
    elif change.level < change.level_before:
        found.append(Happened(case, who, "lowered", before, severity, lead))
    for signal in change.renewed:
        place = min(
            (place for place in change.group.members if rows["signal"][place] == signal),
            key=lambda place: (rows["state"][place] != "renewed", str(rows["id"][place])),
        )
        found.append(Happened(case, who, "renewed", None, rows["severity"][place], signal, place))
    if row.fact in (EASING, CLEARING, TO_CONFIRM) and row.fact != change.fact_before:
        found.append(Happened(case, who, row.fact, change.fact_before, None, lead))
    taken_back = {rows["signal"][place] for place in withdrawn.intersection(change.group.members)}
    found += [
        Happened(case, who, WITHDRAWN, signal=signal) for signal in taken_back - change.withdrawn_before
    ]
    return found


def _colour(told: str | None) -> str | None:
    return f"{SEVERITY_WORDS[told].zh}色" if told in SEVERITY_WORDS else told


def _told(one: Happened, en: str, zh: str) -> tuple[str, str]:
    values = {
        "before": one.before,
        "after": one.after,
        "before_zh": _colour(one.before),
        "after_zh": _colour(one.after),
        "text": en,
        "text_zh": zh,
        "why": one.after,
        "why_zh": "、".join(_WHY_ZH.get(why, why) for why in (one.after or "").split(", ")),
    }
    words = _WORDS[one.event]
    return words.en.format_map(values), words.zh.format_map(values)
