"""Numbers that only a night makes say how and resolve further; PDs are by the night's own model; the timeline speaks in words."""

from __future__ import annotations

import json
import shlex
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))

from institution import made_project

from riskengine.errors import UsageError
from riskengine.project import Project
from riskengine.reports import dossier_history as history
from riskengine.reports.dossier import dossier
from riskengine.reports.dossier_evidence import evidence
from riskengine.reports.dossier_lines import evidence_lines, lines
from riskengine.reports.dossier_page import page
from riskengine.reports.dossier_words import amount
from riskengine.reports.wording import percent
from riskengine.scoring.bundle import read_bundle, write_bundle

BEFORE, DAY = date(2006, 3, 10), date(2006, 3, 31)
PATHS = '{"paths":[{"contribution":0.35,"keys":["BEE","CAT"],"kinds":["control"]},{"contribution":0.1,"keys":["ZOO","CAT"],"kinds":["counterparty"]}]}'
NIGHTLY = """
[dynamics]
trigger = [{ from = 2000-01-01, value = 0.10, reference = "The house's level", evidence = "D" }]
by = "industry"
[[peer]]
name = "amount_to_peers"
title = { en = "Amount to peers", zh = "金额与同业之比" }
feature = "amount"
by = "enterprise"
[[of_product]]
name = "amount_to_grace"
title = { en = "Amount over grace", zh = "金额与宽限期之比" }
value = "grace_days"
by = "enterprise"
feature = "amount"
"""
FLOORS = """
[[floor]]
id = "FLOOR-LOST"
title = { en = "Lost before", zh = "曾代偿" }
signals = ["S1"]
grade = "C"
from = 2000-01-01
reference = "The house's floor"
"""
BUDGET = """
effectiveness = [{ from = 2000-01-01, value = 0.4, reference = "All is early" }]
cost = [{ from = 2000-01-01, value = 25.5, reference = "Half a day" }]
"""


