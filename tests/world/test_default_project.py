"""Is every definition of the default project readable by the room that uses it?"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hand_world import DATA, SUBJECTS, seen_in

from riskengine.decision.conditions import BY_DESK
from riskengine.decision.policy import read_policy
from riskengine.decision.products import read_products
from riskengine.learning.ladder import label_problems, read_ladder
from riskengine.learning.spec import read_spec
from riskengine.monitor.reminders import read_reminders
from riskengine.monitor.signals import read_signals
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import (
    Aggregate,
    Arithmetic,
    Code,
    Constant,
    Expression,
    Feature,
    Function,
    aggregates,
)
from riskengine.profile.kinds import value_kind
from riskengine.profile.terms import signature
from riskengine.project import Project
from riskengine.scoring.scorecard import read_grades

ROOT = Path(__file__).parents[2]
# The tables of section 3 of the domain page, by family.
TABLES = {
    "government": """mkt_reg mkt_change mkt_annual mkt_abnormal mkt_equity mkt_people tax_reg tax_rating tax_filing tax_paid
        tax_violation inv_monthly inv_counterparty si_monthly hf_monthly court_exec court_dishonest court_limit court_final
        court_case court_freeze adm_penalty env_safety realty customs utility ip tech_list gov_fund agri""",
    "market": "sentiment bidding jobs movable_pledge equity_pledge price_index supply_chain",
    "guarantee": """institution product application contract disbursement release counter_guar post_check risk_task overdue
        compensation recovery reguar_filing reguar_comp fee""",
    "credit": "pboc_ent pboc_ent_acct pboc_guar pboc_person bank_feedback multi_loan",
}
NOT_READ = {
    "product": "terms are configs/products.toml; the source records what was announced"
}  # why no feature reads it


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(Project(ROOT))


def test_policy_products_and_grades_fit_the_features(catalogue: Catalogue) -> None:
    grades = [grade.name for grade in read_grades(ROOT / "configs/grades.toml").grades]
    policy = read_policy(ROOT / "configs/policy.toml")
    assert policy.problems(list(catalogue.features), grades) == []
    assert set(read_products(ROOT / "configs/products.toml").features) <= {*catalogue.features, *BY_DESK}
    assert policy.unknown_products(read_products(ROOT / "configs/products.toml").ids) == []


def test_signals_and_reminders_fit_the_features(catalogue: Catalogue) -> None:
    known = vocabulary(catalogue)
    grades = tuple(grade.name for grade in read_grades(ROOT / "configs/grades.toml").grades)
    assert len(read_signals(ROOT / "configs/signals.toml", known)) >= 5
    reminders = read_reminders(ROOT / "configs/reminders.toml", known, grades)
    assert {one.id.split("-")[0] for one in reminders} == {f"N{number:02d}" for number in range(1, 30)}


@pytest.mark.parametrize("name", ["access_pd", "inforce_pd"])
def test_models_fit_the_features(catalogue: Catalogue, name: str) -> None:
    spec = read_spec(ROOT / f"models/{name}.toml", frozenset(catalogue.features))
    assert label_problems(catalogue, read_ladder(catalogue), spec.label, spec.subject) == []
    for feature in (*spec.monotone.up, *spec.monotone.down):
        wanted = 1 if feature in spec.monotone.up else -1
        assert catalogue.feature(feature).direction == wanted, feature


def test_every_table_of_the_domain_page_is_a_source(catalogue: Catalogue) -> None:
    wanted = {name: family for family, names in TABLES.items() for name in names.split()}
    assert {name: source.family for name, source in catalogue.sources.items()} == wanted
    assert len(wanted) == 58
    for name, source in catalogue.sources.items():
        said = (source.publisher, source.legal_basis, source.reference, source.cadence, source.lag)
        assert all(said), name


def test_every_source_has_rows_in_the_hand_written_world(catalogue: Catalogue) -> None:
    assert {folder.name for folder in DATA.iterdir()} == set(catalogue.sources)


def test_every_source_is_read_by_a_feature_or_it_is_said_why_not(catalogue: Catalogue) -> None:
    links = catalogue.subjects.links
    used = [part for _, feature in catalogue.features.values() for part in aggregates(feature)]
    read = {part.source for part in used if part.source}
    read |= {links[name].source for part in used for name in part.through}
    assert set(catalogue.sources) - read == set(NOT_READ)
    through = {name for part in used for name in part.through}
    through |= {name for union in through for chain in links[union].any for name in chain}
    assert through == set(links), "every link is looked through"


def test_every_feature_says_what_it_is(catalogue: Catalogue) -> None:
    assert len(catalogue.features) >= 150
    for name, (_, feature) in catalogue.features.items():
        assert feature.en != feature.zh, name
        assert any("\u3400" <= sign <= "\u9fff" for sign in feature.zh), name
        assert feature.en
        assert not any("\u3400" <= sign <= "\u9fff" for sign in feature.en), name
        assert feature.reference, name
        assert feature.unit or value_kind(feature, catalogue.sources) != "number", name
        assert feature.direction in (-1, 0, 1), name


def test_no_two_features_have_one_label_or_one_meaning(catalogue: Catalogue) -> None:
    told = defaultdict(list)
    for name, (_, feature) in catalogue.features.items():
        for same in (feature.en, feature.zh, meaning(feature)):
            told[same].append(name)
    assert [names for names in told.values() if len(names) > 1] == []


def meaning(expression: Expression) -> tuple[Any, ...]:
    """What is computed, without labels and without the order of filters."""
    if isinstance(expression, Aggregate):
        *rest, where, through, most, per = signature(expression)
        return (*rest, tuple(sorted(map(repr, where))), through, most, per)
    if isinstance(expression, Constant):
        return (expression.value,)
    parts = tuple(meaning(part) for part in expression.inputs())
    if isinstance(expression, Feature):
        return parts[0]
    if isinstance(expression, Arithmetic):
        return (expression.operator, *parts)
    if isinstance(expression, Code):
        return (expression.table, expression.other, *parts)
    assert isinstance(expression, Function)
    return (expression.name, *parts)


def test_every_feature_is_known_of_somebody_on_some_day(world: Project) -> None:
    days = ["2023-06-30", "2023-12-31", "2024-07-31", "2024-12-31"]
    seen = seen_in(world, [(name, day) for name in SUBJECTS for day in days])
    names = Catalogue(world).features
    assert [name for name in names if all(row[name] is None for row in seen.values())] == []
