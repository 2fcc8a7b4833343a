"""What does one applicant's row say in the contract's types, and what is wrong with it?

The same cell parsers, derivations and clocks as whole files (`cleaning`), without any heavy import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from riskengine.errors import Problem, UsageError
from riskengine.intake.cells import CellParser, Value, cell_parser, clock_day, derive, refused_text
from riskengine.intake.contract import SourceContract
from riskengine.intake.personal import name_shown, name_tokens, redacted, tokens
from riskengine.store.rows import insert_rows

if TYPE_CHECKING:
    import duckdb

_DUCKDB_TYPES = {
    "text": "varchar", "integer": "bigint", "number": "double", "rate": "double", "money": "decimal(18,2)",
    "date": "date", "flag": "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One broken rule of an applicant's row; `blocking` where the contract cannot do without the cell."""

    column: str
    rule: str
    value: str | None
    blocking: bool


def clean_cells(
    contract: SourceContract,
    rows: Sequence[Mapping[str, object]],
    default_known: date | None,
    key: bytes = b"",
) -> tuple[list[dict[str, Value]], list[list[CellProblem]]]:
    """Type applicants' rows: contract and derived columns, `event_date`, `known_at`, `removed`; and each row's problems.

    An optional cell that breaks a rule is null and reported; a required one, or a key, is reported as blocking. Where a
    clock's column is empty the clock shows `default_known`. Columns that the contract does not name are not read.
    Personal values become the tokens of whole files under the same `key` (`personal.personal_key`).
    """
    parsers = {name: _remembering(cell_parser(c, contract.currency)) for name, c in contract.columns.items()}
    token = tokens(key) if contract.personal else str
    called = (
        contract.identity.name if contract.identity and contract.identity.name in contract.columns else ""
    )
    named = name_tokens(key) if called and called not in contract.personal else str
    typed: list[dict[str, Value]] = []
    problems: list[list[CellProblem]] = []
    for cells in rows:
        row: dict[str, Value] = {}
        found: list[CellProblem] = []
        for name, parse in parsers.items():
            raw = cells.get(name)
            row[name], rule = parse(raw)
            if rule:
                needed = contract.columns[name].required or name in contract.key
                told = name_shown(str(raw)) if name == called and raw is not None else raw
                found.append(CellProblem(name, rule, refused_text(contract.columns[name], told), needed))
        in_clear = dict(row)
        row |= {name: token(str(row[name])) for name in contract.personal if row[name] is not None}
        if called and row[called] is not None:
            row[called] = named(str(row[called]))
        for name, made in contract.derived.items():
            told = in_clear if made.take == "birth_year" else row
            row[name] = derive(made, tuple(told[source] for source in made.columns))
        broken = {problem.column for problem in found}
        found += [
            CellProblem(name, "key", None, True)
            for name in contract.key
            if row[name] is None and name not in broken
        ]
        event, known = (
            clock_day(rule, row[rule.column] if rule.column else None, default_known) or default_known
            for rule in (contract.event_clock, contract.known_clock)
        )
        row |= {"event_date": event, "known_at": known}
        found += [
            CellProblem(name, "clock", None, True) for name in ("event_date", "known_at") if row[name] is None
        ]
        if event and known and known < event:
            found.append(CellProblem("known_at", "known_before_event", str(known), False))
        typed.append(row)
        problems.append(found)
    _ask(contract, typed, problems)
    return typed, problems


def _remembering(parse: CellParser) -> CellParser:
    """The same parser, asked once for each distinct text or whole number: columns repeat themselves."""
    known: dict[tuple[type, object], tuple[Value, str]] = {}

    def remembered(raw: object) -> tuple[Value, str]:
        if (
            type(raw) is not str and type(raw) is not int
        ):  # 1.0 == Decimal("1"), yet they are written differently
            return parse(raw)
        key = (type(raw), raw)
        if key not in known:
            known[key] = parse(raw)
        return known[key]

    return remembered


def _ask(contract: SourceContract, typed: list[dict[str, Value]], problems: list[list[CellProblem]]) -> None:
    """Put the contract's own expressions to DuckDB, where it has any: one query for all rows."""
    for row in typed:
        row["removed"] = False
    rules = [(assertion.name, assertion.rule) for assertion in contract.assertions]
    if not typed or (not rules and not contract.removed_when):
        return
    import duckdb

    names = [name for name in typed[0] if name != "removed"]
    shape = ", ".join(
        f'"{quoted}" {_DUCKDB_TYPES[contract.column_type(name) or "text"]}'
        for name in names
        for quoted in [name.replace('"', '""')]
    )
    asked = [*((name, f"coalesce(({rule}), true)") for name, rule in rules)]
    asked.append(("removed_when", f"coalesce(({contract.removed_when or 'false'}), false)"))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows_asked (row_asked BIGINT, {shape})")
        insert_rows(
            connection, "rows_asked", [[n, *(row[name] for name in names)] for n, row in enumerate(typed)]
        )
        answers = _answers(connection, contract, asked)
    for row, found, (*held, removed) in zip(typed, problems, answers, strict=True):
        row["removed"] = bool(removed)
        found += [
            CellProblem("", name, None, False)
            for (name, _), true in zip(rules, held, strict=True)
            if not true
        ]


def _answers(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, asked: Sequence[tuple[str, str]]
) -> list[tuple[Any, ...]]:
    """Every expression's value for every row; the first that cannot be evaluated is named."""
    import duckdb

    query = "SELECT {} FROM rows_asked ORDER BY row_asked"
    try:
        found: list[tuple[Any, ...]] = connection.execute(
            query.format(", ".join(rule for _, rule in asked))
        ).fetchall()
        return found
    except duckdb.Error as together:
        for name, rule in asked:
            try:
                connection.execute(query.format(rule)).fetchall()
            except duckdb.Error as error:
                raise UsageError(
                    f"A rule of source {contract.name} cannot be evaluated",
                    [
                        Problem(
                            f"{contract.name}.{name}",
                            "a DuckDB boolean expression",
                            redacted(str(error))[:200],
                        )
                    ],
                ) from None
        raise UsageError(
            f"The rules of source {contract.name} cannot be evaluated together",
            [Problem(contract.name, "DuckDB boolean expressions", redacted(str(together))[:200])],
        ) from None
