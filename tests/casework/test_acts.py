"""Is every act kept once and whole, under two officers at once, and is a row changed by hand found?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))
from desk_world import BLUE, FIRST, FRIDAY, MONDAY, OTHER, RED, ROOT, YELLOW, case, do, night, project

from riskengine.casework.acts import case_acts, fingerprint, verify
from riskengine.casework.desk import Desk
from riskengine.casework.standing import standings
from riskengine.casework.states import Move
from riskengine.casework.waivers import waivers
from riskengine.errors import IntegrityError, QualityGateError, UsageError
from riskengine.monitor import publish
from riskengine.project import Project
from riskengine.store.ledger import CASE_ACTS, acts, verify_audit

AT = datetime.fromisoformat
MORNING = AT("2026-06-29T09:30")
TUESDAY = date(2026, 6, 30)


@pytest.fixture
def office(tmp_path: Path) -> Project:
    made = project(tmp_path / "p")
    night(made, FRIDAY, FIRST)
    return made


def as_continuing(**changes: dict[str, object]) -> list[dict[str, object]]:
    return [row | {"fact": "continuing"} | changes.get(str(row["case"]), {}) for row in FIRST]


def test_a_case_goes_its_way_and_every_step_is_kept(office: Project) -> None:
    do(office, "an", [RED], "ack", MORNING)
    do(office, "an", [RED], "check", AT("2026-06-29T18:00"))  # half an hour late
    do(office, "an", [RED], "judge", AT("2026-06-30T10:00"), to="误报", why="namesake")
    with pytest.raises(QualityGateError):
        do(office, "an", [RED], "release", AT("2026-06-30T11:00"), why="agreed")
    do(office, "bo", [RED], "release", AT("2026-06-30T11:00"), why="seen the paper")
    kept = case_acts(Desk(office).ledger)
    assert [(one.action, one.actor, one.phase_after, one.due, one.breached) for one in kept] == [
        ("ack", "an", "acknowledged", "2026-06-29T14:30", False),
        ("check", "an", "checking", "2026-06-29T17:30", True),
        ("judge", "an", "checking", "2026-07-01T17:30", False),
        ("release", "bo", "false alarm", None, False),
    ]
    assert {one.severity for one in kept} == {"red"}
    assert {one.evidence_hash for one in kept} == {"h1"}
    assert kept[2].detail["why"] == "namesake"
    shown = Desk(office).find(RED, TUESDAY)
    assert (shown.standing.phase, shown.quiet, shown.breached) == ("false alarm", "false alarm", ("verify",))
    assert standings(Desk(office).ledger, MONDAY)[RED].phase == "checking"


def test_acts_of_a_day_name_that_days_inputs(office: Project) -> None:
    ledger = Desk(office).ledger
    assert fingerprint(ledger, TUESDAY) == ""
    do(office, "an", [RED], "ack", MORNING)
    first = fingerprint(ledger, MONDAY)
    assert first
    assert fingerprint(ledger, FRIDAY) == ""
    do(office, "an", [RED], "check", AT("2026-06-30T09:00"))
    assert fingerprint(ledger, MONDAY) == first
    assert fingerprint(ledger, TUESDAY) not in ("", first)


def test_several_at_once_are_all_or_none(office: Project) -> None:
    do(office, "an", [YELLOW], "ack", MORNING)
    with pytest.raises(UsageError, match=YELLOW) as caught:
        do(office, "bo", [RED, YELLOW, BLUE], "ack", MORNING)
    assert len(caught.value.problems) == 1
    assert len(case_acts(Desk(office).ledger)) == 1
    assert len(do(office, "bo", [RED, BLUE], "ack", MORNING)) == 2


def test_acts_do_not_overtake_one_another(office: Project) -> None:
    do(office, "an", [RED], "ack", AT("2026-06-30T09:00"))
    with pytest.raises(UsageError, match="不得早于上一操作"):
        do(office, "an", [RED], "check", MORNING)


def test_a_snooze_is_not_longer_than_its_severity_allows(office: Project) -> None:
    do(office, "an", [RED, YELLOW], "ack", MORNING)
    with pytest.raises(UsageError, match="2026-07-02"):
        do(office, "an", [RED], "snooze", MORNING, until=date(2026, 7, 3), why="waits for the court")
    do(office, "an", [YELLOW], "snooze", MORNING, until=date(2026, 7, 29), why="seasonal stop")
    assert Desk(office).find(YELLOW, MONDAY).quiet == "snoozed"


def test_what_nights_did_is_the_ground_of_the_next_act(office: Project) -> None:
    """A false alarm of Monday is open again on Tuesday's night: it must be acknowledged anew, and its owner stays an owner."""
    do(office, "an", [OTHER], "ack", MORNING)
    do(office, "an", [OTHER], "check", MORNING)
    do(office, "an", [OTHER], "judge", MORNING, to="false alarm", why="namesake")
    do(office, "bo", [OTHER], "release", MORNING, why="agreed")
    events = night(office, TUESDAY, as_continuing(**{OTHER: {"evidence_hash": "h2"}}))
    assert events.event.tolist().count("reopened") == 1
    wednesday = AT("2026-07-01T09:30")
    with pytest.raises(UsageError, match="ack 认领"):
        do(office, "an", [OTHER], "check", wednesday)
    do(office, "chen", [OTHER], "ack", wednesday)
    do(office, "chen", [OTHER], "check", wednesday)
    do(office, "chen", [OTHER], "judge", wednesday, to="false alarm", why="namesake again")
    with pytest.raises(QualityGateError):  # an owned it once
        do(office, "an", [OTHER], "release", wednesday, why="agreed")
    do(office, "dong", [OTHER], "release", wednesday, why="agreed")
    assert Desk(office).find(OTHER, date(2026, 7, 1)).quiet == "false alarm"
    history = Desk(office).history(Desk(office).find(OTHER, date(2026, 7, 1)), date(2026, 7, 1))
    assert [row.get("action") or row["event"] for row in history] == [
        "ack", "check", "judge", "release", "reopened", "ack", "check", "judge", "release",
    ]  # fmt: skip