def written(folder: Path, name: str, rows: list[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_text(json.dumps([dict(row) for row in rows]), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json('{folder}/rows.json')) TO '{folder}/{name}.parquet'"
        )
    (folder / "rows.json").unlink()


def score(one: str, who: str, pd: float, loss: float, **more: Any) -> dict[str, Any]:
    return {"as_of": "2006-03-31", "id": one, "enterprise_id": who, "enterprise": who, "firm": who, "pd": pd, "grade": "A", "severity": "red", "expected_loss": loss, "exposure": 608.0, **more}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RISKENGINE_STORE", raising=False)
        root = tmp_path_factory.mktemp("night")
        made = made_project(root)
        for name, text in (("dossier", 'model = "access_pd"\n'), ("nightly", NIGHTLY), ("floors", FLOORS), ("budget", BUDGET)):  # fmt: skip
            (root / f"configs/{name}.toml").write_text(text, encoding="utf-8")
        products = root / "configs/products.toml"
        grace = 'grace_days = [{ from = 2000-01-01, value = 60, reference = "The bank waits" }]\n'
        products.write_text(products.read_text(encoding="utf-8") + grace, encoding="utf-8")
        now, was = (evidence(made, "3", "pd", day)["value"] for day in (DAY, BEFORE))
        loss = float(evidence(made, "3", "expected_loss", DAY)["value"])
        used = 0.95  # a floor above what the model says
        own = {
            "pd_before": was, "pd_jump": now / was, "pd_trigger": now / 0.1, "contagion": 0.4, "enterprise_share": loss / (loss + 60),
            "pd_floor": used, "floor": "FLOOR-LOST", "floor_waived": None, "pd_used": used, "grade_used": "D", "loss_used": round(loss * used / now, 2),
        }  # fmt: skip
        assert used > now
        other = dict.fromkeys(own)
        night = made.store / "publications/2006-03-31"
        written(made.store / "publications/2006-03-10", "scores", [score("3", "CAT", was, loss)])
        two = [score("1", "ANT", 0.2, 20.0, **other), score("4", "ANT", 0.2, 40.0, **other)]
        written(night, "scores", [score("3", "CAT", now, loss, **own), *two])
        said = {"about": "guarantee", "id": "3", "enterprise": "CAT", "severity": "red", "state": "new", "first_seen": "2006-03-31", "raised_on": "2006-03-31", "limit": 1.0}  # fmt: skip
        written(night, "signals", [
            {**said, "signal": "S1", "feature": "losses", "value": 2.0, "text_en": "lost again", "text_zh": "再次代偿", "evidence": None},
            {**said, "signal": "R01", "feature": "contagion", "value": 0.4, "text_en": "contagion", "text_zh": "传染", "evidence": PATHS},
        ])  # fmt: skip
        avoidable = round(0.4 * own["loss_used"], 2)
        written(night, "lines", [{"enterprise": "CAT", "institution": "", "avoidable": avoidable, "cost": 25.5, "net": round(avoidable - 25.5, 2)}])  # fmt: skip
        written(
            night, "cases", [{"enterprise": "CAT", "case": "C01", "title_en": "Losses", "title_zh": "代偿"}]
        )
        happened = {"on": "2006-03-31", "case": "C01", "enterprise": "CAT", "before": None, "after": "red"}
        written(night, "events", [
            {**happened, "signal": "S1", "event": "opened", "detail_en": "Case opened at red: lost again", "detail_zh": "红色案件立案：再次代偿"},
            {**happened, "signal": None, "event": "woke", "detail_en": "the snooze has ended", "detail_zh": "暂缓结束"},
        ])  # fmt: skip
        yield made


@pytest.mark.parametrize("number", [
    "pd_before", "pd_jump", "pd_trigger", "pd_floor", "pd_used", "loss_used", "enterprise_share", "avoidable", "cost", "net",
    "guarantees", "amount_to_grace",
])  # fmt: skip
def test_a_number_of_the_night_says_how_and_its_inputs_resolve_to_themselves(
    project: Project, number: str
) -> None:
    told = evidence(project, "3", number, DAY)
    assert told["kind"] == "night"
    assert told["value"] is not None
    assert told["inputs"]
    assert told["how"]["en"] != told["how"]["zh"]
    for one in told["inputs"]:
        if one["next"]:
            _, word, whose, name, _, day = shlex.split(one["next"])
            assert word == "evidence"
            found = evidence(project, whose, name, date.fromisoformat(day))["value"]
            assert float(found) == pytest.approx(float(one["value"]), abs=0.006), one["next"]
        else:
            assert one["reference"] or one["name"] in ("group", "book")
    for language in ("en", "zh"):
        assert "None" not in "\n".join(evidence_lines(told, language))


def test_the_numbers_of_the_night_are_made_of_their_inputs(project: Project) -> None:
    def parts(number: str) -> dict[str, float]:
        told = evidence(project, "3", number, DAY)
        return {"": float(told["value"]), **{one["name"]: one["value"] for one in told["inputs"]}}

    jump, net, avoidable, share = map(parts, ("pd_jump", "net", "avoidable", "enterprise_share"))
    assert jump[""] == pytest.approx(jump["pd"] / jump["pd_before"])
    assert net[""] == pytest.approx(float(net["avoidable"]) - float(net["cost"]))
    assert avoidable[""] == pytest.approx(
        float(avoidable["loss_used"]) * avoidable["effectiveness"], abs=0.01
    )
    assert share[""] == pytest.approx(float(share["group"]) / float(share["book"]), abs=1e-4)
    assert parts("pd_trigger")["trigger"] == pytest.approx(0.1)
    floor = evidence(project, "3", "pd_floor", DAY)["inputs"]
    assert [one["name"] for one in floor] == ["FLOOR-LOST", "S1"]
    assert floor[1]["next"] == "riskengine evidence 3 losses --as-of 2006-03-31"


def test_contagion_tells_the_ways_and_where_they_start(project: Project) -> None:
    told = evidence(project, "CAT", "contagion", DAY)
    assert [(one["name"], one["value"]) for one in told["inputs"]] == [("BEE", 0.35), ("ZOO", 0.1)]
    known, stranger = (one["next"] for one in told["inputs"])
    assert known == "riskengine dossier BEE --as-of 2006-03-31"
    assert dossier(project, "BEE", DAY).sections["who"]["code"] == "BEE"
    assert stranger is None
    assert told["paths"]["zh"][0].endswith("BEE > CAT")


def test_an_enterprise_of_several_guarantees_has_their_sum(project: Project) -> None:
    told = evidence(project, "ANT", "expected_loss", DAY)
    assert told["value"] == "60.00"
    assert [one["value"] for one in told["inputs"]] == ["20.00", "40.00"]
    with pytest.raises(UsageError, match="Name one of 1, 4"):
        evidence(project, "ANT", "pd_jump", DAY)


@pytest.mark.parametrize(("name", "number", "day", "said"), [
    ("3", "contagion", date(2006, 3, 9), "riskengine nightly --as-of 2006-03-09"),
    ("3", "net", BEFORE, "It has no line"),
    ("BEE", "pd_jump", DAY, "a guarantee in force in the night"),
    ("3", "grade_no", DAY, "did not keep it"),
    ("3", "contagin", DAY, "Did you mean 'contagion'"),
])  # fmt: skip
def test_what_the_night_does_not_know_says_how_to_go_on(project: Project, name: str, number: str, day: date, said: str) -> None:  # fmt: skip
    with pytest.raises(UsageError, match=said):
        evidence(project, name, number, day)


def test_signals_of_the_dossier_print_the_command_of_their_value(project: Project) -> None:
    found = dossier(project, "CAT", DAY)
    assert {one["signal"]: one["command"] for one in found.sections["signals"]} == {
        "S1": "riskengine evidence 3 losses --as-of 2006-03-31",
        "R01": "riskengine evidence 3 contagion --as-of 2006-03-31",
    }
    assert "    riskengine evidence 3 contagion --as-of 2006-03-31" in lines(found, "en")
    assert "riskengine evidence 3 contagion --as-of 2006-03-31" in page(found, "zh").decode()


@pytest.mark.parametrize(("number", "counts"), [("pd", "pd_used"), ("grade", "grade_used"), ("expected_loss", "loss_used")])  # fmt: skip
def test_where_a_floor_decides_the_models_number_says_so(project: Project, number: str, counts: str) -> None:
    told = evidence(project, "CAT", number, DAY)
    command = f"riskengine evidence 3 {counts} --as-of 2006-03-31"
    assert told["floor"]["next"] == command
    kept = evidence(project, "3", counts, DAY)["value"]
    assert told["floor"]["value"] == kept != told["value"]
    for language, title in (("en", "Lost before"), ("zh", "曾代偿")):
        said = evidence_lines(told, language)
        assert f"{title}" in said[1]
        assert said[2] == f"    {command}"
    assert evidence(project, "CAT", number, BEFORE)["floor"] is None  # a night that had no floors


def test_no_floor_is_told_of_a_number_it_does_not_change(project: Project) -> None:
    for number in ("score", "exposure"):
        assert evidence(project, "3", number, DAY)["floor"] is None
    assert evidence(project, "ANT", "expected_loss", DAY)["floor"] is None


def test_the_dossier_counts_as_the_night_after_floors(project: Project) -> None:
    found = dossier(project, "CAT", DAY)
    one = found.sections["guarantees"][0]
    used, rating = one["used"], one["rating"]
    loss = evidence(project, "3", "loss_used", DAY)["value"]
    assert (used["pd_used"], used["grade_used"], used["loss_used"]) == (0.95, "D", loss)
    assert found.sections["totals"]["loss_used"] == loss
    assert found.sections["totals"]["expected_loss"] == one["value"]["expected_loss"] != loss
    pd, model = percent(0.95), percent(rating["pd"])
    english, chinese = page(found, "en").decode(), page(found, "zh").decode()
    figures = english.split('<dl class="figures">')[1].split("</dl>")[0]
    assert f"{pd} <small>Grade D</small>" in figures
    assert f"floor Lost before; model {model}, Grade {rating['grade']}" in figures
    assert amount(loss) in figures
    assert f'{pd}<span class="sub">规则下限 曾代偿; 模型 {model}, 等级 A</span>' in chinese  # the night's row
    head = next(line for line in lines(found, "en") if line.startswith("3: "))
    assert f"PD {pd}, Grade D, Expected loss {amount(loss)}" in head
    before = dossier(project, "CAT", BEFORE).sections["guarantees"][0]
    assert not before["used"]["raised"]
    assert before["used"]["loss_used"] == before["value"]["expected_loss"]


def test_the_timeline_has_words_and_no_codes(project: Project, tmp_path: Path) -> None:
    told = page(dossier(project, "CAT", DAY), "zh").decode().split("时间线")[1]
    assert not [code for code in ("opened", "woke", "breached", "raised") if code in told]
    row = {"signal": "S1", "id": "3", "state": "on", "raised_on": "2006-03-01", "first_seen": "2006-03-01"}
    row |= {"enterprise": "CAT", "about": "guarantee", "text_en": "more", "text_zh": "增加"}
    for day, severity in (("2006-03-01", "yellow"), ("2006-03-02", "red")):
        written(tmp_path / "publications" / day, "signals", [{**row, "severity": severity}])
    moved = history.signals_told(tmp_path, [date(2006, 3, 1), date(2006, 3, 2)], "CAT")[-1]
    assert moved["title"] == {"en": "Signal moved S1 (yellow → red)", "zh": "信号升降 S1 (黄 → 红)"}


def test_a_raised_signal_and_its_case_are_one_line(project: Project) -> None:
    told = dossier(project, "CAT", DAY).sections["timeline"]
    titles = {
        line["title"]["zh"]: line["text"] for line in told["lines"] if line["kind"] in ("signal", "case")
    }
    assert titles["信号 S1，案件 C01"]["zh"] == "再次代偿"
    assert titles["案件 C01 代偿"]["zh"] == "暂缓结束"
    assert len(titles) == 3
    assert told["kinds"]["case"] == 1


def test_acts_are_told_in_words(tmp_path: Path) -> None:
    columns = '"case", "at", "on", actor, action, phase_before, phase_after, detail, enterprise, seq'
    rows = [
        ("C1", "2006-03-01T08:00", "2006-03-01", "王磊", "wake", "acknowledged", "acknowledged", '{"why":"已回电"}', "CAT", 1),
        ("C1", "2006-03-02T08:00", "2006-03-02", "王磊", "treat", "confirmed", "in treatment", '{"measure":"reduce"}', "CAT", 2),
        ("C1", "2006-03-03T08:00", "2006-03-03", "王磊", "judge", "checking", "checking", '{"proposed":"false alarm"}', "CAT", 3),
    ]  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "state.db")) as ledger:
        ledger.execute(f"CREATE TABLE case_acts ({columns})")
        ledger.executemany(f"INSERT INTO case_acts VALUES ({','.join('?' * 10)})", rows)
        ledger.commit()
    woke, treated, judged = history.acts_told(tmp_path, "CAT", DAY)
    assert (woke["title"]["zh"], woke["text"]["zh"]) == ("案件 C1：王磊恢复", "已认领；已回电")
    assert woke["title"]["en"] == "Case C1: wake, by 王磊"
    assert treated["text"] == {
        "en": "confirmed → in treatment; reduce the exposure",
        "zh": "确认风险 → 处置中；压降",
    }
    assert judged["text"]["zh"] == "核查中；提出误报，须另一人复核"


