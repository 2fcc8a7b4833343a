"""Do the government's and the market's publishers keep their contracts, their calendar and their causes?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from riskengine.clock import Span
from riskengine.intake.contract import Clock, SourceContract, read_contract
from riskengine.province.draws import Dice
from riskengine.province.government import government
from riskengine.province.market import market
from riskengine.province.rates import Delay
from riskengine.province.state import Ask, Book, Course, Edges, Network, Persons, Province, Register

SOURCES = Path(__file__).parents[2] / "configs" / "sources"
MONTHS = tuple(date(2023 + (6 + k) // 12, (6 + k) % 12 + 1, 1) for k in range(30))
CHANGED = 22  # from this month on the course is another: May, when annual reports are half in
BORN = {"government": 30, "market": 7}


def _days(numbers: np.ndarray, never: np.ndarray | None = None) -> np.ndarray:
    days = np.datetime64("2023-07-01") + np.asarray(numbers, "timedelta64[D]")
    return days if never is None else np.where(never, np.datetime64("NaT"), days)


def _edges(rng: np.random.Generator, n: int, count: int, scale: float) -> Edges:
    source, target = rng.integers(0, n, count), rng.integers(0, n, count)
    since = _days(rng.integers(-900, 600, count))
    return Edges(
        source.astype(np.int32), target.astype(np.int32), scale * rng.uniform(0.05, 0.5, count), since
    )


def small_province(n: int = 1500, seed: int = 3) -> Province:
    """Coherent arrays without the world's own machinery; a third of the enterprises sicken on the way."""
    rng = np.random.default_rng(seed)
    m = len(MONTHS)
    established = _days(-rng.integers(200, 6000, n) + np.where(rng.random(n) < 0.1, 900, 0))
    renamed = _days(rng.integers(0, 900, n), rng.random(n) > 0.1)
    distress = np.where(rng.random(n) < 0.33, rng.integers(4, m, n), -1).astype(np.int16)
    since = np.arange(m) - distress[:, None]
    fails = (distress[:, None] >= 0) & (since >= 0)
    health = rng.normal(size=(n, 1)) * 0.7 + rng.normal(size=(n, m)) * 0.7
    health = (health - 1.2 * ((distress[:, None] >= 0) & (since >= -4))).astype(np.float32)
    leaves = np.where(distress >= 0, distress.astype(int) * 30 + 300, rng.integers(0, 930, n))
    closed = _days(leaves, rng.random(n) < np.where(distress >= 0, 0.5, 0.85))
    firsts = np.array(MONTHS, "datetime64[D]")
    alive = (established[:, None] <= firsts) & ~(closed[:, None] <= firsts)
    typical = np.exp(rng.normal(12.5, 1.2, n))
    sales = typical[:, None] * np.exp(0.15 * health) * np.where(fails, 0.5, 1.0) * alive
    staff = rng.integers(1, 60, n).astype(np.int32)
    register = Register(
        uscc=np.array([f"91370102MA{k:07d}X" for k in range(n)], object),
        name=np.array([f"济南测{k}（山东）商贸有限公司" for k in range(n)], object),
        former_name=np.array([f"旧名{k}有限公司" if not np.isnat(day) else "" for k, day in enumerate(renamed)], object),
        renamed=renamed, registration_no=np.where(rng.random(n) < 0.5, "370100200012345", "").astype(object),
        region6=rng.choice(np.array(["370102", "370602", "371302"], object), n),
        industry=rng.choice(np.array(["5164", "3311", "0111"], object), n),
        established=established, closed=closed, size=rng.integers(0, 3, n).astype(np.int32),
        agricultural=rng.random(n) < 0.1, technology=rng.random(n) < 0.15, capital=np.round(typical * 10, -4),
        controller=rng.integers(0, 400, n).astype(np.int32), monthly_sales=typical, staff=staff,
        prudence=rng.uniform(0, 1, n).astype(np.float32),
    )  # fmt: skip
    nothing = np.zeros(0)
    none = np.zeros(0, "datetime64[D]")
    book = Book(
        np.zeros(0, np.int32), none, np.zeros(0, bool), none, none, nothing, nothing.astype(np.float32),
        nothing.astype(np.float32), np.zeros(0, object), np.zeros(0, np.int32), np.zeros(0, np.int32), none, none, none,
        nothing, nothing, none,
    )  # fmt: skip
    people = Persons(
        np.array([f"测{k % 150}" for k in range(400)], object),
        np.array([f"37990119800101{k:04d}" for k in range(400)], object),
    )
    course = Course(
        MONTHS, health, sales.astype(np.float32), (staff[:, None] * alive).astype(np.int32), distress
    )
    network = Network(_edges(rng, n, 3 * n, 1.0), _edges(rng, n, n, 1e6), _edges(rng, n, 60, 1.0))
    ask = Ask(n, MONTHS[0], date(2025, 12, 31), seed)
    banks = np.array(["测试银行", "样例银行"], object)
    return Province(ask, register, people, network, course, book, banks, np.array(["担保"], object))


