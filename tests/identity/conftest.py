"""Makes `town` importable from the tests beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from town import build

from riskengine.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return build(tmp_path / "town", "adm_penalty", "si_monthly")
