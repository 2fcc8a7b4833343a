"""Does a row that is tested also stand, with its outcome, among the rows that teach?

Copies of a borrower under another name are in other folds, and a model that remembers them looks better than it is. Equal
features alone prove nothing: coarse ones are shared by strangers. So rows of equal features in several folds are asked
whether their outcomes agree beyond what the features explain: strangers' outcomes are independent given the features, so
what is left after a model of all other rows (none with these features) has no correlation between folds; of copies it is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from riskengine.learning import fitting
from riskengine.learning.fitting import Rows
from riskengine.learning.metrics import Floats, Numbers

_STRANGERS = 20  # so many borrowers with the same features: the features are coarse, it is no copy
_FEWEST = 30  # rows without which nothing is asked
_AGREE, _Z = 0.3, 4.0


@dataclass(frozen=True)
class Copies:
    """`share` of the rows whose every feature stands in another fold too (at most 20 borrowers have them), the correlation
    between folds of what the features leave unexplained of their outcomes, and how sure that is (standard errors, by borrower)."""

    share: float = 0.0
    agreement: float = 0.0
    z: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether outcomes agree as those of copies do."""
        return self.agreement > _AGREE and self.z > _Z


def copies(rows: Rows, fold: Numbers, model: Callable[[Rows], Callable[[Floats], Floats]]) -> Copies:
    """What rows of equal features in several folds say; `model` fits rows and scores others in log-odds. Unweighted."""
    cluster = _clusters(rows.matrix)
    spread = _distinct(cluster, fold) > 1
    asked = (spread & (_distinct(cluster, rows.group) <= _STRANGERS))[cluster]
    share = round(float(asked.mean()), 6)
    if asked.sum() < _FEWEST or not 0 < rows.label[asked].sum() < asked.sum():
        return Copies(share)
    apart = fitting.buckets(cluster.tolist(), 5, 5)  # no model sees the features that it is asked about
    odds = fitting.out_of_fold(model, Rows(rows.matrix, rows.label, np.ones(len(fold)), rows.group), apart)
    left = rows.label - 1.0 / (1.0 + np.exp(-odds))
    folds = int(fold.max()) + 1
    unit, place = np.unique(cluster[asked] * folds + fold[asked], return_inverse=True)
    mean = np.bincount(place, left[asked]) / np.bincount(place)
    _, of = np.unique(unit // folds, return_inverse=True)
    first, second = (np.bincount(of, mean**power) for power in (1, 2))
    product = (first**2 - second) / 2  # the sum over pairs of folds in each cluster
    alike = (np.bincount(of) - 1) * second / 2  # what it would be of copies
    # The months of a panel repeat the same borrowers: their sums are the independent ones.
    borrower = np.full(len(product), len(rows.group), dtype=np.int64)
    np.minimum.at(borrower, of[place], np.unique(rows.group, return_inverse=True)[1][asked])
    error = math.sqrt(float((np.bincount(borrower, product) ** 2).sum()))
    z = float(product.sum()) / error if error else 0.0
    return Copies(share, round(float(product.sum() / alike.sum()), 6), round(z, 3))


def _clusters(matrix: Floats) -> Numbers:
    """A number for each row, the same for rows whose every feature is equal (missing equals missing, -0 equals 0)."""
    same = np.ascontiguousarray(np.where(np.isnan(matrix), np.nan, matrix + 0.0))
    keys = same.view(np.dtype((np.void, same.dtype.itemsize * same.shape[1]))).ravel()
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.int64)


def _distinct(cluster: Numbers, other: Numbers) -> Numbers:
    """How many different values each cluster has."""
    code = np.unique(other, return_inverse=True)[1]
    pairs = np.unique(cluster * (int(code.max()) + 1) + code)
    return np.bincount(pairs // (int(code.max()) + 1), minlength=int(cluster.max()) + 1)
