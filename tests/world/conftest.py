"""The hand-written world, taken in once for all that read it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hand_world import Reader, seen_in, world_in

from riskengine.project import Project


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The world that every test reads and none writes."""
    return world_in(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def read_off(world: Project) -> Reader:
    """What the features say of the subjects and days that a list of expectations asks about."""
    return lambda expected: seen_in(
        world, sorted({(name, day) for name, day, _, _ in expected}), {name for _, _, name, _ in expected}
    )
