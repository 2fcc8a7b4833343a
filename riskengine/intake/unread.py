"""Which files of the inbox have other bytes than any taken in, without reading again those that lie as they lay?

A file whose size, times and place on the disk are those noted, and that had lain for a while when it was read then, has the
bytes it had: hashing the whole inbox every night grows with the years (500 files of a province: 5 s). The notes are a
cache: without them everything is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from riskengine.schema import canonical_json, file_sha256
from riskengine.store.snapshot import replace_text

_NOTES = "inbox.json"
_SETTLED = 2_000_000_000  # nanoseconds: a file changed since may have the time of a change before


class Digests:
    """The SHA-256 of files in an inbox; `keep` notes them in the store."""

    def __init__(self, store: Path, inbox: Path) -> None:
        self.path, self.inbox = store / _NOTES, inbox
        self._known = _read(self.path)
        self._now: dict[str, list[object]] = {}
        self._began = 0

    def of(self, path: Path) -> str:
        """The SHA-256 of a file's bytes; `OSError` where it cannot be read."""
        name, told = path.relative_to(self.inbox).as_posix(), path.stat()
        here: list[object] = [told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino]
        known = self._known.get(name)
        digest = str(known[-1]) if known and known[:-1] == here else ""
        if not digest:
            self._began = self._began or _clock_of(self.path)
            digest = file_sha256(path)
            if max(told.st_mtime_ns, told.st_ctime_ns) + _SETTLED > self._began:
                return digest
        self._now[name] = [*here, digest]
        return digest

    def keep(self) -> None:
        """Note what was read, and forget what is not there any more."""
        if self._now != self._known:
            replace_text(self.path, canonical_json(self._now))


def _read(path: Path) -> dict[str, list[object]]:
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _clock_of(path: Path) -> int:
    """What time it is on the disk."""
    mark = path.with_name(f".{path.name}.now")
    mark.write_bytes(b"")
    now = mark.stat().st_mtime_ns
    mark.unlink(missing_ok=True)
    return now


def unread(digests: Digests, paths: Iterable[Path], taken: set[str]) -> list[Path]:
    """The files whose bytes are none of `taken`; one that cannot be read is among them: taking it in will say so."""
    found = []
    for path in paths:
        try:
            is_taken = digests.of(path) in taken
        except OSError:
            is_taken = False
        if not is_taken:
            found.append(path)
    return found
