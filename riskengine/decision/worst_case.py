"""How bad could the model's answer be, whatever the values we do not know?"""

from __future__ import annotations

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
    reached, found = [0], []
    while reached:
        node = reached.pop()
        if node < 0:
            found.append(float(tree["leaf"][~node]))
        elif tree["feature"][node] in unknown:
            reached += [tree["left"][node], tree["right"][node]]
        else:
            asked = {name: [tree[name][node]] for name in ("feature", "threshold", "decision")}
            left = leaf_of({**asked, "left": [~0], "right": [~1]}, row) == 0
            reached.append(tree["left"][node] if left else tree["right"][node])
    return max(found)
