"""Does the catalogue's page say every definition, as it is, in both languages, and ask nobody else for anything?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from riskengine.decision.conditions import Condition
from riskengine.decision.policy import Policy, read_policy
from riskengine.decision.rules import Switch
from riskengine.monitor.watch import Watch, read_watch
from riskengine.project import Project
from riskengine.reports.catalogue import catalogue
from riskengine.reports.catalogue_page import ABOUTS, render
from riskengine.reports.catalogue_words import Labels
from riskengine.schema import in_force

ROOT = Path(__file__).parents[2]
DAY = date(2026, 6, 27)
LISTS = ("products", "rules", "formulas", "reminders")


@pytest.fixture(scope="module")
def watch() -> Watch:
    return read_watch(Project(ROOT))


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(ROOT / "configs" / "policy.toml")


@pytest.fixture(scope="module")
def told(watch: Watch, policy: Policy) -> dict[str, Any]:
    return catalogue(watch, policy, DAY)


class Page(HTMLParser):
    """The texts by language, the ids, and everything a browser would ask for."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"en": [], "zh-CN": [], "": []}
        self.ids: list[str] = []
        self.asked: list[str] = []
        self._open: list[str] = []
        self.feed(text.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self._open.append(str(said.get("lang") or "") if tag == "span" else "")
        self.ids += [said["id"]] if said.get("id") else []  # type: ignore[list-item]
        self.asked += [
            f"{tag} {said[name]}" for name in ("src", "href", "srcset", "data", "action") if name in said
        ]

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        language = next((one for one in reversed(self._open) if one), "")
        self.texts[language].append(data)


@pytest.fixture(scope="module")
def page(told: dict[str, Any]) -> Page:
    return Page(render(told, "zh"))


def entries(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in LISTS:
        yield from ((kind, one) for one in told[kind])
    for group in told["signals"]:
        yield from (("signals", one) for one in group["signals"])


def test_every_definition_is_there_with_its_title_in_both_languages(
    watch: Watch, policy: Policy, told: dict[str, Any], page: Page
) -> None:
    there = {kind: [one["id"] for name, one in entries(told) if name == kind] for kind in (*LISTS, "signals")}
    assert there["products"] == list(watch.products.ids)
    assert there["rules"] == [rule.id for rule in policy.rules]
    assert there["formulas"] == [rule.id for rule in policy.formulas]
    assert there["reminders"] == [one.id for one in watch.reminders]
    assert sorted(there["signals"]) == sorted(one.id for one in watch.signals)
    assert min(len(ids) for ids in there.values()) >= 1
    assert len(page.ids) == len(set(page.ids)), "an anchor leads to one place"
    english, chinese = set(page.texts["en"]), set(page.texts["zh-CN"])
    for kind, one in entries(told):
        anchor = {"products": "p-", "formulas": "formula-"}.get(kind, "") + one["id"]
        assert anchor in page.ids, anchor
        assert one["title"]["en"] in english and one["title"]["zh"] in chinese, one["id"]  # noqa: PT018


def test_the_page_asks_nobody_for_anything(told: dict[str, Any], page: Page) -> None:
    assert [one for one in page.asked if not one.startswith("a #")] == []
    text = render(told).decode()
    style = text[text.index("<style>") : text.index("</style>")]
    script = text[text.index("<script>") : text.index("</script>")]
    assert not re.search(r"url\(|@import|@font-face", style)
    assert not re.search(r"fetch|XMLHttp|import|WebSocket|sendBeacon|http", script)
    assert 'data-lang="en"' in text
    assert 'data-lang="zh"' in render(told, "zh").decode()


def test_what_the_domain_page_is_is_said_where_it_is_named(told: dict[str, Any], page: Page) -> None:
    for language, words in (("en", "Domain page: the notes on law"), ("zh-CN", "“Domain page”指")):
        assert words in "".join(page.texts[language])
        none = json.loads(re.sub("(?i)domain page", "page", json.dumps(told)))
        assert words not in "".join(Page(render(none)).texts[language])


def test_a_definition_is_text_and_never_markup(told: dict[str, Any]) -> None:
    rules = [told["rules"][0] | {"title": {"en": "<script>x</script>", "zh": "<b>"}}, *told["rules"][1:]]
    text = render(told | {"rules": rules}).decode()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_it_is_strict_json_in_both_languages(told: dict[str, Any]) -> None:
    assert json.loads(json.dumps(told, allow_nan=False)) == told

    def said(value: Any, place: str) -> None:
        if isinstance(value, dict) and set(value) == {"en", "zh"}:
            assert all(value.values()), place
            assert not re.search(r"\de[+-]\d", value["en"] + value["zh"]), f"{place}: {value} for people"
        elif isinstance(value, dict):
            for name, part in value.items():
                said(part, f"{place}.{name}")
        elif isinstance(value, list):
            for number, part in enumerate(value):
                said(part, f"{place}.{number}")

    said(told, "catalogue")


def conditions(watch: Watch, policy: Policy) -> list[Condition]:
    rules = [one for rule in policy.every for level in rule.steps for one in (*level.when, *level.unless)]
    signals = [one for signal in watch.signals for band in signal.bands for one in band.when]
    reminders = [one for item in watch.reminders for one in (*item.when, *item.stop)]
    return [*rules, *signals, *reminders]


def test_every_comparison_says_the_definitions_own_number(watch: Watch, policy: Policy) -> None:
    """The number in the words, read back, is the limit in force; what is compared is never a bare name of ours."""
    features = {name: (one.en, one.zh, one.unit) for name, (_, one) in watch.catalogue.features.items()}
    features |= {one.name: (one.title.en, one.title.zh, "times") for one in watch.shown.peer}
    features |= {one.name: (one.title.en, one.title.zh, "share") for one in watch.shown.of_product}
    labels = Labels(features, DAY, "CNY")
    read = 0
    for one in conditions(watch, policy):
        said = labels.condition(one)
        assert labels.named(one.feature)[0] != one.feature, f"{one.feature} has no words"
        limit = one.limit(DAY)
        if not isinstance(limit, int | float) or said["en"].endswith((": yes", ": no")):
            continue
        unit = labels.named(one.feature)[2]
        for language, first in (("en", labels.named(one.feature)[0]), ("zh", labels.named(one.feature)[1])):
            number = re.match(r" [<>=≤≥≠] (-?[\d,.]+)\u00a0?(万元|%)?", said[language].removeprefix(first))
            assert number, said[language]
            scale = {"万元": 1e4, "%": 0.01, None: 1}[number[2]]
            assert float(number[1].replace(",", "")) * scale == pytest.approx(limit, rel=1e-9), said[language]
            assert (number[2] == "%") == (unit == "share"), said[language]
        read += 1
    assert read > 150


def test_a_dated_number_is_shown_with_its_history(watch: Watch, policy: Policy, told: dict[str, Any]) -> None:
    tech = next(one for one in told["products"] if one["id"] == "TECH")
    assert tech["amount_cap"]["en"] == "30,000,000\u00a0CNY (from 2017-10-01: 10,000,000\u00a0CNY)"
    assert tech["amount_cap"]["zh"] == "3,000\u00a0万元（自 2017-10-01: 1,000\u00a0万元）"
    before = catalogue(watch, policy, date(2024, 7, 23))
    earlier = next(one for one in before["products"] if one["id"] == "TECH")
    assert earlier["amount_cap"]["en"] == "10,000,000\u00a0CNY (from 2024-07-24: 30,000,000\u00a0CNY)"
    for one, day in ((tech, DAY), (earlier, date(2024, 7, 23))):
        product = next(item for item in watch.products.products if item.id == "TECH")
        current = {
            (tier, str(in_force([item for item in product.shares if item.tier == tier], day).start))  # type: ignore[union-attr]
            for tier in {item.tier for item in product.shares}
        }
        assert {(item["tier"], item["from"]) for item in one["shares"] if item["in_force"]} == current
    assert not next(one for one in before["products"] if one["id"] == "PRIV")["offered"]
    assert any(not rule["in_force"] for rule in before["rules"])


def test_what_an_institution_switched_off_is_marked(watch: Watch, policy: Policy) -> None:
    def switched(**more: Any) -> dict[str, Any]:
        switch = Switch.model_validate({"from": "2026-01-01", "reference": "board no. 7", **more})
        changed = policy.model_copy(update={"switches": (*policy.switches, switch)})
        made = catalogue(watch, changed, DAY)
        return {
            "page": render(made).decode(),
            "rule": next(r for r in made["rules"] if r["id"] == more["rule"]),
        }

    def line(text: str, name: str) -> str:
        return next(one for one in text.split("<tr ") if f'id="{name}"' in one)

    plain = next(one for one in catalogue(watch, policy, DAY)["rules"] if one["id"] == "A10")
    assert (plain["on"], plain["switch"], plain["off_for"]) == (True, "", [])
    off = switched(rule="A10", on=False)
    assert off["rule"]["on"] is False
    assert "已关闭" in line(off["page"], "A10")
    assert "board no. 7 (2026-01-01)" in line(off["page"], "A10")
    part = switched(rule="A10", on=False, products=["STD"])
    assert (part["rule"]["on"], part["rule"]["off_for"]) == (True, ["STD"]), "off for one product is not off"
    assert "STD" not in part["rule"]["products"]
    more = switched(rule="A28", on=True, products=["STD"])
    scope = next(one for one in policy.rules if one.id == "A28").products
    assert set(more["rule"]["products"]) == {"STD", *scope}, "switched on for one more"
    hard = switched(rule="A08", on=False)
    assert [step["on"] for step in hard["rule"]["steps"]] == [True, False, False, False], (
        "practice goes, the text stays"
    )
    assert line(hard["page"], "A08").count("已关闭") == 3
    later = switched(rule="A10", on=False, **{"from": "2026-06-28"})
    assert later["rule"]["on"], "a switch that begins tomorrow changes nothing today"


def test_counts_and_abouts_are_those_of_the_definitions(watch: Watch, told: dict[str, Any]) -> None:
    assert (
        told["counts"]["signals"] == len(watch.signals) == sum(len(one["signals"]) for one in told["signals"])
    )
    assert told["counts"]["reminders"] == len(watch.reminders) == len(told["reminders"])
    assert told["counts"]["hard"] == sum(one["hard"] for one in told["rules"]) > 0
    abouts = {one["about"] for kind, one in entries(told) if kind in ("signals", "reminders")}
    assert abouts <= {"guarantee", *ABOUTS}, "every kind of subject is said in words"


def test_money_is_said_in_the_projects_own_currency() -> None:
    sba = Project(ROOT / "examples" / "sba_7a")
    made = catalogue(read_watch(sba), read_policy(sba.configs / "policy.toml"), DAY)
    text = json.dumps(made, ensure_ascii=False)
    assert "USD" in text
    assert "CNY" not in text
    assert not re.search(r"\d\u00a0万?元", text)
    assert Labels({}, DAY, "USD").named("exposure")[2] == "USD"
