"""Does a signal that goes on rest on a new case tonight? Then it is raised again: a second case is a new alert.

Domain page 5.1: a new signal after an alert must be alerted again; signals are told apart by enterprise, signal and evidence key.
The evidence key is the source and business key of the newest row behind it. Where a source reports on a date (periods, or
reports asked for), that date is no part of the case: the same overdue in the next report is no second one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from riskengine.intake.contract import SourceContract
from riskengine.monitor.evaluate import EASING, RENEWED

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
    first = signals.evidence.map(read.first).astype("object")
    made = signals.assign(evidence_key=first.where(first.notna(), signals.evidence_key.astype("object")))
    if previous is None or before_on is None or "evidence" not in previous:
        return made
    columns = ["signal", "about", "id", "evidence"]
    told = {
        (signal, about, name): evidence
        for signal, about, name, evidence in previous[columns].itertuples(index=False)
        if isinstance(evidence, str)
    }
    again = []
    goes_on = made.state.isin(("continuing", EASING)).tolist()
    for on, (*name, evidence) in zip(goes_on, made[columns].itertuples(index=False), strict=True):
        old = told.get(tuple(name)) if on else None
        again.append(old is not None and old != evidence and read.is_second(old, evidence, str(before_on)))
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


class _Cases:
    """The cases that evidence tells of, the newest first; none of what rests on no rows.

    Lesson of the profile: reading a million texts of evidence again took longer than all else here. Of tonight's texts only
    the first row is read, once for each text; two nights are compared only where their texts differ.
    """

    def __init__(self, contracts: Mapping[str, SourceContract]) -> None:
        self.contracts = contracts
        self._first: dict[str, str | None] = {}
        self._left_out: dict[str, set[str]] = {}

    def first(self, evidence: Any) -> str | None:
        """The case of the newest row; None of what rests on none."""
        if not isinstance(evidence, str):
            return None
        if evidence not in self._first:
            row = None
            if evidence.startswith(_ROWS):
                row, _ = _DECODER.raw_decode(evidence, len(_ROWS) - 1)
            elif rows := json.loads(evidence).get("rows", []):
                row = rows[0]
            self._first[evidence] = None if row is None else self._case(row)
        return self._first[evidence]

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
