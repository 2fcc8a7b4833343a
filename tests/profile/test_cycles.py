"""Is the shortest way back to oneself what a graph library says, on each day as it was known, and today as of then?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from small_world import Oracle, Row, catalogue_of, compute, store_rows, write_project
from test_links import DAYS, SUBJECTS

from riskengine.errors import UsageError
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.profile.verbs import largest_total, shortest_cycle, streak

FEATURES = """from riskengine.profile import *
c1 = shortest_cycle("out", by="one").named("", "")
c2 = shortest_cycle("some", by="one", most=3).named("", "")
c3 = shortest_cycle("marked", by="one", most=2).named("", "")
c4 = shortest_cycle("out", by="one", ago="30d").named("", "")
c5 = shortest_cycle("out", by="one", most=1).named("", "")
new = (shortest_cycle("out", by="one").equals(shortest_cycle("out", by="one", ago="1d")) < 1).named("", "")
n1 = linked("out", by="one").named("", "")
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(write_project(tmp_path_factory.mktemp("cycles"), FEATURES))


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features, lineage=True)


def _run(rows: dict[str, list[Row]], recipe: Recipe, subjects: list[Subject]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {name: facts for name, facts in rows.items() if facts})
        return compute(snapshot, recipe, subjects)


def rings(random: Random, known: list[date] = DAYS) -> list[Row]:
    """Edges among seven keys, mostly around, so that cycles of every length come up; versions and removals too."""
    made = []
    for number in range(random.randint(6, 30)):
        event, told = random.choice(DAYS[:3]), random.choice(known)
        start = random.randrange(7)
        values = {
            "id": f"{random.randrange(90)}", "k1": "xyzwuvt"[start],
            "g_key": "xyzwuvt"[(start + random.choice([1, 1, 1, 1, 2, 4, 6, 0])) % 7],
            "word": random.choice(["甲", "甲", "甲", "乙"]), "yes": random.random() < 0.7,
        }  # fmt: skip
        gone = random.random() < 0.1
        made.append(Row(min(event, told), told, values, random.choice([1, 2]), number, gone))
    return made


def worlds(count: int) -> Iterator[tuple[Random, dict[str, list[Row]]]]:
    """So many worlds, the same on every run."""
    for seed in range(count):
        random = Random(seed)
        yield random, {"edges": rings(random), "threads": rings(random)}


def test_a_cycle_is_what_a_graph_library_finds(catalogue: Catalogue, recipe: Recipe) -> None:
    seen: dict[Any, int] = {}

    for _, rows in worlds(10):
        for subject, values in zip(SUBJECTS, _run(rows, recipe, SUBJECTS), strict=True):
            oracle = Oracle(rows, catalogue.sources, catalogue.subjects.keys, subject)
            for name in recipe.names:
                wanted = oracle.value(catalogue.feature(name))
                assert values[name] == wanted, (name, subject, values[name], wanted)
                clocks = [values[f"{name}__{clock}"] for clock in ("event", "known")]
                assert all(clock is None or clock <= subject.as_of for clock in clocks)
                if name in ("c1", "c2"):
                    assert (clocks[1] is not None) == bool(wanted), "a cycle was learnt some day"
                    seen[wanted] = seen.get(wanted, 0) + 1

    assert {0, 1, 2, None} <= set(seen), seen
    assert max(steps for steps in seen if steps) >= 4, seen


def test_one_is_one_of_many_and_what_is_learnt_later_changes_nothing(recipe: Recipe) -> None:
    ((random, rows),) = worlds(1)
    before = _run(rows, recipe, SUBJECTS)
    later = [Row(r.event, r.known, r.values, 9, r.row, r.removed) for r in rings(random, [date(2024, 6, 1)])]
    assert _run({**rows, "edges": rows["edges"] + later}, recipe, SUBJECTS) == before
    for number in (1, 12, 25):
        (alone,) = _run(rows, recipe, [SUBJECTS[number]])
        assert {**alone, "subject": number} == before[number]


