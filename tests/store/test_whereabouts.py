"""Is everything found where a value may lie, and is a file hashed once only as long as nobody touches it?"""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.errors import IntegrityError
from riskengine.profile.compute import Workbench
from riskengine.schema import file_sha256
from riskengine.store import verified, whereabouts
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts, bucket_of

BUCKETS, GROUP = 4, 16
KEPT = "index/equity/holds-holder"
Row = dict[str, Any]


def rows_of(seed: int) -> list[Row]:
    chance = random.Random(seed)
    return [
        {"uscc": f"U{chance.randrange(60):02}", "holder": chance.choice([None, *(f"H{n:03}" for n in range(90))]),
         "year": chance.randrange(2000, 2040), "day": date(2026, 1, 1 + chance.randrange(28)), "number": number}
        for number in range(600)
    ]  # fmt: skip


def stored(root: Path, rows: list[Row]) -> Snapshot:
    """Rows in buckets of their `uscc`, in its order."""
    folder = root / "index" / "equity"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for bucket in range(BUCKETS):
        mine = sorted(
            (row for row in rows if bucket_of(row["uscc"], BUCKETS) == bucket), key=lambda row: row["uscc"]
        )
        path = folder / f"{bucket}.new"
        pq.write_table(pa.Table.from_pylist(mine), path, row_group_size=GROUP)
        digest = file_sha256(path)
        path = path.rename(folder / f"{bucket:05d}-{digest[:12]}.parquet")
        files.append(FactFile(str(path.relative_to(root)), digest, len(mine), bucket))
    return Snapshot("s", root, {"equity": SourceFacts(1, tuple(files), "uscc", BUCKETS)})


def found(snapshot: Snapshot, column: str, values: list[Any]) -> list[int]:
    """The rows with one of these values in a column, as a workbench reads them."""
    with Workbench(snapshot, threads=1) as bench:
        files = bench.holding("equity", column, values)
        asked = f'SELECT number FROM {files} WHERE "{column}" IN (SELECT unnest(?)) ORDER BY 1'
        return [row[0] for row in bench.points.execute(asked, [values]).fetchall()] if files else []


def looking(snapshot: Snapshot, *, stays: bool = False) -> whereabouts.Whereabouts:
    return whereabouts.Whereabouts(snapshot, verified.Verified(snapshot), stays=stays)


def slowly(rows: list[Row], column: str, values: list[Any]) -> list[int]:
    return [row["number"] for row in rows if row[column] in values]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whereabouts, "_BLOCK", GROUP)


def test_every_fact_of_a_value_is_found_and_little_else_is_read(tmp_path: Path) -> None:
    rows = rows_of(1)
    snapshot = stored(tmp_path, rows)
    for column, asked in (
        ("holder", [["H003"], ["H010", "H011"], ["nobody"], [f"H{n:03}" for n in range(90)]]),
        ("year", [[2007], [2007, 2039], [1]]), ("day", [[date(2026, 1, 3)]]), ("uscc", [["U07"], ["U07", "U08", "X"]]),
    ):  # fmt: skip
        for values in asked:
            assert found(snapshot, column, values) == slowly(rows, column, values), (column, values)
    rare = min({row["holder"] for row in rows} - {None}, key=lambda name: slowly(rows, "holder", [name]))
    read = looking(snapshot).places("equity", "holder", [rare])
    assert len(read) <= len(slowly(rows, "holder", [rare]))
    assert all(place.rows for place in read)


def test_a_desk_that_stays_knows_which_enterprises_a_source_lacks(tmp_path: Path) -> None:
    rows = rows_of(8)
    snapshot = stored(tmp_path, rows)
    there = sorted({row["uscc"] for row in rows})
    absent = [f"N{number:02}" for number in range(40)]
    kept = tmp_path / "index/equity/holds-uscc"
    assert all(looking(snapshot).places("equity", "uscc", [name]) for name in absent)
    assert not kept.exists(), "who asks once makes nothing of what is one file anyway"
    desk = looking(snapshot, stays=True)
    for number in range(2):
        assert not any(desk.places("equity", "uscc", [name]) for name in absent)
        for name in there:
            (only,) = desk.places("equity", "uscc", [name])
            assert (only.file.bucket, only.rows) == (bucket_of(name, BUCKETS), None)
        desk = looking(snapshot)  # who asks once afterwards reads what is kept
        assert found(snapshot, "uscc", [*there, *absent]) == slowly(rows, "uscc", there), number
    before = kept.read_bytes()
    kept.unlink()
    looking(snapshot).make("equity")
    assert kept.read_bytes() == before, "bucket by bucket or all at once"
    looking(snapshot).make("none such")


