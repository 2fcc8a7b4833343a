"""Which row stands when: the index against a plain loop, and the store's bytes."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import IntegrityError, LockedError, UsageError
from riskengine.store import snapshot
from riskengine.store.facts import FACT_FIELDS, FactStore

START = date(2006, 1, 1)
SCHEMA = pa.schema([("id", pa.string()), ("note", pa.string()), *FACT_FIELDS])
Fact = dict[str, object]


def make_fact(key: str, event: int, known: int, place: tuple[int, int], note: str = "") -> Fact:
    batch, row = place
    return {
        "id": key, "note": note or f"{batch}.{row}", "event_date": START + timedelta(event),
        "known_at": START + timedelta(known), "batch": batch, "row": row, "removed": False,
        "fact_hash": f"{key}{event}{known}{batch}{row}",
    }  # fmt: skip


def load(root: Path, facts: list[Fact], publish_each: bool = False) -> FactStore:
    store = FactStore(root)
    for batch, rows in itertools.groupby(
        sorted(facts, key=lambda fact: fact["batch"]), key=lambda fact: fact["batch"]
    ):
        store.append("tax", pa.Table.from_pylist(list(rows), SCHEMA), int(str(batch)))
        if publish_each:
            store.publish({"tax": ("id",)})
    store.publish({"tax": ("id",)})
    return store


def current(store: FactStore, as_of: date) -> set[tuple[object, ...]]:
    """What the index says stands on a day."""
    query = "select id, batch, row from read_parquet(?) where known_at <= ? and (superseded_at is null or superseded_at > ?)"
    with duckdb.connect() as connection:
        return set(connection.execute(query, [store.snapshot().paths("tax"), as_of, as_of]).fetchall())


def standing(facts: list[Fact], as_of: date) -> set[tuple[object, ...]]:
    """The oracle: law 1, word by word."""
    best: dict[object, Fact] = {}
    for fact in facts:
        if fact["known_at"] > as_of:  # type: ignore[operator]
            continue
        held = best.get(fact["id"])
        order = ("event_date", "known_at", "batch", "row")
        if held is None or [fact[name] for name in order] > [held[name] for name in order]:  # type: ignore[operator]
            best[fact["id"]] = fact
    return {(fact["id"], fact["batch"], fact["row"]) for fact in best.values()}


def test_all_interleavings_of_three_events_with_ties(tmp_path: Path) -> None:
    """Every assignment of event and known days 0..2 to two rows, and 0..1 to three, each under its own key."""
    facts: list[Fact] = []
    for number, (e1, k1, e2, k2) in enumerate(itertools.product(range(3), repeat=4)):
        facts += [
            make_fact(f"two{number}", e1, k1, (1, 2 * number)),
            make_fact(f"two{number}", e2, k2, (1 + number % 2, 2 * number + 1)),
        ]
    for number, days in enumerate(itertools.product(range(2), repeat=6)):
        facts += [
            make_fact(f"three{number}", days[at], days[at + 1], (3, 3 * number + at)) for at in (0, 2, 4)
        ]
    store = load(tmp_path, facts)
    for day in range(-1, 4):
        as_of = START + timedelta(day)
        assert current(store, as_of) == standing(facts, as_of)
    assert current(store, START - timedelta(1)) == set()


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 8), st.integers(1, 3)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_replayed_batch_by_batch_equals_loaded_together(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, int, int]]
) -> None:
    facts = [
        make_fact(key, event, known, (batch, row)) for row, (key, event, known, batch) in enumerate(rows)
    ]
    together = load(tmp_path_factory.mktemp("together"), facts)
    replayed = load(tmp_path_factory.mktemp("replayed"), facts, publish_each=True)
    assert together.snapshot().id == replayed.snapshot().id
    for day in range(-1, 10):
        assert current(together, START + timedelta(day)) == standing(facts, START + timedelta(day))


def test_same_batch_twice_changes_nothing(tmp_path: Path) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, 1))])
    before = (store.snapshot().id, store.version("tax"))
    load(tmp_path, [make_fact("a", 0, 0, (1, 1))])
    assert (store.snapshot().id, store.version("tax")) == before


def test_old_snapshots_stay_readable(tmp_path: Path) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, 1))])
    old = store.snapshot()
    load(tmp_path, [make_fact("a", 1, 1, (2, 1))])
    again = snapshot.read(tmp_path, old.id)
    again.verify(["tax"])
    assert again.paths("tax") == old.paths("tax") != store.snapshot().paths("tax")


def test_a_new_column_is_added_and_an_abandoned_one_is_null(tmp_path: Path) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, 1), note="x")])
    wider = pa.Table.from_pylist([make_fact("b", 0, 0, (2, 1))], SCHEMA).drop_columns("note")
    store.append("tax", wider.append_column("size", pa.array([7], pa.int64())), 2)
    store.publish({"tax": ("id",)})
    with duckdb.connect() as connection:
        got = connection.execute(
            "select id, note, size from read_parquet(?)", [store.snapshot().paths("tax")]
        ).fetchall()
    assert got == [("a", "x", None), ("b", None, 7)]


def test_a_column_may_not_change_its_type(tmp_path: Path) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, 1))])
    other = pa.Table.from_pylist([make_fact("b", 0, 0, (2, 1))], SCHEMA).drop_columns("note")
    with pytest.raises(UsageError, match=r"tax\.note: expected string, got int64"):
        store.append("tax", other.append_column("note", pa.array([7], pa.int64())), 2)


@pytest.mark.parametrize("room", ["facts", "index"])
def test_one_changed_byte_is_found(tmp_path: Path, room: str) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, row)) for row in range(50)])
    store.verify()
    path = next((tmp_path / room / "tax").glob("*.parquet"))
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(IntegrityError, match=path.name):
        store.verify()
    if room == "facts":
        with pytest.raises(IntegrityError, match="damaged"):
            store.publish({"tax": ("id",)}, anew=True)
    else:  # what is derived is made anew from the facts
        store.append("tax", pa.Table.from_pylist([make_fact("b", 0, 0, (2, 1))], SCHEMA), 2)
        store.publish({"tax": ("id",)})
        store.verify()


def test_new_facts_are_read_only_from_an_undamaged_file(tmp_path: Path) -> None:
    store = load(tmp_path, [make_fact("a", 0, 0, (1, 1))])
    store.append("tax", pa.Table.from_pylist([make_fact("b", 0, 0, (2, 1))], SCHEMA), 2)
    path = next((tmp_path / "facts" / "tax").glob("batch-00000002-*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="damaged"):
        store.publish({"tax": ("id",)})


def test_a_day_that_no_rank_can_say_is_not_stored(tmp_path: Path) -> None:
    late = {**make_fact("a", 0, 0, (1, 1)), "known_at": date(9999, 12, 31)}
    with pytest.raises(UsageError, match="known_at 9999-12-31"):
        FactStore(tmp_path).append("tax", pa.Table.from_pylist([late], SCHEMA), 1)
    assert FactStore(tmp_path).data_files("tax") == []


def test_a_held_store_refuses_a_second_writer(tmp_path: Path) -> None:
    with FactStore(tmp_path).locked(), pytest.raises(LockedError), FactStore(tmp_path).locked():
        pass
