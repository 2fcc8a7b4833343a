"""How do the replayed nights lie in memory, row beside row, and which of their guarantees were compensated when?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.backtest.replay import Seen
from riskengine.backtest.settings import FILE
from riskengine.clock import Span
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning.ladder import read_ladder, rung_events
from riskengine.learning.samples import sampling_weights
from riskengine.learning.spec import ModelSpec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.store.snapshot import Snapshot

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
NEVER = np.iinfo(np.int64).max  # a day that does not come


@dataclass(frozen=True)
class Outcomes:
    """What became of guarantees as known on `known`.

    `days`: guarantee id -> the day of its first compensation (days since 1970); `paid`: what was paid, where the source says it;
    `weights`: how many guarantees of the population each stands for (none: it is the population). To `followed` every
    compensation is taken as known (`known` less the model's label lag).
    """

    days: dict[str, int]
    paid: dict[str, float]
    weights: dict[str, float]
    known: date
    followed: date


@dataclass(frozen=True)
class Track:
    """All nights of a range, one row a guarantee and night, in order of guarantee and night.

    `nights`: days since 1970. Of each row: `night` (its place), `guarantee` and `enterprise` (codes into `ids` and `firms`),
    `exposure`, `severity` (-1: none), `rank` (0: no alert), `act`, `more` (what naive rules read). `fired`: (row, signal).
    `event`: by guarantee code the day of compensation (`NEVER`: none known); `paid`, `weight`: by guarantee code. `places`: how
    many enterprises may be listed on each night.
    """

    nights: Ints
    ids: npt.NDArray[Any]
    firms: npt.NDArray[Any]
    night: Ints
    guarantee: Ints
    enterprise: Ints
    exposure: Floats
    severity: Ints
    rank: Ints
    act: Flags
    more: dict[str, npt.NDArray[Any]]
    fired: Ints
    event: Ints
    paid: Floats
    weight: Floats
    places: Ints
    followed: int

    def rows_of(self, night: int) -> Ints:
        """The rows of one night."""
        return self.by_night[self.bounds[night] : self.bounds[night + 1]]

    @cached_property
    def by_night(self) -> Ints:
        """Row numbers in order of night, then guarantee."""
        return np.lexsort((self.guarantee, self.night))

    @cached_property
    def bounds(self) -> Ints:
        """Where each night begins in `by_night`, and the end."""
        return np.searchsorted(np.sort(self.night), np.arange(len(self.nights) + 1))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def track(seen: Iterable[Seen], outcomes: Outcomes, places: int | None = None) -> Track:
    """The nights beside each other; about 80 bytes a row.

    Without `places`, each night has as many as the composition's own capacity gave it (enterprises with `act`).
    """
    books, fired, offset, days = [], [], 0, []
    for number, one in enumerate(seen):
        books.append(one.book.assign(_night=number))
        fired.append(one.fired.astype(np.int64) + np.array([offset, 0]))
        offset += len(one.book)
        days.append(day_number(one.as_of))
    book = pd.concat(books, ignore_index=True)
    guarantee, ids = pd.factorize(book.id, sort=True)
    owner = book.enterprise.where(book.enterprise.notna(), book.id)  # of nobody known: it stands for itself
    enterprise, firms = pd.factorize(owner, sort=True)
    order = np.lexsort((book._night.to_numpy(), guarantee))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    pairs = np.concatenate(fired) if fired else np.zeros((0, 2), dtype=np.int64)
    pairs = np.column_stack([place[pairs[:, 0]], pairs[:, 1]])
    own = ("id", "enterprise", "exposure", "loss", "pd", "severity", "rank", "act", "_night")
    exposure = book.exposure.fillna(0.0).to_numpy(dtype=np.float64)[order]
    codes = guarantee[order].astype(np.int64)
    last = np.r_[codes[1:] != codes[:-1], True]
    paid = np.zeros(len(ids))
    paid[codes[last]] = exposure[last]
    paid = np.array([outcomes.paid.get(name, was) for name, was in zip(ids, paid.tolist(), strict=True)])
    capacity = _capacity(books)
    if places is not None:
        capacity = np.full(len(days), places, dtype=np.int64)
    return Track(
        np.array(days, dtype=np.int64),
        np.asarray(ids, dtype=object),
        np.asarray(firms, dtype=object),
        book._night.to_numpy(dtype=np.int64)[order],
        codes,
        enterprise[order].astype(np.int64),
        exposure,
        book.severity.to_numpy(dtype=np.int64)[order],
        book["rank"].to_numpy(dtype=np.int64)[order],
        book.act.to_numpy(dtype=bool)[order],
        {str(name): book[name].to_numpy()[order] for name in book if name not in own},
        pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))],
        np.array([outcomes.days.get(name, NEVER) for name in ids], dtype=np.int64),
        paid,
        np.array([outcomes.weights.get(name, 1.0) for name in ids], dtype=np.float64),
        capacity,
        day_number(outcomes.followed),
    )


def _capacity(books: list[pd.DataFrame]) -> Ints:
    return np.array([book.enterprise[book.act].nunique() for book in books], dtype=np.int64)


def outcomes_of(
    catalogue: Catalogue, snapshot: Snapshot, spec: ModelSpec, known: date, amount: str = ""
) -> Outcomes:
    """Compensations as known on `known`: the ladder's default, else the facts of the source that the model's label names.

    `amount`: a column of that source. A project without such facts is a `SetupError`.
    """
    rule, ladder = catalogue.subjects.guarantee, read_ladder(catalogue)
    with Workbench(snapshot) as bench:
        if ladder is not None:
            rung = ladder.rung(ladder.default)
            source = rung.source
            events = rung_events(bench, catalogue, [rung], rule.id, known)
        else:
            source = spec.label.source
            events = _facts(bench, source, rule.id, "event_date", known)
        if amount and catalogue.sources[source].column_type(amount) is None:
            raise UsageError(
                f"{FILE} is not sound", [Problem(f"{FILE}: amount", f"a column of {source}", repr(amount))]
            )
        paid = _facts(bench, source, rule.id, f'"{amount}"::DOUBLE', known) if amount else None
        weights = sampling_weights(bench, rule, spec, known)
    first = events.groupby("subject").event_date.min()
    return Outcomes(
        {str(name): day_number(day.date()) for name, day in first.items()},
        {}
        if paid is None
        else {str(k): float(v) for k, v in paid.groupby("subject").event_date.sum().items()},
        {} if weights is None else {str(name): float(value) for name, value in weights.items()},
        known,
        Span.parse(spec.label.lag).before(known),
    )


def newest(snapshot: Snapshot, today: date) -> date:
    """The last day on which anything became known, `today` at most: how far the store can judge."""
    latest = []
    with Workbench(snapshot) as bench:
        for source in sorted(snapshot.sources):
            found: Any = bench.connection.execute(
                f"SELECT max(known_at) FROM {bench.facts(source)} WHERE known_at <= ?::DATE", [today]
            ).fetchone()
            latest += [found[0]] if found[0] else []
    if not latest:
        raise SetupError(
            "Nothing has been taken in",
            [Problem("store", "facts", "none", "Run riskengine intake SOURCE FILE")],
        )
    found_last: date = max(latest)
    return found_last


def _facts(bench: Workbench, source: str, key: str, value: str, known: date) -> pd.DataFrame:
    """`subject` and `event_date` (whatever `value` is) of each visible fact of a source."""
    files = bench.facts(source)
    if not files:
        hint = f"Run riskengine intake {source} FILE"
        raise SetupError(
            "No outcome is known", [Problem(f"source {source}", "at least one batch", "none", hint)]
        )
    found: pd.DataFrame = bench.connection.execute(
        f"""SELECT "{key}"::VARCHAR AS subject, {value} AS event_date FROM {files}
        WHERE known_at <= $known AND (superseded_at IS NULL OR superseded_at > $known) AND NOT removed""",
        {"known": known},
    ).df()
    return found
