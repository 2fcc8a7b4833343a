"""Which aggregates are computed in one pass over the facts of a source, and which facts does that pass rest on?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import Aggregate
from riskengine.profile.links import Chain
from riskengine.profile.recipe import Met
from riskengine.profile.terms import Edge, far, near, signature


@dataclass(frozen=True, slots=True)
class Group:
    """All aggregates over one source through one key, or through one chain of links from it."""

    source: SourceContract
    by: str
    columns: tuple[str, ...]
    additive: bool  # counts and totals only: facts of one key, day and knowledge are summed before the join
    members: tuple[tuple[str, Aggregate], ...]  # (column name in the wide table, aggregate)
    chain: Chain | None = None

    @property
    def own(self) -> bool:
        """Whether it is read subject by subject, each with the rows it brings; linked keys have stored ones only."""
        return self.source.fed_by_applicant and self.chain is None


def grouped(
    catalogue: Catalogue,
    every: Iterable[Aggregate],
    followed: Mapping[tuple[str, tuple[str, ...]], Chain],
) -> list[Group]:
    """The aggregates of each source, key and chain of links, in a fixed order; what can be summed before the join is apart."""
    members: dict[tuple[str, str, tuple[str, ...], bool], dict[tuple[Any, ...], Aggregate]] = {}
    for aggregate in every:
        if aggregate.verb in ("linked", "cycle"):
            continue
        own = catalogue.sources[aggregate.source].fed_by_applicant and not aggregate.through
        moving = any(rule.moving for rule in aggregate.where)
        few = catalogue.sources[aggregate.source].clustered_by in catalogue.subjects.keys[aggregate.by]
        # an enterprise has few facts of one day: to sum them first would be a second pass that saves none of the first
        apart = own or moving or (few and not aggregate.through)
        additive = aggregate.verb in ("count", "total") and not apart
        place = (aggregate.source, aggregate.by, aggregate.through, additive)
        members.setdefault(place, {}).setdefault(signature(aggregate), aggregate)
    return [
        Group(
            catalogue.sources[source],
            by,
            catalogue.subjects.keys[by],
            additive,
            tuple((f"g{number}_{index}", aggregate) for index, aggregate in enumerate(found.values())),
            followed.get((by, through)),
        )
        for number, ((source, by, through, additive), found) in enumerate(sorted(members.items()))
    ]


def edges(group: Group) -> list[Edge]:
    """Every day at which a window of the group begins or ends, spans first."""
    found: set[Edge | None] = {edge(item) for _, item in group.members for edge in (near, far)}
    return sorted((edge for edge in found if edge is not None and edge != Span()), key=_place)


def _place(edge: Edge) -> tuple[int, int, int, int]:
    if isinstance(edge, Span):
        return (0, edge.months, edge.days, 0)
    return (1, edge.ago.months, edge.ago.days, edge.earlier)


def since(group: Group) -> list[Edge]:
    """The edges where windows begin, if facts before the oldest of them need not be read; empty if they must.

    Of a partial source too: no fact in its window is unknown whether there are older ones or not. A filter by the `latest`
    value of a column looks further back.
    """
    begins = {far(aggregate) for _, aggregate in group.members}
    latest = any(rule.operator == "latest" for _, item in group.members for rule in item.where)
    if None in begins or (latest and group.source.coverage != "complete"):
        return []
    return [edge for edge in edges(group) if edge in begins]


def met(group: Group, read: tuple[int, int]) -> Met:
    """What a group's step rests on, for who runs it for some keys and days only; `read` is where its SQL reads facts."""
    order, first = edges(group), since(group)
    return Met(
        group.source.name,
        group.columns,
        tuple(
            (edge.months, edge.days, -1)
            if isinstance(edge, Span)
            else (edge.ago.months, edge.ago.days, edge.earlier)
            for edge in order
        ),
        group.chain.keys if group.chain else "",
        group.own,
        any(moves(aggregate) for _, aggregate in group.members),
        read,
        tuple(number for number, edge in enumerate(order) if edge in first),
    )


def moves(aggregate: Aggregate) -> bool:
    """Whether it may change from day to day though no fact comes, goes or crosses an edge of its window."""
    return aggregate.verb in ("trend", "longest_gap") or any(rule.of_as_of for rule in aggregate.where)
