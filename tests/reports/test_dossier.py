"""The dossier of a tiny institution: as known on the day, numbers that evidence resolves, nothing of persons, one sound page."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))

from institution import load, made_project

from riskengine.decision.review import review
from riskengine.errors import RiskEngineError, UsageError
from riskengine.project import Project
from riskengine.reports.dossier import Dossier, dossier
from riskengine.reports.dossier_evidence import evidence
from riskengine.reports.dossier_lines import evidence_lines, lines
from riskengine.reports.dossier_page import page
from riskengine.reports.dossier_words import WORDS

DAY = date(2006, 3, 31)
RULES = """
model = "access_pd"
events = 3
trouble = ["losses"]
[terms]
amount = "amount"
application = "no"
[[particulars]]
source = "asked"
say = ["firm", "trade", "staff"]
[[event]]
source = "asked"
say = ["no", "amount"]
[[event]]
source = "losses"
say = ["no", "lost"]
[[relation]]
link = "rival"
title = { en = "Tied to", zh = "关联" }
size = "lost"
"""
LINK = '\n[links.rival]\nsource = "losses"\nfrom = "firm"\nto = "no"\n'
TOTAL = """
from riskengine.profile import count, total
lost = total("losses.lost", by="enterprise").named("Lost before", "此前损失", unit="CNY", direction=1)
lost_12m = count("losses", by="enterprise", window="12m").named("Losses in 12 months", "近12个月代偿次数")
lost_share = (lost / 100).named("Lost, hundreds", "损失（百元）")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RISKENGINE_STORE", raising=False)
        root = tmp_path_factory.mktemp("dossier")
        made = made_project(root)
        (root / "configs/dossier.toml").write_text(RULES, encoding="utf-8")
        with (root / "configs/subjects.toml").open("a", encoding="utf-8") as stream:
            stream.write(LINK)
        (root / "features/more.py").write_text(TOTAL, encoding="utf-8")
        load(made, "losses", "no,day,firm,lost\n93,2006-04-20,CAT,1000\n")  # known only in April
        for night, pd, grade, severity in (("2006-02-28", 0.1, "A", "yellow"), ("2006-03-31", 0.4, "C", "red"), ("2006-04-30", 0.9, "C", "red")):  # fmt: skip
            published(made.store / "publications" / night, night, pd, (grade, severity))
        yield made


@pytest.fixture(scope="module")
def cat(project: Project) -> Dossier:
    return dossier(project, "CAT", DAY)


