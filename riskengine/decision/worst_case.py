"""How bad could the model's answer be, whatever the values we do not know?

Each tree takes the greatest leaf it can reach when questions about unknown features may go either way. So forgetting a
value can never lower the bound, and with nothing unknown it is the raw score to the bit. One row is walked plainly, many
rows node by node in numpy: the same comparisons, the same sum in the order of the trees, the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from riskengine.scoring.trees import ZERO, leaf_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MANY = 200  # rows from which loading numpy pays
_FEW = 16  # rows of one kind up to which walking them is as fast
_DEFAULT_LEFT, _MISSING_IS_ZERO, _MISSING_IS_NAN = 2, 1, 2
Row = Sequence[float | None]


def worst_raw_scores(
    trees: Mapping[str, Any], rows: Sequence[Row], unknown: Sequence[frozenset[int]], many: int = MANY
) -> list[float]:
    """`worst_raw_score` of each row, whose unknown features stand at the same place in `unknown`."""
    if len(rows) < many:
        return [worst_raw_score(trees, row, names) for row, names in zip(rows, unknown, strict=True)]
    import numpy as np

    found = np.zeros(len(rows))
    places: dict[frozenset[int], list[int]] = {}
    for number, names in enumerate(unknown):
        places.setdefault(names, []).append(number)
    for names, numbers in places.items():
        if len(numbers) < _FEW:
            found[numbers] = [worst_raw_score(trees, rows[number], names) for number in numbers]
            continue
        matrix = np.array([rows[number] for number in numbers], dtype=np.float64)
        total = np.zeros(len(numbers))
        for tree in trees["trees"]:
            total += _greatest_leaves(tree, matrix, names)
        found[numbers] = total
    return [float(value) for value in found]


def worst_raw_score(trees: Mapping[str, Any], row: Row, unknown: frozenset[int]) -> float:
    """An upper bound of the raw score over all values of the features numbered in `unknown`, missing included."""
    total = 0.0
    for tree in trees["trees"]:
        if unknown.isdisjoint(tree["feature"]):
            total += tree["leaf"][leaf_of(tree, row)]
        else:
            total += _greatest_leaf(tree, row, unknown)
    return total


def _greatest_leaf(tree: Mapping[str, Any], row: Row, unknown: frozenset[int]) -> float:
    features, lefts, rights, leaves = tree["feature"], tree["left"], tree["right"], tree["leaf"]
    thresholds, decisions = tree["threshold"], tree["decision"]
    reached, greatest = [0], -math.inf
    while reached:
        node = reached.pop()
        if node < 0:
            greatest = max(greatest, leaves[~node])
        elif features[node] in unknown:
            reached += (lefts[node], rights[node])
        elif _goes_left(row[features[node]], thresholds[node], decisions[node]):
            reached.append(lefts[node])
        else:
            reached.append(rights[node])
    return greatest


def _goes_left(value: float | None, limit: float | None, kind: int) -> bool:
    """What `leaf_of` does at one node."""
    missing = kind >> 2 & 3
    default = False
    if value is None or value != value:  # noqa: PLR0124 - NaN
        default, value = missing == _MISSING_IS_NAN, 0.0
    if -ZERO <= value <= ZERO:
        default, value = default or missing == _MISSING_IS_ZERO, 0.0
    return bool(kind & _DEFAULT_LEFT) if default else limit is None or value <= limit


def _greatest_leaves(
    tree: Mapping[str, Any], matrix: npt.NDArray[np.float64], unknown: frozenset[int]
) -> npt.NDArray[np.float64]:
    """`_greatest_leaf` of every row (n x features, NaN is missing): which nodes each row reaches, from the root down."""
    import numpy as np

    greatest = np.full(len(matrix), -np.inf)
    open_nodes = [(0 if tree["feature"] else -1, np.ones(len(matrix), dtype=bool))]
    while open_nodes:
        node, reached = open_nodes.pop()
        if node < 0:
            greatest = np.where(reached, np.maximum(greatest, tree["leaf"][~node]), greatest)
        elif tree["feature"][node] in unknown:
            open_nodes += [(tree["left"][node], reached), (tree["right"][node], reached)]
        else:
            left = _go_left(matrix[:, tree["feature"][node]], tree["threshold"][node], tree["decision"][node])
            open_nodes += [(tree["left"][node], reached & left), (tree["right"][node], reached & ~left)]
    return greatest


def _go_left(values: npt.NDArray[np.float64], limit: float | None, kind: int) -> npt.NDArray[np.bool_]:
    import numpy as np

    missing = kind >> 2 & 3
    absent = np.isnan(values)
    zero = absent | ((values >= -ZERO) & (values <= ZERO))
    plain = np.where(zero, 0.0, values)
    default = absent if missing == _MISSING_IS_NAN else zero if missing == _MISSING_IS_ZERO else None
    below = np.ones(len(values), dtype=bool) if limit is None else plain <= limit
    return below if default is None else np.where(default, bool(kind & _DEFAULT_LEFT), below)
