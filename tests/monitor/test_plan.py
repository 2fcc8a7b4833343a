"""Reminders: due dates as a plain loop gives them, once by key, overdue in sight for a bounded time."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.clock import add_months
from riskengine.errors import UsageError
from riskengine.monitor.due_dates import months_later, working_day
from riskengine.monitor.evaluate import Night
from riskengine.monitor.frames import reminders_bytes
from riskengine.monitor.plan import COLUMNS, Reach, alerted, plan
from riskengine.monitor.reminders import Reminder, read_reminders
from riskengine.monitor.vocabulary import Vocabulary
from riskengine.working_days import WorkSpan, read_calendar

WORDS = {"en": "due {due}", "zh": "到期 {due}"}
DAYS = st.dates(date(2017, 1, 1), date(2026, 12, 31))
CHINA = read_calendar("CN")
NO_FEEDS = pd.DataFrame({"source": []})


def reminder(**more: object) -> Reminder:
    block = {"id": "R", "title": WORDS, "base": "begun", "leads": [30, 7, 0], "text": WORDS, "action": WORDS,
             "owner": WORDS, "reference": "test"}  # fmt: skip
    return Reminder.model_validate(block | more)


def book(begun: list[date | None], grades: list[str], **more: list[object]) -> pd.DataFrame:
    size = len(begun)
    return pd.DataFrame({"id": [str(n) for n in range(size)], "enterprise_id": "E", "begun": pd.to_datetime(pd.Series(begun)),
                         "grade": grades, "expected_loss": 1.0, "exposure": 1.0, **more})  # fmt: skip


@given(st.lists(st.tuples(DAYS, st.integers(-400, 400)), min_size=1, max_size=20))
@settings(deadline=None)
def test_months_in_arrays_are_the_clocks(pairs: list[tuple[date, int]]) -> None:
    days = np.array([day for day, _ in pairs], dtype="datetime64[D]")
    got = months_later(days, np.array([months for _, months in pairs]))
    assert got.astype(object).tolist() == [add_months(day, months) for day, months in pairs]


@given(
    begun=DAYS, as_of=DAYS, grade=st.sampled_from("ABC"), plus=st.sampled_from(["0d", "30d", "84m", "-60d", "5wd", "-10wd"]),
    shift=st.sampled_from(["before", "after", "none"]), every=st.sampled_from(["", "1m", {"A": "12m", "B": "3m"}]),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_due_dates_as_a_plain_loop_gives_them(  # noqa: PLR0917
    begun: date, as_of: date, grade: str, plus: str, shift: str, every: object
) -> None:
    one = reminder(plus=plus, shift=shift, every=every, keep_days=30)
    span = WorkSpan.parse(plus.removeprefix("-"))
    first = span.before(begun, CHINA) if plus.startswith("-") else span.after(begun, CHINA)
    step = one.interval_months(grade)
    if not every:
        candidates = [first]
    else:
        candidates = [add_months(first, step * n) for n in range(1, 400)] if step else []
    wanted = [working_day(day, shift, CHINA) for day in candidates]
    wanted = [day for day in wanted if -30 <= (day - as_of).days <= 30]
    found = plan((one,), book([begun], [grade]), NO_FEEDS, Night(as_of)).reminders
    assert found.due.tolist() == wanted
    assert found["key"].is_unique
    assert found.base.tolist() == [begun] * len(wanted)
    for row in found.itertuples():
        assert row.status == ("overdue" if row.due < as_of else "due" if row.due == as_of else "upcoming")
        assert row.lead == min(lead for lead in (30, 7, 0) if lead >= row.days_left)
        assert row.provisional == (row.due.year > 2026)


def test_a_key_is_new_once_raised_at_each_lead_and_overdue_stays_for_its_time() -> None:
    one = reminder(plus="30d", keep_days=30)
    frame = book(
        [date(2006, 1, 2), None], ["A", "A"]
    )  # Wednesday 2006-02-01 is Spring Festival: the Saturday before it is worked
    seen, previous = [], None
    for day in (
        date(2006, 1, 2),
        date(2006, 1, 3),
        date(2006, 1, 25),
        date(2006, 1, 28),
        date(2006, 2, 27),
        date(2006, 2, 28),
    ):
        made = plan((one,), frame, NO_FEEDS, Night(day, previous=previous))
        previous = made.reminders
        seen.append([(row.state, row.status, row.first_shown) for row in previous.itertuples()])
        assert made.counts.not_evaluable.tolist() == [1]
    start = date(2006, 1, 2)
    assert seen == [[("new", "upcoming", start)], [("continuing", "upcoming", start)], [("raised", "upcoming", start)],
                    [("raised", "due", start)], [("continuing", "overdue", start)], []]  # fmt: skip
    assert made.ended[["id", "why"]].to_numpy().tolist() == [["0", "over"]]


def test_a_better_grade_replans_but_does_not_hide_what_became_due() -> None:
    one = reminder(every={"A": "12m", "B": "1m"}, keep_days=30)
    frame = book([date(2006, 1, 10)], ["B"])
    before = plan((one,), frame, NO_FEEDS, Night(date(2006, 2, 6)))
    assert date(2006, 2, 10) in before.reminders.due.tolist()
    night = Night(date(2006, 2, 20), previous=before.reminders)
    better = plan((one,), frame.assign(grade="A"), NO_FEEDS, night)
    assert better.reminders[["due", "status", "days_left"]].to_numpy().tolist() == [
        [date(2006, 2, 10), "overdue", -10]
    ]
    gone = plan((one,), frame.head(0), NO_FEEDS, night)
    assert gone.reminders.empty
    assert set(gone.ended.why) == {"left"}


def test_a_changed_date_is_planned_anew_and_the_old_one_leaves_as_replaced() -> None:
    one = reminder(keep_days=30)
    before = plan((one,), book([date(2025, 6, 3)], ["A"]), NO_FEEDS, Night(date(2025, 6, 1)))
    moved = plan(
        (one,), book([date(2025, 6, 24)], ["A"]), NO_FEEDS, Night(date(2025, 6, 6), previous=before.reminders)
    )
    assert moved.reminders[["due", "state"]].to_numpy().tolist() == [[date(2025, 6, 24), "new"]]
    assert moved.ended[["due", "why"]].to_numpy().tolist() == [[date(2025, 6, 3), "replaced"]]
    unknown = plan((one,), book([None], ["A"]), NO_FEEDS, Night(date(2025, 6, 6), previous=before.reminders))
    assert unknown.reminders.due.tolist() == [date(2025, 6, 3)], "what was due is not hidden by not knowing"


def test_a_stop_counts_only_when_it_is_definitely_true() -> None:
    one = reminder(
        stop=[{"feature": "open", "op": "==", "value": 0}, {"feature": "seen", "op": "==", "value": 1}]
    )
    frame = book(
        [date(2025, 6, 3)] * 4, list("AAAA"), open=[0.0, 0.0, np.nan, 1.0], seen=[1.0, np.nan, 1.0, 1.0]
    )
    night = Night(date(2025, 6, 1))
    assert plan((one,), frame, NO_FEEDS, night).reminders.id.tolist() == ["1", "2", "3"]
    silent = Night(date(2025, 6, 1), stale=frozenset({"open"}))
    assert plan((one,), frame, NO_FEEDS, silent).reminders.id.tolist() == ["0", "1", "2", "3"]
    all_open = frame.assign(open=1.0)
    late = Night(date(2025, 6, 5), previous=plan((one,), all_open, NO_FEEDS, night).reminders)
    done = plan((one,), frame, NO_FEEDS, late)
    assert done.ended[["id", "why"]].to_numpy().tolist() == [["0", "done"]]


def test_terms_pick_the_first_that_holds_or_an_earlier_date_that_cannot_be_ruled_out() -> None:
    terms = [
        {"when": [{"feature": "class", "op": ">=", "value": 2}], "plus": "1m"},
        {"when": [{"feature": "agreed", "op": "known"}], "months": "agreed"},
        {"base": ["other", "begun"], "plus": "10wd"},
    ]
    frame = book([date(2025, 3, 31)] * 4, list("AAAA"), agreed=[3.0, 3.0, np.nan, np.nan],
                 other=pd.to_datetime([None, None, None, date(2025, 3, 3)]), **{"class": [2.0, np.nan, np.nan, 1.0]})  # fmt: skip
    first = reminder(base="begun", terms=terms, leads=[120], keep_days=0, shift="none")
    found = plan((first,), frame, NO_FEEDS, Night(date(2025, 3, 10))).reminders
    assert dict(zip(found.id, found.due, strict=True)) == {
        "0": date(2025, 4, 30), "1": date(2025, 4, 30), "2": date(2025, 4, 15), "3": date(2025, 3, 17)}  # fmt: skip
    assert dict(zip(found.id, found.uncertain, strict=True)) == {
        "0": False,
        "1": True,
        "2": False,
        "3": False,
    }, "2: the date that counts is certain"
    assert found.text_en.str.contains("condition unknown").tolist() == found.uncertain.tolist()
    each = first.model_copy(update={"pick": "each"})
    found = plan((each,), frame.head(1), NO_FEEDS, Night(date(2025, 3, 10))).reminders
    assert found.due.tolist() == [date(2025, 4, 15), date(2025, 4, 30), date(2025, 6, 30)]


def test_what_data_can_tell_stays_overdue_until_they_do() -> None:
    """With a stop, or a date that moves on, nothing vanishes by its age; without either it goes after its days."""
    stop = {"stop": [{"feature": "open", "op": "==", "value": 0}]}
    kinds: list[dict[str, object]] = [stop, {"moves": True}, {}, {**stop, "keep_days": 15}]
    assert [reminder(**more).past for more in kinds] == [None, None, 30, 15]
    frame = book([date(2025, 1, 6)], ["A"], open=[np.nan])
    for more, shown in zip(kinds, (True, True, False, False), strict=True):
        one, previous = reminder(**more), None
        for day in (date(2025, 1, 6), date(2025, 1, 20), date(2025, 12, 1)):
            made = plan((one,), frame, NO_FEEDS, Night(day, previous=previous))
            previous = made.reminders
        alone = plan((one,), frame, NO_FEEDS, Night(date(2025, 12, 1)))  # also without the nights between
        assert [len(made.reminders), len(alone.reminders), int(made.counts.overdue[0])] == [int(shown)] * 3
        if shown:
            assert previous is not None
            assert previous[["status", "days_left"]].to_numpy().tolist() == [["overdue", -329]]
    moved = plan((reminder(moves=True),), book([date(2025, 11, 3)], ["A"]), NO_FEEDS,
                 Night(date(2025, 12, 2), previous=plan((reminder(moves=True),), frame, NO_FEEDS, Night(date(2025, 12, 1))).reminders))  # fmt: skip
    assert moved.reminders.due.tolist() == [date(2025, 11, 3)]
    assert moved.ended.why.tolist() == ["replaced"]
    yearly = reminder(base="", start=date(2018, 6, 30), every="12m", shift="none", **stop)
    found = plan((yearly,), frame, NO_FEEDS, Night(date(2025, 12, 1)))
    assert found.reminders.due.tolist() == [date(2025, 6, 30)], "of those that repeat the last"
    assert plan((yearly,), frame.assign(open=0.0), NO_FEEDS, Night(date(2025, 12, 1))).reminders.empty


def test_an_unknown_condition_is_shown_and_says_so() -> None:
    one = reminder(when=[{"feature": "open", "op": "==", "value": 1}])
    frame = book([date(2025, 6, 3)] * 3, list("AAA"), open=[1.0, 0.0, np.nan])
    made = plan((one,), frame, NO_FEEDS, Night(date(2025, 6, 1)))
    assert made.reminders[["id", "uncertain"]].to_numpy().tolist() == [["0", False], ["2", True]]
    assert made.counts.not_evaluable.tolist() == [1]
    night = Night(date(2025, 6, 5), previous=made.reminders)
    known = plan((one,), frame.assign(open=0.0), NO_FEEDS, night)
    assert "2" not in set(known.reminders.id), "what was not known is known: it was nothing to be reminded of"


def test_it_is_raised_again_after_it_was_due() -> None:
    one = reminder(leads=[0], after=[3, 7], keep_days=10, shift="none")
    frame, previous, seen = book([date(2025, 6, 7)], ["A"]), None, []
    for ahead in range(-1, 12):
        previous = plan(
            (one,), frame, NO_FEEDS, Night(date(2025, 6, 7) + timedelta(days=ahead), previous=previous)
        ).reminders
        seen += [(ahead, row.state, row.lead) for row in previous.itertuples() if row.state != "continuing"]
    assert seen == [(0, "new", 0), (3, "raised", -3), (7, "raised", -7)]
    assert previous is not None
    assert previous.empty


def test_leads_in_working_days_reach_over_the_holidays() -> None:
    one = reminder(leads=["3wd", 0], shift="none")
    frame = book([date(2026, 2, 25)], ["A"])  # the second working day after Spring Festival
    shown = [
        day
        for day in range(10, 26)
        if len(plan((one,), frame, NO_FEEDS, Night(date(2026, 2, day))).reminders)
    ]
    assert shown[0] == 13, "24, 14 and 13 February are the three working days before"
    assert shown == list(range(13, 26))


def test_a_year_that_is_not_announced_is_called_provisional() -> None:
    frame = book([date(2045, 10, 3)], ["A"])
    row = plan((reminder(),), frame, NO_FEEDS, Night(date(2045, 9, 28))).reminders.iloc[0]
    assert row.provisional
    assert "provisional" in row.text_en
    assert "尚未公布" in row.text_zh
    us = plan(
        (reminder(),), frame, NO_FEEDS, Night(date(2045, 9, 28)), Reach(read_calendar("US"))
    ).reminders.iloc[0]
    assert (us.provisional, us.text_en) == (False, "due 2045-10-03")


def test_a_population_has_its_own_rows_and_one_that_was_never_loaded_none() -> None:
    one = reminder(about="claim", base="paid")
    paid = pd.DataFrame({"id": ["G1"], "enterprise_id": ["E1"], "paid": pd.to_datetime(["2025-06-03"])})
    night = Night(date(2025, 6, 1))
    found = plan((one,), book([], []), NO_FEEDS, night, Reach(CHINA, {"claim": paid}))
    assert found.reminders[["about", "id", "enterprise"]].to_numpy().tolist() == [["claim", "G1", "E1"]]
    assert plan((one,), book([], []), NO_FEEDS, night).counts.looked_at.tolist() == [0]


def test_red_and_orange_signals_date_the_guarantees_they_are_about() -> None:
    signals = pd.DataFrame({
        "about": ["guarantee", "guarantee", "guarantee", "bank"], "id": ["0", "0", "1", "0"],
        "severity": ["red", "orange", "yellow", "red"],
        "raised_on": [date(2025, 6, 9), date(2025, 6, 2), date(2025, 6, 2), date(2025, 1, 1)]})  # fmt: skip
    found = alerted(book([None, None], ["A", "A"]), signals)
    assert found.alerted_on.dt.date.tolist()[0] == date(2025, 6, 2)
    assert found.alerted_again_on.dt.date.tolist()[0] == date(2025, 6, 9)
    assert found.loc[1, ["alerted_on", "alerted_again_on"]].isna().all()
    terms = [{"base": "alerted_on", "plus": "5wd"}, {"base": "alerted_again_on", "plus": "5wd"}]
    one = reminder(base="", terms=terms, pick="each")
    planned = plan(
        (one,), book([None, None], ["A", "A"]), NO_FEEDS, Night(date(2025, 6, 9)), Reach(signals=signals)
    )
    assert planned.reminders.due.tolist() == [date(2025, 6, 9), date(2025, 6, 16)]


def test_a_silent_feed_is_reminded_of_and_an_empty_book_gives_the_same_columns() -> None:
    one = reminder(about="source", base="stale_on", text={"en": "silent {days_silent:.0f}", "zh": "静默"})
    feeds = pd.DataFrame({"source": ["macro"], "stale_on": [date(2006, 3, 1)], "days_silent": [110.0]})
    empty = book([], []).assign(begun=pd.to_datetime([]))
    found = plan((one,), empty, feeds, Night(date(2006, 3, 3))).reminders
    assert found[["id", "status", "text_en"]].to_numpy().tolist() == [["macro", "overdue", "silent 110"]]
    none = plan((reminder(),), empty, feeds, Night(date(2006, 3, 3))).reminders
    assert list(none.columns) == list(COLUMNS)
    assert reminders_bytes(none)


def test_days_not_worked_move_deadlines_earlier_and_visits_later() -> None:
    days = [date(2025, 12, 25) + timedelta(days=n) for n in range(300)]
    for day in days:
        assert CHINA.is_working(working_day(day, "before", CHINA))
        assert CHINA.is_working(working_day(day, "after", CHINA))
        assert working_day(day, "before", CHINA) <= day <= working_day(day, "after", CHINA)
        assert working_day(day, "none", CHINA) == day


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "reminders.toml"
    block = """
