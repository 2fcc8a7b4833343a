"""What does the night know of every guarantee in force? Profile, PD, money, and what it was the time before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from riskengine.decision.conditions import BY_DESK
from riskengine.decision.limits import suggest
from riskengine.decision.products import Products
from riskengine.monitor.acknowledged import Ack
from riskengine.monitor.vocabulary import NIGHT, Vocabulary
from riskengine.portfolio.exposure import rounded
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.scorecard import master_scale, term_of
from riskengine.scoring.served import feature_matrix, segment_values

HISTORY = 12  # PDs kept for the small pictures


@dataclass(frozen=True)
class Before:
    """The publication before: its day and frames; none of it on the first night. `released`: the signals (signal, about, id)
    that people have released since, `acts`: what they said of reminders, by key; both by acts that count tonight."""

    as_of: date | None = None
    scores: pd.DataFrame | None = None
    signals: pd.DataFrame | None = None
    reminders: pd.DataFrame | None = None
    manifest: Mapping[str, Any] | None = None
    model: str = ""  # the bundle it was scored by
    released: frozenset[tuple[str, str, str]] = frozenset()
    acts: Mapping[str, Ack] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> pd.DataFrame:
        """The scores before by guarantee id; no rows on the first night."""
        if self.scores is None:
            return pd.DataFrame(
                {name: [] for name in ("id", "pd", "grade", "grade_no", "pd_history")}
            ).set_index("id")
        return self.scores.set_index("id")


def subject_rows(bench: Workbench) -> pd.DataFrame:
    """The subjects loaded into a workbench, in subject order, with their key columns, `id` and `enterprise_id`."""
    rows: pd.DataFrame = bench.connection.execute("SELECT * FROM subjects ORDER BY subject").df()
    return rows.drop(columns="fed")


def profiled(bench: Workbench, subjects: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """The subjects with a recipe's features; what they have already stays, under whatever name.

    So a key column keeps its value, and the champion is scored by its own recipe even where a definition was edited since.
    """
    bench.load_facts(recipe)
    values = bench.frame(recipe)
    keys = {column for column, _ in recipe.keys} | {"as_of", "id", "enterprise_id"}
    asked = [name for name in recipe.names if name not in keys]
    fresh = [name for name in asked if name not in subjects.columns]
    joined = subjects.merge(values[["subject", *fresh]], on="subject", validate="one_to_one")
    # a copy: hundreds of features one by one leave the frame in pieces, of which pandas warns
    return joined[[*(name for name in subjects.columns if name not in asked), *asked]].copy()


def rated(frame: pd.DataFrame, bundle: Bundle) -> pd.DataFrame:
    """The frame with `pd`, `score`, `grade` and `grade_no` (1 is the best grade) of the in-force model.

    Where the bundle has intervals also `pd_low`, `pd_high` and `unsure` ("wide", "thin" or ""); segments are read from the
    subjects' key columns. Where the bundle is a hazard also `pd_lifetime`, the PD over all the months that it knows.
    """
    matrix, segments = feature_matrix(bundle, frame), segment_values(bundle, frame)
    ratings = score_rows(bundle, matrix, segments)
    numbers = {grade.name: float(number) for number, grade in enumerate(master_scale(bundle).grades, 1)}
    grade = pd.Series(ratings.grade, index=frame.index, dtype="object")
    made = frame.assign(
        pd=ratings.pd, score=ratings.score, grade=grade, grade_no=grade.map(numbers).astype("float64")
    )
    if bundle.calibration["method"] == "hazard":
        asked = zip(ratings.raw.tolist(), matrix.tolist(), segments or [None] * len(frame), strict=True)
        terms = [term_of(bundle, *one) for one in asked]
        made = made.assign(
            pd_lifetime=np.array([term.lifetime_pd for term in terms if term], dtype=np.float64)
        )
    if "interval" not in bundle.calibration:
        return made
    unsure = pd.Series(ratings.unsure, index=frame.index, dtype="object")
    return made.assign(pd_low=ratings.low, pd_high=ratings.high, unsure=unsure)


def valued(frame: pd.DataFrame, products: Products, as_of: date) -> pd.DataFrame:
    """The frame with `exposure` and `expected_loss` at the guarantor's share, to the cent; NaN where terms are unknown."""
    names = list(products.features)
    exposure, loss = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    rows = frame[names].astype("object").where(frame[names].notna(), None).to_numpy().tolist()
    known: dict[tuple[Any, ...], Any] = {}  # many guarantees are of the same terms
    for number, (row, pd_) in enumerate(zip(map(tuple, rows), frame.pd, strict=True)):
        if row not in known:
            said = {**dict.fromkeys(BY_DESK), **dict(zip(names, row, strict=True))}
            known[row] = suggest(products, said, as_of, None)
        terms = known[row]
        if terms is not None:
            exposure[number] = float(rounded(terms.exposure.own))
            loss[number] = float(rounded(terms.exposure.expected_loss(float(pd_))))
    return frame.assign(exposure=exposure, expected_loss=loss)


def compared(
    frame: pd.DataFrame, before: Before, keys: Mapping[str, tuple[str, ...]], model: str = ""
) -> pd.DataFrame:
    """The frame with what it was before (`pd_before`, `pd_jump`, `grade_before`, `grade_notches`, `pd_history`) and with
    each group's share of the whole expected loss (`<key>_share`, NaN where the key is unknown).

    Where another `model` (bundle) scored the night before, jump and notches are unknown: what moved may be the model alone.
    Both look one publication back only, as `pd_history` does not say which model made its entries: a slow rise is no jump.
    """
    same = np.nan if before.model and model and before.model != model else 1.0
    earlier = before.by_id
    was = frame.id.map(earlier.pd).astype("float64")
    number = frame.id.map(earlier.grade_no).astype("float64")
    past = frame.id.map(earlier.pd_history)
    history = [
        [*(old if isinstance(old, (list, np.ndarray)) else []), now][-HISTORY:]
        for old, now in zip(past, frame.pd, strict=True)
    ]
    made = frame.assign(
        pd_before=was,
        pd_jump=frame.pd / was * same,
        grade_before=frame.id.map(earlier.grade).astype("object"),
        grade_notches=(frame.grade_no - number) * same,
        pd_history=pd.Series(history, index=frame.index, dtype="object"),
    )
    whole = float(frame.expected_loss.sum())
    for key, columns in keys.items():
        if columns:
            part = frame.expected_loss.fillna(0).groupby([frame[c] for c in columns]).transform("sum")
            known = frame[list(columns)].notna().all(axis=1)
            made[f"{key}_share"] = (part / whole if whole > 0 else part * 0).where(known)
    return made


def needed_features(known: Vocabulary, names: list[str]) -> list[str]:
    """Of the names that signals, reminders and pages use, the ones that the project's features must compute."""
    own = {*NIGHT, *known.shares(), *known.peers}
    return [name for name in dict.fromkeys(names) if name in known.features and name not in own]
