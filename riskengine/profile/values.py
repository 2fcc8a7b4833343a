"""How are a recipe's features told from the results of its steps on one day, without joining them?

A feature that rests on one step is reckoned with where that step has facts, once for everybody else, and spread over all who
are there only then; one that rests on several is reckoned with where any of them has facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from riskengine.profile.cells import Array, Cells, day_cells
from riskengine.profile.evaluating import Evaluator, Words
from riskengine.profile.recipe import Recipe
from riskengine.profile.spelling_terms import Unspelled

TYPES = {
    "double": pa.float64(),
    "int": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "text": pa.string(),
}
_TEXT = Cells("text", np.zeros(1))  # a key: all that is asked of it is whether it is known
_PLAIN = ("kind", "expressions", "from_", "order")  # the parts of a query that is read


@dataclass(frozen=True, slots=True)
class Places:
    """Where each enterprise stands in a table, and where all stand who have no row of their own (-1: each has one)."""

    each: Array
    nobody: int


class Values:
    """The features of a recipe over tables that have these members; read once, for any tables and day.

    Other columns of the blocks, `rest`, come as they are from one table more.
    """

    def __init__(self, recipe: Recipe, members: Sequence[Sequence[str]], words: Words) -> None:
        owners = {name: number for number, names in enumerate(members) for name in names}
        self._wide: dict[str, tuple[exp.Expr, int]] = {}
        rest = set()
        for block in recipe.blocks:
            for item in sqlglot.parse_one(block.sql, dialect="duckdb").expressions[1:]:
                name, told = item.alias_or_name, item.this if isinstance(item, exp.Alias) else item
                columns = {one.name for one in told.find_all(exp.Column)}
                owning = {owners[one] for one in columns if one in owners}
                if len(owning) > 1:
                    raise Unspelled(f"{name} of several steps")
                if owning:
                    self._wide[name] = words.read(told), owning.pop()
                else:
                    rest.add(name)
                    self._wide[name] = words.read(exp.column(name)), len(members)
        self.rest = frozenset(rest)
        self._levels = _levels(recipe.values, words)
        self._rests = {name: self._resting(0, name) for name in recipe.names}

    def on(
        self, day: date, cells: Sequence[dict[str, Cells]], places: Sequence[Places], many: int
    ) -> Iterator[tuple[str, pa.Array]]:
        """Each feature of `many` enterprises: `cells` of each table as of the day, `places` of each enterprise in it."""
        frames: dict[frozenset[int], tuple[_Frame, Spread]] = {}
        for name, rests in self._rests.items():
            if rests not in frames:
                spread, taken = _together({owner: places[owner] for owner in rests}, many)
                leaf = partial(_leaf, cells, taken)
                frames[rests] = _Frame(self._levels, self._wide, leaf, day_cells(day)), spread
            frame, spread = frames[rests]
            yield name, spread.column(frame.value(0, name))
        for frame, _ in frames.values():
            frame.forget()

    def _resting(self, level: int, name: str) -> frozenset[int]:
        """The tables that a column rests on."""
        if level == len(self._levels):
            if name not in self._wide and name not in ("as_of", "subject"):
                raise Unspelled(f"the column {name}")
            return frozenset([self._wide[name][1]] if name in self._wide else [])
        found: frozenset[int] = frozenset()
        for column in self._levels[level][name].find_all(exp.Column):
            found |= self._resting(level + 1, column.name)
        return found


@dataclass(frozen=True, slots=True)
class Spread:
    """Results of few told of `many`: row `taken[i]` (None: row i) is that of `rows[i]`, row `nobody` that of all others.

    Of the values of a province 97 in 100 are those of nobody: to fill and put costs a third of taking each from its place.
    """

    many: int
    rows: Array
    taken: Array | None
    nobody: int

    @classmethod
    def of(cls, places: Places) -> Spread:
        """By the place of each."""
        rows = np.flatnonzero(places.each != places.nobody)
        taken = places.each.take(rows)
        in_order = np.array_equal(taken, np.arange(len(taken)))
        return cls(len(places.each), rows, None if in_order else taken, places.nobody)

    def column(self, cells: Cells) -> pa.Array:
        """The cells of everybody."""
        values, unknown = cells.values, cells.unknown
        if len(values) > 1:
            values = self._of_all(values)
        if unknown is not None and len(unknown) > 1:
            unknown = self._of_all(unknown)
        return to_arrow(Cells(cells.kind, values, unknown), self.many)

    def _of_all(self, told: Array) -> Array:
        own = told[: len(self.rows)] if self.taken is None else told.take(self.taken)
        if len(self.rows) == self.many:
            return own
        found = np.full(self.many, told[self.nobody], told.dtype)
        found[self.rows] = own
        return found


def _together(tables: dict[int, Places], many: int) -> tuple[Spread, dict[int, Array | None]]:
    """Those that have a row in any of the tables, and where these stand in each table, at last the place of all others.

    A single table is taken as it is (None).
    """
    if len(tables) == 1:
        ((owner, only),) = tables.items()
        return Spread.of(only), {owner: None}
    there = np.zeros(many, bool)
    for table in tables.values():
        there |= table.each != table.nobody
    rows = np.flatnonzero(there)
    taken = {
        owner: np.append(table.each.take(rows), table.nobody if table.nobody >= 0 else 0)
        for owner, table in tables.items()
    }
    return Spread(many, rows, None, len(rows)), taken  # type: ignore[return-value]


def _leaf(cells: Sequence[dict[str, Cells]], taken: dict[int, Array | None], owner: int, name: str) -> Cells:
    places = taken[owner]
    return cells[owner][name] if places is None else cells[owner][name].at(places)


class _Frame:
    """Columns of all levels over the same places, each computed once; `leaf` gives a column of a table."""

    def __init__(
        self,
        levels: Sequence[dict[str, exp.Expr]],
        wide: dict[str, tuple[exp.Expr, int]],
        leaf: Callable[[int, str], Cells],
        day: Cells,
    ) -> None:
        self._levels, self._wide, self._leaf, self._day = levels, wide, leaf, day
        self._known: dict[tuple[int, str], Cells] = {}
        self._inner = [self._within(level) for level in range(1, len(levels) + 1)]
        self._tables: dict[int, Evaluator] = {}

    def forget(self) -> None:
        """Let go of what refers back to this: until Python collected it, each day took new memory, half again as slow as warm one."""
        self._inner.clear()
        self._tables.clear()
        self._known.clear()

    def value(self, level: int, name: str) -> Cells:
        """A column of a level."""
        if (level, name) not in self._known:
            self._known[level, name] = self._computed(level, name)
        return self._known[level, name]

    def _computed(self, level: int, name: str) -> Cells:
        if level < len(self._levels):
            return self._inner[level].value(self._levels[level][name])
        if name not in self._wide:
            return self._day if name == "as_of" else _TEXT
        told, owner = self._wide[name]
        if owner not in self._tables:
            self._tables[owner] = Evaluator(partial(self._column, owner))
        return self._tables[owner].value(told)

    def _within(self, level: int) -> Evaluator:
        return Evaluator(lambda column: self.value(level, column.name))

    def _column(self, owner: int, one: exp.Column) -> Cells:
        """A column of the subjects, or of a table."""
        if one.table == "s":
            return self._day if one.name == "as_of" else _TEXT
        return self._leaf(owner, one.name)


def _levels(values: str, words: Words) -> list[dict[str, exp.Expr]]:
    """The columns of a query over `wide`, and of the queries that it reads from, outermost first."""
    tree, found = sqlglot.parse_one(values, dialect="duckdb"), []
    while True:
        if not isinstance(tree, exp.Select) or any(
            tree.args.get(name) for name in tree.args if name not in _PLAIN
        ):
            raise Unspelled("values by other than one plain query")
        found.append(
            {
                one.alias_or_name: words.read(one.this if isinstance(one, exp.Alias) else one)
                for one in tree.expressions
            }
        )
        source = tree.args["from_"].this
        if isinstance(source, exp.Table) and source.name == "wide":
            return found
        tree = source.this if isinstance(source, exp.Subquery) else source


def to_arrow(cells: Cells, many: int) -> pa.Array:
    """Cells as a column of so many rows."""
    if cells.kind not in TYPES:
        raise Unspelled(f"a feature of {cells.kind}")
    kind = TYPES[cells.kind]
    unknown = cells.unknown
    if unknown is not None and len(unknown) == 1:
        if unknown[0]:
            return pa.nulls(many, kind)
        unknown = None
    values = cells.values
    if len(values) == 1 and many != 1:
        values = np.full(many, values[0], values.dtype)
    if cells.kind in ("bool", "text"):
        return pa.array(values, mask=unknown, type=kind)
    known = None if unknown is None else pa.py_buffer(np.packbits(~unknown, bitorder="little"))
    values = np.ascontiguousarray(values, kind.to_pandas_dtype() if cells.kind != "date" else np.int32)
    return pa.Array.from_buffers(kind, many, [known, pa.py_buffer(values)])
