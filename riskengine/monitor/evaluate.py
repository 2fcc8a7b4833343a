"""Which signals fire tonight, which go on, which are held because data is missing, which clear, and which have ended?

1. Each signal that is watched on the day looks at the guarantees, the groups of its key, or the feeds. The highest band
   whose conditions all hold wins; several bands of one severity are alternatives.
2. No band holds and none that could be said no: not evaluable, and counted.
3. What fired in the publication before is not cleared, nor lowered, by a band that cannot be said tonight: it is held at
   the lower of its earlier severity and the highest open band, with its earlier words.
4. What fired before and is definitely not there any more leaves as its `exit` says: at once, after so many days of being
   definitely not there (`clearing`), or never by itself (`to confirm`). Only days between two nights that both saw it clear
   count; a night that cannot tell counts neither the days before it nor those after it. Until then it keeps severity, value,
   words and evidence. If it comes back it is `renewed`: a fresh due date, and the days begin anew.
5. What ever reached a severity of `Night.never_ends` waits `to confirm` after its exit's days: a person ends it.
6. It has ended: no longer true, left the book, or no longer watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.comparing import compare_all
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.vocabulary import FEED, GUARANTEE, SOURCE

COLUMNS = {
    "about": "object", "id": "object", "enterprise": "object", "signal": "object", "severity": "object",
    "severity_before": "object", "state": "object", "first_seen": "object", "raised_on": "object",
    "worst": "object", "clear_since": "object", "clear_on": "object", "clear_days": "int64", "due": "object",
    "overdue": "bool", "feature": "object", "value": "float64", "limit": "float64", "guarantees": "int64",
    "exposure": "float64", "expected_loss": "float64", "text_en": "object", "text_zh": "object", "evidence": "object",
    "evidence_key": "object",
}  # fmt: skip
ENDED = ("about", "id", "enterprise", "signal", "severity", "first_seen", "why", "text_en", "text_zh")
SEPARATOR = " · "
CLEARING, TO_CONFIRM, RENEWED = "clearing", "to confirm", "renewed"
KEPT = (CLEARING, TO_CONFIRM)  # no longer true, and not yet ended
_SAID = ("text_en", "text_zh", "value", "limit", "feature", "evidence", "evidence_key")
_TODAY = ("enterprise", "guarantees", "exposure", "expected_loss")
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}


@dataclass(frozen=True)
class Night:
    """What an evaluation knows besides the frame: the day, the keys, the signals before, features that are down, feeds."""

    as_of: date
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    previous: pd.DataFrame | None = None  # signals of the publication before
    stale: frozenset[str] = frozenset()
    feeds: pd.DataFrame | None = None  # health.feeds, for signals about a source
    never_ends: tuple[str, ...] = ()  # severities that only a person ends (`Deadlines.never_ends`)


@dataclass(frozen=True)
class Evaluation:
    """`signals`: one row for each active signal (COLUMNS); `ended` (ENDED); `counts`: one row for each definition."""

    signals: pd.DataFrame
    ended: pd.DataFrame
    counts: pd.DataFrame


@dataclass(frozen=True)
class _Told:
    """Of each row: the severity that holds and the highest that is open (-1: none), and by what the former was decided."""

    level: Any
    open: Any
    value: Any
    limit: Any
    feature: Any


def evaluate(signals: Sequence[Signal], frame: pd.DataFrame, night: Night) -> Evaluation:
    """Evaluate every signal over the night's frame (one row a guarantee; `vocabulary.NIGHT` and features)."""
    before = _before(night.previous)
    watched = [signal for signal in signals if signal.watched_on(night.as_of)]
    looked_at = {
        about: units(frame, about, night.keys, night.feeds)
        for about in dict.fromkeys(s.about for s in watched)
    }
    found, ended, counts = [empty()], [_no_ended()], []
    for signal in signals:
        if signal.watched_on(night.as_of):
            mine = before[before.signal == signal.id]
            active, over, count = _one(signal, looked_at[signal.about], mine, night)
            found.append(active)
            ended.append(over)
        else:
            count = _count(signal, _nothing_told(0), np.zeros(0, dtype=bool)) | {"watched": 0}
        counts.append(count)
    ended.append(_ended(before[~before.signal.isin([one.id for one in watched])], "no longer watched"))
    return Evaluation(
        _ordered(_together(found, list(COLUMNS))),
        _ordered(_together(ended, list(ENDED))),
        pd.DataFrame(counts),
    )


