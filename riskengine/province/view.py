"""What can a publisher see of a chunk of enterprises, and how is it written down as the rows of a table?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskengine.province import names, rates
from riskengine.province.draws import Array, Dice
from riskengine.province.rates import Delay
from riskengine.province.state import Days, Floats, Ints, Province

Bools = NDArray[np.bool_]
Column: TypeAlias = Array | pa.Array | str | np.datetime64
NEVER = np.datetime64("NaT", "D")
_MONTH_DAYS = 28


def days(values: Array) -> Days:
    """Anything numpy can read as days."""
    return np.asarray(values, dtype="datetime64[D]")


@dataclass(frozen=True)
class View:
    """A chunk of the province; arrays are [n] or [n, m], `who` are the numbers in the whole province."""

    province: Province
    rows: slice
    dice: Dice

    @cached_property
    def who(self) -> NDArray[np.int64]:
        """The enterprises' numbers, [n]."""
        return np.arange(len(self.province.register.uscc), dtype=np.int64)[self.rows]

    @cached_property
    def months(self) -> NDArray[np.int64]:
        """Numbers of the months, [m]."""
        return np.arange(len(self.province.course.months), dtype=np.int64)

    @cached_property
    def first(self) -> Days:
        """First day of each month, [m]."""
        return days(np.array(self.province.course.months))

    @cached_property
    def last(self) -> Days:
        """Last day of each month, [m]."""
        return days((self.first.astype("datetime64[M]") + 1).astype("datetime64[D]")) - 1

    @property
    def start(self) -> np.datetime64:
        """The day publishers begin to send."""
        return np.datetime64(self.first[0])

    @property
    def end(self) -> np.datetime64:
        """The last day on which anything was sent."""
        return np.datetime64(self.last[-1])

    @cached_property
    def health(self) -> Floats:
        """[n, m]."""
        return self.province.course.health[self.rows]

    @cached_property
    def sales(self) -> Floats:
        """True sales of the month, yuan, [n, m]."""
        return self.province.course.sales[self.rows]

    @cached_property
    def staff(self) -> Ints:
        """True head count, [n, m]."""
        return self.province.course.staff[self.rows]

    @cached_property
    def founded(self) -> Days:
        """[n]."""
        return days(self.province.register.established[self.rows])

    @cached_property
    def closed(self) -> Days:
        """[n]; NaT: open."""
        return days(self.province.register.closed[self.rows])

    @cached_property
    def alive(self) -> Bools:
        """Founded by the end of the month and not closed before its last day, [n, m]."""
        return (self.founded[:, None] <= self.first) & ~(self.closed[:, None] <= self.last)

    @cached_property
    def ill(self) -> NDArray[np.int64]:
        """Months since payments began to fail, -1 before that or never, [n, m]."""
        since = self.months - self.province.course.distress[self.rows].astype(np.int64)[:, None]
        begun = (self.province.course.distress[self.rows][:, None] >= 0) & (since >= 0)
        return np.where(begun, since, -1)

    @cached_property
    def typical(self) -> NDArray[np.float64]:
        """Sales of a typical month, yuan, [n]."""
        return self.province.register.monthly_sales[self.rows]

    @cached_property
    def years(self) -> dict[int, NDArray[np.int64]]:
        """Numbers of the months of each year, from the year before the first (then the first month)."""
        of = self.first.astype("datetime64[Y]").astype(np.int64) + 1970
        return {
            int(of[0]) - 1: self.months[:1],
            **{int(year): self.months[of == year] for year in np.unique(of)},
        }

    @cached_property
    def prudence(self) -> Floats:
        """[n]."""
        return self.province.register.prudence[self.rows]

    def uniform(self, purpose: str) -> NDArray[np.float64]:
        """A number in [0, 1) for each enterprise and month."""
        return self.dice.uniform(purpose, self.who[:, None], self.months[None, :])

    def trait(self, purpose: str) -> NDArray[np.float64]:
        """A number in [0, 1) for each enterprise that never changes."""
        return self.dice.uniform(purpose, self.who)

    def chance(self, hazard: rates.Hazard) -> Array:
        """How likely an event is in each month: `base` on average, more for lower health, `ill` once payments fail."""
        slope = hazard.slope
        usual = hazard.base * np.exp(np.clip(-slope * self.health, -3.0, 2.5) - slope * slope / 2.0)
        chance = np.where((self.ill >= 0) & (self.ill < 18), np.maximum(usual, hazard.ill), usual)
        return np.asarray(chance * self.alive)

    def happens(self, purpose: str, chance: Array) -> Rows:
        """The months in which the event falls, each with a day in it."""
        at, month = np.nonzero(self.uniform(purpose) < chance)
        found = Rows(self, at, month)
        return found.on(self.first[month] + (found.uniform(purpose + "/day") * _MONTH_DAYS).astype(np.int64))

    def spells(self, purpose: str, hazard: rates.Hazard, longest: int) -> NDArray[np.int64]:
        """Months the present spell has lasted, this one included; 0 outside spells; [n, m]."""
        begins = self.uniform(purpose) < self.chance(hazard)
        lasts = 1 + (
            self.uniform(purpose + "/lasts") * np.where(self.ill >= 0, longest, 1 + longest / 2)
        ).astype(np.int64)
        during = np.zeros(begins.shape, dtype=bool)
        for back in range(longest + 1):
            upto = len(self.months) - back
            if upto > 0:
                during[:, back:] |= (begins & (lasts > back))[:, :upto]
        during &= self.alive
        length = np.zeros(begins.shape, dtype=np.int64)
        for month in range(len(self.months)):
            length[:, month] = during[:, month] * (1 + (length[:, month - 1] if month else 0))
        return length

    def cells(self, mask: Bools) -> Rows:
        """The marked enterprise months, each on the last day of its month."""
        at, month = np.nonzero(mask)
        return Rows(self, at, month, self.last[month])

    def each(self, mask: Bools, day: Array) -> Rows:
        """The marked enterprises ([n]) on their days ([n])."""
        at = np.nonzero(mask)[0]
        dates = days(day[at])
        month = np.searchsorted(self.first, dates, side="right") - 1
        return Rows(self, at, np.clip(month, 0, None), dates)


