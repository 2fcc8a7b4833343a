"""Every rule answers, in order: states, levels, waivers, scopes, switches and dated lines, against a slow and obvious oracle."""

from __future__ import annotations

from datetime import date
from itertools import product as every
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rulebook import DAY, WAN, X, asking, dated, policy, product, products, refused, rule

from riskengine.decision.findings import Finding, Standing, worst
from riskengine.decision.policy import RANK, Policy, evaluate

OPS = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}
OVER = [{"feature": "x", "op": ">", "value": 10}]


def only(made: Policy, row: dict[str, Any], day: date = DAY, asked: Any = None, said: Any = None) -> Finding:
    (found,) = evaluate(made, row, day, asked, said)
    return found


# An oracle: what a rule says of a row in which everything is known, and of all the rows that an unknown value may stand for.
_condition = st.fixed_dictionaries(
    {"feature": st.sampled_from("xyz"), "op": st.sampled_from(sorted(OPS)), "value": st.integers(0, 3)}
)
_level = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["decline", "refer"]),
        "when": st.lists(_condition, min_size=1, max_size=3),
        "unless": st.lists(_condition, max_size=2),
    }
)


def obvious(levels: list[dict[str, Any]], row: dict[str, float]) -> str:
    def holds(conditions: list[dict[str, Any]]) -> bool:
        return all(OPS[one["op"]](row[one["feature"]], one["value"]) for one in conditions)

    hit = [
        level["action"]
        for level in levels
        if holds(level["when"]) and not (level["unless"] and holds(level["unless"]))
    ]
    return "decline" if "decline" in hit else "refer" if hit else "pass"


@settings(max_examples=150, deadline=None)
@given(
    levels=st.lists(_level, min_size=1, max_size=3),
    row=st.fixed_dictionaries(dict.fromkeys("xyz", st.none() | st.integers(-1, 4))),
)
def test_a_rule_says_what_the_oracle_says_and_unknown_never_helps(
    levels: list[dict[str, Any]], row: dict[str, int | None]
) -> None:
    found = only(policy(rule("R", level=levels)), row)
    choices = [[row[name]] if row[name] is not None else range(-1, 5) for name in "xyz"]
    possible = {obvious(levels, dict(zip("xyz", values, strict=True))) for values in every(*choices)}
    if None not in row.values():
        assert {found.outcome} == possible
        assert found.missing == ()
        return
    assert RANK[found.outcome] >= max(RANK[one] for one in possible)
    if found.outcome == "decline":  # on what is known only; what might waive it does not until it is known
        bare = [{**level, "unless": []} for level in levels]
        assert {obvious(bare, dict(zip("xyz", one, strict=True))) for one in every(*choices)} == {"decline"}
    if found.state == "not evaluable":
        assert found.missing
        assert {row[name] for name in found.missing} == {None}


def test_the_worst_step_that_holds_wins_and_tells_its_own_words() -> None:
    steps = [
        {"action": "refer", "when": OVER, "near": 0.5},
        {
            "action": "decline",
            "when": [{"feature": "x", "op": ">", "value": 20}],
            "words": {"en": "far", "zh": "远"},
        },
    ]
    made = policy(rule("R", level=steps))
    found = [only(made, {"x": value}) for value in (4, 6, 11, 21, None)]
    assert [(one.state, one.action, one.outcome) for one in found] == [
        ("passed", "refer", "pass"), ("near", "refer", "pass"), ("hit", "refer", "refer"),
        ("hit", "decline", "decline"), ("not evaluable", "decline", "insufficient data"),
    ]  # fmt: skip
    assert found[3].words is not None
    assert (found[3].words.en, found[3].limit, found[2].words) == ("far", 20, None)


