"""Of which size class is an enterprise? The dated table of `configs/sizes.toml` (工信部联企业〔2011〕300号)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from riskengine.schema import Dated, Definition, Words, in_force, read_definition

CLASSES = ("微型", "小型", "中型", "大型")
MEASURES = ("staff", "revenue", "assets")


class SizeRow(Dated):
    """The bounds of some branches from a day on: for each measure where 小型, 中型 and 大型 begin.

    `industries` are divisions of GB/T 4754 (`51`), ranges of them (`06-46`) or longer codes (`7010`).
    """

    title: Words
    industries: tuple[str, ...] = Field(min_length=1)
    staff: tuple[float, float, float] | None = None  # persons
    revenue: tuple[float, float, float] | None = None  # currency units a year
    assets: tuple[float, float, float] | None = None  # currency units

    @model_validator(mode="after")
    def _ascending(self) -> SizeRow:
        if not self.bounds:
            raise ValueError(f"at least one of {', '.join(MEASURES)}")
        for name, bounds in self.bounds.items():
            if not 0 < bounds[0] < bounds[1] < bounds[2]:
                raise ValueError(f"{name}: three bounds above zero that ascend, not {list(bounds)}")
        for entry in self.industries:
            first, _, last = entry.partition("-")
            if not first.isdigit() or (
                last and (not last.isdigit() or len(last) != len(first) or last < first)
            ):
                raise ValueError(f"a division, a range of divisions or a longer code, not {entry!r}")
        return self

    @property
    def bounds(self) -> dict[str, tuple[float, float, float]]:
        """The measures that count here, with their bounds."""
        return {name: bounds for name in MEASURES if (bounds := getattr(self, name)) is not None}

    def reach(self, industry: str) -> int:
        """How many digits of an industry code an entry of the row matches; 0 where none does.

        >>> row = SizeRow.model_validate({"from": date(2011, 6, 18), "title": {"en": "Industry", "zh": "工业"},
        ...     "industries": ["06-46"], "staff": [20, 300, 1000], "reference": "K"})
        >>> row.reach("3511"), row.reach("5100")
        (2, 0)
        """
        found = 0
        for entry in self.industries:
            first, _, last = entry.partition("-")
            if first <= industry[: len(first)] <= (last or first):
                found = max(found, len(first))
        return found


class Inputs(Definition):
    """Which features say an enterprise's industry and measures."""

    industry: str
    staff: str = ""
    revenue: str = ""
    assets: str = ""


class Sizes(Definition):
    """`configs/sizes.toml`; with `inputs` a review computes the pseudo-feature `size_class`."""

    inputs: Inputs | None = None
    rows: tuple[SizeRow, ...] = Field(alias="row", min_length=1)

    @property
    def features(self) -> list[str]:
        """Every feature the table is read by, in order of name."""
        return sorted(set(self.inputs.model_dump().values()) - {""}) if self.inputs else []

    def class_of(self, row: Mapping[str, Any], as_of: date) -> str | None:
        """The class of a profile row; None where it cannot be said."""
        if self.inputs is None:
            return None
        industry = row.get(self.inputs.industry)
        values = {name: row.get(getattr(self.inputs, name)) for name in MEASURES}
        return size_class(self, None if industry is None else str(industry), values, as_of)


def read_sizes(path: Path) -> Sizes:
    """The size table of a project."""
    return read_definition(Sizes, path)


def size_class(table: Sizes, industry: str | None, values: Mapping[str, Any], as_of: date) -> str | None:
    """微型, 小型, 中型 or 大型 on a day, or None where it cannot be said (no industry, no row, a measure is lacking).

    `values` are `staff` (persons), `revenue` and `assets` (currency units). A class needs all measures of its row. A
    measure that is unknown makes no difference where another is already too small for 小型.
    """
    if not industry:
        return None
    longest = max(row.reach(industry) for row in table.rows)
    row = in_force([row for row in table.rows if longest and row.reach(industry) == longest], as_of)
    if row is None:
        return None
    places = [_place(values.get(name), bounds) for name, bounds in row.bounds.items()]
    known = [place for place in places if place is not None]
    if 0 in known or len(known) == len(places):
        return CLASSES[min(known)]
    return None


def larger_class(declared: str | None, computed: str | None) -> str | None:
    """The larger of the declared class and that of the figures; what has no class by figures (个体工商户, 农户) stays as declared.

    >>> larger_class("小型", "中型"), larger_class("农户", "中型"), larger_class("小型", None)
    ('中型', '农户', '小型')
    """
    if declared is None or computed is None:
        return declared or computed
    if declared not in CLASSES or computed not in CLASSES:
        return declared
    return max(declared, computed, key=CLASSES.index)


def _place(value: Any, bounds: tuple[float, float, float]) -> int | None:
    """How many of the bounds a value has reached; None where it is unknown."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    return sum(float(value) >= bound for bound in bounds)
