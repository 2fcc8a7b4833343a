"""The rules of a day, asked of any earlier day, are the rules of that day."""

from __future__ import annotations

from datetime import date

import pytest

from riskengine.backtest.undated import undated
from riskengine.schema import Dated, DatedValue, Definition, in_force


class Inner(Dated):
    parts: tuple[DatedValue, ...] = ()


class Outer(Definition):
    name: str = "x"
    values: tuple[DatedValue, ...] = ()
    inner: tuple[Inner, ...] = ()
    texts: tuple[str, ...] = ("a",)


def value(day: str, number: float) -> dict[str, object]:
    return {"from": day, "value": number, "reference": "test"}


@pytest.mark.parametrize(
    ("day", "expected"), [("2024-01-01", None), ("2025-06-30", 1.0), ("2026-06-30", 2.0)]
)
def test_the_version_of_the_day_is_in_force_on_every_night(day: str, expected: float | None) -> None:
    inner = {"from": "2025-01-01", "reference": "test", "parts": [value("2026-01-01", 5.0)]}
    made = Outer.model_validate(
        {
            "values": [value("2025-01-01", 1.0), value("2026-01-01", 2.0), value("2027-01-01", 3.0)],
            "inner": [inner],
        }
    )
    asked = undated(made, date.fromisoformat(day))
    for night in (date(1970, 1, 1), date(2020, 1, 31), date(2030, 1, 1)):
        found = in_force(asked.values, night)
        assert (found.value if found else None) == expected
    assert (asked.name, asked.texts) == (made.name, made.texts)
    assert [len(one.parts) for one in asked.inner] == ([] if day < "2025" else [0] if day < "2026" else [1])
