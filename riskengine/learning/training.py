"""How is a candidate made from mature rows, and what is honestly known of it before anybody promotes it?

1. Rows are put in the order of (as-of date, subject); the order they came in changes nothing.
2. *Out of time*: rows after `cut`, the last mature day less `out_of_time`. *Held out*: the borrowers of a seeded hash.
   *Development*: the other borrowers' rows up to the cut. *Ripe*: those of them whose labels were mature at the cut
   (the embargo), i.e. what a training on that day would have had.
3. The development rows are audited for leakage. A model of the ripe rows is tested out of time, one of the
   development rows on the held-out borrowers: each fitted in grouped folds and as a whole, calibrated on its
   out-of-fold scores, beside a scorecard and the naive rule fitted on the same rows.
4. Gates; then the same recipe on all mature rows is the candidate: its directions are verified, its calibration is
   fitted on its own out-of-fold scores, and its parts are written with nothing of the clock or the machine in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import Problem, QualityGateError, UsageError
from riskengine.learning import benchmarks, fitting, leakage
from riskengine.learning.calibration import fit_calibration
from riskengine.learning.fitting import Flags, Rows
from riskengine.learning.metrics import (
    Estimate,
    Numbers,
    Sample,
    auc_difference,
    delong,
    measured,
)
from riskengine.learning.outcomes import Days, shift
from riskengine.learning.spec import ModelSpec
from riskengine.schema import canonical_json
from riskengine.scoring.trees import export_trees

_PEERS_AT_LEAST = 200


@dataclass(frozen=True)
class TrainingFrame:
    """Mature rows: one per subject and as-of date. All of one length; `features` in any column order, null is missing."""

    features: pd.DataFrame
    label: npt.NDArray[Any]
    weight: npt.NDArray[Any]
    group: npt.NDArray[Any]
    as_of: npt.NDArray[Any]
    subject: npt.NDArray[Any]
    peers: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class TrainingContext:
    """What the rows came from: training day, snapshot id, compiled profile recipe, master scale (JSON values)."""

    trained_as_of: date
    snapshot: str
    recipe: Mapping[str, Any]
    grades: Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One test: which rows, and for each means (model, scorecard, naive) its figures; model minus benchmark in AUC."""

    name: str
    rows: int
    events: int
    start: str
    end: str
    figures: dict[str, dict[str, Estimate]]
    delong: Estimate
    better: dict[str, Estimate]
    samples: dict[str, Sample] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A trained model before it is registered: the bundle's files, the tests, the audit."""

    spec: ModelSpec
    files: dict[str, bytes]
    trials: tuple[Trial, ...]
    audit: leakage.Audit
    rows: int
    events: int

    def metrics(self) -> dict[str, tuple[float | None, float | None, float | None]]:
        """Name -> (value, low, high) for the registry: `out_of_time_auc`, `held_out_scorecard_ks`, ..."""
        named: dict[str, tuple[float | None, float | None, float | None]] = {}
        for trial in self.trials:
            for means, figures in trial.figures.items():
                prefix = trial.name if means == "model" else f"{trial.name}_{means}"
                named |= {f"{prefix}_{name}": (e.value, e.low, e.high) for name, e in figures.items()}
        return named

    def params(self) -> dict[str, Any]:
        """The parameters that the registry shows."""
        return {
            **self.spec.lightgbm.model_dump(),
            "features": len(self.spec.features),
            "rows": self.rows,
            "events": self.events,
        }


@dataclass(frozen=True)
class _Split:
    cut: np.datetime64
    development: Flags
    ripe: Flags
    held_out: Flags
    out_of_time: Flags


@dataclass(frozen=True)
class _Fitted:
    rows: Rows
    booster: Any
    calibration: dict[str, Any]


