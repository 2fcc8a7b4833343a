"""Is the pack honest about its rows, complete, the same twice, and does a wrong model fail it?"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from pack_world import FEATURES, bundle, evidence, people

from riskengine.cli import app
from riskengine.errors import SetupError, UsageError
from riskengine.learning.samples import LabelledRows
from riskengine.learning.spec import ModelSpec
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.registry.requirements import verdict as kept_verdict
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import Bundle
from riskengine.validation import judged_rows, versions
from riskengine.validation.from_card import benchmark_lines, leakage_lines
from riskengine.validation.judged_rows import DEVELOPMENT, HELD_OUT, OUT_OF_TIME, read_stored, stored_rows
from riskengine.validation.pack import Subject, pack
from riskengine.validation.particulars import cuts
from riskengine.validation.sections import SECTIONS
from riskengine.validation.severity import DECIDING, overall

EXACT = {
    "monotone",
    "directions",
    "single_feature",
    "canary",
    "leakage_audit",
    "month_later",
    "after_outcome",
}  # limits that are met or not: nothing is drawn


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle(tmp_path_factory.mktemp("pack") / "b", people(4000, seed=1, start="2015-01-01"))


@pytest.fixture(scope="module")
def told(made: Bundle) -> dict[str, Any]:
    return pack(Subject(3, made), evidence(made, people()))


def lines(told: dict[str, Any], section: str = "") -> list[dict[str, Any]]:
    return [line for one in told["sections"] if section in ("", one["name"]) for line in one["lines"]]


def test_every_section_and_every_line_says_all_that_a_line_says(told: dict[str, Any]) -> None:
    assert [section["name"] for section in told["sections"]] == list(SECTIONS)
    for line in lines(told):
        assert line["verdict"] in ("pass", "fail", "undecidable", "information")
        assert line["n"] > 0
        assert 0 <= line["defaults"] <= line["n"]
        assert line["title"]["zh"]
        if line["verdict"] in ("pass", "fail") and line["test"] not in EXACT:
            assert line["power"] is not None, line["test"]
            assert line["effect"], line["test"]
    tests = {line["test"] for line in lines(told)}
    asked = "auc ks average_precision brier calibration_slope jeffreys binomial_correlated hosmer_lemeshow traffic_light"
    asked += " pluto_tasche_75 segment_auc psi csi monotone vintage vintage_immature benchmark single_feature canary"
    assert set(asked.split()) <= tests


def test_few_lines_decide_and_counts_are_counts(told: dict[str, Any]) -> None:
    for part, chosen in (("deciding", True), ("details", False)):
        said = [line["verdict"] for line in lines(told) if line["deciding"] is chosen]
        assert told[part] == {name: said.count(name) for name in told[part]}
        assert sum(told[part].values()) == len(said)
    deciding = [line for line in lines(told) if line["deciding"]]
    assert {line["test"] for line in deciding} == set().union(*DECIDING.values())
    assert len(deciding) < 20
    assert len(lines(told)) > 100
    for section in told["sections"]:
        chosen = [line["deciding"] for line in section["lines"]]
        assert chosen == sorted(chosen, reverse=True), "those that decide stand first"
    assert told["verdict"] == overall(lines(told)) == "pass", "a true model passes"
    assert told["details"]["undecidable"] > 20, "though many details cannot be judged"


def test_a_detail_never_decides_and_every_deciding_line_does(told: dict[str, Any]) -> None:
    """The rule by brute force: turn each line in turn into each verdict."""
    every = lines(told)
    sound = [{**line, "verdict": "pass" if line["deciding"] else line["verdict"]} for line in every]
    for place, line in enumerate(sound):
        for verdict in ("fail", "undecidable"):
            found = overall([*sound[:place], {**line, "verdict": verdict}, *sound[place + 1 :]])
            if not line["deciding"]:
                expected = "pass"
            elif verdict == "fail":
                expected = "fail"
            else:
                matters = line["test"] in ("auc_gate", "auc_development", "calibration_large")
                expected = "undecidable" if matters else "pass"
            assert found == expected, (line["test"], verdict)
    assert overall([line for line in sound if line["test"] != "calibration_large"]) == "undecidable"


def test_a_known_leak_or_a_better_rival_decides_and_not_to_be_better_does_not(made: Bundle) -> None:
    card = made.card | {"leakage": made.card["leakage"] | {"alone": {"overdue": 0.99}, "hindsight_rows": 900}}
    assert [(x.test, x.verdict) for x in leakage_lines(card, {})][:2] == [
        ("leakage_audit", "fail"),
        ("single_feature", "fail"),
    ]
    blind = made.card | {"leakage": {**made.card["leakage"], "hindsight_rows": 0}}
    assert leakage_lines(blind, {})[0].verdict == "undecidable", "three detectors were not asked"

    def verdicts(**gap: float) -> list[str]:
        trial = made.card["trials"][0] | {"better": {"scorecard": gap}}
        return [line.verdict for line in benchmark_lines({"trials": [trial]})]

    assert verdicts(value=-0.03, low=-0.05, high=-0.01) == ["fail", "fail"]
    assert verdicts(value=0.001, low=-0.005, high=0.007) == ["pass", "information"]
    assert verdicts(value=0.001, low=-0.05, high=0.06) == ["undecidable", "undecidable"]
    assert verdicts(value=0.03, low=0.01, high=0.05) == ["pass", "pass"]


def test_the_same_rows_give_the_same_bytes_whatever_their_order(made: Bundle, told: dict[str, Any]) -> None:
    again = pack(Subject(3, made), evidence(made, people()))
    assert canonical_json(again) == canonical_json(told)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_true_pds_pass_the_calibration_and_halved_odds_fail_it(told: dict[str, Any], tmp_path: Path) -> None:
    def ratio(found: dict[str, Any]) -> dict[str, Any]:
        return next(line for line in lines(found, "calibration") if line["test"] == "calibration_large")

    low = bundle(tmp_path / "b", people(4000, seed=1, start="2015-01-01"), shift=float(np.log(0.5)))
    wrong = pack(Subject(4, low), evidence(low, people()))
    assert ratio(told)["verdict"] != "fail"
    assert abs(ratio(told)["value"] - 1) < 0.2
    assert ratio(wrong)["verdict"] == "fail"
    assert wrong["verdict"] == "fail"
    assert next(line for line in lines(wrong, "grades") if line["test"] == "jeffreys")["verdict"] == "fail"


def test_young_vintages_are_shown_and_never_judged(told: dict[str, Any]) -> None:
    section = next(one for one in told["sections"] if one["name"] == "vintages")
    young = [row["vintage"] for row in section["figures"]["vintages"] if not row["mature"]]
    assert young
    assert all(0 < row["followed"] <= 1 for row in section["figures"]["vintages"])
    judged = {line["scope"] for line in section["lines"] if line["verdict"] != "information"}
    assert judged.isdisjoint({f"vintage:{name}" for name in young})


def test_another_version_is_compared_only_where_neither_had_learned(made: Bundle, tmp_path: Path) -> None:
    learned = people(4000, seed=2, start="2015-01-01")
    late = bundle(tmp_path / "late", learned, last_as_of="2021-12-31")
    ever = bundle(tmp_path / "ever", learned, last_as_of="2023-12-31")
    rows = people()
    fair = pack(Subject(3, made), evidence(made, rows, other=Subject(2, late)))
    section = next(one for one in fair["sections"] if one["name"] == "swap")
    assert section["figures"]["rows"] == int((rows["as_of"] > "2021-12-31").sum())
    assert {line["n"] for line in section["lines"] if line["test"] == "rank_correlation"} == {
        section["figures"]["rows"]
    }
    flattered = pack(Subject(3, made), evidence(made, rows, other=Subject(2, ever)))
    section = next(one for one in flattered["sections"] if one["name"] == "swap")
    assert section["lines"] == []
    assert "learned" in section["figures"]["missing"]["en"]


def taken_of(made: Bundle, rows: pd.DataFrame) -> LabelledRows:
    return LabelledRows(rows, Recipe.from_json(made.recipe), ModelSpec.model_validate(made.spec))


def parts_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = rows.rename(columns={"id": "subject"}).assign(raw=rows["odds"], pd=1 / (1 + np.exp(-rows["odds"])))
    kept = rows[["subject", "as_of", "raw", "pd"]].assign(score_scorecard=rows["raw"] * 0.5)
    return {DEVELOPMENT: kept[:900], HELD_OUT: kept[900:1100], OUT_OF_TIME: kept[1100:]}


def test_stored_rows_come_back_as_they_were(made: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = people()
    taken, parts = taken_of(made, rows), parts_of(rows)
    content = stored_rows(parts, taken)
    mixed = {name: part.sample(frac=1, random_state=1) for name, part in parts.items()}
    assert stored_rows(mixed, taken_of(made, rows.sample(frac=1, random_state=2))) == content
    back = read_stored(content)
    assert {name: len(part) for name, part in back.items()} == {
        name: len(part) for name, part in parts.items()
    }
    joined = back[OUT_OF_TIME].merge(rows, on="id", suffixes=("", "_was"))
    assert (joined["label"] == joined["label_was"]).all()
    assert (joined["overdue"] == joined["overdue_was"]).all()
    monkeypatch.setattr(judged_rows, "_DEVELOPMENT_ROWS", 300)
    twice = rows.assign(group=[name[:-1] for name in rows["id"]])  # ten rows a borrower
    fewer = read_stored(stored_rows(parts, taken_of(made, twice)))[DEVELOPMENT]
    assert 200 < len(fewer) <= 330
    assert (fewer.groupby("group").size() == 10).all()
    with pytest.raises(UsageError, match="1 others"):
        stored_rows(
            {OUT_OF_TIME: parts[OUT_OF_TIME].assign(subject=["?", *parts[OUT_OF_TIME]["subject"][1:]])}, taken
        )


def test_days_it_learned_from_are_refused(made: Bundle) -> None:
    with pytest.raises(UsageError, match="2020-01-01 or later"):
        judged_rows.judged_rows(None, made, None, (date(2019, 12, 31), None, date(2024, 1, 1)))  # type: ignore[arg-type]


def test_later_rows_judge_where_there_are_any_and_stored_ones_else(
    made: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = people().assign(mature=lambda rows: rows["as_of"] < "2022-07-01")
    stored = stored_rows(parts_of(people(seed=6)), taken_of(made, people(seed=6)))
    project: Any = SimpleNamespace(store=Path("nowhere"))
    monkeypatch.setattr(judged_rows, "labelled_rows", lambda *_: taken_of(made, later))
    asked = (None, None, date(2024, 1, 1))
    found = judged_rows.judged_rows(project, made, stored, asked)
    assert found.origin == "later"
    assert len(found.rows) == int(later["mature"].sum())
    assert set(found.tail["id"]) == set(later["id"]) - set(found.rows["id"])
    assert len(found.development) == 900
    monkeypatch.setattr(judged_rows, "labelled_rows", lambda *_: taken_of(made, later.assign(mature=False)))
    found = judged_rows.judged_rows(project, made, stored, asked)
    assert found.origin == "stored"
    assert len(found.rows) == 400
    assert len(found.held_out) == 200
    assert not found.held_out_only
    assert np.allclose(
        found.rows["pd"], 1 / (1 + np.exp(-found.rows["raw"]))
    )  # as the test's model scored them
    few = later.assign(
        mature=later["id"].isin(later.loc[later["label"] == 1, "id"][:20])
        | later["id"].isin(later["id"][:50])
    )
    few.loc[few["mature"] & (few.groupby("label").cumcount() >= 25), "mature"] = False
    monkeypatch.setattr(judged_rows, "labelled_rows", lambda *_: taken_of(made, few))
    assert (
        judged_rows.judged_rows(project, made, stored, asked).origin == "stored"
    )  # too few defaults came later
    named = (date(2021, 1, 1), None, date(2024, 1, 1))
    assert (
        judged_rows.judged_rows(project, made, stored, named).origin == "later"
    )  # but who names days gets them
    monkeypatch.setattr(judged_rows, "labelled_rows", lambda *_: taken_of(made, later.assign(mature=False)))
    with pytest.raises(SetupError, match="retrain loan_pd"):
        judged_rows.judged_rows(project, made, None, asked)
    with pytest.raises(SetupError, match="mature up to"):
        judged_rows.judged_rows(project, made, stored, (date(2022, 1, 1), None, date(2024, 1, 1)))


def test_no_row_that_was_learned_from_judges_though_the_store_gives_it(
    made: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = people(start="2019-06-01")
    monkeypatch.setattr(judged_rows, "labelled_rows", lambda *_: taken_of(made, early))
    project: Any = SimpleNamespace(store=Path("nowhere"))
    found = judged_rows.judged_rows(project, made, None, (None, None, date(2024, 1, 1)))
    assert found.rows["as_of"].min() > pd.Timestamp("2019-12-31")
    assert len(found.rows) < len(early)


def test_dimensions_are_groups_of_subjects(made: Bundle) -> None:
    rows = people(300)
    details = pd.DataFrame(
        {"bank": [f"bank {n % 40}" for n in range(300)], "case": rows["id"], "money": np.arange(300.0)}
    )
    found = cuts(details, rows)
    assert sorted(found) == ["bank", "size", "vintage"]  # `case` names one subject
    assert len(set(found["bank"])) == 26
    assert "(others)" in set(found["bank"])
    assert [int((found["size"] == name).sum()) for name in sorted(set(found["size"]))] == [76, 75, 75, 74]
    assert FEATURES[0] not in found


def test_which_version_is_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(number: int, *aliases: str) -> Any:
        return SimpleNamespace(version=number, aliases=aliases)

    registry: Any = None
    known = [version(1), version(2, "champion"), version(3, "challenger"), version(4)]
    monkeypatch.setattr(versions, "versions", lambda *_: known)
    monkeypatch.setattr(versions, "find_version", lambda _registry, _model, number: known[number - 1])
    asked = versions.Asked
    assert versions.chosen(registry, asked("m")).version == 3
    assert versions.chosen(registry, asked("m", alias="champion")).version == 2
    assert versions.chosen(registry, asked("m", version=1)).version == 1
    with pytest.raises(UsageError, match="one of them"):
        versions.chosen(registry, asked("m", version=1, alias="champion"))
    del known[1:3]
    assert versions.chosen(registry, asked("m")).version == 4
    with pytest.raises(SetupError, match="no alias yet"):
        versions.chosen(registry, asked("m", alias="champion"))


def test_held_out_rows_are_not_compared_with_the_cards_figure_of_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cross-section: its training kept held-out borrowers alone, and the card's AUC is theirs."""
    trials = [
        {"name": name, "rows": 400, "events": 60, "figures": {"model": {"auc": {"value": 0.75, "low": 0.7, "high": 0.8}}}}
        for name in ("out_of_time", "held_out")
    ]  # fmt: skip
    made = bundle(tmp_path / "b", people(2000, seed=1, start="2015-01-01"), trials=trials)
    rows = people(seed=6)
    monkeypatch.setattr(
        judged_rows, "labelled_rows", lambda *_: taken_of(made, people().assign(mature=False))
    )
    project: Any = SimpleNamespace(store=Path("nowhere"))
    parts = parts_of(rows)
    alone = {HELD_OUT: parts[OUT_OF_TIME], DEVELOPMENT: parts[DEVELOPMENT]}
    asked = {}
    for name, kept in (("both", parts), ("cross-section", alone)):
        judged = judged_rows.judged_rows(
            project, made, stored_rows(kept, taken_of(made, rows)), (None, None, date(2024, 1, 1))
        )
        assert judged.held_out_only is (name == "cross-section")
        found = pack(Subject(1, made), replace(evidence(made, rows), judged=judged))
        asked[name] = {line["test"] for line in lines(found, "discrimination")}
    assert asked["both"] - asked["cross-section"] == {"auc_development"}
    assert "auc_gate" in asked["cross-section"]


