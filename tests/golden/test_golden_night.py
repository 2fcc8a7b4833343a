"""Do two nights of the hand-written world publish what they published when somebody last looked at it?

    RISKENGINE_UPDATE_GOLDEN=1 pytest tests/golden

rewrites the files below `expected/` (then read the diff: every line of it is a change an officer would see).
"""

from __future__ import annotations

import csv
import json
import os
from datetime import date
from pathlib import Path

import pytest
from golden_world import HERE, MODEL, READ, institution, night, publication, readable, simulated_model

from riskengine.intake.load import take_in
from riskengine.learning.samples import model_spec
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.scoring.bundle import champion

# B is months overdue and under enforcement on the first night; its compensation is booked before the second.
NIGHTS = (date(2024, 6, 30), date(2024, 7, 31))
ARRIVED = date(2025, 1, 31)
UPDATE = os.environ.get("RISKENGINE_UPDATE_GOLDEN") == "1"
FILES = (*(name.replace(".parquet", ".csv") for name in READ), "report.html", "manifest.json")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = institution(tmp_path_factory.mktemp("golden") / "p")
    for folder in sorted(project.inbox.iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), ARRIVED)
    assert [night(project, day) for day in NIGHTS] == ["published", "published"]
    return project


@pytest.mark.parametrize("day", NIGHTS, ids=str)
def test_the_night_is_as_it_was(nights: Project, day: date) -> None:
    texts = readable(publication(nights, day))
    assert sorted(texts) == sorted(FILES)
    for name, text in texts.items():
        path = HERE / "expected" / str(day) / name
        if UPDATE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert text == path.read_text(encoding="utf-8"), f"{path}: RISKENGINE_UPDATE_GOLDEN=1 rewrites it"


def test_a_person_can_check_the_golden_nights(nights: Project) -> None:
    """What anybody can read off the world's files, so that a golden file can never be golden nonsense."""
    first, second = (readable(publication(nights, day)) for day in NIGHTS)
    scores, later = (list(csv.DictReader(texts["scores.csv"].splitlines())) for texts in (first, second))
    ids = [row["id"] for row in scores]
    assert sorted(ids) == ["DB002", "DB003", "DB004", "DB005", "DB006"], "DB001 was released in February"
    assert set(ids) - {row["id"] for row in later} == {"DB002"}, "compensated: no longer in force"
    assert ids[0] == "DB002", "the enterprise in default is on top"
    unknown = [row for row in scores if not row["exposure"]]
    assert json.loads(first["manifest.json"])["counts"]["exposure_unknown"] == len(unknown)
    known = [float(row["expected_loss"]) for row in scores if row["exposure"]]
    assert known == sorted(known, reverse=True)
    signals = {(row["signal"], row["id"]): row for row in csv.DictReader(first["signals.csv"].splitlines())}
    enforced = signals["J01", "DB002"]  # 500,000 to enforce in one case, a second without an amount
    assert enforced["severity"] == "red"
    assert signals["C01", "DB002"]["severity"] == "red"
    assert " 76," in signals["C01", "DB002"]["text_en"]  # 46 on 31 May, as the bank said, and 30 more
    assert (enforced["first_seen"], enforced["state"]) == ("2024-06-30", "new")
    assert enforced["due"] == "2024-07-03"  # three working days after that Sunday
    cases = {row["keys"].get("case_no") for row in json.loads(enforced["evidence"])["rows"]}
    assert len(cases - {None}) == 2
    for name in ("signals.csv", "reminders.csv"):  # as evidence of those it is tied to it may still be named
        about = {
            row["id"] for row in csv.DictReader(second[name].splitlines()) if row["about"] == "guarantee"
        }
        assert about
        assert "DB002" not in about
    assert "DB002" in first["report.html"]


def test_the_committed_trees_are_a_model_of_the_project(nights: Project) -> None:
    spec = model_spec(Catalogue(nights), "inforce_pd")
    if UPDATE and not MODEL.exists():
        MODEL.write_text(simulated_model(spec), encoding="utf-8")
    assert champion(nights.store, "inforce_pd").features == spec.features


@pytest.mark.long  # the killed nights compare bytes in every run
def test_the_same_world_elsewhere_gives_the_same_bytes(nights: Project, tmp_path: Path) -> None:
    other = institution(tmp_path / "elsewhere")
    for folder in sorted(other.inbox.iterdir()):
        for file in sorted(folder.glob("*.csv")):  # one by one instead of together
            take_in(other, folder.name, [file], ARRIVED)
    for day in NIGHTS:
        assert night(other, day) == "published"
        assert publication(other, day) == publication(nights, day)
        assert night(other, day) == "no change"
