"""How bad could the model's answer be, whatever the values we do not know?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from riskengine.scoring.trees import leaf_of


def worst_raw_score(trees: Mapping[str, Any], row: Sequence[float | None], unknown: frozenset[int]) -> float:
    """An upper bound of the raw score over all values of the features numbered in `unknown`, missing included.

    Each tree takes the greatest leaf it can reach when questions about unknown features may go either way. So
    forgetting a value can never lower the bound, and with nothing unknown it is the raw score to the bit.
    """
    total = 0.0
    for tree in trees["trees"]:
        if unknown.isdisjoint(tree["feature"]):
            total += tree["leaf"][leaf_of(tree, row)]
        else:
            total += _greatest_leaf(tree, row, unknown)
    return total


def _greatest_leaf(tree: Mapping[str, Any], row: Sequence[float | None], unknown: frozenset[int]) -> float:
    features, lefts, rights = tree["feature"], tree["left"], tree["right"]
    reached, greatest = [0], -math.inf
    while reached:
        node = reached.pop()
        if node < 0:
            greatest = max(greatest, tree["leaf"][~node])
        elif features[node] in unknown:
            reached += (lefts[node], rights[node])
        else:
            reached.append(lefts[node] if _goes_left(tree, node, row) else rights[node])
    return greatest


def _goes_left(tree: Mapping[str, Any], node: int, row: Sequence[float | None]) -> bool:
    """What `leaf_of` does at one node: that node alone, as a tree of two leaves."""
    stump = {
        "feature": (tree["feature"][node],),
        "threshold": (tree["threshold"][node],),
        "decision": (tree["decision"][node],),
        "left": (~0,),
        "right": (~1,),
    }
    return leaf_of(stump, row) == 0
