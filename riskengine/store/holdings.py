"""What lies in a store: how many rows, files and bytes a source has, and how much of it one enterprise touches?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskengine.errors import IntegrityError, Problem
from riskengine.store import snapshot as snapshots
from riskengine.store.facts import FactStore
from riskengine.store.snapshot import FactFile, Snapshot, SourceFacts


@dataclass(frozen=True, slots=True)
class Holding:
    """One source: `files_of_one` index files and at most `row_groups_of_one` of their row groups hold one value of `cluster`.

    Bytes are those on the disk. `row_groups` are all of the index. Without `cluster` (an index of the old form) one
    enterprise touches everything: `riskengine store reindex` makes the new one.
    """

    source: str
    rows: int
    data_files: int
    data_bytes: int
    index_files: int
    index_bytes: int
    cluster: str
    row_groups: int
    files_of_one: int
    row_groups_of_one: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def holdings(store: FactStore) -> list[Holding]:
    """Every source of the current snapshot, by name; an index file that is not there is an `IntegrityError`."""
    current = store.snapshot()
    return [_holding(store, source, facts) for source, facts in sorted(current.sources.items())]


def snapshot_sizes(root: Path) -> dict[str, int]:
    """Each snapshot of a store and the bytes of the index files that it names."""
    sizes = {
        str(path.relative_to(root)): path.stat().st_size for path in (root / "index").glob("*/*.parquet")
    }
    found = {}
    for path in sorted((root / "snapshots").glob("*.json")):
        files = [file for facts in snapshots.read(root, path.stem).sources.values() for file in facts.files]
        found[path.stem] = sum(sizes.get(file.path, 0) for file in files)
    return found


def every_index(root: Path) -> Snapshot:
    """All snapshots of a store as if they were one, each index file once: what there is to verify."""
    files: dict[str, set[FactFile]] = {}
    for path in sorted((root / "snapshots").glob("*.json")):
        for source, facts in snapshots.read(root, path.stem).sources.items():
            files.setdefault(source, set()).update(facts.files)
    found = {
        source: SourceFacts(0, tuple(sorted(held, key=lambda file: file.path)))
        for source, held in files.items()
    }
    return Snapshot("all", root, found)


def _holding(store: FactStore, source: str, facts: SourceFacts) -> Holding:
    data = [Path(path) for path in store.data_files(source)]
    index = [store.root / file.path for file in facts.files]
    lost = [
        Problem(str(path.relative_to(store.root)), "an index file", "no file")
        for path in index
        if not path.exists()
    ]
    if lost:
        raise IntegrityError("The store is damaged", lost)
    groups = [_spans(path, facts.cluster) for path in index]
    every = sum(len(spans) for spans in groups)
    return Holding(
        source,
        sum(file.rows for file in facts.files),
        len(data),
        sum(path.stat().st_size for path in data),
        len(index),
        sum(path.stat().st_size for path in index),
        facts.cluster,
        every,
        1 if facts.cluster else len(index),
        max(map(_most, groups), default=0) if facts.cluster else every,
    )


def _spans(path: Path, cluster: str) -> list[tuple[Any, Any] | None]:
    """The first and last value of the cluster column in each row group; None where that is not told."""
    told = pq.read_metadata(path)
    schema = told.schema.to_arrow_schema()
    at = schema.names.index(cluster) if cluster in schema.names else -1
    spans: list[tuple[Any, Any] | None] = []
    for number in range(told.num_row_groups):
        seen = told.row_group(number).column(at).statistics if at >= 0 else None
        spans.append((seen.min, seen.max) if seen is not None and seen.has_min_max else None)
    return spans


def _most(spans: Sequence[tuple[Any, Any] | None]) -> int:
    """In how many row groups of a file one value lies at most: where one group ends, the next may go on with it.

    >>> _most([("a", "c"), ("c", "c"), ("c", "f"), ("g", "h")])
    3
    """
    ends = {end for span in spans if span is not None for end in span}
    return max(
        (sum(span is None or span[0] <= end <= span[1] for span in spans) for end in ends), default=len(spans)
    )
