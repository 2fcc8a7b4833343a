"""Which of the files that arrived could be taken in, and which are held because their structure is wrong?

A held file never stops the others. It stays in the inbox, is written into the ledger, and is tried again each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from pathlib import Path

from riskengine.errors import Problem
from riskengine.intake.contract import SourceContract, read_contracts
from riskengine.intake.load import (
    Desk,
    Receipt,
    arrived,
    deliver,
    open_desk,
    open_file,
    received_on,
)
from riskengine.intake.readers import PublishedFile
from riskengine.project import Project
from riskengine.schema import file_sha256
from riskengine.store import ledger as books
from riskengine.store.ledger import HeldFile

PATIENCE = 10  # seconds that a night waits for another intake to end


@dataclass(frozen=True)
class Delivery:
    """What became of the files of one source that had arrived: receipts of the sound ones, and the held ones."""

    source: str
    receipts: tuple[Receipt, ...]
    held: tuple[HeldFile, ...]

    @property
    def files(self) -> int:
        """How many files had arrived."""
        return len(self.receipts) + len(self.held)

    def counted(self) -> Counted:
        """What became of the rows of all sound files together."""
        return counted(self.receipts)


@dataclass(frozen=True)
class Counted:
    """Rows of several files: `rows_in` = `accepted` + `quarantined` + `duplicates`; broken rules, the most often first."""

    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    rules: dict[str, int]


def counted(receipts: Iterable[Receipt]) -> Counted:
    """Receipts added up."""
    listed = list(receipts)
    rules: Counter[str] = Counter()
    for receipt in listed:
        rules.update(receipt.quarantine_by_rule)
    return Counted(
        sum(receipt.rows_in for receipt in listed),
        sum(receipt.accepted for receipt in listed),
        sum(receipt.quarantined for receipt in listed),
        sum(receipt.duplicates for receipt in listed),
        dict(sorted(rules.items(), key=lambda rule: (-rule[1], rule[0]))),
    )


def take_arrived(
    project: Project, as_of: date, tell: Callable[[Delivery, float], None] = lambda _, __: None
) -> list[Delivery]:
    """Take in everything in the inbox that has arrived by `as_of`, source by source in name order, files in day order.

    `tell` hears of each source when it is done, with the part of all files that is. The held files are the ledger's from then on, whatever was held before.
    A store that another process holds is waited for (`PATIENCE`), then a `LockedError`. Killed anywhere, a rerun gives
    the same facts.
    """
    contracts = read_contracts(project)
    done: list[Delivery] = []
    with open_desk(project, contracts, PATIENCE) as desk:
        before, waiting = desk.before, arrived(project, as_of)
        total = sum(len(files) for _, files in waiting)
        for source, files in waiting:
            one = _deliver(desk, contracts[source], files, as_of)
            receipts = tuple(replace(receipt, snapshot_before=before) for receipt in one.receipts)
            before = receipts[-1].snapshot_after if receipts else before
            done.append(replace(one, receipts=receipts))
            tell(done[-1], sum(one.files for one in done) / total)
        books.rewrite_held(desk.ledger, [file for one in done for file in one.held])
    return done


def _deliver(desk: Desk, contract: SourceContract, files: Sequence[Path], received: date) -> Delivery:
    held: list[HeldFile] = []

    def sound() -> Iterator[tuple[PublishedFile, date]]:
        for path in files:
            day = received_on(path, received)
            try:
                file, problems = open_file(contract, path)
            except OSError as error:
                file, problems = None, [Problem(str(path), "a readable file", error.strerror or str(error))]
            if file is None or problems:
                held.append(_held(contract.name, path, day, problems))
            else:
                yield file, day

    receipts = deliver(desk, contract, sound(), desk.before)
    return Delivery(contract.name, tuple(receipts), tuple(held))


def _held(source: str, path: Path, received: date, problems: Sequence[Problem]) -> HeldFile:
    """The file is named, and its problems told, without the folder it lies in: what is kept is the same anywhere."""
    try:
        digest = file_sha256(path)
    except OSError:
        digest = ""
    told = tuple(
        astuple(replace(problem, where=problem.where.replace(str(path), path.name))) for problem in problems
    )
    return HeldFile(source, path.name, digest, received, told)
