"""What can be guaranteed: to whom, up to where, at which price, and who bears which part of a loss?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from riskengine.decision.conditions import BY_DESK, Condition
from riskengine.portfolio.exposure import ZERO, exact
from riskengine.schema import Dated, DatedValue, Definition, Words, in_force, read_definition

PARTIES = ("bank", "direct", "province", "fund", "government")


class Tier(DatedValue):
    """A dated value for single accounts (a client's loans, the new one included) up to a size; without `up_to`, for every larger one."""

    up_to: float | None = None


class Shares(Dated):
    """Who bears which part of a loss, as fractions of the loan that add up to 1.

    `up_to` is the size of the loan; `tier` names the class of borrower it is for (the value of the product's `tier` feature), none: any
    other.
    """

    bank: float = Field(ge=0, le=1)
    direct: float = Field(ge=0, le=1)  # this institution
    province: float = Field(default=0, ge=0, le=1)
    fund: float = Field(default=0, ge=0, le=1)
    government: float = Field(default=0, ge=0, le=1)
    up_to: float | None = None
    tier: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Shares:
        if sum(self.parties.values()) != 1:
            raise ValueError(f"shares that add up to 1, not {sum(self.parties.values())}")
        return self

    @property
    def parties(self) -> dict[str, Decimal]:
        """Each party's part, exact."""
        return {name: exact(getattr(self, name)) for name in PARTIES if getattr(self, name) or name == "bank"}

    @property
    def guaranteed(self) -> Decimal:
        """The part of the loan that is guaranteed: all but the bank's."""
        return 1 - exact(self.bank)

    @property
    def retained(self) -> Decimal:
        """The part of the guarantee that this institution bears itself."""
        return exact(self.direct) / self.guaranteed if self.guaranteed else Decimal(0)


class Request(Definition):
    """Which features say what is asked for; `account` is what is outstanding of the client's loans before it (none: nothing)."""

    amount: str
    guaranteed: str = ""
    term: str = ""  # months
    account: str = ""  # currency units
    size: str = ""  # the class of 中小企业划型 that the enterprise is of
    purpose: str = ""


class Product(Definition):
    """One product; every number dated.

    `sizes`, `eligible` and `purposes` say for whom and for what it is (none: no limit of that kind); rules with the tests
    `size`, `eligible` and `purpose` read them, and `lists` tells people what `eligible` means. `tier` is the feature that
    says which class of `shares` a borrower is of. `fee_on` and `fee_per` say what the fee is a fraction of, and for how
    long. `budget_of` says whose fee the budget is a multiple of: that of the request, or that of the amount given itself.
    `amount_least` is the smallest loan that may be asked for, `smallest` the smallest that a cap may leave.
    """

    id: str
    title: Words
    when: tuple[Condition, ...] = ()  # empty: every applicant no product above has taken
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")
    sizes: tuple[str, ...] = ()
    eligible: tuple[Condition, ...] = ()  # all must hold
    lists: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    amount_least: tuple[DatedValue, ...] = ()
    amount_cap: tuple[DatedValue, ...]
    guaranteed_cap: tuple[DatedValue, ...] = ()
    term_least: tuple[DatedValue, ...] = ()  # months
    term_most: tuple[DatedValue, ...] = ()  # months
    tier: str = ""
    shares: tuple[Shares, ...] = Field(min_length=1)
    fee: tuple[Tier, ...]
    fee_on: Literal["guaranteed", "loan"] = "guaranteed"
    fee_per: Literal["once", "year"] = "once"
    fund_fee: tuple[Tier, ...] = ()  # a year, on the Fund's part of the loan
    compensation_cap: tuple[DatedValue, ...] = ()  # compensation rate above which the system stops paying
    grace_days: tuple[DatedValue, ...] = ()
    lgd: tuple[DatedValue, ...]
    budget: tuple[DatedValue, ...]  # how many times its fee the expected loss of a guarantee may be
    budget_of: Literal["request", "amount"] = "request"
    smallest: float = 0
    step: float = Field(gt=0)
    reference: str = ""
    evidence: str = "D"

    def offered_on(self, as_of: date) -> bool:
        """Whether it is offered on a day (both ends included)."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


class Products(Definition):
    """`configs/products.toml`: the products, tried in order, and where the request stands in the profile."""

    request: Request
    products: tuple[Product, ...] = Field(alias="product", min_length=1)

    @model_validator(mode="after")
    def _last_takes_all(self) -> Products:
        if self.products[-1].when:
            raise ValueError("the last product has no `when`: it takes every applicant the others do not")
        if len(set(self.ids)) < len(self.ids):
            raise ValueError("each product has its own id")
        if any(product.sizes for product in self.products) and not self.request.size:
            raise ValueError(
                "products with sizes need request.size, the feature that says an applicant's size"
            )
        if any(product.purposes for product in self.products) and not self.request.purpose:
            raise ValueError("products with purposes need request.purpose, the feature that says it")
        if (
            any(product.term_least or product.term_most for product in self.products)
            and not self.request.term
        ):
            raise ValueError("products with terms need request.term, the feature that says the months")
        return self

    @property
    def features(self) -> list[str]:
        """Every feature the products read, in order of name; what the desk itself knows (`BY_DESK`) is none."""
        found = {c.feature for product in self.products for c in (*product.when, *product.eligible)}
        found |= {product.tier for product in self.products}
        return sorted((found | set(self.request.model_dump().values())) - {"", *BY_DESK})

    @property
    def deciding(self) -> list[str]:
        """Of the features those that the exposure of a guarantee rests on: what chooses product and shares, and the request.

        What is outstanding counts only where some account has no fee, and so no terms.
        """
        found = {one.feature for product in self.products for one in product.when}
        found |= {product.tier for product in self.products}
        found |= {self.request.amount, self.request.guaranteed}
        for product in self.products:
            endless = {each.start for each in product.fee if each.up_to is None}
            if any(each.start not in endless for each in product.fee):
                found.add(self.request.account)
        return sorted(found & set(self.features))

    @property
    def ids(self) -> list[str]:
        """The products' ids, in the order in which they are tried."""
        return [product.id for product in self.products]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a product means for one applicant on one day; None where no number is in force."""

    product: Product
    tier: str
    shares: Shares | None
    fee: Tier | None
    amount_cap: DatedValue | None
    lgd: DatedValue | None
    budget: DatedValue | None


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


def terms_of(
    product: Product, row: Mapping[str, Any], amount: Decimal, as_of: date, existing: Decimal = ZERO
) -> Terms:
    """The product's terms for a loan of `amount` to a borrower of a profile row who has `existing` loans, on a day."""
    said = row.get(product.tier) if product.tier else None
    name = "" if said is None else f"{said:g}" if isinstance(said, float) else str(said)
    own = [item for item in product.shares if item.tier == name] or [s for s in product.shares if not s.tier]
    return Terms(
        product,
        name,
        tier(own, amount, as_of),
        tier(product.fee, existing + amount, as_of),
        in_force(product.amount_cap, as_of),
        in_force(product.lgd, as_of),
        in_force(product.budget, as_of),
    )


Tiered = TypeVar("Tiered", Tier, Shares)


def tier(tiers: Sequence[Tiered], amount: Decimal, as_of: date) -> Tiered | None:
    """The tier for an `amount`: of the tiers that began last by `as_of`, the first that reaches it."""
    return next(
        (item for item in tiers_on(tiers, as_of) if item.up_to is None or amount <= exact(item.up_to)), None
    )


def tiers_on(tiers: Sequence[Tiered], as_of: date) -> list[Tiered]:
    """The tiers that began last by `as_of`, the smallest first; none before the first."""
    begun = [item for item in tiers if item.start <= as_of]
    if not begun:
        return []
    start = max(item.start for item in begun)
    current = [item for item in begun if item.start == start]
    return sorted(current, key=lambda item: float("inf") if item.up_to is None else item.up_to)
