"""How a signal leaves: night by night as a slow reading of the rule says, kept through the published file; due dates."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from riskengine.errors import UsageError
from riskengine.monitor.deadlines import due_date, read_deadlines, with_due_dates
from riskengine.monitor.evaluate import Evaluation, Night, both, evaluate
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
    """What the slow reading remembers of the one guarantee; `looks`: every night since it was last true, and what was seen."""

    severity: int
    state: str
    first: date
    raised: date
    text: str
    worst: int
    looks: tuple[tuple[date, float | None], ...] = ()

    @property
    def clear_days(self) -> int:
        """Days between two nights in a row that both saw it clear."""
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return sum((b - a).days for (a, x), (b, y) in pairs if x is not None and y is not None)


def slow(
    one: Signal, past: State | None, x: float | None, there: bool, when: tuple[date, bool]
) -> tuple[State | None, str]:
    """One night in plain words: (what is active, why it ended or ""). `when`: the day, and whether a red never ends."""
    day, red_stays = when
    if not there:
        return None, "left the book" if past else ""
    if past is None and (x is None or x < 1):
        return None, ""
    if x is not None and x >= 1:
        level, text = (3 if x >= 2 else 1), f"x is {x:.0f}"
        if past is None:
            return State(level, "new", day, day, text, level), ""
        raised = day if level > past.severity or past.looks else past.raised
        state = "renewed" if past.looks else "continuing"
        return State(level, state, past.first, raised, text, max(level, past.worst)), ""
    assert past is not None
    if x is None and not past.looks:  # nothing can be told: what fired is held
        return replace(past, state="held"), ""
    past = replace(past, looks=(*past.looks, (day, x)))
    long_enough = past.clear_days >= one.exit.days
    if one.exit.rule == "person" or (red_stays and past.worst == 3 and long_enough):
        return replace(past, state="to confirm"), ""
    if x is not None and long_enough and not (red_stays and past.worst == 3):
        return None, "no longer true"
    return replace(past, state="clearing"), ""


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
        told = {name: slow(one, past[name], x.get(name), name in x, (day, red_stays)) for name in names}
        past = {name: state for name, (state, _) in told.items()}
        assert dict(zip(found.ended.id, found.ended.why, strict=True)) == {
            n: why for n, (_, why) in told.items() if why
        }
        rows = found.signals.astype("object").where(found.signals.notna(), None).to_dict("records")
        got = {
            row["id"]: (SEVERITIES.index(row["severity"]), row["state"], row["first_seen"], row["raised_on"],
                        row["text_en"], SEVERITIES.index(row["worst"]), row["clear_since"])
            for row in rows
        }  # fmt: skip
        assert got == {
            name: (old.severity, old.state, old.first, old.raised, old.text, old.worst,
                   day - timedelta(days=old.clear_days) if old.looks else None)
            for name, old in past.items() if old
        }  # fmt: skip
        count = found.counts.iloc[0]
        assert count[list(SEVERITIES)].sum() + count.clear + count.not_evaluable == len(x)
        assert count.clearing + count.to_confirm == sum(bool(old.looks) for old in past.values() if old)
        seen |= {old.state for old in past.values() if old}
        before = published(tmp_path, found, day)
    wanted = {"new", "continuing", "held"}
    if rule == "person" or days or red_stays:
        wanted |= {"renewed"} | ({"to confirm"} if rule == "person" or red_stays else {"clearing"})
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


def test_a_red_waits_for_a_person_also_after_it_was_lowered() -> None:
    """Red, then yellow, then clear: the declared severities never end by themselves, whatever they were last."""
    one, previous, states = signal({"days": 5}), None, []
    for n, x in ((0, 2.0), (1, 1.0), (2, 0.0), (7, 0.0), (300, 0.0)):
        night = Night(START + timedelta(days=n), {}, previous, never_ends=("red",))
        previous = evaluate([one], book([x]), night).signals
        states += previous[["severity", "worst", "state"]].to_numpy().tolist()
    assert states == [["red", "red", "new"], ["yellow", "red", "continuing"], ["yellow", "red", "clearing"],
                      ["yellow", "red", "to confirm"], ["yellow", "red", "to confirm"]]  # fmt: skip
    assert read_deadlines(ROOT / "configs" / "deadlines.toml").never_ends == ("red",)


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
