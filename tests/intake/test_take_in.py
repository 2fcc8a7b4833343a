"""Is every row accounted for, once, whatever the file looks like and wherever the machine stops?"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskengine.errors import IntegrityError, UsageError
from riskengine.intake import load
from riskengine.intake.contract import read_contracts
from riskengine.intake.load import Receipt, arrived, take_in
from riskengine.intake.readers import read_file
from riskengine.project import Project
from riskengine.store import index, snapshot
from riskengine.store import ledger as books
from riskengine.store.facts import FactStore

DAY = date(2006, 3, 31)
HEADER = "loan,name,approved,amount\n"


def put(project: Project, name: str, content: str | bytes, source: str = "loans") -> Path:
    path = project.inbox / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def facts(project: Project, source: str = "loans") -> list[dict[str, Any]]:
    paths = FactStore(project.store).snapshot().paths(source)
    if not paths:
        return []
    return pa.concat_tables([pq.read_table(path) for path in paths]).sort_by("fact_rank").to_pylist()


def test_receipt_quarantine_and_facts(project: Project) -> None:
    path = put(
        project,
        "a.csv",
        "loan,name,approved,amount,guaranteed,term\n"
        "1,Acme Inc,2006-01-05,$100.50,0.05,9\n"
        "2,Acme LLC,2006-01-06,100,0.2,9\n"  # guaranteed above amount
        "x,,1/32/2006,-5,,9\n"  # three broken cells
        "1,Acme Inc,2006-01-05,$100.50,0.05,8\n",  # a duplicate: the ignored column does not count
    )
    (receipt,) = take_in(project, "loans", [path], DAY)
    assert (receipt.rows_in, receipt.accepted, receipt.quarantined, receipt.duplicates) == (4, 1, 2, 1)
    assert receipt.quarantine_by_rule == {"guaranteed_within_amount": 1, "min": 1, "pattern": 1, "type": 1}
    assert receipt.absent == ("jobs", "rate", "urban", "status", "score", "industry")
    assert receipt.first_event == receipt.last_event == date(2006, 1, 5)
    (fact,) = facts(project)
    assert (fact["loan"], fact["borrower"], fact["known_at"], fact["row"]) == (
        "1",
        "ACME",
        date(2006, 3, 2),
        1,
    )
    refused = books.refused(books.open_ledger(project.store))
    assert [(entry["row"], entry["column"], entry["rule"], entry["value"]) for entry in refused] == [
        (2, "", "guaranteed_within_amount", None),
        (3, "loan", "pattern", "x"),
        (3, "approved", "type", "1/32/2006"),
        (3, "amount", "min", "-5"),
    ]
    assert json.loads(refused[1]["raw"])["term"] == "9"


def test_same_file_twice_changes_nothing(project: Project) -> None:
    path = put(project, "a.csv", HEADER + "1,A,2006-01-05,1\n2,B,bad,1\n")
    assert arrived(project, date(2030, 1, 1)) == [("loans", [path])]
    (first,) = take_in(project, "loans", [path], DAY)
    version = FactStore(project.store).version("loans")
    (second,) = take_in(
        project,
        "loans",
        [
            path,
        ],
        date(2006, 4, 30),
    )
    assert (second.accepted, second.quarantined, second.duplicates, second.batch) == (0, 1, 1, None)
    assert second.snapshot_before == second.snapshot_after == first.snapshot_after != first.snapshot_before
    assert FactStore(project.store).version("loans") == version
    assert len(books.refused(books.open_ledger(project.store))) == 1
    assert arrived(project, date(2030, 1, 1)) == []


def test_the_same_file_named_twice_at_once(project: Project) -> None:
    path = put(project, "a.csv", HEADER + "1,A,2006-01-05,1\n")
    one, two = take_in(project, "loans", [path, path], DAY)
    assert (one.accepted, two.accepted, two.duplicates) == (1, 0, 1)
    assert len(facts(project)) == 1


def test_a_corrected_contract_takes_the_refused_rows_in(project: Project) -> None:
    path = put(project, "a.csv", "loan,approved,jobs\n1,2006-01-05,1\n2,2006-01-05,900\n")
    take_in(project, "loans", [path], DAY)
    contract = project.configs / "sources" / "loans.toml"
    contract.write_text(
        contract.read_text(encoding="utf-8").replace("max = 500", "max = 1000"), encoding="utf-8"
    )
    (receipt,) = take_in(project, "loans", [path], DAY)
    assert (receipt.accepted, receipt.duplicates, receipt.quarantined) == (1, 1, 0)


def test_a_status_that_returns_is_news(project: Project) -> None:
    """Arrival clock: open, closed, open again. The third file is not a duplicate of the first."""
    for number, status in enumerate(["open", "closed", "open", "open"], 1):
        path = put(
            project,
            f"{number}.csv",
            f"loan,status\n1,{status}\n" + "\n" * number,
            "status",
        )
        (receipt,) = take_in(project, "status", [path], date(2006, number, 1))
        assert receipt.accepted == (0 if number == 4 else 1)
    got = [
        (fact["status"], fact["known_at"].month, fact["superseded_at"]) for fact in facts(project, "status")
    ]
    assert got == [("open", 1, date(2006, 2, 1)), ("closed", 2, date(2006, 3, 1)), ("open", 3, None)]


@settings(max_examples=25, deadline=None)
@given(days=st.lists(st.lists(st.sampled_from("ABC"), min_size=1, max_size=4), min_size=1, max_size=3))
def test_only_repetitions_of_what_stands_are_duplicates(
    tmp_path_factory: pytest.TempPathFactory, days: list[list[str]]
) -> None:
    """Arrival clock, values in any order over files: what is kept is the sequence without immediate repetitions."""
    root = tmp_path_factory.mktemp("status")
    (root / "configs" / "sources").mkdir(parents=True)
    here = Path(__file__).parent
    (root / "configs" / "sources" / "status.toml").write_bytes((here / "status.toml").read_bytes())
    words = 'name = "t"\ntitle = { en = "T", zh = "T" }\ncurrency = "USD"\n'
    (root / "configs" / "environment.toml").write_text(words, encoding="utf-8")
    project = Project(root)
    for number, values in enumerate(days, 1):
        lines = "".join(f"1,{value}\n" for value in values)
        path = put(project, f"{number}.csv", "loan,status\n" + lines + "\n" * number, "status")
        take_in(project, "status", [path], date(2006, number, 1))
    sequence = [value for values in days for value in values]
    wanted = [value for at, value in enumerate(sequence) if at == 0 or sequence[at - 1] != value]
    assert [fact["status"] for fact in facts(project, "status")] == wanted


def test_a_correction_back_to_an_earlier_value_stands(project: Project) -> None:
    """Dated clocks: 100, then 777, then 100 again for the same key and day; the last delivery wins law 1's tie."""
    for number, amount in enumerate((100, 777, 100), 1):
        path = put(project, f"{number}.csv", f"loan,approved,amount\n1,2006-01-05,{amount}\n" + "\n" * number)
        assert take_in(project, "loans", [path], DAY)[0].accepted == 1
    path = put(project, "9.csv", "loan,approved,amount\n1,2006-01-05,100\n\n\n\n\n")
    assert take_in(project, "loans", [path], DAY)[0].duplicates == 1
    standing = [fact["amount"] for fact in facts(project) if fact["superseded_at"] is None]
    assert standing == [Decimal(100)]