def test_pds_are_by_the_model_of_the_last_night(project: Project) -> None:
    champion = evidence(project, "3", "pd", DAY)["model"]
    files = dict(read_bundle(project.store / "bundles" / champion["bundle"]).files)
    files["card.json"] = json.dumps({"trained_as_of": "2006-04-01"}).encode()
    draft = project.store / "bundles/draft"
    name = write_bundle(draft, files)
    draft.rename(draft.with_name(name))
    manifest = project.store / "publications/2006-03-31/manifest.json"
    manifest.write_text(json.dumps({"inputs": {"bundle": name}}), encoding="utf-8")
    try:
        told = evidence(project, "3", "pd", DAY)
        assert told["model"] == {"name": "access_pd", "bundle": name, "later": "2006-04-01"}
        assert "2006-04-01" in "\n".join(evidence_lines(told, "zh"))
        found = dossier(project, "CAT", DAY)
        assert found.sections["guarantees"][0]["rating"]["bundle"] == name
        assert "Model trained after this day (as of 2006-04-01" in page(found, "en").decode()
        assert evidence(project, "3", "pd", BEFORE)["model"]["bundle"] == champion["bundle"]
        manifest.write_text(json.dumps({"inputs": {"bundle": "0" * 64}}), encoding="utf-8")
        assert evidence(project, "3", "pd", DAY)["model"]["bundle"] == champion["bundle"]
    finally:
        manifest.unlink()
