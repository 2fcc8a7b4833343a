"""How does a public Chinese data set become a project that is taken in, profiled, trained and scored like any other?

Each folder beside this file is a project: definitions only. Its `arrivals.py` names the days and models and writes the
publisher's tables as the files that would arrive. No row of the data is kept in the repository: everything is made in a
temporary folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np
import pandas as pd

from riskengine.intake.cells import cell_parser
from riskengine.intake.contract import Column
from riskengine.intake.load import Receipt, arrived, take_in
from riskengine.learning import fitting
from riskengine.learning.metrics import Estimate, Sample, auc
from riskengine.learning.samples import LabelledRows, labelled_rows, model_spec, training_period
from riskengine.learning.training import Candidate, TrainingContext, train
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.profile.subjects import load_applicants
from riskengine.project import Project
from riskengine.schema import read_toml
from riskengine.scoring.bundle import Bundle, read_bundle, write_bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import feature_matrix
from riskengine.store import snapshot

HERE = Path(__file__).parent
Made = TypeVar("Made")
SHARED = Path(os.environ.get("RISKENGINE_SHARED_DATA", HERE.parents[2] / "shared" / "data"))


# --- what a publisher would send -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """What one `arrivals.write` is to send: the folder of tables, the inbox, the ids (None: all), with labels or not."""

    tables: Path
    inbox: Path
    ids: frozenset[str] | None = None
    labelled: bool = True

    def table(self, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
        """A table's known columns as published; None where the folder has no such table. Rows of other ids are left out."""
        found = read_table(self.tables, name)
        if found is None:
            return None
        found = found[[column for column in columns if column in found.columns]]
        return found if self.ids is None else found[found[columns[0]].astype(str).isin(self.ids)]

    def send(self, source: str, table: pd.DataFrame | None, day: date) -> None:
        """One Parquet file in the inbox of `source`, named for the day it arrives; nothing where there is no row."""
        if table is not None and len(table):
            folder = self.inbox / source
            folder.mkdir(parents=True, exist_ok=True)
            table.to_parquet(folder / f"{day}.parquet", index=False)


def read_table(folder: Path, name: str) -> pd.DataFrame | None:
    """A table of the folder as it was published, Parquet or CSV (UTF-8 or GB18030); None where there is none."""
    if (folder / f"{name}.parquet").exists():
        return pd.read_parquet(folder / f"{name}.parquet")
    path = folder / f"{name}.csv"
    if not path.exists():
        return None
    try:
        return pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    except UnicodeDecodeError:
        return pd.read_csv(path, dtype=str, encoding="gb18030")


def everybody(delivery: Delivery, tables: Sequence[str], column: str) -> pd.DataFrame:
    """Who is there: the ids of any of these tables, each once and in order."""
    found = [delivery.table(name, [column]) for name in tables]
    listed = [table[column].dropna().astype(str).str.strip() for table in found if table is not None]
    return pd.DataFrame({column: sorted(set().union(*(set(values) for values in listed)) - {""})})


def months(cells: pd.Series) -> pd.Series:
    """Months such as `2015年08月`, `2013-11` or `201509` as intake can read them.

    Intake does not read a month without a day (asked here, not assumed): until it does, the month's last day is
    written in its place, so that nothing counts as known before it happened. `201509` could be a short day as well and is
    always written out.
    """
    parts = cells.astype("string").str.extract(r"^\s*(\d{4})\s*[年/.-]?\s*(\d{1,2})\s*月?\s*$")
    day = pd.to_datetime(
        parts[0] + "-" + parts[1].str.zfill(2) + "-01", errors="coerce"
    ) + pd.offsets.MonthEnd(0)
    packed = cells.astype("string").str.fullmatch(r"\d{6}").fillna(False)
    rewritten = day.notna() & (packed if reads_months() else True)
    return cells.astype(object).where(~rewritten, day.dt.strftime("%Y-%m-%d"))


def reads_months() -> bool:
    """Whether intake reads a month without a day by itself."""
    return cell_parser(Column(type="date"), "CNY")("2015年08月")[0] is not None


def in_part(ids: pd.Series, parts: int, seed: str = "part") -> pd.Series:
    """Whether each id is in the chosen one of so many parts, by a hash of the id alone."""
    return ids.map(lambda name: int(sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) % parts == 0)


# --- a project of one's own --------------------------------------------------------------------------------------------


