"""On which days can a step's result change? Profiles of many days compute those, and carry the result over the others.

Aggregates over the facts of a key are what they were the day before, to the bit, unless since then a fact of that key
became visible (the later of its two days), was superseded, or crossed an edge of one of the step's windows. So for days
d1 < ... < dn a step runs for the (key, day) pairs at which one of these happened, and each other pair has the result of
the latest such pair before it. What changes with the calendar alone (a step that is `moving`), what is read subject by
subject or through links runs for every pair.

The lesson of its profile: of 24 month-ends of a province one pair in seven is computed; what is left is mostly writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskengine.profile.compute import step_table
from riskengine.profile.recipe import Step

FEWEST = 3  # days for which it pays
MOST = 0.6  # of all pairs: where more change, all are computed at once


@dataclass(frozen=True)
class Carrying:
    """Makes the tables of a recipe's steps over subjects of these days, in order, in one DuckDB connection."""

    days: Sequence[date]

    def table(self, connection: Any, step: Step) -> None:
        """Make the table of a step."""
        met = step.met
        if met is None or met.linked or met.own or met.moving or not met.columns or len(self.days) < FEWEST:
            step_table(connection, step)
            return
        columns = [f'"{column}"' for column in met.columns]
        keys = ", ".join(columns)
        known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        _make(connection, "pairs", f"SELECT DISTINCT {keys}, as_of FROM subjects WHERE {known}")
        self._grid(connection, step)
        _make(connection, "moved", _moved(step, columns, len(self.days)))
        ((moved, pairs),) = connection.execute(
            "SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM pairs)"
        ).fetchall()
        if moved > MOST * pairs:
            step_table(connection, step)
        else:
            # a temporary table stands before the table of subjects: the very same SQL runs for these pairs only
            _make(connection, "subjects", f"SELECT {keys}, as_of FROM moved JOIN grid USING (i)")
            _make(connection, "anew", step.sql)
            connection.execute("DROP TABLE temp.subjects")
            _make(connection, step.name, _over_all(columns))
            connection.execute("DROP TABLE anew")
        connection.execute("DROP TABLE moved; DROP TABLE pairs; DROP TABLE marks; DROP TABLE grid")

    def _grid(self, connection: Any, step: Step) -> None:
        """`grid`: each day, its number and the edges of windows; `marks`: for each day of a fact, the number of the first
        day by which it has come (`i`), and by which it is on or before each edge (`e0`, ...)."""
        assert step.met is not None
        days = ", ".join(f"({number}, DATE '{day}')" for number, day in enumerate(self.days, 1))
        edges = [f"{edge_sql(edge)} AS b{number}" for number, edge in enumerate(step.met.edges)]
        _make(
            connection, "grid", f"SELECT {', '.join(['i, as_of', *edges])} FROM (VALUES {days}) d(i, as_of)"
        )
        passed = [f"1 + count(*) FILTER (b{number} < day) AS e{number}" for number in range(len(edges))]
        seen = f"FROM facts_{step.met.source} WHERE NOT removed"
        _make(
            connection,
            "marks",
            f"""SELECT day, {", ".join(["1 + count(*) FILTER (as_of < day) AS i", *passed])} FROM
            (SELECT DISTINCT event_date AS day {seen} UNION SELECT DISTINCT known_at {seen}
             UNION SELECT DISTINCT superseded_at {seen} AND superseded_at IS NOT NULL), grid GROUP BY day""",
        )


def edge_sql(edge: tuple[int, int, int], as_of: str = "as_of") -> str:
    """SQL of the day an edge of a window lies on, as `terms.before` says it."""
    months, days, earlier = edge
    day = f"({as_of} - INTERVAL {months} MONTH - INTERVAL {days} DAY)::DATE"
    if earlier < 0:
        return day
    return f"(date_trunc('month', {day} + 1) - INTERVAL {earlier} MONTH - INTERVAL 1 DAY)::DATE"


def _moved(step: Step, columns: Sequence[str], days: int) -> str:
    """SQL: the pairs (key, number of the day) at which something of the key came, went or crossed an edge."""
    assert step.met is not None
    same = " AND ".join(f"f.{column} = k.{column}" for column in columns)
    keys = ", ".join(f"f.{column}" for column in columns)
    numbers = ["came.i", "gone.i", *(f"event.e{number}" for number in range(len(step.met.edges)))]
    return f"""SELECT DISTINCT {", ".join(columns)}, i FROM (
        SELECT {keys}, unnest([{", ".join(numbers)}]) AS i FROM facts_{step.met.source} f
        SEMI JOIN pairs k ON {same}
        JOIN marks came ON came.day = greatest(f.event_date, f.known_at)
        JOIN marks event ON event.day = f.event_date
        LEFT JOIN marks gone ON gone.day = f.superseded_at
        WHERE NOT f.removed AND came.i <= {days} AND (gone.i IS NULL OR gone.i > came.i)
    ) WHERE i <= {days}"""


def _over_all(columns: Sequence[str]) -> str:
    """SQL: for every pair the result of the latest pair at which something moved."""
    keys = ", ".join(columns)
    spans = f"""SELECT {keys}, as_of AS since, lead(as_of) OVER (PARTITION BY {keys} ORDER BY i) AS until
        FROM moved JOIN grid USING (i)"""
    same = " AND ".join(f"p.{column} = s.{column} AND a.{column} = s.{column}" for column in columns)
    return f"""SELECT a.* REPLACE (p.as_of AS as_of) FROM pairs p, ({spans}) s, anew a
        WHERE {same} AND p.as_of >= s.since AND (s.until IS NULL OR p.as_of < s.until) AND a.as_of = s.since"""


def _make(connection: Any, name: str, sql: str) -> None:
    step_table(connection, Step(name, sql))
