"""Is there one line an enterprise, as severe as the rules say at their very edges, with every guarantee's money once?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from case_world import DAY, book, frame, row, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.cases import Formed, Past, Tonight, form
from riskengine.casework.lines import lines, overall

AT = DAY + timedelta(40)


def formed(rows: list[dict[str, Any]], told: pd.DataFrame | None = None, stock: bool = False) -> Formed:
    """The cases of a later night, or (`stock`) of the very first."""
    nothing = form(frame([]), Past(), rules(), Tonight(DAY, book([])))
    past = Past() if stock else Past(nothing.signals, nothing.cases, nothing.ended, None)
    return form(frame(rows), past, rules(), Tonight(AT, book(rows) if told is None else told))


def line(rows: list[dict[str, Any]], stock: bool = False, **overdue: float) -> dict[str, Any]:
    told = lines(formed(rows, stock=stock).cases, book(rows, **overdue), rules(), AT, "label")
    (one,) = told.to_dict("records")
    return one


def cases(*severities: str, days: int = 0) -> list[dict[str, Any]]:
    """Cases of one enterprise under roots of their own, raised so many days ago."""
    day = AT - timedelta(days)
    return [row(f"S{n}", "g1", "E", one, raised_on=day, first_seen=day) for n, one in enumerate(severities)]


@pytest.mark.parametrize(
    ("rows", "overdue", "severity", "rule"),
    [
        (cases("yellow", "yellow"), 0, "yellow", None),
        (cases("yellow", "yellow", "yellow"), 0, "orange", "three-yellow"),
        (cases("yellow", "yellow", "yellow", days=30), 0, "orange", "three-yellow"),
        (cases("yellow", "yellow", "yellow", days=31), 0, "yellow", None),
        (cases("yellow", "yellow") + cases("yellow", "yellow", "yellow", days=31)[2:], 0, "yellow", None),
        (cases("orange", "yellow", "yellow", "yellow"), 0, "orange", None),  # no rule reads another's result
        (cases("orange", "orange"), 0, "red", "two-orange"),
        (cases("orange", "orange", days=31), 0, "orange", None),
        (cases("orange", days=300), 1, "red", "late"),
        (cases("orange", days=300), 0, "orange", None),
        (cases("yellow", "yellow", "yellow"), 1, "orange", "three-yellow"),
        (cases("red", "orange", "orange"), 1, "red", None),
    ],
)  # fmt: skip
def test_escalation_at_its_edges(
    rows: list[dict[str, Any]], overdue: float, severity: str, rule: str | None
) -> None:
    own = max((one["severity"] for one in rows), key=["blue", "yellow", "orange", "red"].index)
    told = line(rows, g1=overdue)
    assert (told["severity"], told["severity_own"], told["escalated"]) == (severity, own, rule)


def test_what_was_there_when_watching_began_counts_from_when_it_happened() -> None:
    rows = [row(f"J0{n}", "g1", "E", "orange", cases=[str(n)], raised_on=AT, first_seen=AT) for n in (1, 2)]
    assert line(rows, stock=True)["severity"] == "orange"  # of 1 June: 67 days ago
    assert line(rows)["severity"] == "red"


def test_a_case_that_clears_or_is_quiet_escalates_nothing() -> None:
    rows = cases("yellow", "yellow", "yellow")
    rows[2]["state"] = "to confirm"
    assert line(rows)["escalated"] is None
    assert (
        line([*cases("yellow", "yellow"), row("T01", "g1", "E"), row("L07", "g1", "E", "red")])["severity"]
        == "red"
    )


def test_the_line_sums_all_guarantees_once_and_names_the_dearest() -> None:
    rows = [row("T01", "g1", "E", expected_loss=1.0), row("T02", "g1", "E", expected_loss=1.0),
            row("T01", "g2", "E", "orange", expected_loss=5.0), row("PD", "g2", "E", expected_loss=5.0)]  # fmt: skip
    told = line(rows)
    assert (told["guarantees"], told["guarantee"], told["exposure"], told["expected_loss"]) == (
        2,
        "g2",
        200.0,
        6.0,
    )
    assert (told["cases"], told["quiet_cases"], told["lead"], told["name"]) == (2, 0, "T01", "name of E")
    assert str(told["maturity"]) == "2027-01-01"


def test_quiet_cases_are_counted_and_a_line_of_only_quiet_ones_is_none() -> None:
    rows = [row("L07", "g1", "E", "red"), row("T01", "g1", "E"), row("PD", "h1", "F", state="clearing")]
    told = lines(formed(rows).cases, book(rows), rules(), AT)
    assert told[["enterprise", "cases", "quiet_cases"]].to_dict("records") == [
        {"enterprise": "E", "cases": 1, "quiet_cases": 1}
    ]


def test_due_is_the_earliest_open_and_late_after_it() -> None:
    rows = cases("orange", "yellow")
    made = formed(rows).cases.assign(
        claim_due=[None, f"{AT}T16:30"], verify_due=[f"{AT + timedelta(1)}T09:00", None], plan_due=None
    )
    (one,) = lines(made, book(rows), rules(), AT).to_dict("records")
    assert (one["due"], one["overdue"]) == (AT, False)
    (one,) = lines(made, book(rows), rules(), AT + timedelta(1)).to_dict("records")
    assert one["overdue"] is True


def test_groups_have_lines_apart() -> None:
    rows = [row("G05", "工行", "", "orange", about="bank", guarantees=7), row("T01", "g1", "E")]
    made = formed(rows).cases
    told = overall(made, AT)
    assert told[["about", "unit", "severity", "guarantees"]].to_dict("records") == [
        {"about": "bank", "unit": "工行", "severity": "orange", "guarantees": 7}
    ]
    assert list(lines(made, book(rows), rules(), AT).enterprise) == ["E"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["T01", "T02", "PD", "X"]), st.sampled_from(["g1", "g2", "h1", "i1"]),
                          st.sampled_from(["blue", "yellow", "orange", "red"])), min_size=1, unique_by=lambda one: one[:2]))  # fmt: skip
def test_no_exposure_is_lost_or_doubled(drawn: list[tuple[str, str, str]]) -> None:
    rows = [
        row(signal, unit, unit[0].upper(), severity, exposure=100.0 + ord(unit[0]) + ord(unit[1]))
        for signal, unit, severity in drawn
    ]
    every = book(rows)
    made = formed(rows).cases
    told = lines(made, every, rules(), AT)
    assert set(told.enterprise) == set(every.enterprise_id)
    assert told.exposure.sum() == every.exposure.sum()
    assert int(told.cases.sum() + told.quiet_cases.sum()) == len(made)
    pd.testing.assert_frame_equal(told, lines(made.iloc[::-1], every.iloc[::-1], rules(), AT))
