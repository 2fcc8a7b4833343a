"""Does a value cross its limit on that day? The comparison that policy rules and signals share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isnan
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from pydantic import Field, model_validator

from riskengine.schema import DatedValue, Definition, in_force

Operator = Literal[">", ">=", "<", "<=", "==", "!=", "known", "missing"]


class Condition(Definition):
    """One comparison of a feature with a limit: a plain `value`, or dated `limits` of which the one in force counts."""

    feature: str
    op: Operator
    value: float | str | None = None
    limits: tuple[DatedValue, ...] = Field(default=())

    @model_validator(mode="after")
    def _one_limit(self) -> Condition:
        needs = self.op not in ("known", "missing")
        given = (self.value is not None) + bool(self.limits)
        if given != int(needs):
            raise ValueError(
                f"{'one of value and limits' if needs else 'neither value nor limits'} with op {self.op!r}"
            )
        return self

    def limit(self, as_of: date) -> float | str | None:
        """The limit in force on `as_of`; None before the first or where there is none."""
        if self.limits:
            dated = in_force(self.limits, as_of)
            return None if dated is None else dated.value
        return self.value

    def holds(self, row: Mapping[str, Any], as_of: date) -> bool | None:
        """True or False, or None where it cannot be said: the value is unknown or no limit is in force.

        >>> Condition(feature="employees", op=">", value=500).holds({"employees": 12.0}, date(2006, 1, 31))
        False
        """
        value = row[self.feature]
        missing = value is None or (isinstance(value, float) and isnan(value))
        if self.op in ("known", "missing"):
            return missing == (self.op == "missing")
        limit = self.limit(as_of)
        if missing or limit is None:
            return None
        compare = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}[self.op]
        return bool(compare(value, limit))
