"""Retrain: label what was mature, profile, audit, fit, test, calibrate, log to MLflow, register as challenger."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from riskengine.learning.hindsight import hindsight
from riskengine.learning.pictures import trial_pictures
from riskengine.learning.samples import followed_period, labelled_rows, model_spec
from riskengine.learning.training import TrainingContext, train
from riskengine.monitor.rule_scores import rule_inputs, rule_scores
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.meaning import meaning
from riskengine.project import Project
from riskengine.registry import Registry, TrainingRun, log_training
from riskengine.schema import read_toml
from riskengine.store import snapshot
from riskengine.store.ledger import open_ledger, recorded_run
from riskengine.validation.judged_rows import ARTIFACT, stored_rows

log = logging.getLogger("riskengine.retrain")


@dataclass(frozen=True)
class Retrained:
    """The registered version, the hash of its bundle and the model card."""

    version: int
    bundle: str
    card: dict[str, Any]


def run(project: Project, model: str, as_of: date) -> Retrained:
    """Train `model` on what was known and mature on `as_of`, and keep a record of the run."""
    with recorded_run(open_ledger(project.store), f"retrain {model}", as_of) as record:
        made = _train(project, model, as_of)
        record["status"] = f"version {made.version}"
    return made


def _train(project: Project, model: str, as_of: date) -> Retrained:
    catalogue, facts = Catalogue(project), snapshot.read(project.store)
    spec = model_spec(catalogue, model)
    extra = rule_inputs(catalogue, spec, as_of)
    taken = labelled_rows(project, spec, facts, followed_period(spec, as_of), extra)
    log.info("%s: %d rows %s; audit, fit, tests", model, len(taken.rows), taken.counts)
    frame = replace(taken.frame(), rules=rule_scores(catalogue, spec, taken.rows, as_of))
    grades = read_toml(project.configs / "grades.toml")
    means = meaning(catalogue, taken.recipe.names)
    context = TrainingContext(as_of, facts.id, taken.recipe.to_json(), grades, taken.counts, means)
    made = train(spec, frame, context, hindsight(catalogue, facts, taken.mature(), as_of))
    left = {ARTIFACT: stored_rows(made.judged, taken)}
    parts = made.params(), made.metrics(), trial_pictures(made.trials), made.files, left, made.tried()
    run = TrainingRun(model, as_of, facts.id, taken.recipe.fingerprint, *parts)
    version = log_training(Registry(project.store, project.environment.tracking_uri), run)
    return Retrained(version.version, version.bundle, json.loads(made.files["card.json"]))
