"""Do profiles, scores and signals of a cluster, one from the other, say what one machine and the night say?"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from both_engines import ROOT

sys.path.append(str(ROOT / "tests" / "golden"))

from golden_world import PERSONAL_KEY, institution, night

from riskengine.cli import app
from riskengine.errors import UsageError
from riskengine.intake.load import take_in
from riskengine.monitor.watch import read_watch
from riskengine.profile.batch import Wanted, write_profiles
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.scoring.bundle import champion
from riskengine.spark import written
from riskengine.store import snapshot

DAY, OTHER, ARRIVED = date(2024, 6, 30), date(2024, 5, 31), date(2025, 1, 31)


@pytest.fixture(scope="module")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The hand-written world with a champion and one night."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", PERSONAL_KEY)
        project = institution(tmp_path_factory.mktemp("signals") / "p")
        for folder in sorted(project.inbox.iterdir()):
            take_in(project, folder.name, sorted(folder.glob("*.csv")), ARRIVED)
        assert night(project, DAY) == "published"
    return project


def read(project: Project) -> list[str]:
    """What the model and the products read, and every feature that rests on the same sources."""
    watch = read_watch(project)
    names = dict.fromkeys([*champion(project.store, "inforce_pd").features, *watch.products.features])
    catalogue = watch.catalogue
    sources = {source for name in names for source in catalogue.rests_on(catalogue.feature(name))}
    more = {name for signal in watch.signals for name in signal.inputs if name in catalogue.features}
    return [*names, *sorted(name for name in more - set(names) if set(catalogue.rests_on(catalogue.feature(name))) <= sources)]  # fmt: skip


@pytest.mark.long
def test_from_facts_to_signals(spark: Any, own_project: Project, tmp_path: Path) -> None:
    watch, held = read_watch(own_project), snapshot.read(own_project.store)
    catalogue = watch.catalogue
    wanted = Wanted("guarantee", (DAY,), compile_recipe(catalogue, read(own_project)))
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    rows = write_profiles(held, catalogue.subjects, wanted, here / "profiles").rows
    assert written.write_profiles(spark, catalogue, held, wanted, (str(there / "profiles"), "")) == rows == 5
    assert _rows(there / "profiles/profiles") == _rows(here / "profiles/profiles")

    for folder, engine in ((here, "duckdb"), (there, "spark")):
        said(own_project, "score", "--model", "inforce_pd", "--engine", engine,
             "--profiles", str(folder / "profiles"), "--out", str(folder / "scores"))  # fmt: skip
    assert _rows(there / "scores/scores") == _rows(here / "scores/scores")
    said(own_project, "score", "--model", "inforce_pd", "--engine", "spark",
         "--profiles", str(here / "profiles"), "--out", str(tmp_path / "across"))  # fmt: skip
    assert _rows(tmp_path / "across/scores") == _rows(here / "scores/scores")
    publication = own_project.store / "publications" / str(DAY)
    of_night = duckdb.sql(f"SELECT id, pd, score, grade FROM read_parquet('{publication}/scores.parquet')")
    told = "SELECT id, pd, score, grade FROM read_parquet('{}/scores/scores/*.parquet')"
    assert sorted(duckdb.sql(told.format(there)).fetchall()) == sorted(of_night.fetchall())

    said(own_project, "evaluate-signals", "--profiles", str(there / "profiles"), "--scores", str(there / "scores"),
         "--out", str(there / "signals"))  # fmt: skip
    content = json.loads((there / "signals/signals.json").read_text("utf-8"))
    assert len(content["evaluated"]) + len(content["left_out"]) == len(watch.signals)
    money = "exposure::DOUBLE, expected_loss::DOUBLE"  # decimals in a publication
    columns = f'id, enterprise, signal, severity, feature, value, "limit", {money}, text_en, text_zh'
    ours = duckdb.sql(f"SELECT {columns} FROM read_parquet('{there}/signals/signals/*.parquet')").fetchall()
    taken = ", ".join(f"'{one}'" for one in content["evaluated"])
    nights = duckdb.sql(f"""SELECT {columns} FROM read_parquet('{publication}/signals.parquet')
        WHERE about = 'guarantee' AND signal IN ({taken})""").fetchall()
    assert sorted(map(str, ours)) == sorted(map(str, nights))
    assert len(ours) == sum(content["raised"].values()) > 5


@pytest.mark.long
def test_what_does_not_belong_together_is_refused(spark: Any, own_project: Project, tmp_path: Path) -> None:
    watch, held = read_watch(own_project), snapshot.read(own_project.store)
    names = list(champion(own_project.store, "inforce_pd").features)
    recipe = compile_recipe(watch.catalogue, names)
    for day in (DAY, OTHER):
        wanted = Wanted("guarantee", (day,), recipe)
        write_profiles(held, watch.catalogue.subjects, wanted, tmp_path / f"p{day}")
    scores = ("score", "--model", "inforce_pd", "--engine", "spark", "--profiles", str(tmp_path / f"p{DAY}"))
    changed = json.loads((tmp_path / f"p{DAY}" / "profiles.json").read_text("utf-8"))
    (tmp_path / f"p{DAY}" / "profiles.json").write_text(json.dumps(changed | {"recipe": "0" * 64}), "utf-8")
    with pytest.raises(UsageError, match="since the profiles were written"):
        said(own_project, *scores, "--out", str(tmp_path / "s"))
    said(own_project, "score", "--model", "inforce_pd", "--engine", "duckdb",
         "--profiles", str(tmp_path / f"p{OTHER}"), "--out", str(tmp_path / "s"))  # fmt: skip
    with pytest.raises(UsageError, match="do not belong together"):
        said(own_project, "evaluate-signals", "--profiles", str(tmp_path / f"p{DAY}"),
             "--scores", str(tmp_path / "s"), "--out", str(tmp_path / "w"))  # fmt: skip
    assert not (tmp_path / "w").exists()


def said(project: Project, *words: str) -> None:
    """Run a command in this process, on the session that is there."""
    app(["--project", str(project.root), *words], standalone_mode=False)


def _rows(folder: Path) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT * FROM read_parquet('{folder}/*.parquet') ORDER BY subject").fetchall()
