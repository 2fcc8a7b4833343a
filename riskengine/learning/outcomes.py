"""What became of each subject within the horizon, and was that known when the model was trained?

A subject at `as_of` is a *default* iff an event of it lies in `(as_of, as_of + horizon]` and was known by the
training date. It is *mature* iff `as_of + horizon + lag <= trained_as_of`; an immature row says nothing, also
where its event has come already (keeping those would count early defaults and no early survivors).

Every row has one *status*, the first of these that holds:

- `hidden`: over on its as-of day, which was not known then: neither 0 nor 1;
- `excluded`: a rung of `label.excluded` was reached, and known to be, on the as-of day: nobody asks the model of it;
- `immature`: see above;
- `bad`: the event came within the horizon, also where an exit came first (an extended guarantee can still be called);
- `indeterminate`: no event, but a rung of `label.indeterminate`: one that lasts stands at the horizon's end (overdue for
  90 days and not yet compensated), one that does not was reached within the horizon;
- `competing`: no event within the horizon, for an exit of `label.competing` ended the risk first. The binary question
  "was it called within the horizon?" is answered: no, so the row stays and its label is 0, unless the spec lists the
  exit as indeterminate. Only a question about time (the hazard) must stop counting months at the exit;
- `good`: none of these.

A model learns from `bad`, `good` and `competing` rows only (`LEARNED`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span, month_ends
from riskengine.learning.spec_blocks import Label

Days = npt.NDArray[np.datetime64]
Months = npt.NDArray[np.int64]
STATUSES = ("bad", "good", "competing", "indeterminate", "excluded", "hidden", "immature")
LEARNED = ("bad", "good", "competing")
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
    moved: Days = _ahead(days.astype("M8[D]"), span.months) + np.timedelta64(span.days, "D")
    return moved


def _ahead(days: Days, months: int | Months) -> Days:
    """Each day so many months later, the month's last day where there is no such day."""
    month = days.astype("M8[M]")
    offset = days - month.astype("M8[D]")
    target = month + np.asarray(months).astype("m8[M]")
    last = (target + np.timedelta64(1, "M")).astype("M8[D]") - target.astype("M8[D]") - np.timedelta64(1, "D")
    moved: Days = target.astype("M8[D]") + np.minimum(offset, last)
    return moved


def outcomes(subjects: pd.DataFrame, events: pd.DataFrame, question: Question) -> pd.DataFrame:
    """`label` (0 or 1), `mature` (bool: it may be learned from), `event_date` (NaT: none) and `hidden` (bool: over on its
    as-of day, which was not known then) for each row of `subjects`, in order.

    `subjects` has `subject`, `as_of`; `events` has `subject`, `event_date`, `known_at`, any number of rows a
    subject. The `event_date` is the first that makes the label 1.
    """
    as_of = subjects["as_of"].to_numpy(dtype="M8[D]")
    end = shift(as_of, question.horizon)
    trained = np.datetime64(question.trained_as_of, "D")
    pairs = _pairs(subjects, events[["subject", "event_date", "known_at"]], trained)
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
            "hidden": hidden,
        },
        index=subjects.index,
    )


