"""The sequential comparison: an oracle by brute force, how often it is wrong under nightly looks, and how soon it is right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.learning.metrics import Floats
from riskengine.validation.sequential import _BETS, Matured, gains, looks

MONTH = np.timedelta64(30, "D")


def cohorts(size: int, months: int) -> np.ndarray:
    return np.repeat(np.datetime64("2025-01-31") + np.arange(months) * MONTH, size // months)


def sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))


def world(seed: int, better: bool, size: int = 2400, default_first: bool = False) -> Matured:
    """Two forecasters, equally wrong in other directions or one of them right, in 24 months that share a shock."""
    rng = np.random.default_rng(seed)
    day = cohorts(size, 24)
    odds = -2.5 + 1.2 * rng.normal(size=size)
    label = (rng.random(size) < sigmoid(odds)).astype(np.int64)
    wrong = rng.normal(0, 0.8, (2, size))
    champion = sigmoid(odds + wrong[0])
    challenger = sigmoid(odds + (0.0 if better else 1.0) * wrong[1])
    if default_first:  # the mistake the module warns of: a default enters when it comes
        day = np.where(label == 1, day - 6 * MONTH, day)
        order = np.argsort(day, kind="stable")
        return Matured(day[order], champion[order], challenger[order], label[order], np.ones(size))
    return Matured(day, champion, challenger, label, np.ones(size))


def ever(seen: list, verdict: str) -> bool:
    return any(look.decided == verdict for look in seen)


def test_the_e_value_is_the_product_of_all_wagers() -> None:
    matured = world(3, better=True, size=240)
    gain, bound = gains(matured)
    unit = max(bound[:10])
    told = looks(matured)
    for look in told[:6]:
        for value, sign in ((look.challenger, 1), (look.champion, -1)):
            total = 0.0
            for bet in _BETS:
                wealth = 1.0
                widest = 0.0
                for start in range(0, look.n, 10):
                    widest = max(widest, *bound[start : start + 10])
                    for one in gain[start : start + 10]:
                        d = one * min(1.0, unit / widest) / unit
                        wealth *= math.exp(sign * bet * d - (-math.log(1 - bet) - bet) * d * d)
                total += wealth / len(_BETS)
            assert value == pytest.approx(total, rel=1e-9)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
@settings(max_examples=200, deadline=None)
def test_no_wager_expects_to_win(p: float, q: float, truth: float) -> None:
    """One guarantee, any two PDs, any true PD: the expectation of each wager on the centred gain is at most one."""
    one = Matured(
        np.array(["2025-01-31"], dtype="M8[D]"), np.array([p]), np.array([q]), np.array([1]), np.ones(1)
    )
    bound = max(float(gains(one)[1][0]), 1e-12)
    ends = [(p - y) ** 2 - (q - y) ** 2 for y in (0, 1)]
    mean = (1 - truth) * ends[0] + truth * ends[1]
    assert max(abs(end) for end in ends) <= bound * (1 + 1e-9) + 1e-12
    for bet in (0.01, 0.3, 0.9):
        psi = -math.log(1 - bet) - bet
        wins = [math.exp(bet * (end - mean) / bound - psi * (end / bound) ** 2) for end in ends]
        assert (1 - truth) * wins[0] + truth * wins[1] <= 1 + 1e-9


def test_looking_every_night_decides_wrongly_at_most_five_times_in_a_hundred() -> None:
    """Neither is better: the share of 100 years-long trials in which any look ever decides, with its Monte Carlo error."""
    wrong = [
        bool({look.decided for look in looks(world(seed, False))} - {"not decided yet"})
        for seed in range(100)
    ]
    error = math.sqrt(0.05 * 0.95 / len(wrong))
    assert np.mean(wrong) <= 0.05 + 2 * error


def test_a_default_may_not_enter_before_its_time() -> None:
    """If it did, the forecaster with the higher PDs would be declared better, however wrong it is."""
    decided = {False: 0, True: 0}
    for early in decided:
        for seed in range(20):
            right = world(seed, better=True, default_first=early)
            higher = sigmoid(np.log(right.challenger / (1 - right.challenger)) + 0.8)
            told = looks(Matured(right.day, right.challenger, higher, right.label, right.weight))
            decided[early] += ever(told, "challenger better")
    assert decided[False] == 0
    assert decided[True] == 20


def test_a_truly_better_challenger_is_found_and_the_interval_holds_its_gain() -> None:
    told = [looks(world(seed, True)) for seed in range(30)]
    assert np.mean([ever(one, "challenger better") for one in told]) >= 0.8
    assert not any(ever(one, "champion better") for one in told)
    truths = []
    for seed, seen in enumerate(told):
        matured = world(seed, True)
        gap = np.cumsum((matured.champion - matured.challenger) ** 2)  # the challenger gives the true PD
        truths.append(all(look.low <= gap[look.n - 1] / look.n <= look.high for look in seen))
    assert np.mean(truths) >= 0.95 - 2 * math.sqrt(0.05 * 0.95 / 30)
    mirrored = world(4, True)
    turned = Matured(mirrored.day, mirrored.challenger, mirrored.champion, mirrored.label, mirrored.weight)
    assert looks(turned)[-1].champion == pytest.approx(looks(mirrored)[-1].challenger)


def test_nothing_matured_and_no_difference_decide_nothing() -> None:
    none = Matured(
        np.array([], dtype="M8[D]"), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0)
    )
    assert looks(none) == []
    same = world(1, True, size=240)
    last = looks(Matured(same.day, same.champion, same.champion, same.label, same.weight))[-1]
    assert (last.decided, last.gain, last.since) == ("not decided yet", 0.0, None)


def test_outcome_dependent_sampling_weights_give_the_population_back() -> None:
    """Defaults are kept whole, survivors one in five: the weighted gain is that of the whole, and stays bounded."""
    whole = world(9, True, size=12000)
    kept = (whole.label == 1) | (np.random.default_rng(1).random(len(whole.label)) < 0.2)
    part = Matured(whole.day[kept], whole.champion[kept], whole.challenger[kept], whole.label[kept],
                   np.where(whole.label[kept] == 1, 1.0, 5.0), 5.0)  # fmt: skip
    gain, bound = gains(part)
    assert (np.abs(gain) <= bound + 1e-12).all()
    one, two = looks(whole)[-1], looks(part)[-1]
    assert two.low <= one.gain <= two.high
