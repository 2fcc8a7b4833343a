"""How is a candidate made from mature rows, and what is honestly known of it before anybody promotes it?

1. Rows are put in the order of (as-of date, subject); the order they came in changes nothing.
2. They are split as `splitting` says. The development rows are audited for leakage. A model of the ripe rows is tested out of
   time, one of the development rows on the held-out borrowers: each fitted in grouped folds and as a whole, calibrated on its
   out-of-fold scores, beside benchmarks made from the same rows.
3. Gates; then the same recipe on all mature rows is the candidate: its directions are verified, its calibration is
   fitted on its own out-of-fold scores, and its parts are written with nothing of the clock or the machine in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.learning import fitting, leakage
from riskengine.learning.fitting import Flags
from riskengine.learning.frames import TrainingContext, TrainingFrame, checked, peers
from riskengine.learning.hindsight import Hindsight
from riskengine.learning.making import (
    Made,
    Taught,
    fit_scorecard,
    interval,
    make,
    part_of,
    retrained,
    to_scale,
)
from riskengine.learning.metrics import Estimate, Numbers
from riskengine.learning.outcomes import Days, shift
from riskengine.learning.reason_stability import in_memory, overlap_under_retraining
from riskengine.learning.spec import ModelSpec
from riskengine.learning.splitting import Split, enough, folds, held_out, mature_on, split
from riskengine.learning.standing import summary
from riskengine.learning.trials import Trial, gates, trial
from riskengine.learning.tuning import Tried, tuned
from riskengine.learning.uncertainty import level_missed
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.trees import export_trees

_RETRAININGS = (101, 102)
_LINES = ("none", "intercept", "logistic")
__all__ = ["Candidate", "TrainingContext", "TrainingFrame", "Trial", "train"]


@dataclass(frozen=True)
class Candidate:
    """A trained model before it is registered: the bundle's files, the tests, the audit."""

    spec: ModelSpec
    files: dict[str, bytes]
    trials: tuple[Trial, ...]
    audit: leakage.Audit
    rows: int
    events: int
    search: tuple[Tried, ...] = ()
    judged: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # rows that a validation may judge by

    def metrics(self) -> dict[str, tuple[float | None, float | None, float | None]]:
        """Name -> (value, low, high) for the registry: `out_of_time_auc`, `held_out_scorecard_ks`, ..."""
        named: dict[str, tuple[float | None, float | None, float | None]] = {}
        for one in self.trials:
            for means, figures in one.figures.items():
                prefix = one.name if means == "model" else f"{one.name}_{means}"
                named |= {f"{prefix}_{name}": (e.value, e.low, e.high) for name, e in figures.items()}
        return named

    def params(self) -> dict[str, Any]:
        """The parameters that the registry shows."""
        return {
            **self.spec.lightgbm.model_dump(),
            "features": len(self.spec.features),
            "rows": self.rows,
            "events": self.events,
        }

    def tried(self) -> list[tuple[Mapping[str, Any], Mapping[str, float]]]:
        """Each trial of the search: parameters, and numbers for the registry."""
        numbers = ("loss", "gain", "gain_error")
        return [(one.params, {name: float(getattr(one, name)) for name in numbers}) for one in self.search]


