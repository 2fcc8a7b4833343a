"""The hand-written world, taken in through the real intake."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from riskengine.intake.load import take_in
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project with every file of `data/` taken in."""
    root = tmp_path_factory.mktemp("world")
    for room in ("configs", "features", "models"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(root)
    for folder in sorted(DATA.iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), date(2025, 1, 31))
    return project
