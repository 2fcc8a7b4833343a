"""The same profiles in pandas: what does a good data-frame version take?

What is good about it: only the columns needed are read; decimals become float64 and texts categories while they are still Arrow;
facts that are not visible are dropped there, too; the key is a whole number, the enterprise's place in the register; one groupby
for each selection of facts and figure, over the rows selected alone; nothing is applied row by row or group by group.
Money is float64 here, so its sums depend on the order of rows in the last bits: values are compared to 1e-9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from riskengine.clock import Span
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import (
    Aggregate,
    Arithmetic,
    Constant,
    Expression,
    Feature,
    Filter,
    Function,
    aggregates,
)
from riskengine.profile.terms import Edge, MonthEnd, far, near, signature

_CLOCKS = ("uscc", "event_date", "known_at", "superseded_at", "removed")
_ZERO = ("count", "total", "distinct", "months_with")


def write_profiles(
    catalogue: Catalogue, files: Mapping[str, Sequence[str]], day: date, names: Sequence[str], out: Path
) -> None:
    """Profiles of every enterprise of the register, one Parquet file."""
    made = {name: catalogue.feature(name) for name in names}
    register = _visible(files["mkt_reg"], [], day)["uscc"].combine_chunks().unique().drop_null()
    figures: dict[tuple[Any, ...], np.ndarray] = {}
    wanted: dict[str, dict[tuple[Any, ...], Aggregate]] = {}
    for feature in made.values():
        for item in aggregates(feature):
            wanted.setdefault(item.source, {}).setdefault(signature(item), item)
    for source, items in wanted.items():
        facts = _Facts.read(files[source], list(items.values()), register, day)
        complete = catalogue.sources[source].coverage == "complete"
        for key, item in items.items():
            figures[key] = facts.figure(item, complete)
    table = pd.DataFrame({name: _value(feature, figures, day) for name, feature in made.items()})
    columns = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(columns.add_column(0, "uscc", register), out)


def _visible(paths: Sequence[str], columns: Sequence[str], day: date) -> pa.Table:
    when, known = ds.field, pa.scalar(day)
    seen = (when("known_at") <= known) & (when("event_date") <= known) & ~when("removed")
    seen &= when("superseded_at").is_null() | (when("superseded_at") > known)
    wanted = list(dict.fromkeys([*columns, "uscc"]))
    return ds.dataset(list(paths)).to_table(columns=wanted, filter=seen)


@dataclass
class _Facts:
    """The visible facts of one source: columns, whose they are, and masks that were asked for before."""

    frame: pd.DataFrame
    who: np.ndarray
    many: int
    day: date
    masks: dict[Any, np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Sequence[str], items: Sequence[Aggregate], register: pa.Array, day: date) -> _Facts:
        columns = {"event_date"} | {rule.column for item in items for rule in item.where}
        columns |= {item.column for item in items if item.column}
        ranked = any(item.verb in ("latest", "first") for item in items)
        table = _visible(paths, [*sorted(columns), *(["fact_rank"] if ranked else [])], day)
        who = pc.index_in(table["uscc"], value_set=register)
        table = table.append_column("who", who).filter(pc.is_valid(who)).drop_columns("uscc")
        if ranked:
            table = table.sort_by("fact_rank")
        frame = {}
        for name in table.column_names:
            column = table[name]
            if pa.types.is_decimal(column.type):
                column = column.cast(pa.float64())
            elif pa.types.is_string(column.type):
                column = column.combine_chunks().dictionary_encode()
            frame[name] = column.to_pandas(date_as_object=False)
        made = pd.DataFrame(frame)
        return cls(made, made.pop("who").to_numpy().astype("int32"), len(register), day)

    def figure(self, item: Aggregate, complete: bool) -> np.ndarray:
        """One aggregate of every enterprise; NaN is unknown."""
        window = self._mask(("window", near(item), far(item)), lambda: self._inside(item))
        chosen = window
        for rule in item.where:
            chosen = chosen & self._mask(
                (rule.column, rule.operator, rule.value), lambda rule=rule: self._met(rule)
            )
        made = self._of(item, np.flatnonzero(chosen))
        if item.verb in _ZERO:
            if complete:
                matching = self._count(np.flatnonzero(chosen))
                made = np.where(matching == 0, 0.0, made)
            else:
                there = self._count(np.flatnonzero(window))
                none = self._count(np.flatnonzero(chosen)) == 0
                made = np.where(there == 0, np.nan, np.where(none, 0.0, made))
        return made

    def _of(self, item: Aggregate, rows: np.ndarray) -> np.ndarray:
        who, verb = self.who[rows], item.verb
        if verb == "count":
            return self._count(rows).astype(float)
        if verb == "days_since":
            last = pd.Series(self._event.iloc[rows].to_numpy()).groupby(who).max()
            return self._spread((pd.Timestamp(self.day) - last).dt.days)
        if verb == "months_with":
            pairs = pd.DataFrame({"who": who, "what": self._month[rows]}).drop_duplicates()
            return self._spread(pairs.groupby("who").size())
        column = self.frame[item.column].iloc[rows]
        if verb == "distinct":
            known = column.notna().to_numpy()
            code = column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
            pairs = pd.DataFrame({"who": who[known], "what": code.to_numpy()[known]}).drop_duplicates()
            found = self._spread(pairs.groupby("who").size())
            return np.where(np.isnan(found), 0.0, found)
        values = pd.Series(column.to_numpy(dtype=float, na_value=np.nan))
        by = values.groupby(who)
        if verb in ("latest", "first"):  # rows are in order of rank
            return self._spread(
                by.nth(-1 if verb == "latest" else 0).set_axis(
                    who[by.nth(-1 if verb == "latest" else 0).index]
                )
            )
        if verb == "trend":
            return self._trend(values.to_numpy(), rows)
        told = {
            "total": lambda: by.sum(min_count=1), "mean": by.mean, "largest": by.max, "smallest": by.min,
            "volatility": by.std,
        }  # fmt: skip
        return self._spread(told[verb]())

    def _trend(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        known = ~np.isnan(values)
        y, x = values[known], (self._month[rows] - (self.day.year * 12 + self.day.month))[known].astype(float)
        parts = (
            pd.DataFrame({"n": 1.0, "x": x, "y": y, "xx": x * x, "xy": x * y})
            .groupby(self.who[rows][known])
            .sum()
        )
        below = parts.n * parts.xx - parts.x * parts.x
        return self._spread((parts.n * parts.xy - parts.x * parts.y) / below.where(below != 0))

    def _spread(self, found: pd.Series) -> np.ndarray:
        made = np.full(self.many, np.nan)
        made[found.index.to_numpy()] = found.to_numpy(dtype=float)
        return made

    def _count(self, rows: np.ndarray) -> np.ndarray:
        return np.bincount(self.who[rows], minlength=self.many)

    @property
    def _event(self) -> pd.Series:
        return self.frame["event_date"]

    @property
    def _month(self) -> np.ndarray:
        return self._mask("month", lambda: _months(self._event))

    def _mask(self, key: Any, made: Any) -> np.ndarray:
        if key not in self.masks:
            self.masks[key] = made()
        return self.masks[key]

    def _inside(self, item: Aggregate) -> np.ndarray:
        begin, event = far(item), self._event.to_numpy()
        inside = event <= np.datetime64(_day(self.day, near(item)))
        return inside if begin is None else inside & (event > np.datetime64(_day(self.day, begin)))

    def _met(self, rule: Filter) -> np.ndarray:
        column, operator, value = self.frame[rule.column], rule.operator, rule.value
        if operator == "latest":
            who = self.who
            return (column == column.groupby(who).transform("max")).to_numpy()
        if operator in ("known", "unknown"):
            return (column.notna() if operator == "known" else column.isna()).to_numpy()
        if operator == "in":
            return column.isin(list(value)).to_numpy()
        today = pd.Timestamp(self.day)
        return {
            "==": lambda: (column == value), "!=": lambda: (column != value) & column.notna(),
            "<": lambda: column < value, "<=": lambda: column <= value, ">": lambda: column > value,
            ">=": lambda: column >= value, "not_before_as_of": lambda: column >= today,
            "unknown_or_not_before_as_of": lambda: column.isna() | (column >= today),
        }[operator]().fillna(False).to_numpy(dtype=bool)  # fmt: skip


def _months(event: pd.Series) -> np.ndarray:
    return (event.dt.year * 12 + event.dt.month).to_numpy()


def _day(day: date, edge: Edge) -> date:
    if isinstance(edge, MonthEnd):
        after = edge.ago.before(day) + timedelta(days=1)
        month = after.year * 12 + after.month - 1 - edge.earlier
        return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return edge.before(day) if edge != Span() else day


def _value(expression: Expression, figures: Mapping[tuple[Any, ...], np.ndarray], day: date) -> Any:
    if isinstance(expression, Feature):
        return _value(expression.of, figures, day)
    if isinstance(expression, Constant):
        return float(expression.value)
    if isinstance(expression, Aggregate):
        return figures[signature(expression)]
    parts = [np.asarray(_value(part, figures, day)) for part in expression.inputs()]
    unknown = np.logical_or.reduce([np.isnan(part) for part in np.broadcast_arrays(*parts)])
    if isinstance(expression, Arithmetic):
        a, b = parts
        with np.errstate(divide="ignore", invalid="ignore"):
            made = {
                "+": np.add, "-": np.subtract, "*": np.multiply,
                "/": lambda a, b: np.where(b == 0, np.nan, a / np.where(b == 0, 1.0, b)), ">": np.greater,
                ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal,
            }[expression.operator](a, b).astype(float)  # fmt: skip
        return np.where(unknown, np.nan, made)
    assert isinstance(expression, Function)
    name = expression.name
    if name == "is_missing":
        return np.isnan(parts[0]).astype(float)
    if name == "first_known":
        made = parts[0]
        for part in parts[1:]:
            made = np.where(np.isnan(made), part, made)
        return made
    if name == "log1p":
        return np.where(parts[0] < 0, np.nan, np.log(np.where(parts[0] < 0, 0.0, parts[0]) + 1.0))
    if name == "absolute":
        return np.abs(parts[0])
    bounded = np.fmax(*parts) if name in ("at_least", "greater") else np.fmin(*parts)
    return np.where(unknown, np.nan, bounded)
