"""How is a model's document written down: as Markdown for a file under version control, as one HTML page for a reader?"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from riskengine.reports.model_document import Described, sections
from riskengine.reports.model_findings import Section

_STYLE = """body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{background:#f5f5f5}h2{margin:1.5rem 0 .2rem;font-size:1.15rem}small{color:#666}"""


def heading(made: Described, language: str) -> str:
    """The document's title."""
    return f"模型卡：{made.bundle.model}" if language == "zh" else f"Model card: {made.bundle.model}"


def markdown(made: Described, language: str) -> str:
    """The document as Markdown."""
    lines = [f"# {heading(made, language)}", ""]
    for part in sections(made, language):
        lines += [
            f"## {part.title}",
            "",
            *([f"*{part.source}*", ""] if part.source else []),
            *_rows(part),
            "",
        ]
    return "\n".join(lines)


def page(made: Described, language: str) -> str:
    """The document as one self-contained HTML page, without scripts or anything from elsewhere."""
    body = [f"<h1>{escape(heading(made, language))}</h1>"]
    for part in sections(made, language):
        body.append(f"<h2>{escape(part.title)}</h2><small>{escape(part.source)}</small><table>")
        if any(part.header):
            body.append(_line(part.header, "th"))
        body += [_line(row, "td") for row in part.rows]
        body.append("</table>")
    tongue = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{tongue}"><head><meta charset="utf-8"><title>{escape(heading(made, language))}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _line(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _rows(part: Section) -> list[str]:
    width = len(part.header) or max((len(row) for row in part.rows), default=2)
    header = part.header or ("",) * width
    lines = [header, ("---",) * width, *part.rows]
    return ["| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines]


def _cell(text: str) -> str:
    """A cell that cannot break its table.

    >>> _cell("a|b\\nc")
    'a\\\\|b c'
    """
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
