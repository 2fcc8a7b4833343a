"""Who applies for a guarantee, who gets one, and how does each end?

Month by month from a year before the first one: guarantees that end may be applied for again, new clients come so that the
share in force holds; banks bring the larger ones, institutions decline the visibly weak. Fates follow from `course`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskengine.province import assumptions as a
from riskengine.province import names
from riskengine.province.network import cities
from riskengine.province.register import stream
from riskengine.province.state import Ask, Book, Course, Days, Register, as_days

PRODUCTS = ("STD", "TECH", "BATCH", "PRIV", "AGRI")
_MEAN = (a.STD_MEAN.value, a.TECH_MEAN.value, a.BATCH_MEAN.value, a.PRIV_MEAN.value, a.AGRI_MEAN.value)
_CAP = (10_000_000, 30_000_000, 10_000_000, 20_000_000, 3_000_000)
_FEE = (0.0065, 0.0056, 0.0058, 0.0048, 0.0053)
_RATE = (0.0451, 0.0396, 0.0446, 0.0426, 0.0471)
_TENORS = ((6, 12, 24), (12, 24, 36), (6, 12, 12), (13, 24, 36), (12, 24, 36))
_TENOR_ODDS = ((0.06, 0.90, 0.04), (0.86, 0.09, 0.05), (0.05, 0.5, 0.45), (0.5, 0.3, 0.2), (0.86, 0.08, 0.06))
_TECH_FROM = np.datetime64("2024-07-24")  # 财金〔2024〕60号: from 10 to 30 million
_PRIV_FROM = np.datetime64("2026-01-20")  # 财金〔2026〕6号
_BEFORE = 12  # months of applications before the first month


@dataclass
class _Round:
    """One month's applications; arrays [k]."""

    who: NDArray[np.int64]
    applied: Days
    product: NDArray[np.int64]
    tenor: NDArray[np.int64]
    amount: NDArray[np.float64]
    approved: NDArray[np.bool_]
    start: Days
    end: Days


@dataclass
class _Desk:
    """What an institution sees while months go by."""

    ask: Ask
    register: Register
    course: Course
    rng: np.random.Generator
    until: Days  # [n] end of the guarantee in force
    rounds: list[_Round] = field(default_factory=list)

    def seen(self, t: int) -> NDArray[np.float64]:
        """Health as files and visits show it: last month's, noisily."""
        past = self.course.health[:, max(t - 1, 0)].astype(np.float64)
        return 0.8 * past + 0.6 * self.rng.standard_normal(len(past))


def underwrite(ask: Ask, register: Register, course: Course) -> Book:
    """All applications, in order of their day, and how the guarantees given ended by the last day."""
    rng = stream(ask.seed, "book")
    first = np.datetime64(course.months[0])
    desk = _Desk(ask, register, course, rng, np.full(ask.enterprises, "1900-01-01", "datetime64[D]"))
    months = first.astype("datetime64[M]") + np.arange(-_BEFORE, len(course.months))
    opening = round(ask.enterprises * a.IN_FORCE.value / _BEFORE)
    for month in months:
        t = int((month - first.astype("datetime64[M]")).astype(int))
        _one_month(desk, t, month.astype("datetime64[D]"), opening)
    return _fates(desk)


def _one_month(desk: _Desk, t: int, month: np.datetime64, opening: int) -> None:
    register, rng = desk.register, desk.rng
    following = (month.astype("datetime64[M]") + 1).astype("datetime64[D]")
    alive = (register.established < month - 180) & (np.isnat(register.closed) | (register.closed > following))
    ends = alive & (desk.until >= month) & (desk.until < following)
    seen = desk.seen(t)
    failed = (desk.course.distress >= 0) & (desk.course.distress < t)
    again = ends & ~failed & (rng.random(len(alive)) < a.RENEWAL.value)
    idle = alive & (desk.until < month)
    in_force = int((alive & (desk.until >= following)).sum())
    wanted = round(1.1 * alive.sum() * a.IN_FORCE.value)
    missing = wanted - in_force - round(0.9 * int(again.sum())) if t >= 0 else opening
    coming = round(max(missing, 0) / (1 - 1.6 * a.DECLINED.value))
    appeal = np.where(
        idle, np.exp(0.35 * np.log(register.monthly_sales / 1e5) + 0.25 * np.clip(seen, -3, 3)), 0.0
    )
    appeal = appeal * np.where(failed, 0.3, 1.0)
    keys = np.where(appeal > 0, rng.exponential(1.0, len(alive)) / np.maximum(appeal, 1e-9), np.inf)
    coming = min(coming, int((appeal > 0).sum()))
    new = np.argpartition(keys, coming)[:coming] if coming else np.empty(0, np.int64)
    who = np.concatenate([np.flatnonzero(again), np.sort(new)]).astype(np.int64)
    if len(who):
        _decide(desk, who, seen, failed, month)


