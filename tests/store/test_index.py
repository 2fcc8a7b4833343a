"""Is the index a delivery leaves behind the one that all facts give at once, and does each value's bucket hold its facts?"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import IntegrityError
from riskengine.store import index, snapshot
from riskengine.store.facts import FACT_FIELDS, FactStore
from riskengine.store.known import known_facts
from riskengine.store.rank import FIRST_DAY, LAST_DAY, OWN_RANK, fact_rank
from riskengine.store.snapshot import FactFile, SourceFacts, bucket_of

START = date(2006, 1, 1)
SCHEMA = pa.schema([("case", pa.string()), ("code", pa.string()), ("year", pa.int64()), *FACT_FIELDS])
Row = tuple[str, str | None, int, int]  # case, code, event and known day


def table(rows: list[Row], batch: int, columns: tuple[str, ...] = ()) -> pa.Table:
    facts = [
        {"case": case, "code": code, "year": 2000 + event, "event_date": START + timedelta(event),
         "known_at": START + timedelta(known), "batch": batch, "row": row, "removed": False, "fact_hash": f"{batch}.{row}",
         **dict.fromkeys(columns, f"{batch}.{row}")}
        for row, (case, code, event, known) in enumerate(rows, 1)
    ]  # fmt: skip
    schema = pa.schema([*SCHEMA, *((name, pa.string()) for name in columns)])
    return pa.Table.from_pylist(facts, schema)


def published(
    root: Path, batches: dict[int, list[Row]], order: list[list[int]], key: str, wide: int = 10**6
) -> FactStore:
    """Batches in one order, published after each of its parts; those from `wide` on have a column more."""
    store = FactStore(root)
    for part in order:
        for batch in part:
            store.append("court", table(batches[batch], batch, ("more",) if batch >= wide else ()), batch)
        store.publish({"court": (key,)}, {"court": "code"})
    return store


def index_bytes(store: FactStore) -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path in store.snapshot().paths("court")}


def oracle(batches: dict[int, list[Row]], key: str) -> list[tuple[object, ...]]:
    """Every fact with its rank and end by a slow loop: law 1, word by word."""
    every = [
        (START + timedelta(event), START + timedelta(known), batch, row, case, code)
        for batch, rows in batches.items()
        for row, (case, code, event, known) in enumerate(rows, 1)
    ]
    met: Counter[tuple[date, date]] = Counter()
    told = []
    for at, (event, known, batch, row, case, code) in enumerate(
        every := sorted(every, key=lambda each: each[:4])
    ):
        met[event, known] += 1
        mine = case if key == "case" else code
        later = [one[1] for one in every[at + 1 :] if (one[4] if key == "case" else one[5]) == mine]
        told.append((batch, row, min(later, default=None), fact_rank(event, known, met[event, known])))
    return told


ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z", "u", "v", None]), st.integers(0, 3), st.integers(0, 5)),
    min_size=1, max_size=7,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(data=st.data(), rows=st.lists(ROWS, min_size=1, max_size=4), key=st.sampled_from(["case", "code"]))
def test_any_order_and_cut_of_deliveries_is_one_rebuild(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: list[list[Row]], key: str
) -> None:
    """Files, bytes and snapshot; buckets of at most four rows, so that they move, fill and split."""
    batches = dict(enumerate(rows, 1))
    order, cuts = data.draw(st.permutations(list(batches))), data.draw(st.sets(st.integers(1, 3)))
    wide = data.draw(st.sampled_from([3, 10**6]))  # columns come in the order of batches, so only with them
    order = sorted(order) if wide == 3 else order
    edges = [0, *sorted(cut for cut in cuts if cut < len(order)), len(order)]
    parts = [order[start:end] for start, end in itertools.pairwise(edges)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BUCKET_ROWS", 4)
        step = published(tmp_path_factory.mktemp("step"), batches, parts, key, wide)
        once = published(tmp_path_factory.mktemp("once"), batches, [sorted(batches)], key, wide)
        assert step.snapshot().id == once.snapshot().id
        names = [
            {Path(path).name: data for path, data in index_bytes(store).items()} for store in (step, once)
        ]
        assert names[0] == names[1]
        days = [START + timedelta(day) for day in range(7)]
        carried = [known_facts(step.snapshot(), day) for day in days]
        for path in step.root.glob("index/*/known.json"):
            path.unlink()
        assert [known_facts(step.snapshot(), day) for day in days] == carried
        before = index_bytes(step)
        assert step.publish({"court": (key,)}, anew=True).id == once.snapshot().id
        assert index_bytes(step) == before
    facts = step.snapshot().sources["court"]
    total = sum(len(each) for each in rows)
    assert facts.buckets == 1 or total / facts.buckets <= 4 < total / (facts.buckets / 2)
    with duckdb.connect() as connection:
        query = 'select batch, "row", superseded_at, fact_rank from read_parquet(?) order by fact_rank'
        assert connection.execute(query, [step.snapshot().paths("court")]).fetchall() == oracle(batches, key)
    for file in facts.files:
        held = pq.read_table(step.root / file.path)
        places = list(zip(held["code"].to_pylist(), held["fact_rank"].to_pylist(), strict=True))
        assert places == sorted(places, key=lambda place: (place[0] is None, place[0] or "", place[1]))
        assert {bucket_of(code, facts.buckets) for code, _ in places} == {file.bucket}


def test_only_touched_buckets_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of another bucket that ends is touched too: a court's row that gets its code."""
    monkeypatch.setattr(index, "BUCKET_ROWS", 10)
    first: list[Row] = [(f"case {number}", f"code {number}", 0, 0) for number in range(60)]
    first.append(("case x", None, 0, 0))
    store = published(tmp_path, {1: first}, [[1]], "case")
    before = store.snapshot().sources["court"]
    assert before.buckets == 8
    there = bucket_of("code 7", 8)
    assert there != bucket_of(None, 8) == 0
    store.append("court", table([("case x", "code 7", 0, 3)], 2), 2)
    store.publish({"court": ("case",)})
    after = store.snapshot()
    changed = {
        new.bucket for old, new in zip(before.files, after.sources["court"].files, strict=True) if old != new
    }
    assert changed == {0, there}
    assert after.sources["court"].cluster == "code"  # kept where nobody says another
    (path,) = after.paths("court", ["code 7"])
    assert path == str(tmp_path / after.sources["court"].files[there].path)
    assert len(after.paths("court", ["code 7", None])) == 2
    assert after.paths("court", []) == []
    assert after.paths("none", ["code 7"]) == []


