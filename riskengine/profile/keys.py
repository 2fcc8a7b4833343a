"""Through which keys are facts joined, and who is a subject? `configs/subjects.toml`."""

from __future__ import annotations

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


class Subjects(Definition):
    """`configs/subjects.toml`: the keys through which facts are joined, and the two kinds of subject."""

    keys: dict[str, tuple[str, ...]]
    applicant: SubjectRule
    guarantee: SubjectRule
