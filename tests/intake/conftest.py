"""A small institution with three sources."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from riskengine.project import Project

ENVIRONMENT = 'name = "tiny"\ntitle = { en = "Tiny", zh = "小" }\ncurrency = "USD"\n'
HERE = Path(__file__).parent


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "institution"
    for room in ("features", "models", "configs/sources"):
        (root / room).mkdir(parents=True)
    (root / "configs" / "environment.toml").write_text(ENVIRONMENT, encoding="utf-8")
    for name in ("loans.toml", "status.toml", "persons.toml"):
        shutil.copy(HERE / name, root / "configs" / "sources" / name)
    return Project(root)
