"""Are only the table's moves legal, is a red never closed by one person, and do nights open again what has changed?"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from desk_world import BLUE, CHINA, DEADLINES, FRIDAY, MONDAY, OTHER, RED, YELLOW, case, cases_of

from riskengine.casework.seen import met, quiet, seen_of
from riskengine.casework.standing import Tonight, closed, released, stood
from riskengine.casework.states import (
    ACTIONS,
    CLOSED,
    MEASURES,
    PHASES,
    Move,
    Standing,
    legal,
    move,
)
from riskengine.errors import QualityGateError, RiskEngineError, UsageError
from riskengine.monitor.deadlines import step_dues, with_due_dates
from riskengine.working_days import WorkHours

# The law once more, as one long obvious list: (phase, action, judged as) -> phase. `*` stands for the same phase.
TABLE = """
new ack acknowledged
new assign *
acknowledged check checking
acknowledged assign *
acknowledged snooze *
checking judge:false_alarm false_alarm
checking judge:watch watch
checking judge:confirmed confirmed
checking assign *
checking snooze *
watch check checking
watch judge:false_alarm false_alarm
watch judge:confirmed confirmed
watch assign *
watch snooze *
confirmed treat in_treatment
confirmed resolve resolved
confirmed check checking
confirmed assign *
confirmed snooze *
in_treatment treat *
in_treatment resolve resolved
in_treatment check checking
in_treatment assign *
in_treatment snooze *
turned_overdue ack *
turned_overdue treat in_treatment
turned_overdue resolve resolved
turned_overdue check checking
turned_overdue assign *
turned_compensated assign *
false_alarm check checking
resolved check checking
"""
LAW = {
    (phase.replace("_", " "), how.replace("_", " ")): after.replace("_", " ")
    for phase, how, after in (line.split() for line in TABLE.strip().splitlines())
}
AT = datetime.fromisoformat
PEOPLE = ("an", "bo", "chen")
ASKS = st.tuples(
    st.sampled_from([*ACTIONS, "note"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(["false alarm", "watch", "confirmed", "resolved", "new"]),
    st.sampled_from(PEOPLE),
)


class Clerk:
    """The rules told by hand, one at a time, without the engine's table."""

    def __init__(self, severity: str) -> None:
        self.phase, self.owner, self.everybody = "new", "", set[str]()
        self.asleep, self.waits, self.proposer = False, "", ""
        self.slept = False  # a snooze, and no work since
        self.grave = severity in ("red", "orange")

    def does(self, action: str, who: str, to: str, other: str) -> bool:
        """Whether it is legal; if so it is done."""
        if action in ("waive", "unwaive"):
            return False
        if action == "note":
            return True
        if action in ("release", "refuse"):
            if not self.waits or (action == "release" and who in {self.proposer, *self.everybody}):
                return False
            self.phase = self.waits if action == "release" else self.phase
            self.waits, self.slept = "", False
            return True
        if action == "wake":
            legal_ = self.asleep and not self.waits
            self.asleep = self.asleep and not legal_
            return legal_
        after = LAW.get((self.phase, f"judge:{to}" if action == "judge" else action))
        if after is None or self.waits or (self.asleep and action not in ("assign", "snooze")):
            return False
        if action == "ack" and self.owner and self.owner != who:
            return False
        if action == "snooze" and self.grave and self.slept:
            return False
        self.slept = action == "snooze" or (self.slept and action == "assign")
        if action in ("ack", "assign"):
            self.owner = who if action == "ack" else other
            self.everybody.add(self.owner)
        self.asleep = self.asleep or action == "snooze"
        after = self.phase if after == "*" else after
        if self.grave and after in CLOSED and action in ("judge", "resolve"):
            self.waits, self.proposer = after, who
        else:
            self.phase = after
        return True


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["red", "orange", "yellow", "blue"]), st.lists(ASKS, max_size=25))
def test_only_the_tables_moves_are_legal(severity: str, asks: list[tuple[str, str, str, str]]) -> None:
    clerk = Clerk(severity)
    standing = Standing(RED, severity=severity, worst=severity, since=FRIDAY)
    for action, who, to, other in asks:
        asked = Move(action, who, MONDAY, "a reason", to, other, "压降", MONDAY + timedelta(days=1))
        expected = clerk.does(action, who, to, other)
        done = True
        try:
            standing, _ = move(standing, asked)
        except RiskEngineError:
            done = False
        assert done == expected, asked
        assert (standing.phase, standing.owner or "") == (clerk.phase, clerk.owner)
        assert (standing.awaiting is not None) == bool(clerk.waits)
        assert (standing.snoozed_until is not None) == clerk.asleep


