"""Do the rules lead where the committee's examples say, and does a difference read well?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskengine.decision.examples import Example, Examples, answer, differences, read_examples
from riskengine.decision.policy import read_policy
from riskengine.decision.products import read_products
from riskengine.errors import UsageError
from riskengine.scoring.scorecard import read_grades

CONFIGS = Path(__file__).parents[2] / "configs"
POLICY, PRODUCTS = read_policy(CONFIGS / "policy.toml"), read_products(CONFIGS / "products.toml")
GRADES = [grade.name for grade in read_grades(CONFIGS / "grades.toml").grades]
EXAMPLES = read_examples(CONFIGS / "examples.toml", POLICY, PRODUCTS)


def told(example: Example, examples: Examples = EXAMPLES) -> list[str]:
    return differences(example, answer(examples, example, POLICY, PRODUCTS, GRADES))


@pytest.mark.parametrize("example", EXAMPLES.examples, ids=lambda example: example.title.en)
def test_the_rules_lead_where_the_example_says(example: Example) -> None:
    lines = told(example)
    assert not lines, "\n".join([f"{example.title.en} ({example.title.zh})", *lines])


def test_the_examples_cover_what_a_committee_asks() -> None:
    every = EXAMPLES.examples
    assert len(every) >= 20
    assert {one.product for one in every} == set(PRODUCTS.ids)
    assert {one.expect.decision for one in every} == {"pass", "refer", "decline", "insufficient data"}
    assert any(one.basis for one in every)
    assert any(not switch.on for one in every for switch in one.switches)
    assert all(
        re.fullmatch(r"[A-Z]+\d\d? (red|orange|yellow|blue)", name)
        for one in every
        for name in one.expect.signals
    )


def test_a_difference_says_what_was_expected_what_came_and_why() -> None:
    sound = EXAMPLES.examples[0]
    wrong = sound.model_copy(update={"changed": {"dishonest_listings": 1}})
    assert told(wrong) == [
        "decision: expected pass, got decline",
        "rules hit: expected none, got A08",
        "  A08: Listed as a dishonest judgment debtor (dishonest_listings = 1, limit 0)",
    ]
    dearer = sound.model_copy(update={"expect": sound.expect.model_copy(update={"amount": 1500000.0})})
    assert told(dearer) == ["amount: expected 1,500,000, got 2,000,000"]


def test_what_an_example_misspells_is_told_at_once(tmp_path: Path) -> None:
    text = (CONFIGS / "examples.toml").read_text(encoding="utf-8")
    text = text.replace("dishonest_listings = 0", "dishonest_listing = 0").replace(
        'product = "SD-FMD"', 'product = "SD-FDM"'
    )
    text = text.replace('hit = ["A30"]', 'hit = ["A300"]')
    (tmp_path / "examples.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_examples(tmp_path / "examples.toml", POLICY, PRODUCTS)
    assert {problem.got for problem in caught.value.problems} == {
        "no 'dishonest_listings'", "'dishonest_listing'", "'SD-FDM'", "'A300'",
    }  # fmt: skip


def test_less_data_never_improves_an_example() -> None:
    """Each value of each example taken away in turn: the decision is as severe or lacks data."""
    rank = {"pass": 0, "refer": 1, "insufficient data": 2, "decline": 2}
    for example in EXAMPLES.examples[::4]:
        known = answer(EXAMPLES, example, POLICY, PRODUCTS, GRADES)
        for name in EXAMPLES.healthy:
            poorer = example.model_copy(update={"changed": {**example.changed, name: "missing"}})
            found = answer(EXAMPLES, poorer, POLICY, PRODUCTS, GRADES)
            assert rank[found.decision] >= rank[known.decision], (example.title.en, name)
