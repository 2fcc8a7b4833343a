"""Why is this PD what it is, beside the peers', in words an officer and an applicant understand?

The contract, for trees and for scorecards: contributions add up to the raw score; a reason cites only a value that exists,
never what is missing (that is told apart, neither as a reproach nor as a merit); and moving the value of an adverse reason
to the peers' median lowers the PD.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from riskengine.profile.units import unit_word
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import pd_of
from riskengine.scoring.trees import contributions, leaf_of, leaf_values, trees_by_feature

Language = Literal["en", "zh"]
_SHARES = ("share", "rate", "ratio")
_FLAGS = ("flag", "yes/no")
_WORDS = {
    "en": {
        "adverse": "raises risk",
        "favourable": "lowers risk",
        "missing": "no value, so no reason",
        "peers": "peers' median",
        "colon": ": ",
        "break": "; ",
        "yes": "yes",
        "no": "no",
    },
    "zh": {
        "adverse": "风险偏高",
        "favourable": "风险偏低",
        "missing": "缺失，不作为理由",
        "peers": "同类企业中位数",
        "colon": "：",
        "break": "；",
        "yes": "是",
        "no": "否",
    },
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's part in a PD.

    `contribution` is in log-odds against the expected score. `effect` is the change of the PD if this feature alone
    moved to the peers' median: below zero for an adverse reason, above zero for a favourable one; exactly zero where
    the calibration is flat (a step, or the floor of the PD) and only the raw score moves.
    """

    feature: str
    contribution: float
    value: float
    peer_median: float
    adverse: bool
    effect: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """A feature without a value, and what its absence does to the raw score: told apart, never as a reason."""

    feature: str
    contribution: float


def peer_medians(bundle: Bundle, peer_group: str | None) -> Mapping[str, float | None]:
    """The medians of a peer group, or of all training rows where the group is unknown or was too small."""
    groups = bundle.peers["groups"]
    chosen = groups[peer_group] if peer_group in groups else bundle.peers["all"]
    medians: Mapping[str, float | None] = chosen["median"]
    return medians


def reasons(
    bundle: Bundle,
    row: Sequence[float | None],
    peer_group: str | None = None,
    segment: str | None = None,
) -> list[Reason]:
    """Reasons for a row's PD (values in the bundle's order): adverse first, each kind by the size of its effect.

    A feature is named only if it has a value, and its contribution and its effect agree: it pushed the score up, and
    moving it to the peers' median lowers the PD (or both the other way round). Without a peers' median it is never named.
    """
    trees, users = bundle.trees["trees"], tree_users(bundle)
    leaves = leaf_values(bundle.trees, row)
    raw = _sum(leaves)
    here = pd_of(bundle, raw, row, segment)
    medians = peer_medians(bundle, peer_group)
    found = []
    for column, contribution in enumerate(contributions(bundle.trees, row)):
        name, value = bundle.features[column], row[column]
        median = medians.get(name)
        if contribution == 0 or median is None or value is None or math.isnan(value):
            continue
        moved = [*row]
        moved[column] = median
        changed = leaves.copy()
        for number in users.get(column, ()):
            changed[number] = trees[number]["leaf"][leaf_of(trees[number], moved)]
        there = _sum(changed)
        effect = pd_of(bundle, there, moved, segment) - here
        if agrees(contribution, effect, there - raw):
            found.append(Reason(name, contribution, float(value), median, contribution > 0, effect))
    return sorted(found, key=in_order)


def agrees(contribution: float, effect: float, change: float) -> bool:
    """Does moving a feature to the median undo what it contributed: in the PD, or where that is flat in the raw score?"""
    return contribution * effect < 0 or (effect == 0 and contribution * change < 0)


def in_order(reason: Reason) -> tuple[bool, float, float, str]:
    """The key by which reasons are ranked: adverse first, then by the size of the effect."""
    return (not reason.adverse, -abs(reason.effect), -abs(reason.contribution), reason.feature)


def unknowns(bundle: Bundle, row: Sequence[float | None]) -> list[Unknown]:
    """The features without a value whose absence moved the score, the greatest move first."""
    if not any(value is None or math.isnan(value) for value in row):
        return []
    found = [
        Unknown(bundle.features[column], part)
        for column, part in enumerate(contributions(bundle.trees, row))
        if part != 0 and ((value := row[column]) is None or math.isnan(value))
    ]
    return sorted(found, key=in_size)


def in_size(item: Unknown) -> tuple[float, str]:
    """The key by which what is unknown is ranked: by how far its absence moved the score."""
    return -abs(item.contribution), item.feature


