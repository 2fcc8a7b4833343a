"""What would a promotion change, and may it happen? The plan that maker and checker read, named by its hash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.errors import SetupError, UsageError
from riskengine.monitor.swap import plan_day, swap_set
from riskengine.project import Project
from riskengine.registry import Waiver, entries, fetch, find_version, gates_of, office, refuse
from riskengine.schema import canonical_json, fingerprint
from riskengine.scoring.bundle import champion, read_bundle
from riskengine.store import snapshot
from riskengine.store.snapshot import replace_text


@dataclass(frozen=True)
class Look:
    """Who is looked at: the book of a day, or who applied in so many months to it (None: the latest night or training).

    `waiver`: the exception that the maker documents; the plan shows it to the checker.
    """

    as_of: date | None = None
    months: int = 12
    waiver: Waiver | None = None


@dataclass(frozen=True)
class Plan:
    """A plan: a JSON value that depends on bundles, facts, definitions and its day only, and its hash."""

    content: dict[str, Any]

    @property
    def hash(self) -> str:
        """The hash that names the plan in the ledger."""
        return fingerprint(self.content)

    @property
    def passes(self) -> bool:
        """Whether no gate failed."""
        return all(gate["state"] != "fail" for gate in self.content["gates"])


def plan(
    project: Project, model: str, version: int, look: Look | None = None, *, strict: bool = False
) -> Plan:
    """Gates, and the swap set against today's champion (None where there is none, or where it is the same bundle).

    `strict`: a failed gate is a `QualityGateError` before anything slow is done. Where the project's definitions allow no
    swap set (no policy reads the model), `no_swap` says why.
    """
    look = look or Look()
    here = replace(office(project), waiver=look.waiver)
    wanted = find_version(here.registry, model, version)
    bundle = read_bundle(fetch(here.registry, wanted), wanted.bundle)
    found = gates_of(here, bundle)
    if strict:
        refuse(f"{model} {version}", found)
    said = entries(project.store).get(model)
    day, swap, why = None, None, ""
    if said and said["bundle"] != bundle.hash:
        day = look.as_of or plan_day(project, bundle)
        try:
            swap = swap_set(project, champion(project.store, model), bundle, day, look.months)
        except (UsageError, SetupError) as error:
            why = str(error)
    return Plan(
        {
            "model": model,
            "title": bundle.spec.get("title"),
            "version": version,
            "bundle": bundle.hash,
            "champion": {"version": said["version"], "bundle": said["bundle"]} if said else None,
            "as_of": str(day) if day else None,
            "snapshot": snapshot.read(project.store).id,
            "currency": project.environment.currency,
            "exception": look.waiver.to_json() if look.waiver else None,
            "gates": [gate.to_json() | {"title": gate.title.model_dump()} for gate in found],
            "swap": swap,
            "no_swap": why,
        }
    )


def keep(project: Project, made: Plan) -> Path:
    """Keep a plan under `<store>/plans/<hash>.json`, where the ledger's evidence finds it."""
    path = project.store / "plans" / f"{made.hash}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, canonical_json(made.content))
    return path
