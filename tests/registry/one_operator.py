"""A version made the champion by one person in a project that allows it: propose, then approve; the gates hold."""

from __future__ import annotations

from riskengine import registry
from riskengine.project import Environment
from riskengine.registry.actors import Actor
from riskengine.schema import Words

ALONE = Environment(
    name="test", title=Words(en="A test", zh="测试"), currency="CNY", single_operator=True
)  # only here: no project of the repository is opened up for it


def promoted(place: registry.Registry, model: str, version: int) -> registry.Promotion:
    """The change of champion."""
    here = registry.Office(place, Actor("only"), ALONE)
    registry.propose(here, model, version, "a test needs a champion")
    return registry.approve(here, model, version, "single operator")
