"""What are the values? Runs a recipe over a snapshot with DuckDB, for one applicant or a whole book alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import duckdb

from riskengine.profile.again import THREADS
from riskengine.profile.recipe import Recipe, Step
from riskengine.store.database import connect
from riskengine.store.rank import OWN_RANK
from riskengine.store.rows import insert_rows
from riskengine.store.snapshot import Snapshot
from riskengine.store.verified import Verified
from riskengine.store.whereabouts import Whereabouts

if TYPE_CHECKING:
    import pandas

    from riskengine.profile.points import Asked, Rows

_PLAINLY = "SET enable_progress_bar = false"
_OF_POINTS = ("filter_pushdown", "unused_columns")  # the optimizers that a read by value needs
CLOCKS = ("event_date", "known_at", "superseded_at", "removed", "fact_rank")


@dataclass(frozen=True, slots=True)
class Subject:
    """One row to profile: whom, as of when, and the values of the keys through which facts are joined."""

    as_of: date
    keys: Mapping[str, Any]
    fed: bool = False  # brings facts of its own


@dataclass(frozen=True, slots=True)
class Overlay:
    """Facts that subjects bring themselves: source -> [(subject number, column values with both clocks)]."""

    facts: Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)


class Workbench:
    """An in-memory DuckDB over one snapshot, with the tables that recipes read. Close it after use.

    One that `stays` open for many questions makes what shortens the next ones (`store.whereabouts`).
    """

    def __init__(self, snapshot: Snapshot, *, threads: int = 0, stays: bool = False) -> None:
        self.snapshot = snapshot
        self._verified: set[str] = set()
        self._touched = Verified(snapshot)
        self._whereabouts = Whereabouts(snapshot, self._touched, stays=stays)
        self._threads = threads or THREADS.get()
        self._points: duckdb.DuckDBPyConnection | None = None
        self._beside: ThreadPoolExecutor | None = None
        self.lately: Mapping[Asked, Rows] = {}  # what was read last by value, of the subject looked up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the tables."""
        self._touched.keep()
        if "connection" in self.__dict__:
            self.connection.close()
        if self._points is not None:
            self._points.close()
        if self._beside is not None:
            self._beside.shutdown()

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB with the tables; a review of one applicant needs none and opens none."""
        connection = connect(config={"threads": self._threads} if self._threads else {})
        connection.execute(_PLAINLY)
        return connection

    @property
    def beside(self) -> ThreadPoolExecutor:
        """A thread for what can be read at the same time, as long as the workbench is open: starting one takes a millisecond."""
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1)
        return self._beside

    @property
    def points(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB that reads few facts by value: nearly all of that is planning, so it plans only what such a read needs.

        Footers stay parsed: index files are named by content. It has no tables; settings hold for a whole DuckDB.
        """
        if self._points is None:
            self._points = connect(config={"threads": 1})
            known = self._points.execute("SELECT name FROM duckdb_optimizers()").fetchall()
            rest = ",".join(name for (name,) in known if name not in _OF_POINTS)
            self._points.execute(
                f"{_PLAINLY}; SET disabled_optimizers = '{rest}'; "
                "SET parquet_metadata_cache = true; SET validate_external_file_cache = 'NO_VALIDATION'"
            )
        return self._points

    def facts(self, source: str) -> str:
        """A SQL source of a source's verified index files, or `''` where nothing has been taken in."""
        if source not in self._verified:
            self.snapshot.verify([source])
            self._verified.add(source)
        return read_of(self.snapshot.paths(source))

    def holding(self, source: str, column: str, values: Collection[Any]) -> str:
        """The same of where facts with one of these values in a column may lie: nothing else is read or verified; `''`: nowhere."""
        places = self._whereabouts.places(source, column, values)
        self._touched.check(place.file for place in places)
        parts = {place: str(self.snapshot.root / place.file.path) for place in places}
        whole = read_of([path for place, path in parts.items() if place.rows is None])
        some = [_rows_of(path, place.rows) for place, path in parts.items() if place.rows is not None]
        if not some:
            return whole
        return f"({' UNION ALL BY NAME '.join([*([f'SELECT * FROM {whole}'] if whole else []), *some])})"

    def load_subjects(self, recipe: Recipe, subjects: Sequence[Subject]) -> None:
        """Make the `subjects` table from values; subject numbers are positions."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in recipe.keys)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE subjects (subject BIGINT, as_of DATE, fed BOOLEAN{', ' + columns if columns else ''})"
        )
        rows = [
            [number, subject.as_of, subject.fed, *(subject.keys.get(name) for name, _ in recipe.keys)]
            for number, subject in enumerate(subjects)
        ]
        insert_rows(self.connection, "subjects", rows)

    def load_keys(
        self, recipe: Recipe, source: str, columns: Sequence[str], as_of: date
    ) -> list[tuple[Any, ...]]:
        """Make the `subjects` table of everything in these key columns of a source's loaded facts; returns their values."""
        asked = ", ".join(f'"{column}"' for column in columns)
        known = " AND ".join(f'"{column}" IS NOT NULL' for column in columns)
        told = [f'"{name}"' if name in columns else f'NULL::{kind} AS "{name}"' for name, kind in recipe.keys]
        self.connection.execute(
            f"""CREATE OR REPLACE TABLE subjects AS SELECT row_number() OVER () - 1 AS subject, DATE '{as_of}' AS as_of,
            false AS fed, {", ".join(told)} FROM (SELECT DISTINCT {asked} FROM facts_{source} WHERE {known} ORDER BY ALL)"""
        )
        return list(self.connection.execute(f"SELECT {asked} FROM subjects").fetchall())

    def load_facts(self, recipe: Recipe, overlay: Overlay | None = None) -> None:
        """Make one `facts_<source>` view for each source the recipe reads, with the applicants' own rows."""
        for name, note in recipe.sources:
            columns = [f'"{column}"' for column, _ in note.columns]
            own = (overlay.facts.get(name) or ()) if overlay else ()
            files = self.facts(name)
            parts = []
            if files:
                parts.append(
                    f"SELECT {', '.join([*columns, *CLOCKS])}, NULL::BIGINT AS for_subject FROM {files}"
                )
            if own or not files:
                self._own_facts(name, note.columns, own)
                parts.append(f"SELECT * FROM own_{name}")
            view = f"CREATE OR REPLACE VIEW facts_{name} AS "
            try:
                self.connection.execute(view + " UNION ALL BY NAME ".join(parts))
            except duckdb.BinderException:  # a column that the contract had not promised when the facts came
                self._complete(name, note.columns, files)
                parts[0] = f"SELECT *, NULL::BIGINT AS for_subject FROM whole_{name}"
                self.connection.execute(view + " UNION ALL BY NAME ".join(parts))

    def rows(self, recipe: Recipe) -> list[dict[str, Any]]:
        """One dict a subject, in subject order: `subject` and every feature."""
        return _rows(self.connection, recipe)

    def rows_of(self, recipes: Sequence[Recipe]) -> list[list[dict[str, Any]]]:
        """`rows` of several recipes side by side: planning a query takes longer than running it for one subject."""
        found: list[list[dict[str, Any]]] = [[] for _ in recipes]
        failed: list[duckdb.Error] = []

        def run(number: int, connection: duckdb.DuckDBPyConnection) -> None:
            try:
                found[number] = _rows(connection, recipes[number])
            except duckdb.Error as error:  # raised again below, in the caller's thread
                failed.append(error)

        threads = [
            Thread(target=run, args=(number, self.connection.cursor())) for number in range(1, len(recipes))
        ]
        for thread in threads:
            thread.start()
        run(0, self.connection)
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        return found

    def frame(self, recipe: Recipe) -> pandas.DataFrame:
        """The same as `rows`, as a frame: numbers are float64 with NaN for unknown."""
        frame: pandas.DataFrame = steps_run(self.connection, recipe).df()
        drop_wide(self.connection, recipe)  # as large as the frame, for as long as the workbench is open
        numbers = [feature.name for feature in recipe.features if feature.kind == "number"]
        return frame.astype(dict.fromkeys(numbers, "float64"))

    def _complete(self, name: str, columns: Iterable[tuple[str, str]], files: str) -> None:
        """A view `whole_<source>` in which columns that no stored file has are unknown."""
        self.connection.execute(f"CREATE OR REPLACE VIEW whole_{name} AS {self.whole(columns, files)}")

    def whole(
        self,
        columns: Iterable[tuple[str, str]],
        files: str,
        connection: duckdb.DuckDBPyConnection | None = None,
    ) -> str:
        """SQL of stored facts in which columns that no stored file has are unknown."""
        described = (connection or self.connection).execute(f"DESCRIBE SELECT * FROM {files}")
        stored = {row[0] for row in described.fetchall()}
        chosen = [
            f'"{column}"' if column in stored else f'NULL::{kind} AS "{column}"' for column, kind in columns
        ]
        return f"SELECT {', '.join([*chosen, *CLOCKS])} FROM {files}"

    def _own_facts(
        self, name: str, columns: Iterable[tuple[str, str]], own: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> None:
        typed = [*((f'"{column}"', column, kind) for column, kind in columns)]
        typed += [("event_date", "event_date", "DATE"), ("known_at", "known_at", "DATE")]
        declared = ", ".join(f"{quoted} {kind}" for quoted, _, kind in typed)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE own_{name} ({declared}, superseded_at DATE, removed BOOLEAN, fact_rank BIGINT, for_subject BIGINT)"
        )
        rows = [
            [*(values.get(column) for _, column, _ in typed), None, False, OWN_RANK + index, subject]
            for index, (subject, values) in enumerate(own)
        ]
        insert_rows(self.connection, f"own_{name}", rows)


