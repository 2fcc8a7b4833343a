"""What in a store can go, what must stay, and why?

Facts are never deleted: all a snapshot is made of lies in the data files of today. What can go is what was replaced:
snapshots and index files that nothing names and that are not current, data files that a compaction has put others in the
place of, editions of nights that another edition replaced, and what a killed run left. A thing is *named*, and stays
for ever, where a record says its id: decisions, bundles, the registry, validations, plans of changes, acts, runs, the
publication that a later one was computed from. Everything else goes when it has been out of use for the declared days.

How names are found: an id is sixteen hexadecimal digits, and every such word in any record of the store counts (a longer
hash by its first sixteen), whatever the record's form. So a room that is added later keeps what it names without a word here.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from riskengine.errors import IntegrityError, Problem
from riskengine.store import place as bucket
from riskengine.store import snapshot
from riskengine.store.batch_files import batches_in
from riskengine.store.facts import FactStore
from riskengine.store.snapshot import Snapshot

CURRENT = "current"
YOUNG = "young"
_WORD = re.compile(rb"(?<![0-9a-f])[0-9a-f]{16,64}(?![0-9a-f])")
_RECORDS = {".json", ".jsonl", ".toml", ".html", ".md"}
_NOT_RECORDS = {"facts", "index", "snapshots", "publications", "mlartifacts"}
_EDITIONS, _ASIDE = ".editions", ".superseded"

Names = dict[str, set[str]]  # first sixteen digits of an id -> records that say it


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot or a replaced edition that stays: what says its id, or `current`, or `young`."""

    kind: str  # "snapshot" or "edition"
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """Something that can go: path within the store, bytes, and since when nothing has needed it."""

    kind: str  # "snapshot", "index", "data", "edition" or "left over"
    path: str
    size: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Sorting:
    """What stays and why, what can go; `days` is the age that was asked for, `waiting` the data files that are too young."""

    days: int
    kept: tuple[Kept, ...]
    gone: tuple[Gone, ...]
    waiting: tuple[Gone, ...]

    @property
    def size(self) -> int:
        """Bytes that can go."""
        return sum(one.size for one in self.gone)


def sort_out(store: FactStore, now: datetime, days: int) -> Sorting:
    """What a vacuum on `now` would remove; call it while the store and the nights are locked.

    A record that names a snapshot which is not there, or a snapshot that cannot be read, is an `IntegrityError`: nothing
    may go from a store that already lacks something.
    """
    root, before = store.root, now - timedelta(days=days)
    names = named(root)
    kept, old = _snapshots(root, names, before)
    editions_kept, editions_old = _editions(root, names, before)
    needed = {
        file.path for one in kept for facts in _read(root, one.name).sources.values() for file in facts.files
    }
    index = [
        Gone("index", str(path.relative_to(root)), path.stat().st_size, changed(path))
        for path in sorted((root / "index").glob("*/*.parquet"))
        if str(path.relative_to(root)) not in needed and changed(path) < before
    ]
    unread = unread_data(store)
    data = [one for one in unread if one.since < before]
    waiting = tuple(one for one in unread if one.since >= before)
    gone = [*old, *index, *data, *editions_old, *_left_over(root, before)]
    return Sorting(days, (*kept, *editions_kept), tuple(gone), waiting)


def remove(root: Path, sorting: Sorting) -> None:
    """Remove what can go: snapshots first, so that none is left that names an index file which is gone."""
    order = {"edition": 0, "snapshot": 1}
    for one in sorted(sorting.gone, key=lambda one: (order.get(one.kind, 2), one.path)):
        path = root / one.path
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def named(root: Path) -> Names:
    """Every id that a record says: its first sixteen digits, and which records say it."""
    found: Names = {}
    for record, text in _records(root):
        for word in _WORD.findall(text):
            found.setdefault(word[:16].decode(), set()).add(record)
    return found


def changed(path: Path) -> datetime:
    """When a file last got other content."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _records(root: Path) -> Iterator[tuple[str, bytes]]:
    """Each record of a store and its text; of a review's file the first line, which says all it rests on."""
    rooms = [
        path for path in sorted(root.iterdir()) if path.name not in _NOT_RECORDS and not _is_project(path)
    ]
    for path in (file for room in rooms for file in ([room] if room.is_file() else sorted(room.rglob("*")))):
        place = path.relative_to(root)
        if not path.is_file():
            continue
        if place.parts[0] == "decisions" and path.suffix == ".jsonl":
            with path.open("rb") as stream:
                first = stream.readline()
            _check_basis(root, path, first)
            yield str(place), first
        elif path.suffix == ".db":
            for text in _texts(path):
                yield str(place), text
        elif path.suffix in _RECORDS:
            yield str(place), path.read_bytes()


def _is_project(folder: Path) -> bool:
    """A synthetic province may lie inside the store: it has its own."""
    return (folder / "configs" / "environment.toml").exists()


def _check_basis(root: Path, path: Path, first: bytes) -> None:
    try:
        name = json.loads(first)["basis"]["snapshot"]
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem(str(path), "a first line that says what the decisions rest on", str(error)[:80])
        raise IntegrityError("A record is damaged; nothing can be removed", [problem]) from None
    bucket.refresh(root, name)
    if not (root / "snapshots" / f"{name}.json").exists():
        problem = Problem(
            str(path), f"the snapshot {name} it rests on", "none", "Restore the store from a backup"
        )
        raise IntegrityError("A recorded decision cannot be replayed; nothing can be removed", [problem])


