"""Through which keys are facts joined, whom does a key lead to, and who is a subject? `configs/subjects.toml`."""

from __future__ import annotations

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

    Edges obey both clocks like all facts. `where` are equalities an edge must meet; `window` keeps edges whose event
    lies in `(as_of - window, as_of]`.
    """

    source: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    where: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] = Field(default_factory=dict)
    window: str = ""


class Subjects(Definition):
    """`configs/subjects.toml`: the keys through which facts are joined, their links, and the two kinds of subject."""

    keys: dict[str, tuple[str, ...]]
    links: dict[str, Link] = Field(default_factory=dict)
    applicant: SubjectRule
    guarantee: SubjectRule
