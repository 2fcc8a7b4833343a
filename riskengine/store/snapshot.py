"""Which files, byte for byte, are the facts at one moment? Read without any heavy import."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from riskengine.errors import IntegrityError, Problem, SetupError
from riskengine.schema import canonical_json, file_sha256, fingerprint
from riskengine.store import place


@dataclass(frozen=True, slots=True)
class FactFile:
    """One immutable Parquet file of a source: path relative to the store, hash, rows, and which bucket it is."""

    path: str
    sha256: str
    rows: int
    bucket: int = 0


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts of one source at a snapshot: the Delta version they came from and their index files, one a bucket.

    Together the files hold every fact of the source with `superseded_at` (the day from which a later-known row of the
    same key stands in its place, or null) and `fact_rank` (the order of law 1: event, known, batch, row). A fact lies in
    the bucket of its value of the `cluster` column (`bucket_of`); a bucket without facts has no file. Without `cluster`
    the index was written before there were buckets: one file, ranks counted from 1.
    """

    version: int
    files: tuple[FactFile, ...]
    cluster: str = ""
    buckets: int = 1

    def holding(self, values: Iterable[object] | None = None) -> tuple[FactFile, ...]:
        """The files that may hold facts of these values of the cluster column; all where `values` is None."""
        if values is None or not self.cluster:
            return self.files
        wanted = {bucket_of(value, self.buckets) for value in values}
        return tuple(file for file in self.files if file.bucket in wanted)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All sources at one moment. `id` is a hash of contents only, so equal facts have equal ids."""

    id: str
    root: Path
    sources: dict[str, SourceFacts]

    def paths(self, source: str, values: Iterable[object] | None = None) -> list[str]:
        """Absolute paths of a source's index files; empty where nothing has been taken in.

        With `values` (of the source's cluster column) only the files that may hold facts of them: that may be none.
        """
        facts = self.sources.get(source)
        files = facts.holding(values) if facts else ()
        place.bring(self.root, files)
        return [str(self.root / file.path) for file in files]

    def verify(self, sources: Iterable[str], values: Iterable[object] | None = None) -> None:
        """Compare the bytes of these sources' files (that may hold `values` of the cluster column) with their hashes.

        `IntegrityError` on any difference.
        """
        problems = []
        asked = None if values is None else list(values)
        for source in sources:
            files = self.sources[source].holding(asked) if source in self.sources else ()
            place.bring(self.root, files)
            for file in files:
                problems += self._damage(file)
        if problems:
            raise IntegrityError(f"Snapshot {self.id} is damaged", problems)

    def verify_file(self, file: FactFile) -> None:
        """The same of one file."""
        place.bring(self.root, (file,))
        if problems := self._damage(file):
            raise IntegrityError(f"Snapshot {self.id} is damaged", problems)

    def _damage(self, file: FactFile) -> list[Problem]:
        path = self.root / file.path
        got = file_sha256(path) if path.exists() else "no file"
        if got == file.sha256:
            return []
        return [Problem(file.path, f"SHA-256 {file.sha256}", got, "Restore the store from a backup")]


def bucket_of(value: object, buckets: int) -> int:
    """In which of so many buckets the facts of a value of the cluster column lie: by MD5 of its text, 0 where it is null.

    `store.index` says the same in SQL. Values are text, whole numbers or dates (`intake.contract` admits no others).

    >>> bucket_of("91330100MA27XFAH0X", 64), bucket_of(None, 64), bucket_of(7, 1)
    (19, 0, 0)
    """
    if value is None or buckets == 1:
        return 0
    return int.from_bytes(md5(str(value).encode(), usedforsecurity=False).digest()[:4]) % buckets


def bucket_sql(column: str, buckets: int) -> str:
    """`bucket_of` in SQL, of a column."""
    if buckets == 1:
        return "0::BIGINT"
    return f"coalesce(('0x' || md5({column}::VARCHAR)[:8])::BIGINT % {buckets}, 0)"


def snapshot_id(sources: dict[str, SourceFacts]) -> str:
    """The hash that names these facts: it depends on contents, never on paths, versions or time."""
    return fingerprint({name: [file.sha256 for file in facts.files] for name, facts in sources.items()})[:16]


def write(root: Path, sources: dict[str, SourceFacts]) -> Snapshot:
    """Record a snapshot and make it the current one, atomically."""
    name = snapshot_id(sources)
    folder = root / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        source: {
            "version": facts.version,
            "files": [[file.path, file.sha256, file.rows, file.bucket] for file in facts.files],
            "cluster": facts.cluster,
            "buckets": facts.buckets,
        }
        for source, facts in sources.items()
    }
    replace_text(folder / f"{name}.json", canonical_json(content))
    place.publish(root, name)
    replace_text(root / "CURRENT", name)
    return Snapshot(name, root, sources)


def read(root: Path, name: str | None = None) -> Snapshot:
    """The named snapshot, or the current one; an empty store gives an empty snapshot."""
    place.refresh(root, name)
    if name is None:
        pointer = root / "CURRENT"
        if not pointer.exists():
            return Snapshot(snapshot_id({}), root, {})
        name = pointer.read_text(encoding="utf-8").strip()
    path = root / "snapshots" / f"{name}.json"
    if not path.exists():
        raise SetupError(
            "No such snapshot",
            [Problem(str(path), "a snapshot of this store", "no file", "Run riskengine intake first")],
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    sources = {
        source: SourceFacts(
            facts["version"],
            tuple(FactFile(*file) for file in facts["files"]),
            facts.get("cluster", ""),
            facts.get("buckets", 1),
        )
        for source, facts in content.items()
    }
    return Snapshot(name, root, sources)


def replace_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees either the old or the new content, also after a crash."""
    import os

    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
