"""Who is sued, enforced against, listed, limited and frozen, and when do the lists say so?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.province import rates
from riskengine.province.draws import Array
from riskengine.province.particulars import Particulars
from riskengine.province.state import Days
from riskengine.province.view import NEVER, Column, Rows, View, days, joined, missing, money, sheet, words

_CAUSES = tuple(rates.CASES)  # the last: as plaintiff
_SIZE = (1.6, 0.5, 0.45, 0.0, 0.5, 0.4)  # claim in typical months of sales; labour by itself
_RESULTS = ("胜诉", "部分胜诉", "败诉", "调解", "撤诉", "驳回")
_ODDS = ((1, 2, 6, 4, 2, 1), (5, 3, 1, 3, 2, 1))  # of results, as defendant and as plaintiff
_DUTY = "履行生效法律文书确定的给付义务"
_BEHAVIOUR = ("有履行能力而拒不履行生效法律文书确定义务", "违反财产报告制度", "其他规避执行")
_TWO_YEARS = 730


def courts(view: View, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """court_case, court_exec, court_dishonest, court_limit, court_final and court_freeze of a chunk."""
    for turn, cause in enumerate(_CAUSES):
        suits = view.happens(f"courts/{cause}", view.chance(rates.CASES[cause])).again(turn)
        yield "court_case", _cases(suits)
        if cause == "plaintiff":
            continue
        enforced = suits.where(suits.uniform("courts/enforced") < rates.ENFORCED.value)
        yield from _enforcement(enforced, stated)
        yield "court_freeze", _freezes(suits.where(suits.uniform("courts/frozen") < rates.FROZEN.value))
    yield "court_freeze", _bankruptcies(view)


def _claim(rows: Rows) -> Array:
    if rows.turn < len(_CAUSES) and _CAUSES[rows.turn] == "劳动争议":
        return money(40_000.0 * np.exp(0.8 * rows.normal("courts/claim")))
    typical = rows.of(rows.view.typical) * _SIZE[rows.turn]
    return money(np.maximum(typical * np.exp(0.9 * rows.normal("courts/claim")), 3_000.0))


def _number(rows: Rows, kind: str) -> pa.Array:
    place = pc.utf8_slice_codeunits(rows.region(), 2, 6)
    return joined("（", rows.year(), "）鲁", place, kind, rows.number() * 8 + rows.turn, "号")


def _court(rows: Rows) -> pa.Array:
    bench = words(("中级", "第一", "第二", "高新区"), rows.pick("courts/bench", (1, 3, 3, 1)))
    return joined(rows.city(), bench, "人民法院")


def _some(columns: dict[str, Column], keep: Array) -> dict[str, Column]:
    """The columns of some of the rows."""
    take = pa.array(keep)
    return {
        name: values.take(take) if isinstance(values, pa.Array) else np.asarray(values)[keep]
        for name, values in columns.items()
    }


def _cases(suits: Rows) -> pa.Table:
    """A row when the case is filed and, for some, one when the judgement is published."""
    plaintiff = _CAUSES[suits.turn] == "plaintiff"
    heard = suits.on(suits.after("courts/judged", rates.TO_HEARING))
    role = np.where(suits.uniform("courts/role") < 0.03, 2, int(plaintiff))
    usual = np.where(suits.uniform("courts/cause") < 0.2, 1, 2)
    always: dict[str, Column] = {
        **suits.identity(),
        "case_no": _number(suits, "民初"),
        "court": _court(suits),
        "type": "民事",
        "role": words(("被告", "原告", "第三人"), role),
        "party": "企业",
        "cause": words(_CAUSES, usual if plaintiff else np.full(len(suits), suits.turn)),
        "amount": missing(_claim(suits), suits.uniform("courts/unstated") < 0.25),
        "instance": "一审",
        "file_dt": suits.day,
    }
    filed = suits.after("courts/case", rates.CASE_LAG)
    told = np.maximum(heard.after("courts/document", rates.JUDGEMENT_LAG), filed + 2)
    told = np.where(suits.uniform("courts/seen") < rates.JUDGEMENT_SEEN.value, told, NEVER)
    result = words(_RESULTS, suits.pick("courts/result", _ODDS[int(plaintiff)]))
    return sheet(
        suits, always, {"stage": "立案", "judge_dt": NEVER, "result": "未结", "pub_dt": filed}, filed + 1,
        {"stage": "裁判", "judge_dt": heard.day, "result": result, "pub_dt": told}, days(told) + 1,
    )  # fmt: skip


def _enforcement(suits: Rows, stated: Particulars) -> Iterator[tuple[str, pa.Table]]:
    """Enforcement after some suits and the three lists it may lead to, all under its number."""
    execs = suits.on(suits.after("courts/execution", rates.TO_ENFORCEMENT))
    execs = execs.where(execs.day <= suits.view.end)
    ill = execs.then(suits.view.ill) >= 0
    pays = execs.uniform("courts/pays") < np.where(ill, rates.FULFILLED_ILL.value, rates.FULFILLED.value)
    paid = days(np.where(pays, execs.after("courts/paid", rates.TO_FULFILMENT), NEVER))
    ends = ~pays & (execs.uniform("courts/ends") < rates.ENDED.value)
    ended = days(np.where(ends, execs.after("courts/ended", rates.TO_END), NEVER))
    always: dict[str, Column] = {
        **execs.identity(),
        "legal_rep": execs.person(stated.head(execs)),
        "case_no": _number(execs, "执"),
        "court": _court(execs),
        "file_dt": execs.day,
    }
    target = money(_claim(execs) * 1.05)
    yield "court_exec", _listed(execs, paid, ended, {**always, "exec_target": target})
    yield "court_dishonest", _dishonest(execs, paid, {**always, "duty_amt": target})
    yield "court_limit", _limited(execs, paid, {name: always[name] for name in always if name != "file_dt"})
    yield "court_final", _final(execs, ended, {**always, "target": target})


def _listed(execs: Rows, paid: Days, ended: Days, always: dict[str, Column]) -> pa.Table:
    """An enforcement: running, then gone from the list (已移除) or ended without result (已结案)."""
    seen = execs.after("courts/seen", rates.EXEC_LAG)
    gone = np.maximum(np.where(np.isnat(paid), ended, paid) + 2, seen + 1)
    status = words(("已移除", "已结案"), np.isnat(paid).astype(np.int64))
    running: dict[str, Column] = {"status": "执行中", "snapshot_dt": seen}
    return sheet(execs, always, running, seen, {"status": status, "snapshot_dt": gone}, gone)


def _dishonest(execs: Rows, paid: Days, always: dict[str, Column]) -> pa.Table:
    rows = execs.on(execs.after("courts/dishonest", rates.TO_DISHONEST))
    keep = np.nonzero(~(paid <= rows.day) & (rows.uniform("courts/refuses") < rates.DISHONEST.value))[0]
    rows, paid = rows.where(keep), paid[keep]
    seen = rows.after("courts/shamed", rates.LIST_LAG)
    leaves = np.maximum(np.where(np.isnat(paid), rows.day + _TWO_YEARS, paid + 3), seen + 1)
    fixed: dict[str, Column] = {
        **_some(always, keep),
        "duty": _DUTY,
        "perf_status": words(("全部未履行", "部分未履行"), rows.pick("courts/part", (4, 1))),
        "behaviour": words(_BEHAVIOUR, rows.pick("courts/why", (6, 3, 1))),
        "pub_dt": rows.day,
    }
    listed: dict[str, Column] = {"status": "公布中", "exit_dt": NEVER, "snapshot_dt": seen}
    return sheet(
        rows, fixed, listed, seen, {"status": "已移除", "exit_dt": leaves, "snapshot_dt": leaves}, leaves
    )


def _limited(execs: Rows, paid: Days, always: dict[str, Column]) -> pa.Table:
    """Limits on spending: a row for the enterprise, and for some of its legal representatives one of their own."""
    rows = execs.on(execs.after("courts/limit", rates.TO_LIMIT))
    keep = np.nonzero(~(paid <= rows.day) & (rows.uniform("courts/limited") < rates.LIMITED.value))[0]
    rows, paid, always = rows.where(keep), paid[keep], _some(always, keep)
    seen = rows.after("courts/grounded", rates.LIST_LAG)
    lifted = np.maximum(paid + 3, seen + 1)
    person = always.pop("legal_rep")
    fixed: dict[str, Column] = {**always, "person": person, "pub_dt": rows.day}
    nobody = rows.uniform("courts/person") < 0.3
    tables = []
    for bound, hidden in (("企业", np.zeros(len(rows), bool)), ("法定代表人", nobody)):
        into, out = np.where(hidden, NEVER, seen), np.where(hidden, NEVER, lifted)
        limited: dict[str, Column] = {
            "bound": bound,
            "status": "限制中",
            "lift_dt": NEVER,
            "snapshot_dt": seen,
        }
        removed: dict[str, Column] = {"bound": bound, "status": "已移除", "lift_dt": out, "snapshot_dt": out}
        tables.append(sheet(rows, fixed, limited, into, removed, out))
    return pa.concat_tables(tables)


def _final(execs: Rows, ended: Days, always: dict[str, Column]) -> pa.Table:
    """Enforcement that ended because nothing was found; half is never resumed within sight."""
    keep = np.nonzero(~np.isnat(ended))[0]
    rows, fixed = execs.on(ended).where(keep), _some(always, keep)
    seen = rows.after("courts/final", rates.FINAL_LAG)
    left = 0.5 + 0.5 * rows.uniform("courts/left")
    fixed["unfulfilled"] = money(np.asarray(fixed["target"]) * left)
    fixed["end_dt"] = rows.day
    return sheet(rows, fixed, {"status": "终本", "snapshot_dt": seen}, seen)


def _freezes(suits: Rows) -> pa.Table:
    """Shares, accounts or buildings frozen during a suit; lifted later."""
    rows = suits.on(suits.day + 10 + (40 * suits.uniform("courts/freezing")).astype(np.int64))
    told = rows.after("courts/freeze", rates.FREEZE_LAG)
    gone = np.maximum(rows.day + 120 + (900 * rows.uniform("courts/lifted")).astype(np.int64), told + 1)
    kind = rows.pick("courts/kind", (5, 5, 1))
    targets = np.where(kind == 0, 0, 1 + rows.pick("courts/asset", (4, 2, 1)))
    always: dict[str, Column] = {
        **rows.identity(),
        "case_no": _number(rows, "执保"),
        "kind": words(("股权冻结", "财产查封", "司法拍卖"), kind),
        "target": words(("股权", "银行存款", "厂房", "生产设备"), targets),
        "ratio": missing(np.round(0.1 + 0.9 * rows.uniform("courts/ratio"), 4), kind == 1),
        "amount": _claim(rows),
        "is_core_asset": targets >= 2,
        "court": _court(rows),
        "from_dt": rows.day,
        "to_dt": rows.day + 1095,
        "stage": words(("",), np.full(len(rows), -1)),
    }
    return sheet(
        rows,
        always,
        {"status": "生效", "pub_dt": told},
        told + 1,
        {"status": "已解除", "pub_dt": gone},
        gone + 1,
    )


def _bankruptcies(view: View) -> pa.Table:
    rows = view.happens("courts/broken", view.chance(rates.BROKEN)).again(7)
    told = rows.after("courts/freeze", rates.FREEZE_LAG)
    always: dict[str, Column] = {
        **rows.identity(),
        "case_no": _number(rows, "破申"),
        "kind": "破产",
        "target": "企业",
        "ratio": np.full(len(rows), np.nan),
        "amount": np.full(len(rows), np.nan),
        "is_core_asset": np.ones(len(rows), bool),
        "court": _court(rows),
        "from_dt": rows.day,
        "to_dt": NEVER,
        "stage": "申请",
        "status": "生效",
        "pub_dt": told,
    }
    return sheet(rows, always, {}, told + 1)
