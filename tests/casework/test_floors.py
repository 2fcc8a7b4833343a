"""Floors: no model goes below one that nobody has waived; a waiver takes the floor, not the signal, and speaks when it ends."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.floors import (
    EXPIRED,
    Expired,
    Floor,
    FloorRules,
    Floors,
    definition,
    expired_signals,
    floored,
    read_floors,
)
from riskengine.errors import UsageError
from riskengine.monitor.deadlines import Deadlines, with_due_dates
from riskengine.monitor.signal_rows import COLUMNS, empty
from riskengine.scoring.scorecard import Grades, read_grades
from riskengine.working_days import read_calendar

ROOT = Path(__file__).parents[2]
ON = date(2026, 6, 30)
GRADES = read_grades(ROOT / "configs" / "grades.toml")
BOTH = {"en": "x", "zh": "某"}
WORDS = dict.fromkeys(("title", "category", "action", "owner"), BOTH)
SAID: dict[str, Any] = {"title": BOTH, "from": "2020-01-01", "reference": "test"}
STEPS = {"claim": {}, "verify": {}, "plan": {"within": "3wd"}}
DEADLINES = Deadlines.model_validate({"yellow": [{"from": date(2020, 1, 1), "reference": "test", **STEPS}]})
FLOORS = Floors(
    expired=Expired.model_validate(
        {**WORDS, "text": {"en": "{floors} since {until}", "zh": "{floors}自{until}"}, "reference": "test"}
    ),
    floor=(
        Floor.model_validate({**SAID, "id": "LOW", "signals": ["S"], "least": "orange", "pd": 0.05}),
        Floor.model_validate({**SAID, "id": "HIGH", "signals": ["S", "T"], "grade": "9"}),
        Floor.model_validate({**SAID, "id": "LATER", "signals": ["S"], "grade": "10", "from": "2027-01-01"}),
    ),
)


def waiver(enterprise: str, floor: str, until: date = ON, state: str = "waived") -> Any:
    return SimpleNamespace(enterprise=enterprise, floor=floor, until=until, state=state)


def rules(*waivers: Any, to_scale: float = 1.0, grades: Grades = GRADES) -> FloorRules:
    return FloorRules(FLOORS, grades, waivers, to_scale)


def book(pds: list[float]) -> pd.DataFrame:
    ids = [f"G{n}" for n in range(len(pds))]
    names = [f"E{n // 2}" for n in range(len(pds))]
    loss = [round(pd_ * 1000.0, 2) for pd_ in pds]
    return pd.DataFrame(
        {
            "id": ids,
            "enterprise_id": names,
            "pd": pds,
            "grade": [rules().grade_at(p) for p in pds],
            "exposure": 2000.0,
            "expected_loss": loss,
        }
    )


def fired(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Signals: (about, id, signal, severity)."""
    names = ("about", "id", "signal", "severity")
    made = empty().reindex(range(len(rows)))
    for number, name in enumerate(names):
        made[name] = pd.Series([row[number] for row in rows], dtype="object")
    made["state"] = "continuing"
    made["enterprise"] = [row[1] if row[0] == "enterprise" else "" for row in rows]
    return made


SIGNAL = st.tuples(
    st.just("guarantee"), st.sampled_from([f"G{n}" for n in range(6)]), st.sampled_from(["S", "T", "U"]),
    st.sampled_from(["yellow", "orange", "red"]),
)  # fmt: skip
WAIVER = st.builds(
    waiver, st.sampled_from(["E0", "E1", "E2"]), st.sampled_from(["LOW", "HIGH"]),
    st.integers(-2, 2).map(lambda days: ON + timedelta(days)), st.sampled_from(["waived", "no waiver"]),
)  # fmt: skip


@given(
    st.lists(st.floats(0.0001, 0.9999), min_size=6, max_size=6),
    st.lists(SIGNAL, max_size=8),
    st.lists(WAIVER, max_size=4),
    st.sampled_from([1.0, 0.5, 2.0, 1 / 3]),
)
@settings(max_examples=60, deadline=None)
def test_no_model_goes_below_a_floor(
    pds: list[float], signals: list[tuple[str, str, str, str]], waivers: list[Any], to_scale: float
) -> None:
    how = rules(*waivers, to_scale=to_scale)
    made = floored(book(pds), fired(*signals), how, ON)
    level = {"yellow": 1, "orange": 2, "red": 3}
    for row in made.itertuples():
        holds: dict[str, float] = {}
        for floor in FLOORS.floors[:2]:
            least = level[floor.least]
            if any(s[1] == row.id and s[2] in floor.signals and level[s[3]] >= least for s in signals):
                holds[floor.id] = how.pd_of(floor)
        gone = {
            w.floor
            for w in waivers
            if w.enterprise == row.enterprise_id and w.state == "waived" and w.until >= ON
        }
        kept = {name: value for name, value in holds.items() if name not in gone}
        assert row.pd_used == max([row.pd, *kept.values()])
        assert row.pd_used >= row.pd
        assert row.floor == max(kept, key=lambda name: kept[name], default=None)
        assert (row.floor_waived in gone) if gone & set(holds) else row.floor_waived is None
        assert row.loss_used == pytest.approx(row.expected_loss * row.pd_used / row.pd, abs=0.006)
        assert row.grade_used == (how.grade_at(row.pd_used) if row.pd_used > row.pd else row.grade)


