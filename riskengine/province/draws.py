"""Which number falls for this purpose, this enterprise and this month, whatever else is drawn?

Draws are counted, not streamed: the same (seed, purpose, counters) always gives the same number, so that what a publisher sent
in May cannot depend on what happened in June, nor on how the enterprises were cut into chunks.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskengine.province.rates import Delay

_WORD = 0xFFFFFFFFFFFFFFFF
_GOLDEN = 0x9E3779B97F4A7C15
_P90 = 1.2815515655446004  # of the standard normal
Array = NDArray[Any]


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014), in place."""
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


@dataclass(frozen=True)
class Dice:
    """Counted draws under one seed; counters are whole-number arrays that broadcast against one another."""

    seed: int

    def uniform(self, purpose: str, *counters: Array) -> NDArray[np.float64]:
        """Numbers in [0, 1), in the broadcast shape of the counters.

        >>> Dice(1).uniform("a", np.arange(3)).shape
        (3,)
        >>> bool(Dice(1).uniform("a", np.array([7]))[0] == Dice(1).uniform("a", np.arange(9))[7])
        True
        """
        start = (self.seed * 2 + 1) * _GOLDEN + zlib.crc32(purpose.encode()) * 0xD1342543DE82EF95
        words = np.full((1,) * max((c.ndim for c in counters), default=1), start & _WORD, dtype=np.uint64)
        for counter in counters:
            words = _mixed(words + (counter.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, purpose: str, *counters: Array) -> NDArray[np.float64]:
        """Standard normal numbers (Box and Muller 1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(purpose + "/radius", *counters)))
        return radius * np.cos(2.0 * math.pi * self.uniform(purpose + "/angle", *counters))

    def pick(self, purpose: str, weights: Sequence[float], *counters: Array) -> NDArray[np.intp]:
        """Numbers of the weights, each drawn as often as its weight says."""
        bounds = np.cumsum(weights)[:-1] / sum(weights)
        return np.searchsorted(bounds, self.uniform(purpose, *counters), side="right")

    def delay(self, purpose: str, lag: Delay, *counters: Array) -> NDArray[np.int64]:
        """Whole days, log-normal, half of them at most `usual` and nine in ten at most `late`."""
        spread = math.log(max(lag.late, lag.usual) / lag.usual) / _P90 if lag.usual else 0.0
        days = lag.usual * np.exp(spread * np.minimum(self.normal(purpose, *counters), 2.5))
        return np.rint(days).astype(np.int64)
