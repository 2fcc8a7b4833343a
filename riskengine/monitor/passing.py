"""How does what fired before pass into tonight: worse at once, better only after the declared days, one notch at a time?

A signal's exit says after how many days something better is believed (`exit.days`). Only days between two nights in a row
that both saw it better count; a night that cannot tell counts neither the days before it nor those after it.

- At a lower band than its severity, and nothing higher open, it is `easing`: tonight's words and value, its severity kept.
  After the days it is lowered by one notch of the scale, and the days begin anew; with no days to pass, one notch a night.
- Not there at all it is `clearing`, with the words it had, and ends after the days.
- What only a person ends (`exit.rule = "person"`, or it ever reached a severity of `Night.never_ends`) waits `to confirm`.
- Not there, and every row it was shown to rest on taken back by the publisher: it ends as `withdrawn` at once, or, where
  only a person ends it, waits in the state `withdrawn`.
- Released by a person it ends where it is not true any more, and drops to tonight's band where it is easing. Where it is
  true at its severity, or cannot be told for the first time, it goes on.
- With its definition gone, or not watched any more, it ends, but for what only a person ends by its severity: that waits
  `to confirm` with its earlier words.
- Back after it was not there it is `renewed`: raised anew, its severity kept, the days begin anew.

`band` is the band it was last seen in; None since it was seen not to be there, or nobody watches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.signal_rows import (
    CLEARING,
    COLUMNS,
    CONTINUING,
    EASING,
    ENDED,
    HELD,
    NEW,
    NUMBER,
    RENEWED,
    SAID,
    TO_CONFIRM,
    WITHDRAWN,
    Night,
    Told,
    empty,
    ended,
    together,
)
from riskengine.monitor.signals import SEVERITIES, Signal

_STATES = np.array((NEW, CONTINUING, RENEWED), dtype="object")  # not a text made for each row
_TODAY = ("enterprise", "guarantees", "exposure", "expected_loss")
_KEPT_BY_DAYS = {
    "en": "; severity kept until better for {days} days",
    "zh": "；级别保持，须连续好转{days}天方下调一级",
}
_KEPT_BY_PERSON = {
    "en": "; severity kept until a person releases it",
    "zh": "；级别保持，须人工解除",
}


@dataclass(frozen=True)
class Passage:
    """What the night before knew of each row looked at, and what that makes of tonight's bands; arrays in row order.

    `before` are the signal's rows of the night before, `place` which of them each row is (-1: none).     `was`: its severity before as a number (-1: none); `seen`: the last night that could tell saw it there; `held`: kept
    because something cannot be told; `easing`: definitely lower than its severity; `released`, `withdrawn`: as `Night` says.
    """

    before: pd.DataFrame
    place: Any
    was: Any
    seen: Any
    held: Any
    easing: Any
    released: Any
    withdrawn: Any

    def level(self, told: Told) -> Any:
        """The severity before any lowering; -1: not active."""
        return np.where(self.held | self.easing, self.was, told.level)

    def gone(self, told: Told) -> Any:
        """What fired before and is not active tonight."""
        return (self.was >= 0) & ~self.held & (told.level < 0)

    def earlier(self, chosen: Any) -> pd.DataFrame:
        """What the chosen rows were before, one row each, counted from 0; all unknown where one was nothing."""
        return self.before.reindex(self.place[chosen]).reset_index(drop=True)


def passage(
    signal: Signal, rows: pd.DataFrame, told: Told, earlier: tuple[pd.DataFrame, Any], night: Night
) -> Passage:
    """How each row passes from `earlier` (this signal's rows before, and which of them each row is) into tonight."""
    before, place = earlier

    def spread(told: Any, otherwise: Any) -> Any:  # the last stands for -1
        return np.append(told, otherwise)[place]

    was = spread(before.severity.map(NUMBER).fillna(-1).to_numpy(dtype="int64"), -1)
    seen = (was >= 0) & spread(before.band.notna().to_numpy(dtype=bool), False)
    down = spread(before.feature.isin(night.stale).to_numpy(dtype=bool), False)
    withdrawn = _named(night.withdrawn, signal, rows) & ~down & (told.level < 0)
    lower, open_above = told.level < was, told.open > told.level
    held = lower & open_above & ((told.level >= 0) | seen) & ~withdrawn
    easing = lower & (told.level >= 0) & ~open_above
    return Passage(before, place, was, seen, held, easing, _named(night.released, signal, rows), withdrawn)


def carried(signal: Signal, active: pd.DataFrame, told: Told, passed: Passage, night: Night) -> pd.DataFrame:
    """The rows active tonight (those of `passed.level(told) >= 0`) with what history makes of them.

    `active` has tonight's words; its index counts from 0.
    """
    on = passed.level(told) >= 0
    before = passed.earlier(on)
    known, held, easing = (np.asarray(part)[on] for part in (passed.was >= 0, passed.held, passed.easing))
    back = known & ~passed.seen[on]
    state = _STATES[np.where(known, np.where(back, 2, 1), 0)]
    state[held] = HELD
    made = active.assign(
        state=pd.Series(state, index=active.index, dtype="object"),
        band=_names(told.level[on]).where(told.level[on] >= 0, before.band),
        severity_before=before.severity.astype("object").where(known, None),
        first_seen=before.first_seen.astype("object").where(known, night.as_of),
    )
    same = known & ~back & (np.asarray(passed.was)[on] >= passed.level(told)[on])
    made["raised_on"] = before.raised_on.astype("object").where(same, night.as_of)
    higher = before.worst.map(NUMBER).fillna(-1) > made.severity.map(NUMBER)
    made["worst"] = before.worst.astype("object").where(higher, made.severity)
    for name in SAID if held.any() else ():
        made[name] = made[name].where(~held, before[name])
    running = (
        held & before.clear_since.notna().to_numpy() & passed.seen[on]
    )  # it was easing; the days stand still
    made["clear_days"] = before.clear_days.where(running, 0).astype("int64")
    made["clear_since"] = _days_ago(night.as_of, made.clear_days).where(running, None)
    made = made.astype(dict(COLUMNS))
    if not easing.any():
        return made
    eased = _eased(signal, made[easing], before[easing], np.asarray(passed.released)[on][easing], night)
    columns = {name: made[name].astype("object") for name in eased.columns}
    for name, column in columns.items():
        column[easing] = eased[name].to_numpy()
    return made.assign(**columns).astype(dict(COLUMNS))


def _eased(
    signal: Signal, rows: pd.DataFrame, before: pd.DataFrame, released: Any, night: Night
) -> pd.DataFrame:
    """What becomes of signals that are true tonight, definitely at a lower band than their severity."""
    was, level = (one.map(NUMBER).to_numpy(dtype="int64") for one in (before.severity, rows.band))
    back = (rows.state == RENEWED).to_numpy()
    began = before.clear_since.notna().to_numpy() & ~back
    days = _counted(before, began, night.as_of)
    person = before.severity.isin(night.never_ends).to_numpy() | (signal.exit.rule == "person")
    done = days >= signal.exit.days
    lowered = done & ~person & ~released
    now = np.where(released, level, np.where(lowered, was - 1, was))
    open_ = now > level
    fresh = lowered | ~open_
    days = np.where(fresh, 0, days)
    asked = person & (done | (signal.exit.rule == "person"))
    state = np.where(open_, np.where(asked, TO_CONFIRM, EASING), CONTINUING).astype("object")
    state[back] = RENEWED
    since = _days_ago(night.as_of, pd.Series(days, index=rows.index))
    made = pd.DataFrame({"severity": _names(now).to_numpy(), "state": state}, index=rows.index)
    made["worst"] = rows.worst.where(~released, made.severity)
    made["clear_days"], made["clear_since"] = days, since.where(open_, None)
    made["clear_on"] = pd.Series([night.as_of if one else None for one in open_], rows.index, dtype="object")
    for language in ("en", "zh"):
        by_days = _KEPT_BY_DAYS[language].format(days=signal.exit.days) if signal.exit.days else ""
        more = np.where(person, _KEPT_BY_PERSON[language], by_days)
        text = rows[f"text_{language}"]
        made[f"text_{language}"] = text.where(
            ~open_, text + pd.Series(more, index=rows.index, dtype="object")
        )
    return made


def leaving(
    signal: Signal, rows: pd.DataFrame, told: Told, passed: Passage, night: Night
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of what fired before and is not there tonight: what is kept (COLUMNS), and what ends (ENDED)."""
    gone = passed.gone(told)
    clear, released, withdrawn = (
        np.asarray(part)[gone] for part in (told.open < 0, passed.released, passed.withdrawn)
    )
    past = passed.earlier(gone)
    rested = past.band.isna().to_numpy() & past.clear_since.notna().to_numpy()
    past["severity_before"], past["band"] = past.severity, None
    days = _counted(past, rested & clear, night.as_of, rested)
    past["clear_days"] = days
    past["clear_since"] = _days_ago(night.as_of, past.clear_days)
    past["clear_on"] = pd.Series([night.as_of if one else None for one in clear], past.index, dtype="object")
    for name in _TODAY:  # a project may have a column called enterprise of its own
        past[name] = rows.loc[gone, "enterprise_id" if name == "enterprise" else name].to_numpy()
    done = days >= signal.exit.days
    person = past.worst.isin(night.never_ends).to_numpy() | (signal.exit.rule == "person")
    asked = person & (done | (signal.exit.rule == "person"))
    taken = withdrawn | (past.state == WITHDRAWN).to_numpy()
    past["state"] = np.where(taken, WITHDRAWN, np.where(asked, TO_CONFIRM, CLEARING)).astype("object")
    over = (clear & done) | withdrawn
    ends = released | (over & ~person)
    why = np.where(released, "released", np.where(withdrawn, WITHDRAWN, "no longer true")).astype("object")
    past = past[list(COLUMNS)]
    return past[~ends].astype(dict(COLUMNS)), ended(past[ends], why[ends])


def unwatched(
    before: pd.DataFrame, looked_at: Mapping[str, pd.DataFrame], night: Night
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of what fired before and is told by no definition tonight: what is kept (COLUMNS), and what ends (ENDED).

    What ever reached a severity of `Night.never_ends` is kept for a person, with the words it had and tonight's money of its
    unit (`looked_at`: units by what they are; where that is no longer told, the money it had). Nobody saw it clear: days
    that were counted stand still, and back in the catalogue it is `renewed` where it is true.
    """
    stays = before.worst.isin(night.never_ends).to_numpy()
    kept, over = [empty()], [ended(before[~stays], "no longer watched")]
    for about, past in before[stays].groupby("about", sort=True):
        rows = looked_at.get(str(about))
        there = np.ones(len(past), dtype=bool) if rows is None else past["id"].isin(rows.unit).to_numpy()
        keys = list(zip(past.signal, past.about, past["id"], strict=True))
        released = np.array([key in night.released for key in keys], dtype=bool)
        taken = np.array([key in night.withdrawn for key in keys], dtype=bool) | (past.state == WITHDRAWN)
        why = np.where(there, "released", "left the book").astype("object")
        ends = ~there | released
        over.append(ended(past[ends], why[ends]))
        rested = past.band.isna() & past.clear_since.notna()
        made = past.assign(
            severity_before=past.severity,
            band=None,
            state=np.where(taken, WITHDRAWN, TO_CONFIRM),
            clear_days=past.clear_days.where(rested, 0),
            clear_on=None,
        )[~ends]
        made["clear_since"] = _days_ago(night.as_of, made.clear_days)
        if rows is not None:
            now = rows.set_index("unit").loc[made["id"]]
            for name in _TODAY:
                made[name] = now["enterprise_id" if name == "enterprise" else name].to_numpy()
        kept.append(made[list(COLUMNS)].astype(dict(COLUMNS)))
    return together(kept, list(COLUMNS)), together(over, list(ENDED))


def _counted(before: pd.DataFrame, sure: Any, as_of: date, began: Any = None) -> Any:
    """Days that two nights in a row saw better: those of the night before, and since then where both nights are `sure`."""
    since = before.clear_on.where(sure)
    more = [0 if pd.isna(day) else (as_of - day).days for day in since]
    return before.clear_days.where(sure if began is None else began, 0).to_numpy(dtype="int64") + np.array(
        more, "int64"
    )


def _days_ago(as_of: date, days: Any) -> Any:
    return pd.Series([as_of - timedelta(days=n) for n in days.tolist()], index=days.index, dtype="object")


def _names(levels: Iterable[int]) -> Any:
    return pd.Series([SEVERITIES[n] if n >= 0 else None for n in levels], dtype="object")


def _named(keys: Iterable[tuple[str, str, str]], signal: Signal, rows: pd.DataFrame) -> Any:
    ids = {name for one, about, name in keys if (one, about) == (signal.id, signal.about)}
    return rows.unit.isin(ids).to_numpy(dtype=bool) if ids else np.zeros(len(rows), dtype=bool)
