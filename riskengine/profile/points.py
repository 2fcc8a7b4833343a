"""How are the few facts of some values read from many sources? As one query a lane, since most of such a read is planning.

Lesson of the profile: 38 reads of one enterprise's facts took 34 ms of the processor, 23 of them DuckDB's planning; as two queries
side by side they take 26, and half as long by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import duckdb

from riskengine.profile.compute import Workbench

Rows = list[tuple[Any, ...]]
CLOCKS = (("event_date", "DATE"), ("known_at", "DATE"), ("superseded_at", "DATE"), ("removed", "BOOLEAN"),
           ("fact_rank", "BIGINT"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Facts of a source: these columns (name and DuckDB type, `by` among them) where `by` has one of `values`."""

    source: str
    columns: tuple[tuple[str, str], ...]
    by: str
    values: tuple[Any, ...]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """SQL and type of each cell: a decimal as the whole number of its last digit, then the clocks and the rank."""
        plain = [
            (f'("{name}" * {power(kind)})::BIGINT', "BIGINT")
            if kind.startswith("DECIMAL")
            else (f'"{name}"', kind)
            for name, kind in self.columns
        ]
        return [*plain, *CLOCKS]

    @property
    def where(self) -> str:
        """SQL of what is asked: a plain equality of one value skips most of a sorted file."""
        marks = ", ".join("?" * len(self.values))
        return f'"{self.by}" = ?' if len(self.values) == 1 else f'"{self.by}" IN ({marks})'


def read_in_lanes(bench: Workbench, asked: Sequence[Asked]) -> list[Rows]:
    """`read_points` of many, half of what there is to read beside the others."""
    found: list[Rows] = [[] for _ in asked]
    held = [number for number, one in enumerate(asked) if one in bench.lately or _held(bench, one)]
    lanes = [[asked[number] for number in held[first::2]] for first in range(2)]
    later = bench.beside.submit(read_points, bench, bench.points.cursor(), lanes[1])
    rows = [read_points(bench, bench.points, lanes[0]), later.result()]
    for place, number in enumerate(held):
        found[number] = rows[place % 2][place // 2]
    return found


def read_points(
    bench: Workbench, connection: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[Rows]:
    """The rows of each: its cells, then None (for whom: for everybody). Those of the subject looked up last are not read again."""
    found: list[Rows] = [bench.lately.get(one, []) for one in asked]
    fresh = [number for number, one in enumerate(asked) if one not in bench.lately]
    stored = {number: files for number in fresh if (files := _held(bench, asked[number]))}
    if not stored:
        return found
    whole = _together(connection, {number: (asked[number], files) for number, files in stored.items()})
    for number, files in stored.items():
        found[number] = whole[number] if whole else _alone(bench, connection, asked[number], files)
    return found


def _held(bench: Workbench, one: Asked) -> str:
    return bench.holding(one.source, one.by, one.values)


def power(kind: str) -> int:
    """Ten to the power of a decimal type's scale."""
    return int(10 ** int(kind.partition(",")[2].rstrip(")")))


def _together(
    connection: duckdb.DuckDBPyConnection, stored: Mapping[int, tuple[Asked, str]]
) -> Mapping[int, Rows] | None:
    """All in one query, cells of a type under each other; None where a file has not the columns and types of its contract."""
    parts, places, values = [], {}, list[Any]()
    for number, (one, files) in stored.items():
        count: dict[str, int] = {}
        named = []
        for cell, kind in one.cells:
            count[kind] = count.get(kind, -1) + 1
            named.append((cell, f"{kind}_{count[kind]}"))
        told = ", ".join(f'{cell} AS "{name}"' for cell, name in named)
        parts.append(f"SELECT {number} AS number, {told} FROM {files} WHERE {one.where}")
        places[number] = [name for _, name in named]
        values += one.values
    try:
        result = connection.execute(" UNION ALL BY NAME ".join(parts), values)
    except duckdb.BinderException:
        return None
    columns = [(column[0], str(column[1])) for column in result.description or ()]
    if any(kind != name.rpartition("_")[0] for name, kind in columns[1:]):
        return None
    place_of = {name: place for place, (name, _) in enumerate(columns)}
    cells = {number: itemgetter(*(place_of[name] for name in names)) for number, names in places.items()}
    found: dict[int, Rows] = {number: [] for number in stored}
    for row in result.fetchall():
        found[row[0]].append((*cells[row[0]](row), None))
    return found


def _alone(bench: Workbench, connection: duckdb.DuckDBPyConnection, one: Asked, files: str) -> Rows:
    asked = f"SELECT {', '.join(cell for cell, _ in one.cells)}, NULL FROM {{}} WHERE {one.where}"
    try:
        result = connection.execute(asked.format(files), list(one.values))
    except duckdb.BinderException:  # a column that the contract had not promised when the facts came
        whole = bench.whole(one.columns, files, connection)
        result = connection.execute(asked.format(f"({whole})"), list(one.values))
    return list(result.fetchall())
