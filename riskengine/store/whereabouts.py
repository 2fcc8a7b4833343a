"""Where may a value lie, in a column that index files are not clustered by? Some 8,192 rows of one file are read, not sixteen files.

Files are clustered by the enterprise; an application is looked up by its number, a shareholder by the holder's code. Of each file the
first four bytes of the MD5 of every value of such a column are kept with the block of rows it lies in, in order, in
`index/<source>/holds-<column>` under the file's SHA-256: made when somebody first looks there, from then on only for files that are
new. What is kept is never more than a shorter way: a value that looks like another is looked for in vain, and without it all is read.
"""

from __future__ import annotations

import json
import os
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from riskengine.schema import canonical_json
from riskengine.store.snapshot import FactFile, Snapshot

if TYPE_CHECKING:
    import duckdb

_BLOCK = 8_192  # rows, as many as a row group of the index has
_MANY = 8  # places from which whole files are read instead
Marks = Mapping[str, tuple[memoryview, memoryview]]  # of each file by its SHA-256: marks in order, blocks


@dataclass(frozen=True, slots=True)
class Place:
    """A file, not verified yet, and which of its rows (first and last, from 0) are meant; None: all of them."""

    file: FactFile
    rows: tuple[int, int] | None = None


class Whereabouts:
    """Where values lie in one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[tuple[str, str], Marks] = {}

    def places(self, source: str, column: str, values: Collection[object]) -> list[Place]:
        """Where facts with one of these values in a column may lie; in all of the source's files where nothing tells."""
        facts = self._snapshot.sources.get(source)
        if facts is None:
            return []
        if column == facts.cluster or len(facts.files) == 1:
            return [Place(file) for file in facts.holding(values if column == facts.cluster else None)]
        if (source, column) not in self._known:
            self._known[source, column] = _kept(self._snapshot, source, column)
        known, asked = self._known[source, column], [_mark(value) for value in values]
        found = [place for file in facts.files for place in _places(file, known, asked)]
        if len(found) < _MANY:
            return found
        return [Place(file) for file in dict.fromkeys(one.file for one in found)]


def _places(file: FactFile, known: Marks, asked: Collection[int]) -> Iterator[Place]:
    if file.sha256 not in known:
        yield Place(file)
        return
    marks, blocks = known[file.sha256]
    met = set()
    for mark in asked:
        at = bisect_left(marks, mark)
        while at < len(marks) and marks[at] == mark:
            met.add(blocks[at])
            at += 1
    yield from (Place(file, (block * _BLOCK, block * _BLOCK + _BLOCK - 1)) for block in sorted(met))


def _mark(value: object) -> int:
    """Four bytes that stand for a value (a text, a whole number or a day); `_made` says the same in SQL."""
    return int.from_bytes(md5(str(value).encode(), usedforsecurity=False).digest()[:4])


def _kept(snapshot: Snapshot, source: str, column: str) -> Marks:
    """The marks of a source's files: those that are kept, and the others made now where they can be kept."""
    path = snapshot.root / "index" / source / f"holds-{column}"
    files = {file.sha256: file for file in snapshot.sources[source].files}
    known = {name: marks for name, marks in _read(path).items() if name in files}
    fresh = [file for name, file in files.items() if name not in known]
    if not fresh or not os.access(path.parent, os.W_OK):
        return known
    from riskengine.store.database import connect

    made = {}
    with connect() as connection:
        for file in fresh:
            snapshot.verify_file(file)
            made[file.sha256] = _made(connection, str(snapshot.root / file.path), column)
    every = {name: (known | made)[name] for name in sorted(files)}
    _keep(path, every)
    return every


def _made(connection: duckdb.DuckDBPyConnection, path: str, column: str) -> tuple[memoryview, memoryview]:
    """The marks of one file and their blocks; none where it was written before there was such a column."""
    quoted = path.replace("'", "''")
    facts = f"read_parquet('{quoted}', hive_partitioning = false, file_row_number = true)"
    stored = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {facts}").fetchall()}
    rows = []
    if column in stored:
        rows = connection.execute(
            f"""SELECT DISTINCT ('0x' || md5(value::VARCHAR)[:8])::UINTEGER AS mark, block
            FROM (SELECT DISTINCT "{column}" AS value, file_row_number // {_BLOCK} AS block FROM {facts})
            WHERE value IS NOT NULL ORDER BY mark, block"""
        ).fetchall()
    marks, blocks = array("I", [mark for mark, _ in rows]), array("I", [block for _, block in rows])
    return memoryview(marks), memoryview(blocks)


def _read(path: Path) -> dict[str, tuple[memoryview, memoryview]]:
    """What is kept: the hash of the rest, how many marks each file has, then in this order each file's marks and blocks."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    digest, _, rest = content.partition(b"\n")
    if digest.decode(errors="replace") != sha256(rest).hexdigest():
        return {}
    first, _, _ = rest.partition(b"\n")
    numbers = memoryview(content)[len(digest) + len(first) + 2 :].cast("I")
    found, start = {}, 0
    for name, count in json.loads(first).items():
        found[name] = numbers[start : start + count], numbers[start + count : start + 2 * count]
        start += 2 * count
    return found


def _keep(path: Path, known: Marks) -> None:
    first = canonical_json({name: len(marks) for name, (marks, _) in known.items()}).encode()
    rest = first + b"\n" + b"".join(part.tobytes() for both in known.values() for part in both)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(sha256(rest).hexdigest().encode() + b"\n" + rest)
    temporary.replace(path)