@pytest.mark.parametrize("to_scale", [1.0, 0.5, 2.0, 1 / 3, 0.4])
def test_a_grade_as_a_floor_is_the_smallest_pd_in_it(to_scale: float) -> None:
    how = rules(to_scale=to_scale)
    for grade in GRADES.grades[1:]:
        floor = Floor.model_validate({**SAID, "id": "F", "signals": ["S"], "grade": grade.name})
        found = how.pd_of(floor)
        assert how.grade_at(found) == grade.name
        assert how.grade_at(found - 3e-6) != grade.name


def test_a_signal_of_the_enterprise_counts_for_all_its_guarantees_and_a_withdrawn_one_for_none() -> None:
    about = fired(("enterprise", "E1", "T", "red"), ("guarantee", "G0", "T", "red"))
    about.loc[1, "state"] = "withdrawn"
    made = floored(book([0.01] * 4), about, rules(), ON)
    assert made.floor.tolist() == [None, None, "HIGH", "HIGH"]
    assert made.grade_used.tolist() == ["2", "2", "9", "9"]
    waiting = about.assign(state="to confirm")
    assert floored(book([0.01] * 4), waiting, rules(), ON).floor.notna().sum() == 3


def test_a_waived_floor_leaves_the_next_one() -> None:
    signals = fired(("guarantee", "G0", "S", "red"))
    made = floored(book([0.01]), signals, rules(waiver("E0", "HIGH")), ON)
    assert made[["floor", "floor_waived", "pd_used"]].iloc[0].tolist() == ["LOW", "HIGH", 0.05]
    assert np.isclose(made.loss_used.iloc[0], 50)
    later = floored(made, signals, rules(waiver("E0", "HIGH")), ON + timedelta(days=1))
    assert later[["floor", "floor_waived"]].iloc[0].tolist() == ["HIGH", None]
    assert list(later.columns).count("floor") == 1


def test_a_waiver_that_ran_out_speaks_until_it_is_renewed_or_the_floor_is_gone() -> None:
    signals = fired(("guarantee", "G0", "S", "red"))
    frame, out = book([0.01, 0.02]), waiver("E0", "HIGH")
    assert len(expired_signals(frame, signals, rules(out), ON)) == 0
    assert FLOORS.expired is not None
    first = expired_signals(frame, signals, rules(out), ON + timedelta(days=1))
    assert {name: str(kind) for name, kind in first.dtypes.items()} == {
        name: str(kind) for name, kind in empty().dtypes.items()
    }
    row = first.iloc[0]
    assert (row.signal, row.id, row.severity, row.state) == (EXPIRED, "G1", "yellow", "new")
    assert row.text_en == "x since 2026-06-30"
    due = with_due_dates(
        first, [definition(FLOORS.expired)], DEADLINES, read_calendar("CN"), ON + timedelta(days=9)
    )
    assert due[["due", "overdue"]].to_numpy().tolist() == [[date(2026, 7, 6), True]], (
        "three working days from 1 July"
    )
    second = expired_signals(frame, signals, rules(out), ON + timedelta(days=2), first)
    assert (second.iloc[0].state, second.iloc[0].first_seen) == ("continuing", ON + timedelta(days=1))
    renewed = waiver("E0", "HIGH", ON + timedelta(days=30))
    assert len(expired_signals(frame, signals, rules(out, renewed), ON + timedelta(days=2), second)) == 0
    assert len(expired_signals(frame, fired(), rules(out), ON + timedelta(days=2), second)) == 0
    ended = waiver("E0", "HIGH", state="no waiver")
    assert len(expired_signals(frame, signals, rules(ended), ON + timedelta(days=2))) == 0
    assert list(first.columns) == list(COLUMNS)
    assert (definition(FLOORS.expired).id, definition(FLOORS.expired).bands[0].severity) == (
        EXPIRED,
        "yellow",
    )


def test_floors_that_are_not_sound_say_all_that_is_wrong(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "floors.toml").read_text(encoding="utf-8")
    path = tmp_path / "floors.toml"
    path.write_text(
        text.replace('"J09", "L07"', '"J9", "MILD"')
        .replace('grade = "9"', 'grade = "C9"')
        .replace("{until}", "{when}"),
        encoding="utf-8",
    )
    ids = ("C01", "C03", "J01", "J02", "J04", "J09", "T13", "MILD")
    known: list[Any] = [SimpleNamespace(id=name, ranked=[(1 if name == "MILD" else 3, None)]) for name in ids]
    with pytest.raises(UsageError) as told:
        read_floors(path, known, GRADES)
    said = " ".join(f"{p.where} {p.expected} {p.got} {p.next}" for p in told.value.problems)
    for piece in ("'J9'", "at most yellow", "'C9'", "KeyError"):
        assert piece in said
    both = text.replace('grade = "9"', 'grade = "9"\npd = 0.3')
    path.write_text(both, encoding="utf-8")
    with pytest.raises(UsageError) as told:
        read_floors(path, known, GRADES)
    assert "one of grade and pd" in " ".join(p.expected for p in told.value.problems)
    path.write_text(text.replace("[expired]", "[ended]"), encoding="utf-8")
    with pytest.raises(UsageError):
        read_floors(path, known, GRADES)
    assert read_floors(tmp_path / "none.toml", known, GRADES).floors == ()


def test_a_night_without_signals_or_guarantees_has_no_floors() -> None:
    made = floored(book([0.01, 0.5]), empty(), rules(), ON)
    assert made.floor.tolist() == [None, None]
    assert made.pd_used.tolist() == [0.01, 0.5]
    assert made.loss_used.tolist() == made.expected_loss.tolist()
    assert floored(book([0.01]).head(0), empty(), rules(), ON).empty
    assert expired_signals(
        book([0.01]).head(0), empty(), rules(waiver("E0", "LOW", date(2020, 1, 1))), ON
    ).empty
