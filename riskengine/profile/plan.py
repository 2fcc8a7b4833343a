"""How do feature values become queries? Aggregates are grouped by source and key, then joined to the subjects.

1. For each (source, key) the distinct (key values, as-of) pairs of the subjects meet the facts of equal key that are
   visible (`known_at <= as_of`), not superseded (`superseded_at > as_of` or null), not removals, and not ahead of the
   as-of date (`event_date <= as_of`).
2. One grouped pass, a step of the recipe, computes all verbs of that (source, key); windows and filters are conditions inside the aggregates.
   Through links, the keys are those that the subject's key leads to (see `links`), and the pass is for each
   (subject's key, as-of).
3. Results are joined back to the subjects, some steps at a time (see `joining`). A complete source gives zero where it has no row, a partial one null; an
   unknown key value gives null in both.
4. Arithmetic over these columns, in double precision, gives the features.

Sums are exact (decimals), so the bits do not depend on row order, threads or batch size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import ibis

from riskengine.errors import UsageError
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.covering import known_from, on_or_after
from riskengine.profile.cycles import Cycle, cycles
from riskengine.profile.expressions import Aggregate, Feature, aggregates
from riskengine.profile.groups import Group, edges, grouped, met, since
from riskengine.profile.joining import Brought, blocks
from riskengine.profile.kinds import value_kind
from riskengine.profile.links import Chain, chains, linked_keys
from riskengine.profile.recipe import IBIS_TYPES, SQL_TYPES, FeatureNote, Recipe, SourceNote, Step
from riskengine.profile.terms import (
    Reader,
    before,
    double,
    none_means_zero,
    signature,
    total_term,
    value_term,
)
from riskengine.profile.wording import duckdb_sql

_READ = "facts_met"  # stands for the facts that a step reads, until they are put in
_NAMED = re.compile(rf'["`]?\b{_READ}\b["`]?')
_DAYS = ("days_since", "days_since_first", "months_since_last")  # measured as the day itself
_ZERO_WHERE_NONE = ("count", "total", "distinct", "months_with", "streak")


def compile_recipe(
    catalogue: Catalogue,
    names: Iterable[str],
    *,
    lineage: bool = False,
    said: Callable[[Any], str] = duckdb_sql,
) -> Recipe:
    """Compile the named features; with `lineage`, each also gets `<name>__event` and `<name>__known` dates.

    `said` writes an Ibis table in the words of the engine that will run it.
    """
    wanted = {name: catalogue.feature(name) for name in names}
    problems = catalogue.problems()
    if problems:
        raise UsageError("The definitions are not sound", problems)
    every = [aggregate for feature in wanted.values() for aggregate in aggregates(feature)]
    linking, circling = chains(catalogue, every), cycles(catalogue, every)
    followed: list[Chain | Cycle] = [*linking.values(), *circling.values()]
    groups = grouped(catalogue, every, linking)
    keys = _key_columns(catalogue)
    subjects = ibis.table(
        {"subject": "int64", "as_of": "date", "fed": "boolean", **{c: IBIS_TYPES[t] for c, t in keys}},
        name="subjects",
    )
    aggregated = [_aggregate_group(subjects, group, lineage) for group in groups]
    results = [result for result, _ in aggregated]
    columns = {signature(aggregate): name for group in groups for name, aggregate in group.members}
    columns |= {
        signature(item): linking[item.by, item.through].name for item in every if item.verb == "linked"
    }
    columns |= {found: cycle.name for found, cycle in circling.items()}
    wide = ibis.table(_wide_schema(subjects, results, followed), name="wide")
    outputs = {"subject": wide.subject}
    for name, feature in wanted.items():
        outputs[name] = value_term(feature, wide, columns, catalogue.sources)
        if lineage:
            outputs |= _lineage(name, feature, wide, columns)
    steps = [Step(name, said(part)) for one in followed for name, part in one.parts(subjects)]
    every_group = [
        (_brought(number, group, result), _step(f"g{number}", group, said(result), said(read)))
        for number, (group, (result, read)) in enumerate(zip(groups, aggregated, strict=True))
    ]
    return Recipe(
        tuple(steps),
        blocks(followed, every_group),
        _typed(said(wide.select(**outputs)), outputs, catalogue, wanted),
        tuple(_note(catalogue, name, feature) for name, feature in wanted.items()),
        tuple((source.name, _source_note(source, groups, followed)) for source in _used(groups, followed)),
        tuple(keys),
        lineage,
    )


def _typed(sql: str, outputs: Iterable[str], catalogue: Catalogue, wanted: Mapping[str, Feature]) -> str:
    """Say every number's type (a literal such as 0.0 is a decimal in DuckDB)."""
    columns = [
        f'CAST("{name}" AS DOUBLE) AS "{name}"'
        if name in wanted and value_kind(wanted[name], catalogue.sources) == "number"
        else f'"{name}"'
        for name in outputs
    ]
    return f"SELECT {', '.join(columns)} FROM ({sql})"


