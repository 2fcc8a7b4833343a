"""Which rows, fits and scores are the figures of docs/sba_models.md made from?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from riskengine.learning import fitting
from riskengine.learning.fitting import Rows
from riskengine.learning.frames import PersonMonths, TrainingFrame
from riskengine.learning.making import Made, Taught, log_odds, make
from riskengine.learning.metrics import Sample, auc
from riskengine.learning.samples import Period, labelled_rows, model_spec
from riskengine.learning.scorecards import fit_card
from riskengine.learning.spec import ModelSpec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.store.snapshot import Snapshot

REPLICATES = 200
# What an analyst without this engine would take: the application's columns as they are, texts as codes.
RAW = (
    "requested_amount",
    "guaranteed_amount",
    "employees",
    "jobs_created",
    "jobs_retained",
    "new_business",
    "franchise",
)
RAW += ("urban", "revolving", "low_doc", "lender_out_of_state", "lender", "state", "sector")
Score = Callable[[pd.DataFrame], tuple[np.ndarray, np.ndarray]]  # rows -> (order, PD)


@dataclass(frozen=True)
class Bench:
    """Where rows come from."""

    project: Project
    facts: Snapshot
    known: date

    def spec(self, name: str, *more: str) -> ModelSpec:
        """A model's spec, with more features to be loaded beside its own."""
        spec = model_spec(Catalogue(self.project), name)
        return spec.model_copy(update={"features": tuple(dict.fromkeys([*spec.features, *more]))})

    def rows(self, spec: ModelSpec, period: Period, facts: Snapshot | None = None) -> pd.DataFrame:
        """Labelled rows, with `final`: whether the loan was ever charged off, and `principal`: how much."""
        rows = labelled_rows(self.project, spec, facts or self.facts, period).rows
        ended = table(self.facts, "charge_offs")
        principal = ended.groupby("LoanNr_ChkDgt")["ChgOffPrinGr"].max().astype(float)
        return rows.assign(
            final=rows["id"].isin(principal.index).astype(int),
            principal=rows["id"].map(principal).fillna(0.0),
        )


def table(facts: Snapshot, source: str) -> pd.DataFrame:
    """The current rows of a source."""
    with Workbench(facts) as bench:
        query = f"SELECT * FROM {bench.facts(source)} WHERE superseded_at IS NULL AND NOT removed"
        found: pd.DataFrame = bench.connection.execute(query).df()
    return found


def trees(spec: ModelSpec, train: pd.DataFrame) -> Score:
    """The model as `retrain` makes it: trees of all rows (a hazard: of all their months), calibrated out of borrowers' folds."""
    made = made_from(spec, frame_of(spec, train))

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        found = made.pd(matrix_of(spec, test))
        return log_odds(found), found

    return score


def made_from(spec: ModelSpec, frame: TrainingFrame) -> Made:
    """What training makes of these rows; rows whose label is not mature teach a hazard only."""
    frame = replace(frame, features=frame.features[list(spec.features)])
    whole = Taught(frame.rows(), frame, frame.months)
    return make(spec, whole if spec.hazard else whole.where(frame.judged))


def frame_of(spec: ModelSpec, rows: pd.DataFrame) -> TrainingFrame:
    """Rows as training takes them."""
    rows = rows.reset_index(drop=True)
    seen = [rows[name].to_numpy(dtype="int64") for name in ("event_lead", "exit_lead", "followed")]
    return TrainingFrame(
        rows[list(spec.features)],
        *(rows[name].to_numpy() for name in ("label", "weight", "group")),
        as_of=rows["as_of"].to_numpy(dtype="M8[D]"),
        subject=rows["id"].to_numpy(),
        mature=rows["mature"].to_numpy(dtype=bool),
        months=PersonMonths(*seen),
    )


def scorecard(spec: ModelSpec, train: pd.DataFrame) -> Score:
    """The engine's scorecard of the same rows and features."""
    directions = dict(zip(spec.features, spec.constraints, strict=True))
    card = fit_card(as_rows(spec, train), spec.features, directions, spec.baseline.features)

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        odds = card.odds(matrix_of(spec, test))
        return odds, to_pd(odds)

    return score


def raw_trees(spec: ModelSpec, train: pd.DataFrame, *, dated: bool) -> Score:
    """LightGBM's usual settings on the columns as they are, without histories, directions or calibration."""
    texts = {
        name: {v: n for n, v in enumerate(sorted(train[name].dropna().unique()))}
        for name in RAW
        if train[name].dtype.kind not in "fi"
    }

    def matrix(rows: pd.DataFrame) -> np.ndarray:
        made = [rows[name].map(texts[name]) if name in texts else rows[name] for name in RAW]
        if dated:
            made.append(pd.Series(rows["as_of"].to_numpy(dtype="M8[D]").astype(float), index=rows.index))
        return np.column_stack([column.to_numpy(dtype=float, na_value=np.nan) for column in made])

    settings = spec.lightgbm.model_copy(
        update={"num_leaves": 31, "learning_rate": 0.05, "feature_fraction": 1.0}
    )
    params = fitting.parameters(spec.model_copy(update={"lightgbm": settings}))
    params = {name: value for name, value in params.items() if not name.startswith("monotone")}
    rows = as_rows(spec, train)
    booster = fitting.fit(params, 300, replace(rows, matrix=matrix(train)))

    def score(test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        raw = fitting.predict(booster, matrix(test))
        return raw, to_pd(raw)

    return score


def _fit(spec: ModelSpec, rows: Rows) -> Callable[[np.ndarray], np.ndarray]:
    booster = fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, rows, spec.features)
    return partial(fitting.predict, booster)


def ranked(spec: ModelSpec, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The order in which trees fitted on `train` put `test`."""
    return _fit(spec, as_rows(spec, train))(matrix_of(spec, test))


def narrowed(spec: ModelSpec, features: Sequence[str]) -> ModelSpec:
    """The spec with some of its features only."""
    ways = {way: tuple(n for n in getattr(spec.monotone, way) if n in features) for way in ("up", "down")}
    return spec.model_copy(
        update={"features": tuple(features), "monotone": spec.monotone.model_copy(update=ways)}
    )


def as_rows(spec: ModelSpec, rows: pd.DataFrame) -> Rows:
    """Rows as the engine's fits take them."""
    group = np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    return Rows(matrix_of(spec, rows), rows["label"].to_numpy(), rows["weight"].to_numpy(dtype=float), group)


def matrix_of(spec: ModelSpec, rows: pd.DataFrame) -> np.ndarray:
    """The spec's features, n x k, NaN for unknown."""
    return np.ascontiguousarray(rows[list(spec.features)].to_numpy(dtype=float, na_value=np.nan))


def held_out(spec: ModelSpec, rows: pd.DataFrame) -> np.ndarray:
    """Which rows belong to the 15 % of borrowers that a seeded hash of the name sets aside."""
    return np.asarray(fitting.buckets(list(rows["group"]), 10_000, spec.lightgbm.seed) < 1_500)


def as_sample(rows: pd.DataFrame, score: Score) -> Sample:
    """Rows with order and PD, ready to be measured."""
    order, pd_ = score(rows)
    group = np.unique(rows["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    return Sample(rows["label"].to_numpy(), order, pd_, rows["weight"].to_numpy(dtype=float), group)


def weighted_auc(rows: pd.DataFrame, score: np.ndarray) -> float:
    """AUC weighted to the programme."""
    return float(auc(rows["label"].to_numpy(), score, rows["weight"].to_numpy(dtype=float)) or np.nan)


def to_pd(odds: np.ndarray) -> np.ndarray:
    """Probabilities of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -700, 700))))
