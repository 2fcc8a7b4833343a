"""How do feature values become one query? Aggregates are grouped by source and key, then joined to the subjects.

1. For each (source, key) the distinct (key values, as-of) pairs of the subjects meet the facts of equal key that are
   visible (`known_at <= as_of`), not superseded (`superseded_at > as_of` or null), not removals, and not ahead of the
   as-of date (`event_date <= as_of`).
2. One grouped pass computes all verbs of that (source, key); windows and filters are conditions inside the aggregates.
3. Results are joined back to the subjects. A complete source gives zero where it has no row, a partial one null; an
   unknown key value gives null in both.
4. Arithmetic over these columns, in double precision, gives the features.

Sums are exact (decimals), so the bits do not depend on row order, threads or batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from riskengine.clock import Span
from riskengine.errors import UsageError
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue, value_kind
from riskengine.profile.expressions import (
    Aggregate,
    Arithmetic,
    Code,
    Constant,
    Expression,
    Feature,
    Filter,
    Function,
    aggregates,
)
from riskengine.profile.recipe import SQL_TYPES, FeatureNote, Recipe, SourceNote

_EXACT = {
    "integer": "decimal(18,4)",
    "money": "decimal(18,4)",
    "rate": "decimal(18,6)",
    "number": "decimal(18,6)",
}
_IBIS = {
    "VARCHAR": "string", "BIGINT": "int64", "DOUBLE": "float64", "DECIMAL(18,2)": "decimal(18,2)", "DATE": "date",
    "BOOLEAN": "boolean",
}  # fmt: skip
_ZERO_WHERE_NONE = ("count", "total", "distinct", "months_with")


@dataclass(frozen=True, slots=True)
class _Group:
    """All aggregates over one source through one key."""

    source: SourceContract
    by: str
    columns: tuple[str, ...]
    members: tuple[tuple[str, Aggregate], ...]  # (column name in the wide table, aggregate)


def compile_recipe(catalogue: Catalogue, names: Iterable[str], *, lineage: bool = False) -> Recipe:
    """Compile the named features; with `lineage`, each also gets `<name>__event` and `<name>__known` dates."""
    wanted = {name: catalogue.feature(name) for name in names}
    problems = catalogue.problems()
    if problems:
        raise UsageError("The definitions are not sound", problems)
    groups = _groups(catalogue, wanted.values())
    keys = _key_columns(catalogue)
    subjects = ibis.table(
        {"subject": "int64", "as_of": "date", "fed": "boolean", **{c: _IBIS[t] for c, t in keys}},
        name="subjects",
    )
    wide = subjects
    for number, group in enumerate(groups):
        wide = _join_back(wide, _aggregate_group(subjects, group, lineage), group, number)
    columns = {_signature(aggregate): name for group in groups for name, aggregate in group.members}
    outputs = {"subject": wide.subject}
    for name, feature in wanted.items():
        outputs[name] = _output(
            _value(feature, wide, columns, catalogue), value_kind(feature, catalogue.sources)
        )
        if lineage:
            outputs |= _lineage(name, feature, wide, columns)
    table = wide.select(**outputs).order_by("subject")
    return Recipe(
        str(ibis.to_sql(table, dialect="duckdb")),
        tuple(_note(catalogue, name, feature) for name, feature in wanted.items()),
        tuple((source.name, _source_note(source, groups)) for source in _used(groups)),
        tuple(keys),
        lineage,
    )


def _groups(catalogue: Catalogue, features: Iterable[Feature]) -> list[_Group]:
    members: dict[tuple[str, str], dict[tuple[Any, ...], Aggregate]] = {}
    for feature in features:
        for aggregate in aggregates(feature):
            members.setdefault((aggregate.source, aggregate.by), {}).setdefault(
                _signature(aggregate), aggregate
            )
    return [
        _Group(
            catalogue.sources[source],
            by,
            catalogue.subjects.keys[by],
            tuple((f"g{number}_{index}", aggregate) for index, aggregate in enumerate(found.values())),
        )
        for number, ((source, by), found) in enumerate(sorted(members.items()))
    ]


def _aggregate_group(subjects: Any, group: _Group, lineage: bool) -> Any:
    """One grouped pass over the facts of a source for every distinct (key, as-of)."""
    source = group.source
    facts = ibis.table(
        {
            **{name: _IBIS[kind] for name, kind in _columns_read(source, [group])},
            "event_date": "date",
            "known_at": "date",
            "superseded_at": "date",
            "removed": "boolean",
            "fact_rank": "int64",
            "for_subject": "int64",
        },
        name=f"facts_{source.name}",
    )
    own = source.fed_by_applicant
    pairs = subjects.filter([subjects[column].notnull() for column in group.columns])
    # A source that applicants feed is read subject by subject; any other once for each distinct key and date.
    identity = ["subject", "fed", *(c for c in source.key if c in subjects.columns)] if own else []
    by = list(dict.fromkeys([*group.columns, "as_of", *identity]))
    pairs = pairs.select(by).distinct()
    bounds = {span: f"b{index}" for index, span in enumerate(_spans(group))}
    pairs = pairs.mutate(
        **{name: _before(pairs.as_of, span) for span, name in bounds.items()},
        month_no=pairs.as_of.year() * 12 + pairs.as_of.month(),
    )
    conditions = [pairs[column] == facts[column] for column in group.columns]
    conditions += [
        facts.known_at <= pairs.as_of,
        facts.event_date <= pairs.as_of,
        facts.superseded_at.isnull() | (facts.superseded_at > pairs.as_of),
        ~facts.removed,
    ]
    if own:
        conditions.append(_own_or_stored(pairs, facts, source))
    oldest = _oldest_bound(group, pairs, bounds)
    if oldest is not None:
        conditions.append(facts.event_date > oldest)
    joined = pairs.join(facts, conditions, lname="", rname="f_{name}")
    reader = _Reader(joined, set(pairs.columns), bounds, source)
    measures = {name: reader.measure(aggregate) for name, aggregate in group.members}
    if lineage:
        for name, aggregate in group.members:
            inside = reader.condition(aggregate)
            measures[f"{name}__event"] = reader.column("event_date").max(where=inside)
            measures[f"{name}__known"] = reader.column("known_at").max(where=inside)
    return joined.group_by([joined[column] for column in by]).aggregate(**measures)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads fact columns out of the join and turns one aggregate into one Ibis measure."""

    joined: Any
    taken: set[str]
    bounds: Mapping[Span, str]
    source: SourceContract

    def column(self, name: str) -> Any:
        return self.joined[f"f_{name}" if name in self.taken else name]

    def condition(self, aggregate: Aggregate) -> Any:
        inside = None
        for part in self._conditions(aggregate):
            inside = part if inside is None else inside & part
        return inside

    def _conditions(self, aggregate: Aggregate) -> Iterable[Any]:
        event = self.column("event_date")
        if aggregate.ago != Span():
            yield event <= self.joined[self.bounds[aggregate.ago]]
        if aggregate.window is not None:
            yield event > self.joined[self.bounds[_far(aggregate)]]
        for rule in aggregate.where:
            yield self._filter(rule)

    def _filter(self, rule: Filter) -> Any:
        column = self.column(rule.column)
        if rule.operator == "in":
            return column.isin(list(rule.value))  # type: ignore[arg-type]
        return {
            "==": column.__eq__, "!=": column.__ne__, "<": column.__lt__, "<=": column.__le__, ">": column.__gt__,
            ">=": column.__ge__,
        }[rule.operator](rule.value)  # fmt: skip

    def _exact(self, name: str) -> Any:
        return self.column(name).cast(_EXACT[self.source.column_type(name) or "number"])

    def measure(self, aggregate: Aggregate) -> Any:
        inside = self.condition(aggregate)
        event = self.column("event_date")
        verb, name = aggregate.verb, aggregate.column or "event_date"
        if verb == "count":
            return event.count(where=inside)
        if verb == "months_with":
            return (event.year() * 12 + event.month()).nunique(where=inside)
        if verb == "total":
            return self._exact(name).sum(where=inside)
        if verb == "mean":
            return _double(self._exact(name).sum(where=inside)) / self.column(name).count(
                where=inside
            ).nullif(0)
        if verb == "smallest":
            return self.column(name).min(where=inside)
        if verb == "largest":
            return self.column(name).max(where=inside)
        if verb == "distinct":
            return self.column(name).nunique(where=inside)
        if verb in ("latest", "first"):
            # Packed in a struct, so that a null value of the chosen fact stays null instead of yielding to another.
            packed, rank = ibis.struct({"v": self.column(name)}), self.column("fact_rank")
            picked = (
                packed.argmax(rank, where=inside) if verb == "latest" else packed.argmin(rank, where=inside)
            )
            return picked["v"]
        if verb == "days_since":
            return event.max(where=inside)
        if verb == "days_since_first":
            return event.min(where=inside)
        return self._slope(name, inside) if verb == "trend" else self._deviation(name, inside)

    def _slope(self, name: str, inside: Any) -> Any:
        event, y = self.column("event_date"), self._exact(name)
        inside = y.notnull() if inside is None else inside & y.notnull()
        x = (event.year() * 12 + event.month() - self.joined.month_no).cast("int32")
        n = _double(x.count(where=inside))
        sx, sy = _double(x.sum(where=inside)), _double(y.sum(where=inside))
        sxx, sxy = _double((x * x).sum(where=inside)), _double((x.cast("decimal(9,0)") * y).sum(where=inside))
        return (n * sxy - sx * sy) / (n * sxx - sx * sx).nullif(0)

    def _deviation(self, name: str, inside: Any) -> Any:
        y = self._exact(name)
        n = _double(y.count(where=inside))
        sy, syy = _double(y.sum(where=inside)), _double((y * y).sum(where=inside))
        spread = (syy - sy * sy / n.nullif(0)) / (n - 1).nullif(0)
        return ibis.greatest(spread, 0.0).sqrt()


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


