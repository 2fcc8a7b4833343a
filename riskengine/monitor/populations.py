"""Whom did a bundle learn from, whom does it score now? Both profiled by the bundle's own recipe, from the store alone."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd

from riskengine.clock import Span, month_ends
from riskengine.learning.samples import sampling_weights
from riskengine.learning.spec import ModelSpec
from riskengine.monitor.night import profiled, rated, subject_rows
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_applicants, load_in_force
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle
from riskengine.store import snapshot

MOST, DAYS = (
    4_000,
    12,
)  # rows of the training population that are profiled again, and from how many of its days


def learned(project: Project, bundle: Bundle) -> pd.DataFrame | None:
    """A sample of the training population, rated by the bundle; None where the card does not say when it learned.

    In force: whole books of up to twelve of the training's month-ends; access: the training's applicants. Thinned to about
    4,000 rows by the hash of the id, so that the same store gives the same rows.
    """
    first, last = (bundle.card.get(name) for name in ("first_as_of", "last_as_of"))
    if not first or not last:
        return None
    start, end = (date.fromisoformat(str(day)[:10]) for day in (first, last))
    if ModelSpec.model_validate(bundle.spec).subject == "applicant":
        return applicants(project, bundle, start, end)
    ends = month_ends(start, end) or [end]
    places = np.unique(np.linspace(0, len(ends) - 1, DAYS).round().astype(int))
    recipe = Recipe.from_json(bundle.recipe)
    catalogue = Catalogue(project)
    with Workbench(snapshot.read(project.store)) as bench:
        load_in_force(bench, catalogue.subjects.guarantee, recipe, [ends[place] for place in places])
        _thinned(bench)
        return _rated(bench, bundle)


def applicants(
    project: Project, bundle: Bundle, start: date, end: date, most: int | None = MOST
) -> pd.DataFrame:
    """Who applied from `start` to `end`, each as of the own day and as known by `end`, rated; at most about `most`."""
    catalogue = Catalogue(project)
    recipe = Recipe.from_json(bundle.recipe)
    with Workbench(snapshot.read(project.store)) as bench:
        load_applicants(bench, catalogue.subjects.applicant, recipe, known=end, start=start)
        bench.connection.execute("DELETE FROM subjects WHERE as_of > ?", [end])
        if most:
            _thinned(bench, most)
        return _rated(bench, bundle)


def latest_applicants(project: Project, bundle: Bundle, as_of: date, span: str = "3m") -> pd.DataFrame:
    """Who applied within the last months up to a day, all of them."""
    return applicants(project, bundle, Span.parse(span).before(as_of), as_of, None)


def with_weights(project: Project, bundle: Bundle, rows: pd.DataFrame, known: date) -> pd.DataFrame:
    """Rows with `weight`: how many cases each stands for; rows of unknown weight are left out."""
    spec, catalogue = ModelSpec.model_validate(bundle.spec), Catalogue(project)
    if spec.sample_weight is None:
        return rows.assign(weight=1.0)
    rule = catalogue.subjects.applicant if spec.subject == "applicant" else catalogue.subjects.guarantee
    with Workbench(snapshot.read(project.store)) as bench:
        weights = sampling_weights(bench, rule, spec, known)
    assert weights is not None
    made = rows.assign(weight=rows["id"].astype("str").map(weights))
    return made[made["weight"].notna()].reset_index(drop=True)


def _thinned(bench: Workbench, most: int = MOST) -> None:
    found = bench.connection.execute("SELECT count(*) FROM subjects").fetchone()
    share = most / max(int(found[0]) if found else 0, 1)
    if share < 1:
        limit = math.floor(share * 0xFFFFFF)
        bench.connection.execute(
            f"DELETE FROM subjects WHERE ('0x' || md5(id || as_of)[:6])::BIGINT > {limit}"
        )


def _rated(bench: Workbench, bundle: Bundle) -> pd.DataFrame:
    rows = subject_rows(bench)
    if not len(rows):
        return rows.assign(pd=np.zeros(0), grade=pd.Series([], dtype="object"))
    return rated(profiled(bench, rows, Recipe.from_json(bundle.recipe)), bundle)