[[reminder]]
id = "ID"
title = { en = "a", zh = "a" }
base = "BASE"
every = { "EVERY" = "6m" }
leads = [7]
text = { en = "a", zh = "a" }
action = { en = "a", zh = "a" }
owner = { en = "a", zh = "a" }
reference = "a"
"""
    path.write_text(
        block.replace("ID", "A").replace("BASE", "begn").replace("EVERY", "1")
        + block.replace("ID", "B").replace("BASE", "pd").replace("EVERY", "11")
        + block.replace("ID", "C").replace("BASE", "begun").replace('{ "EVERY" = "6m" }', '"10d"')
        + block.replace("ID", "D").replace("BASE", "begun").replace("[7]", '["7 wd"]')
        + block.replace("ID", "E").replace("BASE", "begun").replace('every = { "EVERY" = "6m" }', 'plus = "soon"')
        + block.replace("ID", "F").replace("BASE", "begun").replace('every = { "EVERY" = "6m" }', 'about = "clam"')
    )  # fmt: skip
    with pytest.raises(UsageError) as raised:
        read_reminders(path, Vocabulary({}, {"begun": "date"}, populations=("claim",)), ("1", "2"))
    told = str(raised.value)
    for part in (
        "Did you mean 'begun'?",
        "expected a date, got pd is a number",
        "grades of 1, 2, got '11'",
        "'10d'",
        "working days such as 3wd",
        "soon",
        "Did you mean 'claim'?",
    ):
        assert part in told
