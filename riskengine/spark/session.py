"""Which cluster works for us? The one of `--master`, of `$SPARK_MASTER`, or the one that spark-submit started us on."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from riskengine.errors import Problem, SetupError

MASTER = "SPARK_MASTER"
# What makes Spark's SQL mean what DuckDB's means; all may be set in a session that others have begun.
MEANING = {
    "spark.sql.ansi.enabled": "true",  # overflow and bad casts are errors, never nulls
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",  # "name" is a column
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # a product of decimals keeps its scale
    "spark.sql.session.timeZone": "UTC",  # days are days
    "spark.sql.caseSensitive": "false",
}
# How a skewed key is spread; may be changed with spark-submit --conf.
SPREAD = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.skewJoin.enabled": "true",
    # A huge key's facts are split over tasks also where they are then grouped: each task groups its part, and only the parts'
    # results are brought together. Spark 4.3 would join both passes into one, on one task, where they meet in a plan.
    "spark.sql.adaptive.forceOptimizeSkewedJoin": "true",
    "spark.sql.execution.combineAdjacentAggregation": "false",
    "spark.sql.adaptive.coalescePartitions.enabled": "true",
}


@contextmanager
def on_cluster(master: str = "", settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A SparkSession on the cluster; one that we began is stopped at the end, one that was there before stays.

    `SetupError` where PySpark or Java is absent, no cluster is named, it cannot be reached, or it fails at its work.
    """
    spark_session = _library()
    named = master or os.environ.get(MASTER, "")
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit began us and knows its master
    before = spark_session.getActiveSession()
    if before is None and not named and not submitted:
        told = (
            f"Say --master spark://HOST:7077 (or local[2] to try), set ${MASTER}, or begin with spark-submit"
        )
        raise SetupError("Which cluster?", [Problem("--master", "a Spark master", "none", told)])
    builder = spark_session.builder.appName("riskengine")
    if before is None and named and not submitted:
        builder = builder.master(named)
        if named.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            builder = builder.config("spark.ui.showConsoleProgress", "false")
    for name, value in (settings or {}).items():
        builder = builder.config(name, value)
    with arrow_only():
        try:
            session = builder.getOrCreate()
        except Exception as error:
            first = str(error).strip().splitlines()[0]
            problem = Problem(
                named or "spark-submit", "a cluster that answers", first, "Is the master running?"
            )
            raise SetupError("The cluster cannot be reached 集群无法连接", [problem]) from error
        try:
            _mean_the_same(session, settings or {})
            yield session
        except _failures() as error:
            problem = Problem(session.sparkContext.master, "work done", _told(error), "See the workers' logs")
            raise SetupError("The cluster failed 集群作业失败", [problem]) from error
        finally:
            if before is None:
                session.stop()


@contextmanager
def arrow_only() -> Iterator[None]:
    """PySpark warns that it does not know pandas 3; it is not asked to: batches come as Arrow, pyarrow makes frames."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _mean_the_same(session: Any, settings: Mapping[str, str]) -> None:
    for name, value in MEANING.items():
        session.conf.set(name, value)
    for name, value in SPREAD.items():
        if name not in settings and session.sparkContext.getConf().get(name, "") == "":
            session.conf.set(name, value)
    session.sparkContext.setLogLevel("ERROR")


def _failures() -> tuple[type[Exception], ...]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JError)


def _told(error: Exception) -> str:
    """What went wrong in a line: the last line of a worker's Python, else the first that names a cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    python = [
        line
        for line in lines
        if line.startswith(("riskengine.errors.", "ModuleNotFoundError", "ImportError"))
    ]
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (python or causes[-1:] or lines or [type(error).__name__])[0][:300]


def _library() -> Any:
    problems = []
    found: Any = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyspark.sql

            found = pyspark.sql.SparkSession
    except ImportError:
        problems.append(Problem("pyspark", "the library", "not installed", "pip install 'riskengine[spark]'"))
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        problems.append(Problem("java", "Java 17 or newer", "not found", "Install it or set $JAVA_HOME"))
    if problems:
        raise SetupError("Spark cannot run here", problems)
    return found