@given(st.sampled_from(sorted(set(PHASES) - {"no waiver", "waived"})), st.sampled_from(sorted(ACTIONS)))
def test_a_refusal_says_what_is_legal_from_here(phase: str, action: str) -> None:
    standing = Standing(YELLOW, phase=phase, severity="yellow", worst="yellow")
    if action in legal(standing):
        return
    with pytest.raises(UsageError) as caught:
        move(standing, Move(action, "an", MONDAY, "why"))
    text = str(caught.value)
    assert PHASES[phase].zh in text
    assert "当前状态不允许" in text
    for name in legal(standing):
        assert f"{name} {ACTIONS[name].zh}" in text


def test_a_red_at_its_worst_needs_two_persons_even_when_it_is_yellow_now() -> None:
    standing = Standing(
        RED, phase="confirmed", severity="yellow", worst="red", owner="an", owners=frozenset(("an", "bo"))
    )
    asked, _ = move(standing, Move("resolve", "chen", MONDAY, "paid"))
    assert (asked.phase, asked.awaiting, asked.proposed) == ("confirmed", "release", "resolved")
    for nobody_else in (
        "an",
        "AN ",
        "bo",
        "chen",
    ):  # owner, the same spelt otherwise, an earlier owner, the proposer
        with pytest.raises(QualityGateError, match="须另一人复核"):
            move(asked, Move("release", nobody_else, MONDAY, "agreed"))
    done, _ = move(asked, Move("release", "dong", MONDAY, "agreed"))
    assert (done.phase, done.second, done.awaiting) == ("resolved", "dong", None)
    alone, detail = move(asked, Move("release", "an", MONDAY, "agreed", alone=True))
    assert alone.phase == "resolved"
    assert detail["alone"] is True


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (Move("judge", "an", MONDAY, "", "watch"), "理由"),
        (Move("judge", "an", MONDAY, "why", "resolved"), "观察"),
        (Move("snooze", "an", MONDAY, "why", until=MONDAY), "到期日"),
        (Move("snooze", "an", MONDAY, "", until=date(2026, 7, 9)), "理由"),
        (Move("assign", "an", MONDAY), "负责人"),
    ],
)
def test_what_is_missing_is_said(asked: Move, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        move(Standing(YELLOW, phase="checking", severity="yellow", worst="yellow"), asked)


def test_measures_are_the_six_of_the_field() -> None:
    confirmed = Standing(YELLOW, phase="confirmed", severity="yellow", worst="yellow")
    for words in MEASURES.values():
        assert move(confirmed, Move("treat", "an", MONDAY, measure=words.zh))[0].phase == "in treatment"
    with pytest.raises(UsageError, match="诉讼保全"):
        move(confirmed, Move("treat", "an", MONDAY, measure="wait and see"))


CLOSED_YELLOW = Standing(
    YELLOW, phase="false alarm", since=FRIDAY, severity="yellow", worst="yellow", evidence_hash="h1", seen=FRIDAY, on=MONDAY, seq=4
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, "false alarm"),
        ({"severity": "blue"}, "false alarm"),
        ({"evidence_hash": "h2"}, "new"),
        ({"severity": "orange", "worst": "orange"}, "new"),
        ({"fact": "renewed"}, "new"),
        ({"turned": "overdue"}, "turned overdue"),
        ({"turned": "compensated"}, "turned compensated"),
    ],
)
def test_a_closed_case_is_opened_again_by_what_is_new(changes: dict[str, str], phase: str) -> None:
    seen = seen_of(case(YELLOW, "yellow", fact="continuing") | changes, MONDAY + timedelta(days=1))
    now, told = met(CLOSED_YELLOW, seen)
    assert now.phase == phase
    assert [one[0] for one in told] == (["reopened"] if phase == "new" else [])
    assert bool(quiet(now, seen)) == (phase == "false alarm")
    again, more = met(now, replace(seen, fact="continuing"))
    assert (again, more) == (now, []) or phase == "new"


