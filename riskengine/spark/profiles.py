"""What are the values of many subjects, computed by a cluster? The steps of a recipe, one after the other, on the workers.

Nothing but counts comes to the driver. Steps of links are written to the working folder, for others begin from them; groups
are written block by block, several blocks at a time, so that no plan grows with the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.meaning import meaning
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe
from riskengine.spark.cluster import Cluster
from riskengine.spark.compile import spark_sql

AT_ONCE = 3  # blocks under way: while one waits for its last task, others fill the workers


def spark_recipe(catalogue: Catalogue, names: Iterable[str], *, lineage: bool = False) -> Recipe:
    """The features' recipe in Spark's SQL, with the same steps and names as DuckDB's."""
    return compile_recipe(catalogue, names, lineage=lineage, said=spark_sql)


def same_definitions(catalogue: Catalogue, frozen: Recipe, definitions: str = "") -> None:
    """Refuse where what a bundle froze in DuckDB's SQL is not what the definitions of today mean.

    Spark compiles the definitions anew. A bundle tells what they were when its model was trained (`definitions`, by
    `profile.meaning`); one that was made before bundles did, or by definitions that have changed since, is known to mean the same
    only where their DuckDB SQL still equals the bundle's.
    """
    gone = [name for name in frozen.names if name not in catalogue.features]
    if not gone and definitions and definitions == meaning(catalogue, frozen.names):
        return
    today = compile_recipe(catalogue, frozen.names, lineage=frozen.lineage) if not gone else None
    if today is None or _asked(today) != _asked(frozen):
        got = f"no {', '.join(gone)}" if gone else "other definitions"
        if not gone and not definitions:
            got = "another query: of other definitions, or by another version (the bundle does not tell)"
        told = "Retrain, or score with --engine duckdb, which runs the bundle's own query"
        problem = Problem("features/", "the query that the model was trained with", got, told)
        raise UsageError("A definition was changed since training 训练后口径已变更", [problem])


def _asked(recipe: Recipe) -> tuple[Any, ...]:
    """What is asked of the facts; not the notes of where a step begins to read."""
    steps = [*recipe.steps, *(step for block in recipe.blocks for step in block.steps)]
    queries = [(step.name, step.sql) for step in steps]
    return queries, [block.sql for block in recipe.blocks], recipe.values, recipe.keys, recipe.sources


def profiled(cluster: Cluster, recipe: Recipe) -> Any:
    """A frame of `subject` and every feature, over the tables `subjects` and the recipe's facts (see `Cluster`)."""
    session = cluster.session
    cluster.load_facts(recipe)
    for step in recipe.steps:
        cluster.kept(step.name, session.sql(step.sql)).createOrReplaceTempView(step.name)

    def block(number: int) -> Any:
        for step in recipe.blocks[number].steps:
            session.sql(step.sql).createOrReplaceTempView(step.name)
        return cluster.kept(f"w{number}", session.sql(recipe.blocks[number].sql))

    wide = session.table("subjects")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for made in pool.map(block, range(len(recipe.blocks))):
            wide = wide.join(made, "subject", "left")
    wide.createOrReplaceTempView("wide")
    return session.sql(recipe.values)
