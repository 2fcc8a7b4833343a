"""Which signals fire tonight, which go on, which are held because data is missing, and which have ended?

1. Each signal looks at the guarantees, or at the groups of its key. The highest band whose conditions all hold wins.
2. No band holds and none that could be said no: not evaluable, and counted.
3. What fired in the publication before is not cleared, nor lowered, by a band that cannot be said tonight: it is held at
   the lower of its earlier severity and the highest open band, with its earlier words.
4. What fired before and is definitely not there any more has ended: no longer true, left the book, or no longer watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.comparing import compare_all
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.monitor.vocabulary import GUARANTEE

COLUMNS = {
    "about": "object", "id": "object", "enterprise": "object", "signal": "object", "severity": "object",
    "severity_before": "object", "state": "object", "first_seen": "object", "value": "float64", "limit": "float64",
    "guarantees": "int64", "exposure": "float64", "expected_loss": "float64", "text_en": "object", "text_zh": "object",
}  # fmt: skip
ENDED = ("about", "id", "enterprise", "signal", "severity", "first_seen", "why", "text_en", "text_zh")
SEPARATOR = " · "


@dataclass(frozen=True)
class Night:
    """What an evaluation knows besides the frame: the day, the keys, the signals before, features that are down."""

    as_of: date
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    previous: pd.DataFrame | None = None  # signals of the publication before
    stale: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evaluation:
    """`signals`: one row for each active signal (COLUMNS); `ended` (ENDED); `counts`: one row for each definition."""

    signals: pd.DataFrame
    ended: pd.DataFrame
    counts: pd.DataFrame


def evaluate(signals: Sequence[Signal], frame: pd.DataFrame, night: Night) -> Evaluation:
    """Evaluate every signal over the night's frame (one row a guarantee; `vocabulary.NIGHT` and features)."""
    before = night.previous if night.previous is not None else empty()
    looked_at = {about: units(frame, about, night.keys) for about in dict.fromkeys(s.about for s in signals)}
    found, ended, counts = [empty()], [_no_ended()], []
    for signal in signals:
        active, over, count = _one(signal, looked_at[signal.about], before[before.signal == signal.id], night)
        found.append(active)
        ended.append(over)
        counts.append(count)
    unwatched = before[~before.signal.isin([signal.id for signal in signals])]
    ended.append(_ended(unwatched, "no longer watched"))
    return Evaluation(
        _ordered(_together(found, list(COLUMNS))),
        _ordered(_together(ended, list(ENDED))),
        pd.DataFrame(counts),
    )


def units(frame: pd.DataFrame, about: str, keys: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """The rows a signal looks at: the guarantees themselves, or one row a group with its totals.

    A group is named by its key values; guarantees whose key is unknown form none.
    """
    if about == GUARANTEE:
        return frame.assign(unit=frame.id.astype("str"), guarantees=1)
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


def _one(
    signal: Signal, rows: pd.DataFrame, before: pd.DataFrame, night: Night
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    size = len(rows)
    level = np.full(size, -1)
    open_level = np.full(size, -1)
    value, limit = np.full(size, np.nan), np.full(size, np.nan)
    for rank, band in signal.ranked:
        holds, fails = compare_all(band.when, rows, night.as_of, night.stale)
        wins = holds & (level < 0)
        level[wins] = rank
        value[wins] = _numbers(rows[band.when[0].feature])[wins]
        limit[wins] = _number(band.when[0].limit(night.as_of))
        open_level = np.where(~holds & ~fails, np.maximum(open_level, rank), open_level)
    earlier = before.set_index("id")
    was = rows.unit.map(earlier.severity.map({name: n for n, name in enumerate(SEVERITIES)}))
    past = was.fillna(-1).to_numpy(dtype="int64")
    held_at = np.minimum(past, open_level)
    held = held_at > level
    level = np.where(held, held_at, level)
    on = level >= 0
    active = _active(
        signal, rows[on], {"level": level[on], "held": held[on], "value": value[on], "limit": limit[on]}
    )
    active = _with_history(active, earlier, night.as_of)
    gone = before[~before.id.isin(active.id)]
    over = pd.concat(
        [
            _ended(gone[gone.id.isin(rows.unit)], "no longer true"),
            _ended(gone[~gone.id.isin(rows.unit)], "left the book"),
        ]
    )
    count: dict[str, Any] = {
        "signal": signal.id,
        "about": signal.about,
        "looked_at": size,
        **{name: int((level == n).sum()) for n, name in enumerate(SEVERITIES)},
        "held": int(held.sum()),
        "not_evaluable": int((~on & (open_level >= 0)).sum()),
        "partly_evaluable": int((on & ~held & (open_level > level)).sum()),
        "clear": int((~on & (open_level < 0)).sum()),
    }
    return active, over, count


def _active(signal: Signal, rows: pd.DataFrame, found: Mapping[str, Any]) -> pd.DataFrame:
    names = [name for name in signal.inputs if name in rows.columns]
    shown: list[dict[str, Any]] = rows[names].to_dict("records")  # type: ignore[assignment]
    words: dict[str, list[str]] = {"en": [], "zh": []}
    for number, values in enumerate(shown):
        values |= {"value": found["value"][number], "limit": found["limit"][number]}
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
            "value": found["value"],
            "limit": found["limit"],
            "guarantees": rows.guarantees.to_numpy(),
            "exposure": rows.exposure.to_numpy(),
            "expected_loss": rows.expected_loss.to_numpy(),
            "text_en": words["en"],
            "text_zh": words["zh"],
        }
    ).astype(dict(COLUMNS))


def _with_history(active: pd.DataFrame, earlier: pd.DataFrame, as_of: date) -> pd.DataFrame:
    known = active.id.isin(earlier.index)
    held = active.state == "held"
    active["state"] = active.state.where(held | ~known, "continuing")
    for name, source in (("first_seen", "first_seen"), ("severity_before", "severity")):
        active[name] = active.id.map(earlier[source]).astype("object").where(known, None)
    active["first_seen"] = active.first_seen.where(known, as_of)
    for name in ("text_en", "text_zh", "value", "limit"):
        active[name] = active[name].where(~held, active.id.map(earlier[name]))
    return active.astype(dict(COLUMNS))


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


def _number(limit: float | str | None) -> float:
    return float(limit) if isinstance(limit, (int, float)) else float("nan")
