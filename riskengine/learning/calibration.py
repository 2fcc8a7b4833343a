"""How is a raw score turned into a PD that comes true?"""

from __future__ import annotations

import math
from typing import Any

from riskengine.errors import Problem, QualityGateError
from riskengine.learning.metrics import Floats, Numbers, logistic_fit


def fit_calibration(label: Numbers, raw: Floats, weight: Floats) -> dict[str, Any]:
    """The content of `calibration.json`: weighted logistic calibration (Platt, 1999) on out-of-fold raw scores.

    A slope that is not above zero (scores that rank backwards) or that does not exist is a `QualityGateError`.
    """
    line = logistic_fit(label, raw, weight)
    if line is None or not line[0] > 0 or not math.isfinite(line[0]):
        got = "none (one class, or all scores equal)" if line is None else f"{line[0]:.6g}"
        raise QualityGateError(
            "The scores cannot be calibrated",
            [
                Problem(
                    "calibration slope", "above zero", got, "Look at the labels and at the features' history"
                )
            ],
        )
    return {"method": "logistic", "a": line[0], "b": line[1]}
