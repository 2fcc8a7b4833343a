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

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from riskengine.identity.anatomy import exact_key
from riskengine.identity.judgements import Mention, Standing
from riskengine.identity.register import CREDIT_CODE
from riskengine.intake.cells import derive
from riskengine.intake.codes import normal_code
from riskengine.intake.contract import SourceContract, WhoIsMeant
from riskengine.intake.load import published
from riskengine.schema import fingerprint
from riskengine.store import ledger as books
from riskengine.store.database import connect
from riskengine.store.facts import ARROW_TYPES, FACT_FIELDS, FactStore
from riskengine.store.ledger import BatchRecord

MARK = "identity "  # a batch of re-issued rows is named so in the ledger
_LAST = "(superseded_at is null or superseded_at > $day)"  # of the facts known by $day the last of its key
_STANDING = f"{_LAST} and not removed"


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
    with connect() as connection:
        query = f"""select who_code, who_name, who_region, who_person, coalesce(carried, ''), count(*)
            from ({_open(connection, contract, (files, own))}) group by all order by all"""
        found = connection.execute(query, {"day": as_of}).fetchall()
    keys = {name: exact_key(name or "") for name in {row[1] for row in found}}
    return [
        Spoken(contract.name, tuple(row[:4]), _mention(row[0], keys[row[1]], *row[2:4]), row[5], row[4])
        for row in found
    ]


def filled(
    store: FactStore, contract: SourceContract, fillings: Sequence[Filling], own: Sequence[int], as_of: date
) -> pa.Table:
    """The rows to append for `fillings` as known on a day: facts without `batch`."""
    told = [
        (*filling.spoken.raw, filling.spoken.carried, filling.code, filling.since) for filling in fillings
    ]
    names = ("who_code", "who_name", "who_region", "who_person", "carried", "new_code")
    columns = {name: pa.array([row[place] for row in told], pa.string()) for place, name in enumerate(names)}
    with connect() as connection:
        connection.register(
            "told", pa.table(columns | {"since": pa.array([row[6] for row in told], pa.date32())})
        )
        same = " and ".join(f"told.{name} is not distinct from seen.{name}" for name in names[:4])
        query = f"""select seen.*, told.new_code, greatest(seen.known_at, told.since) as new_known
            from ({_open(connection, contract, (store.snapshot().paths(contract.name), own))}) seen
            join told on {same} and told.carried = coalesce(seen.carried, '') order by fact_rank"""
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
    """Pieces of one source as facts without `batch`; other columns are dropped. `row` counts up to -1: below 0 no
    publisher spoke, which is how a feed's freshness knows (`decision.freshness`)."""
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
    return table.append_column("row", pa.array(range(-table.num_rows, 0), pa.int64()))


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
    told: list[SourceContract] = []
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
        told.append(contract)
    if begun:
        published(store, told)
        books.finish_batches(ledger, begun)
    return sum(table.num_rows for table in facts.values())


def own_batches(ledger: Engine, source: str) -> list[int]:
    """The batches of a source that hold re-issued rows."""
    return [each.batch for each in books.batch_records(ledger, source=source) if each.file.startswith(MARK)]


def listed(batches: Sequence[int]) -> str:
    """Batch numbers for SQL's `in (...)`, which must not be empty."""
    return ", ".join(map(str, batches)) or "-1"


def taken_back(
    store: FactStore, contract: SourceContract, stands: Standing, own: Sequence[int], as_of: date
) -> pa.Table:
    """The rows visible on a day that carry a code only because a judgement said so that a person took back, given back
    their own; also where the code has since been merged into another."""
    files = store.snapshot().paths(contract.name)
    if not contract.identity or not files or not own or not stands.taken_back:
        return pa.table({})
    meant: dict[Mention, frozenset[str]] = {}
    for mention, (codes, _) in stands.taken_back.items():
        further = set(codes)
        while more := {stands.merges[code].code for code in further if code in stands.merges} - further:
            further |= more
        last = stands.last[mention]
        meant[mention] = frozenset(further - {last.code if last.state == "accepted" else ""})
    with connect() as connection:
        connection.read_parquet(list(files)).create_view("facts")
        query = f"""with seen as (select *, {_who(connection, contract)} from facts where known_at <= $day and {_STANDING}
                and batch in ({listed(own)}) and list_contains($codes, who_code))
            select seen.*, told.who_code as own_code from seen
            join (select fact_hash, any_value("{contract.identity.code}") as who_code from facts
                where batch not in ({listed(own)}) and fact_hash in (select fact_hash from seen) group by fact_hash) told
                on told.fact_hash = seen.fact_hash
            where coalesce(length(told.who_code), 0) <> {CREDIT_CODE} order by fact_rank"""
        every = sorted(set().union(*meant.values()))
        rows = connection.sql(query, params={"day": as_of, "codes": every}).to_arrow_table()
    names = ("own_code", "who_name", "who_region", "who_person")
    mentions = [
        _mention(code, exact_key(name or ""), *who)
        for code, name, *who in zip(*(rows.column(name).to_pylist() for name in names), strict=True)
    ]
    codes_now = rows.column("who_code").to_pylist()
    wrong = [code in meant.get(each, ()) for each, code in zip(mentions, codes_now, strict=True)]
    since = [stands.taken_back[each][1] for each, is_wrong in zip(mentions, wrong, strict=True) if is_wrong]
    rows = rows.filter(pa.array(wrong, pa.bool_()))
    known = pc.max_element_wise(rows.column("known_at"), pa.array(since, pa.date32()))
    return recoded(contract, rows, rows.column("own_code"), known)


