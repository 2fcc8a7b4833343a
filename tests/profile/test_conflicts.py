"""Where sources disagree, is it said which value counts and by how much, as the verb `spread` has it?"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from small_world import Row, catalogue_of, compute, same, store_rows, write_project

from riskengine.errors import UsageError
from riskengine.profile.card import profile_card
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.conflicts import ledger, read_conflicts
from riskengine.profile.plan import compile_recipe
from riskengine.reports import profile_card as report

FEATURES = """from riskengine.profile import *
tax = latest("ledger.money", by="one").named("Sales by tax", "税")
book = latest("patchy.money", by="one").named("Sales by annual report", "年报")
said = latest("brought.money", by="one").named("Sales as declared", "自报")
word = latest("ledger.word", by="one").named("Word", "字")
apart = spread(tax, book, said).named("Spread", "差")
"""
ITEM = """
[sales]
title = { en = "Annual sales", zh = "年销售额" }
tolerance = [{ from = 2020-01-01, value = 0.2, reference = "r" }, { from = 2024-02-01, value = 0.5, reference = "r" }]
note = { en = "Ask which is right", zh = "核实口径" }
[[sales.values]]
feature = "tax"
kind = "tax"
source = { en = "Tax", zh = "税务" }
[[sales.values]]
feature = "book"
kind = "annual_report"
source = { en = "Annual report", zh = "年报" }
[[sales.values]]
feature = "said"
kind = "self_declared"
source = { en = "Declared", zh = "自报" }
"""
DAY = date(2024, 1, 15)


def _project(root: Path, conflicts: str = ITEM) -> Catalogue:
    catalogue = catalogue_of(write_project(root, FEATURES))
    (root / "configs/conflicts.toml").write_text(conflicts, encoding="utf-8")
    return catalogue


def _row(key: str, money: str | None, known: date = DAY) -> Row:
    return Row(DAY, known, {"id": key, "k1": key, "money": None if money is None else Decimal(money)})


def test_the_ledger_chooses_by_precedence_and_is_the_spread_feature(tmp_path: Path) -> None:
    catalogue = _project(tmp_path)
    items = read_conflicts(catalogue)
    recipe = compile_recipe(catalogue, catalogue.features, lineage=True)
    cases = {  # tax, annual report, declared -> which counts, spread, verdict at 0.2, verdict at 0.5
        "a": ("100", "130", None, "tax", 0.3, "conflict", "agreed"),
        "b": ("100", "120", None, "tax", 0.2, "agreed", "agreed"),
        "c": (None, "50", "100", "book", 1.0, "conflict", "conflict"),
        "d": ("0", "50", "100", "tax", None, "not comparable", "not comparable"),
        "e": (None, None, "7", "said", None, "not comparable", "not comparable"),
        "f": (None, None, None, None, None, "not comparable", "not comparable"),
        "g": ("-100", "100", "0", "tax", 2.0, "conflict", "conflict"),
    }
    told = {source: [_row(k, case[n]) for k, case in cases.items()] for n, source in enumerate(("ledger", "patchy", "brought"))}  # fmt: skip
    snapshot = store_rows(tmp_path / "var", told)
    for number, day in enumerate((date(2024, 1, 31), date(2024, 2, 1))):
        rows = compute(snapshot, recipe, [Subject(day, {"k1": key}) for key in cases])
        for case, row in zip(cases.values(), rows, strict=True):
            (entry,) = ledger(items, row, day)
            assert (entry.chosen.feature if entry.chosen else None) == case[3]
            assert same(entry.spread, case[4])
            assert same(entry.spread, row["apart"])
            assert entry.verdict == case[5 + number]
            assert entry.tolerance == (0.2, 0.5)[number]
            assert [value.known_at for value in entry.values] == [DAY] * 3
            (bare,) = ledger(items, {name: row[name] for name in recipe.names}, day)
            assert bare.verdict == entry.verdict
            assert bare.values[0].known_at is None
    (before,) = ledger(items, rows[0], date(2019, 1, 1))
    assert (before.tolerance, before.verdict) == (None, "not comparable")


def test_no_file_is_no_items_and_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    assert read_conflicts(catalogue_of(write_project(tmp_path / "none", FEATURES))) == {}
    wrong = (
        ITEM.replace('"tax"\nkind = "tax"', '"taxx"\nkind = "market"').replace('"book"', '"word"')
        + '[staff]\ntitle = { en = "s", zh = "s" }\ntolerance = []\nvalues = []\nwords = 1\n'
    )
    with pytest.raises(UsageError) as caught:
        read_conflicts(_project(tmp_path / "wrong", wrong))
    shown = "\n".join(str(problem) for problem in caught.value.problems)
    assert "a defined feature, got 'taxx'. Did you mean 'tax'?" in shown
    assert "features that are numbers, got 'word'" in shown
    assert "in order of precedence (annual_report, self_declared, market), got market, annual_report" in shown
    assert "staff: words" in shown
    assert "staff: tolerance" in shown
    assert "staff: values" in shown


def test_the_card_shows_the_ledger_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = _project(tmp_path)
    store_rows(tmp_path / "var", {"ledger": [_row("x", "100")], "patchy": [_row("x", "150")], "brought": [_row("x", None)]})  # fmt: skip
    card = profile_card(catalogue.project, "x", date(2024, 1, 31))
    (entry,) = json.loads(json.dumps(card.to_json(), default=str))["conflicts"]
    assert (entry["item"], entry["verdict"], entry["chosen"], entry["spread"]) == (
        "sales",
        "conflict",
        "tax",
        0.5,
    )
    assert entry["values"][1]["value"] == 150
    monkeypatch.setattr(report, "Console", lambda: Console(width=160))
    for language, said in (("en", ("x  as of 2024-01-31  (snapshot", "Annual sales", "conflict", "0.5", "Ask which is right")), ("zh", ("x  截至 2024-01-31（快照", "年销售额", "不一致", "核实口径"))):  # fmt: skip
        report.print_card(card, language)
        shown = capsys.readouterr().out
        assert all(text in shown for text in said), shown
