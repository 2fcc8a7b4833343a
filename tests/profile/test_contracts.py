"""Does every feature of every project hold what features promise: on no data, on the world, alone as in a batch?"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from riskengine.intake.contract import SourceContract
from riskengine.intake.load import take_in
from riskengine.profile import plan
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.store import snapshot as snapshots
from riskengine.store.facts import ARROW_TYPES, FACT_FIELDS, FactStore
from riskengine.store.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
PROJECTS = {"default": ROOT, "sba_7a": ROOT / "examples" / "sba_7a"}
START, AS_OF, END = date(2022, 1, 31), date(2024, 2, 29), date(2025, 6, 30)


@pytest.fixture(scope="module", params=sorted(PROJECTS))
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    return Catalogue(Project(PROJECTS[request.param]))


@pytest.fixture(scope="module")
def recipes(catalogue: Catalogue) -> list[Recipe]:
    return _compiled(catalogue)


def _compiled(catalogue: Catalogue) -> list[Recipe]:
    """A recipe for each file of features: one query over them all would take ten times as long."""
    rooms: dict[str, list[str]] = {}
    for name, (room, _) in catalogue.features.items():
        rooms.setdefault(room, []).append(name)
    return [compile_recipe(catalogue, names, lineage=True) for names in rooms.values()]


def _value(chance: random.Random, contract: SourceContract, name: str) -> Any:
    kind = contract.column_type(name)
    column = contract.columns.get(name)
    if chance.random() < 0.1 and name not in contract.key:
        return None
    if kind == "text":
        few = column.values if column and column.values else ("a", "b", "c", "d")
        return chance.choice([*few, "ab"] if name in contract.key else few)
    if kind == "date":
        return START + timedelta(days=chance.randrange(900))
    if kind == "flag":
        return chance.random() < 0.5
    if kind == "integer":
        return chance.randrange(0, 50)
    return Decimal(chance.randrange(0, 10**8)) / 100 if kind == "money" else chance.random() * 100


def _random_facts(
    contract: SourceContract, chance: random.Random, count: int, known: tuple[date, date]
) -> pa.Table:
    names = [*contract.columns, *contract.derived]
    rows = []
    for number in range(count):
        told = known[0] + timedelta(days=chance.randrange((known[1] - known[0]).days + 1))
        row = {name: _value(chance, contract, name) for name in names}
        fixed = (
            told - timedelta(days=chance.choice([0, 1, 30, 400])),
            told,
            1,
            number,
            chance.random() < 0.1,
            "x",
        )
        rows.append(row | dict(zip((name for name, _ in FACT_FIELDS), fixed, strict=True)))
    fields = [(name, ARROW_TYPES[contract.column_type(name) or "text"]) for name in names]
    return pa.Table.from_pylist(rows, pa.schema([*fields, *FACT_FIELDS]))


def _random_world(catalogue: Catalogue, root: Path, future: bool = False) -> Snapshot:
    """Random facts known by `AS_OF`; with `future` also as many that become known after it."""
    store = FactStore(root)
    for name, contract in sorted(catalogue.sources.items()):
        chance = random.Random(name)
        store.append(name, _random_facts(contract, chance, 60, (START, AS_OF)), 1)
        if future:
            store.append(name, _random_facts(contract, chance, 60, (AS_OF + timedelta(days=1), END)), 2)
    return store.publish({name: contract.key for name, contract in catalogue.sources.items()})


def _subjects(catalogue: Catalogue) -> list[Subject]:
    chance = random.Random(7)
    source = catalogue.sources[catalogue.subjects.applicant.source]
    columns = sorted({column for key in catalogue.subjects.keys.values() for column in key})
    return [Subject(AS_OF, {column: _value(chance, source, column) for column in columns}) for _ in range(12)]


def _rows(snapshot: Snapshot, recipes: list[Recipe], subjects: list[Subject]) -> list[dict[str, Any]]:
    """What all the recipes say of each subject."""
    found: list[dict[str, Any]] = [{} for _ in subjects]
    for recipe in recipes:
        with Workbench(snapshot) as bench:
            bench.load_facts(recipe)
            bench.load_subjects(recipe, subjects)
            for row, more in zip(found, bench.rows(recipe), strict=True):
                row |= more
    return found


@dataclass(frozen=True)
class Together:
    """Random facts known by `AS_OF`, subjects of that day, and what all recipes say of them side by side."""

    snapshot: Snapshot
    subjects: list[Subject]
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def together(
    catalogue: Catalogue, recipes: list[Recipe], tmp_path_factory: pytest.TempPathFactory
) -> Together:
    snapshot, subjects = _random_world(catalogue, tmp_path_factory.mktemp("past")), _subjects(catalogue)
    return Together(snapshot, subjects, _rows(snapshot, recipes, subjects))


def _names(recipes: list[Recipe]) -> list[str]:
    return [name for recipe in recipes for name in recipe.names]


def test_the_definitions_are_sound_and_said_in_both_languages(catalogue: Catalogue) -> None:
    assert catalogue.problems() == []
    for name, (_, feature) in catalogue.features.items():
        assert feature.en, name
        assert feature.zh, name
        assert feature.direction in (-1, 0, 1), name
    assert {source.family for source in catalogue.sources.values() if source.role == "facts"} == {
        "government", "market", "guarantee", "credit"
    }  # fmt: skip


def test_every_feature_computes_where_nothing_is_known(recipes: list[Recipe], tmp_path: Path) -> None:
    (row,) = _rows(snapshots.read(tmp_path), recipes, [Subject(AS_OF, {})])
    assert set(_names(recipes)) <= set(row)
    assert all(row[f"{name}__event"] is None and row[f"{name}__known"] is None for name in _names(recipes))


def test_one_alone_is_one_of_many_to_the_bit_and_no_fact_is_from_later(
    recipes: list[Recipe], together: Together
) -> None:
    for number in (0, 11):
        (alone,) = _rows(together.snapshot, recipes, [together.subjects[number]])
        assert {**alone, "subject": number} == together.rows[number]
    back = _rows(together.snapshot, recipes, together.subjects[::-1])
    assert [{**row, "subject": 11 - row["subject"]} for row in back][::-1] == together.rows
    names = _names(recipes)
    for row in together.rows:
        for name in names:
            for clock in ("event", "known"):
                assert row[f"{name}__{clock}"] is None or row[f"{name}__{clock}"] <= AS_OF, name
    said = {name for row in together.rows for name in names if row[name] is not None}
    assert len(said) > 0.8 * len(names), sorted(set(names) - said)


def test_no_feature_is_moved_by_the_future(
    catalogue: Catalogue, recipes: list[Recipe], together: Together, tmp_path: Path
) -> None:
    later = [replace(subject, as_of=END) for subject in together.subjects]
    snapshot = _random_world(catalogue, tmp_path, future=True)
    rows = _rows(snapshot, recipes, [*together.subjects, *later])
    assert rows[:12] == together.rows
    seen = [{**row, "subject": row["subject"] - 12} for row in rows[12:]]
    assert all(a != b for a, b in zip(seen, together.rows, strict=True)), (
        "the future is there to be seen later"
    )


@pytest.fixture
def _no_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every group is read plainly, fact by fact."""
    groups = plan.grouped
    monkeypatch.setattr(
        plan, "grouped", lambda *given: [replace(group, additive=False) for group in groups(*given)]
    )


