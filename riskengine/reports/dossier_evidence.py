"""Which source rows is one number of an enterprise made of, as known on a day? And which inputs, where a model made it?

A feature is told part by part: each verb over facts with the rows that entered it (`profile.entering`, the same joins and
rules that computed it), so that a count is the number of its rows and a total the sum of their column. Personal data stays
hidden. A model's number (pd, grade, score, exposure, expected_loss) names its inputs with their contributions: ask for those.
A number that only the night makes (contagion, pd_jump, avoidable) names how it was made and of what (`dossier_night`).
A source's name lists the enterprise's own visible rows of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.entering import facts_of
from riskengine.profile.expressions import Aggregate, aggregates
from riskengine.profile.kept import night_recipe
from riskengine.profile.keys import Link
from riskengine.profile.terms import signature
from riskengine.project import Project
from riskengine.reports.dossier import Files, profile_subject
from riskengine.reports.dossier_inputs import of_model
from riskengine.reports.dossier_names import BY_MODEL, BY_TERMS, names_of_night
from riskengine.reports.dossier_night import of_enterprise, of_night
from riskengine.reports.dossier_rows import (
    CLOCKS,
    hidden,
    label,
    plain,
    row_of,
    rows_where,
    stored,
    visible,
)
from riskengine.reports.dossier_rules import read_rules
from riskengine.reports.dossier_whom import Whom, meant
from riskengine.store import snapshot
from riskengine.store.ledger import batch_records, open_ledger

LISTED = 50


def evidence(project: Project, name: str, number: str, as_of: date, most: int = LISTED) -> dict[str, Any]:
    """What the number called `number` of `name` is made of, as a JSON value; at most `most` rows of each part are listed.

    `UsageError` for an unknown name, an unknown number, or a model's number of an enterprise with several guarantees.
    """
    files = Files(project, Catalogue(project), read_rules(project.configs / "dossier.toml"), ())
    _check(files.catalogue, name, number)
    with Workbench(snapshot.read(project.store)) as bench:
        whom = meant(bench, project, files.catalogue.subjects, name, as_of)
        return told_of(bench, files, whom, number, most)


def told_of(bench: Workbench, files: Files, whom: Whom, number: str, most: int = LISTED) -> dict[str, Any]:
    """The same for somebody who was looked up before."""
    head = {
        "id": whom.asked,
        "enterprise": whom.enterprise,
        "name": number,
        "as_of": str(whom.as_of),
        "snapshot": bench.snapshot.id,
    }
    if number in files.catalogue.features:
        return head | _of_feature(bench, files, whom, number, most)
    if number in files.catalogue.sources:
        return head | _of_source(bench, files, whom, number, most)
    if number not in (*BY_MODEL, *BY_TERMS) or of_enterprise(whom, number):
        return head | of_night(bench, files, whom, number)
    return head | of_model(bench, files, whom, number)


def _check(catalogue: Catalogue, name: str, number: str) -> None:
    known = [*catalogue.features, *catalogue.sources, *BY_MODEL, *BY_TERMS, *names_of_night(catalogue)]
    if number not in known:
        hint = f"{nearest(number, known)}; riskengine dossier lists the names".lstrip("; ")
        raise UsageError("No such number", [Problem(f"evidence {name}", "a feature, a source, or a number of the model, the contract or the night", repr(number), hint)])  # fmt: skip


def _of_feature(bench: Workbench, files: Files, whom: Whom, number: str, most: int) -> dict[str, Any]:
    catalogue = files.catalogue
    feature = catalogue.feature(number)
    recipe = night_recipe(catalogue, [number], lineage=True)
    bench.load_subjects(recipe, [profile_subject(files, whom, recipe)])
    bench.load_facts(recipe)
    row = bench.rows(recipe)[0]
    parts = {signature(one): one for one in aggregates(feature)}
    batches = _batches(files.project)
    return {
        "kind": "feature",
        "title": {"en": feature.en, "zh": feature.zh},
        "unit": feature.unit,
        "reference": feature.reference,
        "value": plain(row[number]),
        "event_date": plain(row[f"{number}__event"]),
        "known_at": plain(row[f"{number}__known"]),
        "single": isinstance(feature.of, Aggregate),
        "parts": [_part(bench, catalogue, one, whom, (most, batches)) for one in parts.values()],
    }


def _part(
    bench: Workbench, catalogue: Catalogue, one: Aggregate, whom: Whom, listing: tuple[int, Mapping[int, str]]
) -> dict[str, Any]:
    most, batches = listing
    told: dict[str, Any] = {
        "verb": one.verb,
        "source": one.source or None,
        "column": one.column,
        "key": one.by,
        "through": list(one.through),
        "window": _window(one),
        "where": [_condition(rule) for rule in one.where],
    }
    links = _edges(bench, catalogue, one, whom, listing)
    if one.verb in ("linked", "cycle"):
        return {
            **told,
            "rows_of": sum(each["rows_of"] for each in links),
            "sum": None,
            "rows": [],
            "links": links,
        }
    sql = facts_of(catalogue, [one])
    count, total = _counted(bench, one, sql)
    newest = bench.connection.execute(
        f"SELECT source, fact_rank FROM ({sql}) ORDER BY event_date DESC, known_at DESC, fact_rank DESC LIMIT {most}"
    ).fetchall()
    contract = catalogue.sources[one.source]
    read = [one.column, one.per, *(rule.column for rule in one.where)]
    columns = list(dict.fromkeys(name for name in read if name and name not in ("event_date", "known_at")))
    rows = _rows(bench, (contract, columns, batches), [rank for _, rank in newest])
    title = contract.title.model_dump()
    return {**told, "title": title, "rows_of": count, "sum": total, "rows": rows, "links": links}


def _counted(bench: Workbench, one: Aggregate, sql: str) -> tuple[int, Any]:
    """How many facts entered, and the exact sum of their column where the verb adds up."""
    if one.verb not in ("total", "mean") or not one.column:
        found = bench.connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()
        return int(found[0]) if found else 0, None
    files = bench.facts(one.source)
    found = bench.connection.execute(
        f'SELECT count(*), sum(f."{one.column}") FROM ({sql}) e JOIN {files} f USING (fact_rank)'
    ).fetchone()
    return (int(found[0]), plain(found[1])) if found else (0, None)


def _rows(
    bench: Workbench, told: tuple[SourceContract, Sequence[str], Mapping[int, str]], ranks: Sequence[int]
) -> list[dict[str, Any]]:
    """The stored rows of these ranks, the newest first: where each stands, its key, and the columns that were read.

    `told`: the source, the columns that were read, and the files of batches.
    """
    contract, read, batches = told
    source, shut = contract.name, hidden(contract)
    there = stored(bench, source)
    keys = [name for name in contract.key if name in there and name not in shut]
    values = [name for name in read if name in there and name not in shut and name not in keys]
    chosen = ", ".join(f'"{name}"' for name in dict.fromkeys([*CLOCKS, *keys, *values]))
    names = list(dict.fromkeys([*CLOCKS, *keys, *values]))
    found = bench.connection.execute(
        f"""SELECT {chosen} FROM {bench.facts(source)} WHERE fact_rank IN (SELECT unnest(?::BIGINT[]))
        ORDER BY event_date DESC, known_at DESC, fact_rank DESC""",
        [list(ranks)],
    ).fetchall()
    rows = (row_of(source, dict(zip(names, one, strict=True))) for one in found)
    return [
        {
            "source": source,
            "event_date": str(one.event_date),
            "known_at": str(one.known_at),
            "batch": one.batch,
            "file": batches.get(one.batch, ""),
            "row": one.row,
            "keys": {name: plain(one.values[name]) for name in keys},
            "values": {name: plain(one.values[name]) for name in values},
            "hidden": sorted(set(read) & shut),
        }
        for one in rows
    ]


def _edges(
    bench: Workbench, catalogue: Catalogue, one: Aggregate, whom: Whom, listing: tuple[int, Mapping[int, str]]
) -> list[dict[str, Any]]:
    """The rows of the first step of each way that the links lead from the enterprise."""
    links = catalogue.subjects.links
    ways = [way for name in one.through[:1] for way in (links[name].any or (one.through,))]
    columns = catalogue.subjects.keys[one.by]
    own = (
        bench.connection.execute(f'SELECT "{columns[0]}" FROM subjects WHERE subject = 0').fetchone()
        if len(columns) == 1
        else None
    )
    found = []
    for name in dict.fromkeys(way[0] for way in ways):
        link = links[name]
        contract = catalogue.sources[link.source]
        ranks = _ranks(bench, link, own[0] if own else None, whom.as_of)
        read = [column for column in sorted(link.columns) if column not in ("event_date", "known_at")]
        rows = _rows(bench, (contract, read, listing[1]), ranks[: listing[0]]) if ranks else []
        found.append(
            {
                "link": name,
                "source": link.source,
                **contract.title.model_dump(),
                "rows_of": len(ranks),
                "rows": rows,
            }
        )
    return found


def _ranks(bench: Workbench, link: Link, start: Any, as_of: date) -> list[int]:
    facts = visible(bench, link.source, as_of)
    if not facts or start is None or not link.columns <= stored(bench, link.source):
        return []
    conditions, values = [f'"{link.start}" = ?', f'"{link.end}" IS NOT NULL'], [start]
    for column, value in link.where.items():
        conditions.append(f'"{column}" = ?')
        values.append(value)
    conditions += [f'"{column}" >= {value}' for column, value in link.least.items()]
    conditions += [f'"{column}" > {value}' for column, value in link.above.items()]
    if link.window:
        conditions.append(f"event_date > DATE '{Span.parse(link.window).before(as_of)}'")
    rows = bench.connection.execute(
        f"SELECT fact_rank FROM {facts} WHERE {' AND '.join(conditions)} ORDER BY event_date DESC, known_at DESC, fact_rank DESC",
        values,
    ).fetchall()
    return [row[0] for row in rows]


def _of_source(bench: Workbench, files: Files, whom: Whom, source: str, most: int) -> dict[str, Any]:
    """The enterprise's own visible rows of a source, every column that may be shown."""
    contract, subjects = files.catalogue.sources[source], files.catalogue.subjects
    column = next(iter(subjects.keys.get("enterprise", ())), "")
    match: dict[str, Any] = {column: whom.enterprise} if contract.column_type(column) else {}
    if not match:
        newest = [(subjects.guarantee.id, one.row) for one in whom.guarantees[:1]]
        newest += [(subjects.applicant.id, row) for row in whom.applications[:1]]
        match = next(({name: row.values[name]} for name, row in newest if contract.column_type(name)), {})
    if not match:
        got = f"{source}, whose rows name no enterprise, guarantee or application"
        raise UsageError(
            "Nobody's own rows", [Problem(f"evidence {whom.asked}", "a source about enterprises", got)]
        )
    found = rows_where(bench, source, whom.as_of, match)
    columns = [name for name in contract.columns if name not in contract.key]
    ranks = [row.rank for row in found[:most]]
    rows = _rows(bench, (contract, columns, _batches(files.project)), ranks) if ranks else []
    return {
        "kind": "source",
        "title": contract.title.model_dump(),
        "rows_of": len(found),
        "labels": {name: label(contract, name).model_dump() for name in [*contract.key, *columns]},
        "rows": rows,
    }


def _window(one: Aggregate) -> str:
    if one.months:
        return f"{one.months} calendar months" + (f", {one.earlier} earlier" if one.earlier else "")
    ago = f", until {one.ago} before" if one.ago.months or one.ago.days else ""
    return (str(one.window) if one.window else "all") + ago


def _condition(rule: Any) -> str:
    return f"{rule.column} {rule.operator} {rule.value}".strip()


def _batches(project: Project) -> dict[int, str]:
    return {one.batch: Path(one.file).name for one in batch_records(open_ledger(project.store))}
