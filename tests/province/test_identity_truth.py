"""Does identity resolution give court rows without a credit code to the enterprise that truth says they are about?

One enterprise in ten is hidden from the registers: it is a stranger, and its rows must stay open unless the same case had a code.
A planted row is found in the store by its source and case number; a case number is one enterprise's. Figures are by row, and by
mention (one way of speaking of an enterprise), because rows of one mention are right or wrong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq
import pytest

from riskengine.identity.resolve import Resolution, resolve
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.load import take_in
from riskengine.project import Project, default_root
from riskengine.province.definitions import write_definitions
from riskengine.province.generate import synthesise
from riskengine.province.state import Ask
from riskengine.store.facts import FactStore

COURTS = ("court_case", "court_dishonest", "court_exec", "court_final", "court_freeze", "court_limit")
REGISTERS = ("mkt_reg", "mkt_change")
PLANTED = ("name_only", "masked", "legacy_code")
START, END = date(2025, 1, 1), date(2026, 6, 30)
NARROW = str.maketrans("（）", "()")  # as intake stores brackets
VERDICTS = ("wrong", "left open", "right", "stranger left open")  # worst first
Place = tuple[str, str]  # source, fact_hash: a re-issued row keeps that of the row it repeats


class Row(NamedTuple):
    """A visible row: whose case, which code, and how the enterprise is spoken of."""

    case: str
    code: str
    name: str
    person: str


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle, spread = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def _visible(project: Project, contracts: dict[str, SourceContract]) -> dict[Place, Row]:
    """The court rows that stand on the last day."""
    found: dict[Place, Row] = {}
    for source in COURTS:
        files = list(FactStore(project.store).snapshot().paths(source))
        who = contracts[source].identity
        assert who
        assert files
        person = f'"{who.person}"' if who.person else "''"
        with duckdb.connect() as database:
            database.read_parquet(files).create_view("facts")
            query = f"""select fact_hash, case_no, coalesce("{who.code}", ''), coalesce("{who.name}", ''), coalesce({person}, '')
                from facts where known_at <= $day and (superseded_at is null or superseded_at > $day) and not removed"""
            rows = database.execute(query, {"day": END}).fetchall()
        for print_, *told in rows:
            assert (source, print_) not in found, "one visible row of a fact"
            found[source, print_] = Row(*told)
    return found


def _owners(folder: Path) -> dict[tuple[str, str], str]:
    """Source and case number of planted rows -> the true code."""
    truth = pq.read_table(folder / "truth" / "enterprises.parquet", columns=["enterprise", "uscc"])
    codes = dict(zip(truth["enterprise"].to_pylist(), truth["uscc"].to_pylist(), strict=True))
    owners: dict[tuple[str, str], str] = {}
    for fault in pq.read_table(folder / "truth" / "faults.parquet").to_pylist():
        if fault["source"] in COURTS and fault["kind"] in PLANTED:
            place = (fault["source"], fault["key"].split("|")[0].translate(NARROW))
            code = codes[fault["enterprise"]]
            assert owners.setdefault(place, code) == code, "a case is one enterprise's"
    return owners


def _hidden(folder: Path) -> set[str]:
    """Every tenth enterprise's code, taken out of the registers' files."""
    codes = pq.read_table(folder / "truth" / "enterprises.parquet", columns=["uscc"])["uscc"].to_pylist()[
        ::10
    ]
    marks = {code.encode() for code in codes}
    for source in REGISTERS:
        for path in (folder / "inbox" / source).iterdir():
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if marks.isdisjoint(line.strip().split(b","))]
            path.write_bytes(b"".join(kept))
    return set(codes)


def _told(what: str, verdicts: Iterable[str]) -> tuple[float, float]:
    """Print precision and recall of the machine; their lower bounds."""
    count = Counter(verdicts)
    filled, every = count["right"] + count["wrong"], count.total() - count["stranger left open"]
    print(f"  by {what}: {dict(sorted(count.items()))}")
    bounds = []
    for name, of in (("precision", filled), ("recall", every)):
        low, high = wilson(count["right"], of)
        print(
            f"    {name} {count['right'] / max(of, 1):.4f} ({low:.4f}-{high:.4f}, {count['right']} of {of})"
        )
        bounds.append(low)
    return bounds[0], bounds[1]


def _measured(enterprises: int, seed: int, folder: Path) -> tuple[Resolution, dict[str, tuple[float, float]]]:
    """Make a province, take in the registers and the courts, resolve; lower bounds of precision and recall by row and mention."""
    own = Project(default_root())
    made = synthesise(Ask(enterprises, START, END, seed), read_contracts(own), folder)
    write_definitions(own, made.folder)
    hidden = _hidden(made.folder)
    project = Project(made.folder)
    contracts = read_contracts(project)
    for source in (*REGISTERS, *COURTS):
        take_in(project, source, sorted((made.folder / "inbox" / source).iterdir()), END)
    before = _visible(project, contracts)
    told = resolve(project, END)
    after, owners = _visible(project, contracts), _owners(made.folder)
    assert set(after) == set(before)
    changed = {place for place in before if after[place].code != before[place].code}
    planted = {place: (place[0], row.case) for place, row in before.items() if len(row.code) != 18}
    strange = {place: before[place] for place, case in planted.items() if case not in owners}
    assert strange == {}, "rows without a code that nobody planted"
    assert changed <= set(planted), "a row with a code has another now"
    assert told.rows_filled == len(changed)
    assert told.rows_open == len(planted)
    verdicts: dict[str, dict[Place, str]] = {}
    mentions: dict[Row, set[str]] = {}
    for place, case in planted.items():
        code = owners[case]
        right = "right" if after[place].code == code else "wrong"
        verdict = right if place in changed else "stranger left open" if code in hidden else "left open"
        kind = "older number" if before[place].code else "name only"  # a masked code is none
        if verdict == "left open":
            print(f"  left open: {place[0]} {before[place]} is {code}")
        verdicts.setdefault(kind, {})[place] = verdict
        mentions.setdefault(before[place]._replace(case=code), set()).add(verdict)
        if verdict == "wrong":
            print(f"  wrong: {place[0]} {before[place]} is {code}, given {after[place].code}")
    print(f"\nidentity against truth: {enterprises} enterprises, seed {seed}: {told.to_json()}")
    for kind, some in sorted(verdicts.items()):
        _told(f"row, {kind}", some.values())
    worst = [next(one for one in VERDICTS if one in each) for each in mentions.values()]
    bounds = {
        "row": _told("row", [each for some in verdicts.values() for each in some.values()]),
        "mention": _told("mention", worst),
    }
    return told, bounds


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKENGINE_PERSONAL_KEY", "a key for tests")


@pytest.mark.parametrize(
    ("enterprises", "seed"),
    [(1_500, 5), pytest.param(6_000, 6, marks=pytest.mark.long)],
    ids=["town", "city"],
)
def test_court_rows_without_a_code_reach_their_enterprise(
    enterprises: int, seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        told, bounds = _measured(enterprises, seed, tmp_path / "province")
    for precision, recall in bounds.values():
        assert precision > 0.97
        assert recall > 0.85
    assert told.rows_open > 100
    assert told.unresolved > 5  # strangers are there, and are left alone


def test_the_measure_sees_a_bad_machine(capsys: pytest.CaptureFixture[str]) -> None:
    precision, recall = _told("row", ["right"] * 190 + ["wrong"] * 5 + ["left open"] * 40)
    assert precision < 0.97
    assert recall < 0.85
    assert "0.9744" in capsys.readouterr().out
    assert wilson(0, 0) == (0.0, 1.0)