def _step(name: str, group: Group, sql: str, read: str) -> Step:
    """The step of a group: what it reads stands in its SQL where the table of that name stood."""
    before, after = _NAMED.split(sql)
    begin = len(before)
    whole = f"{before}({read}){after}"
    plain = not (group.own or group.additive or group.chain)
    return Step(name, whole, met(group, (begin, begin + len(read) + 2) if plain else (0, 0)))


def _facts_met(
    subjects: Any, group: Group, told: Callable[[Any], Any] = lambda joined: joined
) -> tuple[Reader, list[str]]:
    """The facts of a source joined to every distinct (key, as-of) that may read them, and what results are grouped by.

    `told` hears of the joined facts and gives what stands for them.
    """
    source = group.source
    facts = ibis.table(
        {
            **{name: IBIS_TYPES[kind] for name, kind in _columns_read(source, [group])},
            "event_date": "date",
            "known_at": "date",
            "superseded_at": "date",
            "removed": "boolean",
            "fact_rank": "int64",
            "for_subject": "int64",
        },
        name=f"facts_{source.name}",
    )
    facts = facts.filter(~facts.removed)
    if source.fed_by_applicant and not group.own:
        facts = facts.filter(facts.for_subject.isnull())
    if group.additive:
        facts = _summed(facts, group)
    pairs, by = _pairs(subjects, group)
    bounds = {edge: f"b{index}" for index, edge in enumerate(edges(group))}
    pairs = pairs.mutate(
        **{name: before(pairs.as_of, edge) for edge, name in bounds.items()},
        month_no=pairs.as_of.year() * 12 + pairs.as_of.month(),
    )
    conditions = [pairs[column] == facts[column] for column in group.columns]
    conditions += [
        facts.known_at <= pairs.as_of,
        facts.event_date <= pairs.as_of,
        facts.superseded_at.isnull() | (facts.superseded_at > pairs.as_of),
    ]
    if group.own:
        conditions.append(_own_or_stored(pairs, facts, source))
    first = since(group)
    if first:
        conditions.append(facts.event_date > ibis.least(*(pairs[bounds[edge]] for edge in first)))
    joined = told(pairs.join(facts, conditions, lname="", rname="f_{name}"))
    reader = Reader(joined, set(pairs.columns), bounds, source)
    last = {rule.column for _, item in group.members for rule in item.where if rule.operator == "latest"}
    if last:
        same_key = ibis.window(group_by=[joined[column] for column in dict.fromkeys([*by, *group.columns])])
        found = {f"last_{name}": reader.column(name).max().over(same_key) for name in sorted(last)}
        reader = replace(reader, joined=joined.mutate(**found))
    sums = {signature(item): (f"{name}__per", item) for name, item in group.members if item.per}
    if sums:
        found = {name: reader.total_per_value(item, by) for name, item in sums.values()}
        reader = replace(
            reader, joined=reader.joined.mutate(**found), sums={of: name for of, (name, _) in sums.items()}
        )
    return reader, by


