"""What does the nightly page show of a guarantee, and by what does it group the book? `configs/nightly.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from riskengine.errors import Problem, UsageError
from riskengine.monitor.dynamics import Dynamics
from riskengine.monitor.peers import Peer
from riskengine.monitor.product_terms import OfProduct
from riskengine.monitor.vocabulary import ALERTED, FEED, GROUP, GUARANTEE, NIGHT, SOURCE, Vocabulary
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
    features: tuple[str, ...] = ()  # further features kept in scores.parquet
    dimension: tuple[Dimension, ...] = ()
    peer: tuple[Peer, ...] = ()  # values against their median in a group, for signals and reminders
    of_product: tuple[OfProduct, ...] = ()  # what its product allows, for signals and reminders
    dynamics: Dynamics = Dynamics()  # how a PD is read: its trigger, its peers, its course

    @property
    def inputs(self) -> list[str]:
        """Every feature it needs."""
        peers = [one.feature for one in self.peer] + [name for one in self.of_product for name in one.inputs]
        return [name for name in (self.name, self.age_months, *self.features, *peers) if name]


def read_shown(path: Path, known: Vocabulary) -> Shown:
    """The page's definition; without the file, a page without names and groupings."""
    if not path.exists():
        return Shown()
    shown = read_definition(Shown, path)
    problems = known.problems(path.name, GUARANTEE, shown.inputs)
    for dimension in shown.dimension:
        problems += known.problems(f"{path.name}: dimension", dimension.key, [])
    if "by" in shown.dynamics.model_fields_set:
        problems += known.problems(f"{path.name}: dynamics", shown.dynamics.by, [])
    problems += _peer_problems(path.name, shown.peer, known)
    problems += _product_problems(path.name, shown.of_product, known)
    if problems:
        raise UsageError(f"{path.name} is not sound", problems)
    return shown


def _peer_problems(where: str, peers: Iterable[Peer], known: Vocabulary) -> list[Problem]:
    """Names that mean something else already, features that are no numbers of a guarantee, keys that form no groups."""
    taken = {*known.features.keys() - known.peers.keys(), *known.shares(), *NIGHT, *ALERTED, *GROUP, *FEED}
    problems = []
    for one in peers:
        place = f"{where}: peer {one.name}"
        if one.name in taken:
            problems.append(Problem(f"{place}: name", "a name not used yet", repr(one.name)))
        taken.add(one.name)
        found = known.problems(f"{place}: feature", GUARANTEE, [one.feature])
        if not found and known.features.get(one.feature) != "number":
            found = [Problem(f"{place}: feature", "a feature that is a number", repr(one.feature))]
        problems += found or known.problems(f"{place}: by", one.by, [])
        if one.by in (GUARANTEE, SOURCE, *known.populations) or not known.keys.get(one.by, ("?",)):
            problems.append(Problem(f"{place}: by", "a key that forms groups", repr(one.by)))
    return problems


def _product_problems(where: str, wanted: Iterable[OfProduct], known: Vocabulary) -> list[Problem]:
    """Names that mean something else already, features that are no numbers of a guarantee, keys that form no groups."""
    taken = {*known.features.keys() - known.peers.keys(), *known.shares(), *NIGHT, *ALERTED, *GROUP, *FEED}
    problems = []
    for one in wanted:
        place = f"{where}: of_product {one.name}"
        if one.name in taken:
            problems.append(Problem(f"{place}: name", "a name not used yet", repr(one.name)))
        taken.add(one.name)
        problems += known.problems(f"{place}: feature", GUARANTEE, one.inputs)
        if one.features and not one.feature:
            problems.append(Problem(f"{place}: features", "beside a feature for the other products", "none"))
        if not known.keys.get(one.by):
            problems.append(Problem(f"{place}: by", "a key that forms groups", repr(one.by)))
    return problems
