"""Is the size class of 工信部联企业〔2011〕300号 (domain page 2.12) read off the table, at every bound?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from rulebook import policy, product, rule

from riskengine.decision.asked import asked_of
from riskengine.decision.policy import evaluate
from riskengine.decision.products import Products
from riskengine.decision.sizes import CLASSES, Sizes, read_sizes, size_class
from riskengine.schema import parse

DAY = date(2026, 6, 1)
WAN = 10_000
# The table of the domain page, read by hand: large, medium and small begin here (万 for money).
TABLE = {
    "3511": {"staff": (1000, 300, 20), "revenue": (40000 * WAN, 2000 * WAN, 300 * WAN)},
    "5122": {"staff": (200, 20, 5), "revenue": (40000 * WAN, 5000 * WAN, 1000 * WAN)},
    "5211": {"staff": (300, 50, 10), "revenue": (20000 * WAN, 500 * WAN, 100 * WAN)},
    "4710": {"revenue": (80000 * WAN, 6000 * WAN, 300 * WAN), "assets": (80000 * WAN, 5000 * WAN, 300 * WAN)},
    "0111": {"revenue": (20000 * WAN, 500 * WAN, 50 * WAN)},
    "5431": {"staff": (1000, 300, 20), "revenue": (30000 * WAN, 3000 * WAN, 200 * WAN)},
    "6513": {"staff": (300, 100, 10), "revenue": (10000 * WAN, 1000 * WAN, 50 * WAN)},
    "6210": {"staff": (300, 100, 10), "revenue": (10000 * WAN, 2000 * WAN, 100 * WAN)},
    "7320": {"staff": (300, 100, 10)},
}


@pytest.fixture(scope="module")
def table() -> Sizes:
    return read_sizes(Path(__file__).parents[2] / "configs/sizes.toml")


@pytest.mark.parametrize("industry", TABLE)
def test_every_bound_begins_a_class_and_one_below_it_does_not(table: Sizes, industry: str) -> None:
    measures = TABLE[industry]
    for number, name in enumerate(("大型", "中型", "小型")):
        on_it = {measure: bounds[number] for measure, bounds in measures.items()}
        assert size_class(table, industry, on_it, DAY) == name
        below = CLASSES[CLASSES.index(name) - 1]
        for measure in measures:  # one measure short is enough for the smaller class
            assert size_class(table, industry, on_it | {measure: on_it[measure] - 1}, DAY) == below


@pytest.mark.parametrize("industry", [code for code, measures in TABLE.items() if len(measures) == 2])
def test_an_unknown_measure_is_told_unless_the_other_decides(table: Sizes, industry: str) -> None:
    for measure, bounds in TABLE[industry].items():
        assert size_class(table, industry, {measure: bounds[2] - 1}, DAY) == "微型"
        assert size_class(table, industry, {measure: bounds[2]}, DAY) is None
        assert size_class(table, industry, {measure: float("nan")}, DAY) is None


def test_every_division_has_a_row_and_no_two_of_the_same_day(table: Sizes) -> None:
    for division in range(1, 98):
        code = f"{division:02d}10"
        reached = [row for row in table.rows if row.reach(code)]
        assert len(reached) == len({row.start for row in reached}) >= 1, code


def test_before_the_text_and_without_an_industry_nothing_is_said(table: Sizes) -> None:
    assert size_class(table, "3511", {"staff": 5, "revenue": 1}, date(2011, 6, 17)) is None
    assert size_class(table, "3511", {"staff": 5, "revenue": 1}, date(2011, 6, 18)) == "微型"
    assert size_class(table, None, {"staff": 5}, DAY) is None


def test_a_longer_code_and_a_later_day_come_first() -> None:
    words = {"en": "x", "zh": "某"}
    old = {
        "title": words,
        "industries": ["70"],
        "from": date(2011, 6, 18),
        "staff": [10, 100, 300],
        "reference": "r",
    }
    rows = [
        old,
        old | {"industries": ["7010"], "staff": [1, 2, 3]},
        old | {"from": date(2025, 1, 1), "staff": [20, 100, 300]},
    ]
    made = Sizes.model_validate({"row": rows})
    assert size_class(made, "7010", {"staff": 3}, DAY) == "大型"
    assert size_class(made, "7020", {"staff": 10}, date(2024, 12, 31)) == "小型"
    assert size_class(made, "7020", {"staff": 10}, DAY) == "微型"


@pytest.mark.parametrize(
    ("declared", "computed", "state", "feature", "value"),
    [
        ("小型", "中型", "hit", "size_class", "中型"),
        ("中型", "小型", "hit", "said", "中型"),
        ("微型", "小型", "passed", "size_class", "小型"),
        ("小型", "小型", "passed", "said", "小型"),
        ("农户", "大型", "passed", "said", "农户"),
        ("小型", None, "passed", "said", "小型"),
        (None, "中型", "hit", "size_class", "中型"),
        (None, None, "not evaluable", "said", None),
    ],
)
def test_the_larger_of_the_declared_class_and_that_of_the_figures_counts(
    declared: str | None, computed: str | None, state: str, feature: str, value: str | None
) -> None:
    content = {
        "request": {"amount": "amount", "size": "said"},
        "product": [product("STD", sizes=["微型", "小型", "农户"])],
    }
    made, problems = parse(Products, content, "products.toml")
    assert made is not None, problems
    row = {"amount": 1.0, "said": declared, "size_class": computed}
    (found,) = evaluate(
        policy(rule("A04", test="size", action="decline")), row, DAY, asked_of(made, row, DAY)
    )
    assert (found.state, found.feature, found.value) == (state, feature, value)
