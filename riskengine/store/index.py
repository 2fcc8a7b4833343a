"""Where does each fact of a source lie in its index, from when does another stand in its place, and what of it does a delivery change?

A source's facts lie in buckets by the hash of their cluster column (`snapshot.bucket_of`), one Parquet file a bucket, in order of
(cluster column, `fact_rank`), named by content. How many buckets, which file a fact is in and all its bytes follow from the
facts alone. A delivery therefore changes the buckets of its own rows, and those of earlier rows that end because of it (a
court's row that gets its credit code moves to another bucket); the other files stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskengine.errors import IntegrityError, Problem, UsageError
from riskengine.schema import file_sha256
from riskengine.store import place
from riskengine.store.known import carry, known_by
from riskengine.store.parquet import arrow_batches, each, names, scan, union_schema, write_parquet
from riskengine.store.rank import FIRST_DAY, LAST_DAY, MOST_OF_TWO_DAYS, rank_sql
from riskengine.store.snapshot import FactFile, SourceFacts, bucket_sql

BUCKET_ROWS = 131_072  # a bucket's rows on average, at most
_ROW_GROUP = (
    8_192  # values lie together: the lookup of one enterprise decodes one or two; 5 % larger than the largest
)
_Buckets = Iterator[
    tuple[int, Iterable[pa.Table]]
]  # each bucket and its rows in order, a list where they are in memory
_ADDED = (pa.field("superseded_at", pa.date32()), pa.field("fact_rank", pa.int64()))


@dataclass(frozen=True)
class Filing:
    """What a source's index is made from: its key, its cluster column, and its data files with the rows in all of them."""

    source: str
    key: tuple[str, ...]
    cluster: str
    version: int
    files: tuple[str, ...]  # Parquet, in order of their last batch, which the name tells before the hash
    rows: int


