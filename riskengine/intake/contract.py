"""What does a source promise: its columns, its key, its two clocks, its coverage?"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from riskengine.clock import Span
from riskengine.errors import Problem, UsageError
from riskengine.project import Project
from riskengine.schema import Definition, Words, read_definition

ColumnType = Literal["text", "integer", "number", "money", "rate", "date", "flag"]
Family = Literal["government", "market", "guarantee", "credit"]
RESERVED = ("event_date", "known_at", "batch", "row", "removed", "fact_hash", "superseded_at", "fact_rank")
_CLUSTERING = ("text", "integer", "date")
_CLOCK = re.compile(r"^(?:(month_end)\((\w+)\)|(\w+))(?:\s*\+\s*(\d+[dmy]))?$")


class Column(Definition):
    """One column of the publisher's file: type, unit, which values are allowed and which mean "missing"."""

    type: ColumnType
    title: Words | None = None
    unit: str = ""
    required: bool = False
    missing: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    format: Literal["", "uscc", "enterprise_code", "resident_id"] = ""
    personal: bool = False  # stored as a keyed hash with what may be shown before it
    scale: float = 1  # what one unit in the file is in yuan or the declared currency (万元: 10000)

    @model_validator(mode="after")
    def _makes_sense(self) -> Column:
        if self.type in ("text", "date", "flag") and (self.min, self.max, self.scale) != (None, None, 1):
            raise ValueError(f"min, max and scale are for numbers, not for a {self.type} column")
        if (self.format or self.personal) and self.type != "text":
            raise ValueError(f"format and personal are for text, not for a {self.type} column")
        if self.format == "resident_id" and not self.personal:
            raise ValueError("a resident number is personal: it needs personal = true")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from None
        return self


class Derived(Definition):
    """A column made at intake from others: `copy`, `prefix` (first `length` characters), `name_key`, `month` (01 to 12)
    of a date, `birth_year` of a resident number."""

    columns: tuple[str, ...] = Field(alias="from")
    take: Literal["copy", "prefix", "name_key", "name_region_key", "month", "birth_year"]
    length: int = 0
    title: Words | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Derived:
        if (self.take == "prefix") != (self.length > 0):
            raise ValueError("a prefix, and only a prefix, has a length above 0")
        if (len(self.columns) > 1) != (self.take == "name_region_key") or not self.columns:
            raise ValueError(
                "name_region_key is made from a name and its regions, anything else from one column"
            )
        return self


class Assertion(Definition):
    """A rule each row must not break: a DuckDB boolean expression over the columns; null passes."""

    name: str
    rule: str
    title: Words | None = None


class Lag(Definition):
    """How long after its event a row usually arrives, and after how long nine in ten have: a measure, not a clock."""

    usual: str
    late: str = ""
    reference: str = ""

    @field_validator("usual", "late")
    @classmethod
    def _readable_span(cls, text: str) -> str:
        if text:
            Span.parse(text)
        return text


class WhoIsMeant(Definition):
    """`[identity]`: the columns that tell which enterprise a row is about where its code is missing or an old one."""

    code: str
    name: str
    region: str = ""
    person: str = ""


class Clock(Definition):
    """When a row of the source becomes known, counted from a column (`known_at = "month_end(month) + 30d"`)."""

    month_end: bool = False
    column: str = ""  # empty: the day the file arrived
    lag: str = "0d"

    @classmethod
    def parse(cls, text: str) -> Clock:
        """Read `COLUMN`, `COLUMN + 30d`, `month_end(COLUMN) + 30d` or `arrival`.

        >>> Clock.parse("month_end(month) + 30d")
        Clock(month_end=True, column='month', lag='30d')
        >>> Clock.parse("arrival").column
        ''
        """
        if text.strip() == "arrival":
            return cls()
        match = _CLOCK.match(text.strip())
        if not match:
            raise ValueError(
                f"a clock such as 'COLUMN + 30d', 'month_end(COLUMN)' or 'arrival', not {text!r}"
            )
        return cls(month_end=bool(match[1]), column=match[2] or match[3], lag=match[4] or "0d")


