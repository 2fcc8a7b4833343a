"""What an officer reads: one screen in both languages however much there is to say, and what to do next."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from institution import AS_OF, FILES, made_project

from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.decision.screen import COLUMNS, LINES, Block, fitted, width, wrapped
from riskengine.decision.words import next_lines, reason_line, say
from riskengine.project import Project

LONG = "a text that goes on for quite some time so that it can never stand on a single line of the officer's screen"
LANG = "此处说明文字甚长，一行之内无论如何不能写完，须由系统截断或换行显示，以免超出审核人员屏幕的宽度"


def crowd() -> str:
    """Thirty rules that are hit, near, or lack data, with long words."""
    rules = []
    for number in range(30):
        action = ("decline", "refer", "cap")[number % 3]
        feature, op, value = [("losses", ">=", 0), ("amount", ">", 1), ("staff", ">", 1)][number % 3]
        if number > 20:
            feature, value = "staff", 2
        rules.append(f"""
[[rule]]
id = "A{number:02}"
title = {{ en = "{LONG}", zh = "{LANG}" }}
action = "{action}"
near = 0.9
reference = "{LANG}"
evidence = "D"
words = {{ en = "{LONG}", zh = "{LANG}" }}
next = {{ en = "Step {number}: {LONG}", zh = "第{number}步：{LANG}" }}
when = [{{ feature = "{feature}", op = "{op}", value = {value} }}]
""")
    head = FILES["configs/policy.toml"].split("[[rule]]", maxsplit=1)[0]
    return head + "".join(rules)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = made_project(tmp_path_factory.mktemp("crowded"))
    (project.configs / "policy.toml").write_text(crowd(), encoding="utf-8")
    return project


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_crowded_outcome_fits_one_screen_and_says_what_next(crowded: Project, language: str) -> None:
    rows = [
        {"no": "80", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "700", "staff": ""},
        {"no": "81", "day": "2005-05-02", "firm": "FOX", "trade": "", "amount": "700", "staff": "many"},
        {"no": "", "day": "2007-03-02", "firm": "FOX", "trade": "31", "amount": "", "staff": "x"},
    ]
    run = review(crowded, AS_OF, rows=rows)
    for record in (*run.records, *review(crowded, AS_OF, ids=list("12345")).records):
        lines = say(record, language, "CNY").split("\n")
        assert len(lines) <= LINES
        assert max(map(width, lines)) <= COLUMNS
        place = next(n for n, line in enumerate(lines) if line.startswith(("Next:", "下一步:")))
        assert 1 <= len(lines) - place <= 5, "at most four lines under the title"
        assert reason_line(record, language)
        assert 1 <= len(next_lines(record["outputs"], language)) <= 4
    first = say(run.records[0], language, "CNY")
    assert ("more: --json" in first) == (language == "en")
    assert ("另有" in first) == (language == "zh")
    assert ("not evaluable A" in first) == (language == "en"), "and which data is missing"
    assert ("Staff" in first) == (language == "en")


def test_the_worst_comes_first_and_its_next_step_too(crowded: Project) -> None:
    (record,) = review(crowded, AS_OF, ids=["3"]).records
    text = say(record, "en").split("\n")
    kinds = [
        line.split(":")[0].strip() for line in text if line.startswith(("  knock-out", "  referral", "  cap"))
    ]
    assert kinds == sorted(kinds, key=["knock-out", "referral", "cap"].index)
    assert text[0].startswith("DECLINE")
    assert text[1].startswith("Because: Policy A00")
    assert next_lines(record["outputs"], "en")[0].startswith("A00: Step 0")


def test_a_referral_by_what_is_missing_says_so_and_what_to_get(own_project: Project) -> None:
    """Policy and model both pass; only what the model does not know could be bad."""
    policy = own_project.configs / "policy.toml"
    head = FILES["configs/policy.toml"].split("[[rule]]", maxsplit=1)[0]
    for letter in ("A", "B"):
        policy.write_text(head.replace('pass_up_to = "A"', f'pass_up_to = "{letter}"'), encoding="utf-8")
        for amount in ("60", "500", "900"):
            row = {
                "no": "80",
                "day": "2006-03-02",
                "firm": "FOX",
                "trade": "31",
                "amount": amount,
                "staff": "",
            }
            run = review(own_project, AS_OF, rows=[row])
            out = run.records[0]["outputs"]
            if (out["model"]["outcome"], out["gaps"]["outcome"]) != ("pass", out["decision"]) or out[
                "decision"
            ] == "pass":
                continue
            assert out["policy"]["outcome"] == "pass"
            text, zh = run.text("en"), run.text("zh")
            grade = out["gaps"]["worst_grade"]
            assert f"Because: what is missing could hide grade {grade}" in text
            assert f"缺失信息最差可致等级{grade}" in zh
            assert f"Get Staff, Staff not stated: without it the model could say grade {grade}" in text
            return
    pytest.fail("no such case in the tiny institution")


def test_every_rule_stands_in_the_record_with_what_it_lacks(project: Project) -> None:
    (record,) = review(project, AS_OF, ids=["5"]).records
    policy = record["outputs"]["policy"]
    lines = {line["rule"]: line for line in policy["findings"]}
    assert list(lines) == ["lost_before", "trade", "largest"]
    assert lines["trade"]["missing"] == [
        {"feature": "trade_code", "en": "Trade", "zh": "行业", "sources": ["asked"]}
    ]
    assert (lines["largest"]["state"], lines["largest"]["action"], lines["largest"]["limit"]) == (
        "passed",
        "cap",
        2000,
    )
    assert policy["passed"] == 2
    amount = record["outputs"]["amount"]
    assert amount["shares"] == {"bank": "0.2", "direct": "0.32", "province": "0.48"}
    assert amount["guarantor_share"] == "0.4"
    assert {cap["cap"] for cap in amount["caps"]} == {
        "request",
        "product",
        "guarantee",
        "largest",
        "expected_loss",
    }


def test_a_product_that_is_not_offered_is_declined_in_words(own_project: Project) -> None:
    products = own_project.configs / "products.toml"
    products.write_text(
        FILES["configs/products.toml"].replace('id = "plain"', 'id = "plain"\nfrom = 2006-04-01'),
        encoding="utf-8",
    )
    run = review(own_project, AS_OF, ids=["1"])
    assert run.records[0]["outputs"]["decision"] == "decline"
    assert "Because: Plain not offered on this day" in run.text("en")
    assert "普通该日未开办：改选其他产品" in run.text("zh")
    assert "Plain not offered on this day" in reason_line(run.records[0], "en")


def test_a_decision_replays_under_the_policy_it_was_made_under(own_project: Project) -> None:
    """Last year's policy, product terms and size table decide again when a record of last year is replayed."""
    sizes = """
[inputs]
industry = "trade_code"
staff = "staff"
[[row]]
title = { en = "All", zh = "全部" }
industries = ["01-99"]
from = 2000-01-01
staff = [20, 300, 1000]
reference = "test"
"""
    (own_project.configs / "sizes.toml").write_text(sizes, encoding="utf-8")
    small = """
[[rule]]
id = "small"
title = { en = "Too small", zh = "过小" }
action = "decline"
reference = "test"
evidence = "D"
words = { en = "Too small", zh = "过小" }
when = [{ feature = "size_class", op = "in", values = ["微型"] }]
"""
    policy = own_project.configs / "policy.toml"
    policy.write_text(FILES["configs/policy.toml"] + small, encoding="utf-8")
    first = review(own_project, AS_OF, ids=["1", "3"])
    told = [
        {line["rule"]: line["state"] for line in r["outputs"]["policy"]["findings"]} for r in first.records
    ]
    assert [states["small"] for states in told] == ["passed", "hit"]
    policy.write_text(FILES["configs/policy.toml"] + small + """
[[switch]]
rule = "small"
on = false
from = 2006-01-01
reference = "minutes"
""", encoding="utf-8")  # fmt: skip
    (own_project.configs / "sizes.toml").write_text(sizes.replace("20, 300", "96, 300"), encoding="utf-8")
    second = review(own_project, AS_OF, ids=["1", "3"])
    assert second.run != first.run
    assert second.records[1]["outputs"]["policy"]["findings"][3]["why"] == "switched off"
    for record in (*first.records, *second.records):
        assert replay(own_project.store, record["decision_id"]).content == json.loads(json.dumps(record))
    kept = own_project.store / "policies" / f"{first.basis['sizes']}.toml"
    assert kept.read_text(encoding="utf-8") == sizes


