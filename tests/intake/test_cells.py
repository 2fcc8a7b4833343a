"""Do whole files and single applicants read the same cell the same way, and each spelling as it is meant?"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskengine.errors import UsageError
from riskengine.intake.applicant import clean_cells
from riskengine.intake.cells import cell_parser, cell_text
from riskengine.intake.cleaning import ask, clean
from riskengine.intake.contract import Column, SourceContract

CONTRACT = SourceContract.model_validate(
    tomllib.loads((Path(__file__).parent / "loans.toml").read_text(encoding="utf-8"))
)
RECEIVED = date(2006, 1, 31)
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


def read(kind: str, raw: object, **options: object) -> object:
    value, rule = cell_parser(Column.model_validate({"type": kind, **options}), "USD")(raw)
    return rule or value


@pytest.mark.parametrize(
    ("kind", "raw", "meant"),
    [
        ("money", "$60,000.00 ", Decimal("60000.00")),
        ("money", "(1,234.5)", Decimal("-1234.50")),
        ("money", "-$0.10", Decimal("-0.10")),
        ("money", "＄１，２３４．５", Decimal("1234.50")),
        ("money", 0.1 + 0.2, Decimal("0.30")),
        ("money", "9007199254740993.01", Decimal("9007199254740993.01")),
        ("money", "¥5", "type"),  # not this source's currency
        ("money", "1.234,56", "type"),
        ("money", "12,34", "type"),
        ("money", "--5", "type"),
        ("money", "(-5)", "type"),
        ("money", "99999999999999999", "type"),
        ("integer", "24.0", 24),
        ("integer", "1,000", 1000),
        ("integer", "2.5", "type"),
        ("integer", "9223372036854775808", "type"),
        ("number", "1e3", 1000.0),
        ("number", "inf", "type"),
        ("number", "٣", "type"),  # digits, but not ASCII
        ("rate", "5.50%", 0.055),
        ("rate", "0.055", 0.055),
        ("date", "2006-02-28", date(2006, 2, 28)),
        ("date", "2006-02-28T23:59:59+08:00", date(2006, 2, 28)),
        ("date", "2/28/1997", date(1997, 2, 28)),
        ("date", "28/2/1997", "type"),
        ("date", "2006/2/8", date(2006, 2, 8)),
        ("date", "2006年2月8日", date(2006, 2, 8)),
        ("date", "28-Feb-31", date(1931, 2, 28)),
        ("date", "28-FEB-30", date(2030, 2, 28)),
        ("date", "28-Feb-1997", date(1997, 2, 28)),
        ("date", "19970228", date(1997, 2, 28)),
        ("date", 19970228, date(1997, 2, 28)),
        ("date", datetime.fromisoformat("1997-02-28T12:30"), date(1997, 2, 28)),
        ("date", "2006-02-30", "type"),
        ("flag", "是", True),
        ("flag", "n", False),
        ("flag", 1.0, True),
        ("flag", "maybe", "type"),
        ("text", " 007 ", "007"),
        ("text", "1.0", "1.0"),
        ("text", 60605.0, "60605"),
        ("text", "　", None),
        ("text", float("nan"), None),
    ],
)
def test_spellings(kind: str, raw: object, meant: object) -> None:
    assert read(kind, raw) == meant


def test_rules_of_a_cell() -> None:
    assert read("money", "3.5", scale=10000) == Decimal("35000.00")
    assert read("integer", "7", max=5) == "max"
    assert read("money", "-0.01", min=0) == "min"
    assert read("text", "X", values=("Y",)) == "values"
    assert read("text", "a1", pattern="[0-9]+") == "pattern"
    assert read("text", "", required=True) == "required"
    assert read("text", "n/a", required=True, missing=("n/a",)) == "required"


@pytest.mark.parametrize(
    ("kind", "raw", "meant"),
    [
        ("uscc", " ９1350100m000100y43", "91350100M000100Y43"),
        ("uscc", "91350100M000100Y4", "uscc"),
        ("uscc", "91370102MA3C00011G", "uscc"),
        ("uscc", "91370100000000000R", "uscc_dummy"),
        ("uscc", "913701**********1F", "uscc"),
        ("enterprise_code", "913701**********1F", None),
        ("enterprise_code", "无统一社会信用代码", None),
        ("enterprise_code", "－", None),
        ("enterprise_code", "ma3c0001-1", "MA3C00011"),
        ("enterprise_code", "MA3C0001-2", "enterprise_code"),
        ("enterprise_code", "110108000000016", "110108000000016"),
        ("enterprise_code", "110108000000017", "enterprise_code"),
        ("enterprise_code", "370102MA3C00011", "370102MA3C00011"),
        ("enterprise_code", "000000000", "enterprise_code"),
        ("enterprise_code", "91370100000000000R", "enterprise_code"),
    ],
)
def test_codes(kind: str, raw: str, meant: str | None) -> None:
    assert read("text", raw, format=kind) == meant


def test_a_resident_number_the_publisher_masked_is_missing() -> None:
    assert read("text", "370102199******011", format="resident_id", personal=True) is None
    assert read("text", "11010519491231002x", format="resident_id", personal=True) == "11010519491231002X"
    assert read("text", "110105194912310021", format="resident_id", personal=True) == "resident_id"


def test_a_number_beyond_all_measure_is_refused() -> None:
    assert [read("number", text) for text in ("9e20", "-1e21", "1e300")] == [9e20, "type", "type"]


MESSY = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"\A[ (]?[-+]?\$?[0-9]{1,3}(,[0-9]{3}){0,2}(\.[0-9]{0,3})?%?[) ]?\Z"),
    st.from_regex(r"\A(19|20)[0-9]{2}([-/.])[0-9]{1,2}([-/.])[0-9]{1,2}\Z"),
    st.sampled_from(
        [
            "Y",
            "否",
            "n/a",
            "0",
            "",
            " ",
            "28-Feb-97",
            "1e5",
            "１２",
            "open",
            "withdrawn",
            "722410",
            "NaN",
            "9999-12-31",
        ]
    ),
)
CELLS = st.one_of(MESSY, MESSY.map(lambda text: text.translate(WIDE)), st.none())
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(CONTRACT.columns, CELLS)), min_size=1, max_size=8)
GOOD = {
    "loan": "12", "name": "Acme, Inc.", "approved": "2006-01-05", "amount": "$9,000", "guaranteed": "4.5", "jobs": "3",
    "rate": "5%", "urban": "Y", "status": "open", "score": "0.1", "industry": "722410",
}  # fmt: skip
NEARLY = st.lists(
    st.dictionaries(st.sampled_from(list(GOOD)), CELLS, max_size=2).map(lambda odd: GOOD | odd),
    min_size=1,
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(rows=st.one_of(ROWS, NEARLY))
def test_one_applicant_is_a_one_row_file(rows: list[dict[str, str | None]]) -> None:
    """Accepted rows are equal value by value; the broken rules of the others are equal too."""
    cells = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in CONTRACT.columns})
    cleaned = clean(CONTRACT, cells, RECEIVED)
    typed, problems = clean_cells(CONTRACT, rows, None)
    for fact in cleaned.facts.to_pylist():
        single = typed[fact["row"] - 1]
        assert {name: (type(fact[name]), fact[name]) for name in single} == {
            name: (type(value), value) for name, value in single.items()
        }
        assert problems[fact["row"] - 1] == []
    for number, row in enumerate(problems, 1):
        whole = {(refusal.column, refusal.rule) for refusal in cleaned.refusals if refusal.row == number}
        single_rules = {(problem.column, problem.rule) for problem in row}
        # without a fallback day, a clock whose own column is refused is said once in a file and twice for an applicant
        assert {pair for pair in single_rules ^ whole if pair[1] != "clock"} == set()
    assert len(cleaned.facts) + cleaned.refused_rows == len(rows)


@given(value=st.decimals(-(10**13), 10**13, places=2, allow_nan=False))
def test_money_is_exact(value: Decimal) -> None:
    assert read("money", f"{value:,.2f}") == value
    assert read("money", str(abs(value))) == abs(value)


@given(value=st.floats(-1e20, 1e20))
def test_numbers_keep_their_bits(value: float) -> None:
    assert read("number", value) == value
    assert read("number", repr(value)) == value


@given(raw=st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.dates(), st.decimals()))
def test_text_of_a_cell_is_stable(raw: object) -> None:
    text = cell_text(raw)
    assert text is None or cell_text(text) == text.strip()


def test_an_applicant_without_its_own_date_is_known_by_default() -> None:
    (row,), (problems,) = clean_cells(
        CONTRACT, [{"loan": "1", "jobs": "many", "surprise": 1}], date(2006, 3, 1)
    )
    assert (row["event_date"], row["known_at"], row["jobs"]) == (date(2006, 3, 1), date(2006, 3, 1), None)
    assert [(problem.column, problem.rule, problem.blocking) for problem in problems] == [
        ("approved", "required", True),
        ("jobs", "type", False),
    ]


def test_a_broken_expression_is_named() -> None:
    broken = CONTRACT.model_copy(update={"removed_when": "statsu = 'x'", "assertions": ()})
    with pytest.raises(UsageError, match=r"loans\.removed_when"):
        ask(broken, pa.table({"status": ["x"]}))
    with pytest.raises(UsageError, match=r"loans\."):
        clean_cells(broken, [GOOD], None)


def test_the_applicant_path_stays_light() -> None:
    heavy = "{'pyarrow', 'pandas', 'numpy', 'sqlalchemy', 'duckdb'}"
    code = f"import sys, riskengine.intake.applicant; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