def test_a_case_opened_again_stays_open_when_the_new_evidence_goes() -> None:
    before = cases_of(case(YELLOW, "yellow", evidence_hash="h2", fact="continuing"))
    found = {YELLOW: CLOSED_YELLOW}
    first, events = stood(before, found, Tonight(date(2026, 6, 30), DEADLINES, CHINA))
    assert events.event.tolist() == ["reopened"]
    back = cases_of(case(YELLOW, "yellow", evidence_hash="h1", fact="continuing"))
    second, events = stood(back, found, Tonight(date(2026, 7, 1), DEADLINES, CHINA, first, date(2026, 6, 30)))
    assert second.phase.tolist() == ["new"]
    assert len(events) == 0


@pytest.mark.parametrize("severity", ["yellow", "red"])
def test_a_snooze_wakes_on_its_day_or_early_and_a_reds_clock_does_not_stop(severity: str) -> None:
    asleep = replace(
        CLOSED_YELLOW, phase="checking", severity=severity, worst=severity, snoozed_until=date(2026, 7, 2), snoozed_on=MONDAY, owner="an", seen=MONDAY
    )  # fmt: skip
    found = {YELLOW: asleep}

    def on(day: date, **changes: object) -> tuple[str, list[str], object, str]:
        frame = cases_of(case(YELLOW, severity, fact="continuing") | changes)
        cases, events = stood(frame, found, Tonight(day, DEADLINES, CHINA))
        row = cases.iloc[0]
        return row.quiet, events.event.tolist(), row.clock or row.since, row.breached

    still = on(date(2026, 7, 1))
    assert still[0] == "snoozed"
    assert ("verify" in still[3]) == (severity == "red")
    awake = on(date(2026, 7, 2))
    assert awake[0] == ""
    assert "woke" in awake[1]
    assert awake[2] == (date(2026, 7, 2) if severity == "yellow" else FRIDAY)
    assert on(date(2026, 6, 30), evidence_hash="h2")[0] == "snoozed"  # the same event, another row of it
    early = on(date(2026, 6, 30), evidence_hash="h2", fact="renewed")
    assert early[0] == ""
    assert "woke" in early[1]


def test_a_proposal_lapses_when_the_case_has_changed() -> None:
    waits = replace(CLOSED_YELLOW, phase="checking", severity="orange", worst="orange", awaiting="release", proposed="false alarm", proposer="an")  # fmt: skip
    frame = cases_of(case(YELLOW, "orange", evidence_hash="h2", fact="continuing"))
    cases, events = stood(frame, {YELLOW: waits}, Tonight(date(2026, 6, 30), DEADLINES, CHINA))
    assert cases.awaiting.tolist() == [None]
    assert "proposal lapsed" in events.event.tolist()


def test_the_watch_of_a_red_is_not_quiet_and_that_of_a_yellow_is() -> None:
    for severity, word in (("red", ""), ("orange", ""), ("yellow", "watch"), ("blue", "watch")):
        standing = replace(CLOSED_YELLOW, phase="watch", severity=severity, worst=severity)
        assert quiet(standing, seen_of(case(YELLOW, severity, fact="continuing"), MONDAY)) == word


def test_only_what_was_lawfully_closed_ends_signals() -> None:
    frame, _ = stood(
        cases_of(case(YELLOW, "yellow"), case(RED, "red"), case(BLUE, "blue", evidence_hash="h9")),
        {},
        Tonight(FRIDAY, DEADLINES, CHINA),
    )
    signals = cases_of(case(YELLOW, "yellow"), case(RED, "red"), case(BLUE, "blue"))[["case"]]
    signals = signals.assign(signal="J01", about="enterprise", id=signals.case)
    one = replace(CLOSED_YELLOW, case=RED, severity="red", worst="red")
    found = {YELLOW: CLOSED_YELLOW, RED: one, BLUE: replace(CLOSED_YELLOW, case=BLUE, severity="blue")}
    assert released(frame, signals, found) == {("J01", "enterprise", YELLOW)}
    found[RED] = replace(one, second="bo")
    assert released(frame, signals, found) == {("J01", "enterprise", YELLOW), ("J01", "enterprise", RED)}
    assert released(frame, signals, {}) == frozenset()


