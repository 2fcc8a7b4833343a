"""Publishing: whole or not at all, the same bytes, killed at every line, locked, damage seen, the earlier one kept."""

import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from riskengine.errors import IntegrityError, LockedError
from riskengine.monitor import publish
from riskengine.monitor.publish import MANIFEST, MEASURED
from riskengine.stages import lap, measured

DAY = date(2006, 2, 28)
FACTS = {"rows": {"scores.parquet": 3}, "counts": {"signals": 1}}


def files(text: str) -> dict[str, bytes]:
    return {"scores.parquet": b"scores " + text.encode(), "report.html": b"page " + text.encode()}


def put(store: Path, text: str, day: date = DAY) -> publish.Outcome:
    inputs = {"snapshot": text}
    with measured():
        return publish.unchanged(store, day, inputs) or publish.publish(
            store, day, inputs, files(text), FACTS
        )


def seen(store: Path) -> dict[str, bytes]:
    """The published bytes by file; of the manifest those that name the edition."""
    folder = store / "publications" / str(DAY)
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}
    return {name: publish.named(data) if name == MANIFEST else data for name, data in found.items()}


def test_published_once_then_no_change_then_replaced_and_kept(tmp_path: Path) -> None:
    assert put(tmp_path, "one").status == "published"
    first = seen(tmp_path)
    assert put(tmp_path, "one").status == "no change"
    assert put(tmp_path, "two").status == "replaced"
    assert put(tmp_path, "one").status == "replaced"
    assert seen(tmp_path) == first
    kept = list((tmp_path / "publications" / ".superseded").iterdir())
    assert [path.name.startswith(f"{DAY}-") for path in kept] == [True, True][: len(kept)]
    assert kept
    assert b"two" in b"".join((path / "report.html").read_bytes() for path in kept)


def test_damage_is_seen_repaired_and_never_built_upon(tmp_path: Path) -> None:
    whole = put(tmp_path, "one") and seen(tmp_path)
    (tmp_path / "publications" / str(DAY) / "scores.parquet").write_bytes(b"scores onE")
    with pytest.raises(IntegrityError, match="nightly --as-of 2006-02-28 again"):
        publish.before(tmp_path, date(2006, 3, 31))
    for _ in range(3):
        done = put(tmp_path, "one")
        assert done.status == "repaired"
        assert len(done.found) == 1
        assert seen(tmp_path) == whole
        (tmp_path / "publications" / str(DAY) / "report.html").unlink()
    assert put(tmp_path, "one").status == "repaired"
    found = publish.before(tmp_path, date(2006, 3, 31))
    assert found is not None
    assert found.as_of == DAY
    assert publish.before(tmp_path, DAY) is None


def test_what_was_measured_is_told_and_names_nothing(tmp_path: Path) -> None:
    with measured():
        lap("signals", 7)
        done = publish.publish(tmp_path, DAY, {"snapshot": "one"}, files("one"), FACTS)
    told = done.manifest[MEASURED]
    assert [(one["stage"], one["rows"]) for one in told] == [("signals", 7), ("publish", 2)]
    assert all(one["seconds"] >= 0 and one["peak_mb"] > 1 for one in told)
    manifest = tmp_path / "publications" / str(DAY) / MANIFEST
    raw = manifest.read_bytes()
    assert put(tmp_path, "one").status == "no change"
    assert manifest.read_bytes() == raw  # a rerun that changes nothing keeps what the first one measured
    other = publish.publish(tmp_path / "b", DAY, {"snapshot": "one"}, files("one"), FACTS)
    assert MEASURED not in other.manifest
    assert other.publication.hash == done.publication.hash
    assert other.publication.folder.readlink() == done.publication.folder.readlink()
    slower = raw.replace(b'"seconds": ', b'"seconds": 1')
    assert publish.named(slower) == publish.named(raw) == (other.publication.folder / MANIFEST).read_bytes()
    for touched in (raw + b" ", raw.replace(b'"signals": 1', b'"signals": 2')):
        assert touched != raw
        assert publish.named(touched) != publish.named(raw)


def test_two_nights_do_not_run_at_once(tmp_path: Path) -> None:
    with publish.lock(tmp_path), pytest.raises(LockedError, match="free lock"), publish.lock(tmp_path):
        pass
    with publish.lock(tmp_path):
        pass


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> int:
    store = tmp_path_factory.mktemp("count")
    put(store, "old")
    counter = Tracer(0)
    counter.watch(lambda: put(store, "new"))
    return counter.passed


class Tracer:
    """Counts the executed lines of `publish`, and ends the process without a word at the given one."""

    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0

    def watch(self, work: Any) -> None:
        earlier = sys.gettrace()
        sys.settrace(self._enter)
        try:
            work()
        finally:
            sys.settrace(earlier)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename == publish.__file__ else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.passed += 1
            if self.passed == self.last:
                os._exit(9)
        return self._line


def killed_at(store: Path, last: int) -> bool:
    child = os.fork()
    if child == 0:
        Tracer(last).watch(lambda: put(store, "new"))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def every_kill(total: int) -> Iterator[int]:
    yield from range(1, total + 1)


@pytest.mark.filterwarnings("ignore:This process")
def test_killed_at_every_line_the_last_publication_stands_and_a_rerun_gives_the_same_bytes(
    tmp_path: Path, lines: int
) -> None:
    reference = tmp_path / "reference"
    put(reference, "old")
    old = seen(reference)
    put(reference, "new")
    new = seen(reference)
    assert lines > 60  # the tracer really sees the steps
    states = set()
    for last in every_kill(lines):
        store = tmp_path / str(last)
        put(store, "old")
        assert killed_at(store, last)
        state = seen(store)
        assert state in (old, new), f"torn after line {last}"
        states.add(state == new)
        put(store, "new")
        assert seen(store) == new
        editions = list((store / "publications" / ".editions").iterdir())
        assert len(editions) == 1
        assert len(list((store / "publications" / ".superseded").iterdir())) <= 2
    assert states == {True, False}
