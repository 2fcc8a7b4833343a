"""On real loans: another champion and another policy, and back to the same decisions, to the byte, by one command."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from sba_world import EXAMPLE, branch, command

from riskengine import registry
from riskengine.decision.review import review
from riskengine.project import Project
from riskengine.schema import canonical_json
from riskengine.scoring.bundle import champion
from riskengine.store.ledger import open_ledger, verify_audit

DAY = date(2006, 2, 28)


def decided(project: Project) -> list[str]:
    made = review(project, DAY, file=EXAMPLE / "applicants_2006.csv")
    return [canonical_json(record) for record in made.records]


def another(project: Project) -> registry.Version:
    """A version whose PDs are higher: the champion with another outer calibration, logged as a training logs it."""
    old = champion(project.store, "access_pd")
    how = old.calibration
    moved = how | {"b": how["b"] + 1.0} if "b" in how else {"method": "logistic", "a": 1.0, "b": 1.0}
    files = dict(old.files) | {"calibration.json": canonical_json(moved).encode()}
    run = registry.TrainingRun("access_pd", date(2005, 12, 31), "s", "r", {}, {}, {}, files)
    return registry.log_training(registry.office(project).registry, run)


def test_plan_promotion_and_rollback_of_real_loans(trained: Project, tmp_path: Path) -> None:
    project = branch(trained, tmp_path / "p")
    before = decided(project)
    made = another(project)
    version = str(made.version)
    done = command(project, "promote", "access_pd", version, "--plan", "--months", "2", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    swap = plan["swap"]
    assert swap["cases"] > 200
    assert swap["better"] == 0, "every PD is higher"
    assert swap["worse"] > 0
    assert float(swap["expected_loss_change"]) > 0
    assert sum(sum(row.values()) for row in swap["matrix"].values()) == swap["cases"]
    assert {gate["gate"]: gate["state"] for gate in plan["gates"]}["inventory"] == "pass"
    done = command(
        project, "promote", "access_pd", version, "--months", "2", "--why", "a test of the way back"
    )
    assert done.returncode == 0, done.stderr
    assert "single_operator" in done.stderr
    policy = project.configs / "policy.toml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace('pass_up_to = "5"', 'pass_up_to = "3"'), "utf-8"
    )
    changed = decided(project)
    assert all(one != other for one, other in zip(before, changed, strict=True))
    done = command(project, "rollback", "access_pd", "--why", "a test of the way back")
    assert done.returncode == 0, done.stderr
    assert decided(project) == before
    assert policy.read_bytes() == (trained.configs / "policy.toml").read_bytes()
    verify_audit(open_ledger(project.store))
    done = command(project, "card", "access_pd", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    for words in (
        "# 模型卡：access_pd",
        "## 输入变量",
        "内审部独立验证岗",
        "a test of the way back",
        "训练日",
    ):
        assert words in done.stdout
    done = command(project, "models", "access_pd")
    assert "former champion" in done.stdout
