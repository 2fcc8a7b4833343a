"""What do credit reports drawn under authorisation and banks' own month-end feedback say?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from riskengine.province import names
from riskengine.province.deals import Array, Deals, either, mended, table, texts
from riskengine.province.state import Days, Province

_NEVER = np.datetime64("NaT", "D")
_WITHOUT_INTERFACE = 10  # every tenth bank sends no feedback [D]
_CLASSES = ("正常", "关注", "次级", "可疑", "损失")


def publish(province: Province, rows: slice, rng: np.random.Generator) -> Iterator[tuple[str, pa.Table]]:
    """The rows of pboc_ent, pboc_ent_acct, pboc_guar, pboc_person, multi_loan and bank_feedback."""
    deals = Deals.of(province, rows)
    reports = _drawn(deals, rng)
    yield "pboc_ent", _reports(reports)
    yield "pboc_ent_acct", _accounts(reports)
    yield "pboc_guar", _liabilities(reports, rng)
    yield "pboc_person", _persons(reports, rng)
    yield "multi_loan", _lenders(reports)
    yield "bank_feedback", _feedback(deals.some(deals.get("approved")), rng)


@dataclass(frozen=True)
class Reports:
    """Credit reports drawn: before a decision and each half year while in force; arrays have one value a report."""

    deals: Deals
    day: Days
    before: Array  # before the decision rather than after
    rng: np.random.Generator

    @cached_property
    def seen(self) -> Any:
        """What shows of health: lenders know more than the files, less than all."""
        return self.deals.health(self.day) + 0.7 * self.rng.standard_normal(self.deals.count)

    @cached_property
    def told(self) -> Days:
        """The day up to which lenders have told: they are up to a month late."""
        return np.asarray(self.day - self.rng.integers(5, 40, self.deals.count))

    @cached_property
    def overdue_days(self) -> Any:
        """Days since payments began to fail, as told; 0 where they have not, not yet or no longer."""
        since = (self.told - self.deals.failing).astype("timedelta64[D]").astype(np.int64)
        return np.where((self.deals.failing < self.told) & ~(self.deals.mended <= self.told), since, 0)

    @cached_property
    def past(self) -> Any:
        """Whether payments failed within the last two years, as told."""
        failing = self.deals.failing
        return (failing < self.told) & ~(self.deals.mended + 730 <= self.told)

    @cached_property
    def loan(self) -> Any:
        """Number in the book of the guaranteed loan that is open on the day, -1: none."""
        book, found = self.deals.province.book, np.where(self.before, self.deals.earlier, self.deals.at)
        open_ = (found >= 0) & (book.start[found] < self.day) & ~(book.released[found] <= self.day)
        return np.where(open_, found, -1)

    @cached_property
    def owed(self) -> Any:
        """Principal of the guaranteed loan that is open on the day, yuan."""
        return np.where(self.loan >= 0, Deals(self.deals.province, self.loan).owed(self.day), 0.0)

    @cached_property
    def lenders(self) -> Any:
        """How many lenders."""
        size = self.deals.of_register("size")
        base = np.array([0.9, 1.8, 3.5])[size] * np.exp(-0.12 * np.clip(self.seen, -3, 3))
        return self.rng.poisson(base) + ((self.loan >= 0) | (self.overdue_days > 0))

    @cached_property
    def balance(self) -> Any:
        """Open credit, yuan: the guaranteed loan and what others lend."""
        typical = self.deals.of_register("monthly_sales") * self.rng.uniform(0.8, 2.5, self.deals.count)
        return np.round((self.lenders - (self.loan >= 0)) * typical + self.owed, 2)

    @cached_property
    def queries(self) -> tuple[Any, Any, Any]:
        """Queries by lenders in the last 1, 3 and 6 months: the troubled ask more often."""
        pace = np.exp(-0.6 - 0.35 * np.clip(self.seen, -3, 3))
        one = self.rng.poisson(pace)
        three = one + self.rng.poisson(1.6 * pace)
        return one, three, three + self.rng.poisson(2.0 * pace)

    def always(self) -> dict[str, Any]:
        """The columns of every report."""
        return {
            "uscc": self.deals.of_register("uscc"), "report_dt": self.day, "auth_no": texts("SQS", self.deals.at, 8),
            "auth_from": self.day - 5, "auth_to": self.day + 760, "auth_scope": "企业征信，保前及保后", "auth_channel": "电子签名",
            "query_reason": either(self.before, "保前审查", "保后管理"),
        }  # fmt: skip

    def table(self, columns: dict[str, Any], keep: Array | None = None) -> pa.Table:
        """Rows sent on the day of the report."""
        return table({**self.always(), **columns}, self.day, self.deals.who, keep)


def _drawn(deals: Deals, rng: np.random.Generator) -> Reports:
    """At most one report of an enterprise a day."""
    released = deals.get("released")
    over = np.where(np.isnat(released), np.datetime64("2999-12-31"), released)
    days, at, before = (
        [deals.get("applied") + rng.integers(0, 3, deals.count)],
        [deals.at],
        [np.ones(deals.count, bool)],
    )
    for half in range(1, 7):
        day = deals.get("start") + 180 * half + rng.integers(-10, 11, deals.count)
        there = ~np.isnat(day) & (day < over) & (day <= np.datetime64(deals.province.ask.end))
        days.append(day[there])
        at.append(deals.at[there])
        before.append(np.zeros(int(there.sum()), bool))
    every, day, first = np.concatenate(at), np.concatenate(days), np.concatenate(before)
    who = deals.province.book.enterprise[every].astype(np.int64)
    _, one = np.unique(who * 100_000 + day.astype(np.int64), return_index=True)
    return Reports(Deals(deals.province, every[one]), day[one], first[one], rng)


def _reports(reports: Reports) -> pa.Table:
    rng, k, balance, late = reports.rng, reports.deals.count, reports.balance, reports.overdue_days
    hit = np.round(balance * np.where(reports.lenders > 1, 0.6, 1.0), 2)  # some lenders are still paid
    bad = np.where(late > 90, hit, 0.0)
    watch = np.where((late > 0) & (late <= 90), hit, 0.0)
    watch = np.where(
        (late == 0) & (reports.seen < -2.0) & (rng.random(k) < 0.5), np.round(balance * 0.3, 2), watch
    )
    limit = np.round(balance * rng.uniform(1.0, 1.5, k), 2)
    one, three, six = reports.queries
    columns = {
        "lender_cnt": reports.lenders, "balance": balance, "watch_balance": watch, "bad_balance": bad, "query_cnt": six,
        "name": reports.deals.of_register("name"), "is_no_record": reports.lenders == 0,
        "normal_balance": np.round(balance - watch - bad, 2), "substandard_balance": np.where(late <= 270, bad, 0.0),
        "doubtful_balance": np.where(late > 270, bad, 0.0), "loss_balance": 0.0, "recourse_balance": np.where(late > 200, bad, 0.0),
        "overdue_principal": np.where(late > 0, np.round(hit * 0.9, 2), 0.0), "overdue_interest": np.where(late > 0, np.round(balance * 0.01, 2), 0.0),
        "overdue_90d": np.where(late > 90, np.round(hit * 0.9, 2), 0.0), "credit_limit": limit, "credit_used": balance,
        "query_cnt_1m": one, "query_cnt_3m": three, "query_guar_cnt": rng.poisson(0.3, k), "query_post_cnt": rng.poisson(0.8, k),
    }  # fmt: skip
    return reports.table(columns)


def _graded(days: Any) -> Any:
    return names.table(_CLASSES)[np.searchsorted([0, 90, 270, 360], days, side="left")]


def _accounts(reports: Reports) -> pa.Table:
    """Up to four accounts of a report; each lender grades on its own."""
    made, rng, k, province = [], reports.rng, reports.deals.count, reports.deals.province
    for number in range(4):
        there = reports.lenders > number
        late = np.where(rng.random(k) < 0.7, reports.overdue_days, 0)
        ours = (reports.loan >= 0) & (number == 0)
        others = reports.lenders - (reports.loan >= 0)
        part = np.where(
            ours, reports.owed, np.round((reports.balance - reports.owed) / np.maximum(others, 1), 2)
        )
        opened = reports.day - rng.integers(40, 700, k)
        lender, granted, due = (reports.deals.who + 31 * number) % 117, np.round(part * 1.2, 2), opened + 1100
        if number == 0:  # the guaranteed loan comes first, as its own bank tells of it
            own = Deals(province, np.maximum(reports.loan, 0))
            late, opened = (
                np.where(ours, own.late(reports.told), late),
                np.where(ours, own.get("start"), opened),
            )
            lender, granted = (
                np.where(ours, own.get("bank"), lender),
                np.where(ours, own.get("amount"), granted),
            )
            due = np.where(ours, own.get("end"), due)
        fresh, small = (reports.seen < -1.5) & (rng.random(k) < 0.15) & ~ours, (rng.random(k) < 0.08) & ~ours
        columns = {
            "acct_no": texts(f"ZH{number}", reports.deals.who, 8), "inst_type": either(small, "小额贷款公司", "商业银行"),
            "lender": either(small, "合成小额贷款有限公司", province.banks[lender]), "kind": "短期借款", "amount": granted,
            "balance": part, "open_dt": opened, "due_dt": due, "updated_dt": reports.day - rng.integers(1, 31, k), "status": "未结清",
            "five_class": _graded(late), "overdue_days": late, "overdue_principal": np.where(late > 0, part, 0.0),
            "overdue_amt": np.where(late > 0, np.round(part * 1.02, 2), 0.0), "special_trade": either(fresh, "借新还旧", "无"),
            "special_dt": np.where(fresh, opened, _NEVER),
        }  # fmt: skip
        made.append(reports.table(columns, there))
    return pa.concat_tables(made)


def _liabilities(reports: Reports, rng: np.random.Generator) -> pa.Table:
    """Guarantees that the enterprise gave for others, with how those others fare."""
    province = reports.deals.province
    edges = province.network.guarantees
    order = np.argsort(edges.source, kind="stable")
    low = np.searchsorted(edges.source[order], reports.deals.who, side="left")
    many = np.searchsorted(edges.source[order], reports.deals.who, side="right") - low
    row = np.repeat(np.arange(reports.deals.count), many)
    edge = order[np.repeat(low, many) + np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)]
    debtor, day = edges.target[edge], reports.day[row]
    began = province.course.distress[debtor].astype(np.int64)
    month = (day.astype("datetime64[M]") - np.datetime64(province.course.months[0], "M")).astype(np.int64)
    failed = (began >= 0) & (month > began) & ~(mended(province)[debtor] <= day)
    late = np.where(failed, (month - began) * 30 - rng.integers(0, 30, len(row)), 0)
    balance = np.round(edges.weight[edge] * 0.8, 2)
    own = Reports(Deals(province, reports.deals.at[row]), day, reports.before[row], rng)
    columns = {
        "liability_no": texts("BZ", edge, 8), "type": "保证", "debtor_code": province.register.uscc[debtor],
        "debtor_name": province.register.name[debtor], "debtor_type": "企业", "liability_limit": edges.weight[edge],
        "acct_cnt": np.ones(len(row), np.int64), "balance": balance, "watch_balance": np.where((late > 0) & (late <= 90), balance, 0.0),
        "bad_balance": np.where(late > 90, balance, 0.0), "overdue_days": late, "open_dt": np.minimum(edges.since[edge], day),
        "due_dt": day + 400,
    }  # fmt: skip
    return own.table(columns)


def _persons(reports: Reports, rng: np.random.Generator) -> pa.Table:
    """The controller's own report."""
    k, people = reports.deals.count, reports.deals.of_register("controller")
    seen = reports.deals.health(reports.day) + 1.0 * rng.standard_normal(k)
    two = rng.poisson(np.exp(-0.7 - 0.55 * np.clip(seen, -3, 3)))
    cards, limit = rng.integers(0, 5, k), 30_000.0
    use = np.clip(0.35 - 0.12 * seen + 0.15 * rng.standard_normal(k), 0, 1.1)
    shares = rng.random(k) < 0.6
    late = np.where(shares, reports.overdue_days, 0)
    two = two + (reports.past & shares)
    one = rng.poisson(np.exp(-0.5 - 0.3 * np.clip(seen, -3, 3)))
    three = one + rng.poisson(0.8, k)
    columns = {
        "person_id": reports.deals.province.persons.resident_id[people], "person_name": reports.deals.province.persons.name[people],
        "relation": "实际控制人", "is_no_record": np.zeros(k, bool), "current_overdue": np.where(late > 0, 20_000.0, 0.0), "overdue_days": late,
        "overdue_cnt_2y": two, "overdue_cnt_5y": two + rng.poisson(0.7, k), "overdue_acct_max_2y": np.minimum(two, 3),
        "overdue_90d_cnt": (late > 90).astype(np.int64), "loan_balance": np.round(rng.lognormal(12, 1, k), 2), "card_cnt": cards,
        "card_limit": cards * limit, "card_used": np.round(cards * limit * use, 2), "card_use_rate": np.where(cards > 0, np.round(use, 4), np.nan),
        "guar_balance": 0.0, "guar_bad_balance": 0.0, "query_cnt_1m": one, "query_cnt_3m": three, "query_cnt_6m": three + rng.poisson(1.0, k),
    }  # fmt: skip
    return reports.table(columns)