def published(folder: Path, night: str, pd: float, said: tuple[str, str]) -> None:
    grade, severity = said
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT '3' AS id, 'CAT' AS enterprise_id, {pd}::DOUBLE AS pd, '{grade}' AS grade, DATE '{night}' AS as_of,
            12.5::DECIMAL(18,2) AS expected_loss, '{severity}' AS severity) TO '{folder}/scores.parquet'"""
        )
        connection.execute(
            f"""COPY (SELECT 'S1' AS signal, '3' AS id, 'application' AS about, 'CAT' AS enterprise, '{severity}' AS severity,
            'new' AS state, DATE '2006-02-28' AS first_seen, DATE '2006-02-28' AS raised_on, 'losses' AS feature, 2.0 AS value,
            1.0 AS "limit", 'lost again' AS text_en, '再次代偿' AS text_zh) TO '{folder}/signals.parquet'"""
        )


def test_nothing_of_a_later_day_is_told(project: Project, cat: Dossier) -> None:
    found = cat.to_json()
    (guarantee,) = found["guarantees"]
    assert [one["as_of"] for one in guarantee["history"]] == ["2006-02-28", "2006-03-31"]
    assert found["nights"] == {"count": 2, "last": "2006-03-31"}
    dates = re.findall(r"2006-\d\d-\d\d", json.dumps(found, ensure_ascii=False))
    assert max(dates) <= "2006-03-31"
    assert numbers(found)["losses"] == 2.0
    later = dossier(project, "CAT", date(2006, 4, 30)).to_json()
    assert numbers(later)["losses"] == 3.0
    assert later["nights"]["count"] == 3


def test_every_number_of_the_profile_is_resolved_and_adds_up(project: Project, cat: Dossier) -> None:
    found = cat.to_json()
    told = {name: evidence(project, "CAT", name, DAY) for name in numbers(found)}
    for name, value in numbers(found).items():
        assert told[name]["value"] == value, name
        for part in told[name]["parts"]:
            assert len(part["rows"]) == part["rows_of"], name
            assert all(row["known_at"] <= "2006-03-31" and row["file"] and row["row"] for row in part["rows"])
    assert told["losses"]["parts"][0]["rows_of"] == told["losses"]["value"] == 2
    assert float(told["lost"]["parts"][0]["sum"]) == told["lost"]["value"] == 30
    assert sum(float(row["values"]["lost"]) for row in told["lost"]["parts"][0]["rows"]) == 30
    assert {row["keys"]["no"] for row in told["lost_share"]["parts"][0]["rows"]} == {"90", "91"}


def test_a_models_number_names_its_inputs_and_they_can_be_asked_for(project: Project, cat: Dossier) -> None:
    (guarantee,) = cat.to_json()["guarantees"]
    told = evidence(project, "3", "pd", DAY)
    assert told["value"] == guarantee["rating"]["pd"]
    assert {one["name"] for one in told["inputs"]} == {"amount", "staff", "losses", "staff_missing"}
    sizes = [abs(one["contribution"]) for one in told["inputs"]]
    assert sizes == sorted(sizes, reverse=True)
    for one in told["inputs"]:
        _, _, whose, name, _, day = one["next"].split()
        assert evidence(project, whose, name, date.fromisoformat(day))["value"] == one["value"]
    loss = evidence(project, "3", "expected_loss", DAY)
    assert loss["value"] == guarantee["value"]["expected_loss"]
    parts = {one["name"]: float(one["value"]) for one in loss["inputs"] if one["name"] != "amount"}
    product = parts["pd"] * parts["loan"] * parts["guarantee_share"] * parts["guarantor_share"] * parts["lgd"]
    assert product == pytest.approx(float(loss["value"]), abs=0.006)


def test_shares_of_the_loan_add_up_and_totals_are_sums(project: Project) -> None:
    found = dossier(project, "ANT", DAY).to_json()
    for one in found["guarantees"]:
        assert sum(map(float, one["value"]["parts"].values())) == float(one["contract"]["amount"])
    for name in ("exposure", "expected_loss"):
        values = [float(one["value"][name]) for one in found["guarantees"]]
        assert float(found["totals"][name]) == pytest.approx(sum(values))
    assert found["totals"]["in_force"] == len(values) == 2


def test_a_recorded_decision_is_told_and_else_what_review_says(project: Project, cat: Dossier) -> None:
    (one,) = dossier(project, "DOG", DAY).to_json()["applications"]
    assert one["stored"] is None
    run = review(project, DAY, ids=["5"])
    (again,) = dossier(project, "DOG", DAY).to_json()["applications"]
    assert again["stored"] == run.records[0]["decision_id"]
    assert again["decision"] == one["decision"] == run.records[0]["outputs"]["decision"]
    refused = cat.to_json()["applications"][0]
    assert [hit["rule"] for hit in refused["hits"] if hit["kind"] == "knock_outs"] == ["lost_before"]


@pytest.mark.parametrize(("language", "said"), [("en", "the newest 1 of 2"), ("zh", "共2笔，列出最近1笔")])
def test_applications_that_are_not_listed_are_counted(project: Project, language: str, said: str) -> None:
    whole = dossier(project, "ANT", DAY)
    assert said not in page(whole, language).decode() + "\n".join(lines(whole, language))
    path = project.configs / "dossier.toml"
    path.write_text("reviewed = 1\n" + RULES, encoding="utf-8")
    try:
        found = dossier(project, "ANT", DAY)
    finally:
        path.write_text(RULES, encoding="utf-8")
    assert said in page(found, language).decode()
    assert any(said in line for line in lines(found, language))


def test_the_timeline_is_the_newest_and_counts_the_rest(cat: Dossier) -> None:
    told = cat.to_json()["timeline"]
    days = [line["on"] for line in told["lines"]]
    assert len(days) == 3
    assert days == sorted(days, reverse=True)
    assert (
        told["of"] == told["hidden"] + 3 == sum(told["kinds"].values()) == 5
    )  # application, two losses, raised, moved
    assert told["kinds"] == {"fact": 3, "signal": 2, "ended": 0, "case": 0, "act": 0}
    assert told["hidden_to"] == "2005-06-01"


@pytest.mark.parametrize(("name", "number", "day", "said"), [
    ("NOBODY", "losses", DAY, "Check the id"),
    ("CAT", "losses", date(2004, 1, 1), "known from 2005|known from 2006-03-05 on"),
    ("CAT", "loses", DAY, "Did you mean 'losses'"),
    ("ANT", "pd", DAY, "Name one of"),
])  # fmt: skip
def test_what_cannot_be_answered_says_how_to_go_on(project: Project, name: str, number: str, day: date, said: str) -> None:  # fmt: skip
    with pytest.raises(UsageError, match=said):
        evidence(project, name, number, day)


def test_definitions_that_do_not_fit_are_named_together(project: Project, tmp_path: Path) -> None:
    path = project.configs / "dossier.toml"
    kept = path.read_text(encoding="utf-8")
    path.write_text(
        kept.replace('"losses"', '"lossess"').replace('say = ["no", "amount"]', 'say = ["amont"]'),
        encoding="utf-8",
    )
    try:
        with pytest.raises(RiskEngineError) as told:
            dossier(project, "CAT", DAY)
    finally:
        path.write_text(kept, encoding="utf-8")
    assert re.search(r"(?s)amount.*lossess", str(told.value))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_one_sound_file(project: Project, cat: Dossier, language: str) -> None:
    found = cat
    raw = page(found, language)
    if language == "en":
        assert raw == page(dossier(project, "CAT", DAY), language)
    text = raw.decode()
    assert not re.search(r"https?://|<script|<link|@import|url\(", text)
    looked = Looked()
    looked.feed(text)
    assert looked.language == {"en": "en", "zh": "zh-CN"}[language]
    assert looked.heads[0] == 1
    assert all(now <= before + 1 for before, now in zip(looked.heads, looked.heads[1:], strict=False))
    assert looked.unscoped == 0
    assert len(looked.ids) == len(set(looked.ids))
    assert not looked.open
    assert WORDS[language]["timeline"] in text
    for name in numbers(found.to_json()):
        assert f"<code>{name}</code>" in text
    assert "riskengine evidence CAT NAME --as-of 2006-03-31" in text
    assert set(WORDS["en"]) == set(WORDS["zh"])
    assert "None" not in "\n".join([*lines(found, language), *evidence_lines(evidence(project, "CAT", "lost", DAY), language)])  # fmt: skip


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    return {line["name"]: line["value"] for one in found["profile"] for line in one["lines"]}


class Looked(HTMLParser):
    """What a page's structure says."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[int] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.unscoped = 0
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in ("meta", "line", "circle", "polyline", "rect", "br"):
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))
        self.ids += [str(told["id"])] if "id" in told else []
        self.unscoped += tag == "th" and "scope" not in told
        if tag == "html":
            self.language = told.get("lang")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open[-1] == tag
            self.open.pop()
