"""Which rows of tonight were signals in the publication before?

Lesson of the profile: looking up the 26 columns of the night before for each of 150,000 rows of each of 91 signals took most of
an evaluation. Names are made numbers once for all signals; of the columns only those rows are read that a signal was true of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from riskengine.monitor.signals import Signal

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Earlier:
    """The signals before (`signal_rows.signals_before`), by signal and what it is about, and the numbers of the names."""

    before: pd.DataFrame
    rows: Mapping[tuple[str, str], Ints]  # which rows of `before`
    names: Ints  # of each row of `before`: the number of its unit's name
    units: Mapping[str, Ints]  # of each unit looked at, by what it is: the number of its name
    size: int

    @classmethod
    def of(cls, before: pd.DataFrame, looked_at: Mapping[str, pd.DataFrame]) -> Earlier:
        """Read once for all signals; `looked_at`: the rows that signals look at, by what they are about."""
        parts = [before["id"].to_numpy(dtype="object")]
        parts += [rows.unit.to_numpy(dtype="object") for rows in looked_at.values()]
        numbers, distinct = pd.factorize(np.concatenate(parts))
        cuts = np.cumsum([len(part) for part in parts])[:-1]
        names, *units = np.split(numbers.astype("int64"), cuts)
        grouped: Any = before.groupby(["signal", "about"], sort=False).indices if len(before) else {}
        rows = {(str(name), str(about)): np.sort(places) for (name, about), places in grouped.items()}
        return cls(before, rows, names, dict(zip(looked_at, units, strict=True)), len(distinct))

    def of_signal(self, signal: Signal) -> tuple[pd.DataFrame, Ints, Any]:
        """(Its rows before, counted from 0; of each row looked at tonight which of them it was, -1: none; which are gone)."""
        mine = self.rows.get((signal.id, signal.about), np.zeros(0, dtype="int64"))
        units = self.units[signal.about]
        where = np.full(self.size, -1, dtype="int64")
        where[self.names[mine]] = np.arange(len(mine))
        here = np.zeros(self.size, dtype=bool)
        here[units] = True
        return self.before.iloc[mine].reset_index(drop=True), where[units], ~here[self.names[mine]]
