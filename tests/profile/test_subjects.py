"""Who is in force, who applied, and who is found, against a plain loop over all interleavings of random rows."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_world import Row, current, months_before, store_rows, write_project

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import find_subject, load_applicants, load_in_force

DAYS = st.integers(0, 400).map(lambda n: date(2003, 12, 1) + timedelta(days=n))
RULE = SubjectRule(source="ledger", id="id", enterprise="k1", ends_with=("patchy",), longest="6m")


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """A few versions of a few guarantees, some withdrawn, known on time or late."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        event = draw(DAYS)
        known = event + timedelta(days=draw(st.integers(0, 60)))
        name = draw(st.sampled_from("ab"))
        values = {"id": name, "k1": f"firm {name}", "k2": "x", "g_key": "y"}
        made.append(Row(event, known, values, row=number + 1, removed=draw(st.integers(0, 4)) == 0))
    return made


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    text = 'from riskengine.profile import count\nseen = count("ledger", by="own").named("Seen", "见")\n'
    project = write_project(tmp_path_factory.mktemp("project"), text)
    return compile_recipe(Catalogue(project), ["seen"])


@settings(max_examples=60, deadline=None)
@given(rows(), rows(), st.lists(DAYS, min_size=1, max_size=3, unique=True))
def test_in_force_is_a_plain_loop(
    recipe: Recipe, begun: list[Row], ended: list[Row], days: list[date]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {"ledger": begun, "patchy": ended})
        with Workbench(snapshot) as bench:
            count = load_in_force(bench, RULE, recipe, days)
            got = bench.connection.execute("SELECT as_of, id FROM subjects ORDER BY subject").fetchall()
    expected = []
    for day in sorted(days):
        over = {row.get("id") for row in current(ended, day)}
        for row in sorted(current(begun, day), key=lambda row: row.get("id")):
            if row.get("id") not in over and row.event > months_before(day, 6):
                expected.append((day, row.get("id")))
    assert got == expected
    assert count == len(expected)


@settings(max_examples=40, deadline=None)
@given(rows(), DAYS)
def test_applicants_are_what_is_known_each_on_its_own_day(
    recipe: Recipe, filed: list[Row], known: date
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {"ledger": filed})
        with Workbench(snapshot) as bench:
            load_applicants(bench, RULE, recipe, known=known)
            got = bench.connection.execute("SELECT as_of, id FROM subjects ORDER BY subject").fetchall()
            found = {
                name: find_subject(bench, RULE, recipe, name, known) for name in ("a", "firm b", "nobody")
            }
    first: dict[str, Row] = {}
    for row in sorted(filed, key=lambda row: (row.known, row.batch, row.row)):
        if row.known <= known and not row.removed:
            first.setdefault(row.get("id"), row)
    assert got == sorted((row.event, name) for name, row in first.items())
    names = {row.get("id") for row in current(filed, known)}
    assert (found["a"] is not None) == ("a" in names)
    assert (found["firm b"] is not None) == ("b" in names)
    assert found["nobody"] is None
