"""Do related enterprises that move together form one cluster, and does no hub and no chain glue a province together?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pandas as pd
from case_world import DAY, RULES, rules

from riskengine.casework.clusters import clusters


def made(**severities: str) -> pd.DataFrame:
    """Lines of enterprises that moved today; `A="orange"`, or `A="orange 31"` for so many days ago."""
    rows = []
    for name, told in severities.items():
        severity, _, days = told.partition(" ")
        rows.append({"enterprise": name, "name": f"名{name}", "severity": severity, "exposure": 100.0,
                     "expected_loss": 1.0, "moved_on": DAY - timedelta(int(days or 0))})  # fmt: skip
    return pd.DataFrame(rows)


def ties(*told: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(told), columns=["source", "target", "kind", "weight"])


def found(lines: pd.DataFrame, edges: pd.DataFrame, **rule: Any) -> list[list[str]]:
    one = {**RULES["cluster"][0], **rule}
    told, named = clusters(lines, edges, rules(cluster=[one]), DAY)
    again, _ = clusters(lines.iloc[::-1], edges.iloc[::-1], rules(cluster=[one]), DAY)
    pd.testing.assert_frame_equal(told, again)
    for row in told.to_dict("records"):
        assert set(named.enterprise[named.cluster == row["cluster"]]) == set(json.loads(row["enterprises"]))
    return [json.loads(text) for text in told.enterprises]


CHAIN = ties(("A", "B", "control", 0.6), ("B", "A", "control", 0.6), ("B", "C", "same_controller", 0.6))


def test_three_related_ones_that_moved_together_are_one_cluster() -> None:
    told, named = clusters(made(A="orange", B="red", C="orange", D="red"), CHAIN, rules(), DAY)
    (one,) = told.to_dict("records")
    assert (one["severity"], one["members"], one["exposure"], one["expected_loss"]) == ("red", 3, 300.0, 3.0)
    assert one["text_zh"] == "30天内 3 家关联企业同时出险（红色 1 家）：名A、名B、名C；敞口 300，预期损失 3"
    assert one["text_en"].startswith(
        "3 related enterprises moved together within 30 days, 1 of them red: 名A, 名B, 名C"
    )
    assert list(named.cluster) == [one["cluster"]] * 3 + [None]


def test_who_is_too_mild_moved_too_long_ago_or_is_no_line_joins_nobody() -> None:
    assert found(made(A="orange", B="yellow", C="orange"), CHAIN) == []
    assert found(made(A="orange", B="orange 30", C="orange"), CHAIN) == [["A", "B", "C"]]
    assert found(made(A="orange", B="orange 31", C="orange"), CHAIN) == []
    assert found(made(A="orange", C="orange", D="orange"), CHAIN) == []


def test_weak_ties_and_other_kinds_join_nobody() -> None:
    lines = made(A="orange", B="orange", C="orange")
    for kind, weight, joined in (
        ("counterparty", 0.1, True),
        ("counterparty", 0.09, False),
        ("shared_person", 0.9, False),
    ):
        edges = ties(("A", "B", kind, weight), ("B", "C", kind, weight))
        assert bool(found(lines, edges)) is joined, (kind, weight)


def test_a_hub_ties_nobody_together_even_where_most_it_serves_are_no_lines() -> None:
    lines = made(A="orange", B="orange", U="orange")
    served = [("U", one, "counterparty", 0.2) for one in ("A", "B", "x")]
    assert found(lines, ties(*served)) == [["A", "B", "U"]]
    assert found(lines, ties(*served, ("U", "y", "counterparty", 0.2))) == []
    assert found(lines, ties(*served, ("U", "y", "counterparty", 0.05))) == [["A", "B", "U"]]


def test_a_chain_is_cut_where_it_is_weakest() -> None:
    lines = made(**dict.fromkeys("ABCDEF", "orange"))
    weights = {"AB": 0.9, "BC": 0.8, "CD": 0.3, "DE": 0.8, "EF": 0.9}
    edges = ties(*((one, other, "control", weight) for (one, other), weight in weights.items()))
    assert sorted(found(lines, edges)) == [["A", "B", "C"], ["D", "E", "F"]]


def test_without_a_rule_in_force_or_ties_there_are_none() -> None:
    lines = made(A="orange")
    for told in (rules(cluster=[]), rules()):
        none, named = clusters(lines, ties(), told, DAY)
        assert (len(none), named.cluster[0]) == (0, None)
