"""Does the synthetic book have the seeds' proportions, and do fates follow their causes?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from riskengine.province import aftercare, credit, guarantee
from riskengine.province.generate import Publisher, build
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
    assert set(book.product) == {"STD", "TECH", "BATCH", "PRIV", "AGRI"}
    assert book.applied[book.product == "PRIV"].min() >= np.datetime64("2026-01-20")


@pytest.mark.parametrize(
    ("product", "mean", "cap"),
    [("STD", 0.95e6, 1e7), ("BATCH", 3.217e6, 1e7), ("TECH", 4.43e6, 3e7), ("AGRI", 0.6e6, 3e6)],
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


def _dict_of(province: Province, publisher: Publisher, source: str) -> list[dict[str, Any]]:
    sent: dict[str, pa.Table] = dict(publisher(province, slice(0, 40_000), np.random.default_rng(3)))
    return list(sent[source].to_pylist())


def test_what_is_told_of_a_cured_loan_is_its_past(large: Province) -> None:
    book = large.book
    cured = {f"DB{place:08d}": book.cured[place].item() for place in np.flatnonzero(~np.isnat(book.cured))}
    began = {
        f"DB{place:08d}": book.overdue[place].item() for place in np.flatnonzero(~np.isnat(book.overdue))
    }
    assert len(cured) > 50
    after = [
        (row, (row["report_dt"] - cured[row["guar_id"]]).days)
        for row in _dict_of(large, credit.publish, "bank_feedback")
        if row["guar_id"] in cured and row["report_dt"] >= cured[row["guar_id"]]
    ]
    assert len(after) > 50
    assert all(row["overdue_days"] == row["overdue_principal"] == 0 for row, _ in after)
    assert all(row["five_class"] == "关注" for row, since in after if since < 180)
    assert {row["five_class"] for row, since in after if since > 180} == {"正常", "关注"}
    rows = _dict_of(large, guarantee.publish, "overdue")
    gone = {row["guar_id"]: row for row in rows if row["type"] == "0" and row["guar_id"] in began}
    assert {name: row["cured_dt"] for name, row in gone.items()} == cured
    first = {row["guar_id"]: row for row in rows if row["type"] != "0"}
    assert all(row["booked_dt"] > first[name]["booked_dt"] for name, row in gone.items())
    checks = [row for row in _dict_of(large, aftercare.publish, "post_check") if row["done_dt"]]
    bad = [row for row in checks if row["conclusion"] in ("次级", "可疑")]
    assert bad
    for row in bad:
        assert began[row["guar_id"]] < row["done_dt"]
        assert row["guar_id"] not in cured or row["done_dt"] < cured[row["guar_id"]]
    called = [row for row in checks if row["kind"] == "专项检查"]
    assert all(
        row["made_dt"] > began[row["guar_id"]] for row in called
    )  # nobody is called before it happened


def test_amounts_agree_from_overdue_to_recovery(large: Province) -> None:
    rows = slice(0, 40_000)
    sent = dict(guarantee.publish(large, rows, np.random.default_rng(3)))
    feedback = _dict_of(large, credit.publish, "bank_feedback")
    paid = {row["guar_id"]: row for row in sent["compensation"].to_pylist()}
    last = {row["guar_id"]: row for row in feedback if row["guar_id"] in paid}
    assert len(last) > 50
    for name, row in last.items():
        owed = paid[name]["principal"] / 0.8
        if (row["report_dt"] - paid[name]["ovd_dt"]).days > 30:
            assert row["balance"] == pytest.approx(owed, abs=0.02)
    for row in paid.values():
        assert row["apply_dt"] > row["ovd_dt"] + timedelta(days=row["grace_days"])
    shared = {row["guar_id"]: row["pay_dt"] for row in sent["reguar_comp"].to_pylist() if row["pay_dt"]}
    for row in sent["recovery"].to_pylist():
        assert row["return_amount"] <= row["amount"]
        assert row["guar_id"] not in shared or row["recover_dt"] > shared[row["guar_id"]]
    flows = sent["disbursement"].to_pylist()
    back: dict[str, float] = {}
    for row in flows:
        if row["type"] == "还本":
            back[row["guar_id"]] = back.get(row["guar_id"], 0.0) + row["amount"]
    drawn = {row["guar_id"]: row["amount"] for row in flows if row["type"] == "放款"}
    for row in sent["release"].to_pylist():
        if row["type"] == "正常解保" and row["guar_id"] in drawn:
            assert back.get(row["guar_id"], drawn[row["guar_id"]]) == pytest.approx(
                drawn[row["guar_id"]], abs=0.02
            )
