"""How do deadlines get into an officer's calendar? iCalendar (RFC 5545), one all-day event a reminder with its alarms.

`UID` is the reminder's key and the institution, so that importing again updates instead of doubling; `SEQUENCE` grows with
each step (lead, level); what left since the publication before is cancelled. `DTSTAMP` is the night's day, not the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
from icalendar import Alarm, Calendar, Event

from riskengine.monitor.reminders import LOSES, Reminder
from riskengine.project import Environment
from riskengine.reports.export_tables import clean
from riskengine.working_days import Calendar as WorkCalendar

CANCELLED = 1_000_000  # the SEQUENCE of what left: beyond any step


@dataclass(frozen=True)
class Diary:
    """What a calendar needs besides the reminders: definitions by id, working days, the institution, the language."""

    definitions: Mapping[str, Reminder]
    calendar: WorkCalendar
    environment: Environment
    language: str

    def uid(self, key: str) -> str:
        """The name of a reminder's event, everywhere and for ever."""
        return f"{clean(key)}@{self.environment.name}"


def reminders_ics(reminders: pd.DataFrame, ended: pd.DataFrame, diary: Diary, as_of: date) -> bytes:
    """The reminders as events, in their order; `ended` (`plan.ENDED`) as cancelled ones."""
    made = Calendar()
    made.add("prodid", f"-//riskengine//{diary.environment.name}//{diary.language.upper()}")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", diary.environment.title.say(diary.language))
    for row in reminders.to_dict("records"):
        made.add_component(_event(row, diary, as_of))
    for row in ended.to_dict("records"):
        event = _dated(row, diary, as_of)
        event.add("summary", _title(row, diary))
        event.add("sequence", CANCELLED)
        event.add("status", "CANCELLED")
        made.add_component(event)
    return bytes(made.to_ical())


def _event(row: Mapping[Any, Any], diary: Diary, as_of: date) -> Event:
    one = diary.definitions[row["reminder"]]
    event = _dated(row, diary, as_of)
    event.add("summary", _title(row, diary))
    text = clean(f"{row[f'text_{diary.language}']}\n{one.action.say(diary.language)}")
    event.add("description", f"{text}\n{clean(str(row['key']))}")
    event.add("sequence", int(row["step"]))
    event.add("status", "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if row["loses"]:
        event.add("priority", 1)
        event.add("categories", [LOSES[row["loses"]].say(diary.language)])
    for lead in sorted(set(_days(one, row["due"], diary.calendar)), reverse=True):
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _title(row, diary))
        alarm.add("trigger", timedelta(days=-lead))
        event.add_component(alarm)
    return event


def _dated(row: Mapping[Any, Any], diary: Diary, as_of: date) -> Event:
    event = Event()
    event.add("uid", diary.uid(str(row["key"])))
    event.add("dtstamp", datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC))
    event.add("dtstart", row["due"])
    return event


def _title(row: Mapping[Any, Any], diary: Diary) -> str:
    one = diary.definitions.get(row["reminder"])
    title = one.title.say(diary.language) if one else str(row["reminder"])
    return clean(f"{row['reminder']} {title}: {row['id']}")


def _days(one: Reminder, due: date, calendar: WorkCalendar) -> list[int]:
    """The leads in days before a due date."""
    return [
        lead if isinstance(lead, int) else (due - calendar.add(due, -int(lead[:-2]))).days
        for lead in one.leads
    ]
