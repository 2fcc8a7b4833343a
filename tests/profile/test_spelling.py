"""Does a recipe spelled out in Python give the bits that DuckDB gives, verb by verb, and does it say what it cannot spell?"""

from __future__ import annotations

import marshal
import struct
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from random_world import worlds
from small_world import catalogue_of, compute, store_rows, write_project
from test_oracle import _features

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Overlay, Workbench
from riskengine.profile.daily import Daily
from riskengine.profile.expressions import aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.profile.programs import Program, kept_program
from riskengine.profile.recipe import Recipe
from riskengine.profile.spelled import NotPlain
from riskengine.profile.spelling import spell
from riskengine.profile.spelling_terms import Unspelled
from riskengine.profile.touched import Shared, Touched, touched_row

NARROW = ("k1", "k2", "id", "g_key")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(write_project(tmp_path_factory.mktemp("spelled"), _features()))


def spelled_names(catalogue: Catalogue) -> list[str]:
    """Every feature but those with a streak, which DuckDB computes."""
    return [
        name
        for name in catalogue.features
        if not any(one.verb == "streak" for one in aggregates(catalogue.feature(name)))
    ]


@pytest.fixture(scope="module")
def some(catalogue: Catalogue) -> tuple[Recipe, Program]:
    return made(catalogue, spelled_names(catalogue)[::14])


@pytest.fixture(scope="module")
def every(catalogue: Catalogue) -> tuple[Recipe, Program]:
    return made(catalogue, spelled_names(catalogue))


def made(catalogue: Catalogue, names: list[str]) -> tuple[Recipe, Program]:
    recipe = compile_recipe(catalogue, names)
    program = kept_program(catalogue.project.root, [recipe], [recipe.fingerprint], NARROW)
    assert program is not None
    return recipe, program


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_the_program_gives_the_bits_of_the_query(some: tuple[Recipe, Program], world: Any) -> None:
    compared(*some, world)


@pytest.mark.long
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_the_program_gives_the_bits_of_the_query_for_every_feature(
    every: tuple[Recipe, Program], world: Any
) -> None:
    compared(*every, world)


def compared(recipe: Recipe, program: Program, world: Any) -> None:
    rows, subjects, brought = world
    overlay: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, source, row in brought:
        clocks = {"event_date": row.event, "known_at": row.known, "happened": row.event, "told": row.known}
        overlay.setdefault(source, []).append((number, {**row.values, **clocks}))
    with tempfile.TemporaryDirectory() as folder:
        snapshot = store_rows(Path(folder), {source: facts for source, facts in rows.items() if facts})
        wanted = compute(snapshot, recipe, subjects, Overlay(overlay))
        with Workbench(snapshot, threads=1) as bench:
            for number, subject in enumerate(subjects):
                touched = Touched(bench, recipe, NARROW)
                own = {
                    source: [(0, values) for owner, values in facts if owner == number]
                    for source, facts in overlay.items()
                }
                touched.bring(Overlay(own))
                ((got,),) = touched_row(
                    touched, program, subject, Shared(bench, program, [recipe], Daily(snapshot))
                )
                for name in recipe.names:
                    assert bits(got[name]) == bits(wanted[number][name]), (name, subject)


def bits(value: Any) -> Any:
    """What tells 0.0 from -0.0, and 1 from 1.0 and True."""
    return struct.pack("d", value) if isinstance(value, float) else (type(value), value)


def test_what_is_not_known_is_left_to_duckdb(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    streak = next(
        name
        for name in catalogue.features
        if any(one.verb == "streak" for one in aggregates(catalogue.feature(name)))
    )
    recipe = compile_recipe(catalogue, [streak])
    with pytest.raises(Unspelled):
        spell([recipe], NARROW)
    for _ in range(2):  # spelled, then kept
        assert kept_program(tmp_path / "store", [recipe], [recipe.fingerprint], NARROW) is None


def test_a_damaged_program_is_spelled_again(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    recipe = compile_recipe(catalogue, spelled_names(catalogue)[:2])
    first = kept_program(tmp_path / "store", [recipe], [recipe.fingerprint], NARROW)
    (path,) = (tmp_path / "store" / "recipes").glob("program-*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + b"xyz")
    again = kept_program(tmp_path / "store", [recipe], [recipe.fingerprint], NARROW)
    assert first is not None
    assert again is not None
    assert again.name == first.name
    assert path.read_bytes() == whole


@pytest.mark.parametrize("how", ["others may write it", "kept under another name"])
def test_code_that_somebody_else_may_have_put_there_is_never_run(
    catalogue: Catalogue, tmp_path: Path, how: str
) -> None:
    (tmp_path / "store").mkdir()
    recipe = compile_recipe(catalogue, spelled_names(catalogue)[:2])
    kept_program(tmp_path / "store", [recipe], [recipe.fingerprint], NARROW)
    (path,) = (tmp_path / "store" / "recipes").glob("program-*")
    whole = path.read_bytes()
    evil = marshal.dumps(compile("raise SystemExit('run')", "<evil>", "exec"))
    name = path.name if how == "others may write it" else "program-other"
    path.write_bytes(sha256(name.encode() + b"\0" + evil).digest() + evil)
    path.chmod(0o620 if how == "others may write it" else 0o600)
    assert kept_program(tmp_path / "store", [recipe], [recipe.fingerprint], NARROW) is not None
    assert path.read_bytes() == whole
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_value_that_is_no_number_is_left_to_duckdb() -> None:
    from riskengine.profile.touched import _cell

    with pytest.raises(NotPlain):
        _cell(float("inf"), "DOUBLE")
