"""What do our own books and the credit reports say of an enterprise that nothing is wrong with?

One guarantee of 1.6 million (80 % of a loan of 2 million) since October 2025, filed, paid and checked; a new application of 1 million
on the day itself; credit reports drawn under authorisation since May 2025, the last ten days ago. A bank's loan of the same size was paid back
before ours began, so that its debt is level.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from planted_days import AS_OF
from planted_enterprise import Enterprise

from riskengine.clock import add_months, month_end

Row = dict[str, object]
Rows = dict[str, list[Row]]

START, END = date(2025, 10, 20), date(2026, 10, 20)
LOAN, GUARANTEED, MORTGAGE = 2_000_000, 1_600_000, 2_000_000
INTEREST = 7250
SHARES = {"share_bank": 0.2, "share_direct": 0.4, "share_prov": 0.2, "share_fund": 0.2, "share_gov": 0}
AUTHORISED: Row = {
    "auth_from": date(2025, 5, 1), "auth_to": date(2027, 10, 1), "auth_scope": "企业征信，保前及保后", "auth_channel": "电子签名",
    "query_reason": "保后管理",
}  # fmt: skip
REPORTS = (date(2025, 5, 12), date(2025, 10, 9), date(2026, 4, 18), date(2026, 6, 20))


def books(one: Enterprise, of: Callable[[str], Enterprise]) -> Rows:
    """The rows of our own business and of credit reports."""
    return (
        _guarantee(one) | _secured(one, of("guarantor")) | _aftercare(one) | _credit(one) | _institution(one)
    )


def _guarantee(one: Enterprise) -> Rows:
    asked: Row = {
        "tenor": 12, "purpose": "采购原材料", "controller": one.legal_rep, "controller_id": one.legal_rep_id, "bank_branch": "潍坊分行",
        "legal_rep_id": one.legal_rep_id, "is_first_loan": False, "is_renewal": False, "is_agri": False, "is_batch": False,
        "declared_revenue": 12_300_000, "declared_assets": 11_000_000, "declared_liabilities": 4_400_000, "declared_profit": 700_000,
        "declared_tax": 420_000, "declared_staff": 40, "declared_size": "小型", "loan_rate": 0.0435, "repayment": "到期一次还本",
        "auth_from": date(2025, 10, 1), "auth_to": date(2027, 10, 1), "auth_scope": "税务，征信，政务",
    }  # fmt: skip
    return {
        "application": [
            {**asked, "amount": LOAN, "apply_dt": date(2025, 10, 9), "is_first_guarantee": True},
            {**asked, "app_id": one.new_app_id, "amount": 1_000_000, "apply_dt": AS_OF, "is_first_guarantee": False},
        ],
        "contract": [{
            **SHARES, "principal": LOAN, "guaranteed": GUARANTEED, "fee_rate": 0.008, "start": START, "end": END, "tier": "不分档",
            "contract_no": f"PBT{one.serial:05d}", "loan_contract_no": f"PJK{one.serial:05d}", "loan_no": one.loan_no, "loan_rate": 0.0435,
            "guarantee_scope": "本金", "gtee_type": "连带责任保证", "guarantee_period_months": 36, "gtee_expiry": date(2029, 10, 20),
            "grace_days": 90, "size_class": "小型", "is_small_agri": True, "is_first_guarantee": True, "is_renewal": False,
            "repayment": "到期一次还本", "counter_measure": "抵押＋保证", "manager": "孙敏",
        }],
        "disbursement": [
            {"flow_no": "L1", "type": "放款", "dt": START, "amount": LOAN, "balance_after": LOAN, "result": "成功", "loan_no": one.loan_no,
             "payee_name": "钢材供应商", "payee_kind": "供应商", "is_entrusted": True, "status": "有效"},
            *(
                {"flow_no": f"I{turn}", "type": "付息", "dt": add_months(START, turn), "due_dt": add_months(START, turn), "amount": INTEREST,
                 "balance_after": LOAN, "result": "成功", "loan_no": one.loan_no, "status": "有效"}
                for turn in range(1, 9)
            ),
        ],
        "fee": [{
            "period": START, "period_end": date(2026, 10, 19), "kind": "担保费", "due_dt": START + timedelta(days=5), "received_dt": START,
            "rate": 0.008, "receivable": 12_800, "received": 12_800, "subsidy": 0, "refund": 0,
        }],
        "reguar_filing": [
            {"level": level, "filing_no": f"PBA{one.serial:05d}{level}", "plan": "普通", "tier": "不分档", "filed_dt": START + timedelta(days=5),
             "accept_dt": START + timedelta(days=12), "booked_dt": START + timedelta(days=12), "amount": LOAN, "ratio": 0.2,
             "fee_rate": 0.003, "status": "已备案"}
            for level in ("省", "国")
        ],
    }  # fmt: skip


def _secured(one: Enterprise, guarantor: Enterprise) -> Rows:
    signed = {
        "sign_dt": START - timedelta(days=1),
        "booked_dt": START,
        "status": "有效",
        "seizure": "无",
        "is_leased": False,
    }
    return {
        "counter_guar": [
            {**signed, "cg_id": f"PFD{one.serial:05d}1", "type": "抵押", "asset_kind": "房产", "amount": MORTGAGE, "appraised": 4_000_000,
             "appraise_dt": date(2025, 10, 10), "ltv": 0.5, "lien_order": 1, "reg_no": f"PDY{one.serial:05d}", "reg_dt": START,
             "reg_expiry": date(2030, 10, 20), "insurance_expiry": date(2027, 4, 20)},
            {**signed, "cg_id": f"PFD{one.serial:05d}2", "type": "保证", "asset_kind": "信用", "person_name": one.legal_rep,
             "person_id": one.legal_rep_id, "person_role": "法定代表人", "amount": GUARANTEED, "maturity_dt": date(2029, 10, 20)},
            {**signed, "cg_id": f"PFD{one.serial:05d}3", "type": "保证", "asset_kind": "信用", "guarantor_code": guarantor.uscc,
             "guarantor_name": guarantor.name, "amount": GUARANTEED, "maturity_dt": date(2029, 10, 20)},
        ]
    }  # fmt: skip


def _aftercare(one: Enterprise) -> Rows:
    checks = (
        ("首次检查", date(2025, 10, 30), date(2025, 11, 12)),
        ("用途核查", date(2025, 10, 21), date(2025, 10, 28)),
        ("定期检查", date(2026, 4, 1), date(2026, 4, 15)),
    )
    return {
        "post_check": [
            {"task_id": f"PBH{one.serial:05d}{turn}", "made_dt": made, "booked_dt": done, "kind": kind, "task_source": "系统",
             "plan_dt": made + timedelta(days=15), "limit_dt": made + timedelta(days=25), "done_dt": done, "mode": "现场", "contact": "正常",
             "conclusion": "正常", "is_use_proper": True, "checker": "孙敏", "status": "已完成"}
            for turn, (kind, made, done) in enumerate(checks)
        ],
        "bank_feedback": [
            {"report_dt": month_end(add_months(START, turn)), "balance": LOAN, "overdue_days": 0, "five_class": "正常", "loan_no": one.loan_no,
             "due_dt": END, "next_due_dt": add_months(START, turn + 1), "next_due_amt": INTEREST, "overdue_principal": 0,
             "overdue_interest": 0, "debit_failed_cnt": 0, "account_inflow": 800_000, "credit_limit": 3_200_000, "credit_used": LOAN,
             "limit_cut": 0, "is_frozen": False, "special_trade": "无"}
            for turn in range(8)
        ],
    }  # fmt: skip


def _credit(one: Enterprise) -> Rows:
    found: Rows = {"pboc_ent": [], "pboc_ent_acct": [], "pboc_guar": [], "pboc_person": [], "multi_loan": []}
    for day in REPORTS:
        told: Row = {"report_dt": day, **AUTHORISED, "auth_no": f"PSQS{one.serial:05d}"}
        ours, debt = day > START, 1_000_000 + LOAN
        found["pboc_ent"].append(told | {
            "lender_cnt": 2, "balance": debt, "watch_balance": 0, "bad_balance": 0, "query_cnt": 2,
            "card_no": f"3707P{one.serial:09d}", "is_no_record": False, "first_credit_year": 2019, "normal_balance": debt,
            "substandard_balance": 0, "doubtful_balance": 0, "loss_balance": 0, "recourse_balance": 0, "overdue_principal": 0,
            "overdue_interest": 0, "overdue_90d": 0, "credit_limit": 4_600_000, "credit_used": debt,
            "short_balance": debt, "query_cnt_1m": 0, "query_cnt_3m": 1, "query_guar_cnt": 1, "query_post_cnt": 1,
        })  # fmt: skip
        account: Row = told | {
            "inst_type": "商业银行", "kind": "短期借款", "status": "未结清", "five_class": "正常", "overdue_days": 0, "overdue_principal": 0,
            "overdue_amt": 0, "special_trade": "无", "updated_dt": day - timedelta(days=5),
        }  # fmt: skip
        other: Row = {
            "acct_no": f"PZH{one.serial:05d}2", "lender": "中国农业银行潍坊分行", "amount": 1_000_000, "balance": 1_000_000,
            "open_dt": date(2025, 4, 10), "due_dt": date(2026, 10, 10), "guarantee_type": "抵押", "is_own": False,
        }  # fmt: skip
        large: Row = {
            "acct_no": f"PZH{one.serial:05d}1", "lender": one.bank, "amount": LOAN, "balance": LOAN, "open_dt": START, "due_dt": END,
            "guarantee_type": "保证", "is_own": True,
        }  # fmt: skip
        if not ours:
            large |= {
                "acct_no": f"PZH{one.serial:05d}0",
                "open_dt": date(2024, 10, 10),
                "due_dt": date(2025, 10, 15),
                "is_own": False,
            }
        found["pboc_ent_acct"] += [account | other, account | large]
        found["pboc_guar"].append(told | {
            "liability_no": f"PXG{one.serial:05d}", "type": "保证", "debtor_name": "潍坊邻里五金商行", "debtor_type": "企业",
            "lender": "中国农业银行潍坊分行", "liability_limit": 500_000, "acct_cnt": 1, "balance": 300_000, "watch_balance": 0,
            "bad_balance": 0, "overdue_days": 0, "open_dt": date(2024, 6, 1), "due_dt": date(2026, 12, 1),
        })  # fmt: skip
        found["pboc_person"].append(told | {
            "person_id": one.legal_rep_id, "person_name": one.legal_rep, "relation": "法定代表人", "is_no_record": False,
            "current_overdue": 0, "overdue_days": 0, "overdue_cnt_2y": 0, "overdue_cnt_5y": 0, "overdue_acct_max_2y": 0,
            "overdue_90d_cnt": 0, "max_overdue_months": 0, "loan_balance": 600_000, "business_balance": 0, "card_cnt": 3,
            "card_limit": 150_000, "card_used": 30_000, "card_use_rate": 0.2, "card_min_cnt": 0, "abnormal_acct_cnt": 0,
            "guar_balance": GUARANTEED if ours else 0, "guar_bad_balance": 0, "query_cnt_1m": 0, "query_cnt_3m": 1, "query_cnt_6m": 1,
        })  # fmt: skip
        found["multi_loan"].append(told | {
            "is_no_record": False, "lender_cnt": 2, "nonbank_cnt": 0, "lender_new_3m": 0, "lender_new_6m": 0,
            "total_debt": debt, "nonbank_debt": 0, "query_cnt_1m": 0, "query_cnt_3m": 1, "query_cnt_6m": 1,
        })  # fmt: skip
    return found


def _institution(one: Enterprise) -> Rows:
    """The guarantor, sound: only where the enterprise is the one it is named for (others share it)."""
    if one.serial != one.house:
        return {}
    ends = [month_end(add_months(date(2024, 3, 31), 3 * turn)) for turn in range(9)]
    return {
        "institution": [
            {"inst_id": one.institution, "period": end, "booked_dt": end + timedelta(days=18), "name": one.institution,
             "uscc": None, "level": "市", "parent_id": "JG000", "license_no": f"鲁担{one.serial:06d}", "license_to": date(2030, 12, 31),
             "total_assets": 900_000_000, "net_assets": 500_000_000, "equity_in_guarantors": 20_000_000, "paid_capital": 450_000_000,
             "reserve_unearned": 9_000_000, "reserve_claims": 60_000_000, "reserve_general": 20_000_000, "is_small_agri": True,
             "status": "正常"}
            for end in ends
        ]
    }  # fmt: skip
