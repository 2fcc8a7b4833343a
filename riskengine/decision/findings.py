"""What does one written rule say of one applicant: hit, near, passed, not evaluable for want of what, or not applicable?

A step is hit when all its conditions hold (and its formula allows less than is asked), not evaluable when none fails but
one cannot be said, near when it is passed but every failing comparison is within the declared part of its limit, and
passed otherwise. Of several steps the one with the worst outcome counts. Less data never improves a decision (law 3): a
step that cannot be evaluated counts as much as if it were hit, and `unless` waives only where it is definitely true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from riskengine.decision.asked import Asked, number, unknown_in
from riskengine.decision.caps import allowed
from riskengine.decision.conditions import ORDERED, Condition, away, distance, few, listed
from riskengine.decision.rules import Action, Level, Rule
from riskengine.decision.sizes import larger_class
from riskengine.portfolio.exposure import exact
from riskengine.schema import Words, in_force

Outcome = Literal["pass", "refer", "decline", "insufficient data"]
State = Literal["hit", "near", "passed", "not evaluable", "not applicable"]
Why = Literal[
    "",
    "not in force",
    "other product",
    "amount not above",
    "switched off",
    "waived",
    "no limit",
    "nothing asked",
]
STATES: tuple[State, ...] = ("hit", "not evaluable", "near", "passed", "not applicable")  # the worst first
_WORST: tuple[Outcome, ...] = ("decline", "insufficient data", "refer", "pass")


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit on the loan amount: what it is, how much it allows, after which text."""

    name: str
    words: Words
    amount: Decimal
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the model and the data say, for the rules that tell it: `threshold` is the worst grade that passes.

    `reach` is what the model could lead to whatever the missing values `gaps` are; `required` are features without which
    nothing is decided and that are missing, `late` the sources out of date that refer the case.
    """

    grade: str | None = None
    outcome: Outcome = "pass"
    threshold: str = ""
    reach: Outcome = "pass"
    gaps: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one applicant.

    `action` is that of the step that counts; `value`, `limit` and `distance` (as a part of the limit) are the comparison
    it turned on, `missing` the features (of the test `data`: the sources too) for want of which something cannot be
    said, `why` the reason why it does not apply, and `cap` the least that its formulas and limits allow.
    """

    rule: Rule
    state: State
    action: Action | None = None
    feature: str = ""
    value: Any = None
    limit: float | str | None = None
    distance: float | None = None
    missing: tuple[str, ...] = ()
    why: Why = ""
    cap: Cap | None = None
    words: Words | None = None  # of the step; None: those of the rule
    evidence: str = ""  # of the step; empty: that of the rule

    @property
    def outcome(self) -> Outcome:
        """What the finding alone leads to."""
        if self.state not in ("hit", "not evaluable"):
            return "pass"
        if self.action == "decline":
            return "decline" if self.state == "hit" else "insufficient data"
        return "refer"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome that binds: a knock-out, else insufficient data, else a referral, else a pass."""
    return next((outcome for outcome in _WORST if outcome in outcomes), "pass")


def without(findings: Iterable[Finding], *tests: str) -> Iterator[Finding]:
    """The findings of rules whose test is none of these."""
    return (finding for finding in findings if finding.rule.test not in tests)


def rule_finding(
    rule: Rule, row: Mapping[str, Any], day: date, asked: Asked | None, said: Standing
) -> Finding:
    """What a rule that concerns this product says; `day` is the day whose rules count. Sizes of loans need `asked`."""
    lower = in_force(rule.above, day)
    if lower is not None:
        if asked is None:
            return Finding(rule, "not applicable", why="nothing asked")
        if asked.amount is not None and asked.amount <= exact(lower.value):
            return Finding(rule, "not applicable", why="amount not above")
    found = _said(rule, row, day, asked, said)
    if lower is not None and asked is not None and asked.amount is None and found.state == "hit":
        return unsure(found, (asked.request.amount,))  # it is hit only if the loan is as large
    return found


def unsure(found: Finding, missing: tuple[str, ...]) -> Finding:
    """The same where it cannot be said, for want of `missing`, whether the rule applies at all."""
    if found.state not in ("hit", "not evaluable"):
        return found
    return replace(found, state="not evaluable", missing=tuple(dict.fromkeys((*missing, *found.missing))))


def _said(rule: Rule, row: Mapping[str, Any], day: date, asked: Asked | None, said: Standing) -> Finding:
    if rule.test == "model":
        return _of_model(rule, said)
    if rule.test == "data":
        return _of_data(rule, said)
    if rule.test != "conditions":
        if asked is None:
            return Finding(rule, "not applicable", why="nothing asked")
        return _of_product(rule, row, day, asked)
    found = [_step(rule, level, row, day, asked) for level in rule.steps]
    counts = min(
        found, key=lambda one: (_WORST.index(one.outcome), STATES.index(one.state), one.action == "cap")
    )
    if len(found) == 1:
        return counts
    caps = [one.cap for one in found if one.cap is not None]
    missing = [name for one in found for name in one.missing if one.state in ("hit", "not evaluable")]
    least = min(caps, key=lambda cap: cap.amount) if caps else None
    return replace(counts, cap=least, missing=tuple(dict.fromkeys(missing)))


def _of_model(rule: Rule, said: Standing) -> Finding:
    if said.grade is None:
        return Finding(rule, "not applicable", why="nothing asked")
    reach = worst([said.outcome, said.reach])
    action: Action = "decline" if reach in ("decline", "insufficient data") else "refer"
    if reach != said.outcome:
        return Finding(rule, "not evaluable", action, "grade", said.grade, said.threshold, missing=said.gaps)
    state: State = "passed" if reach == "pass" else "hit"
    return Finding(rule, state, action, "grade", said.grade, said.threshold)


def _of_data(rule: Rule, said: Standing) -> Finding:
    missing = (*said.required, *said.late)
    state: State = "not evaluable" if missing else "passed"
    action: Action = "decline" if said.required else "refer"
    return Finding(rule, state, action, value=float(len(missing)), limit=0.0, missing=missing)


def _of_product(rule: Rule, row: Mapping[str, Any], day: date, asked: Asked) -> Finding:
    """The tests that compare with what the product says; the step that is for the product says what follows."""
    level = rule.step_for(asked.product)
    if level is None:
        return Finding(rule, "not applicable", why="other product")
    if rule.test == "eligible":
        found = _eligible(rule, row, day, asked)
    elif rule.test == "term":
        found = _term(rule, day, asked)
    elif rule.test == "size":
        found = _entries(rule, asked.terms.product.sizes, _size(row, asked.request.size))
    else:
        feature = asked.request.purpose
        found = _entries(rule, asked.terms.product.purposes, (feature, row.get(feature)))
    return (
        found
        if found.state == "not applicable"
        else replace(found, action=level.action, words=level.words, evidence=level.evidence)
    )


def _size(row: Mapping[str, Any], declared: str) -> tuple[str, Any]:
    """The size class that counts, under the feature that says it: the larger one of what is declared and what figures say."""
    said, computed = row.get(declared), row.get("size_class")
    counts = larger_class(
        said if isinstance(said, str) else None, computed if isinstance(computed, str) else None
    )
    return (declared if counts == said or counts is None else "size_class"), counts


def _entries(rule: Rule, entries: Sequence[str], said: tuple[str, Any]) -> Finding:
    feature, value = said
    if not entries:
        return Finding(rule, "not applicable", why="no limit")
    if not isinstance(value, str) or not value:
        return Finding(rule, "not evaluable", None, feature, None, few(entries), missing=(feature,))
    state: State = "passed" if listed(value, tuple(entries)) else "hit"
    return Finding(rule, state, None, feature, value, few(entries))


def _eligible(rule: Rule, row: Mapping[str, Any], day: date, asked: Asked) -> Finding:
    conditions = [one for one in asked.terms.product.eligible if one.begun(day)]
    if not conditions:
        return Finding(rule, "not applicable", why="no limit")
    held = [(one, one.holds(row, day)) for one in conditions]
    failing = next((one for one, holds in held if holds is False), None)
    missing = () if failing else unknown_in(conditions, row, day)
    state: State = "hit" if failing else "not evaluable" if missing else "passed"
    shown = failing or next((one for one, holds in held if holds is None), conditions[0])
    level = Level.model_construct(action=None, words=None, evidence="")
    return replace(_compared((rule, level), state, shown, (row, day)), missing=missing)


def _term(rule: Rule, day: date, asked: Asked) -> Finding:
    product, feature = asked.terms.product, asked.request.term
    least, most = in_force(product.term_least, day), in_force(product.term_most, day)
    if least is None and most is None:
        return Finding(rule, "not applicable", why="no limit")
    if asked.term is None:
        shown = least if most is None else most
        limit = None if shown is None else shown.value
        return Finding(rule, "not evaluable", None, feature, None, limit, missing=(feature,))
    term = asked.term
    short = least is not None and term < exact(least.value)
    bound = least if short or most is None else most
    assert bound is not None
    hit = short or (most is not None and term > exact(most.value))
    apart = away(term, exact(bound.value))
    state: State = "hit" if hit else "near" if rule.near > 0 and apart <= rule.near else "passed"
    return Finding(rule, state, None, feature, float(term), bound.value, apart)


def _step(rule: Rule, level: Level, row: Mapping[str, Any], day: date, asked: Asked | None) -> Finding:
    """What one step says."""
    failing: list[Condition] = []
    unknown: list[Condition] = []
    for condition in level.when:
        holds = condition.holds(row, day)
        if holds is None:
            if not condition.begun(day):
                return Finding(rule, "not applicable", level.action, why="not in force")
            unknown.append(condition)
        elif not holds:
            failing.append(condition)
    if failing:
        if not all(condition.begun(day) for condition in level.when):
            return Finding(rule, "not applicable", level.action, why="not in force")
        near = level.near > 0 and level.cap is None and all(_close(one, level, row, day) for one in failing)
        cap = _limit_cap(rule, level, row, day, asked) if level.action == "cap" else None
        return _compared((rule, level), "near" if near else "passed", failing[0], (row, day), cap=cap)
    if level.cap is not None:
        found = _formula(
            Finding(rule, "passed", level.action, words=level.words, evidence=level.evidence),
            level,
            row,
            day,
            asked,
        )
        if unknown and found.state != "not applicable":
            missing = tuple(dict.fromkeys((*(one.feature for one in unknown), *found.missing)))
            found = replace(found, cap=None)
            if found.state in ("hit", "not evaluable"):  # what it allows is enough, whether it applies or not
                found = replace(found, state="not evaluable", missing=missing)
    elif unknown:
        found = _compared((rule, level), "not evaluable", unknown[0], (row, day))
        found = replace(found, missing=tuple(dict.fromkeys(one.feature for one in unknown)))
    else:
        found = _held(rule, level, row, day)
    return _waived(found, level, row, day)


def _held(rule: Rule, level: Level, row: Mapping[str, Any], day: date) -> Finding:
    """All conditions hold; the last comparison of numbers says by how much. Of a cap the limit that was crossed is the cap."""
    compared = [one for one in level.when if one.op in ORDERED]
    shown, cap = (compared or level.when)[-1], None
    if level.action == "cap":
        shown = next(one for one in level.when if one.op in (">", ">="))
        if (limit := number(shown.limit(day))) is not None:
            cap = Cap(rule.id, rule.title, limit, _reference(rule, shown, day))
    return _compared((rule, level), "hit", shown, (row, day), cap=cap)


def _close(condition: Condition, level: Level, row: Mapping[str, Any], day: date) -> bool:
    apart = distance(condition, row, day)
    return apart is not None and apart <= level.near


def _waived(found: Finding, level: Level, row: Mapping[str, Any], day: date) -> Finding:
    """The finding, cleared where `unless` definitely holds; what might clear it and is unknown is missing."""
    if not level.unless or found.state in ("passed", "not applicable"):
        return found
    held = [condition.holds(row, day) for condition in level.unless]
    if all(held):
        return replace(found, state="not applicable", why="waived", missing=(), cap=None)
    if False in held:
        return found
    open_ = unknown_in(level.unless, row, day)
    return replace(found, missing=tuple(dict.fromkeys((*found.missing, *open_))))


def _formula(plain: Finding, level: Level, row: Mapping[str, Any], day: date, asked: Asked | None) -> Finding:
    assert level.cap is not None
    if asked is None:
        return replace(plain, state="not applicable", why="nothing asked")
    may = allowed(level.cap, asked, row, day)
    if not may.in_force:
        return replace(plain, state="not applicable", why="not in force")
    missing = may.missing if asked.amount is not None else (asked.request.amount, *may.missing)
    value = None if asked.amount is None else float(asked.amount)
    found = replace(plain, feature=asked.request.amount, value=value, missing=missing)
    if may.amount is None:
        return replace(found, state="not evaluable" if missing else "passed")
    rule = plain.rule
    cap = Cap(rule.id, rule.title, may.amount, may.reference or rule.reference)
    found = replace(found, cap=cap, limit=round(float(may.amount), 2))
    if asked.amount is None:
        return replace(found, state="not evaluable")
    apart = away(asked.amount, may.amount)
    if asked.amount > may.amount:
        return replace(found, state="hit", distance=apart)
    return replace(
        found, state="near" if level.near > 0 and apart <= level.near else "passed", distance=apart
    )


def _limit_cap(
    rule: Rule, level: Level, row: Mapping[str, Any], day: date, asked: Asked | None
) -> Cap | None:
    """The limit of a cap that was kept, where it is one on the loan asked for and everything else of it holds."""
    if level.action != "cap" or level.cap is not None or asked is None:
        return None
    crossed = next((one for one in level.when if one.op in (">", ">=")), None)
    if crossed is None:  # a formula is the cap, and its conditions only say for whom
        return None
    others = [one for one in level.when if one is not crossed]
    limit = number(crossed.limit(day))
    if crossed.feature != asked.request.amount or limit is None:
        return None
    if not all(one.holds(row, day) for one in others):
        return None
    return Cap(rule.id, rule.title, limit, _reference(rule, crossed, day))


def _reference(rule: Rule, condition: Condition, day: date) -> str:
    dated = in_force(condition.limits, day)
    return rule.reference if dated is None else dated.reference


def _compared(
    of: tuple[Rule, Level],
    state: State,
    shown: Condition,
    at: tuple[Mapping[str, Any], date],
    *,
    cap: Cap | None = None,
) -> Finding:
    """A finding with the comparison it turned on."""
    (rule, level), (row, day) = of, at
    limit, value = shown.limit(day), row.get(shown.feature)
    told: float | str | None
    if isinstance(limit, tuple):
        own = [entry for entry in limit if value is not None and listed(str(value), (entry,))]
        told = few(own or limit)
    else:
        told = limit
    apart = distance(shown, row, day)
    return Finding(
        rule,
        state,
        level.action,
        shown.feature,
        value,
        told,
        apart,
        cap=cap,
        words=level.words,
        evidence=level.evidence,
    )
