"""What does a dossier tell of an enterprise besides its numbers? `configs/dossier.toml`: which rows, in which columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, StrictInt

from riskengine.errors import Problem, nearest
from riskengine.intake.contract import SourceContract
from riskengine.profile.keys import Subjects
from riskengine.schema import Definition, Words, read_definition


class Told(Definition):
    """Rows of one source, told by the columns `say` in this order."""

    source: str
    say: tuple[str, ...]


class Terms(Definition):
    """Which columns of the guarantee's source are what; an empty name is not told. `balance` is read from its own source."""

    bank: str = ""
    product: str = ""
    amount: str = ""
    guaranteed: str = ""
    start: str = ""
    end: str = ""
    officer: str = ""
    institution: str = ""
    application: str = ""
    balance_source: str = ""
    balance: str = ""


class Relation(Definition):
    """`[[relation]]`: a link of `configs/subjects.toml`, followed one step from the enterprise.

    `size` is the column that says how strong a tie is (the sum of an amount, the greatest of a ratio); `name` the column
    that says how the other end is called, where its code says nothing.
    """

    link: str
    title: Words
    size: str = ""
    name: str = ""


class DossierRules(Definition):
    """`configs/dossier.toml`. `model` answers for guarantees in force; `trouble` are sources any row of which is trouble."""

    model: str = "inforce_pd"
    events: StrictInt = Field(default=40, ge=1)  # lines of the timeline that are shown
    ties: StrictInt = Field(default=6, ge=1)  # ties of one kind that are shown
    reviewed: StrictInt = Field(default=2, ge=0)  # applications that are reviewed, the newest first
    names: str = ""  # the source whose column `name` is what enterprises are called
    terms: Terms = Field(default_factory=Terms)
    particulars: tuple[Told, ...] = ()
    event: tuple[Told, ...] = ()
    relation: tuple[Relation, ...] = ()
    trouble: tuple[str, ...] = ()


def read_rules(path: Path) -> DossierRules:
    """The rules of a file; a project without one gets the plain dossier."""
    return read_definition(DossierRules, path) if path.exists() else DossierRules()


def problems(
    rules: DossierRules, contracts: Mapping[str, SourceContract], subjects: Subjects
) -> list[Problem]:
    """What the rules name that the project does not have."""
    found: list[Problem] = []

    def column(place: str, source: str, name: str) -> None:
        if source not in contracts:
            found.append(Problem(place, "a known source", repr(source), nearest(source, contracts)))
        elif name and contracts[source].column_type(name) is None:
            known = [*contracts[source].columns, *contracts[source].derived]
            found.append(Problem(place, f"a column of {source}", repr(name), nearest(name, known)))

    for kind, told in (("particulars", rules.particulars), ("event", rules.event)):
        for one in told:
            for name in one.say:
                column(f"dossier.toml: {kind} {one.source}", one.source, name)
    terms = rules.terms
    own = terms.model_dump(exclude={"balance_source", "balance"})
    for slot, name in own.items():
        if name:
            column(f"dossier.toml: terms.{slot}", subjects.guarantee.source, name)
    if terms.balance:
        column("dossier.toml: terms.balance", terms.balance_source, terms.balance)
    for each in rules.relation:
        place = f"dossier.toml: relation {each.link}"
        link = subjects.links.get(each.link)
        if link is None or link.any:
            known_links = [name for name, one in subjects.links.items() if not one.any]
            found.append(
                Problem(place, "a link of one source", repr(each.link), nearest(each.link, known_links))
            )
            continue
        for name in filter(None, (each.size, each.name)):
            column(place, link.source, name)
    for name in (*rules.trouble, *([rules.names] if rules.names else [])):
        column("dossier.toml", name, "name" if name == rules.names else "")
    return found
