"""What does a person read who misspelt a definition, and do applicants' own rows count as stored ones would?"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from small_world import Row, catalogue_of, compute, store_rows, write_project

from riskengine.errors import UsageError
from riskengine.profile import count, field, latest, total
from riskengine.profile.compute import Overlay, Subject
from riskengine.profile.plan import compile_recipe

HEAD = "from riskengine.profile import *\n"


def _problems(tmp_path: Path, features: str) -> list[str]:
    catalogue = catalogue_of(write_project(tmp_path, HEAD + features))
    return [str(problem) for problem in catalogue.problems()]


def test_all_misspellings_are_listed_at_once_with_the_nearest(tmp_path: Path) -> None:
    text = """
a = count("leger", by="one").named("", "")
b = total("ledger.mony", by="one").named("", "")
c = count("ledger", by="pairr").named("", "")
d = count("ledger", by="one", where=field("wrod").equals("x")).named("", "")
e = total("ledger.word", by="one").named("", "")
f = count("ledger", by="one").named("", "")
"""
    catalogue = catalogue_of(write_project(tmp_path, HEAD + text))
    with pytest.raises(UsageError) as caught:
        compile_recipe(catalogue, ["f"])
    shown = [str(problem) for problem in caught.value.problems]
    assert len(shown) == 5
    assert "features/all.py: a" in shown[0]
    assert "Did you mean 'ledger'?" in shown[0]
    assert "Did you mean 'money'?" in shown[1]
    assert "Did you mean 'pair'?" in shown[2]
    assert "Did you mean 'word'?" in shown[3]
    assert "word is text" in shown[4]


def test_the_sampling_design_is_refused(tmp_path: Path) -> None:
    (found,) = _problems(tmp_path, 'a = latest("drawn.number", by="one").named("", "")')
    assert "depends on the outcome" in found


def test_an_ignored_column_says_why(tmp_path: Path) -> None:
    (found,) = _problems(tmp_path, 'a = latest("ledger.Term", by="one").named("", "")')
    assert "rewritten after the outcome" in found


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ('latest("ledger.word", by="one") + 1', "a text"),
        ('latest("ledger.day", by="one") - latest("ledger.happened", by="one")', "a date"),
        ('latest("ledger.money", by="one").equals("x")', "one kind on both sides"),
        ('latest("ledger.word", by="one") > latest("ledger.k2", by="one")', "a text"),
        ('elapsed_days(latest("ledger.money", by="one"))', "a date for elapsed_days"),
        ('log1p(latest("ledger.day", by="one"))', "a number for log1p"),
        ('code(latest("ledger.money", by="one"), {"1": 1})', "a text for code"),
        ('count("ledger", by="one", where=field("money").equals("x"))', "a number to compare ledger.money"),
        ('count("ledger", by="one", where=field("yes").equals(1))', "a flag to compare ledger.yes"),
        ('count("ledger", by="one", where=field("day").equals("May"))', "YYYY-MM-DD"),
        ('count("ledger", by="one", where=field("word").within("a", 1))', "a text to compare ledger.word"),
    ],
)
def test_kinds_that_do_not_fit_are_named_before_anything_runs(
    tmp_path: Path, feature: str, said: str
) -> None:
    found = _problems(tmp_path, f'a = ({feature}).named("", "")')
    assert len(found) == 1
    assert said in found[0]


def test_verbs_refuse_the_wrong_form() -> None:
    for wrong in (
        lambda: count("ledger.money", by="one"),
        lambda: total("ledger", by="one"),
        lambda: latest("ledger", by="one", where=field("x") > 1),
        lambda: count("ledger", by="one", window="soon"),
        lambda: count("ledger", by="one", window="0d"),
    ):
        with pytest.raises(UsageError) as caught:
            wrong()
        assert caught.value.problems


def test_one_feature_has_one_name_and_its_own_file(tmp_path: Path) -> None:
    project = write_project(tmp_path, HEAD + 'a = count("ledger", by="one").named("", "")\nb = a')
    with pytest.raises(UsageError, match="one name for one feature"):
        _ = catalogue_of(project).features
    other = write_project(tmp_path / "other", HEAD + 'a = count("ledger", by="one").named("", "")')
    (other.root / "features/aaa.py").write_text(
        'from riskengine.profile import ratio\nfrom .all import a\nc = ratio(a, a).named("", "")\n'
    )
    features = catalogue_of(other).features
    assert {name: room for name, (room, _) in features.items()} == {"c": "aaa", "a": "all"}
    with pytest.raises(UsageError, match="No such feature"):
        catalogue_of(other).feature("aa")


OWN = (
    HEAD
    + """
