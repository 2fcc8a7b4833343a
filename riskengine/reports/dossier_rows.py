"""Which rows are known of an enterprise on a day, and how are they told without telling of persons?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from riskengine.intake.contract import SourceContract
from riskengine.intake.personal import shown
from riskengine.profile.compute import Workbench
from riskengine.schema import Words

_NAMES = ("name_key", "name_region_key")
CLOCKS = ("event_date", "known_at", "batch", "row", "fact_rank")


@dataclass(frozen=True, slots=True)
class Row:
    """One visible fact: its source, both days, where it stands (batch and row of the publisher's file), all its columns."""

    source: str
    event_date: date
    known_at: date
    batch: int
    row: int
    rank: int
    values: Mapping[str, Any]

    @property
    def place(self) -> dict[str, Any]:
        """Where the row can be looked up."""
        return {"source": self.source, "batch": self.batch, "row": self.row}


def visible(bench: Workbench, source: str, as_of: date) -> str:
    """SQL of the facts of a source that count on a day; empty text where none was ever taken in."""
    files = bench.facts(source)
    day = f"DATE '{as_of}'"
    return (
        f"(SELECT * FROM {files} WHERE known_at <= {day} AND event_date <= {day} AND NOT removed "
        f"AND (superseded_at IS NULL OR superseded_at > {day}))"
        if files
        else ""
    )


def rows_where(
    bench: Workbench, source: str, as_of: date, match: Mapping[str, Any], most: int = 0
) -> list[Row]:
    """The visible rows whose columns have these values (all of them, known), the newest first; none of an unknown column."""
    facts = visible(bench, source, as_of)
    if not facts or not set(match) <= stored(bench, source):
        return []
    condition = " AND ".join(f'"{name}" = ?' for name in match)
    limit = f" LIMIT {most}" if most else ""
    result = bench.connection.execute(
        f"SELECT * FROM {facts} WHERE {condition} ORDER BY event_date DESC, known_at DESC, fact_rank DESC{limit}",
        list(match.values()),
    )
    names = [column[0] for column in result.description or ()]
    return [row_of(source, dict(zip(names, found, strict=True))) for found in result.fetchall()]


def row_of(source: str, found: Mapping[str, Any]) -> Row:
    """A fetched row with its clocks apart."""
    event, known, batch, row, rank = (found[name] for name in CLOCKS)
    return Row(source, event, known, batch, row, rank, found)


def stored(bench: Workbench, source: str) -> set[str]:
    """The columns that the facts of a source have."""
    files = bench.facts(source)
    if not files:
        return set()
    return {row[0] for row in bench.connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}


def hidden(contract: SourceContract) -> set[str]:
    """The columns of a source that are not shown: of natural persons, or made from names."""
    found = set(contract.personal)
    if contract.identity:
        found |= {contract.identity.name, contract.identity.person} - {""}
    for name, rule in contract.derived.items():
        if rule.take in _NAMES or found & set(rule.columns):
            found.add(name)
    return found


def plain(value: Any) -> Any:
    """A stored value as JSON has it and people may see it: persons masked, money as exact text, days as ISO text."""
    if isinstance(value, Decimal):
        return f"{value:.2f}".removesuffix(".00")
    if isinstance(value, str):
        return shown(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if value != value else value  # noqa: PLR0124 a missing number
    return value.isoformat() if isinstance(value, date) else str(value)


def label(contract: SourceContract, column: str) -> Words:
    """What people call a column."""
    known: Any = contract.columns.get(column) or contract.derived.get(column)
    title = known.title if known is not None else None
    if title is not None:
        return Words(en=title.en, zh=title.zh)
    return {
        "event_date": Words(en="Event", zh="发生日"),
        "known_at": Words(en="Known", zh="获知日"),
    }.get(column) or Words(en=column, zh=column)


def said(contract: SourceContract, row: Row, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The columns of a row that have a value, with their labels, kinds and plain values."""
    found = []
    for name in columns:
        value = plain(row.values.get(name))
        if value not in (None, ""):
            words = label(contract, name)
            kind = contract.column_type(name) or "text"
            found.append({"column": name, "en": words.en, "zh": words.zh, "kind": kind, "value": value})
    return found