def both(first: Evaluation, second: Evaluation, order: Sequence[str]) -> Evaluation:
    """Two evaluations of different signals as one; counts in the given order of ids."""
    counts = [part for part in (first.counts, second.counts) if len(part)]
    place = {name: number for number, name in enumerate(order)}
    return Evaluation(
        _ordered(_together([first.signals, second.signals], list(COLUMNS))),
        _ordered(_together([first.ended, second.ended], list(ENDED))),
        pd.concat(counts, ignore_index=True).sort_values(
            "signal", key=lambda names: names.map(place), kind="stable", ignore_index=True
        )
        if counts
        else first.counts,
    )


def units(
    frame: pd.DataFrame, about: str, keys: Mapping[str, tuple[str, ...]], feeds: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The rows a signal looks at: the guarantees themselves, one row a group with its totals, or the feeds.

    A group is named by its key values; guarantees whose key is unknown form none.
    """
    if about == GUARANTEE:
        return frame.assign(unit=frame.id.astype("str"), guarantees=1)
    if about == SOURCE:
        rows = pd.DataFrame({name: [] for name in ("source", *FEED)}) if feeds is None else feeds
        made = rows.assign(unit=rows.source.astype("str"), guarantees=0, enterprise_id="")
        return made.assign(expected_loss=0.0, exposure=0.0).reset_index(drop=True)
    columns = list(keys[about])
    if not columns:
        inside = frame.assign(unit=about)
    else:
        known = frame.dropna(subset=columns)
        name: Any = known[columns[0]].astype("str")
        for column in columns[1:]:
            name = name + SEPARATOR + known[column].astype("str")
        inside = known.assign(unit=name)
    grouped = inside.groupby("unit", sort=True)
    made = grouped.first()
    made["guarantees"] = grouped.size()
    for total in ("expected_loss", "exposure"):
        made[total] = grouped[total].sum()
    if len(columns) != 1 or not (inside[columns[0]] == inside.enterprise_id).all():
        made["enterprise_id"] = ""
    return made.reset_index()


def empty() -> pd.DataFrame:
    """A frame of no signals."""
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in COLUMNS.items()})


def _before(previous: pd.DataFrame | None) -> pd.DataFrame:
    """The signals before with every column; what an older publication does not say is as it was first seen."""
    if previous is None:
        return empty()
    told = previous.reindex(columns=list(COLUMNS))
    missing = previous.columns.intersection(["raised_on"]).empty
    told["raised_on"] = told.first_seen if missing else told.raised_on
    told["overdue"] = told.overdue.eq(True)
    told["worst"] = told.worst.where(told.worst.notna(), told.severity)
    told["clear_days"] = told.clear_days.fillna(0)
    return told.astype(dict(COLUMNS))


def _one(
    signal: Signal, rows: pd.DataFrame, before: pd.DataFrame, night: Night
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    told = _told(signal, rows, night)
    earlier = before.set_index("id")
    past = rows.unit.map(earlier.severity.map(_NUMBER)).fillna(-1).to_numpy(dtype="int64")
    resting = rows.unit.map(earlier.state).isin(KEPT).to_numpy()
    held_at = np.minimum(past, told.open)
    held = (held_at > told.level) & ~(
        resting & (told.level < 0)
    )  # what was clearing does not fire for want of data
    level = np.where(held, held_at, told.level)
    on = level >= 0
    active = _active(signal, rows[on], told, {"level": level[on], "held": held[on], "on": on})
    if len(earlier):
        active = _with_history(active, earlier, night.as_of)
    else:  # all of it is new
        today = pd.Series(night.as_of, index=active.index, dtype="object")
        active["first_seen"] = active["raised_on"] = today
    gone = ~on & rows.unit.isin(earlier.index).to_numpy()
    kept = over = earlier.head(0).reset_index()
    if gone.any():
        kept, over = _leaving(signal, rows[gone], earlier, night, told.open[gone] < 0)
    left = before[~before.id.isin(rows.unit)]
    over = pd.concat([_ended(over, "no longer true"), _ended(left, "left the book")])
    count = _count(signal, _Told(level, told.open, told.value, told.limit, told.feature), held) | {
        CLEARING: int((kept.state == CLEARING).sum()),
        "to_confirm": int((kept.state == TO_CONFIRM).sum()),
    }
    return _together([active, kept], list(COLUMNS)), over, count


def _told(signal: Signal, rows: pd.DataFrame, night: Night) -> _Told:
    told = _nothing_told(len(rows))
    for rank, band in signal.ranked:
        first = band.when[0]
        holds, fails = compare_all(band.when, rows, night.as_of, night.stale)
        wins = holds & (told.level < 0)
        told.level[wins] = rank
        told.value[wins] = _numbers(rows[first.feature])[wins]
        told.limit[wins] = _number(first.limit(night.as_of))
        told.feature[wins] = first.feature
        unsaid = ~holds & ~fails
        told.open[unsaid] = np.maximum(told.open[unsaid], rank)
    return told


def _nothing_told(size: int) -> _Told:
    return _Told(
        np.full(size, -1),
        np.full(size, -1),
        np.full(size, np.nan),
        np.full(size, np.nan),
        np.full(size, None, dtype="object"),
    )


def _count(signal: Signal, told: _Told, held: Any) -> dict[str, Any]:
    """How many rows of a definition are what; `clearing` and `to_confirm` are among the clear or not evaluable ones."""
    on = told.level >= 0
    return {
        "signal": signal.id,
        "about": signal.about,
        "watched": 1,
        "looked_at": len(on),
        **{name: int((told.level == n).sum()) for n, name in enumerate(SEVERITIES)},
        "held": int(held.sum()),
        "not_evaluable": int((~on & (told.open >= 0)).sum()),
        "partly_evaluable": int((on & ~held & (told.open > told.level)).sum()),
        "clear": int((~on & (told.open < 0)).sum()),
        CLEARING: 0,
        "to_confirm": 0,
    }


def _active(signal: Signal, rows: pd.DataFrame, told: _Told, found: Mapping[str, Any]) -> pd.DataFrame:
    on = found["on"]
    names = [name for name in signal.inputs if name in rows.columns]
    shown: list[dict[str, Any]] = rows[names].to_dict("records")  # type: ignore[assignment]
    words: dict[str, list[str]] = {"en": [], "zh": []}
    for values, value, limit in zip(shown, told.value[on], told.limit[on], strict=True):
        values |= {"value": value, "limit": limit}
        for language, texts in words.items():
            texts.append(signal.say(language, values))
    return pd.DataFrame(
        {
            "about": signal.about,
            "id": rows.unit.to_numpy(),
            "enterprise": rows.enterprise_id.to_numpy(),
            "signal": signal.id,
            "severity": [SEVERITIES[n] for n in found["level"]],
            "severity_before": None,
            "state": np.where(found["held"], "held", "new"),
            "first_seen": None,
            "raised_on": None,
            "worst": [SEVERITIES[n] for n in found["level"]],
            "clear_since": None,
            "clear_on": None,
            "clear_days": 0,
            "due": None,
            "overdue": False,
            "feature": told.feature[on],
            "value": told.value[on],
            "limit": told.limit[on],
            "guarantees": rows.guarantees.to_numpy(),
            "exposure": rows.exposure.to_numpy(),
            "expected_loss": rows.expected_loss.to_numpy(),
            "text_en": words["en"],
            "text_zh": words["zh"],
            "evidence": None,
            "evidence_key": None,
        }
    ).astype(dict(COLUMNS))


def _with_history(active: pd.DataFrame, earlier: pd.DataFrame, as_of: date) -> pd.DataFrame:
    known = active.id.isin(earlier.index)
    back = active.id.map(earlier.state).isin(KEPT)  # it was leaving and is there again
    held = active.state == "held"
    active["state"] = active.state.where(held | ~known, "continuing").mask(back & ~held, RENEWED)
    for name, source in (("first_seen", "first_seen"), ("severity_before", "severity")):
        active[name] = active.id.map(earlier[source]).astype("object").where(known, None)
    active["first_seen"] = active.first_seen.where(known, as_of)
    same = known & ~back & (active.severity.map(_NUMBER) <= active.severity_before.map(_NUMBER))
    active["raised_on"] = active.id.map(earlier.raised_on).astype("object").where(same, as_of)
    was = active.id.map(earlier.worst)
    active["worst"] = was.where(was.map(_NUMBER) > active.worst.map(_NUMBER), active.worst)
    for name in _SAID:
        active[name] = active[name].where(~held, active.id.map(earlier[name]))
    return active.astype(dict(COLUMNS))


def _leaving(
    signal: Signal, rows: pd.DataFrame, earlier: pd.DataFrame, night: Night, clear: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of what fired before and does not tonight: what is kept, and what ends. `clear`: definitely not there tonight."""
    past = earlier.reindex(rows.unit).rename_axis("id").reset_index()
    rested = past.state.isin(KEPT) & past.clear_since.notna()
    past["severity_before"] = past.severity
    since = past.clear_on.where(rested & clear)  # the night before saw it clear, and so does tonight
    more = [0 if pd.isna(day) else (night.as_of - day).days for day in since]
    past["clear_days"] = past.clear_days.where(rested, 0).to_numpy(dtype="int64") + np.array(more, "int64")
    counted = [night.as_of - timedelta(days=days) for days in past.clear_days.tolist()]
    past["clear_since"] = pd.Series(counted, index=past.index, dtype="object")
    past["clear_on"] = pd.Series(
        [night.as_of if one else None for one in clear], index=past.index, dtype="object"
    )
    for name in _TODAY:  # a project may have a column called enterprise of its own
        past[name] = rows["enterprise_id" if name == "enterprise" else name].to_numpy()
    done = past.clear_days >= signal.exit.days
    person = past.worst.isin(night.never_ends) | (signal.exit.rule == "person")
    asked = person & (done | (signal.exit.rule == "person"))
    past["state"] = np.where(asked, TO_CONFIRM, CLEARING)
    ends = clear & done & ~person
    past = past[list(COLUMNS)]
    return past[~ends].astype(dict(COLUMNS)), past[ends]


def _ended(rows: pd.DataFrame, why: str) -> pd.DataFrame:
    return rows.assign(why=why)[list(ENDED)]


def _no_ended() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype="object") for name in ENDED})


def _together(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts[:1], ignore_index=True)[columns]


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    rank = rows.severity.map({name: -n for n, name in enumerate(SEVERITIES)})
    return (
        rows.assign(_rank=rank)
        .sort_values(["_rank", "signal", "about", "id"], kind="stable")
        .drop(columns="_rank")
        .reset_index(drop=True)
    )


def _numbers(column: Any) -> Any:
    return (
        column.to_numpy(dtype="float64", na_value=np.nan)
        if pd.api.types.is_numeric_dtype(column)
        else np.full(len(column), np.nan)
    )


def _number(limit: float | str | tuple[str, ...] | None) -> float:
    return float(limit) if isinstance(limit, (int, float)) else float("nan")