def test_a_half_copied_file_has_not_arrived(project: Project) -> None:
    put(project, "a.csv.part", "loan,appro")
    assert arrived(project, date(2030, 1, 1)) == []


def test_removal_is_a_later_row(project: Project) -> None:
    path = put(project, "a.csv", "loan,approved,status\n1,2006-01-05,open\n1,2006-02-05,withdrawn\n")
    take_in(project, "loans", [path], DAY)
    assert [fact["removed"] for fact in facts(project)] == [False, True]


CELL = st.one_of(st.text(max_size=6), st.sampled_from(["1", "2", "2006-01-05", "x", '"', ",", "a\nb", "是"]))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[CELL] * 4), max_size=12), good=st.integers(0, 3))
def test_every_row_is_accounted_for(project: Project, rows: list[tuple[str, ...]], good: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["loan", "name", "approved", "amount"])
    writer.writerows([*rows, *[("7", "A", "2006-01-05", "1")] * good])
    path = put(project, "messy.csv", text.getvalue())
    before = len(facts(project))
    (receipt,) = take_in(project, "loans", [path], DAY)
    assert receipt.rows_in == len(rows) + good
    assert receipt.rows_in == receipt.accepted + receipt.quarantined + receipt.duplicates
    assert len(facts(project)) == before + receipt.accepted
    (again,) = take_in(project, "loans", [path], DAY)
    assert (again.accepted, again.snapshot_after) == (0, receipt.snapshot_after)


