"""What exactly is run to make a profile? A compiled recipe: SQL text, the columns it reads, the features' labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from riskengine.schema import fingerprint

SQL_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "rate": "DOUBLE",
    "money": "DECIMAL(18,2)",
    "date": "DATE",
    "flag": "BOOLEAN",
}
IBIS_TYPES: Mapping[str, str] = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "DECIMAL(18,2)": "decimal(18,2)",
    "DATE": "date",
    "BOOLEAN": "boolean",
}


@dataclass(frozen=True, slots=True)
class FeatureNote:
    """What a person needs to know of one feature: labels, unit, where risk grows, which sources it rests on."""

    name: str
    family: str
    kind: str
    en: str
    zh: str
    unit: str
    direction: int
    reference: str
    sources: tuple[str, ...]
    context: bool = False  # says nothing of the subject itself: the programme, the economy

    def say(self, language: str) -> str:
        """The label in `language`."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What a recipe reads of one source, and what a person needs to know of it."""

    columns: tuple[tuple[str, str], ...]  # (column, DuckDB type)
    fed_by_applicant: bool
    stale_after: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Met:
    """Which facts a step meets: its source, the key columns they are joined by, and the edges of its windows.

    An edge is (months, days, -1) before the as-of date, or (months, days, earlier): the month end by that day, `earlier`
    months back. `linked` names the step with the linked keys ("" for the subject's own). An `own` step is read subject by
    subject. A `moving` one may change from day to day though no fact comes, goes or crosses an edge. `read` is where in the
    step's SQL those facts stand; `since` are the numbers of the edges before the oldest of which none is needed (or none).
    """

    source: str
    columns: tuple[str, ...]
    edges: tuple[tuple[int, int, int], ...]
    linked: str
    own: bool
    moving: bool
    read: tuple[int, int] = (0, 0)
    since: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One table of a recipe: its SQL reads `subjects`, `facts_<source>` and steps before it."""

    name: str
    sql: str
    met: Met | None = None  # of a group of aggregates; None of links


@dataclass(frozen=True, slots=True)
class Block:
    """A few steps, and the SQL that joins them to the subjects: one row a subject, `subject` first."""

    steps: tuple[Step, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A compiled set of features: `steps` (links), then block by block, then `values` over `wide`: the subjects and all blocks."""

    steps: tuple[Step, ...]
    blocks: tuple[Block, ...]
    values: str
    features: tuple[FeatureNote, ...]
    sources: tuple[tuple[str, SourceNote], ...]
    keys: tuple[tuple[str, str], ...]  # subject columns besides `subject`, `as_of`: (column, DuckDB type)
    lineage: bool = False

    @property
    def names(self) -> list[str]:
        """The features' names in order."""
        return [feature.name for feature in self.features]

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` reads back."""
        made = asdict(self)
        for feature in made["features"]:  # absent where it does not hold, as in recipes older than the word
            if not feature["context"]:
                del feature["context"]
        for step in (step for block in made["blocks"] for step in block["steps"] if step["met"]):
            if step["met"]["read"] == (0, 0):
                del step["met"]["read"], step["met"]["since"]
        if not self.blocks:  # compiled before there were steps: one query
            del made["steps"], made["blocks"]
            made["sql"] = made.pop("values")
        return made

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe that was written with `to_json`."""
        return cls(
            tuple(map(_step, value.get("steps", ()))),
            tuple(Block(tuple(map(_step, one["steps"])), one["sql"]) for one in value.get("blocks", ())),
            value["values"] if "values" in value else value["sql"],
            tuple(FeatureNote(**{**item, "sources": tuple(item["sources"])}) for item in value["features"]),
            tuple(
                (name, SourceNote(**{**note, "columns": tuple((c, t) for c, t in note["columns"])}))
                for name, note in value["sources"]
            ),
            tuple((column, kind) for column, kind in value["keys"]),
            value["lineage"],
        )

    @property
    def fingerprint(self) -> str:
        """The hash that names this recipe."""
        return fingerprint(self.to_json())


def _step(value: Mapping[str, Any]) -> Step:
    met = value["met"]
    if met is None:
        return Step(value["name"], value["sql"])
    kept: dict[str, Any] = {"columns": tuple(met["columns"]), "edges": tuple(map(tuple, met["edges"]))}
    kept |= {name: tuple(met[name]) for name in ("read", "since") if name in met}
    return Step(value["name"], value["sql"], Met(**{**met, **kept}))


def reading_all(recipes: Sequence[Recipe]) -> Recipe:
    """The first recipe, reading what any of them reads: facts loaded for it serve all."""
    notes: dict[str, SourceNote] = {}
    for name, note in (pair for recipe in recipes for pair in recipe.sources):
        if name in notes:
            columns = dict(notes[name].columns) | dict(note.columns)
            note = replace(note, columns=tuple(sorted(columns.items())))
        notes[name] = note
    keys = dict(key for recipe in recipes for key in recipe.keys)
    return replace(recipes[0], sources=tuple(notes.items()), keys=tuple(sorted(keys.items())))
