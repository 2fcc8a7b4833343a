"""Do the words `riskengine signals ...` do what an officer means, and say in Chinese and English what went wrong?"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from desk_world import BLUE, FIRST, FRIDAY, OTHER, RED, YELLOW, command, night, project

from riskengine.casework.acts import CASE_ACTS
from riskengine.casework.desk import Desk
from riskengine.casework.reminder_desk import counted_day, of_officer
from riskengine.casework.shown_lines import waiver_lines
from riskengine.cli import app
from riskengine.errors import IntegrityError, QualityGateError, RiskEngineError, SetupError, UsageError
from riskengine.project import Project

ON = ("--on", "2026-06-29T10:00")


@pytest.fixture
def office(tmp_path: Path) -> Project:
    made = project(tmp_path / "p")
    night(made, FRIDAY, FIRST)
    return made


def said(made: Project, who: str, *words: str) -> str:
    """What a command prints; its refusal is raised."""
    environment = {"RISKENGINE_ACTOR": who}
    got = CliRunner().invoke(app, ["--project", str(made.root), *words], env=environment)
    if isinstance(got.exception, RiskEngineError):
        raise got.exception
    assert got.exit_code == 0, (got.output, got.exception)
    return got.stdout


def told(made: Project, who: str, *words: str) -> Any:
    return json.loads(said(made, who, "signals", *words, "--json"))


def test_the_list_shows_what_is_to_be_done_and_counts_what_is_put_aside(office: Project) -> None:
    said(office, "an", "signals", "ack", RED, "C2B", *ON)
    said(office, "an", "signals", "snooze", "C2B", "--until", "2026-07-20", "--why", "seasonal stop", *ON)
    rows = told(office, "an", "list", "--as-of", "2026-06-29")
    assert [row["case"] for row in rows["rows"]] == [RED, BLUE, OTHER]  # in rank order
    assert rows["quiet"] == {"snoozed": 1}
    assert rows["cases"] == 4
    assert rows["rows"][0]["due"] == "2026-06-29T17:30"  # claimed: next comes verifying
    assert [row["case"] for row in told(office, "an", "list", "--as-of", "2026-06-26")["rows"]] == [
        RED,
        YELLOW,
        BLUE,
        OTHER,
    ]
    for words, expected in (
        (("--owner", "an"), [RED]),
        (("--officer", "li"), [BLUE, OTHER]),
        (("--institution", "I2"), []),
        (("--severity", "orange"), [OTHER]),
        (("--phase", "新信号"), [BLUE, OTHER]),
        (("--quiet",), [YELLOW]),
        (("--all", "--limit", "2"), [RED, YELLOW]),
    ):
        assert [row["case"] for row in told(office, "an", "list", *words)["rows"]] == expected, words
    text = said(office, "an", "signals", "list")
    assert "红 | 已认领 | 负责人 an" in text
    assert "已静默：暂缓 1" in text
    english = said(office, "an", "signals", "list", "--lang", "en", "--limit", "1")
    assert "red | acknowledged | owner an" in english
    assert "2 more" in english
    assert "甲 E-C1 (E-C1) | I1" in english  # the id is what dossier asks for
    assert "甲 E-C1（E-C1） | I1" in text
    with pytest.raises(UsageError, match="无此状态"):
        said(office, "an", "signals", "list", "--phase", "lost")


def test_a_whole_life_through_the_words(office: Project) -> None:
    said(office, "an", "signals", "ack", RED, *ON)
    said(office, "an", "signals", "check", RED, *ON)
    said(office, "an", "signals", "judge", RED, "--as", "确认风险", "--why", "two new cases", *ON)
    said(office, "an", "signals", "treat", RED, "--measure", "追加反担保", "--why", "house of the owner", *ON)
    out = said(office, "an", "signals", "resolve", RED, "--why", "paid in full", *ON)
    assert "须另一人复核" in out
    with pytest.raises(QualityGateError, match="须另一人复核解除"):
        said(office, "an", "signals", "release", RED, "--why", "agreed", *ON)
    said(office, "bo", "signals", "refuse", RED, "--why", "no receipt", *ON)
    said(office, "an", "signals", "resolve", RED, "--why", "here is the receipt", *ON)
    said(office, "bo", "signals", "release", RED, "--why", "agreed", *ON)
    shown = told(office, "an", "show", "C1")
    assert (shown["phase"], shown["quiet"], shown["measures"]) == (
        "resolved",
        "resolved",
        ["counter-guarantee"],
    )
    assert shown["next"] == ["check", "note"]
    assert [row["evidence"] for row in shown["signals"]] == ['[{"case_no": "2026-1"}]']
    actions = [row["action"] for row in told(office, "an", "history", RED)]
    assert actions == ["ack", "check", "judge", "treat", "resolve", "refuse", "resolve", "release"]
    text = said(office, "an", "signals", "history", RED, "--lang", "en")
    assert "in treatment → resolved" in text
    page = said(office, "an", "signals", "show", RED)
    assert "已化解" in page
    assert "可执行操作: check 核查, note 备注" in page
    audit = said(office, "an", "audit")
    assert audit.count(f"case {RED}") == 8


def test_refusals_say_what_is_legal_and_change_nothing(office: Project) -> None:
    for words, error, text in (
        (("check", RED), UsageError, "ack 认领"),
        (("judge", RED, "--as", "gone"), UsageError, "ack 认领"),
        (("ack", "C9"), UsageError, "无此案件"),
        (("ack", "C2"), UsageError, "唯一前缀"),
        (("ack", RED, BLUE, "C9"), UsageError, "无此案件"),
        (("ack", RED, "--if-seq", "7"), UsageError, "expected 7, got 0"),
        (("ack", RED, BLUE, "--if-seq", "0"), UsageError, "one case"),
        (("snooze", RED, "--until", "soon", "--why", "later"), UsageError, "YYYY-MM-DD"),
        (
            ("waive", "E-C1", "--floor", "NONE", "--until", "2026-08-01", "--why", "because"),
            UsageError,
            "无此下限",
        ),
        (
            ("waive", "E-C9", "--floor", "FLOOR-GONE", "--until", "2026-08-01", "--why", "because"),
            UsageError,
            "无此企业",
        ),
    ):
        with pytest.raises(error, match=text):
            said(office, "an", "signals", *words, *ON)
    assert told(office, "an", "list")["quiet"] == {}
    with pytest.raises(SetupError, match="尚无夜批结果"):
        said(office, "an", "signals", "list", "--as-of", "2026-01-01")


def test_a_waiver_is_asked_for_released_listed_and_ended(office: Project) -> None:
    words = ("E-C1", "--floor", "FLOOR-GONE", "--until", "2026-09-30", "--why", "court has lifted it")
    (asked,) = told(office, "an", "waive", *words, *ON)
    assert "awaiting 待复核" in said(office, "an", "signals", "waivers", "--as-of", "2026-06-29")
    said(office, "bo", "signals", "release", asked["case"], "--why", "agreed", *ON)
    assert "in force 生效 an / bo" in said(office, "an", "signals", "waivers", "--as-of", "2026-09-30")
    assert "expired 到期" in said(office, "an", "signals", "waivers", "--as-of", "2026-10-01")
    said(office, "an", "signals", "unwaive", asked["case"], "--why", "no longer needed", *ON)
    assert told(office, "an", "waivers") == []


def test_the_audit_finds_an_act_changed_by_hand(office: Project) -> None:
    said(office, "an", "signals", "ack", RED, *ON)
    with Desk(office).ledger.begin() as connection:
        connection.execute(CASE_ACTS.update().values(actor="bo"))
    with pytest.raises(IntegrityError, match="案件操作记录被改动"):
        said(office, "an", "audit")


def test_today_is_the_local_day_of_work_for_cases_and_reminders(
    office: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 07:00 in Shanghai on the 30th it is still the 29th by UTC."""
    from datetime import UTC, datetime

    from riskengine import clock

    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 29, 23, tzinfo=UTC))
    path = office.root / "configs" / "environment.toml"  # no sample: unsaid is today
    path.write_text(path.read_text("utf-8").replace("backdated_acts = true", ""), "utf-8")
    assert told(office, "an", "list")["as_of"] == "2026-06-30"
    assert told(office, "an", "list", "--as-of", "2026-06-30")["as_of"] == "2026-06-30"
    with pytest.raises(UsageError, match="2026-06-30 or earlier"):
        said(office, "an", "signals", "list", "--as-of", "2026-07-01")
    with pytest.raises(UsageError, match="2026-06-30 or earlier"):
        said(office, "an", "reminders", "list", "--as-of", "2026-07-01")
    with pytest.raises(UsageError, match="2026-06-30 or earlier"):
        said(office, "an", "reminders", "ack", "a|b|c", "--on", "2026-07-01")


