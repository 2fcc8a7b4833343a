"""A PD against its trigger, its peers and its course by hand-computed examples; why a recorded signal was silent."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.monitor.dynamics import Dynamics, with_dynamics
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.night import Before, compared
from riskengine.monitor.quiet import QUIET, REASONS, quiet
from riskengine.monitor.shown import read_shown
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import Vocabulary, vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.project import Project
from riskengine.scoring.term_structure import incidences

ROOT = Path(__file__).parents[2]
DAY = date(2026, 6, 30)
KEYS = {"industry": ("industry",), "product": ("product",), "whole": ()}
WORDS = {"en": "text", "zh": "文"}
NO_HAZARD: Any = SimpleNamespace(calibration={"method": "logistic"})


def book(
    pds: list[float | None], industry: list[str | None], owner: list[str], product: str = "A"
) -> pd.DataFrame:
    frame = pd.DataFrame({"id": [str(n) for n in range(len(pds))], "pd": pd.Series(pds, dtype="float64")})
    return frame.assign(
        industry=pd.Series(industry, dtype="object"),
        enterprise_id=owner,
        product=product,
        expected_loss=1.0,
        exposure=1.0,
    )


def dated(value: float, start: date = date(2020, 1, 1)) -> list[dict[str, Any]]:
    return [{"from": start, "value": value, "reference": "r", "evidence": "D"}]


def test_a_pd_over_its_products_trigger_or_the_houses() -> None:
    frame = pd.concat([book([0.2], ["1"], ["e"], product) for product in ("A", "B", "C")], ignore_index=True)
    own = {"B": dated(0.04), "C": dated(0.01, date(2027, 1, 1))}  # C's own is not in force yet
    house = Dynamics.model_validate({"trigger": dated(0.1), "triggers": own})
    found = with_dynamics(frame, NO_HAZARD, KEYS, house, DAY)
    assert found.pd_trigger.tolist() == pytest.approx([2.0, 5.0, 2.0])
    assert with_dynamics(frame, NO_HAZARD, KEYS, Dynamics(), DAY).pd_trigger.isna().all()
    assert found.pd_inversion.isna().all()  # no hazard, no term structure


def test_peers_shrunk_to_the_book_by_hand() -> None:
    """Two enterprises at odds 1:1 and 4:1 (two guarantees of the latter) and one elsewhere at 1:1, mixed with one of the book."""
    frame = book([0.5, 0.8, 0.8, 0.5, 0.5], ["51", "51", "51", "52", None], ["a", "b", "b", "c", "d"])
    found = with_dynamics(frame, NO_HAZARD, KEYS, Dynamics(least=2, weight=1), DAY).pd_to_peers
    group, whole = math.log(4) / 2, math.log(4) / 4  # the mean of the enterprises, each once
    usual = (2 * group + 1 * whole) / 3
    assert found[:3].tolist() == pytest.approx([math.exp(-usual), 4 * math.exp(-usual), 4 * math.exp(-usual)])
    assert found[3:].isna().all()  # one enterprise is no group; of no industry nothing can be said


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(0.001, 0.9)),
            st.sampled_from([None, "51", "52"]),
            st.sampled_from("abcdef"),
        ),
        min_size=1,
        max_size=14,
    ),
    st.integers(2, 4),
    st.floats(0, 9),
)
def test_peers_as_a_slow_reading_says(rows: list[tuple[Any, Any, str]], least: int, weight: float) -> None:
    pds, industry, owners = (list(part) for part in zip(*rows, strict=True))
    found = with_dynamics(
        book(pds, industry, owners), NO_HAZARD, KEYS, Dynamics(least=least, weight=weight), DAY
    )

    def mean(group: str | None) -> tuple[int, float]:
        own: dict[str, list[float]] = {}
        for chance, name, owner in rows:
            if chance is not None and group in (None, name):
                own.setdefault(owner, []).append(math.log(chance / (1 - chance)))
        each = [sum(values) / len(values) for values in own.values()]
        return len(each), sum(each) / len(each) if each else 0.0

    for got, (chance, name, _) in zip(found.pd_to_peers, rows, strict=True):
        size, inside = mean(name) if name else (0, 0.0)
        if chance is None or size < least:
            assert math.isnan(got)
        else:
            usual = (size * inside + weight * mean(None)[1]) / (size + weight)
            assert got == pytest.approx(chance / (1 - chance) / math.exp(usual))


def test_the_course_of_a_hazard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The monthly hazards are those from which `incidences` makes the PD; a month after maturity does not count."""
    how = {"method": "hazard", "horizon": 4, "age": 0, "remaining": 1, "bands": [6.0],
           "baseline": [[-2.0, -2.0, -3.0, -3.0], [-4.0, -4.0, -3.0, -3.0]], "slope": [1.0, 1.0, 1.0, 1.0],
           "exits": [[0.0] * 4] * 9}  # fmt: skip
    bundle: Any = SimpleNamespace(calibration=how)
    rows = np.array([[3.0, 400.0], [12.0, 400.0], [3.0, 95.0], [3.0, 70.0], [np.nan, np.nan]])
    raw = np.array([0.5, 0.5, 0.5, 0.5, 0.0])
    monkeypatch.setattr("riskengine.scoring.native.raw_scores", lambda *_: raw)
    monkeypatch.setattr("riskengine.scoring.served.feature_matrix", lambda *_: rows)
    frame = book([0.1] * 5, ["1"] * 5, ["e"] * 5)
    found = with_dynamics(frame, bundle, KEYS, Dynamics(near=2), DAY).pd_inversion

    def yearly(place: int, months: slice) -> float:
        pds = incidences({**how, "exits": []}, raw[place], rows[place].tolist())[0]
        alive = [1.0, *(1.0 - one for one in pds)]
        kept = [after / before for before, after in pairwise(alive)][months]
        return 1.0 - math.prod(kept) ** (12 / len(kept))

    for place, later in ((0, slice(2, 4)), (1, slice(2, 4)), (2, slice(2, 3)), (4, slice(2, 4))):
        assert found[place] == pytest.approx(yearly(place, slice(0, 2)) / yearly(place, later))
    assert found[0] > 1 > found[1]
    assert math.isnan(found[3])  # it ends after two months: there is no later part
    too_short = with_dynamics(frame, bundle, KEYS, Dynamics(near=4), DAY)
    assert too_short.pd_inversion.isna().all()


