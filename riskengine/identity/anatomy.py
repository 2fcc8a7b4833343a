"""Which parts has an enterprise's name: place, core (字号), trade (行业), legal form, branch?

Chinese registration rules order a name as place + core + trade + legal form (企业名称登记管理规定, art. 6 [A]); how the parts are found
here, from word lists, is ours [D].
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from riskengine.identity.places import place_of, simplified
from riskengine.intake.naming import name_key
from riskengine.intake.nouns import FORM, FORM_END, PLACE, TRADE

_HEAD = r"(?P<head>.*?(?:公司|合作社|集团|银行|总厂|研究院|事务所))"
_BRANCH = re.compile(
    _HEAD + r"(?P<branch>.{1,16}(?:分公司|支公司|分店|分厂|分行|支行|分部|店|部|所|处|中心|厂|社|站|矿))$"
)
_TRAILING_PLACE = re.compile(f"{PLACE.pattern}$")
_LONGEST = 200  # characters of a name that are taken apart; the longest registered ones have some sixty
_HAN = re.compile("[\u4e00-\u9fa5]+")
_BRACKETED = re.compile(r"[(\[【〔﹝（](.*?)[)\]】〕﹞）]")


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name taken apart; empty text where a part is not there. `body` is core and trade together."""

    key: str
    place: str
    core: str
    trade: str
    form: str
    branch: str
    ending: str = ""  # the legal form as written

    @property
    def body(self) -> str:
        """What distinguishes an enterprise from others of its place and form."""
        return self.core + self.trade


def exact_key(name: str) -> str:
    """The key under which spellings of one name meet exactly: `name_key` of the simplified text.

    >>> exact_key("濟南（明湖）機械有限責任公司") == exact_key("济南明湖机械有限公司")
    True
    """
    if _HAN.fullmatch(name):  # nearly all: nothing of it is normalised, and no word of it stands alone
        return simplified(name).replace("有限责任公司", "有限公司")
    return name_key(simplified(unicodedata.normalize("NFKC", name)))


def name_parts(name: str) -> NameParts:
    """Take a name apart.

    >>> name_parts("山东省济南市明湖机械制造有限责任公司")
    NameParts(key='山东省济南市明湖机械制造有限公司', place='山东济南', core='明湖', trade='机械制造', form='company', branch='', ending='有限公司')
    >>> name_parts("明湖机械（济南）有限公司第一分公司").place, name_parts("明湖机械（济南）有限公司第一分公司").branch
    ('济南', '第一分公司')
    """
    key, name = exact_key(name), name[:_LONGEST]
    plain = _HAN.fullmatch(name)
    brackets = (
        []
        if plain
        else [simplified(text) for text in _BRACKETED.findall(unicodedata.normalize("NFKC", name))]
    )
    stem, branch = key if len(key) <= _LONGEST else exact_key(name), ""
    if match := _BRANCH.fullmatch(stem):
        stem, branch = match["head"], match["branch"]
    place, rest = place_of(stem)
    for text in brackets:  # a bracketed place names the place wherever it stands: 明湖(济南)机械
        if PLACE.fullmatch(text) and text in rest and len(rest) - len(text) >= 2:
            place, rest = place + place_of(text + "企业")[0], rest.replace(text, "", 1)
    form = ending = ""
    if not place and (tail := _TRAILING_PLACE.search(FORM_END.sub("", rest))) and tail.start() >= 2:
        place, rest = place_of(tail[0] + "企业")[0], rest.replace(tail[0], "", 1)
    if (match := FORM_END.search(rest)) and match.start() >= 2:
        form, ending, rest = FORM[match[1]], match[1], rest[: match.start()]
    trade_at = next((found.start() for found in TRADE.finditer(rest) if found.start() >= 2), len(rest))
    return NameParts(key, place, rest[:trade_at], rest[trade_at:], form, branch, ending)


def known_trade(trade: str) -> bool:
    """Whether a trade is made of listed words only, so that one unlike it is another trade and not a slip.

    >>> known_trade("机械制造"), known_trade("机诫制造")
    (True, False)
    """
    return bool(trade) and not TRADE.sub("", trade)