@pytest.mark.parametrize(
    ("subject", "hazard", "day"),
    [
        ("applicant", None, "2019-12-31"),
        ("guarantee", None, "2020-12-31"),
        ("applicant", {"lifetime": "36m"}, "2020-12-31"),
        ("guarantee", {"lifetime": "36m"}, "2020-12-31"),
    ],
)
def test_a_hazard_has_learned_up_to_its_training(subject: str, hazard: object, day: str) -> None:
    """It learns from the months lived through by then, of loans whose horizon is still open."""
    card = {"trained_as_of": "2020-12-31", "last_as_of": "2019-12-31"}
    made: Any = SimpleNamespace(spec={"subject": subject, "hazard": hazard}, card=card)
    assert str(judged_rows.learned_to(made)) == day


def test_a_chosen_window_never_lies_where_the_promotion_looks(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "p"
    (root / "configs").mkdir(parents=True)
    for name in ("features", "models"):
        (root / name).mkdir()
    (root / "configs" / "environment.toml").write_text(
        'name = "t"\ncurrency = "CNY"\n[title]\nen = "T"\nzh = "测"\n', encoding="utf-8"
    )
    project = Project(root)
    verdicts = {}

    def judged(_: Project, asked: versions.Asked) -> dict[str, Any]:
        return {**told, "verdict": "pass" if asked.chose_days else "fail"}

    monkeypatch.setattr(versions, "validated", judged)
    monkeypatch.setattr("riskengine.reports.validation_page.render", lambda *_: b"")

    def run(*words: str) -> Result:
        done = CliRunner().invoke(app, ["--project", str(root), "validate", "loan_pd", *words])
        verdicts[words] = kept_verdict(project.store, told["bundle"])
        return done

    chosen = ("--from", "2021-06-01")
    done = run(*chosen)
    assert done.exit_code == 0, done.output
    assert verdicts[chosen] is None, "no pack lies where the gate looks"
    assert "does not count for a promotion" in done.output
    whole = project.store / "validations" / told["bundle"]
    assert (whole / "2021-06-01_2022-12-31_2025-01-15" / "pack.json").is_file()
    assert "promotion" not in run().output
    first = verdicts[()]
    assert first is not None
    assert first["verdict"] == "fail"
    for words in (chosen, ("--to", "2022-06-30"), ("--known", "2024-12-31"), (*chosen, "--json")):
        assert run(*words).exit_code == 0
        assert verdicts[words] == first, "a window that passes does not replace the whole that failed"
    for words in (("--out", str(whole)), ("--out", str(whole / "x" / ".."))):
        done = run(*chosen, *words)
        assert isinstance(done.exception, UsageError | SystemExit)
        assert verdicts[(*chosen, *words)] == first
    run("--known", "2024-12-31", "--out", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "pack.json").is_file()


def test_the_pack_of_another_bundle_is_no_verdict(told: dict[str, Any], tmp_path: Path) -> None:
    versions.write_pack(tmp_path / "validations" / told["bundle"], told, b"")
    versions.write_pack(tmp_path / "validations" / ("0" * 64), told, b"")
    said = [kept_verdict(tmp_path, name) for name in (told["bundle"], "0" * 64)]
    assert [one["verdict"] for one in said if one] == ["pass", "of another bundle"]