n = count("brought", by="one").named("", "")
amount = total("brought.money", by="one", window="12m").named("", "")
average = mean("brought.number", by="one").named("", "")
slope = trend("brought.money", by="one", window="2y").named("", "")
spread = volatility("brought.money", by="one", window="2y").named("", "")
word = latest("brought.word", by="one").named("", "")
opening = first("brought.word", by="one").named("", "")
mine = latest("brought.money", by="own").named("", "")
everyone = count("brought", by="all").named("", "")
other = count("ledger", by="one").named("", "")
"""
)
AS_OF = date(2024, 2, 29)


def _facts(number: int, days: int, key: str) -> Row:
    values = {
        "id": key,
        "k1": "x",
        "money": Decimal(number) / 3 // Decimal("0.01") / 100,
        "number": number / 7,
        "word": key,
    }
    return Row(AS_OF - timedelta(days=days), AS_OF - timedelta(days=days), values, 1, number)


def test_brought_rows_count_as_the_same_rows_stored(tmp_path: Path) -> None:
    """Also an own row older than a stored one: the clocks order them, not where they came from."""
    catalogue = catalogue_of(write_project(tmp_path / "p", OWN))
    recipe = compile_recipe(catalogue, catalogue.features)
    stored = [_facts(10, 200, "s1"), _facts(20, 40, "s2"), _facts(30, 0, "s3")]
    for days in (0, 10, 100, 300):
        own = _facts(40, days, "mine")
        keys = {"id": "mine", "k1": "x"}
        cells = {**own.values, "event_date": own.event, "known_at": own.known}
        apart = compute(
            store_rows(tmp_path / f"a{days}", {"brought": stored}), recipe, [Subject(AS_OF, keys, True)],
            Overlay({"brought": [(0, cells)]}),
        )  # fmt: skip
        together = compute(
            store_rows(tmp_path / f"b{days}", {"brought": [*stored, own]}), recipe, [Subject(AS_OF, keys)]
        )
        assert apart == together
        assert apart[0]["mine"] == float(own.values["money"])


def test_an_applicant_replaces_its_own_stored_row_and_sees_no_other_applicant(tmp_path: Path) -> None:
    catalogue = catalogue_of(write_project(tmp_path / "p", OWN))
    recipe = compile_recipe(catalogue, catalogue.features)
    snapshot = store_rows(tmp_path / "s", {"brought": [_facts(10, 200, "s1"), _facts(20, 40, "s2")]})
    subjects, brought = [], []
    for number, key in enumerate(("s2", "new", "third")):
        own = _facts(50 + number, 0, key)
        subjects.append(Subject(AS_OF, {"id": key, "k1": "x"}, True))
        brought.append((number, {**own.values, "event_date": own.event, "known_at": own.known}))
    together = compute(snapshot, recipe, subjects, Overlay({"brought": brought}))
    alone = [
        {**compute(snapshot, recipe, [subject], Overlay({"brought": [(0, cells)]}))[0], "subject": number}
        for number, (subject, (_, cells)) in enumerate(zip(subjects, brought, strict=True))
    ]
    assert together == alone
    assert [row["n"] for row in together] == [2, 3, 3]  # s2 stands in for its stored self
    assert [row["word"] for row in together] == ["s2", "new", "third"]


def test_sums_of_the_largest_amounts_are_exact(tmp_path: Path) -> None:
    """Money up to what intake accepts (below 10^16), whole numbers of 18 digits, statistics in the trillions."""
    text = HEAD + "\n".join(
        f'{verb}_{column} = {verb}("ledger.{column}", by="one", window="2y").named("", "")'
        for verb in ("total", "mean", "trend", "volatility")
        for column in ("money", "whole_number", "number")
    )
    catalogue = catalogue_of(write_project(tmp_path / "p", text))
    recipe = compile_recipe(catalogue, [name for name in catalogue.features if "volatility" not in name])
    large = [Decimal("9999999999999998.99"), Decimal("0.01"), Decimal("-9999999999999998.99")]
    rows = [
        Row(
            AS_OF - timedelta(days=40 * n),
            AS_OF,
            {"id": str(n), "k1": "x", "money": money, "whole_number": 10**18, "number": 2.5e13},
            1,
            n,
        )
        for n, money in enumerate(large)
    ]
    (row,) = compute(store_rows(tmp_path / "s", {"ledger": rows}), recipe, [Subject(AS_OF, {"k1": "x"})])
    assert row["total_money"] == 0.01
    assert row["total_whole_number"] == 3e18
    assert row["total_number"] == 7.5e13
    assert row["trend_number"] == 0
    assert row["trend_money"] > 0
    plain = compile_recipe(catalogue, ["volatility_money", "volatility_number"])
    modest = [
        Row(AS_OF, AS_OF, {"id": str(n), "k1": "x", "money": Decimal(10**12 + n), "number": 1e12}, 1, n)
        for n in range(3)
    ]
    (row,) = compute(store_rows(tmp_path / "m", {"ledger": modest}), plain, [Subject(AS_OF, {"k1": "x"})])
    assert row["volatility_number"] == 0
