"""Reminders: due dates as a plain loop gives them, once by key, overdue in sight for a bounded time."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.clock import Span, add_months
from riskengine.errors import UsageError
from riskengine.monitor.evaluate import Night
from riskengine.monitor.plan import COLUMNS, months_later, plan, working_day
from riskengine.monitor.reminders import Reminder, read_reminders
from riskengine.monitor.vocabulary import Vocabulary

WORDS = {"en": "due {due}", "zh": "到期 {due}"}
DAYS = st.dates(date(1990, 1, 1), date(2010, 12, 31))


def reminder(**more: object) -> Reminder:
    block = {"id": "R", "title": WORDS, "base": "begun", "leads": [30, 7, 0], "text": WORDS, "action": WORDS,
             "owner": WORDS, "reference": "test"}  # fmt: skip
    return Reminder.model_validate(block | more)


def book(begun: list[date | None], grades: list[str]) -> pd.DataFrame:
    size = len(begun)
    return pd.DataFrame({"id": [str(n) for n in range(size)], "enterprise_id": "E", "begun": pd.to_datetime(pd.Series(begun)),
                         "grade": grades, "expected_loss": 1.0, "exposure": 1.0})  # fmt: skip


NO_FEEDS = pd.DataFrame({"source": []})


@given(st.lists(st.tuples(DAYS, st.integers(-400, 400)), min_size=1, max_size=20))
@settings(deadline=None)
def test_months_in_arrays_are_the_clocks(pairs: list[tuple[date, int]]) -> None:
    days = np.array([day for day, _ in pairs], dtype="datetime64[D]")
    got = months_later(days, np.array([months for _, months in pairs]))
    assert got.astype(object).tolist() == [add_months(day, months) for day, months in pairs]


@given(
    begun=DAYS, as_of=DAYS, grade=st.sampled_from("ABC"), plus=st.sampled_from(["0d", "30d", "84m"]),
    weekend=st.sampled_from(["before", "after"]), every=st.sampled_from(["", "1m", {"A": "12m", "B": "3m"}]),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_due_dates_as_a_plain_loop_gives_them(  # noqa: PLR0917
    begun: date, as_of: date, grade: str, plus: str, weekend: str, every: object
) -> None:
    one = reminder(plus=plus, weekend=weekend, every=every, keep_days=30)
    first = Span.parse(plus).after(begun)
    step = one.interval_months(grade)
    if not every:
        candidates = [first]
    else:
        candidates = [add_months(first, step * n) for n in range(1, 400)] if step else []
    wanted = [working_day(day, weekend) for day in candidates]
    wanted = [day for day in wanted if -30 <= (day - as_of).days <= 30]
    found = plan((one,), book([begun], [grade]), NO_FEEDS, Night(as_of)).reminders
    assert found.due.tolist() == wanted
    assert found["key"].is_unique
    for row in found.itertuples():
        assert row.status == ("overdue" if row.due < as_of else "due" if row.due == as_of else "upcoming")
        assert row.lead == min(lead for lead in (30, 7, 0) if lead >= row.days_left)


def test_a_key_is_new_once_and_overdue_stays_for_its_time() -> None:
    one = reminder(plus="30d", keep_days=30)
    frame = book([date(2006, 1, 2), None], ["A", "A"])  # due on Wednesday 2006-02-01
    seen, previous = [], None
    for day in (date(2006, 1, 2), date(2006, 1, 31), date(2006, 2, 28), date(2006, 3, 3), date(2006, 3, 4)):
        made = plan((one,), frame, NO_FEEDS, Night(day, previous=previous))
        previous = made.reminders
        seen.append([(row.state, row.status, row.first_shown) for row in previous.itertuples()])
        assert made.counts.not_evaluable.tolist() == [1]
    start = date(2006, 1, 2)
    assert seen == [[("new", "upcoming", start)], [("continuing", "upcoming", start)],
                    [("continuing", "overdue", start)], [("continuing", "overdue", start)], []]  # fmt: skip


def test_a_better_grade_replans_but_does_not_hide_what_became_due() -> None:
    one = reminder(every={"A": "12m", "B": "1m"}, keep_days=30)
    frame = book([date(2006, 1, 10)], ["B"])
    before = plan((one,), frame, NO_FEEDS, Night(date(2006, 2, 6)))
    assert date(2006, 2, 10) in before.reminders.due.tolist()
    better = plan(
        (one,), frame.assign(grade="A"), NO_FEEDS, Night(date(2006, 2, 20), previous=before.reminders)
    )
    assert better.reminders[["due", "status", "days_left"]].to_numpy().tolist() == [
        [date(2006, 2, 10), "overdue", -10]
    ]
    assert plan(
        (one,), frame.head(0), NO_FEEDS, Night(date(2006, 2, 20), previous=before.reminders)
    ).reminders.empty


def test_a_silent_feed_is_reminded_of_and_an_empty_book_gives_the_same_columns() -> None:
    one = reminder(about="source", base="stale_on", text={"en": "silent {days_silent:.0f}", "zh": "静默"})
    feeds = pd.DataFrame({"source": ["macro"], "stale_on": [date(2006, 3, 1)], "days_silent": [110.0]})
    empty = book([], []).assign(begun=pd.to_datetime([]))
    found = plan((one,), empty, feeds, Night(date(2006, 3, 3))).reminders
    assert found[["id", "status", "text_en"]].to_numpy().tolist() == [["macro", "overdue", "silent 110"]]
    assert list(plan((reminder(),), empty, feeds, Night(date(2006, 3, 3))).reminders.columns) == list(COLUMNS)


def test_weekends_move_deadlines_earlier_and_visits_later() -> None:
    days = [date(2006, 1, 1) + timedelta(days=n) for n in range(60)]
    for day in days:
        assert working_day(day, "before").weekday() < 5
        assert working_day(day, "after").weekday() < 5
        assert working_day(day, "before") <= day <= working_day(day, "after")


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
    )  # fmt: skip
    with pytest.raises(UsageError) as raised:
        read_reminders(path, Vocabulary({}, {"begun": "date"}), ("1", "2"))
    told = str(raised.value)
    for part in (
        "Did you mean 'begun'?",
        "expected a date, got pd is a number",
        "grades of 1, 2, got '11'",
        "'10d'",
    ):
        assert part in told