def test_a_ring_of_six_is_seen_from_the_day_it_closes_and_is_new_that_day_only(
    recipe: Recipe, tmp_path: Path
) -> None:
    day = [date(2024, 5, 1) + timedelta(days=n) for n in range(60)]
    ring = "xabcde"
    edges = [
        Row(day[0], day[0], {"id": one, "k1": one, "g_key": other}, 1, number)
        for number, (one, other) in enumerate(zip(ring, ring[1:] + "x", strict=True))
    ]
    edges[-1] = Row(day[5], day[7], edges[-1].values, 1, 5)  # signed on the fifth, known on the seventh
    broken = Row(day[0], day[50], edges[2].values, 2, 1, removed=True)
    snapshot = store_rows(tmp_path, {"edges": [*edges, broken], "threads": edges})
    got = compute(snapshot, recipe, [Subject(day[n], {"k1": "x"}) for n in (6, 7, 8, 36, 37, 50)])
    assert [row["c1"] for row in got] == [0, 6, 6, 6, 6, 0]
    assert [row["c4"] for row in got] == [0, 0, 0, 0, 6, 6], "as it was known thirty days before"
    assert [row["new"] for row in got] == [0, 1, 0, 0, 0, 1]
    assert [row["c1__known"] for row in got] == [None, day[7], day[7], day[7], day[7], None]
    assert [row["c2"] for row in got] == [None] * 6, (
        "a partial source never says that there is none within three"
    )


def test_rings_of_every_length_up_to_the_most(recipe: Recipe, tmp_path: Path) -> None:
    day, edges = date(2024, 5, 1), []
    for length in range(1, 9):
        ring = [f"{length}{n}" for n in range(length)]
        for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
            edges.append(Row(day, day, {"id": one, "k1": one, "g_key": other}, 1, len(edges)))
    subjects = [Subject(day, {"k1": f"{length}0"}) for length in range(1, 9)]
    got = compute(store_rows(tmp_path, {"edges": edges}), recipe, subjects)
    assert [row["c1"] for row in got] == [1, 2, 3, 4, 5, 6, 0, 0]
    assert [row["c5"] for row in got] == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("most", [0, 11, True, "6"])
def test_what_cannot_be_asked_is_refused_where_it_is_written(most: Any) -> None:
    with pytest.raises(UsageError, match="a whole number of 1 to 10"):
        shortest_cycle("out", by="one", most=most)
    with pytest.raises(UsageError, match="one link"):
        shortest_cycle(("out", "back"), by="one")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="in common"):
        streak("ledger", by="one")
    with pytest.raises(UsageError, match="per = the column"):
        largest_total("ledger.money", per="", by="one")


def test_a_cycle_needs_one_link_from_the_key_to_its_like(tmp_path: Path) -> None:
    text = 'from riskengine.profile import *\na = shortest_cycle("outt", by="one").named("", "")\n'
    text += 'b = shortest_cycle("both", by="one").named("", "")\nc = shortest_cycle("odd", by="one").named("", "")\n'
    project = write_project(tmp_path, text + 'd = shortest_cycle("out", by="pair").named("", "")\n')
    path = tmp_path / "configs/subjects.toml"
    more = (
        '\n[links.both]\nany = [["out"], ["some"]]\n[links.odd]\nsource = "edges"\nfrom = "k1"\nto = "day"\n'
    )
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    shown = [str(problem) for problem in catalogue_of(project).problems()]
    for said in (
        "a: expected a declared link, got 'outt'. Did you mean 'out'?",
        "b: expected one plain link to follow in a cycle, got the union both",
        "c: expected links that end at a text as k1 is, got odd: date",
        "d: expected a key of one column to follow links from, got pair",
    ):
        assert any(said in line for line in shown), (said, shown)
    assert len(shown) == 4
