"""The rules of another day judge past profiles; what the model says is never used against law 3; the benchmark agrees."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from institution import AS_OF, FILES
from rulebook import DAY, WAN, dated, policy, product, products, rule

from riskengine.decision.applicants import known_applicants
from riskengine.decision.asked import asked_of
from riskengine.decision.conditions import BY_DESK
from riskengine.decision.desk import current_desk, desk_with
from riskengine.decision.policy import RANK, evaluate
from riskengine.decision.review import decide, review, rule_of
from riskengine.errors import UsageError
from riskengine.profile.compute import Workbench
from riskengine.project import Project


def test_past_applicants_under_the_rules_of_another_day(own_project: Project) -> None:
    """The cap is 2,000 from 2006 on, 1,000 before: an application of 1,900 is hit by the rules of 2005 only."""
    desk = current_desk(own_project)
    with Workbench(desk.snapshot) as bench:
        asked = known_applicants(bench, rule_of(own_project), desk.model, ["3"], AS_OF)
        found = {day: decide(desk, bench, asked, None, day)[0] for day in (date(2005, 6, 1), AS_OF, None)}
    states = {
        day: {line["rule"]: line["state"] for line in one["policy"]["findings"]} for day, one in found.items()
    }
    assert [states[day]["largest"] for day in found] == ["hit", "near", "near"]
    assert {states[day]["lost_before"] for day in found} == {"hit"}, (
        "what is known is of the applicant's own day"
    )
    assert found[AS_OF] == found[None]


def test_another_policy_file_decides_without_being_installed(own_project: Project) -> None:
    other = own_project.root / "proposal.toml"
    text = FILES["configs/policy.toml"].replace('op = ">=", value = 2 ', 'op = ">=", value = 0 ')
    other.write_text(text, encoding="utf-8")
    here, there = current_desk(own_project), desk_with(own_project, None, other)
    assert here.basis["policy"] != there.basis["policy"]
    with Workbench(here.snapshot) as bench:
        asked = known_applicants(bench, rule_of(own_project), here.model, ["1"], AS_OF)
        assert [decide(one, bench, asked)[0]["decision"] for one in (here, there)] == ["pass", "decline"]
    (own_project.configs / "policy.toml").write_text(
        text.replace('id = "trade"', 'id = "trade"\nproducts = ["plane"]'), encoding="utf-8"
    )
    with pytest.raises(
        UsageError, match=r"rule trade: expected a product of products\.toml, got 'plane'.*'plain'"
    ):
        current_desk(own_project)


def test_a_rule_on_the_model_is_not_passed_by_forgetting(own_project: Project) -> None:
    """A rule may read the PD; what is missing could make the PD worse, and then the rule cannot be evaluated."""
    path = own_project.configs / "policy.toml"
    row = {"no": "80", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "500", "staff": ""}
    gaps = review(own_project, AS_OF, rows=[row]).records[0]["outputs"]
    pd, bad = gaps["model"]["pd"], gaps["gaps"]["worst_pd"]
    assert bad > pd
    own = """
[[rule]]
id = "pd"
title = { en = "PD", zh = "违约概率" }
action = "decline"
reference = "test"
evidence = "D"
words = { en = "PD", zh = "违约概率" }
when = [{ feature = "pd", op = ">", value = LIMIT }]
"""
    states = []
    for limit in (pd / 2, (pd + bad) / 2, 0.99999):
        path.write_text(FILES["configs/policy.toml"] + own.replace("LIMIT", repr(limit)), encoding="utf-8")
        out = review(own_project, AS_OF, rows=[row]).records[0]["outputs"]
        line = next(line for line in out["policy"]["findings"] if line["rule"] == "pd")
        states.append((line["state"], [item["feature"] for item in line["missing"]]))
        assert RANK[out["decision"]] >= RANK[out["policy"]["outcome"]]
    assert states == [("hit", []), ("not evaluable", ["staff", "staff_missing"]), ("passed", [])]


def test_the_benchmark_of_rules_says_what_evaluate_says_row_by_row() -> None:
    import numpy as np
    import pandas as pd

    from riskengine.monitor.rule_scores import policy_score

    wish = [{"feature": "wish", "op": "in", "values": ["TECH"]}]
    listed = [{"feature": "listed", "op": "==", "value": 1}]
    book = products(
        product("TECH", when=wish, eligible=listed), product("STD", amount_cap=[dated(500 * WAN)])
    )
    over: list[dict[str, Any]] = [{"feature": "x", "op": ">", "value": 2}]
    made = policy(
        rule("A", action="decline", when=over, products=["TECH"], unless=listed),
        rule(
            "B",
            level=[
                {"action": "refer", "when": over},
                {"action": "decline", "when": [{**over[0], "value": 3}]},
            ],
        ),
        rule("C", action="refer", when=over, above=[dated(300 * WAN)]),
        rule("D", action="cap", cap={"formula": "product", "inputs": {"outstanding": "out"}}),
        rule("E", test="eligible", action="decline"),
        rule("F", test="model"),
        rule("G", action="refer", when=[{"feature": "y", "op": ">", "limits": [dated(0, "2030-01-01")]}]),
        rule("H", action="refer", when=[{"feature": "product", "op": "==", "value": "TECH"}, *over]),
        switches=[
            {"rule": "B", "on": False, "products": ["STD"], "from": "2026-01-01", "reference": "minutes"}
        ],
    )
    dice = random.Random(5)
    rows = [
        {
            "wish": dice.choice(["TECH", "STD", None]),
            "listed": dice.choice([0.0, 1.0, None]),
            "x": dice.choice([1.0, 3.0, 4.0, None]),
            "y": dice.choice([1.0, None]),
            "out": dice.choice([0.0, 450.0 * WAN, None]),
            "amount": dice.choice([100.0 * WAN, 400.0 * WAN, None]),
        }
        for _ in range(400)
    ]
    expected = []
    for row in rows:
        known = {**dict.fromkeys(BY_DESK), **row}
        asked = asked_of(book, known, DAY)
        known["product"] = None if asked.rivals else asked.product
        outcomes = [one.outcome for one in evaluate(made, known, DAY, asked) if one.rule.test != "model"]
        expected.append(2 if "decline" in outcomes else int(any(one != "pass" for one in outcomes)))
    frame = pd.DataFrame(rows).astype({"listed": "float64", "x": "float64", "y": "float64"})
    frame = frame.astype({"out": "float64", "amount": "float64"})
    found = policy_score(made, frame, DAY, book)
    assert found.tolist() == expected
    assert {*expected} == {0, 1, 2}
    assert not np.isnan(found).any()
