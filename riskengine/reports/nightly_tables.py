"""Which tables and exports does a night publish, and what does the manifest say of them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskengine.casework.channels import read_channels
from riskengine.casework.files import casework_files, frame_bytes
from riskengine.casework.night import Handled
from riskengine.casework.outbox import Message
from riskengine.casework.rulebook import Rulebook
from riskengine.monitor import frames
from riskengine.monitor.health import held_lines
from riskengine.monitor.publish import Publication
from riskengine.monitor.watch import Watch
from riskengine.monitor.work import Work
from riskengine.reports.export_calendar import Diary
from riskengine.reports.export_digests import messages
from riskengine.reports.export_files import Exported, export_files


def table_files(rules: Rulebook, night: Work, done: Handled) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The tables of a night and the exports that are switched on, by file name; and the manifest's entries about them."""
    dates = [name for name, kind in rules.watch.vocabulary.features.items() if kind == "date"]
    tables = {
        "scores.parquet": (frames.scores_bytes(done.book, dates), len(done.book)),
        "signals.parquet": (frames.signals_bytes(done.signals), len(done.signals)),
        "reminders.parquet": (frames.reminders_bytes(done.reminders), len(done.reminders)),
        "reminders_ended.parquet": (frame_bytes(night.plan.ended), len(night.plan.ended)),
        "quiet.parquet": (frames.parquet_bytes(night.quiet, {}), len(night.quiet)),
        **casework_files(done),
    }
    exported = Exported(done.signals, done.reminders, night.plan.ended, done.lines, done.digests)
    files = {name: data for name, (data, _) in tables.items()}
    files |= export_files(exported, diary_of(rules.watch), night.as_of)
    facts = {
        "rows": {name: rows for name, (_, rows) in tables.items()},
        "counts": {**night.counts, **_counted(done)},
        "fresh": done.fresh,
        "exposure": _sum(done.book.exposure),
        "expected_loss": _sum(done.book.expected_loss),
        "loss_used": _sum(done.book.loss_used),
        "health": plain(night.health),
        "held": held_lines(night.held),
        "signals": plain(night.evaluation.counts),
        "reminders": plain(night.plan.counts),
        "digests": [{name: str(value) for name, value in head.items()} for head in done.digests.heads],
    }
    return files, facts


def to_send(watch: Watch, publication: Publication) -> list[Message]:
    """What is to be queued of a published night: the digests by each way that `outputs.toml` switches on."""
    return messages(publication, read_channels(watch.project.configs), diary_of(watch))


def diary_of(watch: Watch) -> Diary:
    """What calendars and letters need of a project."""
    environment = watch.project.environment
    return Diary({one.id: one for one in watch.reminders}, watch.calendar, environment, environment.language)


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON values: whole numbers and texts as they are, anything else as text, unknown as null."""
    return [
        {str(name): None if pd.isna(value) else value if isinstance(value, (int, str)) else str(value)
         for name, value in row.items()}
        for row in frame.astype("object").to_dict("records")
    ]  # fmt: skip


def _counted(done: Handled) -> dict[str, Any]:
    places: Mapping[Any, Any] = done.lines.place.value_counts().to_dict()
    return {
        "cases": len(done.cases),
        "lines": len(done.lines),
        **{f"lines_{name.replace(' ', '_')}": int(places.get(name, 0)) for name in ("act", "overflow", "costs more than it saves")},
        "clusters": len(done.clusters),
        "events": len(done.events),
    }  # fmt: skip


def _sum(amounts: Any) -> str:
    return f"{amounts.fillna(0).sum():.2f}"
