"""On which days does a reminder fall due for each of its subjects, how far is it, and which of its steps has it reached?

A step is a lead before the due date, a day of `after` or a level of `escalate` past it. Steps count by the calendar, not by
nights: the night after a missed one is at the step of its day, once. What would have come and gone unseen while no night
was published is shown once, at its last step (`DueDates.missed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.monitor.comparing import Flags, compare_all
from riskengine.monitor.reminders import Reminder, Term
from riskengine.monitor.signals import Shown
from riskengine.working_days import Calendar

SLACK = 16  # days: further than a working day is ever away
PROVISIONAL = {
    "en": " (provisional: the holidays of {year} are not announced yet)",
    "zh": "（暂定：{year}年放假安排尚未公布）",
}
UNCERTAIN = {"en": " (condition unknown)", "zh": "（条件不详，从严提醒）"}
PLAIN: dict[str, Any] = {  # what a publication made before these columns existed does not say
    "base": None, "provisional": False, "uncertain": False, "officer": "", "replaces": None,
    "acknowledged_by": None, "acknowledged_on": None, "acknowledged": False,
}  # fmt: skip
Days = npt.NDArray[np.datetime64]


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

    >>> from riskengine.working_days import read_calendar
    >>> working_day(date(2026, 10, 3), "before", read_calendar("CN"))
    datetime.date(2026, 9, 30)
    """
    if shift == "none":
        return day
    return calendar.on_or_before(day) if shift == "before" else calendar.on_or_after(day)


@dataclass(frozen=True)
class DueDates:
    """One reminder on one day. `missed`: on how many days before it no night was published; `seen`: key -> the step at
    which the publication before showed it."""

    one: Reminder
    as_of: date
    calendar: Calendar
    missed: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)

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
            if self._in_time(str(old["key"]), old["due"]) and left <= 0 and same and not told:
                row = {**PLAIN, "at_stake": old["expected_loss"], **{str(k): v for k, v in old.items()}}
                kept.append({**row, **self._status(old["due"]), "loses": self.one.loses})
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

    def _in_time(self, key: str, due: date) -> bool:
        """Whether it is not too long past; what passed unseen while no night was published is, for this night."""
        past, ago = self.one.past, (self.as_of - due).days
        if past is None or ago <= past:
            return True
        return ago <= past + self.missed and self.seen.get(key, -1) < self._status(due)["step"]

    def _in_sight(self, rows: pd.DataFrame, bases: Days, first: Days, unsure: Flags) -> list[dict[str, Any]]:
        """Every due date of these rows up to the longest lead that is not too long past; where it stays until it is done,
        of those that repeat the last that has passed."""
        one = self.one
        longest = max(lead if isinstance(lead, int) else 2 * int(lead[:-2]) + SLACK for lead in one.leads)
        steps = np.array([one.interval_months(grade) or 0 for grade in rows["grade"]], dtype="int64")
        past = one.past + self.missed if one.past is not None else 31 * int(steps.max(initial=0))
        low, high = self._day(-(past + SLACK)), self._day(longest + SLACK)
        passed = (low.astype("datetime64[M]") - first.astype("datetime64[M]")).astype("int64")
        start = np.where(steps > 0, np.maximum(passed // np.maximum(steps, 1) - 1, 0), 0)
        spoken = [name for name in self._spoken() if name in rows.columns]
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
                rows[spoken].iloc[inside].to_dict("records"),
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
        key = f"{self.one.id}|{values['unit']}|{due}"
        if left > max(self._leads(due)) or not self._in_time(key, due):
            return None
        filled = {**values, "base": base, "due": due, "days": abs(left)}
        provisional = not self.calendar.announced(due.year)
        words = {
            language: self.one.text.say(language).format_map(
                {str(name): Shown(value, language) for name, value in filled.items()}
            )
            + (PROVISIONAL[language].format(year=due.year) if provisional else "")
            + (UNCERTAIN[language] if unsure else "")
            for language in ("en", "zh")
        }
        return {
            **PLAIN,
            "key": key,
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
            "loses": self.one.loses,
            "at_stake": self._at_stake(values),
            "text_en": words["en"],
            "text_zh": words["zh"],
        }

    def _spoken(self) -> list[str]:
        """The columns that a row is made from: what the texts name, the unit, the money."""
        texts = self.one.text.en + self.one.text.zh
        named = [name for _, name, _, _ in Formatter().parse(texts) if name]
        plain = ["unit", "enterprise_id", "expected_loss", "exposure", self.one.stake]
        return list(dict.fromkeys([*named, *plain]))

    def _leads(self, due: date) -> list[int]:
        """The leads in days before this due date."""
        return [
            lead if isinstance(lead, int) else (due - self.calendar.add(due, -int(lead[:-2]))).days
            for lead in self.one.leads
        ]

    def _status(self, due: date) -> dict[str, Any]:
        """How far it is and the step reached: the `lead` at which it was last raised (negative: days past due), the `level`
        it was escalated to (0: nobody above, 1 supervisor, 2 head), and how many steps that are in all."""
        left = (due - self.as_of).days
        status = "overdue" if left < 0 else "due" if left == 0 else "upcoming"
        at = left if self.one.past is None else max(left, -self.one.past)
        leads = self._leads(due)
        reached = [lead for lead in leads if lead >= at]
        passed = [-days for days in self.one.after if days <= -at]
        above = [self.calendar.add(due, days) for days in self.one.escalate]
        level = sum(day <= due - timedelta(days=at) for day in above)
        lead = min([*reached, *passed], default=max(leads))
        step = len(reached) + len(passed) + level
        return {"days_left": left, "status": status, "lead": lead, "level": level, "step": step}

    def _at_stake(self, values: Mapping[Any, Any]) -> float:
        """The amount lost: `stake` where it is known, else the exposure, else the expected loss."""
        for name in (self.one.stake, "exposure", "expected_loss"):
            if name and name in values and not pd.isna(values[name]):
                return round(max(float(values[name]), 0.0), 2)
        return 0.0

    def _day(self, ahead: int) -> np.datetime64:
        return np.datetime64(self.as_of + timedelta(days=ahead))
