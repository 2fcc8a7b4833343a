"""The same recipe over the same facts and subjects on DuckDB and on Spark, value beside value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from hand_world import COLUMNS, DATA, ROOT, SUBJECTS

from riskengine.intake.load import take_in
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.expressions import Aggregate, Expression, aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.spark.cluster import TYPES, Cluster
from riskengine.spark.profiles import profiled, spark_recipe
from riskengine.store.snapshot import Snapshot

DAYS = ("2023-06-30", "2024-02-29", "2024-12-31")
NEAR = 1e-12  # relative; only doubles at the very end of a value may differ: see docs/spark.md


def asked(days: Iterable[str] = DAYS) -> list[Subject]:
    """Every subject of the hand-written world on these days, and one of whom nothing is known."""
    known = [dict(zip(COLUMNS, values, strict=True)) for values in SUBJECTS.values()]
    return [Subject(date.fromisoformat(day), keys) for day in days for keys in [*known, {}]]


def world_of(root: Path, sources: Iterable[str]) -> Project:
    """The default project in a folder of its own, with these sources' files of the hand-written world taken in."""
    root.mkdir(parents=True)
    for room in ("configs", "features", "models"):
        (root / room).symlink_to(ROOT / room)
    project = Project(root)
    for name in sorted(sources):
        take_in(project, name, sorted((DATA / name).glob("*.csv")), date(2025, 1, 31))
    return project


def on_duckdb(snapshot: Snapshot, recipe: Recipe, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """One dict a subject."""
    with Workbench(snapshot) as bench:
        bench.load_subjects(recipe, subjects)
        bench.load_facts(recipe)
        return bench.rows(recipe)


def on_spark(cluster: Cluster, recipe: Recipe, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """The same from the cluster."""
    columns = ", ".join(f"`{name}` {TYPES[kind]}" for name, kind in recipe.keys)
    rows = [
        (number, subject.as_of, subject.fed, *(subject.keys.get(name) for name, _ in recipe.keys))
        for number, subject in enumerate(subjects)
    ]
    schema = f"subject bigint, as_of date, fed boolean, {columns}"
    cluster.session.createDataFrame(rows, schema).createOrReplaceTempView("subjects")
    return sorted(
        (row.asDict() for row in profiled(cluster, recipe).collect()), key=lambda row: row["subject"]
    )


def written_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder's Parquet files in order of `subject`, one dict each."""
    found = duckdb.sql(f"SELECT * FROM read_parquet('{folder}/*.parquet') ORDER BY subject")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def differences(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[tuple[int, str, Any, Any]]:
    """(subject, feature, DuckDB's value, Spark's) wherever they are not the same."""
    assert len(one) == len(other)
    found = []
    for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        assert mine.keys() == theirs.keys()
        found += [
            (number, name, value, theirs[name])
            for name, value in mine.items()
            if not _same(value, theirs[name])
        ]
    return found


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or abs(one - other) <= NEAR * max(abs(one), abs(other))
    return bool(one == other)


def compared(
    spark: Any, catalogue: Catalogue, snapshot: Snapshot, names: list[str], working: Path
) -> tuple[list[dict[str, Any]], list[tuple[int, str, Any, Any]]]:
    """DuckDB's rows, and where Spark's differ."""
    mine = on_duckdb(snapshot, compile_recipe(catalogue, names), asked())
    cluster = Cluster(spark, snapshot, str(working))
    return mine, differences(mine, on_spark(cluster, spark_recipe(catalogue, names), asked()))


def every_shape(catalogue: Catalogue) -> list[str]:
    """A few features in which every word of the definitions occurs in every surrounding in which any feature has it.

    Chosen by how many more each brings for the steps it adds: a step is a query that Spark plans, and that is what takes time.
    """
    shapes = {name: _shapes(catalogue, feature) for name, (_, feature) in catalogue.features.items()}
    steps = {name: _steps(feature) for name, (_, feature) in catalogue.features.items()}
    missing = set().union(*shapes.values())
    chosen: list[str] = []
    taken: set[tuple[object, ...]] = set()

    def worth(name: str) -> tuple[float, int]:
        fresh = len(shapes[name] & missing)
        return fresh / (1 + 4 * len(steps[name] - taken)), fresh

    while missing:
        name = max(shapes, key=worth)
        chosen.append(name)
        missing -= shapes[name]
        taken |= steps[name]
    rest = set(chosen)  # what others chosen later bring too is left out
    for name in chosen:
        if shapes[name] <= set().union(*(shapes[one] for one in rest - {name})):
            rest.remove(name)
    return [name for name in chosen if name in rest]


def _steps(feature: Expression) -> set[tuple[object, ...]]:
    return {(one.source, one.by, one.through) for one in aggregates(feature)}


def _shapes(catalogue: Catalogue, feature: Expression) -> set[tuple[object, ...]]:
    found: set[tuple[object, ...]] = {
        (type(part).__name__, getattr(part, "operator", None), getattr(part, "name", None))
        for part in _parts(feature)
        if not isinstance(part, Aggregate)
    }
    for one in aggregates(feature):
        source = catalogue.sources.get(one.source)
        kind = source.column_type(one.column) if source and one.column else None
        window = "months" if one.months else "window" if one.window else "ever"
        found.add((one.verb, kind))
        found.add((one.verb, source.coverage if source else None, bool(one.through), window))
        found.add((one.verb, source.fed_by_applicant if source else None))
        found |= {(rule.operator, source.column_type(rule.column)) for rule in one.where if source}
    return found


def _parts(expression: Expression) -> Iterable[Expression]:
    yield expression
    for part in expression.inputs():
        yield from _parts(part)
