"""What do two credit codes that are one enterprise share from the day that is learnt?

Facts under the code given up are re-issued under the other, known from the judgement's day. Where the key holds the code the
copy has a new key and the original stays under its own; where it does not (a case number), the row moves; a code by which another enterprise's row
names it (guarantor, holder) is replaced, save in a key. Not copied, because two
rows cannot stand under one key: what the other code has itself, and sources with one row an enterprise (the register).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from riskengine.identity.judgements import Judgement
from riskengine.identity.reissue import listed, moved, own_batches, shaped
from riskengine.intake.contract import SourceContract
from riskengine.project import Project
from riskengine.schema import read_toml
from riskengine.store.database import connect
from riskengine.store.facts import FactStore
from riskengine.store.ledger import open_ledger


def merged_facts(
    project: Project, contracts: Mapping[str, SourceContract], merges: Mapping[str, Judgement], as_of: date
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """The rows to append for the merges in force on a day, by source, and how many stay apart because both codes have them."""
    tables: dict[str, pa.Table] = {}
    apart: dict[str, int] = {}
    if not merges:
        return tables, apart
    store, ledger = FactStore(project.store), open_ledger(project.store)
    told = read_toml(project.configs / "subjects.toml").get("keys", {}).get("enterprise", [])
    for source, contract in sorted(contracts.items()):
        files = store.snapshot().paths(source)
        columns = _columns(contract, told)
        if not columns or not files:
            continue
        own, pieces = own_batches(ledger, source), []
        for code, judged in sorted(merges.items()):
            for column in columns:
                held = _Held(files, own, as_of, judged.judged)
                rows, kept = _copied(contract, column, (code, judged.code), held)
                apart[source] = apart.get(source, 0) + kept
                pieces += [rows] if rows.num_rows else []
        if pieces:
            tables[source] = shaped(contract, pieces)
    return tables, {source: count for source, count in apart.items() if count}


def _columns(contract: SourceContract, told: Sequence[str]) -> list[str]:
    """The enterprise's own column, and others outside the key that name enterprises (a guarantor, a holder): links lead
    to where the facts are."""
    own = [name for name in told if name in contract.columns and contract.key != (name,)]
    others = [
        name for name, column in contract.columns.items() if column.format in ("uscc", "enterprise_code")
    ]
    return own[:1] + [name for name in others if name not in (*contract.key, *told)]


@dataclass(frozen=True, slots=True)
class _Held:
    files: list[str]
    own: list[int]  # batches of re-issued rows
    as_of: date
    since: date  # the day of the judgement


def _copied(
    contract: SourceContract, column: str, codes: tuple[str, str], held: _Held
) -> tuple[pa.Table, int]:
    others = [name for name in contract.key if name != column]
    same = " and ".join(f'a."{name}" is not distinct from b."{name}"' for name in others)
    with connect() as connection:
        connection.read_parquet(held.files).create_view("facts")
        stands = (
            "select * from facts where known_at <= $day and (superseded_at is null or superseded_at > $day)"
        )
        new_known = "greatest(b.known_at, $since) as new_known"
        told: dict[str, object] = {"day": held.as_of, "old": codes[0]}
        if column not in contract.key:
            query = f"""select b.*, {new_known} from ({stands}) b where b."{column}" = $old and not b.removed order by fact_rank"""
            rows, kept = connection.sql(query, params=told | {"since": held.since}).to_arrow_table(), 0
        else:
            pairs = f"""from ({stands}) b left join ({stands} and "{column}" = $new) a on {same or "true"} where b."{column}" = $old"""
            # a copy of the other's row, and not what the code's own publisher said and was told again (`overtaken`)
            ours = f"""a.batch in ({listed(held.own)}) and not exists (select 1 from facts p where p.batch not in ({listed(held.own)})
                and p."{column}" = $new and p.fact_hash = a.fact_hash)"""
            changed = "(a.fact_hash <> b.fact_hash or a.removed <> b.removed)"
            told |= {"new": codes[1]}
            query = f"""select b.*, {new_known} {pairs} and (a.fact_hash is null and not b.removed or ({ours}) and {changed})
                order by b.fact_rank"""
            rows = connection.sql(query, params=told | {"since": held.since}).to_arrow_table()
            counted = (
                f"select count(*) {pairs} and a.fact_hash is not null and not b.removed and not ({ours})"
            )
            found = connection.execute(counted, told)
            kept = int(found.fetchall()[0][0])
    new = pa.array([codes[1]] * rows.num_rows, pa.string())
    return moved(contract, column, rows, new, rows.column("new_known")), kept
