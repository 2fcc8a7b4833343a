"""Do the features of registers, tax, courts, staff and titles say what a person reads off the files?"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from hand_world import Expected, Reader, Seen, seen_in

from riskengine.identity.resolve import resolve
from riskengine.project import Project

EXPECTED: list[Expected] = [
    # Register: C's missing report is listed on 10 July 2023; the lifting of 5 August is published on the 7th, known on the 8th.
    ("C", "2023-07-10", "annual_report_missed", 0),
    ("C", "2023-07-11", "annual_report_missed", 1),
    ("C", "2023-08-07", "abnormal_listing", 1),
    ("C", "2023-08-08", "abnormal_listing", 0),
    ("C", "2023-08-08", "abnormal_listings_ever", 1),  # lifted, not forgotten
    ("C", "2023-12-31", "days_since_listing", 174),  # 21 + 31 + 30 + 31 + 30 + 31
    ("B", "2024-07-03", "lost_contact_listing", 0),
    ("B", "2024-07-04", "lost_contact_listing", 1),
    ("B", "2024-07-04", "serious_violation_listing", 0),
    ("A1", "2023-09-01", "name_changes_36m", 0),
    ("A1", "2023-09-02", "name_changes_36m", 1),
    ("A1", "2023-12-31", "changes_12m", 2),  # name and capital
    ("A1", "2023-12-31", "capital_change_12m", 3_000_000),  # 800 against 500 万
    ("A1", "2023-12-31", "paid_in_share", 0.625),  # 500 of 800
    ("B", "2023-11-23", "legal_rep_changes_12m", 0),  # changed on the 20th, published on the 23rd
    ("B", "2023-11-24", "legal_rep_changes_12m", 1),
    ("B", "2024-11-19", "legal_rep_changes_12m", 1),
    ("B", "2024-11-20", "legal_rep_changes_12m", 0),  # 12 months old to the day: outside
    ("B", "2023-11-23", "people_in_office", 2),  # 王强, 赵敏
    ("B", "2023-11-24", "people_in_office", 1),  # 王强 has left, his successor is published on the 28th
    ("B", "2023-11-29", "people_in_office", 2),
    ("B", "2024-06-27", "address_changes_12m", 0),
    ("B", "2024-06-28", "address_changes_12m", 1),
    ("C", "2023-12-31", "scope_changes_12m", 1),
    ("D", "2024-06-30", "people_changes_12m", 1),
    (
        "B",
        "2024-12-31",
        "days_to_licence_end",
        5252,
    ),  # 14 years (5113 days) to 31 December 2038, 139 to 19 May
    ("A1", "2023-12-31", "days_to_licence_end", None),  # 长期: it does not end
    # Ownership: A leaves E on 10 May 2024 (known on the 14th); 王明 holds 60 % of B and of E.
    ("E", "2023-06-16", "holders", 0),
    ("E", "2023-06-17", "holders", 2),
    ("E", "2024-05-13", "largest_holding", 0.6),
    ("E", "2024-05-14", "largest_holding", 1),
    ("E", "2024-05-14", "holders", 1),
    ("E", "2024-05-13", "corporate_holding", 0.4),
    ("E", "2024-05-14", "corporate_holding", 0),
    ("A1", "2023-12-31", "state_holding", 0.3),
    ("E", "2024-05-14", "holder_changes_12m", 1),
    ("E", "2024-05-14", "control_changes_6m", 1),
    ("B", "2023-12-31", "days_since_control_change", 41),  # since 20 November
    ("B", "2024-01-31", "equity_pledged", 0.3),
    ("B", "2024-05-05", "equity_pledged", 0.3),
    ("B", "2024-05-06", "equity_pledged", 0),  # 无效 as published that day
    ("B", "2024-05-21", "equity_pledged", 0.2),  # the other holder's
    ("B", "2024-07-12", "equity_frozen", 0),
    ("B", "2024-07-13", "equity_frozen", 0.6),
    ("B", "2024-10-09", "equity_frozen", 0.6),  # to_dt is that very day
    ("B", "2024-10-10", "equity_frozen", 0),
    # Tax
    ("B", "2024-09-12", "tax_status_abnormal", 0),
    ("B", "2024-09-13", "tax_status_abnormal", 1),
    ("C", "2024-11-20", "tax_status_abnormal", 1),  # 注销 on the 18th, published on the 19th
    ("A1", "2023-12-31", "general_taxpayer", 1),
    ("C", "2023-12-31", "general_taxpayer", 0),
    ("D", "2023-12-31", "general_taxpayer", None),
    ("B", "2024-04-28", "tax_rating", 2),  # of 2022: B
    ("B", "2024-04-29", "tax_rating", 4),  # of 2023: C
    ("B", "2024-04-30", "tax_rating_worsened", None),  # the year of 2021 is not known
    ("B", "2024-05-01", "tax_rating_worsened", 2),  # B for 2022, C for 2023
    ("C", "2023-10-12", "tax_rating", 2),
    ("C", "2023-10-13", "tax_rating", 5),  # 动态调整 of the same year
    ("D", "2024-12-31", "tax_rating", None),
    ("B", "2024-06-20", "tax_arrears", 0),
    ("B", "2024-06-21", "tax_arrears", 2_700),  # 1,500 of April and 1,200 of May
    ("B", "2024-08-20", "late_payment_surcharges_12m", 40),
    ("B", "2024-08-21", "tax_arrears", 1_200),  # April is paid
    ("B", "2024-08-21", "late_payment_surcharges_12m", 70),  # 40 + 30
    ("B", "2024-08-20", "months_with_arrears_12m", 2),
    ("B", "2024-08-21", "months_with_arrears_12m", 1),
    ("A1", "2023-12-29", "tax_paid_12m", 15_000),  # November 2022 to October 2023: 12 + 3 thousand
    ("A1", "2023-12-30", "tax_paid_12m", 14_000),  # December to November: 3 + 3 + 8
    ("A1", "2023-12-31", "tax_paid_yoy_12m", 14 / 12 - 1),  # against 12,000 of November 2022
    ("A1", "2023-12-31", "tax_burden_12m", 6_000 / 1_100_000),  # VAT only
    ("A1", "2023-06-05", "tax_violations_36m", 1),
    ("A1", "2023-06-06", "tax_violations_36m", 0),  # taken down on the 5th
    ("B", "2024-08-06", "tax_violations_36m", 1),
    ("A1", "2023-12-31", "debt_ratio", 4 / 9),
    ("B", "2023-12-31", "debt_ratio", 0.6),
    ("B", "2024-06-30", "debt_ratio", 0.8),  # 7.2 of 9 million
    ("B", "2024-06-30", "debt_ratio_change_12m", 0.8 - 0.6),
    ("B", "2024-06-30", "loss_statements_24m", 2),
    ("A1", "2023-12-31", "operating_cash_12m", None),  # no December statement yet
    ("A1", "2023-12-31", "receivables_to_sales", 0.6),  # 660 of 1,100
    ("A1", "2023-12-31", "inventory_to_sales", 0.3),
    ("C", "2024-03-14", "corrected_returns_24m", 0),
    ("C", "2024-03-15", "corrected_returns_24m", 1),
    ("A1", "2023-12-31", "export_share_12m", 41 / 1100),
    ("B", "2024-12-31", "months_since_sales", 4),  # since August
    # Year on year: the months that had ended 30 days before, and the same ones a year earlier.
    (
        "B",
        "2024-12-31",
        "sales_yoy_12m",
        450 / 1650 - 1,
    ),  # December to November: 90 ... 10, 0, 0, 0; before: 11 x 150
    ("E", "2024-12-31", "sales_yoy_12m", None),  # 15,000 a year before: below the floor
    (
        "B",
        "2024-08-31",
        "sales_yoy_6m",
        -0.75,
    ),  # March to July: 200 against 800; January and February are left out
    (
        "A1",
        "2024-08-31",
        "invoiced_yoy_6m",
        0,
    ),  # 500 against 500; with the festival it would be 650 against 640
    ("A1", "2024-12-31", "invoiced_yoy_12m", 1150 / 1040 - 1),  # both festivals are in: 120 + 30 and 40 + 100
    ("B", "2024-07-31", "purchases_yoy_12m", 360 / 660 - 1),  # 12 x 30 against 6 x 110
    ("B", "2023-12-31", "sales_growth_recent", 0.2),  # 330 of 1650
    # Invoices: a month is published on the 12th of the next and known on the 13th.
    ("A1", "2024-12-31", "invoiced_12m", 1_150_000),  # 10 x 100 + 120 + 30
    ("A1", "2023-12-31", "invoiced_3m", 300_000),
    ("A1", "2023-12-12", "invoice_reports_12m", 10),
    ("A1", "2023-12-13", "invoice_reports_12m", 11),
    ("B", "2024-12-31", "months_not_invoiced_12m", 3),  # September, October, November
    ("B", "2024-12-31", "days_since_invoice", 128),  # since 25 August
    ("B", "2024-07-15", "red_share_12m", 0),
    ("B", "2024-07-16", "red_share_12m", 20 / 1020),  # March is restated with a red-letter invoice of 20,000
    ("A1", "2023-12-31", "void_share_12m", 0.05),  # 11 of 220
    ("B", "2024-06-30", "customers_mean_6m", 3.5),  # December 6, then 3 x 5
    ("B", "2024-06-30", "customers_change_6m", 3.5 / 6 - 1),
    ("B", "2024-06-30", "top_customer_share_6m", 0.75),  # 0.5 + 5 x 0.8, by 6
    ("A1", "2023-12-31", "purchases_to_sales_12m", 660 / 1040),
    ("A1", "2023-12-31", "related_sales_12m", 0.5),  # 50 of 30 + 50 + 20
    ("B", "2024-12-31", "invoices_last_month", 0),
    # Staff and power
    ("A1", "2023-12-31", "housing_fund_to_insured", 25 / 30),
    ("B", "2024-06-15", "housing_fund_stopped", 0),
    ("B", "2024-06-16", "housing_fund_stopped", 2),
    ("D", "2024-12-31", "housing_fund_persons", None),  # no row is not a stop
    ("A1", "2023-12-31", "posts_yoy_12m", 0.2),  # 6 against 5
    ("B", "2024-06-29", "posts_3m", None),  # ended by 30 May: February to April, of which nothing is known
    ("B", "2024-06-30", "posts_3m", 0),  # May: a true zero
    ("B", "2024-06-30", "insured_to_peak_6m", -0.2),  # 32 of 40
    ("B", "2024-06-30", "social_paid_share_6m", 188 / 220),  # November to April; April's 32 are owed
    ("A1", "2023-12-31", "power_12m", 1_700),  # ended by 21 November: 800 of 2022, 900
    ("A1", "2023-12-31", "power_yoy_12m", None),  # against October 2022, 700: below the floor
    ("A1", "2023-12-31", "power_recent_share", 9 / 17),
    ("A1", "2024-01-31", "power_12m", 1_800),  # December to November: 900 + 900
    ("A1", "2024-01-31", "power_yoy_12m", 0.2),  # against 700 + 800
    ("A1", "2024-01-31", "power_recent_share", 1),
    ("B", "2024-06-12", "utility_arrears_days", 10),
    ("B", "2024-06-13", "utility_arrears_days", 40),
    ("B", "2024-06-12", "months_cut_off_12m", 0),
    ("B", "2024-06-13", "months_cut_off_12m", 1),
    # Courts: roles apart; withdrawn rows leave on the day of the snapshot; a row without a code is nobody's until it is resolved.
    (
        "B",
        "2024-03-20",
        "defendant_cases_24m",
        None,
    ),  # judgments are published in part: nothing known is not none
    ("B", "2024-03-21", "defendant_cases_24m", 1),
    ("A5", "2024-03-21", "plaintiff_cases_24m", 1),
    ("A5", "2024-03-21", "defendant_cases_24m", 0),
    ("B", "2024-06-25", "lost_cases_24m", 0),
    ("B", "2024-06-26", "lost_cases_24m", 1),
    ("B", "2024-07-15", "open_lending_defendant", 0),
    ("B", "2024-07-16", "open_lending_defendant", 1),
    ("B", "2024-07-16", "lending_defendant_amount_24m", 1_450_000),
    ("B", "2024-07-16", "trade_defendant_12m", 1),
    ("B", "2024-07-31", "days_since_defendant", 30),  # since 1 July
    ("B", "2024-12-31", "criminal_cases", 0),  # its code is masked
    ("E", "2024-12-31", "defendant_cases_24m", None),  # named, without a code
    ("C", "2024-02-02", "labour_defendant_12m", 1),
    ("C", "2024-03-02", "third_party_cases_24m", 1),
    ("E", "2024-02-29", "dishonest_listings", 1),
    ("E", "2024-03-01", "dishonest_listings", 0),
    ("E", "2024-02-29", "consumption_limits", 1),
    ("E", "2024-03-01", "consumption_limits", 0),
    ("B", "2024-06-23", "consumption_limits_persons", 0),
    ("B", "2024-06-24", "consumption_limits_persons", 1),
    ("A1", "2023-01-31", "terminated_enforcements", 1),
    ("A1", "2023-02-01", "terminated_enforcements", 0),
    ("B", "2024-10-18", "unfulfilled_amount", 120_000),
    ("E", "2024-03-01", "asset_seizures", 1),
    ("E", "2024-03-02", "asset_seizures", 0),  # released, published on the 1st
    ("B", "2024-07-13", "frozen_amount", 1_600_000),
    ("B", "2024-10-10", "frozen_amount", 1_000_000),  # the freeze of 600,000 has run out
    ("B", "2024-12-05", "insolvency_cases", 0),
    ("B", "2024-12-06", "insolvency_cases", 1),
    ("B", "2024-11-07", "judicial_auctions_24m", 1),
    # Compliance
    ("B", "2024-09-01", "environment_bad_ratings_36m", 1),
    ("B", "2024-09-02", "environment_bad_ratings_36m", 0),  # lifted
    ("B", "2024-03-09", "stop_orders_36m", 1),
    ("A1", "2023-06-01", "accidents_36m", 0),
    ("A1", "2023-06-02", "accidents_36m", 1),
    ("D", "2024-12-31", "accidents_36m", None),
    # Titles and assets
    ("A5", "2024-12-14", "high_technology", 1),  # valid to that very day
    ("A5", "2024-12-15", "high_technology", 0),
    ("A5", "2024-07-01", "valid_technology_titles", 1),
    ("A5", "2024-07-02", "valid_technology_titles", 2),
    ("A5", "2024-12-15", "valid_technology_titles", 1),
    ("A5", "2024-07-01", "little_giant", 0),
    ("A5", "2024-07-02", "little_giant", 1),
    ("B", "2023-12-31", "valid_technology_titles", 1),
    ("B", "2024-01-01", "valid_technology_titles", 0),
    ("A1", "2023-12-31", "days_to_title_end", 349),  # 366 - 17
    ("E", "2024-10-20", "high_technology", 1),
    ("E", "2024-10-21", "high_technology", 0),  # withdrawn
    ("E", "2024-10-21", "valid_technology_titles", 0),
    ("E", "2024-10-21", "cancelled_titles_24m", 1),
    ("E", "2024-10-21", "valid_title_share", 0),
    ("A5", "2024-03-07", "patents_in_force", 2),
    ("A5", "2024-03-08", "patents_in_force", 1),  # one has ceased
    ("E", "2024-12-31", "patents_in_force", None),
    ("B", "2023-06-27", "intellectual_property_pledged", 500_000),  # 50 万, known a week later
    ("A1", "2023-06-20", "subsidies_24m", None),
    ("A1", "2023-06-21", "subsidies_24m", 100_000),  # 10 万
    ("A1", "2023-12-31", "procurement_24m", 300_000),  # ３０ 万
    ("A1", "2023-12-31", "days_since_subsidy", 204),  # since 10 June
    ("C", "2024-02-15", "subsidies_24m", 5_000),
    ("C", "2024-02-16", "subsidies_24m", None),  # withdrawn, and nothing else is known
    ("A1", "2023-12-31", "exports_12m", 31_000),  # the window ends on 21 November
    ("A1", "2023-12-31", "exports_yoy_12m", -0.95),  # against 620,000
    ("A1", "2023-12-20", "customs_credit", 2),
    ("A1", "2023-12-21", "customs_credit", 1),
    ("B", "2024-06-04", "property_units", 2),
    ("B", "2024-06-05", "property_units", 1),  # the flat is sold
    ("B", "2024-06-04", "property_seized", 0),
    ("B", "2024-06-05", "property_seized", 1),
    ("B", "2024-06-05", "property_mortgaged", 800_000),
    ("E", "2024-06-05", "property_units", None),  # never asked
    ("D", "2024-08-01", "disasters_12m", 0),
    ("D", "2024-08-02", "disasters_12m", 1),
    ("D", "2024-08-02", "agricultural_insurance_12m", 200_000),
    ("A5", "2024-08-02", "disasters_12m", None),
]


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED, ids=str)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    got = seen[name, day][feature]
    assert got == (pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, int | float) else value)


def test_rows_without_a_code_are_somebodys_from_the_day_they_are_resolved(
    world: Project, tmp_path: Path
) -> None:
    shutil.copytree(world.root, tmp_path / "own")
    own = Project(tmp_path / "own")
    done = resolve(own, date(2024, 10, 31))
    assert (done.rows_open, done.rows_filled, done.queued) == (
        2,
        2,
        0,
    )  # E by its name, B under a masked code
    asked = [(name, day) for name in ("B", "E") for day in ("2024-10-30", "2024-10-31")]
    seen = seen_in(own, asked, ("defendant_cases_24m", "criminal_cases"))
    cases = [(seen[each]["defendant_cases_24m"], seen[each]["criminal_cases"]) for each in asked]
    assert cases == [(2, 0), (3, 1), (None, None), (1, 0)]
