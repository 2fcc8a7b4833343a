"""A replayed night says what the published night said, knows only its own day, and leaves nothing behind."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from golden_world import institution, night

from riskengine.backtest.composed import Cased
from riskengine.backtest.replay import (
    Replay,
    Seen,
    alerted_by,
    alerts_of_lines,
    lighter,
    model_days,
    nights_of,
)
from riskengine.backtest.track import newest, outcomes_of
from riskengine.backtest.walking import CHAMPION, WALK, chosen, trained_as_of
from riskengine.casework.rulebook import read_rulebook
from riskengine.errors import UsageError
from riskengine.intake.load import take_in
from riskengine.learning.samples import model_spec
from riskengine.monitor import publish
from riskengine.monitor.evaluate import Night, evaluate
from riskengine.monitor.frames import read_frame
from riskengine.monitor.signals import Signal
from riskengine.monitor.watch import read_watch
from riskengine.monitor.work import Work
from riskengine.project import Project
from riskengine.scoring.bundle import champion
from riskengine.store import snapshot

DAYS = (date(2024, 12, 31), date(2025, 1, 31))
LATER = date(2025, 3, 31)
RULES_DAY = date(2026, 6, 30)
WATCHED = ("legal", "credit")
TAKEN = ("application", "bank_feedback", "compensation", "contract", "disbursement", "overdue", "release")
OVERDUE = ("C01", "C02", "C03")
WORDS = {"en": "x", "zh": "x"}


@pytest.fixture(scope="module", autouse=True)
def own_store() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", "a key for replayed nights, of no use elsewhere")
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What nights of guarantees need taken in, nothing published."""
    made = institution(tmp_path_factory.mktemp("replay") / "p", WATCHED)
    for source in TAKEN:
        take_in(made, source, sorted((made.inbox / source).glob("*.csv")), DAYS[-1])
    return made


def replayed(project: Project, days: Sequence[date] = DAYS) -> tuple[list[Seen], tuple[Signal, ...]]:
    watch, best = read_watch(project), champion(project.store, "inforce_pd")
    light = lighter(watch, RULES_DAY)
    how = Replay(light, snapshot.read(project.store), lambda _: best, alerted_by("blue"))
    return list(how.run(days)), light.signals


def fired(seen: Seen, signals: tuple[Signal, ...]) -> set[tuple[str, str]]:
    return {(seen.book.id[row], signals[place].id) for row, place in seen.fired.tolist()}


def everything(project: Project) -> dict[Path, int]:
    """What lies in the store, compiled queries apart."""
    return {path: path.stat().st_mtime_ns for path in project.store.rglob("*") if "recipes" not in path.parts}


@pytest.mark.long
def test_a_replayed_night_says_what_the_published_one_said(tmp_path: Path) -> None:
    project = institution(tmp_path / "p", WATCHED)
    for day in DAYS:
        night(project, day)
    seen, signals = replayed(project)
    told = 0
    for one in seen:
        publication = publish.find(project.store, one.as_of)
        assert publication is not None
        scores = read_frame(publication, "scores.parquet")
        there = read_frame(publication, "signals.parquet")
        there = there[(there.about == "guarantee") & ~there.state.isin(["clearing", "to confirm"])]
        own = {signal.id for signal in signals if signal.about == "guarantee"}
        mine = {pair for pair in fired(one, signals) if pair[1] in own}
        assert mine == set(zip(there.id, there.signal, strict=True))
        book = one.book.set_index("id").loc[scores.id]
        np.testing.assert_allclose(book.pd, scores.pd, rtol=1e-6)
        np.testing.assert_allclose(book.exposure, scores.exposure)
        told += len(there)
    assert told > 5


@pytest.mark.long
def test_replayed_casework_gives_the_published_lines(tmp_path: Path) -> None:
    """Nobody acted on the published nights, so casework without acts is what was published."""
    project = institution(tmp_path / "p", WATCHED)
    for day in DAYS:
        night(project, day)
    rules, best = read_rulebook(project), champion(project.store, "inforce_pd")
    cased = Cased(rules, lambda _: best)
    light = lighter(rules.watch, RULES_DAY, rules.watch.recipe.names)
    told = []

    def alerted(done: Work) -> pd.DataFrame:
        made = cased.alerted(done)
        assert cased.made is not None
        told.append(cased.made.lines)
        return made

    how = Replay(light, snapshot.read(project.store), lambda _: best, alerted, cased.becomes)
    assert len(list(how.run(DAYS))) == len(DAYS)
    for day, lines in zip(DAYS, told, strict=True):
        publication = publish.find(project.store, day)
        assert publication is not None
        there = read_frame(publication, "lines.parquet")
        assert len(there) > 0
        for name in ("enterprise", "severity", "escalated", "lead", "rank", "place"):
            assert there[name].tolist() == lines[name].tolist(), name