def _aggregate_group(subjects: Any, group: Group, lineage: bool) -> tuple[Any, Any]:
    """One grouped pass over the facts of a source for every distinct (key, as-of), from a table `_READ`; and that table."""
    read: list[Any] = []

    def named(joined: Any) -> Any:
        read.append(joined)
        return ibis.table(joined.schema(), name=_READ)

    reader, by = _facts_met(subjects, group, named)
    joined = reader.joined
    measures = {name: _measure(reader, name, aggregate, group) for name, aggregate in group.members}
    if lineage:
        for name, aggregate in group.members:
            inside = reader.window(aggregate) if group.additive else reader.condition(aggregate)
            if group.additive:
                counted = joined[f"{name}__n"] > 0
                inside = counted if inside is None else inside & counted
            measures[f"{name}__event"] = reader.column("event_date").max(where=inside)
            measures[f"{name}__known"] = reader.column("known_at").max(where=inside)
    return joined.group_by([joined[column] for column in by]).aggregate(**measures), read[0]


def _pairs(subjects: Any, group: Group) -> tuple[Any, list[str]]:
    """The distinct keys and as-of dates whose facts are read, and the columns that results are grouped by.

    A source that applicants feed is read subject by subject; any other once for each distinct key and date.
    """
    if group.chain is not None:
        keys = ibis.table(linked_keys(subjects, group.chain).schema(), name=group.chain.keys)
        keys = keys.filter(keys.key.notnull())
        return keys.select("origin", "as_of", **{group.columns[0]: keys.key}), ["origin", "as_of"]
    known = [subjects[column].notnull() for column in group.columns]
    pairs = subjects.filter(known) if known else subjects
    own = [c for c in group.source.key if c in subjects.columns]
    identity = ["subject", "fed", *own] if group.own else []
    by = list(dict.fromkeys([*group.columns, "as_of", *identity]))
    return pairs.select(by).distinct(), by


def _summed(facts: Any, group: Group) -> Any:
    """Facts of one key, event day and knowledge as one row: a monthly statistic of a million facts is small."""
    reader = Reader(facts, set(), {}, group.source)
    sums = {}
    for name, aggregate in group.members:
        chosen = reader.filters(aggregate)
        sums[f"{name}__n"] = facts.event_date.count(where=chosen)
        if aggregate.verb == "total":
            sums[name] = reader.exact(aggregate.column or "").sum(where=chosen)
    return facts.group_by([*group.columns, "event_date", "known_at", "superseded_at"]).aggregate(**sums)


def _measure(reader: Reader, name: str, aggregate: Aggregate, group: Group) -> Any:
    """The aggregate's value; a number in double precision, as arithmetic will have it: exact decimals are twice as wide."""
    exact = _exact_measure(reader, name, aggregate, group)
    number = value_kind(aggregate, {group.source.name: group.source}) == "number"
    return double(exact) if number and aggregate.verb not in _DAYS else exact


def _exact_measure(reader: Reader, name: str, aggregate: Aggregate, group: Group) -> Any:
    if not group.additive:
        return reader.measure(aggregate)
    inside = reader.window(aggregate)
    matching = reader.joined[f"{name}__n"].sum(where=inside)  # null where no fact at all is in the window
    if none_means_zero(group.source, aggregate):
        matching = matching.fill_null(0)
    if aggregate.verb == "count":
        return matching
    return total_term(matching, reader.joined[name].sum(where=inside))


def _own_or_stored(pairs: Any, facts: Any, source: SourceContract) -> Any:
    """An applicant's own rows, and stored rows save those of the very key the applicant brings anew."""
    same = None
    for column in source.key:
        if column in pairs.columns:
            part = facts[column] == pairs[column]
            same = part if same is None else same & part
    stored = facts.for_subject.isnull()
    if same is not None:
        stored = stored & ~(pairs.fed & ibis.coalesce(same, False))
    return (facts.for_subject == pairs.subject) | stored


def _wide_schema(subjects: Any, results: Iterable[Any], followed: Iterable[Chain | Cycle]) -> dict[str, Any]:
    """The columns of the subjects and of every group's, every chain's and every cycle's result."""
    schema = dict(subjects.schema())
    for result in results:
        schema |= {name: kind for name, kind in result.schema().items() if name not in schema}
    for name in (one.name for one in followed):
        schema |= {name: "int64", f"{name}__event": "date", f"{name}__known": "date"}
    return schema


