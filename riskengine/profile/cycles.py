"""Does a link lead back to the subject, and in how few steps, as known on a day?

The link is followed from the subject's key one step after the other; the shortest walk that comes back to it is a cycle
that meets nobody twice. `ago` looks at the day that long before the as-of date with what was known on *that* day, so the
difference to the as-of date's answer is what came since. Edges obey both clocks as in `links`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ibis

from riskengine.clock import Span
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.covering import none_known
from riskengine.profile.expressions import Aggregate
from riskengine.profile.links import Step, edges_from
from riskengine.profile.terms import before, signature


@dataclass(frozen=True, slots=True)
class Cycle:
    """One link, followed at most so many steps from the subject's key column; `number` names its tables."""

    number: int
    column: str
    step: Step
    most: int
    ago: Span

    @property
    def steps(self) -> list[Step]:
        """The one link it follows."""
        return [self.step]

    @property
    def name(self) -> str:
        """The column of the wide table."""
        return f"{self._table}_n"

    @property
    def _table(self) -> str:
        return f"y{self.number}"

    def parts(self, subjects: Any) -> list[tuple[str, Any]]:
        """The tables to make, each from those before it; the last has `origin, as_of, steps, link_event, link_known`."""
        column = subjects[self.column]
        asked = subjects.filter(column.notnull()).select(origin=column, as_of=subjects.as_of).distinct()
        asked = asked.mutate(then=before(asked.as_of, self.ago) if self.ago != Span() else asked.as_of)
        made = [(f"{self._table}_1", self._first(asked))]
        for number in range(2, self.most + 1):
            name, last = made[-1]
            made.append((f"{self._table}_{number}", self._next(ibis.table(last.schema(), name=name))))
        back = [
            level.filter(level.key == level.origin).mutate(steps=ibis.literal(number, "int64"))
            for number, level in enumerate((ibis.table(t.schema(), name=n) for n, t in made), 1)
        ]
        every = ibis.union(*back) if len(back) > 1 else back[0]
        found = every.group_by(["origin", "as_of"]).aggregate(
            link_event=every.link_event.argmin(every.steps),
            link_known=every.link_known.argmin(every.steps),
            steps=every.steps.min(),
        )
        joined = asked.join(
            found, [asked.origin == found.origin, asked.then == found.as_of], rname="f_{name}"
        )
        last = joined.select("origin", "as_of", "steps", "link_event", "link_known")
        return [*made, (self._table, last)]

    def joined(self) -> tuple[str, list[str]]:
        """SQL of the join to the subjects `s`, and of the columns it brings: zero where a complete source shows none."""
        table = self._table
        covered = none_known([(self.step.source, self.step.link.window)], self.ago)
        known = f's."{self.column}" IS NOT NULL' + (f" AND {covered}" if covered else "")
        none = f"WHEN {known} THEN 0 " if self.step.complete else ""
        return (
            f'LEFT JOIN {table} ON s."{self.column}" = {table}.origin AND s.as_of = {table}.as_of',
            [
                f"CASE WHEN {table}.steps IS NOT NULL THEN {table}.steps {none}END AS {self.name}",
                *(f"{table}.link_{clock} AS {self.name}__{clock}" for clock in ("event", "known")),
            ],
        )

    def _first(self, asked: Any) -> Any:
        edges = edges_from(asked.select(key=asked.origin, as_of=asked.then).distinct(), self.step)
        edges = edges.filter(edges.target.notnull())
        return edges.select(
            origin=edges.key,
            as_of=edges.as_of,
            key=edges.target,
            link_event=edges.link_event,
            link_known=edges.link_known,
        )

    def _next(self, reached: Any) -> Any:
        """One step further; who has come back goes no further."""
        away = reached.filter(reached.key != reached.origin)
        edges = edges_from(away.select("key", "as_of").distinct(), self.step)
        edges = edges.filter(edges.target.notnull())
        joined = away.join(edges, [away.key == edges.key, away.as_of == edges.as_of], rname="e_{name}")
        return joined.group_by(origin=joined.origin, as_of=joined.as_of, key=joined.target).aggregate(
            link_event=ibis.greatest(joined.link_event, joined.e_link_event).max(),
            link_known=ibis.greatest(joined.link_known, joined.e_link_known).max(),
        )


def cycles(catalogue: Catalogue, aggregates: Iterable[Aggregate]) -> dict[tuple[Any, ...], Cycle]:
    """Every cycle that aggregates ask for, by the aggregate's signature, in order."""
    wanted = {signature(item): item for item in aggregates if item.verb == "cycle"}
    order = sorted(wanted.values(), key=lambda c: (c.by, c.through, c.most or 0, c.ago.months, c.ago.days))
    links, sources = catalogue.subjects.links, catalogue.sources
    return {
        signature(item): Cycle(
            number,
            catalogue.subjects.keys[item.by][0],
            Step(item.through[0], links[item.through[0]], sources[links[item.through[0]].source]),
            item.most or 1,
            item.ago,
        )
        for number, item in enumerate(order)
    }
