"""Which institutions and products does the province have? Yielded once, for the whole province."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskengine.province import names
from riskengine.province.deals import SHARES, either, table, texts
from riskengine.province.names import CITIES
from riskengine.province.register import credit_codes, stream
from riskengine.province.state import Province, Texts

_NEVER = np.datetime64("NaT", "D")
_TECH_NEW = np.datetime64("2024-07-24")
_PRODUCTS = (  # code, name, basis, since, cap, tenor, fee cap, upward fee, compensation cap, batch, lists: domain page 4.1
    ("STD", "普通再担保直保", "国办发〔2019〕6号", date(2019, 2, 14), 10_000_000, 1, 24, 0.015, 0.005, 0.04, "逐笔", ""),
    ("TECH", "鲁担科技贷", "财金〔2024〕60号", date(2024, 7, 24), 30_000_000, 6, 36, 0.01, 0.005, 0.05, "逐笔",
     "高企，科小，专精特新，小巨人，创新型，积分制"),
    ("TECH", "科技型中小企业担保", "国办发〔2019〕6号", date(2019, 2, 14), 10_000_000, 1, 36, 0.01, 0.005, 0.04, "逐笔", "高企，科小，专精特新，小巨人"),
    ("BATCH", "总对总批量担保", "国融担〔2020〕23号", date(2020, 5, 1), 10_000_000, 1, 12, 0.01, 0.003, 0.03, "批量", ""),
    ("PRIV", "民间投资专项担保", "财金〔2026〕6号", date(2026, 1, 20), 20_000_000, 13, 60, 0.01, 0.0025, 0.05, "逐笔", ""),
    ("AGRI", "鲁担惠农贷", "省级农担方案", date(2019, 1, 1), 3_000_000, 6, 36, 0.0075, 0.003, 0.03, "逐笔", ""),
)  # fmt: skip


def publish(province: Province, rows: slice, rng: np.random.Generator) -> Iterator[tuple[str, pa.Table]]:
    """The rows of institution (each quarter) and product."""
    if rows.start == 0:
        yield "institution", _institutions(province)
        yield "product", _products(province)


def net_assets(province: Province) -> NDArray[np.float64]:
    """Net assets of the 60 institutions: so that the book is about five times them; the provincial one re-guarantees."""
    book = province.book
    worth = np.bincount(book.institution[book.approved], 0.8 * book.amount[book.approved], 60) / 4
    spread = np.exp(0.3 * stream(province.ask.seed, "institutions").standard_normal(60))
    made = np.maximum(worth / 5 * spread, 30_000_000)
    made[0] = max(made.sum(), 500_000_000)
    return np.asarray(np.round(made, -4), np.float64)


def _institutions(province: Province) -> pa.Table:
    _, served = names.institutions()
    months = np.array(province.course.months, "datetime64[M]")
    ends = (months + 1).astype("datetime64[D]") - 1
    ends = ends[[month.astype(object).month % 3 == 0 for month in months]]
    ends = np.append((np.datetime64(province.ask.start, "M").astype("datetime64[D]") - 1), ends)
    count = len(ends)
    assets = np.repeat(net_assets(province), count) * np.tile(1 + 0.01 * np.arange(count), 60)
    level = names.table(("省",) + ("市",) * len(CITIES) + ("县",) * (59 - len(CITIES)))
    region = np.array(served, object)
    uscc = credit_codes(np.ones(60, np.int64), region, np.zeros(60, bool), province.ask.seed + 77)
    period = np.tile(ends, 60)
    who = np.full(len(period), -1)
    columns = {
        "inst_id": np.repeat(texts("JG", np.arange(60), 3), count), "period": period, "booked_dt": period + 15,
        "name": np.repeat(province.institutions, count), "uscc": np.repeat(uscc, count), "level": np.repeat(level, count),
        "parent_id": np.repeat(either(np.arange(60) == 0, None, "JG000"), count), "region6": np.repeat(region, count),
        "license_no": np.repeat(texts("鲁担", np.arange(60), 6), count), "license_to": np.full(len(period), np.datetime64("2028-12-31")),
        "total_assets": np.round(assets * 1.35, 2), "net_assets": np.round(assets, 2), "equity_in_guarantors": np.round(assets * 0.05, 2),
        "paid_capital": np.repeat(np.round(net_assets(province) * 0.9, -4), count), "reserve_unearned": np.round(assets * 0.02, 2),
        "reserve_claims": np.round(assets * 0.12, 2), "reserve_general": np.round(assets * 0.03, 2), "is_small_agri": True, "status": "正常",
    }  # fmt: skip
    return table(columns, period + 15, who)


def _products(province: Province) -> pa.Table:
    lines = [(row, tier) for row in _PRODUCTS for code, tier in SHARES if code == row[0]]
    since = np.array([row[3] for row, _ in lines], "datetime64[D]")
    told = np.maximum(since, np.datetime64("2019-01-01"))
    shares = np.array([SHARES[row[0], tier] for row, tier in lines])
    ended = np.where(
        (since < _TECH_NEW) & np.array([row[0] == "TECH" for row, _ in lines]), _TECH_NEW - 1, _NEVER
    )

    def column(place: int) -> Texts:
        return np.array([row[place] for row, _ in lines], object)

    def number(place: int) -> NDArray[np.float64]:
        return column(place).astype(float)

    columns = {
        "product": column(0), "tier": np.array([tier for _, tier in lines], object), "version": "1", "effective_from": since, "effective_to": ended,
        "pub_dt": told, "booked_dt": told + 5, "name": column(1), "basis": column(2), "cap": number(4), "step": 10_000.0,
        "tenor_min": number(5).astype(np.int64), "tenor_max": number(6).astype(np.int64), "fee_cap": number(7), "reguar_fee_rate": number(8),
        "share_bank": shares[:, 0], "share_direct": shares[:, 1], "share_prov": shares[:, 2], "share_fund": shares[:, 3], "share_gov": 0.0,
        "comp_cap_rate": number(9), "grace_days": np.where(column(0) == "BATCH", 60, 90),
        "guarantee_scope": np.where(column(0) == "PRIV", "本金", "本息").astype(object), "filing_batch": column(10), "eligible_lists": column(11),
    }  # fmt: skip
    return table(columns, told + 5, np.full(len(lines), -1))
