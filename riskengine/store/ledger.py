"""What has been taken in, refused, run and done, by whom and when?

Tables in `state.db` (SQLite, WAL, `synchronous=FULL`), or at any SQLAlchemy URL. A batch is written `pending` before its
facts and `complete` after they are published, so a killed intake can be finished or forgotten, never counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from riskengine.errors import IntegrityError, Problem
from riskengine.schema import canonical_json, fingerprint

_META = sa.MetaData()

BATCHES = sa.Table(
    "batches",
    _META,
    sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("received", sa.Date, nullable=False),
    sa.Column("rows_in", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("quarantined", sa.Integer, nullable=False),
    sa.Column("duplicates", sa.Integer, nullable=False),
    sa.Column("quarantine_by_rule", sa.JSON, nullable=False),
    sa.Column("first_event", sa.Date),
    sa.Column("last_event", sa.Date),
    sa.Column("state", sa.Text, nullable=False),
)
QUARANTINE = sa.Table(
    "quarantine",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("batch", sa.Integer, sa.ForeignKey("batches.batch"), nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("column", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("value", sa.Text),
    sa.Column("raw", sa.Text, nullable=False),
)
HELD = sa.Table(
    "held",
    _META,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("received", sa.Date, nullable=False),
    sa.Column("problems", sa.JSON, nullable=False),
)
RUNS = sa.Table(
    "runs",
    _META,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started", sa.DateTime, nullable=False),
    sa.Column("finished", sa.DateTime),
    sa.Column("inputs", sa.Text, nullable=False),
)
EARLIER_RUNS = sa.Table(  # attempts that were started over
    "earlier_runs",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(column.name, column.type) for column in RUNS.columns),
)
AUDIT = sa.Table(
    "audit",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
CASE_ACTS = sa.Table(  # what officers did with cases (casework/acts.py); rows are only ever added
    "case_acts",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("case", sa.Text, nullable=False, index=True),
    sa.Column(
        "number", sa.Integer, nullable=False
    ),  # of the case's acts: two writers cannot both write the n-th
    sa.Column("enterprise", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("on", sa.Date, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("phase_before", sa.Text, nullable=False),
    sa.Column("phase_after", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("evidence_hash", sa.Text, nullable=False),
    sa.Column("due", sa.Text),
    sa.Column("breached", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.UniqueConstraint("case", "number"),
)


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One file taken in: what came, what became of it. `state` is `pending` or `complete`."""

    batch: int
    source: str
    file: str
    sha256: str
    contract: str
    received: date
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    quarantine_by_rule: dict[str, int]
    first_event: date | None
    last_event: date | None
    state: str = "pending"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One broken rule of one row: file row (1-based, header not counted), column, rule, value, the raw row as JSON."""

    row: int
    column: str
    rule: str
    value: str | None
    raw: str


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A delivery whose structure is wrong: nothing of it was taken in, and each night tries it again.

    `sha256` is empty where the file cannot be read; `problems` are (where, expected, got, next), never none.
    """

    source: str
    file: str
    sha256: str
    received: date
    problems: tuple[tuple[str, str, str, str], ...]

    @property
    def first(self) -> str:
        """The first problem in a line."""
        return str(Problem(*self.problems[0]))


def open_ledger(root: Path, url: str = "") -> Engine:
    """The ledger of a store: `state.db` in `root`, or the database at `url`; tables are made where absent."""
    root.mkdir(parents=True, exist_ok=True)
    where = url or f"sqlite:///{root / 'state.db'}"
    engine = sa.create_engine(where, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    _META.create_all(engine)
    return engine


def next_batch(ledger: Engine) -> int:
    """The number after the highest batch, starting at 1."""
    with reading(ledger) as connection:
        return (
            int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(BATCHES.c.batch), 0))).scalar_one())
            + 1
        )


def begin_batch(ledger: Engine, record: BatchRecord, refusals: Sequence[Refusal]) -> None:
    """Record a batch as pending together with everything it refused, in one transaction."""
    with ledger.begin() as connection:
        connection.execute(sa.insert(BATCHES), asdict(record))
        if refusals:
            place = {"batch": record.batch, "source": record.source, "file": record.file}
            connection.execute(sa.insert(QUARANTINE), [asdict(refusal) | place for refusal in refusals])


def finish_batches(ledger: Engine, batches: Iterable[int]) -> None:
    """Mark batches complete: their facts are published."""
    with ledger.begin() as connection:
        connection.execute(
            sa.update(BATCHES).where(BATCHES.c.batch.in_(list(batches))).values(state="complete")
        )


def forget_batch(ledger: Engine, batch: int) -> None:
    """Remove a pending batch whose facts were never committed, so that its file can be taken in anew."""
    with ledger.begin() as connection:
        connection.execute(sa.delete(QUARANTINE).where(QUARANTINE.c.batch == batch))
        connection.execute(sa.delete(BATCHES).where(BATCHES.c.batch == batch, BATCHES.c.state == "pending"))


def batch_records(ledger: Engine, state: str = "complete", source: str = "") -> list[BatchRecord]:
    """The batches in a state (of one source, or of all), in batch order."""
    query = sa.select(BATCHES).where(BATCHES.c.state == state).order_by(BATCHES.c.batch)
    if source:
        query = query.where(BATCHES.c.source == source)
    with reading(ledger) as connection:
        return [BatchRecord(**row) for row in connection.execute(query).mappings()]


def rewrite_held(ledger: Engine, held: Sequence[HeldFile]) -> None:
    """Make these the held files, whatever was held before, in one transaction."""
    with ledger.begin() as connection:
        connection.execute(sa.delete(HELD))
        if held:
            connection.execute(sa.insert(HELD), [asdict(file) for file in held])


