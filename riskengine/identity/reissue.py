"""How does a judgement reach the facts without editing one: as a later-known row of the same key with the code filled in?

A re-issued row keeps its event date, becomes known on the day of the judgement (or with the publisher's row, where that is
later) and keeps the `fact_hash` of the publisher's row it repeats: a file delivered again is then still recognised as a duplicate.
Where the key itself holds an older number, the row appears under the new key and the old key is withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from riskengine.identity.anatomy import exact_key
from riskengine.identity.judgements import Mention
from riskengine.identity.register import CREDIT_CODE
from riskengine.intake.cells import derive
from riskengine.intake.codes import normal_code
from riskengine.intake.contract import SourceContract, WhoIsMeant
from riskengine.schema import fingerprint
from riskengine.store import ledger as books
from riskengine.store.facts import ARROW_TYPES, FACT_FIELDS, FactStore
from riskengine.store.ledger import BatchRecord

MARK = "identity "  # a batch of re-issued rows is named so in the ledger


@dataclass(frozen=True, slots=True)
class Spoken:
    """One way in which visible rows of a source without a credit code speak of an enterprise."""

    source: str
    raw: tuple[str | None, str | None, str | None, str | None]  # code, name, region, person as stored
    mention: Mention
    rows: int
    carried: str  # the credit code that the row of the same key and name before it had; empty where none


@dataclass(frozen=True, slots=True)
class Filling:
    """What is to be written in: for rows that speak so, this code, known from this day."""

    spoken: Spoken
    code: str
    since: date


def identity_columns(who: WhoIsMeant) -> tuple[str, str, str, str]:
    """The columns of code, name, region, person; empty text where the source has none."""
    return who.code, who.name, who.region, who.person


def without_code(store: FactStore, contract: SourceContract, own: Sequence[int], as_of: date) -> list[Spoken]:
    """How rows visible on a day that have no credit code speak of their enterprises, in order of that speech.

    `own` are the source's re-issued batches: a code that a person took back is not carried over.
    """
    files = store.snapshot().paths(contract.name)
    if not contract.identity or not files:
        return []
    with duckdb.connect() as connection:
        query = f"""select who_code, who_name, who_region, who_person, coalesce(carried, ''), count(*)
            from ({_seen(connection, contract, (files, own))}) where open group by all order by all"""
        found = connection.execute(query, {"day": as_of}).fetchall()
    return [Spoken(contract.name, tuple(row[:4]), _mention(*row[:4]), row[5], row[4]) for row in found]


def filled(
    store: FactStore, contract: SourceContract, fillings: Sequence[Filling], own: Sequence[int], as_of: date
) -> pa.Table:
    """The rows to append for `fillings` as known on a day: facts without `batch`, `row` counting from 1."""
    told = [
        (*filling.spoken.raw, filling.spoken.carried, filling.code, filling.since) for filling in fillings
    ]
    names = ("who_code", "who_name", "who_region", "who_person", "carried", "new_code")
    columns = {name: pa.array([row[place] for row in told], pa.string()) for place, name in enumerate(names)}
    with duckdb.connect() as connection:
        connection.register(
            "told", pa.table(columns | {"since": pa.array([row[6] for row in told], pa.date32())})
        )
        same = " and ".join(f"told.{name} is not distinct from seen.{name}" for name in names[:4])
        query = f"""select seen.*, told.new_code, greatest(seen.known_at, told.since) as new_known
            from ({_seen(connection, contract, (store.snapshot().paths(contract.name), own))}) seen
            join told on {same} and told.carried = coalesce(seen.carried, '') where open order by fact_rank"""
        rows = connection.sql(query, params={"day": as_of}).to_arrow_table()
    return recoded(contract, rows, rows.column("new_code"), rows.column("new_known"))


def recoded(contract: SourceContract, rows: pa.Table, codes: Any, known: Any) -> pa.Table:
    """Rows under other codes as known from other days; with the code in the key the old key is withdrawn too."""
    assert contract.identity
    name = contract.identity.code
    return shaped(
        contract, [moved(contract, name, rows, codes, known), *_withdrawn(contract, name, rows, known)]
    )


def moved(contract: SourceContract, column: str, rows: pa.Table, codes: Any, known: Any) -> pa.Table:
    """The rows with `column` and what is derived from it replaced, known from other days."""
    rows = _put(rows, column, codes)
    rows = _put(rows, "known_at", known)
    changed = {column}
    for name, rule in contract.derived.items():
        if changed.isdisjoint(rule.columns):
            continue
        changed.add(name)
        values = zip(*(rows.column(source).to_pylist() for source in rule.columns), strict=True)
        made = [derive(rule, each) for each in values]
        rows = _put(rows, name, pa.array(made, ARROW_TYPES[contract.column_type(name) or "text"]))
    return rows


def _withdrawn(contract: SourceContract, column: str, rows: pa.Table, known: Any) -> list[pa.Table]:
    if column not in contract.key:
        return []
    gone = _put(_put(rows, "known_at", known), "removed", pa.array([True] * rows.num_rows, pa.bool_()))
    return [gone]


def shaped(contract: SourceContract, pieces: Sequence[pa.Table]) -> pa.Table:
    """Pieces of one source as facts without `batch`, `row` counting from 1; other columns are dropped."""
    fields = [
        (name, ARROW_TYPES[contract.column_type(name) or "text"])
        for name in (*contract.columns, *contract.derived)
    ]
    fields += [field for field in FACT_FIELDS if field[0] not in ("batch", "row")]
    tables = []
    for piece in pieces:
        for name, kind in fields:  # a column the contract has gained since
            piece = (
                piece
                if name in piece.column_names
                else piece.append_column(name, pa.nulls(piece.num_rows, kind))
            )
        tables.append(piece.select([name for name, _ in fields]).cast(pa.schema(fields)))
    table = pa.concat_tables(tables)
    return table.append_column("row", pa.array(range(1, table.num_rows + 1), pa.int64()))


def reissue(
    store: FactStore,
    ledger: Engine,
    contracts: Mapping[str, SourceContract],
    facts: Mapping[str, pa.Table],
    as_of: date,
) -> int:
    """Append and publish re-issued rows, one batch a source; returns how many. The store must be locked.

    A killed re-issue is finished or forgotten by the next intake or resolve, as any batch is (`intake.load.recover`).
    """
    begun: list[int] = []
    keys: dict[str, tuple[str, ...]] = {}
    for source, table in sorted(facts.items()):
        if not table.num_rows:
            continue
        contract, batch = contracts[source], books.next_batch(ledger)
        days = pc.min_max(table.column("event_date")).as_py()
        record = BatchRecord(
            batch, source, f"{MARK}{as_of}", fingerprint([source, batch, str(as_of)]),
            fingerprint(contract.model_dump(mode="json")), as_of, table.num_rows, table.num_rows, 0, 0, {}, days["min"], days["max"],
        )  # fmt: skip
        books.begin_batch(ledger, record, [])
        table = table.append_column("batch", pa.array([batch] * table.num_rows, pa.int64()))
        names = [*contract.columns, *contract.derived, *(name for name, _ in FACT_FIELDS)]
        store.append(source, table.select(names), batch)
        begun.append(batch)
        keys[source] = contract.key
    if begun:
        store.publish(keys)
        books.finish_batches(ledger, begun)
    return sum(table.num_rows for table in facts.values())


def own_batches(ledger: Engine, source: str) -> list[int]:
    """The batches of a source that hold re-issued rows."""
    return [each.batch for each in books.batch_records(ledger, source=source) if each.file.startswith(MARK)]


def listed(batches: Sequence[int]) -> str:
    """Batch numbers for SQL's `in (...)`, which must not be empty."""
    return ", ".join(map(str, batches)) or "-1"


