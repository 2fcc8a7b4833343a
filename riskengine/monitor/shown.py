"""What does the nightly page show of a guarantee, and by what does it group the book? `configs/nightly.toml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from riskengine.errors import UsageError
from riskengine.monitor.signals import Severity
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary
from riskengine.schema import Definition, Words, read_definition


class Dimension(Definition):
    """A key of `subjects.toml` by which exposure and expected loss are told apart, with names for its values."""

    key: str
    title: Words
    labels: dict[str, Words] = Field(default_factory=dict)

    def label(self, value: str) -> Words:
        """The name of a value, or the value itself."""
        return self.labels.get(value, Words(en=value, zh=value))


class Shown(Definition):
    """Which features name a guarantee and tell its age, how many are listed, and the groupings."""

    name: str = ""
    age_months: str = ""
    listed: int = Field(default=20, gt=0)
    floor: Severity = "orange"  # a guarantee needs an own signal of at least this to be acted on today
    features: tuple[str, ...] = ()  # further features kept in scores.parquet
    dimension: tuple[Dimension, ...] = ()

    @property
    def inputs(self) -> list[str]:
        """Every feature it needs."""
        return [name for name in (self.name, self.age_months, *self.features) if name]


def read_shown(path: Path, known: Vocabulary) -> Shown:
    """The page's definition; without the file, a page without names and groupings."""
    if not path.exists():
        return Shown()
    shown = read_definition(Shown, path)
    problems = known.problems(path.name, GUARANTEE, shown.inputs)
    for dimension in shown.dimension:
        problems += known.problems(f"{path.name}: dimension", dimension.key, [])
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return shown
