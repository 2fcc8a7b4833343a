"""What do invoices show of an enterprise's sales and purchases, month by month and by counterparty?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.draws import Array
from riskengine.province.state import Edges
from riskengine.province.view import Column, Rows, View, days, missing, money, sheet

_SALE, _PURCHASE = 0, 1
_DIRECTIONS = ("销", "进")


def invoices(view: View) -> Iterator[tuple[str, pa.Table]]:
    """inv_monthly and inv_counterparty of a chunk: close to the truth, closer than any report."""
    for direction in (_SALE, _PURCHASE):
        yield "inv_monthly", _monthly(view, direction)
        yield "inv_counterparty", _counterparties(view, direction)


def _amounts(view: View, direction: int) -> Array:
    """Invoiced amounts, [n, m]; purchases fall earlier than sales when things go badly."""
    name = _DIRECTIONS[direction]
    noise = np.exp(0.07 * view.dice.normal(f"invoice/{name}", view.who[:, None], view.months[None, :]))
    none = view.uniform(f"invoice/{name}/none") < 0.012 * np.exp(np.clip(-0.7 * view.health, -2, 3))
    caught = rates.INVOICE_CAUGHT.value * np.where(none, 0.0, view.alive) * noise
    if direction == _PURCHASE:
        bought = 0.55 + 0.35 * view.trait("invoice/bought")
        caught = caught * bought[:, None] * np.exp(0.10 * np.clip(view.health, -2.5, 1.5)) * noise
    return view.sales * caught


def _ties(view: View, direction: int) -> tuple[Array, Array, Array]:
    """Known partners of each enterprise, the share of the first and of the first five, [n]."""
    edges = view.province.network.sales
    ends = edges.source if direction == _SALE else edges.target
    inside = np.nonzero((ends >= view.rows.start) & (ends < view.rows.start + len(view.who)))[0]
    at, share = ends[inside] - view.rows.start, edges.weight[inside]
    if direction == _PURCHASE:
        sellers = view.province.register.monthly_sales[edges.source[inside]]
        share = np.minimum(share * sellers / np.maximum(view.typical[at], 1.0) / 0.7, 0.9)
    order = np.lexsort((-share, at))
    at, share = at[order], share[order]
    count = np.bincount(at, minlength=len(view.who))
    rank = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    top1 = np.bincount(at[rank < 1], share[rank < 1], len(view.who))
    top5 = np.bincount(at[rank < 5], share[rank < 5], len(view.who))
    return count, np.clip(top1, 0, 0.95), np.clip(top5, 0, 0.98)


def _monthly(view: View, direction: int) -> pa.Table:
    name = _DIRECTIONS[direction]
    amounts = _amounts(view, direction)
    rows = view.cells(view.alive)
    amount = money(np.where(rows.of(amounts) < 200, 0.0, rows.of(amounts)))
    some = amount > 0
    health = np.clip(rows.of(view.health), -3, 3)
    size = 1500 * np.exp(2.5 * view.dice.uniform(f"invoice/{name}/size", rows.who))
    count = np.where(some, np.ceil(amount / size ** np.where(amount > 1e7, 1.25, 1.0)), 0).astype(np.int64)
    ties, top1, top5 = _ties(view, direction)
    others = 4 + 22 * view.dice.uniform(f"invoice/{name}/others", rows.who) ** 2
    partners = np.rint(
        (others + ties[rows.at]) * np.exp(0.22 * health + 0.12 * rows.normal(f"invoice/{name}/partners"))
    )
    partners = np.where(some, np.clip(partners, 1, np.maximum(count, 1)), 0).astype(np.int64)
    usual = 0.10 + 0.30 * view.dice.uniform(f"invoice/{name}/usual", rows.who)
    first = np.clip(
        np.maximum(top1[rows.at], usual) - 0.05 * health + 0.05 * rows.normal(f"invoice/{name}/top1"), 0.02, 1
    )
    five = np.clip(np.maximum(top5[rows.at], first + (1 - first) * 0.45), first, 1)
    first = np.where(partners == 1, 1.0, np.round(first, 4))
    five = np.maximum(np.where(partners <= 5, 1.0, np.round(five, 4)), first)
    red = rates.INVOICE_RED.value * np.exp(
        np.clip(-0.50 * health, -1, 1.5) + 0.9 * rows.normal(f"invoice/{name}/red")
    )
    returned = some & (rows.uniform(f"invoice/{name}/returned") < 0.35)
    back = np.where(returned, money(-amount * np.minimum(red, 0.6)), 0.0)
    month = view.first[rows.month]
    length = (view.last - view.first).astype(np.int64)[rows.month]
    gap = np.minimum(
        length,
        (np.exp(-0.25 * health) * 26 / np.sqrt(np.maximum(count, 1)) * rows.uniform(f"invoice/{name}/gap")),
    )
    lead = np.minimum(
        length - gap.astype(np.int64), (10 * rows.uniform(f"invoice/{name}/lead")).astype(np.int64)
    )
    published = rows.after(f"invoice/{name}/told", rates.INVOICE_LAG)
    published = np.maximum(published, rows.day + 1)
    void = ~(month >= np.datetime64("2024-12-01"))  # no voiding since fully digital invoices
    voided = some & void & (rows.uniform(f"invoice/{name}/void") < 0.2)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "ym": month,
        "dir": name,
        "blue_cnt": count,
        "blue_amt": amount,
        "red_cnt": np.where(returned, 1 + count // 60, 0),
        "red_amt": back,
        "void_cnt": voided.astype(np.int64),
        "void_amt": money(np.where(voided, size, 0.0)),
        "cp_cnt": partners,
        "top1_share": missing(first, ~some),
        "top5_share": missing(five, ~some),
        "first_invoice_dt": missing(month + lead, ~some),
        "last_invoice_dt": missing(rows.day - gap.astype(np.int64), ~some),
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def _counterparties(view: View, direction: int) -> pa.Table:
    """Quarterly amounts by known counterparty, dated the quarter's last month; buyers' books know some sellers only."""
    edges: Edges = view.province.network.sales
    name = _DIRECTIONS[direction]
    own, other = (edges.source, edges.target) if direction == _SALE else (edges.target, edges.source)
    inside = (own >= view.rows.start) & (own < view.rows.start + len(view.who)) & (own != other)
    number = np.nonzero(inside)[0]
    pair = own[number].astype(np.int64) * len(view.province.register.uscc) + other[number]
    number = number[np.unique(pair, return_index=True)[1]]  # one row of each pair and quarter
    if direction == _PURCHASE:
        number = number[view.dice.uniform("invoice/book", number) < 0.6]
    ends = np.nonzero(view.first.astype("datetime64[M]").astype(np.int64) % 3 == 2)[0]
    edge, quarter = np.repeat(number, len(ends)), np.tile(ends, len(number))
    course = view.province.course
    sold = np.zeros(len(edge))
    for back in range(3):
        earlier = np.maximum(quarter - back, 0)
        sold += np.where(quarter >= back, course.sales[edges.source[edge], earlier], 0.0)
    buying = course.sales[edges.target[edge], quarter] > 0
    begun = days(edges.since)[edge] <= view.last[quarter]
    noise = np.exp(0.25 * view.dice.normal(f"invoice/{name}/edge", edge, quarter))
    amount = money(sold * edges.weight[edge] * noise * rates.INVOICE_CAUGHT.value)
    keep = np.nonzero((amount > 500) & buying & begun)[0]
    edge, quarter, amount = edge[keep], quarter[keep], amount[keep]
    rows = Rows(
        view, (own[edge] - view.rows.start).astype(np.intp), quarter.astype(np.intp), view.last[quarter]
    )
    register = view.province.register
    published = rows.day + np.maximum(
        view.dice.delay(f"invoice/{name}/late", rates.INVOICE_LAG, edge, quarter), 1
    )
    partner = pa.array(other[edge])
    heads = register.controller
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "ym": view.first[quarter],
        "dir": name,
        "cp_uscc": pa.array(register.uscc, pa.string()).take(partner),
        "cp_name": pa.array(register.name, pa.string()).take(partner),
        "amt": amount,
        "cnt": np.ceil(amount / 20_000).astype(np.int64),
        "is_related": heads[own[edge]] == heads[other[edge]],
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)
