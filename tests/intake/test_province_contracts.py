"""Does every source of the default project say who publishes it, on what ground, when, and what may not be?"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract, read_contract

SOURCES = Path(__file__).parents[2] / "configs" / "sources"
NAMES = sorted(path.stem for path in SOURCES.glob("*.toml"))
STAMPS = re.compile(r"pub_dt|snapshot_dt|query_dt|file_dt|report_dt|booked_dt|stamp_dt")
# nothing in a row contradicts anything else in it; the clocks and the columns' own limits are all there is to break
NO_ASSERTION = {"bank_feedback", "bidding", "price_index", "release"}
# no limit of freshness: read since before there were limits
NO_LIMIT = {"adm_penalty", "mkt_reg"}
KEYED_BY_CODE = {"bidding"}  # an award without any code is refused for its key
# a count of rows, an order or an index has no unit
PURE = re.compile(
    r"\w+_cnt(_\w+)?|lender_new_\w+|overdue_acct_max_2y|(new_)?posts|index|polarity|entity_conf|lien_order|first_credit_year"
)
TAG = re.compile(r"\[[^\]]*\b(A|B|C|D|K|seed)\b[^\]]*\]|Own record")
_DAY = date(2026, 1, 1)
COUNTED = ("integer", "number", "money")  # a rate is a fraction of 1
DUCK = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "rate": "DOUBLE",
    "money": "DECIMAL(18,2)",
}
DUCK |= {"date": "DATE", "flag": "BOOLEAN"}


@pytest.fixture(scope="module", params=NAMES)
def contract(request: pytest.FixtureRequest) -> SourceContract:
    return read_contract(SOURCES / f"{request.param}.toml")


def test_thirty_government_sources_are_there() -> None:
    families = [read_contract(SOURCES / f"{name}.toml").family for name in NAMES]
    assert families.count("government") == 30


def test_tells_its_ground_and_its_lag(contract: SourceContract) -> None:
    assert all((contract.legal_basis, contract.publisher, contract.reference))
    assert TAG.search(contract.legal_basis + contract.reference)
    assert contract.lag
    assert contract.lag.reference
    usual, late = Span.parse(contract.lag.usual), Span.parse(contract.lag.late or contract.lag.usual)
    assert usual.after(_DAY) <= late.after(_DAY)
    assert contract.stale_after or contract.cadence in ("event", "once") or contract.name in NO_LIMIT


def test_every_column_is_titled_and_counted(contract: SourceContract) -> None:
    untitled = [name for name, column in contract.columns.items() if not (column.title and column.title.zh)]
    counted = {name: column for name, column in contract.columns.items() if column.type in COUNTED}
    without = [name for name, column in counted.items() if not column.unit and not PURE.fullmatch(name)]
    assert (untitled, without) == ([], [])


def test_knows_by_a_stamp_or_a_regular_clock(contract: SourceContract) -> None:
    clock = contract.known_clock
    if clock.month_end:
        assert contract.cadence in ("monthly", "quarterly")
        assert clock.lag != "0d"
        return
    if contract.family == "government":
        assert STAMPS.fullmatch(clock.column) or contract.name == "mkt_reg"
    stamp = contract.columns[clock.column]
    assert (stamp.type, stamp.required) == ("date", True)


def test_its_rules_can_be_asked(contract: SourceContract) -> None:
    """Each rule is a DuckDB boolean over the contract's columns."""
    assert contract.assertions or contract.name in NO_ASSERTION
    said = [*contract.columns, *contract.derived]
    nulls = ", ".join(f'cast(null as {DUCK[contract.column_type(n) or "text"]}) as "{n}"' for n in said)
    for rule in [*(one.rule for one in contract.assertions), contract.removed_when or "true"]:
        assert duckdb.sql(f"select typeof({rule}) from (select {nulls})").fetchall() == [("BOOLEAN",)], rule


def test_nothing_is_published_before_it_happened(contract: SourceContract) -> None:
    """Where a lag stands between stamp and knowledge, an assertion orders the stamp after the event; the clock alone
    would let a stamp pass that is too early by up to the lag. Without a lag it refuses by itself."""
    known, event = contract.known_clock, contract.event_clock
    if (
        contract.family != "government"
        or known.month_end
        or known.column == event.column
        or known.lag == "0d"
    ):
        return
    ordered = re.compile(rf"\b{known.column} >=? .*\b{event.column}\b")
    assert any(ordered.search(one.rule) for one in contract.assertions)


def test_a_code_that_may_be_old_says_who_is_meant(contract: SourceContract) -> None:
    column = contract.columns.get("uscc")
    if column and column.format == "enterprise_code":
        assert contract.identity
        assert (contract.identity.code, contract.identity.name) == ("uscc", "name")
        assert not column.required
        assert "uscc" not in contract.key or contract.name in KEYED_BY_CODE
    elif column:  # an institution's statement is of itself, whatever its code
        assert (column.format, column.required) == ("uscc", contract.name != "institution")


def test_persons_are_personal(contract: SourceContract) -> None:
    named = {
        "legal_rep",
        "person",
        "person_id",
        "farmer",
        "farmer_id",
        "holder_id",
        "phone",
        "before",
        "after",
    }
    named |= {"mkt_equity": {"holder_name"}, "mkt_people": {"name"}}.get(contract.name, set())
    assert named & set(contract.columns) <= set(contract.personal)


def test_a_withdrawn_row_is_a_value_its_column_allows(contract: SourceContract) -> None:
    words = re.findall(r"'([^']+)'", contract.removed_when)
    columns = [name for name in contract.columns if re.search(rf"\b{name}\b", contract.removed_when)]
    assert bool(words) == bool(columns)
    assert all(set(words) <= set(contract.columns[name].values) for name in columns)
