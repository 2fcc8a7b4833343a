"""Backfill: the nights of all month-ends in a range, in order, each building on the one before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from riskengine.clock import month_ends
from riskengine.errors import Problem, UsageError
from riskengine.project import Project


def run(project: Project, start: date, end: date) -> Iterator[Any]:
    """Run `nightly` for every month-end in `[start, end]`, yielding what each did."""
    days = month_ends(start, end)
    if not days:
        raise UsageError(
            "Nothing to fill", [Problem("--from, --to", "a range with a month-end", f"{start} to {end}")]
        )
    nightly = project.pipeline("nightly")
    for day in days:
        yield nightly.run(project, day)
