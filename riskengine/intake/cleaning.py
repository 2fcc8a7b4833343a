"""Which rows of a file keep the contract, what do they say in its types, and why is each other row refused?

1. every cell is parsed once per distinct value (`cells`); 2. derived columns are made; 3. the two clocks are set;
4. the contract's assertions and `removed_when` are asked of DuckDB; 5. rows that break nothing are accepted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.errors import Problem, UsageError
from riskengine.intake.cells import Value, cell_parser, cell_text, clock_day, derive
from riskengine.intake.contract import SourceContract
from riskengine.store.facts import ARROW_TYPES
from riskengine.store.ledger import Refusal


@dataclass(frozen=True)
class Cleaned:
    """A file after cleaning: accepted facts (without `batch`), refusals, and how many rows those are."""

    facts: pa.Table
    refusals: list[Refusal]
    refused_rows: int

    @property
    def by_rule(self) -> dict[str, int]:
        """Broken rules and how often, in name order; a row that breaks two counts under both."""
        return dict(sorted(Counter(refusal.rule for refusal in self.refusals).items()))


def clean(contract: SourceContract, cells: pa.Table, received: date) -> Cleaned:
    """Clean a file's cells against the contract; the rows of `facts` and `refusals` count from 1.

    An optional column that is absent from `cells` is null. A broken expression in the contract is a `UsageError`.
    """
    count = cells.num_rows
    broken: list[tuple[int, str, str, str | None]] = []
    columns: dict[str, pa.Array] = {}
    for name, column in contract.columns.items():
        raw = cells.column(name) if name in cells.column_names else pa.nulls(count, pa.string())
        parse = cell_parser(column, contract.currency)
        columns[name], rules = _parsed(raw, parse, ARROW_TYPES[column.type])
        broken += [(row, name, rule, _shown(raw[row].as_py())) for row, rule in rules]
    for name, rule in contract.derived.items():
        made = _mapped(
            [columns[source] for source in rule.columns], lambda *values, rule=rule: derive(rule, values)
        )
        columns[name] = pa.array(made, ARROW_TYPES[contract.column_type(name) or "text"])
    already = {(row, name) for row, name, _, _ in broken}
    broken += _without_key(contract, columns, already)
    broken += _set_clocks(contract, columns, received, already)
    table = pa.table(columns)
    failed, removed = ask(contract, table)
    broken += [(row, "", name, None) for name, rows in failed.items() for row in rows]
    table = table.append_column("row", pa.array(range(1, count + 1), pa.int64()))
    table = table.append_column("removed", removed)
    table = table.append_column("fact_hash", fact_hashes(contract, table))
    refused = sorted({row for row, *_ in broken})
    keep = pa.array([True] * count, pa.bool_()).to_numpy(zero_copy_only=False)
    keep[refused] = False
    raw_rows = dict(zip(refused, _raw(cells, refused), strict=True))
    order = {name: place for place, name in enumerate([*columns, ""])}
    broken.sort(key=lambda entry: (entry[0], order.get(entry[1], -1), entry[2]))
    refusals = [Refusal(row + 1, name, rule, value, raw_rows[row]) for row, name, rule, value in broken]
    return Cleaned(table.filter(pa.array(keep)), refusals, len(refused))


def ask(contract: SourceContract, table: pa.Table) -> tuple[dict[str, list[int]], pa.Array]:
    """Which rows (from 0) break which assertion, and which rows say that their key is withdrawn."""
    rules = [(assertion.name, assertion.rule) for assertion in contract.assertions]
    if not rules and not contract.removed_when:
        return {}, pa.array([False] * table.num_rows, pa.bool_())
    asked = [f"coalesce(not ({rule}), false)" for _, rule in rules]
    asked.append(f"coalesce(({contract.removed_when or 'false'}), false)")
    numbered = table.append_column("#place", pa.array(range(table.num_rows), pa.int64()))
    with duckdb.connect() as connection:
        connection.register("rows", numbered)
        answers = []
        for number, expression in enumerate(asked):
            try:
                query = f'select {expression} from rows order by "#place"'
                answers.append(connection.sql(query).to_arrow_table().column(0).combine_chunks())
            except duckdb.Error as error:
                where = rules[number][0] if number < len(rules) else "removed_when"
                raise UsageError(
                    f"A rule of source {contract.name} cannot be evaluated",
                    [Problem(f"{contract.name}.{where}", "a DuckDB boolean expression", str(error)[:200])],
                ) from None
    failed = {
        name: pc.indices_nonzero(answer).to_pylist()
        for (name, _), answer in zip(rules, answers[:-1], strict=True)
    }
    return failed, answers[-1].cast(pa.bool_())


def fact_hashes(contract: SourceContract, table: pa.Table) -> pa.Array:
    """The 128-bit name of each fact: SHA-256 over its contract columns and clocks (not those set by arrival).

    Absent cells are left out, so a column that the contract gains later does not rename older facts.
    """
    clocks = [
        name
        for name, rule in (("event_date", contract.event_clock), ("known_at", contract.known_clock))
        if rule.column
    ]
    pieces = []
    for name in [*sorted(contract.columns), *clocks]:
        coded = _encoded(table.column(name))
        texts = [_piece(name, value) for value in coded.dictionary.to_pylist()]
        pieces.append([texts[place] if place is not None else "" for place in coded.indices.to_pylist()])
    rows = map("".join, zip(*pieces, strict=True))
    return pa.array([sha256(row.encode()).hexdigest()[:32] for row in rows], pa.string())


def _piece(name: str, value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    return f"{name}={len(text)}:{text};"


def _encoded(column: Any) -> pa.DictionaryArray:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.dictionary_encode()


def _parsed(
    raw: Any, parse: Callable[[object], tuple[Value, str]], kind: pa.DataType
) -> tuple[pa.Array, list[tuple[int, str]]]:
    """The typed column and (row, rule) for each cell that breaks one."""
    coded = _encoded(raw)
    distinct = [*coded.dictionary.to_pylist(), None]
    results = [parse(value) for value in distinct]
    places = pc.fill_null(coded.indices, len(distinct) - 1)
    typed = pa.array([value for value, _ in results], kind).take(places)
    if not any(rule for _, rule in results):
        return typed, []
    bad = pa.array([bool(rule) for _, rule in results], pa.bool_()).take(places)
    rows = pc.indices_nonzero(bad).to_pylist()
    return typed, [(row, results[places[row].as_py()][1]) for row in rows]


def _mapped(columns: list[pa.Array], work: Callable[..., Value]) -> list[Value]:
    """Apply `work` once per distinct combination of the columns' values."""
    known: dict[tuple[Any, ...], Value] = {}
    made = []
    for values in zip(*(column.to_pylist() for column in columns), strict=True):
        if values not in known:
            known[values] = work(*values)
        made.append(known[values])
    return made


