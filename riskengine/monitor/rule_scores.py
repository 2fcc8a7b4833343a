"""What would today's written rules, without any model, have said of rows of the past?

The benchmark *current policy* of a training: for applicants the admission rules (2: a knock-out, 1: an officer must see
it, by a referral or because a rule cannot be evaluated, 0: passed); for guarantees in force, which no admission rule
concerns any more, the highest severity among the signals about the guarantee that read no model (0: none, 1: blue … 4:
red). Rules and limits are those in force on the day of training; each row's profile is that of the row's own day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.decision.asked import asked_of
from riskengine.decision.conditions import BY_DESK, BY_MODEL
from riskengine.decision.policy import Policy, evaluate, read_policy
from riskengine.decision.products import Products, read_products
from riskengine.decision.rules import Rule
from riskengine.learning.spec import ModelSpec
from riskengine.monitor.comparing import compare_all
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import GUARANTEE, vocabulary
from riskengine.profile.catalogue import Catalogue

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def rule_inputs(catalogue: Catalogue, spec: ModelSpec, day: date) -> tuple[str, ...]:
    """The features that `rule_scores` reads of a model's rows, in order of name; none: the project has no such rules."""
    if spec.subject == "applicant":
        policy, products = _policy(catalogue), _products(catalogue)
        rules = _countable(policy, day) if policy else []
        if not rules:
            return ()
        found = {name for rule in rules for name in rule.features} | set(
            products.features if products else ()
        )
        return tuple(sorted(found - set(BY_DESK)))
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
        return {"policy": policy_score(policy, rows, day, _products(catalogue))}
    return {"signals": signal_score(_signals(catalogue), rows, day)}


def policy_score(policy: Policy, rows: pd.DataFrame, day: date, products: Products | None = None) -> Floats:
    """2 where a rule declines, 1 where one refers, caps or cannot be evaluated, else 0; the model's grade has no say.

    As `evaluate` says it row by row: rules with plain conditions are compared column by column. Rules about the model's
    answer, about the data and about the size class that the desk computes are left out.
    """
    score = np.zeros(len(rows))
    rules = _countable(policy, day)
    plain = [rule for rule in rules if _by_columns(rule)]
    parts, doubtful = _parts(rows, day, products)
    for product, places in parts:
        part = rows.iloc[places].assign(product=product)
        for rule in plain:
            if not policy.why_not(rule, day, product):
                left = policy.as_switched(rule, day, product)
                score[places] = np.maximum(score[places], _of_columns(left, part, day))
    if products is None:
        return score
    others = [rule for rule in rules if not _by_columns(rule)]
    if others:
        slow = policy.model_copy(update={"rules": tuple(others), "formulas": ()})
        certain = np.setdiff1d(np.flatnonzero(score < 2.0), doubtful)
        score[certain] = np.maximum(score[certain], _row_by_row(slow, rows.iloc[certain], day, products))
    whole = policy.model_copy(update={"rules": tuple(rules), "formulas": ()})
    score[doubtful] = _row_by_row(whole, rows.iloc[doubtful], day, products)
    return score


def _row_by_row(policy: Policy, rows: pd.DataFrame, day: date, products: Products) -> Floats:
    """The score of each row by `evaluate`."""
    names = [str(name) for name in rows.columns if name not in BY_DESK]
    found = []
    for row in rows[names].astype("object").where(rows[names].notna(), None).to_dict("records"):
        known: dict[str, Any] = {
            **dict.fromkeys(BY_DESK),
            **{str(name): value for name, value in row.items()},
        }
        asked = asked_of(products, known, day)
        known["product"] = None if asked.rivals else asked.product
        outcomes = [finding.outcome for finding in evaluate(policy, known, day, asked)]
        found.append(max((_POINTS[outcome] for outcome in outcomes), default=0.0))
    return np.array(found, dtype=np.float64)


_POINTS = {"pass": 0.0, "refer": 1.0, "insufficient data": 1.0, "decline": 2.0}


def _countable(policy: Policy, day: date) -> list[Rule]:
    """The rules and formulas that the profile alone answers."""
    own = {*BY_MODEL, "size_class"}
    return [
        rule
        for rule in policy.every
        if rule.holds_on(day) and rule.test not in ("model", "data") and not own & set(rule.features)
    ]


def _by_columns(rule: Rule) -> bool:
    return rule.test == "conditions" and not rule.above and not any(level.cap for level in rule.steps)


def _of_columns(rule: Rule, rows: pd.DataFrame, day: date) -> Floats:
    """The score of a rule with plain conditions on rows of one product."""
    score = np.zeros(len(rows))
    for level in rule.steps:
        if not all(condition.begun(day) for condition in level.when):
            continue
        holds, fails = compare_all(level.when, rows, day)
        if level.unless:
            waived, _ = compare_all(level.unless, rows, day)
            holds, fails = holds & ~waived, fails | waived
        score[~fails] = np.maximum(score[~fails], 1.0)
        if level.action == "decline":
            score[holds] = 2.0
    return score


def _parts(
    rows: pd.DataFrame, day: date, products: Products | None
) -> tuple[list[tuple[str | None, Places]], Places]:
    """The places of the rows of each product, and those of rows whose product is not certain."""
    if products is None:
        return [(None, np.arange(len(rows)))], np.array([], dtype=np.intp)
    open_, certain = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    found: list[tuple[str | None, Places]] = []
    for product in products.products:
        holds, fails = compare_all(product.when, rows, day)
        found.append((product.id, np.flatnonzero(open_ & holds & certain)))
        open_ &= ~holds
        certain &= fails | ~open_
    return found, np.flatnonzero(~certain)


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


def _products(catalogue: Catalogue) -> Products | None:
    path = catalogue.project.configs / "products.toml"
    return read_products(path) if path.exists() else None


def _signals(catalogue: Catalogue) -> tuple[Signal, ...]:
    """The signals about one guarantee whose every condition reads a feature: no PD, grade, exposure or concentration."""
    path = catalogue.project.configs / "signals.toml"
    if not (path.exists() or path.with_suffix("").is_dir()):
        return ()
    known = vocabulary(catalogue)
    features = known.features.keys() - known.peers.keys()
    return tuple(
        signal
        for signal in read_signals(path, known)
        if signal.about == GUARANTEE
        and {condition.feature for band in signal.bands for condition in band.when} <= features
    )
