"""Is a file read again exactly when it may have changed?"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from riskengine.intake import unread as room
from riskengine.intake.unread import Digests, unread
from riskengine.schema import file_sha256


def looked(
    store: Path, inbox: Path, taken: set[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[str]]:
    """The files that are not taken in, and those that were read to know it."""
    read: list[str] = []

    def reads(path: Path) -> str:
        read.append(path.name)
        return file_sha256(path)

    monkeypatch.setattr(room, "file_sha256", reads)
    digests = Digests(store, inbox)
    found = [path.name for path in unread(digests, sorted(inbox.glob("*")), taken)]
    digests.keep()
    return found, read


def test_a_file_is_read_again_only_when_it_may_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, inbox = tmp_path / "var", tmp_path / "inbox"
    store.mkdir()
    inbox.mkdir()
    for name in "ab":
        (inbox / name).write_text(name)
    taken = {file_sha256(inbox / "a")}
    assert looked(store, inbox, taken, monkeypatch) == (["b"], ["a", "b"])
    assert looked(store, inbox, taken, monkeypatch) == (
        ["b"],
        ["a", "b"],
    )  # written this moment: not trusted yet
    monkeypatch.setattr(room, "_SETTLED", -time.time_ns())
    assert looked(store, inbox, taken, monkeypatch) == (["b"], ["a", "b"])
    assert looked(store, inbox, taken, monkeypatch) == (["b"], [])
    told = (inbox / "a").stat()
    (inbox / "a").write_text("c")  # as long, and its time set back
    os.utime(inbox / "a", ns=(told.st_atime_ns, told.st_mtime_ns))
    assert looked(store, inbox, taken, monkeypatch) == (["a", "b"], ["a"])
    (inbox / "b").unlink()
    (store / "inbox.json").write_text("not json")
    assert looked(store, inbox, taken, monkeypatch) == (["a"], ["a"])
