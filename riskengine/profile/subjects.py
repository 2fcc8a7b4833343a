"""Who is looked at: which applicants, and which guarantees were in force, as of which day?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, SetupError, UsageError
from riskengine.profile.compute import Subject, Workbench
from riskengine.profile.keys import SubjectRule
from riskengine.profile.points import CLOCKS, Asked, read_points
from riskengine.profile.populations import EVERYBODY, Part
from riskengine.profile.recipe import Recipe

_CURRENT = "known_at <= {day} AND (superseded_at IS NULL OR superseded_at > {day}) AND NOT removed"


def load_applicants(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, *, known: date, start: date | None = None
) -> int:
    """Fill `subjects` with every application known at `known`, each as of its own event date; returns how many.

    An application is taken as it was first known: what was corrected or withdrawn later was not there on its day.

    `subjects` gets the key columns and `id`, `enterprise`; rows are in order of (as_of, id).
    """
    columns = _columns(recipe, rule)
    since = f"AND event_date >= DATE '{start}'" if start else ""
    bench.connection.execute(
        f"""CREATE OR REPLACE TABLE subjects AS
        SELECT row_number() OVER (ORDER BY event_date, "{rule.id}", fact_rank) - 1 AS subject, event_date AS as_of,
               false AS fed{columns}, "{rule.id}"::VARCHAR AS id, "{rule.enterprise}" AS enterprise_id
        FROM (SELECT * FROM {_source(bench, rule)} WHERE known_at <= DATE '{known}' AND NOT removed {since}
              QUALIFY row_number() OVER (PARTITION BY "{rule.id}" ORDER BY known_at, batch, "row") = 1)
        ORDER BY subject"""
    )
    return _count(bench)


def load_in_force(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, days: Sequence[date], part: Part = EVERYBODY
) -> int:
    """Fill `subjects` with the guarantees in force (of a part of the enterprises) as known on each of `days`; returns how many rows.

    In force: its fact is visible, it began (`event_date`) within `longest`, and no visible fact of `ends_with` has
    ended it. Where a source never tells of an exit (a loan repaid), the guarantee stays until `longest`.
    """
    if not days:
        hint = "Choose a longer period"
        raise UsageError("Nobody to look at", [Problem("period", "at least one month-end", "none", hint)])
    columns = _columns(recipe, rule)
    listed = ", ".join(f"(DATE '{day}', DATE '{_began_after(rule, day)}')" for day in days)
    ended = [
        f"""AND NOT EXISTS (SELECT 1 FROM {files} e WHERE e."{rule.id}" = g."{rule.id}" AND e.event_date <= d.as_of
            AND e.known_at <= d.as_of AND (e.superseded_at IS NULL OR e.superseded_at > d.as_of) AND NOT e.removed)"""
        for files in map(bench.facts, rule.ends_with)
        if files
    ]
    bench.connection.execute(
        f"""CREATE OR REPLACE TABLE subjects AS
        SELECT row_number() OVER (ORDER BY d.as_of, g."{rule.id}", g.fact_rank) - 1 AS subject, d.as_of,
               false AS fed{columns}, g."{rule.id}"::VARCHAR AS id, g."{rule.enterprise}" AS enterprise_id
        FROM (VALUES {listed}) d(as_of, began_after), {_source(bench, rule)} g
        WHERE {_CURRENT.format(day="d.as_of")} AND g.event_date <= d.as_of AND g.event_date > d.began_after
        AND {part.sql(f'g."{rule.enterprise}"')} {" ".join(ended)}
        ORDER BY subject"""
    )
    return _count(bench)


def find_subject(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, name: str, as_of: date
) -> Subject | None:
    """The subject called `name` (its id, or an enterprise's latest) as known on `as_of`; None if nothing is known."""
    kinds = dict(recipe.keys)
    if rule.source not in bench.snapshot.sources:
        raise _nothing(rule)
    note = dict(recipe.sources).get(rule.source)
    read = note.columns if note else ()
    for column in (
        rule.id,
        rule.enterprise,
    ):  # one after the other: a single equality skips most of a sorted file
        text = kinds.get(column) == "VARCHAR"  # another type may be written in several ways: 7, 007
        if text and column in dict(read) and not any(kind.startswith("DECIMAL") for kind in kinds.values()):
            if keys := _latest(bench, Asked(rule.source, read, column, (name,)), recipe.keys, as_of):
                return Subject(as_of, keys)
            continue
        files = bench.holding(rule.source, column, [name]) if text else bench.facts(rule.source)
        if not files:
            continue
        found = bench.points.execute(
            f"""SELECT {", ".join(f'"{key}"' for key in kinds)} FROM {files}
            WHERE {_CURRENT.format(day="?::DATE")} AND "{column}" = ? ORDER BY fact_rank DESC LIMIT 1""",
            [as_of, as_of, name],
        ).fetchone()
        if found:
            return Subject(as_of, dict(zip(kinds, found, strict=True)))
    return None


def _latest(bench: Workbench, asked: Asked, keys: Sequence[tuple[str, str]], as_of: date) -> dict[str, Any]:
    """The keys of the latest of the facts asked for as known on a day; all are kept in mind: the subject's profile reads them again."""
    width, more = len(asked.columns), tuple(key for key in keys if key not in asked.columns)
    (rows,) = read_points(bench, bench.points, [replace(asked, columns=(*asked.columns, *more))])
    bench.lately = {asked: [row[:width] + row[width + len(more) :] for row in rows]}
    names = [name for name, _ in (*asked.columns, *more, *CLOCKS)]
    facts = [dict(zip(names, row[:-1], strict=True)) for row in rows]
    current = [
        one
        for one in facts
        if one["known_at"] <= as_of
        and (one["superseded_at"] is None or one["superseded_at"] > as_of)
        and not one["removed"]
    ]
    latest = max(current, key=lambda one: one["fact_rank"], default=None)
    return {} if latest is None else {key: latest[key] for key, _ in keys}


def _began_after(rule: SubjectRule, day: date) -> date:
    return Span.parse(rule.longest).before(day) if rule.longest else date.min


def _columns(recipe: Recipe, rule: SubjectRule) -> str:
    return "".join(
        f', "{column}"' for column in dict.fromkeys([*(column for column, _ in recipe.keys), *rule.shown])
    )


def _source(bench: Workbench, rule: SubjectRule) -> str:
    files = bench.facts(rule.source)
    if not files:
        raise _nothing(rule)
    return files


def _nothing(rule: SubjectRule) -> SetupError:
    hint = f"Run riskengine intake {rule.source} FILE"
    problem = Problem(f"source {rule.source}", "at least one batch", "none", hint)
    return SetupError("Nothing has been taken in", [problem])


def _count(bench: Workbench) -> int:
    row: Any = bench.connection.execute("SELECT count(*) FROM subjects").fetchone()
    return int(row[0])