def test_a_waiver_counts_only_where_it_is_certain() -> None:
    made = policy(
        rule("R", action="decline", when=OVER, unless=[{"feature": "proof", "op": "==", "value": 1}])
    )
    found = [
        only(made, {"x": x, "proof": proof})
        for x, proof in ((11, 1), (11, 0), (11, None), (None, 1), (9, None))
    ]
    assert [(one.state, one.why, one.missing) for one in found] == [
        ("not applicable", "waived", ()), ("hit", "", ()), ("hit", "", ("proof",)),
        ("not applicable", "waived", ()), ("passed", "", ()),
    ]  # fmt: skip


def test_products_amounts_and_days_say_why_a_rule_does_not_apply() -> None:
    book = products(product("TECH", when=[{"feature": "wish", "op": "==", "value": "TECH"}]), product("STD"))
    scoped = rule("T", action="decline", when=OVER, products=["TECH"])
    large = rule("L", action="refer", when=OVER, above=[dated(300 * WAN, "2026-01-01")])
    made = policy(scoped, large, rule("E", action="refer", when=OVER, to="2025-12-31"))

    def said(amount: float | None, wish: str | None, x: float = 11, day: date = DAY) -> list[Any]:
        asked = asking(amount, book, day, wish=wish)
        return [
            (one.state, one.why or one.missing) for one in evaluate(made, {"x": x, "wish": wish}, day, asked)
        ]

    gone = ("not applicable", "not in force")
    assert said(300.0 * WAN, "STD") == [
        ("not applicable", "other product"),
        ("not applicable", "amount not above"),
        gone,
    ]
    assert said(301.0 * WAN, "TECH") == [("hit", ()), ("hit", ()), gone]
    assert said(None, "TECH")[1] == ("not evaluable", ("amount",))
    assert said(1.0, "TECH", day=date(2025, 6, 1))[1:] == [("hit", ()), ("hit", ())], (
        "no amount was in force then"
    )
    assert said(301.0 * WAN, None)[0] == ("not evaluable", ("wish",)), "it may be the technology product"
    assert said(301.0 * WAN, None, x=9)[0] == ("not applicable", "other product")


def test_switches_begin_end_and_name_products() -> None:
    book = products(product("TECH", when=[{"feature": "wish", "op": "==", "value": "TECH"}]), product("STD"))
    made = policy(
        rule("R", action="refer", when=OVER, products=["TECH"]),
        rule("OFF", action="refer", when=OVER, on=False),
        switches=[
            {"rule": "R", "on": False, "from": "2026-02-01", "to": "2026-02-28", "reference": "minutes"},
            {"rule": "R", "on": True, "products": ["STD"], "from": "2026-03-01", "reference": "minutes"},
            {"rule": "OFF", "on": True, "from": "2026-03-01", "reference": "minutes"},
        ],
    )

    def states(day: str, wish: str) -> list[str]:
        at = date.fromisoformat(day)
        found = evaluate(made, {"x": 11, "wish": wish}, at, asking(1.0, book, at, wish=wish))
        return [one.why or one.state for one in found]

    assert states("2026-01-31", "TECH") == ["hit", "switched off"]
    assert states("2026-02-28", "TECH") == ["switched off", "switched off"]
    assert states("2026-03-01", "TECH") == ["hit", "hit"]
    assert states("2026-02-28", "STD") == ["other product", "switched off"]
    assert states("2026-03-01", "STD") == ["hit", "hit"], "switched on for another product"


def test_a_later_dated_line_changes_the_rule_from_its_day_on() -> None:
    limits = [dated(10, "2020-01-01"), dated(20, "2026-07-01")]
    made = policy(rule("R", action="refer", when=[{"feature": "x", "op": ">", "limits": limits}]))
    row = {"x": 15}
    days = [date(2019, 12, 31), date(2026, 6, 30), date(2026, 7, 1)]
    assert [(only(made, row, day).state, only(made, row, day).limit) for day in days] == [
        ("not applicable", None), ("hit", 10), ("passed", 20)
    ]  # fmt: skip


