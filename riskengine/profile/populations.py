"""Who else is looked at besides applicants and guarantees in force? `[populations.<name>]` of `configs/subjects.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, nearest
from riskengine.intake.contract import SourceContract
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import Subjects
from riskengine.profile.recipe import Recipe

_TAKEN = ("guarantee", "source")


def population_problems(subjects: Subjects, sources: Mapping[str, SourceContract]) -> Iterator[Problem]:
    """What is wrong in the populations: names that mean something else, unknown sources, columns that are not there."""
    for name, rule in subjects.populations.items():
        place = f"configs/subjects.toml: populations.{name}"
        if name in (*subjects.keys, *_TAKEN):
            yield Problem(place, "a name that is no key", repr(name))
        for source in (rule.source, *rule.ends_with):
            if source not in sources:
                yield Problem(place, "a known source", repr(source), nearest(source, sources))
            else:
                wanted = [rule.id, *([rule.enterprise] if source == rule.source else [])]
                for column in wanted:
                    if sources[source].column_type(column) is None:
                        yield Problem(place, f"a column of {source}", repr(column))


def load_population(bench: Workbench, name: str, subjects: Subjects, recipe: Recipe, as_of: date) -> int:
    """Fill `subjects` with a population as known on `as_of`, one row for each id by its last fact; returns how many.

    A fact counts if it is visible and began within `longest`; a visible fact of `ends_with` on the same id ends it. Key
    columns that the source does not have are unknown. Zero where nothing was ever taken in.
    """
    rule = subjects.populations[name]
    files = bench.facts(rule.source)
    connection = bench.connection
    kinds = dict(recipe.keys)
    if not files:
        files = f'(SELECT NULL::VARCHAR AS "{rule.id}", NULL::VARCHAR AS "{rule.enterprise}", NULL::DATE AS event_date, NULL::DATE AS known_at, NULL::DATE AS superseded_at, false AS removed, 0 AS fact_rank LIMIT 0)'
    stored = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    columns = "".join(
        f', "{column}"' if column in stored else f', NULL::{kind} AS "{column}"'
        for column, kind in kinds.items()
    )
    began = Span.parse(rule.longest).before(as_of) if rule.longest else date.min
    visible = f"""known_at <= DATE '{as_of}' AND event_date <= DATE '{as_of}' AND NOT removed
        AND (superseded_at IS NULL OR superseded_at > DATE '{as_of}')"""
    ended = " ".join(
        f'AND "{rule.id}" NOT IN (SELECT "{rule.id}" FROM {ends} WHERE {visible} AND "{rule.id}" IS NOT NULL)'
        for ends in map(bench.facts, rule.ends_with)
        if ends
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE subjects AS
        SELECT row_number() OVER (ORDER BY id) - 1 AS subject, DATE '{as_of}' AS as_of, false AS fed, *
        FROM (SELECT "{rule.id}"::VARCHAR AS id, "{rule.enterprise}" AS enterprise_id{columns} FROM {files}
              WHERE {visible} AND event_date > DATE '{began}' {ended}
              QUALIFY row_number() OVER (PARTITION BY "{rule.id}" ORDER BY event_date DESC, fact_rank DESC) = 1)
        ORDER BY subject"""
    )
    found: Any = connection.execute("SELECT count(*) FROM subjects").fetchone()
    return int(found[0])