def _decide(
    desk: _Desk,
    who: NDArray[np.int64],
    seen: NDArray[np.float64],
    failed: NDArray[np.bool_],
    month: np.datetime64,
) -> None:
    rng, k = desk.rng, len(who)
    renewing = desk.until[who] >= month
    days = rng.integers(0, 27, k)
    start = np.where(renewing, desk.until[who] + rng.integers(0, 4, k), month + days)
    applied = start - rng.integers(6, 25, k)
    product = _products(desk, who, as_days(applied))
    tenor = np.zeros(k, np.int64)
    for number in range(len(PRODUCTS)):
        here = product == number
        tenor[here] = rng.choice(_TENORS[number], int(here.sum()), p=_TENOR_ODDS[number])
    amount = _amounts(desk, who, product)
    amount = np.where((applied < _TECH_FROM) & (product == 1), np.minimum(amount, 10_000_000), amount)
    odds = np.log(a.DECLINED.value / (1 - a.DECLINED.value)) + 0.25 - 0.75 * seen[who] - 1.2 * renewing
    approved = (rng.random(k) > 1 / (1 + np.exp(-odds))) & ~(failed[who] & (rng.random(k) < 0.95))
    end = (start.astype("datetime64[M]") + tenor).astype("datetime64[D]") + rng.integers(0, 28, k)
    desk.until[who[approved]] = end[approved]
    desk.rounds.append(_Round(who, as_days(applied), product, tenor, amount, approved, start, as_days(end)))


def _products(desk: _Desk, who: NDArray[np.int64], applied: Days) -> NDArray[np.int64]:
    register, rng = desk.register, desk.rng
    u = rng.random(len(who))
    big = register.monthly_sales[who] > 400_000
    product = np.where(u < np.where(big, 0.32, 0.06), 2, 0)
    product = np.where((u > 0.95) & big & (applied >= _PRIV_FROM), 3, product)
    product = np.where(register.agricultural[who] & (u < 0.85), 4, product)
    return np.where(register.technology[who] & (u < 0.80), 1, product)


