"""The alert budget: the most that capacity can save, reds that keep their quota, and every line, case and signal counted."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.budget import (
    ACT,
    COSTS_MORE,
    OVERFLOW,
    PLACES,
    budgeted,
    counted,
    first,
    loss_still_avoidable,
)
from riskengine.casework.budget_terms import Budget, read_budget
from riskengine.errors import UsageError
from riskengine.monitor.ranking import known_loss, ranked
from riskengine.monitor.vocabulary import Vocabulary

ON = date(2026, 6, 30)
SAID: dict[str, Any] = {"from": "2020-01-01", "reference": "test"}
KNOWN = Vocabulary({"institution": ("unit",)}, {"left": "number", "late": "number", "who": "text"})


def budget(**changed: Any) -> Budget:
    content: dict[str, Any] = {
        "reads": {"institution": "unit", "officer": "who", "maturity": "left", "overdue": "late"},
        "effectiveness": [{**SAID, "up_to": 3, "value": 0.2}, {**SAID, "value": 0.5}],
        "effectiveness_overdue": [{**SAID, "value": 0.1}],
        "cost": [{**SAID, "value": 100}],
        "places": [{**SAID, "value": 2}, {**SAID, "value": 3, "institution": "JN"}],
        "officer_places": [{**SAID, "value": 1}],
        "quota": [{**SAID, "value": 0.25}],
    }
    return Budget.model_validate({**content, **changed})


def world(rows: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines and a book of one guarantee each: `loss, unit, who, severity, phase, owner` are what matters."""
    told = [
        {"loss": 1000.0, "unit": "JN", "who": "", "severity": "orange", "phase": "new", "owner": None, **row}
        for row in rows
    ]
    ids = [f"E{number:06d}" for number in range(len(told))]
    every = pd.DataFrame(told)
    book = pd.DataFrame(
        {
            "id": [f"G{name}" for name in ids], "enterprise_id": ids, "pd": 0.1, "expected_loss": every.loss,
            "unit": every.unit, "who": every.who, "left": 400.0, "late": 0.0,
        }
    )  # fmt: skip
    lines = pd.DataFrame(
        {
            "enterprise": ids, "guarantee": book.id, "severity": every.severity, "phase": every.phase,
            "owner": every.owner.astype("object").where(every.owner.notna(), None), "expected_loss": every.loss, "pd": 0.1,
        }
    )  # fmt: skip
    return lines, book


LINE = st.fixed_dictionaries(
    {
        "loss": st.integers(0, 2000).map(float),
        "unit": st.sampled_from(["JN", "WF"]),
        "who": st.sampled_from(["", "Li", "Wang"]),
    }
)
ANY = st.fixed_dictionaries(
    {
        "loss": st.one_of(st.integers(0, 2000).map(float), st.just(float("nan"))),
        "unit": st.sampled_from(["JN", "WF", None]),
        "who": st.sampled_from(["", "Li", "Wang", None]),
        "severity": st.sampled_from(["blue", "yellow", "orange", "red"]),
        "phase": st.sampled_from(["new", "acknowledged", "in treatment", "turned compensated"]),
        "owner": st.sampled_from([None, None, "Zhao"]),
    }
)


@given(st.lists(LINE, min_size=1, max_size=9))
@settings(max_examples=25, deadline=None)
def test_nothing_that_fits_saves_more(rows: list[dict[str, Any]]) -> None:
    lines, book = world(rows)
    made = budgeted(lines, book, budget(), ON)
    worth = [(row["loss"] * 0.5 - 100, row["unit"], row["who"]) for row in rows]

    def fits(chosen: tuple[int, ...]) -> bool:
        units = Counter(worth[number][1] for number in chosen)
        officers = Counter(worth[number][1:] for number in chosen if worth[number][2])
        return all(units[u] <= {"JN": 3, "WF": 2}[u] for u in units) and all(
            n <= 1 for n in officers.values()
        )

    subsets = (c for size in range(len(rows) + 1) for c in combinations(range(len(rows)), size) if fits(c))
    best = max(sum(worth[number][0] for number in chosen) for chosen in subsets)
    assert made[made.place == ACT].net.sum() == pytest.approx(best)


