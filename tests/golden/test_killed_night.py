"""A night that dies at any step: nothing half-done is seen, and the next run gives the bytes of a night that never died."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from golden_world import institution, night, publication

from riskengine.intake import load
from riskengine.monitor import publish, work
from riskengine.project import Project
from riskengine.store import ledger, snapshot
from riskengine.store.facts import FactStore

FIRST, SECOND = date(2024, 12, 31), date(2025, 1, 31)
WATCHED = (
    "house",
    "legal",
    "data",
)  # every night compiles what it watches: thirty nights need not watch everything


class Killed(BaseException):
    """The power goes: no `except Exception` may see it."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = institution(tmp_path_factory.mktemp("undisturbed") / "p", WATCHED)
    assert [night(project, day) for day in (FIRST, SECOND)] == ["published", "published"]
    return project


def dying(real: Callable[..., Any], at: int, after: bool) -> Callable[..., Any]:
    """The function as it is, but at its `at`-th call the process ends: before it did its work, or just after."""
    calls = 0

    def wrapper(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Killed
        result = real(*args, **named)
        if calls == at:
            raise Killed
        return result

    return wrapper


STEPS: dict[str, tuple[Any, str, int, bool]] = {
    "before the third batch is booked": (ledger, "begin_batch", 3, False),
    "batch booked, not yet written": (FactStore, "append", 2, False),
    "facts committed, not yet visible": (FactStore, "append", 4, True),
    "index written, snapshot not": (snapshot, "write", 2, False),
    "snapshot switched, batch still pending": (ledger, "finish_batches", 3, False),
    "while a source is cleaned": (load, "clean", 5, True),
    "all taken in, nothing computed": (work, "profiled", 1, False),
    "profiled, not yet scored": (work, "rated", 1, False),
    "signals found, reminders not": (work, "plan", 1, False),
    "draft half written": (publish, "_sync", 1, False),
    "edition there, link not": (publish, "_sync", 2, False),
    "link switched, not yet swept": (publish, "_sweep", 2, False),
}


SHORT = ("facts committed, not yet visible", "edition there, link not", "link switched, not yet swept")


@pytest.mark.parametrize(
    "step", [step if step in SHORT else pytest.param(step, marks=pytest.mark.long) for step in STEPS]
)
def test_a_rerun_gives_the_bytes_of_an_undisturbed_night(
    undisturbed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    project = institution(tmp_path / "p", WATCHED)
    room, name, at, after = STEPS[step]
    with monkeypatch.context() as patch:
        patch.setattr(room, name, dying(getattr(room, name), at, after))
        with pytest.raises(Killed):
            night(project, FIRST)
    folder = project.store / "publications" / str(FIRST)
    if folder.exists():  # the kill came after the link was switched: then it must be whole
        assert publication(project, FIRST) == publication(undisturbed, FIRST)
    assert night(project, FIRST) in ("published", "no change")
    assert publication(project, FIRST) == publication(undisturbed, FIRST)
    assert night(project, FIRST) == "no change"
    if step in ("facts committed, not yet visible", "signals found, reminders not"):
        with monkeypatch.context() as patch:
            patch.setattr(room, name, dying(getattr(room, name), 1, after))
            with pytest.raises(Killed):
                night(project, SECOND)
        assert publication(project, FIRST) == publication(undisturbed, FIRST)
        assert night(project, SECOND) == "published"
        assert publication(project, SECOND) == publication(undisturbed, SECOND)
