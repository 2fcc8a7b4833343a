"""Which annual reports are published, hidden, late or missing, and who is listed as abnormal for it?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.draws import Array
from riskengine.province.particulars import Particulars, statement
from riskengine.province.view import (
    NEVER,
    Bools,
    Column,
    Rows,
    View,
    days,
    joined,
    missing,
    money,
    sheet,
    words,
)


def annual(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """mkt_annual and mkt_abnormal of a chunk."""
    for year, months in view.years.items():
        missed = _missed(view, year, months)
        yield "mkt_annual", _reports(view, stated, year, missed)
        yield "mkt_abnormal", _unreported(view, year, missed)
    yield "mkt_abnormal", _unreachable(view)
    yield "mkt_abnormal", _after_closing(view)


def _turn_of(year: int) -> np.datetime64:
    return np.datetime64(f"{year + 1}-01-01")


def _missed(view: View, year: int, months: Array) -> Bools:
    """Enterprises that will not report the year in time, by their state at its end, [n]."""
    last = int(months[-1])
    hazard = rates.ANNUAL_MISSED
    usual = hazard.base * np.exp(np.clip(-hazard.slope * view.health[:, last], -3, 2.5))
    chance = np.where(view.ill[:, last] >= 0, hazard.ill, usual)
    return np.asarray(view.dice.uniform("annual/missed", view.who, np.full(len(view.who), year)) < chance)


def _due(view: View, year: int) -> Bools:
    """Enterprises that owe a report of the year: founded within or before it, open at its end."""
    turn = _turn_of(year)
    return (view.founded < turn) & ~(view.closed < turn)


def _at(view: View, year: int, mask: Bools) -> Rows:
    """The marked enterprises at the end of the year; draws are told apart by the year."""
    at = np.nonzero(mask)[0]
    month = int(view.years[year][-1])
    return Rows(view, at, np.full(len(at), month), np.full(len(at), _turn_of(year) - 1), year)


def _reports(view: View, stated: Particulars, year: int, missed: Bools) -> pa.Table:
    turn = _turn_of(year)
    rows = _at(view, year, _due(view, year))
    late = missed[rows.at]
    day = turn + 5 + (174 * rows.uniform("annual/day") ** 0.6).astype(np.int64)
    curing = rows.uniform("annual/cured") < rates.CURED.value
    day = np.where(late, np.where(curing, _late_report(rows, turn), NEVER), day)
    published = days(np.where((view.closed[rows.at] <= day) & ~np.isnat(view.closed[rows.at]), NEVER, day))
    hidden = view.dice.uniform("annual/hidden", rows.who) < rates.ANNUAL_HIDDEN.value * (
        1.4 - view.prudence[rows.at]
    )
    always, figures = _figures(rows, stated, year)
    always |= {"is_hidden": hidden, "is_revised": np.zeros(len(rows), bool)}
    shown: dict[str, Column] = {name: missing(values, hidden) for name, values in figures.items()}
    again = days(np.where(rows.uniform("annual/again") < rates.ANNUAL_REVISED.value, published, NEVER))
    again = again + 20 + (60 * rows.uniform("annual/later")).astype(np.int64)
    money_only = ("employees", "insured_cnt", "guarantee_cnt")
    factor = 1 + 0.12 * rows.normal("annual/factor")
    revised = {
        name: missing(values if name in money_only else np.round(values * factor, -2), hidden)
        for name, values in figures.items()
    }
    return sheet(
        rows, always, {**shown, "pub_dt": published}, published + 1,
        {**revised, "is_revised": np.ones(len(rows), bool), "pub_dt": again}, again + 1,
    )  # fmt: skip


def _late_report(rows: Rows, turn: np.datetime64) -> Array:
    return turn + 190 + (170 * rows.uniform("annual/lateness")).astype(np.int64)


def _figures(rows: Rows, stated: Particulars, year: int) -> tuple[dict[str, Column], dict[str, Array]]:
    """What the report says: sales told larger the less prudent the enterprise is, and larger still in bad years."""
    view, months = rows.view, rows.view.years[year]
    open_months = np.maximum((view.sales[:, months] > 0).sum(axis=1), 1)
    sales = view.sales[:, months].sum(axis=1, dtype=np.float64) * 12 / open_months
    imprudent = 1 - view.prudence[rows.at]
    bold = rates.ANNUAL_OVERSTATED.value * imprudent * np.abs(rows.normal("annual/bold"))
    bold *= np.where(rows.of(view.health) < -0.5, 1.6, 1.0)
    told = sales[rows.at] * (1 + bold) * np.exp(0.04 * rows.normal("annual/revenue"))
    sheet_ = statement(rows)
    assets = np.round(sheet_.assets * (1 + 0.4 * bold), -2)
    debts = np.round(
        np.minimum(sheet_.liabilities * (1 - 0.3 * imprudent * rows.uniform("annual/modest")), assets * 1.3),
        -2,
    )
    profit = told * (sheet_.margin + 0.03 * bold)
    staff = rows.of(view.staff)
    insured = np.rint(staff * (0.4 + 0.6 * view.prudence[rows.at]))
    guarantees = view.province.network.guarantees
    known = days(guarantees.since) < _turn_of(year)
    owed = np.bincount(guarantees.source[known], guarantees.weight[known], len(view.province.register.uscc))[
        view.rows
    ]
    count = np.bincount(guarantees.source[known], minlength=len(view.province.register.uscc))[view.rows]
    told_of = rows.uniform("annual/guarantees") < 0.6
    always: dict[str, Column] = {
        "uscc": rows.uscc(),
        "year": np.full(len(rows), year, np.int64),
        "period_end": np.full(len(rows), _turn_of(year) - 1),
    }
    return always, {
        "employees": staff.astype(np.int64),
        "assets": assets,
        "liabilities": debts,
        "equity": assets - debts,
        "revenue": np.round(told, -2),
        "main_revenue": np.round(told * (0.9 + 0.1 * rows.uniform("annual/main")), -2) * (told > 0),
        "profit": np.round(profit * 1.15, -2),
        "net_profit": np.round(profit, -2),
        "tax": np.round(told * rates.TAX_RATE.value * np.exp(0.2 * rows.normal("annual/tax")), -2),
        "insured_cnt": insured.astype(np.int64),
        "guarantee_amt": money(owed[rows.at] * told_of),
        "guarantee_cnt": count[rows.at].astype(np.int64) * told_of,
    }


def _listing(rows: Rows, kind: str, out: Array, reasons: tuple[str, str]) -> pa.Table:
    """A row when listed; a second one of the same key with `out_dt` when cured. The row stays after removal."""
    out = days(out)
    into = np.maximum(rows.after("abnormal/in", rates.ABNORMAL_LAG), rows.day)
    off = np.maximum(out + 1, into + 1)
    org = joined(rows.city(), "市场监督管理局")
    always: dict[str, Column] = {
        "uscc": rows.uscc(), "list_type": "经营异常", "type": kind, "in_dt": rows.day, "in_reason": reasons[0], "in_org": org,
    }  # fmt: skip
    nothing = words(("",), np.full(len(rows), -1))
    return sheet(
        rows, always, {"out_dt": NEVER, "out_reason": nothing, "out_org": nothing, "pub_dt": into}, into + 1,
        {"out_dt": out, "out_reason": reasons[1], "out_org": org, "pub_dt": off}, off + 1,
    )  # fmt: skip


def _unreported(view: View, year: int, missed: Bools) -> pa.Table:
    turn = _turn_of(year)
    rows = _at(view, year, missed & _due(view, year))
    rows = rows.on(turn + 182 + (14 * rows.uniform("abnormal/day")).astype(np.int64))
    rows = rows.where(~(view.closed[rows.at] <= rows.day))
    curing = rows.uniform("annual/cured") < rates.CURED.value
    out = np.where(curing, np.maximum(_late_report(rows, turn), rows.day) + 10, NEVER)
    return _listing(rows, "年报未报", out, ("未按照规定期限公示年度报告", "补报年度报告并公示"))


def _unreachable(view: View) -> pa.Table:
    rows = view.happens("abnormal/unreachable", view.chance(rates.MISSING_FROM_ADDRESS))
    curing = (rows.uniform("abnormal/cured") < rates.CURED.value) & (rows.of(view.ill) < 0)
    out = np.where(curing, rows.day + 40 + (200 * rows.uniform("abnormal/until")).astype(np.int64), NEVER)
    return _listing(rows, "失联", out, ("通过登记的住所或者经营场所无法联系", "住所可以联系"))


def _after_closing(view: View) -> pa.Table:
    """Doors shut long before deregistration: listed when no sales are left while payments have failed."""
    silent = (view.ill > 2) & view.alive & (view.sales < 0.03 * view.typical[:, None])
    rows = view.cells(silent & (view.uniform("abnormal/shut") < 0.15)).again(3)
    return _listing(rows, "失联", np.full(len(rows), NEVER), ("通过登记的住所或者经营场所无法联系", ""))
