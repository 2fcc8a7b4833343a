"""What is to be delivered to whom, and what became of it: exactly recorded, delivered at least once?

A message is queued under its key (`kind|officer|day|hash of the payload`): queueing it again does nothing; another text of
the same digest, or one of a later day, replaces what is not yet out to the same officer by the same way (`superseded`), and
what is older than that is not queued any more: nobody wants last week's list beside today's. A sender claims a message for a while in one
transaction, delivers it, and records the end in another. A sender killed between the two leaves the claim to run out, and
the message is delivered again with the same key: at least once, so the receiver drops repetitions by `Idempotency-Key` (mail:
`Message-ID`). Nothing is marked sent that was not accepted, and nothing accepted is ever marked otherwise.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskengine.schema import canonical_json

QUEUED, SENT, FAILED, SUPERSEDED = "queued", "sent", "failed", "superseded"
CLAIM = timedelta(minutes=15)
LIMIT = timedelta(minutes=10)  # of one delivery with all its tries (`channels`): a claim is never outrun
FRESH = timedelta(
    days=3
)  # a night that is worked off later than that tells nobody what to do today; own choice [D]
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
log = logging.getLogger("riskengine.outbox")
_META = sa.MetaData()
OUTBOX = sa.Table(
    "outbox",
    _META,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("officer", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("queued_at", sa.Text, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),  # when it may be tried (again), UTC
    sa.Column("claimed_until", sa.Text, nullable=False),
    sa.Column("sent_at", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Message:
    """One digest for one officer by one way (`webhook`, `mail`); `payload` is JSON: what is delivered."""

    kind: str
    officer: str
    day: date
    payload: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The payload's one text."""
        return canonical_json(self.payload)

    @property
    def key(self) -> str:
        """The idempotency key."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:16]
        return f"{self.kind}|{self.officer}|{self.day}|{digest}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a delivery came to: `error` is empty where it was accepted."""

    key: str
    error: str = ""


def worth_sending(day: date, latest: date, today: date, within: timedelta = FRESH) -> bool:
    """Whether a night's digests tell anybody what to do: no later night is published (`latest`), and it is fresh.

    >>> worth_sending(date(2026, 6, 26), date(2026, 6, 26), date(2026, 6, 29))
    True
    >>> worth_sending(date(2016, 6, 30), date(2016, 6, 30), date(2026, 6, 29))
    False
    """
    return latest <= day and today - day <= within


def enqueue(
    ledger: Engine, messages: Iterable[Message], at: datetime, latest: date | None = None
) -> list[str]:
    """Queue what is not there yet, in one transaction; return its keys. Call it after publishing, as often as you like.

    `latest`: the last night published; what is not `worth_sending` then (a backfill, a night published again) is not
    queued, and the log says so. Without it every day is.
    """
    told = list(messages)
    wanted = [one for one in told if latest is None or worth_sending(one.day, latest, at.date())]
    if len(wanted) < len(told):
        days = ", ".join(sorted({str(one.day) for one in told} - {str(one.day) for one in wanted}))
        log.info("%d digest(s) of %s are not sent: that night is over", len(told) - len(wanted), days)
    added = []
    with ledger.begin() as connection:
        _META.create_all(connection)
        for one in wanted:
            key = one.key
            row = OUTBOX.c.key == key
            same = sa.and_(OUTBOX.c.kind == one.kind, OUTBOX.c.officer == one.officer)
            later = sa.select(sa.func.count()).where(same, OUTBOX.c.day > one.day)
            if connection.execute(later).scalar():
                continue
            others = sa.and_(same, ~row, OUTBOX.c.state.in_((QUEUED, FAILED)))
            connection.execute(sa.update(OUTBOX).where(others).values(state=SUPERSEDED))
            state = connection.execute(sa.select(OUTBOX.c.state).where(row)).scalar()
            if state is not None and state != SUPERSEDED:
                continue
            fresh = {"state": QUEUED, "not_before": "", "last_error": ""}
            if state == SUPERSEDED:  # the text of before is tonight's again
                connection.execute(sa.update(OUTBOX).where(row).values(**fresh))
            else:
                named = {"kind": one.kind, "officer": one.officer, "day": one.day, "payload": one.text}
                times = {"queued_at": at.isoformat(), "claimed_until": "", "sent_at": ""}
                connection.execute(sa.insert(OUTBOX), {"key": key, **named, **fresh, **times, "attempts": 0})
            added.append(key)
    return added