def arrivals(name: str) -> ModuleType:
    """The `arrivals` module of a project: `OBSERVED`, `TRAINED`, `MODEL`, `ID`, `TOGETHER`, `write(delivery)`."""
    spec = importlib.util.spec_from_file_location(f"arrivals_{name}", HERE / name / "arrivals.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copied(name: str, folder: Path) -> Project:
    """The project's definitions in a folder of its own, with an empty store and inbox."""
    for room in ("configs", "features", "models"):
        shutil.copytree(HERE / name / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(folder)


def delivered(name: str, project: Project, delivery: Delivery) -> list[Receipt]:
    """Let the tables arrive and take in all that did; what arrived once is not taken in again."""
    arrivals(name).write(delivery)
    receipts: list[Receipt] = []
    for source, files in arrived(project, date.max):
        for file in files:
            receipts += take_in(project, source, [file], date.fromisoformat(file.stem[:10]))
    shutil.rmtree(delivery.inbox, ignore_errors=True)
    return receipts


def learned_rows(name: str, project: Project, model: str = "") -> LabelledRows:
    """Every labelled enterprise with its profile as of the day of observation."""
    days = arrivals(name)
    spec = model_spec(Catalogue(project), model or days.MODEL)
    return labelled_rows(project, spec, snapshot.read(project.store), training_period(spec, days.TRAINED))


def candidate(name: str, project: Project, taken: LabelledRows) -> Candidate:
    """The engine's own training on these rows: audit, fit, calibration, tests on held-out enterprises, gates."""
    grades = read_toml(project.configs / "grades.toml")
    context = TrainingContext(
        arrivals(name).TRAINED, snapshot.read(project.store).id, taken.recipe.to_json(), grades
    )
    return train(taken.spec, taken.frame(), context)


def bundled(made: Candidate, folder: Path) -> Bundle:
    """A candidate's files as a verified bundle."""
    return read_bundle(folder, write_bundle(folder, made.files))


def scored(name: str, project: Project, bundle: Bundle) -> pd.DataFrame:
    """`id`, `pd`, `score`, `grade` of every enterprise on the roster, in order of id."""
    catalogue = Catalogue(project)
    recipe = compile_recipe(catalogue, bundle.features)
    with Workbench(snapshot.read(project.store)) as bench:
        bench.load_facts(recipe)
        load_applicants(bench, catalogue.subjects.applicant, recipe, known=arrivals(name).OBSERVED)
        ids = bench.connection.execute("SELECT id FROM subjects ORDER BY subject").df()["id"]
        rows = bench.frame(recipe)
    rated = score_rows(bundle, feature_matrix(bundle, rows))
    return pd.DataFrame({"id": ids, "pd": rated.pd, "score": rated.score, "grade": rated.grade})


# --- how good, how sure ------------------------------------------------------------------------------------------------


def out_of_fold(taken: LabelledRows, folds: int = 5, seed: int = 1, features: Sequence[str] = ()) -> Sample:
    """Each enterprise's score by a model of the spec that never saw it: folds by a hash of the enterprise."""
    spec = taken.spec
    if features:
        kept = {key: tuple(f for f in getattr(spec.monotone, key) if f in features) for key in ("up", "down")}
        spec = spec.model_copy(
            update={"features": tuple(features), "monotone": spec.monotone.model_copy(update=kept)}
        )
        taken = replace(taken, spec=spec)
    frame = taken.frame()
    matrix = np.ascontiguousarray(frame.features.to_numpy(dtype=np.float64, na_value=np.nan))
    group = np.unique(frame.group.astype(str), return_inverse=True)[1].astype(np.int64)
    rows = fitting.Rows(matrix, frame.label.astype(np.int64), frame.weight.astype(np.float64), group)

    def fitted(part: fitting.Rows) -> Callable[[np.ndarray], np.ndarray]:
        booster = fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, part, spec.features)
        return partial(fitting.predict, booster)

    score = fitting.out_of_fold(fitted, rows, fold_of(taken, folds, seed))
    return Sample(rows.label, score, 1 / (1 + np.exp(-score)), rows.weight, group)


def fold_of(taken: LabelledRows, folds: int = 5, seed: int = 1) -> np.ndarray:
    """The fold of each row, by a hash of its enterprise."""
    return fitting.buckets(list(taken.frame().group), folds, seed)


def interval(label: np.ndarray, scores: np.ndarray, replicates: int = 200, seed: int = 7) -> Estimate:
    """AUC with its 95 % interval by a bootstrap of enterprises."""
    return interval_of_repeats(label, [(scores, np.zeros(len(label), dtype=int))], replicates, seed)


def interval_of_repeats(
    label: np.ndarray, repeats: Sequence[tuple[np.ndarray, np.ndarray]], replicates: int = 200, seed: int = 7
) -> Estimate:
    """The mean AUC of repeated cross-validations (scores, folds), with an interval by a bootstrap of enterprises.

    Only enterprises of one fold are compared with each other: scores of two models have no common scale. Folds count by
    their pairs of a default and a survivor.
    """
    parts = [
        [
            (label[place], scores[place], place)
            for place in map(np.flatnonzero, fold == np.unique(fold)[:, None])
        ]
        for scores, fold in repeats
    ]
    ordered = [
        [
            tuple(part[np.argsort(score, kind="stable")] for part in (one, score, place))
            for one, score, place in folds
        ]
        for folds in parts
    ]

    def mean(weight: np.ndarray) -> float:
        return float(np.mean([_pairwise(folds, weight) for folds in ordered]))

    rng = np.random.default_rng(seed)
    size = len(label)
    drawn = [
        mean(np.bincount(rng.integers(0, size, size), minlength=size).astype(float))
        for _ in range(replicates)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(mean(np.ones(size)), float(low), float(high))


def _pairwise(folds: Sequence[tuple[np.ndarray, ...]], weight: np.ndarray) -> float:
    concordant = pairs = 0.0
    for label, score, place in folds:
        mine = weight[place]
        size = float((mine * label).sum() * (mine * (1 - label)).sum())
        area = auc(label, score, mine) if size > 0 else None
        if area is not None:
            concordant, pairs = concordant + area * size, pairs + size
    return concordant / pairs


def told(what: str, found: Estimate, label: np.ndarray) -> Estimate:
    """Print a figure as everybody should read it: AUC, interval, n, positives."""
    print(f"{what}: AUC {found}, n {len(label):,}, positives {int(label.sum()):,}")
    return found
