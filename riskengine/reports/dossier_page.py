"""How does an officer read a dossier? One self-contained HTML page in one language, without scripts or remote parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from riskengine.profile.units import unit_word
from riskengine.reports import drawing
from riskengine.reports.dossier import Dossier, command
from riskengine.reports.dossier_words import PARTIES, SLOTS, WORDS, amount, shown_value
from riskengine.reports.pages import environment
from riskengine.reports.wording import percent

NIGHTS = 12  # rows of the table of PDs


def page(found: Dossier, language: str) -> bytes:
    """The page as UTF-8 HTML."""
    zh = language == "zh"
    tongue = "zh" if zh else "en"
    words = WORDS[tongue]
    currency = unit_word(found.sections["currency"], tongue)

    def both(one: Mapping[str, Any] | None) -> str:
        return "" if not one else str(one.get(tongue) or one.get("en") or "")

    def plain(item: Mapping[str, Any]) -> str:
        return shown_value(item["value"], "", str(item["kind"]), tongue)

    def place(one: Mapping[str, Any]) -> str:
        if "batch" not in one:
            return ""
        return words["place" if one["row"] > 0 else "reissued"].format(**one)

    text = (
        environment()
        .get_template("dossier.html.j2")
        .render(
            d=found.sections,
            asked=found.id,
            as_of=found.as_of,
            language=tongue,
            w=words,
            both=both,
            plain=plain,
            place=place,
            currency=currency,
            families=[_family(one, tongue) for one in found.sections["profile"]],
            histories=[_history(one, words) for one in found.sections["guarantees"] if one["history"]],
            slots=SLOTS[tongue],
            parties=PARTIES[tongue],
            money=amount,
            percent=lambda value, digits=1: percent(float("nan") if value is None else float(value), digits),
            command=lambda name, number: command(name, number, found.as_of),
            value=lambda value, unit="": shown_value(value, unit, "number", tongue),
            bar=lambda part: Markup(drawing.bar(part)),
        )
    )
    return text.encode()


def _family(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The lines of a family: with something to say, nought, not known."""
    lines = [
        {
            **line,
            "label": line[language],
            "shown": shown_value(line["value"], line["unit"], line["kind"], language),
        }
        for line in one["lines"]
    ]
    known = [line for line in lines if line["value"] is not None]
    return {
        "family": one["family"],
        "heading": one[language],
        "some": [line for line in known if line["value"] != 0],
        "nought": [line for line in known if line["value"] == 0],
        "unknown": [line for line in lines if line["value"] is None],
    }


def _history(one: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """The PDs of one guarantee as a line and as a table of the last nights; the line says its own values."""
    points = one["history"]
    title = words["history of"].format(
        id=one["id"], **{"first": points[0]["as_of"], "last": points[-1]["as_of"]}
    )
    return {
        "id": one["id"],
        "drawn": Markup(_drawn(points, title)),
        "rows": list(reversed(points[-NIGHTS:])),
        "more": max(len(points) - NIGHTS, 0),
        "now": one["rating"],
    }


def _counted(one: Mapping[str, Any]) -> tuple[float, str]:
    """PD and grade that the night counted: after floors."""
    return (
        (float(one["pd_used"]), str(one["grade_used"]))
        if one["raised"]
        else (float(one["pd"]), str(one["grade"]))
    )


def _drawn(points: Sequence[Mapping[str, Any]], title: str) -> str:
    """A line of PDs from nought up, grades at its changes, first and last day below; nothing of fewer than two nights."""
    if len(points) < 2:
        return ""
    width, height, left, right, head, foot = 460, 150, 44, 12, 20, 24
    counted = [_counted(one) for one in points]
    top = max(max(pd for pd, _ in counted) * 1.15, 0.001)
    step = (width - left - right) / (len(points) - 1)

    def at(number: int) -> tuple[str, str]:
        y = height - foot - counted[number][0] / top * (height - foot - head)
        return drawing.number(left + step * number), drawing.number(y)

    body = ""
    for part in (0.0, 0.5, 1.0):
        y = drawing.number(height - foot - part * (height - foot - head))
        body += f'<line x1="{left}" x2="{width - right}" y1="{y}" y2="{y}" stroke="#d7dee3"/>'
        body += f'<text x="{left - 6}" y="{y}" class="axis" dy="4">{escape(percent(top * part, 1 if top < 0.2 else 0))}</text>'
    line = " ".join(",".join(at(number)) for number in range(len(points)))
    body += f'<polyline points="{line}" fill="none" stroke="{drawing.ACCENT}" stroke-width="2" stroke-linejoin="round"/>'
    for number, (_, grade) in enumerate(counted):
        x, y = at(number)
        if number in (0, len(points) - 1) or grade != counted[number - 1][1]:
            anchor = "start" if number == 0 else "end" if number == len(points) - 1 else "middle"
            body += f'<circle cx="{x}" cy="{y}" r="3" fill="{drawing.ACCENT}"/>'
            body += (
                f'<text x="{x}" y="{y}" dy="-7" text-anchor="{anchor}" class="over">{escape(grade)}</text>'
            )
    body += f'<text x="{left}" y="{height - 6}" text-anchor="start">{escape(points[0]["as_of"])}</text>'
    body += (
        f'<text x="{width - right}" y="{height - 6}" text-anchor="end">{escape(points[-1]["as_of"])}</text>'
    )
    return drawing.picture(body, width, height, title, "line")
