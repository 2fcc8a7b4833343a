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
from riskengine.monitor.texts import texts
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
STATUS = ("days_left", "status", "lead", "level", "step")
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

    def due(self, rows: pd.DataFrame, wanted: Flags, uncertain: Flags) -> tuple[dict[str, list[Any]], Flags]:
        """(Every due date of the wanted rows that is shown today, by column; which rows have a due date at all).

        With `pick = "first"` the terms up to the first that definitely holds are looked at, and the earliest due date counts.
        """
        left, known = wanted.copy(), np.zeros(len(rows), dtype=bool)
        parts: list[tuple[Any, Days, Days, Flags]] = []
        hangs_on: Days = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]")
        earliest, unsure = hangs_on.copy(), uncertain.copy()
        for term in self.one.due_terms:
            holds, fails = compare_all(term.when, rows, self.as_of)
            bases, first = self._first(term, rows)
            there = left & ~fails & ~np.isnat(first)
            known |= there
            if self.one.pick == "each":
                parts.append((there, bases, first, uncertain | ~holds))
                continue
            left &= ~holds
            sooner = there & (np.isnat(earliest) | (first < earliest))
            hangs_on[sooner], earliest[sooner] = bases[sooner], first[sooner]
            unsure[sooner] = (uncertain | ~holds)[sooner]
        parts.append((~np.isnat(earliest), hangs_on, earliest, unsure))
        seen = [
            self._in_sight(rows, *(one[part[0]] for one in (np.arange(len(rows)), *part[1:])))
            for part in parts
        ]
        places, bases, days, open_ = (np.concatenate(column) for column in zip(*seen, strict=True))
        return self._rows(rows, (places, bases, days, open_)), known

    def kept(
        self, before: pd.DataFrame, planned: set[str], rows: pd.DataFrame, done: Flags
    ) -> list[dict[str, Any]]:
        """What was published, has become due since, and would no longer be planned: it stays for its time, unless it
        is done, its subject has left, or the date it hangs on is another now."""
        mine = before[~before["key"].isin(planned)]
        if not len(mine):
            return []
        names = rows.unit.astype("str")
        mine = mine[mine.id.isin(names) & ~mine.id.isin(names[done])]
        kept = []
        hangs_on = self._bases_of(rows[names.isin(mine.id).to_numpy()]) if len(mine) else {}
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
            days_, which = np.unique(first[near], return_inverse=True)
            moved = [self.calendar.add(day, sign * plus.working) for day in days_.tolist()]
            first[near] = np.array(moved, dtype="datetime64[D]")[which]
        return bases, first

    def _in_time(self, key: str, due: date) -> bool:
        """Whether it is not too long past; what passed unseen while no night was published is, for this night."""
        past, ago = self.one.past, (self.as_of - due).days
        if past is None or ago <= past:
            return True
        return ago <= past + self.missed and self.seen.get(key, -1) < self._status(due)["step"]

    def _in_sight(
        self, rows: pd.DataFrame, places: Any, bases: Days, first: Days, unsure: Flags
    ) -> tuple[Any, Days, Days, Flags]:
        """(Places, bases, days before any shift, whether something is unknown) of what may be shown of the rows at `places`: every
        due date up to the longest lead that is not too long past; where it stays until it is done, of those that repeat the
        last that has passed. By turns of the interval, of each turn in row order."""
        one = self.one
        longest = max(lead if isinstance(lead, int) else 2 * int(lead[:-2]) + SLACK for lead in one.leads)
        codes, grades = pd.factorize(rows["grade"].iloc[places], use_na_sentinel=False)
        steps = np.array([one.interval_months(grade) or 0 for grade in grades], dtype="int64")[codes]
        past = one.past + self.missed if one.past is not None else 31 * int(steps.max(initial=0))
        low, high = self._day(-(past + SLACK)), self._day(longest + SLACK)
        passed = (low.astype("datetime64[M]") - first.astype("datetime64[M]")).astype("int64")
        start = np.where(steps > 0, np.maximum(passed // np.maximum(steps, 1) - 1, 0), 0)
        again = int((high - low).astype("int64") // 28) + 4
        found: list[tuple[Any, Days, Days, Flags]] = []
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
            found.append((places[inside], bases[inside], days[inside], unsure[inside]))
        found_places, found_bases, found_days, open_ = (
            np.concatenate(column) for column in zip(*found, strict=True)
        )
        return found_places, found_bases, found_days, open_

    def _rows(self, rows: pd.DataFrame, near: tuple[Any, Days, Days, Flags]) -> dict[str, list[Any]]:
        """The reminders of what `_in_sight` found, each once, by column: what is within its leads and its time.

        Lesson of the profile: a province has a quarter of a million reminders and a few hundred due dates. What a due date alone
        decides (working day, leads, status, step) is asked once for each, and texts are written together (`texts`).
        """
        one, (places, bases, days, unsure) = self.one, near
        distinct, which = np.unique(days, return_inverse=True)
        dues = [working_day(day, one.shift, self.calendar) for day in distinct.tolist()]
        wanted = [(due - self.as_of).days <= max(self._leads(due)) for due in dues]
        kept = np.flatnonzero(np.array(wanted, dtype=bool)[which])
        names = rows.unit.to_numpy(dtype="object")[places[kept]].tolist()
        ends = [str(due) for due in dues]
        keys = [f"{one.id}|{name}|{ends[at]}" for name, at in zip(names, which[kept].tolist(), strict=True)]
        young = [one.past is None or (self.as_of - due).days <= one.past for due in dues]
        once: dict[str, int] = {}
        for number, (key, at) in enumerate(zip(keys, which[kept].tolist(), strict=True)):
            if key not in once and (young[at] or self._in_time(key, dues[at])):
                once[key] = number
        chosen = np.fromiter(once.values(), dtype="int64", count=len(once))
        kept = kept[chosen]
        places, bases, which, unsure = places[kept], bases[kept], which[kept], unsure[kept]
        shown = {name: rows[name].iloc[places] for name in spoken(one) if name in rows.columns}
        of_due = np.array(dues, dtype="object")
        states = {at: self._status(dues[at]) for at in np.unique(which).tolist()}
        status = [states[at] for at in which.tolist()]
        left = np.array([one_["days_left"] for one_ in status], dtype="int64")
        filled = {**shown, "base": _objects(bases), "due": of_due[which], "days": np.abs(left)}
        open_years = {at: dues[at].year for at in states if not self.calendar.announced(dues[at].year)}
        provisional = np.array([at in open_years for at in which.tolist()], dtype=bool)
        words = texts(one.text, filled, len(places))
        for language, told in words.items():
            for at, year in open_years.items():
                mine = which == at
                told[mine] = told[mine] + PROVISIONAL[language].format(year=year)
            told[unsure] = told[unsure] + UNCERTAIN[language]
        plain = {name: [value] * len(places) for name, value in PLAIN.items()}
        return {
            **plain,
            "key": list(once),
            "reminder": [one.id] * len(places),
            "about": [one.about] * len(places),
            "id": [names[place] for place in chosen.tolist()],
            "enterprise": rows.enterprise_id.iloc[places].tolist(),
            "base": bases.tolist(),
            "due": of_due[which].tolist(),
            **{name: [told[name] for told in status] for name in STATUS},
            "state": [""] * len(places),
            "first_shown": [None] * len(places),
            "estimate": [one.estimate] * len(places),
            "provisional": provisional.tolist(),
            "uncertain": unsure.tolist(),
            "expected_loss": rows.expected_loss.iloc[places].astype("float64").tolist(),
            "loses": [one.loses] * len(places),
            "at_stake": self._at_stake(shown, len(places)),
            "text_en": words["en"].tolist(),
            "text_zh": words["zh"].tolist(),
        }

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

    def _at_stake(self, shown: Mapping[str, Any], size: int) -> list[float]:
        """The amounts lost: `stake` where it is known, else the exposure, else the expected loss."""
        found = np.full(size, np.nan)
        for name in (self.one.stake, "exposure", "expected_loss"):
            if name and name in shown:
                found = np.where(np.isnan(found), shown[name].astype("float64").to_numpy(), found)
        return [0.0 if amount != amount else round(max(amount, 0.0), 2) for amount in found.tolist()]  # noqa: PLR0124

    def _day(self, ahead: int) -> np.datetime64:
        return np.datetime64(self.as_of + timedelta(days=ahead))


def spoken(one: Reminder) -> list[str]:
    """The columns that a reminder's rows are made from: what the texts name, the unit, the money."""
    words = one.text.en + one.text.zh
    named = [name for _, name, _, _ in Formatter().parse(words) if name]
    plain = ["unit", "enterprise_id", "expected_loss", "exposure", one.stake]
    return list(dict.fromkeys([*named, *plain]))


def _objects(days: Days) -> Any:
    made = np.empty(len(days), dtype="object")
    made[:] = days.tolist()
    return made
