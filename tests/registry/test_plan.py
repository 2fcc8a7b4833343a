"""What a plan says a promotion would do is what it does; and it does nothing itself."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from institution import AS_OF
from typer.testing import CliRunner
from versions import as_person

from riskengine import registry
from riskengine.cli import app
from riskengine.decision.review import review
from riskengine.errors import UsageError
from riskengine.monitor.promotion import Look, plan
from riskengine.monitor.swap import swap_set
from riskengine.project import Project
from riskengine.schema import canonical_json, file_sha256
from riskengine.scoring.bundle import champion, write_bundle
from riskengine.store.ledger import acts, open_ledger

MODEL = "access_pd"
IDS = ("1", "2", "3", "4", "5")
DAYS = dict(zip(IDS, ("2006-02-01", "2006-03-01", "2006-03-05", "2006-03-20", "2006-03-21"), strict=True))


def state(project: Project) -> dict[str, str]:
    """The bytes of everything, but for what is only kept under its own hash and SQLite's side files."""
    skipped = ("policies", "recipes", "plans", "__pycache__")
    return {
        str(path.relative_to(project.root)): file_sha256(path)
        for path in sorted(project.root.rglob("*"))
        if path.is_file()
        and not set(skipped) & set(path.parts)
        and not path.name.endswith(("-wal", "-shm", ".lock"))
    }


def each_on_the_own_day(project: Project) -> dict[str, dict[str, object]]:
    """The oracle: a review of each applicant by name, as of the own day of application."""
    return {
        name: dict(review(project, date.fromisoformat(DAYS[name]), ids=[name]).records[0]["outputs"])
        for name in IDS
    }


def test_an_access_plan_is_what_two_reviews_say(own: Project) -> None:
    before = state(own)
    made = plan(own, MODEL, 2, Look(AS_OF))
    again = plan(own, MODEL, 2, Look(AS_OF))
    assert made.hash == again.hash
    after = state(own)
    assert after == before, "a plan changes nothing"
    swap = made.content["swap"]
    old = each_on_the_own_day(own)
    here = registry.office(own)
    registry.propose(as_person(here, "maker"), MODEL, 2, "better", made.hash)
    registry.approve(as_person(here, "checker"), MODEL, 2, "agreed")
    new = each_on_the_own_day(own)

    assert swap["cases"] == len(IDS)
    pairs = Counter((old[i]["model"]["grade"], new[i]["model"]["grade"]) for i in IDS)  # type: ignore[index]
    assert {(a, b): n for a, row in swap["matrix"].items() for b, n in row.items()} == pairs
    moved = Counter((old[i]["decision"], new[i]["decision"]) for i in IDS)
    assert {(a, b): n for a, row in swap["outcomes"].items() for b, n in row.items()} == moved
    assert any(a != b for a, b in moved), "the higher calibration moves somebody"
    losses = [sum(Decimal(side[i]["amount"]["expected_loss"]) for i in IDS) for side in (old, new)]  # type: ignore[index]
    assert [swap["before"]["expected_loss"], swap["after"]["expected_loss"]] == [str(loss) for loss in losses]
    assert Decimal(swap["expected_loss_change"]) == losses[1] - losses[0] > 0
    assert swap["better"] == 0
    assert swap["worse"] == sum(n for (a, b), n in pairs.items() if a != b)
    assert {mover["id"] for mover in swap["movers"]} == {
        i for i in IDS if old[i]["decision"] != new[i]["decision"]
    }
    assert {gate["gate"]: gate["state"] for gate in made.content["gates"]} == {
        "inventory": "pass", "independence": "pass", "tests": "pass", "validation": "open",
    }  # fmt: skip


def test_the_plan_of_a_first_champion_has_no_swap_set(own: Project) -> None:
    made = plan(own, MODEL, 1)  # it is the champion: nothing to compare with
    assert (made.content["swap"], made.passes) == (None, True)
    with pytest.raises(UsageError, match="one of 1, 2, got 9"):
        plan(own, MODEL, 9)


