"""Which names and older numbers has each enterprise, or had, as this institution knew on a day?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from riskengine.errors import Problem, UsageError
from riskengine.identity.anatomy import exact_key
from riskengine.identity.rules import RegisterSource
from riskengine.intake.contract import SourceContract
from riskengine.intake.personal import name_shown
from riskengine.store.database import connect
from riskengine.store.snapshot import Snapshot

_SEVERAL = re.compile(r"[;；,，、|/]+")
CREDIT_CODE = 18


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


@dataclass(frozen=True)
class Register:
    """All names by code, code by older number. A number that several enterprises had names none of them."""

    names: tuple[Named, ...]
    numbers: Mapping[str, tuple[str, ...]]
    by_key: dict[str, list[Named]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for named in self.names:
            self.by_key.setdefault(named.key, []).append(named)

    def of_code(self, code: str) -> list[Named]:
        """The names of one enterprise, the current ones first."""
        return sorted(
            (named for named in self.names if named.code == code), key=lambda named: not named.current
        )

    def older(self, number: str) -> tuple[str, str]:
        """The code that an older number stands for, and by which rule; empty where none or several do.

        Rules: `registration_no` (the register's own), `organisation_code` (positions 9 to 17 of the credit code) and
        `taxpayer_no` (six digits of region before the organisation code, until 2015).
        """
        for rule, asked in (
            ("registration_no", number if len(number) != 9 else ""),
            ("organisation_code", number if len(number) == 9 else ""),
            ("taxpayer_no", number[6:] if len(number) == 15 else ""),
        ):
            codes = self.numbers.get(asked, ()) if asked else ()
            if len(codes) == 1:
                return codes[0], rule
            if codes:
                return "", rule
        return "", ""


def read_register(
    snapshot: Snapshot,
    sources: Sequence[RegisterSource],
    contracts: Mapping[str, SourceContract],
    as_of: date,
) -> Register:
    """Every name and number known by `as_of`, also of rows that later ones have superseded."""
    names: dict[tuple[str, str], Named] = {}
    numbers: dict[str, set[str]] = {}
    for told in sources:
        files = snapshot.paths(told.source)
        if not files:
            continue
        for row in _rows(files, told, contracts[told.source], as_of):
            code, current, region, person, *rest = row
            spelt, given = rest[: len(told.names)], rest[len(told.names) :]
            numbers.setdefault(code[8:17], set()).add(code)
            for number in given:
                if number:
                    numbers.setdefault(str(number).strip().upper(), set()).add(code)
            for place, cell in enumerate(spelt):
                parts = _SEVERAL.split(cell) if cell and place else [cell or ""]
                for name in filter(None, (part.strip() for part in parts)):
                    name = name_shown(name)  # an individual business may bear nothing but its owner's name
                    key = exact_key(name)
                    now = bool(current) and place == 0 and not told.when
                    held = names.get((code, key))
                    if key and (held is None or now):
                        names[code, key] = Named(
                            code, name, key, now, region or "", person or "", told.source
                        )
    return Register(
        tuple(sorted(names.values())), {number: tuple(sorted(codes)) for number, codes in numbers.items()}
    )


def _rows(
    files: Sequence[str], told: RegisterSource, contract: SourceContract, as_of: date
) -> list[tuple[Any, ...]]:
    """Rows as (code, current, region, person, names..., numbers...), the earliest known first."""
    personal = {name for name, column in contract.columns.items() if column.personal}
    picked = [name for name in told.names if name not in personal]
    if len(picked) != len(told.names):
        hidden = sorted(set(told.names) & personal)
        raise UsageError(
            "Names of persons are not read as names of enterprises",
            [
                Problem(f"configs/identity.toml: {told.source}", "a column that is not personal", repr(name))
                for name in hidden
            ],
        )
    with connect() as connection:
        facts = connection.read_parquet(list(files))
        held = set(facts.columns)
        columns = [_text(name, held) for name in (told.region, told.person, *told.names, *told.numbers)]
        when = f"and ({told.when})" if told.when else ""
        query = f"""select "{told.code}", superseded_at is null or superseded_at > $day, {", ".join(columns)} from facts
            where known_at <= $day and not removed and length("{told.code}") = {CREDIT_CODE} {when} order by fact_rank"""
        try:
            connection.execute(query, {"day": as_of})
        except duckdb.Error as error:
            where = f"configs/identity.toml: register {told.source}"
            raise UsageError(
                "The register cannot be read", [Problem(where, "columns and a condition", str(error)[:200])]
            ) from None
        found: list[tuple[Any, ...]] = connection.fetchall()
        return found


def _text(name: str, held: set[str]) -> str:
    return f'"{name}"::varchar' if name in held else "null"