def test_the_acts_of_a_merged_case_count_for_the_one_it_went_into() -> None:
    before, _ = stood(
        cases_of(case(YELLOW, "yellow"), case(RED, "red")), {}, Tonight(FRIDAY, DEADLINES, CHINA)
    )
    mine = Standing(YELLOW, phase="checking", owner="an", owners=frozenset(("an",)), severity="yellow", worst="yellow", evidence_hash="h1", seen=FRIDAY, since=FRIDAY, on=MONDAY, seq=2, number=2)  # fmt: skip
    tonight = Tonight(MONDAY, DEADLINES, CHINA, before, FRIDAY, {YELLOW: RED})
    cases, _ = stood(cases_of(case(RED, "red", fact="continuing")), {YELLOW: mine}, tonight)
    assert cases[["phase", "owner", "absorbed"]].iloc[0].tolist() == ["checking", "an", YELLOW]
    later = Tonight(date(2026, 6, 30), DEADLINES, CHINA, cases, MONDAY)
    again, _ = stood(cases_of(case(RED, "red", fact="continuing")), {YELLOW: mine}, later)
    assert again[["phase", "owner", "absorbed"]].iloc[0].tolist() == ["checking", "an", YELLOW]


def test_a_case_that_is_over_for_long_is_archived_once_and_an_act_since_puts_it_off() -> None:
    over = pd.DataFrame(
        {
            "case": [YELLOW, RED, BLUE],
            "about": ["enterprise", "enterprise", "feed"],
            "unit": ["E-C2", "E-C1", "court"],
            "severity": ["yellow", "red", "blue"],
            "ended_on": [FRIDAY] * 3,
            "why": ["no longer true", "compensated", "no longer true"],
        }
    )
    found = {YELLOW: replace(CLOSED_YELLOW, moved=MONDAY), RED: replace(CLOSED_YELLOW, case=RED)}
    nobody = cases_of(case(OTHER, "orange"))
    before, _ = stood(nobody, {}, Tonight(FRIDAY, DEADLINES, CHINA))

    def told(day: date, last: date) -> list[tuple[str, str, str]]:
        tonight = Tonight(day, DEADLINES, CHINA, before, last, ended=over)
        events = stood(nobody, found, tonight)[1].query("event == 'archived'")
        return list(zip(events.case, events.enterprise, events.detail_en, strict=True))

    due = FRIDAY + timedelta(days=90)
    assert told(due - timedelta(days=1), FRIDAY) == []
    assert [one[:2] for one in told(due, due - timedelta(days=1))] == [(RED, "E-C1"), (BLUE, "")]
    assert "turned compensated" in told(due, due - timedelta(days=1))[0][2]
    assert [one[0] for one in told(due + timedelta(days=3), due)] == [YELLOW]  # the last act was on Monday
    assert told(due + timedelta(days=4), due + timedelta(days=3)) == []
    assert [one[0] for one in told(due + timedelta(days=9), FRIDAY)] == [
        YELLOW,
        RED,
        BLUE,
    ]  # after missed nights


def nights_of(
    standing: Standing, *facts: tuple[int, str, str]
) -> list[tuple[str, str, list[str], str, date]]:
    """A case night after night: (days after Friday, severity, fact) -> phase, quiet, events, breaches, since."""
    shown, before, last, raised_on = [], None, None, FRIDAY
    for days, severity, fact in facts:
        day = FRIDAY + timedelta(days=days)
        raised_on = day if fact in ("raised", "renewed") else raised_on
        row = case(YELLOW, severity, worst="orange", fact=fact, raised_on=raised_on)
        found = {YELLOW: standing} if standing.seq else {}
        before, events = stood(cases_of(row), found, Tonight(day, DEADLINES, CHINA, before, last))
        last, one = day, before.iloc[0]
        shown.append((one.phase, one.quiet, events.event.tolist(), one.breached, one.since))
    return shown


def test_a_fall_and_a_rise_to_what_it_was_wakes_and_reopens() -> None:
    asleep = replace(CLOSED_YELLOW, phase="acknowledged", severity="orange", worst="orange", owner="an", snoozed_until=date(2026, 7, 20), snoozed_on=FRIDAY)  # fmt: skip
    closed_ = replace(CLOSED_YELLOW, severity="orange", worst="orange", second="bo")
    fall_and_rise = ((0, "orange", "new"), (3, "yellow", "continuing"), (4, "orange", "raised"))
    still, milder, again = nights_of(asleep, *fall_and_rise)
    assert (still[1], milder[1], again[1]) == ("snoozed", "snoozed", "")
    assert again[2][0] == "woke"
    *_, milder, again, later = nights_of(closed_, *fall_and_rise, (5, "orange", "continuing"))
    assert (milder[0], again[0], later[0]) == ("false alarm", "new", "new")
    assert again[2] == ["reopened"]


