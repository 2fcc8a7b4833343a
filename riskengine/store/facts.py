"""Which rows has each source delivered, and which later row stands in the place of which?

One Delta table a source under `facts/<source>/`, append only, in Parquet files written here (page checksums, named by
batch and hash). From them one *index* file a source is built under `index/<source>/`, which is what everything else reads.
Nothing counts before the snapshot that names the index is current.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction

from riskengine.errors import IntegrityError, LockedError, Problem, UsageError
from riskengine.schema import file_sha256
from riskengine.store import snapshot
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "rate": pa.float64(),
    "money": pa.decimal128(18, 2),
    "date": pa.date32(),
    "flag": pa.bool_(),
}
FACT_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("event_date", pa.date32()),
    ("known_at", pa.date32()),
    ("batch", pa.int64()),
    ("row", pa.int64()),
    ("removed", pa.bool_()),
    ("fact_hash", pa.string()),
)
_ROW_GROUP = 122_880
_ORDER = "event_date, known_at, batch, row"


class FactStore:
    """The facts of one institution in one folder; append, publish, read back, verify."""

    _tables: dict[str, DeltaTable] | None = None  # while locked nobody else commits: a table is opened once
    _duck: Any = None  # while locked, the one DuckDB connection

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def locked(self, tries: int = 1) -> Iterator[None]:
        """Hold the store for writing; `LockedError` where another process holds it, asked `tries` times a second apart."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "intake.lock").open("w") as stream:
            for left in reversed(range(tries)):
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if left:
                        time.sleep(1)
                        continue
                    held = "another process holds it"
                    problem = Problem(str(self.root), "no other intake", held, "Try again later")
                    raise LockedError("The store is being written", [problem]) from None
            self._tables = {}
            try:
                with duckdb.connect() as self._duck:
                    yield
            finally:
                self._tables = self._duck = None

    @contextmanager
    def duck(self) -> Iterator[Any]:
        """A DuckDB connection without tables: the lock's own while the store is locked, else a fresh one."""
        if self._duck is not None:
            yield self._duck
            return
        with duckdb.connect() as connection:
            yield connection

    def snapshot(self, name: str | None = None) -> Snapshot:
        """The current (or named) snapshot."""
        return snapshot.read(self.root, name)

    def append(self, source: str, facts: pa.Table, batch: int) -> int:
        """Commit one batch's facts and return the Delta version; committing the same batch again changes nothing.

        `facts` has the contract's and derived columns and `FACT_FIELDS`. Invisible until `publish`. A column that changes
        its type is a `UsageError`; a new column is added, an abandoned one filled with null.
        """
        if batch in self.batches(source):
            return self.version(source)
        table = self._delta(source)
        if table is None:
            folder = self._folder(source)
            folder.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(str(folder), facts.schema, mode="ignore", name=source)
            table = DeltaTable(str(folder))
        facts = _fitted(source, table, facts)
        path = self._write_data(source, facts, batch)
        self._commit(source, path, facts.num_rows)
        return self.version(source)

    def batches(self, source: str) -> set[int]:
        """The numbers of the batches that are committed for a source."""
        return {int(Path(path).name.split("-")[1]) for path in self.data_files(source)}

    def version(self, source: str) -> int:
        """The Delta version of a source, -1 where it has no table."""
        table = self._delta(source)
        return -1 if table is None else int(table.version())

    def data_files(self, source: str) -> list[str]:
        """Absolute paths of a source's committed Parquet files, in batch order."""
        table = self._delta(source)
        return (
            sorted(str(self._folder(source) / Path(uri).name) for uri in table.file_uris()) if table else []
        )

    def publish(self, keys: Mapping[str, Sequence[str]]) -> Snapshot:
        """Rebuild the index of each source in `keys` (source -> key columns) and make the new snapshot current."""
        sources = dict(self.snapshot().sources)
        for source, key in sorted(keys.items()):
            if self.data_files(source):
                sources[source] = self._index(source, key)
        return snapshot.write(self.root, dict(sorted(sources.items())))

    def known_hashes(self, source: str, hashes: pa.Array, slot: Sequence[str] = ()) -> set[str]:
        """Which of `hashes` the source already holds.

        With `slot` (columns) only the last-known row of each slot counts, so that a value which returns after a change
        is news and not a duplicate.
        """
        files = self.data_files(source)
        if not files:
            return set()
        facts = _scan(files)
        if slot:  # only slots that hold one of the hashes can answer
            same = " and ".join(f"stored.{name} is not distinct from touched.{name}" for name in _each(slot))
            facts = f"""(select stored.fact_hash from {facts} stored semi join
                (select distinct {_names(slot)} from {facts} where fact_hash in (select fact_hash from asked)) touched
                on {same} qualify row_number() over (partition by {", ".join(f"stored.{name}" for name in _each(slot))}
                order by stored.known_at desc, stored.batch desc, stored.row desc) = 1)"""
        query = f"select distinct fact_hash from {facts} where fact_hash in (select fact_hash from asked)"
        with self.duck() as connection:
            connection.register("asked", pa.table({"fact_hash": hashes}))
            try:
                return {row[0] for row in connection.execute(query).fetchall()}
            finally:
                connection.unregister("asked")

    def verify(self) -> None:
        """Check every byte: snapshot files, data files' hashes and page checksums; `IntegrityError` lists all damage."""
        current = self.snapshot()
        problems: list[Problem] = []
        try:
            current.verify(sorted(current.sources))
        except IntegrityError as error:
            problems += error.problems
        for folder in sorted((self.root / "facts").glob("*")):
            for path in self.data_files(folder.name):
                problems += _damage(Path(path), self.root)
        if problems:
            raise IntegrityError("The fact store is damaged", problems)

    def _folder(self, source: str) -> Path:
        return self.root / "facts" / source

    def _delta(self, source: str) -> DeltaTable | None:
        if self._tables is not None and source in self._tables:
            return self._tables[source]
        log = self._folder(source) / "_delta_log"
        if not log.is_dir() or not any(log.iterdir()):
            return None
        table = DeltaTable(str(self._folder(source)))
        if self._tables is not None:
            self._tables[source] = table
        return table

    def _write_data(self, source: str, facts: pa.Table, batch: int) -> Path:
        """Write one batch's file, named by batch and hash; the same facts give the same bytes."""
        temporary = self._folder(source) / f".{batch}.new"
        write_parquet(temporary, facts.schema, iter([facts]))
        final = temporary.with_name(f"batch-{batch:08d}-{file_sha256(temporary)[:16]}.parquet")
        temporary.replace(final)
        return final

    def _commit(self, source: str, path: Path, rows: int) -> None:
        table = self._delta(source)
        assert table is not None
        action = AddAction(path.name, path.stat().st_size, {}, 0, True, json.dumps({"numRecords": rows}))
        table.create_write_transaction([action], mode="append", schema=table.schema())
        table.update_incremental()

    def _index(self, source: str, key: Sequence[str]) -> SourceFacts:
        """Write the source's index: every fact, when it is superseded, and its rank (law 1)."""
        files = self.data_files(source)
        problems = [problem for path in files for problem in _hash_damage(Path(path), self.root)]
        if problems:
            raise IntegrityError(f"The facts of {source} are damaged", problems)
        keys = _names(key)
        query = f"""
            select *,
              min(known_at) over (partition by {keys} order by {_ORDER}
                rows between 1 following and unbounded following) as superseded_at,
              row_number() over (order by {_ORDER}) as fact_rank
            from {_scan(files)}
            order by {keys}, fact_rank"""
        folder = self.root / "index" / source
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / ".index.new"
        schema = (
            _schema(files)
            .append(pa.field("superseded_at", pa.date32()))
            .append(pa.field("fact_rank", pa.int64()))
        )
        with self.duck() as connection:
            rows = write_parquet(temporary, schema, _arrow_batches(connection, query))
        digest = file_sha256(temporary)
        final = folder / f"{digest[:12]}.parquet"
        temporary.replace(final)
        return SourceFacts(self.version(source), (FactFile(str(final.relative_to(self.root)), digest, rows),))


