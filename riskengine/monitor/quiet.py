"""Why did a signal not fire? For the signals that ask for it (`record = true`), one row for each unit that it was silent about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.comparing import compare, compare_all
from riskengine.monitor.evaluate import Evaluation, units
from riskengine.monitor.signal_rows import HELD, KEPT, Night, alike
from riskengine.monitor.signals import Signal

QUIET = {"id": "object", "signal": "object", "reason_code": "object", "value": "float64", "limit": "float64"}
BELOW = "below"
UNKNOWN, NO_PEERS, NOTHING_BEFORE = "unknown value", "no group of peers", "nothing before"
ANOTHER_MODEL = "another model before"
FEED_STALE, NO_LIMIT = "feed stale", "no limit in force"
REASONS = (BELOW, UNKNOWN, NO_PEERS, NOTHING_BEFORE, ANOTHER_MODEL, FEED_STALE, NO_LIMIT, HELD, *KEPT)
_BEFORE = ("pd_before", "grade_before")
_SINCE_BEFORE = {"pd_jump": ("pd_before", "pd"), "grade_notches": ("grade_before", "grade")}  # then, now
_AMONG_PEERS = ("pd_to_peers",)


def quiet(
    signals: Sequence[Signal], frame: pd.DataFrame, evaluation: Evaluation, night: Night
) -> pd.DataFrame:
    """One row (QUIET) for each recorded signal and each unit it looked at of which it is not true tonight.

    `value` is that of its lowest band's first feature and `limit` what it is compared with. `reason_code`: below (it can be
    said, and no band holds), no group of peers, nothing before (no publication before knew it), another model
    before (both nights knew it, and are not compared: `night.compared`), unknown value, feed stale (the value says no, and
    its feed is down), no limit in force; or the state in which it goes on without being true: held, clearing, to confirm,
    withdrawn.
    """
    active = evaluation.signals[["about", "id", "signal", "state", "band"]]
    found = [pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in QUIET.items()})]
    for signal in signals:
        if signal.record and signal.watched_on(night.rules):
            rows = units(frame, signal.about, night.keys, night.feeds)
            mine = active[(active.signal == signal.id) & (active.about == signal.about)]
            found.append(_silent(signal, rows, mine, night))
    filled = [part for part in found if len(part)]
    return pd.concat(filled or found[:1], ignore_index=True)


def _silent(signal: Signal, rows: pd.DataFrame, active: pd.DataFrame, night: Night) -> pd.DataFrame:
    waits = active.state.isin(KEPT) & active.band.isna()
    state = rows.unit.map(
        active.set_index("id").state.where((active.state == HELD).to_numpy() | waits.to_numpy())
    )
    firing = rows.unit.isin(active.id[~waits & (active.state != HELD)]).to_numpy()
    first = signal.ranked[-1][1].when[0]
    limit = first.limit(night.rules)
    reason = _why(signal, rows, night)
    told = state.notna().to_numpy()
    reason[told] = state[told].to_numpy()
    column = rows[first.feature]
    numeric = pd.api.types.is_numeric_dtype(column)
    values = {
        "id": rows.unit.to_numpy(dtype="object"),
        "signal": alike(signal.id, len(rows)),
        "reason_code": reason,
        "value": column.to_numpy(dtype="float64", na_value=np.nan) if numeric else np.full(len(rows), np.nan),
        "limit": np.full(len(rows), float(limit) if isinstance(limit, (int, float)) else np.nan),
    }
    return pd.DataFrame({name: pd.Series(values[name][~firing], dtype=kind) for name, kind in QUIET.items()})


def _why(signal: Signal, rows: pd.DataFrame, night: Night) -> Any:
    """The reason of each row as if nothing had been before: what keeps the lowest band open comes first."""
    reason = alike(BELOW, len(rows))
    undecided = np.zeros(len(rows), dtype=bool)
    for _, band in signal.ranked:  # the lowest band is read last and counts
        holds, fails = compare_all(band.when, rows, night.rules, night.stale)
        open_ = ~holds & ~fails
        undecided |= open_
        for condition in reversed(band.when):
            name, missing = condition.feature, rows[condition.feature].isna().to_numpy()
            if not condition.begun(night.rules):
                reason[open_] = NO_LIMIT
            if name in night.stale:
                said, _ = compare(condition, rows, night.rules)
                reason[open_ & ~missing & ~said] = FEED_STALE
            reason[open_ & missing] = _missing(name, rows)[open_ & missing]
        reason[open_ & (reason == BELOW)] = UNKNOWN
    reason[~undecided] = BELOW
    return reason


def _missing(name: str, rows: pd.DataFrame) -> Any:
    """Of each row: why a feature would be unknown."""
    code = alike(NO_PEERS if name in _AMONG_PEERS else UNKNOWN, len(rows))
    if name in _BEFORE:
        code[:] = NOTHING_BEFORE
    if name in _SINCE_BEFORE:
        then, now = (
            rows[one].notna().to_numpy() if one in rows else np.zeros(len(rows), dtype=bool)
            for one in _SINCE_BEFORE[name]
        )
        code[:] = np.where(~then, NOTHING_BEFORE, np.where(now, ANOTHER_MODEL, UNKNOWN))
    return code
