"""How do the many small data files of a source, one a batch, become few without a moment at which a fact is missing?

The rows of neighbouring files go, in their order, into one new file; when it lies whole on the disk, one Delta commit
puts it in their place (remove + add, `dataChange` false). A kill before the commit leaves a file that nothing names, a
kill after it nothing undone. The old files stay until `store vacuum`; the index, so the snapshot, stays as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction, RemoveAction

from riskengine.errors import IntegrityError, Problem
from riskengine.schema import file_sha256
from riskengine.store.batch_files import batches_in, file_name, listing
from riskengine.store.facts import FactStore
from riskengine.store.index import hash_damage
from riskengine.store.parquet import union_schema, write_parquet

ROWS = 1_048_576  # of a compacted file, at most: some 50 MB of a usual source
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of a source's data files: how many before and after, bytes before and after, rows written anew."""

    source: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    rows_written: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def groups(rows: Sequence[int], most: int = ROWS) -> list[range]:
    """Which neighbouring files become one: as many as have `most` rows together; a file that stays alone is left out.

    >>> groups([5, 5, 100, 1, 2, 3], most=10)
    [range(0, 2), range(3, 6)]
    """
    found: list[range] = []
    start, held = 0, 0
    for at, count in enumerate(rows):
        if at > start and held + count > most:
            found.append(range(start, at))
            start, held = at, 0
        held += count
    found.append(range(start, len(rows)))
    return [group for group in found if len(group) > 1]


def compact(store: FactStore, source: str, now: datetime, most: int = ROWS) -> Compacted:
    """Merge the small data files of a source in one commit; call it while the store is locked.

    Doing it twice changes nothing. A file whose bytes are not what its name says is an `IntegrityError`, and nothing is
    committed.
    """
    before = [Path(path) for path in store.data_files(source)]
    sizes = sum(path.stat().st_size for path in before)
    merged = [before[group.start : group.stop] for group in groups([_rows(path) for path in before], most)]
    if not merged:
        return Compacted(source, len(before), len(before), sizes, sizes, 0)
    damaged = [problem for files in merged for path in files for problem in hash_damage(path, store.root)]
    if damaged:
        raise IntegrityError(f"The facts of {source} are damaged; nothing was compacted", damaged)
    schema = union_schema([str(path) for path in before])  # the index must not see that files were merged
    written = [_write(files, schema) for files in merged]
    _commit(store, source, list(zip(merged, written, strict=True)), now)
    after = [Path(path) for path in store.data_files(source)]
    return Compacted(
        source,
        len(before),
        len(after),
        sizes,
        sum(path.stat().st_size for path in after),
        sum(_rows(path) for path in written),
    )


def _write(files: Sequence[Path], schema: pa.Schema) -> Path:
    """The rows of `files`, one after the other, in one file named by its batches and bytes."""
    batches = frozenset[int]().union(*(batches_in(path) for path in files))
    folder = files[0].parent
    temporary = folder / ".compact.new"
    rows = write_parquet(temporary, schema.with_metadata(listing(batches)), _pieces(files, schema))
    wanted = sum(_rows(path) for path in files)
    if rows != wanted:
        raise IntegrityError("Rows were lost", [Problem(str(folder), f"{wanted} rows", str(rows))])
    final = folder / file_name(batches, file_sha256(temporary))
    temporary.replace(final)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return final


def _pieces(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    for path in files:
        with pq.ParquetFile(path, page_checksum_verification=True) as stored:
            held = stored.schema_arrow
            for batch in stored.iter_batches(_PIECE):
                columns = [
                    batch.column(field.name) if field.name in held.names else pa.nulls(len(batch), field.type)
                    for field in schema
                ]
                yield pa.Table.from_arrays([pa.chunked_array([column]) for column in columns], schema=schema)


def _commit(
    store: FactStore, source: str, replaced: Sequence[tuple[Sequence[Path], Path]], now: datetime
) -> None:
    """One Delta transaction for all groups, then a checkpoint, so that the table opens by one file."""
    table = store._delta(source)
    assert table is not None
    stamp = int(now.timestamp() * 1000)
    actions: list[AddAction | RemoveAction] = []
    for files, made in replaced:
        stats = json.dumps({"numRecords": _rows(made)})
        actions.append(AddAction(made.name, made.stat().st_size, {}, 0, False, stats))
        actions += [RemoveAction(path.name, False, stamp, path.stat().st_size, {}) for path in files]
    table.create_write_transaction(actions, mode="append", schema=table.schema())
    table.update_incremental()
    table.create_checkpoint()


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        problem = Problem(path.name, "a Parquet file", str(error)[:120], "Restore the store from a backup")
        raise IntegrityError("A data file is damaged", [problem]) from None
