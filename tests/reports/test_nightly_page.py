"""The nightly page: the same bytes, self-contained, both languages, names escaped, accessible, and as a browser shows it."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from riskengine.casework.budget import COLUMNS as BUDGET_COLUMNS
from riskengine.casework.budget import counted
from riskengine.casework.case_events import EVENTS
from riskengine.casework.cases import COLUMNS as CASE_COLUMNS
from riskengine.casework.clusters import COLUMNS as CLUSTER_COLUMNS
from riskengine.casework.digests import Digests
from riskengine.casework.lines import COLUMNS as LINE_COLUMNS
from riskengine.casework.lines import OVERALL
from riskengine.casework.night import Handled
from riskengine.casework.quality import Seen, followed, quality
from riskengine.monitor import evaluate, plan, ranking
from riskengine.monitor.night import Before
from riskengine.monitor.shown import Shown
from riskengine.monitor.signals import Signal
from riskengine.project import Environment
from riskengine.reports import drawing
from riskengine.reports.nightly_page import Page, act_first, render
from riskengine.reports.nightly_unchecked import Unchecked
from riskengine.schema import Words

DAY = date(2006, 3, 31)
BOTH = Words(en="watched", zh="监测")
HEALTH = pd.DataFrame(
    [{"source": "loans", "family": "credit", "title_en": "Loans", "title_zh": "贷款", "cadence": "monthly", "rows": 3,
      "last_event": DAY, "last_known": DAY, "days_silent": 0.0, "stale_on": DAY, "stale": 0, "state": "fresh",
      "quarantined": 2}]
)  # fmt: skip


def page(size: int) -> Page:
    """One enterprise a guarantee, one red case each; the first 20 are named."""
    book = pd.DataFrame({
        "id": [f"G{n}" for n in range(size)], "enterprise_id": [f"E{n}" for n in range(size)],
        "name": "<b>Tom & Co</b>", "Bank": "A BANK", "pd": 0.1, "pd_before": float("nan"), "grade": "1",
        "grade_before": None, "exposure": 1000.0, "expected_loss": [float(n + 1) for n in range(size)],
        "pd_history": [[0.1, 0.2]] * size, "pd_used": 0.4, "loss_used": [4.0 * (n + 1) for n in range(size)],
        "grade_used": "2",
    })  # fmt: skip
    one = Signal.model_validate({
        "id": "S", "title": BOTH, "category": BOTH, "text": BOTH, "exit": {"words": BOTH}, "action": BOTH, "owner": BOTH,
        "bands": [{"severity": "red", "when": [{"feature": "expected_loss", "op": ">", "value": 0}]}],
        "deadline": "3wd", "reference": "test",
    })  # fmt: skip
    found = evaluate.evaluate([one], book, evaluate.Night(DAY, {"bank": ("Bank",)}))
    ranked = ranking.ranked(book, found.signals)
    cases = framed(CASE_COLUMNS, [case(n) for n in range(size)])
    lines = framed({**LINE_COLUMNS, **BUDGET_COLUMNS}, [line(n, size) for n in range(size)][::-1])
    signals = found.signals.assign(case="C" + found.signals.id.str[1:], inhibited=False)
    planned = plan.plan((), book, HEALTH, evaluate.Night(DAY))
    done = Handled(
        ranked, signals, cases, cases.head(0), pd.DataFrame(columns=list(EVENTS)), lines, framed(OVERALL, []),
        framed(CLUSTER_COLUMNS, []), lines.head(20), counted(lines, cases, signals), planned.reminders,
        Digests(pd.DataFrame(), ()), {}, pd.DataFrame(), {},
    )  # fmt: skip
    environment = Environment(name="t", title=Words(en="House", zh="机构"), currency="CNY")
    return Page(
        DAY, environment, done, replace(found, signals=signals), planned, HEALTH,
        ranking.changes(ranked.assign(pd_jump=1.0), Before(), ["1", "2"], {}), {"S": one}, {}, [("1", BOTH), ("2", BOTH)],
        Shown(name="name"), {"bank": ("Bank",)}, {"id": "abc"},
        Unchecked([{"signal": "S", "title": BOTH, "not_evaluable": 2, "looked_at": 3, "nowhere": False, "part": 2 / 3,
                    "feeds": [Words(en="Loans", zh="贷款")]}], 1, [BOTH]),
        floors={"F": Words(en="at least this", zh="不低于")},
    )  # fmt: skip


def framed(columns: dict[str, str], rows: list[dict[str, object]]) -> pd.DataFrame:
    empty = {"float64": 0.0, "int64": 0, "bool": False}
    filled = [{name: row.get(name, empty.get(kind)) for name, kind in columns.items()} for row in rows]
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in filled], dtype="object") for name in columns}
    ).astype(columns)


def case(n: int) -> dict[str, object]:
    due = f"{DAY - timedelta(1)}T14:30"
    return {
        "case": f"C{n}", "about": "enterprise", "enterprise": f"E{n}", "unit": f"E{n}", "root": "r", "title_en": "Court <i>",
        "title_zh": "法院", "severity": "red", "worst": "red", "fact": "new", "opened_on": DAY, "raised_on": DAY, "lead": "S",
        "signals": 1, "guarantees": 1, "exposure": 1000.0, "expected_loss": float(n + 1), "text_en": "a case", "text_zh": "案件",
        "phase": "new", "awaiting": "release" if n == 1 else None, "claim_due": due, "breached": "claim" if n == 2 else "",
        "quiet": "",
    }  # fmt: skip


def line(n: int, size: int) -> dict[str, object]:
    return {
        "enterprise": f"E{n}", "name": "<b>Tom & Co</b>", "severity": "red", "severity_own": "red", "cases": 1,
        "lead_case": f"C{n}", "lead": "S", "phase": "new", "guarantees": 1, "guarantee": f"G{n}", "exposure": 1000.0,
        "expected_loss": float(n + 1), "pd": 0.1, "pd_before": float("nan"), "grade": "1", "opened_on": DAY, "raised_on": DAY,
        "moved_on": DAY, "due": DAY, "overdue": n == 2, "maturity": DAY + timedelta(40), "officer": "Li",
        "avoidable": float(n + 1), "net": float(n), "rank": size - n, "place": "act" if n >= 10 else "overflow",
        "pd_used": 0.4, "loss_used": 4.0 * (n + 1), "floor": "F",
    }  # fmt: skip


@pytest.fixture(scope="module")
def full() -> str:
    return render(page(25)).decode()


@pytest.mark.parametrize("size", [0, 25])
def test_same_bytes_no_remote_request_and_both_languages(size: int) -> None:
    made = render(page(size))
    assert made == render(page(size))
    text = made.decode()
    assert not re.search(r"https?://|@import|url\(|src=|<link", text)
    for words in (
        "Nightly risk report",
        "夜间风险日报",
        "House",
        "机构",
        "Not enough nights yet",
        "夜数不足",
    ):
        assert words in text
    assert 'data-lang="zh"' in render(page(size), "zh").decode()


def test_names_are_text_and_twenty_are_named_the_others_listed(full: str) -> None:
    assert "<b>Tom" not in full
    assert "<i>" not in full
    assert "&lt;b&gt;Tom &amp; Co&lt;/b&gt;" in full
    today, rest = section(full, "h-today"), section(full, "h-left")
    assert re.findall(r'<span class="id">(E\d+)</span>', today) == [f"E{n}" for n in range(24, 4, -1)]
    assert re.findall(r'<td class="n">(\d+)</td><td><span class="sev', rest) == ["21", "22", "23", "24", "25"]
    assert "at least this" in today, "a floor that decides is named"
    assert "10.0 %" in today, "and the model's PD beside it"
    assert [row["enterprise"] for row in act_first(page(25))] == [f"E{n}" for n in range(24, 4, -1)]


def test_what_became_of_everything_adds_up(full: str) -> None:
    rows = re.findall(
        r'<tr(?: class="sum")?><th scope="row">.*?</tr>', section(full, "h-left").split("<h3>")[0]
    )
    numbers = [[int(n) for n in re.findall(r'<td class="n[^"]*">(\d+)</td>', row)] for row in rows]
    assert numbers[-1] == [25, 25, 25]
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]


def test_what_waits_and_what_could_not_be_checked_is_said(full: str) -> None:
    waits = section(full, "h-waits")
    assert "Awaiting release by a second person" in waits
    assert "missed" in waits
    head = full.split("<main>", maxsplit=1)[0]
    assert "(2/3" in head
    assert "Loans" in head
    assert "2 rows refused" in head


def section(text: str, name: str) -> str:
    return text.split(f'<section aria-labelledby="{name}">')[1].split("</section>", maxsplit=1)[0]


class Reader(HTMLParser):
    void = ("meta", "rect", "line", "circle", "polyline", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = self.captions = self.pictures = self.titles = 0
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.unscoped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in self.void:
            self.open.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.pictures += tag == "svg" and told.get("role") == "img"
        self.titles += tag == "title"
        self.unscoped += tag == "th" and "scope" not in told
        self.headings += [int(tag[1])] if re.fullmatch(r"h\d", tag) else []
        self.ids += [told["id"] or ""] if "id" in told else []
        self.named += [told["aria-labelledby"] or ""] if "aria-labelledby" in told else []
        href = told.get("href")
        self.named += [href[1:]] if href else []

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag


def test_structure_for_those_who_cannot_see_it(full: str) -> None:
    reader = Reader()
    reader.feed(full)
    assert reader.open == []
    assert reader.tables == reader.captions > 3
    assert reader.pictures == reader.titles - 1 > 20  # one title is the document's
    assert reader.unscoped == 0
    assert reader.headings[0] == 1
    assert reader.headings.count(1) == 1
    assert all(
        after <= before + 1 for before, after in zip(reader.headings, reader.headings[1:], strict=False)
    )
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.named) <= set(reader.ids)
    assert full.count("<main>") == 1


def test_texts_stand_out_from_their_ground(full: str) -> None:
    variables = dict(re.findall(r"--(\w+): (#\w+)", full))
    paper = variables["paper"]
    for name in ("ink", "soft", "accent", "up", "down"):
        assert contrast(variables[name], paper) >= 4.5, name
        assert contrast(variables[name], variables["faint"]) >= 4.5, name
    zero = re.search(r"\.zero \{ color: (#\w+)", full)
    assert zero
    assert contrast(zero[1], paper) >= 4.5
    chips = re.findall(r"\.sev\.(\w+) \{ background: (#\w+); color: (#\w+)", full)
    assert {name for name, _, _ in chips} == {"red", "orange", "yellow", "blue"}
    for name, ground, ink in chips:
        assert contrast(ink, ground) >= 4.5, name


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lights = []
    for colour in (one, other):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
        parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def browsed(folder: Path, text: str, script: str, wide: int = 1080) -> str:
    """What a headless Chromium makes of the page with a script before `</body>`, so many px wide."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here")
    head, _, tail = text.rpartition("</body>")
    path = folder / "page.html"
    path.write_text(f"{head}<script>{script}</script></body>{tail}", encoding="utf-8")
    asked = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
             f"--window-size={wide},1400", "--virtual-time-budget=60000", f"--user-data-dir={folder / 'profile'}", "--dump-dom",
             path.as_uri()]  # fmt: skip
    return subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True).stdout


