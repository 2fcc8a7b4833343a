"""Which signals are views of one event, what silences what, what escalates? `configs/cases.toml`, dated and referenced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from riskengine.errors import Problem, UsageError, nearest
from riskengine.intake.contract import SourceContract
from riskengine.monitor.evidence import key_columns
from riskengine.monitor.signals import SEVERITIES, Severity
from riskengine.schema import Dated, Definition, Words, in_force, parse, read_toml

Tie = Literal[
    "guarantees_given", "guaranteed_by", "control", "same_controller", "shared_person", "counterparty"
]
_TRIVIAL_TYPES = ("date", "integer", "flag", "money", "number", "rate")


class Root(Definition):
    """One kind of event and the signals that are views of it.

    `same` names key columns of sources whose equal value means the same event (a case number): other values, other cases.
    Without it all of these signals of one enterprise are one case for as long as one of them is there.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: Words
    signals: tuple[str, ...] = Field(min_length=1)
    same: tuple[str, ...] = ()


class Inhibit(Dated):
    """A red case of one of `red` (roots or signals) silences yellow and blue cases of `silences` of the same enterprise.

    They are counted, never dropped.
    """

    red: tuple[str, ...] = Field(min_length=1)
    silences: tuple[str, ...] = Field(min_length=1)
    on: bool = True


class Escalate(Dated):
    """So many cases of one severity, raised in so many days (none: at any time), make an enterprise's line more severe.

    `overdue`: and only while a guarantee of the enterprise is overdue. Blocks of one id are versions of one rule.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: Words
    severity: Severity
    least: int = Field(default=1, ge=1)
    days: int | None = Field(default=None, ge=1)
    overdue: bool = False
    to: Severity
    on: bool = True


class CoolDown(Dated):
    """For how many days after a case ended its return at no higher severity is not told again."""

    blue: int = Field(default=0, ge=0)
    yellow: int = Field(default=0, ge=0)
    orange: int = Field(default=0, ge=0)
    red: int = Field(default=0, ge=0, le=0)  # a red is always told


class ClusterRule(Dated):
    """Related enterprises whose lines were raised within the same days and are at least so severe form one line.

    Ties of `kinds` of at least `weight` count, the strongest first, as long as no more than `most` enterprises are joined;
    who has more than `hub` ties of such a weight and one kind has none of that kind (a utility supplies a province and ties
    none of it).
    """

    days: int = Field(ge=1)
    severity: Severity
    least: int = Field(default=3, ge=2)
    most: int = Field(default=30, ge=2)
    hub: int = Field(default=10, ge=1)
    weight: float = Field(default=0.0, ge=0, le=1)
    kinds: tuple[Tie, ...] = Field(min_length=1)


class CaseFile(Definition):
    """`configs/cases.toml`.

    `overdue` and `maturity` are features of a guarantee: days overdue now (above 0: overdue) and its last day.
    `compensated` are the ending sources that mean we have paid. `remember` is for how many days ended cases are kept in mind.
    """

    overdue: str = ""
    maturity: str = ""
    compensated: tuple[str, ...] = ()
    remember: int = Field(default=730, ge=1)
    root: tuple[Root, ...] = ()
    inhibit: tuple[Inhibit, ...] = ()
    escalate: tuple[Escalate, ...] = ()
    cool_down: tuple[CoolDown, ...] = ()
    cluster: tuple[ClusterRule, ...] = ()


@dataclass(frozen=True)
class Known:
    """What a project has: ids of signals, features with their kinds, ending sources, and key columns that tell events apart."""

    signals: Collection[str]
    features: Mapping[str, str]
    ends_with: Collection[str]
    identifiers: Collection[str]


@dataclass(frozen=True)
class CaseRules:
    """The rules with what the night asks of them."""

    file: CaseFile = field(default_factory=CaseFile)
    titles: Mapping[str, Words] | None = None  # of the signals, for those that are their own root

    @cached_property
    def roots(self) -> dict[str, Root]:
        """Signal id -> its root; a signal without one is not among them."""
        return {signal: root for root in self.file.root for signal in root.signals}

    def title(self, root: str) -> Words:
        """The title of a root, or of the signal that is its own."""
        return self._titles.get(root) or Words(en=root, zh=root)

    @cached_property
    def _titles(self) -> dict[str, Words]:
        return {**(self.titles or {}), **{one.id: one.title for one in self.file.root}}

    def silenced(self, as_of: date) -> dict[str, frozenset[str]]:
        """Root or signal id with a red case -> the roots (or signals) whose yellow and blue cases it silences on a day."""
        found: dict[str, frozenset[str]] = {}
        for rule in self.file.inhibit:
            if rule.on and rule.start <= as_of:
                for name in rule.red:
                    found[name] = found.get(name, frozenset()) | frozenset(rule.silences)
        return found

    def escalations(self, as_of: date) -> tuple[Escalate, ...]:
        """The version of each rule in force on a day that is on, by the severity it leads to, the most severe first."""
        versions: dict[str, list[Escalate]] = {}
        for rule in self.file.escalate:
            versions.setdefault(rule.id, []).append(rule)
        current = [in_force(rules, as_of) for rules in versions.values()]
        chosen = [rule for rule in current if rule is not None and rule.on]
        return tuple(sorted(chosen, key=lambda rule: (-SEVERITIES.index(rule.to), rule.id)))

    def cool_down(self, severity: str, as_of: date) -> int:
        """Days for which an ended case of this severity is not told again; 0 without a rule in force."""
        rule = in_force(self.file.cool_down, as_of)
        return int(getattr(rule, severity)) if rule else 0

    def cluster(self, as_of: date) -> ClusterRule | None:
        """The rule for clusters in force on a day."""
        return in_force(self.file.cluster, as_of)


def identifying_columns(contracts: Iterable[SourceContract], subject_keys: Collection[str]) -> frozenset[str]:
    """Names of key columns that tell one event from another: texts that may be shown, no enterprise, guarantee or date.

    `subject_keys` are the columns that name subjects (`subjects.toml`: enterprise and guarantee).
    """
    return frozenset(
        name
        for contract in contracts
        for name in key_columns(contract)
        if name in contract.columns
        and contract.columns[name].type not in _TRIVIAL_TYPES
        and contract.columns[name].format not in ("uscc", "enterprise_code")
        and name not in subject_keys
    )


def read_case_rules(path: Path, known: Known, titles: Mapping[str, Words] | None = None) -> CaseRules:
    """The rules of a project; every mistake is listed in one `UsageError`. Without the file each signal is its own root."""
    if not path.exists():
        return CaseRules(titles=titles)
    made, problems = parse(CaseFile, read_toml(path), path.name)
    if made is not None:
        problems = _problems(path.name, made, known)
    if made is None or problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return CaseRules(made, titles)


class _Asked:
    """Collects what is not known by its place in the file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, where: str, expected: str, got: str, then: str = "") -> None:
        self.problems.append(Problem(f"{self.file}: {where}", expected, got, then))

    def among(self, where: str, name: str, names: Collection[str], what: str) -> bool:
        if name not in names:
            self.add(where, what, repr(name), nearest(name, names))
        return name in names


