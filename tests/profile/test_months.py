"""Do `months=n` mean the last n whole calendar months that had ended by then, whatever the day?"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_world import Oracle, Row, catalogue_of, compute, same, store_rows, write_project

from riskengine.clock import month_ends
from riskengine.errors import UsageError
from riskengine.profile import (
    change,
    change_months,
    count,
    longest_gap,
    total,
    trend,
    volatility,
    year_on_year,
)
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject
from riskengine.profile.expressions import Aggregate, aggregates
from riskengine.profile.plan import compile_recipe
from riskengine.profile.recipe import Recipe

LENGTHS = (1, 2, 3, 6, 12, 24)
AGOS = ("0d", "1d", "30d", "31d", "45d", "60d", "1m", "12m")
CHOSEN = [(n, ago, earlier) for n in LENGTHS for ago in AGOS for earlier in (0, 1, 12)]
COUNTS = "\n".join(
    f'n{number} = count("ledger", by="one", months={n}, ago="{ago}", earlier={earlier}).named("n", "n")'
    for number, (n, ago, earlier) in enumerate(CHOSEN)
)
VALUES = """
sum_3 = total("ledger.whole_number", by="one", months=3, ago="30d").named("n", "n")
sum_12 = total("ledger.money", by="one", months=12, ago="45d").named("n", "n")
old_sum = total("ledger.money", by="one", months=12, ago="30d", earlier=6).named("n", "n")
average = mean("ledger.whole_number", by="one", months=6, ago="40d").named("n", "n")
slope = trend("ledger.whole_number", by="one", months=6, ago="1m").named("n", "n")
spread_out = volatility("ledger.whole_number", by="one", months=12).named("n", "n")
last = latest("ledger.whole_number", by="one", months=1, ago="30d").named("n", "n")
gap = longest_gap("ledger", by="one", months=3, ago="30d").named("n", "n")
distinct_months = months_with("ledger", by="one", months=12, ago="30d").named("n", "n")
yoy = year_on_year("ledger.whole_number", by="one", months=3, ago="30d").named("n", "n")
yoy_1 = year_on_year("ledger.whole_number", by="one", months=1, ago="60d").named("n", "n")
changed = change_months("ledger.whole_number", by="one", over=12, ago="30d").named("n", "n")
beside_a_window = (total("ledger.money", by="one", window="3m", ago="30d") - total("ledger.money", by="one", months=3, ago="30d")).named("n", "n")
sparse = count("patchy", by="one", months=2, ago="30d").named("n", "n")
over_there = total("ledger.whole_number", by="one", months=3, ago="30d", through="out").named("n", "n")
"""
# Fifteen years of month ends; each is a fact.
MONTHS = month_ends(date(2012, 1, 1), date(2026, 12, 31))


def _row(number: int, event: date, key: str = "x", known: date | None = None) -> Row:
    values = {
        "id": f"{key}{number}",
        "k1": key,
        "money": number,
        "whole_number": (number * 37) % 101,
        "word": "甲",
    }
    return Row(event, known or event, values, 1, number + 1000 * (key == "y"))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    head = "from riskengine.profile import *"
    return catalogue_of(write_project(tmp_path_factory.mktemp("months"), "\n".join([head, COUNTS, VALUES])))


@pytest.fixture(scope="module")
def recipe(catalogue: Catalogue) -> Recipe:
    return compile_recipe(catalogue, catalogue.features, lineage=True)


@pytest.fixture(scope="module")
def some(catalogue: Catalogue) -> Recipe:
    """Every value and a few of the counts: the slow reading is slow."""
    counts = [f"n{number}" for number in range(0, len(CHOSEN), 25)]
    values = [name for name in catalogue.features if not name[1:].isdigit()]
    return compile_recipe(catalogue, values + counts, lineage=True)


def test_exactly_n_month_ends_are_inside_on_every_day_of_four_years(recipe: Recipe, tmp_path: Path) -> None:
    snapshot = store_rows(tmp_path, {"ledger": [_row(n, day) for n, day in enumerate(MONTHS)]})
    days = [date(2023, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1)]  # 29 February 2024 among them
    assert days[-1] == date(2026, 12, 31)
    counts = compile_only(recipe, "n")
    wrong = [
        (day, CHOSEN[number], row[f"n{number}"])
        for day, row in zip(
            days, compute(snapshot, recipe, [Subject(day, {"k1": "x"}) for day in days]), strict=True
        )
        for number in counts
        if row[f"n{number}"] != CHOSEN[number][0]
    ]
    assert not wrong, (len(wrong), wrong[:3])


def compile_only(recipe: Recipe, letter: str) -> list[int]:
    """The numbers of the counting features."""
    return [int(name[1:]) for name in recipe.names if name[0] == letter and name[1:].isdigit()]


_ENDS = st.sampled_from(
    [
        day + timedelta(days=shift)
        for day in month_ends(date(2022, 1, 1), date(2026, 12, 31))
        for shift in (-2, -1, 0, 1, 2)
    ]
)
_ANY = st.dates(date(2022, 1, 1), date(2026, 12, 31))


_WORLD = st.fixed_dictionaries(
    {
        "days": st.lists(st.one_of(_ENDS, _ANY), min_size=8, max_size=14),
        "lags": st.lists(st.sampled_from([0, 12, 20, 30, 45, 90]), min_size=12, max_size=12),
        "gaps": st.sets(st.integers(0, len(MONTHS) - 1), max_size=20),
        "odd": st.lists(st.tuples(st.one_of(_ENDS, _ANY), st.sampled_from([0, 5, 31])), max_size=12),
    }
)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(_WORLD)
def test_whole_months_are_what_a_slow_reading_says(
    catalogue: Catalogue, some: Recipe, world: dict[str, Any]
) -> None:
    """Month-end facts that become known late, some missing, and facts on any other day; for one key and those it leads to."""
    months = [
        _row(n, day, key, day + timedelta(days=world["lags"][n % 12]))
        for key in "xy"
        for n, day in enumerate(MONTHS)
        if n not in world["gaps"] and day.year > 2019
    ]
    months += [
        _row(500 + n, day, "x", day + timedelta(days=lag)) for n, (day, lag) in enumerate(world["odd"])
    ]
    edge = Row(date(2020, 1, 1), date(2020, 1, 1), {"id": "e", "k1": "x", "g_key": "y"}, 1, 1)
    rows = {"ledger": months, "patchy": [row for row in months if row.row % 5 == 0], "edges": [edge]}
    subjects = [Subject(day, {"k1": "x"}) for day in world["days"]]
    with tempfile.TemporaryDirectory() as folder:
        got = compute(store_rows(Path(folder), rows), some, subjects)
    for subject, values in zip(subjects, got, strict=True):
        oracle = Oracle(rows, catalogue.sources, catalogue.subjects.keys, subject)
        for name in some.names:
            wanted = oracle.value(catalogue.feature(name))
            assert same(values[name], wanted, 1e6), (name, subject.as_of, values[name], wanted)
        _check_lineage(oracle, catalogue, values)


def _check_lineage(oracle: Oracle, catalogue: Catalogue, values: dict[str, object]) -> None:
    """The newest event and knowledge of a sum are those of the facts it holds."""
    (aggregate,) = aggregates(catalogue.feature("sum_3"))
    rows = [
        row for row in oracle.facts("ledger") if row.get("k1") == "x" and oracle.inside(aggregate, row.event)
    ]
    assert values["sum_3__event"] == max((row.event for row in rows), default=None)
    assert values["sum_12__event"] is None or values["sum_12__event"] <= oracle.subject.as_of  # type: ignore[operator]
    assert (values["sum_3__known"] is None) == (not rows)


def test_by_hand(recipe: Recipe, tmp_path: Path) -> None:
    """On 31 May 2024 three months that have ended by 1 May are February to April; a window of three months holds four."""
    values = dict(
        zip(
            [day.isoformat() for day in month_ends(date(2023, 1, 1), date(2024, 5, 31))],
            range(1, 18),
            strict=True,
        )
    )
    rows = [
        Row(
            date.fromisoformat(day),
            date.fromisoformat(day),
            {"id": day, "k1": "x", "money": n, "whole_number": n},
            1,
            n,
        )
        for day, n in values.items()
    ]
    asked = ["2024-05-31", "2024-05-30", "2024-03-30", "2024-03-29"]
    subjects = [Subject(date.fromisoformat(day), {"k1": "x"}) for day in asked]
    got = compute(store_rows(tmp_path, {"ledger": rows}), recipe, subjects)
    assert [row["sum_3"] for row in got] == [14 + 15 + 16, 14 + 15 + 16, 12 + 13 + 14, 11 + 12 + 13]
    assert got[0]["beside_a_window"] == 13  # January, the fourth month of (30 January, 1 May]
    assert got[0]["yoy"] == pytest.approx(45 / (2 + 3 + 4) - 1)
    assert got[2]["yoy"] is None or got[2]["yoy"] == pytest.approx(
        39 / (1 + 2) - 1
    )  # December 2022 is not there
    assert [row["changed"] for row in got] == [12, 12, 12, 12]  # month for month, on any day
    assert got[0]["sum_3__event"] == date(2024, 4, 30)


def test_a_year_before_holds_the_same_months_even_where_days_do_not(recipe: Recipe, tmp_path: Path) -> None:
    """1 March less 30 days is 31 January in a leap year and 30 January before it: whose last month end is December."""
    rows = [_row(n, day) for n, day in enumerate(MONTHS)]
    snapshot = store_rows(tmp_path, {"ledger": rows})
    got = compute(snapshot, recipe, [Subject(date(2024, 3, 1), {"k1": "x"})])[0]
    by_month = {row.event: row.get("whole_number") for row in rows}
    now = sum(by_month[day] for day in (date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 31)))
    then = sum(by_month[day] for day in (date(2022, 11, 30), date(2022, 12, 31), date(2023, 1, 31)))
    assert got["yoy"] == pytest.approx(now / then - 1)
    assert got["changed"] == by_month[date(2024, 1, 31)] - by_month[date(2023, 1, 31)]


def test_features_without_months_are_what_they_were() -> None:
    """Their values carry no trace of the new words; a year before stays a shift of `ago`."""
    (plain,) = aggregates(count("ledger", by="one", window="3m", ago="30d"))
    assert (plain.months, plain.earlier) == (None, 0)
    now, then, *_ = aggregates(year_on_year("ledger.money", by="one", window="3m", ago="30d"))
    assert (str(now.ago), then.ago.months, then.ago.days, then.earlier) == ("30d", 12, 30, 0)
    now, then, *_ = aggregates(year_on_year("ledger.money", by="one", months=3, ago="30d", earlier=1))
    assert (then.ago, now.earlier, then.earlier) == (now.ago, 1, 13)
    now, then = aggregates(change("ledger.money", by="one", over="12m"))
    assert isinstance(now, Aggregate)
    assert (now.months, then.ago.months) == (None, 12)


def test_what_cannot_be_meant_is_refused_with_all_its_reasons() -> None:
    with pytest.raises(UsageError, match="not both") as caught:
        total("ledger.money", by="one", window="3m", months=3)
    assert "window='3m' and months=3" in str(caught.value.problems)
    for months in (0, -1, "3", 2.5, True):
        with pytest.raises(UsageError, match="whole number"):
            total("ledger.money", by="one", months=months)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="earlier together with months"):
        total("ledger.money", by="one", window="3m", earlier=12)
    with pytest.raises(UsageError, match="0 or more"):
        total("ledger.money", by="one", months=3, earlier=-1)
    with pytest.raises(UsageError, match="over = a whole number"):
        change_months("ledger.money", by="one", over="12m")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a window or months"):
        year_on_year("ledger.money", by="one")
    with pytest.raises(UsageError, match="a window or months"):
        trend("ledger.money", by="one")
    with pytest.raises(UsageError) as caught:
        volatility("ledger.money", by="one", window="3m", months=0, earlier=-1)
    assert len(caught.value.problems) == 3
    assert longest_gap("ledger", by="one", months=3)
