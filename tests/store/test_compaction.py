"""Many files become few: the same facts, batches and snapshot, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import IntegrityError
from riskengine.store import compaction
from riskengine.store.batch_files import batches_in
from riskengine.store.compaction import compact
from riskengine.store.facts import FACT_FIELDS, FactStore

START, NOW = date(2020, 1, 1), datetime(2026, 11, 22, tzinfo=UTC)
KEYS = {"tax": ("id",)}
Rows = list[tuple[str, int, int]]  # of a batch: key, event day, known day


def table(batch: int, rows: Rows, later: bool) -> pa.Table:
    """A batch's facts; `later` ones have a column that the first did not have."""
    fields = [("id", pa.string()), *([("note", pa.string())] if later else []), *FACT_FIELDS]
    facts: list[dict[str, Any]] = [
        {
            "id": key, "note": f"{batch}.{row}", "event_date": START + timedelta(event),
            "known_at": START + timedelta(known), "batch": batch, "row": row, "removed": False,
            "fact_hash": f"{batch}.{row}",
        }
        for row, (key, event, known) in enumerate(rows)
    ]  # fmt: skip
    return pa.Table.from_pylist(facts, pa.schema(fields))


def filled(root: Path, batches: dict[int, Rows]) -> FactStore:
    store = FactStore(root)
    for number, (batch, rows) in enumerate(sorted(batches.items())):
        store.append("tax", table(batch, rows, number > len(batches) // 2), batch)
    store.publish(KEYS)
    return store


def facts_of(store: FactStore) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        query = "select * from read_parquet(?, union_by_name = true) order by batch, row"
        return connection.execute(query, [store.data_files("tax")]).fetchall()


def index_bytes(store: FactStore) -> dict[str, bytes]:
    return {Path(path).name: Path(path).read_bytes() for path in store.snapshot().paths("tax")}


BATCHES = st.dictionaries(
    st.integers(1, 60),
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=5, deadline=None)
@given(batches=BATCHES, most=st.integers(1, 40), more=st.lists(st.tuples(st.just("a"), st.just(2), st.just(9)), min_size=1, max_size=3))  # fmt: skip
def test_facts_batches_and_snapshot_stay(
    batches: dict[int, Rows], most: int, more: Rows, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain, other = (filled(tmp_path_factory.mktemp("s"), batches) for _ in range(2))
    held, snapshot, index = facts_of(plain), plain.snapshot().id, index_bytes(plain)
    with plain.locked():
        done = compact(plain, "tax", NOW, most)
        assert done.files_after == len(plain.data_files("tax")) <= done.files_before
        again = compact(plain, "tax", NOW, most)
        assert (again.files_after, again.rows_written) in (
            (done.files_after, 0),
            (again.files_after, again.rows_written),
        )
    assert facts_of(plain) == held
    assert (
        plain.batches("tax")
        == set(batches)
        == {b for p in plain.data_files("tax") for b in batches_in(Path(p))}
    )
    assert plain.publish(KEYS).id == snapshot
    assert index_bytes(plain) == index
    plain.verify()
    for store in (plain, other):  # what comes later meets the same facts
        store.append("tax", table(max(batches), more, True), max(batches))  # taken in already: nothing
        store.append("tax", table(99, more, True), 99)
        store.publish(KEYS)
    assert plain.snapshot().id == other.snapshot().id
    assert index_bytes(plain) == index_bytes(other)
    assert plain.known_hashes("tax", pa.array(["99.0", "none"])) == {"99.0"}


def test_few_files_and_none_twice(tmp_path: Path) -> None:
    store = filled(tmp_path, {number: [("a", number, number)] for number in (1, 4, 9)})
    with store.locked():
        assert compact(store, "tax", NOW).files_after == 1
        assert compact(store, "tax", NOW).rows_written == 0
    [path] = store.data_files("tax")
    assert Path(path).name.startswith("batch-00000001-00000009-")
    assert batches_in(Path(path)) == {1, 4, 9}, "batches 2 and 3 are other sources'"
    changes = [
        add for add in DeltaTable(str(tmp_path / "facts" / "tax")).history() if add["operation"] == "WRITE"
    ]
    assert len(changes) == 4, "three batches and one commit for the whole compaction"
    store.append("tax", table(10, [("a", 10, 10)], True), 10)
    with store.locked():
        assert compact(store, "tax", NOW).files_after == 1
    assert store.batches("tax") == {1, 4, 9, 10}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    "moment", ["write_parquet", "file_sha256", "file_name", "_commit", "create_checkpoint"]
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_moment_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, after: bool
) -> None:
    batches: dict[int, Rows] = {number: [("a", number, number), ("b", 1, number)] for number in (2, 3, 5)}
    store = filled(tmp_path, batches)
    held, snapshot = facts_of(store), store.snapshot().id
    place: Any = DeltaTable if moment == "create_checkpoint" else compaction
    real: Callable[..., Any] = getattr(place, moment)

    def killed(*given: Any, **named: Any) -> Any:
        if after:
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, moment, killed)
        with pytest.raises(Killed), store.locked():
            compact(store, "tax", NOW)
    for _ in range(2):  # as it was left, and finished
        store = FactStore(tmp_path)
        assert facts_of(store) == held
        assert store.batches("tax") == set(batches)
        assert store.publish(KEYS).id == snapshot
        store.verify()
        with store.locked():
            compact(store, "tax", NOW)
        assert len(store.data_files("tax")) == 1


@pytest.mark.parametrize("place", [30, -9])
def test_damaged_files_are_not_merged(tmp_path: Path, place: int) -> None:
    """A byte of a page, and one of the footer."""
    store = filled(tmp_path, {1: [("a", 1, 1)], 2: [("a", 2, 2)]})
    victim = Path(store.data_files("tax")[0])
    content = bytearray(victim.read_bytes())
    content[place] ^= 0xFF
    victim.write_bytes(content)
    with pytest.raises(IntegrityError, match=victim.name), store.locked():
        compact(store, "tax", NOW)
    assert len(FactStore(tmp_path).data_files("tax")) == 2
