"""What can an officer see and say of reminders between two nights? The last publication, with what was said since."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from sqlalchemy.engine import Engine

from riskengine.errors import Problem, SetupError, UsageError, nearest
from riskengine.intake.personal import shown
from riskengine.monitor import publish
from riskengine.monitor.acknowledged import Ack, Kind, ReminderAct, folded, record, reminder_acts
from riskengine.monitor.frames import read_frame
from riskengine.project import Project
from riskengine.registry.actors import Actor

FILE, ENDED_FILE = "reminders.parquet", "reminders_ended.parquet"
NEEDS_WHY = ("done", "reopen")


@dataclass(frozen=True)
class Saying:
    """What is being said: the kind of act, the keys, why, by whom, when (UTC), and the day it counts from."""

    act: Kind
    keys: Sequence[str]
    why: str
    actor: Actor
    at: datetime
    on: date


def counted_day(project: Project, on: date | None, today: date) -> date:
    """The day an act counts from: today, or an earlier one where `environment.toml` allows it (`backdated_acts`).

    There it is the latest night's day if nothing is said: a sample's nights are years ago.
    """
    if on is None and project.environment.backdated_acts:
        return max((day for day in publish.days(project.store) if day <= today), default=today)
    if on is None or on == today:
        return today
    if on > today:
        raise UsageError("That day has not come", [Problem("--on", f"{today} or earlier", str(on))])
    if not project.environment.backdated_acts:
        hint = "Only sample projects with history: backdated_acts = true in configs/environment.toml"
        raise UsageError(
            "An act counts from the day it is done", [Problem("--on", str(today), str(on), hint)]
        )
    return on


def published(project: Project, as_of: date) -> tuple[date, pd.DataFrame]:
    """The reminders of the latest night up to a day, and its day; none published is a `SetupError`."""
    nights = [day for day in publish.days(project.store) if day <= as_of]
    if not nights:
        hint = "Run riskengine nightly first"
        raise SetupError(
            "No reminders yet", [Problem(str(project.store), f"a night up to {as_of}", "none", hint)]
        )
    found = publish.find(project.store, nights[-1])
    assert found is not None
    rows = read_frame(found, FILE)
    if "step" not in rows:
        hint = f"Run riskengine nightly --as-of {nights[-1]} again"
        raise SetupError(
            "The night is of an earlier version", [Problem(str(found.folder), "steps", "none", hint)]
        )
    return nights[-1], rows


def of_officer(rows: pd.DataFrame, wanted: str) -> tuple[pd.DataFrame, str]:
    """The reminders of an officer or desk (`GA` is also the desk `desk:GA`), and the nearest names where none has this one."""
    known = {str(one) for one in rows.officer.dropna() if one}
    for name in (shown(wanted), wanted, f"desk:{wanted}"):
        if name in known:
            return rows[rows.officer == name], ""
    return rows[:0], nearest(wanted, known) if known else "none"


def with_acts(rows: pd.DataFrame, acts: Mapping[str, Ack]) -> pd.DataFrame:
    """Published reminders with what was said since; what is done is left out, but for what loses money: `done`, by whom and why."""
    said = [acts.get(key) for key in rows["key"]]
    done = [ack is not None and ack.done for ack in said]
    kept = [not over or bool(loses) for over, loses in zip(done, rows.loses.fillna(""), strict=True)]
    made = rows.assign(
        acknowledged_by=pd.Series(
            [ack.by if ack else None for ack in said], dtype="object", index=rows.index
        ),
        acknowledged_on=pd.Series(
            [ack.on if ack else None for ack in said], dtype="object", index=rows.index
        ),
        acknowledged=[
            ack is not None and ack.step >= step for ack, step in zip(said, rows.step, strict=True)
        ],
        done=done,
        why=pd.Series(
            [ack.why if ack and ack.done else None for ack in said], dtype="object", index=rows.index
        ),
    )
    return made[kept].reset_index(drop=True)


def say(project: Project, ledger: Engine, saying: Saying) -> list[ReminderAct]:
    """Append what is said of published reminders and return what was new; every wrong key is listed in one `UsageError`."""
    night, rows = published(project, saying.on)
    steps = dict(zip(rows["key"], rows.step, strict=True))
    earlier = reminder_acts(ledger)
    known, now = {one["key"] for one in earlier}, folded(earlier)
    problems = []
    if saying.act in NEEDS_WHY and not saying.why.strip():
        problems.append(Problem("--why", "what shows it 依据", "nothing"))
    for key in saying.keys:
        done = key in now and now[key].done
        if key not in steps and key not in known:
            near = nearest(key, steps)
            hint = near if near.startswith("Did") else "riskengine reminders list shows the keys"
            problems.append(Problem(key, f"a reminder of the night of {night} 已发布的提醒", "none", hint))
        elif saying.act == "reopen" and not done:
            problems.append(Problem(key, "one that is done", "one that is open"))
        elif saying.act != "reopen" and done:
            hint = f"riskengine reminders reopen {shlex.quote(key)} --why ..."
            problems.append(Problem(key, "an open reminder", f"done by {now[key].by}", hint))
    if problems:
        raise UsageError("Nothing was recorded 未作任何登记", problems)
    acts = [
        ReminderAct(
            key,
            saying.act,
            saying.actor.name,
            saying.at,
            saying.on,
            int(steps.get(key, now[key].step if key in now else 0)),
            saying.why.strip(),
            saying.actor.account,
        )
        for key in dict.fromkeys(saying.keys)
    ]
    return record(ledger, acts)


def history(project: Project, ledger: Engine, key: str) -> list[dict[str, Any]]:
    """What was published and said of a reminder and of those it replaced, in order of days; an unknown key is a `UsageError`.

    One row each time it was new or raised, when it left and why, and each act.
    """
    found: list[dict[str, Any]] = []
    keys, asked = [key], set()
    while keys:
        one = keys.pop()
        asked.add(one)
        for row in _published(project, one):
            found.append(row)
            if row.get("replaces") and row["replaces"] not in asked:
                keys.append(row["replaces"])
        found += [
            {
                "day": act["on"],
                "key": one,
                "what": act["act"],
                "by": act["by"],
                "why": act["why"],
                "at": act["at"],
            }
            for act in reminder_acts(ledger, key=one)
        ]
    if not found:
        raise UsageError("No such reminder", [Problem(key, "the key of a published reminder", "none")])
    return sorted(found, key=lambda row: (row["day"], row["key"]))


def _published(project: Project, key: str) -> list[dict[str, Any]]:
    names = ["key", "due", "status", "state", "lead", "level", "step", "replaces"]
    found: list[dict[str, Any]] = []
    there = False
    for day in publish.days(project.store):
        path = project.store / "publications" / str(day) / FILE
        columns = [name for name in names if name in pq.read_schema(path).names]
        rows = pq.read_table(path, columns=columns, filters=[("key", "=", key)]).to_pylist()
        if rows and (not there or rows[0]["state"] != "continuing"):
            found.append({"day": day, "what": rows[0]["state"], **rows[0]})
        elif there and not rows:
            found.append({"day": day, "key": key, "what": "left", **_left(path.with_name(ENDED_FILE), key)})
        there = bool(rows)
    return found


def _left(path: Any, key: str) -> dict[str, Any]:
    """Why it left, where the night says so."""
    if not path.exists():
        return {}
    rows = pq.read_table(path, columns=["why", "replaced_by"], filters=[("key", "=", key)]).to_pylist()
    return dict(rows[0]) if rows else {}
