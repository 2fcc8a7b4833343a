"""How much does the institution stand to lose on a guarantee, and who bears which part of a loss?

All amounts are exact decimals in currency units. The one rounding rule: computation is unrounded, and only what is
reported is rounded to the cent, half to even; an amount divided among parties is rounded down and the cents left over
go to the largest remainders (ties to the party named first), so that the parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from riskengine.errors import Problem, UsageError

CENT = Decimal("0.01")
ZERO = Decimal(0)


def exact(value: float | int | str | Decimal) -> Decimal:
    """The decimal that a number is written as (a float by its shortest text, never by its binary expansion).

    >>> exact(0.1)
    Decimal('0.1')
    """
    return (
        value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    )


def rounded(amount: Decimal) -> Decimal:
    """An amount as reported: to the cent, half to even.

    >>> rounded(Decimal("2.345"))
    Decimal('2.34')
    """
    return amount.quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one guarantee puts at risk: amounts in currency units, shares and LGD as fractions of 1."""

    amount: Decimal
    guarantee_share: Decimal
    guarantor_share: Decimal
    lgd: Decimal

    @property
    def guaranteed(self) -> Decimal:
        """The guaranteed part of the loan."""
        return self.amount * self.guarantee_share

    @property
    def own(self) -> Decimal:
        """The part of the guarantee this institution bears itself."""
        return self.guaranteed * self.guarantor_share

    def expected_loss(self, pd: float) -> Decimal:
        """`PD * LGD * guaranteed amount * guarantor's share` over the PD's horizon, unrounded.

        >>> Exposure(Decimal(1000), Decimal("0.8"), Decimal("0.25"), Decimal("0.5")).expected_loss(0.02)
        Decimal('2.000000')
        """
        return exact(pd) * self.lgd * self.own


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One default's flows by party: what the bank is paid, who pays it first, what comes back, what is lost."""

    claim: Decimal
    compensation: dict[str, Decimal]
    recovered: dict[str, Decimal]
    loss: dict[str, Decimal]


def divide(amount: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """An amount divided by shares that add up to 1, in cents that add up to the amount.

    >>> divide(Decimal("0.05"), {"a": Decimal("0.5"), "b": Decimal("0.5")})
    {'a': Decimal('0.03'), 'b': Decimal('0.02')}
    """
    _whole(shares)
    whole = rounded(amount)
    parts = {party: (whole * share).quantize(CENT, ROUND_FLOOR) for party, share in shares.items()}
    left = int((whole - sum(parts.values(), ZERO)) / CENT)
    order = sorted(
        shares, key=lambda party: parts[party] - whole * shares[party]
    )  # stable: ties keep their order
    for party in order[:left]:
        parts[party] += CENT
    return parts


def waterfall(
    principal: Decimal,
    shares: Mapping[str, Decimal],
    *,
    interest: Decimal = ZERO,
    recovery: Decimal = ZERO,
    cost: Decimal = ZERO,
) -> Waterfall:
    """Who pays, gets back and loses what when a loan of outstanding `principal` defaults.

    `shares` are the parts of the risk by party and add up to 1; one of them is `bank`. The guarantor pays the bank's
    claim (all but the bank's share of principal and covered interest) and is compensated by the others for theirs.
    What is recovered pays the cost first and is then shared pro rata (guarantee domain page, section 8.2).
    """
    if "bank" not in shares:
        raise UsageError("Not a sharing of risk", [Problem("shares", "a party 'bank'", ", ".join(shares))])
    borne = divide(principal + interest, shares)
    back = divide(recovery - cost, shares)
    claim = sum((part for party, part in borne.items() if party != "bank"), ZERO)
    return Waterfall(
        claim,
        {party: part for party, part in borne.items() if party != "bank"},
        back,
        {party: borne[party] - back[party] for party in shares},
    )


def _whole(shares: Mapping[str, Decimal]) -> None:
    total = sum(shares.values(), ZERO)
    if total != 1 or any(share < 0 for share in shares.values()):
        shown = ", ".join(f"{party} {share}" for party, share in shares.items())
        raise UsageError(
            "Not a sharing of risk",
            [Problem("shares", "parts of at least 0 that add up to 1", f"{shown} = {total}")],
        )
