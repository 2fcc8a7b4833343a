"""One night as an Airflow DAG: the day of the run, one run at a time, in order; put it into the folder of DAGs.

`RISKENGINE` (the command) and `RISKENGINE_PROJECT` come from the scheduler's environment. Exit code 10 (published, with findings)
is a good night; 3 (published on data too old), 6, 7 and 8 fail at once; 5 (another run holds the lock) and a kill are tried again.
"""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

ZONE = "Asia/Shanghai"
FINAL = (2, 3, 6, 7, 8)
GOOD = (0, 10)


@dag(
    schedule="30 1 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz=ZONE),
    catchup=True,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10), "depends_on_past": True},
    tags=["riskengine"],
)
def riskengine_nightly() -> None:
    """Every night at 01:30, the night of the day before."""

    @task
    def night(logical_date: pendulum.DateTime | None = None) -> int:
        command = os.environ.get("RISKENGINE", "riskengine")
        begun = (logical_date or pendulum.now(ZONE)).in_timezone(
            ZONE
        )  # the instant of the schedule: 01:30 there
        day = os.environ.get("DAY") or begun.subtract(days=1).to_date_string()
        done = subprocess.run(
            [command, "--log", "json", "nightly", "--as-of", day, "--fail-on", "red"], check=False
        )
        if done.returncode in FINAL:
            raise AirflowFailException(f"riskengine nightly --as-of {day} ended with {done.returncode}")
        if done.returncode not in GOOD:
            raise RuntimeError(
                f"riskengine nightly --as-of {day} ended with {done.returncode}: it is tried again"
            )
        return done.returncode

    night()


riskengine_nightly()