@given(st.lists(ANY, min_size=1, max_size=25), st.randoms())
@settings(max_examples=25, deadline=None)
def test_everything_is_listed_and_no_new_line_is_above_capacity(
    rows: list[dict[str, Any]], shuffle: Any
) -> None:
    lines, book = world(rows)
    made = budgeted(lines, book, budget(), ON)
    assert sorted(made.enterprise) == sorted(lines.enterprise)
    assert made["rank"].tolist() == list(range(1, len(made) + 1))
    assert made.net.is_monotonic_decreasing
    assert set(made.place) <= set(PLACES)
    assert not made[["institution", "officer", "avoidable", "cost", "net"]].isna().any(axis=None)
    owned = made.owner.notna()
    assert (made[owned].place == ACT).all()
    assert (made[owned].officer == "Zhao").all()
    assert (made[made.place == COSTS_MORE].net <= 0).all()
    assert not (made[made.place == COSTS_MORE].severity == "red").any()
    fresh = made[~owned & (made.place == ACT)]
    assert all(n <= (3 if unit == "JN" else 2) for unit, n in fresh.institution.value_counts().items())
    assert fresh[fresh.officer != ""].groupby(["institution", "officer"]).size().le(1).all()
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    again = budgeted(lines.iloc[order], book.iloc[order[::-1]], budget(), ON)
    pd.testing.assert_frame_equal(made, again)


