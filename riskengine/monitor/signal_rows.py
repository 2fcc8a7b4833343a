"""What is a night's signal: its columns, its states, and what an evaluation knows besides the book?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from riskengine.monitor.signals import SEVERITIES

COLUMNS = {
    "about": "object", "id": "object", "enterprise": "object", "signal": "object", "severity": "object",
    "severity_before": "object", "band": "object", "state": "object", "first_seen": "object", "raised_on": "object",
    "worst": "object", "clear_since": "object", "clear_on": "object", "clear_days": "int64", "due": "object",
    "overdue": "bool", "feature": "object", "value": "float64", "limit": "float64", "guarantees": "int64",
    "exposure": "float64", "expected_loss": "float64", "text_en": "object", "text_zh": "object", "evidence": "str",
    "evidence_key": "object",
}  # fmt: skip
ENDED = ("about", "id", "enterprise", "signal", "severity", "first_seen", "why", "text_en", "text_zh")
NEW, CONTINUING, HELD, RENEWED = "new", "continuing", "held", "renewed"
EASING = "easing"  # still true, at a lower band than its severity, and not yet for long enough
CLEARING, TO_CONFIRM, WITHDRAWN = "clearing", "to confirm", "withdrawn"
KEPT = (CLEARING, TO_CONFIRM, WITHDRAWN)  # waits for its days or for a person
SAID = ("text_en", "text_zh", "value", "limit", "feature", "evidence", "evidence_key")
NUMBER: Mapping[Any, int] = {name: number for number, name in enumerate(SEVERITIES)}


@dataclass(frozen=True)
class Night:
    """What an evaluation knows besides the frame: the day, the keys, the signals before, features that are down, feeds.

    `released` and `withdrawn` name signals by (signal, about, id): what persons released since it was raised, and those of
    which the publisher took back every row shown (`withdrawn.taken_back`). `rules_day`: the day whose limits and
    definitions count where that is another than `as_of` (a back-test asks today's catalogue of earlier nights).
    """

    as_of: date
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    previous: pd.DataFrame | None = None  # signals of the publication before
    stale: frozenset[str] = frozenset()
    feeds: pd.DataFrame | None = None  # health.feeds, for signals about a source
    never_ends: tuple[str, ...] = ()  # severities that only a person lowers or ends (`Deadlines.never_ends`)
    released: frozenset[tuple[str, str, str]] = frozenset()
    withdrawn: frozenset[tuple[str, str, str]] = frozenset()
    rules_day: date | None = None

    @property
    def rules(self) -> date:
        """The day whose limits and definitions count."""
        return self.rules_day or self.as_of


@dataclass(frozen=True)
class Told:
    """Of each row: the severity that holds and the highest that is open (-1: none), and by what the former was decided."""

    level: Any
    open: Any
    value: Any
    limit: Any
    feature: Any


def alike(text: str | None, size: int) -> Any:
    """So many rows of one text: the same object in each, where `numpy.full` would make one for each."""
    made = np.empty(size, dtype="object")
    made.fill(text)
    return made


def waiting(signals: pd.DataFrame) -> Any:
    """Which rows are no longer true and not yet ended; what waits for a person at a lower band (`band` known) is still true."""
    kept = signals.state.isin(KEPT)
    return kept & signals.band.isna() if "band" in signals else kept


def empty() -> pd.DataFrame:
    """A frame of no signals."""
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in COLUMNS.items()})


def none_ended() -> pd.DataFrame:
    """A frame of nothing that ended."""
    return pd.DataFrame({name: pd.Series([], dtype="object") for name in ENDED})


def ended(rows: pd.DataFrame, why: Any) -> pd.DataFrame:
    """Rows of signals as rows of what ended, each with why (one for all, or one each)."""
    return rows.assign(why=why)[list(ENDED)]


def signals_before(previous: pd.DataFrame | None) -> pd.DataFrame:
    """The signals before with every column; what an older publication does not say is as it was first seen."""
    if previous is None:
        return empty()
    told = previous.reindex(columns=list(COLUMNS))
    missing = previous.columns.intersection(["raised_on"]).empty
    told["raised_on"] = told.first_seen if missing else told.raised_on
    if "band" not in previous.columns:
        told["band"] = told.severity.astype("object").where(~told.state.isin(KEPT), None)
    told["overdue"] = told.overdue.eq(True)
    told["worst"] = told.worst.where(told.worst.notna(), told.severity)
    told["clear_days"] = told.clear_days.fillna(0)
    return told.astype(dict(COLUMNS))


def together(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Frames one below the other; empty ones do not change a column's kind."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts[:1], ignore_index=True)[columns]


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """The highest severity first, then by signal, what it is about, and id."""
    rank = rows.severity.map({name: -n for n, name in enumerate(SEVERITIES)})
    return (
        rows.assign(_rank=rank)
        .sort_values(["_rank", "signal", "about", "id"], kind="stable")
        .drop(columns="_rank")
        .reset_index(drop=True)
    )
