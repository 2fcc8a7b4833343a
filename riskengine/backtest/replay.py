"""What would the nights of a range have said, one after the other, each knowing only what was known on its day?

Every night is `monitor.work.work`, the night's own function, fed with the frames of the replayed night before; nothing is
published, no report is written, and reminders and evidence pages are left out. Profiles see facts by their `known_at`; terms
of products are those of the day. The catalogue of signals is today's, with the limits of the day it is asked for (`rules_day`):
the question is what *these* rules would have found, not what was watched then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span, add_months, month_ends
from riskengine.errors import Problem, UsageError
from riskengine.monitor.evaluate import SEPARATOR, waiting
from riskengine.monitor.night import Before, needed_features
from riskengine.monitor.signals import SEVERITIES
from riskengine.monitor.vocabulary import GUARANTEE, SOURCE
from riskengine.monitor.watch import Watch
from riskengine.monitor.work import Work, work
from riskengine.profile.kept import night_recipe
from riskengine.scoring.bundle import Bundle
from riskengine.store.snapshot import Snapshot

log = logging.getLogger("riskengine.backtest")
ALERT = ("id", "enterprise", "rank", "place", "severity")
ACT = "act"
FIRST = "orange"  # who has at least this comes before the others
Alerted = Callable[[Work], pd.DataFrame]
Becomes = Callable[[Work], Before]


@dataclass(frozen=True)
class Seen:
    """What measuring needs of one night.

    `book`: one row a guarantee in force: `id`, `enterprise`, `exposure`, `loss` (expected), `pd`, `severity` (0 blue .. 3 red, -1:
    no alert), `rank` (order among the alerts from 1; 0: none), `act` (within the composition's own capacity), and what naive rules
    read. `fired`: pairs of a row of `book` and the place of a signal in the catalogue.
    """

    as_of: date
    book: pd.DataFrame
    fired: npt.NDArray[np.int32]


def nights_of(start: date, end: date, every: str = "1m") -> list[date]:
    """The days to replay: month-ends for `1m`, `3m` ..., else every so many days from `start`; at least two, or `UsageError`."""
    step = Span.parse(every)
    if step.months and not step.days:
        days = month_ends(start, end)[:: step.months]
    else:
        days, day = [], start
        while day <= end:
            days.append(day)
            day += timedelta(days=max(step.days, 1))
    if len(days) < 2:
        raise UsageError(
            "Nothing to replay 无可回放的夜晚",
            [Problem("--from, --to", f"at least two nights, one every {every}", f"{start} to {end}")],
        )
    return days


def lighter(watch: Watch, rules_day: date, needs: Sequence[str] = ()) -> Watch:
    """The definitions of a replayed night: the signals watched on `rules_day`, by the limits of that day (`Night.rules_day`), no
    reminders, and only the features these and `needs` read."""
    signals = tuple(signal for signal in watch.signals if signal.watched_on(rules_day))
    compared = [name for signal in signals for name in signal.inputs]
    names = [*compared, *watch.shown.inputs, *watch.products.features, *needs]
    recipe = night_recipe(watch.catalogue, needed_features(watch.vocabulary, names))
    return replace(watch, signals=signals, reminders=(), populations={}, recipe=recipe, rules_day=rules_day)


def alerted_by(floor: str, first: str = FIRST) -> Alerted:
    """The order of `monitor.ranking` among guarantees with a true signal of `floor` or more, of their own or their enterprise's.

    Those of at least `first` (the page's own floor) come before the others, each by the book's rank (expected loss), the others by
    severity before it. `place` is "overflow" throughout: this order knows no capacity of its own.
    """

    def alerted(done: Work) -> pd.DataFrame:
        signals = done.evaluation.signals
        true = signals[~waiting(signals)]
        level = true.severity.map({name: number for number, name in enumerate(SEVERITIES)})
        own = level[true.about == GUARANTEE].groupby(true.id).max()
        shared = level[(true.about != GUARANTEE) & (true.enterprise != "")].groupby(true.enterprise).max()
        book = done.book
        worst = np.fmax(
            book.id.astype("str").map(own).to_numpy(dtype="float64", na_value=np.nan),
            book.enterprise_id.map(shared).to_numpy(dtype="float64", na_value=np.nan),
        )
        worst = np.nan_to_num(worst, nan=-1.0).astype(np.int64)
        chosen = np.flatnonzero(worst >= SEVERITIES.index(floor))
        rank = book["rank"].to_numpy()[chosen]
        below = np.where(worst[chosen] >= SEVERITIES.index(first), 0, len(SEVERITIES) - worst[chosen])
        chosen = chosen[np.lexsort((rank, below))]
        return pd.DataFrame(
            {
                "id": book.id.astype("str").to_numpy()[chosen],
                "enterprise": book.enterprise_id.astype("str").to_numpy()[chosen],
                "rank": np.arange(1, len(chosen) + 1),
                "place": "overflow",
                "severity": [SEVERITIES[number] for number in worst[chosen]],
            },
            columns=list(ALERT),
        )

    return alerted


def alerts_of_lines(lines: pd.DataFrame, book: pd.DataFrame) -> pd.DataFrame:
    """One row a guarantee (ALERT) from one line an enterprise (`enterprise`, `severity`, `rank`, `place`): for compositions.

    Every guarantee in force of a line's enterprise has the line's severity, rank and place; lines of nobody in the book are left out.
    """
    told = lines[["enterprise", "rank", "place", "severity"]]
    own = pd.DataFrame({"id": book.id.astype("str"), "enterprise": book.enterprise_id.astype("str")})
    made = told.merge(own, on="enterprise", validate="one_to_many").sort_values(["rank", "id"], kind="stable")
    return made[list(ALERT)].reset_index(drop=True)


def becomes(done: Work) -> Before:
    """What the next night reads of this one; reminders, clusters and files do not matter to it."""
    return Before(done.as_of, done.book, done.evaluation.signals, model=done.model)


@dataclass(frozen=True)
class Replay:
    """How to replay: light definitions, facts, the model of each day, who is alerted, and what the next night reads."""

    watch: Watch
    snapshot: Snapshot
    model: Callable[[date], Bundle]
    alerted: Alerted
    becomes: Becomes = becomes
    naive: Sequence[str] = ()

    def run(self, days: Sequence[date]) -> Iterator[Seen]:
        """The nights in order, each from the frames of the one before."""
        before = Before()
        for number, day in enumerate(days, 1):
            done = work(self.watch, self.model(day), self.snapshot, before, day)
            seen = self.seen(done)
            log.info(
                "night %d of %d: %s, %d guarantees, %d alerted",
                number, len(days), day, len(seen.book), int((seen.book["rank"] > 0).sum()),
            )  # fmt: skip
            before = self.becomes(done)
            yield seen

    def seen(self, done: Work) -> Seen:
        """What is kept of a night."""
        book, alert = done.book, self.alerted(done)
        names = book.id.astype("str")
        if alert.id.duplicated().any():
            raise ValueError("a guarantee is alerted once a night")
        alert = alert.set_index("id")
        level = names.map(alert.severity).map({name: number for number, name in enumerate(SEVERITIES)})
        kept: dict[str, Any] = {
            "id": names.to_numpy(dtype=object),
            "enterprise": book.enterprise_id.astype("str").to_numpy(dtype=object),
            "exposure": book.exposure.to_numpy(dtype=np.float64),
            "loss": book.expected_loss.to_numpy(dtype=np.float64),
            "pd": book.pd.to_numpy(dtype=np.float32),
            "severity": level.fillna(-1).to_numpy(dtype=np.int8),
            "rank": names.map(alert["rank"]).fillna(0).to_numpy(dtype=np.int32),
            "act": (names.map(alert.place) == ACT).to_numpy(dtype=bool),
        }
        kept |= {name: _plain(book[name]) for name in self.naive if name in book and name not in kept}
        return Seen(done.as_of, pd.DataFrame(kept), self._fired(done))

    def _fired(self, done: Work) -> npt.NDArray[np.int32]:
        """(row of the book, place of the signal) of every true signal, one of a group at each of its guarantees."""
        signals = done.evaluation.signals
        true = signals[~waiting(signals)]
        place = {signal.id: number for number, signal in enumerate(self.watch.signals)}
        parts = [np.zeros((0, 2), dtype=np.int32)]
        for about, mine in true.groupby("about", sort=True):
            units = self._units(done.book, str(about))
            if units is None:
                continue
            rows = pd.DataFrame({"unit": units, "row": np.arange(len(units), dtype=np.int32)})
            pairs = mine[["id", "signal"]].merge(rows, left_on="id", right_on="unit")
            numbers = pairs.signal.map(place).to_numpy(dtype=np.int32)
            parts.append(np.column_stack([pairs.row.to_numpy(dtype=np.int32), numbers]))
        return np.concatenate(parts)

    def _units(self, book: pd.DataFrame, about: str) -> npt.NDArray[Any] | None:
        """What each guarantee is called among the things a signal is about; None for feeds and the whole book."""
        if about == GUARANTEE:
            return book.id.astype("str").to_numpy(dtype=object)
        columns = self.watch.catalogue.subjects.keys.get(about, ())
        if about == SOURCE or not columns:
            return None
        name: Any = book[columns[0]].astype("str")
        for column in columns[1:]:
            name = name + SEPARATOR + book[column].astype("str")
        return np.asarray(name.where(book[list(columns)].notna().all(axis=1), None), dtype=object)


def model_days(start: date, end: date, every: str) -> list[date]:
    """The days on which a walk-forward trains: `start`, and again after each `every` until `end`."""
    months = max(Span.parse(every).months, 1)
    days, number = [], 0
    while (day := add_months(start, number * months)) <= end:
        days.append(day)
        number += 1
    return days


def _plain(column: pd.Series) -> npt.NDArray[Any]:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float32, na_value=np.nan)
    return column.astype("object").where(column.notna(), None).to_numpy(dtype=object)
