"""Which of yesterday's results still hold tonight? A night that computes only what a new or an expiring fact can change.

The aggregates of a step over the facts of a key hold from one night to the next, to the bit, unless in between

- a delivery brought a fact of the key, or a fact of the same slot as one of the key's (which then may end it), or
- a fact of the key became visible, was superseded, or crossed an edge of one of the step's windows (see `carried`).

Such keys, and keys that were not asked for the night before, are computed with the very same SQL; all others are carried
over. What changes with the calendar alone, is read subject by subject or through links is computed in full. What is kept is a
DuckDB file (types as they are) named by its hash; a damaged one, one of other definitions or of a later day is not used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.profile.carried import edge_sql
from riskengine.profile.compute import Workbench, step_table
from riskengine.profile.recipe import Recipe, Step
from riskengine.schema import canonical_json, file_sha256
from riskengine.store.snapshot import replace_text


@dataclass(frozen=True)
class Kept:
    """What a night left: its day, the last batch that it knew of each source, and the file with the tables of its steps."""

    day: date
    batches: Mapping[str, int]
    path: Path


@dataclass
class Tonight:
    """Makes the tables of a recipe's steps for subjects of one day, from what the night before kept, and keeps its own.

    `slots` are the key columns of each source, whose latest fact stands in the place of earlier ones. `carried` and
    `computed` count (step, key) results.
    """

    bench: Workbench
    recipe: Recipe
    folder: Path
    day: date
    slots: Mapping[str, Sequence[str]]
    carried: int = 0
    computed: int = 0
    _before: Kept | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        connection = self.bench.connection
        self._before = self._read()
        if self._before:
            connection.execute(f"ATTACH '{_quoted(self._before.path)}' AS before (READ_ONLY)")
        self._draft = self.folder / f".{self.day}.new"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._draft.unlink(missing_ok=True)
        connection.execute(f"ATTACH '{_quoted(self._draft)}' AS tonight")

    def table(self, connection: Any, step: Step) -> None:
        """Make the table of a step."""
        met = step.met
        if met is None or met.linked or met.own or met.moving or not met.columns:
            step_table(connection, step)
            return
        keys = ", ".join(f'"{column}"' for column in met.columns)
        known = " AND ".join(f'"{column}" IS NOT NULL' for column in met.columns)
        connection.execute(
            f"CREATE TABLE tonight.asked_{step.name} AS SELECT DISTINCT {keys} FROM subjects WHERE {known}"
        )
        if self._before is None:
            step_table(connection, step)
        else:
            self._renew(connection, step, keys)
        connection.execute(f"CREATE TABLE tonight.{step.name} AS SELECT * FROM {step.name}")

    def keep(self) -> None:
        """Keep tonight's tables for the next night; whatever was kept before is forgotten."""
        connection = self.bench.connection
        if self._before:
            connection.execute("DETACH before")
        connection.execute("DETACH tonight")
        digest = file_sha256(self._draft)
        final = self.folder / f"{digest[:16]}.duckdb"
        self._draft.replace(final)
        content = {
            "day": str(self.day),
            "recipe": self.recipe.fingerprint,
            "batches": _batches(self.bench, self.recipe),
            "sha256": digest,
        }
        replace_text(self.folder / "kept.json", canonical_json(content))
        for path in self.folder.glob("*.duckdb"):
            if path != final:
                path.unlink()

    def _read(self) -> Kept | None:
        path = self.folder / "kept.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (
            FileNotFoundError,
            ValueError,
        ):  # nothing kept, or not readable: the night is computed in full
            return None
        data = self.folder / f"{content['sha256'][:16]}.duckdb"
        day = date.fromisoformat(content["day"])
        if content["recipe"] != self.recipe.fingerprint or day >= self.day:
            return None
        if not data.exists() or file_sha256(data) != content["sha256"]:
            return None
        return Kept(day, content["batches"], data)

    def _renew(self, connection: Any, step: Step, keys: str) -> None:
        """Compute the step for keys that something touched or that are new, and carry the others over."""
        assert step.met is not None
        step_table(connection, Step("touched", self._touched(step, keys)))
        asked = f"tonight.asked_{step.name}"
        still = f"""SELECT {keys} FROM {asked} SEMI JOIN before.asked_{step.name} USING ({keys})
            ANTI JOIN touched USING ({keys})"""
        step_table(connection, Step("still", still))
        # a temporary table stands before the table of subjects: the very same SQL runs for these keys only
        anew = f"SELECT {keys}, DATE '{self.day}' AS as_of FROM {asked} ANTI JOIN still USING ({keys})"
        step_table(connection, Step("subjects", anew))
        step_table(connection, Step("anew", step.sql))
        connection.execute("DROP TABLE temp.subjects")
        old = f"SELECT * REPLACE (DATE '{self.day}' AS as_of) FROM before.{step.name} SEMI JOIN still USING ({keys})"
        step_table(connection, Step(step.name, f"SELECT * FROM anew UNION ALL BY NAME {old}"))
        told = f"SELECT (SELECT count(*) FROM still), (SELECT count(*) FROM {asked})"
        ((carried, every),) = connection.execute(told).fetchall()
        self.carried += carried
        self.computed += every - carried
        connection.execute("DROP TABLE touched; DROP TABLE still; DROP TABLE anew")

    def _touched(self, step: Step, keys: str) -> str:
        """SQL: the keys of which something came, went or crossed an edge since the night before."""
        assert step.met is not None
        assert self._before is not None
        source, then, now = step.met.source, f"DATE '{self._before.day}'", f"DATE '{self.day}'"
        files = self.bench.facts(source)
        if not files:
            return f"SELECT {keys} FROM tonight.asked_{step.name} LIMIT 0"
        edges = [(edge_sql(edge, then), edge_sql(edge, now)) for edge in step.met.edges]
        crossed = "".join(f" OR (event_date > {far} AND event_date <= {near})" for far, near in edges)
        last = self._before.batches.get(source, -1)
        slot = ", ".join(f'"{column}"' for column in self.slots[source])
        same = " AND ".join(
            f'f."{column}" IS NOT DISTINCT FROM n."{column}"' for column in self.slots[source]
        )
        return f"""SELECT DISTINCT {keys} FROM {files} WHERE batch > {last}
            OR (greatest(event_date, known_at) > {then} AND greatest(event_date, known_at) <= {now})
            OR (superseded_at > {then} AND superseded_at <= {now}){crossed}
            UNION SELECT {", ".join(f'f."{column}"' for column in step.met.columns)} FROM {files} f
            SEMI JOIN (SELECT DISTINCT {slot} FROM {files} WHERE batch > {last}) n ON {same}"""


def _batches(bench: Workbench, recipe: Recipe) -> dict[str, int]:
    """The last batch of each source that a recipe reads."""
    found = {}
    for source, _ in recipe.sources:
        files = bench.facts(source)
        if files:
            found[source] = int(bench.connection.execute(f"SELECT max(batch) FROM {files}").fetchall()[0][0])
    return found


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
