"""The simulated bundles as a fixture: trees in both treatments of missing values, and a scorecard."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulated import KINDS, Made, made_bundle


@pytest.fixture(scope="session", params=list(KINDS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_bundle(tmp_path_factory.mktemp("bundle") / "b", request.param)
