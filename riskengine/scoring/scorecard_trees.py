"""How is a scorecard written as trees, so that one contract scores it, explains it and guards its bytes?

A scorecard is a sum of tables. Each table becomes one tree that asks one feature only: first whether it is missing, then
in which bin it lies. So the plain scorer and LightGBM's native one both score it, to the bit, and what a feature adds is
its table's entry less that table's mean over the training rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MISSING_GOES_RIGHT = 8  # numerical, NaN is missing, default not left
_NOTHING = 1e-9  # the weight of a leaf that no training row reached


@dataclass(frozen=True, slots=True)
class Table:
    """What one feature adds: `leaf[i]` for `edges[i-1] < value <= edges[i]`, the last two: above all edges, missing.

    `mass`: the weighted share of training rows in each, by which the table's mean is taken.
    """

    column: int
    edges: tuple[float, ...]
    leaf: tuple[float, ...]
    mass: tuple[float, ...]


def model_text(features: Sequence[str], start: float, tables: Sequence[Table]) -> str:
    """LightGBM's native text of a scorecard: a tree of one leaf with the intercept, then one tree a table.

    The raw score is `start + leaf + leaf + ...` in the order of the tables, in double precision.
    """
    blocks = [_leaf_block(start), *(_block(table) for table in tables)]
    blocks = [f"Tree={number}\n{block}\n" for number, block in enumerate(blocks)]
    head = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={len(features) - 1}",
        "objective=binary sigmoid:1",
        f"feature_names={' '.join(features)}",
        f"feature_infos={' '.join('[-inf:inf]' for _ in features)}",
        f"tree_sizes={' '.join(str(len(block.encode())) for block in blocks)}",
        "",
        "",
    ]
    return "\n".join(head) + "".join(blocks) + "end of trees\n"


def points_table(
    tables: Sequence[Mapping[str, Any]], start: float, line: tuple[float, float], scale: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Points of each bin: `tables` with `bins` (each with `odds`, what it adds to the log-odds of default).

    `line` is the calibration (slope, intercept) of the log-odds, `scale` the master scale's `points`. As in Siddiqi (2006,
    ch. 6) the intercept and the offset are spread evenly over the features: the points of a row's bins, before they are
    rounded, sum to the score of its calibrated PD, where that lies within the scale's limits.
    """
    factor = float(scale["pdo"]) / math.log(2.0)
    offset = float(scale["base_score"]) - factor * math.log(float(scale["base_odds"]))
    share = (offset - factor * (line[0] * start + line[1])) / max(len(tables), 1)
    made = []
    for table in tables:
        bins = [
            {**entry, "points": share - factor * line[0] * float(entry["odds"])} for entry in table["bins"]
        ]
        made.append({**table, "bins": bins})
    return made


def _leaf_block(value: float) -> str:
    return _fields({"num_leaves": 1, "num_cat": 0, "leaf_value": [value], "is_linear": 0, "shrinkage": 1})


def _block(table: Table) -> str:
    threshold, left, right = [math.inf], [0], [~(len(table.leaf) - 1)]

    def below(low: int, high: int) -> int:
        """The node that tells bins low..high apart, or the leaf if there is only one."""
        if low == high:
            return ~low
        node, middle = len(threshold), (low + high) // 2
        threshold.append(table.edges[middle])
        left.append(0)
        right.append(0)
        left[node] = below(low, middle)
        right[node] = below(middle + 1, high)
        return node

    left[0] = below(0, len(table.edges))
    nodes = len(threshold)
    return _fields(
        {
            "num_leaves": len(table.leaf),
            "num_cat": 0,
            "split_feature": [table.column] * nodes,
            "split_gain": [_spread(table), *[0.0] * (nodes - 1)],
            "threshold": threshold,
            "decision_type": [_MISSING_GOES_RIGHT] * nodes,
            "left_child": left,
            "right_child": right,
            "leaf_value": table.leaf,
            "leaf_weight": [max(mass, _NOTHING) for mass in table.mass],
            "leaf_count": [0] * len(table.leaf),
            "internal_value": [0] * nodes,
            "internal_weight": [0] * nodes,
            "internal_count": [0] * nodes,
            "is_linear": 0,
            "shrinkage": 1,
        }
    )


def _spread(table: Table) -> float:
    """The variance of what the table adds over the training rows: a card's measure of how much a feature matters."""
    whole = max(math.fsum(table.mass), _NOTHING)
    mean = math.fsum(part * leaf for part, leaf in zip(table.mass, table.leaf, strict=True)) / whole
    return (
        math.fsum(part * (leaf - mean) ** 2 for part, leaf in zip(table.mass, table.leaf, strict=True))
        / whole
    )


def _fields(values: Mapping[str, Any]) -> str:
    lines = []
    for name, value in values.items():
        parts = value if isinstance(value, list | tuple) else [value]
        lines.append(f"{name}={' '.join(repr(part) for part in parts)}")
    return "\n".join(lines) + "\n"