def _published(province: Province, rows: slice | None = None) -> dict[str, pa.Table]:
    rows = rows or slice(0, province.ask.enterprises)
    found: dict[str, pa.Table] = {}
    for publisher in (government, market):
        for source, table in publisher(province, rows, np.random.default_rng(5)):
            assert source not in found, "each source once"
            found[source] = table
    return found


@pytest.fixture(scope="module")
def province() -> Province:
    return small_province()


@pytest.fixture(scope="module")
def sent(province: Province) -> dict[str, pa.Table]:
    return _published(province)


def _contracts() -> dict[str, SourceContract]:
    found = {path.stem: read_contract(path) for path in sorted(SOURCES.glob("*.toml"))}
    return {name: contract for name, contract in found.items() if contract.family in BORN}


CONTRACTS = _contracts()


def _told(table: pa.Table, clock: Clock) -> np.ndarray:
    days = table.column(clock.column).to_numpy().astype("datetime64[D]")
    if clock.month_end:
        days = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    span = Span.parse(clock.lag)
    assert not span.months
    return days + span.days


def test_every_government_and_market_source_is_sent(sent: dict[str, pa.Table]) -> None:
    assert set(sent) == set(CONTRACTS)
    assert all(len(table) for table in sent.values())


@pytest.mark.parametrize("source", sorted(CONTRACTS))
def test_rows_keep_the_contract(source: str, sent: dict[str, pa.Table]) -> None:
    contract, table = CONTRACTS[source], sent[source]
    assert set(table.column_names) - set(contract.columns) == {"arrives", "enterprise"}
    wanted = {"money": "double", "number": "double", "rate": "double", "integer": "int64", "text": "string",
              "flag": "bool", "date": "date32[day]"}  # fmt: skip
    for name, column in contract.columns.items():
        if name not in table.column_names:
            assert not column.required, name
            continue
        values = table.column(name)
        assert str(values.type) == wanted[column.type], name
        assert values.null_count == 0 or not column.required, name
        if column.values:
            assert set(values.unique().to_pylist()) <= {*column.values, None}, name
        if column.pattern and name != "uscc":
            assert pc.all(pc.match_substring_regex(values, f"^(?:{column.pattern})$")).as_py(), name
        if column.min is not None:
            assert pc.min(values).as_py() is None or pc.min(values).as_py() >= column.min, name
        if column.max is not None:
            assert pc.max(values).as_py() is None or pc.max(values).as_py() <= column.max, name
        if column.type == "text":
            assert not pc.any(pc.match_substring_regex(values, '[,"]')).as_py(), name
    with duckdb.connect() as database:
        database.register("rows", table)
        for rule in contract.assertions:
            broken = database.sql(f"select * from rows where not ({rule.rule}) limit 3").fetchall()
            assert not broken, (rule.name, broken)


@pytest.mark.parametrize("source", sorted(CONTRACTS))
def test_nothing_is_sent_before_it_happened_or_was_published(
    source: str, sent: dict[str, pa.Table], province: Province
) -> None:
    contract, table = CONTRACTS[source], sent[source]
    arrives = table.column("arrives").to_numpy().astype("datetime64[D]")
    start, end = np.datetime64(MONTHS[0]), np.datetime64(province.ask.end)
    assert (arrives >= _told(table, contract.known_clock)).all()
    assert (arrives >= _told(table, contract.event_clock)).all()
    assert (arrives >= start).all()
    assert (arrives <= end).all()


