"""Does a night make ready what reviews share, so that the first one makes nothing, says the same, and is not stopped by its lack?"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from institution import AS_OF

from riskengine.decision.review import review
from riskengine.monitor.morning import DAYS, prepared
from riskengine.project import Project
from riskengine.schema import canonical_json

MADE = ("recipes", "shared", "index")


def files(project: Project) -> dict[str, bytes]:
    """What lies beside the facts for reviews, but for the files verified: those of the last two seconds are not kept."""
    every = [path for room in MADE for path in (project.store / room).rglob("*") if path.is_file()]
    paths = [path for path in every if path.name != "verified.json"]
    return {path.relative_to(project.store).as_posix(): path.read_bytes() for path in sorted(paths)}


def test_the_first_reviews_make_nothing_and_say_the_same(own_project: Project, tmp_path: Path) -> None:
    other = Project(Path(shutil.copytree(own_project.root, tmp_path / "other")))
    assert prepared(own_project, AS_OF) == DAYS
    assert not (own_project.store / "decisions").exists()
    made = files(own_project)
    for number in range(DAYS):
        day = AS_OF + timedelta(days=number)
        for name in "12345":
            ready = review(own_project, day, ids=[name])
            assert canonical_json(ready.records) == canonical_json(review(other, day, ids=[name]).records)
    assert files(own_project) == made
    assert prepared(own_project, AS_OF) == DAYS
    assert files(own_project) == made


@pytest.mark.parametrize("without", ["policy.toml", "subjects.toml", "products.toml"])
def test_a_desk_that_cannot_be_opened_stops_no_night(own_project: Project, without: str) -> None:
    (own_project.configs / without).unlink()
    assert prepared(Project(own_project.root), AS_OF) == 0


def test_without_an_applicant_there_is_nothing_to_ask(own_project: Project) -> None:
    assert prepared(own_project, date(1990, 1, 1)) == 0
