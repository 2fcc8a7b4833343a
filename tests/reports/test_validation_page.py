"""Does the page show the very numbers of the JSON, in both languages, alone in one file?"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))

from pack_world import bundle, evidence, people

from riskengine.reports.validation_page import figure, render
from riskengine.reports.validation_words import chinese
from riskengine.validation.pack import Subject, pack

DRAWN = re.compile(r"\.figures\.roc\.|\.threshold$")  # points and ticks of a picture, in the embedded JSON


class Shown(HTMLParser):
    """Every `<data>` of a page: (place in the JSON, exact value, text); the embedded JSON; all text and tags."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.numbers: list[tuple[str, str, str]] = []
        self.embedded = ""
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self._inside = "pack" if found.get("id") == "pack" else tag
        if tag == "data":
            self.numbers.append((found["data-at"] or "", found["value"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "pack":
            self.embedded += data
        elif self._inside == "data":
            place, value, text = self.numbers[-1]
            self.numbers[-1] = (place, value, text + data)
        elif self._inside not in ("script", "style"):
            self.text.append(data)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    learned = people(4000, seed=1, start="2015-01-01")
    folder = tmp_path_factory.mktemp("page")
    made, other = bundle(folder / "a", learned), bundle(folder / "b", learned, shift=-0.4)
    return json.loads(json.dumps(pack(Subject(3, made), evidence(made, people(), other=Subject(2, other)))))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def shown(told: dict[str, Any]) -> Shown:
    return Shown(render(told, "zh"))


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, float | int]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from numbers(part, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from numbers(part, f"{place}.{number}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def test_every_number_of_the_json_is_shown_and_no_other(told: dict[str, Any], shown: Shown) -> None:
    kept = dict(numbers(told))
    assert json.loads(shown.embedded) == told
    for place, value, text in shown.numbers:
        assert float(value) == kept[place], place
        rounded = float(text.replace(",", ""))
        assert rounded == pytest.approx(
            kept[place], rel=6e-4, abs=6e-4 if place.endswith(".power") else 1e-9
        ), place
    visible = {place for place, _, _ in shown.numbers}
    hidden = {place for place in kept if place not in visible and not DRAWN.search(place)}
    assert hidden == {"format"}


def test_a_changed_number_would_be_seen(told: dict[str, Any]) -> None:
    page = render(told, "en")
    place, value = next((place, value) for place, value in numbers(told) if place.endswith("lines.0.value"))
    spoilt = page.replace(
        f'value="{value!r}" data-at="{place}"'.encode(), f'value="0.123" data-at="{place}"'.encode()
    )
    assert spoilt != page
    assert any(float(found) != dict(numbers(told))[at] for at, found, _ in Shown(spoilt).numbers)


def test_the_page_stands_alone_and_names_cannot_break_it(told: dict[str, Any], shown: Shown) -> None:
    assert {tag for tag, _ in shown.tags}.isdisjoint({"link", "img", "iframe", "object", "i"})
    for tag, found in shown.tags:
        assert not found.get("src"), tag
        assert str(found.get("href") or "#").startswith("#"), tag
    page = render(told, "en").decode()
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "<i>South" not in page
    assert "</script><i>South" in "".join(shown.text)
    assert "A <b>house</b> & more" in "".join(shown.text)
    assert page.count("</script>") == 2  # the embedded JSON's own text cannot end its element


def test_it_opens_in_the_language_asked_for_and_holds_both(told: dict[str, Any]) -> None:
    for language, lang in (("zh", "zh-CN"), ("en", "en")):
        root = next(found for tag, found in Shown(render(told, language)).tags if tag == "html")
        assert root["lang"] == lang
        assert root["data-lang"] == language
    text = render(told, "en").decode()
    for word in (
        "通过",
        "不通过",
        "无法判定",
        "分等级校准",
        "SR 26-2",
        "EBA/GL/2017/16",
        "undecidable",
        "Calibration by grade",
    ):
        assert word in text


def test_every_limit_and_departure_has_chinese(told: dict[str, Any]) -> None:
    said = {
        line[name]
        for section in told["sections"]
        for line in section["lines"]
        for name in ("limit", "effect")
    }
    left = sorted(
        text
        for text in said
        if re.search(r"[A-Za-z]{3}", chinese(text).replace("AUC", "").replace("Brier", ""))
    )
    assert left == []


def test_pictures_are_drawn_and_the_young_are_grey(told: dict[str, Any]) -> None:
    text = render(told, "en").decode()
    assert text.count('<svg class="chart') >= 6
    table = next(one for one in told["sections"] if one["name"] == "vintages")["figures"]["vintages"]
    young = sum(not row["mature"] for row in table)
    assert young
    assert text.count('fill="#e9ecee"') == young
    assert text.count('<tr class="open">') == young


def test_a_short_embargo_is_confessed(told: dict[str, Any]) -> None:
    kept = {**told, "rows_from": "stored"}
    assert "shorter than its horizon" not in render(kept, "en").decode()
    page = render({**kept, "embargo": "0d"}, "en").decode()
    assert "embargo is 0d, shorter than its horizon of 12m" in page
    assert "every one lies after all" not in page


def test_numbers_are_written_for_people() -> None:
    assert [figure(value) for value in (0, 0.0, 12, 1234567, 0.05, 123.456, 0.99999, 1e-9)] == [
        "0", "0", "12", "1,234,567", "0.05000", "123.5", "1.0000", "0.000000001000",
    ]  # fmt: skip
