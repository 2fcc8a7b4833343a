"""Does a natural person's name stand nowhere in clear where an enterprise's was expected?"""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import case, code, deliver, enrol, seen

from riskengine.identity import desk
from riskengine.identity.anatomy import exact_key, name_parts
from riskengine.identity.finding import find
from riskengine.identity.judgements import Mention, Standing, judgements
from riskengine.identity.register import Named, register_of
from riskengine.identity.resolve import resolve
from riskengine.identity.rules import read_rules, rules_of
from riskengine.intake.applicant import clean_cells
from riskengine.intake.cleaning import clean
from riskengine.intake.contract import read_contracts
from riskengine.intake.load import take_in
from riskengine.intake.naming import name_key
from riskengine.intake.nouns import is_person
from riskengine.intake.personal import is_token, name_tokens, personal_key
from riskengine.project import Project
from riskengine.province import names as invented
from riskengine.store.ledger import open_ledger

DAY = date(2024, 5, 31)
NUMBER = "11010519491231002X"
OPEN = Path(__file__).parents[3] / "shared" / "data" / "beijing_open_gov" / "abnormal_operations_list.parquet"


@pytest.mark.parametrize(
    "name",
    ["张三丰", "张三丰 " + NUMBER, "张三丰，男，身份证号码:" + NUMBER, "王建设", "张 三", "欧阳建国", "张三丰、李四光", "买买提·艾力", "李天行", "张三丰110105194912*****X"],
)  # fmt: skip
def test_a_person_is_known_for_one(name: str) -> None:
    assert is_person(name)


@pytest.mark.parametrize(
    "name",
    ["张三丰饭店", "张家店", "国家电网", "明湖商行", "济南机械", "泰和商行 " + NUMBER, "ACME", "58到家", "《武警医学》杂志社", "亚马逊（中国）", ""],
)  # fmt: skip
def test_an_enterprise_is_none(name: str) -> None:
    assert not is_person(name)


def test_no_invented_enterprise_and_every_invented_person() -> None:
    rng = np.random.default_rng(3)
    size = 20_000
    forms = rng.choice(np.array(["有限公司", "股份有限公司", "厂", "商行", "农民专业合作社"], object), size)
    firms = invented.enterprises(
        rng.integers(0, len(invented.CITIES), size), rng.integers(0, len(invented.TRADES), size), forms, rng
    )
    assert [name for name in firms if is_person(name)] == []
    missed = [name for name in invented.people(size, rng) if not is_person(name)]
    assert missed == []


@pytest.mark.skipif(not OPEN.exists(), reason="the published list is not on this machine")
def test_hardly_any_published_enterprise_is_taken_for_a_person() -> None:
    names = pq.read_table(OPEN).column("企业名称").to_pylist()
    assert len(names) > 100_000
    assert sum(is_person(name or "") for name in names) <= 5


def test_nothing_stored_has_the_name(project: Project) -> None:
    """Facts, keys, refused rows, judgements: looked for in every byte of the store, and in both paths of cleaning."""
    owner = "周伯通"
    enrol(
        project,
        "2024-01-05",
        {"uscc": code(1), "name": owner, "org_code": code(1)[8:17]},
        {"uscc": code(2), "name": "泰和商行"},
        {"uscc": code(3), "name": "济南泰和商贸有限公司"},
    )
    deliver(
        project, "court_exec", "2024-05-20",
        case(1, "张三丰"), case(1, f"张三丰 {NUMBER}"), case(2, f"泰和商行 {NUMBER}"), case(3, "张三丰", uscc=code(1)[8:17]),
        case(4, "济南泰和商贸有限公司", uscc=code(1)[8:17]),
    )  # fmt: skip
    path = project.root / "refused.csv"
    path.write_text(f"name,case_no,file_dt,snapshot_dt,status\n张三丰,5,2024-05-10,never,执行中\n泰和商行 {NUMBER},6,never,2024-05-20,执行中\n", encoding="utf-8")  # fmt: skip
    (receipt,) = take_in(project, "court_exec", [path], DAY)
    assert receipt.quarantined == 2
    resolve(project, DAY)
    held = seen(project, "court_exec", str(DAY), "case_no, name, name_key, uscc")
    persons = [row for row in held if is_token(str(row[1]))]
    assert len({row[2] for row in persons}) == 2
    assert all(row[1] == row[2] for row in persons)
    assert [row[3] for row in persons if "执3号" in str(row[0])] == [code(1)]
    assert "泰和商行 110105-1949-F" in {row[1] for row in held}
    written = [desk.told(found) for found in judgements(open_ledger(project.store))]
    assert [len(each["candidates"]) for each in written if each["state"] == "queued"] == [2]
    assert not re.search(f"张三丰|{owner}|{NUMBER}", str(written))
    for file in project.store.rglob("*"):
        if file.is_file() and "mkt_reg" not in str(file):
            text = (
                str(pq.read_table(file).to_pylist())
                if file.suffix == ".parquet"
                else file.read_bytes().decode(errors="ignore")
            )
            assert not re.search(f"张三丰|张\\\\u4e09|{owner}|{NUMBER}|\\\\u5f20\\\\u4e09", text), file


