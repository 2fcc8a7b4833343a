"""Who buys from whom, who guarantees whom, who holds whom?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskengine.province import assumptions as a
from riskengine.province.names import CHAIN, CITIES, SECTORS, TRADES
from riskengine.province.register import stream
from riskengine.province.state import Ask, Days, Edges, Network, Register


def connect(ask: Ask, register: Register) -> Network:
    """The three kinds of edges; all of them were there before the first month."""
    return Network(_sales(ask, register), _guarantees(ask, register), _holdings(ask, register))


def cities(register: Register) -> NDArray[np.int64]:
    """Number of each enterprise's city in `names.CITIES`."""
    place = {row[0]: number for number, row in enumerate(CITIES)}
    return np.array([place[code[:4]] for code in register.region6], np.int64)


def _since(ask: Ask, count: int, rng: np.random.Generator) -> Days:
    return (np.datetime64(ask.start) - rng.integers(30, 5 * 365, count)).astype("datetime64[D]")


def _sales(ask: Ask, register: Register) -> Edges:
    """Sellers choose buyers down the chain, six in ten in their own city, large ones more often: heavy tailed."""
    rng = stream(ask.seed, "sales")
    sector_of = {row.code: row.sector for row in TRADES}
    sector = np.array([sector_of[code] for code in register.industry], np.int64)
    city = cities(register)
    pool = city * SECTORS + sector
    order = np.argsort(pool, kind="stable")
    size = np.cumsum(register.monthly_sales[order] ** 0.8)
    ends = np.searchsorted(pool[order], np.arange(len(CITIES) * SECTORS), side="right")
    begins = np.append(0, ends[:-1])
    worth = np.append(0.0, size)
    many = np.minimum(rng.geometric(1 / a.SALES_EDGES.value, ask.enterprises), 12)
    source = np.repeat(np.arange(ask.enterprises), many)
    count = len(source)
    here = np.where(rng.random(count) < 0.6, city[source], rng.integers(0, len(CITIES), count))
    buys = np.array(CHAIN)[sector[source], rng.integers(0, 2, count)]
    wanted = here * SECTORS + buys
    low, high = worth[begins[wanted]], worth[ends[wanted]]
    target = order[
        np.minimum(
            np.searchsorted(size, low + rng.random(count) * (high - low), side="right"), ask.enterprises - 1
        )
    ]
    share = rng.exponential(1.0, count)
    told = rng.uniform(0.3, 0.9, ask.enterprises)
    share *= (told / np.maximum(np.bincount(source, share, ask.enterprises), 1e-9))[source]
    keep = target != source
    return _edges(source[keep], target[keep], share[keep], _since(ask, int(keep.sum()), rng))


def _guarantees(ask: Ask, register: Register) -> Edges:
    """Mutual circles of three to eight within one county: each guarantees the next, some also the one after."""
    rng = stream(ask.seed, "guarantees")
    member = np.flatnonzero(
        (rng.random(ask.enterprises) < a.CIRCLE.value) & (register.size > 0)
        | (rng.random(ask.enterprises) < a.CIRCLE.value / 2)
    )
    member = member[np.lexsort((rng.random(len(member)), register.region6[member].astype("U6")))]
    sizes = rng.integers(3, 9, len(member) // 3 + 1)
    circle = np.repeat(np.arange(len(sizes)), sizes)[: len(member)]
    begins = np.searchsorted(circle, circle, side="left")
    length = np.searchsorted(circle, circle, side="right") - begins
    spot = np.arange(len(member)) - begins
    source, target = [], []
    for step, chance in ((1, 1.0), (2, 0.4)):
        chosen = (rng.random(len(member)) < chance) & (length > step)
        source.append(member[chosen])
        target.append(member[(begins + (spot + step) % np.maximum(length, 1))[chosen]])
    giver, debtor = np.concatenate(source), np.concatenate(target)
    same = register.region6[giver] == register.region6[debtor]
    giver, debtor = giver[same], debtor[same]
    amount = np.clip(
        np.round(register.monthly_sales[debtor] * rng.uniform(2, 6, len(giver)), -4), 100_000, 20_000_000
    )
    return _edges(giver, debtor, amount, _since(ask, len(giver), rng))


def _holdings(ask: Ask, register: Register) -> Edges:
    """An enterprise is held by another of the same controller where he has one, else in part by a larger one."""
    rng = stream(ask.seed, "holdings")
    n = ask.enterprises
    order = np.lexsort((-register.monthly_sales, register.controller))
    first = np.full(int(register.controller.max()) + 1, -1)
    first[register.controller[order][::-1]] = order[::-1]
    head = first[register.controller]
    held = np.flatnonzero((head != np.arange(n)) & (rng.random(n) < 0.25))
    stake = np.where(rng.random(len(held)) < 0.5, 1.0, np.round(rng.uniform(0.51, 0.95, len(held)), 2))
    other = np.flatnonzero((head == np.arange(n)) & (rng.random(n) < a.HOLDINGS.value / 4))
    by_sales = np.argsort(register.monthly_sales, kind="stable")
    rank = np.empty(n, np.int64)
    rank[by_sales] = np.arange(n)
    above = by_sales[
        rank[other]
        + np.minimum((rng.random(len(other)) * (n - rank[other])).astype(np.int64), n - 1 - rank[other])
    ]
    keep = above != other
    part = np.round(rng.uniform(0.05, 0.45, len(other)), 2)
    since = np.maximum(register.established[np.concatenate([held, other[keep]])], np.datetime64("2000-01-01"))
    return _edges(
        np.concatenate([head[held], above[keep]]),
        np.concatenate([held, other[keep]]),
        np.concatenate([stake, part[keep]]),
        since,
    )


def _edges(
    source: NDArray[np.int64], target: NDArray[np.int64], weight: NDArray[np.float64], since: Days
) -> Edges:
    return Edges(source.astype(np.int32), target.astype(np.int32), weight.astype(np.float64), since)
