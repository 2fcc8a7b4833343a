"""What is predicted, from what, under which constraints, and when is the result accepted? (`models/<name>.toml`)"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest
from riskengine.schema import Definition, Words, parse, read_toml

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


class Label(Definition):
    """The outcome: an event of `source` within `horizon` after the as-of date."""

    source: str
    horizon: str = "36m"
    lag: str = "0d"  # how long after the event it may become known; a label matures only then
    title: Words | None = None


class Population(Definition):
    """Which subjects at which dates: from when on, in which steps, and of whom an outcome can be seen at all."""

    start: date = Field(alias="from")
    every: str = ""
    granted: str = (
        ""  # a source whose fact on the same id says that the risk was taken: who was declined cannot fail
    )
    one_in: int = Field(default=1, ge=1)  # thin the panel: each guarantee at every so-manieth date, in turn


class SampleWeight(Definition):
    """The column of a source that says how many cases of the population a row stands for."""

    source: str
    column: str
    in_fit: bool = True  # weights always count in calibration and reports; here, also in the trees' fit


class Monotone(Definition):
    """Features that may only raise (`up`) or only lower (`down`) the PD, all else equal."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


class Trees(Definition):
    """LightGBM's parameters; what is not here is LightGBM's default."""

    rounds: int = Field(default=300, ge=1, le=5000)
    num_leaves: int = Field(default=15, ge=2, le=255)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_data_in_leaf: int = Field(default=50, ge=1)
    min_sum_hessian_in_leaf: float = Field(default=1e-3, ge=0)
    lambda_l1: float = Field(default=0.0, ge=0)
    lambda_l2: float = Field(default=1.0, ge=0)
    feature_fraction: float = Field(default=1.0, gt=0, le=1)
    bagging_fraction: float = Field(default=1.0, gt=0, le=1)
    bagging_freq: int = Field(default=0, ge=0)
    max_depth: int = -1
    max_bin: int = Field(default=255, ge=2)
    path_smooth: float = Field(default=0.0, ge=0)
    seed: int = 20051231


class Validation(Definition):
    """How the model is tested: on the last `out_of_time`, on a share of held-out borrowers, in grouped folds.

    `embargo` is the gap before the out-of-time rows from which no label may come: empty means the horizon, i.e.
    only labels that were mature when the out-of-time period began.
    """

    out_of_time: str = "24m"
    embargo: str = ""
    holdout_share: float = Field(default=0.15, gt=0, lt=0.5)
    folds: int = Field(default=5, ge=2, le=20)
    replicates: int = Field(default=200, ge=50)


class Calibration(Definition):
    """How raw scores become PDs."""

    method: Literal["logistic"] = "logistic"


class Gates(Definition):
    """When a candidate is refused."""

    auc_at_least: float = Field(default=0.6, ge=0.5, le=1)
    auc_at_most: float = Field(default=0.95, gt=0.5, le=1)
    single_feature_auc_at_most: float = Field(default=0.85, gt=0.5, le=1)
    events_at_least: int = Field(default=30, ge=1)
    explained: dict[str, str] = Field(default_factory=dict)  # feature -> why so strong a feature is no leak


class Baseline(Definition):
    """The features of the logistic scorecard that is reported beside the model; empty: the model's own."""

    features: tuple[str, ...] = ()


class Naive(Definition):
    """A rule anyone could use: the mean rank of some features, each turned so that higher is riskier.

    Write `-name` for a feature of which less is riskier.
    """

    features: tuple[str, ...] = ()

    def directions(self) -> list[tuple[str, float]]:
        """Each feature with +1 (more is riskier) or -1."""
        return [(name.lstrip("-"), -1.0 if name.startswith("-") else 1.0) for name in self.features]


