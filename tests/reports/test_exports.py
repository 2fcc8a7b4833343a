"""Exports: the same bytes each time, read back by other programs, nothing runs and no id changes in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from base64 import b64decode
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from riskengine.casework.channels import Channels
from riskengine.casework.digests import digests
from riskengine.casework.outside import outside
from riskengine.errors import UsageError
from riskengine.intake.personal import is_token, tokens
from riskengine.monitor.frames import reminders_bytes
from riskengine.monitor.plan import COLUMNS, ENDED
from riskengine.monitor.publish import publish
from riskengine.monitor.reminders import Reminder
from riskengine.project import Environment
from riskengine.reports.export_calendar import CANCELLED, Diary
from riskengine.reports.export_digests import messages
from riskengine.reports.export_files import Exported, export_files, outputs_on
from riskengine.reports.export_tables import plain, safe, table_csv
from riskengine.working_days import read_calendar

DAY = date(2026, 2, 25)
EVIL = '=HYPERLINK("http://x","点我")'
WORDS = {"en": "Guarantee period ends", "zh": "保证期间届满，请核对;\\换行"}
ONE = Reminder.model_validate({"id": "N15", "title": WORDS, "base": "b", "leads": ["3wd", 7], "text": WORDS, "action": WORDS,
                               "owner": WORDS, "reference": "t"})  # fmt: skip
OUTPUTS = {"json": True, "csv": True, "xlsx": True, "ics": True}


def diary(**outputs: bool) -> Diary:
    title = {"en": "Fund", "zh": "担保机构"}
    environment = Environment.model_validate(
        {"name": "test", "title": title, "currency": "CNY", "outputs": outputs}
    )
    return Diary({"N15": ONE}, read_calendar("CN"), environment, "zh")


def row(number: int, **more: object) -> dict[str, Any]:
    plain_row = dict.fromkeys(COLUMNS) | {
        "key": f"N15|00{number}|{DAY}", "reminder": "N15", "about": "guarantee", "id": f"00{number}", "enterprise": "911101087178502421",
        "officer": "li", "due": DAY, "days_left": 0, "status": "due", "lead": 0, "level": 0, "step": 2, "state": "new",
        "loses": "guarantee period", "at_stake": 1234567.891, "acknowledged": False, "estimate": False, "provisional": False,
        "uncertain": False, "expected_loss": 12.3, "first_shown": DAY, "text_en": EVIL, "text_zh": "到期，\n请办;" + "长" * 60}  # fmt: skip
    return {**plain_row, **more}


def night(rows: list[dict[str, Any]]) -> Exported:
    reminders = pd.DataFrame(rows, columns=list(COLUMNS))
    gone = {"key": "N15|9|2026-01-01", "reminder": "N15", "about": "guarantee", "id": "9", "enterprise": "E", "due": date(2026, 1, 1), "why": "done", "replaced_by": None}  # fmt: skip
    signals = pd.DataFrame({"signal": ["R01"], "id": ["0012"], "value": [-5.0], "exposure": [1e9], "text_zh": ["+1"], "inhibited": [True], "due": [None]})  # fmt: skip
    lines = pd.DataFrame(columns=["enterprise", "officer", "institution", "rank"])
    desk = pd.DataFrame({"institution": [], "officer": []}, dtype="object")
    made = digests(lines, reminders, desk, {("", ""): 2.0}, DAY)
    return Exported(signals, reminders, pd.DataFrame([gone], columns=list(ENDED)), lines, made)


ROWS = [
    row(1),
    row(2, loses="", reminder="N15", level=1),
    row(3, text_zh="@SUM(A1)", acknowledged_by="-2+3", at_stake=5.0),
]


def test_all_files_are_the_same_bytes_again_and_only_what_is_on_is_made() -> None:
    names = {"digest.json", "reminders.csv", "signals.csv", "lines.csv", "digest.xlsx", "reminders.ics"}
    first = export_files(night(ROWS), diary(**OUTPUTS), DAY)
    assert set(first) == names
    assert export_files(night(ROWS), diary(**OUTPUTS), DAY) == first
    assert set(export_files(night(ROWS), diary(), DAY)) == {"digest.json"}
    assert export_files(night(ROWS), diary(json=False), DAY) == {}
    with pytest.raises(UsageError) as refused:
        outputs_on(diary(xlxs=True, mail=True).environment)
    assert [problem.next for problem in refused.value.problems] == [
        "Did you mean 'xlsx'?", "Switch it in outputs.toml: [mail] on = true"]  # fmt: skip


def test_csv_opens_as_text_and_reads_back() -> None:
    raw = export_files(night(ROWS), diary(**OUTPUTS), DAY)["reminders.csv"]
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == 4
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [one["id"] for one in rows] == ["'001", "'002", "'003"], "leading zeros stay"
    assert (rows[0]["officer"], rows[0]["reminder"], rows[0]["status"]) == ("'li", "'N15", "due"), (
        "every id, no word of ours"
    )
    assert rows[0]["enterprise"] == "'911101087178502421", "no spreadsheet makes 9.11E+17 of it"
    assert rows[0]["text_en"] == f"'{EVIL}"
    assert rows[2]["acknowledged_by"] == "'-2+3"
    assert (rows[0]["at_stake"], rows[0]["due"], rows[0]["days_left"]) == ("1234567.89", "2026-02-25", "0")
    assert plain(rows[0]["text_zh"]) == ROWS[0]["text_zh"]
    signals = export_files(night(ROWS), diary(**OUTPUTS), DAY)["signals.csv"].decode("utf-8-sig").splitlines()
    assert signals == ["signal,id,inhibited,due,value,exposure,text_zh",
                       "'R01,'0012,true,,-5,1000000000.00,'+1"]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["1.5E10", "1e+5", "DEC12", "12:30", "TRUE", "0012", "7-11", "=1+1", "'x", "G1"]
)
def test_no_id_is_anything_but_text(name: str) -> None:
    for column in ("id", "key", "enterprise", "name", "officer", "grade"):
        raw = table_csv(pd.DataFrame({column: [name, None]}, dtype="object"), [column]).decode("utf-8-sig")
        told = [line.strip('"') for line in raw.splitlines()]
        assert told == [column, f"'{name}", ""]
        assert plain(told[1]) == name


def test_no_whole_personal_token_leaves(tmp_path: Path) -> None:
    token = tokens(b"secret")
    one, other, firm = token("李四"), token("李三"), token("张三丰")
    assert is_token(one)
    assert (
        len(
            {
                outside(token(value))
                for value in ("李四", "李三", "13812345678", "11010519491231002X", "J", "John")
            }
        )
        == 6
    )
    rows = [row(1, officer=one, key=f"N15|{firm}|{DAY}", id=firm, text_zh=f"{firm}到期", text_en=f"{firm} due", level=1),
            row(2, officer=other, acknowledged_by=one)]  # fmt: skip
    found = night(rows)
    found = replace(
        found, lines=pd.DataFrame({"enterprise": [firm], "name": [firm], "officer": [one], "owner": [one]})
    )
    files = export_files(found, diary(**OUTPUTS), DAY)
    ways = Channels.model_validate(
        {
            "webhook": {"on": True},
            "mail": {"on": True, "sender": "a@b.c", "to": {one: "l4@b.c", outside(other): "l3@b.c"}},
        }
    )
    there = publish(
        tmp_path, DAY, {}, files | {"reminders.parquet": reminders_bytes(found.reminders)}, {}
    ).publication
    made = messages(there, ways, diary())
    assert sorted((sent.kind, sent.officer) for sent in made) == sorted(
        [("webhook", "supervisor"), *((kind, outside(who)) for kind in ("webhook", "mail") for who in (one, other))])  # fmt: skip
    letters = [sent for sent in made if sent.kind == "mail"]
    assert all(
        len(Calendar.from_ical(b64decode(sent.payload["calendar"])).walk("VEVENT")) == 1 for sent in letters
    )
    with zipfile.ZipFile(io.BytesIO(files["digest.xlsx"])) as archive:
        sheets = b"".join(archive.read(name) for name in archive.namelist())
    calendars = b"".join(b64decode(sent.payload["calendar"]) for sent in letters)
    told = {
        **files,
        "sheets": sheets,
        "calendars": calendars,
        "messages": repr([(sent.key, sent.text) for sent in made]).encode(),
    }
    for name, raw in told.items():
        text = raw.replace(b"\r\n ", b"").decode("utf-8", "replace")
        assert not [whole for whole in (one, other, firm) if whole.partition("#")[2] in text], name
        if name not in ("digest.xlsx", "signals.csv"):
            assert any(outside(whole).partition("#")[2] in text for whole in (one, other, firm)), name


@given(st.text(max_size=12))
def test_no_text_is_a_formula_and_each_comes_back(text: str) -> None:
    shown = safe(text)
    assert shown.lstrip(" \u3000")[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    frame = pd.DataFrame({"id": pd.Series([text], dtype="object")})
    (_, (cell,)) = (
        csv.reader(io.StringIO(table_csv(frame, ["id"]).decode("utf-8-sig") + "", newline=""))
        if text
        else (0, ("",))
    )
    kept = "".join(
        sign
        for sign in text
        if sign in "\t\n\r" or (ord(sign) >= 32 and ord(sign) not in (127, 0xFFFE, 0xFFFF))
    )
    assert plain(cell) == kept
    assert plain(shown) == kept


def test_the_workbook_holds_text_dates_and_amounts_and_no_formula() -> None:
    rows = [*ROWS, row(4, text_zh="\x00=1+1\x07")]
    raw = export_files(night(rows), diary(**OUTPUTS), DAY)["digest.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(raw))
    sheet = book["每日清单"]
    heading = [cell.value for cell in sheet[1]]
    by_name = {name: sheet.cell(2, number) for number, name in enumerate(heading, 1)}
    assert (
        by_name["项目或对象"].value,
        by_name["项目或对象"].data_type,
        by_name["项目或对象"].number_format,
    ) == ("001", "s", "@")
    assert by_name["企业代码"].value == "911101087178502421"
    assert by_name["到期日"].value == datetime(2026, 2, 25)  # noqa: DTZ001
    assert (by_name["涉及金额"].value, by_name["涉及金额"].number_format) == (1234567.89, "#,##0.00")
    cells = [cell for sheet_ in book for line in sheet_.iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert {"@SUM(A1)", "=1+1"} <= {cell.value for cell in cells}
    assert book.properties.modified == datetime(2026, 2, 25)  # noqa: DTZ001
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2026, 2, 25)}
    assert [cell.value for cell in book["人员汇总"][2]][:1] == ["li"]


def test_the_calendar_is_read_back_with_alarms_stable_names_and_cancelled_ones() -> None:
    rows = [*ROWS, row(5, loses=""), row(6, key="N15|6|2026-03-09", due=date(2026, 3, 9), step=1)]
    raw = export_files(night(rows), diary(**OUTPUTS), DAY)["reminders.ics"]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert b"\n" not in raw.replace(b"\r\n", b"")
    events = {str(event["UID"]): event for event in Calendar.from_ical(raw).walk("VEVENT")}
    assert set(events) == {
        "N15|001|2026-02-25@test",
        "N15|002|2026-02-25@test",
        "N15|003|2026-02-25@test",
        "N15|6|2026-03-09@test",
        "N15|9|2026-01-01@test",
    }, "what loses money and what is in a digest (002 in the supervisor's), not 005"
    one = events["N15|001|2026-02-25@test"]
    assert one.decoded("DTSTART") == DAY
    assert int(one["SEQUENCE"]) == 2
    assert str(one["SUMMARY"]) == f"N15 {WORDS['zh']}: 001"
    assert str(one["DESCRIPTION"]).startswith(ROWS[0]["text_zh"])
    alarms = [alarm.decoded("TRIGGER") for alarm in one.walk("VALARM")]
    assert alarms == [timedelta(days=-12), timedelta(days=-7)], (
        "three working days before are over Spring Festival"
    )
    gone = events["N15|9|2026-01-01@test"]
    assert (str(gone["STATUS"]), int(gone["SEQUENCE"])) == ("CANCELLED", CANCELLED)


def test_digests_as_json_and_as_letters(tmp_path: Path) -> None:
    found = night(ROWS)
    told = json.loads(export_files(found, diary(), DAY)["digest.json"])
    assert told["as_of"] == "2026-02-25"
    (li, above) = told["digests"]
    assert (li["digest"], li["capacity"], li["shown"], li["overflow"]) == ("li|2026-02-25", 2, 2, 1)
    assert [item["id"] for item in li["items"]] == ["001", "003"]
    assert [item["item"] for item in li["overflow_items"]] == ["N15|002|2026-02-25"]
    assert li["items"][0]["at_stake"] == "1234567.89"
    assert above["officer"] == "supervisor"
    ways = Channels.model_validate(
        {"webhook": {"on": True}, "mail": {"on": True, "sender": "a@b.c", "to": {"li": "li@b.c"}}}
    )
    files = export_files(found, diary(), DAY) | {"reminders.parquet": reminders_bytes(found.reminders)}
    night_ = publish(tmp_path, DAY, {}, files, {}).publication
    made = messages(night_, ways, diary())
    assert [(one.kind, one.officer) for one in made] == [
        ("webhook", "li"),
        ("mail", "li"),
        ("webhook", "supervisor"),
    ]
    assert made[0].payload["digest"] == li
    letter = made[1].payload
    assert letter["text"].index("2项") < letter["text"].index("2 item(s)")
    assert "[保证期间]" in letter["text"]
    assert "[guarantee period]" in letter["text"]
    assert "Beyond capacity:\n3. 2026-02-25  (N15|002|2026-02-25)" in letter["text"]
    assert len(Calendar.from_ical(b64decode(letter["calendar"])).walk("VEVENT")) == 2
    assert [one.key for one in messages(night_, ways, diary())] == [one.key for one in made], (
        "after a kill: the same keys"
    )
    assert messages(night_, Channels(), diary()) == []
    (night_.folder / "digest.json").unlink()
    with pytest.raises(UsageError, match="no digest to send"):
        messages(night_, ways, diary())
