"""What does the hash-chained ledger say of a model's aliases: who changed what, when, why, from which state to which?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskengine import clock
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.registry.pointers import entries
from riskengine.registry.waivers import Waiver, waiver_of

SWITCHES = ("promote", "rollback")


@dataclass(frozen=True, slots=True)
class State:
    """What decides by a model at one moment: version, bundle, and the policy's hash (empty: no policy reads the model)."""

    version: int
    bundle: str
    policy: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the ledger keeps."""
        return {"version": self.version, "bundle": self.bundle, "policy": self.policy}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a maker asked for and nobody has approved yet."""

    model: str
    state: State
    before: State | None
    why: str
    maker: str
    at: str
    evidence: Mapping[str, Any]
    act: str
    waiver: Waiver | None = None


def history(store: Path, model: str) -> list[dict[str, Any]]:
    """The acts about a model's aliases, oldest first, their details parsed; what was abandoned is left out."""
    from riskengine.store.ledger import acts, open_ledger

    kinds = (*SWITCHES, "propose", "abandon", "challenger")
    rows = [row for row in acts(open_ledger(store)) if row["subject"] == model and row["action"] in kinds]
    parsed = [row | {"detail": json.loads(row["detail"])} for row in rows]
    parsed = [row for row in parsed if "alias" in row["detail"]]
    gone = {row["detail"]["act"] for row in parsed if row["action"] == "abandon"}
    return [row for row in parsed if row["action"] != "abandon" and row["hash"] not in gone]


def proposed(store: Path, model: str) -> Proposal | None:
    """The proposal that waits for a checker: the latest after the last switch."""
    found = None
    for row in history(store, model):
        if row["action"] in SWITCHES:
            found = None
        elif row["action"] == "propose":
            found = row
    if found is None:
        return None
    detail = found["detail"]
    before = State(**detail["from"]) if detail["from"] else None
    return Proposal(
        *(
            model,
            State(**detail["to"]),
            before,
            detail["why"],
            found["actor"],
            found["at"],
            detail["evidence"],
        ),
        act=found["hash"],
        waiver=waiver_of([found], detail["to"]["bundle"]),
    )


def earlier(store: Path, model: str, to: int | None) -> State:
    """The state to return to: the one before the promotion that stands, or the last one of version `to`.

    Rolling back twice goes two promotions back, never forward again. The audit chain is verified first.
    """
    from riskengine.store.ledger import open_ledger, verify_audit

    verify_audit(open_ledger(store))
    past: list[State] = []
    standing: list[State] = []  # what each promotion that still stands replaced
    for row in history(store, model):
        if row["action"] not in SWITCHES or not row["detail"]["from"]:
            continue
        was, now = State(**row["detail"]["from"]), State(**row["detail"]["to"])
        past.append(was)
        if row["action"] == "promote":
            standing.append(was)
        elif any(state.bundle == now.bundle for state in standing):
            while standing.pop().bundle != now.bundle:
                pass
    current = entries(store).get(model)
    others = [state for state in past if current and state.bundle != current["bundle"]]
    chosen = standing[-1:] if to is None else [state for state in others if state.version == to]
    if not chosen or current is None:
        known = ", ".join(str(number) for number in sorted({state.version for state in others})) or "none"
        got = str(to) if to is not None else "no promotion that could be undone"
        hint = "A version that never decided is promoted, not rolled back to"
        problem = Problem(model, f"a version that decided before ({known})", got, hint)
        raise (UsageError if current else SetupError)(f"{model} cannot be rolled back", [problem])
    return chosen[-1]


def record(store: Path, who: str, what: tuple[str, str], detail: Mapping[str, Any]) -> str:
    """Write an act about a model's alias; returns the hash that names it. `what`: (action, model)."""
    from riskengine.store.ledger import Act, open_ledger, record_act

    return record_act(open_ledger(store), Act(clock.now(), who, what[0], what[1], dict(detail)))
