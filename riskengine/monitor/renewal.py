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
    cases = signals.evidence.map(lambda text: _cases(text, contracts))
    key = signals.evidence_key.astype("object").copy()
    key = key.where(cases.map(len) == 0, cases.map(lambda rows: rows[0][0] if rows else None))
    made = signals.assign(evidence_key=key)
    if previous is None or before_on is None or "evidence" not in previous:
        return made
    told = {
        (row["signal"], row["about"], row["id"]): {name for name, _ in _cases(row["evidence"], contracts)}
        for row in previous[["signal", "about", "id", "evidence"]].to_dict("records")
    }
    again = []
    for row, rows in zip(made[["signal", "about", "id", "state"]].to_dict("records"), cases, strict=True):
        seen = told.get((row["signal"], row["about"], row["id"]), set())
        fresh = any(known > str(before_on) and name not in seen for name, known in rows)
        again.append(bool(seen) and row["state"] in ("continuing", EASING) and fresh)
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


def _cases(evidence: Any, contracts: Mapping[str, SourceContract]) -> list[tuple[str, str]]:
    """(case, known at) of each row told, the newest first; none of what rests on no rows."""
    if not isinstance(evidence, str):
        return []
    rows = json.loads(evidence).get("rows", [])
    return [(_case(row, contracts.get(row["source"])), row["known_at"]) for row in rows]


def _case(row: Mapping[str, Any], contract: SourceContract | None) -> str:
    keys = row["keys"]
    if contract is not None and (contract.cadence in _PERIODS or contract.coverage == "partial"):
        dates = {name for name, column in contract.columns.items() if column.type == "date"}
        keys = {name: value for name, value in keys.items() if name not in dates}
    return "|".join([row["source"], *(str(value) for value in keys.values())])
