"""Money by columns is the decimals' money, cent for cent, on half cents too; and a guarantee's worth is that of its own terms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.decision.conditions import BY_DESK
from riskengine.decision.limits import suggest
from riskengine.decision.products import Products, read_products
from riskengine.monitor.night import valued
from riskengine.portfolio.exposure import Exposure, rounded
from riskengine.portfolio.exposure_rows import at_risk, expected_losses

ROOT = Path(__file__).parents[2]
PROVINCE = read_products(ROOT / "configs" / "products.toml")
SBA = read_products(ROOT / "examples" / "sba_7a" / "configs" / "products.toml")

parts = st.decimals(min_value=0, max_value=1, places=4)
amounts = st.one_of(
    st.decimals(min_value=1, max_value=10**9, places=2),
    st.sampled_from([Decimal(1), Decimal(10**17), Decimal(3) / 7]),
)
chances = st.one_of(
    st.floats(1e-6, 1 - 1e-6), st.sampled_from([0.5, 0.125, 0.25, 0.05, 0.005, 0.015, 1e-6, 0.0])
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(amounts, parts, parts, parts, chances), min_size=1, max_size=20))
def test_every_cent_is_the_decimals(rows: list[tuple[Decimal, Decimal, Decimal, Decimal, float]]) -> None:
    terms = [None, *(Exposure(*row[:4]) for row in rows)]
    which, pds = np.arange(len(terms)), np.array([0.1, *(row[4] for row in rows)])
    risk, losses = at_risk(terms, which), expected_losses(terms, which, pds)
    assert np.isnan(risk[0])
    assert np.isnan(losses[0])
    for place, one in enumerate(terms[1:], 1):
        assert one is not None
        assert risk[place] == float(rounded(one.own))
        assert losses[place] == float(rounded(one.expected_loss(float(pds[place]))))


def test_half_cents_go_to_the_even_cent() -> None:
    one = Exposure(Decimal(100), Decimal(1), Decimal(1), Decimal("0.1"))
    pds = np.array(
        [0.0005, 0.0015, 0.0025, 0.0035]
    )  # 0.5, 1.5, 2.5, 3.5 cents: doubles lie off the half, decimals do not
    assert expected_losses([one], np.zeros(4, dtype=np.int64), pds).tolist() == [0.0, 0.02, 0.02, 0.04]


@pytest.mark.parametrize(
    ("products", "on"),
    [(PROVINCE, date(2026, 6, 30)), (PROVINCE, date(2010, 1, 1)), (SBA, date(2006, 1, 31))],
)
def test_each_guarantee_is_worth_what_its_own_terms_say(products: Products, on: date) -> None:
    frame = book(products, 600)
    found = valued(frame, products, on)
    names = products.features
    plain = frame[names].astype("object").where(frame[names].notna(), None)
    known = 0
    for number, row in enumerate(plain.to_dict("records")):
        one = suggest(products, {**dict.fromkeys(BY_DESK), **row}, on, None)
        if one is None:
            assert np.isnan(found.exposure[number])
            assert np.isnan(found.expected_loss[number])
            continue
        known += 1
        assert found.exposure[number] == float(rounded(one.exposure.own))
        assert found.expected_loss[number] == float(
            rounded(one.exposure.expected_loss(float(frame.pd[number])))
        )
    assert known > 200 or on.year == 2010
    assert valued(frame.head(0), products, on).exposure.tolist() == []


def test_what_is_outstanding_counts_only_where_an_account_may_have_no_fee() -> None:
    first = PROVINCE.products[0]
    assert PROVINCE.request.account not in PROVINCE.deciding
    ended = first.model_copy(
        update={"fee": tuple(each.model_copy(update={"up_to": 1e6}) for each in first.fee)}
    )
    tight = PROVINCE.model_copy(update={"products": (ended, *PROVINCE.products[1:])})
    assert PROVINCE.request.account in tight.deciding


def book(products: Products, size: int) -> pd.DataFrame:
    """Guarantees of all products, of round and of odd amounts; anything may be unknown."""
    dice = np.random.default_rng(8)
    said = {
        one.feature: [one.value, *one.values, *(each.value for each in one.limits)]
        for product in products.products
        for one in product.when
    }
    frame = pd.DataFrame({"pd": dice.beta(1, 30, size)})
    for name in products.features:
        values = [value for value in said.get(name, []) if value is not None]
        if any(isinstance(value, str) for value in values):
            frame[name] = pd.Series(dice.choice([*values, "another"], size), dtype="str")
        elif name in (products.request.amount, products.request.guaranteed, products.request.account):
            round_, odd = dice.integers(1, 60, size) * 50_000.0, np.round(dice.uniform(1e3, 9e6, size), 2)
            frame[name] = np.where(dice.random(size) < 0.7, round_, odd) * dice.choice(
                [1.0, 0.0, -1.0], size, p=[0.96, 0.02, 0.02]
            )
        else:
            frame[name] = dice.choice([0.0, 1.0, 2.0, 36.0], size)
        frame[name] = frame[name].where(dice.random(size) > 0.05)
    return frame
