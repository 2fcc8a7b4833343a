"""How does a text of many parts fit one screen: 34 lines of 110 columns, a Chinese character taking two?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LINES, COLUMNS = 34, 110


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a screen: its title and lines; at least `keep` of the lines stay, and lines of a low `rank` go first."""

    title: str
    lines: Sequence[str]
    keep: int = 0
    rank: int = 9
    hidden: int = 0  # lines that were left out before


def width(text: str) -> int:
    """The columns that a text takes.

    >>> width("ab中文")
    6
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def clipped(text: str, columns: int = COLUMNS) -> str:
    """The text, cut with three dots where it is wider than `columns`.

    >>> clipped("中文中文中文", 8)
    '中文...'
    """
    if width(text) <= columns:
        return text
    return _taken(text, columns - 3)[0].rstrip() + "..."


def wrapped(text: str, most: int, columns: int = COLUMNS) -> list[str]:
    """The text on at most `most` lines, the later ones indented, broken at a space or between Chinese characters."""
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    lines: list[str] = []
    rest = text
    while len(lines) < most - 1 and width(rest) > columns:
        head, rest = _taken(rest, columns)
        lines.append(head.rstrip())
        rest = indent + rest.lstrip()
    return [*lines, clipped(rest, columns)]


def fitted(blocks: Sequence[Block], more: str, last: Block) -> list[str]:
    """All blocks, then `last`, on one screen; `more` (with a place for the number) says how much was left out."""
    shown = [list(block.lines) for block in blocks]
    hidden = sum(block.hidden for block in blocks) + last.hidden
    room = LINES - len(_lines(last, last.lines))
    for rank in sorted({block.rank for block in blocks}):
        own = [number for number, block in enumerate(blocks) if block.rank == rank]
        for number in reversed(own):
            while len(shown[number]) > blocks[number].keep and _height(blocks, shown) + (hidden > 0) > room:
                shown[number].pop()
                hidden += 1
    found = [line for block, lines in zip(blocks, shown, strict=True) for line in _lines(block, lines)]
    return [
        clipped(line)
        for line in [*found, *([more.format(hidden)] if hidden else []), *_lines(last, last.lines)]
    ]


def _height(blocks: Sequence[Block], shown: Sequence[Sequence[str]]) -> int:
    return sum(len(_lines(block, lines)) for block, lines in zip(blocks, shown, strict=True))


def _lines(block: Block, lines: Sequence[str]) -> list[str]:
    return [*([block.title] if block.title and lines else []), *lines]


def _taken(text: str, columns: int) -> tuple[str, str]:
    """As much of the text as fits, and the rest; words stay whole."""
    taken = place = 0
    best = 0
    for place, sign in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if taken > columns:
            break
        if sign == " " or unicodedata.east_asian_width(sign) in "WF":
            best = place + 1
    else:
        return text, ""
    indent = len(text) - len(text.lstrip())
    best = best if best > indent + 8 else place
    return text[:best], text[best:]
