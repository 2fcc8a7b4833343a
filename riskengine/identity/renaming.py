"""Which rows tell of one thing twice because its enterprise stands in the key by a name that has changed?

As if the code stood in the key: of rows that differ in nothing of it but the name and have one code, the publisher's last
one stands, also where it says that the thing is gone; the others are withdrawn from the day that a later one is known with its code. A
row so withdrawn stands again when the later one turns out to be another enterprise's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from riskengine.identity.register import CREDIT_CODE
from riskengine.identity.reissue import listed, rest_of_key, shaped
from riskengine.intake.contract import SourceContract
from riskengine.store.database import connect
from riskengine.store.facts import FactStore


def renamed(store: FactStore, contract: SourceContract, own: Sequence[int], as_of: date) -> pa.Table:
    """The rows to append as known on a day: withdrawals, and rows that stand again; `own` are the re-issued batches."""
    files = store.snapshot().paths(contract.name)
    if not contract.identity or not files or contract.identity.code in contract.key:
        return pa.table({})
    rest = ", ".join(f'"{name}"' for name in rest_of_key(contract))
    if not rest:
        return pa.table({})
    code, ours = f'"{contract.identity.code}"', f"batch in ({listed(own)})"
    columns = [*rest_of_key(contract), contract.identity.code]
    same = " and ".join(f'last."{name}" is not distinct from groups."{name}"' for name in columns)
    with connect() as connection:
        connection.read_parquet(list(files)).create_view("facts")
        # a row alone in its group that was never withdrawn stays as it is: nearly all, so that only groups are ranked
        query = f"""with known as not materialized (select * from facts where known_at <= $day),
            last as not materialized (select * from known where (superseded_at is null or superseded_at > $day) and length({code}) = {CREDIT_CODE}),
            groups as (select {rest}, {code} from last group by all having count(*) > 1 or bool_or(removed and {ours})),
            few as (select last.* from last semi join groups on {same}),
            said as (select fact_hash, known_at as said_at, batch as said_batch, "row" as said_row, removed as said_gone
                from known where not ({ours}) and fact_hash in (select fact_hash from few)
                qualify row_number() over (partition by fact_hash order by batch desc, "row" desc) = 1),
            told as (select *, removed and {ours} and not said_gone as withdrawn from few join said using (fact_hash)),
            ranked as (select *, min(known_at) over (later rows between unbounded preceding and 1 preceding) as later_known
                from told window later as (partition by {rest}, {code}
                order by event_date desc, said_at desc, said_batch desc, said_row desc))
            select * replace (withdrawn = false as removed), greatest(known_at, coalesce(later_known, $day)) as new_known
            from ranked where case when later_known is null then withdrawn else not removed end order by fact_rank"""
        rows = connection.sql(query, params={"day": as_of}).to_arrow_table()
    if not rows.num_rows:
        return pa.table({})
    known = rows.column_names.index("known_at")
    return shaped(contract, [rows.set_column(known, "known_at", rows.column("new_known"))])
