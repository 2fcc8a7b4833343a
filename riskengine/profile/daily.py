"""What has been computed before of one snapshot that every question of a day needs? Kept in the store beside the facts.

The latest day of every source, an industry's share of losses: the same for all applicants of a day, and slow only because
whole sources are read for it. A file is named by all that its content follows from and holds its own hash; damaged or gone,
it is computed again. Other snapshots' files are dropped when one is written.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.schema import canonical_json, fingerprint
from riskengine.store.snapshot import Snapshot, replace_text

Rows = list[tuple[Any, ...]]


class Daily:
    """Rows by name, of one snapshot: in memory, and in `shared/<snapshot>/` of a store that may be written."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._store = snapshot.root
        self._folder = snapshot.root / "shared" / snapshot.id
        self._known: dict[str, Rows] = {}

    def find(self, name: str) -> Rows | None:
        """The rows that were kept under a name; None where there are none."""
        if name in self._known:
            return self._known[name]
        rows = _read(self._folder / f"{name}.json")
        if rows is not None:
            self._known[name] = rows
        return rows

    def keep(self, name: str, rows: Rows) -> Rows:
        """Keep rows of texts, numbers, flags and dates under a name."""
        self._known[name] = rows
        if self._store.is_dir() and os.access(self._store, os.W_OK):
            if not self._folder.exists():
                shutil.rmtree(self._folder.parent, ignore_errors=True)
                self._folder.mkdir(parents=True, exist_ok=True)
            told = [
                [{"day": cell.isoformat()} if isinstance(cell, date) else cell for cell in row]
                for row in rows
            ]
            replace_text(
                self._folder / f"{name}.json", canonical_json({"rows": told, "hash": fingerprint(told)})
            )
        return rows


def _read(path: Path) -> Rows | None:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(content, dict) or fingerprint(content.get("rows")) != content.get("hash"):
        return None
    return [
        tuple(date.fromisoformat(cell["day"]) if isinstance(cell, dict) else cell for cell in row)
        for row in content["rows"]
    ]
