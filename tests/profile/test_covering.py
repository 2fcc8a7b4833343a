"""Of a source that was connected late, is nothing called "none" that nobody could have seen? In every engine, for every verb."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_world import worlds
from small_world import (
    Row,
    catalogue_of,
    compute,
    connect_late,
    ended_months_before,
    months_before,
    store_rows,
    write_project,
)
from test_oracle import _compared, _features
from test_spelling import compared, made, spelled_names

from riskengine.clock import Span
from riskengine.errors import UsageError
from riskengine.profile import expressions
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench, make_wide
from riskengine.profile.covering import OF_SINGLE_FACTS, whole_from
from riskengine.profile.meaning import meaning
from riskengine.profile.one_day import OneDay
from riskengine.profile.plan import compile_recipe
from riskengine.profile.programs import Program
from riskengine.profile.recipe import Recipe
from riskengine.profile.terms import MonthEnd

LATE = {"ledger": "2023-03-01", "patchy": "2023-12-15", "brought": "2024-01-31", "edges": "2023-06-01", "threads": "2024-01-20"}  # fmt: skip
MORE = """
m1 = linked("marked", by="one").named("", "")
m2 = shortest_cycle("out", by="one", most=3).named("", "")
m3 = shortest_cycle("marked", by="one", most=3, ago="1m").named("", "")
m4 = count("patchy", by="one", through="marked").named("", "")
m5 = total("ledger.money", by="one", months=2, through=("marked", "recent")).named("", "")
"""
few = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    project = write_project(tmp_path_factory.mktemp("late"), f"{_features()}\n{MORE}")
    connect_late(project, LATE)
    return catalogue_of(project)


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    """Every eleventh feature, and all that follow late links."""
    names = list(catalogue.features)
    return compile_recipe(catalogue, sorted({*names[::11], *(name for name in names if name[0] in "mn")}))


@pytest.fixture(scope="module")
def spelled(catalogue: Catalogue, recipe: Recipe) -> tuple[Recipe, Program]:
    return made(catalogue, [name for name in spelled_names(catalogue) if name in recipe.names][::4])


@few
@given(worlds())
def test_every_verb_is_unknown_until_its_window_is_covered(
    catalogue: Catalogue, recipe: Recipe, spelled: tuple[Recipe, Program], world: Any
) -> None:
    """DuckDB against the slow reading; single reviews' Python and one day's straight reading against DuckDB."""
    _compared(catalogue, recipe, world)
    compared(*spelled, world)
    _one_day(recipe, world)


def _one_day(recipe: Recipe, world: Any) -> None:
    """Read straight from the facts, a day's profiles are those that join pairs."""
    rows, subjects, _ = world
    day = subjects[0].as_of
    same_day = [Subject(day, one.keys) for one in subjects]
    with tempfile.TemporaryDirectory() as folder:
        held = store_rows(Path(folder), {source: facts for source, facts in rows.items() if facts})
        wanted = compute(held, recipe, same_day)
        with Workbench(held) as bench:
            bench.load_subjects(recipe, same_day)
            bench.load_facts(recipe)
            make_wide(bench.connection, recipe, OneDay(day, lambda source: True).table)
            found = bench.connection.execute(recipe.values).fetchall()
    assert [tuple(row.values()) for row in wanted] == found


BY_HAND = """
n = count("ledger", by="one", months=2, ago="10d").named("", "")
bad = count("ledger", by="one", months=2, ago="10d", where=field("yes").equals(True)).named("", "")
amount = total("ledger.money", by="one", window="2m").named("", "")
yoy = year_on_year("ledger.money", by="one", months=1).named("", "")
level = mean("ledger.money", by="one", window="2m").named("", "")
ever = count("ledger", by="one").named("", "")
owed = total("ledger.money", by="one").named("", "")
last = latest("ledger.money", by="one").named("", "")
most = largest("ledger.money", by="one", window="2m").named("", "")
since = days_since("ledger", by="one", window="2m").named("", "")
"""


