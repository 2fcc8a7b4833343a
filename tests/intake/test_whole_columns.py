"""Do whole columns, fact names and duplicates come out bit by bit as cell by cell and row by row?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskengine.intake import cleaning, repeats
from riskengine.intake.cells import cell_parser
from riskengine.intake.cleaning import clean, fact_hashes
from riskengine.intake.codes import credit_code_check_mark
from riskengine.intake.columns import plain_values
from riskengine.intake.contract import Column, read_contract
from riskengine.store.facts import ARROW_TYPES, FactStore

DAY = date(2006, 3, 31)
LOANS = read_contract(Path(__file__).parent / "loans.toml")
STATUS = read_contract(Path(__file__).parent / "status.toml")
COLUMNS = [
    {"type": "text"},
    {"type": "text", "missing": ["/", "无"], "pattern": "[0-9A-Z一-龥 .-]*"},
    {"type": "text", "values": ["增值税", "所得税", "A B"]},
    {"type": "text", "format": "uscc"},
    {"type": "text", "format": "enterprise_code"},
    {"type": "money"},
    {"type": "money", "scale": 10000, "min": -50, "max": 10**12},
    {"type": "money", "scale": 1000000},
    {"type": "money", "scale": 0.01, "min": 0},
    {"type": "number"},
    {"type": "number", "min": -3.5, "max": 1e9},
    {"type": "rate", "min": 0, "max": 1},
    {"type": "integer"},
    {"type": "integer", "min": 0.5, "max": 500},
    {"type": "integer", "max": 2e18},
    {"type": "integer", "scale": 10},
]
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODES = st.from_regex(rf"\A9[12][0-9]{{6}}[{CREDIT}]{{9}}\Z").map(
    lambda body: body + credit_code_check_mark(body)
)
CELLS = st.one_of(
    st.text(max_size=8),
    st.text("0123456789.-+eE,% ￥¥元", max_size=14),
    st.decimals(-(10**14), 10**14, allow_nan=False, allow_infinity=False, places=3).map(str),
    st.decimals(-(10**14), 10**14, allow_nan=False, allow_infinity=False, places=2).map(str),
    st.integers(-(10**19), 10**19).map(str),
    st.floats().map(repr),
    CODES,
    CODES.map(str.lower),
    st.tuples(CODES, st.sampled_from(CREDIT)).map(lambda pair: pair[0][:17] + pair[1]),
    st.sampled_from(
        ["", " ", "-0", "-0.00", "0.005", "99999999999999.99", "9999999999999999", "/", "无", "增值税", "A B", "a ", "（济南）",
         "91370100000000000R", "9137O102MA3C00011F", "济南某某有限公司", "007", "1e5", "\u3000x", "1.", ".5", "１２", "A\n"]
    ),
)  # fmt: skip


NUMBERS = [
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-900, 900)), min_size=1, max_size=30),
    st.lists(
        st.one_of(st.none(), st.floats(), st.integers(-(10**16), 10**16).map(lambda cents: cents / 100),
                  st.integers(-1000, 1000).map(lambda milli: milli / 1000), st.sampled_from([0.0, -0.0, 1e15, 1e22, 1e-5, 60605.0])),
        min_size=1, max_size=30,
    ).filter(lambda cells: any(isinstance(cell, float) for cell in cells)),
]  # fmt: skip


@pytest.mark.parametrize("options", COLUMNS, ids=str)
@settings(max_examples=40, deadline=None)
@given(cells=st.one_of(NUMBERS))
def test_a_whole_column_of_numbers_is_its_cells(options: dict[str, Any], cells: list[float | None]) -> None:
    _is_its_cells(options, pa.array(cells))


@pytest.mark.parametrize("options", COLUMNS, ids=str)
@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.one_of(CELLS, st.none()), min_size=1, max_size=30))
def test_a_whole_column_is_its_cells(options: dict[str, Any], cells: list[str | None]) -> None:
    _is_its_cells(options, pa.array(cells, pa.string()))


def _is_its_cells(options: dict[str, Any], stored: pa.Array) -> None:
    cells = stored.to_pylist()
    column = Column.model_validate(options)
    wanted = [cell_parser(column, "CNY")(cell) for cell in cells]
    kept, cleaning._MANY = cleaning._MANY, 0
    try:
        typed, rules = cleaning._parsed(stored, column, "CNY")
    finally:
        cleaning._MANY = kept
    assert [repr(value) for value in typed.to_pylist()] == [
        repr(value)
        for value in pa.array([value for value, _ in wanted], ARROW_TYPES[column.type]).to_pylist()
    ]
    assert rules == [(row, rule) for row, (_, rule) in enumerate(wanted) if rule]


@pytest.mark.parametrize(
    ("options", "cell"),
    [
        ({"type": "text", "format": "uscc"}, "91350100M000100Y43"),
        ({"type": "money", "scale": 10000}, "1234.567891"),
        ({"type": "integer", "min": 0}, "12"),
        ({"type": "rate"}, "0.0345"),
        ({"type": "text", "values": ["增值税"]}, "增值税"),
    ],
)
def test_plain_cells_are_read_at_once(options: dict[str, Any], cell: str) -> None:
    found = plain_values(Column.model_validate(options), pa.array([cell]))
    assert found is not None
    assert found[1].to_pylist() == [True]


ROW = st.fixed_dictionaries(
    {
        "loan": st.sampled_from(["1", "2", "3.5"]),
        "name": st.sampled_from(["", "Acme; Inc=3:", "济南𠮷", "a\nb"]),
        "approved": st.sampled_from(["2006-01-05", "2006-01-06"]),
        "amount": st.sampled_from(["", "0", "-0.00", "1234.5", "1e3"]),
        "jobs": st.sampled_from(["", "0", "12"]),
        "rate": st.sampled_from(["", "5%", "0.1", "1e-7"]),
        "urban": st.sampled_from(["", "Y", "N"]),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=12)


def table(rows: list[dict[str, str]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_fact_is_named_as_ever(rows: list[dict[str, str]]) -> None:
    facts = clean(LOANS, table(rows), DAY).facts
    wanted = []
    for fact in facts.to_pylist():
        told = ""
        for name in [*sorted(LOANS.columns), "event_date", "known_at"]:
            value = fact[name]
            if value is not None:
                text = repr(value) if isinstance(value, float) else str(value)
                told += f"{name}={len(text)}:{text};"
        wanted.append(sha256(told.encode()).hexdigest()[:32])
    assert fact_hashes(LOANS, facts).to_pylist() == wanted == facts.column("fact_hash").to_pylist()


def test_a_known_name() -> None:
    """Names that are in stores already may never change."""
    row = {
        "loan": "1",
        "name": "Acme",
        "approved": "2006-01-05",
        "amount": "0.10",
        "rate": "5%",
        "urban": "Y",
    }
    (fact,) = clean(LOANS, table([row]), DAY).facts.to_pylist()
    told = (
        "amount=4:0.10;approved=10:2006-01-05;loan=1:1;name=4:Acme;rate=4:0.05;urban=4:True;"
        "event_date=10:2006-01-05;known_at=10:2006-03-02;"
    )
    assert fact["fact_hash"] == sha256(told.encode()).hexdigest()[:32]


class Held(FactStore):
    """A store that holds some hashes, and of those only some as the last of their slot."""

    def __init__(self, ever: set[str], last: set[str]) -> None:
        self.ever, self.last = ever, last

    def known_hashes(self, source: str, hashes: pa.Array, slot: Any = ()) -> set[str]:
        return (self.last if slot else self.ever) & set(hashes.to_pylist())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, data=st.data(), again=st.booleans(), dated=st.booleans())
def test_duplicates_are_found_as_row_by_row(
    rows: list[dict[str, str]], data: st.DataObject, again: bool, dated: bool
) -> None:
    contract = LOANS if dated else STATUS
    rows = rows if dated else [{"loan": row["loan"], "status": row["jobs"]} for row in rows]
    facts = clean(contract, table(rows), DAY).facts
    hashes = sorted(set(facts.column("fact_hash").to_pylist()))
    ever = set(data.draw(st.lists(st.sampled_from(hashes)))) if hashes else set()
    last = set(data.draw(st.lists(st.sampled_from(sorted(ever))))) if ever else set()
    store = Held(ever, last)
    slot = [] if again else (["loan", "event_date", "known_at"] if dated else ["loan"])
    every = repeats.unrepeated(contract, facts, slot, (last if slot else ever, ever))
    assert repeats.news(store, contract, facts, again).equals(facts.filter(pa.array(every, pa.bool_())))


def test_slots_may_be_of_any_type() -> None:
    rows = [
        ("1", Decimal("0.10"), 1.5, True),
        ("1", Decimal("0.10"), 1.5, True),
        ("2", Decimal("0.20"), 2.5, False),
    ]
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    facts = pa.table([*columns, pa.array(["a", "a", "b"])], names=["t", "m", "n", "f", "fact_hash"])
    told, alone = repeats.apart(facts, set(), ["t", "m", "n", "f"])
    assert (told.num_rows, alone.num_rows) == (2, 1)
