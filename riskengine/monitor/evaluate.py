"""Which signals fire tonight, which go on, which are held because data is missing, which ease or clear, and which have ended?

1. Each signal that is watched on the day looks at the guarantees, the groups of its key, or the feeds. The highest band
   whose conditions all hold wins; several bands of one severity are alternatives.
2. No band holds and none that could be said no: not evaluable, and counted.
3. What fired in the publication before is not cleared, nor lowered, because a band cannot be said tonight: it is held at
   its earlier severity, with its earlier words.
4. What fired before and is definitely lower, or not there any more, eases or leaves as `passing` says: worse at once, better
   only after the days its `exit` declares, one notch at a time, and never by itself where only a person decides.
5. It has ended: no longer true, withdrawn by the publisher, released, left the book, or no longer watched. What ever
   reached a severity that only a person ends stays to be confirmed even when its definition is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.comparing import compare_all
from riskengine.monitor.earlier import Earlier
from riskengine.monitor.passing import carried, leaving, passage, unwatched
from riskengine.monitor.signal_rows import (
    CLEARING,
    COLUMNS,
    EASING,
    ENDED,
    KEPT,
    NUMBER,
    RENEWED,
    TO_CONFIRM,
    WITHDRAWN,
    Night,
    Told,
    alike,
    empty,
    ended,
    none_ended,
    ordered,
    signals_before,
    together,
    waiting,
)
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.texts import texts
from riskengine.monitor.vocabulary import FEED, GUARANTEE, SOURCE

__all__ = [
    "CLEARING", "COLUMNS", "EASING", "ENDED", "KEPT", "RENEWED", "SEPARATOR", "TO_CONFIRM", "WITHDRAWN",
    "Evaluation", "Night", "both", "empty", "evaluate", "units", "waiting",
]  # fmt: skip
SEPARATOR = " · "


@dataclass(frozen=True)
class Evaluation:
    """`signals`: one row for each active signal (COLUMNS); `ended` (ENDED); `counts`: one row for each definition."""

    signals: pd.DataFrame
    ended: pd.DataFrame
    counts: pd.DataFrame


def evaluate(signals: Sequence[Signal], frame: pd.DataFrame, night: Night) -> Evaluation:
    """Evaluate every signal over the night's frame (one row a guarantee; `vocabulary.NIGHT` and features)."""
    before = signals_before(night.previous)
    watched = [signal for signal in signals if signal.watched_on(night.rules)]
    known = {(signal.id, signal.about) for signal in watched}
    pairs = zip(before.signal, before.about, strict=True)
    alone = before[np.array([pair not in known for pair in pairs], dtype=bool)]
    asked = [*(s.about for s in watched), *alone.about[alone.worst.isin(night.never_ends)]]
    looked_at = {
        about: _named(units(frame, about, night.keys, night.feeds, _inputs(watched, about)))
        for about in dict.fromkeys(asked)
        if about in (GUARANTEE, SOURCE, *night.keys)
    }
    waits, gone = unwatched(alone, looked_at, night)
    earlier = Earlier.of(before, looked_at)
    found, over, counts = [empty(), waits], [none_ended(), gone], []
    for signal in signals:
        if signal.watched_on(night.rules):
            active, left, count = _one(signal, looked_at[signal.about], earlier, night)
            found.append(active)
            over.append(left)
        else:
            count = _count(signal, _nothing_told(0), np.zeros(0, dtype=bool)) | {"watched": 0}
        own = waits.state[waits.signal == signal.id]
        for state in KEPT:
            count[state.replace(" ", "_")] += int((own == state).sum())
        counts.append(count)
    return Evaluation(
        ordered(together(found, list(COLUMNS))),
        ordered(together(over, list(ENDED))),
        pd.DataFrame(counts),
    )


def both(first: Evaluation, second: Evaluation, order: Sequence[str]) -> Evaluation:
    """Two evaluations of different signals as one; counts in the given order of ids."""
    counts = [part for part in (first.counts, second.counts) if len(part)]
    place = {name: number for number, name in enumerate(order)}
    return Evaluation(
        ordered(together([first.signals, second.signals], list(COLUMNS))),
        ordered(together([first.ended, second.ended], list(ENDED))),
        pd.concat(counts, ignore_index=True).sort_values(
            "signal", key=lambda names: names.map(place), kind="stable", ignore_index=True
        )
        if counts
        else first.counts,
    )


