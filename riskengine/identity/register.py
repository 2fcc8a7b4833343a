"""Which names and older numbers has each enterprise, or had, as this institution knew on a day?

In tables of DuckDB, asked for what a day needs: a province's register as Python objects took 20 seconds and a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from riskengine.errors import Problem, UsageError
from riskengine.identity.anatomy import name_parts
from riskengine.identity.names import PARTS, taken_apart
from riskengine.identity.rules import RegisterSource
from riskengine.intake.contract import SourceContract
from riskengine.store.database import connect
from riskengine.store.snapshot import Snapshot

_SEVERAL = "[;；,，、|/]+"
CREDIT_CODE = 18
_NAMED = "code, name, key, current, region, person, source"


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """One name of one enterprise: `current` says whether its last known record still has it."""

    code: str
    name: str
    key: str
    current: bool
    region: str = ""
    person: str = ""
    source: str = ""


class Register:
    """All names by code, code by older number. A number that several enterprises had names none of them.

    In `connection`: `named`, a row each name of each code (`Named`, and the parts of the name); `apart`, the parts of each
    spelling (`names`); `given`, the older numbers of each code.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.count = int(connection.execute("SELECT count(*) FROM named").fetchall()[0][0])

    def of_keys(self, keys: Iterable[str]) -> dict[str, list[Named]]:
        """The names with these exact keys."""
        return _grouped(self._asked({"key": keys}), "key")

    def of_codes(self, codes: Iterable[str]) -> dict[str, list[Named]]:
        """The names of these enterprises, of each the current ones first."""
        found = _grouped(self._asked({"code": codes}), "code")
        return {code: sorted(told, key=lambda named: not named.current) for code, told in found.items()}

    def of_parts(self, parts: Iterable[tuple[str, str, str, str]]) -> dict[tuple[str, ...], list[Named]]:
        """The names with these places, bodies (of three characters or more), endings and branches."""
        listed = sorted(set(parts))
        sides = (
            dict(zip(("place", "body", "ending", "branch"), zip(*listed, strict=True), strict=True))
            if listed
            else {}
        )
        if not sides:
            return {}
        found: dict[tuple[str, ...], list[Named]] = {}
        for row in self._asked(sides, ", place, body, ending, branch"):
            if row[7] and len(row[8]) >= 3 and row[9]:
                found.setdefault(row[7:], []).append(Named(*row[:7]))
        return found

    def spelt(self, names: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Place and legal form of those of these names that the register has written so."""
        self._ask({"spelt": names})
        query = "SELECT spelt, place, form FROM apart SEMI JOIN asked USING (spelt) WHERE name = spelt"
        return {row[0]: (row[1], row[2]) for row in self.connection.execute(query).fetchall()}

    def older(self, numbers: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The code that each older number stands for, and by which rule; left out where no code is known by it, no code where
        several are.

        Rules: `registration_no` (the register's own), `organisation_code` (positions 9 to 17 of the credit code) and
        `taxpayer_no` (six digits of region before the organisation code, until 2015).
        """
        asked = sorted(set(numbers))
        codes = self._codes([*asked, *(number[6:] for number in asked if len(number) == 15)])
        found: dict[str, tuple[str, str]] = {}
        for number in asked:
            rules = (
                ("registration_no", number if len(number) != 9 else ""),
                ("organisation_code", number if len(number) == 9 else ""),
                ("taxpayer_no", number[6:] if len(number) == 15 else ""),
            )
            for rule, part in rules:
                if told := codes.get(part, []):
                    found[number] = (told[0] if len(told) == 1 else "", rule)
                    break
        return found

    def numbers_of(self, code: str) -> list[str]:
        """The older numbers of an enterprise, in order."""
        query = "SELECT DISTINCT number FROM given WHERE code = ? ORDER BY number"
        return [row[0] for row in self.connection.execute(query, [code]).fetchall()]

    def _codes(self, numbers: Iterable[str]) -> dict[str, list[str]]:
        self._ask({"number": numbers})
        query = """SELECT number, list(DISTINCT code ORDER BY code) FROM given SEMI JOIN asked USING (number)
            WHERE number <> '' GROUP BY number"""
        return {row[0]: row[1] for row in self.connection.execute(query).fetchall()}

    def _asked(self, sides: Mapping[str, Iterable[str]], more: str = "") -> list[tuple[Any, ...]]:
        self._ask(sides)
        query = (
            f"SELECT {_NAMED}{more} FROM named SEMI JOIN asked USING ({', '.join(sides)}) ORDER BY {_NAMED}"
        )
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found

    def _ask(self, sides: Mapping[str, Iterable[str]]) -> None:
        columns = {name: pa.array(list(values), pa.string()) for name, values in sides.items()}
        self.connection.register("asked", pa.table(columns))


def _grouped(rows: Iterable[tuple[Any, ...]], by: str) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = {}
    for row in rows:
        named = Named(*row)
        found.setdefault(getattr(named, by), []).append(named)
    return found


def register_of(names: Iterable[Named], numbers: Mapping[str, Iterable[str]]) -> Register:
    """A register of these names, and of these numbers with their codes."""
    connection = connect()
    told = [(named, name_parts(named.name)) for named in names]
    rows: dict[str, list[Any]] = {
        name: [getattr(named, name) for named, _ in told] for name in _NAMED.split(", ")
    }
    rows |= {name: [getattr(parts, name) for _, parts in told] for name in (*PARTS[1:], "body")}
    types = {name: pa.bool_() if name == "current" else pa.string() for name in rows}
    connection.register(
        "told", pa.table({name: pa.array(column, types[name]) for name, column in rows.items()})
    )
    connection.execute("CREATE TEMP TABLE named AS FROM told")
    connection.execute(
        "CREATE TEMP TABLE apart AS SELECT DISTINCT name AS spelt, name, place, form FROM told"
    )
    pairs = [(number, code) for number, codes in numbers.items() for code in codes]
    columns = {
        name: pa.array([pair[at] for pair in pairs], pa.string())
        for at, name in enumerate(("number", "code"))
    }
    connection.register("told", pa.table(columns))
    connection.execute("CREATE TEMP TABLE given AS FROM told")
    return Register(connection)


def read_register(
    snapshot: Snapshot,
    sources: Sequence[RegisterSource],
    contracts: Mapping[str, SourceContract],
    as_of: date,
) -> Register:
    """Every name and number known by `as_of`, also of rows that later ones have superseded."""
    connection = connect()
    connection.execute(
        """CREATE TEMP TABLE spoken (code TEXT, spelt TEXT, now BOOLEAN, region TEXT, person TEXT, source TEXT,
        turn INTEGER, fact_rank BIGINT, field INTEGER, part INTEGER)"""
    )
    connection.execute("CREATE TEMP TABLE given (number TEXT, code TEXT)")
    for turn, told in enumerate(sources):
        if files := snapshot.paths(told.source):
            _read(connection, files, told, (contracts[told.source], as_of, turn))
    odd = connection.execute(
        "SELECT DISTINCT number FROM given WHERE NOT regexp_full_match(number, '[0-9A-Z]+')"
    )
    for (number,) in odd.fetchall():
        connection.execute("UPDATE given SET number = ? WHERE number = ?", [number.strip().upper(), number])
    taken_apart(connection, "SELECT spelt FROM spoken", snapshot.root)
    # of each code's spellings of one key the last current one, else the first
    connection.execute("""CREATE TEMP TABLE named AS
        WITH each AS (SELECT *, row_number() OVER (ORDER BY turn, fact_rank, field, part) AS place_of
            FROM spoken JOIN (SELECT spelt, name, key FROM apart WHERE key <> '') USING (spelt)),
        chosen AS (SELECT CASE WHEN bool_or(now) THEN max(place_of) FILTER (now) ELSE min(place_of) END AS place_of
            FROM each GROUP BY code, key)
        SELECT code, each.name, each.key, now AS current, region, person, source, place, core, trade, core || trade AS body,
            form, branch, ending FROM each SEMI JOIN chosen USING (place_of) JOIN apart USING (spelt)""")
    connection.execute("DROP TABLE spoken")
    return Register(connection)


def _read(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[str],
    told: RegisterSource,
    of: tuple[SourceContract, date, int],
) -> None:
    """Add a source's spellings to `spoken` and its numbers to `given`."""
    contract, as_of, turn = of
    _no_persons(told, contract)
    facts = connection.read_parquet(list(files))
    held = set(facts.columns)
    facts.create_view("facts", replace=True)
    when = f"AND ({told.when})" if told.when else ""
    known = f"""FROM facts WHERE known_at <= $day AND NOT removed AND length("{told.code}") = {CREDIT_CODE} {when}"""
    region, person = (f"coalesce({_text(name, held)}, '')" for name in (told.region, told.person))
    try:
        for field, name in enumerate(told.names):
            now = "false" if field or told.when else "superseded_at IS NULL OR superseded_at > $day"
            cell, part = _text(name, held), "0"
            if field:
                cell = f"unnest(regexp_split_to_array({cell}, '{_SEVERAL}'))"
                part = f"unnest(range(len(regexp_split_to_array({_text(name, held)}, '{_SEVERAL}'))))"
            connection.execute(
                f"""INSERT INTO spoken SELECT "{told.code}", {cell}, {now}, {region}, {person}, '{told.source}', {turn},
                fact_rank, {field}, {part} {known} AND {_text(name, held)} <> ''""",
                {"day": as_of},
            )
        for number in (f'"{told.code}"[9:17]', *(_text(name, held) for name in told.numbers)):
            connection.execute(
                f"""INSERT INTO given SELECT DISTINCT {number}, "{told.code}" {known} AND {number} <> ''""",
                {"day": as_of},
            )
    except duckdb.Error as error:
        where = f"configs/identity.toml: register {told.source}"
        raise UsageError(
            "The register cannot be read", [Problem(where, "columns and a condition", str(error)[:200])]
        ) from None


def _no_persons(told: RegisterSource, contract: SourceContract) -> None:
    personal = {name for name, column in contract.columns.items() if column.personal}
    if hidden := sorted(set(told.names) & personal):
        raise UsageError(
            "Names of persons are not read as names of enterprises",
            [
                Problem(f"configs/identity.toml: {told.source}", "a column that is not personal", repr(name))
                for name in hidden
            ],
        )


def _text(name: str, held: set[str]) -> str:
    return f'"{name}"::varchar' if name in held else "null"
