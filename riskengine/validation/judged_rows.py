"""On which rows may a version be judged honestly: later ones of the store, or those its own training kept for the test?

A candidate learns from every mature row, so its own past proves nothing. *Later* rows are those after all it learned from,
profiled afresh as of their own days and scored by the very bundle. Where none is mature yet, the *stored* rows serve: the
out-of-time and held-out rows of its training, as scored by the models that had not seen them (an artifact of the run).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.learning.metrics import Sample
from riskengine.learning.outcomes import shift
from riskengine.learning.samples import LabelledRows, Period, labelled_rows, training_period
from riskengine.learning.spec import ModelSpec
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.scorecard import grade_of, master_scale, scale_pd
from riskengine.scoring.served import feature_matrix, segment_values
from riskengine.store import snapshot

ARTIFACT = "validation_rows.parquet"
OUT_OF_TIME, HELD_OUT, DEVELOPMENT = "out_of_time", "held_out", "development"
_DEVELOPMENT_ROWS = 20_000
_OWN = ("id", "as_of", "group", "label", "weight", "event_date", "raw", "pd", "grade")


@dataclass(frozen=True)
class Judged:
    """Rows to judge a version on. Each frame has `id`, `as_of`, `group`, `label`, `weight`, `event_date`, `raw`, `pd`,
    `grade`, the features, and `score_<benchmark>` where a benchmark was scored with it.

    `rows` are the mature rows that decide; `held_out` are borrowers never learned from (stored only), `development` is
    what was learned from, `tail` are the rows after `rows` whose outcomes are still open. `same_definitions` tells
    whether later rows were profiled by the definitions that the bundle was trained with.
    """

    origin: str  # "later" or "stored"
    period: Period
    followed_to: date  # the day up to which the outcomes of `tail` are known
    rows: pd.DataFrame
    development: pd.DataFrame
    held_out: pd.DataFrame = field(default_factory=pd.DataFrame)
    tail: pd.DataFrame = field(default_factory=pd.DataFrame)
    same_definitions: bool = True
    held_out_only: bool = False  # `rows` are the held-out ones of the training: a cross-section has no later


def learned_to(bundle: Bundle) -> date:
    """The last as-of day on which nothing may be judged.

    An applicant has one row, so this is the last row's day. A guarantee in force has a row every month, and the months
    before the training share their default with rows that were learned from: there it is the day of training itself. So
    it is for every hazard, applicants' too: it learns from each month that anybody has lived through by then, mature or not.
    """
    by_month = bundle.spec["subject"] == "guarantee" or bool(bundle.spec.get("hazard"))
    name = "trained_as_of" if by_month else "last_as_of"
    return date.fromisoformat(str(bundle.card[name])[:10])


def judged_rows(
    project: Project, bundle: Bundle, stored: bytes | None, asked: tuple[date | None, date | None, date]
) -> Judged:
    """The rows for `asked` = (first day, last day, day of knowledge); None: all that are honest.

    Days the bundle learned from are a `UsageError`, neither later nor stored rows a `SetupError`.
    """
    spec = ModelSpec.model_validate(bundle.spec)
    start, end, known = asked
    first = learned_to(bundle) + timedelta(days=1)
    ripe = Span.parse(spec.label.horizon).before(Span.parse(spec.label.lag).before(known))
    if start is not None and start < first:
        hint = f"It learned from outcomes up to then: choose --from {first} or later, or leave it out"
        raise UsageError("A model is not judged on what it learned from", [Problem("--from", f"{first} or later", str(start), hint)])  # fmt: skip
    seen = date.fromisoformat(str(bundle.card["last_as_of"])[:10]) + timedelta(
        days=1
    )  # shown from here, not judged
    taken = _followed(project, spec, Period(start or min(seen, first), end or known, known))
    later = _scored(bundle, taken) if taken is not None else pd.DataFrame()
    mature = later[later["mature"] & (later["as_of"] >= pd.Timestamp(first))] if len(later) else later
    rest = later[~later["mature"]] if len(later) else later
    named = start is not None or end is not None
    least = (
        1 if named or stored is None else spec.gates.events_at_least
    )  # fewer defaults than that say too little
    if len(mature) and mature["label"].nunique() == 2 and int(mature["label"].sum()) >= least:
        period = replace(_days(mature), known=known)
        kept = read_stored(stored).get(DEVELOPMENT) if stored else None
        before = (
            _scored(bundle, _development(project, spec, bundle)) if kept is None else _graded(bundle, kept)
        )
        assert taken is not None
        same = taken.recipe.fingerprint == _trained_by(bundle)
        return Judged(
            "later", period, known, _tidy(mature), _tidy(before), tail=_tidy(rest), same_definitions=same
        )
    if named or stored is None:
        raise _nothing(bundle, (start or first, ripe, known), bool(stored))
    parts = {name: _graded(bundle, part) for name, part in read_stored(stored).items()}
    rows = parts.get(OUT_OF_TIME, parts.get(HELD_OUT, pd.DataFrame()))
    if not len(rows):
        raise _nothing(bundle, (first, ripe, known), True)
    period = replace(_days(rows), known=date.fromisoformat(bundle.card["trained_as_of"]))
    held = parts.get(HELD_OUT, pd.DataFrame()) if OUT_OF_TIME in parts else pd.DataFrame()
    before = parts.get(DEVELOPMENT, held if len(held) else rows.iloc[:0])
    alone = OUT_OF_TIME not in parts
    found = Judged("stored", period, known, _tidy(rows), _tidy(before), _tidy(held), _tidy(rest))
    return replace(found, held_out_only=alone)


def stored_rows(parts: Mapping[str, pd.DataFrame], taken: LabelledRows) -> bytes:
    """The Parquet artifact that a training leaves for its validation; the same rows give the same bytes.

    `parts` maps `out_of_time`, `held_out` and `development` to frames of `subject` (the id), `as_of`, `raw`, `pd` and, if
    benchmarks were scored, `score_<name>`. Out-of-time and held-out rows are scored by the model that had not seen them,
    development rows out of fold. Everything else (label, weight, group, features) comes from the labelled rows.
    At most 20,000 development rows are kept: whole borrowers, by the hash of their name.
    """
    rows = taken.rows.assign(as_of=pd.to_datetime(taken.rows["as_of"]), id=taken.rows["id"].astype("str"))
    known = ["id", "as_of", "group", "label", "weight", "event_date", *taken.spec.features]
    segment = taken.spec.calibration.segment
    known += [segment] if segment and segment not in known else []
    pieces = []
    for name, part in sorted(parts.items()):
        mine = part.rename(columns={"subject": "id"})
        mine = mine.assign(as_of=pd.to_datetime(mine["as_of"]), id=mine["id"].astype("str"))
        joined = mine.merge(rows[known], on=["id", "as_of"], how="left", validate="1:1")
        lost = int(joined["label"].isna().sum())
        if lost:
            raise UsageError(
                "Validation rows do not fit", [Problem(name, "rows of the training", f"{lost} others")]
            )
        if name == DEVELOPMENT and len(joined) > _DEVELOPMENT_ROWS:
            hashed = pd.util.hash_array(joined["group"].astype("str").to_numpy(dtype=object))
            joined = joined[hashed <= np.quantile(hashed, _DEVELOPMENT_ROWS / len(joined))]
        pieces.append(joined.assign(part=name).sort_values(["as_of", "id"], kind="stable"))
    return _parquet(pd.concat(pieces, ignore_index=True))


def read_stored(content: bytes) -> dict[str, pd.DataFrame]:
    """The parts of the artifact that `stored_rows` wrote."""
    table = pd.read_parquet(io.BytesIO(content))
    parts = {str(name): part.drop(columns=["part"]) for name, part in table.groupby("part", sort=True)}
    return {name: part.reset_index(drop=True) for name, part in parts.items()}


def rescored(bundle: Bundle, rows: pd.DataFrame) -> pd.DataFrame | None:
    """The same rows as another version sees them; None where they lack a feature of it."""
    if any(name not in rows.columns for name in bundle.features):
        return None
    rated = score_rows(bundle, feature_matrix(bundle, rows), segment_values(bundle, rows))
    return rows.assign(raw=rated.raw, pd=rated.pd, grade=rated.grade)


def sample_of(rows: pd.DataFrame, score: str = "pd") -> Sample:
    """Rows as the statistics want them; what ranks is the PD, for that is what is published and decides."""
    groups = np.unique(rows["group"].astype("str").to_numpy(dtype=object), return_inverse=True)[1]
    return Sample(
        rows["label"].to_numpy(dtype=np.int64),
        rows[score].to_numpy(dtype=np.float64),
        rows["pd"].to_numpy(dtype=np.float64),
        rows["weight"].to_numpy(dtype=np.float64),
        groups.astype(np.int64),
    )


def followed_share(spec: ModelSpec, rows: pd.DataFrame, known: date) -> npt.NDArray[np.float64]:
    """How much of each row's horizon had been observed on `known`: 0 to 1, 1 is mature."""
    start = rows["as_of"].to_numpy(dtype="M8[D]")
    end = shift(start, Span.parse(spec.label.horizon))
    seen = np.datetime64(Span.parse(spec.label.lag).before(known), "D")
    part = (seen - start).astype(np.float64) / np.maximum((end - start).astype(np.float64), 1.0)
    return np.asarray(np.clip(part, 0.0, 1.0), dtype=np.float64)


