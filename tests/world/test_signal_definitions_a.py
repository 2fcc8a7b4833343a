"""Are the signals of operation, tax, staff, finance and compliance those of the catalogue, and what do their features say?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_world import Expected, Reader, Seen

from riskengine.monitor.signals import Signal, read_blocks, text_problems
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
FILES = ("operation", "tax", "staff", "finance", "compliance")
WANTED = [f"{kind}{number:02d}" for kind, last in (("T", 14), ("E", 4), ("U", 3), ("F", 6), ("L", 12)) for number in range(1, last + 1)]  # fmt: skip
# Domain page 5.2, as a committee reads it: for each severity the alternatives, each `feature op limit` and what else must hold.
THRESHOLDS = {
    "T01": {"yellow": ["invoiced_yoy_3m <= -0.3"], "orange": ["invoiced_yoy_3m <= -0.5"], "red": ["invoiced_yoy_3m <= -0.8"]},
    "T02": {"yellow": ["months_not_invoiced_12m >= 2.0", "longest_invoice_gap_12m >= 60.0"], "orange": ["months_not_invoiced_12m >= 3.0", "longest_invoice_gap_12m >= 90.0"]},
    "T03": {"blue": ["days_without_invoice > 45.0"], "yellow": ["days_without_invoice > 75.0"]},
    "T04": {"yellow": ["red_share_12m > 0.05", "void_amount_share_12m > 0.05"], "orange": ["red_share_12m > 0.15", "void_amount_share_12m > 0.15"]},
    "T05": {"yellow": ["top_customer_share_6m > 0.5"], "orange": ["customers_change_6m <= -0.5"]},
    "T07": {"yellow": ["zero_months_running >= 3.0"], "orange": ["zero_months_running >= 6.0"]},
    "T08": {"yellow": ["sales_yoy_6m <= -0.3"], "orange": ["sales_yoy_6m <= -0.5"], "red": ["sales_yoy_6m <= -0.8"]},
    "T09": {"yellow": ["sales_invoice_gap > 0.2"], "orange": ["sales_invoice_gap > 0.4"]},
    "U01": {"yellow": ["power_yoy_2m <= -0.4"], "orange": ["power_yoy_2m <= -0.7"]},
    "U02": {"orange": ["utility_arrears_days >= 30.0"], "red": ["supply_cut_off_3m >= 1.0"]},
    "U03": {"yellow": ["power_per_sales_change >= 0.6", "power_per_sales_change <= -0.6"]},
    "E02": {"orange": ["arrears_months >= 2.0"]},
    "F01": {"yellow": ["debt_ratio_known > 0.7", "debt_ratio_change_known >= 0.15"], "orange": ["debt_ratio_known > 0.9"]},
    "F02": {"yellow": ["net_profit_last_year < 0.0"], "orange": ["net_profit_last_year < 0.0 and net_profit_year_before < 0.0"]},
    "L01": {"blue": ["legal_rep_changes_12m >= 1.0"], "yellow": ["legal_rep_changes_12m >= 2.0"], "orange": ["legal_rep_changes_12m >= 3.0"]},
    "L02": {"yellow": ["holder_changes_12m >= 1.0"], "orange": ["months_holder_change_to_payout <= 6.0 and holder_changes_12m >= 1.0"]},
    "L03": {"yellow": ["controller_pledged_share >= 0.5"], "orange": ["controller_pledged_share >= 0.8"]},
    "L04": {"orange": ["capital_change_share_12m <= -0.2"]},
    "L09": {"yellow": ["penalties_12m >= 1.0"], "orange": ["largest_fine_12m >= 100000.0"], "red": ["closures_12m >= 1.0"]},
}  # fmt: skip

EXPECTED: list[Expected] = [
    # Invoices: B sells 10,000 less each month; January and February count together or not at all.
    ("B", "2024-07-31", "invoiced_yoy_3m", 120 / 480 - 1),  # April to June
    ("B", "2024-04-15", "invoiced_yoy_3m", 210 / 570 - 1),  # January to March: both
    ("B", "2024-05-15", "invoiced_yoy_3m", 110 / 350 - 1),  # February to April: February alone is left out
    ("C", "2024-07-31", "invoiced_yoy_3m", None),  # nothing a year before
    (
        "B",
        "2024-12-31",
        "days_without_invoice",
        97,
    ),  # 25 August to 30 November, the last whole month reported
    ("A5", "2024-12-31", "days_without_invoice", 5),
    ("B", "2024-12-31", "longest_invoice_gap_12m", 97),
    ("A5", "2024-12-31", "longest_invoice_gap_12m", 5),
    ("A1", "2023-12-31", "void_amount_share_12m", 11 / 1051),
    ("A1", "2024-02-29", "main_customers_in_grave_trouble", 1),  # E is listed as dishonest until the next day
    ("A1", "2024-03-01", "main_customers_in_grave_trouble", 0),
    ("D", "2024-11-20", "main_customers_in_grave_trouble", 0),
    ("D", "2024-11-21", "main_customers_in_grave_trouble", 1),  # C is deregistered
    # Tax
    ("B", "2024-12-31", "zero_months_running", 94 / 30.4375),  # 31 August to 30 November: 91 days, and three
    ("A5", "2024-12-31", "zero_months_running", 0),
    ("D", "2023-06-30", "zero_months_running", 153 / 30.4375),  # January to May, nothing before
    ("A1", "2023-12-31", "tax_burden_domestic_12m", 6_000 / 1_059_000),  # 41,000 exported
    ("B", "2024-06-20", "tax_arrears_now", 0),
    ("B", "2024-06-21", "tax_arrears_now", 1_200),  # of May
    ("B", "2024-06-20", "tax_arrears_days", 0),
    ("B", "2024-06-21", "tax_arrears_days", 34),  # 21 - 43 + 2 x 28; April was due 37 days ago
    ("B", "2024-08-21", "tax_arrears_days", 67),  # April is paid, May was due on 15 June
    ("B", "2024-08-21", "late_payment_surcharge_3m", 40),
    ("B", "2024-04-28", "tax_rating_level", "B"),
    ("B", "2024-04-29", "tax_rating_level", "C"),
    ("B", "2024-09-13", "tax_registration_status", "非正常"),
    ("A1", "2023-06-05", "tax_violations_listed", 1),
    ("A1", "2023-06-06", "tax_violations_listed", 0),  # taken down
    # Statements: B's of May and December 2023, its annual report of 2022
    ("B", "2024-07-31", "net_profit_last_year", -300_000),
    ("B", "2024-07-31", "net_profit_year_before", 120_000),  # 12 万 in the annual report
    ("B", "2024-07-31", "operating_cash_last_year", -150_000),
    ("C", "2023-12-31", "net_profit_last_year", 30_000),
    ("C", "2024-06-30", "debt_ratio_known", 0.3),  # 6 of 20 万
    ("C", "2024-06-30", "debt_ratio_change_known", 0.05),  # 5 of 20 万 the year before
    ("B", "2024-06-30", "current_ratio_change_12m", -0.25),  # 3 / 4 against 4 / 4
    ("B", "2024-06-30", "receivable_days_yoy", (900 / 1140) / (800 / 900) - 1),
    ("B", "2024-06-30", "inventory_days_yoy", 1200 / 1140 - 1),
    ("B", "2024-06-30", "receivables_over_90d", 1 - 150 * 1.13 / 900),
    # Staff and power
    ("B", "2024-06-30", "insured_drop_two_months", -0.15),  # April 32 of 40; March 34 of 40
    ("B", "2024-06-30", "insured_most_before", 40),
    ("C", "2024-06-30", "insured_drop_two_months", None),  # three insured
    ("A1", "2023-12-31", "posts_found_3m", 6),
    ("A1", "2023-12-31", "posts_found_3m_before", 5),
    ("D", "2024-12-31", "posts_found_3m", 0),  # none found
    ("A1", "2023-12-31", "power_yoy_2m", 900 / 700 - 1),  # September has no reading in either year
    ("A1", "2024-01-31", "power_yoy_2m", 0.2),
    ("B", "2024-06-12", "supply_cut_off_3m", 0),
    ("B", "2024-06-13", "supply_cut_off_3m", 1),
    ("D", "2024-06-13", "supply_cut_off_3m", None),
    ("A1", "2023-12-31", "power_per_sales_change", -0.3),  # 900 a month on 100,000; 750 on 700,000 / 12
    # Register: A's report of 2022 never comes; E, founded in June 2023, owes its first by 30 June 2024.
    ("A1", "2023-12-31", "capital_change_share_12m", 0.6),
    ("B", "2023-12-31", "capital_change_share_12m", 0),
    ("C", "2023-12-31", "industry_changes_12m", 0),  # its scope changed, not its industry
    ("A1", "2023-06-30", "annual_report_overdue", 0),
    ("A1", "2023-07-01", "annual_report_overdue", 1),
    ("A1", "2024-03-20", "annual_report_overdue", 1),
    ("A1", "2024-03-21", "annual_report_overdue", 0),
    ("E", "2023-07-01", "annual_report_overdue", 0),
    ("E", "2024-06-30", "annual_report_overdue", 0),
    ("E", "2024-07-01", "annual_report_overdue", 1),
    # Ownership
    ("E", "2024-07-31", "months_holder_change_to_payout", 41 / 30.4375),  # 10 May and 20 June
    ("B", "2024-01-31", "controller_pledged_share", 0.5),  # 0.3 of 0.6
    ("B", "2024-05-21", "controller_pledged_share", 0),  # the other holder's pledge
    # Compliance
    ("A1", "2023-03-10", "largest_fine_12m", 5_000),
    ("D", "2023-12-31", "largest_fine_12m", 0),  # a warning
    ("B", "2024-03-12", "closures_12m", 1),
    ("B", "2024-09-01", "environmental_rating", 4),
    ("B", "2024-09-02", "environmental_rating", 0),  # taken back
    ("D", "2024-12-31", "environmental_rating", 0),  # none found
    ("B", "2024-03-08", "stop_orders_in_force", 0),
    ("B", "2024-03-09", "stop_orders_in_force", 1),
    ("A1", "2023-06-02", "accidents_12m", 1),
    ("A1", "2023-06-02", "serious_accidents_12m", 0),
    ("D", "2024-12-31", "accidents_12m", 0),
    # Titles
    ("B", "2024-12-31", "technology_titles", 1),  # long run out
    ("D", "2024-12-31", "technology_titles", 0),
    ("E", "2024-10-20", "title_cancelled_6m", 0),
    ("E", "2024-10-21", "title_cancelled_6m", 1),
    ("D", "2024-12-31", "title_cancelled_6m", 0),
]


@pytest.fixture(scope="module")
def signals() -> dict[str, Signal]:
    made: dict[str, Signal] = {}
    for name in FILES:
        blocks, problems = read_blocks(Signal, ROOT / f"configs/signals/{name}.toml", "signal")
        assert problems == []
        made |= {signal.id: signal for signal in blocks}
    return made


@pytest.fixture(scope="module")
def seen(read_off: Reader) -> Seen:
    return read_off(EXPECTED)


def test_the_39_signals_are_there(signals: dict[str, Signal]) -> None:
    assert sorted(signals) == sorted(WANTED)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_thresholds_are_the_catalogues(signals: dict[str, Signal], name: str) -> None:
    said: dict[str, list[str]] = {}
    for band in signals[name].bands:
        words = [f"{one.feature} {one.op} {one.value}" for one in band.when]
        said.setdefault(band.severity, []).append(" and ".join(words))
    assert said == THRESHOLDS[name]


def test_every_signal_can_be_compared_and_told(signals: dict[str, Signal]) -> None:
    known = vocabulary(Catalogue(Project(ROOT)))
    for name, signal in signals.items():
        assert known.problems(name, signal.about, signal.inputs) == []
        assert text_problems(name, signal.text, [*signal.inputs, "value", "limit"]) == []
        assert signal.reference.startswith(f"Domain page 5.2 {name},"), name
        assert str(signal.start) == "2026-01-01", name


def test_exits_are_those_of_their_family(signals: dict[str, Signal]) -> None:
    trend = {*(f"T{n:02d}" for n in range(1, 11)), "E01", "E02", "E03", "E04", "U01", "U02", "U03"}
    listed = {"T11", "T12", "T13", "F06", "L08", "L09", "L10", "L11"}
    for name, signal in signals.items():
        days = 90 if name in trend else 30 if name in listed else 180
        wanted = ("person", 0) if name in ("T14", "L07") else ("clear", days)
        assert (signal.exit.rule, signal.exit.days) == wanted, name


@pytest.mark.parametrize(("name", "day", "feature", "value"), EXPECTED, ids=str)
def test_by_eye(seen: Seen, name: str, day: str, feature: str, value: object) -> None:
    got = seen[name, day][feature]
    assert got == (pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, int | float) else value)
