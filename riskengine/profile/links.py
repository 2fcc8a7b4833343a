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
5. A union (`any` of several chains) reaches what any of them reaches. Where that is nothing, one chain that says "none"
   makes it none, and only if all are unknown it is unknown: so a count of a union is a lower bound where some of its
   sources are partial. `state` is then 1 for none and 0 for unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.covering import none_known
from riskengine.profile.expressions import Aggregate
from riskengine.profile.keys import Link
from riskengine.profile.recipe import IBIS_TYPES, SQL_TYPES
from riskengine.profile.terms import EXACT, before


@dataclass(frozen=True, slots=True)
class Step:
    """One link and the contract of the source its edges are facts of."""

    name: str
    link: Link
    source: SourceContract

    @property
    def complete(self) -> bool:
        """Whether no edge means that there is none."""
        return self.source.coverage == "complete"

    def columns(self) -> list[tuple[str, str]]:
        """What is read of the source: (column, DuckDB type)."""
        names = self.link.columns - {"event_date", "known_at"}
        return [(name, SQL_TYPES[self.source.column_type(name) or "text"]) for name in sorted(names)]


@dataclass(frozen=True, slots=True)
class Chain:
    """Links followed one after the other from the subject's key column, or the several ways of a union.

    `number` names its two tables in the query.
    """

    number: int
    by: str
    column: str
    ways: tuple[tuple[Step, ...], ...]

    @property
    def steps(self) -> list[Step]:
        """Every step of every way."""
        return [step for way in self.ways for step in way]

    @property
    def firsts(self) -> dict[str, Step]:
        """The different first steps of the ways, each with the name of its table."""
        different = list(dict.fromkeys(way[0].name for way in self.ways))
        steps = {way[0].name: way[0] for way in self.ways}
        return {f"{self.keys}f{number}": steps[name] for number, name in enumerate(different)}

    @property
    def keys(self) -> str:
        """The table of linked keys: one row for each (subject's key, as-of, linked key)."""
        return f"k{self.number}"

    @property
    def ends(self) -> str:
        """The table of how many keys each (subject's key, as-of) reaches, or why none."""
        return f"l{self.number}"

    @property
    def name(self) -> str:
        """The column of the wide table: how many keys are reached."""
        return f"{self.ends}_n"

    def parts(self, subjects: Any) -> list[tuple[str, Any]]:
        """The tables to make, each from those before it; a union's ways share the subjects and their first steps."""
        reached = linked_keys(subjects, self)
        shared = []
        if len(self.ways) > 1:
            asked = _asked(subjects, self)
            pairs = ibis.table(asked.schema(), name=f"{self.keys}p")
            firsts = [(name, _from(pairs, step)) for name, step in self.firsts.items()]
            shared = [(f"{self.keys}p", asked), *firsts]
        return [
            *shared,
            (self.keys, reached),
            (self.ends, link_ends(ibis.table(reached.schema(), name=self.keys))),
        ]

    def joined(self) -> tuple[str, list[str]]:
        """SQL of the join to the subjects `s`, and of the columns it brings."""
        ends = self.ends
        return (
            f'LEFT JOIN {ends} ON s."{self.column}" = {ends}.origin AND s.as_of = {ends}.as_of',
            [
                f'CASE WHEN {ends}.linked > 0 THEN {ends}.linked WHEN s."{self.column}" IS NOT NULL '
                f"AND {self.none_is_zero(True)} THEN 0 END AS {self.name}",
                *(f"{ends}.link_{clock} AS {self.name}__{clock}" for clock in ("event", "known")),
            ],
        )

    def none_is_zero(self, then: bool) -> str:
        """SQL: whether no fact of any linked key means zero; `then` says so where there are linked keys."""
        unreached = "TRUE" if any(way[0].complete for way in self.ways) else "FALSE"
        ends = self.ends
        covered = none_known((step.source, step.link.window) for step in self.steps)
        return (
            f"CASE WHEN {ends}.as_of IS NULL THEN {unreached} WHEN {ends}.linked > 0 THEN {str(then).upper()} "
            f"ELSE {ends}.state % 2 = 1 END"
        ) + (f" AND ({ends}.linked > 0 OR {covered})" if covered else "")


def chains(catalogue: Catalogue, aggregates: Iterable[Aggregate]) -> dict[tuple[str, tuple[str, ...]], Chain]:
    """Every (key, links) pair that aggregates follow, in order, as a chain."""
    wanted = sorted({(item.by, item.through) for item in aggregates if item.through and item.verb != "cycle"})
    keys = catalogue.subjects.keys
    return {
        (by, through): Chain(number, by, keys[by][0], _ways(catalogue, through))
        for number, (by, through) in enumerate(wanted)
    }


