"""Which institution are we working for, and where are its definitions, its store and its pipelines?"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, field_validator

from riskengine.errors import Problem, UsageError, nearest
from riskengine.schema import DatedValue, Definition, Words, in_force, read_definition

_ROOMS = ("features", "models", "configs")
_SHIPPED = Path(__file__).parent / "_project"


_KEPT = (
    DatedValue.model_construct(  # as it stands: to check it would build its schema whenever this is imported
        start=date(2026, 11, 22),
        value=400.0,
        reference="Own choice: a year and the audit that follows it; what a record names stays for ever",
    )
)


class StorePlace(Definition):
    """Where facts and state are kept, and how long what was replaced stays: `[store]` of `configs/environment.toml`."""

    path: str = "var"
    facts: str = ""  # s3://bucket/prefix: the facts live there, and the folder holds what was read of them
    keep_days: tuple[DatedValue, ...] = (_KEPT,)

    def days_kept(self, day: date) -> int:
        """For how many days what was replaced stays, as declared on a day; before the first declaration as in that."""
        declared = in_force(self.keep_days, day) or min(self.keep_days, key=lambda one: one.start)
        return int(declared.value)

    @field_validator("keep_days")
    @classmethod
    def _whole_days(cls, declared: tuple[DatedValue, ...]) -> tuple[DatedValue, ...]:
        if not declared or any(one.value < 1 or one.value != int(one.value) for one in declared):
            raise ValueError("keep_days needs at least one declaration, each of whole days, 1 or more")
        return declared


class Environment(Definition):
    """Where an institution keeps things and how it speaks: `configs/environment.toml`."""

    name: str
    title: Words
    currency: str
    language: str = "en"
    calendar: str = "CN"  # the country whose working days count (ISO 3166)
    note: Words | None = None  # shown on every output, e.g. that the data is a sample or synthetic
    synthetic: bool = False  # invented data: every command says so on the terminal
    store: StorePlace = Field(default_factory=StorePlace.model_construct)
    inbox: str = "data"
    tracking_uri: str = ""  # empty: sqlite inside the store
    outputs: dict[str, bool] = Field(default_factory=dict)
    required: tuple[
        str, ...
    ] = ()  # sources without whose news a night exits with 3: published, but half blind
    backtest_required: bool = (
        False  # a night refuses a catalogue or model that no accepted back-test stands behind
    )
    single_operator: bool = False  # one person may propose and approve a change of model; the ledger says so
    backdated_acts: bool = (
        False  # sample projects with history: an act of an officer may count from a past day
    )
    declared_actors: bool = (
        False  # $RISKENGINE_ACTOR names a person: something before the command vouches for it
    )

    @field_validator("store", mode="before")
    @classmethod
    def _only_a_path(cls, said: Any) -> Any:
        return {"path": said} if isinstance(said, str) else said


@dataclass(frozen=True)
class Project:
    """A folder of definitions: `features/ models/ configs/` and optionally `pipelines/` and `data/`."""

    root: Path

    @cached_property
    def environment(self) -> Environment:
        """The parsed `configs/environment.toml`."""
        return read_definition(Environment, self.configs / "environment.toml")

    @property
    def configs(self) -> Path:
        """The folder of what the institution receives, decides, watches, reminds of and delivers."""
        return self.root / "configs"

    @property
    def store(self) -> Path:
        """The folder of facts and state: `$RISKENGINE_STORE`, else what the environment names."""
        override = os.environ.get("RISKENGINE_STORE")
        folder = Path(override) if override else self._within(self.environment.store.path)
        if self.environment.store.facts:
            _declare_place(folder, self.environment.store.facts)
        return folder

    @property
    def inbox(self) -> Path:
        """The folder in which publishers' files arrive, one subfolder a source."""
        return self._within(self.environment.inbox)

    def definition_files(self, room: str, suffix: str) -> list[Path]:
        """The files of one room of definitions in name order."""
        return sorted(path for path in (self.root / room).glob(f"*{suffix}") if not path.name.startswith("_"))

    def modules(self, room: str) -> Iterator[ModuleType]:
        """The Python definition modules of a room, each under its own dotted name."""
        for path in self.definition_files(room, ".py"):
            yield importlib.import_module(f"{self._package()}.{room}.{path.stem}")

    def pipeline(self, name: str) -> ModuleType:
        """The recipe for one occasion: the project's own, else the one of the shipped default project."""
        for project in (self, Project(default_root())):
            if (project.root / "pipelines" / f"{name}.py").exists():
                return importlib.import_module(f"{project._package()}.pipelines.{name}")
        known = [path.stem for path in Project(default_root()).definition_files("pipelines", ".py")]
        raise UsageError(
            "No such pipeline", [Problem("pipelines", "a known pipeline", repr(name), nearest(name, known))]
        )

    def _within(self, text: str) -> Path:
        path = Path(text)
        if path.is_absolute():
            return path
        # The copy inside an installed wheel is definitions only: what it makes belongs to the folder one works in.
        return (Path.cwd() if self.root == _SHIPPED else self.root) / path

    def _package(self) -> str:
        """Make this folder importable as one synthetic package, so that no name collides or is swallowed."""
        name = f"_riskproject_{sha256(str(self.root.resolve()).encode()).hexdigest()[:12]}"
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = [str(self.root)]
            sys.modules[name] = package
        return name


def _declare_place(folder: Path, facts: str) -> None:
    """Write into a store where its facts live (`store.place` reads it): everything below the project knows the folder only."""
    said = folder / "PLACE"
    if said.exists():
        if said.read_text(encoding="utf-8") == facts:
            return
        hint = "Copy the facts first (docs/store.md), then remove PLACE"
        problem = Problem(str(said), facts, said.read_text(encoding="utf-8"), hint)
        raise UsageError("This store has its facts elsewhere", [problem])
    folder.mkdir(parents=True, exist_ok=True)
    said.write_text(facts, encoding="utf-8")


def default_root() -> Path:
    """The default project: the enclosing checkout's top level, else the copy shipped in the wheel."""
    checkout = Path(__file__).parent.parent
    return checkout if is_project(checkout) else _SHIPPED


def is_project(folder: Path) -> bool:
    """Whether a folder holds the rooms of a project."""
    return (
        all((folder / room).is_dir() for room in _ROOMS)
        and (folder / "configs" / "environment.toml").exists()
    )


def find(explicit: str | None = None) -> Project:
    """The project named by `--project`, else `$RISKENGINE_PROJECT`, else the enclosing folder, else the shipped one."""
    named = explicit or os.environ.get("RISKENGINE_PROJECT")
    if named:
        folder = Path(named).expanduser().resolve()
        if not is_project(folder):
            raise UsageError(
                "Not a project",
                [
                    Problem(
                        named, "a folder with features/, models/, configs/environment.toml", "something else"
                    )
                ],
            )
        return Project(folder)
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if is_project(folder):
            return Project(folder)
    return Project(default_root())
