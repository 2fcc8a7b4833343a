"""Do the features of the admission rules say what a person reads off the files?"""

from __future__ import annotations

import pytest
from hand_world import Expected, Reader, Seen

EXPECTED: list[Expected] = [
    # contract and release: A's first loan of 1,000,000 was repaid on 20 February 2024 (told on the 23rd), the second is 1,500,000.
    ("A1", "2023-12-31", "outstanding_loans", 1000000),
    ("A1", "2024-02-29", "outstanding_loans", 0),
    ("A5", "2024-12-31", "outstanding_loans", 1500000),
    ("A5", "2024-12-31", "outstanding_retained", 600000),  # 40 % of it
    ("A5", "2024-12-31", "product_outstanding", 1500000),
    ("A5", "2024-12-31", "batch_outstanding", 0),
    ("C", "2024-07-31", "batch_outstanding", 300000),  # the older spelling ZDZ
    # related: Wang Ming holds 60 % of B and of E, whose guarantee of 320,000 began on 20 June 2024.
    ("B", "2024-06-19", "related_outstanding", 0),
    ("B", "2024-07-31", "related_outstanding", 320000),
    ("E", "2024-06-30", "group_outstanding", 320000 + 1600000),
    ("A5", "2024-12-31", "group_outstanding", 1200000),
    # institution: Hefei's half-year figures were booked on 20 July 2024; it tells of no equity in guarantors.
    ("B", "2024-07-19", "institution_net_assets", 200000000),
    ("B", "2024-07-20", "institution_net_assets", 198000000),
    ("B", "2024-07-20", "institution_equity_in_guarantors", None),
    ("A5", "2024-12-31", "institution_equity_in_guarantors", 15000000),
    ("A5", "2024-12-31", "guarantors_controlled", 0),
    # tech_list: a title valid to a day counts on that day.
    ("A1", "2024-01-31", "technology_class", 2),  # high-technology
    ("A1", "2024-01-31", "fresh_technology_titles", 1),  # 25 months old
    ("A5", "2024-12-31", "technology_class", 1),  # the high-technology title ended, specialised since July
    ("A5", "2024-12-31", "special_or_high_technology", 1),
    ("B", "2023-12-31", "technology_class", 3),
    ("B", "2024-01-01", "technology_class", 0),
    ("E", "2024-10-20", "technology_class", 2),
    ("E", "2024-10-21", "technology_class", 0),  # cancelled, told the day before
    # application
    ("A5", "2024-03-31", "same_product_applications_30d", 1),
    ("A5", "2024-12-31", "same_product_applications_30d", 0),
    ("A5", "2024-03-31", "institutions_applied_30d", 1),
    ("A5", "2024-12-31", "age_at_end", 2024 - 1980 + 1),
    ("A5", "2024-12-31", "enterprise_size", "小型"),
    ("A5", "2024-12-31", "requested_purpose", "流动资金"),
    ("A5", "2024-12-31", "requested_renewal", True),
    ("A5", "2024-12-31", "registered_region", "370102"),
    ("B", "2024-07-31", "applied_industry", "3970"),
    # courts, safety: what is found; nothing found is no case.
    ("B", "2024-07-15", "found_open_lending_cases", 0),
    ("B", "2024-07-16", "found_open_lending_cases", 1),
    ("A5", "2024-12-31", "found_open_lending_cases", 0),
    ("B", "2024-03-09", "found_safety_orders_36m", 1),
    ("A1", "2023-12-31", "found_grave_accidents_36m", 0),  # a common one only
    # credit: B's report of 5 June 2024 tells of 20,000 and 9,000 of interest overdue; after seven months it is too old.
    ("B", "2024-06-30", "credit_overdue_now", 29000),
    ("B", "2025-01-06", "credit_overdue_now", None),
    ("B", "2024-06-30", "credit_overdue_90d_24m", 20000),
]  # fmt: skip


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    assert seen[name, day][feature] == value