def _ways(catalogue: Catalogue, through: tuple[str, ...]) -> tuple[tuple[Step, ...], ...]:
    links, sources = catalogue.subjects.links, catalogue.sources
    return tuple(
        tuple(Step(name, links[name], sources[links[name].source]) for name in way)
        for way in links[through[0]].any or (through,)
    )


def linked_keys(subjects: Any, chain: Chain) -> Any:
    """`origin, as_of, key (or null), link_event, link_known, state`: each linked key of each subject key once."""
    asked = _asked(subjects, chain)
    if len(chain.ways) == 1:
        return _reached(_from(asked, chain.ways[0][0]), chain.ways[0])
    pairs = ibis.table(asked.schema(), name=f"{chain.keys}p")
    edges = {
        step.name: ibis.table(_from(pairs, step).schema(), name=name) for name, step in chain.firsts.items()
    }
    ways = [_reached(edges[way[0].name], way) for way in chain.ways]
    return _once(
        ibis.union(*(way.mutate(state=way.state % 2) for way in ways), *_silent(pairs, edges, chain))
    )


def _silent(pairs: Any, edges: Mapping[str, Any], chain: Chain) -> list[Any]:
    """Rows without a key that say "none" (state 1) of pairs of which a way knows so, though it has no row of them.

    Where a way reaches nothing, `_reached` has one row of the pair, or none at all if its first step has no edge.
    """
    if any(all(step.complete for step in way) for way in chain.ways):
        return [_none(pairs)]  # some way always knows
    told = [step for step in chain.firsts.values() if step.complete]
    return [_none(pairs.anti_join(edges[step.name], _same(pairs, edges[step.name]))) for step in told]


def _same(pairs: Any, edges: Any) -> list[Any]:
    return [pairs.origin == edges.key, pairs.as_of == edges.as_of]


def _none(pairs: Any) -> Any:
    clocks = {name: ibis.null("date") for name in ("link_event", "link_known")}
    return pairs.select(
        "origin", "as_of", key=ibis.null(pairs.origin.type()), **clocks, state=ibis.literal(1, "int64")
    )


def _asked(subjects: Any, chain: Chain) -> Any:
    column = subjects[chain.column]
    return subjects.filter(column.notnull()).select(origin=column, as_of=subjects.as_of).distinct()


def _from(pairs: Any, step: Step) -> Any:
    return edges_from(pairs.select(key=pairs.origin, as_of=pairs.as_of), step)


def _reached(edges: Any, way: tuple[Step, ...]) -> Any:
    """The keys that a way leads to, from the edges of its first step on."""
    reached = edges.select(
        origin=edges.key,
        as_of=edges.as_of,
        key=edges.target,
        link_event=edges.link_event,
        link_known=edges.link_known,
        state=ibis.literal(3, "int64"),
    )
    for number, step in enumerate(way[1:], 2):
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
    edges = edges_from(here, step)
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


def edges_from(pairs: Any, step: Step) -> Any:
    """`key, as_of, target (null where no edge qualifies), link_event, link_known` from each pair's edges."""
    link = step.link
    schema: Mapping[str, str] = {name: IBIS_TYPES[kind] for name, kind in step.columns()}
    clocks = {"event_date": "date", "known_at": "date", "superseded_at": "date", "removed": "boolean"}
    facts = ibis.table({**schema, **clocks}, name=f"facts_{step.source.name}")
    facts = facts.filter(~facts.removed)
    meets = facts[link.end].notnull()
    for column, value in sorted(link.where.items()):
        meets = meets & (facts[column] == value)
    for column, bound in sorted(link.least.items()):
        meets = meets & (facts[column] >= bound)
    for column, bound in sorted(link.above.items()):
        meets = meets & (facts[column] > bound)
    facts = facts.select(
        start=facts[link.start],
        target=ibis.ifelse(meets, facts[link.end], None),
        event_date=facts.event_date,
        known_at=facts.known_at,
        superseded_at=facts.superseded_at,
        **({"size": _exact(facts, step)} if link.by else {}),
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
    clocks_of = {"link_event": joined.event_date.max(), "link_known": joined.known_at.max()}
    if not link.by:
        return joined.group_by(["key", "as_of", "target"]).aggregate(**clocks_of)
    each = joined.group_by(["key", "as_of", "target"]).aggregate(**clocks_of, size=joined["size"].sum())
    order = [each.target.isnull(), each["size"].desc(nulls_first=False), each.target]
    place = ibis.row_number().over(ibis.window(group_by=[each.key, each.as_of], order_by=order))
    among = each.mutate(target=ibis.ifelse(place < link.largest, each.target, None))
    return among.select("key", "as_of", "target", "link_event", "link_known")


def _exact(facts: Any, step: Step) -> Any:
    """The column that links are ranked by, as a decimal, so that its sums do not depend on order."""
    return facts[step.link.by].cast(EXACT[step.source.column_type(step.link.by) or "number"])
