"""What is a written rule? Whom it concerns, from when to when, what it forbids, limits or refers, after which text.

A rule is `hard` where an official text or a secondary page of one carries it (evidence A or B): nobody switches it off. A
step that rests on less names its own evidence and can be switched off alone. Every other rule is a dated default that an institution may switch by a `[[switch]]` block, which is dated and referenced too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from riskengine.decision.conditions import Condition
from riskengine.schema import DatedValue, Definition, Words

Action = Literal["decline", "refer", "cap"]
Basis = Literal["loan", "guaranteed", "own_retained"]
ACTIONS: tuple[Action, ...] = ("decline", "refer", "cap")  # the worst first
OF_PRODUCT = ("size", "eligible", "purpose", "term")  # tests that compare with what the product says
Test = Literal["conditions", "model", "data", "size", "eligible", "purpose", "term"]
FORMULAS: Mapping[
    str, tuple[tuple[str, ...], tuple[str, ...]]
] = {  # formula -> (inputs it needs, further inputs)
    "product": (("outstanding",), ()),
    "total": (("existing",), ()),
    "turnover": (("sales",), ("others",)),
    "leverage": (("assets", "liabilities"), ()),
    "working_capital": (("sales", "margin", "growth", "turns"), ("own", "existing", "others")),
    "units": (("cost",), ("existing",)),
    "net_assets": (("net_assets", "existing"), ("equity_in_guarantors", "account")),
}


class AmountCap(Definition):
    """How much a formula allows to be lent, in currency units; `inputs` name the features that it reads.

    - `product`: the product's amount cap less `outstanding`
    - `total`: `limits` less `existing`
    - `turnover`: `limits` (a share) of `sales`, less `others`
    - `leverage`: the loan after which liabilities are `limits` (a share) of assets: `(k A - L) / (1 - k)`
    - `working_capital`: `sales (1 - margin) (1 + growth) / turns - own - existing - others`
    - `units`: `limits` (a share) of `cost`, less `existing`
    - `net_assets`: the loan up to which the exposure on `basis` is `limits` (a share) of net assets less equity in other
      guarantors (`equity_in_guarantors`). `existing` is the exposure of today as it counts today; `weight` applies while
      the single `account` (the loans of this client today) is with the new loan at most `weight_up_to`

    An input in `inputs` that the formula does not need counts as zero where it is not named, never where it is unknown.
    What a formula allows is at least 0; `caps.allowed` computes it.
    """

    formula: Literal["product", "total", "turnover", "leverage", "working_capital", "units", "net_assets"]
    inputs: dict[str, str]
    limits: tuple[DatedValue, ...] = ()
    basis: Basis = "guaranteed"
    weight: tuple[DatedValue, ...] = ()
    weight_up_to: tuple[DatedValue, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> AmountCap:
        needed, further = FORMULAS[self.formula]
        lacking = [name for name in needed if name not in self.inputs]
        unknown = [name for name in self.inputs if name not in (*needed, *further)]
        if lacking or unknown:
            raise ValueError(
                f"inputs of {self.formula}: {', '.join(needed)}{' and perhaps ' + ', '.join(further) if further else ''}; "
                f"lacking {lacking}, unknown {unknown}"
            )
        if bool(self.limits) == (self.formula in ("product", "working_capital")):
            raise ValueError(
                f"{'no limits' if self.limits else 'limits'} with formula {self.formula!r}: "
                + ("the product has its cap" if self.limits else "dated shares or amounts")
            )
        if bool(self.weight) != bool(self.weight_up_to) or (self.weight and self.formula != "net_assets"):
            raise ValueError("weight and weight_up_to together, and with formula 'net_assets'")
        if any(not 0 < weight.value <= 1 for weight in self.weight):
            raise ValueError("a weight is above 0 and at most 1")
        if self.formula == "leverage" and any(not 0 <= limit.value < 1 for limit in self.limits):
            raise ValueError("the limit of leverage is a share below 1")
        return self


class Level(Definition):
    """One step of a rule: what it does where all its conditions hold (for a cap: where it allows less than is asked).

    `near` is the part of the limit within which a passed comparison is told as near. `unless` is true where the step is
    waived: its conditions all hold (an accepted proof, a certificate). `evidence` is told where it is not the rule's own.
    Of a rule that compares with what the product says (`OF_PRODUCT`) a step has only `products`, for which it is the rule's.
    """

    action: Action
    products: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    cap: AmountCap | None = None
    near: float = Field(default=0, ge=0)
    words: Words | None = None
    evidence: str = ""

    @field_validator("when", "unless")
    @classmethod
    def _never_cleared_by_absence(cls, when: tuple[Condition, ...]) -> tuple[Condition, ...]:
        if any(condition.op in ("known", "missing") for condition in when):
            raise ValueError(
                "a rule may not use op 'known' or 'missing': it would be cleared by a missing value"
            )
        return when

    @model_validator(mode="after")
    def _sound(self) -> Level:
        if self.action != "cap" and self.cap is not None:
            raise ValueError("a formula needs action 'cap'")
        if not self.when and self.cap is None and not self.products:
            raise ValueError("a step needs conditions or a formula: else it is hit by everybody")
        crossed = any(condition.op in (">", ">=") for condition in self.when)
        if self.action == "cap" and self.cap is None and not crossed:
            raise ValueError(
                "a cap needs a formula, or a condition with op '>' or '>=' whose limit is the cap"
            )
        return self

    @property
    def features(self) -> Iterator[str]:
        """Every feature it reads."""
        yield from (condition.feature for condition in (*self.when, *self.unless))
        yield from (self.cap.inputs.values() if self.cap else ())


_FLAT = ("action", "when", "unless", "cap", "near")


def _official(evidence: str) -> bool:
    return bool(set(evidence) & {"A", "B"})


class Rule(Definition):
    """One written rule.

    `products` are ids of products (none: all), `above` the loan amount it is for if it is for larger ones only. A rule with one
    step writes it flat (`action`, `when`, `cap`, ...); one with several has `[[rule.level]]` blocks, of which the one with the
    worst outcome counts. `next` says what the officer does where it is hit.

    Some rules compare with something else than conditions: `test = "model"` with the model's grade and `"data"` with the
    sources' freshness (their outcome is the model's and the data's); `"size"`, `"eligible"`, `"purpose"` and `"term"` with what
    the product says (`sizes`, `eligible`, `purposes`, `term_least` and `term_most`), and these have an `action` of their own
    or, where it differs by product, `[[rule.level]]` blocks of `products` and an `action` (and the rule's for all others).

    A step whose dated limits have not begun, and a rule all of whose steps have not, is not in force yet.
    """

    id: str
    title: Words
    test: Test = "conditions"
    products: tuple[str, ...] = ()
    above: tuple[DatedValue, ...] = ()
    levels: tuple[Level, ...] = Field(default=(), alias="level")
    action: Action | None = None
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    cap: AmountCap | None = None
    near: float = Field(default=0, ge=0)
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")  # the last day on which it holds
    hard: bool = False
    on: bool = True  # how a default stands where no switch says otherwise
    reference: str
    evidence: str
    words: Words
    next: Words | None = None

    @model_validator(mode="after")
    def _sound(self) -> Rule:
        compares = bool(self.when or self.unless or self.cap)
        if self.test != "conditions":
            self._compares_otherwise(compares)
        elif any(level.products for level in self.levels):
            raise ValueError(
                "`products` of a step only with a test of what the product says; else a condition on 'product'"
            )
        elif (self.action is not None or compares) == bool(self.levels):
            raise ValueError("either an action with its conditions, or [[rule.level]] blocks")
        elif not self.levels and (self.action is None or not (self.when or self.cap)):
            raise ValueError("an action and its conditions go together")
        if self.start and self.end and self.end < self.start:
            raise ValueError(f"'to' {self.end} is before 'from' {self.start}")
        if self.hard and (not _official(self.evidence) or (self.levels and not self.firm)):
            raise ValueError(
                f"a hard rule needs evidence A or B, as does one of its steps, not {self.evidence!r}"
            )
        if self.hard and not self.on:
            raise ValueError("a hard rule is on")
        if self.test == "conditions" and not self.levels:  # a flat step is read like any other
            Level.model_validate({name: getattr(self, name) for name in _FLAT})
        return self

    def _compares_otherwise(self, compares: bool) -> None:
        own = self.test in OF_PRODUCT
        if compares or any(
            level.when or level.unless or level.cap or not level.products for level in self.levels
        ):
            raise ValueError(f"test = {self.test!r} has no conditions of its own; its steps name products")
        named = [name for level in self.levels for name in level.products]
        if len(set(named)) < len(named):
            raise ValueError(f"test = {self.test!r}: a product in one step only")
        actions = [*([self.action] if self.action else []), *(level.action for level in self.levels)]
        if bool(actions) != own or "cap" in actions:
            raise ValueError(f"test = {self.test!r}: decline or refer, but no action with model and data")

    def step_for(self, product: str) -> Level | None:
        """What a rule that compares with what the product says does for a product; None where it is not for it."""
        for level in self.levels:
            if product in level.products:
                return level
        return (
            None
            if self.action is None
            else Level.model_construct(action=self.action, words=None, evidence="")
        )

    @property
    def gravest(self) -> Action | None:
        """The worst that a rule does whatever the product."""
        actions = {self.action, *(level.action for level in self.levels)} - {None}
        return next((one for one in ACTIONS if one in actions), None)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Rule:
        """A copy that works its steps out anew."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__.pop("steps", None)
        return made

    @cached_property
    def steps(self) -> tuple[Level, ...]:
        """Its steps, in the order in which they are written."""
        if self.levels or self.action is None or self.test != "conditions":
            return self.levels
        return (
            Level.model_construct(**{name: getattr(self, name) for name in _FLAT}, words=None, evidence=""),
        )

    @property
    def firm(self) -> tuple[Level, ...]:
        """The steps of a hard rule that nobody switches off: those that an official text carries."""
        if not self.hard:
            return ()
        return tuple(level for level in self.steps if _official(level.evidence or self.evidence))

    @property
    def features(self) -> list[str]:
        """Every feature it reads, once, in order."""
        return list(dict.fromkeys(name for level in self.steps for name in level.features))

    def holds_on(self, as_of: date) -> bool:
        """Whether the rule is in force on a day (both ends included)."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


class Switch(Definition):
    """An institution's own choice about a default rule, from a day on: on or off, and for which products."""

    rule: str
    on: bool
    products: tuple[str, ...] = ()  # none: those of the rule
    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="to")
    reference: str

    def holds_on(self, as_of: date) -> bool:
        """Whether the choice is in force on a day (both ends included)."""
        return self.start <= as_of and (self.end is None or as_of <= self.end)
