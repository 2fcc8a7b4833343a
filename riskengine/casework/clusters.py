"""Which related enterprises have moved together? They are one matter, shown as one line.

Lines that moved within the same days and are severe enough are joined along direct ties of the kinds a rule names. A
tie counts once a pair, by its heaviest kind. What keeps a province from becoming one cluster:
1. Who has more ties of one kind than `hub` has none of that kind (a utility, a marketplace), counted over all ties of the
   least weight, not only those between lines. One person or parent behind many is limited by `largest_group` of
   contagion.toml instead: a group of a dozen is a group.
2. Only direct ties between two lines join: a common customer that is itself no line joins nobody.
3. The heaviest ties join first, and none joins when the cluster would have more than `most` members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from riskengine.casework.case_rows import total
from riskengine.casework.case_rules import CaseRules, ClusterRule
from riskengine.monitor.signals import SEVERITIES
from riskengine.schema import fingerprint

COLUMNS = {
    "cluster": "object", "severity": "object", "members": "int64", "enterprises": "object", "exposure": "float64",
    "expected_loss": "float64", "text_en": "object", "text_zh": "object",
}  # fmt: skip
NAMED = 3
_BY_PERSON = ("same_controller", "shared_person")
_NUMBER = {name: number for number, name in enumerate(SEVERITIES)}


def clusters(
    lines: pd.DataFrame, edges: pd.DataFrame, rules: CaseRules, as_of: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The clusters (COLUMNS), the most severe first, then by expected loss; and the lines with `cluster`.

    `edges` has the columns source, target, kind, weight (`neighbours.edges_of`); their order changes nothing.
    """
    rule = rules.cluster(as_of)
    lines = lines.assign(cluster=pd.Series([None] * len(lines), index=lines.index, dtype="object"))
    if rule is None or not len(lines) or not len(edges):
        return _framed([]), lines
    first = as_of - timedelta(rule.days)
    moved = lines[
        lines.severity.map(_NUMBER).ge(_NUMBER[rule.severity]) & lines.moved_on.map(lambda day: day >= first)
    ]
    member: dict[str, str] = {}
    for joined in _joined(set(moved.enterprise), edges, rule):
        if len(joined) >= rule.least:
            member |= dict.fromkeys(joined, "K" + fingerprint(joined)[:10])
    own = moved.groupby(moved.enterprise.map(member), sort=False)  # once: a province has a thousand of them
    made = [_told(str(name), rows, rule) for name, rows in own]
    made.sort(key=lambda row: (-_NUMBER[row["severity"]], -(row["expected_loss"] or 0.0), row["cluster"]))
    named = pd.Series([member.get(one) for one in lines.enterprise], index=lines.index, dtype="object")
    return _framed(made), lines.assign(cluster=named)


def joining(edges: pd.DataFrame, rules: CaseRules, as_of: date) -> pd.DataFrame:
    """The ties that may join anybody: `clusters` says of these what it says of all. Of a province they are one in ten."""
    rule = rules.cluster(as_of)
    return edges.head(0) if rule is None else _strong(edges, rule)


def _strong(edges: pd.DataFrame, rule: ClusterRule) -> pd.DataFrame:
    return edges[edges.kind.isin(rule.kinds) & (edges.weight.astype("float64") >= rule.weight)]


def _joined(moved: set[str], edges: pd.DataFrame, rule: ClusterRule) -> list[list[str]]:
    """The groups of enterprises that ties join, each sorted, in order."""
    parent = {one: one for one in moved}
    size = dict.fromkeys(moved, 1)

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in _ties(moved, edges, rule):
        first, second = root(one), root(other)
        if first != second and size[first] + size[second] <= rule.most:
            parent[second] = first
            size[first] += size[second]
    found: dict[str, list[str]] = {}
    for node in sorted(moved):
        found.setdefault(root(node), []).append(node)
    return sorted(found.values())


def _ties(moved: set[str], edges: pd.DataFrame, rule: ClusterRule) -> list[tuple[str, str]]:
    """The pairs that may join, the heaviest first, then in order."""
    strong = _strong(edges, rule)
    from_moved, to_moved = strong.source.isin(moved), strong.target.isin(moved)
    pairs = strong.loc[from_moved | to_moved, ["source", "target", "kind"]].drop_duplicates()
    ends = pd.concat(
        [pairs, pairs.rename(columns={"source": "target", "target": "source"})]
    ).drop_duplicates()
    degree = ends.groupby(["kind", "source"]).size()
    hubs = {(kind, one) for kind, one in degree[degree > rule.hub].index if kind not in _BY_PERSON}
    best: dict[tuple[str, str], float] = {}
    between = strong[from_moved & to_moved & (strong.source != strong.target)]
    for source, target, kind, weight in zip(
        between.source, between.target, between.kind, between.weight, strict=True
    ):
        if (kind, source) not in hubs and (kind, target) not in hubs:
            pair = (source, target) if source < target else (target, source)
            best[pair] = max(best.get(pair, 0.0), float(weight))
    return sorted(best, key=lambda pair: (-best[pair], pair))


def _told(name: str, own: pd.DataFrame, rule: ClusterRule) -> dict[str, Any]:
    ordered = own.sort_values(["expected_loss", "enterprise"], ascending=[False, True], kind="stable")
    level = max(own.severity.map(_NUMBER))
    known = [str(told or key) for told, key in zip(ordered["name"], ordered.enterprise, strict=True)]
    reds = int((own.severity == SEVERITIES[-1]).sum())
    exposure, loss = total(own.exposure), total(own.expected_loss)
    values: Mapping[str, Any] = {
        "n": len(own),
        "days": rule.days,
        "reds": reds,
        "exposure": exposure,
        "loss": loss,
    }
    more = len(known) - NAMED
    return {
        "cluster": name,
        "severity": SEVERITIES[int(level)],
        "members": len(own),
        "enterprises": json.dumps(sorted(own.enterprise), ensure_ascii=False),
        "exposure": exposure,
        "expected_loss": loss,
        "text_en": "{n} related enterprises moved together within {days} days, {reds} of them red: ".format_map(
            values
        )
        + ", ".join(known[:NAMED])
        + (f" and {more} more" if more > 0 else "")
        + "; exposure {exposure:,.0f}, expected loss {loss:,.0f}".format_map(values),
        "text_zh": "{days}天内 {n} 家关联企业同时出险（红色 {reds} 家）：".format_map(values)
        + "、".join(known[:NAMED])
        + (f"等（另 {more} 家）" if more > 0 else "")
        + "；敞口 {exposure:,.0f}，预期损失 {loss:,.0f}".format_map(values),
    }


def _framed(made: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({one: pd.Series([row[one] for row in made], dtype="object") for one in COLUMNS})
    return frame.astype(dict(COLUMNS))
