"""Are the signals of one event one case, whatever their order and over the nights, and is nothing lost or counted twice?"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from case_world import DAY, book, frame, row, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.casework.cases import COLUMNS, Formed, Past, Tonight, form
from riskengine.casework.files import frame_bytes
from riskengine.intake.contract import read_contract
from riskengine.monitor.frames import read_frame, signals_bytes
from riskengine.monitor.publish import Publication
from riskengine.monitor.signals import SEVERITIES

CONFIGS = Path(__file__).parents[2] / "configs"
ROOTS = {"J01": "court", "J02": "court", "J03": "court", "T01": "sales", "T02": "sales"}


def night(rows: list[dict[str, Any]], before: Formed | None = None, day: date = DAY, **more: Any) -> Formed:
    """Form the cases of a night; `book_` is its book, `old` the book of the night before."""
    told = book(rows) if more.get("book_") is None else more["book_"]
    past = Past() if before is None else Past(before.signals, before.cases, before.ended, more.get("old"))
    return form(
        frame(rows),
        past,
        more.get("rules") or rules(),
        Tonight(day, told, more.get("gone", {}), more.get("over")),
    )


def members(formed: Formed) -> set[frozenset[tuple[str, str]]]:
    """The (signal, guarantee) of each case."""
    found: dict[str, set[tuple[str, str]]] = {}
    for one in formed.signals.to_dict("records"):
        found.setdefault(one["case"], set()).add((one["signal"], one["id"]))
    return {frozenset(one) for one in found.values()}


def events(formed: Formed, name: str) -> list[tuple[Any, ...]]:
    rows = formed.events[formed.events.event == name]
    return list(zip(rows.case, rows.before, rows.after, strict=True))


# --- against a slow oracle, over three nights ---

_ROW = st.tuples(
    st.sampled_from(["J01", "J02", "J03", "T01", "T02", "PD", "L07"]),
    st.sampled_from(["g1", "g2", "h1"]),
    st.sampled_from(SEVERITIES),
    st.sampled_from(
        ["new", "continuing", "held", "renewed", "clearing", "to confirm", "easing", "withdrawn"]
    ),
    st.frozensets(st.sampled_from(["c1", "c2", "c3"]), max_size=2),
)
_NIGHT = st.lists(_ROW, max_size=9, unique_by=lambda one: one[:2])


def _made(drawn: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        row(signal, unit, unit[0].upper(), severity, state=state, cases=sorted(cases) if signal[0] == "J" else (),
            exposure=100.0 + ord(unit[1]))
        for signal, unit, severity, state, cases in drawn
    ]  # fmt: skip


def _key(one: dict[str, Any]) -> tuple[str, str]:
    return one["enterprise"], ROOTS.get(one["signal"], one["signal"])


def _numbers(one: dict[str, Any]) -> set[str]:
    return (
        {f"case_no={told['keys']['case_no']}" for told in json.loads(one["evidence"])["rows"]}
        if one["evidence"]
        else set()
    )


def _oracle(rows: list[dict[str, Any]], before: Formed | None) -> set[frozenset[tuple[str, str]]]:
    """Put together any two things that belong together, again and again, until nothing moves."""
    heaps: list[dict[str, Any]] = []
    where = (
        {}
        if before is None
        else {(s["signal"], s["id"]): s["case"] for s in before.signals.to_dict("records")}
    )
    for one in rows:
        name = (one["signal"], one["id"])
        heaps.append({"key": _key(one), "ids": _numbers(one), "bare": not _numbers(one), "rows": {name},
                      "cases": {where[name]} if name in where else set()})  # fmt: skip
    for told in [] if before is None else before.cases.to_dict("records"):
        ids = set(json.loads(told["identifiers"]))
        heaps.append(
            {
                "key": (told["unit"], told["root"]),
                "ids": ids,
                "bare": not ids,
                "rows": set(),
                "cases": {told["case"]},
            }
        )
    moving = True
    while moving:
        moving = False
        for i, one in enumerate(heaps):
            for j, other in enumerate(heaps):
                same = one["key"] == other["key"] and (
                    one["ids"] & other["ids"] or (one["bare"] and other["bare"])
                )
                if i < j and (same or one["cases"] & other["cases"]):
                    joined = {name: one[name] | other[name] for name in ("ids", "rows", "cases", "bare")}
                    heaps = [h for k, h in enumerate(heaps) if k not in (i, j)] + [
                        {**joined, "key": one["key"]}
                    ]
                    moving = True
                    break
            if moving:
                break
    return {frozenset(heap["rows"]) for heap in heaps if heap["rows"]}


_NIGHTS = st.lists(_NIGHT, min_size=1, max_size=3)


@settings(max_examples=20, deadline=None)
@given(_NIGHTS, st.randoms(use_true_random=False))
def test_three_nights_agree_with_the_oracle_and_lose_nothing(drawn: list[Any], chance: Any) -> None:
    _three_nights(drawn, chance)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(_NIGHTS, st.randoms(use_true_random=False))
def test_many_three_nights_agree_with_the_oracle_and_lose_nothing(drawn: list[Any], chance: Any) -> None:
    _three_nights(drawn, chance)


def _three_nights(drawn: list[Any], chance: Any) -> None:
    before: Formed | None = None
    gone: set[str] = set()
    for number, one in enumerate(drawn):
        rows = _made(one)
        day = DAY + timedelta(number)
        told = night(rows, before, day)
        assert members(told) == _oracle(rows, before)
        assert told.signals.case.ne("").all()
        assert int(told.cases.signals.sum()) == len(rows)
        assert int(told.cases.inhibited.sum()) == int(told.signals.inhibited.sum())
        _money_counts_once(told)
        _severity_is_that_of_all_until_they_end(told)

        mixed = list(rows)
        chance.shuffle(mixed)
        again = night(mixed, before, day)
        pd.testing.assert_frame_equal(told.cases, again.cases)
        pd.testing.assert_frame_equal(told.events, again.events)
        pd.testing.assert_frame_equal(told.ended, again.ended)

        if before is not None:
            gone = _nothing_before_is_lost(before, told, gone)
        before = told


def _money_counts_once(told: Formed) -> None:
    for case in told.cases.to_dict("records"):
        own = told.signals[told.signals.case == case["case"]].drop_duplicates("id")
        assert (case["guarantees"], case["exposure"]) == (len(own), own.exposure.sum())


def _severity_is_that_of_all_until_they_end(told: Formed) -> None:
    for case in told.cases.to_dict("records"):
        own = told.signals[told.signals.case == case["case"]]
        assert SEVERITIES.index(case["severity"]) == own.severity.map(SEVERITIES.index).max()


def _nothing_before_is_lost(before: Formed, told: Formed, gone: set[str]) -> set[str]:
    """Each case of the night before goes on, has merged, or has ended; a signal stays where it was."""
    merged = {case: into for case, _, into in ((b, b, a) for _, b, a in events(told, "merged"))}
    over = {case for case, _, _ in events(told, "ended")}
    now = set(told.cases.case)
    for case in before.cases.case:
        assert (case in now) + (case in merged) + (case in over) == 1
    was = {(s["signal"], s["id"]): s["case"] for s in before.signals.to_dict("records")}
    for one in told.signals.to_dict("records"):
        case = was.get((one["signal"], one["id"]))
        assert case is None or one["case"] == merged.get(case, case)
    assert not gone & now  # an id is never used again
    assert set(told.ended.case) >= over
    return gone | over | set(merged)


# --- by example ---


def test_one_court_case_in_three_feeds_of_two_guarantees_is_one_case() -> None:
    rows = [row(name, unit, "E", "orange" if name == "J01" else "red", cases=[number])
            for unit in ("g1", "g2") for name, number in (("J01", "(2026)鲁01执1号"), ("J02", "（2026）鲁01执1号"), ("J03", "(2026)鲁01执 1号"))]  # fmt: skip
    told = night(rows)
    (case,) = told.cases.to_dict("records")
    assert (case["severity"], case["signals"], case["guarantees"], case["exposure"]) == ("red", 6, 2, 200.0)
    assert (case["root"], case["title_zh"], case["lead"], case["enterprise"]) == ("court", "法院", "J02", "E")


def test_another_case_number_is_another_case_and_another_enterprise_too() -> None:
    rows = [
        row("J01", "g1", "E", cases=["1"]),
        row("J02", "g1", "E", cases=["2"]),
        row("J01", "h1", "F", cases=["1"]),
    ]
    assert len(night(rows).cases) == 3


def test_what_is_shared_but_no_identifier_connects_nothing() -> None:
    rows = [
        row("J01", "g1", "E", cases=["1"]),
        row("J02", "g1", "E", cases=["2"]),
    ]  # both name the enterprise
    assert members(night(rows)) == {frozenset({("J01", "g1")}), frozenset({("J02", "g1")})}


def test_a_bridge_merges_into_the_older_case() -> None:
    first = night([row("J01", "g1", "E", cases=["1"])])
    later = row("J02", "g1", "E", "red", cases=["2"], first_seen=DAY + timedelta(1))
    second = night([row("J01", "g1", "E", cases=["1"], state="continuing"), later], first, DAY + timedelta(1))
    old, young = first.cases.case[0], (set(second.cases.case) - set(first.cases.case)).pop()
    bridge = row("J03", "g1", "E", cases=["1", "2"])
    rows = [row("J01", "g1", "E", cases=["1"], state="continuing"), {**later, "state": "continuing"}, bridge]
    third = night(rows, second, DAY + timedelta(2))
    assert list(third.cases.case) == [old]
    assert events(third, "merged") == [(young, young, old)]
    assert not events(third, "ended")
    assert third.cases.severity[0] == "red"
    assert events(third, "raised") == []  # the younger was red already


def test_a_case_that_ended_and_comes_again_follows_it_and_cools_down() -> None:
    one = row("T01", "g1", "E", "yellow")
    first = night([one])
    other = row("PD", "g1", "E")
    over = pd.DataFrame([{"about": "guarantee", "id": "g1", "signal": "T01", "why": "no longer true"}])
    second = night([other], first, DAY + timedelta(1), over=over)
    assert events(second, "ended") == [(first.cases.case[0], "yellow", "no longer true")]
    for days, severity, quiet in (
        (60, "yellow", "cool-down"),
        (61, "yellow", ""),
        (2, "orange", ""),
        (61, "blue", "cool-down"),
    ):
        day = DAY + timedelta(days)
        third = night([other, row("T02", "g1", "E", severity, first_seen=day, raised_on=day)], second, day)
        (again,) = third.cases[third.cases.root == "sales"].to_dict("records")
        assert again["case"] != first.cases.case[0]
        assert (again["follows"], again["quiet"]) == (first.cases.case[0], quiet), (days, severity)


def test_another_court_case_does_not_follow() -> None:
    first = night([row("J01", "g1", "E", cases=["1"])])
    second = night([], first, DAY + timedelta(1))
    third = night([row("J01", "g1", "E", cases=["2"])], second, DAY + timedelta(2))
    assert third.cases[["follows", "quiet"]].to_dict("records") == [{"follows": None, "quiet": ""}]


def test_a_red_hushes_its_own_yellow_and_those_it_explains_and_nothing_vanishes() -> None:
    rows = [row("L07", "g1", "E", "red"), row("T01", "g1", "E", "yellow"), row("PD", "g1", "E", "orange"),
            row("J01", "g1", "E", "yellow", cases=["1"]), row("J02", "g1", "E", "red", cases=["1"]),
            row("T01", "h1", "F", "yellow")]  # fmt: skip
    told = night(rows)
    cases = told.cases.set_index(["enterprise", "root"])
    assert cases.quiet.to_dict() == {
        ("E", "L07"): "",
        ("E", "court"): "",
        ("E", "PD"): "",
        ("E", "sales"): "inhibited",
        ("F", "sales"): "",
    }
    assert (int(told.cases.signals.sum()), int(told.signals.inhibited.sum())) == (6, 2)
    assert cases.inhibited[("E", "court")] == 1
    gone = [{**one, "state": "withdrawn"} if one["signal"] == "L07" else one for one in rows]
    assert (
        night(gone).cases.set_index(["enterprise", "root"]).quiet[("E", "sales")] == ""
    )  # taken back: it explains nothing


def test_facts_and_events_of_one_case() -> None:
    base = row("T01", "g1", "E", "orange")
    first = night([base])

    def fact(*rows: dict[str, Any]) -> tuple[str, set[str]]:
        told = night(list(rows), first, DAY + timedelta(1))
        return told.cases.fact[0], set(told.events.event)

    going = {**base, "state": "continuing"}
    assert fact(going) == ("continuing", set())
    assert fact({**going, "severity": "red"}) == ("raised", {"raised"})
    assert fact({**going, "severity": "yellow"}) == ("continuing", {"lowered"})
    assert fact({**going, "state": "renewed"}) == ("renewed", {"renewed"})
    assert fact(going, row("T02", "g1", "E")) == ("renewed", {"renewed"})  # a new view of it is told again
    assert fact(going, row("T01", "g2", "E")) == (
        "continuing",
        set(),
    )  # one more guarantee is no news of the event
    assert fact({**going, "state": "easing"}) == ("easing", {"easing"})
    assert fact({**going, "state": "clearing"}) == ("clearing", {"clearing"})
    assert fact({**going, "state": "to confirm"}) == ("to confirm", {"to confirm"})
    assert fact({**going, "state": "withdrawn"}) == ("withdrawn", {"withdrawn"})


def test_turned_overdue_then_compensated() -> None:
    rows = [row("T01", "g1", "E"), row("T01", "g2", "E")]
    first = night(rows)
    fine, late = book(rows), book(rows, g1=5.0)
    going = [{**one, "state": "continuing"} for one in rows]
    second = night(going, first, DAY + timedelta(1), book_=late, old=fine)
    assert events(second, "turned overdue") == [(first.cases.case[0], None, "g1")]
    assert second.cases[["turned", "turned_on"]].to_dict("records") == [
        {"turned": "overdue", "turned_on": DAY + timedelta(1)}
    ]
    third = night(going, second, DAY + timedelta(2), book_=late, old=late)
    assert (events(third, "turned overdue"), third.cases.turned[0]) == ([], "overdue")
    cured = night(going, third, DAY + timedelta(3), book_=fine, old=late)
    assert (len(events(cured, "no longer overdue")), cured.cases.turned[0]) == (1, None)
    paid = night(
        going[1:],
        third,
        DAY + timedelta(3),
        book_=book(rows[1:]),
        old=late,
        gone={"g1": "compensation", "x": "compensation"},
    )
    assert events(paid, "turned compensated") == [(first.cases.case[0], None, "g1")]
    assert paid.cases.turned[0] == "compensated"
    over = night(
        [], third, DAY + timedelta(3), book_=book([]), old=late, gone={"g1": "compensation", "g2": "release"}
    )
    assert events(over, "ended") == [(first.cases.case[0], "yellow", "compensated")]


def test_groups_and_feeds_have_cases_of_their_own() -> None:
    rows = [
        row("G05", "工行", "", about="bank", guarantees=7, exposure=700.0),
        row("G05", "工行", "", about="region", guarantees=2),
    ]
    told = night(rows)
    assert told.cases[["about", "enterprise", "unit", "guarantees"]].to_dict("records") == [
        {"about": "bank", "enterprise": "", "unit": "工行", "guarantees": 7},
        {"about": "region", "enterprise": "", "unit": "工行", "guarantees": 2},
    ]


def test_the_evidence_hash_changes_by_new_evidence_only() -> None:
    one, two = row("J01", "g1", "E", cases=["1", "2"]), row("J01", "g1", "E", cases=["2", "1"])
    first, same = night([one]), night([two])
    assert first.cases.evidence_hash[0] == same.cases.evidence_hash[0] is not None

    def later(*numbers: str) -> bool:
        told = night([row("J01", "g1", "E", state="continuing", cases=numbers)], first, DAY + timedelta(1))
        return bool(told.cases.evidence_hash[0] == first.cases.evidence_hash[0])

    assert (later("2"), later("1", "3"), later("1", "2")) == (True, False, True)


def test_the_next_report_of_a_period_is_no_new_evidence() -> None:
    contracts = {
        name: read_contract(CONFIGS / "sources" / f"{name}.toml") for name in ("inv_monthly", "adm_penalty")
    }

    def hashed(source: str, **keys: str) -> str:
        text = json.dumps({"rows": [{"source": source, "keys": keys, "event_date": "2026-05-31"}]})
        rows = [row("T01", "g1", "E", evidence=text)]
        told = form(frame(rows), Past(), rules(), Tonight(DAY, book(rows), contracts=contracts))
        return str(told.cases.evidence_hash[0])

    assert hashed("inv_monthly", uscc="E", ym="2026-04-01") == hashed(
        "inv_monthly", uscc="E", ym="2026-05-01"
    )
    assert hashed("adm_penalty", doc_no="1") != hashed("adm_penalty", doc_no="2")


def test_a_night_goes_on_from_published_files_as_from_memory(tmp_path: Path) -> None:
    rows = [
        row("J01", "g1", "E", "red", cases=["1"]),
        row("T01", "g1", "E"),
        row("PD", "h1", "F", exposure=float("nan")),
    ]
    first = night(rows)
    going = [{**one, "state": "continuing"} for one in rows[1:]]
    second = night(going, first, DAY + timedelta(1))  # one has ended: all frames have rows
    publication = Publication(DAY, tmp_path, {}, "")

    def again(told: pd.DataFrame, name: str) -> pd.DataFrame:
        (tmp_path / name).write_bytes(
            signals_bytes(told) if name.startswith("signals") else frame_bytes(told)
        )
        return read_frame(publication, name)

    read = Formed(
        *(again(getattr(second, name), f"{name}.parquet") for name in ("signals", "cases", "events", "ended"))
    )
    day = DAY + timedelta(2)
    for name in ("cases", "events", "ended"):
        one, other = (getattr(night(rows, told, day), name) for told in (second, read))
        pd.testing.assert_frame_equal(one, other)


def test_no_signals_make_no_cases() -> None:
    told = night([])
    assert (list(told.cases), len(told.events), len(told.ended)) == (list(COLUMNS), 0, 0)
