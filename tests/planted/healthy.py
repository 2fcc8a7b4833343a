"""What do publishers deliver of an enterprise that nothing is wrong with? Government and market sources; `healthy_books` has the rest.

Thirty-seven months up to the last whole one of what is filed and invoiced; twenty-six of what nothing reads further back, and fourteen
of customers and suppliers, for whom thirteen count. Money is in yuan and rates are fractions whatever the publisher's unit: `planting`
writes the files in the contract's unit. What is not told here (codes, names, clocks) `planting.filled` adds.

No rows, on purpose: court_*, tax_violation, adm_penalty, mkt_abnormal, mkt_change, equity_pledge, agri, overdue,
compensation, recovery, release, reguar_comp, risk_task: an enterprise that these say something of is not healthy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from healthy_books import MORTGAGE, books
from planted_days import AS_OF
from planted_enterprise import Enterprise

from riskengine.clock import add_months, month_end

Row = dict[str, object]
Rows = dict[str, list[Row]]
Of = Callable[[str], Enterprise]  # the enterprise of a role: customer1, supplier1, guarantor ...

MONTHS = tuple(add_months(AS_OF.replace(day=1), -back) for back in range(37, 0, -1))
LATER, PARTNERS = MONTHS[-26:], MONTHS[-14:]
SEASON = {
    1: 0.95,
    2: 0.75,
    3: 1.0,
    4: 1.02,
    5: 1.03,
    6: 1.05,
    7: 1.0,
    8: 0.98,
    9: 1.03,
    10: 1.0,
    11: 1.07,
    12: 1.12,
}
SALES, STAFF, GROWTH = 1_000_000, 38, 0.03
CUSTOMERS = {
    "customer1": 0.18,
    "customer2": 0.11,
    "customer3": 0.09,
    "customer4": 0.08,
    "customer5": 0.07,
    "customer6": 0.06,
}
SUPPLIERS = {"supplier1": 0.2, "supplier2": 0.15, "supplier3": 0.1}
ESTABLISHED = date(2018, 3, 12)


def healthy(one: Enterprise, of: Of) -> Rows:
    """Every row of a healthy enterprise by source; its partners are those that `of` names."""
    rows = registered(one)
    for part in (
        _register(one),
        _sales(of),
        _staff_and_power(one),
        _tax(),
        _titles(one),
        _market(one, of),
        books(one, of),
    ):
        for source, more in part.items():
            rows.setdefault(source, []).extend(more)
    return rows


def registered(one: Enterprise) -> Rows:
    """What the register and the tax office say of any sound enterprise: all there is of a partner."""
    return {
        "mkt_reg": [{
            "record_dt": ESTABLISHED, "est_date": ESTABLISHED, "reg_capital": 8_000_000, "paid_capital": 8_000_000,
            "status": "存续", "ent_type": "有限责任公司", "industry_code": one.industry_code, "legal_rep": one.legal_rep,
            "address": f"潍坊市健康街{one.serial}号", "phone": f"1990{one.serial:07d}", "scope": "机械制造", "term_to": date(2038, 3, 11),
            "capital_currency": "人民币", "approve_dt": ESTABLISHED, "reg_authority": "潍坊市市场监督管理局",
        }],
        "tax_reg": [{
            "taxpayer_no": one.uscc, "status": "正常", "status_dt": date(2018, 3, 20), "taxpayer_type": "一般纳税人",
            "levy_mode": "查账征收", "tax_bureau": "国家税务总局潍坊市税务局", "pub_dt": date(2018, 3, 20),
        }],
    }  # fmt: skip


def sales_of(month: date) -> int:
    """Sales of a month: mild seasons, 3 % a year."""
    return round(SALES * SEASON[month.month] * (1 + GROWTH) ** (month.year - 2025))


def _register(one: Enterprise) -> Rows:
    holders = ((one.legal_rep, one.legal_rep_id, 0.7), (one.partner, one.partner_id, 0.3))
    return {
        "mkt_annual": [
            {
                "year": year, "period_end": date(year, 12, 31), "employees": STAFF + 2, "assets": 11_000_000, "liabilities": 4_400_000,
                "equity": 6_600_000, "revenue": 12_000_000, "main_revenue": 11_800_000, "profit": 900_000, "net_profit": 700_000,
                "tax": 420_000, "insured_cnt": STAFF, "guarantee_amt": 0, "guarantee_cnt": 0, "is_hidden": False,
                "is_revised": False, "pub_dt": date(year + 1, 5, 10),
            }
            for year in (2023, 2024, 2025)
        ],
        "mkt_equity": [
            {
                "holder_name": name, "holder_id": number, "holder_type": "自然人", "ratio": share, "subscribed": 8_000_000 * share,
                "paid_in": 8_000_000 * share, "record_dt": ESTABLISHED, "status": "在册",
            }
            for name, number, share in holders
        ],
        "mkt_people": [
            {"name": name, "person_id": number, "role": role, "start_dt": ESTABLISHED, "record_dt": ESTABLISHED, "status": "在任"}
            for name, number, role in (
                (one.legal_rep, one.legal_rep_id, "法定代表人"), (one.legal_rep, one.legal_rep_id, "执行董事"),
                (one.partner, one.partner_id, "监事"),
            )
        ],
    }  # fmt: skip


def _sales(of: Of) -> Rows:
    found: Rows = {"inv_monthly": [], "inv_counterparty": []}
    for month in MONTHS:
        sales = sales_of(month)
        for kind, amount, count in (("销", sales, 60), ("进", round(sales * 0.62), 30)):
            red = -round(amount * 0.004, 2)
            found["inv_monthly"].append({
                "ym": month, "dir": kind, "blue_cnt": count, "blue_amt": amount - red, "red_cnt": 1, "red_amt": red, "void_cnt": 0,
                "void_amt": 0, "cp_cnt": 18, "top1_share": 0.18, "top5_share": 0.53,
                "first_invoice_dt": month + timedelta(days=1), "last_invoice_dt": month_end(month) - timedelta(days=1),
            })  # fmt: skip
            for role, share in (
                (CUSTOMERS if kind == "销" else SUPPLIERS).items() if month >= PARTNERS[0] else ()
            ):
                who = of(role)
                found["inv_counterparty"].append({
                    "ym": month, "dir": kind, "cp_uscc": who.uscc, "cp_name": who.name, "amt": round(amount * share, 2), "cnt": 4,
                    "is_related": False,
                })  # fmt: skip
    return found


def _staff_and_power(one: Enterprise) -> Rows:
    return {
        "si_monthly": [
            {"ym": month, "insured_cnt": STAFF, "payable": STAFF * 1200, "paid": STAFF * 1200, "arrears_months": 0,
             "base_amt": STAFF * 4400, "added_cnt": 0, "stopped_cnt": 0}
            for month in LATER
        ],
        "hf_monthly": [
            {"ym": month, "cnt": STAFF - 2, "amt": (STAFF - 2) * 700, "is_stopped": False, "stopped_months": 0} for month in LATER
        ],
        "jobs": [
            {"ym": month, "posts": 4, "new_posts": 2, "headcount": 5, "salary_median": 6500, "site_cnt": 2} for month in LATER
        ],
        "utility": [
            {"kind": "电", "meter": f"PD{one.serial:05d}", "ym": month, "kwh": round(sales_of(month) / 50), "fee": round(sales_of(month) / 70),
             "arrears_amt": 0, "arrears_days": 0, "is_cut_off": False, "is_owner": True}
            for month in LATER
        ],
    }  # fmt: skip


def _tax() -> Rows:
    found: Rows = {"tax_filing": [], "tax_paid": []}
    for month in MONTHS:
        sales, due = sales_of(month), (month_end(month) + timedelta(days=1)).replace(day=12)
        filed: Row = {
            "period": month, "file_dt": due, "declared_sales": sales, "tax_payable": round(sales * 0.032), "is_zero": False,
            "is_late": False, "tax_paid": round(sales * 0.032), "tax_exempt": 0, "export_sales": round(sales * 0.1),
            "is_quarterly": False, "is_corrected": False,
        }  # fmt: skip
        paid = {"增值税": round(sales * 0.032)} if month >= LATER[0] else {}
        if month.month % 3 == 0:  # the quarter's statements
            part = month.month // 3
            filed |= {
                "fs_assets": 11_000_000, "fs_liabilities": 4_400_000, "fs_current_assets": 6_200_000, "fs_current_liabilities": 3_600_000,
                "fs_receivables": 1_700_000, "fs_inventory": 1_200_000, "fs_net_profit": 170_000 * part, "fs_operating_cash": 210_000 * part,
            }  # fmt: skip
            paid |= {"企业所得税": 12_000} if paid else {}
        found["tax_filing"].append(filed)
        found["tax_paid"] += [
            {"tax_kind": kind, "period": month, "paid_amt": amount, "paid_dt": due, "arrears_bal": 0, "late_fee": 0,
             "pub_dt": due + timedelta(days=3)}
            for kind, amount in paid.items()
        ]  # fmt: skip
    found["tax_rating"] = [
        {
            "year": year,
            "period_end": date(year, 12, 31),
            "level": "A",
            "score": 93,
            "basis": "年度评价",
            "pub_dt": date(year + 1, 4, 20),
        }
        for year in (2022, 2023, 2024, 2025)
    ]
    return found


def _titles(one: Enterprise) -> Rows:
    titles = (
        ("高新技术企业", date(2024, 12, 7), date(2027, 12, 6)),
        ("科技型中小企业", date(2026, 4, 18), date(2027, 3, 31)),
        ("专精特新中小企业", date(2024, 7, 1), date(2027, 6, 30)),
    )
    return {
        "tech_list": [
            {"list_type": kind, "cert_no": f"P{kind[:2]}{one.serial:05d}", "issue_dt": issued, "valid_to": until, "status": "有效",
             "pub_dt": issued + timedelta(days=10)}
            for kind, issued, until in titles
        ],
        "ip": [
            {"ip_no": f"ZLP{one.serial:05d}{turn}", "type": kind, "title": "一种机械装置", "apply_dt": date(2021, 5, 6),
             "grant_dt": date(2022, 9, 2), "valid_to": date(2041, 5, 5), "status": "有效", "is_pledged": False, "pub_dt": date(2022, 9, 2)}
            for turn, kind in enumerate(("发明", "实用新型"))
        ],
        "gov_fund": [
            {"doc_no": f"潍工信{year}P{one.serial}", "item": "财政补贴", "project": "技术改造", "amt": 100_000, "org": "潍坊市工业和信息化局",
             "dt": date(year, 3, 10), "status": "有效", "pub_dt": date(year, 3, 20)}
            for year in (2025, 2026)
        ],
        "customs": [
            {"customs_no": f"3707P{one.serial:05d}", "ym": month, "import_amt": 0, "export_amt": round(sales_of(month) * 0.1),
             "agent_export_amt": 0, "main_hs4": "8479", "credit_level": "一般", "penalty_cnt": 0, "penalty_amt": 0}
            for month in LATER
        ],
        "env_safety": [
            {"record_no": f"PHJ{one.serial:05d}{year}", "kind": "环境信用评价", "rating": "绿", "org": "潍坊市生态环境局",
             "event_dt": date(year, 2, 20), "status": "有效", "pub_dt": date(year, 3, 1)}
            for year in (2025, 2026)
        ],
        "realty": [{
            "unit_no": f"370702GBP{one.serial:05d}", "owner": one.name, "owner_kind": "企业", "usage": "工业", "area": 2600,
            "right_type": "国有建设用地使用权/房屋所有权", "mortgage_order": 1, "mortgage_amt": MORTGAGE, "mortgagee": "本担保机构",
            "is_seized": False, "reg_dt": date(2025, 10, 15), "query_dt": date(2026, 4, 20), "status": "现势",
        }],
    }  # fmt: skip


def _market(one: Enterprise, of: Of) -> Rows:
    core = of("customer1")
    return {
        "movable_pledge": [{
            "reg_no": f"PZD{one.serial:05d}", "holder_name": "本担保机构", "type": "应收账款质押", "amt": 300_000, "asset": "应收货款",
            "reg_dt": date(2025, 10, 20), "exp_dt": date(2028, 10, 20), "event_type": "初始登记", "status": "有效", "is_own": True,
        }],
        "price_index": [
            {"industry": one.industry, "region": one.region, "ym": month, "index": 100 + (1, 0, -1, 0)[month.month % 4] * 0.5,
             "month_change": 0.005, "year_change": 0.0, "product_name": "综合", "sample_cnt": 30}
            for month in MONTHS
        ],
        "bidding": [
            {"role": role, "project": f"{month:%Y%m}设备采购{one.serial}", "amt": 600_000, "dt": month + timedelta(days=9), "category": "货物",
             "status": "有效"}
            for month in MONTHS[::4]
            for role in ("投标", "中标")
        ],
        "sentiment": [{
            "cluster_id": f"PYQ{one.serial:05d}", "source": "潍坊日报", "media_level": "主流媒体", "category": "经营", "polarity": 0.4,
            "entity_conf": 0.95, "article_cnt": 2, "headline": "企业技术改造见成效", "pub_dt": date(2026, 3, 25), "crawl_dt": date(2026, 3, 25),
            "status": "有效",
        }],
        "supply_chain": [
            {"record_no": f"PSC{one.serial:05d}{month:%y%m}", "role": "供应商", "cp_uscc": core.uscc, "cp_name": core.name,
             "kind": "应付账款", "ym": month, "payable": 120_000, "overdue_amt": 0, "overdue_cnt": 0, "status": "正常",
             "pub_dt": month_end(month) + timedelta(days=10)}
            for month in MONTHS[-14:]
        ],
    }  # fmt: skip