def _brought(number: int, group: Group, result: Any) -> Brought:
    """How a group's step is joined to the subjects, and the columns it brings.

    A complete source gives zero where a known key has no row; one connected late, before a window is covered, nothing.
    """
    keys = ["subject"] if "subject" in result.columns else [*group.columns, "as_of"]
    theirs = {group.columns[0]: "origin"} if group.chain else {}
    join = f"LEFT JOIN g{number} ON " + " AND ".join(
        f's."{key}" = g{number}."{theirs.get(key, key)}"' for key in keys
    )
    missing = [f"g{number}.as_of IS NULL", *(f's."{key}" IS NOT NULL' for key in group.columns)]
    columns = []
    for name, aggregate in group.members:
        complete, value = none_means_zero(group.source, aggregate), name
        if (complete or group.chain) and aggregate.verb in _ZERO_WHERE_NONE:
            none = " AND ".join([*missing, *([group.chain.none_is_zero(complete)] if group.chain else [])])
            value = f"CASE WHEN {none} THEN 0 ELSE {name} END"
        if since := known_from(group.source, aggregate):
            value = f"CASE WHEN {on_or_after(since)} THEN {value} END"
        columns.append(name if value == name else f"{value} AS {name}")
    for name in result.columns:
        clock = name.rpartition("__")[2]
        if name.endswith(("__event", "__known")):
            ends = f"greatest({name}, {group.chain.ends}.link_{clock}) AS {name}" if group.chain else name
            columns.append(ends)
    return Brought(join, tuple(columns), group.chain.joined()[0] if group.chain else "")


def _lineage(
    name: str, feature: Feature, wide: Any, columns: Mapping[tuple[Any, ...], str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for clock in ("event", "known"):
        parts = [wide[f"{columns[signature(aggregate)]}__{clock}"] for aggregate in aggregates(feature)]
        found[f"{name}__{clock}"] = ibis.greatest(*parts) if parts else ibis.null("date")
    return found


def _key_columns(catalogue: Catalogue) -> list[tuple[str, str]]:
    columns: dict[str, str] = {}
    for rule in (catalogue.subjects.applicant, catalogue.subjects.guarantee):
        source = catalogue.sources[rule.source]
        for column in (c for key in catalogue.subjects.keys.values() for c in key):
            columns.setdefault(column, SQL_TYPES[source.column_type(column) or "text"])
    return sorted(columns.items())


def _columns_read(
    source: SourceContract, groups: Iterable[Group], followed: Iterable[Chain | Cycle] = ()
) -> list[tuple[str, str]]:
    names: set[str] = set()
    for group in groups:
        if group.source.name == source.name:
            names |= set(group.columns)
            for _, aggregate in group.members:
                names |= {column for column in (aggregate.column, aggregate.per) if column}
                names |= {rule.column for rule in aggregate.where}
            if source.fed_by_applicant:
                names |= set(source.key)
    for step in (step for one in followed for step in one.steps):
        if step.source.name == source.name:
            names |= {column for column, _ in step.columns()}
    names -= {"event_date", "known_at"}
    return [(name, SQL_TYPES[source.column_type(name) or "text"]) for name in sorted(names)]


def _used(groups: Iterable[Group], followed: Iterable[Chain | Cycle]) -> list[SourceContract]:
    found = {group.source.name: group.source for group in groups}
    found |= {step.source.name: step.source for one in followed for step in one.steps}
    return list(found.values())


def _source_note(
    source: SourceContract, groups: Iterable[Group], followed: Iterable[Chain | Cycle]
) -> SourceNote:
    columns = tuple(_columns_read(source, groups, followed))
    return SourceNote(columns, source.fed_by_applicant, source.stale_after, source.title.en, source.title.zh)


def _note(catalogue: Catalogue, name: str, feature: Feature) -> FeatureNote:
    sources = catalogue.rests_on(feature)
    return FeatureNote(
        name,
        catalogue.features[name][0],
        value_kind(feature, catalogue.sources),
        feature.en,
        feature.zh,
        feature.unit,
        feature.direction,
        feature.reference,
        sources,
        bool(sources) and not any(catalogue.subjects.keys[item.by] for item in aggregates(feature)),
    )
