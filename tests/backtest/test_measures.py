"""The measures of small histories: by hand, and against the slow obvious way on random ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from histories import NIGHTS, drawn, measured, nights, outcomes, slowly, track

from riskengine.backtest.lists import by_alerts, by_chance, by_exposure, by_rule, listed
from riskengine.backtest.measures import judged, tally
from riskengine.backtest.settings import Naive, Settings

ALWAYS = (0, 35)


def test_a_history_worked_out_by_hand() -> None:
    """Five guarantees of four enterprises, one place a night, rest of six months.

    A is alerted from night 12 (2021-01-31) and paid on 2021-07-15: listed on night 12, then resting to 2021-07-31. Lead 165 days.
    B (of the enterprise of C) is alerted on night 13 and 14, and paid on 2021-05-10: listed on night 13 (2021-02-28). Lead 71.
    D is paid on 2021-12-01 and never alerted. F is alerted on night 20 (2021-09-30) and never paid: a false alarm.
    E is paid on 2020-06-01: within the first horizon, not judged.
    """
    book = {"A": ("a", *ALWAYS), "B": ("bc", *ALWAYS), "C": ("bc", *ALWAYS), "D": ("d", *ALWAYS), "E": ("e", 0, 3),
            "F": ("f", *ALWAYS)}  # fmt: skip
    book["A"], book["B"], book["D"] = ("a", 0, 17), ("bc", 0, 15), ("d", 0, 22)
    alerts = {("A", n): (1, 2) for n in range(12, 18)} | {
        ("B", 13): (2, 2),
        ("B", 14): (2, 2),
        ("F", 20): (1, 2),
    }
    told = outcomes({"A": date(2021, 7, 15), "B": date(2021, 5, 10), "D": date(2021, 12, 1), "E": date(2020, 6, 1)},
                    amounts={"A": 700.0, "B": 200.0, "D": 100.0})  # fmt: skip
    known = track(nights(book, alerts), told, 1)
    one, found = measured(known, Settings(places=1))
    assert one.places == 3  # a on night 12, bc on night 13, f on night 20
    assert found["capture"] == pytest.approx(2 / 3)
    assert found["capture_amount"] == pytest.approx(900 / 1000)
    assert found["precision"] == pytest.approx(2 / 3)
    assert (found["lead_10"], found["lead_50"], found["lead_90"]) == (71, 71, 165)
    assert found["late"] == 0
    assert found["missed"] == pytest.approx(1 / 3)
    # A's run stands on the last night before (2021-06-30) and began on 2021-01-31; B's ended on night 15, D had none
    assert found["standing"] == pytest.approx(1 / 3)
    assert found["alert_lead_50"] == 165
    # without a rest the one place is A's from night 12 to 17, then F's on night 20: five of these seven were there before
    assert found["repeats"] == pytest.approx(5 / 7)
    assert found["flapping"] == 0  # B ended on night 15 and F on night 21, neither came again


def test_an_alert_that_comes_again_within_ninety_days_flapped() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS), "C": ("c", *ALWAYS)}
    alerts = {("A", 3): (1, 2), ("A", 5): (1, 2), ("B", 3): (2, 2), ("B", 9): (1, 2), ("C", 34): (1, 2)}
    _, found = measured(track(nights(book, alerts), outcomes({}), 5), Settings())
    # ends: A on night 4 (again on 5) and on 6 (never), B on 4 (again 152 days later) and on 10; C's on 35 is not followed
    assert found["flapping"] == pytest.approx(1 / 4)
    assert np.isnan(found["capture"])  # nothing to find is not everything found


def test_who_was_listed_rests_unless_its_severity_rises() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS)}
    alerts = {("A", n): (1, 3 if n == 4 else 1) for n in range(12)} | {("B", n): (2, 1) for n in range(12)}
    known = track(nights(book, alerts), outcomes({}), 1)
    chosen = listed(known, by_alerts(known), Settings())
    told = [
        (known.ids[g], int(n)) for g, n, on in zip(known.guarantee, known.night, chosen, strict=True) if on
    ]
    # A on 0, B on 1; A rises on 4 and is listed again, B's rest is over on 7, A's on 10
    assert sorted(told, key=lambda one: one[1]) == [("A", 0), ("B", 1), ("A", 4), ("B", 7), ("A", 10)]


def test_censored_listings_are_not_judged() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS), "C": ("c", *ALWAYS)}
    alerts = {("A", 6): (1, 2), ("B", 7): (1, 2), ("C", 6): (2, 2)}
    told = outcomes(
        {"C": date(2020, 7, 1)}, followed=date(2021, 7, 31)
    )  # C was paid before night 6 knew of it
    one, found = measured(track(nights(book, alerts), told, 5), Settings())
    assert one.places == 3
    assert found["precision"] == 0  # A alone is judged: to 2021-07-31; B's year ends a month later
    assert one.sums[:, 5].sum() == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_slow_way_says_the_same(seed: int) -> None:
    seen, told = drawn(seed)
    settings = Settings(places=3, rest=("6m", "2m", "100d")[seed % 3], horizon=("12m", "6m")[seed % 2])
    _, found = measured(track(seen, told, 3), settings)
    for name, value in slowly(seen, told, settings).items():
        assert found[name] == pytest.approx(value), name


def test_a_later_outcome_changes_no_judged_figure_before_it() -> None:
    """What becomes known beyond the range moves neither capture nor lead times."""
    seen, told = drawn(3)
    known = {name: day for name, day in told.days.items() if name != "G00"}
    after = known | {"G00": 40_000}  # 2079
    figures = [
        measured(track(seen, replace(told, days=days), 3), Settings(places=3))[1] for days in (known, after)
    ]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)


def test_naive_orders_and_a_draw() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS), "C": ("c", *ALWAYS)}
    seen = nights(book, {})
    for one in seen:
        one.book["overdue_days"] = [0.0, 5.0, 40.0]
        one.book["exposure"] = [1.0, 3.0, 2.0]
    known = track(seen, outcomes({}), 1)
    names = {"en": "x", "zh": "x"}
    overdue = Naive(
        name="o",
        title=names,
        when=[{"feature": "overdue_days", "op": ">", "value": 0}],
        order=["overdue_days"],
    )  # type: ignore[arg-type, list-item]
    assert [known.ids[known.guarantee[row]] for row in by_rule(known, overdue, 1)[0]] == ["C", "B"]
    smallest = overdue.model_copy(update={"when": (), "order": ("-overdue_days",)})
    assert [known.ids[known.guarantee[row]] for row in by_rule(known, smallest, 1)[0]] == ["A", "B", "C"]
    assert [known.ids[known.guarantee[row]] for row in by_exposure(known)[0]] == ["B", "C", "A"]
    again = [order.tolist() for order in by_chance(known, 7)]
    assert again == [order.tolist() for order in by_chance(known, 7)]
    assert len({tuple(known.guarantee[order]) for order in map(np.array, again)}) > 1


def test_places_may_be_the_compositions_own() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS), "C": ("c", *ALWAYS)}
    seen = nights(book, {(name, n): (k, 2) for k, name in enumerate("ABC", 1) for n in range(3)})
    seen[0].book["act"] = [False, True, True]
    known = track(seen, outcomes({}))
    assert known.places[:3].tolist() == [2, 0, 0]
    one = tally(known, judged(known, Settings(), 31), Settings(), by_alerts(known), known.rank > 0)
    assert one.places == 2
    assert len(NIGHTS) == len(known.places)


def test_a_guarantee_of_nobody_known_stands_for_itself() -> None:
    book = {"A": ("a", *ALWAYS), "B": ("b", *ALWAYS)}
    seen = nights(book, {("A", 3): (1, 2), ("B", 3): (2, 2)})
    for one in seen:
        one.book["enterprise"] = [None, None]
    known = track(seen, outcomes({}), 1)
    assert known.firms.tolist() == ["A", "B"]
    assert listed(known, by_alerts(known), Settings()).sum() == 1
