"""How do reminders, signals and lines leave as CSV that a spreadsheet opens without changing or running anything?

UTF-8 with BOM, CRLF. A spreadsheet reads a text that begins with = + - @, a tab or a line break as a formula (OWASP, CSV
injection; also their full-width forms) and turns long numbers, leading zeros and 1E5 into other numbers: such texts get an
apostrophe in front, which the spreadsheet hides or shows and which a program takes off again (`plain`). Numbers, amounts
and dates are written as such.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

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
_RUNS = "=+-@\t\r\n＝＋－＠"
_NUMBER_LIKE = re.compile(r"^(0\d+|\d{12,}|\d+[eE]\d+|\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?)$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def table_csv(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """The columns of a frame that it has, one row each, in its order."""
    names = [name for name in columns if name in frame.columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    money = [name in MONEY for name in names]
    for row in frame[names].astype("object").itertuples(index=False, name=None):
        writer.writerow([_cell(value, is_money) for value, is_money in zip(row, money, strict=True)])
    return text.getvalue().encode("utf-8-sig")


def safe(text: str) -> str:
    """A text that a spreadsheet shows as it is.

    >>> [safe(text) for text in ("=1+1", " @SUM(A1)", "0012", "911101087178502421", "N15|G-1|2026-01-02", "")]
    ["'=1+1", "' @SUM(A1)", "'0012", "'911101087178502421", 'N15|G-1|2026-01-02', '']
    """
    clean = _CONTROL.sub("", text)
    first = clean.lstrip(" \u3000")[:1]
    quoted = clean.startswith("'") or (first and first in _RUNS) or _NUMBER_LIKE.match(clean)
    return f"'{clean}" if quoted else clean


def plain(cell: str) -> str:
    """The text before `safe`: without the apostrophe in front.

    >>> plain(safe("-5")), plain(safe("'quoted"))
    ('-5', "'quoted")
    """
    return cell.removeprefix("'")


def clean(text: str) -> str:
    """A text without control characters that no file format allows."""
    return _CONTROL.sub("", text)


def _cell(value: Any, is_money: bool) -> str:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return f"{value:.2f}" if is_money else f"{value:.15g}" if isinstance(value, float) else str(value)
    return safe(str(value))
