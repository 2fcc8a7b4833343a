"""A review tells what would help, and what is missing or made up for want of data is never a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from institution import AS_OF, MODEL_FEATURES, made_project

from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import bundle_hash, champion, write_bundle
from riskengine.scoring.scorecard import rating
from riskengine.scoring.trees import raw_score

ACTIONS = {
    "amount": {
        "direction": "down",
        "lowest": 100,
        "highest": None,
        "words": {"en": "Ask for less", "zh": "缩减申请金额"},
    }
}


def helpful(root: Path) -> Project:
    """The tiny institution whose champion knows what an applicant can change."""
    project = made_project(root)
    files = dict(champion(project.store, "access_pd").files)
    files["spec.json"] = canonical_json({"name": "access_pd", "actionable": ACTIONS}).encode()
    peers = json.loads(files["peers.json"])
    for group in (peers["all"], peers["groups"]["31"]):
        group["median"]["losses"] = 1.0
    files["peers.json"] = canonical_json(peers).encode()
    grades = json.loads(files["grades.json"])
    grades["grades"][1]["pd_up_to"] = 0.55
    files["grades.json"] = canonical_json(grades).encode()
    policy = project.configs / "policy.toml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace('pass_up_to = "A"', 'pass_up_to = "B"'), encoding="utf-8"
    )
    name = bundle_hash(files, "access_pd")
    write_bundle(project.store / "bundles" / name, files)
    entry = {"access_pd": {"bundle": name, "version": 2}}
    (project.store / "champions.json").write_text(json.dumps(entry), encoding="utf-8")
    return project


def test_a_review_tells_what_would_help_and_replays(tmp_path: Path) -> None:
    project = helpful(tmp_path / "p")
    bundle = champion(project.store, "access_pd")
    helped = 0
    for id_ in ("1", "2", "3", "4", "5"):
        run = review(project, AS_OF, ids=[id_])
        out = run.records[0]["outputs"]
        found = out["way_out"]
        assert (found is None) == (out["model"]["outcome"] == "pass")
        assert replay(project.store, run.records[0]["decision_id"]).content == run.records[0]
        if found is None:
            continue
        assert found["target"] == "B"
        assert all({move["feature"] for move in way["moves"]} == {"amount"} for way in found["ways"])
        assert "如何改善等级: " in run.text("zh")
        assert "What would help the grade: " in run.text("en")
        for way in found["ways"]:
            helped += 1
            asked = {
                "1": (100.0, 95.0, 0.0),
                "2": (900.0, 3.0, 1.0),
                "3": (1900.0, 2.0, 2.0),
                "4": (2500.0, 90.0, 0.0),
            }
            row: list[float | None] = [way["moves"][0]["to"], *asked[id_][1:], 0.0]
            there = rating(bundle, raw_score(bundle.trees, row), row)
            assert (there.grade, there.pd) == (way["grade"], way["pd"])
            assert there.grade in ("A", "B")
    assert helped > 0


def test_one_review_and_many_tell_the_same(tmp_path: Path) -> None:
    project = helpful(tmp_path / "p")
    many = review(project, AS_OF, ids=["1", "2", "3", "4", "5"]).records
    for record in many:
        (alone,) = review(project, AS_OF, ids=[record["inputs"]["name"]]).records
        assert alone["outputs"] == record["outputs"]


def test_what_is_missing_is_told_apart(tmp_path: Path) -> None:
    """Applicant 5 does not state its staff: neither that nor the flag that says so is a reason."""
    project = helpful(tmp_path / "p")
    reasons = review(project, AS_OF, ids=["5"]).records[0]["outputs"]["reasons"]
    named = {reason["feature"] for side in ("adverse", "favourable", "context") for reason in reasons[side]}
    assert not named & {"staff", "staff_missing"}
    assert "staff" in {item["feature"] for item in reasons["missing"]}
    assert {item["words"]["zh"].endswith("缺失，不作为理由") for item in reasons["missing"]} == {True}


def test_a_source_that_never_spoke_is_no_merit(tmp_path: Path) -> None:
    """Zero losses, because no loss was ever reported to this institution, speaks neither for nor against anybody."""
    spoken = helpful(tmp_path / "p")
    before = review(spoken, AS_OF, ids=["1"]).records[0]["outputs"]["reasons"]
    assert "losses" in {reason["feature"] for reason in before["favourable"]}
    silent = silenced(spoken)
    after = review(silent, AS_OF, ids=["1"]).records[0]["outputs"]["reasons"]
    named = {reason["feature"] for side in ("adverse", "favourable", "context") for reason in after[side]}
    assert "losses" not in named
    assert set(MODEL_FEATURES) >= named


def silenced(project: Project) -> Project:
    """The same institution, built without the source of losses."""
    from datetime import date

    from riskengine.intake.load import take_in

    root = project.root.parent / "silent"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("var", "__pycache__"))
    made = Project(root)
    take_in(made, "asked", sorted((root / "data" / "asked").glob("*.csv")), date(2006, 3, 31))
    for name in ("bundles", "champions.json"):
        kept = project.store / name
        (shutil.copytree if kept.is_dir() else shutil.copy)(kept, made.store / name)
    return made
