"""Do declared links, and the chains that features follow, fit the sources and keys they name?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from riskengine.clock import Span
from riskengine.errors import Problem, RiskEngineError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.profile.expressions import Aggregate
from riskengine.profile.keys import Link, Subjects
from riskengine.profile.kinds import column_kind, constant_kind

_FILE = "configs/subjects.toml"


def link_problems(subjects: Subjects, sources: Mapping[str, SourceContract]) -> list[Problem]:
    """Everything wrong with `[links.<name>]`: source, columns, values, window."""
    found: list[Problem] = []
    for name, link in subjects.links.items():
        place = f"{_FILE}: links.{name}"
        if link.any:
            found += _union_problems(place, link, subjects)
            continue
        found += _window_problems(place, link)
        if link.source not in sources:
            hint = nearest(link.source, sources)
            found.append(Problem(place, "a known source", repr(link.source), hint))
            continue
        source = sources[link.source]
        if source.role == "design":
            found.append(Problem(place, "a source of facts", f"{source.name}, which describes the sample"))
        if source.fed_by_applicant:
            got = f"{source.name}, which applicants bring themselves"
            found.append(Problem(place, "a source that only publishers feed", got))
        found += _column_problems(place, link, source)
    return found


def through_problems(
    place: str, aggregate: Aggregate, subjects: Subjects, sources: Mapping[str, SourceContract]
) -> list[Problem]:
    """What is wrong with the links an aggregate follows from its (declared) key."""
    if not aggregate.through:
        return []
    unknown = [name for name in aggregate.through if name not in subjects.links]
    if unknown:
        return [
            Problem(place, "a declared link", repr(name), nearest(name, subjects.links)) for name in unknown
        ]
    columns = subjects.keys[aggregate.by]
    if len(columns) != 1:
        return [Problem(place, "a key of one column to follow links from", f"{aggregate.by} {list(columns)}")]
    unions = [name for name in aggregate.through if subjects.links[name].any]
    if unions and aggregate.verb == "cycle":
        return [Problem(place, "one plain link to follow in a cycle", f"the union {unions[0]}")]
    if unions and len(aggregate.through) > 1:
        got = " -> ".join(aggregate.through)
        return [Problem(place, f"the union {unions[0]} followed alone, not in a chain", got)]
    ways = subjects.links[aggregate.through[0]].any or (aggregate.through,)
    if any(name not in subjects.links or subjects.links[name].any for way in ways for name in way):
        return []  # said once, of the union
    return [
        problem
        for way in ways
        for problem in _way_problems(place, replace(aggregate, through=way), subjects, sources)
    ]


def _way_problems(
    place: str, aggregate: Aggregate, subjects: Subjects, sources: Mapping[str, SourceContract]
) -> list[Problem]:
    """Whether each link of a chain starts where the one before it ends, and the last at the subject's kind of key."""
    columns = subjects.keys[aggregate.by]
    chain = [subjects.links[name] for name in aggregate.through]
    if any(link.source not in sources for link in chain):
        return []  # said once, of the link
    at = sources[subjects.applicant.source].column_type(columns[0]) if _known(subjects, sources) else None
    came = f"{aggregate.by} ({columns[0]})"
    found = []
    for name, link in zip(aggregate.through, chain, strict=True):
        source = sources[link.source]
        start, end = source.column_type(link.start), source.column_type(link.end)
        if at is not None and start is not None and start != at:
            found.append(
                Problem(place, f"a link that starts where {came} ends, at a {at}", f"{name}: {start}")
            )
        at, came = end, name
    if aggregate.source in sources or aggregate.verb == "cycle":
        last = sources[aggregate.source or subjects.applicant.source].column_type(columns[0])
        if at is not None and last is not None and last != at:
            found.append(Problem(place, f"links that end at a {last} as {columns[0]} is", f"{came}: {at}"))
    return found


def _known(subjects: Subjects, sources: Mapping[str, SourceContract]) -> bool:
    return subjects.applicant.source in sources


def _window_problems(place: str, link: Link) -> list[Problem]:
    try:
        empty = bool(link.window) and Span.parse(link.window) == Span()
    except RiskEngineError as error:
        return [Problem(f"{place}.window", item.expected, item.got, item.next) for item in error.problems]
    return [Problem(f"{place}.window", "a window longer than nothing", repr(link.window))] if empty else []


def _column_problems(place: str, link: Link, source: SourceContract) -> list[Problem]:
    known = [*source.columns, *source.derived]
    found = []
    bounds = [(word, name) for word in ("where", "least", "above") for name in getattr(link, word)]
    for word, column in (("from", link.start), ("to", link.end), *bounds):
        if source.column_type(column) is None:
            got = repr(column)
            found.append(
                Problem(f"{place}.{word}", f"a column of {source.name}", got, nearest(column, known))
            )
    for column, value in link.where.items():
        if source.column_type(column) is None:
            continue
        kind = column_kind(source, column)
        allowed = source.columns[column].values if column in source.columns else ()
        if not _fits(kind, value):
            found.append(Problem(f"{place}.where.{column}", f"a {kind}", repr(value)))
        elif allowed and value not in allowed:
            hint = nearest(str(value), allowed)
            found.append(
                Problem(f"{place}.where.{column}", f"a value {source.name} takes", repr(value), hint)
            )
    if bool(link.largest) != bool(link.by):
        got = f"largest = {link.largest}, by = {link.by!r}"
        found.append(Problem(place, "largest and by together", got))
    ranked = {"by": [link.by] if link.by else []}
    if link.by and source.column_type(link.by) is None:
        found.append(
            Problem(f"{place}.by", f"a column of {source.name}", repr(link.by), nearest(link.by, known))
        )
    for word in ("least", "above", "by"):
        for column in ranked.get(word, getattr(link, word)):
            if source.column_type(column) is not None and column_kind(source, column) != "number":
                got = f"{column}, a {column_kind(source, column)}"
                found.append(Problem(f"{place}.{word}", "a column of numbers", got))
    return found


def _union_problems(place: str, link: Link, subjects: Subjects) -> list[Problem]:
    """A union is of chains of declared links that are no unions themselves, and has nothing else."""
    found = []
    if len(link.model_fields_set) > 1:
        more = ", ".join(sorted(link.model_fields_set - {"any"}))
        found.append(Problem(place, "any alone, or source, from and to", f"any with {more}"))
    if not all(link.any):
        found.append(Problem(f"{place}.any", "at least one link in each chain", "an empty chain"))
    for name in dict.fromkeys(name for way in link.any for name in way):
        if name not in subjects.links:
            hint = nearest(name, subjects.links)
            found.append(Problem(f"{place}.any", "a declared link", repr(name), hint))
        elif subjects.links[name].any:
            found.append(Problem(f"{place}.any", "chains of plain links", f"the union {name!r}"))
    return found


def _fits(kind: str, value: object) -> bool:
    if kind != "date":
        return constant_kind(value) == kind
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False
