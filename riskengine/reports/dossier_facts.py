"""Who is the enterprise, what happened to it, and to whom is it tied, as its sources told by a day?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.clock import Span
from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.keys import Link
from riskengine.reports.dossier_rows import Row, hidden, plain, rows_where, said, stored, visible
from riskengine.reports.dossier_rules import DossierRules, Relation
from riskengine.reports.dossier_whom import Guarantee, Whom

KINDS = ("fact", "signal", "ended", "case", "act")


def particulars(
    bench: Workbench, catalogue: Catalogue, rules: DossierRules, whom: Whom
) -> list[dict[str, Any]]:
    """The newest row of each source of particulars, told by its columns; a source without a row says nothing."""
    found = []
    for one in rules.particulars:
        contract = catalogue.sources[one.source]
        row = _of_enterprise(bench, catalogue, one.source, whom)
        if row is not None:
            found.append(
                {
                    "source": one.source,
                    **contract.title.model_dump(),
                    "event_date": str(row.event_date),
                    "known_at": str(row.known_at),
                    "place": row.place,
                    "said": said(contract, row, _open(contract, one.say)),
                }
            )
    return found


def timeline(
    bench: Workbench, catalogue: Catalogue, rules: DossierRules, whom: Whom, more: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Facts and `more` lines (of nights and officers), the newest first: at most `rules.events`, and how many there are by source."""
    lines: list[dict[str, Any]] = [dict(one) for one in more]
    counts: dict[str, int] = {}
    for one in rules.event:
        contract = catalogue.sources[one.source]
        match = _key(catalogue, one.source, whom)
        rows = rows_where(bench, one.source, whom.as_of, match) if match else []
        if rows:
            counts[one.source] = len(rows)
        lines += [_event(contract, row, _open(contract, one.say)) for row in rows]
    lines.sort(key=lambda line: (line["on"], line["known"], line["title"]["en"]), reverse=True)
    kinds = {kind: sum(line["kind"] == kind for line in lines) for kind in KINDS}
    hidden_lines = lines[rules.events :]
    return {
        "lines": lines[: rules.events],
        "of": len(lines),
        "hidden": len(hidden_lines),
        "hidden_from": hidden_lines[0]["on"] if hidden_lines else None,
        "hidden_to": hidden_lines[-1]["on"] if hidden_lines else None,
        "kinds": kinds,
        "sources": {
            name: {**catalogue.sources[name].title.model_dump(), "rows": count}
            for name, count in counts.items()
        },
    }


def terms_told(
    bench: Workbench, catalogue: Catalogue, rules: DossierRules, one: Guarantee, as_of: date
) -> dict[str, Any]:
    """What the contract says of a guarantee, and its balance by the newest report."""
    contract, terms = catalogue.sources[catalogue.subjects.guarantee.source], rules.terms
    told = {
        slot: plain(one.row.values.get(column)) if column and column not in hidden(contract) else None
        for slot, column in terms.model_dump(exclude={"balance_source", "balance"}).items()
    }
    balance = None
    if terms.balance:
        rows = rows_where(
            bench,
            terms.balance_source,
            as_of,
            {catalogue.subjects.guarantee.id: one.row.values[catalogue.subjects.guarantee.id]},
            1,
        )
        if rows:
            value = plain(rows[0].values.get(terms.balance))
            balance = {"value": value, "on": str(rows[0].event_date), "place": rows[0].place}
    ended = one.ended
    return {
        **told,
        "balance": balance,
        "began": str(one.row.event_date),
        "place": one.row.place,
        "in_force": one.in_force,
        "ended": None
        if ended is None
        else {
            **catalogue.sources[ended.source].title.model_dump(),
            "source": ended.source,
            "on": str(ended.event_date),
            "place": ended.place,
        },
        "lapsed": one.lapsed,
    }


def relations(
    bench: Workbench, catalogue: Catalogue, rules: DossierRules, whom: Whom
) -> list[dict[str, Any]]:
    """The ties of each kind, the strongest first: other end, strength, number of rows, days; nobody's troubles yet."""
    found = []
    for one in rules.relation:
        link = catalogue.subjects.links[one.link]
        contract = catalogue.sources[link.source]
        ties = _ties(bench, contract, link, one, whom)
        found.append(
            {
                "link": one.link,
                **one.title.model_dump(),
                "source": link.source,
                "known": bool(bench.facts(link.source)),
                "unit": _unit(contract, one.size),
                "of": len(ties),
                "ties": ties[: rules.ties],
            }
        )
    codes = sorted({tie["code"] for one in found for tie in one["ties"] if not tie["person"]})
    names, bad = (
        _names(bench, rules, codes, whom.as_of),
        _troubles(bench, catalogue, rules, codes, whom.as_of),
    )
    for each in found:
        for tie in each["ties"]:
            tie["name"] = names.get(tie["code"]) or tie["name"]
            tie["trouble"] = bad.get(tie["code"], [])
    return found