def test_what_is_kept_serves_the_files_that_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(2)
    first = stored(tmp_path, rows)
    assert found(first, "holder", ["H005"]) == slowly(rows, "holder", ["H005"])
    more = [*rows, {**rows[0], "uscc": "U01", "holder": "H777", "number": 600}]
    second = stored(tmp_path, more)
    made: list[str] = []
    slow = whereabouts._made
    monkeypatch.setattr(
        whereabouts, "_made", lambda duck, path, column: made.append(path) or slow(duck, path, column)
    )
    assert found(second, "holder", ["H777"]) == [600]
    assert len(made) == 1, "only the file that is new is looked through"
    kept = (tmp_path / KEPT).read_bytes()
    assert found(second, "holder", ["H777"]) == [600]
    (tmp_path / KEPT).write_bytes(kept[:-4] + b"\0\0\0\0")  # damaged: made again
    assert found(second, "holder", ["H777"]) == [600]
    assert (len(made), (tmp_path / KEPT).read_bytes()) == (2, kept)


def test_who_may_not_write_reads_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(3)
    snapshot = stored(tmp_path, rows)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert found(snapshot, "holder", ["H005"]) == slowly(rows, "holder", ["H005"])
    assert not (tmp_path / KEPT).exists()
    assert not (tmp_path / "index" / "verified.json").exists()


def test_a_column_that_no_file_has_leads_nowhere(tmp_path: Path) -> None:
    assert found(stored(tmp_path, rows_of(4)), "later", ["x"]) == []


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are hashed, in order."""
    told: list[str] = []
    slow = Snapshot.verify_file
    monkeypatch.setattr(
        Snapshot, "verify_file", lambda self, file: told.append(file.path) or slow(self, file)
    )
    return told


def checked(snapshot: Snapshot) -> None:
    one = verified.Verified(snapshot)
    one.check(snapshot.sources["equity"].files)
    one.check(snapshot.sources["equity"].files)
    one.keep()


def test_a_file_is_hashed_again_only_when_it_was_touched(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = stored(tmp_path, rows_of(5))
    paths = [file.path for file in snapshot.sources["equity"].files]
    checked(snapshot)
    assert hashed == paths
    checked(snapshot)
    assert hashed == [*paths, *paths], "what was written just now could change without its times telling"
    monkeypatch.setattr(verified, "_RACY", -1)
    checked(snapshot)
    hashed.clear()
    checked(snapshot)
    assert hashed == []
    kept = tmp_path / "index" / "verified.json"
    kept.write_bytes(kept.read_bytes().replace(b"equity", b"equitx", 1))
    checked(snapshot)
    assert hashed == paths, "what is kept and not whole counts for nothing"


def test_damage_is_found_whatever_the_file_says_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "_RACY", -1)
    snapshot = stored(tmp_path, rows_of(6))
    checked(snapshot)
    path = tmp_path / snapshot.sources["equity"].files[0].path
    told, content = path.stat(), bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    with pytest.raises(IntegrityError, match="damaged"):
        checked(snapshot)
    path.unlink()
    with pytest.raises(IntegrityError, match="damaged"), Workbench(snapshot) as bench:
        bench.holding("equity", "uscc", ["U07", *(f"U{n:02}" for n in range(60))])


def test_rows_of_one_block_are_read_alone(tmp_path: Path) -> None:
    """What DuckDB is relied on for: other row groups than those of the rows asked for are not decoded."""
    path = tmp_path / "facts.parquet"
    pq.write_table(pa.table({"a": list(range(4096)), "b": ["x"] * 4096}), path, row_group_size=1024)
    damaged = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(3).column(0).data_page_offset
    damaged[start : start + 64] = bytes(64)
    path.write_bytes(damaged)
    read = f"SELECT sum(a) FROM read_parquet('{path}', file_row_number = true) WHERE file_row_number BETWEEN"
    assert duckdb.sql(f"{read} 1024 AND 2047").fetchall() == [(sum(range(1024, 2048)),)]
    with pytest.raises(duckdb.Error):
        duckdb.sql(f"{read} 1024 AND 4000").fetchall()
