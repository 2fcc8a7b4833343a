"""How does a case change a healthy enterprise, and how do its rows reach the inbox? `cases/courts.toml` explains the format."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from healthy import Row, Rows, healthy, registered
from planted_days import AS_OF, shifted, the_day
from planted_enterprise import Enterprise
from usual_rows import USUAL

from riskengine.clock import Span, month_end
from riskengine.intake.contract import Clock, SourceContract
from riskengine.schema import read_toml

CASES = Path(__file__).parent / "cases"
Contracts = Mapping[str, SourceContract]
_OWN = ("uscc", "name", "region6", "industry_code", "bank", "institution", "guar_id", "app_id", "legal_rep")
_VERBS = {"add", "set", "scale", "drop", "grow", "ask"}
_SAID = {"to", "where", "last", "skip", "by", "columns", "times", "every", "of"}
_CASE = {
    "id",
    "as",
    "by",
    "step",
    "note",
    "fires",
    "silent",
    "both",
    "product",
    "industry_code",
    "region6",
    "born",
    "unit",
    "on",
    "hush",
    "unknown",
}


@dataclass(frozen=True)
class Case:
    """One case: the id of a rule, signal or reminder, what it must say, and what makes it say so or keep silent."""

    id: str
    says: str  # a severity, or what the rule does
    told: Mapping[str, Any]
    file: str

    def ops(self, which: str) -> list[Mapping[str, Any]]:
        """The changes of the clone that fires or of the silent one."""
        return [*self.told.get("both", []), *self.told[which]]

    @property
    def key(self) -> str:
        """Its name in the list of tests; cases of one id are told apart by what they say."""
        return "-".join(
            [self.id, self.says, *(str(self.told[name]) for name in ("by", "step") if name in self.told)]
        )


@dataclass
class Clone:
    """A planted enterprise and those around it: rows by role and source."""

    case: str
    which: str  # fires, silent or healthy
    subject: Enterprise
    numbers: Iterator[int]
    contracts: Contracts
    people: dict[str, Enterprise] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people["subject"] = self.subject
        self.rows["subject"] = self._complete("subject", healthy(self.subject, self.of))

    def of(self, role: str) -> Enterprise:
        """The enterprise of a role; one not yet spoken of comes into being with its entry at the register."""
        if role not in self.people:
            one = Enterprise(
                next(self.numbers), self.subject.serial, role, self.subject.industry_code, self.subject.region6, self.subject.product
            )  # fmt: skip
            self.people[role] = one
            self.rows[role] = self._complete(role, registered(one))
        return self.people[role]

    def grow(self, role: str) -> None:
        """Give a role all that a healthy enterprise has, guarantee in force and application included, with partners of its own."""
        one = self.of(role)
        self.rows[role] = self._complete(role, healthy(one, lambda other: self.of(f"{role}_{other}")))

    def _complete(self, role: str, rows: Rows) -> Rows:
        one = self.people[role]
        full = {
            source: [filled(self.contracts[source], row, one) for row in part]
            for source, part in rows.items()
        }
        return {
            source: [row for row in part if known_on(self.contracts[source], row) <= AS_OF] for source, part in full.items()
        }  # fmt: skip

    def change(self, op: Mapping[str, Any]) -> None:
        """Apply one operation of a case; raises `AssertionError` that says what is wrong with it."""
        (verb,) = _VERBS & set(op)
        for role in _listed(op.get("of", "subject")):
            if verb == "grow":
                names = (
                    [op["grow"]]
                    if "times" not in op
                    else [f"{op['grow']}{n}" for n in range(1, op["times"] + 1)]
                )
                for name in names:
                    self.grow(name)
                return
            who = self.of(role)
            if verb == "ask":
                self._set(who, {"set": "application", "where": {"app_id": who.new_app_id}, "to": op["ask"]})
            else:
                _checked(op, self.contracts)
                {"add": self._add, "set": self._set, "scale": self._scale, "drop": self._drop}[verb](who, op)

    def _add(self, who: Enterprise, op: Mapping[str, Any]) -> None:
        contract = self.contracts[op["add"]]
        told = {name: value for name, value in op.items() if name in contract.columns}
        for turn in range(op.get("times", 1)):
            row: Row = {**USUAL.get(contract.name, {}), **told}
            row = {name: shifted(value, op.get("every", "1d"), turn) for name, value in row.items()}
            made = filled(contract, self._read(contract, row, who), who, next(self.numbers))
            late = known_on(contract, made)
            assert late <= AS_OF or self.which == "silent", (
                f"{self.case}: the row added to {contract.name} is known on {late} only"
            )
            self.rows[who.role].setdefault(contract.name, []).append(made)

    def _set(self, who: Enterprise, op: Mapping[str, Any]) -> None:
        contract = self.contracts[op["set"]]
        for row in self._chosen(who, contract, op):
            row.update(self._read(contract, op["to"], who))

    def _scale(self, who: Enterprise, op: Mapping[str, Any]) -> None:
        contract = self.contracts[op["scale"]]
        for row in self._chosen(who, contract, op):
            for name in _listed(op["columns"]):
                value = row[name]
                assert isinstance(value, int | float)
                whole = contract.columns[name].type == "integer"
                row[name] = round(value * op["by"], None if whole else 6)

    def _drop(self, who: Enterprise, op: Mapping[str, Any]) -> None:
        contract = self.contracts[op["drop"]]
        gone = {id(row) for row in self._chosen(who, contract, op)}
        part = self.rows[who.role][contract.name]
        self.rows[who.role][contract.name] = [row for row in part if id(row) not in gone]

    def _chosen(self, who: Enterprise, contract: SourceContract, op: Mapping[str, Any]) -> list[Row]:
        where = self._read(contract, op.get("where", {}), who)
        event = contract.event_clock.column
        found = [
            row for row in self.rows[who.role].get(contract.name, []) if all(row.get(name) == value for name, value in where.items())
        ]  # fmt: skip
        days = sorted({row[event] for row in found}, reverse=True)  # type: ignore[type-var]
        skip = op.get("skip", 0)
        wanted = set(days[skip : skip + op["last"]] if "last" in op else days[skip:])
        found = [row for row in found if row[event] in wanted]
        assert found, f"{self.case}: nothing of {contract.name} fits {dict(op)}"
        return found

    def _read(self, contract: SourceContract, told: Mapping[str, Any], who: Enterprise) -> Row:
        return {name: self._value(contract, name, value, who) for name, value in told.items()}

    def _value(self, contract: SourceContract, name: str, value: Any, who: Enterprise) -> object:
        if isinstance(value, str) and "{" in value:
            value = value.format_map(_Names(self, who))
        if value == "":
            return None
        return the_day(value) if contract.columns[name].type == "date" and value is not None else value


class _Names(dict[str, Any]):
    """What `{customer1.uscc}` or `{legal_rep_id}` stands for."""

    def __init__(self, clone: Clone, who: Enterprise) -> None:
        super().__init__()
        self.clone, self.who = clone, who

    def __missing__(self, key: str) -> Any:
        return getattr(self.who, key) if hasattr(self.who, key) else self.clone.of(key)


def read_cases() -> list[Case]:
    """Every `[[case]]` of `cases/*.toml`, in order of file."""
    found = []
    for path in sorted(CASES.glob("*.toml")):
        for told in read_toml(path)["case"]:
            where = f"{path.name}: {told.get('id')}"
            assert {"id", "as", "fires", "silent"} <= set(told), (
                f"{where}: id, as, fires and silent are needed"
            )
            assert not set(told) - _CASE, f"{where}: unknown {sorted(set(told) - _CASE)}"
            found.append(Case(told["id"], told["as"], told, path.name))
    names = [case.key for case in found]
    assert len(set(names)) == len(names), (
        f"cases told twice: {sorted({n for n in names if names.count(n) > 1})}"
    )
    return found


def planted(cases: Iterable[Case], contracts: Contracts) -> dict[tuple[str, str], Clone]:
    """Two clones for each case, by (key, "fires" or "silent"), and the healthy enterprise itself."""
    numbers = count(1)
    made = {("healthy", "healthy"): _clone("healthy", "healthy", {}, numbers, contracts)}
    made["stranger", "stranger"] = _stranger(numbers, contracts)
    for case in cases:
        for which in ("fires", "silent"):
            clone = _clone(case.key, which, case.told, numbers, contracts)
            for op in case.ops(which):
                try:
                    clone.change(op)
                except (AssertionError, KeyError, ValueError, AttributeError) as error:
                    raise AssertionError(f"{case.file}: {case.key} {which} {dict(op)}: {error}") from error
            made[case.key, which] = clone
    return made


def _clone(
    key: str, which: str, told: Mapping[str, Any], numbers: Iterator[int], contracts: Contracts
) -> Clone:
    serial = next(numbers)
    own = {
        name: told[name][which] if isinstance(told[name], Mapping) else told[name]
        for name in ("industry_code", "region6", "product", "born")
        if name in told
    }
    return Clone(key, which, Enterprise(serial, serial, **own), numbers, contracts)


def _stranger(numbers: Iterator[int], contracts: Contracts) -> Clone:
    """Somebody nobody knows, of whom every source that is silent on the healthy has a row: a feed never received is unknown."""
    clone = _clone("stranger", "stranger", {"industry_code": "4110", "region6": "371702"}, numbers, contracts)
    seldom = {
        "mkt_equity",
        "mkt_people",
        "tax_reg",
    }  # a small province has none for weeks, and the feed would be stale
    for source in sorted(set(USUAL) - set(clone.rows["subject"]) | seldom):
        clone.change({"add": source})
    return clone


def filled(contract: SourceContract, row: Row, one: Enterprise, number: int = 0) -> Row:
    """The row with what is not told: whose it is, a number of its own, the day it was published."""
    full = dict(row)
    for name in _own_columns(contract):
        if name not in full:
            full[name] = getattr(one, name)
    event, known, _ = _clocks(contract.event_date, contract.known_at)
    day = full[event.column]
    assert isinstance(day, date), f"{contract.name}: {event.column} = {day!r} is no day"
    if known.column not in full:
        full[known.column] = _last_day(day) + timedelta(days=12) if event.month_end else day
    for name in contract.key if number else ():
        column = contract.columns.get(name)
        if name not in full and column is not None and column.type == "text":
            full[name] = f"（2026）鲁0702执{number}号" if name == "case_no" else f"P{name.upper()}{number}"
    return full


def known_on(contract: SourceContract, row: Row) -> date:
    """The day from which a row is known."""
    _, known, lag = _clocks(contract.event_date, contract.known_at)
    day = row[known.column]
    assert isinstance(day, date)
    return _after(lag, _last_day(day) if known.month_end else day)


def _own_columns(contract: SourceContract) -> tuple[str, ...]:
    """What says whose a row is: `product` only where it is about a deal."""
    if contract.name not in _owned:
        deal = ("product",) if {"guar_id", "app_id"} & set(contract.columns) else ()
        _owned[contract.name] = tuple(name for name in (*_OWN, *deal) if name in contract.columns)
    return _owned[contract.name]


_owned: dict[str, tuple[str, ...]] = {}
_last_day = cache(month_end)  # half a million rows share some hundred days
_after = cache(Span.after)


@cache
def _clocks(event: str, known: str) -> tuple[Clock, Clock, Span]:
    clock = Clock.parse(known)
    return Clock.parse(event), clock, Span.parse(clock.lag)


def deliver(
    clones: Iterable[Clone], contracts: Contracts, inbox: Path, hushed: Mapping[str, date]
) -> dict[str, int]:
    """Write one file for each source, in the publisher's units, without what is known after a `hushed` source's last day."""
    rows: dict[str, list[Row]] = {}
    for clone in clones:
        for part in clone.rows.values():
            for source, more in part.items():
                rows.setdefault(source, []).extend(more)
    for source, last in hushed.items():
        rows[source] = [row for row in rows[source] if known_on(contracts[source], row) <= last]
    rows["price_index"] = _once(rows["price_index"])
    for source, more in rows.items():
        contract = contracts[source]
        told = {name for row in more for name in row}
        scales = {name: column.scale for name, column in contract.columns.items() if name in told}
        path = inbox / source / f"{AS_OF}_planted.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(scales)
            writer.writerows([_cell(scale, row.get(name)) for name, scale in scales.items()] for row in more)
    return {source: len(more) for source, more in sorted(rows.items())}


def _once(rows: list[Row]) -> list[Row]:
    """Each month of an industry in a city once; clones that share them may not tell them differently."""
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = row["industry"], row["region"], row["ym"]
        assert found.setdefault(key, row) == row, (
            f"prices of {key} told twice: give the case an industry_code and a region6 of its own"
        )
    return list(found.values())


def _cell(scale: int, value: object) -> object:
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{value / scale:.12g}" if scale != 1 and isinstance(value, int | float) else value


def _checked(op: Mapping[str, Any], contracts: Contracts) -> None:
    (verb,) = _VERBS & set(op)
    source = op[verb]
    assert source in contracts, f"no source {source!r}"
    columns = set(contracts[source].columns)
    told = (
        set(op) - {verb} - _SAID
        if verb == "add"
        else {*op.get("to", {}), *op.get("where", {}), *_listed(op.get("columns", []))}
    )
    assert not told - columns, f"{source} has no column {sorted(told - columns)}"
    odd = set(op) - {verb} - _SAID - (columns if verb == "add" else set())
    assert not odd, f"unknown {sorted(odd)}"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def is_rule(name: str) -> bool:
    """Whether an id is that of an admission rule (A01 to A44; AG1 is a signal)."""
    return re.fullmatch(r"A\d\d", name) is not None


def is_reminder(name: str) -> bool:
    """Whether an id is that of a reminder (N01 to N29, with a second block such as N05-EVENT)."""
    return re.fullmatch(r"N\d\d(-[A-Z]+)?", name) is not None
