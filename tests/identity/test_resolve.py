"""Is every judgement dated, kept, repeatable and told to nobody before its day?"""

from __future__ import annotations

from datetime import date

import pytest
from town import case, code, deliver, enrol, seen

from riskengine.errors import SetupError, UsageError
from riskengine.identity import desk
from riskengine.identity.judgements import judgements
from riskengine.identity.resolve import resolve
from riskengine.intake.personal import shown
from riskengine.profile.card import profile_card
from riskengine.project import Project
from riskengine.store.facts import FactStore
from riskengine.store.ledger import acts, open_ledger, verify_audit

A, B = code(1), code(2)
MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 15), date(2024, 7, 15)


def _cases(project: Project, enterprise: str, day: date) -> object:
    card = profile_card(project, enterprise, day)
    return {line.note.name.rpartition(".")[2]: (line.value, line.known_at) for line in card.lines}


def _codes(project: Project, day: date) -> list[tuple[object, ...]]:
    return seen(project, "court_exec", str(day), "name, uscc, known_at")


def test_a_judgement_of_june_does_not_rewrite_may(project: Project) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": "济南明湖机械有限公司"})
    deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限责任公司"))
    before = _cases(project, A, MAY)
    done = resolve(project, JUNE)
    assert (done.rows_open, done.rows_filled, done.methods) == (1, 1, {"exact_name": 1})
    assert _cases(project, A, MAY) == before
    assert before != _cases(project, A, JUNE) == {"cases": (1, JUNE)}
    assert _codes(project, MAY) == [("济南明湖机械有限责任公司", None, date(2024, 5, 20))]
    assert _codes(project, JUNE) == [("济南明湖机械有限责任公司", A, JUNE)]


def test_a_second_resolve_changes_nothing_and_an_earlier_one_tells_nothing_earlier(project: Project) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": "济南明湖机械有限公司"})
    deliver(
        project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限公司"), case(2, "济南没有这家有限公司")
    )
    first = resolve(project, JUNE)
    again = resolve(project, JUNE)
    assert (again.rows_filled, again.judged, again.snapshot) == (0, {}, first.snapshot)
    assert (again.unresolved, again.queued) == (1, 0)
    assert resolve(project, MAY).snapshot == first.snapshot
    assert _codes(project, MAY)[1][1] is None


def test_what_the_publisher_updates_keeps_its_code_and_what_it_removes_needs_none(project: Project) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": "济南明湖机械有限公司"})
    first = case(1, "济南明湖机械有限公司")
    deliver(project, "court_exec", "2024-05-20", first)
    resolve(project, MAY)
    assert (
        deliver(project, "court_exec", "2024-06-01", first, case(9, "某人")).duplicates == 1
    )  # delivered again
    deliver(project, "court_exec", "2024-06-03", {**first, "exec_target": 2000, "snapshot_dt": "2024-06-03"})
    assert resolve(project, JUNE).rows_carried == 1
    assert seen(project, "court_exec", str(JUNE), "name, uscc, exec_target::int, known_at")[-1] == (
        "济南明湖机械有限公司", A, 2000, date(2024, 6, 3)
    )  # fmt: skip
    deliver(project, "court_exec", "2024-07-01", {**first, "status": "已移除", "snapshot_dt": "2024-07-01"})
    resolve(project, JULY)
    assert [shown(row[0]) for row in _codes(project, JULY)] == ["某*"]
    assert len(judgements(open_ledger(project.store))) == 1


def test_redelivery_on_the_day_of_the_judgement_is_a_duplicate(project: Project) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": "济南明湖机械有限公司"})
    deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限公司"))
    done = resolve(project, date(2024, 5, 20))
    again = deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限公司"), case(2, "某人"))
    assert (again.duplicates, again.accepted) == (1, 1)
    assert resolve(project, date(2024, 5, 20)).rows_filled == 0
    assert done.rows_filled == 1


def test_older_numbers_former_names_and_contradictions(project: Project) -> None:
    enrol(
        project, "2024-01-05",
        {"uscc": A, "name": "济南泉城重工有限公司", "former_name": "济南明湖机械有限公司", "registration_no": "370102000000015"},
        {"uscc": B, "name": "济南泰和商贸有限公司"},
    )  # fmt: skip
    deliver(
        project, "court_exec", "2024-05-20",
        case(1, "济南明湖机械有限公司"), case(2, "某人", uscc=B[8:17]), case(3, "某某", uscc="370102" + A[8:17]),
        case(4, "济南泰和商贸有限公司", uscc=A[8:17]),
    )  # fmt: skip
    done = resolve(project, MAY)
    assert done.methods == {"former_name": 1, "organisation_code": 1, "taxpayer_no": 1}
    (asked,) = desk.waiting(project, MAY).queued
    assert asked.method == "number_and_name_differ"
    assert {each["code"] for each in asked.candidates} == {A, B}


