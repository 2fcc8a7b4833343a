"""How do findings and amounts stand in a record: every rule with its state, what is missing and from where, every cap?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from riskengine.decision.asked import Asked
from riskengine.decision.findings import Cap, Finding
from riskengine.decision.limits import Suggestion
from riskengine.portfolio.exposure import rounded
from riskengine.profile.recipe import Recipe

GROUPS = ("knock_outs", "referrals", "caps", "near_misses", "not_evaluable")
_HIT = {"decline": "knock_outs", "refer": "referrals", "cap": "caps"}
_OWN = {
    "pd": ("probability of default", "违约概率"),
    "score": ("score", "评分"),
    "grade_no": ("grade", "等级"),
    "size_class": ("class by its figures", "按指标划型"),
    "product": ("product asked for", "申请产品"),
}


def titles(recipes: Sequence[Recipe]) -> dict[str, dict[str, Any]]:
    """What people call each feature and source, by name, and on which sources a feature rests."""
    found: dict[str, dict[str, Any]] = {
        name: {"feature": name, "en": en, "zh": zh, "sources": []} for name, (en, zh) in _OWN.items()
    }
    for recipe in recipes:
        for name, source in recipe.sources:
            found.setdefault(name, {"feature": "", "en": source.en, "zh": source.zh, "sources": [name]})
    for recipe in recipes:
        for note in recipe.features:
            sources = [*note.sources]
            found[note.name] = {"feature": note.name, "en": note.en, "zh": note.zh, "sources": sources}
    return found


def policy_told(findings: Sequence[Finding], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every finding in order, and those that a person must see by what they mean (without the model's and the data's own)."""
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    told = [_line(finding, known) for finding in findings]
    for finding, line in zip(findings, told, strict=True):
        if finding.rule.test in ("model", "data"):
            continue
        if finding.state == "hit" and finding.action is not None:
            groups[_HIT[finding.action]].append(_words(finding, known) | line)
        elif finding.state in ("near", "not evaluable"):
            groups["near_misses" if finding.state == "near" else "not_evaluable"].append(
                _words(finding, known) | line
            )
    counts = {
        name.replace(" ", "_"): sum(finding.state == name for finding in findings)
        for name in ("passed", "not applicable")
    }
    return {"findings": told, **groups, **counts}


def _line(finding: Finding, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is recorded of every rule."""
    return {
        "rule": finding.rule.id,
        "state": finding.state,
        "action": finding.action,
        "feature": finding.feature,
        "value": _shown(finding.value),
        "limit": finding.limit,
        "distance": finding.distance,
        "missing": [_lacking(name, known) for name in finding.missing],
        "why": finding.why,
    }


def _words(finding: Finding, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    rule, named = finding.rule, _lacking(finding.feature, known)
    return {
        "label": {"en": named["en"], "zh": named["zh"]},
        "title": rule.title.model_dump(),
        "words": (finding.words or rule.words).model_dump(),
        "next": None if rule.next is None else rule.next.model_dump(),
        "test": rule.test,
        "reference": rule.reference,
        "evidence": finding.evidence or rule.evidence,
    }


def _lacking(name: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return dict(known.get(name) or {"feature": name, "en": name, "zh": name, "sources": []})


def offer_told(asked: Asked, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Which product it is, whether it is offered on the day, and what would have to be known to be sure of it."""
    product = asked.terms.product
    return {
        "product": product.id,
        "title": product.title.model_dump(),
        "reference": product.reference,
        "offered": asked.offered,
        "from": None if product.start is None else product.start.isoformat(),
        "to": None if product.end is None else product.end.isoformat(),
        "rivals": [*asked.rivals],
        "missing": [_lacking(name, known) for name in asked.unsaid],
        "lists": [*product.lists],
    }


def amount_told(
    suggestion: Suggestion | None, decision: str, pd: float, unknown: Sequence[str]
) -> dict[str, Any] | None:
    """The request on its terms, every cap, and what can be suggested; money is text. `unknown`: rules whose cap is not known."""
    if suggestion is None:
        return None
    at = suggestion.exposure
    refused = decision in ("decline", "insufficient data")
    return {
        "product": suggestion.product.id,
        "title": suggestion.product.title.model_dump(),
        "requested": money(at.amount),
        "guarantee_share": _fraction(at.guarantee_share),
        "guaranteed": money(at.guaranteed),
        "guarantor_share": _fraction(at.guarantor_share),
        "shares": {party: _fraction(share) for party, share in suggestion.shares.items()},
        "tier": suggestion.tier,
        "lgd": str(at.lgd),
        "fee": money(suggestion.fee),
        "fee_months": None if suggestion.months is None else _fraction(suggestion.months),
        "fee_term_assumed": suggestion.assumed,
        "fund_fee": money(suggestion.fund_fee),
        "expected_loss": money(at.expected_loss(pd)),
        "suggested": None if refused else money(suggestion.amount),
        "binding": list(suggestion.binding),
        "caps": [_cap(cap) for cap in suggestion.caps],
        "unknown_caps": [*suggestion.unknown, *unknown],
    }


def _cap(cap: Cap) -> dict[str, Any]:
    return {
        "cap": cap.name, "words": cap.words.model_dump(), "amount": money(cap.amount), "reference": cap.reference,
    }  # fmt: skip


def money(amount: Decimal) -> str:
    """An amount as it is recorded: to the cent."""
    return str(rounded(amount))


def _fraction(part: Decimal) -> str:
    """A fraction or a count, to six digits, without idle zeros."""
    return f"{round(part, 6).normalize():f}"


def _shown(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
