"""What is said where no cluster is named? In a process of its own, for a session that is there would be taken."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from small_cluster import absent


def test_no_cluster_is_guessed() -> None:
    if why := absent():
        pytest.skip(why)
    code = (
        "from riskengine.errors import SetupError\nfrom riskengine.spark.session import on_cluster\n"
        "try:\n    with on_cluster():\n        pass\nexcept SetupError as error:\n    print(error)"
    )
    left_out = ("SPARK_MASTER", "PYSPARK_GATEWAY_PORT")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "Which cluster?" in done.stdout, done.stderr
    assert "--master" in done.stdout
