"""What does the night know of every guarantee in force? Profile, PD, money, and what it was the time before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from riskengine.portfolio.exposure_rows import at_risk, expected_losses
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import feature_matrix, segment_codes

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

    def lean(self) -> Before:
        """The same without its frames, for whom no challenger is compared with them."""
        return replace(self, scores=None, signals=None, reminders=None)


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
    ratings = score_rows(bundle, feature_matrix(bundle, frame), segment_codes(bundle, frame))
    grade = pd.Series(ratings.grade, index=frame.index, dtype="object")
    made = frame.assign(
        pd=ratings.pd, score=ratings.score, grade=grade, grade_no=ratings.grade_no.astype(np.float64)
    )
    if bundle.calibration["method"] == "hazard":
        made = made.assign(pd_lifetime=ratings.lifetime)
    if "interval" not in bundle.calibration:
        return made
    unsure = pd.Series(ratings.unsure, index=frame.index, dtype="object")
    return made.assign(pd_low=ratings.low, pd_high=ratings.high, unsure=unsure)


def valued(frame: pd.DataFrame, products: Products, as_of: date) -> pd.DataFrame:
    """The frame with `exposure` and `expected_loss` at the guarantor's share, to the cent; NaN where terms are unknown."""
    names = list(products.features)
    which = frame.groupby(products.deciding, dropna=False, sort=False).ngroup().to_numpy().astype(np.int64)
    _, first = np.unique(which, return_index=True)
    alike = frame[names].iloc[first]  # many guarantees are of the same terms
    rows = alike.astype("object").where(alike.notna(), None).to_numpy().tolist()
    found = (
        suggest(products, {**dict.fromkeys(BY_DESK), **dict(zip(names, row, strict=True))}, as_of, None)
        for row in rows
    )
    terms = [None if one is None else one.exposure for one in found]
    pds = frame.pd.to_numpy(dtype=np.float64)
    return frame.assign(exposure=at_risk(terms, which), expected_loss=expected_losses(terms, which, pds))


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
