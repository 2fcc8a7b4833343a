"""How does the digest leave as a workbook that opens everywhere, runs nothing and is the same bytes each time?

Ids and texts are text cells (never formulas, whatever they begin with; personal tokens cut short), dates are dates, amounts numbers with a format.
The properties and the archive carry the day of the night, not the clock.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from riskengine.casework.digests import Digests
from riskengine.monitor.reminders import LEVELS, LOSES
from riskengine.monitor.signals import SEVERITY_WORDS
from riskengine.reports.export_tables import MONEY, clean
from riskengine.schema import Words

DIGEST: dict[str, Words] = {
    "officer": Words(en="Officer", zh="经办人"),
    "place": Words(en="No.", zh="序号"),
    "overflow": Words(en="Beyond capacity", zh="超出容量"),
    "part": Words(en="Part", zh="类别"),
    "due": Words(en="Due", zh="到期日"),
    "days_left": Words(en="Days left", zh="剩余天数"),
    "loses": Words(en="What is lost", zh="错过即损失"),
    "at_stake": Words(en="At stake", zh="涉及金额"),
    "severity": Words(en="Severity", zh="等级"),
    "level": Words(en="Escalated to", zh="升级至"),
    "text": Words(en="What", zh="事项"),
    "reminder": Words(en="Reminder", zh="提醒编号"),
    "id": Words(en="Guarantee or subject", zh="项目或对象"),
    "enterprise": Words(en="Enterprise", zh="企业代码"),
    "item": Words(en="Key", zh="编号"),
}
HEADS: dict[str, Words] = {
    "officer": Words(en="Officer", zh="经办人"),
    "day": Words(en="Day", zh="日期"),
    "capacity": Words(en="Capacity", zh="容量"),
    "shown": Words(en="Items", zh="列入"),
    "overflow": Words(en="Beyond capacity", zh="超出容量"),
    "acknowledged": Words(en="Acknowledged, not repeated", zh="已签收不再重复"),
}
PARTS = {
    "money": Words(en="loses money", zh="错过即损失"),
    "act": Words(en="act today", zh="今日处置"),
    "other": Words(en="other", zh="其他"),
    "not placed": Words(en="not placed by the budget", zh="预算外"),
}
SHEETS = (Words(en="Digest", zh="每日清单"), Words(en="Officers", zh="人员汇总"))
_WIDE = {"text": 80, "item": 34, "enterprise": 22, "id": 22, "officer": 18, "at_stake": 16}
_FORMS = {
    "heading": ("@", True, True),
    "text": ("@", False, False),
    "long": ("@", True, False),
    "money": ("#,##0.00", False, False),
    "day": ("yyyy-mm-dd", False, False),
}
_LONGEST = 32_767  # characters of a cell
_ROWS = 1_048_575  # of a sheet below its heading; what is beyond goes to a further sheet
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(<)")


def digest_workbook(digests: Digests, as_of: date, language: str) -> bytes:
    """`digest.xlsx`: every item of every digest with its officer, and one row a digest."""
    book = openpyxl.Workbook(write_only=True)
    items = digests.items.rename(columns={f"text_{language}": "text"})
    rows = [_worded(row, language) for row in items[list(DIGEST)].astype("object").to_dict("records")]
    for number, start in enumerate(range(0, max(len(rows), 1), _ROWS)):
        title = SHEETS[0].say(language) + (f" {number + 1}" if number else "")
        _fill(book.create_sheet(title), (DIGEST, rows[start : start + _ROWS]), language)
    _fill(book.create_sheet(SHEETS[1].say(language)), (HEADS, digests.heads), language)
    book.properties.creator = "riskengine"
    sink = io.BytesIO()
    book.save(sink)
    return _still(sink.getvalue(), as_of)


def _worded(row: Mapping[Any, Any], language: str) -> dict[str, Any]:
    level = int(row["level"])
    told = {"part": PARTS[row["part"]].say(language), "overflow": ("", "×")[bool(row["overflow"])]}
    loses = LOSES[row["loses"]].say(language) if row["loses"] else ""
    severity = SEVERITY_WORDS[row["severity"]].say(language) if row["severity"] else ""
    return {
        **row,
        **told,
        "severity": severity,
        "loses": loses,
        "level": LEVELS[level].say(language) if level else "",
    }


def _fill(sheet: Any, table: tuple[Mapping[str, Words], Iterable[Mapping[Any, Any]]], language: str) -> None:
    columns, rows = table
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDE.get(name, 12)
    forms = {name: _form(sheet, *how) for name, how in _FORMS.items()}
    sheet.append([_cell((sheet, forms["heading"]), words.say(language)) for words in columns.values()])
    for row in rows:
        sheet.append([_shown(sheet, forms, name, row[name]) for name in columns])


def _shown(sheet: Any, forms: Mapping[str, Any], name: str, value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, (date, datetime)):
        return _cell((sheet, forms["day"]), value)
    if isinstance(value, (int, float)):
        if name in MONEY:
            return _cell((sheet, forms["money"]), round(value, 2))
        return int(value)
    return _cell((sheet, forms["long" if name == "text" else "text"]), clean(str(value))[:_LONGEST])


def _form(sheet: Any, number_format: str, wrap: bool, bold: bool) -> Any:
    """The style of a kind of cell, made once: making it for every cell takes most of the time."""
    cell = WriteOnlyCell(sheet, "")
    cell.number_format = number_format
    cell.alignment = Alignment(vertical="top", wrap_text=wrap)
    cell.font = Font(bold=bold)
    return cell._style


def _cell(where: tuple[Any, Any], value: Any) -> Any:
    sheet, form = where
    cell = WriteOnlyCell(sheet, value)
    cell._style = form
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl takes a text that begins with = for a formula
    return cell


def _still(archive: bytes, as_of: date) -> bytes:
    """The same workbook with the night's day for the clock, in its properties and on its parts."""
    day = f"{as_of}T00:00:00Z".encode()
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in _sorted(old.namelist()):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + day + rb"\g<3>", data)
            entry = zipfile.ZipInfo(name, (as_of.year, as_of.month, as_of.day, 0, 0, 0))
            entry.compress_type, entry.external_attr, entry.create_system = (
                zipfile.ZIP_DEFLATED,
                0o600 << 16,
                3,
            )
            new.writestr(entry, data)
    return sink.getvalue()


def _sorted(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != "[Content_Types].xml", name))
