"""Which facts does one applicant touch? Read by value: of each source only the files, row groups and rows that hold it.

Law 4 holds: the program (`programs`) says what the recipe's SQL says, to the bit; what is common to many (an industry, the
whole book) DuckDB computes with the recipe's own step, once for each snapshot, day and key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any

from riskengine.profile.compute import Overlay, Subject, Workbench
from riskengine.profile.daily import Daily
from riskengine.profile.points import Asked, power, read_in_lanes, read_points
from riskengine.profile.programs import Program
from riskengine.profile.recipe import Recipe, SourceNote
from riskengine.profile.spelled import NotPlain
from riskengine.schema import fingerprint
from riskengine.store.rank import OWN_RANK

Rows = list[tuple[Any, ...]]
_MANY = 10_000  # keys of which a step's rows are not kept together


class Touched:
    """The facts that programs ask for, of one snapshot; each is read once. `every` reads what any of their recipes reads."""

    def __init__(self, bench: Workbench, every: Recipe, narrow: Sequence[str]) -> None:
        self.bench, self.every, self._narrow = bench, every, narrow
        self._notes = dict(every.sources)
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
        if fresh := tuple(value for value in asked if value not in known):
            one = Asked(source, self._notes[source].columns, column, fresh)
            self._keep(one, *read_points(self.bench, self.bench.points, [one]))
        found = [row for value in asked for row in known[value]]
        if source in self._own:
            place = self._place(source, column)
            found += [row for row in self._own[source] if row[place] in asked]
        return found

    def prefetch(self, keys: Mapping[str, Any]) -> None:
        """Read the facts of a subject's own cluster values from every source at once."""
        asked = [
            Asked(source, note.columns, cluster, (keys[cluster],))
            for source, note in self._notes.items()
            if (cluster := self._cluster(source)) in dict(note.columns)
            and cluster in self._narrow
            and keys.get(cluster) is not None
        ]
        for one, rows in zip(asked, read_in_lanes(self.bench, asked), strict=True):
            self._keep(one, rows)

    def _keep(self, asked: Asked, rows: Rows) -> None:
        known = self._known.setdefault((asked.source, asked.by), {})
        known |= {value: [] for value in asked.values}
        place = self._place(asked.source, asked.by)
        doubles = [at for at, (_, kind) in enumerate(asked.columns) if kind == "DOUBLE"]
        for row in rows:
            if any(row[at] is not None and not isfinite(row[at]) for at in doubles):
                raise NotPlain(asked.source)
            known[row[place]].append(row)

    def _place(self, source: str, column: str) -> int:
        return [name for name, _ in self._notes[source].columns].index(column)

    def _cluster(self, source: str) -> str:
        facts = self.bench.snapshot.sources.get(source)
        return (facts.cluster if facts else "") or self._narrow[0]


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
            keys = [one for one in columns if one != "as_of"]
            mine = tuple(subject.keys.get(one) for one in keys)
            called = [self._program.name, place, step, [*columns], str(subject.as_of)]
            every = self._kept([*called, "everybody"], lambda: self._everybody(place, step, subject, keys))
            if rows := [row[len(keys) :] for row in every if row[: len(keys)] == mine]:
                return [row for row in rows if row]
            values = [str(value) for value in mine]
            return self._kept([*called, values], lambda: self._computed(place, step, subject, Overlay()))

        return found

    def _kept(self, called: Sequence[Any], made: Callable[[], Rows]) -> Rows:
        name = fingerprint(called)
        rows = self._daily.find(name)
        return self._daily.keep(name, made()) if rows is None else rows

    def _computed(self, place: int, step: str, subject: Subject, overlay: Overlay) -> Rows:
        recipe, (sql, scales) = self.recipes[place], self._program.shared[place][step]
        self._bench.load_subjects(recipe, [subject])
        self._bench.load_facts(replace(recipe, sources=self._read_by(place, step)), overlay)
        rows = self._bench.connection.execute(sql).fetchall()
        return [tuple(map(_plain, row, scales)) for row in rows]

    def _read_by(self, place: int, step: str) -> tuple[tuple[str, SourceNote], ...]:
        sql, _ = self._program.shared[place][step]
        return tuple((name, note) for name, note in self.recipes[place].sources if f'"facts_{name}"' in sql)

    def _everybody(self, place: int, step: str, subject: Subject, keys: Sequence[str]) -> Rows:
        """A step's rows for every key that its source has, each behind its key; a key without a row stands alone.

        Reading the source takes the time, not the number of keys. Empty where the source does not tell the keys.
        """
        recipe, notes = self.recipes[place], self._read_by(place, step)
        if not keys or len(notes) != 1 or not set(keys) <= dict(notes[0][1].columns).keys():
            return []
        self._bench.load_facts(replace(recipe, sources=notes), Overlay())
        known = self._bench.load_keys(recipe, notes[0][0], keys, subject.as_of)
        if len(known) > _MANY:
            return []
        sql, scales = self._program.shared[place][step]
        result = self._bench.connection.execute(sql)
        names = [column[0] for column in result.description or ()]
        places = [names.index(one) for one in keys]
        rows = [tuple(map(_plain, row, scales)) for row in result.fetchall()]
        told = [(tuple(row[at] for at in places), row) for row in rows]
        alone = [(key, ()) for key in set(known) - {key for key, _ in told}]
        return sorted(((*key, *row) for key, row in [*told, *alone]), key=repr)


def _cell(value: Any, kind: str) -> Any:
    if value is not None and kind.startswith("DECIMAL"):
        return int((Decimal(value) * power(kind)).to_integral_value(ROUND_HALF_UP))
    if isinstance(value, float) and not isfinite(value):
        raise NotPlain(kind)
    return value


def _plain(value: Any, scale: int | None) -> Any:
    """A cell of DuckDB's as programs have it: a decimal is the whole number of its last digit."""
    if not isinstance(value, Decimal):
        return value
    whole = None if scale is None else value.scaleb(scale)
    if whole is None or whole != int(whole):
        raise NotPlain(str(value))
    return int(whole)