def test_what_becomes_known_later_changes_no_earlier_night(project: Project, tmp_path: Path) -> None:
    """An overdue of December that is reported in March: the nights of December and January stay as they were."""
    kept = everything(project)
    before, signals = replayed(project, (*DAYS, LATER))
    assert everything(project) == kept
    with next((project.inbox / "overdue").glob("*.csv")).open(encoding="utf-8-sig", newline="") as stream:
        row = next(csv.DictReader(stream))
    book = before[0].book
    overdue = {name for one in before for name, signal in fired(one, signals) if signal in OVERDUE}
    silent = sorted(set(book.id) - overdue)[0]
    whose = dict(zip(book.id, book.enterprise, strict=True))[silent]
    days = {"ovd_dt": "2024-12-05", "notice_dt": "2024-12-06", "booked_dt": "2025-03-02"}
    amounts = {"type": "1", "principal": "50000", "overdue_days": "87", "cured_dt": ""}
    late = tmp_path / "2025-03-05.csv"
    with late.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        writer.writeheader()
        writer.writerow(
            row | {"guar_id": silent, "app_id": silent.replace("DB", "SQ"), "uscc": whose} | days | amounts
        )
    take_in(project, "overdue", [late], date(2025, 3, 5))
    after, _ = replayed(project, (*DAYS, LATER))
    for old, new in zip(before[:-1], after[:-1], strict=True):
        pd.testing.assert_frame_equal(old.book, new.book)
        assert (old.fired == new.fired).all()
    fresh = fired(after[-1], signals) - fired(before[-1], signals)
    assert {name for name, _ in fresh} == {silent}


def test_todays_catalogue_is_asked_of_the_past() -> None:
    dated = Signal(
        id="S", title=WORDS, category=WORDS, text=WORDS, exit={"words": WORDS}, action=WORDS, owner=WORDS, reference="t",
        start=date(2026, 1, 1),
        bands=[{"severity": "red", "when": [
            {"feature": "a", "op": ">", "limits": [{"from": date(2020, 1, 1), "value": 5, "reference": "t"},
                                                   {"from": date(2026, 5, 1), "value": 3, "reference": "t"}]},
            {"feature": "b", "op": "in", "lists": [{"from": date(2026, 1, 1), "values": ["x"], "reference": "t"}]}]}],
    )  # type: ignore[arg-type, call-arg] # fmt: skip
    book = pd.DataFrame(
        {
            "id": ["g"],
            "enterprise_id": ["e"],
            "a": [4.0],
            "b": ["x"],
            "exposure": [1.0],
            "expected_loss": [0.1],
        }
    )

    def fires(day: date, **changed: date) -> bool:
        night = Night(date(2001, 1, 1), rules_day=day)
        return len(evaluate([dated.model_copy(update=changed)], book, night).signals) == 1

    assert not fires(date(2025, 12, 31)), "not watched yet"
    assert not fires(date(2026, 2, 1)), "the limit of that day is 5"
    assert fires(date(2026, 6, 30))
    assert not fires(date(2026, 6, 30), end=date(2026, 3, 1))


def test_days_and_trainings() -> None:
    assert nights_of(date(2020, 1, 1), date(2020, 7, 1), "3m") == [date(2020, 1, 31), date(2020, 4, 30)]
    assert nights_of(date(2020, 1, 1), date(2020, 1, 20), "7d") == [date(2020, 1, d) for d in (1, 8, 15)]
    with pytest.raises(UsageError):
        nights_of(date(2020, 1, 1), date(2020, 2, 1))
    assert model_days(date(2020, 1, 31), date(2021, 12, 31), "12m") == [date(2020, 1, 31), date(2021, 1, 31)]


def test_no_model_is_judged_on_nights_before_its_training(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, facts = read_watch(project), snapshot.read(project.store)
    best = champion(project.store, "inforce_pd")
    best.card["trained_as_of"] = "2024-06-30"
    monkeypatch.setattr("riskengine.backtest.walking.champion", lambda *_: best)
    days = [date(2024, 6, 30), date(2025, 6, 30)]
    assert chosen(watch, facts, "inforce_pd", None, days)[0] == CHAMPION
    best.card["trained_as_of"] = "2024-07-01"
    assert chosen(watch, facts, "inforce_pd", None, days)[0] == WALK
    with pytest.raises(UsageError, match="has seen these nights"):
        chosen(watch, facts, "inforce_pd", CHAMPION, days)
    with pytest.raises(UsageError, match="could not have been trained then"):
        trained_as_of(watch, facts, "inforce_pd", date(2020, 6, 30))


def test_lines_of_enterprises_become_alerts_of_their_guarantees() -> None:
    lines = pd.DataFrame(
        {"enterprise": ["b", "a", "gone"], "severity": ["red", "orange", "red"], "rank": [1, 2, 3],
         "place": ["act", "overflow", "act"], "name": ["B", "A", "?"]}
    )  # fmt: skip
    book = pd.DataFrame({"id": [3, 1, 2], "enterprise_id": ["a", "b", "b"]})
    made = alerts_of_lines(lines, book)
    assert made.to_dict("list") == {
        "id": ["1", "2", "3"], "enterprise": ["b", "b", "a"], "rank": [1, 1, 2],
        "place": ["act", "act", "overflow"], "severity": ["red", "red", "orange"],
    }  # fmt: skip


def test_outcomes_are_those_known_on_the_day(project: Project) -> None:
    watch, facts = read_watch(project), snapshot.read(project.store)
    spec = model_spec(watch.catalogue, "inforce_pd")
    last = newest(facts, RULES_DAY)
    whole = outcomes_of(watch.catalogue, facts, spec, last, "principal")
    assert whole.days
    assert set(whole.paid) == set(whole.days)
    assert min(whole.paid.values()) > 0
    assert outcomes_of(watch.catalogue, facts, spec, date(2020, 1, 1)).days == {}
    with pytest.raises(UsageError, match="amount"):
        outcomes_of(watch.catalogue, facts, spec, last, "no_such_column")
