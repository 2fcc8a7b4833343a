"""Does a delivery that is wrong ever stop the others, get lost, or clear a signal; and when was each file received?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.errors import LockedError, UsageError
from riskengine.intake import deliveries, load, unread
from riskengine.intake.contract import read_contracts
from riskengine.intake.deliveries import take_arrived
from riskengine.intake.load import arrived, received_on, take_in
from riskengine.monitor.health import feeds, held_lines, stale_sources
from riskengine.monitor.watch import held_on
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.store import index, snapshot
from riskengine.store import ledger as books
from riskengine.store.facts import FactStore

DAY = date(2006, 3, 31)
HEADER = "loan,name,approved,amount\n"
SOUND = HEADER + "1,A,2006-01-05,1\n2,B,bad,1\n"


def put(project: Project, name: str, content: str | bytes, source: str = "loans") -> Path:
    path = project.inbox / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def facts(project: Project, source: str) -> list[dict[str, Any]]:
    paths = FactStore(project.store).snapshot().paths(source)
    return pa.concat_tables([pq.read_table(path) for path in paths]).to_pylist() if paths else []


def held_names(project: Project) -> list[tuple[str, str]]:
    return [(file.source, file.file) for file in books.held_files(books.open_ledger(project.store))]


def broken(project: Project) -> list[Path]:
    """One file of each kind of wrong structure."""
    book = openpyxl.Workbook()
    book.active.append(["loan", "approved"])
    book.create_sheet("二").append(["note"])
    two = project.inbox / "loans" / "2006-01-02_two_sheets.xlsx"
    two.parent.mkdir(parents=True, exist_ok=True)
    book.save(two)
    whole = two.read_bytes()
    return [
        two,
        put(project, "2006-01-03_cut.xlsx", whole[: len(whole) // 2]),
        put(project, "2006-01-04_unknown.csv", "loan,amonut\n1,2\n"),
        put(project, "2006-01-05_ragged.csv", HEADER + "1\n"),
        put(project, "2006-01-06_neither.csv", b"loan,approved\n1,\xff\xff\xff\n"),
        put(project, "2006-01-07_empty.csv", ""),
        put(project, "2006-01-08.parquet", "not parquet"),
        put(project, "2006-01-09.jsonl", "not json\n"),
    ]


def test_every_kind_of_broken_file_is_held_and_the_others_are_taken_in(project: Project) -> None:
    wrong = broken(project)
    put(project, "2006-01-31.csv", SOUND)
    put(project, "2006-02-28.csv", "loan,status\n1,open\n", "status")
    loans, status = take_arrived(project, DAY)
    assert [file.file for file in loans.held] == [path.name for path in wrong]
    assert all(file.problems and file.sha256 and file.received.month == 1 for file in loans.held)
    assert (loans.counted().rows_in, loans.counted().accepted, loans.counted().rules) == (2, 1, {"type": 1})
    assert (status.source, len(status.held), status.counted().accepted) == ("status", 0, 1)
    assert status.receipts[0].snapshot_before == loans.receipts[0].snapshot_after
    unknown = loans.held[2]
    assert unknown.first == (
        "2006-01-04_unknown.csv: amonut: expected a column of the contract, got an unknown one. Did you mean 'amount'?"
    )
    ledger = books.open_ledger(project.store)
    assert books.held_files(ledger) == list(loans.held), "what the ledger says is what was found"
    assert str(project.inbox) not in json.dumps([file.problems for file in loans.held])
    assert [one[0] for one in arrived(project, DAY)] == ["loans"], "held files are tried again"
    with pytest.raises(UsageError, match="amonut"):
        take_in(project, "loans", wrong, DAY)


def test_a_file_that_cannot_be_read_is_held_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(project, "2006-01-31.csv", SOUND)
    put(project, "2006-02-28.csv", HEADER + "3,C,2006-02-05,1\n")

    def refuses(given: Path, real: Any) -> Any:
        if given == path:
            raise PermissionError(13, "Permission denied", str(given))
        return real(given)

    for room in (unread, deliveries):
        real = room.file_sha256
        monkeypatch.setattr(room, "file_sha256", lambda given, real=real: refuses(given, real))
    reading = load.read_file
    monkeypatch.setattr(load, "read_file", lambda given: refuses(given, reading))
    (one,) = take_arrived(project, DAY)
    (held,) = one.held
    assert (held.sha256, held.first) == (
        "",
        "2006-01-31.csv: expected a readable file, got Permission denied",
    )
    assert one.counted().accepted == 1


def test_held_until_repaired_or_gone(project: Project) -> None:
    path = put(project, "2006-01-31.csv", "loan,amonut\n1,2\n")
    other = put(project, "2006-01-30.csv", "x\n1\n")
    take_arrived(project, DAY)
    assert held_names(project) == [("loans", other.name), ("loans", path.name)]
    other.unlink()
    take_arrived(project, DAY)
    assert held_names(project) == [("loans", path.name)], "a file that is gone is held no longer"
    path.write_text(SOUND, encoding="utf-8")
    (one,) = take_arrived(project, DAY)
    assert (held_names(project), one.counted().accepted) == ([], 1)
    assert take_arrived(project, DAY) == []
    again = put(project, "2006-02-28.csv", "loan,amonut\n1,2\n")
    take_arrived(project, DAY)
    again.write_text(HEADER + "9,C,2006-02-05,1\n", encoding="utf-8")
    take_in(project, "loans", [again], DAY)
    assert held_names(project) == [], "a person took the repaired file in"


def test_received_on_the_day_it_is_named_for(project: Project) -> None:
    """Arrival clock, taken in late and in one go: the facts are as if each file had been taken in on its day."""
    put(project, "2006-01-31.csv", "loan,status\n1,open\n", "status")
    put(project, "2006-02-28_late.csv", "loan,status\n1,closed\n", "status")
    put(project, "by_hand.csv", "loan,status\n2,open\n", "status")
    put(project, "2006-04-30.csv", "loan,status\n1,open\n", "status")
    take_arrived(project, DAY)
    got = {
        (fact["loan"], fact["status"]): (fact["known_at"], fact["superseded_at"])
        for fact in facts(project, "status")
    }
    assert got == {
        ("1", "open"): (date(2006, 1, 31), date(2006, 2, 28)),
        ("1", "closed"): (date(2006, 2, 28), None),
        ("2", "open"): (DAY, None),
    }
    records = books.batch_records(books.open_ledger(project.store))
    assert [record.received for record in records] == [date(2006, 1, 31), date(2006, 2, 28), DAY]
    assert received_on(Path("20060131.csv"), DAY) == date(2006, 1, 31)


def test_in_one_go_is_night_by_night(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month, status in ((1, "open"), (2, "closed"), (3, "open")):
        put(project, f"2006-0{month}-28.csv", f"loan,status\n1,{status}\n", "status")
        take_arrived(project, date(2006, month, 28))
    nightly = FactStore(project.store).snapshot().id
    monkeypatch.setenv("RISKENGINE_STORE", str(tmp_path / "once"))
    take_arrived(project, DAY)
    assert FactStore(project.store).snapshot().id == nightly


@pytest.mark.parametrize(
    "step",
    [(FactStore, "_commit", 2), (index, "_end", 2), (snapshot, "write", 1), (books, "finish_batches", 1),
     (books, "begin_batch", 3), (books, "rewrite_held", 1)],
    ids=lambda step: step[1],
)  # fmt: skip
def test_killed_between_files_a_rerun_gives_the_same_bytes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, int]
) -> None:
    put(project, "2006-01-04.csv", "loan,amonut\n1,2\n")
    for month in (1, 2):
        put(project, f"2006-0{month}-28.csv", HEADER + f"1,A,2006-0{month}-05,{month}\n")
        put(
            project, f"2006-0{month}-28.csv", f"loan,status\n1,{'open' if month == 1 else 'shut'}\n", "status"
        )
    with monkeypatch.context() as other:
        other.setenv("RISKENGINE_STORE", str(tmp_path / "undisturbed"))
        take_arrived(project, DAY)
        wanted = (FactStore(project.store).snapshot().id, held_names(project))
    owner, name, at = step
    work, calls = getattr(owner, name), iter(range(1, 100))

    def dies(*given: Any, **named: Any) -> Any:
        if next(calls) == at:
            raise KeyboardInterrupt
        return work(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies)
        with pytest.raises(KeyboardInterrupt):
            take_arrived(project, DAY)
    take_arrived(project, DAY)
    assert (FactStore(project.store).snapshot().id, held_names(project)) == wanted
    FactStore(project.store).verify()
    assert books.batch_records(books.open_ledger(project.store), "pending") == []


def test_a_held_store_is_waited_for_then_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, "2006-01-31.csv", SOUND)
    waited: list[float] = []
    store = FactStore(project.store)
    holding = store.locked()
    holding.__enter__()
    # the room's own clock: threads that other tests left behind sleep by the real one
    monkeypatch.setattr("riskengine.store.facts.time", SimpleNamespace(sleep=waited.append))
    with pytest.raises(LockedError) as caught:
        take_arrived(project, DAY)
    assert (caught.value.exit_code, len(waited)) == (5, deliveries.PATIENCE - 1)

    def ends(_: float) -> None:
        if not waited:
            holding.__exit__(None, None, None)
        waited.append(1)

    waited.clear()
    monkeypatch.setattr("riskengine.store.facts.time", SimpleNamespace(sleep=ends))
    (one,) = take_arrived(project, DAY)
    assert (one.counted().accepted, len(waited)) == (1, 1)


def test_a_source_with_a_held_file_is_down(project: Project) -> None:
    put(project, "2006-03-30.csv", "loan,status\n1,open\n", "status")
    put(project, "2006-03-31.csv", "loan,sttaus\n1,shut\n", "status")
    take_arrived(project, DAY)
    contracts = read_contracts(project)
    held = held_on(project, DAY)
    assert held_on(project, date(2006, 3, 30)) == [], "it had not arrived"
    with Workbench(FactStore(project.store).snapshot()) as bench:
        well = feeds(bench, contracts, DAY, {})
        health = feeds(bench, contracts, DAY, {}, held)
    assert "status" not in stale_sources(well)
    assert set(stale_sources(health)) == {*stale_sources(well), "status"}
    row = health[health.source == "status"].iloc[0]
    assert (row.state, row.held, row.rows) == ("held", 1, 1)
    (line,) = held_lines(held)
    assert (line["source"], line["file"], line["problems"]) == ("status", "2006-03-31.csv", 1)
    assert "sttaus" in line["problem"]
    assert "every night tries again" in line["to_do"]


def run(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "riskengine", "--project", str(project.root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))


def test_the_command(project: Project) -> None:
    bad = put(project, "2006-01-04.csv", "loan,amonut\n1,2\n")
    done = run(project, "intake", "--arrived", "--as-of", "2006-03-31")
    assert (done.returncode, done.stderr) == (2, "riskengine: everything that arrived is held\n")
    put(project, "2006-01-31.csv", SOUND)
    put(project, "2006-02-28.csv", "loan,status\n1,open\n", "status")
    done = run(project, "intake", "--arrived", "--as-of", "2006-03-31")
    first, second, total, held = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert first == (
        "loans  2 files: 2 rows in = 1 accepted + 1 quarantined + 0 exact duplicates (type 1); 1 held"
    )
    assert second == "status  1 file: 1 rows in = 1 accepted + 0 quarantined + 0 exact duplicates"
    assert total.startswith("total  3 files of 2 sources: 3 rows in = 2 accepted + 1 quarantined + 0")
    assert held.startswith(
        "held: loans/2006-01-04.csv, received 2006-01-04: 2006-01-04.csv: amonut: expected"
    )
    listed = run(project, "quarantine").stdout.splitlines()
    assert listed[0] == held
    assert listed[1].startswith("loans: 2006-01-31.csv row 2, approved: type")
    bad.unlink()
    assert (
        run(project, "intake", "--arrived", "--as-of", "2006-03-31").stdout
        == "Nothing new had arrived by 2006-03-31\n"
    )
    for words, said in (
        (["intake"], "SOURCE FILES, or --arrived"),
        (["intake", "loans", "x.csv", "--as-of", "2006-01-01"], "--received"),
        (["intake", "--arrived", "--received", "2006-01-01"], "--as-of with --arrived"),
    ):
        refused = run(project, *words)
        assert refused.returncode == 2
        assert said in refused.stderr
