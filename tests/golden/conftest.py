"""Golden nights: the helper module beside the tests, and no store but the tests' own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from golden_world import PERSONAL_KEY


@pytest.fixture(scope="module", autouse=True)
def own_store() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RISKENGINE_STORE", "RISKENGINE_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("RISKENGINE_PERSONAL_KEY", PERSONAL_KEY)
        yield