def buckets_of(rows: int) -> int:
    """How many buckets a source of so many facts has: the smallest power of two that leaves at most `BUCKET_ROWS` a bucket.

    >>> buckets_of(0), buckets_of(131_072), buckets_of(131_073), buckets_of(1_000_000)
    (1, 1, 2, 8)
    """
    return 1 << max(0, (-(-rows // BUCKET_ROWS) - 1)).bit_length()


def unfit_days(facts: pa.Table) -> list[str]:
    """What of the facts' two days no rank can say: they lie before 1800 or after 2158."""
    told = []
    for name in ("event_date", "known_at"):
        days = pc.min_max(facts.column(name)).as_py()
        told += [f"{name} {day}" for day in days.values() if day and not FIRST_DAY <= day <= LAST_DAY]
    return told


def filed(connection: Any, root: Path, filing: Filing, held: SourceFacts | None) -> SourceFacts:
    """The source's index after its data files, made from the index `held`, or from all data files where that is None, of
    another form, damaged, or not what the earlier data files say. `connection`: a DuckDB that nobody else uses meanwhile.

    Only buckets that change are written: rewriting whole sources was two thirds of taking a province's day in.
    `UsageError` where one day has too many facts or none that a rank can say.
    """
    if held and (held.cluster != filing.cluster or _is_damaged(root, held)):
        held = None
    if held:
        query = f"SELECT max(batch) FROM {scan(_paths(root, held.files))}"
        last = connection.execute(query).fetchall()[0][0]
        fresh = _undamaged(root, filing, _Fresh(tuple(p for p in filing.files if last_batch(p) > last), last))
        counted = f"SELECT count(*) FROM {fresh.sql}" if fresh.files else "SELECT 0"
        new = connection.execute(counted).fetchall()[0][0]
        if sum(file.rows for file in held.files) + new == filing.rows:
            if not new:
                return replace(held, version=filing.version)
            return _filed(_Change(connection, root, filing, fresh, held))
    every = _undamaged(root, filing, _Fresh(filing.files, -1))
    return _filed(_Change(connection, root, filing, every, None))


def hash_damage(path: Path, root: Path) -> list[Problem]:
    """Whether a data file has the bytes that its name tells."""
    wanted = path.stem.rpartition("-")[2]
    got = file_sha256(path)[:16] if path.exists() else "no file"
    if got == wanted:
        return []
    return [Problem(str(path.relative_to(root)), f"SHA-256 {wanted}", got, "Restore the store from a backup")]


def last_batch(path: str) -> int:
    """The last batch in a data file, as its name tells."""
    return int(Path(path).stem.split("-")[-2])


@dataclass(frozen=True)
class _Fresh:
    """The facts that the index does not have: those of these files from batches after one."""

    files: tuple[str, ...]
    after: int

    @property
    def sql(self) -> str:
        """They, each with `part` and `place`: which of the files, and where in it."""
        files = scan(self.files).removesuffix(")") + ", file_row_number = true)"
        return f"(SELECT * RENAME (file_row_number AS place), file_index AS part FROM {files} WHERE batch > {self.after})"


def _undamaged(root: Path, filing: Filing, fresh: _Fresh) -> _Fresh:
    problems = [told for path in fresh.files for told in hash_damage(Path(path), root)]
    if problems:
        raise IntegrityError(f"The facts of {filing.source} are damaged", problems)
    return fresh


@dataclass(frozen=True)
class _Change:
    """One source's index, before and after."""

    connection: Any
    root: Path
    filing: Filing
    fresh: _Fresh
    held: SourceFacts | None

    @cached_property
    def old(self) -> tuple[FactFile, ...]:
        """The index files there are."""
        return self.held.files if self.held else ()

    @cached_property
    def buckets(self) -> int:
        return buckets_of(self.filing.rows)

    @cached_property
    def bucket(self) -> str:
        """SQL for a fact's bucket."""
        return bucket_sql(each([self.filing.cluster])[0], self.buckets)

    @cached_property
    def schema(self) -> pa.Schema:
        added = {field.name for field in _ADDED}
        found = union_schema([*_paths(self.root, self.old[:1]), *self.fresh.files])
        return pa.schema([*(field for field in found if field.name not in added), *_ADDED])

    @cached_property
    def stays(self) -> bool:
        """Whether files may stay as they are: another number of buckets or a new column is another file everywhere."""
        if not self.held or self.held.buckets != self.buckets:
            return False
        return bool(self.schema.equals(pq.read_schema(self.root / self.old[0].path)))

    def run(self, query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found


def _filed(change: _Change) -> SourceFacts:
    filing = change.filing
    try:
        _place(change)
        _end(change)
        touched = {row[0] for row in change.run("SELECT DISTINCT bucket FROM ended")}
        kept = [file for file in change.old if change.stays and file.bucket not in touched]
        old = [file for file in change.old if file not in kept]
        made = list(_written(change, _merged(change, old, touched) if change.stays else _sorted(change, old)))
        _carry(change, kept, made)
    finally:
        for table in ("counted", "placed", "ended"):
            change.run(f"DROP TABLE IF EXISTS {table}")
    files = tuple(sorted([*kept, *made], key=lambda file: file.bucket))
    if sum(file.rows for file in files) != filing.rows:
        got = f"{sum(file.rows for file in files)} rows"
        told = Problem(
            f"index of {filing.source}", f"{filing.rows} rows", got, "Run riskengine store reindex"
        )
        raise IntegrityError("Facts were lost on their way into the index", [told])
    return SourceFacts(filing.version, files, filing.cluster, change.buckets)


def _place(change: _Change) -> None:
    """`placed`: key, bucket and rank of each new fact; its sequence counts on from the stored facts of its two days."""
    keys, fresh = names(change.filing.key), change.fresh.sql
    days = [f"min({name}), max({name})" for name in ("event_date", "known_at")]
    found = change.run(f"SELECT {', '.join(days)} FROM {fresh}")[0]
    beyond = sorted(str(day) for day in found if not FIRST_DAY <= day <= LAST_DAY)
    if beyond:
        told = Problem(change.filing.source, f"days from {FIRST_DAY} to {LAST_DAY}", ", ".join(beyond))
        raise UsageError("Facts of days that cannot be ordered", [told])
    stored = f"SELECT event_date, known_at, 0 AS n FROM {fresh} LIMIT 0"
    if change.old:  # a day's delivery is mostly known later than all there is: no row group is read
        stored = f"""SELECT event_date, known_at, count(*) AS n FROM {scan(_paths(change.root, change.old))}
            SEMI JOIN (SELECT DISTINCT event_date, known_at FROM {fresh}) USING (event_date, known_at)
            WHERE known_at >= DATE '{found[2]}' GROUP BY ALL"""
    change.run(f"CREATE TEMP TABLE counted AS {stored}")
    sequence = 'coalesce(n, 0) + row_number() OVER (PARTITION BY event_date, known_at ORDER BY batch, "row", part, place)'
    change.run(f"""CREATE TEMP TABLE placed AS
        SELECT *, {rank_sql("event_date", "known_at", "sequence")} AS fact_rank
        FROM (SELECT {keys}, event_date, known_at, part, place, {change.bucket} AS bucket, {sequence} AS sequence
            FROM {fresh} LEFT JOIN counted USING (event_date, known_at))""")
    most = change.run("SELECT max(sequence) FROM placed")[0][0]
    if most > MOST_OF_TWO_DAYS:
        told = Problem(
            change.filing.source, f"at most {MOST_OF_TWO_DAYS} of one event and known day", str(most)
        )
        raise UsageError("Too many facts of one day", [told])


def _end(change: _Change) -> None:
    """`ended`: each new fact, and each stored one that ends otherwise (`ends`) because of a new fact of its key."""
    columns, keys = [*each(change.filing.key), "known_at", "bucket", "fact_rank"], names(change.filing.key)
    near = change.old
    if change.stays and change.filing.cluster in change.filing.key:  # all of a key lies in one bucket
        mine = {row[0] for row in change.run("SELECT DISTINCT bucket FROM placed")}
        near = tuple(file for file in near if file.bucket in mine)
    stored = "SELECT *, NULL::DATE AS held FROM placed_slots WHERE false"
    if near:
        same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM p.{name}" for name in each(change.filing.key))
        stored = f"""SELECT {keys}, known_at, {change.bucket} AS bucket, fact_rank, false AS fresh, superseded_at AS held
            FROM {scan(_paths(change.root, near))} f SEMI JOIN placed p ON {same}"""
    # backwards, so that the earliest of all later rows is a running minimum
    change.run(f"""CREATE TEMP TABLE ended AS
        WITH placed_slots AS (SELECT {", ".join(columns)}, true AS fresh FROM placed),
        slots AS (SELECT *, NULL::DATE AS held FROM placed_slots UNION ALL {stored})
        SELECT fact_rank, bucket, ends FROM (SELECT fact_rank, bucket, fresh, held, min(known_at) OVER (PARTITION BY {keys}
            ORDER BY fact_rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ends FROM slots)
        WHERE fresh OR ends IS DISTINCT FROM held""")


def _new_rows(change: _Change) -> str:
    """The new facts as the index holds them, with their bucket."""
    return f"""SELECT f.*, p.fact_rank, p.bucket, e.ends AS superseded_at FROM {change.fresh.sql} f
        JOIN placed p ON f.part = p.part AND f.place = p.place JOIN ended e ON e.fact_rank = p.fact_rank"""


def _sorted(change: _Change, old: Sequence[FactFile]) -> _Buckets:
    """All buckets from the facts in `old` and the new ones, whichever they lay in before."""
    parts = [_new_rows(change)]
    if old:
        parts.append(f"""SELECT f.* REPLACE (coalesce(e.ends, f.superseded_at) AS superseded_at), {change.bucket} AS bucket
            FROM {scan(_paths(change.root, old))} f LEFT JOIN ended e ON e.fact_rank = f.fact_rank""")
    return _ordered(change, " UNION ALL BY NAME ".join(parts))


def _ordered(change: _Change, rows: str) -> _Buckets:
    query = f"""SELECT {names(change.schema.names)}, bucket FROM ({rows})
        ORDER BY bucket, {names([change.filing.cluster, "fact_rank"])}"""
    runs = _runs(arrow_batches(change.connection, query))
    return ((bucket, (piece for _, piece in pieces)) for bucket, pieces in groupby(runs, itemgetter(0)))


def _merged(change: _Change, old: Sequence[FactFile], touched: Iterable[int]) -> _Buckets:
    """The buckets that are touched, of facts in `old` and of the new ones, these put between those where they belong.

    Lesson of the profile: a day changes every bucket of a province by a few hundred facts, and sorting each anew for them
    took as long as half of writing it.
    """
    ends: dict[int, list[pa.Table]] = {}
    ended = "SELECT fact_rank, ends, bucket FROM ended ANTI JOIN placed USING (fact_rank) ORDER BY bucket"
    for bucket, piece in _runs(arrow_batches(change.connection, ended)):
        ends.setdefault(bucket, []).append(piece)
    lain = {file.bucket: file for file in old}
    empty = f"SELECT *, 0 AS bucket FROM {scan(_paths(change.root, change.old[:1]))} WHERE false"
    new = _ordered(change, f"{_new_rows(change)} UNION ALL BY NAME {empty}")
    coming = next(new, None)
    for bucket in sorted(touched):
        rows = change.schema.empty_table()
        if bucket in lain:
            path = change.root / lain[bucket].path
            rows = pq.ParquetFile(path, memory_map=True).read(use_threads=False).cast(change.schema)
        if bucket in ends:
            rows = _ended(rows, pa.concat_tables(ends[bucket]))
        if coming and coming[0] == bucket:
            more = pa.concat_tables([piece.cast(change.schema) for piece in coming[1]])
            rows, coming = _between(rows, more, change.filing.cluster), next(new, None)
        yield bucket, [rows]


def _ended(rows: pa.Table, ends: pa.Table) -> pa.Table:
    """Rows with the end that those of some ranks now have."""
    found = pc.index_in(rows.column("fact_rank"), ends.column("fact_rank").combine_chunks())
    told = pc.coalesce(
        ends.column("ends").combine_chunks().take(found.combine_chunks()), rows.column("superseded_at")
    )
    return rows.set_column(rows.column_names.index("superseded_at"), rows.schema.field("superseded_at"), told)


def _between(rows: pa.Table, new: pa.Table, cluster: str) -> pa.Table:
    """Rows and new ones together, both in order of (cluster column, `fact_rank`), a null after every value."""
    values, ranks = rows.column(cluster).combine_chunks(), rows.column("fact_rank").to_numpy()
    mine, rank = new.column(cluster).combine_chunks(), new.column("fact_rank").to_numpy()
    low, high = np.zeros(len(new), np.int64), np.full(len(new), len(rows), np.int64)
    while (low < high).any():  # the place of each by halving, of all at once
        middle = np.minimum((low + high) // 2, len(rows) - 1)
        there = values.take(pa.array(middle))
        less = pc.coalesce(pc.less(there, mine), pc.and_(pc.is_valid(there), pc.is_null(mine)))
        same = pc.coalesce(pc.equal(there, mine), pc.and_(pc.is_null(there), pc.is_null(mine)))
        before = less.to_numpy(False) | (same.to_numpy(False) & (ranks[middle] < rank))
        is_open = low < high
        low, high = np.where(is_open & before, middle + 1, low), np.where(is_open & ~before, middle, high)
    order = np.insert(np.arange(len(rows)), low, np.arange(len(rows), len(rows) + len(new)))
    return pa.concat_tables([rows, new]).take(pa.array(order))


def _written(change: _Change, buckets: _Buckets) -> Iterator[FactFile]:
    """The files of buckets; one is written while the next is put together."""
    folder = change.root / "index" / change.filing.source
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ".bucket.new"

    def write(bucket: int, pieces: Iterable[pa.Table]) -> FactFile:
        rows = write_parquet(temporary, change.schema, pieces, _ROW_GROUP)
        digest = file_sha256(temporary)
        final = folder / f"{bucket:05d}-{digest[:12]}.parquet"
        temporary.replace(final)
        return FactFile(str(final.relative_to(change.root)), digest, rows, bucket)

    with ThreadPoolExecutor(1) as writer:
        waiting: list[Future[FactFile]] = []
        for bucket, pieces in buckets:
            if isinstance(pieces, list):
                yield from (one.result() for one in waiting)
                waiting = [writer.submit(write, bucket, pieces)]
            else:  # still to be read, from the one connection there is
                yield write(bucket, pieces)
        yield from (one.result() for one in waiting)


def _carry(change: _Change, kept: Sequence[FactFile], made: Sequence[FactFile]) -> None:
    """Keep what the new files know (`store.known`): what those knew in whose place they are, and the new facts."""
    same = change.held is None or change.held.buckets == change.buckets
    before = {file.bucket: file.sha256 for file in change.old}
    fresh = f"SELECT p.bucket, f.* FROM {change.fresh.sql} f JOIN placed p ON f.part = p.part AND f.place = p.place"
    grown = {file.sha256: (before.get(file.bucket), file.bucket) for file in made} if same else {}
    carry(
        change.root / "index" / change.filing.source,
        [file.sha256 for file in kept],
        grown,
        known_by(change.connection, fresh),
    )


def _runs(pieces: Iterator[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    """Pieces cut where the bucket changes, without that column."""
    for piece in pieces:
        runs = pc.run_end_encode(piece.column("bucket").combine_chunks())
        rest, start = piece.drop_columns("bucket"), 0
        for bucket, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            yield bucket, rest.slice(start, end - start)
            start = end


def _paths(root: Path, files: Sequence[FactFile]) -> list[str]:
    return [str(root / file.path) for file in files]


def _is_damaged(root: Path, held: SourceFacts) -> bool:
    place.bring(root, held.files)
    paths = [(root / file.path, file.sha256) for file in held.files]
    return not paths or any(not path.exists() or file_sha256(path) != digest for path, digest in paths)