def test_a_sample_is_looked_at_and_acted_on_as_of_its_latest_night(office: Project) -> None:
    shown = told(office, "an", "list")
    assert (shown["as_of"], shown["as_of_is"]) == (str(FRIDAY), "night")
    assert not any(row["breached"] for row in shown["rows"])
    text = said(office, "an", "signals", "list", "--lang", "en").splitlines()
    assert text[0] == "as of 2026-06-26 (latest night) | times: Asia/Shanghai"
    assert text[1].startswith("ENTERPRISE (its id) | severity")
    assert "时间：Asia/Shanghai" in said(office, "an", "signals", "show", RED)
    (done,) = told(office, "an", "ack", RED)
    assert (done["on"], done["detail"]["moment"]) == (str(FRIDAY), "2026-06-26T17:30")
    said(office, "an", "signals", "check", RED, *ON)  # not blocked by what was said without a day
    assert told(office, "an", "show", RED)["as_of_is"] == "act"
    assert told(office, "an", "show", RED)["phase"] == "checking"


def test_a_name_nobody_has_is_said_with_the_nearest(office: Project) -> None:
    got = said(office, "an", "signals", "list", "--officer", "I1", "--lang", "en")
    assert "No such officer in the night of 2026-06-26: 'I1'. institutions: --institution I1" in got
    assert len(told(office, "an", "list", "--officer", "I1")["rows"]) == 4
    got = said(office, "an", "signals", "list", "--officer", "zhan", "--lang", "en")
    assert "Did you mean 'zhang'?" in got
    assert "Nothing to do" not in got
    assert "无此负责人" in said(office, "an", "signals", "list", "--owner", "nobody")
    assert told(office, "an", "list", "--institution", "I2")["unknown"][0]["hint"] == "Known: I1"


