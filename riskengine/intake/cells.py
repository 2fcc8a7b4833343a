"""What typed value does one cell of a publisher's file mean, and which rule does it break?

The one parser of the engine: the whole-file path runs it once per distinct value, the applicant path once per cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isfinite, isnan

from riskengine import clock
from riskengine.intake.codes import CodeCheck, check_credit_code, check_enterprise_code, check_resident_number
from riskengine.intake.contract import Clock, Column, Derived
from riskengine.intake.naming import name_key, name_region_key
from riskengine.intake.personal import mask, redacted

Value = str | int | float | Decimal | date | bool | None
CellParser = Callable[[object], tuple[Value, str]]

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE |= {0x3000: " ", 0xFFE5: "¥", 0xFEFF: None, 0x200B: None}  # type: ignore[dict-item]
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
)
_TIME = r"(?:(?:T| +)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)? ?(?:[AaPp][Mm])?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{1,2})\.)([0-9]{1,2})" + _TIME)
_MONTH_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})" + _TIME)
_HAN = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
_MONTH = re.compile(r"([0-9]{4})(?:年([0-9]{1,2})月|[-/.]([0-9]{1,2}))")
_NAMED = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4}|[0-9]{2})")
_PACKED = re.compile(r"[0-9]{8}")
_MONTHS = dict(
    zip(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        range(1, 13),
        strict=True,
    )
)
_FLAGS = dict.fromkeys(("y", "yes", "true", "1", "是"), True) | dict.fromkeys(
    ("n", "no", "false", "0", "否"), False
)
_SIGNS = {"CNY": ("¥", "RMB", "元"), "USD": ("US$", "$"), "BRL": ("R$",), "EUR": ("€",), "GBP": ("£",)}
_CENT = Decimal("0.01")
_MONEY_LIMIT = Decimal(10) ** 16
_EXACT = Context(prec=200)
_NUMBER_LIMIT = 1e21  # nothing counted or measured in yuan, tonnes or metres is larger: a slipped key
_NO_CODE = frozenset(("/", "-", "无", "无统一社会信用代码", "0"))
_CODES: dict[str, Callable[[str], CodeCheck]] = {
    "uscc": check_credit_code,
    "enterprise_code": check_enterprise_code,
    "resident_id": check_resident_number,
}


def cell_text(raw: object) -> str | None:
    """The text of any cell, stripped and half-width; None for null, NaN and blank.

    A whole float is written without its point (Excel and Parquet store codes as floats); a text stays as it is.

    >>> cell_text(" ７２２４１０ "), cell_text(60605.0), cell_text("1.0"), cell_text(float("nan"))
    ('722410', '60605', '1.0', None)
    """
    if isinstance(raw, str):
        text = raw if raw.isascii() else raw.translate(_WIDE)
        return text.strip() or None
    if raw is None:
        return None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        if isnan(raw):
            return None
        return (
            format(Decimal(repr(raw)), "f").removesuffix(".0").replace("-0", "0", raw == 0)
            if isfinite(raw)
            else repr(raw)
        )
    if isinstance(raw, datetime):
        return (
            raw.isoformat(sep=" ")
            if raw.time().replace(tzinfo=None) != datetime.min.time()
            else raw.date().isoformat()
        )
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, Decimal):
        return format(raw, "f") if raw.is_finite() else None
    return cell_text(str(raw))


def cell_parser(column: Column, currency: str) -> CellParser:
    """The function from a raw cell to its typed value and the rule it breaks (`required`, `type`, `values`, `min`,
    `max`, `pattern`, or the `format`'s name and `uscc_dummy`; empty where none). A cell that breaks a rule has no value.

    A code of a `format` becomes its normal form (GB 32100-2015, GB 11714, GS 15-2006, GB 11643-1999). For `enterprise_code`
    the usual words for "none" are missing, as are enterprise codes and resident numbers that the publisher masked (any
    `*`): they tell nobody from another. A personal value is still in clear here.

    >>> cell_parser(Column(type="money"), "USD")("($60,000.50)")
    (Decimal('-60000.50'), '')
    >>> cell_parser(Column(type="rate"), "USD")("7.5%")
    (0.075, '')
    >>> cell_parser(Column(type="date"), "USD")("28-Feb-97")
    (datetime.date(1997, 2, 28), '')
    """
    missing = {cell_text(spelling) for spelling in column.missing} | {None}
    read = _reader(column, currency)
    check = _checker(column)
    codes = _CODES.get(column.format)
    older = column.format == "enterprise_code"
    hideable = older or column.format == "resident_id"  # courts publish these with stars in the middle
    absent = (None, "required" if column.required else "")

    def parse(raw: object) -> tuple[Value, str]:
        text = cell_text(raw)
        if text in missing or text is None or (older and text in _NO_CODE) or (hideable and "*" in text):
            return absent
        if codes:
            found = codes(text)
            if found.invalid:
                return None, f"{column.format}_dummy" if found.dummy and not older else column.format
            if not column.personal and redacted(found.code) != found.code:
                return None, column.format  # one resident number in thirty-one passes for a credit code
            text = found.code
        value = read(text)
        if value is None:
            return None, "type"
        rule = check(text, value)
        return (None, rule) if rule else (value, "")

    return parse


def refused_text(column: Column, raw: object) -> str | None:
    """A refused cell as people may see it: as it came, with the code that was perhaps meant; personal values masked.

    >>> refused_text(Column(type="text", format="uscc"), "9137O102MA3C00011F")
    '9137O102MA3C00011F (perhaps 91370102MA3C00011F)'
    >>> refused_text(Column(type="text", format="resident_id", personal=True), "11010519491231002X")
    '110105-1949-F'
    """
    text = cell_text(raw)
    if text is None:
        return None if raw is None else str(raw)
    if column.personal:
        return mask(text)
    meant = _CODES[column.format](text).suggestion if column.format else ""
    return redacted(str(raw)) + (f" (perhaps {meant})" if meant else "")


def derive(rule: Derived, values: tuple[Value, ...]) -> Value:
    """The derived value from its columns' values; anything made from an absent first value is absent.

    A `prefix` of a code that is only zeros, or shorter than the prefix, is absent: it names nothing. `birth_year` wants
    the resident number itself, not its token.

    >>> from riskengine.intake.contract import Derived
    >>> rule = Derived(columns=("NAICS",), take="prefix", length=2)
    >>> derive(rule, ("722410",)), derive(rule, ("0",)), derive(rule, (None,))
    ('72', None, None)
    """
    first = values[0]
    if first is None or rule.take == "copy":
        return first
    if rule.take == "month":
        return f"{first.month:02d}" if isinstance(first, date) else None
    text = str(first)
    if rule.take == "birth_year":
        return int(text[6:10])
    if rule.take == "prefix":
        return text[: rule.length] if len(text) >= rule.length and text.strip("0") else None
    if rule.take == "name_key":
        return name_key(text) or None
    return name_region_key(text, *(None if value is None else str(value) for value in values[1:])) or None


def clock_day(rule: Clock, value: Value, received: date | None) -> date | None:
    """The day a clock shows for a row: the column's day (or its month's end) plus the lag; None where there is none.

    >>> clock_day(Clock.parse("month_end(m) + 30d"), date(2006, 1, 5), None)
    datetime.date(2006, 3, 2)
    """
    day = value if rule.column else received
    if not isinstance(day, date):
        return None
    try:
        return clock.Span.parse(rule.lag).after(clock.month_end(day) if rule.month_end else day)
    except (OverflowError, ValueError):  # beyond the year 9999
        return None


def _reader(column: Column, currency: str) -> Callable[[str], Value]:
    scale = Decimal(repr(column.scale)).normalize()
    if column.type == "text":
        return str
    if column.type == "date":
        return _date
    if column.type == "flag":
        return lambda text: _FLAGS.get(text.lower())
    if column.type == "money":
        signs = sorted({currency, *_SIGNS.get(currency, ())}, key=len, reverse=True)
        return lambda text: _money(text, scale, signs)
    if column.type == "integer":
        return lambda text: _integer(text, scale)
    if column.type == "rate":
        return lambda text: _percent(text) if text.endswith("%") else _number(text, scale)
    return lambda text: _number(text, scale)


def _checker(column: Column) -> Callable[[str, Value], str]:
    allowed = {cell_text(value) for value in column.values}
    pattern = re.compile(column.pattern) if column.pattern else None
    exact = column.type in ("money", "integer")
    low, high = (
        None if limit is None else (Decimal(repr(limit)) if exact else limit)
        for limit in (column.min, column.max)
    )

    def check(text: str, value: Value) -> str:
        if allowed and text not in allowed and str(value) not in allowed:
            return "values"
        if isinstance(value, int | float | Decimal):
            if low is not None and value < low:
                return "min"
            if high is not None and value > high:
                return "max"
        return "pattern" if pattern and not pattern.fullmatch(text) else ""

    return check


def _decimal(text: str) -> Decimal | None:
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def _number(text: str, scale: Decimal) -> float | None:
    value = _decimal(text)
    if value is None:
        return None
    number = float(value if scale == 1 else _EXACT.multiply(value, scale)) + 0.0
    return number if abs(number) < _NUMBER_LIMIT else None


def _percent(text: str) -> float | None:
    value = _decimal(text[:-1].rstrip())
    return None if value is None else _number(format(value.scaleb(-2, _EXACT), "e"), Decimal(1))


def _integer(text: str, scale: Decimal) -> int | None:
    value = _decimal(text)
    if value is None or value.adjusted() > 20:
        return None
    value = _EXACT.multiply(value, scale)
    return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else None


def _money(text: str, scale: Decimal, signs: list[str]) -> Decimal | None:
    """Money to the cent (half-even beyond it), read as decimal text, never through a float."""
    bracketed = text.startswith("(") and text.endswith(")")
    body = text[1:-1].strip() if bracketed else text
    minus = ""
    if body[:1] in ("-", "+") and body[1:2] not in ("-", "+"):
        minus, body = body[0], body[1:].lstrip()
    for sign in signs:
        if body.upper().startswith(sign):
            body = body[len(sign) :].lstrip()
            break
        if body.upper().endswith(sign):
            body = body[: -len(sign)].rstrip()
            break
    if (minus or bracketed) and body[:1] in ("-", "+"):
        return None
    value = _decimal(body)
    if value is None or (minus and bracketed) or value.adjusted() > 20:
        return None
    value = _EXACT.multiply(value, scale)
    if abs(value) >= _MONEY_LIMIT - 1:
        return None
    value = value.quantize(_CENT, ROUND_HALF_EVEN, _EXACT)
    return (-value if bracketed or minus == "-" else value) + Decimal(0)


def _date(text: str) -> date | None:
    """A day in any of the spellings; a two-digit year above 30 is of the 1900s, else of the 2000s."""
    try:
        if match := _YEAR_FIRST.fullmatch(text):
            return date(int(match[1]), int(match[2] or match[3] or match[4]), int(match[5]))
        if match := _MONTH_FIRST.fullmatch(text):
            return date(int(match[3]), int(match[1]), int(match[2]))
        if match := _HAN.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _MONTH.fullmatch(text):  # its last day: nothing counts as known before it happened
            return clock.month_end(date(int(match[1]), int(match[2] or match[3]), 1))
        if match := _NAMED.fullmatch(text):
            year = int(match[3])
            if len(match[3]) == 2:
                year += 1900 if year > 30 else 2000
            return date(year, _MONTHS[match[2].lower()], int(match[1]))
        if _PACKED.fullmatch(text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except (ValueError, KeyError):
        return None
    return None
