"""What became of each subject within the horizon, and was that known when the model was trained?

A subject at `as_of` is a *default* iff an event of it lies in `(as_of, as_of + horizon]` and was known by the
training date. It is *mature* iff `as_of + horizon + lag <= trained_as_of`; an immature row says nothing, also
where its event has come already (keeping those would count early defaults and no early survivors).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span, month_ends

Days = npt.NDArray[np.datetime64]
_FAR = np.datetime64("9999-01-01", "D")


@dataclass(frozen=True, slots=True)
class Question:
    """Which outcome: the horizon, how late an event may become known, and the day of training."""

    horizon: Span
    trained_as_of: date
    lag: Span = field(default_factory=Span)


def shift(days: Days, span: Span) -> Days:
    """Each day one span later, with the month-end rule of `clock.add_months`.

    >>> shift(np.array(["2004-01-31"], dtype="M8[D]"), Span(months=1))
    array(['2004-02-29'], dtype='datetime64[D]')
    """
    days = days.astype("M8[D]")
    month = days.astype("M8[M]")
    offset = days - month.astype("M8[D]")
    target = month + np.timedelta64(span.months, "M")
    last = (target + np.timedelta64(1, "M")).astype("M8[D]") - target.astype("M8[D]") - np.timedelta64(1, "D")
    moved: Days = target.astype("M8[D]") + np.minimum(offset, last) + np.timedelta64(span.days, "D")
    return moved


def outcomes(subjects: pd.DataFrame, events: pd.DataFrame, question: Question) -> pd.DataFrame:
    """`label` (0 or 1), `mature` (bool: it may be learned from) and `event_date` (NaT: none) for each row of `subjects`, in order.

    `subjects` has `subject`, `as_of`; `events` has `subject`, `event_date`, `known_at`, any number of rows a
    subject. The `event_date` is the first that makes the label 1.
    """
    as_of = subjects["as_of"].to_numpy(dtype="M8[D]")
    end = shift(as_of, question.horizon)
    trained = np.datetime64(question.trained_as_of, "D")
    rows = pd.DataFrame({"subject": subjects["subject"].to_numpy(), "row": np.arange(len(subjects))})
    known = events[events["known_at"].to_numpy(dtype="M8[D]") <= trained]
    pairs = rows.merge(known[["subject", "event_date", "known_at"]], on="subject", how="inner")
    when, row = pairs["event_date"].to_numpy(dtype="M8[D]"), pairs["row"].to_numpy()
    inside = (when > as_of[row]) & (when <= end[row])
    told = pairs["known_at"].to_numpy(dtype="M8[D]")
    hidden = np.zeros(
        len(subjects), dtype=bool
    )  # over on its as-of day, which was not known then: neither 0 nor 1
    hidden[row[(when <= as_of[row]) & (told > as_of[row])]] = True
    first = np.full(len(subjects), _FAR)
    np.minimum.at(first, row[inside], when[inside])
    label = first < _FAR
    event = first.astype("M8[s]")
    event[~label] = np.datetime64("NaT")
    return pd.DataFrame(
        {
            "label": label.astype(np.int64),
            "mature": (shift(end, question.lag) <= trained) & ~hidden,
            "event_date": event,
        },
        index=subjects.index,
    )


def panel_dates(start: date, end: date, every: Span) -> list[date]:
    """The month-ends from `start` to `end`, every so many months, such that the last one is the latest possible."""
    ends = month_ends(start, end)
    step = max(every.months, 1)
    return sorted(ends[::-1][::step])