def test_an_act_backdated_below_a_published_night_counts_for_the_list(office: Project) -> None:
    night(
        office,
        TUESDAY,
        as_continuing(
            **{YELLOW: {"severity": "red", "worst": "red", "fact": "raised", "raised_on": TUESDAY}}
        ),
    )
    do(office, "an", [YELLOW], "ack", MORNING)
    shown = Desk(office).find(YELLOW, TUESDAY)
    assert (shown.standing.phase, shown.standing.owner, shown.seen.severity) == ("acknowledged", "an", "red")
    assert shown.standing.since == TUESDAY  # the raise starts the clocks anew
    assert case_acts(Desk(office).ledger)[0].severity == "yellow"  # what the officer saw on Monday


def test_a_case_that_has_left_is_found_where_it_last_was(office: Project) -> None:
    night(office, TUESDAY, as_continuing()[:1])
    assert Desk(office).find(BLUE, TUESDAY).seen.as_of == FRIDAY
    with pytest.raises(UsageError, match="无此案件"):
        Desk(office).find("C999", TUESDAY)
    with pytest.raises(UsageError, match="C2B0000000, C2C0000000"):
        Desk(office).find("C2", FRIDAY)


RACER = """
import sys, time
from datetime import date
from pathlib import Path
from riskengine.casework.desk import Desk
from riskengine.casework.states import Move
from riskengine.errors import RiskEngineError
from riskengine.monitor import publish
from riskengine.project import Project
root, who, *cases = sys.argv[1:]
desk = Desk(Project(Path(root)))
Path(root, who).touch()
while not Path(root, "go").exists():
    time.sleep(0.001)
for number, case in enumerate(cases):
    try:
        desk.do([case], Move("ack" if number else "release", "", date.today(), "agreed"), "2026-06-29T10:00")
        print(case, "done")
    except RiskEngineError as error:
        print(case, type(error).__name__, str(error).replace(chr(10), " "))
"""


def test_of_two_processes_at_once_one_wins_and_the_other_is_told(office: Project) -> None:
    for step, asked in (("ack", {}), ("check", {}), ("judge", {"to": "误报", "why": "namesake"})):
        do(office, "zhu", [RED], step, MORNING, **asked)
    words = (sys.executable, "-c", RACER, str(office.root))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    racing = {
        who: subprocess.Popen(
            [*words, who, RED, YELLOW, BLUE, OTHER],
            stdout=subprocess.PIPE,
            text=True,
            env=environment | {"RISKENGINE_ACTOR": who},
        )
        for who in ("an", "bo")
    }
    while not all((office.root / who).exists() for who in racing):
        assert all(one.poll() is None for one in racing.values())
        time.sleep(0.01)
    (office.root / "go").touch()
    told = {who: one.communicate(timeout=60)[0].splitlines() for who, one in racing.items()}
    kept = case_acts(Desk(office).ledger)[3:]
    assert sorted(one.case for one in kept) == sorted([RED, YELLOW, BLUE, OTHER])
    for number, one in enumerate((RED, YELLOW, BLUE, OTHER)):
        said = {who: lines[number] for who, lines in told.items()}
        (winner,) = [who for who, line in said.items() if line == f"{one} done"]
        (act,) = [each for each in kept if each.case == one]
        assert act.actor == winner
        loser = said["bo" if winner == "an" else "an"]
        assert "UsageError Not legal from here 当前状态不允许此操作" in loser
    assert verify(Desk(office).ledger) == verify_audit(Desk(office).ledger) == 7


