"""Are the written rules and products complete, dated and referenced, and does every number bite exactly at its limit?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from riskengine.decision.asked import asked_of
from riskengine.decision.conditions import Condition
from riskengine.decision.findings import Finding, Standing, rule_finding
from riskengine.decision.policy import read_policy
from riskengine.decision.products import Product, Shares, read_products, terms_of
from riskengine.decision.rules import Level, Rule
from riskengine.portfolio.exposure import exact
from riskengine.schema import Dated, Words

CONFIGS = Path(__file__).parents[2] / "configs"
POLICY = read_policy(CONFIGS / "policy.toml")
PRODUCTS = read_products(CONFIGS / "products.toml")
RULES = [*POLICY.rules, *POLICY.formulas]
BY_ID = {product.id: product for product in PRODUCTS.products}
DAY = date(2026, 6, 1)
SPELLED = {"STD": "STD", "SD-AGRI": "AGRI", "BATCH": "ZDZ"}  # an older spelling must lead to the product too


def told(words: Words | None) -> bool:
    return bool(words and words.en.strip() and any("\u3400" <= sign <= "\u9fff" for sign in words.zh))


def test_the_44_rules_and_the_8_products_are_there() -> None:
    assert [rule.id for rule in POLICY.rules] == [f"A{number:02d}" for number in range(1, 45)]
    assert sorted(BY_ID) == sorted(
        ["STD", "TECH", "PRIV", "BATCH", "AH-TECH", "AH-4321", "SD-AGRI", "SD-FMD"]
    )
    assert POLICY.unknown_products(BY_ID) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_tells_a_committee_what_it_is(rule: Rule) -> None:
    assert told(rule.title)
    assert told(rule.words)
    assert told(rule.next), "what the officer does next"
    assert all(told(level.words) for level in rule.levels)
    assert rule.start
    assert "domain page" in rule.reference
    assert set(rule.evidence) <= set("ABCDK")
    assert not rule.hard or set(rule.evidence) & {"A", "B"}
    for dated in dates_of(rule):
        assert dated.reference.strip(), dated
        assert dated.evidence, dated
        assert dated.start <= date(2026, 11, 22)
    for level in rule.steps:
        for condition in (*level.when, *level.unless):
            assert condition.value in (None, 0, 1), f"{condition.feature}: a number someone chose is dated"


def dates_of(rule: Rule) -> Iterator[Dated]:
    yield from rule.above
    for level in rule.steps:
        for condition in (*level.when, *level.unless):
            yield from (*condition.limits, *condition.lists)
        if level.cap:
            yield from (*level.cap.limits, *level.cap.weight, *level.cap.weight_up_to)


@pytest.mark.parametrize("product", PRODUCTS.products, ids=lambda product: product.id)
def test_a_products_numbers_are_dated_referenced_and_its_shares_whole(product: Product) -> None:
    assert told(product.title)
    assert product.reference
    for name in Product.model_fields:
        for dated in (item for item in as_tuple(getattr(product, name)) if isinstance(item, Dated)):
            assert dated.reference.strip(), (name, dated)
            assert dated.evidence, (name, dated)
    begins = product.start or date(2017, 10, 1)
    for day in (date(2017, 10, 1), date(2024, 7, 23), date(2024, 7, 24), date(2026, 1, 20), DAY):
        if day < begins:
            continue
        for tier in ("", 0.0, 1.0, 2.0, 3.0, None):
            terms = terms_of(product, {product.tier: tier} if product.tier else {}, exact(1_000_000.0), day)
            assert isinstance(terms.shares, Shares)
            assert sum(terms.shares.parties.values()) == 1
            assert terms.shares.bank >= 0.2, "国办发〔2019〕6号"
            assert terms.fee is not None
            assert terms.amount_cap is not None
            assert terms.lgd is not None
            assert terms.budget is not None


def as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


@pytest.mark.parametrize(
    ("product", "tier", "fund", "direct"),
    [("TECH", 1.0, 0.40, 0.20), ("TECH", 2.0, 0.35, 0.25), ("TECH", 3.0, 0.30, 0.30), ("PRIV", None, 0.40, 0.20), ("STD", None, 0.20, 0.40)],
)  # fmt: skip
def test_the_funds_part_follows_the_class(
    product: str, tier: float | None, fund: float, direct: float
) -> None:
    shares = terms_of(BY_ID[product], {"technology_class": tier}, exact(1e6), DAY).shares
    assert shares is not None
    assert (shares.bank, shares.direct, shares.province, shares.fund) == (0.2, direct, 0.2, fund)


@pytest.mark.parametrize(
    ("product", "day", "cap"),
    [("TECH", date(2024, 7, 23), 1e7), ("TECH", date(2024, 7, 24), 3e7), ("PRIV", date(2026, 1, 20), 2e7), ("STD", DAY, 1e7),
     ("BATCH", DAY, 1e7), ("AH-TECH", DAY, 5e6), ("AH-4321", DAY, 2e7), ("SD-AGRI", DAY, 3e6), ("SD-FMD", DAY, 3e6)],
)  # fmt: skip
def test_the_caps_have_their_history(product: str, day: date, cap: float) -> None:
    found = terms_of(BY_ID[product], {}, exact(1e6), day).amount_cap
    assert found is not None
    assert found.value == cap


def test_the_private_plan_is_offered_from_its_day() -> None:
    assert not BY_ID["PRIV"].offered_on(date(2026, 1, 19))
    assert BY_ID["PRIV"].offered_on(date(2026, 1, 20))


# Every number at its limit and one step inside it.

LEVELS = [(rule, number) for rule in RULES for number, _ in enumerate(rule.steps)]
CONDITIONS = [(rule, n, m) for rule, n in LEVELS for m, _ in enumerate(rule.steps[n].when)]


def one_level(rule: Rule, level: Level) -> Rule:
    nothing: dict[str, Any] = {"action": None, "when": (), "unless": (), "cap": None}
    return rule.model_copy(update={**nothing, "levels": (level,)})


def crossing(condition: Condition, hit: bool) -> Any:
    """A value at the limit, on the side where the condition holds or on the other."""
    limit = condition.limit(DAY)
    if isinstance(limit, tuple):
        inside = limit[0].replace("*", "11")
        return inside if hit == (condition.op == "in") else "~"
    assert isinstance(limit, float | int)
    step = 1.0 if float(limit).is_integer() else 0.001
    away = {">": (step, 0.0), ">=": (0.0, -step), "<": (-step, 0.0), "<=": (0.0, step), "==": (0.0, 1.0)}
    return limit + away[condition.op][0 if hit else 1]


def product_of(rule: Rule, level: Level, avoided: bool = False) -> str:
    """A product that the rule is for and that the step's own scope takes (or, avoided, does not)."""
    scope = [one for one in level.when if one.feature == "product"]
    for name in rule.products or BY_ID:
        if all(one.holds({"product": name}, DAY) != avoided for one in scope):
            return name
    return "STD"


