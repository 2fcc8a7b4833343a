"""Which rows does a training get, and are they what its spec asks for? One order, every complaint at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError
from riskengine.learning.fitting import Rows
from riskengine.learning.outcomes import shift
from riskengine.learning.spec import ModelSpec

_PEERS_AT_LEAST = 200


@dataclass(frozen=True)
class PersonMonths:
    """What was seen of each row month by month (whole months ahead of its as-of day, counted from 1).

    `event`: the month in which the event came, `exit`: that of the first exit before it (0: not seen); `followed`: how many
    months of follow-up were mature on the day of training. Integers, in the order of the rows.
    """

    event: npt.NDArray[np.int64]
    exit: npt.NDArray[np.int64]
    followed: npt.NDArray[np.int64]

    def where(self, chosen: npt.NDArray[Any]) -> PersonMonths:
        """Those of the chosen rows (flags or places)."""
        return PersonMonths(self.event[chosen], self.exit[chosen], self.followed[chosen])

    def until(self, followed: npt.NDArray[np.int64]) -> PersonMonths:
        """As they were known after fewer months: what came later is not seen."""
        followed = np.minimum(self.followed, followed)
        return PersonMonths(
            np.where(self.event <= followed, self.event, 0),
            np.where(self.exit <= followed, self.exit, 0),
            followed,
        )


@dataclass(frozen=True)
class TrainingFrame:
    """One row per subject and as-of date. All of one length; `features` in any column order, null is missing.

    `label` is meant where `mature` (None: everywhere). `rules` are scores of simple alarms and of today's policy on the
    same rows (higher is riskier); `segment` the values that may have PD shifts of their own; `months` is needed by a hazard.
    """

    features: pd.DataFrame
    label: npt.NDArray[Any]
    weight: npt.NDArray[Any]
    group: npt.NDArray[Any]
    as_of: npt.NDArray[Any]
    subject: npt.NDArray[Any]
    peers: npt.NDArray[Any] | None = None
    mature: npt.NDArray[np.bool_] | None = None
    segment: npt.NDArray[Any] | None = None
    months: PersonMonths | None = None
    rules: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """The rows whose label may be used."""
        return np.ones(len(self.label), dtype=bool) if self.mature is None else self.mature

    def rows(self) -> Rows:
        """The matrix, label, weight and group codes that a fit sees."""
        matrix = self.features.to_numpy(dtype=np.float64, na_value=np.nan)
        group = np.unique(self.group, return_inverse=True)[1].astype(np.int64)
        return Rows(np.ascontiguousarray(matrix), self.label, self.weight, group)


@dataclass(frozen=True)
class TrainingContext:
    """What the rows came from: training day, snapshot id, compiled profile recipe, master scale (JSON values).

    `counts`: subjects by what became of them (immature, indeterminate, excluded, …), for the card. `definitions`: the hash of what
    the features mean (`profile.meaning`), by which another engine's words for them are known to say the same.
    """

    trained_as_of: date
    snapshot: str
    recipe: Mapping[str, Any]
    grades: Mapping[str, Any]
    counts: Mapping[str, int] = field(default_factory=dict)
    definitions: str = ""


def checked(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> TrainingFrame:
    """The frame in its canonical order (as-of day, subject), after every complaint about it was collected."""
    problems = _misfits(spec, frame) + _immature(spec, frame, context)
    label, weight = np.asarray(frame.label), np.asarray(frame.weight, dtype=np.float64)
    if not np.isin(label, (0, 1)).all():
        problems.append(Problem("label", "0 or 1", "other values"))
    if not (np.isfinite(weight) & (weight > 0)).all():
        problems.append(Problem("weight", "numbers above zero", "others"))
    if spec.hazard and frame.months is None:
        problems.append(Problem("months", "months ahead of events, for a hazard", "none"))
    if problems:
        raise UsageError(f"The rows do not fit {spec.name}", problems)
    subject, as_of = np.asarray(frame.subject, dtype=str), np.asarray(frame.as_of, dtype="M8[D]")
    order = np.lexsort((subject, as_of))
    features = frame.features[list(spec.features)].astype("float64").iloc[order].reset_index(drop=True)
    return TrainingFrame(
        features,
        label[order].astype(np.int64),
        weight[order],
        np.asarray(frame.group, dtype=str)[order],
        as_of[order],
        subject[order],
        None if frame.peers is None else np.asarray(frame.peers, dtype=object)[order],
        None if frame.mature is None else np.asarray(frame.mature, dtype=bool)[order],
        None if frame.segment is None else np.asarray(frame.segment, dtype=object)[order],
        None if frame.months is None else frame.months.where(order),
        {name: np.asarray(score, dtype=np.float64)[order] for name, score in sorted(frame.rules.items())},
    )


def _misfits(spec: ModelSpec, frame: TrainingFrame) -> list[Problem]:
    size = len(frame.label)
    given = {"weight": frame.weight, "group": frame.group, "as_of": frame.as_of, "subject": frame.subject}
    given |= {f"rules: {name}": score for name, score in frame.rules.items()}
    given |= {
        name: part
        for name, part in (("mature", frame.mature), ("segment", frame.segment), ("peers", frame.peers))
        if part is not None
    }
    if frame.months is not None:
        given |= {"months": frame.months.followed}
    lengths = {"features": len(frame.features), **{name: len(part) for name, part in given.items()}}
    problems = [
        Problem(name, f"{size} rows as in label", f"{found}")
        for name, found in lengths.items()
        if found != size
    ]
    problems += [
        Problem("features", f"a column {name!r}", "none")
        for name in spec.features
        if name not in frame.features
    ]
    return problems


def _immature(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> list[Problem]:
    """Rows whose label is used although it was not mature on the day of training."""
    as_of = np.asarray(frame.as_of, dtype="M8[D]")
    if len(as_of) != len(frame.label) or len(frame.judged) != len(as_of):
        return []
    ripe = shift(shift(as_of, Span.parse(spec.label.horizon)), Span.parse(spec.label.lag))
    young = int((frame.judged & (ripe > np.datetime64(context.trained_as_of, "D"))).sum())
    if not young:
        return []
    return [Problem("as_of", f"labels mature by {context.trained_as_of}", f"{young} immature rows")]


def peers(spec: ModelSpec, frame: TrainingFrame) -> dict[str, Any]:
    """`{"all": {"n", "median"}, "groups": {name: {"n", "median"}}}`: medians of each feature, groups of 200 rows or more."""

    def medians(chosen: pd.DataFrame) -> dict[str, Any]:
        found = chosen.median()
        listed = {name: None if pd.isna(found[name]) else float(found[name]) for name in spec.features}
        return {"n": len(chosen), "median": listed}

    values = frame.features[list(spec.features)]
    groups = {}
    if frame.peers is not None:
        known = pd.Series(frame.peers).dropna().astype(str)
        for name, size in sorted(known.value_counts().items()):
            if size >= _PEERS_AT_LEAST:
                groups[str(name)] = medians(values.iloc[known.index[known == name]])
    return {"column": spec.peers, "all": medians(values), "groups": groups}
