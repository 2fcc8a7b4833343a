"""Who else is looked at besides applicants and guarantees in force? `[populations.<name>]` of `configs/subjects.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from riskengine.clock import Span
from riskengine.errors import Problem, nearest
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import SubjectRule, Subjects
from riskengine.profile.recipe import Recipe
from riskengine.store.snapshot import bucket_sql

if TYPE_CHECKING:
    from riskengine.intake.contract import SourceContract

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


@dataclass(frozen=True, slots=True)
class Part:
    """One of `of` (a power of two) parts of all subjects, by the hash of their enterprise; as the index lies in buckets."""

    number: int = 0
    of: int = 1

    def sql(self, column: str) -> str:
        """SQL that is true for the values of a column that are in this part."""
        return "TRUE" if self.of == 1 else f"{bucket_sql(column, self.of)} = {self.number}"


EVERYBODY = Part()


def visible_sql(facts: str, first: date, last: date) -> str:
    """SQL: whether a fact may be visible on any day from `first` to `last`."""
    return f"""NOT {facts}.removed AND {facts}.known_at <= DATE '{last}' AND {facts}.event_date <= DATE '{last}'
        AND ({facts}.superseded_at IS NULL OR {facts}.superseded_at > DATE '{first}')"""


def load_population(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, days: Sequence[date], part: Part = EVERYBODY
) -> int:
    """Fill `subjects` with a population as known on each of `days`, one row for each id by its last fact.

    A fact counts if it is visible and began within `longest`; a visible fact of `ends_with` on the same id ends it. Key
    columns that the source does not have are unknown. Rows are in order of (as_of, id). Returns how many: zero where nothing
    was ever taken in.
    """
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
    began = [Span.parse(rule.longest).before(day) if rule.longest else date.min for day in days]
    listed = ", ".join(f"(DATE '{day}', DATE '{first}')" for day, first in zip(days, began, strict=True))
    visible = """{0}.known_at <= d.as_of AND {0}.event_date <= d.as_of AND NOT {0}.removed
        AND ({0}.superseded_at IS NULL OR {0}.superseded_at > d.as_of)"""
    ended = " ".join(
        f"""AND NOT EXISTS (SELECT 1 FROM {ends} e WHERE e."{rule.id}" = f."{rule.id}" AND {visible.format("e")})"""
        for ends in map(bench.facts, rule.ends_with)
        if ends
    )
    connection.execute(
        f"""CREATE OR REPLACE TABLE subjects AS
        SELECT row_number() OVER () - 1 AS subject, as_of, false AS fed, * EXCLUDE (as_of, began, fact_rank, before)
        FROM (SELECT *, lag((as_of, id)) OVER () AS before
              FROM (SELECT d.as_of, f."{rule.id}"::VARCHAR AS id, f."{rule.enterprise}" AS enterprise_id{columns},
                           f.event_date AS began, f.fact_rank
                    FROM (VALUES {listed}) d(as_of, began), {files} f
                    WHERE {visible.format("f")} AND f.event_date > d.began AND {part.sql(f'f."{rule.enterprise}"')} {ended}
                    ORDER BY as_of, id, began DESC, fact_rank DESC))
        WHERE before IS DISTINCT FROM (as_of, id)"""
    )
    found: Any = connection.execute("SELECT count(*) FROM subjects").fetchone()
    return int(found[0])
