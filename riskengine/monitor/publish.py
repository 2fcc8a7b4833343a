"""How does a night become visible: whole or not at all, once, and the same bytes from the same inputs?

`publications/<as_of>` is a link to an edition folder. An edition is written and synced beside it, moved to its final
name, and only then the link is switched in one atomic step; an edition that is no longer linked goes to `.superseded`.
Whatever a killed run leaves behind is swept by the next one, under the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.clock import parse_day
from riskengine.errors import IntegrityError, LockedError, Problem
from riskengine.schema import canonical_json, file_sha256, fingerprint
from riskengine.stages import lap, laps

MANIFEST = "manifest.json"
MEASURED = "measured"  # of a manifest: how long it took, which is told and names nothing
_EDITIONS, _SUPERSEDED, _DRAFT = ".editions", ".superseded", ".draft"


@dataclass(frozen=True)
class Publication:
    """One night as published: its day, its folder, its manifest and the hash that names the manifest (`named`)."""

    as_of: date
    folder: Path
    manifest: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class Outcome:
    """What publishing did: `published`, `no change`, `replaced` (other inputs) or `repaired` (damaged files)."""

    status: str
    publication: Publication
    found: tuple[Problem, ...] = ()

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The publication's manifest."""
        return self.publication.manifest


@contextlib.contextmanager
def lock(store: Path) -> Iterator[None]:
    """Hold the night's lock, or raise `LockedError`. The system releases it when the process ends, however it ends."""
    store.mkdir(parents=True, exist_ok=True)
    path = store / "nightly.lock"
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                "Another night is running",
                [Problem(str(path), "a free lock", "a lock held by another process", "Wait for it to end")],
            ) from None
        yield


def inputs_hash(inputs: Mapping[str, Any]) -> str:
    """The name of everything a night is computed from."""
    return fingerprint(dict(inputs))


def days(store: Path) -> list[date]:
    """The days that have a publication, in order."""
    folder = store / "publications"
    names = (
        [path.name for path in folder.glob("*") if not path.name.startswith(".")] if folder.exists() else []
    )
    return sorted(parse_day(name, str(folder)) for name in names)


def find(store: Path, as_of: date) -> Publication | None:
    """The publication of a day, its manifest parsed and nothing else verified; None if there is none."""
    link = store / "publications" / str(as_of)
    if not link.exists():
        return None
    raw = (link / MANIFEST).read_bytes() if (link / MANIFEST).exists() else b"{}"
    try:
        manifest = json.loads(raw)
    except ValueError:
        manifest = {}
    return Publication(as_of, link, manifest, hashlib.sha256(named(raw)).hexdigest())


def named(manifest: bytes) -> bytes:
    """The bytes of a manifest that name its edition: without `measured`, which no two nights have alike.

    What is no manifest as `publish` writes it is named by all of its bytes.
    """
    try:
        told = json.loads(manifest)
    except ValueError:
        return manifest
    if not isinstance(told, dict) or MEASURED not in told or _text(told) != manifest:
        return manifest
    return _text({name: value for name, value in told.items() if name != MEASURED})


def before(store: Path, as_of: date) -> Publication | None:
    """The latest publication of a day strictly before, verified; a damaged one is an `IntegrityError`."""
    earlier = [day for day in days(store) if day < as_of]
    if not earlier:
        return None
    found = find(store, earlier[-1])
    assert found is not None
    problems = damage(found)
    if problems:
        raise IntegrityError(f"The publication of {found.as_of} is damaged", problems)
    return found


def damage(publication: Publication) -> list[Problem]:
    """Each file that is not, byte for byte, what the manifest says."""
    listed = publication.manifest.get("files")
    repair = f"Run riskengine nightly --as-of {publication.as_of} again"
    if not isinstance(listed, dict):
        return [Problem(str(publication.folder / MANIFEST), "a manifest", "something else", repair)]
    problems = []
    for name, entry in sorted(listed.items()):
        path = publication.folder / name
        got = file_sha256(path) if path.is_file() else "no file"
        if got != entry["sha256"]:
            problems.append(Problem(str(path), f"SHA-256 {entry['sha256']}", got, repair))
    return problems


