"""Real tables of Beijing: are codes found again by name once they are hidden, and which date spellings are read?

Runs where `../shared/data/beijing_open_gov` is. The truth is in the tables that carry both a name and a code: the code of one table
is hidden, its rows are taken in, resolved by name against the names of the other tables, and compared. Two tables may truly give
one name two codes (a firm that was registered anew), so a precision of 1 is not expected.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections import Counter
from datetime import date
from math import sqrt
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskengine.identity.desk import waiting
from riskengine.identity.resolve import Resolution, resolve
from riskengine.intake.cells import cell_parser
from riskengine.intake.codes import check_credit_code, check_enterprise_code
from riskengine.intake.contract import Column, read_contracts
from riskengine.intake.load import Receipt, take_in
from riskengine.project import Project
from riskengine.store import snapshot

HERE = Path(__file__).parent
DATA = (
    Path(os.environ.get("RISKENGINE_SHARED_DATA", HERE.parents[2] / "shared" / "data")) / "beijing_open_gov"
)
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data are not here")
DAY = date(2025, 12, 31)
TABLES = {
    "registration": "domestic_company_registration",
    "tech_sme": "tech_sme_list",
    "hitech": "haidian_hitech",
    "safety_licence": "safety_production_licence",
    "tax_arrears": "tax_arrears_notice",
    "tax_penalty": "tax_penalty_district",
    "penalty": "legal_person_penalty",
    "environment_penalty": "environment_penalty",
    "abnormal": "abnormal_operations_list",
}
HIDDEN = ("tech_sme", "hitech", "tax_penalty", "environment_penalty", "penalty")
MASKED = re.compile(r"\*")


def wilson(hits: int, of: int) -> str:
    """A share with its 95 % interval, as text."""
    if not of:
        return "none"
    z, share = 1.96, hits / of
    middle, spread = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)
    return f"{share:.3f} ({low:.3f}-{high:.3f}, {hits} of {of})"


def _project(folder: Path) -> Project:
    shutil.copytree(HERE / "beijing_open_gov", folder)
    return Project(folder)


def _taken(project: Project, source: str, hide: str = "") -> Receipt:
    """Take one table in, as it is or with the column `hide` emptied."""
    path = DATA / f"{TABLES[source]}.parquet"
    if hide:
        table = pq.read_table(path)
        at = table.column_names.index(hide)
        path = project.root / f"{source}.parquet"
        pq.write_table(table.set_column(at, hide, pa.nulls(table.num_rows, pa.string())), path)
    (receipt,) = take_in(project, source, [path], DAY)
    return receipt


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Project, dict[str, Receipt], Resolution]:
    """All nine tables as they are but the list of 104,259 names, of which 4,000 are taken; resolved."""
    project = _project(tmp_path_factory.mktemp("whole") / "beijing")
    receipts = {source: _taken(project, source) for source in TABLES if source != "abnormal"}
    path = project.root / "abnormal.parquet"
    pq.write_table(pq.read_table(DATA / "abnormal_operations_list.parquet").slice(0, 4000), path)
    (receipts["abnormal"],) = take_in(project, "abnormal", [path], DAY)
    return project, receipts, resolve(project, DAY)


def test_every_row_is_accounted_for_and_a_second_resolve_changes_nothing(
    whole: tuple[Project, dict[str, Receipt], Resolution], capsys: pytest.CaptureFixture[str]
) -> None:
    project, receipts, done = whole
    with capsys.disabled():
        print("\nBeijing, taken in:")
        for source, receipt in receipts.items():
            print(
                f"  {source}: {receipt.rows_in} rows, {receipt.accepted} accepted, refused {receipt.quarantine_by_rule}"
            )
        print(f"  {done}")
    again = resolve(project, DAY)
    assert (again.rows_filled, again.judged, again.snapshot) == (0, {}, done.snapshot)
    assert all(receipt.accepted > 0 for receipt in receipts.values())
    assert done.methods["exact_name"] > 50
    assert len(waiting(project, DAY).queued) == done.queued


@pytest.mark.parametrize("older", ["organisation_code", "taxpayer_no"])
def test_an_older_number_alone_leads_to_the_credit_code(
    older: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The high-tech table carries the organisation code too: it is told instead of the credit code, the name is hidden."""
    project = _project(tmp_path / "beijing")
    table = pq.read_table(DATA / "haidian_hitech.parquet")
    truth = {}
    numbers: list[str | None] = []
    for row in table.to_pylist():
        number = check_enterprise_code(row["法人代码"] or "")
        told = ("110108" if older == "taxpayer_no" else "") + number.code
        numbers.append(told if number.valid and len(number.code) == 9 else None)
        if numbers[-1] and check_credit_code(row["统一社会信用代码"] or "").valid:
            truth[told] = check_credit_code(row["统一社会信用代码"]).code
    at = table.column_names.index("统一社会信用代码")
    table = table.set_column(at, "统一社会信用代码", pa.array(numbers, pa.string()))
    at = table.column_names.index("法人单位名称")
    names = pa.array([f"{place}" for place in range(table.num_rows)], pa.string())  # the key: says nothing
    path = project.root / "hitech.parquet"
    pq.write_table(table.set_column(at, "法人单位名称", names), path)
    take_in(project, "hitech", [path], DAY)
    _taken(project, "tech_sme")
    done = resolve(project, DAY)
    with duckdb.connect() as connection:
        connection.read_parquet(snapshot.read(project.store).paths("hitech")).create_view("facts")
        told = connection.execute(
            """select distinct old."统一社会信用代码", new."统一社会信用代码" from facts old join facts new using ("法人单位名称", "证书编号")
            where length(old."统一社会信用代码") in (9, 15) and length(new."统一社会信用代码") = 18"""
        ).fetchall()
        connection.read_parquet(snapshot.read(project.store).paths("tech_sme")).create_view("register")
        known = {row[0] for row in connection.execute('select "统一社会信用代码" from register').fetchall()}
    right = sum(truth.get(number) == code for number, code in told)
    reachable = sum(code in known for code in truth.values())
    with capsys.disabled():
        print(f"\nBeijing, {older}: right {wilson(right, len(told))}, recall {wilson(right, reachable)}")
    assert done.methods == {older: len(told)}
    assert right / len(told) >= 0.98
    assert right / reachable >= 0.98


