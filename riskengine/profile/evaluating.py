"""What is an expression's value for many keys at once? A recipe's SQL over arrays, to the bit what DuckDB gives.

Only what is known to the bit is read; anything else is `Unspelled`, and DuckDB runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from riskengine.profile.cells import NOTHING, Array, Cells, convert, day_cells, most
from riskengine.profile.spelling_terms import DAYS, Kind, Unspelled, common, kind_of_sql

_NUMBER = "number"
_WORDS = (
    exp.Column,
    exp.Identifier,
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Is,
    exp.DataType,
    exp.DataTypeParam,
    exp.Var,
    exp.Interval,
)
_FUNCTIONS: dict[type[exp.Expr], Callable[[Array, Array], Array]] = {
    exp.Add: np.add,
    exp.Sub: np.subtract,
    exp.Mul: np.multiply,
}
_COMPARED: dict[type[exp.Expr], Callable[[Array, Array], Array]] = {
    exp.EQ: np.equal, exp.NEQ: np.not_equal, exp.LT: np.less, exp.LTE: np.less_equal, exp.GT: np.greater, exp.GTE: np.greater_equal,
}  # fmt: skip


class Words:
    """Expressions whose every word an evaluator knows; what reads the same has the same number, so it is reckoned with once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}

    def read(self, e: exp.Expr) -> exp.Expr:
        """The expression, numbered part by part; `Unspelled` where a word is not known."""
        self._number(e)
        return e

    def _number(self, e: exp.Expr) -> int:
        if not isinstance(e, (*_VALUES, *_COMPARED, *_WORDS)):
            raise Unspelled(f"{type(e).__name__}: {_sql(e)}")
        told: list[object] = [type(e)]
        for name, part in e.args.items():
            if isinstance(part, list):
                told.append((name, *(self._number(one) for one in part)))
            elif part is not None:
                told.append((name, self._number(part) if isinstance(part, exp.Expr) else part))
        number = self._numbers.setdefault(tuple(told), len(self._numbers))
        e.meta[_NUMBER] = number
        return number


class Evaluator:
    """Expressions that `Words` has read, over columns that `column` gives."""

    def __init__(self, column: Callable[[exp.Column], Cells]) -> None:
        self._column = column
        self._known: dict[int, Cells] = {}
        self._decided: dict[tuple[int, bool], Array] = {}

    def value(self, e: exp.Expr) -> Cells:
        """An expression's cells."""
        while isinstance(e, exp.Paren):
            e = e.this
        number = e.meta[_NUMBER]
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._value(e)
        return found

    def _value(self, e: exp.Expr) -> Cells:
        if isinstance(e, exp.Column):
            return self._column(e)
        if isinstance(e, (exp.And, exp.Or, exp.Not, exp.Is, *_COMPARED)):
            true, false = self.decided(e, True), self.decided(e, False)
            return Cells("bool", true, ~(true | false))
        read = _VALUES.get(type(e))
        if read is None:
            raise Unspelled(f"{type(e).__name__}: {_sql(e)}")
        return read(self, e)

    def decided(self, e: exp.Expr, yes: bool) -> Array:
        """Where a condition is true, or where it is false: unknown is neither."""
        while isinstance(e, exp.Paren):
            e = e.this
        key = e.meta[_NUMBER], yes
        found = self._decided.get(key)
        if found is None:
            found = self._decided[key] = self._decide(e, yes)
        return found

    def _decide(self, e: exp.Expr, yes: bool) -> Array:
        if isinstance(e, exp.Not):
            return self.decided(e.this, not yes)
        if isinstance(e, exp.And | exp.Or):
            both = np.logical_and if isinstance(e, exp.And) == yes else np.logical_or
            return both(self.decided(e.left, yes), self.decided(e.right, yes))
        if isinstance(e, exp.Is) and isinstance(e.expression, exp.Null):
            cells = self.value(e.this)
            unknown = np.zeros(1, bool) if cells.unknown is None else cells.unknown
            return unknown if yes else ~unknown
        if type(e) in _COMPARED and isinstance(e, exp.Binary):
            (one, other), kind = self.alike(e.left, e.right)
            if kind == "null":
                return np.zeros(1, bool)
            met = _COMPARED[type(e)](one.values, other.values)
            return _known(met if yes else ~met, one, other)
        cells = self.value(e)
        if cells.kind != "bool":
            raise Unspelled(f"a condition of {cells.kind}")
        return _known(cells.values if yes else ~cells.values, cells)

    def alike(self, *items: exp.Expr) -> tuple[list[Cells], Kind]:
        """Several expressions in their common kind, and the kind."""
        cells = [self.value(item) for item in items]
        kind = common([cell.kind for cell in cells])
        return [convert(cell, kind) for cell in cells], kind


