"""How is each spelling of a name shown, compared and taken apart? Kept between nights: it depends on nothing but the spelling.

Lesson of the profile: taking 690,000 names of a province's register apart was a third of every night's identity, for the few
hundred names that a day brings. What is kept is never more than a shorter way to the same answer: it lies under the hash of its
bytes, made by the very code and word lists that would make it again, and holds no spelling of which something is hidden.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from riskengine.identity import anatomy, places
from riskengine.identity.anatomy import name_parts
from riskengine.intake import codes, naming, nouns, personal
from riskengine.intake.personal import name_shown
from riskengine.schema import file_sha256

if TYPE_CHECKING:
    import duckdb

PARTS = ("key", "place", "core", "trade", "form", "branch", "ending")
_COLUMNS = ("spelt", "name", *PARTS)
_MADE_BY = b"riskengine.names"
_FEW = 50  # what is kept is written again when a fiftieth has come to it


def taken_apart(connection: duckdb.DuckDBPyConnection, spelt: str, root: Path | None) -> None:
    """Make the table `apart`: of every text of a query's column `spelt` the name as it may be shown and its `PARTS`, empty where
    a part is not there. `root`: the store that keeps them; None where nothing is kept."""
    kept = _kept(root) if root else None
    held = f"read_parquet('{str(kept).replace(chr(39), chr(39) * 2)}')" if kept else "new"
    connection.register("new", _table([]))
    connection.execute(f"CREATE TEMP TABLE wanted AS SELECT DISTINCT spelt FROM ({spelt}) WHERE spelt <> ''")
    connection.execute(
        f"CREATE TEMP TABLE apart AS SELECT held.*, true AS plain FROM {held} held SEMI JOIN wanted USING (spelt)"
    )
    lacking = connection.execute("SELECT spelt FROM wanted ANTI JOIN apart USING (spelt) ORDER BY spelt")
    rows = [_apart(text) for (text,) in lacking.fetchall()]
    connection.register("new", _table(rows))
    connection.execute("INSERT INTO apart SELECT *, name = trim(spelt) FROM new")
    if (
        root
        and os.access(root, os.W_OK)
        and len(rows) * _FEW > (pq.read_metadata(kept).num_rows if kept else 0)
    ):
        others = f"UNION ALL SELECT * FROM {held} ANTI JOIN apart USING (spelt)" if kept else ""
        told = f"SELECT * EXCLUDE (plain) FROM apart WHERE plain {others} ORDER BY spelt"
        _keep(root, connection.sql(told).to_arrow_table())
    connection.unregister("new")


def _apart(spelt: str) -> tuple[str, ...]:
    name = name_shown(spelt.strip())
    parts = name_parts(name)
    return (spelt, name, *(getattr(parts, part) for part in PARTS))


def _table(rows: Iterable[tuple[str, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if (rows := list(rows)) else [()] * len(_COLUMNS)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(_COLUMNS, columns, strict=True)}
    )


@cache
def _maker() -> bytes:
    """The code and the word lists from which the parts follow."""
    modules = (anatomy, places, codes, naming, nouns, personal)
    texts = [Path(str(module.__file__)).read_bytes() for module in modules]
    return sha256(b"\0".join([unicodedata.unidata_version.encode(), *texts])).hexdigest().encode()


def _kept(root: Path) -> Path | None:
    """The file of what is kept, where it is whole and of today's code."""
    for path in sorted((root / "identity").glob("names-*.parquet")):
        if file_sha256(path)[:16] == path.stem.rpartition("-")[2]:
            made_by = (pq.read_metadata(path).metadata or {}).get(_MADE_BY)
            if made_by == _maker():
                return path
    return None


def _keep(root: Path, table: pa.Table) -> None:
    """In the place of what was kept before; a reader sees a whole file or none."""
    folder = root / "identity"
    folder.mkdir(exist_ok=True)
    temporary = root / f".names.{os.getpid()}.new"
    pq.write_table(table.replace_schema_metadata({_MADE_BY: _maker()}), temporary, compression="zstd")
    final = folder / f"names-{file_sha256(temporary)[:16]}.parquet"
    temporary.replace(final)
    for path in folder.glob("names-*.parquet"):
        if path != final:
            path.unlink(missing_ok=True)
