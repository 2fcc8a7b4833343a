"""What would help an applicant whom the model does not pass? Re-scored moves of what is in the applicant's hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from riskengine.decision.policy import Policy
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.counterfactuals import Case, Way, counterfactuals, way_text
from riskengine.scoring.reasons import Language, recipe_labels

SHOWN = 3
_NOTHING = {
    "en": "Nothing that the applicant can change reaches grade {target}",
    "zh": "申请人可改变的各项均不足以达到等级{target}",
}
_TRIED = {"en": "; tried together: {moves}", "zh": "；已合并试算：{moves}"}
_FIXED = {
    "en": ": what could be done is not known or leaves no room ({moves})",
    "zh": "：可行的措施尚属未知或已无改善余地（{moves}）",
}
_BETWEEN = {"en": "; ", "zh": "、"}


def passing_grade(policy: Policy, as_of: date) -> str | None:
    """The worst grade that passes on a day; before the first thresholds none does."""
    begun = [item for item in policy.decision.thresholds if item.start <= as_of]
    return max(begun, key=lambda item: item.start).pass_up_to if begun else None


def way_out(bundle: Bundle, case: Case, target: str | None) -> dict[str, Any] | None:
    """Up to three ways to the grade that passes as a JSON value; None where the model has nothing actionable.

    `ways` may be empty: then `words` say so and name what was tried, or what cannot be, and `furthest` is what all moves
    together give. Only the model's grade is meant: rules that were hit stay hit.
    """
    if target is None or not bundle.spec.get("actionable"):
        return None
    found = counterfactuals(bundle, case, target, SHOWN)
    words: dict[str, str] = {}
    languages: tuple[Language, ...] = ("en", "zh")
    for language in languages:
        words[language] = "" if found.ways else _NOTHING[language].format(target=target)
        if found.furthest:
            moves = way_text(recipe_labels(bundle), bundle, found.furthest, language)
            words[language] += _TRIED[language].format(moves=moves)
        elif not found.ways:
            actions = bundle.spec["actionable"]
            names = [actions[name]["words"][language] for name in sorted(actions)]
            words[language] += _FIXED[language].format(moves=_BETWEEN[language].join(names))
    return {
        "target": target,
        "ways": [_way(bundle, way) for way in found.ways],
        "furthest": _way(bundle, found.furthest) if found.furthest else None,
        "words": words,
    }


def way_lines(found: dict[str, Any] | None, language: str) -> Sequence[str]:
    """The ways in words, or that there is none; nothing where nothing was looked for."""
    if found is None:
        return ()
    return [way["words"][language] for way in found["ways"]] or [found["words"][language]]


def _way(bundle: Bundle, way: Way) -> dict[str, Any]:
    labels = recipe_labels(bundle)
    return {
        "moves": [{"feature": move.feature, "value": move.value, "to": move.to} for move in way.moves],
        "pd": way.pd,
        "grade": way.grade,
        "words": {
            "en": way_text(labels, bundle, way, "en"),
            "zh": way_text(labels, bundle, way, "zh"),
        },
    }


def unspeakable(doubted: Collection[str], flags: Collection[str], profile: dict[str, Any]) -> frozenset[str]:
    """Features whose value only stands for missing data: resting on a silent source, or a flag that says 'not stated'."""
    return frozenset({*doubted, *(name for name in flags if profile.get(name) == 1)})