def _amounts(desk: _Desk, who: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-normal about the product's mean, larger for larger sales, within the product's cap and the year's sales; 万元."""
    amount = np.zeros(len(who))
    raw = np.exp(0.45 * desk.rng.standard_normal(len(who))) * desk.register.monthly_sales[who] ** 0.4
    for number, mean in enumerate(_MEAN):
        here = product == number
        typical = _TYPICAL[number] ** 0.4 * np.exp(0.45**2 / 2)
        amount[here] = np.minimum(mean * raw[here] / typical, _CAP[number])
    return np.maximum(np.round(amount, -4), 50_000)


_TYPICAL = (
    415_000.0,
    1_180_000.0,
    1_000_000.0,
    1_250_000.0,
    440_000.0,
)  # monthly sales at the mean amount; fitted


def _fates(desk: _Desk) -> Book:
    rng, course = desk.rng, desk.course
    joined = _Round(
        *(np.concatenate([getattr(one, name) for one in desk.rounds]) for name in _Round.__annotations__)
    )
    order = np.argsort(joined.applied, kind="stable")
    one = _Round(*(getattr(joined, name)[order] for name in _Round.__annotations__))
    k = len(order)
    never = np.full(k, "NaT", "datetime64[D]")
    start, end = np.where(one.approved, one.start, never), np.where(one.approved, one.end, never)
    last = np.datetime64((np.datetime64(course.months[-1], "M") + 1).astype("datetime64[D]")) - 1
    began = course.distress[one.who].astype(np.int64)
    first = np.datetime64(course.months[0], "M")
    fails = (first + np.maximum(began, 0)).astype("datetime64[D]") + rng.integers(0, 28, k)
    hit = one.approved & (began >= 0) & (fails > start + 20) & (fails <= end + 3)
    overdue = np.where(hit & (fails <= last), fails, never)
    batch = one.product == PRODUCTS.index("BATCH")
    grace = np.where(batch, a.GRACE_LOW.value, a.GRACE_HIGH.value).astype(np.int64)
    paid = overdue + grace + rng.integers(20, 46, k)  # the claim is filed when the days of grace are over
    court = stream(desk.ask.seed, "dispute")
    disputed = ~np.isnat(overdue) & (court.random(k) < a.DISPUTED.value)
    judged = overdue + court.integers(400, 1000, k)
    cure = as_days(overdue + rng.integers(20, 150, k))
    closed = desk.register.closed[one.who]
    pays = ((rng.random(k) < a.FROM_OVERDUE.value) | (closed < cure)) & ~disputed & ~np.isnat(overdue)
    compensated = np.where(pays & (paid <= last), paid, never)
    cured = np.where(~pays & ~disputed & (cure <= last), cure, never)
    left = rng.uniform(0.75, 1.0, k)
    claim = np.where(np.isnat(compensated), 0.0, np.round(one.amount * left * 0.8, 2))
    early = np.where(rng.random(k) < 0.25, rng.integers(5, 90, k), rng.integers(0, 3, k))
    extended = (rng.random(k) < a.EXTENDED.value) & np.isnat(overdue)
    leaves = end - np.minimum(early, 30 * np.maximum(one.tenor - 3, 0))
    leaves = np.where(extended, end + rng.integers(60, 181, k), leaves)
    leaves = np.where(closed < leaves, np.maximum(closed - 10, start + 1), leaves)  # who closes pays first
    late = np.where(disputed, judged, np.where(pays, paid, np.maximum(cure, leaves)))
    leaves = np.where(np.isnat(overdue), leaves, late)
    released = np.where(leaves <= last, leaves, never)
    return Book(
        enterprise=one.who.astype(np.int32), applied=one.applied, approved=one.approved, start=start, end=end,
        amount=one.amount,
        rate=np.clip(np.array(_RATE)[one.product] + 0.004 * rng.standard_normal(k), 0.025, 0.08).astype(np.float32),
        fee=np.clip(np.array(_FEE)[one.product] + 0.0015 * rng.standard_normal(k), 0.0, 0.01).astype(np.float32),
        product=names.table(PRODUCTS)[one.product],
        bank=_banks(desk.register, one.who, rng), institution=_institutions(desk.register, one.who, rng),
        overdue=overdue, cured=cured, compensated=compensated, claim=claim,
        recovered=np.round(claim * np.minimum(rng.beta(1.2, 2.6, k), 0.95), 2), released=released,
    )  # fmt: skip


def _banks(register: Register, who: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int32]:
    """Each enterprise keeps a house bank, heavy tailed; one application in eight goes to another."""
    shares = 1.0 / (np.arange(117) + 4.0)
    house = rng.choice(117, len(register.uscc), p=shares / shares.sum())
    other = rng.choice(117, len(who), p=shares / shares.sum())
    return np.where(rng.random(len(who)) < 0.125, other, house[who]).astype(np.int32)


def _institutions(register: Register, who: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int32]:
    """The county's institution where there is one, more often than the city's; the provincial one now and then."""
    _, served = names.institutions()
    place = {code: number for number, code in enumerate(served)}
    county = np.array([place.get(code, -1) for code in register.region6])[who]
    city = cities(register)[who] + 1
    u = rng.random(len(who))
    local = np.where((county >= 0) & (u < 0.65), county, city)
    return np.where(u > 0.97, 0, local).astype(np.int32)
