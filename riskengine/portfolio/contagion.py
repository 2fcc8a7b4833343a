"""How far does the trouble of others reach an enterprise, along which ties, and what would their guarantees cost it?

Domain page 6.3 [D]: `score(v) = 1 - prod over bad u of (1 - w(u, v) p(u))`. What the formula leaves open is settled so:

1. A tie `u -> v` of weight w carries trouble of u to v. Of several ties of one pair the heaviest counts (of equal ones the
   kind first in the alphabet).
2. A path of k ties weighs the product of its ties times `decay ** (k - 1)`: the first step is not decayed. It meets nobody
   twice, so it neither returns to v nor passes through u again; at most `depth` ties.
3. `w(u, v)` is the weight of the heaviest path (of equal ones the shortest, then the first by keys and kinds): a bad u counts
   once, however many ways lead from it. One pass: p(u) itself is not raised by u's own neighbours.
4. Loss flow: of guarantees that v gave directly, `sum of amount x lgd x p(u)` over its debtors u; a debtor with p 1 adds
   what falls due less what is got back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from riskengine.schema import Dated, Definition, read_definition

EDGES = ("source", "target", "kind", "weight", "amount")  # amount: CNY of guarantees the target gave, else 0
SHOWN = 3  # paths told of an enterprise
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]


class Weights(Dated):
    """One dated block of `configs/contagion.toml`: weights of ties, decay, and how bad a severity is (all 0 to 1)."""

    guarantees_given_unknown: Share = 1.0
    guaranteed_by: Share = 0.3
    control: Share = 0.6
    same_controller: Share = 0.6
    counterparty: Share = 0.3
    least_share: Share = 0.05
    shared_person: Share = 0.2
    decay: Share = 0.5
    depth: int = Field(default=2, ge=1, le=3)
    lgd: Share = 0.6
    largest_group: int = Field(default=50, ge=2)
    failed: Share = 1.0
    red: Share = 0.7
    orange: Share = 0.35
    yellow: Share = 0.1
    blue: Share = 0.0

    @model_validator(mode="after")
    def _worse_is_more(self) -> Self:
        if not self.failed >= self.red >= self.orange >= self.yellow >= self.blue:
            raise ValueError("failed, red, orange, yellow and blue must not rise in this order")
        return self


class ContagionFile(Definition):
    """`configs/contagion.toml`."""

    weights: tuple[Weights, ...] = Field(min_length=1)


def read_weights(path: Path) -> tuple[Weights, ...]:
    """The dated weights of a project; none where it has no such file (a project that scores no contagion)."""
    return read_definition(ContagionFile, path).weights if path.exists() else ()


def contagion(
    edges: pd.DataFrame, badness: Mapping[str, float], weights: Weights, of: Iterable[str]
) -> pd.DataFrame:
    """The score of each enterprise of `of`: `enterprise, contagion (0-1), contagion_loss (CNY), contagion_paths`.

    `edges` has the columns EDGES, `badness` is p(u) for those above 0. `contagion_paths` lists at most three dicts, the
    largest `contribution` (w p) first: `keys` from the bad enterprise to this one, `kinds` of the ties between them.
    Rows in order of `enterprise`, each once. The order of edges changes nothing.
    """
    wanted = sorted(set(of))
    bad = {key: p for key, p in badness.items() if p > 0}
    ties = edges[edges.source != edges.target]
    graph = _Graph.of(ties, bad, weights, wanted)
    best = _best_paths(graph)
    healthy = (1 - best.contribution).groupby(best.target).prod()
    score = (1 - graph.asked.map(healthy).astype("float64")).fillna(0.0).clip(0.0, 1.0)
    made = pd.DataFrame({"enterprise": pd.Series(wanted, dtype="object")})
    # Limits are compared exactly: one tie of 0.2 makes 0.2, and 1 - (1 - 0.2) is a little less.
    made["contagion"] = score.round(12)
    made["contagion_loss"] = made.enterprise.map(_losses(ties, bad, weights)).astype("float64").fillna(0.0)
    told = _told(best.groupby("target", sort=False).head(SHOWN), graph)
    made["contagion_paths"] = pd.Series([told.get(code, []) for code in graph.asked.tolist()], dtype="object")
    return made


@dataclass(frozen=True)
class _Graph:
    """The ties with a number for each name, in the order of the names: the heaviest of each pair, in order of their ends.

    `begins[n]` to `begins[n + 1]` are the ties from n on. `shares`: p of each name, NaN for who is in no trouble; `asked`: the
    numbers of the wanted, -1 for who has no ties.
    """

    names: Sequence[str]
    kinds: Sequence[str]
    begins: Ints
    target: Ints
    kind: Ints
    weight: Floats
    shares: Floats
    asked: pd.Series[int]
    weights: Weights

    @classmethod
    def of(
        cls, ties: pd.DataFrame, bad: Mapping[str, float], weights: Weights, wanted: Sequence[str]
    ) -> _Graph:
        """`ties`: none from an enterprise to itself."""
        # Lesson of the profile: sorting a province's two million ties by their texts took most of it, and making Python's texts
        # of them most of the memory. Names are numbers in the order of their texts until three paths of each are told.
        known = ties[ties.source.notna() & ties.target.notna()]  # nobody is reached through whom nobody knows
        ends, names = _numbered(known.source, known.target, pd.Series(list(bad), dtype="object"))
        source, target = ends[: len(known)], ends[len(known) : 2 * len(known)]
        kind, kinds = _numbered(known.kind)
        weight = known.weight.to_numpy(dtype="float64")
        pair = source * len(names) + target
        order = np.lexsort((kind, -weight, pair))
        order = order[np.diff(pair[order], prepend=-1) != 0]
        begins = np.searchsorted(source[order], np.arange(len(names) + 1))
        place = {name: number for number, name in enumerate(names)}
        shares = np.full(len(names), np.nan)
        for name, p in bad.items():
            shares[place[name]] = p
        asked = pd.Series([place.get(name, -1) for name in wanted], dtype="int64")
        return cls(names, kinds, begins, target[order], kind[order], weight[order], shares, asked, weights)


def _best_paths(graph: _Graph) -> pd.DataFrame:
    """`target, node0, contribution` and the way (`node1 ...`, `kind1 ...`, -1 behind its end): the heaviest path of each bad
    enterprise to each wanted one, the largest contribution of each target first."""
    depth, size = graph.weights.depth, len(graph.names)
    wanted = np.zeros(size, dtype=bool)
    wanted[graph.asked[graph.asked >= 0]] = True
    nodes, kinds = [np.flatnonzero(~np.isnan(graph.shares))], list[Ints]()
    reach = np.ones(len(nodes[0]))
    levels = []
    for step in range(1, depth + 1):
        many = graph.begins[nodes[-1] + 1] - graph.begins[nodes[-1]]
        row = np.repeat(np.arange(len(reach)), many)
        tie = np.arange(len(row)) + np.repeat(graph.begins[nodes[-1]] - np.cumsum(many) + many, many)
        if step == depth:  # who is not wanted leads no further
            there = wanted[graph.target[tie]]
            row, tie = row[there], tie[there]
        further = reach[row] * graph.weight[tie] * (graph.weights.decay if step > 1 else 1.0)
        goes = (further > 0) & np.logical_and.reduce([graph.target[tie] != one[row] for one in nodes])
        row, tie, reach = row[goes], tie[goes], further[goes]
        nodes = [*(one[row] for one in nodes), graph.target[tie]]
        kinds = [*(one[row] for one in kinds), graph.kind[tie]]
        there = wanted[nodes[-1]]
        none = [np.full(int(there.sum()), -1)] * (depth - step)
        ways = [*(one[there] for one in nodes), *none, *(one[there] for one in kinds), *none]
        levels.append((nodes[-1][there], reach[there] * graph.shares[nodes[0][there]], *ways))
    target, contribution, *ways = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    steps = np.sum([way >= 0 for way in ways[: depth + 1]], axis=0)
    pair = target * size + ways[0]
    order = np.argsort(pair, kind="stable")
    first = np.flatnonzero(np.diff(pair[order], prepend=-1))
    most = np.repeat(
        np.maximum.reduceat(contribution[order], first) if len(first) else contribution,
        np.diff(first, append=len(order)),
    )
    order = order[contribution[order] == most]  # few are left to be compared by the rest
    order = order[np.lexsort([*(way[order] for way in reversed(ways)), steps[order], pair[order]])]
    order = order[np.diff(pair[order], prepend=-1) != 0]
    order = order[np.lexsort((-contribution[order], target[order]))]
    named = [f"node{n}" for n in range(depth + 1)] + [f"kind{n}" for n in range(1, depth + 1)]
    found = {"target": target[order], "contribution": contribution[order]}
    return pd.DataFrame(found | {name: way[order] for name, way in zip(named, ways, strict=True)})


def _numbered(*texts: pd.Series) -> tuple[Ints, list[str]]:
    """(Of all texts one after the other the number of each, the distinct texts in order)."""
    codes, distinct = pd.factorize(pd.concat([part.astype("str") for part in texts], ignore_index=True))
    words = sorted(distinct.tolist())
    place = {word: number for number, word in enumerate(words)}
    order = np.array([place[word] for word in distinct.tolist()], dtype="int64")
    return order[codes], words


def _told(top: pd.DataFrame, graph: _Graph) -> dict[int, list[dict[str, Any]]]:
    """The paths in words, by the number of the enterprise that they lead to."""
    depth = graph.weights.depth
    nodes = top[[f"node{n}" for n in range(depth + 1)]].to_numpy().tolist()
    kinds = top[[f"kind{n}" for n in range(1, depth + 1)]].to_numpy().tolist()
    told: dict[int, list[dict[str, Any]]] = {}
    for target, share, node, kind in zip(
        top.target.tolist(), top.contribution.tolist(), nodes, kinds, strict=True
    ):
        keys = [graph.names[n] for n in node if n >= 0]
        ways = [graph.kinds[n] for n in kind if n >= 0]
        told.setdefault(target, []).append({"contribution": share, "keys": keys, "kinds": ways})
    return told


def _losses(ties: pd.DataFrame, bad: Mapping[str, float], weights: Weights) -> pd.Series[float]:
    """What falls on each guarantor: amount x lgd x p(debtor), summed in order of debtor."""
    given = ties[ties.source.isin(bad) & (ties.amount > 0)].sort_values(["target", "source", "amount"])
    lost = given.amount * given.source.map(bad).astype("float64") * weights.lgd
    return lost.groupby(given.target).sum()
