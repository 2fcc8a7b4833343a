"""How are the rules of one day asked of earlier days? What had begun by then is moved, in its order, before all nights."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel

from riskengine.casework.rulebook import Rulebook
from riskengine.schema import Dated

M = TypeVar("M", bound=BaseModel)
_BACK = 500_000  # days: longer than any book is old, short enough to keep the order of versions


def asked_of_the_past(rules: Rulebook, day: date) -> Rulebook:
    """The casework rules of a day as if they had always been in force; of several versions of one, that of the day."""
    return replace(
        rules,
        cases=replace(rules.cases, file=undated(rules.cases.file, day)),
        budget=undated(rules.budget, day),
        floors=undated(rules.floors, day),
    )


def undated(definition: M, day: date) -> M:
    """A definition whose dated parts begin long ago; those that have not begun by the day are left out.

    The order of their days is kept, so `schema.in_force` finds on any night the version that is in force on the day.
    """
    changed: dict[str, Any] = {}
    for name in type(definition).model_fields:
        value = getattr(definition, name)
        if isinstance(value, tuple):
            changed[name] = tuple(_moved(one, day) for one in value if _begun(one, day))
        elif isinstance(value, BaseModel):
            changed[name] = undated(value, day)
    return definition.model_copy(update=changed)


def _begun(one: Any, day: date) -> bool:
    return not isinstance(one, Dated) or one.start <= day


def _moved(one: Any, day: date) -> Any:
    if not isinstance(one, BaseModel):
        return one
    made = undated(one, day)
    if isinstance(made, Dated):
        return made.model_copy(update={"start": date.fromordinal(max(made.start.toordinal() - _BACK, 1))})
    return made
