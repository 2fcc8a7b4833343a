"""Does a value cross its limit on that day? The comparison that policy rules and signals share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import isnan
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from pydantic import Field, model_validator

from riskengine.schema import Dated, DatedValue, Definition, in_force

# What policy and products may read besides the project's features: the desk knows it of each applicant.
BY_MODEL = ("pd", "score", "grade_no")  # grade_no: 1 is the best grade
BY_DESK = (*BY_MODEL, "size_class", "product")

ORDERED = (">", ">=", "<", "<=")
_COMPARE = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}
Operator = Literal[">", ">=", "<", "<=", "==", "!=", "in", "not in", "known", "missing"]


class DatedList(Dated):
    """A list of texts in force from a day on: the codes of an industry list, the purposes a product is for."""

    values: tuple[str, ...] = Field(min_length=1)


class Condition(Definition):
    """One comparison of a feature with a limit: a plain `value`, or dated `limits` of which the one in force counts.

    `in` and `not in` compare a text with `values`, or with dated `lists`; an entry that ends in `*` stands for every
    text that begins like it (`70*`: every code of division 70).
    """

    feature: str
    op: Operator
    value: float | str | None = None
    limits: tuple[DatedValue, ...] = Field(default=())
    values: tuple[str, ...] = Field(default=())
    lists: tuple[DatedList, ...] = Field(default=())

    @model_validator(mode="after")
    def _one_limit(self) -> Condition:
        listed = self.op in ("in", "not in")
        single = not listed and self.op not in ("known", "missing")
        if (self.value is not None) + bool(self.limits) != int(single):
            raise ValueError(
                f"{'one of value and limits' if single else 'neither value nor limits'} with op {self.op!r}"
            )
        if bool(self.values) + bool(self.lists) != int(listed):
            raise ValueError(
                f"{'one of values and lists' if listed else 'neither values nor lists'} with op {self.op!r}"
            )
        return self

    def begun(self, as_of: date) -> bool:
        """Whether a limit (or list) of it is in force on a day; a plain one always is."""
        return not (self.limits or self.lists) or self.limit(as_of) is not None

    def limit(self, as_of: date) -> float | str | tuple[str, ...] | None:
        """The limit (or list) in force on `as_of`; None before the first or where there is none."""
        if self.lists:
            listed = in_force(self.lists, as_of)
            return None if listed is None else listed.values
        if self.limits:
            dated = in_force(self.limits, as_of)
            return None if dated is None else dated.value
        return self.values or self.value

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
        if isinstance(limit, tuple):
            return listed(str(value), limit) == (self.op == "in")
        return bool(_COMPARE[self.op](value, limit))


def listed(value: str, entries: tuple[str, ...]) -> bool:
    """Whether a text is one of the entries, or begins like one that ends in `*`.

    >>> listed("7010", ("62", "70*"))
    True
    """
    return value in entries or value.startswith(_beginnings(entries))


@lru_cache(maxsize=256)
def _beginnings(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry[:-1] for entry in entries if entry.endswith("*"))


def few(entries: Sequence[str], most: int = 4) -> str:
    """A list in few words.

    >>> few(["62", "70*"], 1)
    '62 / ...'
    """
    return " / ".join(entries[:most]) + (" / ..." if len(entries) > most else "")


def distance(condition: Condition, row: Mapping[str, Any], day: date) -> float | None:
    """How far a number lies from its limit, as a part of the limit's size (of 1 where the limit is 0); None where neither is one."""
    value, limit = row.get(condition.feature), condition.limit(day)
    if condition.op not in ORDERED or not isinstance(limit, (int, float)):
        return None
    if not isinstance(value, (int, float, Decimal)) or value != value:  # noqa: PLR0124 - NaN
        return None
    return round(float(abs(float(value) - limit) / (abs(limit) or 1.0)), 6)


def away(value: Decimal, limit: Decimal) -> float:
    """The same of exact numbers."""
    return round(float(abs(value - limit) / (abs(limit) or Decimal(1))), 6)
