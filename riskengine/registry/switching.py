"""How does one state give way to another so that no kill leaves a mixture?

In this order: the bundle is kept and verified; the act is written; `champions.json` is replaced, which is the one moment at
which everything changes; then what only follows: the committee's `configs/policy.toml` (at a rollback) and MLflow's alias.
Killed before that moment the old state stands whole, and the next change marks the act as abandoned; killed after it the
new state stands whole (the entry says what is `pending` and carries the policy until the file has it), and the next change,
or `riskengine models`, completes the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from riskengine.errors import IntegrityError, Problem
from riskengine.project import Environment
from riskengine.registry import tracking
from riskengine.registry.actors import Actor
from riskengine.registry.pointers import CHAMPION, entries, point
from riskengine.registry.records import SWITCHES, State, history, record
from riskengine.registry.requirements import inventory_of, verdict
from riskengine.registry.tracking import Registry
from riskengine.registry.waivers import Waiver
from riskengine.schema import fingerprint
from riskengine.scoring.bundle import Bundle
from riskengine.store.snapshot import replace_text


@dataclass(frozen=True)
class Office:
    """Where changes are made: the registry, who acts, the project's rules and its files (None: there is no project folder).

    `waiver`: the exception that the maker documents for this change, if its validation failed.
    """

    registry: Registry
    actor: Actor
    environment: Environment
    root: Path | None = None
    waiver: Waiver | None = None

    @property
    def policy(self) -> Path | None:
        """The committee's file, where there is one."""
        path = self.root / "configs" / "policy.toml" if self.root else None
        return path if path and path.exists() else None

    def definition(self, model: str) -> Path | None:
        """The model's own file."""
        return self.root / "models" / f"{model}.toml" if self.root else None


@dataclass(frozen=True, slots=True)
class Promotion:
    """A change of champion: from which version and bundle (None: there was none) to which; `act` names it in the ledger.

    `policy`: what became of the policy file: `unchanged`, `restored`, or `pinned` (the file could not be written: the
    restored text decides all the same until it can).
    """

    model: str
    old_version: int | None
    old_bundle: str | None
    new_version: int
    new_bundle: str
    act: str = ""
    policy: str = "unchanged"


def switch(here: Office, action: str, model: str, detail: dict[str, Any]) -> Promotion:
    """Write the act, switch the champion to `detail["to"]`, then what follows; its bundle is kept and verified before."""
    store = here.registry.store
    old, new = detail["from"], detail["to"]
    act = record(store, here.actor.name, (action, model), detail)
    pending: dict[str, Any] = {"alias": True}
    if old and new["policy"] != old["policy"]:
        pending["policy"] = {"hash": new["policy"], "instead_of": old["policy"]}
    entry = {"bundle": new["bundle"], "version": new["version"], "act": act, "pending": pending}
    point(store, CHAMPION, model, entry)  # the moment
    left = follow_up(here, model)
    policy = "unchanged" if "policy" not in pending else "pinned" if "policy" in left else "restored"
    before = State(**old) if old else None
    return Promotion(
        model=model,
        old_version=before.version if before else None,
        old_bundle=before.bundle if before else None,
        new_version=new["version"],
        new_bundle=new["bundle"],
        act=act,
        policy=policy,
    )


def follow_up(here: Office, model: str) -> dict[str, Any]:
    """Do what the champion's entry says is pending; returns what still is (the policy, where its folder is not ours to write)."""
    store = here.registry.store
    entry = entries(store)[model]
    pending: dict[str, Any] = dict(entry.get("pending") or {})
    pin = pending.get("policy")
    if pin and here.policy is not None:
        try:
            if hashlib.sha256(here.policy.read_bytes()).hexdigest() == pin["instead_of"]:
                replace_text(here.policy, kept_policy(store, pin["hash"]))
            del pending["policy"]
        except OSError:  # not ours to write: the entry goes on carrying the text, and decides
            pin = None
    if pending.get("alias"):
        tracking.set_alias(here.registry, model, CHAMPION, int(entry["version"]))
        del pending["alias"]
    clean = {key: value for key, value in entry.items() if key != "pending"}
    point(store, CHAMPION, model, clean | ({"pending": pending} if pending else {}))
    return pending


def settle(here: Office, model: str) -> str:
    """Bring to its end what a killed change began: `nothing`, `abandoned` or `completed`; call it under `changing`."""
    store = here.registry.store
    entry = entries(store).get(model)
    done = "nothing"
    switches = [row["hash"] for row in history(store, model) if row["action"] in SWITCHES]
    if switches and (entry is None or entry.get("act", switches[-1]) != switches[-1]):
        why = "ended before the champion was switched"
        record(
            store, here.actor.name, ("abandon", model), {"alias": CHAMPION, "act": switches[-1], "why": why}
        )
        done = "abandoned"
    if entry and entry.get("pending") and not follow_up(here, model):
        done = "completed"
    return done


def policy_hash(here: Office, model: str) -> str:
    """The hash of the policy that decides by this model, its text kept; empty where none does."""
    if here.policy is None:
        return ""
    text = here.policy.read_bytes()
    try:
        decides = tomli.loads(text.decode("utf-8")).get("decision", {}).get("model")
    except (tomli.TOMLDecodeError, UnicodeDecodeError):
        decides = None
    if decides != model:
        return ""
    pin = (entries(here.registry.store).get(model, {}).get("pending") or {}).get("policy")
    name = hashlib.sha256(text).hexdigest()
    if pin and pin["instead_of"] == name:
        return str(pin["hash"])
    keep_policy(here.registry.store, text, name)
    return name


def described(here: Office, bundle: Bundle, version: int, why: str) -> dict[str, Any]:
    """What the ledger keeps of a change to this bundle: from, to, why, evidence."""
    store, model = here.registry.store, bundle.model
    policy = policy_hash(here, model)
    old = entries(store).get(model)
    before = State(int(old["version"]), str(old["bundle"]), policy).to_json() if old else None
    said = verdict(store, bundle.hash)
    waived = here.waiver if said and said["verdict"] == "fail" else None
    return {
        "alias": CHAMPION,
        "from": before,
        "to": State(version, bundle.hash, policy).to_json(),
        "why": why.strip(),
        "evidence": {
            "card": hashlib.sha256(bundle.files["card.json"]).hexdigest(),
            "inventory": fingerprint(inventory_of(bundle, here.definition(model))),
            "validation": said,
        },
    } | ({"exception": waived.to_json()} if waived else {})


def keep_policy(store: Path, text: bytes, name: str) -> None:
    """Keep a policy's text under its hash."""
    kept = store / "policies" / f"{name}.toml"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        replace_text(kept, text.decode("utf-8"))


def kept_policy(store: Path, name: str) -> str:
    """The text of a policy by its hash; a damaged one is an `IntegrityError`."""
    path = store / "policies" / f"{name}.toml"
    text = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(text).hexdigest() != name:
        problem = Problem(
            str(path), f"content of hash {name}", "other content or no file", "Restore it from a backup"
        )
        raise IntegrityError("A policy that was in force is damaged", [problem])
    return text.decode("utf-8")