def _problems(file: str, made: CaseFile, known: Known) -> list[Problem]:
    asked = _Asked(file)
    owner = _roots(asked, made, known)
    names = {root.id for root in made.root} | (set(known.signals) - set(owner))
    for number, rule in enumerate(made.inhibit, 1):
        for side, listed in (("red", rule.red), ("silences", rule.silences)):
            for name in listed:
                asked.among(f"inhibit {number}: {side}", name, names, "a root, or a signal without one")
    for one in made.escalate:
        if SEVERITIES.index(one.to) <= SEVERITIES.index(one.severity):
            asked.add(f"escalate {one.id}: to", f"something worse than {one.severity}", one.to)
        if one.overdue and not made.overdue:
            asked.add(f"escalate {one.id}", "`overdue` to name a feature", "nothing")
    for name, kind in (("overdue", "number"), ("maturity", "date")):
        feature = getattr(made, name)
        if feature and asked.among(name, feature, known.features, "a feature"):
            got = known.features[feature]
            if got != kind:
                asked.add(name, f"a {kind}", f"{feature}, a {got}")
    for source in made.compensated:
        asked.among("compensated", source, known.ends_with, "a source that ends guarantees (`ends_with`)")
    return asked.problems


def _roots(asked: _Asked, made: CaseFile, known: Known) -> dict[str, str]:
    """The root of each signal that has one."""
    owner: dict[str, str] = {}
    seen: set[str] = set()
    for root in made.root:
        where = f"root {root.id}"
        if root.id in seen:
            asked.add(where, "an id used once", "another root has it")
        seen.add(root.id)
        for signal in root.signals:
            asked.among(where, signal, known.signals, "a signal")
            if signal in owner:
                asked.add(where, "a signal of no other root", f"{signal}, which is in {owner[signal]}")
            owner[signal] = root.id
        for column in root.same:
            asked.among(f"{where}: same", column, known.identifiers, "a key column that tells events apart")
    return owner