def told_by(dom: str) -> dict[str, object]:
    found = re.search(r'<pre id="told">(.*?)</pre>', dom, re.S)
    assert found, dom[-500:]
    told: dict[str, object] = json.loads(
        found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )
    return told


TELL = "function tell(x){var p=document.createElement('pre');p.id='told';p.textContent=JSON.stringify(x);document.body.appendChild(p);}"


@pytest.mark.parametrize("wide", [1280, 1080, 500])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_browser_shows_it_without_overflow_errors_or_requests(
    tmp_path: Path, language: str, wide: int
) -> None:
    text = render(page(25), language).decode()
    text = text.replace(
        "<head>", "<head><script>window.wrong=[];window.onerror=function(m){wrong.push(m)};</script>", 1
    )
    script = (
        TELL + "window.addEventListener('load',function(){var other=document.querySelector('[data-to=\"%s\"]');var r={};"
        "r.wide=document.documentElement.scrollWidth-window.innerWidth;r.requests=performance.getEntriesByType('resource').length;"
        "other.click();r.lang=document.documentElement.lang;r.wide_then=document.documentElement.scrollWidth-window.innerWidth;"
        "r.wrong=window.wrong;tell(r);});"
    ) % ("en" if language == "zh" else "zh")  # fmt: skip
    told = told_by(browsed(tmp_path, text, script, wide))
    assert told["wide"] <= 0  # type: ignore[operator]
    assert told["wide_then"] <= 0  # type: ignore[operator]
    assert told["requests"] == 0
    assert told["wrong"] == []
    assert told["lang"] == ("en" if language == "zh" else "zh-CN")


