"""A project of two tiny nights, written by hand: cases of every severity, published as the night publishes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from riskengine.casework.acts import Ask, CaseAct, Rules, perform
from riskengine.casework.desk import Desk
from riskengine.casework.standing import Tonight, standings, stood
from riskengine.casework.states import Move
from riskengine.monitor import publish
from riskengine.monitor.deadlines import read_deadlines
from riskengine.monitor.frames import parquet_bytes, read_frame
from riskengine.project import Project
from riskengine.registry.actors import Actor
from riskengine.working_days import read_calendar

ROOT = Path(__file__).parents[2]
DEADLINES = read_deadlines(ROOT / "configs" / "deadlines.toml").model_copy(update={"stock": ""})
CHINA = read_calendar("CN")
FRIDAY = date(2026, 6, 26)  # after a holiday's end; Saturday and Sunday are free
MONDAY = date(2026, 6, 29)
ENVIRONMENT = """
name = "desk"
currency = "CNY"
language = "{language}"
declared_actors = true
backdated_acts = {backdated}
[title]
en = "Desk"
zh = "处置台"
"""
FLOORS = '[[floor]]\nid = "FLOOR-GONE"\n[[floor]]\nid = "FLOOR-CLASS"\n'
RED, YELLOW, BLUE, OTHER = "C1A0000000", "C2B0000000", "C2C0000000", "C3D0000000"


def case(name: str, severity: str, **changes: Any) -> dict[str, Any]:
    """A row of `cases` with everything the lifecycle reads."""
    row = {
        "case": name,
        "enterprise": f"E-{name[:2]}",
        "unit": f"E-{name[:2]}",
        "title_en": "Court case",
        "title_zh": "涉诉",
        "severity": severity,
        "worst": severity,
        "fact": "new",
        "opened_on": FRIDAY,
        "raised_on": FRIDAY,
        "signals": 1,
        "exposure": 100.0,
        "expected_loss": 1.0,
        "text_en": "a new case",
        "text_zh": "新增案件",
        "evidence_hash": "h1",
        "turned": None,
    }
    return row | changes


def cases_of(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Rows as a frame."""
    return pd.DataFrame([dict(row) for row in rows]).astype({"turned": "object"})


FIRST = (case(RED, "red"), case(YELLOW, "yellow"), case(BLUE, "blue"), case(OTHER, "orange"))


def project(folder: Path, language: str = "zh", backdated: bool = True) -> Project:
    """A project with the default deadlines and two floors, its store empty."""
    for room in ("features", "models", "configs"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    text = ENVIRONMENT.format(language=language, backdated=str(backdated).lower())
    (folder / "configs" / "environment.toml").write_text(text, encoding="utf-8")
    (folder / "configs" / "floors.toml").write_text(FLOORS, encoding="utf-8")
    text = (ROOT / "configs" / "deadlines.toml").read_text(encoding="utf-8")
    deadlines = re.sub(r"(?m)^stock = .*\n", "", text)
    (folder / "configs" / "deadlines.toml").write_text(deadlines, encoding="utf-8")
    return Project(folder)


def night(
    made: Project,
    as_of: date,
    rows: Sequence[Mapping[str, Any]],
    happened: Mapping[str, tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Publish a night of these facts as the pipeline will: standings of the acts, events, and files."""
    desk = Desk(made)
    days = [day for day in publish.days(made.store) if day < as_of]
    earlier = publish.find(made.store, days[-1]) if days else None
    before = read_frame(earlier, "cases.parquet") if earlier else None
    merged = {name: after for name, (event, after) in (happened or {}).items() if event == "merged"}
    tonight = Tonight(as_of, DEADLINES, CHINA, before, days[-1] if days else None, merged)
    cases, events = stood(cases_of(*rows), standings(desk.ledger, as_of), tonight)
    told = [
        {
            "on": as_of,
            "case": name,
            "event": event,
            "before": name,
            "after": after,
            "detail_en": event,
            "detail_zh": event,
        }
        for name, (event, after) in (happened or {}).items()
    ]
    events = pd.concat([events, pd.DataFrame(told)], ignore_index=True) if told else events
    lines = pd.DataFrame(
        {
            "enterprise": cases.enterprise,
            "name": "甲 " + cases.enterprise,
            "institution": "I1",
            "officer": ["zhang", *["li"] * (len(cases) - 1)],
            "rank": range(1, len(cases) + 1),
            "place": "act",
        }
    )
    signals = pd.DataFrame(
        {
            "signal": "J01",
            "about": "enterprise",
            "id": cases.enterprise,
            "severity": cases.severity,
            "state": "new",
            "text_en": cases.text_en,
            "text_zh": cases.text_zh,
            "evidence": '[{"case_no": "2026-1"}]',
            "case": cases.case,
        }
    )
    dates = {name: pa.date32() for name in ("opened_on", "since", "snoozed_until", "clock", "on")}
    files = {
        f"{name}.parquet": parquet_bytes(frame, {k: v for k, v in dates.items() if k in frame})
        for name, frame in (("cases", cases), ("events", events), ("lines", lines), ("signals", signals))
    }
    with publish.lock(made.store):
        publish.publish(made.store, as_of, {"as_of": str(as_of)}, files, {})
    return events


def rules(name: str, alone: bool = False) -> Rules:
    """Somebody's."""
    return Rules(Actor(name), DEADLINES, CHINA, alone)


def do(
    made: Project, who: str, cases: Sequence[str], action: str, at: datetime, **asked: Any
) -> list[CaseAct]:
    """An act of a person at a local time."""
    desk = Desk(made)
    move = Move(action, "", at.date(), **asked)
    asks = [Ask(move, at, desk.find(one, at.date()).seen) for one in cases]
    return perform(desk.ledger, asks, rules(who))


def command(made: Project, who: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, as its own process."""
    environment = os.environ | {"RISKENGINE_ACTOR": who, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "riskengine", "--project", str(made.root), "signals", *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=made.root,
        check=False,
    )
