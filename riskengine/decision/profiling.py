"""What are the feature values of applicants? Of one by the program over the facts it touches, of many by DuckDB: the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskengine.decision.applicants import Applicant, subjects_and_facts
from riskengine.decision.desk import Desk
from riskengine.profile.compute import Workbench


def profiles_of(desk: Desk, bench: Workbench, live: Sequence[Applicant]) -> list[dict[str, Any]]:
    """Feature -> value for each applicant (none blocked); where model and rules both have a feature, the model's counts."""
    answers = _single(desk, bench, live) if len(live) == 1 else None
    if answers is None:
        subjects, overlay = subjects_and_facts(desk.every, live)
        bench.load_subjects(desk.every, subjects)
        bench.load_facts(desk.every, overlay)
        answers = bench.rows_of(desk.recipes)
    profiles: list[dict[str, Any]] = [{} for _ in live]
    for rows in reversed(answers):
        for profile, row in zip(profiles, rows, strict=True):
            profile.update(row)
    return profiles


def _single(desk: Desk, bench: Workbench, live: Sequence[Applicant]) -> list[list[dict[str, Any]]] | None:
    """The recipes' rows for one applicant by the program; None where there is none or a stored value is not plain."""
    program, daily = desk.program, desk.daily
    if program is None or daily is None:
        return None
    from riskengine.profile.spelled import NotPlain
    from riskengine.profile.touched import Shared, Touched, touched_row

    touched = Touched(bench, desk.every, desk.narrow)
    (subject,), overlay = subjects_and_facts(desk.every, live)
    try:
        touched.bring(overlay)
        return touched_row(touched, program, subject, Shared(bench, program, desk.recipes, daily))
    except NotPlain:
        return None
