"""How are units called, one of them and in Chinese?"""

from __future__ import annotations

_COUNTED = {
    "accidents": "起", "accounts": "户", "applications": "次", "auctions": "次", "awards": "项", "bids": "次",
    "cards": "张", "cases": "件", "changes": "次", "charge-offs": "次", "checks": "次", "claims": "笔",
    "compensations": "次", "customers": "家", "cuts": "次", "days": "天", "debits": "次", "enterprises": "家",
    "events": "次", "extensions": "次", "fees": "笔", "filings": "次", "guarantees": "笔", "guarantors": "名",
    "holders": "名", "institutions": "家", "invoices": "份", "items": "件", "lenders": "家", "levels": "级",
    "listings": "次", "loans": "笔", "media": "家", "months": "个月", "occasions": "次", "orders": "项",
    "overdues": "次", "patents": "件", "payments": "笔", "penalties": "次", "persons": "人", "pledges": "次",
    "points": "个百分点", "posts": "个", "projects": "个", "queries": "次", "ratings": "次", "readings": "期",
    "records": "条", "registrations": "次", "reports": "次", "returns": "次", "seizures": "项",
    "statements": "期", "steps": "步", "suppliers": "家", "tasks": "项", "titles": "项", "units": "套",
    "visits": "次", "years": "年",
}  # fmt: skip
_MEASURED = {
    "1/month": "每月", "CNY": "元", "CNY/month": "元/月", "CNY/person": "元/人", "USD": "美元", "USD a month": "美元/月",
    "class": "级", "classes": "级", "deviations": "个标准差", "index": "", "kWh": "千瓦时", "ln CNY": "（对数，元）", "share": "比例", "times": "倍",
    "yes/no": "是/否", "-1 to 1": "（−1至1）",
}  # fmt: skip


def unit_word(unit: str, language: str, one: bool = False) -> str:
    """A unit in a language (`en`: as features write it); an unlisted one stays as it is. `one`: of a single thing.

    >>> unit_word("penalties", "en", one=True), unit_word("persons", "zh"), unit_word("shares of a lot", "zh")
    ('penalty', '人', 'shares of a lot')
    """
    if language == "zh":
        return _COUNTED.get(unit, _MEASURED.get(unit, unit))
    if one and unit in _COUNTED:
        return unit.removesuffix("ies") + "y" if unit.endswith("ies") else unit.removesuffix("s")
    return unit


def counted(unit: str) -> bool:
    """Whether a unit counts things, of which there is never a half.

    >>> counted("months"), counted("share"), counted("points")
    (True, False, False)
    """
    return unit in _COUNTED and unit not in ("points", "years")
