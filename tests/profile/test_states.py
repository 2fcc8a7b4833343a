"""Are aggregates that are moved on from day to day those of all facts that count on the day?"""

from __future__ import annotations

import struct
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from riskengine.profile.cells import Array, day_number
from riskengine.profile.spelling_terms import Unspelled
from riskengine.profile.states import NEVER, Spans, Squared, spans_of, state_of
from riskengine.profile.tallies import Limit, Tally

DAYS = [date(2024, 1, 31) + timedelta(days=30 * number) for number in range(9)]
PLACES = 40
WINDOW = (Limit("event_date", "after", "b0"), Limit("event_date", "until", "b1"))


@pytest.fixture(scope="module")
def facts() -> pa.Table:
    """Facts of a few keys that come, go and are superseded; amounts are unknown, alike, large and negative."""
    chance = np.random.default_rng(3)
    many = 600
    event = day_number(DAYS[0]) - 200 + chance.integers(0, 420, many)
    since = event + chance.integers(0, 60, many)
    amounts = [None if one < 0.2 else int(one * 1000) * 10**9 - 3 * 10**11 for one in chance.random(many)]
    return pa.table(
        {
            "place": chance.integers(0, PLACES - 3, many),  # some keys have none
            "since": since.astype(np.int32),
            "gone": np.where(chance.random(many) < 0.4, since + chance.integers(1, 90, many), NEVER).astype(np.int32),
            "event_date": event.astype(np.int32),
            "rank": chance.permutation(many),
            "amount": pa.array(amounts, pa.int64()).cast(pa.decimal128(38, 0)).cast(pa.decimal128(38, 2)),
            "word": pa.array([None if one < 0.1 else f"w{int(one * 7)}" for one in chance.random(many)]),
        }
    )  # fmt: skip


@pytest.mark.parametrize("limits", [(), WINDOW])
@pytest.mark.parametrize(
    ("verb", "column"),
    [("count", ""), ("count", "amount"), ("sum", "amount"), ("max", "amount"), ("min", "amount"), ("latest", "amount"),
     ("first", "word"), ("max", "word"), ("distinct", "word"), ("distinct", "amount")],
)  # fmt: skip
def test_every_day_as_if_alone(facts: pa.Table, verb: str, column: str, limits: tuple[Limit, ...]) -> None:
    as_of = np.array([day_number(day) for day in DAYS])
    edges = {"b0": as_of - 120, "b1": as_of - 15}
    spans = spans_of(facts, limits, DAYS, edges, PLACES + 1)
    value = facts[column] if column else None
    tally = Tally(verb, frozenset(limits), "", column)
    state = state_of(tally, spans, value, facts["rank"].to_numpy(), len(DAYS))
    for number, day in enumerate(as_of):
        cells = state.on(number)
        scale = 10 ** cells.kind[1] if cells.kind[0] == "decimal" else 1
        values = [one / scale if scale > 1 else one for one in cells.values.tolist()]
        unknown = [False] * len(values) if cells.unknown is None else cells.unknown.tolist()
        mine = [None if none else one for one, none in zip(values, unknown, strict=True)]
        assert mine == _slowly(facts, verb, column, int(day), bool(limits))


def _slowly(facts: pa.Table, verb: str, column: str, day: int, windowed: bool) -> list[object]:
    found: list[object] = []
    rows = [row for row in facts.to_pylist() if row["since"] <= day < row["gone"]]
    rows = [row for row in rows if not windowed or day - 120 < row["event_date"] <= day - 15]
    for place in range(PLACES + 1):
        mine = sorted((row for row in rows if row["place"] == place), key=lambda row: int(row["rank"]))
        told = [row[column] for row in mine] if column else [1 for _ in mine]
        known = [one if isinstance(one, str) else float(one) for one in told if one is not None]
        if verb in ("count", "distinct"):
            found.append(len(known) if verb == "count" else len(set(known)))
        elif verb in ("latest", "first"):
            chosen = told[-1 if verb == "latest" else 0] if told else None
            found.append(chosen if chosen is None or isinstance(chosen, str) else float(chosen))
        else:
            found.append({"sum": sum, "max": max, "min": min}[verb](known) if known else None)  # type: ignore[operator]
    return found


@pytest.mark.parametrize("most", [10**3, 10**8, 10**10, 10**12, 10**14])
def test_sums_of_squares_as_duckdb_has_them(most: int) -> None:
    chance = np.random.default_rng(most)
    amounts, places = chance.integers(-most, most, 400), chance.integers(0, 30, 400)
    state = Squared(_all_day(places, 30), amounts, 1)
    with duckdb.connect() as connection:
        connection.register("facts", pa.table({"k": places, "y": _money(amounts)}))
        sql = "SELECT CAST(SUM(CAST(y AS DECIMAL(38, 2)) * y) AS DOUBLE) FROM facts GROUP BY k ORDER BY k"
        theirs = [value for (value,) in connection.execute(sql).fetchall()]
    mine = state.on(0)
    assert [struct.pack("d", one) for one in mine.values.tolist()] == [
        struct.pack("d", one) for one in theirs
    ]
    with pytest.raises(Unspelled, match="too large"):
        Squared(_all_day(places, 30), amounts + (1 << 47), 1)


def _all_day(places: Array, size: int) -> Spans:
    return Spans(places, np.zeros(len(places), np.int8), np.ones(len(places), np.int8), size)


def _money(amounts: Array) -> pa.Array:
    words = np.stack([amounts, amounts >> 63], axis=1)
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(amounts), [None, pa.py_buffer(np.ascontiguousarray(words))]
    )
