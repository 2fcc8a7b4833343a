"""The SBA example in a folder of its own: its definitions with smaller models, its data, a store that may be spoilt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pandas as pd

from riskengine.intake.load import Receipt, take_in
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.profile.subjects import load_applicants, load_in_force
from riskengine.project import Project
from riskengine.store import snapshot

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "sba_7a"
SHARED = ROOT.parent / "shared" / "data"
SOURCES = tuple(sorted(path.stem for path in (EXAMPLE / "configs" / "sources").glob("*.toml")))
TRAINED = date(2005, 12, 31)
NIGHTS = (date(2006, 1, 31), date(2006, 2, 28), date(2006, 3, 31))

SMALLER = {
    "access_pd": {"rounds": "40", "replicates": "50", "folds": "2"},
    "inforce_pd": {"rounds": "40", "replicates": "50", "folds": "2", "one_in": "30", "from": "2001-12-31"},
}


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
    names = list(names)
    for one in [source] if source else SOURCES:
        files = [project.inbox / one / f"{name}.parquet" for name in names]
        here = [path for path in files if path.exists()]
        if here:
            found += take_in(project, one, here, date.fromisoformat(here[-1].stem))
    return found


def branch(project: Project, folder: Path) -> Project:
    """The same institution in another folder: what is done here is not seen there."""
    shutil.copytree(project.root, folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(folder)


def profiles(project: Project, day: date, kind: str = "guarantee") -> pd.DataFrame:
    """Every feature of every guarantee in force on `day`, or of the last year's applicants, each as of its own day."""
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, catalogue.features)
    with Workbench(snapshot.read(project.store)) as bench:
        bench.load_facts(recipe)
        if kind == "guarantee":
            load_in_force(bench, catalogue.subjects.guarantee, recipe, [day])
        else:
            rule = catalogue.subjects.applicant
            load_applicants(bench, rule, recipe, known=day, start=day.replace(month=10, day=1))
        ids = bench.connection.execute("SELECT id, as_of FROM subjects ORDER BY subject").df()
        return pd.concat([ids, bench.frame(recipe).sort_values("subject", ignore_index=True)], axis=1)


def differing(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """The columns in which two frames differ in a single bit, a row or a null."""
    assert list(one.columns) == list(other.columns)
    if len(one) != len(other):
        return ["rows"]
    return [name for name in one.columns if bits(one[name]) != bits(other[name])]


def bits(column: pd.Series) -> bytes | list[str]:
    if pd.api.types.is_float_dtype(column):
        return column.to_numpy().tobytes()
    return [repr(value) for value in column.astype(object).where(column.notna(), None)]


def raw_loans() -> pd.DataFrame:
    """All loans as the public sample has them, put together again from the publishers' files."""
    parts = {}
    for source in ("borrowers", "applications", "facilities", "guarantees", "charge_offs", "sampling"):
        files = sorted((EXAMPLE / "data" / source).glob("*.parquet"))
        parts[source] = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    loans = parts.pop("borrowers")
    outcomes = parts.pop("sampling")[["LoanNr_ChkDgt", "MIS_Status"]]
    for part in parts.values():
        fresh = [name for name in part.columns if name not in loans.columns and name != "MIS_Status"]
        loans = loans.merge(part[["LoanNr_ChkDgt", *fresh]], on="LoanNr_ChkDgt", how="left", validate="1:1")
    return loans.merge(outcomes, on="LoanNr_ChkDgt", validate="1:1").sort_values(
        "LoanNr_ChkDgt", ignore_index=True
    )


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
