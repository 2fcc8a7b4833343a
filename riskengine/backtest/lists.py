"""Whom would an office of so many places have looked into each night, by these alerts and by rules that anyone could write?

The unit of a place is an enterprise. Nobody acted on the alerts of the past, so the office is simulated, for every rule alike: who
was listed is looked into and rests for `Settings.rest`, unless the alert's severity has risen above that of the last listing.
Without a rest a rule that names the same enterprises every night would waste its places, and a random draw, which never repeats
itself, would cover more of the book than any order: with it, all rules have the same number of first looks.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from riskengine.backtest.settings import Naive, Settings
from riskengine.backtest.track import NEVER, Flags, Floats, Ints, Track
from riskengine.clock import Span
from riskengine.monitor.comparing import compare_all

_EPOCH = date(1970, 1, 1)


def listed(track: Track, orders: list[Ints], settings: Settings, rest: bool = True) -> Flags:
    """Of each row of the track whether its enterprise is listed on that night.

    `orders`: for each night the rows that may be listed, the first first; `track.places` enterprises a night at most.
    """
    made = np.zeros(len(track.night), dtype=bool)
    until = np.full(len(track.firms), -NEVER, dtype=np.int64)
    worst = np.full(len(track.firms), -2, dtype=np.int64)
    span = Span.parse(settings.rest)
    for night, order in enumerate(orders):
        day = int(track.nights[night])
        firms, first = np.unique(track.enterprise[order], return_index=True)
        firms = firms[np.argsort(first, kind="stable")]
        level = np.full(len(track.firms), -1, dtype=np.int64)
        np.maximum.at(level, track.enterprise[order], track.severity[order])
        if rest:
            firms = firms[(until[firms] <= day) | (level[firms] > worst[firms])]
        firms = firms[: int(track.places[night])]
        until[firms] = later(day, span)
        worst[firms] = level[firms]
        rows = track.rows_of(night)
        made[rows] = np.isin(track.enterprise[rows], firms)
    return made


def later(day: int, span: Span) -> int:
    """The day a span after a day, both as days since 1970.

    >>> later(0, Span.parse("6m"))
    181
    """
    return (span.after(_EPOCH + timedelta(days=day)) - _EPOCH).days


def earlier(day: int, span: Span) -> int:
    """The day a span before a day, both as days since 1970."""
    return (span.before(_EPOCH + timedelta(days=day)) - _EPOCH).days


def by_alerts(track: Track) -> list[Ints]:
    """The order of the alerts themselves."""
    return [rows[np.argsort(track.rank[rows], kind="stable")] for rows in _nights(track, track.rank > 0)]


def by_exposure(track: Track) -> list[Ints]:
    """The largest exposure first, then the id."""
    every = np.ones(len(track.night), dtype=bool)
    return [rows[np.argsort(-track.exposure[rows], kind="stable")] for rows in _nights(track, every)]


def by_chance(track: Track, seed: int) -> list[Ints]:
    """A seeded draw every night."""
    rng = np.random.default_rng(seed)
    every = np.ones(len(track.night), dtype=bool)
    return [rng.permutation(rows) for rows in _nights(track, every)]


def by_rule(track: Track, rule: Naive, seed: int) -> list[Ints]:
    """The order of a naive rule (see `Naive`); its features are in `track.more`."""
    rng = np.random.default_rng(seed)
    made = []
    for night, rows in enumerate(_nights(track, np.ones(len(track.night), dtype=bool))):
        frame = pd.DataFrame({name: track.more[name][rows] for name in rule.features})
        if rule.when:
            day = _EPOCH + timedelta(days=int(track.nights[night]))
            holds, _ = compare_all(rule.when, frame, day)
            rows, frame = rows[holds], frame[holds]
        mixed = rng.permutation(len(rows))
        score = np.zeros(len(rows))
        for name in rule.order:
            score += _percentiles(frame[name.lstrip("-")].to_numpy(), name.startswith("-"))
        made.append(rows[mixed][np.argsort(-score[mixed], kind="stable")])
    return made


def _percentiles(values: Any, smallest_first: bool) -> Floats:
    """Ranks between 0 and 1, ties in the middle; missing values 0."""
    numbers = pd.Series(np.asarray(values, dtype=np.float64))
    ranks = (-numbers if smallest_first else numbers).rank(pct=True)
    return np.asarray(ranks.fillna(0.0).to_numpy(), dtype=np.float64)


def _nights(track: Track, chosen: Flags) -> list[Ints]:
    order, bounds = track.by_night, track.bounds
    parts = [order[start:end] for start, end in pairwise(bounds.tolist())]
    return [rows[chosen[rows]] for rows in parts]
