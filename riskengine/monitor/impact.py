"""What do decisions look like now, beside what they looked like: approvals, grades, expected loss, alerts?

In force: the newest night beside the oldest one of the twelve months before it. Access: the verdicts of the last three
months beside those of the twelve months before, as recorded. Both under the same champion: what a promotion changes, its
plan has shown. A figure has moved where its
interval leaves no change out and the change is larger than the tolerance. The nights share most guarantees: their intervals are
wider than they need be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskengine.clock import Span
from riskengine.errors import IntegrityError, Problem
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.scorecard import master_scale

ALERTS = ("orange", "red")
FEWEST = 30
_Z = 1.959963984540054


@dataclass(frozen=True)
class Tolerance:
    """Changes that nobody needs to be told of: alerts and loss rate as ratios, shares and grades as differences."""

    alerts: float = 1.5
    loss: float = 1.25
    share: float = 0.10
    grade: float = 0.5


def on_book(before: pd.DataFrame, after: pd.DataFrame, tolerance: Tolerance | None = None) -> dict[str, Any]:
    """Two nights' books (`severity`, `grade_no`, `expected_loss`, `exposure`): a JSON value with `state` and `figures`."""
    given = tolerance or Tolerance()
    sides = [_book(rows) for rows in (before, after)]
    figures = [
        _compared("alerts_per_1000", sides, given.alerts, ratio=True),
        _compared("mean_grade", sides, given.grade),
        _compared("loss_rate", sides, given.loss, ratio=True),
    ]
    return _judged(figures, min(len(before), len(after)))


def on_verdicts(
    before: pd.DataFrame, after: pd.DataFrame, grades: Sequence[str], tolerance: Tolerance | None = None
) -> dict[str, Any]:
    """Two periods' verdicts (`decision`, `grade`, `loss`, `amount`), likewise: shares, mean grade, loss rate."""
    given = tolerance or Tolerance()
    number = {name: float(place) for place, name in enumerate(grades, 1)}
    both = [rows.assign(grade_no=rows["grade"].map(number)) for rows in (before, after)]
    sides: list[dict[str, tuple[float, float]]] = []
    kinds = sorted(set(before["decision"]) | set(after["decision"]))
    for rows in both:
        side = {"mean_grade": _mean(rows["grade_no"]), "loss_rate": _rate(rows["loss"], rows["amount"])}
        side |= {f"share_{kind}": _mean((rows["decision"] == kind).astype("float64")) for kind in kinds}
        sides.append(side)
    figures = [_compared(f"share_{kind}", sides, given.share) for kind in kinds]
    figures += [
        _compared("mean_grade", sides, given.grade),
        _compared("loss_rate", sides, given.loss, ratio=True),
    ]
    return _judged(figures, min(len(before), len(after)))


def verdicts(store: Path, bundle: Bundle, as_of: date) -> pd.DataFrame:
    """Every recorded verdict up to a day that this model's name gave a PD for, the last of each applicant and day.

    Columns `id`, `as_of`, `decision`, `pd`, `grade`, `loss`, `amount`, `bundle` (which decided). A damaged file is an
    `IntegrityError`.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted((store / "decisions").glob("*.jsonl")):
        basis: Mapping[str, Any] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                record = json.loads(line)
            except ValueError as error:
                problem = Problem(f"{path} line {number}", "one JSON object", str(error))
                raise IntegrityError("A record is damaged", [problem]) from None
            if number == 1:
                basis = record.get("basis") or {}
                continue
            made = _verdict(record, bundle.model)
            if made and made["as_of"] <= str(as_of):
                key = (made["id"], made["as_of"])
                if (
                    key not in found or found[key]["bundle"] != bundle.hash
                ):  # what the champion said counts most
                    found[key] = made | {"bundle": str(basis.get("bundle", ""))}
    names = ["id", "as_of", "decision", "pd", "grade", "loss", "amount", "bundle"]
    rows = pd.DataFrame([found[key] for key in sorted(found)], columns=names)
    return rows.assign(as_of=pd.to_datetime(rows["as_of"]))


def periods(rows: pd.DataFrame, as_of: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts of the twelve months before the last three, and those of the last three months."""
    middle = pd.Timestamp(Span(months=3).before(as_of))
    start = pd.Timestamp(Span(months=15).before(as_of))
    return rows[(rows["as_of"] > start) & (rows["as_of"] <= middle)], rows[rows["as_of"] > middle]


def grades_of(bundle: Bundle) -> list[str]:
    """The grades' names, best first."""
    return [grade.name for grade in master_scale(bundle).grades]


def _verdict(record: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    said = record.get("outputs") or {}
    rated = said.get("model")
    if not rated or rated.get("name") != model or not record.get("as_of"):
        return None
    amount = said.get("amount") or {}
    return {
        "id": str(record.get("applicant_id")),
        "as_of": str(record["as_of"]),
        "decision": str(said["decision"]),
        "pd": float(rated["pd"]),
        "grade": str(rated["grade"]),
        "loss": float(amount["expected_loss"]) if amount.get("expected_loss") else math.nan,
        "amount": float(amount["suggested"]) if amount.get("suggested") else math.nan,
    }


def _book(rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    alerts, error = _mean(rows["severity"].isin(ALERTS).astype("float64"))
    return {
        "alerts_per_1000": (1000 * alerts, 1000 * error),
        "mean_grade": _mean(rows["grade_no"].astype("float64")),
        "loss_rate": _rate(rows["expected_loss"], rows["exposure"]),
    }


def _mean(values: pd.Series) -> tuple[float, float]:
    """A mean and its standard error."""
    known = values.dropna().to_numpy(dtype=np.float64)
    if not len(known):
        return math.nan, math.nan
    return float(known.mean()), float(known.std()) / math.sqrt(len(known))


def _rate(part: pd.Series, whole: pd.Series) -> tuple[float, float]:
    """A ratio of sums and its standard error, by linearisation."""
    known = part.notna() & whole.notna()
    top, bottom = (side[known].to_numpy(dtype=np.float64) for side in (part, whole))
    if not bottom.sum() > 0:
        return math.nan, math.nan
    rate = float(top.sum() / bottom.sum())
    return rate, float(math.sqrt(((top - rate * bottom) ** 2).sum()) / bottom.sum())


def _compared(
    name: str, sides: Sequence[Mapping[str, tuple[float, float]]], tolerance: float, ratio: bool = False
) -> dict[str, Any]:
    (old, first), (new, second) = (side[name] for side in sides)
    if ratio:
        known = old > 0 and new > 0
        change = math.log(new / old) if known else math.nan
        error = math.hypot(first / old, second / new) if known else math.nan
        ends = [math.exp(change + sign * _Z * error) if known else math.nan for sign in (-1, 1)]
        moved = known and abs(change) > math.log(tolerance) and abs(change) > _Z * error
        change = math.exp(change)
    else:
        change, error = new - old, math.hypot(first, second)
        ends = [change - _Z * error, change + _Z * error]
        moved = abs(change) > tolerance and abs(change) > _Z * error
    figures = {"before": old, "now": new, "change": change, "low": ends[0], "high": ends[1]}
    told = {key: float(f"{value:.6g}") if math.isfinite(value) else None for key, value in figures.items()}
    return {
        "name": name,
        **told,
        "as": "ratio" if ratio else "difference",
        "tolerance": tolerance,
        "moved": bool(moved),
    }


def _judged(figures: Sequence[Mapping[str, Any]], size: int) -> dict[str, Any]:
    state = "unknown" if size < FEWEST else "moved" if any(one["moved"] for one in figures) else "same"
    return {"state": state, "figures": [dict(one) for one in figures]}
