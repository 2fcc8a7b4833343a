"""What does the market show: news, tenders, pledges, prices, notes?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.province import rates
from riskengine.province.draws import Array, Dice
from riskengine.province.labour import jobs
from riskengine.province.particulars import Particulars
from riskengine.province.state import Province
from riskengine.province.view import NEVER, Column, Rows, View, days, gathered, joined, money, sheet, words

_BAD = ("欠薪", "停产", "爆雷", "质量", "环保", "诉讼", "失联", "罢工")
_LEVELS = ("官方媒体", "主流媒体", "行业媒体", "自媒体")
_PLEDGES = ("应收账款质押", "存货质押", "生产设备抵押", "浮动抵押", "融资租赁", "应收账款转让")
_PROJECTS = ("道路改造工程", "设备采购", "信息化建设", "绿化养护", "办公家具采购", "厂房建设", "检测服务")


def market(province: Province, rows: slice, rng: np.random.Generator) -> Iterator[tuple[str, pa.Table]]:
    """sentiment, bidding, jobs, movable_pledge, equity_pledge, price_index and supply_chain of a chunk of enterprises.

    Yields each source once: its contract's columns in yuan, `arrives`, `enterprise`. The same generator state gives the same
    numbers whatever the chunk; price_index comes with the chunk that starts at 0.
    """
    view = View(province, slice(*rows.indices(len(province.register.uscc))), Dice(int(rng.integers(2**62))))
    stated = Particulars(view)
    yield from gathered(_all(view, stated))


def _all(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    yield "jobs", jobs(view)
    yield "sentiment", _news(view)
    yield "sentiment", _praise(view)
    yield "bidding", _bids(view)
    yield "movable_pledge", _movables(view)
    yield "equity_pledge", _shares(view, stated)
    yield from _notes(view)
    if view.rows.start == 0:
        yield "price_index", _prices(view)


def _news(view: View) -> pa.Table:
    """Bad news, in one to several sources of one cluster; some of it is about somebody else of a like name."""
    events = view.happens("press/bad", view.chance(rates.PRESSED))
    tables = []
    for turn in range(4):
        rows = events.again(turn)
        rows = rows.where(events.uniform("press/echo") < (1.0, 0.45, 0.22, 0.10)[turn])
        rows = rows.on(rows.day + turn)
        wrong = events.where(events.uniform("press/echo") < (1.0, 0.45, 0.22, 0.10)[turn]).uniform(
            "press/wrong"
        )
        sure = np.where(
            wrong < rates.LINKED_WRONG.value,
            0.35 + 0.5 * rows.uniform("press/doubt"),
            0.8 + 0.2 * rows.uniform("press/sure"),
        )
        kind = rows.again(0).pick("press/kind", (3, 1, 1, 3, 2, 4, 1, 0.5))
        tables.append(_article(rows, kind, -0.35 - 0.65 * rows.uniform("press/tone"), sure))
    return pa.concat_tables(tables)


def _praise(view: View) -> pa.Table:
    rows = view.happens("press/good", rates.PRAISED.value * view.alive).again(9)
    tone = np.where(rows.uniform("press/neutral") < 0.3, -0.2, 0.2) + 0.3 * rows.uniform("press/tone")
    return _article(rows, np.full(len(rows), len(_BAD)), tone, 0.7 + 0.3 * rows.uniform("press/sure"))


def _article(rows: Rows, kind: Array, tone: Array, sure: Array) -> pa.Table:
    seen = rows.after("press/seen", rates.PRESS_LAG) + (rows.uniform("press/next") < 0.5)
    outlet = rows.pick("press/outlet", (1, 2, 3, 5))
    columns: dict[str, Column] = {
        **rows.identity(),
        "cluster_id": joined("C", rows.number() * 2 + (rows.turn == 9)),
        "source": joined(words(_LEVELS, outlet), rows.turn * np.ones(len(rows), np.int64) + 1),
        "pub_dt": rows.day,
        "crawl_dt": seen,
        "media_level": words(_LEVELS, outlet),
        "category": words((*_BAD, "经营"), kind),
        "polarity": np.round(tone, 2),
        "entity_conf": np.round(sure, 2),
        "article_cnt": 1 + rows.pick("press/articles", (6, 2, 1)),
        "status": "有效",
    }
    return sheet(rows, columns, {}, seen)


def _bids(view: View) -> pa.Table:
    """Enterprises that bid in public; awards get rarer as health falls; some are declared void later."""
    bidder = view.trait("bids/bidder") < 0.18
    chance = (
        rates.BIDS.value * 2.2 * np.exp(np.clip(0.25 * view.health, -2, 1)) * view.alive * bidder[:, None]
    )
    rows = view.happens("bids/bid", chance)
    role = rows.pick("bids/role", (0, 5, 5))
    amount = money(rows.of(view.typical) * np.exp(0.8 * rows.normal("bids/amount")) * 0.8)
    void = (rows.uniform("bids/void") < 0.02) & (role == 2)
    told = rows.after("bids/told", rates.BID_LAG)
    told = np.maximum(told, rows.day + 7)
    buyer = joined(
        rows.city(),
        words(
            ("教育局", "交通运输局", "住房和城乡建设局", "城市投资集团"),
            rows.pick("bids/buyer", (3, 2, 2, 2)),
        ),
    )
    always: dict[str, Column] = {
        **rows.identity(),
        "role": words(("招标", "投标", "中标"), role),
        "project": joined(
            rows.city(), words(_PROJECTS, rows.pick("bids/project", (1,) * 7)), "（", rows.number(), "）"
        ),
        "amt": amount,
        "notice_no": joined("SDGP", rows.year(), "-", rows.number()),
        "category": words(("工程", "货物", "服务"), rows.pick("bids/category", (3, 4, 3))),
        "buyer_name": buyer,
    }
    gone = days(np.where(void, rows.day + 15, NEVER))
    return sheet(
        rows, always, {"dt": rows.day, "status": "有效"}, told, {"dt": gone, "status": "已废标"}, gone + 10
    )


def _movables(view: View) -> pa.Table:
    rows = view.happens("pledge/movable", view.chance(rates.PLEDGED))
    amount = money(rows.of(view.typical) * (1.0 + 4.0 * rows.uniform("pledge/amount")))
    term = 365 * (1 + rows.pick("pledge/term", (4, 1, 2)))
    told = rows.after("pledge/told", rates.SAME_DAY)
    banks = tuple(str(bank) for bank in view.province.banks)
    holder = (rows.uniform("pledge/holder") * len(banks)).astype(np.int64)
    always: dict[str, Column] = {
        "reg_no": joined("ZD", rows.year(), "-", rows.number()),
        "uscc": rows.uscc(),
        "name": rows.name(),
        "holder_name": words(banks, holder),
        "type": words(_PLEDGES, rows.pick("pledge/type", (4, 2, 3, 1, 2, 2))),
        "amt": amount,
        "reg_dt": rows.day,
        "exp_dt": rows.day + term,
        "is_own": np.zeros(len(rows), bool),
    }
    gone = rows.day + (term * (0.7 + 0.3 * rows.uniform("pledge/until"))).astype(np.int64)
    gone = np.where(rows.uniform("pledge/cancelled") < 0.7, np.maximum(gone, told + 1), NEVER)
    return sheet(
        rows, always, {"event_type": "初始登记", "status": "有效", "pub_dt": told}, told,
        {"event_type": "注销登记", "status": "已注销", "pub_dt": gone}, gone,
    )  # fmt: skip


def _shares(view: View, stated: Particulars) -> pa.Table:
    rows = view.happens("pledge/shares", view.chance(rates.EQUITY_PLEDGED))
    who = rows.own(view.province.register.controller)
    held = np.round(0.51 + 0.49 * view.dice.uniform("pledge/held", rows.who), 4)
    ratio = np.round(held * (0.2 + 0.8 * rows.uniform("pledge/ratio")), 4)
    told = rows.after("pledge/equity", rates.REGISTER_LAG)
    banks = tuple(str(bank) for bank in view.province.banks)
    always: dict[str, Column] = {
        "reg_no": joined("GQ", rows.year(), "-", rows.number()),
        "uscc": rows.uscc(),
        "name": rows.name(),
        "pledgor_type": "自然人",
        "pledgor_name": rows.person(who),
        "pledgor_id": rows.resident_id(who),
        "pledgee_name": words(banks, (rows.uniform("pledge/holder") * len(banks)).astype(np.int64)),
        "amt": np.round(stated.capital(rows) * ratio, -2),
        "ratio": ratio,
        "holder_ratio": held,
        "reg_dt": rows.day,
    }
    gone = rows.day + 180 + (700 * rows.uniform("pledge/until")).astype(np.int64)
    seen = np.where(
        rows.uniform("pledge/cancelled") < 0.7, gone + 2, NEVER
    )  # released but not updated: domain 3.2
    return sheet(
        rows, always, {"status": "有效", "cancel_dt": NEVER, "pub_dt": told}, told,
        {"status": "无效", "cancel_dt": gone, "pub_dt": seen}, seen,
    )  # fmt: skip


def _notes(view: View) -> Iterator[tuple[str, pa.Table]]:
    """Monthly list of acceptors with notes overdue, and quarterly payables of core enterprises to suppliers."""
    late = view.spells("notes/late", rates.NOTE_LATE, 4)
    rows = view.cells(late > 0)
    told = rows.after("notes/told", rates.NOTE_LAG)
    owed = money(np.maximum(rows.of(view.typical) * (0.2 + 0.8 * rows.uniform("notes/owed")), 10_000))
    columns: dict[str, Column] = {
        "record_no": joined("SP", rows.number()),
        **rows.identity(),
        "role": "承兑人",
        "kind": "商业承兑汇票",
        "ym": view.first[rows.month],
        "pub_dt": told,
        "payable": owed,
        "overdue_amt": money(owed * (0.2 + 0.8 * rows.uniform("notes/part"))),
        "overdue_cnt": 1 + rows.pick("notes/count", (5, 3, 1)),
        "status": "逾期",
    }
    yield "supply_chain", sheet(rows, columns, {}, told)

    sales = view.province.network.sales
    own = np.nonzero((sales.source >= view.rows.start) & (sales.source < view.rows.start + len(view.who)))[0]
    big = view.province.register.size[sales.target[own]] == 2
    own = own[big & (sales.weight[own] > 0.1) & (sales.source[own] != sales.target[own])]
    ends = np.nonzero(view.first.astype("datetime64[M]").astype(np.int64) % 3 == 2)[0]
    edge, month = np.repeat(own, len(ends)), np.tile(ends, len(own))
    at = sales.source[edge] - view.rows.start
    keep = np.nonzero((view.sales[at, month] > 0) & (days(sales.since)[edge] <= view.last[month]))[0]
    edge, month, at = edge[keep], month[keep], at[keep]
    rows = Rows(view, at.astype(np.intp), month.astype(np.intp), view.last[month])
    told = rows.day + np.maximum(view.dice.delay("notes/core", rates.NOTE_LAG, edge, month), 1)
    register = view.province.register
    buyer = pa.array(sales.target[edge])
    columns = {
        "record_no": joined("YF", edge * len(view.months) + month),
        **rows.identity(),
        "role": "供应商",
        "cp_uscc": pa.array(register.uscc, pa.string()).take(buyer),
        "cp_name": pa.array(register.name, pa.string()).take(buyer),
        "kind": "应付账款",
        "ym": view.first[month],
        "pub_dt": told,
        "payable": money(
            view.sales[at, month]
            * sales.weight[edge]
            * (0.5 + 1.5 * view.dice.uniform("notes/payable", edge, month))
        ),
        "status": "正常",
    }
    yield "supply_chain", sheet(rows, columns, {}, told)


def _prices(view: View) -> pa.Table:
    """The mean health of an industry in a city against a year ago, seen with noise; thin pairs are not covered."""
    register, health = view.province.register, view.province.course.health
    pair, of = np.unique(
        [f"{i[:2]}{r[:4]}" for i, r in zip(register.industry, register.region6, strict=True)],
        return_inverse=True,
    )
    count = np.bincount(of)
    mean = np.stack([np.bincount(of, health[:, month]) for month in view.months], axis=1)
    mean = mean / (count + 12.0)[:, None]
    change = mean.copy()
    change[:, 12:] -= mean[:, :-12]
    covered = np.nonzero(count >= 5)[0]
    number = np.arange(len(pair))
    noise = view.dice.normal("prices/noise", number[:, None], view.months[None, :])
    index = np.round(100 + 9 * change + 1.2 * noise, 2)
    at, month = np.repeat(covered, len(view.months)), np.tile(view.months, len(covered))
    texts = pa.array(pair[at].astype(object), pa.string())
    before = np.where(month > 0, index[at, np.maximum(month - 1, 0)], index[at, month])
    arrives = view.last[month] + 30
    keep = np.nonzero(arrives <= view.end)[0]
    take = pa.array(keep)
    return pa.table(
        {
            "industry": pc.utf8_slice_codeunits(texts, 0, 2).take(take),
            "region": pc.utf8_slice_codeunits(texts, 2, 6).take(take),
            "ym": view.first[month][keep],
            "index": index[at, month][keep],
            "month_change": np.round(index[at, month] / before - 1, 5)[keep],
            "year_change": np.round(index[at, month] / 100 - 1, 5)[keep],
            "sample_cnt": count[at][keep],
            "arrives": arrives[keep],
            "enterprise": np.full(len(keep), -1, np.int32),
        }
    )
