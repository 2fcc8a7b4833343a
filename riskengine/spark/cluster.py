"""Where do the facts and the subjects lie on a cluster? Views over the index files, read and checked by the workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from riskengine.errors import IntegrityError, Problem
from riskengine.profile.recipe import Recipe
from riskengine.spark.storage import address
from riskengine.store.snapshot import Snapshot

TYPES: Mapping[str, str] = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "DECIMAL(18,2)": "decimal(18,2)",
    "DATE": "date",
    "BOOLEAN": "boolean",
}
_CLOCKS: Mapping[str, str] = {
    "event_date": "DATE",
    "known_at": "DATE",
    "superseded_at": "DATE",
    "removed": "BOOLEAN",
    "fact_rank": "BIGINT",
}


@dataclass
class Cluster:
    """A Spark session over one snapshot of facts.

    `facts_at` is where workers see the store's folder (a shared path, `hdfs://`, `s3a://`); `working` is a folder in the
    cluster's storage for what lies between two steps, removed when they are done.
    """

    session: Any
    snapshot: Snapshot
    working: str
    facts_at: str = ""
    verified: set[str] = field(default_factory=set)

    def paths(self, source: str) -> list[str]:
        """The addresses of a source's index files; empty where nothing has been taken in."""
        root = address(self.facts_at or self.snapshot.root)
        held = self.snapshot.sources.get(source)
        return [f"{root}/{file.path}" for file in held.files] if held else []

    def verify(self, sources: Iterable[str]) -> None:
        """Compare the bytes of these sources' files with their hashes, on the workers; `IntegrityError` on a difference.

        Only names and hashes come to the driver.
        """
        fresh = sorted(set(sources) - self.verified)
        wanted = {
            file.path: file.sha256
            for source in fresh
            if source in self.snapshot.sources
            for file in self.snapshot.sources[source].files
        }
        if wanted:
            files = self.session.read.format("binaryFile").load(
                [path for source in fresh for path in self.paths(source)]
            )
            rows = files.selectExpr("path", "sha2(content, 256) AS hash").collect()
            got = {row.path: row.hash for row in rows}
            problems = [
                Problem(path, f"SHA-256 {sha}", found, "Copy the store to the cluster again")
                for path, sha in sorted(wanted.items())
                if (found := next((h for p, h in got.items() if p.endswith(path)), "no file")) != sha
            ]
            if problems:
                raise IntegrityError(f"Snapshot {self.snapshot.id} is damaged", problems)
        self.verified |= set(fresh)

    def load_facts(self, recipe: Recipe) -> None:
        """Make one view `facts_<source>` for each source that the recipe reads; a column no file has is unknown."""
        self.verify(name for name, _ in recipe.sources)
        for name, note in recipe.sources:
            typed = {column: TYPES[kind] for column, kind in {**dict(note.columns), **_CLOCKS}.items()}
            schema = ", ".join(f"`{column}` {kind}" for column, kind in typed.items())
            files = self.paths(name)
            unknown = ", ".join(f"CAST(NULL AS {kind}) AS `{column}`" for column, kind in typed.items())
            # A schema of our own: no job to look into the files, and what an older file does not have is null. Where there is
            # no file, a query that Spark knows to be empty and drops from its plans; a frame of no rows starts a Python worker.
            frame = (
                self.session.read.schema(schema).parquet(*files)
                if files
                else self.session.sql(f"SELECT {unknown} WHERE false")
            )
            frame.selectExpr("*", "CAST(NULL AS bigint) AS for_subject").createOrReplaceTempView(
                f"facts_{name}"
            )

    def kept(self, name: str, frame: Any) -> Any:
        """What a frame holds, written to the working folder by the workers and read from there: a step is done once."""
        place = f"{self.working}/{name}"
        frame.write.mode("overwrite").parquet(place)
        return self.session.read.schema(frame.schema).parquet(place)