def test_a_receipt_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(IntegrityError, match="Rows were lost"):
        Receipt("s", "f", "", 3, 1, 1, 0, {}, (), None, None, "", "", 1)


def test_together_is_one_by_one_on_two_machines(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        put(project, f"{n}.csv", HEADER + f"1,A,2006-01-0{n},{n}\n2,B,2006-01-0{4 - n},{n}\n")
        for n in (1, 2, 3)
    ]
    together = take_in(project, "loans", files, DAY)
    monkeypatch.setenv("RISKENGINE_STORE", str(tmp_path / "other"))
    single = [take_in(project, "loans", [file], DAY)[0] for file in files]
    assert together[-1].snapshot_after == single[-1].snapshot_after
    assert [receipt.accepted for receipt in together] == [receipt.accepted for receipt in single]


STEPS = [
    (FactStore, "_write_data"),
    (FactStore, "_commit"),
    (index, "_place"),
    (index, "_end"),
    (snapshot, "write"),
    (books, "begin_batch"),
    (books, "finish_batches"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", STEPS, ids=[step for _, step in STEPS])
def test_killed_at_any_step_a_rerun_completes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str], moment: str
) -> None:
    owner, step = place
    first = put(project, "1.csv", HEADER + "1,A,2006-01-05,1\n")
    second = put(project, "2.csv", HEADER + "1,A,2006-01-06,2\n2,B,bad,1\n")
    with monkeypatch.context() as other:
        other.setenv("RISKENGINE_STORE", str(tmp_path / "undisturbed"))
        wanted = [take_in(project, "loans", [path], DAY)[0] for path in (first, second)]
    (before,) = take_in(project, "loans", [first], DAY)
    work = getattr(owner, step)

    def dies(*given: Any, **named: Any) -> Any:
        if moment == "after":
            work(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(owner, step, dies)
        with pytest.raises(KeyboardInterrupt):
            take_in(project, "loans", [second], DAY)
    FactStore(project.store).verify()
    assert len(facts(project)) in (1, 2)
    (receipt,) = take_in(project, "loans", [second], DAY)
    counted = (receipt.accepted, receipt.quarantined, receipt.duplicates)
    if (step, moment) == ("finish_batches", "after"):
        assert counted == (0, 1, 1)  # it had been complete
    else:
        assert counted == (1, 1, 0)
    assert receipt.snapshot_after == wanted[1].snapshot_after
    assert before.snapshot_after == wanted[0].snapshot_after
    assert len(books.refused(books.open_ledger(project.store))) == 1
    assert books.batch_records(books.open_ledger(project.store), "pending") == []
    FactStore(project.store).verify()


def test_structure_lists_everything_and_writes_nothing(project: Project) -> None:
    good = put(project, "good.csv", HEADER + "1,A,2006-01-05,1\n")
    bad = [
        put(project, "b.csv", "loan,amonut\n1,2\n"),
        put(project, "c.csv", "loan,approved\n1\n2,2006-01-01,3\n"),
        put(project, "d.csv", "loan,,loan\n1,2,3\n"),
        put(project, "e.csv", b"loan,approved\n1,\xff\xff\xff\n"),
        put(project, "f.doc", "?"),
        put(project, "g.csv", ""),
        put(project, "h.xlsx", "not a workbook"),
        put(project, "i.parquet", "not parquet"),
        put(project, "j.jsonl", '{"loan": 1, "loan": 2}\n[1]\n{"loan": {}}\nnot json\n'),
        put(project, "l.csv", 'loan,approved\n1,2006-01-05\n2,"2006-01-05\n3,2006-01-05\n'),
        put(project, "m.csv", 'loan,approved\n1,"2006" x\n'),
        put(project, "k.csv", "loan,approved\n1,2\n".encode("utf-16")),
    ]
    with pytest.raises(UsageError) as caught:
        take_in(project, "loans", [good, *bad], DAY)
    text = str(caught.value)
    for part in [
        "amonut: expected a column of the contract, got an unknown one. Did you mean 'amount'?",
        "b.csv: approved: expected a column the source cannot do without",
        "c.csv row 1: expected 2 columns, got 1",
        "c.csv row 2: expected 2 columns, got 3",
        "d.csv header, column 2: expected a column name",
        "'loan' more than once",
        "UTF-8 breaks at byte 16",
        ".doc",
        "g.csv: expected a header, got an empty file",
        "h.xlsx: expected an XLSX workbook",
        "i.parquet: expected a readable Parquet file",
        "j.jsonl line 1: expected each column once",
        "j.jsonl line 2: expected one JSON object, got list",
        "j.jsonl line 3, loan: expected a single value",
        "j.jsonl line 4: expected one JSON object",
        "l.csv: expected quotes that close",
        "m.csv: expected quotes that close",
        "k.csv: expected UTF-8 or GB18030, got UTF-16",
    ]:
        assert part in text
    assert not project.store.exists()
    with pytest.raises(UsageError, match="Did you mean 'loans'"):
        take_in(project, "laons", [good], DAY)


def test_all_contracts_problems_at_once(project: Project) -> None:
    for name in ("loans", "status"):
        path = project.configs / "sources" / f"{name}.toml"
        path.write_text(
            path.read_text(encoding="utf-8").replace('cadence = "daily"', 'cadance = "daily"'),
            encoding="utf-8",
        )
    with pytest.raises(UsageError) as caught:
        read_contracts(project)
    assert "loans.toml: cadance" in str(caught.value)
    assert "status.toml: cadance" in str(caught.value)


TEXT = "loan{0}name{0}approved\r\n007{0}济南“某某”公司{0}2006年1月5日\r\n1.0{0}b{0}1/6/2006\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.format(delimiter).encode(encoding))
    assert read_file(path).cells.to_pylist() == [
        {"loan": "007", "name": "济南“某某”公司", "approved": "2006年1月5日"},
        {"loan": "1.0", "name": "b", "approved": "1/6/2006"},
    ]


def test_four_formats_give_the_same_facts(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["loan", "name", "approved", "amount", "urban"])
    book.active.append([123, "Acme", datetime.fromisoformat("2006-01-05"), 0.1, True])
    folder = project.inbox / "loans"
    folder.mkdir(parents=True)
    book.save(folder / "a.xlsx")
    put(project, "b.csv", "loan,name,approved,amount,urban\n123,Acme,2006-01-05,0.1,true\n")
    put(
        project,
        "c.jsonl",
        '{"loan": 123, "name": "Acme", "approved": "2006-01-05", "amount": 0.10, "urban": true}\n',
    )
    table = pa.table(
        {
            "loan": [123.0],
            "name": ["Acme"],
            "approved": [datetime.fromisoformat("2006-01-05")],
            "amount": pa.array([0.1], pa.float32()),
            "urban": [1],
        }
    )
    pq.write_table(table, folder / "d.parquet")
    made = []
    for path in sorted(folder.iterdir()):
        monkeypatch.setenv("RISKENGINE_STORE", str(tmp_path / path.name))
        (receipt,) = take_in(project, "loans", [path], DAY)
        made.append((receipt.snapshot_after, facts(project)))
    assert made[0] == made[1] == made[2] == made[3]
    assert made[0][1][0]["loan"] == "123"


def test_a_column_of_another_source_is_unknown(project: Project) -> None:
    """A source's own contract decides: a column of another source is unknown here."""
    path = put(project, "a.csv", "loan,status,approved\n1,open,2006-01-01\n", "status")
    with pytest.raises(UsageError, match="approved"):
        take_in(project, "status", [path], DAY)
    assert load.structure_problems(read_contracts(project)["loans"], ["loan", "approved", "term"], "f") == []


def test_a_workbook_with_two_filled_sheets_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("说明")
    book["说明"].append(["loan"])
    book["说明"].append([1])
    book.save(tmp_path / "one.xlsx")
    assert read_file(tmp_path / "one.xlsx").cells.to_pylist() == [{"loan": "1"}]
    book["Sheet"].append(["note"])
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(UsageError, match="expected one sheet with cells, got 2: 'Sheet', '说明'"):
        read_file(tmp_path / "two.xlsx")


def test_a_broken_code_is_refused_with_what_was_perhaps_meant(project: Project) -> None:
    """A row with a broken code and a good name is not taken in under its name: an officer corrects the code."""
    row = "91350100M000100Y43,9I370102MA3C00011F,2026-01-05,张三,11010519491231002X"
    text = (
        "uscc,old_code,day,person,person_id\n" + row.replace("9I37", "9137").replace("C0001", "C0OO1") + "\n"
    )
    take_in(project, "persons", [put(project, "a.csv", text, "persons")], DAY)
    (refusal,) = books.refused(books.open_ledger(project.store))
    assert (refusal["rule"], refusal["value"]) == (
        "enterprise_code", "91370102MA3C0OO11F (perhaps 91370102MA3C00011F)",
    )  # fmt: skip
