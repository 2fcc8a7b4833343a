"""What is decided of one applicant, and everything a person needs to see why?

Policy and model are each evaluated and reported on their own; the decision is the worse of the two, of what stale data
leads to, and of what the values we do not know could lead to (law 3: less data never improves it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.decision.desk import Desk
from riskengine.decision.freshness import Freshness
from riskengine.decision.limits import Cap, Suggestion, suggest
from riskengine.decision.policy import Finding, Outcome, evaluate, grade_outcome, worst
from riskengine.decision.words import gap_words, unsure_words
from riskengine.decision.worst_case import worst_raw_scores
from riskengine.portfolio.exposure import exact, rounded
from riskengine.scoring.calibration import deviation_of
from riskengine.scoring.scorecard import Rating, master_scale, pd_of, rating
from riskengine.scoring.uncertainty import Unsure, missing_share, wide_below


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one applicant: profile values, the model's answer and its reasons, the sources' freshness."""

    as_of: date
    profile: Mapping[str, Any]
    rated: Rating
    reasons: Mapping[str, Sequence[Mapping[str, Any]]]
    fresh: Sequence[Freshness]
    gaps: Sequence[str] = ()  # the model's inputs that are missing although they should be known
    worst: Rating | None = None  # the rating if these were as bad as can be
    unread: Sequence[str] = ()  # what a row must say (its id, its date) and does not


def verdict(desk: Desk, seen: Seen) -> dict[str, Any]:
    """The decision and its grounds as a JSON value; money is text (exact decimals), PD a double."""
    rules = desk.policy.decision
    findings = evaluate(desk.policy, _believed(seen.profile, doubted_features(desk, seen.fresh)), seen.as_of)
    missing = [*seen.unread, *(name for name in rules.required if _absent(seen.profile[name]))]
    model, gaps = _model(desk, seen)
    late = [item.source for item in seen.fresh if item.state in ("stale", "none known")]
    policy_outcome = worst([finding.outcome for finding in findings])
    outcomes: list[Outcome] = [policy_outcome, model["outcome"], gaps["outcome"]]
    if _unsure(seen):  # a machine may not pass what it is not sure of; a decline stays one
        outcomes.append("refer")
    if missing:
        outcomes.append("insufficient data")
    if late and rules.stale == "refer":
        outcomes.append("refer")
    decision = worst(outcomes)
    suggestion = suggest(desk.products, seen.profile, seen.as_of, seen.rated.pd, _policy_caps(findings))
    return {
        "decision": decision,
        "model": model,
        "policy": {"outcome": policy_outcome, **_told(findings)},
        "gaps": {
            **gaps,
            "required": missing,
            "sources": late,
            "titles": _titles(desk, [*seen.gaps, *missing]),
        },
        "reasons": {side: [dict(reason) for reason in found] for side, found in seen.reasons.items()},
        "freshness": [_freshness(item) for item in seen.fresh],
        "amount": _amount(suggestion, decision, seen.rated.pd),
    }