@pytest.mark.parametrize("source", sorted(CONTRACTS))
def test_a_key_has_one_fact_at_a_time(source: str, sent: dict[str, pa.Table]) -> None:
    """Rows of one key that become known on one day would leave it open which holds."""
    contract, table = CONTRACTS[source], sent[source]
    known = pa.array(_told(table, contract.known_clock))
    keys = [{"name_key": "uscc"}.get(name, name) for name in contract.key]
    counts = (
        table.select(keys)
        .append_column("known", known)
        .group_by([*keys, "known"])
        .aggregate([([], "count_all")])
    )
    assert len(counts) == len(table), counts.sort_by([("count_all", "descending")]).slice(0, 2).to_pylist()


def test_same_seed_same_rows_and_chunks_do_not_matter(province: Province, sent: dict[str, pa.Table]) -> None:
    again = _published(province)
    assert all(again[source].equals(sent[source]) for source in sent)
    half = province.ask.enterprises // 2
    parts = [
        _published(province, slice(0, half)),
        _published(province, slice(half, province.ask.enterprises)),
    ]
    for source in ("tax_filing", "court_exec", "mkt_equity", "inv_counterparty", "sentiment"):
        assert _rows(pa.concat_tables([part[source] for part in parts])) == _rows(sent[source])


def _rows(table: pa.Table) -> list[tuple[object, ...]]:
    return sorted(zip(*(column.to_pylist() for column in table.columns), strict=True), key=str)


def test_what_is_sent_by_a_day_does_not_know_what_comes_after(
    province: Province, sent: dict[str, pa.Table]
) -> None:
    """Another course from a month on: rows that arrived before it are the same, and later ones are not."""
    rng = np.random.default_rng(11)
    course, register = province.course, province.register
    health, sales, staff = course.health.copy(), course.sales.copy(), course.staff.copy()
    shape = health[:, CHANGED:].shape
    health[:, CHANGED:] = rng.normal(-1, 1, shape)
    sales[:, CHANGED:] *= rng.uniform(0, 2, shape).astype(np.float32)
    staff[:, CHANGED:] = rng.integers(0, 90, shape)
    begun = (course.distress >= 0) & (course.distress < CHANGED)
    later = np.where(rng.random(len(begun)) < 0.5, rng.integers(CHANGED, len(MONTHS), len(begun)), -1)
    day = np.datetime64(MONTHS[CHANGED])
    other = replace(
        province,
        course=replace(
            course,
            health=health,
            sales=sales,
            staff=staff,
            distress=np.where(begun, course.distress, later).astype(np.int16),
        ),
        register=replace(
            register, closed=np.where(register.closed < day, register.closed, np.datetime64("NaT"))
        ),
    )
    told = _published(other)
    before = pa.scalar(MONTHS[CHANGED], pa.date32())
    for source, table in sent.items():
        ours, theirs = (
            table.filter(pc.less(table.column("arrives"), before)) for table in (table, told[source])
        )
        assert len(ours)
        assert _rows(ours) == _rows(theirs), source
    moved = {source for source in sent if not sent[source].equals(told[source])}
    assert moved >= set(sent) - {"tax_rating"}  # the rating of the changed year comes after the end


def _rate(table: pa.Table, who: np.ndarray) -> float:
    counts = np.bincount(table.column("enterprise").to_numpy(), minlength=len(who))
    return float((counts[who] > 0).mean())


def test_those_who_fail_are_seen_in_court_and_in_arrears(
    province: Province, sent: dict[str, pa.Table]
) -> None:
    sick = (province.course.distress >= 0) & (province.course.distress < 20)
    well = (province.course.distress < 0) & (province.course.health.mean(axis=1) > 0)
    behind = {
        "court_exec": sent["court_exec"],
        "court_dishonest": sent["court_dishonest"],
        "defendant": sent["court_case"]
        .filter(pc.field("role") == "被告")
        .filter(pc.field("cause") == "金融借款合同纠纷"),
        "si_monthly": sent["si_monthly"].filter(pc.field("arrears_months") >= 3),
        "tax_paid": sent["tax_paid"].filter(pc.field("arrears_bal") > 0),
        "utility": sent["utility"].filter(pc.field("is_cut_off")),
        "hf_monthly": sent["hf_monthly"].filter(pc.field("is_stopped")),
        "supply_chain": sent["supply_chain"].filter(pc.field("status") == "逾期"),
    }
    for name, table in behind.items():
        assert _rate(table, sick) > 2.5 * _rate(table, well), name
    plaintiffs = sent["court_case"].filter(pc.field("role") == "原告")
    assert _rate(plaintiffs, sick) < 1.6 * _rate(plaintiffs, well)


