"""What do many guarantees put at risk, and what is expected to be lost on each, to the cent? The decimals of `exposure`, by columns.

`rounded(expected_loss(pd))` is a decimal; a double computed beside it errs by at most four units in its last place. Unless a
half cent lies within that error, both round to the same cent; where one does (a few rows of a hundred thousand), the decimals
themselves are computed. So the money is exact at the price of a multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from riskengine.portfolio.exposure import Exposure, rounded

Floats = npt.NDArray[np.float64]
_DOUBT = 2.0**-50  # relative: twice four units in the last place, and more
_MOST = 2.0**49  # cents; above, doubles no longer tell halves apart


def at_risk(terms: Sequence[Exposure | None], which: npt.NDArray[np.int64]) -> Floats:
    """`rounded(exposure.own)` of each row, whose terms are `terms[which]`; NaN where they are unknown."""
    return np.array([np.nan if one is None else float(rounded(one.own)) for one in terms])[which]


def expected_losses(terms: Sequence[Exposure | None], which: npt.NDArray[np.int64], pds: Floats) -> Floats:
    """`rounded(exposure.expected_loss(pd))` of each row as the nearest double; NaN where the terms are unknown."""
    of_one = np.array([np.nan if one is None else float(one.lgd * one.own) for one in terms])[which]
    cents = of_one * pds * 100.0
    whole = np.floor(cents)
    with np.errstate(invalid="ignore"):
        sure = (np.abs(cents - whole - 0.5) > cents * _DOUBT) & (cents >= 0) & (cents < _MOST)
    found = np.rint(cents) / 100.0
    for row in np.flatnonzero(~sure & ~np.isnan(of_one)).tolist():
        one = terms[which[row]]
        assert one is not None
        found[row] = float(rounded(one.expected_loss(float(pds[row]))))
    return found
