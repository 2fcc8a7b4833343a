"""What do the other offices publish: penalties, safety, real estate, customs, power?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import rates
from riskengine.province.particulars import Particulars
from riskengine.province.view import NEVER, Column, View, joined, missing, money, sheet, words

_CAUSES = (
    "违反产品质量法",
    "违反广告法",
    "未按规定公示信息",
    "违反消防法",
    "违反安全生产法",
    "违反环境保护法",
    "违法用工",
)
_ACCIDENTS = ("一般", "较大", "重大")
_RATINGS = ("绿", "蓝", "黄", "红", "黑")


def offices(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """adm_penalty, env_safety, realty, customs and utility of a chunk."""
    yield "adm_penalty", _penalties(view, stated)
    yield from _safety(view)
    yield "realty", _buildings(view)
    yield "customs", _trade(view)
    yield "utility", _power(view)


def _penalties(view: View, stated: Particulars) -> pa.Table:
    """Penalties as published; repaired ones are withdrawn, as the domain page says."""
    rows = view.happens("penalty", view.chance(rates.PENALTY))
    told = rows.after("penalty/told", rates.PENALTY_LAG)
    kind = rows.pick("penalty/result", (70, 1.5, 0.5, 22, 4, 2))
    fine = np.round(np.maximum(8_000 * np.exp(1.1 * rows.normal("penalty/fine")), 200), -2)
    repaired = rows.uniform("penalty/repaired") < rates.PENALTY_REPAIRED.value
    gone = np.where(repaired, told + 100 + (250 * rows.uniform("penalty/until")).astype(np.int64), NEVER)
    always: dict[str, Column] = {
        **rows.identity(),
        "legal_rep": rows.person(stated.head(rows)),
        "doc_no": joined("鲁市监罚字〔", rows.year(), "〕", rows.number(), "号"),
        "org": joined(
            rows.city(),
            words(
                ("市场监督管理局", "应急管理局", "生态环境局", "消防救援支队"),
                rows.pick("penalty/org", (6, 1, 1, 2)),
            ),
        ),
        "cause": words(_CAUSES, rows.pick("penalty/cause", (3, 2, 2, 3, 2, 2, 1))),
        "result": words(("罚款", "责令停产", "吊销", "警告", "没收", "其他"), kind),
        "amount": missing(fine, np.isin(kind, (2, 3))),
        "decide_dt": rows.day,
        "pub_to": told + 1095,
    }
    return sheet(
        rows,
        always,
        {"status": "公示中", "pub_dt": told},
        told + 1,
        {"status": "已移除", "pub_dt": gone},
        gone + 1,
    )


def _safety(view: View) -> Iterator[tuple[str, pa.Table]]:
    """Accidents, production halts, and every May an environmental rating of manufacturers that are rated."""
    rows = view.happens("safety", view.chance(rates.SAFETY))
    told = rows.after("safety/told", rates.SAFETY_LAG)
    accident = rows.uniform("safety/kind") < 0.45
    none = np.full(len(rows), -1)
    gone = np.where(accident, NEVER, told + 90 + (120 * rows.uniform("safety/until")).astype(np.int64))
    always: dict[str, Column] = {
        **rows.identity(),
        "record_no": joined("AQ", rows.year(), "-", rows.number()),
        "kind": words(("停产整治", "安全事故"), accident.astype(np.int64)),
        "rating": words(_RATINGS, none),
        "accident_level": words(_ACCIDENTS, np.where(accident, rows.pick("safety/level", (90, 9, 1)), -1)),
        "org": joined(rows.city(), words(("生态环境局", "应急管理局"), accident.astype(np.int64))),
        "event_dt": rows.day,
    }
    yield (
        "env_safety",
        sheet(
            rows,
            always,
            {"status": "有效", "pub_dt": told},
            told + 1,
            {"status": "已移除", "pub_dt": gone},
            gone + 1,
        ),
    )
    may = view.first.astype("datetime64[M]").astype(np.int64) % 12 == 4
    rated = view.trait("safety/rated") < 0.12
    rows = view.cells(view.alive & may[None, :] & rated[:, None]).again(1)
    score = -rows.of(view.health) * 0.5 + rows.normal("safety/score")
    told = rows.after("safety/told", rates.SAFETY_LAG)
    columns: dict[str, Column] = {
        **rows.identity(),
        "record_no": joined("HB", rows.year(), "-", rows.number()),
        "kind": "环境信用评价",
        "rating": words(_RATINGS, np.searchsorted((0.2, 1.5, 2.4, 3.2), score)),
        "accident_level": words(_ACCIDENTS, np.full(len(rows), -1)),
        "org": joined(rows.city(), "生态环境局"),
        "event_dt": rows.day,
        "status": "有效",
        "pub_dt": told,
    }
    yield "env_safety", sheet(rows, columns, {}, told + 1)


def _buildings(view: View) -> pa.Table:
    """Units of enterprises that own any, as queried; a row again when mortgaged or seized."""
    owns = view.trait("realty/owns") < 0.30
    seized = np.maximum.accumulate(view.uniform("realty/seized") < view.chance(rates.SEIZED), axis=1)
    mortgaged = np.cumsum(view.uniform("realty/mortgaged") < view.chance(rates.MORTGAGED), axis=1)
    events = view.alive & owns[:, None]
    changed = np.zeros(events.shape, dtype=bool)
    changed[:, 1:] = (seized[:, 1:] != seized[:, :-1]) | (mortgaged[:, 1:] != mortgaged[:, :-1])
    newcomer = (view.alive & (np.cumsum(view.alive, axis=1) == 1)) & owns[:, None]
    rows = view.cells((changed & events) | newcomer)
    rows = rows.on(view.first[rows.month] + (25 * rows.uniform("realty/day")).astype(np.int64))
    dice, queried = view.dice, rows.after("realty/query", rates.SAME_DAY)
    before = dice.uniform("realty/mortgage", rows.who) < 0.4
    rank = rows.of(mortgaged) + before
    area = np.round(300 * np.exp(0.9 * dice.normal("realty/area", rows.who)), 1)
    stopped = rows.of(seized)
    banks = tuple(str(bank) for bank in view.province.banks)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "unit_no": joined(rows.region(), "GB", rows.who + 10_000),
        "owner": rows.name(),
        "owner_kind": "企业",
        "usage": words(("工业", "商业", "办公", "土地"), dice.pick("realty/use", (5, 3, 2, 2), rows.who)),
        "area": area,
        "right_type": "国有建设用地使用权/房屋所有权",
        "mortgage_order": rank.astype(np.int64),
        "mortgage_amt": money(np.where(rank > 0, area * 2_600 * np.minimum(rank, 2), 0.0)),
        "mortgagee": words(
            banks,
            np.where(rank > 0, (dice.uniform("realty/bank", rows.who) * len(banks)).astype(np.int64), -1),
        ),
        "is_seized": stopped,
        "seizure_to": missing(rows.day + 1095, ~stopped),
        "reg_dt": rows.day,
        "query_dt": queried,
        "status": "现势",
    }
    return sheet(rows, columns, {}, queried)


def _trade(view: View) -> pa.Table:
    exporter = view.trait("customs/exporter") < rates.EXPORTERS.value
    rows = view.cells(view.alive & exporter[:, None] & (view.uniform("customs/month") < 0.75))
    dice = view.dice
    share = 0.15 + 0.7 * dice.uniform("customs/share", rows.who)
    exports = money(rows.of(view.sales) * share * np.exp(0.25 * rows.normal("customs/export")))
    health = rows.of(view.health)
    told = rows.after("customs/told", rates.CUSTOMS_LAG)
    fined = rows.uniform("customs/fined") < 0.004
    columns: dict[str, Column] = {
        **rows.identity(),
        "customs_no": joined("37", rows.who + 10_000_000),
        "ym": view.first[rows.month],
        "import_amt": money(exports * 0.2 * dice.uniform("customs/import", rows.who)),
        "export_amt": exports,
        "agent_export_amt": money(exports * (dice.uniform("customs/agent", rows.who) < 0.15) * 0.4),
        "main_hs4": words(
            ("8481", "7308", "6204", "0703", "4011", "8708"), dice.pick("customs/hs", (1,) * 6, rows.who)
        ),
        "credit_level": words(
            ("一般", "高级认证", "失信"),
            np.where((health < -2.3) & fined, 2, dice.uniform("customs/level", rows.who) < 0.04),
        ),
        "penalty_cnt": fined.astype(np.int64),
        "penalty_amt": money(np.where(fined, 30_000 * rows.uniform("customs/penalty"), 0.0)),
        "pub_dt": told,
    }
    return sheet(rows, columns, {}, told + 1)


def _power(view: View) -> pa.Table:
    """Power of about half the enterprises: follows sales, with a floor; unpaid bills when payments fail, then cut off."""
    metered = view.trait("power/metered") < rates.METERED.value
    unpaid = view.spells("power/unpaid", rates.POWER_ARREARS, 6)
    rows = view.cells(view.alive & metered[:, None])
    dice, lasted = view.dice, rows.of(unpaid)
    level = 0.02 * np.exp(0.8 * dice.normal("power/level", rows.who))  # kWh a yuan of sales
    used = level * (0.12 * rows.of(view.typical) + 0.88 * rows.of(view.sales))
    used = used * np.exp(0.14 * rows.normal("power/kwh"))
    cut = lasted >= 4
    used = np.round(np.where(cut, 0.05, 1.0) * used, 0)
    fee = money(used * 0.72)
    told = np.maximum(rows.after("power/told", rates.POWER_LAG), rows.day + 1)
    columns: dict[str, Column] = {
        "uscc": rows.uscc(),
        "kind": "电",
        "meter": joined("37", rows.who + 1_000_000_000),
        "ym": view.first[rows.month],
        "kwh": used,
        "fee": fee,
        "arrears_amt": money(np.minimum(lasted, 6) * (fee + 200) * (lasted > 0)),
        "arrears_days": np.where(lasted > 0, 30 * lasted - 20, 0),
        "is_cut_off": cut,
        "is_owner": dice.uniform("power/owner", rows.who) < 0.7,
        "pub_dt": told,
    }
    return sheet(rows, columns, {}, told + 1)
