"""What are a step's aggregates of every key, day after day? Each fact is met when it comes and when it goes.

Counts and sums take what came since the day before and let go what went; they are whole numbers, so no order matters. The
largest and the latest are chosen anew on days on which one came or went. Different values are counted as the spans of days
in which one is there at all. The last place stands for every key without facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa

from riskengine.profile.cells import Array, Cells, column_cells, day_number, known, nearest, whole
from riskengine.profile.spelling_terms import Kind, Unspelled
from riskengine.profile.tallies import Limit, Tally

NEVER = np.iinfo(np.int32).max
_WHOLE_SUM = float(1 << 62)
_HALF, _LOW = 24, (1 << 24) - 1
_SQUARE = 10_000  # of a square, whose last digit is the fourth


class State(Protocol):
    """One aggregate of every key."""

    def on(self, number: int) -> Cells:
        """As of day `number`; days are asked for in order."""


class Spans:
    """Facts at `places` (keys) that count from day number `come` until before `gone`; none is without a day."""

    def __init__(self, places: Array, come: Array, gone: Array, size: int) -> None:
        self.places, self.come, self.gone, self.size = places, come, gone, size

    def at(self, chosen: Array) -> Spans:
        """Some of them, in that order."""
        return Spans(self.places.take(chosen), self.come.take(chosen), self.gone.take(chosen), self.size)


class Moves:
    """What comes and goes on each day: keys, and what each brings (None: one)."""

    def __init__(self, spans: Spans, brought: Array | None, days: int) -> None:
        self.coming = _by_day(spans.come, spans.places, brought, days)
        self.going = _by_day(spans.gone, spans.places, brought, days)

    def apply(self, number: int, sums: Array) -> None:
        """Add and take away what moves on a day."""
        _add(sums, *self.coming[number], np.add)
        _add(sums, *self.going[number], np.subtract)


def _by_day(on: Array, places: Array, brought: Array | None, days: int) -> list[tuple[Array, Array | None]]:
    order = np.argsort(on, kind="stable")
    places = places.take(order)
    brought = None if brought is None else brought.take(order)
    ends = np.searchsorted(on.take(order), np.arange(days + 1))
    return [(places[a:b], None if brought is None else brought[a:b]) for a, b in pairwise(ends)]


def _add(sums: Array, places: Array, brought: Array | None, how: np.ufunc) -> None:
    if not len(places):
        return
    if brought is not None:
        how.at(sums, places, brought)
    elif len(places) * 8 > len(sums):
        how(sums, np.bincount(places, minlength=len(sums)), out=sums)
    else:
        how.at(sums, places, 1)


class Counted:
    """How many facts count."""

    def __init__(self, spans: Spans, days: int) -> None:
        self._moves = Moves(spans, None, days)
        self._sums = np.zeros(spans.size, np.int64)

    def on(self, number: int) -> Cells:
        """As of a day."""
        self._moves.apply(number, self._sums)
        return Cells("int", self._sums)


class Summed:
    """The sum of whole numbers; unknown where there is none."""

    def __init__(self, spans: Spans, values: Array, kind: Kind, days: int) -> None:
        sizes = np.abs(values.astype(np.float64))
        if sizes.sum() > _WHOLE_SUM and np.bincount(spans.places, sizes).max() > _WHOLE_SUM:
            raise Unspelled("a sum too large")
        self._moves, self._number = Moves(spans, values, days), Counted(spans, days)
        self._sums, self._kind = np.zeros(spans.size, np.int64), kind

    def on(self, number: int) -> Cells:
        """As of a day."""
        self._moves.apply(number, self._sums)
        return Cells(self._kind, self._sums, self._number.on(number).values == 0)


class Squared:
    """The sum of squares of money, which needs more than 64 bits: of each amount's upper part, of its lower, and of both."""

    def __init__(self, spans: Spans, values: Array, days: int) -> None:
        sizes = np.abs(values)
        if len(sizes) and int(sizes.max()) >> 47:
            raise Unspelled("a square too large")
        upper, lower = sizes >> _HALF, sizes & _LOW
        parts = (upper * upper, 2 * upper * lower, lower * lower)
        self._parts = [Summed(spans, part, "int", days) for part in parts]

    def on(self, number: int) -> Cells:
        """As of a day, as a double: what DuckDB makes of an exact sum."""
        told = [part.on(number) for part in self._parts]
        two, one, zero = (cells.values for cells in told)
        one = one + (zero >> _HALF)
        two, one, zero = two + (one >> _HALF), one & _LOW, zero & _LOW
        exact = (two << 2 * _HALF) + (one << _HALF) + zero  # where it is small enough
        rest, whole = two % _SQUARE, two // _SQUARE
        for part in (one, zero):  # a long division, digit by digit of so many bits
            rest = (rest << _HALF) + part
            whole, rest = (whole << _HALF) + rest // _SQUARE, rest % _SQUARE
        found = nearest(whole, rest, _SQUARE)
        found = np.where((two < 32) & (exact <= 1 << 53), exact / float(_SQUARE), found)
        for place in np.flatnonzero(two // _SQUARE >> 14):  # few are so large
            large = (int(two[place]) << 2 * _HALF) + (int(one[place]) << _HALF) + int(zero[place])
            found[place] = large / _SQUARE
        return Cells("double", found, told[0].unknown)


class Chosen:
    """The value of the last of the facts that count; spans and cells in the order in which one is preferred to those before."""

    def __init__(self, spans: Spans, cells: Cells, days: int) -> None:
        self._spans, self._cells = spans, cells
        self._moving = np.zeros(days + 1, bool)
        self._moving[spans.come] = True
        self._moving[spans.gone] = True
        self._found: Cells | None = None

    def on(self, number: int) -> Cells:
        """As of a day."""
        if self._found is None or self._moving[number]:
            spans = self._spans
            there = np.flatnonzero((spans.come <= number) & (spans.gone > number))
            last = np.full(spans.size, -1)
            last[spans.places[there]] = there  # of several at one place the last is what stays
            values = np.append(self._cells.values, np.zeros(1, self._cells.values.dtype))
            unknown = last < 0
            if self._cells.unknown is not None:
                unknown |= np.append(self._cells.unknown, True).take(last)
            self._found = Cells(self._cells.kind, values.take(last), unknown)
        return self._found


def spans_of(
    facts: pa.Table, limits: Sequence[Limit], days: Sequence[date], edges: Mapping[str, Array], size: int
) -> Spans:
    """The spans of facts within these limits: table of `place`, `since` (they are known), `gone`, and the limits' columns.

    `edges`: for "as_of", "b0", ... the day of each as-of date, as days since 1970, which never go back.
    """
    as_of = np.array([day_number(day) for day in days])
    come = np.searchsorted(as_of, whole(facts["since"]))
    gone = np.searchsorted(as_of, whole(facts["gone"]))
    for limit in limits:
        side = "left" if limit.how in ("until", "after") else "right"
        passed = np.searchsorted(edges[limit.edge], whole(facts[limit.name]), side=side)  # type: ignore[call-overload]
        come, gone = (come, np.minimum(gone, passed)) if limit.ends else (np.maximum(come, passed), gone)
    kind = np.int8 if len(days) < 127 else np.int32
    return Spans(whole(facts["place"]), come.astype(kind), gone.astype(kind), size)


def state_of(tally: Tally, spans: Spans, value: pa.ChunkedArray | None, rank: Array, days: int) -> State:
    """The state of one aggregate; `value` of each fact of the spans, `rank` by which one is later than another."""
    counting = spans.come < spans.gone
    if tally.verb == "count" and value is None:
        return Counted(spans.at(np.flatnonzero(counting)), days)
    assert value is not None
    if tally.verb == "distinct":
        return Counted(_there_at_all(spans, _codes(value), counting & known(value)), days)
    keeps_unknown = tally.verb in ("latest", "first")
    kept = np.flatnonzero(counting if keeps_unknown else counting & known(value))
    if tally.verb == "count":
        return Counted(spans.at(kept), days)
    cells = _taken(column_cells(value), kept)
    if tally.verb == "squares":
        if cells.kind != ("decimal", 2):
            raise Unspelled(f"squares of {cells.kind}")
        return Squared(spans.at(kept), cells.values, days)
    if tally.verb == "sum":
        if cells.kind != "int" and cells.kind[0] != "decimal":
            raise Unspelled(f"a sum of {cells.kind}")
        return Summed(spans.at(kept), cells.values, cells.kind, days)
    by = rank.take(kept) if keeps_unknown else cells.values
    order = np.argsort(by, kind="stable")
    if tally.verb in ("min", "first"):
        order = order[::-1]
    return Chosen(spans.at(kept).at(order), _taken(cells, order), days)


def _there_at_all(spans: Spans, codes: Array, kept: Array) -> Spans:
    """The spans of days in which a key has a value at all, whoever brings it."""
    chosen = np.flatnonzero(kept)
    group = spans.places.take(chosen).astype(np.int64) * (
        int(codes.max()) + 1 if len(codes) else 1
    ) + codes.take(chosen)
    order = np.lexsort((spans.come.take(chosen), group))
    chosen, group = chosen.take(order), group.take(order)
    if not len(chosen):
        return spans.at(chosen)
    come, gone = spans.come.take(chosen).astype(np.int64), spans.gone.take(chosen).astype(np.int64)
    first = np.append(True, group[1:] != group[:-1])
    number = np.cumsum(first)
    wide = NEVER  # so far apart that one value's days never meet another's
    reach = np.maximum.accumulate(gone + number * wide)
    begins = np.append(True, (come + number * wide)[1:] > reach[:-1])
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(chosen)) - 1
    whole = spans.at(chosen.take(starts))
    return Spans(
        whole.places, whole.come, (reach - number * wide).take(ends).astype(spans.gone.dtype), spans.size
    )


def _taken(cells: Cells, places: Array) -> Cells:
    unknown = None if cells.unknown is None else cells.unknown.take(places)
    return Cells(cells.kind, cells.values.take(places), unknown)


def _codes(column: pa.ChunkedArray) -> Array:
    """A number for each different value."""
    codes = column.combine_chunks().dictionary_encode().indices
    return whole(codes.fill_null(0)).astype(np.int64)
