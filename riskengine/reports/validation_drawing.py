"""How do a validation's figures look: calibration, separation, segments, stability, vintages? Inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from riskengine.reports.drawing import ACCENT, INK, number, picture

COLOURS = {"pass": "#2f7a55", "fail": "#b3392c", "undecidable": "#b98a24", "information": "#7c8894"}
_LINES = (ACCENT, "#c27a22", "#7c8894", "#8a4f8f", "#2f7a55")
_GRID, _AXIS = "#e6ebee", "#9aa7b1"


def calibration(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """By grade, on a log scale: the mean PD as a bar across, the observed rate as a dot with its interval."""
    return _expected_and_seen([{**row, "name": row["grade"]} for row in rows], title)


def by_vintage(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """By vintage: as `calibration`; vintages still open stand on grey, their dots hollow."""
    shown = [{**row, "name": row["vintage"], "open": not row["mature"]} for row in rows]
    return _expected_and_seen(shown, title)


def separation(curves: Mapping[str, Sequence[Sequence[float]]], across: int, title: str) -> str:
    """ROC (`across` 0: share of survivors) or CAP (`across` 2: share of all) of each means."""
    size, left, foot = 250, 34, 30
    body = _frame(left, 10, size, size)
    for part in (0, 0.25, 0.5, 0.75, 1):
        x, y = left + part * size, 10 + (1 - part) * size
        body += f'<text x="{number(x)}" y="{10 + size + 16}" class="m">{part:g}</text>'
        body += f'<text x="{left - 6}" y="{number(y + 4)}" class="e">{part:g}</text>'
    body += f'<line x1="{left}" y1="{10 + size}" x2="{left + size}" y2="10" stroke="{_AXIS}" stroke-dasharray="3 3"/>'
    for place, (means, points) in enumerate(curves.items()):
        line = " ".join(
            f"{number(left + point[across] * size)},{number(10 + (1 - point[1]) * size)}" for point in points
        )
        colour = _LINES[place % len(_LINES)]
        body += f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{1.8 if place == 0 else 1.2}"/>'
        y = 10 + size - 14 * (len(curves) - place) + 4
        body += f'<line x1="{left + size - 136}" y1="{y - 4}" x2="{left + size - 120}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>'
        body += f'<text x="{left + size - 115}" y="{y}">{escape(means)}</text>'
    return picture(body, left + size + 10, size + foot + 10, title, "chart")


def forest(rows: Sequence[tuple[str, str, Mapping[str, Any]]], whole: float | None, title: str) -> str:
    """AUC by segment with its interval: (dimension, value, line); the dashed line is the whole's AUC."""
    shown = [row for row in rows if None not in (row[2]["value"], row[2]["low"], row[2]["high"])]
    height, left, width = 17, 200, 330
    ends = [
        part
        for _, _, line in shown
        for part in (line["low"], line["high"], line["value"])
        if part is not None
    ]
    low = max(0.0, math.floor(min(ends, default=0.5) * 10) / 10)
    high = min(1.0, math.ceil(max(ends, default=1.0) * 10) / 10)
    low, high = (low, high) if high > low else (0.0, 1.0)

    def at(value: float) -> float:
        return left + (value - low) / (high - low) * width

    foot = 8 + height * len(shown)
    body = ""
    for step in range(round((high - low) * 10) + 1):
        x = number(at(low + step / 10))
        body += f'<line x1="{x}" y1="4" x2="{x}" y2="{foot}" stroke="{_GRID}"/><text x="{x}" y="{foot + 15}" class="m">{low + step / 10:.1f}</text>'
    if whole is not None:
        x = number(at(whole))
        body += f'<line x1="{x}" y1="4" x2="{x}" y2="{foot}" stroke="{INK}" stroke-dasharray="3 3"/>'
    before = ""
    for place, (dimension, name, line) in enumerate(shown):
        y = 8 + height * place + height / 2
        colour = COLOURS[line["verdict"]]
        if dimension != before:
            body += f'<line x1="0" y1="{number(y - height / 2)}" x2="{left + width}" y2="{number(y - height / 2)}" stroke="{_GRID}"/>'
            body += f'<text x="0" y="{number(y + 4)}" class="k">{escape(dimension)}</text>'
        before = dimension
        body += f'<text x="{left - 8}" y="{number(y + 4)}" class="e">{escape(_short(name))}</text>'
        body += f'<line x1="{number(at(line["low"]))}" y1="{number(y)}" x2="{number(at(line["high"]))}" y2="{number(y)}" stroke="{colour}" stroke-width="1.5"/>'
        body += f'<circle cx="{number(at(line["value"]))}" cy="{number(y)}" r="3.2" fill="{colour}"/>'
    return picture(body, left + width + 14, foot + 22, title, "chart wide")


