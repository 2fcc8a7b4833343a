"""Which bits have the exponentials and logarithms of many numbers? Those of Python's `math`, number by number.

numpy's own vectors (AVX-512) differ from the C library in the last bit of one number in twenty. Arrow's kernels call the C
library in a loop, as `math` does, at a tenth of the cost of a Python call each; so they are taken, and on a machine where they
answer a probe otherwise than `math` does, `math` itself is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
_PROBES = 2048


def exp(values: Floats) -> Floats:
    """`math.exp` of each; within its range (at most 709)."""
    return _EXP(values)


def expm1(values: Floats) -> Floats:
    """`math.expm1` of each; within its range."""
    return _EXPM1(values)


def log(values: Floats) -> Floats:
    """`math.log` of each; all above zero."""
    return _LOG(values)


def log1p(values: Floats) -> Floats:
    """`math.log1p` of each; all above -1."""
    return _LOG1P(values)


def one_by_one(plain: Callable[[float], float]) -> Callable[[Floats], Floats]:
    """A function of `math` over an array, in a Python loop."""

    def each(values: Floats) -> Floats:
        return np.fromiter(map(plain, values.tolist()), dtype=np.float64, count=len(values))

    return each


def same_bits(fast: Callable[[Floats], Floats], plain: Callable[[float], float], probe: Floats) -> bool:
    """Whether both answer the probe with the same bits."""
    return bool(fast(probe).tobytes() == one_by_one(plain)(probe).tobytes())


def _chosen(kernel: Any, plain: Callable[[float], float], probe: Floats) -> Callable[[Floats], Floats]:
    def fast(values: Floats) -> Floats:
        found: Floats = kernel(pa.array(values, type=pa.float64())).to_numpy()
        return found

    return fast if same_bits(fast, plain, probe) else one_by_one(plain)


_DICE = np.random.default_rng(20261122)
_WIDE = np.concatenate([_DICE.uniform(-700.0, 700.0, _PROBES // 2), _DICE.normal(0.0, 4.0, _PROBES // 2)])
_CHANCES = np.exp2(-_DICE.uniform(0.0, 50.0, _PROBES))
_EXP = _chosen(pc.exp, math.exp, _WIDE)
_EXPM1 = _chosen(pc.expm1, math.expm1, np.concatenate([-_CHANCES, _WIDE]))
_LOG = _chosen(pc.ln, math.log, np.concatenate([_CHANCES, 1.0 / _CHANCES]))
_LOG1P = _chosen(pc.log1p, math.log1p, np.concatenate([-_CHANCES[_CHANCES < 1.0], _CHANCES]))
