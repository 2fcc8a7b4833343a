"""Do results that are carried over days and nights have the bits of those that are computed anew?"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_world import worlds
from small_world import Row, catalogue_of, connect_late, store_rows, write_project

from riskengine.profile import carried
from riskengine.profile.carried import Carrying
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench, make_wide
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.profile.yesterday import Tonight
from riskengine.store.snapshot import Snapshot

FEATURES = """
from riskengine.profile import count, days_since, distinct, first, largest, latest, mean, months_with, total, trend
n = count("ledger", by="one").named("n", "n")
n_12m = count("ledger", by="one", window="12m").named("n", "n")
n_before = count("ledger", by="pair", window="2m", ago="1m").named("n", "n")
amount = total("ledger.money", by="one", window="2m").named("n", "n")
whole = total("ledger.money", by="one", months=2, ago="10d").named("n", "n")
months = months_with("ledger", by="one", window="12m").named("n", "n")
last = latest("ledger.word", by="one").named("n", "n")
start = first("patchy.word", by="one", window="12m").named("n", "n")
since = days_since("ledger", by="one").named("n", "n")
words = distinct("patchy.word", by="one", window="2m").named("n", "n")
level = mean("patchy.number", by="other", window="12m").named("n", "n")
most = largest("ledger.money", by="one", window="30d").named("n", "n")
slope = trend("ledger.money", by="one", window="12m").named("n", "n")
everybody = count("ledger", by="all").named("n", "n")
linked = count("ledger", by="one", through="out").named("n", "n")
"""
KEYS = [{"id": None, "k1": a, "k2": b, "g_key": a} for a in ("x", "y", "z", None) for b in ("x", "y", None)]
MONTHS = [date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]
SLOTS = dict.fromkeys(("ledger", "patchy", "edges"), ("id",))
relaxed = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Counts of `patchy` become known between the second and the third day, those of 12 months on none of them."""
    project = write_project(tmp_path_factory.mktemp("carried"), FEATURES)
    connect_late(project, {"patchy": "2023-12-20"})
    return catalogue_of(project)


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features)


def _ready(bench: Workbench, recipe: Recipe, days: list[date]) -> None:
    bench.load_subjects(recipe, [Subject(day, keys) for day in days for keys in KEYS])
    bench.load_facts(recipe)


def _plainly(snapshot: Snapshot, recipe: Recipe, days: list[date]) -> list[tuple[Any, ...]]:
    with Workbench(snapshot) as bench:
        _ready(bench, recipe, days)
        return [tuple(row.values()) for row in bench.rows(recipe)]


@relaxed
@given(world=worlds())
def test_days_at_once_are_days_one_by_one(
    recipe: Recipe, tmp_path_factory: pytest.TempPathFactory, world: tuple[dict[str, list[Row]], Any, Any]
) -> None:
    snapshot = store_rows(tmp_path_factory.mktemp("store"), world[0])
    with pytest.MonkeyPatch.context() as patch, Workbench(snapshot) as bench:
        patch.setattr(carried, "MOST", 1.0)  # carried even where nearly all pairs move
        _ready(bench, recipe, MONTHS)
        make_wide(bench.connection, recipe, Carrying(MONTHS).table)
        found = bench.connection.execute(recipe.values).fetchall()
    assert [row[1:] for row in found] == [
        row[1:] for day in MONTHS for row in _plainly(snapshot, recipe, [day])
    ]


@relaxed
@given(world=worlds(), first=st.integers(0, 500), gap=st.integers(1, 40))
def test_a_night_after_a_night_is_a_night_alone(
    recipe: Recipe,
    tmp_path_factory: pytest.TempPathFactory,
    world: tuple[dict[str, list[Row]], Any, Any],
    first: int,
    gap: int,
) -> None:
    """The second batch arrives between the first night and the second; the third night has no news but the calendar's."""
    root, kept = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("kept")
    begin = {name: [row for row in rows if row.batch == 1] for name, rows in world[0].items()}
    day = date(2023, 9, 1) + timedelta(days=first)
    held = 0
    for snapshot in (store_rows(root, begin), store_rows(root, world[0]), store_rows(root, world[0])):
        with Workbench(snapshot) as bench:
            _ready(bench, recipe, [day])
            tonight = Tonight(bench, recipe, kept, day, SLOTS)
            make_wide(bench.connection, recipe, tonight.table)
            found = bench.connection.execute(recipe.values).fetchall()
            tonight.keep()
        assert found == _plainly(snapshot, recipe, [day])
        held += tonight.carried
        day += timedelta(days=gap)
    assert held > 0


def test_what_is_damaged_or_of_a_later_day_is_not_used(recipe: Recipe, tmp_path: Path) -> None:
    row = Row(date(2024, 1, 20), date(2024, 1, 25), {"id": "a", "k1": "x", "money": 5}, 1, 1)
    snapshot = store_rows(tmp_path / "store", {"ledger": [row]})

    def night(day: date) -> int:
        with Workbench(snapshot) as bench:
            _ready(bench, recipe, [day])
            tonight = Tonight(bench, recipe, tmp_path / "kept", day, SLOTS)
            make_wide(bench.connection, recipe, tonight.table)
            bench.connection.execute(recipe.values).fetchall()
            tonight.keep()
            return tonight.carried

    assert night(date(2024, 2, 10)) == 0
    assert night(date(2024, 2, 11)) > 0
    assert night(date(2024, 2, 10)) == 0  # what is kept is of the 11th
    (file,) = (tmp_path / "kept").glob("*.duckdb")
    file.write_bytes(file.read_bytes()[:-1])
    assert night(date(2024, 2, 12)) == 0
