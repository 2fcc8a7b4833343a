"""Does each of the 29 reminders of the default project fall due on the right day, show at its leads, and stop when it is done?"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from riskengine.monitor.evaluate import Night
from riskengine.monitor.plan import Plan, Reach, plan
from riskengine.monitor.reminders import Reminder, read_reminders
from riskengine.monitor.vocabulary import vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.scoring.scorecard import read_grades
from riskengine.working_days import read_calendar

ROOT = Path(__file__).parents[2]
CHINA = read_calendar("CN")
NO_FEEDS = pd.DataFrame({"source": []})


def day(text: str) -> date:
    return date.fromisoformat(text)


class Case(NamedTuple):
    """What is known, the due date worked out by hand, and what makes it done (none: no feed tells)."""

    known: dict[str, Any]
    due: str
    done: dict[str, Any] | None = None


CASES: dict[str, list[Case]] = {
    # a visit 30 days on: Sunday 2026-02-15 opens the holidays, the next day worked is the 24th
    "N01": [Case({"first_payout_date": day("2026-01-16")}, "2026-02-24", {"first_check_done": day("2026-02-01")}),
            Case({"guarantee_start": day("2026-03-03")}, "2026-04-02", {"first_check_done": day("2026-03-20")})],
    # a deadline: ten days on is Sunday 4 October, in the holidays; the day worked before is 30 September
    "N02": [Case({"last_payout_date": day("2026-09-24")}, "2026-09-30", {"use_checked": 1.0})],
    "N03": [
        Case({"last_check_date": day("2026-01-31"), "last_check_class": 2.0, "guaranteed_amount": 1e5}, "2026-02-28"),
        Case({"last_check_date": day("2025-11-12"), "last_check_class": 1.0, "five_class": 3.0, "guaranteed_amount": 1e5}, "2025-12-12"),
        Case({"last_check_date": day("2025-11-12"), "last_check_class": 1.0, "five_class": 1.0, "guaranteed_amount": 5_000_001.0}, "2026-02-12"),
        Case({"last_check_date": day("2025-11-12"), "last_check_class": 1.0, "five_class": 1.0, "guaranteed_amount": 5_000_000.0}, "2026-05-12"),
        Case({"first_payout_date": day("2024-02-29"), "last_check_class": 0.0, "five_class": 1.0, "guaranteed_amount": 1_000_000.0}, "2025-02-28"),
        # no class by the bank: it may be one that asks for monthly visits
        Case({"first_payout_date": day("2024-02-29"), "last_check_class": 0.0, "guaranteed_amount": 1_000_000.0}, "2024-03-29"),
    ],
    "N04": [Case({"institution": "JN"}, "2026-04-20")],
    "N05": [Case({"institution": "JN"}, "2026-04-15")],
    "N05-EVENT": [Case({"raised_on": day("2026-09-29")}, "2026-10-12")],  # 30, 8, 9, 10 (a worked Saturday), 12
    "N06": [Case({"guarantee_end": day("2026-10-04")}, "2026-09-30", {"loan_balance": 0.0}),
            Case({"guarantee_end": day("2026-03-03"), "extended_until": day("2026-06-03")}, "2026-06-03")],
    "N07": [Case({"next_payment_due": day("2026-06-21")}, "2026-06-18")],
    "N07-RHYTHM": [Case({"last_interest_due": day("2026-03-20"), "interest_days_6m": 2.0}, "2026-06-18"),  # Dragon Boat 19-21
                   Case({"last_interest_due": day("2026-03-20"), "interest_days_6m": 4.0}, "2026-04-20")],
    "N08": [Case({"guarantee_end": day("2026-08-04")}, "2026-06-05", {"renewals_asked_6m": 1.0})],
    "N09": [Case({"overdue_since": day("2026-10-03")}, "2026-10-03", {"overdue_here": 0.0})],  # told on the day itself
    "N10": [Case({"overdue_since": day("2026-03-02"), "grace_ends": day("2026-05-31")}, "2026-05-29", {"overdue_here": 0.0}),
            Case({"overdue_since": day("2026-03-02"), "grace_agreed": 30.0}, "2026-04-01"),
            Case({"overdue_since": day("2026-03-02"), "product_grace_days": 60.0}, "2026-04-30"),  # 1 May is a holiday
            Case({"overdue_since": day("2026-03-02"), "product_grace_days": 90.0}, "2026-05-29")],  # 31 May is a Sunday
    "N11": [Case({"claim_received": day("2026-09-29")}, "2026-10-12", {"overdue_here": 0.0})],
    # 13, 14 (a worked Saturday), then nine days of holiday, 24 to 28 (Saturday worked), 2, 3, 4 March
    "N11-PAY": [Case({"claim_received": day("2026-02-12")}, "2026-03-04", {"overdue_here": 0.0})],
    "N12": [Case({"compensation_paid": day("2026-09-04")}, "2026-09-30", {"levels_unclaimed": 0.0})],
    "N13": [Case({"shares_awaited_since": day("2026-03-03")}, "2026-04-30", {"shares_awaited": 0.0})],
    "N14": [Case({"compensation_paid": day("2026-03-03"), "failed_visits_6m": 0.0, "pledges_registered_3m": 0.0}, "2026-04-02"),
            Case({"compensation_paid": day("2026-03-03"), "pledges_registered_3m": 0.0}, "2026-03-06"),
            Case({"compensation_paid": day("2026-03-03"), "claim_open": 1.0, "failed_visits_6m": 1.0}, "2026-03-06"),
            Case({"compensation_paid": day("2026-03-03"), "claim_open": 1.0, "pledges_registered_3m": 1.0}, "2026-03-06")],
    "N15": [
        Case({"guarantee_end": day("2025-03-03"), "guarantee_period_ends": day("2026-10-04"), "guarantee_period_agreed": 1.0},
             "2026-09-30", {"claim_received": day("2026-08-01")}),
        # an agreed end on the day of maturity is no agreement; six months after 31 August is the last of February
        Case({"guarantee_end": day("2025-08-31"), "guarantee_period_ends": day("2025-08-31"), "guarantee_period_agreed": 0.0}, "2026-02-28"),
        Case({"guarantee_end": day("2024-03-04"), "guarantee_period_months": 24.0}, "2026-03-04"),
        Case({"guarantee_end": day("2023-08-29")}, "2024-02-29"),
        Case({"guarantee_end": day("2025-12-03"), "guarantee_period_months": 0.0}, "2026-06-03"),
    ],
    "N16": [Case({"compensation_paid": day("2023-06-05"), "claim_open": 1.0}, "2026-06-05"),
            Case({"compensation_paid": day("2022-06-05"), "claim_open": 1.0, "last_payment_by_borrower": day("2024-02-29")}, "2027-02-26")],
    "N17": [Case({"recourse_judged": day("2024-06-05"), "claim_open": 1.0}, "2026-06-05")],
    "N18": [Case({"freeze_ends": day("2026-07-03"), "claim_open": 1.0}, "2026-06-03"),
            Case({"seizure_ends": day("2026-07-03"), "claim_open": 1.0}, "2026-06-03")],
    "N19": [Case({"registration_ends": day("2026-10-04")}, "2026-09-30"), Case({"own_pledge_ends": day("2026-06-03")}, "2026-06-03"),
            Case({"registration_ended": day("2026-06-03")}, "2026-06-03")],
    "N20": [Case({"insurance_ends": day("2026-06-03")}, "2026-06-03"), Case({"insurance_ended": day("2026-06-03")}, "2026-06-03")],
    "N20-VALUE": [Case({"appraised_on": day("2024-02-29")}, "2025-02-28")],
    "N21": [Case({"title_ends": day("2026-10-04")}, "2026-09-30")],
    "N22": [Case({name: day("2026-06-03")}, "2026-06-03")
            for name in ("authorisation_ends", "tax_authorisation_ends", "credit_authorisation_ends")],
    "N23": [Case({"annual_report_age": 500.0}, "2026-06-30", {"annual_report_age": 180.0}), Case({}, "2026-06-30")],
    "N24": [Case({"institution": "JN"}, "2026-10-10")],  # a Saturday that is worked
    "N24-DEAL": [Case({"guarantee_start": day("2026-09-04")}, "2026-09-30", {"filed_levels": 2.0, "filings_returned": 0.0})],
    "N25": [Case({"guarantee_start": day("2026-03-03"), "related_guarantors": 1.0}, "2026-04-02")],
    "N26": [Case({"last_change_filed": day("2026-03-03")}, "2026-04-02")],
    "N27": [Case({"institution": "JN"}, "2026-04-15")],
    "N28": [Case({"guarantee_start": day("2026-09-24")}, "2026-09-30")],
    "N29": [
        # agreed on the day of payment or before: no agreement, six months from the payment
        Case({"compensation_paid": day("2025-08-31"), "counter_period_first": day("2025-08-31"), "counter_first_agreed": 0.0, "counter_last_agreed": 0.0}, "2026-02-28"),
        Case({"compensation_paid": day("2025-08-31"), "counter_first_agreed": 1.0, "counter_period_first": day("2026-10-04")}, "2026-09-30"),
        Case({"compensation_paid": day("2025-08-31"), "counter_last_agreed": 1.0, "counter_period_last": day("2026-10-04")}, "2026-09-30"),
        Case({"compensation_paid": day("2025-12-03"), "counter_period_open": 1.0}, "2026-06-03"),
    ],
}  # fmt: skip
LEADS = {  # domain page 7.2, in days before the due date
    "N01": (7, 3, 0), "N02": (3, 0), "N03": (15, 7, 0), "N04": (10,), "N05": (5, 0), "N06": (90, 30, 15, 7, 1), "N07": (3, 1),
    "N08": (60, 45), "N09": (0,), "N10": (30, 15, 7, 1), "N11": ("3wd", 0), "N12": (15, 7, 0), "N13": (15, 0), "N14": (7, 0),
    "N15": (90, 30, 15, 7), "N16": (180, 90, 30), "N17": (90, 30), "N18": (30, 15, 7), "N19": (90, 30, 7), "N20": (30, 7),
    "N21": (90, 30), "N22": (30, 7, 0), "N23": (60, 30, 7), "N24": (5, 0), "N25": (15, 5), "N26": (15, 5), "N27": (7, 0),
    "N28": (5, 0), "N29": (90, 30, 15, 7),
}  # fmt: skip
ALL = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases)
]


@pytest.fixture(scope="module")
def reminders() -> dict[str, Reminder]:
    known = vocabulary(Catalogue(Project(ROOT)))
    grades = tuple(grade.name for grade in read_grades(ROOT / "configs/grades.toml").grades)
    return {one.id: one for one in read_reminders(ROOT / "configs/reminders.toml", known, grades)}


def planned(one: Reminder, known: dict[str, Any], as_of: date, before: pd.DataFrame | None = None) -> Plan:
    """The plan of a book of one guarantee (one claim, one institution) of which this is known and nothing else."""
    facts = {"claim_open": 1.0, "personal_counter_guarantees": 1.0, **known}
    raised = facts.pop("raised_on", None)
    signals = (
        pd.DataFrame({"about": ["guarantee"], "id": ["G1"], "severity": ["red"], "raised_on": [raised]})
        if raised
        else None
    )
    values = dict.fromkeys(one.names) | facts
    texts = ("requested_product", "institution")
    columns = {
        name: pd.to_datetime(pd.Series([value])) if isinstance(value, date) else [value] if name in texts else pd.array([value], dtype="object" if value is None else "float64")
        for name, value in values.items()
    }  # fmt: skip
    frame = pd.DataFrame(
        {
            "id": ["G1"],
            "enterprise_id": ["E1"],
            "grade": ["5"],
            "expected_loss": [1.0],
            "exposure": [1.0],
            **columns,
        }
    )
    population = {one.about: frame} if one.about in ("claim", "member") else {}
    night = Night(as_of, {"institution": ("institution",)}, before)
    return plan((one,), frame, NO_FEEDS, night, Reach(CHINA, population, signals))


def shown(one: Reminder, known: dict[str, Any], as_of: date, due: date) -> list[dict[str, Any]]:
    rows = planned(one, known, as_of).reminders
    return rows[rows.due == due].to_dict("records")


def test_the_catalogue_is_that_of_the_domain_page(reminders: dict[str, Reminder]) -> None:
    assert set(CASES) == set(reminders)
    assert {name.split("-")[0] for name in reminders} == set(LEADS) == {f"N{n:02d}" for n in range(1, 30)}
    for name, one in reminders.items():
        assert one.leads == LEADS[name.split("-")[0]], name
        assert one.since is not None, "every reminder is dated"
        assert one.reference
        assert all(
            any("\u3400" <= sign <= "\u9fff" for sign in words.zh)
            for words in (one.title, one.text, one.action, one.owner)
        )
    assert reminders["N09"].after == (3, 7, 15, 30)
    assert {name: one.loses for name, one in reminders.items() if one.loses} == {
        "N10": "claim window", "N11": "claim window", "N11-PAY": "claim window", "N12": "re-guarantee filing",
        "N15": "guarantee period", "N16": "limitation", "N17": "enforcement", "N18": "seizure renewal",
        "N19": "security registration", "N24": "re-guarantee filing", "N24-DEAL": "re-guarantee filing",
        "N29": "guarantee period"}  # fmt: skip
    assert all(one.escalate for one in reminders.values() if one.loses)
    assert all(one.stake for one in reminders.values() if one.loses and one.about == "claim"), (
        "claims have no exposure"
    )
    assert {name for name, one in reminders.items() if one.evidence == "A"} == {"N15", "N25", "N26", "N29"}


@pytest.mark.parametrize(("name", "case"), ALL)
def test_it_falls_due_on_the_right_day_shows_from_its_first_lead_and_at_each(
    reminders: dict[str, Reminder], name: str, case: Case
) -> None:
    one, due = reminders[name], day(case.due)
    leads = [
        lead if isinstance(lead, int) else (due - CHINA.add(due, -int(lead[:-2]))).days for lead in one.leads
    ]
    first = due - timedelta(days=max(leads))
    assert shown(one, case.known, first - timedelta(days=1), due) == [], (
        "silent the day before the longest lead"
    )
    for lead in leads:
        (row,) = shown(one, case.known, due - timedelta(days=lead), due)
        assert (row["lead"], row["days_left"], row["status"]) == (lead, lead, "upcoming" if lead else "due")
        assert ("provisional" in row["text_en"]) == row["provisional"] == (due.year > 2026)
    past = one.past if one.past is not None else 300  # it stays until it is done; a yearly one until the next
    (last,) = shown(one, case.known, due + timedelta(days=past), due)
    assert last["status"] == ("overdue" if past else "due")
    assert len(shown(one, case.known, due + timedelta(days=past + 1), due)) == (one.past is None)


@pytest.mark.parametrize(("name", "case"), [param for param in ALL if param.values[1].done])
def test_it_stops_when_it_is_done_and_not_before(
    reminders: dict[str, Reminder], name: str, case: Case
) -> None:
    one, due = reminders[name], day(case.due)
    late = due + timedelta(days=1)
    before = planned(one, case.known, due).reminders
    assert case.done is not None
    assert shown(one, case.known, late, due), "what is not known to be done goes on"
    ended = planned(one, case.known | case.done, late, before)
    assert ended.reminders.empty
    assert ended.ended[["due", "why"]].to_numpy().tolist() == [[due, "done"]]


def test_reminders_without_a_stop_end_when_their_date_moves_on(reminders: dict[str, Reminder]) -> None:
    one, known = reminders["N03"], CASES["N03"][0].known
    before = planned(one, known, day("2026-03-02")).reminders  # 28 February 2026 is a worked Saturday
    assert before.status.tolist() == ["overdue"]
    after = planned(one, known | {"last_check_date": day("2026-03-01")}, day("2026-03-02"), before)
    assert after.reminders.empty
    assert after.ended.why.tolist() == ["replaced"]


def test_an_overdue_loan_is_raised_again_on_the_days_of_the_page(reminders: dict[str, Reminder]) -> None:
    one, known, before, raised = reminders["N09"], {"overdue_since": day("2026-03-02")}, None, []
    for ahead in range(-2, 50):
        before = planned(one, known, day("2026-03-02") + timedelta(days=ahead), before).reminders
        raised += [ahead for state in before.state if state != "continuing"]
    assert raised == [0, 3, 7, 15, 30]


def test_nothing_is_planned_before_the_day_it_is_from(reminders: dict[str, Reminder]) -> None:
    one = reminders["N15"]
    assert planned(one, {"guarantee_end": day("2020-06-30")}, day("2020-12-20")).reminders.empty
    assert len(planned(one, {"guarantee_end": day("2020-07-31")}, day("2021-01-20")).reminders) == 1
