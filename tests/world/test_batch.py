"""Are profiles written in parts, side by side, for one day straight from the facts, those of a workbench that joins every pair?"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hand_world import DATA, ROOT
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.clock import Span
from riskengine.errors import UsageError
from riskengine.intake.load import take_in
from riskengine.profile import batch, states
from riskengine.profile.again import one_thread
from riskengine.profile.batch import GUARANTEE, Carry, PartBench, Parts, Wanted, write_profiles
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.one_day import OneDay
from riskengine.profile.panels import panel_of
from riskengine.profile.plan import compile_recipe
from riskengine.profile.populations import EVERYBODY, load_population
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_in_force
from riskengine.project import Project
from riskengine.store import index, snapshot

DAY, DAYS = date(2024, 9, 30), (date(2023, 12, 31), date(2024, 9, 30), date(2024, 12, 31))
SOURCES = (
    "mkt_reg", "contract", "disbursement", "compensation", "court_case", "inv_monthly", "tax_filing", "si_monthly", "adm_penalty", "mkt_change",
)  # fmt: skip
SEVERAL = 6  # features of each source


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The default project over part of the hand-written world, its index in as many buckets as there can be."""
    root = tmp_path_factory.mktemp("batch") / "world"
    root.mkdir()
    for room in ("configs", "features", "models"):
        (root / room).symlink_to(ROOT / room)
    project = Project(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BUCKET_ROWS", 1)
        for name in SOURCES:
            take_in(project, name, sorted((DATA / name).glob("*.csv")), date(2025, 1, 31))
    return Catalogue(project)


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    """Some features of each of these sources alone."""
    chosen: dict[str, list[str]] = {}
    for name, (_, feature) in catalogue.features.items():
        rests_on = catalogue.rests_on(feature)
        if len(rests_on) == 1 and rests_on[0] in SOURCES:
            chosen.setdefault(rests_on[0], []).append(name)
    return compile_recipe(catalogue, [name for names in chosen.values() for name in names[:SEVERAL]])


@pytest.mark.parametrize("of", ["register", GUARANTEE])
@pytest.mark.parametrize("days", [(DAY,), DAYS])
def test_parts_are_the_whole(
    recipe: Recipe, tmp_path: Path, catalogue: Catalogue, of: str, days: tuple[date, ...]
) -> None:
    held, wanted = snapshot.read(catalogue.project.store), Wanted(of, days, recipe)
    told = _plainly(catalogue, wanted)
    for few in (0, 100):  # block by block, or joined as they are read
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batch, "ROWS", 2 * len(days))
            patch.setattr(batch, "FEW", few)
            written = write_profiles(held, catalogue.subjects, wanted, tmp_path / f"out{few}")
        assert written.files > len(days)
        assert _rows(tmp_path / f"out{few}", recipe) == told


def test_a_night_carries_over_what_no_fact_can_have_changed(
    catalogue: Catalogue, recipe: Recipe, tmp_path: Path
) -> None:
    held = snapshot.read(catalogue.project.store)
    carry = Carry(tmp_path / "kept", {name: one.key for name, one in catalogue.sources.items()})
    for day in (date(2024, 9, 28), date(2024, 9, 29), DAY):
        wanted = Wanted("register", (day,), recipe, carry)
        write_profiles(held, catalogue.subjects, wanted, tmp_path / f"out{day}")
        assert _rows(tmp_path / f"out{day}", recipe) == _plainly(catalogue, wanted)
        assert json.loads((tmp_path / "kept" / "register" / "kept.json").read_text("utf-8"))["day"] == str(
            day
        )
    with pytest.raises(UsageError, match="--carry"):
        write_profiles(held, catalogue.subjects, Wanted("register", DAYS, recipe, carry), tmp_path / "panel")


MONTHS = tuple(Span(number).before(date(2024, 12, 31)) for number in range(18, -1, -1))


@pytest.fixture(scope="module")
def many(catalogue: Catalogue) -> Recipe:
    """Every feature that these sources tell, of industries and of the whole book too."""
    features = catalogue.features.items()
    return compile_recipe(
        catalogue, [name for name, (_, one) in features if set(catalogue.rests_on(one)) <= set(SOURCES)]
    )