@pytest.mark.parametrize(("wide", "least"), [(1280, 72), (500, 400)])
def test_words_have_room_at_every_width(tmp_path: Path, wide: int, least: int) -> None:
    """Who it is for is never narrower than a word; on a narrow screen each line of today is a card of full width."""
    made = page(25)
    feed = HEALTH.assign(title_en="A feed with a rather long name " * 9, stale=1)
    script = TELL + (
        "window.addEventListener('load',function(){function w(s){return Array.from(document.querySelectorAll(s),"
        "function(e){return e.getBoundingClientRect().width})};tell({desk:w('.act td.desk'),"
        "wide:document.documentElement.scrollWidth-window.innerWidth})});"
    )
    told = told_by(browsed(tmp_path, render(replace(made, health=feed)).decode(), script, wide))
    assert len(told["desk"]) == 20  # type: ignore[arg-type]
    assert min(told["desk"]) >= least  # type: ignore[call-overload]
    assert told["wide"] <= 0  # type: ignore[operator]


@pytest.mark.skipif("RISKENGINE_AXE" not in os.environ, reason="RISKENGINE_AXE names no axe.min.js")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_no_violation(tmp_path: Path, language: str) -> None:
    axe = Path(os.environ["RISKENGINE_AXE"]).read_text(encoding="utf-8")
    script = axe + TELL + ";axe.run().then(function(r){tell(r.violations.map(function(v){return v.id}))});"
    assert told_by(browsed(tmp_path, render(page(25), language).decode(), script)) == []