def write_parquet(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table]) -> int:
    """Write tables as one Parquet file of fixed row groups with page checksums, durably; return the rows.

    However the pieces are cut, the same rows give the same bytes.
    """
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        waiting = schema.empty_table()
        for piece in pieces:
            waiting = pa.concat_tables([waiting, piece.cast(schema)])
            while waiting.num_rows >= _ROW_GROUP:
                writer.write_table(waiting.slice(0, _ROW_GROUP).combine_chunks(), row_group_size=_ROW_GROUP)
                waiting = waiting.slice(_ROW_GROUP)
                rows += _ROW_GROUP
        if waiting.num_rows:
            writer.write_table(waiting.combine_chunks(), row_group_size=_ROW_GROUP)
            rows += waiting.num_rows
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    return rows


def _arrow_batches(connection: Any, query: str) -> Iterator[pa.Table]:
    reader = connection.sql(query).to_arrow_reader(_ROW_GROUP)
    for batch in reader:
        yield pa.Table.from_batches([batch])


def _fitted(source: str, table: DeltaTable, facts: pa.Table) -> pa.Table:
    """The facts in the shape of the source's table, which grows by columns that are new."""
    held = pa.schema(table.schema().to_arrow())
    changed = [
        Problem(
            f"{source}.{field.name}", str(held.field(field.name).type), str(field.type), "Give it a new name"
        )
        for field in facts.schema
        if field.name in held.names and held.field(field.name).type != field.type
    ]
    if changed:
        raise UsageError("A column may not change its type once facts are stored", changed)
    new = [field for field in facts.schema if field.name not in held.names]
    if new:
        fields = {field.name: field for field in Schema.from_arrow(pa.schema(new)).fields}
        table.alter.add_columns([fields[field.name] for field in new])
        table.update_incremental()
    for field in held:
        if field.name not in facts.schema.names:
            facts = facts.append_column(field, pa.nulls(facts.num_rows, field.type))
    return facts


def _schema(files: Sequence[str]) -> pa.Schema:
    """The columns of all files, in order of first appearance."""
    fields: dict[str, pa.Field] = {}
    for path in files:
        for field in pq.read_schema(path):
            fields.setdefault(field.name, field.remove_metadata())
    return pa.schema(list(fields.values()))


def _scan(files: Sequence[str]) -> str:
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{listed}], union_by_name = true)"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(_each(columns))


def _each(columns: Sequence[str]) -> list[str]:
    return ['"' + column.replace('"', '""') + '"' for column in columns]


def _hash_damage(path: Path, root: Path) -> list[Problem]:
    wanted = path.stem.rpartition("-")[2]
    got = file_sha256(path)[:16] if path.exists() else "no file"
    if got == wanted:
        return []
    return [Problem(str(path.relative_to(root)), f"SHA-256 {wanted}", got, "Restore the store from a backup")]


def _damage(path: Path, root: Path) -> list[Problem]:
    problems = _hash_damage(path, root)
    if problems:
        return problems
    try:
        pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        return [
            Problem(str(path.relative_to(root)), "readable pages", str(error)[:120], "Restore from a backup")
        ]
    return []
