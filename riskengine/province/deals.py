"""Which applications and guarantees belong to a chunk of enterprises, and how do their rows become a table?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskengine.province import names
from riskengine.province.register import stream
from riskengine.province.state import TRUTH, Days, Province, Texts, as_days

Array = NDArray[Any]
SHARES = {  # bank, direct, province, Fund: domain page 4.1 and 2.5
    ("STD", "不分档"): (0.2, 0.4, 0.2, 0.2),
    ("TECH", "一类"): (0.2, 0.2, 0.2, 0.4),
    ("TECH", "二类"): (0.2, 0.25, 0.2, 0.35),
    ("TECH", "三类"): (0.2, 0.3, 0.2, 0.3),
    ("BATCH", "不分档"): (0.2, 0.3, 0.2, 0.3),
    ("PRIV", "不分档"): (0.2, 0.2, 0.2, 0.4),
    ("AGRI", "不分档"): (0.2, 0.4, 0.2, 0.2),
}
SECURED = 0.75  # guarantees with a counter-guarantee on record [D]
_MENDS = 400  # days until one who fails without a guarantee of ours pays again [D]
_SETTLES = 730  # days until a loan that was paid for, or is in dispute, is off the lenders' books [D]
_SLIP = 0.04  # guarantees that are overdue for a few days without any distress, at mean health [D]


def texts(prefix: str, numbers: Array, width: int) -> Texts:
    """Numbers as texts of one width behind a prefix."""
    return np.array([f"{prefix}{number:0{width}d}" for number in numbers.tolist()], object)


def table(columns: dict[str, Any], arrives: Array, who: Array, keep: Array | None = None) -> pa.Table:
    """Rows for `writing.Posting.post`: NaT, not-a-number and None become null; a text alone stands in every row.

    `keep` [rows] drops rows; rows whose `arrives` is NaT never happened and are dropped too.
    """
    there = ~np.isnat(arrives) if keep is None else keep & ~np.isnat(arrives)
    made = {}
    for name, values in {**columns, "arrives": arrives, TRUTH: who.astype(np.int32)}.items():
        if isinstance(values, str | float | int | bool):
            made[name] = pa.repeat(values, int(there.sum()))
        elif values.dtype.kind == "M":
            made[name] = pa.array(values[there].astype("datetime64[D]"), pa.date32(), from_pandas=True)
        else:
            made[name] = pa.array(values[there], from_pandas=True)
    return pa.table(made)


def either(mask: Array, one: Any, other: Any) -> Texts:
    """Texts by a mask."""
    return np.where(mask, np.asarray(one, object), np.asarray(other, object))


@dataclass(frozen=True)
class Deals:
    """The applications of a chunk of enterprises, or some of them; arrays have one value for each of `at` in the book."""

    province: Province
    at: NDArray[np.int64]

    @classmethod
    def of(cls, province: Province, rows: slice) -> Deals:
        """All applications of the chunk."""
        who = province.book.enterprise
        return cls(province, np.flatnonzero((who >= rows.start) & (who < rows.stop)))

    def some(self, mask: Array) -> Deals:
        """The deals marked."""
        return Deals(self.province, self.at[mask])

    def get(self, name: str) -> Any:
        """A field of the book."""
        return getattr(self.province.book, name)[self.at]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.at)

    @cached_property
    def who(self) -> NDArray[np.int64]:
        """Enterprise numbers."""
        return np.asarray(self.get("enterprise"), np.int64)

    @cached_property
    def app_id(self) -> Texts:
        """Application numbers."""
        return texts("SQ", self.at, 8)

    @cached_property
    def guar_id(self) -> Texts:
        """Guarantee numbers."""
        return texts("DB", self.at, 8)

    def of_register(self, name: str) -> Any:
        """A field of the register for each deal's enterprise."""
        return getattr(self.province.register, name)[self.who]

    @cached_property
    def tier(self) -> Texts:
        """Technology tier: by number, one in five first class, two in five second."""
        kind = self.who % 5
        tiers = names.table(("一类", "二类", "二类", "三类", "三类"))[kind]
        return either(self.get("product") == "TECH", tiers, "不分档")

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Bank, direct, province, Fund: [k, 4]."""
        pairs = zip(self.get("product").tolist(), self.tier.tolist(), strict=True)
        return np.array([SHARES[pair] for pair in pairs]).reshape(-1, 4)

    @cached_property
    def grace(self) -> NDArray[np.int64]:
        """Days of grace."""
        return np.where(self.get("product") == "BATCH", 60, 90)

    def common(self) -> dict[str, Any]:
        """The columns that every guarantee-side table carries."""
        return {
            "guar_id": self.guar_id,
            "app_id": self.app_id,
            "uscc": self.of_register("uscc"),
            "bank": self.province.banks[self.get("bank")],
            "product": self.get("product"),
            "institution": self.province.institutions[self.get("institution")],
            "industry_code": self.of_register("industry"),
            "region6": self.of_register("region6"),
        }

    def month(self, days: Days) -> NDArray[np.int64]:
        """Number of the month a day is in, within the months told."""
        first = np.datetime64(self.province.course.months[0], "M")
        count = (days.astype("datetime64[M]") - first).astype(np.int64)
        return np.clip(count, 0, len(self.province.course.months) - 1)

    def health(self, days: Days) -> NDArray[np.float64]:
        """True health in the month of each day; publishers show it only through what it causes."""
        return np.asarray(self.province.course.health[self.who, self.month(days)], np.float64)

    @cached_property
    def failing(self) -> Days:
        """First day of the month in which payments began to fail; NaT: not."""
        began = self.province.course.distress[self.who].astype(np.int64)
        first = np.datetime64(self.province.course.months[0], "M")
        days = (first + np.maximum(began, 0)).astype("datetime64[D]")
        return np.where(began >= 0, days, np.datetime64("NaT"))

    @cached_property
    def earlier(self) -> NDArray[np.int64]:
        """Number in the book of the last guarantee the same enterprise was given before, -1: none."""
        book = self.province.book
        given = np.flatnonzero(book.approved)
        given = given[np.lexsort((given, book.enterprise[given]))]
        width = len(book.enterprise) + 1
        keys = book.enterprise[given].astype(np.int64) * width + given
        place = np.searchsorted(keys, self.who * width + self.at) - 1
        found = given[np.maximum(place, 0)]
        return np.where((place >= 0) & (book.enterprise[found] == self.who), found, -1)

    @cached_property
    def mended(self) -> Days:
        """The day from which each deal's enterprise pays again; NaT: it never failed."""
        return mended(self.province)[self.who]

    def late(self, day: Any) -> NDArray[np.int64]:
        """Days for which each guaranteed loan is overdue on a day; 0: it is not, not yet or no longer."""
        began = self.get("overdue")
        open_ = (began <= day) & ~(self.get("cured") <= day)
        return np.where(open_, (day - began).astype("timedelta64[D]").astype(np.int64), 0)

    @cached_property
    def set_off(self) -> tuple[Days, NDArray[np.float64]]:
        """When a bank takes what it holds of an overdue borrower (NaT: it does not), and the principal then left."""
        rng, claim = stream(self.province.ask.seed, "set off"), self.get("claim")
        other = rng.uniform(0.75, 1.0, len(self.province.book.enterprise))[self.at]
        left = np.where(claim > 0, claim / 0.8, np.round(self.get("amount") * other, 2))
        day = self.get("overdue") + self.grace // 4
        there = (day < np.datetime64(self.province.ask.end)) & ~(self.get("cured") <= day)
        return np.where(there, day, np.datetime64("NaT")), np.where(
            there, np.round(left, 2), self.get("amount")
        )

    def owed(self, day: Any) -> NDArray[np.float64]:
        """Principal of the loan on a day, yuan."""
        taken, left = self.set_off
        return np.where(taken <= day, left, self.get("amount"))

    @cached_property
    def security(self) -> Texts:
        """What secures the guarantee: 保证, 抵押, 质押, or 信用 where nothing is on record."""
        count = len(self.province.book.enterprise)
        has, kind = (stream(self.province.ask.seed, "security").random((2, count)))[:, self.at]
        thing = either(kind > 0.93, "质押", either(kind > 0.82, "抵押", "保证"))
        return either(has < SECURED, thing, "信用")

    @cached_property
    def slip(self) -> tuple[Days, NDArray[np.int64]]:
        """A short delay of an instalment that means little: its first day (NaT: none) and its length in days."""
        rng = stream(self.province.ask.seed, "slip")
        k = len(self.province.book.enterprise)
        u, when, long = rng.random(k)[self.at], rng.random(k)[self.at], rng.integers(1, 26, k)[self.at]
        start, end = self.get("start"), self.get("end")
        day = start + 30 + (when * np.maximum((end - start).astype(float) - 60, 1)).astype(np.int64)
        told = np.where(np.isnat(day), np.datetime64(self.province.ask.start), day)
        sick = np.exp(-0.5 * np.clip(self.health(told), -3, 3))
        some = self.get("approved") & (u < _SLIP * sick) & np.isnat(self.get("overdue"))
        some &= np.isnat(self.get("released")) | (day + long < self.get("released"))
        return np.where(some, day, np.datetime64("NaT")), long

    def delay(self, rng: np.random.Generator, usual: int, late: int) -> NDArray[np.int64]:
        """Days until a paper is booked: mostly up to `usual`, one in ten up to `late`."""
        slow = rng.random(self.count) < 0.1
        return np.where(
            slow, rng.integers(usual, late + 1, self.count), rng.integers(0, usual + 1, self.count)
        )


def mended(province: Province) -> Days:
    """[n]: the day from which an enterprise pays again; NaT: it never failed, or not within the period.

    With the cure of its guaranteed loan; two years after that was paid for or disputed; else 400 days after it began to fail.
    """
    book, began = province.book, province.course.distress.astype(np.int64)
    first = np.datetime64(province.course.months[0], "M")
    never = np.datetime64("NaT", "D")
    days = np.where(began >= 0, (first + np.maximum(began, 0)).astype("datetime64[D]") + _MENDS, never)
    late = np.flatnonzero(~np.isnat(book.overdue))
    ends = np.where(np.isnat(book.cured[late]), book.overdue[late] + _SETTLES, book.cured[late])
    latest = np.full(len(days), np.iinfo(np.int64).min)
    np.maximum.at(latest, book.enterprise[late], ends.astype(np.int64))
    return as_days(np.where(latest > np.iinfo(np.int64).min, latest.astype("datetime64[D]"), days))
