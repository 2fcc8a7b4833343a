"""How do the enterprises fare, month by month, and for which reasons do payments begin to fail?

health = quality (never changes) + an AR(1) moved by province, industry, region, controller and chance
         - what failing customers and failing debtors under guarantee have cost - what its own failing costs.
Payments begin to fail at a rate that rises steeply as health smoothed over three months falls, plus a constant rate out of the
blue. Every draw is made whether it is needed or not, so that an intervention changes only what it causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from riskengine.clock import add_months, month_end
from riskengine.province import assumptions as a
from riskengine.province.register import stream
from riskengine.province.state import Ask, Course, Days, Edges, Floats, Ints, Network, Register

# First day of the lunar year (GB/T 33661-2017): 2023 to 2027 as a public calendar lists them [B], the others from memory [K].
SPRING_FESTIVAL = (
    date(2016, 2, 8), date(2017, 1, 28), date(2018, 2, 16), date(2019, 2, 5), date(2020, 1, 25), date(2021, 2, 12),
    date(2022, 2, 1), date(2023, 1, 22), date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6),
    date(2028, 1, 26), date(2029, 2, 13), date(2030, 2, 3), date(2031, 1, 23), date(2032, 2, 11),
)  # fmt: skip
BURN_IN = 12  # months lived before the first one is told
_REST = (7, 9)  # days before and after the festival on which little is sold
_YEAR = (1.0, 0.97, 1.03, 1.0, 1.0, 1.03, 0.97, 0.97, 1.03, 1.0, 1.03, 1.1)  # by calendar month [D]
_HARVEST = (0.7, 0.6, 0.8, 0.9, 1.1, 1.2, 0.9, 0.9, 1.3, 1.6, 1.2, 0.8)
_DISTURBED = 0.22  # log-normal noise of a month's sales [D]


def months_of(start: date, end: date) -> tuple[date, ...]:
    """First days of the months from `start` to `end`, both included.

    >>> len(months_of(date(2023, 7, 1), date(2026, 6, 30)))
    36
    """
    found = [start.replace(day=1)]
    while add_months(found[-1], 1) <= end:
        found.append(add_months(found[-1], 1))
    return tuple(found)


def festival_loss(month: date) -> float:
    """Which share of the month's days falls into the Spring Festival's quiet days.

    >>> round(festival_loss(date(2024, 2, 1)), 2), festival_loss(date(2024, 7, 1))
    (0.55, 0.0)
    """
    first, last = month.toordinal(), month_end(month).toordinal()
    lost = 0
    for feast in SPRING_FESTIVAL:
        begin, end = feast.toordinal() - _REST[0], feast.toordinal() + _REST[1] - 1
        lost += max(0, min(end, last) - max(begin, first) + 1)
    return lost / (last - first + 1)


@dataclass
class _Living:
    """What is carried from month to month."""

    moved: Floats  # AR(1) part
    smooth: Floats  # health over three months
    slow: Floats  # health over a year, for staff
    failing: Floats  # how much of a failure others still feel
    distress: NDArray[np.int16]
    closed: NDArray[np.int16]  # month, -1: never


def live(ask: Ask, register: Register, network: Network, forced: Ints | None = None) -> tuple[Course, Days]:
    """The course of things and when each enterprise closed (NaT: not).

    `forced` [n] makes payments of an enterprise begin to fail in that month at the latest (-1: as it comes): an intervention to
    show what a failure causes.
    """
    rng = stream(ask.seed, "course")
    n, months = ask.enterprises, months_of(ask.start, ask.end)
    m = len(months)
    quality = (np.sqrt(a.QUALITY.value) * rng.standard_normal(n)).astype(np.float32)
    now = _Living(
        moved=rng.standard_normal(n).astype(np.float32),
        smooth=np.zeros(n, np.float32),
        slow=np.zeros(n, np.float32),
        failing=np.zeros(n, np.float32),
        distress=np.full(n, -1, np.int16),
        closed=np.full(n, -1, np.int16),
    )
    now.smooth = now.slow = quality + np.float32(np.sqrt(1 - a.QUALITY.value)) * now.moved
    health, sales = np.zeros((n, m), np.float32), np.zeros((n, m), np.float32)
    staff = np.zeros((n, m), np.int32)
    shocks = _Shocks(ask.seed, register)
    hits = _hits(network, register)
    for t in range(-BURN_IN, m):
        seen = _step(now, quality, shocks.draw(rng), hits)
        if t >= 0:
            _fail(now, t, register.established < np.datetime64(months[t]), rng, forced)
            health[:, t] = seen
            alive = _alive(now, t, register, months[t])
            season = _season(register, months[t])
            noise = np.exp(_DISTURBED * rng.standard_normal(n) - _DISTURBED**2 / 2)
            level = np.exp(0.30 * np.clip(now.smooth, -4, 3))
            sales[:, t] = np.where(alive, np.round(register.monthly_sales * level * season * noise, 2), 0)
            heads = register.staff * np.exp(0.18 * np.clip(now.slow, -4, 3))
            staff[:, t] = np.where(alive, np.maximum(1, np.round(heads)), 0)
    return Course(months, health, sales, staff, now.distress), _closing_days(now.closed, months, ask.seed)


class _Shocks:
    """The shocks of a month, standard normal across enterprises, with causes that several of them share."""

    def __init__(self, seed: int, register: Register) -> None:
        trades, self.trade = np.unique([code[:2] for code in register.industry], return_inverse=True)
        places, self.place = np.unique([code[:4] for code in register.region6], return_inverse=True)
        self.counts = len(trades), len(places), int(register.controller.max()) + 1
        self.controller = register.controller
        self.cycle = stream(seed, "cycle").standard_normal(1)[0]
        self.cycles = np.zeros(len(trades))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Shocks [n]; the province's and the industries' are themselves persistent: good and bad years."""
        self.cycle = 0.7 * self.cycle + np.sqrt(1 - 0.7**2) * rng.standard_normal()
        self.cycles = 0.8 * self.cycles + 0.6 * rng.standard_normal(self.counts[0])
        industry = (self.cycles[self.trade] + self.cycle) / np.sqrt(2)
        region = rng.standard_normal(self.counts[1])[self.place]
        controller = rng.standard_normal(self.counts[2])[self.controller]
        own = rng.standard_normal(len(self.trade))
        rest = 1 - a.INDUSTRY.value - a.REGION.value - a.CONTROLLER.value
        made = np.sqrt(a.INDUSTRY.value) * industry + np.sqrt(a.REGION.value) * region
        made += np.sqrt(a.CONTROLLER.value) * controller + np.sqrt(rest) * own
        return np.asarray(made, np.float32)