def test_a_hundred_thousand_rows_are_no_loop() -> None:
    size = 100_000
    chance = np.random.default_rng(1).uniform(0.001, 0.3, size)
    frame = book(chance.tolist(), [str(n % 50) for n in range(size)], [f"e{n // 2}" for n in range(size)])
    found = with_dynamics(frame, NO_HAZARD, KEYS, Dynamics(), DAY)
    assert found.pd_to_peers.notna().all()


@pytest.fixture(scope="module")
def model_signals() -> dict[str, Signal]:
    found = read_signals(ROOT / "configs/signals.toml", vocabulary(Catalogue(Project(ROOT))))
    return {one.id: one for one in found if one.record}


def test_the_models_signals_fire_at_their_limits_and_not_below(model_signals: dict[str, Signal]) -> None:
    assert list(model_signals) == ["PD-LEVEL", "PD-JUMP", "GRADE-DOWN", "PD-PEERS", "PD-INVERSION"]
    sound = {"pd": 0.012, "pd_before": 0.01, "pd_trigger": 0.1, "pd_jump": 1.0, "grade_notches": 0.0, "pd_to_peers": 1.0,
             "pd_inversion": 0.3, "grade": "4", "grade_before": "4"}  # fmt: skip
    for signal in model_signals.values():
        for rank, band in signal.ranked:
            limits = {one.feature: one.limit(DAY) for one in band.when}
            for name, limit in limits.items():
                for value, fires in ((limit, True), (np.nextafter(limit, 0), False)):
                    row = {**sound, **limits, name: value}
                    frame = book([0.1], ["1"], ["e"]).assign(**row)
                    got = evaluate([signal], frame, Night(DAY)).signals.severity.tolist()
                    wanted = [band.severity]
                    assert (got == wanted) == fires, (signal.id, rank, name, value, got)


def recorded(**more: Any) -> Signal:
    when = [{"feature": "pd_to_peers", "op": ">=", "value": 8}, {"feature": "pd", "op": ">=", "value": 0.05}]
    block = {"id": "S", "title": WORDS, "category": WORDS, "exit": {"days": 5, "words": WORDS}, "text": WORDS,
             "bands": [{"severity": "yellow", "when": when}], "action": WORDS, "owner": WORDS, "reference": "r", "record": True}  # fmt: skip
    return Signal.model_validate(block | more)


