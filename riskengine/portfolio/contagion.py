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

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from riskengine.schema import Dated, Definition, read_definition

EDGES = ("source", "target", "kind", "weight", "amount")  # amount: CNY of guarantees the target gave, else 0
SHOWN = 3  # paths told of an enterprise
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
    best = _best_paths(ties, bad, weights, set(wanted))
    made = pd.DataFrame({"enterprise": pd.Series(wanted, dtype="object")})
    healthy = (1 - best.contribution).groupby(best.target).prod()
    score = (1 - made.enterprise.map(healthy).astype("float64")).fillna(0.0).clip(0.0, 1.0)
    # Limits are compared exactly: one tie of 0.2 makes 0.2, and 1 - (1 - 0.2) is a little less.
    made["contagion"] = score.round(12)
    made["contagion_loss"] = made.enterprise.map(_losses(ties, bad, weights)).astype("float64").fillna(0.0)
    told: dict[str, list[dict[str, Any]]] = {}
    top = best.groupby("target", sort=False).head(SHOWN)
    for target, share, keys, kinds in zip(top.target, top.contribution, top["keys"], top.kinds, strict=True):
        told.setdefault(target, []).append({"contribution": share, "keys": list(keys), "kinds": list(kinds)})
    made["contagion_paths"] = pd.Series([told.get(key, []) for key in wanted], dtype="object")
    return made


def _best_paths(
    ties: pd.DataFrame, bad: Mapping[str, float], weights: Weights, wanted: set[str]
) -> pd.DataFrame:
    """`target, contribution, keys, kinds`: the heaviest path of each bad enterprise to each wanted one, in order."""
    ordered = ties.sort_values(["source", "target", "weight", "kind"], ascending=[True, True, False, True])
    single = ordered.drop_duplicates(["source", "target"])[["source", "target", "kind", "weight"]]
    ahead = pd.DataFrame({"node0": pd.Series(sorted(bad), dtype=single.source.dtype), "reach": 1.0})
    levels = []
    for step in range(1, weights.depth + 1):
        further = single.rename(
            columns={"source": f"node{step - 1}", "target": f"node{step}", "kind": f"kind{step}"}
        )
        ahead = ahead.merge(further, on=f"node{step - 1}")
        ahead = ahead[np.logical_and.reduce([ahead[f"node{step}"] != ahead[f"node{n}"] for n in range(step)])]
        ahead = ahead.assign(reach=ahead.reach * ahead.weight * (weights.decay if step > 1 else 1.0))
        ahead = ahead[ahead.reach > 0].drop(columns="weight")
        levels.append(_told(ahead[ahead[f"node{step}"].isin(wanted)], step))
    found = pd.concat(levels, ignore_index=True)
    found["contribution"] = found.reach * found.source.map(bad).astype("float64")
    found = found.sort_values(["target", "source", "contribution", "steps", "keys", "kinds"],
                              ascending=[True, True, False, True, True, True], kind="stable")  # fmt: skip
    found = found.drop_duplicates(["target", "source"])
    return found.sort_values(["target", "contribution", "source"], ascending=[True, False, True])


def _told(ahead: pd.DataFrame, step: int) -> pd.DataFrame:
    nodes = ahead[[f"node{n}" for n in range(step + 1)]].to_numpy(dtype="object").tolist()
    kinds = ahead[[f"kind{n}" for n in range(1, step + 1)]].to_numpy(dtype="object").tolist()
    return pd.DataFrame(
        {
            "target": ahead[f"node{step}"].to_numpy(dtype="object"),
            "source": ahead.node0.to_numpy(dtype="object"),
            "reach": ahead.reach.to_numpy(dtype="float64"),
            "steps": step,
            "keys": pd.Series(list(map(tuple, nodes)), dtype="object"),
            "kinds": pd.Series(list(map(tuple, kinds)), dtype="object"),
        }
    )


def _losses(ties: pd.DataFrame, bad: Mapping[str, float], weights: Weights) -> pd.Series[float]:
    """What falls on each guarantor: amount x lgd x p(debtor), summed in order of debtor."""
    given = ties[ties.source.isin(bad) & (ties.amount > 0)].sort_values(["target", "source", "amount"])
    lost = given.amount * given.source.map(bad).astype("float64") * weights.lgd
    return lost.groupby(given.target).sum()
