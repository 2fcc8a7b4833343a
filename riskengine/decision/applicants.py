"""Who asks, as of when, and what do they say of themselves?

An applicant is either known to the store by name, or a row of a file with the sources' own column names. Such a row is
cleaned by the contract of every source that applicants feed and becomes facts of that applicant alone, which happened
and were known on its own as-of date: no applicant sees another's row, and columns of outcomes reach nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskengine.errors import Problem, UsageError
from riskengine.profile.compute import Overlay, Subject, Workbench
from riskengine.profile.recipe import Recipe

if TYPE_CHECKING:
    from riskengine.intake.contract import SourceContract
    from riskengine.profile.keys import SubjectRule
    from riskengine.project import Project

Plain = str | int | float | bool | None
NO_ID = "(no id)"


@dataclass(frozen=True, slots=True)
class Applicant:
    """One applicant: whom, as of when, the keys facts are joined through, facts it brings, and what was wrong.

    `facts` are JSON values (dates and decimals as text), so that a record holds exactly what was computed with.
    `blocked`: nothing can be computed (no day to look from, a cell the contract cannot do without). `unread`: columns
    (the id, the date) that the row should say and does not: the model answers, but nothing is decided.
    """

    name: str | None
    as_of: date | None
    keys: Mapping[str, Plain] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    problems: tuple[Mapping[str, Plain], ...] = ()
    blocked: bool = False
    fed: bool = False
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` reads back."""
        return {
            "name": self.name,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "keys": dict(self.keys),
            "facts": {source: dict(values) for source, values in self.facts.items()},
            "problems": [dict(problem) for problem in self.problems],
            "blocked": self.blocked,
            "fed": self.fed,
            "unread": list(self.unread),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Applicant:
        """The applicant that was written with `to_json`."""
        as_of = date.fromisoformat(value["as_of"]) if value["as_of"] else None
        return cls(
            value["name"], as_of, value["keys"], value["facts"], tuple(value["problems"]), value["blocked"],
            value["fed"], tuple(value.get("unread", ())),
        )  # fmt: skip


def subjects_and_facts(recipe: Recipe, applicants: Sequence[Applicant]) -> tuple[list[Subject], Overlay]:
    """What the workbench needs to compute a recipe for applicants (none of them blocked)."""
    kinds = dict(recipe.keys)
    subjects, facts = [], {name: list[tuple[int, dict[str, Any]]]() for name, _ in recipe.sources}
    for number, applicant in enumerate(applicants):
        assert applicant.as_of is not None
        keys = {name: _revived(applicant.keys.get(name), kind) for name, kind in kinds.items()}
        subjects.append(Subject(applicant.as_of, keys, applicant.fed))
        for name, note in recipe.sources:
            if name in applicant.facts:
                said = applicant.facts[name]
                values = {column: _revived(said.get(column), kind) for column, kind in note.columns}
                facts[name].append(
                    (number, values | {"event_date": applicant.as_of, "known_at": applicant.as_of})
                )
    return subjects, Overlay(facts)


def known_applicants(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, names: Iterable[str], as_of: date
) -> list[Applicant]:
    """Applicants by id (or an enterprise's latest) as known on `as_of`; unknown names are a `UsageError`."""
    from riskengine.profile.subjects import find_subject

    found, problems = [], []
    for name in names:
        subject = find_subject(bench, rule, recipe, name, as_of)
        if subject is None:
            place = f"source {rule.source}, as of {as_of}"
            hint = "Check the id and the date; --applicants FILE reviews applicants not taken in yet"
            problems.append(Problem(place, "an id known on that day", repr(name), hint))
        else:
            found.append(Applicant(name, as_of, {key: _plain(value) for key, value in subject.keys.items()}))
    if problems:
        raise UsageError("Nothing is known of an applicant", problems)
    return found


def recent_applicants(
    bench: Workbench, rule: SubjectRule, recipe: Recipe, start: date, end: date
) -> list[Applicant]:
    """Everybody who applied from `start` to `end`, as known on `end`, each as of the own day of application, in that order."""
    from riskengine.profile.subjects import load_applicants

    load_applicants(bench, rule, recipe, known=end, start=start)
    found = bench.connection.execute("SELECT * FROM subjects WHERE as_of <= ? ORDER BY subject", [end])
    names = [column[0] for column in found.description or ()]
    keys = [column for column, _ in recipe.keys]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [Applicant(str(row["id"]), row["as_of"], {key: _plain(row[key]) for key in keys}) for row in rows]


def filed_applicants(project: Project, path: Path, as_of: date | None) -> list[Applicant]:
    """One applicant for each row of a file, in order; a bad row stays, blocked, with what is wrong with it."""
    from riskengine.intake.readers import read_file

    table = read_file(path).cells
    return applicants_of_rows(project, table.to_pylist(), as_of, columns=list(table.column_names))


@dataclass(frozen=True, slots=True)
class Form:
    """What an application looks like: who an applicant is, and the contracts of the sources that applicants feed."""

    rule: SubjectRule
    fed: Mapping[str, SourceContract]


def read_form(project: Project) -> Form:
    """The project's form of an application."""
    from riskengine.intake.contract import read_contracts
    from riskengine.profile.keys import Subjects
    from riskengine.schema import read_definition

    rule = read_definition(Subjects, project.configs / "subjects.toml").applicant
    fed = {name: contract for name, contract in read_contracts(project).items() if contract.fed_by_applicant}
    return Form(rule, fed)


def applicants_of_rows(
    project: Project,
    rows: Sequence[Mapping[str, Any]],
    as_of: date | None,
    *,
    columns: Sequence[str] = (),
    form: Form | None = None,
) -> list[Applicant]:
    """One applicant for each row of raw cells; `columns` that nothing takes are named once on stderr."""
    from riskengine.intake.applicant import clean_cells
    from riskengine.intake.personal import personal_key

    form = form or read_form(project)
    rule, fed = form.rule, form.fed
    if rule.source not in fed:
        place = f"configs/sources/{rule.source}.toml"
        raise UsageError(
            "Applicants cannot bring a row", [Problem(place, "fed_by_applicant = true", "false")]
        )
    _check_columns(fed, rule, columns or sorted({name for row in rows for name in row}))
    codes = {
        name for contract in fed.values() for name, c in contract.columns.items() if c.pattern or c.values
    }
    marked = [_marked(_coded(row, codes), rule.id) for row in rows]
    dated = _dated(fed, fed[rule.source], [row for row, _ in marked], as_of)
    filled = [row for row, _, _ in dated]
    said: list[dict[str, dict[str, Plain]]] = [{} for _ in rows]
    wrong: list[list[tuple[dict[str, Plain], bool]]] = [
        [(problem, day is None) for problem in (no_id, no_day) if problem]
        for (_, no_id), (_, day, no_day) in zip(marked, dated, strict=True)
    ]
    secret = personal_key(project.store) if any(contract.names_persons for contract in fed.values()) else b""
    for name, contract in fed.items():
        typed, problems = clean_cells(contract, filled, as_of or date.min, secret)
        for number, (values, found) in enumerate(zip(typed, problems, strict=True)):
            said[number][name] = {column: _plain(value) for column, value in values.items()}
            for item in found:
                entry: dict[str, Plain] = {"column": item.column, "rule": item.rule, "value": item.value}
                wrong[number].append((entry, item.blocking))
    return [
        _applicant(
            rule, said[number], wrong[number], day, tuple(str(p["column"]) for p in (no_id, no_day) if p)
        )
        for number, ((_, no_id), (_, day, no_day)) in enumerate(zip(marked, dated, strict=True))
    ]


def _applicant(
    rule: SubjectRule,
    said: Mapping[str, Mapping[str, Plain]],
    wrong: Sequence[tuple[dict[str, Plain], bool]],
    day: date | None,
    unread: tuple[str, ...],
) -> Applicant:
    own = said[rule.source]
    name = own[rule.id]
    distinct = {tuple(entry.values()): entry for entry, _ in wrong}
    blocked = day is None or name is None or any(blocking for _, blocking in wrong)
    clocks = ("event_date", "known_at", "removed")
    facts = {
        source: {column: value for column, value in values.items() if column not in clocks}
        for source, values in said.items()
    }
    return Applicant(
        None if name is None or rule.id in unread else str(name), day,
        {k: v for k, v in own.items() if k not in clocks}, {} if blocked else facts, tuple(distinct.values()),
        blocked, True, unread,
    )  # fmt: skip


def _coded(row: Mapping[str, Any], codes: Iterable[str]) -> Mapping[str, Any]:
    """A row whose codes are written as whole numbers: tables with gaps write the code 722410 as the text `722410.0`."""
    spelled = {
        name: cell[:-2]
        for name in codes
        if isinstance(cell := row.get(name), str) and cell.endswith(".0") and cell[:-2].isdecimal()
    }
    return {**row, **spelled} if spelled else row


def _marked(row: Mapping[str, Any], column: str) -> tuple[Mapping[str, Any], dict[str, Plain]]:
    """A row without an id under a placeholder that no stored application has, and what is wrong."""
    from riskengine.intake.cells import cell_text

    if cell_text(row.get(column)) is not None:
        return row, {}
    return {**row, column: NO_ID}, {"column": column, "rule": "required", "value": None}


def _dated(
    fed: Mapping[str, SourceContract],
    own: SourceContract,
    rows: Sequence[Mapping[str, Any]],
    as_of: date | None,
) -> list[tuple[dict[str, Any], date | None, dict[str, Plain]]]:
    """Each row with its as-of date in the columns that clocks read where these say none; the date; what is wrong.

    A row's own application date counts, whatever `as_of` is; `as_of` serves rows without one, and rows whose date cannot
    be read, which is reported.
    """
    from riskengine.intake.cells import cell_parser, cell_text

    clocks = {clock.column for item in fed.values() for clock in (item.event_clock, item.known_clock)} - {""}
    column = own.event_clock.column
    read = cell_parser(own.columns[column], own.currency) if column else None
    found = []
    for row in rows:
        raw = row.get(column) if column else None
        value, problem = read(raw) if read and cell_text(raw) is not None else (None, "")
        day = value if isinstance(value, date) else as_of
        wrong: dict[str, Plain] = {}
        filled = dict(row)
        if problem:
            wrong = {"column": column, "rule": problem, "value": str(raw)}
            filled[column] = None
        elif day is None:
            wrong = {"column": column, "rule": f"no {column or 'date'} and no --as-of", "value": None}
        if day is not None:
            filled |= {name: day.isoformat() for name in clocks if cell_text(filled.get(name)) is None}
        found.append((filled, day, wrong))
    return found


def _check_columns(fed: Mapping[str, SourceContract], rule: SubjectRule, columns: Sequence[str]) -> None:
    taken = {name for contract in fed.values() for name in contract.columns}
    if not taken & set(columns):
        raise UsageError(
            "Not a file of applicants",
            [
                Problem(
                    "columns",
                    f"columns of {', '.join(fed)} such as {rule.id}",
                    ", ".join(columns[:12]) or "none",
                )
            ],
        )
    unused = [name for name in columns if name not in taken]
    if unused:
        print(
            f"note: columns that no applicant source takes are not used: {', '.join(unused)}", file=sys.stderr
        )


def _plain(value: Any) -> Plain:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _revived(value: Plain, kind: str) -> Any:
    """The typed value that `_plain` wrote, by the DuckDB type of its column."""
    if value is None:
        return None
    if kind == "DATE":
        return date.fromisoformat(str(value))
    return Decimal(str(value)) if kind.startswith("DECIMAL") else value
