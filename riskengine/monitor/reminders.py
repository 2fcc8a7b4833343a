"""What has to be done by when? `configs/reminders.toml` (or the folder `reminders/`): rules for due dates that come from data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from riskengine.clock import Span
from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError
from riskengine.monitor.signals import condition_problems, read_blocks, text_problems
from riskengine.monitor.vocabulary import ALERTED, FEED, GROUP, GUARANTEE, NIGHT, SOURCE, Vocabulary
from riskengine.schema import Definition, Words
from riskengine.working_days import WorkSpan

_MONTHS = re.compile(r"^\s*[1-9]\d*\s*[my]\s*$")
_WORKING = re.compile(r"^[1-9]\d*wd$")
KEEP_DAYS = 30
Loss = Literal[
    "", "claim window", "guarantee period", "re-guarantee filing", "seizure renewal", "limitation", "enforcement",
    "security registration",
]  # fmt: skip
LOSES: dict[str, Words] = {  # which money is lost where a reminder is missed
    "claim window": Words(en="claim window", zh="索赔窗口"),
    "guarantee period": Words(en="guarantee period", zh="保证期间"),
    "re-guarantee filing": Words(en="re-guarantee filing", zh="再担保备案与补偿"),
    "seizure renewal": Words(en="seizure renewal", zh="续封续冻"),
    "limitation": Words(en="limitation", zh="诉讼时效"),
    "enforcement": Words(en="application for enforcement", zh="申请执行期限"),
    "security registration": Words(en="registration of security", zh="担保登记"),
}
LEVELS = (  # to whom an overdue reminder has been escalated
    Words(en="officer", zh="经办人"),
    Words(en="supervisor", zh="部门主管"),
    Words(en="head", zh="负责人"),
)
Bases = str | tuple[str, ...]


class Term(Definition):
    """One way to a due date: the first of `base` that is known, plus a span, where all of `when` hold.

    `plus` may go back (`-30d`) and may be in working days (`5wd`). `months` and `days` name features whose value is added
    too: what the contract agreed. Without `base` the reminder's own counts.
    """

    when: tuple[Condition, ...] = ()
    base: Bases = ""
    plus: str = "0d"
    months: str = ""
    days: str = ""

    @model_validator(mode="after")
    def _readable(self) -> Term:
        _readable_span(self.plus)
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """The date features it hangs on, in order of precedence."""
        return (self.base,) if isinstance(self.base, str) and self.base else tuple(self.base)

    @property
    def span(self) -> tuple[int, WorkSpan]:
        """(1 or -1, how long after or before the base)."""
        return (-1 if self.plus.startswith("-") else 1), WorkSpan.parse(self.plus.removeprefix("-"))

    @property
    def names(self) -> list[str]:
        """Every name it compares, hangs on or adds."""
        added = [name for name in (self.months, self.days) if name]
        return [*self.bases, *added, *(condition.feature for condition in self.when)]


class Reminder(Definition):
    """One thing to do. Its due dates: `base` (a date, or several of which the first known counts) or the fixed day
    `start`, `plus` a span, and then, with `every`, again after each interval (one text, or one for each grade; a grade
    without one has none). With `terms` instead the first whose conditions hold counts, or an earlier due date of one before
    it whose conditions cannot be said; with `pick = "each"` every one not definitely false gives a due date of its own.

    `about` is `guarantee`, a key or a population of `subjects.toml`, or `source`. A due date on a day that is not worked
    moves to the working day before (`shift = "before"`: deadlines, never later), to the one after (`"after"`: visits) or
    stays (`"none"`). It is shown from the earliest lead on (days, or working days `"3wd"`), raised again on each of `after`
    (days past due), and goes as soon as all of `stop` are definitely true. With `stop`, or where its date moves on once it is
    done (`moves`), it stays overdue until then; else, as no feed can tell, it goes `keep_days` (30) after it was due. With
    both, `keep_days` counts: for a `stop` that tells only one way in which it is done.

    `loses` says which money is lost for good where it is missed (LOSES; empty: none), `stake` names the feature with the
    amount (else the exposure, else the expected loss). From `escalate` working days past due on (`[3, 10]`; negative: before
    it, where nothing can be done afterwards) the supervisor, then the head see it as well.
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    title: Words
    about: str = GUARANTEE
    since: date | None = Field(default=None, alias="from")
    until: date | None = Field(default=None, alias="to")  # the last day on which it is planned
    base: Bases = ""
    start: date | None = None
    plus: str = "0d"
    every: str | dict[str, str] = ""
    terms: tuple[Term, ...] = ()
    pick: Literal["first", "each"] = "first"
    when: tuple[Condition, ...] = ()
    stop: tuple[Condition, ...] = ()
    leads: tuple[int | str, ...] = Field(min_length=1)
    after: tuple[int, ...] = ()
    escalate: tuple[int, ...] = Field(default=(), max_length=2)
    loses: Loss = ""
    stake: str = ""
    shift: Literal["before", "after", "none"] = "before"
    keep_days: int | None = Field(default=None, ge=0)
    moves: bool = False
    estimate: bool = False  # the due date is an estimate, and is called so wherever it is shown
    text: Words
    action: Words
    owner: Words
    reference: str
    evidence: str = "D"

    @model_validator(mode="after")
    def _readable(self) -> Reminder:
        _readable_span(self.plus)
        if bool(self.base) + bool(self.start) != 1 and not (self.terms and not self.start):
            raise ValueError("one of base, start and terms")
        if self.start and not self.every:
            raise ValueError("every, because start is a fixed day")
        if self.terms and (self.every or self.plus != "0d"):
            raise ValueError("terms without every and plus: each term has its own plus")
        if any(not term.bases for term in self.due_terms) and not self.start:
            raise ValueError("a base in each term, because the reminder has none")
        for lead in self.leads:
            if (isinstance(lead, int) and lead < 0) or (isinstance(lead, str) and not _WORKING.match(lead)):
                raise ValueError("leads in days before the due date, 0 or more, or working days such as 3wd")
        if any(days < 1 or (self.past is not None and days > self.past) for days in self.after):
            raise ValueError("after in days past due, from 1 to keep_days")
        if list(self.escalate) != sorted(set(self.escalate)):
            raise ValueError("escalate in working days past due, each later than the one before")
        if self.stake and not self.loses:
            raise ValueError("loses, because stake names the amount that is lost")
        for interval in self.intervals.values():
            if not _MONTHS.match(interval):
                raise ValueError(f"every in whole months or years such as 6m, not {interval!r}")
        return self

    @property
    def past(self) -> int | None:
        """How many days after it was due it goes by itself; None: never, the data tell when it is done."""
        if self.keep_days is not None:
            return self.keep_days
        return None if self.stop or self.moves else KEEP_DAYS

    @property
    def due_terms(self) -> tuple[Term, ...]:
        """Its terms with the reminder's base where they have none; one without conditions where it has no terms."""
        if not self.terms:
            return (Term(base=self.base, plus=self.plus),)
        return tuple(
            term if term.bases else term.model_copy(update={"base": self.base}) for term in self.terms
        )

    @property
    def intervals(self) -> dict[str, str]:
        """Grade -> interval; the grade `""` stands for all."""
        if isinstance(self.every, dict):
            return self.every
        return {"": self.every} if self.every else {}

    @property
    def names(self) -> list[str]:
        """Every name it compares, hangs on or adds, once, in order."""
        compared = [condition.feature for condition in (*self.when, *self.stop)]
        stake = [self.stake] if self.stake else []
        return list(
            dict.fromkeys([*(name for term in self.due_terms for name in term.names), *compared, *stake])
        )

    def interval_months(self, grade: str) -> int | None:
        """Months from one due date to the next for a grade; None where it does not come again."""
        text = self.intervals.get(grade, self.intervals.get(""))
        return Span.parse(text).months if text else None

    def planned_on(self, as_of: date) -> bool:
        """Whether it is planned on a day (both ends included)."""
        return (self.since is None or self.since <= as_of) and (self.until is None or as_of <= self.until)


