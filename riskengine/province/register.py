"""Which enterprises does the synthetic province have, with valid codes that nobody's are, and who controls them?"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from riskengine.province import assumptions as a
from riskengine.province import names
from riskengine.province.names import CITIES, TRADES
from riskengine.province.state import Ask, Days, Ints, Persons, Register, Texts

_CHARSET = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))
_ORGANISATION = np.array([int(mark, 36) for mark in _CHARSET])  # A = 10 ... Z = 35
_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_NOBODYS_DIVISION = "379901"  # not in GB/T 2260: no living person's number begins so
_X, _M, _A = 29, 21, 10  # places in the charset
_SALES = (120_000.0, 900_000.0, 9_000_000.0)  # a month, median by size [D]
_STAFF = (4.0, 22.0, 160.0)


def stream(seed: int, *part: object) -> np.random.Generator:
    """The random numbers of one part of the province; parts do not move each other."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in part)])


def settle(ask: Ask) -> tuple[Register, Persons]:
    """The register and its persons; nobody has closed yet (`course.live` says who does)."""
    rng = stream(ask.seed, "register")
    n = ask.enterprises
    city, region6 = _places(n, rng)
    farming = rng.random(n) < a.AGRICULTURAL.value
    trade = _trades(farming, rng)
    size = np.searchsorted([a.MICRO.value, a.SMALL_OR_FARMING.value], rng.random(n)).astype(np.int32)
    size = np.where(farming, np.minimum(size, 1), size).astype(np.int32)
    technology = _technology(trade, size, rng)
    established = _established(ask, n, rng)
    sales = np.array(_SALES)[size] * np.exp(0.8 * rng.standard_normal(n))
    staff = np.maximum(1, np.array(_STAFF)[size] * np.exp(0.5 * rng.standard_normal(n)))
    kind = np.where(farming & (rng.random(n) < 0.35), 3, np.where((size == 0) & (rng.random(n) < 0.35), 2, 1))
    young = established >= np.datetime64("2015-10-01")
    registered, former, renamed = _named(city, trade, kind, established, ask)
    register = Register(
        uscc=credit_codes(kind, region6, young, ask.seed),
        name=registered,
        former_name=former,
        renamed=renamed,
        registration_no=np.where(young, "", _registration_numbers(region6, ask.seed)).astype(object),
        region6=region6,
        industry=names.table(tuple(row.code for row in TRADES))[trade],
        established=established,
        closed=np.full(n, "NaT", "datetime64[D]"),
        size=size,
        agricultural=farming,
        technology=technology,
        capital=np.maximum(30_000, np.round(sales * rng.uniform(1, 12, n), -4)),
        controller=np.zeros(n, np.int32),
        monthly_sales=np.round(sales, 2),
        staff=np.round(staff).astype(np.int32),
        prudence=rng.beta(5, 2, n).astype(np.float32),
    )
    return _controlled(register, city, ask)


def credit_codes(kind: NDArray[np.int64], region6: Texts, young: NDArray[np.bool_], seed: int) -> Texts:
    """Unified social credit codes with both check marks (GB 32100-2015, GB 11714), no two alike.

    `kind` is the second character (1 enterprise, 2 household, 3 cooperative); organisation codes given since October 2015
    begin with MA, older ones are digits.
    """
    n = len(kind)
    marks = np.zeros((n, 18), np.int64)
    marks[:, 0], marks[:, 1] = 9, kind
    marks[:, 2:8] = np.array([list(code) for code in region6], "U1").astype(np.int64)
    number = np.arange(n, dtype=np.int64)
    old = (number * 61_803_397 + 10_007 * (seed % 9973)) % 10**8
    new = (number * 548_656_211 + 7_919 * (seed % 9973)) % 31**6
    for place in range(8):
        digit = old // 10 ** (7 - place) % 10
        modern = {0: _M, 1: _A}.get(place)
        letter = np.full(n, modern) if modern is not None else new // 31 ** (7 - place) % 31
        marks[:, 8 + place] = np.where(young, letter, digit)
    check = 11 - _ORGANISATION[marks[:, 8:16]] @ _ORGANISATION_WEIGHTS % 11
    marks[:, 16] = np.where(check == 10, _X, np.where(check == 11, 0, check))
    marks[:, 17] = -(marks[:, :17] @ _WEIGHTS) % 31
    return _texts(_CHARSET[marks])


def _texts(marks: NDArray[np.str_]) -> Texts:
    """Rows of single characters as texts."""
    return np.ascontiguousarray(marks).view(f"U{marks.shape[1]}").ravel().astype(object)


def _registration_numbers(region6: Texts, seed: int) -> Texts:
    """15 digits: division, eight digits, check digit (GS 15-2006, ISO 7064 mod 11,10)."""
    n = len(region6)
    digits = np.zeros((n, 15), np.int64)
    digits[:, :6] = np.array([list(code) for code in region6], "U1").astype(np.int64)
    number = (np.arange(n, dtype=np.int64) * 48_271_331 + 31 * (seed % 9973)) % 10**8
    for place in range(8):
        digits[:, 6 + place] = number // 10 ** (7 - place) % 10
    rest = np.full(n, 10)
    for place in range(14):
        total = (rest + digits[:, place]) % 10
        rest = np.where(total == 0, 10, total) * 2 % 11
    digits[:, 14] = (11 - rest) % 10
    return _texts(digits.astype("U1"))


