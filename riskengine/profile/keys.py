"""Through which keys are facts joined, whom does a key lead to, and who is a subject? `configs/subjects.toml`."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from riskengine.schema import Definition


class SubjectRule(Definition):
    """Who is looked at: one subject for each fact key of `source`, named by the column `id`.

    `ends_with` are sources whose fact on the same id ends the subject (a charge-off, a release); `longest` is the age
    after which a subject without a known end is no longer followed.
    """

    source: str
    id: str
    enterprise: str
    shown: tuple[str, ...] = ()  # further columns that go with a subject: its group in validation, its name
    ends_with: tuple[str, ...] = ()
    longest: str = ""


class Link(Definition):
    """`[links.<name>]`: each fact of `source` is an edge from the key in column `from` to the key in column `to`.

    Edges obey both clocks like all facts. `where` are equalities an edge must meet; `least` are numbers that a column must
    reach and `above` numbers it must pass (an unknown value does neither); `window` keeps edges whose event lies in
    `(as_of - window, as_of]`. With `largest = 5, by = "amt"` only the five keys lead on whose qualifying edges from that
    start have the largest exact total of the column (of equal totals the smaller key; an unknown total is the least).

    With `any = [["holder"], ["owner", "owned"]]` instead of all these the link is a union: whatever any of the chains of
    other links leads to, each key once, the subject itself left out. It is followed alone, never inside a chain.
    """

    source: str = ""
    start: str = Field(default="", alias="from")
    end: str = Field(default="", alias="to")
    where: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] = Field(default_factory=dict)
    least: dict[str, StrictInt | StrictFloat] = Field(default_factory=dict)
    above: dict[str, StrictInt | StrictFloat] = Field(default_factory=dict)
    window: str = ""
    largest: StrictInt = Field(default=0, ge=0)
    by: str = ""
    any: tuple[tuple[str, ...], ...] = ()

    @property
    def columns(self) -> set[str]:
        """The columns of `source` that an edge is read from."""
        return {self.start, self.end, *self.where, *self.least, *self.above, *([self.by] if self.by else [])}


class Subjects(Definition):
    """`configs/subjects.toml`: the keys through which facts are joined, their links, and the kinds of subject.

    `populations` are further ones that only reminders speak of: one subject an id, by its last fact.
    """

    keys: dict[str, tuple[str, ...]]
    links: dict[str, Link] = Field(default_factory=dict)
    applicant: SubjectRule
    guarantee: SubjectRule
    populations: dict[str, SubjectRule] = Field(default_factory=dict)

    def link_sources(self, names: Iterable[str]) -> set[str]:
        """The sources whose facts are followed along these links, unions opened; undeclared links have none."""
        known = [self.links[name] for name in names if name in self.links]
        inside = [
            self.links[name] for link in known for way in link.any for name in way if name in self.links
        ]
        return {link.source for link in (*known, *inside) if not link.any}
