"""The simulated bundle as a fixture, in both treatments of missing values."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulated import Made, made_bundle


@pytest.fixture(scope="session", params=[False, True], ids=["nan_missing", "zero_missing"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_bundle(tmp_path_factory.mktemp("bundle") / "b", request.param)