def said(rule: Rule, level: Level, row: dict[str, Any], product: str) -> Finding:
    row = {
        **dict.fromkeys(rule.features),
        "technology_class": None,
        "enterprise_size": None,
        "requested_amount": 4e6,
        **row,
    }
    row |= {"requested_product": SPELLED.get(product, product), "requested_term": 24.0, "product": product}
    row |= {name: row.get(name) for name in PRODUCTS.features}
    asked = asked_of(PRODUCTS, row, DAY)
    assert asked.product == product
    return rule_finding(one_level(rule, level), row, DAY, asked, Standing())


@pytest.mark.parametrize(
    ("rule", "number", "place"), CONDITIONS, ids=[f"{r.id}-{n}-{m}" for r, n, m in CONDITIONS]
)
def test_a_condition_bites_at_its_limit_and_not_one_step_inside(rule: Rule, number: int, place: int) -> None:
    level = rule.steps[number]
    changed = level.when[place]
    row = {one.feature: crossing(one, True) for one in level.when if one.feature != "product"}
    row |= {one.feature: 0 for one in level.unless}
    if level.cap:  # so little that the formula never allows the loan
        row |= dict.fromkeys(level.cap.inputs.values(), 1.0)
    assert said(rule, level, row, product_of(rule, level)).state == "hit"
    if changed.feature == "product":
        assert said(rule, level, row, product_of(rule, level, avoided=True)).state in (
            "passed",
            "near",
            "not applicable",
        )
    else:
        row[changed.feature] = crossing(changed, False)
        assert said(rule, level, row, product_of(rule, level)).state in ("passed", "near", "not applicable")
        row[changed.feature] = None
        assert said(rule, level, row, product_of(rule, level)).state == "not evaluable", (
            "missing clears nothing"
        )


