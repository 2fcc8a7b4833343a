"""Which files, byte for byte, are the facts at one moment? Read without any heavy import."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from riskengine.errors import IntegrityError, Problem, SetupError
from riskengine.schema import canonical_json, file_sha256, fingerprint


@dataclass(frozen=True, slots=True)
class FactFile:
    """One immutable Parquet file of a source: path relative to the store, hash, rows."""

    path: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts of one source at a snapshot: the Delta version they came from and their index files.

    An index file holds every fact of the source with `superseded_at` (the day from which a later-known row of the
    same key stands in its place, or null) and `fact_rank` (the order of law 1: event, known, batch, row).
    """

    version: int
    files: tuple[FactFile, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All sources at one moment. `id` is a hash of contents only, so equal facts have equal ids."""

    id: str
    root: Path
    sources: dict[str, SourceFacts]

    def paths(self, source: str) -> list[str]:
        """Absolute paths of a source's index files; empty where nothing has been taken in."""
        facts = self.sources.get(source)
        return [str(self.root / file.path) for file in facts.files] if facts else []

    def verify(self, sources: Iterable[str]) -> None:
        """Compare the bytes of these sources' files with their hashes; raise `IntegrityError` on any difference."""
        problems = []
        for source in sources:
            for file in self.sources[source].files if source in self.sources else ():
                path = self.root / file.path
                got = file_sha256(path) if path.exists() else "no file"
                if got != file.sha256:
                    problems.append(
                        Problem(file.path, f"SHA-256 {file.sha256}", got, "Restore the store from a backup")
                    )
        if problems:
            raise IntegrityError(f"Snapshot {self.id} is damaged", problems)


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
            "files": [[file.path, file.sha256, file.rows] for file in facts.files],
        }
        for source, facts in sources.items()
    }
    replace_text(folder / f"{name}.json", canonical_json(content))
    replace_text(root / "CURRENT", name)
    return Snapshot(name, root, sources)


def read(root: Path, name: str | None = None) -> Snapshot:
    """The named snapshot, or the current one; an empty store gives an empty snapshot."""
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
        source: SourceFacts(facts["version"], tuple(FactFile(*file) for file in facts["files"]))
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
