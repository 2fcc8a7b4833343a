"""Which facts is a feature's value made of? The rows behind a number, by the same joins and rules that computed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import Aggregate, aggregates
from riskengine.profile.groups import Group
from riskengine.profile.links import Chain, chains
from riskengine.profile.plan import _columns_read, _facts_met, _key_columns
from riskengine.profile.recipe import IBIS_TYPES
from riskengine.profile.terms import signature
from riskengine.profile.wording import duckdb_sql

_OF_VALUES = (
    "total",
    "mean",
    "distinct",
    "trend",
    "volatility",
    "smallest",
    "largest",
)  # an unknown value has no part
_ONE = {  # of all that qualify these take one, or those of one value: SQL order, the deciding first
    "latest": "fact_rank DESC",
    "first": "fact_rank",
    "largest": "v DESC",
    "smallest": "v",
}


def entering(catalogue: Catalogue, name: str, subjects: str = "subjects", *, own: bool = False) -> str:
    """SQL: `subject, source, event_date, known_at, fact_rank` of each fact that has a part in a feature's value, once.

    A fact has a part where an aggregate of the feature reads it: equal or linked key, both clocks, window and filters.
    Of a `latest`, `first`, `largest` or `smallest` it is the chosen fact (all of one extreme value). `subjects` is the table
    of subjects, with their key columns; facts are read from `facts_<source>` as recipes do. Empty text: the feature reads
    no facts but the links themselves. With `own`, what is read without a key (of the whole book, of the feed as such) is
    left out where anything is read through one: it is nobody's own, and of a large source it is millions of rows.
    """
    return facts_of(catalogue, read_by(catalogue, name, own=own), subjects)


def read_by(catalogue: Catalogue, name: str, *, own: bool = False) -> list[Aggregate]:
    """The aggregates whose facts `entering` tells of, in the order in which the feature names them."""
    found = {signature(one): one for one in aggregates(catalogue.feature(name)) if one.source}
    read = [one for one in found.values() if one.verb not in ("linked", "cycle")]
    if own:
        read = [one for one in read if catalogue.subjects.keys[one.by]] or read
    return read


def columns_of(catalogue: Catalogue, source: str, read: Sequence[Aggregate]) -> list[str]:
    """The columns of a source, its clocks aside, that the queries of aggregates without links read."""
    keys, contract = catalogue.subjects.keys, catalogue.sources[source]
    mine = [one for one in read if one.source == source]
    groups = [Group(contract, one.by, keys[one.by], False, (("g", one),), None) for one in mine]
    return [name for name, _ in _columns_read(contract, groups)]


def facts_of(catalogue: Catalogue, read: Sequence[Aggregate], subjects: str = "subjects") -> str:
    """The same for aggregates themselves (none that only counts links); empty text for none."""
    if not read:
        return ""
    keys = {column: IBIS_TYPES[kind] for column, kind in _key_columns(catalogue)}
    table = ibis.table({"subject": "int64", "as_of": "date", "fed": "boolean", **keys}, name=subjects)
    followed = chains(catalogue, read)
    parts = [
        f"{key} AS ({duckdb_sql(part)})" for chain in followed.values() for key, part in chain.parts(table)
    ]
    met = [_met(catalogue, table, one, followed.get((one.by, one.through))) for one in read]
    first = "WITH " + ", ".join(parts) + " " if parts else ""
    return first + " UNION ".join(met)


def _met(catalogue: Catalogue, subjects: Any, one: Aggregate, chain: Chain | None) -> str:
    """The facts that one aggregate reads, by subject."""
    source = catalogue.sources[one.source]
    group = Group(source, one.by, catalogue.subjects.keys[one.by], False, (("g", one),), chain)
    reader, by = _facts_met(subjects, group)
    inside = reader.condition(one)
    if one.verb in _OF_VALUES:
        known = reader.column(one.column or "event_date").notnull()
        inside = known if inside is None else inside & known
    joined = reader.joined if inside is None else reader.joined.filter(inside)
    clocks = {clock: reader.column(clock) for clock in ("event_date", "known_at", "fact_rank")}
    value = (
        reader.column(one.column)
        if one.verb in ("largest", "smallest") and one.column
        else clocks["fact_rank"]
    )
    chosen, keys = _ONE.get(one.verb), ["subject"] if "subject" in by else by
    groups = ", ".join(f'"{name}"' for name in keys)
    only = f" QUALIFY rank() OVER (PARTITION BY {groups} ORDER BY {chosen}) = 1" if chosen else ""
    found = f"(SELECT * FROM ({duckdb_sql(joined.select(*by, **clocks, v=value))}){only}) f"
    if "subject" not in by:  # chosen before they meet the subjects: many may share a key
        columns = {"origin": group.columns[0]} if chain else {}
        equal = (f'f."{name}" = s."{columns.get(name, name)}"' for name in by)
        found += f" JOIN {subjects.get_name()} s ON {' AND '.join(equal)}"
    return f"SELECT subject, '{source.name}' AS source, event_date, known_at, fact_rank FROM {found}"
