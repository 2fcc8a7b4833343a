"""What would the challenger have said tonight of the same book, and who is right as outcomes mature?

In force, the night scores its book a second time with the challenger, by the challenger's own recipe, and publishes both
answers as `shadow.parquet`. Nothing of it reaches a signal, the ranking or a reminder: it is computed from what the night has
already decided. Applicants need no file: a verdict is an officer's, who waits for it, and every applicant can be profiled again
as of the own day to the same bits, so both bundles are asked when somebody compares them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from lightgbm.basic import LightGBMError

from riskengine.errors import IntegrityError, Problem, RiskEngineError
from riskengine.monitor.dynamics import ADDED, with_dynamics
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.frames import parquet_bytes, read_frame
from riskengine.monitor.health import stale_sources
from riskengine.monitor.night import Before, compared, profiled, rated, subject_rows, valued
from riskengine.monitor.publish import Publication
from riskengine.monitor.vocabulary import GUARANTEE, NIGHT
from riskengine.monitor.watch import Watch
from riskengine.monitor.work import Work
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_in_force
from riskengine.project import Project
from riskengine.registry.pointers import challenger_name
from riskengine.schema import file_sha256
from riskengine.scoring.bundle import Bundle, read_bundle
from riskengine.scoring.scorecard import master_scale
from riskengine.stages import lap
from riskengine.store.snapshot import Snapshot

FILE = "shadow.parquet"
COLUMNS = ("id", "champion_pd", "champion_grade", "challenger_pd", "challenger_grade", "champion_severity",
           "challenger_severity", "champion_bundle", "challenger_bundle")  # fmt: skip
_ALERTS = ("orange", "red")
_OWN = ("pd", "score", "grade", "grade_no", "pd_low", "pd_high", "unsure", "exposure", "expected_loss",
        "pd_before", "pd_jump", "grade_before", "grade_notches", "pd_history", *ADDED)  # fmt: skip
_UNNAMED = "challengers.json"  # the name of a challenger whose pointer cannot be read
# What a foreign recipe, tree or calibration can make the database, LightGBM, pandas and Python raise; a defect of another
# kind (an assertion, no memory, a signal) is not the challenger's and is not swallowed.
_ITS_FAULT = (RiskEngineError, duckdb.Error, LightGBMError, LookupError, ValueError, TypeError, AttributeError,
              ArithmeticError, OSError)  # fmt: skip
log = logging.getLogger("riskengine.shadow")


@dataclass(frozen=True)
class Rival:
    """Who is tried beside the champion tonight: a verified bundle, nobody (no name), or why it cannot be (`refused`)."""

    name: str = ""
    bundle: Bundle | None = None
    refused: str = ""


@dataclass(frozen=True)
class Shadow:
    """`rows` (COLUMNS, by id) and what the manifest says: both bundles, and how many grades and alerts would differ."""

    rows: pd.DataFrame | None
    facts: Mapping[str, Any]

    def added(
        self, files: Mapping[str, bytes], facts: Mapping[str, Any]
    ) -> tuple[dict[str, bytes], dict[str, Any]]:
        """A night's files and manifest entries with the shadow's; no file where the challenger could not be asked."""
        made, told = dict(files), {**facts, **({"shadow": dict(self.facts)} if self.facts else {})}
        if self.rows is not None:
            made[FILE] = parquet_bytes(self.rows, {})
            told["rows"] = {**facts.get("rows", {}), FILE: len(self.rows)}
        lap("shadow", told.get("rows", {}).get(FILE))
        return made, told


def tried(project: Project, model: str, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Rival]:
    """A night's inputs with the challenger of a model among them, and the challenger, if it is not the champion.

    A damaged one, or a damaged pointer to it, never stops a night.
    """
    name = _UNNAMED
    try:
        name = challenger_name(project.store, model)
        found = read_bundle(project.store / "bundles" / name, name) if name else None
    except (RiskEngineError, OSError) as error:
        log.warning("the challenger of %s is not tried: %s", model, error)
        return {**inputs, "challenger": f"{name} refused"}, Rival(name, None, _reason(error))
    if found is None:
        return dict(inputs), Rival()
    return {**inputs, "challenger": name}, Rival(name, found)


def shadowed(
    watch: Watch,
    bundles: tuple[Bundle, Rival],
    snapshot: Snapshot,
    night: Work,
    past: tuple[Publication | None, Before],
) -> Shadow:
    """Score the night's book with the challenger and compare; `past` is the publication before, with its frames.

    A challenger that cannot score stops no night: the manifest says so instead (`refused`).
    """
    ours, rival = bundles
    if not rival.name:
        return Shadow(None, {})
    names = {"champion": ours.hash, "challenger": rival.name}
    if rival.bundle is None:
        return Shadow(None, {**names, "refused": rival.refused})
    try:
        frame = _scored(watch, rival.bundle, snapshot, night)
        worst = _alerts(watch, rival.bundle, frame, (night, past))
        rows, move = _beside(night, frame, worst, (ours, rival.bundle))
    except _ITS_FAULT as error:
        log.warning("the challenger could not score the night: %s", error, exc_info=True)
        return Shadow(None, {**names, "refused": _reason(error)})
    return Shadow(rows, {**names, **_counts(rows, move)})


def _reason(error: Exception) -> str:
    """Why a challenger was refused, in one line that says nothing of the machine."""
    if isinstance(error, RiskEngineError):
        return error.title
    said = str(error.strerror or "") if isinstance(error, OSError) else str(error)
    return ": ".join(part for part in (type(error).__name__, *said.strip().splitlines()[:1]) if part)[:160]


def _beside(
    night: Work, frame: pd.DataFrame, worst: Mapping[str, str], bundles: tuple[Bundle, Bundle]
) -> tuple[pd.DataFrame, Any]:
    """The rows of the shadow, by id, and by how many grades the challenger moves each guarantee of the book."""
    ours, rival = bundles
    book = night.book.assign(id=night.book.id.astype("str")).set_index("id")
    other = frame.assign(id=frame.id.astype("str")).set_index("id").reindex(book.index)
    rows = pd.DataFrame(
        {
            "id": book.index,
            "champion_pd": book.pd.to_numpy(),
            "champion_grade": book.grade.to_numpy(),
            "challenger_pd": other.pd.to_numpy(),
            "challenger_grade": other.grade.to_numpy(),
            "champion_severity": book.severity.to_numpy(),
            "challenger_severity": pd.Series(book.index).map(worst).astype("object").to_numpy(),
            "champion_bundle": ours.hash,
            "challenger_bundle": rival.hash,
        },
        columns=list(COLUMNS),
    ).sort_values("id", kind="stable", ignore_index=True)
    return rows, (other.grade_no - book.grade_no).to_numpy()


def shadow_of(publication: Publication) -> pd.DataFrame | None:
    """The shadow of a published night, its bytes verified; None where nobody was tried."""
    return verified(publication, FILE) if FILE in (publication.manifest.get("files") or {}) else None


def verified(publication: Publication, name: str) -> pd.DataFrame:
    """One published table; an `IntegrityError` where its bytes are not what the manifest says."""
    path = publication.folder / name
    expected = str(publication.manifest["files"][name]["sha256"])
    got = file_sha256(path) if path.is_file() else "no file"
    if got != expected:
        repair = f"Run riskengine nightly --as-of {publication.as_of} again"
        problem = Problem(str(path), f"SHA-256 {expected}", got, repair)
        raise IntegrityError(f"The publication of {publication.as_of} is damaged", [problem])
    return read_frame(publication, name)


def _scored(watch: Watch, bundle: Bundle, snapshot: Snapshot, night: Work) -> pd.DataFrame:
    """The night's book as the challenger rates and values it, by its own recipe."""
    recipe = Recipe.from_json(bundle.recipe)
    with Workbench(snapshot) as bench:
        load_in_force(bench, watch.catalogue.subjects.guarantee, recipe, [night.as_of])
        own = profiled(bench, subject_rows(bench), recipe)
    keys = watch.catalogue.subjects.keys
    own = with_dynamics(rated(own, bundle), bundle, keys, watch.shown.dynamics, night.as_of)
    fresh = [name for name in _OWN if name in own.columns and name not in watch.vocabulary.features]
    dropped = {*_OWN, *watch.vocabulary.shares(), "signals", "severity", "rank"}
    frame = night.book.drop(columns=[name for name in night.book.columns if name in dropped])
    frame = frame.merge(own[["id", *fresh]], on="id", how="left", validate="one_to_one")
    return valued(frame, watch.products, night.as_of)