def reissued_under(
    store: FactStore, ledger: Engine, contract: SourceContract, found: tuple[Mention, str], as_of: date
) -> pa.Table:
    """The rows visible on a day that carry a code only because a mention was judged to be it, given back their own."""
    mention, code = found
    files = store.snapshot().paths(contract.name)
    batches = own_batches(ledger, contract.name)
    if not contract.identity or not files or not batches:
        return pa.table({})
    with duckdb.connect() as connection:
        query = f"""select * from ({_seen(connection, contract, (files, batches))}) where standing and who_code = $code
            and batch in ({listed(batches)}) order by fact_rank"""
        rows = connection.sql(query, params={"day": as_of, "code": code}).to_arrow_table()
    told = zip(
        *(rows.column(name).to_pylist() for name in ("who_name", "who_region", "who_person")), strict=True
    )
    meant = [_mention(mention.number or None, *each) == mention for each in told]
    rows = rows.filter(pa.array(meant, pa.bool_()))
    codes = pa.array([mention.number or None] * rows.num_rows, pa.string())
    known = pc.max_element_wise(rows.column("known_at"), pa.scalar(as_of, pa.date32()))
    return recoded(contract, rows, codes, known)


def _seen(connection: Any, contract: SourceContract, held_in: tuple[Sequence[str], Sequence[int]]) -> str:
    """Facts known by $day with who_*, whether they stand, are still open, and the code carried over from the row before."""
    assert contract.identity
    files, own = held_in
    connection.read_parquet(list(files)).create_view("facts")
    held = set(connection.table("facts").columns)
    code, name, region, person = (
        f'"{column}"' if column in held else "null::varchar" for column in identity_columns(contract.identity)
    )
    keys = ", ".join(f'"{column}"' for column in contract.key)
    has_code = f"coalesce(length({code}), 0) = {CREDIT_CODE}"
    standing = "(superseded_at is null or superseded_at > $day) and not removed"
    return f"""select *, standing and not {has_code} as open,
        case when batch not in ({listed(own)}) and length(before_code) = {CREDIT_CODE} and before_name is not distinct from {name} then before_code end as carried
        from (select *, {code} as who_code, {name} as who_name, {region} as who_region, {person} as who_person,
            {standing} as standing, lag({code}) over before as before_code, lag({name}) over before as before_name
            from facts where known_at <= $day window before as (partition by {keys} order by fact_rank))"""


def _mention(code: str | None, name: str | None, region: str | None, person: str | None) -> Mention:
    return Mention(exact_key(name or ""), normal_code(code or ""), region or "", person or "")


def _put(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
