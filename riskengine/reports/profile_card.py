"""How does the profile of one enterprise read in a terminal?"""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskengine.intake import personal
from riskengine.profile.card import ProfileCard
from riskengine.profile.units import unit_word

_HEADS = {
    "en": ("Feature", "Value", "Unit", "Sources", "Event", "Known"),
    "zh": ("指标", "数值", "单位", "来源", "发生日", "获知日"),
}
_CONFLICT_HEADS = {
    "en": ("Item", "Source", "Value", "Event", "Known", "Apart", "Tolerated", "Verdict"),
    "zh": ("事项", "来源", "数值", "发生日", "获知日", "差异", "容差", "结论"),
}
_VERDICTS = {"conflict": "不一致", "agreed": "一致", "not comparable": "不可比"}


def print_card(card: ProfileCard, language: str) -> None:
    """Print one table per family of features."""
    console = Console()
    if not console.is_terminal:
        console.width = 140  # a file is as wide as its lines
    known = (
        f"截至 {card.as_of}（快照 {card.snapshot}）"
        if language == "zh"
        else f"as of {card.as_of}  (snapshot {card.snapshot})"
    )
    console.print(f"[bold]{card.id}[/bold]  {known}", highlight=False)
    for family in dict.fromkeys(line.note.family for line in card.lines):
        table = Table(
            title=card.headings[family].say(language), title_justify="left", box=None, pad_edge=False
        )
        for number, head in enumerate(_HEADS.get(language, _HEADS["en"])):
            table.add_column(
                head,
                justify="right" if number == 1 else "left",
                overflow="fold",
                no_wrap=number in (1, 2, 4, 5),
                min_width=(24, 1, 1, 12, 1, 1)[number],
            )
        for line in card.lines:
            if line.note.family == family:
                table.add_row(
                    line.note.say(language),
                    escape(shown(line.value)),
                    unit_word(line.note.unit, language),
                    ", ".join(line.note.sources),
                    str(line.event_date or ""),
                    str(line.known_at or ""),
                )
        console.print(table, highlight=False)
        console.print()
    if card.conflicts:
        console.print(_conflicts(card, language), highlight=False)


def _conflicts(card: ProfileCard, language: str) -> Table:
    """What several sources say of one thing: the value that counts is starred."""
    chinese = language == "zh"
    title = "来源冲突台账（* 为采用值）" if chinese else "Source conflicts (* counts)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, head in enumerate(_CONFLICT_HEADS.get(language, _CONFLICT_HEADS["en"])):
        table.add_column(
            head,
            justify="right" if number in (2, 5, 6) else "left",
            overflow="fold",
            no_wrap=number in range(2, 7),
        )
    for entry in card.conflicts:
        verdict = _VERDICTS[entry.verdict] if chinese else entry.verdict
        if entry.verdict == "conflict" and entry.note:
            verdict += f" ({entry.note.say(language)})"
        whole = (shown(entry.spread), shown(entry.tolerance), verdict)
        for number, value in enumerate(entry.values):
            star = "* " if value == entry.chosen else ""
            table.add_row(
                escape(entry.title.say(language)) if number == 0 else "",
                escape(value.source.say(language)),
                star + shown(value.value),
                str(value.event_date or ""),
                str(value.known_at or ""),
                *(map(escape, whole) if number == 0 else ("", "", "")),
            )
    return table


def shown(value: Any) -> str:
    """A value as people write it: thousands, four significant digits, `unknown` as a dash.

    >>> shown(250000.0), shown(0.031234), shown(None), shown("TX")
    ('250,000', '0.03123', '-', 'TX')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() or abs(value) >= 10000 else f"{value:.4g}"
    return value.isoformat() if isinstance(value, date) else str(personal.shown(value))
