"""Small nights for the tests of cases: signals, rules, books."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from riskengine.casework.case_rules import CaseFile, CaseRules
from riskengine.monitor.evaluate import COLUMNS

DAY = date(2026, 6, 28)
D = {"from": date(2026, 1, 1), "reference": "test", "evidence": "D"}
RULES: dict[str, Any] = {
    "overdue": "overdue_days",
    "maturity": "guarantee_end",
    "compensated": ["compensation"],
    "remember": 400,
    "root": [
        {"id": "court", "title": {"en": "Court", "zh": "法院"}, "signals": ["J01", "J02", "J03"], "same": ["case_no"]},
        {"id": "sales", "title": {"en": "Sales", "zh": "销售"}, "signals": ["T01", "T02"]},
    ],
    "inhibit": [{**D, "red": ["L07"], "silences": ["sales", "PD"]}],
    "escalate": [
        {**D, "id": "three-yellow", "title": {"en": "3", "zh": "3"}, "severity": "yellow", "least": 3, "days": 30, "to": "orange"},
        {**D, "id": "two-orange", "title": {"en": "2", "zh": "2"}, "severity": "orange", "least": 2, "days": 30, "to": "red"},
        {**D, "id": "late", "title": {"en": "late", "zh": "逾期"}, "severity": "orange", "overdue": True, "to": "red"},
    ],
    "cool_down": [{**D, "blue": 90, "yellow": 60, "orange": 30}],
    "cluster": [{**D, "days": 30, "severity": "orange", "least": 3, "most": 4, "hub": 3, "weight": 0.1,
                 "kinds": ["control", "same_controller", "counterparty"]}],
}  # fmt: skip


def rules(**changes: Any) -> CaseRules:
    return CaseRules(CaseFile.model_validate({**RULES, **changes}))


def row(signal: str, unit: str, enterprise: str, severity: str = "yellow", **more: Any) -> dict[str, Any]:
    """One signal; `cases` are case numbers in its evidence, from a source named after the signal."""
    cases: Sequence[str] = more.pop("cases", ())
    evidence = {
        "rows": [
            {"source": f"feed_{signal}", "keys": {"case_no": one, "uscc": enterprise}, "event_date": "2026-06-01",
             "known_at": "2026-06-02"}
            for one in cases
        ],
        "of": len(cases),
    }  # fmt: skip
    told: dict[str, Any] = {
        **dict.fromkeys(COLUMNS),
        "about": "guarantee", "id": unit, "enterprise": enterprise, "signal": signal, "severity": severity,
        "worst": severity, "state": "new", "first_seen": DAY, "raised_on": DAY, "clear_days": 0, "overdue": False,
        "guarantees": 1, "exposure": 100.0, "expected_loss": 1.0, "text_en": f"{signal} en", "text_zh": f"{signal} zh",
        "evidence": json.dumps(evidence) if cases else None,
    }  # fmt: skip
    return {**told, **more}


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    columns = {
        name: pd.Series([one[name] for one in rows], dtype="object").astype(kind)
        for name, kind in COLUMNS.items()
    }
    return pd.DataFrame(columns)


def book(rows: Sequence[Mapping[str, Any]], **overdue: float) -> pd.DataFrame:
    """The guarantees that the signals speak of, each once; `overdue` gives days by id."""
    found = {one["id"]: one for one in rows if one["about"] == "guarantee"}
    made = {
        "id": list(found), "enterprise_id": [one["enterprise"] for one in found.values()],
        "exposure": [one["exposure"] for one in found.values()],
        "expected_loss": [one["expected_loss"] for one in found.values()],
        "pd": [0.1] * len(found), "pd_before": [0.1] * len(found), "grade": ["5"] * len(found),
        "overdue_days": [float(overdue.get(name, 0)) for name in found],
        "guarantee_end": [date(2027, 1, 1)] * len(found), "label": [f"name of {one['enterprise']}" for one in found.values()],
    }  # fmt: skip
    return pd.DataFrame(made)
