"""Whom does a number mean: which enterprise, with which guarantees and applications known on a day?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.keys import Subjects
from riskengine.profile.recipe import Recipe
from riskengine.project import Project
from riskengine.reports.dossier_rows import Row, rows_where


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A guarantee of the enterprise; `ended` is the row that ended it, None while it is in force (or too old: `lapsed`)."""

    id: str
    row: Row
    ended: Row | None
    lapsed: bool

    @property
    def in_force(self) -> bool:
        """Whether the night looks at it."""
        return self.ended is None and not self.lapsed


@dataclass(frozen=True, slots=True)
class Whom:
    """The enterprise that `asked` means, `given_up` codes that were merged into it, its guarantees and applications."""

    asked: str
    enterprise: str
    as_of: date
    guarantees: tuple[Guarantee, ...]
    applications: tuple[Row, ...]
    given_up: tuple[tuple[str, date], ...] = ()

    @property
    def in_force(self) -> tuple[Guarantee, ...]:
        """The guarantees in force, the newest first."""
        return tuple(one for one in self.guarantees if one.in_force)


def meant(bench: Workbench, project: Project, subjects: Subjects, name: str, as_of: date) -> Whom:
    """The enterprise of an enterprise code, guarantee number or application number as known on a day.

    A code that was given up leads to the one it was merged into. Unknown names are a `UsageError` that says from when on
    the name is known, if it ever is.
    """
    merges = _merges(project, as_of)
    wanted = merges.get(name, (name, as_of))[0]
    rules = (subjects.applicant, subjects.guarantee)
    code = next(
        (
            str(found[0].values[rule.enterprise])
            for rule in rules
            for column in (rule.id, rule.enterprise)
            if (found := rows_where(bench, rule.source, as_of, {column: wanted}, 1))
            and found[0].values.get(rule.enterprise)
        ),
        None,
    )
    if code is None:
        raise UsageError(
            "Nobody of that name is known 查无此人或企业", [_unknown(bench, subjects, name, as_of)]
        )
    rule = subjects.guarantee
    guarantees = [
        _guarantee(bench, subjects, row, as_of)
        for row in rows_where(bench, rule.source, as_of, {rule.enterprise: code})
    ]
    applications = rows_where(bench, subjects.applicant.source, as_of, {subjects.applicant.enterprise: code})
    old = sorted((gone, day) for gone, (into, day) in merges.items() if into == code)
    return Whom(name, code, as_of, tuple(guarantees), tuple(applications), tuple(old))


def subject_of(row: Row, recipe: Recipe, as_of: date) -> Subject:
    """The subject whose keys a row of an application or a guarantee gives."""
    return Subject(as_of, {column: row.values.get(column) for column, _ in recipe.keys})


def _guarantee(bench: Workbench, subjects: Subjects, row: Row, as_of: date) -> Guarantee:
    rule = subjects.guarantee
    name = row.values[rule.id]
    ends = [end for source in rule.ends_with for end in rows_where(bench, source, as_of, {rule.id: name}, 1)]
    lapsed = bool(rule.longest) and row.event_date <= Span.parse(rule.longest).before(as_of)
    return Guarantee(str(name), row, min(ends, key=lambda end: end.event_date, default=None), lapsed)


def _merges(project: Project, as_of: date) -> dict[str, tuple[str, date]]:
    """Code given up -> (the code it is now, since when that is known); none where nobody ever judged."""
    if not _ever_merged(project.store / "state.db"):
        return {}
    from riskengine.identity.judgements import standing
    from riskengine.store.ledger import open_ledger

    stands = standing(open_ledger(project.store), as_of)
    return {code: (found.code, found.judged) for code, found in stands.merges.items()}


def _ever_merged(path: Path) -> bool:
    """Whether anybody ever merged two codes: asked without the ledger's own machinery, which takes longer to load."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        there = ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'judgements'").fetchone()
        return bool(
            there and ledger.execute("SELECT 1 FROM judgements WHERE kind = 'merge' LIMIT 1").fetchone()
        )


def _unknown(bench: Workbench, subjects: Subjects, name: str, as_of: date) -> Problem:
    rules = (subjects.applicant, subjects.guarantee)
    wanted = ", ".join(dict.fromkeys(column for one in rules for column in (one.id, one.enterprise)))
    first: list[Any] = []
    for rule in rules:
        for column in (rule.id, rule.enterprise):
            if files := bench.facts(rule.source):
                day = bench.connection.execute(
                    f'SELECT min(greatest(known_at, event_date)) FROM {files} WHERE "{column}" = ? AND NOT removed',
                    [name],
                ).fetchone()
                first += [day[0]] if day and day[0] else []
    hint = (
        f"It is known from {min(first)} on: choose that day or a later one"
        if first and min(first) > as_of
        else "Check the id; profile, dossier and evidence take the same ones"
    )
    return Problem(f"{name} --as-of {as_of}", f"one of {wanted} known by {as_of}", repr(name), hint)