def _readable_span(text: str) -> None:
    try:
        WorkSpan.parse(text.removeprefix("-"))
    except UsageError as error:
        raise ValueError(str(error.problems[0])) from None


def read_reminders(path: Path, known: Vocabulary, grades: tuple[str, ...]) -> tuple[Reminder, ...]:
    """The reminders of a project; every mistake is listed in one `UsageError`."""
    made, problems = read_blocks(Reminder, path, "reminder")
    for one in made:
        where = f"{path.name}: {one.id}"
        of_night = ALERTED if one.about == GUARANTEE else {}
        found = known.problems(where, one.about, [name for name in one.names if name not in of_night])
        problems += found or _kind_problems(where, one, {**known.kinds(one.about), **of_night})
        unknown = [grade for grade in one.intervals if grade and grade not in grades]
        if unknown:
            problems.append(
                Problem(f"{where}: every", f"grades of {', '.join(grades)}", ", ".join(map(repr, unknown)))
            )
        if isinstance(one.every, dict) and one.about != GUARANTEE:
            problems.append(
                Problem(f"{where}: every", "one interval, as only guarantees have grades", one.about)
            )
        problems += text_problems(where, one.text, [*one.names, *_spoken(one, known), "base", "due", "days"])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return made


def inputs(reminders: Iterable[Reminder], without: Collection[str] = ()) -> list[str]:
    """Every name the reminders need of a guarantee or a group, once, in order; `without` those about these populations."""
    chosen = [one for one in reminders if one.about != SOURCE and one.about not in without]
    return list(dict.fromkeys(name for one in chosen for name in one.names))


def _spoken(one: Reminder, known: Vocabulary) -> Iterable[str]:
    """What a text may say besides what is compared."""
    if one.about in known.populations:
        return ()
    return FEED if one.about == SOURCE else NIGHT if one.about == GUARANTEE else GROUP


def _kind_problems(where: str, one: Reminder, kinds: Mapping[str, str]) -> list[Problem]:
    """Bases that are no dates, added numbers that are none, and conditions that compare unlike things."""
    problems = condition_problems(where, (*one.when, *one.stop), kinds)
    if one.stake and kinds[one.stake] != "number":
        problems.append(Problem(f"{where}: stake", "a number", f"{one.stake} is a {kinds[one.stake]}"))
    for term in one.due_terms:
        problems += condition_problems(f"{where}: terms", term.when, kinds)
        wanted = [("base", name, "date") for name in term.bases]
        wanted += [("terms", name, "number") for name in (term.months, term.days) if name]
        problems += [
            Problem(f"{where}: {place}", f"a {kind}", f"{name} is a {kinds[name]}")
            for place, name, kind in wanted
            if kinds[name] != kind
        ]
    return list(dict.fromkeys(problems))