def unknown_text(info: Mapping[str, Any], language: Language) -> str:
    """A feature without a value in words.

    >>> info = {"en": "Requested amount", "zh": "申请金额", "unit": "USD"}
    >>> unknown_text(info, "en"), unknown_text(info, "zh")
    ('Requested amount: no value, so no reason', '申请金额：缺失，不作为理由')
    """
    words = _WORDS[language]
    return f"{info[language]}{words['colon']}{words['missing']}"


def reason_text(info: Mapping[str, Any], reason: Reason, language: Language) -> str:
    """One reason in words; `info` is the feature's entry in the bundle's recipe (`en`, `zh`, `unit`, optional `kind`).

    >>> info = {"en": "Requested amount", "zh": "申请金额", "unit": "USD"}
    >>> reason = Reason("amount", 0.4, 250_000.0, 98_000.0, True, -0.03)
    >>> reason_text(info, reason, "en")
    "Requested amount 250,000 USD; peers' median 98,000 USD: raises risk"
    >>> reason_text(info, reason, "zh")
    '申请金额250,000美元；同类企业中位数98,000美元：风险偏高'
    """
    words = _WORDS[language]
    gap = " " if language == "en" else ""
    parts = [
        f"{info[language]}{gap}{value_text(info, reason.value, language)}",
        f"{words['peers']}{gap}{value_text(info, reason.peer_median, language)}",
    ]
    return words["break"].join(parts) + words["colon"] + words["adverse" if reason.adverse else "favourable"]


def value_text(info: Mapping[str, Any], value: float, language: Language) -> str:
    """A value as people write it: a flag as yes or no, a share in per cent, a large number with separators.

    Shares and points have at most one decimal from 10 % on, times two, money none from 1,000 on.

    >>> value_text({"unit": "share"}, 0.756, "en"), value_text({"unit": "share"}, -1e-12, "en"), value_text({"unit": "yes/no"}, 1.0, "zh")
    ('75.6 %', '0 %', '是')
    >>> value_text({"unit": "months"}, 12.0, "en"), value_text({"unit": "loans"}, 1.0, "en")
    ('12 months', '1 loan')
    >>> value_text({"unit": "times"}, 1.1, "en"), value_text({"unit": "persons"}, 3.0, "zh")
    ('1.10 times', '3人')
    >>> value_text({"unit": ""}, 0.01234, "en"), value_text({"unit": "shares of a lot"}, 2.0, "zh")
    ('0.0123', '2 shares of a lot')
    """
    unit, kind = str(info.get("unit") or ""), str(info.get("kind") or "")
    if (unit in _FLAGS or kind in _FLAGS) and value in (0.0, 1.0):
        return _WORDS[language]["yes" if value else "no"]
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if unit in _SHARES or (not unit and kind in _SHARES):
        return f"{_short(value * 100)} %"
    number = f"{value:,.2f}" if unit == "times" and abs(value) < 100 else _short(value)
    word = unit_word(unit, language, one=value == 1)
    gap = "" if language == "zh" and word != unit else " "
    return f"{number}{gap}{word}".rstrip()


@lru_cache(maxsize=1 << 16)  # said in two languages, and many have the same median
def _short(value: float) -> str:
    """Three significant digits below 100, one decimal below 1,000, whole above; never an exponent."""
    size = abs(value)
    if value == 0:
        return "0"
    digits = 0 if size >= 1000 else 1 if size >= 100 else max(2 - math.floor(math.log10(size)), 0)
    text = f"{value:z,.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tree_users(bundle: Bundle) -> dict[int, list[int]]:
    """Which trees ask about a feature, worked out once a bundle."""
    if "users" not in bundle.scoring_parts:
        bundle.scoring_parts["users"] = trees_by_feature(bundle.trees)
    made: dict[int, list[int]] = bundle.scoring_parts["users"]
    return made


def _sum(leaves: Sequence[float]) -> float:
    total = 0.0
    for leaf in leaves:  # one by one, as LightGBM does (the built-in sum may compensate)
        total += leaf
    return total


def recipe_labels(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """The features' entries in the recipe (`en`, `zh`, `unit`, ...) by name, worked out once a bundle."""
    if "labels" not in bundle.scoring_parts:
        bundle.scoring_parts["labels"] = {item["name"]: item for item in bundle.recipe["features"]}
    made: dict[str, dict[str, Any]] = bundle.scoring_parts["labels"]
    return made
