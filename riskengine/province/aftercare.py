"""What secures a guarantee, and what do managers find while it is in force?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from riskengine.province import names
from riskengine.province.deals import Deals, either, table, texts
from riskengine.province.state import Days, Province

_NEVER = np.datetime64("NaT", "D")
_SIGNALS = ("纳税额骤降", "社保缴费中断", "资金流向异常", "新增被执行", "用电骤降")
_CALLED = 4  # checks of an overdue loan, one a month, until it is paid [D]
_ENDS = ("误报", "已化解", "持续关注")


def publish(province: Province, rows: slice, rng: np.random.Generator) -> Iterator[tuple[str, pa.Table]]:
    """The rows of counter_guar, post_check and risk_task."""
    deals = Deals.of(province, rows)
    given = deals.some(deals.get("approved"))
    yield "counter_guar", _securities(given, rng)
    yield "post_check", _checks(given, rng)
    yield "risk_task", _tasks(given, rng)


def _over(deals: Deals) -> Days:
    """When the guarantee was released, or a day far off."""
    released = deals.get("released")
    return np.where(np.isnat(released), np.datetime64("2999-12-31"), released)


def _securities(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """The controller's own guarantee mostly, sometimes a partner enterprise's, rarely something to seize."""
    province, k = deals.province, deals.count
    start, end = deals.get("start"), deals.get("end")
    edges = province.network.guarantees
    partner = np.full(len(province.register.uscc), -1)
    partner[edges.target] = edges.source
    own, u, kind = partner[deals.who], rng.random(k), deals.security
    thing = (kind == "抵押") | (kind == "质押")
    firm = (own >= 0) & (u < 0.85) & ~thing
    person = ~firm & ~thing
    who = deals.of_register("controller")
    booked = start + deals.delay(rng, 1, 20)
    appraised = np.where(thing, np.round(deals.get("amount") * rng.uniform(0.6, 2.0, k), -3), np.nan)
    always = {
        **deals.common(),
        "cg_id": texts("FD", deals.at, 8),
        "type": kind,
        "asset_kind": either(
            thing, either(kind == "质押", "应收账款", either(u > 0.5, "房产", "设备")), None
        ),
        "sign_dt": start - 1,
        "guarantor_code": either(firm, province.register.uscc[own], None),
        "guarantor_name": either(firm, province.register.name[own], None),
        "person_name": either(person, province.persons.name[who], None),
        "person_id": either(person, province.persons.resident_id[who], None),
        "person_role": either(person, "实际控制人", None),
        "amount": deals.get("amount"),
        "maturity_dt": end,
        "appraised": appraised,
        "appraise_dt": np.where(thing, start - 10, _NEVER),
        "ltv": np.round(deals.get("amount") / appraised, 4),
        "reg_no": either(thing, texts("DJ", deals.at, 9), None),
        "reg_dt": np.where(thing, start, _NEVER),
        "reg_expiry": np.where(thing, end + 90, _NEVER),
        "seizure": either(thing, "无", None),
    }
    freed = np.where(np.isnat(deals.get("compensated")), deals.get("released"), _NEVER)
    freed = freed + 1 + deals.delay(rng, 5, 20)
    some = kind != "信用"
    first = table({**always, "booked_dt": booked, "status": "有效"}, booked, deals.who, some)
    last = table({**always, "booked_dt": freed, "status": "已解除"}, freed, deals.who, some)
    return pa.concat_tables([first, last], promote_options="permissive")


def _checks(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """The first check within a month, then each half year (each year up to one million), monthly once overdue."""
    start, over, last = deals.get("start"), _over(deals), np.datetime64(deals.province.course.months[-1]) + 31
    every = np.where(deals.get("amount") > 1_000_000, 180, 330)
    made = []
    for number in range(7 + _CALLED):
        called = number >= 7  # once overdue; what is not overdue is not called
        plan = (
            deals.get("overdue") + 10 + 30 * (number - 7)
            if called
            else start + (25 + number * every if number else 25)
        )
        plan = np.where(
            (plan < over) & (plan < last) & ~(called & (deals.get("cured") <= plan)), plan, _NEVER
        )
        made_dt = plan - (3 if called else 15)
        done = plan + (rng.integers(0, 9, deals.count) if called else rng.integers(-10, 9, deals.count))
        seen = deals.health(np.where(np.isnat(done), last, done)) + 0.9 * rng.standard_normal(deals.count)
        late = deals.late(done)
        fresh = (deals.get("cured") <= done) & (done < deals.get("cured") + 180)
        paying = either(fresh | (seen < -1.6), "关注", "正常")
        conclusion = either(late > 90, "可疑", either(late > 0, "次级", paying))
        lost = (seen < -2.2) & (rng.random(deals.count) < 0.25)
        always = {
            **deals.common(), "task_id": texts("BH", deals.at * 16 + number, 9), "made_dt": made_dt, "plan_dt": plan, "limit_dt": plan + 10,
            "kind": "专项检查" if called else "定期检查" if number else "首次检查", "task_source": "预警" if called else "系统",
        }  # fmt: skip
        nobody = np.full(deals.count, None, object)
        open_ = {**always, "booked_dt": made_dt, "done_dt": np.full(deals.count, _NEVER), "conclusion": nobody, "mode": nobody,
                 "contact": nobody, "is_use_proper": np.zeros(deals.count, bool), "status": "待办"}  # fmt: skip
        open_.pop("is_use_proper")
        told = {**always, "booked_dt": done + 1, "done_dt": done, "conclusion": conclusion, "mode": either(seen < 0, "现场", "非现场"),
                "contact": either(lost, "失联", "正常"), "is_use_proper": rng.random(deals.count) < 0.97, "status": "已完成"}  # fmt: skip
        skipped = rng.random(deals.count) < 0.05
        made.append(table(open_, made_dt, deals.who))
        made.append(table(told, done + 1, deals.who, ~skipped))
    return pa.concat_tables(made, promote_options="permissive")


def _tasks(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """Warnings by staff, banks or the big-data platform, likelier for the sick; closed within weeks."""
    start, over, k = deals.get("start"), _over(deals), deals.count
    made = []
    for number in range(4):
        day = start + 60 + number * 90 + rng.integers(0, 60, k)
        day = np.where((day < over) & (day < np.datetime64("2100-01-01")), day, _NEVER)
        seen = deals.health(np.where(np.isnat(day), start, day)) + 0.8 * rng.standard_normal(k)
        warns = rng.random(k) < 1 / (1 + np.exp(3.6 + 1.3 * seen))
        grave = seen < -1.5
        closed = day + rng.integers(5, 45, k)
        ended = either(
            (deals.get("overdue") < closed) & ~(deals.get("cured") < day),
            "转逾期",
            names.table(_ENDS)[np.where(grave, 2, rng.integers(0, 2, k))],
        )
        always = {
            **deals.common(), "task_id": texts("YJ", deals.at * 4 + number, 9), "first_warn_dt": day,
            "source": names.table(("大数据", "自主", "常规", "银行"))[rng.choice(4, k, p=(0.6, 0.15, 0.15, 0.1))],
            "signal": names.table(_SIGNALS)[rng.integers(0, len(_SIGNALS), k)], "level": either(grave, "橙", "黄"),
            "limit_dt": day + 30,
        }  # fmt: skip
        nothing, nobody = np.full(k, _NEVER), np.full(k, None, object)
        first = {
            **always,
            "booked_dt": day + 1,
            "closed_dt": nothing,
            "conclusion": nobody,
            "status": "待处置",
        }
        last = {
            **always,
            "booked_dt": closed + 1,
            "closed_dt": closed,
            "conclusion": ended,
            "status": "已完成",
        }
        made += [table(first, day + 1, deals.who, warns), table(last, closed + 1, deals.who, warns)]
    return pa.concat_tables(made, promote_options="permissive")
