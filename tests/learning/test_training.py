"""A candidate on simulated applicants: the same bytes from any order, honest tests, and refusals that name their cause."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskengine.errors import QualityGateError, UsageError
from riskengine.learning import fitting, splitting
from riskengine.learning.frames import checked as checked_rows
from riskengine.learning.pictures import pictures
from riskengine.learning.spec import ModelSpec
from riskengine.learning.training import Candidate, TrainingContext, TrainingFrame, train
from riskengine.scoring.bundle import bundle_hash, read_bundle, write_bundle
from riskengine.scoring.native import score_rows

TRAINED = date(2005, 12, 31)
FEATURES = ["risk", "age", "size", "noise"]
GRADES = {
    "points": {"base_score": 600, "base_odds": 30, "pdo": 20},
    "grades": [
        {"name": "A", "pd_up_to": 0.05, "label": {"en": "low", "zh": "低"}},
        {"name": "B", "pd_up_to": 1.0, "label": {"en": "high", "zh": "高"}},
    ],
}
CONTEXT = TrainingContext(TRAINED, "snap", {"sql": "", "sources": [], "features": {}}, GRADES)


def spec(**changed: Any) -> ModelSpec:
    given: dict[str, Any] = {
        "name": "access_pd",
        "title": {"en": "Access", "zh": "准入"},
        "subject": "applicant",
        "label": {"source": "charge_offs", "horizon": "12m"},
        "population": {"from": "2000-01-01"},
        "features": FEATURES,
        "monotone": {"up": ["risk"], "down": ["age"]},
        "lightgbm": {"rounds": 40, "learning_rate": 0.1, "feature_fraction": 0.8},
        "validation": {"out_of_time": "12m", "folds": 3, "replicates": 50},
        "naive": {"features": ["-age"]},
        "peers": "sector",
    }
    return ModelSpec.model_validate({**given, **changed})


def frame(size: int = 6000, seed: int = 0) -> TrainingFrame:
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(
        {
            "risk": rng.normal(size=size),
            "age": rng.integers(0, 40, size).astype(float),
            "size": rng.lognormal(3, 1, size).round(),
            "noise": rng.normal(size=size),
        }
    )
    odds = 1.0 * features["risk"] - 0.05 * features["age"] - 0.5
    label = (rng.random(size) < 1 / (1 + np.exp(-odds))).astype(int).to_numpy()
    features = features.mask(rng.random(features.shape) < 0.1)
    days = np.datetime64("2000-01-01") + rng.integers(0, 1820, size).astype("m8[D]")
    return TrainingFrame(
        features,
        label,
        np.where(label == 1, 5.0, 22.0),
        np.array([f"firm {number}" for number in rng.integers(0, size // 2, size)]),
        days,
        np.array([f"loan {number:05d}" for number in range(size)]),
        rng.choice(np.array(["retail", "farm", None], dtype=object), size, p=[0.5, 0.02, 0.48]),
    )


def permuted(given: TrainingFrame, seed: int) -> TrainingFrame:
    order = np.random.default_rng(seed).permutation(len(given.label))
    return TrainingFrame(
        given.features.iloc[order][given.features.columns[::-1]],
        *(getattr(given, name)[order] for name in ("label", "weight", "group", "as_of", "subject", "peers")),
    )


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    return train(spec(), frame(), CONTEXT)


def test_same_rows_in_another_order_give_the_same_bytes(candidate: Candidate) -> None:
    again = train(spec(), permuted(frame(), 3), CONTEXT)
    assert again.files == candidate.files
    other = train(spec(), frame(seed=1), CONTEXT)
    assert bundle_hash(other.files, "access_pd") != bundle_hash(candidate.files, "access_pd")


def test_the_bundle_scores_what_was_trained(candidate: Candidate, tmp_path: Path) -> None:
    bundle = read_bundle(tmp_path / "b", write_bundle(tmp_path / "b", candidate.files))
    assert list(bundle.features) == FEATURES
    rows = frame()
    rated = score_rows(bundle, np.ascontiguousarray(rows.features.to_numpy()))
    weighted = float(np.average(rated.pd, weights=rows.weight))
    assert weighted == pytest.approx(bundle.card["weighted_base_rate"], rel=0.08)  # exact only out of fold
    assert bundle.peers["all"]["median"]["age"] == float(np.nanmedian(rows.features["age"]))
    assert list(bundle.peers["groups"]) == ["retail"]
    retail = rows.features[rows.peers == "retail"]  # type: ignore[index]
    assert bundle.peers["groups"]["retail"] == {
        "n": len(retail),
        "median": {name: float(np.nanmedian(retail[name])) for name in FEATURES},
    }
    assert "2026" not in json.dumps(bundle.card)


def test_trials_are_honest_and_complete(candidate: Candidate) -> None:
    late, held = candidate.trials
    assert (late.name, held.name) == ("out_of_time", "held_out")
    assert late.start > "2003-12-31" >= held.end
    for trial in candidate.trials:
        assert set(trial.figures) == {"model", "scorecard", "logistic", "naive"}
        for figures in trial.figures.values():
            area = figures["auc"]
            assert area.low < area.value < area.high  # type: ignore[operator]
        assert 0.65 < trial.figures["model"]["auc"].value < 0.85  # type: ignore[operator]
        assert trial.better["naive"].low > 0  # type: ignore[operator]
        assert trial.figures["model"]["calibration_error"].value < 0.03  # type: ignore[operator]
    named = candidate.metrics()
    assert named["out_of_time_auc"][0] == late.figures["model"]["auc"].value
    assert "held_out_scorecard_ks" in named


def test_no_borrower_and_no_immature_label_stands_on_both_sides() -> None:
    checked = checked_rows(spec(), frame(), CONTEXT)
    split = splitting.split(spec(), checked, CONTEXT)
    assert not set(checked.group[split.development]) & set(checked.group[split.held_out])
    assert split.cut == np.datetime64("2003-12-31")
    assert (
        checked.as_of[split.ripe].max()
        <= np.datetime64("2002-12-31")
        < checked.as_of[split.development].max()
    )
    assert not (split.development & split.out_of_time).any()
    shares = split.held_out.sum() / (split.held_out | split.development).sum()
    assert 0.1 < shares < 0.2
    fold = splitting.folds(spec(), checked.group)
    together = pd.DataFrame({"group": checked.group, "fold": fold}).groupby("group")["fold"].nunique()
    assert (together == 1).all()


def test_what_was_reported_after_the_cut_does_not_teach_the_model_tested_after_it() -> None:
    slow = spec(label={"source": "charge_offs", "horizon": "12m", "lag": "60d"})
    late = dataclasses.replace(CONTEXT, trained_as_of=CONTEXT.trained_as_of.replace(year=2007))
    rows = checked_rows(slow, frame(), late)
    parts = splitting.split(slow, rows, late)
    ripe = rows.as_of[parts.ripe]
    assert ripe.max() + np.timedelta64(365 + 60, "D") <= parts.cut
    assert (splitting.mature_on(slow, rows.as_of, parts.cut) | ~parts.ripe).all()


def test_a_scorecard_is_a_model_of_its_own_and_no_rival_of_itself() -> None:
    weighed = spec(
        kind="scorecard", sample_weight={"source": "sampling", "column": "weight", "in_fit": False}
    )
    made = train(weighed, frame(4000), CONTEXT)
    assert all("scorecard" not in trial.figures for trial in made.trials)
    card, trees = json.loads(made.files["card.json"]), json.loads(made.files["trees.json"])
    told = {
        table["feature"]: {entry["up_to"] for entry in table["bins"]} - {None} for table in card["scorecard"]
    }
    asked: dict[str, set[float]] = {name: set() for name in told}
    for tree in trees["trees"]:
        for column, limit in zip(tree["feature"], tree["threshold"], strict=True):
            if limit is not None:
                asked[trees["features"][column]].add(limit)
    assert told == asked, "the card's bins are the deployed ones"


def test_wrong_rows_are_refused_with_every_problem() -> None:
    rows = frame(300)
    wrong = dataclasses.replace(
        rows,
        features=rows.features.drop(columns=["age"]),
        label=rows.label + 1,
        weight=-rows.weight,
        group=rows.group[:5],
        as_of=rows.as_of + np.timedelta64(4000, "D"),
    )
    with pytest.raises(UsageError) as error:
        train(spec(), wrong, CONTEXT)
    said = str(error.value)
    for part in ("column 'age'", "0 or 1", "above zero", "immature rows", "group: expected 300 rows"):
        assert part in said


def test_gates() -> None:
    with pytest.raises(QualityGateError, match=r"out_of_time AUC \(\d+ defaults\): expected at least 0.900"):
        train(spec(gates={"auc_at_least": 0.9}), frame(), CONTEXT)
    with pytest.raises(QualityGateError, match=r"held_out AUC.*at most 0.600.*Too good to be true"):
        train(spec(gates={"auc_at_most": 0.6, "auc_at_least": 0.5}), frame(), CONTEXT)
    with pytest.raises(QualityGateError, match=r"Not enough defaults to say.*\n.*at least 30 defaults"):
        train(spec(), frame(150), CONTEXT)


def test_a_broken_direction_is_refused() -> None:
    rows = checked_rows(spec(), frame(), CONTEXT).rows()
    free = spec(monotone={})
    booster = fitting.fit(fitting.parameters(free), 40, rows, free.features)
    with pytest.raises(QualityGateError, match=r"risk: expected never raises the PD, got \d+ steps"):
        fitting.verify_directions(booster, spec(monotone={"down": ["risk"]}), rows.matrix)
    bound = fitting.fit(fitting.parameters(spec()), 40, rows, FEATURES)
    assert fitting.verify_directions(bound, spec(), rows.matrix) > 5000


def test_pictures_are_the_same_bytes(candidate: Candidate) -> None:
    samples = candidate.trials[0].samples
    one = pictures(samples, "out of time")
    assert sorted(one) == ["calibration.png", "ks.png", "lift.png", "roc.png"]
    assert all(content.startswith(b"\x89PNG") and len(content) < 60_000 for content in one.values())
    assert one == pictures(samples, "out of time")
