"""A challenger beside the champion: both answers are published, and nothing else of the night moves by a byte."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm.basic import LightGBMError

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
sys.path.insert(0, str(Path(__file__).parent))

from deployed_world import FIRST, NOW, SPEC, deployed, published
from golden_world import HERE, PERSONAL_KEY, institution, night, publication, readable

from riskengine.errors import IntegrityError, SetupError
from riskengine.intake.load import take_in
from riskengine.monitor import shadow
from riskengine.monitor.rivalry import rivalry, same_question
from riskengine.monitor.shadow import Rival, shadowed, tried
from riskengine.project import Project
from riskengine.registry.pointers import keep_bundle
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle, bundle_hash, champion, write_bundle

NIGHTS = (date(2024, 6, 30), date(2024, 7, 31))
MADE = "cases clusters counts digests ended events lines overall quiet reminders reminders_ended scores signals track"
TABLES = ("digest.json", *(f"{name}.parquet" for name in MADE.split()))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", PERSONAL_KEY)  # officers are told by keyed hashes
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
    other = f'SELECT * REPLACE (5000.0::DOUBLE AS "overdue_days") FROM ({recipe["values"]})'
    name = challenged(alone, 1.5, **{"recipe.json": {**recipe, "values": other}})
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
    wrong = champion(project.store, "inforce_pd").recipe | {"values": "SELECT nonsense FROM nowhere"}
    name = challenged(project, 1.0, **{"recipe.json": wrong})
    assert night(project, NIGHTS[1]) == "replaced"
    files = publication(project, NIGHTS[1])
    assert "shadow.parquet" not in files
    assert json.loads(files["manifest.json"])["shadow"]["refused"].startswith(
        "CatalogException: Catalog Error:"
    )
    trees = project.store / "bundles" / name / "trees.json"
    trees.write_bytes(trees.read_bytes() + b" ")
    inputs, rival = tried(project, "inforce_pd", {"as_of": "2024-07-31"})
    assert inputs == {"as_of": "2024-07-31", "challenger": f"{name} refused"}, "repaired, it is another night"
    assert (rival.bundle, rival.refused) == (None, "The bundle of inforce_pd is damaged")
    _a_damaged_pointer_stops_no_night(project)


def _a_damaged_pointer_stops_no_night(project: Project) -> None:
    path = project.store / "challengers.json"
    whole = {"bundle": "0" * 64, "version": 1}
    damaged = ["", "{", "[]", "null", '{"inforce_pd": {}}', '{"inforce_pd": null}', json.dumps({"inforce_pd": whole, "m": {}})]  # fmt: skip
    for text in damaged:
        path.write_text(text, encoding="utf-8")
        inputs, rival = tried(project, "inforce_pd", {"as_of": "2024-07-31"})
        assert inputs == {"as_of": "2024-07-31", "challenger": "challengers.json refused"}, text
        assert rival.bundle is None
        assert "damaged" in rival.refused
    path.unlink()
    path.mkdir()
    assert tried(project, "inforce_pd", {})[1].refused == "IsADirectoryError: Is a directory"
    path.rmdir()
    path.write_text("{", encoding="utf-8")
    assert night(project, NIGHTS[1]) == "replaced"
    told = json.loads(publication(project, NIGHTS[1])["manifest.json"])
    assert told["shadow"]["refused"] == "A file is damaged"
    assert night(project, NIGHTS[1]) == "no change"
    path.write_text("{}", encoding="utf-8")
    assert tried(project, "inforce_pd", {"a": 1}) == ({"a": 1}, Rival()), "nobody is tried"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LightGBMError("wrong leaf\nat 0x7f"), "LightGBMError: wrong leaf"),
        (KeyError("method"), "KeyError: 'method'"),
        (IndexError(), "IndexError"),
        (ValueError("x" * 999), "ValueError: " + "x" * 148),
        (TypeError("no table"), "TypeError: no table"),
        (AttributeError("no part"), "AttributeError: no part"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
        (PermissionError(13, "Permission denied", "/home/li/store"), "PermissionError: Permission denied"),
        (SetupError("No scale"), "No scale"),
        (AssertionError("our own defect"), None),
    ],
)
@pytest.mark.parametrize("step", ["_scored", "_alerts", "_beside"])
def test_whatever_a_challengers_parts_raise_the_night_goes_on(
    step: str, error: Exception, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> None:
        raise error

    for name in ("_scored", "_alerts", "_beside"):
        monkeypatch.setattr(shadow, name, raises if name == step else lambda *_: None)
    nothing: Any = None
    ours, rival = Bundle(Path(), "a", "m", {}), Bundle(Path(), "b", "m", {})
    asked = (nothing, (ours, Rival("b", rival)), nothing, nothing, (None, nothing))
    if said is None:
        with pytest.raises(AssertionError):
            shadowed(*asked)
        return
    made = shadowed(*asked)
    assert made.rows is None
    assert made.facts == {"champion": "a", "challenger": "b", "refused": said}


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


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"horizon": "6m"}, ["label.horizon"]),
        ({"source": "asked", "lag": "1m"}, ["label.source", "label.lag"]),
        ({}, []),
    ],
)
def test_a_challenger_that_foretells_another_event_is_not_a_rival(
    tmp_path: Path, changed: dict[str, str], where: list[str]
) -> None:
    """By nights and by applicants alike: both ask the same function before any outcome is looked at."""
    label = dict(SPEC["label"])  # type: ignore[call-overload]
    sides = [
        Bundle(tmp_path, "", "access_pd", {"spec.json": canonical_json(SPEC | {"label": one}).encode()})
        for one in (label, label | changed)
    ]
    if not where:
        assert same_question(*sides) is None
        return
    with pytest.raises(SetupError, match="answer different questions") as refused:
        same_question(*sides)
    assert [one.where for one in refused.value.problems] == [f"{name} of the challenger" for name in where]
    assert "Retrain access_pd with the champion's label" in refused.value.problems[0].next


@pytest.mark.parametrize("subject", ["guarantee", "applicant"])
def test_nobody_is_compared_by_the_outcomes_of_another_question(tmp_path: Path, subject: str) -> None:
    project = deployed(tmp_path / "p", concept=1.0, tilt=0.8)
    for alias, horizon in (("champions", "3m"), ("challengers", "6m")):
        files = dict(champion(project.store, "access_pd").files)
        spec = SPEC | {"subject": subject, "label": {"source": "losses", "horizon": horizon}}
        files["spec.json"] = canonical_json(spec).encode()
        name = bundle_hash(files, "access_pd")
        keep_bundle(project.store, files, name)
        entry = {"access_pd": {"bundle": name, "version": 2}}
        (project.store / f"{alias}.json").write_text(json.dumps(entry), encoding="utf-8")
    if subject == "guarantee":
        published(project, FIRST)
    with pytest.raises(
        SetupError, match=r"label\.horizon of the challenger: expected the champion's '3m', got '6m'"
    ):
        rivalry(project, "access_pd", NOW)
