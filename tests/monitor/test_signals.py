"""Signals: severities as a row-by-row reading says, boundaries, held where data is missing, errors all at once."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.decision.conditions import Condition
from riskengine.errors import UsageError
from riskengine.monitor.comparing import compare
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.signals import SEVERITIES, Signal, read_signals
from riskengine.monitor.vocabulary import Vocabulary

DAY = date(2006, 3, 31)
WORDS = {"en": "text", "zh": "文"}


def signal(bands: list[dict[str, object]], **more: object) -> Signal:
    block = {"id": "S", "title": WORDS, "category": WORDS, "bands": bands, "exit": {"words": WORDS}, "action": WORDS,
             "text": {"en": "x is {value:.1f} against {limit:.1f}", "zh": "x {value:.1f}，阈值 {limit:.1f}"},
             "owner": WORDS, "deadline": "5wd", "reference": "test"}  # fmt: skip
    return Signal.model_validate(block | more)


def band(severity: str, limit: float, feature: str = "x", op: str = ">=") -> dict[str, object]:
    return {"severity": severity, "when": [{"feature": feature, "op": op, "value": limit}]}


def rows(x: list[float | None], **more: list[object]) -> pd.DataFrame:
    size = len(x)
    base = {"id": [str(n) for n in range(size)], "enterprise_id": [f"E{n}" for n in range(size)],
            "x": pd.Series(x, dtype="float64"), "expected_loss": [100.0] * size, "exposure": [1000.0] * size}  # fmt: skip
    return pd.DataFrame(base | more)


NUMBER = st.one_of(st.none(), st.integers(-3, 3).map(float))


@given(
    st.lists(NUMBER, max_size=12),
    st.sampled_from([">", ">=", "<", "<=", "==", "!=", "known", "missing"]),
    st.integers(-3, 3),
)
@settings(max_examples=150, deadline=None)
def test_arrays_compare_as_single_rows_do(values: list[float | None], op: str, limit: int) -> None:
    one = Condition(feature="x", op=op, value=None if op in ("known", "missing") else limit)
    holds, fails = compare(one, rows(values), DAY)
    told = [True if h else False if f else None for h, f in zip(holds, fails, strict=True)]
    assert told == [one.holds({"x": value}, DAY) for value in values]


def slow(
    one: Signal, row: dict[str, float | None], before: str | None, stale: frozenset[str]
) -> tuple[str | None, bool]:
    """The rule of `evaluate`, read band by band for one row without days to pass: (severity, held)."""
    level, still_open = -1, -1
    for item in one.bands:
        told = []
        for condition in item.when:
            said = condition.holds(row, DAY)
            told.append(None if said is False and condition.feature in stale else said)
        rank = SEVERITIES.index(item.severity)
        if all(said is True for said in told):
            level = max(level, rank)
        elif False not in told:
            still_open = max(still_open, rank)
    past = SEVERITIES.index(before) if before else -1
    held = past > level and still_open > level
    level = past if held else max(level, past - 1) if level >= 0 else level  # lower: one notch a night
    return (SEVERITIES[level] if level >= 0 else None), held


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_severity_and_held_as_the_slow_reading_says(data: st.DataObject) -> None:
    limits = data.draw(st.lists(st.integers(-2, 2), min_size=4, max_size=4))
    bands = [{"severity": name, "when": [
        {"feature": "x", "op": ">=", "value": limit}, {"feature": "y", "op": ">", "value": place - 2}]}
        for place, (name, limit) in enumerate(zip(SEVERITIES, limits, strict=True))]  # fmt: skip
    one = signal(bands)
    x, y = (data.draw(st.lists(NUMBER, min_size=5, max_size=5)) for _ in "xy")
    past = data.draw(st.lists(st.sampled_from([None, *SEVERITIES]), min_size=5, max_size=5))
    stale = data.draw(st.sampled_from([frozenset(), frozenset({"x"}), frozenset({"y"})]))
    previous = before([(str(n), name) for n, name in enumerate(past) if name])
    found = evaluate([one], rows(x, y=pd.Series(y, dtype="float64")), Night(DAY, {}, previous, stale))
    got = {row.id: (row.severity, row.state == "held") for row in found.signals.itertuples()}
    wanted = {str(n): slow(one, {"x": x[n], "y": y[n]}, past[n], stale) for n in range(5)}
    assert got == {name: told for name, told in wanted.items() if told[0]}
    assert set(found.ended.id) == {
        str(n) for n, name in enumerate(past) if name and wanted[str(n)][0] is None
    }
    count = found.counts.iloc[0]
    assert count[list(SEVERITIES)].sum() + count.clear + count.not_evaluable == 5


def before(fired: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"about": "guarantee", "id": name, "enterprise": "E", "signal": "S", "severity": severity,
          "severity_before": None, "state": "new", "first_seen": date(2006, 1, 31), "value": 9.0, "limit": 5.0,
          "guarantees": 1, "exposure": 1.0, "expected_loss": 1.0, "text_en": "earlier words", "text_zh": "旧文"}
         for name, severity in fired],
        columns=["about", "id", "enterprise", "signal", "severity", "severity_before", "state", "first_seen", "value",
                 "limit", "guarantees", "exposure", "expected_loss", "text_en", "text_zh"],
    )  # fmt: skip


def test_fires_on_its_boundary_and_keeps_its_history() -> None:
    one = signal([band("yellow", 1.0), band("red", 2.0)])
    found = evaluate(
        [one], rows([0.999, 1.0, 2.0, None]), Night(DAY, {}, before([("1", "red"), ("3", "red")]))
    )
    table = found.signals.set_index("id")
    assert table.severity.to_dict() == {"1": "orange", "2": "red", "3": "red"}  # one notch a night
    assert table.state.to_dict() == {"1": "easing", "2": "new", "3": "held"}
    assert table.first_seen.to_dict() == {"1": date(2006, 1, 31), "2": DAY, "3": date(2006, 1, 31)}
    assert table.text_en["2"] == "x is 2.0 against 2.0"
    assert table.text_en["3"] == "earlier words"  # held: what was said when it could still be said
    assert table.severity_before["1"] == "red"


def test_a_dated_limit_counts_from_its_day() -> None:
    limits = [
        {"from": "2000-01-01", "value": 1.0, "reference": "a"},
        {"from": "2006-03-31", "value": 5.0, "reference": "b"},
    ]
    one = signal([{"severity": "red", "when": [{"feature": "x", "op": ">", "limits": limits}]}])
    frame = rows([3.0])
    assert len(evaluate([one], frame, Night(DAY - timedelta(days=1))).signals) == 1
    assert len(evaluate([one], frame, Night(DAY)).signals) == 0


def test_a_group_is_one_line_and_a_guarantee_that_left_ends() -> None:
    one = signal([band("orange", 1.0)], about="bank")
    frame = rows([2.0, 2.0, 0.0], Bank=["A", "A", None])
    previous = before([("Z", "orange")]).assign(about="bank")
    found = evaluate([one], frame, Night(DAY, {"bank": ("Bank",)}, previous))
    assert found.signals[["id", "guarantees", "expected_loss"]].to_numpy().tolist() == [["A", 2, 200.0]]
    assert found.ended[["id", "why"]].to_numpy().tolist() == [["Z", "left the book"]]
    gone = evaluate([], frame, Night(DAY, {"bank": ("Bank",)}, previous)).ended
    assert gone.why.tolist() == ["no longer watched"]


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    block = """
[[signal]]
id = "A"
title = { en = "a", zh = "a" }
category = { en = "a", zh = "a" }
about = "ABOUT"
bands = [{ severity = "red", when = [{ feature = "FEATURE", op = ">", value = 1 }] }]
text = { en = "TEXT", zh = "a" }
exit = { words = { en = "a", zh = "a" } }
action = { en = "a", zh = "a" }
owner = { en = "a", zh = "a" }
deadline = "1wd"
reference = "a"
"""

    def write(name: str, about: str, feature: str, text: str) -> str:
        return (
            block.replace('"A"', f'"{name}"')
            .replace("ABOUT", about)
            .replace("FEATURE", feature)
            .replace("TEXT", text)
        )

    path.write_text(
        write("A", "guarantee", "emploees", "a") + write("B", "bnk", "pd", "a") + write("C", "bank", "pd", "a")
        + write("D", "guarantee", "sector", "a") + write("D", "guarantee", "pd", "{pdd:.1f}")
        + write("F", "guarantee", "pd", "a").replace("reference", "referense") + write("G", "claim", "employees", "a")
    )  # fmt: skip
    known = Vocabulary({"bank": ("Bank",)}, {"employees": "number", "sector": "text"}, populations=("claim",))
    with pytest.raises(UsageError) as raised:
        read_signals(path, known)
    told = str(raised.value)
    for part in ("Did you mean 'employees'?", "Did you mean 'bank'?", "It differs within one bank", "a limit that is a text",
                 "a block with it in signals.toml too", "KeyError 'pdd'", "'referense'", "guarantee, source or a key, got 'claim'"):  # fmt: skip
        assert part in told
