"""What are a feature's values for many keys at once? Arrays with a mark for what is unknown, converted as DuckDB converts.

Decimals are whole numbers of their last digit, days are days since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskengine.profile.spelling_terms import DAYS, Kind, Unspelled

Array = NDArray[Any]
_EXACT = 1 << 53
_KINDS: dict[pa.DataType, Kind] = {pa.float64(): "double", pa.bool_(): "bool", pa.string(): "text"}


@dataclass(frozen=True, slots=True)
class Cells:
    """Values of one kind, one for each key, and where none is known (None: all are). Arrays of one value stand for every key."""

    kind: Kind
    values: Array
    unknown: Array | None = None

    def at(self, places: Array) -> Cells:
        """The cells at these places."""
        values = self.values if len(self.values) == 1 else self.values.take(places)
        unknown = self.unknown
        if unknown is not None and len(unknown) > 1:
            unknown = unknown.take(places)
        return Cells(self.kind, values, unknown)


# whole numbers: beside a double, large ones were not exact
NOTHING = Cells("null", np.zeros(1, np.int64), np.ones(1, bool))


def day_number(day: date) -> int:
    """The days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def day_cells(day: date) -> Cells:
    """One day for every key."""
    return Cells("date", np.array([day_number(day)]))


def column_cells(column: pa.ChunkedArray) -> Cells:
    """A column of numbers, flags or days as cells."""
    unknown = ~known(column) if column.null_count else None
    if pa.types.is_decimal128(column.type):
        return _decimal_cells(column.combine_chunks(), unknown)
    if pa.types.is_date32(column.type):
        return Cells("date", column_cells(column.cast(pa.int32())).values, unknown)
    kind = "int" if pa.types.is_integer(column.type) else _KINDS.get(column.type)
    if kind is None:
        raise Unspelled(f"values of {column.type}")
    nothing = pa.scalar("" if kind == "text" else 0).cast(column.type)
    values = whole(column.fill_null(nothing) if column.null_count else column)
    return Cells(kind, values.astype(np.int64) if kind == "int" else values, unknown)


def _decimal_cells(array: pa.Array, unknown: Array | None) -> Cells:
    """Decimals of 128 bits, of which no more than 64 may be needed."""
    words = np.frombuffer(array.buffers()[1] or b"", np.int64)[2 * array.offset :][: 2 * len(array)]
    low, high = words[::2].copy(), words[1::2].copy()
    if unknown is not None:
        low[unknown] = high[unknown] = 0
    if not np.array_equal(high, low >> 63):
        raise Unspelled("a decimal too large")
    return Cells(("decimal", array.type.scale), low, unknown)


def known(column: pa.ChunkedArray) -> Array:
    """Where a column has a value."""
    return whole(column.is_valid()) if column.null_count else np.ones(len(column), bool)


def whole(column: pa.ChunkedArray | pa.Array) -> Array:
    """A column without unknown values as an array."""
    found: Array = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    return found


def convert(cells: Cells, to: Kind) -> Cells:
    """Cells in another kind, as DuckDB casts them."""
    of = cells.kind
    if of == to or (of in DAYS and to in DAYS):
        return cells
    if of == "null":
        return Cells(to, np.zeros(1, bool) if to == "bool" else cells.values, cells.unknown)
    scale = of[1] if isinstance(of, tuple) and of[0] == "decimal" else 0 if of == "int" else None
    if to == "double" and (scale is not None or of == "bool"):
        return Cells("double", _real(cells.values, scale or 0), cells.unknown)
    if to == "int" and of == "bool":
        return Cells("int", cells.values.astype(np.int64), cells.unknown)
    if isinstance(to, tuple) and to[0] == "decimal" and scale is not None and to[1] >= scale:
        times = 10 ** (to[1] - scale)
        if times > 1 and most(cells.values) > (1 << 62) // times:
            raise Unspelled("a decimal too large")
        return Cells(to, cells.values * times if times > 1 else cells.values, cells.unknown)
    raise Unspelled(f"{of} as {to}")


def most(values: Array) -> int:
    """The largest absolute value of whole numbers."""
    return int(max(values.max(), -values.min())) if len(values) else 0


def _real(values: Array, scale: int) -> Array:
    """Whole numbers of the last of `scale` digits as doubles, the nearest, as DuckDB's cast has them."""
    if not scale:
        return values.astype(np.float64)
    if most(values) <= _EXACT:
        return values / 10.0**scale
    sizes, power = np.abs(values), 10**scale
    found = np.where(sizes <= _EXACT, sizes / 10.0**scale, nearest(sizes // power, sizes % power, power))
    return found * np.sign(values)


def nearest(whole: Array, rest: Array, power: int) -> Array:
    """The doubles nearest to `whole + rest / power`, of whole numbers below 2**62; what the first loses the second makes good."""
    large = whole.astype(np.float64)
    found: Array = large + ((whole - large.astype(np.int64)) + rest / power)
    return found
