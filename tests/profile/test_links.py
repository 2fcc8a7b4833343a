"""Does looking through links say what a plain loop over edges and facts says, on each day as it was known?"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_world import LINKS, Oracle, Row, catalogue_of, compute, same, store_rows, write_project

from riskengine.errors import UsageError
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.expressions import aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.profile.verbs import count, linked, share, trend, year_on_year

CHAINS = ['"out"', '"some"', '"marked"', '("out", "back")', '("some", "recent")', '("out", "some", "back")']
FEATURES = "from riskengine.profile import *\n" + "\n".join(
    f"""
n{i} = linked({chain}, by="one").named("", "")
c{i} = count("ledger", by="one", through={chain}).named("", "")
p{i} = count("patchy", by="one", window="12m", through={chain}).named("", "")
t{i} = total("ledger.money", by="one", window="12m", through={chain}).named("", "")
d{i} = distinct("ledger.k1", by="one", through={chain}, where=field("day").not_before_as_of()).named("", "")
l{i} = latest("patchy.word", by="one", through={chain}).named("", "")
s{i} = ratio(distinct("ledger.k1", by="one", through={chain}), linked({chain}, by="one")).named("", "")
"""
    for i, chain in enumerate(CHAINS)
)
BEGIN = date(2024, 1, 30)
DAYS = [date(2023, 3, 1), date(2023, 12, 31), *(BEGIN + timedelta(days=n) for n in (0, 1, 2, 30, 31))]
SUBJECTS = [Subject(day, {"k1": key}) for day in DAYS[1:] for key in ("x", "y", "z", "w", None)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(write_project(tmp_path_factory.mktemp("links"), FEATURES))


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features, lineage=True)


@st.composite
def dense_rows(draw: st.DrawFn, known: list[date] = DAYS) -> list[Row]:
    """Rows whose keys nearly always meet; a few are versions of each other, removals, or lead nowhere."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        event, told = draw(st.sampled_from(DAYS)), draw(st.sampled_from(known))
        values = {
            "id": draw(st.sampled_from("abcdefghijk")), "k1": draw(st.sampled_from("xxyyz")),
            "g_key": draw(st.sampled_from(["x", "y", "y", "z", "z", "q", None])),
            "word": draw(st.sampled_from(["甲", "甲", "甲", "乙", None])), "yes": draw(st.sampled_from([True, True, False])),
            "money": draw(st.sampled_from([None, Decimal("1.50"), Decimal("100"), Decimal("-20.05")])),
            "day": draw(st.sampled_from([None, *DAYS])),
        }  # fmt: skip
        removed = draw(st.integers(0, 9)) == 0
        made.append(Row(min(event, told), told, values, draw(st.sampled_from([1, 2])), number, removed))
    return made


WORLD = st.fixed_dictionaries(dict.fromkeys(("edges", "threads", "ledger", "patchy"), dense_rows()))


def _run(rows: dict[str, list[Row]], recipe: Recipe, subjects: list[Subject]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {name: facts for name, facts in rows.items() if facts})
        return compute(snapshot, recipe, subjects)


def test_links_are_a_plain_loop(catalogue: Catalogue, recipe: Recipe) -> None:
    seen = {"reached": 0, "none": 0, "unknown": 0}

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(WORLD)
    def compared(rows: dict[str, list[Row]]) -> None:
        _compare(catalogue, recipe, rows, seen)

    compared()
    assert all(number > 150 for number in seen.values()), seen


