"""What the expected loss allows: one horizon for fee and loss, the tier of the single account, and nothing gained by asking for more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rulebook import DAY, WAN, X, asking, dated, product, wan

from riskengine.decision.asked import asked_of
from riskengine.decision.limits import Suggestion, suggested
from riskengine.decision.products import Products
from riskengine.schema import parse

D = Decimal
TIERS = [dated(0.01, up_to=500 * WAN), dated(0.015)]


def book(**more: Any) -> Products:
    """One product with a fee by the year, whose budget is that of the amount itself: 40 % borne, LGD 50 %, twice the fee."""
    one = product(
        "STD",
        fee_on="loan",
        fee_per="year",
        **{"budget_of": "amount", "fee": TIERS, "amount_least": [dated(5 * WAN)], **more},
    )
    request = {"amount": "amount", "term": "term", "account": "account"}
    made, problems = parse(Products, {"request": request, "product": [one]}, "products.toml")
    assert made is not None, problems
    return made


def offered(amount: float, pd: float, made: Products | None = None, **row: Any) -> Suggestion:
    asked = asked_of(made or book(), {"amount": amount * WAN, "term": 12.0, **row}, DAY)
    found = suggested(asked, DAY, pd, horizon=D(18))
    assert found is not None
    return found


def test_fee_and_loss_are_of_one_horizon() -> None:
    """200 at a PD of 12 % within 18 months: 4.8 are lost, so the fee must be 2.4: 1 % a year for 14.4 months."""
    by_term = {term: offered(200, 0.12, term=term).amount for term in (6.0, 14.0, 15.0, 18.0, 36.0, 120.0)}
    assert by_term == {6.0: 0, 14.0: 0, 15.0: wan(200), 18.0: wan(200), 36.0: wan(200), 120.0: wan(200)}
    assert offered(200, 0.16, term=120.0).amount == 0, (
        "ten years of fees against 18 months of losses would do"
    )
    assert offered(200, 0.16, term=120.0).fee == wan(20), "what is told is the whole fee"


def test_of_the_requests_fee_the_horizon_counts_too() -> None:
    """The same, where the budget is that of the request: half of the fee that is needed allows half of the loan."""
    made = book(budget_of="request")
    assert offered(200, 0.3, made, term=18.0).amount == wan(100)
    assert offered(200, 0.3, made, term=60.0).amount == wan(100)


def test_an_unknown_term_improves_nothing() -> None:
    found = offered(200, 0.12, term=None)
    assert (found.unknown, found.assumed) == (("expected_loss",), True)
    assert "expected_loss" not in {cap.name for cap in found.caps}
    assert offered(200, 0.12).unknown == ()
    once = asking(200.0 * WAN)
    found_once = suggested(once, DAY, 0.12)
    assert found_once is not None
    assert found_once.unknown == (), "a fee that is paid once needs no term"


def test_the_fee_is_by_the_single_account() -> None:
    """Loans of 300 outstanding: one of 200 makes an account of 500, one of 201 a larger one, which pays 1.5 %."""
    fees = [offered(amount, 0.0, account=300.0 * WAN).fee for amount in (200, 201)]
    assert fees == [wan(2), wan("3.015")]
    assert offered(200, 0.0, account=None).fee == offered(200, 0.0, account=0.0).fee == wan(2)
    fund = book(fund_fee=[dated(0.003, up_to=500 * WAN), dated(0.005)])
    assert [offered(a, 0.0, fund, account=300.0 * WAN).fund_fee for a in (200, 201)] == [
        wan(200) * D("0.2") * D("0.003"), wan(201) * D("0.2") * D("0.005")
    ]  # fmt: skip


def test_a_dearer_tier_pays_for_no_cheaper_one() -> None:
    """At 12 % only 1.5 % a year pays for the risk: without an account nothing is given, above 500 outstanding all is."""
    assert [offered(amount, 0.12).amount for amount in (499, 500, 501, 900)] == [0, 0, 0, 0]
    assert offered(100, 0.12, account=500.0 * WAN).amount == wan(100)
    falling = book(fee=[dated(0.015, up_to=500 * WAN), dated(0.01)])
    assert [offered(amount, 0.12, falling).amount for amount in (499, 500, 501, 900)] == [
        wan(amount) for amount in (499, 500, 500, 500)
    ]
    assert offered(900, 0.12, falling, account=200.0 * WAN).amount == wan(300)


@settings(max_examples=200, deadline=None)
@given(
    rates=st.lists(st.sampled_from([0.004, 0.0075, 0.01, 0.015, 0.02]), min_size=1, max_size=3),
    pd=st.floats(0.001, 0.4),
    account=st.integers(0, 900),
    asked=st.tuples(st.integers(5, 999), st.integers(5, 999)).map(sorted),
    term=st.integers(1, 60),
)
def test_asking_for_more_never_gives_more(
    rates: list[float], pd: float, account: int, asked: list[int], term: int
) -> None:
    """Whoever is cut gets no more by asking for more, and what is given is paid for at the fee of its own account."""
    ends = [300 * WAN, 600 * WAN][: len(rates) - 1]
    fee = [
        dated(rate, **({"up_to": end} if end else {})) for rate, end in zip(rates, [*ends, None], strict=True)
    ]
    made = book(fee=fee)
    said = {"account": float(account * WAN), "term": float(term)}
    less, more = (offered(amount, pd, made, **said) for amount in asked)
    if less.amount < wan(asked[0]):
        assert more.amount <= less.amount
    assert less.amount <= more.amount or less.amount < wan(asked[0])
    for found in (less, more):
        if found.amount > 0:
            own = offered(float(found.amount) / WAN, pd, made, **said)
            earned = own.fee * min(D(term), D(18)) / D(term)
            assert own.exposure.expected_loss(pd) <= 2 * earned


@pytest.mark.parametrize(("amount", "given", "binding"), [(4, 0, ("smallest",)), (5, 5, ("request",))])
def test_less_than_the_smallest_loan_is_none(amount: int, given: int, binding: tuple[str, ...]) -> None:
    found = offered(amount, 0.001)
    assert (found.amount, found.binding) == (wan(given), binding)
    if not given:
        (cap,) = [cap for cap in found.caps if cap.name == "smallest"]
        assert (cap.words.en, cap.words.zh) == (
            "smallest loan of the product is 50,000", "低于产品最低金额50,000"
        )  # fmt: skip


def test_only_two_ways_to_count_a_budget() -> None:
    content = product("STD", title=X, budget_of="nothing")
    made, problems = parse(Products, {"request": {"amount": "amount"}, "product": [content]}, "products.toml")
    assert made is None
    assert "budget_of" in "\n".join(map(str, problems))
