"""Small policies and products written for tests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.decision.asked import Asked, asked_of
from riskengine.decision.policy import Policy
from riskengine.decision.products import Products
from riskengine.schema import parse

DAY = date(2026, 6, 30)
WAN = 10_000
X = {"en": "x", "zh": "某"}


def dated(value: float, start: str = "2020-01-01", **more: Any) -> dict[str, Any]:
    return {"from": start, "value": value, "reference": f"since {start}", **more}


def rule(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": X, "words": X, "reference": "test", "evidence": "D", **more}


def policy(*rules: dict[str, Any], formulas: Any = (), switches: Any = (), **decision: Any) -> Policy:
    threshold = {"from": "2000-01-01", "pass_up_to": "A", "decline_from": "C", "reference": "test"}
    content = {
        "decision": {"model": "m", "thresholds": [threshold], **decision},
        "rule": list(rules), "formula": list(formulas), "switch": list(switches),
    }  # fmt: skip
    made, problems = parse(Policy, content, "policy.toml")
    assert made is not None, problems
    return made


def refused(*rules: dict[str, Any], formulas: Any = (), switches: Any = ()) -> str:
    content = {
        "decision": {"model": "m", "thresholds": []},
        "rule": list(rules), "formula": list(formulas), "switch": list(switches),
    }  # fmt: skip
    made, problems = parse(Policy, content, "policy.toml")
    assert made is None
    return "\n".join(map(str, problems))


def product(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "title": {"en": f"Product {id_}", "zh": f"产品{id_}"},
        "amount_cap": [dated(1000 * WAN)],
        "shares": [{"from": "2020-01-01", "bank": 0.2, "direct": 0.4, "province": 0.2, "fund": 0.2, "reference": "t"}],
        "fee": [dated(0.01)],
        "lgd": [dated(0.5)],
        "budget": [dated(2)],
        "step": WAN,
        **more,
    }  # fmt: skip


def products(*items: dict[str, Any]) -> Products:
    content = {
        "request": {"amount": "amount", "term": "term", "size": "size_class", "purpose": "purpose"},
        "product": list(items) or [product("STD")],
    }
    made, problems = parse(Products, content, "products.toml")
    assert made is not None, problems
    return made


def asking(amount: float | None, made: Products | None = None, day: date = DAY, **row: Any) -> Asked:
    return asked_of(made or products(), {"amount": amount, **row}, day)


def wan(amount: float | str) -> Decimal:
    return Decimal(str(amount)) * WAN
