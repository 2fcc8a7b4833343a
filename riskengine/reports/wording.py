"""How are numbers written for people?"""

from __future__ import annotations

import math

from markupsafe import Markup


def money(value: float) -> str:
    """An amount in three significant digits.

    >>> money(999_989.0), money(1234567.0), money(15_254_000.0), money(156_960_000.0), money(890.0), money(-0.2), money(float("nan"))
    ('1.00 M', '1.23 M', '15.3 M', '157 M', '890', '0', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    for size, name in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size * (0.9995 if size > 1e3 else 10):
            part = abs(value / size)
            return f"{value / size:,.{0 if part >= 99.95 else 1 if part >= 9.995 else 2}f}{name}"
    return f"{value:z,.0f}"


def money_zh(value: float) -> str:
    """An amount in three significant digits, in 万 (ten thousand) and 亿 (a hundred million).

    >>> money_zh(1_250_000_000.0), money_zh(11_723_202.0), money_zh(366_000.0), money_zh(8_499.0), money_zh(-99_999_999.0)
    ('12.5 亿', '1,172 万', '36.6 万', '8,499', '-1.00 亿')
    """
    if value is None or math.isnan(value):
        return "–"
    for size, name in ((1e8, " 亿"), (1e4, " 万")):
        if abs(value) >= size * (0.99995 if size > 1e4 else 1):
            part = abs(value / size)
            return f"{value / size:,.{0 if part >= 99.95 else 1 if part >= 9.995 else 2}f}{name}"
    return f"{value:z,.0f}"


def money_both(value: float) -> Markup:
    """An amount as both languages of a page write it; the page shows one."""
    return _both(money(value), money_zh(value))


def signed_both(value: float) -> Markup:
    """An amount of change with its sign, as both languages of a page write it."""
    return _both(_signed(value, money(abs(value))), _signed(value, money_zh(abs(value))))


def _both(en: str, zh: str) -> Markup:
    if en == zh:
        return Markup.escape(en)
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-CN">{}</span>').format(
        en, zh
    )


def whole(value: float) -> str:
    """A count with separators."""
    return "–" if value is None or math.isnan(value) else f"{value:z,.0f}"


def percent(value: float, digits: int = 1) -> str:
    """A fraction in per cent.

    >>> percent(0.0123), percent(-0.0001, 0), percent(float("nan"))
    ('1.2 %', '0 %', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value * 100:z.{digits}f} %"


def moved(value: float) -> str:
    """A change in per cent with its sign.

    >>> moved(0.0123), moved(-0.0001), moved(-0.5)
    ('+1.2 %', '±0.0 %', '−50.0 %')
    """
    return _signed(value, percent(abs(value)))


def points(value: float) -> str:
    """A change of a fraction in percentage points with its sign.

    >>> points(0.0123), points(-0.0001)
    ('+1.2', '±0.0')
    """
    return _signed(value, f"{abs(value) * 100:.1f}")


def _signed(value: float, size: str) -> str:
    """A size as it is written, with the sign of what rounds to something."""
    return f"{('+' if value > 0 else '−') if size.strip(' %0.') else '±'}{size}"


FILTERS = {
    "money": money_both,
    "signed": signed_both,
    "whole": whole,
    "percent": percent,
    "points": points,
    "moved": moved,
}