def _days(rows: pd.DataFrame) -> Period:
    """From the first to the last as-of day of the rows."""
    days = pd.DatetimeIndex(rows["as_of"])
    return Period(days.min().date(), days.max().date(), days.max().date())


def _followed(project: Project, spec: ModelSpec, period: Period) -> LabelledRows | None:
    """Every subject of the period, mature or not; None where there is nobody."""
    if period.start > period.end:
        return None
    try:
        taken = labelled_rows(project, spec, snapshot.read(project.store), replace(period, immature=True))
    except UsageError as error:
        if error.title == "Nobody to look at":
            return None
        raise
    return taken if len(taken.rows) else None


def _development(project: Project, spec: ModelSpec, bundle: Bundle) -> LabelledRows:
    trained = date.fromisoformat(bundle.card["trained_as_of"])
    return labelled_rows(project, spec, snapshot.read(project.store), training_period(spec, trained))


def _scored(bundle: Bundle, taken: LabelledRows) -> pd.DataFrame:
    made = rescored(bundle, taken.rows)
    assert made is not None
    return made


def _graded(bundle: Bundle, rows: pd.DataFrame) -> pd.DataFrame:
    scale = master_scale(bundle)
    grades = [grade_of(scale, scale_pd(bundle, float(pd_))).name for pd_ in rows["pd"]]
    return rows.assign(grade=np.array(grades, dtype=object))


def _tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """In the order of day and id, whatever the order they came in."""
    if not len(rows):
        return rows
    rows = rows.assign(as_of=pd.to_datetime(rows["as_of"]), id=rows["id"].astype("str"))
    return rows.sort_values(["as_of", "id"], kind="stable", ignore_index=True)


def _trained_by(bundle: Bundle) -> str:
    return Recipe.from_json(bundle.recipe).fingerprint


def _parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _nothing(bundle: Bundle, days: tuple[Any, Any, Any], stored: bool) -> SetupError:
    first, ripe, known = days
    got = f"no such rows with both outcomes (labels known on {known} are mature up to {ripe})"
    problems = [Problem("later rows", f"mature rows from {first} on", got, "Take in later outcomes")]
    if not stored:
        hint = f"Run riskengine retrain {bundle.model} --as-of DATE: it keeps them"
        problems.append(Problem(ARTIFACT, "the rows that the training kept for its validation", "none in this run", hint))  # fmt: skip
    return SetupError(f"{bundle.model} cannot be judged honestly yet", problems)
