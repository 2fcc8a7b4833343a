"""What the model is not sure of goes to a person: never past one, never to a better decision, and it says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from institution import AS_OF, MODEL_FEATURES, made_project, promote

from riskengine.decision.delivery import answer_rows
from riskengine.decision.desk import Desk, current_desk
from riskengine.decision.freshness import Known
from riskengine.decision.grounds import scored
from riskengine.decision.policy import RANK
from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.decision.verdict import Seen, guarded_features, verdict, worst_ratings
from riskengine.decision.words import summary
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import log_odds

CALM = {
    "scores": [0.0], "low": [-0.1], "high": [0.1], "coverage": 0.9, "z": 1.6448536269514722,
    "drift": 0.1, "drift_spread": 0.05, "years": 5, "widest": 4.0, "most_missing": 0.6,
}  # fmt: skip
WIDE = CALM | {"low": [-1.0], "high": [0.6]}


class Champions:
    """One institution and the champions it may have, by name of their interval."""

    def __init__(self, project: Project) -> None:
        self.project, self.texts = project, {"none": self._path(project).read_text(encoding="utf-8")}
        for name, table in (("calm", CALM), ("wide", WIDE)):
            promote(project, interval=table)
            self.texts[name] = self._path(project).read_text(encoding="utf-8")

    def __getitem__(self, name: str) -> Project:
        self._path(self.project).write_text(self.texts[name], encoding="utf-8")
        return self.project

    @staticmethod
    def _path(project: Project) -> Path:
        return project.store / "champions.json"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Champions:
    return Champions(made_project(tmp_path_factory.mktemp("champions")))


@pytest.fixture(scope="module")
def desk(tables: Champions) -> Desk:
    """Of the model alone, which passes all but the worst grade."""
    found = current_desk(tables["calm"])
    thresholds = tuple(one.model_copy(update={"pass_up_to": "B"}) for one in found.policy.decision.thresholds)
    decision = found.policy.decision.model_copy(update={"required": (), "thresholds": thresholds})
    return replace(found, policy=found.policy.model_copy(update={"rules": (), "decision": decision}))


def decided(project: Project) -> dict[str, dict[str, Any]]:
    return {r["applicant_id"]: r["outputs"] for r in review(project, AS_OF, ids=list("12345")).records}


def test_a_pass_becomes_a_referral_and_nothing_gets_better(tables: Champions) -> None:
    none, calm, wide = (decided(tables[name]) for name in ("none", "calm", "wide"))
    for name, before in none.items():
        model = before["model"]
        assert "low" not in model  # a bundle without intervals says what it always said
        assert {key: calm[name]["model"][key] for key in model} == model
        assert calm[name]["decision"] == before["decision"]
        expected = "refer" if before["decision"] == "pass" else before["decision"]
        assert wide[name]["decision"] == expected
        told = wide[name]["model"]
        assert told["low"] < told["pd"] < told["high"]
        assert told["unsure"] == "wide"
    assert none["1"]["decision"] == "pass"
    assert "decline" in {out["decision"] for out in wide.values()}
    assert calm["1"]["model"]["words"] == {"en": "", "zh": ""}


@pytest.mark.parametrize(
    ("language", "said", "counted"),
    [
        ("en", "Unsure PD: too few cases like this", "too unsure for the model alone 5"),
        ("zh", "违约概率不确定：同类样本过少", "模型把握不足转人工 5"),
    ],
)
def test_the_text_says_why_and_how_many(tables: Champions, language: str, said: str, counted: str) -> None:
    run = review(tables["wide"], AS_OF, ids=list("12345"))
    one = review(tables["wide"], AS_OF, ids=["1"])
    assert said in one.text(language)
    assert "90%" in one.text(language)
    assert said in answer_rows(run.records, language)[0]["reasons"]
    assert summary(run.records, language).endswith(counted)
    assert counted[:6] not in summary(review(tables["calm"], AS_OF, ids=["1"]).records, language)


def test_a_thin_file_is_referred_and_says_how_thin(own_project: Project) -> None:
    promote(own_project, interval=CALM | {"most_missing": 0.2})
    row = {"no": "80", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "100", "staff": ""}
    full = review(own_project, AS_OF, rows=[row | {"staff": "95"}]).records[0]["outputs"]
    assert (full["decision"], full["model"]["unsure"], full["model"]["missing"]) == ("pass", "", 0.0)
    run = review(own_project, AS_OF, rows=[row])
    thin = run.records[0]["outputs"]
    assert (thin["model"]["unsure"], thin["model"]["missing"]) == ("thin", 0.25)
    assert RANK[thin["decision"]] >= RANK["refer"]
    assert "Thin file: 25% of what the model reads is missing (a person decides above 20%)" in run.text("en")
    assert "资料单薄：模型所用信息缺失25%（超过20%转人工）" in run.text("zh")
    assert replay(own_project.store, run.records[0]["decision_id"]).content["outputs"] == thin


def test_a_segment_counts_for_stored_and_filed_applicants_alike(own_project: Project) -> None:
    segments = {"column": "trade", "shifts": {"31": 1.5}, "deviations": {"31": 0.1}, "spread": 0.5}
    plain = decided(own_project)
    promote(own_project, interval=CALM, segments=segments)
    moved = decided(own_project)
    for name, out in moved.items():
        before, after = plain[name]["model"]["pd"], out["model"]["pd"]
        assert log_odds(after) - log_odds(before) == pytest.approx(1.5 if name in "134" else 0.0, abs=1e-9)
    row = {"no": "4", "day": "2006-03-20", "firm": "ANT", "trade": "31", "amount": "2500", "staff": "90"}
    filed = review(own_project, None, rows=[row]).records[0]["outputs"]
    stored = review(own_project, date(2006, 3, 20), ids=["4"]).records[0]["outputs"]
    assert filed["model"] == stored["model"]
    reasons = filed["reasons"]["adverse"] + filed["reasons"]["favourable"]
    assert reasons == stored["reasons"]["adverse"] + stored["reasons"]["favourable"]
    effect = {item["feature"]: item["effect"] for item in moved["3"]["reasons"]["adverse"]}
    was = {item["feature"]: item["effect"] for item in plain["3"]["reasons"]["adverse"]}
    assert effect["losses"] != was["losses"]  # effects are those of the segment's own PD


_profiles = st.fixed_dictionaries(
    {
        "amount": st.integers(1, 4000).map(float),
        "staff": st.none() | st.integers(0, 99).map(float),
        "losses": st.none() | st.integers(0, 3).map(float),
        "trade_code": st.just("31"),
    }
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=_profiles, forgotten=st.sampled_from(["amount", "staff", "losses"]))
def test_forgetting_a_value_never_gets_past_a_person(
    desk: Desk, values: dict[str, Any], forgotten: str
) -> None:
    """Law 3: a table that is wide just where the PD lies; a forgotten value may not move the PD out of doubt."""
    at = log_odds(_verdict(desk, values)["model"]["pd"])
    bump = CALM | {
        "scores": [at - 1e-3, at, at + 1e-3], "low": [-0.1, -1.0, -0.1], "high": [0.1, 0.7, 0.1],
    }  # fmt: skip
    doubtful = replace(desk, bundle=_with_interval(desk.bundle, bump))
    before, after = _verdict(doubtful, values), _verdict(doubtful, values | {forgotten: None})
    assert before["model"]["unsure"] == "wide"
    assert RANK[before["decision"]] >= RANK["refer"]
    assert RANK[after["decision"]] >= RANK["refer"]


def _with_interval(bundle: Bundle, table: dict[str, Any]) -> Bundle:
    changed = canonical_json({**bundle.calibration, "interval": table}).encode()
    return Bundle(bundle.folder, bundle.hash, bundle.model, {**bundle.files, "calibration.json": changed})


def _verdict(desk: Desk, values: dict[str, Any]) -> dict[str, Any]:
    values = {**values, "staff_missing": float(values["staff"] is None)}
    row = [values[name] for name in MODEL_FEATURES]
    ((rated, _),) = scored(desk.bundle, [row], [None])
    gaps = guarded_features(desk, values)
    (bad,) = worst_ratings(desk, [row], [gaps])
    return verdict(desk, Seen(AS_OF, values, rated, {"adverse": [], "favourable": []}, Known(), gaps, bad))