def blocked(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdict where nothing can be computed: insufficient data, and what is wrong."""
    columns = [str(item["column"] or item["rule"]) for item in problems]
    return {
        "decision": "insufficient data",
        "model": None,
        "policy": None,
        "gaps": {
            "outcome": "insufficient data",
            "features": [],
            "required": columns,
            "sources": [],
            "titles": {},
        },
        "reasons": {"adverse": [], "favourable": [], "context": [], "missing": []},
        "way_out": None,
        "freshness": [],
        "amount": None,
    }


def _titles(desk: Desk, names: Sequence[str]) -> dict[str, dict[str, str]]:
    notes = {note.name: note for recipe in desk.recipes for note in recipe.features if note.name in names}
    return {name: {"en": note.en, "zh": note.zh} for name, note in sorted(notes.items())}


def guarded_features(desk: Desk, profile: Mapping[str, Any]) -> list[str]:
    """The model's inputs whose value is missing although it should be known, in the model's order."""
    rules = desk.policy.decision
    return [
        name
        for name in desk.bundle.features
        if (_absent(profile[name]) and rules.absence_is_a_gap(name))
        or (name in rules.absence_flags and profile[name] == 1)
    ]


def worst_ratings(
    desk: Desk,
    rows: Sequence[Sequence[float | None]],
    gaps: Sequence[Sequence[str]],
    segments: Sequence[str | None] = (),
) -> list[Rating | None]:
    """The rating of each row (with its segment) if its gaps were as bad as can be; None where it has none.

    It is unsure if any PD up to it is: the one that the missing values would give lies somewhere below.
    """
    segments = segments or [None] * len(rows)
    how = desk.bundle.calibration
    found: list[Rating | None] = [None] * len(rows)
    places = {name: place for place, name in enumerate(desk.bundle.features)}
    asked = [number for number, names in enumerate(gaps) if names]
    unknown = [frozenset(places[name] for name in gaps[number]) for number in asked]
    raws = worst_raw_scores(desk.bundle.trees, [rows[number] for number in asked], unknown)
    for number, raw in zip(asked, raws, strict=True):
        made = rating(desk.bundle, raw, rows[number], segments[number])
        if "interval" in how and not made.unsure:
            pooled = pd_of(desk.bundle, raw, rows[number])
            doubt = deviation_of(how, segments[number])
            made = replace(made, unsure="wide" if wide_below(how["interval"], pooled, doubt) else "")
        found[number] = made
    return found


def _model(desk: Desk, seen: Seen) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model leads to, and what it could lead to if what is missing were as bad as can be."""
    scale = [grade.name for grade in master_scale(desk.bundle).grades]
    outcome = grade_outcome(desk.policy, scale, seen.rated.grade, seen.as_of)
    gaps: dict[str, Any] = {
        "outcome": outcome,
        "features": [*seen.gaps],
        "worst_pd": None,
        "worst_grade": None,
    }
    if bad := seen.worst:
        could = grade_outcome(desk.policy, scale, bad.grade, seen.as_of)
        reach: Outcome = "insufficient data" if could == "decline" and outcome != "decline" else could
        gaps |= {"outcome": reach, "worst_pd": bad.pd, "worst_grade": bad.grade}
    told = {
        "name": desk.bundle.model,
        "pd": seen.rated.pd,
        "score": seen.rated.score,
        "grade": seen.rated.grade,
        "outcome": outcome,
    }
    return told | _sureness(desk, seen), gaps


def _sureness(desk: Desk, seen: Seen) -> dict[str, Any]:
    """The PD's interval, how much of the model's data is missing, and why a person should decide; nothing without intervals."""
    if seen.rated.low is None or seen.rated.high is None:
        return {}
    table = desk.bundle.calibration["interval"]
    missing = missing_share([seen.profile[name] for name in desk.bundle.features])
    return {
        "low": seen.rated.low,
        "high": seen.rated.high,
        "coverage": table["coverage"],
        "missing": missing,
        "unsure": _unsure(seen),
        "words": unsure_words(table, seen.rated, missing) if seen.rated.unsure else gap_words(_unsure(seen)),
    }


def _unsure(seen: Seen) -> Unsure:
    """Why the PD is not sure enough, as it is or as what is missing could make it (law 3)."""
    return seen.rated.unsure or (seen.worst.unsure if seen.worst else "")


def doubted_features(desk: Desk, fresh: Sequence[Freshness]) -> set[str]:
    """The features that rest on a source of which nothing at all is known: their values are unknown, not zero."""
    silent = {item.source for item in fresh if item.state == "none known"}
    if not silent:
        return set()
    return {note.name for recipe in desk.recipes for note in recipe.features if silent & set(note.sources)}


def _believed(profile: Mapping[str, Any], doubted: set[str]) -> Mapping[str, Any]:
    """The profile for the policy: what is doubted is unknown."""
    return (
        {name: None if name in doubted else value for name, value in profile.items()} if doubted else profile
    )


def _policy_caps(findings: Sequence[Finding]) -> list[Cap]:
    return [
        Cap(finding.rule.id, finding.rule.title, exact(float(finding.limit)), finding.rule.reference)
        for finding in findings
        if finding.rule.action == "cap" and finding.state == "hit" and finding.limit is not None
    ]


def _told(findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings by what they mean; what was passed clearly is only counted."""
    kinds: dict[str, list[dict[str, Any]]] = {
        "knock_outs": [], "referrals": [], "caps": [], "near_misses": [], "not_evaluable": [],
    }  # fmt: skip
    place = {"decline": "knock_outs", "refer": "referrals", "cap": "caps"}
    for finding in findings:
        if finding.state == "hit":
            kinds[place[finding.rule.action]].append(_finding(finding))
        elif finding.state != "passed":
            kinds["near_misses" if finding.state == "near" else "not_evaluable"].append(_finding(finding))
    return {**kinds, "passed": sum(finding.state == "passed" for finding in findings)}


def _finding(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "rule": rule.id,
        "action": rule.action,
        "title": rule.title.model_dump(),
        "words": rule.words.model_dump(),
        "reference": rule.reference,
        "evidence": rule.evidence,
        "feature": finding.feature,
        "value": _shown(finding.value),
        "limit": finding.limit,
        "distance": finding.distance,
    }


def _freshness(item: Freshness) -> dict[str, Any]:
    return {
        "source": item.source,
        "title": {"en": item.note.en, "zh": item.note.zh},
        "last_event": None if item.last_event is None else item.last_event.isoformat(),
        "last_known": None if item.last_known is None else item.last_known.isoformat(),
        "state": item.state,
    }


def _amount(suggestion: Suggestion | None, decision: str, pd: float) -> dict[str, Any] | None:
    if suggestion is None:
        return None
    at = suggestion.exposure
    refused = decision in ("decline", "insufficient data")
    return {
        "product": suggestion.product.id,
        "title": suggestion.product.title.model_dump(),
        "requested": _money(at.amount),
        "guarantee_share": str(round(at.guarantee_share, 6).normalize()),
        "guaranteed": _money(at.guaranteed),
        "guarantor_share": str(at.guarantor_share),
        "lgd": str(at.lgd),
        "fee": _money(suggestion.fee),
        "expected_loss": _money(at.expected_loss(pd)),
        "suggested": None if refused else _money(suggestion.amount),
        "binding": list(suggestion.binding),
        "caps": [
            {"cap": cap.name, "words": cap.words.model_dump(), "amount": _money(cap.amount), "reference": cap.reference}
            for cap in suggestion.caps
        ],
    }  # fmt: skip


def _money(amount: Decimal) -> str:
    return str(rounded(amount))


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN


def _shown(value: Any) -> Any:
    if _absent(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
