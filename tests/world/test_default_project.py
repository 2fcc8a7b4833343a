"""Is every definition of the default project readable by the room that uses it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from riskengine.decision.limits import read_products
from riskengine.decision.policy import read_policy
from riskengine.learning.spec import read_spec
from riskengine.monitor.reminders import read_reminders
from riskengine.monitor.signals import read_signals
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.scoring.scorecard import read_grades

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(Project(ROOT))


def test_policy_products_and_grades_fit_the_features(catalogue: Catalogue) -> None:
    grades = [grade.name for grade in read_grades(ROOT / "configs/grades.toml").grades]
    policy = read_policy(ROOT / "configs/policy.toml")
    assert policy.problems(list(catalogue.features), grades) == []
    assert set(read_products(ROOT / "configs/products.toml").features) <= set(catalogue.features)
    for rule in policy.rules:
        assert rule.start, "every rule is dated"
        assert rule.action == "refer" or rule.evidence in ("A", "B"), "only attested rules decline or cap"


def test_signals_and_reminders_fit_the_features(catalogue: Catalogue) -> None:
    known = vocabulary(catalogue)
    grades = tuple(grade.name for grade in read_grades(ROOT / "configs/grades.toml").grades)
    assert len(read_signals(ROOT / "configs/signals.toml", known)) == 5
    assert len(read_reminders(ROOT / "configs/reminders.toml", known, grades)) == 2


@pytest.mark.parametrize("name", ["access_pd", "inforce_pd"])
def test_models_fit_the_features(catalogue: Catalogue, name: str) -> None:
    spec = read_spec(ROOT / f"models/{name}.toml", frozenset(catalogue.features))
    assert spec.label.source in catalogue.sources
    for feature in (*spec.monotone.up, *spec.monotone.down):
        wanted = 1 if feature in spec.monotone.up else -1
        assert catalogue.feature(feature).direction == wanted, feature