def train(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> Candidate:
    """The candidate of a spec on these rows, or a refusal (`UsageError` for wrong rows, `QualityGateError` for a wrong model)."""
    frame = _checked(spec, frame, context)
    rows = _rows(spec, frame)
    split = _split(spec, frame, context)
    _enough(spec, rows, split)
    limits = leakage.Limits(spec.gates.single_feature_auc_at_most, spec.gates.explained)
    fold = _folds(spec, frame.group[split.development])
    audit = leakage.audit(rows.where(split.development), spec.features, fold, limits)
    early = _fit_subset(spec, frame, rows, split.ripe)
    same = bool((split.ripe == split.development).all())
    known = early if same else _fit_subset(spec, frame, rows, split.development)
    tests = [("out_of_time", split.out_of_time, early), ("held_out", split.held_out, known)]
    trials = tuple(
        _trial(spec, rows.where(chosen), fitted, (name, frame.as_of[chosen]))
        for name, chosen, fitted in tests
        if chosen.any()
    )
    _gates(spec, trials)
    final, final_calibration = _fitted(spec, rows, _folds(spec, frame.group))
    checked = fitting.verify_directions(final, spec, rows.matrix)
    card = _card(spec, frame, context, (split, trials, audit))
    card["monotone_steps_checked"] = checked
    card["importance"] = _importance(spec, final)
    text = final.model_to_string()
    parts: dict[str, Any] = {
        "trees.json": export_trees(text),
        "calibration.json": final_calibration,
        "grades.json": dict(context.grades),
        "recipe.json": dict(context.recipe),
        "peers.json": peers(spec, frame),
        "spec.json": spec.model_dump(mode="json", by_alias=True),
        "card.json": card,
    }
    files = {name: canonical_json(part).encode() for name, part in parts.items()}
    files["model.txt"] = text.encode()
    return Candidate(spec, files, trials, audit, len(rows.label), int(rows.label.sum()))


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


def _checked(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> TrainingFrame:
    """The frame in its canonical order, after every complaint about it was collected."""
    size = len(frame.label)
    given = {"weight": frame.weight, "group": frame.group, "as_of": frame.as_of, "subject": frame.subject}
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
    as_of = np.asarray(frame.as_of, dtype="M8[D]")
    ripe = shift(shift(as_of, Span.parse(spec.label.horizon)), Span.parse(spec.label.lag))
    young = int((ripe > np.datetime64(context.trained_as_of, "D")).sum())
    if young:
        problems.append(
            Problem("as_of", f"labels mature by {context.trained_as_of}", f"{young} immature rows")
        )
    label, weight = np.asarray(frame.label), np.asarray(frame.weight, dtype=np.float64)
    if not np.isin(label, (0, 1)).all():
        problems.append(Problem("label", "0 or 1", "other values"))
    if not (np.isfinite(weight) & (weight > 0)).all():
        problems.append(Problem("weight", "numbers above zero", "others"))
    if problems:
        raise UsageError(f"The rows do not fit {spec.name}", problems)
    subject = np.asarray(frame.subject, dtype=str)
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
    )


def _rows(spec: ModelSpec, frame: TrainingFrame) -> Rows:
    matrix = frame.features.to_numpy(dtype=np.float64, na_value=np.nan)
    group = np.unique(frame.group, return_inverse=True)[1].astype(np.int64)
    return Rows(np.ascontiguousarray(matrix), frame.label, frame.weight, group)


def _split(spec: ModelSpec, frame: TrainingFrame, context: TrainingContext) -> _Split:
    bucket = fitting.buckets(list(frame.group), 10_000, spec.lightgbm.seed)
    held = bucket < round(spec.validation.holdout_share * 10_000)
    if not spec.validation.out_of_time:  # a cross-section: all on one day, only held-out borrowers can test
        return _Split(frame.as_of.max(), ~held, ~held, held, np.zeros(len(held), dtype=bool))
    horizon, lag = Span.parse(spec.label.horizon), Span.parse(spec.label.lag)
    last = horizon.before(lag.before(context.trained_as_of))
    cut = np.datetime64(Span.parse(spec.validation.out_of_time).before(last), "D")
    as_of: Days = frame.as_of
    embargo = Span.parse(spec.validation.embargo) if spec.validation.embargo else horizon
    early, ripe = as_of <= cut, shift(as_of, embargo) <= cut
    return _Split(cut, early & ~held, ripe & ~held, early & held, as_of > cut)


def _enough(spec: ModelSpec, rows: Rows, split: _Split) -> None:
    problems = []
    sets = {
        "development": split.development,
        "mature at the cut": split.ripe,
        "held out": split.held_out,
        "out of time": split.out_of_time,
    }
    if not spec.validation.out_of_time:
        del sets["out of time"]
    for name, chosen in sets.items():
        events, total = int(rows.label[chosen].sum()), int(chosen.sum())
        if events < spec.gates.events_at_least or total - events < spec.gates.events_at_least:
            got = f"{events} defaults in {total} rows"
            least = spec.gates.events_at_least
            problems.append(Problem(f"{name} rows", f"at least {least} defaults and survivors", got))
    if problems:
        raise QualityGateError(f"Not enough defaults to say anything of {spec.name}", problems)


def _folds(spec: ModelSpec, group: npt.NDArray[Any]) -> Numbers:
    return fitting.buckets(list(group), spec.validation.folds, spec.lightgbm.seed + 1)


def _fit_rows(spec: ModelSpec, rows: Rows) -> Any:
    weight = rows.weight
    if spec.sample_weight is not None and not spec.sample_weight.in_fit:
        weight = np.ones(len(weight))
    fitted = Rows(rows.matrix, rows.label, weight, rows.group)
    return fitting.fit(fitting.parameters(spec), spec.lightgbm.rounds, fitted, spec.features)


def _fitted(spec: ModelSpec, rows: Rows, fold: Numbers) -> tuple[Any, dict[str, Any]]:
    """A booster on all these rows and the calibration from its folds."""
    folds = [rows.where(fold != number) for number in range(spec.validation.folds)]
    whole, *parts = fitting.side_by_side([partial(_fit_rows, spec, part) for part in (rows, *folds)])
    raw = np.zeros(len(rows.label))
    for number, booster in enumerate(parts):
        held = fold == number
        if held.any():
            raw[held] = fitting.predict(booster, rows.matrix[held])
    return whole, fit_calibration(rows.label, raw, rows.weight)


def _fit_subset(spec: ModelSpec, frame: TrainingFrame, rows: Rows, taught: Flags) -> _Fitted:
    learned = rows.where(taught)
    return _Fitted(learned, *_fitted(spec, learned, _folds(spec, frame.group[taught])))


def _trial(spec: ModelSpec, part: Rows, fitted: _Fitted, named: tuple[str, Days]) -> Trial:
    name, day = named
    naive = benchmarks.naive_rule(spec, fitted.rows)
    card = benchmarks.scorecard(fitted.rows, spec.features, spec.baseline.features)
    slope, start = float(fitted.calibration["a"]), float(fitted.calibration["b"])
    odds = {
        "model": fitting.predict(fitted.booster, part.matrix) * slope + start,
        "scorecard": card(part.matrix),
        **({"naive": naive(part.matrix)} if naive else {}),
    }
    codes = np.unique(part.group, return_inverse=True)[1].astype(np.int64)
    samples = {}
    for means, found in odds.items():
        pd_ = 1 / (1 + np.exp(-np.clip(found, -700, 700)))
        samples[means] = Sample(part.label, found, pd_, part.weight, codes)
    times = spec.validation.replicates
    measures = fitting.side_by_side([partial(measured, sample, times) for sample in samples.values()])
    return Trial(
        name=name,
        rows=len(part.label),
        events=int(part.label.sum()),
        start=str(day.min()),
        end=str(day.max()),
        figures=dict(zip(samples, measures, strict=True)),
        delong=delong(part.label, odds["model"]),
        better={
            means: auc_difference(samples["model"], other, times)
            for means, other in samples.items()
            if means != "model"
        },
        samples=samples,
    )


def _gates(spec: ModelSpec, trials: tuple[Trial, ...]) -> None:
    problems = []
    for trial in trials:
        area = trial.figures["model"]["auc"]
        where, shown = f"{trial.name} AUC ({trial.events} defaults)", str(area)
        if area.value is None or area.value > spec.gates.auc_at_most:
            expected = f"at most {spec.gates.auc_at_most:.3f}"
            problems.append(
                Problem(where, expected, shown, "Too good to be true: find out which feature knows")
            )
        elif area.value < spec.gates.auc_at_least:
            problems.append(Problem(where, f"at least {spec.gates.auc_at_least:.3f}", shown))
    if problems:
        raise QualityGateError(f"{spec.name} does not pass its gates", problems)


def _card(
    spec: ModelSpec,
    frame: TrainingFrame,
    context: TrainingContext,
    done: tuple[_Split, tuple[Trial, ...], leakage.Audit],
) -> dict[str, Any]:
    split, trials, audit = done
    shown = [{key: value for key, value in vars(trial).items() if key != "samples"} for trial in trials]
    for entry in shown:
        entry["delong"] = _rounded(entry["delong"])
        entry["better"] = {key: _rounded(found) for key, found in entry["better"].items()}
        entry["figures"] = {
            means: {name: _rounded(found) for name, found in figures.items()}
            for means, figures in entry["figures"].items()
        }
    return {
        "model": spec.name,
        "title": spec.title.model_dump(),
        "trained_as_of": context.trained_as_of.isoformat(),
        "snapshot": context.snapshot,
        "rows": len(frame.label),
        "events": int(frame.label.sum()),
        "borrowers": len(np.unique(frame.group)),
        "first_as_of": str(frame.as_of.min()),
        "last_as_of": str(frame.as_of.max()),
        "weighted_base_rate": float(np.average(frame.label, weights=frame.weight)),
        "cut": str(split.cut),
        "development_rows": int(split.development.sum()),
        "mature_at_cut_rows": int(split.ripe.sum()),
        "trials": shown,
        "leakage": asdict(audit),
        "libraries": {name: version(name) for name in ("lightgbm", "numpy", "scikit-learn")},
    }


def _rounded(estimate: Estimate) -> dict[str, float | None]:
    """Six digits: what a reader can use, and what another number of cores does not change."""
    return {name: None if part is None else round(part, 6) for name, part in asdict(estimate).items()}


def _importance(spec: ModelSpec, booster: Any) -> dict[str, float]:
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    share = gain / max(float(gain.sum()), 1e-300)
    return {name: round(float(part), 6) for name, part in zip(spec.features, share, strict=True)}
