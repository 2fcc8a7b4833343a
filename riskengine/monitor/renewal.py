"""Does a signal that goes on rest on a new case tonight? Then it is raised again: a second case is a new alert.

Domain page 5.1: a new signal after an alert must be alerted again; signals are told apart by enterprise, signal and evidence key.
The evidence key is the source and business key of the newest row behind it. Where a source reports on a date (periods, or
reports asked for), that date is no part of the case: the same overdue in the next report is no second one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskengine.intake.contract import SourceContract
from riskengine.monitor.evaluate import EASING, RENEWED
from riskengine.monitor.long_texts import AT_ONCE, in_arrow, one_by_one

_PERIODS = ("monthly", "quarterly", "yearly")
_ROWS = '{"rows":[{'  # how `evidence` writes rows
_DECODER = json.JSONDecoder()


def renewed(
    signals: pd.DataFrame,
    previous: pd.DataFrame | None,
    contracts: Mapping[str, SourceContract],
    before_on: date | None,
    as_of: date,
) -> pd.DataFrame:
    """The active signals with `evidence_key`; one that goes on over a case not known before is `renewed` and raised tonight.

    `previous` are the signals of the publication of `before_on`; without it nothing is renewed. A case is new where its row
    became known after that publication and no row shown then was of the same case. One that is easing keeps its severity,
    and its days begin anew.
    """
    read = _Cases(contracts)
    first = pd.Series(map(read.first, one_by_one(signals.evidence)), index=signals.index, dtype="object")
    made = signals.assign(evidence_key=first.where(first.notna(), signals.evidence_key.astype("object")))
    if previous is None or before_on is None or "evidence" not in previous:
        return made
    again = np.zeros(len(made), dtype=bool)
    for place, old, evidence in _differing(made, previous):
        again[place] = read.is_second(old, evidence, str(before_on))
    hit = pd.Series(again, index=made.index, dtype="bool")
    eased = hit & (made.state == EASING)
    if eased.any():
        made = made.assign(
            clear_days=made.clear_days.mask(eased, 0),
            **{name: made[name].astype("object").mask(eased, as_of) for name in ("clear_since", "clear_on")},
        )
    return made.assign(
        state=made.state.mask(hit, RENEWED), raised_on=made.raised_on.astype("object").mask(hit, as_of)
    )


def _differing(signals: pd.DataFrame, previous: pd.DataFrame) -> Iterator[tuple[int, str, str | None]]:
    """(Place, evidence then, evidence now) of each signal that goes on and had other evidence the night before."""
    named = previous[["signal", "about", "id"]].itertuples(index=False, name=None)
    known = {
        name: place
        for place, (name, none) in enumerate(zip(named, previous.evidence.isna(), strict=True))
        if not none
    }
    on = np.flatnonzero(signals.state.isin(("continuing", EASING)))
    names = signals[["signal", "about", "id"]].iloc[on].itertuples(index=False, name=None)
    pairs = [(now, known[name]) for now, name in zip(on.tolist(), names, strict=True) if name in known]
    before, tonight = in_arrow(previous.evidence), in_arrow(signals.evidence)
    for begin in range(0, len(pairs), AT_ONCE):
        places, then = zip(*pairs[begin : begin + AT_ONCE], strict=True)
        old, now = before.take(pa.array(then)), tonight.take(pa.array(places))
        for other in np.flatnonzero(pc.fill_null(pc.not_equal(old, now), True).to_numpy()).tolist():
            yield places[other], old[other].as_py(), now[other].as_py()


class _Cases:
    """The cases that evidence tells of, the newest first; none of what rests on no rows.

    Lesson of the profile: reading a million texts of evidence again took longer than all else here. Of tonight's texts only
    the first row is read; two nights are compared only where their texts differ.
    """

    def __init__(self, contracts: Mapping[str, SourceContract]) -> None:
        self.contracts = contracts
        self._left_out: dict[str, set[str]] = {}

    def first(self, evidence: Any) -> str | None:
        """The case of the newest row; None of what rests on none."""
        if not isinstance(evidence, str):
            return None
        if evidence.startswith(_ROWS):
            row, _ = _DECODER.raw_decode(evidence, len(_ROWS) - 1)
            return self._case(row)
        rows = json.loads(evidence).get("rows", [])
        return self._case(rows[0]) if rows else None

    def is_second(self, old: str, evidence: Any, before_on: str) -> bool:
        """Whether tonight's evidence has a row known after `before_on` of a case that the old one, which told some, did not."""
        seen = {name for name, _ in self._all(old)}
        return bool(seen) and any(
            known > before_on and name not in seen for name, known in self._all(evidence)
        )

    def _all(self, evidence: Any) -> list[tuple[str, str]]:
        """(Case, known at) of each row told."""
        rows = json.loads(evidence).get("rows", []) if isinstance(evidence, str) else []
        return [(self._case(row), row["known_at"]) for row in rows]

    def _case(self, row: Mapping[str, Any]) -> str:
        source = row["source"]
        if source not in self._left_out:
            self._left_out[source] = _dates(self.contracts.get(source))
        without = self._left_out[source]
        return "|".join([source, *(str(value) for name, value in row["keys"].items() if name not in without)])


def _dates(contract: SourceContract | None) -> set[str]:
    """The columns that are no part of a case."""
    if contract is None or not (contract.cadence in _PERIODS or contract.coverage == "partial"):
        return set()
    return {name for name, column in contract.columns.items() if column.type == "date"}
