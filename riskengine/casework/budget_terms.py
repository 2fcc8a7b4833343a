"""What may a night's work cost, what can it still save, and who is there to do it? `configs/budget.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from riskengine.decision.products import Tier
from riskengine.errors import Problem, UsageError
from riskengine.monitor.signals import Severity
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary
from riskengine.schema import Dated, DatedValue, Definition, in_force, read_definition


class Cost(DatedValue):
    """What one visit costs, in currency units; `institution` names the one it is for, none: all others."""

    institution: str = ""
    value: float = Field(ge=0)


class Places(Dated):
    """How many lines a night may be given; `institution` names the one it is for (or whose officers), none: all others."""

    institution: str = ""
    value: int = Field(ge=0)


class Share(DatedValue):
    """A fraction of 1 in force from a day on."""

    value: float = Field(ge=0, le=1)


class Officer(Definition):
    """Somebody who works on lines, by the name of the account; both days included.

    `institution`: whose lines (none: those of every institution without officers of its own). `published`: how the
    `officer` feature names this person (of personal data the stored token). `capacity`: lines a night, none: the default.
    """

    name: str = Field(min_length=1)
    institution: str = ""
    published: str = ""
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")
    capacity: int | None = Field(default=None, ge=0)

    def works_on(self, as_of: date) -> bool:
        """Whether there on a day."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


class Reads(Definition):
    """Which columns of the book say who is in charge and how much time is left; "": nothing says it."""

    institution: str = ""  # a key column
    officer: str = ""  # a feature: the officer in charge, as the contract names that person
    maturity: str = ""  # a feature: days to maturity
    overdue: str = ""  # a feature: above zero, the guaranteed loan is overdue


class Budget(Definition):
    """The alert budget: money, capacity, and what it reads of a guarantee.

    `effectiveness`: the part of the expected loss that acting now still avoids, by months to maturity (`up_to`);
    `effectiveness_overdue`: the same once the guaranteed loan is overdue. `quota`: the part of an institution's places kept
    for `worst`. `always`: severities that are dealt with whatever that costs. `takes`: phases in which a line that has an
    owner takes one of tonight's places; in any other it keeps its place beside them.
    """

    reads: Reads = Reads()
    effectiveness: tuple[Tier, ...] = Field(min_length=1)
    effectiveness_overdue: tuple[Share, ...] = ()
    cost: tuple[Cost, ...] = Field(min_length=1)
    places: tuple[Places, ...] = ()
    officer_places: tuple[Places, ...] = ()
    quota: tuple[Share, ...] = ()
    always: tuple[Severity, ...] = ("red",)
    takes: tuple[str, ...] = ("acknowledged", "checking")
    officers: tuple[Officer, ...] = Field(default=(), alias="officer")

    @property
    def inputs(self) -> list[str]:
        """The features of the project that it reads: the night must compute them."""
        return [name for name in (self.reads.officer, self.reads.maturity, self.reads.overdue) if name]

    def working(self, as_of: date) -> list[Officer]:
        """The officers there on a day, by institution and name."""
        there = [one for one in self.officers if one.works_on(as_of)]
        return sorted(there, key=lambda one: (one.institution, one.name))


_ALWAYS: dict[str, Any] = {"from": date.min, "reference": "No budget.toml"}
_UNLIMITED = Budget(
    effectiveness=(Tier(**_ALWAYS, value=1),),
    cost=(Cost(**_ALWAYS, value=0),),
    always=("blue", "yellow", "orange", "red"),
)
N = TypeVar("N", Cost, Places)


def of_institution(values: Sequence[N], as_of: date) -> Mapping[str, float]:
    """The value in force of each institution named, and under "" that of all others (absent: none in force)."""
    names = sorted({value.institution for value in values})
    found = {
        name: in_force([value for value in values if value.institution == name], as_of) for name in names
    }
    return {name: float(value.value) for name, value in found.items() if value is not None}


def read_budget(path: Path, known: Vocabulary) -> Budget:
    """The budget of a project; every unknown name and impossible number is listed in one `UsageError`.

    Without the file a visit costs nothing, saves everything, and there is room for all: lines go by expected loss.
    """
    budget = read_definition(Budget, path) if path.exists() else _UNLIMITED
    problems = known.problems(path.name, GUARANTEE, budget.inputs)
    columns = {column for key in known.keys.values() for column in key} | set(known.features)
    if budget.reads.institution and budget.reads.institution not in columns:
        unknown = repr(budget.reads.institution)
        problems.append(Problem(f"{path.name}: reads.institution", "a key column or a feature", unknown))
    for feature in (budget.reads.maturity, budget.reads.overdue):
        if known.features.get(feature, "number") != "number":
            problems.append(Problem(f"{path.name}: {feature}", "a feature that is a number", "another kind"))
    problems += [
        Problem(f"{path.name}: effectiveness", "a fraction of 1", f"{tier.value:g}")
        for tier in budget.effectiveness
        if not 0 <= tier.value <= 1
    ]
    problems += _twice(path.name, [(one.institution, one.name, str(one.start)) for one in budget.officers])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return budget


def _twice(where: str, officers: Iterable[tuple[str, str, str]]) -> list[Problem]:
    listed = list(officers)
    return [
        Problem(f"{where}: officer {name}", "one entry a person, institution and first day", "several")
        for institution, name, start in sorted(set(listed))
        if listed.count((institution, name, start)) > 1
    ]
