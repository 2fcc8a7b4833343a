"""What has become of all guarantees so far: how many reached each rung, and how many each end after so many months?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError
from riskengine.learning.incidence import cumulative_incidence, spells
from riskengine.learning.ladder import FILE, Ladder, read_ladder, rung_events
from riskengine.learning.outcomes import Question
from riskengine.learning.samples import Period, model_spec, sampling_weights, status_counts
from riskengine.learning.spec import ModelSpec
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.schema import Words
from riskengine.store import snapshot

STATUS_WORDS = {
    "bad": Words(en="default", zh="违约"),
    "good": Words(en="good", zh="正常"),
    "competing": Words(en="ended otherwise first (counts as good)", zh="先行退出（计为正常）"),
    "indeterminate": Words(en="indeterminate", zh="不确定"),
    "excluded": Words(en="excluded", zh="剔除"),
    "hidden": Words(en="over, not yet known then", zh="当日已了结但未知"),
    "immature": Words(en="immature", zh="未成熟"),
    "declined": Words(en="declined", zh="未获担保"),
}


def endings(project: Project, as_of: date, months: Sequence[int] = (12, 24, 36)) -> dict[str, Any]:
    """A JSON value: the book's course as known on `as_of`.

    `rungs`: `id`, `kind`, `title`, `reached` (guarantees), `share` of all, `first` and `last` day, `evidence`. `incidence`:
    by cause and month since the guarantee began, `incidence` with `low`, `high`, and the cases behind it; `followed_to` is
    the day to which every end is taken as known (the longest lag of a label). `models`: rows of each status up to `as_of`.
    """
    catalogue = Catalogue(project)
    ladder = read_ladder(catalogue)
    if ladder is None:
        hint = "Write one: see configs/outcomes.toml of the default project"
        raise SetupError("There is no ladder of outcomes", [Problem(FILE, "rungs", "no file", hint)])
    facts = snapshot.read(project.store)
    names = [path.stem for path in project.definition_files("models", ".toml")]
    specs = {name: model_spec(catalogue, name) for name in names}
    rule, lag = catalogue.subjects.guarantee, _longest_lag(list(specs.values()))
    with Workbench(facts) as bench:
        subjects = _guarantees(bench, catalogue, as_of)
        rungs = rung_events(bench, catalogue, ladder.rungs, rule.id, as_of)
        weighted = next((spec for spec in specs.values() if spec.sample_weight), None)
        weights = sampling_weights(bench, rule, weighted, as_of) if weighted else None
    rungs = rungs[rungs["subject"].isin(subjects["subject"])]
    weight = (
        np.ones(len(subjects))
        if weights is None
        else subjects["subject"].map(weights).fillna(0.0).to_numpy(dtype=np.float64)
    )
    question = Question(Span(), as_of, lag)
    ended = spells(subjects, rungs, ladder.causes, question)
    if rule.longest:
        cap = Span.parse(rule.longest).months
        ended.loc[ended["month"] > cap, "cause"] = ""
        ended["month"] = ended["month"].clip(upper=cap)
    found = cumulative_incidence(ended["month"], ended["cause"], ladder.causes, weight)
    return {
        "as_of": str(as_of),
        "snapshot": facts.id,
        "followed_to": str(lag.before(as_of)),
        "guarantees": len(subjects),
        "weighted": weights is not None,
        "rungs": _reached(ladder, rungs, subjects["subject"], weight),
        "incidence": _at(found, months),
        "models": {
            name: status_counts(project, spec, facts, Period(spec.population.start, as_of, as_of))
            for name, spec in specs.items()
            if spec.population.start <= as_of
        },
    }


def _longest_lag(specs: Sequence[ModelSpec]) -> Span:
    """The longest time after which a label's event may become known."""
    lags = [Span.parse(spec.label.lag) for spec in specs]
    return max(lags, key=lambda lag: lag.after(date(2001, 1, 1)), default=Span())


def _guarantees(bench: Workbench, catalogue: Catalogue, as_of: date) -> pd.DataFrame:
    """`subject`, `as_of` (the day it began) of every guarantee known on the day, in order."""
    rule = catalogue.subjects.guarantee
    files = bench.facts(rule.source)
    if not files:
        where = f"source {rule.source}"
        raise SetupError(
            "No guarantee is known", [Problem(where, "at least one batch", "none", "Take it in")]
        )
    query = f"""SELECT "{rule.id}"::VARCHAR AS subject, min(event_date) AS as_of FROM {files}
        WHERE known_at <= $day AND (superseded_at IS NULL OR superseded_at > $day) AND NOT removed
          AND event_date <= $day
        GROUP BY 1 ORDER BY 1"""
    found: pd.DataFrame = bench.connection.execute(query, {"day": as_of}).df()
    return found


def _reached(
    ladder: Ladder, rungs: pd.DataFrame, subjects: pd.Series, weight: np.ndarray[Any, Any]
) -> list[dict[str, Any]]:
    heavy = pd.Series(weight, index=subjects.to_numpy())
    whole = float(weight.sum())
    listed = []
    for rung in ladder.rungs:
        mine = rungs[rungs["rung"] == rung.id]
        who = mine["subject"].unique()
        listed.append(
            {
                "id": rung.id,
                "kind": rung.kind,
                "title": rung.title.model_dump(),
                "reached": len(who),
                "share": float(heavy[who].sum()) / whole if whole else None,
                "first": str(mine["event_date"].min().date()) if len(mine) else None,
                "last": str(mine["event_date"].max().date()) if len(mine) else None,
                "evidence": rung.evidence,
            }
        )
    return listed


def _at(found: pd.DataFrame, months: Sequence[int]) -> list[dict[str, Any]]:
    """The incidences at some months; a month to which nobody was followed is not there."""
    chosen = found[found["month"].isin(months)]
    chosen = chosen.astype({"month": object, "at_risk": object, "reached": object})
    return [
        {str(key): round(part, 8) if isinstance(part, float) else part for key, part in line.items()}
        for line in chosen.to_dict("records")
    ]