@pytest.mark.usefixtures("_no_fast_path")
def test_facts_summed_before_the_join_give_the_same_bits(
    catalogue: Catalogue, recipes: list[Recipe], together: Together
) -> None:
    plain = _compiled(catalogue)
    assert any(one.blocks != other.blocks for one, other in zip(plain, recipes, strict=True))
    assert _rows(together.snapshot, plain, together.subjects) == together.rows


@pytest.mark.parametrize("catalogue", ["default"], indirect=True)
def test_every_feature_says_something_on_the_hand_written_world(
    catalogue: Catalogue, recipes: list[Recipe], tmp_path: Path
) -> None:
    for room in ("configs", "features", "models"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(tmp_path)
    for folder in sorted((ROOT / "tests/world/data").iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), date(2025, 1, 31))
    snapshot = FactStore(project.store).snapshot()
    columns = sorted({column for key in catalogue.subjects.keys.values() for column in key})
    with Workbench(snapshot) as bench:
        applicants = bench.connection.execute(
            f"SELECT {', '.join(columns)} FROM {bench.facts('application')}"
        ).fetchall()
    days = (date(2023, 6, 30), date(2023, 12, 31), date(2024, 7, 31), date(2024, 12, 31))
    subjects = [Subject(day, dict(zip(columns, row, strict=True))) for day in days for row in applicants]
    names, said = _names(recipes), set()
    for subject, row in zip(subjects, _rows(snapshot, recipes, subjects), strict=True):
        for name in names:
            assert row[f"{name}__known"] is None or row[f"{name}__known"] <= subject.as_of, name
            if row[name] is not None:
                said.add(name)
    assert said == set(names)
