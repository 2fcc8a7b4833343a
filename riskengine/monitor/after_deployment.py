"""Is each champion still what was promoted? Drift, performance before and after labels, decisions, and whether they agree."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError
from riskengine.learning.outcomes import LEARNED
from riskengine.learning.samples import what_became
from riskengine.learning.spec import ModelSpec
from riskengine.monitor import impact, publish
from riskengine.monitor.agreement import LEVELS, Level, agreement
from riskengine.monitor.drift import drift
from riskengine.monitor.estimated import Sampling, estimated, realised
from riskengine.monitor.populations import latest_applicants, learned, with_weights
from riskengine.monitor.publish import Publication
from riskengine.monitor.rivalry import due, trained_on
from riskengine.monitor.shadow import verified
from riskengine.project import Project
from riskengine.registry.pointers import entries
from riskengine.registry.records import history
from riskengine.registry.waivers import standing
from riskengine.scoring.bundle import Bundle, champion
from riskengine.store import snapshot
from riskengine.validation.lines import Rules

NIGHTS = 12  # matured nights that are told, the last of each month


@dataclass(frozen=True)
class Scored:
    """What a champion has said so far: `newest` (who is scored now, with features), `said` (`id`, `as_of`, `pd`: as
    published or decided), how decisions moved, and the feeds that are silent."""

    newest: pd.DataFrame | None
    said: pd.DataFrame
    moved: dict[str, Any]
    silent: tuple[str, ...] = ()


def health(project: Project, as_of: date, rules: Rules | None = None) -> dict[str, Any]:
    """A JSON value: `as_of`, `level` (the worst), and for each model with a champion what `model_health` says.

    No champion at all is a `SetupError`. It depends on the store and the day alone.
    """
    names = sorted(entries(project.store))
    if not names:
        hint = "riskengine retrain MODEL --as-of DATE, then promote"
        raise SetupError("Nothing is deployed", [Problem(str(project.store), "a champion", "none", hint)])
    models = [model_health(project, champion(project.store, name), as_of, rules) for name in names]
    return {"as_of": str(as_of), "level": worst([one["level"] for one in models]), "models": models}


def model_health(project: Project, bundle: Bundle, as_of: date, rules: Rules | None = None) -> dict[str, Any]:
    """`drift`, `performance`, `impact` of one champion, each with its `state`, and what the three together mean."""
    rules = rules or Rules()
    spec = ModelSpec.model_validate(bundle.spec)
    found = (
        _in_force(project, bundle, as_of) if spec.subject == "guarantee" else _access(project, bundle, as_of)
    )
    honest = found.said[found.said["as_of"] > trained_on(bundle)].reset_index(drop=True)
    fate, sampling = _fate(project, spec, honest, as_of)
    newest = found.newest
    reference = learned(project, bundle) if newest is not None and len(newest) else None
    sides = [
        None if rows is None else with_weights(project, bundle, rows, as_of) for rows in (reference, newest)
    ]
    seen = drift(bundle, sides[0], sides[1], found.silent, rules)
    performance = _performance(fate, sampling, newest, rules)
    performance["coverage"]["learned_from"] = len(found.said) - len(honest)
    silent = bool(seen["silent"] or seen["missing"])
    state = agreement(seen["state"], performance["state"], found.moved["state"], silent)
    exception = standing(history(project.store, bundle.model), bundle.hash, as_of)
    return {
        "model": bundle.model,
        "title": bundle.spec.get("title"),
        "bundle": bundle.hash,
        "version": entries(project.store).get(bundle.model, {}).get("version"),
        "subject": spec.subject,
        "newest": str(pd.Timestamp(newest["as_of"].max()).date())
        if newest is not None and len(newest)
        else None,
        "drift": seen,
        "performance": performance,
        "impact": found.moved,
        "state": state.name,
        "level": worst([state.level, "warn" if exception and exception["expired"] else "ok"]),
        "exception": exception,
        "means": state.means.model_dump(),
        "do": state.do.model_dump(),
        "rules": asdict(rules),
    }


def worst(levels: list[Level]) -> Level:
    """The worst of some levels; ok if there is none.

    >>> worst(["note", "alarm", "ok"])
    'alarm'
    """
    return max(levels, key=LEVELS.index, default="ok")


def _in_force(project: Project, bundle: Bundle, as_of: date) -> Scored:
    nights = [
        made
        for day in publish.days(project.store)
        if day <= as_of and (made := publish.find(project.store, day)) is not None
    ]
    own = [night for night in nights if night.manifest["inputs"]["bundle"] == bundle.hash]
    told = [_book(night)[["id", "as_of", "pd"]] for night in _month_ends(own)]
    said = pd.concat(told, ignore_index=True) if told else _nobody()
    unknown: dict[str, Any] = {"state": "unknown", "figures": []}
    if not own:
        return Scored(None, said, unknown)
    now = own[-1]
    newest = _book(now)
    silent = tuple(row["source"] for row in now.manifest["health"] if int(row["stale"]))
    start = Span(months=12).before(now.as_of)
    earlier = [night for night in own if start <= night.as_of < now.as_of]
    if not earlier:
        return Scored(newest, said, unknown, silent)
    moved = impact.on_book(_book(earlier[0]), newest)
    return Scored(newest, said, {**moved, "from": str(earlier[0].as_of), "to": str(now.as_of)}, silent)


def _access(project: Project, bundle: Bundle, as_of: date) -> Scored:
    recorded = impact.verdicts(project.store, bundle, as_of)
    recorded = recorded[recorded["bundle"] == bundle.hash].reset_index(drop=True)
    before, after = impact.periods(recorded, as_of)
    moved = impact.on_verdicts(before, after, impact.grades_of(bundle))
    told = {"before": len(before), "now": len(after)}
    said = recorded[["id", "as_of", "pd"]]
    newest = latest_applicants(project, bundle, as_of)
    return Scored(newest if len(newest) else None, said, {**moved, "verdicts": told})


def _book(night: Publication) -> pd.DataFrame:
    rows = verified(night, "scores.parquet")
    return rows.assign(id=rows["id"].astype("str"), as_of=pd.Timestamp(night.as_of))


def _month_ends(nights: list[Publication]) -> list[Publication]:
    """The last night of each month: nights of one month say almost the same of the same guarantees."""
    last = {(night.as_of.year, night.as_of.month): night for night in nights}
    return list(last.values())


def _nobody() -> pd.DataFrame:
    return pd.DataFrame({"id": [], "as_of": pd.DatetimeIndex([]), "pd": []})


def _fate(
    project: Project, spec: ModelSpec, said: pd.DataFrame, as_of: date
) -> tuple[pd.DataFrame, Sampling]:
    """What was said, with what came of it (`label`, `status`, `due`), and what sampled rows stand for."""
    if not len(said):
        return said.assign(label=[], status=[], due=pd.DatetimeIndex([])), Sampling()
    try:
        fate = what_became(project, spec, snapshot.read(project.store), said[["id", "as_of"]], as_of)
    except SetupError:  # no outcome has been taken in yet: none is known
        fate = pd.DataFrame({"label": 0, "status": "immature", "weight": 1.0}, index=said.index)
    rows = pd.concat([said, fate[["label", "status", "weight"]]], axis=1)
    rows = rows.assign(due=due(spec, rows["as_of"]))
    rows = rows[rows["weight"].notna()].reset_index(drop=True)
    ripe = rows[rows["status"].isin(LEARNED)]
    weights = [ripe.loc[ripe["label"] == label, "weight"] for label in (1, 0)]
    if any(not len(part) for part in weights):
        return rows, Sampling()
    return rows, Sampling(*(float(part.mean()) for part in weights))


def _performance(
    fate: pd.DataFrame, sampling: Sampling, newest: pd.DataFrame | None, rules: Rules
) -> dict[str, Any]:
    """`state` of the latest matured night (access: of all matured verdicts), its figures, earlier ones, what is estimated now.

    `coverage`: how many rows have been published, have matured, are waiting, and when the next ones mature; `learned_from` are
    rows of days up to the training (nights run again, backfills), on which the model is not judged.
    """
    ripe = fate[fate["status"].isin(LEARNED)]
    days = sorted(ripe["as_of"].unique())
    panel = newest is not None and "severity" in newest.columns
    parts = [(str(pd.Timestamp(day).date()), ripe[ripe["as_of"] == day]) for day in days[-NIGHTS:]]
    if not panel and len(ripe):
        parts = [(str(ripe["as_of"].max().date()), ripe.drop_duplicates("id", keep="last"))]
    judged = [
        {
            "as_of": day,
            **realised(
                rows["label"].to_numpy(dtype=np.int64), rows["pd"].to_numpy(dtype=np.float64), sampling, rules
            ),
        }
        for day, rows in parts
    ]
    waiting = fate[fate["status"] == "immature"]
    now = (
        estimated(newest["pd"].to_numpy(dtype=np.float64), sampling, rules)
        if newest is not None and len(newest)
        else None
    )
    return {
        "state": judged[-1]["state"] if judged else "unknown",
        "estimated_now": now,
        "matured": judged[-1] if judged else None,
        "earlier": judged[:-1],
        "coverage": {
            "days": int(fate["as_of"].nunique()),
            "days_matured": len(days),
            "rows": len(fate),
            "matured": len(ripe),
            "waiting": len(waiting),
            "next_matures": str(waiting["due"].min().date()) if len(waiting) else None,
        },
    }
