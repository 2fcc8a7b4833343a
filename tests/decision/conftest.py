"""The tiny institution: one shared for reading, one of its own for each test that changes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from institution import made_project

from riskengine.project import Project


@pytest.fixture(scope="session", autouse=True)
def _own_store() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RISKENGINE_STORE", raising=False)
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made_project(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own_project(tmp_path: Path) -> Project:
    return made_project(tmp_path / "own")
