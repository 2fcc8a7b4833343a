"""Do the features say what a person reads off the files of the hand-written world? Those of the first fourteen sources."""

from __future__ import annotations

import math

import pytest
from hand_world import Expected, Reader, Seen

from riskengine.project import Project
from riskengine.store.ledger import batch_records, open_ledger

EXPECTED: list[Expected] = [
    # Register: the record of 1 September 2023 is known on the 2nd; one enterprise under two names, one code.
    ("A1", "2023-09-01", "enterprise_name", "济南泉城机械有限公司"),
    ("A1", "2023-09-02", "enterprise_name", "济南明湖机械有限公司"),
    ("A1", "2023-09-01", "former_name", None),
    ("A1", "2023-09-02", "former_name", "济南泉城机械有限公司"),
    ("A1", "2023-06-30", "registered_capital", 5_000_000),  # 500 万
    ("A1", "2023-12-31", "registered_capital", 8_000_000),
    ("B", "2024-07-03", "abnormal_listing", 0),  # listed on 3 July, known on the 4th
    ("B", "2024-07-04", "abnormal_listing", 1),
    ("C", "2024-11-20", "registered_active", 1),
    ("C", "2024-11-21", "registered_active", 0),  # deregistered
    ("E", "2023-12-31", "months_since_established", 199 / 30.4375),  # 15 June to 31 December: 199 days
    ("E", "2023-06-15", "registered_status", None),  # registered that day, known the next
    # Tax: a month is filed on the 15th of the next and known on the 20th.
    ("A1", "2023-12-31", "sales_latest", 100_000),  # November
    ("A1", "2023-12-31", "sales_3m", 300_000),  # ended by 1 December: September, October, November
    ("A1", "2023-12-31", "sales_12m", 1_100_000),  # January to November
    ("A1", "2023-12-29", "months_filed_12m", 10),  # ended by 29 November: January to October
    ("A1", "2023-12-30", "months_filed_12m", 11),  # 30 November is 30 days ago
    ("B", "2023-12-31", "sales_3m", 330_000),  # 120 + 110 + 100 thousand
    ("B", "2023-12-31", "sales_12m", 1_650_000),  # 200 down to 100 thousand: 11 x 150
    ("B", "2023-12-31", "sales_trend_12m", -10_000),  # on a straight line
    ("B", "2023-12-31", "sales_volatility_12m", math.sqrt(1.1e9)),  # 10,000^2 x 11 x 12 / 12
    ("B", "2024-06-30", "sales_change_12m", -120_000),  # May 2024: 40; May 2023: 160
    ("B", "2024-12-31", "sales_change_12m", -100_000),  # November 2024: 0; November 2023: 100
    ("B", "2024-12-31", "zero_returns_12m", 3),  # September, October, November 2024
    ("C", "2023-12-31", "sales_volatility_12m", 0),  # 50,000 every month
    # C restates November 2023 from 50,000 to 20,000: filed on 10 March 2024, known on the 15th.
    ("C", "2023-12-31", "sales_3m", 150_000),
    (
        "C",
        "2024-02-29",
        "sales_3m",
        150_000,
    ),  # 30 days before is 30 January: the months that had ended are October, November, December
    ("C", "2024-03-14", "sales_3m", 150_000),  # November, December, January
    ("C", "2024-03-15", "sales_3m", 120_000),  # November is 20,000 now
    ("C", "2024-03-15", "sales_latest", 50_000),  # the restated November does not hide January
    ("D", "2023-12-31", "zero_returns_12m", 9),  # all but September and October of January to November
    ("D", "2023-12-31", "sales_12m", 240_000),
    ("E", "2023-12-31", "sales_12m", 15_000),  # July to November: 1 + 2 + 3 + 4 + 5 thousand
    ("E", "2023-12-31", "sales_trend_12m", 1_000),
    ("E", "2023-10-24", "late_returns_12m", 0),  # September was filed on 20 October, known on the 25th
    ("E", "2023-10-25", "late_returns_12m", 1),
    ("E", "2024-12-31", "late_returns_12m", 0),  # more than 12 months ago
    # Social security: known 45 days after the month.
    ("B", "2024-06-30", "insured_latest", 32),  # April: 30 April + 45 days = 14 June
    ("B", "2024-06-30", "arrears_months", 1),
    ("B", "2024-06-30", "insured_mean_6m", 220 / 6),  # November to April: 40, 40, 38, 36, 34, 32
    ("B", "2024-06-30", "insured_change_6m", -8),  # April 32, October 40
    ("E", "2023-06-30", "insured_latest", None),  # founded that month
    # Enforcement: A's case is seen on 15 May 2023 and gone on 20 August; filed under the former name.
    ("A1", "2023-05-14", "open_enforcements", 0),
    ("A1", "2023-05-15", "open_enforcements", 1),
    ("A1", "2023-06-30", "enforcement_amount", 80_000),
    ("A1", "2023-06-30", "days_since_enforcement", 51),  # since 10 May
    ("A1", "2023-08-19", "open_enforcements", 1),
    ("A1", "2023-08-20", "open_enforcements", 0),
    ("A1", "2023-08-20", "days_since_enforcement", None),
    ("B", "2024-06-27", "enforcement_amount", 350_000),  # the second case is seen on 28 June
    ("B", "2024-06-30", "enforcement_amount", 500_000),
    ("B", "2024-06-30", "days_since_enforcement", 31),  # since 30 May
    ("E", "2024-02-28", "open_enforcements", 1),
    ("E", "2024-02-29", "open_enforcements", 0),
    ("C", "2024-12-31", "open_enforcements", 0),  # the row dated after its own snapshot is in quarantine
    # Penalties: known the day after publication.
    ("A1", "2023-03-09", "penalties_36m", 0),
    ("A1", "2023-03-10", "penalties_36m", 1),
    ("A1", "2023-03-10", "fines_36m", 5_000),
    ("B", "2024-03-11", "closures_36m", 0),
    ("B", "2024-03-12", "closures_36m", 1),
    ("D", "2023-12-31", "penalties_36m", 1),
    ("D", "2023-12-31", "fines_36m", None),  # a warning without an amount: not zero, not stated
    ("E", "2023-12-31", "fines_36m", 0),  # no penalty at all: zero
    # Bidding is partial: none of D is no evidence; rows outside the window are none either.
    ("A1", "2023-12-31", "bids_12m", 2),
    ("A1", "2023-12-31", "award_share_24m", 0.5),
    ("A1", "2024-12-31", "award_share_24m", 0.5),  # 2 of 4
    ("A1", "2024-12-31", "largest_award_24m", 700_000),
    ("A1", "2024-12-31", "days_since_award", 122),  # since 31 August
    ("B", "2023-12-31", "bids_12m", 2),
    ("B", "2023-12-31", "awards_12m", 0),  # it bid and lost: a true zero
    ("B", "2023-12-31", "award_share_24m", 0),
    ("B", "2024-12-31", "bids_12m", None),  # nothing in the window of a partial source
    ("D", "2024-12-31", "bids_12m", None),
    ("D", "2024-12-31", "awards_12m", None),
    ("E", "2024-05-12", "awards_12m", None),
    ("E", "2024-05-13", "awards_12m", 1),  # won on 6 May, known a week later
    # Prices: known 30 days after the month, for three pairs of industry and city.
    ("A1", "2023-12-31", "price_latest", 110),  # November: 100 + 10
    ("A1", "2023-12-31", "price_change_6m", 6),  # November 110 less May 104: six months
    ("B", "2023-12-31", "price_latest", 105),  # 110 - 0.5 x 10
    ("E", "2023-12-31", "price_latest", None),  # Fuzhou is not covered ...
    ("E", "2023-12-31", "price_mean_industry_12m", 105),  # ... its industry is, in Jinan: 100 to 110
    # Guarantees
    ("A1", "2023-12-31", "requested_amount", 1_000_000),
    ("A1", "2023-12-31", "days_to_maturity", 51),  # 20 February 2024
    ("A1", "2024-02-22", "enterprise_outstanding", 800_000),
    ("A1", "2024-02-23", "enterprise_outstanding", 0),  # released on the 20th, known on the 23rd
    ("A5", "2024-06-30", "enterprise_outstanding", 1_200_000),
    ("A5", "2024-06-30", "applications_12m", 1),  # that of February 2023 is too old
    ("A1", "2023-12-31", "bank_guaranteed_12m", 1_040_000),  # 齐鲁银行: 800 + 240 thousand
    # B's default of 20 June 2024 is booked on 22 July.
    ("B", "2024-07-21", "compensations_before", 0),
    ("B", "2024-07-22", "compensations_before", 1),
    ("B", "2024-07-21", "enterprise_outstanding", 1_600_000),
    ("B", "2024-07-22", "enterprise_outstanding", 150_000),
    ("B", "2024-07-31", "days_since_compensation", 41),
    ("B", "2023-12-31", "whole_compensation_rate", 0),
    ("B", "2024-07-31", "whole_compensation_rate", 1 / 6),
    ("B", "2024-07-31", "industry_compensation_rate", (1 + 20 / 6) / 21),
    ("B", "2024-07-31", "bank_compensation_rate", (1 + 20 / 6) / 22),  # 徽商银行: 1 of 2
    ("E", "2024-12-31", "compensations_before", 0),  # paid on 28 December, booked on 15 January
    ("E", "2025-01-15", "compensations_before", 1),
    # Bank feedback: the report of a month-end is known the next day; D's bank has no interface.
    ("B", "2024-04-30", "five_class", 1),
    ("B", "2024-05-01", "five_class", 2),
    ("B", "2024-05-01", "overdue_days", 15),
    ("B", "2024-06-30", "worst_overdue_12m", 46),
    ("B", "2024-06-30", "overdue_reports_6m", 2),
    ("B", "2024-06-30", "days_since_feedback", 30),
    ("C", "2024-04-01", "overdue_days", 3),
    ("A1", "2024-06-30", "overdue_reports_6m", 0),  # December and January reports, both clean
    ("A1", "2024-12-31", "overdue_reports_6m", None),  # silent since: unknown, not clean
    ("D", "2024-12-31", "overdue_days", None),
    ("E", "2024-12-31", "overdue_days", 20),  # the report of 31 December is known in January
    # Credit reports
    ("A1", "2023-12-31", "open_credit", 1_200_000),
    ("A1", "2023-12-31", "credit_report_missing", 0),
    ("D", "2023-12-31", "credit_report_missing", 1),
    ("E", "2024-06-30", "open_credit", 0),  # a report that says none
    # Ratios
    ("B", "2023-12-31", "request_to_sales", 2_000_000 / 1_650_000),
    ("E", "2024-06-30", "request_to_sales", 400_000 / 66_000),  # July 2023 to May 2024: 1 + ... + 11 thousand
    ("A1", "2023-12-31", "outstanding_to_sales", 8 / 11),
    ("A1", "2023-12-31", "sales_per_insured", 1_100_000 / 30),
    ("A1", "2023-12-31", "request_log", math.log(1_000_001)),
]


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED, ids=str)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    got = seen[name, day][feature]
    assert got == (pytest.approx(value, rel=1e-12) if isinstance(value, int | float) else value)
    assert (got is None) == (value is None)


def test_there_are_enough_by_eye_values_and_days() -> None:
    assert len(EXPECTED) >= 40
    assert len({day for _, day, _, _ in EXPECTED}) >= 10
    assert len({feature for _, _, feature, _ in EXPECTED}) >= 40


def test_what_cannot_be_is_kept_apart(world: Project) -> None:
    refused = {
        record.source: record.quarantine_by_rule
        for record in batch_records(open_ledger(world.store))
        if record.quarantined
    }
    assert refused == {
        "court_exec": {"known_before_event": 1},  # filed on 20 December in a snapshot of the 10th
        "inv_counterparty": {"required": 1},  # a masked customer is nobody
        "recovery": {"after_compensation": 1},  # recovered before it was paid
    }
