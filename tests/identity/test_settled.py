"""Do late rows of publishers and answers taken back reach the facts, however the days and a kill interleave?"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from town import build, case, code, deliver, enrol, seen
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.errors import LockedError, UsageError
from riskengine.identity import desk
from riskengine.identity.judgements import judgements
from riskengine.identity.resolve import resolve
from riskengine.intake.codes import registration_check_mark
from riskengine.profile.card import profile_card
from riskengine.project import Project
from riskengine.store.facts import FactStore
from riskengine.store.ledger import acts, open_ledger, verify_audit

A, B, C = code(1), code(2), code(3)
MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 15), date(2024, 7, 15)
NAME = "济南明湖机械有限公司"


def _enrolled(project: Project) -> None:
    names = {A: NAME, B: "济南泉城纺织有限公司", C: "济南趵突食品有限公司"}
    enrol(project, "2024-01-05", *({"uscc": each, "name": name} for each, name in names.items()))


def _last(project: Project) -> int:
    return judgements(open_ledger(project.store))[-1].seq


def _held(project: Project, day: date) -> list[tuple[object, ...]]:
    return seen(project, "court_exec", str(day), "uscc, exec_target::int, known_at")


@pytest.mark.parametrize("removed", [False, True])
def test_rows_that_arrive_late_count_as_if_the_code_had_always_been_there(
    tmp_path: Path, removed: bool
) -> None:
    """Three snapshots of one case, arriving in every order with a resolve after each: the last snapshot stands."""
    stamps = ("2024-05-20", "2024-06-03", "2024-06-10")
    told = [
        case(1, NAME, snapshot_dt=stamp, exec_target=1000 * place, status="执行中")
        for place, stamp in enumerate(stamps, 1)
    ]
    if removed:
        told[2]["status"] = "已移除"
    for number, order in enumerate(permutations(told)):
        project = build(tmp_path / str(number))
        _enrolled(project)
        for place, row in enumerate(order):
            deliver(project, "court_exec", f"2024-06-{15 + place}", row)
            resolve(project, date(2024, 6, 15 + place))
        stands = [row[:2] for row in _held(project, JULY)]
        assert stands == ([] if removed else [(A, 3000)])
        assert resolve(project, JULY).rows_filled == 0
        assert [row[:2] for row in _held(project, JULY)] == stands


def test_what_a_person_took_back_stays_so_for_late_rows(project: Project) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, NAME))
    resolve(project, MAY)
    desk.reject(project, _last(project), JUNE, "王五")
    deliver(project, "court_exec", "2024-06-18", case(1, NAME, snapshot_dt="2024-06-10", exec_target=2000))
    resolve(project, JULY)
    assert _held(project, JULY) == [(None, 2000, JUNE)]
    assert [row[:2] for row in _held(project, MAY)] == [(A, 1000)]


def test_the_other_code_meant_takes_the_rows_from_its_day(project: Project) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, NAME))
    resolve(project, MAY)
    done = desk.accept(project, _last(project), B, JUNE, "王五")
    assert done.rows == 1
    assert (_held(project, date(2024, 6, 14)), _held(project, JUNE)) == ([(A, 1000, MAY)], [(B, 1000, JUNE)])
    assert resolve(project, JULY).rows_taken_back == 0
    desk.accept(project, _last(project), A, JULY, "王五")
    assert _held(project, JULY) == [(A, 1000, JULY)]


def test_taking_back_reaches_rows_whose_code_was_merged_since_but_not_the_publishers_own(
    project: Project,
) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, NAME), case(2, NAME, uscc=A, exec_target=2000))
    resolve(project, MAY)
    asked = _last(project)
    desk.merge(project, A, B, date(2024, 6, 1), "王五")
    assert desk.reject(project, asked, JUNE, "王五").rows == 1
    assert sorted(_held(project, JUNE), key=str) == [(B, 2000, date(2024, 6, 1)), (None, 1000, JUNE)]


def test_an_answer_killed_before_the_facts_is_finished_by_the_next_resolve(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enrolled(project)
    deliver(project, "court_exec", "2024-05-20", case(1, NAME))
    resolve(project, MAY)
    with monkeypatch.context() as patch:
        patch.setattr(desk, "resolve", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            desk.reject(project, _last(project), JUNE, "王五")
    assert resolve(project, JULY).rows_taken_back == 1
    assert _held(project, JULY) == [(None, 1000, JUNE)]
    assert resolve(project, JULY).rows_taken_back == 0


def test_a_code_given_up_for_one_given_up_in_turn(project: Project) -> None:
    _enrolled(project)
    desk.merge(project, A, B, JUNE, "王五")
    desk.merge(project, B, C, JUNE, "王五")
    deliver(project, "court_exec", "2024-06-20", case(1, NAME, uscc=A, snapshot_dt="2024-06-20"))
    assert resolve(project, JULY).rows_merged == 2
    assert [row[0] for row in _held(project, JULY)] == [C]
    assert resolve(project, JULY).rows_merged == 0


def test_a_link_follows_the_facts_of_the_code_given_up(tmp_path: Path) -> None:
    """The guarantor's enforcement must not vanish from the debtor's profile because the guarantor was merged."""
    project = build(tmp_path / "linked", "counter_guar")
    rules = project.configs / "subjects.toml"
    link = '\n[links.guarantor]\nsource = "counter_guar"\nfrom = "uscc"\nto = "guarantor_code"\n'
    rules.write_text(rules.read_text(encoding="utf-8") + link, encoding="utf-8")
    (project.root / "features" / "courts.py").write_text(
        "from riskengine.profile import distinct\n\n"
        'enforced = distinct("court_exec.uscc", by="enterprise", through="guarantor").named("G", "担保人")\n',
        encoding="utf-8",
    )
    _enrolled(project)
    told = {
        "cg_id": "1",
        "guar_id": "G1",
        "app_id": "P1",
        "uscc": C,
        "guarantor_code": B,
        "type": "保证",
        "status": "有效",
    }
    deliver(
        project, "counter_guar", "2024-02-03", {**told, "sign_dt": "2024-02-01", "booked_dt": "2024-02-02"}
    )
    deliver(project, "court_exec", "2024-05-20", case(1, NAME, uscc=B))
    desk.merge(project, B, A, JUNE, "王五")
    for day in (MAY, date(2024, 6, 14), JUNE, JULY):
        assert [line.value for line in profile_card(project, C, day).lines] == [1]
    assert seen(project, "counter_guar", str(MAY), "guarantor_code") == [(B,)]
    assert resolve(project, JULY).rows_merged == 0


def test_a_late_row_of_the_code_itself_stands_before_the_copy_of_the_one_given_up(project: Project) -> None:
    _enrolled(project)
    month = {"ym": "2024-03-01", "payable": 1, "paid": 1}
    deliver(project, "si_monthly", "2024-05-20", {"uscc": B, "insured_cnt": 5, **month})
    desk.merge(project, B, A, JUNE, "王五")
    deliver(project, "si_monthly", "2024-06-20", {"uscc": A, "insured_cnt": 7, **month})
    for day in (JULY, date(2024, 7, 16), date(2024, 7, 17)):
        resolve(project, day)
        held = seen(project, "si_monthly", str(day), "uscc, insured_cnt")
        assert sorted(held) == sorted([(A, 7), (B, 5)])


def test_nobody_judges_while_the_store_is_written_or_for_a_day_to_come(project: Project) -> None:
    _enrolled(project)
    with pytest.raises(UsageError, match="or earlier"):
        desk.merge(project, A, B, date(2999, 1, 1), "王五")
    with FactStore(project.store).locked(), pytest.raises(LockedError):
        desk.merge(project, A, B, JUNE, "王五")
    ledger = open_ledger(project.store)
    assert (judgements(ledger), acts(ledger), verify_audit(ledger)) == ([], [], 0)


def test_a_resident_number_within_a_name_is_not_shown(project: Project) -> None:
    _enrolled(project)
    number = "11010519491231002X"
    shop = f"泰和商行 {number}"
    deliver(project, "court_exec", "2024-05-20", case(1, f"李四光 {number}"), case(2, shop))
    enrol(project, "2024-01-06", {"uscc": code(4), "name": shop}, {"uscc": code(5), "name": shop})
    resolve(project, MAY)
    (project.root / "pipelines").mkdir()
    for words in (["queue", "--nobody"], ["queue", "--json"], ["show", A], ["show", code(4), "--json"]):
        told = ["--project", str(project.root), "identity", *words, "--as-of", str(MAY)]
        done = CliRunner().invoke(app, told, catch_exceptions=False)
        assert number not in done.output
        assert ("110105-1949-F" in done.output) == (A not in words)


def test_an_older_number_of_the_guarantor_becomes_its_credit_code_on_its_day(tmp_path: Path) -> None:
    project = build(tmp_path / "numbered", "counter_guar")
    _enrolled(project)
    told = {
        "guar_id": "G1",
        "app_id": "P1",
        "uscc": C,
        "type": "保证",
        "status": "有效",
        "sign_dt": "2024-02-01",
    }
    numbers = {
        "1": B[8:17],
        "2": "370102" + A[8:17],
        "3": "37010200000077" + registration_check_mark("37010200000077"),
        "4": A,
    }
    rows = [
        {**told, "cg_id": cg, "guarantor_code": number, "booked_dt": "2024-02-02"}
        for cg, number in numbers.items()
    ]
    deliver(project, "counter_guar", "2024-02-03", *rows)
    done = resolve(project, JUNE)
    assert (
        done.rows_crosswalked,
        resolve(project, JULY).rows_crosswalked,
        resolve(project, MAY).rows_crosswalked,
    ) == (2, 0, 0)
    held = "cg_id, guarantor_code, known_at"
    first = date(2024, 2, 2)
    assert seen(project, "counter_guar", str(MAY), held) == [
        (cg, number, first) for cg, number in numbers.items()
    ]
    known = [("1", B, JUNE), ("2", A, JUNE), ("3", numbers["3"], first), ("4", A, first)]
    assert seen(project, "counter_guar", str(JUNE), held) == known
    deliver(project, "counter_guar", "2024-07-01", {**rows[0], "amount": 5, "booked_dt": "2024-07-01"})
    assert resolve(project, JULY).rows_crosswalked == 1
    assert seen(project, "counter_guar", str(JULY), held)[0] == ("1", B, date(2024, 7, 1))
    assert len(judgements(open_ledger(project.store))) == 2