@dataclass(frozen=True)
class Rows:
    """Rows of a table that is being written: which enterprise (number in the chunk), month and day each is about."""

    view: View
    at: NDArray[np.intp]
    month: NDArray[np.intp]
    day: Days = field(default_factory=lambda: np.zeros(0, dtype="datetime64[D]"))
    turn: int = 0  # tells draws for rows of one enterprise and month apart

    def __len__(self) -> int:
        return len(self.at)

    def on(self, day: Array) -> Rows:
        """The same rows on other days."""
        return Rows(self.view, self.at, self.month, days(day), self.turn)

    def again(self, turn: int) -> Rows:
        """The same rows with draws of their own."""
        return Rows(self.view, self.at, self.month, self.day, turn)

    def where(self, mask: Array) -> Rows:
        """Some of the rows, by mask or by position."""
        return Rows(self.view, self.at[mask], self.month[mask], self.day[mask], self.turn)

    @cached_property
    def who(self) -> NDArray[np.int64]:
        """The enterprises' numbers in the whole province."""
        return self.view.who[self.at]

    def uniform(self, purpose: str) -> NDArray[np.float64]:
        """A number in [0, 1) for each row."""
        return self.view.dice.uniform(f"{purpose}/{self.turn}", self.who, self.month)

    def normal(self, purpose: str) -> NDArray[np.float64]:
        """A standard normal number for each row."""
        return self.view.dice.normal(f"{purpose}/{self.turn}", self.who, self.month)

    def pick(self, purpose: str, weights: tuple[float, ...]) -> NDArray[np.intp]:
        """The number of a weight for each row."""
        return self.view.dice.pick(f"{purpose}/{self.turn}", weights, self.who, self.month)

    def after(self, purpose: str, lag: Delay) -> Days:
        """The day of each row and the days it takes until it is seen."""
        return self.day + self.view.dice.delay(f"{purpose}/{self.turn}", lag, self.who, self.month)

    def of(self, values: Array) -> Array:
        """What [n] or [n, m] values are at each row."""
        return values[self.at] if values.ndim == 1 else values[self.at, self.month]

    def then(self, values: Array) -> Array:
        """What [n, m] values are in the month of each row's day, which may be later than the month it comes from."""
        month = np.searchsorted(self.view.first, self.day, side="right") - 1
        return values[self.at, np.clip(month, 0, len(self.view.first) - 1)]

    def own(self, values: Array) -> Array:
        """What one of the register's arrays is at each row."""
        return values[self.who]

    def texts(self, values: Array) -> pa.Array:
        """What one of the register's text arrays is at each row."""
        return pa.array(values[self.view.rows], pa.string()).take(pa.array(self.at))

    def uscc(self) -> pa.Array:
        """The code of each row."""
        return self.texts(self.view.province.register.uscc)

    def name(self) -> pa.Array:
        """The name each enterprise bore on the day of the row."""
        register = self.view.province.register
        before = self.day < days(self.own(register.renamed))  # False where never
        return pc.if_else(pa.array(before), self.texts(register.former_name), self.texts(register.name))

    def number(self) -> NDArray[np.int64]:
        """A whole number above 0 that no other enterprise and month has."""
        return self.who * len(self.view.months) + self.month + 1

    def year(self) -> NDArray[np.int64]:
        """The year of each row's day."""
        return self.day.astype("datetime64[Y]").astype(np.int64) + 1970

    def region(self) -> pa.Array:
        """Division codes, six digits."""
        return self.texts(self.view.province.register.region6)

    def city(self) -> pa.Array:
        """Names of the cities (`names.CITIES`), 省直 where the division is none of theirs."""
        codes = pa.array([row[0] for row in names.CITIES])
        place = pc.index_in(pc.utf8_slice_codeunits(self.region(), 0, 4), codes)
        return pc.fill_null(pa.array([f"{row[1]}市" for row in names.CITIES]).take(place), "省直")

    def identity(self) -> dict[str, Column]:
        """`uscc`, `name` and `region6` as a feed without a register of its own has them: for a while the former name."""
        register = self.view.province.register
        fresh = self.day - days(self.own(register.renamed))
        stale = (fresh >= np.timedelta64(0, "D")) & (fresh < np.timedelta64(730, "D"))
        stale &= self.uniform("identity/stale") < rates.STALE_NAME.value
        name = pc.if_else(pa.array(stale), self.texts(register.former_name), self.name())
        return {"uscc": self.uscc(), "name": name, "region6": self.region()}

    def person(self, numbers: Array) -> pa.Array:
        """Names of persons by number."""
        return pa.array(self.view.province.persons.name[numbers], pa.string())

    def resident_id(self, numbers: Array) -> pa.Array:
        """Resident numbers of persons by number."""
        return pa.array(self.view.province.persons.resident_id[numbers], pa.string())


