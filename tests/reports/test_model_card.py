"""Does the generated document say all that a validator asks, in both languages, from the bundle and nothing else?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from riskengine.registry.requirements import REQUIRED, empty_fields, gates, inventory_of, refuse
from riskengine.reports.model_card import card_lines
from riskengine.reports.model_document import Described, sections
from riskengine.reports.model_document_forms import markdown, page
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import PARTS, Bundle

WORDS = {"en": "Said <b>once</b> | twice", "zh": "仅此一次"}
INVENTORY: dict[str, Any] = {
    "owner": "Risk department", "developer": "Data department", "validator": "Internal audit", "tier": "high",
    "use": WORDS, "assumptions": WORDS, "limitations": WORDS, "review_by": "2027-06-30",
}  # fmt: skip
ESTIMATE = {"value": 0.8123, "low": 0.7512, "high": 0.8634}
NOT_BETTER = {"value": 0.01, "low": -0.02, "high": 0.04}
CARD: dict[str, Any] = {
    "model": "m", "trained_as_of": "2005-12-31", "snapshot": "abcdef", "rows": 12345, "events": 678, "borrowers": 9999,
    "counts": {"immature": 77, "indeterminate": 55}, "first_as_of": "1990-01-01", "last_as_of": "2002-12-31",
    "weighted_base_rate": 0.0123, "cut": "2001-12-31", "development_rows": 100, "mature_at_cut_rows": 90,
    "monotone_steps_checked": 42, "importance": {"amount": 0.75, "age": 0.25}, "libraries": {"lightgbm": "4.7"},
    "leakage": {"alone": {"amount": 0.71, "age": 0.55}, "shuffled": 0.5}, "something_new": {"figure": 0.125},
    "trials": [{"name": "out_of_time", "rows": 900, "events": 90, "start": "2001-01-01", "end": "2002-12-31",
                "figures": {"model": {"auc": ESTIMATE}, "scorecard": {"auc": ESTIMATE}}, "better": {"scorecard": NOT_BETTER}}],
}  # fmt: skip
SPEC: dict[str, Any] = {
    "name": "m", "title": {"en": "Default within a year", "zh": "一年内违约"}, "features": ["amount", "age"],
    "label": {"source": "losses", "horizon": "12m", "lag": "60d", "indeterminate": ["overdue_90d"]},
    "monotone": {"up": ["amount"], "down": ["age"]}, "inventory": INVENTORY, "gates": {"auc_at_least": 0.6, "auc_at_most": 0.95},
}  # fmt: skip


def bundle(card: dict[str, Any] = CARD, spec: dict[str, Any] = SPEC) -> Bundle:
    notes = [
        {"name": "amount", "en": "Requested amount", "zh": "申请金额"},
        {"name": "age", "en": "Firm age", "zh": "企业年龄"},
    ]
    grades = {"grades": [{"name": "A", "pd_up_to": 0.1}, {"name": "B", "pd_up_to": 1.0}]}
    parts: dict[str, Any] = {"card.json": card, "spec.json": spec, "recipe.json": {"features": notes},
                             "trees.json": {"features": ["amount", "age"]}, "calibration.json": {"method": "beta"},
                             "grades.json": grades}  # fmt: skip
    files = {name: canonical_json(parts.get(name, {})).encode() for name in PARTS}
    return Bundle(Path("nowhere"), "f" * 64, "m", files)


def described(tmp_path: Path, made: Bundle) -> Described:
    inventory = inventory_of(made)
    act = {
        "at": "2026-11-22T06:00:00", "actor": "wang", "action": "promote",
        "detail": {"from": None, "to": {"version": 1, "bundle": "f" * 64}, "why": "the first model"},
    }  # fmt: skip
    return Described(made, 1, ("champion",), inventory, gates(tmp_path, made, inventory), [act])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_document_holds_every_required_field_and_figure(tmp_path: Path, language: str) -> None:
    made = described(tmp_path, bundle())
    text = markdown(made, language)
    for field in REQUIRED:
        if field.place.startswith("inventory"):
            assert field.title.say(language) in text, field.place
    for figure in ("12,345", "9,999", "678", "abcdef", "1990-01-01 … 2002-12-31", "0.0123", "0.812 [0.751, 0.863]", "55",
                   "overdue_90d", "beta", "A ≤ 0.1", "75.0%", "amount 0.710", "something_new", "wang", "the first model",
                   "2027-06-30", "SR 26-2", "EBA/GL/2017/16", "ECB Instructions 2019", "42"):  # fmt: skip
        assert figure in text, figure
    assert ("（不显著）" if language == "zh" else "(not significant)") in text
    assert ("申请金额" if language == "zh" else "Requested amount") in text
    assert ("↑ 风险上升" if language == "zh" else "↑ raises") in text
    assert re.search(r"Stage[ |]+champion" if language == "en" else r"状态[ |]+现任", text)
    if language == "zh":
        headings = [part.title for part in sections(made, "zh")]
        assert all(re.search(r"[\u4e00-\u9fff]", title) for title in headings), headings


def test_a_table_row_is_one_line_and_html_is_inert(tmp_path: Path) -> None:
    made = described(tmp_path, bundle())
    text = markdown(made, "en")
    for block in re.findall(r"(?m)(?:^\|.*\n)+", text):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    html = page(made, "en")
    assert "<b>once</b>" not in html
    assert "Said &lt;b&gt;once&lt;/b&gt; | twice" in html
    assert not re.search(r"<script|https?://|src=|@import", html)
    assert page(made, "en") == html, "the same bytes"


def test_what_was_not_measured_is_said_to_be_missing(tmp_path: Path) -> None:
    made = described(tmp_path, bundle({"model": "m"}, {"name": "m"}))
    text = markdown(made, "en")
    assert text.count("MISSING") >= 8
    assert "not measured in this run" in text
    assert len(empty_fields(made.bundle, made.inventory)) == len(REQUIRED)
    assert {gate.name: gate.state for gate in made.gates}["inventory"] == "fail"


@pytest.mark.parametrize("field", [field.place for field in REQUIRED])
def test_any_one_empty_field_blocks(tmp_path: Path, field: str) -> None:
    room, name = field.split(".")
    card, spec = dict(CARD), dict(SPEC)
    where = {"inventory": INVENTORY, "spec": spec, "card": card}[room]
    empty: Any = {"en": "only English", "zh": " "} if name in ("use", "assumptions", "title") else ""
    changed = dict(where) | {name: empty}
    if room == "inventory":
        spec["inventory"] = changed
    made = bundle(changed if room == "card" else card, changed if room == "spec" else spec)
    found = gates(tmp_path, made, inventory_of(made))
    failed = [problem.where for gate in found if gate.state == "fail" for problem in gate.problems]
    assert failed == [field]
    with pytest.raises(Exception, match=re.escape(field)) as refused:
        refuse("m 1", found)
    assert getattr(refused.value, "exit_code", None) == 8


@pytest.mark.parametrize(
    ("auc", "state"), [(0.59, "fail"), (0.6, "pass"), (0.95, "pass"), (0.951, "fail"), (None, "open")]
)
def test_the_declared_limits_hold_at_promotion_too(tmp_path: Path, auc: float | None, state: str) -> None:
    trial = CARD["trials"][0] | {"figures": {"model": {"auc": {"value": auc, "low": None, "high": None}}}}
    made = bundle(CARD | {"trials": [trial]})
    assert {gate.name: gate.state for gate in gates(tmp_path, made, INVENTORY)}["tests"] == state


@pytest.mark.parametrize(
    ("pack", "state"),
    [(None, "open"), ('{"bundle": "OWN", "verdict": "pass"}', "pass"), ('{"bundle": "OWN", "verdict": "undecidable"}', "open"),
     ('{"bundle": "OWN", "verdict": "fail"}', "fail"), ("{}", "fail"), ("not json", "fail"), ("[]", "fail"),
     ('{"verdict": "pass"}', "fail"), ('{"bundle": "another", "verdict": "pass"}', "fail"),
     ('{"bundle": "OWN", "verdict": "fail", "verdict": "pass"}', "fail")],
)  # fmt: skip
def test_the_validators_verdict_counts(tmp_path: Path, pack: str | None, state: str) -> None:
    made = bundle()
    folder = tmp_path / "validations" / made.hash
    folder.mkdir(parents=True)
    if pack is not None:
        (folder / "pack.json").write_text(pack.replace("OWN", made.hash))
    assert {gate.name: gate.state for gate in gates(tmp_path, made, INVENTORY)}["validation"] == state


def standing(rival: str, verdict: str, en: str, zh: str) -> dict[str, Any]:
    return {"rival": rival, "verdict": verdict, "title": {"en": en, "zh": zh},
            "words": {"en": f"{verdict} than {en}: AUC", "zh": f"与{zh}相比：AUC"}}  # fmt: skip


def full_card() -> dict[str, Any]:
    flat_rule = {
        "auc": {"value": 0.5, "low": 0.5, "high": 0.5},
        "calibration_slope": {"value": -284961.0, "low": None, "high": None},
    }
    trial = CARD["trials"][0] | {
        "figures": {"policy": flat_rule, "logistic": {"auc": ESTIMATE}, "model": {"auc": ESTIMATE}, "old_rule": {"auc": ESTIMATE}},
        "standings": [standing("logistic", "not significantly better", "Logistic regression", "逻辑回归"),
                      standing("policy", "better", "Today's policy", "现行准入政策"), standing("old_rule", "better", "Any overdue", "有逾期")],
        "against": {"en": "Better than Today's policy", "zh": "相比现行准入政策显著更优"},
    }  # fmt: skip
    leak = {"alone": {"amount": 0.71, "age": 0.55}, "canary": 0.49, "canary_limit": 0.05, "later": {"age": 0.012}, "hindsight_rows": 4000,
            "fields": [{"source": "loans", "column": "term", "kind": "rewritten", "bad": [1, 90], "good": [2, 800], "gap": 0.0086, "z": 1.2}],
            "explained": {"age": "known at application"}}  # fmt: skip
    table = [
        {"method": "beta", "log_loss": 0.07193, "above_best": 0.0, "interval": [0.0, 0.0], "brier": 0.01441}
    ]
    return CARD | {
        "title": {"en": "Default", "zh": "违约"}, "trials": [trial], "leakage": leak,
        "calibration": {"method": "beta", "rows": 4472, "events": 211, "from": "2001-03-14", "table": table,
                        "why": "beta has the least log loss on the as-of days from 2001-03-14 on"},
        "tuning": [{"params": {"num_leaves": 7}, "loss": 0.0721, "gain": 0.00012, "gain_error": 0.00005}],
        "reasons": {"top": 3, "retrainings": 2, "overlap": {"value": 0.603, "low": 0.59, "high": 0.618}},
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terminal_says_whom_the_model_does_not_beat_and_what_was_asked(language: str) -> None:
    lines = card_lines(full_card(), language)
    text = "\n".join(lines)
    order = ["the model", "logistic regression", "Any overdue", "today's policy"]
    order = ["本模型", "逻辑回归", "有逾期", "现行准入政策"] if language == "zh" else order
    places = [next(n for n, line in enumerate(lines) if line.startswith(f"  {name} ")) for name in order]
    assert places == sorted(places)
    assert "284961" not in text
    assert re.search(r" - +(not enough defaults|样本不足)", lines[places[-1]]), "a flat score has no slope"
    short = "未能证明优于逻辑回归" if language == "zh" else "NOT SHOWN TO BE BETTER than Logistic regression"
    assert short in text
    said = ["4,472", "211", "0.00012", "amount 0.710", "0.490", "4,000", "0.012", "0.603 [0.590, 0.618]"]
    assert [part for part in said if part not in text] == []
    if language == "zh":
        assert not re.search(r"has the|least|rows|defaults|features", text)
    blind = full_card()
    blind["leakage"] = {**blind["leakage"], "hindsight_rows": 0}
    assert ("未检验" if language == "zh" else "NOT ASKED") in "\n".join(card_lines(blind, language))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_document_holds_the_findings_of_the_run(tmp_path: Path, language: str) -> None:
    text = markdown(described(tmp_path, bundle(full_card())), language)
    for part in (
        "0.603 [0.590, 0.618]",
        "0.07193",
        "num_leaves 7",
        "0.00012",
        "loans.term",
        "4,000",
        "known at application",
    ):
        assert part in text, part
    assert ("相比现行准入政策显著更优" if language == "zh" else "Better than Today's policy") in text
    assert (
        "与逻辑回归相比" if language == "zh" else "not significantly better than Logistic regression"
    ) in text
    assert "284961" not in text
