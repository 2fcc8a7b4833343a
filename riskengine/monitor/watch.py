"""What is a night made from? All definitions read and checked together, and the hash of everything it depends on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.decision.products import Products, read_products
from riskengine.errors import Problem, RiskEngineError, UsageError, nearest
from riskengine.monitor.claims import population_recipes
from riskengine.monitor.deadlines import Deadlines, read_deadlines
from riskengine.monitor.night import needed_features
from riskengine.monitor.publish import Publication
from riskengine.monitor.reminders import Reminder, inputs, read_reminders
from riskengine.monitor.shown import Shown, read_shown
from riskengine.monitor.signals import Signal, read_signals
from riskengine.monitor.vocabulary import Vocabulary, vocabulary
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.kept import night_recipe
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.schema import file_sha256, fingerprint
from riskengine.scoring.scorecard import read_grades
from riskengine.store.known import known_facts
from riskengine.store.ledger import HeldFile, batch_records, held_files, open_ledger
from riskengine.store.snapshot import Snapshot
from riskengine.working_days import Calendar, read_calendar

FILES = (
    "signals.toml",
    "reminders.toml",
    "deadlines.toml",
    "contagion.toml",
    "nightly.toml",
    "grades.toml",
    "products.toml",
    "environment.toml",
    "subjects.toml",
    "cases.toml",
    "budget.toml",
    "floors.toml",
)
FOLDERS = ("signals", "reminders")  # a large catalogue is a folder of files


@dataclass(frozen=True)
class Watch:
    """A project's definitions for the night; `recipe` computes what signals, reminders, products and pages need."""

    project: Project
    catalogue: Catalogue
    vocabulary: Vocabulary
    signals: tuple[Signal, ...]
    reminders: tuple[Reminder, ...]
    shown: Shown
    products: Products
    recipe: Recipe
    deadlines: Deadlines
    calendar: Calendar
    populations: Mapping[str, Recipe]  # what reminders need of further kinds of subject, by name
    rules_day: date | None = None  # the day whose limits count, where it is not the night's own (back-test)


def read_watch(
    project: Project, more: Callable[[Catalogue, Vocabulary], Iterable[str]] | None = None
) -> Watch:
    """Read and check what the night needs; the problems of all files are raised together.

    `more` reads what further rooms define for the night and names the features that they need.
    """
    catalogue = Catalogue(project)
    known = vocabulary(catalogue)
    grades = tuple(grade.name for grade in read_grades(project.configs / "grades.toml").grades)
    problems: list[Problem] = []

    def checked(read: Any, name: str, *more: Any) -> Any:
        try:
            return read(project.configs / name, *more)
        except UsageError as error:
            problems.extend(error.problems)

    signals = checked(read_signals, "signals.toml", known)
    reminders = checked(read_reminders, "reminders.toml", known, grades)
    shown = checked(read_shown, "nightly.toml", known)
    products = checked(read_products, "products.toml")
    deadlines = checked(read_deadlines, "deadlines.toml")
    calendar = checked(lambda _: read_calendar(project.environment.calendar), "environment.toml")
    wanted = checked(lambda _: more(catalogue, known), "") if more else ()
    problems += [
        Problem("environment.toml: required", "a source", repr(name), nearest(name, catalogue.sources))
        for name in project.environment.required
        if name not in catalogue.sources
    ]
    if problems:
        raise UsageError("The night's definitions are not sound", problems)
    compared = [name for signal in signals for name in signal.inputs]
    names = [*compared, *inputs(reminders, known.populations), *shown.inputs, *products.features, *wanted]
    recipe = night_recipe(catalogue, needed_features(known, names))
    return Watch(
        project,
        catalogue,
        known,
        signals,
        reminders,
        shown,
        products,
        recipe,
        deadlines,
        calendar,
        population_recipes(catalogue, reminders, shown.name),
    )


def problems(project: Project) -> list[Problem]:
    """What `riskengine check` reports of the night's definitions; none if all is well."""
    try:
        read_watch(project)
    except RiskEngineError as error:
        return list(error.problems)
    return []


def engine_fingerprint() -> str:
    """SHA-256 over name and bytes of the engine's own code and templates: an edited engine is another engine."""
    package = Path(__file__).resolve().parent.parent
    found = hashlib.sha256()
    files = (path for path in package.rglob("*") if path.suffix in (".py", ".j2", ".css"))
    for path in sorted(files, key=lambda one: one.relative_to(package).as_posix()):
        found.update(f"{path.relative_to(package).as_posix()} {file_sha256(path)}\n".encode())
    return found.hexdigest()


def refused_rows(project: Project, as_of: date) -> dict[str, int]:
    """Rows that intake had refused by a day, by source."""
    total: Counter[str] = Counter()
    for record in batch_records(open_ledger(project.store)):
        if record.received <= as_of:
            total[record.source] += record.quarantined
    return dict(sorted(total.items()))


def held_on(project: Project, as_of: date) -> list[HeldFile]:
    """The files that are held and had arrived by a day, by source and name."""
    return [file for file in held_files(open_ledger(project.store)) if file.received <= as_of]


def night_inputs(
    watch: Watch, snapshot: Snapshot, bundle: str, before: Publication | None, as_of: date
) -> Mapping[str, Any]:
    """Everything a night's bytes depend on, by name."""
    configs = watch.project.configs
    held = [[file.source, file.file, file.sha256, file.first] for file in held_on(watch.project, as_of)]
    return {
        "as_of": str(as_of),
        "facts": known_facts(snapshot, as_of),
        "refused": refused_rows(watch.project, as_of),
        "held": fingerprint(held) if held else "",
        "bundle": bundle,
        "recipe": watch.recipe.fingerprint,
        "before": before.hash if before else "",
        "engine": engine_fingerprint(),
        "sources": fingerprint(
            {path.name: file_sha256(path) for path in (configs / "sources").glob("*.toml")}
        ),
        "calendar": watch.calendar.version,
        "populations": fingerprint({name: one.fingerprint for name, one in watch.populations.items()}),
        **{name: file_sha256(configs / name) for name in FILES if (configs / name).exists()},
        **{name: _folder_hash(configs / name) for name in FOLDERS if (configs / name).is_dir()},
    }


def _folder_hash(folder: Path) -> str:
    return fingerprint({path.name: file_sha256(path) for path in folder.glob("*.toml")})