def test_a_row_changed_removed_or_put_in_is_found(office: Project) -> None:
    do(office, "an", [RED, YELLOW], "ack", MORNING)
    ledger = Desk(office).ledger
    assert verify(ledger) == 2
    assert verify_audit(ledger) == 2
    assert [row["subject"] for row in acts(ledger)] == [f"case {RED}", f"case {YELLOW}"]
    with ledger.begin() as connection:
        connection.execute(sa.update(CASE_ACTS).where(CASE_ACTS.c.seq == 1).values(actor="bo"))
    with pytest.raises(IntegrityError, match="case_acts 1"):
        verify(ledger)
    with ledger.begin() as connection:
        connection.execute(sa.delete(CASE_ACTS).where(CASE_ACTS.c.seq == 1))
        row = connection.execute(sa.select(CASE_ACTS)).mappings().one()
        connection.execute(sa.insert(CASE_ACTS), dict(row) | {"seq": 3, "number": 2})
    with pytest.raises(IntegrityError, match=r"(?s)case_acts 1.*no row.*case_acts 3.*none"):
        verify(ledger)


def test_the_last_row_removed_is_found_although_the_next_has_its_number(office: Project) -> None:
    do(office, "an", [RED, YELLOW], "ack", MORNING)
    ledger = Desk(office).ledger
    with ledger.begin() as connection:
        connection.execute(sa.delete(CASE_ACTS).where(CASE_ACTS.c.seq == 2))
    do(office, "an", [BLUE], "ack", MORNING)
    with pytest.raises(IntegrityError, match="case_acts 2"):
        verify(ledger)


