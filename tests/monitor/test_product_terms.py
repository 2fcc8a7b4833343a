"""What products.toml says on the day is what signals and reminders compare with: one number, dated, by the product's conditions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from riskengine.decision.products import read_products
from riskengine.errors import UsageError
from riskengine.monitor.product_terms import OfProduct, with_products
from riskengine.monitor.shown import read_shown
from riskengine.monitor.vocabulary import Vocabulary

CONFIGS = Path(__file__).parents[2] / "configs"
WANTED = read_shown(CONFIGS / "nightly.toml", Vocabulary(
    {"industry": ("industry",), "product": ("product",), **{name: (name,) for name in ("region", "institution", "bank")}},
    dict.fromkeys(["enterprise_name", "product_compensation_rate_12m", "batch_compensation_rate_12m", "tax_burden_domestic_12m",
                   "months_on_book", "guaranteed_amount", "guarantee_end", "overdue_days", "open_enforcements"], "number"),
)).of_product  # fmt: skip


def test_the_number_in_force_on_the_day_by_the_products_conditions() -> None:
    products = ["TECH", "BATCH", "ZDZ", "AH-4321", None]
    frame = pd.DataFrame({
        "id": list("abcde"), "requested_product": products, "product_compensation_rate_12m": 0.02,
        "batch_compensation_rate_12m": 0.02625})  # fmt: skip
    found = {
        day: with_products(frame, WANTED, read_products(CONFIGS / "products.toml"), day)
        for day in (date(2024, 7, 23), date(2024, 7, 24))
    }
    before, after = found[date(2024, 7, 23)], found[date(2024, 7, 24)]
    assert before.product_compensation_cap.fillna(0).tolist() == [0.04, 0.03, 0.03, 0, 0.04]
    assert after.product_compensation_cap.fillna(0).tolist() == [0.05, 0.03, 0.03, 0, 0.04]
    # domain page 8.2, example 2: 2.625 % of 3 % is 87.5 %; without a cap it cannot be said
    assert after.product_cap_used.fillna(-1).tolist() == pytest.approx([0.4, 0.875, 0.875, -1, 0.5])
    assert after.product_grace_days.tolist() == [90, 60, 60, 90, 90]


def test_such_a_name_is_one_of_its_key_and_rests_on_its_features() -> None:
    one = OfProduct.model_validate({"name": "used", "title": {"en": "a", "zh": "b"}, "value": "compensation_cap", "by": "product",
                                    "feature": "rate", "features": {"BATCH": "batch"}})  # fmt: skip
    known = Vocabulary({"product": ("product",), "bank": ("bank",)}, {"rate": "number", "batch": "number"},
                       sources={"rate": ("release",), "batch": ("compensation", "release")})  # fmt: skip
    told = known.with_products([one])
    assert "used" in told.kinds("product")
    assert "used" not in told.kinds("bank")
    assert told.resting_on(["compensation"]) == {"batch", "used"}
    assert told.peers == {"used": "rate"}
    assert known.with_products([one.model_copy(update={"feature": "rat"})]).features == known.features


def test_what_is_wrong_with_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "nightly.toml").write_text("""
[[of_product]]
name = "rate"
title = { en = "a", zh = "a" }
value = "grace_days"
by = "prodct"
feature = "rat"
""")
    with pytest.raises(UsageError) as raised:
        read_shown(tmp_path / "nightly.toml", Vocabulary({"product": ("product",)}, {"rate": "number"}))
    told = str(raised.value)
    assert all(part in told for part in ("a name not used yet", "'rat'", "a key that forms groups"))