class SourceContract(Definition):
    """Everything that is promised of one source; one `configs/sources/<name>.toml`.

    `covers_from` 数据自何日起完整: the first event day from which the source tells everything that `coverage` says, for one that was
    connected late. Counts over a window that begins before it are unknown (`profile.covering`). None: it always did.
    """

    name: str
    family: Family
    title: Words
    publisher: str
    reference: str
    legal_basis: str = ""  # on what ground the publisher publishes and the institution may use it
    lag: Lag | None = None
    identity: WhoIsMeant | None = None
    cadence: Literal["daily", "weekly", "monthly", "quarterly", "yearly", "event", "once"]
    coverage: Literal["complete", "partial"]
    covers_from: date | None = Field(default=None, exclude=True)  # says nothing about what is taken in
    role: Literal["facts", "design"] = "facts"  # design: how the sample was drawn; no feature may read it
    fed_by_applicant: bool = False  # an applicant's own file fills this source at review
    currency: str = "CNY"
    key: tuple[str, ...]
    cluster: str = Field(default="", exclude=True)  # see `clustered_by`; says nothing about the data
    event_date: str
    known_at: str
    stale_after: str = ""
    columns: dict[str, Column]
    derived: dict[str, Derived] = Field(default_factory=dict)
    ignored: dict[str, str] = Field(default_factory=dict)  # column -> why it is not taken in
    removed_when: str = ""  # a DuckDB boolean expression: the row says that its key is withdrawn
    assertions: tuple[Assertion, ...] = Field(default=(), alias="assert")

    @field_validator("event_date", "known_at")
    @classmethod
    def _readable_clock(cls, text: str) -> str:
        Clock.parse(text)
        return text

    @field_validator("stale_after")
    @classmethod
    def _readable_span(cls, text: str) -> str:
        if text:
            Span.parse(text)
        return text

    @model_validator(mode="after")
    def _covers_from_a_day(self) -> SourceContract:
        if self.covers_from and not 1900 <= self.covers_from.year < 2200:
            raise ValueError(f"covers_from is a day of 1900 to 2199, not {self.covers_from}")
        if self.covers_from and self.role == "design":
            raise ValueError("covers_from is for facts: no feature reads a design")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> SourceContract:
        known = set(self.columns) | set(self.derived)
        wanted = {
            "key": self.key,
            "event_date": self._clock_columns(self.event_date),
            "known_at": self._clock_columns(self.known_at),
        }
        for derived, rule in self.derived.items():
            wanted[f"derived.{derived}"] = rule.columns
        missing = [
            f"{place} names {name!r}"
            for place, names in wanted.items()
            for name in names
            if name not in known
        ]
        if self.cluster and self.column_type(self.cluster) not in _CLUSTERING:
            missing.append(
                f"cluster names {self.cluster!r}, which is no column of text, whole numbers or dates"
            )
        if self.identity:
            told = [self.identity.code, self.identity.name, self.identity.region, self.identity.person]
            missing += [f"identity names {name!r}" for name in told if name and name not in known]
        both = sorted(set(self.columns) & set(self.ignored))
        missing += [f"column {name!r} is both taken in and ignored" for name in both]
        missing += [
            f"column {name!r} has a name the store uses itself" for name in known if name.lower() in RESERVED
        ]
        folded = sorted(name.lower() for name in known)
        missing += [
            f"two columns are named {name!r} but for case" for name in set(folded) if folded.count(name) > 1
        ]
        earlier = set(self.columns)
        for derived, rule in self.derived.items():
            late = [name for name in rule.columns if name in known and name not in earlier]
            missing += [f"derived.{derived} names {name!r}, which is derived after it" for name in late]
            earlier.add(derived)
        missing += self._unfit_derivations()
        if missing:
            raise ValueError("; ".join(missing) + f"; columns are {', '.join(sorted(known))}")
        return self

    def _unfit_derivations(self) -> list[str]:
        """Derivations that their column cannot serve: of a personal one only a copy or a birth year may be made."""
        personal = set(self.personal)
        faults = []
        for name, rule in self.derived.items():
            first = rule.columns[0]
            place = f"derived.{name} takes {rule.take} from"
            if rule.take == "birth_year":
                if first not in self.columns or self.columns[first].format != "resident_id":
                    faults.append(f"{place} {first!r}, which is no column of format resident_id")
            elif rule.take == "copy":
                personal |= {name} if first in personal else set()
            elif rule.take == "month" and self.column_type(first) not in ("date", None):
                faults.append(f"{place} {first!r}, which is no date")
            elif personal & set(rule.columns):
                faults.append(f"{place} a personal column, of which only copy and birth_year may be made")
        return faults

    @property
    def clustered_by(self) -> str:
        """The column whose value says where in the store a fact lies (`store.index`), as facts are looked up by it.

        `cluster` where the contract names one, else the enterprise's code: that of `[identity]`, else the first column of
        codes in the key, else the first at all; else the first column of the key that can be.
        """
        codes = [
            name for name, column in self.columns.items() if column.format in ("uscc", "enterprise_code")
        ]
        codes = [*(name for name in self.key if name in codes), *codes]
        told = [self.cluster, self.identity.code if self.identity else "", *codes, *self.key]
        fit = [name for name in told if name and self.column_type(name) in _CLUSTERING]
        return (fit or [self.key[0]])[0]

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that are stored as a mask and a keyed hash (`intake.personal`)."""
        return tuple(name for name, column in self.columns.items() if column.personal)

    @property
    def names_persons(self) -> bool:
        """Whether rows may name natural persons, so that the key of personal data is needed: in personal columns, or
        where enterprises' names are expected (`[identity]`)."""
        return bool(self.personal or self.identity)

    @property
    def event_clock(self) -> Clock:
        """The parsed event clock."""
        return Clock.parse(self.event_date)

    @property
    def known_clock(self) -> Clock:
        """The parsed clock of knowledge."""
        return Clock.parse(self.known_at)

    def column_type(self, name: str) -> ColumnType | None:
        """The type of a taken-in or derived column, None where there is no such column."""
        if name in self.columns:
            return self.columns[name].type
        if name in self.derived:
            rule = self.derived[name]
            if rule.take == "birth_year":
                return "integer"
            return self.column_type(rule.columns[0]) if rule.take == "copy" else "text"
        return {"event_date": "date", "known_at": "date"}.get(name)  # type: ignore[return-value]

    @staticmethod
    def _clock_columns(text: str) -> tuple[str, ...]:
        column = Clock.parse(text).column
        return (column,) if column else ()


def read_contract(path: Path) -> SourceContract:
    """The contract of one source; the name in the file must be the file's name."""
    contract = read_definition(SourceContract, path)
    if contract.name != path.stem:
        raise UsageError(
            "A source is misnamed", [Problem(str(path), f"name = {path.stem!r}", repr(contract.name))]
        )
    return contract


def read_contracts(project: Project) -> dict[str, SourceContract]:
    """Every `configs/sources/*.toml` by name, or a `UsageError` with the problems of all of them."""
    contracts: dict[str, SourceContract] = {}
    problems: list[Problem] = []
    for path in project.definition_files("configs/sources", ".toml"):
        try:
            contracts[path.stem] = read_contract(path)
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError("Source contracts are not valid", problems)
    return contracts
