"""What is honestly known of a model before anybody promotes it: how does it do on rows it has not seen, beside others?"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from riskengine.errors import Problem, QualityGateError
from riskengine.learning import fitting
from riskengine.learning.benchmarks import rivals
from riskengine.learning.making import Made, Taught, log_odds
from riskengine.learning.metrics import Estimate, Sample, delong, measured
from riskengine.learning.spec import ModelSpec
from riskengine.learning.standing import Standing, standings


@dataclass(frozen=True)
class Trial:
    """One test: which rows, and for each means (model, scorecard, logistic, …) its figures; how the model stands to each."""

    name: str
    rows: int
    events: int
    start: str
    end: str
    figures: dict[str, dict[str, Estimate]]
    delong: Estimate
    standings: tuple[Standing, ...]
    samples: dict[str, Sample] = field(repr=False, default_factory=dict)
    tested: pd.DataFrame = field(repr=False, default_factory=pd.DataFrame)

    @property
    def better(self) -> dict[str, Estimate]:
        """By rival, the model's gain in AUC."""
        return {one.rival: one.auc for one in self.standings}


def trial(spec: ModelSpec, tested: Taught, made: Made, name: str) -> Trial:
    """The model and its rivals, made from the same rows, on rows that none of them saw."""
    part, day = tested.rows, tested.frame.as_of
    judged = made.taught.where(made.taught.frame.judged)
    others = rivals(spec, judged.rows, judged.frame.rules)
    codes = np.unique(part.group, return_inverse=True)[1].astype(np.int64)
    pd_ = made.pd(part.matrix, tested.frame.segment)
    samples = {"model": Sample(part.label, log_odds(pd_), pd_, part.weight, codes)}
    for means, rival in others.items():
        odds = rival.odds(part.matrix, tested.frame.rules)
        likely = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        samples[means] = Sample(part.label, odds, likely, part.weight, codes)
    times = spec.validation.replicates
    measures = fitting.side_by_side([partial(measured, sample, times) for sample in samples.values()])
    return Trial(
        name=name,
        rows=len(part.label),
        events=int(part.label.sum()),
        start=str(day.min()),
        end=str(day.max()),
        figures=dict(zip(samples, measures, strict=True)),
        delong=delong(part.label, samples["model"].score),
        standings=standings(
            samples["model"], {means: (rival.title, samples[means]) for means, rival in others.items()}, times
        ),
        samples=samples,
        tested=pd.DataFrame(
            {"subject": tested.frame.subject, "as_of": day.astype("M8[s]"), "raw": made.raw(part.matrix)}
            | {"pd" if means == "model" else f"score_{means}": one.pd for means, one in samples.items()}
        ),
    )


def gates(spec: ModelSpec, trials: tuple[Trial, ...]) -> None:
    """Refuse a model that is too weak, or too good to be true."""
    problems = []
    for one in trials:
        area = one.figures["model"]["auc"]
        where, shown = f"{one.name} AUC ({one.events} defaults)", str(area)
        if area.value is None or area.value > spec.gates.auc_at_most:
            expected = f"at most {spec.gates.auc_at_most:.3f}"
            problems.append(
                Problem(where, expected, shown, "Too good to be true: find out which feature knows")
            )
        elif area.value < spec.gates.auc_at_least:
            problems.append(Problem(where, f"at least {spec.gates.auc_at_least:.3f}", shown))
    if problems:
        raise QualityGateError(f"{spec.name} does not pass its gates", problems)
