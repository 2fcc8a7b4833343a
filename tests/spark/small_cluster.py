"""The settings of a small cluster in this process, and whether one can run here at all."""

from __future__ import annotations

import importlib.util
import os
import shutil

# Rows are few here: what Spark does for many (compiling each plan, planning anew between stages) is most of the time.
SMALL = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC",
}
BOOK = (
    "application",
    "contract",
    "compensation",
    "release",
    "mkt_reg",
    "institution",
)  # whom profiles are of


def absent() -> str:
    """Why Spark cannot run here; empty if it can."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'riskengine[spark]'"
    java = os.environ.get("JAVA_HOME") or shutil.which("java")
    return "" if java else "no Java: Spark needs 17 or newer"
