"""Are working days counted as China's State Council announced them, make-up days and all?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.working_days import WorkSpan, read_calendar

CHINA = read_calendar("CN")
# The State Council's notice for 2026, copied by hand (holidays first and last day; make-up days)
HOLIDAYS_2026 = [
    ((1, 1), (1, 3)), ((2, 15), (2, 23)), ((4, 4), (4, 6)), ((5, 1), (5, 5)), ((6, 19), (6, 21)),
    ((9, 25), (9, 27)), ((10, 1), (10, 7)),
]  # fmt: skip
MADE_UP_2026 = {(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)}
DAYS = st.dates(date(2017, 1, 1), date(2028, 12, 31))


def slow_add(day: date, n: int) -> date:
    """One calendar day at a time."""
    step = timedelta(days=1 if n > 0 else -1)
    for _ in range(abs(n)):
        day += step
        while not CHINA.is_working(day):
            day += step
    return day


def test_the_whole_of_2026_is_as_the_notice_says() -> None:
    day = date(2026, 1, 1)
    while day.year == 2026:
        free = any(date(2026, *a) <= day <= date(2026, *b) for a, b in HOLIDAYS_2026)
        worked = (day.month, day.day) in MADE_UP_2026 or (day.weekday() < 5 and not free)
        assert CHINA.is_working(day) == worked, day
        day += timedelta(days=1)


@given(DAYS, st.integers(-40, 40))
def test_adding_is_as_walking(day: date, n: int) -> None:
    assert CHINA.add(day, n) == slow_add(day, n)


@given(DAYS, DAYS)
def test_between_counts_the_days_walked(start: date, end: date) -> None:
    if end < start:
        worked = [end + timedelta(days=n) for n in range((start - end).days)]
    else:
        worked = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    count = sum(map(CHINA.is_working, worked))
    assert CHINA.between(start, end) == (count if end >= start else -count)


@given(DAYS)
def test_the_nearest_working_day_is_the_nearest(day: date) -> None:
    before, after = CHINA.on_or_before(day), CHINA.on_or_after(day)
    assert before <= day <= after
    assert CHINA.is_working(before)
    assert CHINA.is_working(after)
    assert (before == day) == (after == day) == CHINA.is_working(day)
    assert CHINA.between(before, after) == int(before != after)


def test_a_year_not_yet_announced_is_provisional() -> None:
    assert CHINA.announced(2025)
    assert CHINA.announced(2026)
    assert not CHINA.announced(2050)
    assert read_calendar("US").announced(2050)


def test_another_country_has_its_own_days() -> None:
    us = read_calendar("US")
    assert us.on_or_before(date(2026, 7, 3)) == date(2026, 7, 2)  # Independence Day, observed on the Friday
    assert CHINA.is_working(date(2026, 7, 3))


def test_the_last_day_there_is_has_a_working_day_before_it() -> None:
    assert CHINA.on_or_before(date.max) <= date.max


def test_a_span_may_be_in_working_days() -> None:
    assert WorkSpan.parse(" 3wd ").before(date(2026, 2, 24), CHINA) == date(2026, 2, 12)
    assert WorkSpan.parse("1m").after(date(2026, 1, 31), CHINA) == date(2026, 2, 28)
    assert [str(WorkSpan.parse(text)) for text in ("3wd", "90d", "2y")] == ["3wd", "90d", "24m"]
    with pytest.raises(UsageError, match="3wd"):
        WorkSpan.parse("3 weeks")


def test_an_unknown_country_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"got 'cn'.*'CN'|got 'cn'.*Known"):
        read_calendar("cn")