@pytest.mark.parametrize("source", HIDDEN)
def test_a_hidden_code_is_found_again_by_name(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = _project(tmp_path / "beijing")
    contract = read_contracts(project)[source]
    assert contract.identity
    code, name = contract.identity.code, contract.identity.name
    truth: dict[str, set[str]] = {}
    rows = pq.read_table(DATA / f"{TABLES[source]}.parquet", columns=[name, code]).to_pylist()
    for row in rows:
        if row[name] and row[code] and check_credit_code(row[code]).valid:
            truth.setdefault(row[name].strip(), set()).add(check_credit_code(row[code]).code)
    _taken(project, source, hide=code)
    others = [other for other in TABLES if other not in (source, "abnormal", "tax_arrears")]
    known: set[str] = set()
    for other in others:
        _taken(project, other)
        with duckdb.connect() as connection:
            column = read_contracts(project)[other].identity.code  # type: ignore[union-attr]
            files = snapshot.read(project.store).paths(other)
            known |= {
                row[0] for row in connection.read_parquet(files).project(f'"{column}"').fetchall() if row[0]
            }
    resolve(project, DAY)
    with duckdb.connect() as connection:
        facts = connection.read_parquet(snapshot.read(project.store).paths(source))
        found = dict(
            facts.filter("superseded_at is null").project(f'"{name}", "{code}"').distinct().fetchall()
        )
    queue = {
        found.name: {each["code"] for each in found.candidates} for found in waiting(project, DAY).queued
    }
    count: Counter[str] = Counter()
    for text, codes in truth.items():
        if text not in found:
            continue
        reachable = bool(codes & known)
        count["names"] += 1
        count["reachable"] += reachable
        count["right"] += found[text] in codes
        count["accepted"] += found[text] is not None
        count["right reachable"] += reachable and found[text] in codes
        count["queued"] += text in queue
        count["queued with the truth"] += bool(queue.get(text, set()) & codes)
    with capsys.disabled():
        print(
            f"\nBeijing, codes of {source} hidden: {count['names']} names, {count['reachable']} known to the other tables"
        )
        print(f"  precision of the machine: {wilson(count['right'], count['accepted'])}")
        print(f"  recall of the machine:    {wilson(count['right reachable'], count['reachable'])}")
        print(
            f"  queue share of names:     {wilson(count['queued'], count['names'])}, with the truth among the candidates {count['queued with the truth']}"
        )
    assert count["reachable"] > 15
    assert count["right"] / count["accepted"] >= 0.95
    assert count["right reachable"] / count["reachable"] >= 0.85
    assert count["queued"] / count["names"] <= 0.35


def test_mixed_date_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    """Every column that is named after a time, in all 28 tables: the share of cells read as days, and what is refused."""
    parse = cell_parser(Column(type="date", missing=("/", "无", "长期")), "CNY")
    read, refused, shapes = 0, Counter[str](), Counter[str]()
    for path in sorted(DATA.glob("*.parquet")):
        table = pq.read_table(path)
        for column in table.column_names:
            if not re.search("时间|日期|有效期|生效期|截止期|核发|时间戳", column):
                continue
            for cell, times in Counter(table.column(column).to_pylist()).items():
                value, rule = parse(cell)
                if value is not None:
                    read += times
                    shapes[re.sub("[0-9]+", "9", cell)] += times
                elif rule:
                    refused[re.sub("[0-9]+", "9", str(cell))[:40]] += times
    with capsys.disabled():
        print(f"\nBeijing, dates: {wilson(read, read + refused.total())} of the date cells read")
        print(f"  read: {shapes.most_common(8)}")
        print(f"  refused: {refused.most_common(8)}")
    assert read / (read + refused.total()) > 0.5
    assert len(shapes) >= 4


def test_masked_and_padded_codes_are_not_taken_for_codes() -> None:
    masked = (
        pq.read_table(DATA / "insurance_pilot.parquet", columns=["统一社会信用代码"]).column(0).to_pylist()
    )
    parse = cell_parser(Column(type="text", format="enterprise_code"), "CNY")
    starred = [cell for cell in masked if cell and MASKED.search(cell)]
    assert starred
    assert {parse(cell) for cell in starred} == {(None, "")}
    assert check_enterprise_code(" 92110229L63107043B ").code == "92110229L63107043B"


def test_the_numbers_are_those_of_the_default_project() -> None:
    def numbers(path: Path) -> dict[str, object]:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: value for name, value in told.items() if name != "register"}

    default = Path(sys.modules["riskengine"].__path__[0]).parent / "configs" / "identity.toml"
    assert numbers(HERE / "beijing_open_gov" / "configs" / "identity.toml") == numbers(default)