def against_chance(rows: Sequence[tuple[str, float, float | None, str]], title: str) -> str:
    """Stability indices on a log scale: (name, index, the null's quantile or None, verdict); the tick is what chance gives."""
    height, left, width = 15, 230, 320
    parts = [part for _, value, chance, _ in rows for part in (value, chance) if part]
    low = 10.0 ** math.floor(math.log10(max(min(parts, default=0.001), 1e-5)))
    high = 10.0 ** math.ceil(math.log10(max(max(parts, default=1.0), low * 10)))
    foot = 6 + height * len(rows)

    def at(value: float) -> float:
        return left + math.log(max(value, low) / low) / math.log(high / low) * width

    body = ""
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        x = number(at(10.0**power))
        body += f'<line x1="{x}" y1="2" x2="{x}" y2="{foot}" stroke="{_GRID}"/><text x="{x}" y="{foot + 14}" class="m">{10.0**power:g}</text>'
    for place, (name, value, chance, verdict) in enumerate(rows):
        y = 4 + height * place + height / 2
        body += f'<text x="{left - 10}" y="{number(y + 4)}" class="e">{escape(_short(name, 36))}</text>'
        start = at(chance) if chance is not None else left
        body += f'<line x1="{number(start)}" y1="{number(y)}" x2="{number(at(value))}" y2="{number(y)}" stroke="{COLOURS[verdict]}" stroke-width="1.5"/>'
        if chance is not None:
            x = number(at(chance))
            body += f'<line x1="{x}" y1="{number(y - 6)}" x2="{x}" y2="{number(y + 6)}" stroke="{INK}" stroke-width="2"/>'
        body += f'<circle cx="{number(at(value))}" cy="{number(y)}" r="3.4" fill="{COLOURS[verdict]}"/>'
    return picture(body, left + width + 24, foot + 20, title, "chart wide")


def _expected_and_seen(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    width, height, left, top = 560, 230, 50, 8
    positive = [row[name] for row in rows for name in ("mean_pd", "observed", "low", "high") if row[name]]
    low = 10.0 ** math.floor(math.log10(min(positive, default=0.001)))
    low = max(low, min((row["mean_pd"] for row in rows), default=0.001) / 20)
    high = min(1.0, max(positive, default=1.0) * 1.15)

    def at(value: float) -> float:
        part = math.log(max(value, low) / low) / math.log(high / low)
        return top + (1 - min(max(part, 0.0), 1.0)) * height

    step = width / max(len(rows), 1)
    body = ""
    for place, row in enumerate(rows):
        if row.get("open"):
            body += f'<rect x="{number(left + step * place)}" y="{top}" width="{number(step)}" height="{height}" fill="#e9ecee"/>'
    for tick in _ticks(low, high):
        y = number(at(tick))
        body += f'<line x1="{left}" y1="{y}" x2="{left + width}" y2="{y}" stroke="{_GRID}"/>'
        body += f'<text x="{left - 6}" y="{number(at(tick) + 4)}" class="e">{tick * 100:g} %</text>'
    body += (
        f'<line x1="{left}" y1="{top + height}" x2="{left + width}" y2="{top + height}" stroke="{_AXIS}"/>'
    )
    every = max(1, math.ceil(len(rows) * 46 / width))
    for place, row in enumerate(rows):
        x = left + step * (place + 0.5)
        colour = "#7c8894" if row.get("open") else INK
        half = min(step * 0.34, 16)
        y = number(at(row["mean_pd"]))
        body += f'<line x1="{number(x - half)}" y1="{y}" x2="{number(x + half)}" y2="{y}" stroke="{ACCENT}" stroke-width="3"/>'
        body += f'<line x1="{number(x)}" y1="{number(at(row["low"]))}" x2="{number(x)}" y2="{number(at(row["high"]))}" stroke="{colour}"/>'
        fill = "#fff" if row.get("open") else colour
        body += f'<circle cx="{number(x)}" cy="{number(at(row["observed"]))}" r="3.4" fill="{fill}" stroke="{colour}"/>'
        if place % every == 0:
            body += (
                f'<text x="{number(x)}" y="{top + height + 16}" class="m">{escape(str(row["name"]))}</text>'
            )
    return picture(body, left + width + 10, top + height + 24, title, "chart wide")


def _ticks(low: float, high: float) -> list[float]:
    found = []
    for power in range(math.floor(math.log10(low)), 1):
        found += [lead * 10.0**power for lead in (1, 2, 5) if low <= lead * 10.0**power <= high]
    return found


def _frame(x: int, y: int, width: int, height: int) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="{_AXIS}"/>'


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
