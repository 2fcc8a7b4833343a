"""Of which signals did the publisher take back every row they rest on?

A row is taken back where the last fact of its key known by the day is a tombstone (`removed`), or another fact of the same
key and the same event date: a correction. A later fact of the same key (the next status, the next balance) is news, and a
row that merely left a window is still there: neither is taken back. Evidence names the newest rows only (`evidence.LISTED`):
where it says that there were more, nobody looked at those, and the signal is not withdrawn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from riskengine.intake.contract import SourceContract
from riskengine.profile.compute import Workbench

_Place = tuple[str, int, int]  # source, batch, row


def taken_back(
    bench: Workbench, contracts: Mapping[str, SourceContract], previous: pd.DataFrame | None, as_of: date
) -> frozenset[tuple[str, str, str]]:
    """(signal, about, id) of each signal of the publication before whose evidence names every row behind it, all taken back by `as_of`.

    For `Night.withdrawn`. Whether the signal is still true without them `evaluate` looks at; one that rests on paths or on
    a model's value names no rows and is never among them. Only facts known by `as_of` are read.
    """
    if previous is None or "evidence" not in previous:
        return frozenset()
    named: dict[tuple[str, str, str], set[_Place]] = {}
    for row in previous[["signal", "about", "id", "evidence"]].to_dict("records"):
        if places := _places(row["evidence"]):
            named[str(row["signal"]), str(row["about"]), str(row["id"])] = places
    gone: set[_Place] = set()
    wanted = sorted(set().union(*named.values()))
    for source in sorted({place[0] for place in wanted}):
        if source in contracts:
            gone |= _gone(bench, contracts[source], [place for place in wanted if place[0] == source], as_of)
    return frozenset(key for key, places in named.items() if places <= gone)


def _places(evidence: Any) -> set[_Place]:
    """The rows behind a signal; none where evidence does not name them all."""
    if not isinstance(evidence, str):
        return set()
    told = json.loads(evidence)
    rows = told.get("rows", [])
    if told.get("of") != len(rows):
        return set()
    return {(row["source"], int(row["batch"]), int(row["row"])) for row in rows}


def _gone(bench: Workbench, contract: SourceContract, places: list[_Place], as_of: date) -> set[_Place]:
    """Those of a source's rows that are taken back."""
    facts = bench.facts(contract.name)
    if not facts:
        return set()
    same = " AND ".join(f'l."{name}" IS NOT DISTINCT FROM n."{name}"' for name in contract.key)
    found = bench.connection.execute(
        f"""WITH asked AS (SELECT unnest(?::BIGINT[]) AS batch, unnest(?::BIGINT[]) AS "row"),
        named AS (SELECT f.* FROM {facts} f SEMI JOIN asked a ON f.batch = a.batch AND f."row" = a."row")
        SELECT n.batch, n."row" FROM named n JOIN {facts} l ON {same}
        WHERE l.known_at <= ?::DATE AND l.fact_rank > n.fact_rank
        GROUP BY n.batch, n."row", n.event_date
        HAVING arg_max(l.removed, l.fact_rank) OR arg_max(l.event_date, l.fact_rank) = n.event_date""",
        [[place[1] for place in places], [place[2] for place in places], as_of],
    ).fetchall()
    return {(contract.name, int(batch), int(row)) for batch, row in found}
