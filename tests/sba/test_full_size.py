"""The whole demo at its full size, as `make demo` runs it, and a second training beside the first. Minutes: `make test-all`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from riskengine.project import Project
from riskengine.registry import Registry, versions

SBA = Path(__file__).parents[2] / "examples" / "sba_7a"


@pytest.mark.long
def test_the_demo_runs_and_training_again_gives_the_same_bundles(tmp_path: Path) -> None:
    folder = tmp_path / "sba_7a"
    shutil.copytree(SBA, folder, ignore=shutil.ignore_patterns("var", "__pycache__"))
    done = subprocess.run(
        [sys.executable, str(folder / "demo.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    for day in ("2006-01-31", "2006-02-28", "2006-03-31"):
        names = {path.name for path in (folder / "var" / "publications" / day).iterdir()}
        assert {
            "scores.parquet",
            "signals.parquet",
            "cases.parquet",
            "lines.parquet",
            "reminders.parquet",
        } <= names
        assert {"report.html", "digest.json", "manifest.json"} <= names
    project = Project(folder)
    for model in ("access_pd", "inforce_pd"):
        again = project.pipeline("retrain").run(project, model, date(2005, 12, 31))
        once = project.pipeline("retrain").run(project, model, date(2005, 12, 31))
        assert again.bundle == once.bundle
        assert [version.version for version in versions(Registry(project.store), model)] == [1, 2, 3]
