"""Whatever is removed, every recorded decision and every night can still be gone back to."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "decision"))

from institution import AS_OF, load, made_project

from riskengine.cli import app
from riskengine.clock import now
from riskengine.decision.replay import replay
from riskengine.decision.review import review
from riskengine.errors import IntegrityError
from riskengine.monitor import publish
from riskengine.project import Project
from riskengine.store import ledger, retention
from riskengine.store.compaction import compact
from riskengine.store.facts import FactStore
from riskengine.store.retention import YOUNG, Sorting, remove, sort_out

DAYS = 400


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_project(tmp_path_factory.mktemp("tiny") / "institution").root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(template, tmp_path / "own")))


def age(root: Path, days: int) -> None:
    """Everything in a store was written so many days earlier."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            status = path.stat()
            os.utime(path, (status.st_atime - days * 86_400, status.st_mtime - days * 86_400))


def news(project: Project, number: int) -> None:
    load(
        project,
        "losses",
        "no,day,firm,lost\n"
        + f"{200 + number},2006-03-{1 + number % 28:02d},CAT,{number + 1}\n" * (number + 1),
    )


def held(store: Path) -> list[Path]:
    return sorted(
        path for room in ("facts", "index", "snapshots", "decisions") for path in (store / room).rglob("*")
    )


def vacuum(project: Project, days: int = DAYS) -> Sorting:
    store = FactStore(project.store)
    with store.locked():
        found = sort_out(store, now(), days)
        remove(store.root, found)
    return found


def recorded(store: Path) -> list[str]:
    found = []
    for path in sorted((store / "decisions").glob("*.jsonl")):
        found += [
            f"{path.stem}-{number}" for number in range(1, len(path.read_text(encoding="utf-8").splitlines()))
        ]
    return found


def editions(store: Path) -> dict[str, dict[str, Any]]:
    """Manifest hash -> manifest, of standing and of replaced editions."""
    found = {}
    for place in (".editions", ".superseded"):
        for path in (store / "publications" / place).glob("*/manifest.json"):
            found[hashlib.sha256(publish.named(path.read_bytes())).hexdigest()] = json.loads(
                path.read_bytes()
            )
    return found


def night(project: Project, day: int, content: int) -> None:
    """A night as `publish` makes it: from the one before, with one file."""
    as_of = date(2006, 4, day)
    earlier = publish.before(project.store, as_of)
    inputs = {"facts": content, "before": earlier.hash if earlier else ""}
    publish.publish(project.store, as_of, inputs, {"lines.txt": str(content).encode()}, {})


def sound(project: Project) -> None:
    """Everything that is recorded can be gone back to."""
    store = project.store
    for decision in recorded(store):
        replay(store, decision)
    FactStore(store).verify()
    there = editions(store)
    for as_of in publish.days(store):
        found = publish.find(store, as_of)
        assert found is not None
        assert publish.damage(found) == []
        said = found.hash
        while before := there[said]["inputs"]["before"]:  # what it was computed from, and that, and that
            assert before in there
            said = before


class Years(RuleBasedStateMachine):
    """An institution works, time goes by, and somebody tidies up."""

    template: Path
    room: Path
    made = 0

    @initialize()
    def begin(self) -> None:
        type(self).made += 1
        self.project = Project(Path(shutil.copytree(self.template, self.room / f"run{self.made}")))
        self.number = 0

    @rule()
    def takes_facts_in(self) -> None:
        self.number += 1
        news(self.project, self.number)

    @rule(name=st.sampled_from("1235"))
    def decides_and_goes_on(self, name: str) -> None:
        self.takes_facts_in()
        review(self.project, AS_OF, ids=[name])
        self.takes_facts_in()

    @rule(day=st.integers(1, 3), content=st.integers(0, 3))
    def publishes(self, day: int, content: int) -> None:
        night(self.project, day, content)

    @rule()
    def merges(self) -> None:
        store = FactStore(self.project.store)
        with store.locked():
            compact(store, "losses", now())

    @rule(years=st.sampled_from([0, 1, 1, 2]))
    def time_goes_by_and_somebody_tidies_up(self, years: int) -> None:
        age(self.project.store, years * (DAYS + 1))
        vacuum(self.project)
        assert vacuum(self.project).gone == (), "what can go goes at once"
        sound(self.project)