def train(
    spec: ModelSpec, frame: TrainingFrame, context: TrainingContext, hindsight: Hindsight | None = None
) -> Candidate:
    """The candidate of a spec on these rows, or a refusal (`UsageError` for wrong rows, `QualityGateError` for a wrong model)."""
    frame = checked(spec, frame, context)
    rows, parts = frame.rows(), split(spec, frame, context)
    enough(spec, rows.label, parts)
    limits = leakage.Limits(spec.gates.single_feature_auc_at_most, spec.gates.explained)
    fold = folds(spec, frame.group[parts.development])
    audit = leakage.audit(rows.where(parts.development), spec.features, fold, limits, hindsight)
    spec, search = tuned(spec, ripe(spec, frame, parts))
    early, known = _test_models(spec, frame, parts)
    tests = [("out_of_time", parts.out_of_time, early), ("held_out", parts.held_out, known)]
    everybody = Taught(rows, frame, frame.months)
    trials = tuple(
        trial(spec, everybody.where(chosen), made, name) for name, chosen, made in tests if chosen.any()
    )
    gates(spec, trials)
    final = make(spec, everybody if spec.hazard else everybody.where(frame.judged))
    checked_steps = fitting.verify_directions(final.booster, spec, rows.matrix)
    judged = part_of(frame, frame.judged)
    card = _card(spec, judged, context, (parts, trials, audit))
    card["monotone_steps_checked"] = checked_steps
    card["mature_at_cut_rows"] = int((parts.ripe & mature_on(spec, frame.as_of, parts.cut)).sum())
    card["importance"] = _importance(spec, final.booster)
    if spec.kind == "scorecard":
        card["scorecard"] = _points(spec, final, context)
    card["calibration"] = {"method": final.calibration["method"], **final.calibration.get("choice", {})}
    card["tuning"] = [asdict(one) for one in search]
    text = final.booster.model_to_string()
    test = trials[0].samples["model"]
    doubt = interval(spec, final, level_missed(test.label, test.pd, test.weight))
    contents: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": final.calibration | {"to_scale": to_scale(spec), "interval": doubt},
        "grades.json": dict(context.grades),
        "recipe.json": dict(context.recipe),
        "peers.json": peers(spec, judged),
        "spec.json": spec.model_dump(mode="json", by_alias=True),
        "card.json": card,
    }
    card["reasons"] = _overlap(spec, final, contents)
    files = {name: canonical_json(part).encode() for name, part in contents.items()}
    files["model.txt"] = text.encode()
    counted = len(judged.label), int(judged.label.sum())
    kept = {one.name: one.tested for one in trials} | {"development": early.kept()}
    return Candidate(spec, files, trials, audit, *counted, tuple(search), kept)


def _test_models(spec: ModelSpec, frame: TrainingFrame, parts: Split) -> tuple[Made, Made]:
    """The model that is tested out of time, and the one that is tested on held-out borrowers."""
    early = make(spec, ripe(spec, frame, parts))
    if spec.hazard:
        at_cut = ~held_out(spec, frame.group) & (frame.as_of <= parts.cut)
        return early, make(spec, Taught(frame.rows(), frame, frame.months).where(at_cut))
    if (parts.ripe == parts.development).all():
        return early, early
    return early, make(spec, Taught(frame.rows(), frame).where(parts.development))


def ripe(spec: ModelSpec, frame: TrainingFrame, parts: Split) -> Taught:
    """What a training on the day of the cut would have had."""
    if not spec.hazard:
        return Taught(frame.rows(), frame).where(parts.ripe)
    if not spec.validation.out_of_time:  # a cross-section: held-out borrowers are the only test
        ours = ~held_out(spec, frame.group)
        return Taught(frame.rows(), frame, frame.months).where(ours)
    at_cut = ~held_out(spec, frame.group) & (frame.as_of <= parts.cut)
    return _known_by(spec, frame, at_cut, parts)


def _known_by(spec: ModelSpec, frame: TrainingFrame, chosen: Flags, parts: Split) -> Taught:
    """The chosen rows with no more follow-up, and no other labels, than were mature on the day of the cut."""
    assert frame.months is not None
    seen = frame.months.until(_whole_months(frame.as_of, parts.cut, Span.parse(spec.label.lag)))
    then = replace(frame, mature=parts.ripe, months=seen)
    return Taught(frame.rows(), then, seen).where(chosen & (seen.followed > 0))


