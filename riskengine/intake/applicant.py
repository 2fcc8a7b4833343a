"""What does one applicant's row say in the contract's types, and what is wrong with it?

The same cell parsers, derivations and clocks as whole files (`cleaning`), without any heavy import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.intake.cells import Value, cell_parser, cell_text, clock_day, derive
from riskengine.intake.contract import SourceContract

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
    contract: SourceContract, rows: Sequence[Mapping[str, object]], default_known: date | None
) -> tuple[list[dict[str, Value]], list[list[CellProblem]]]:
    """Type applicants' rows: contract and derived columns, `event_date`, `known_at`, `removed`; and each row's problems.

    An optional cell that breaks a rule is null and reported; a required one, or a key, is reported as blocking. Where a
    clock's column is empty the clock shows `default_known`. Columns that the contract does not name are not read.
    """
    parsers = {name: cell_parser(column, contract.currency) for name, column in contract.columns.items()}
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
                found.append(CellProblem(name, rule, None if cell_text(raw) is None else str(raw), needed))
        for name, made in contract.derived.items():
            row[name] = derive(made, tuple(row[source] for source in made.columns))
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


def _ask(contract: SourceContract, typed: list[dict[str, Value]], problems: list[list[CellProblem]]) -> None:
    """Put the contract's own expressions to DuckDB, where it has any."""
    for row in typed:
        row["removed"] = False
    rules = [(assertion.name, assertion.rule) for assertion in contract.assertions]
    if not typed or (not rules and not contract.removed_when):
        return
    import duckdb

    names = [name for name in typed[0] if name != "removed"]
    shape = ", ".join(
        f'cast(? as {_DUCKDB_TYPES[contract.column_type(name) or "text"]}) as "{quoted}"'
        for name in names
        for quoted in [name.replace('"', '""')]
    )
    with duckdb.connect() as connection:
        for number, row in enumerate(typed):
            values: list[Any] = [row[name] for name in names]
            for name, rule in [*rules, ("removed_when", contract.removed_when or "false")]:
                try:
                    query = f"select coalesce(({rule}), {name != 'removed_when'}) from (select {shape})"
                    answer = connection.execute(query, values).fetchone()
                except duckdb.Error as error:
                    raise UsageError(
                        f"A rule of source {contract.name} cannot be evaluated",
                        [Problem(f"{contract.name}.{name}", "a DuckDB boolean expression", str(error)[:200])],
                    ) from None
                if name == "removed_when":
                    row["removed"] = bool(answer and answer[0])
                elif answer and not answer[0]:
                    problems[number].append(CellProblem("", name, None, False))