def test_unsound_policies_are_refused_and_misspellings_are_named() -> None:
    hard = rule("H", action="decline", when=OVER, hard=True, **{"evidence": "B"})
    off = {"rule": "H", "on": False, "from": "2026-01-01", "reference": "minutes"}
    assert "switch from 2026-01-01 of rule 'H': a hard rule (test) cannot be switched off" in refused(
        hard, switches=[off]
    )
    assert "no such rule. Did you mean 'RULE1'?" in refused(
        rule("RULE1", action="refer", when=OVER), switches=[{**off, "rule": "RULE2"}]
    )
    model = rule("M", test="model")
    assert "change [decision] instead" in refused(model, switches=[{**off, "rule": "M"}])
    assert "a hard rule needs evidence A or B" in refused({**hard, "evidence": "C"})
    assert "rule id 'H' is used twice" in refused(hard, hard)
    assert "only steps with action 'cap'" in refused(formulas=[rule("F", action="refer", when=OVER)])
    assert "hit by everybody" in refused(rule("E", level=[{"action": "refer"}]))
    switch = {"rule": "S", "on": True, "products": ["TEHC"], "from": "2026-01-01", "reference": "minutes"}
    made = policy(rule("S", action="refer", when=OVER, products=["STD", "BATCHES"]), switches=[switch])
    told = [str(problem) for problem in made.problems(["x"], ["A", "C"], ["STD", "TECH", "BATCH"])]
    assert told == [
        "policy.toml: rule S: expected a product of products.toml, got 'BATCHES'. Did you mean 'BATCH'?",
        "policy.toml: switch from 2026-01-01 of rule S: expected a product of products.toml, got 'TEHC'. Did you mean 'TECH'?",
    ]
    own = policy(rule("P", action="refer", when=[{"feature": "grade_no", "op": ">", "value": 3}]))
    assert own.problems(["x"], ["A", "C"]) == []


SPECIAL = [
    rule(test, test=test, action="decline", near=0.1) for test in ("size", "eligible", "purpose", "term")
]


@pytest.mark.parametrize(
    ("row", "states"),
    [
        ({"size_class": "小型", "listed": 1, "purpose": "购置设备", "term": 24.0}, ["passed"] * 4),
        ({"size_class": "大型", "listed": 0, "purpose": "购房", "term": 61.0}, ["hit"] * 4),
        ({"size_class": None, "listed": None, "purpose": "", "term": None}, ["not evaluable"] * 4),
        (
            {"size_class": "小型", "listed": 1, "purpose": "购置厂房", "term": 12.0},
            ["passed", "passed", "passed", "hit"],
        ),
        (
            {"size_class": "小型", "listed": 1, "purpose": "购置厂房", "term": 57.0},
            ["passed", "passed", "passed", "near"],
        ),
    ],
)
def test_what_the_product_says(row: dict[str, Any], states: list[str]) -> None:
    terms = {"term_least": [dated(13)], "term_most": [dated(60)]}
    listed = [{"feature": "listed", "op": "==", "value": 1}]
    book = products(product("PRIV", sizes=["小型", "微型"], eligible=listed, purposes=["购置*"], **terms))
    found = evaluate(policy(*SPECIAL), row, DAY, asking(1.0, book, **row))
    assert [one.state for one in found] == states
    for one in found:
        assert bool(one.missing) == (one.state == "not evaluable")
    free = evaluate(policy(*SPECIAL), row, DAY, asking(1.0, **row))
    assert {(one.state, one.why) for one in free} == {("not applicable", "no limit")}


