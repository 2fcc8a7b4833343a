"""For which rows of a frame does a condition hold, for which not, and for which can it not be said?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.decision.conditions import Condition, listed

Flags = npt.NDArray[np.bool_]


def compare(
    condition: Condition, frame: pd.DataFrame, as_of: date, stale: Collection[str] = ()
) -> tuple[Flags, Flags]:
    """(holds, does not hold) for each row, as `Condition.holds` says row by row; neither means it cannot be said.

    A feature in `stale` rests on a feed that is down: its "does not hold" is not believed, its "holds" is, because
    less data never improves a judgement.
    """
    column = frame[condition.feature]
    missing = column.isna().to_numpy()
    if condition.op in ("known", "missing"):
        holds = missing if condition.op == "missing" else ~missing
        fails = ~holds
    else:
        holds, fails = _crossed(condition, column, missing, as_of)
    return holds, fails & (condition.feature not in stale)


def compare_all(
    conditions: Iterable[Condition], frame: pd.DataFrame, as_of: date, stale: Collection[str] = ()
) -> tuple[Flags, Flags]:
    """The same for all conditions together: one that fails decides, else one that cannot be said leaves it open."""
    holds = np.ones(len(frame), dtype=bool)
    fails = np.zeros(len(frame), dtype=bool)
    for condition in conditions:
        one_holds, one_fails = compare(condition, frame, as_of, stale)
        holds &= one_holds
        fails |= one_fails
    return holds, fails


def _crossed(condition: Condition, column: Any, missing: Flags, as_of: date) -> tuple[Flags, Flags]:
    limit = condition.limit(as_of)
    nothing = np.zeros(len(missing), dtype=bool)
    if limit is None:
        return nothing, nothing
    known = column[~missing]
    if isinstance(limit, tuple):
        codes, distinct = pd.factorize(known)  # a text is looked for once, however many rows have it
        inside = np.array([listed(str(one), limit) for one in distinct], dtype=bool)[codes]
        holds = nothing.copy()
        holds[~missing] = inside == (condition.op == "in")
        return holds, ~holds & ~missing
    if not isinstance(limit, str):
        known = known.astype("float64")
    answer = {
        ">": lambda: known > limit, ">=": lambda: known >= limit, "<": lambda: known < limit,
        "<=": lambda: known <= limit, "==": lambda: known == limit, "!=": lambda: known != limit,
    }[condition.op]()  # fmt: skip
    holds = nothing.copy()
    holds[~missing] = np.asarray(answer, dtype=bool)
    return holds, ~holds & ~missing