def _texts(path: Path) -> Iterator[bytes]:
    """Every text in a SQLite database (state.db, mlflow.db), table by table; refused rows and batches name no snapshot."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=30)) as database:
        database.text_factory = bytes
        tables = [
            row[0].decode() for row in database.execute("select name from sqlite_master where type = 'table'")
        ]
        for table in sorted(set(tables) - {"quarantine", "batches", "held"}):
            for row in database.execute(f'select * from "{table}"'):
                yield b" ".join(value for value in row if isinstance(value, bytes))


def _read(root: Path, name: str) -> Snapshot:
    try:
        return snapshot.read(root, name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = Problem(
            f"snapshots/{name}.json", "a snapshot", str(error)[:80], "Restore the store from a backup"
        )
        raise IntegrityError("A snapshot is damaged; nothing can be removed", [problem]) from None


def _snapshots(root: Path, names: Mapping[str, set[str]], before: datetime) -> tuple[list[Kept], list[Gone]]:
    """A snapshot is out of use since the next one was written: one that was current for a year was needed for a year."""
    current = snapshot.read(root).id
    written = sorted((changed(path), path) for path in (root / "snapshots").glob("*.json"))
    kept, gone = [], []
    for at, (_, path) in enumerate(written):
        later = [when for when, _ in written[at + 1 :]]
        reasons = [CURRENT] if path.stem == current else []
        reasons += sorted(names.get(path.stem, ()))
        if not reasons and (not later or later[0] >= before):
            reasons = [YOUNG]
        if reasons:
            kept.append(Kept("snapshot", path.stem, tuple(reasons)))
        else:
            gone.append(Gone("snapshot", str(path.relative_to(root)), path.stat().st_size, later[0]))
    return kept, gone


def unread_data(store: FactStore) -> list[Gone]:
    """Data files that no table names: since another has their batch, or since they were written and never committed."""
    gone = []
    for folder in sorted(path for path in (store.root / "facts").glob("*") if path.is_dir()):
        committed = [Path(path) for path in store.data_files(folder.name)]
        held = {path.name for path in committed}
        if not held:  # no table that can be read: nothing here can be judged
            continue
        merged = [(batches_in(path), changed(path)) for path in committed]
        for path in sorted(folder.glob("batch-*.parquet")):
            if path.name in held:
                continue
            mine = batches_in(path)
            since = max([changed(path), *(when for batches, when in merged if batches & mine)])
            gone.append(Gone("data", str(path.relative_to(store.root)), path.stat().st_size, since))
    return gone


def _editions(root: Path, names: Names, before: datetime) -> tuple[list[Kept], list[Gone]]:
    """Replaced editions of nights; one that a standing night was computed from (its `before`) is named, and so on back."""
    publications = root / "publications"
    standing = {path.resolve(): path.name for path in publications.glob("*") if path.is_symlink()}
    said = {key: set(records) for key, records in names.items()}
    for edition, day in standing.items():
        _add(said, edition, f"publications/{day}")
    aside = sorted(path for path in (publications / _ASIDE).glob("*") if path.is_dir())
    kept: dict[Path, tuple[str, ...]] = {}
    while found := [path for path in aside if path not in kept and _id(path) in said]:
        for path in found:
            kept[path] = tuple(sorted(said[_id(path)]))
            _add(said, path, f"publications/{_ASIDE}/{path.name}")
    gone = []
    for path in aside:
        if path in kept:
            continue
        day = path.name[:10]
        successor = [edition for edition, of in standing.items() if of == day]
        since = max(changed(one) for one in [path, *successor])
        if since < before:
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            gone.append(Gone("edition", str(path.relative_to(root)), size, since))
        else:
            kept[path] = (YOUNG,)
    return [Kept("edition", path.name, reasons) for path, reasons in sorted(kept.items())], gone


def _id(edition: Path) -> str:
    """What a later night names it by: its folder is called day-hash, after a repair with a word behind."""
    return edition.name[11:27]


def _add(said: Names, edition: Path, record: str) -> None:
    """What an edition's manifest says, without the hashes of its own files."""
    manifest = edition / "manifest.json"
    try:
        inputs = json.loads(manifest.read_bytes()).get("inputs", {}) if manifest.exists() else {}
    except ValueError:  # a damaged night: whatever words it has
        inputs = manifest.read_text(encoding="utf-8", errors="replace")
    for word in _WORD.findall(json.dumps(inputs).encode()):
        said.setdefault(word[:16].decode(), set()).add(record)


def _left_over(root: Path, before: datetime) -> list[Gone]:
    """Half-written files of killed runs."""
    places: Iterable[Path] = (
        *root.glob(".*.new"), *(root / "facts").glob("*/.*.new"), *(root / "index").glob("*/.*.new"), *(root / "index").glob(".*.new"),
        *(root / "snapshots").glob(".*.new"), *(root / "decisions").glob(".*.new"),
    )  # fmt: skip
    return [
        Gone("left over", str(path.relative_to(root)), path.stat().st_size, changed(path))
        for path in sorted(places)
        if changed(path) < before
    ]
