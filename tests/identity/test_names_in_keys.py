"""Do a new name, an older number in the key and a judgement's own day leave one fact one fact, and a silent feed silent?"""

from __future__ import annotations

from datetime import date

import pytest
from town import case, code, deliver, enrol, seen

from riskengine.decision.freshness import freshness
from riskengine.identity import desk
from riskengine.identity.judgements import judgements
from riskengine.identity.resolve import resolve
from riskengine.intake.contract import read_contracts
from riskengine.monitor.health import feeds
from riskengine.profile.compute import Workbench
from riskengine.profile.recipe import SourceNote
from riskengine.project import Project
from riskengine.store import snapshot
from riskengine.store.ledger import open_ledger

A, B = code(1), code(2)
OLD, NEW = "济南明湖机械有限公司", "济南泉城重工有限公司"
MAY, JUNE, JULY, AUGUST = date(2024, 5, 31), date(2024, 6, 15), date(2024, 7, 15), date(2024, 8, 15)
EARLY = {"snapshot_dt": "2024-05-20"}
LATE = {"snapshot_dt": "2024-06-10"}
GONE = {"status": "已移除"}


def _enrolled(project: Project) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": NEW, "former_name": OLD})


def _held(project: Project, day: date) -> list[tuple[object, ...]]:
    return seen(project, "court_exec", str(day), "name, uscc")


def test_one_case_under_the_old_and_the_new_name_is_one_case(project: Project) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, OLD, **EARLY))
    deliver(project, "court_exec", "2024-06-10", case(1, NEW, **LATE))
    deliver(
        project, "court_exec", "2024-06-10", case(1, "济南别家食品有限公司", **LATE), case(2, OLD, **LATE)
    )
    resolve(project, JULY)
    assert len(_held(project, JUNE)) == 4
    held = [("济南别家食品有限公司", None), (OLD, A), (NEW, A)]
    assert sorted(_held(project, JULY), key=str) == sorted(held, key=str)
    before = snapshot.read(project.store).id
    resolve(project, JULY)
    assert snapshot.read(project.store).id == before


@pytest.mark.parametrize("between", [False, True])
def test_a_removal_under_the_new_name_removes_the_row_under_the_old(project: Project, between: bool) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, OLD, **EARLY))
    if between:
        resolve(project, MAY)
    deliver(project, "court_exec", "2024-06-10", case(1, NEW, **GONE, **LATE))
    resolve(project, JULY)
    assert len(_held(project, MAY)) == 1
    assert _held(project, JULY) == []
    done = resolve(project, AUGUST)
    assert (done.rows_filled, _held(project, AUGUST)) == (0, [])


def test_an_older_removal_under_another_name_removes_nothing(project: Project) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-06-12", case(1, NEW, **LATE))
    deliver(project, "court_exec", "2024-06-13", case(1, OLD, **GONE, **EARLY))
    resolve(project, JULY)
    assert _held(project, JULY) == [(NEW, A)]


def test_what_was_withdrawn_for_another_name_stands_again_when_that_is_another_enterprise(
    project: Project,
) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, OLD, **EARLY))
    deliver(project, "court_exec", "2024-06-10", case(1, NEW, **LATE))
    resolve(project, JULY)
    asked = next(found.seq for found in judgements(open_ledger(project.store)) if found.name == NEW)
    desk.reject(project, asked, AUGUST, "王五")
    assert _held(project, JULY) == [(NEW, A)]
    assert sorted(_held(project, AUGUST), key=str) == sorted([(OLD, A), (NEW, None)], key=str)
    assert resolve(project, AUGUST).rows_taken_back == 0


@pytest.mark.parametrize("stamp", ["2024-06-10", "2024-07-10"])
def test_a_removal_under_the_older_number_reaches_the_copy_under_the_credit_code(
    project: Project, stamp: str
) -> None:
    """Also one stamped before the day of the judgement."""
    terms = project.configs / "sources" / "court_exec.toml"
    text = terms.read_text(encoding="utf-8")
    terms.write_text(
        text.replace('key = ["case_no", "name_key"]', 'key = ["case_no", "uscc"]'), encoding="utf-8"
    )
    _enrolled(project)
    told = {"uscc": A[8:17]}
    deliver(project, "court_exec", "2024-05-20", case(1, NEW, **told, **EARLY))
    resolve(project, JUNE)
    assert _held(project, JUNE) == [(NEW, A)]
    deliver(project, "court_exec", "2024-07-11", case(1, NEW, **told, **GONE, snapshot_dt=stamp))
    resolve(project, JULY)
    assert (_held(project, JUNE)[:1], _held(project, JULY)) == (
        [] if stamp < "2024-06-15" else [(NEW, A)],
        [],
    )
    before = snapshot.read(project.store).id
    resolve(project, AUGUST)
    assert snapshot.read(project.store).id == before


def test_a_judgement_is_no_sign_of_life_of_the_feed(project: Project) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, NEW, **EARLY))
    contracts = read_contracts(project)
    note = SourceNote((), False, "30d", "", "")
    resolve(project, JULY)
    assert seen(project, "court_exec", str(JULY), "known_at") == [(JULY,)]
    with Workbench(snapshot.read(project.store)) as bench:
        (alone,) = freshness(bench, {"court_exec": note}, [JULY])[JULY]
        together = freshness(bench, {"court_exec": note}, [MAY, JULY])
        health = feeds(bench, contracts, JULY, {}).set_index("source").loc["court_exec"]
    assert (alone.last_known, health.last_known, health.rows) == (date(2024, 5, 20), date(2024, 5, 20), 1)
    assert (alone.state, together[MAY][0].state, together[JULY][0].state, health.state) == (
        "stale",
        "fresh",
        "stale",
        "stale",
    )
