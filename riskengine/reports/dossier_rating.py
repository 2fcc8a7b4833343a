"""What do model, products and policy say of the enterprise's guarantees and applications on a day, and why?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.decision.applicants import Applicant
from riskengine.decision.conditions import BY_DESK
from riskengine.decision.desk import Desk, current_desk
from riskengine.decision.grounds import peer_group, scored, told
from riskengine.decision.limits import Suggestion, suggest
from riskengine.decision.products import Products
from riskengine.decision.review import decide
from riskengine.errors import RiskEngineError
from riskengine.intake.personal import redacted
from riskengine.monitor import publish
from riskengine.portfolio.exposure import divide, rounded
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.reports.dossier_history import nights
from riskengine.reports.dossier_rows import Row, plain
from riskengine.reports.dossier_whom import Whom
from riskengine.scoring.bundle import Bundle, champion_of, read_bundle
from riskengine.scoring.calibration import segment_of
from riskengine.scoring.scorecard import Rating, term_of

REASONS = 4


@dataclass(frozen=True)
class Judge:
    """The model that answers and the recipe of its inputs."""

    bundle: Bundle
    recipe: Recipe

    def later(self, as_of: date) -> str | None:
        """The day that the model was trained as of, where that is after `as_of`: it was not known then."""
        return trained_later(self.bundle, as_of)


def trained_later(bundle: Bundle, as_of: date) -> str | None:
    """The day that a bundle was trained as of, where that is after a day; else None."""
    day = bundle.card.get("trained_as_of")
    return str(day) if day and str(day) > str(as_of) else None


def judge_of(project: Project, model: str, as_of: date) -> Judge | None:
    """The model by its own recipe: the one that the last night up to a day was scored by, where its bundle is still there;
    else today's champion; None where there is neither."""
    bundle = _of_night(project.store, model, as_of)
    if bundle is None:
        entry = champion_of(project.store, model) if (project.store / "champions.json").exists() else None
        if not entry:
            return None
        bundle = read_bundle(project.store / "bundles" / entry["bundle"], entry["bundle"])
    return Judge(bundle, Recipe.from_json(bundle.recipe))


def _of_night(store: Path, model: str, as_of: date) -> Bundle | None:
    days = nights(store, as_of)
    found = publish.find(store, days[-1]) if days else None
    inputs = found.manifest.get("inputs") if found and isinstance(found.manifest, dict) else None
    name = inputs.get("bundle") if isinstance(inputs, dict) else None
    if not isinstance(name, str) or not name or not (store / "bundles" / name).is_dir():
        return None
    bundle = read_bundle(store / "bundles" / name, name)
    return bundle if bundle.model == model else None


