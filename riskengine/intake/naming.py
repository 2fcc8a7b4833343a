"""Under which key do two spellings of one enterprise's name meet?

It lives here because cleaning derives `name_key` columns and may only import downwards.
"""

from __future__ import annotations

import re
import unicodedata

from riskengine.intake.personal import is_token

_SUFFIXES = frozenset(
    [
        "INC",
        "INCORPORATED",
        "LLC",
        "LC",
        "CO",
        "COMPANY",
        "CORP",
        "CORPORATION",
        "LTD",
        "LIMITED",
        "LP",
        "LLP",
        "LLLP",
        "PC",
        "PA",
        "PLLC",
    ]
)
_SPELLED = tuple(
    tuple(spelt.split()) for spelt in ("L L L P", "P L L C", "L L C", "L L P", "L C", "L P", "P C", "P A")
)
_DBA = re.compile(r"\bD[./ ]?B[./ ]?A\b")
_MARKS = re.compile(r"[^\w]+|_")
_APOSTROPHE = re.compile(r"['’`.]")
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")


def name_key(name: str) -> str:
    """The comparison key of an enterprise's name; empty where nothing but marks is left.

    NFKC half-width upper case, no punctuation, one space between words; `&` is AND; a leading or bracketed THE, a "doing
    business as" tail and legal suffixes (INC, LLC, CO, CORP, LTD, ...) are dropped; 有限责任公司 is 有限公司. Where
    dropping would leave nothing the words stay. The token of a person (`personal`) is its own key.

    >>> name_key("The Acme Widget Co., Inc.")
    'ACME WIDGET'
    >>> name_key("Landmark Bar & Grille (THE)") == name_key("LANDMARK BAR AND GRILLE, L.L.C.")
    True
    >>> name_key("ＡＣＭＥ L L C dba Joe's Diner")
    'ACME'
    >>> name_key("山东（济南）某某有限责任公司")
    '山东济南某某有限公司'
    >>> name_key("The Company")
    'COMPANY'
    """
    if is_token(name):
        return name
    text = unicodedata.normalize("NFKC", name).upper()
    head = _DBA.split(text, maxsplit=1)[0]
    plain = _plain(head) or _plain(text)
    words = plain.split()
    begin = next((place for place, word in enumerate(words) if word != "THE"), len(words) - 1)
    return _without_suffixes(words[max(begin, 0) :])


def name_region_key(name: str, *regions: str | None) -> str:
    """The name's key beside its region, for names that are common across regions; empty where either is unknown.

    >>> name_region_key("Joe's Diner, LLC", "oh ")
    'JOES DINER|OH'
    """
    key = name_key(name)
    places = [_plain((region or "").upper()) for region in regions]
    return "|".join([key, *places]) if key and all(places) else ""


def same_name(left: str, right: str) -> bool:
    """Whether two names meet under one key; names without a key are the same as nothing.

    >>> same_name("M.A.S. Trucking, Inc.", "MAS TRUCKING")
    True
    >>> same_name("--", "--")
    False
    """
    key = name_key(left)
    return bool(key) and key == name_key(right)


def _plain(text: str) -> str:
    text = _APOSTROPHE.sub("", text.replace("&", " AND ").replace("有限责任公司", "有限公司"))
    return _HAN_GAP.sub("", " ".join(_MARKS.sub(" ", text).split()))


def _without_suffixes(words: list[str]) -> str:
    """The words without legal suffixes at their end, in one pass; the longest spelt-out suffix goes first."""
    end = len(words)
    while end > 1:
        size = next(
            (len(spelt) for spelt in _SPELLED if tuple(words[max(end - len(spelt), 0) : end]) == spelt), 0
        )
        if size == end or (not size and words[end - 1] not in _SUFFIXES and words[end - 1] != "THE"):
            break
        end -= size or 1
    return " ".join(words[:end])
