"""What have officers said of reminders: seen, done, not done after all?

Rows of `reminder_acts` in the ledger are appended and never changed; the transaction that writes one puts its hash into the
audit chain (`verify`, which `riskengine audit` runs). The night only reads them: acts that count from a day
up to its own are among its inputs (`acts_hash`), so a killed night reruns to the same bytes. What was said of a key last
holds. An acknowledgement speaks of the step that was published when it was given: at the next lead or level the reminder
asks again. `done` holds for good, or until it is opened again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskengine.errors import IntegrityError, Problem
from riskengine.schema import fingerprint
from riskengine.store.ledger import AUDIT, Act, append_act, reading

SUBJECT = "reminder "
Kind = Literal["ack", "done", "reopen"]
_META = sa.MetaData()
REMINDER_ACTS = sa.Table(
    "reminder_acts",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("on", sa.Date, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ReminderAct:
    """What somebody said of a reminder: `at` (UTC) it was said, `on` the day it counts from, `step` the one it speaks of."""

    key: str
    act: Kind
    by: str
    at: datetime
    on: date
    step: int = 0
    why: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """What holds of a reminder: by whom, from which day, up to which step, whether it is done."""

    by: str
    on: date
    step: int
    done: bool = False
    why: str = ""


def record(ledger: Engine, acts: Sequence[ReminderAct]) -> list[ReminderAct]:
    """Append what is new, in one transaction, and return it.

    A person who said the very same of the same step already says nothing new, also where two commands run at once.
    """
    new: list[ReminderAct] = []
    with ledger.begin() as connection:
        _META.create_all(connection)
        for one in acts:
            last = _rows(connection, key=one.key)[-1:]
            if last and _same(last[0], one):
                continue
            row = {name: getattr(one, name) for name in ("key", "act", "step", "by", "account", "on", "why")}
            row |= {"at": one.at.isoformat()}
            made = connection.execute(sa.insert(REMINDER_ACTS), row).inserted_primary_key
            seq = int(made[0]) if made else 0
            detail = {
                "seq": seq,
                "on": one.on.isoformat(),
                "why": one.why,
                "row": fingerprint({**row, "seq": seq}),
            }
            append_act(connection, Act(one.at, one.by, one.act, SUBJECT + one.key, detail))
            new.append(one)
    return new


def verify(ledger: Engine) -> int:
    """Check each act against the audit chain, both ways; `IntegrityError` lists what was edited, removed or put in.

    The chain itself is `store.ledger.verify_audit`'s to check. Returns how many acts there are.
    """
    rows = {int(one["seq"]): fingerprint(one) for one in reminder_acts(ledger)}
    with reading(ledger) as connection:
        query = sa.select(AUDIT.c.detail).where(AUDIT.c.subject.startswith(SUBJECT))
        details = [json.loads(row.detail) for row in connection.execute(query)]
    chained: dict[int, list[str]] = {}  # twice the same number: the first was removed
    for one in details:
        chained.setdefault(int(one["seq"]), []).append(str(one["row"]))
    hint = "Restore state.db from a copy: the chain says what was said"
    problems = [
        Problem(
            f"reminder_acts {seq}",
            f"the row of hash {', '.join(chained.get(seq, ['none']))}",
            rows.get(seq, "no row"),
            hint,
        )
        for seq in sorted({*rows, *chained})
        if [rows.get(seq)] != chained.get(seq)
    ]
    if problems:
        raise IntegrityError("Acts about reminders were changed by hand 提醒操作记录被改动", problems)
    return len(rows)


def reminder_acts(ledger: Engine, as_of: date | None = None, key: str = "") -> list[dict[str, Any]]:
    """The acts (that count by a day; of one key) in the order in which they were given; none where nothing was ever said."""
    with reading(ledger) as connection:
        if not sa.inspect(connection).has_table(REMINDER_ACTS.name):
            return []
        return _rows(connection, as_of, key)


def acknowledged(ledger: Engine, as_of: date) -> dict[str, Ack]:
    """Key -> what holds of it on a day. Nothing is written."""
    return folded(reminder_acts(ledger, as_of))


def folded(acts: Sequence[Mapping[str, Any]]) -> dict[str, Ack]:
    """Key -> what its acts, in order, leave; a reopened one has nothing said of it."""
    found: dict[str, Ack] = {}
    for one in acts:
        if one["act"] == "reopen":
            found.pop(one["key"], None)
        else:
            found[one["key"]] = Ack(one["by"], one["on"], one["step"], one["act"] == "done", one["why"])
    return found


def acts_hash(ledger: Engine, as_of: date) -> str:
    """The name of all that was said by a day, for the inputs of its night; empty where nothing was."""
    acts = reminder_acts(ledger, as_of)
    said = [{name: one[name] for name in ("key", "act", "step", "by", "on", "why")} for one in acts]
    return fingerprint(said) if said else ""


def _rows(connection: Connection, as_of: date | None = None, key: str = "") -> list[dict[str, Any]]:
    query = sa.select(REMINDER_ACTS).order_by(REMINDER_ACTS.c.seq)
    if as_of is not None:
        query = query.where(REMINDER_ACTS.c.on <= as_of)
    if key:
        query = query.where(REMINDER_ACTS.c.key == key)
    return [dict(row) for row in connection.execute(query).mappings()]


def _same(row: Mapping[str, Any], act: ReminderAct) -> bool:
    said = (act.act, act.step, act.by, act.why)
    return (row["act"], row["step"], row["by"], row["why"]) == said and row["on"] <= act.on