def test_a_hit_says_what_it_found_and_only_the_law_by_name(own_project: Project) -> None:
    policy = FILES["configs/policy.toml"].split("[[rule]]")
    head, lost = policy[0], "[[rule]]" + policy[1]
    law = lost.replace(
        'reference = "test"', 'reference = "财金〔2026〕6号 negative list (domain page 2.6, B S19)"'
    )
    law = law.replace('evidence = "D"', 'evidence = "B"')
    law = law.replace(
        'words = { en = "Lost before", zh = "曾代偿" }',
        'words = { en = "Compensated before", zh = "曾为其代偿" }',
    )
    practice = lost.replace('"lost_before"', '"plain"').replace(
        '"test"', '"A long English reference (domain page 4.2, C)"'
    )
    capped = "[[rule]]" + policy[3]
    (own_project.configs / "policy.toml").write_text(head + law + practice + capped, encoding="utf-8")
    run = review(own_project, AS_OF, ids=["3"])
    told = run.text("zh")
    assert "否决: lost_before 曾为其代偿 (此前代偿次数 2, 限值 2; 财金〔2026〕6号)" in told
    assert "否决: plain 曾代偿 (此前代偿次数 2, 限值 2)" in told
    assert "domain page" not in told
    assert (
        "knock-out: lost_before Compensated before (Earlier losses 2, limit 2; 财金〔2026〕6号)"
        in run.text("en")
    )
    caps = next(
        line for line in review(own_project, AS_OF, ids=["4"]).text("zh").split("\n") if "全部限额" in line
    )
    assert "超限 2,000" in caps
    assert "largest" not in caps


