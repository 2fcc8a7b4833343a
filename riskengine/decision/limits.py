"""For how much can this applicant be guaranteed, at which price, and which limits bind?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from riskengine.decision.asked import Asked, asked_of
from riskengine.decision.findings import Cap
from riskengine.decision.products import Product, Products, Tier, tier
from riskengine.portfolio.exposure import ZERO, Exposure, exact
from riskengine.schema import Words, in_force

_YEAR = Decimal(12)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The amount that can be guaranteed: the least of the caps, rounded down; `binding` names all that are least.

    `fee` is on the requested amount for the whole term, unrounded, `fund_fee` a year's on the Fund's part; `months` is the
    term it is for, None where the fee is once, and `assumed` says that the term is not known and a year was taken.
    """

    product: Product
    exposure: Exposure  # at the requested amount
    fee: Decimal
    fund_fee: Decimal
    months: Decimal | None
    assumed: bool
    shares: dict[str, Decimal]  # of the loan, by party, at the part of it that is to be guaranteed
    tier: str
    caps: tuple[Cap, ...]
    binding: tuple[str, ...]
    amount: Decimal


def suggest(
    products: Products, row: Mapping[str, Any], as_of: date, pd: float | None, policy_caps: Sequence[Cap] = ()
) -> Suggestion | None:
    """The amount that can be guaranteed on `as_of`, or None where the request or a needed number is unknown."""
    return suggested(asked_of(products, row, as_of), as_of, pd, policy_caps)


def suggested(
    asked: Asked, as_of: date, pd: float | None, policy_caps: Sequence[Cap] = ()
) -> Suggestion | None:
    """The same for what is asked.

    The expected-loss budget is `budget` times the fee on the request; the loan whose expected loss is just that is
    `budget * fee / (PD * LGD * guarantee share * guarantor's share)`.
    """
    terms, amount, share = asked.terms, asked.amount, asked.share
    if amount is None or share is None or terms.shares is None:
        return None
    if terms.lgd is None or terms.budget is None or terms.fee is None:
        return None
    exposure = Exposure(amount, share, terms.shares.retained, exact(terms.lgd.value))
    months = (_YEAR if asked.term is None else asked.term) if terms.product.fee_per == "year" else None
    fee = _fee(terms.product, exposure, terms.fee, months)
    caps = [
        Cap("request", Words(en="requested amount", zh="申请金额"), amount),
        *_product_caps(terms.product, share, as_of),
        *policy_caps,
    ]
    loss = ZERO if pd is None else exposure.expected_loss(pd)
    if loss > 0:
        times = f"{terms.budget.value:g}"
        words = Words(en=f"expected loss within {times} x the fee", zh=f"预期损失不超过担保费的{times}倍")
        most = amount * (exact(terms.budget.value) * fee / loss)
        caps.append(Cap("expected_loss", words, most, terms.budget.reference))
    shares = _shares(asked, share)
    return Suggestion(
        terms.product,
        exposure,
        fee,
        _fund_fee(terms.product, amount * shares.get("fund", ZERO), amount, as_of),
        months,
        months is not None and asked.term is None,
        shares,
        terms.tier,
        tuple(caps),
        *_least(caps, terms.product, amount),
    )


def _least(caps: Sequence[Cap], product: Product, asked: Decimal) -> tuple[tuple[str, ...], Decimal]:
    """The caps that are least, and the least amount in whole steps of the product; the request stands where nothing cuts it."""
    least = min(cap.amount for cap in caps)
    step = exact(product.step)
    down = (least / step).to_integral_value(ROUND_FLOOR) * step
    if down < exact(product.smallest):
        down = ZERO
    if least == asked:
        down = asked
    return tuple(dict.fromkeys(cap.name for cap in caps if cap.amount == least)), down


def _fee(product: Product, exposure: Exposure, rate: Tier, months: Decimal | None) -> Decimal:
    """The guarantee fee for the whole term: once, or by the year."""
    once = (exposure.amount if product.fee_on == "loan" else exposure.guaranteed) * exact(rate.value)
    return once if months is None else once * months / _YEAR


def _fund_fee(product: Product, part: Decimal, amount: Decimal, as_of: date) -> Decimal:
    """What the Fund takes a year on the part of the loan that it bears; 0 where none is in force."""
    rate = tier(product.fund_fee, amount, as_of)
    return ZERO if rate is None else part * exact(rate.value)


def _shares(asked: Asked, share: Decimal) -> dict[str, Decimal]:
    """Each party's part of the loan; where less is to be guaranteed than might be, the bank bears the difference."""
    shares = asked.terms.shares
    assert shares is not None
    parties = shares.parties
    if share == shares.guaranteed:
        return parties
    return {
        name: 1 - share if name == "bank" else part * share / shares.guaranteed
        for name, part in parties.items()
    }


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
