"""Do the written rules lead where the committee's examples say? `configs/examples.toml`, judged without any data store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from riskengine.decision.asked import Asked, asked_of
from riskengine.decision.conditions import BY_DESK
from riskengine.decision.findings import Finding, Outcome, Standing, worst
from riskengine.decision.limits import suggested
from riskengine.decision.policy import Policy, evaluate, grade_outcome, threshold
from riskengine.decision.products import Products
from riskengine.decision.rules import Basis, Switch
from riskengine.errors import Problem, UsageError, nearest
from riskengine.schema import Definition, Words, read_definition

Value = float | str | bool
MISSING = "missing"  # how an example says that a value is not known


class Expected(Definition):
    """What must come out: the decision and the rules; `binding`, `amount` and `shares` only where they are told.

    Rules that are not named must not be hit (near, without data). `signals` are names with their level ("J01 orange"),
    told for the watch after the decision; `monitor.examples` judges them, and others must not fire.
    """

    decision: Outcome
    hit: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    no_data: tuple[str, ...] = ()
    binding: tuple[str, ...] | None = None
    amount: float | None = None
    shares: dict[str, float] | None = None  # party -> part of the loan
    signals: tuple[str, ...] = ()


class Example(Definition):
    """One situation: the sound applicant with some values changed, applying for a product on a day.

    `grade` is what the model would say. `watched` is what differs of the features that only signals read. `switches` are choices an institution might make, `basis` the exposure basis on
    which it might measure concentration; both only for this example.
    """

    title: Words
    as_of: date
    product: str
    amount: float
    changed: dict[str, Value] = Field(default_factory=dict)
    watched: dict[str, Value] = Field(default_factory=dict)
    grade: str = ""
    switches: tuple[Switch, ...] = Field(default=(), alias="switch")
    basis: Basis | None = None
    expect: Expected


class Examples(Definition):
    """`configs/examples.toml`: a sound applicant and what becomes of it in one situation after the other.

    `asks` is the feature that names the product asked for; `watched` is what only signals read of the sound applicant.
    """

    grade: str
    asks: str
    healthy: dict[str, Value]
    watched: dict[str, Value] = Field(default_factory=dict)
    examples: tuple[Example, ...] = Field(alias="example", min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Examples:
        titles = [example.title.en for example in self.examples]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ValueError(f"each example has its own title; used twice: {', '.join(twice)}")
        return self

    def problems(self, policy: Policy, products: Products) -> list[Problem]:
        """Values of no feature the rules read, features the sound applicant lacks, and rules and products unknown."""
        read = {*policy.features, *products.features} - set(BY_DESK)
        sayable = {*read, "size_class"}  # the desk's, and what an example may say of it
        rules = [rule.id for rule in policy.every]
        found = [
            Problem("examples.toml: healthy", "a value of every feature the rules read", f"no {name!r}")
            for name in sorted(read - set(self.healthy) - {self.asks, products.request.amount})
        ]
        for place, names in (
            ("healthy", self.healthy),
            *((one.title.en, one.changed) for one in self.examples),
        ):
            found += [
                Problem(
                    f"examples.toml: {place}", "a feature the rules read", repr(name), nearest(name, sayable)
                )
                for name in names
                if name not in sayable
            ]
        for one in self.examples:
            named = (*one.expect.hit, *one.expect.near, *one.expect.no_data)
            found += [
                Problem(
                    f"examples.toml: {one.title.en}",
                    "a rule of policy.toml",
                    repr(name),
                    nearest(name, rules),
                )
                for name in named
                if name not in rules
            ]
            if one.product not in products.ids:
                hint = nearest(one.product, products.ids)
                found.append(Problem(f"examples.toml: {one.title.en}", "a product", repr(one.product), hint))
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What policy and products say of an example."""

    decision: Outcome
    findings: tuple[Finding, ...]
    binding: tuple[str, ...]
    amount: float | None
    shares: Mapping[str, float]

    def rules(self, state: str) -> list[str]:
        """The rules in a state, in the policy's order."""
        return [one.rule.id for one in self.findings if one.state == state]


