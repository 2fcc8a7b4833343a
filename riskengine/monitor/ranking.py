"""Which guarantees first, and what has changed since the publication before?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskengine.monitor.evaluate import KEPT
from riskengine.monitor.night import Before
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE

MOVERS = 10


@dataclass(frozen=True)
class ActToday:
    """The guarantees to act on today and which part of the expected loss they are."""

    rows: pd.DataFrame
    share_of_all: float
    share_of_flagged: float
    flagged: int


@dataclass(frozen=True)
class Changes:
    """What is different from the publication before; frames are empty on the first night.

    `bridge`: the change of expected loss by cause (before, left, entered, pd, exposure, now).
    `migration`: rows are grades before, columns grades now, cells guarantees.
    """

    entered: pd.DataFrame
    left: pd.DataFrame
    up: pd.DataFrame
    down: pd.DataFrame
    migration: pd.DataFrame
    bridge: dict[str, float]


def ranked(frame: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """The frame by expected loss, then PD, then id, with `rank`, and `signals` and `severity` of its own signals that are
    true; those that are clearing or to be confirmed are counted apart, in `waiting`.

    Where the loss is unknown (no terms were in force), its rank is that of the book's largest loss given default at its
    own PD: knowing less never moves a guarantee down the list.
    """
    every = signals[signals.about == GUARANTEE]
    left = every.state.isin(KEPT)
    own, waiting = every[~left], every[left]
    level = own.severity.map({name: number for number, name in enumerate(SEVERITIES)})
    worst = level.groupby(own.id).max()
    key = frame.id.astype("str")
    made = frame.assign(
        signals=key.map(own.groupby("id").size()).fillna(0).astype("int64"),
        waiting=key.map(waiting.groupby("id").size()).fillna(0).astype("int64"),
        severity=key.map(worst.map(dict(enumerate(SEVERITIES)))).astype("object"),
        _loss=frame.expected_loss.fillna(frame.pd * _largest_loss(frame)),
        _id=key,
    )
    made = made.sort_values(["_loss", "pd", "_id"], ascending=[False, False, True], kind="stable")
    return made.drop(columns=["_loss", "_id"]).assign(rank=np.arange(1, len(made) + 1)).reset_index(drop=True)


def _largest_loss(frame: pd.DataFrame) -> float:
    """The largest known loss given default of the book; one where none is known."""
    largest = (frame.expected_loss / frame.pd).max()
    return 1.0 if pd.isna(largest) else float(largest)


def act_today(book: pd.DataFrame, size: int = 20, floor: str = "orange") -> ActToday:
    """Of the guarantees with an own signal of at least `floor`, the `size` of largest expected loss.

    A quarter of the places is kept for the worst severity: those are small and certain rather than large and possible.
    Where there are fewer, the next lower severities fill the list, each by expected loss: an empty desk is no reason
    to look away.
    """
    levels = SEVERITIES[SEVERITIES.index(floor) :]
    flagged = book[book.severity.isin(levels)]
    others = book.drop(flagged.index)
    below = others.severity.map({name: -number for number, name in enumerate(SEVERITIES)}).fillna(1)
    others = others.loc[below.sort_values(kind="stable").index]
    worst = flagged[flagged.severity == SEVERITIES[-1]].head(size // 4)
    rest = flagged.drop(worst.index).head(size - len(worst))
    rows = pd.concat([pd.concat([worst, rest]).sort_index(), others.head(max(size - len(flagged), 0))])
    covered = rows.expected_loss.sum()
    return ActToday(
        rows.reset_index(drop=True),
        _part(covered, book.expected_loss.sum()),
        _part(rows[rows.severity.isin(levels)].expected_loss.sum(), flagged.expected_loss.sum()),
        len(flagged),
    )


def changes(book: pd.DataFrame, before: Before, grades: list[str], ended: Mapping[str, str]) -> Changes:
    """Compare the ranked book with the publication before; `ended` names the source that ended a guarantee, by id."""
    past = before.scores if before.scores is not None else book.head(0)
    entered = book[~book.id.isin(past.id)]
    left = past[~past.id.isin(book.id)]
    left = left.assign(why=[ended.get(str(one), "") for one in left.id])
    both = book[book.id.isin(past.id)]
    moved = both.assign(change=both.pd - both.pd_before)
    moved = moved.assign(_id=moved.id.astype("str"))
    up = moved[moved.change > 0].sort_values(["change", "_id"], ascending=[False, True]).head(MOVERS)
    down = moved[moved.change < 0].sort_values(["change", "_id"]).head(MOVERS)
    migration = pd.crosstab(
        pd.Categorical(both.grade_before, categories=grades),
        pd.Categorical(both.grade, categories=grades),
        dropna=False,
    ).reindex(index=grades, columns=grades, fill_value=0)
    return Changes(entered, left, up, down, migration, _bridge(book, past, entered, left))


def _bridge(
    book: pd.DataFrame, past: pd.DataFrame, entered: pd.DataFrame, left: pd.DataFrame
) -> dict[str, float]:
    """Expected loss is linear in PD: of a guarantee in both, what the new PD changes at the old exposure is the PD's."""
    both = book.merge(past[["id", "expected_loss"]], on="id", suffixes=("", "_was"))
    by_pd = (both.expected_loss_was * (both.pd_jump - 1)).sum()
    steps = {
        "before": past.expected_loss.sum(),
        "left": -left.expected_loss.sum(),
        "entered": entered.expected_loss.sum(),
        "pd": by_pd,
        "exposure": both.expected_loss.sum() - both.expected_loss_was.sum() - by_pd,
        "now": book.expected_loss.sum(),
    }
    return {name: round(float(value), 2) for name, value in steps.items()}


def _part(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0
