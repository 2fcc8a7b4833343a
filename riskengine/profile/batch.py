"""How are profiles of a whole province written, as of one day or of many, in memory that does not grow with it?

Subjects are cut into parts by the hash of their enterprise, the hash by which the index lies in buckets: a part reads only
its own buckets of every source that is read by the enterprise alone. Each part becomes one Parquet file.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.errors import Problem, UsageError, nearest
from riskengine.profile.carried import Carrying
from riskengine.profile.compute import Workbench, make_wide
from riskengine.profile.keys import Subjects
from riskengine.profile.populations import Part, load_population
from riskengine.profile.recipe import Recipe
from riskengine.profile.subjects import load_in_force
from riskengine.schema import canonical_json
from riskengine.store.snapshot import Snapshot

GUARANTEE = "guarantee"
ROWS = 262_144  # subjects of a part, about: some 2 KB each for 150 features while they are made
_FACTS = re.compile(r"\bfacts_(\w+)")


@dataclass(frozen=True)
class Wanted:
    """Whose profiles: the guarantees in force (`guarantee`) or a population of `subjects.toml`, each of these days, in order."""

    of: str
    days: tuple[date, ...]
    recipe: Recipe


@dataclass(frozen=True)
class Written:
    """What was written: the folder, its rows and parts."""

    folder: Path
    rows: int
    parts: int


def write_profiles(
    snapshot: Snapshot,
    subjects: Subjects,
    wanted: Wanted,
    out: Path,
    told: Callable[[float], None] = lambda done: None,
) -> Written:
    """Write `out/profiles/part-*.parquet` and `out/profiles.json`; `told` hears which share is done.

    Columns: `subject`, `as_of`, `id`, `enterprise_id`, the key columns, then the features in the recipe's order. A part's rows
    are in order of (as_of, id). The folder appears when everything is written; one that is there is a `UsageError`.
    """
    known = (GUARANTEE, *subjects.populations)
    problems = []
    if wanted.of not in known:
        hint = nearest(wanted.of, known)
        problems.append(Problem("--of", f"one of {', '.join(known)}", repr(wanted.of), hint))
    if out.exists():
        problems.append(Problem(str(out), "a folder that is not there yet", "one that is", "Name another"))
    if problems:
        raise UsageError("No profiles can be written", problems)
    work = out.with_name(f".{out.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    (work / "profiles").mkdir(parents=True)
    bench = PartBench(snapshot, wanted.recipe)
    rule = subjects.guarantee if wanted.of == GUARANTEE else subjects.populations[wanted.of]
    if rule.source in snapshot.sources and snapshot.sources[rule.source].cluster == rule.enterprise:
        read = {name for name, _ in wanted.recipe.sources}
        bench.cut |= {rule.source} if rule.source not in read else set()
    with bench:
        parts = _parts(bench, subjects, wanted)
        rows = 0
        for number in range(parts):
            rows += _write_part(bench, subjects, wanted, (Part(number, parts), work / "profiles"))
            told((number + 1) / parts)
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
    return Written(out, rows, parts)


class PartBench(Workbench):
    """A workbench that reads of each source what one part of the enterprises can need."""

    def __init__(self, snapshot: Snapshot, recipe: Recipe) -> None:
        super().__init__(snapshot)
        self.part = Part()
        self.cut = self._cut(recipe)

    def facts(self, source: str) -> str:
        """The source's verified files that may hold facts of the part."""
        everything = super().facts(source)
        held = self.snapshot.sources.get(source)
        if held is None or source not in self.cut or self.part.of > held.buckets:
            return everything
        paths = [
            str(self.snapshot.root / file.path)
            for file in held.files
            if file.bucket % self.part.of == self.part.number
        ]
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        # nothing of the part: the first file tells the columns
        return f"read_parquet([{listed}])" if paths else f"(SELECT * FROM {everything} LIMIT 0)"

    def _cut(self, recipe: Recipe) -> frozenset[str]:
        """The sources that are read by the enterprise alone, by which their index is clustered."""
        steps = [step for block in recipe.blocks for step in block.steps]
        by: dict[str, set[str]] = {}
        for step in steps:
            if step.met:
                column = step.met.columns[0] if step.met.columns and not step.met.linked else ""
                by.setdefault(step.met.source, set()).add(column)
        linked = {name for step in recipe.steps for name in _FACTS.findall(step.sql)}
        held = self.snapshot.sources
        return frozenset(
            source for source, columns in by.items()
            if source in held and source not in linked and columns == {held[source].cluster}
        )  # fmt: skip


def _parts(bench: Workbench, subjects: Subjects, wanted: Wanted) -> int:
    """How many parts there are to be: a power of two."""
    rule = subjects.guarantee if wanted.of == GUARANTEE else subjects.populations[wanted.of]
    files = bench.facts(rule.source)
    if not files:
        return 1
    found: Any = bench.connection.execute(f'SELECT count(DISTINCT "{rule.id}") FROM {files}').fetchone()
    return 1 << max(0, (-(-int(found[0]) * len(wanted.days) // ROWS) - 1)).bit_length()


def _write_part(bench: PartBench, subjects: Subjects, wanted: Wanted, where: tuple[Part, Path]) -> int:
    bench.part, folder = where
    recipe = wanted.recipe
    if wanted.of == GUARANTEE:
        rows = load_in_force(bench, subjects.guarantee, recipe, wanted.days, bench.part)
    else:
        rows = load_population(bench, subjects.populations[wanted.of], recipe, wanted.days, bench.part)
    bench.load_facts(recipe)
    make_wide(bench.connection, recipe, Carrying(wanted.days).table)
    keys = [column for column, _ in recipe.keys]
    own = ", ".join(
        f's."{name}"' for name in dict.fromkeys(["subject", "as_of", "id", "enterprise_id", *keys])
    )
    taken = {"subject", "as_of", "id", "enterprise_id", *keys}
    features = "".join(f', v."{name}"' for name in recipe.names if name not in taken)
    path = str(folder / f"part-{bench.part.number:05d}.parquet").replace("'", "''")
    bench.connection.execute(
        f"""COPY (SELECT {own}{features} FROM subjects s POSITIONAL JOIN ({recipe.values}) v)
        TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 32768)"""
    )
    return rows