def test_what_nothing_can_be_given_for_is_seen_by_an_officer(own_project: Project) -> None:
    products = own_project.configs / "products.toml"
    text = FILES["configs/products.toml"]
    least = 'amount_least = [{ from = 2000-01-01, value = 50, reference = "test" }]\n'
    row = {"no": "9", "day": "2006-03-02", "firm": "FOX", "trade": "31", "amount": "49", "staff": "95"}
    assert review(own_project, AS_OF, rows=[row]).records[0]["outputs"]["amount"]["suggested"] == "49.00"
    products.write_text(text.replace("amount_cap", least + "amount_cap", 1), encoding="utf-8")
    run = review(own_project, AS_OF, rows=[row])
    out = run.records[0]["outputs"]
    assert (out["decision"], out["model"]["outcome"], out["policy"]["outcome"]) == ("refer", "pass", "pass")
    assert (out["amount"]["suggested"], out["amount"]["binding"]) == ("0.00", ["smallest"])
    assert "Because: nothing can be given (smallest loan of the product is 50)" in run.text("en")
    assert "原因: 可担保金额为零（低于产品最低金额50）" in run.text("zh").replace("(", "（").replace(
        ")", "）"
    )


@settings(max_examples=60, deadline=None)
@given(
    blocks=st.lists(
        st.tuples(st.text("ab 中文，", max_size=60), st.lists(st.text("ab 中文，x", max_size=300), max_size=25), st.integers(0, 2), st.integers(0, 9)),
        max_size=9,
    ),
    todo=st.lists(st.text("ab 中", min_size=1, max_size=200), max_size=4),
)  # fmt: skip
def test_whatever_there_is_to_say_fits(blocks: list[Any], todo: list[str]) -> None:
    made = [Block(title, lines, keep, rank) for title, lines, keep, rank in blocks]
    found = fitted(made, "and {} more", Block("Next:", todo))
    assert max(map(width, found), default=0) <= COLUMNS
    assert len(found) <= LINES
    whole = (
        sum(bool(block.title and block.lines) + len(block.lines) for block in made) + len(todo) + bool(todo)
    )
    assert (whole <= LINES) == (not any(line.startswith("and ") and line.endswith(" more") for line in found))


@given(text=st.text("ab 中文，", max_size=400), most=st.integers(1, 5), columns=st.integers(20, 40))
def test_a_wrapped_text_stays_inside(text: str, most: int, columns: int) -> None:
    found = wrapped(text, most, columns)
    assert 1 <= len(found) <= most
    assert max(map(width, found)) <= columns
    if not any(line.endswith("...") for line in found):
        assert "".join("".join(found).split()) == "".join(text.split())