def test_a_panel_moves_on_from_day_to_day(
    catalogue: Catalogue, many: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted("register", MONTHS, many)
    panel = panel_of(many, catalogue.subjects.populations["register"], MONTHS)
    assert panel is not None
    members = [name for step in panel.kept for name in step.members]
    assert len(members) > 100
    assert panel.rest  # what is not read by the enterprise alone: DuckDB has it, day by day
    monkeypatch.setattr(batch, "ROWS", 8)
    written = write_profiles(
        snapshot.read(catalogue.project.store), catalogue.subjects, wanted, tmp_path / "out"
    )
    assert written.files > len(MONTHS)
    assert _rows(tmp_path / "out", many) == _plainly(catalogue, wanted)


def test_what_arrays_cannot_tell_is_left_to_duckdb(
    catalogue: Catalogue, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(states, "_WHOLE_SUM", 1.0)
    wanted = Wanted("register", DAYS, recipe)
    with one_thread(), caplog.at_level("INFO"):  # in this process, where the limit is so low
        held = snapshot.read(catalogue.project.store)
        write_profiles(held, catalogue.subjects, wanted, tmp_path / "out")
    assert "every day by itself: a sum too large" in caplog.text
    assert _rows(tmp_path / "out", recipe) == _plainly(catalogue, wanted)


class _Dying(ThreadPoolExecutor):
    """Processes of which one is killed."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise BrokenProcessPool("one died")


def test_parts_are_written_though_a_process_dies(
    catalogue: Catalogue, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(batch, "_workers", lambda _: _Dying(1))
    wanted = Wanted("register", DAYS, recipe)
    write_profiles(snapshot.read(catalogue.project.store), catalogue.subjects, wanted, tmp_path / "out")
    assert "a process has died" in caplog.text
    assert _rows(tmp_path / "out", recipe) == _plainly(catalogue, wanted)


def test_who_asks_for_one_thread_gets_one(catalogue: Catalogue, recipe: Recipe) -> None:
    held, wanted = snapshot.read(catalogue.project.store), Wanted("register", (DAY,), recipe)
    with one_thread():
        parts = Parts.of(held, catalogue.subjects, wanted)
    with ThreadPoolExecutor(1) as pool:  # a thread of its own knows nothing of what was asked here
        assert pool.submit(_threads, parts).result() == parts.at_once == 1


def _threads(parts: Parts) -> int:
    with PartBench(parts, EVERYBODY) as bench:
        ((found,),) = bench.connection.execute("SELECT current_setting('threads')").fetchall()
    return int(found)


def test_one_day_is_read_straight_from_the_facts(catalogue: Catalogue, recipe: Recipe) -> None:
    steps = [step for block in recipe.blocks for step in block.steps]
    of_enterprise = [
        step for step in steps if step.met and step.met.columns == ("uscc",) and step.met.read[1]
    ]
    assert len(of_enterprise) > 5
    with Workbench(snapshot.read(catalogue.project.store)) as bench:
        load_population(bench, catalogue.subjects.populations["register"], recipe, (DAY,))
        bench.load_facts(recipe)
        for step in of_enterprise:
            straight = OneDay(DAY, lambda source: True).said(step)
            assert "JOIN" not in straight.sql
            mine, theirs = (bench.connection.execute(one.sql).fetchall() for one in (straight, step))
            known = {row[:2] for row in theirs}
            assert sorted(map(str, theirs)) == sorted(str(row) for row in mine if row[:2] in known)
            assert OneDay(DAY, lambda source: False).said(step) == step


@pytest.mark.parametrize(
    "days",
    ["", "--as-of 2024-09-30 --panel-to 2024-09-30", "--panel-from 2024-06-01 --panel-to 2024-06-10"],
)
def test_days_that_are_none(catalogue: Catalogue, tmp_path: Path, days: str) -> None:
    words = ["--project", str(catalogue.project.root), "profiles", "--of", "register", *days.split()]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, UsageError)
    assert "Which days?" in str(done.exception)
    assert not (tmp_path / "out").exists()


def _rows(out: Path, recipe: Recipe) -> list[tuple[Any, ...]]:
    features = ", ".join(f'"{name}"' for name in recipe.names)
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT as_of, id, enterprise_id, {features} FROM read_parquet('{out}/profiles/*.parquet') ORDER BY as_of, id"
        ).fetchall()


def _plainly(catalogue: Catalogue, wanted: Wanted) -> list[tuple[Any, ...]]:
    """Everybody at once, every step as the recipe says it."""
    rules = catalogue.subjects
    with Workbench(snapshot.read(catalogue.project.store)) as bench:
        if wanted.of == GUARANTEE:
            load_in_force(bench, rules.guarantee, wanted.recipe, wanted.days)
        else:
            load_population(bench, rules.populations[wanted.of], wanted.recipe, wanted.days)
        bench.load_facts(wanted.recipe)
        values = bench.rows(wanted.recipe)
        own = bench.connection.execute(
            "SELECT as_of, id, enterprise_id FROM subjects ORDER BY subject"
        ).fetchall()
    found = [
        (*mine, *(row[name] for name in wanted.recipe.names)) for mine, row in zip(own, values, strict=True)
    ]
    return sorted(found, key=lambda row: row[:2])
