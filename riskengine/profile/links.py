"""To which keys does a subject's key lead as of a day? The links of a chain, followed in one pass each.

1. The first step starts at the distinct (key, as-of) pairs of the subjects; each further step at the distinct keys that
   the step before reached, so that a hub met from many sides is read once.
2. Edges are the facts of the link's source that are visible, not superseded, not removed and not ahead of the as-of
   date, inside the link's window. An edge that fails the link's `where` leads nowhere, but shows that the source knows
   of the key.
3. Each reached key counts once, and the subject itself not at all.
4. Where nothing is reached, the first step that reached nothing decides: a complete source, or one that has any edge
   of those keys, says "none" (zero); a partial one without any edge says "unknown" (null). `state` carries this:
   `2 * step + 1` for none, `2 * step` for unknown; the furthest step has the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import Aggregate
from riskengine.profile.keys import Link
from riskengine.profile.recipe import IBIS_TYPES, SQL_TYPES
from riskengine.profile.terms import before


@dataclass(frozen=True, slots=True)
class Step:
    """One link and the contract of the source its edges are facts of."""

    link: Link
    source: SourceContract

    @property
    def complete(self) -> bool:
        """Whether no edge means that there is none."""
        return self.source.coverage == "complete"

    def columns(self) -> list[tuple[str, str]]:
        """What is read of the source: (column, DuckDB type)."""
        names = {self.link.start, self.link.end, *self.link.where} - {"event_date", "known_at"}
        return [(name, SQL_TYPES[self.source.column_type(name) or "text"]) for name in sorted(names)]


@dataclass(frozen=True, slots=True)
class Chain:
    """Links followed one after the other from the subject's key column; `number` names its two tables in the query."""

    number: int
    by: str
    column: str
    steps: tuple[Step, ...]

    @property
    def keys(self) -> str:
        """The table of linked keys: one row for each (subject's key, as-of, linked key)."""
        return f"k{self.number}"

    @property
    def ends(self) -> str:
        """The table of how many keys each (subject's key, as-of) reaches, or why none."""
        return f"l{self.number}"

    def none_is_zero(self, then: bool) -> str:
        """SQL: whether no fact of any linked key means zero; `then` says so where there are linked keys."""
        unreached = "TRUE" if self.steps[0].complete else "FALSE"
        ends = self.ends
        return (
            f"CASE WHEN {ends}.as_of IS NULL THEN {unreached} WHEN {ends}.linked > 0 THEN {str(then).upper()} "
            f"ELSE {ends}.state % 2 = 1 END"
        )


def chains(catalogue: Catalogue, aggregates: Iterable[Aggregate]) -> dict[tuple[str, tuple[str, ...]], Chain]:
    """Every (key, links) pair that aggregates follow, in order, as a chain."""
    wanted = sorted({(aggregate.by, aggregate.through) for aggregate in aggregates if aggregate.through})
    links, sources = catalogue.subjects.links, catalogue.sources
    return {
        (by, through): Chain(
            number,
            by,
            catalogue.subjects.keys[by][0],
            tuple(Step(links[name], sources[links[name].source]) for name in through),
        )
        for number, (by, through) in enumerate(wanted)
    }


def linked_keys(subjects: Any, chain: Chain) -> Any:
    """`origin, as_of, key (or null), link_event, link_known, state`: each linked key of each subject key once."""
    column = subjects[chain.column]
    pairs = subjects.filter(column.notnull()).select(origin=column, as_of=subjects.as_of).distinct()
    edges = _edges(pairs.select(key=pairs.origin, as_of=pairs.as_of), chain.steps[0])
    reached = edges.select(
        origin=edges.key,
        as_of=edges.as_of,
        key=edges.target,
        link_event=edges.link_event,
        link_known=edges.link_known,
        state=ibis.literal(3, "int64"),
    )
    for number, step in enumerate(chain.steps[1:], 2):
        reached = _onwards(reached, step, number)
    itself = reached.key == reached.origin
    reached = reached.mutate(key=ibis.ifelse(itself, None, reached.key))
    return _once(reached)


def link_ends(keys: Any) -> Any:
    """`origin, as_of, linked (how many keys), state, link_event, link_known` of what `linked_keys` gives."""
    there = keys.key.notnull()
    return keys.group_by(["origin", "as_of"]).aggregate(
        linked=keys.key.count(),
        state=keys.state.max(),
        link_event=keys.link_event.max(where=there),
        link_known=keys.link_known.max(where=there),
    )


def _onwards(reached: Any, step: Step, number: int) -> Any:
    """One step further from every key reached; keys that lead nowhere keep their row with no key."""
    here = reached.filter(reached.key.notnull()).select("key", "as_of").distinct()
    edges = _edges(here, step)
    joined = reached.left_join(
        edges, [reached.key == edges.key, reached.as_of == edges.as_of], rname="e_{name}"
    )
    nothing = 2 * number + (1 if step.complete else 0)
    state = ibis.cases(
        (joined.key.isnull(), joined.state),
        (joined.e_as_of.notnull(), ibis.literal(2 * number + 1, "int64")),
        else_=ibis.literal(nothing, "int64"),
    )
    return _once(
        joined.select(
            origin=joined.origin,
            as_of=joined.as_of,
            key=joined.target,
            link_event=ibis.greatest(joined.link_event, joined.e_link_event),
            link_known=ibis.greatest(joined.link_known, joined.e_link_known),
            state=state,
        )
    )


def _once(reached: Any) -> Any:
    return reached.group_by(["origin", "as_of", "key"]).aggregate(
        link_event=reached.link_event.max(), link_known=reached.link_known.max(), state=reached.state.max()
    )


def _edges(pairs: Any, step: Step) -> Any:
    """`key, as_of, target (null where no edge qualifies), link_event, link_known` from each pair's edges."""
    link = step.link
    schema: Mapping[str, str] = {name: IBIS_TYPES[kind] for name, kind in step.columns()}
    clocks = {"event_date": "date", "known_at": "date", "superseded_at": "date", "removed": "boolean"}
    facts = ibis.table({**schema, **clocks}, name=f"facts_{step.source.name}")
    facts = facts.filter(~facts.removed)
    meets = facts[link.end].notnull()
    for column, value in sorted(link.where.items()):
        meets = meets & (facts[column] == value)
    facts = facts.select(
        start=facts[link.start],
        target=ibis.ifelse(meets, facts[link.end], None),
        event_date=facts.event_date,
        known_at=facts.known_at,
        superseded_at=facts.superseded_at,
    )
    conditions = [
        pairs.key == facts.start,
        facts.known_at <= pairs.as_of,
        facts.event_date <= pairs.as_of,
        facts.superseded_at.isnull() | (facts.superseded_at > pairs.as_of),
    ]
    if link.window:
        conditions.append(facts.event_date > before(pairs.as_of, Span.parse(link.window)))
    joined = pairs.join(facts, conditions)
    return joined.group_by(["key", "as_of", "target"]).aggregate(
        link_event=joined.event_date.max(), link_known=joined.known_at.max()
    )
