"""From which probability on does the machine decide who is meant, from which on a person, and from which sources are names known?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import Field, model_validator

from riskengine.errors import Problem, SetupError, UsageError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.project import Project
from riskengine.schema import DatedValue, Definition, in_force, read_definition

LEVELS = {
    "body": ("same", "shorter", "slip_long", "slip", "sibling", "other"),
    "place": ("same", "within", "one_side", "other"),
    "form": ("same", "kind", "other"),
    "branch": ("same", "other"),
    "region": ("same_city", "same_province", "other"),
    "person": ("same", "other"),
}


class RegisterSource(Definition):
    """A source that says which names and older numbers a credit code has, or had."""

    source: str
    code: str
    names: tuple[str, ...]
    region: str = ""
    person: str = ""
    numbers: tuple[str, ...] = ()
    when: str = ""  # a DuckDB boolean expression: only rows for which it holds


Odds = dict[str, tuple[float, float]]


class Weights(Definition):
    """How often each outcome of each comparison is seen among matches (m) and among random pairs (u), from a day on."""

    start: date = Field(alias="from")
    reference: str
    evidence: str = "D"
    body: Odds
    place: Odds
    form: Odds
    branch: Odds
    region: Odds
    person: Odds

    @model_validator(mode="after")
    def _complete(self) -> Weights:
        wrong = []
        for name, levels in LEVELS.items():
            told: Odds = getattr(self, name)
            if tuple(told) != levels:
                wrong.append(f"{name} has levels {', '.join(levels)}, in this order")
            for side, sums in zip("mu", zip(*told.values(), strict=True), strict=True):
                if not all(0 < share < 1 for share in sums) or abs(sum(sums) - 1) > 0.001:
                    wrong.append(f"the {side} of {name} are shares above 0 that sum to 1")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class IdentityRules(Definition):
    """`configs/identity.toml`."""

    accept: tuple[DatedValue, ...]
    review: tuple[DatedValue, ...]
    lead: tuple[DatedValue, ...]
    found: tuple[DatedValue, ...]
    register_: tuple[RegisterSource, ...] = Field(alias="register")
    weights: tuple[Weights, ...]


@dataclass(frozen=True, slots=True)
class RulesOfDay:
    """What holds on one day."""

    accept: float
    review: float
    lead: float
    found: float
    weights: Weights


def read_rules(project: Project, contracts: Mapping[str, SourceContract]) -> IdentityRules:
    """The project's rules of identity; a source or column that no contract has is a `UsageError`, every one at once."""
    path = project.configs / "identity.toml"
    if not path.exists():
        hint = "Copy the default project's and adapt its [[register]]"
        raise SetupError(
            "Sources need their enterprises resolved", [Problem(str(path), "a file", "none", hint)]
        )
    rules = read_definition(IdentityRules, path)
    problems = []
    for number, told in enumerate(rules.register_, 1):
        where = f"{path}: register {number}"
        if told.source not in contracts:
            hint = nearest(told.source, contracts)
            problems.append(Problem(where, "a known source", repr(told.source), hint))
            continue
        known = [*contracts[told.source].columns, *contracts[told.source].derived]
        wanted = [told.code, *told.names, told.region, told.person, *told.numbers]
        problems += [
            Problem(f"{where}: {told.source}", "a column of the source", repr(name), nearest(name, known))
            for name in wanted
            if name and name not in known
        ]
    for name in ("accept", "review", "found"):
        problems += [
            Problem(f"{path}: {name}", "a probability above 0 and below 1", str(value.value))
            for value in getattr(rules, name)
            if not 0 < value.value < 1
        ]
    if problems:
        raise UsageError("The rules of identity are not sound", problems)
    return rules


def rules_of(rules: IdentityRules, as_of: date) -> RulesOfDay:
    """The numbers in force on a day; a day before the first is a `UsageError`."""
    begun = [weights for weights in rules.weights if weights.start <= as_of]
    found = {name: in_force(getattr(rules, name), as_of) for name in ("accept", "review", "lead", "found")}
    missing = [name for name, value in {**found, "weights": begun or None}.items() if value is None]
    if missing:
        raise UsageError(
            "No rule of identity is in force",
            [
                Problem(f"configs/identity.toml: {name}", f"a value from {as_of} or before", "none")
                for name in missing
            ],
        )
    numbers = {name: value.value for name, value in found.items() if value}
    return RulesOfDay(**numbers, weights=max(begun, key=lambda weights: weights.start))
