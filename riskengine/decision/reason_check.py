"""Do the reasons keep their promise over a whole book: does moving the top reason to the peers' median improve the PD?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.decision.grounds import peer_group
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_applicants, load_in_force
from riskengine.project import Project
from riskengine.schema import read_definition
from riskengine.scoring.bundle import Bundle
from riskengine.scoring.calibration import segment_of
from riskengine.scoring.scorecard import pd_of
from riskengine.store import snapshot as snapshots

Row = list[float | None]


@dataclass(frozen=True, slots=True)
class ReasonCheck:
    """Counts over rows: how many have an adverse reason to tell, how many of those are better off at the peers' median.

    `flat`: the top reason lowers the raw score, but the calibration has one PD for both (a step); these are not improved.
    `unexplained`: rows whose raw score lies above the expected one and that have no adverse reason (what is missing, or
    features that only act together, made it). `gap`: the greatest |bias + contributions - raw score|. `missing_cited`: reasons
    that cite a value which is not there (must be 0).
    """

    rows: int
    told: int
    improved: int
    flat: int
    unexplained: int
    gap: float
    missing_cited: int

    @property
    def share(self) -> float | None:
        """The share of rows with a top reason that it improves; None where none has one."""
        return self.improved / self.told if self.told else None


@dataclass(frozen=True, slots=True)
class Book:
    """The rows a model looks at on a day: values in the bundle's order, peer groups, segments."""

    rows: Sequence[Row]
    groups: Sequence[str | None]
    segments: Sequence[str | None]


def book_of(project: Project, bundle: Bundle, as_of: date) -> Book:
    """Every guarantee in force on a day, or every application known by then, with the model's own recipe."""
    from riskengine.profile.keys import Subjects

    subjects = read_definition(Subjects, project.configs / "subjects.toml")
    recipe = Recipe.from_json(bundle.recipe)
    with Workbench(snapshots.read(project.store)) as bench:
        bench.load_facts(recipe)
        if bundle.spec["subject"] == "guarantee":
            load_in_force(bench, subjects.guarantee, recipe, [as_of])
        else:
            load_applicants(bench, subjects.applicant, recipe, known=as_of)
        found = bench.connection.execute("SELECT * FROM subjects ORDER BY subject")
        names = [item[0] for item in found.description]
        keys = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        rows = [[_number(row[name]) for name in bundle.features] for row in bench.rows(recipe)]
    groups = [peer_group(bundle, each) for each in keys]
    return Book(rows, groups, [segment_of(bundle.calibration, each) for each in keys])


def checked_reasons(bundle: Bundle, book: Book) -> ReasonCheck:
    """Every row's reasons, and its PD made anew by `pd_of` with the top adverse one at the peers' median."""
    import numpy as np

    from riskengine.scoring.native import contribution_rows, raw_scores
    from riskengine.scoring.reason_rows import rated_rows
    from riskengine.scoring.trees import bias

    if not book.rows:
        return ReasonCheck(0, 0, 0, 0, 0, 0.0, 0)
    matrix = np.array(book.rows, dtype=np.float64)
    rated = rated_rows(bundle, book.rows, book.groups, book.segments)
    top = [next((reason for reason in found if reason.adverse), None) for _, found in rated]
    moved = matrix.copy()
    for number, reason in enumerate(top):
        if reason is not None:
            moved[number, bundle.features.index(reason.feature)] = reason.peer_median
    improved = 0
    for number, (raw, row) in enumerate(zip(raw_scores(bundle, moved).tolist(), moved.tolist(), strict=True)):
        if top[number] is not None:
            improved += pd_of(bundle, raw, row, book.segments[number]) < rated[number][0].pd
    start = bias(bundle.trees)
    raws = np.array([one.raw for one, _ in rated])
    gap = np.abs(start + contribution_rows(bundle, matrix).sum(axis=1) - raws).max()
    return ReasonCheck(
        rows=len(book.rows),
        told=sum(reason is not None for reason in top),
        improved=improved,
        flat=sum(reason is not None and reason.effect == 0 for reason in top),
        unexplained=sum(
            reason is None and one.raw > start for reason, (one, _) in zip(top, rated, strict=True)
        ),
        gap=float(gap),
        missing_cited=sum(
            book.rows[number][bundle.features.index(reason.feature)] is None
            for number, (_, found) in enumerate(rated)
            for reason in found
        ),
    )


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)  # noqa: PLR0124 - NaN