def statuses(
    subjects: pd.DataFrame, found: pd.DataFrame, rungs: pd.DataFrame, question: Question, meaning: Label
) -> pd.Series:
    """The status of each row (see above), in order; `found` is what `outcomes` said of the same rows and question.

    `rungs` is the ladder's frame (`ladder.rung_events`): `subject`, `rung`, `event_date`, `known_at`, `lasts`, `left`,
    `left_known`. Nothing that became known after the day of training counts.
    """
    as_of = subjects["as_of"].to_numpy(dtype="M8[D]")
    end = shift(as_of, question.horizon)
    trained = np.datetime64(question.trained_as_of, "D")
    young = shift(end, question.lag) > trained
    bad = found["label"].to_numpy() == 1
    pairs = _pairs(subjects, rungs, trained)
    row = pairs["row"].to_numpy()
    when, told, left, left_told = (
        pairs[name].to_numpy(dtype="M8[D]") for name in ("event_date", "known_at", "left", "left_known")
    )
    lasts = pairs["lasts"].to_numpy(dtype=bool)
    gone = (left <= as_of[row]) & (left_told <= as_of[row])
    inside = (when > as_of[row]) & (when <= end[row])
    stands = (when <= end[row]) & ~((left <= end[row]) & (left_told <= trained))

    def reached(names: tuple[str, ...], holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        marked = np.zeros(len(subjects), dtype=bool)
        marked[row[holds & pairs["rung"].isin(names).to_numpy()]] = True
        return marked

    over = reached(meaning.excluded, (when <= as_of[row]) & (told <= as_of[row]) & ~gone)
    unclear = reached(meaning.indeterminate, np.where(lasts, stands, inside))
    ended = reached(meaning.competing, inside)
    status = np.select(
        [found["hidden"].to_numpy(dtype=bool), over, young, bad, unclear, ended],
        ["hidden", "excluded", "immature", "bad", "indeterminate", "competing"],
        "good",
    )
    return pd.Series(status, index=subjects.index, dtype="str", name="status")


def person_months(
    subjects: pd.DataFrame, events: pd.DataFrame, exits: pd.DataFrame, question: Question
) -> pd.DataFrame:
    """For the hazard, by row of `subjects` in order: `event_lead`, `exit_lead`, `followed` (whole months, int64).

    Month k ahead is `(as_of + (k-1) months, as_of + k months]` with the month-end rule of `clock.add_months`. `followed`
    is the last month that is mature on the day of training: `as_of + k months + lag <= trained_as_of` (0: not even the
    first). The leads are the months of the first event and of the first competing exit after the as-of day, 0 where none
    came within the months followed: what is already known of a later month is left out, as its survivors are not known.
    The horizon plays no part; where it is of whole months, a mature row's label is 1 iff `1 <= event_lead <= horizon`.
    """
    as_of = subjects["as_of"].to_numpy(dtype="M8[D]")
    trained = np.datetime64(question.trained_as_of, "D")
    followed = np.maximum(_month_number(np.full(len(as_of), trained)) - _month_number(as_of), 0)
    while True:
        late = (followed > 0) & (shift(_ahead(as_of, followed), question.lag) > trained)
        if not late.any():
            break
        followed[late] -= 1
    leads = [_lead(subjects, as_of, found, trained) for found in (events, exits)]
    for lead in leads:
        lead[lead > followed] = 0
    named = {"event_lead": leads[0], "exit_lead": leads[1], "followed": followed}
    return pd.DataFrame(named, index=subjects.index)


def _lead(subjects: pd.DataFrame, as_of: Days, events: pd.DataFrame, trained: np.datetime64) -> Months:
    """The month ahead of each row's first event after its as-of day that is known on the day of training; 0: none."""
    pairs = _pairs(subjects, events, trained)
    row, when = pairs["row"].to_numpy(), pairs["event_date"].to_numpy(dtype="M8[D]")
    later = when > as_of[row]
    first = np.full(len(subjects), _FAR)
    np.minimum.at(first, row[later], when[later])
    months = _month_number(first) - _month_number(as_of)
    months += first > _ahead(as_of, months)
    months[first == _FAR] = 0
    return months


def _pairs(subjects: pd.DataFrame, events: pd.DataFrame, trained: np.datetime64) -> pd.DataFrame:
    """Each known event beside the number of each row of its subject."""
    rows = pd.DataFrame({"subject": subjects["subject"].to_numpy(), "row": np.arange(len(subjects))})
    known = events[events["known_at"].to_numpy(dtype="M8[D]") <= trained]
    return rows.merge(known, on="subject", how="inner")


def _month_number(days: Days) -> Months:
    return days.astype("M8[M]").astype(np.int64)


def panel_dates(start: date, end: date, every: Span) -> list[date]:
    """The month-ends from `start` to `end`, every so many months, such that the last one is the latest possible."""
    ends = month_ends(start, end)
    step = max(every.months, 1)
    return sorted(ends[::-1][::step])