def test_why_a_recorded_signal_did_not_fire() -> None:
    one, other = recorded(), recorded(id="T", record=False)
    frame = book([0.1, 0.1, 0.01, None, 0.1], ["1"] * 5, ["e"] * 5).assign(
        pd_to_peers=[9.0, 2.0, np.nan, 9.0, np.nan]
    )
    night = Night(DAY)
    found = quiet([one, other], frame, evaluate([one, other], frame, night), night)
    assert list(found.columns) == list(QUIET)
    assert found[["id", "signal", "reason_code"]].to_numpy().tolist() == [
        ["1", "S", "below"], ["2", "S", "below"], ["3", "S", "unknown value"], ["4", "S", "no group of peers"]]  # fmt: skip
    assert found.limit.tolist() == [8.0] * 4
    assert found.value[0] == 2.0
    down = Night(DAY, stale=frozenset({"pd_to_peers", "pd"}))
    told = quiet([one], frame, evaluate([one], frame, down), down)
    assert told.reason_code.tolist() == [
        "feed stale",
        "no group of peers",
        "unknown value",
        "no group of peers",
    ]


def test_a_state_that_waits_is_the_reason() -> None:
    one = recorded()
    first = evaluate([one], book([0.1] * 3, ["1"] * 3, ["e"] * 3).assign(pd_to_peers=9.0), Night(DAY)).signals
    frame = book([0.1] * 3, ["1"] * 3, ["e"] * 3).assign(pd_to_peers=[1.0, np.nan, 9.0])
    night = Night(date(2026, 7, 1), {}, first)
    found = quiet([one], frame, evaluate([one], frame, night), night)
    assert found[["id", "reason_code"]].to_numpy().tolist() == [["0", "clearing"], ["1", "held"]]
    night = Night(DAY)
    jump = recorded(
        bands=[{"severity": "yellow", "when": [{"feature": "pd_jump", "op": ">=", "value": 1.5}]}]
    )
    new = book([0.1], ["1"], ["e"]).assign(pd_jump=np.nan)
    assert quiet([jump], new, evaluate([jump], new, night), night).reason_code.tolist() == ["nothing before"]
    dated_ = recorded(bands=[{"severity": "yellow", "when": [
        {"feature": "pd", "op": ">=", "limits": dated(0.5, date(2030, 1, 1))}]}])  # fmt: skip
    told = quiet([dated_], new, evaluate([dated_], new, night), night).reason_code.tolist()
    assert told == ["no limit in force"]
    assert set(told) <= set(REASONS)


def test_after_a_change_of_model_nothing_is_compared_and_that_is_the_reason() -> None:
    """Guarantee 0 was known the night before, 1 is new: with another model the one is not compared, the other never was."""
    jumps = [recorded(id=name, bands=[{"severity": "yellow", "when": [{"feature": feature, "op": ">=", "value": 2}]}])
             for name, feature in (("JUMP", "pd_jump"), ("NOTCH", "grade_notches"), ("WAS", "pd_before"))]  # fmt: skip
    frame = book([0.1, 0.1], ["1", "1"], ["e", "f"]).assign(grade="5", grade_no=5.0)
    scores = frame[:1].assign(pd_history=[[0.1]])
    told = {}
    for model in ("a", "b"):
        before = Before(date(2026, 6, 29), scores, model="a")
        night = Night(DAY)
        rows = compared(frame, before, {}, model)
        told[model] = quiet(jumps, rows, evaluate(jumps, rows, night), night).reason_code.tolist()
    new = "nothing before"
    assert told == {"a": ["below", new] * 3, "b": ["another model before", new] * 2 + ["below", new]}
    assert {one for part in told.values() for one in part} <= set(REASONS)


def test_a_mistake_of_the_block_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nightly.toml"
    path.write_text('[dynamics]\nby = "industri"\n')
    with pytest.raises(UsageError, match="industri"):
        read_shown(path, Vocabulary(KEYS, {}))
    path.write_text("[dynamics]\nleast = 1\n")
    with pytest.raises(UsageError, match="least"):
        read_shown(path, Vocabulary(KEYS, {}))
