"""What does a store of another size hold? A tenth, or three times, the enterprises of a project, in a folder that may be thrown away.

Thinned by the hash of the enterprise's code; replicated with a suffix on it. The definitions are the project's, the sources those
asked for, the index files written as the store writes them (buckets, order, row groups, hashes).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from riskengine.project import Project
from riskengine.schema import file_sha256
from riskengine.store import snapshot
from riskengine.store.index import _ROW_GROUP as ROW_GROUP
from riskengine.store.index import bucket_sql, buckets_of
from riskengine.store.parquet import arrow_batches, union_schema, write_parquet
from riskengine.store.snapshot import FactFile, SourceFacts

KEY = "uscc"  # of these sources the cluster column, too


def sized(project: Project, folder: Path, sources: Iterable[str], times: float) -> Project:
    """A project in `folder` with `times` as many enterprises: below 1 some of them, from 1 on each so many times."""
    folder.mkdir(parents=True)
    for name in ("configs", "features", "models", "pipelines"):
        shutil.copytree(project.root / name, folder / name)
    made = Project(folder)
    held, filed = snapshot.read(project.store), {}
    with duckdb.connect(
        config={"threads": 2, "memory_limit": "3GB", "temp_directory": str(folder / "spill")}
    ) as connection:
        connection.execute("SET enable_progress_bar = false")
        for source in sources:
            if source in held.sources:
                filed[source] = _filed(connection, held.paths(source), made.store, source, times)
    snapshot.write(made.store, filed)
    return made


def _filed(
    connection: duckdb.DuckDBPyConnection, paths: list[str], root: Path, source: str, times: float
) -> SourceFacts:
    kept = (
        f"('0x' || md5(f.{KEY} || ' sized')[:8])::BIGINT % 1000 < {round(times * 1000)}"
        if times < 1
        else "true"
    )
    copies = ", ".join(f"('{f'-{number}' if number else ''}')" for number in range(max(1, round(times))))
    facts = f"read_parquet({paths!r}, union_by_name = true) f, (VALUES {copies}) c(suffix) WHERE f.{KEY} IS NOT NULL AND {kept}"
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {facts}").fetchall()
    buckets = buckets_of(rows)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE facts AS SELECT f.* REPLACE (f.{KEY} || suffix AS {KEY}),
        {bucket_sql(f"(f.{KEY} || suffix)", buckets).replace('"', "")} AS bucket FROM {facts}"""
    )
    schema, files = union_schema(paths), []
    (root / "index" / source).mkdir(parents=True)
    for bucket in range(buckets):
        query = f"SELECT * EXCLUDE bucket FROM facts WHERE bucket = {bucket} ORDER BY {KEY}, fact_rank"
        path = root / "index" / source / f"{bucket:05d}.parquet"
        many = write_parquet(path, schema, arrow_batches(connection, query), ROW_GROUP)
        files.append(FactFile(str(path.relative_to(root)), file_sha256(path), many, bucket))
    return SourceFacts(0, tuple(files), KEY, buckets)