def test_namesakes_are_told_apart_by_representative_or_region_or_asked_about(project: Project) -> None:
    enrol(
        project, "2024-01-05",
        {"uscc": A, "name": "泰和商贸有限公司", "region6": "370102", "legal_rep": "张三丰"},
        {"uscc": B, "name": "泰和商贸有限公司", "region6": "370602", "legal_rep": "李四光"},
    )  # fmt: skip
    deliver(
        project, "court_exec", "2024-05-20",
        case(1, "泰和商贸有限公司", legal_rep="李四光"), case(2, "泰和商贸有限公司", region6="370103"), case(3, "泰和商贸有限公司"),
    )  # fmt: skip
    resolve(project, MAY)
    held = {str(row[0])[-2]: row[1] for row in seen(project, "court_exec", str(MAY), "case_no, uscc")}
    assert held == {"1": B, "2": A, "3": None}
    (asked,) = desk.waiting(project, MAY).queued
    assert asked.confidence <= 0.8
    shown = str([desk.told(found) for found in judgements(open_ledger(project.store))])
    assert "李**" in shown
    assert "李四光" not in shown
    assert "#" not in shown


def test_a_person_answers_is_audited_and_may_take_it_back(project: Project) -> None:
    enrol(
        project,
        "2024-01-05",
        {"uscc": A, "name": "泰和商贸有限公司"},
        {"uscc": B, "name": "泰和商贸有限公司"},
    )
    deliver(project, "court_exec", "2024-05-20", case(1, "泰和商贸有限公司"))
    resolve(project, MAY)
    (asked,) = desk.waiting(project, MAY).queued
    with pytest.raises(UsageError, match="2024-05-31 or later"):
        desk.accept(project, asked.seq, B, date(2024, 5, 1), "王五")
    done = desk.accept(project, asked.seq, B, JUNE, "王五")
    assert (_codes(project, MAY)[0][1], _codes(project, JUNE)[0][1:]) == (None, (B, JUNE))
    deliver(project, "court_exec", "2024-06-20", case(2, "泰和商贸有限公司", snapshot_dt="2024-06-20"))
    assert resolve(project, JULY).methods == {"standing": 1}
    desk.reject(project, done.judgement.seq, JULY, "王五")
    assert {row[1] for row in _codes(project, JULY)} == {None}
    assert _codes(project, date(2024, 7, 14))[0][1] == B
    assert resolve(project, JULY).rows_filled == 0
    ledger = open_ledger(project.store)
    assert verify_audit(ledger) == 2
    assert [act["action"] for act in acts(ledger)] == ["identity name accepted", "identity name rejected"]
    with pytest.raises(UsageError, match="the last one of its mention"):
        desk.accept(project, asked.seq, B, JULY, "王五")
    with pytest.raises(UsageError, match="a valid code"):
        desk.merge(project, "123", B, JULY, "王五")


def test_a_killed_resolve_is_finished_by_the_next(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(project, "2024-01-05", {"uscc": A, "name": "济南明湖机械有限公司"})
    deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限公司"))
    for step in ("append", "publish"):
        with monkeypatch.context() as patch:
            patch.setattr(FactStore, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                resolve(project, JUNE)
    resolve(project, JUNE)
    resolve(project, JUNE)
    assert _codes(project, JUNE) == [("济南明湖机械有限公司", A, JUNE)]
    assert len(judgements(open_ledger(project.store))) == 1


def test_a_merge_is_known_from_its_day_and_keeps_what_both_have_apart(project: Project) -> None:
    enrol(
        project,
        "2024-01-05",
        {"uscc": A, "name": "济南明湖机械有限公司"},
        {"uscc": B, "name": "济南明湖旧厂有限公司"},
    )
    month = {"insured_cnt": 5, "payable": 1, "paid": 1}
    deliver(
        project, "si_monthly", "2024-05-20",
        {"uscc": B, "ym": "2024-02-01", **month}, {"uscc": B, "ym": "2024-03-01", **month}, {"uscc": A, "ym": "2024-03-01", **month},
    )  # fmt: skip
    deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖旧厂有限公司", uscc=B))
    resolve(project, MAY)
    done = desk.merge(project, B, A, JUNE, "王五")
    assert done.rows == 2
    assert done.apart == {"si_monthly": 1}
    assert {row[1] for row in _codes(project, MAY)} == {B}
    assert {row[1] for row in _codes(project, JUNE)} == {A}
    held = seen(project, "si_monthly", str(JUNE), "uscc, month(event_date)")
    assert sorted(held) == sorted([(B, 2), (B, 3), (A, 3), (A, 2)])
    assert len(seen(project, "si_monthly", str(MAY), "uscc")) == 3
    assert resolve(project, JUNE).rows_merged == 0
    assert len(seen(project, "mkt_reg", str(JUNE), "uscc")) == 2


def test_sources_that_need_it_need_the_rules(project: Project) -> None:
    deliver(project, "court_exec", "2024-05-20", case(1, "济南明湖机械有限公司"))
    rules = project.configs / "identity.toml"
    text = rules.read_text(encoding="utf-8")
    rules.unlink()
    with pytest.raises(SetupError, match=r"identity\.toml"):
        resolve(project, MAY)
    rules.write_text(text.replace('"former_name"', '"formername"'), encoding="utf-8")
    with pytest.raises(UsageError, match="Did you mean 'former_name'"):
        resolve(project, MAY)
    rules.write_text(text.replace("same = [0.90, 0.45]", "same = [0.90, 0.90]"), encoding="utf-8")
    with pytest.raises(UsageError, match="the u of form are shares above 0 that sum to 1"):
        resolve(project, MAY)
