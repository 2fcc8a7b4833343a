"""What became of every row of the files that arrived?

The order in which a killed intake can always be finished: ledger `pending` (with the quarantine) -> data file -> Delta commit
-> index -> snapshot -> ledger `complete`. A pending batch whose commit exists is published; one whose commit does
not is forgotten and its file taken in anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from riskengine.errors import IntegrityError, Problem, UsageError, nearest
from riskengine.intake.cleaning import Cleaned, clean
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.personal import personal_key, redacted
from riskengine.intake.readers import FORMATS, PublishedFile, read_file
from riskengine.intake.repeats import news
from riskengine.intake.unread import Digests, unread
from riskengine.project import Project
from riskengine.schema import fingerprint
from riskengine.store import ledger as books
from riskengine.store.facts import ARROW_TYPES, FACT_FIELDS, FactStore
from riskengine.store.ledger import BatchRecord
from riskengine.store.snapshot import Snapshot


@dataclass(frozen=True)
class Receipt:
    """What became of a file: `rows_in` = `accepted` + `quarantined` + `duplicates`, always."""

    source: str
    file: str
    sha256: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    quarantine_by_rule: dict[str, int]
    absent: tuple[str, ...]  # optional columns that the file does not have
    first_event: date | None  # of the accepted rows
    last_event: date | None
    snapshot_before: str
    snapshot_after: str
    batch: int | None  # None: the file had been taken in before

    def __post_init__(self) -> None:
        if self.rows_in != self.accepted + self.quarantined + self.duplicates:
            raise IntegrityError(
                "Rows were lost at intake",
                [
                    Problem(
                        self.file,
                        f"{self.rows_in} rows",
                        f"{self.accepted} accepted + {self.quarantined} quarantined + {self.duplicates} duplicates",
                    )
                ],
            )


@dataclass(frozen=True)
class Desk:
    """A store held for writing, and what every file taken in needs."""

    store: FactStore
    ledger: Engine
    contracts: dict[str, SourceContract]
    numbers: Iterator[int]  # of the batches to come
    before: str  # the snapshot as it was found
    finished: frozenset[int]  # batches of a killed intake that were completed just now


def arrived(project: Project, as_of: date) -> list[tuple[str, list[Path]]]:
    """The files under `inbox/<source>/` not yet taken in, by source, day and name; sources without are left out.

    A file named for a day, `2006-01-31.parquet` or `2006-01-31_anything.csv`, has not arrived before that day.
    """
    contracts = read_contracts(project)
    taken: dict[str, set[str]] = {source: set() for source in contracts}
    for record in books.batch_records(books.open_ledger(project.store)):
        taken.setdefault(record.source, set()).add(record.sha256)
    found, digests = [], Digests(project.store, project.inbox)
    for source in sorted(contracts):
        here = [path for path in (project.inbox / source).glob("*") if _is_delivery(path)]
        here = sorted(here, key=lambda path: (received_on(path, as_of), path.name))
        due = [path for path in here if received_on(path, as_of) <= as_of]
        files = unread(digests, due, taken[source])
        if files:
            found.append((source, files))
    digests.keep()
    return found


def received_on(path: Path, otherwise: date) -> date:
    """The day of arrival that a delivery is named for, whenever it is taken in; `otherwise` where its name tells none.

    >>> received_on(Path("2006-01-31_late.csv"), date(2006, 3, 1)), received_on(Path("new.csv"), date(2006, 3, 1))
    (datetime.date(2006, 1, 31), datetime.date(2006, 3, 1))
    """
    try:
        return date.fromisoformat(path.name[:10])
    except ValueError:
        return otherwise


def take_in(project: Project, source: str, files: Sequence[Path], received: date) -> list[Receipt]:
    """Take files of one source in and account for every row, one receipt a file in the given order.

    Structure that is wrong (in any file) stops with one `UsageError` before anything is written. A file that was taken in
    before under the same contract changes nothing. Files taken together give the same facts as one by one.
    """
    contracts = read_contracts(project)
    contract = known_source(contracts, source)
    opened = [(file, received) for file in _open(contract, files)]
    with open_desk(project, contracts) as desk:
        receipts = deliver(desk, contract, opened, desk.before)
        books.release_held(desk.ledger, source, [path.name for path in files])
    return receipts


def known_source(contracts: dict[str, SourceContract], source: str) -> SourceContract:
    """The contract of a source, or a `UsageError` that names the nearest one."""
    if source not in contracts:
        raise UsageError(
            "No such source", [Problem("source", "a known source", repr(source), nearest(source, contracts))]
        )
    return contracts[source]


@contextmanager
def open_desk(project: Project, contracts: dict[str, SourceContract], tries: int = 1) -> Iterator[Desk]:
    """Hold the store (asked `tries` times), and finish or forget what a killed intake left."""
    store = FactStore(project.store)
    with store.locked(tries):
        ledger = books.open_ledger(project.store)
        before = store.snapshot().id
        with ledger.connect():  # SQLite tidies up whenever its last connection closes: once is enough
            finished = frozenset(record.batch for record in recover(store, ledger, contracts))
            yield Desk(store, ledger, contracts, count(books.next_batch(ledger)), before, finished)


def deliver(
    desk: Desk, contract: SourceContract, files: Iterable[tuple[PublishedFile, date]], before: str
) -> list[Receipt]:
    """Take files of one source in, each as received on its day, and publish their facts; one receipt a file.

    `before` is the snapshot that the receipts name as the one before. Columns must have been held against the contract.
    """
    terms = fingerprint(contract.model_dump(mode="json"))
    earlier: dict[str, list[BatchRecord]] = {}
    for record in books.batch_records(desk.ledger, source=contract.name):
        earlier.setdefault(record.sha256, []).append(record)
    taken: list[tuple[Receipt, BatchRecord]] = []
    own = set(desk.finished)
    for file, received in files:
        known = earlier.setdefault(file.sha256, [])
        record = _take(desk, contract, file, received, (terms, known))
        if record.state == "pending":
            known.append(record)
        shown = record
        if record.state != "pending" and record.batch not in own:
            shown = replace(
                record,
                accepted=0,
                duplicates=record.accepted + record.duplicates,
                first_event=None,
                last_event=None,
                batch=0,
            )
        own.discard(shown.batch)
        taken.append((_receipt(contract, file, shown, (before, before)), record))
    begun = [record.batch for _, record in taken if record.state == "pending"]
    after = _complete(desk.store, desk.ledger, [contract], begun) if begun else desk.store.snapshot().id
    return [replace(receipt, snapshot_after=after) for receipt, _ in taken]


def recover(store: FactStore, ledger: Engine, contracts: dict[str, SourceContract]) -> list[BatchRecord]:
    """Finish or forget what a killed intake left pending; return the batches that are now complete."""
    left = books.batch_records(ledger, "pending")
    orphans = sorted({record.source for record in left} - set(contracts))
    if orphans:
        wanted = "the contract of a source whose last intake was killed"
        raise UsageError(
            "An intake cannot be finished",
            [Problem(f"configs/sources/{name}.toml", wanted, "no file", "Put it back") for name in orphans],
        )
    committed = {source: store.batches(source) for source in {record.source for record in left}}
    done = [record for record in left if not record.accepted or record.batch in committed[record.source]]
    for record in left:
        if record not in done:
            books.forget_batch(ledger, record.batch)
    if done:
        sources = {record.source for record in done if record.accepted}
        _complete(store, ledger, [contracts[name] for name in sources], [record.batch for record in done])
    return done


def _complete(
    store: FactStore, ledger: Engine, contracts: Sequence[SourceContract], batches: Iterable[int]
) -> str:
    after = published(store, contracts)
    books.finish_batches(ledger, batches)
    return after.id


def published(store: FactStore, contracts: Iterable[SourceContract], anew: bool = False) -> Snapshot:
    """Bring the index of these sources up to their facts; `anew` from the data files alone (`FactStore.publish`)."""
    told = {contract.name: contract for contract in contracts}
    keys = {name: contract.key for name, contract in told.items()}
    return store.publish(keys, {name: contract.clustered_by for name, contract in told.items()}, anew)


def reindex(project: Project, tell: Callable[[str], None] = lambda _: None) -> Snapshot:
    """Build the index of every source anew from its data files and make the snapshot current; nothing else changes.

    `tell` hears of each source when it is done. Killed in the middle, the sources that are done stay done; the same facts give the same snapshot.
    """
    contracts = read_contracts(project)
    with open_desk(project, contracts) as desk:
        for source in sorted(contracts):
            published(desk.store, [contracts[source]], anew=True)
            tell(source)
        return desk.store.snapshot()


def _open(contract: SourceContract, files: Sequence[Path]) -> list[PublishedFile]:
    """Read all files and hold their columns against the contract; every problem of every file at once."""
    opened: list[PublishedFile] = []
    problems: list[Problem] = []
    for path in files:
        file, faults = open_file(contract, path)
        problems += faults
        opened += [file] if file else []
    if problems:
        raise UsageError(f"Files of {contract.name} do not keep the contract; nothing was taken in", problems)
    return opened


def open_file(contract: SourceContract, path: Path) -> tuple[PublishedFile | None, list[Problem]]:
    """A file and what is wrong with its structure, or no file and why it cannot be read at all."""
    try:
        file = read_file(path)
    except UsageError as error:
        return None, list(error.problems)
    return file, structure_problems(contract, file.cells.column_names, str(path))


def structure_problems(contract: SourceContract, names: Sequence[str], where: str) -> list[Problem]:
    """Columns of a file that the contract does not know, and columns it cannot do without."""
    known = {*contract.columns, *contract.ignored}
    if contract.personal and not known & set(names):  # the first row may be somebody's: it is not shown
        return [Problem(where, f"a header with columns of {contract.name}", "none of them", "Is it missing?")]
    clocks = (contract.event_clock.column, contract.known_clock.column)
    problems = [
        Problem(
            f"{where}: {redacted(name)}", "a column of the contract", "an unknown one", nearest(name, known)
        )
        for name in names
        if name not in known
    ]
    problems += [
        Problem(f"{where}: {name}", "a column the source cannot do without", "no such column")
        for name, column in contract.columns.items()
        if name not in names and (column.required or name in contract.key or name in clocks)
    ]
    return problems


def _take(
    desk: Desk,
    contract: SourceContract,
    file: PublishedFile,
    received: date,
    before: tuple[str, list[BatchRecord]],
) -> BatchRecord:
    """Clean one file and commit its new facts as a pending batch, or return the batch that took it before.

    `before`: the contract's fingerprint, and the batches in which this very file came before.
    """
    store, (terms, earlier) = desk.store, before
    same = [record for record in earlier if record.contract == terms]
    if same:
        return replace(same[-1], state="complete")
    key = personal_key(store.root) if contract.names_persons else b""
    with store.duck() as duck:
        cleaned = clean(contract, file.cells, received, key, duck)
    facts = news(store, contract, cleaned.facts, again=bool(earlier))
    batch = next(desk.numbers)
    record = _record(contract, file, cleaned, facts)
    record = replace(record, batch=batch, contract=terms, received=received)
    books.begin_batch(desk.ledger, record, cleaned.refusals)
    if facts.num_rows:
        store.append(contract.name, _shaped(contract, facts, batch), batch)
    return record


def _shaped(contract: SourceContract, facts: pa.Table, batch: int) -> pa.Table:
    facts = facts.append_column("batch", pa.array([batch] * facts.num_rows, pa.int64()))
    names = [*contract.columns, *contract.derived]
    fields = [(name, ARROW_TYPES[contract.column_type(name) or "text"]) for name in names]
    schema = pa.schema([*fields, *FACT_FIELDS])
    return facts.select(schema.names).cast(schema)


def _record(contract: SourceContract, file: PublishedFile, cleaned: Cleaned, facts: pa.Table) -> BatchRecord:
    days = pc.min_max(facts.column("event_date"))
    return BatchRecord(
        batch=0,
        source=contract.name,
        file=file.path.name,
        sha256=file.sha256,
        contract="",
        received=date.min,
        rows_in=file.cells.num_rows,
        accepted=facts.num_rows,
        quarantined=cleaned.refused_rows,
        duplicates=cleaned.facts.num_rows - facts.num_rows,
        quarantine_by_rule=cleaned.by_rule,
        first_event=days["min"].as_py(),
        last_event=days["max"].as_py(),
    )


def _receipt(
    contract: SourceContract, file: PublishedFile, record: BatchRecord, snapshots: tuple[str, str]
) -> Receipt:
    return Receipt(
        source=record.source,
        file=str(file.path),
        sha256=file.sha256,
        rows_in=file.cells.num_rows,
        accepted=record.accepted,
        quarantined=record.quarantined,
        duplicates=record.duplicates,
        quarantine_by_rule=record.quarantine_by_rule,
        absent=tuple(name for name in contract.columns if name not in file.cells.column_names),
        first_event=record.first_event,
        last_event=record.last_event,
        snapshot_before=snapshots[0],
        snapshot_after=snapshots[1],
        batch=record.batch or None,
    )


def _is_delivery(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() in FORMATS
