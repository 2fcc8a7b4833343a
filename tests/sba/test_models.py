"""Do the real models refuse what knows the outcome, repeat to the bit, and serve the same PDs everywhere?"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sba_world import EXAMPLE, SHARED, SOURCES, TRAINED, branch, command, copied, feed, profiles

from riskengine.errors import QualityGateError
from riskengine.project import Project
from riskengine.registry import Registry
from riskengine.scoring.bundle import champion, champion_of
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import feature_matrix

TERM = """from riskengine.profile import latest

term = latest("applications.Term", by="application").named("Term", "期限", unit="months")
"""
LOANS = SHARED / "sba_7a_national" / "loans_casecontrol.parquet"


def test_a_feature_over_term_is_refused_by_check_with_the_reason(tmp_path: Path) -> None:
    project = copied(tmp_path / "p")
    (project.root / "features" / "extra.py").write_text(TERM, encoding="utf-8")
    done = command(project, "check")
    assert done.returncode == 2
    assert "features/extra.py: term" in done.stderr
    assert "'Term', not taken in: rewritten after the outcome" in done.stderr
    (project.root / "features" / "extra.py").unlink()
    assert command(project, "check").returncode == 0


@pytest.mark.skipif(not LOANS.exists(), reason="the full public sample is not beside the checkout")
def test_a_model_with_term_is_refused_by_the_leakage_audit(tmp_path: Path) -> None:
    project = copied(tmp_path / "p")
    contract = project.configs / "sources" / "applications.toml"
    lines = contract.read_text(encoding="utf-8").splitlines(keepends=True)
    column = '[columns.Term]\ntype = "integer"\ntitle = { en = "Term", zh = "期限" }\n'
    kept = "".join(line for line in lines if not line.startswith("Term ="))
    contract.write_text(kept.replace("[derived.enterprise]", f"{column}\n[derived.enterprise]"), "utf-8")
    (project.root / "features" / "extra.py").write_text(TERM, encoding="utf-8")
    for model in (project.root / "models").glob("*.toml"):
        text = model.read_text(encoding="utf-8")
        model.write_text(text.replace("features = [", 'features = [\n  "term",', 1), encoding="utf-8")
    inbox = tmp_path / "inbox" / "applications"
    inbox.mkdir(parents=True)
    rows = pd.read_parquet(EXAMPLE / "data" / "applications" / f"{TRAINED}.parquet")
    term = pd.read_parquet(LOANS, columns=["LoanNr_ChkDgt", "Term"])
    rows.merge(term, on="LoanNr_ChkDgt", validate="1:1").to_parquet(inbox / f"{TRAINED}.parquet")
    for source in SOURCES:
        if source != "applications":
            feed(project, [str(TRAINED)], source)
    from riskengine.intake.load import take_in

    take_in(project, "applications", [inbox / f"{TRAINED}.parquet"], TRAINED)
    for one in ("access_pd", "inforce_pd"):
        with pytest.raises(
            QualityGateError, match=r"(?s)Leakage.*- term: expected .* got 0\.[789]"
        ) as refused:
            project.pipeline("retrain").run(project, one, TRAINED)
        assert [problem.where for problem in refused.value.problems] == ["term"]
    assert not (project.store / "mlflow.db").exists(), "nothing of a refused model is registered"


def test_training_again_gives_the_same_bundle(trained: Project, tmp_path: Path) -> None:
    project = branch(trained, tmp_path / "again")
    done = command(project, "retrain", "access_pd", "--as-of", str(TRAINED), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["version"] == 2
    assert said["bundle"] == champion_of(trained.store, "access_pd")["bundle"]
    card = champion(trained.store, "access_pd").card
    assert said["card"] == card
    assert card["last_as_of"] <= "2002-12-31", "only labels that were mature on the day of training"


@pytest.mark.parametrize(("model", "kind"), [("access_pd", "applicant"), ("inforce_pd", "guarantee")])
def test_mlflow_serves_what_the_engine_scores(trained: Project, model: str, kind: str) -> None:
    bundle = champion(trained.store, model)
    rows = profiles(trained, TRAINED, kind)[list(bundle.features)].head(2000)
    expected = score_rows(bundle, feature_matrix(bundle, rows))
    place = Registry(trained.store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own deprecations
        import mlflow

        mlflow.set_tracking_uri(place.uri)
        answer = mlflow.pyfunc.load_model(f"models:/{model}@champion").predict(rows)
    assert answer["pd"].to_numpy().tobytes() == expected.pd.tobytes()
    assert list(answer["grade"]) == list(expected.grade)
    assert np.unique(expected.pd).size > 100