def test_after_any_vacuum_everything_recorded_can_be_gone_back_to(template: Path, tmp_path: Path) -> None:
    Years.template, Years.room, Years.made = template, tmp_path, 0
    slow = settings(
        max_examples=5, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Years, settings=slow)  # type: ignore[no-untyped-call]


def test_what_goes_and_what_stays_and_why(project: Project) -> None:
    store = project.store
    run = review(project, AS_OF, ids=["3"])
    decided = run.basis["snapshot"]
    for number in range(3):
        news(project, number)
    current = FactStore(store).snapshot().id
    every = {path.stem for path in (store / "snapshots").glob("*.json")}
    assert len(every - {decided, current}) == 3
    assert vacuum(project).gone == (), "all young"
    age(store, DAYS + 1)
    news(project, 3)  # the last but one was current until just now
    found = sort_out(FactStore(store), now(), DAYS)
    reasons = {one.name: one.reasons for one in found.kept}
    assert reasons.pop(decided) == (f"decisions/{run.run}.jsonl",)
    assert reasons.pop(current) == (YOUNG,)
    assert list(reasons.values()) == [("current",)]
    assert {Path(one.path).stem for one in found.gone if one.kind == "snapshot"} == every - {decided, current}
    assert {one.kind for one in found.gone} == {"snapshot", "index"}
    remove(store, found)
    assert not any((store / one.path).exists() for one in found.gone)
    sound(project)


def test_a_snapshot_that_a_model_or_an_act_names_stays(project: Project) -> None:
    store, book = project.store, ledger.open_ledger(project.store)
    by_bundle = FactStore(store).snapshot().id
    card = next((store / "bundles").iterdir()) / "validation.json"
    card.write_text(json.dumps({"facts": {"snapshot": by_bundle}}), encoding="utf-8")
    news(project, 1)
    by_act = FactStore(store).snapshot().id
    ledger.record_act(
        book, ledger.Act(now(), "li", "promoted", "access_pd", {"evidence": [{"snapshot": by_act}]})
    )
    for number in (2, 3):
        news(project, number)
    age(store, DAYS + 1)
    reasons = {one.name: one.reasons for one in vacuum(project).kept}
    assert reasons[by_bundle] == (str(card.relative_to(store)),)
    assert reasons[by_act] == ("state.db",)
    assert len(reasons) == 3


def test_old_data_files_go_when_others_have_long_been_in_their_place(project: Project) -> None:
    for number in range(3):
        news(project, number)
    store = FactStore(project.store)
    old = store.data_files("losses")
    age(project.store, DAYS + 1)
    with store.locked():
        compact(store, "losses", now())
    assert [one for one in vacuum(project).gone if one.kind == "data"] == [], "merged just now"
    age(project.store, DAYS + 1)
    assert [one.path for one in vacuum(project).gone if one.kind == "data"] == [
        str(Path(path).relative_to(project.store)) for path in old
    ]
    sound(project)
    news(project, 9)
    assert FactStore(project.store).snapshot().id


def test_an_edition_that_a_later_night_was_computed_from_stays(project: Project) -> None:
    store = project.store
    night(project, 1, 1)
    night(project, 2, 1)
    night(project, 1, 2)  # replaced: the second night rests on the replaced one
    night(project, 3, 1)
    night(project, 3, 2)  # replaced, and nothing rests on it
    age(store, DAYS + 1)
    found = vacuum(project)
    assert [one.path.split("/")[2][:10] for one in found.gone if one.kind == "edition"] == ["2006-04-03"]
    assert [one.reasons for one in found.kept if one.kind == "edition"] == [("publications/2006-04-02",)]
    sound(project)


