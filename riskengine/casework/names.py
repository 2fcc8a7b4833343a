"""What are signals and rules of escalation called, and what is to be done about a signal? Read as text: an officer waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from riskengine.project import Project
from riskengine.schema import Words, read_toml


@dataclass(frozen=True)
class Names:
    """Titles and suggested actions of signals by id, titles of escalations by id. What is not defined is not there."""

    titles: dict[str, Words]
    actions: dict[str, Words]
    escalations: dict[str, Words]


def read_names(project: Project) -> Names:
    """The names in `signals.toml`, `signals/*.toml`, `floors.toml` (the expired waiver) and `cases.toml`, as far as they exist."""
    folder = project.configs
    paths = [folder / "signals.toml", *sorted((folder / "signals").glob("*.toml"))]
    rows: list[dict[str, Any]] = []
    for path in paths:
        rows += read_toml(path).get("signal", []) if path.exists() else []
    floors, cases = folder / "floors.toml", folder / "cases.toml"
    expired = read_toml(floors).get("expired") if floors.exists() else None
    rows += [{"id": "WAIVER-EXPIRED", **expired}] if expired else []
    raised = read_toml(cases).get("escalate", []) if cases.exists() else []
    return Names(_words(rows, "title"), _words(rows, "action"), _words(raised, "title"))


def _words(rows: list[dict[str, Any]], name: str) -> dict[str, Words]:
    found = {}
    for row in rows:
        told = row.get(name)
        if isinstance(told, dict) and {"en", "zh"} <= told.keys():
            found[str(row.get("id"))] = Words(en=str(told["en"]), zh=str(told["zh"]))
    return found
