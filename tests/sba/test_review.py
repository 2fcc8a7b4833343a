"""Is a review the same for one and for many, for a loan in the store and the same loan in a file, today and in a year?"""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sba_world import EXAMPLE, NIGHTS, TRAINED, branch, command, feed, raw_loans

from riskengine.decision.delivery import COLUMNS
from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.errors import IntegrityError
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion, write_bundle

KNOWN = list(pd.read_csv(EXAMPLE / "applicants_2006.csv", nrows=0).columns)
ANSWER = ["applicant_id", "as_of", "pd", "score", "grade", "decision", "reasons", "decision_id"]


@pytest.fixture(scope="module")
def loans() -> pd.DataFrame:
    """The applications of the busiest days of 2006 and 2007: two hundred, with their raw columns."""
    raw = raw_loans()
    raw = raw[raw["ApprovalDate"].between("2006-01-01", "2007-12-31")]
    busy = raw["ApprovalDate"].value_counts().sort_index(kind="stable").nlargest(6, keep="first").index
    return raw[raw["ApprovalDate"].isin(sorted(busy))].head(200)[KNOWN].reset_index(drop=True)


def cells(loans: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(loans.to_json(orient="records"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def told(record: dict[str, Any]) -> str:
    """What was said, but not under which id."""
    return canonical_json([record["applicant_id"], record["as_of"], record["outputs"]])


def test_one_row_is_a_batch_of_one(late: Project, loans: pd.DataFrame, tmp_path: Path) -> None:
    project = branch(late, tmp_path / "p")
    rows = cells(loans)
    many = review(project, None, rows=rows).records
    assert len(many) == len(rows) == 200
    assert len({record["outputs"]["model"]["pd"] for record in many}) > 100
    for row, record in list(zip(rows, many, strict=True))[::20]:
        [one] = review(project, None, rows=[row]).records
        assert told(one) == told(record)
    backwards = review(project, None, rows=rows[::-1]).records
    assert [told(record) for record in backwards[::-1]] == [told(record) for record in many]
    day = date.fromisoformat(str(loans["ApprovalDate"].max()))
    names = [str(name) for name in loans["LoanNr_ChkDgt"]]
    batch = review(project, day, ids=names).records
    for name, record in list(zip(names, batch, strict=True))[::20]:
        [one] = review(project, day, ids=[name]).records
        assert told(one) == told(record)


def test_a_raw_row_is_reviewed_like_the_stored_loan(
    late: Project, loans: pd.DataFrame, tmp_path: Path
) -> None:
    project = branch(late, tmp_path / "p")
    file = tmp_path / "raw.parquet"
    loans.to_parquet(file)
    by_file = {record["applicant_id"]: record for record in review(project, NIGHTS[0], file=file).records}
    for day, part in loans.groupby("ApprovalDate"):
        names = [str(name) for name in part["LoanNr_ChkDgt"]]
        for record in review(project, date.fromisoformat(str(day)), ids=names).records:
            other = by_file[record["applicant_id"]]
            assert other["as_of"] == record["as_of"] == day
            for part_name in ("model", "decision", "reasons", "rules", "amount"):
                if part_name in record["outputs"]:
                    assert other["outputs"][part_name] == record["outputs"][part_name], record["applicant_id"]


def test_all_rows_in_order_with_the_asked_columns_also_the_broken_ones(
    trained: Project, tmp_path: Path
) -> None:
    project = branch(trained, tmp_path / "p")
    rows = table(EXAMPLE / "applicants_2006.csv")
    rows[2]["GrAppv"] = "plenty"
    rows[4]["ApprovalDate"] = "2006-02-31"
    rows[5]["ApprovalDate"] = ""  # the command's own day then
    rows[6]["LoanNr_ChkDgt"] = ""
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    words = ("review", "--as-of", "2006-02-28", "--applicants", str(file))
    done = command(project, *words, "--out", str(out))
    assert done.returncode == 0, done.stderr
    answers = table(out)
    assert list(answers[0]) == list(COLUMNS) == ANSWER
    assert [answer["applicant_id"] for answer in answers] == [row["LoanNr_ChkDgt"] for row in rows]
    broken = [number for number, answer in enumerate(answers) if answer["decision"] == "insufficient data"]
    assert broken == [2, 4, 6]
    assert [number for number, answer in enumerate(answers) if not answer["pd"]] == [2], (
        "the rest can be said"
    )
    assert answers[4]["as_of"] == answers[5]["as_of"] == "2006-02-28"
    assert answers[0]["as_of"] == rows[0]["ApprovalDate"]
    assert all(answer["reasons"] and answer["decision_id"] for answer in answers)
    again = command(project, *words, "--out", str(tmp_path / "again.csv"))
    assert again.returncode == 0
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()
    listed = json.loads(command(project, *words, "--json").stdout)
    assert [record["decision_id"] for record in listed] == [answer["decision_id"] for answer in answers]


def test_a_decision_is_replayed_after_later_facts_and_another_champion(
    trained: Project, tmp_path: Path
) -> None:
    project = branch(trained, tmp_path / "p")
    file = EXAMPLE / "applicants_2006.csv"
    made = review(project, date(2006, 2, 28), file=file)
    written = made.path.read_bytes()
    feed(project, map(str, NIGHTS))
    usurp(project)
    policy = project.configs / "policy.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace('pass_up_to = "6"', 'pass_up_to = "2"'))
    for record in made.records:
        assert replay(project.store, record["decision_id"]).record == canonical_json(record)
    done = command(project, "replay", made.records[0]["decision_id"], "--json")
    assert (done.returncode, done.stdout) == (0, canonical_json(made.records[0]) + "\n")
    assert made.path.read_bytes() == written
    fresh = review(project, date(2006, 2, 28), file=file)
    assert fresh.run != made.run
    pds = [[record["outputs"]["model"]["pd"] for record in run.records] for run in (made, fresh)]
    assert all(before != after for before, after in zip(*pds, strict=True))
    lines = made.path.read_text(encoding="utf-8").split("\n")
    changed = json.loads(lines[1])
    changed["outputs"]["model"]["pd"] /= 2
    made.path.write_text("\n".join([lines[0], canonical_json(changed), *lines[2:]]), encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"does not come out the same(?s:.*)outputs\.model\.pd"):
        replay(project.store, made.records[0]["decision_id"])


def usurp(project: Project) -> None:
    """Another champion: the same trees with another calibration."""
    old = champion(project.store, "access_pd")
    files = dict(old.files)
    files["calibration.json"] = canonical_json(old.calibration | {"b": old.calibration["b"] + 1}).encode()
    draft = project.store / "bundles" / "draft"
    name = write_bundle(draft, files)
    draft.rename(draft.with_name(name))
    champions = project.store / "champions.json"
    entries = json.loads(champions.read_text(encoding="utf-8"))
    entries["access_pd"] = {"bundle": name, "version": 2}
    champions.write_text(json.dumps(entries), encoding="utf-8")


@pytest.mark.parametrize("part", ["trees.json", "model.txt", "manifest.json"])
def test_a_tampered_bundle_is_refused_before_it_scores(trained: Project, tmp_path: Path, part: str) -> None:
    project = branch(trained, tmp_path / "p")
    shutil.rmtree(project.store / "decisions", ignore_errors=True)
    path = champion(project.store, "access_pd").folder / part
    text = path.read_text(encoding="utf-8")
    place = text.index(next(digit for digit in text[len(text) // 2 :] if digit in "12345678"), len(text) // 2)
    path.write_text(text[:place] + "9" + text[place + 1 :], encoding="utf-8")
    day = str(TRAINED)
    file = str(EXAMPLE / "applicants_2006.csv")
    done = command(project, "review", "--as-of", day, "--applicants", file)
    assert done.returncode == 7, done.stderr
    assert part in done.stderr
    assert "SHA-256" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (project.store / "decisions").exists()