def words(vocabulary: Sequence[str], codes: Array) -> pa.Array:
    """The words of a small vocabulary, null where a code is below 0."""
    return pa.array(vocabulary, pa.string()).take(pa.array(codes, mask=np.asarray(codes) < 0))


def joined(*parts: str | Array | pa.Array) -> pa.Array:
    """Texts put together of constant texts, texts and whole numbers."""
    made = [part if isinstance(part, str) else pc.cast(pa.array(part), pa.string()) for part in parts]
    return pc.binary_join_element_wise(*made, "")


def missing(values: Array, mask: Array) -> pa.Array:
    """Numbers, days or flags that are null where marked."""
    return pa.array(values, mask=np.asarray(mask, dtype=bool), from_pandas=True)


def money(values: Array) -> Array:
    """Yuan with two decimals."""
    return np.round(np.asarray(values, dtype=np.float64), 2)


def sheet(rows: Rows, columns: Mapping[str, Column], *sent: Array | Mapping[str, Column]) -> pa.Table:
    """Rows as they were sent by the end of the province: `sheet(rows, always, {columns of the first sending}, its days, ...)`.

    What was true before the start is sent on the first day; what would be sent after the end (or never: NaT) is not in the
    table. Not-a-number and not-a-time become null; a text or day alone is written in every row.
    """
    tables = [
        _sending(rows, {**columns, **further}, arrives)  # type: ignore[dict-item, arg-type]
        for further, arrives in zip(sent[::2], sent[1::2], strict=True)
    ]
    return pa.concat_tables(tables, promote_options="default")


def _sending(rows: Rows, columns: Mapping[str, Column], arrives: Array) -> pa.Table:
    view = rows.view
    sent = np.maximum(days(arrives), view.start)
    keep = np.nonzero(sent <= view.end)[0]
    take = pa.array(keep)
    made = {}
    for name, values in {**columns, "arrives": sent, "enterprise": rows.who.astype(np.int32)}.items():
        if isinstance(values, str):
            made[name] = pa.repeat(values, len(keep))
        elif isinstance(values, np.datetime64):
            made[name] = pa.repeat(pa.scalar(None if np.isnat(values) else values, pa.date32()), len(keep))
        elif isinstance(values, np.ndarray):
            made[name] = pa.array(values[keep], from_pandas=True)
        else:
            made[name] = values.take(take)
    return pa.table(made)


def gathered(tables: Iterable[tuple[str, pa.Table]]) -> Iterator[tuple[str, pa.Table]]:
    """Each source once, with the columns of all its tables, in the order of sending."""
    found: dict[str, list[pa.Table]] = {}
    for source, table in tables:
        found.setdefault(source, []).append(table)
    for source in sorted(found):
        table = pa.concat_tables(found[source], promote_options="default").combine_chunks()
        yield (
            source,
            table.take(pc.sort_indices(table, [("arrives", "ascending"), ("enterprise", "ascending")])),
        )