def _join_back(wide: Any, result: Any, group: _Group, number: int) -> Any:
    shared = [column for column in result.columns if column in wide.columns and not column.startswith("g")]
    rest = [column for column in result.columns if column not in shared]
    renamed = result.select(
        **{f"k{number}_{column}": result[column] for column in shared}, **{c: result[c] for c in rest}
    )
    joined = wide.left_join(renamed, [wide[column] == renamed[f"k{number}_{column}"] for column in shared])
    kept = joined.select([*wide.columns, *rest])
    if group.source.coverage == "complete":
        filled = {}
        known = ibis.literal(True)
        for column in group.columns:
            known = known & kept[column].notnull()
        for name, aggregate in group.members:
            if aggregate.verb in _ZERO_WHERE_NONE:
                value = kept[name]
                filled[name] = ibis.ifelse(known, value.fill_null(ibis.literal(0).cast(value.type())), value)
        kept = kept.mutate(**filled) if filled else kept
    return kept


def _value(
    expression: Expression, wide: Any, columns: Mapping[tuple[Any, ...], str], catalogue: Catalogue
) -> Any:
    """An expression over the wide table's aggregate columns."""
    if isinstance(expression, Feature):
        return _value(expression.of, wide, columns, catalogue)
    if isinstance(expression, Constant):
        return ibis.literal(expression.value)
    if isinstance(expression, Aggregate):
        value = wide[columns[_signature(expression)]]
        if expression.verb in ("days_since", "days_since_first"):
            return _double(wide.as_of.delta(value, unit="day"))
        return _double(value) if value_kind(expression, catalogue.sources) == "number" else value
    parts = [_value(part, wide, columns, catalogue) for part in expression.inputs()]
    if isinstance(expression, Arithmetic):
        return _arithmetic(expression.operator, *parts)
    if isinstance(expression, Code):
        coded = ibis.cases(
            *((parts[0] == text, float(number)) for text, number in expression.table),
            else_=None if expression.other is None else float(expression.other),
        )
        return _double(coded if expression.other is None else ibis.ifelse(parts[0].isnull(), None, coded))
    assert isinstance(expression, Function)
    return _function(expression.name, parts, wide)


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "/":
        return _double(left) / _double(right).nullif(0.0)
    if operator in "+-*":
        left, right = _double(left), _double(right)
        return {"+": left + right, "-": left - right, "*": left * right}[operator]
    compared = {
        ">": lambda: left > right, ">=": lambda: left >= right, "<": lambda: left < right, "<=": lambda: left <= right,
        "==": lambda: left == right,
    }[operator]()  # fmt: skip
    return _double(compared.cast("int8"))