def test_what_a_night_opened_again_ends_no_signals() -> None:
    closed_ = replace(CLOSED_YELLOW, severity="orange", worst="orange", second="bo")
    before, _ = stood(cases_of(case(YELLOW, "orange")), {YELLOW: closed_}, Tonight(FRIDAY, DEADLINES, CHINA))
    signals = pd.DataFrame({"signal": ["J01"], "about": ["enterprise"], "id": ["E"], "case": [YELLOW]})
    assert len(released(before, signals, {YELLOW: closed_})) == 1
    tonight = Tonight(MONDAY, DEADLINES, CHINA, before, FRIDAY)
    risen, _ = stood(cases_of(case(YELLOW, "orange", fact="raised", raised_on=MONDAY)), {YELLOW: closed_}, tonight)  # fmt: skip
    assert released(risen, signals, {YELLOW: closed_}) == frozenset()


def test_a_new_row_neither_forgets_what_is_late_nor_restarts_the_clock() -> None:
    late = (5, "orange", "continuing")
    *_, was, now, then = nights_of(Standing(YELLOW), (0, "orange", "new"), late, (6, "orange", "renewed"), (7, "orange", "continuing"))  # fmt: skip
    assert was[3] == "claim,verify"
    assert now[2:] == ([], "claim,verify", FRIDAY)
    assert then[2:] == (["breached"], "claim,verify,plan", FRIDAY)  # the plan was due that evening
    *_, risen = nights_of(Standing(YELLOW), (0, "orange", "new"), late, (6, "red", "raised"))
    assert (risen[3], risen[4]) == (
        "claim,verify",
        date(2026, 7, 2),
    )  # its clocks start anew; what is late stays so
    steps = dict.fromkeys(("claim", "verify", "plan"), ("2026-06-29T10:00", FRIDAY))
    done = replace(CLOSED_YELLOW, phase="in treatment", severity="orange", owner="an", steps=steps)
    *_, now, then = nights_of(done, late, (6, "orange", "renewed"), (7, "orange", "continuing"))
    assert (now[4], then[4]) == (date(2026, 7, 2), date(2026, 7, 2))  # all was done: it is asked again


@pytest.mark.parametrize("severity", ["red", "orange", "yellow"])
def test_a_red_is_not_put_aside_twice_in_a_row(severity: str) -> None:
    one = Standing(YELLOW, phase="acknowledged", severity=severity, worst=severity, owner="an", since=FRIDAY)
    sleep = Move("snooze", "an", MONDAY, "waits for the court", until=date(2026, 7, 1))
    asleep, _ = move(one, sleep)
    asleep, _ = move(asleep, Move("note", "bo", MONDAY, "court called"))
    awake, _ = move(asleep, Move("wake", "an", MONDAY))
    for again in (asleep, awake, replace(asleep, snoozed_until=None)):
        if severity == "yellow":
            assert move(again, sleep)[0].snoozed_until
            continue
        assert "snooze" not in legal(again)
        with pytest.raises(UsageError, match=r"(?s)不得连续暂缓.*check 核查.*signals check"):
            move(again, sleep)
    checked, _ = move(awake, Move("check", "an", MONDAY))
    assert move(checked, sleep)[0].snoozed_until


def test_the_dues_of_a_whole_book_are_reckoned_once_a_severity_and_day() -> None:
    from riskengine.casework.seen import _limits

    _limits.cache_clear()
    book = pd.concat([cases_of(case(YELLOW, "yellow"))] * 500, ignore_index=True)
    stood(
        book.assign(case=[f"C{number:010}" for number in range(500)]), {}, Tonight(FRIDAY, DEADLINES, CHINA)
    )
    assert _limits.cache_info().misses == 1


def test_dues_are_in_hours_of_work_from_the_next_working_day() -> None:
    red = step_dues(DEADLINES, "red", FRIDAY, CHINA)
    assert red == {
        "claim": AT("2026-06-29T14:30"),
        "verify": AT("2026-06-29T17:30"),
        "plan": AT("2026-07-01T17:30"),
    }
    assert step_dues(DEADLINES, "blue", FRIDAY, CHINA)["verify"] is None  # at the next check
    before_new_year = step_dues(DEADLINES, "red", date(2026, 2, 14), CHINA)["claim"]
    assert before_new_year == AT("2026-02-24T14:30")


SPANS = st.sampled_from([["09:00-12:00", "13:30-17:30"], ["08:00-16:00"], ["09:00-09:01", "22:00-23:59"]])


