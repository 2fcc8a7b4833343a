"""What is known of one enterprise as of a day: every feature with its value, label, source and both dates?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from riskengine.errors import Problem, UsageError
from riskengine.intake.personal import shown
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.conflicts import LedgerEntry, ledger, read_conflicts
from riskengine.profile.kept import night_recipe
from riskengine.profile.recipe import FeatureNote, Recipe, reading_all
from riskengine.profile.subjects import find_subject
from riskengine.project import Project
from riskengine.schema import Words
from riskengine.store import snapshot


@dataclass(frozen=True, slots=True)
class CardLine:
    """One feature of one subject: its note, value, and the newest event and knowledge it rests on."""

    note: FeatureNote
    value: Any
    event_date: date | None
    known_at: date | None


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """The profile of one subject as of a day, over one snapshot."""

    id: str
    as_of: date
    snapshot: str
    keys: dict[str, Any]
    lines: tuple[CardLine, ...]
    headings: dict[str, Words]  # of each file of features
    conflicts: tuple[LedgerEntry, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON value with one object a feature."""
        features = {
            line.note.name: {
                "value": shown(line.value),
                "event_date": line.event_date,
                "known_at": line.known_at,
                **{key: value for key, value in asdict(line.note).items() if key != "name"},
            }
            for line in self.lines
        }
        return {
            "id": self.id,
            "as_of": self.as_of,
            "snapshot": self.snapshot,
            "keys": {name: shown(value) for name, value in self.keys.items()},
            "features": features,
            "conflicts": [entry.to_json() for entry in self.conflicts],
        }


def profile_card(project: Project, name: str, as_of: date) -> ProfileCard:
    """Profile the enterprise or application called `name` as of a day; unknown names are a `UsageError`."""
    catalogue = Catalogue(project)
    recipes = recipes_by_file(catalogue)
    items = read_conflicts(catalogue)
    every = reading_all(recipes)
    with Workbench(snapshot.read(project.store), threads=1) as bench:
        kinds = (catalogue.subjects.applicant, catalogue.subjects.guarantee)
        found = (find_subject(bench, kind, every, name, as_of) for kind in kinds)
        subject = next((one for one in found if one is not None), None)
        if subject is None:
            wanted = ", ".join(
                dict.fromkeys(column for kind in kinds for column in (kind.id, kind.enterprise))
            )
            raise UsageError(
                "Nobody of that name is known 查无此人或企业",
                [
                    Problem(
                        f"profile {name} --as-of {as_of}",
                        f"one of {wanted} known by {as_of}",
                        repr(name),
                        "Check the id, or choose a later day",
                    )
                ],
            )
        row: dict[str, Any] = {}
        bench.load_subjects(every, [subject])
        bench.load_facts(every)
        for answers in bench.rows_of(recipes):
            row |= answers[0]
    lines = tuple(
        CardLine(note, row[note.name], row[f"{note.name}__event"], row[f"{note.name}__known"])
        for recipe in recipes
        for note in recipe.features
    )
    entries = ledger(items, row, as_of)
    return ProfileCard(name, as_of, bench.snapshot.id, dict(subject.keys), lines, catalogue.headings, entries)


def recipes_by_file(catalogue: Catalogue) -> list[Recipe]:
    """One recipe a file of features: planning one query of all takes three times as long as all of these together.

    With both dates of each feature; compiled once for each state of the definitions (see `kept`).
    """
    files: dict[str, list[str]] = {}
    for name, (place, _) in catalogue.features.items():
        files.setdefault(place, []).append(name)
    return [night_recipe(catalogue, names, lineage=True) for names in files.values()]
