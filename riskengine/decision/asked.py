"""What is asked for: which product, on which terms, how much of it to be guaranteed, for how long?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.decision.conditions import Condition
from riskengine.decision.products import Products, Request, Terms, product_for, terms_of
from riskengine.portfolio.exposure import ZERO, exact


@dataclass(frozen=True, slots=True)
class Asked:
    """A loan asked for, and the product that would carry it on the rules' day.

    `amount` is the loan in currency units and `term` its months, None where unknown; `share` the part of the loan to be
    guaranteed (None where no shares are in force). `rivals` are the products that it may be as well because something
    that they depend on, `unsaid`, is unknown. `existing` is what is outstanding of the client's loans (0 where unknown:
    the fee of a small account is the lower one).
    """

    request: Request
    terms: Terms
    amount: Decimal | None
    share: Decimal | None
    term: Decimal | None
    offered: bool
    rivals: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    existing: Decimal = ZERO

    @property
    def product(self) -> str:
        """The product's id."""
        return self.terms.product.id

    @property
    def retained(self) -> Decimal | None:
        """The part of the loan that this institution bears itself."""
        shares = self.terms.shares
        return None if shares is None or self.share is None else self.share * shares.retained


def asked_of(products: Products, row: Mapping[str, Any], rules_day: date) -> Asked:
    """What the profile row asks for, as the products stand on `rules_day`."""
    request, product = products.request, product_for(products, row, rules_day)
    amount = number(row.get(request.amount))
    if amount is not None and amount <= 0:
        amount = None
    existing = max((number(row.get(request.account)) if request.account else None) or ZERO, ZERO)
    terms = terms_of(product, row, ZERO if amount is None else amount, rules_day, existing)
    rivals, unsaid = _rivals(products, row, rules_day)
    return Asked(
        request,
        terms,
        amount,
        _share(request, terms, row, amount),
        number(row.get(request.term)) if request.term else None,
        product.offered_on(rules_day),
        rivals,
        unsaid,
        existing,
    )


def number(value: Any) -> Decimal | None:
    """A value as an exact number; None where it is missing or no number.

    >>> number(0.7), number(float("nan")), number(None)
    (Decimal('0.7'), None, None)
    """
    if isinstance(value, bool):
        return Decimal(int(value))
    if value is None or not isinstance(value, (int, float, Decimal)) or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, float) and abs(value) == float("inf"):
        return None
    return exact(value)


def unknown_in(conditions: Sequence[Condition], row: Mapping[str, Any], day: date) -> tuple[str, ...]:
    """The features for want of which some of the conditions cannot be said, once each."""
    return tuple(dict.fromkeys(one.feature for one in conditions if one.holds(row, day) is None))


def _share(request: Request, terms: Terms, row: Mapping[str, Any], amount: Decimal | None) -> Decimal | None:
    """The share asked for, at most the product's; the product's where none is asked for."""
    if terms.shares is None:
        return None
    largest = terms.shares.guaranteed
    wanted = number(row.get(request.guaranteed)) if request.guaranteed else None
    if wanted is None or wanted <= 0 or amount is None:
        return largest
    return min(wanted / amount, largest)


def _rivals(products: Products, row: Mapping[str, Any], day: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Products before the one that takes it which no condition excludes, and what is unknown of them."""
    found: list[str] = []
    unsaid: dict[str, None] = {}
    for product in products.products:
        said = [condition.holds(row, day) for condition in product.when]
        if all(said):
            break
        if False not in said:
            found.append(product.id)
            unsaid |= dict.fromkeys(unknown_in(product.when, row, day))
    return tuple(found), tuple(unsaid)
