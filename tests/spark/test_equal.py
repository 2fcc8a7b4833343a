"""Does every definition say the same on Spark as on DuckDB?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from both_engines import compared, differences, written_rows
from hand_world import world_in

from riskengine.cli import app
from riskengine.profile.catalogue import Catalogue
from riskengine.store import snapshot
from riskengine.store.snapshot import Snapshot


def test_every_word_of_the_definitions_is_the_same(
    spark: Any, catalogue: Catalogue, shapes: list[str], tmp_path: Path
) -> None:
    names, held = shapes, snapshot.read(catalogue.project.store)
    rows, different = compared(spark, catalogue, held, names, tmp_path / "working")
    known = [name for name in names if any(row[name] is not None for row in rows)]
    assert len(known) >= 0.9 * len(names), "the world says something of nearly all of them"
    assert different == []


@pytest.mark.long
def test_every_definition_is_the_same(spark: Any, definitions: Catalogue, tmp_path: Path) -> None:
    project = world_in(tmp_path / "world")
    names = list(definitions.features)
    _, different = compared(spark, definitions, snapshot.read(project.store), names, tmp_path / "working")
    assert different == []


@pytest.mark.long
def test_a_panel_of_every_definition_is_the_same(spark: Any, tmp_path: Path) -> None:
    """By the command, on both engines: DuckDB carries what did not move from month to month, Spark computes each month."""
    project = world_in(tmp_path / "world")
    panel = ("profiles", "--of", "register", "--panel-from", "2024-03-31", "--panel-to", "2024-09-30")
    said = {}
    for engine in ("duckdb", "spark"):
        words = ["--project", str(project.root), *panel, "--out", str(tmp_path / engine), "--engine", engine]
        app(words, standalone_mode=False)
        rows = written_rows(tmp_path / engine / "profiles")
        assert all(row.pop("subject") < len(rows) for row in rows)  # counts the rows of a file
        said[engine] = sorted(rows, key=lambda row: (row["as_of"], row["id"]))
    assert len(said["duckdb"]) > 7 * 3
    assert differences(said["duckdb"], said["spark"]) == []


@pytest.mark.long
def test_of_an_empty_world_the_same_is_known(spark: Any, definitions: Catalogue, tmp_path: Path) -> None:
    nothing = Snapshot("empty", tmp_path, {})
    rows, different = compared(spark, definitions, nothing, list(definitions.features), tmp_path / "working")
    assert different == []
    assert any(value == 0 for value in rows[0].values()), "complete sources say zero"
