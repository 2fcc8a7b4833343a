"""By which declared rules is the past judged? `configs/backtest.toml`: places, rest, windows, naive rules, tolerances."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from riskengine.clock import Span
from riskengine.decision.conditions import Condition
from riskengine.errors import Problem, UsageError
from riskengine.monitor.signals import Severity
from riskengine.monitor.vocabulary import GUARANTEE, Vocabulary
from riskengine.schema import Definition, Words, fingerprint, read_definition

FILE = "backtest.toml"


class Naive(Definition):
    """A rule that anyone could write down without this engine, given the same number of places.

    Guarantees that meet every condition of `when` (none: all of them) are ordered by the mean of their percentile ranks in the
    features of `order` (a leading "-": the smallest first; missing values last), ties by a seeded draw.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Words
    when: tuple[Condition, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """Every name it reads."""
        return list(
            dict.fromkeys([*(one.feature for one in self.when), *(name.lstrip("-") for name in self.order)])
        )


class Tolerance(Definition):
    """How much worse a point estimate may be before the gate asks whether chance explains it (see `gate`)."""

    capture: float = Field(default=0.01, ge=0)  # share of compensations
    precision: float = Field(default=0.01, ge=0)  # share of listings
    false_alarms: float = Field(default=0.2, ge=0)  # per 1,000 guarantees a month
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Retire(Definition):
    """When is a signal proposed for retirement, and when has it fired too rarely to judge?"""

    least_enterprises: int = Field(default=30, gt=0)  # that it fired on
    least_expected: float = Field(default=5.0, gt=0)  # compensations that chance alone would have given it
    least_judged: int = Field(
        default=30, gt=0
    )  # compensations in all, before "caught nothing alone" means anything
    lift: float = Field(
        default=1.0, gt=0
    )  # no better than the book: the interval's upper end is not above it
    overlap: float = Field(default=0.9, gt=0, le=1)  # part of its firings that one other signal has too


class Settings(Definition):
    """The whole file; every number is this house's choice [D] unless its comment says otherwise."""

    places: int = Field(default=20, gt=0)  # enterprises that can be looked into, each night that is replayed
    rest: str = (
        "6m"  # who was listed is looked into, and not listed again for so long unless its severity rises
    )
    horizon: str = "12m"  # a listing is right if the compensation follows within it; a compensation is found if listed in it
    late: int = Field(default=30, gt=0)  # days: found later than this before the compensation is hardly found
    flap: int = Field(default=90, gt=0)  # days: an alert that ends and comes again within them flapped
    severity: Severity = "orange"  # an alert: a true signal of at least this severity
    amount: str = ""  # the column of the default's source that says what was paid; empty: exposure at the last night in force
    retrain_every: str = "12m"
    visit_cost: float = Field(default=0.0, ge=0)  # currency, one visit; 0: costs are not counted in money
    replicates: int = Field(default=1000, ge=50)
    seed: int = 20261122
    naive: tuple[Naive, ...] = ()
    tolerance: Tolerance = Tolerance()
    retire: Retire = Retire()

    @field_validator("rest", "horizon", "retrain_every")
    @classmethod
    def _readable(cls, text: str) -> str:
        Span.parse(text)
        return text

    @property
    def fingerprint(self) -> str:
        """The hash of every definition of a measure: results with different ones cannot be compared."""
        own = self.model_dump(mode="json", exclude={"tolerance", "retire", "visit_cost"})
        return fingerprint(own)


def read_settings(configs: Path, known: Vocabulary) -> Settings:
    """The project's settings, without the file the defaults; a naive rule on an unknown feature is a `UsageError`."""
    path = configs / FILE
    if not path.exists():
        return Settings()
    settings = read_definition(Settings, path)
    problems = [
        problem
        for one in settings.naive
        for problem in known.problems(f"{FILE}: naive {one.name}", GUARANTEE, one.features)
    ]
    names = [one.name for one in settings.naive]
    problems += [
        Problem(f"{FILE}: naive {name}", "a name used once", "used again, or one of the engine's own")
        for name in sorted({name for name in names if names.count(name) > 1 or name in RESERVED})
    ]
    if problems:
        raise UsageError(f"{FILE} is not sound", problems)
    return settings


RESERVED = ("system", "random", "exposure")
