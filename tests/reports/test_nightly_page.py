"""The nightly page: the same bytes, self-contained, both languages, names escaped, numbers that agree with the frames."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from riskengine.monitor import evaluate, plan, ranking
from riskengine.monitor.night import Before
from riskengine.monitor.shown import Shown
from riskengine.monitor.signals import Signal
from riskengine.project import Environment
from riskengine.reports import drawing
from riskengine.reports.nightly_page import Page, render
from riskengine.schema import Words

DAY = date(2006, 3, 31)
BOTH = Words(en="watched", zh="监测")
HEALTH = pd.DataFrame(
    [{"source": "loans", "family": "credit", "title_en": "Loans", "title_zh": "贷款", "cadence": "monthly", "rows": 3,
      "last_event": DAY, "last_known": DAY, "days_silent": 0.0, "stale_on": DAY, "stale": 0, "state": "fresh",
      "quarantined": 2}]
)  # fmt: skip


def page(size: int) -> Page:
    book = pd.DataFrame({
        "id": [str(n) for n in range(size)], "enterprise_id": "E", "name": "<b>Tom & Co</b>", "Bank": "A BANK",
        "pd": 0.1, "pd_before": float("nan"), "grade": "1", "grade_before": None, "exposure": 1000.0,
        "expected_loss": [float(n) for n in range(size)], "pd_history": [[0.1, 0.2]] * size,
    })  # fmt: skip
    one = Signal.model_validate({
        "id": "S", "title": BOTH, "category": BOTH, "text": BOTH, "exit": {"words": BOTH}, "action": BOTH, "owner": BOTH,
        "bands": [{"severity": "red", "when": [{"feature": "expected_loss", "op": ">", "value": 0}]}],
        "deadline": "3wd", "reference": "test",
    })  # fmt: skip
    found = evaluate.evaluate([one], book, evaluate.Night(DAY, {"bank": ("Bank",)}))
    ranked = ranking.ranked(book, found.signals)
    empty = Before()
    environment = Environment(name="t", title=Words(en="House", zh="机构"), currency="CNY")
    return Page(
        DAY, environment, ranked, found, plan.plan((), book, HEALTH, evaluate.Night(DAY)), HEALTH, ranking.act_today(ranked),
        ranking.changes(ranked.assign(pd_jump=1.0), empty, ["1", "2"], {}), {"S": one}, {}, [("1", BOTH), ("2", BOTH)],
        Shown(name="name"), {"bank": ("Bank",)}, {"id": "abc"},
    )  # fmt: skip


@pytest.mark.parametrize("size", [0, 25])
def test_same_bytes_no_remote_request_and_both_languages(size: int) -> None:
    made = render(page(size))
    assert made == render(page(size))
    text = made.decode()
    assert not re.search(r"https?://|@import|url\(|src=|<link", text)
    for words in ("Nightly risk report", "夜间风险日报", "House", "机构"):
        assert words in text
    assert 'data-lang="zh"' in render(page(size), "zh").decode()


def test_names_are_text_and_the_list_is_twenty_by_loss() -> None:
    text = render(page(25)).decode()
    assert "<b>Tom" not in text
    assert "&lt;b&gt;Tom &amp; Co&lt;/b&gt;" in text
    ids = re.findall(r'<span class="id">(\d+)</span>', text)
    assert ids == [str(n) for n in range(24, 4, -1)]


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = self.captions = self.pictures = self.titles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "rect", "line", "circle", "polyline", "br"):
            self.open.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.pictures += tag == "svg" and ("role", "img") in attrs
        self.titles += tag == "title"

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "circle", "polyline"):
            assert self.open.pop() == tag


def test_every_table_has_a_caption_and_every_picture_a_title() -> None:
    reader = Reader()
    reader.feed(render(page(25)).decode())
    assert reader.open == []
    assert reader.tables == reader.captions > 3
    assert reader.pictures == reader.titles - 1 > 20  # one title is the document's


def test_a_bridge_ends_where_it_adds_up_to(tmp_path: Path) -> None:
    made = drawing.bridge([("before", 10.0), ("left", -4.0), ("entered", 2.0), ("now", 8.0)], "t")
    spans = [
        (float(x), float(w)) for x, w in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', made)
    ]
    ends = [round(x + w, 1) for x, w in spans]
    assert ends[0] == ends[1] == 420.0
    assert ends[2] == ends[3]
    assert spans[1][0] == spans[2][0]
