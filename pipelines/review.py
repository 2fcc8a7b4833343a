"""Review: should these applicants be guaranteed, for how much, and why?"""

from datetime import date
from pathlib import Path

from riskengine.decision.review import ReviewRun, review
from riskengine.project import Project


def run(project: Project, as_of: date | None, whom: str | Path) -> ReviewRun:
    """Review the applicant of an id, or all of a file; every decision is recorded and can be replayed."""
    if isinstance(whom, Path):
        return review(project, as_of, file=whom)
    return review(project, as_of, ids=[whom])
