"""One applicant or many, today or on replay: the same bytes; a bad row stays a row."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from institution import AS_OF, FILES, load, promote

from riskengine.decision import grounds
from riskengine.decision.applicants import known_applicants
from riskengine.decision.delivery import COLUMNS, write_answers
from riskengine.decision.desk import current_desk
from riskengine.decision.replay import replay
from riskengine.decision.review import decide, record, review, rule_of
from riskengine.decision.words import say
from riskengine.errors import IntegrityError, SetupError, UsageError
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.schema import canonical_json

ROWS = [
    {"no": "70", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "700", "staff": "50"},
    {"no": "71", "day": "2006-03-30", "firm": "CAT", "trade": "52", "amount": "2,100", "staff": "1"},
    {"no": "71", "day": "", "firm": "CAT", "trade": "", "amount": "900", "staff": "many"},
    {"no": "", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "700", "staff": "50"},
    {"no": "73", "day": "2006-13-02", "firm": "FOX", "trade": "31", "amount": "700", "staff": "50"},
    {"no": "74", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "", "staff": "50"},
]


def outputs(project: Project, rows: list[dict[str, str]]) -> list[str]:
    return [canonical_json(item["outputs"]) for item in review(project, AS_OF, rows=rows).records]


def test_a_known_applicant_is_judged_by_policy_and_model_apart(project: Project) -> None:
    found = {r["applicant_id"]: r["outputs"] for r in review(project, AS_OF, ids=list("12345")).records}
    assert found["1"]["decision"] == "pass"
    assert [item["rule"] for item in found["2"]["policy"]["referrals"]] == ["trade"]
    assert [item["rule"] for item in found["3"]["policy"]["knock_outs"]] == ["lost_before"]
    assert found["3"]["decision"] == "decline"
    assert found["3"]["model"]["outcome"] in ("pass", "refer", "decline")
    assert [(item["rule"], item["distance"]) for item in found["3"]["policy"]["near_misses"]] == [
        ("largest", 0.05)
    ]
    assert found["4"]["policy"]["outcome"] == "refer"
    assert {cap["cap"]: cap["amount"] for cap in found["4"]["amount"]["caps"]}["largest"] == "2000.00"
    assert found["5"]["decision"] in ("refer", "insufficient data")
    assert "staff" in found["5"]["gaps"]["features"]
    assert [item["rule"] for item in found["5"]["policy"]["not_evaluable"]] == ["trade"]
    reasons = found["3"]["reasons"]["adverse"]
    assert reasons[0]["feature"] == "losses"
    assert reasons[0]["value"] == 2.0
    assert found["1"]["reasons"]["favourable"][0]["peers"] == "31"


def test_one_alone_is_one_of_many_to_the_bit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    together = outputs(project, ROWS)
    assert [outputs(project, [row])[0] for row in ROWS] == together
    monkeypatch.setattr("riskengine.decision.grounds.scored.__defaults__", (1,))
    assert outputs(project, ROWS) == together
    assert grounds.scored.__defaults__ == (1,)


def test_a_filed_applicant_is_told_what_the_store_would_tell(project: Project) -> None:
    stored = review(project, date(2006, 3, 20), ids=["4"]).records[0]["outputs"]
    row = {"no": "4", "day": "2006-03-20", "firm": "ANT", "trade": "31", "amount": "2500", "staff": "90"}
    filed = review(project, None, rows=[row]).records[0]["outputs"]
    for part in ("decision", "model", "policy", "gaps", "reasons", "amount"):
        assert filed[part] == stored[part], part


def test_outcomes_and_later_facts_are_never_used(project: Project) -> None:
    plain = outputs(project, ROWS[:2])
    assert outputs(project, [row | {"outcome": "LOST", "lost": "900"} for row in ROWS[:2]]) == plain
    early = [ROWS[0] | {"firm": "BEE", "day": day} for day in ("2006-03-29", "2006-03-30")]
    values = [json.loads(text)["reasons"] for text in outputs(project, early)]
    assert values[0] != values[1]  # BEE's loss of 30 March counts from that day on


def test_a_bad_row_stays_in_its_place(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*ROWS[0], "colour"])
        writer.writeheader()
        writer.writerows(row | {"colour": "red"} for row in ROWS)
    run = review(project, AS_OF, file=path)
    assert capsys.readouterr().err.count("colour") == 1
    write_answers(tmp_path / "out.csv", run.records, "en")
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        answers = list(csv.DictReader(stream))
    assert tuple(answers[0]) == COLUMNS
    assert [answer["applicant_id"] for answer in answers] == ["70", "71", "71", "", "73", "74"]
    assert [bool(answer["pd"]) for answer in answers] == [True, True, True, True, True, False]
    assert [answer["decision"] for answer in answers[3:]] == ["insufficient data"] * 3
    assert ["no: required" in answers[3]["reasons"], "2006-13-02" in answers[4]["reasons"]] == [True, True]
    undated = review(project, None, rows=[{**ROWS[0], "day": ""}, {**ROWS[0], "day": "soon"}])
    assert [(r["as_of"], r["outputs"]["model"]) for r in undated.records] == [(None, None)] * 2
    assert answers[2]["as_of"] == "2006-03-31"  # no date of its own
    assert "'many'" in answers[2]["reasons"]
    assert "2006-13-02" in answers[4]["reasons"]
    assert [answer["decision_id"] for answer in answers] == [f"{run.run}-{n}" for n in range(1, 7)]


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".jsonl"])
def test_every_format_says_the_same(project: Project, tmp_path: Path, suffix: str) -> None:
    import pyarrow.parquet as pq

    run = review(project, AS_OF, rows=ROWS)
    path = tmp_path / f"out{suffix}"
    write_answers(path, run.records, "zh")
    if suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    else:
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    assert [row["pd"] for row in rows] == [(r["outputs"]["model"] or {}).get("pd") for r in run.records]
    assert [row["applicant_id"] for row in rows] == ["70", "71", "71", None, "73", "74"]


def test_refusals_say_what_to_do(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected an id known on that day, got '99'\. Check the id"):
        review(project, AS_OF, ids=["1", "99"])
    with pytest.raises(UsageError, match="expected columns of asked such as no, got colour"):
        review(project, AS_OF, rows=[{"colour": "red"}])
    with pytest.raises(
        UsageError, match=r"\.csv or \.json or \.jsonl or \.parquet, got '\.cvs'\. Did you mean '\.csv'"
    ):
        write_answers(tmp_path / "x.cvs", [], "en")


def test_replay_gives_the_same_bytes_whatever_happened_since(own_project: Project) -> None:
    run = review(own_project, AS_OF, rows=ROWS)
    known = review(own_project, AS_OF, ids=["3"])
    again = review(own_project, AS_OF, rows=ROWS)
    assert (again.run, again.path.read_bytes()) == (run.run, run.path.read_bytes())
    before = run.path.read_bytes()
    policy = own_project.configs / "policy.toml"
    policy.write_text(FILES["configs/policy.toml"].replace('op = ">=", value = 2 ', 'op = ">=", value = 0 '))
    (own_project.configs / "subjects.toml").unlink()
    products = own_project.configs / "products.toml"
    products.write_text(FILES["configs/products.toml"].replace("value = 0.5,", "value = 0.9,"))
    (own_project.configs / "subjects.toml").write_text(FILES["configs/subjects.toml"])
    promote(own_project, shift=1.0)
    load(own_project, "losses", "no,day,firm,lost\n93,2006-01-01,FOX,10\n94,2006-01-02,FOX,20\n")
    for number, item in enumerate([*run.records, *known.records], 1):
        rebuilt = replay(own_project.store, item["decision_id"])
        assert rebuilt.record == canonical_json(item) == canonical_json(rebuilt.content), number
    assert run.path.read_bytes() == before
    changed = review(own_project, AS_OF, rows=ROWS)  # the control: today's review does differ
    assert changed.run != run.run
    assert changed.records[0]["outputs"] != run.records[0]["outputs"]


def test_a_changed_record_or_store_is_noticed(own_project: Project) -> None:
    run = review(own_project, AS_OF, ids=["1"])
    (name,) = (item["decision_id"] for item in run.records)
    text = run.path.read_text(encoding="utf-8")
    run.path.write_text(text.replace('"decision":"pass"', '"decision":"decline"'), encoding="utf-8")
    with pytest.raises(
        IntegrityError, match=r'outputs\.decision: expected the recorded "decline", got "pass"'
    ):
        replay(own_project.store, name)
    with pytest.raises(IntegrityError, match="does not give what it gave before"):
        review(own_project, AS_OF, ids=["1"])
    run.path.write_text(text, encoding="utf-8")
    kept = own_project.store / "policies" / f"{run.basis['policy']}.toml"
    kept.write_text(kept.read_text() + "\n# changed\n")
    with pytest.raises(IntegrityError, match="content of hash"):
        replay(own_project.store, name)
    with pytest.raises(UsageError, match="no such run"):
        replay(own_project.store, "0123456789abcdef-1")
    with pytest.raises(UsageError, match="Not a decision id"):
        replay(own_project.store, "../etc")


@pytest.mark.parametrize(("language", "headline"), [("en", "DECLINE"), ("zh", "不予受理")])
def test_a_decision_fits_one_screen_and_says_what_next(
    project: Project, language: str, headline: str
) -> None:
    text = say(review(project, AS_OF, ids=["3"]).records[0], language, "CNY")
    assert text.startswith(headline)
    assert len(text.splitlines()) <= 34
    assert any(line.startswith(("Next:", "下一步:")) for line in text.splitlines()[-5:])


@pytest.mark.parametrize(
    ("language", "said"), [("en", "application 4, the latest"), ("zh", "最近一笔申请 4")]
)
def test_whoever_is_asked_for_as_an_enterprise_is_told_which_application_it_is(
    project: Project, language: str, said: str
) -> None:
    assert said in review(project, AS_OF, ids=["ANT"]).text(language).splitlines()[1]
    assert said.split(" 4", maxsplit=1)[0] not in review(project, AS_OF, ids=["4"]).text(language)


def test_the_single_path_imports_nothing_heavy(project: Project) -> None:
    review(project, AS_OF, ids=["1"])  # the recipe of the rules is compiled by now
    program = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from riskengine.project import Project; from riskengine.decision.review import review\n"
        f"run = review(Project(Path({str(project.root)!r})), date(2006, 3, 31), ids=['1'])\n"
        "heavy = {'pandas','numpy','pyarrow','ibis','sqlalchemy','lightgbm','sklearn','mlflow','rich','deltalake'}\n"
        "print(run.run, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split(" ", 1)[1].strip() == "[]"


def test_what_a_run_rests_on_is_written_once(own_project: Project) -> None:
    run = review(own_project, AS_OF, rows=ROWS)
    first, *lines = [json.loads(line) for line in run.path.read_text(encoding="utf-8").splitlines()]
    assert first == {"run": run.run, "basis": run.basis}
    assert [line | {"basis": run.basis} for line in lines] == list(run.records)
    text = run.path.read_text(encoding="utf-8")
    run.path.write_text(text.replace(run.basis["snapshot"], "0" * 16, 1), encoding="utf-8")
    with pytest.raises(SetupError, match="0000000000000000"):
        replay(own_project.store, f"{run.run}-1")
    run.path.write_text(text.replace('{"applicant_id"', '{ "applicant_id"', 1), encoding="utf-8")
    with pytest.raises(IntegrityError, match="canonical JSON"):
        replay(own_project.store, f"{run.run}-1")


def test_outcome_columns_change_no_byte_in_any_format(project: Project, tmp_path: Path) -> None:
    import random

    for suffix in (".csv", ".jsonl", ".parquet"):
        written = set()
        for turn in range(4):
            rows = [dict(row) for row in ROWS]
            if turn:
                outcomes = [f"LOST {number}" for number in range(len(rows))]
                random.Random(turn).shuffle(outcomes)
                rows = [
                    {"Term": outcome, **row, "outcome": outcome}
                    for row, outcome in zip(rows, outcomes, strict=True)
                ]
            out = tmp_path / f"{turn}{suffix}"
            write_answers(out, review(project, AS_OF, rows=rows).records, "en")
            written.add(out.read_bytes())
        assert len(written) == 1
    assert tuple(json.loads((tmp_path / "0.jsonl").read_text(encoding="utf-8").splitlines()[0])) == COLUMNS


def test_no_rows_are_no_answers(project: Project, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("no,day,firm,trade,amount,staff\n")
    run = review(project, None, file=tmp_path / "in.csv")
    write_answers(tmp_path / "out.csv", run.records, "en")
    assert (tmp_path / "out.csv").read_bytes() == b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"


def test_programme_and_economy_are_told_apart(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    told = review(project, AS_OF, ids=["3"]).records[0]["outputs"]["reasons"]
    assert (told["adverse"][0]["feature"], told["context"]) == ("losses", [])
    plain = grounds.recipe_labels
    monkeypatch.setattr(
        grounds,
        "recipe_labels",
        lambda bundle: {
            name: {**label, "context": name == "losses"} for name, label in plain(bundle).items()
        },
    )
    anew = decided_anew(project, "3")
    told = anew["outputs"]["reasons"]
    assert [(item["feature"], item["adverse"]) for item in told["context"]] == [("losses", True)]
    assert "losses" not in {item["feature"] for item in told["adverse"] + told["favourable"]}
    (line,) = [line for line in say(anew, "en").splitlines() if line.startswith("Economy and programme: ")]
    assert line.endswith("raises risk")
    assert "经济与项目整体" in say(anew, "zh")


def test_money_is_said_in_the_readers_words(project: Project) -> None:
    record = decided_anew(project, "3")
    assert " CNY" in say(record, "en", "CNY")
    chinese = say(record, "zh", "CNY")
    assert "CNY" not in chinese
    assert " 元" in chinese


def decided_anew(project: Project, name: str) -> dict[str, Any]:
    """A decision of today's desk that is not recorded."""
    desk = current_desk(project)
    with Workbench(desk.snapshot) as bench:
        applicants = known_applicants(bench, rule_of(project), desk.model, [name], AS_OF)
        return record(
            "0" * 16 + "-1", desk.basis, applicants[0].to_json(), decide(desk, bench, applicants)[0]
        )
