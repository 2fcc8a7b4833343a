"""Is one enterprise, or one bank, with a million rows the work of one task? Records that each task read, as Spark counted them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_cluster import SMALL, absent

from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import aggregates
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.spark.cluster import Cluster
from riskengine.spark.profiles import profiled, spark_recipe
from riskengine.spark.session import on_cluster
from riskengine.store.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
HUGE, OTHERS = 1_000_000, 200_000
KEYS = {"tax_paid": "uscc", "contract": "bank"}
SETTINGS = SMALL | {
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": "-1",  # as where subjects are many
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "1m",
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "1m",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.files.maxPartitionBytes": "1m",
}


class Facts(Cluster):
    """A cluster whose one source is invented on the workers: one value of its key has five of six rows."""

    def load_facts(self, recipe: Recipe) -> None:
        """A view `facts_<source>`."""
        ((source, note),) = recipe.sources
        key, kinds = KEYS[source], note.columns
        rows = self.session.range(0, HUGE + OTHERS, 1, 8).selectExpr(
            "id", f"CASE WHEN id < {HUGE} THEN 'HUGE' ELSE concat('E', id % 5000) END AS `{key}`",
            "date_add(date'2022-01-01', CAST(id % 1000 AS int)) AS event_date",
        )  # fmt: skip
        known = [
            f"CAST(id % 97 AS {kind}) AS `{name}`" if "DECIMAL" in kind or kind in ("DOUBLE", "BIGINT")
            else f"CAST(NULL AS {'string' if kind == 'VARCHAR' else kind}) AS `{name}`"
            for name, kind in kinds if name != key
        ]  # fmt: skip
        made = rows.selectExpr(
            key, "event_date", "event_date AS known_at", "CAST(NULL AS date) AS superseded_at",
            "false AS removed", "id AS fact_rank", "CAST(NULL AS bigint) AS for_subject", *known,
        )  # fmt: skip
        self.kept("facts", made).createOrReplaceTempView(f"facts_{source}")


def most_read(session: Any, work: Any) -> tuple[int, int]:
    """Do the work; the most records that one task read after a shuffle, and how many tasks read any."""
    store = session.sparkContext._jsc.sc().statusStore()
    jvm = session._jvm
    nothing = session.sparkContext._gateway.new_array(jvm.double, 0)

    def stages() -> list[Any]:
        return _each(store.stageList(None, False, False, nothing, jvm.java.util.ArrayList()))

    before = {stage.stageId() for stage in stages()}
    work()
    read = []
    for stage in stages():
        if stage.stageId() not in before and stage.status().toString() == "COMPLETE":
            for task in _each(store.taskList(stage.stageId(), stage.attemptId(), 10_000)):
                if task.taskMetrics().isDefined():
                    read.append(int(task.taskMetrics().get().shuffleReadMetrics().recordsRead()))
    return max(read), sum(1 for one in read if one)


def _each(sequence: Any) -> list[Any]:
    return [sequence.apply(number) for number in range(sequence.size())]


def of_enterprises(catalogue: Catalogue, additive: bool) -> list[str]:
    """Features of an enterprise's own taxes: counts and totals, or everything else that needs no window over the key."""
    names = []
    for name, (_, feature) in catalogue.features.items():
        found = list(aggregates(feature))
        if {one.source for one in found} == {"tax_paid"} and all(
            one.by == "enterprise" and not one.through and (one.verb in ("count", "total")) == additive
            and not any(rule.moving for rule in one.where) for one in found
        ):  # fmt: skip
            names.append(name)
    return names


@pytest.mark.long
@pytest.mark.parametrize("kind", ["enterprise's totals", "enterprise's others", "bank's totals"])
def test_no_task_has_the_huge_key_alone(kind: str, tmp_path: Path) -> None:
    """A bank's facts are summed where they are read; an enterprise's are split as they were read (see docs/spark.md)."""
    if why := absent():
        pytest.skip(why)
    catalogue = Catalogue(Project(ROOT))
    summed = kind == "bank's totals"
    names = ["bank_guaranteed_12m"] if summed else of_enterprises(catalogue, kind == "enterprise's totals")
    assert names
    recipe = spark_recipe(catalogue, names)
    ((source, _),) = recipe.sources
    with on_cluster("local[2]", SETTINGS) as session:
        cluster = Facts(session, Snapshot("none", tmp_path, {}), str(tmp_path))
        keys = [f"CAST(NULL AS string) AS `{name}`" for name, _ in recipe.keys if name != KEYS[source]]
        who = session.range(5001).selectExpr(
            "id AS subject", f"date'{date(2024, 12, 31)}' AS as_of", "false AS fed",
            f"CASE WHEN id = 5000 THEN 'HUGE' ELSE concat('E', id) END AS `{KEYS[source]}`", *keys,
        )  # fmt: skip
        cluster.kept("who", who).createOrReplaceTempView("subjects")
        most, tasks = most_read(
            session, lambda: profiled(cluster, recipe).write.parquet(str(tmp_path / "out"))
        )
        assert session.read.parquet(str(tmp_path / "out")).count() == 5001
    print(kind, len(names), "features; most records in one task:", most, "of", HUGE + OTHERS, "tasks:", tasks)
    assert most < (HUGE // 10 if summed else HUGE // 4)
