"""Review: should these applicants be guaranteed, for how much, and why?"""

from datetime import date
from pathlib import Path

from riskengine.decision.review import ReviewRun, review
from riskengine.project import Project


def run(project: Project, as_of: date | None, name: str | None = None, file: Path | None = None) -> ReviewRun:
    """Review one applicant by `name`, or all of a `file`; every decision is recorded and can be replayed."""
    return review(project, as_of, ids=[name] if name else [], file=file)
