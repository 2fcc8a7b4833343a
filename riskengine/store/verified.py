"""Which index files were verified before and have not been touched since? Of each a review hashes the bytes once on a machine, not once a review.

Index files never change, so a file with the inode, size and times it had when its bytes were compared with its hash has those bytes
(git trusts its index in the same way). Kept in `index/verified.json`; a file changed within two seconds of the keeping is not kept, since its
times could not tell a later change. What decides and what is read in whole (a night, a replay, `store verify`) hashes all the same.
Lesson of the profile: the files that one enterprise touches have 200 MB, and hashing them was a third of a cold review.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from riskengine.schema import canonical_json
from riskengine.store import place
from riskengine.store.snapshot import FactFile, Snapshot, replace_text

_RACY = 2_000_000_000  # nanoseconds
Told = list[str | int]  # of a file: SHA-256, device, inode, size, times of change of content and of the inode


class Verified:
    """The index files of a snapshot that need not be hashed again."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._path = snapshot.root / "index" / "verified.json"
        self._known: dict[str, Told] | None = None
        self._fresh: dict[str, Told] = {}
        self._now: set[str] = set()

    def check(self, files: Iterable[FactFile]) -> None:
        """Verify those of the files that need it; an `IntegrityError` where one is damaged."""
        asked = [file for file in files if file.path not in self._now]
        if not asked:
            return
        place.bring(self._snapshot.root, asked)
        if self._known is None:
            self._known = _read(self._path)
        for file in asked:
            if self._known.get(file.path) != (told := _told(self._snapshot.root, file)):
                self._snapshot.verify_file(file)
                self._fresh[file.path] = told
            self._now.add(file.path)

    def keep(self) -> None:
        """Beside the files, in a store that may be written, what was verified since it was kept; who only reads one goes without."""
        folder = self._path.parent
        if not self._fresh or not folder.is_dir() or not os.access(folder, os.W_OK):
            return
        mark = self._path.with_name(f".verified.{os.getpid()}.new")
        mark.touch()
        now = mark.stat().st_mtime_ns  # by the clock that the files' times are of
        mark.unlink()
        settled = {path: told for path, told in self._fresh.items() if _last(told) < now - _RACY}
        current = {file.path for facts in self._snapshot.sources.values() for file in facts.files}
        known = {path: told for path, told in (_read(self._path) | settled).items() if path in current}
        self._fresh = {}
        content = canonical_json(known)
        replace_text(self._path, f"{sha256(content.encode()).hexdigest()}\n{content}")


def _told(root: Path, file: FactFile) -> Told:
    try:
        it = (root / file.path).stat()
    except FileNotFoundError:
        return []
    return [file.sha256, it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns]


def _last(told: Told) -> int:
    return max(int(value) for value in told[4:])


def _read(path: Path) -> dict[str, Told]:
    """What is kept; nothing where there is none or it is not whole."""
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return {}
    if digest.decode(errors="replace") != sha256(content).hexdigest():
        return {}
    found: dict[str, Told] = json.loads(content)
    return found