def _places(n: int, rng: np.random.Generator) -> tuple[Ints, Texts]:
    weights = np.array([row[2] for row in CITIES])
    city = rng.choice(len(CITIES), n, p=weights / weights.sum()).astype(np.int32)
    region6 = np.empty(n, object)
    for place, (code, _, _, ends) in enumerate(CITIES):
        here = np.flatnonzero(city == place)
        counties = names.table(tuple(code + end for end in ends.split()))
        shares = 1.0 / (np.arange(len(counties)) + 2)
        region6[here] = rng.choice(counties, len(here), p=shares / shares.sum())
    return city, region6


def _trades(farming: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    trade = np.zeros(len(farming), np.int32)
    for group in (False, True):
        here = np.flatnonzero(farming == group)
        weights = np.array([row.weight if row.farming == group else 0.0 for row in TRADES])
        trade[here] = rng.choice(len(TRADES), len(here), p=weights / weights.sum())
    return trade


def _technology(trade: Ints, size: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Technology qualifications go to makers and software houses, the larger the likelier."""
    apt = np.array(
        [row.code[:2] in ("26", "27", "34", "35", "36", "38", "39", "65", "73", "77") for row in TRADES]
    )
    odds = np.where(apt[trade], 1.0, 0.03) * np.array([0.5, 2.0, 5.0])[size]
    holds: NDArray[np.bool_] = rng.random(len(trade)) < np.minimum(1, odds * a.TECHNOLOGY.value / odds.mean())
    return holds


def _established(ask: Ask, n: int, rng: np.random.Generator) -> Days:
    age = np.minimum(rng.exponential(6.5 * 365, n), 30 * 365).astype(np.int64)
    days = np.datetime64(ask.start) - 30 - age
    span = (ask.end - ask.start).days
    late = np.flatnonzero(rng.random(n) < 0.04 * span / 365)  # founded while we watch
    days[late] = np.datetime64(ask.start) + rng.integers(0, max(1, span - 60), len(late))
    return days.astype("datetime64[D]")


def _named(
    city: Ints, trade: Ints, kind: NDArray[np.int64], established: Days, ask: Ask
) -> tuple[Texts, Texts, Days]:
    """Names, former names and days of renaming; a few siblings share everything but one character of the word."""
    rng = stream(ask.seed, "names")
    n = len(city)
    forms = np.where(rng.random(n) < 0.12, "有限责任公司", "有限公司").astype(object)
    forms[kind == 2] = rng.choice(np.array(["经营部", "商行", "店"], object), int((kind == 2).sum()))
    forms[kind == 3] = "专业合作社"
    found = names.enterprises(city, trade, forms, rng)
    sibling = np.flatnonzero((rng.random(n) < a.SIBLING.value) & (np.arange(n) > 0))
    model = rng.integers(0, np.maximum(sibling, 1))
    for own, other in zip(sibling.tolist(), model.tolist(), strict=True):
        found[own] = str(found[other])[:3] + "新" + str(found[other])[3:]
    former, renamed = np.full(n, "", object), np.full(n, "NaT", "datetime64[D]")
    years = 10 * 365
    when = np.datetime64(ask.end) - rng.integers(0, years, n)
    once = np.flatnonzero((rng.random(n) < a.RENAMED.value) & (when > established + 180))
    former[once] = names.enterprises(city[once], trade[once], forms[once], rng)
    renamed[once] = when[once]
    return found, former, renamed


def _controlled(register: Register, city: Ints, ask: Ask) -> tuple[Register, Persons]:
    """Most enterprises have a controller of their own; the others share that of one in the same city."""
    from dataclasses import replace

    rng = stream(ask.seed, "persons")
    n = ask.enterprises
    own = rng.random(n) < a.OWN_CONTROLLER.value
    own[:1] = True
    for place in range(len(CITIES)):
        here = np.flatnonzero(city == place)
        own[here[:1]] = True
    person = np.cumsum(own).astype(np.int32) - 1
    for place in range(len(CITIES)):
        owners = np.flatnonzero((city == place) & own)
        others = np.flatnonzero((city == place) & ~own)
        if len(others):
            pick = np.minimum(
                (rng.random(len(others)) ** 1.5 * len(owners)).astype(np.int64), len(owners) - 1
            )
            person[others] = person[owners[pick]]
    count = int(own.sum())
    return replace(register, controller=person), Persons(
        names.people(count, rng), _resident_numbers(count, rng)
    )


def _resident_numbers(count: int, rng: np.random.Generator) -> Texts:
    """GB 11643 numbers of nobody: a division that does not exist, a birth day, a sequence, the check character."""
    born = np.datetime64("1955-01-01") + rng.integers(0, 48 * 365, count)
    digits = np.zeros((count, 17), np.int64)
    digits[:, :6] = [int(mark) for mark in _NOBODYS_DIVISION]
    stamp = np.array([day.replace("-", "") for day in born.astype("U10").tolist()])
    digits[:, 6:14] = np.array([list(day) for day in stamp], "U1").reshape(count, 8).astype(np.int64)
    digits[:, 14:] = (
        np.array([list(f"{number:03d}") for number in rng.integers(1, 999, count)], "U1")
        .reshape(count, 3)
        .astype(np.int64)
    )
    check = np.array(list("10X98765432"))[digits @ _RESIDENT_WEIGHTS % 11]
    return _texts(np.column_stack([digits.astype("U1"), check]))
