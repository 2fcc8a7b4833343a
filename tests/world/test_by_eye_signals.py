"""Do the features that signals compare (C, J, M, K, R, G, AG) say what a person reads off the hand-written files?"""

from __future__ import annotations

import math

import pytest
from hand_world import Expected, Reader, Seen

EXPECTED: list[Expected] = [
    # C01, C02: B is overdue from 15 April 2024, booked on the 22nd; its bank says 46 days on 31 May.
    ("B", "2024-04-21", "own_overdue_days", 0),
    ("B", "2024-04-22", "own_overdue_days", 7),
    ("B", "2024-05-20", "own_overdue_days", 35),  # more than the 15 of the bank's April report
    ("C", "2024-04-05", "own_overdue_days", 8),  # 28 March, not cured until booked on 12 April
    ("C", "2024-04-12", "own_overdue_days", 3),  # the bank's March report; that of April comes on 1 May
    ("C", "2024-05-01", "own_overdue_days", 0),
    ("D", "2024-05-15", "own_overdue_days", None),  # type 0: it was none; no report of 45 days says so
    ("B", "2024-06-04", "report_overdue_days", None),  # the report of June 2023 is a year old
    ("B", "2024-06-05", "report_overdue_days", 50),
    ("E", "2024-06-30", "report_overdue_days", 0),  # asked: nothing overdue
    ("D", "2024-06-30", "report_overdue_days", None),  # never asked
    (
        "B",
        "2024-04-21",
        "own_interest_overdue",
        None,
    ),  # no report of 45 days tells the interest, and nothing is booked yet
    ("B", "2024-05-01", "own_interest_overdue", 1),  # 9,000 by the bank
    ("B", "2024-06-05", "report_interest_overdue", 9_000),
    ("C", "2024-04-05", "own_interest_recorded", 1_200),
    ("C", "2024-04-12", "own_interest_recorded", 0),  # cured
    # C05 to C11
    ("B", "2024-06-05", "lenders_added_6m", 4),
    ("B", "2024-06-30", "debt_growth_12m", 0.3),  # 5.2 against 4.0 million
    ("B", "2024-06-30", "credit_line_used_3m", None),  # only May tells a line
    ("A1", "2023-12-31", "credit_line_used_3m", 0.8),  # October; 1.2 and 1.1 of 1.25 million before and after
    ("B", "2024-06-30", "bank_reports_3m", 3),  # March, April, May
    ("B", "2024-07-16", "bank_reports_3m", 2),  # April, May
    ("B", "2024-06-30", "line_cut_share_6m", 0.25),  # 500,000 of 2 million
    ("E", "2024-12-08", "own_extensions_6m", 0),
    ("E", "2024-12-09", "own_extensions_6m", 1),
    ("C", "2024-06-01", "own_extensions_6m", 0),  # 无还本续贷 is none of the three
    ("B", "2024-06-30", "accounts_restructured", 0),
    ("A1", "2024-10-09", "guaranteed_bad_now", None),  # the report of March is too old
    ("A1", "2024-10-10", "guaranteed_bad_now", 1_450_000),
    ("E", "2024-06-30", "guaranteed_watched_now", 90_000),  # with its controller
    ("B", "2024-06-30", "heads_overdue_days", 25),  # 李娜; 王明 5
    ("B", "2024-06-30", "heads_card_use", 0.95),
    ("B", "2024-06-30", "heads_minimum_cards", 3),
    ("E", "2024-06-30", "heads_overdue_days", 0),  # asked, no record
    ("B", "2024-05-20", "failed_debits_45d", 2),  # one in the bank's April report, the payment of 15 May
    ("B", "2024-06-30", "failed_debits_45d", 2),  # two in that of May; 15 May is 46 days ago
    ("D", "2024-03-14", "failed_debits_45d", 1),
    ("D", "2024-03-15", "failed_debits_45d", None),  # 已冲正, and no bank reports
    # C12
    ("E", "2024-06-30", "misused_share", 1),
    ("B", "2024-06-30", "misused_share", 0),
    # J01, J05, J06, J08
    ("B", "2024-05-20", "enforcement_to_net_assets", 350 / 1800),  # 9.0 - 7.2 million
    ("E", "2024-12-20", "enforcement_to_net_assets", 0),  # none, whatever its net assets
    ("B", "2024-07-15", "lending_suits_found", 0),
    ("B", "2024-07-16", "lending_suits_found", 1),
    ("B", "2024-07-16", "lending_claims_found", 1_450_000),
    ("E", "2024-12-31", "lending_suits_found", 0),  # found none
    ("B", "2024-05-20", "other_suits_found", 1),
    ("C", "2024-02-02", "other_suits_found", 1),  # over wages
    ("B", "2024-07-31", "other_claims_to_sales", 25 / 1020),
    ("B", "2024-06-05", "core_assets_taken", 0),
    ("B", "2024-06-06", "core_assets_taken", 1),
    ("B", "2024-11-07", "core_assets_taken", 2),  # up for sale as well
    ("E", "2024-01-31", "core_assets_taken", 0),  # a lathe, not a main asset
    ("B", "2024-12-31", "criminal_cases_found", 0),  # under a masked code: nobody's
    # M01 to M05
    ("A1", "2023-10-04", "bad_news_media_7d", 1),
    ("A1", "2023-10-05", "bad_news_media_7d", 0),  # withdrawn
    ("B", "2024-05-25", "bad_news_media_7d", 1),  # the other medium is not sure of B
    ("B", "2024-05-25", "bad_news_official_7d", 0),
    ("B", "2024-05-27", "bad_news_media_7d", 0),  # 20 May is seven days ago
    ("B", "2024-06-18", "stoppage_news_30d", 1),
    ("B", "2024-06-19", "stoppage_news_30d", 0),
    ("A1", "2023-06-30", "price_deviation", 2 / math.sqrt(2.5)),  # May 104; January to May: mean 102
    ("B", "2024-07-31", "price_change_3m", 0.9**3 - 1),  # April, May, June: a tenth less each
    ("B", "2024-07-29", "price_change_3m", None),  # June is known on the 30th
    ("B", "2024-07-31", "farm_price_yoy", -0.25),
    ("A5", "2024-08-31", "awards_yoy", -1),  # that of the day is known a week later
    ("A5", "2024-09-07", "awards_yoy", 1 / 6),  # 700,000 against the 600,000 of August 2023
    ("B", "2024-07-04", "notes_late_months_12m", 0),
    ("B", "2024-07-05", "notes_late_months_12m", 1),
    # K01 to K05
    ("A1", "2023-06-30", "goods_pledged_share", 500 / 800),
    ("B", "2024-05-10", "goods_pledged_share", 300 / 2100),
    ("E", "2024-06-30", "goods_pledged_share", 0),  # found none
    ("B", "2024-06-09", "security_ltv", 0.6),
    ("B", "2024-06-10", "security_ltv", 0.72),
    ("C", "2024-06-30", "security_ltv", 0),  # nothing is mortgaged
    ("B", "2024-06-30", "security_leased", 0),
    ("B", "2024-05-31", "security_days_left", 13),  # registered until 13 June, insured until the 30th
    ("B", "2024-06-30", "security_days_left", -17),
    ("C", "2024-06-30", "security_days_left", 3650),  # nothing expires
    ("E", "2024-07-31", "guarantors_worrying", 3),  # B: enforced, sued by a lender, equity frozen
    ("E", "2024-12-20", "guarantors_worrying", 2),  # the freeze has run out
    ("E", "2024-06-30", "guarantors_failing", 2),  # B: dishonest, overdue
    ("E", "2024-12-20", "guarantors_failing", 5),  # and terminated, insolvent, compensated
    # R02 to R04: 王明 holds 60 % of B and of E.
    ("E", "2024-06-20", "related_in_trouble", 1),
    ("E", "2024-07-22", "related_in_trouble", 2),  # overdue and compensated
    ("E", "2024-06-30", "related_trouble_share", 1.8 / 1.92),  # of 1.6 for B and 0.32 for E
    ("E", "2024-07-31", "related_trouble_share", 1.8 / 1.92),  # 0.15 left and 1.45 paid for B
    ("E", "2024-06-30", "group_exposure_to_net_assets", 1.92 / 200),
    ("E", "2024-07-31", "group_exposure_to_net_assets", 0.47 / 198),  # its statement of June
    ("E", "2024-12-31", "guarantee_cycle", 0),  # A for B for E, and back to nobody
    ("E", "2024-12-31", "guarantee_cycle_new", 0),
    # G01 to G07
    ("C", "2024-06-30", "check_days_late", 0),
    ("C", "2024-07-31", "check_days_late", 31),
    ("C", "2024-06-30", "last_check_class", 0),
    ("B", "2024-05-13", "last_check_class", 3),
    ("B", "2024-05-13", "last_check_conclusion", "次级"),
    ("B", "2023-07-20", "unfiled_days", 35),  # since 15 June: sent in, returned
    ("B", "2023-07-21", "unfiled_days", 0),
    ("E", "2024-07-31", "unfiled_days", 41),  # withdrawn
    ("E", "2024-07-31", "product_compensation_rate_12m", 0),
    ("E", "2025-01-15", "product_compensation_rate_12m", 315 / 800),  # E's and what A's first released
    ("E", "2025-01-15", "batch_compensation_rate_12m", 0.0),  # 240,000 released (ZDZ), nothing compensated
    ("B", "2024-07-31", "bank_rate_to_whole", (1 + 100 / 6) / 102 * 6),  # 1 of 2, the whole book 1 of 6
    ("B", "2024-07-31", "reguarantee_wait_days", 41),  # paid on 20 June
    ("B", "2024-09-12", "reguarantee_wait_days", 0),
    # AG1, AG2
    ("D", "2024-08-01", "disasters_here_3m", 0),
    ("D", "2024-08-02", "disasters_here_3m", 1),
    ("D", "2024-10-20", "disasters_here_3m", 0),
    ("D", "2024-08-02", "guarantee_industry", "01"),
    ("B", "2024-06-30", "ill_or_dead", 0),  # put down to its management
]


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED, ids=str)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    got = seen[name, day][feature]
    assert got == (pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, int | float) else value)
