"""By when must a signal be dealt with? `configs/deadlines.toml`: spans by severity, dated; a signal may have its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd
from pydantic import Field, field_validator

from riskengine.monitor.signals import Severity, Signal
from riskengine.schema import Dated, Definition, Words, in_force, read_definition
from riskengine.working_days import Calendar, WorkSpan


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


class Deadlines(Definition):
    """The steps of each severity, each with the day from which it counts; without an entry there is no due date.

    `never_ends`: what ever reached one of these severities waits for a person once its exit's days have passed. `new_cases`:
    a second case (another case, document or paper number behind it) raises a signal that goes on anew (`renewal`).
    """

    never_ends: tuple[Severity, ...] = ()
    new_cases: bool = False
    red: tuple[DatedSteps, ...] = Field(default=())
    orange: tuple[DatedSteps, ...] = Field(default=())
    yellow: tuple[DatedSteps, ...] = Field(default=())
    blue: tuple[DatedSteps, ...] = Field(default=())

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


def with_due_dates(
    rows: pd.DataFrame, signals: Iterable[Signal], deadlines: Deadlines, calendar: Calendar, as_of: date
) -> pd.DataFrame:
    """The active signals with `due` and `overdue`: counted from the night on which they reached their severity.

    The spans are those in force on that night. A signal is overdue from the day after it was due.
    """
    own: Mapping[str, str] = {signal.id: signal.deadline for signal in signals}
    known: dict[tuple[str, str, date], date | None] = {}
    for item in zip(rows.signal, rows.severity, rows.raised_on, strict=True):
        if item not in known:
            name, severity, since = item
            known[item] = due_date(own.get(name, ""), deadlines.steps(severity, since), since, calendar)
    found = [known[item] for item in zip(rows.signal, rows.severity, rows.raised_on, strict=True)]
    late = [day is not None and day < as_of for day in found]
    return rows.assign(
        due=pd.Series(found, index=rows.index, dtype="object"),
        overdue=pd.Series(late, index=rows.index, dtype="bool"),
    )
