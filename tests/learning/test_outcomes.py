"""Labels and maturity against a plain loop."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.clock import Span
from riskengine.learning.outcomes import Question, outcomes, panel_dates, shift

DAYS = st.integers(0, 800).map(lambda n: date(2003, 12, 29) + timedelta(days=n))
SUBJECTS = st.lists(st.tuples(st.sampled_from("abc"), DAYS), min_size=1, max_size=8)
EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), DAYS, st.integers(0, 90)), max_size=8)
SPANS = st.sampled_from([Span(months=1), Span(months=12), Span(days=30), Span(months=2, days=3)])


@given(st.lists(DAYS, min_size=1), SPANS)
def test_shift_is_the_clocks(days: list[date], span: Span) -> None:
    got = shift(np.array(days, dtype="M8[D]"), span)
    assert list(got.astype(object)) == [span.after(day) for day in days]


@settings(max_examples=150, deadline=None)
@given(SUBJECTS, EVENTS, SPANS, DAYS, st.sampled_from([Span(), Span(days=45)]))
def test_labels_are_those_of_a_plain_loop(
    subjects: list[tuple[str, date]],
    events: list[tuple[str, date, int]],
    horizon: Span,
    trained: date,
    lag: Span,
) -> None:
    question = Question(horizon, trained, lag)
    left = frame(["subject", "as_of"], subjects)
    right = frame(
        ["subject", "event_date", "known_at"], [(s, d, d + timedelta(days=k)) for s, d, k in events]
    )
    got = outcomes(left, right, question)
    for (subject, as_of), line in zip(subjects, got.itertuples(), strict=True):
        hits = [
            day
            for name, day, late in events
            if name == subject
            and as_of < day <= horizon.after(as_of)
            and day + timedelta(days=late) <= trained
        ]
        assert line.label == bool(hits)
        hidden = any(
            name == subject and day <= as_of < day + timedelta(days=late) <= trained
            for name, day, late in events
        )
        assert line.mature == (lag.after(horizon.after(as_of)) <= trained and not hidden)
        assert (line.event_date.date() == min(hits)) if hits else pd.isna(line.event_date)


def frame(names: list[str], rows: list[tuple]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=names)
    for name in names[1:]:
        made[name] = pd.to_datetime(made[name]).astype("datetime64[s]")
    return made.astype({"subject": "str"})


def test_what_becomes_known_later_changes_no_label_of_today() -> None:
    left = frame(["subject", "as_of"], [("a", date(2004, 1, 1))])
    question = Question(Span(months=12), date(2005, 3, 1))
    early = frame(["subject", "event_date", "known_at"], [("a", date(2004, 5, 1), date(2005, 3, 1))])
    late = early.assign(known_at=pd.Timestamp("2005-03-02"))
    assert outcomes(left, early, question)["label"].tolist() == [1]
    assert outcomes(left, late, question)["label"].tolist() == [0]


def test_panel_dates_end_at_the_latest_month_end() -> None:
    got = panel_dates(date(2004, 1, 1), date(2004, 12, 15), Span(months=3))
    assert got == [date(2004, 2, 29), date(2004, 5, 31), date(2004, 8, 31), date(2004, 11, 30)]
