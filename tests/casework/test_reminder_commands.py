"""`riskengine reminders` and `riskengine outbox` as they are typed, over a store with three nights."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from riskengine import clock
from riskengine.casework.outbox import Message, enqueue
from riskengine.cli import app
from riskengine.errors import IntegrityError, RiskEngineError
from riskengine.monitor.acknowledged import REMINDER_ACTS, acknowledged
from riskengine.monitor.evaluate import Night
from riskengine.monitor.frames import parquet_bytes, reminders_bytes
from riskengine.monitor.plan import Reach, plan
from riskengine.monitor.publish import publish
from riskengine.monitor.reminders import Reminder
from riskengine.store.ledger import open_ledger
from riskengine.working_days import read_calendar

WORDS = {"en": "due {due}", "zh": "到期 {due}"}
OLD, NEW = "N16|G1|2025-06-30", "N16|G1|2025-07-09"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RISKENGINE_ACTOR", raising=False)
    for room in ("features", "models", "configs"):
        (tmp_path / room).mkdir()
    (tmp_path / "configs/environment.toml").write_text(
        'name = "t"\ncurrency = "CNY"\nlanguage = "en"\nbackdated_acts = true\n[title]\nen = "T"\nzh = "T"\n'
    )
    block = {"title": WORDS, "base": "d", "text": WORDS, "action": WORDS, "owner": WORDS, "reference": "t"}
    ones = (Reminder.model_validate({**block, "id": "N16", "leads": [60, 30], "loses": "limitation", "escalate": [-5, 0]}),
            Reminder.model_validate({**block, "id": "N06", "leads": [60]}))  # fmt: skip
    before: tuple[date, Any] | None = None
    for day, due in (
        ("2025-05-30", "2025-06-30"),
        ("2025-06-02", "2025-06-30"),
        ("2025-06-03", "2025-07-09"),
    ):
        frame = pd.DataFrame({"id": ["G1"], "enterprise_id": ["E1"], "grade": ["A"], "expected_loss": [1.0], "exposure": [5e5],
                              "d": pd.to_datetime([due])})  # fmt: skip
        as_of = date.fromisoformat(day)
        acts = acknowledged(open_ledger(tmp_path / "var"), as_of)
        reach = Reach(read_calendar("CN"), before_on=before[0] if before else None, acts=acts)
        night = Night(as_of, previous=before[1] if before else None)
        made = plan(ones, frame, pd.DataFrame({"source": []}), night, reach)
        rows = made.reminders.assign(officer="li")
        files = {
            "reminders.parquet": reminders_bytes(rows),
            "reminders_ended.parquet": parquet_bytes(made.ended, {}),
        }
        publish(tmp_path / "var", as_of, {"day": day}, files, {})
        before = (as_of, rows)
    return tmp_path


def typed(project: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(project), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_listed_acknowledged_done_and_told_of(project: Path) -> None:
    listed = typed(project, "reminders", "list", "--as-of", "2025-06-03").splitlines()
    assert listed[0] == "2025-06-03: 2 reminder(s)"
    assert listed[1].split("  ")[:4] == ["2025-07-09", "in 36 d", "[limitation 500,000]", NEW]
    assert "错过" not in listed[1]
    assert "还有36天  [诉讼时效 500,000]" in typed(
        project, "reminders", "list", "--as-of", "2025-06-03", "--money", "--lang", "zh"
    )
    assert (
        json.loads(
            typed(project, "reminders", "list", "--as-of", "2025-06-03", "--officer", "wang", "--json")
        )
        == []
    )
    assert "acknowledged" in typed(project, "reminders", "ack", NEW, "--why", "called", "--on", "2025-06-03")
    assert "1 already said" in typed(
        project, "reminders", "ack", NEW, "--why", "called", "--on", "2025-06-03"
    )
    (row,) = json.loads(typed(project, "reminders", "list", "--as-of", "2025-06-03", "--money", "--json"))
    assert (row["acknowledged"], row["acknowledged_on"], row["replaces"]) == (True, "2025-06-03", OLD)
    typed(project, "reminders", "done", NEW, "--why", "suit filed 17", "--on", "2025-06-03")
    (row,) = json.loads(typed(project, "reminders", "list", "--as-of", "2025-06-03", "--money", "--json"))
    assert (row["done"], row["why"], row["acknowledged_on"]) == (True, "suit filed 17", "2025-06-03")
    assert f"(done {row['acknowledged_by']} 2025-06-03: suit filed 17)" in typed(
        project, "reminders", "list", "--as-of", "2025-06-03"
    )
    told = json.loads(typed(project, "reminders", "history", NEW, "--json"))
    assert [(one["day"], one["key"], one["what"]) for one in told] == [
        ("2025-05-30", OLD, "new"), ("2025-06-02", OLD, "raised"), ("2025-06-03", OLD, "left"),
        ("2025-06-03", NEW, "new"), ("2025-06-03", NEW, "ack"), ("2025-06-03", NEW, "done")]  # fmt: skip
    assert told[2]["why"] == "replaced"
    assert told[-1]["why"] == "suit filed 17"
    typed(project, "reminders", "reopen", NEW, "--why", "wrong file", "--on", "2025-06-03")
    (row,) = json.loads(typed(project, "reminders", "list", "--as-of", "2025-06-03", "--money", "--json"))
    assert row["acknowledged_by"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reminders", "ack", "N16|G9|2025-07-09", "--on", "2025-06-03"), f"Did you mean '{NEW}'"),
        (("reminders", "done", NEW, "--why", " ", "--on", "2025-06-03"), "what shows it"),
        (("reminders", "reopen", NEW, "--why", "x", "--on", "2025-06-03"), "one that is open"),
        (("reminders", "ack", NEW, "--on", "2999-01-01"), "That day has not come"),
        (("reminders", "ack", NEW, "--on", "2020-01-01"), "No reminders yet"),
        (("reminders", "history", "nonsense"), "No such reminder"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words(project: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(RiskEngineError, match=said.replace("|", r"\|")):
        typed(project, *words)
    assert acknowledged(open_ledger(project / "var"), clock.today()) == {}


def test_what_was_said_is_in_the_audit_and_a_row_changed_by_hand_is_found(project: Path) -> None:
    typed(project, "reminders", "ack", NEW, "--on", "2025-06-03")
    typed(project, "reminders", "done", NEW, "--why", "suit filed 17", "--on", "2025-06-03")
    audit = typed(project, "audit")
    assert f"done reminder {NEW}" in audit
    assert "suit filed 17" in audit
    ledger = open_ledger(project / "var")
    for change in (
        REMINDER_ACTS.update().where(REMINDER_ACTS.c.seq == 2).values(why="something else"),
        REMINDER_ACTS.delete().where(REMINDER_ACTS.c.seq == 2),
    ):
        with ledger.begin() as connection:
            connection.execute(change)
        with pytest.raises(IntegrityError, match="reminder_acts 2"):
            typed(project, "audit")
    typed(project, "reminders", "done", NEW, "--why", "put in its place", "--on", "2025-06-03")
    with pytest.raises(IntegrityError, match="reminder_acts 2"):  # the next has its number: still found
        typed(project, "audit")


def test_an_act_counts_from_its_day_unless_the_project_is_a_sample(project: Path) -> None:
    path = project / "configs/environment.toml"
    path.write_text(path.read_text().replace("backdated_acts = true", ""))
    with pytest.raises(RiskEngineError, match="counts from the day it is done"):
        typed(project, "reminders", "ack", NEW, "--on", "2025-06-03")
    assert "acknowledged" in typed(project, "reminders", "ack", NEW)


def test_the_outbox_is_listed_and_leaves_only_by_ways_that_are_on(project: Path) -> None:
    off = "webhook and mail are off (configs/outputs.toml)"
    assert typed(project, "outbox", "list", "--lang", "en") == f"no messages; {off}\n"
    assert (
        typed(project, "outbox", "list", "--lang", "zh")
        == "没有消息；webhook 与邮件均未开启（configs/outputs.toml）\n"
    )
    one = Message("webhook", "li", date(2025, 6, 3), {"digest": {}})
    enqueue(open_ledger(project / "var"), [one], clock.now())
    assert json.loads(typed(project, "outbox", "send", "--dry-run", "--json")) == {"on": [], "keys": []}
    assert typed(project, "outbox", "send", "--lang", "en") == f"no messages to send; {off}\n"
    assert typed(project, "outbox", "list", "--lang", "en").endswith("\n1 message\n")
    (project / "configs/outputs.toml").write_text("[webhook]\non = true\nurl_env = 'NO_SUCH_VARIABLE'\n")
    assert json.loads(typed(project, "outbox", "send", "--dry-run", "--json"))["keys"] == [one.key]
    assert typed(project, "outbox", "send", "--dry-run", "--lang", "zh").endswith("\n待发送 1 条\n")
    with pytest.raises(RiskEngineError, match="environment variable NO_SUCH_VARIABLE"):
        typed(project, "outbox", "send")
    assert json.loads(typed(project, "outbox", "list", "--json"))[0]["state"] == "queued"
