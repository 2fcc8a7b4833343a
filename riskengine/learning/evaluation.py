"""How did a bundle do on rows it was not made from: as a whole, by slice, month by month?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskengine.learning.metrics import Estimate, Floats, Numbers, Sample, auc, capture, measured
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.native import score_rows
from riskengine.scoring.served import feature_matrix, segment_values

_SHOWN = ("auc", "ks", "brier", "calibration_error", "calibration_slope", "capture_10")
_DAYS_A_MONTH = 30.436875


@dataclass(frozen=True)
class Outcome:
    """What became of the rows that are evaluated: label, weight, borrower; all of one length."""

    label: Numbers
    weight: Floats
    group: npt.NDArray[Any]


def scored_sample(bundle: Bundle, features: pd.DataFrame, outcome: Outcome) -> Sample:
    """The rows' scores and PDs by the bundle, ready to be measured."""
    rated = score_rows(bundle, feature_matrix(bundle, features), segment_values(bundle, features))
    codes = np.unique(np.asarray(outcome.group, dtype=str), return_inverse=True)[1].astype(np.int64)
    label = np.asarray(outcome.label, dtype=np.int64)
    return Sample(label, rated.raw, rated.pd, np.asarray(outcome.weight, dtype=np.float64), codes)


def evaluate(
    rows: Sample, slices: Mapping[str, npt.NDArray[Any]] | None = None, replicates: int = 200
) -> pd.DataFrame:
    """A table: one row for all and one for each value of each slice, with n, events, and figure, `_low`, `_high`.

    A slice without both outcomes keeps its row with empty figures: there is nothing to say of it.
    """
    chosen: list[tuple[str, str, npt.NDArray[np.bool_]]] = [
        ("all", "all", np.ones(len(rows.label), dtype=bool))
    ]
    for name, values in sorted((slices or {}).items()):
        texts = np.asarray(values, dtype=object)
        texts = np.array(["missing" if pd.isna(value) else str(value) for value in texts], dtype=object)
        chosen += [(name, str(value), texts == value) for value in sorted(set(texts))]
    lines = []
    for name, value, inside in chosen:
        part = _where(rows, inside)
        found = measured(part, replicates)
        line: dict[str, Any] = {
            "slice": name,
            "value": value,
            "rows": int(inside.sum()),
            "events": int(part.label.sum()),
        }
        for figure in _SHOWN:
            estimate = found.get(figure, Estimate(None))
            line |= {figure: estimate.value, f"{figure}_low": estimate.low, f"{figure}_high": estimate.high}
        lines.append(line)
    return pd.DataFrame(lines)


def back_test(
    panel: pd.DataFrame, scores: Mapping[str, npt.NDArray[np.float64]], top: float = 0.10
) -> pd.DataFrame:
    """Month by month and for each means (`model`, `naive`, ...): AUC, capture of the riskiest 5 % and 10 %, lead time.

    `panel` has `subject`, `as_of`, `label`, `weight`, `event_date` (NaT: none), one row a subject and month; each
    of `scores` is in its order, higher is riskier. `lead_months` is the median time from a subject's *first*
    month in the riskiest `top` (by weight) to its event, over the events of subjects that entered in this month.
    """
    as_of = panel["as_of"].to_numpy(dtype="M8[D]")
    label, weight = panel["label"].to_numpy(dtype=np.int64), panel["weight"].to_numpy(dtype=np.float64)
    event = panel["event_date"].to_numpy(dtype="M8[D]")
    subject = panel["subject"].to_numpy()
    lines = []
    for means, score in scores.items():
        risky = _top_by_month(as_of, score, weight, top)
        entered = _first_times(as_of, subject, risky)
        for month in np.unique(as_of):
            rows = np.flatnonzero(as_of == month)
            bad = rows[entered[rows] & ~np.isnat(event[rows]) & (event[rows] > month)]
            lead = (event[bad] - month).astype(np.float64) / _DAYS_A_MONTH
            lines.append(
                {
                    "as_of": month.astype("M8[s]"),
                    "means": means,
                    "rows": len(rows),
                    "events": int(label[rows].sum()),
                    "auc": auc(label[rows], score[rows], weight[rows]),
                    "capture_5": capture(label[rows], score[rows], weight[rows], 0.05),
                    "capture_10": capture(label[rows], score[rows], weight[rows], 0.10),
                    "entries_with_event": len(bad),
                    "lead_months": float(np.median(lead)) if len(lead) else None,
                }
            )
    return pd.DataFrame(lines)


def in_top(score: Floats, weight: Floats, share: float) -> npt.NDArray[np.bool_]:
    """Which rows are among the riskiest `share` of the weight: those with less than it strictly above them."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = (
        np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(score) else np.zeros(0, dtype=int)
    )
    before = np.cumsum(weight[order]) - weight[order]
    above = before[starts][np.cumsum(np.isin(np.arange(len(score)), starts)) - 1] if len(score) else before
    inside = np.zeros(len(score), dtype=bool)
    inside[order] = above < share * weight.sum()
    return inside


def _top_by_month(
    as_of: npt.NDArray[np.datetime64], score: Floats, weight: Floats, top: float
) -> npt.NDArray[np.bool_]:
    made = np.zeros(len(as_of), dtype=bool)
    for month in np.unique(as_of):
        rows = np.flatnonzero(as_of == month)
        made[rows] = in_top(score[rows], weight[rows], top)
    return made


def _first_times(
    as_of: npt.NDArray[np.datetime64], subject: npt.NDArray[Any], risky: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Whether a row is its subject's earliest risky row."""
    first = np.zeros(len(as_of), dtype=bool)
    rows = np.flatnonzero(risky)
    rows = rows[np.argsort(as_of[rows], kind="stable")]
    first[rows[~pd.Series(subject[rows]).duplicated().to_numpy()]] = True
    return first


def _where(rows: Sample, inside: npt.NDArray[np.bool_]) -> Sample:
    group = rows.group[inside]
    codes = np.unique(group, return_inverse=True)[1].astype(np.int64)
    return Sample(rows.label[inside], rows.score[inside], rows.pd[inside], rows.weight[inside], codes)
