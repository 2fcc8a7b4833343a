"""The power goes at any moment: a night killed again and again (SIGKILL, wherever it is) ends with the bytes of one never killed."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from golden_world import institution, night, publication

from riskengine.monitor import publish
from riskengine.project import Project
from riskengine.store.ledger import batch_records, open_ledger

DAYS = (date(2024, 12, 31), date(2025, 1, 31))
WATCHED = ("house", "legal", "data")
CHAINS = 40
IN_A_ROW = 5  # kills before a night is let through
PATIENCE = 120  # seconds


def run_night(folder: str, day: date) -> None:
    """What the killed process does."""
    night(Project(Path(folder)), day)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return institution(tmp_path_factory.mktemp("untouched") / "p", WATCHED).root


@pytest.fixture(scope="module")
def undisturbed(untouched: Path) -> Project:
    project = Project(shutil.copytree(untouched, untouched.parent / "undisturbed"))
    assert [night(project, day) for day in DAYS] == ["published", "published"]
    return project


@dataclass(frozen=True)
class Victims:
    """Where killed nights run: forked from a clean process that has imported everything; a night takes `seconds`."""

    server: multiprocessing.context.ForkServerContext
    seconds: float


@pytest.fixture(scope="module")
def victims(untouched: Path) -> Victims:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["pandas", "deltalake", "golden_world"])
    folder = shutil.copytree(untouched, untouched.parent / "timed")
    begun = time.perf_counter()
    for day in DAYS:
        process = server.Process(target=run_night, args=(str(folder), day))
        process.start()
        process.join(PATIENCE)
        assert process.exitcode == 0
    return Victims(server, (time.perf_counter() - begun) / len(DAYS))


def killed(victims: Victims, folder: Path, day: date, after: float) -> bool:
    """Start a night and kill it after so many seconds; whether it was still running."""
    process = victims.server.Process(target=run_night, args=(str(folder), day))
    process.start()
    process.join(after)
    alive = process.is_alive()
    process.kill()
    process.join(PATIENCE)
    return alive


def whole(project: Project, day: date) -> bool:
    """A killed night is published whole or not at all."""
    found = publish.find(project.store, day)
    return found is None or not publish.damage(found)


@pytest.mark.long  # nights killed where it hurts most are in test_killed_night.py
def test_killed_at_random_points(
    untouched: Path, undisturbed: Project, victims: Victims, tmp_path: Path
) -> None:
    points = random.Random(CHAINS)
    hit = 0
    for chain in range(CHAINS):
        project = Project(shutil.copytree(untouched, tmp_path / str(chain)))
        alone = DAYS[chain % len(DAYS)]  # the night that is disturbed; the other runs through
        for day in DAYS:
            for number in range(IN_A_ROW if day == alone else 0):
                shorter = victims.seconds / (1 + number)  # what a killed night has finished is not done again
                hit += killed(victims, project.root, day, points.uniform(0.0, shorter))
                assert whole(project, day)
            assert night(project, day) in ("published", "no change", "repaired")
            assert publication(project, day) == publication(undisturbed, day)
        assert facts_of(project) == facts_of(undisturbed)
        shutil.rmtree(project.root)
    assert hit >= CHAINS * IN_A_ROW // 2  # most kills met a running night


def facts_of(project: Project) -> list[tuple[str, int, int]]:
    """Source, rows in and rows accepted of every batch: nothing lost, nothing twice."""
    assert not batch_records(open_ledger(project.store), "pending")
    return sorted(
        (one.source, one.rows_in, one.accepted) for one in batch_records(open_ledger(project.store))
    )
