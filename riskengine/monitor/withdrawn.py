"""Of which signals did the publisher take back every row they rest on?

A row is taken back where the last fact of its key known by the day is a tombstone (`removed`), or another fact of the same
key and the same event date: a correction. A later fact of the same key (the next status, the next balance) is news, and a
row that merely left a window is still there: neither is taken back. Evidence names the newest rows only (`evidence.LISTED`):
where it says that there were more, nobody looked at those, and the signal is not withdrawn.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from riskengine.intake.contract import SourceContract
from riskengine.monitor.long_texts import one_by_one
from riskengine.profile.compute import Workbench


def taken_back(
    bench: Workbench, contracts: Mapping[str, SourceContract], previous: pd.DataFrame | None, as_of: date
) -> frozenset[tuple[str, str, str]]:
    """(signal, about, id) of each signal of the publication before whose evidence names every row behind it, all taken back by `as_of`.

    For `Night.withdrawn`. Whether the signal is still true without them `evaluate` looks at; one that rests on paths or on
    a model's value names no rows and is never among them. Only facts known by `as_of` are read.
    """
    if previous is None or "evidence" not in previous:
        return frozenset()
    owners, sources, batches, numbers = _named(one_by_one(previous.evidence))
    kept = np.ones(len(owners), dtype=bool)
    for source in sorted(set(sources.tolist()) & contracts.keys()):
        mine = np.flatnonzero(sources == source)
        asked = pd.MultiIndex.from_arrays([batches[mine], numbers[mine]])
        gone = _gone(bench, contracts[source], asked.unique(), as_of)
        if len(gone):
            kept[mine] = ~asked.isin(gone)
    over = np.zeros(len(previous), dtype=bool)
    over[owners] = True
    over[owners[kept]] = False
    rows = previous[["signal", "about", "id"]][over]
    return frozenset(
        (str(signal), str(about), str(name)) for signal, about, name in rows.itertuples(index=False)
    )


def _named(texts: Iterable[Any]) -> tuple[Any, Any, Any, Any]:
    """(Which text, source, batch, row) of each row behind the texts that name all of theirs."""
    owners, batches, numbers = array("q"), array("q"), array("q")
    sources: list[str] = []
    for owner, text in enumerate(texts):
        for row in _rows(text):
            owners.append(owner)
            sources.append(sys.intern(row["source"]))
            batches.append(int(row["batch"]))
            numbers.append(int(row["row"]))
    ints = (np.array(column, dtype="int64") for column in (owners, batches, numbers))
    whose, batch, number = ints
    return whose, np.array(sources, dtype="object"), batch, number


def _rows(evidence: Any) -> list[Mapping[str, Any]]:
    """The rows behind a signal; none where evidence does not name them all."""
    if not isinstance(evidence, str):
        return []
    told = json.loads(evidence)
    rows: list[Mapping[str, Any]] = told.get("rows", [])
    return rows if told.get("of") == len(rows) else []


def _gone(bench: Workbench, contract: SourceContract, places: pd.MultiIndex, as_of: date) -> pd.MultiIndex:
    """Those of a source's rows (batch, row) that are taken back."""
    facts = bench.facts(contract.name)
    if not facts:
        return places[:0]
    same = " AND ".join(f'l."{name}" IS NOT DISTINCT FROM n."{name}"' for name in contract.key)
    keys = ", ".join(f'f."{name}"' for name in contract.key)
    batches, rows = (places.get_level_values(level).to_numpy() for level in (0, 1))
    bench.connection.register("asked_places", pa.table({"batch": batches, "row": rows}))
    found = bench.connection.execute(
        f"""WITH named AS (SELECT f.batch, f."row" AS row_, f.fact_rank AS rank_, f.event_date AS event_, {keys}
            FROM {facts} f SEMI JOIN asked_places a ON f.batch = a.batch AND f."row" = a."row")
        SELECT n.batch AS batch, n.row_ AS number FROM named n JOIN {facts} l ON {same}
        WHERE l.known_at <= ?::DATE AND l.fact_rank > n.rank_
        GROUP BY n.batch, n.row_, n.event_
        HAVING arg_max(l.removed, l.fact_rank) OR arg_max(l.event_date, l.fact_rank) = n.event_""",
        [as_of],
    ).fetchnumpy()
    bench.connection.unregister("asked_places")
    return pd.MultiIndex.from_arrays([np.asarray(found[name], dtype="int64") for name in ("batch", "number")])
