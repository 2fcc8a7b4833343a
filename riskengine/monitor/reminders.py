"""What has to be done by when? `configs/reminders.toml`: rules for due dates that come from the book itself."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from riskengine.clock import Span
from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError
from riskengine.monitor.signals import condition_problems, read_blocks, text_problems
from riskengine.monitor.vocabulary import FEED, GROUP, GUARANTEE, NIGHT, SOURCE, Vocabulary
from riskengine.schema import Definition, Words

_MONTHS = re.compile(r"^\s*[1-9]\d*\s*[my]\s*$")


class Reminder(Definition):
    """One thing to do. Its due dates: `base` (a date column) or the fixed day `start`, `plus` a span, and then, with
    `every`, again after each interval (one text, or one for each grade; a grade without one has none).

    `about` is `guarantee`, a key of `subjects.toml`, or `source`. Days that fall on a weekend move to the working day
    before (`weekend = "before"`: deadlines) or after (`"after"`: visits). It is shown from the earliest lead on and,
    as no feedback feed says that it was done, until `keep_days` after it was due.
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    title: Words
    about: str = GUARANTEE
    base: str = ""
    start: date | None = None
    plus: str = "0d"
    every: str | dict[str, str] = ""
    when: tuple[Condition, ...] = ()
    leads: tuple[int, ...] = Field(min_length=1)
    weekend: Literal["before", "after"] = "before"
    keep_days: int = Field(default=30, ge=0)
    estimate: bool = False  # the due date is an estimate, and is called so wherever it is shown
    text: Words
    action: Words
    owner: Words
    reference: str
    evidence: str = "D"

    @model_validator(mode="after")
    def _readable(self) -> Reminder:
        if bool(self.base) == bool(self.start):
            raise ValueError("one of base and start")
        if self.start and not self.every:
            raise ValueError("every, because start is a fixed day")
        if any(lead < 0 for lead in self.leads):
            raise ValueError("leads in days before the due date, 0 or more")
        Span.parse(self.plus)
        for interval in self.intervals.values():
            if not _MONTHS.match(interval):
                raise ValueError(f"every in whole months or years such as 6m, not {interval!r}")
        return self

    @property
    def intervals(self) -> dict[str, str]:
        """Grade -> interval; the grade `""` stands for all."""
        if isinstance(self.every, dict):
            return self.every
        return {"": self.every} if self.every else {}

    def interval_months(self, grade: str) -> int | None:
        """Months from one due date to the next for a grade; None where it does not come again."""
        text = self.intervals.get(grade, self.intervals.get(""))
        return Span.parse(text).months if text else None


def read_reminders(path: Path, known: Vocabulary, grades: tuple[str, ...]) -> tuple[Reminder, ...]:
    """The reminders of a project; every mistake of the file is listed in one `UsageError`."""
    made, problems = read_blocks(Reminder, path, "reminder")
    for one in made:
        where = f"{path.name}: {one.id}"
        base = [one.base] if one.base else []
        names = [*base, *(condition.feature for condition in one.when)]
        found = known.problems(where, one.about, names)
        problems += found
        if not found:
            kinds = known.kinds(one.about)
            problems += condition_problems(where, one.when, kinds)
            if one.base and kinds[one.base] != "date":
                problems.append(Problem(f"{where}: base", "a date", f"{one.base} is a {kinds[one.base]}"))
        unknown = [grade for grade in one.intervals if grade and grade not in grades]
        if unknown:
            problems.append(
                Problem(f"{where}: every", f"grades of {', '.join(grades)}", ", ".join(map(repr, unknown)))
            )
        if isinstance(one.every, dict) and one.about != GUARANTEE:
            problems.append(
                Problem(f"{where}: every", "one interval, as only guarantees have grades", one.about)
            )
        spoken = FEED if one.about == SOURCE else NIGHT if one.about == GUARANTEE else GROUP
        problems += text_problems(where, one.text, [*names, *spoken, "due", "days"])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return made


def inputs(reminders: tuple[Reminder, ...]) -> list[str]:
    """Every feature the reminders need of a guarantee or a group, once, in order."""
    names = [
        name
        for one in reminders
        if one.about != SOURCE
        for name in [*([one.base] if one.base else []), *(condition.feature for condition in one.when)]
    ]
    return list(dict.fromkeys(names))