def _whole_months(as_of: Days, day: np.datetime64, lag: Span) -> Numbers:
    """How many whole months of each row's future were mature on a day."""
    found = np.zeros(len(as_of), dtype=np.int64)
    latest = int((day.astype("M8[M]") - as_of.min().astype("M8[M]")).astype(int)) + 1 if len(as_of) else 0
    for month in range(1, latest + 1):
        found[shift(shift(as_of, Span(months=month)), lag) <= day] = month
    return found


def _card(
    spec: ModelSpec,
    frame: TrainingFrame,
    context: TrainingContext,
    done: tuple[Split, tuple[Trial, ...], leakage.Audit],
) -> dict[str, Any]:
    parts, trials, audit = done
    shown = [
        {key: value for key, value in vars(one).items() if key not in ("samples", "tested")} for one in trials
    ]
    for entry in shown:
        entry["delong"] = _rounded(entry["delong"])
        entry["against"] = summary(entry["standings"]).model_dump()
        entry["standings"] = [one.to_json() for one in entry["standings"]]
        entry["better"] = {one["rival"]: one["auc"] for one in entry["standings"]}
        entry["figures"] = {
            means: {name: _rounded(found) for name, found in figures.items()}
            for means, figures in entry["figures"].items()
        }
    return {
        "model": spec.name,
        "title": spec.title.model_dump(),
        "trained_as_of": context.trained_as_of.isoformat(),
        "snapshot": context.snapshot,
        "definitions": context.definitions,
        "rows": len(frame.label),
        "events": int(frame.label.sum()),
        "counts": dict(sorted(context.counts.items())),
        "borrowers": len(np.unique(frame.group)),
        "first_as_of": str(frame.as_of.min()),
        "last_as_of": str(frame.as_of.max()),
        "weighted_base_rate": float(np.average(frame.label, weights=frame.weight)),
        "cut": str(parts.cut),
        "development_rows": int(parts.development.sum()),
        "ripe_rows": int(parts.ripe.sum()),
        "embargo": spec.validation.embargo,
        "trials": shown,
        "leakage": asdict(audit),
        "libraries": {name: version(name) for name in ("lightgbm", "numpy", "scikit-learn")},
    }


def _overlap(spec: ModelSpec, made: Made, contents: Mapping[str, Any]) -> dict[str, Any]:
    """How much the three strongest adverse reasons stay the same where the model is trained on other borrowers."""
    judged = made.taught.where(made.taught.frame.judged)

    def bundle(booster: Any) -> Bundle:
        text = booster.model_to_string()
        parts = {**contents, "trees.json": export_trees(text)}
        files = {name: canonical_json(part).encode() for name, part in parts.items()}
        return in_memory({**files, "model.txt": text.encode()}, spec.name)

    others = fitting.side_by_side([partial(retrained, spec, made.taught, seed) for seed in _RETRAININGS])
    found = overlap_under_retraining(
        bundle(made.booster), [bundle(one) for one in others], judged.rows.matrix
    )
    return {"top": 3, "retrainings": len(_RETRAININGS), "overlap": _rounded(found)}


def _points(spec: ModelSpec, made: Made, context: TrainingContext) -> list[dict[str, Any]]:
    """The scorecard's bins with points of the PD over the model's own horizon, before any segment's shift.

    A calibration that is no straight line leaves the points those of the raw score.
    """
    how = made.calibration
    line = (float(how.get("a", 1.0)), float(how.get("b", 0.0))) if how["method"] in _LINES else (1.0, 0.0)
    return fit_scorecard(spec, made.taught.rows).shown(line, context.grades["points"])


def _rounded(estimate: Estimate) -> dict[str, float | None]:
    """Six digits: what a reader can use, and what another number of cores does not change."""
    return {name: None if part is None else round(part, 6) for name, part in asdict(estimate).items()}


def _importance(spec: ModelSpec, booster: Any) -> Mapping[str, float]:
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    share = gain / max(float(gain.sum()), 1e-300)
    return {name: round(float(part), 6) for name, part in zip(spec.features, share, strict=True)}
