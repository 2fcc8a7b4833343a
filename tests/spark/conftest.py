"""A small cluster in this process (`local[2]`), and the hand-written world for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.extend(str(Path(__file__).parents[1] / room) for room in ("spark", "world", "scoring"))

from both_engines import ROOT, every_shape, world_of
from small_cluster import BOOK, SMALL, absent

from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.spark.session import on_cluster


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on `local[2]` with the settings of the engine."""
    if why := absent():
        pytest.skip(why)
    place = str(tmp_path_factory.mktemp("spark"))
    with on_cluster(
        "local[2]", {**SMALL, "spark.sql.warehouse.dir": place, "spark.local.dir": place}
    ) as session:
        yield session


@pytest.fixture(scope="session")
def definitions() -> Catalogue:
    """The default project's, over no facts."""
    return Catalogue(Project(ROOT))


@pytest.fixture(scope="session")
def shapes(definitions: Catalogue) -> list[str]:
    """The covering set of features."""
    return every_shape(definitions)


@pytest.fixture(scope="session")
def catalogue(
    definitions: Catalogue, shapes: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Catalogue:
    """The default project over the hand-written world, with the sources that these tests read."""
    sources = {name for one in shapes for name in definitions.rests_on(definitions.feature(one))}
    return Catalogue(world_of(tmp_path_factory.mktemp("few") / "world", sources | set(BOOK)))
