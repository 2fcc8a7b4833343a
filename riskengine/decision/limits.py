"""For how much can this applicant be guaranteed, and which limit binds?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from riskengine.decision.conditions import Condition
from riskengine.portfolio.exposure import ZERO, Exposure, exact
from riskengine.schema import DatedValue, Definition, Words, in_force, read_definition


class Tier(DatedValue):
    """A dated value for loans up to a size; without `up_to`, for every larger one."""

    up_to: float | None = None


class Request(Definition):
    """Which features say what is asked for."""

    amount: str
    guaranteed: str = ""


class Product(Definition):
    """What can be guaranteed, up to where, at which price, with which loss if it fails; every number dated."""

    id: str
    title: Words
    when: tuple[Condition, ...] = ()  # empty: every applicant no product above has taken
    amount_cap: tuple[DatedValue, ...]
    guaranteed_cap: tuple[DatedValue, ...] = ()
    share: tuple[Tier, ...]
    fee: tuple[Tier, ...]  # once, on the guaranteed amount
    lgd: tuple[DatedValue, ...]
    guarantor_share: tuple[DatedValue, ...]
    budget: tuple[DatedValue, ...]  # how many times its fee the expected loss of a guarantee may be
    smallest: float = 0
    step: float = Field(gt=0)


class Products(Definition):
    """`configs/products.toml`: the products, tried in order, and where the request stands in the profile."""

    request: Request
    products: tuple[Product, ...] = Field(alias="product", min_length=1)

    @model_validator(mode="after")
    def _last_takes_all(self) -> Products:
        if self.products[-1].when:
            raise ValueError("the last product has no `when`: it takes every applicant the others do not")
        return self

    @property
    def features(self) -> list[str]:
        """Every feature the products read, in order of name."""
        found = {condition.feature for product in self.products for condition in product.when}
        return sorted((found | {self.request.amount, self.request.guaranteed}) - {""})


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit on the loan amount: what it is, how much it allows, after which text."""

    name: str
    words: Words
    amount: Decimal
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The amount that can be guaranteed: the least of the caps, rounded down; `binding` names all that are least."""

    product: Product
    exposure: Exposure  # at the requested amount
    fee: Decimal  # on the requested amount, unrounded
    caps: tuple[Cap, ...]
    binding: tuple[str, ...]
    amount: Decimal


def read_products(path: Path) -> Products:
    """The products of a project."""
    return read_definition(Products, path)


def product_for(products: Products, row: Mapping[str, Any], as_of: date) -> Product:
    """The first product whose conditions are all known to hold; the last takes everyone else."""
    return next(
        product
        for product in products.products
        if all(condition.holds(row, as_of) is True for condition in product.when)
    )


def tier(tiers: Sequence[Tier], amount: Decimal, as_of: date) -> Tier | None:
    """The tier for a loan of `amount`: of the tiers that began last by `as_of`, the first that reaches it."""
    begun = [item for item in tiers if item.start <= as_of]
    if not begun:
        return None
    start = max(item.start for item in begun)
    current = [item for item in begun if item.start == start]
    current.sort(key=lambda item: float("inf") if item.up_to is None else item.up_to)
    return next((item for item in current if item.up_to is None or amount <= exact(item.up_to)), None)


def suggest(
    products: Products, row: Mapping[str, Any], as_of: date, pd: float | None, policy_caps: Sequence[Cap] = ()
) -> Suggestion | None:
    """The amount that can be guaranteed on `as_of`, or None where the request or a needed number is unknown.

    The expected-loss budget is `budget` times the fee on the request; the loan whose expected loss is just that is
    `budget * fee / (PD * LGD * guarantee share * guarantor's share)`.
    """
    asked = row[products.request.amount]
    if asked is None or not asked > 0:  # NaN is not above zero
        return None
    amount = exact(asked)
    product = product_for(products, row, as_of)
    share_tier, fee_tier = tier(product.share, amount, as_of), tier(product.fee, amount, as_of)
    needed = [in_force(values, as_of) for values in (product.lgd, product.guarantor_share, product.budget)]
    lgd, guarantor, budget = needed
    if lgd is None or guarantor is None or budget is None or share_tier is None or fee_tier is None:
        return None
    share = _share(products, row, amount, exact(share_tier.value))
    exposure = Exposure(amount, share, exact(guarantor.value), exact(lgd.value))
    fee = exposure.guaranteed * exact(fee_tier.value)
    caps = [
        Cap("request", Words(en="requested amount", zh="申请金额"), amount),
        *_product_caps(product, share, as_of),
        *policy_caps,
    ]
    loss = ZERO if pd is None else exposure.expected_loss(pd)
    if loss > 0:
        words = Words(
            en=f"expected loss within {budget.value:g} x the fee",
            zh=f"预期损失不超过担保费的{budget.value:g}倍",
        )
        caps.append(
            Cap("expected_loss", words, amount * (exact(budget.value) * fee / loss), budget.reference)
        )
    least = min(cap.amount for cap in caps)
    step = exact(product.step)
    down = (least / step).to_integral_value(ROUND_FLOOR) * step
    if down < exact(product.smallest):
        down = ZERO
    if least == amount:  # nothing is cut: the request stands as it was made
        down = amount
    binding = tuple(cap.name for cap in caps if cap.amount == least)
    return Suggestion(product, exposure, fee, tuple(caps), binding, down)


def _product_caps(product: Product, share: Decimal, as_of: date) -> list[Cap]:
    found = []
    loan, guaranteed = in_force(product.amount_cap, as_of), in_force(product.guaranteed_cap, as_of)
    if loan is not None:
        words = Words(en="largest loan of the product", zh="产品单户上限")
        found.append(Cap("product", words, exact(loan.value), loan.reference))
    if guaranteed is not None and share > 0:
        words = Words(en="largest guaranteed amount", zh="担保金额上限")
        found.append(Cap("guarantee", words, exact(guaranteed.value) / share, guaranteed.reference))
    return found


def _share(products: Products, row: Mapping[str, Any], amount: Decimal, largest: Decimal) -> Decimal:
    """The share asked for, at most the product's; the product's where none is asked for."""
    asked = row[products.request.guaranteed] if products.request.guaranteed else None
    if asked is None or not asked > 0:
        return largest
    return min(exact(asked) / amount, largest)