def _without_key(
    contract: SourceContract, columns: dict[str, pa.Array], already: set[tuple[int, str]]
) -> Iterable[tuple[int, str, str, str | None]]:
    for name in contract.key:
        for row in pc.indices_nonzero(pc.is_null(columns[name])).to_pylist():
            if (row, name) not in already:
                yield row, name, "key", None


def _set_clocks(
    contract: SourceContract, columns: dict[str, pa.Array], received: date, already: set[tuple[int, str]]
) -> list[tuple[int, str, str, str | None]]:
    """Add `event_date` and `known_at`; refuse rows without them or known before they happened."""
    count = len(next(iter(columns.values())))
    broken: list[tuple[int, str, str, str | None]] = []
    for name, rule in (("event_date", contract.event_clock), ("known_at", contract.known_clock)):
        sources = [columns[rule.column]] if rule.column else [pa.array([0] * count, pa.int8())]
        days = _mapped(sources, lambda value, rule=rule: clock_day(rule, value, received))
        columns[name] = pa.array(days, pa.date32())
        broken += [
            (row, name, "clock", None)
            for row, day in enumerate(days)
            if day is None and (row, rule.column) not in already
        ]
    early = pc.fill_null(pc.less(columns["known_at"], columns["event_date"]), False)
    rows = pc.indices_nonzero(early).to_pylist()
    return broken + [
        (row, "known_at", "known_before_event", str(columns["known_at"][row].as_py())) for row in rows
    ]


def _shown(value: object) -> str | None:
    return None if value is None else str(value)


def _raw(cells: pa.Table, rows: list[int]) -> list[str]:
    """Rows of the file as JSON text, as they came."""
    picked = cells.take(pa.array(rows, pa.int64())).to_pylist()
    return [
        json.dumps({name: _jsonable(value) for name, value in row.items()}, ensure_ascii=False)
        for row in picked
    ]


def _jsonable(value: object) -> object:
    return value if value is None or isinstance(value, str | bool | int) else cell_text(value)
