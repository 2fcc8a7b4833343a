"""Do the examples for schedulers run: the script in an empty environment, the units as systemd reads them, the DAG as Python?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "examples" / "schedules"


def night(folder: Path, codes: list[int], **more: str) -> tuple[int, list[str]]:
    """Run night.sh with a command that writes down how it was called and ends with one code after the other."""
    command = folder / "riskengine"
    command.write_text(
        '#!/bin/sh\necho "$@" >> calls\nread code < codes\nsed -i 1d codes\nexit "$code"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    (folder / "codes").write_text("".join(f"{code}\n" for code in codes), encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "RISKENGINE": str(command), "PATIENCE": "0", **more}
    done = subprocess.run([str(HERE / "night.sh")], cwd=folder, env=environment, check=False)
    return done.returncode, (folder / "calls").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("codes", "ends", "times"),
    [([0], 0, 1), ([10], 10, 1), ([3], 3, 1), ([5, 0], 0, 2), ([5, 5], 5, 2), ([7], 7, 1)],
)
def test_the_script_ends_as_the_night_does_and_waits_once_for_a_lock(
    tmp_path: Path, codes: list[int], ends: int, times: int
) -> None:
    code, calls = night(tmp_path, codes, DAY="2026-06-30", FAIL_ON="orange")
    assert code == ends
    assert calls == ["--log json nightly --as-of 2026-06-30 --fail-on orange"] * times


def test_the_script_takes_yesterday(tmp_path: Path) -> None:
    _, calls = night(tmp_path, [0])
    assert re.fullmatch(r"--log json nightly --as-of \d{4}-\d{2}-\d{2} --fail-on red", calls[0])


def test_the_line_of_the_crontab_runs_in_the_environment_of_cron(tmp_path: Path) -> None:
    (line,) = [
        one for one in (HERE / "crontab").read_text(encoding="utf-8").splitlines() if one[:1].isdigit()
    ]
    command = line.split(maxsplit=5)[5].replace("/opt/riskengine/examples/schedules", str(HERE))
    stub = tmp_path / "riskengine"
    stub.write_text("#!/bin/sh\necho $RISKENGINE_PROJECT $3 $4 >&2\n", encoding="utf-8")
    stub.chmod(0o755)
    command = command.replace("/opt/riskengine/.venv/bin/riskengine", str(stub))
    command = command.replace("/var/log/riskengine", str(tmp_path))
    subprocess.run(["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin"}, check=True)
    assert (tmp_path / "nightly.jsonl").read_text(encoding="utf-8").startswith("/opt/riskengine nightly")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    for unit in HERE.glob("riskengine-nightly.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/riskengine/examples/schedules", str(HERE))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    units = sorted(map(str, tmp_path.glob("riskengine-nightly.*")))
    done = subprocess.run(
        ["systemd-analyze", "verify", *units],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_dag_is_sound_python() -> None:
    compile((HERE / "airflow_dag.py").read_text(encoding="utf-8"), "airflow_dag.py", "exec")