def test_a_name_that_breaks_a_rule_is_refused_without_it(project: Project) -> None:
    contract = read_contracts(project)["court_exec"]
    short = contract.columns["name"].model_copy(update={"pattern": "[A-Z]+"})
    contract = contract.model_copy(update={"columns": contract.columns | {"name": short}})
    row = case(1, "张三丰")
    cleaned = clean(contract, pa.table({name: [str(value)] for name, value in row.items()}), DAY, b"key")
    _, (problems,) = clean_cells(contract, [row], DAY, b"key")
    assert [refusal.value for refusal in cleaned.refusals if refusal.column == "name"] == ["张**"]
    assert [problem.value for problem in problems if problem.column == "name"] == ["张**"]
    assert "张三丰" not in str(cleaned.refusals) + str(problems)


def test_names_stored_before_they_were_hidden_go_into_no_judgement(project: Project) -> None:
    contracts = read_contracts(project)
    register = register_of([Named(code(1), "张三丰", "张三丰", True)], {})
    rules = rules_of(read_rules(project, contracts), DAY)
    clear = Mention("张三丰")
    assert find({clear: "张三丰"}, register, rules, Standing({}, {}))[clear].state == "unresolved"


def test_applicants_and_files_have_one_token(project: Project) -> None:
    contract = read_contracts(project)["court_exec"]
    key = personal_key(project.store)
    row = case(1, "张三丰") | {"exec_target": "1"}
    (single,), _ = clean_cells(contract, [row], DAY, key)
    (fact,) = clean(
        contract, pa.table({name: [str(value)] for name, value in row.items()}), DAY, key
    ).facts.to_pylist()
    assert (
        single["name"] == single["name_key"] == fact["name"] == fact["name_key"] == name_tokens(key)("张三丰")
    )
    assert exact_key(str(single["name"])) == single["name"]


_SUFFIXES = {"INC", "INCORPORATED", "LLC", "LC", "CO", "COMPANY", "CORP", "CORPORATION", "LTD", "LIMITED", "LP", "LLP", "LLLP", "PC", "PA", "PLLC"}  # fmt: skip
_SPELLED = re.compile(r"\b(L L L P|L L C|L L P|P L L C|L C|L P|P C|P A)$")


def _slowly(text: str) -> str:
    """The words without suffixes, again and again from the beginning."""
    while True:
        shorter = _SPELLED.sub("", text).strip()
        parts = shorter.split()
        if len(parts) > 1 and parts[-1] in {*_SUFFIXES, "THE"}:
            shorter = " ".join(parts[:-1])
        if not shorter or shorter == text:
            return text
        text = shorter


@given(
    st.lists(
        st.sampled_from(["ACME", "L", "C", "P", "A", "CO", "LLC", "THE", "INC"]),
        min_size=1,
        max_size=9,
    )
)
def test_suffixes_go_as_they_always_did(words: list[str]) -> None:
    begun = list(words)
    while len(begun) > 1 and begun[0] == "THE":
        begun = begun[1:]
    assert name_key(" ".join(words)) == _slowly(" ".join(begun))


@pytest.mark.parametrize("piece", ["CO ", "THE ", "L P ", "济南", "（济南）", "有限公司", "机械", "公司一"])
def test_an_absurdly_long_name_costs_little(piece: str) -> None:
    begun = time.process_time()
    assert name_key(piece * 20_000) is not None
    name_parts(piece * 20_000)
    is_person(piece * 20_000)
    assert time.process_time() - begun < 2