def test_a_bridge_ends_where_it_adds_up_to() -> None:
    made = drawing.bridge([("before", 10.0), ("left", -4.0), ("entered", 2.0), ("now", 8.0)], "t")
    spans = [
        (float(x), float(w)) for x, w in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', made)
    ]
    ends = [round(x + w, 1) for x, w in spans]
    assert ends[0] == ends[1] == 420.0
    assert ends[2] == ends[3]
    assert spans[1][0] == spans[2][0]


def test_quality_knows_only_what_its_nights_have_seen() -> None:
    lines = pd.DataFrame({"enterprise": ["A", "B", "C"], "place": ["act", "act", "overflow"]})
    cases = pd.DataFrame({"unit": ["A", "B"], "phase": ["new", "false alarm"], "breached": ["claim", ""]})
    nobody = pd.DataFrame({"enterprise_id": [], "why": []})
    track = followed(None, Seen(DAY, lines, cases, nobody, ["paid"]))
    first = quality(track, DAY)
    assert (first["enough"], first["listed"], first["false"], first["judged"], first["breached"]) == (
        False,
        2,
        1,
        1,
        1,
    )
    left = pd.DataFrame({"enterprise_id": ["A", "C", "B"], "why": ["paid", "paid", "repaid"]})
    later = DAY + timedelta(100)
    track = followed(track, Seen(later, lines.head(0), cases.head(0), left, ["paid"]))
    told = quality(track, later)
    assert (told["enough"], told["compensated"], told["caught"], told["lead"], told["late"]) == (
        True,
        2,
        1,
        100.0,
        0,
    )
    assert told["caught_share"] == 0.5
    over = followed(track, Seen(later + timedelta(366), lines.head(0), cases.head(0), nobody, ["paid"]))
    assert quality(over, later + timedelta(366))["listed"] == 0, "what is older than a year is gone"