def test_what_is_said_before_and_after_a_window_is_covered(tmp_path: Path) -> None:
    """Connected on 1 May: May and June are wholly known on 10 July, ten days after June. One enterprise has a fact, one none."""
    project = write_project(tmp_path, f"from riskengine.profile import *\n{BY_HAND}")
    connect_late(project, {"ledger": "2024-05-01"})
    late = catalogue_of(project)
    facts = [Row(date(2024, 5, 31), date(2024, 5, 31), {"id": "a", "k1": "x", "money": 5, "yes": True})]
    held = store_rows(tmp_path / "store", {"ledger": facts})
    recipe = compile_recipe(late, late.features)

    def said(day: date, who: str) -> dict[str, Any]:
        keys = {"id": None, "k1": who, "k2": None, "g_key": None}
        ((row),) = compute(held, recipe, [Subject(day, keys)])
        return {name: row[name] for name in recipe.names}

    whatever_the_day = {"ever": 1, "owed": 5, "last": 5, "yoy": None}
    nothing = dict.fromkeys(recipe.names)
    assert said(date(2024, 6, 29), "x") == {
        **nothing, **whatever_the_day, "most": 5, "since": 29,
    }  # fmt: skip
    assert said(date(2024, 6, 30), "x") == {
        **nothing, **whatever_the_day, "amount": 5, "level": 5, "most": 5, "since": 30,
    }  # fmt: skip
    assert said(date(2024, 7, 9), "x")["n"] is None
    assert {name: said(date(2024, 7, 10), "x")[name] for name in ("n", "bad")} == {"n": 1, "bad": 1}
    assert said(date(2024, 7, 9), "y") == {**nothing, "amount": 0}
    assert said(date(2024, 7, 10), "y") == {**nothing, "n": 0, "bad": 0, "amount": 0}


def test_only_what_joins_steps_to_subjects_knows_of_the_day(tmp_path: Path) -> None:
    """A step's rows rest on facts alone, so they are carried over days and nights whatever the contract says."""
    features = f"from riskengine.profile import *\n{BY_HAND}"
    project = write_project(tmp_path / "always", features)
    always = compile_recipe(catalogue_of(project), ["n", "bad", "amount", "yoy", "level", "last"])
    other = write_project(tmp_path / "late", features)
    connect_late(other, {"ledger": "2024-05-01"})
    late = compile_recipe(catalogue_of(other), ["n", "bad", "amount", "yoy", "level", "last"])
    assert [block.steps for block in late.blocks] == [block.steps for block in always.blocks]
    assert (late.steps, late.values, late.sources) == (always.steps, always.values, always.sources)
    assert late.blocks != always.blocks
    assert meaning(catalogue_of(other), ["n"]) != meaning(catalogue_of(project), ["n"])


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.builds(Span, st.integers(0, 15), st.integers(0, 40)),
    st.one_of(st.none(), st.integers(0, 15)),
)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_a_window_is_covered_from_one_day_on(since: date, back: Span, earlier: int | None) -> None:
    edge = back if earlier is None else MonthEnd(back, earlier)
    day = whole_from(since, edge)
    assert _first_inside(day, edge) >= since
    assert day == since or _first_inside(day - timedelta(days=1), edge) < since


def _first_inside(day: date, edge: Span | MonthEnd) -> date:
    """The first day of a window, found by stepping."""
    span = edge if isinstance(edge, Span) else edge.ago
    far = months_before(day, span.months) - timedelta(days=span.days)
    if isinstance(edge, MonthEnd):
        while (far + timedelta(days=1)).day != 1:
            far -= timedelta(days=1)
        far = ended_months_before(far, edge.earlier)
    return far + timedelta(days=1)


def test_a_contract_says_so_in_days_and_of_facts(tmp_path: Path) -> None:
    project = write_project(tmp_path, "")
    connect_late(project, {"ledger": "2999-01-01", "drawn": "2024-05-01", "edges": "'soon'"})
    with pytest.raises(UsageError) as caught:
        catalogue_of(project).sources  # noqa: B018
    said = str(caught.value)
    assert "covers_from is a day of 1900 to 2199, not 2999-01-01" in said
    assert "covers_from is for facts: no feature reads a design" in said
    assert "edges.toml: covers_from" in said


def test_verbs_are_of_single_facts_or_of_a_window() -> None:
    of_windows = {"count", "total", "largest_total", "mean", "distinct", "longest_gap", "months_with", "streak", "trend", "volatility"}  # fmt: skip
    assert of_windows | {*OF_SINGLE_FACTS, "linked", "cycle"} == set(get_args(expressions.Verb))
