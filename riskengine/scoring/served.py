"""What does the model answer when another system asks through MLflow? (`loader_module` of the pyfunc; no pickle)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskengine.errors import IntegrityError, Problem, UsageError, nearest
from riskengine.scoring.bundle import Bundle, read_bundle
from riskengine.scoring.calibration import segment_text
from riskengine.scoring.elementary import Floats
from riskengine.scoring.native import score_rows
from riskengine.scoring.rating_rows import Coded, coded


class ServedBundle:
    """A verified bundle that answers frames of its input features."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`pd`, `score` and `grade`, one row for each row of `frame`; with the bundle's intervals also `pd_low`, `pd_high`, `unsure`.

        Columns: exactly the model's features, and where its calibration has segments, optionally their column (text; without
        it, or where it is null or unknown, no segment's shift is applied).
        """
        del params
        column = segment_column(self.bundle)
        segments = segment_codes(self.bundle, frame)
        inputs = (
            frame
            if column is None or column in self.bundle.features
            else frame.drop(columns=column, errors="ignore")
        )
        rated = score_rows(self.bundle, feature_matrix(self.bundle, inputs, exact=True), segments)
        found = {"pd": rated.pd, "score": rated.score, "grade": rated.grade}
        if "interval" in self.bundle.calibration:
            found |= {"pd_low": rated.low, "pd_high": rated.high, "unsure": rated.unsure}
        return pd.DataFrame(found, index=frame.index)


def segment_column(bundle: Bundle) -> str | None:
    """The column whose values have shifts of their own; None where there is none."""
    segments = bundle.calibration.get("segments")
    return None if segments is None else str(segments["column"])


def segment_values(bundle: Bundle, frame: pd.DataFrame) -> list[str | None] | None:
    """Each row's segment; None where the bundle has no segments or the frame does not have their column."""
    column = segment_column(bundle)
    if column is None or column not in frame.columns:
        return None
    return [None if value is pd.NA else segment_text(value) for value in frame[column].tolist()]


def segment_codes(bundle: Bundle, frame: pd.DataFrame) -> Coded | None:
    """`segment_values` as numbers: a column of one type is read by its distinct values."""
    column = segment_column(bundle)
    if column is None or column not in frame.columns:
        return None
    if frame[column].dtype == object:  # may hold 1 beside True, which are equal and read differently
        return coded(segment_values(bundle, frame), len(frame))
    codes, distinct = pd.factorize(frame[column])
    return Coded(codes.astype(np.int64), tuple(map(segment_text, distinct.tolist())))


def feature_matrix(bundle: Bundle, frame: pd.DataFrame, *, exact: bool = False) -> Floats:
    """The model's columns of a frame as doubles in the model's order (null is NaN).

    An absent column is an error, and with `exact` so is one the model does not know.
    """
    known = set(bundle.features)
    problems = [Problem(name, "a column", "none") for name in bundle.features if name not in frame.columns]
    if exact:
        problems += [
            Problem(str(name), "a feature of the model", "an unknown column", nearest(str(name), known))
            for name in frame.columns
            if name not in known
        ]
    matrix = np.empty((len(frame), len(bundle.features)))
    for place, name in enumerate(bundle.features if not problems else ()):
        try:
            matrix[:, place] = frame[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            problems.append(Problem(name, "numbers or nulls", f"values of type {frame[name].dtype}"))
    if problems:
        raise UsageError(f"The rows do not fit {bundle.model}", problems)
    return matrix


def _load_pyfunc(path: str) -> ServedBundle:
    return ServedBundle(read_bundle(Path(path), _logged_hash(Path(path))))


def _logged_hash(folder: Path) -> str | None:
    """The bundle's hash in MLflow's own description of the model, `MLmodel`, two folders up; None outside a logged model."""
    described = folder.parent.parent / "MLmodel"
    if not described.is_file():
        return None
    found = re.findall(r"(?m)^\s+bundle: ['\"]?([0-9a-f]*)['\"]?\s*$", described.read_text(encoding="utf-8"))
    if len(found) != 1 or len(found[0]) != 64:
        raise IntegrityError(
            "A logged model is damaged",
            [
                Problem(
                    str(described), "the hash of its bundle once", ", ".join(found) or "none", "Log it again"
                )
            ],
        )
    return str(found[0])