def rated(judge: Judge, profile: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """PD, interval, grade, score, lifetime PD and the strongest reasons of one guarantee, as JSON values."""
    bundle = judge.bundle
    row = [None if profile[name] is None else float(profile[name]) for name in bundle.features]
    group, segment = peer_group(bundle, keys), segment_of(bundle.calibration, keys)
    ((found, reasons),) = scored(bundle, [row], [group], segments=[segment])
    return {
        "model": bundle.model,
        "bundle": bundle.hash,
        "horizon": (bundle.spec.get("label") or {}).get("horizon"),
        "pd": found.pd,
        "low": found.low,
        "high": found.high,
        "coverage": (bundle.calibration.get("interval") or {}).get("coverage"),
        "unsure": found.unsure,
        "score": found.score,
        "grade": found.grade,
        "pd_lifetime": _lifetime(bundle, found, row, segment),
        "reasons": told(bundle, reasons, group, REASONS),
        "missing": sum(value is None for value in row),
        "inputs": len(row),
    }


def _lifetime(
    bundle: Bundle, found: Rating, row: Sequence[float | None], segment: str | None
) -> float | None:
    if bundle.calibration["method"] != "hazard":
        return None
    term = term_of(bundle, found.raw, row, segment)
    return None if term is None else term.lifetime_pd


def terms_of_night(
    products: Products, profile: Mapping[str, Any], as_of: date, pd: float | None
) -> Suggestion | None:
    """The terms by which the night values a guarantee; None where they are not known."""
    row = {**dict.fromkeys(BY_DESK), **{name: profile.get(name) for name in products.features}}
    return suggest(products, row, as_of, pd)


def valued(found: Suggestion | None, pd: float | None) -> dict[str, Any]:
    """Own exposure, expected loss and each party's part, exact to the cent as text; what is unknown is None."""
    if found is None:
        return {
            "exposure": None,
            "expected_loss": None,
            "lgd": None,
            "shares": {},
            "parts": {},
            "terms": None,
        }
    at = found.exposure
    whole = sum(found.shares.values())
    parts = divide(at.amount, found.shares) if whole == 1 else {}
    return {
        "exposure": str(rounded(at.own)),
        "expected_loss": None if pd is None else str(rounded(at.expected_loss(pd))),
        "lgd": str(at.lgd),
        "shares": {party: str(share) for party, share in found.shares.items()},
        "parts": {party: str(part) for party, part in parts.items()},
        "terms": {**found.product.title.model_dump(), "id": found.product.id, "tier": found.tier},
    }


def open_and_decided(whom: Whom, rule: SubjectRule, column: str, most: int) -> list[tuple[Row, date, bool]]:
    """The newest applications with the day they are judged as of: the day itself where open, else that of the application."""
    taken = {str(one.row.values.get(column)) for one in whom.guarantees} if column else set()
    taken |= {one.id for one in whom.guarantees}
    found = []
    for row in whom.applications[:most]:
        known = max(row.event_date, row.known_at)
        is_open = str(row.values[rule.id]) not in taken
        found.append((row, whom.as_of if is_open else min(known, whom.as_of), is_open))
    return found


def decisions(
    project: Project,
    bench: Workbench,
    whom: Whom,
    rule: SubjectRule,
    chosen: Sequence[tuple[Row, date, bool]],
) -> list[dict[str, Any]]:
    """The stored decision of each application where there is one by the day, else what pre-review says of it."""
    found: list[dict[str, Any]] = []
    fresh: list[tuple[int, Row, date]] = []
    for row, day, is_open in chosen:
        name = str(row.values[rule.id])
        record = recorded(project.store, name, whom.as_of)
        base = {
            "id": name,
            "applied": str(row.event_date),
            "open": is_open,
            "as_of": str(day),
            "place": row.place,
            "later": None,
        }
        if record is None:
            fresh.append((len(found), row, day))
            found.append({**base, "stored": None, "why": None, "outputs": None})
        else:
            base["as_of"] = record["as_of"]
            found.append({**base, "stored": record["decision_id"], "why": None, "outputs": record["outputs"]})
    if fresh:
        try:
            desk = current_desk(project)
            outputs = _reviewed(desk, bench, rule, fresh)
        except RiskEngineError as error:  # no model yet, no policy: the dossier says so and goes on
            problem = {"en": str(error), "zh": str(error)}
            for place, _, _ in fresh:
                found[place]["why"] = problem
        else:
            for (place, _, day), output in zip(fresh, outputs, strict=True):
                found[place] |= {"outputs": output, "later": trained_later(desk.bundle, day)}
    return [_shown(one) for one in found]


def _reviewed(
    desk: Desk, bench: Workbench, rule: SubjectRule, fresh: Sequence[tuple[int, Row, date]]
) -> list[dict[str, Any]]:
    columns = dict(key for recipe in desk.recipes for key in recipe.keys)
    applicants = [
        Applicant(
            str(row.values[rule.id]),
            day,
            {name: _kept(row.values.get(name)) for name in columns},
        )
        for _, row, day in fresh
    ]
    return decide(desk, bench, applicants)


def _kept(value: Any) -> Any:
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def recorded(store: Path, name: str, as_of: date) -> dict[str, Any] | None:
    """The latest recorded decision of an application by a day; None where it was never reviewed."""
    needle = f'"applicant_id":{json.dumps(name, ensure_ascii=False)}'
    best: dict[str, Any] | None = None
    for path in sorted((store / "decisions").glob("*.jsonl")):
        text = path.read_text(encoding="utf-8")
        if needle not in text:
            continue
        for line in text.splitlines()[1:]:
            if needle in line:
                record = json.loads(line)
                day = record.get("as_of")
                if day and day <= str(as_of) and (best is None or day >= best["as_of"]):
                    best = record
    return best


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """A decision as the dossier tells it: outcome, grade, every hit of a rule in words."""
    out = one.pop("outputs")
    if out is None:
        return {
            **one,
            "decision": None,
            "model": None,
            "hits": [],
            "amount": None,
            "reasons": [],
            "missing": [],
        }
    policy, model, amount = out.get("policy") or {}, out.get("model") or {}, out.get("amount") or {}
    hits = [
        {
            "kind": kind,
            "rule": item["rule"],
            "title": item["title"],
            "words": item["words"],
            "feature": item["feature"],
            "label": item.get("label"),
            "value": plain(item["value"]),
            "limit": plain(item["limit"]),
            "reference": item["reference"],
        }
        for kind in ("knock_outs", "referrals", "caps", "near_misses", "not_evaluable")
        for item in policy.get(kind, ())
    ]
    return {
        **one,
        "decision": out["decision"],
        "model": {name: model.get(name) for name in ("pd", "grade", "score", "outcome", "low", "high")}
        if model
        else None,
        "passed": policy.get("passed"),
        "hits": json.loads(redacted(json.dumps(hits, ensure_ascii=False, default=str))),
        "amount": {
            name: amount.get(name) for name in ("requested", "suggested", "expected_loss") if name in amount
        },
        "reasons": [reason["words"] for reason in (out.get("reasons") or {}).get("adverse", ())],
        "missing": list((out.get("gaps") or {}).get("titles", ()))[:8],
    }
