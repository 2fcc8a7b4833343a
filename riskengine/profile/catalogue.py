"""Which features, keys and subjects does a project define, and are they all sound?"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.profile.expressions import Aggregate, Expression, Feature, aggregates
from riskengine.profile.keys import SubjectRule, Subjects
from riskengine.profile.kinds import kind_problems
from riskengine.profile.link_checks import link_problems, through_problems
from riskengine.profile.populations import population_problems
from riskengine.project import Project
from riskengine.schema import Words, read_definition

_RESERVED = {
    "subject",
    "as_of",
    "fed",
    "id",
    "enterprise_id",
    "label",
    "mature",
    "weight",
    "group",
    "event_date",
    "status",
    "event_lead",
    "exit_lead",
    "followed",
}


@dataclass(frozen=True)
class Catalogue:
    """All definitions a profile rests on, checked together."""

    project: Project

    @cached_property
    def sources(self) -> dict[str, SourceContract]:
        """Every source contract by name."""
        return read_contracts(self.project)

    @cached_property
    def subjects(self) -> Subjects:
        """The keys and subject rules."""
        return read_definition(Subjects, self.project.configs / "subjects.toml")

    @cached_property
    def features(self) -> dict[str, tuple[str, Feature]]:
        """Feature name -> (the file it lives in, the feature), in file and definition order."""
        found: dict[str, tuple[str, Feature]] = {}
        names: dict[int, str] = {}
        problems: list[Problem] = []
        for module in self.project.modules("features"):
            room = module.__name__.rsplit(".", 1)[-1]
            own = _assigned(module)
            for name, value in vars(module).items():
                if not isinstance(value, Feature) or name.startswith("_") or name not in own:
                    continue
                place = f"features/{room}.py: {name}"
                if id(value) in names:
                    problems.append(
                        Problem(place, "one name for one feature", f"the object {names[id(value)]}")
                    )
                if name in found:
                    problems.append(
                        Problem(place, "a name used once", f"also in features/{found[name][0]}.py")
                    )
                names[id(value)] = name
                found[name] = (room, value)
        if problems:
            raise UsageError("Features are defined twice", problems)
        return found

    @cached_property
    def headings(self) -> dict[str, Words]:
        """What each file of features answers: the first line of its docstring, `English question? 中文`."""
        found = {}
        for module in self.project.modules("features"):
            room = module.__name__.rsplit(".", 1)[-1]
            en, mark, zh = (module.__doc__ or room).strip().splitlines()[0].partition("? ")
            found[room] = Words(en=en + mark.strip(), zh=zh or en)
        return found

    def feature(self, name: str) -> Feature:
        """One feature by name."""
        if name not in self.features:
            raise UsageError(
                "No such feature",
                [Problem("features/", "a defined feature", repr(name), nearest(name, self.features))],
            )
        return self.features[name][1]

    def rests_on(self, expression: Expression) -> tuple[str, ...]:
        """The sources whose facts an expression reads, those of the links it follows among them, in order of name."""
        found = set()
        for aggregate in aggregates(expression):
            found |= {aggregate.source} - {""}
            found |= self.subjects.link_sources(aggregate.through)
        return tuple(sorted(found))

    def problems(self) -> list[Problem]:
        """Everything wrong in sources, keys, links, subjects and features, each with its place."""
        found: list[Problem] = self._name_problems()
        found += link_problems(self.subjects, self.sources)
        for kind, rule in (("applicant", self.subjects.applicant), ("guarantee", self.subjects.guarantee)):
            found += self._subject_problems(kind, rule)
        found += population_problems(self.subjects, self.sources)
        for name, (room, feature) in self.features.items():
            place = f"features/{room}.py: {name}"
            wrong = [
                p for aggregate in aggregates(feature) for p in self._aggregate_problems(place, aggregate)
            ]
            found += dict.fromkeys(wrong or kind_problems(place, feature, self.sources))
        return found

    def _name_problems(self) -> list[Problem]:
        """Names that DuckDB or the engine would take for another column."""
        found: list[Problem] = []
        folded: dict[str, str] = {}
        for name, (room, _) in self.features.items():
            place = f"features/{room}.py: {name}"
            if name.lower() in _RESERVED:
                found.append(Problem(place, "a name the engine does not use itself", repr(name)))
            if name.lower() in folded:
                found.append(
                    Problem(place, "names that differ by more than case", f"also {folded[name.lower()]}")
                )
            folded[name.lower()] = name
        return found

    def _subject_problems(self, kind: str, rule: SubjectRule) -> list[Problem]:
        place = f"configs/subjects.toml: {kind}"
        if rule.source not in self.sources:
            return [Problem(place, "a known source", repr(rule.source), nearest(rule.source, self.sources))]
        source = self.sources[rule.source]
        wanted = {
            rule.id,
            rule.enterprise,
            *(column for key in self.subjects.keys.values() for column in key),
        }
        problems = [
            Problem(place, f"a column of {rule.source}", repr(column), "Every key column must be there")
            for column in sorted(wanted)
            if source.column_type(column) is None
        ]
        if source.key != (rule.id,):
            problems.append(
                Problem(
                    place, f"a source whose key is {rule.id}", f"{rule.source} with key {list(source.key)}"
                )
            )
        for end in rule.ends_with:
            if end in self.sources and self.sources[end].column_type(rule.id) is None:
                problems.append(
                    Problem(place, f"a column {rule.id} in {end}", "none", "It says whom the fact ends")
                )
            if end not in self.sources:
                problems.append(
                    Problem(place, "a known source in ends_with", repr(end), nearest(end, self.sources))
                )
        if rule.longest:
            Span.parse(rule.longest)
        return problems

    def _aggregate_problems(self, place: str, aggregate: Aggregate) -> list[Problem]:
        if aggregate.by not in self.subjects.keys:
            known = nearest(aggregate.by, self.subjects.keys)
            found = [Problem(place, "a declared key", repr(aggregate.by), known)]
        else:
            found = through_problems(place, aggregate, self.subjects, self.sources)
        if aggregate.verb in ("linked", "cycle"):
            return found
        return [*self._fact_problems(place, aggregate), *found]

    def _fact_problems(self, place: str, aggregate: Aggregate) -> list[Problem]:
        if aggregate.source not in self.sources:
            return [
                Problem(
                    place, "a known source", repr(aggregate.source), nearest(aggregate.source, self.sources)
                )
            ]
        source = self.sources[aggregate.source]
        problems = []
        if source.role == "design":
            problems.append(
                Problem(
                    place,
                    "a source of facts",
                    f"{source.name}, which describes how the sample was drawn",
                    "It depends on the outcome: no feature may read it",
                )
            )
        columns = [
            aggregate.column,
            aggregate.per,
            *(rule.column for rule in aggregate.where),
            *self.subjects.keys.get(aggregate.by, ()),
        ]
        for column in columns:
            if column is not None and source.column_type(column) is None:
                reason = source.ignored.get(column)
                got = f"{column!r}, not taken in: {reason}" if reason else repr(column)
                problems.append(
                    Problem(
                        place,
                        f"a column of {source.name}",
                        got,
                        nearest(column, [*source.columns, *source.derived]),
                    )
                )
        if aggregate.verb in ("total", "largest_total", "mean", "trend", "volatility") and not problems:
            kind = source.column_type(aggregate.column or "")
            if kind not in ("integer", "number", "money", "rate"):
                problems.append(
                    Problem(place, f"a number for {aggregate.verb}", f"{aggregate.column} is {kind}")
                )
        return problems


def _assigned(module: ModuleType) -> set[str]:
    """The names a definition file gives values to itself, so that an imported feature keeps its own file."""
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    found = [
        node.targets if isinstance(node, ast.Assign) else [node.target]
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    ]
    return {target.id for targets in found for target in targets if isinstance(target, ast.Name)}