def test_verify_looks_at_the_buckets_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BUCKET_ROWS", 2)
    store = published(tmp_path, {1: [(f"{n}", f"code {n}", 0, 0) for n in range(8)]}, [[1]], "case")
    held = store.snapshot()
    (path,) = held.paths("court", ["code 1"])
    Path(path).write_bytes(b"x")
    other = next(f"code {n}" for n in range(8) if bucket_of(f"code {n}", 4) != bucket_of("code 1", 4))
    held.verify(["court"], [other])
    with pytest.raises(IntegrityError, match=Path(path).name):
        held.verify(["court"], iter([other, "code 1"]))
    with pytest.raises(IntegrityError):
        held.verify(["court"])


def test_an_index_without_buckets_is_read_and_made_anew(tmp_path: Path) -> None:
    """As stores were written before: one file a source, ranks from 1."""
    store = published(tmp_path, {1: [("a", "x", 0, 0), ("b", "y", 0, 0)]}, [[1]], "case")
    new = store.snapshot()
    held = pq.read_table(new.paths("court")[0])
    path = tmp_path / "index" / "court" / "0123456789ab.parquet"
    pq.write_table(held.set_column(held.num_columns - 1, "fact_rank", pa.array([1, 2], pa.int64())), path)
    old = snapshot.write(
        tmp_path,
        {
            "court": SourceFacts(
                0, (FactFile(str(path.relative_to(tmp_path)), snapshot.file_sha256(path), 2),)
            )
        },
    )
    record = tmp_path / "snapshots" / f"{old.id}.json"
    content = json.loads(record.read_text())
    content["court"] = {"version": 0, "files": [content["court"]["files"][0][:3]]}
    record.write_text(json.dumps(content))
    read = snapshot.read(tmp_path)
    assert read.paths("court", ["x"]) == read.paths("court") == [str(path)]
    read.verify(["court"], ["x"])
    store.append("court", table([("a", "x", 1, 1)], 2), 2)
    store.publish({"court": ("case",)}, {"court": "code"})
    wanted = published(
        tmp_path / "other", {1: [("a", "x", 0, 0), ("b", "y", 0, 0)], 2: [("a", "x", 1, 1)]}, [[1, 2]], "case"
    )
    assert store.snapshot().id == wanted.snapshot().id
    assert snapshot.read(tmp_path, old.id).paths("court") == [str(path)]


@given(value=st.one_of(st.none(), st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), st.dates()),
       power=st.integers(0, 12))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_bucket_is_the_same_in_sql(value: object, power: int) -> None:
    if isinstance(value, str):
        value = value.replace("\0", "")
    with duckdb.connect() as connection:
        sql = snapshot.bucket_sql("v", 1 << power)
        found = connection.execute(f"select {sql} from (select ? as v)", [value]).fetchone()
    assert found == (bucket_of(value, 1 << power),)


DAYS = st.dates(FIRST_DAY, LAST_DAY)
PLACES = st.tuples(DAYS, DAYS, st.integers(1, 2**29 - 1))


@given(one=PLACES, other=PLACES)
def test_ranks_are_in_the_order_of_law_one(
    one: tuple[date, date, int], other: tuple[date, date, int]
) -> None:
    assert (fact_rank(*one) < fact_rank(*other)) == (one < other)
    assert fact_rank(LAST_DAY, LAST_DAY, 2**29 - 1) < OWN_RANK < OWN_RANK + 10**9 < 2**63


@pytest.mark.parametrize("place", [(FIRST_DAY, LAST_DAY, 0), (FIRST_DAY, LAST_DAY, 2**29), (FIRST_DAY, LAST_DAY + timedelta(1), 1)])  # fmt: skip
def test_beyond_them_there_is_no_rank(place: tuple[date, date, int]) -> None:
    with pytest.raises(ValueError, match="no rank"):
        fact_rank(*place)


def test_what_index_files_know_is_carried_over_a_delivery_without_reading_them(tmp_path: Path) -> None:
    batches = {1: [("a", "x", 0, 0), ("b", "y", 1, 1)], 2: [("a", "x", 0, 3)], 3: [("c", None, 2, 2)]}
    store = published(tmp_path, batches, [[1], [2], [3]], "case")
    wanted = known_facts(store.snapshot(), START + timedelta(2))
    for path in index_bytes(store):
        Path(path).write_bytes(b"damaged")
    assert known_facts(store.snapshot(), START + timedelta(2)) == wanted
    (tmp_path / "index" / "court" / "known.json").unlink()
    with pytest.raises(IntegrityError):
        known_facts(store.snapshot(), START + timedelta(2))
