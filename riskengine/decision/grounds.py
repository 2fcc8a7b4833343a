"""What does the model say of each row, and for which reasons? A few rows plainly, many natively, with the same bits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from riskengine.scoring.bundle import Bundle
from riskengine.scoring.reasons import (
    Reason,
    Unknown,
    reason_text,
    reasons,
    recipe_labels,
    unknown_text,
    unknowns,
)
from riskengine.scoring.scorecard import Rating, rating
from riskengine.scoring.trees import raw_score

MANY = 200  # rows from which loading LightGBM pays
Row = list[float | None]


def scored(
    bundle: Bundle,
    rows: Sequence[Row],
    groups: Sequence[str | None],
    many: int = MANY,
    *,
    segments: Sequence[str | None] = (),
) -> list[tuple[Rating, list[Reason]]]:
    """Rating and ranked reasons of rows (values in the bundle's order) against their peer groups."""
    segments = segments or [None] * len(rows)
    if len(rows) >= many:
        from riskengine.scoring.reason_rows import rated_rows

        return rated_rows(bundle, rows, groups, segments)
    return [
        (rating(bundle, raw_score(bundle.trees, row), row, segment), reasons(bundle, row, group, segment))
        for row, group, segment in zip(rows, groups, segments, strict=True)
    ]


def unknown(bundle: Bundle, rows: Sequence[Row], many: int = MANY) -> list[list[Unknown]]:
    """What rows have no value of, and what its absence does to their scores."""
    if len(rows) >= many:
        from riskengine.scoring.reason_rows import unknown_rows

        return unknown_rows(bundle, rows)
    return [unknowns(bundle, row) for row in rows]


def peer_group(bundle: Bundle, keys: Mapping[str, Any]) -> str | None:
    """The peer group of an applicant: its value of the column whose members are peers."""
    value = keys.get(bundle.peers.get("column") or "")
    return None if value is None else str(value)


def told(
    bundle: Bundle, found: Sequence[Reason], group: str | None, shown: int
) -> dict[str, list[dict[str, Any]]]:
    """The strongest adverse and favourable reasons as JSON values, in words of both languages.

    What describes only the programme or the economy is no reason of this applicant's: it stands apart under `context`,
    where `adverse` says which way it works.
    """
    info = recipe_labels(bundle)
    peers = group if group in bundle.peers["groups"] else "all"
    sides: dict[str, list[dict[str, Any]]] = {"adverse": [], "favourable": [], "context": []}
    ordered = sorted(found, key=lambda reason: -abs(reason.effect))  # stable; matters where sides mix
    for reason in ordered:
        label = info[reason.feature]
        context = label.get("context", False)
        side = sides["context" if context else "adverse" if reason.adverse else "favourable"]
        if len(side) < shown:
            told_as: dict[str, Any] = {
                "feature": reason.feature,
                "value": reason.value,
                "peer_median": reason.peer_median,
                "peers": peers,
                "contribution": reason.contribution,
                "effect": reason.effect,
                "words": {"en": reason_text(label, reason, "en"), "zh": reason_text(label, reason, "zh")},
            }
            side.append(told_as | {"adverse": reason.adverse} if context else told_as)
    return sides


def untold(
    bundle: Bundle, found: Sequence[Reason], absent: Sequence[Unknown], doubted: Collection[str]
) -> tuple[list[Reason], list[dict[str, Any]]]:
    """The reasons that may be told, and apart from them what is not known: no value, or one that rests on nothing.

    `doubted` names features whose value was made up for want of data: a count of a source that never spoke, a flag
    that only says that another value is missing. They are cited neither as a reproach nor as a merit.
    """
    info = recipe_labels(bundle)
    silent = {reason.feature: reason.contribution for reason in found if reason.feature in doubted}
    silent |= {item.feature: item.contribution for item in absent}
    missing = [
        {
            "feature": name,
            "contribution": part,
            "words": {"en": unknown_text(info[name], "en"), "zh": unknown_text(info[name], "zh")},
        }
        for name, part in sorted(silent.items(), key=lambda item: (-abs(item[1]), item[0]))
    ]
    return [reason for reason in found if reason.feature not in doubted], missing
