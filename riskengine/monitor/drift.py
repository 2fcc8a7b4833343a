"""Are those who are scored now still those the model learned from, and is anything silent that used to speak?

Limits follow from the sizes of the samples (`validation.stability`): a move counts where it is told from chance and is larger
than the declared shift. What counts as drift is what the model feels: its PDs, or features that carry much of its weight.
Missing values are looked at by themselves: a feed that has gone silent is not a population that has changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from riskengine.learning.multiplicity import holm
from riskengine.scoring.bundle import Bundle
from riskengine.validation.lines import Line, Rules
from riskengine.validation.stability import Population, index, stability

MISSING_MORE, WEIGHTY = 0.05, 0.25  # share of rows; share of the model's importance
PD_SHIFT = 0.3  # of the PDs, in standard deviations: a PSI of about 0.1, the usual first limit
LISTED = 8


def drift(
    bundle: Bundle,
    before: pd.DataFrame | None,
    after: pd.DataFrame | None,
    silent: Sequence[str],
    rules: Rules | None = None,
) -> dict[str, Any]:
    """A JSON value: `state` (same; features: moved under PDs that have not; moved; unknown), PSI of the PDs, moved features with their weight, missing, silent feeds.

    `before` is a sample of the training population, `after` who is scored now: both with the bundle's features, `pd`,
    `grade`, `enterprise_id`, `weight`. `silent` are sources that have been silent too long.
    """
    rules = rules or Rules()
    down = sorted({name for name, _ in _sources(bundle)} & set(silent))
    if before is None or after is None or not len(before) or not len(after):
        return {"state": "unknown", "rows": 0, "silent": down, "missing": []}
    names = ["pd", "grade", *bundle.features]
    sides = [_population(rows, names) for rows in (before, after)]
    lines = stability(sides[0], sides[1], rules)
    told = {line.scope: line for line in lines}
    moved = [line for line in lines if line.test == "csi" and _moved(line, sides, rules.shift)]
    importance = _importance(bundle)
    weight = sum(importance.get(_name(line), 0.0) for line in moved)
    shift = any(_moved(told[name], sides, PD_SHIFT) for name in ("pd", "grade"))
    moved.sort(key=lambda line: (-importance.get(_name(line), 0.0) * (line.value or 0.0), line.scope))
    return {
        "state": "moved" if shift else "features" if weight >= WEIGHTY else "same",
        "rows": len(after),
        "reference_rows": len(before),
        "pd": _told(told["pd"]),
        "grade": _told(told["grade"]),
        "mean_pd": [_mean(before), _mean(after)],
        "moved": len(moved),
        "moved_importance": round(weight, 4),
        "features": [
            _told(line) | {"importance": round(importance.get(_name(line), 0.0), 4)}
            for line in moved[:LISTED]
        ],
        "missing": missing(bundle, before, after, rules.alpha),
        "silent": down,
    }


def missing(
    bundle: Bundle, before: pd.DataFrame, after: pd.DataFrame, alpha: float = 0.05
) -> list[dict[str, Any]]:
    """The features missing more often than in the training, by at least 0.05 of the rows and beyond chance (Holm)."""
    found = []
    for name in bundle.features:
        (old, first), (new, second) = (_missing_share(rows, name) for rows in (before, after))
        error = math.sqrt(first + second)
        z = (new - old) / error if error > 0 else math.inf if new > old else 0.0
        found.append((name, old, new, float(stats.norm.sf(z))))
    adjusted = holm([one[3] for one in found])
    return [
        {"feature": name, "before": round(old, 4), "now": round(new, 4)}
        for (name, old, new, _), p in zip(found, adjusted, strict=True)
        if new - old >= MISSING_MORE and p < alpha
    ]


def _moved(line: Line, sides: Sequence[Population], shift: float) -> bool:
    """Whether a distribution is told from the one before, and has moved by more than so many standard deviations."""
    if line.verdict != "fail" or line.value is None:
        return False
    found = index(sides[0], sides[1], _name(line), shift)
    return found is not None and line.value > found.shifted


def _missing_share(rows: pd.DataFrame, name: str) -> tuple[float, float]:
    """The weighted share of missing values, and its variance with whole enterprises as draws."""
    weight = rows["weight"].to_numpy(dtype=np.float64)
    gone = rows[name].isna().to_numpy(dtype=np.float64)
    share = float(np.average(gone, weights=weight))
    group = _groups(rows)
    total = np.bincount(group, weight * (gone - share))
    return share, float((total**2).sum() / weight.sum() ** 2)


def _population(rows: pd.DataFrame, names: Sequence[str]) -> Population:
    values = {
        name: rows[name].to_numpy(dtype=object)
        if name == "grade"
        else rows[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
        for name in names
    }
    return Population(values, rows["weight"].to_numpy(dtype=np.float64), _groups(rows))


def _groups(rows: pd.DataFrame) -> Any:
    owner = rows["enterprise_id"].fillna(rows["id"]).astype("str").to_numpy(dtype=object)
    return np.unique(owner, return_inverse=True)[1].astype(np.int64)


def _importance(bundle: Bundle) -> dict[str, float]:
    """Each feature's share of the importance that the card tells (positive parts only)."""
    told: Mapping[str, Any] = bundle.card.get("importance") or {}
    positive = {name: max(float(value or 0.0), 0.0) for name, value in told.items()}
    whole = sum(positive.values())
    return {name: value / whole for name, value in positive.items()} if whole else {}


def _sources(bundle: Bundle) -> Sequence[tuple[str, Any]]:
    return [(str(name), note) for name, note in bundle.recipe.get("sources", ())]


def _name(line: Line) -> str:
    return line.scope.removeprefix("feature:")


def _told(line: Line) -> dict[str, Any]:
    return {
        "name": _name(line),
        "index": _figure(line.value),
        "low": _figure(line.low),
        "high": _figure(line.high),
        "verdict": line.verdict,
    }


def _mean(rows: pd.DataFrame) -> float | None:
    return _figure(float(np.average(rows["pd"].to_numpy(dtype=np.float64), weights=rows["weight"])))


def _figure(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
