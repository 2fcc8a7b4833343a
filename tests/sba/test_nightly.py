"""Three nights on real guarantees: whole, once, only guarantees in force, and only with what was known that night."""

from __future__ import annotations

import hashlib
import html
import itertools
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sba_world import NIGHTS, branch, command, raw_loans

from riskengine.intake.load import take_in
from riskengine.project import Project

STATES = ("new", "continuing", "held", "clearing", "to confirm", "renewed", "easing", "withdrawn")
TABLES = ("cases", "clusters", "counts", "digests", "ended", "events", "lines", "overall", "quiet", "reminders", "reminders_ended",
          "scores", "signals", "track")  # fmt: skip
FILES = sorted(["digest.json", "report.html", *(f"{name}.parquet" for name in TABLES)])


def published(project: Project, night: date) -> Path:
    return project.store / "publications" / str(night)


def frame(project: Project, night: date, name: str = "scores") -> pd.DataFrame:
    return pq.read_table(published(project, night) / f"{name}.parquet").to_pandas()


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_the_manifest_names_every_file_and_its_hash(nights: Project, night: date) -> None:
    folder = published(nights, night)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(manifest["files"]) == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert manifest["files"]["scores.parquet"]["rows"] == manifest["counts"]["guarantees"]
    for name in ("signals", "reminders", "cases", "lines"):
        assert len(frame(nights, night, name)) == manifest["counts"][name] > 0


def test_a_second_run_says_no_change_and_changes_nothing(nights: Project, tmp_path: Path) -> None:
    project = branch(nights, tmp_path / "p")
    folder = published(project, NIGHTS[-1])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = command(project, "nightly", "--as-of", str(NIGHTS[-1]))
    assert done.returncode == 0, done.stderr
    assert f"{NIGHTS[-1]}  no change" in done.stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_book_is_the_guarantees_in_force_and_no_other(nights: Project) -> None:
    """An oracle in a few lines of pandas over the raw loans."""
    loans = raw_loans()
    for night in NIGHTS:
        day = str(night)
        begun = loans["DisbursementDate"].between(str(night.replace(year=night.year - 10)), day)
        begun &= loans["DisbursementDate"] != str(night.replace(year=night.year - 10))
        begun &= loans["DisbursementDate"] >= loans["ApprovalDate"]
        ended = (loans["MIS_Status"] == "CHGOFF") & (loans["ChgOffDate"] <= day)
        book = frame(nights, night)
        assert set(book["id"]) == set(loans.loc[begun & ~ended, "LoanNr_ChkDgt"].astype(str))
        assert book["id"].is_unique
        assert (book["pd"].between(0, 1, inclusive="neither")).all()
        loss = book["expected_loss"].astype("float64")
        assert loss.notna().all()
        assert loss.gt(0).any()
    gone = set(frame(nights, NIGHTS[0])["id"]) - set(frame(nights, NIGHTS[1])["id"])
    ended = loans[(loans["MIS_Status"] == "CHGOFF") & loans["ChgOffDate"].between("2006-02-01", "2006-02-28")]
    assert len(gone & set(ended["LoanNr_ChkDgt"].astype(str))) > 10, "who is charged off leaves the book"


def test_each_night_builds_on_the_one_before(nights: Project) -> None:
    for earlier, later in itertools.pairwise(NIGHTS):
        before, after = frame(nights, earlier).set_index("id"), frame(nights, later).set_index("id")
        both = before.index.intersection(after.index)
        assert len(both) > 20_000
        assert (after.loc[both, "pd_history"].str[-1] == after.loc[both, "pd"]).all()
        assert (after.loc[both, "pd_history"].str[-2] == before.loc[both, "pd"]).all()
    assert len(frame(nights, NIGHTS[2])["pd_history"].str.len().loc[lambda n: n == 3]) > 20_000
    states = frame(nights, NIGHTS[2], "signals")["state"]
    assert {"new", "continuing", "clearing", "easing"} <= set(states) <= {*STATES}
    lines = frame(nights, NIGHTS[2], "lines")
    assert sorted(lines["rank"]) == list(range(1, len(lines) + 1))
    counts = frame(nights, NIGHTS[2], "counts")
    for unit in ("signal", "case", "line"):
        whole = frame(nights, NIGHTS[2], f"{unit}s")
        assert counts.loc[counts["unit"] == unit, "number"].sum() == len(whole), "nothing is dropped unseen"


def test_a_night_of_the_past_does_not_know_the_future(nights: Project, late: Project, tmp_path: Path) -> None:
    """The same night where all files up to 2014 have arrived: other inputs, the same numbers.

    Only the place where the evidence is found (batch, file, row) is that of the file the fact came with.
    """
    project = branch(late, tmp_path / "p")
    done = project.pipeline("nightly").run(project, NIGHTS[0])
    assert done.status == "published"
    for name in ("scores.parquet", "reminders.parquet"):
        seen = (published(project, NIGHTS[0]) / name).read_bytes()
        assert seen == (published(nights, NIGHTS[0]) / name).read_bytes(), name
    then, now = (frame(one, NIGHTS[0], "signals") for one in (nights, project))
    assert now.drop(columns="evidence").equals(then.drop(columns="evidence"))
    assert now.evidence.map(without_places).tolist() == then.evidence.map(without_places).tolist()


def without_places(evidence: object) -> object:
    """The facts a signal rests on, without the batch, file and row they came with."""
    told = json.loads(evidence) if isinstance(evidence, str) else {}
    for row in told.get("rows", []):
        for place in ("batch", "file", "row"):
            del row[place]
    return told


def test_facts_that_become_known_later_are_no_change(nights: Project, tmp_path: Path) -> None:
    project = branch(nights, tmp_path / "p")
    before = (published(project, NIGHTS[-1]) / "manifest.json").read_bytes()
    later = project.inbox / "charge_offs" / "2014-12-31.parquet"
    assert take_in(project, "charge_offs", [later], date(2014, 12, 31))[0].accepted > 10_000
    assert project.pipeline("nightly").run(project, NIGHTS[-1]).status == "no change"
    assert (published(project, NIGHTS[-1]) / "manifest.json").read_bytes() == before


def test_the_report_is_one_page_without_the_world_outside(nights: Project) -> None:
    page = (published(nights, NIGHTS[-1]) / "report.html").read_text(encoding="utf-8")
    for word in ("http://", "https://", "<script src", "@import", "url("):
        outside = [line for line in page.splitlines() if word in line and "www.w3.org" not in line]
        assert outside == [], word
    first = frame(nights, NIGHTS[-1], "lines").sort_values("rank").iloc[0]
    assert first["place"] == "act"
    assert html.escape(first["name"]) in page, "the line that is worth most is on the page"
