"""The hash of what was known on a day: that of all rows read one by one, kept or not, whatever files they lie in."""

from __future__ import annotations

import random
from datetime import date, timedelta
from hashlib import md5
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.errors import IntegrityError
from riskengine.schema import file_sha256, fingerprint
from riskengine.store.known import known_facts
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts

DAY = date(2026, 6, 1)
Row = tuple[str, date, int, int, bool]


def _rows(seed: int) -> list[Row]:
    chance = random.Random(seed)
    return [
        (f"{chance.random():.12f}", DAY + timedelta(days=chance.randrange(9)), chance.randrange(5), number, chance.random() < 0.1)
        for number in range(60)
    ]  # fmt: skip


def _snapshot(root: Path, rows: list[Row], parts: int) -> Snapshot:
    folder = root / "index" / "court"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for part in range(parts):
        names = ("fact_hash", "known_at", "batch", "row", "removed")
        columns = zip(*rows[part::parts], strict=True)
        table = pa.table(dict(zip(names, map(list, columns), strict=True)))
        path = folder / f"{parts}-{part}.parquet"
        pq.write_table(table, path)
        files.append(FactFile(f"index/court/{path.name}", file_sha256(path), len(table), part))
    return Snapshot("s", root, {"court": SourceFacts(1, tuple(files), "uscc", parts)})


def _slow(rows: list[Row], day: date) -> str:
    bits, seen = 0, 0
    for fact, known, batch, row, removed in rows:
        if known <= day:
            text = f"{fact} {known} {batch} {row} {str(removed).lower()}"
            bits, seen = (
                bits ^ int.from_bytes(md5(text.encode(), usedforsecurity=False).digest(), "little"),
                seen + 1,
            )
    return fingerprint({"court": [seen, str(bits) if seen else None]})


def test_the_hash_is_that_of_the_rows_known_by_the_day_in_whatever_files(tmp_path: Path) -> None:
    rows = _rows(1)
    for parts in (1, 3, 3):  # the third time from what is kept
        snapshot = _snapshot(tmp_path, rows, parts)
        for day in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=4), DAY + timedelta(days=99)):
            assert known_facts(snapshot, day) == _slow(rows, day)


def test_a_file_is_read_once_and_what_is_kept_of_it_only_while_it_is_whole(tmp_path: Path) -> None:
    rows, day = _rows(2), DAY + timedelta(days=3)
    snapshot = _snapshot(tmp_path, rows, 2)
    told = known_facts(snapshot, day)
    files = [tmp_path / file.path for file in snapshot.sources["court"].files]
    whole = [path.read_bytes() for path in files]
    for path in files:
        path.write_bytes(b"damaged")
    assert known_facts(snapshot, day) == told, "not read again"
    kept = tmp_path / "index" / "court" / "known.json"
    changed = kept.read_text(encoding="utf-8")
    kept.write_text(changed.replace("[", "[1,", 3), encoding="utf-8")
    with pytest.raises(IntegrityError):
        known_facts(snapshot, day)
    for path, content in zip(files, whole, strict=True):
        path.write_bytes(content)
    assert known_facts(snapshot, day) == told
