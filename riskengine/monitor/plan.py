"""Which reminders are due, within their lead, or overdue on a day, and which of them first?

Due dates are made anew each night from what is known then; an identical key (reminder, subject, due date) is the same
reminder. A date or a grade that changes gives a new key: the old one leaves as `replaced` (`Plan.ended` with the key that
stands for it now) and the new one names it (`replaces`); what was shown stays in the publications of its nights. What became
due stays overdue until the data say that it is done (`stop` is definitely true, or its date has moved on), a person says so
(`acknowledged`), or its subject left, and only where no feed can tell goes `keep_days` after; also when a changed grade
or a base no longer known would have planned it otherwise. What is unknown drops or loosens nothing: of the terms that are
not definitely false the earliest due date counts, and a reminder whose condition is unknown is shown and says so. A night
that was missed loses nothing and repeats nothing (`due_dates`).

Order: first what loses money when it is missed (`loses`): overdue or due today, then due within 7 days, within 30 days,
later; of each the largest amount at stake first, then the earliest due date. Then all the others by due date. Ties by
reminder and id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.acknowledged import Ack
from riskengine.monitor.comparing import Flags, compare, compare_all
from riskengine.monitor.due_dates import DueDates, spoken
from riskengine.monitor.evaluate import Night, units
from riskengine.monitor.reminders import Reminder
from riskengine.monitor.vocabulary import ALERTED, GUARANTEE, SOURCE
from riskengine.working_days import Calendar, read_calendar

COLUMNS = (
    "key", "reminder", "about", "id", "enterprise", "officer", "base", "due", "days_left", "status", "lead", "level", "step",
    "state", "first_shown", "replaces", "loses", "at_stake", "acknowledged_by", "acknowledged_on", "acknowledged", "estimate",
    "provisional", "uncertain", "expected_loss", "text_en", "text_zh",
)  # fmt: skip
ENDED = ("key", "reminder", "about", "id", "enterprise", "due", "why", "replaced_by")
SOON = (0, 7, 30)  # days: the bands in which money at stake decides the order


@dataclass(frozen=True)
class Plan:
    """`reminders`: one row each (COLUMNS), in the order above; `counts`: one row for each definition; `ended` (ENDED): what
    the publication before showed and tonight does not: done, done (by a person), replaced, left, over (its time), or not
    planned any more.

    `level` is to whom it was escalated (0 the officer, 1 supervisor, 2 head), `step` how many steps it has reached in all.
    `acknowledged`: somebody has acknowledged this very step. `officer` is empty until `digests.assigned` fills it.
    """

    reminders: pd.DataFrame
    counts: pd.DataFrame
    ended: pd.DataFrame


@dataclass(frozen=True)
class Reach:
    """What a plan knows besides the book: whose working days count, the populations' frames by name, tonight's signals, the
    day of the publication before (so that missed nights are caught up), what officers said of reminders by key."""

    calendar: Calendar = field(default_factory=lambda: read_calendar("CN"))
    populations: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    signals: pd.DataFrame | None = None
    before_on: date | None = None
    acts: Mapping[str, Ack] = field(default_factory=dict)


def plan(
    reminders: tuple[Reminder, ...],
    frame: pd.DataFrame,
    feeds: pd.DataFrame,
    night: Night,
    reach: Reach | None = None,
) -> Plan:
    """Plan from the night's frame and the feeds' health; `night.previous` holds the reminders published before."""
    reach = reach or Reach()
    before = night.previous if night.previous is not None else pd.DataFrame({name: [] for name in COLUMNS})
    frame = (
        alerted(frame, reach.signals) if any(ALERTED.keys() & set(one.names) for one in reminders) else frame
    )
    missed = max((night.as_of - reach.before_on).days - 1, 0) if reach.before_on else 0
    closed = {key for key, ack in reach.acts.items() if ack.done}
    rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    gone: list[dict[str, Any]] = []
    counts = []
    for one in reminders:
        looked_at = _units(one, frame, feeds, night.keys, reach)
        mine = before[before.reminder == one.id]
        if not one.planned_on(night.as_of):
            looked_at = looked_at.head(0)
        done = _done(one, looked_at, night)
        holds, fails = compare_all(one.when, looked_at, night.as_of)
        asked = DueDates(one, night.as_of, reach.calendar, missed, _steps(mine))
        due, known = asked.due(looked_at, ~fails & ~done, ~holds)
        for row in asked.kept(mine, set(due["key"]), looked_at, done):
            for name, column in due.items():
                column.append(row[name])
        if not closed.isdisjoint(due["key"]):
            open_ = [key not in closed for key in due["key"]]
            due = {name: list(compress(column, open_)) for name, column in due.items()}
        for name, column in rows.items():
            column += due[name]
        gone += _ended(mine, due["key"], looked_at, (done, one, night.as_of, reach.acts))
        unknown = ((~holds & ~fails) | (holds & ~known)) & ~done
        counts.append(_count(one, due["status"], (len(looked_at), int(unknown.sum()))))
    named = {one.id for one in reminders}
    unnamed = before[~before.reminder.isin(named)]
    gone += [_gone(row, "not planned") for row in unnamed.to_dict("records")]
    made = _compared(rows | _said(rows, reach.acts), before, night.as_of)
    ended = pd.DataFrame(gone, columns=list(ENDED)).sort_values(["due", "reminder", "id"], kind="stable")
    made, ended = _linked(made, ended)
    return Plan(ordered(made), pd.DataFrame(counts), ended.reset_index(drop=True))


def ordered(reminders: pd.DataFrame) -> pd.DataFrame:
    """Reminders in the order of this module's docstring: money first, by how soon it is lost and how much it is."""
    loses = reminders.loses.astype("bool").to_numpy()
    soon = sum((reminders.days_left.to_numpy() > days).astype("int64") for days in SOON)
    stake = reminders.at_stake.to_numpy(dtype="float64")
    ties = [
        pd.factorize(np.array(column, dtype="object"), sort=True)[0]
        for column in (reminders.id.map(str).tolist(), reminders.reminder.tolist(), reminders.due.tolist())
    ]
    place = np.lexsort([*ties, np.where(loses, -stake, 0.0), np.where(loses, soon, 0), ~loses])
    return reminders.iloc[place].reset_index(drop=True)


