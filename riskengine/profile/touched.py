"""Which facts does one applicant touch? Read by value: of each source only the files, row groups and rows that hold it.

Law 4 holds: the program (`programs`) says what the recipe's SQL says, to the bit; what is common to many (an industry, the
whole book) DuckDB computes with the recipe's own step, once for each snapshot, day and key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any

import duckdb

from riskengine.profile.compute import Overlay, Subject, Workbench
from riskengine.profile.daily import Daily
from riskengine.profile.programs import Program
from riskengine.profile.recipe import Recipe, reading_all
from riskengine.profile.spelled import NotPlain
from riskengine.schema import fingerprint
from riskengine.store.rank import OWN_RANK

Rows = list[tuple[Any, ...]]
_AT_ONCE = 2  # readers side by side: hashing, decoding and planning let go of the interpreter


class Touched:
    """The facts that programs ask for, of one snapshot; each is read once."""

    def __init__(self, bench: Workbench, recipes: Sequence[Recipe], narrow: Sequence[str]) -> None:
        self.bench, self._narrow = bench, narrow
        self.every = reading_all(recipes)
        self._notes = dict(self.every.sources)
        self._known: dict[tuple[str, str], dict[Any, Rows]] = {}
        self._own: dict[str, Rows] = {}
        self.overlay = Overlay()

    def bring(self, overlay: Overlay) -> None:
        """The rows that subjects bring themselves, in the place of stored columns."""
        self.overlay = overlay
        self._own = {
            name: [
                (*(_cell(values.get(column), kind) for column, kind in self._notes[name].columns),
                 values["event_date"], values["known_at"], None, False, OWN_RANK + index, subject)
                for index, (subject, values) in enumerate(rows)
            ]
            for name, rows in overlay.facts.items() if rows
        }  # fmt: skip

    def facts(self, source: str, column: str, values: Iterable[Any]) -> Rows:
        """Stored facts whose `column` has one of `values`, and the subjects' own."""
        known = self._known.setdefault((source, column), {})
        asked = sorted(set(values))
        if fresh := [value for value in asked if value not in known]:
            known |= self._read(self.bench.points, source, column, fresh)
        found = [row for value in asked for row in known[value]]
        if source in self._own:
            place = [name for name, _ in self._notes[source].columns].index(column)
            found += [row for row in self._own[source] if row[place] in asked]
        return found

    def prefetch(self, keys: Mapping[str, Any]) -> None:
        """Read the facts of a subject's own cluster values from every source, side by side."""
        asked = [
            (source, cluster, keys[cluster])
            for source, note in self._notes.items()
            if (cluster := self._cluster(source)) in dict(note.columns)
            and cluster in self._narrow
            and keys.get(cluster) is not None
        ]

        points = self.bench.points

        def read(item: tuple[str, str, Any]) -> dict[Any, Rows]:
            source, column, value = item
            return self._read(points.cursor(), source, column, [value])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for (source, column, _), found in zip(asked, pool.map(read, asked), strict=True):
                self._known.setdefault((source, column), {}).update(found)

    def _cluster(self, source: str) -> str:
        facts = self.bench.snapshot.sources.get(source)
        return (facts.cluster if facts else "") or self._narrow[0]

    def _read(
        self, connection: duckdb.DuckDBPyConnection, source: str, column: str, values: list[Any]
    ) -> dict[Any, Rows]:
        files = self.bench.holding(source, values if column == self._cluster(source) else None)
        found: dict[Any, Rows] = {value: [] for value in values}
        if not files:
            return found
        columns = self._notes[source].columns
        cells = [
            f'"{name}"' if not kind.startswith("DECIMAL") else f'("{name}" * {_power(kind)})::BIGINT'
            for name, kind in columns
        ]
        asked = f"""SELECT "{column}", {"".join(cell + ", " for cell in cells)}event_date, known_at, superseded_at, removed,
            fact_rank, NULL FROM {{}} WHERE "{column}" {"= ?" if len(values) == 1 else f"IN ({', '.join('?' * len(values))})"}"""
        try:
            rows = connection.execute(asked.format(files), values).fetchall()
        except duckdb.BinderException:  # a column that the contract had not promised when the facts came
            rows = connection.execute(
                asked.format(f"({self.bench.whole(columns, files)})"), values
            ).fetchall()
        doubles = [place for place, (_, kind) in enumerate(columns) if kind == "DOUBLE"]
        for value, *row in rows:
            if any(row[place] is not None and not isfinite(row[place]) for place in doubles):
                raise NotPlain(source)
            found[value].append(tuple(row))
        return found


def touched_row(
    touched: Touched, program: Program, subject: Subject, shared: Shared
) -> list[list[dict[str, Any]]]:
    """What `Workbench.rows_of(recipes)` gives for one subject, by the program."""
    touched.prefetch(subject.keys)
    whom = [(0, subject.as_of, subject.fed, *(subject.keys.get(name) for name, _ in touched.every.keys))]
    found = []
    for place, (recipe, profile) in enumerate(zip(shared.recipes, program.profiles, strict=True)):
        rows = profile(whom, touched.facts, shared.of(place, subject, touched.overlay))
        found.append([dict(zip(("subject", *recipe.names), row, strict=True)) for row in rows])
    return found


class Shared:
    """Rows of steps that many subjects share (an industry, the whole book): DuckDB runs them once a day."""

    def __init__(self, bench: Workbench, program: Program, recipes: Sequence[Recipe], daily: Daily) -> None:
        self.recipes = recipes
        self._bench, self._program, self._daily = bench, program, daily

    def of(self, place: int, subject: Subject, overlay: Overlay) -> Callable[[str, Sequence[str]], Rows]:
        """The rows of a step of recipe `place` for a subject, by the step's name and key columns."""

        def found(step: str, columns: Sequence[str]) -> Rows:
            if "subject" in columns:  # with the rows that the subject brings itself
                return self._computed(place, step, subject, overlay)
            values = [str(subject.as_of if one == "as_of" else subject.keys.get(one)) for one in columns]
            name = fingerprint([self._program.name, place, step, [*columns], values])
            rows = self._daily.find(name)
            return (
                self._daily.keep(name, self._computed(place, step, subject, Overlay()))
                if rows is None
                else rows
            )

        return found

    def _computed(self, place: int, step: str, subject: Subject, overlay: Overlay) -> Rows:
        recipe, (sql, scales) = self.recipes[place], self._program.shared[place][step]
        notes = tuple((name, note) for name, note in recipe.sources if f'"facts_{name}"' in sql)
        self._bench.load_subjects(recipe, [subject])
        self._bench.load_facts(replace(recipe, sources=notes), overlay)
        rows = self._bench.connection.execute(sql).fetchall()
        return [tuple(map(_plain, row, scales)) for row in rows]


def _cell(value: Any, kind: str) -> Any:
    if value is not None and kind.startswith("DECIMAL"):
        return int((Decimal(value) * _power(kind)).to_integral_value(ROUND_HALF_UP))
    if isinstance(value, float) and not isfinite(value):
        raise NotPlain(kind)
    return value


def _power(kind: str) -> int:
    return int(10 ** int(kind.partition(",")[2].rstrip(")")))


def _plain(value: Any, scale: int | None) -> Any:
    """A cell of DuckDB's as programs have it: a decimal is the whole number of its last digit."""
    if not isinstance(value, Decimal):
        return value
    whole = None if scale is None else value.scaleb(scale)
    if whole is None or whole != int(whole):
        raise NotPlain(str(value))
    return int(whole)