def _function(name: str, parts: list[Any], wide: Any) -> Any:
    if name == "elapsed_days":
        return _double(wide.as_of.delta(parts[0], unit="day"))
    if name == "is_missing":
        return _double(parts[0].isnull().cast("int8"))
    if name == "first_known":
        return ibis.coalesce(*(_double(part) for part in parts))
    values = [_double(part) for part in parts]
    if name == "log1p":
        return ibis.ifelse(values[0] < 0, None, (values[0] + 1.0).ln())
    if name == "absolute":
        return values[0].abs()
    bounded = ibis.greatest(*values) if name == "at_least" else ibis.least(*values)
    return ibis.ifelse(values[0].isnull(), None, bounded)


def _output(value: Any, kind: str) -> Any:
    return _double(value) if kind == "number" else value


def _lineage(
    name: str, feature: Feature, wide: Any, columns: Mapping[tuple[Any, ...], str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for clock in ("event", "known"):
        parts = [wide[f"{columns[_signature(aggregate)]}__{clock}"] for aggregate in aggregates(feature)]
        found[f"{name}__{clock}"] = ibis.greatest(*parts) if parts else ibis.null("date")
    return found


def _double(value: Any) -> Any:
    return value.cast("float64")


def _before(day: Any, span: Span) -> Any:
    return (day - ibis.interval(months=span.months) - ibis.interval(days=span.days)).cast("date")


def _far(aggregate: Aggregate) -> Span:
    window = aggregate.window or Span()
    return Span(window.months + aggregate.ago.months, window.days + aggregate.ago.days)


def _spans(group: _Group) -> list[Span]:
    spans = {aggregate.ago for _, aggregate in group.members} | {
        _far(aggregate) for _, aggregate in group.members if aggregate.window is not None
    }
    return sorted(spans - {Span()}, key=lambda span: (span.months, span.days))


def _oldest_bound(group: _Group, pairs: Any, bounds: Mapping[Span, str]) -> Any:
    """Where every aggregate of a complete source has a window, facts before the widest one need not be joined."""
    if group.source.coverage != "complete" or any(aggregate.window is None for _, aggregate in group.members):
        return None
    return ibis.least(*(pairs[bounds[_far(aggregate)]] for _, aggregate in group.members))


def _signature(aggregate: Aggregate) -> tuple[Any, ...]:
    where = tuple((rule.column, rule.operator, rule.value) for rule in aggregate.where)
    return (
        aggregate.verb,
        aggregate.source,
        aggregate.column,
        aggregate.by,
        aggregate.window,
        aggregate.ago,
        where,
    )


def _key_columns(catalogue: Catalogue) -> list[tuple[str, str]]:
    columns: dict[str, str] = {}
    for rule in (catalogue.subjects.applicant, catalogue.subjects.guarantee):
        source = catalogue.sources[rule.source]
        for column in (
            rule.id,
            rule.enterprise,
            *(c for key in catalogue.subjects.keys.values() for c in key),
        ):
            columns.setdefault(column, SQL_TYPES[source.column_type(column) or "text"])
    return sorted(columns.items())


def _columns_read(source: SourceContract, groups: Iterable[_Group]) -> list[tuple[str, str]]:
    names: set[str] = set()
    for group in groups:
        if group.source.name == source.name:
            names |= set(group.columns)
            for _, aggregate in group.members:
                names |= {aggregate.column} if aggregate.column else set()
                names |= {rule.column for rule in aggregate.where}
            if source.fed_by_applicant:
                names |= set(source.key)
    names -= {"event_date", "known_at"}
    return [(name, SQL_TYPES[source.column_type(name) or "text"]) for name in sorted(names)]


def _used(groups: Iterable[_Group]) -> list[SourceContract]:
    return list({group.source.name: group.source for group in groups}.values())


def _source_note(source: SourceContract, groups: Iterable[_Group]) -> SourceNote:
    columns = tuple(_columns_read(source, groups))
    return SourceNote(columns, source.fed_by_applicant, source.stale_after, source.title.en, source.title.zh)


def _note(catalogue: Catalogue, name: str, feature: Feature) -> FeatureNote:
    sources = tuple(sorted({aggregate.source for aggregate in aggregates(feature)}))
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
    )
