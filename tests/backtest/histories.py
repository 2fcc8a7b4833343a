"""Small histories of nights written by hand, or drawn at random, and the slow obvious way to measure them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from riskengine.backtest.lists import by_alerts
from riskengine.backtest.measures import FIGURES, Tally, judged, tally
from riskengine.backtest.replay import Seen
from riskengine.backtest.settings import Settings
from riskengine.backtest.track import Outcomes, Track, track
from riskengine.clock import Span, add_months, month_ends

NIGHTS = month_ends(date(2020, 1, 31), date(2022, 12, 31))
EPOCH = date(1970, 1, 1)


def nights(
    book: Mapping[str, tuple[str, int, int]],
    alerts: Mapping[tuple[str, int], tuple[int, int]],
    fired: Sequence[tuple[str, int, int]] = (),
    days: Sequence[date] = tuple(NIGHTS),
) -> list[Seen]:
    """`book`: guarantee -> (enterprise, first night, last night); `alerts`: (guarantee, night) -> (rank, severity 0..3);
    `fired`: (guarantee, night, signal)."""
    made = []
    for number, day in enumerate(days):
        names = [name for name, (_, first, last) in sorted(book.items()) if first <= number <= last]
        told = [alerts.get((name, number), (0, -1)) for name in names]
        frame = pd.DataFrame(
            {
                "id": np.array(names, dtype=object), "enterprise": np.array([book[name][0] for name in names], dtype=object),
                "exposure": [100.0] * len(names), "loss": [1.0] * len(names), "pd": [0.01] * len(names),
                "severity": [level for _, level in told], "rank": [rank for rank, _ in told],
                "act": [False] * len(names),
            }
        )  # fmt: skip
        pairs = [(names.index(name), signal) for name, night, signal in fired if night == number]
        made.append(Seen(day, frame, np.array(pairs, dtype=np.int32).reshape(-1, 2)))
    return made


def outcomes(
    paid: Mapping[str, date],
    followed: date = date(2024, 12, 31),
    amounts: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
) -> Outcomes:
    days = {name: (day - EPOCH).days for name, day in paid.items()}
    return Outcomes(days, dict(amounts or {}), dict(weights or {}), followed, followed)


def measured(known: Track, settings: Settings) -> tuple[Tally, dict[str, float]]:
    """The system's tally and its figures without any draw."""
    events = judged(known, settings, 31)
    one = tally(known, events, settings, by_alerts(known), known.rank > 0)
    return one, dict(zip(FIGURES, one.figures(np.ones(len(known.firms))).tolist(), strict=True))


def drawn(seed: int) -> tuple[list[Seen], Outcomes]:
    """A random history: 40 guarantees of 25 enterprises, alerts that come and go, some compensations."""
    rng = np.random.default_rng(seed)
    book, paid = {}, {}
    for number in range(40):
        first = int(rng.integers(0, 30))
        last = int(min(first + rng.integers(3, 30), len(NIGHTS) - 1))
        name = f"G{number:02d}"
        book[name] = (f"E{rng.integers(0, 25):02d}", first, last)
        if rng.random() < 0.5:  # compensated, known some days later: the book may not know it yet
            paid[name] = NIGHTS[last] + timedelta(days=int(rng.integers(-40, 25)))
    alerts = {}
    for night in range(len(NIGHTS)):
        there = [
            name for name, (_, first, last) in book.items() if first <= night <= last and rng.random() < 0.4
        ]
        for rank, name in enumerate(rng.permutation(there), 1):
            alerts[str(name), night] = (rank, int(rng.integers(0, 4)))
    weights = {name: float(rng.choice([5.0, 22.0])) for name in book}
    return nights(book, alerts), outcomes(paid, date(2022, 9, 30), weights=weights)


