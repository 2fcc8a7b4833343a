"""Does a contract refuse what could not mean anything?"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from riskengine.intake.contract import SourceContract

LOANS = tomllib.loads((Path(__file__).parent / "loans.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("room", "name", "block", "said"),
    [
        ("columns", "batch", {"type": "text"}, "a name the store uses itself"),
        ("columns", "LOAN", {"type": "text"}, "named 'loan' but for case"),
        ("columns", "extra", {"type": "text", "min": 0}, "for numbers, not for a text column"),
        ("columns", "extra", {"type": "text", "pattern": "["}, "not a regular expression"),
        ("derived", "aaa", {"from": ["later"], "take": "copy"}, "names 'later'"),
        ("derived", "extra", {"from": ["name"], "take": "prefix"}, "length above 0"),
        ("derived", "extra", {"from": ["name", "loan"], "take": "copy"}, "from one column"),
        ("derived", "extra", {"from": ["name"], "take": "month"}, "which is no date"),
        ("derived", "extra", {"from": ["name"], "take": "birth_year"}, "no column of format resident_id"),
        ("columns", "extra", {"type": "text", "format": "resident_id"}, "needs personal = true"),
        ("columns", "name", {"type": "text", "personal": True}, "of which only copy and birth_year"),
    ],
)
def test_refusals(room: str, name: str, block: dict[str, Any], said: str) -> None:
    SourceContract.model_validate(LOANS)
    with pytest.raises(ValidationError, match=said):
        SourceContract.model_validate(LOANS | {room: LOANS[room] | {name: block}})


def test_a_derived_column_may_come_from_an_earlier_one_only() -> None:
    late = {"twice": {"from": ["sector"], "take": "copy"}}
    assert (
        SourceContract.model_validate(LOANS | {"derived": LOANS["derived"] | late}).column_type("twice")
        == "text"
    )
    with pytest.raises(ValidationError, match="derived after it"):
        SourceContract.model_validate(LOANS | {"derived": late | LOANS["derived"]})
