"""Which files does a night publish for others to read? What `[outputs]` of `environment.toml` switches on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from riskengine.casework.digests import Digests
from riskengine.errors import Problem, UsageError, nearest
from riskengine.project import Environment
from riskengine.reports.export_calendar import Diary, reminders_ics
from riskengine.reports.export_digests import digest_json
from riskengine.reports.export_tables import LINES, REMINDERS, SIGNALS, table_csv
from riskengine.reports.export_workbook import digest_workbook

DEFAULTS = {"json": True, "csv": False, "xlsx": False, "ics": False}


@dataclass(frozen=True)
class Exported:
    """What is exported of a night: its frames as published, and its digests."""

    signals: pd.DataFrame
    reminders: pd.DataFrame
    ended: pd.DataFrame
    lines: pd.DataFrame
    digests: Digests


def outputs_on(environment: Environment) -> frozenset[str]:
    """The kinds of file that are switched on (json unless switched off); an unknown kind is a `UsageError`."""
    where = "environment.toml: outputs"
    hint = {name: f"Switch it in outputs.toml: [{name}] on = true" for name in ("webhook", "mail")}
    problems = [
        Problem(where, "a kind of file", repr(name), hint.get(name) or nearest(name, DEFAULTS))
        for name in environment.outputs
        if name not in DEFAULTS
    ]
    if problems:
        raise UsageError("environment.toml is not sound", problems)
    return frozenset(name for name, on in {**DEFAULTS, **environment.outputs}.items() if on)


def export_files(night: Exported, diary: Diary, as_of: date) -> dict[str, bytes]:
    """Name -> bytes of every file that is on; the same frames give the same bytes.

    `reminders.ics` holds what loses money and what is in tonight's digests, not the whole list.
    """
    on = outputs_on(diary.environment)
    files: dict[str, bytes] = {}
    if "json" in on:
        files["digest.json"] = digest_json(night.digests, as_of)
    if "csv" in on:
        files["reminders.csv"] = table_csv(night.reminders, REMINDERS)
        files["signals.csv"] = table_csv(night.signals, SIGNALS)
        files["lines.csv"] = table_csv(night.lines, LINES)
    if "xlsx" in on:
        files["digest.xlsx"] = digest_workbook(night.digests, as_of, diary.language)
    if "ics" in on:
        items = night.digests.items
        shown = set(items.loc[~items.overflow.astype("bool") & (items.kind == "reminder"), "item"])
        rows = night.reminders
        wanted = rows[(rows.loses != "") | rows["key"].isin(shown)]
        files["reminders.ics"] = reminders_ics(wanted, night.ended, diary, as_of)
    return files
