"""Which rungs can a guarantee come down, in which published facts is each one seen, and who reached it when?

`configs/outcomes.toml` is a ladder and not one "bad": steps (overdue, compensated, recovered, written off) and exits
(released, released early, extended), each read from one source by a condition in the form of a contract's `removed_when`
(a DuckDB boolean expression over the source's columns). Nothing is a rung that no source publishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

import duckdb
import pandas as pd
from pydantic import Field

from riskengine.clock import Span
from riskengine.errors import Problem, RiskEngineError, UsageError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.learning.spec_blocks import Label
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.schema import Definition, Words, parse, read_toml

FILE = "configs/outcomes.toml"
COLUMNS = ("subject", "rung", "event_date", "known_at", "lasts", "left", "left_known")
_ID = re.compile(r"^[a-z][a-z0-9_]*$")
_SQL_TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "rate": "DOUBLE", "money": "DECIMAL(18, 2)",
    "date": "DATE", "flag": "BOOLEAN",
}  # fmt: skip


class Rung(Definition):
    """One thing that can become of a guarantee.

    `step`: one further down; `exit`: the end of this risk, or of its terms, without the default. Reached on `date` (a
    column; empty: the fact's event date), or, with `after`, where it still stands so long afterwards. `left` is the column
    that says when it was over (also on the row that withdraws the fact); a rung without it is a moment and does not last.
    """

    id: str
    kind: Literal["step", "exit"]
    title: Words
    source: str
    when: str = ""
    date: str = ""
    left: str = ""
    after: str = ""
    reference: str
    evidence: Literal["A", "B", "C", "K", "D"]


class Ladder(Definition):
    """`configs/outcomes.toml`: the rungs from the top down, and which step is the default."""

    default: str
    rungs: tuple[Rung, ...] = Field(alias="rung", min_length=1)

    @property
    def ids(self) -> tuple[str, ...]:
        """The rungs' names from the top down."""
        return tuple(rung.id for rung in self.rungs)

    @property
    def causes(self) -> tuple[str, ...]:
        """What competes to end a guarantee: the default, then the exits."""
        return (self.default, *(rung.id for rung in self.rungs if rung.kind == "exit"))

    def rung(self, name: str) -> Rung:
        """One rung by its id."""
        for rung in self.rungs:
            if rung.id == name:
                return rung
        raise UsageError("No such rung", [Problem(FILE, "a rung", repr(name), nearest(name, self.ids))])


def read_ladder(catalogue: Catalogue) -> Ladder | None:
    """The project's ladder, None where it has none; a `UsageError` with every problem in the file."""
    path = catalogue.project.root / FILE
    if not path.exists():
        return None
    ladder, problems = parse(Ladder, read_toml(path), FILE)
    problems = [_hinted(problem) for problem in problems]
    if ladder is not None:
        problems = _problems(ladder, catalogue)
    if ladder is None or problems:
        raise UsageError("The ladder of outcomes is not valid", problems)
    return ladder


def label_problems(catalogue: Catalogue, ladder: Ladder | None, label: Label, subject: str) -> list[Problem]:
    """What is wrong in the rungs and the source that a model's label names."""
    rule = catalogue.subjects.applicant if subject == "applicant" else catalogue.subjects.guarantee
    ids = ladder.ids if ladder else ()
    found: list[Problem] = []
    if label.source not in ids and label.source not in catalogue.sources:
        hint = nearest(label.source, {*ids, *catalogue.sources})
        found.append(Problem("label.source", "a rung of the ladder or a source", repr(label.source), hint))
    meanings = {
        "label.indeterminate": label.indeterminate,
        "label.excluded": label.excluded,
        "label.competing": label.competing,
    }
    for place, names in meanings.items():
        got = "no such file" if ladder is None else ""
        found += [
            Problem(place, f"a rung of {FILE}", f"{name!r}{', ' + got if got else ''}", nearest(name, ids))
            for name in names
            if name not in ids
        ]
        if label.source in names and place != "label.excluded":
            found.append(Problem(place, "rungs other than the event itself", repr(label.source)))
    named = [name for name in (label.source, *sum(meanings.values(), ())) if name in ids]
    for name in dict.fromkeys(named):
        source = ladder.rung(name).source if ladder else name
        if source in catalogue.sources and catalogue.sources[source].column_type(rule.id) is None:
            found.append(Problem(f"label: {name}", f"a column {rule.id} in {source}", "none"))
    return found


def rung_events(
    bench: Workbench, catalogue: Catalogue, rungs: Sequence[Rung], id_column: str, known: date
) -> pd.DataFrame:
    """Who reached which of `rungs` when, as known on `known`: one row an event, in order of subject, rung, day.

    Columns: `subject`, `rung`, `event_date`, `known_at` (the first day on which it was known), `lasts` (bool), `left` (the
    day it was over; NaT: never, or it does not last) and `left_known`. A source not yet taken in has no events.
    """
    parts = []
    for rung in rungs:
        files = bench.facts(rung.source)
        if files:
            query = _sql(rung, catalogue.sources[rung.source], files, id_column)
            parts.append(bench.connection.execute(query, {"known": known}).df())
    if not parts:
        made = dict.fromkeys(COLUMNS, pd.Series(dtype="datetime64[us]"))
        made |= {
            "subject": pd.Series(dtype="str"),
            "rung": pd.Series(dtype="str"),
            "lasts": pd.Series(dtype=bool),
        }
        return pd.DataFrame(made)  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    order = ["subject", "rung", "event_date", "known_at", "left"]
    ordered: pd.DataFrame = found.sort_values(order, kind="stable").reset_index(drop=True)[list(COLUMNS)]
    return ordered


def _sql(rung: Rung, source: SourceContract, files: str, id_column: str) -> str:
    """One rung's events. Of each key, the version that is current on $known speaks; a withdrawn one only of its end."""
    day = f'"{rung.date}"' if rung.date else "event_date"
    keys = ", ".join(f'"{name}"' for name in source.key)
    met = f"(NOT removed AND coalesce(({rung.when or 'true'}), false))"
    slot = f"(PARTITION BY {keys})" if rung.left else f"(PARTITION BY {keys}, {day})"
    left = f'coalesce("{rung.left}", CASE WHEN removed THEN known_at END)' if rung.left else "NULL::DATE"
    spent = Span.parse(rung.after) if rung.after else Span()
    later = f"(began + INTERVAL {spent.months} MONTH + INTERVAL {spent.days} DAY)::DATE"
    still = f"AND {later} <= $known AND (over IS NULL OR over > {later})" if rung.after else ""
    return f"""
    WITH facts AS (SELECT * FROM {files} UNION ALL BY NAME SELECT * FROM ({_empty(source)})),
    versions AS (
      SELECT "{id_column}"::VARCHAR AS subject, known_at AS version_known, removed, superseded_at, {met} AS met,
        {left} AS over, min({day}) FILTER (WHERE {met}) OVER {slot} AS began,
        min(known_at) FILTER (WHERE {met}) OVER {slot} AS told
      FROM facts WHERE known_at <= $known)
    SELECT subject, '{rung.id}' AS rung, {later} AS event_date, greatest(told, {later}) AS known_at,
      {"true" if rung.left else "false"} AS lasts, over AS left,
      CASE WHEN over IS NOT NULL THEN version_known END AS left_known
    FROM versions
    WHERE (superseded_at IS NULL OR superseded_at > $known) AND (met {"OR removed" if rung.left else ""})
      AND began IS NOT NULL AND subject IS NOT NULL {still}"""


def _empty(source: SourceContract) -> str:
    """No rows of a source with all its promised columns: what was promised after the facts came is unknown."""
    listed = [
        f'NULL::{_SQL_TYPES[source.column_type(name) or "text"]} AS "{name}"'
        for name in (*source.columns, *source.derived)
    ]
    return f"SELECT {', '.join(listed)} WHERE false"


def _problems(ladder: Ladder, catalogue: Catalogue) -> list[Problem]:
    found: list[Problem] = []
    for name in sorted({name for name in ladder.ids if ladder.ids.count(name) > 1}):
        found.append(Problem(f"{FILE}: rung", "each id once", f"{name!r} twice"))
    if ladder.default not in ladder.ids:
        found.append(
            Problem(f"{FILE}: default", "a rung", repr(ladder.default), nearest(ladder.default, ladder.ids))
        )
    elif ladder.rung(ladder.default).kind != "step":
        found.append(Problem(f"{FILE}: default", "a step", f"{ladder.default!r}, which is an exit"))
    for rung in ladder.rungs:
        found += _rung_problems(rung, catalogue)
    return found


def _rung_problems(rung: Rung, catalogue: Catalogue) -> list[Problem]:
    place = f"{FILE}: rung {rung.id}"
    found = []
    if not _ID.match(rung.id):
        found.append(Problem(place, "an id of small letters, digits and _", repr(rung.id)))
    try:
        Span.parse(rung.after or "0d")
    except RiskEngineError as error:
        found += [Problem(f"{place}.after", item.expected, item.got) for item in error.problems]
    if rung.after and not rung.left:
        found.append(Problem(f"{place}.after", "a rung that lasts: left = COLUMN", "no left"))
    if rung.source not in catalogue.sources:
        hint = nearest(rung.source, catalogue.sources)
        return [*found, Problem(f"{place}.source", "a known source", repr(rung.source), hint)]
    source = catalogue.sources[rung.source]
    if source.role == "design":
        found.append(
            Problem(f"{place}.source", "a source of facts", f"{source.name}, which describes the sample")
        )
    for word, column in (("date", rung.date), ("left", rung.left)):
        kind = source.column_type(column) if column else "date"
        if kind != "date":
            known = [
                name for name in (*source.columns, *source.derived) if source.column_type(name) == "date"
            ]
            got = f"{column!r}, a {kind}" if kind else repr(column)
            found.append(
                Problem(f"{place}.{word}", f"a date column of {source.name}", got, nearest(column, known))
            )
    guarantee = catalogue.subjects.guarantee.id
    if source.column_type(guarantee) is None:
        found.append(
            Problem(f"{place}.source", f"a source with {guarantee}", f"{source.name}, which has none")
        )
    return found + _condition_problems(f"{place}.when", rung.when, source)  # fmt: skip


def _condition_problems(place: str, when: str, source: SourceContract) -> list[Problem]:
    """What DuckDB says against a condition, and texts in it that no column of the condition ever holds."""
    if not when:
        return []
    columns = [*source.columns, *source.derived]
    try:
        with duckdb.connect() as connection:
            asked = connection.execute(f"SELECT ({when}) AS answer FROM ({_empty(source)})")
            kind = str(asked.description[0][1]) if asked.description else ""
    except duckdb.Error as error:
        words = re.findall(r'"(\w+)" not found', str(error)) or re.findall(r"[A-Za-z_]\w*", when)
        strange = [word for word in words if word not in columns]
        hint = nearest(strange[0], columns) if strange else ""
        return [Problem(place, "a DuckDB boolean expression", str(error).splitlines()[0][:160], hint)]
    if kind.upper() not in ("BOOLEAN", "BOOL"):
        return [Problem(place, "a DuckDB boolean expression", f"{when!r}, which gives {kind}")]
    outside = re.sub(r"'(?:[^']|'')*'", " ", when)
    read = [name for name in columns if re.search(rf"\b{re.escape(name)}\b", outside)]
    closed = [source.columns[name].values for name in read if name in source.columns]
    if not closed or not all(closed):
        return []  # some column takes any text
    allowed = sorted({value for values in closed for value in values})
    texts = [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", when)]
    return [
        Problem(place, f"a value {source.name} takes", repr(text), nearest(text, allowed))
        for text in dict.fromkeys(texts)
        if text not in allowed
    ]


def _hinted(problem: Problem) -> Problem:
    """Add the nearest known spelling to an unknown key inside a rung."""
    place = problem.where.rsplit(": ", 1)[-1].split(".")
    if problem.expected != "a known key" or len(place) < 2:
        return problem
    return Problem(problem.where, problem.expected, problem.got, nearest(place[-1], _fields(Rung)))


def _fields(kind: type[Definition]) -> Iterable[Any]:
    return [info.alias or name for name, info in kind.model_fields.items()]