@given(st.lists(ANY, min_size=2, max_size=15), st.data())
@settings(max_examples=15, deadline=None)
def test_knowing_less_never_moves_a_line_down(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    rows = [{**row, "phase": "new"} for row in rows]
    lines, book = world([{"loss": 5000.0}, *rows])  # the largest known loss given default stays known
    number = data.draw(st.integers(1, len(rows)))
    before = budgeted(lines, book, budget(), ON)
    book.loc[number, data.draw(st.sampled_from(["expected_loss", "left"]))] = float("nan")
    after = budgeted(lines, book, budget(), ON)
    name = f"E{number:06d}"
    assert after.set_index("enterprise")["rank"][name] <= before.set_index("enterprise")["rank"][name]


def test_the_part_that_is_saved_follows_maturity_overdue_and_compensation() -> None:
    lines, book = world([{}, {}, {}, {}, {"phase": "turned compensated"}])
    book["left"] = [400.0, 30.0, float("nan"), -5.0, 400.0]
    book["late"] = [0.0, 0.0, float("nan"), 3.0, 0.0]
    assert loss_still_avoidable(book, budget(), ON).tolist() == [500, 200, 500, 100, 500]
    made = budgeted(lines, book, budget(), ON).sort_values("enterprise")
    assert made.avoidable.tolist() == [500, 200, 500, 100, 0]
    assert made.net.tolist() == [400, 100, 400, 0, -100]
    book["loss_used"], book["pd_used"] = 2000.0, 0.2  # after floors
    book["floor"], book["pd_floor"] = pd.Series(["HIGH", None, None, None, None], dtype="object"), 0.2
    after = budgeted(lines, book, budget(), ON).sort_values("enterprise")
    assert after.avoidable.max() == 1000
    assert after[["pd_used", "loss_used", "floor"]].iloc[0].tolist() == [0.2, 2000.0, "HIGH"]
    assert after.floor.tolist()[1:] == [None] * 4


def test_a_red_that_saves_little_has_its_quota_and_is_never_too_dear() -> None:
    few = budget(places=[{**SAID, "value": 4}], officer_places=[])
    rows = [{"loss": 2000.0 + n} for n in range(6)]
    lines, book = world(
        [*rows, {"loss": 1.0, "severity": "red"}, {"loss": 2.0, "severity": "red"}, {"loss": 3.0}]
    )
    made = budgeted(lines, book, few, ON).set_index("enterprise").place
    assert made["E000007"] == ACT  # one of four places
    assert made["E000006"] == OVERFLOW
    assert made["E000008"] == COSTS_MORE
    assert (made == ACT).sum() == 4
    assert ceil(0.25 * 4) == 1


def test_an_owner_who_is_checking_is_given_nothing_new_and_one_in_treatment_is() -> None:
    for phase, place in (("checking", OVERFLOW), ("in treatment", ACT)):
        lines, book = world([{"loss": 500.0, "owner": "Li", "phase": phase}, {"who": "Li"}])
        made = budgeted(lines, book, budget(), ON).set_index("enterprise").place
        assert made.tolist() == [place, ACT]


def test_numbers_count_from_their_day_and_by_institution() -> None:
    dear = [
        {**SAID, "value": 100},
        {**SAID, "value": 40, "institution": "WF"},
        {**SAID, "from": "2026-06-30", "value": 700},
    ]
    lines, book = world([{}, {"unit": "WF"}])
    assert budgeted(lines, book, budget(cost=dear), ON).set_index(
        "enterprise"
    ).cost.sort_index().tolist() == [700, 40]
    yesterday = budgeted(lines, book, budget(cost=dear), date(2026, 6, 29))
    assert sorted(yesterday.cost) == [40, 100]
    with pytest.raises(UsageError, match="not begun") as told:
        budgeted(lines, book, budget(), date(2019, 1, 1))
    assert len(told.value.problems) == 2


def test_the_first_lines_keep_the_quota_and_are_filled_up() -> None:
    lines, book = world(
        [{"loss": 2000.0 + n, "unit": f"U{n}"} for n in range(6)] + [{"loss": 900.0, "severity": "red"}]
    )
    made = budgeted(lines, book, budget(), ON)
    assert first(made, 4, budget(), ON).enterprise.tolist() == ["E000005", "E000004", "E000003", "E000006"]
    assert len(first(made, 20, budget(), ON)) == 7


def test_every_signal_case_and_line_is_counted_once() -> None:
    rng = np.random.default_rng(1)
    lines, book = world([{"loss": float(n), "unit": "JN"} for n in rng.integers(0, 2000, 40)])
    made = budgeted(lines, book, budget(), ON)
    reasons = ["", "", "", "snoozed", "false alarm", "resolved", "watch", "cool-down", "clearing"]
    size = 120
    cases = pd.DataFrame(
        {
            "case": [f"C{n}" for n in range(size)],
            "about": rng.choice(["enterprise", "guarantee", "bank"], size),
            "unit": rng.choice([*lines.enterprise, "nobody"], size),
            "severity": rng.choice(["yellow", "red"], size),
            "quiet": rng.choice(reasons, size),
        }
    )
    signals = pd.DataFrame(
        {
            "case": rng.choice([*cases.case, None], 500),
            "inhibited": rng.random(500) < 0.2,
            "severity": rng.choice(["yellow", "red"], 500),
        }
    )
    counts = counted(made, cases, signals)
    assert counts.groupby("unit").number.sum().to_dict() == {"line": 40, "case": 120, "signal": 500}
    place = made.set_index("enterprise").place.to_dict()
    told = {row.case: row for row in cases.itertuples()}

    def fate(row: Any) -> str:  # the slow obvious version
        if row.quiet:
            return f"quiet: {row.quiet}"
        if row.about == "bank":
            return "group or feed"
        return str(place.get(row.unit, "no line"))

    def of_signal(row: Any) -> str:
        if row.inhibited:
            return "inhibited"
        return fate(told[row.case]) if row.case in told else "no case"

    def total(unit: str) -> dict[str, int]:
        mine = counts[counts.unit == unit]
        name = mine.fate.where(mine.reason == "", mine.fate + ": " + mine.reason)
        return {str(key): int(value) for key, value in mine.number.groupby(name).sum().items()}

    assert total("case") == dict(Counter(fate(row) for row in cases.itertuples()))
    assert total("signal") == dict(Counter(of_signal(row) for row in signals.itertuples()))
    assert total("line") == dict(Counter(made.place))
    reds = counts[(counts.unit == "signal") & (counts.severity == "red")].number.sum()
    assert reds == (signals.severity == "red").sum()


def test_a_night_of_53000_lines_keeps_to_capacity() -> None:
    rng = np.random.default_rng(2)
    size = 53_000
    lines, book = world(
        [{"loss": loss, "unit": f"U{n % 60}"} for n, loss in enumerate(rng.exponential(3000, size).tolist())]
    )
    officers = [{"name": f"O{n}", "institution": f"U{n % 60}", "capacity": 2} for n in range(180)]
    made = budgeted(lines, book, budget(officer=officers, places=[{**SAID, "value": 6}]), ON)
    assert made[made.place == ACT].institution.value_counts().max() == 6
    assert (made[made.place == ACT].officer.value_counts() == 2).all()


def test_ranking_uses_the_loss_after_floors_and_the_largest_where_it_is_unknown() -> None:
    signals = pd.DataFrame({"about": [], "state": [], "severity": [], "id": []})
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "pd": [0.1, 0.1, 0.2], "expected_loss": [50.0, 100.0, float("nan")]}
    )
    assert known_loss(frame).tolist() == [50, 100, 200]
    assert ranked(frame, signals)["id"].tolist() == ["c", "b", "a"]
    raised = frame.assign(loss_used=[500.0, 100.0, float("nan")], pd_used=[1.0, 0.1, 0.2])
    assert ranked(raised, signals)["id"].tolist() == ["a", "c", "b"]


