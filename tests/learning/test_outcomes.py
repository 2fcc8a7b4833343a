"""Labels and maturity against a plain loop."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.clock import Span, add_months
from riskengine.learning.ladder import COLUMNS
from riskengine.learning.outcomes import (
    LEARNED,
    Question,
    outcomes,
    panel_dates,
    person_months,
    shift,
    statuses,
)
from riskengine.learning.spec_blocks import Label

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


RUNGS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(("late", "gone", "paid", "longer")),
        DAYS,
        st.integers(0, 90),
        st.booleans(),
        st.none() | st.tuples(st.integers(1, 300), st.integers(0, 90)),
    ),
    max_size=8,
)
MEANING = Label(source="x", excluded=("gone",), indeterminate=("late",), competing=("paid", "longer"))


def ladder_frame(rungs: list[tuple]) -> pd.DataFrame:
    rows = []
    for subject, rung, day, late, lasts, left in rungs:
        over = day + timedelta(days=left[0]) if lasts and left else None
        told = over + timedelta(days=left[1]) if over else None
        rows.append((subject, rung, day, day + timedelta(days=late), lasts, over, told))
    made = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"subject": "str", "rung": "str", "lasts": bool})
    for name in ("event_date", "known_at", "left", "left_known"):
        made[name] = pd.to_datetime(made[name]).astype("datetime64[s]")
    return made


def slow_status(
    row: tuple[str, date], events: list[tuple], rungs: list[dict], question: Question, meaning: Label
) -> str:
    """The module's list of statuses, read line by line for one row."""
    subject, as_of = row
    end, trained = question.horizon.after(as_of), question.trained_as_of
    mine = [(day, day + timedelta(days=late)) for name, day, late in events if name == subject]
    seen = [rung for rung in rungs if rung["subject"] == subject and rung["known_at"] <= trained]
    if any(day <= as_of < told <= trained for day, told in mine):
        return "hidden"
    for rung in seen:
        if rung["rung"] in meaning.excluded and rung["event_date"] <= as_of and rung["known_at"] <= as_of:
            cured = rung["left"] and rung["left"] <= as_of and rung["left_known"] <= as_of
            if not cured:
                return "excluded"
    if question.lag.after(end) > trained:
        return "immature"
    if any(as_of < day <= end and told <= trained for day, told in mine):
        return "bad"
    for rung in seen:
        if rung["rung"] not in meaning.indeterminate or rung["event_date"] > end:
            continue
        cured = rung["left"] and rung["left"] <= end and rung["left_known"] <= trained
        if (rung["lasts"] and not cured) or (not rung["lasts"] and rung["event_date"] > as_of):
            return "indeterminate"
    if any(rung["rung"] in meaning.competing and as_of < rung["event_date"] <= end for rung in seen):
        return "competing"
    return "good"


@settings(max_examples=120, deadline=None)
@given(SUBJECTS, EVENTS, RUNGS, DAYS, st.tuples(SPANS, st.sampled_from([Span(), Span(days=45)])))
def test_statuses_are_those_of_a_slow_reader_and_no_immature_row_is_learned_from(
    subjects: list[tuple[str, date]],
    events: list[tuple[str, date, int]],
    rungs: list[tuple],
    trained: date,
    spans: tuple[Span, Span],
) -> None:
    question = Question(spans[0], trained, spans[1])
    left = frame(["subject", "as_of"], subjects)
    right = frame(
        ["subject", "event_date", "known_at"], [(s, d, d + timedelta(days=k)) for s, d, k in events]
    )
    ladder = ladder_frame(rungs)
    plain = [
        {name: value.date() if isinstance(value, pd.Timestamp) else value for name, value in line.items()}
        for line in ladder.astype(object).where(ladder.notna(), None).to_dict("records")
    ]
    found = outcomes(left, right, question)
    got = statuses(left, found, ladder, question, MEANING)
    assert got.tolist() == [slow_status(row, events, plain, question, MEANING) for row in subjects]
    for (_, as_of), status, label in zip(subjects, got, found["label"], strict=True):
        if status in LEARNED:
            assert spans[1].after(spans[0].after(as_of)) <= trained
            assert (status == "bad") == (label == 1)
    none = statuses(left, found, ladder, question, Label(source="x"))
    assert none.isin(LEARNED).tolist() == found["mature"].tolist(), (
        "without rungs: as before there was a ladder"
    )


@settings(max_examples=100, deadline=None)
@given(SUBJECTS, EVENTS, EVENTS, DAYS, st.sampled_from([Span(), Span(days=45), Span(months=2)]))
def test_person_months_are_those_of_a_plain_loop(
    subjects: list[tuple[str, date]],
    events: list[tuple[str, date, int]],
    exits: list[tuple[str, date, int]],
    trained: date,
    lag: Span,
) -> None:
    columns = ["subject", "event_date", "known_at"]
    tables = [
        frame(columns, [(s, d, d + timedelta(days=k)) for s, d, k in listed]) for listed in (events, exits)
    ]
    left, question = frame(["subject", "as_of"], subjects), Question(Span(months=12), trained, lag)
    got = person_months(left, *tables, question)
    label = outcomes(left, tables[0], question)
    for number, (subject, as_of) in enumerate(subjects):
        followed = 0
        while lag.after(add_months(as_of, followed + 1)) <= trained:
            followed += 1
        leads = []
        for listed in (events, exits):
            days = [
                d for s, d, k in listed if s == subject and d > as_of and d + timedelta(days=k) <= trained
            ]
            months = [
                month
                for month in range(1, followed + 1)
                if any(add_months(as_of, month - 1) < day <= add_months(as_of, month) for day in days)
            ]
            leads.append(min(months, default=0))
        assert got.iloc[number].tolist() == [*leads, followed]
        if label["mature"].iloc[number]:
            assert label["label"].iloc[number] == (1 <= leads[0] <= 12)
