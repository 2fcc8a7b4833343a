"""Do profiles, scores and signals come from a real cluster too: Spark's own master and worker, processes of their own, spark-submit?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from both_engines import ROOT, differences, written_rows
from small_cluster import SMALL, absent

sys.path.append(str(ROOT / "tests" / "golden"))

from golden_world import PERSONAL_KEY, institution

from riskengine.cli import app
from riskengine.intake.load import take_in
from riskengine.project import Project

DAY, ARRIVED, PATIENCE = "2024-06-30", date(2025, 1, 31), 60.0
LEFT_OUT = ("SPARK_MASTER", "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SPARK_ENV_LOADED")


@pytest.fixture
def environment() -> dict[str, str]:
    """Of the cluster's processes: this Python, this PySpark, nothing of a session in this process."""
    if why := absent():
        pytest.skip(why)
    import pyspark

    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return kept | {
        "SPARK_HOME": str(Path(pyspark.__file__).parent), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT), "RISKENGINE_PERSONAL_KEY": PERSONAL_KEY,
    }  # fmt: skip


@pytest.fixture
def master(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of a master with one worker of two cores."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = [f"{environment['SPARK_HOME']}/bin/spark-class"]
    address, begun = f"spark://127.0.0.1:{port}", []
    log = tmp_path / "cluster.log"
    try:
        for words in (
            ("master.Master", "--port", str(port), "--host", "127.0.0.1", "--webui-port", "0"),
            ("worker.Worker", "--cores", "2", "--memory", "3g", "--work-dir", str(tmp_path / "work"),
             "--host", "127.0.0.1", "--webui-port", "0", address),
        ):  # fmt: skip
            with log.open("ab") as said:
                command = [*begin, f"org.apache.spark.deploy.{words[0]}", *words[1:]]
                begun.append(subprocess.Popen(command, env=environment, stdout=said, stderr=said))
            _wait_for("I have been elected leader" if len(begun) == 1 else "Registering worker", log)
        yield address
    finally:
        for process in reversed(begun):
            process.terminate()
            process.wait(PATIENCE)


def _wait_for(words: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while words not in (told := log.read_text(encoding="utf-8")):
        assert time.monotonic() < until, told
        time.sleep(0.2)


@pytest.mark.long
def test_a_standalone_cluster_says_what_one_machine_says(
    environment: dict[str, str], master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
        environment.pop(name, None)
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", PERSONAL_KEY)
    project = institution(tmp_path / "p")
    for folder in sorted(project.inbox.iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), ARRIVED)
    here, there = tmp_path / "here", tmp_path / "there"
    begin = tmp_path / "submitted.py"
    begin.write_text("from riskengine.cli import main\n\nmain()\n", encoding="utf-8")
    few = {name: value for name, value in SMALL.items() if name.startswith(("spark.ui", "spark.sql"))}
    settings = [word for name, value in few.items() for word in ("--conf", f"{name}={value}")]
    submit = [f"{environment['SPARK_HOME']}/bin/spark-submit", "--master", master, *settings, str(begin)]

    def submitted(*words: str) -> str:
        command = [*submit, "--project", str(project.root), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = submitted("profiles", "--as-of", DAY, "--out", f"{there}/p", "--engine", "spark")
    assert told.startswith("5 rows x")
    submitted(
        "score",
        "--model",
        "inforce_pd",
        "--profiles",
        f"{there}/p",
        "--out",
        f"{there}/s",
        "--engine",
        "spark",
    )
    told = submitted(
        "evaluate-signals", "--profiles", f"{there}/p", "--scores", f"{there}/s", "--out", f"{there}/w"
    )
    assert told.startswith("raised: ")

    here.mkdir()
    on_this_machine(project, "profiles", "--as-of", DAY, "--out", f"{here}/p")
    on_this_machine(
        project, "score", "--model", "inforce_pd", "--profiles", f"{here}/p", "--out", f"{here}/s"
    )
    for what in ("p/profiles", "s/scores"):
        assert differences(written_rows(here / what), written_rows(there / what)) == []
    raised = json.loads((there / "w/signals.json").read_text("utf-8"))["raised"]
    ((rows,),) = duckdb.sql(f"SELECT count(*) FROM read_parquet('{there}/w/signals/*.parquet')").fetchall()
    assert sum(raised.values()) == rows > 5


def on_this_machine(project: Project, *words: str) -> None:
    """Run a command in this process, on DuckDB."""
    app(["--project", str(project.root), *words], standalone_mode=False)
