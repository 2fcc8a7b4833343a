"""The SBA example in a folder of its own: its definitions with smaller models, its data, a store that may be spoilt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskengine.intake.load import Receipt, take_in
from riskengine.project import Project

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "sba_7a"
SHARED = ROOT.parent / "shared" / "data"
SOURCES = tuple(sorted(path.stem for path in (EXAMPLE / "configs" / "sources").glob("*.toml")))
TRAINED = date(2005, 12, 31)
NIGHTS = (date(2006, 1, 31), date(2006, 2, 28), date(2006, 3, 31))
LATE = date(2014, 12, 31)

SMALLER = {
    "access_pd": {"rounds": "40", "replicates": "50", "folds": "2"},
    "inforce_pd": {"rounds": "40", "replicates": "50", "folds": "2", "one_in": "30", "from": "2001-12-31"},
}


@dataclass(frozen=True)
class Institution:
    """A copied project and the receipts of what it took in."""

    project: Project
    receipts: tuple[Receipt, ...] = ()

    @property
    def store(self) -> Path:
        return self.project.store


def copied(folder: Path, models: Iterable[str] = tuple(SMALLER)) -> Project:
    """A copy of the example's definitions with smaller models; its inbox is the example's own."""
    for room in ("configs", "features", "models"):
        shutil.copytree(EXAMPLE / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for model in models:
        path = folder / "models" / f"{model}.toml"
        path.write_text(smaller(path.read_text(encoding="utf-8"), SMALLER[model]), encoding="utf-8")
    environment = folder / "configs" / "environment.toml"
    text = environment.read_text(encoding="utf-8")
    environment.write_text(text.replace('inbox = "data"', f'inbox = "{EXAMPLE / "data"}"'), encoding="utf-8")
    return Project(folder)


def smaller(text: str, values: dict[str, str]) -> str:
    """A model's TOML with other values; a key that is not there is added to its table."""
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", text)
        if not count:
            assert key in ("replicates", "folds")
            text = text.replace("[validation]", f"[validation]\n{key} = {value}")
    return text


def feed(project: Project, names: Iterable[str], source: str = "") -> list[Receipt]:
    """Take in the files of these arrival days, of one source or of all, from the project's inbox."""
    found: list[Receipt] = []
    for one in [source] if source else SOURCES:
        files = [project.inbox / one / f"{name}.parquet" for name in names]
        here = [path for path in files if path.exists()]
        if here:
            found += take_in(project, one, here, date.fromisoformat(here[-1].stem))
    return found


def branch(institution: Institution, folder: Path) -> Project:
    """The same institution with a store of its own: what is done here is not seen there."""
    shutil.copytree(institution.project.root, folder, symlinks=True)
    return Project(folder)


def command(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, cold, as an operator's shell runs it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RISKENGINE_")}
    return subprocess.run(
        [sys.executable, "-m", "riskengine", "--project", str(project.root), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONHASHSEED": "random"},
    )
