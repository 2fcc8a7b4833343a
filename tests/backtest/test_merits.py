"""What a signal is worth: counted by hand on a small history; proposals only where there is enough to judge by."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from histories import NIGHTS, nights, outcomes, track

from riskengine.backtest.measures import judged
from riskengine.backtest.merits import Merit, merits
from riskengine.backtest.settings import Retire, Settings
from riskengine.monitor.signals import Signal

WORDS = {"en": "x", "zh": "x"}


def a_signal(name: str, about: str = "guarantee", evidence: str = "D") -> Signal:
    return Signal(
        id=name, title=WORDS, category=WORDS, about=about, bands=[{"severity": "red", "when": [{"feature": "pd", "op": ">", "value": 1}]}],
        text=WORDS, exit={"words": WORDS}, action=WORDS, owner=WORDS, reference="test", evidence=evidence,
    )  # type: ignore[arg-type] # fmt: skip


def judge(
    fired: list[tuple[str, int, int]], signals: list[Signal], rules: Retire | None = None
) -> list[Merit]:
    """Six guarantees of six enterprises; A and B are compensated in 2021."""
    book = {name: (name.lower(), 0, 35) for name in "CDEF"} | {"A": ("a", 0, 17), "B": ("b", 0, 20)}
    known = track(nights(book, {}, fired), outcomes({"A": date(2021, 7, 15), "B": date(2021, 10, 5)}), 1)
    settings = Settings(
        replicates=60,
        visit_cost=10,
        retire=rules or Retire(least_enterprises=1, least_expected=0.001, least_judged=1),
    )
    return merits(known, judged(known, settings, 31), settings, signals)


def test_counts_by_hand() -> None:
    fired = [("A", n, 0) for n in (12, 13, 15)] + [("C", 12, 0)] + [("A", 13, 1), ("B", 3, 1), ("B", 15, 1)]
    first, second, never = judge(fired, [a_signal("ONE"), a_signal("TWO"), a_signal("NEVER")])
    # ONE began on A at night 12 and again at 15, and on C: three alerts; TWO on A once, on B twice
    assert (first.alerts, first.enterprises, first.caught, first.unique) == (3, 2, 1, 0)
    assert (second.alerts, second.enterprises, second.caught, second.unique) == (3, 2, 2, 1)
    assert first.cost == 30
    # of the rows with ONE three of four are within a year of A's end; of all 184 rows, the nights within a year before
    rows = 4 * 36 + 18 + 21
    near = sum(date(2020, 7, 15) <= day < date(2021, 7, 15) for day in NIGHTS) + sum(
        date(2020, 10, 5) <= day < date(2021, 10, 5) for day in NIGHTS
    )
    assert first.lift.value == pytest.approx((3 / 4) / (near / rows))
    assert (first.nearest, first.jaccard, first.inside) == ("TWO", pytest.approx(1 / 6), pytest.approx(1 / 4))
    assert never.note is not None
    assert never.retire is None
    assert "never fired" in never.note.en


def test_one_that_only_repeats_another_is_proposed_and_the_other_is_not() -> None:
    fired = [(name, n, 0) for name in "AB" for n in range(8, 15)] + [("A", n, 1) for n in range(8, 15)]
    whole, part = judge(fired, [a_signal("WHOLE"), a_signal("PART")])
    assert part.retire is not None
    assert "WHOLE" in part.retire.en
    assert "WHOLE" in part.retire.zh
    assert whole.retire is None


def test_one_that_warns_of_survivors_only_is_no_better_than_the_book() -> None:
    fired = [(name, n, 0) for name in "CDEF" for n in range(24)] + [("A", 12, 1)]
    useless, _ = judge(fired, [a_signal("USELESS"), a_signal("OTHER")])
    assert useless.retire is not None
    assert "no better than the book" in useless.retire.en
    official, _ = judge(fired, [a_signal("OFFICIAL", evidence="A"), a_signal("OTHER")])
    assert official.retire is None
    assert official.note is not None
    assert "official" in official.note.en


def test_one_that_fired_too_rarely_is_never_proposed() -> None:
    fired = [("C", 12, 0), ("A", 12, 1)]
    rare, _ = judge(fired, [a_signal("RARE"), a_signal("OTHER")], Retire())
    assert rare.retire is None
    assert rare.note is not None
    assert "too rare" in rare.note.en


def test_a_groups_signal_is_nobodys_rival() -> None:
    fired = [(name, n, 0) for name in "ABCDEF" for n in range(16)] + [("A", 12, 1)]
    group, own = judge(fired, [a_signal("GROUP", about="bank"), a_signal("OWN")])
    assert (group.caught, group.unique, group.nearest) == (2, 0, "")
    assert (own.unique, own.nearest) == (1, "")


def test_where_no_compensation_can_be_judged_nothing_is_proposed() -> None:
    fired = [(name, n, 0) for name in "CDEF" for n in range(24)] + [("A", 12, 1)]
    book = {name: (name.lower(), 0, 35) for name in "CDEF"} | {"A": ("a", 0, 17), "B": ("b", 0, 20)}
    known = track(nights(book, {}, fired), outcomes({"A": date(2021, 7, 15), "B": date(2021, 10, 5)}), 1)
    settings = Settings(replicates=60, retire=Retire(least_enterprises=1, least_expected=0.001))
    events = judged(known, settings, 31)
    nobody = replace(events, guarantee=events.guarantee[:0], day=events.day[:0], weight=events.weight[:0])
    assert merits(known, events, settings, [a_signal("USELESS"), a_signal("OTHER")])[0].retire is not None
    for one in merits(known, nobody, settings, [a_signal("USELESS"), a_signal("OTHER")]):
        assert one.retire is None
        assert one.note is not None
        assert one.note.zh == "未评价：区间内没有可评价的代偿"
