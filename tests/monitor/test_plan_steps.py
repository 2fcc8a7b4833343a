"""Reminders that lose no money: money first, steps that survive missed nights, re-planning with history, what officers said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.monitor import frames, publish
from riskengine.monitor.acknowledged import Ack, ReminderAct, acknowledged, acts_hash, record, reminder_acts
from riskengine.monitor.evaluate import Night
from riskengine.monitor.frames import reminders_bytes
from riskengine.monitor.plan import COLUMNS, Plan, Reach, ordered, plan
from riskengine.monitor.reminders import Reminder
from riskengine.store.ledger import open_ledger
from riskengine.working_days import read_calendar

WORDS = {"en": "due {due}", "zh": "到期 {due}"}
CHINA = read_calendar("CN")
NO_FEEDS = pd.DataFrame({"source": []})
DUE = date(2025, 6, 3)  # a Tuesday
NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)


def reminder(**more: object) -> Reminder:
    block = {"id": "R", "title": WORDS, "base": "begun", "leads": [30, 7, 0], "text": WORDS, "action": WORDS,
             "owner": WORDS, "reference": "test", "shift": "none"}  # fmt: skip
    return Reminder.model_validate(block | more)


def book(begun: list[date | None], **more: list[object]) -> pd.DataFrame:
    size = len(begun)
    return pd.DataFrame({"id": [str(n) for n in range(size)], "enterprise_id": "E", "grade": "A", "expected_loss": 1.0,
                         "begun": pd.to_datetime(pd.Series(begun)), "exposure": 10.0, **more})  # fmt: skip


def night(
    one: Reminder, frame: pd.DataFrame, day: date, before: tuple[date, Plan] | None = None, **acts: Ack
) -> Plan:
    reach = Reach(CHINA, before_on=before[0] if before else None, acts=acts.get("acts", {}))  # type: ignore[arg-type]
    return plan((one,), frame, NO_FEEDS, Night(day, previous=before[1].reminders if before else None), reach)


def test_what_loses_money_comes_first_by_how_soon_and_how_much() -> None:
    rows = [("N20", "", -40, 9e9), ("N06", "", 3, 9e9), ("N15", "guarantee period", 60, 5e6), ("N16", "limitation", -3, 1e5),
            ("N12", "re-guarantee filing", 0, 2e5), ("N18", "seizure renewal", 6, 3e3), ("N10", "claim window", 7, 4e3),
            ("N29", "guarantee period", 20, 1.0)]  # fmt: skip
    frame = pd.DataFrame({"reminder": [r[0] for r in rows], "loses": [r[1] for r in rows], "days_left": [r[2] for r in rows],
                          "at_stake": [r[3] for r in rows], "id": "G", "due": [DUE + timedelta(days=r[2]) for r in rows]})  # fmt: skip
    for seed in range(5):
        mixed = ordered(frame.sample(frac=1, random_state=seed))
        assert mixed.reminder.tolist() == ["N12", "N16", "N10", "N18", "N29", "N15", "N20", "N06"]


def test_the_amount_at_stake_is_the_named_feature_then_exposure_then_expected_loss() -> None:
    one = reminder(loses="limitation", stake="unpaid")
    frame = book([DUE] * 4, unpaid=[500.0, np.nan, np.nan, -3.0])
    frame.loc[2, "exposure"] = np.nan
    found = night(one, frame, DUE).reminders
    assert dict(zip(found.id, found.at_stake, strict=True)) == {"0": 500.0, "1": 10.0, "2": 1.0, "3": 0.0}
    assert found.id.tolist() == ["0", "1", "2", "3"]
    with pytest.raises(ValueError, match="stake names the amount"):
        reminder(stake="unpaid")
    with pytest.raises(ValueError, match="Input should be"):
        reminder(loses="everything")


def test_it_is_escalated_by_working_days_past_due_and_before_where_nothing_can_be_done_after() -> None:
    one = reminder(leads=[0], escalate=[3, 10], keep_days=30)
    seen, before = {}, None
    for ahead in range(30):
        day = DUE + timedelta(days=ahead)
        before = (day, night(one, book([DUE]), day, before))
        (row,) = before[1].reminders.to_dict("records")
        if row["state"] != "continuing":
            seen[day] = (row["state"], row["level"], row["step"])
    third, tenth = CHINA.add(DUE, 3), CHINA.add(DUE, 10)
    assert seen == {DUE: ("new", 0, 1), third: ("raised", 1, 2), tenth: ("raised", 2, 3)}
    early = reminder(leads=[30], escalate=[-5, 0])
    levels = [
        int(night(early, book([DUE]), DUE + timedelta(days=n)).reminders.level[0]) for n in (-9, -8, -1, 0)
    ]
    assert levels == [0, 1, 1, 2], (
        "five working days before Tuesday 3 June: 26 May, as 31 May to 2 June are a festival"
    )
    with pytest.raises(ValueError, match="each later"):
        reminder(escalate=[10, 3])


@given(
    nights=st.sets(st.integers(-32, 45), max_size=6),
    keep=st.sampled_from([0, 5, 30]),
    after=st.booleans(),
    escalate=st.sampled_from([(), (-3, 0), (1, 3)]),
)
@settings(max_examples=15, deadline=None)
def test_missed_nights_lose_no_step_and_repeat_none(
    nights: set[int], keep: int, after: bool, escalate: tuple[int, ...]
) -> None:
    """Whatever nights there are between the first and the last, each night tells the steps of its day and none twice."""
    after_ = [2] if after and keep >= 2 else []
    one = reminder(leads=[30, 7, 0], after=after_, escalate=escalate, keep_days=keep)

    def steps_by(ahead: int) -> int:
        reached = sum(-lead <= ahead for lead in (30, 7, 0)) + sum(days <= ahead for days in after_)
        return reached + sum(CHINA.add(DUE, days) <= DUE + timedelta(days=ahead) for days in escalate)

    told, expected, before = [], [], None
    for ahead in [-33, *sorted(nights), 46]:
        day = DUE + timedelta(days=ahead)
        before = (day, night(one, book([DUE]), day, before))
        told += [
            row["step"] for row in before[1].reminders.to_dict("records") if row["state"] != "continuing"
        ]
        step = steps_by(min(ahead, keep))
        expected += [step] if step > max(expected, default=0) else []
    assert told == expected
    assert told[-1] == steps_by(keep), "the last step is told, however late the next night is"


def test_what_came_and_went_between_two_nights_is_shown_once() -> None:
    one = reminder(leads=[7, 0], keep_days=5)
    first = night(one, book([DUE]), DUE - timedelta(days=10))
    assert first.reminders.empty
    late = DUE + timedelta(days=20)
    caught = night(one, book([DUE]), late, (DUE - timedelta(days=10), first))
    assert caught.reminders[["status", "days_left", "state"]].to_numpy().tolist() == [["overdue", -20, "new"]]
    assert night(one, book([DUE]), late).reminders.empty, "a first night catches up nothing"
    after = night(one, book([DUE]), late + timedelta(days=1), (late, caught))
    assert after.reminders.empty
    assert after.ended.why.tolist() == ["over"]
    seen = night(one, book([DUE]), DUE)
    assert night(one, book([DUE]), late, (DUE, seen)).reminders.empty, "its last step was told"


def test_a_changed_date_or_grade_is_planned_anew_and_the_two_are_linked() -> None:
    one = reminder()
    before = night(one, book([DUE]), date(2025, 6, 1))
    moved = night(one, book([date(2025, 6, 24)]), date(2025, 6, 2), (date(2025, 6, 1), before))
    assert moved.reminders[["key", "replaces"]].to_numpy().tolist() == [["R|0|2025-06-24", "R|0|2025-06-03"]]
    assert moved.ended[["key", "why", "replaced_by"]].to_numpy().tolist() == [
        ["R|0|2025-06-03", "replaced", "R|0|2025-06-24"]
    ]
    later = night(one, book([date(2025, 6, 24)]), date(2025, 6, 3), (date(2025, 6, 2), moved))
    assert later.reminders.replaces.tolist() == ["R|0|2025-06-03"], "the link stays"
    by_grade = reminder(every={"A": "12m", "B": "1m"}, keep_days=30, leads=[400])
    worse = book([date(2025, 1, 10)]).assign(grade="B")
    first = night(by_grade, worse.assign(grade="A"), date(2025, 2, 1))
    again = night(by_grade, worse, date(2025, 2, 2), (date(2025, 2, 1), first))
    assert (
        again.reminders.loc[again.reminders.replaces.notna(), "key"].tolist() == []
    )  # 2026-01-10 is due monthly too
    better = night(by_grade, worse.assign(grade="A"), date(2025, 2, 3), (date(2025, 2, 2), again))
    assert set(better.ended.why) == {"replaced"}
    assert better.reminders.due.tolist() == [date(2026, 1, 10)]


def test_acknowledged_is_kept_with_its_step_and_done_leaves_with_a_name() -> None:
    one = reminder(leads=[30, 7, 0], escalate=[3], keep_days=30)
    key = f"R|0|{DUE}"
    first = night(one, book([DUE, DUE]), DUE - timedelta(days=30))
    acts = {key: Ack("Li", DUE - timedelta(days=29), step=1)}
    second = night(
        one, book([DUE, DUE]), DUE - timedelta(days=20), (DUE - timedelta(days=30), first), acts=acts
    )
    shown = ["id", "acknowledged_by", "acknowledged_on", "acknowledged"]
    assert second.reminders[shown].to_numpy().tolist() == [
        ["0", "Li", DUE - timedelta(days=29), True], ["1", None, None, False]]  # fmt: skip
    third = night(
        one, book([DUE, DUE]), DUE - timedelta(days=7), (DUE - timedelta(days=20), second), acts=acts
    )
    assert third.reminders.acknowledged.tolist() == [False, False], "a further lead asks again"
    assert third.reminders.state.tolist() == ["raised", "raised"]
    done = {key: Ack("Wang", DUE, step=2, done=True, why="letter 17")}
    fourth = night(one, book([DUE, DUE]), DUE, (DUE - timedelta(days=7), third), acts=done)
    assert fourth.reminders.id.tolist() == ["1"]
    assert fourth.ended[["key", "why"]].to_numpy().tolist() == [[key, "done (by Wang)"]]
    moved = night(one, book([date(2025, 6, 24), DUE]), DUE, (DUE - timedelta(days=7), third), acts=done)
    assert f"R|0|{date(2025, 6, 24)}" in set(moved.reminders["key"]), "another date is another reminder"


def test_publications_of_before_there_were_steps_are_read_on(tmp_path: Path) -> None:
    one = reminder(leads=[30, 7, 0])
    new = [
        "officer",
        "level",
        "step",
        "replaces",
        "loses",
        "at_stake",
        "acknowledged_by",
        "acknowledged_on",
        "acknowledged",
    ]
    old = Plan(
        night(one, book([DUE]), DUE - timedelta(days=20)).reminders.drop(columns=new),
        pd.DataFrame(),
        pd.DataFrame(),
    )
    same = night(one, book([DUE]), DUE - timedelta(days=19), (DUE - timedelta(days=20), old))
    assert same.reminders.state.tolist() == ["continuing"]
    kept = night(one, book([None]), DUE, (DUE - timedelta(days=1), old))
    assert kept.reminders[["key", "loses", "at_stake"]].to_numpy().tolist() == [[f"R|0|{DUE}", "", 1.0]]
    for made in (kept, same, night(one, book([None]), DUE)):
        written = {"reminders.parquet": reminders_bytes(made.reminders)}
        publish.publish(tmp_path, DUE, {"n": len(made.reminders)}, written, {})
        back = frames.read_frame(publish.find(tmp_path, DUE), "reminders.parquet")  # type: ignore[arg-type]
        assert list(back.columns) == list(COLUMNS)
        pd.testing.assert_frame_equal(back, made.reminders, check_dtype=False)


def test_acts_are_appended_counted_from_their_day_and_the_night_writes_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    day = date(2025, 6, 1)
    assert acknowledged(ledger, day) == {}
    assert acts_hash(ledger, day) == ""
    seen = ReminderAct("K", "ack", "Li", NOW, day, step=2)
    assert record(ledger, [seen]) == [seen]
    assert record(ledger, [seen]) == [], "the very same again says nothing new"
    record(ledger, [ReminderAct("K", "done", "Wang", NOW, day + timedelta(days=1), 2, "letter")])
    assert acknowledged(ledger, day - timedelta(days=1)) == {}
    assert acknowledged(ledger, day) == {"K": Ack("Li", day, 2)}
    assert acknowledged(ledger, day + timedelta(days=1))["K"].done
    before = acts_hash(ledger, day)
    record(ledger, [ReminderAct("K", "reopen", "Wang", NOW, day + timedelta(days=2), 2, "wrong file")])
    assert acknowledged(ledger, day + timedelta(days=2)) == {}
    assert acts_hash(ledger, day) == before, "a later act changes no earlier night"
    assert [one["act"] for one in reminder_acts(ledger)] == ["ack", "done", "reopen"]
