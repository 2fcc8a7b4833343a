"""Who owns and controls an enterprise, who belongs to its group, and in which guarantee circles does it stand, as of a day?

Domain page section 6 [D]: effective control u -> v = sum over paths of the products of ratios, edges below 1 % ignored, paths
that return ignored, at most ten edges; the controller holds more than half, or more than a quarter with nobody else above a
quarter; circles are cycles of at most six guarantees and strongly connected components. Every conclusion carries the edges it
rests on, with source and day; no edge *of a source that was taken in* is "no relation", a source without rows is "no data".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.intake.codes import check_credit_code
from riskengine.intake.personal import shown
from riskengine.project import Project
from riskengine.schema import Words
from riskengine.store import snapshot
from riskengine.store.database import connect
from riskengine.store.snapshot import Snapshot

LEAST = 0.01  # a holding below is not followed
DEEPEST = 10
LONGEST_CIRCLE = 6
MOST = 200  # circles listed

_COLUMNS = (
    "holder_code",
    "holder_id",
    "holder_name",
    "holder_type",
    "person_id",
    "name",
    "role",
    "guarantor_code",
    "debtor_code",
)
# A person without a resident number is only the person of that name in that enterprise: name@uscc joins nobody else.
# source -> (kind, from, to, ratio or amount, condition): who holds whom, who guarantees whom, who speaks for whom
_EDGES: Mapping[str, tuple[str, str, str, str, str]] = {
    "mkt_equity": (
        "owns",
        "coalesce(holder_code, holder_id, case holder_type when '自然人' then holder_name || '@' || uscc else holder_name end)",
        "uscc",
        "ratio",
        "true",
    ),
    "mkt_people": (
        "represents",
        "coalesce(person_id, name || '@' || uscc)",
        "uscc",
        "null",
        "role = '法定代表人'",
    ),
    "counter_guar": ("guarantees", "guarantor_code", "uscc", "amount", "guarantor_code is not null"),
    "pboc_guar": ("guarantees", "uscc", "debtor_code", "balance", "debtor_code is not null"),
}

_WORDS = {
    "as of": Words(en="as of", zh="截至"), "owner": Words(en="owner", zh="股东"),
    "in turn": Words(en="(held in turn)", zh="（另有上层股东）"), "no data": Words(en="no data", zh="无数据"),
    "no owner": Words(en="no owner is stated", zh="未登记股东"), "controller": Words(en="controller", zh="实际控制人"),
    "no controller": Words(en="none by the rule", zh="按规则无"), "group": Words(en="group", zh="关联集团"),
    "nobody else": Words(en="nobody else", zh="无其他企业"), "cycle": Words(en="guarantee cycle", zh="担保圈"),
    "component": Words(en="guarantee component", zh="互保连通体"), "guarantees": Words(en="guarantees", zh="担保"),
    "silent": Words(en="no data from {source}: nothing follows from its silence", zh="{source}无数据：不能据此认为没有"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One stated relation: `kind` owns, represents or guarantees; `size` a ratio (0-1) or yuan; from which source and day."""

    kind: str
    start: str
    end: str
    size: float | None
    source: str
    event_date: date
    known_at: date

    def to_json(self) -> dict[str, Any]:
        """As plain values; persons as their masks."""
        return {
            "kind": self.kind, "from": _shown(self.start), "to": _shown(self.end), "size": self.size, "source": self.source,
            "event_date": self.event_date.isoformat(), "known_at": self.known_at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Held:
    """An owner seen through all layers: the share controlled, and the edges of all paths it comes by."""

    owner: str
    share: float
    ultimate: bool  # nobody is known to hold the owner
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Circle:
    """Enterprises that guarantee each other: a cycle in its canonical rotation, or a strongly connected component."""

    kind: str
    members: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Network:
    """What is known around one enterprise on a day. `no_data`: sources without a single row, so nothing follows from them."""

    code: str
    as_of: date
    owners: tuple[Held, ...]
    controller: Held | None
    group: tuple[str, ...]
    group_edges: tuple[Edge, ...]
    circles: tuple[Circle, ...]
    guarantees: tuple[Edge, ...]
    no_data: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As plain values; persons as their masks."""
        held = [_held_json(each) for each in self.owners]
        return {
            "code": self.code, "as_of": self.as_of.isoformat(), "owners": held,
            "controller": _held_json(self.controller) if self.controller else None,
            "group": [shown(each) for each in self.group], "group_edges": [edge.to_json() for edge in self.group_edges],
            "circles": [
                {"kind": each.kind, "members": list(each.members), "edges": [edge.to_json() for edge in each.edges]}
                for each in self.circles
            ],
            "guarantees": [edge.to_json() for edge in self.guarantees], "no_data": list(self.no_data),
        }  # fmt: skip

    def lines(self, language: str) -> list[str]:
        """For a terminal, in `zh` or `en`."""

        def say(word: str) -> str:
            return _WORDS[word].say(language)

        said = [f"{self.code} {say('as of')} {self.as_of}"]
        said += [
            f"{say('owner')} {_shown(each.owner)}: {each.share:.2%}"
            + ("" if each.ultimate else f" {say('in turn')}")
            for each in self.owners
        ] or [say("no data" if "mkt_equity" in self.no_data else "no owner")]
        who = (
            f"{_shown(self.controller.owner)} {self.controller.share:.2%}"
            if self.controller
            else say("no controller")
        )
        said += [
            f"{say('controller')}: {who}",
            f"{say('group')}: {', '.join(str(shown(each)) for each in self.group) or say('nobody else')}",
        ]
        said += [f"{say(each.kind)}: {' -> '.join(each.members)}" for each in self.circles]
        said += [
            f"    {_shown(edge.start)} {say(edge.kind)} {_shown(edge.end)} ({edge.source}, {edge.event_date})"
            for each in self.circles
            for edge in each.edges
        ]
        said += [say("silent").format(source=name) for name in self.no_data]
        return said


def around(project: Project, code: str, as_of: date) -> Network:
    """The network around a credit code as known on a day; `UsageError` where the code is not valid."""
    checked = check_credit_code(code)
    if not checked.valid:
        raise UsageError(
            "Not a unified social credit code",
            [Problem("CODE", "a valid code", repr(code), "; ".join(checked.invalid))],
        )
    edges, silent = read_edges(snapshot.read(project.store), as_of)
    return look_through(checked.code, edges, as_of, silent)


def read_edges(facts: Snapshot, as_of: date) -> tuple[list[Edge], tuple[str, ...]]:
    """Every relation that stands on a day, in order, and the sources of relations without any row known by it."""
    found: list[Edge] = []
    silent: list[str] = []
    for source, (kind, start, end, size, when) in sorted(_EDGES.items()):
        files = facts.paths(source)
        if not files:
            silent.append(source)
            continue
        with connect() as connection:
            stored = connection.read_parquet(files)
            absent = [f"null::varchar as {name}" for name in _COLUMNS if name not in stored.columns]
            stored.project(", ".join(["*", *absent])).create_view("facts")
            told = {"day": as_of}
            rows = connection.execute("select count(*) from facts where known_at <= $day", told).fetchall()
            if not rows[0][0]:
                silent.append(source)
            query = f"""select {start}, {end}, ({size})::double, event_date, known_at from facts where known_at <= $day
                and (superseded_at is null or superseded_at > $day) and not removed and ({when}) order by fact_rank"""
            for one, other, much, happened, known in connection.execute(query, told).fetchall():
                if one and other and one != other:
                    found.append(Edge(kind, one, other, much, source, happened, known))
    return sorted(
        set(found),
        key=lambda edge: (edge.kind, edge.start, edge.end, edge.source, edge.event_date, edge.size or 0),
    ), tuple(silent)


def look_through(code: str, edges: Sequence[Edge], as_of: date, no_data: tuple[str, ...] = ()) -> Network:
    """Owners, controller, group and circles of one enterprise from all edges."""
    owning: dict[str, dict[str, Edge]] = {}
    for edge in edges:
        if edge.kind == "owns" and (edge.size or 0) >= LEAST:
            owning.setdefault(edge.end, {})[edge.start] = edge
    owners = effective_control(code, owning)
    group, group_edges = _group(code, edges)
    guaranteeing = [edge for edge in edges if edge.kind == "guarantees"]
    mine = tuple(edge for edge in guaranteeing if code in (edge.start, edge.end))
    return Network(
        code,
        as_of,
        owners,
        controller_of(owners),
        group,
        group_edges,
        _circles(code, guaranteeing),
        mine,
        no_data,
    )


def effective_control(code: str, owning: Mapping[str, Mapping[str, Edge]]) -> tuple[Held, ...]:
    """Every owner of an enterprise with the share seen through all layers, the largest first.

    `owning`: enterprise -> holder -> edge. A path stops where it would meet itself, and after ten edges.
    """
    share: dict[str, float] = {}
    used: dict[str, set[Edge]] = {}
    paths: list[tuple[str, float, tuple[Edge, ...]]] = [(code, 1.0, ())]
    while paths:
        at, product, path = paths.pop()
        for holder, edge in sorted(owning.get(at, {}).items()):
            if holder == code or holder in {each.end for each in path} or len(path) >= DEEPEST:
                continue
            further = (*path, edge)
            held = product * (edge.size or 0)
            share[holder] = share.get(holder, 0.0) + held
            used.setdefault(holder, set()).update(further)
            paths.append((holder, held, further))
    made = [
        Held(owner, round(held, 9), owner not in owning, tuple(sorted(used[owner])))
        for owner, held in share.items()
    ]
    return tuple(sorted(made, key=lambda each: (-each.share, each.owner)))


def controller_of(owners: Iterable[Held]) -> Held | None:
    """The ultimate owner above one half, or the only one above one quarter; None where the rule names nobody."""
    ultimate = [each for each in owners if each.ultimate]
    half = [each for each in ultimate if each.share > 0.5]
    quarter = [each for each in ultimate if each.share > 0.25]
    if half:
        return half[0]
    return quarter[0] if len(quarter) == 1 else None


def _group(code: str, edges: Sequence[Edge]) -> tuple[tuple[str, ...], tuple[Edge, ...]]:
    """Who is joined to the enterprise by holdings of half or more, or by one legal representative (token of a person)."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_node(code)
    tying = [
        edge
        for edge in edges
        if edge.kind == "represents" or (edge.kind == "owns" and (edge.size or 0) >= 0.5)
    ]
    graph.add_edges_from((edge.start, edge.end) for edge in tying)
    joined = nx.node_connected_component(graph, code)
    kept = tuple(edge for edge in tying if edge.end in joined)
    return tuple(sorted(each for each in joined if each != code and check_credit_code(each).valid)), kept


def _circles(code: str, edges: Sequence[Edge]) -> tuple[Circle, ...]:
    """Cycles of at most six guarantees through the enterprise, the shortest first, then its component."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_node(code)
    graph.add_edges_from((edge.start, edge.end) for edge in edges)
    component = next(found for found in nx.strongly_connected_components(graph) if code in found)
    if len(component) < 2:
        return ()
    cycles = set()
    for found in nx.simple_cycles(graph.subgraph(sorted(component)), length_bound=LONGEST_CIRCLE):
        if code in found:
            least = found.index(min(found))
            cycles.add((*found[least:], *found[:least]))
        if len(cycles) >= MOST:
            break
    made = []
    for members in sorted(cycles, key=lambda members: (len(members), members)):
        steps = set(zip(members, (*members[1:], members[0]), strict=True))
        made.append(
            Circle("cycle", members, tuple(edge for edge in edges if (edge.start, edge.end) in steps))
        )
    within = tuple(edge for edge in edges if edge.start in component and edge.end in component)
    return (*made, Circle("component", tuple(sorted(component)), within))


def _shown(node: str) -> str:
    return str(shown(node.partition("@")[0]))


def _held_json(held: Held) -> dict[str, Any]:
    return {
        "owner": _shown(held.owner),
        "share": held.share,
        "ultimate": held.ultimate,
        "edges": [edge.to_json() for edge in held.edges],
    }
