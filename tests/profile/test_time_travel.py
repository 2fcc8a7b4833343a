"""Is the past seen as it was known, whatever came later and in whatever pieces it came?"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from small_world import Oracle, Row, catalogue_of, compute, same, store_rows, write_project

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe

FEATURES = """
from riskengine.profile import count, days_since, days_since_first, first, latest, total
n = count("ledger", by="one").named("n", "n")
n_2d = count("ledger", by="one", window="2d").named("n", "n")
n_before = count("ledger", by="one", window="2d", ago="1d").named("n", "n")
n_plain = count("brought", by="one").named("n", "n")
amount = total("ledger.money", by="one").named("n", "n")
amount_plain = total("brought.money", by="one", window="2d").named("n", "n")
last = latest("ledger.word", by="one").named("n", "n")
start = first("ledger.word", by="one").named("n", "n")
since = days_since("ledger", by="one").named("n", "n")
since_first = days_since_first("ledger", by="one").named("n", "n")
patchy_n = count("patchy", by="one", window="3d").named("n", "n")
"""
DAY = [date(2024, 2, 27) + timedelta(days=i) for i in range(6)]  # across 29 February
CLOCKS = [(event, known) for event in range(4) for known in range(event, 4)]
KINDS = [(event, known, removed) for event, known in CLOCKS for removed in (False, True)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(write_project(tmp_path_factory.mktemp("time"), FEATURES))


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features, lineage=True)


def _row(case: str, key: str, kind: tuple[int, int, bool], place: tuple[int, int]) -> Row:
    event, known, removed = kind
    values = {"id": key, "k1": case, "money": place[0] * 10 + place[1], "word": f"{place[0]}.{place[1]}"}
    return Row(DAY[event], DAY[known], values, place[0], place[1], removed)


def _two_events() -> list[Row]:
    """All interleavings of two events' clocks with ties and removals: of one key or two, in one batch or two."""
    rows = []
    for number, (a, b, one_key, one_batch) in enumerate(product(KINDS, KINDS, (True, False), (True, False))):
        case = f"two{number}"
        rows.append(_row(case, f"{case}a", a, (1, 2 * number + 1)))
        rows.append(
            _row(case, f"{case}{'a' if one_key else 'b'}", b, (1 if one_batch else 2, 2 * number + 2))
        )
    return rows


def _three_versions() -> list[Row]:
    """A key stated three times, in every interleaving of the clocks."""
    rows = []
    for number, kinds in enumerate(product(CLOCKS, repeat=3)):
        case = f"three{number}"
        rows += [
            _row(case, case, (*clocks, False), (batch, 100_000 + number))
            for batch, clocks in enumerate(kinds, 1)
        ]
    return rows


def _check(catalogue: Catalogue, recipe: Recipe, rows: list[Row], root: Path) -> None:
    everywhere = dict.fromkeys(("ledger", "brought", "patchy"), rows)
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.values["k1"], []).append(row)
    subjects = [Subject(day, {"k1": case}) for case in cases for day in DAY[:5]]
    got = compute(store_rows(root, everywhere), recipe, subjects)
    wrong = []
    for subject, values in zip(subjects, got, strict=True):
        mine = dict.fromkeys(everywhere, cases[subject.keys["k1"]])
        oracle = Oracle(mine, catalogue.sources, catalogue.subjects.keys, subject)
        for name in recipe.names:
            wanted = oracle.value(catalogue.feature(name))
            if not same(values[name], wanted):
                wrong.append((subject, name, values[name], wanted))
            for clock in ("event", "known"):
                assert values[f"{name}__{clock}"] is None or values[f"{name}__{clock}"] <= subject.as_of
    assert not wrong, (len(wrong), wrong[:3])


def test_every_interleaving_of_two_events(catalogue: Catalogue, recipe: Recipe, tmp_path: Path) -> None:
    _check(catalogue, recipe, _two_events(), tmp_path)


def test_every_interleaving_of_three_versions(catalogue: Catalogue, recipe: Recipe, tmp_path: Path) -> None:
    _check(catalogue, recipe, _three_versions(), tmp_path)


def test_a_late_restatement_of_an_old_period_does_not_hide_the_newest(recipe: Recipe, tmp_path: Path) -> None:
    old = Row(DAY[0], DAY[0], {"id": "old", "k1": "x", "word": "old"}, 1, 1)
    new = Row(DAY[2], DAY[2], {"id": "new", "k1": "x", "word": "new"}, 1, 2)
    again = Row(DAY[0], DAY[4], {"id": "old", "k1": "x", "word": "restated"}, 2, 1)
    snapshot = store_rows(tmp_path, {"ledger": [old, new, again]})
    values = compute(snapshot, recipe, [Subject(DAY[3], {"k1": "x"}), Subject(DAY[4], {"k1": "x"})])
    assert [row["last"] for row in values] == ["new", "new"]
    assert [row["start"] for row in values] == ["old", "restated"]


def test_what_is_learnt_later_changes_nothing_and_what_is_known_does(recipe: Recipe, tmp_path: Path) -> None:
    rows = [row for row in _two_events() if row.known <= DAY[2]][:800]
    cases = sorted({row.values["k1"] for row in rows})
    subjects = [Subject(DAY[2], {"k1": case}) for case in cases]

    def later(known: date) -> list[Row]:
        """For each key a restatement, a removal and a new fact, all known on one day."""
        added = []
        for number, row in enumerate(rows):
            for kind, removed in enumerate((False, True)):
                values = {**row.values, "word": "later", "money": 7}
                added.append(Row(DAY[kind + 1], known, values, 9, 2 * number + kind, removed))
        return added + [
            Row(DAY[2], known, {"id": f"new{i}", "k1": case, "money": 1, "word": "new"}, 9, 900_000 + i)
            for i, case in enumerate(cases)
        ]

    def values(name: str, added: list[Row]) -> list[dict[str, object]]:
        everywhere = dict.fromkeys(("ledger", "brought", "patchy"), rows + added)
        return compute(store_rows(tmp_path / name, everywhere), recipe, subjects)

    before = values("before", [])
    assert values("after", later(DAY[3])) == before
    changed = values("control", later(DAY[2]))
    assert sum(a != b for a, b in zip(before, changed, strict=True)) == len(cases)


def test_batches_one_by_one_are_the_same_as_together(recipe: Recipe, tmp_path: Path) -> None:
    rows = _three_versions()[:900]
    subjects = [
        Subject(day, {"k1": case}) for case in sorted({row.values["k1"] for row in rows}) for day in DAY
    ]
    for batch in (1, 2, 3):
        one_by_one = store_rows(tmp_path / "a", {"ledger": [row for row in rows if row.batch <= batch]})
    together = store_rows(tmp_path / "b", {"ledger": rows})
    assert one_by_one.id == together.id
    assert compute(one_by_one, recipe, subjects) == compute(together, recipe, subjects)
