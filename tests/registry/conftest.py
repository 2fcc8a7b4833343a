"""The tiny institution with two registered versions of its access model, the first of them champion by two persons."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))
sys.path.insert(0, str(Path(__file__).parent))

from institution import made_project
from versions import as_person, register

from riskengine import registry
from riskengine.project import Project


@pytest.fixture(scope="session", autouse=True)
def _own_store() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT", "RISKENGINE_ACTOR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def _institution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = made_project(tmp_path_factory.mktemp("registry") / "p")
    register(project, 0.0)
    (project.store / "champions.json").unlink()  # the hand-drawn one was only there to copy its parts
    here = registry.office(project)
    registry.propose(as_person(here, "maker"), "access_pd", 1, "the first model")
    registry.approve(as_person(here, "checker"), "access_pd", 1, "read and agreed")
    register(project, 1.5)
    return project.root


@pytest.fixture
def copy(_institution: Path, tmp_path: Path) -> Callable[[str], Project]:
    """As many copies of the institution as a test asks for."""

    def make(name: str = "own") -> Project:
        shutil.copytree(_institution, tmp_path / name, symlinks=True)
        return Project(tmp_path / name)

    return make


@pytest.fixture
def own(copy: Callable[[str], Project]) -> Project:
    return copy("own")