def read_of(paths: Sequence[str]) -> str:
    """A SQL source of these Parquet files, `''` for none."""
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}], hive_partitioning = false)" if paths else ""


def _rows_of(path: str, rows: tuple[int, int]) -> str:
    """SQL of some rows of a file, the first and the last of them named: other row groups are not read."""
    quoted, (first, last) = path.replace("'", "''"), rows
    facts = f"read_parquet('{quoted}', hive_partitioning = false, file_row_number = true)"
    return f"SELECT * EXCLUDE (file_row_number) FROM {facts} WHERE file_row_number BETWEEN {first} AND {last}"


def steps_run(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> duckdb.DuckDBPyConnection:
    """Run a recipe over the tables that are there; what it gives, in subject order, is there to be fetched."""
    make_wide(connection, recipe)
    return connection.execute(recipe.values)


def make_wide(
    connection: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    table: Callable[[duckdb.DuckDBPyConnection, Step], None] | None = None,
) -> None:
    """Make the view `wide` that `values` reads: the subjects and all blocks side by side. `table` makes a step's table."""
    table = table or step_table
    for step in recipe.steps:
        table(connection, step)
    for number, block in enumerate(recipe.blocks):
        for step in block.steps:
            table(connection, step)
        step_table(connection, Step(f"w{number}", block.sql))
        _in_order(connection, f"w{number}")
        for step in block.steps:
            connection.execute(f"DROP TABLE {step.name}")
    for step in recipe.steps:
        connection.execute(f"DROP TABLE {step.name}")
    if recipe.blocks:
        blocks = [f"w{number}" for number in range(len(recipe.blocks))]
        brought = "".join(f", {name}.* EXCLUDE (subject)" for name in blocks)
        sides = "".join(f" POSITIONAL JOIN {name}" for name in blocks)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW wide AS SELECT s.*{brought} FROM subjects s{sides}")


def _in_order(connection: duckdb.DuckDBPyConnection, block: str) -> None:
    """See to it that a block's rows are in the order of the subjects: they nearly always are, and sorting all would cost."""
    asked = f"SELECT count(*) FROM subjects s POSITIONAL JOIN {block} w WHERE s.subject IS DISTINCT FROM w.subject"
    if connection.execute(asked).fetchall() != [(0,)]:
        step_table(connection, Step(block, f"SELECT w.* FROM {block} w ORDER BY subject"))


def drop_wide(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> None:
    """Let go of what `make_wide` made."""
    connection.execute("DROP VIEW IF EXISTS wide")
    for number in range(len(recipe.blocks)):
        connection.execute(f"DROP TABLE IF EXISTS w{number}")


def step_table(connection: duckdb.DuckDBPyConnection, step: Step) -> None:
    """Make the table of a step."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} AS {step.sql}")


def _rows(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> list[dict[str, Any]]:
    result = steps_run(connection, recipe)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
