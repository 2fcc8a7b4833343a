"""Random small worlds: rows in every source, subjects with null keys, rows that subjects bring themselves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from small_world import Row

from riskengine.profile.compute import Subject

DAYS = [date.fromisoformat(day) for day in (
    "2023-01-31", "2023-02-28", "2023-03-31", "2024-01-29", "2024-01-31", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-29",
    "2024-03-30", "2024-03-31", "2024-04-30", "2024-05-31", "2025-02-28")]  # fmt: skip
K = st.sampled_from(["x", "x", "y", "y", "z", None])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, list[Row]], list[Subject], list[tuple[int, Row]]]:
    """A few rows for each source, subjects with null keys, and rows that fed subjects bring."""

    def row(number: int, ids: str, known: date | None = None) -> Row:
        event = draw(st.sampled_from(DAYS))
        values: dict[str, Any] = {
            "id": draw(st.sampled_from(ids)), "k1": draw(K), "k2": draw(K), "g_key": draw(K),
            "money": draw(st.sampled_from([None, *map(Decimal, ("0", "1.50", "100", "100000.10", "-20.05", "1000000000"))])),
            "whole_number": draw(st.sampled_from([None, 0, 1, 3, -2, 10**7])),
            "number": draw(st.sampled_from([None, 0.0, 0.25, 7.125, -3.5, 123456.789])),
            "rate": draw(st.sampled_from([None, 0.0, 0.1, 0.35, 1.0])), "word": draw(st.sampled_from(["甲", "甲", "乙", "丙", None])),
            "day": draw(st.sampled_from([*DAYS, None])), "yes": draw(st.sampled_from([True, False, None])),
        }  # fmt: skip
        known = known or event + timedelta(days=draw(st.sampled_from([0, 0, 1, 29, 31, 60])))
        removed = draw(st.integers(0, 5)) == 0
        return Row(min(event, known), known, values, draw(st.sampled_from([1, 2])), number, removed)

    rows = {
        source: [row(number, "abcdefghijkl") for number in range(draw(st.integers(0, 14)))]
        for source in ("ledger", "patchy", "brought", "brought_patchy", "edges", "threads")
    }
    subjects = []
    brought = []
    for number in range(draw(st.integers(1, 12))):
        fed = draw(st.booleans())
        name = draw(st.sampled_from("abcdefghijklmn")) if fed or draw(st.booleans()) else None
        as_of = draw(st.sampled_from(DAYS)) + timedelta(days=draw(st.sampled_from([0, 0, 1, 30])))
        keys = {"id": name, "k1": draw(K), "k2": draw(K), "g_key": draw(K)}
        subjects.append(Subject(as_of, keys, fed))
        if fed:
            for source in ("brought", "brought_patchy"):
                own = row(50, name or "a", known=as_of)
                clean = Row(own.event, own.known, {**own.values, **keys}, 99, 99)
                brought.append((number, source, clean))
    return rows, subjects, brought  # type: ignore[return-value]
