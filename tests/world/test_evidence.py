"""Are the rows named as evidence exactly those that made the value? Read slowly, fact by fact, off the stored tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import pytest
from hand_world import COLUMNS, SUBJECTS

from riskengine.clock import Span, month_end
from riskengine.monitor.evidence import clause, key_columns
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.entering import entering
from riskengine.profile.expressions import Aggregate, Constant, Feature, Filter, Function, aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.store.facts import FactStore

DAYS = [date(2023, 7, 31), date(2023, 12, 31), date(2024, 6, 30)]
COUNTING = ("count", "months_with", "distinct")


def counted(feature: Feature) -> Aggregate | None:
    """The one counting aggregate of a feature that is nothing else, or that reads "none found" where nothing is known."""
    value = feature.of
    if isinstance(value, Function) and value.name == "first_known":
        if not all(isinstance(other, Constant) for other in value.arguments[1:]):
            return None
        value = value.arguments[0]
    return value if isinstance(value, Aggregate) and value.verb in COUNTING else None


class Seen:
    """The hand-written world on a bench, with the values of everything that is a count."""

    def __init__(self, project: Project) -> None:
        self.catalogue = Catalogue(project)
        found = {name: counted(feature) for name, (_, feature) in self.catalogue.features.items()}
        self.counted = {name: one for name, one in found.items() if one}
        recipe = compile_recipe(self.catalogue, self.counted)
        self.subjects = [
            Subject(day, dict(zip(COLUMNS, values, strict=True)))
            for values in SUBJECTS.values()
            for day in DAYS
        ]
        self.bench = Workbench(FactStore(project.store).snapshot())
        self.bench.load_subjects(recipe, self.subjects)
        self.bench.load_facts(recipe)
        for source in self.catalogue.sources:  # all columns, as other features read others
            if files := self.bench.facts(source):
                view = f"SELECT *, NULL::BIGINT AS for_subject FROM {files}"
                self.bench.connection.execute(f"CREATE OR REPLACE VIEW facts_{source} AS {view}")
        self.values = self.bench.rows(recipe)
        self.tables: dict[str, dict[int, dict[str, Any]]] = {}

    def entering(self, name: str) -> dict[int, set[tuple[Any, ...]]]:
        """The rows behind a feature by subject, none twice."""
        found: dict[int, set[tuple[Any, ...]]] = {}
        for subject, *row in self.bench.connection.execute(entering(self.catalogue, name)).fetchall():
            assert tuple(row) not in found.setdefault(subject, set())
            found[subject].add(tuple(row))
        return found

    def stored(self, source: str) -> dict[int, dict[str, Any]]:
        """Every stored fact of a source by its rank."""
        if source not in self.tables:
            files, rows = self.bench.facts(source), []
            if files:
                cursor = self.bench.connection.execute(f"SELECT * FROM {files}")
                names = [column[0] for column in cursor.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            self.tables[source] = {row["fact_rank"]: row for row in rows}
        return self.tables[source]


@pytest.fixture(scope="module")
def seen(world: Project) -> Iterator[Seen]:
    found = Seen(world)
    with found.bench:
        yield found


def test_as_many_rows_as_were_counted(seen: Seen) -> None:
    told: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for name, one in seen.counted.items():
        kind = one.verb + " through links" * bool(one.through)
        met[kind] += 1
        if met[kind] % (2 if "distinct" in kind else 6) != 1:  # compiling each takes longer than reading it
            continue
        found, facts = seen.entering(name), seen.stored(one.source)
        for number, values in enumerate(seen.values):
            rows = found.get(number, set())
            if one.verb == "months_with":
                size = len({(row[1].year, row[1].month) for row in rows})
            else:
                column = one.column if one.verb == "distinct" else "fact_rank"
                size = len({facts[row[3]][column] for row in rows})
            assert size == (values[name] or 0), (name, seen.subjects[number])
            told[kind] += bool(rows)
    assert min(told[verb] for verb in (*COUNTING, "distinct through links")) >= 3, told


def bounds(one: Aggregate, as_of: date) -> tuple[date, date]:
    """The first and the last day that count, by the calendar."""
    last = one.ago.before(as_of)
    if one.months is None:
        return (one.window.before(last) if one.window else date.min), last
    ended = month_end(last) if month_end(last) == last else last.replace(day=1) - timedelta(days=1)
    end = month_end(Span(months=one.earlier).before(ended.replace(day=1)))
    return month_end(Span(months=one.months).before(end.replace(day=1))), end


def meets(rule: Filter, row: dict[str, Any], as_of: date) -> bool:
    value = row.get(rule.column)
    if rule.operator in ("known", "unknown"):
        return (value is None) == (rule.operator == "unknown")
    if rule.operator == "unknown_or_not_before_as_of":
        return value is None or value >= as_of
    if value is None:
        return False
    if rule.operator == "in":
        return value in rule.value  # type: ignore[operator]
    other: Any = as_of if rule.of_as_of else rule.value
    compare = {
        "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
        "before_as_of": lt, "not_before_as_of": ge, "after_as_of": gt, "not_after_as_of": le,
    }  # fmt: skip
    return bool(compare[rule.operator](value, other))


def slow(
    one: Aggregate, facts: list[dict[str, Any]], keys: dict[str, Any], as_of: date
) -> set[tuple[Any, ...]]:
    """The facts an aggregate reads, one by one."""
    begin, end = bounds(one, as_of)
    visible = [
        row
        for row in facts
        if not row["removed"]
        and row["known_at"] <= as_of
        and row["event_date"] <= as_of
        and (row["superseded_at"] is None or row["superseded_at"] > as_of)
        and all(value is not None and row[column] == value for column, value in keys.items())
    ]
    last = {  # of all that is visible through the key, whatever the window
        rule.column: max((row[rule.column] for row in visible if row[rule.column] is not None), default=None)
        for rule in one.where
        if rule.operator == "latest"
    }
    inside = [
        row
        for row in visible
        if begin < row["event_date"] <= end
        and all(meets(rule, row, as_of) for rule in one.where if rule.operator != "latest")
        and all(day is not None and row[column] == day for column, day in last.items())
    ]
    if one.verb in ("total", "mean", "distinct", "trend", "volatility", "smallest", "largest"):
        inside = [row for row in inside if row[one.column] is not None]
    if inside and one.verb in ("latest", "first"):
        inside = [(max if one.verb == "latest" else min)(inside, key=lambda row: row["fact_rank"])]
    if inside and one.verb in ("largest", "smallest"):
        best = (max if one.verb == "largest" else min)(row[one.column] for row in inside)
        inside = [row for row in inside if row[one.column] == best]
    return {(one.source, row["event_date"], row["known_at"], row["fact_rank"]) for row in inside}


def test_the_rows_are_those_of_a_slow_reading(seen: Seen) -> None:
    catalogue, verbs = seen.catalogue, Counter[str]()
    for place, (name, (_, feature)) in enumerate(catalogue.features.items()):
        read = [one for one in aggregates(feature) if one.source]
        moving = any(rule.of_as_of for one in read for rule in one.where)
        if not read or any(one.through or catalogue.sources[one.source].fed_by_applicant for one in read):
            continue
        if not all(seen.stored(one.source) for one in read) or (
            place % 8 and not (moving and place % 3 == 0)
        ):
            continue
        found = seen.entering(name)
        for number, subject in enumerate(seen.subjects):
            wanted: set[tuple[Any, ...]] = set()
            for one in read:
                keys = {column: subject.keys.get(column) for column in catalogue.subjects.keys[one.by]}
                rows = slow(one, list(seen.stored(one.source).values()), keys, subject.as_of)
                verbs[one.verb] += bool(rows)
                wanted |= rows
            assert found.get(number, set()) == wanted, (name, subject)
    assert len(+verbs) >= 8, verbs


def test_personal_columns_are_never_keys(world: Project) -> None:
    for contract in Catalogue(world).sources.values():
        kept = set(key_columns(contract))
        assert not kept & set(contract.personal)
        made = {name for name, rule in contract.derived.items() if set(rule.columns) & set(contract.personal)}
        assert not kept & made
    told = clause(
        '{"rows": [{"en": "E", "zh": "征信", "keys": {"uscc": "X", "no": 7}, "event_date": "2024-01-02"}], "of": 1}',
        ("X",),
    )
    assert told is not None
    assert told.zh == "征信 7 2024-01-02"
