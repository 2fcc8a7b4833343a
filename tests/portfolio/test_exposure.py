"""The worked examples of the domain page (section 8.2), and that no cent is lost."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.portfolio.exposure import Exposure, divide, waterfall

D = Decimal
WAN = 10_000


def test_worked_example_1_tech_plan_of_a_little_giant() -> None:
    shares = {"bank": D("0.2"), "direct": D("0.2"), "province": D("0.2"), "fund": D("0.4")}
    flows = waterfall(D(600 * WAN), shares, recovery=D(150 * WAN), cost=D(10 * WAN))
    assert flows.claim == 480 * WAN
    assert flows.compensation == {"direct": 120 * WAN, "province": 120 * WAN, "fund": 240 * WAN}
    assert flows.recovered == {"bank": 28 * WAN, "direct": 28 * WAN, "province": 28 * WAN, "fund": 56 * WAN}
    assert flows.loss == {"bank": 92 * WAN, "direct": 92 * WAN, "province": 92 * WAN, "fund": 184 * WAN}


def test_worked_example_4_anhui_4321() -> None:
    shares = {"direct": D("0.4"), "province": D("0.3"), "bank": D("0.2"), "local_government": D("0.1")}
    flows = waterfall(D(300 * WAN), shares)
    assert flows.loss == {
        "direct": 120 * WAN, "province": 90 * WAN, "bank": 60 * WAN, "local_government": 30 * WAN,
    }  # fmt: skip


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match=r"add up to 1, got bank 0\.2, direct 0\.7 = 0\.9"):
        divide(D(1), {"bank": D("0.2"), "direct": D("0.7")})
    with pytest.raises(UsageError, match="a party 'bank'"):
        waterfall(D(1), {"direct": D(1)})


def test_expected_loss_is_exact() -> None:
    exposure = Exposure(D("333333.33"), D("0.75"), D("0.5"), D("0.6"))
    assert exposure.expected_loss(0.1) == D("333333.33") * D("0.75") * D("0.5") * D("0.6") * D("0.1")


@given(
    cents=st.integers(-(10**12), 10**12),
    cuts=st.lists(st.integers(0, 1000), min_size=1, max_size=5),
)
def test_no_cent_is_lost_or_moved_by_more_than_one(cents: int, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 1000]
    shares = {f"p{i}": D(b - a) / 1000 for i, (a, b) in enumerate(pairwise(edges))}
    amount = D(cents) / 100
    parts = divide(amount, shares)
    assert sum(parts.values()) == amount
    assert all(abs(parts[name] - amount * share) < D("0.01") for name, share in shares.items())