def test_removed_rows_follow_their_first_one(sent: dict[str, pa.Table]) -> None:
    for source in ("court_exec", "court_dishonest", "court_limit", "adm_penalty"):
        table = sent[source]
        first = table.filter(pc.field("status") != "已移除").select(
            ["enterprise", "arrives", CONTRACTS[source].key[0]]
        )
        gone = table.filter(pc.field("status") == "已移除")
        assert 0 < len(gone) < len(first)
        known = dict(zip(first[2].to_pylist(), first[1].to_pylist(), strict=True))
        for number, day in zip(
            gone[CONTRACTS[source].key[0]].to_pylist(), gone["arrives"].to_pylist(), strict=True
        ):
            assert known[number] < day


def test_enforcement_lists_share_case_numbers(sent: dict[str, pa.Table]) -> None:
    enforced = set(sent["court_exec"]["case_no"].to_pylist())
    for source in ("court_dishonest", "court_limit", "court_final"):
        later = set(sent[source]["case_no"].to_pylist())
        assert len(later & enforced) > 0.95 * len(later)


def test_sources_of_one_truth_agree_roughly_but_not_exactly(
    province: Province, sent: dict[str, pa.Table]
) -> None:
    """Invoices come closest to true sales, returns fall short, annual reports overstate."""
    n = province.ask.enterprises
    year = slice(6, 18)  # 2024
    true = province.course.sales[:, year].sum(axis=1).astype(float)
    steady = (province.course.sales[:, year] > 0).all(axis=1)

    def total(source: str, when: str, what: str, *, where: pc.Expression) -> np.ndarray:
        table = sent[source].filter(where)
        inside = pc.equal(pc.year(table.column(when)), 2024)
        table = table.filter(inside)
        return np.bincount(table["enterprise"].to_numpy(), table[what].to_numpy(zero_copy_only=False), n)

    invoiced = total("inv_monthly", "ym", "blue_amt", where=pc.field("dir") == "销")
    declared = total("tax_filing", "period", "declared_sales", where=~pc.field("is_corrected"))
    shown = pc.and_(pc.invert(sent["mkt_annual"]["is_hidden"]), pc.invert(sent["mkt_annual"]["is_revised"]))
    reports = sent["mkt_annual"].filter(shown).filter(pc.field("year") == 2024)
    reported = np.bincount(
        reports["enterprise"].to_numpy(), reports["revenue"].to_numpy(zero_copy_only=False), n
    )
    gap = {}
    for name, amounts in (("invoiced", invoiced), ("declared", declared), ("reported", reported)):
        both = steady & (amounts > 0)
        gap[name] = np.log(amounts[both] / true[both])
    assert -0.12 < np.median(gap["invoiced"]) < 0.0
    assert np.median(gap["declared"]) < np.median(gap["invoiced"])
    assert np.mean(gap["reported"]) > 0.03
    assert np.std(gap["invoiced"]) < np.std(gap["declared"])
    assert np.std(gap["invoiced"]) < np.std(gap["reported"])


def test_delays_have_the_median_and_the_ninth_decile_they_are_given() -> None:
    days = Dice(1).delay("x", Delay(10, 30), np.arange(40_000))
    assert abs(np.median(days) - 10) <= 1
    assert abs(np.quantile(days, 0.9) - 30) <= 2
    assert (Dice(1).delay("x", Delay(0, 1), np.arange(100)) >= 0).all()


def test_dice_are_fair() -> None:
    drawn = Dice(9).uniform("fair", np.arange(300)[:, None], np.arange(300)[None, :])
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 0.2
    normal = Dice(9).normal("fair", np.arange(90_000))
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    picked = np.bincount(Dice(9).pick("fair", (1, 3), np.arange(40_000))) / 40_000
    assert abs(picked[1] - 0.75) < 0.01