def unchanged(store: Path, as_of: date, inputs: Mapping[str, Any]) -> Outcome | None:
    """`no change` if the day is published from these very inputs and undamaged, else None; call it under `lock`."""
    if (store / "publications" / _EDITIONS).exists():
        _sweep(store / "publications")
    found = find(store, as_of)
    if found is None or found.manifest.get("inputs_hash") != inputs_hash(inputs) or damage(found):
        return None
    return Outcome("no change", found)


def publish(
    store: Path, as_of: date, inputs: Mapping[str, Any], files: Mapping[str, bytes], facts: Mapping[str, Any]
) -> Outcome:
    """Publish the files of a night with their manifest; call it under `lock`.

    `facts` are the manifest's further entries (counts, health); `facts["rows"]` maps a file to its rows. Where the night is
    `stages.measured`, its stages are the manifest's `measured`; the last of them, `publish`, ends when the files are written.
    """
    folder = store / "publications"
    for part in (_EDITIONS, _SUPERSEDED):
        (folder / part).mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    earlier = find(store, as_of)
    found = tuple(damage(earlier)) if earlier else ()
    told = _manifest(as_of, inputs, files, facts)
    name = f"{as_of}-{hashlib.sha256(_text(told)).hexdigest()[:16]}"
    edition = folder / _EDITIONS / name
    _write(folder / _DRAFT, files, told)
    if edition.exists():  # the same edition, linked but damaged: the link must never name a half-written one
        edition = edition.with_name(f"{name}-repaired")
    (folder / _DRAFT).rename(edition)
    _sync(folder / _EDITIONS)
    switch = folder / f".{as_of}.new"
    switch.unlink(missing_ok=True)
    switch.symlink_to(Path(_EDITIONS) / edition.name, target_is_directory=True)
    switch.replace(folder / str(as_of))
    _sync(folder)
    _sweep(folder)
    same = earlier is not None and earlier.manifest.get("inputs_hash") == inputs_hash(inputs)
    status = "published" if earlier is None else "repaired" if same and found else "replaced"
    made = find(store, as_of)
    assert made is not None
    return Outcome(status, made, found)


def _manifest(
    as_of: date, inputs: Mapping[str, Any], files: Mapping[str, bytes], facts: Mapping[str, Any]
) -> dict[str, Any]:
    rows = facts.get("rows", {})
    content = {
        **{name: value for name, value in facts.items() if name != "rows"},
        "as_of": str(as_of),
        "inputs": dict(inputs),
        "inputs_hash": inputs_hash(inputs),
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "rows": rows.get(name)}
            for name, data in files.items()
        },
    }
    told: dict[str, Any] = json.loads(canonical_json(content))
    return told


def _text(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _write(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """The files, then the manifest with the stages measured until then."""
    folder.mkdir()
    for name, data in sorted(files.items()):
        _put(folder / name, data)
    lap("publish", len(files))
    stages = laps()
    _put(folder / MANIFEST, _text({**manifest, MEASURED: stages} if stages else manifest))
    _sync(folder)


def _put(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sweep(folder: Path) -> None:
    """Remove drafts and put editions that no day links to aside."""
    if (folder / _DRAFT).exists():
        shutil.rmtree(folder / _DRAFT)
    for switch in folder.glob(".*.new"):
        switch.unlink()
    linked = {os.readlink(path) for path in folder.iterdir() if path.is_symlink()}
    (folder / _SUPERSEDED).mkdir(exist_ok=True)
    for edition in sorted((folder / _EDITIONS).iterdir()):
        if f"{_EDITIONS}/{edition.name}" not in linked:
            aside = folder / _SUPERSEDED / edition.name
            if aside.exists():
                shutil.rmtree(aside)
            edition.rename(aside)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