class ModelSpec(Definition):
    """One model, `models/<name>.toml`."""

    name: str
    title: Words
    subject: Literal["applicant", "guarantee"]
    label: Label
    population: Population
    sample_weight: SampleWeight | None = None
    group: str = ""  # the subject column whose equal values never stand on both sides of a split
    peers: str = ""  # the subject column whose values are peer groups
    features: tuple[str, ...] = Field(min_length=1)
    monotone: Monotone = Monotone()
    lightgbm: Trees = Trees()
    validation: Validation = Validation()
    calibration: Calibration = Calibration()
    gates: Gates = Gates()
    baseline: Baseline = Baseline()
    naive: Naive = Naive()

    @model_validator(mode="after")
    def _spans(self) -> ModelSpec:
        spans = {
            "label.horizon": self.label.horizon,
            "label.lag": self.label.lag,
            "population.every": self.population.every,
            "validation.out_of_time": self.validation.out_of_time,
            "validation.embargo": self.validation.embargo,
        }
        wrong = []
        for place, text in spans.items():
            try:
                Span.parse(text or "0d")
            except UsageError:
                wrong.append(f"{place} is a length such as 36m, not {text!r}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def constraints(self) -> list[int]:
        """By feature: 1 may only raise, -1 may only lower, 0 is free."""
        return [(name in self.monotone.up) - (name in self.monotone.down) for name in self.features]


def read_spec(path: Path, known: frozenset[str] | None = None) -> ModelSpec:
    """The spec in a file. Every problem at once: unknown keys, features not in `known` (if given), directions."""
    spec, problems = parse(ModelSpec, read_toml(path), str(path))
    problems = [_hinted(problem) for problem in problems]
    if spec is not None:
        problems = _feature_problems(spec, path, known)
        if spec.name != path.stem:
            problems.append(Problem(f"{path}: name", repr(path.stem), repr(spec.name)))
    if spec is None or problems:
        raise UsageError(f"{path.name} is not a model", problems)
    return spec


def _hinted(problem: Problem) -> Problem:
    """Add the nearest known spelling to an unknown key inside a block."""
    place = problem.where.rsplit(": ", 1)[-1].split(".")
    field = ModelSpec.model_fields.get(place[0])
    blocks: dict[str, type[Definition]] = {
        "label": Label,
        "population": Population,
        "sample_weight": SampleWeight,
        "monotone": Monotone,
        "lightgbm": Trees,
        "validation": Validation,
        "calibration": Calibration,
        "gates": Gates,
        "baseline": Baseline,
        "naive": Naive,
    }
    if problem.expected != "a known key" or field is None or len(place) < 2 or place[0] not in blocks:
        return problem
    known = [info.alias or name for name, info in blocks[place[0]].model_fields.items()]
    return Problem(problem.where, problem.expected, problem.got, nearest(place[-1], known))


def _feature_problems(spec: ModelSpec, path: Path, known: frozenset[str] | None) -> list[Problem]:
    problems = []
    mine = set(spec.features)
    for name in sorted({name for name in spec.features if spec.features.count(name) > 1}):
        problems.append(Problem(f"{path}: features", "each feature once", f"{name!r} twice"))
    for name in spec.features:
        if not _NAME.match(name):
            problems.append(Problem(f"{path}: features", "letters, digits and _", repr(name)))
        elif known is not None and name not in known:
            problems.append(
                Problem(f"{path}: features", "a defined feature", repr(name), nearest(name, known))
            )
    listed = {
        "monotone.up": spec.monotone.up,
        "monotone.down": spec.monotone.down,
        "baseline.features": spec.baseline.features,
        "naive.features": tuple(name for name, _ in spec.naive.directions()),
        "gates.explained": tuple(spec.gates.explained),
    }
    for place, names in listed.items():
        problems += [
            Problem(f"{path}: {place}", "a feature of this model", repr(name), nearest(name, mine))
            for name in names
            if name not in mine
        ]
    both = sorted(set(spec.monotone.up) & set(spec.monotone.down))
    problems += [Problem(f"{path}: monotone", "one direction", f"{name!r} both up and down") for name in both]
    return problems
