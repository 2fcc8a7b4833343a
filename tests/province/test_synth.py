"""Are the synthetic files what the contracts take in, the same for the same seed, and silent about the truth?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from riskengine.cli import app
from riskengine.errors import UsageError
from riskengine.intake.cleaning import clean
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.load import structure_problems, take_in
from riskengine.intake.readers import read_file
from riskengine.project import Project, default_root
from riskengine.province.definitions import write_definitions
from riskengine.province.generate import Made, synthesise
from riskengine.province.state import Ask
from riskengine.province.writing import delivery_days

ASK = Ask(600, date(2025, 1, 1), date(2026, 6, 30), 3)
REFUSED = ("broken_code", "negative_amount", "future_date", "out_of_order")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "a key for tests")


@pytest.fixture(scope="module")
def contracts() -> dict[str, SourceContract]:
    return read_contracts(Project(default_root()))


@pytest.fixture(scope="module")
def made(contracts: dict[str, SourceContract], tmp_path_factory: pytest.TempPathFactory) -> Made:
    return synthesise(ASK, contracts, tmp_path_factory.mktemp("synth") / "one")


def _prints(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(
    made: Made, contracts: dict[str, SourceContract], tmp_path: Path
) -> None:
    again = synthesise(ASK, contracts, tmp_path / "again")
    assert _prints(again.folder) == _prints(made.folder)
    other = synthesise(
        replace(ASK, seed=4, enterprises=200), contracts, tmp_path / "again"
    )  # its own folder: remade
    shared = ("mkt_reg", "application", "tax_filing", "inv_monthly")
    for source in shared:
        assert not set(_prints(other.folder / "inbox" / source).values()) & set(
            _prints(made.folder / "inbox" / source).values()
        )


def test_every_source_writes_and_every_file_keeps_its_contract(
    made: Made, contracts: dict[str, SourceContract]
) -> None:
    rare = {"tax_violation"}
    assert set(contracts) - rare <= set(made.rows)
    refused: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    days = {str(day) for day in delivery_days(ASK.start, ASK.end)}
    for path in sorted((made.folder / "inbox").rglob("*.*")):
        source = path.parent.name
        assert path.stem in days
        cells = read_file(path).cells
        assert structure_problems(contracts[source], cells.column_names, path.name) == []
        cleaned = clean(contracts[source], cells, date.fromisoformat(path.stem), b"a key for tests")
        assert cells.num_rows == cleaned.facts.num_rows + cleaned.refused_rows
        known = max(cleaned.facts.column("known_at").to_pylist(), default=date.min)
        assert known <= date.fromisoformat(path.stem), f"{path}: known after it arrived"
        rows[source] += cells.num_rows
        refused[source] += cleaned.refused_rows
    assert dict(rows) == made.rows
    planted = pq.read_table(made.folder / "truth" / "faults.parquet").to_pylist()
    bad = Counter(row["source"] for row in planted if row["kind"] in REFUSED)
    assert 0.6 * sum(bad.values()) < sum(refused.values()) < 1.5 * sum(bad.values())
    assert sum(refused.values()) / sum(rows.values()) < 0.005
    far = {
        source: refused[source] / rows[source] for source in rows if refused[source] > 12 + 2 * bad[source]
    }
    assert far == {}


def test_intake_accounts_for_every_row(made: Made, tmp_path: Path) -> None:
    root = default_root()
    (tmp_path / "configs").symlink_to(root / "configs")
    for room in ("features", "models"):
        (tmp_path / room).mkdir()
    for source in ("court_exec", "bank_feedback", "price_index"):
        files = sorted((made.folder / "inbox" / source).iterdir())
        receipts = take_in(Project(tmp_path), source, files, ASK.end)
        assert sum(receipt.rows_in for receipt in receipts) == made.rows[source]
        for one in receipts:
            assert one.rows_in == one.accepted + one.quarantined + one.duplicates
    assert sum(one.duplicates for one in receipts) == 0  # price_index is clean


def test_publishers_have_their_manners(made: Made) -> None:
    inbox = made.folder / "inbox"
    assert {path.suffix for path in inbox.rglob("*.*")} == {".csv", ".parquet", ".jsonl", ".xlsx"}
    court = sorted((inbox / "court_exec").iterdir())[0].read_bytes()
    with pytest.raises(UnicodeDecodeError):
        court.decode("utf-8")
    assert "年" in court.decode("gb18030")
    assert sorted((inbox / "adm_penalty").iterdir())[0].read_bytes()[:3] == b"\xef\xbb\xbf"
    register = read_file(sorted((inbox / "mkt_reg").iterdir())[0]).cells
    capital = [float(value) for value in register.column("reg_capital").to_pylist() if value]
    assert sorted(capital)[len(capital) // 2] < 10_000  # in 万元


def test_the_register_tells_every_name(made: Made) -> None:
    """An enterprise renamed before the first day too: its feeds use the new name."""
    truth = pq.read_table(made.folder / "truth" / "enterprises.parquet").to_pylist()
    told: dict[str, set[str]] = {}
    for path in sorted((made.folder / "inbox" / "mkt_reg").iterdir()):
        for row in read_file(path).cells.select(["uscc", "name"]).to_pylist():
            told.setdefault(row["uscc"], set()).add(str(row["name"]))
    renamed = [
        one for one in truth
        if one["renamed"] and max(one["renamed"], one["established"]) < date(2026, 5, 1) and one["uscc"] in told
        and not (one["closed"] and one["closed"] < date(2026, 6, 1))
    ]  # fmt: skip
    assert sum(one["renamed"] < ASK.start for one in renamed) > 5
    missing = [one["name"] for one in renamed if one["name"] not in told[one["uscc"]]]
    assert len(missing) <= 0.05 * len(renamed) + 1, missing  # odd spellings are planted


def test_no_file_tells_the_truth(made: Made) -> None:
    hidden = {"enterprise", "health", "distress", "arrives", "truth", "prudence", "quality"}
    for path in (made.folder / "inbox").rglob("*.*"):
        assert not hidden & {name.lower() for name in read_file(path).cells.column_names}
    truth = pq.read_table(made.folder / "truth" / "enterprises.parquet")
    assert {"enterprise", "uscc", "distress", "closed"} <= set(truth.column_names)
    faults = pq.read_table(made.folder / "truth" / "faults.parquet").to_pylist()
    nameless = [row for row in faults if row["kind"] == "name_only" and row["source"] == "court_case"]
    assert nameless
    assert all(row["enterprise"] >= 0 and row["key"] for row in nameless)
    for name in ("README.md", "truth/README.md"):
        text = (made.folder / name).read_text(encoding="utf-8")
        assert "SYNTHETIC" in text
        assert "虚构" in text


def test_what_makes_no_sense_is_refused_at_once(contracts: dict[str, SourceContract], tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        synthesise(Ask(5, date(2025, 1, 2), date(2025, 6, 29), -1), contracts, own)
    told = str(refusal.value)
    assert all(
        word in told
        for word in ("--enterprises", "--seed", "--from", "--to", "an empty folder or one made by synth")
    )
    assert (own / "letter.txt").exists()


SMALL = ["synth", "--enterprises", "200", "--from", "2026-01-01", "--to", "2026-06-30"]


def test_the_command(tmp_path: Path) -> None:
    words = [*SMALL, "--seed", "1", "--out", str(tmp_path / "p")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "SYNTHETIC" in done.output
    assert "100% published" in done.output
    assert (tmp_path / "p" / "inbox" / "mkt_reg").is_dir()


def test_who_is_connected_late_covers_from_that_day(
    contracts: dict[str, SourceContract], tmp_path: Path
) -> None:
    words = [*SMALL, "--connected", "2026-05-01", "--out"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    late = read_contracts(Project(tmp_path / "p"))
    monthly = {name for name, one in contracts.items() if one.cadence == "monthly"}
    assert {name for name, one in late.items() if one.covers_from == date(2026, 5, 1)} == monthly
    assert {one.covers_from for name, one in late.items() if name not in monthly} == {None}
    said = [one.model_dump(mode="json") for one in contracts.values()]
    assert [one.model_dump(mode="json") for one in late.values()] == said  # files taken in stay taken in
    write_definitions(Project(tmp_path / "p"), tmp_path / "q", date(2026, 4, 1))
    write_definitions(Project(tmp_path / "p"), tmp_path / "r", date(2026, 6, 1))
    for folder, day in (("q", date(2026, 5, 1)), ("r", date(2026, 6, 1))):  # the later day holds
        assert read_contracts(Project(tmp_path / folder))["inv_monthly"].covers_from == day