@settings(max_examples=60, deadline=None)
@given(
    SPANS,
    st.datetimes(AT("2026-01-01"), AT("2026-10-20")).map(lambda one: one.replace(second=0, microsecond=0)),
    st.integers(1, 1500),
)
def test_minutes_of_work_are_counted_one_by_one(texts: list[str], start: datetime, minutes: int) -> None:
    hours = WorkHours.parse(texts)
    edges = [[tuple(map(int, edge.split(":"))) for edge in text.split("-")] for text in texts]
    worked, moment = 0, start
    while worked < minutes:  # the slow clerk: looks at every minute
        if not CHINA.is_working(moment.date()):
            moment = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time())
            continue
        worked += any(begin <= (moment.hour, moment.minute) < end for begin, end in edges)
        moment += timedelta(minutes=1)
    assert hours.after(start, minutes, CHINA) == moment


@pytest.mark.parametrize("texts", [[], ["9-12"], ["12:00-09:00"], ["09:00-12:00", "11:00-13:00"]])
def test_hours_that_are_none_are_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="hours"):
        WorkHours.parse(texts)


def test_of_what_is_hushed_nothing_is_asked_and_its_time_runs_once_it_is_told() -> None:
    frame = cases_of(case(YELLOW, "yellow"))
    behind, events = stood(frame.assign(quiet="inhibited"), {}, Tonight(date(2026, 7, 20), DEADLINES, CHINA))
    assert (behind.iloc[0].breached, behind.iloc[0].claim_due, len(events)) == ("", None, 0)
    told = Tonight(date(2026, 7, 21), DEADLINES, CHINA, behind, date(2026, 7, 20))
    loud, _ = stood(frame.assign(quiet=""), {}, told)
    assert (loud.iloc[0].breached, loud.iloc[0].claim_due) == ("", "2026-07-23T17:30")


def test_a_signals_own_deadline_counts_where_it_is_stricter() -> None:
    frame = cases_of(case(YELLOW, "yellow"))
    plans = [
        stood(frame.assign(deadlines=own), {}, Tonight(FRIDAY, DEADLINES, CHINA))[0].iloc[0].plan_due
        for own in ("", "3wd,60wd", "60wd")
    ]
    assert plans == ["2026-07-10T17:30", "2026-07-01T17:30", "2026-07-10T17:30"]


def test_only_what_people_have_closed_stops_hushing() -> None:
    frame = cases_of(case(YELLOW, "yellow"))
    was, _ = stood(frame, {YELLOW: CLOSED_YELLOW}, Tonight(date(2026, 6, 30), DEADLINES, CHINA))
    assert closed(was, date(2026, 6, 30), {YELLOW: CLOSED_YELLOW}) == {YELLOW}
    asked = replace(CLOSED_YELLOW, phase="checking", awaiting="release", proposed="false alarm")
    assert closed(was, date(2026, 6, 30), {YELLOW: replace(asked, seq=99)}) == frozenset()


def test_what_is_found_when_watching_begins_is_timed_from_later() -> None:
    deadlines = DEADLINES.model_copy(update={"stock": "20wd"})
    frame = cases_of(case(YELLOW, "yellow", raised_on=FRIDAY))
    stock, _ = stood(frame, {}, Tonight(FRIDAY, deadlines, CHINA))
    assert (
        stock.iloc[0].claim_due
        == step_dues(deadlines, "yellow", date(2026, 7, 24), CHINA)["claim"].isoformat()[:16]
    )
    again, _ = stood(frame, {}, Tonight(MONDAY, deadlines, CHINA, stock, FRIDAY))
    assert again.iloc[0].claim_due == stock.iloc[0].claim_due, "it goes on from there"
    new = cases_of(case(RED, "yellow", raised_on=MONDAY))
    found, _ = stood(new, {}, Tonight(MONDAY, deadlines, CHINA, stock, FRIDAY))
    assert found.iloc[0].claim_due < stock.iloc[0].claim_due, "what comes up later is timed at once"


def test_a_signal_whose_definition_is_gone_keeps_the_day_it_was_due() -> None:
    rows = pd.DataFrame({"signal": ["J99", "J99"], "severity": ["red", "red"], "raised_on": [FRIDAY, FRIDAY]})
    rows = rows.assign(due=pd.Series([date(2026, 8, 1), None], dtype="object"))
    due = with_due_dates(rows, [], DEADLINES, CHINA, MONDAY).due.tolist()
    assert due == [date(2026, 8, 1), date(2026, 7, 1)]  # without one: its severity's plan
