"""What is decided of one applicant, and everything a person needs to see why?

Policy and model are each evaluated and reported on their own; the decision is the worse of the two, of what stale data
leads to, and of what the values we do not know could lead to (law 3: less data never improves it).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from riskengine.decision.asked import Asked, asked_of
from riskengine.decision.desk import Desk
from riskengine.decision.findings import Finding, Outcome, Standing, unsure, without, worst
from riskengine.decision.freshness import Known
from riskengine.decision.limits import suggested
from riskengine.decision.policy import RANK, evaluate, grade_outcome, reads_model, threshold
from riskengine.decision.told import amount_told, offer_told, policy_told
from riskengine.decision.unsure_words import gap_words, unsure_words
from riskengine.decision.worst_case import worst_raw_scores
from riskengine.scoring.calibration import deviation_of
from riskengine.scoring.scorecard import Rating, master_scale, pd_of, rating
from riskengine.scoring.uncertainty import Unsure, missing_share, wide_below


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one applicant: profile values, the model's answer and its reasons, the sources."""

    as_of: date
    profile: Mapping[str, Any]
    rated: Rating
    reasons: Mapping[str, Sequence[Mapping[str, Any]]]
    known: Known
    gaps: Sequence[str] = ()  # the model's inputs that are missing although they should be known
    worst: Rating | None = None  # the rating if these were as bad as can be
    unread: Sequence[str] = ()  # what a row must say (its id, its date) and does not
    rules_day: date | None = None  # whose rules, products and thresholds count; None: those of `as_of`

    @property
    def ruled(self) -> date:
        """The day whose rules count."""
        return self.rules_day or self.as_of


def verdict(desk: Desk, seen: Seen) -> dict[str, Any]:
    """The decision and its grounds as a JSON value; money is text (exact decimals), PD a double."""
    rules, known = desk.policy.decision, desk.titles
    missing = [*seen.unread, *(name for name in rules.required if _absent(seen.profile[name]))]
    model, gaps = _model(desk, seen)
    referring = seen.known.late if rules.stale == "refer" else ()
    limit = threshold(desk.policy, seen.ruled)
    said = Standing(
        model["grade"], model["outcome"], limit, gaps["outcome"], (*seen.gaps,), (*missing,), referring
    )
    asked, findings = judged(desk, seen, said)
    policy_outcome = worst([finding.outcome for finding in without(findings, "model", "data")])
    outcomes: list[Outcome] = [policy_outcome, model["outcome"], gaps["outcome"]]
    if not asked.offered:
        outcomes.append("decline")
    if _unsure(seen) or asked.rivals or referring:  # a machine may not pass what it is not sure of
        outcomes.append("refer")
    if missing:
        outcomes.append("insufficient data")
    decision = worst(outcomes)
    caps = [finding.cap for finding in findings if finding.cap is not None]
    unknown = [one.rule.id for one in findings if one.state == "not evaluable" and _caps(one)]
    suggestion = suggested(asked, seen.ruled, seen.rated.pd, caps, desk.horizon)
    if decision == "pass" and suggestion is not None and suggestion.amount <= 0:
        decision = "refer"  # a machine does not pass what nothing can be given for
    return {
        "decision": decision,
        "offer": offer_told(asked, known),
        "model": model,
        "policy": {"outcome": policy_outcome, **policy_told(findings, known)},
        "gaps": {
            **gaps,
            "required": missing,
            "sources": [*seen.known.late],
            "titles": _titles(desk, [*seen.gaps, *missing]),
        },
        "reasons": {side: [dict(reason) for reason in found] for side, found in seen.reasons.items()},
        "freshness": [dict(source) for source in seen.known.told],
        "amount": amount_told(suggestion, decision, seen.rated.pd, unknown),
    }


def judged(desk: Desk, seen: Seen, said: Standing) -> tuple[Asked, list[Finding]]:
    """What is asked for, and what every rule of the policy says of it.

    Where nobody said of which size the enterprise is, the size class of its figures counts.
    A rule about the model's answer is not evaluable where it would be worse if what is missing were as bad as can be.
    """
    known = _believed(seen.profile, doubted_features(desk, seen.known))
    row = {**known, **_answers(desk, seen.rated), "size_class": desk.size_class(known, seen.ruled)}
    size = desk.products.request.size
    if size and _absent(row.get(size)):
        row[size] = row["size_class"]
    asked = asked_of(desk.products, row, seen.ruled)
    row["product"] = None if asked.rivals else asked.product
    findings = evaluate(desk.policy, row, seen.ruled, asked, said)
    if seen.worst is None or not reads_model(desk.policy):
        return asked, findings
    bad = evaluate(desk.policy, {**row, **_answers(desk, seen.worst)}, seen.ruled, asked, said)
    gaps = (*seen.gaps,)
    return asked, [
        unsure(worse, gaps) if RANK[worse.outcome] > RANK[now.outcome] else now
        for now, worse in zip(findings, bad, strict=True)
    ]


def _answers(desk: Desk, rated: Rating) -> dict[str, Any]:
    """The model's answer as policies read it."""
    scale = [grade.name for grade in master_scale(desk.bundle).grades]
    return {"pd": rated.pd, "score": float(rated.score), "grade_no": float(scale.index(rated.grade) + 1)}


def _caps(finding: Finding) -> bool:
    return any(level.action == "cap" for level in finding.rule.steps)


def blocked(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdict where nothing can be computed: insufficient data, and what is wrong."""
    columns = [str(item["column"] or item["rule"]) for item in problems]
    return {
        "decision": "insufficient data",
        "offer": None,
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
    notes = desk.notes
    return {name: {"en": notes[name].en, "zh": notes[name].zh} for name in sorted({*names}) if name in notes}


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
    outcome = grade_outcome(desk.policy, scale, seen.rated.grade, seen.ruled)
    gaps: dict[str, Any] = {
        "outcome": outcome,
        "features": [*seen.gaps],
        "worst_pd": None,
        "worst_grade": None,
    }
    if bad := seen.worst:
        could = grade_outcome(desk.policy, scale, bad.grade, seen.ruled)
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


def doubted_features(desk: Desk, known: Known) -> frozenset[str]:
    """The features that rest on a source of which nothing at all is known: their values are unknown, not zero."""
    return desk.resting_on(known.silent)


def _believed(profile: Mapping[str, Any], doubted: Collection[str]) -> Mapping[str, Any]:
    """The profile for the policy: what is doubted is unknown."""
    return (
        {name: None if name in doubted else value for name, value in profile.items()} if doubted else profile
    )


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
