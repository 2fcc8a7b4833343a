"""Which guarantees first, and what has changed since the publication before?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from riskengine.monitor.night import Before
from riskengine.monitor.signal_rows import waiting
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE

MOVERS = 10
QUOTA = 0.25  # of the places, kept for the worst severity


@dataclass(frozen=True)
class Changes:
    """What is different from the publication before; frames are empty on the first night, when all have `entered`.

    `entered` has `id` and `expected_loss` alone: it may be the whole book, `left`, `up` and `down` all columns.
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
    """The frame by the loss it is ranked by (`known_loss`), then PD, then id, with `rank`, and `signals` and `severity` of
    its own signals that are true; those that are clearing or to be confirmed are counted apart, in `waiting`.
    """
    read = [name for name in ("id", "severity", "state", "band") if name in signals]
    every = signals.loc[signals.about == GUARANTEE, read]  # not their texts and evidence
    left = waiting(every)
    own, later = every[~left], every[left]
    level = own.severity.map({name: number for number, name in enumerate(SEVERITIES)})
    worst = level.groupby(own.id).max()
    key = frame.id.astype("str")
    made = frame.assign(
        signals=key.map(own.groupby("id").size()).fillna(0).astype("int64"),
        waiting=key.map(later.groupby("id").size()).fillna(0).astype("int64"),
        severity=key.map(worst.map(dict(enumerate(SEVERITIES)))).astype("object"),
        _loss=known_loss(frame),
        _pd=_used(frame, "pd_used", "pd"),
        _id=key,
    )
    made = made.sort_values(["_loss", "_pd", "_id"], ascending=[False, False, True], kind="stable")
    made = made.drop(columns=["_loss", "_pd", "_id"])
    return made.assign(rank=np.arange(1, len(made) + 1)).reset_index(drop=True)


def known_loss(frame: pd.DataFrame) -> pd.Series:
    """The expected loss by which each guarantee is ranked, in currency units at the guarantor's own share; never NaN.

    That of the PD after rule floors (`loss_used`, `pd_used` of `casework.floors`) where the frame has it, else the model's.
    Where it is unknown (no terms were in force), it is that of the book's largest loss given default at its own PD:
    knowing less never moves a guarantee down the list.
    """
    loss, pd_ = _used(frame, "loss_used", "expected_loss"), _used(frame, "pd_used", "pd")
    return loss.fillna(pd_ * _largest_loss(frame)).astype("float64")


def reserved(rows: pd.DataFrame, size: int, share: float = QUOTA) -> pd.DataFrame:
    """The `size` rows to take of rows in rank order, themselves in rank order (any index without repeats).

    A share of the places (rounded up) is kept for the worst severity, as far as there is any: those are small and certain
    rather than large and possible.
    """
    worst = rows.severity.eq(SEVERITIES[-1]).to_numpy()
    kept = worst & (np.cumsum(worst) <= ceil(size * share))
    rest = ~kept & (np.cumsum(~kept) <= size - int(kept.sum()))
    return rows[kept | rest]


def _used(frame: pd.DataFrame, name: str, otherwise: str) -> pd.Series:
    return frame[name if name in frame.columns else otherwise].astype("float64")


def _largest_loss(frame: pd.DataFrame) -> float:
    """The largest known loss given default of the book, in currency units; one where none is known."""
    pd_ = frame.pd.astype("float64")
    largest = (frame.expected_loss.astype("float64") / pd_.where(pd_ > 0)).max()
    return 1.0 if pd.isna(largest) else float(largest)


def changes(book: pd.DataFrame, before: Before, grades: list[str], ended: Mapping[str, str]) -> Changes:
    """Compare the ranked book with the publication before; `ended` names the source that ended a guarantee, by id."""
    past = before.scores if before.scores is not None else book.head(0)
    known = book.id.isin(past.id)
    entered = book.loc[~known, ["id", "expected_loss"]]
    left = past[~past.id.isin(book.id)]
    left = left.assign(why=[ended.get(str(one), "") for one in left.id])
    both = book.loc[known, ["id", "pd", "pd_before", "grade", "grade_before", "expected_loss"]]
    moved = both.assign(change=both.pd - both.pd_before, _id=both.id.astype("str"))[["change", "_id"]]
    up = moved[moved.change > 0].sort_values(["change", "_id"], ascending=[False, True]).head(MOVERS)
    down = moved[moved.change < 0].sort_values(["change", "_id"]).head(MOVERS)
    migration = pd.crosstab(
        pd.Categorical(both.grade_before, categories=grades),
        pd.Categorical(both.grade, categories=grades),
        dropna=False,
    ).reindex(index=grades, columns=grades, fill_value=0)
    bridge = _bridge(book.expected_loss, both, past, entered.expected_loss, left.expected_loss)
    return Changes(
        entered, left, book.loc[up.index].join(up), book.loc[down.index].join(down), migration, bridge
    )


def _bridge(
    loss: pd.Series, both: pd.DataFrame, past: pd.DataFrame, entered: pd.Series, left: pd.Series
) -> dict[str, float]:
    """Expected loss is linear in PD: of a guarantee in both, what the new PD changes at the old exposure is the PD's."""
    both = both.merge(past[["id", "expected_loss"]], on="id", suffixes=("", "_was"))
    by_pd = (both.expected_loss_was * (both.pd / both.pd_before - 1)).sum()
    steps = {
        "before": past.expected_loss.sum(),
        "left": -left.sum(),
        "entered": entered.sum(),
        "pd": by_pd,
        "exposure": both.expected_loss.sum() - both.expected_loss_was.sum() - by_pd,
        "now": loss.sum(),
    }
    return {name: round(float(value), 2) for name, value in steps.items()}
