"""Which rows of a file keep the contract, what do they say in its types, and why is each other row refused?

1. every cell is parsed once per distinct value (`cells`, long plain columns in `columns`), personal values become
tokens (`personal`) and stand nowhere in clear after that, also not in a refused row; 2. derived columns are made; 3. the two clocks are set;
4. the contract's assertions and `removed_when` are asked of DuckDB; 5. rows that break nothing are accepted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.errors import Problem, UsageError
from riskengine.intake.cells import Value, cell_parser, cell_text, clock_day, derive, refused_text
from riskengine.intake.columns import plain_values
from riskengine.intake.contract import Column, SourceContract
from riskengine.intake.personal import mask, name_shown, name_tokens, redacted, tokens
from riskengine.store.database import connect
from riskengine.store.facts import ARROW_TYPES
from riskengine.store.ledger import Refusal
from riskengine.store.rank import FIRST_DAY, LAST_DAY

_MANY = 100  # distinct cells from which reading a column at once pays
_AT_ONCE = 100_000  # facts named at once: their texts fit into memory


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


def clean(
    contract: SourceContract, cells: pa.Table, received: date, key: bytes = b"", duck: Any = None
) -> Cleaned:
    """Clean a file's cells against the contract; the rows of `facts` and `refusals` count from 1.

    `key` (`personal.personal_key`) is needed where the contract names persons (`names_persons`); `duck` is an open DuckDB
    connection, where one is at hand, for the contract's expressions.

    An optional column that is absent from `cells` is null. A broken expression in the contract is a `UsageError`.
    """
    count = cells.num_rows
    broken: list[tuple[int, str, str, str | None]] = []
    columns: dict[str, pa.Array] = {}
    in_clear: dict[str, pa.Array] = {}
    token = tokens(key) if contract.personal else str
    called = contract.identity.name if contract.identity else ""
    for name, column in contract.columns.items():
        raw = cells.column(name) if name in cells.column_names else pa.nulls(count, pa.string())
        columns[name], rules = _parsed(raw, column, contract.currency)
        told = _name_refused if name == called and not column.personal else refused_text
        broken += [(row, name, rule, told(column, raw[row].as_py())) for row, rule in rules]
        if column.personal:
            in_clear[name] = columns[name]
            columns[name] = _mapped([columns[name]], _only_present(token), pa.string())
        elif name == called:
            columns[name] = _mapped([columns[name]], _only_present(name_tokens(key)), pa.string())
    for name, rule in contract.derived.items():
        known = columns | in_clear if rule.take == "birth_year" else columns
        columns[name] = _mapped(
            [known[source] for source in rule.columns],
            lambda *values, rule=rule: derive(rule, values),
            ARROW_TYPES[contract.column_type(name) or "text"],
        )
    already = {(row, name) for row, name, _, _ in broken}
    broken += _without_key(contract, columns, already)
    broken += _set_clocks(contract, columns, received, already)
    table = pa.table(columns)
    failed, removed = ask(contract, table, duck)
    broken += [(row, "", name, None) for name, rows in failed.items() for row in rows]
    table = table.append_column("row", pa.array(range(1, count + 1), pa.int64()))
    table = table.append_column("removed", removed)
    table = table.append_column("fact_hash", fact_hashes(contract, table))
    refused = sorted({row for row, *_ in broken})
    keep = np.ones(count, np.bool_)
    keep[refused] = False
    raw_rows = dict(zip(refused, _raw(contract, cells, refused), strict=True))
    order = {name: place for place, name in enumerate([*columns, ""])}
    broken.sort(key=lambda entry: (entry[0], order.get(entry[1], -1), entry[2]))
    refusals = [Refusal(row + 1, name, rule, value, raw_rows[row]) for row, name, rule, value in broken]
    return Cleaned(table.filter(pa.array(keep)), refusals, len(refused))


def ask(contract: SourceContract, table: pa.Table, duck: Any = None) -> tuple[dict[str, list[int]], pa.Array]:
    """Which rows (from 0) break which assertion, and which rows say that their key is withdrawn.

    All expressions are asked at once, and one by one where that fails, to name the one that is broken.
    """
    rules = [(assertion.name, assertion.rule) for assertion in contract.assertions]
    if not rules and not contract.removed_when:
        return {}, pa.array([False] * table.num_rows, pa.bool_())
    asked = [f"coalesce(not ({rule}), false)" for _, rule in rules]
    asked.append(f"coalesce(({contract.removed_when or 'false'}), false)")
    numbered = table.append_column("#place", pa.array(range(table.num_rows), pa.int64()))
    with nullcontext(duck) if duck is not None else connect() as connection:
        connection.register("rows", numbered)
        try:
            answers = _answers(connection, asked)
        except duckdb.Error:
            answers = []
            for number, expression in enumerate(asked):
                try:
                    answers += _answers(connection, [expression])
                except duckdb.Error as error:
                    where = rules[number][0] if number < len(rules) else "removed_when"
                    told = redacted(str(error))[:200]
                    raise UsageError(
                        f"A rule of source {contract.name} cannot be evaluated",
                        [Problem(f"{contract.name}.{where}", "a DuckDB boolean expression", told)],
                    ) from None
        finally:
            connection.unregister("rows")
    failed = {
        name: pc.indices_nonzero(answer).to_pylist()
        for (name, _), answer in zip(rules, answers[:-1], strict=True)
    }
    return failed, answers[-1].cast(pa.bool_())


def _answers(connection: Any, expressions: list[str]) -> list[pa.Array]:
    listed = ", ".join(f"({expression})" for expression in expressions)
    table = connection.sql(f'select {listed} from rows order by "#place"').to_arrow_table()
    return [column.combine_chunks() for column in table.columns]


def fact_hashes(contract: SourceContract, table: pa.Table) -> pa.Array:
    """The 128-bit name of each fact: SHA-256 over its contract columns and clocks (not those set by arrival).

    Absent cells are left out, so a column that the contract gains later does not rename older facts.
    """
    clocks = [
        name
        for name, rule in (("event_date", contract.event_clock), ("known_at", contract.known_clock))
        if rule.column
    ]
    names = [*sorted(contract.columns), *clocks]
    hashes: list[str] = []
    for start in range(0, table.num_rows, _AT_ONCE):
        part = table.select(names).slice(start, _AT_ONCE).combine_chunks()
        rows = pc.binary_join_element_wise(
            *(_pieces(name, part.column(name)) for name in names), _text(""), null_handling="replace"
        )
        for row in rows.cast(pa.large_binary()).to_pylist():
            hashes.append(sha256(row).hexdigest()[:32])
    return pa.array(hashes, pa.string())


def _pieces(name: str, column: pa.ChunkedArray) -> pa.Array:
    """What each cell adds to its fact's name: name, length and text; null where the cell is absent."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_decimal(kind) or pa.types.is_int64(kind):
        text = _whole(column.cast(pa.large_string()))
        size = pc.utf8_length(text).cast(pa.large_string())
        return pc.binary_join_element_wise(_text(f"{name}="), size, _text(":"), text, _text(";"), _text(""))
    coded = _encoded(column)
    texts = [_piece(name, value) for value in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.large_string()).take(coded.indices)


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _piece(name: str, value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    return f"{name}={len(text)}:{text};"


def _whole(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _encoded(column: Any) -> pa.DictionaryArray:
    return _whole(column).dictionary_encode()


def _parsed(raw: Any, column: Column, currency: str) -> tuple[pa.Array, list[tuple[int, str]]]:
    """The typed column and (row, rule) for each cell that breaks one."""
    parse, kind = cell_parser(column, currency), ARROW_TYPES[column.type]
    coded = _encoded(raw)
    distinct = coded.dictionary
    plain = plain_values(column, distinct) if len(distinct) > _MANY else None
    left = (
        list(range(len(distinct))) if plain is None else pc.indices_nonzero(pc.invert(plain[1])).to_pylist()
    )
    results = [*map(parse, distinct.take(pa.array(left, pa.int64())).to_pylist()), parse(None)]
    left.append(len(distinct))
    values = pa.array([value for value, _ in results], kind)
    if plain is not None:
        sure = pa.concat_arrays([plain[1], pa.array([False])])
        values = pc.replace_with_mask(
            pa.concat_arrays([plain[0].cast(kind), pa.nulls(1, kind)]), pc.invert(sure), values
        )
    places = pc.fill_null(coded.indices, len(distinct))
    typed = values.take(places)
    rules = {at: rule for at, (_, rule) in zip(left, results, strict=True) if rule}
    if not rules:
        return typed, []
    rows = pc.indices_nonzero(pc.is_in(places, pa.array(sorted(rules), places.type))).to_pylist()
    return typed, [(row, rules[places[row].as_py()]) for row in rows]


def _mapped(columns: list[Any], work: Callable[..., Value], kind: pa.DataType) -> pa.Array:
    """Apply `work` once per distinct combination of the columns' values."""
    if len(columns) == 1:
        coded = _encoded(columns[0])
        results = [*map(work, coded.dictionary.to_pylist()), work(None)]
        return pa.array(results, kind).take(pc.fill_null(coded.indices, len(results) - 1))
    known: dict[tuple[Any, ...], Value] = {}
    made = []
    for values in zip(*(column.to_pylist() for column in columns), strict=True):
        if values not in known:
            known[values] = work(*values)
        made.append(known[values])
    return pa.array(made, kind)


def _only_present(work: Callable[[str], str]) -> Callable[[Any], Value]:
    return lambda value: None if value is None else work(value)


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
    """Add `event_date` and `known_at`; refuse rows without them, of days that cannot be ordered (`store.rank`), or known
    before they happened."""
    count = len(next(iter(columns.values())))
    broken: list[tuple[int, str, str, str | None]] = []
    for name, rule in (("event_date", contract.event_clock), ("known_at", contract.known_clock)):
        sources = [columns[rule.column]] if rule.column else [pa.array([0] * count, pa.int8())]
        days = _mapped(sources, lambda value, rule=rule: clock_day(rule, value, received), pa.date32())
        fits = pc.and_(pc.greater_equal(days, pa.scalar(FIRST_DAY)), pc.less_equal(days, pa.scalar(LAST_DAY)))
        columns[name] = days
        broken += [
            (row, name, "clock", None if days[row].as_py() is None else str(days[row].as_py()))
            for row in pc.indices_nonzero(pc.invert(pc.fill_null(fits, False))).to_pylist()
            if (row, rule.column) not in already
        ]
    early = pc.fill_null(pc.less(columns["known_at"], columns["event_date"]), False)
    rows = pc.indices_nonzero(early).to_pylist()
    return broken + [
        (row, "known_at", "known_before_event", str(columns["known_at"][row].as_py())) for row in rows
    ]


def _name_refused(column: Column, raw: object) -> str | None:
    """A refused cell of the column of enterprises' names as people may see it."""
    text = cell_text(raw)
    return refused_text(column, None if text is None else name_shown(text))


def _raw(contract: SourceContract, cells: pa.Table, rows: list[int]) -> list[str]:
    """Rows of the file as JSON text, as they came but for what is personal."""
    picked = cells.take(pa.array(rows, pa.int64())).to_pylist()
    hidden = set(contract.personal)
    called = contract.identity.name if contract.identity else ""
    if hidden:  # what such a source's contract ignores may be personal too, that may be why
        hidden |= set(cells.column_names) - set(contract.columns)
    return [
        json.dumps(
            {name: _jsonable(value, name in hidden, name == called) for name, value in row.items()},
            ensure_ascii=False,
        )
        for row in picked
    ]


def _jsonable(value: object, hidden: bool, called: bool) -> object:
    text = cell_text(value)
    if called and not hidden and text is not None and name_shown(text) != text:
        return name_shown(text)
    if hidden:
        return None if text is None else mask(text)
    if text is not None and redacted(text) != text:
        return redacted(text)
    return value if value is None or isinstance(value, str | bool | int) else text