def test_commands_from_plan_to_rollback(
    own: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = own.configs / "environment.toml"
    path.write_text("declared_actors = true\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    (own.root / "models" / f"{MODEL}.toml").write_text(f'name = "{MODEL}"\n', encoding="utf-8")

    def say(*words: str, who: str = "li") -> str:
        monkeypatch.setenv("RISKENGINE_ACTOR", who)
        done = CliRunner().invoke(app, ["--project", str(own.root), *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    for language, words in (("zh", "等级"), ("en", "grade now (row)")):
        told = say("promote", MODEL, "2", "--plan", "--as-of", str(AS_OF), "--lang", language)
        assert words in told
        assert "access_pd 2" in told
    shown = json.loads(say("promote", MODEL, "2", "--plan", "--as-of", str(AS_OF), "--json"))
    assert len(acts(open_ledger(own.store))) == 4, "no act was made"
    with pytest.raises(UsageError, match="--why"):
        say("promote", MODEL, "2")
    assert "riskengine approve access_pd 2 --why TEXT" in say(
        "promote", MODEL, "2", "--as-of", str(AS_OF), "--why", "better"
    )
    assert "proposed by li" in say("models", MODEL)
    last = json.loads(acts(open_ledger(own.store))[-1]["detail"])
    assert last["evidence"]["plan"] == shown["plan"]
    kept = json.loads((own.store / "plans" / f"{shown['plan']}.json").read_text(encoding="utf-8"))
    assert kept == {key: value for key, value in shown.items() if key != "plan"}
    with pytest.raises(Exception, match="maker and checker differ"):
        say("approve", MODEL, "2", "--why", "me too")
    assert "champion is version 2" in say("approve", MODEL, "2", "--why", "agreed", who="wang")
    lines = say("models", MODEL).splitlines()
    assert "former champion" in lines[0]
    assert lines[1].startswith("access_pd 2: champion, trained as of 2006-03-31, bundle ")
    assert lines[1].endswith(" by wang")
    assert "champion is version 1" in say("rollback", MODEL, "--why", "complaints", who="zhao")
    [line] = [line for line in say("models", MODEL).splitlines() if ": champion" in line]
    assert "restored" in line
    assert line.endswith("by zhao")

    out = tmp_path / "card.html"
    say("card", MODEL, "--out", str(out), "--lang", "zh")
    page = out.read_text(encoding="utf-8")
    assert 'lang="zh-CN"' in page
    assert "模型所有者" in page
    assert "complaints" in page, "the card's history is the ledger's"
    with pytest.raises(UsageError, match=r"\.html or \.md"):
        say("card", MODEL, "--out", str(tmp_path / "card.doc"))
    [entry] = json.loads(say("models", "--inventory", "--json"))
    assert entry["inventory"]["owner"] == "Risk"
    assert entry["champion"]["by"] == "zhao"
    assert entry["challenger"]["version"] == 2
    told = say("models", "--inventory", "--lang", "zh")
    assert "验证方: Audit" in told
    assert "现任: 1" in told


@pytest.mark.long
def test_an_in_force_plan_is_what_two_nights_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
    import pandas as pd
    from golden_world import institution, night

    from riskengine.intake.load import take_in
    from riskengine.registry.pointers import entries, point

    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "a key for golden nights, of no use elsewhere")
    project, day = institution(tmp_path / "p"), date(2024, 6, 30)
    for folder in sorted(project.inbox.iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), date(2025, 1, 31))
    old = champion(project.store, "inforce_pd")
    files = dict(old.files) | {
        "calibration.json": canonical_json({"method": "logistic", "a": 1.0, "b": 1.5}).encode()
    }
    folder = project.store / "bundles" / "draft"
    name = write_bundle(folder, files)
    folder.rename(folder.with_name(name))
    point(project.store, "champion", "inforce_pd", {"bundle": name, "version": 2})
    new = champion(project.store, "inforce_pd")
    swap = swap_set(project, old, new, day)

    scores, alerts = [], []
    for bundle in (old, new):
        point(project.store, "champion", "inforce_pd", {"bundle": bundle.hash, "version": 1})
        assert night(project, day) in ("published", "replaced")
        edition = project.store / "publications" / str(day)
        scores.append(pd.read_parquet(edition / "scores.parquet").set_index("id"))
        signals = pd.read_parquet(edition / "signals.parquet")
        alerts.append(signals[signals.about == "guarantee"].id.nunique())
    assert entries(project.store)["inforce_pd"]["bundle"] == name
    grades = [frame.grade.to_dict() for frame in scores]
    pairs = Counter((grades[0][i], grades[1][i]) for i in grades[0])
    assert {(a, b): n for a, row in swap["matrix"].items() for b, n in row.items()} == pairs
    losses = [sum(value for value in frame.expected_loss if value is not None) for frame in scores]
    assert [swap["before"]["expected_loss"], swap["after"]["expected_loss"]] == [str(loss) for loss in losses]
    for side, count in zip(("before", "after"), alerts, strict=True):
        assert sum(n for what, n in swap[side]["outcomes"].items() if what != "none") == count
