"""How a signal leaves: night by night as a slow reading of the rule says, kept through the published file; due dates."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.monitor.deadlines import due_date, read_deadlines, with_due_dates
from riskengine.monitor.evaluate import Evaluation, Night, both, evaluate, waiting
from riskengine.monitor.frames import read_frame, signals_bytes
from riskengine.monitor.publish import Publication
from riskengine.monitor.signals import SEVERITIES, Signal
from riskengine.working_days import read_calendar

START = date(2026, 3, 2)
WORDS = {"en": "text", "zh": "文"}
ROOT = Path(__file__).parents[2]


def signal(exit_: dict[str, object], **more: object) -> Signal:
    bands = [
        {"severity": name, "when": [{"feature": "x", "op": ">=", "value": limit}]}
        for name, limit in (("yellow", 1), ("red", 2))
    ]
    block = {"id": "S", "title": WORDS, "category": WORDS, "bands": bands, "exit": {"words": WORDS, **exit_},
             "text": {"en": "x is {x:.0f}", "zh": "x {x:.0f}"}, "action": WORDS, "owner": WORDS, "reference": "test"}  # fmt: skip
    return Signal.model_validate(block | more)


def book(x: list[float | None], names: list[str] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame({"id": names if names is not None else ["1"], "x": pd.Series(x, dtype="float64")})
    return frame.assign(enterprise_id="E", expected_loss=1.0, exposure=2.0)


def published(folder: Path, found: Evaluation, day: date) -> pd.DataFrame:
    """The signals as the next night reads them."""
    folder.mkdir(exist_ok=True)
    (folder / "signals.parquet").write_bytes(signals_bytes(found.signals))
    return read_frame(Publication(day, folder, {}, ""), "signals.parquet")


@dataclass(frozen=True)
class State:
    """What the slow reading remembers of the one guarantee.

    `there`: the last night that could tell saw it there; `looks`: every night since it was last at its severity (or, where
    it is gone, since it was last there), and whether that night could tell.
    """

    severity: int
    state: str
    first: date
    raised: date
    text: str
    worst: int
    there: bool = True
    looks: tuple[tuple[date, bool], ...] = ()

    @property
    def clear_days(self) -> int:
        """Days between two nights in a row that both saw it better."""
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return sum((b - a).days for (a, sure), (b, too) in pairs if sure and too)


@dataclass(frozen=True)
class Look:
    """One night of one guarantee: the day, the value, whether it is in the book, released, its rows taken back."""

    day: date
    x: float | None
    there: bool = True
    released: bool = False
    withdrawn: bool = False
    red_stays: bool = False


def level_of(one: Signal, x: float | None) -> int:
    """The highest band that a value reaches; -1: none."""
    bands = [(SEVERITIES.index(band.severity), band.when[0].value) for band in one.bands]
    return max((rank for rank, limit in bands if x is not None and x >= limit), default=-1)  # type: ignore[operator]


def slow(one: Signal, past: State | None, look: Look) -> tuple[State | None, str]:
    """One night in plain words: (what is active, why it ended or "")."""
    day, level, unknown = look.day, level_of(one, look.x), look.x is None
    if not look.there:
        return None, "left the book" if past else ""
    if past is None:
        said = f"x is {look.x:.0f}" if level >= 0 else ""
        return (State(level, "new", day, day, said, level), "") if level >= 0 else (None, "")
    by_person = one.exit.rule == "person"
    if level >= past.severity:  # worse (or as bad) at once
        raised = past.raised if past.there and level == past.severity else day
        state = "continuing" if past.there else "renewed"
        said = f"x is {look.x:.0f}"
        return State(level, state, past.first, raised, said, max(level, past.worst)), ""
    if level >= 0:  # lower, but there
        person = by_person or (look.red_stays and past.severity == 3)
        said = f"x is {look.x:.0f}"
        if look.released:
            state, raised = ("continuing", past.raised) if past.there else ("renewed", day)
            return State(level, state, past.first, raised, said, level), ""
        looks = (*past.looks, (day, True)) if past.there else ((day, True),)
        eased = replace(past, looks=looks, there=True, text=said, state="easing")
        if not past.there:
            eased = replace(eased, raised=day, state="renewed")
        enough = eased.clear_days >= one.exit.days
        if person:
            waits = past.there and (enough or by_person)
            note = "; severity kept until a person releases it"
            return replace(eased, text=said + note, state="to confirm" if waits else eased.state), ""
        if enough:
            eased = replace(eased, severity=past.severity - 1, looks=((day, True),))
        if eased.severity == level:
            return replace(eased, looks=(), state="continuing" if past.there else "renewed"), ""
        note = f"; severity kept until better for {one.exit.days} days" if one.exit.days else ""
        return replace(eased, text=said + note), ""
    person = by_person or (look.red_stays and past.worst == 3)
    if unknown and past.there and not look.withdrawn:  # nothing can be told: what fired is held
        return replace(past, state="held", looks=(*past.looks, (day, False)) if past.looks else ()), ""
    if look.released:
        return None, "released"
    if look.withdrawn and not person:
        return None, "withdrawn"
    looks = (day, not unknown)
    past = replace(past, there=False, looks=(looks,) if past.there else (*past.looks, looks))
    enough = past.clear_days >= one.exit.days
    if not unknown and enough and not person:
        return None, "no longer true"
    waits = person and (enough or by_person)
    taken = look.withdrawn or past.state == "withdrawn"
    return replace(past, state="withdrawn" if taken else "to confirm" if waits else "clearing"), ""


def shown(found: Evaluation) -> dict[str, tuple[Any, ...]]:
    """Each active row as the slow reading tells it."""
    rows = found.signals.astype("object").where(found.signals.notna(), None).to_dict("records")
    return {
        row["id"]: (SEVERITIES.index(row["severity"]), row["state"], row["first_seen"], row["raised_on"],
                    row["text_en"], SEVERITIES.index(row["worst"]), row["band"] is not None, row["clear_since"])
        for row in rows
    }  # fmt: skip


def remembered(old: State, day: date) -> tuple[Any, ...]:
    since = day - timedelta(days=old.clear_days) if old.looks else None
    return (old.severity, old.state, old.first, old.raised, old.text, old.worst, old.there, since)


@pytest.mark.parametrize("red_stays", [False, True])
@pytest.mark.parametrize(("rule", "days"), [("clear", 0), ("clear", 1), ("clear", 9), ("person", 0)])
def test_night_by_night_as_the_rule_says(tmp_path: Path, rule: str, days: int, red_stays: bool) -> None:
    """Sixty guarantees over twelve nights of all kinds at once, each as if it were alone."""
    one, chance = signal({"rule": rule, "days": days}), random.Random(20260302 + days)
    names = [str(n) for n in range(60)]
    past: dict[str, State | None] = dict.fromkeys(names)
    day, before, seen = START, None, set()
    stays = ("red",) if red_stays else ()
    for _ in range(12):
        day += timedelta(days=chance.randint(1, 7))
        x = {name: chance.choice([None, 0.0, 0.0, 0.0, 1.0, 2.0]) for name in names if chance.random() > 0.05}
        night = Night(day, {}, before, never_ends=stays)
        found = evaluate([one], book(list(x.values()), list(x)), night)
        told = {
            name: slow(one, past[name], Look(day, x.get(name), name in x, red_stays=red_stays))
            for name in names
        }
        past = {name: state for name, (state, _) in told.items()}
        assert dict(zip(found.ended.id, found.ended.why, strict=True)) == {
            n: why for n, (_, why) in told.items() if why
        }
        assert shown(found) == {name: remembered(old, day) for name, old in past.items() if old}
        count = found.counts.iloc[0]
        assert count[list(SEVERITIES)].sum() + count.clear + count.not_evaluable == len(x)
        waits = [old.state for old in past.values() if old]
        assert (count.clearing, count.to_confirm, count.easing) == tuple(
            waits.count(name) for name in ("clearing", "to confirm", "easing")
        )
        seen |= {old.state for old in past.values() if old}
        before = published(tmp_path, found, day)
    wanted = {"new", "continuing", "held"}
    if rule == "person" or days or red_stays:
        wanted |= {"renewed"} | ({"to confirm"} if rule == "person" or red_stays else {"clearing", "easing"})
    assert seen >= wanted


def test_days_on_which_the_feed_was_down_do_not_clear() -> None:
    """Clear on 2 January, nothing known until 21 March, clear on 2 April: no day of it was seen clear twice."""
    one, previous = signal({"days": 90}), None
    nights = [(date(2026, 1, 1), 1.0), (date(2026, 1, 2), 0.0)]
    nights += [(date(2026, 1, 3) + timedelta(days=11 * n), None) for n in range(8)]
    for day, x in [*nights, (date(2026, 4, 2), 0.0)]:
        found = evaluate([one], book([x]), Night(day, {}, previous))
        previous = found.signals
    assert previous.state.tolist() == ["clearing"]
    assert previous.clear_since.tolist() == [date(2026, 4, 2)]
    later = evaluate([one], book([0.0]), Night(date(2026, 7, 1), {}, previous))
    assert later.ended.why.tolist() == ["no longer true"]


LADDER = [
    {"severity": name, "when": [{"feature": "x", "op": ">=", "value": limit}]}
    for name, limit in (("yellow", 1), ("orange", 2), ("red", 3))
]


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from([0, 1, 5, 9]),
    st.sampled_from(["clear", "clear", "person"]),
    st.booleans(),
    st.randoms(use_true_random=True),
)
def test_worse_at_once_and_better_by_one_notch_after_the_days(
    days: int, rule: str, red_stays: bool, chance: random.Random
) -> None:
    """Twenty-five guarantees through any nine nights as the slow reading says; and what must hold whatever the reading says."""
    one, day, previous = signal({"rule": rule, "days": days}, bands=LADDER), START, None
    names = [str(n) for n in range(25)]
    past: dict[str, State | None] = dict.fromkeys(names)
    moved: dict[str, date] = {}  # the last night on which its severity changed or it was last at it
    for _ in range(9):
        day += timedelta(days=chance.randint(1, 7))
        x = {name: chance.choice([None, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0]) for name in names}
        released, taken = ({name for name in names if chance.random() < 0.1} for _ in range(2))
        keys = [frozenset(("S", "guarantee", name) for name in part) for part in (released, taken)]
        night = Night(
            day, {}, previous, never_ends=("red",) if red_stays else (), released=keys[0], withdrawn=keys[1]
        )
        found = evaluate([one], book(list(x.values()), names), night)
        looks = {n: Look(day, x[n], True, n in released, n in taken, red_stays) for n in names}
        told = {name: slow(one, past[name], looks[name]) for name in names}
        assert dict(zip(found.ended.id, found.ended.why, strict=True)) == {
            name: why for name, (_, why) in told.items() if why
        }
        assert shown(found) == {name: remembered(now, day) for name, (now, _) in told.items() if now}
        for name, now, before in ((name, told[name][0], past[name]) for name in names):
            level = level_of(one, x[name])
            assert (now.severity if now else -1) >= level  # worse at once
            if now and before and name not in released:
                lower = before.severity - now.severity
                assert lower <= 1
                assert not (lower > 0 and (rule == "person" or (red_stays and before.severity == 3)))
                assert not (lower > 0 and (day - moved[name]).days < days)
            if now and (not before or now.severity != before.severity or level == now.severity):
                moved[name] = day
        previous, past = found.signals, {name: now for name, (now, _) in told.items()}


def test_a_red_is_lowered_and_ended_by_a_person_only() -> None:
    """Red, then yellow: it stays red, to be confirmed; released it is yellow, and ends as a yellow does."""
    one, previous, states = signal({"days": 5}), None, []
    key = frozenset({("S", "guarantee", "1")})
    nights = (
        (0, 2.0, False),
        (1, 1.0, False),
        (6, 1.0, False),
        (90, 1.0, False),
        (91, 1.0, True),
        (92, 0.0, False),
    )
    for n, x, release in (*nights, (97, 0.0, False)):
        released = key if release else frozenset()
        night = Night(START + timedelta(days=n), {}, previous, never_ends=("red",), released=released)
        found = evaluate([one], book([x]), night)
        previous = found.signals
        states += previous[["severity", "band", "state"]].to_numpy().tolist()
    assert states == [["red", "red", "new"], ["red", "yellow", "easing"], ["red", "yellow", "to confirm"],
                      ["red", "yellow", "to confirm"], ["yellow", "yellow", "continuing"],
                      ["yellow", None, "clearing"]]  # fmt: skip
    assert found.ended.why.tolist() == ["no longer true"]
    states_ = pd.DataFrame(
        {"state": ["to confirm", "to confirm", "easing"], "band": ["yellow", None, "yellow"]}
    )
    assert waiting(states_).tolist() == [
        False,
        True,
        False,
    ]  # what is true at a lower band does not wait to end
    assert read_deadlines(ROOT / "configs" / "deadlines.toml").never_ends == ("red",)


def test_released_and_still_true_at_its_severity_goes_on() -> None:
    one, key = signal({"days": 5}), frozenset({("S", "guarantee", "1")})
    first = evaluate([one], book([2.0]), Night(START)).signals
    night = Night(START + timedelta(days=1), {}, first, never_ends=("red",), released=key)
    assert evaluate([one], book([2.0]), night).signals.state.tolist() == ["continuing"]
    assert evaluate([one], book([None]), night).signals.state.tolist() == ["held"]


def test_rows_taken_back_prove_nothing_while_the_feed_is_down() -> None:
    one, key = signal({"days": 5}), frozenset({("S", "guarantee", "1")})
    first = evaluate([one], book([1.0]), Night(START)).signals
    for stale, state, why in ((frozenset({"x"}), ["held"], []), (frozenset(), [], ["withdrawn"])):
        night = Night(START + timedelta(days=1), {}, first, stale, withdrawn=key)
        found = evaluate([one], book([0.0]), night)
        assert (found.signals.state.tolist(), found.ended.why.tolist()) == (state, why)
    assert found.ended.text_en.tolist() == ["x is 1"]


def test_todays_catalogue_may_be_asked_of_earlier_nights() -> None:
    later = START + timedelta(days=400)
    limits = [{"from": later, "value": 1, "reference": "r", "evidence": "D"}]
    bands = [{"severity": "yellow", "when": [{"feature": "x", "op": ">=", "limits": limits}]}]
    one = signal({}, bands=bands, **{"from": later})
    assert len(evaluate([one], book([1.0]), Night(START)).signals) == 0
    asked = evaluate([one], book([1.0]), Night(START, rules_day=later))
    assert asked.signals[["raised_on", "limit"]].to_numpy().tolist() == [[START, 1.0]]


def test_several_bands_of_one_severity_are_alternatives() -> None:
    bands = [{"severity": "orange", "when": [{"feature": name, "op": ">=", "value": 1}]} for name in "xy"]
    one = signal({}, bands=bands, text=WORDS)
    values = [(1.0, 0.0, "x"), (0.0, 1.0, "y"), (None, 1.0, "y"), (0.0, 0.0, ""), (0.0, None, "open")]
    for x, y, expected in values:
        found = evaluate([one], book([x]).assign(y=pd.Series([y], dtype="float64")), Night(START))
        assert found.signals.feature.tolist() == ([expected] if expected in ("x", "y") else [])
        assert found.counts.not_evaluable.tolist() == [int(expected == "open")]


def test_a_signal_is_watched_between_its_days_and_counted_otherwise() -> None:
    one = signal({"days": 30}, **{"from": START, "to": START + timedelta(days=1)})
    told = [
        evaluate([one], book([2.0]), Night(START + timedelta(days=n))).counts.watched.tolist()
        for n in (-1, 0, 1, 2)
    ]
    assert told == [[0], [1], [1], [0]]
    first = evaluate([one], book([2.0]), Night(START))
    after = evaluate([one], book([2.0]), Night(START + timedelta(days=2), {}, first.signals))
    assert after.ended.why.tolist() == ["no longer watched"]
    assert both(first, after, ["S"]).counts.signal.tolist() == ["S", "S"]


RED = ("red",)


def gone_book() -> pd.DataFrame:
    """Red, red and lower since, red and clear since, yellow, red and off the book later."""
    one, names = signal({"days": 90}), ["1", "2", "3", "4", "5"]
    first = evaluate([one], book([2.0, 2.0, 2.0, 1.0, 2.0], names), Night(START, never_ends=RED)).signals
    second = evaluate(
        [one],
        book([2.0, 1.0, 0.0, 1.0, 2.0], names),
        Night(START + timedelta(days=1), {}, first, never_ends=RED),
    )
    return second.signals.assign(evidence='{"rows":[]}', evidence_key="k")


@pytest.mark.parametrize("how", ["definition gone", "its last day passed", "about something else"])
def test_a_red_that_nobody_watches_any_more_waits_for_a_person(tmp_path: Path, how: str) -> None:
    past, day = gone_book(), START + timedelta(days=8)
    ended_on = signal({"days": 90}, to=START + timedelta(days=2))
    other = signal({"days": 90}, about="bank")
    watched = {"definition gone": [], "its last day passed": [ended_on], "about something else": [other]}[how]
    keys = {"bank": ("bank",)}
    tonight = book([0.0] * 4, ["1", "2", "3", "4"]).assign(exposure=7.0, expected_loss=3.0, bank="B")
    night = Night(day, keys, past, never_ends=RED)
    found = evaluate(watched, tonight, night)
    assert dict(zip(found.ended.id, found.ended.why, strict=True)) == {
        "4": "no longer watched",
        "5": "left the book",
    }
    rows = found.signals.set_index("id")
    assert rows.index.tolist() == ["1", "2", "3"]
    assert set(rows.state) == {"to confirm"}
    assert set(rows.severity) == {"red"}
    assert waiting(found.signals).all()
    was = past.set_index("id").loc[rows.index]
    for name in (
        "text_en",
        "text_zh",
        "value",
        "feature",
        "evidence",
        "evidence_key",
        "first_seen",
        "raised_on",
    ):
        assert rows[name].tolist() == was[name].tolist()
    assert rows[["exposure", "expected_loss"]].to_numpy().tolist() == [[7.0, 3.0]] * 3
    if watched:
        assert found.counts[["watched", "to_confirm"]].to_numpy().tolist() == [[int(how[0] == "a"), 3]]
    before = published(tmp_path, found, day)
    again = evaluate(watched, tonight, Night(day + timedelta(days=400), keys, before, never_ends=RED))
    assert again.signals.state.tolist() == ["to confirm"] * 3
    released = frozenset({("S", "guarantee", "2")})
    night = Night(day + timedelta(days=1), keys, before, never_ends=RED, released=released)
    told = evaluate(watched, tonight, night)
    assert told.ended[["id", "why"]].to_numpy().tolist() == [["2", "released"]]
    assert told.signals["id"].tolist() == ["1", "3"]
    taken = frozenset({("S", "guarantee", "3")})
    night = Night(day + timedelta(days=1), keys, before, never_ends=RED, withdrawn=taken)
    assert evaluate(watched, tonight, night).signals.state.tolist() == [
        "to confirm",
        "to confirm",
        "withdrawn",
    ]
    assert evaluate(
        watched, tonight, Night(day, keys, past)
    ).signals.empty  # where any severity may end by itself


def test_back_in_the_catalogue_it_is_renewed_or_clears_from_then_on() -> None:
    day = START + timedelta(days=400)
    night = Night(day, {}, gone_book(), never_ends=RED)
    waits = evaluate([], book([0.0] * 4, ["1", "2", "3", "4"]), night).signals
    back = Night(day + timedelta(days=1), {}, waits, never_ends=RED)
    found = evaluate([signal({"days": 90})], book([2.0, 0.0, None], ["1", "2", "3"]), back).signals
    told = found.set_index("id")
    assert told.state.to_dict() == {"1": "renewed", "2": "clearing", "3": "clearing"}
    assert told.clear_days.to_dict() == {"1": 0, "2": 0, "3": 0}  # of four hundred days nobody saw one
    assert set(told.severity) == {"red"}


def test_a_red_about_a_key_that_is_no_key_any_more_keeps_its_money() -> None:
    one, keys = signal({}, about="bank"), {"bank": ("bank",)}
    first = evaluate([one], book([2.0]).assign(bank="B"), Night(START, keys, never_ends=RED)).signals
    night = Night(START + timedelta(days=1), {}, first, never_ends=RED)
    kept = evaluate([], book([0.0]).assign(exposure=9.0), night).signals
    assert kept[["about", "id", "state", "exposure"]].to_numpy().tolist() == [
        ["bank", "B", "to confirm", 2.0]
    ]


def test_what_cannot_be_told_keeps_its_severity_whatever_is_open_above() -> None:
    """Yellow before, nothing known tonight, orange open: it is held yellow; with yellow known and orange open likewise."""
    bands = [{"severity": "yellow", "when": [{"feature": "x", "op": ">=", "value": 1}]},
             {"severity": "orange", "when": [{"feature": "y", "op": ">=", "value": 1}]}]  # fmt: skip
    one = signal({}, bands=bands, text=WORDS)
    first = evaluate([one], book([1.0]).assign(y=0.0), Night(START)).signals
    assert first.severity.tolist() == ["yellow"]
    night = Night(START + timedelta(days=1), {}, first)
    for x, state in ((None, "held"), (0.0, "held"), (1.0, "continuing")):
        found = evaluate([one], book([x]).assign(y=float("nan")), night).signals
        assert found[["severity", "state"]].to_numpy().tolist() == [["yellow", state]]


def test_feeds_are_units_of_their_own() -> None:
    one = signal({}, about="source", bands=[{"severity": "blue", "when": [{"feature": "silent_ratio", "op": ">", "value": 2}]}],
                 text={"en": "{value:.1f}", "zh": "{value:.1f}"})  # fmt: skip
    feeds = pd.DataFrame({"source": ["a", "b", "c"], "silent_ratio": [2.0, 2.5, float("nan")]})
    found = evaluate([one], book([0.0]), Night(START, feeds=feeds))
    assert found.signals[["id", "text_en", "enterprise"]].to_numpy().tolist() == [["b", "2.5", ""]]
    assert found.counts.not_evaluable.tolist() == [1]


def test_due_dates_count_working_days_from_the_night_the_severity_was_reached() -> None:
    deadlines = read_deadlines(ROOT / "configs" / "deadlines.toml")
    china = read_calendar("CN")
    friday = date(2026, 2, 13)  # the Saturday after it is worked, then nine days of Spring Festival
    red = deadlines.steps("red", friday)
    assert due_date("", red, friday, china) == date(2026, 2, 25)
    assert due_date("1wd", red, friday, china) == date(2026, 2, 14)
    assert due_date("10d", red, friday, china) == date(2026, 2, 23)
    assert due_date("", deadlines.steps("blue", friday), friday, china) is None  # at the next check
    assert due_date("", deadlines.steps("red", date(2019, 1, 1)), friday, china) is None
    one = signal({})
    first = evaluate([one], book([1.0]), Night(friday)).signals
    later = evaluate([one], book([2.0]), Night(date(2026, 3, 2), {}, first)).signals
    timed = [
        with_due_dates(rows, [one], deadlines, china, as_of)
        for rows, as_of in ((first, friday), (first, date(2026, 3, 7)), (later, date(2026, 3, 2)))
    ]
    got: list[Any] = [(rows.due[0], bool(rows.overdue[0])) for rows in timed]
    ten = date(2026, 3, 5)
    assert got == [(ten, False), (ten, True), (date(2026, 3, 5), False)]


def test_an_unreadable_deadline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deadlines.toml"
    step = '{ within = "3 weeks" }'
    path.write_text(
        f'[[red]]\nfrom = 2020-01-01\nclaim = {step}\nverify = {step}\nplan = {step}\nreference = "x"\n'
    )
    with pytest.raises(UsageError, match="3 weeks"):
        read_deadlines(path)


def test_a_project_may_have_a_column_called_enterprise_of_its_own() -> None:
    one = signal({"rule": "clear", "days": 5}, about="firm")
    keys = {"firm": ("enterprise",)}
    first = evaluate([one], book([2.0]).assign(enterprise="E"), Night(START, keys))
    night = Night(START + timedelta(days=1), keys, first.signals)
    kept = evaluate([one], book([0.0]).assign(enterprise="E"), night).signals
    assert kept[["state", "enterprise"]].to_numpy().tolist() == [["clearing", "E"]]
