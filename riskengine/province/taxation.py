"""What does the tax office know: registration, rating, returns, payments, arrears, violations?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.draws import Array
from riskengine.province.particulars import Particulars, Statement, statement
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

_LEVELS = ("A", "B", "M", "C", "D")
_CRIMES = ("偷税", "虚开发票", "骗取退税", "逃避追缴欠税", "走逃失联")


def taxation(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """tax_reg, tax_rating, tax_filing, tax_paid and tax_violation of a chunk."""
    owing = view.spells("tax/arrears", rates.ARREARS, 6)
    late = (view.uniform("tax/late") < view.chance(rates.FILED_LATE)) & view.alive
    yield from _registrations(view)
    yield "tax_rating", _ratings(view, late, owing)
    declared = _declared(view)
    yield "tax_filing", _returns(view, late, declared)
    yield "tax_paid", _payments(view, owing, declared)
    yield "tax_violation", _violations(view, stated)


def _quarterly(view: View) -> Bools:
    """Small-scale taxpayers, who file by the quarter, [n]."""
    micro = view.province.register.size[view.rows] == 0
    return np.asarray(micro & (view.trait("tax/small") < rates.SMALL_SCALE.value))


def _registrations(view: View) -> Iterator[tuple[str, pa.Table]]:
    start = view.each(~(view.closed < view.start) & (view.founded <= view.end), view.founded)
    yield "tax_reg", _registration(start, "正常")
    away = view.happens("tax/away", view.chance(rates.NOT_NORMAL))
    yield "tax_reg", _registration(away, "非正常")
    cured = away.uniform("tax/cured") < 0.35
    back = away.where(cured)
    back = back.on(back.day + 60 + (120 * back.uniform("tax/until")).astype(np.int64))
    yield "tax_reg", _registration(back.where(~(view.closed[back.at] <= back.day)), "正常")
    shut = view.each((view.closed >= view.start) & (view.closed <= view.end), view.closed)
    yield "tax_reg", _registration(shut, "注销")


def _registration(rows: Rows, status: str) -> pa.Table:
    published = rows.after(f"tax/{status}", rates.TAX_REG_LAG)
    general = ~_quarterly(rows.view)[rows.at]
    audited = (rows.view.dice.uniform("tax/levy", rows.who) < 0.9) | general
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "taxpayer_no": rows.uscc(),
        "status": status,
        "status_dt": rows.day,
        "taxpayer_type": words(("小规模纳税人", "一般纳税人"), general.astype(np.int64)),
        "levy_mode": words(("核定征收", "查账征收"), audited.astype(np.int64)),
        "tax_bureau": joined("国家税务总局", rows.city(), "税务局"),
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def _ratings(view: View, late: Bools, owing: Array) -> pa.Table:
    """Every April the level of the last year; young enterprises are M, some are not evaluated at all."""
    tables = []
    for year, months in view.years.items():
        turn = np.datetime64(f"{year + 1}-01-01")
        at = np.nonzero((view.founded < turn - 90) & ~(view.closed < turn + 104))[0]
        rows = Rows(view, at, np.full(len(at), int(months[-1])), np.full(len(at), turn - 1), year)
        rows = rows.where(view.dice.uniform("rating/evaluated", rows.who) < 0.88)
        faults = 2.0 * late[:, months].sum(axis=1) + 3.0 * (owing[:, months] > 0).sum(axis=1)
        score = (
            78 + 14 * view.prudence + rates.RATING_HEALTH.value * view.health[:, months].mean(axis=1) - faults
        )
        points = np.clip(np.round(score[rows.at] + 4.5 * rows.normal("rating/points"), 1), 5, 100)
        young = (turn - view.founded[rows.at]).astype(np.int64) < 730
        level = np.searchsorted((-90, -70, -40), -points, side="left")  # A, B, C, D
        level = np.array((0, 1, 3, 4))[level]
        level = np.where(young & (points >= 70), 2, level)
        published = turn + 104 + (24 * rows.uniform("rating/day")).astype(np.int64)
        always: dict[str, Column] = {
            "uscc": rows.uscc(), "year": np.full(len(rows), year, np.int64), "period_end": rows.day, "score": points,
        }  # fmt: skip
        repaired = (level >= 3) & (rows.uniform("rating/repaired") < 0.12)
        again = (
            days(np.where(repaired, published, NEVER))
            + 60
            + (120 * rows.uniform("rating/again")).astype(np.int64)
        )
        first: dict[str, Column] = {"level": words(_LEVELS, level), "basis": "年度评价", "pub_dt": published}
        second: dict[str, Column] = {"level": "B", "basis": "信用修复", "pub_dt": again}
        tables.append(sheet(rows, always, first, published + 1, second, again + 1))
    return pa.concat_tables(tables)


def _declared(view: View) -> Array:
    """Sales as declared each month, [n, m]: short of the truth by imprudence, none in some months."""
    short = rates.UNDERDECLARED.value * (1 - view.prudence) * view.trait("tax/short")
    noise = 1 + 0.05 * view.dice.normal("tax/declared", view.who[:, None], view.months[None, :])
    nothing = view.uniform("tax/nothing") < 0.008 * np.exp(np.clip(-0.6 * view.health, -2, 2.5))
    return np.where(nothing, 0.0, view.sales * (1 - short)[:, None] * noise * view.alive)


def _returns(view: View, late: Bools, declared: Array) -> pa.Table:
    quarterly = _quarterly(view)
    number = view.first.astype("datetime64[M]").astype(np.int64) % 12
    ends = number % 3 == 2
    total = declared.copy()
    total[:, 1:] += np.where(quarterly[:, None], declared[:, :-1], 0.0)
    total[:, 2:] += np.where(quarterly[:, None], declared[:, :-2], 0.0)
    gone = view.ill > 4  # some stop filing at all
    silent = gone & (view.uniform("tax/silent") < 0.35)
    rows = view.cells(view.alive & (ends[None, :] | ~quarterly[:, None]) & ~silent)
    sales = money(np.maximum(rows.of(total), 0.0))
    sales = np.where(sales < 100, 0.0, sales)
    tardy = rows.of(late)
    filed = rows.day + 15 - (10 * rows.uniform("tax/day") ** 2).astype(np.int64)
    filed = np.where(tardy, rows.day + 16 + (40 * rows.uniform("tax/delay") ** 2).astype(np.int64), filed)
    burden = rates.TAX_RATE.value * np.exp(0.35 * view.dice.normal("tax/burden", rows.who))
    payable = money(sales * burden * np.exp(0.15 * rows.normal("tax/payable")))
    exempt = rows.of(quarterly) & (sales < 300_000)
    exporter = view.dice.uniform("customs/exporter", rows.who) < rates.EXPORTERS.value
    always: dict[str, Column] = {
        "uscc": rows.uscc(),
        "period": view.first[rows.month],
        "is_late": tardy,
        "is_quarterly": rows.of(quarterly),
        "export_sales": money(sales * exporter * 0.4),
        **_statements(rows, statement(rows), ends[rows.month] & ~rows.of(quarterly)),
    }
    again = rows.uniform("tax/again") < rates.FILING_RESTATED.value
    corrected = money(sales * np.where(again, np.exp(0.25 * rows.normal("tax/corrected")), 1.0))
    later = days(np.where(again, filed + 20 + (70 * rows.uniform("tax/later")).astype(np.int64), NEVER))
    return sheet(
        rows, always, _amounts(sales, payable, exempt, filed, False), filed + 5,
        _amounts(corrected, money(corrected * burden), exempt, later, True), later + 5,
    )  # fmt: skip


def _amounts(sales: Array, payable: Array, exempt: Array, filed: Array, corrected: bool) -> dict[str, Column]:
    due = np.where(exempt, 0.0, payable)
    return {
        "file_dt": filed,
        "declared_sales": sales,
        "tax_payable": due,
        "tax_paid": due,
        "tax_exempt": np.where(exempt, payable, 0.0),
        "is_zero": sales <= 0,
        "is_corrected": np.full(len(sales), corrected),
    }


def _statements(rows: Rows, filed: Statement, told: Array) -> dict[str, Column]:
    """The balance sheet filed with the return of a quarter's last month; null in other months."""
    sales = rows.of(rows.view.sales) * 3
    values = {
        "fs_assets": filed.assets,
        "fs_liabilities": filed.liabilities,
        "fs_current_assets": filed.current_assets,
        "fs_current_liabilities": filed.current_liabilities,
        "fs_receivables": filed.receivables,
        "fs_inventory": filed.inventory,
        "fs_net_profit": money(sales * filed.margin),
        "fs_operating_cash": money(sales * (filed.margin + 0.06 * rows.normal("tax/cash"))),
    }
    return {name: np.where(told, value, np.nan) for name, value in values.items()}