def listed(ledger: Engine, state: str = "") -> list[dict[str, Any]]:
    """The messages (in a state) by day, officer and kind, without their payloads; none where nothing was ever queued."""
    columns = [column for column in OUTBOX.c if column.name != "payload"]
    query = sa.select(*columns).order_by(OUTBOX.c.day, OUTBOX.c.officer, OUTBOX.c.kind, OUTBOX.c.queued_at)
    with ledger.connect().execution_options(reading=True) as connection:
        if not sa.inspect(connection).has_table(OUTBOX.name):
            return []
        rows = connection.execute(query.where(OUTBOX.c.state == state) if state else query).mappings()
        return [dict(row) for row in rows]


def open_messages(ledger: Engine, at: datetime, kinds: Iterable[str], again: bool = False) -> list[str]:
    """The keys that may be sent at an instant, the oldest day first; `again`: failed ones too whose wait is not over."""
    now, wanted = at.isoformat(), set(kinds)
    return [
        row["key"]
        for row in listed(ledger)
        if row["state"] in (QUEUED, FAILED)
        and row["kind"] in wanted
        and (again or row["not_before"] <= now)
        and row["claimed_until"] <= now
    ]


def send(
    ledger: Engine, key: str, deliver: Callable[[Message, str], None], clock: Callable[[], datetime]
) -> Sent | None:
    """Claim one message, deliver it and record what came of it; None where another sender has it or it is out already.

    `deliver(message, key)` returns when the other side has accepted it and raises `DeliveryError` otherwise.
    """
    message = _claimed(ledger, key, clock())
    if message is None:
        return None
    try:
        deliver(message, key)
    except DeliveryError as error:
        _failed(ledger, key, str(error), clock())
        return Sent(key, str(error))
    with ledger.begin() as connection:
        ended = {"state": SENT, "sent_at": clock().isoformat(), "last_error": "", "claimed_until": ""}
        connection.execute(
            sa.update(OUTBOX).where(OUTBOX.c.key == key).values(**ended, attempts=OUTBOX.c.attempts + 1)
        )
    return Sent(key)


class DeliveryError(Exception):
    """The other side did not accept a message; `lasting`: trying again at once cannot help."""

    def __init__(self, text: str, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


def _claimed(ledger: Engine, key: str, at: datetime) -> Message | None:
    with ledger.begin() as connection:
        free = sa.and_(
            OUTBOX.c.key == key,
            OUTBOX.c.state.in_((QUEUED, FAILED)),
            OUTBOX.c.claimed_until <= at.isoformat(),
        )
        claim = sa.update(OUTBOX).where(free).values(claimed_until=(at + CLAIM).isoformat())
        if connection.execute(claim).rowcount != 1:
            return None
        return _message(connection, key)


def _message(connection: Connection, key: str) -> Message:
    row = connection.execute(sa.select(OUTBOX).where(OUTBOX.c.key == key)).mappings().one()
    return Message(row["kind"], row["officer"], row["day"], json.loads(row["payload"]))


def _failed(ledger: Engine, key: str, error: str, at: datetime) -> None:
    with ledger.begin() as connection:
        query = sa.select(OUTBOX.c.attempts).where(OUTBOX.c.key == key)
        attempts = int(connection.execute(query).scalar_one()) + 1
        wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 16), LONGEST_WAIT)
        told = {"attempts": attempts, "last_error": error[:500], "claimed_until": ""}
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.key == key, OUTBOX.c.state.in_((QUEUED, FAILED)))
            .values(**told, not_before=(at + wait).isoformat(), state=FAILED)
        )
