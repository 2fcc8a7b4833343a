"""How heavy is the book against the institution's capital, and how did its year go? The field's ratios, exact.

The oracle of the worked examples 2, 3 and 6 (domain page 8.2), which the tests compute with it; no decision rests on it.

Amounts are decimals in currency units, ratios fractions of 1 and unrounded. A ratio without a denominator is None. Formulas:
domain page 8.1 and 2.2; worked examples 2, 3 and 6 of its section 8.2 are tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from riskengine.errors import Problem, UsageError, nearest
from riskengine.portfolio.exposure import ZERO

# 《融资担保责任余额计量办法》 (domain page 2.2, evidence K): how much of each kind of balance counts.
WEIGHTS: Mapping[str, Decimal] = {
    "small_micro": Decimal("0.75"),  # 单户在保余额500万元以下的小微企业借款类
    "farmers": Decimal("0.75"),  # 单户在保余额200万元以下的农户借款类
    "other_loans": Decimal(1),  # 其他借款类
    "bonds_aa": Decimal("0.80"),  # 主体评级AA级以上的发行债券类
    "other_bonds": Decimal(1),  # 其他发行债券类
    "others": Decimal(1),  # 其他融资担保
}
SINGLE, GROUP = Decimal("0.10"), Decimal("0.15")  # State Council Order 683 art. 16 (A)


def responsibility_balance(
    balances: Mapping[str, Decimal], weights: Mapping[str, Decimal] = WEIGHTS
) -> Decimal:
    """担保责任余额: outstanding balances by kind, each by its weight; a kind without a weight is a `UsageError`.

    >>> responsibility_balance({"small_micro": Decimal(100), "others": Decimal(5)})
    Decimal('80.00')
    """
    unknown = [name for name in balances if name not in weights]
    if unknown:
        raise UsageError(
            "Not a kind of balance",
            [
                Problem("balances", "a kind with a weight", repr(name), nearest(name, weights))
                for name in unknown
            ],
        )
    return sum((amount * weights[name] for name, amount in balances.items()), ZERO)


@dataclass(frozen=True, slots=True)
class Capital:
    """What limits are measured against: net assets, and of them the equity held in other guarantors."""

    net_assets: Decimal
    equity_in_guarantors: Decimal = ZERO

    @property
    def counted(self) -> Decimal:
        """Net assets less equity in other guarantors (domain page 2.2)."""
        return self.net_assets - self.equity_in_guarantors

    def multiple(self, responsibility: Decimal) -> Decimal | None:
        """放大倍数: the responsibility balance over the counted net assets; at most 10, or 15 for 小微/三农 (Order 683 art. 15)."""
        return responsibility / self.counted if self.counted > 0 else None

    @property
    def single_limit(self) -> Decimal:
        """The most for one guaranteed party."""
        return max(self.counted, ZERO) * SINGLE

    @property
    def group_limit(self) -> Decimal:
        """The most for one guaranteed party with its related parties."""
        return max(self.counted, ZERO) * GROUP


@dataclass(frozen=True, slots=True)
class LimitedCompensation:
    """A batch's compensation against its cap (批量限率): `cap` times the annualised released principal times the share."""

    released: Decimal  # annualised released principal of the period
    compensation: Decimal  # principal and normal interest compensated in it
    cap: Decimal  # 0.03 for BATCH (domain page 2.7, B S23)
    share: Decimal = Decimal("0.8")  # the guarantee system's part of the loans

    @property
    def most(self) -> Decimal:
        """The compensation at which the guarantee system stops paying."""
        return self.released * self.share * self.cap

    @property
    def rate(self) -> Decimal | None:
        """Compensation over the released principal's guaranteed part."""
        whole = self.released * self.share
        return self.compensation / whole if whole > 0 else None

    @property
    def used(self) -> Decimal | None:
        """How much of the cap is used, as a fraction of it."""
        return self.compensation / self.most if self.most > 0 else None

    @property
    def headroom(self) -> Decimal:
        """What may still be compensated."""
        return max(self.most - self.compensation, ZERO)

    @property
    def excess(self) -> Decimal:
        """What the guarantee system does not bear (who does: domain page 8.2, K)."""
        return max(self.compensation - self.most, ZERO)


@dataclass(frozen=True, slots=True)
class PortfolioYear:
    """One year of a book: released 解除担保额, compensation 代偿额, the compensation balance at its opening, what was
    recovered and written off of it, and the reserves at its end."""

    released: Decimal
    compensation: Decimal
    opening: Decimal
    recovered: Decimal
    written_off: Decimal
    reserves: Decimal

    @property
    def compensation_rate(self) -> Decimal | None:
        """担保代偿率: compensated over released this year, never over what is outstanding (domain page 9.2)."""
        return _over(self.compensation, self.released)

    @property
    def recovery_rate(self) -> Decimal | None:
        """代偿回收率: recovered over the opening balance and this year's compensation."""
        return _over(self.recovered, self.opening + self.compensation)

    @property
    def closing(self) -> Decimal:
        """担保代偿余额 at the year's end."""
        return self.opening + self.compensation - self.recovered - self.written_off

    @property
    def provision_coverage(self) -> Decimal | None:
        """拨备覆盖率: reserves over the closing compensation balance."""
        return _over(self.reserves, self.closing)

    @property
    def loss_rate(self) -> Decimal | None:
        """担保损失率: written off over released this year."""
        return _over(self.written_off, self.released)


def _over(part: Decimal, whole: Decimal) -> Decimal | None:
    return part / whole if whole > 0 else None
