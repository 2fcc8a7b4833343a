"""What does the model say of one profile, with nothing heavier than the standard library?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import segment_of
from riskengine.scoring.scorecard import Rating, rating
from riskengine.scoring.trees import raw_score


def ordered_row(bundle: Bundle, profile: Mapping[str, Any]) -> list[float | None]:
    """The profile's values in the model's order; None stays missing, a feature the profile lacks is an error."""
    absent = [name for name in bundle.features if name not in profile]
    if absent:
        raise UsageError(
            f"The profile does not fit {bundle.model}",
            [Problem(name, "a value or None", "no such feature in the profile") for name in absent],
        )
    return [None if profile[name] is None else float(profile[name]) for name in bundle.features]


def score_one(bundle: Bundle, profile: Mapping[str, Any], keys: Mapping[str, Any] | None = None) -> Rating:
    """PD, points, grade and interval of one profile: the bits that `scoring.native.score_rows` gives for the same row.

    `keys`: the subject's key columns, among them that of the calibration's segments.
    """
    row = ordered_row(bundle, profile)
    segment = segment_of(bundle.calibration, keys or {})
    return rating(bundle, raw_score(bundle.trees, row), row, segment)
