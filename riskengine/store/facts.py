"""Which rows has each source delivered, and which later row stands in the place of which?

One Delta table a source under `facts/<source>/`, append only, in Parquet files written here (page checksums, named by
batch and hash). From them each source's *index* is built under `index/<source>/` (`store.index`), which is what everything else reads.
Nothing counts before the snapshot that names the index is current.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction

from riskengine.errors import IntegrityError, LockedError, Problem, UsageError
from riskengine.schema import file_sha256
from riskengine.store import place, snapshot
from riskengine.store.batch_files import batches_in
from riskengine.store.database import connect
from riskengine.store.index import Filing, filed, hash_damage, unfit_days
from riskengine.store.parquet import each, names, scan, write_parquet
from riskengine.store.rank import FIRST_DAY, LAST_DAY
from riskengine.store.snapshot import Snapshot

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
MEMORY = "2GB"  # of DuckDB, at intake


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
                with place.writing(self.root), _connected(self.root) as self._duck:
                    yield
            finally:
                self._tables = self._duck = None

    @contextmanager
    def duck(self) -> Iterator[Any]:
        """A DuckDB connection without tables: the lock's own while the store is locked, else a fresh one."""
        if self._duck is not None:
            yield self._duck
            return
        with _connected(self.root) as connection:
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
        beyond = unfit_days(facts)
        if beyond:
            told = Problem(source, f"days from {FIRST_DAY} to {LAST_DAY}", ", ".join(beyond))
            raise UsageError("Facts of days that cannot be ordered", [told])
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
        return set().union(*(batches_in(Path(path)) for path in self.data_files(source)))

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

    def publish(
        self, keys: Mapping[str, Sequence[str]], clusters: Mapping[str, str] | None = None, anew: bool = False
    ) -> Snapshot:
        """Bring the index of each source in `keys` (source -> key columns) up to its facts and make the snapshot current.

        `clusters`: source -> cluster column; a source without one keeps the one it has, at first the first of its key.
        Only what new facts change is written; `anew` builds everything from the data files, whatever index there is.
        """
        sources = dict(self.snapshot().sources)
        for source, key in sorted(keys.items()):
            if self.data_files(source):
                held = sources.get(source)
                cluster = (clusters or {}).get(source) or (held.cluster if held else "") or key[0]
                filing = self._filing(source, key, cluster)
                with self.duck() as connection:
                    sources[source] = filed(connection, self.root, filing, None if anew else held)
        return snapshot.write(self.root, dict(sorted(sources.items())))

    def known_hashes(self, source: str, hashes: pa.Array, slot: Sequence[str] = ()) -> set[str]:
        """Which of `hashes` the source already holds.

        With `slot` (columns) only the last-known row of each slot counts, so that a value which returns after a change
        is news and not a duplicate.
        """
        files = self.data_files(source)
        if not files:
            return set()
        facts = scan(files)
        if slot:  # only slots that hold one of the hashes can answer
            same = " and ".join(f"stored.{name} is not distinct from touched.{name}" for name in each(slot))
            facts = f"""(select stored.fact_hash from {facts} stored semi join
                (select distinct {names(slot)} from {facts} where fact_hash in (select fact_hash from asked)) touched
                on {same} qualify row_number() over (partition by {", ".join(f"stored.{name}" for name in each(slot))}
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

    def _filing(self, source: str, key: Sequence[str], cluster: str) -> Filing:
        table = self._delta(source)
        assert table is not None
        added = pa.table(table.get_add_actions(flatten=True))
        rows = sum(added.column("num_records").to_pylist())
        return Filing(source, tuple(key), cluster, self.version(source), tuple(self.data_files(source)), rows)


def _connected(root: Path) -> Any:
    """A DuckDB that puts what is more than fits into the store's folder."""
    return connect(config={"memory_limit": MEMORY, "temp_directory": str(root / ".spill")})


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


def _damage(path: Path, root: Path) -> list[Problem]:
    problems = hash_damage(path, root)
    if problems:
        return problems
    try:
        pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        return [
            Problem(str(path.relative_to(root)), "readable pages", str(error)[:120], "Restore from a backup")
        ]
    return []
