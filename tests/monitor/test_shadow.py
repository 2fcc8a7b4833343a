"""A challenger beside the champion: both answers are published, and nothing else of the night moves by a byte."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
sys.path.insert(0, str(Path(__file__).parent))

from deployed_world import FIRST, NOW, deployed, published
from golden_world import HERE, institution, night, publication, readable

from riskengine.errors import IntegrityError, SetupError
from riskengine.intake.load import take_in
from riskengine.monitor.rivalry import rivalry
from riskengine.monitor.shadow import tried
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion, write_bundle

NIGHTS = (date(2024, 6, 30), date(2024, 7, 31))
TABLES = ("scores.parquet", "signals.parquet", "reminders.parquet")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        project = institution(tmp_path_factory.mktemp("shadow") / "p")
        for folder in sorted(project.inbox.iterdir()):
            take_in(project, folder.name, sorted(folder.glob("*.csv")), date(2025, 1, 31))
        return project


def challenged(project: Project, shift: float, **parts: object) -> str:
    """Name a challenger: the champion's trees, every PD's log-odds higher by `shift`, other parts as given."""
    files = dict(champion(project.store, "inforce_pd").files)
    files["calibration.json"] = canonical_json({"method": "logistic", "a": 1.0, "b": shift}).encode()
    files |= {name: canonical_json(part).encode() for name, part in parts.items()}
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, files)
    draft.rename(draft.with_name(name))
    entry = {"inforce_pd": {"bundle": name, "version": 2}}
    (project.store / "challengers.json").write_text(json.dumps(entry), encoding="utf-8")
    return name


def test_a_challenger_is_scored_beside_by_its_own_recipe_and_changes_nothing(alone: Project) -> None:
    """Two nights, the second built on the first; the challenger's recipe computes one feature otherwise."""
    recipe = champion(alone.store, "inforce_pd").recipe
    other = f'SELECT * REPLACE (5000.0::DOUBLE AS "overdue_days") FROM ({recipe["sql"]})'
    name = challenged(alone, 1.5, **{"recipe.json": {**recipe, "sql": other}})
    log_odds = []
    for day in NIGHTS:
        assert night(alone, day) == "published"
        after = publication(alone, day)
        for file, text in readable(after).items():
            golden = HERE / "expected" / str(day) / file
            if golden.exists():  # the page names the challenger among its inputs, and says nothing else of it
                own = re.sub(r"<div><dt>challenger</dt>.*?</div>", "", text)
                assert own == golden.read_text(encoding="utf-8"), file
        assert set(after) == {"manifest.json", "report.html", "shadow.parquet", *TABLES}
        told, rows = json.loads(after["manifest.json"]), pd.read_parquet(io.BytesIO(after["shadow.parquet"]))
        scores = pd.read_parquet(io.BytesIO(after["scores.parquet"])).set_index("id")
        assert list(rows["id"]) == sorted(scores.index)
        assert (rows["champion_pd"].to_numpy() == scores["pd"].reindex(rows["id"]).to_numpy()).all()
        assert (rows["challenger_pd"] > rows["champion_pd"]).all()
        odds = np.log(rows[["champion_pd", "challenger_pd"]] / (1 - rows[["champion_pd", "challenger_pd"]]))
        log_odds.append(odds["challenger_pd"] - odds["champion_pd"])
        facts = told["shadow"]
        assert (facts["challenger"], facts["champion"]) == (name, told["inputs"]["bundle"])
        assert set(rows["challenger_bundle"]) == {name} == {told["inputs"]["challenger"]}
        moved = (rows["champion_grade"].astype(int) < rows["challenger_grade"].astype(int)).sum()
        assert facts["grades_worse"] == moved > 0
        alerts = [rows[f"{who}_severity"].isin(["orange", "red"]) for who in ("champion", "challenger")]
        assert facts["alerts_more"] == int((alerts[1] & ~alerts[0]).sum())
        assert night(alone, day) == "no change"
    gap = np.concatenate(log_odds)
    assert (gap >= 1.5 - 1e-9).all()
    assert (gap > 1.6).any(), "the champion's overdue_days were not taken for the challenger's"
    _a_challenger_that_cannot_score_stops_no_night(alone)


def _a_challenger_that_cannot_score_stops_no_night(project: Project) -> None:
    wrong = champion(project.store, "inforce_pd").recipe | {"sql": "SELECT nonsense FROM nowhere"}
    name = challenged(project, 1.0, **{"recipe.json": wrong})
    assert night(project, NIGHTS[1]) == "replaced"
    files = publication(project, NIGHTS[1])
    assert "shadow.parquet" not in files
    assert json.loads(files["manifest.json"])["shadow"]["refused"] == "CatalogException"
    trees = project.store / "bundles" / name / "trees.json"
    trees.write_bytes(trees.read_bytes() + b" ")
    inputs, rival = tried(project, "inforce_pd", {"as_of": "2024-07-31"})
    assert inputs == {"as_of": "2024-07-31", "challenger": f"{name} refused"}, "repaired, it is another night"
    assert (rival.bundle, rival.refused) == (None, "The bundle of inforce_pd is damaged")


def test_the_comparison_counts_each_guarantee_once_and_waits_for_maturity(tmp_path: Path) -> None:
    project = deployed(tmp_path / "p", concept=1.0, tilt=0.8)
    with pytest.raises(SetupError, match="a published night with a challenger"):
        rivalry(project, "access_pd", NOW)
    for day in (FIRST, date(2005, 10, 31), NOW):
        published(project, day)
    early = rivalry(project, "access_pd", date(2005, 12, 29))
    assert (early["matured"], early["waiting"], early["defaults"]) == (0, 1500, 0), (
        "defaults of November are known, and wait"
    )
    assert (early["verdict"], early["gain"], early["next_matures"]) == ("not decided yet", None, "2005-12-30")
    told = rivalry(project, "access_pd", NOW)
    assert (told["nights"], told["compared"], told["matured"]) == (3, 1500, 1500)
    assert told["verdict"] == "champion better", "PDs that are too high lose"
    assert told["champion_e"] >= told["decides_at"]
    assert told["low"] < told["gain"] < told["high"] < 0
    assert told == rivalry(project, "access_pd", NOW)
    shadow = project.store / "publications" / str(FIRST) / "shadow.parquet"
    shadow.write_bytes(shadow.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError, match="2005-09-30 is damaged"):
        rivalry(project, "access_pd", NOW)
