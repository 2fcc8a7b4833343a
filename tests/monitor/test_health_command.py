"""`riskengine health`: what is planted is found, what is not is not, and the three witnesses are told apart."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deployed_world import FIRST, NOW, deployed, published
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.learning.metrics import auc
from riskengine.monitor.after_deployment import health
from riskengine.monitor.agreement import LEVELS, STATES, agreement
from riskengine.monitor.estimated import Sampling, estimated, realised
from riskengine.monitor.impact import on_verdicts
from riskengine.project import Project
from riskengine.schema import Words
from riskengine.validation.lines import Rules


@pytest.fixture(scope="module", autouse=True)
def _own_store() -> object:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def at_work(tmp_path: Path) -> Callable[..., tuple[Project, dict]]:
    """The deployed institution after two nights, the second as asked, and its health."""

    def make(concept: float = 0.0, **last: object) -> tuple[Project, dict]:
        project = deployed(tmp_path / "p", concept=concept)
        published(project, FIRST)
        published(project, NOW, **last)
        return project, health(project, NOW)["models"][0]

    return make


def test_a_model_that_works_is_left_alone(at_work: Callable[..., tuple[Project, dict]]) -> None:
    project, told = at_work()
    assert (told["drift"]["state"], told["performance"]["state"], told["impact"]["state"]) == (
        "same",
        "as estimated",
        "same",
    )
    assert (told["state"], told["level"]) == ("steady", "ok")
    assert told["performance"]["coverage"] == {
        "days": 2, "days_matured": 1, "rows": 3000, "matured": 1500, "waiting": 1500, "next_matures": "2006-06-30", "learned_from": 0,
    }  # fmt: skip
    ripe = told["performance"]["matured"]
    assert ripe["estimated"]["auc"]["low"] < ripe["realised"]["auc"] < ripe["estimated"]["auc"]["high"]
    done = CliRunner().invoke(
        app, ["--project", str(project.root), "health", "--as-of", str(NOW), "--json", "--fail-on", "warn"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["models"][0] == json.loads(json.dumps(told)), (
        "the store and the day, nothing else"
    )


def test_a_shifted_feed_is_drift(at_work: Callable[..., tuple[Project, dict]]) -> None:
    _, told = at_work(shifted=1.5)
    assert told["drift"]["state"] == "moved"
    assert [one["name"] for one in told["drift"]["features"]] == ["amount"]
    assert told["performance"]["state"] == "as estimated"
    assert told["impact"]["state"] == "moved"
    assert (told["state"], told["level"]) == ("population moved", "note")


def test_a_feed_gone_silent_is_told_from_drift(at_work: Callable[..., tuple[Project, dict]]) -> None:
    _, told = at_work(gone=0.5, health=[{"source": "losses", "stale": 1}, {"source": "unread", "stale": 1}])
    assert [one["feature"] for one in told["drift"]["missing"]] == ["staff"]
    assert told["drift"]["silent"] == ["losses"], "only feeds that the model reads"
    assert (told["state"], told["level"]) == ("feed silent", "warn")


def test_other_causes_of_default_on_the_same_population_are_the_alarm(
    at_work: Callable[..., tuple[Project, dict]],
) -> None:
    project, told = at_work(concept=1.0)
    assert told["drift"]["state"] == "same"
    assert told["performance"]["state"] == "below"
    assert (told["state"], told["level"]) == ("concept drift", "alarm")
    words = ["--project", str(project.root), "health", "--as-of", str(NOW)]
    done = CliRunner().invoke(app, [*words, "--fail-on", "alarm", "--lang", "zh"])
    assert done.exit_code == 10
    assert "警报" in done.stdout
    assert "概念漂移" in done.stdout
    english = CliRunner().invoke(app, [*words, "--lang", "en"])
    assert english.exit_code == 0
    assert "ALARM" in english.stdout
    assert "realised AUC" in english.stdout
    shadow = CliRunner().invoke(
        app, ["--project", str(project.root), "shadow", "access_pd", "--as-of", str(NOW), "--lang", "en"]
    )
    assert shadow.exit_code == 0, shadow.output
    assert "1,500 guarantees, matured 1,500" in shadow.stdout


def test_nights_that_the_model_learned_from_do_not_prove_it(
    at_work: Callable[..., tuple[Project, dict]],
) -> None:
    project, _ = at_work()
    from datetime import date

    published(project, date(2005, 7, 31))
    told = health(project, NOW)["models"][0]["performance"]["coverage"]
    assert (told["learned_from"], told["days"]) == (1500, 2)


def test_all_combinations_have_words_and_the_disagreements_are_the_alarms() -> None:
    drifts, states = (
        ("same", "features", "moved", "unknown"),
        ("below", "strained", "above", "as estimated", "too few", "unknown"),
    )
    met = set()
    for one in itertools.product(drifts, states, ("same", "moved", "unknown"), (False, True)):
        found = agreement(*one)
        met.add(found.name)
        assert (found.level == "alarm") == (
            one[1] == "below" or (one[0] == "same" and one[2] == "moved" and not one[3])
        )
        assert found.level in LEVELS
    assert met == set(STATES)
    for state in STATES.values():
        assert all(isinstance(part, Words) and part.en and part.zh for part in (state.means, state.do))


def test_estimated_is_what_labels_drawn_from_the_pds_give() -> None:
    """Brute force: figures of many drawn label vectors, counted pair by pair."""
    rng = np.random.default_rng(2)
    pd_ = np.round(rng.beta(1, 6, 120), 3)
    told = estimated(pd_)
    areas, squares = [], []
    for _ in range(400):
        label = (rng.random(len(pd_)) < pd_).astype(np.int64)
        bad, good = pd_[label == 1], pd_[label == 0]
        areas.append(np.mean([(b > g) + 0.5 * (b == g) for b in bad for g in good]))
        squares.append(np.mean((pd_ - label) ** 2))
    assert told["auc"]["value"] == pytest.approx(np.mean(areas), abs=0.01)
    assert told["brier"]["value"] == pytest.approx(np.mean(squares), abs=0.003)
    assert told["rate"]["value"] == pytest.approx(pd_.mean(), rel=1e-5)
    low, high = np.quantile(areas, [0.0125, 0.9875])
    assert (told["auc"]["low"], told["auc"]["high"]) == (
        pytest.approx(low, abs=0.05),
        pytest.approx(high, abs=0.05),
    )


def test_the_interval_is_missed_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    pd_ = rng.beta(1, 12, 800)
    told = estimated(pd_, rules=Rules(replicates=500))
    outside = []
    for _ in range(400):
        label = (rng.random(800) < pd_).astype(np.int64)
        area = auc(label, pd_)
        outside.append(area is not None and not told["auc"]["low"] <= area <= told["auc"]["high"])
    assert np.mean(outside) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 400)


def test_sampled_rows_are_judged_as_what_they_stand_for() -> None:
    """One default in two kept and one survivor in ten: the estimates are of the whole, and true PDs pass."""
    rng = np.random.default_rng(6)
    pd_ = rng.beta(1, 9, 40_000)
    label = (rng.random(len(pd_)) < pd_).astype(np.int64)
    kept = rng.random(len(pd_)) < np.where(label == 1, 0.5, 0.1)
    told = realised(label[kept], pd_[kept], Sampling(2.0, 10.0))
    assert told["state"] == "as estimated"
    assert told["estimated"]["rate"]["value"] == pytest.approx(pd_.mean(), rel=0.03)
    assert told["realised"]["observed_to_expected"] == pytest.approx(1.0, abs=0.1)
    assert realised(label[kept], pd_[kept])["state"] != "as estimated", "unweighted it would be wrong"


@pytest.mark.parametrize(
    ("times", "state"), [(0.02, "above"), (1.0, "as estimated"), (1.5, "strained"), (5.0, "below")]
)
def test_a_bad_year_is_not_a_bad_model(times: float, state: str) -> None:
    rng = np.random.default_rng(8)
    pd_ = rng.beta(2, 60, 4000)
    label = (rng.random(4000) < np.minimum(pd_ * times, 1)).astype(np.int64)
    assert realised(label, pd_)["state"] == state
    assert realised(label[:40], pd_[:40])["state"] == "too few"


def test_few_defaults_in_a_good_year_are_no_loss_of_discrimination() -> None:
    """With a tenth of the defaults the AUC scatters more: its interval is that of as many defaults as there were."""
    rng = np.random.default_rng(3)
    pd_ = rng.beta(2, 60, 2000)
    states = [
        realised((rng.random(2000) < pd_ / 10).astype(np.int64), pd_, rules=Rules(replicates=50))
        for _ in range(60)
    ]
    areas = [
        one["realised"]["auc"] < one["estimated"]["auc"]["low"]
        for one in states
        if one["realised"]["auc"] is not None
    ]
    assert np.mean(areas) > 0.08, "against the interval of a usual year it would be wrong"
    assert np.mean([one["state"] == "below" for one in states]) <= 0.05


def test_verdicts_move_only_beyond_chance_and_tolerance() -> None:
    import pandas as pd

    def period(passed: int, n: int) -> pd.DataFrame:
        decisions = ["pass"] * passed + ["decline"] * (n - passed)
        return pd.DataFrame(
            {"decision": decisions, "grade": ["A", "B"] * (n // 2), "loss": 1.0, "amount": 100.0}
        )

    assert on_verdicts(period(160, 200), period(150, 200), ["A", "B"])["state"] == "same", "beyond neither"
    assert on_verdicts(period(160, 200), period(120, 200), ["A", "B"])["state"] == "moved"
    assert on_verdicts(period(24, 30), period(20, 30), ["A", "B"])["state"] == "same", (
        "13 points of 30 are chance"
    )
    assert on_verdicts(period(160, 200), period(10, 20), ["A", "B"])["state"] == "unknown"
