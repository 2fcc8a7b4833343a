"""In which ways may one column separate? Its values in bins, its gaps, remainders and roundness, each as a code by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from riskengine.learning.metrics import Floats, Numbers

_OWN_BIN, _BINS, _SHRINK = 20, 64, 20.0
_MODULI = (7, 10, 12, 100)
_PLACES = 6


def patterns(values: Floats) -> Iterator[Numbers]:
    """Codes from 0 for each row: the values' bins (missing is one), remainders of whole numbers, roundness of the others."""
    yield binned(values)
    seen = np.isfinite(values)
    if not seen.any() or len(np.unique(values[seen])) <= _MODULI[-1] // 2:
        return
    if bool((values[seen] == np.floor(values[seen])).all()):
        for modulus in _MODULI:
            code = np.full(len(values), modulus, dtype=np.int64)
            code[seen] = np.mod(values[seen], modulus).astype(np.int64)
            yield code
    yield roundness(values)


def roundness(values: Floats) -> Numbers:
    """How round each number is: trailing zeros of whole ones (up to six), decimals of the others (up to six); missing is one.

    >>> roundness(np.array([1500.0, 7.0, 0.25, np.nan])).tolist()
    [8, 6, 4, 13]
    """
    code = np.full(len(values), 2 * _PLACES + 1, dtype=np.int64)
    seen = np.isfinite(values)
    shown = values[seen]
    rank = np.zeros(len(shown), dtype=np.int64)
    for power in range(-_PLACES + 1, _PLACES + 1):
        unit = 10.0**-power if power < 0 else 10.0**power
        scaled = shown * unit if power < 0 else shown / unit
        whole = np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1)
        rank = np.where(whole, power + _PLACES, rank)
    code[seen] = rank
    return code


def binned(values: Floats) -> Numbers:
    """Bin codes: a frequent value has its own bin, the rest share quantile bins, missing is a bin."""
    keyed = np.where(np.isnan(values), np.inf, values)
    unique, place, times = np.unique(keyed, return_inverse=True, return_counts=True)
    frequent = times >= _OWN_BIN
    rare = np.cumsum(np.where(frequent, 0, times))
    shared = (rare * _BINS) // (rare[-1] + 1)
    code = np.where(frequent, _BINS + 1 + np.arange(len(unique)), shared)
    return np.asarray(np.unique(code, return_inverse=True)[1][place], dtype=np.int64)


def held_out_rate(code: Numbers, label: Numbers, fold: Numbers) -> Floats:
    """For each row, the default rate of its bin in the other folds, shrunk towards the other folds' whole."""
    size, folds = int(code.max()) + 1, int(fold.max()) + 1
    cell = fold * size + code
    times = np.bincount(cell, minlength=size * folds).reshape(folds, size).astype(np.float64)
    events = np.bincount(cell, label, minlength=size * folds).reshape(folds, size)
    times, events = times.sum(axis=0) - times, events.sum(axis=0) - events
    whole = events.sum(axis=1) / np.maximum(times.sum(axis=1), 1)
    rate = (events + _SHRINK * whole[:, None]) / (times + _SHRINK)
    return np.asarray((rate - whole[:, None])[fold, code], dtype=np.float64)
