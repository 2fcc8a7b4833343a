"""For how much can this applicant be guaranteed, at which price, and which limits bind?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from riskengine.decision.asked import Asked, asked_of
from riskengine.decision.findings import Cap
from riskengine.decision.products import Product, Products, Tier, tier, tiers_on
from riskengine.portfolio.exposure import ZERO, Exposure, exact
from riskengine.schema import Words, in_force

_YEAR = Decimal(12)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The amount that can be guaranteed: the least of the caps, rounded down; `binding` names all that are least.

    `fee` is on the requested amount for the whole term, unrounded, `fund_fee` a year's on the Fund's part; `months` is the
    term it is for, None where the fee is once, and `assumed` says that the term is not known and a year was taken.
    `unknown` names the caps that cannot be computed.
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
    unknown: tuple[str, ...] = ()


def suggest(
    products: Products, row: Mapping[str, Any], as_of: date, pd: float | None, policy_caps: Sequence[Cap] = ()
) -> Suggestion | None:
    """The amount that can be guaranteed on `as_of`, or None where the request or a needed number is unknown."""
    return suggested(asked_of(products, row, as_of), as_of, pd, policy_caps)


def suggested(
    asked: Asked,
    as_of: date,
    pd: float | None,
    policy_caps: Sequence[Cap] = (),
    horizon: Decimal | None = None,
) -> Suggestion | None:
    """The same for what is asked; `horizon` are the months that the PD looks ahead (None: the loan's whole term).

    A request below the product's least amount gives none. `_budget` says what the expected loss allows; where the fee is by the year
    and the term is not known, nobody can say, and the cap is `unknown`.
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
        *_product_caps(terms.product, amount, share, as_of),
        *policy_caps,
    ]
    loss = ZERO if pd is None else exposure.expected_loss(pd)
    unknown = loss > 0 and months is not None and asked.term is None
    if loss > 0 and not unknown:
        earned = months if months is None or horizon is None else min(months, horizon)
        caps += _budget(asked, exposure, loss, (earned, as_of))
    shares = _shares(asked, share)
    return Suggestion(
        terms.product,
        exposure,
        fee,
        _fund_fee(terms.product, amount * shares.get("fund", ZERO), asked.existing + amount, as_of),
        months,
        months is not None and asked.term is None,
        shares,
        terms.tier,
        tuple(caps),
        *_least(caps, terms.product, amount, as_of),
        ("expected_loss",) if unknown else (),
    )


def _budget(asked: Asked, exposure: Exposure, loss: Decimal, at: tuple[Decimal | None, date]) -> list[Cap]:
    """What the expected loss allows: at most `budget` times the fee earned over the PD's horizon; `loss` is the request's.

    Of the request's fee: the loan whose expected loss is just that. Of the amount's own fee: loss and fee both grow with
    the loan, so an account is either worth its price or not; the cap is the largest loan up to which every account is, by
    the fee of its own size (nothing where the smallest is not, none where all are). Asking for more never gives more.
    """
    terms, (months, as_of) = asked.terms, at
    assert terms.budget is not None
    assert terms.fee is not None
    times = exact(terms.budget.value)
    told = f"{terms.budget.value:g}"
    words = Words(en=f"expected loss within {told} x the fee", zh=f"预期损失不超过担保费的{told}倍")

    def cap(amount: Decimal) -> list[Cap]:
        return [Cap("expected_loss", words, amount, terms.budget.reference if terms.budget else "")]

    if terms.product.budget_of == "request":
        return cap(exposure.amount * (times * _fee(terms.product, exposure, terms.fee, months) / loss))
    below = ZERO  # where the tier begins
    for one in tiers_on(terms.product.fee, as_of):
        end = None if one.up_to is None else exact(one.up_to)
        if (end is None or end > asked.existing) and times * _fee(
            terms.product, exposure, one, months
        ) < loss:
            return cap(max(below - asked.existing, ZERO))
        below = below if end is None else end
    return []


def _least(
    caps: Sequence[Cap], product: Product, asked: Decimal, as_of: date
) -> tuple[tuple[str, ...], Decimal]:
    """The caps that are least, and the least amount in whole steps of the product; the request stands where nothing cuts it."""
    least = min(cap.amount for cap in caps)
    own = in_force(product.amount_least, as_of)
    floor = max(exact(product.smallest), ZERO if own is None else exact(own.value))
    step = exact(product.step)
    down = (least / step).to_integral_value(ROUND_FLOOR) * step
    if down < floor:
        down = ZERO
    if least == asked:
        down = asked
    return tuple(dict.fromkeys(cap.name for cap in caps if cap.amount == least)), down


def _fee(product: Product, exposure: Exposure, rate: Tier, months: Decimal | None) -> Decimal:
    """The guarantee fee for the whole term: once, or by the year."""
    once = (exposure.amount if product.fee_on == "loan" else exposure.guaranteed) * exact(rate.value)
    return once if months is None else once * months / _YEAR


def _fund_fee(product: Product, part: Decimal, account: Decimal, as_of: date) -> Decimal:
    """What the Fund takes a year on the part of the loan that it bears, by the single account; 0 where none is in force."""
    rate = tier(product.fund_fee, account, as_of)
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


def _product_caps(product: Product, amount: Decimal, share: Decimal, as_of: date) -> list[Cap]:
    found = []
    least = in_force(product.amount_least, as_of)
    if least is not None and amount < exact(least.value):
        told = f"{least.value:,.0f}"
        words = Words(en=f"smallest loan of the product is {told}", zh=f"低于产品最低金额{told}")
        found.append(Cap("smallest", words, ZERO, least.reference))
    loan, guaranteed = in_force(product.amount_cap, as_of), in_force(product.guaranteed_cap, as_of)
    if loan is not None:
        words = Words(en="largest loan of the product", zh="产品单户上限")
        found.append(Cap("product", words, exact(loan.value), loan.reference))
    if guaranteed is not None and share > 0:
        words = Words(en="largest guaranteed amount", zh="担保金额上限")
        found.append(Cap("guarantee", words, exact(guaranteed.value) / share, guaranteed.reference))
    return found
