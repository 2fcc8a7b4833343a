"""How do the frames of casework become the same bytes every time? Types depend on the column's name, never on its rows."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import pyarrow as pa

from riskengine.casework.night import Handled
from riskengine.monitor.frames import parquet_bytes

DAYS = (
    "opened_on",
    "raised_on",
    "stock_on",
    "since",
    "clock",
    "snoozed_until",
    "turned_on",
    "moved_on",
    "maturity",
    "due",
    "on",
    "ended_on",
    "day",
    "listed_on",
    "last_on",
    "compensated_on",
)
_NUMBERS = ("signals", "inhibited", "guarantees", "cases", "quiet_cases", "members", "rank", "acted", "number", "level", "nights",
            "days_left")  # fmt: skip
_AMOUNTS = ("pd", "pd_before", "pd_used", "limit", "value")
_MONEY = ("exposure", "expected_loss", "avoidable", "cost", "net", "loss_used", "at_stake")
_FLAGS = ("overdue", "overflow")


def casework_files(done: Handled) -> dict[str, tuple[bytes, int]]:
    """The tables of casework by file name: bytes, and how many rows."""
    frames = {
        "cases.parquet": done.cases,
        "ended.parquet": done.ended,
        "lines.parquet": done.lines,
        "overall.parquet": done.overall,
        "clusters.parquet": done.clusters,
        "events.parquet": done.events,
        "counts.parquet": done.counts,
        "digests.parquet": done.digests.items,
        "track.parquet": done.track,
    }
    numbered = {"digests.parquet": ("place",)}  # of a line it is a word
    return {name: (frame_bytes(frame, numbered.get(name, ())), len(frame)) for name, frame in frames.items()}


def frame_bytes(frame: pd.DataFrame, numbers: Collection[str] = ()) -> bytes:
    """One frame as Parquet: days, whole numbers, money to the cent and flags by their names, the rest as text."""
    kinds: dict[str, pa.DataType] = {}
    for name in map(str, frame.columns):
        if name in DAYS:
            kinds[name] = pa.date32()
        elif name in _MONEY:
            kinds[name] = pa.decimal128(18, 2)
        elif name in _AMOUNTS:
            kinds[name] = pa.float64()
        elif name in _NUMBERS or name in numbers:
            kinds[name] = pa.int64()
        elif name in _FLAGS or frame[name].dtype == bool:
            kinds[name] = pa.bool_()
        else:
            kinds[name] = pa.string()
    return parquet_bytes(frame, kinds)
