"""Do two sets of features mean the same, whatever SQL says it? A hash of what they are defined by.

Definitions as they are written (not their labels), the contracts of the sources that they read, keys and links. What a contract
leaves at its default is not part of it: an engine whose contracts know a new word still means the same by the old ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from riskengine.intake.contract import SourceContract
from riskengine.profile.catalogue import Catalogue
from riskengine.schema import fingerprint

ENGINE = 1  # raised where the engine gives the same definition other values, which the definition cannot tell


def meaning(catalogue: Catalogue, names: Iterable[str]) -> str:
    """The hash of what the named features mean by the definitions of today."""
    wanted = {name: catalogue.feature(name).of for name in names}
    read = sorted({source for value in wanted.values() for source in catalogue.rests_on(value)})
    return fingerprint(
        {
            "engine": ENGINE,
            "features": {name: _told(value) for name, value in wanted.items()},
            "sources": {name: _contract(catalogue.sources[name]) for name in read},
            "subjects": _said(catalogue.subjects),
        }
    )


def _told(value: Any) -> Any:
    """A value of definitions as JSON, with the kind of each part."""
    if is_dataclass(value):
        return [type(value).__name__, *(_told(getattr(value, one.name)) for one in fields(value))]
    return [_told(one) for one in value] if isinstance(value, tuple | list) else value


def _contract(source: SourceContract) -> Any:
    """A contract's content and, which it leaves out as it says nothing about what is taken in, from when it covers windows."""
    return _said(source) | ({"covers_from": str(source.covers_from)} if source.covers_from else {})


def _said(definition: Any) -> Any:
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
