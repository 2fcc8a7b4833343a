"""Does a mistake at the terminal get words, a next step and an exit code, and never a traceback?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sba_world import EXAMPLE, branch, command, copied

from riskengine.project import Project

LOANS = str(EXAMPLE / "applicants_2006.csv")
MISTAKES = {
    "unknown source": (("intake", "aplications", LOANS), "Did you mean 'applications'?"),
    "absent file": (("intake", "applications", "nowhere.csv"), "nowhere.csv"),
    "wrong structure": (("intake", "charge_offs", LOANS), "ChgOffDate: expected a column the source cannot do without"),
    "received on no day": (("intake", "applications", LOANS, "--received", "soon"), "Not a date"),
    "unknown model": (("retrain", "acess_pd", "--as-of", "2005-12-31"), "access_pd"),
    "unknown version": (("promote", "access_pd", "99"), "one of 1"),
    "unknown id": (("review", "--as-of", "2005-12-31", "--id", "42"), "an id known on that day"),
    "id not known yet": (("review", "--as-of", "1950-01-01", "--id", "1000014003"), "an id known on that day"),
    "no such applicant file": (("review", "--as-of", "2005-12-31", "--applicants", "nowhere.csv"), "nowhere.csv"),
    "not applicants": (("review", "--as-of", "2005-12-31", "--applicants", "{rates}"), "expected columns of applications"),
    "both": (("review", "--as-of", "2005-12-31", "--id", "4", "--applicants", LOANS), "one of --id ID, --applicants FILE and --serve, got more than one"),
    "neither": (("review", "--as-of", "2005-12-31"), "got none"),
    "no date": (("review", "--as-of", "2005-02-30", "--id", "42"), "a date written YYYY-MM-DD"),
    "unknown format": (("review", "--as-of", "2006-02-28", "--applicants", LOANS, "--out", "x.doc"), ".parquet"),
    "profile of nobody": (("profile", "42", "--as-of", "2005-12-31"), "'42'"),
    "night of no date": (("nightly", "--as-of", "yesterday"), "a date written YYYY-MM-DD"),
    "backfill of nothing": (("backfill", "--from", "2006-01-02", "--to", "2006-01-03"), "a range with a month-end"),
    "decision of nobody": (("replay", "0123456789abcdef-1"), "no such run"),
    "not a decision": (("replay", "abc"), "sixteen hexadecimal digits"),
    "period backwards": (("evaluate", "access_pd", "--from", "x", "--to", "y", "--known", "z"), "--from"),
}  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return branch(trained, tmp_path_factory.mktemp("commands") / "p")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_words(spoilt: Project, name: str, tmp_path: Path) -> None:
    words, expected = MISTAKES[name]
    (tmp_path / "rates.csv").write_text("rate,day\n1,2\n", encoding="utf-8")
    done = command(spoilt, *(word.replace("{rates}", str(tmp_path / "rates.csv")) for word in words))
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr or expected in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""


def test_not_a_project(tmp_path: Path) -> None:
    done = command(Project(tmp_path), "check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a folder with features/, models/, configs/environment.toml" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("review", "--as-of", "2006-02-28", "--applicants", LOANS),
        ("nightly", "--as-of", "2005-12-31"),
        ("evaluate", "access_pd", "--from", "2003-01-01", "--to", "2004-01-01", "--known", "2007-01-01"),
        ("promote", "access_pd", "1"),
    ],
    ids=lambda words: words[0],
)
def test_without_a_champion_the_next_step_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    project = copied(tmp_path / "p")
    environment = project.configs / "environment.toml"
    text = environment.read_text(encoding="utf-8").replace(str(EXAMPLE / "data"), str(tmp_path / "inbox"))
    environment.write_text(text, encoding="utf-8")
    done = command(project, *words)
    assert done.returncode == 6, done.stderr
    assert "Run riskengine retrain" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_facts_the_next_step_is_named(trained: Project, tmp_path: Path) -> None:
    project = branch(trained, tmp_path / "p")
    (project.store / "CURRENT").unlink()
    shutil.rmtree(project.store / "index")
    done = command(project, "review", "--as-of", "2005-12-31", "--id", "42")
    assert done.returncode == 6, done.stderr
    assert "Run riskengine intake applications FILE" in done.stderr
    done = command(project, "retrain", "access_pd", "--as-of", "2005-12-31")
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
