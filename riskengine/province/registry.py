"""What does the register say of each enterprise: particulars, changes, owners and officers?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.province import rates
from riskengine.province.particulars import Particulars
from riskengine.province.view import NEVER, Column, Rows, View, days, joined, missing, money, sheet, words

_TYPES = ("有限责任公司", "有限责任公司（自然人独资）", "股份有限公司", "个体工商户", "农民专业合作社")
_STATUS = ("存续", "在业", "开业")


def registry(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """mkt_reg, mkt_change, mkt_people and mkt_equity of a chunk."""
    yield from _register(view, stated)
    yield from _changes(view, stated)
    yield from _officers(view, stated)
    yield from _owners(view, stated)


def _register(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """The first record, one for each month with changes, one for a renaming, and the last."""
    opening = view.each(~(view.closed < view.start) & (view.founded <= view.end), view.founded)
    yield "mkt_reg", _record(stated, opening, _status(opening), len(view.months))
    moved = np.logical_or.reduce([stated.changed[item] for item in rates.CHANGES if item != "股东"])
    cells = view.cells(moved)
    cells = cells.on(stated.day(cells))
    yield "mkt_reg", _record(stated, cells, _status(cells), 0)
    rows = _renamings(view)
    yield "mkt_reg", _record(stated, rows, _status(rows), 1)
    closed = view.each((view.closed >= view.start) & (view.closed <= view.end), view.closed)
    revoked = (closed.uniform("registry/revoked") < rates.REVOKED.value).astype(np.int64)
    yield "mkt_reg", _record(stated, closed, words(("注销", "吊销"), revoked), 0)


def _renamings(view: View) -> Rows:
    """Those before the first day too: the register goes back to each enterprise's founding."""
    renamed = days(view.province.register.renamed[view.rows])
    ever = (renamed > view.founded) & (renamed <= view.end) & ~(view.closed <= renamed)
    return view.each(ever & ~(view.closed < view.start), renamed)


def _status(rows: Rows) -> pa.Array:
    return words(_STATUS, rows.view.dice.pick("registry/status", (85, 10, 5), rows.who))


def _record(stated: Particulars, rows: Rows, status: pa.Array, back: int) -> pa.Table:
    """Rows of the register with what was registered `back` months before each row's month ended."""
    view, register, dice = rows.view, rows.view.province.register, rows.view.dice
    renamed = days(rows.own(register.renamed)) <= rows.day
    capital = stated.capital(rows, back)
    part = np.where(
        dice.uniform("registry/paid", rows.who) < 0.4, 1.0, dice.uniform("registry/part", rows.who)
    )
    code = rows.uscc()
    kind = dice.pick("registry/type", (70, 25, 5), rows.who)
    for place, prefix in ((3, "92"), (4, "93")):
        kind = np.where(pc.starts_with(code, prefix).to_numpy(zero_copy_only=False), place, kind)
    old = rows.texts(register.registration_no)
    unknown = pa.array(dice.uniform("registry/unclassified", rows.who) < 0.01)
    nothing = pa.scalar(None, pa.string())
    delay = np.maximum(1, dice.delay("registry/register", rates.REGISTER_LAG, rows.who, rows.month))
    term = rows.of(view.founded) + 3652 * (1 + dice.pick("registry/term", (1, 2, 3), rows.who))
    columns: dict[str, Column] = {
        "uscc": code,
        "name": rows.name(),
        "former_name": _unless_empty(
            pc.if_else(pa.array(renamed), rows.texts(register.former_name), nothing)
        ),
        "record_dt": rows.day,
        "est_date": rows.of(view.founded),
        "reg_capital": capital,
        "paid_capital": missing(
            np.round(capital * part, -3), dice.uniform("registry/unpaid", rows.who) < 0.2
        ),
        "status": status,
        "ent_type": words(_TYPES, kind),
        "industry_code": pc.if_else(unknown, nothing, rows.texts(register.industry)),
        "region6": rows.region(),
        "legal_rep": rows.person(stated.head(rows, back)),
        "registration_no": _unless_empty(old),
        "org_code": pc.utf8_slice_codeunits(code, 8, 17),
        "address": stated.address(rows, back),
        "phone": joined(
            "1", (dice.uniform("registry/phone", rows.who) * 3e9 + 3.1e9).astype(np.int64) + rows.who % 7
        ),
        "scope": stated.scope(rows, back),
        "term_to": missing(term, dice.uniform("registry/endless", rows.who) < 0.6),
        "approve_dt": rows.day,
        "capital_currency": "人民币",
        "reg_authority": joined(rows.city(), "市场监督管理局"),
    }
    return sheet(rows, columns, {}, rows.day + delay)