def test_a_waiver_needs_two_ends_and_comes_back_only_by_two(office: Project) -> None:
    desk = Desk(office)
    asked = Move("waive", "", MONDAY, "court has lifted it", until=date(2026, 9, 30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RISKENGINE_ACTOR", "an")
        done = desk.waive("E-C1", "FLOOR-GONE", asked, "2026-06-29")
        assert [one.state for one in waivers(desk.ledger, MONDAY)] == ["awaiting"]
        with pytest.raises(QualityGateError):
            desk.do([done.case], Move("release", "", MONDAY, "agreed"), "2026-06-29")
        with pytest.raises(UsageError, match="FLOOR-GONE"):
            desk.waive("E-C1", "FLOOR-GON", asked, "2026-06-29")
        patch.setenv("RISKENGINE_ACTOR", "bo")
        desk.do([done.case[:6]], Move("release", "", MONDAY, "agreed"), "2026-06-29")
        (one,) = waivers(desk.ledger, MONDAY)
        assert (one.enterprise, one.floor, one.by, one.approved_by, one.why) == ("E-C1", "FLOOR-GONE", "an", "bo", "court has lifted it")  # fmt: skip
        assert one.in_force(one.until)
        assert not one.in_force(one.until + timedelta(days=1))
        longer = Move("waive", "", MONDAY, "once more", until=date(2026, 10, 31))
        desk.waive("E-C1", "FLOOR-GONE", longer, "2026-06-30")
        assert [(w.state, w.until) for w in waivers(desk.ledger, TUESDAY)] == [
            ("awaiting", date(2026, 10, 31)),
            ("waived", date(2026, 9, 30)),
        ]
        forever = Move("waive", "", MONDAY, "for ever", until=date(2028, 1, 1))
        with pytest.raises(UsageError, match="2027-06-30"):
            desk.waive("E-C1", "FLOOR-CLASS", forever, "2026-06-30")
    assert standings(desk.ledger, TUESDAY)[done.case].floor == "FLOOR-GONE"


def test_acts_are_not_backdated_where_the_project_does_not_say_so(tmp_path: Path) -> None:
    desk = Desk(project(tmp_path / "p", backdated=False))
    with pytest.raises(UsageError, match="不得倒签"):
        desk.moment("2026-06-29")
    assert Desk(project(tmp_path / "q")).moment("2026-06-29") == AT("2026-06-29T17:30")
    assert Desk(project(tmp_path / "q")).moment("2026-06-29T10:15") == AT("2026-06-29T10:15")
    with pytest.raises(UsageError, match="日期未到"):
        desk.moment("2199-01-01")


def test_an_act_is_never_earlier_than_the_night_in_which_its_case_appears(office: Project) -> None:
    night(office, TUESDAY, [*as_continuing(), case("C9E0000000", "blue")])
    with pytest.raises(UsageError, match="无此案件"):
        do(office, "an", ["C9E"], "ack", MORNING)
    do(office, "an", ["C9E"], "ack", AT("2026-06-30T09:00"))


def test_after_a_snooze_what_was_done_stays_done_and_the_rest_is_timed_anew(office: Project) -> None:
    do(office, "an", [YELLOW], "ack", MORNING)
    do(office, "an", [YELLOW], "check", AT("2026-07-06T10:00"))  # verifying was due on the 3rd
    do(office, "an", [YELLOW], "snooze", AT("2026-07-06T11:00"), until=date(2026, 7, 20), why="seasonal stop")
    night(office, date(2026, 7, 17), as_continuing())
    asleep = Desk(office).find(YELLOW, date(2026, 7, 17))
    assert (asleep.quiet, asleep.breached) == ("snoozed", ("verify",))  # the plan's clock stands
    events = night(office, date(2026, 7, 20), as_continuing())
    assert ("woke", YELLOW) in set(zip(events.event, events.case, strict=True))
    night(office, date(2026, 7, 21), as_continuing())
    awake = Desk(office).find(YELLOW, date(2026, 7, 21))
    assert awake.quiet == ""
    assert awake.breached == ("verify",)
    assert [one.done is not None for one in awake.steps] == [True, True, False]
    assert awake.due == AT("2026-08-03T17:30")  # ten working days after the night in which it woke


def test_a_night_made_again_is_the_same_whatever_was_done_after_it(office: Project) -> None:
    do(office, "an", [RED, YELLOW], "ack", MORNING)
    night(office, TUESDAY, as_continuing())
    first = publish.find(office.store, TUESDAY)
    do(office, "an", [RED], "check", AT("2026-07-01T10:00"))
    night(office, TUESDAY, as_continuing())
    again = publish.find(office.store, TUESDAY)
    assert first is not None
    assert again is not None
    assert first.hash == again.hash


def test_a_case_that_is_there_no_more_says_why(office: Project) -> None:
    for one in (RED, YELLOW, BLUE):
        do(office, "an", [one], "ack", MORNING)
    do(office, "an", [YELLOW], "check", MORNING)
    do(office, "an", [YELLOW], "judge", MORNING, to="false alarm", why="namesake")
    gone = {RED: ("turned compensated", "G1"), YELLOW: ("ended", "no longer true"), BLUE: ("merged", OTHER)}
    night(office, TUESDAY, as_continuing()[3:], gone)
    desk = Desk(office)
    red, yellow, blue = (desk.find(one, TUESDAY) for one in (RED, YELLOW, BLUE))
    assert (red.standing.phase, red.quiet, desk.legal(red)) == (
        "turned compensated",
        "ended",
        ("assign", "note"),
    )
    assert (yellow.standing.phase, yellow.quiet) == ("false alarm", "ended")
    night(office, date(2026, 9, 27), as_continuing()[3:])
    assert desk.find(YELLOW, date(2026, 9, 28)).quiet == "ended"
    night(office, date(2026, 9, 28), as_continuing()[3:])
    old = desk.find(YELLOW, date(2026, 9, 28))
    assert (old.standing.phase, old.quiet, desk.legal(old)) == ("archived", "archived", ("note",))
    with pytest.raises(UsageError, match="归档"):
        do(office, "an", [YELLOW], "check", AT("2026-09-28T10:00"))
    assert (blue.seen.case, blue.standing.owner, blue.standing.phase) == (OTHER, "an", "acknowledged")
    with pytest.raises(UsageError, match="turned compensated 转代偿"):
        do(office, "an", [RED], "check", AT("2026-06-30T10:00"))
    do(office, "an", [BLUE], "check", AT("2026-06-30T10:00"))  # goes to the case it became part of
    assert case_acts(desk.ledger)[-1].case == OTHER
    assert [row["case"] for row in desk.history(desk.find(OTHER, TUESDAY), TUESDAY)] == [BLUE, BLUE, OTHER]
    assert [row.get("event") for row in desk.history(red, TUESDAY)] == [None, "turned compensated"]
