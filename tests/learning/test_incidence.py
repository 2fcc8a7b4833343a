"""Cumulative incidences against a loop over months and cases, textbook formulas, and their own laws."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.clock import Span
from riskengine.learning.endings import STATUS_WORDS
from riskengine.learning.incidence import cumulative_incidence, spells
from riskengine.learning.outcomes import Question

CAUSES = ("default", "repaid", "extended")
CASES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(("", *CAUSES)), st.floats(0.1, 20)), min_size=1, max_size=40)  # fmt: skip


def brute(cases: list[tuple[int, str, float]], causes: tuple[str, ...], until: int) -> dict[str, float]:
    """Aalen and Johansen's estimate case by case, month by month."""
    surviving, found = 1.0, dict.fromkeys(causes, 0.0)
    for month in range(1, until + 1):
        at_risk = sum(weight for ended, _, weight in cases if ended >= month)
        if not at_risk:
            break
        lost = 0.0
        for cause in causes:
            came = sum(weight for ended, why, weight in cases if ended == month and why == cause)
            found[cause] += surviving * came / at_risk
            lost += came / at_risk
        surviving *= 1 - lost
    return found


@settings(max_examples=80, deadline=None)
@given(CASES)
def test_incidences_are_the_loops_never_fall_and_sum_to_at_most_one(
    cases: list[tuple[int, str, float]],
) -> None:
    month, cause, weight = zip(*cases, strict=True)
    got = cumulative_incidence(month, cause, CAUSES, weight)
    wide = got.pivot(index="month", columns="cause", values="incidence")
    for until in wide.index:
        expected = brute(cases, CAUSES, int(until))
        assert all(abs(wide.loc[until, name] - expected[name]) < 1e-12 for name in CAUSES)
    assert (wide.sum(axis=1) <= 1 + 1e-12).all()
    assert (wide.diff().dropna() >= 0).all().all()
    assert ((got["low"] <= got["incidence"] + 1e-12) & (got["incidence"] <= got["high"] + 1e-12)).all()
    assert (got["low"] >= 0).all()
    assert (got["high"] <= 1).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=2, max_size=40))
def test_one_cause_has_greenwoods_error(cases: list[tuple[int, bool]]) -> None:
    month = [ended for ended, _ in cases]
    got = cumulative_incidence(month, ["default" if came else "" for _, came in cases], ("default",))
    surviving, summed = 1.0, 0.0
    for line in got.itertuples():
        at_risk = sum(ended >= line.month for ended in month)
        came = sum(ended == line.month and failed for ended, failed in cases)
        surviving *= 1 - came / at_risk
        assert line.incidence == pytest.approx(1 - surviving, abs=1e-12)
        if came == at_risk:
            return  # Greenwood's sum is infinite where nobody is left
        summed += came / (at_risk * (at_risk - came))
        assert line.error == pytest.approx(surviving * summed**0.5, abs=1e-12)


def test_without_censoring_it_is_a_share_with_the_binomials_error() -> None:
    month = [1] * 30 + [2] * 50 + [6] * 20
    cause = ["default"] * 30 + ["repaid"] * 50 + [""] * 20
    got = cumulative_incidence(month, cause, CAUSES).query("month == 6").set_index("cause")
    assert got.loc["default", "incidence"] == pytest.approx(0.3)
    assert got.loc["default", "error"] == pytest.approx((0.3 * 0.7 / 100) ** 0.5)
    assert got.loc["repaid", "error"] == pytest.approx((0.5 * 0.5 / 100) ** 0.5)
    assert got.loc["extended", ["incidence", "low"]].tolist() == [0, 0]
    assert got.loc["extended", "high"] == pytest.approx(1 - 0.025**0.01), "nobody of 100 is no proof of never"


def test_intervals_cover_in_a_simulation() -> None:
    rng = np.random.default_rng(7)
    odds = np.array([0.01, 0.05, 0.94])  # each month: default, repaid, on
    truth = 0.01 * sum(0.94**month for month in range(12))
    hit = 0
    for _ in range(200):
        draws = rng.choice(3, size=(400, 12), p=odds)
        ended = np.where((draws < 2).any(axis=1), (draws < 2).argmax(axis=1) + 1, 12)
        why = np.where((draws < 2).any(axis=1), draws[np.arange(400), ended - 1], 2)
        followed = rng.integers(1, 25, 400)
        cause = np.where(followed < ended, "", np.array(["default", "repaid", ""])[why])
        got = cumulative_incidence(np.minimum(ended, followed), cause, ("default", "repaid"))
        line = got[(got["cause"] == "default") & (got["month"] == 12)].iloc[0]
        hit += line["low"] <= truth <= line["high"]
    assert 180 <= hit <= 199  # 95 % of 200


def test_a_spell_ends_with_the_first_cause_that_was_known() -> None:
    begun = pd.Timestamp("2024-01-31")
    subjects = pd.DataFrame({"subject": ["a", "b", "c", "d"], "as_of": begun})
    rows = [("a", "repaid", "2024-03-10", "2024-03-12"), ("a", "default", "2024-03-10", "2024-03-11"),
            ("b", "extended", "2024-02-29", "2024-03-01"), ("b", "default", "2024-06-01", "2024-06-02"),
            ("c", "default", "2024-03-05", "2025-01-01"), ("d", "repaid", "2024-01-31", "2024-01-31")]  # fmt: skip
    rungs = pd.DataFrame(rows, columns=["subject", "rung", "event_date", "known_at"])
    for name in ("event_date", "known_at"):
        rungs[name] = pd.to_datetime(rungs[name])
    got = spells(subjects, rungs, CAUSES, Question(Span(months=12), date(2024, 8, 15), Span(days=60)))
    assert got["cause"].tolist() == ["default", "extended", "", ""]
    assert got["month"].tolist() == [2, 1, 4, 4]  # followed to 2024-05-31 + 60 days = 2024-07-30


@pytest.mark.parametrize(("tongue", "other"), [("en", "[一-鿿]"), ("zh", "[a-z]{2}")])
def test_the_command_speaks_one_language(monkeypatch: pytest.MonkeyPatch, tongue: str, other: str) -> None:
    title = {"en": "Compensated", "zh": "代偿"}
    rung = {
        "id": "paid",
        "title": title,
        "reached": 3,
        "share": 0.1,
        "first": "2020-01-31",
        "last": "2024-01-31",
    }
    line = {
        "cause": "paid",
        "month": 12,
        "incidence": 0.1,
        "low": 0.05,
        "high": 0.2,
        "reached": 3,
        "at_risk": 20,
    }
    counts = dict.fromkeys(STATUS_WORDS, 2)
    told: dict[str, Any] = {
        "as_of": "2024-06-30", "followed_to": "2024-01-31", "guarantees": 30, "weighted": True,
        "rungs": [rung | {"kind": kind} for kind in ("exit", "step")], "incidence": [line], "models": {"PD": counts},
    }  # fmt: skip
    monkeypatch.setattr("riskengine.learning.endings.endings", lambda *_: told)
    done = CliRunner().invoke(app, ["outcomes", "--as-of", "2024-06-30", "--lang", tongue])
    assert title[tongue] in done.stdout
    assert not re.search(other, done.stdout)
