"""By when must a signal be dealt with? `configs/deadlines.toml`: spans by severity, dated; a signal may have its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from riskengine import clock
from riskengine.errors import Problem, UsageError
from riskengine.monitor.signals import Severity, Signal
from riskengine.schema import Dated, Definition, Words, in_force, read_definition
from riskengine.working_days import Calendar, WorkHours, WorkSpan

if TYPE_CHECKING:
    import pandas as pd

STEPS = ("claim", "verify", "plan")


class Step(Definition):
    """One thing to be done with a signal: after how long at the latest (`4h`, `3wd`, `10d`), or in words when."""

    within: str = ""
    words: Words | None = None

    @field_validator("within")
    @classmethod
    def _readable(cls, text: str) -> str:
        if text and not (text.endswith("h") and text[:-1].isdigit()):
            WorkSpan.parse(text)
        return text


class DatedSteps(Dated):
    """What is asked of one severity from a day on: claim it, verify it, have a plan."""

    claim: Step
    verify: Step
    plan: Step


class Snooze(Definition):
    """For how long at the longest a case may be put aside in one go, by severity (`3wd`, `30d`)."""

    red: str = "3wd"
    orange: str = "10wd"
    yellow: str = "30d"
    blue: str = "90d"

    @field_validator("red", "orange", "yellow", "blue")
    @classmethod
    def _readable(cls, text: str) -> str:
        WorkSpan.parse(text)
        return text


class Deadlines(Definition):
    """The steps of each severity, each with the day from which it counts; without an entry there is no due date.

    `never_ends`: what ever reached one of these severities waits for a person once its exit's days have passed. `new_cases`:
    a second case (another case, document or paper number behind it) raises a signal that goes on anew (`renewal`). `hours`: when people work on a working day, local time of `zone`.
    """

    never_ends: tuple[Severity, ...] = ()
    new_cases: bool = False
    hours: tuple[str, ...] = ("09:00-17:00",)
    zone: str = "UTC"  # the IANA name of the local time in which people work
    archive_after: int = Field(default=90, ge=1)  # days after a case has ended, or after the last act since
    stock: str = (
        ""  # what is found when watching begins is timed from so much later: nobody works off a book in a day
    )
    snooze: Snooze = Field(default_factory=Snooze)
    red: tuple[DatedSteps, ...] = Field(default=())
    orange: tuple[DatedSteps, ...] = Field(default=())
    yellow: tuple[DatedSteps, ...] = Field(default=())
    blue: tuple[DatedSteps, ...] = Field(default=())

    @field_validator("stock")
    @classmethod
    def _stock(cls, text: str) -> str:
        if text:
            WorkSpan.parse(text)
        return text

    @field_validator("hours")
    @classmethod
    def _hours(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        WorkHours.parse(texts)
        return texts

    @field_validator("zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            expected = "the name of a time zone such as Asia/Shanghai"
            raise UsageError("No such zone", [Problem("zone", expected, repr(name))]) from None
        return name

    def local(self, instant: datetime) -> datetime:
        """An instant (UTC) as local naive time, to the minute."""
        return instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, second=0, microsecond=0)

    def today(self) -> date:
        """The local day of work: signals, cases and reminders all count from it."""
        return self.local(clock.now()).date()

    def past_day(self, text: str, where: str = "--as-of") -> date:
        """An ISO date up to the local day of work, which an empty text means; one to come is a `UsageError`."""
        today = self.today()
        day = clock.parse_day(text, where) if text else today
        if day > today:
            raise UsageError("That day has not come 日期未到", [Problem(where, f"{today} or earlier", text)])
        return day

    def steps(self, severity: Severity, as_of: date) -> DatedSteps | None:
        """The steps in force on a day; None before the first."""
        return in_force(getattr(self, severity), as_of)


def read_deadlines(path: Path) -> Deadlines:
    """The project's deadlines; without the file none but those that signals have themselves."""
    return read_definition(Deadlines, path) if path.exists() else Deadlines()


def due_date(own: str, steps: DatedSteps | None, since: date, calendar: Calendar) -> date | None:
    """The day by which a signal that has its severity since a day must be dealt with.

    Its own deadline counts, else its severity's plan; hours and words give no day.
    """
    text = own or (steps.plan.within if steps else "")
    return None if not text or text.endswith("h") else WorkSpan.parse(text).after(since, calendar)


def step_dues(
    deadlines: Deadlines, severity: Severity, since: date, calendar: Calendar
) -> dict[str, datetime | None]:
    """By when each step is due of what has its severity since the night of a day: local times; None: words, or no entry.

    The clock starts at the opening of the next working day. `4h` are hours of work from there; `3wd` and `10d` end with the
    hours of the n-th working day, or of the n-th day, after the night's. The spans are those in force on that day.
    """
    steps = deadlines.steps(severity, since)
    hours = WorkHours.parse(deadlines.hours)
    found: dict[str, datetime | None] = dict.fromkeys(STEPS)
    for name in STEPS if steps else ():
        text = getattr(steps, name).within
        if text.endswith("h"):
            opening = hours.opening(calendar.add(since, 1))
            found[name] = hours.after(opening, 60 * int(text[:-1]), calendar)
        elif text:
            found[name] = hours.closing(WorkSpan.parse(text).after(since, calendar))
    return found


def with_due_dates(
    rows: pd.DataFrame, signals: Iterable[Signal], deadlines: Deadlines, calendar: Calendar, as_of: date
) -> pd.DataFrame:
    """The active signals with `due` and `overdue`: counted from the night on which they reached their severity.

    The spans are those in force on that night. A signal is overdue from the day after it was due. One whose definition is gone
    (a red that waits for a person) keeps the `due` it had: what was its own deadline is gone with the definition.
    """
    import pandas as pd  # only here: an officer's command that asks for dues waits for no frames

    own: Mapping[str, str] = {signal.id: signal.deadline for signal in signals}
    known: dict[tuple[str, str, date], date | None] = {}
    for item in zip(rows.signal, rows.severity, rows.raised_on, strict=True):
        if item not in known:
            name, severity, since = item
            known[item] = due_date(own.get(name, ""), deadlines.steps(severity, since), since, calendar)
    had = rows.due.tolist() if "due" in rows.columns else [None] * len(rows)
    found = [
        due if item[0] not in own and pd.notna(due) else known[item]
        for item, due in zip(zip(rows.signal, rows.severity, rows.raised_on, strict=True), had, strict=True)
    ]
    late = [day is not None and day < as_of for day in found]
    return rows.assign(
        due=pd.Series(found, index=rows.index, dtype="object"),
        overdue=pd.Series(late, index=rows.index, dtype="bool"),
    )
