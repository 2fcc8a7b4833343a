"""Rules at their boundaries; less data never improves a decision."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from institution import FILES, MODEL_FEATURES

from riskengine.decision.desk import current_desk
from riskengine.decision.freshness import Known
from riskengine.decision.grounds import scored
from riskengine.decision.limits import suggest
from riskengine.decision.policy import RANK, Policy, evaluate, grade_outcome
from riskengine.decision.products import Product, Products
from riskengine.decision.verdict import Seen, guarded_features, verdict, worst_ratings
from riskengine.decision.worst_case import worst_raw_score, worst_raw_scores
from riskengine.project import Project
from riskengine.schema import parse
from riskengine.scoring.trees import raw_score

DAY = date(2006, 6, 30)


def rule(action: str, *when: dict[str, Any], **more: Any) -> dict[str, Any]:
    words = {"en": "x", "zh": "x"}
    return {
        "id": "r", "title": words, "words": words, "action": action, "when": list(when), "reference": "test",
        "evidence": "D", **more,
    }  # fmt: skip


def policy(*rules: dict[str, Any]) -> Policy:
    thresholds = [
        {"from": "2000-01-01", "pass_up_to": "A", "decline_from": "C", "reference": "test"},
        {"from": "2006-01-01", "pass_up_to": "B", "decline_from": "C", "reference": "test"},
    ]
    content = {"decision": {"model": "m", "thresholds": thresholds}, "rule": list(rules)}
    made, problems = parse(Policy, content, "policy.toml")
    assert made is not None, problems
    return made


@pytest.mark.parametrize(
    ("value", "state", "distance"),
    [(99.0, "passed", 0.01), (100.0, "passed", 0.0), (100.01, "hit", 0.0001), (None, "not evaluable", None)],
)
def test_without_near_a_rule_is_hit_or_passed(
    value: float | None, state: str, distance: float | None
) -> None:
    (found,) = evaluate(policy(rule("refer", {"feature": "x", "op": ">", "value": 100})), {"x": value}, DAY)
    assert (found.state, found.distance, found.limit) == (state, distance, 100)


@pytest.mark.parametrize(
    ("value", "state"), [(90.0, "near"), (89.9, "passed"), (100.0, "near"), (101.0, "hit")]
)
def test_near_is_within_the_declared_part_of_the_limit(value: float, state: str) -> None:
    made = policy(rule("decline", {"feature": "x", "op": ">", "value": 100}, near=0.1))
    assert evaluate(made, {"x": value}, DAY)[0].state == state


VALUES = st.sampled_from([None, float("nan"), 0.0, -0.0, 0.9, 1.0, 2.0, True, Decimal("1.0"), Decimal("2.0")])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12))
def test_what_a_rule_said_of_equal_values_is_what_it_would_say(rows: list[tuple[Any, Any, Any]]) -> None:
    over = [{"feature": name, "op": ">", "value": 1} for name in "xyz"]
    rules = [
        rule("decline", over[0], unless=[over[2]], near=0.2), rule("refer", over[0], over[1], id="two"),
        rule("cap", over[0], id="cap"), rule("refer", over[0], id="above", above=[{"from": "2000-01-01", "value": 5, "reference": "t"}]),
    ]  # fmt: skip
    asked = policy(*rules)
    for row in (dict(zip("xyz", values, strict=True)) for values in rows):
        assert repr(evaluate(asked, row, DAY)) == repr(evaluate(asked.model_copy(), row, DAY))


def test_one_failing_condition_passes_even_where_another_is_unknown() -> None:
    made = policy(
        rule("decline", {"feature": "x", "op": ">", "value": 1}, {"feature": "y", "op": ">", "value": 1})
    )
    states = [evaluate(made, {"x": x, "y": None}, DAY)[0].state for x in (0.0, 2.0)]
    assert states == ["passed", "not evaluable"]
    assert [evaluate(made, {"x": x, "y": None}, DAY)[0].outcome for x in (0.0, 2.0)] == [
        "pass",
        "insufficient data",
    ]


def test_a_rule_holds_from_its_first_to_its_last_day() -> None:
    made = policy(
        rule("refer", {"feature": "x", "op": ">", "value": 0}, **{"from": "2006-01-01", "to": "2006-01-31"})
    )
    days = [date(2005, 12, 31), date(2006, 1, 1), date(2006, 1, 31), date(2006, 2, 1)]
    found = [evaluate(made, {"x": 1.0}, day)[0] for day in days]
    assert [(one.state, one.why) for one in found] == [
        ("not applicable", "not in force"), ("hit", ""), ("hit", ""), ("not applicable", "not in force")
    ]  # fmt: skip


def test_thresholds_are_dated() -> None:
    scale = ["A", "B", "C"]
    days = [date(1999, 1, 1), date(2005, 12, 31), date(2006, 1, 1)]
    found = [[grade_outcome(policy(), scale, grade, day) for grade in scale] for day in days]
    assert found == [["refer"] * 3, ["pass", "refer", "decline"], ["pass", "pass", "decline"]]


def test_an_unsound_policy_is_refused_with_every_problem() -> None:
    known = rule("decline", {"feature": "x", "op": "known"})
    cap = rule("cap", {"feature": "x", "op": "<", "value": 1})
    content = {"decision": {"model": "m", "thresholds": []}, "rule": [known, cap]}
    _, problems = parse(Policy, content, "policy.toml")
    assert [problem.where for problem in problems] == ["policy.toml: rule.0.when", "policy.toml: rule.1"]
    assert "cleared by a missing value" in problems[0].expected
    named = policy(rule("refer", {"feature": "emploees", "op": ">", "value": 1}))
    texts = [str(problem) for problem in named.problems(["employees"], ["A", "C"])]
    assert any("Did you mean 'employees'?" in text for text in texts)
    assert any("a grade of grades.toml, got 'B'" in text for text in texts)


_profiles = st.fixed_dictionaries(
    {
        "amount": st.none() | st.integers(1, 4000).map(float),
        "staff": st.none() | st.integers(0, 99).map(float),
        "losses": st.none() | st.integers(0, 4).map(float),
        "trade_code": st.none() | st.sampled_from(["31", "52", "529", "53"]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(profile=_profiles, forgotten=st.sampled_from(["amount", "staff", "losses", "trade_code"]))
def test_less_data_never_improves_a_decision(
    project: Project, profile: dict[str, Any], forgotten: str
) -> None:
    desk = current_desk(project)

    def decided(values: dict[str, Any]) -> dict[str, Any]:
        values = {**values, "staff_missing": float(values["staff"] is None)}
        row = [values[name] for name in MODEL_FEATURES]
        ((rated, _),) = scored(desk.bundle, [row], [None])
        gaps = guarded_features(desk, values)
        (bad,) = worst_ratings(desk, [row], [gaps])
        return verdict(desk, Seen(DAY, values, rated, {"adverse": [], "favourable": []}, Known(), gaps, bad))

    before, after = decided(profile), decided({**profile, forgotten: None})
    assert RANK[after["decision"]] >= RANK[before["decision"]]
    for side in (before, after):  # law 7: the decision is never better than policy or model alone
        assert RANK[side["decision"]] >= max(RANK[side["policy"]["outcome"]], RANK[side["model"]["outcome"]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.lists(st.none() | st.integers(0, 3000).map(float), min_size=4, max_size=4), data=st.data())
def test_the_worst_case_bounds_every_value(
    project: Project, row: list[float | None], data: st.DataObject
) -> None:
    trees = current_desk(project).bundle.trees
    assert worst_raw_score(trees, row, frozenset()) == raw_score(trees, row)
    column = data.draw(st.integers(0, 3))
    bound = worst_raw_score(trees, row, frozenset([column]))
    unknown = [frozenset([column]), frozenset[int]()] * 20
    natively = worst_raw_scores(trees, [row] * 40, unknown, many=1)
    assert natively == [bound, raw_score(trees, row)] * 20
    for value in (None, -1.0, 0.0, 1.0, 2.0, 20.0, 400.0, 5000.0):
        tried = [*row]
        tried[column] = value
        assert raw_score(trees, tried) <= bound


def _products() -> Products:
    import tomllib

    made, problems = parse(Products, tomllib.loads(FILES["configs/products.toml"]), "products.toml")
    assert made is not None, problems
    return made


@pytest.mark.parametrize(
    ("asked", "pd", "amount", "binding"),
    [
        (800.0, 0.01, "800", ("request",)),
        (2500.0, 0.01, "1500", ("guarantee",)),  # 1,200 / 0.8
        (1500.0, 0.01, "1500", ("request", "guarantee")),  # a tie names both
        (
            950.0,
            0.4,
            "400",
            ("expected_loss",),
        ),  # 2 x 0.02 / (0.4 x 0.5 x 0.4) = half of 950, in steps of 100
        (60.0, 0.9, "0", ("expected_loss",)),  # below the smallest loan
    ],
)
def test_the_least_cap_binds(asked: float, pd: float, amount: str, binding: tuple[str, ...]) -> None:
    found = suggest(_products(), {"amount": asked}, DAY, pd)
    assert found is not None
    assert (found.amount, found.binding) == (Decimal(amount), binding)


def test_no_request_or_no_dated_value_gives_no_suggestion() -> None:
    products = _products()
    assert suggest(products, {"amount": None}, DAY, 0.1) is None
    assert suggest(products, {"amount": 100.0}, date(1999, 1, 1), 0.1) is None
    last = products.products[-1]
    assert isinstance(last, Product)
    assert last.when == ()
