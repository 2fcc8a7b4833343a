"""Which enterprises hold patents, technology certificates, subsidies and farms?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.draws import Array
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

_IP = ("发明", "实用新型", "外观设计", "软件著作权", "商标")
_LISTS = ("高新技术企业", "科技型中小企业", "专精特新中小企业", "创新型中小企业", "专精特新小巨人")
_SHARES = (0.45, 0.75, 0.18, 0.30, 0.02)  # of technology enterprises on each list
_MONTHS = (11, 6, 8, 7, 8)  # in which the lists are made
_TERMS = (3, 1, 3, 3, 3)  # years
_CROPS = ("小麦", "玉米", "花生", "苹果", "大蒜", "生猪", "肉鸡", "奶牛")


def merits(view: View) -> Iterator[tuple[str, pa.Table]]:
    """ip, tech_list, gov_fund and agri of a chunk."""
    yield from _rights(view)
    yield "tech_list", _certificates(view)
    yield "gov_fund", _funds(view)
    yield "agri", _farms(view)


def _technology(view: View) -> Bools:
    return np.asarray(view.province.register.technology[view.rows])


def _rights(view: View) -> Iterator[tuple[str, pa.Table]]:
    """Applications in every month, and those from before the start; granted and published with the delay of their kind."""
    technology = _technology(view)
    pace = (
        rates.PATENTS.value
        * np.where(technology, 1.0, 0.12)[:, None]
        * np.exp(np.clip(0.2 * view.health, -1, 1))
    )
    yield "ip", _right(view.happens("ip", pace * view.alive), 0)
    had = (view.trait("ip/before") < np.where(technology, 0.8, 0.10)) & (view.founded < view.start - 400)
    for turn in (1, 2, 3):
        back = 200 + 1500 * view.trait(f"ip/back/{turn}")
        filed = np.maximum(view.start - back.astype(np.int64), view.founded + 30)
        some = (
            had & (view.trait(f"ip/more/{turn}") < (1.0, 0.6, 0.35)[turn - 1]) & ~(view.closed < view.start)
        )
        yield "ip", _right(view.each(some, filed).again(turn), turn)


def _right(rows: Rows, turn: int) -> pa.Table:
    view = rows.view
    kind = rows.pick("ip/kind", (2, 4, 1, 3, 4))
    slow, quick = rows.after("ip/slow", rates.PATENT_LAG), rows.after("ip/quick", rates.OTHER_IP_LAG)
    told = np.where(kind == 0, slow, quick)
    term = np.array((20, 10, 15, 50, 10))[kind] * 365
    granted = (kind != 0) | (rows.uniform("ip/granted") < 0.35)
    ceased = rows.uniform("ip/ceased") < 0.25
    gone = np.where(ceased & granted, told + 400 + (900 * rows.uniform("ip/until")).astype(np.int64), NEVER)
    pledged = granted & (rows.uniform("ip/pledged") < 0.06)
    nothing = np.zeros(len(rows), bool)
    always: dict[str, Column] = {
        **rows.identity(),
        "ip_no": joined(words(("ZL", "ZL", "ZL", "RZ", "SB"), kind), rows.year(), rows.number() * 4 + turn),
        "type": words(_IP, kind),
        "apply_dt": rows.day,
        "grant_dt": missing(told - 5, ~granted | (told - 5 < rows.day)),
        "valid_to": missing(rows.day + term, ~granted),
        "is_pledged": pledged,
        "pledge_amt": missing(np.round(300_000 * np.exp(rows.normal("ip/amount")), -3), ~pledged),
        "pledge_dt": missing(told - 2, ~pledged | (told - 2 < rows.day)),
    }
    del view
    return sheet(
        rows, always, {"status": words(("审查中", "有效"), granted.astype(np.int64)), "pub_dt": told}, told + 7,
        {"status": "失效", "is_pledged": nothing, "pub_dt": gone}, days(gone) + 7,
    )  # fmt: skip


def _certificates(view: View) -> pa.Table:
    """Batches of certificates a year; expired rows stay, some are cancelled, names are those of the day."""
    tables = []
    for kind, share in enumerate(_SHARES):
        member = _technology(view) & (view.trait(f"list/{kind}") < share)
        for year in range(min(view.years) - 2, max(view.years) + 1):
            issued = np.datetime64(f"{year}-{_MONTHS[kind]:02d}-15")
            turn = (view.trait(f"list/phase/{kind}") * _TERMS[kind]).astype(np.int64)
            due = (
                member
                & ((year - turn) % _TERMS[kind] == 0)
                & (view.founded < issued - 365)
                & ~(view.closed < issued)
            )
            due &= ~(view.closed < view.start)
            tables.append(_batch(view, due, kind, issued))
    return pa.concat_tables(tables, promote_options="default")


def _batch(view: View, due: Bools, kind: int, issued: np.datetime64) -> pa.Table:
    year = int(str(issued)[:4])
    rows = view.each(due, np.full(len(view.who), issued)).again(year * 8 + kind)
    rows = rows.on(rows.day + (20 * rows.uniform("list/day")).astype(np.int64))
    renewed = rows.uniform("list/renewed") < np.clip(0.90 + 0.05 * rows.of(view.health), 0.5, 0.98)
    rows = rows.where(renewed)
    told = rows.after("list/told", rates.LIST_BATCH_LAG)
    if _TERMS[kind] == 1:
        until = np.full(len(rows), np.datetime64(f"{year + 1}-03-31"))
    else:
        until = rows.day + 365 * _TERMS[kind]
    cancelled = np.where(rows.uniform("list/cancelled") < 0.015, told + 200, NEVER)
    always: dict[str, Column] = {
        **rows.identity(),
        "list_type": _LISTS[kind],
        "cert_no": joined(
            ("GR", "KX", "ZJTX", "CXX", "XJR")[kind], np.full(len(rows), year), rows.who + 1_000_000
        ),
        "issue_dt": rows.day,
        "valid_to": until,
        "list_batch": joined(np.full(len(rows), year), "年第", 1 + rows.pick("list/batch", (1, 1, 1)), "批"),
    }
    return sheet(
        rows, always, {"status": "有效", "cancel_dt": NEVER, "pub_dt": told}, told + 1,
        {"status": "已取消", "cancel_dt": cancelled, "pub_dt": days(cancelled) + 5}, days(cancelled) + 6,
    )  # fmt: skip


def _funds(view: View) -> pa.Table:
    technology = _technology(view)[:, None]
    chance = rates.FUNDED.value * np.where(technology, 5.0, 1.0) * np.exp(np.clip(0.15 * view.health, -1, 1))
    rows = view.happens("fund", chance * view.alive)
    told = rows.after("fund/told", rates.FUND_LAG)
    kind = rows.pick("fund/item", (6, 3, 2, 1))
    columns: dict[str, Column] = {
        **rows.identity(),
        "doc_no": joined("鲁财〔", rows.year(), "〕", rows.number(), "号"),
        "item": words(("财政补贴", "政府采购", "税收返还", "其他"), kind),
        "project": words(
            ("技术改造", "稳岗返还", "研发补助", "设备采购"), rows.pick("fund/project", (1, 2, 2, 1))
        ),
        "amt": np.round(60_000 * np.exp(1.0 * rows.normal("fund/amount")), -2),
        "org": joined(rows.city(), "财政局"),
        "dt": rows.day,
        "status": "有效",
        "pub_dt": told,
    }
    return sheet(rows, columns, {}, told + 1)


def _farms(view: View) -> pa.Table:
    """Land, subsidies and insurance of farms in spring and autumn; damage now and then."""
    farming = view.province.register.agricultural[view.rows]
    number = view.first.astype("datetime64[M]").astype(np.int64) % 12
    season = np.isin(number, (3, 9))[None, :] & (view.uniform("farm/told") < 0.8)
    damage = view.uniform("farm/damage") < 0.004 * np.exp(np.clip(-0.3 * view.health, -1, 1.5))
    rows = view.cells(view.alive & farming[:, None] & (season | damage))
    rows = rows.on(view.first[rows.month] + (27 * rows.uniform("farm/day")).astype(np.int64))
    kind = np.where(rows.of(damage), 4, rows.pick("farm/kind", (3, 2, 2, 3)))
    told = rows.after("farm/lag", rates.AGRI_LAG)
    mu = np.round(120 * np.exp(0.9 * view.dice.normal("farm/mu", rows.who)), 1)
    insured = money(mu * 700)
    who = rows.own(view.province.register.controller)

    def only(values: Array, *kinds: int) -> pa.Array:
        return missing(values, ~np.isin(kind, kinds))

    columns: dict[str, Column] = {
        **rows.identity(),
        "record_no": joined("NY", rows.year(), "-", rows.number()),
        "farmer": rows.person(who),
        "farmer_id": rows.resident_id(who),
        "kind": words(("种植", "养殖", "补贴", "保险", "灾害"), kind),
        "product": words(_CROPS, view.dice.pick("farm/crop", (3, 3, 2, 2, 1, 2, 2, 1), rows.who)),
        "land_mu": only(mu, 0, 3),
        "head_cnt": only(np.rint(mu * 2).astype(np.int64), 1),
        "subsidy_amt": only(money(mu * 110), 2),
        "insured_amt": only(insured, 3),
        "premium": only(money(insured * 0.05), 3),
        "claim_amt": only(money(insured * 0.3 * rows.uniform("farm/claim")), 4),
        "loss_share": only(np.round(0.1 + 0.8 * rows.uniform("farm/loss"), 3), 4),
        "start_dt": rows.day,
        "end_dt": rows.day + 180,
        "pub_dt": told,
    }
    return sheet(rows, columns, {}, told + 1)
