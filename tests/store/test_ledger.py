"""Does the ledger keep what happened, and does it notice when somebody edits it?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.errors import IntegrityError
from riskengine.store import ledger as books

DAY = date(2006, 1, 31)


def act(action: str) -> books.Act:
    return books.Act(datetime(2006, 1, 31, tzinfo=UTC), "officer", action, "loan 1", {"why": "测试"})


@pytest.mark.parametrize(
    "harm",
    [
        "update audit set actor = 'x' where seq = 2",
        "update audit set detail = '{}' where seq = 3",
        "delete from audit where seq = 2",
        "delete from audit where seq = 1",
        "delete from audit where seq = 3",
    ],
)
def test_an_edited_audit_chain_is_noticed(tmp_path: Path, harm: str) -> None:
    ledger = books.open_ledger(tmp_path)
    heads = [books.record_act(ledger, act(name)) for name in ("promote", "review", "override")]
    assert books.verify_audit(ledger, heads[-1]) == 3
    with ledger.begin() as connection:
        connection.execute(sa.text(harm))
    with pytest.raises(IntegrityError, match="audit"):
        books.verify_audit(ledger, heads[-1])


def test_sqlite_is_durable(tmp_path: Path) -> None:
    with books.open_ledger(tmp_path).connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def test_a_run_starts_over_under_its_id(tmp_path: Path) -> None:
    ledger = books.open_ledger(tmp_path)
    with pytest.raises(ValueError, match="in the middle"), books.recorded_run(ledger, "nightly", DAY, "abc"):
        raise ValueError("in the middle")
    assert [run["status"] for run in books.runs(ledger)] == ["failed"]
    with books.recorded_run(ledger, "nightly", DAY, "abc") as record:
        record["status"] = "published"
    (run,) = books.runs(ledger, "nightly")
    assert (run["status"], run["inputs"]) == ("published", "abc")
    assert [before["status"] for before in run["earlier"]] == ["failed"]
    with books.recorded_run(ledger, "nightly", DAY, "other"):
        pass
    assert [len(run["earlier"]) for run in books.runs(ledger)] == [1, 0]
    assert books.runs(ledger, "retrain") == []


def test_attempts_before_the_last_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKENGINE_STORE", str(tmp_path))
    for status in ("published", "no change", "version 3"):
        with books.recorded_run(books.open_ledger(tmp_path), "nightly", DAY) as record:
            record["status"] = status
    said = {tongue: CliRunner().invoke(app, ["runs", "--lang", tongue]).stdout for tongue in ("en", "zh")}
    last, *before = said["en"].splitlines()
    assert last.startswith("nightly 2006-01-31: version 3, began")
    assert [line.split(",")[0].strip() for line in before] == [
        "an earlier attempt: published",
        "an earlier attempt: no change",
    ]
    assert [line.split(",")[0].strip() for line in said["zh"].splitlines()] == [
        "nightly 2006-01-31: 版本 3",
        "此前一次: 已发布",
        "此前一次: 无变化",
    ]
