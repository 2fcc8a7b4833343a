"""Do the rules lead where the committee's examples say, and does a difference read well?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskengine.decision.examples import MISSING, Example, Examples, answer, differences, read_examples
from riskengine.decision.policy import read_policy
from riskengine.decision.products import read_products
from riskengine.errors import UsageError
from riskengine.monitor.examples import Fired, fired, signal_differences, signal_problems
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import GUARANTEE, vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.reports.checking import examples_judged, signals_judged
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


def test_the_check_of_a_project_tells_examples_that_the_rules_contradict(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert examples_judged(project, POLICY, PRODUCTS, GRADES) == (0, [])
    (tmp_path / "configs").mkdir()
    text = (CONFIGS / "examples.toml").read_text(encoding="utf-8")
    first = EXAMPLES.examples[0]
    place = text.index(first.title.en)
    spoilt = text[:place] + text[place:].replace('decision = "pass"', 'decision = "refer"', 1)
    (tmp_path / "configs" / "examples.toml").write_text(spoilt, encoding="utf-8")
    count, problems = examples_judged(project, POLICY, PRODUCTS, GRADES)
    assert count == len(EXAMPLES.examples)
    assert [str(problem) for problem in problems] == [
        f"examples.toml: {first.title.en}: expected what the example says, got decision: expected refer, got pass. "
        "Correct the rule or, if the committee decides so, the example"
    ]


@pytest.fixture(scope="module")
def signals() -> tuple[Signal, ...]:
    return read_signals(CONFIGS / "signals.toml", vocabulary(Catalogue(Project(CONFIGS.parent))))


@pytest.fixture(scope="module")
def watch(signals: tuple[Signal, ...]) -> list[list[Fired]]:
    return fired(EXAMPLES, signals)


def test_the_signals_fire_where_the_examples_say(
    signals: tuple[Signal, ...], watch: list[list[Fired]]
) -> None:
    assert [str(one) for one in signal_problems(EXAMPLES, signals)] == []
    told = {
        one.title.en: signal_differences(one, got) for one, got in zip(EXAMPLES.examples, watch, strict=True)
    }
    assert {title: lines for title, lines in told.items() if lines} == {}


def test_policy_and_signals_are_told_together() -> None:
    told = [one for one in EXAMPLES.examples if one.expect.signals]
    assert len(told) >= 15
    assert {name.split()[1] for one in told for name in one.expect.signals} == {
        "blue",
        "yellow",
        "orange",
        "red",
    }
    assert {one.expect.decision for one in told} >= {"pass", "refer", "decline"}
    silent = [one for one in EXAMPLES.examples if not one.changed and not one.watched]
    assert silent
    assert all(not one.expect.signals for one in silent), "nothing fires about a healthy enterprise"


def test_a_signal_fires_as_its_conditions_say_one_by_one(
    signals: tuple[Signal, ...], watch: list[list[Fired]]
) -> None:
    """The oracle: each band of each signal about a guarantee compared value by value."""
    for one, got in zip(EXAMPLES.examples, watch, strict=True):
        row = {**EXAMPLES.healthy, **EXAMPLES.watched, **one.changed, **one.watched}
        known = {name: None if value == MISSING else value for name, value in row.items()}
        wanted = []
        for signal in signals:
            if signal.about == GUARANTEE and signal.watched_on(one.as_of):
                holding = [b for _, b in signal.ranked if all(c.holds(known, one.as_of) for c in b.when)]
                wanted += [f"{signal.id} {holding[0].severity}"] if holding else []
        assert [item.name for item in got] == wanted, one.title.en


def test_a_signal_that_fires_unsaid_is_told_with_its_words(signals: tuple[Signal, ...]) -> None:
    sound = EXAMPLES.examples[0]
    wrong = sound.model_copy(update={"watched": {"own_overdue_days": 12}})
    (got,) = fired(EXAMPLES.model_copy(update={"examples": (wrong,)}), signals)
    lines = signal_differences(wrong, got)
    assert lines[0] == "signals: expected none, got C01 red"
    assert lines[1].startswith("  C01 red: Days overdue: the guaranteed loan 12")
    assert signal_differences(sound, []) == []


def test_what_an_example_misspells_of_the_watch_is_told(signals: tuple[Signal, ...]) -> None:
    first = EXAMPLES.examples[0]
    wrong = first.model_copy(
        update={
            "watched": {"own_overdue_day": 1},
            "expect": first.expect.model_copy(update={"signals": ("C1 red", "L01 red")}),
        }
    )
    less = {name: value for name, value in EXAMPLES.watched.items() if name != "five_class"}
    told = EXAMPLES.model_copy(update={"examples": (wrong,), "watched": {**less, "sales_12m": 1.0}})
    assert sorted(problem.got for problem in signal_problems(told, signals)) == [
        "'C1 red'", "'L01 red'", "'own_overdue_day'", "'sales_12m'", "'sales_12m' under healthy too", "no 'five_class'",
    ]  # fmt: skip


def test_check_tells_of_an_example_whose_signals_differ(tmp_path: Path, signals: tuple[Signal, ...]) -> None:
    text = (CONFIGS / "examples.toml").read_text(encoding="utf-8")
    head, *blocks = text.replace('signals = ["L01 blue"]', "signals = []").split("[[example]]")
    named = [
        block for block in blocks if "legal representative" in block or "Standard product, sound" in block
    ]
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "examples.toml").write_text("[[example]]".join([head, *named]), encoding="utf-8")
    (problem,) = signals_judged(Project(tmp_path), POLICY, PRODUCTS, signals)
    assert problem.where == "examples.toml: The legal representative changed once"
    assert problem.got.startswith("signals: expected none, got L01 blue; L01 blue: ")
