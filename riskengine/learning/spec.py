"""What is predicted, from what, under which constraints, and when is the result accepted? (`models/<name>.toml`)"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest
from riskengine.learning.spec_blocks import (
    Action,
    Baseline,
    Calibration,
    Gates,
    Hazard,
    Inventory,
    Label,
    Monotone,
    Naive,
    Population,
    Rule,
    SampleWeight,
    Trees,
    Tuning,
    Uncertainty,
    Validation,
)
from riskengine.schema import Definition, Words, parse, read_toml

RESERVED = ("model", "scorecard", "logistic", "naive", "policy", "signals")  # other means in every comparison
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


class ModelSpec(Definition):
    """One model, `models/<name>.toml`."""

    name: str
    title: Words
    subject: Literal["applicant", "guarantee"]
    kind: Literal["trees", "scorecard"] = "trees"  # LightGBM, or a scorecard of monotone optimal bins
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
    rules: tuple[Rule, ...] = ()  # simple alarms that every run is compared with
    hazard: Hazard | None = None  # month by month instead of one yes or no
    uncertainty: Uncertainty = Uncertainty()
    tuning: Tuning = Tuning()
    actionable: dict[str, Action] = Field(default_factory=dict)  # what an applicant can change, and how
    inventory: Inventory = Inventory()

    @model_validator(mode="after")
    def _spans(self) -> ModelSpec:
        spans = {
            "label.horizon": self.label.horizon,
            "label.lag": self.label.lag,
            "population.every": self.population.every,
            "validation.out_of_time": self.validation.out_of_time,
            "validation.embargo": self.validation.embargo,
            "hazard.lifetime": self.hazard.lifetime if self.hazard else "",
        }
        wrong = []
        for place, text in spans.items():
            try:
                Span.parse(text or "0d")
            except UsageError:
                wrong.append(f"{place} is a length such as 36m, not {text!r}")
        wrong += self._hazard_problems() if self.hazard and not wrong else []
        if self.kind == "scorecard" and self.hazard:
            wrong.append("a scorecard has no hazard: it tells one horizon")
        wrong += [
            f"rules: {rule.name!r} is a means of its own, name the rule otherwise"
            for rule in self.rules
            if rule.name in RESERVED
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _hazard_problems(self) -> list[str]:
        """What a model of months cannot be asked: part of a month, less than its label, bands out of order."""
        assert self.hazard is not None
        horizon, lifetime = Span.parse(self.label.horizon), Span.parse(self.hazard.lifetime)
        found = [
            f"{place} is a number of whole months such as 12m, not {text!r}"
            for place, text, span in (
                ("label.horizon", self.label.horizon, horizon),
                ("hazard.lifetime", self.hazard.lifetime, lifetime),
            )
            if span.days or span.months < 1
        ]
        if not found and lifetime.months < horizon.months:
            found.append(
                f"hazard.lifetime {self.hazard.lifetime} is not below label.horizon {self.label.horizon}"
            )
        bands = self.hazard.bands
        if not bands or any(low >= high for low, high in pairwise(bands)) or bands[0] < 0:
            found.append(f"hazard.bands rise, not {list(bands)}")
        return found

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
        "hazard": Hazard,
        "uncertainty": Uncertainty,
        "tuning": Tuning,
        "inventory": Inventory,
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
        "rules": tuple(rule.feature for rule in spec.rules),
        "actionable": (
            *spec.actionable,
            *(action.not_below for action in spec.actionable.values() if action.not_below),
        ),
        "hazard": tuple(name for name in (spec.hazard.age, spec.hazard.remaining) if name)
        if spec.hazard
        else (),
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
