"""Every rival sees the model's own rows only, and the statement about each is right where the truth is known."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from riskengine.decision.policy import Policy, evaluate
from riskengine.errors import UsageError
from riskengine.learning.benchmarks import rivals
from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Sample, auc
from riskengine.learning.multiplicity import holm
from riskengine.learning.spec import ModelSpec
from riskengine.learning.standing import delong_difference, standings, summary
from riskengine.monitor.rule_scores import policy_score, signal_score
from riskengine.monitor.signals import Signal
from riskengine.schema import Words

RULE = {"name": "late", "feature": "late", "above": 0.0, "title": {"en": "Any overdue", "zh": "有逾期"}}


def spec(**changed: object) -> ModelSpec:
    made = {
        "name": "access_pd",
        "title": {"en": "Access", "zh": "准入"},
        "subject": "applicant",
        "label": {"source": "charge_offs", "horizon": "12m"},
        "population": {"from": "2000-01-01"},
        "features": ["risk", "late", "empty"],
        "monotone": {"up": ["risk", "late"]},
        "naive": {"features": ["risk"]},
        "rules": [RULE],
    }
    return ModelSpec.model_validate({**made, **changed})


def rows(size: int = 4000, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=size), rng.poisson(0.2, size), np.full(size, np.nan)])
    odds = matrix[:, 0] + matrix[:, 1] - 1.5
    label = (rng.random(size) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    matrix[:, 0] = np.where(rng.random(size) < 0.1, np.nan, matrix[:, 0])
    return Rows(matrix, label, np.where(label == 1, 5.0, 22.0), np.arange(size) // 2)


def test_every_rival_orders_and_is_calibrated_on_its_own_rows() -> None:
    taught, asked = rows(), rows(seed=1)
    verdict = {"policy": taught.matrix[:, 1]}
    found = rivals(spec(), taught, verdict)
    assert list(found) == ["scorecard", "logistic", "naive", "late", "policy"]
    base = np.average(taught.label, weights=taught.weight)
    for name, rival in found.items():
        odds = rival.odds(taught.matrix, verdict)
        assert np.average(1 / (1 + np.exp(-odds)), weights=taught.weight) == pytest.approx(base, rel=0.02), (
            name
        )
        other = rival.odds(asked.matrix, {"policy": asked.matrix[:, 1]})
        assert (auc(asked.label, other) or 0) > 0.55, name
    late = found["late"].odds(asked.matrix, {})
    assert len(np.unique(late)) == 2
    assert (np.diff(late[np.argsort(asked.matrix[:, 1] > 0)]) >= 0).all()
    assert (auc(asked.label, found["scorecard"].odds(asked.matrix, {})) or 0) > 0.74


def test_a_rule_that_points_the_wrong_way_is_not_turned_round() -> None:
    taught = rows()
    found = rivals(spec(rules=()), taught, {"policy": -taught.matrix[:, 1]})
    odds = found["policy"].odds(taught.matrix, {"policy": -taught.matrix[:, 1]})
    assert (auc(taught.label, odds) or 1) < 0.5
    base = np.average(taught.label, weights=taught.weight)
    assert np.abs(1 / (1 + np.exp(-odds)) - base).max() < 1e-4


def test_names_and_sizes_that_do_not_fit_are_refused() -> None:
    taught = rows()
    with pytest.raises(ValueError, match="scorecard"):
        spec(rules=[{**RULE, "name": "scorecard"}])
    with pytest.raises(UsageError, match=RULE["name"]):
        rivals(spec(rules=[RULE]), taught, {RULE["name"]: taught.matrix[:, 1]})
    with pytest.raises(UsageError, match="4000 scores"):
        rivals(spec(), taught, {"policy": np.zeros(3)})
    rule = rivals(spec(), taught, {"policy": taught.matrix[:, 1]})["policy"]
    with pytest.raises(UsageError, match="2 scores"):
        rule.odds(taught.matrix[:2], {"policy": np.zeros(3)})


def test_delong_agrees_with_the_obvious_version() -> None:
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, 80)
    scores = [np.round(rng.normal(size=80) + label * gain, 1) for gain in (1.0, 0.6)]
    bad, good = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    wins = [np.array([[(s[i] > s[j]) + (s[i] == s[j]) / 2 for j in good] for i in bad]) for s in scores]
    above = wins[0].mean(axis=1) - wins[1].mean(axis=1)
    below = wins[0].mean(axis=0) - wins[1].mean(axis=0)
    spread = math.sqrt(above.var(ddof=1) / len(bad) + below.var(ddof=1) / len(good))
    gap, p = delong_difference(label, *scores)
    assert gap.value == pytest.approx(wins[0].mean() - wins[1].mean(), abs=1e-12)
    assert gap.high is not None
    assert gap.value is not None
    assert gap.high - gap.value == pytest.approx(1.959963984540054 * spread, rel=1e-9)
    assert p == pytest.approx(math.erfc(abs(gap.value) / spread / math.sqrt(2)), rel=1e-9)


def test_holm_never_helps_and_keeps_the_order() -> None:
    assert holm([0.04, 0.001, 0.02, 0.5]) == pytest.approx([0.08, 0.004, 0.06, 0.5])


def _samples(gains: list[float], seed: int, size: int = 1500) -> list[Sample]:
    """Scores of borrowers with two rows each, as good as their gains say, and PDs as good as their scores."""
    rng = np.random.default_rng(seed)
    label = np.repeat(rng.random(size) < 0.2, 2).astype(np.int64)
    weight = np.where(label == 1, 5.0, 22.0)
    made = []
    for gain in gains:
        score = gain * label + np.repeat(rng.normal(size=size), 2)
        made.append(Sample(label, score, np.full(2 * size, 0.05), weight, np.arange(2 * size) // 2))
    return made


def test_the_verdict_follows_the_truth_and_says_so() -> None:
    model, weaker, equal, stronger = _samples([1.0, 0.3, 1.0, 2.0], seed=4)
    titled = {
        name: (Words(en=name, zh=name), one)
        for name, one in {"weaker": weaker, "equal": equal, "stronger": stronger, "itself": model}.items()
    }
    found = standings(model, titled)
    verdicts = {item.rival: item.verdict for item in found}
    assert verdicts == {
        "weaker": "better",
        "equal": "not significantly better",
        "stronger": "worse",
        "itself": "not significantly better",
    }
    assert found[3].p == 1.0
    assert found[3].auc.value == 0.0
    said = summary(found)
    assert said.en == "Better than weaker; Not significantly better than equal, itself; Worse than stronger"
    assert "相比equal、itself未显著更优" in said.zh
    assert found[0].words.en.startswith("Better than weaker: AUC +0.")
    assert "p < 0.001" in found[0].words.en
    assert found == standings(model, titled)
    assert found[0].borrowers == 1500
    assert found[0].rows == 3000
    shown = found[0].to_json()
    assert shown["auc"]["low"] > 0
    assert shown["words"]["zh"].startswith("与weaker相比显著更优")


def test_weights_that_are_one_give_the_bootstrap_and_delong_alike() -> None:
    model, other = _samples([1.0, 0.7], seed=9)
    alone = [
        Sample(s.label, s.score, s.pd, np.ones(len(s.label)), np.arange(len(s.label))) for s in (model, other)
    ]
    (found,) = standings(alone[0], {"other": (Words(en="o", zh="o"), alone[1])}, replicates=400)
    gaps = [found.auc, found.delong]
    assert gaps[0].value == pytest.approx(gaps[1].value, abs=1e-12)
    widths = [(gap.high or 0) - (gap.low or 0) for gap in gaps]
    assert widths[0] == pytest.approx(widths[1], rel=0.2)


def test_without_defaults_nothing_is_said() -> None:
    model = _samples([1.0], seed=1)[0]
    none = Sample(np.zeros_like(model.label), model.score, model.pd, model.weight, model.group)
    (found,) = standings(none, {"other": (Words(en="o", zh="o"), none)})
    assert found.verdict == "undecidable"
    assert found.p is None
    assert "undecidable" in found.words.en
    assert summary([found]).en == "Undecidable against o"


def _policy() -> Policy:
    text = {"en": "x", "zh": "x"}
    more = {"title": text, "words": text, "reference": "r", "evidence": "D"}
    over = {
        "feature": "amount",
        "op": ">",
        "limits": [{"from": "2004-01-01", "value": 50, "reference": "r", "evidence": "D"}],
    }
    return Policy.model_validate(
        {
            "decision": {"model": "access_pd", "thresholds": []},
            "rule": [
                {"id": "A", "action": "decline", "when": [{"feature": "listed", "op": "==", "value": 1}], **more},
                {"id": "B", "action": "refer", "when": [over, {"feature": "kind", "op": "!=", "value": "x"}], **more},
                {"id": "C", "action": "cap", "when": [over], **more},
                {"id": "D", "action": "decline", "from": "2030-01-01", "when": [over], **more},
            ],
        }
    )  # fmt: skip


def test_policy_scores_are_what_the_policy_says_row_by_row() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "listed": rng.choice([0.0, 1.0, np.nan], 300, p=[0.8, 0.1, 0.1]),
            "amount": rng.choice([10.0, 60.0, np.nan], 300),
            "kind": rng.choice(np.array(["x", "y", None], dtype=object), 300),
        }
    )
    day, policy = date(2005, 12, 31), _policy()
    expected = []
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        outcomes = [finding.outcome for finding in evaluate(policy, row, day)]
        expected.append(2 if "decline" in outcomes else int(any(found != "pass" for found in outcomes)))
    assert policy_score(policy, frame, day).tolist() == expected
    assert set(expected) == {0, 1, 2}


def test_signal_scores_are_the_highest_severity() -> None:
    text = {"en": "x", "zh": "x"}
    words = dict.fromkeys(("title", "category", "text", "action", "owner"), text) | {"exit": {"words": text}}
    bands = [
        {"severity": name, "when": [{"feature": "days", "op": ">=", "value": value}]}
        for name, value in (("yellow", 1), ("red", 60))
    ]
    signal = Signal.model_validate({"id": "X", "bands": bands, "deadline": "1wd", "reference": "r", **words})
    frame = pd.DataFrame({"days": [0.0, 1.0, 59.0, 60.0, np.nan]})
    assert signal_score([signal], frame, date(2005, 1, 1)).tolist() == [0, 2, 2, 4, 0]
