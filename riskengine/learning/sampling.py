"""Which borrowers does a training see where all are too many, and what does a row that was drawn stand for?

A borrower (the spec's `group`, else the subject) is drawn by the hash that files the store's facts (`store.snapshot.bucket_of`):
one in 2, 4, 8 ... is one bucket in 2, 4, 8 ..., in every training the same, each sample inside the larger one. With `keep_events`
every borrower with a known event is kept; the others stand for the ones that were not drawn, as their weights say (Horvitz and
Thompson, JASA 47, 1952): the weighted rates stay those of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.learning.metrics import Floats
from riskengine.learning.spec_blocks import Population
from riskengine.profile.compute import Workbench
from riskengine.store.snapshot import bucket_of, bucket_sql


@dataclass(frozen=True)
class Share:
    """A part of what was drawn, by the same hash: number `number` (from 0) of `of`."""

    number: int = 0
    of: int = 1


def drawn(borrower: npt.NDArray[np.str_], one_in: int, kept: npt.NDArray[np.bool_] | None = None) -> Floats:
    """By row, how many borrowers its own stands for: 0 where it was not drawn.

    `kept` flags the rows of borrowers that are drawn in any case; None: nobody is, and whoever is drawn counts as one.

    >>> drawn(np.array(["a", "b", "c", "d"]), 2).tolist()
    [0.0, 1.0, 1.0, 0.0]
    >>> drawn(np.array(["a", "b", "c", "d"]), 2, np.array([True, True, False, False])).tolist()
    [1.0, 1.0, 2.0, 0.0]
    """
    names, place = np.unique(np.asarray(borrower, dtype=str), return_inverse=True)
    mine = np.array([bucket_of(name, one_in) == 0 for name in names.tolist()], dtype=bool)[place]
    if kept is None:
        return np.where(mine, 1.0, 0.0)
    return np.where(kept, 1.0, np.where(mine, float(one_in), 0.0))


def kept_borrowers(bench: Workbench, group: str, events: pd.DataFrame) -> frozenset[str]:
    """The borrowers of the workbench's `subjects` with an event (`subject` of each), which `thin` will keep."""
    known = pd.DataFrame({"id": sorted(set(events["subject"].astype(str)))}, dtype="str")
    bench.connection.register("with_event", known)
    bench.connection.execute(f"""CREATE OR REPLACE TEMP TABLE kept_borrowers AS
        SELECT DISTINCT {_borrower(group)} AS borrower FROM subjects WHERE id::VARCHAR IN (SELECT id FROM with_event)""")
    bench.connection.unregister("with_event")
    found = bench.connection.execute("SELECT borrower FROM kept_borrowers").fetchall()
    return frozenset(row[0] for row in found)


def thin(bench: Workbench, group: str, population: Population, share: Share) -> None:
    """Leave in the workbench's `subjects` those that are drawn, and of them the share."""
    one_in, name, run = population.one_subject_in, _borrower(group), bench.connection.execute
    if one_in > 1:
        kept = f"{name} IN (SELECT borrower FROM kept_borrowers)" if population.keep_events else "false"
        run(f"DELETE FROM subjects WHERE {bucket_sql(name, one_in)} <> 0 AND NOT {kept}")
    if share.of > 1:
        part = f"({bucket_sql(name, one_in * share.of)} // {one_in})"
        run(f"DELETE FROM subjects WHERE {part} <> {int(share.number)}")


def _borrower(group: str) -> str:
    """SQL: the value that is hashed, which is also the row's `group`."""
    return f'coalesce("{group}"::VARCHAR, id::VARCHAR)' if group else "id::VARCHAR"
