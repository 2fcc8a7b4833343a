"""Is what the night writes and looks up for all rows together what it would be row by row? The slow versions are the oracles."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.monitor.due_dates import PROVISIONAL, UNCERTAIN, DueDates
from riskengine.monitor.earlier import Earlier
from riskengine.monitor.evaluate import units
from riskengine.monitor.plan import SOON, ordered
from riskengine.monitor.reminders import Reminder
from riskengine.monitor.renewal import renewed
from riskengine.monitor.signal_rows import COLUMNS, empty
from riskengine.monitor.signals import Shown, Signal
from riskengine.monitor.texts import LANGUAGES, texts
from riskengine.schema import Words
from riskengine.working_days import read_calendar

DAY = date(2026, 6, 30)
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 0.12345, 0.12346, 1e9, float("nan"), float("inf")])
THINGS = st.sampled_from(
    [None, "甲", "a{b}", 1, 1.0, True, Decimal("1.00"), Decimal("1.0"), date(2026, 1, 2)]
)
TEXTS = st.sampled_from(
    ["{x}", "{x:.2f} of {y}", "{y}{y}", "none", "{{{x:,.1f}}} {s} {d}", "", "{x:.{n}f} {s}", "{d} {n:d} {n}"]
)


def _words(en: str, zh: str = "{x} 个 {d}") -> Words:
    return Words(en=en, zh=zh)


@given(TEXTS, st.lists(st.tuples(NUMBERS, THINGS), max_size=12))
@settings(max_examples=60, deadline=None)
def test_texts_written_together_are_those_written_one_by_one(en: str, rows: list[tuple[float, Any]]) -> None:
    frame = pd.DataFrame(
        {
            "x": pd.Series([x for x, _ in rows], dtype="float64"),
            "y": pd.Series([y for _, y in rows], dtype="object"),
            "s": pd.Series([["一", None, "b"][n % 3] for n in range(len(rows))], dtype="str"),
            "d": pd.to_datetime(pd.Series([[DAY, None][n % 2] for n in range(len(rows))], dtype="object")),
            "n": pd.Series(range(len(rows)), dtype="int64") // 2,
        }
    )
    made = texts(_words(en), {name: frame[name] for name in frame}, len(frame))
    for language in LANGUAGES:
        text = _words(en).say(language)
        slow = [
            text.format_map({str(name): Shown(value, language) for name, value in row.items()})
            for row in frame.to_dict("records")
        ]
        assert made[language].tolist() == slow


def _reminder(**told: Any) -> Reminder:
    plain: dict[str, Any] = {
        "id": "R-1", "title": _words("t"), "leads": (30, "3wd"), "reference": "r", "action": _words("a"), "owner": _words("o"),
        "base": "begun", "plus": "1m", "text": {"en": "{begun} {due} {days} {amount:,.2f} {base}", "zh": "{due} 还有{days}天"},
    }  # fmt: skip
    return Reminder(**{**plain, **told})


def _slow_row(asked: DueDates, values: dict[str, Any], base: date, due: date, unsure: bool) -> Any:
    """One reminder made by itself, as the night did before it made them together."""
    one, left = asked.one, (due - asked.as_of).days
    key = f"{one.id}|{values['unit']}|{due}"
    if left > max(asked._leads(due)) or not asked._in_time(key, due):
        return None
    filled = {**values, "base": base, "due": due, "days": abs(left)}
    told = {
        language: one.text.say(language).format_map({n: Shown(v, language) for n, v in filled.items()})
        + ("" if asked.calendar.announced(due.year) else PROVISIONAL[language].format(year=due.year))
        + (UNCERTAIN[language] if unsure else "")
        for language in LANGUAGES
    }
    stake = next((v for n in ("amount", "exposure", "expected_loss") if not pd.isna(v := values[n])), 0.0)
    return key, base, due, told["en"], told["zh"], asked._status(due), round(max(stake, 0.0), 2), unsure


@given(
    st.lists(st.tuples(st.integers(-500, 400), NUMBERS.filter(lambda x: not abs(x) > 1e12), st.booleans()), max_size=15),
    st.sampled_from(["", "1m", "6m"]),
    st.integers(0, 3),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_reminders_made_together_are_those_made_one_by_one(
    rows: list[tuple[int, float, bool]], every: str, missed: int
) -> None:
    one = _reminder(every=every, loses="claim window", stake="amount")
    asked = DueDates(one, DAY, read_calendar("CN"), missed, {})
    frame = pd.DataFrame(
        {
            "unit": [f"g{n % 9}" for n in range(len(rows))],
            "enterprise_id": "e",
            "grade": "A",
            "begun": pd.to_datetime([DAY + timedelta(days=n) for n, _, _ in rows]),
            "amount": np.array([x for _, x, _ in rows], dtype="float64"),
            "exposure": 7.005,
            "expected_loss": 1.0,
        }
    )
    wanted, unsure = np.ones(len(rows), dtype=bool), np.array([u for _, _, u in rows], dtype=bool)
    made, _ = asked.due(frame, wanted, unsure)
    seen: dict[str, Any] = {}
    bases, first = asked._first(one.due_terms[0], frame)
    places, bases, days, open_ = asked._in_sight(frame, np.arange(len(rows)), bases, first, unsure)
    for place, base, day, u in zip(places, bases.tolist(), days.tolist(), open_.tolist(), strict=True):
        due = asked.calendar.on_or_before(day)
        row = _slow_row(asked, frame.iloc[[place]].to_dict("records")[0], base, due, u)  # type: ignore[arg-type]
        if row is not None:
            seen.setdefault(row[0], row)
    got = [
        (key, base, due, en, zh, {name: made[name][n] for name in status}, stake, u)
        for n, (key, base, due, en, zh, status, stake, u) in enumerate(
            zip(
                made["key"], made["base"], made["due"], made["text_en"], made["text_zh"],
                [asked._status(due) for due in made["due"]], made["at_stake"], made["uncertain"], strict=True,
            )
        )
    ]  # fmt: skip
    assert got == list(seen.values())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "limitation"]), st.integers(-3, 40), st.sampled_from([0.0, 1.5, 9.0]),
            st.sampled_from([DAY, DAY + timedelta(days=9)]), st.sampled_from(["B", "A"]), st.sampled_from(["10", "9", "一"]),
        ),
        max_size=20,
    )
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_reminders_are_in_the_order_of_the_rule(rows: list[tuple[Any, ...]]) -> None:
    names = ["loses", "days_left", "at_stake", "due", "reminder", "id"]
    frame = pd.DataFrame(rows, columns=names)

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        tie = (row["due"], row["reminder"], row["id"])
        soon = sum(row["days_left"] > days for days in SOON)
        return (0, soon, -row["at_stake"], *tie) if row["loses"] else (1, 0, 0.0, *tie)

    slow = sorted(range(len(rows)), key=lambda n: place(dict(zip(names, rows[n], strict=True))))
    pd.testing.assert_frame_equal(
        ordered(frame.assign(n=range(len(rows)))), frame.assign(n=range(len(rows))).iloc[slow].reset_index(drop=True)
    )  # fmt: skip


def _signal(name: str, about: str = "guarantee") -> Signal:
    band = {"severity": "red", "when": [{"feature": "x", "op": ">", "value": 1}]}
    words = {"en": "w", "zh": "字"}
    told = dict.fromkeys(("title", "category", "text", "action", "owner"), words)
    return Signal.model_validate(
        {"id": name, "about": about, "bands": [band], "exit": {"words": words}, "reference": "r", **told}
    )


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
@settings(max_examples=40, deadline=None)
def test_what_a_row_was_before_is_found_by_its_name(past: list[str], now: list[str]) -> None:
    rows = [
        {"signal": s, "about": "guarantee", "id": name, "value": float(ord(name))}
        for name in past
        for s in ("S1", "S2")
    ]
    before = pd.DataFrame(rows, columns=["signal", "about", "id", "value"]) if rows else empty()
    looked_at = {"guarantee": pd.DataFrame({"unit": pd.Series(now, dtype="object")})}
    earlier = Earlier.of(before, looked_at)
    for signal in (_signal("S2"), _signal("S3")):
        mine, place, gone = earlier.of_signal(signal)
        slow = before[before.signal == signal.id].set_index("id").value.reindex(now)
        got = mine.value.reindex(place).to_numpy(dtype="float64")
        np.testing.assert_array_equal(got, slow.to_numpy(dtype="float64"))
        assert mine.id[gone].tolist() == [name for name in mine.id if name not in now]


def _told(*cases: tuple[str, str]) -> str | None:
    rows = [{"source": "s", "keys": {"no": case}, "known_at": known} for case, known in cases]
    return json.dumps({"rows": rows, "of": len(rows)}, separators=(",", ":")) if cases else None


CASES = st.lists(
    st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["2026-06-01", "2026-06-30"])), max_size=2
)


@given(
    st.lists(
        st.tuples(CASES, CASES, st.sampled_from(["new", "continuing", "easing", "held"])),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_second_case_is_seen_as_if_every_row_were_compared(rows: list[Any]) -> None:
    plain = dict.fromkeys(COLUMNS) | {
        "signal": "S",
        "about": "guarantee",
        "clear_days": 0,
        "evidence_key": "kept",
    }
    tonight = [
        plain | {"id": str(n), "state": state, "evidence": _told(*new)}
        for n, (_, new, state) in enumerate(rows)
    ]
    earlier = [plain | {"id": str(n), "evidence": _told(*old)} for n, (old, _, _) in enumerate(rows)]
    frame, past = (
        pd.DataFrame(one, columns=list(COLUMNS)).astype({"evidence": "object"}) for one in (tonight, earlier)
    )
    made = renewed(frame, past, {}, date(2026, 6, 29), DAY)
    for (old, new, state), key, got in zip(rows, made.evidence_key, made.state, strict=True):
        fresh = any(known > "2026-06-29" and name not in {case for case, _ in old} for name, known in new)
        again = bool(old) and state in ("continuing", "easing") and fresh
        assert got == ("renewed" if again else state)
        assert key == (f"s|{new[0][0]}" if new else "kept")


def test_a_group_asked_for_some_columns_is_the_same_group() -> None:
    frame = pd.DataFrame(
        {"id": list("abc"), "enterprise_id": ["x", "x", "y"], "expected_loss": 1.0, "exposure": 2.0, "k": ["p", None, "p"], "v": [None, 1, 3.0], "w": 1}
    )  # fmt: skip
    keys = {"k": ("k",), "whole": (), "enterprise": ("enterprise_id",)}
    for about in keys:
        whole, some = units(frame, about, keys), units(frame, about, keys, None, ["v"])
        assert "w" not in some
        pd.testing.assert_frame_equal(whole[list(some.columns)], some)