def units(
    frame: pd.DataFrame,
    about: str,
    keys: Mapping[str, tuple[str, ...]],
    feeds: pd.DataFrame | None = None,
    wanted: Iterable[str] | None = None,
) -> pd.DataFrame:
    """The rows a signal looks at: the guarantees themselves, one row a group with its totals, or the feeds.

    A group is named by its key values; guarantees whose key is unknown form none. A group has the columns `wanted` (all of
    the frame's where nothing is said: hundreds of features of a hundred thousand groups take minutes).
    """
    if about == GUARANTEE:
        return frame.assign(unit=frame.id.astype("str"), guarantees=1)
    if about == SOURCE:
        rows = pd.DataFrame({name: [] for name in ("source", *FEED)}) if feeds is None else feeds
        made = rows.assign(unit=rows.source.astype("str"), guarantees=0, enterprise_id="")
        return made.assign(expected_loss=0.0, exposure=0.0).reset_index(drop=True)
    columns = list(keys[about])
    if wanted is not None:
        chosen = {*columns, *wanted, "enterprise_id", "expected_loss", "exposure"}
        frame = frame[[name for name in frame.columns if name in chosen]]
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


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their names as Python's texts, made once: every signal of a row has the same object."""
    return rows.assign(**{name: rows[name].astype("object") for name in ("unit", "enterprise_id")})


def _inputs(signals: Iterable[Signal], about: str) -> list[str]:
    return [name for signal in signals if signal.about == about for name in signal.inputs]


def _one(
    signal: Signal, rows: pd.DataFrame, earlier: Earlier, night: Night
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    told = _told(signal, rows, night)
    mine, place, left_book = earlier.of_signal(signal)
    passed = passage(signal, rows, told, (mine, place), night)
    level = passed.level(told)
    active = carried(signal, _active(signal, rows, told, level), told, passed, night)
    kept, over = empty(), none_ended()
    if passed.gone(told).any():
        kept, over = leaving(signal, rows, told, passed, night)
    left = ended(mine[left_book], "left the book")
    everything = together([active, kept], list(COLUMNS))
    final = level.copy()
    final[level >= 0] = active.severity.map(NUMBER).to_numpy(dtype="int64")
    count = _count(signal, replace(told, level=final), passed.held) | {
        state.replace(" ", "_"): int((everything.state == state).sum()) for state in (EASING, *KEPT)
    }
    return everything, together([over, left], list(ENDED)), count


def _told(signal: Signal, rows: pd.DataFrame, night: Night) -> Told:
    told = _nothing_told(len(rows))
    for rank, band in signal.ranked:
        first = band.when[0]
        holds, fails = compare_all(band.when, rows, night.rules, night.stale)
        wins = holds & (told.level < 0)
        told.level[wins] = rank
        told.value[wins] = _numbers(rows[first.feature])[wins]
        told.limit[wins] = _number(first.limit(night.rules))
        told.feature[wins] = first.feature
        unsaid = ~holds & ~fails
        told.open[unsaid] = np.maximum(told.open[unsaid], rank)
    return told


def _nothing_told(size: int) -> Told:
    return Told(
        np.full(size, -1),
        np.full(size, -1),
        np.full(size, np.nan),
        np.full(size, np.nan),
        np.full(size, None, dtype="object"),
    )


def _count(signal: Signal, told: Told, held: Any) -> dict[str, Any]:
    """How many rows of a definition are what; what is looked at and `clearing` or `to_confirm` is among the clear or not evaluable."""
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
        EASING: 0,
        **{name.replace(" ", "_"): 0 for name in KEPT},
    }


def _active(signal: Signal, rows: pd.DataFrame, told: Told, level: Any) -> pd.DataFrame:
    """The rows that are active tonight with tonight's words; what was before is added by `passing.carried`."""
    on = np.flatnonzero(level >= 0)
    shown = {name: rows[name].iloc[on] for name in signal.inputs if name in rows.columns}
    words = texts(signal.text, {**shown, "value": told.value[on], "limit": told.limit[on]}, len(on))
    severity = np.array(SEVERITIES, dtype="object")[level[on]]
    nothing = alike(None, len(on))
    values = {
        "about": alike(signal.about, len(on)),
        "id": rows.unit.to_numpy()[on],
        "enterprise": rows.enterprise_id.to_numpy()[on],
        "signal": alike(signal.id, len(on)),
        "severity": severity,
        "state": alike("new", len(on)),
        "worst": severity,
        "clear_days": np.zeros(len(on), dtype="int64"),
        "overdue": np.zeros(len(on), dtype=bool),
        "feature": told.feature[on],
        "value": told.value[on],
        "limit": told.limit[on],
        **{name: rows[name].to_numpy()[on] for name in ("guarantees", "exposure", "expected_loss")},
        "text_en": words["en"],
        "text_zh": words["zh"],
    }
    # pandas would make texts of its own kind of them, and of these, asked for objects, one object for each row
    columns = {name: pd.Series(values.get(name, nothing), dtype=kind) for name, kind in COLUMNS.items()}
    return pd.DataFrame(columns, copy=False)


def _numbers(column: Any) -> Any:
    return (
        column.to_numpy(dtype="float64", na_value=np.nan)
        if pd.api.types.is_numeric_dtype(column)
        else np.full(len(column), np.nan)
    )


def _number(limit: float | str | tuple[str, ...] | None) -> float:
    return float(limit) if isinstance(limit, (int, float)) else float("nan")
