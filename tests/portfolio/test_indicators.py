"""Worked examples 2, 3 and 6 of the domain page (section 8.2), in units of 亿 and 万."""

from decimal import Decimal

import pytest

from riskengine.errors import UsageError
from riskengine.portfolio.indicators import (
    Capital,
    LimitedCompensation,
    PortfolioYear,
    responsibility_balance,
)

D = Decimal
WAN, YI = 10_000, 100_000_000


@pytest.mark.parametrize(
    ("compensated", "rate", "used", "headroom", "excess"),
    [(4_200, "0.02625", "0.875", 600, 0), (5_200, "0.0325", None, 0, 400), (4_800, "0.03", "1", 0, 0)],
)
def test_worked_example_2_the_cap_of_a_batch(
    compensated: int, rate: str, used: str | None, headroom: int, excess: int
) -> None:
    found = LimitedCompensation(D(20 * YI), D(compensated * WAN), D("0.03"))
    assert found.most == 4_800 * WAN
    assert found.rate == D(rate)
    assert used is None or found.used == D(used)
    assert (found.headroom, found.excess) == (headroom * WAN, excess * WAN)
    assert found.compensation == found.most - found.headroom + found.excess


def test_worked_example_3_leverage_and_limits() -> None:
    book = {
        "small_micro": "3.0",
        "farmers": "0.4",
        "other_loans": "1.6",
        "bonds_aa": "0.5",
        "other_bonds": "0.1",
        "others": "0.05",
    }
    balance = responsibility_balance({name: D(text) * YI for name, text in book.items()})
    capital = Capital(D("0.62") * YI, D("0.06") * YI)
    assert balance == D("4.70") * YI
    assert capital.counted == D("0.56") * YI
    multiple = capital.multiple(balance)
    assert multiple is not None
    assert round(multiple, 2) == D("8.39")
    assert (capital.single_limit, capital.group_limit) == (560 * WAN, 840 * WAN)
    with pytest.raises(UsageError, match="Did you mean 'farmers'"):
        responsibility_balance({"farmer": D(1)})
    assert Capital(D(5), D(5)).multiple(balance) is None
    assert Capital(D(1), D(5)).single_limit == 0


def test_worked_example_6_a_portfolio_year() -> None:
    year = PortfolioYear(*(D(text) * YI for text in ("100", "1.10", "2.00", "0.62", "0.10", "3.60")))
    rates = (year.compensation_rate, year.recovery_rate, year.provision_coverage, year.loss_rate)
    assert year.closing == D("2.38") * YI
    assert all(rate is not None for rate in rates)
    assert [round(100 * rate, 2) for rate in rates if rate is not None] == [
        D("1.10"), D("20.00"), D("151.26"), D("0.10")
    ]  # fmt: skip
    empty = PortfolioYear(*(D(0) for _ in range(6)))
    assert {empty.compensation_rate, empty.recovery_rate, empty.provision_coverage, empty.loss_rate} == {None}
