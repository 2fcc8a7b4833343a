"""How do numbers look as small inline pictures? SVG text, the same bytes for the same numbers, no outside parts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

INK, ACCENT, SOFT, GROWS, SHRINKS = "#1c2733", "#14526b", "#b9cdd6", "#b3392c", "#2f7a55"


def number(value: float) -> str:
    """A coordinate: at most two decimals, no trailing zeros, never minus zero.

    >>> number(12.50), number(-0.001)
    ('12.5', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def sparkline(values: Sequence[float], title: str, width: int = 64, height: int = 22) -> str:
    """A line through up to a dozen values, the last one dotted; empty with fewer than two.

    The height is at least half of the largest value, so that a small move looks small.
    """
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    room = max(high - low, high / 2) or 1.0
    foot = (low + high - room) / 2
    step = (width - 8) / (len(values) - 1)
    places = [
        (4 + step * n, height - 4 - (value - foot) / room * (height - 8)) for n, value in enumerate(values)
    ]
    line = " ".join(f"{number(x)},{number(y)}" for x, y in places)
    x, y = places[-1]
    body = (
        f'<polyline points="{line}" fill="none" stroke="{ACCENT}" stroke-width="1.5" stroke-linejoin="round"/>'
        f'<circle cx="{number(x)}" cy="{number(y)}" r="2.6" fill="{GROWS if values[-1] > values[0] else ACCENT}"/>'
    )
    return picture(body, width, height, title, "spark")


def bar(part: float, colour: str = ACCENT) -> str:
    """A horizontal bar of `part` (0 to 1) of its cell; decoration beside a number that is in the table."""
    width = max(0.0, min(1.0, part)) * 100
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect width="100" height="10" fill="#edf1f3"/><rect width="{number(width)}" height="10" fill="{colour}"/></svg>'
    )


def columns(bars: Sequence[tuple[str, float, str]], title: str, colours: Sequence[str] = ()) -> str:
    """Upright bars: (label under it, value, label over it)."""
    width, height, foot, head = 480, 190, 24, 18
    top = max((value for _, value, _ in bars), default=0) or 1.0
    step = width / max(len(bars), 1)
    body = f'<line x1="0" y1="{height - foot}" x2="{width}" y2="{height - foot}" stroke="#9aa7b1"/>'
    for place, (label, value, over) in enumerate(bars):
        tall = value / top * (height - foot - head)
        x, y = place * step, height - foot - tall
        fill = colours[place] if place < len(colours) else ACCENT
        middle = number(x + step / 2)
        body += (
            f'<rect x="{number(x + step * 0.14)}" y="{number(y)}" width="{number(step * 0.72)}" height="{number(tall)}" fill="{fill}"/>'
            f'<text x="{middle}" y="{height - 8}">{escape(label)}</text>'
            f'<text x="{middle}" y="{number(y - 5)}" class="over">{escape(over)}</text>'
        )
    return picture(body, width, height, title, "columns")


def bridge(steps: Sequence[tuple[str, float]], title: str) -> str:
    """A waterfall: the first and the last are totals, those between are changes. Labels are written beside it."""
    width, row = 420, 26
    running, spans = 0.0, []
    for place, (_, value) in enumerate(steps):
        if place in (0, len(steps) - 1):
            spans.append((0.0, value))
            running = value
        else:
            spans.append((running, running + value))
            running += value
    inner = [edge for span in spans for edge in span if edge > 0]
    low = min(inner, default=0.0)
    origin = max(0.0, low - (max(inner, default=1.0) - low) * 0.6)
    room = (max(inner, default=1.0) - origin) or 1.0
    body = ""
    for place, (start, end) in enumerate(spans):
        left, right = sorted((max(start, origin), max(end, origin)))
        total = place in (0, len(steps) - 1)
        fill = ACCENT if total else GROWS if end > start else SHRINKS
        x, wide = (left - origin) / room * width, max((right - left) / room * width, 1.5)
        body += f'<rect x="{number(x)}" y="{row * place + 5}" width="{number(wide)}" height="{row - 10}" fill="{fill}"/>'
    return picture(body, width, row * len(steps), title, "bridge")


def picture(body: str, width: int, height: int, title: str, kind: str) -> str:
    """An SVG with its title for those who cannot see it."""
    free = ' preserveAspectRatio="none"' if kind == "bridge" else ""
    return (
        f'<svg class="{kind}" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{free}>'
        f"<title>{escape(title)}</title>{body}</svg>"
    )
