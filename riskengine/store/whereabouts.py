"""Where may a value lie? Some 8,192 rows of one file are read, not sixteen files, and nothing of a source that lacks the value.

Files are clustered by the enterprise; an application is looked up by its number, a shareholder by the holder's code. Of a file the
first four bytes of the MD5 of every value of a column are kept with the block of rows it lies in, in order, in
`index/<source>/holds-<column>` under the file's SHA-256, from which on they are made only for files that are new. They are made when
somebody first looks where all files would be read otherwise; where it is one file (the bucket of an enterprise), by a desk that stays.
What is kept is never more than a shorter way: a value that looks like another is looked for in vain, and without it all is read.
Lesson of the profile: an enterprise has facts in two thirds of the sources, and DuckDB takes as long to plan and open the rest.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from riskengine.schema import canonical_json
from riskengine.store.snapshot import FactFile, Snapshot
from riskengine.store.verified import Verified

if TYPE_CHECKING:
    import duckdb

_BLOCK = 8_192  # rows, as many as a row group of the index has
_MANY = 8  # places from which whole files are read instead
Marks = tuple[memoryview, memoryview]  # of a file's values: marks in order, the block of each


@dataclass(frozen=True, slots=True)
class Place:
    """A file, not verified yet, and which of its rows (first and last, from 0) are meant; None: all of them."""

    file: FactFile
    rows: tuple[int, int] | None = None


class Whereabouts:
    """Where values lie in one snapshot; who `stays` makes what later questions ask."""

    def __init__(self, snapshot: Snapshot, verified: Verified, *, stays: bool = False) -> None:
        self._snapshot, self._verified, self._stays = snapshot, verified, stays
        self._known: dict[
            tuple[str, str], dict[str, Marks | None]
        ] = {}  # of files by their SHA-256; None: not kept

    def places(self, source: str, column: str, values: Collection[object]) -> list[Place]:
        """Where facts with one of these values in a column may lie; in all of the source's files where nothing tells."""
        facts = self._snapshot.sources.get(source)
        if facts is None:
            return []
        clustered = column == facts.cluster
        files = facts.holding(values if clustered else None)
        whole = clustered or len(facts.files) == 1  # its row groups tell the rest
        known = self._marks(source, column, files, make=self._stays or not whole)
        asked = [_mark(value) for value in values]
        found = [place for file in files for place in _places(file, known.get(file.sha256), asked)]
        if len(found) < _MANY and not whole:
            return found
        return [Place(file) for file in dict.fromkeys(one.file for one in found)]

    def make(self, source: str) -> None:
        """Make what is not kept yet of the column that a source's files are clustered by, of all files."""
        if facts := self._snapshot.sources.get(source):
            self._marks(source, facts.cluster, facts.files, make=bool(facts.cluster))

    def _marks(
        self, source: str, column: str, files: Sequence[FactFile], *, make: bool
    ) -> Mapping[str, Marks | None]:
        """The marks of files: those that are kept, and with `make` the others, made now where they can be kept."""
        known = self._known.setdefault((source, column), {})
        if all(file.sha256 in known for file in files):
            return known
        path = self._snapshot.root / "index" / source / f"holds-{column}"
        kept = _Kept.at(path)
        known |= {file.sha256: kept.marks(file.sha256) for file in files if file.sha256 not in known}
        fresh = [file for file in files if known[file.sha256] is None]
        if not make or not fresh or not os.access(path.parent, os.W_OK):
            return known
        from riskengine.store.database import connect

        self._verified.check(fresh)
        with connect(config={"threads": 1}) as connection:
            made = {
                file.sha256: _made(connection, str(self._snapshot.root / file.path), column) for file in fresh
            }
        known |= made
        current = [file.sha256 for file in self._snapshot.sources[source].files]
        every = {name: made.get(name) or kept.marks(name) for name in sorted(current)}
        _keep(path, {name: marks for name, marks in every.items() if marks is not None})
        return known


def _places(file: FactFile, known: Marks | None, asked: Collection[int]) -> Iterator[Place]:
    if known is None:
        yield Place(file)
        return
    marks, blocks = known
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


def _made(connection: duckdb.DuckDBPyConnection, path: str, column: str) -> Marks:
    """The marks of one file and their blocks; none where it was written before there was such a column."""
    quoted = path.replace("'", "''")
    facts = f"read_parquet('{quoted}', hive_partitioning = false, file_row_number = true)"
    stored = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {facts}").fetchall()}
    if column not in stored:
        return memoryview(array("I")), memoryview(array("I"))
    ((marks, blocks),) = connection.execute(
        f"""SELECT string_agg(mark, '' ORDER BY mark, block), string_agg(printf('%08x', block), '' ORDER BY mark, block)
        FROM (SELECT DISTINCT md5(value::VARCHAR)[:8] AS mark, block
            FROM (SELECT DISTINCT "{column}" AS value, file_row_number // {_BLOCK} AS block FROM {facts})
            WHERE value IS NOT NULL)"""
    ).fetchall()
    return _numbers(marks), _numbers(blocks)


def _numbers(digits: str | None) -> memoryview:
    """Whole numbers of eight hexadecimal digits each: one text, where a Python object each took longer than to find them."""
    found = array("I", bytes.fromhex(digits or ""))
    if sys.byteorder == "little":
        found.byteswap()
    return memoryview(found)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file of marks: the hash of its second line; there of each index file how many marks and the hash of them; these."""

    path: Path
    sections: Mapping[str, tuple[int, int, str]]  # by SHA-256: where it begins, how many marks, its hash

    @classmethod
    def at(cls, path: Path) -> _Kept:
        """What is kept there; nothing where there is none or it is not whole."""
        try:
            with path.open("rb") as stream:
                digest, first = stream.readline().rstrip(b"\n"), stream.readline().rstrip(b"\n")
                start = stream.tell()
        except FileNotFoundError:
            return cls(path, {})
        sections: dict[str, tuple[int, int, str]] = {}
        if digest.decode(errors="replace") == sha256(first).hexdigest():
            for name, (count, hashed) in json.loads(first).items():
                sections[name] = start, count, hashed
                start += 8 * count
        return cls(path, sections)

    def marks(self, name: str) -> Marks | None:
        """Those of an index file, if they are kept and whole."""
        if name not in self.sections:
            return None
        start, count, hashed = self.sections[name]
        with self.path.open("rb") as stream:
            stream.seek(start)
            content = stream.read(8 * count)
        if sha256(content).hexdigest() != hashed:
            return None
        numbers = memoryview(content).cast("I")
        return numbers[:count], numbers[count:]


def _keep(path: Path, known: Mapping[str, Marks]) -> None:
    parts = {name: marks.tobytes() + blocks.tobytes() for name, (marks, blocks) in known.items()}
    told = {name: [len(part) // 8, sha256(part).hexdigest()] for name, part in parts.items()}
    first = canonical_json(told).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(b"\n".join((sha256(first).hexdigest().encode(), first, b"".join(parts.values()))))
    temporary.replace(path)