def test_what_a_rule_of_the_product_does_may_differ_by_product() -> None:
    """Where the product is not known for sure, the gravest of what might follow stands open."""
    steps = [
        {"products": ["PRIV"], "action": "decline", "words": {"en": "over a year", "zh": "一年以上"}},
        {"products": ["STD"], "action": "refer"},
    ]
    made = policy(rule("A38", test="term", level=steps))
    wish = [{"feature": "wish", "op": "==", "value": "PRIV"}]
    other = [{"feature": "wish", "op": "==", "value": "BATCH"}]
    book = products(
        product("PRIV", when=wish, term_least=[dated(13)]), product("BATCH", when=other, term_most=[dated(12)]),
        product("STD", term_most=[dated(24)]),
    )  # fmt: skip

    def said(term: float, wished: str | None) -> tuple[Any, ...]:
        row = {"amount": 1.0, "term": term, "wish": wished}
        found = only(made, row, asked=asking(1.0, book, term=term, wish=wished))
        return found.state, found.action, found.outcome, found.why

    assert said(12.0, "PRIV") == ("hit", "decline", "decline", "")
    assert said(13.0, "PRIV") == ("passed", "decline", "pass", "")
    assert said(25.0, "STD") == ("hit", "refer", "refer", "")
    assert said(24.0, "STD") == ("passed", "refer", "pass", "")
    assert said(25.0, "BATCH") == ("not applicable", None, "pass", "other product")
    assert said(25.0, None) == ("not evaluable", "decline", "insufficient data", "")
    found = only(made, {"amount": 1.0}, asked=asking(1.0, book, term=12.0, wish="PRIV"))
    assert found.words is not None
    assert found.words.en == "over a year"
    both = policy(rule("A38", test="term", action="refer", level=steps[:1]))
    assert only(both, {}, asked=asking(1.0, book, term=25.0, wish="STD")).action == "refer"
    for wrong, words in (
        ([{**steps[0], "when": OVER}], "no conditions of its own"),
        ([steps[0], steps[0]], "a product in one step only"),
        ([{**steps[0], "action": "cap"}], "a cap needs a formula"),
        ([{"action": "refer"}], "conditions or a formula"),
    ):
        assert words in refused(rule("A38", test="term", level=wrong))
    plain = [{"products": ["STD"], "action": "refer", "when": OVER}]
    assert "only with a test of what the product says" in refused(rule("A99", level=plain))
    assert made.unknown_products(["STD"])[0].got == "'PRIV'"


def test_model_and_data_tell_what_they_lead_to() -> None:
    made = policy(rule("A41", test="model"), rule("A42", test="data"))
    said = [
        Standing("A", "pass", "B"),
        Standing("C", "refer", "B", "refer"),
        Standing("D", "decline", "B", "decline"),
        Standing("A", "pass", "B", "insufficient data", ("staff",), (), ("losses",)),
        Standing("A", "pass", "B", "refer", ("staff",), ("amount",), ("losses",)),
    ]
    found = [evaluate(made, {}, DAY, None, one) for one in said]
    assert [[(one.state, one.outcome) for one in each] for each in found] == [
        [("passed", "pass"), ("passed", "pass")],
        [("hit", "refer"), ("passed", "pass")],
        [("hit", "decline"), ("passed", "pass")],
        [("not evaluable", "insufficient data"), ("not evaluable", "refer")],
        [("not evaluable", "refer"), ("not evaluable", "insufficient data")],
    ]
    assert (found[1][0].value, found[1][0].limit) == ("C", "B")
    assert found[4][1].missing == ("amount", "losses")
    assert worst([one.outcome for one in found[4]]) == "insufficient data"


def test_several_caps_of_one_rule_give_the_least_that_applies() -> None:
    def step(limit: float, op: str) -> dict[str, Any]:
        return {
            "action": "cap",
            "when": [{"feature": "trade", "op": op, "values": ["51*", "52*"]}],
            "cap": {"formula": "turnover", "limits": [dated(limit)], "inputs": {"sales": "sales"}},
        }

    made = policy(rule("A29", level=[step(0.4, "not in"), step(0.2, "in")]))
    asked = asking(300.0)
    found = [only(made, {"trade": trade, "sales": 1000.0}, asked=asked) for trade in ("3511", "5211", None)]
    assert [(one.state, one.cap.amount if one.cap else None) for one in found] == [
        ("passed", 400), ("hit", 200), ("not evaluable", None)
    ]  # fmt: skip
    assert found[2].missing == ("trade",)
    assert only(made, {"trade": None, "sales": 9000.0}, asked=asked).state == "passed", (
        "enough, whatever the trade"
    )
    assert found[1].rule.title.zh == X["zh"]
