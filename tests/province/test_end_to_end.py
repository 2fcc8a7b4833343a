"""Does the whole way run on a province: synth, intake, identity, both models, review, two nights, without the truth?"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.clock import parse_day
from riskengine.learning.samples import labelled_rows, model_spec, training_period
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.store import snapshot

EVE, END = "2026-06-27", "2026-06-29"


def say(*words: str) -> str:
    """Run a command as a person would and return what it printed."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("end") / "province"
    made = say(
        "synth", "--enterprises", "3000", "--from", "2022-07-01", "--to", "2026-06-30", "--seed", "3",
        "--out", str(folder),
    )  # fmt: skip
    assert "SYNTHETIC 合成数据" in made
    shutil.rmtree(folder / "truth")  # nothing below may need it
    for model in (
        "access_pd",
        "inforce_pd",
    ):  # a small province has few defaults: enough to run, not to judge
        path = folder / "models" / f"{model}.toml"
        text = re.sub(r"holdout_share = .*", "holdout_share = 0.4", path.read_text(encoding="utf-8"))
        text = re.sub(r"out_of_time = .*", 'out_of_time = "9m"\nembargo = "1d"', text)
        text = re.sub(r"\[gates\.explained\][^\[]*", "", text)
        names = re.findall(r'"(\w+)"', re.search(r"features = \[([^\]]*)\]", text)[1])  # type: ignore[index]
        gates = [
            "[gates]",
            "events_at_least = 3",
            "auc_at_least = 0.5",
            "auc_at_most = 1.0",
            "",
            "[gates.explained]",
        ]
        gates += [f'{name} = "two dozen defaults: the audit would see ghosts"' for name in names]
        path.write_text(text.replace("[naive]", "\n".join(gates) + "\n\n[naive]"), encoding="utf-8")
    taken = say("--project", str(folder), "intake", "--arrived", "--as-of", EVE)
    assert "rows in =" in taken
    return folder


@pytest.mark.long
def test_the_whole_way(folder: Path) -> None:
    project = ("--project", str(folder))
    assert "rows got a code" in say(*project, "identity", "resolve", "--as-of", EVE)
    for model in ("access_pd", "inforce_pd"):
        say(*project, "retrain", model, "--as-of", EVE)
        say(*project, "promote", model, "1", "--why", "the first champion")
    decided = say(*project, "review", "--as-of", EVE, "--applicants", str(folder / "applicants.csv"))
    assert len(re.findall(r"SQ\d{8}", decided)) >= 5
    for night in ("2026-06-28", END):
        assert f"{night}  已发布" in say(*project, "nightly", "--as-of", night)
    assert f"{END}  无变化" in say(*project, "nightly", "--as-of", END)
    assert "处置" in say(*project, "signals", "list", "--limit", "5")
    page = (folder / "store" / "publications" / END / "report.html").read_text(encoding="utf-8")
    assert "合成数据" in page
    assert "SYNTHETIC" in page
    assert not re.search(r"\b379901\d{12}\b|\b379901\d{11}X\b", page), "a resident number is shown"


@pytest.mark.long
def test_who_was_declined_is_neither_good_nor_bad(folder: Path) -> None:
    project = Project(folder)
    facts = snapshot.read(project.store)
    spec = model_spec(Catalogue(project), "access_pd")
    period = training_period(spec, parse_day(EVE, "as of"))
    granted = set(labelled_rows(project, spec, facts, period).rows["id"])
    everybody = spec.model_copy(update={"population": spec.population.model_copy(update={"granted": ""})})
    asked = set(labelled_rows(project, everybody, facts, period).rows["id"])
    files = facts.paths("contract")
    given = {row[0] for row in duckdb.sql(f"select app_id from read_parquet({files})").fetchall()}
    assert granted == asked & given
    assert 0.03 < len(asked - granted) / len(asked) < 0.2
