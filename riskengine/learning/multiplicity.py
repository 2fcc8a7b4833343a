"""Of many tests some reject by chance: which p-values remain when all of them count?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false rejection at the level (Holm, Scand. J. Statistics 6, 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    found = np.asarray(p, dtype=np.float64)
    order = np.argsort(found, kind="stable")
    raised = np.maximum.accumulate(found[order] * np.arange(len(found), 0, -1))
    made = np.empty(len(found))
    made[order] = np.minimum(raised, 1.0)
    return [float(value) for value in made]
