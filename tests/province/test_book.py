"""Does the synthetic book have the seeds' proportions, and do fates follow their causes?"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from riskengine.province.generate import build
from riskengine.province.state import Ask, Province


@pytest.fixture(scope="module")
def province() -> Province:
    return build(Ask(4_000, date(2023, 7, 1), date(2026, 6, 30), 2))


@pytest.fixture(scope="module")
def large() -> Province:
    return build(Ask(40_000, date(2023, 7, 1), date(2026, 6, 30), 2))


def test_the_seeds_proportions(province: Province) -> None:
    book, given = province.book, province.book.approved
    assert np.average(book.fee[given], weights=book.amount[given]) == pytest.approx(0.0062, abs=0.0003)
    assert np.average(book.rate[given], weights=book.amount[given]) == pytest.approx(0.0447, abs=0.0010)
    for day in ("2024-01-15", "2025-01-15", "2026-01-15"):
        now = np.datetime64(day)
        force = given & (book.start <= now) & (np.isnat(book.released) | (book.released > now))
        assert 0.19 < force.sum() / 4_000 < 0.26
    small = (province.register.size[book.enterprise] < 2) | province.register.agricultural[book.enterprise]
    assert small[given].mean() > 0.97
    assert 0.05 < 1 - given.mean() < 0.16
    assert len(set(book.bank)) > 100
    assert len(province.banks) == 117
    assert len(province.institutions) == 60
    assert set(book.product) == {"STD", "TECH", "ZDZ", "PRIV", "AGRI"}
    assert book.applied[book.product == "PRIV"].min() >= np.datetime64("2026-01-20")


@pytest.mark.parametrize(
    ("product", "mean", "cap"),
    [("STD", 0.95e6, 1e7), ("ZDZ", 3.217e6, 1e7), ("TECH", 4.43e6, 3e7), ("AGRI", 0.6e6, 3e6)],
)
def test_amounts(large: Province, product: str, mean: float, cap: float) -> None:
    amounts = large.book.amount[large.book.product == product]
    assert amounts.mean() == pytest.approx(mean, rel=0.12)
    assert amounts.max() <= cap
    assert amounts.min() >= 50_000


def test_compensation_is_where_it_is_in_shandong_and_the_country(large: Province) -> None:
    book = large.book
    since = np.datetime64("2023-07-01")
    released = book.amount[book.released >= since].sum() * 0.8
    assert 0.008 <= book.claim.sum() / released <= 0.021
    paid = ~np.isnat(book.compensated)
    assert 0.15 < book.recovered.sum() / book.claim.sum() < 0.45
    assert np.array_equal(paid, book.claim > 0)


def test_fates_follow_their_causes(large: Province) -> None:
    book, course = large.book, large.course
    late, paid = ~np.isnat(book.overdue), ~np.isnat(book.compensated)
    assert (paid <= late).all()
    assert (late <= book.approved).all()
    assert 0.4 < paid.sum() / late.sum() < 0.75  # not all overdue end in compensation
    months = np.array(course.months, "datetime64[M]")
    assert np.array_equal(
        months[course.distress[book.enterprise[late]]], book.overdue[late].astype("datetime64[M]")
    )
    wait = (book.compensated - book.overdue)[paid].astype(int)
    assert wait.min() >= 80  # 60 or 90 days of grace, then the claim
    assert wait.max() <= 135
    assert (book.released[paid] == book.compensated[paid]).all()
    assert (book.recovered <= book.claim).all()
    first = np.datetime64("2023-07-01")
    seen = book.applied >= first
    month = np.clip((book.applied.astype("datetime64[M]") - first.astype("datetime64[M]")).astype(int), 0, 35)
    health = course.health[book.enterprise, month]
    assert (
        health[seen & ~book.approved].mean() < health[seen & book.approved].mean() - 0.3
    )  # visibly, mildly selective
    assert (health[seen & book.approved] < -1).mean() > 0.05


def test_an_overdue_ends_in_compensation_cure_or_a_declared_dispute(large: Province) -> None:
    book, last = large.book, np.datetime64("2026-06-30")
    late, paid, cured = (~np.isnat(days) for days in (book.overdue, book.compensated, book.cured))
    assert (cured <= late).all()
    assert not (cured & paid).any()
    length = (book.cured - book.overdue)[cured].astype(int)
    assert length.min() >= 20
    assert length.max() <= 150
    assert (book.cured[cured] <= last).all()
    ended = ~np.isnat(book.released)
    assert (book.cured[cured & ended] <= book.released[cured & ended]).all()
    alone = late & ~paid & ~cured  # in dispute, or not yet ended on the last day
    old = alone & (last - book.overdue > np.timedelta64(150, "D"))
    assert 0 < old.sum() <= 0.02 * late.sum()  # [D] DISPUTED: one in a hundred
    assert ((book.released - book.overdue)[alone & ended].astype(int) >= 400).all()  # by judgment
    for month in large.course.months:
        day = np.datetime64(month)
        force = (
            late
            & (book.start <= day)
            & ~(book.released <= day)
            & ~(book.cured <= day)
            & ~(book.compensated <= day)
        )
        long = force & (day - book.overdue > np.timedelta64(180, "D"))
        assert not (long & ~alone).any()
        assert long.sum() <= 1 + 0.03 * late.sum()
    closed = large.register.closed[book.enterprise]
    assert not (closed < book.cured).any()  # who is gone pays nothing back
