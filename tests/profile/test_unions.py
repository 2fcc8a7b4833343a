"""Does a union of link chains lead to what any of its chains leads to, and does it say "unknown" only when all do?"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_world import (
    LINKS,
    Oracle,
    Row,
    catalogue_of,
    compute,
    same,
    store_rows,
    write_links,
    write_project,
)
from test_links import BEGIN, SUBJECTS, dense_rows

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.keys import Link
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe

MORE = {
    "heavy": Link(source="threads", start="k1", end="g_key", least={"rate": 0.25}),
    "heavier": Link(source="edges", start="k1", end="g_key", above={"rate": 0.25, "money": 2}, window="12m"),
    "first": Link(source="edges", start="k1", end="g_key", where={"yes": True}, largest=1, by="money"),
    "two": Link(source="threads", start="g_key", end="k1", largest=2, by="rate", window="12m"),
    "near": Link(any=(("out",), ("some",), ("out", "back"))),  # one way at least is complete: never unknown
    "doubtful": Link(any=(("some",), ("heavy",), ("some", "out"), ("heavy", "recent"))),
    "strong": Link(any=(("heavier",), ("heavy", "back"), ("first", "two"))),
}
LINKED = ["near", "doubtful", "strong", "heavy", "heavier", "first", "two"]
FEATURES = "from riskengine.profile import *\n" + "\n".join(
    f"""
n{i} = linked("{name}", by="one").named("", "")
c{i} = count("ledger", by="one", through="{name}").named("", "")
p{i} = count("patchy", by="one", window="12m", through="{name}").named("", "")
t{i} = total("ledger.money", by="one", through="{name}", where=field("word").equals("甲")).named("", "")
d{i} = distinct("ledger.k1", by="one", through="{name}").named("", "")
l{i} = latest("patchy.word", by="one", through="{name}").named("", "")
"""
    for i, name in enumerate(LINKED)
)


def _project(root: Path, features: str) -> Catalogue:
    project = write_project(root, features)
    path = root / "configs/subjects.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + write_links(MORE), encoding="utf-8")
    return catalogue_of(project)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return _project(tmp_path_factory.mktemp("unions"), FEATURES)


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features, lineage=True)


@st.composite
def rated_rows(draw: st.DrawFn, known: list[date] | None = None) -> list[Row]:
    """Rows as in `test_links`, with a rate around the bound."""
    rows = draw(dense_rows() if known is None else dense_rows(known))
    rate = st.sampled_from([None, 0.1, 0.25, 0.25, 0.5])
    return [Row(r.event, r.known, {**r.values, "rate": draw(rate)}, r.batch, r.row, r.removed) for r in rows]


WORLD = st.fixed_dictionaries(dict.fromkeys(("edges", "threads", "ledger", "patchy"), rated_rows()))


def _run(rows: dict[str, list[Row]], recipe: Recipe, subjects: list[Subject]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {name: facts for name, facts in rows.items() if facts})
        return compute(snapshot, recipe, subjects)


def test_a_union_is_a_plain_loop_over_its_chains(catalogue: Catalogue, recipe: Recipe) -> None:
    seen = {"reached": 0, "none": 0, "unknown": 0}

    @settings(max_examples=9, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(WORLD)
    def compared(rows: dict[str, list[Row]]) -> None:
        for subject, values in zip(SUBJECTS, _run(rows, recipe, SUBJECTS), strict=True):
            oracle = Oracle(
                rows, catalogue.sources, catalogue.subjects.keys, subject, links={**LINKS, **MORE}
            )
            for name in recipe.names:
                wanted = oracle.value(catalogue.feature(name))
                assert same(values[name], wanted), (name, subject, values[name], wanted)
                clocks = [values[f"{name}__{clock}"] for clock in ("event", "known")]
                assert all(clock is None or clock <= subject.as_of for clock in clocks)
                if name in ("n0", "n1", "n2"):
                    assert (clocks[1] is not None) == bool(wanted), "what is reached was learnt some day"
                    seen["unknown" if wanted is None else "reached" if wanted else "none"] += 1

    compared()
    assert all(number > 50 for number in seen.values()), seen


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(WORLD, st.fixed_dictionaries({"edges": rated_rows([date(2024, 6, 1)])}))
def test_one_is_one_of_many_and_what_is_learnt_later_changes_nothing(
    recipe: Recipe, rows: dict[str, list[Row]], later: dict[str, list[Row]]
) -> None:
    before = _run(rows, recipe, SUBJECTS)
    grown = {
        name: facts + [Row(r.event, r.known, r.values, 9, r.row, r.removed) for r in later.get(name, [])]
        for name, facts in rows.items()
    }
    assert _run(grown, recipe, SUBJECTS) == before
    for number in (1, 12, 25):
        (alone,) = _run(rows, recipe, [SUBJECTS[number]])
        assert {**alone, "subject": number} == before[number]


def test_one_way_that_knows_speaks_for_those_that_do_not(recipe: Recipe, tmp_path: Path) -> None:
    day = BEGIN + timedelta(days=3)
    light = Row(BEGIN, BEGIN, {"id": "e", "k1": "x", "g_key": "y", "rate": 0.1, "word": "乙"})
    snapshot = store_rows(tmp_path, {"threads": [light]})
    x, q = compute(snapshot, recipe, [Subject(day, {"k1": "x"}), Subject(day, {"k1": "q"})])
    assert (x["n0"], q["n0"]) == (0, 0), "a complete way says that there is nobody"
    assert (x["n1"], q["n1"]) == (0, None), "no way of q is known; of x there is an edge, but not such a one"
    assert (x["c1"], q["c1"]) == (0, None)


def test_a_misspelt_union_is_told_with_its_place(tmp_path: Path) -> None:
    project = write_project(
        tmp_path,
        "from riskengine.profile import *\n"
        'a = linked(("both", "out"), by="one").named("", "")\n'
        'b = linked("both", by="pair").named("", "")\n'
        'c = linked("odd", by="one").named("", "")\n'
        'd = linked("bad", by="one").named("", "")\n',
    )
    path = tmp_path / "configs/subjects.toml"
    wrong = """
[links.both]
any = [["out"], ["some", "back"]]
[links.bad]
any = [["outt"], ["both"], []]
window = "3m"
[links.odd]
any = [["out"], ["dated"]]
[links.dated]
source = "edges"
from = "k1"
to = "day"
least = { word = 1, rat = 0.5 }
[links.ranked]
source = "edges"
from = "k1"
to = "g_key"
largest = 3
by = "word"
[links.half]
source = "edges"
from = "k1"
to = "g_key"
by = "mony"
"""
    path.write_text(path.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    shown = [str(problem) for problem in catalogue_of(project).problems()]
    for said in (
        "links.bad: expected any alone, or source, from and to, got any with window",
        "links.bad.any: expected at least one link in each chain",
        "links.bad.any: expected a declared link, got 'outt'. Did you mean 'out'?",
        "links.bad.any: expected chains of plain links, got the union 'both'",
        "links.dated.least: expected a column of edges, got 'rat'. Did you mean 'rate'?",
        "links.dated.least: expected a column of numbers, got word, a text",
        "links.ranked.by: expected a column of numbers, got word, a text",
        "links.half: expected largest and by together, got largest = 0, by = 'mony'",
        "links.half.by: expected a column of edges, got 'mony'. Did you mean 'money'?",
        "a: expected the union both followed alone, not in a chain, got both -> out",
        "b: expected a key of one column to follow links from, got pair",
    ):
        assert any(said in line for line in shown), (said, shown)
    assert len(shown) == 11, shown
