"""Which bundle decides and which is tried beside it, by files that a night reads without MLflow?

`<store>/champions.json` and `<store>/challengers.json`: model -> bundle, version, the ledger's act that said so. A bundle
is kept under `<store>/bundles/<hash>`, written beside and moved there whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from riskengine.scoring.bundle import Bundle, checked_entry, read_bundle, strict_json, write_bundle
from riskengine.store.snapshot import replace_text

CHALLENGER, CHAMPION = "challenger", "champion"
_REPAIR = {
    CHAMPION: "Restore the file from a backup",
    CHALLENGER: "Remove the file: no challenger is tried until riskengine retrain MODEL --as-of DATE names one",
}


def entries(store: Path, alias: str = CHAMPION) -> dict[str, dict[str, Any]]:
    """Model -> `{"bundle", "version", "act"}` of an alias; empty where nothing was ever named.

    A file that is not such a table, whole, is an `IntegrityError`.
    """
    path = store / f"{alias}s.json"
    if not path.exists():
        return {}
    found = strict_json(path.read_bytes(), path, _REPAIR[alias])
    return {model: checked_entry(path, model, entry, _REPAIR[alias]) for model, entry in found.items()}


def point(store: Path, alias: str, model: str, entry: Mapping[str, Any]) -> None:
    """Let an alias of a model name this entry, in one step: a reader sees the old or the new one."""
    said = entries(store, alias) | {model: dict(entry)}
    replace_text(store / f"{alias}s.json", json.dumps(said, indent=1, sort_keys=True) + "\n")


def challenger_name(store: Path, model: str) -> str:
    """The hash of the bundle that is tried beside the champion; empty where there is none or it has become the champion."""
    entry = entries(store, CHALLENGER).get(model)
    if entry is None or entry["bundle"] == entries(store).get(model, {}).get("bundle"):
        return ""
    return str(entry["bundle"])


def challenger(store: Path, model: str) -> Bundle | None:
    """The verified bundle that is tried beside the champion; None where `challenger_name` names nobody."""
    name = challenger_name(store, model)
    return read_bundle(store / "bundles" / name, name) if name else None


def keep_bundle(store: Path, files: Mapping[str, bytes], name: str) -> Path:
    """The folder `<store>/bundles/<name>` with these parts, whole or not at all; one that is there is verified."""
    target = store / "bundles" / name
    if target.is_dir():
        read_bundle(target, name)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
        staged = Path(temporary) / "staged"
        write_bundle(staged, dict(files))
        read_bundle(staged, name)
        with contextlib.suppress(OSError):  # another process was quicker: what it wrote is verified below
            staged.replace(target)
        shutil.rmtree(staged, ignore_errors=True)
    read_bundle(target, name)
    return target


@contextlib.contextmanager
def changing(store: Path) -> Iterator[None]:
    """Hold the lock under which aliases change; others wait. The system releases it when the process ends, however it ends."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / "aliases.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
