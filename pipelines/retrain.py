"""Retrain: label what was mature, profile, audit, fit, test, calibrate, log to MLflow, register as challenger."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.learning.pictures import trial_pictures
from riskengine.learning.samples import followed_period, labelled_rows, model_spec
from riskengine.learning.training import TrainingContext, train
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.registry import Registry, TrainingRun, log_training
from riskengine.schema import read_toml
from riskengine.store import snapshot
from riskengine.store.ledger import open_ledger, recorded_run

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
    spec = model_spec(Catalogue(project), model)
    facts = snapshot.read(project.store)
    taken = labelled_rows(project, spec, facts, followed_period(spec, as_of))
    rows, defaults = len(taken.rows), int(taken.rows["label"].sum())
    log.info("%s: %d mature rows, %d defaults; audit, fit, tests", model, rows, defaults)
    grades = read_toml(project.configs / "grades.toml")
    context = TrainingContext(as_of, facts.id, taken.recipe.to_json(), grades, taken.counts)
    candidate = train(spec, taken.frame(), context)
    version = log_training(
        Registry(project.store, project.environment.tracking_uri),
        TrainingRun(
            *(model, as_of, facts.id, taken.recipe.fingerprint),
            candidate.params(),
            candidate.metrics(),
            trial_pictures(candidate.trials),
            candidate.files,
        ),
    )
    return Retrained(version.version, version.bundle, json.loads(candidate.files["card.json"]))
