"""Fresh, stale, none known and not due are four things, and silence never helps an applicant."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

from institution import AS_OF

from riskengine.decision.desk import current_desk
from riskengine.decision.freshness import freshness, source_notes
from riskengine.decision.review import review
from riskengine.profile.compute import Workbench
from riskengine.project import Project


def test_many_days_at_once_are_each_day_alone(project: Project) -> None:
    desk = current_desk(project)
    notes = source_notes(desk.recipes)
    days = [date(2005, 5, 31) + timedelta(days=number) for number in range(0, 900, 3)]
    with Workbench(desk.snapshot) as bench:
        together = freshness(bench, notes, days)
        alone = {day: freshness(bench, notes, [day])[day] for day in days}
    assert together == alone
    states = {item.source: set() for item in alone[days[0]]}
    for found in alone.values():
        for item in found:
            states[item.source].add(item.state)
    assert states["losses"] == {"none known", "fresh", "stale"}


def test_a_source_that_promises_nothing_is_not_due(project: Project) -> None:
    desk = current_desk(project)
    notes = {
        name: dataclasses.replace(note, stale_after="") for name, note in source_notes(desk.recipes).items()
    }
    with Workbench(desk.snapshot) as bench:
        found = freshness(bench, notes, [date(2005, 6, 1)])[date(2005, 6, 1)]
    assert {item.source: item.state for item in found} == {"asked": "none known", "losses": "not due"}


def test_silence_never_passes_a_knock_out_and_staleness_refers(project: Project) -> None:
    row = {"no": "80", "firm": "FOX", "trade": "31", "amount": "100", "staff": "95"}
    days = ["2005-05-01", "2006-03-31", "2007-06-30"]
    found = [
        item["outputs"] for item in review(project, AS_OF, rows=[row | {"day": day} for day in days]).records
    ]
    assert [item["decision"] for item in found] == ["insufficient data", "pass", "refer"]
    assert [entry["rule"] for entry in found[0]["policy"]["not_evaluable"]] == ["lost_before"]
    assert found[2]["gaps"]["sources"] == ["losses"]  # what the applicant brings itself is of its own day
    assert {entry["source"]: entry["state"] for entry in found[2]["freshness"]} == {
        "asked": "fresh",
        "losses": "stale",
    }
