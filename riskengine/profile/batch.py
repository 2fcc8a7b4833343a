"""How are profiles of a whole province written, as of one day or of many, in memory that does not grow with it?

Subjects are cut into parts by the hash of their enterprise, the hash by which the index lies in buckets: a part reads only
its own buckets of every source that is read by the enterprise alone. Each part becomes one Parquet file. Parts are written
side by side, each on one thread: two threads on one query of a hundred thousand rows take a third more of the processor.

Of everybody and many days a part is moved on from day to day (`panels`), a file each. Where that cannot be, it reads, hashes and
filters its facts once and is written day by day: of one day a fact needs no join of pairs (`one_day`).
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskengine.errors import Problem, UsageError, nearest
from riskengine.profile.again import THREADS
from riskengine.profile.carried import Carrying
from riskengine.profile.compute import CLOCKS, Workbench, make_wide, read_of
from riskengine.profile.joining import FEW, together
from riskengine.profile.keys import SubjectRule, Subjects
from riskengine.profile.one_day import OneDay
from riskengine.profile.populations import EVERYBODY, Part, load_population
from riskengine.profile.recipe import Recipe, Step
from riskengine.profile.subjects import load_in_force
from riskengine.profile.yesterday import Tonight
from riskengine.schema import canonical_json
from riskengine.store.snapshot import FactFile, Snapshot

if TYPE_CHECKING:
    from riskengine.profile.panels import Panel

GUARANTEE = "guarantee"
ROWS = 540_000  # facts that tell of subjects, times days: each at most one row; two such parts of 150 features take 2 GB
ROW_GROUP = 1 << 17
OWN = ("subject", "as_of", "id", "enterprise_id")
AT_ONCE = 8  # parts, on a machine of as many cores
log = logging.getLogger("riskengine.profile")
_FACTS = re.compile(r"\bfacts_(\w+)")


@dataclass(frozen=True)
class Wanted:
    """Whose profiles: the guarantees in force (`guarantee`) or a population of `subjects.toml`, each of these days, in order."""

    of: str
    days: tuple[date, ...]
    recipe: Recipe
    carry: Carry | None = None


@dataclass(frozen=True)
class Carry:
    """Where an earlier night left its results for the next (of one day only), and the key columns of each source.

    Such a night is one part: a fact of one enterprise may end a fact of another, in another part.
    """

    folder: Path
    slots: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Written:
    """What was written: the folder, its rows and files."""

    folder: Path
    rows: int
    files: int


def write_profiles(snapshot: Snapshot, subjects: Subjects, wanted: Wanted, out: Path) -> Written:
    """Write `out/profiles/part-*.parquet` and `out/profiles.json`.

    Columns: `subject`, `as_of`, `id`, `enterprise_id`, the key columns, then the features in the recipe's order. A file's rows
    are in order of (as_of, id), which `subject` counts. The folder appears when everything is written; one that is there is a `UsageError`.
    """
    known = (GUARANTEE, *subjects.populations)
    problems = []
    if wanted.of not in known:
        hint = nearest(wanted.of, known)
        problems.append(Problem("--of", f"one of {', '.join(known)}", repr(wanted.of), hint))
    if wanted.carry and len(wanted.days) > 1:
        problems.append(Problem("--carry", "one day", f"{len(wanted.days)} days", "Leave it out for a panel"))
    if out.exists():
        problems.append(Problem(str(out), "a folder that is not there yet", "one that is", "Name another"))
    if problems:
        raise UsageError("No profiles can be written", problems)
    work = out.with_name(f".{out.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    (work / "profiles").mkdir(parents=True)
    whole = Parts.of(snapshot, subjects, wanted)
    try:
        with _workers(whole) as pool:
            rows = _written(whole, work / "profiles", pool)
    except BrokenProcessPool:
        log.warning("profiles: a process has died, perhaps for want of memory: the parts one after another")
        with ThreadPoolExecutor(1) as pool:
            rows = _written(whole, work / "profiles", pool)
    content = {
        "engine": "duckdb",
        "snapshot": snapshot.id,
        "recipe": wanted.recipe.fingerprint,
        "of": wanted.of,
        "days": [str(day) for day in wanted.days],
        "rows": rows,
    }
    (work / "profiles.json").write_text(
        json.dumps(json.loads(canonical_json(content)), indent=1) + "\n", encoding="utf-8"
    )
    work.rename(out)
    return Written(out, rows, whole.files)


def _written(whole: Parts, folder: Path, pool: Executor) -> int:
    """Write every part; returns how many rows."""
    rows, done = 0, 0
    for part in as_completed(
        [pool.submit(_write_part, whole, number, folder) for number in range(whole.count)]
    ):
        rows, done = rows + part.result(), done + len(whole.turns)
        log.info("profiles: %d of %d files", done, whole.files)
    return rows


def _workers(whole: Parts) -> Executor:
    """Who writes the parts: threads, since DuckDB leaves Python alone; processes for panels, which are reckoned in Python."""
    if whole.panel is None or whole.at_once == 1:
        return ThreadPoolExecutor(whole.at_once)
    return ProcessPoolExecutor(whole.at_once, multiprocessing.get_context("spawn"), _ready)


def _ready() -> None:
    """In a process for parts: Arrow takes memory as Python does, which gives back less of what is asked for again at once.

    Nothing there refers to itself, so nothing waits for a collection, which took a tenth of the days.
    """
    import gc

    import pyarrow as pa

    gc.disable()
    pa.set_memory_pool(pa.system_memory_pool())


@dataclass(frozen=True)
class Parts:
    """What is written, cut into `count` parts: a power of two, whatever the machine; `cut` are the sources cut with it."""

    snapshot: Snapshot
    subjects: Subjects
    wanted: Wanted
    turns: tuple[tuple[date, ...], ...]  # the days of each file of a part
    count: int
    cut: frozenset[str]
    verified: set[str]  # paths of index files
    at_once: int  # written side by side: one thread each, which wastes less than two threads on one part
    threads: int  # of each; 0: the machine's
    panel: Panel | None = None  # how days are written from one to the next, where they are

    @classmethod
    def of(cls, snapshot: Snapshot, subjects: Subjects, wanted: Wanted) -> Parts:
        """As many parts as keep the facts that subjects are made of at some `ROWS` a part."""
        rule = _rule(subjects, wanted)
        facts = snapshot.sources.get(rule.source)
        by_day = len(wanted.days) > 1 and _everybody(rule, wanted)
        turns = tuple((day,) for day in wanted.days) if by_day else (wanted.days,)
        rows = (
            (2 if by_day else len(turns[0])) * sum(file.rows for file in facts.files)
            if facts and not wanted.carry
            else 0
        )
        count = 1 << max(0, -(-rows // ROWS) - 1).bit_length()
        asked = THREADS.get()  # read here: the threads that write the parts have no context
        at_once = min(asked or os.cpu_count() or 1, count, AT_ONCE)
        cut = _cut(snapshot, wanted.recipe, rule)
        threads = 1 if at_once > 1 else asked
        whole = cls(snapshot, subjects, wanted, turns, count, cut, set(), at_once, threads)
        if not by_day:
            return whole
        from riskengine.profile.panels import panel_of

        return replace(whole, panel=panel_of(wanted.recipe, rule, wanted.days))

    def file(self, folder: Path, number: int, turn: int) -> Path:
        """The file of a part and a turn."""
        return folder / f"part-{number * len(self.turns) + turn:05d}.parquet"

    @property
    def rule(self) -> SubjectRule:
        """Who the subjects are."""
        return _rule(self.subjects, self.wanted)

    @property
    def files(self) -> int:
        """How many files are written."""
        return self.count * len(self.turns)

    @property
    def everybody(self) -> bool:
        """Whether each enterprise is a subject."""
        return _everybody(self.rule, self.wanted)

    def columns(self, source: str) -> list[str]:
        """What is read of a source, besides the two clocks of its facts."""
        notes, rule = dict(self.wanted.recipe.sources), self.rule
        read = [column for column, _ in notes[source].columns] if source in notes else []
        keys = [column for column, _ in self.wanted.recipe.keys]
        return [*read, rule.id, rule.enterprise, *keys] if source == rule.source else read


class PartBench(Workbench):
    """A workbench that reads of each source what one part of the enterprises can need."""

    def __init__(self, parts: Parts, part: Part, daily: Collection[str] | None = None) -> None:
        """`daily`: the sources that are read on every day; None: all."""
        super().__init__(parts.snapshot, threads=parts.threads)
        self.parts, self.part = parts, part
        self._daily, self._held = daily, set[str]()

    def facts(self, source: str) -> str:
        """The source's files that may hold facts of the part, verified once for all parts; or a table, for several turns."""
        daily = self._daily is None or source in self._daily
        if len(self.parts.turns) == 1 or not self.apart(source) or not daily:
            return self._files(source)
        if source not in self._held:
            self._hold(source)
            self._held.add(source)
        return f"held_{source}"

    def _hold(self, source: str) -> None:
        """Keep the facts that are visible on any of the days: nights one by one read and decode them every time."""
        files, days = self._files(source), self.parts.wanted.days
        stored = {row[0] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
        columns = [f'"{name}"' for name in dict.fromkeys(self.parts.columns(source)) if name in stored]
        self.connection.execute(
            f"""CREATE TEMP TABLE held_{source} AS SELECT {", ".join([*columns, *CLOCKS])} FROM {files}
            WHERE NOT removed AND known_at <= DATE '{days[-1]}' AND event_date <= DATE '{days[-1]}'
            AND (superseded_at IS NULL OR superseded_at > DATE '{days[0]}')"""
        )

    def _files(self, source: str) -> str:
        files = self._holding(source)
        for file in files:
            if file.path not in self.parts.verified:
                self.snapshot.verify_file(file)
                self.parts.verified.add(file.path)
        if not files:  # nothing of the part: the first file tells the columns
            everything = self.snapshot.sources[source].files[:1] if source in self.snapshot.sources else ()
            return f"(SELECT * FROM {self._read(everything)} LIMIT 0)" if everything else ""
        return self._read(files)

    def apart(self, source: str) -> bool:
        """Whether those files hold facts of the part only."""
        held = self.snapshot.sources.get(source)
        return held is not None and source in self.parts.cut and self.part.of <= held.buckets

    def _holding(self, source: str) -> tuple[FactFile, ...]:
        held = self.snapshot.sources.get(source)
        if held is None:
            return ()
        if source not in self.parts.cut:
            return held.files
        of = min(self.part.of, held.buckets)
        return tuple(file for file in held.files if file.bucket % of == self.part.number % of)

    def _read(self, files: Sequence[FactFile]) -> str:
        return read_of([str(self.snapshot.root / file.path) for file in files])


def _rule(subjects: Subjects, wanted: Wanted) -> SubjectRule:
    return subjects.guarantee if wanted.of == GUARANTEE else subjects.populations[wanted.of]


def _everybody(rule: SubjectRule, wanted: Wanted) -> bool:
    return wanted.of != GUARANTEE and rule.id == rule.enterprise


def _cut(snapshot: Snapshot, recipe: Recipe, rule: SubjectRule) -> frozenset[str]:
    """The sources that are read by the enterprise alone, by which their index is clustered."""
    by: dict[str, set[str]] = {rule.source: {rule.enterprise}}
    for step in (step for block in recipe.blocks for step in block.steps):
        if step.met:
            column = step.met.columns[0] if step.met.columns and not step.met.linked else ""
            by.setdefault(step.met.source, set()).add(column)
    linked = {name for step in recipe.steps for name in _FACTS.findall(step.sql)}
    held = snapshot.sources
    return frozenset(
        source for source, columns in by.items()
        if source in held and source not in linked and columns == {held[source].cluster}
    )  # fmt: skip


def _write_part(whole: Parts, number: int, folder: Path) -> int:
    if whole.panel is not None and (written := _write_panel(whole, whole.panel, number, folder)) is not None:
        return written
    wanted, few = whole.wanted, len(whole.wanted.recipe.blocks) <= FEW
    rows = 0
    with PartBench(whole, Part(number, whole.count)) as bench:
        bench.load_facts(wanted.recipe)
        for turn, days in enumerate(whole.turns):
            rows += _load(bench, days)
            tonight = _tonight(bench)
            tables = tonight.table if tonight else _tables(bench, days)
            if few:
                _make_few(bench, tables, len(days) == 1)
            else:
                make_wide(bench.connection, wanted.recipe, tables)
            _copy(bench, whole.file(folder, number, turn), few)
            if tonight:
                tonight.keep()
    return rows


def _write_panel(whole: Parts, panel: Panel, number: int, folder: Path) -> int | None:
    """Write the files of a part from one day to the next; None where a value is found that only DuckDB reckons with."""
    import pyarrow.parquet as pq

    from riskengine.profile.spelling_terms import Unspelled

    rows = 0
    with PartBench(whole, Part(number, whole.count), panel.read_daily) as bench:
        bench.load_facts(whole.wanted.recipe)
        part = EVERYBODY if bench.apart(whole.rule.source) else bench.part
        try:
            for turn, table in enumerate(panel.written(bench, part)):
                place = whole.file(folder, number, turn)
                pq.write_table(
                    table, place, use_dictionary=False, row_group_size=ROW_GROUP, write_statistics=list(OWN)
                )
                rows += table.num_rows
        except Unspelled as why:
            log.info("profiles: part %d, every day by itself: %s", number, why)
            return None
    return rows


def _load(bench: PartBench, days: Sequence[date]) -> int:
    """Make the table of the part's subjects on these days; returns how many."""
    wanted, rule = bench.parts.wanted, bench.parts.rule
    load = load_in_force if wanted.of == GUARANTEE else load_population
    return load(bench, rule, wanted.recipe, days, EVERYBODY if bench.apart(rule.source) else bench.part)


def _tonight(bench: PartBench) -> Tonight | None:
    """What a night that carries results over starts from."""
    wanted = bench.parts.wanted
    if wanted.carry is None:
        return None
    return Tonight(bench, wanted.recipe, wanted.carry.folder / wanted.of, wanted.days[0], wanted.carry.slots)


def _tables(bench: PartBench, days: Sequence[date]) -> Callable[[Any, Step], None]:
    """How the tables of steps are made."""
    if len(days) > 1:
        return Carrying(days).table
    return OneDay(days[0], lambda source: bench.parts.everybody and bench.apart(source)).table


def _make_few(bench: PartBench, table: Callable[[Any, Step], None], one_day: bool) -> None:
    """The view `wide` over the tables of all steps, joined as it is read; its `subject` is the whole row of the subject."""
    recipe = bench.parts.wanted.recipe
    for step in (*recipe.steps, *(step for block in recipe.blocks for step in block.steps)):
        table(bench.connection, step)
    bench.connection.execute(f"CREATE OR REPLACE TEMP VIEW wide AS {together(recipe.blocks, one_day)}")


def _copy(bench: PartBench, path: Path, few: bool) -> None:
    """Write the subjects with their values, in order."""
    recipe, connection = bench.parts.wanted.recipe, bench.connection
    keys = [column for column, _ in recipe.keys]
    taken = list(dict.fromkeys([*OWN, *keys]))
    features = "".join(f', v."{name}"' for name in recipe.names if name not in taken)
    own = ", ".join(f'v.subject."{name}"' if few else f's."{name}"' for name in taken)
    sides = f"({recipe.values}) v" if few else f"subjects s POSITIONAL JOIN ({recipe.values}) v"
    place = str(path).replace("'", "''")
    # dictionaries of doubles cost a tenth of the writing; zstd would be a third smaller for three hundredths more of the whole
    to = f"TO '{place}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 32768, DICTIONARY_SIZE_LIMIT 1)"
    connection.execute(f"COPY (SELECT {own}{features} FROM {sides}) {to}")
    moved = f"""SELECT count(*) FROM (SELECT subject, row_number() OVER () - 1 AS place FROM read_parquet('{place}'))
        WHERE subject <> place"""
    if connection.execute(moved).fetchall() != [(0,)]:  # rows of a join nearly always stay in order
        connection.execute(f"COPY (SELECT {own}{features} FROM {sides} ORDER BY 1) {to}")