def read_examples(path: Path, policy: Policy, products: Products) -> Examples:
    """The examples of a project; a `UsageError` where they name what does not exist."""
    examples = read_definition(Examples, path)
    if problems := examples.problems(policy, products):
        raise UsageError("The examples do not fit the rules", problems)
    return examples


def answer(
    examples: Examples, example: Example, policy: Policy, products: Products, grades: Sequence[str]
) -> Answer:
    """What policy and products say of one example under the rules of its day; `grades` from the best to the worst."""
    policy, day = _varied(policy, example), example.as_of
    row: dict[str, Any] = dict.fromkeys({*policy.features, *products.features})
    row |= {"size_class": None, "pd": None, "score": None, "grade_no": None}
    row |= {**examples.healthy, examples.asks: example.product, products.request.amount: example.amount}
    row |= {name: None if value == MISSING else value for name, value in example.changed.items()}
    grade = example.grade or examples.grade
    rated = grade_outcome(policy, grades, grade, day)
    lacking = tuple(name for name in policy.decision.required if row[name] is None)
    asked = asked_of(products, row, day)
    row["product"] = None if asked.rivals else asked.product
    said = Standing(grade, rated, threshold(policy, day), required=lacking)
    findings = tuple(evaluate(policy, row, day, asked, said))
    offer = suggested(asked, day, None, [one.cap for one in findings if one.cap is not None])
    decision = worst([*(one.outcome for one in findings), rated, *_besides(asked, lacking)])
    if decision == "pass" and offer is not None and offer.amount <= 0:
        decision = "refer"  # as in `verdict`
    return Answer(
        decision,
        findings,
        offer.binding if offer else (),
        float(offer.amount) if offer else None,
        {party: float(part) for party, part in offer.shares.items()} if offer else {},
    )


def differences(example: Example, found: Answer) -> list[str]:
    """One readable line for each thing that came out other than the example says; none where all is as expected."""
    wanted, lines = example.expect, []
    pairs: list[tuple[str, Any, Any]] = [
        ("decision", wanted.decision, found.decision),
        ("rules hit", sorted(wanted.hit), found.rules("hit")),
        ("rules near", sorted(wanted.near), found.rules("near")),
        ("rules without data", sorted(wanted.no_data), found.rules("not evaluable")),
    ]
    if wanted.binding is not None:
        pairs.append(("binding", sorted(wanted.binding), sorted(found.binding)))
    if wanted.amount is not None:
        pairs.append(("amount", wanted.amount, found.amount))
    if wanted.shares is not None:
        pairs.append(("shares", wanted.shares, dict(found.shares)))
    for name, expected, got in pairs:
        if expected != got:
            lines.append(f"{name}: expected {_text(expected)}, got {_text(got)}")
    if lines:
        lines += [_why(one) for one in found.findings if one.state == "hit" and one.rule.id not in wanted.hit]
    return lines


def _varied(policy: Policy, example: Example) -> Policy:
    """The policy with the choices of an example."""
    rules = tuple(
        rule.model_copy(update={"cap": rule.cap.model_copy(update={"basis": example.basis})})
        if example.basis and rule.cap and rule.cap.formula == "net_assets"
        else rule
        for rule in policy.rules
    )
    return policy.model_copy(update={"rules": rules, "switches": (*policy.switches, *example.switches)})


def _besides(asked: Asked, lacking: Sequence[str]) -> list[Outcome]:
    """What decides besides rules and grade: a product not offered, one not known for sure, required data not there."""
    found: list[Outcome] = []
    if not asked.offered:
        found.append("decline")
    if asked.rivals:
        found.append("refer")
    if lacking:
        found.append("insufficient data")
    return found


def _why(one: Finding) -> str:
    words = (one.words or one.rule.words).en
    return f"  {one.rule.id}: {words} ({one.feature} = {_text(one.value)}, limit {_text(one.limit)})"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in sorted(value.items()))
    return str(value)
