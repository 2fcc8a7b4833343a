"""Would an independent validator sign this version? Every test in sections, each line with its power, one verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from riskengine.learning.metrics import Estimate, Sample, auc
from riskengine.learning.spec import ModelSpec
from riskengine.schema import Words
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import master_scale
from riskengine.scoring.served import feature_matrix
from riskengine.validation import (
    calibration_tests,
    discrimination,
    effective,
    from_card,
    grade_tests,
    low_default,
    monotonicity,
    power,
    segments,
    severity,
    stability,
    swap,
    vintages,
)
from riskengine.validation.judged_rows import Judged, followed_share, learned_to, rescored, sample_of
from riskengine.validation.lines import Line, Rules, scoped
from riskengine.validation.particulars import MONEY, cuts
from riskengine.validation.sections import SECTIONS, SOURCES, because, drawn_cut

FORMAT = 2  # 2: few lines decide (`severity`)
_DECLINED = 0.10
_GRID = 20_000  # rows on which monotonicity is walked
_POINTS = 101


@dataclass(frozen=True)
class Subject:
    """What is validated: a registered version with its bundle."""

    version: int
    bundle: Bundle


@dataclass(frozen=True)
class Evidence:
    """What it is validated with: the rows, what the project knows of them, another version, the declared rules."""

    judged: Judged
    details: Callable[[pd.Series], pd.DataFrame]  # ids -> dimensions and `money`, in their order
    snapshot: str
    institution: Words
    note: Words | None = None
    other: Subject | None = None
    rules: Rules = field(default_factory=Rules)


def pack(subject: Subject, evidence: Evidence) -> dict[str, Any]:
    """The validation pack as a JSON value; nothing in it comes from the clock, the machine or the operator."""
    bundle, judged = subject.bundle, evidence.judged
    spec = ModelSpec.model_validate(bundle.spec)
    sample = sample_of(judged.rows)
    found: dict[str, tuple[list[Line], dict[str, Any]]] = {
        "discrimination": _discrimination(bundle, evidence, sample),
        "calibration": (calibration_tests.probabilities(sample, evidence.rules), {}),
        "grades": _grades(bundle, evidence, sample),
        "segments": _segments(evidence, sample),
        "stability": _stability(bundle, evidence),
        "monotonicity": _monotonicity(bundle, evidence),
        "vintages": _vintages(spec, evidence),
        "swap": _swap(bundle, evidence),
        "benchmarks": (from_card.benchmark_lines(bundle.card), {}),
        "leakage": (from_card.leakage_lines(bundle.card, bundle.spec), {}),
        "reasons": (from_card.reason_lines(bundle.card), {}),
    }
    sections = [_section(name, *found[name]) for name in found]
    lines = [line for section in sections for line in section["lines"]]
    card = bundle.card
    told: dict[str, Any] = _plain(
        {
            "format": FORMAT,
            "institution": evidence.institution.model_dump(),
            "note": evidence.note.model_dump() if evidence.note else None,
            "model": bundle.model,
            "title": card["title"],
            "version": subject.version,
            "bundle": bundle.hash,
            "trained_as_of": card["trained_as_of"],
            "learned_to": str(learned_to(bundle)),
            "snapshot": evidence.snapshot,
            "people": {name: getattr(spec.inventory, name) for name in ("owner", "developer", "validator")},
            "rows_from": judged.origin,
            "same_definitions": judged.same_definitions,
            "period": {
                "from": str(judged.period.start),
                "to": str(judged.period.end),
                "known": str(judged.period.known),
            },
            **_sizes(sample),
            "horizon": spec.label.horizon,
            "embargo": spec.validation.embargo or spec.label.horizon,
            "subject": spec.subject,
            "features": {
                note["name"]: {"en": note["en"], "zh": note["zh"]} for note in bundle.recipe["features"]
            },
            "against": _against(evidence),
            "rules": asdict(evidence.rules) | {"power_at_least": 0.8, "declined_share": _DECLINED},
            "verdict": severity.overall(lines),
            "deciding": severity.decided(lines),
            "details": severity.counts(line for line in lines if not line["deciding"]),
            "sections": sections,
            "sources": [dict(source) for source in SOURCES],
        }
    )
    return told


def _discrimination(bundle: Bundle, evidence: Evidence, sample: Sample) -> tuple[list[Line], dict[str, Any]]:
    judged = evidence.judged
    trial = {"later": "out_of_time", "stored": "held_out"}[judged.origin]
    before = next((one for one in bundle.card.get("trials") or () if one["name"] == trial), None)
    area = before["figures"]["model"]["auc"] if before else {"value": None}
    known = Estimate(area["value"], area.get("low"), area.get("high")) if area["value"] is not None else None
    if judged.held_out_only:  # the card's AUC is of these very rows: it would be compared with itself
        known = None
    gate = ModelSpec.model_validate(bundle.spec).gates.auc_at_least
    lines = [
        discrimination.against_gate(sample, gate, evidence.rules),
        *discrimination.discrimination(sample, known, evidence.rules),
    ]
    curves = {"model": _roc(sample)}
    for column in [name for name in judged.rows.columns if str(name).startswith("score_")]:
        if judged.rows[column].notna().all():
            curves[str(column).removeprefix("score_")] = _roc(sample_of(judged.rows, str(column)))
    if len(judged.held_out) and judged.held_out["label"].nunique() == 2:
        unseen = discrimination.discrimination(sample_of(judged.held_out), None, evidence.rules)
        lines += scoped(unseen, "sample:unseen-borrowers")
    return lines, {"roc": curves}


def _grades(bundle: Bundle, evidence: Evidence, sample: Sample) -> tuple[list[Line], dict[str, Any]]:
    order = [grade.name for grade in master_scale(bundle).grades]
    grades = evidence.judged.rows["grade"].to_numpy(dtype=object)
    lines = grade_tests.by_grade(sample, grades, order, evidence.rules)
    lines += low_default.low_default(sample, grades, order, evidence.rules)
    whole = effective.unit(sample)
    table = []
    for name in order:
        inside = grades == name
        if inside.any():
            part = effective.where(sample, inside)
            worth = effective.effective(part, whole)
            low, high = power.jeffreys_interval(worth.defaults, worth.size)
            table.append(
                {
                    "grade": name,
                    "n": len(part.label),
                    "defaults": int(part.label.sum()),
                    "effective_n": worth.size,
                    "mean_pd": float(np.average(part.pd, weights=part.weight)),
                    "observed": worth.rate,
                    "low": low,
                    "high": high,
                }
            )
    return lines, {"grades": table}


def _segments(evidence: Evidence, sample: Sample) -> tuple[list[Line], dict[str, Any]]:
    rows = evidence.judged.rows
    by = cuts(evidence.details(rows["id"]), rows)
    return segments.segments(sample, by, evidence.rules), {"dimensions": sorted(by)}


def _stability(bundle: Bundle, evidence: Evidence) -> tuple[list[Line], dict[str, Any]]:
    judged = evidence.judged
    if not len(judged.development):
        return [], {}
    names = ["pd", "grade", *bundle.features]
    before, after = (
        stability.Population({name: _column(part, name) for name in names}, sample.weight, sample.group)
        for part, sample in ((part, sample_of(part)) for part in (judged.development, judged.rows))
    )
    return stability.stability(before, after, evidence.rules), {"development_rows": len(judged.development)}


def _column(rows: pd.DataFrame, name: str) -> Any:
    return rows[name].to_numpy(dtype=object if name == "grade" else np.float64)


def _monotonicity(bundle: Bundle, evidence: Evidence) -> tuple[list[Line], dict[str, Any]]:
    matrix = feature_matrix(bundle, evidence.judged.rows)
    step = max(1, math.ceil(len(matrix) / _GRID))
    return monotonicity.monotonicity(bundle, np.ascontiguousarray(matrix[::step]), evidence.rules), {}


def _vintages(spec: ModelSpec, evidence: Evidence) -> tuple[list[Line], dict[str, Any]]:
    judged = evidence.judged
    mature = judged.rows
    share = [np.ones(len(mature))]
    rows = mature
    if len(judged.tail):
        columns = [name for name in mature.columns if name in judged.tail.columns]
        rows = pd.concat([mature[columns], judged.tail[columns]], ignore_index=True)
        share.append(np.minimum(followed_share(spec, judged.tail, judged.followed_to), 0.999))
    followed = np.concatenate(share)
    days = pd.DatetimeIndex(rows["as_of"])
    quarters = days.to_period("Q").astype("str").to_numpy(dtype=object)
    if len(set(quarters)) > 36:
        quarters = days.year.astype("str").to_numpy(dtype=object)
    sample = sample_of(rows)
    lines = vintages.vintages(sample, quarters, followed, evidence.rules)
    table = []
    for name in sorted(set(quarters)):
        inside = quarters == name
        part = effective.where(sample, inside)
        worth = effective.effective(part, effective.unit(sample))
        low, high = power.jeffreys_interval(worth.defaults, worth.size)
        table.append(
            {
                "vintage": str(name),
                "n": len(part.label),
                "defaults": int(part.label.sum()),
                "mean_pd": float(np.average(part.pd, weights=part.weight)),
                "observed": worth.rate,
                "low": low,
                "high": high,
                "followed": float(np.average(followed[inside], weights=part.weight)),
                "mature": bool((followed[inside] >= 1).all()),
            }
        )
    return lines, {"vintages": table}


def _swap(bundle: Bundle, evidence: Evidence) -> tuple[list[Line], dict[str, Any]]:
    """The other version is judged on the same rows, those only that neither had learned from."""
    other = evidence.other
    if other is None:
        return [], {"missing": because("nobody")}
    mine = evidence.judged.rows
    mine = mine[mine["as_of"] > pd.Timestamp(learned_to(other.bundle))].reset_index(drop=True)
    if not len(mine) or mine["label"].nunique() < 2:
        return [], {"missing": because("learned")}
    theirs = rescored(other.bundle, mine)
    if theirs is None:
        return [], {"missing": because("features")}
    details = evidence.details(mine["id"])
    money = details[MONEY].to_numpy(dtype=np.float64) if MONEY in details.columns else None
    cut = swap.Cut(share=_DECLINED)
    before, after = sample_of(theirs), sample_of(mine)
    order = [grade.name for grade in master_scale(bundle).grades]
    named = (theirs["grade"].to_numpy(dtype=object), mine["grade"].to_numpy(dtype=object))
    lines = swap.population(before, after, *named, order)
    lines += swap.swap_set(before, after, cut, money, evidence.rules)
    return lines, {"cut": drawn_cut(_DECLINED), "rows": len(mine), "auc": _areas(before, after)}


def _areas(before: Sample, after: Sample) -> dict[str, float | None]:
    found = {"other": before, "this": after}
    return {name: auc(rows.label, rows.score, rows.weight) for name, rows in found.items()}


def _against(evidence: Evidence) -> dict[str, Any] | None:
    other = evidence.other
    if other is None:
        return None
    return {
        "version": other.version,
        "bundle": other.bundle.hash,
        "learned_to": str(learned_to(other.bundle)),
    }


def _sizes(sample: Sample) -> dict[str, Any]:
    worth = effective.effective(sample)
    weighted = bool(np.ptp(sample.weight) > 0)
    return {
        "rows": len(sample.label),
        "defaults": int(sample.label.sum()),
        "borrowers": len(np.unique(sample.group)),
        "weighted": weighted,
        "effective_rows": worth.size,
        "effective_defaults": worth.defaults,
        "observed_rate": worth.rate,
        "mean_pd": float(np.average(sample.pd, weights=sample.weight)),
    }


def _roc(sample: Sample) -> list[list[float]]:
    """(survivors, defaults, all) above a falling limit, cumulated weighted shares, at 101 places of the rows."""
    order = np.argsort(-sample.score, kind="stable")
    weight, label = sample.weight[order], sample.label[order]
    ends = np.flatnonzero(
        np.r_[sample.score[order][1:] != sample.score[order][:-1], True]
    )  # ties stand together
    parts = [np.cumsum(mass)[ends] / mass.sum() for mass in (weight * (1 - label), weight * label, weight)]
    good, bad, everyone = (np.r_[0.0, part] for part in parts)
    at = np.unique(np.linspace(0, len(good) - 1, _POINTS).round().astype(int))
    return [[float(good[place]), float(bad[place]), float(everyone[place])] for place in at]


def _section(name: str, lines: Sequence[Line], figures: Mapping[str, Any]) -> dict[str, Any]:
    title, lead = SECTIONS[name]
    told = [_told(line) | {"deciding": severity.decides(name, line.test, line.scope)} for line in lines]
    told.sort(key=lambda line: not line["deciding"])  # stable: those that decide stand first
    return {
        "name": name,
        "title": title.model_dump(),
        "lead": lead.model_dump(),
        "verdict": severity.of_section(name, told),
        "counts": severity.counts(told),
        "lines": told,
        "figures": dict(figures),
    }


def _told(line: Line) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in line.__dataclass_fields__}
    return {name: value.model_dump() if isinstance(value, Words) else value for name, value in values.items()}


def _plain(value: Any) -> Any:
    """A JSON value: numbers to ten significant digits, no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.10g}") if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
