"""How far is a value from what is usual among its peers tonight? `[[peer]]` of `configs/nightly.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from riskengine.errors import UsageError
from riskengine.schema import Definition, Words, parse, read_toml

if TYPE_CHECKING:
    import pandas as pd


class Peer(Definition):
    """A name of the night: a feature's value over its median among the guarantees in force of the same group.

    `by` is the key of `subjects.toml` that makes the groups. Unknown where fewer than `least` of a group are known.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Words
    feature: str
    by: str
    least: int = Field(default=20, ge=2)


def read_peers(path: Path) -> list[Peer]:
    """The `[[peer]]` blocks of `nightly.toml` that can be read; what is wrong with the others `shown.read_shown` says."""
    try:
        blocks = read_toml(path).get("peer", []) if path.exists() else []
    except UsageError:  # said by read_shown, with whatever else is wrong
        return []
    made = [parse(Peer, block, path.name)[0] for block in blocks] if isinstance(blocks, list) else []
    return [one for one in made if one is not None]


def with_peers(
    frame: pd.DataFrame, peers: Iterable[Peer], keys: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """The night's frame with every peer name: value / median of the group, NaN where either cannot be said.

    In the median an enterprise counts once, however many guarantees it has (once for each value, where its guarantees
    differ). NaN too where the median is not above zero: a multiple of nothing says nothing.
    """
    made = {}
    for one in peers:
        columns = list(keys[one.by])
        known = frame[frame[[*columns, one.feature]].notna().all(axis=1)]
        owner = known.enterprise_id.where(known.enterprise_id.notna(), known.id)
        single = known.assign(_owner=owner.astype("str")).drop_duplicates([*columns, "_owner", one.feature])
        groups = single.groupby(columns)[one.feature].agg(["median", "size"])
        usual = groups["median"][(groups["size"] >= one.least) & (groups["median"] > 0)].rename("_usual")
        joined = frame[columns].join(usual, on=columns)
        made[one.name] = frame[one.feature].astype("float64") / joined["_usual"].astype("float64")
    return frame.assign(**made)
