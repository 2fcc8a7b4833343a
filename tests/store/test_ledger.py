"""Does the ledger keep what happened, and does it notice when somebody edits it?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

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
    assert books.runs(ledger, "retrain") == []