def test_a_budget_that_is_not_sound_says_all_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(
        '[reads]\ninstitution = "untold"\nofficer = "whom"\nmaturity = "who"\n'
        '[[effectiveness]]\nfrom = 2020-01-01\nvalue = 1.5\nreference = "x"\n'
        '[[cost]]\nfrom = 2020-01-01\nvalue = 1\nreference = "x"\n[[places]]\nfrom = 2020-01-01\nvalue = 1\nreference = "x"\n'
        '[[officer]]\nname = "Li"\n[[officer]]\nname = "Li"\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError) as told:
        read_budget(path, KNOWN)
    text = str(told.value) + " ".join(f"{p.where} {p.expected} {p.got}" for p in told.value.problems)
    for piece in ("untold", "whom", "a feature that is a number", "a fraction of 1", "officer Li"):
        assert piece in text


def test_a_night_without_lines_is_an_empty_list() -> None:
    lines, book = world([{}])
    made = budgeted(lines.head(0), book, budget(), ON)
    assert len(made) == 0
    assert {"institution", "officer", "net", "rank", "place"} <= set(made.columns)
    assert first(made, 20, budget(), ON).empty
    cases = pd.DataFrame({name: [] for name in ("case", "about", "unit", "severity", "quiet")})
    signals = pd.DataFrame({name: [] for name in ("case", "inhibited", "severity")})
    assert counted(made, cases, signals).number.sum() == 0
    assert len(budgeted(lines.head(0), book.head(0), budget(), ON)) == 0


def test_without_a_budget_every_line_is_acted_on_by_expected_loss(tmp_path: Path) -> None:
    lines, book = world([{"loss": 0.0, "severity": "blue"}, {"loss": 7.0, "who": "Li"}, {"loss": 9.0}])
    made = budgeted(lines, book, read_budget(tmp_path / "budget.toml", KNOWN), ON)
    assert made.net.tolist() == [9, 7, 0]
    assert made.place.tolist() == [ACT] * 3