def _ties(
    bench: Workbench, contract: SourceContract, link: Link, one: Relation, whom: Whom
) -> list[dict[str, Any]]:
    facts = visible(bench, contract.name, whom.as_of)
    wanted = {link.start, link.end, *link.where, *link.least, *link.above}
    if not facts or not wanted <= stored(bench, contract.name):
        return []
    conditions = [f'"{link.start}" = ?', f'"{link.end}" IS NOT NULL', f'"{link.end}" <> ?']
    values: list[Any] = [whom.enterprise] * 2
    for column, value in link.where.items():
        conditions.append(f'"{column}" = ?')
        values.append(value)
    conditions += [f'"{column}" >= {value}' for column, value in link.least.items()]
    conditions += [f'"{column}" > {value}' for column, value in link.above.items()]
    if link.window:
        conditions.append(f"event_date > DATE '{Span.parse(link.window).before(whom.as_of)}'")
    kind = contract.column_type(one.size) if one.size else None
    size = f'{"sum" if kind == "money" else "max"}("{one.size}")' if one.size else "NULL"
    name = (
        f'arg_max("{one.name}", fact_rank)'
        if one.name and one.name in stored(bench, contract.name)
        else "NULL"
    )
    rows = bench.connection.execute(
        f"""SELECT "{link.end}"::VARCHAR, {size}, {name}, count(*), max(event_date), max(known_at) FROM {facts}
        WHERE {" AND ".join(conditions)} GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 5 DESC, 1""",
        values,
    ).fetchall()
    whole = sum((abs(row[1]) for row in rows if row[1] is not None), Decimal(0) if kind == "money" else 0)
    return [
        {
            "code": plain(code),
            "person": plain(code) != code,
            "name": plain(called),
            "size": plain(much),
            "share": float(abs(much) / whole) if kind == "money" and much is not None and whole else None,
            "rows": count,
            "event_date": str(event),
            "known_at": str(known),
        }
        for code, much, called, count, event, known in rows
    ]


def _unit(contract: SourceContract, column: str) -> str:
    kind = contract.column_type(column) if column else None
    return {"money": contract.currency, "rate": "share"}.get(kind or "", "")


def _names(bench: Workbench, rules: DossierRules, codes: Sequence[str], as_of: date) -> dict[str, str]:
    facts = visible(bench, rules.names, as_of) if rules.names else ""
    if not facts or not codes:
        return {}
    rows = bench.connection.execute(
        f"SELECT uscc, arg_max(name, fact_rank) FROM {facts} WHERE uscc IN (SELECT unnest(?::VARCHAR[])) GROUP BY 1",
        [list(codes)],
    ).fetchall()
    return {str(code): str(plain(name)) for code, name in rows if name is not None}


def _troubles(
    bench: Workbench, catalogue: Catalogue, rules: DossierRules, codes: Sequence[str], as_of: date
) -> dict[str, list[dict[str, Any]]]:
    """Enterprise -> the sources of trouble that have rows of it, with how many and the newest day."""
    found: dict[str, list[dict[str, Any]]] = {}
    (column,) = catalogue.subjects.keys.get("enterprise", ("",))[:1]
    for source in rules.trouble:
        facts = visible(bench, source, as_of)
        if not facts or not codes or column not in stored(bench, source):
            continue
        rows = bench.connection.execute(
            f'SELECT "{column}", count(*), max(event_date) FROM {facts} WHERE "{column}" IN (SELECT unnest(?::VARCHAR[])) GROUP BY 1',
            [list(codes)],
        ).fetchall()
        for code, count, day in rows:
            title = catalogue.sources[source].title.model_dump()
            found.setdefault(str(code), []).append({"source": source, **title, "rows": count, "on": str(day)})
    return found


def _of_enterprise(bench: Workbench, catalogue: Catalogue, source: str, whom: Whom) -> Row | None:
    """The newest row of the enterprise, or of its newest guarantee or application where the source has no code of it."""
    match = _key(catalogue, source, whom)
    rows = rows_where(bench, source, whom.as_of, match, 1) if match else []
    return rows[0] if rows else None


def _key(catalogue: Catalogue, source: str, whom: Whom) -> dict[str, Any]:
    contract, subjects = catalogue.sources[source], catalogue.subjects
    (column,) = subjects.keys.get("enterprise", ("",))[:1]
    if column and contract.column_type(column):
        return {column: whom.enterprise}
    newest = [(subjects.guarantee.id, one.row) for one in whom.guarantees[:1]]
    newest += [(subjects.applicant.id, row) for row in whom.applications[:1]]
    return next(({name: row.values[name]} for name, row in newest if contract.column_type(name)), {})


def _event(contract: SourceContract, row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "on": str(row.event_date),
        "known": str(row.known_at),
        "kind": "fact",
        "title": contract.title.model_dump(),
        "text": None,
        "said": said(contract, row, columns),
        "severity": None,
        "place": row.place,
    }


def _open(contract: SourceContract, columns: Sequence[str]) -> list[str]:
    """The columns that may be told (a person's own particulars may not, an enterprise's name may)."""
    own = contract.identity.name if contract.identity else ""
    return [name for name in columns if name == own or name not in hidden(contract)]
