"""Are the ties between enterprises those that were known on the day, each with the weight it is said to have?"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from riskengine.monitor.neighbours import badness_of, contagion_scores, edges_of, neighbourhood
from riskengine.portfolio.contagion import EDGES, read_weights
from riskengine.profile.compute import Workbench
from riskengine.store.facts import FACT_FIELDS, FactStore
from riskengine.store.snapshot import Snapshot

CONFIGS = Path(__file__).parents[2] / "configs"
WEIGHTS = read_weights(CONFIGS / "contagion.toml")[0]
DAY, LATER = date(2026, 6, 1), date(2026, 7, 1)
KEYS = {
    "counter_guar": ["cg_id"], "pboc_guar": ["uscc", "report_dt", "liability_no"], "mkt_equity": ["uscc", "holder_name"],
    "mkt_people": ["uscc", "name", "role"], "inv_counterparty": ["uscc", "cp_uscc", "ym", "dir"], "overdue": ["guar_id"],
    "compensation": ["guar_id"], "tax_filing": ["uscc", "period"], "mkt_annual": ["uscc", "year"],
}  # fmt: skip
EARLY = date(2026, 1, 31)


def _guar(number: str, guarantor: str | None, debtor: str, amount: int, **more: Any) -> dict[str, Any]:
    row = {
        "cg_id": number,
        "guarantor_code": guarantor,
        "uscc": debtor,
        "amount": float(amount),
        "status": "有效",
    }
    return {**row, **more}


def _held(
    of: str, ratio: float | None, code: str | None = None, person: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "uscc": of,
        "holder_name": code or person,
        "holder_code": code,
        "holder_id": person,
        "ratio": ratio,
        **more,
    }


def _led(of: str, person: str) -> dict[str, Any]:
    return {"uscc": of, "name": person, "role": "董事", "person_id": person}


def _sold(of: str, to: str, amount: float, direction: str = "销", **more: Any) -> dict[str, Any]:
    return {"uscc": of, "cp_uscc": to, "ym": EARLY, "dir": direction, "amt": amount, **more}


FACTS: dict[str, list[dict[str, Any]]] = {
    "counter_guar": [
        _guar("1", "A", "B", 300), _guar("2", "A", "B", 200), _guar("3", "A", "C", 2000), _guar("4", "D", "B", 10),
        _guar("5", "E", "B", 10), _guar("6", None, "B", 10), _guar("7", "A", "Z", 9, status="已处置"),
        _guar("8", "A", "Y", 9, known=LATER), _guar("9", "A", "X", 9, removed=True),
    ],
    "pboc_guar": [
        {"uscc": "A", "report_dt": date(2025, 12, 1), "liability_no": "1", "debtor_code": "OLD", "balance": 77.0},
        {"uscc": "A", "report_dt": EARLY, "liability_no": "1", "debtor_code": "B", "balance": 100.0},
        {"uscc": "A", "report_dt": EARLY, "liability_no": "2", "debtor_code": "F", "balance": 250.0},
    ],
    "tax_filing": [
        {"uscc": "A", "period": date(2025, 11, 1), "fs_assets": 9.0, "fs_liabilities": 8.0, "event": date(2025, 11, 30)},
        {"uscc": "A", "period": date(2025, 12, 1), "fs_assets": 3000.0, "fs_liabilities": 2000.0},
        {"uscc": "D", "period": date(2025, 12, 1), "fs_assets": 1.0, "fs_liabilities": 2.0},
    ],
    "mkt_annual": [{"uscc": "A", "year": 2025, "equity": 5.0, "assets": None, "liabilities": None}],
    "mkt_equity": [
        _held("P1", 0.6, code="P"), _held("P2", 0.51, code="P"), _held("P3", 0.5, code="P"), _held("Q1", 0.5, person="q"),
        _held("Q2", 0.7, person="q"), _held("Q3", 0.3, person="q"), _held("Q4", None, person="q"),
    ],
    "mkt_people": [_led("M1", "m"), _led("M2", "m"), _led("Q4", "q"), *(_led(f"N{n}", "nominee") for n in range(51))],
    "inv_counterparty": [
        _sold("S", "T1", 800.0), _sold("S", "T2", 170.0), _sold("S", "T3", 30.0), _sold("S", "T2", 50.0, "进"),
        _sold("S", "OLD", 1e6, ym=date(2024, 1, 1), event=date(2024, 1, 31)),
    ],
    "overdue": [
        {"guar_id": "1", "uscc": "B", "cured_dt": None}, {"guar_id": "2", "uscc": "C", "cured_dt": EARLY},
        {"guar_id": "3", "uscc": "LATE", "cured_dt": None, "known": LATER},
    ],
    "compensation": [{"guar_id": "9", "uscc": "P"}],
}  # fmt: skip


def _store(root: Path, facts: dict[str, list[dict[str, Any]]]) -> Snapshot:
    store = FactStore(root)
    for source, rows in facts.items():
        names = dict.fromkeys(
            name for row in rows for name in row if name not in ("known", "event", "removed")
        )
        clocks = {
            "event_date": [row.get("event", EARLY) for row in rows],
            "known_at": [row.get("known", EARLY) for row in rows],
            "batch": [1] * len(rows),
            "row": list(range(len(rows))),
            "removed": [row.get("removed", False) for row in rows],
            "fact_hash": [f"{source}{number}" for number in range(len(rows))],
        }
        columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
        columns = {
            name: c.cast(pa.string()) if pa.types.is_null(c.type) else c for name, c in columns.items()
        }
        columns |= {name: pa.array(clocks[name], kind) for name, kind in FACT_FIELDS}
        store.append(source, pa.table(columns), 1)
    return store.publish({source: KEYS[source] for source in facts})


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return _store(tmp_path_factory.mktemp("ties"), FACTS)


def _ties(edges: pd.DataFrame, kind: str) -> dict[str, tuple[float, float]]:
    some = edges[edges.kind == kind]
    return {
        f"{s}{t}": (round(w, 6), a)
        for s, t, w, a in zip(some.source, some.target, some.weight, some.amount, strict=True)
    }


def test_every_tie_by_hand(snapshot: Snapshot) -> None:
    with Workbench(snapshot) as bench:
        edges = edges_of(bench, WEIGHTS, DAY)
        assert tuple(edges.columns) == EDGES
        assert set(edges.kind) == {
            "guarantees_given", "guaranteed_by", "control", "same_controller", "shared_person", "counterparty",
        }  # fmt: skip
        # A: 1,000 of its own by the latest statement; of counter-guarantee and credit report the larger amount
        assert _ties(edges, "guarantees_given") == {
            "BA": (0.5, 500.0), "CA": (1.0, 2000.0), "FA": (0.25, 250.0), "BD": (1.0, 10.0), "BE": (1.0, 10.0),
        }  # fmt: skip
        assert set(_ties(edges, "guaranteed_by")) == {"AB", "AC", "AF", "DB", "EB"}
        assert set(_ties(edges, "control")) == {"PP1", "P1P", "PP2", "P2P"}
        assert _ties(edges, "same_controller") == dict.fromkeys(["P1P2", "P2P1", "Q1Q2", "Q2Q1"], (0.6, 0.0))
        persons = {
            one + other
            for one in ("Q1", "Q2", "Q3", "Q4")
            for other in ("Q1", "Q2", "Q3", "Q4")
            if one != other
        }
        assert set(_ties(edges, "shared_person")) == {"M1M2", "M2M1", *persons}, (
            "51 of one nominee are not tied"
        )
        assert _ties(edges, "counterparty") == {"T1S": (0.24, 0.0), "T2S": (0.3, 0.0)}
        later = edges_of(bench, WEIGHTS, LATER)
        assert set(_ties(later, "guarantees_given")) - set(_ties(edges, "guarantees_given")) == {"YA"}


def test_failed_is_worse_than_any_signal_and_the_worst_signal_counts(snapshot: Snapshot) -> None:
    signals = pd.DataFrame(
        [
            ("B", "yellow"),
            ("C", "red"),
            ("C", "yellow"),
            ("S", "orange"),
            ("M1", "blue"),
            ("", "red"),
            (None, "red"),
        ],
        columns=["enterprise", "severity"],
    )
    with Workbench(snapshot) as bench:
        assert badness_of(bench, signals, WEIGHTS, DAY) == {"B": 1.0, "C": 0.7, "S": 0.35, "P": 1.0}
        leaving = signals.assign(state="clearing")
        assert badness_of(bench, leaving, WEIGHTS, DAY) == {"B": 1.0, "P": 1.0}, (
            "what is no longer true passes nothing on"
        )
        assert badness_of(bench, signals.head(0), WEIGHTS, LATER) == {"B": 1.0, "P": 1.0, "LATE": 1.0}


def test_the_night_gets_one_row_an_enterprise(snapshot: Snapshot, tmp_path: Path) -> None:
    frame = pd.DataFrame({"enterprise_id": ["P1", "A", "A", "M2", None]})
    signals = pd.DataFrame({"enterprise": ["C", "M1"], "severity": ["red", "orange"]})
    watch: Any = SimpleNamespace(project=SimpleNamespace(configs=CONFIGS))
    with Workbench(snapshot) as bench:
        got = contagion_scores(bench, neighbourhood(bench, watch, DAY), frame, signals, DAY)
    assert list(got.enterprise) == ["A", "M2", "P1"]
    assert list(got.contagion) == pytest.approx([1 - (1 - 0.5) * (1 - 0.7), 0.2 * 0.35, 0.6])
    assert list(got.contagion_loss) == pytest.approx([500 * 0.6 + 2000 * 0.6 * 0.7, 0, 0])
    assert got.contagion_paths[0][0] == {
        "contribution": pytest.approx(0.7),
        "keys": ["C", "A"],
        "kinds": ["guarantees_given"],
    }
    for silent, configs in (({"compensation": FACTS["compensation"]}, CONFIGS), (FACTS, tmp_path)):
        nothing: Any = SimpleNamespace(project=SimpleNamespace(configs=configs))
        with Workbench(_store(tmp_path / str(len(silent)), silent)) as bench:
            unknown = contagion_scores(bench, neighbourhood(bench, nothing, DAY), frame, signals, DAY)
        assert list(unknown.enterprise) == ["A", "M2", "P1"]
        assert unknown[["contagion", "contagion_loss"]].isna().all(axis=None), "no ties told is not no ties"
        assert list(unknown.contagion_paths) == [[], [], []]