def test_reminders_of_a_desk_are_found_by_its_institution_and_count_from_the_latest_night(
    office: Project,
) -> None:
    rows = pd.DataFrame({"key": ["a", "b"], "officer": ["desk:GA", None]})
    assert of_officer(rows, "GA")[0].key.tolist() == ["a"]
    assert of_officer(rows, "desk:GB")[1] == "Did you mean 'desk:GA'?"
    assert counted_day(office, None, date(2026, 7, 9)) == FRIDAY


def test_what_is_proposed_next_moves_on_and_can_be_pasted(office: Project) -> None:
    for words in (("ack",), ("check",), ("judge", "--as", "confirmed", "--why", "two new cases")):
        said(office, "an", "signals", words[0], RED, *words[1:])
    assert f"riskengine signals treat {RED} " in said(office, "an", "signals", "show", RED)
    said(office, "an", "signals", "treat", RED, "--measure", "reduce", "--why", "half is repaid")
    assert f"riskengine signals resolve {RED} " in said(office, "an", "signals", "show", RED)
    waiver = {
        "waiver": "W1",
        "enterprise": "DELUXE INN|FL",
        "floor": "F",
        "phase": "no waiver",
        "awaiting": None,
    }
    waiver |= {"until": None, "as_of": "2026-06-26", "zone": "UTC", "history": [], "next": ["waive", "note"]}
    assert waiver_lines(waiver, "en")[-1].startswith("  riskengine signals waive 'DELUXE INN|FL' --floor F ")


def test_a_waiver_is_shown_like_a_case(office: Project) -> None:
    words = ("E-C1", "--floor", "FLOOR-GONE", "--until", "2026-09-30", "--why", "court has lifted it")
    (asked,) = told(office, "an", "waive", *words)
    text = said(office, "an", "signals", "show", asked["case"], "--lang", "en")
    assert f"{asked['case']} E-C1 FLOOR-GONE" in text
    assert f"riskengine signals release {asked['case']} --why TEXT" in text
    assert told(office, "an", "show", asked["case"])["next"] == ["release", "refuse", "note"]
    assert "court has lifted it" in said(office, "an", "signals", "history", asked["case"])
    with pytest.raises(UsageError, match="signals waivers"):
        said(office, "an", "signals", "show", "WFFFFFFFFFF")


def test_both_problems_of_a_judgement_are_told_at_once(office: Project) -> None:
    with pytest.raises(UsageError, match=r"(?s)ack 认领.*--why"):
        said(office, "an", "signals", "judge", RED, "--as", "watch")


def test_the_process_ends_with_the_code_of_the_refusal(office: Project) -> None:
    got = command(office, "an", "release", RED, "--why", "agreed", *ON)
    assert got.returncode == 2
    assert "Not legal from here 当前状态不允许此操作" in got.stderr
    assert "Traceback" not in got.stderr