def _hits(network: Network, register: Register) -> tuple[tuple[Edges, NDArray[np.float64]], ...]:
    """For each kind of edge what the failure at its target costs its source, in standard deviations."""
    sales = network.sales
    half_year = np.maximum(6 * register.monthly_sales[network.guarantees.source], 1.0)
    burden = a.PARTNER_HIT.value * np.minimum(1.5, network.guarantees.weight / half_year)
    return (sales, a.CUSTOMER_HIT.value * sales.weight), (network.guarantees, burden)


def _step(
    now: _Living, quality: Floats, shock: Floats, hits: tuple[tuple[Edges, NDArray[np.float64]], ...]
) -> Floats:
    """One month on: health [n] after last month's failures have reached sellers and guarantors."""
    n, memory = len(quality), a.MEMORY.value
    now.moved = (memory * now.moved + np.sqrt(1 - memory**2) * shock).astype(np.float32)
    cost = np.zeros(n)
    for edges, burden in hits:
        cost += np.bincount(edges.source, burden * now.failing[edges.target], n)
    cost = np.minimum(cost, 2.5) + a.AFTERMATH.value * now.failing
    seen = quality + np.float32(np.sqrt(1 - a.QUALITY.value)) * now.moved - cost.astype(np.float32)
    now.failing = (now.failing * a.CONTAGION_DECAY.value).astype(np.float32)
    now.smooth = (now.smooth + (seen - now.smooth) / 2).astype(np.float32)
    now.slow = (now.slow + (seen - now.slow) / 8).astype(np.float32)
    return np.asarray(seen, np.float32)


def _fail(
    now: _Living, t: int, founded: NDArray[np.bool_], rng: np.random.Generator, forced: Ints | None
) -> None:
    """Who begins to fail, and who closes, in month `t`."""
    n = len(now.moved)
    chance = a.OUT_OF_THE_BLUE.value + 1 / (1 + np.exp(a.STEEPNESS.value * now.smooth - a.HAZARD.value))
    able = (now.distress < 0) & (now.closed < 0) & founded
    begins = able & (rng.random(n) < chance)
    if forced is not None:
        begins |= able & (forced >= 0) & (forced <= t)
    now.distress[begins] = t
    now.failing[begins] = 1.0
    lasting = (now.distress >= 0) & (now.distress < t - 2)
    risk = np.where(
        lasting, a.CLOSING_DISTRESSED.value, a.CLOSING.value * np.exp(-0.6 * np.clip(now.smooth, -3, 3))
    )
    now.closed[(now.closed < 0) & founded & (rng.random(n) < risk)] = t


def _alive(now: _Living, t: int, register: Register, month: date) -> NDArray[np.bool_]:
    gone = (now.closed >= 0) & (now.closed < t)
    return ~gone & (register.established < np.datetime64(add_months(month, 1)))


def _season(register: Register, month: date) -> NDArray[np.float64]:
    quiet = 1 - 0.8 * festival_loss(month)
    return np.where(register.agricultural, _HARVEST[month.month - 1], _YEAR[month.month - 1] * quiet)


def _closing_days(closed: NDArray[np.int16], months: tuple[date, ...], seed: int) -> Days:
    rng = stream(seed, "closing")
    days = np.full(len(closed), "NaT", "datetime64[D]")
    offset = rng.integers(0, 28, len(closed))
    gone = np.flatnonzero(closed >= 0)
    days[gone] = np.array(months, "datetime64[D]")[closed[gone]] + offset[gone]
    return days
