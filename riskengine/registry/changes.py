"""How does a model take over or step back, so that two people answer for it and nothing is lost?

A change of champion is: (1) the maker's `propose`, an act in the ledger with reason and evidence; (2) the checker's
`approve`, who is another person (`registry.actors`); (3) the switch (`registry.switching`). A rollback returns to a state
that was in force before, so one person may do it, at once. Every change of an alias is an act in the hash-chained ledger: who,
when, why, from, to, evidence.

Policy: the file `configs/policy.toml` is what decides, before and after. Each act records the hash of the policy in force;
a rollback writes that text back to the file (the one it replaces is kept under `<store>/policies/<hash>.toml`), because a
text that decides and is not the text one reads is what an operator cannot trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.project import Project
from riskengine.registry import tracking
from riskengine.registry.actors import actor, check_two
from riskengine.registry.pointers import CHALLENGER, changing, entries, point
from riskengine.registry.records import Proposal, earlier, proposed, record
from riskengine.registry.requirements import Gate, gates, inventory_of, refuse
from riskengine.registry.switching import Office, Promotion, described, settle, switch
from riskengine.registry.tracking import Registry, TrainingRun, Version
from riskengine.scoring.bundle import Bundle, read_bundle


def office(project: Project) -> Office:
    """The office of a project, run by whoever runs this process."""
    environment = project.environment
    registry = Registry(project.store, environment.tracking_uri)
    return Office(registry, actor(environment.declared_actors), environment, project.root)


def log_training(registry: Registry, run: TrainingRun) -> Version:
    """Log a run, register its bundle as the next version and let it be the challenger, in MLflow and for the night."""
    made = tracking.log_run(registry, run)
    by = actor()
    with changing(registry.store):
        old = entries(registry.store, CHALLENGER).get(run.model)
        detail = {
            "alias": CHALLENGER,
            "from": {"version": old["version"], "bundle": old["bundle"]} if old else None,
            "to": {"version": made.version, "bundle": made.bundle},
            "why": f"retrain as of {run.as_of}",
            "by": {"maker": by.to_json()},
            "evidence": {"run": made.run_id, "snapshot": run.snapshot, "recipe": run.recipe},
        }
        act = record(registry.store, by.name, ("challenger", run.model), detail)
        point(
            registry.store,
            CHALLENGER,
            run.model,
            {"bundle": made.bundle, "version": made.version, "act": act},
        )
        tracking.set_alias(registry, run.model, CHALLENGER, made.version)
    return tracking.find_version(registry, run.model, made.version)


def propose(here: Office, model: str, version: int, why: str, plan: str = "") -> Proposal:
    """The maker's step: gates, then an act with reason and evidence (`plan`: the plan's hash); nothing changes yet.

    A failed validation needs `here.waiver`; the act keeps it, and one without a failed validation is a `UsageError`.
    """
    _reason(why)
    with changing(here.registry.store):
        bundle, _ = _candidate(here, model, version)
        detail = described(here, bundle, version, why) | {"by": {"maker": here.actor.to_json()}}
        detail["evidence"]["plan"] = plan
        record(here.registry.store, here.actor.name, ("propose", model), detail)
    made = proposed(here.registry.store, model)
    assert made is not None
    return made


def approve(here: Office, model: str, version: int, why: str) -> Promotion:
    """The checker's step: another person, the same bundle, champion and policy as proposed, the gates again; then the switch."""
    _reason(why)
    one = here.environment.single_operator
    with changing(here.registry.store):
        settle(here, model)
        asked = proposed(here.registry.store, model)
        if asked is None or asked.state.version != version:
            got = "none" if asked is None else f"one of version {asked.state.version}"
            hint = f"Run riskengine promote {model} {version} --why TEXT"
            raise UsageError("Nothing to approve", [Problem(f"{model} {version}", "a proposal", got, hint)])
        check_two(here.environment, asked.maker, here.actor.name)
        here = replace(here, waiver=asked.waiver)
        bundle, _ = _candidate(here, model, version)
        detail = described(here, bundle, version, asked.why)
        _still(asked, detail)
        detail |= {
            "by": {
                "maker": asked.maker,
                "checker": here.actor.to_json(),
                "control": "single operator: no second person" if one else "maker and checker differ",
            },
            "approval": why,
        }
        detail["evidence"] |= {"plan": asked.evidence.get("plan", ""), "proposal": asked.act}
        return switch(here, "promote", model, detail)


def rollback(here: Office, model: str, why: str, to: int | None = None, *, policy: bool = True) -> Promotion:
    """Return to the state before the latest change (or to the last in which version `to` decided): bundle and policy."""
    _reason(why)
    with changing(here.registry.store):
        settle(here, model)
        target = earlier(here.registry.store, model, to)
        folder = here.registry.store / "bundles" / target.bundle
        bundle = read_bundle(folder, target.bundle)
        detail = described(here, bundle, target.version, why)
        now = detail["to"]["policy"]
        detail["to"]["policy"] = (target.policy or now) if policy and now else now
        detail["by"] = {
            "maker": here.actor.to_json(),
            "checker": None,
            "control": "back to a state that was in force before: one person",
        }
        return switch(here, "rollback", model, detail)


def settled(here: Office, model: str) -> str:
    """Complete or mark as abandoned what a killed change of this model began; says which, or `nothing`."""
    with changing(here.registry.store):
        return settle(here, model)


def gates_of(here: Office, bundle: Bundle) -> list[Gate]:
    """The gates of a bundle in this office."""
    inventory = inventory_of(bundle, here.definition(bundle.model))
    return gates(here.registry.store, bundle, inventory, here.waiver)


def _candidate(here: Office, model: str, version: int) -> tuple[Bundle, Version]:
    """The version's verified bundle, through the gates."""
    settle(here, model)
    wanted = tracking.find_version(here.registry, model, version)
    bundle = read_bundle(tracking.fetch(here.registry, wanted), wanted.bundle)
    if bundle.model != model:
        problem = Problem(f"{model} {version}", f"a bundle of {model!r}", repr(bundle.model))
        raise IntegrityError("A version is of another model", [problem])
    found = gates_of(here, bundle)
    refuse(f"{model} {version}", found)
    if here.waiver is not None and all(gate.state != "waived" for gate in found):
        got = next(gate.said for gate in found if gate.name == "validation")
        raise UsageError(
            "An exception where nothing failed", [Problem("--despite", "a validation with verdict fail", got)]
        )
    return bundle, wanted


def _still(asked: Proposal, now: Mapping[str, Any]) -> None:
    """Refuse where something is no longer what the maker proposed and the plan showed."""
    before = asked.before.to_json() if asked.before else None
    pairs = {
        "the champion": (before, now["from"]),
        "the bundle and the policy": (asked.state.to_json(), now["to"]),
        "the inventory": (asked.evidence.get("inventory"), now["evidence"]["inventory"]),
        "the validation": (asked.evidence.get("validation"), now["evidence"]["validation"]),
    }
    problems = [
        Problem(
            place, f"as proposed: {_short(was)}", _short(found), "Propose again: the plan no longer holds"
        )
        for place, (was, found) in pairs.items()
        if was != found
    ]
    if problems:
        raise UsageError("Something has changed since the proposal", problems)


def _reason(why: str) -> None:
    if len(why.strip()) < 3:
        hint = "The ledger keeps it: say why 说明理由"
        raise UsageError("A change needs a reason", [Problem("--why", "a reason in words", repr(why), hint)])


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {str(part)[:12]}" for key, part in value.items())
    return str(value)[:12]