@pytest.mark.parametrize("harm", ["no snapshot", "not a record", "not a snapshot"])
def test_nothing_goes_from_a_store_that_lacks_something(project: Project, harm: str) -> None:
    run = review(project, AS_OF, ids=["3"])
    for number in range(3):
        news(project, number)
    age(project.store, DAYS + 1)
    snapshot = project.store / "snapshots" / f"{run.basis['snapshot']}.json"
    if harm == "no snapshot":
        snapshot.unlink()
    elif harm == "not a record":
        run.path.write_text("{}\n", encoding="utf-8")
    else:
        snapshot.write_text("[]", encoding="utf-8")
    before = held(project.store)
    with pytest.raises(IntegrityError, match="nothing can be removed"):
        vacuum(project)
    assert held(project.store) == before


def test_what_killed_runs_left_goes(project: Project) -> None:
    news(project, 1)
    stray = project.store / "facts" / "losses" / "batch-00000077-0123456789abcdef.parquet"
    stray.write_bytes(b"never committed")
    half = project.store / "index" / "losses" / ".bucket.new"
    half.write_bytes(b"half")
    assert vacuum(project).gone == ()
    age(project.store, DAYS + 1)
    strays = {one.path for one in vacuum(project).gone if one.kind in ("data", "left over")}
    assert strays == {str(path.relative_to(project.store)) for path in (stray, half)}


def told(project: Project, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(project.root), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_commands_of_an_operator(project: Project) -> None:
    for number in range(3):
        news(project, number)
    losses = next(
        one
        for one in json.loads(told(project, "store", "show", "--json"))["sources"]
        if one["source"] == "losses"
    )
    assert (losses["data_files"], losses["rows"]) == (4, 6)
    assert losses["row_groups_of_one"] == 1
    done = json.loads(told(project, "store", "compact", "--json"))
    assert [(one["source"], one["files_before"], one["files_after"]) for one in done] == [
        ("asked", 1, 1),
        ("losses", 4, 1),
    ]
    last = now() + timedelta(DAYS)
    for words in (("show",), ("vacuum",)):  # compacted a moment ago: nothing of it can go yet
        said = told(project, "store", *words, "--lang", "en")
        assert re.search(
            rf"4 data files that no table reads .* kB: .* from {last:%Y-%m-%d} to {last:%Y-%m-%d}", said
        )
        assert "4 个数据文件已无数据表读取" in told(project, "store", *words, "--lang", "zh")
    shown = told(project, "store", "show", "--lang", "en")
    assert "\n2 sources, " in shown
    assert " 1 data file " in shown
    age(project.store, DAYS + 1)
    before = held(project.store)
    dry = json.loads(told(project, "store", "vacuum", "--json"))
    assert (dry["removed"], dry["days"]) == (False, DAYS)
    assert {one["kind"] for one in dry["gone"]} == {"snapshot", "index", "data"}
    assert held(project.store) == before
    text = told(project, "store", "vacuum", "--yes", "--lang", "zh")
    assert "当前" in text
    assert [row["action"] for row in ledger.acts(ledger.open_ledger(project.store))][-1] == "vacuum"
    assert json.loads(told(project, "store", "vacuum", "--json"))["gone"] == []
    assert "no table reads" not in told(project, "store", "show", "--lang", "en")
    assert "sound" in told(project, "store", "verify", "--lang", "en")
    snapshot = FactStore(project.store).snapshot().id
    assert json.loads(told(project, "store", "reindex", "--json"))["snapshot"] == snapshot
    sound(project)


def test_the_age_is_a_dated_choice(project: Project) -> None:
    declared = (
        '\n[store]\npath = "var"\n[[store.keep_days]]\nfrom = 2026-01-01\nvalue = 30\nreference = "a test"\n'
    )
    file = project.configs / "environment.toml"
    text = file.read_text(encoding="utf-8").replace('store = "var"\n', "")
    file.write_text(text + declared, encoding="utf-8")
    again = Project(project.root)
    assert again.store == project.root / "var"
    assert again.environment.store.days_kept(date(2026, 11, 22)) == 30
    assert datetime.now(UTC) - now() < timedelta(minutes=1)
    assert retention.CURRENT == "current"
