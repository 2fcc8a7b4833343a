"""Is a case no sooner better than its signals, and does it go with them when an enterprise's code or a root changes?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from case_world import DAY, RULES, book, frame, row, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.cases import Formed, Past, Tonight, form, with_deadlines
from riskengine.casework.lines import lines
from riskengine.monitor.signals import SEVERITIES

NEXT = DAY + timedelta(1)


def night(
    rows: list[dict[str, Any]], before: Formed | None = None, day: date = NEXT, roots: Any = None
) -> Formed:
    past = Past() if before is None else Past(before.signals, before.cases, before.ended, None)
    told = rules() if roots is None else rules(root=roots)
    return form(frame(rows), past, told, Tonight(day, book(rows)))


def events(formed: Formed, name: str) -> list[tuple[Any, ...]]:
    rows = formed.events[formed.events.event == name]
    return list(zip(rows.case, rows.before, rows.after, strict=True))


# --- better only after the days ---


@pytest.mark.parametrize("state", ["clearing", "withdrawn", "to confirm", "easing"])
@pytest.mark.parametrize(("high", "low"), [("orange", "blue"), ("red", "yellow"), ("yellow", "blue")])
def test_a_signal_that_gets_better_counts_until_it_ends(high: str, low: str, state: str) -> None:
    worse, milder = row("T01", "g1", "E", high), row("T02", "g1", "E", low)
    first = night([worse, milder], None, DAY)
    going = {**milder, "state": "continuing"}
    second = night([{**worse, "state": state}, going], first)
    (case,) = second.cases.to_dict("records")
    assert (case["severity"], case["quiet"], case["lead"], case["fact"]) == (high, "", "T01", state)
    assert events(second, "lowered") == []
    third = night([going], second, NEXT + timedelta(1))  # its days have passed
    assert events(third, "lowered") == [(case["case"], high, low)]
    assert (third.cases.severity[0], third.cases.worst[0]) == (low, high)


def test_among_the_most_severe_a_true_one_leads() -> None:
    told = night(
        [
            row("T01", "g1", "E", "orange", state="clearing"),
            row("T02", "g1", "E", "orange", state="continuing"),
        ]
    )
    assert told.cases.lead[0] == "T02"


@pytest.mark.parametrize(("severity", "quiet"), [("blue", "clearing"), ("yellow", "clearing"), ("orange", ""), ("red", "")])  # fmt: skip
def test_only_a_mild_case_is_quiet_while_it_clears(severity: str, quiet: str) -> None:
    one = row("T01", "g1", "E", severity)
    told = night([{**one, "state": "clearing"}], night([one], None, DAY))
    assert (told.cases.quiet[0], told.cases.fact[0]) == (quiet, "clearing")
    assert len(lines(told.cases, book([one]), rules(), NEXT)) == (quiet == "")
    assert with_deadlines(told, {"T01": "3w"}).deadlines[0] == "3w"


# --- an enterprise's code is merged into another's ---


def test_a_case_goes_with_its_guarantees_to_the_code_they_have_tonight() -> None:
    first = night([row("T01", "g1", "OLD", "orange")], None, DAY)
    rows = [
        row("T01", "g1", "NEW", "orange", state="continuing"),
        row("T02", "g2", "NEW"),
        row("J05", "g1", "NEW", "orange"),
    ]
    told = night(rows, first)
    sales = told.cases[told.cases.root == "sales"].iloc[0]
    assert set(told.cases.unit) == set(told.cases.enterprise) == {"NEW"}
    assert (sales.case, sales.guarantees, sales.exposure) == (first.cases.case[0], 2, 200.0)
    (line,) = lines(told.cases, book(rows), rules(), NEXT).to_dict("records")
    assert (line["enterprise"], line["guarantees"], line["exposure"]) == ("NEW", 2, 200.0)


def test_two_codes_that_become_one_have_one_case() -> None:
    first = night([row("T01", "g1", "OLD"), row("T01", "g2", "NEW")], None, DAY)
    told = night([row("T01", one, "NEW", state="continuing") for one in ("g1", "g2")], first)
    assert (len(told.cases), len(events(told, "merged"))) == (1, 1)
    assert told.cases.unit[0] == "NEW"


def test_what_stays_at_the_old_code_keeps_the_case_and_what_leaves_is_a_case_of_its_own() -> None:
    first = night([row("T01", one, "OLD") for one in ("g1", "g2", "g3")], None, DAY)
    rows = [
        row("T01", one, unit, state="continuing")
        for one, unit in (("g1", "OLD"), ("g2", "NEW"), ("g3", "NEW"))
    ]
    told = night(rows, first).cases.set_index("unit")
    assert told.loc["OLD", "case"] == first.cases.case[0] != told.loc["NEW", "case"]
    assert told.exposure.to_dict() == {"OLD": 100.0, "NEW": 200.0}


def test_a_court_case_is_known_by_its_number_at_the_new_code() -> None:
    first = night([row("J01", "g1", "OLD", cases=["1", "2"])], None, DAY)
    rows = [row("J01", "g1", "NEW", cases=["1"], state="continuing"), row("J02", "g1", "NEW", cases=["2"]),
            row("J02", "g9", "OLD", cases=["2"])]  # fmt: skip
    told = night(rows, first)
    found = told.signals.set_index(["signal", "id"]).case
    assert found["J01", "g1"] == found["J02", "g1"] == first.cases.case[0] != found["J02", "g9"]


# --- cases.toml is changed ---


def _roots(**moved: str) -> list[dict[str, Any]]:
    """The roots of the tests, with some signals moved."""
    made = {
        one["id"]: {**one, "signals": [s for s in one["signals"] if s not in moved]} for one in RULES["root"]
    }
    for signal, root in moved.items():
        title = {"en": root, "zh": root}
        made.setdefault(root, {"id": root, "title": title, "signals": []})["signals"].append(signal)
    return [one for one in made.values() if one["signals"]]


def test_a_signal_moved_to_another_root_leaves_its_case_and_glues_nothing() -> None:
    rows = [row("T01", "g1", "E"), row("T02", "g1", "E"), row("PD", "g1", "E")]
    first = night(rows, None, DAY)
    told = night(
        [{**one, "state": "continuing"} for one in rows], first, roots=_roots(T02="rating", PD="rating")
    )
    was, now = (one.signals.set_index("signal").case for one in (first, told))
    assert (now["T01"], now["PD"], now["T02"]) == (was["T01"], was["PD"], was["PD"])
    assert set(told.cases.root) == {"sales", "rating"}
    assert events(told, "merged") == events(told, "ended") == []


def test_a_root_renamed_keeps_its_cases() -> None:
    rows = [row("T01", "g1", "E"), row("T02", "g1", "E")]
    first = night(rows, None, DAY)
    told = night(
        [{**one, "state": "continuing"} for one in rows], first, roots=_roots(T01="turnover", T02="turnover")
    )
    assert told.cases[["case", "root", "title_en"]].to_numpy().tolist() == [
        [first.cases.case[0], "turnover", "turnover"]
    ]
    assert told.events.empty


_SIGNALS = ["T01", "T02", "PD", "J01", "J02"]
_NIGHT = st.tuples(
    st.lists(st.tuples(st.sampled_from(_SIGNALS), st.sampled_from(["g1", "g2", "g3"]), st.sampled_from(SEVERITIES),
                       st.frozensets(st.sampled_from(["1", "2"]), max_size=2)), max_size=8, unique_by=lambda one: one[:2]),
    st.fixed_dictionaries({one: st.sampled_from("EF") for one in ("g1", "g2", "g3")}),
    st.dictionaries(st.sampled_from(_SIGNALS), st.sampled_from(["sales", "court", "other"]), max_size=2),
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.lists(_NIGHT, min_size=2, max_size=3))
def test_whatever_moves_a_case_is_about_one_thing_and_money_counts_once(drawn: list[Any]) -> None:
    before: Formed | None = None
    for number, (found, owner, moved) in enumerate(drawn):
        rows = [
            row(
                signal,
                unit,
                owner[unit],
                severity,
                cases=sorted(cases) if signal[0] == "J" else (),
                state="continuing",
            )
            for signal, unit, severity, cases in found
        ]
        roots = _roots(**moved)
        told = night(rows, before, DAY + timedelta(number), roots)
        root_of = {signal: one["id"] for one in roots for signal in one["signals"]}
        at = told.cases.set_index("case")[["unit", "root"]]
        for one in told.signals.to_dict("records"):
            assert at.loc[one["case"]].tolist() == [
                one["enterprise"],
                root_of.get(one["signal"], one["signal"]),
            ]
        bare = told.cases[~told.cases.root.isin([one["id"] for one in roots if one.get("same")])]
        assert not bare.duplicated(["unit", "root"]).any()
        every = book(rows)
        listed = lines(told.cases, every, rules(), DAY + timedelta(number))
        assert listed.enterprise.is_unique
        loud = set(told.cases.enterprise[told.cases.quiet == ""])  # a case that cools down lists nobody
        assert set(listed.enterprise) == loud
        assert listed.exposure.sum() == every.exposure[every.enterprise_id.isin(loud)].sum()
        if before is not None:
            merged = {case: into for case, _, into in ((b, b, a) for _, b, a in events(told, "merged"))}
            over = {case for case, _, _ in events(told, "ended")}
            for case in before.cases.case:
                assert (case in set(told.cases.case)) + (case in merged) + (case in over) == 1
        before = told
