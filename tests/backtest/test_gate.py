"""The gate: refuses a worse catalogue with figures, passes the same one, and never compares what cannot be compared."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from histories import NIGHTS, nights, outcomes, track

from riskengine.backtest import gate
from riskengine.backtest.gate import (
    accept,
    accepted_for,
    accepted_path,
    check,
    compare,
    read_result,
    sealed,
    write_result,
)
from riskengine.backtest.measures import judged
from riskengine.backtest.running import measured
from riskengine.backtest.settings import Settings
from riskengine.backtest.telling import markdown, plain
from riskengine.errors import IntegrityError, QualityGateError, SetupError, UsageError
from riskengine.project import Project
from riskengine.schema import fingerprint
from riskengine.scoring.bundle import Bundle
from riskengine.store import ledger

SETTINGS = Settings(places=8, replicates=200)
FIRMS = 150


def a_result(skill: float, catalogue: str = "c") -> dict[str, Any]:
    """150 guarantees over 36 nights, 60 of them compensated; alerts name the ones to come with chance `skill`."""
    rng = np.random.default_rng(4)
    names = [f"G{n:03d}" for n in range(FIRMS)]
    paid = {name: NIGHTS[0] + timedelta(days=int(rng.integers(400, 1000))) for name in names[:60]}
    last = {
        name: max(n for n, day in enumerate(NIGHTS) if day < paid.get(name, date(2023, 1, 1)))
        for name in names
    }
    alerts = {}
    for night, day in enumerate(NIGHTS):
        there = [name for name in names if night <= last[name]]
        soon = [
            name for name in there if name in paid and (paid[name] - day).days < 300 and rng.random() < skill
        ]
        order = list(dict.fromkeys([*soon, *map(str, rng.permutation(there)[:30])]))
        alerts |= {(name, night): (rank, 2) for rank, name in enumerate(order, 1)}
    known = track(
        nights({name: (f"E{name}", 0, last[name]) for name in names}, alerts), outcomes(paid), SETTINGS.places
    )
    events = judged(known, SETTINGS, 31)
    return {
        "format": 1, "project": "p", "rules_day": "2026-11-22",
        "range": {"from": str(NIGHTS[0]), "to": str(NIGHTS[-1]), "every": "1m", "nights": len(NIGHTS)},
        "outcomes": {"known": "2024-12-31", "followed": "2024-12-31", "weighted": False, "judged": len(events.day),
                     "unwatched": 0, "early": 0, "hash": "h"},
        "definitions": {"catalogue": catalogue, "settings": SETTINGS.fingerprint, "places": 8, "rest": "6m",
                        "severity": "orange", "composition": "ranking"},
        "model": {"mode": "walk-forward", "name": "inforce_pd", "spec": fingerprint({"name": "inforce_pd"}),
                  "bundles": [["2020-01-31", "b", 10, 3]]},
        **measured(known, events, SETTINGS, ()),
    }  # fmt: skip


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    return a_result(0.9)


@pytest.fixture(scope="module")
def poor() -> dict[str, Any]:
    return a_result(0.1)


def test_the_same_catalogue_passes_and_differs_by_nothing(good: dict[str, Any]) -> None:
    for one in check(good, deepcopy(good), SETTINGS):
        assert (one.difference, one.low, one.high, one.worse) == (0, 0, 0, False)


def test_a_worse_catalogue_is_refused_with_its_figures(good: dict[str, Any], poor: dict[str, Any]) -> None:
    with pytest.raises(QualityGateError) as refused:
        check(poor, good, SETTINGS)
    assert refused.value.exit_code == 8
    said = str(refused.value)
    assert "capture" in said
    assert "precision" in said
    assert "false_alarms" in said
    before = good["rules"]["system"]["figures"]["capture"]["value"]
    assert f"no worse than {before:.4f} beyond 0.01" in said
    assert not any(one.worse for one in check(good, poor, SETTINGS))  # better is not worse


def test_worse_by_less_than_is_tolerated_passes(good: dict[str, Any], poor: dict[str, Any]) -> None:
    lax = SETTINGS.model_copy(
        update={
            "tolerance": SETTINGS.tolerance.model_copy(
                update={"capture": 1.0, "precision": 1.0, "false_alarms": 1e9}
            )
        }
    )
    assert not any(one.worse for one in check(poor, good, lax))


def test_chance_alone_refuses_nothing(good: dict[str, Any]) -> None:
    """One compensation fewer of sixty is beyond a tolerance of zero, and within chance."""
    strict = SETTINGS.model_copy(update={"tolerance": SETTINGS.tolerance.model_copy(update={"capture": 0.0})})
    less = deepcopy(good)
    place = next(n for n, found in enumerate(less["tallies"]["found"]) if found)
    less["tallies"]["found"][place] = 0
    one = compare(less, good, strict)[0]
    assert one.difference is not None
    assert one.difference < 0
    assert not one.worse


def test_a_gate_that_sees_nothing_lets_nothing_pass(good: dict[str, Any]) -> None:
    empty = deepcopy(good)
    for name in ("events", "found", "listings", "hits", "false", "months"):
        empty["tallies"][name] = [0] * len(empty["tallies"]["enterprises"])
    with pytest.raises(QualityGateError, match="Nothing could be judged"):
        check(empty, empty, SETTINGS)


def test_enterprises_of_only_one_result_count(good: dict[str, Any]) -> None:
    """An enterprise that only the new result knows is a cluster with nothing on the other side."""
    more = deepcopy(good)
    more["tallies"]["enterprises"].append("zz")
    for name in ("events", "found", "listings", "hits", "false", "months"):
        more["tallies"][name].append(50 if name in ("listings", "false") else 0)
    found = {one.measure: one for one in compare(more, good, SETTINGS)}
    assert found["precision"].difference is not None
    assert found["precision"].difference < 0
    assert found["capture"].difference == 0


def test_other_nights_or_definitions_cannot_be_compared(good: dict[str, Any]) -> None:
    other = deepcopy(good)
    other["range"]["to"] = "2019-12-31"
    other["definitions"]["settings"] = "x"
    other["outcomes"]["hash"] = "y"
    with pytest.raises(UsageError) as refused:
        compare(good, other, SETTINGS)
    assert [problem.where for problem in refused.value.problems] == ["range", "settings", "compensations"]


def test_a_result_file_is_read_as_it_was_written_or_not_at_all(good: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(SetupError):
        read_result(path)
    write_result(path, good)
    assert read_result(path) == json.loads(json.dumps({k: v for k, v in sealed(good).items() if k != "hash"}))
    assert not any(name.startswith("EG") for name in read_result(path)["tallies"]["enterprises"])
    path.write_text(path.read_text(encoding="utf-8").replace('"nights":36', '"nights":37'), encoding="utf-8")
    with pytest.raises(IntegrityError):
        read_result(path)


def _kill(*_: Any) -> str:
    raise KeyboardInterrupt


def _kill_of(place: Path) -> Any:
    move = Path.replace
    return lambda path, to: _kill() if to == place else move(path, to)


def test_accepting_is_an_act_and_what_was_accepted_is_known(
    good: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "features").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "configs" / "environment.toml").write_text(
        'name = "p"\ncurrency = "CNY"\n[title]\nen = "P"\nzh = "P"\n', encoding="utf-8"
    )
    project = Project(tmp_path)
    bundle = Bundle(tmp_path, "b2", "inforce_pd", {"spec.json": b'{"name": "inforce_pd"}'})
    assert not accepted_for(project, "c", bundle)
    with pytest.raises(UsageError):
        accept(project, good, " ")
    accept(project, good, "first")
    assert accepted_for(project, "c", bundle)
    assert not accepted_for(project, "another catalogue", bundle)
    changed = Bundle(tmp_path, "b3", "inforce_pd", {"spec.json": b'{"name": "inforce_pd", "rounds": 2}'})
    assert not accepted_for(project, "c", changed)
    accept(project, good, "second")
    book = ledger.open_ledger(project.store)
    assert ledger.verify_audit(book) == 2
    first, second = (
        json.loads(act["detail"]) if isinstance(act["detail"], str) else act["detail"]
        for act in ledger.acts(book)
    )
    assert (first["reason"], first["before"]) == ("first", None)
    assert second["before"] == first["result"] == sealed(good)["hash"]
    with monkeypatch.context() as killed:
        killed.setattr(gate, "record_act", _kill)
        with pytest.raises(KeyboardInterrupt):
            accept(project, a_result(0.9, "later"), "killed before the act")
        assert accepted_for(project, "c", bundle), "nothing was accepted"
        killed.undo()
        killed.setattr(Path, "replace", _kill_of(accepted_path(project)))
        with pytest.raises(KeyboardInterrupt):
            accept(project, a_result(0.9, "later"), "killed after the act")
    assert accepted_for(project, "later", bundle), "the act names it"
    assert read_result(accepted_path(project))["definitions"]["catalogue"] == "later"
    accept(project, good, "third")
    assert accepted_for(project, "c", bundle)
    assert json.loads(ledger.acts(book)[-1]["detail"])["before"] == sealed(a_result(0.9, "later"))["hash"]
    write_result(accepted_path(project), a_result(0.9, "later"))
    assert not accepted_for(project, "later", bundle), "no act names this file last"
    accepted_path(project).write_text("{}", encoding="utf-8")
    with pytest.raises(IntegrityError):
        accepted_for(project, "c", bundle)


def test_tables_speak_both_languages(good: dict[str, Any]) -> None:
    figure = good["rules"]["system"]["figures"]["capture"]
    for language, word in (("en", "drawn at random"), ("zh", "随机抽取")):
        for told in (plain(good, language), markdown(good, language)):
            assert word in told
            assert (
                f"{100 * figure['value']:.1f}% [{100 * figure['low']:.1f}, {100 * figure['high']:.1f}]"
                in told
            )
    assert (
        len({line.count("|") for line in markdown(good, "en").splitlines() if "drawn at random" in line}) <= 2
    )


def test_a_range_that_judges_nothing_warns_first(good: dict[str, Any]) -> None:
    none = good | {"outcomes": good["outcomes"] | {"judged": 0}}
    for language, word in (("en", "WARNING: no compensation"), ("zh", "警告：该区间没有可评价的代偿")):
        assert plain(none, language).startswith(word)
        assert markdown(none, language).startswith(f"- {word}")
        assert word not in plain(good, language)


def test_the_command_refuses_before_it_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong word, or nothing to compare with, is said at once: a back-test takes minutes."""
    from typer.testing import CliRunner

    from riskengine.cli import app

    for folder in ("configs", "features", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "configs" / "environment.toml").write_text(
        'name = "p"\ncurrency = "CNY"\n[title]\nen = "P"\nzh = "P"\n', encoding="utf-8"
    )
    monkeypatch.delenv("RISKENGINE_PROJECT", raising=False)
    asked = ["--project", str(tmp_path), "backtest-signals", "--from", "2020-01-31", "--to", "2021-01-31"]
    refused = {
        "walk-forward or champion": (["--model", "walkforward"], UsageError),
        "zh or en": (["--lang", "fr"], UsageError),
        "no accepted result": (["--gate"], SetupError),
    }
    for words, (more, kind) in refused.items():
        result = CliRunner().invoke(app, [*asked, *more])
        assert isinstance(result.exception, kind)
        assert words in str(result.exception)
    assert not (tmp_path / "store").exists()