def _compare(catalogue: Catalogue, recipe: Recipe, rows: dict[str, list[Row]], seen: dict[str, int]) -> None:
    got = _run(rows, recipe, SUBJECTS)
    for subject, values in zip(SUBJECTS, got, strict=True):
        oracle = Oracle(rows, catalogue.sources, catalogue.subjects.keys, subject)
        for name in recipe.names:
            wanted = oracle.value(catalogue.feature(name))
            assert same(values[name], wanted), (name, subject, values[name], wanted)
            clocks = [values[f"{name}__{clock}"] for clock in ("event", "known")]
            assert all(clock is None or clock <= subject.as_of for clock in clocks)
            if name.startswith("n"):
                assert (clocks[1] is not None) == bool(wanted), "what is reached was learnt some day"
                seen["unknown" if wanted is None else "reached" if wanted else "none"] += 1


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(WORLD, st.fixed_dictionaries(dict.fromkeys(("edges", "ledger"), dense_rows([date(2024, 6, 1)]))))
def test_what_is_learnt_later_changes_nothing_and_one_is_one_of_many(
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


def test_a_new_edge_is_seen_from_the_day_it_is_known(recipe: Recipe, tmp_path: Path) -> None:
    day = [BEGIN + timedelta(days=n) for n in range(5)]
    edge = Row(day[0], day[2], {"id": "e", "k1": "x", "g_key": "y"})
    gone = Row(day[0], day[4], {"id": "e", "k1": "x", "g_key": "y"}, 2, 1, removed=True)
    case = Row(day[1], day[1], {"id": "c", "k1": "y", "money": Decimal(5)})
    own = Row(day[1], day[1], {"id": "o", "k1": "x", "money": Decimal(7)})
    snapshot = store_rows(tmp_path, {"edges": [edge, gone], "ledger": [case, own]})
    got = compute(snapshot, recipe, [Subject(when, {"k1": "x"}) for when in day])
    assert [row["n0"] for row in got] == [0, 0, 1, 1, 0]
    assert [row["t0"] for row in got] == [0, 0, 5, 5, 0]
    assert [row["c0__known"] for row in got] == [None, None, day[2], day[2], None]
    assert [row["n3"] for row in got] == [0] * 5, "the way back to oneself counts nobody"


def test_the_recipe_names_the_sources_of_links(catalogue: Catalogue, recipe: Recipe) -> None:
    notes = {note.name: note.sources for note in recipe.features}
    assert notes["n4"] == ("threads",)
    assert notes["c5"] == ("edges", "ledger", "threads")
    assert {"g_key", "k1", "word", "yes"} <= {column for column, _ in dict(recipe.sources)["edges"].columns}
    every = {name for _, f in catalogue.features.values() for part in aggregates(f) for name in part.through}
    assert every == set(LINKS)


HEAD = "from riskengine.profile import *\n"


def test_misspelt_links_are_listed_at_once_with_the_nearest(tmp_path: Path) -> None:
    text = """
a = linked("outt", by="one").named("", "")
b = count("ledger", by="one", through=("out", "bakc")).named("", "")
c = count("ledger", by="pair", through="out").named("", "")
d = linked("out", by="onne").named("", "")
e = count("leger", by="one", through="out").named("", "")
"""
    project = write_project(tmp_path, HEAD + text)
    path = tmp_path / "configs/subjects.toml"
    wrong = """
[links.a]
source = "edgess"
from = "k1"
to = "g_key"
[links.b]
source = "edges"
from = "k"
to = "g_kye"
where = { wrod = "x", yes = "x" }
window = "soon"
[links.c]
source = "brought"
from = "k1"
to = "g_key"
[links.d]
source = "drawn"
from = "k1"
to = "money"
window = "0d"
"""
    path.write_text(path.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    shown = "\n".join(str(problem) for problem in catalogue_of(project).problems())
    for said in (
        "links.a: expected a known source, got 'edgess'. Did you mean 'edges'?",
        "links.b.window: expected a length such as",
        "links.b.from: expected a column of edges, got 'k'.",
        "links.b.to: expected a column of edges, got 'g_kye'. Did you mean 'g_key'?",
        "links.b.where: expected a column of edges, got 'wrod'. Did you mean 'word'?",
        "links.b.where.yes: expected a flag, got 'x'",
        "links.c: expected a source that only publishers feed",
        "links.d: expected a source of facts",
        "links.d.window: expected a window longer than nothing",
        "a: expected a declared link, got 'outt'. Did you mean 'out'?",
        "b: expected a declared link, got 'bakc'. Did you mean 'back'?",
        "c: expected a key of one column to follow links from, got pair ['k1', 'k2']",
        "d: expected a declared key, got 'onne'. Did you mean 'one'?",
        "e: expected a known source, got 'leger'. Did you mean 'ledger'?",
    ):
        assert said in shown, (said, shown)
    assert len(shown.splitlines()) == 14


def test_links_must_join_keys_of_one_type(tmp_path: Path) -> None:
    project = write_project(tmp_path, HEAD + 'a = count("ledger", by="one", through="odd").named("", "")')
    path = tmp_path / "configs/subjects.toml"
    odd = '\n[links.odd]\nsource = "edges"\nfrom = "money"\nto = "day"\n'
    path.write_text(path.read_text(encoding="utf-8") + odd, encoding="utf-8")
    shown = [str(problem) for problem in catalogue_of(project).problems()]
    assert len(shown) == 2
    assert "a link that starts where one (k1) ends, at a text, got odd: money" in shown[0]
    assert "links that end at a text as k1 is, got odd: date" in shown[1]


def test_a_selection_that_cannot_be_is_refused_where_it_is_written() -> None:
    for wrong, said in (
        (lambda: count("ledger", by="one", trough="out"), "Did you mean 'through'?"),  # type: ignore[call-arg]
        (lambda: count("ledger"), "the key that joins the facts"),  # type: ignore[call-arg]
        (lambda: linked((), by="one"), "at least one link"),
        (lambda: trend("ledger.money", by="one"), "a window"),
        (lambda: year_on_year("ledger.money", by="one"), "a window"),
        (lambda: share("ledger", by="one"), "the filters of the part"),
    ):
        with pytest.raises(UsageError, match="misspelt") as caught:
            wrong()
        assert said in str(caught.value)
