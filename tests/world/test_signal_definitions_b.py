"""Do the signals on credit, courts, market, security, groups, our own work, farming and data say what the catalogue says?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from riskengine.monitor.signals import Signal, condition_problems, read_blocks, text_problems
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
FILES = ("credit", "legal", "market", "collateral", "related", "book", "agriculture", "data")
NUMBERED = {"C": 12, "J": 10, "M": 5, "K": 5, "R": 4, "G": 7}
DAY = date(2026, 6, 30)
HEALTHY = {"guarantee_industry": "51"}

# What a guarantee shows besides nothing wrong (zeros), and what must come of it: on the limit and one step inside it.
CASES: list[tuple[str, dict[str, object], str | None]] = [
    ("C01", {"own_overdue_days": 1.0}, "red"),
    ("C01", {"report_overdue_days": 6.0}, "yellow"),
    ("C01", {"report_overdue_days": 7.0}, "orange"),
    ("C01", {"report_overdue_days": 30.0}, "red"),
    ("C05", {"approval_queries_3m": 6.0}, None),
    ("C05", {"approval_queries_3m": 7.0}, "yellow"),
    ("C05", {"lenders_added_6m": 2.0}, "yellow"),
    ("C05", {"lenders_added_6m": 3.0}, "orange"),
    ("C05", {"debt_growth_12m": 0.4}, "orange"),
    ("C06", {"credit_line_used": 0.90}, None),
    ("C06", {"credit_line_used": 0.91}, "blue"),
    ("C06", {"credit_line_used_3m": 1.0, "bank_reports_3m": 3.0}, "yellow"),
    ("C06", {"credit_line_used_3m": 1.0, "bank_reports_3m": 2.0}, None),
    ("C10", {"heads_card_use": 0.8, "heads_minimum_cards": 2.0}, "yellow"),
    ("C10", {"heads_card_use": 0.8, "heads_minimum_cards": 1.0}, None),
    ("C12", {"misused_share": 0.29}, None),
    ("C12", {"misused_share": 0.30}, "red"),
    ("J01", {"open_enforcements": 1.0, "enforcement_amount": 500_000.0}, "orange"),
    ("J01", {"open_enforcements": 1.0, "enforcement_amount": 500_001.0}, "red"),
    ("J01", {"open_enforcements": 1.0, "enforcement_to_net_assets": 0.11}, "red"),
    ("J03", {"consumption_limits_persons": 1.0}, "orange"),
    ("J03", {"consumption_limits": 1.0}, "red"),
    ("J05", {"lending_suits_found": 1.0, "lending_claims_found": 999_999.0}, "orange"),
    ("J05", {"lending_suits_found": 1.0, "lending_claims_found": 1_000_000.0}, "red"),
    ("M01", {"bad_news_media_7d": 3.0}, "yellow"),
    ("M01", {"bad_news_media_7d": 3.0, "bad_news_official_7d": 1.0}, "orange"),
    ("M03", {"price_deviation": -2.0}, "blue"),
    ("M03", {"price_change_3m": -0.2}, "yellow"),
    ("M04", {"awards_yoy": -0.6}, None),  # wholesale: not watched for awards
    ("M04", {"awards_yoy": -0.6, "guarantee_industry": "47"}, "blue"),
    ("K02", {"security_ltv": 1.0}, "orange"),
    ("K02", {"security_ltv": 1.2}, "red"),
    ("R01", {"contagion": 0.4}, "orange"),
    ("R02", {"related_in_trouble": 1.0, "related_trouble_share": 0.29}, "orange"),
    ("R02", {"related_in_trouble": 1.0, "related_trouble_share": 0.30}, "red"),
    ("R03", {"guarantee_cycle": 3.0}, None),  # known for more than 30 days
    ("R03", {"guarantee_cycle": 2.0, "guarantee_cycle_new": 1.0}, "yellow"),
    ("R03", {"guarantee_cycle": 3.0, "guarantee_cycle_new": 1.0}, "orange"),
    ("R03", {"guarantee_cycle": 2.0, "guarantee_cycle_new": 1.0, "partners_in_trouble": 1.0}, "orange"),
    ("R04", {"group_exposure_to_net_assets": 0.15}, "yellow"),
    ("R04", {"group_exposure_to_net_assets": 0.151}, "red"),
    ("G02", {"last_check_class": 3.0}, "orange"),
    ("G04", {"product_cap_used": 0.875}, "orange"),  # domain page 8.2, example 2
    ("G05", {"bank_rate_to_whole": 2.0}, None),
    ("G06", {"unfiled_days": 31.0}, "orange"),
    ("AG1", {"disasters_here_3m": 1.0, "guarantee_industry": "03"}, "orange"),
    ("AG1", {"disasters_here_3m": 1.0}, None),
    ("DATA-01", {"silent_ratio": 2.1}, "blue"),
]


@pytest.fixture(scope="module")
def signals() -> dict[str, Signal]:
    made: list[Signal] = []
    for name in FILES:
        found, problems = read_blocks(Signal, ROOT / f"configs/signals/{name}.toml", "signal")
        assert problems == []
        made += found
    return {signal.id: signal for signal in made}


def test_every_signal_of_the_catalogue_is_there(signals: dict[str, Signal]) -> None:
    wanted = {f"{letter}{n:02}" for letter, most in NUMBERED.items() for n in range(1, most + 1)}
    assert set(signals) == wanted | {"AG1", "AG2", "DATA-01"}
    assert len(signals) == 46
    for signal in signals.values():
        assert signal.start == date(2026, 1, 1), signal.id
        assert f"5.2 {signal.id}, " in signal.reference


def test_what_they_compare_is_known_and_every_text_can_be_said(signals: dict[str, Signal]) -> None:
    known = vocabulary(Catalogue(Project(ROOT)))
    for signal in signals.values():
        assert known.problems(signal.id, signal.about, signal.inputs) == []
        conditions = [condition for band in signal.bands for condition in band.when]
        assert condition_problems(signal.id, conditions, known.kinds(signal.about)) == []
        assert text_problems(signal.id, signal.text, [*signal.inputs, "value", "limit"]) == []


@pytest.mark.parametrize(("name", "shown", "severity"), CASES, ids=str)
def test_severity(
    signals: dict[str, Signal], name: str, shown: dict[str, object], severity: str | None
) -> None:
    signal = signals[name]
    row = {**dict.fromkeys(signal.inputs, 0.0), "security_days_left": 3650.0, **HEALTHY, **shown}
    fired = [band.severity for _, band in signal.ranked if all(c.holds(row, DAY) for c in band.when)]
    assert (fired[0] if fired else None) == severity


def test_some_never_end_by_themselves(signals: dict[str, Signal]) -> None:
    by_person = {name for name, signal in signals.items() if signal.exit.rule == "person"}
    assert by_person == {"J01", "J02", "J03", "J04", "J09", "J10", "C12", "AG2", "R03"}
    assert all("待核实移除" in signals[name].exit.words.zh for name in ("J01", "J02", "J03", "J04"))