def release_held(ledger: Engine, source: str, files: Iterable[str]) -> None:
    """Files of a source, by name, have been taken in: they are held no longer."""
    taken = set(files)
    left = held_files(ledger)
    kept = [file for file in left if file.source != source or file.file not in taken]
    if len(kept) < len(left):
        rewrite_held(ledger, kept)


def held_files(ledger: Engine, source: str = "") -> list[HeldFile]:
    """The files held (of one source, or of all), by source and file."""
    query = sa.select(HELD).order_by(HELD.c.source, HELD.c.file)
    if source:
        query = query.where(HELD.c.source == source)
    with reading(ledger) as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [HeldFile(**row | {"problems": tuple(map(tuple, row["problems"]))}) for row in rows]


def refused(ledger: Engine, source: str = "", batch: int | None = None) -> list[dict[str, Any]]:
    """The quarantine: one mapping a broken rule, the newest batch first; `raw` is the row as JSON text."""
    query = sa.select(QUARANTINE).order_by(QUARANTINE.c.batch.desc(), QUARANTINE.c.id)
    if source:
        query = query.where(QUARANTINE.c.source == source)
    if batch is not None:
        query = query.where(QUARANTINE.c.batch == batch)
    with reading(ledger) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


@contextmanager
def recorded_run(ledger: Engine, pipeline: str, as_of: date, inputs: str = "") -> Iterator[dict[str, str]]:
    """Record that a run began and how it ended; the body sets `["status"]`, an error is recorded as `failed`.

    A rerun of the same pipeline, day and inputs starts the record over; the attempt before is kept among the earlier ones.
    """
    from riskengine.clock import now

    run = f"{pipeline} {as_of}" + (f" {inputs}" if inputs else "")
    begun = {"pipeline": pipeline, "as_of": as_of, "status": "running", "inputs": inputs}
    names = [column.name for column in RUNS.columns]
    with ledger.begin() as connection:
        before = sa.select(RUNS).where(RUNS.c.run == run)
        connection.execute(sa.insert(EARLIER_RUNS).from_select(names, before))
        connection.execute(sa.delete(RUNS).where(RUNS.c.run == run))
        connection.execute(sa.insert(RUNS), begun | {"run": run, "started": now().replace(tzinfo=None)})
    outcome = {"status": "failed"}
    try:
        yield outcome
    finally:
        ended = {"status": outcome["status"], "finished": now().replace(tzinfo=None)}
        with ledger.begin() as connection:
            connection.execute(sa.update(RUNS).where(RUNS.c.run == run).values(**ended))


def runs(ledger: Engine, pipeline: str = "") -> list[dict[str, Any]]:
    """The runs (of one pipeline, or of all) as mappings, in order of as-of date and run id; `earlier`: attempts before, in order."""
    query = sa.select(RUNS).order_by(RUNS.c.as_of, RUNS.c.run)
    if pipeline:
        query = query.where(RUNS.c.pipeline == pipeline)
    earlier: dict[str, list[dict[str, Any]]] = {}
    with reading(ledger) as connection:
        for row in connection.execute(sa.select(EARLIER_RUNS).order_by(EARLIER_RUNS.c.id)).mappings():
            earlier.setdefault(row["run"], []).append(dict(row))
        found = [dict(row) for row in connection.execute(query).mappings()]
    return [row | {"earlier": earlier.get(row["run"], [])} for row in found]


@dataclass(frozen=True, slots=True)
class Act:
    """Something somebody did: when (UTC), who, what, to what, in which detail."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Any = None


def record_act(ledger: Engine, act: Act) -> str:
    """Append to the audit chain and return the new head: the hash of this act and of the one before it."""
    with ledger.begin() as connection:
        return append_act(connection, act)


def append_act(connection: Connection, act: Act) -> str:
    """`record_act` within a transaction that also writes what the act did: both or neither."""
    last = connection.execute(
        sa.select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)
    ).first()
    row = {
        "seq": last.seq + 1 if last else 1,
        "at": act.at.isoformat(),
        "actor": act.actor,
        "action": act.action,
        "subject": act.subject,
        "detail": canonical_json(act.detail),
        "previous_hash": last.hash if last else "",
    }
    head = fingerprint(row)
    connection.execute(sa.insert(AUDIT), row | {"hash": head})
    return head


def acts(ledger: Engine) -> list[dict[str, Any]]:
    """The audit chain from its beginning, as mappings."""
    with reading(ledger) as connection:
        return [dict(row) for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq)).mappings()]


def verify_audit(ledger: Engine, head: str = "") -> int:
    """Check that no act was edited, removed or put in between; return how many there are.

    A cut tail shows only against a `head` kept elsewhere. `IntegrityError` lists all.
    """
    problems = []
    previous, expected = "", 0
    with reading(ledger) as connection:
        for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq)).mappings():
            expected += 1
            body = {name: row[name] for name in row if name != "hash"}
            sound = (
                row["seq"] == expected
                and row["previous_hash"] == previous
                and fingerprint(body) == row["hash"]
            )
            if not sound:
                problems.append(
                    Problem(f"audit {row['seq']}", "an unbroken chain", "a different hash or order")
                )
            previous, expected = row["hash"], row["seq"]
            if head and previous == head:
                head = ""
    if head:
        problems.append(
            Problem("audit", f"an act with hash {head}", "none", "The end of the chain is missing")
        )
    if problems:
        raise IntegrityError("The audit chain is broken", problems)
    return expected


def reading(ledger: Engine) -> Connection:
    """A connection that only reads: it takes no lock from writers."""
    return ledger.connect().execution_options(reading=True)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event opens the transactions
    connection.execute("pragma busy_timeout = 30000")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("begin" if reading else "begin immediate")
