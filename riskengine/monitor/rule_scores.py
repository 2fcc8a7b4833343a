"""What would today's written rules, without any model, have said of rows of the past?

The benchmark *current policy* of a training: for applicants the admission rules (2: a knock-out, 1: an officer must see
it, by a referral or because a rule cannot be evaluated, 0: passed); for guarantees in force, which no admission rule
concerns any more, the highest severity among the signals about the guarantee that read no model (0: none, 1: blue … 4:
red). Rules and limits are those in force on the day of training; each row's profile is that of the row's own day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.decision.policy import Policy, read_policy
from riskengine.learning.spec import ModelSpec
from riskengine.monitor.comparing import compare_all
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import GUARANTEE, vocabulary
from riskengine.profile.catalogue import Catalogue

Floats = npt.NDArray[np.float64]


def rule_inputs(catalogue: Catalogue, spec: ModelSpec, day: date) -> tuple[str, ...]:
    """The features that `rule_scores` reads of a model's rows, in order of name; none: the project has no such rules."""
    if spec.subject == "applicant":
        policy = _policy(catalogue)
        rules = [rule for rule in policy.rules if rule.holds_on(day)] if policy else []
        return tuple(sorted({condition.feature for rule in rules for condition in rule.when}))
    signals = _signals(catalogue)
    bands = [condition for signal in signals for band in signal.bands for condition in band.when]
    return tuple(sorted({condition.feature for condition in bands}))


def rule_scores(catalogue: Catalogue, spec: ModelSpec, rows: pd.DataFrame, day: date) -> Mapping[str, Floats]:
    """By name (`policy` or `signals`) the score of each row, higher: riskier; empty where there are no such rules.

    `rows` hold the features of `rule_inputs`; `day` is the day of training.
    """
    if not rule_inputs(catalogue, spec, day):
        return {}
    if spec.subject == "applicant":
        policy = _policy(catalogue)
        assert policy is not None
        return {"policy": policy_score(policy, rows, day)}
    return {"signals": signal_score(_signals(catalogue), rows, day)}


def policy_score(policy: Policy, rows: pd.DataFrame, day: date) -> Floats:
    """2 where a rule declines, 1 where one refers, caps or cannot be evaluated, else 0; the model's grade has no say."""
    score = np.zeros(len(rows))
    for rule in policy.rules:
        if rule.holds_on(day):
            holds, fails = compare_all(rule.when, rows, day)
            score[~fails] = np.maximum(score[~fails], 1.0)
            if rule.action == "decline":
                score[holds] = 2.0
    return score


def signal_score(signals: Sequence[Signal], rows: pd.DataFrame, day: date) -> Floats:
    """The highest severity of any signal on each row: 0 none, 1 blue, 2 yellow, 3 orange, 4 red."""
    score = np.zeros(len(rows))
    for signal in signals:
        for rank, band in signal.ranked:
            holds, _ = compare_all(band.when, rows, day)
            score[holds] = np.maximum(score[holds], rank + 1.0)
    return score


def _policy(catalogue: Catalogue) -> Policy | None:
    path = catalogue.project.configs / "policy.toml"
    return read_policy(path) if path.exists() else None


def _signals(catalogue: Catalogue) -> tuple[Signal, ...]:
    """The signals about one guarantee whose every condition reads a feature: no PD, grade, exposure or concentration."""
    path = catalogue.project.configs / "signals.toml"
    if not path.exists():
        return ()
    known = vocabulary(catalogue)
    features = set(known.features)
    return tuple(
        signal
        for signal in read_signals(path, known)
        if signal.about == GUARANTEE
        and {condition.feature for band in signal.bands for condition in band.when} <= features
    )
