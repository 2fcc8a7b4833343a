"""No test sees the caller's project or store, and what takes longest begins first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for _name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT", "RISKENGINE_PERSONAL_KEY"):
    os.environ.pop(_name, None)

# Whole files go to a worker one after the other (`--dist loadfile`): one of these at the end would leave the other worker idle.
_LONGEST = (
    "golden/test_killed_anywhere.py", "profile/test_contracts.py", "golden/test_killed_night.py", "spark/test_equal.py",
    "planted/test_planted_cases.py", "sba/test_nightly.py", "sba/test_changes.py", "golden/test_golden_night.py",
)  # fmt: skip
_PLACES = {Path(__file__).parent / name: place for place, name in enumerate(_LONGEST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in their order."""
    items.sort(key=lambda item: _PLACES.get(item.path, len(_PLACES)))
