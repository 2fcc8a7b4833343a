"""Which reminders are due, within their lead, or overdue on a day?

Due dates are made anew each night from what is known then; an identical key (reminder, subject, due date) is the same
reminder. A date that changes gives a new key and the old one leaves as `replaced` (`Plan.ended`; what was shown stays in the
publications of its nights). What became due stays overdue until the data say that it is done (`stop` is definitely true, or
its date has moved on) or its subject left, and only where no feed can tell goes `keep_days` after; also when a changed grade
or a base no longer known would have planned it otherwise. What is unknown drops or loosens nothing: of the terms that are
not definitely false the earliest due date counts, and a reminder whose condition is unknown is shown and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.monitor.comparing import Flags, compare, compare_all
from riskengine.monitor.evaluate import Night, units
from riskengine.monitor.reminders import Reminder, Term
from riskengine.monitor.signals import Shown
from riskengine.monitor.vocabulary import ALERTED, GUARANTEE, SOURCE
from riskengine.working_days import Calendar, read_calendar

COLUMNS = (
    "key", "reminder", "about", "id", "enterprise", "base", "due", "days_left", "status", "lead", "state", "first_shown",
    "estimate", "provisional", "uncertain", "expected_loss", "text_en", "text_zh",
)  # fmt: skip
ENDED = ("key", "reminder", "about", "id", "enterprise", "due", "why")
SLACK = 16  # days: further than a working day is ever away
PROVISIONAL = {
    "en": " (provisional: the holidays of {year} are not announced yet)",
    "zh": "（暂定：{year}年放假安排尚未公布）",
}
UNCERTAIN = {"en": " (condition unknown)", "zh": "（条件不详，从严提醒）"}
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Plan:
    """`reminders`: one row each (COLUMNS), by due date; `counts`: one row for each definition; `ended` (ENDED): what the
    publication before showed and tonight does not: done, replaced, left, over (its time), or not planned any more."""

    reminders: pd.DataFrame
    counts: pd.DataFrame
    ended: pd.DataFrame


@dataclass(frozen=True)
class Reach:
    """What a plan knows besides the book: whose working days count, the populations' frames by name, tonight's signals."""

    calendar: Calendar = field(default_factory=lambda: read_calendar("CN"))
    populations: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    signals: pd.DataFrame | None = None


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
    rows: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    counts = []
    for one in reminders:
        looked_at = _units(one, frame, feeds, night.keys, reach)
        mine = before[before.reminder == one.id]
        if not one.planned_on(night.as_of):
            looked_at = looked_at.head(0)
        done = _done(one, looked_at, night)
        holds, fails = compare_all(one.when, looked_at, night.as_of)
        asked = _Asked(one, night.as_of, reach.calendar)
        due, known = asked.due(looked_at, ~fails & ~done, ~holds)
        due += asked.kept(mine, {row["key"] for row in due}, looked_at, done)
        rows += due
        gone += _ended(mine, due, looked_at, (done, one, night.as_of))
        unknown = ((~holds & ~fails) | (holds & ~known)) & ~done
        counts.append(_count(one, due, (len(looked_at), int(unknown.sum()))))
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    shown = dict(zip(before["key"], before.first_shown, strict=True))
    leads = dict(zip(before["key"], before["lead"], strict=True))
    made["state"] = [
        "new" if key not in shown else "continuing" if leads[key] == lead else "raised"
        for key, lead in zip(made["key"], made["lead"], strict=True)
    ]
    made["first_shown"] = [shown.get(key, night.as_of) for key in made["key"]]
    named = {one.id for one in reminders}
    gone += [_gone(row, "not planned") for row in before.to_dict("records") if row["reminder"] not in named]
    order = ["due", "reminder", "id"]
    return Plan(
        made.sort_values(order, kind="stable").reset_index(drop=True),
        pd.DataFrame(counts),
        pd.DataFrame(gone, columns=list(ENDED)).sort_values(order, kind="stable").reset_index(drop=True),
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


def months_later(days: Days, months: npt.NDArray[np.int64]) -> Days:
    """`clock.add_months` for arrays of days (datetime64[D]) and of months."""
    month = days.astype("datetime64[M]")
    inside = (days - month.astype("datetime64[D]")).astype("int64")
    target = month + months
    last = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype("int64") - 1
    found: Days = target.astype("datetime64[D]") + np.minimum(inside, last)
    return found


def working_day(day: date, shift: str, calendar: Calendar) -> date:
    """The day itself where it is worked, else the working day before or after; with `none` the day as it is.

    >>> working_day(date(2026, 10, 3), "before", read_calendar("CN"))
    datetime.date(2026, 9, 30)
    """
    if shift == "none":
        return day
    return calendar.on_or_before(day) if shift == "before" else calendar.on_or_after(day)


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
    made = units(frame, one.about, keys).reset_index(drop=True)
    return made if "grade" in made else made.assign(grade="")


def _done(one: Reminder, rows: pd.DataFrame, night: Night) -> Flags:
    """Where all of `stop` are definitely true; what rests on a feed that is down proves only that something is there."""
    done = np.full(len(rows), bool(one.stop))
    for condition in one.stop:
        holds, _ = compare(condition, rows, night.as_of)
        done &= holds & (condition.op == "known" or condition.feature not in night.stale)
    return done


@dataclass(frozen=True)
class _Asked:
    """One reminder on one day."""

    one: Reminder
    as_of: date
    calendar: Calendar

    def due(self, rows: pd.DataFrame, wanted: Flags, uncertain: Flags) -> tuple[list[dict[str, Any]], Flags]:
        """(Every due date of the wanted rows that is shown today, which rows have a due date at all).

        With `pick = "first"` the terms up to the first that definitely holds are looked at, and the earliest due date counts.
        """
        left, known = wanted.copy(), np.zeros(len(rows), dtype=bool)
        found: dict[str, dict[str, Any]] = {}
        hangs_on: Days = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]")
        earliest, unsure = hangs_on.copy(), uncertain.copy()
        for term in self.one.due_terms:
            holds, fails = compare_all(term.when, rows, self.as_of)
            bases, first = self._first(term, rows)
            there = left & ~fails & ~np.isnat(first)
            known |= there
            if self.one.pick == "each":
                open_ = (uncertain | ~holds)[there]
                for row in self._in_sight(rows[there], bases[there], first[there], open_):
                    found.setdefault(row["key"], row)
                continue
            left &= ~holds
            sooner = there & (np.isnat(earliest) | (first < earliest))
            hangs_on[sooner], earliest[sooner] = bases[sooner], first[sooner]
            unsure[sooner] = (uncertain | ~holds)[sooner]
        there = ~np.isnat(earliest)
        for row in self._in_sight(rows[there], hangs_on[there], earliest[there], unsure[there]):
            found.setdefault(row["key"], row)
        return list(found.values()), known

    def kept(
        self, before: pd.DataFrame, planned: set[str], rows: pd.DataFrame, done: Flags
    ) -> list[dict[str, Any]]:
        """What was published, has become due since, and would no longer be planned: it stays for its time, unless it
        is done, its subject has left, or the date it hangs on is another now."""
        names = rows.unit.astype("str").tolist()
        over = {name for name, stopped in zip(names, done.tolist(), strict=True) if stopped}
        mine = before[~before["key"].isin(planned) & before.id.isin(names) & ~before.id.isin(over)]
        kept = []
        hangs_on = self._bases_of(rows) if len(mine) else {}
        for old in mine.to_dict("records"):
            left = (old["due"] - self.as_of).days
            now = hangs_on.get(str(old["id"]), set())
            same = not now or pd.isna(old.get("base")) or old["base"] in now
            told = bool(now) and old.get("uncertain") is True  # what was not known then is known tonight
            if self._in_time(left) and left <= 0 and same and not told:
                plain = {"base": None, "provisional": False, "uncertain": False}
                row = {**plain, **{str(k): v for k, v in old.items()}}
                kept.append({**row, **self._status(old["due"])})
        return kept

    def _bases_of(self, rows: pd.DataFrame) -> dict[str, set[date]]:
        """The dates each unit hangs on tonight, whatever the terms."""
        found: dict[str, set[date]] = {}
        for term in self.one.due_terms:
            bases = self._base(term, rows)
            for name, day in zip(rows.unit.astype("str"), bases.tolist(), strict=True):
                if day is not None:
                    found.setdefault(name, set()).add(day)
        return found

    def _base(self, term: Term, rows: pd.DataFrame) -> Days:
        if self.one.start:
            return np.full(len(rows), np.datetime64(self.one.start), dtype="datetime64[D]")
        found: Days = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]")
        for name in term.bases:
            more = pd.to_datetime(rows[name]).to_numpy().astype("datetime64[D]")
            found = np.where(np.isnat(found), more, found)
        return found

    def _first(self, term: Term, rows: pd.DataFrame) -> tuple[Days, Days]:
        """(The dates a term hangs on, its due dates before any shift); unknown where something added is."""
        bases = self._base(term, rows)
        sign, plus = term.span
        months = np.full(len(rows), float(sign * plus.span.months))
        days = np.full(len(rows), float(sign * plus.span.days))
        if term.months:
            months += rows[term.months].to_numpy(dtype="float64")
        if term.days:
            days += rows[term.days].to_numpy(dtype="float64")
        there = ~(np.isnat(bases) | np.isnan(months) | np.isnan(days))
        first: Days = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]")
        first[there] = months_later(bases[there], months[there].astype("int64")) + days[there].astype("int64")
        if plus.working:
            near = (first >= np.datetime64("1950-01-01")) & (first < np.datetime64("2200-01-01"))
            moved = [self.calendar.add(day, sign * plus.working) for day in first[near].tolist()]
            first[near] = np.array(moved, dtype="datetime64[D]")
        return bases, first

    def _in_time(self, left: int) -> bool:
        """Whether what is due in so many days (below 0: was) is not too long past."""
        return self.one.past is None or -self.one.past <= left

    def _in_sight(self, rows: pd.DataFrame, bases: Days, first: Days, unsure: Flags) -> list[dict[str, Any]]:
        """Every due date of these rows up to the longest lead that is not too long past; where it stays until it is done,
        of those that repeat the last that has passed."""
        one = self.one
        longest = max(lead if isinstance(lead, int) else 2 * int(lead[:-2]) + SLACK for lead in one.leads)
        steps = np.array([one.interval_months(grade) or 0 for grade in rows["grade"]], dtype="int64")
        past = one.past if one.past is not None else 31 * int(steps.max(initial=0))
        low, high = self._day(-(past + SLACK)), self._day(longest + SLACK)
        passed = (low.astype("datetime64[M]") - first.astype("datetime64[M]")).astype("int64")
        start = np.where(steps > 0, np.maximum(passed // np.maximum(steps, 1) - 1, 0), 0)
        again = int((high - low).astype("int64") // 28) + 4
        found = []
        for turn in range(again if one.every else 1):
            months = steps * (start + turn)
            if one.every:  # the first due date of a repeated one is one interval after base + plus
                months = months + steps
            days = months_later(first, months)
            if one.past is not None:
                recent = days >= low
            else:
                recent = np.full(len(days), not one.every) | (months_later(days, steps) > self._day(0))
            inside = np.flatnonzero(recent & (days <= high) & ((steps > 0) | (not one.every)))
            near = zip(
                rows.iloc[inside].to_dict("records"),
                bases[inside].tolist(),
                days[inside].tolist(),
                unsure[inside].tolist(),
                strict=True,
            )
            for row, base, day, open_ in near:
                found.append(self._row(row, base, working_day(day, one.shift, self.calendar), open_))
        return [row for row in found if row is not None]

    def _row(self, values: Any, base: date, due: date, unsure: bool) -> dict[str, Any] | None:
        left = (due - self.as_of).days
        if not self._in_time(left) or left > max(self._leads(due)):
            return None
        filled = {**values, "base": base, "due": due, "days": abs(left)}
        provisional = not self.calendar.announced(due.year)
        words = {
            language: self.one.text.say(language).format_map(
                {k: Shown(v, language) for k, v in filled.items()}
            )
            + (PROVISIONAL[language].format(year=due.year) if provisional else "")
            + (UNCERTAIN[language] if unsure else "")
            for language in ("en", "zh")
        }
        return {
            "key": f"{self.one.id}|{values['unit']}|{due}",
            "reminder": self.one.id,
            "about": self.one.about,
            "id": values["unit"],
            "enterprise": values["enterprise_id"],
            "base": base,
            "due": due,
            **self._status(due),
            "state": "",
            "first_shown": None,
            "estimate": self.one.estimate,
            "provisional": provisional,
            "uncertain": unsure,
            "expected_loss": float(values["expected_loss"]),
            "text_en": words["en"],
            "text_zh": words["zh"],
        }

    def _leads(self, due: date) -> list[int]:
        """The leads in days before this due date."""
        return [
            lead if isinstance(lead, int) else (due - self.calendar.add(due, -int(lead[:-2]))).days
            for lead in self.one.leads
        ]

    def _status(self, due: date) -> dict[str, Any]:
        """How far it is, and the lead reached: the step at which it was last raised (negative: days past due)."""
        left = (due - self.as_of).days
        status = "overdue" if left < 0 else "due" if left == 0 else "upcoming"
        leads = self._leads(due)
        reached = [lead for lead in leads if lead >= left]
        passed = [-days for days in self.one.after if days <= -left]
        return {"days_left": left, "status": status, "lead": min([*reached, *passed], default=max(leads))}

    def _day(self, ahead: int) -> np.datetime64:
        return np.datetime64(self.as_of + timedelta(days=ahead))


def _ended(
    before: pd.DataFrame, shown: list[dict[str, Any]], rows: pd.DataFrame, about: tuple[Flags, Reminder, date]
) -> list[dict[str, Any]]:
    """Why each row that was published before is not shown tonight."""
    done, one, as_of = about
    here = set(rows.unit.astype("str"))
    over = {name for name, stopped in zip(rows.unit.astype("str"), done.tolist(), strict=True) if stopped}
    keys = {row["key"] for row in shown}
    found = []
    for old in before[~before["key"].isin(keys)].to_dict("records"):
        if not one.planned_on(as_of):
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
    return {**{name: old[name] for name in ENDED if name != "why"}, "why": why}


def _count(one: Reminder, found: list[dict[str, Any]], looked_at: tuple[int, int]) -> dict[str, Any]:
    states = [row["status"] for row in found]
    return {
        "reminder": one.id,
        "about": one.about,
        "looked_at": looked_at[0],
        **{status: states.count(status) for status in ("overdue", "due", "upcoming")},
        "not_evaluable": looked_at[1],
    }
