"""How well does the model do before outcomes are known, and did it do as well once they were?

Before: confidence-based performance estimation (CBPE, as documented by NannyML). If PDs are calibrated, each row is a default
with its own PD, which gives the expected AUC, Brier score and default rate with no label at all, and by drawing labels the
interval in which the realised figures will lie. After: the same figures from the labels, of the PDs *as published* that
night. A realised figure outside its own rows' interval says that the relation of features and default is not what was
learned. Rows are taken as independent given their PDs. A bad year is not a bad model: the default rate is judged also under a
common factor (Vasicek, asset correlation `rules.correlation`), and the AUC under PDs moved as one (on the log-odds) to as
many defaults as there were. Two figures are judged, each at 97.5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from riskengine.learning.metrics import Floats, Numbers, auc
from riskengine.validation.lines import Rules

FEWEST = 5.0  # expected defaults below which nothing is judged
_LEVELS = (0.0125, 0.9875)
_MANY = 50_000_000  # rows times draws


@dataclass(frozen=True)
class Sampling:
    """How many cases a sampled default and a sampled survivor stand for; one each where rows are the population."""

    default: float = 1.0
    survivor: float = 1.0

    def tilted(self, pd: Floats) -> Floats:
        """The chance that a *sampled* row of this PD is a default."""
        bad, good = pd / self.default, (1 - pd) / self.survivor
        return np.asarray(bad / (bad + good), dtype=np.float64)


def estimated(pd: Floats, sampling: Sampling | None = None, rules: Rules | None = None) -> dict[str, Any]:
    """Expected AUC, Brier score and default rate of these PDs with the interval of what will be realised; no labels."""
    rules, sampling = rules or Rules(), sampling or Sampling()
    pd = np.asarray(pd, dtype=np.float64)
    tilted = sampling.tilted(pd)
    bad, good = tilted * sampling.default, (1 - tilted) * sampling.survivor
    twice = np.repeat([1, 0], len(pd))
    area = auc(twice, np.r_[pd, pd], np.r_[bad, good])
    mass = float((bad + good).sum())
    rate = float(bad.sum()) / mass
    square = float((bad * (1 - pd) ** 2 + good * pd**2).sum()) / mass
    drawn = _drawn(pd, tilted, sampling, (0.0, rules))
    together = _drawn(pd, tilted, sampling, (rules.correlation, rules))
    return {
        "rows": len(pd),
        "expected_defaults": _plain(float(tilted.sum())),
        "auc": {"value": _plain(area), **_range(drawn["auc"])},
        "brier": {"value": _plain(square), **_range(drawn["brier"])},
        "rate": {"value": _plain(rate), **_range(drawn["rate"])},
        "rate_bad_year": _range(together["rate"]),
    }


def realised(
    label: Numbers, pd: Floats, sampling: Sampling | None = None, rules: Rules | None = None
) -> dict[str, Any]:
    """What came of rows with these PDs beside what was to be expected of them, and the verdict.

    `state`: `below` (AUC below, or default rate above, what even a bad year explains), `strained` (default rate above what
    independent rows explain), `above` (fewer defaults than a good year explains), `as estimated`, `too few`.
    """
    sampling = sampling or Sampling()
    expected = estimated(pd, sampling, rules)
    weight = np.where(label == 1, sampling.default, sampling.survivor)
    area = auc(label, pd, weight)
    rate = float(np.average(label, weights=weight))
    wanted = expected["rate"]["value"]
    expected["auc_at_these_defaults"] = _auc_at(pd, sampling, int(label.sum()), rules or Rules())
    found = {
        "defaults": int(label.sum()),
        "auc": _plain(area),
        "brier": _plain(float(np.average((pd - label) ** 2, weights=weight))),
        "rate": _plain(rate),
        "observed_to_expected": _plain(rate / wanted) if wanted else None,
    }
    state = "as estimated"
    if (expected["expected_defaults"] or 0.0) < FEWEST:
        state = "too few"
    elif _less(area, expected["auc_at_these_defaults"]["low"]) or rate > expected["rate_bad_year"]["high"]:
        state = "below"
    elif rate > expected["rate"]["high"]:
        state = "strained"
    elif rate < expected["rate_bad_year"]["low"]:
        state = "above"
    return {"state": state, "estimated": expected, "realised": found}


def _drawn(pd: Floats, tilted: Floats, sampling: Sampling, how: tuple[float, Rules]) -> dict[str, Floats]:
    """AUC, Brier score and default rate of labels drawn from the PDs, under a common factor of this correlation."""
    correlation, rules = how
    order = np.argsort(pd, kind="stable")
    pd, tilted = pd[order], tilted[order]
    rank = stats.rankdata(pd)
    limit = stats.norm.ppf(np.clip(tilted, 1e-12, 1 - 1e-12))
    rng = np.random.default_rng(rules.seed)
    draws = max(min(2 * rules.replicates, _MANY // max(len(pd), 1)), 40)
    found: dict[str, list[float]] = {"auc": [], "brier": [], "rate": []}
    for _ in range(draws):
        common = rng.standard_normal() if correlation else 0.0
        chance = (
            stats.norm.cdf((limit - math.sqrt(correlation) * common) / math.sqrt(1 - correlation))
            if correlation
            else tilted
        )
        label = rng.random(len(pd)) < chance
        bad = int(label.sum())
        good = len(pd) - bad
        if bad and good:
            found["auc"].append((float(rank[label].sum()) - bad * (bad + 1) / 2) / (bad * good))
        mass = bad * sampling.default + good * sampling.survivor
        wrong = (
            float(((1 - pd[label]) ** 2).sum()) * sampling.default
            + float((pd[~label] ** 2).sum()) * sampling.survivor
        )
        found["brier"].append(wrong / mass)
        found["rate"].append(bad * sampling.default / mass)
    return {name: np.array(values, dtype=np.float64) for name, values in found.items()}


def _auc_at(pd: Floats, sampling: Sampling, defaults: int, rules: Rules) -> dict[str, float | None]:
    """Between which the AUC will lie if the PDs are right but for one shift of all log-odds that gives so many defaults."""
    if not 0 < defaults < len(pd):
        return {"low": None, "high": None}
    odds = special.logit(np.clip(sampling.tilted(pd), 1e-12, 1 - 1e-12))
    move = optimize.brentq(lambda by: float(special.expit(odds + by).sum()) - defaults, -60.0, 60.0)
    return _range(_drawn(pd, special.expit(odds + move), sampling, (0.0, rules))["auc"])


def _less(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value < limit


def _range(values: Floats) -> dict[str, float | None]:
    if not len(values):
        return {"low": None, "high": None}
    low, high = np.quantile(values, _LEVELS)
    return {"low": _plain(float(low)), "high": _plain(float(high))}


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