def _unless_empty(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _changes(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    for item, mask in stated.changed.items():
        rows = view.cells(mask)
        rows = rows.on(stated.day(rows))
        told: dict[str, Column] = {}
        if item == "法定代表人":
            told = {"before": rows.person(stated.head(rows, 1)), "after": rows.person(stated.head(rows))}
        elif item == "注册资本":
            told = {"before_amt": stated.capital(rows, 1), "after_amt": stated.capital(rows)}
        elif item == "住所":
            told = {"before": stated.address(rows, 1), "after": stated.address(rows)}
        elif item == "经营范围":
            told = {"before": stated.scope(rows, 1), "after": stated.scope(rows)}
        yield "mkt_change", _change(rows, item, told)
    rows = _renamings(view)
    register = view.province.register
    names = {"before_name": rows.texts(register.former_name), "after_name": rows.texts(register.name)}
    yield "mkt_change", _change(rows, "名称", names)


def _change(rows: Rows, item: str, told: dict[str, Column]) -> pa.Table:
    published = rows.after(f"registry/{item}/told", rates.CHANGE_LAG)
    always: dict[str, Column] = {
        "uscc": rows.uscc(),
        "change_item": item,
        "change_dt": rows.day,
        "pub_dt": published,
    }
    return sheet(rows, {**always, **told}, {}, published + 1)


def _officers(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """The legal representative and a supervisor at first; later the old one leaves and a new one comes."""
    opening = view.each(~(view.closed < view.start) & (view.founded <= view.end), view.founded)
    people = len(view.province.persons.name)
    for turn, role in enumerate(("法定代表人", "监事")):
        rows = opening.again(turn)
        who = (
            stated.head(rows, len(view.months))
            if turn == 0
            else (rows.uniform("registry/officer") * people).astype(np.int64)
        )
        yield "mkt_people", _officer(rows, who, role, "在任")
    cells = view.cells(stated.changed["法定代表人"])
    cells = cells.on(stated.day(cells))
    before, after = stated.head(cells, 1), stated.head(cells)
    names = view.province.persons.name
    moved = np.nonzero(names[before] != names[after])[0]
    cells = cells.where(moved)
    yield "mkt_people", _officer(cells, before[moved], "法定代表人", "离任")
    yield "mkt_people", _officer(cells, after[moved], "法定代表人", "在任")


def _officer(rows: Rows, who: Column, role: str, status: str) -> pa.Table:
    published = rows.after("registry/people", rates.REGISTER_LAG)
    number = np.asarray(who)
    anonymous = pa.array(rows.uniform(f"registry/{role}/anonymous") < 0.35)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "name": rows.person(number),
        "person_id": pc.if_else(anonymous, pa.scalar(None, pa.string()), rows.resident_id(number)),
        "role": role,
        "start_dt": rows.day if status == "在任" else NEVER,
        "end_dt": rows.day if status == "离任" else NEVER,
        "record_dt": rows.day,
        "status": status,
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def _owners(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """Controller, an enterprise that holds shares, another person; a change of shareholders replaces the last."""
    opening = view.each(~(view.closed < view.start) & (view.founded <= view.end), view.founded)
    holdings = view.province.network.holdings
    inside = np.nonzero(
        (holdings.target >= view.rows.start) & (holdings.target < view.rows.start + len(view.who))
        & (days(holdings.since) <= view.end) & (holdings.source != holdings.target)
    )[0]  # fmt: skip
    held = np.bincount(holdings.target[inside] - view.rows.start, holdings.weight[inside], len(view.who))
    left = np.clip(1.0 - held, 0.0, 1.0)
    major = left * (0.55 + 0.45 * np.where(view.trait("equity/sole") < 0.45, 1.0, view.trait("equity/major")))
    share = opening.of(major)
    yield "mkt_equity", _owner(opening, opening.own(view.province.register.controller), share, "在册")

    last = stated.latest("股东")
    minor = (left - major) > 0.005
    partners = opening.where(minor[opening.at])
    usual = view.province.register.controller
    first = stated.stranger("equity/partner", partners, np.full(len(partners), 10_000), usual)
    names = view.province.persons.name
    other = np.nonzero(names[first] != names[partners.own(usual)])[0]
    partners = partners.where(other)
    yield "mkt_equity", _owner(partners, first[other], (left - major)[partners.at], "在册")
    cells = view.cells(stated.changed["股东"] & minor[:, None])
    cells = cells.on(stated.day(cells))
    prior = np.where(cells.month > 0, last[cells.at, np.maximum(cells.month - 1, 0)], -1)
    prior = np.where(prior < 0, 10_000, prior)
    gone, come = (stated.stranger("equity/partner", cells, month, usual) for month in (prior, cells.month))
    # Holders are told by name: one that looks like the other or like the controller makes no row of its own.
    heads = names[cells.own(usual)]
    plain = np.nonzero((names[gone] != names[come]) & (names[gone] != heads) & (names[come] != heads))[0]
    cells = cells.where(plain)
    yield "mkt_equity", _owner(cells, gone[plain], np.zeros(len(cells)), "已退出")
    yield "mkt_equity", _owner(cells, come[plain], (left - major)[cells.at], "在册")

    at = holdings.target[inside] - view.rows.start
    since = np.maximum(days(holdings.since)[inside], view.founded[at])
    rows = Rows(view, at.astype(np.intp), np.zeros(len(at), np.intp), since, 1)
    yield "mkt_equity", _held(rows, holdings.source[inside], holdings.weight[inside])


def _holding(rows: Rows, share: Column) -> dict[str, Column]:
    ratio = np.round(np.asarray(share, dtype=np.float64), 4)
    subscribed = money(rows.own(rows.view.province.register.capital) * ratio)
    paid = rows.view.dice.uniform("registry/part", rows.who)
    return {
        "uscc": rows.uscc(),
        "ratio": ratio,
        "subscribed": subscribed,
        "paid_in": money(subscribed * paid),
        "record_dt": rows.day,
    }


def _owner(rows: Rows, who: Column, share: Column, status: str) -> pa.Table:
    published = rows.after("registry/equity", rates.REGISTER_LAG)
    number = np.asarray(who)
    anonymous = pa.array(rows.view.dice.uniform("equity/anonymous", rows.who, number) < 0.35)
    columns: dict[str, Column] = {
        **_holding(rows, share),
        "holder_name": rows.person(number),
        "holder_id": pc.if_else(anonymous, pa.scalar(None, pa.string()), rows.resident_id(number)),
        "holder_type": "自然人",
        "status": status,
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)


def _held(rows: Rows, holder: Column, share: Column) -> pa.Table:
    published = rows.after("registry/equity", rates.REGISTER_LAG)
    register, number = rows.view.province.register, np.asarray(holder)
    columns: dict[str, Column] = {
        **_holding(rows, share),
        "holder_name": pa.array(register.name[number], pa.string()),
        "holder_code": pa.array(register.uscc[number], pa.string()),
        "holder_type": "企业",
        "status": "在册",
        "pub_dt": published,
    }
    return sheet(rows, columns, {}, published + 1)
