"""Which enterprises do older numbers mean that stand in a row's other columns: its guarantor, holder, debtor, counterparty?

A 15-digit registration or taxpayer number or a 9-character organisation code there is judged like a mention without a name, on
its day, and the row is re-issued with the credit code from that day on. Numbers in a key stay: a key is not rewritten for what
another enterprise is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
from sqlalchemy.engine import Engine

from riskengine.identity.judgements import Judgement, Mention, append, standing
from riskengine.identity.register import CREDIT_CODE, read_register
from riskengine.identity.reissue import moved, shaped
from riskengine.identity.rules import read_rules
from riskengine.intake.codes import normal_code
from riskengine.intake.contract import SourceContract
from riskengine.project import Project
from riskengine.store.database import connect
from riskengine.store.facts import FactStore

_SURE = 0.99  # as `resolve` has for an older number
_OPEN = f"""not removed and known_at <= $day and (superseded_at is null or superseded_at > $day) and length({{0}}) < {CREDIT_CODE}"""


def crosswalked(
    project: Project, contracts: Mapping[str, SourceContract], ledger: Engine, as_of: date
) -> dict[str, pa.Table]:
    """The rows to append as known on a day, by source; judges the numbers that were not judged yet. The store must be locked.

    Before the newest judgement nothing new is judged, and a number of several enterprises or of none stays as it is.
    """
    store = FactStore(project.store)
    found = {
        (name, column): numbers
        for name, contract in sorted(contracts.items())
        for column in other_codes(contract)
        if (numbers := _numbers(store, name, column, as_of))
    }
    if not found:
        return {}
    codes = _judged(project, contracts, ledger, found, as_of)
    pieces: dict[str, list[pa.Table]] = {}
    for name in sorted({name for name, _ in found}):
        columns = [column for source, column in found if source == name]
        rows = _rows(store, name, columns, codes, as_of)
        for column in columns:
            held = rows.column(column).to_pylist()
            told = [codes.get(normal_code(value or ""), (value, date.min)) for value in held]
            known = [
                max(day, since)
                for day, (_, since) in zip(rows.column("known_at").to_pylist(), told, strict=True)
            ]
            new = pa.array([code for code, _ in told], pa.string())
            rows = moved(contracts[name], column, rows, new, pa.array(known, pa.date32()))
        if rows.num_rows:
            pieces[name] = [rows]
    return {name: shaped(contracts[name], tables) for name, tables in pieces.items()}


def other_codes(contract: SourceContract) -> list[str]:
    """The columns outside the key that may name another enterprise by an older number."""
    own = contract.identity.code if contract.identity else ""
    return [
        name
        for name, column in contract.columns.items()
        if column.format == "enterprise_code" and not column.personal and name not in (own, *contract.key)
    ]


def _numbers(store: FactStore, source: str, column: str, as_of: date) -> list[str]:
    files = store.snapshot().paths(source)
    if not files:
        return []
    with connect() as connection:
        facts = connection.read_parquet(list(files))
        if column not in facts.columns:
            return []
        facts.create_view("facts")
        where = _OPEN.format(f'"{column}"')
        query = f'select distinct "{column}" from facts where {where} order by 1'
        return [row[0] for row in connection.execute(query, {"day": as_of}).fetchall()]


def _rows(
    store: FactStore, source: str, columns: list[str], codes: Mapping[str, tuple[str, date]], as_of: date
) -> pa.Table:
    """The rows that one of the columns' numbers is known of."""
    with connect() as connection:
        connection.read_parquet(store.snapshot().paths(source)).create_view("facts")
        some = " or ".join(
            f"""({_OPEN.format(f'"{column}"')} and list_contains($numbers, "{column}"))"""
            for column in columns
        )
        asked = {"day": as_of, "numbers": sorted(codes)}
        return connection.sql(
            f"select * from facts where {some} order by fact_rank", params=asked
        ).to_arrow_table()


def _judged(
    project: Project,
    contracts: Mapping[str, SourceContract],
    ledger: Engine,
    found: Mapping[tuple[str, str], list[str]],
    as_of: date,
) -> dict[str, tuple[str, date]]:
    """Code and day of its judgement for each number that has one, new judgements included."""
    told = sorted({normal_code(each) for numbers in found.values() for each in numbers})
    stands = standing(ledger, as_of, [Mention("", number) for number in told])
    register = read_register(
        FactStore(project.store).snapshot(), read_rules(project, contracts).register_, contracts, as_of
    )
    older = register.older(told)
    codes: dict[str, tuple[str, date]] = {}
    made: list[Judgement] = []
    for number in told:
        last = stands.last.get(Mention("", number))
        if last:
            codes |= {number: (last.code, last.judged)} if last.state == "accepted" else {}
            continue
        code, rule = older.get(number, ("", ""))
        if not code or stands.newest > as_of:
            continue
        sources = tuple(sorted({name for (name, _), numbers in found.items() if number in numbers}))
        evidence = f"{rule} {number}"
        made.append(
            Judgement(Mention("", number), "", "accepted", code, rule, _SURE, evidence, as_of, (), sources)
        )
        codes[number] = (code, as_of)
    append(ledger, made)
    return codes
