"""Does the wheel work from any folder, with the default project inside? Built and unpacked here, without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RISKENGINE_")}
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import riskengine; "
        f"assert riskengine.__file__.startswith({str(site)!r}); from riskengine.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)


def test_the_wheel_ships_the_default_project(unpacked: Path, tmp_path: Path) -> None:
    checked = _run(unpacked, tmp_path, "check")
    assert checked.returncode == 0, checked.stderr
    assert "provincial" in checked.stdout
    assert "all sound" in checked.stdout
    helped = _run(unpacked, tmp_path, "--help")
    assert helped.returncode == 0
    assert "nightly" in helped.stdout


def test_an_installed_engine_keeps_its_store_where_one_works(unpacked: Path, tmp_path: Path) -> None:
    done = _run(unpacked, tmp_path, "review", "--as-of", "2026-01-01", "--id", "x")
    assert done.returncode == 6
    assert str(tmp_path / "var") in done.stderr
    assert "Traceback" not in done.stderr
