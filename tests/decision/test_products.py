"""Who bears which part at which price: classes, sizes and days; worked examples 1 and 4 by the products themselves."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from rulebook import DAY, WAN, asking, dated, product, products, wan

from riskengine.decision.asked import asked_of
from riskengine.decision.limits import suggested
from riskengine.decision.products import Products
from riskengine.portfolio.exposure import waterfall
from riskengine.schema import parse

D = Decimal


def shares(**more: Any) -> dict[str, Any]:
    return {"from": "2020-01-01", "reference": "t", **more}


TECH = product(
    "TECH",
    tier="class",
    shares=[
        shares(tier="1", bank=0.2, direct=0.2, province=0.2, fund=0.4),
        shares(tier="2", bank=0.2, direct=0.25, province=0.2, fund=0.35),
        shares(bank=0.2, direct=0.4, province=0.2, fund=0.2),
    ],
    fee_on="loan",
    fee_per="year",
    fund_fee=[dated(0.003, up_to=500 * WAN), dated(0.005)],
)
FOUR = product("4321", shares=[shares(bank=0.2, direct=0.4, province=0.3, government=0.1)])


def test_worked_example_1_a_little_giant() -> None:
    asked = asking(1000.0 * WAN, products(TECH), **{"class": 1.0, "term": 12.0})
    found = suggested(asked, DAY, 0.01)
    assert found is not None
    assert (found.fee, found.fund_fee, found.tier) == (wan(10), wan(2), "1")
    assert found.exposure.own == wan(200)
    flows = waterfall(wan(600), found.shares, recovery=wan(150), cost=wan(10))
    assert flows.claim == wan(480)
    assert flows.compensation == {"direct": wan(120), "province": wan(120), "fund": wan(240)}
    assert flows.recovered == {"bank": wan(28), "direct": wan(28), "province": wan(28), "fund": wan(56)}
    assert flows.loss == {"bank": wan(92), "direct": wan(92), "province": wan(92), "fund": wan(184)}


def test_worked_example_4_anhui_4321() -> None:
    asked = asking(300.0 * WAN, products(FOUR))
    assert asked.terms.shares is not None
    flows = waterfall(wan(300), asked.terms.shares.parties)
    assert flows.loss == {"direct": wan(120), "province": wan(90), "bank": wan(60), "government": wan(30)}


@pytest.mark.parametrize(("named", "direct"), [(1.0, "0.2"), ("2", "0.25"), (3.0, "0.4"), (None, "0.4")])
def test_the_class_of_the_borrower_decides_the_shares(named: Any, direct: str) -> None:
    found = suggested(asking(100.0 * WAN, products(TECH), **{"class": named}), DAY, None)
    assert found is not None
    assert found.shares["direct"] == D(direct)
    assert found.exposure.own == wan(100) * D(direct)
    assert found.fund_fee == wan(100) * found.shares["fund"] * D("0.003")


def test_a_yearly_fee_is_for_the_term_and_says_when_it_is_not_known() -> None:
    fees = []
    for term in (36.0, 6.0, None):
        found = suggested(asking(100.0 * WAN, products(TECH), term=term), DAY, 0.02)
        assert found is not None
        fees.append((found.fee, found.months, found.assumed))
    assert fees == [(wan(3), 36, False), (wan("0.5"), 6, False), (wan(1), 12, True)]
    once = suggested(asking(100.0 * WAN, products(FOUR), term=36.0), DAY, 0.02)
    assert once is not None
    assert (once.fee, once.months, once.assumed, once.fund_fee) == (wan("0.8"), None, False, 0)


def test_less_may_be_guaranteed_than_the_product_would() -> None:
    content = {"request": {"amount": "amount", "guaranteed": "part"}, "product": [TECH]}
    made, problems = parse(Products, content, "products.toml")
    assert made is not None, problems
    found = suggested(asked_of(made, {"amount": 100.0, "part": 40.0, "class": "1"}, DAY), DAY, None)
    assert found is not None
    assert found.shares == {"bank": D("0.6"), "direct": D("0.1"), "province": D("0.1"), "fund": D("0.2")}
    assert found.exposure.own == D(10)


def test_a_product_is_offered_on_its_days_and_an_unknown_wish_leaves_it_open() -> None:
    wish = [{"feature": "wish", "op": "==", "value": "PRIV"}]
    book = products(product("PRIV", when=wish, **{"from": "2026-01-20", "to": "2027-12-31"}), product("STD"))
    days = [date(2026, 1, 19), date(2026, 1, 20), date(2027, 12, 31), date(2028, 1, 1)]
    found = [asking(1.0, book, day, wish="PRIV") for day in days]
    assert [(one.product, one.offered) for one in found] == [
        ("PRIV", False), ("PRIV", True), ("PRIV", True), ("PRIV", False)
    ]  # fmt: skip
    other, open_ = asking(1.0, book, wish="BATCH"), asking(1.0, book, wish=None)
    assert (other.product, other.rivals, other.unsaid) == ("STD", (), ())
    assert (open_.product, open_.rivals, open_.unsaid) == ("STD", ("PRIV",), ("wish",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (product("A", shares=[shares(bank=0.2, direct=0.7)]), "shares that add up to 1, not 0.9"),
        (product("A", when=[{"feature": "x", "op": "==", "value": 1}]), "the last product has no `when`"),
        (product("A", sizes=["小型"]), "request.size"),
        (product("A", term_most=[dated(12)]), "request.term"),
    ],
)
def test_unsound_products_are_refused(content: dict[str, Any], words: str) -> None:
    made, problems = parse(Products, {"request": {"amount": "amount"}, "product": [content]}, "products.toml")
    assert made is None
    assert words in "\n".join(map(str, problems))
