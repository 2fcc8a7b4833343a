"""The hand-written world in a folder of its own, and what the features say of its enterprises on a day."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from riskengine.intake.load import take_in
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.plan import compile_recipe
from riskengine.project import Project
from riskengine.store.facts import FactStore

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"

Expected = tuple[str, str, str, object]  # subject, day, feature, value
Seen = dict[tuple[str, str], dict[str, object]]
Reader = Callable[[Sequence[Expected]], Seen]

COLUMNS = ("app_id", "uscc", "bank", "industry", "region", "institution", "product", "region6")
SUBJECTS = {
    # machinery, Jinan; renamed in September 2023: its first and its second application
    "A1": ("SQ001", "91370102MA3C00011F", "齐鲁银行", "35", "3701", "JN", "STD", "370102"),
    "A5": ("SQ005", "91370102MA3C00011F", "齐鲁银行", "35", "3701", "JN", "STD", "370102"),
    # electronics, Hefei; defaults in June 2024
    "B": ("SQ002", "91340100MA2T00023B", "徽商银行", "39", "3401", "HF", "TECH", "340100"),
    # eating house, Weifang; restates a filing and a report
    "C": ("SQ003", "92370700MA3D00039U", "齐鲁银行", "62", "3707", "JN", "BATCH", "370700"),
    # farm co-operative outside coverage
    "D": ("SQ004", "93371600MA3E00048G", "滨州农商银行", "01", "3716", "BZ", "BATCH", "371600"),
    # founded in June 2023
    "E": ("SQ006", "91350100M000100Y43", "徽商银行", "35", "3501", "HF", "STD", "350100"),
}


def world_in(root: Path) -> Project:
    """The default project in a folder of its own with every file of `data/` taken in."""
    for room in ("configs", "features", "models"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(root)
    for folder in sorted(DATA.iterdir()):
        take_in(project, folder.name, sorted(folder.glob("*.csv")), date(2025, 1, 31))
    return project


def seen_in(project: Project, asked: Sequence[tuple[str, str]], names: Iterable[str] = ()) -> Seen:
    """Features (all, unless some are named) for each subject and day asked about, as one batch.

    A query of some sixty features is planned in a second, one of five hundred in a minute.
    """
    catalogue = Catalogue(project)
    wanted = sorted(set(names) or catalogue.features)
    subjects = [
        Subject(date.fromisoformat(day), dict(zip(COLUMNS, SUBJECTS[name], strict=True)))
        for name, day in asked
    ]
    seen: Seen = {each: {} for each in asked}
    with Workbench(FactStore(project.store).snapshot()) as bench:
        for start in range(0, len(wanted), 60):
            recipe = compile_recipe(catalogue, wanted[start : start + 60])
            bench.load_subjects(recipe, subjects)
            bench.load_facts(recipe)
            for each, row in zip(asked, bench.rows(recipe), strict=True):
                seen[each] |= row
    return seen
