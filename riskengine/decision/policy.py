"""What do the written rules say of an applicant, apart from any model?

Every rule of the policy answers, in the policy's order; `findings` says how. Which rules are in force is a question of the
rules' day, which need not be the day of the profile: past applicants can be judged by the rules of another day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from riskengine.decision.asked import Asked
from riskengine.decision.conditions import BY_DESK, BY_MODEL
from riskengine.decision.findings import Finding, Outcome, Standing, Why, rule_finding, unsure
from riskengine.decision.rules import OF_PRODUCT, Rule, Switch
from riskengine.errors import Problem, nearest
from riskengine.schema import Definition, read_definition

RANK: Mapping[str, int] = {"pass": 0, "refer": 1, "decline": 2, "insufficient data": 2}


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
    """`configs/policy.toml`: the rules, further amount formulas, an institution's switches, and how a decision is reached."""

    decision: DecisionRules
    rules: tuple[Rule, ...] = Field(default=(), alias="rule")
    formulas: tuple[Rule, ...] = Field(default=(), alias="formula")
    switches: tuple[Switch, ...] = Field(default=(), alias="switch")

    @model_validator(mode="after")
    def _fits(self) -> Policy:
        names = [rule.id for rule in self.every]
        found = [
            f"rule id {name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        for rule in self.formulas:
            if any(level.cap is None for level in rule.steps) or rule.test != "conditions":
                found.append(f"formula {rule.id!r} has only steps with action 'cap' and a formula")
        rules = {rule.id: rule for rule in self.every}
        for switch in self.switches:
            place, rule_ = f"switch from {switch.start} of rule {switch.rule!r}", rules.get(switch.rule)
            if rule_ is None:
                found.append(f"{place}: no such rule. {nearest(switch.rule, rules)}")
            elif rule_.hard and not switch.on and len(rule_.firm) == len(rule_.steps):
                found.append(f"{place}: a hard rule ({rule_.reference}) cannot be switched off")
            elif rule_.test in ("model", "data"):
                found.append(f"{place}: it tells what [decision] decides; change [decision] instead")
            if switch.end and switch.end < switch.start:
                found.append(f"{place}: 'to' {switch.end} is before 'from'")
        if found:
            raise ValueError("; ".join(found))
        return self

    @property
    def every(self) -> tuple[Rule, ...]:
        """The rules, then the formulas."""
        return (*self.rules, *self.formulas)

    @property
    def features(self) -> list[str]:
        """Every feature the policy reads, in order of name; what the desk itself knows (`BY_DESK`) is none."""
        found = {name for rule in self.every for name in rule.features}
        return sorted((found | set(self.decision.required)) - set(BY_DESK))

    def problems(
        self, features: Collection[str], grades: Sequence[str], products: Collection[str] | None = None
    ) -> list[Problem]:
        """What the policy names that does not exist among the project's features, grades and (ids of) products."""
        found = [
            Problem(
                f"policy.toml: {name}", "a defined feature", repr(name), nearest(name, (*features, *BY_DESK))
            )
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
        return found if products is None else [*found, *self.unknown_products(products)]

    def unknown_products(self, products: Collection[str]) -> list[Problem]:
        """The scopes of rules and switches that name no product."""
        scopes = [(f"rule {rule.id}", rule.products) for rule in self.every]
        scopes += [(f"rule {rule.id}: step", level.products) for rule in self.every for level in rule.levels]
        scopes += [(f"switch from {one.start} of rule {one.rule}", one.products) for one in self.switches]
        return [
            Problem(
                f"policy.toml: {place}", "a product of products.toml", repr(name), nearest(name, products)
            )
            for place, names in scopes
            for name in names
            if name not in products
        ]

    def why_not(self, rule: Rule, day: date, product: str | None) -> Why:
        """Why a rule does not concern a product on a day, whatever the applicant; empty where it does.

        The switch that began last decides, of those that name the product or, naming none, whose rule is for it. A hard
        rule stays, with its firm steps (`as_switched`).
        """
        if not rule.holds_on(day):
            return "not in force"
        inside = product is None or not rule.products or product in rule.products
        chosen = self._chosen(rule, day, product)
        if chosen is not None and (chosen or not rule.hard):
            return "" if chosen else "switched off"
        if not inside:
            return "other product"
        return "" if rule.on else "switched off"

    def as_switched(self, rule: Rule, day: date, product: str | None) -> Rule:
        """The rule as the institution's switches leave it: a hard one that is switched off keeps its firm steps."""
        if not rule.hard or self._chosen(rule, day, product) is not False:
            return rule
        return rule.model_copy(update={"levels": rule.firm})

    def _chosen(self, rule: Rule, day: date, product: str | None) -> bool | None:
        """What the institution chose for a product on a day; None where it chose nothing."""
        inside = product is None or not rule.products or product in rule.products
        own = [
            switch
            for switch in self.switches
            if switch.rule == rule.id
            and switch.holds_on(day)
            and (product in switch.products if switch.products else inside)
        ]
        return max(own, key=lambda switch: switch.start).on if own else None


def read_policy(path: Path) -> Policy:
    """The policy of a project."""
    return read_definition(Policy, path)


def evaluate(
    policy: Policy,
    row: Mapping[str, Any],
    rules_day: date,
    asked: Asked | None = None,
    said: Standing | None = None,
) -> list[Finding]:
    """What every rule and formula says of a profile row under the rules of `rules_day`, in the policy's order.

    Without `asked` no rule is out of scope by its products, and what compares with the loan asked for does not apply. A
    row holds every feature of the policy; what is unknown is None or NaN.
    """
    said = said or Standing()
    scopes = _scopes(policy, rules_day, None if asked is None else asked.product)
    return [_finding(policy, scope, row, rules_day, (asked, said)) for scope in scopes]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a rule is for one product on one day, whoever applies."""

    rule: Rule
    why: Why
    switched: Rule
    outside: Finding  # where it does not concern the product
    reads: tuple[str, ...] | None  # the features from whose values alone its finding follows; None: from more
    known: dict[
        str, Finding
    ]  # by these values: of ten thousand applicants nine in ten are asked what another was


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from a policy alone, worked out once: for each of ten thousand applicants it took a third of the time."""

    policy: Policy  # held, so that its number stays its own
    features: frozenset[str]
    scopes: dict[tuple[date, str | None], tuple[_Scope, ...]]


_KNOWN: dict[int, _Known] = {}
_POLICIES = 8  # at a time
_VALUES = 1_000  # of a rule


def _known(policy: Policy) -> _Known:
    found = _KNOWN.get(id(policy))
    if found is None:
        if len(_KNOWN) >= _POLICIES:
            _KNOWN.clear()
        features = frozenset(name for rule in policy.every for name in rule.features)
        found = _KNOWN[id(policy)] = _Known(policy, features, {})
    return found


def _scopes(policy: Policy, day: date, product: str | None) -> tuple[_Scope, ...]:
    """The policy's rules in order, as they are for a product on a day."""
    scopes = _known(policy).scopes
    if (day, product) not in scopes:
        made = []
        for rule in policy.every:
            why = policy.why_not(rule, day, product)
            outside = Finding(rule, "not applicable", why=why)
            switched = policy.as_switched(rule, day, product)
            made.append(_Scope(rule, why, switched, outside, _reads(switched), {}))
        scopes[day, product] = tuple(made)
    return scopes[day, product]


def _reads(rule: Rule) -> tuple[str, ...] | None:
    """The features from whose values alone a rule's finding follows on a day; None where the loan or the model counts, too."""
    if rule.test != "conditions" or rule.above or any(level.action == "cap" for level in rule.steps):
        return None
    return tuple(rule.features)


def reads_model(policy: Policy) -> bool:
    """Whether a rule compares with the model's answer."""
    return not _known(policy).features.isdisjoint(BY_MODEL)


@dataclass(frozen=True, slots=True)
class Reach:
    """Under which products a rule may concern an applicant: the one that takes it, or others that it may be as well."""

    why: Why
    perhaps: bool


def reach(policy: Policy, rule: Rule, day: date, asked: Asked | None) -> Reach:
    """Whether a rule concerns what is asked, does not and why, or perhaps does because the product is not known."""
    why = policy.why_not(rule, day, None if asked is None else asked.product)
    rivals = () if asked is None else asked.rivals
    concerned = [not policy.why_not(rule, day, product) for product in rivals]
    return Reach(why, bool(why) and any(concerned))


def _finding(
    policy: Policy, scope: _Scope, row: Mapping[str, Any], day: date, given: tuple[Asked | None, Standing]
) -> Finding:
    (asked, said), rule = given, scope.rule
    if asked is None or not asked.rivals:
        return scope.outside if scope.why else _of_values(scope, row, day, given)
    found = reach(policy, rule, day, asked)
    if found.why and not found.perhaps:
        return scope.outside
    made = rule_finding(rule, row, day, asked, said)
    if rule.test in OF_PRODUCT:  # what the product would say is not known
        known = made.state == "hit" and made.action == rule.gravest
        return made if known else Finding(rule, "not evaluable", rule.gravest, missing=asked.unsaid)
    if not found.perhaps:
        return made
    made = unsure(made, asked.unsaid)
    return made if made.state == "not evaluable" else Finding(rule, "not applicable", why=found.why)


def _of_values(
    scope: _Scope, row: Mapping[str, Any], day: date, given: tuple[Asked | None, Standing]
) -> Finding:
    """The finding of a rule that concerns the product; told apart by how the values are written, so that 0.0 is not -0.0."""
    if scope.reads is None:
        return rule_finding(scope.switched, row, day, *given)
    values = repr([row.get(name) for name in scope.reads])
    found = scope.known.get(values)
    if found is None:
        found = rule_finding(scope.switched, row, day, *given)
        if len(scope.known) < _VALUES:
            scope.known[values] = found
    return found


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


def threshold(policy: Policy, as_of: date) -> str:
    """The worst grade that passes on a day; empty before the first thresholds, when none does."""
    begun = [item for item in policy.decision.thresholds if item.start <= as_of]
    return max(begun, key=lambda item: item.start).pass_up_to if begun else ""
