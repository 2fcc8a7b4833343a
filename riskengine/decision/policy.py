"""What do the written rules say of this applicant, apart from any model?

A rule is hit when all its conditions hold, not evaluable when none of them fails but one cannot be said, near when it is
passed but every failing comparison is within the declared fraction of its limit, and passed otherwise. Less data never
improves a decision (law 3): a rule that cannot be evaluated counts as much as if it were hit, and no rule may be
cleared by a missing value (so `known` is not allowed as a condition).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, nearest
from riskengine.schema import Definition, Words, read_definition

Outcome = Literal["pass", "refer", "decline", "insufficient data"]
Action = Literal["decline", "refer", "cap"]
RANK: Mapping[str, int] = {"pass": 0, "refer": 1, "decline": 2, "insufficient data": 2}
_ORDERED = (">", ">=", "<", "<=")


class Rule(Definition):
    """One written rule: what it forbids or limits, from when to when, after which text and how well attested."""

    id: str
    title: Words
    when: tuple[Condition, ...] = Field(min_length=1)
    action: Action
    near: float = Field(default=0, ge=0)
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")  # the last day on which it holds
    reference: str
    evidence: str
    words: Words

    @field_validator("when")
    @classmethod
    def _never_cleared_by_absence(cls, when: tuple[Condition, ...]) -> tuple[Condition, ...]:
        if any(condition.op == "known" for condition in when):
            raise ValueError("a rule may not use op 'known': it would be cleared by a missing value")
        return when

    @model_validator(mode="after")
    def _sound(self) -> Rule:
        if self.action == "cap" and not any(condition.op in (">", ">=") for condition in self.when):
            raise ValueError("a cap needs a condition with op '>' or '>=': its limit is the cap")
        if self.start and self.end and self.end < self.start:
            raise ValueError(f"'to' {self.end} is before 'from' {self.start}")
        return self

    def holds_on(self, as_of: date) -> bool:
        """Whether the rule is in force on a day (both ends included)."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


class Thresholds(Definition):
    """Which grades pass and which are declined by the model, from a day on; the grades between are referred."""

    start: date = Field(alias="from")
    pass_up_to: str
    decline_from: str
    reference: str
    evidence: str = "D"


class DecisionRules(Definition):
    """How policy and model become a decision.

    `required`: features without which nothing is decided. `absent_means_none`: features (patterns) whose absence is
    itself information (no earlier loan, so no days since); for every other absent feature the decision is taken on
    the worst the model could say whatever its value were. `absence_flags`: features that are 1 where another value is
    missing, and then count as missing themselves. `stale`: what an out-of-date source does.
    """

    model: str
    thresholds: tuple[Thresholds, ...]
    required: tuple[str, ...] = ()
    absent_means_none: tuple[str, ...] = ()
    absence_flags: tuple[str, ...] = ()
    stale: Literal["refer", "note"] = "refer"
    shown_reasons: int = Field(default=4, ge=1)

    def absence_is_a_gap(self, feature: str) -> bool:
        """Whether a missing value of this feature is a lack of data."""
        return not any(fnmatchcase(feature, pattern) for pattern in self.absent_means_none)


class Policy(Definition):
    """`configs/policy.toml`: the rules and how a decision is reached."""

    decision: DecisionRules
    rules: tuple[Rule, ...] = Field(default=(), alias="rule")

    @model_validator(mode="after")
    def _named_once(self) -> Policy:
        names = [rule.id for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each rule has its own id; used twice: {', '.join(twice)}")
        return self

    @property
    def features(self) -> list[str]:
        """Every feature the policy reads, in order of name."""
        found = {condition.feature for rule in self.rules for condition in rule.when}
        return sorted(found | set(self.decision.required))

    def problems(self, features: Sequence[str], grades: Sequence[str]) -> list[Problem]:
        """What the policy names that does not exist among the project's features and grades."""
        found = [
            Problem(f"policy.toml: {name}", "a defined feature", repr(name), nearest(name, features))
            for name in self.features
            if name not in features
        ]
        for threshold in self.decision.thresholds:
            for grade in (threshold.pass_up_to, threshold.decline_from):
                if grade not in grades:
                    place = f"policy.toml: decision.thresholds from {threshold.start}"
                    found.append(
                        Problem(place, "a grade of grades.toml", repr(grade), nearest(grade, grades))
                    )
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one applicant: state, and the comparison it turned on (distance as a part of the limit)."""

    rule: Rule
    state: Literal["hit", "near", "passed", "not evaluable"]
    feature: str
    value: Any
    limit: float | str | None
    distance: float | None

    @property
    def outcome(self) -> Outcome:
        """What the finding alone leads to."""
        if self.state in ("near", "passed"):
            return "pass"
        if self.rule.action == "decline":
            return "decline" if self.state == "hit" else "insufficient data"
        return "refer"


def read_policy(path: Path) -> Policy:
    """The policy of a project."""
    return read_definition(Policy, path)


def evaluate(policy: Policy, row: Mapping[str, Any], as_of: date) -> list[Finding]:
    """What every rule in force on `as_of` says of a profile row, in the policy's order."""
    return [_finding(rule, row, as_of) for rule in policy.rules if rule.holds_on(as_of)]


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome that binds: a knock-out, else insufficient data, else a referral, else a pass."""
    order: tuple[Outcome, ...] = ("decline", "insufficient data", "refer")
    return next((outcome for outcome in order if outcome in outcomes), "pass")


def grade_outcome(policy: Policy, grades: Sequence[str], grade: str, as_of: date) -> Outcome:
    """What the model's grade alone leads to on a day; before the first thresholds everything is referred."""
    begun = [item for item in policy.decision.thresholds if item.start <= as_of]
    if not begun:
        return "refer"
    current = max(begun, key=lambda item: item.start)
    place = grades.index(grade)
    if place >= grades.index(current.decline_from):
        return "decline"
    return "pass" if place <= grades.index(current.pass_up_to) else "refer"


def _finding(rule: Rule, row: Mapping[str, Any], as_of: date) -> Finding:
    held = [(condition, condition.holds(row, as_of)) for condition in rule.when]
    failing = [condition for condition, holds in held if holds is False]
    unknown = [condition for condition, holds in held if holds is None]
    distances = [_distance(condition, row, as_of) for condition in failing]
    if failing:
        near = rule.near > 0 and all(part is not None and part <= rule.near for part in distances)
        state, shown = ("near" if near else "passed"), failing[0]
    else:
        state, shown = ("not evaluable", unknown[0]) if unknown else ("hit", rule.when[0])
    ordered = [condition for condition in rule.when if condition.op in _ORDERED]
    if state == "hit" and rule.action == "cap":
        shown = next(condition for condition in ordered if condition.op in (">", ">="))
    return Finding(
        rule,
        state,  # type: ignore[arg-type]
        shown.feature,
        row[shown.feature],
        shown.limit(as_of),
        _distance(shown, row, as_of),
    )


def _distance(condition: Condition, row: Mapping[str, Any], as_of: date) -> float | None:
    """How far a number lies from its limit, as a part of the limit's size (of 1 where the limit is 0)."""
    value, limit = row[condition.feature], condition.limit(as_of)
    if condition.op not in _ORDERED or not isinstance(limit, int | float):
        return None
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return None
    return round(float(abs(value - limit) / (abs(limit) or 1.0)), 6)