def _alerts(
    watch: Watch, bundle: Bundle, frame: pd.DataFrame, known: tuple[Work, tuple[Publication | None, Before]]
) -> dict[str, str]:
    """The highest severity of each guarantee's own signals if the challenger decided, moves taken against its own past."""
    night, (earlier, before) = known
    keys = watch.catalogue.subjects.keys
    frame = compared(frame, replace(before, scores=_past_scores(earlier, bundle)), keys)
    silent = stale_sources(night.health)
    stale = watch.vocabulary.resting_on(silent)
    if {name for name, _ in Recipe.from_json(bundle.recipe).sources} & set(silent):
        stale |= {*NIGHT, *watch.vocabulary.shares()}
    found = evaluate(
        watch.signals, frame, Night(night.as_of, keys, before.signals, stale, night.health)
    ).signals
    own = found[found.about == GUARANTEE]
    order = {name: place for place, name in enumerate(("blue", "yellow", "orange", "red"))}
    worst: dict[str, str] = {}
    for name, severity in zip(own.id.astype("str"), own.severity, strict=True):
        if name not in worst or order[severity] > order[worst[name]]:
            worst[name] = severity
    return worst


def _past_scores(earlier: Publication | None, bundle: Bundle) -> pd.DataFrame | None:
    """What the same challenger said in the publication before; None where it was not asked."""
    rows = shadow_of(earlier) if earlier else None
    if rows is None or set(rows.challenger_bundle) != {bundle.hash}:
        return None
    numbers = {grade.name: float(number) for number, grade in enumerate(master_scale(bundle).grades, 1)}
    return pd.DataFrame(
        {
            "id": rows.id,
            "pd": rows.challenger_pd,
            "grade": rows.challenger_grade,
            "grade_no": rows.challenger_grade.map(numbers),
            "pd_history": [[value] for value in rows.challenger_pd],
        }
    )


def _counts(rows: pd.DataFrame, move: Any) -> dict[str, Any]:
    now, then = (rows[name].isin(_ALERTS).to_numpy() for name in ("champion_severity", "challenger_severity"))
    return {
        "guarantees": len(rows),
        "grades_better": int((move < 0).sum()),
        "grades_worse": int((move > 0).sum()),
        "grades_same": int((move == 0).sum()),
        "alerts": int(now.sum()),
        "alerts_challenger": int(then.sum()),
        "alerts_more": int((then & ~now).sum()),
        "alerts_fewer": int((now & ~then).sum()),
        "mean_pd": f"{np.nanmean(rows.champion_pd):.6f}" if len(rows) else "",
        "mean_pd_challenger": f"{np.nanmean(rows.challenger_pd):.6f}" if len(rows) else "",
    }
