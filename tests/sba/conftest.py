"""The SBA institution, built once a session and shared by all workers; what a test changes, it changes in a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "registry"))
sys.path.insert(0, str(Path(__file__).parent))

from one_operator import promoted
from sba_world import NIGHTS, SMALLER, TRAINED, branch, copied, feed

from riskengine.project import Project
from riskengine.registry import Registry


@pytest.fixture(scope="session", autouse=True)
def own_store() -> Iterator[None]:
    """No store or project of the person who runs the tests is ever touched."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sba"
    folder.mkdir(exist_ok=True)
    return folder


def once(folder: Path, name: str, build: Callable[[Path], object]) -> Project:
    """The institution called `name`: built by the first worker that asks, waited for by the others."""
    made = folder / name
    with (folder / f"{name}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not (made / "ready").exists():
            shutil.rmtree(made, ignore_errors=True)
            build(made)
            (made / "ready").touch()
    return Project(made)


@pytest.fixture(scope="session")
def trained(own_store: None, shared_folder: Path) -> Project:
    """What was known on 2005-12-31, both models trained on it and promoted."""

    def build(folder: Path) -> None:
        project = copied(folder)
        feed(project, [str(TRAINED)])
        for model in SMALLER:
            made = project.pipeline("retrain").run(project, model, TRAINED)
            promoted(Registry(project.store), model, made.version)

    return once(shared_folder, "trained", build)


@pytest.fixture(scope="session")
def nights(trained: Project, shared_folder: Path) -> Project:
    """The trained institution after three nights, each taking in what arrived by then."""

    def build(folder: Path) -> None:
        project = branch(trained, folder)
        for night in NIGHTS:
            assert project.pipeline("nightly").run(project, night).status == "published"

    return once(shared_folder, "nights", build)


@pytest.fixture(scope="session")
def late(trained: Project, shared_folder: Path) -> Project:
    """The trained institution when everything up to the end of 2014 has arrived; no night was ever run."""

    def build(folder: Path) -> None:
        project = branch(trained, folder)
        feed(project, [*(str(night) for night in NIGHTS), "2014-12-31"])

    return once(shared_folder, "late", build)