def _sql(e: exp.Expr) -> str:
    return e.sql("duckdb")[:80]


def _known(met: Array, *cells: Cells) -> Array:
    for cell in cells:
        if cell.unknown is not None:
            met = met & ~cell.unknown
    return met


def _unknown(cells: Sequence[Cells]) -> Array | None:
    found: Array | None = None
    for cell in cells:
        if cell.unknown is not None:
            found = cell.unknown if found is None else found | cell.unknown
    return found


def _literal(_: Evaluator, e: exp.Expr) -> Cells:
    text = str(e.this)
    if e.args.get("is_string"):
        return Cells("text", np.array([text], object))
    if text.isdecimal():
        return Cells("int", np.array([int(text)], np.int64))
    before, dot, after = text.partition(".")
    if dot and (before + after).isdecimal():
        return Cells(("decimal", len(after)), np.array([int(before + after)], np.int64))
    return Cells("double", np.array([float(text)]))


def _arithmetic(s: Evaluator, e: exp.Expr) -> Cells:
    """Sums, differences and products of doubles and of whole numbers; decimals times whole numbers."""
    if isinstance(e, exp.Mul):
        cells = [s.value(e.this), s.value(e.expression)]
        exact = [cell.kind for cell in cells if cell.kind != "int"]
        if len(exact) < 2 and all(kind[0] == "decimal" for kind in exact):
            if most(cells[0].values) * most(cells[1].values) > 1 << 62:
                raise Unspelled("a product too large")
            return _reckoned(exact[0] if exact else "int", np.multiply, cells)
    if isinstance(e.expression, exp.Interval):
        return _moved(s.value(e.this), e.expression, -1 if isinstance(e, exp.Sub) else 1)
    cells, kind = s.alike(e.this, e.expression)
    if kind in ("double", "int") or (kind[0] == "decimal" and not isinstance(e, exp.Mul)):
        return _reckoned(kind, _FUNCTIONS[type(e)], cells)
    raise Unspelled(f"{type(e).__name__} of {kind}")


def _moved(cells: Cells, by: exp.Interval, sign: int) -> Cells:
    if cells.kind not in DAYS or by.args["unit"].name.upper() != "DAY":
        raise Unspelled(_sql(by))
    return Cells("date", cells.values + sign * int(by.this.name), cells.unknown)


def _divided(s: Evaluator, e: exp.Expr) -> Cells:
    return _reckoned(
        "double", np.divide, [convert(s.value(side), "double") for side in (e.this, e.expression)]
    )


def _reckoned(kind: Kind, function: Callable[[Array, Array], Array], cells: Sequence[Cells]) -> Cells:
    """A function of two cells; with one that is unknown for every key there is nothing to reckon."""
    one, other = cells
    if any(cell.unknown is not None and len(cell.unknown) == 1 and cell.unknown[0] for cell in cells):
        return Cells(kind, np.zeros(1, one.values.dtype), np.ones(1, bool))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return Cells(kind, function(one.values, other.values), _unknown(cells))


def _absolute(s: Evaluator, e: exp.Expr) -> Cells:
    cells = s.value(e.this)
    return Cells(cells.kind, np.abs(cells.values), cells.unknown)


def _negative(s: Evaluator, e: exp.Expr) -> Cells:
    cells = s.value(e.this)
    return Cells(cells.kind, -cells.values, cells.unknown)


def _cast(s: Evaluator, e: exp.Expr) -> Cells:
    to = e.meta.get("to") or e.meta.setdefault("to", e.args["to"].sql("duckdb"))
    if to == "DATE" and isinstance(e.this, exp.Literal) and e.this.args.get("is_string"):
        return day_cells(date.fromisoformat(str(e.this.this)))
    return convert(s.value(e.this), kind_of_sql(to))


def _case(s: Evaluator, e: exp.Expr) -> Cells:
    branches = e.args["ifs"] if isinstance(e, exp.Case) else [e]
    if isinstance(e, exp.Case) and e.this is not None:
        raise Unspelled("CASE of a value")
    last = e.args.get("default") if isinstance(e, exp.Case) else e.args.get("false")
    cells = [s.value(one.args["true"]) for one in branches]
    other = s.value(last) if last is not None else NOTHING
    kind = common([other.kind, *(cell.kind for cell in cells)])
    found = convert(other, kind)
    for one, cell in zip(reversed(branches), reversed(cells), strict=True):
        found = _chosen(s.decided(one.this, True), convert(cell, kind), found)
    return found