def _steps(before: pd.DataFrame) -> dict[str, int]:
    """Key -> the step at which it was published; publications of before there were steps say nothing."""
    return dict(zip(before["key"], before["step"], strict=True)) if "step" in before else {}


def _said(rows: Mapping[str, list[Any]], acts: Mapping[str, Ack]) -> dict[str, list[Any]]:
    """What officers said of each row."""
    found = [acts.get(key) for key in rows["key"]]
    return {
        "acknowledged_by": [ack and ack.by for ack in found],
        "acknowledged_on": [ack and ack.on for ack in found],
        "acknowledged": [
            bool(ack is not None and ack.step >= step) for ack, step in zip(found, rows["step"], strict=True)
        ],
    }


def _compared(rows: Mapping[str, list[Any]], before: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The rows with what they were before: `state` (new, raised by a further step, continuing) and `first_shown`."""
    made = pd.DataFrame({name: rows[name] for name in COLUMNS})
    for name in ("acknowledged_by", "acknowledged_on"):  # None, whatever the others are
        made[name] = pd.Series(rows[name], dtype="object")
    shown = dict(zip(before["key"], before.first_shown, strict=True))
    steps = "step" if "step" in before else "lead"
    past = dict(zip(before["key"], before[steps], strict=True))
    made["state"] = [
        "new" if key not in shown else "continuing" if past[key] == step else "raised"
        for key, step in zip(rows["key"], made[steps], strict=True)
    ]
    made["first_shown"] = [shown.get(key, as_of) for key in rows["key"]]
    linked = dict(zip(before["key"], before["replaces"], strict=True)) if "replaces" in before else {}
    made["replaces"] = pd.Series([linked.get(key) for key in rows["key"]], dtype="object")
    return made


def _linked(made: pd.DataFrame, ended: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The new rows with the key each stands for (`replaces`), the ended with the key that stands for each (`replaced_by`):
    of one reminder and subject the first due that left goes to the first that is new."""
    left: dict[tuple[str, str], list[str]] = {}
    for row in ended[ended.why == "replaced"].to_dict("records"):
        left.setdefault((row["reminder"], str(row["id"])), []).append(row["key"])
    instead: dict[str, str] = {}
    named = ["reminder", "id", "key", "due"]
    fresh = made.loc[(made.state == "new") & made.id.isin({name for _, name in left}), named]
    for row in fresh.sort_values("due", kind="stable").to_dict("records"):
        olds = left.get((row["reminder"], str(row["id"])))
        if olds:
            instead[row["key"]] = olds.pop(0)
    other = {old: new for new, old in instead.items()}
    replaces = [instead.get(key, old) for key, old in zip(made["key"], made["replaces"], strict=True)]
    return (
        made.assign(replaces=pd.Series(replaces, dtype="object", index=made.index)),
        ended.assign(
            replaced_by=pd.Series([other.get(key) for key in ended["key"]], dtype="object", index=ended.index)
        ),
    )


def alerted(frame: pd.DataFrame, signals: pd.DataFrame | None) -> pd.DataFrame:
    """The book with `alerted_on` and `alerted_again_on`: the first and the last day on which one of a guarantee's active
    red or orange signals reached its severity; unknown where it has none."""
    days = pd.DataFrame({"min": [], "max": []})
    if signals is not None and len(signals):
        chosen = signals[(signals.about == GUARANTEE) & signals.severity.isin(("red", "orange"))]
        raised = pd.to_datetime(chosen["raised_on" if "raised_on" in chosen else "first_seen"])
        days = raised.groupby(chosen.id.astype("str")).agg(["min", "max"])
    names = frame.id.astype("str")
    return frame.assign(
        alerted_on=pd.to_datetime(names.map(days["min"])),
        alerted_again_on=pd.to_datetime(names.map(days["max"])),
    )


def _units(
    one: Reminder, frame: pd.DataFrame, feeds: pd.DataFrame, keys: Mapping[str, Any], reach: Reach
) -> pd.DataFrame:
    plain: dict[str, Any] = {"enterprise_id": "", "grade": "", "expected_loss": 0.0, "guarantees": 0}
    if one.about == SOURCE:
        return feeds.assign(unit=feeds.source, **plain).reset_index(drop=True)
    if one.about != GUARANTEE and one.about not in keys:
        found = reach.populations.get(one.about)
        if found is None:
            found = pd.DataFrame({name: [] for name in ["id", "enterprise_id", *one.names]})
        return found.assign(**{**plain, "unit": found.id.astype("str"), "enterprise_id": found.enterprise_id})
    made = units(frame, one.about, keys, None, [*one.names, *spoken(one), "grade"]).reset_index(drop=True)
    return made if "grade" in made else made.assign(grade="")


def _done(one: Reminder, rows: pd.DataFrame, night: Night) -> Flags:
    """Where all of `stop` are definitely true; what rests on a feed that is down proves only that something is there."""
    done = np.full(len(rows), bool(one.stop))
    for condition in one.stop:
        holds, _ = compare(condition, rows, night.as_of)
        done &= holds & (condition.op == "known" or condition.feature not in night.stale)
    return done


def _ended(
    before: pd.DataFrame,
    shown: list[str],
    rows: pd.DataFrame,
    about: tuple[Flags, Reminder, date, Mapping[str, Ack]],
) -> list[dict[str, Any]]:
    """Why each row that was published before is not shown tonight; `shown`: the keys that are."""
    left = before[~before["key"].isin(shown)]
    if not len(left):
        return []
    done, one, as_of, acts = about
    units_ = rows.unit.astype("str")
    here, over = set(units_), set(units_[done])
    found = []
    for old in left.to_dict("records"):
        ack = acts.get(old["key"])
        if ack is not None and ack.done:
            why = f"done (by {ack.by})"
        elif not one.planned_on(as_of):
            why = "not planned"
        elif old["id"] not in here:
            why = "left"
        elif old["id"] in over:
            why = "done"
        else:
            why = "over" if one.past is not None and (as_of - old["due"]).days > one.past else "replaced"
        found.append(_gone(old, why))
    return found


def _gone(old: Mapping[Any, Any], why: str) -> dict[str, Any]:
    return {**{name: old[name] for name in ENDED[:-2]}, "why": why, "replaced_by": None}


def _count(one: Reminder, states: list[str], looked_at: tuple[int, int]) -> dict[str, Any]:
    return {
        "reminder": one.id,
        "about": one.about,
        "looked_at": looked_at[0],
        **{status: states.count(status) for status in ("overdue", "due", "upcoming")},
        "not_evaluable": looked_at[1],
    }
