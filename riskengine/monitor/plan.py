"""Which reminders are due, within their lead, or overdue on a day?

No feed of this engine says yet that a thing was done. A reminder therefore stays visible for `keep_days` after its
due date and then goes; one that became due stays also when a changed grade would have planned it otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.monitor.comparing import compare_all
from riskengine.monitor.evaluate import Night, units
from riskengine.monitor.reminders import Reminder
from riskengine.monitor.signals import Shown
from riskengine.monitor.vocabulary import SOURCE

COLUMNS = (
    "key", "reminder", "about", "id", "enterprise", "due", "days_left", "status", "lead", "state", "first_shown",
    "estimate", "expected_loss", "text_en", "text_zh",
)  # fmt: skip
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Plan:
    """`reminders`: one row each (COLUMNS), overdue first; `counts`: one row for each definition."""

    reminders: pd.DataFrame
    counts: pd.DataFrame


def plan(reminders: tuple[Reminder, ...], frame: pd.DataFrame, feeds: pd.DataFrame, night: Night) -> Plan:
    """Plan from the night's frame and the feeds' health; `night.previous` holds the reminders published before."""
    rows: list[dict[str, Any]] = []
    counts = []
    before = night.previous if night.previous is not None else pd.DataFrame({name: [] for name in COLUMNS})
    for one in reminders:
        looked_at = _units(one, frame, feeds, night.keys)
        holds, fails = compare_all(one.when, looked_at, night.as_of)
        dates = _base(one, looked_at)
        known = ~np.isnat(dates)
        found = _due(one, looked_at[holds & known], dates[holds & known], night.as_of)
        found += _kept(one, before, {row["key"] for row in found}, (looked_at, night.as_of))
        rows += found
        unknown = (~holds & ~fails) | (holds & ~known)
        counts.append(_count(one, found, (len(looked_at), int(unknown.sum()))))
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    shown = dict(zip(before["key"], before.first_shown, strict=True))
    made["state"] = ["continuing" if key in shown else "new" for key in made["key"]]
    made["first_shown"] = [shown.get(key, night.as_of) for key in made["key"]]
    order = ["due", "reminder", "id"]
    return Plan(made.sort_values(order, kind="stable").reset_index(drop=True), pd.DataFrame(counts))


def months_later(days: Days, months: npt.NDArray[np.int64]) -> Days:
    """`clock.add_months` for arrays of days (datetime64[D]) and of months."""
    month = days.astype("datetime64[M]")
    inside = (days - month.astype("datetime64[D]")).astype("int64")
    target = month + months
    last = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype("int64") - 1
    found: Days = target.astype("datetime64[D]") + np.minimum(inside, last)
    return found


def working_day(day: date, weekend: str) -> date:
    """The day itself, or the working day before or after a Saturday or Sunday (holidays are not known here).

    >>> working_day(date(2006, 1, 1), "before")
    datetime.date(2005, 12, 30)
    >>> working_day(date(2006, 1, 1), "after")
    datetime.date(2006, 1, 2)
    """
    over = day.weekday() - 4
    if over <= 0:
        return day
    return day - timedelta(days=over) if weekend == "before" else day + timedelta(days=3 - over)


def _units(one: Reminder, frame: pd.DataFrame, feeds: pd.DataFrame, keys: Mapping[str, Any]) -> pd.DataFrame:
    if one.about == SOURCE:
        return feeds.assign(
            unit=feeds.source, enterprise_id="", grade="", expected_loss=0.0, guarantees=0
        ).reset_index(drop=True)
    return units(frame, one.about, keys).reset_index(drop=True)


def _base(one: Reminder, rows: pd.DataFrame) -> Days:
    if one.start:
        return np.full(len(rows), np.datetime64(one.start), dtype="datetime64[D]")
    return pd.to_datetime(rows[one.base]).to_numpy().astype("datetime64[D]")


def _due(one: Reminder, rows: pd.DataFrame, bases: Days, as_of: date) -> list[dict[str, Any]]:
    """Every due date of these rows in `[as_of - keep_days, as_of + longest lead]`."""
    plus = Span.parse(one.plus)
    zero = np.zeros(len(rows), dtype="int64")
    first = months_later(bases, zero + plus.months) + plus.days
    low = np.datetime64(as_of - timedelta(days=one.keep_days + 3))
    high = np.datetime64(as_of + timedelta(days=max(one.leads) + 3))
    steps = np.array([one.interval_months(grade) or 0 for grade in rows["grade"]], dtype="int64")
    passed = (low.astype("datetime64[M]") - first.astype("datetime64[M]")).astype("int64")
    start = np.where(steps > 0, np.maximum(passed // np.maximum(steps, 1) - 1, 0), 0)
    again = int((high - low).astype("int64") // 28) + 4
    found = []
    for turn in range(again if one.every else 1):
        months = steps * (start + turn)
        if one.every:  # the first due date of a repeated one is one interval after base + plus
            months = months + steps
        days = months_later(first, months)
        inside = np.flatnonzero((days >= low) & (days <= high) & ((steps > 0) | (not one.every)))
        near = rows.iloc[inside].to_dict("records")
        found += [_row(one, row, day, as_of) for row, day in zip(near, days[inside].tolist(), strict=True)]
    return [row for row in found if -one.keep_days <= row["days_left"] <= max(one.leads)]


def _row(one: Reminder, values: Any, day: date, as_of: date) -> dict[str, Any]:
    due = working_day(day, one.weekend)
    left = (due - as_of).days
    filled = {**values, "due": due, "days": abs(left)}
    words = {
        language: one.text.say(language).format_map({k: Shown(v, language) for k, v in filled.items()})
        for language in ("en", "zh")
    }
    return {
        "key": f"{one.id}|{values['unit']}|{due}",
        "reminder": one.id,
        "about": one.about,
        "id": values["unit"],
        "enterprise": values["enterprise_id"],
        "due": due,
        **_status(one, left),
        "state": "",
        "first_shown": None,
        "estimate": one.estimate,
        "expected_loss": float(values["expected_loss"]),
        "text_en": words["en"],
        "text_zh": words["zh"],
    }


def _status(one: Reminder, left: int) -> dict[str, Any]:
    status = "overdue" if left < 0 else "due" if left == 0 else "upcoming"
    reached = [lead for lead in one.leads if lead >= left]
    return {"days_left": left, "status": status, "lead": min(reached, default=max(one.leads))}


def _kept(
    one: Reminder, before: pd.DataFrame, planned: set[str], now: tuple[pd.DataFrame, date]
) -> list[dict[str, Any]]:
    """What was published, has become due since, and would no longer be planned: it stays for its time."""
    rows, as_of = now
    mine = before[(before.reminder == one.id) & ~before["key"].isin(planned) & before.id.isin(rows.unit)]
    kept = []
    for old in mine.to_dict("records"):
        left = (old["due"] - as_of).days
        if -one.keep_days <= left <= 0:
            kept.append({**{str(k): v for k, v in old.items()}, **_status(one, left)})
    return kept


def _count(one: Reminder, found: list[dict[str, Any]], looked_at: tuple[int, int]) -> dict[str, Any]:
    states = [row["status"] for row in found]
    return {
        "reminder": one.id,
        "about": one.about,
        "looked_at": looked_at[0],
        **{status: states.count(status) for status in ("overdue", "due", "upcoming")},
        "not_evaluable": looked_at[1],
    }