CAPS = [(rule, n) for rule, n in LEVELS if rule.steps[n].cap]
INPUTS = {"outstanding": 0.0, "existing": 0.0, "sales": 2e7, "others": 0.0, "assets": 2e7, "liabilities": 6e6, "net_assets": 1e8, "equity_in_guarantors": 2e7,
          "account": 0.0, "margin": 0.1, "growth": 0.2, "turns": 4.0, "own": 1e6, "cost": 5e6}  # fmt: skip


def by_hand(formula: str, limit: float, product: str) -> float:
    """The loan that is just allowed with INPUTS."""
    cap = terms_of(BY_ID[product], {}, exact(1.0), DAY).amount_cap
    assert cap is not None
    return {
        "product": cap.value,
        "total": limit,
        "turnover": limit * 2e7,
        "leverage": (limit * 2e7 - 6e6) / (1 - limit),
        "working_capital": 2e7 * 0.9 * 1.2 / 4 - 1e6,
        "units": limit * 5e6,
        "net_assets": limit * 8e7 / 0.8,
    }[formula]


@pytest.mark.parametrize(("rule", "number"), CAPS, ids=[f"{r.id}-{n}" for r, n in CAPS])
def test_a_formula_allows_its_amount_and_not_one_yuan_more(rule: Rule, number: int) -> None:
    level = rule.steps[number]
    assert level.cap is not None
    product = product_of(rule, level)
    limit = level.cap.limits[-1].value if level.cap.limits else 0.0
    allowed = by_hand(level.cap.formula, limit, product)
    row = {feature: INPUTS[name] for name, feature in level.cap.inputs.items()}
    row |= {
        one.feature: crossing(one, True)
        for one in level.when
        if one.feature not in ("product", "requested_amount")
    }
    row |= {one.feature: 0 for one in level.unless}
    kept = said(rule, level, row | {"requested_amount": float(int(allowed + 1e-6))}, product)
    assert kept.state in ("passed", "near", "not applicable")
    passed = said(rule, level, row | {"requested_amount": float(int(allowed + 1e-6)) + 1}, product)
    if passed.why != "amount not above":
        assert passed.state == "hit"
        assert passed.cap is not None
        assert float(passed.cap.amount) == pytest.approx(allowed, abs=0.01)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.above], ids=lambda rule: rule.id)
def test_a_rule_for_larger_loans_begins_one_yuan_above(rule: Rule) -> None:
    level = rule.steps[0]
    row = {one.feature: crossing(one, True) for one in level.when}
    row |= dict.fromkeys(level.cap.inputs.values(), 1.0) if level.cap else {}
    on, above = (
        said(rule, level, row | {"requested_amount": rule.above[0].value + more}, rule.products[0])
        for more in (0, 1)
    )
    assert (on.state, on.why) == ("not applicable", "amount not above")
    assert above.state == "hit"
