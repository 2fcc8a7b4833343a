"""In which order do a source's facts stand (law 1: event, known, batch, row), as one whole number a fact? Without any heavy import."""

from __future__ import annotations

from datetime import date, timedelta

FIRST_DAY = date(1800, 1, 1)
DAY_BITS, SEQUENCE_BITS = 17, 29
LAST_DAY = FIRST_DAY + timedelta((1 << DAY_BITS) - 2)  # 2158-11-08: the day after is `OWN_RANK`'s
MOST_OF_TWO_DAYS = (1 << SEQUENCE_BITS) - 1
OWN_RANK = ((1 << DAY_BITS) - 1) << (DAY_BITS + SEQUENCE_BITS)
"""The first rank of an applicant's own rows, which come after every stored fact."""


def fact_rank(event_date: date, known_at: date, sequence: int) -> int:
    """The rank of a fact: event day, known day, then the `sequence` (from 1) by (batch, row) among the source's facts of
    the same two days, so that later deliveries leave the ranks of earlier facts as they are.

    A rank takes 63 bits, so none may pass through a float. `ValueError` beyond the days and the sequence that fit.

    >>> fact_rank(date(2006, 1, 31), date(2006, 2, 1), 1) < fact_rank(date(2006, 1, 31), date(2006, 2, 1), 2) < OWN_RANK
    True
    >>> fact_rank(date(1799, 12, 31), date(2006, 2, 1), 1)
    Traceback (most recent call last):
    ...
    ValueError: no rank for 1799-12-31, 2006-02-01, 1
    """
    within = min(event_date, known_at) >= FIRST_DAY and max(event_date, known_at) <= LAST_DAY
    if not within or not 0 < sequence <= MOST_OF_TWO_DAYS:
        raise ValueError(f"no rank for {event_date}, {known_at}, {sequence}")
    event, known = (event_date - FIRST_DAY).days, (known_at - FIRST_DAY).days
    return (event << DAY_BITS + SEQUENCE_BITS) | (known << SEQUENCE_BITS) | sequence


def rank_sql(event_date: str, known_at: str, sequence: str) -> str:
    """`fact_rank` of SQL expressions, in DuckDB.

    >>> rank_sql("e", "k", "n")
    "((e - DATE '1800-01-01')::BIGINT << 46) | ((k - DATE '1800-01-01')::BIGINT << 29) | n"
    """
    event, known = (f"({day} - DATE '{FIRST_DAY}')::BIGINT" for day in (event_date, known_at))
    return f"({event} << {DAY_BITS + SEQUENCE_BITS}) | ({known} << {SEQUENCE_BITS}) | {sequence}"