def _chosen(met: Array, one: Cells, other: Cells) -> Cells:
    """`one` where met, else `other`."""
    if len(met) == 1:
        return one if met[0] else other
    unknown = None
    if one.unknown is not None or other.unknown is not None:
        none = np.zeros(1, bool)
        a, b = (none if cells.unknown is None else cells.unknown for cells in (one, other))
        unknown = np.where(met, a, b)
    return Cells(one.kind, np.where(met, one.values, other.values), unknown)


def _coalesced(s: Evaluator, e: exp.Expr) -> Cells:
    cells, kind = s.alike(e.this, *e.expressions)
    found = cells[-1]
    for cell in reversed(cells[:-1]):
        found = cell if cell.unknown is None else _chosen(~cell.unknown, cell, found)
    return Cells(kind, found.values, found.unknown)


def _nulled(s: Evaluator, e: exp.Expr) -> Cells:
    own = s.value(e.this)
    (one, other), kind = s.alike(e.this, e.expression)
    if kind != own.kind:
        raise Unspelled("NULLIF of other kinds")
    same = _known(one.values == other.values, one, other)
    return Cells(kind, one.values, same if one.unknown is None else same | one.unknown)


def _extreme(s: Evaluator, e: exp.Expr) -> Cells:
    """The largest or least of what is known."""
    cells, kind = s.alike(e.this, *e.expressions)
    if kind == "text":
        raise Unspelled("the largest of words")
    choose = np.maximum if isinstance(e, exp.Greatest) else np.minimum
    found = cells[0]
    for cell in cells[1:]:
        both = choose(found.values, cell.values)
        values, unknown = both, None
        if cell.unknown is not None:
            values = np.where(cell.unknown, found.values, values)
        if found.unknown is not None:
            values = np.where(found.unknown, cell.values, values)
            unknown = None if cell.unknown is None else found.unknown & cell.unknown
        found = Cells(kind, values, unknown)
    return found


def _apart(s: Evaluator, e: exp.Expr) -> Cells:
    cells = [s.value(e.this), s.value(e.expression)]
    if e.args["unit"].name.upper() != "DAY" or any(cell.kind not in (*DAYS, "null") for cell in cells):
        raise Unspelled(_sql(e))
    return Cells("int", cells[0].values - cells[1].values, _unknown(cells))


def _root(s: Evaluator, e: exp.Expr) -> Cells:
    cells = convert(s.value(e.this), "double")
    if _known(cells.values < 0, cells).any():
        raise Unspelled("the root of less than nothing")
    with np.errstate(invalid="ignore"):
        return Cells("double", np.sqrt(cells.values), cells.unknown)


def _logarithm(s: Evaluator, e: exp.Expr) -> Cells:
    """The C library's, as DuckDB's is; numpy's own may differ in the last bit."""
    cells = convert(s.value(e.this), "double")
    if _known(cells.values <= 0, cells).any():
        raise Unspelled("the logarithm of nothing or less")
    return Cells("double", pc.ln(pa.array(cells.values)).to_numpy(), cells.unknown)


def _part(s: Evaluator, e: exp.Expr) -> Cells:
    """Year, month or day of a date."""
    cells, unit = s.value(e.expression), e.this.name.lower()
    if cells.kind != "date" or unit not in ("year", "month", "day"):
        raise Unspelled(_sql(e))
    days = cells.values.astype("M8[D]")
    if unit == "year":
        told = days.astype("M8[Y]").astype(np.int64) + 1970
    elif unit == "month":
        told = days.astype("M8[M]").astype(np.int64) % 12 + 1
    else:
        told = (days - days.astype("M8[M]")).astype(np.int64) + 1
    return Cells("int", told, cells.unknown)


_VALUES: dict[type[exp.Expr], Callable[[Evaluator, exp.Expr], Cells]] = {
    exp.Literal: _literal, exp.Null: lambda _, e: NOTHING, exp.Boolean: lambda _, e: Cells("bool", np.array([bool(e.this)])),
    exp.Add: _arithmetic, exp.Sub: _arithmetic, exp.Mul: _arithmetic, exp.Div: _divided, exp.Abs: _absolute,
    exp.Neg: _negative, exp.Cast: _cast, exp.Case: _case, exp.If: _case, exp.Coalesce: _coalesced, exp.Nullif: _nulled,
    exp.Greatest: _extreme, exp.Least: _extreme, exp.DateDiff: _apart, exp.Extract: _part, exp.Sqrt: _root, exp.Ln: _logarithm,
}  # fmt: skip
