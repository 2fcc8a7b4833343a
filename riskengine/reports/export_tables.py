"""How do reminders, signals and lines leave as CSV that a spreadsheet opens without changing or running anything?

UTF-8 with BOM, CRLF. A spreadsheet turns ids into other things (0012, 1.5E10, DEC12, 12:30, TRUE, numbers of more than 15
digits), and which ones depends on its language: so every value of a column in NAMES, whatever it looks like, has an
apostrophe in front. Excel and LibreOffice then keep the cell as text (opened from CSV they show the apostrophe; `="0012"`
would be hidden better, but is a formula and unreadable to others); a program takes it off again (`plain`). Other texts get it
where they begin with = + - @, a tab or a line break, also full-width: there a spreadsheet runs a formula (OWASP, CSV
injection). Numbers, amounts and dates are written as such. Personal tokens are cut short (`casework.outside`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from riskengine.casework.outside import outside

MONEY = ("exposure", "expected_loss", "at_stake", "avoidable", "cost", "net")
REMINDERS = (
    "key", "reminder", "about", "id", "enterprise", "officer", "due", "days_left", "status", "level", "loses", "at_stake",
    "state", "first_shown", "replaces", "acknowledged_by", "acknowledged_on", "estimate", "provisional", "uncertain",
    "expected_loss", "text_en", "text_zh",
)  # fmt: skip
SIGNALS = (
    "signal", "severity", "severity_before", "state", "about", "id", "enterprise", "case", "inhibited", "first_seen",
    "raised_on", "due", "overdue", "feature", "value", "limit", "guarantees", "exposure", "expected_loss", "text_en", "text_zh",
)  # fmt: skip
LINES = (
    "rank", "place", "institution", "officer", "enterprise", "name", "severity", "escalated", "phase", "owner", "cases",
    "lead", "guarantees", "guarantee", "exposure", "expected_loss", "avoidable", "cost", "net", "pd", "pd_before", "grade",
    "opened_on", "raised_on", "due", "overdue", "maturity", "cluster",
)  # fmt: skip
NAMES = frozenset({  # columns of ids, keys, codes and names: theirs is every value that we did not word ourselves
    "key", "replaces", "reminder", "signal", "lead", "feature", "id", "enterprise", "name", "guarantee", "case", "cluster",
    "escalated", "institution", "officer", "owner", "acknowledged_by", "grade",
})  # fmt: skip
_RUNS = "=+-@\t\r\n＝＋－＠"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def table_csv(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """The columns of a frame that it has, one row each, in its order."""
    names = [name for name in columns if name in frame.columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for row in frame[names].astype("object").itertuples(index=False, name=None):
        writer.writerow([_cell(name, value) for name, value in zip(names, row, strict=True)])
    return text.getvalue().encode("utf-8-sig")


def safe(text: str) -> str:
    """A text that a spreadsheet does not run.

    >>> [safe(text) for text in ("=1+1", " @SUM(A1)", "Sales fell to 0012", "")]
    ["'=1+1", "' @SUM(A1)", 'Sales fell to 0012', '']
    """
    told = clean(text)
    first = told.lstrip(" \u3000")[:1]
    return f"'{told}" if told.startswith("'") or (first and first in _RUNS) else told


def as_text(name: str) -> str:
    """An id, key, code or name that a spreadsheet keeps as it is.

    >>> [as_text(name) for name in ("0012", "DEC12", "=1+1", "E1", "")]
    ["'0012", "'DEC12", "'=1+1", "'E1", '']
    """
    told = clean(name)
    return f"'{told}" if told else ""


def plain(cell: str) -> str:
    """The text before `safe` or `as_text`: without the apostrophe in front.

    >>> plain(safe("-5")), plain(safe("'quoted"))
    ('-5', "'quoted")
    """
    return cell.removeprefix("'")


def clean(text: str) -> str:
    """A text as it may leave: without control characters that no file format allows, without whole personal tokens."""
    return outside(_CONTROL.sub("", text))


def _cell(name: str, value: Any) -> str:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if name in NAMES:
        return as_text(str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return (
            f"{value:.2f}" if name in MONEY else f"{value:.15g}" if isinstance(value, float) else str(value)
        )
    return safe(str(value))
