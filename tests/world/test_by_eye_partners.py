"""Do the features of guarantees, credit, markets and of those it is linked to say what a person reads off the files?"""

from __future__ import annotations

import pytest
from hand_world import Expected, Reader, Seen

EXPECTED: list[Expected] = [
    # customer: A sells to B and to E (published on 20 November 2023); links last 13 months.
    ("A1", "2023-11-20", "customers_known", None),
    ("A1", "2023-11-21", "customers_known", 2),
    ("A5", "2024-12-31", "customers_known", 1),  # only E bought in the last 13 months
    ("A1", "2023-12-31", "customers_enforced", 1),  # E
    ("A1", "2023-12-31", "customers_enforced_share", 0.5),
    ("A1", "2024-02-29", "customers_enforced", 0),
    ("A5", "2024-04-25", "customers_enforced", 1),  # B
    ("A1", "2024-02-29", "customers_dishonest", 1),
    ("A1", "2024-03-01", "customers_dishonest", 0),
    ("A5", "2024-04-21", "customers_overdue", 0),
    ("A5", "2024-04-22", "customers_overdue", 1),
    ("A5", "2024-07-21", "customers_compensated", 0),
    ("A5", "2024-07-22", "customers_compensated", 1),
    ("A5", "2024-06-30", "customers_sales_yoy_12m", 1206 / 900 - 1),  # B 1,140 and E 66 against B's 900
    ("D", "2024-11-20", "customers_closed", 0),
    ("D", "2024-11-21", "customers_closed", 1),  # C
    # supplier: B bought of A in May 2023, A of C in June 2024.
    ("B", "2023-06-20", "suppliers_known", None),
    ("B", "2023-06-21", "suppliers_known", 1),
    ("B", "2023-07-31", "suppliers_enforced", 1),
    ("B", "2023-08-20", "suppliers_enforced", 0),
    ("A5", "2024-11-20", "suppliers_closed", 0),
    ("A5", "2024-11-21", "suppliers_closed", 1),
    # holder, holding: A holds 10 % of B, until 14 May 2024 also 40 % of E.
    ("E", "2023-08-19", "holder_enforced", 1),
    ("E", "2023-08-20", "holder_enforced", 0),
    ("A5", "2024-05-13", "holdings", 2),
    ("A5", "2024-05-14", "holdings", 1),
    ("E", "2024-05-13", "sister_enterprises", 1),
    ("E", "2024-05-14", "sister_enterprises", 0),
    # owner, owned: 王明 holds B and E; the number of B's other holder is masked.
    ("E", "2023-06-17", "owner_enterprises", 1),
    ("B", "2023-06-16", "owner_enterprises", 0),
    ("B", "2023-06-17", "owner_enterprises", 1),
    ("A1", "2023-12-31", "owner_enterprises", 0),
    ("E", "2024-04-24", "owner_enterprises_enforced", 0),
    ("E", "2024-04-25", "owner_enterprises_enforced", 1),
    ("E", "2024-04-21", "owner_enterprises_overdue", 0),
    ("E", "2024-04-22", "owner_enterprises_overdue", 1),
    ("E", "2024-07-21", "owner_enterprises_compensated", 0),
    ("E", "2024-07-22", "owner_enterprises_compensated", 1),
    # guarantor, guaranteed: C for A until 23 February 2024, A for B, B for E.
    ("A1", "2024-02-22", "counter_guarantors", 1),
    ("A1", "2024-02-23", "counter_guarantors", 0),  # released
    ("C", "2024-02-22", "guaranteed_by_it", 1),
    ("C", "2024-02-23", "guaranteed_by_it", 0),
    ("B", "2023-06-30", "guarantors_enforced", 1),
    ("B", "2023-08-20", "guarantors_enforced", 0),
    ("E", "2024-06-30", "guarantors_overdue", 1),
    ("E", "2024-07-21", "guarantors_compensated", 0),
    ("E", "2024-07-22", "guarantors_compensated", 1),
    ("A1", "2023-06-15", "guaranteed_by_it", 0),
    ("A1", "2023-06-16", "guaranteed_by_it", 1),
    ("A5", "2024-06-20", "circle_second_ring", 0),
    ("A5", "2024-06-21", "circle_second_ring", 1),  # A for B for E
    ("A5", "2024-04-25", "guaranteed_enforced", 1),
    ("A5", "2024-04-22", "guaranteed_overdue", 1),
    ("A5", "2024-07-22", "guaranteed_compensated", 1),
    ("A5", "2024-07-22", "partners_in_trouble", 2),  # B, overdue and compensated
    ("B", "2024-07-04", "late_notes_24m", None),
    ("B", "2024-07-05", "late_notes_24m", 1),
    ("A5", "2024-07-05", "receivables_late_12m", 1),
    # Conflicts: C's sales by returns 570 (restated), by its report 600 then 570, by itself 800.
    ("C", "2024-05-06", "sales_by_report", 600_000),
    ("C", "2024-05-07", "sales_by_report", 570_000),
    ("C", "2024-05-07", "sales_12m", 570_000),  # April to March: 11 x 50 + 20
    ("C", "2024-05-07", "sales_conflict", 230 / 570),
    ("C", "2024-05-07", "sales_overstated", 230 / 570),
    ("C", "2024-05-07", "sales_chosen", 570_000),
    ("B", "2024-06-20", "report_hidden", False),
    ("B", "2024-06-21", "report_hidden", True),
    ("B", "2024-06-21", "sales_by_report", 2_600_000),  # 不公示 is no figure: that of 2022 stays
    ("A1", "2023-12-31", "assets_conflict", 0.5 / 9),  # 9 filed, 8.5 declared
    ("A5", "2024-03-20", "assets_conflict", 0.1),  # 9 filed, 9.9 declared
    ("A5", "2024-03-21", "staff_conflict", 2 / 30),  # 30 insured, 32 reported and declared
    ("D", "2024-06-28", "staff_by_report", None),
    ("D", "2024-06-29", "staff_by_report", 5),  # ５
    ("A5", "2024-12-31", "sales_invoice_gap", 50 / 1200),  # 1,150 invoiced, 1,200 declared
    # Guarantees: an overdue cured, one that is withdrawn, one that ends in compensation.
    ("C", "2024-03-31", "open_overdue", 0),
    ("C", "2024-04-01", "open_overdue", 1),
    ("C", "2024-04-11", "open_overdue", 1),
    ("C", "2024-04-12", "open_overdue", 0),  # cured on the 10th, booked on the 12th
    ("C", "2024-04-12", "overdues_24m", 1),
    ("D", "2024-05-14", "overdues_24m", 1),
    ("D", "2024-05-15", "overdues_24m", 0),  # type 0: it was none
    ("B", "2024-06-30", "days_since_overdue", 76),  # since 15 April
    ("B", "2024-10-09", "recovered_share", 0),
    ("B", "2024-10-10", "recovered_share", 0.1),  # 145 of 1,450
    ("B", "2024-12-02", "recovered_share", 0.1),  # what is written off is not recovered
    ("E", "2024-12-08", "extensions", 0),
    ("E", "2024-12-09", "extensions", 1),
    ("D", "2024-03-14", "failed_payments_12m", 1),
    ("D", "2024-03-15", "failed_payments_12m", 0),  # 已冲正
    ("E", "2024-06-24", "misused_payouts", 1),
    ("B", "2023-12-31", "collateral_cover", 0.75),  # 1.2 of 1.6 million
    ("B", "2024-06-09", "collateral_seized", 0),
    ("B", "2024-06-10", "collateral_seized", 1),
    ("B", "2024-06-10", "collateral_value", 1_000_000),
    ("B", "2024-06-10", "collateral_ltv", 0.72),
    ("A5", "2024-03-16", "second_liens", 1),
    ("C", "2024-06-30", "checks_overdue", 0),  # the limit is that very day
    ("C", "2024-07-01", "checks_overdue", 1),
    ("D", "2023-07-02", "checks_overdue", 1),
    ("D", "2023-07-03", "checks_overdue", 0),  # called off
    ("B", "2024-05-12", "failed_visits_6m", 0),
    ("B", "2024-05-13", "failed_visits_6m", 1),
    ("B", "2024-05-13", "bad_checks_12m", 1),
    ("B", "2024-04-20", "risk_tasks_12m", 1),  # open: nobody has called it false
    ("B", "2024-07-25", "risk_tasks_12m", 1),
    ("A5", "2024-05-16", "risk_tasks_12m", 0),  # a false alarm
    ("B", "2023-06-30", "fees_unpaid", 0),  # due that very day
    ("B", "2023-07-10", "fees_unpaid", 1),
    ("B", "2023-07-11", "fees_unpaid", 0),
    ("B", "2023-07-05", "filings_returned", 1),
    ("B", "2023-07-20", "filings_returned", 1),
    ("B", "2023-07-21", "filings_returned", 0),  # filed after all
    ("A5", "2024-06-30", "renewals_36m", 1),
    ("A1", "2023-12-31", "loan_rate", 0.0435),
    ("A1", "2023-12-31", "first_application", 1),
    ("A5", "2024-06-30", "first_application", 0),
    # Credit: reports of different age; "no record" differs from "not asked".
    ("B", "2024-06-01", "interest_overdue", 18_000),
    ("B", "2024-06-30", "failed_debits_6m", 3),  # 1 + 2
    ("A1", "2023-12-31", "account_inflow_3m", 180_000),  # 85 + 95: the report of the day is known the next
    ("B", "2024-06-30", "credit_line_used", 0.9),
    ("B", "2024-06-30", "line_cuts_12m", 1),
    ("B", "2024-06-30", "line_frozen", 1),
    ("C", "2024-06-01", "special_trades_24m", 1),
    ("B", "2024-06-04", "watched_credit", 0),  # the report of June 2023
    ("B", "2024-06-05", "watched_credit", 1_800_000),
    ("B", "2024-06-05", "credit_overdue", 20_000),
    ("B", "2024-06-30", "credit_change_12m", 700_000),  # 4.2 against 3.5 million
    ("B", "2024-06-30", "lenders_change_12m", 1),
    ("B", "2024-06-30", "short_credit_share", 0.5),
    ("A5", "2024-12-31", "days_since_credit_report", 300),  # since 6 March
    ("D", "2024-12-31", "days_since_credit_report", None),  # not asked
    ("E", "2024-06-30", "days_since_credit_report", 18),
    ("E", "2024-06-30", "lender_count", None),  # asked: no record
    ("B", "2024-06-30", "new_lenders_6m", 4),
    ("B", "2024-06-30", "debt_change_12m", 1_200_000),
    ("B", "2024-06-30", "accounts_overdue", 1),
    ("B", "2024-06-30", "accounts_not_normal", 1),
    ("B", "2024-06-30", "nonbank_accounts", 1),
    ("D", "2024-06-30", "accounts_overdue", None),
    ("A5", "2024-06-30", "guaranteed_for_others", 1_600_000),
    ("A5", "2024-09-30", "guaranteed_for_others", None),  # the report is older than six months
    ("A5", "2024-12-31", "guaranteed_bad", 1_450_000),
    ("E", "2024-06-30", "guaranteed_watched", 90_000),
    ("B", "2023-12-31", "persons_overdue", 0),
    ("B", "2024-06-30", "persons_overdue", 30_000),  # the worst of two
    ("B", "2024-06-30", "persons_card_use", 0.95),
    ("E", "2024-06-30", "persons_overdue", None),
    # Markets
    ("A1", "2023-10-04", "bad_news_3m", 1),
    ("A1", "2023-10-05", "bad_news_3m", None),  # withdrawn, and nothing else is known
    ("A1", "2023-11-12", "bad_news_3m", 0),  # a good report is known
    ("A1", "2023-12-31", "mean_polarity_12m", 0.5),
    ("B", "2024-05-21", "wage_and_stoppage_news_6m", 1),  # the other report is not surely about B
    ("A1", "2024-02-25", "movable_pledged_amount", 0),  # ran out on 18 February
    ("A1", "2024-02-26", "movable_pledged_amount", None),
    ("B", "2024-05-10", "movable_pledged_amount", 300_000),
    ("A1", "2023-12-31", "receivables_pledged_12m", 1),
    # History
    ("C", "2024-06-30", "industry_overdue_rate_6m", (1 + 20 / 3) / 21),  # 1 of 1, the whole book 1 of 3
    ("B", "2024-06-30", "bank_overdue_rate_6m", (1 + 20 / 3) / 22),  # 1 of 2, the whole book 1 of 3
    ("A5", "2024-06-30", "institution_guaranteed_12m", 1_440_000),  # 240 + 1,200
    ("B", "2024-07-31", "institution_compensation_rate", (1 + 20 / 6) / 22),
    ("A5", "2024-07-31", "region_compensation_rate", (20 / 6) / 22),
    ("E", "2024-07-31", "industry_region_compensation_rate", 20 * (20 / 6) / 23 / 21),
    # Across families
    ("A5", "2024-06-30", "debt_ratio_after", 5.5 / 10.5),  # 4 + 1.5 over 9 + 1.5
    ("A5", "2024-06-30", "guarantees_to_net_assets", 0.32),  # 1.6 over 9 - 4
    ("A1", "2023-12-31", "exposure_to_sales", 2),  # 1.2 + 1 over 1.1
    ("B", "2024-06-30", "enforcement_to_sales", 500 / 1140),  # over 150 + 140 + ... + 40: June to May
    ("B", "2024-07-31", "lending_claims_to_sales", 1450 / 1020),
    ("A1", "2023-12-31", "power_per_sales", 1700 / 110),
    ("A5", "2024-06-30", "exposure_after", 2_700_000),  # 1.2 + 1.5 million
]


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED, ids=str)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    got = seen[name, day][feature]
    assert got == (pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, int | float) else value)