def slowly(seen: Sequence[Seen], told: Outcomes, settings: Settings) -> dict[str, float]:
    """Every figure by loops over dates and names, as the docstring of `measures` says it."""
    days = [one.as_of for one in seen]
    paid = {name: EPOCH + timedelta(days=day) for name, day in told.days.items()}
    span, rest = Span.parse(settings.horizon), Span.parse(settings.rest)
    rows = [one.book.set_index("id") for one in seen]
    chosen, raw = [], []
    until: dict[str, date] = {}
    worst: dict[str, int] = {}
    for day, book in zip(days, rows, strict=True):
        order = book[book["rank"] > 0].sort_values("rank")
        level = order.groupby("enterprise").severity.max()
        raw.append(set(order.enterprise.drop_duplicates().head(settings.places)))
        free = [
            firm for firm in order.enterprise.drop_duplicates()
            if firm not in until or until[firm] <= day or level[firm] > worst[firm]
        ][: settings.places]  # fmt: skip
        for firm in free:
            until[firm], worst[firm] = rest.after(day), int(level[firm])
        chosen.append(set(free))
    weight = {name: told.weights.get(name, 1.0) for book in rows for name in book.index}
    last_exposure = {name: book.exposure[name] for book in rows for name in book.index}
    events = []
    for name, day in paid.items():
        before = [n for n in range(len(days)) if span.before(day) <= days[n] < day and name in rows[n].index]
        if span.after(days[0]) < day <= min(days[-1] + timedelta(days=31), told.followed) and before:
            found = [n for n in before if rows[n].enterprise[name] in chosen[n]]
            ever = [n for n in range(len(days)) if days[n] < day and name in rows[n].index]
            run = []
            for n in reversed(ever):
                if rows[n]["rank"][name] <= 0:
                    break
                run.append(n)
            lead = (day - days[found[0]]).days if found else None
            standing = (day - days[run[-1]]).days if run else None
            events.append((name, weight[name], told.paid.get(name, last_exposure[name]), lead, standing))
    total = sum(w for _, w, *_ in events)
    listings = hits = months = ends = flaps = again = many = 0.0
    steps = [
        (b - a).days / 30.4375
        for a, b in zip(days, [*days[1:], days[-1] + (days[-1] - days[-2])], strict=True)
    ]
    for n, (day, book) in enumerate(zip(days, rows, strict=True)):
        if n:
            many += len(raw[n])
            again += len(raw[n] & raw[n - 1])
        if span.after(day) <= told.followed:
            months += sum(weight[name] * steps[n] for name in book.index)
            for firm in chosen[n]:
                own = list(book.index[book.enterprise == firm])
                hit = any(name in paid and day < paid[name] <= span.after(day) for name in own)
                if hit or not any(name in paid and paid[name] <= day for name in own):
                    mass = float(np.mean([weight[name] for name in own]))
                    listings, hits = listings + mass, hits + mass * hit
        for name in book.index:
            was = n > 0 and name in rows[n - 1].index and rows[n - 1]["rank"][name] > 0
            followed = day + timedelta(days=settings.flap) <= days[-1]
            if was and book["rank"][name] <= 0 and followed:
                ends += 1
                flaps += any(
                    name in rows[m].index and rows[m]["rank"][name] > 0
                    for m in range(n + 1, len(days))
                    if (days[m] - day).days <= settings.flap
                )
    caught = [(w, amount, lead) for _, w, amount, lead, _ in events if lead is not None]
    runs = [(w, standing) for _, w, _, _, standing in events if standing is not None]
    return {
        "capture": sum(w for w, _, _ in caught) / total,
        "capture_amount": sum(w * a for w, a, _ in caught) / sum(w * a for _, w, a, *_ in events),
        "precision": hits / listings,
        "false_alarms": 1000 * (listings - hits) / months,
        "late": sum(w for w, _, lead in caught if lead < settings.late) / total,
        "missed": 1 - sum(w for w, _, _ in caught) / total,
        "flapping": flaps / ends,
        "repeats": again / many,
        "standing": sum(w for w, _ in runs) / total,
        "lead_50": middle([(lead, w) for w, _, lead in caught]),
        "alert_lead_50": middle([(lead, w) for w, lead in runs]),
    }


def middle(pairs: Sequence[tuple[int, float]]) -> float:
    """The smallest value with half of the weight at or below it."""
    whole, so_far = sum(w for _, w in pairs), 0.0
    for value, w in sorted(pairs):
        so_far += w
        if so_far >= whole / 2 - 1e-9:
            return float(value)
    return float("nan")


__all__ = ["NIGHTS", "add_months", "drawn", "measured", "nights", "outcomes", "slowly", "track"]
