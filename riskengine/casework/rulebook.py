"""By which rules is a night turned into work for officers? All definitions of watching and of casework, checked together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskengine.casework.budget_terms import Budget, read_budget
from riskengine.casework.case_rules import CaseFile, CaseRules, Known, identifying_columns, read_case_rules
from riskengine.casework.floors import Floors, definition, read_floors
from riskengine.errors import Problem, RiskEngineError, UsageError
from riskengine.monitor.signals import Signal
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary
from riskengine.monitor.watch import Watch, read_watch
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.schema import parse, read_toml
from riskengine.scoring.scorecard import Grades, read_grades


@dataclass(frozen=True)
class Rulebook:
    """What the night watches (`watch`), and `cases.toml`, `budget.toml`, `floors.toml` with the master scale floors are told in."""

    watch: Watch
    cases: CaseRules
    budget: Budget
    floors: Floors
    grades: Grades

    @cached_property
    def signals(self) -> Mapping[str, Signal]:
        """Every signal that a page may name, by id: the watched ones and the one that a waiver has run out."""
        found = {signal.id: signal for signal in self.watch.signals}
        if self.floors.expired is not None:
            one = definition(self.floors.expired)
            found[one.id] = one
        return found


def read_rulebook(project: Project) -> Rulebook:
    """Read and check it all; the problems of all files are raised together in one `UsageError`."""
    budget: list[Budget] = []
    features: list[str] = []
    problems: list[Problem] = []

    def needed(_: Catalogue, known: Vocabulary) -> Iterable[str]:
        budget.append(read_budget(project.configs / "budget.toml", known))
        features.extend(_case_features(project))
        return [*budget[0].inputs, *(name for name in features if name in known.features)]

    try:
        watch = read_watch(project, needed)
    except UsageError as error:
        raise UsageError("The night's definitions are not sound", error.problems) from None
    grades = read_grades(project.configs / "grades.toml")

    def checked(read: Any, *asked: Any) -> Any:
        try:
            return read(*asked)
        except UsageError as error:
            problems.extend(error.problems)

    titles = {signal.id: signal.title for signal in watch.signals}
    rule = watch.catalogue.subjects.guarantee
    columns = identifying_columns(watch.catalogue.sources.values(), {rule.id, rule.enterprise})
    known = Known(titles, watch.vocabulary.kinds(GUARANTEE), rule.ends_with, columns)
    cases = checked(read_case_rules, project.configs / "cases.toml", known, titles)
    floors = checked(read_floors, project.configs / "floors.toml", watch.signals, grades)
    if problems:
        raise UsageError("The night's definitions are not sound", problems)
    return Rulebook(watch, cases, budget[0], floors, grades)


def problems(project: Project) -> list[Problem]:
    """What `riskengine check` reports of the night's definitions; none if all is well."""
    try:
        read_rulebook(project)
    except RiskEngineError as error:
        return list(error.problems)
    return []


def _case_features(project: Project) -> list[str]:
    """The features that `cases.toml` names; what is wrong with the file `read_case_rules` says."""
    path = project.configs / "cases.toml"
    made = parse(CaseFile, read_toml(path), path.name)[0] if path.exists() else None
    return [name for name in (made.overdue, made.maturity) if name] if made else []