def _lenders(reports: Reports) -> pa.Table:
    rng, k = reports.rng, reports.deals.count
    fringe = np.minimum(rng.poisson(np.exp(-2.0 - 0.6 * np.clip(reports.seen, -3, 3))), 6)
    fresh = rng.poisson(np.exp(-1.6 - 0.4 * np.clip(reports.seen, -3, 3)))
    one, three, six = reports.queries
    none = (reports.lenders + fringe) == 0
    other = np.round(fringe * 200_000 * rng.uniform(0.5, 1.5, k), 2)
    columns = {
        "is_no_record": none, "lender_cnt": reports.lenders + fringe, "nonbank_cnt": fringe, "lender_new_3m": fresh,
        "lender_new_6m": fresh + rng.poisson(0.3, k), "total_debt": np.round(reports.balance + other, 2), "nonbank_debt": other,
        "query_cnt_1m": one, "query_cnt_3m": three, "query_cnt_6m": six,
    }  # fmt: skip
    return reports.table(columns)


def _feedback(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """One row a month-end in force, from banks with an interface."""
    deals = deals.some(deals.get("bank") % _WITHOUT_INTERFACE != _WITHOUT_INTERFACE - 1)
    months = np.array(deals.province.course.months, "datetime64[M]")
    return pa.concat_tables(
        [_month_end(deals, (month + 1).astype("datetime64[D]") - 1, rng) for month in months]
    )


def _month_end(every: Deals, day: np.datetime64, rng: np.random.Generator) -> pa.Table:
    there = (every.get("start") <= day) & (np.isnat(every.get("released")) | (every.get("released") > day))
    deals = every.some(there)
    slip, long = deals.slip
    k, amount = deals.count, deals.get("amount")
    late, owed, fresh = deals.late(day), deals.owed(day), deals.get("cured") > day - 180
    short = (slip <= day) & (slip + long > day)
    late = np.where(short, (day - slip).astype("timedelta64[D]").astype(np.int64) + 1, late)
    when = np.full(k, day, "datetime64[D]")
    seen = deals.health(when) + 0.8 * rng.standard_normal(k)
    inflow = deals.province.course.sales[deals.who, deals.month(when)] * rng.uniform(0.2, 0.8, k)
    shown = np.where(rng.random(k) < 0.7, late, np.maximum(late - 30, 0))  # five classes trail the days
    fresh &= deals.get("cured") <= day  # watched for half a year after it paid again
    watch = fresh | ((seen < -2.3) & (rng.random(k) < 0.4))
    graded = either((late == 0) & watch, "关注", _graded(shown))
    used = np.clip(0.62 - 0.10 * seen + 0.12 * rng.standard_normal(k), 0.05, 1.0)
    columns = {
        **deals.common(), "report_dt": when, "balance": owed, "overdue_days": late, "five_class": graded,
        "loan_no": texts("JJ", deals.at, 10), "due_dt": deals.get("end"), "overdue_principal": np.where(late > 30, owed, 0.0),
        "overdue_interest": np.where(late > 0, np.round(amount * deals.get("rate").astype(float) / 4, 2), 0.0),
        "debit_failed_cnt": rng.poisson(np.where(late > 0, 1.5, np.exp(-3.0 - 0.7 * np.clip(seen, -3, 3)))),
        "account_inflow": np.round(inflow, 2), "credit_limit": 2 * amount, "credit_used": np.round(owed + (2 * amount - owed) * used, 2),
        "limit_cut": np.where((seen < -2) & (rng.random(k) < 0.15), np.round(amount * 0.2, 2), 0.0),
        "is_frozen": (late > 60) & (rng.random(k) < 0.3),
        "special_trade": "无",
    }  # fmt: skip
    return table(columns, when + 1, deals.who)
