"""What does the model say of each row, and for which reasons? A few rows plainly, many natively, with the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.scoring.bundle import Bundle
from riskengine.scoring.reasons import Reason, peer_medians, reason_text, reasons
from riskengine.scoring.scorecard import Rating, pd_of, rating
from riskengine.scoring.trees import raw_score

MANY = 200  # rows from which loading LightGBM pays
Row = list[float | None]


def scored(
    bundle: Bundle, rows: Sequence[Row], groups: Sequence[str | None], many: int = MANY
) -> list[tuple[Rating, list[Reason]]]:
    """Rating and ranked reasons of rows (values in the bundle's order) against their peer groups."""
    if len(rows) >= many:
        return _scored_natively(bundle, rows, groups)
    return [
        (rating(bundle, raw_score(bundle.trees, row), row), reasons(bundle, row, group))
        for row, group in zip(rows, groups, strict=True)
    ]


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
    info = _labels(bundle)
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


def _scored_natively(
    bundle: Bundle, rows: Sequence[Row], groups: Sequence[str | None]
) -> list[tuple[Rating, list[Reason]]]:
    """`scoring.reasons.reasons` for many rows: one native pass a feature with that feature at its peers' median."""
    import numpy as np

    from riskengine.scoring.native import contribution_rows, raw_scores

    matrix = np.array(rows, dtype=np.float64)
    rated = [
        rating(bundle, float(raw), row) for raw, row in zip(raw_scores(bundle, matrix), rows, strict=True)
    ]
    parts = contribution_rows(bundle, matrix)
    medians = {group: peer_medians(bundle, group) for group in set(groups)}
    found: list[list[Reason]] = [[] for _ in rows]
    for column, name in enumerate(bundle.features):
        targets = [medians[group].get(name) for group in groups]
        asked = [n for n, target in enumerate(targets) if target is not None and parts[n, column] != 0]
        if not asked:
            continue
        moved = matrix[asked]
        moved[:, column] = [targets[n] for n in asked]
        scores = raw_scores(bundle, moved).tolist()
        for n, raw, row in zip(asked, scores, moved.tolist(), strict=True):
            effect = pd_of(bundle, raw, row) - rated[n].pd
            part = float(parts[n, column])
            if part * effect < 0:
                found[n].append(Reason(name, part, rows[n][column], targets[n], part > 0, effect))
    for each in found:
        each.sort(key=lambda reason: (not reason.adverse, -abs(reason.effect), reason.feature))
    return list(zip(rated, found, strict=True))


def _labels(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """The features' labels by name."""
    if "labels" not in bundle.scoring_parts:
        bundle.scoring_parts["labels"] = {item["name"]: item for item in bundle.recipe["features"]}
    made: dict[str, dict[str, Any]] = bundle.scoring_parts["labels"]
    return made
