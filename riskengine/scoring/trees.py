"""What does LightGBM answer for one row, without LightGBM? Plain trees, to the bit, and what each feature adds.

The rules are those of LightGBM's `Tree::NumericalDecision`: a magnitude of at most 1e-35 (as a float32) is zero; a
missing value where the node has not seen any is zero; where the node treats zero or NaN as missing it goes the
default way; everything else goes left if it is at most the threshold. The answer is the sum of one leaf of each
tree, in the order of the trees, in double precision.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

from riskengine.errors import Problem, UsageError

ZERO: float = struct.unpack("f", struct.pack("f", 1e-35))[0]
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_IS_ZERO, _MISSING_IS_NAN = 1, 2
Row = Sequence[float | None]
_LAST: list[Any] = []  # the trees asked last, and their paths


def export_trees(model_text: str) -> dict[str, Any]:
    """Compact trees from LightGBM's native text, whose thresholds and leaves carry 17 digits.

    A tree is `{"feature", "threshold", "decision", "left", "right", "value", "leaf"}`: lists by node; a negative
    child `c` is the leaf `~c`; a threshold of None is infinite (only "missing or not" is asked). `value` is a node's expected leaf, weighted by the leaves' hessian sums (which
    carry the sampling weights). Categorical splits, linear leaves and averaged forests are refused.
    """
    header, *blocks = model_text.split("\n\nTree=")
    top = _fields(header)
    problems = []
    if top.get("num_class", "1") != "1" or top.get("num_tree_per_iteration", "1") != "1":
        problems.append(Problem("model.txt", "one score a row", "several classes"))
    if "average_output" in header.split("\n"):
        problems.append(Problem("model.txt", "a boosted sum", "an averaged forest"))
    trees = []
    for number, block in enumerate(blocks):
        fields = _fields(block.split("\n\n")[0])
        if fields["num_cat"] != "0" or any(
            kind & _CATEGORICAL for kind in _integers(fields, "decision_type")
        ):
            problems.append(Problem(f"model.txt, tree {number}", "numerical splits", "a categorical split"))
        if fields.get("is_linear", "0") != "0":
            problems.append(Problem(f"model.txt, tree {number}", "constant leaves", "linear leaves"))
        trees.append(_tree(fields))
    if problems:
        raise UsageError("These trees cannot be scored plainly", problems)
    return {"features": top["feature_names"].split(), "trees": trees}


def leaf_of(tree: Mapping[str, Any], row: Row) -> int:
    """The index of the leaf in which a row ends."""
    feature, threshold, decision = tree["feature"], tree["threshold"], tree["decision"]
    node = 0 if feature else -1
    while node >= 0:
        value = row[feature[node]]
        kind = decision[node]
        missing = kind >> 2 & 3
        if value is None or value != value:  # noqa: PLR0124 - NaN
            default = missing == _MISSING_IS_NAN
            value = 0.0
        else:
            default = False
        if -ZERO <= value <= ZERO:
            value = 0.0
            default = default or missing == _MISSING_IS_ZERO
        if default:
            left = bool(kind & _DEFAULT_LEFT)
        else:
            limit = threshold[node]
            left = limit is None or value <= limit
        node = tree["left"][node] if left else tree["right"][node]
    return ~int(node)


def raw_score(trees: Mapping[str, Any], row: Row) -> float:
    """The raw (log-odds) score of a row of feature values in the bundle's order; None or NaN is missing."""
    total = 0.0
    for tree in trees["trees"]:
        total += tree["leaf"][leaf_of(tree, row)]
    return total


def leaf_values(trees: Mapping[str, Any], row: Row) -> list[float]:
    """The leaf of each tree, in order; their running sum is `raw_score`."""
    return [tree["leaf"][leaf_of(tree, row)] for tree in trees["trees"]]


def bias(trees: Mapping[str, Any]) -> float:
    """The expected raw score: what is known of a row before any of its features is looked at."""
    total = 0.0
    for tree in trees["trees"]:
        total += tree["value"][0] if tree["feature"] else tree["leaf"][0]
    return total


def contributions(trees: Mapping[str, Any], row: Row) -> list[float]:
    """What each feature adds to the raw score: `bias + sum(contributions) == raw_score` within 1e-9.

    Additive path attribution (Saabas, 2014): each step down a tree changes the expected leaf, and the change is
    put to the account of the feature that was asked.
    """
    total = [0.0] * len(trees["features"])
    for tree, changes in zip(trees["trees"], _changes_by_leaf(trees), strict=True):
        for feature, change in changes(leaf_of(tree, row)):
            total[feature] += change
    return total


def _changes_by_leaf(trees: Mapping[str, Any]) -> list[Callable[[int], list[tuple[int, float]]]]:
    """For each tree, what `path_changes` gives of a leaf, worked out once a leaf: thousands of rows end in a few leaves."""
    if not _LAST or _LAST[0] is not trees:
        _LAST[:] = [trees, [cache(partial(_path, tree)) for tree in trees["trees"]]]
    found: list[Callable[[int], list[tuple[int, float]]]] = _LAST[1]
    return found


def _path(tree: Mapping[str, Any], leaf: int) -> list[tuple[int, float]]:
    return list(path_changes(tree, leaf).items())


def path_changes(tree: Mapping[str, Any], leaf: int) -> dict[int, float]:
    """By feature, the change of the expected leaf along the path from the root to `leaf`."""
    parents: dict[int, int] = {}
    for node, (left, right) in enumerate(zip(tree["left"], tree["right"], strict=True)):
        parents[left] = parents[right] = node
    path = [~leaf]
    while path[-1] in parents:
        path.append(parents[path[-1]])
    path.reverse()
    changes: dict[int, float] = {}
    for above, below in pairwise(path):
        value = tree["value"][below] if below >= 0 else tree["leaf"][~below]
        feature = tree["feature"][above]
        changes[feature] = changes.get(feature, 0.0) + (value - tree["value"][above])
    return changes


def trees_by_feature(trees: Mapping[str, Any]) -> dict[int, list[int]]:
    """Which trees ask about a feature: only these change when it alone moves."""
    users: dict[int, list[int]] = {}
    for number, tree in enumerate(trees["trees"]):
        for feature in sorted(set(tree["feature"])):
            users.setdefault(feature, []).append(number)
    return users


def _tree(fields: Mapping[str, str]) -> dict[str, Any]:
    leaf = [float(text) for text in fields["leaf_value"].split()]
    left, right = _integers(fields, "left_child"), _integers(fields, "right_child")
    weight = [float(text) for text in fields.get("leaf_weight", "").split()]
    if len(weight) != len(leaf) or not all(size > 0 for size in weight):
        weight = [1.0] * len(leaf)
    value = [0.0] * len(left)
    mass = [0.0] * len(left)
    for node in reversed(range(len(left))):  # LightGBM numbers a parent before its children
        sides = [(value[c], mass[c]) if c >= 0 else (leaf[~c], weight[~c]) for c in (left[node], right[node])]
        mass[node] = sides[0][1] + sides[1][1]
        value[node] = math.fsum(side * size for side, size in sides) / mass[node]
    return {
        "feature": _integers(fields, "split_feature"),
        "threshold": [None if text == "inf" else float(text) for text in fields.get("threshold", "").split()],
        "decision": _integers(fields, "decision_type"),
        "left": left,
        "right": right,
        "value": value,
        "leaf": leaf,
    }


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _integers(fields: Mapping[str, str], name: str) -> list[int]:
    return [int(text) for text in fields.get(name, "").split()]
