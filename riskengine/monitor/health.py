"""Which feeds are alive on a day, and how far back does what they tell reach? About the machine, not the enterprises.

A feed with a held file is down like a silent one: what it says cannot be known, so it clears no signal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd

from riskengine.clock import Span
from riskengine.decision.freshness import SPOKEN, state_of
from riskengine.intake.contract import SourceContract
from riskengine.profile.compute import Workbench
from riskengine.schema import Words
from riskengine.store.ledger import HeldFile

COLUMNS = (
    "source", "family", "title_en", "title_zh", "cadence", "rows", "last_event", "last_known", "days_silent",
    "silent_ratio", "stale_on", "stale", "state", "quarantined", "held",
)  # fmt: skip
CADENCE = {"daily": 1.0, "weekly": 7.0, "monthly": 31.0, "quarterly": 92.0, "yearly": 366.0}  # days
TO_DO = Words(
    en="ask the publisher for a corrected file or correct the contract, and leave the file in the inbox: every night tries again",
    zh="请发布方更正文件或修订数据源约定，文件留在收件箱，每晚自动重试",
)


def feeds(
    bench: Workbench,
    contracts: Mapping[str, SourceContract],
    as_of: date,
    quarantined: Mapping[str, int],
    held: Iterable[HeldFile] = (),
) -> pd.DataFrame:
    """One row a source of facts (COLUMNS), from the facts visible on `as_of`.

    `state` is `decision.freshness.state_of` the day something last became known; a feed that is expected to speak
    (`stale_after` is set) and never has counts as stale too, and so does one with a held file (state `held`).
    `quarantined` is what intake refused so far.
    """
    files = Counter(file.source for file in held)
    rows = [
        _feed(bench, contract, as_of, quarantined.get(name, 0)) | _held(files[name])
        for name, contract in sorted(contracts.items())
        if contract.role == "facts"
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def usual_interval(contract: SourceContract) -> float | None:
    """After how many days a feed usually speaks again; None where it is not expected to (no `stale_after`).

    [D] Its cadence, but never less than half of `stale_after`: what the contract calls silent too long is two usual
    intervals (domain page 5.2 DATA-01), and a daily list of rare events is quiet for weeks.
    """
    if not contract.stale_after:
        return None
    span = Span.parse(contract.stale_after)
    return max(CADENCE.get(contract.cadence, 0.0), (span.months * 30.4375 + span.days) / 2)


def stale_sources(health: pd.DataFrame) -> list[str]:
    """The sources whose silence has lasted too long, or that have a file held."""
    return sorted(health.source[health.stale == 1])


def held_lines(held: Iterable[HeldFile]) -> list[dict[str, Any]]:
    """The held files for the manifest and the page: source, file, day of arrival, first problem, how many, what to do."""
    return [
        {
            "source": file.source,
            "file": file.file,
            "received": str(file.received),
            "problem": file.first,
            "problems": len(file.problems),
            "to_do": TO_DO.en,
        }
        for file in held
    ]


def _held(files: int) -> dict[str, Any]:
    return {"held": files, "stale": 1, "state": "held"} if files else {"held": 0}


def _feed(bench: Workbench, contract: SourceContract, as_of: date, quarantined: int) -> dict[str, Any]:
    files = bench.facts(contract.name)
    found: Any = (0, None, None)
    if files:
        found = bench.connection.execute(
            f"""SELECT count(*) FILTER (standing), max(event_date) FILTER (standing), max(known_at) FILTER ({SPOKEN})
            FROM (SELECT *, superseded_at IS NULL OR superseded_at > ?::DATE AS standing FROM {files}
            WHERE known_at <= ?::DATE AND event_date <= ?::DATE AND NOT removed)""",
            [as_of, as_of, as_of],
        ).fetchone()
    rows, event, known = found
    state = state_of(contract.stale_after, known, as_of)
    expected = bool(contract.stale_after)
    stale_on = Span.parse(contract.stale_after).after(known) if expected and known else None
    stale = state == "stale" or (expected and state == "none known")
    return {
        "source": contract.name,
        "family": contract.family,
        "title_en": contract.title.en,
        "title_zh": contract.title.zh,
        "cadence": contract.cadence,
        "rows": int(rows),
        "last_event": event,
        "last_known": known,
        "days_silent": float((as_of - known).days) if known else float("nan"),
        "silent_ratio": _silent_ratio(contract, known, as_of),
        "stale_on": stale_on,
        "stale": int(stale),
        "state": state,
        "quarantined": quarantined,
    }


def _silent_ratio(contract: SourceContract, known: date | None, as_of: date) -> float:
    """Days silent over the usual interval; 0 without a rhythm, NaN where a feed with one has never spoken."""
    usual = usual_interval(contract)
    if usual is None:
        return 0.0
    return (as_of - known).days / usual if known else float("nan")