def overtaken(store: FactStore, contract: SourceContract, own: Sequence[int], as_of: date) -> pa.Table:
    """The publisher's rows that came after a row was re-issued but are stamped before it, told again from its day on.

    Otherwise a late update or removal would stay hidden behind the repetition of the row that it replaces.
    """
    files = store.snapshot().paths(contract.name)
    if not files or not own:
        return pa.table({})
    keys, listed_keys = _same(contract.key, "theirs", "ours"), ", ".join(f'"{name}"' for name in contract.key)
    overtakes = """theirs.batch > ours.batch and theirs.fact_rank < ours.fact_rank and theirs.event_date = ours.event_date"""
    who = contract.identity if contract.identity and contract.identity.code not in contract.key else None
    with connect() as connection:
        facts = connection.read_parquet(list(files))
        facts.create_view("facts")
        same_name = (
            f'theirs."{who.name}" is not distinct from ours."{who.name}"'
            if who and who.name in facts.columns
            else "false"
        )
        code = (
            f"""case when coalesce(length(theirs."{who.code}"), 0) <> {CREDIT_CODE} and {same_name}
            then ours."{who.code}" else theirs."{who.code}" end"""
            if who
            else "null"
        )
        # the last rows of few keys: a night delivers few keys after their row was re-issued
        query = f"""with known as not materialized (select * from facts where known_at <= $day),
            mine as not materialized (select * from known ours where batch in ({listed(own)}) and {_LAST}),
            late as (select distinct {", ".join(f"ours.{each}" for each in listed_keys.split(", "))}
                from mine ours join known theirs on {keys} and theirs.batch not in ({listed(own)}) and {overtakes})
            select theirs.*, ours.known_at as new_known, {code} as new_code
            from (select ours.* from mine ours semi join late on {_same(contract.key, "ours", "late")}) ours
            join (select theirs.* from known theirs semi join late on {_same(contract.key, "theirs", "late")} where batch not in ({listed(own)})
                qualify row_number() over (partition by {listed_keys} order by fact_rank desc) = 1) theirs on {keys}
            where {overtakes} and theirs.fact_hash <> ours.fact_hash order by theirs.fact_rank"""
        rows = connection.sql(query, params={"day": as_of}).to_arrow_table()
    if not rows.num_rows:
        return pa.table({})
    known = rows.column("new_known")
    if who:
        return shaped(contract, [moved(contract, who.code, rows, rows.column("new_code"), known)])
    return shaped(contract, [_put(rows, "known_at", known)])


def _open(connection: Any, contract: SourceContract, held_in: tuple[Sequence[str], Sequence[int]]) -> str:
    """Facts known by $day without a credit code that are still open, with who_* and the code carried over from the row before.

    A publisher's removal is open too where its key names the enterprise by name or by an older number: what it removes may
    stand under another name, or as a copy under the credit code. Only the keys of such facts are looked at further: all keys
    of a province's feeds, of which a night leaves a thousandth open, took as long as everything else.
    """
    files, own = held_in
    connection.read_parquet(list(files)).create_view("facts")
    told, rest = _who(connection, contract), rest_of_key(contract)
    keys, ours = ", ".join(f'"{column}"' for column in contract.key), f"batch in ({listed(own)})"
    has_code = f"coalesce(length(who_code), 0) = {CREDIT_CODE}"
    gone = f"""removed and fact_hash in (select fact_hash from facts where removed and not {ours})
        and fact_hash not in (select fact_hash from known where {ours} and {has_code})"""
    hidden = f"""select lacking.* from lacking semi join (select * from known where {_STANDING}) stands
        on {_same(rest, "lacking", "stands")} where {gone}""" if rest else "select * from lacking where false"  # fmt: skip
    return f"""with known as not materialized (select *, {told} from facts where known_at <= $day),
        lacking as (select * from known where not {has_code} and {_LAST}),
        open as (select * from lacking where not removed union all {hidden}),
        before as (select fact_rank, lag(who_code) over before as before_code, lag(who_name) over before as before_name
            from (select known.* from known semi join open on {_same(contract.key, "known", "open")})
            window before as (partition by {keys} order by fact_rank))
        select open.*, case when not {ours} and length(before_code) = {CREDIT_CODE} and before_name is not distinct from who_name
            then before_code end as carried from open join before using (fact_rank)"""


def _who(connection: Any, contract: SourceContract) -> str:
    """The columns who_code, who_name, who_region and who_person of the view `facts`."""
    assert contract.identity
    held = set(connection.table("facts").columns)
    names = ("who_code", "who_name", "who_region", "who_person")
    columns = zip(names, identity_columns(contract.identity), strict=True)
    return ", ".join(
        f'"{column}" as {name}' if column in held else f"null::varchar as {name}" for name, column in columns
    )


def _same(columns: Sequence[str], left: str, right: str) -> str:
    return " and ".join(f'{left}."{name}" is not distinct from {right}."{name}"' for name in columns)


def rest_of_key(contract: SourceContract) -> list[str]:
    """What is left of the key where an enterprise stands in it by code or by name; nothing where it does not."""
    assert contract.identity
    who = contract.identity
    by_name = {name for name, rule in contract.derived.items() if who.name in rule.columns}
    rest = [name for name in contract.key if name not in {who.code, who.name} | by_name]
    return rest if len(rest) < len(contract.key) else []


def _mention(code: str | None, key: str, region: str | None, person: str | None) -> Mention:
    return Mention(key, normal_code(code or ""), region or "", person or "")


def _put(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
