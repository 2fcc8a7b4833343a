"""How good were the alerts of the last twelve months, as far as it is known tonight?

A night carries on, from the publication before, one row for each enterprise that was given a place to be acted on, and for each
that was compensated without one (`followed`). What is told (`quality`) comes from these rows only, so that a night says nothing
that was not known by its day, and a rerun says the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from riskengine.casework.budget import ACT
from riskengine.casework.states import CONFIRMED, FALSE_ALARM, RESOLVED, TREATED

COLUMNS = {
    "enterprise": "object", "listed_on": "object", "last_on": "object", "nights": "int64", "judged": "object",
    "breached": "bool", "compensated_on": "object",
}  # fmt: skip
WATCH = ""  # the row of the watch itself: since when, until when, over how many nights it lists
YEAR = 365  # days that are kept
LEAST = 90  # days of nights below which no rate is told: own choice [D]
LATE = 30  # days before compensation: found later than this is late
_FOUND = (CONFIRMED, TREATED, RESOLVED)


@dataclass(frozen=True)
class Seen:
    """What a night adds: its lines (`enterprise, place`), cases (`unit, phase, breached`), what has left (`ranking.Changes`,
    `enterprise_id, why`) and which reasons of leaving mean that we paid."""

    as_of: date
    lines: pd.DataFrame
    cases: pd.DataFrame
    left: pd.DataFrame
    compensated: Collection[str]


def followed(before: pd.DataFrame | None, seen: Seen) -> pd.DataFrame:
    """The rows (COLUMNS) after tonight, by enterprise; `before` are those of the publication before, None on the first night.

    A row goes a year after its enterprise was last listed or was compensated, whichever is later.
    """
    rows: dict[str, dict[str, Any]] = {}
    for old in [] if before is None else before.to_dict("records"):
        rows[str(old["enterprise"])] = {name: _plain(old[name]) for name in COLUMNS}
    for name in (WATCH, *sorted(seen.lines.enterprise[seen.lines.place == ACT].astype("str"))):
        row = rows.setdefault(name, _row(name))
        row["listed_on"] = row["listed_on"] or seen.as_of
        row["last_on"], row["nights"] = seen.as_of, row["nights"] + 1
    cases = zip(seen.cases.unit.astype("str"), seen.cases.phase, seen.cases.breached, strict=True)
    for name, phase, breached in cases:
        if name in rows and rows[name]["listed_on"]:
            row = rows[name]
            row["breached"] = row["breached"] or bool(breached)
            if phase in _FOUND:
                row["judged"] = CONFIRMED
            elif phase == FALSE_ALARM and row["judged"] != CONFIRMED:
                row["judged"] = FALSE_ALARM
    paid = seen.left[seen.left.why.isin(list(seen.compensated))] if len(seen.left) else seen.left
    for name in sorted(set(paid.enterprise_id.dropna().astype("str")) if len(paid) else ()):
        row = rows.setdefault(name, _row(name))
        row["compensated_on"] = row["compensated_on"] or seen.as_of
    kept = [row for _, row in sorted(rows.items()) if (seen.as_of - _last(row)).days <= YEAR]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in kept], dtype="object") for name in COLUMNS})
    return frame.astype(COLUMNS)


def quality(track: pd.DataFrame, as_of: date) -> dict[str, Any]:
    """What the rows of `followed` say on a day; rates are None where there is nothing to divide by.

    `enough`: whether there are nights over LEAST days. `listed`: enterprises listed in the last twelve months;
    `compensated`: enterprises compensated meanwhile, `caught`: those listed before it, `lead`: the median of the days between
    (first listing to compensation), `late`: those caught less than LATE days before. `judged`: listed enterprises on whose
    cases an officer has decided, `false`: of these, as false alarms. `breached`: listed ones with a deadline missed.
    """
    rows: list[dict[str, Any]] = [
        {name: _plain(row[name]) for name in COLUMNS} for row in track.to_dict("records")
    ]
    watch = next((row for row in rows if row["enterprise"] == WATCH), None)
    own = [row for row in rows if row["enterprise"] != WATCH]
    listed = [row for row in own if row["listed_on"]]
    paid = [row for row in own if row["compensated_on"]]
    leads = sorted(
        (row["compensated_on"] - row["listed_on"]).days
        for row in paid
        if row["listed_on"] and row["listed_on"] < row["compensated_on"]
    )
    judged = [row for row in listed if row["judged"]]
    false = [row for row in judged if row["judged"] == FALSE_ALARM]
    breached = [row for row in listed if row["breached"]]
    since = watch["listed_on"] if watch else as_of
    return {
        "since": since,
        "nights": watch["nights"] if watch else 0,
        "days": (as_of - since).days,
        "enough": (as_of - since).days >= LEAST,
        "listed": len(listed),
        "compensated": len(paid),
        "caught": len(leads),
        "caught_share": _share(len(leads), len(paid)),
        "hit_share": _share(len(leads), len(listed)),
        "lead": float(pd.Series(leads).median()) if leads else None,
        "late": sum(days < LATE for days in leads),
        "judged": len(judged),
        "false": len(false),
        "false_share": _share(len(false), len(judged)),
        "breached": len(breached),
        "breached_share": _share(len(breached), len(listed)),
    }


def _row(name: str) -> dict[str, Any]:
    return {
        "enterprise": name,
        "listed_on": None,
        "last_on": None,
        "nights": 0,
        "judged": "",
        "breached": False,
        "compensated_on": None,
    }


def _last(row: dict[str, Any]) -> date:
    days: list[date] = [day for day in (row["last_on"], row["compensated_on"]) if day is not None]
    return max(days)


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
