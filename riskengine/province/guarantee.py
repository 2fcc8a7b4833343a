"""What does the business system book of applications, guarantees and their end?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from riskengine.province import names
from riskengine.province.deals import Deals, either, table, texts
from riskengine.province.state import Province

_NEVER = np.datetime64("NaT", "D")
_SIZES = ("微型", "小型", "中型")
_PURPOSES = ("采购原材料", "流动资金周转", "支付货款", "采购设备", "技术改造", "种养殖投入", "支付工资")
_SUBJECTIVE = (
    "经营能力不足",
    "贷款挪用",
    "隐性负债",
    "违法涉诉",
    "逃废债或失联",
    "银行抽贷",
    "信用意识不足",
    "其他",
)
_SUBJECTIVE_ODDS = (0.45, 0.06, 0.16, 0.08, 0.06, 0.08, 0.04, 0.07)
_OBJECTIVE = ("市场价格波动", "死亡或重大疾病", "自然灾害", "政策变化", "其他")
_OBJECTIVE_ODDS = (0.55, 0.12, 0.08, 0.1, 0.15)
_PLANS = {"STD": "普通", "TECH": "科创专项", "BATCH": "总对总", "PRIV": "民间投资专项", "AGRI": "农担"}
Rows = Iterator[tuple[str, pa.Table]]


def publish(province: Province, rows: slice, rng: np.random.Generator) -> Rows:
    """The rows of application, contract, disbursement, release, overdue, compensation, recovery, fee and re-guarantee."""
    deals = Deals.of(province, rows)
    yield "application", _applications(deals, rng)
    given = deals.some(deals.get("approved"))
    yield "contract", _contracts(given, rng)
    yield "disbursement", _disbursements(given, rng)
    yield "release", _releases(given, rng)
    yield "overdue", _overdue(given, rng)
    yield "fee", _fees(given, rng)
    yield "reguar_filing", _filings(given, rng)
    paid = given.some(~np.isnat(given.get("compensated")))
    yield "compensation", _compensations(paid, rng)
    yield "recovery", _recoveries(paid, rng)
    yield "reguar_comp", _re_compensations(paid, rng)


def _sales_year(deals: Deals, rng: np.random.Generator) -> Any:
    typical = deals.of_register("monthly_sales") * np.exp(
        0.25 * np.clip(deals.health(deals.get("applied")), -3, 3)
    )
    return np.round(12 * typical * np.exp(0.15 * rng.standard_normal(deals.count)), 2)


def _applications(deals: Deals, rng: np.random.Generator) -> pa.Table:
    province, k = deals.province, deals.count
    applied, product = deals.get("applied"), deals.get("product")
    person = deals.of_register("controller")
    revenue = _sales_year(deals, rng) * rng.uniform(1.0, 1.25, k)  # applicants see themselves kindly
    assets = np.round(revenue * rng.uniform(0.5, 1.4, k), 2)
    health = deals.health(applied)
    again = _again(deals)
    size = names.table(_SIZES)[deals.of_register("size")]
    size = either(deals.of_register("agricultural") & (deals.of_register("size") == 0), "农户", size)
    told = either(
        np.isnat(deals.of_register("renamed")) | (deals.of_register("renamed") <= applied),
        deals.of_register("name"),
        deals.of_register("former_name"),
    )
    columns = {
        **{key: value for key, value in deals.common().items() if key != "guar_id"},
        "name": told,
        "amount": deals.get("amount"),
        "tenor": _tenor(deals),
        "purpose": names.table(_PURPOSES)[rng.integers(0, len(_PURPOSES), k)],
        "apply_dt": applied,
        "legal_rep": province.persons.name[person],
        "legal_rep_id": province.persons.resident_id[person],
        "controller": province.persons.name[person],
        "controller_id": province.persons.resident_id[person],
        "phone": texts("199", person.astype(np.int64) * 7919 % 10**8, 8),
        "is_first_loan": ~again & (rng.random(k) < 0.25),
        "is_first_guarantee": ~again,
        "is_renewal": again,
        "is_agri": deals.of_register("agricultural"),
        "is_batch": product == "BATCH",
        "declared_revenue": np.round(revenue, -2),
        "declared_assets": np.round(assets, -2),
        "declared_liabilities": np.round(assets * np.clip(0.45 - 0.07 * health + 0.12 * rng.standard_normal(k), 0.02, 1.2), -2),
        "declared_profit": np.round(revenue * (0.06 + 0.02 * health), -2),
        "declared_staff": np.maximum(1, np.round(deals.of_register("staff") * rng.uniform(0.9, 1.3, k))).astype(np.int64),
        "declared_size": size,
        "loan_rate": np.round(deals.get("rate").astype(float), 4),
        "repayment": either(rng.random(k) < 0.85, "到期一次还本", "按计划分期"),
        "auth_from": applied,
        "auth_to": applied + 365 + _tenor(deals) * 31,
        "auth_scope": "税务，政务，征信",
    }  # fmt: skip
    return table(columns, applied, deals.who)


def _again(deals: Deals) -> Any:
    """Whether the enterprise was guaranteed before, as far as the book goes back."""
    book = deals.province.book
    first = np.full(len(deals.province.register.uscc), np.iinfo(np.int64).max)
    given = np.flatnonzero(book.approved)
    np.minimum.at(first, book.enterprise[given], given)
    return first[deals.who] < deals.at


def _tenor(deals: Deals) -> Any:
    length = (deals.get("end") - deals.get("start")).astype("timedelta64[D]")
    months = np.round(np.where(np.isnat(length), 365, length.astype(np.int64)) / 30.6).astype(np.int64)
    return np.where(months <= 8, 6, np.where(months <= 14, 12, np.where(months <= 26, 24, 36)))


def _contracts(deals: Deals, rng: np.random.Generator) -> pa.Table:
    start, end, shares = deals.get("start"), deals.get("end"), deals.shares
    again = _again(deals)
    columns = {
        **deals.common(),
        "principal": deals.get("amount"),
        "guaranteed": np.round(deals.get("amount") * (1 - shares[:, 0]), 2),
        "fee_rate": np.round(deals.get("fee").astype(float), 5),
        "start": start,
        "end": end,
        "tier": deals.tier,
        "contract_no": texts("WB", deals.at, 9),
        "loan_contract_no": texts("JK", deals.at, 9),
        "loan_no": texts("JJ-" if rng.random() < 0.5 else "JJ", deals.at, 10),
        "loan_rate": np.round(deals.get("rate").astype(float), 4),
        "guarantee_scope": either(deals.get("product") == "PRIV", "本金", "本息"),
        "gtee_type": "连带责任保证",
        "guarantee_period_months": 36,
        "gtee_expiry": end + 1095,
        **{name: shares[:, place] for place, name in enumerate(("share_bank", "share_direct", "share_prov", "share_fund"))},
        "share_gov": 0.0,
        "grace_days": deals.grace,
        "size_class": names.table(_SIZES)[deals.of_register("size")],
        "is_small_agri": deals.of_register("agricultural") | (deals.of_register("size") < 2),
        "is_first_guarantee": ~again,
        "is_renewal": again,
        "repayment": "到期一次还本",
        "counter_measure": deals.security,
    }  # fmt: skip
    return table(columns, start + 1, deals.who)


def _disbursements(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """Loans drawn, interest each quarter (failing once payments fail), principal repaid, extensions."""
    start, end, amount = deals.get("start"), deals.get("end"), deals.get("amount")
    released, overdue = deals.get("released"), deals.get("overdue")
    paid_out = ~np.isnat(deals.get("compensated"))
    common, made = deals.common(), []
    kinds = names.table(("供应商", "借款人本人账户", "实控人或关联方"))
    payee = kinds[np.searchsorted([0.82, 0.97], rng.random(deals.count))]
    booked = start + deals.delay(rng, 1, 15)
    nothing = np.full(deals.count, _NEVER)

    def flow(number: str, kind: str, day: Any, booked: Any, **more: Any) -> None:
        columns = {
            **common, "flow_no": number, "type": kind, "dt": day, "booked_dt": booked, "amount": amount, "due_dt": nothing,
            "new_due_dt": nothing, "balance_after": amount, "result": "成功", "payee_kind": np.full(deals.count, None, object),
            "status": "有效", **more,
        }  # fmt: skip
        made.append(table(columns, booked, deals.who))

    flow("L1", "放款", start, booked, payee_kind=payee)
    whole = np.where(paid_out | judged(deals), _NEVER, released)
    flow(
        "P1",
        "还本",
        whole,
        whole + deals.delay(rng, 1, 15),
        amount=deals.owed(whole),
        balance_after=np.zeros(deals.count),
    )
    taken, left = deals.set_off
    flow(
        "S1",
        "还本",
        taken,
        taken + deals.delay(rng, 1, 15),
        amount=np.round(amount - left, 2),
        balance_after=left,
    )
    longer = np.isnat(overdue) & (
        (released > end + 30) | (np.isnat(released) & (end < np.datetime64(deals.province.ask.end)))
    )
    agreed = np.where(longer, end - rng.integers(1, 15, deals.count), _NEVER)
    flow("X1", "展期", agreed, agreed + deals.delay(rng, 1, 15), due_dt=end, new_due_dt=end + 180)
    interest = np.round(amount * deals.get("rate").astype(float) / 4, 2)
    cured = np.where(overdue < end, deals.get("cured"), _NEVER)
    flow(
        "C1",
        "付息",
        cured,
        cured + deals.delay(rng, 1, 15),
        amount=interest,
        due_dt=overdue,
        balance_after=deals.owed(cured),
    )
    quarter = (start.astype("datetime64[M]") + 3).astype("datetime64[D]") + 19
    for number in range(1, 13):
        day = np.where(quarter < np.where(np.isnat(released), end + 90, released), quarter, _NEVER)
        fails = (day >= overdue) & ~(day >= deals.get("cured"))
        day = np.where(fails & (day > overdue + 120), _NEVER, day)
        flow(
            f"I{number}",
            "付息",
            day,
            day + deals.delay(rng, 1, 15),
            amount=interest,
            due_dt=day,
            balance_after=deals.owed(day),
            result=either(fails, "失败", "成功"),
        )
        quarter = (quarter.astype("datetime64[M]") + 3).astype("datetime64[D]") + 19
    return pa.concat_tables(made, promote_options="permissive")


def judged(deals: Deals) -> Any:
    """Whether a judgment released the guarantee of a loan that nobody paid back."""
    ended = ~np.isnat(deals.get("released")) & ~np.isnat(deals.get("overdue"))
    return ended & np.isnat(deals.get("cured")) & np.isnat(deals.get("compensated"))


def _releases(deals: Deals, rng: np.random.Generator) -> pa.Table:
    released, end = deals.get("released"), deals.get("end")
    by_payment = ~np.isnat(deals.get("compensated"))
    amount = np.round(deals.get("amount") * (1 - deals.shares[:, 0]), 2)
    freed = judged(deals)
    paid_back = either(released < end - 4, "提前还清", "到期还清")
    reason = either(by_payment, "代偿", either(freed, "判决免责", paid_back))
    columns = {
        **deals.common(),
        "amount": amount,
        "type": either(by_payment, "代偿解保", either(freed, "诉保解保", "正常解保")),
        "release_dt": released,
        "reason": reason,
    }
    return table(columns, released + 3 + deals.delay(rng, 0, 20), deals.who)


def _reasons(deals: Deals, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "obj_reason": names.table(_OBJECTIVE)[rng.choice(len(_OBJECTIVE), deals.count, p=_OBJECTIVE_ODDS)],
        "subj_reason": names.table(_SUBJECTIVE)[
            rng.choice(len(_SUBJECTIVE), deals.count, p=_SUBJECTIVE_ODDS)
        ],
    }


def _overdue(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """Overdue loans as banks tell of them, and their cure; short delays are told less often."""
    slip, long = deals.slip
    slip = np.where(rng.random(deals.count) < 0.6, slip, _NEVER)
    began = np.where(np.isnat(deals.get("overdue")), slip, deals.get("overdue"))
    small = ~np.isnat(slip)
    notice = began + rng.integers(3, 8, deals.count)
    booked = notice + deals.delay(rng, 2, 8)
    kind = np.searchsorted([0.3, 0.75], rng.random(deals.count))
    early = (kind == 2) & (began < deals.get("end"))  # no principal falls due before the loan does
    kind = np.where(small | early, 1, kind)  # 0: both, 1: interest, 2: principal
    owed = deals.get("amount") * np.where(kind == 1, 0.0, 1.0)
    interest = np.where(
        kind == 2, 0.0, np.round(deals.get("amount") * deals.get("rate").astype(float) / 4, 2)
    )
    cured = np.where(small, began + long, deals.get("cured"))
    columns = {
        **deals.common(), "ovd_dt": began, "notice_dt": notice, "grace_to": began + deals.grace, "measures": "电话催收，上门走访",
        **_reasons(deals, rng),
    }  # fmt: skip
    kinds = names.table(("1", "2", "3"))[kind]
    first = {**columns, "booked_dt": booked, "type": kinds, "principal": owed, "interest": interest, "overdue_days": (booked - began).astype(np.int64),
             "cured_dt": np.full(deals.count, _NEVER), "net_balance": np.round(deals.get("amount") * 0.8, 2)}  # fmt: skip
    first["overdue_days"] = np.where(np.isnat(booked), 0, first["overdue_days"])
    told = np.maximum(cured + deals.delay(rng, 3, 10), booked + 1)
    last = {**columns, "booked_dt": told, "type": "0", "principal": 0.0, "interest": 0.0,
            "overdue_days": np.zeros(deals.count, np.int64), "cured_dt": cured, "net_balance": np.round(deals.owed(cured) * 0.8, 2)}  # fmt: skip
    return pa.concat_tables(
        [table(first, booked, deals.who), table(last, told, deals.who)], promote_options="permissive"
    )


def _fees(deals: Deals, rng: np.random.Generator) -> pa.Table:
    start, end, amount = deals.get("start"), deals.get("end"), deals.get("amount")
    days = np.where(np.isnat(end), 0, (end - start).astype("timedelta64[D]").astype(np.int64))
    own = np.round(deals.get("fee").astype(float), 5)
    upper = np.where(amount > 5_000_000, 0.005, 0.003) * np.where(deals.get("product") == "PRIV", 0.5, 1)
    made = []
    for kind, rate, due in (
        ("担保费", own, amount * own),
        ("再担保费", upper, amount * deals.shares[:, 3] * upper),
    ):
        receivable = np.round(due * days / 365, 2)
        booked = start + 1 + deals.delay(rng, 2, 20)
        columns = {
            **deals.common(), "period": start, "period_end": end, "kind": kind, "booked_dt": booked, "due_dt": start + 5,
            "received_dt": booked, "rate": rate, "receivable": receivable, "received": receivable,
            "subsidy": np.where(rng.random(deals.count) < 0.2, np.round(receivable * 0.5, 2), 0.0),
        }  # fmt: skip
        made.append(table(columns, booked, deals.who))
    return pa.concat_tables(made)


def _filings(deals: Deals, rng: np.random.Generator) -> pa.Table:
    made = []
    for level, place in (("省", 2), ("国", 3)):
        filed = deals.get("start") + rng.integers(1, 31, deals.count)
        accepted = filed + 1 + deals.delay(rng, 3, 10)
        good = rng.random(deals.count) < 0.97
        columns = {
            **deals.common(), "level": level, "filing_no": texts("BA", deals.at * 2 + place - 2, 9),
            "plan": np.array([_PLANS[code] for code in deals.get("product").tolist()], object), "tier": deals.tier, "filed_dt": filed,
            "accept_dt": accepted, "booked_dt": accepted + 1, "amount": deals.get("amount"), "ratio": deals.shares[:, place],
            "status": either(good, "已备案", "被退回"), "reject_reason": either(good, None, "资料不全"),
        }  # fmt: skip
        made.append(table(columns, accepted + 1, deals.who))
    return pa.concat_tables(made, promote_options="permissive")


def _compensations(deals: Deals, rng: np.random.Generator) -> pa.Table:
    pay, claim, shares = deals.get("compensated"), deals.get("claim"), deals.shares
    booked = pay + deals.delay(rng, 3, 20)
    covered = np.where(
        deals.get("product") == "PRIV",
        0.0,
        np.round(claim * deals.get("rate").astype(float) * deals.grace / 365, 2),
    )
    columns = {
        **deals.common(), "principal": claim, "interest": covered, "pay_dt": pay, "booked_dt": booked, "comp_id": texts("DC", deals.at, 8),
        "ovd_dt": deals.get("overdue"), "notice_dt": pay - 25, "apply_dt": pay - rng.integers(12, 20, deals.count),
        "meeting_dt": pay - rng.integers(3, 10, deals.count), "grace_days": deals.grace, "share_bank": shares[:, 0],
        "due_prov": np.round(claim * shares[:, 2] / 0.8, 2), "due_fund": np.round(claim * shares[:, 3] / 0.8, 2), "due_gov": 0.0,
        "due_other": 0.0, "is_rate_limited": np.zeros(deals.count, bool), **_reasons(deals, rng),
    }  # fmt: skip
    return table(columns, booked, deals.who)


def _recoveries(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """What is recovered within 24 months, in up to three parts, once those who share the risk have paid theirs."""
    pay, total = deals.get("compensated"), deals.get("recovered")
    made = []
    secured, shared = deals.security != "信用", (deals.shares[:, 2] + deals.shares[:, 3]) / 0.8
    other = either(deals.security == "保证", "反担保人", "反担保物处置")
    for number, (share, low, high) in enumerate(((0.5, 105, 240), (0.3, 241, 480), (0.2, 481, 720))):
        day = pay + rng.integers(low, high, deals.count)
        booked = day + deals.delay(rng, 3, 20)
        amount = np.round(total * share, 2)
        back = np.where(rng.random(deals.count) < 0.8, day + rng.integers(3, 20, deals.count), _NEVER)
        back = np.minimum(back, booked)
        columns = {
            **deals.common(), "recovery_id": texts("ZC", deals.at * 3 + number, 9), "comp_id": texts("DC", deals.at, 8), "comp_pay_dt": pay,
            "recover_dt": day, "booked_dt": booked, "kind": "追回", "amount": amount, "source": either(secured & (rng.random(deals.count) < 0.6), other, "借款人"),
            "cost": np.round(amount * 0.03, 2), "return_due_dt": day + 14, "return_paid_dt": np.maximum(back, day),
            "return_amount": np.round(amount * shared, 2), "status": "有效",
        }  # fmt: skip
        made.append(table(columns, booked, deals.who, amount > 0))
    return pa.concat_tables(made)


def _re_compensations(deals: Deals, rng: np.random.Generator) -> pa.Table:
    """The province's and the Fund's part: asked for, then paid."""
    pay, made = deals.get("compensated"), []
    for level, place in (("省", 2), ("国", 3)):
        asked = pay + rng.integers(8, 31, deals.count)
        approved = asked + rng.integers(10, 41, deals.count)
        paid = approved + rng.integers(3, 31, deals.count)
        amount = np.round(deals.get("claim") * deals.shares[:, place] / 0.8, 2)
        always = {**deals.common(), "level": level, "comp_id": texts("DC", deals.at, 8), "comp_pay_dt": pay, "apply_dt": asked,
                  "ratio": deals.shares[:, place], "applied_amt": amount}  # fmt: skip
        nothing, zero = np.full(deals.count, _NEVER), np.full(deals.count, np.nan)
        first = {
            **always,
            "approve_dt": nothing,
            "pay_dt": nothing,
            "booked_dt": asked + 1,
            "approved_amt": zero,
            "paid_amt": zero,
            "status": "已申请",
        }
        last = {
            **always,
            "approve_dt": approved,
            "pay_dt": paid,
            "booked_dt": paid + 1,
            "approved_amt": amount,
            "paid_amt": amount,
            "status": "已拨付",
        }
        made += [table(first, asked + 1, deals.who), table(last, paid + 1, deals.who)]
    return pa.concat_tables(made, promote_options="permissive")
