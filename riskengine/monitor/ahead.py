"""What would a night do, if it were run now? Read and said, nothing taken in and nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.intake.load import arrived
from riskengine.monitor import publish
from riskengine.monitor.watch import Watch, held_on
from riskengine.scoring.bundle import Bundle


@dataclass(frozen=True)
class Ahead:
    """A night ahead. `outcome`: "publish", "no change" or "replace"; where files wait it can only be guessed at
    ("publish" or "replace"). `changed` names the inputs that differ from the edition there is."""

    as_of: date
    outcome: str
    waiting: Mapping[str, int]
    held: tuple[str, ...]
    before: date | None
    model: str
    trained_as_of: str
    watched: int
    reminded: int
    changed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same for a machine."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**told, "as_of": str(self.as_of), "before": str(self.before) if self.before else None}


def ahead(
    watch: Watch, bundle: Bundle, earlier: publish.Publication | None, inputs: Mapping[str, Any], as_of: date
) -> Ahead:
    """Look ahead at the night of `as_of` from its `inputs` as they are now; what waits in the inbox is not in them."""
    project = watch.project
    waiting = {source: len(files) for source, files in arrived(project, as_of)}
    there = publish.find(project.store, as_of)
    was = (there.manifest.get("inputs") or {}) if there else {}
    changed = sorted(name for name in {*inputs, *was} if inputs.get(name) != was.get(name)) if there else []
    same = there is not None and not changed and not waiting and not publish.damage(there)
    return Ahead(
        as_of,
        "no change" if same else "replace" if there else "publish",
        waiting,
        tuple(f"{file.source}/{file.file}: {file.first}" for file in held_on(project, as_of)),
        earlier.as_of if earlier else None,
        bundle.hash,
        str(bundle.card.get("trained_as_of", "")),
        sum(signal.watched_on(as_of) for signal in watch.signals),
        sum(one.planned_on(as_of) for one in watch.reminders),
        tuple(changed),
    )
