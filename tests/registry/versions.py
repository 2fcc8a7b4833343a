"""Versions of the tiny institution's access model: its trees under other calibrations, with a card and an inventory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from riskengine import registry
from riskengine.project import Project
from riskengine.registry.actors import Actor
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion

CARD = {
    "model": "access_pd", "trained_as_of": "2006-03-31", "snapshot": "abc", "rows": 3000, "events": 900,
    "first_as_of": "2000-01-01", "last_as_of": "2003-03-31", "leakage": {"alone": {"amount": 0.6}},
    "trials": [{"name": "out_of_time", "rows": 900, "events": 90, "start": "2002-01-01", "end": "2003-03-31",
                "figures": {"model": {"auc": {"value": 0.8, "low": 0.75, "high": 0.85}}}, "better": {}}],
}  # fmt: skip
INVENTORY = {
    "owner": "Risk", "developer": "Data", "validator": "Audit", "tier": "low", "review_by": "2027-01-01",
    **{name: {"en": "A test", "zh": "测试"} for name in ("use", "assumptions", "limitations")},
}  # fmt: skip
SPEC = {
    "name": "access_pd", "title": {"en": "Default", "zh": "违约"}, "subject": "applicant", "label": {"source": "losses"},
    "features": ["amount", "staff", "losses", "staff_missing"], "inventory": INVENTORY,
}  # fmt: skip


def as_person(here: registry.Office, name: str) -> registry.Office:
    """The office, run by somebody else."""
    return replace(here, actor=Actor(name))


def register(project: Project, shift: float, spec: dict[str, object] | None = None) -> registry.Version:
    """Another version: the same trees, calibrated higher by `shift`."""
    files = dict(champion(project.store, "access_pd").files)
    files |= {
        "calibration.json": canonical_json({"method": "logistic", "a": 1.0, "b": shift}).encode(),
        "spec.json": canonical_json(spec or SPEC).encode(),
        "card.json": canonical_json(CARD).encode(),
    }
    run = registry.TrainingRun("access_pd", date(2006, 3, 31), "abc", "def", {}, {}, {}, files)
    return registry.log_training(registry.office(project).registry, run)