def _payments(view: View, owing: Array, declared: Array) -> pa.Table:
    """Payments by the quarter and a row for each month in arrears."""
    ends = view.first.astype("datetime64[M]").astype(np.int64) % 3 == 2
    rows = view.cells(view.alive & (ends[None, :] | (owing > 0)))
    quarter = declared.copy()
    quarter[:, 1:] += declared[:, :-1]
    quarter[:, 2:] += declared[:, :-2]
    due = rows.of(quarter) * rates.TAX_RATE.value * np.exp(0.2 * rows.normal("tax/due"))
    lasted = rows.of(owing)
    due = np.where(ends[rows.month], due, 0.0)
    unpaid = np.where(lasted > 0, 0.3 + 0.6 * rows.uniform("tax/unpaid"), 0.0)
    monthly = rows.of(view.typical) * rates.TAX_RATE.value
    debt = money(
        np.where(lasted > 0, monthly * np.minimum(lasted, 8) * (0.5 + rows.uniform("tax/debt")), 0.0)
    )
    paid = money(np.maximum(due * (1 - unpaid), 0.0))
    day = rows.day + 15 - (8 * rows.uniform("tax/paid")).astype(np.int64)
    published = day + np.maximum(view.dice.delay("tax/payment", rates.TAX_PAID_LAG, rows.who, rows.month), 1)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "tax_kind": "增值税",
        "period": view.first[rows.month],
        "paid_amt": paid,
        "paid_dt": missing(day, paid <= 0),
        "arrears_bal": debt,
        "late_fee": money(debt * 0.0005 * 30 * np.minimum(lasted, 12)),
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def _violations(view: View, stated: Particulars) -> pa.Table:
    rows = view.happens("tax/violation", view.chance(rates.VIOLATION))
    published = rows.after("tax/violation/told", rates.VIOLATION_LAG)
    amount = money(np.maximum(rows.of(view.typical) * np.exp(1.0 * rows.normal("tax/evaded")), 20_000))
    gone = published + 1095
    always: dict[str, Column] = {
        **rows.identity(),
        "legal_rep": rows.person(stated.head(rows)),
        "case_no": joined("鲁税稽罚〔", rows.year(), "〕", rows.number(), "号"),
        "type": words(_CRIMES, rows.pick("tax/crime", (4, 4, 1, 1, 2))),
        "amount": amount,
        "fine": money(amount * (0.5 + 0.5 * rows.uniform("tax/fine"))),
        "org": joined("国家税务总局", rows.city(), "税务局稽查局"),
        "decide_dt": rows.day,
    }
    return sheet(
        rows, always, {"status": "公布中", "pub_dt": published}, published + 1,
        {"status": "已移除", "pub_dt": gone}, gone + 1,
    )  # fmt: skip
