"""Worked example 5 of the domain page, and every formula against a scan of all amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rulebook import DAY, WAN, asking, dated, policy, product, products, refused, rule, wan

from riskengine.decision.caps import allowed
from riskengine.decision.limits import suggested
from riskengine.decision.policy import evaluate
from riskengine.decision.rules import AmountCap
from riskengine.schema import parse

D = Decimal


def cap(formula: str, limit: float | None = None, **more: Any) -> dict[str, Any]:
    return {"formula": formula, **({} if limit is None else {"limits": [dated(limit)]}), **more}


def made(content: dict[str, Any]) -> AmountCap:
    found, problems = parse(AmountCap, content, "cap")
    assert found is not None, problems
    return found


NET = {"net_assets": "na", "existing": "now", "account": "account"}
LIGHT = {"weight": [dated(0.75)], "weight_up_to": [dated(500 * WAN)]}
EXAMPLE = [
    rule("A29", action="cap", cap=cap("turnover", 0.4, inputs={"sales": "sales", "others": "others"})),
    rule("A28", action="cap", cap=cap("leverage", 0.7, inputs={"assets": "assets", "liabilities": "debts"})),
    rule("A32", action="cap", cap=cap("product", inputs={"outstanding": "own"})),
]
ROW = {
    "amount": 800.0 * WAN, "sales": 3000.0 * WAN, "others": 500.0 * WAN, "assets": 2000.0 * WAN,
    "debts": 1100.0 * WAN, "own": 0.0, "na": 5600.0 * WAN, "now": 0.0, "account": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "concentration", "final", "binding"),
    [
        ("guaranteed", 700, 700, ("A29", "A33")),
        ("loan", 560, 560, ("A33",)),
        ("own_retained", 1400, 700, ("A29",)),
    ],
)
def test_worked_example_5_all_binding_caps(
    basis: str, concentration: int, final: int, binding: tuple[str, ...]
) -> None:
    """Own retained: 40 of the 80 that are guaranteed, so 560 / 0.4."""
    a33 = rule("A33", action="cap", cap=cap("net_assets", 0.1, basis=basis, inputs=NET, **LIGHT))
    asked = asking(ROW["amount"])
    found = {one.rule.id: one for one in evaluate(policy(*EXAMPLE, a33), ROW, DAY, asked)}
    amounts = {name: one.cap.amount for name, one in found.items() if one.cap}
    assert amounts == {"A29": wan(700), "A28": wan(1000), "A32": wan(1000), "A33": wan(concentration)}
    assert [name for name, one in found.items() if one.state == "hit"] == sorted(
        (name for name, amount in amounts.items() if amount < wan(800)), key=list(found).index
    )
    assert found["A29"].distance == round(100 / 700, 6)
    suggestion = suggested(asked, DAY, 0.01, [one.cap for one in found.values() if one.cap])
    assert suggestion is not None
    assert (suggestion.amount, suggestion.binding) == (wan(final), binding)
    assert {each.name for each in suggestion.caps} == {"request", "product", "expected_loss", *amounts}


def test_a_small_account_weighs_less_until_it_is_none() -> None:
    """Net assets of 4,000: 400 may count. Loans of up to 500 weigh 75 % of the guaranteed 80 %, larger ones all of it."""
    one = made(cap("net_assets", 0.1, inputs=NET, **LIGHT))
    asked = asking(800.0 * WAN)

    def most(net: float, now: float = 0, account: float = 0) -> Decimal | None:
        return allowed(one, asked, {"na": net * WAN, "now": now * WAN, "account": account * WAN}, DAY).amount

    assert most(4000) == wan(500)  # 400 / 0.8 is just the edge, where it still weighs 75 %
    assert most(3900) == wan(500)  # 390 / 0.6 = 650 is above the edge; in full only 487.5
    assert most(2400) == wan(400)  # 240 / 0.6
    assert most(5600) == wan(700)  # 560 / 0.8
    assert most(4000, now=180, account=300) == wan(
        200
    )  # 220 / 0.6 = 366, but an account of 500 weighs more from then on
    assert most(4000, now=400) == 0
    assert most(-1) == 0


def test_unknown_inputs_and_numbers_not_in_force() -> None:
    one = made(cap("turnover", 0.4, inputs={"sales": "sales", "others": "others"}))
    asked = asking(800.0 * WAN)
    assert allowed(one, asked, {"sales": None, "others": float("nan")}, DAY).missing == ("sales", "others")
    early = allowed(one, asked, ROW, DAY.replace(year=2019))
    assert (early.in_force, early.amount) == (False, None)
    no_others = made(cap("turnover", 0.4, inputs={"sales": "sales"}))
    assert allowed(no_others, asked, ROW, DAY).amount == wan(1200)
    (found,) = evaluate(policy(EXAMPLE[0]), {**ROW, "sales": None}, DAY, asked)
    assert (found.state, found.missing, found.outcome, found.cap) == (
        "not evaluable",
        ("sales",),
        "refer",
        None,
    )
    (found,) = evaluate(policy(EXAMPLE[0]), ROW, DAY, asking(None))
    assert (found.state, found.missing) == ("not evaluable", ("amount",))
    (found,) = evaluate(policy(EXAMPLE[0]), ROW, DAY.replace(year=2019), asked)
    assert (found.state, found.why) == ("not applicable", "not in force")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (cap("turnover", 0.4, inputs={"sale": "x"}), r"lacking \['sales'\], unknown \['sale'\]"),
        (cap("turnover", inputs={"sales": "x"}), "dated shares or amounts"),
        (cap("leverage", 1.0, inputs={"assets": "a", "liabilities": "l"}), "a share below 1"),
        (cap("net_assets", 0.1, inputs=NET, weight=[dated(0.75)]), "weight and weight_up_to together"),
        (cap("net_assets", 0.1, inputs=NET, **{**LIGHT, "weight": [dated(0)]}), "above 0 and at most 1"),
    ],
)
def test_unsound_formulas_are_refused(content: dict[str, Any], words: str) -> None:
    import re

    assert re.search(words, refused(rule("A", action="cap", cap=content)))


_amounts = st.integers(0, 60)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_formula_allows_the_largest_amount_that_a_scan_finds(data: st.DataObject) -> None:
    """Every whole amount up to 200 is tried by the rule's own words; what the formula allows lies at the edge."""
    draw = {name: data.draw(_amounts, name) for name in ("a", "b", "c", "d")}
    k = data.draw(st.sampled_from([0.1, 0.2, 0.4, 0.7]))
    bank = data.draw(st.sampled_from([0.0, 0.2, 0.5]))
    shares = [{"from": "2020-01-01", "bank": bank, "direct": 1 - bank, "reference": "t"}]
    asked = asking(100.0, products(product("STD", shares=shares)))
    basis = data.draw(st.sampled_from(["loan", "guaranteed", "own_retained"]))
    light = {"weight": [dated(0.75)], "weight_up_to": [dated(data.draw(st.integers(1, 80)))]}
    edge, part = D(str(light["weight_up_to"][0]["value"])), D(1) if basis == "loan" else 1 - D(str(bank))
    row = {name: float(value) for name, value in draw.items()}
    a, b, c, d = (D(value) for value in draw.values())
    share = D(str(k))

    def exposure(x: D) -> D:
        """What counts after a loan of x: the account at its weight, the rest of what exists as it is."""
        small = a + x <= edge
        before = (D("0.75") if a <= edge else D(1)) * a * part
        return b - before + (D("0.75") if small else D(1)) * (a + x) * part

    tried: dict[str, tuple[dict[str, Any], Any]] = {
        "turnover": (cap("turnover", k, inputs={"sales": "a", "others": "b"}), lambda x: x + b <= share * a),
        "total": (cap("total", 50, inputs={"existing": "a"}), lambda x: a + x <= 50),
        "units": (cap("units", k, inputs={"cost": "a", "existing": "b"}), lambda x: x + b <= share * a),
        "leverage": (
            cap("leverage", k, inputs={"assets": "a", "liabilities": "b"}),
            lambda x: b + x <= share * (a + x),
        ),
        "working_capital": (
            cap("working_capital", inputs={"sales": "a", "margin": "k", "growth": "k", "turns": "t", "own": "b", "existing": "c"}),
            lambda x: x + b + c <= a * (1 - share) * (1 + share) / 4,
        ),
        "net_assets": (
            cap("net_assets", k, basis=basis, inputs={"net_assets": "n", "equity_in_guarantors": "c", "existing": "b", "account": "a"}, **light),
            lambda x: exposure(x) <= share * (d * 10 - c),
        ),
    }  # fmt: skip
    content, holds = tried[data.draw(st.sampled_from(sorted(tried)))]
    found = allowed(made(content), asked, {**row, "k": k, "t": 4.0, "n": row["d"] * 10}, DAY).amount
    assert found is not None
    scanned = [x for x in range(4000) if holds(D(x))]
    largest = max(scanned, default=None)
    if largest is None:
        assert found < 1
    elif largest < 3999:
        assert largest <= found < largest + 1
