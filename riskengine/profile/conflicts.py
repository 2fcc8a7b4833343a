"""Where several sources say the same thing of an enterprise, which one counts and do they disagree?

`configs/conflicts.toml` lists items (annual sales, staff, assets), each with the features that say it, in the order of
`PRECEDENCE`. For one profile row the ledger gives what each source says, the value that counts (the first known), how far
the known values lie apart, `(largest - smallest) / |first known|` as the verb `spread` has it, and whether that is more
than the tolerance in force:

    [annual_sales]
    title = { en = "Annual sales", zh = "年销售额" }
    tolerance = [{ from = 2026-01-01, value = 0.2, reference = "Own choice [D]" }]
    note = { en = "Ask which one is right", zh = "核实口径差异" }
    [[annual_sales.values]]
    feature = "sales_12m"
    kind = "tax"
    source = { en = "Tax filings", zh = "增值税申报" }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from pydantic import Field

from riskengine.errors import Problem, UsageError, nearest
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import Feature, aggregates
from riskengine.profile.kinds import value_kind
from riskengine.schema import DatedValue, Definition, Words, in_force, parse, read_toml

Kind = Literal["tax", "audited", "register", "bank", "annual_report", "self_declared", "market"]
PRECEDENCE: tuple[str, ...] = get_args(Kind)
Verdict = Literal["conflict", "agreed", "not comparable"]
FILE = "conflicts.toml"


class Said(Definition):
    """One source's value of an item: the feature that carries it, the kind of source, its name for people."""

    feature: str
    kind: Kind
    source: Words


class Item(Definition):
    """Something that several sources say: `values` in order of precedence, `tolerance` dated and referenced."""

    title: Words
    tolerance: tuple[DatedValue, ...] = Field(min_length=1)
    values: tuple[Said, ...] = Field(min_length=2)
    note: Words | None = None


@dataclass(frozen=True, slots=True)
class SaidValue:
    """What one source says of an item in one profile; the clocks are known where the row carries lineage."""

    feature: str
    kind: str
    source: Words
    value: float | None
    event_date: date | None
    known_at: date | None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One item of one profile: every source's value, the one that counts, how far they differ, the verdict."""

    item: str
    title: Words
    values: tuple[SaidValue, ...]
    chosen: SaidValue | None
    spread: float | None
    tolerance: float | None
    verdict: Verdict
    note: Words | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON value with one object a source."""
        return {
            "item": self.item,
            "title": self.title.model_dump(),
            "chosen": self.chosen.feature if self.chosen else None,
            "spread": self.spread,
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "note": self.note.model_dump() if self.note else None,
            "values": [
                {
                    "feature": value.feature,
                    "kind": value.kind,
                    "source": value.source.model_dump(),
                    "value": value.value,
                    "event_date": value.event_date,
                    "known_at": value.known_at,
                }
                for value in self.values
            ],
        }


def read_conflicts(catalogue: Catalogue) -> dict[str, Item]:
    """The items of `configs/conflicts.toml` by name, none where there is no such file.

    A `UsageError` lists every problem of the file at once.
    """
    path = catalogue.project.configs / FILE
    if not path.exists():
        return {}
    items: dict[str, Item] = {}
    problems: list[Problem] = []
    for name, content in read_toml(path).items():
        place = f"configs/{FILE}: {name}"
        if not isinstance(content, dict):
            problems.append(Problem(place, f"a block [{name}]", repr(content)))
            continue
        item, wrong = parse(Item, content, place)
        problems += wrong
        if item is not None:
            problems += _item_problems(place, item, catalogue)
            items[name] = item
    if problems:
        raise UsageError(f"{FILE} is not a valid definition", problems)
    return items


def ledger(items: Mapping[str, Item], row: Mapping[str, Any], as_of: date) -> tuple[LedgerEntry, ...]:
    """One entry for each item, from one profile row (feature -> value, with `__event` and `__known` if it has them)."""
    return tuple(_entry(name, item, row, as_of) for name, item in items.items())


def _entry(name: str, item: Item, row: Mapping[str, Any], as_of: date) -> LedgerEntry:
    values = tuple(
        SaidValue(
            said.feature,
            said.kind,
            said.source,
            None if row[said.feature] is None else float(row[said.feature]),
            row.get(f"{said.feature}__event"),
            row.get(f"{said.feature}__known"),
        )
        for said in item.values
    )
    known = [value for value in values if value.value is not None]
    apart = spread_of([value.value for value in known if value.value is not None])
    tolerated = in_force(item.tolerance, as_of)
    verdict: Verdict = "not comparable"
    if apart is not None and tolerated is not None:
        verdict = "conflict" if apart > tolerated.value else "agreed"
    limit = tolerated.value if tolerated else None
    return LedgerEntry(
        name, item.title, values, known[0] if known else None, apart, limit, verdict, item.note
    )


def spread_of(known: list[float]) -> float | None:
    """`(largest - smallest) / |first|`; None with fewer than two values or a first one of zero.

    >>> spread_of([100.0, 80.0, 130.0])
    0.5
    >>> spread_of([0.0, 80.0]), spread_of([80.0])
    (None, None)
    """
    if len(known) < 2 or known[0] == 0:
        return None
    return (max(known) - min(known)) / abs(known[0])


def _item_problems(place: str, item: Item, catalogue: Catalogue) -> list[Problem]:
    found = []
    names = [said.feature for said in item.values]
    for name in dict.fromkeys(names):
        if name not in catalogue.features:
            found.append(Problem(place, "a defined feature", repr(name), nearest(name, catalogue.features)))
        elif (
            _readable(name, catalogue)
            and value_kind(_feature(name, catalogue), catalogue.sources) != "number"
        ):
            found.append(Problem(place, "features that are numbers", repr(name)))
        if names.count(name) > 1:
            found.append(Problem(place, "each feature once", f"{name!r} {names.count(name)} times"))
    kinds = [said.kind for said in item.values]
    ordered = sorted(kinds, key=PRECEDENCE.index)
    if kinds != ordered:
        wanted, got = ", ".join(ordered), ", ".join(kinds)
        found.append(Problem(place, f"values in order of precedence ({wanted})", got))
    starts = [value.start for value in item.tolerance]
    if len(set(starts)) < len(starts):
        found.append(Problem(f"{place}: tolerance", "each day once", ", ".join(map(str, starts))))
    found += [
        Problem(f"{place}: tolerance", "0 or more", str(value.value))
        for value in item.tolerance
        if value.value < 0
    ]
    return found


def _feature(name: str, catalogue: Catalogue) -> Feature:
    return catalogue.features[name][1]


def _readable(name: str, catalogue: Catalogue) -> bool:
    """Whether the sources it rests on exist; where not, that is said of the feature itself."""
    parts = aggregates(_feature(name, catalogue))
    return all(not part.source or part.source in catalogue.sources for part in parts)
